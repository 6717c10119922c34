"""What Amazon holds for the seller (FBA): summaries and notifications -> stock. Pure, read only. Contract, sections 9 and 11.4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from channels_amazon.values import Payload, count, exact, objects, part, text
from inventory_sync.domain.snapshots import ListingIds, MarketplaceStock


def read_summaries(summaries: Iterable[Payload], *, as_of: datetime) -> list[MarketplaceStock]:
    """``inventorySummaries`` of getInventorySummaries. Every count is optional: one that is missing is not known, not zero."""
    found = []
    for summary in summaries:
        sku = exact(summary.get("sellerSku"))
        if not sku:
            continue
        details = part(summary, "inventoryDetails")
        reserved, unfulfillable = part(details, "reservedQuantity"), part(details, "unfulfillableQuantity")
        parts = [reserved.get(name) for name in _RESERVED]
        total = count(reserved.get("totalReservedQuantity"))
        found.append(
            MarketplaceStock(
                listing=_ids(sku, asin=summary.get("asin"), fnsku=summary.get("fnSku")),
                fulfillable=count(details.get("fulfillableQuantity")),
                reserved=_sum(parts) if total is None else total,
                inbound=_sum([details.get(name) for name in _INBOUND]),
                unfulfillable=count(unfulfillable.get("totalUnfulfillableQuantity")),
                as_of=as_of,
            )
        )
    return found


def read_availability(payload: Payload, *, marketplace_id: str, as_of: datetime) -> MarketplaceStock | None:
    """
    The snapshot of FBA_INVENTORY_AVAILABILITY_CHANGES: one SKU in all marketplaces of the region, of which we take ours.

    :return: None where it names no SKU, or says nothing of our marketplace.
    """
    sku = exact(payload.get("SKU"))
    ours = [
        row
        for row in objects(payload.get("FulfillmentInventoryByMarketplace"))
        if text(row.get("MarketplaceId")) == marketplace_id
    ]
    if not sku or not ours:
        return None
    inventory = part(ours[0], "FulfillmentInventory")
    reserved, inbound = part(inventory, "ReservedQuantityBreakdown"), part(inventory, "InboundQuantityBreakdown")
    return MarketplaceStock(
        listing=_ids(sku, asin=payload.get("ASIN"), fnsku=payload.get("FNSKU")),
        fulfillable=count(inventory.get("Fulfillable")),
        reserved=_sum(
            [reserved.get(name) for name in ("WarehouseProcessing", "WarehouseTransfer", "PendingCustomerOrder")]
        ),
        inbound=_sum([inbound.get(name) for name in ("Working", "Shipped", "Receiving")]),
        unfulfillable=count(inventory.get("Unfulfillable")),
        as_of=as_of,
    )


def add_up(stocks: Iterable[MarketplaceStock]) -> list[MarketplaceStock]:
    """One row for each SKU: a SKU may stand in several, one for each condition of its goods."""
    by_sku: dict[str, MarketplaceStock] = {}
    for each in stocks:
        seen = by_sku.get(each.listing.key)
        by_sku[each.listing.key] = each if seen is None else _added(seen, each)
    return list(by_sku.values())


def _added(one: MarketplaceStock, other: MarketplaceStock) -> MarketplaceStock:
    return MarketplaceStock(
        listing=one.listing,
        fulfillable=_sum([one.fulfillable, other.fulfillable]),
        reserved=_sum([one.reserved, other.reserved]),
        inbound=_sum([one.inbound, other.inbound]),
        unfulfillable=_sum([one.unfulfillable, other.unfulfillable]),
        as_of=min(one.as_of, other.as_of),
    )


_RESERVED = ("pendingCustomerOrderQuantity", "pendingTransshipmentQuantity", "fcProcessingQuantity")
_INBOUND = ("inboundWorkingQuantity", "inboundShippedQuantity", "inboundReceivingQuantity")


def _sum(values: Sequence[object]) -> int | None:
    """What is known of them together; None when none is."""
    known = [number for value in values if (number := count(value)) is not None]
    return sum(known) if known else None


def _ids(sku: str, *, asin: object, fnsku: object) -> ListingIds:
    return ListingIds(key=sku, seller_sku=sku, product_id=text(asin), listing_ref=text(fnsku))
