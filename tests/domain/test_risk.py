from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_sync.domain.risk import RiskRow, pair_risk

HOUR = 3600.0
rows = st.lists(
    st.builds(
        RiskRow,
        rate=st.floats(0, 0.02),
        know_seconds=st.floats(1, 400),
        ack_seconds=st.floats(1, 400),
    ),
    min_size=1,
    max_size=4,
)


def row(per_hour, know=90.0, ack=210.0):
    return RiskRow(rate=per_hour / HOUR, know_seconds=know, ack_seconds=ack)


def test_one_row_alone_can_share_with_nobody():
    assert pair_risk(sellable=1, rows=[row(40)]) == 0.0
    assert pair_risk(sellable=1, rows=[replace(row(40), above=True)]) > 0.0


def test_the_last_unit_on_two_rows_oversells_what_the_other_sells_in_the_blind_window():
    assert pair_risk(sellable=1, rows=[row(6), row(6)]) == pytest.approx(6 / HOUR * 300)


def test_the_seeds_hot_sku_may_not_share_and_a_slow_one_may():
    hot = [row(40), row(25, 40, 40), row(10, 3, 1)]
    slow = [replace(each, rate=each.rate / 1000) for each in hot]

    assert pair_risk(sellable=8, rows=hot) > 0.006 > pair_risk(sellable=1, rows=slow)


def test_it_agrees_with_buyers_who_really_come():
    """Two rows show the same single unit; orders on the other one between the sale and the zero are oversold."""
    both, luck, oversold, runs = [row(6), row(6)], Random(3), 0, 20_000
    for _ in range(runs):
        elapsed = luck.expovariate(6 / HOUR)
        while elapsed < 300:
            oversold += 1
            elapsed += luck.expovariate(6 / HOUR)

    assert pair_risk(sellable=1, rows=both) == pytest.approx(oversold / runs, rel=0.05)


@given(rows=rows, sellable=st.integers(1, 40), factor=st.floats(1, 3))
def test_more_stock_or_less_demand_is_never_riskier(rows, sellable, factor):
    here = pair_risk(sellable=sellable, rows=rows)

    assert pair_risk(sellable=sellable + 1, rows=rows) <= here + 1e-12
    assert pair_risk(sellable=sellable, rows=rows, factor=factor) >= here - 1e-12
