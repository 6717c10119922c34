"""Every sale must stand in our books, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from inventory_sync.demo.audit import Line, _first_write, compare_orders

AT = datetime(2026, 10, 7, 18, 30, tzinfo=UTC)


def line(**changes) -> Line:
    values = {
        "ordered": 1,
        "cancelled": 0,
        "held": False,
        "waiting": False,
        "units_each": 1,
        "committed": 1,
        "on_hand": 0,
        "applied_at": AT,
        "listing_id": 1,
    }
    return Line(**{**values, **changes})


def sale(line_id: str = "1", *, units: int = 1) -> dict:
    return {"channel": "amazon", "order_id": "402-1", "line_id": line_id, "units": units}


def test_a_sale_that_is_one_line_with_its_units_is_applied():
    told = compare_orders([sale()], {("amazon", "1"): line()})

    assert told.applied == {"amazon": 1}
    assert told.all_known
    assert told.strange == ()


def test_a_sale_without_a_line_is_lost():
    assert compare_orders([sale()], {}).lost == ("amazon 402-1/1",)


def test_a_line_that_blocked_its_units_twice_or_not_at_all_is_wrong():
    for broken in (
        line(committed=2),
        line(committed=0),
        line(waiting=True),
        line(on_hand=-1),
        line(ordered=2, committed=2),
    ):
        told = compare_orders([sale()], {("amazon", "1"): broken})
        assert told.wrong == ("amazon 402-1/1",)
        assert not told.all_known


def test_cancelled_units_and_combos_are_counted_in_physical_units():
    lines = {("amazon", "1"): line(ordered=2, cancelled=1, units_each=3, committed=3)}

    assert compare_orders([sale(units=2)], lines).all_known


def test_what_a_marketplace_holds_blocks_nothing():
    assert compare_orders([sale()], {("amazon", "1"): line(held=True, committed=0)}).all_known
    assert not compare_orders([sale()], {("amazon", "1"): line(held=True)}).all_known


def test_a_line_that_nobody_sold_is_strange():
    assert compare_orders([], {("amazon", "7"): line()}).strange == ("amazon 7",)


def test_a_sale_counts_as_pushed_by_the_next_write_to_another_listing():
    later = [AT + timedelta(seconds=seconds) for seconds in (1, 2, 3)]
    writes = [(later[0], 1), (later[1], 2)]

    assert _first_write(writes, [AT], line()) == later[1]
    assert _first_write(writes[:1], [AT], line()) is None


def test_a_write_after_the_next_sale_answers_that_one():
    writes = [(AT + timedelta(seconds=5), 2)]

    assert _first_write(writes, [AT, AT + timedelta(seconds=3)], line()) is None
