"""The bars of a run: each must be able to fail."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from inventory_sync.demo.report import ChannelFigures, Percentiles, Report, percentiles

NONE = Percentiles(p50=None, p95=None, p99=None, count=0)
CHANNEL = ChannelFigures(
    placed=400,
    accepted=300,
    applied=300,
    sale_to_applied=NONE,
    sale_to_pushed=NONE,
    calls=10,
    calls_by_status={"200": 10},
)
GOOD = Report(
    seed=7,
    mode="strict",
    clock=20,
    minutes=3,
    faults_on=False,
    channels={"flipkart": CHANNEL, "amazon": CHANNEL, "shopify": CHANNEL},
    own_accepted=950,
    oracle_orders=1000,
    scarce={},
    oversold=0,
    oversold_by_sku={},
    shown_share=0.95,
    rows_live=584,
    rows_open={},
    rows_moved_again=(),
    lost=(),
    wrong=(),
    strange=(),
    units_differ=(),
    ledger="",
    faults={},
    alerts={},
    up_seconds=60,
    drain_seconds=60,
    processor_seconds={},
    latest_buyer_seconds=0.0,
)


def test_a_run_on_the_bars_passes():
    assert GOOD.misses() == []
    assert GOOD.as_json()["passed"] is True


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"oversold": 1}, "strict allows 0"),
        ({"mode": "balanced", "oversold": 2}, "balanced allows 1"),
        ({"mode": "off", "oversold": 2}, "too kind"),
        ({"own_accepted": 949}, "94.9% of the oracle"),
        ({"shown_share": 0.94}, "94.0% of the goals"),
        ({"ledger": "SKU A in BLR: 3, movements say 4"}, "ledger does not verify"),
        ({"lost": ("flipkart OD1/1",)}, "1 orders lost"),
        ({"wrong": ("flipkart OD1/1",)}, "not applied exactly once"),
        ({"strange": ("amazon 9",)}, "never sold"),
        ({"units_differ": ("A",)}, "blocked units differ"),
        ({"rows_open": {"Flipkart A": "a write is in flight"}}, "1 of 584 rows have not converged"),
    ],
)
def test_each_bar_can_be_missed(changes, words):
    misses = replace(GOOD, **changes).misses()

    assert len(misses) == 1
    assert words in misses[0]
    assert replace(GOOD, **changes).as_json()["passed"] is False


def test_balanced_allows_one_unit_for_each_full_thousand_orders():
    balanced = replace(GOOD, mode="balanced", oversold=1)
    busy = replace(balanced, oversold=2, channels={"flipkart": replace(CHANNEL, placed=2000)})

    assert balanced.misses() == []
    assert busy.misses() == []
    assert replace(busy, oversold=3).misses()


def test_the_control_must_oversell_and_has_no_other_bar_of_quality():
    off = replace(GOOD, mode="off", oversold=3, own_accepted=10, shown_share=0.1)

    assert off.misses() == []
    assert replace(off, lost=("amazon 1",)).misses()


def test_with_faults_nothing_may_be_lost_or_doubled_and_strict_still_never_oversells():
    faulty = replace(GOOD, faults_on=True, own_accepted=10, shown_share=0.1)

    assert faulty.misses() == []
    for changes in ({"oversold": 1}, {"lost": ("x",)}, {"wrong": ("x",)}, {"ledger": "x"}, {"rows_open": {"x": "y"}}):
        assert replace(faulty, **changes).misses()


def test_long_lists_are_cut_in_words_and_complete_in_the_file():
    report = replace(GOOD, lost=tuple(f"flipkart {number}" for number in range(9)))

    assert report.misses()[0].endswith("…")
    assert len(report.as_json()["lost"]) == 9


def test_the_report_can_be_written_as_json():
    told = json.loads(json.dumps(GOOD.as_json()))

    assert told["accepted_share"] == 0.95
    assert told["rows_converged"] == 584
    assert told["ledger_verified"] is True
    assert told["channels"]["amazon"]["calls"] == 10


def test_percentiles_are_values_that_were_measured():
    told = percentiles([5.0, 1.0, 4.0, 2.0, 3.0])

    assert (told.p50, told.p95, told.p99, told.count) == (3.0, 5.0, 5.0, 5)
    assert percentiles([7.5]).p99 == 7.5
    assert percentiles(range(1, 101)).p95 == 95


def test_without_measurements_there_are_no_percentiles():
    assert percentiles([]) == NONE
