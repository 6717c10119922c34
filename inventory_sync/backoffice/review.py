"""
The review of listings that wait for a person: what comes next, and what each button does. Pages are in ``admin/review.py``.

The order is what it costs to wait: listings with orders that block no stock yet, then those that sell, then dear ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from inventory_sync.engine.mapping import approve_match, ignore_listing
from inventory_sync.engine.remap import TakenBack, take_back_link
from inventory_sync.orders.models import OrderLine
from skumap.models import Listing, MatchCandidate, Sku
from skumap.services import LinkError, set_kit

LATELY = timedelta(days=30)
SUGGESTIONS = 5
OPEN = [Listing.Status.UNMAPPED, Listing.Status.AMBIGUOUS]
SAFE_AT_ONCE = 200


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
    lately = lines.filter(order__placed_at__gte=now - LATELY).annotate(count=Sum("ordered")).values("count")
    rows = (
        Listing.objects.select_related("account")
        .filter(status__in=OPEN, vanished_at__isnull=True)
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


def link_to_combo(
    *, listing_id: int, code: str, title: str, parts: Mapping[Sku, int], now: datetime, actor: Any
) -> Listing:
    """
    Make a combo of these parts and link a listing to it.

    :raises ReviewError: the code is taken, there are no parts, or one of them is a combo itself.
    """
    if not parts:
        raise ReviewError("a combo needs at least one part")
    with transaction.atomic():
        kit, made = Sku.objects.get_or_create(code=code.strip(), defaults={"title": title})
        if not made:
            raise ReviewError(f"{code} is taken: link to it if it is this combo, or give another code")
        try:
            set_kit(kit=kit, parts=parts)
        except ValidationError as error:
            raise ReviewError(" ".join(error.messages).rstrip(".")) from error
        return link(
            listing_id=listing_id, sku_id=kit.pk, units_per_sale=1, now=now, actor=actor, reason="new combo of it"
        )


def ignore(*, listing_id: int, now: datetime) -> Listing:
    return ignore_listing(listing_id=listing_id, now=now)


def take_back(*, listing_id: int, now: datetime) -> TakenBack:
    """Undo a decision: the listing waits again, and so do the orders that blocked stock because of it."""
    return take_back_link(listing_id=listing_id, now=now)


# --- several at once --------------------------------------------------------------------------------------------------------


def run_of(listing: Listing) -> list[MatchCandidate]:
    """The sizes and colours that pair one to one with a style, if the listing is one of two or more that are still open."""
    own = listing.candidates.exclude(run="").first()
    if own is None:
        return []
    rows = (
        MatchCandidate.objects.filter(run=own.run, listing__status__in=OPEN, listing__vanished_at__isnull=True)
        .select_related("listing", "sku")
        .order_by("sku__code")
    )
    found = list(rows)
    return found if len(found) > 1 else []


def approve_run(*, run: str, now: datetime, actor: Any) -> list[Listing]:
    """
    Link every open listing of a run to the SKU that it pairs with.

    :raises ReviewError: the run is not there any more: somebody decided about it, or it was matched anew.
    """
    rows = MatchCandidate.objects.exclude(run="").filter(run=run, listing__status__in=OPEN).order_by("listing_id")
    done = [_approve(row, now=now, actor=actor, reason="reviewed as a style") for row in rows]
    if not done:
        raise ReviewError("this style has been decided already")
    return done


def safe_matches() -> QuerySet[MatchCandidate]:
    """
    Suggestions that nothing spoke against when they were matched (:mod:`inventory_sync.engine.matching`), the likeliest first; but none whose SKU
    the account has linked since.
    """
    linked = Listing.objects.filter(account=OuterRef("listing__account"), sku=OuterRef("sku"), vanished_at__isnull=True)
    rows = MatchCandidate.objects.filter(safe=True, listing__status__in=OPEN, listing__vanished_at__isnull=True)
    return rows.filter(~Exists(linked)).select_related("listing__account", "sku").order_by("-score", "id")


def approve_safe(*, candidate_ids: Iterable[int], now: datetime, actor: Any) -> list[Listing]:
    """Link what was chosen of the safe matches; one that is not safe any more is left alone."""
    chosen = list(safe_matches().filter(pk__in=set(candidate_ids)))
    return [_approve(row, now=now, actor=actor, reason="reviewed among the safe ones") for row in chosen]


def _approve(row: MatchCandidate, *, now: datetime, actor: Any, reason: str) -> Listing:
    return link(
        listing_id=row.listing_id,
        sku_id=row.sku_id,
        units_per_sale=row.units_per_sale,
        now=now,
        actor=actor,
        reason=reason,
    )
