"""The ledger: appended once, never edited, and balances that are nothing but its sums."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg.errors import DeadlockDetected

from inventory_sync.domain.ledger import Buckets, Movement, MovementKind
from inventory_sync.stock.ledger import (
    MovementConflictError,
    append_movements,
    lock_balances,
    lock_own_balances,
    retrying,
)
from inventory_sync.stock.models import StockBalance, StockMovement, Warehouse
from skumap.models import Sku
from tests.stock.conftest import AT, Shelf


def move(shelf: Shelf, key: str = "m1", on_hand: int = 5, committed: int = 0, **other: Any) -> Movement:
    facts = {"sku_id": shelf.sku.pk, "warehouse_id": shelf.main.pk, "kind": MovementKind.ADJUST, **other}
    return Movement(key=key, on_hand=on_hand, committed=committed, occurred_at=AT, **facts)


def test_a_movement_carries_its_balance_forward(shelf):
    assert append_movements([move(shelf)]) == [shelf.sku.pk]
    assert append_movements([move(shelf, "m2", -2, 3)]) == [shelf.sku.pk]
    row = StockBalance.objects.get()
    assert (row.on_hand, row.committed, row.available, row.version) == (3, 3, 0, 2)


def test_the_same_movement_again_changes_nothing(shelf):
    append_movements([move(shelf)])
    assert append_movements([move(shelf), move(shelf)]) == []
    assert shelf.standing() == 5
    assert StockMovement.objects.count() == 1


def test_of_a_set_only_what_is_new_is_added(shelf):
    append_movements([move(shelf, "m1")])
    append_movements([move(shelf, "m1"), move(shelf, "m2", 1), move(shelf, "m3", 2)])
    assert shelf.standing() == 8


@pytest.mark.parametrize(
    "other",
    [{"on_hand": 6}, {"committed": 1}, {"kind": MovementKind.COUNT}],
    ids=["other units", "other units blocked", "another kind"],
)
def test_a_key_with_other_content_is_refused_with_both_contents_and_nothing_is_written(shelf, other):
    append_movements([move(shelf)])
    with pytest.raises(MovementConflictError) as refused, transaction.atomic():
        append_movements([move(shelf, "fresh", 9), move(shelf, **other)])
    place = f"{shelf.sku.pk}, {shelf.main.pk}"
    assert f"({place}, 5, 0, 'adjust')" in str(refused.value)
    assert str(other.get("on_hand", 5)) in str(refused.value).partition("given as")[2]
    assert refused.value.key == "m1"
    assert (shelf.standing(), StockMovement.objects.count()) == (5, 1)


def test_a_key_that_is_given_twice_with_other_content_is_refused(shelf):
    with pytest.raises(MovementConflictError):
        append_movements([move(shelf, "m1", 1), move(shelf, "m1", 2)])
    assert StockMovement.objects.count() == 0


def test_nothing_to_append_asks_the_database_nothing(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert append_movements([]) == []


@pytest.mark.parametrize(
    "statement", ["UPDATE stock_stockmovement SET on_hand_delta = 99", "DELETE FROM stock_stockmovement"]
)
def test_the_database_refuses_to_change_history(shelf, statement):
    append_movements([move(shelf)])
    with (
        pytest.raises(DatabaseError, match="movement m1 is final"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert StockMovement.objects.get().on_hand_delta == 5


def test_more_may_be_ordered_than_there_is_but_less_than_nothing_can_not_be_blocked(shelf):
    append_movements([move(shelf, "m1", 0, 4)])
    assert StockBalance.objects.get().available == -4
    with pytest.raises(IntegrityError, match="committed_not_negative"), transaction.atomic():
        append_movements([move(shelf, "m2", 0, -5)])


def test_a_movement_moves_something_unless_it_is_a_count(shelf):
    with pytest.raises(IntegrityError, match="movement_moves_something"), transaction.atomic():
        append_movements([move(shelf, "m1", 0, 0)])
    append_movements([move(shelf, "m2", 0, 0, kind=MovementKind.COUNT)])


def test_balances_are_locked_in_one_order_whatever_was_asked(shelf):
    other = Sku.objects.create(code="CAP")
    places = [(other.pk, shelf.main.pk), (shelf.sku.pk, shelf.second.pk), (shelf.sku.pk, shelf.main.pk)]
    with transaction.atomic():
        assert lock_balances(places) == dict.fromkeys(places, Buckets())
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        lock_balances(reversed(places))
    [statement] = [query["sql"] for query in asked if "stock_stockbalance" in query["sql"]]
    assert "ORDER BY id FOR UPDATE" in statement
    assert lock_balances([]) == {}


def test_only_balances_in_open_own_warehouses_sell(shelf):
    closed = Warehouse.objects.create(code="C", active=False)
    fc = Warehouse.objects.create(code="FC", kind=Warehouse.Kind.FLIPKART_FC)
    for number, place in enumerate((shelf.main, closed, fc)):
        append_movements([move(shelf, f"m{number}", 3, warehouse_id=place.pk)])
    with transaction.atomic():
        assert lock_own_balances([shelf.sku.pk]) == {(shelf.sku.pk, shelf.main.pk): Buckets(3, 0)}


def test_work_that_lost_a_deadlock_is_done_again(transactional_db):
    tries = []

    @retrying
    def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("deadlock") from DeadlockDetected()
        return "done"

    assert work() == "done"
    assert len(tries) == 3


def test_a_deadlock_that_does_not_end_is_told_in_the_end(transactional_db):
    tries = []

    @retrying
    def work() -> None:
        tries.append(1)
        raise OperationalError("deadlock") from DeadlockDetected()

    with pytest.raises(OperationalError):
        work()
    assert len(tries) == 4


def test_inside_a_transaction_and_for_other_errors_nothing_is_tried_again(transactional_db):
    tries = []

    @retrying
    def work(error: Exception, cause: Exception | None) -> None:
        tries.append(1)
        raise error from cause

    with pytest.raises(OperationalError), transaction.atomic():
        work(OperationalError("deadlock"), DeadlockDetected())
    with pytest.raises(OperationalError):
        work(OperationalError("the connection is gone"), None)
    with pytest.raises(KeyError):
        work(KeyError("x"), None)
    assert len(tries) == 3
