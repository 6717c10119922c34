"""Stock under many hands: any mix of changes keeps the books in agreement, also when they come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory_sync.domain.ledger import Movement, MovementKind, fold
from inventory_sync.orders.verify import verify
from inventory_sync.stock.ledger import MovementConflictError, append_movements
from inventory_sync.stock.models import StockBalance, StockMovement
from inventory_sync.stock.services import (
    StockError,
    adjust,
    qc_warehouse,
    quarantine,
    receive,
    restock,
    set_count,
    transfer,
    write_off,
)
from tests.stock.conftest import AT, make_shelf

WORK = st.tuples(
    st.sampled_from(["receive", "adjust", "count", "transfer", "quarantine", "restock", "write_off"]),
    st.integers(-3, 8),
    st.integers(0, 12),
)


def carry_out(shelf, name, units, key):
    change = shelf.change(key=f"key{key}", reason="test")
    match name:
        case "receive":
            receive(change, units=units)
        case "adjust":
            adjust(change, units=units)
        case "count":
            set_count(change, counted=units)
        case "transfer":
            transfer(change, to_warehouse_id=shelf.second.pk, units=units)
        case "quarantine":
            quarantine(change, units=units)
        case "restock":
            back = shelf.change(key=f"key{key}", at=qc_warehouse())
            restock(back, to_warehouse_id=shelf.main.pk, units=units)
        case "write_off":
            write_off(change, units=units)


@settings(max_examples=25)
@given(work=st.lists(WORK, max_size=14))
def test_whatever_people_do_balances_are_the_fold_of_the_movements(shelf, work):
    with transaction.atomic():
        for name, units, key in work:  # keys come twice, so that repeats and conflicts are among them
            with suppress(StockError, MovementConflictError):
                carry_out(shelf, name, units, key)
        moved = [
            Movement(
                key=row.key,
                sku_id=row.sku_id,
                warehouse_id=row.warehouse_id,
                on_hand=row.on_hand_delta,
                committed=row.committed_delta,
                kind=MovementKind(row.kind),
                occurred_at=row.occurred_at,
            )
            for row in StockMovement.objects.all()
        ]
        folded = {place: (buckets.on_hand, buckets.committed) for place, buckets in fold(moved).items()}
        stored = {
            (row.sku_id, row.warehouse_id): (row.on_hand, row.committed)
            for row in StockBalance.objects.all()
            if (row.sku_id, row.warehouse_id) in folded or row.on_hand or row.committed
        }
        assert stored == folded
        assert verify() == []
        transaction.set_rollback(True)


def at_once(work, items, threads=8):
    def run(item):
        try:
            return work(item)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, items))


@pytest.mark.django_db(transaction=True)
def test_a_count_and_goods_in_at_the_same_time_lose_nothing(transactional_db):
    shelf = make_shelf()
    receive(shelf.change(), units=100)
    changes = [shelf.change(key=f"c{number}") for number in range(40)]

    def work(number):
        if number == 20:
            return set_count(changes[number], counted=500)
        return receive(changes[number], units=1)

    at_once(work, range(40))

    rows = list(StockMovement.objects.order_by("id").values_list("key", "on_hand_delta"))
    at = [key for key, _ in rows].index("count:c20")
    assert sum(units for _, units in rows[: at + 1]) == 500
    assert shelf.standing() == 500 + len(rows) - at - 1
    assert verify() == []


@pytest.mark.django_db(transaction=True)
def test_the_same_count_from_many_threads_counts_once(transactional_db):
    shelf = make_shelf()
    start = Barrier(6)

    def work(_):
        start.wait(timeout=10)
        return bool(set_count(shelf.change(key="C1"), counted=9))

    assert sum(at_once(work, range(6), threads=6)) == 1
    assert shelf.standing() == 9


@pytest.mark.django_db(transaction=True)
def test_transfers_in_both_directions_at_once_keep_every_unit(transactional_db):
    shelf = make_shelf()
    receive(shelf.change(), units=50)
    receive(shelf.change(at=shelf.second), units=50)
    there, back = shelf.main, shelf.second

    def work(number):
        source, target = (there, back) if number % 2 else (back, there)
        return transfer(shelf.change(key=f"t{number}", at=source), to_warehouse_id=target.pk, units=1)

    at_once(work, range(40))

    assert (shelf.standing(), shelf.standing(shelf.second)) == (50, 50)
    assert verify() == []


@pytest.mark.django_db(transaction=True)
def test_without_the_balance_lock_a_count_overwrites_what_came_in_meanwhile(transactional_db):
    """The control: the difference is taken from a balance that was read without its lock."""
    shelf = make_shelf()
    receive(shelf.change(), units=10)
    read, received = Barrier(2), Barrier(2)

    def count(_):
        units = 30 - shelf.standing()
        read.wait(timeout=10)
        received.wait(timeout=10)
        key = "count:unlocked"
        append_movements(
            [
                Movement(
                    key=key,
                    sku_id=shelf.sku.pk,
                    warehouse_id=shelf.main.pk,
                    on_hand=units,
                    kind=MovementKind.COUNT,
                    occurred_at=AT,
                )
            ]
        )

    def goods_in(_):
        read.wait(timeout=10)
        receive(shelf.change(), units=5)
        received.wait(timeout=10)

    at_once(lambda work: work(None), [count, goods_in], threads=2)

    assert shelf.standing() == 35  # the shelf was counted as 30 after the goods had come in
