"""
The review of listings that wait for a person: what comes next, and what each button does. Pages are in ``admin/review.py``.

The order is what it costs to wait: listings with orders that block no stock yet, then those that sell, then dear ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.mapping import approve_match, ignore_listing
from inventory_sync.orders.models import OrderLine
from skumap.models import Listing, Sku
from skumap.services import LinkError, unlink_listing

LATELY = timedelta(days=30)
SUGGESTIONS = 5


class ReviewError(ValueError):
    """It can't be done as asked; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Listings that wait, most pressing first. ``waiting_orders``: how many of them have orders that block no stock yet."""

    listings: QuerySet[Listing]
    count: int
    waiting_orders: int


def queue(*, now: datetime, account_id: int | None = None) -> Queue:
    """What is to be reviewed. Each listing has ``waiting_lines`` and ``sold_lately`` (units of 30 days)."""
    lines = OrderLine.objects.filter(listing=OuterRef("pk")).order_by().values("listing")
    by_key = (
        OrderLine.objects.filter(account=OuterRef("account"), listing_key=OuterRef("key"), waiting=True)
        .order_by()
        .values("listing_key")
        .annotate(count=Count("id"))
        .values("count")
    )
    lately = lines.filter(order__placed_at__gte=now - LATELY).annotate(count=Count("id")).values("count")
    rows = (
        Listing.objects.select_related("account")
        .filter(status__in=[Listing.Status.UNMAPPED, Listing.Status.AMBIGUOUS], vanished_at__isnull=True)
        .annotate(
            waiting_lines=Coalesce(Subquery(by_key), Value(0)),
            sold_lately=Coalesce(Subquery(lately), Value(0)),
        )
        .order_by("-waiting_lines", "-sold_lately", F("price").desc(nulls_last=True), "id")
    )
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    numbers = rows.aggregate(all=Count("id"), urgent=Count("id", filter=Q(waiting_lines__gt=0)))
    return Queue(listings=rows, count=numbers["all"], waiting_orders=numbers["urgent"])


def link(*, listing_id: int, sku_id: int, units_per_sale: int, now: datetime, actor: Any, reason: str) -> Listing:
    """:raises ReviewError: the link can't be made."""
    if not Sku.objects.filter(pk=sku_id).exists():
        raise ReviewError("there is no such SKU any more")
    try:
        return approve_match(
            listing_id=listing_id, sku_id=sku_id, now=now, units_per_sale=units_per_sale, actor=actor, reason=reason
        )
    except LinkError as error:
        raise ReviewError(str(error)) from error


def link_to_new(*, listing_id: int, code: str, now: datetime, actor: Any) -> Listing:
    """
    Make a SKU of a listing's own facts and link it.

    :raises ReviewError: the code is empty or taken.
    """
    code = code.strip()
    if not code:
        raise ReviewError("a SKU needs a code")
    with transaction.atomic():
        listing = Listing.objects.get(pk=listing_id)
        sku, made = Sku.objects.get_or_create(
            code=code,
            defaults={
                "title": listing.title,
                "barcode": listing.barcode[:20],
                "mrp": listing.mrp,
                "brand": str(listing.attributes.get("brand", ""))[:80],
            },
        )
        if not made:
            raise ReviewError(f"{code} is taken: choose it above if it is the same goods, or give another code")
        return link(
            listing_id=listing_id, sku_id=sku.pk, units_per_sale=1, now=now, actor=actor, reason="new SKU of it"
        )


def ignore(*, listing_id: int, now: datetime) -> Listing:
    return ignore_listing(listing_id=listing_id, now=now)


def take_back(*, listing_id: int, now: datetime) -> int:
    """
    Undo a decision: the listing waits again. Orders that blocked stock meanwhile keep it.

    :return: how many order lines those are.
    """
    listing = Listing.objects.get(pk=listing_id)
    kept = OrderLine.objects.filter(listing=listing, sku=listing.sku, waiting=False).count() if listing.sku_id else 0
    before = listing.sku_id
    unlink_listing(listing_id=listing_id, now=now)
    Listing.objects.filter(pk=listing_id).update(status=Listing.Status.AMBIGUOUS)
    decide_soon({before} if before else set())
    return kept
