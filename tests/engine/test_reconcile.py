"""Reading back: nothing is repaired silently, a missed order is found, a stranger's write is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from inventory_sync.alerts.models import Alert
from inventory_sync.domain.snapshots import Channel
from inventory_sync.engine import reconcile
from inventory_sync.engine.books import judge_unexplained
from inventory_sync.engine.models import ListingState, SyncCursor
from inventory_sync.orders.models import OrderLine
from skumap.models import Listing, Sku
from tests.engine.conftest import Seller


@pytest.fixture
def flipkart(seller: Seller) -> tuple[Seller, Sku]:
    seller.account("flip", Channel.FLIPKART)
    sku = seller.sku("TEE", 20)
    seller.listing("flip", sku, shown=6)
    seller.start()
    return seller, sku


def read(seller: Seller) -> None:
    reconcile.read_rows(context=seller.context("flip"), states=list(ListingState.objects.all()))


def open_alerts(kind: str) -> int:
    return Alert.objects.filter(kind=kind, resolved_at__isnull=True).count()


def test_the_first_read_opens_the_book_and_only_a_complete_feed_starts_the_row(seller: Seller) -> None:
    seller.account("flip", Channel.FLIPKART)
    seller.listing("flip", seller.sku("TEE", 20), shown=6)

    read(seller)
    reconcile.start_rows(now=timezone.now())
    state = ListingState.objects.get()
    assert (state.shown, state.started_at) == (6, None)

    ListingState.objects.update(unseen_at=None)
    reconcile.start_rows(now=timezone.now())
    assert ListingState.objects.get().started_at is not None


def test_a_lower_read_moves_units_to_sold_unseen_and_frees_nothing(flipkart: tuple[Seller, Sku]) -> None:
    seller, _ = flipkart
    ListingState.objects.update(last_deadline=None)
    seller.channels["flip"].sell("TEE", 2)

    read(seller)

    state = ListingState.objects.get()
    assert (state.shown, state.unseen) == (4, 2)


def test_a_higher_read_that_nothing_explains_is_somebody_elses_write(flipkart: tuple[Seller, Sku]) -> None:
    seller, _ = flipkart
    seller.channels["flip"].shown["TEE"] = 15

    read(seller)
    assert ListingState.objects.get().shown == 15
    assert judge_unexplained(now=timezone.now()) == 0  # the orders have not been read since

    SyncCursor.objects.filter(stream="orders").update(high_water=timezone.now())
    judge_unexplained(now=timezone.now())
    assert open_alerts("unexplained_quantity") == 1


def test_a_higher_read_that_a_cancelled_order_explains_is_no_alert(flipkart: tuple[Seller, Sku]) -> None:
    seller, _ = flipkart
    order = seller.channels["flip"].sell("TEE")
    assert order is not None
    seller.know("flip", order)
    seller.channels["flip"].shown["TEE"] += 1  # the buyer cancelled, and the channel put the unit back at once
    ListingState.objects.update(book_changed_at=None)
    read(seller)
    line = replace(order.lines[0], cancelled=1)
    seller.know("flip", replace(order, lines=(line,), updated_at=timezone.now(), request_started_at=timezone.now()))

    SyncCursor.objects.filter(stream="orders").update(high_water=timezone.now())
    judge_unexplained(now=timezone.now())

    assert open_alerts("unexplained_quantity") == 0
    assert ListingState.objects.get().unexplained_since is None


def test_more_open_units_than_we_know_of_after_another_round_of_orders_is_a_missed_order_and_is_read(
    flipkart: tuple[Seller, Sku],
) -> None:
    seller, sku = flipkart
    context = seller.context("flip")
    listing = Listing.objects.get()
    seller.channels["flip"].sell("TEE", 2)

    reconcile.compare_open_units(context=context, theirs={listing.pk: 2})
    assert open_alerts("missed_order") == 0
    assert OrderLine.objects.count() == 0

    reconcile.compare_open_units(context=context, theirs={listing.pk: 2})
    assert open_alerts("missed_order") == 0  # the orders have not been read since

    for alerts in (0, 1):  # what is not explained once may have crossed the read
        SyncCursor.objects.filter(stream="orders").update(high_water=timezone.now())
        reconcile.compare_open_units(context=context, theirs={listing.pk: 2})
        assert open_alerts("missed_order") == alerts
    assert seller.on_hand(sku).committed == 2

    reconcile.compare_open_units(context=context, theirs={listing.pk: 2})
    assert open_alerts("missed_order") == 0


def test_a_cancellation_that_crossed_the_read_and_a_new_order_after_it_are_no_missed_order(
    flipkart: tuple[Seller, Sku],
) -> None:
    seller, _ = flipkart
    context, listing = seller.context("flip"), Listing.objects.get()
    channel = seller.channels["flip"]

    reconcile.compare_open_units(context=context, theirs={listing.pk: 1})  # cancelled there before we compared
    for _ in range(3):
        SyncCursor.objects.filter(stream="orders").update(high_water=timezone.now())
        new = channel.sell("TEE")
        known = OrderLine.objects.count()
        reconcile.compare_open_units(context=context, theirs={listing.pk: known + 1})  # the new one is not known yet
        seller.know("flip", new)

    assert open_alerts("missed_order") == 0


def test_a_slice_reads_what_was_not_read_for_longest(flipkart: tuple[Seller, Sku]) -> None:
    seller, _ = flipkart
    ListingState.objects.update(seen_at=timezone.now() - timedelta(days=1))

    assert reconcile.read_slice(account_id=seller.accounts["flip"].pk) == 1
    assert reconcile.read_slice(account_id=seller.accounts["flip"].pk) == 0
