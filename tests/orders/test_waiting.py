"""Orders for listings that nobody has linked yet, and which link counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from inventory_sync.alerts.models import Alert
from inventory_sync.domain.snapshots import Channel, ListingIds, Source
from inventory_sync.orders.apply import settle_lines
from inventory_sync.orders.models import Order, OrderLine
from skumap.models import Listing, Sku
from skumap.services import link_listing, unlink_listing
from tests.orders.conftest import NOW, PLACED, line, order


def settle_all(shop, channel=Channel.FLIPKART):
    """What the engine does when a listing was linked."""
    with transaction.atomic():
        for row in Order.objects.select_for_update().order_by("id"):
            lines = list(OrderLine.objects.select_for_update().filter(order=row).order_by("id"))
            settle_lines(rules=shop.rules(channel), order=row, lines=lines, now=NOW)


def waiting_alerts():
    return list(Alert.objects.filter(kind="order_waiting", resolved_at__isnull=True))


def test_an_order_for_an_unknown_listing_waits_with_one_alert_and_is_applied_when_it_is_linked(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(sells="MUG", ordered=2)))
    shop.take(order(line("L2", sells="MUG"), key="O2"))

    assert [line.waiting for line in OrderLine.objects.all()] == [True, True]
    assert [alert.severity for alert in waiting_alerts()] == ["critical"]
    assert shop.balance(sku) == (10, 0)

    shop.listing(sku, key="MUG")
    settle_all(shop)

    assert shop.balance(sku) == (10, 3)
    assert not OrderLine.objects.filter(waiting=True).exists()
    settle_all(shop)
    assert shop.balance(sku) == (10, 3)


def test_a_known_line_of_the_same_order_does_not_wait_for_an_unknown_one(shop):
    sku = shop.sku(units=10)
    shop.take(order(line("L1", sells="MUG"), line("L2")))
    assert shop.balance(sku) == (10, 1)


def test_a_line_that_was_shipped_and_cancelled_while_it_waited_is_applied_as_it_is_now(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(sells="MUG", ordered=4)))
    shop.take(order(line(sells="MUG", ordered=4, shipped=1, cancelled=2), minute=1))
    shop.listing(sku, key="MUG", units_per_sale=2)
    settle_all(shop)
    assert shop.balance(sku) == (8, 2)


def test_nobody_is_called_for_a_listing_that_is_none_of_ours_or_an_order_that_was_cancelled(shop):
    ours_not = shop.listing(None, key="MUG")
    unlink_listing(listing_id=ours_not.pk, now=NOW, ignore=True)
    shop.take(order(line(sells="MUG")))
    shop.take(order(line("L2", sells="PEN", ordered=2, cancelled=2), key="O2"))
    assert waiting_alerts() == []


def test_an_order_resolves_by_the_link_that_was_valid_when_it_was_placed(shop):
    old, new = shop.sku("OLD", 10), shop.sku("NEW", 10)
    listing = shop.listing(old, key="MUG")
    link_listing(listing_id=listing.pk, sku=new, now=NOW, units_per_sale=2)

    shop.take(order(line("L1", sells="MUG"), placed_at=PLACED))
    shop.take(order(line("L2", sells="MUG"), key="O2", placed_at=NOW + timedelta(seconds=1)))

    assert (shop.balance(old), shop.balance(new)) == ((10, 1), (10, 2))


def test_an_order_placed_before_the_listing_was_unlinked_is_still_what_it_was(shop):
    sku = shop.sku(units=10)
    unlink_listing(listing_id=Listing.objects.get(account__channel="flipkart").pk, now=NOW)
    shop.take(order(line(), placed_at=PLACED))
    shop.take(order(line("L2"), key="O2", placed_at=NOW + timedelta(minutes=1)))
    assert shop.balance(sku) == (10, 1)
    assert (shop.line("L1").waiting, shop.line("L2").waiting) == (False, True)


def test_a_changed_link_leaves_committed_lines_as_they_were(shop):
    old, new = shop.sku("OLD", 10), shop.sku("NEW", 10)
    listing = shop.listing(old, key="MUG")
    shop.take(order(line(sells="MUG", ordered=2)))

    link_listing(listing_id=listing.pk, sku=new, now=NOW, since=PLACED - timedelta(days=1))
    shop.take(order(line(sells="MUG", ordered=2, cancelled=2), minute=1))

    assert (shop.balance(old), shop.balance(new)) == ((10, 0), (10, 0))


@pytest.mark.parametrize(
    "ids",
    [
        ListingIds(key="", listing_ref="LST9"),
        ListingIds(key="gone", seller_sku="SELLER-9"),
        ListingIds(key="", product_id="FSN9"),
    ],
    ids=["by the channel's own id", "by a seller SKU that only one listing has", "by a product that only one has"],
)
def test_an_order_finds_its_listing_by_what_the_channel_names(shop, ids):
    sku = Sku.objects.create(code="NINE")
    listing = shop.listing(sku, key="NINE-KEY")
    Listing.objects.filter(pk=listing.pk).update(listing_ref="LST9", seller_sku="SELLER-9", product_id="FSN9")
    named = line(ordered=2)
    shop.take(order(type(named)(line_key="L1", listing=ids, ordered=2)))
    assert shop.balance(sku) == (0, 2)


def test_an_ambiguous_name_waits_for_a_person(shop):
    for code in ("ONE", "TWO"):
        listing = shop.listing(shop.sku(code), key=f"{code}-KEY")
        Listing.objects.filter(pk=listing.pk).update(seller_sku="SAME")
    named = line()
    shop.take(order(type(named)(line_key="L1", listing=ListingIds(key="gone", seller_sku="SAME"), ordered=1)))
    assert shop.line().waiting is True


def test_one_accounts_listings_are_not_anothers(shop):
    sku = Sku.objects.create(code="TEE")
    shop.listing(sku, channel=Channel.AMAZON)
    shop.take(order(line(), source=Source.READ))
    assert shop.line().waiting is True
