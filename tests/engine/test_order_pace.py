"""The surge of an account, from its orders to what its listings are given."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inventory_sync.domain.demand import DemandState
from inventory_sync.domain.snapshots import Channel
from inventory_sync.engine.demand import dump, selling
from inventory_sync.engine.models import Demand, ListingState, OrderPace, SaleEvent
from inventory_sync.engine.order_pace import measure_order_pace
from inventory_sync.engine.sale_events import start_now, stop_now
from tests.engine.conftest import Seller

PER_HOUR = 1 / 3600
SECONDS_UNTIL_KNOWN = 4.0


@pytest.fixture
def shop(seller: Seller) -> Seller:
    """Forty listings that sell a unit an hour each."""
    seller.account("shop", Channel.SHOPIFY, settings={"know_seconds": SECONDS_UNTIL_KNOWN / 2})
    now = timezone.now()
    for number in range(40):
        listing = seller.listing("shop", seller.sku(f"TEE-{number}", 50), shown=5)
        state = DemandState(since=now, prior_rate=PER_HOUR)
        Demand.objects.create(listing=listing, state=dump(state), updated_at=now)
    seller.start()
    return seller


def sell(shop: Seller, count: int) -> list[str]:
    codes = [f"TEE-{number}" for number in range(count)]
    for code in codes:
        shop.know("shop", shop.channels["shop"].sell(code))
    return codes


def test_a_sale_lifts_the_demand_of_listings_that_have_not_sold_yet(shop: Seller) -> None:
    account = shop.accounts["shop"]
    assert measure_order_pace(now=timezone.now()) == set()
    sell(shop, 12)
    soon = timezone.now() + timedelta(seconds=30)

    changed = measure_order_pace(now=soon)

    unsold = Demand.objects.get(listing__key="TEE-39").listing_id
    assert changed == {account.pk}
    assert 3 < OrderPace.objects.get().surge < 20
    assert selling(listing_ids=[unsold], now=soon)[unsold].rate > 3 * PER_HOUR


def test_what_has_not_changed_by_a_quarter_is_not_decided_again(shop: Seller) -> None:
    sell(shop, 12)
    soon = timezone.now() + timedelta(seconds=30)
    measure_order_pace(now=soon)

    assert measure_order_pace(now=soon + timedelta(seconds=1)) == set()


def test_the_surge_ends_when_the_orders_stop(shop: Seller) -> None:
    sell(shop, 12)
    measure_order_pace(now=timezone.now() + timedelta(seconds=30))

    changed = measure_order_pace(now=timezone.now() + timedelta(minutes=45))

    assert changed == {shop.accounts["shop"].pk}
    assert OrderPace.objects.get().surge == 1.0


def test_orders_of_listings_that_nobody_linked_and_test_orders_do_not_count(shop: Seller) -> None:
    channel = shop.channels["shop"]
    channel.shown["STRANGE"] = 50
    for _ in range(12):
        shop.know("shop", channel.sell("STRANGE"))

    assert measure_order_pace(now=timezone.now() + timedelta(seconds=30)) == set()


def test_a_sale_event_lifts_demand_before_the_first_buyer_comes_and_until_it_ends(shop: Seller) -> None:
    account, now = shop.accounts["shop"], timezone.now()
    event = start_now(name="Big Billion Days", hours=2, lift=8, now=now)

    assert measure_order_pace(now=now) == {account.pk}
    assert OrderPace.objects.get().surge == 8.0
    stop_now(event_id=event.pk, now=now)
    assert measure_order_pace(now=now + timedelta(seconds=1)) == {account.pk}
    assert OrderPace.objects.get().surge == 1.0


def test_why_a_listing_shows_what_it_does_names_the_sale(shop: Seller) -> None:
    start_now(name="Big Billion Days", hours=2, lift=8, now=timezone.now())
    measure_order_pace(now=timezone.now())
    shop.decide()

    steps = ListingState.objects.get(listing__key="TEE-39").inputs["steps"]

    assert {"code": "surge", "numbers": {"times": 8.0}} in steps


def test_an_event_of_another_account_lifts_nothing(shop: Seller) -> None:
    other = shop.account("other", Channel.AMAZON)
    now = timezone.now()
    event = SaleEvent.objects.create(name="Prime Day", starts_at=now, ends_at=now + timedelta(hours=1), lift=5)
    event.accounts.add(other)

    assert measure_order_pace(now=now) == {other.pk}


def test_what_the_sale_itself_sells_is_not_lifted_again(shop: Seller) -> None:
    now = timezone.now()
    start_now(name="Big Billion Days", hours=20, lift=8, now=now)
    measure_order_pace(now=now)
    OrderPace.objects.update(usual_rate=4 * 40 * PER_HOUR)

    measure_order_pace(now=now + timedelta(seconds=1))

    assert OrderPace.objects.get().surge == pytest.approx(2.0, rel=0.01)
