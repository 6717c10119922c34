"""A row does not start beside an unlinked listing of the same goods that shows stock."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from inventory_sync.alerts.models import Alert
from inventory_sync.domain.snapshots import Channel
from inventory_sync.engine.mapping import approve_match, ignore_listing
from inventory_sync.engine.models import ListingState
from inventory_sync.engine.reconcile import start_rows
from skumap.models import Listing, Sku
from tests.engine.conftest import Seller


@pytest.fixture
def shirt(seller: Seller) -> Sku:
    """Linked on Flipkart, not started yet."""
    seller.account("flip", Channel.FLIPKART)
    seller.account("amz", Channel.AMAZON)
    sku = seller.sku("TEE-M", 20)
    listing = seller.listing("flip", sku)
    Sku.objects.filter(pk=sku.pk).update(barcode="8901234567894")
    Listing.objects.filter(pk=listing.pk).update(product_id="FSN1")
    return sku


def loose(seller: Seller, name: str, **values: Any) -> Listing:
    facts = {"key": "OLD-1", "seller_sku": "OLD-1", "shows": 4, "fulfilment": "MFN"} | values
    return Listing.objects.create(account=seller.accounts[name], **facts)


def started(seller: Seller, sku: Sku) -> bool:
    seller.start()
    return seller.state("flip", sku).started_at is not None


@pytest.mark.parametrize(
    ("account", "values"),
    [
        ("amz", {"seller_sku": "tee-m"}),
        ("amz", {"barcode": "8901234567894"}),
        ("flip", {"product_id": "FSN1", "fulfilment": "NON_FBF"}),
        ("amz", {"seller_sku": "TEE-M", "status": "ignored"}),
    ],
    ids=["same seller SKU", "same barcode", "same product", "ignored"],
)
def test_a_row_waits_for_an_unlinked_twin_that_shows_stock(
    seller: Seller, shirt: Sku, account: str, values: dict[str, Any]
) -> None:
    twin = loose(seller, account, **values)

    assert not started(seller, shirt)
    alert = Alert.objects.get(kind="twin_listing", resolved_at=None)
    assert (alert.key, alert.account) == (str(twin.pk), seller.accounts[account])
    assert "TEE-M" in alert.title
    assert str(twin.pk) in alert.link


@pytest.mark.parametrize(
    "values",
    [
        {"seller_sku": "tee-m", "shows": 0},
        {"seller_sku": "tee-m", "shows": None},
        {"seller_sku": "tee-m", "active": False},
        {"seller_sku": "tee-m", "fulfilment": "FBA"},
        {"seller_sku": "tee-m", "vanished_at": timezone.now()},
        {"seller_sku": "tee-m", "other_goods": True},
        {"product_id": "FSN1"},  # Amazon's identifier, not Flipkart's
        {"seller_sku": "TEE-L"},
        {"seller_sku": "", "barcode": "", "product_id": ""},
    ],
    ids=[
        "sold out",
        "nobody knows",
        "switched off",
        "FBA",
        "gone",
        "other goods",
        "other channel",
        "other SKU",
        "empty",
    ],
)
def test_a_row_does_not_wait_for_what_can_sell_nothing_of_ours(
    seller: Seller, shirt: Sku, values: dict[str, Any]
) -> None:
    loose(seller, "amz", **values)

    assert started(seller, shirt)
    assert not Alert.objects.filter(kind="twin_listing").exists()


def test_linking_the_twin_starts_the_row_and_ends_the_alert(seller: Seller, shirt: Sku) -> None:
    twin = loose(seller, "amz", seller_sku="tee-m")
    assert not started(seller, shirt)

    approve_match(listing_id=twin.pk, sku_id=shirt.pk, now=timezone.now())
    start_rows(now=timezone.now())

    assert seller.state("flip", shirt).started_at is not None
    assert not Alert.objects.filter(kind="twin_listing", resolved_at=None).exists()


def test_a_person_can_say_that_the_twin_sells_other_goods(seller: Seller, shirt: Sku) -> None:
    twin = loose(seller, "amz", seller_sku="tee-m")
    assert not started(seller, shirt)

    ignore_listing(listing_id=twin.pk, now=timezone.now(), other_goods=True)

    assert start_rows(now=timezone.now()) == 1


def test_other_rows_start_while_one_waits(seller: Seller, shirt: Sku) -> None:
    cap = seller.sku("CAP", 5)
    seller.listing("flip", cap)
    loose(seller, "amz", seller_sku="tee-m")

    assert not started(seller, shirt)
    assert seller.state("flip", cap).started_at is not None
    assert ListingState.objects.filter(started_at=None).count() == 1
