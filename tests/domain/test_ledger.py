"""Balances as folds of movements."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from inventory_sync.domain.ledger import Buckets, Movement, MovementKind, difference, fold

AT = datetime(2026, 10, 7, tzinfo=UTC)
small = st.integers(-5, 5)
places = st.tuples(st.integers(1, 3), st.integers(1, 2))
vectors = st.dictionaries(places, st.builds(Buckets, small, small))


def movement(place: tuple[int, int], change: Buckets, key: str = "k") -> Movement:
    return Movement(
        key=key,
        sku_id=place[0],
        warehouse_id=place[1],
        on_hand=change.on_hand,
        committed=change.committed,
        kind=MovementKind.ADJUST,
        occurred_at=AT,
    )


def test_a_balance_is_the_sum_of_its_movements():
    moved = [movement((1, 1), Buckets(10, 0)), movement((1, 1), Buckets(-3, 2)), movement((1, 2), Buckets(0, 1))]
    assert fold(moved) == {(1, 1): Buckets(7, 2), (1, 2): Buckets(0, 1)}
    assert fold([]) == {}


def test_available_is_what_is_not_blocked_and_may_be_below_zero():
    assert Buckets(10, 4).available == 6
    assert Buckets(1, 4).available == -3


def test_only_an_empty_balance_counts_as_nothing():
    assert not Buckets()
    assert Buckets(0, 1)
    assert Buckets(-1, 0)


@given(demanded=vectors, done=vectors)
def test_appending_the_difference_makes_done_what_is_demanded(demanded, done):
    changes = difference(demanded=demanded, done=done)
    after = fold([movement(place, change) for vector in (done, changes) for place, change in vector.items()])
    wanted = {place: buckets for place, buckets in demanded.items() if buckets}
    assert {place: buckets for place, buckets in after.items() if buckets} == wanted


@given(vector=vectors)
def test_nothing_is_left_to_move_once_it_is_done(vector):
    assert difference(demanded=vector, done=vector) == {}


@given(demanded=vectors, done=vectors)
def test_a_difference_moves_something_everywhere_it_names_in_the_order_of_the_places(demanded, done):
    changes = difference(demanded=demanded, done=done)
    assert all(changes.values())
    assert list(changes) == sorted(changes)
