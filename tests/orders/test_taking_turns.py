"""Who touches the same order, line or shelf waits for the one before him, and then sees what he did."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection, transaction

from inventory_sync.domain.freshness import Verdict
from inventory_sync.domain.snapshots import Source
from inventory_sync.orders.models import OrderLine
from inventory_sync.orders.verify import verify
from tests.orders.conftest import came_back, line, make_shop, order

pytestmark = pytest.mark.django_db(transaction=True)

Result = TypeVar("Result")


@pytest.fixture
def shop(transactional_db):
    shop = make_shop()
    shop.rules()  # creates the warehouse for returns: nobody waits for that below
    return shop


def one_after_the_other(first: Callable[[], object], second: Callable[[], Result]) -> Result:
    """Begin ``second`` on another connection before ``first`` has committed: it must wait until then."""

    def run() -> Result:
        try:
            return second()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            result = pool.submit(run)
            with pytest.raises(TimeoutError):
                result.result(timeout=0.3)
        return result.result(timeout=10)


def test_an_older_state_that_comes_while_a_newer_one_is_being_applied_stays_older(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=3)))
    late = one_after_the_other(
        lambda: shop.take(order(line(ordered=3, shipped=3), minute=2, source=Source.READ)),
        lambda: shop.take(order(line(ordered=3, shipped=1), minute=1, source=Source.READ)),
    )
    assert late.verdict is Verdict.OLDER
    assert shop.balance(sku) == (7, 0)


def test_a_new_state_waits_for_a_return_of_the_same_line_and_both_count(shop):
    sku = shop.sku(units=10)
    shop.settings = {"restock_customer_return": "restock"}
    shop.take(order(line(ordered=3, shipped=1)))
    one_after_the_other(
        lambda: shop.take_back(came_back()),
        lambda: shop.take(order(line(ordered=3, shipped=3), minute=1)),
    )
    assert shop.balance(sku) == (8, 0)
    assert verify() == []


def test_an_order_sees_what_the_one_before_it_took_from_the_shelf(shop):
    sku = shop.sku(units=1, second=1)
    shop.location("LOC1", shop.main, shop.second)
    one_after_the_other(
        lambda: shop.take(order(line("L1"), key="O1")),
        lambda: shop.take(order(line("L2"), key="O2")),
    )
    assert (shop.balance(sku), shop.balance(sku, shop.second)) == ((1, 1), (1, 1))


def test_an_order_that_was_only_hinted_at_is_created_once_by_many_reads(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2), source=Source.HINT))
    start = Barrier(6)

    def read(_: int) -> bool:
        try:
            start.wait(timeout=10)
            return shop.take(order(line(ordered=2), source=Source.READ)).is_new
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(read, range(6))) == 1

    assert OrderLine.objects.count() == 1
    assert shop.balance(sku) == (10, 2)
