"""Every cell of the table of unit states, and what follows from it: units are neither made nor lost, and only the facts count."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_sync.domain.ledger import Buckets
from inventory_sync.domain.order_state import (
    EFFECT,
    TABLE,
    Counts,
    UnitEvent,
    UnitState,
    bucket_change,
    demanded,
    goes_backwards,
    merge,
    place_units,
)
from inventory_sync.domain.snapshots import Channel, LineSnapshot, ListingIds

# Written out by hand. Rows: where a unit is; columns: what is said of it; cells: where it is then.
#   N new  B blocked  S shipped  F freed  K kept out  R returned  G gone
BY_HAND = {
    Channel.FLIPKART: """
        -  ordered shipped cancelled cancelled_kept returned returned_to_stock lost
        N  B       S       F         F              R        F                 G
        B  B       S       F         F              R        F                 G
        S  S       S       S         S              R        F                 G
        F  F       S       F         F              R        F                 F
        K  K       S       K         K              R        F                 K
        R  R       R       R         R              R        F                 R
        G  G       G       G         G              R        F                 G
    """,
    Channel.AMAZON: """
        -  ordered shipped cancelled cancelled_kept returned returned_to_stock lost
        N  B       S       F         F              R        F                 G
        B  B       S       F         F              R        F                 G
        S  S       S       S         S              R        F                 G
        F  F       S       F         F              R        F                 F
        K  K       S       K         K              R        F                 K
        R  R       R       R         R              R        F                 R
        G  G       G       G         G              R        F                 G
    """,
    Channel.SHOPIFY: """
        -  ordered shipped cancelled cancelled_kept returned returned_to_stock lost
        N  B       S       F         K              R        F                 G
        B  B       S       F         K              R        F                 G
        S  S       S       S         S              R        F                 G
        F  F       S       F         F              R        F                 F
        K  K       S       K         K              R        F                 K
        R  R       R       R         R              R        F                 R
        G  G       G       G         G              R        F                 G
    """,
}
LETTERS = {
    "N": UnitState.NEW,
    "B": UnitState.BLOCKED,
    "S": UnitState.SHIPPED,
    "F": UnitState.FREED,
    "K": UnitState.KEPT_OUT,
    "R": UnitState.RETURNED,
    "G": UnitState.GONE,
}
# What one unit there means: (in its warehouse, blocked there, in quarantine), against a unit that nobody ever ordered.
BUCKETS = {
    "N": (0, 0, 0),
    "B": (0, 1, 0),
    "S": (-1, 0, 0),
    "F": (0, 0, 0),
    "K": (-1, 0, 0),
    "R": (-1, 0, 1),
    "G": (-1, 0, 0),
}


def cells() -> list[tuple[Channel, str, UnitEvent, str]]:
    found = []
    for channel, text in BY_HAND.items():
        head, *rows = [row.split() for row in text.strip().splitlines()]
        for row in rows:
            found += [
                (channel, row[0], UnitEvent(event), after) for event, after in zip(head[1:], row[1:], strict=True)
            ]
    return found


@pytest.mark.parametrize(("channel", "before", "event", "after"), cells())
def test_a_cell_says_where_the_unit_is_then_and_what_moves(channel, before, event, after):
    own, quarantine = bucket_change(channel=channel, state=LETTERS[before], event=event)
    moved = [then - first for then, first in zip(BUCKETS[after], BUCKETS[before], strict=True)]

    assert TABLE[channel][LETTERS[before], event] is LETTERS[after]
    assert [own.on_hand, own.committed, quarantine.on_hand] == moved
    assert quarantine.committed == 0


def test_the_table_has_these_cells_and_no_others():
    for channel in Channel:
        assert TABLE[channel].keys() == {(state, event) for state in UnitState for event in UnitEvent}
    assert len(cells()) == 3 * 7 * 7
    assert EFFECT.keys() == set(UnitState)


def units(channel: Channel = Channel.FLIPKART, **counts: int) -> dict[str, int]:
    names = {state: letter for letter, state in LETTERS.items()}
    return {names[state]: count for state, count in place_units(channel=channel, counts=Counts(**counts)).items()}


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"ordered": 3}, {"B": 3}),
        ({"ordered": 3, "shipped": 1}, {"B": 2, "S": 1}),
        ({"ordered": 3, "shipped": 1, "cancelled": 2}, {"F": 2, "S": 1}),
        ({"ordered": 2, "shipped": 2, "cancelled": 2}, {"S": 2}),
        ({"ordered": 2, "shipped": 2, "returned": 1}, {"S": 1, "R": 1}),
        ({"ordered": 2, "shipped": 2, "returned": 1, "returned_to_stock": 1}, {"F": 1, "R": 1}),
        ({"ordered": 2, "shipped": 2, "lost": 1, "returned": 1}, {"G": 1, "R": 1}),
        ({"ordered": 2, "cancelled": 1, "returned": 1}, {"B": 1, "R": 1}),
        ({"ordered": 2, "cancelled": 1, "returned_to_stock": 1}, {"B": 1, "F": 1}),
        ({"ordered": 1, "returned": 1}, {"R": 1}),
        ({"ordered": 2, "cancelled_kept": 1}, {"B": 1, "F": 1}),
        ({"ordered": 2, "shipped": 5}, {"S": 2}),
        ({"ordered": -1}, {}),
        ({"ordered": 2, "shipped": -3}, {"B": 2}),
    ],
)
def test_counts_place_units(counts, expected):
    assert units(**counts) == expected


def test_on_shopify_what_is_cancelled_without_restock_stays_out():
    assert units(Channel.SHOPIFY, ordered=3, cancelled=1, cancelled_kept=1) == {"B": 1, "F": 1, "K": 1}


numbers = st.integers(-2, 9)
any_counts = st.builds(
    Counts,
    ordered=numbers,
    shipped=numbers,
    cancelled=numbers,
    cancelled_kept=numbers,
    returned=numbers,
    returned_to_stock=numbers,
    lost=numbers,
)


@given(channel=st.sampled_from(list(Channel)), counts=any_counts)
def test_units_are_neither_made_nor_lost_whatever_a_channel_says(channel, counts):
    placed = place_units(channel=channel, counts=counts)
    assert sum(placed.values()) == max(counts.ordered, 0)
    assert all(count > 0 for count in placed.values())
    assert UnitState.NEW not in placed


@given(channel=st.sampled_from(list(Channel)), counts=any_counts)
def test_a_line_blocks_no_more_than_was_ordered_and_creates_no_stock(channel, counts):
    places = demanded(
        units=place_units(channel=channel, counts=counts), components={7: 2}, warehouse_id=1, quarantine_id=2
    )
    own, quarantine = places.get((7, 1), Buckets()), places.get((7, 2), Buckets())
    ordered = 2 * max(counts.ordered, 0)
    assert 0 <= own.committed <= ordered
    assert -ordered <= own.on_hand <= 0
    assert 0 <= quarantine.on_hand <= -own.on_hand
    assert quarantine.committed == 0


def test_what_is_demanded_counts_every_component_and_leaves_out_what_does_not_move():
    placed = {UnitState.BLOCKED: 2, UnitState.RETURNED: 1, UnitState.FREED: 5}
    assert demanded(units=placed, components={7: 3, 8: 1}, warehouse_id=1, quarantine_id=2) == {
        (7, 1): Buckets(-3, 6),
        (8, 1): Buckets(-1, 2),
        (7, 2): Buckets(3, 0),
        (8, 2): Buckets(1, 0),
    }
    assert demanded(units={UnitState.FREED: 4}, components={7: 3}, warehouse_id=1, quarantine_id=2) == {}


def said(**facts: int) -> LineSnapshot:
    return LineSnapshot(line_key="L", listing=ListingIds(key="K"), **{"ordered": 5, **facts})


KNOWN = Counts(ordered=5, shipped=2, cancelled=1, returned=1, returned_to_stock=1, lost=1)


def test_what_is_not_said_stays_and_zero_is_something_said():
    assert merge(known=KNOWN, line=said(shipped=3)) == replace(KNOWN, shipped=3)
    assert merge(known=KNOWN, line=said(cancelled=0, ordered=4)) == replace(KNOWN, cancelled=0, ordered=4)
    assert merge(known=None, line=said(shipped=1)) == Counts(ordered=5, shipped=1)


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ([{"shipped": 1}, {"shipped": 0, "cancelled": 1}], Counts(ordered=5, shipped=1, recalled=1)),
        ([{"shipped": 2}, {"shipped": 1, "cancelled": 1}], Counts(ordered=5, shipped=2, recalled=1)),
        ([{"shipped": 2}, {"shipped": 1, "cancelled": 1}] * 2, Counts(ordered=5, shipped=2, recalled=1)),
        (
            [{"shipped": 2}, {"shipped": 1, "cancelled": 1}, {"shipped": 2, "cancelled": 2}],
            Counts(ordered=5, shipped=3, cancelled=1, recalled=1),
        ),
        # told with the mark of a courier return later: the channel counts it as shipped itself
        (
            [{"shipped": 1}, {"shipped": 0, "cancelled": 1}, {"shipped": 1, "cancelled": 0}],
            Counts(ordered=5, shipped=1),
        ),
        # neither shipped nor cancelled after all
        ([{"shipped": 1}, {"shipped": 0, "cancelled": 1}, {"shipped": 0, "cancelled": 0}], Counts(ordered=5)),
        # the channel says itself that the cancelled unit is back on the shelf
        (
            [{"shipped": 1}, {"shipped": 0, "cancelled": 1, "cancel_restocked": 1}],
            Counts(ordered=5, shipped=0, cancelled=1),
        ),
    ],
)
def test_units_that_were_told_as_shipped_and_then_as_cancelled_have_left(story, expected):
    counts = None
    for facts in story:
        counts = merge(known=counts, line=said(**facts))
    assert counts == expected


def test_part_of_a_line_only_raises_counts():
    assert merge(known=KNOWN, line=said(ordered=3, shipped=0, cancelled=2), complete=False) == replace(
        KNOWN, cancelled=2
    )
    assert merge(known=KNOWN, line=said(ordered=6), complete=False) == replace(KNOWN, ordered=6)


@pytest.mark.parametrize(
    ("change", "backwards"),
    [
        ({"shipped": 1}, True),
        ({"cancelled": 0}, True),
        ({"returned": 0}, True),
        ({"lost": 0}, True),
        ({"cancelled": 0, "cancelled_kept": 1}, False),
        ({"shipped": 3}, False),
        ({"ordered": 4}, False),
        ({}, False),
    ],
)
def test_only_something_undone_is_a_step_backwards(change, backwards):
    assert goes_backwards(known=KNOWN, new=replace(KNOWN, **change)) is backwards
