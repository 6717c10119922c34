"""Reading streams: pages are applied, cursors advance only when everything was, and only a complete round moves the watermark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from inventory_sync.alerts.models import Alert
from inventory_sync.domain.errors import CredentialsError, RetryableError
from inventory_sync.domain.ports import LevelChange, PollPage
from inventory_sync.domain.snapshots import Channel, Source
from inventory_sync.engine import polling
from inventory_sync.engine.models import ListingState, SaleEvent, SyncCursor
from inventory_sync.engine.polling import poll_stream
from inventory_sync.engine.sale_events import start_now, stop_now
from inventory_sync.orders.models import Order, OrderLine
from skumap.models import ChannelAccount, Listing, Sku
from tests.engine.conftest import Seller


@pytest.fixture
def flipkart(seller: Seller) -> tuple[Seller, Sku]:
    seller.account("flip", Channel.FLIPKART)
    sku = seller.sku("TEE", 20)
    seller.listing("flip", sku, shown=6)
    seller.start()
    return seller, sku


def poll(seller: Seller) -> object:
    return poll_stream(account_id=seller.accounts["flip"].pk, stream="orders")


def cursor(seller: Seller) -> SyncCursor:
    return SyncCursor.objects.get(account=seller.accounts["flip"], stream="orders")


def test_an_order_seen_in_two_rounds_is_applied_once(flipkart: tuple[Seller, Sku]) -> None:
    seller, sku = flipkart
    seller.channels["flip"].sell("TEE", 2)

    poll(seller)
    poll(seller)

    assert OrderLine.objects.count() == 1
    assert seller.on_hand(sku).committed == 2


def test_a_complete_round_clears_what_may_have_been_sold_unseen(flipkart: tuple[Seller, Sku]) -> None:
    seller, _ = flipkart
    ListingState.objects.update(unseen=3, unseen_at=timezone.now() - timedelta(seconds=1))

    poll(seller)

    state = ListingState.objects.get()
    assert (state.unseen, state.unseen_at) == (0, None)


def test_a_round_that_breaks_off_keeps_its_pages_and_moves_neither_cursor_nor_watermark(
    flipkart: tuple[Seller, Sku], monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, sku = flipkart
    channel = seller.channels["flip"]
    order = channel.sell("TEE")
    assert order is not None
    ListingState.objects.update(unseen=3, unseen_at=timezone.now() - timedelta(seconds=1))
    before = cursor(seller).high_water

    def breaks_off(*, stream: str, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        yield PollPage(orders=(order,))
        raise RetryableError("gateway time-out", retry_after=7)

    monkeypatch.setattr(channel, "poll", breaks_off)

    assert poll(seller) is None

    after = cursor(seller)
    assert after.high_water == before
    assert after.failures == 1
    assert "gateway time-out" in after.last_error
    assert seller.on_hand(sku).committed == 1
    assert ListingState.objects.get().unseen == 2  # one of the three is known now, the others still may have been sold


def test_an_order_that_waits_to_be_read_by_id_holds_the_watermark_back(
    flipkart: tuple[Seller, Sku], monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, _ = flipkart
    channel = seller.channels["flip"]
    order = channel.sell("TEE")
    assert order is not None
    long_ago = timezone.now() - timedelta(minutes=10)
    ListingState.objects.update(unseen=3, unseen_at=timezone.now() - timedelta(minutes=1))
    poll(seller)
    ListingState.objects.update(unseen=3, unseen_at=timezone.now() - timedelta(minutes=1))
    Order.objects.update(confirm_since=long_ago, placed_at=long_ago)
    monkeypatch.setattr(channel, "fetch_orders", lambda keys: [])

    def nothing_new(*, stream: str, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        yield PollPage(complete_until=now)

    monkeypatch.setattr(channel, "poll", nothing_new)

    poll(seller)

    assert ListingState.objects.get().unseen == 3


def test_a_page_that_disagrees_with_what_we_know_is_read_by_id_though_its_time_has_not_moved(
    flipkart: tuple[Seller, Sku],
) -> None:
    seller, sku = flipkart
    channel = seller.channels["flip"]
    order = channel.sell("TEE", 3)
    assert order is not None
    poll(seller)
    cancelled = replace(order, lines=(replace(order.lines[0], cancelled=1),))
    part = replace(cancelled, source=Source.POLL, confirm=True, complete=False)
    channel.orders = [cancelled]

    def page(*, stream: str, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        yield PollPage(orders=(part,), complete_until=now)

    channel.poll = page  # type: ignore[method-assign]
    poll(seller)

    assert seller.on_hand(sku).committed == 2


def test_refused_credentials_break_the_account_and_say_so(
    flipkart: tuple[Seller, Sku], monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, _ = flipkart

    def refused(*, stream: str, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        raise CredentialsError("the token is dead")
        yield

    monkeypatch.setattr(seller.channels["flip"], "poll", refused)

    poll(seller)

    account = ChannelAccount.objects.get()
    assert account.health == ChannelAccount.Health.BROKEN
    assert Alert.objects.filter(kind="account_broken", resolved_at__isnull=True).count() == 1


def test_a_broken_account_that_works_again_resolves_its_alert_by_itself(flipkart: tuple[Seller, Sku]) -> None:
    seller, _ = flipkart
    from inventory_sync.engine.inbound import mark_broken

    mark_broken(account=seller.accounts["flip"], reason="the token is dead")

    poll(seller)

    assert ChannelAccount.objects.get().health == ChannelAccount.Health.OK
    assert not Alert.objects.filter(kind="account_broken", resolved_at__isnull=True).exists()


def test_only_one_process_reads_a_stream_at_a_time(flipkart: tuple[Seller, Sku]) -> None:
    seller, _ = flipkart
    SyncCursor.objects.update(running_until=timezone.now() + timedelta(seconds=60))

    assert poll(seller) is None


def test_an_account_whose_credentials_can_not_be_read_is_named_and_stops_no_other(
    seller: Seller, settings: Any
) -> None:
    broken, working = seller.account("broken", Channel.AMAZON), seller.account("flip", Channel.FLIPKART)
    long_ago = timezone.now() - timedelta(days=2)
    ChannelAccount.objects.update(created_at=long_ago)
    ours, settings.CREDENTIALS_KEYS = settings.CREDENTIALS_KEYS, [Fernet.generate_key().decode()]
    ChannelAccount.objects.filter(pk=broken.pk).update(credentials={"key": "x"})  # with a key that we do not have
    settings.CREDENTIALS_KEYS = ours

    polling.alert_silent_streams(now=timezone.now())

    assert Alert.objects.filter(kind="account_broken", account=broken).exists()
    assert Alert.objects.filter(kind="stream_silent", account=working).exists()


def test_a_level_that_changed_since_its_row_was_read_is_read_again(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = seller.account("shop", Channel.SHOPIFY)
    for code in ("TEE", "CAP"):
        listing = seller.listing("shop", seller.sku(code, 20), shown=6)
        Listing.objects.filter(pk=listing.pk).update(listing_ref=f"item-{code}")
    seller.start()
    read_at = ListingState.objects.latest("seen_at").seen_at
    assert read_at is not None
    SyncCursor.objects.filter(stream="reconcile").update(next_due_at=read_at + timedelta(hours=1))

    def changed(stream: str, **arguments: object) -> Iterator[PollPage]:
        yield PollPage(
            levels=(
                LevelChange(listing_ref="item-TEE", location_id="LOC1", at=read_at + timedelta(seconds=1)),
                LevelChange(listing_ref="item-CAP", location_id="LOC1", at=read_at - timedelta(seconds=60)),
                LevelChange(listing_ref="item-of-nobody", location_id="LOC1", at=None),
            )
        )

    monkeypatch.setattr(seller.channels["shop"], "poll", changed)
    poll_stream(account_id=account.pk, stream="orders")

    assert list(ListingState.objects.filter(seen_at=None).values_list("listing__key", flat=True)) == ["TEE"]
    assert SyncCursor.objects.get(stream="reconcile").next_due_at < read_at + timedelta(hours=1)


def test_a_sale_event_quickens_the_polls_and_ends_by_itself(flipkart: tuple[Seller, Sku]) -> None:
    seller, _ = flipkart
    now = timezone.now()
    SyncCursor.objects.update(next_due_at=now + timedelta(hours=1))

    event = start_now(name="Big Billion Days", hours=2, now=now)
    assert cursor(seller).next_due_at <= now
    poll(seller)
    during = cursor(seller)
    stop_now(event_id=event.pk, now=timezone.now())
    poll(seller)
    after = cursor(seller)

    assert SaleEvent.objects.count() == 1
    assert during.last_started_at is not None
    assert (during.next_due_at - during.last_started_at).total_seconds() == 20
    assert after.last_started_at is not None
    assert (after.next_due_at - after.last_started_at).total_seconds() == 60


def test_a_stream_that_has_not_been_read_for_long_is_an_alert_until_it_is(flipkart: tuple[Seller, Sku]) -> None:
    seller, _ = flipkart
    SyncCursor.objects.filter(stream="orders").update(last_success_at=timezone.now() - timedelta(hours=2))

    polling.alert_silent_streams(now=timezone.now())
    assert Alert.objects.filter(kind="stream_silent", resolved_at__isnull=True).exists()

    poll(seller)
    assert not Alert.objects.filter(kind="stream_silent", resolved_at__isnull=True).exists()
