"""The command line of the demo."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory_sync.demo import faults
from inventory_sync.demo.environment import demo_environment, tick_seconds
from inventory_sync.demo.options import Options, read_options
from sandbox import amazon, flipkart, shopify


def test_a_bounded_run_is_read_from_the_command_line():
    line = "--minutes 3 --clock 20 --seed 7 --mode strict --faults all --report demo.json"

    options = read_options(line.split())

    assert options == Options(minutes=3, clock=20, seed=7, mode="strict", faults=True, report=Path("demo.json"))
    assert options.market_hours == 1.0


def test_without_minutes_the_end_is_open_and_stock_is_for_an_hour():
    options = read_options([])

    assert options.minutes is None
    assert options.market_hours == 1.0
    assert not options.faults


@pytest.mark.parametrize(
    "line", ["--minutes 0", "--minutes -1", "--clock 0", "--clock 1000", "--mode none", "--faults some"]
)
def test_what_makes_no_sense_is_refused(line, capsys):
    with pytest.raises(SystemExit) as stopped:
        read_options(line.split())

    assert stopped.value.code == 2
    assert line.split()[0] in capsys.readouterr().err


def test_every_trouble_is_one_that_the_sandbox_knows():
    known = flipkart.FAULTS | shopify.FAULTS | amazon.FAULTS

    assert {trouble.name for trouble in faults.ALL} <= set(known)
    assert {trouble.name.partition(".")[0] for trouble in faults.ALL} == {"flipkart", "shopify", "amazon"}
    assert all(0 < trouble.probability <= 0.2 for trouble in faults.ALL)
    assert len({trouble.name for trouble in faults.ALL}) == len(faults.ALL)


def test_the_demo_takes_nothing_from_a_real_installation(monkeypatch):
    for name in (
        "SECRET_KEY",
        "CREDENTIALS_KEYS",
        "DATABASE_URL",
        "REDIS_URL",
        "ALERT_EMAILS",
        "ALERT_WEBHOOK_URL",
        "HTTPS_PROXY",
    ):
        monkeypatch.setenv(name, "of-a-real-installation")

    values = demo_environment(database_url="postgres://demo", redis_url="redis://demo", port=1234, clock=20)

    assert "of-a-real-installation" not in values.values()
    assert values["PUBLIC_URL"] == "http://127.0.0.1:1234"
    assert values["DATABASE_URL"] == "postgres://demo"


def test_the_sweep_keeps_up_with_the_clock_within_reason():
    assert tick_seconds(1) == 5.0
    assert tick_seconds(5) == 1.0
    assert tick_seconds(100) == 0.5
