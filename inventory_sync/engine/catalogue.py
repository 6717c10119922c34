"""Listings and locations of an account: pull them, make a row for each place that a linked listing sells from, warn of what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.domain.errors import ChannelError
from inventory_sync.domain.snapshots import MARKETPLACE_HELD, Fulfilment, Hazard, ListingIds
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.models import ListingState, SyncCursor
from inventory_sync.stock.models import LocationLink, Warehouse
from skumap.models import ChannelAccount, ChannelLocation, Listing
from skumap.services import PullResult, take_in_listings, take_in_locations

logger = logging.getLogger(__name__)

HAZARD_WORDS = {
    Hazard.CONTINUES_SELLING: "goes on selling when it is out of stock",
    Hazard.UNTRACKED: "is not counted by the channel (inventory tracking is off)",
    Hazard.UNMANAGED_STOCK: "has stock at a location that we do not manage",
    Hazard.BUNDLE_PARENT: "is a bundle whose stock comes from its parts",
}

ENSURE_STATES = """
INSERT INTO engine_listingstate (listing_id, location_id, account_id, desired_version, goal_quantity, urgency, weight, inputs, inputs_hash,
                                 shown, unseen, restocked, served, attempts, last_error, blocked_reason, solo, unexplained_units)
SELECT l.id, c.id, l.account_id, 0, 0, 9, 0, '{}', '', 0, 0, 0, 0, 0, '', '', false, 0
  FROM skumap_listing l
  JOIN skumap_channellocation c ON c.account_id = l.account_id AND c.managed AND c.active
 WHERE l.account_id = %(account)s AND l.status = 'mapped' AND l.vanished_at IS NULL AND l.fulfilment = ANY(%(writable)s)
   AND (%(listing)s::bigint IS NULL OR l.id = %(listing)s)
   AND EXISTS (SELECT 1 FROM stock_locationlink k WHERE k.location_id = c.id)
ON CONFLICT (listing_id, location_id) DO NOTHING
RETURNING listing_id
"""


def ensure_states(*, context: AccountContext, listing_id: int | None = None) -> int:
    """
    A row for each linked, seller-fulfilled listing and each of the account's locations that staff have linked to a warehouse.

    :param listing_id: only for this listing; None: for all of the account.
    :return: rows made. A new row is read before anything else happens to it.
    """
    writable = [kind.value for kind in Fulfilment if context.may_write(kind)]
    with connection.cursor() as cursor:
        cursor.execute(ENSURE_STATES, {"account": context.id, "writable": writable, "listing": listing_id})
        made = len(cursor.fetchall())
    if made:
        SyncCursor.objects.filter(account=context.account, stream="reconcile").update(next_due_at=timezone.now())
    return made


def refresh_locations(*, context: AccountContext) -> list[ChannelLocation]:
    """Ask the channel for its locations; one that no warehouse serves is an alert. If there is one own warehouse, it is linked by itself."""
    rows = take_in_locations(account=context.account, snapshots=context.adapter.locations())
    own = list(Warehouse.objects.filter(kind=Warehouse.Kind.OWN, active=True)[:2])
    for row in rows:
        linked = row.warehouse_links.exists()
        if not linked and row.managed and row.active and len(own) == 1 and len(rows) == 1:
            LocationLink.objects.get_or_create(location=row, warehouse=own[0])
            linked = True
        if linked or not (row.managed and row.active):
            resolve_alert(kind="location_unlinked", key=str(row.pk))
        else:
            raise_alert(
                kind="location_unlinked",
                key=str(row.pk),
                title=f"{context.account}: {row} is not linked to a warehouse",
                detail="Its listings are not written until you say which warehouses serve it.",
                account_id=context.id,
                link=f"/admin/skumap/channellocation/{row.pk}/change/",
            )
    return rows


def after_pull(*, context: AccountContext, result: PullResult, now: datetime) -> None:
    """New listings wait for a person and say so; hazards and changed fulfilment take effect at once."""
    if result.new:
        for listing in Listing.objects.filter(pk__in=result.new, status=Listing.Status.UNMAPPED):
            raise_alert(
                kind="listing_new",
                key=str(listing.pk),
                title=f"{context.account}: new listing {listing} is not linked to a SKU",
                detail=listing.title,
                account_id=context.id,
                link=f"/admin/skumap/listing/review/?listing={listing.pk}",
                now=now,
            )
    _alert_changed_products(listing_ids=result.product_changed, now=now)
    changed = set(result.changed) | set(result.new)
    if changed:
        check_hazards(context=context, listing_ids=changed)
    if result.fulfilment_changed:
        for listing in Listing.objects.filter(pk__in=result.fulfilment_changed, sku__isnull=False):
            raise_alert(
                kind="fulfilment_changed",
                key=f"{listing.pk}:{listing.fulfilment}",
                title=f"{context.account}: {listing} is now {listing.fulfilment}",
                detail="Who ships it has changed; what we write to it has changed with it.",
                account_id=context.id,
                link=f"/admin/skumap/listing/{listing.pk}/change/",
                now=now,
            )
    if changed:
        decide_soon(Listing.objects.filter(pk__in=changed, sku__isnull=False).values_list("sku_id", flat=True))


def _alert_changed_products(*, listing_ids: Iterable[int], now: datetime) -> None:
    """The channel says that these linked listings are another product (FSN, ASIN or barcode) than before."""
    for listing in Listing.objects.filter(pk__in=set(listing_ids), sku__isnull=False).select_related("account", "sku"):
        raise_alert(
            kind="product_changed",
            key=str(listing.pk),
            title=f"{listing.account}: {listing} is another product now",
            detail=f"Its FSN, ASIN, product ID or barcode has changed. Look whether it is still {listing.sku}.",
            severity="critical",
            account_id=listing.account_id,
            link=f"/admin/skumap/listing/{listing.pk}/link/",
            now=now,
        )


def check_hazards(*, context: AccountContext, listing_ids: Iterable[int]) -> None:
    """A hazard that nobody fixed or accepted is an alert, and blocks every raise of the listing."""
    for listing in Listing.objects.filter(pk__in=set(listing_ids)):
        present = set(listing.open_hazards)
        for hazard in Hazard:
            key = f"{listing.pk}:{hazard.value}"
            if hazard.value in present:
                raise_alert(
                    kind="listing_hazard",
                    key=key,
                    title=f"{context.account}: {listing} {HAZARD_WORDS[hazard]}",
                    detail="It counts as not live until this is fixed or accepted.",
                    account_id=context.id,
                    link=f"/admin/skumap/listing/{listing.pk}/change/",
                )
            else:
                resolve_alert(kind="listing_hazard", key=key)


def fix_hazard(*, context: AccountContext, listing_id: int, hazard: Hazard) -> None:
    """
    Let the channel be told to stop it (one click), then read the listing again.

    :raises ChannelError: the channel refused, or this hazard can't be fixed from here.
    """
    listing = Listing.objects.get(pk=listing_id, account=context.account)
    ids = ids_of(listing)
    context.adapter.fix_hazard(listing=ids, hazard=hazard)
    snapshots = context.adapter.read_listings([ids])
    if not snapshots:
        raise ChannelError(f"{listing} can't be read any more", channel=context.channel)
    result = take_in_listings(account=context.account, snapshots=snapshots, now=timezone.now())
    after_pull(context=context, result=result, now=timezone.now())


def ids_of(listing: Listing) -> ListingIds:
    """A listing's identifiers as its channel knows them."""
    return ListingIds(
        key=listing.key, seller_sku=listing.seller_sku, product_id=listing.product_id, listing_ref=listing.listing_ref
    )


def block_reason(*, context: AccountContext, listing: Listing) -> str:
    """Why a row of this listing may not be raised at all; "" when it may. Words for staff."""
    kind = Fulfilment(listing.fulfilment)
    if kind in MARKETPLACE_HELD:
        return f"{kind.value}: the marketplace keeps this stock"
    if not context.may_write(kind):
        return f"fulfilment {kind.value} is not written"
    if listing.vanished_at is not None:
        return "the channel does not list it any more"
    if listing.open_hazards:
        return f"it {HAZARD_WORDS[Hazard(listing.open_hazards[0])]}"
    return ""


def relink_states(*, context: AccountContext) -> None:
    """Warehouse links changed: make missing rows, drop what rows can no longer be served, decide everything of the account anew."""
    ensure_states(context=context)
    with transaction.atomic():
        rows = ListingState.objects.filter(account=context.account).filter(
            Q(location__managed=False) | Q(location__active=False) | Q(location__warehouse_links__isnull=True)
        )
        rows.filter(flights__isnull=True, shown=0, unseen=0).delete()
    decide_soon(
        Listing.objects.filter(account=context.account, sku__isnull=False).values_list("sku_id", flat=True).distinct()
    )


def accounts_reading() -> list[ChannelAccount]:
    """Accounts whose channel is read: all but paused ones keep their feeds; paused ones keep their book running too."""
    return list(ChannelAccount.objects.exclude(health=ChannelAccount.Health.NEW))
