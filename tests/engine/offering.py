"""A SKU with everything that a Flipkart listing must declare, on a shop whose accounts live in the sandbox."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone

from inventory_sync.engine import listing_changes, listing_sending
from inventory_sync.engine.listing_change import ListingChange
from inventory_sync.engine.listing_changes import Actor, Wish
from skumap.models import Category, ChannelAccount, Listing, Sku
from tests.engine.selling import Shop

FSN = "TSHDEMO00000AB12"
TEES: dict[str, Any] = {
    "hsn": "61091000",
    "country_of_origin": "IN",
    "manufacturer": "Asha Knits, 12 Mill Road, Tiruppur 641604",
    "generic_name": "T-shirt",
    "net_quantity": "1 N",
    "consumer_care": "Asha Care, 12 Mill Road, Tiruppur 641604, 1800 123 456, care@example.in",
    "packages": [
        {"length": 28, "breadth": "22", "height": 2.5, "weight": 0.25, "notional_value": 999, "fragile": False}
    ],
    "procurement_type": "REGULAR",
    "shipping_provider": "FLIPKART",
    "dispatch_days": 2,
    "fee_local": Decimal(0),
    "fee_zonal": Decimal(40),
    "fee_national": Decimal(60),
    "mfg_rule": "month",
}


def declare(sku: Sku, *, mrp: str = "1199", **own: Any) -> Sku:
    """Give a SKU a category that says everything, and its MRP."""
    category, _ = Category.objects.update_or_create(name="T-shirts", defaults=TEES | own)
    Sku.objects.filter(pk=sku.pk).update(category=category, mrp=Decimal(mrp), title=sku.code.title(), hsn="")
    return Sku.objects.get(pk=sku.pk)


def prepare(account: ChannelAccount, kind: Any, *wishes: Wish) -> list[ListingChange]:
    done = listing_changes.prepare(
        account_id=account.pk, kind=kind, wishes=wishes, now=timezone.now(), actor=Actor(via="test")
    )
    assert done.skipped == ()
    return list(done.changes)


def approve(*changes: ListingChange) -> None:
    approved, refused = listing_changes.approve(
        change_ids=[change.pk for change in changes], now=timezone.now(), actor=Actor(via="manager")
    )
    assert (len(approved), refused) == (len(changes), [])


def send(account: ChannelAccount) -> None:
    """Work until nothing is due for the moment."""
    while listing_sending.work(account_id=account.pk, now=timezone.now()):
        pass


def again(change: ListingChange) -> ListingChange:
    return ListingChange.objects.select_related("listing", "sku", "account").get(pk=change.pk)


def wish(sku: Sku, listing: Listing | None = None, **values: Any) -> Wish:
    money = {name: Decimal(values.pop(name)) for name in ("price", "mrp") if name in values}
    return Wish(sku_id=sku.pk, listing_id=listing.pk if listing else None, **money, **values)


def on_flipkart(shop: Shop, seller_sku: str) -> Any:
    """The sandbox's own listing, as its state holds it."""
    return shop.sandbox.flipkart.state.listings.get(seller_sku)
