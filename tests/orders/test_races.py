"""Many orders at once, on real threads and committed rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection, transaction

from inventory_sync.domain.ledger import Buckets
from inventory_sync.domain.snapshots import Channel, Source
from inventory_sync.orders import settle
from inventory_sync.orders.models import OrderLine, ReturnItem
from inventory_sync.orders.verify import Kind, verify
from inventory_sync.stock.models import StockMovement
from tests.orders.conftest import NOW, came_back, line, make_shop, order

pytestmark = pytest.mark.django_db(transaction=True)

Item = TypeVar("Item")


@pytest.fixture
def shop(transactional_db):
    return make_shop()


def at_once(work: Callable[[Item], object], items: Iterable[Item], *, threads: int = 8) -> list[object]:
    """Run ``work`` for every item, each thread with a connection of its own."""

    def run(item: Item) -> object:
        try:
            return work(item)
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, items))


def test_two_accounts_that_sell_one_sku_at_the_same_time_count_every_unit(shop):
    sku = shop.sku(units=150)
    rules = {channel: shop.rules(channel) for channel in (Channel.FLIPKART, Channel.SHOPIFY)}
    sold = [(channel, number) for number in range(50) for channel in rules]

    at_once(
        lambda sale: shop.take(order(line(f"L{sale[1]}"), key=f"O{sale[1]}"), channel=sale[0]),
        sold,
    )

    assert shop.balance(sku) == (150, 100)
    assert verify() == []


def test_the_same_snapshot_on_eight_threads_has_one_effect(shop):
    sku = shop.sku(units=10)
    start = Barrier(8)

    def apply(_: int) -> bool:
        start.wait(timeout=10)
        return bool(shop.take(order(line(ordered=3, shipped=1))).touched)

    assert sum(at_once(apply, range(8))) == 1
    assert shop.balance(sku) == (9, 2)
    assert StockMovement.objects.filter(line_id__isnull=False).count() == 1


def test_orders_for_several_skus_in_any_order_never_block_each_other_for_good(shop):
    codes = [f"S{number}" for number in range(6)]
    skus = {code: shop.sku(code, 100) for code in codes}
    dice = random.Random(7)
    baskets = [dice.sample(codes, 4) for _ in range(40)]

    def buy(number: int) -> None:
        lines = [line(f"L{number}-{code}", sells=code) for code in baskets[number]]
        shop.take(order(*lines, key=f"O{number}"))
        shipped = [line(f"L{number}-{code}", sells=code, shipped=1) for code in reversed(baskets[number])]
        shop.take(order(*shipped, key=f"O{number}", minute=1))

    at_once(buy, range(40))

    sold = {code: sum(code in basket for basket in baskets) for code in codes}
    assert {code: shop.balance(sku) for code, sku in skus.items()} == {code: (100 - n, 0) for code, n in sold.items()}
    assert verify() == []


def test_a_return_and_a_new_state_of_its_order_at_once_lose_nothing(shop):
    sku = shop.sku(units=100)
    for number in range(20):
        shop.take(order(line(f"L{number}", ordered=2, shipped=1), key=f"O{number}"))

    def work(job: tuple[str, int]) -> None:
        kind, number = job
        if kind == "order":
            shop.take(order(line(f"L{number}", ordered=2, shipped=2), key=f"O{number}", minute=1))
        else:
            shop.take_back(came_back(f"L{number}", return_id=f"R{number}"))

    at_once(work, [(kind, number) for number in range(20) for kind in ("order", "return")])

    assert (shop.balance(sku), shop.quarantined(sku)) == ((60, 0), 20)
    assert ReturnItem.objects.filter(line__isnull=False).count() == 20
    assert verify() == []


def test_without_the_line_lock_the_same_unit_leaves_twice(shop, monkeypatch):
    """The control: two workers that hold no lock read what was done, and both append the same difference."""
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2)))
    start = Barrier(2)
    read = settle._done

    def read_then_wait(line_ids):
        done = read(line_ids)
        start.wait(timeout=10)
        return done

    monkeypatch.setattr(settle, "_done", read_then_wait)
    rules = shop.rules()

    def ship(worker: int) -> None:
        with transaction.atomic():
            unlocked = OrderLine.objects.select_related("order").get()
            unlocked.shipped = 1
            unlocked.applied_version += worker  # else the ledger's unique key would stop the second one
            settle.settle_lines(rules=rules, order=unlocked.order, lines=[unlocked], now=NOW, changed=[unlocked])

    at_once(ship, [0, 1], threads=2)

    assert shop.balance(sku) == (8, 0)
    assert [found.kind for found in verify()] == [Kind.LINE]


def test_a_race_of_a_new_order_and_a_hint_of_it_ends_with_its_stock_blocked(shop):
    sku = shop.sku(units=10)
    sources = [Source.HINT, Source.WEBHOOK, Source.READ, Source.HINT, Source.POLL, Source.READ]
    at_once(lambda source: shop.take(order(line(ordered=2), source=source)), sources * 2)
    assert shop.balances() == {("TEE", "A"): Buckets(10, 2)}
    assert Kind.LINE not in {found.kind for found in verify()}
    assert shop.balance(sku) == (10, 2)
