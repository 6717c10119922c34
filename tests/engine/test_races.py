"""Two accounts want the same shelf at the same moment. The control without the locks shows what they are for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from inventory_sync.domain.demand import DemandState
from inventory_sync.domain.ledger import Place
from inventory_sync.domain.snapshots import Channel
from inventory_sync.engine import books, pool, push
from inventory_sync.engine.decide import mark_all_stale
from inventory_sync.engine.demand import dump
from inventory_sync.engine.models import Demand, ListingState
from inventory_sync.stock.models import StockBalance
from skumap.models import Listing
from tests.engine.conftest import Seller


def make_popular(listing: Listing, *, popular: bool) -> None:
    now = timezone.now()
    state = DemandState(since=now, count=500.0 if popular else 0.0, counted_at=now)
    Demand.objects.update_or_create(listing=listing, defaults={"state": dump(state), "updated_at": now})


def both_want_all_of_it(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> int:
    """
    Each account decides while its own listing is the one that sells, and both store what they decided. :return: units that buyers got.

    The first claim stops after it has decided, until the second has decided, too, or a second has passed.
    """
    for name, channel in (("flip", Channel.FLIPKART), ("amz", Channel.AMAZON)):
        seller.account(name, channel)
    sku = seller.sku("TEE", 10)
    listings = {name: seller.listing(name, sku) for name in seller.accounts}
    seller.rule("strict")
    seller.start()
    both_decided = threading.Barrier(2)
    first_decided = threading.Event()
    really_decide = push.decide_pool

    def decide_and_wait(*args: Any, **kwargs: Any) -> Any:
        decided = really_decide(*args, **kwargs)
        first_decided.set()
        with suppress(threading.BrokenBarrierError):
            both_decided.wait(timeout=1)
        return decided

    monkeypatch.setattr(push, "decide_pool", decide_and_wait)

    def claim(name: str) -> None:
        try:
            push.push_account(account_id=seller.accounts[name].pk, now=timezone.now())
        finally:
            connection.close()

    make_popular(listings["flip"], popular=True)
    threads = [threading.Thread(target=claim, args=(name,)) for name in ("flip", "amz")]
    threads[0].start()
    assert first_decided.wait(timeout=5)
    make_popular(listings["flip"], popular=False)
    make_popular(listings["amz"], popular=True)
    threads[1].start()
    for thread in threads:
        thread.join(timeout=20)
    return sum(1 for channel in seller.channels.values() for _ in range(50) if channel.sell("TEE"))


@pytest.mark.django_db(transaction=True)
def test_two_accounts_claiming_the_same_shelf_at_once_never_sell_more_than_it_holds(
    make_seller: Callable[[], Seller], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0 < both_want_all_of_it(make_seller(), monkeypatch) <= 10


@pytest.mark.django_db(transaction=True)
def test_without_the_locks_the_same_two_claims_oversell(
    make_seller: Callable[[], Seller], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_without_lock(sku_ids: set[int]) -> dict[Place, int]:
        rows = StockBalance.objects.filter(sku_id__in=sku_ids)
        return {(row.sku_id, row.warehouse_id): row.available for row in rows}

    def rows_without_lock(rows: Q) -> list[ListingState]:
        return list(ListingState.objects.select_related("account", "listing", "location").filter(rows).order_by("id"))

    monkeypatch.setattr(pool, "_locked", read_without_lock)
    monkeypatch.setattr(pool, "lock_states", rows_without_lock)

    assert both_want_all_of_it(make_seller(), monkeypatch) > 10


@pytest.mark.django_db(transaction=True)
def test_sales_pushes_and_reads_at_once_leave_ledger_and_books_right(make_seller: Callable[[], Seller]) -> None:
    """Three channels sell, know, push and expire in real threads; at no time do they sell more than there is."""
    seller = make_seller()
    for name, channel in (("flip", Channel.FLIPKART), ("amz", Channel.AMAZON), ("shop", Channel.SHOPIFY)):
        seller.account(name, channel)
    sku = seller.sku("TEE", 40)
    for name in seller.accounts:
        seller.listing(name, sku)
    seller.rule("strict")
    seller.start()
    errors: list[BaseException] = []
    sold: list[int] = []
    lock = threading.Lock()

    def work(name: str) -> None:
        channel = seller.channels[name]
        try:
            for _ in range(25):
                push.push_account(account_id=seller.accounts[name].pk, now=timezone.now())
                with lock:  # the marketplace's own counter is one
                    order = channel.sell("TEE")
                if order:
                    sold.append(1)
                    seller.know(name, order)
        except BaseException as error:  # a thread's error must fail the test
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(name,)) for name in seller.accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert not errors
    balance = seller.on_hand(sku)
    assert balance.committed == len(sold) <= 40
    with transaction.atomic():
        states = books.lock_states(Q(listing__sku=sku))
        assert sum(books.exposure.exposure(book) for book in books.load_books(states).values()) <= balance.available


@pytest.mark.django_db(transaction=True)
def test_marking_everything_stale_never_deadlocks_with_those_who_lock_rows_one_by_one(
    make_seller: Callable[[], Seller],
) -> None:
    """Rows that were rewritten lie in another order on the disk than their keys: whoever updates many must lock by key all the same."""
    seller = make_seller()
    seller.account("flip", Channel.FLIPKART)
    for number in range(12):
        seller.listing("flip", seller.sku(f"TEE-{number}", 5))
    seller.start()
    for pk in ListingState.objects.order_by("id").values_list("id", flat=True)[:6]:
        ListingState.objects.filter(pk=pk).update(attempts=1)
    failed: list[Exception] = []

    def lock_one_by_one() -> None:
        try:
            for _ in range(20):
                with transaction.atomic():
                    for pk in ListingState.objects.order_by("id").values_list("id", flat=True):
                        ListingState.objects.select_for_update().get(pk=pk)
                        ListingState.objects.filter(pk=pk).update(attempts=2)
        except OperationalError as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=lock_one_by_one)
    thread.start()
    while thread.is_alive():
        try:
            mark_all_stale()
        except OperationalError as error:
            failed.append(error)
    thread.join()
    assert failed == []
