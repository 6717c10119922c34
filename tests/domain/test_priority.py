from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from inventory_sync.domain.priority import Urgency, Waiting, urgency, write_order

HOUR = 3600.0
QUIET = Waiting(row_id=1, excess=0, lowers=False, shows_nothing=False, rate=1 / HOUR, waiting_seconds=60)

waiting = st.builds(
    Waiting,
    row_id=st.integers(1, 99),
    excess=st.integers(-5, 50),
    lowers=st.booleans(),
    shows_nothing=st.booleans(),
    rate=st.floats(0, 1),
    waiting_seconds=st.floats(0, 80_000),
    bulk=st.booleans(),
    favoured=st.booleans(),
)


def first_to_last(*rows):
    return [row.row_id for row in sorted(rows, key=write_order)]


def test_too_much_goes_before_sold_out_and_both_before_the_rest():
    too_much = replace(QUIET, row_id=3, excess=2, lowers=True)
    sold_out = replace(QUIET, row_id=2, shows_nothing=True)

    assert first_to_last(QUIET, sold_out, too_much) == [3, 2, 1]


def test_among_over_granted_rows_the_most_units_at_risk_go_first():
    few_fast = replace(QUIET, row_id=1, excess=2, lowers=True, rate=60 / HOUR)
    many_slow = replace(QUIET, row_id=2, excess=10, lowers=True, rate=1 / HOUR)

    assert first_to_last(many_slow, few_fast) == [1, 2]


def test_among_sold_out_rows_the_one_in_demand_goes_first():
    slow = replace(QUIET, row_id=1, shows_nothing=True)
    fast = replace(QUIET, row_id=2, shows_nothing=True, rate=40 / HOUR)

    assert first_to_last(slow, fast) == [2, 1]


def test_among_the_rest_demand_times_age_decides():
    fast_new = replace(QUIET, row_id=1, rate=10 / HOUR, waiting_seconds=30)
    slow_old = replace(QUIET, row_id=2, rate=1 / HOUR, waiting_seconds=1200)

    assert first_to_last(fast_new, slow_old) == [2, 1]


def test_a_row_that_nobody_buys_does_not_starve():
    forgotten = replace(QUIET, rate=0.0, waiting_seconds=7 * HOUR)

    assert urgency(forgotten) is Urgency.SOLD_OUT_BY_MISTAKE


def test_a_label_run_or_import_never_leaves_the_last_class():
    bulk = replace(QUIET, bulk=True, shows_nothing=True, waiting_seconds=90_000)

    assert urgency(bulk) is Urgency.REST
    assert first_to_last(replace(bulk, row_id=9), QUIET) == [1, 9]


@given(row=waiting, hours=st.floats(0.1, 20))
def test_waiting_never_makes_a_row_less_urgent(row, hours):
    older = replace(row, waiting_seconds=row.waiting_seconds + hours * HOUR)

    assert write_order(older) <= write_order(row)


@given(rows=st.lists(waiting, max_size=8, unique_by=lambda row: row.row_id))
def test_the_order_does_not_depend_on_how_rows_were_found(rows):
    assert first_to_last(*rows) == first_to_last(*reversed(rows))
