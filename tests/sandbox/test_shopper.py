"""Arrivals are fixed by their seed, the oracle serves a perfect pool, and the shopper buys in real time and reports each outcome."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.server import SandboxServer
from sandbox.shopper import Arrival, ListingDemand, Shopper, arrivals, oracle_accepted, read_plan, zipf_rates
from tests.sandbox.test_spine import CornerShop, open_corner_shop

MUG = ListingDemand(channel="corner", listing_key="mug", rate_per_hour=120)
PEN = ListingDemand(
    channel="corner", listing_key="pen", rate_per_hour=30, options={"cod": False}, option_shares={"cod": 0.5}
)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(clock_factor=600, open_marketplaces=open_corner_shop) as running:
        running.marketplaces["corner"].load({"quantities": {"mug": 40, "pen": 1000}})
        running.world.set_components("corner", "mug", (("MUG", 1),))
        running.world.truth.set_shelf("MUG", 40)
        yield running


def test_the_same_seed_gives_the_same_buyers_and_another_seed_gives_others():
    def plan(seed: int) -> list[Arrival]:
        return arrivals(seed=seed, minutes=60, listings=[MUG, PEN], two_unit_share=0.2, cancel_share=0.1)

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)
    assert plan(1) == sorted(plan(1), key=lambda buyer: buyer.at_seconds)


def test_the_buyers_of_one_listing_do_not_depend_on_other_listings_or_on_shares():
    alone = arrivals(seed=1, minutes=60, listings=[MUG], cancel_share=0)
    beside = arrivals(seed=1, minutes=60, listings=[PEN, MUG], cancel_share=0.5, two_unit_share=0.5)

    assert [buyer.at_seconds for buyer in beside if buyer.listing_key == "mug"] == [buyer.at_seconds for buyer in alone]


def test_rates_and_shares_come_out_as_asked():
    buyers = arrivals(seed=4, minutes=60 * 50, listings=[MUG, PEN], two_unit_share=0.1, cancel_share=0.05)
    pens = [buyer for buyer in buyers if buyer.listing_key == "pen"]

    # Poisson: 6,000 mugs +- 5 standard deviations of 77; 1,500 pens +- 5 of 39; binomial shares likewise.
    assert abs(len(buyers) - len(pens) - 6000) < 390
    assert abs(len(pens) - 1500) < 195
    assert abs(sum(buyer.units == 2 for buyer in buyers) / len(buyers) - 0.10) < 0.02
    assert abs(sum(buyer.cancel_after_seconds is not None for buyer in buyers) / len(buyers) - 0.05) < 0.015
    assert abs(sum(buyer.options["cod"] for buyer in pens) / len(pens) - 0.5) < 0.07
    assert all(buyer.units in (1, 2) for buyer in buyers)


def test_no_cancellation_falls_after_the_end():
    buyers = arrivals(seed=4, minutes=60, listings=[MUG], cancel_share=1, cancel_delay_seconds=(900, 1800))

    cancelling = [buyer for buyer in buyers if buyer.cancel_after_seconds is not None]
    assert 0 < len(cancelling) < len(buyers)
    assert all(900 <= buyer.cancel_after_seconds <= 1800 for buyer in cancelling)
    assert max(buyer.at_seconds + buyer.cancel_after_seconds for buyer in cancelling) < 3600


def test_zipf_rates_fall_and_add_up():
    assert zipf_rates(110, 3, exponent=1) == pytest.approx([60, 30, 20])
    assert zipf_rates(90, 3, exponent=0) == pytest.approx([30, 30, 30])
    with pytest.raises(ValueError, match="count"):
        zipf_rates(10, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"minutes": -1}, "minutes"),
        ({"cancel_share": 1.5}, "cancel_share"),
        ({"two_unit_share": -0.1}, "two_unit_share"),
        ({"cancel_delay_seconds": (9, 3)}, "cancel_delay_seconds"),
        ({"listings": [MUG, MUG]}, "twice"),
        ({"listings": [ListingDemand(channel="corner", listing_key="mug", rate_per_hour=-1)]}, "rate_per_hour"),
    ],
)
def test_a_demand_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        arrivals(**{"seed": 1, "minutes": 1, "listings": [MUG], **change})


def buyer(at: float, key: str, *, units: int = 1, cancel: float | None = None) -> Arrival:
    return Arrival(at_seconds=at, channel="corner", listing_key=key, units=units, cancel_after_seconds=cancel)


def test_the_oracle_serves_in_order_of_time_and_takes_cancelled_units_back():
    components = {
        ("corner", "mug"): [("MUG", 1)],
        ("corner", "set"): [("MUG", 2), ("PEN", 1)],
        ("corner", "theirs"): [],
    }
    buyers = [
        buyer(50, "mug"),  # refused: none left until 60
        buyer(10, "mug", cancel=50),  # accepted, given back at 60
        buyer(20, "set", cancel=500),  # accepted: 2 mugs and a pen
        buyer(30, "mug", units=2),  # refused: one left, orders are not split
        buyer(40, "mug"),  # accepted: the last one
        buyer(45, "set", cancel=1),  # refused, so its cancellation gives nothing back
        buyer(60, "mug"),  # accepted: the unit given back at this instant
        buyer(70, "theirs", units=9),  # held by the marketplace: left out
    ]

    result = oracle_accepted(buyers, {"MUG": 4, "PEN": 5, "CUP": 1}, components)

    assert (result.orders, result.units, result.refused, result.cancelled) == (4, 4, 3, 2)
    mug, pen, cup = (result.by_sku[sku] for sku in ("MUG", "PEN", "CUP"))
    assert (mug.shelf, mug.accepted, mug.given_back, mug.sold) == (4, 5, 3, 2)
    assert (pen.accepted, pen.given_back, pen.sold) == (1, 1, 0)
    assert (cup.accepted, cup.given_back) == (0, 0)


def test_the_oracle_wants_components_for_every_listing():
    with pytest.raises(ValueError, match="cup"):
        oracle_accepted([buyer(1, "cup")], {"MUG": 1}, {("corner", "mug"): [("MUG", 1)]})


KITS = {("corner", "mug"): [("MUG", 1)], ("corner", "set"): [("MUG", 2), ("PEN", 1)], ("corner", "pen"): [("PEN", 3)]}
BUYERS = st.lists(
    st.builds(
        buyer,
        st.integers(0, 50),
        st.sampled_from(["mug", "set", "pen"]),
        units=st.integers(1, 3),
        cancel=st.none() | st.integers(0, 20),
    ),
    max_size=40,
)


@given(buyers=BUYERS, mugs=st.integers(0, 12), pens=st.integers(0, 12))
def test_the_oracle_never_exceeds_the_shelf_and_accounts_for_every_buyer(buyers, mugs, pens):
    result = oracle_accepted(buyers, {"MUG": mugs, "PEN": pens}, KITS)

    assert result.orders + result.refused == len(buyers)
    for sku, shelf in (("MUG", mugs), ("PEN", pens)):
        assert 0 <= result.by_sku[sku].sold <= shelf
    # At every instant, not only at the end: what is promised by then, less what is back by then, fits the shelf.
    for instant in {each.at_seconds for each in buyers}:
        so_far = [each for each in buyers if each.at_seconds <= instant]
        kept = [
            buyer(each.at_seconds, each.listing_key, units=each.units, cancel=_if_by(each, instant)) for each in so_far
        ]
        then = oracle_accepted(kept, {"MUG": mugs, "PEN": pens}, KITS)
        assert then.by_sku["MUG"].sold <= mugs
        assert then.by_sku["PEN"].sold <= pens


def _if_by(each: Arrival, instant: float) -> float | None:
    after = each.cancel_after_seconds
    return after if after is not None and each.at_seconds + after <= instant else None


@given(buyers=BUYERS)
def test_the_oracle_sells_everything_when_the_shelf_is_deep(buyers):
    result = oracle_accepted(buyers, {"MUG": 1000, "PEN": 1000}, KITS)

    assert (result.orders, result.refused) == (len(buyers), 0)
    assert result.cancelled == sum(each.cancel_after_seconds is not None for each in buyers)


@pytest.mark.parametrize("over_http", [True, False])
def test_the_shopper_buys_each_arrival_at_its_instant_and_records_the_outcome(server, over_http):
    buyers = arrivals(seed=1, minutes=30, listings=[MUG, PEN], cancel_share=0.2, cancel_delay_seconds=(60, 120))

    began = time.monotonic()
    shopper = Shopper(target=server.url if over_http else server, arrivals=buyers).start()
    assert shopper.wait(20)
    took = time.monotonic() - began

    report = shopper.report()
    row = report["channels"]["corner"]
    truth = server.world.truth
    assert buyers[-1].at_seconds / 600 <= took < 8
    assert row["arrivals"] == len(buyers) == row["accepted"] + row["refused"]
    assert row["accepted"] == truth.sales_count()
    assert row["refused"] == truth.refusals().get("corner", 0) > 0
    assert row["cancelled"] == truth.cancellations()["corner"] > 0
    assert {each.order_id for each in shopper.outcomes if each.result == "accepted"} == {
        sale.order_id for sale in truth.sales
    }
    assert all(each.reason == "out_of_stock" for each in shopper.outcomes if each.result == "refused")
    assert report["outcomes"][0]["listing_key"] == buyers[0].listing_key
    assert json.loads(json.dumps(report)) == report


def test_a_slow_marketplace_does_not_shift_the_next_buyers(server):
    class SlowShop(CornerShop):
        def buy(self, **body: Any):
            time.sleep(0.3)
            return super().buy(**body)

    slow = SlowShop(server.world)
    slow.load({"quantities": {"mug": 40}})
    server.marketplaces["corner"] = slow
    shopper = Shopper(target=server, arrivals=[buyer(30 * n, "mug") for n in range(8)], workers=8).start()

    assert shopper.wait(10)

    assert [outcome.result for outcome in shopper.outcomes] == ["accepted"] * 8
    assert shopper.report()["latest_seconds"] < 0.25


def test_one_failing_buyer_does_not_end_the_run(server):
    shopper = Shopper(target=server.url, arrivals=[buyer(0, "unknown"), buyer(1, "mug")]).start()

    assert shopper.wait(10)

    assert [outcome.result for outcome in shopper.outcomes] == ["failed", "accepted"]
    assert "400" in shopper.outcomes[0].reason


def test_a_stopped_shopper_leaves_the_rest_pending_and_no_thread(server):
    shopper = Shopper(target=server, arrivals=[buyer(0, "mug"), buyer(60_000, "mug")]).start()
    deadline = time.monotonic() + 5
    while shopper.outcomes[0].result == "pending" and time.monotonic() < deadline:
        time.sleep(0.01)

    shopper.stop()

    assert [outcome.result for outcome in shopper.outcomes] == ["accepted", "pending"]
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith(("sandbox-shopper", "sandbox-buyer"))
    ]


PLAN = {"seed": 7, "minutes": 10, "listings": [{"channel": "corner", "listing_key": "mug", "rate_per_hour": 120}]}


def shop_by_command(*, url: str, plan: Any, folder) -> tuple[int, dict[str, Any] | None, str]:
    (folder / "plan.json").write_text(json.dumps(plan))
    command = [sys.executable, "-m", "sandbox.shopper", "--url", url]
    command += ["--plan", str(folder / "plan.json"), "--report", str(folder / "out.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    out = folder / "out.json"
    return done.returncode, json.loads(out.read_text()) if out.exists() else None, done.stdout


def test_the_command_runs_a_plan_and_writes_its_report(server, tmp_path):
    code, report, _ = shop_by_command(url=server.url, plan=PLAN, folder=tmp_path)

    assert code == 0
    assert report is not None
    assert report["channels"]["corner"]["arrivals"] == len(read_plan(json.dumps(PLAN)))
    assert report["channels"]["corner"]["accepted"] == server.world.truth.sales_count() > 0


def test_the_command_names_what_is_wrong_with_its_plan(server, tmp_path):
    code, report, output = shop_by_command(url=server.url, plan={**PLAN, "speed": 3}, folder=tmp_path)

    assert (code, report) == (2, None)
    assert "speed" in output


def test_the_command_says_that_no_sandbox_answers(tmp_path):
    code, report, output = shop_by_command(url="http://127.0.0.1:9", plan=PLAN, folder=tmp_path)

    assert (code, report) == (2, None)
    assert "127.0.0.1" in output


@pytest.mark.parametrize(
    "plan", ["[]", "{", '{"seed": 1}', '{"seed": 1, "minutes": 1, "listings": [{"channel": "corner"}]}']
)
def test_a_plan_that_cannot_be_read_is_a_value_error(plan):
    with pytest.raises(ValueError, match=r"."):
        read_plan(plan)
