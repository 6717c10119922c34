"""Use cases of the map: link a listing to a SKU, take in what a channel says of its listings, resolve an order line's listing."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from inventory_sync.domain.snapshots import Hazard, ListingIds, ListingSnapshot, LocationSnapshot, MarketplaceStock
from skumap.models import ChannelAccount, ChannelLocation, KitComponent, Listing, ListingLink, Sku

logger = logging.getLogger(__name__)


class LinkError(ValueError):
    """A listing can't be linked as asked; the message says why."""


@transaction.atomic
def link_listing(
    *,
    listing_id: int,
    sku: Sku,
    now: datetime,
    units_per_sale: int = 1,
    since: datetime | None = None,
    actor: Any = None,
    reason: str = "",
) -> Listing:
    """
    Make a listing be ``sku`` from ``since`` on (None: since ever, for a first link; from now on, for a changed one).

    Safe to repeat: the same link again changes nothing.

    :raises LinkError: ``units_per_sale`` below 1, or ``since`` before the current link began or the last one ended.
    """
    if units_per_sale < 1:
        raise LinkError("units per sale must be at least 1")
    listing = Listing.objects.select_for_update().get(pk=listing_id)
    current = ListingLink.objects.filter(listing=listing, valid_to__isnull=True).first()
    if current and current.sku_id == sku.pk and current.units_per_sale == units_per_sale:
        return listing
    earlier = current or ListingLink.objects.filter(listing=listing).order_by("-valid_to").first()
    starts = since if since is not None or earlier is None else now
    if current and starts is not None:
        if current.valid_from and starts < current.valid_from:
            raise LinkError("the new link would begin before the one it replaces")
        ListingLink.objects.filter(pk=current.pk).update(valid_to=starts)
    elif earlier and starts is not None and earlier.valid_to and starts < earlier.valid_to:
        raise LinkError("the new link would begin before the last one ended")
    ListingLink.objects.create(
        listing=listing, sku=sku, units_per_sale=units_per_sale, valid_from=starts, actor=actor, reason=reason[:200]
    )
    listing.sku = sku
    listing.units_per_sale = units_per_sale
    listing.status = Listing.Status.MAPPED
    listing.other_goods = False
    listing.save(update_fields=["sku", "units_per_sale", "status", "other_goods"])
    return listing


@transaction.atomic
def backdate_link(*, listing_id: int, since: datetime) -> bool:
    """
    Let a listing's present link begin earlier; the one before it ends then.

    :return: False if it began by then already.
    :raises LinkError: the link before it began later than ``since``.
    """
    Listing.objects.select_for_update().get(pk=listing_id)
    current = ListingLink.objects.filter(listing_id=listing_id, valid_to__isnull=True).first()
    if current is None or current.valid_from is None or current.valid_from <= since:
        return False
    earlier = ListingLink.objects.filter(listing_id=listing_id, valid_to__gt=since).exclude(pk=current.pk)
    if earlier.filter(valid_from__gt=since).exists():
        raise LinkError("another link began after that: put that one right first")
    earlier.update(valid_to=since)
    current.valid_from = since
    current.save(update_fields=["valid_from"])
    return True


@transaction.atomic
def unlink_listing(*, listing_id: int, now: datetime, ignore: bool = False, other_goods: bool = False) -> Listing:
    """Take a listing off its SKU from now on; ``ignore`` says that it is none of ours, ``other_goods`` that it sells no stock of ours either."""
    listing = Listing.objects.select_for_update().get(pk=listing_id)
    ListingLink.objects.filter(listing=listing, valid_to__isnull=True).update(valid_to=now)
    listing.sku = None
    listing.status = Listing.Status.IGNORED if ignore else Listing.Status.UNMAPPED
    listing.other_goods = other_goods
    listing.save(update_fields=["sku", "status", "other_goods"])
    return listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The listing of an order line, and the SKU that it was at the order's time (None: nobody knows yet)."""

    listing_id: int | None
    sku_id: int | None
    units_per_sale: int = 1


def find_listings(*, account_id: int, listings: Iterable[ListingIds]) -> dict[ListingIds, int]:
    """
    Which of our listings a channel means.

    By the account's natural key first, then by the inventory item or listing id, then by a seller SKU or product that only one listing of the
    account has. What is not unique is not found: a person decides.
    """
    wanted = list(dict.fromkeys(listings))
    clause = Q(key__in=[ids.key for ids in wanted if ids.key])
    clause |= Q(listing_ref__in=[ids.listing_ref for ids in wanted if ids.listing_ref])
    clause |= Q(seller_sku__in=[ids.seller_sku for ids in wanted if ids.seller_sku])
    clause |= Q(product_id__in=[ids.product_id for ids in wanted if ids.product_id and not ids.key])
    rows = Listing.objects.filter(clause, account_id=account_id).values_list(
        "id", "key", "listing_ref", "seller_sku", "product_id"
    )
    by_key: dict[str, int] = {}
    by_field: dict[tuple[str, str], set[int]] = defaultdict(set)
    for pk, key, ref, seller_sku, product_id in rows:
        by_key[key] = pk
        for field, value in (("ref", ref), ("sku", seller_sku), ("product", product_id)):
            if value:
                by_field[field, value].add(pk)
    found: dict[ListingIds, int] = {}
    for ids in wanted:
        if ids.key in by_key:
            found[ids] = by_key[ids.key]
            continue
        for field, value in (("ref", ids.listing_ref), ("sku", ids.seller_sku), ("product", ids.product_id)):
            matches = by_field.get((field, value), set()) if value and (field != "product" or not ids.key) else set()
            if len(matches) == 1:
                found[ids] = next(iter(matches))
                break
    return found


def resolve(*, account_id: int, listings: Iterable[ListingIds], at: datetime | None) -> dict[ListingIds, Resolved]:
    """The SKU that each listing was at a moment (None: as linked now). Unknown listings resolve to nothing."""
    found = find_listings(account_id=account_id, listings=listings)
    resolved = resolve_links(listing_ids=found.values(), at=at)
    return {ids: resolved[pk] for ids, pk in found.items()}


def resolve_links(*, listing_ids: Iterable[int], at: datetime | None) -> dict[int, Resolved]:
    """The SKU that each of these listings was at a moment (None: as linked now)."""
    wanted = set(listing_ids)
    links: dict[int, list[ListingLink]] = defaultdict(list)
    for link in ListingLink.objects.filter(listing_id__in=wanted).order_by("id"):
        links[link.listing_id].append(link)
    return {pk: resolve_link(listing_id=pk, links=links[pk], at=at) for pk in wanted}


def resolve_link(*, listing_id: int, links: Sequence[ListingLink], at: datetime | None) -> Resolved:
    """The link of a listing that was valid at a moment (None: the one that is now); where links left a gap, the next one after it."""
    if at is None:
        chosen = next((link for link in links if link.valid_to is None), None)
    else:
        # Each link that had not ended by then, the one that began first.
        still = [link for link in links if link.valid_to is None or at < link.valid_to]
        still = [
            link
            for link in still
            if link.valid_from is None or link.valid_to is None or link.valid_from < link.valid_to
        ]
        chosen = min(still, key=lambda link: (link.valid_from is not None, link.valid_from, link.pk), default=None)
    if chosen is None:
        return Resolved(listing_id=listing_id, sku_id=None)
    return Resolved(listing_id=listing_id, sku_id=chosen.sku_id, units_per_sale=chosen.units_per_sale)


def components_of(sku_ids: Iterable[int]) -> dict[int, dict[int, int]]:
    """
    What physical units one unit of each SKU takes: its parts for a combo, one of itself for a plain SKU.

    :return: {sku id: {physical sku id: units}}
    """
    wanted = set(sku_ids)
    kits: dict[int, dict[int, int]] = defaultdict(dict)
    for kit_id, component_id, units in KitComponent.objects.filter(kit_id__in=wanted).values_list(
        "kit_id", "component_id", "units"
    ):
        kits[kit_id][component_id] = units
    return {sku_id: dict(kits[sku_id]) if sku_id in kits else {sku_id: 1} for sku_id in wanted}


def skus_touched_by(sku_ids: Iterable[int]) -> set[int]:
    """These SKUs and every combo that contains one of them."""
    wanted = set(sku_ids)
    return wanted | set(KitComponent.objects.filter(component_id__in=wanted).values_list("kit_id", flat=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult:
    """What a pull of listings changed. ``new`` are listings nobody has linked yet."""

    new: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    fulfilment_changed: tuple[int, ...] = ()


KEY_LENGTH = 120
# A report knows less of a listing than a read by item: what it does not say stays.
_KEPT_WHEN_UNSAID = ("listing_ref", "product_type")
_LISTING_FIELDS = (
    "seller_sku", "product_id", "listing_ref", "title", "fulfilment", "active", "price", "mrp", "barcode", "product_type", "hazards", "shows",
)  # fmt: skip


@transaction.atomic
def take_in_listings(*, account: ChannelAccount, snapshots: Sequence[ListingSnapshot], now: datetime) -> PullResult:
    """Create and update listings as the channel describes them. A known listing keeps its link; a new one waits for a person."""
    by_key: dict[str, ListingSnapshot] = {}
    for snapshot in snapshots:
        if 0 < len(snapshot.ids.key) <= KEY_LENGTH:
            by_key[snapshot.ids.key] = snapshot
        else:
            logger.error("%s: a listing with the unusable key %r is left out", account, snapshot.ids.key[:200])
    known = {
        row.key: row
        for row in Listing.objects.select_for_update().filter(account=account, key__in=by_key).order_by("id")
    }
    new: list[Listing] = []
    changed: list[Listing] = []
    moved: list[int] = []
    for key, snapshot in sorted(
        by_key.items()
    ):  # in one order, so that two pulls never wait for each other's new listings
        values = _listing_values(snapshot)
        row = known.get(key)
        if row is None:
            new.append(Listing(account=account, key=key, attributes=dict(snapshot.attributes), pulled_at=now, **values))
            continue
        values |= {field: getattr(row, field) for field in _KEPT_WHEN_UNSAID if not values[field]}
        if values["shows"] is None:
            values["shows"] = row.shows
        if row.fulfilment != values["fulfilment"]:
            moved.append(row.pk)
        values["attributes"] = {**(row.attributes or {}), **snapshot.attributes}
        if any(getattr(row, field) != value for field, value in values.items()) or row.vanished_at is not None:
            changed.append(row)
        for field, value in values.items():
            setattr(row, field, value)
        row.vanished_at = None
    Listing.objects.bulk_update(changed, [*_LISTING_FIELDS, "attributes", "vanished_at"], batch_size=500)
    Listing.objects.filter(pk__in=[row.pk for row in known.values()]).update(pulled_at=now)
    # Another pull may be storing the same new listings: whoever comes second finds them.
    Listing.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
    created = Listing.objects.filter(account=account, key__in=[row.key for row in new]).order_by("id") if new else ()
    return PullResult(
        new=tuple(row.pk for row in created),
        changed=tuple(row.pk for row in changed),
        fulfilment_changed=tuple(moved),
    )


def _listing_values(snapshot: ListingSnapshot) -> dict[str, Any]:
    quantities = [max(place.quantity, 0) for place in snapshot.locations if place.quantity is not None]
    return {
        "seller_sku": snapshot.ids.seller_sku[:120],
        "product_id": snapshot.ids.product_id[:40],
        "listing_ref": snapshot.ids.listing_ref[:60],
        "title": snapshot.title[:300],
        "fulfilment": snapshot.fulfilment.value,
        "active": snapshot.active,
        "price": snapshot.price,
        "mrp": snapshot.mrp,
        "barcode": snapshot.barcode[:40],
        "product_type": snapshot.product_type[:80],
        "hazards": sorted(hazard.value for hazard in snapshot.hazards),
        "shows": sum(quantities) if quantities else None,
    }


def take_in_marketplace_stock(*, account_id: int, held: Sequence[MarketplaceStock]) -> int:
    """Store what a marketplace holds itself (FBF, FBA): shown to staff, never part of our pool. Older readings are ignored."""
    found = find_listings(account_id=account_id, listings=[stock.listing for stock in held])
    stored = 0
    for stock in held:
        pk = found.get(stock.listing)
        if pk is None or stock.fulfillable is None:
            continue
        stored += (
            Listing.objects.filter(pk=pk)
            .filter(Q(marketplace_quantity_at__isnull=True) | Q(marketplace_quantity_at__lt=stock.as_of))
            .update(marketplace_quantity=stock.fulfillable, marketplace_quantity_at=stock.as_of)
        )
    return stored


def take_in_locations(*, account: ChannelAccount, snapshots: Sequence[LocationSnapshot]) -> list[ChannelLocation]:
    """Create and update an account's channel locations; linking them to own warehouses is for staff."""
    rows = []
    for snapshot in snapshots:
        row, _ = ChannelLocation.objects.update_or_create(
            account=account,
            external_id=snapshot.location_id,
            defaults={"name": snapshot.name[:120], "active": snapshot.active, "managed": snapshot.managed},
        )
        rows.append(row)
    return rows


def accept_hazard(*, listing_id: int, hazard: Hazard) -> None:
    """A person accepts this hazard by name: the listing counts as live in spite of it."""
    with transaction.atomic():
        listing = Listing.objects.select_for_update().get(pk=listing_id)
        listing.accepted_hazards = sorted({*listing.accepted_hazards, hazard.value})
        listing.save(update_fields=["accepted_hazards"])


def set_kit(*, kit: Sku, parts: Mapping[Sku, int]) -> None:
    """
    Make a SKU a combo of these parts (or a plain one again, with none).

    :raises django.core.exceptions.ValidationError: a part is a combo itself, or the SKU is part of one.
    """
    with transaction.atomic():
        KitComponent.objects.filter(kit=kit).delete()
        for component, units in parts.items():
            row = KitComponent(kit=kit, component=component, units=units)
            row.full_clean()
            row.save()
