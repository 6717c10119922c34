"""Stock in Amazon's warehouses and the shipments on their way to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.amazon.model import FbaStock, InboundItem, InboundShipment, Listing
from sandbox.amazon.settings import INDIA
from sandbox.amazon.state import State

COUNTS = (
    "fulfillable",
    "inbound_working",
    "inbound_shipped",
    "inbound_receiving",
    "reserved_pending",
    "reserved_transfer",
    "reserved_processing",
    "researching",
    "unfulfillable",
)
INBOUND_COUNTS = {"inbound_working", "inbound_shipped", "inbound_receiving"}
SHIPMENT_STATUSES = (
    "WORKING",
    "READY_TO_SHIP",
    "SHIPPED",
    "IN_TRANSIT",
    "DELIVERED",
    "CHECKED_IN",
    "RECEIVING",
    "CLOSED",
    "CANCELLED",
    "DELETED",
    "ERROR",
)
LEFT_THE_SELLER = {"SHIPPED", "IN_TRANSIT", "DELIVERED", "CHECKED_IN", "RECEIVING", "CLOSED"}


def stock_of(state: State, listing: Listing) -> FbaStock:
    key = (listing.seller_id, listing.sku)
    if key not in state.fba:
        state.fba[key] = FbaStock(seller_id=listing.seller_id, sku=listing.sku, updated_at=state.now())
    return state.fba[key]


def move(state: State, listing: Listing, changes: Mapping[str, int]) -> None:
    """
    Add to counts (never below zero) and tell FBA_INVENTORY_AVAILABILITY_CHANGES.

    A change of inbound counts alone does not move ``updated_at``: getInventorySummaries with ``startDateTime`` misses it.

    :raises ValueError: no such count.
    """
    unknown = set(changes) - set(COUNTS)
    if unknown:
        raise ValueError(f"unknown FBA counts: {', '.join(sorted(unknown))}")
    stock = stock_of(state, listing)
    for name, units in changes.items():
        setattr(stock, name, max(0, getattr(stock, name) + units))
    if set(changes) - INBOUND_COUNTS:
        stock.updated_at = state.now()
    state.notify(
        seller_id=listing.seller_id,
        notification_type="FBA_INVENTORY_AVAILABILITY_CHANGES",
        payload=availability_payload(listing, stock),
    )


def set_counts(state: State, listing: Listing, counts: Mapping[str, int]) -> None:
    """Set counts to absolute values (control API)."""
    stock = stock_of(state, listing)
    unknown = set(counts) - set(COUNTS)
    if unknown:
        raise ValueError(f"unknown FBA counts: {', '.join(sorted(unknown))}")
    move(state, listing, {name: int(units) - getattr(stock, name) for name, units in counts.items()})


def reserve(state: State, listing: Listing, units: int) -> None:
    move(state, listing, {"fulfillable": -units, "reserved_pending": units})


def unreserve(state: State, listing: Listing, units: int) -> None:
    move(state, listing, {"fulfillable": units, "reserved_pending": -units})


def dispatch(state: State, listing: Listing | None, units: int) -> None:
    if listing is not None:
        move(state, listing, {"reserved_pending": -units})


def availability_payload(listing: Listing, stock: FbaStock) -> dict[str, Any]:
    return {
        "SellerId": listing.seller_id,
        "FNSKU": listing.fnsku,
        "ASIN": listing.asin,
        "SKU": listing.sku,
        "FulfillmentInventoryByMarketplace": [
            {
                "MarketplaceId": INDIA,
                "ItemName": listing.title,
                "FulfillmentInventory": {
                    "InboundQuantityBreakdown": {
                        "Working": stock.inbound_working,
                        "Shipped": stock.inbound_shipped,
                        "Receiving": stock.inbound_receiving,
                    },
                    "Fulfillable": stock.fulfillable,
                    "Unfulfillable": stock.unfulfillable,
                    "Researching": stock.researching,
                    "ReservedQuantityBreakdown": {
                        "WarehouseProcessing": stock.reserved_processing,
                        "WarehouseTransfer": stock.reserved_transfer,
                        "PendingCustomerOrder": stock.reserved_pending,
                    },
                    "FutureSupplyBuyable": 0,
                    "PendingCustomerOrderInTransit": 0,
                },
                "Stores": [],
            }
        ],
    }


def announce(
    state: State,
    *,
    seller_id: str,
    items: Mapping[str, int],
    confirmation_id: str = "",
    name: str = "",
    warehouse: str = "DEL4",
) -> InboundShipment:
    """
    Announce a shipment to FBA (SKU -> units), status WORKING: the goods still stand with the seller.

    :raises KeyError: a SKU that the seller does not list.
    """
    rows = [state.listings[seller_id, sku] for sku in items]
    now = state.now()
    shipment = InboundShipment(
        seller_id=seller_id,
        plan_id=f"wf{state.uuid()}",
        shipment_id=f"sh{state.uuid()}",
        confirmation_id=confirmation_id or f"FBA15{state.digits(7)}",
        name=name or f"Shipment {len(state.shipments) + 1}",
        warehouse=warehouse,
        status="WORKING",
        created_at=now,
        updated_at=now,
        items=[InboundItem(sku=row.sku, fnsku=row.fnsku, asin=row.asin, quantity=int(items[row.sku])) for row in rows],
    )
    state.shipments[shipment.confirmation_id] = shipment
    for item in shipment.items:
        move(state, state.listings[seller_id, item.sku], {"inbound_working": item.quantity})
    return shipment


def set_shipment_status(state: State, shipment: InboundShipment, status: str) -> None:
    """
    Move a shipment on. Leaving the seller turns working units into shipped ones; CLOSED and CANCELLED drop what never arrived.

    :raises ValueError: no such status.
    """
    if status not in SHIPMENT_STATUSES:
        raise ValueError(f"status must be one of {', '.join(SHIPMENT_STATUSES)}")
    was_with_seller = shipment.status not in LEFT_THE_SELLER
    shipment.status = status
    shipment.updated_at = state.now()
    for item in shipment.items:
        listing = state.listings[shipment.seller_id, item.sku]
        if was_with_seller and status in LEFT_THE_SELLER:
            move(state, listing, {"inbound_working": -item.quantity, "inbound_shipped": item.quantity})
        if status in {"CANCELLED", "DELETED"}:
            move(
                state,
                listing,
                {"inbound_working" if was_with_seller else "inbound_shipped": item.received - item.quantity},
            )
        elif status == "CLOSED":
            move(state, listing, {"inbound_shipped": item.received - item.quantity})


def receive(state: State, shipment: InboundShipment, units: int, sku: str | None = None) -> int:
    """
    Count up to ``units`` into Amazon's shelves: QuantityReceived grows and the units become sellable.

    :return: units received now.
    """
    if shipment.status not in LEFT_THE_SELLER:
        set_shipment_status(state, shipment, "SHIPPED")
    done = 0
    for item in shipment.items:
        if sku is not None and item.sku != sku:
            continue
        count = min(units - done, item.quantity - item.received)
        if count > 0:
            item.received += count
            done += count
            move(state, state.listings[shipment.seller_id, item.sku], {"inbound_shipped": -count, "fulfillable": count})
    shipment.updated_at = state.now()
    if done:
        shipment.status = "RECEIVING"
    return done


def receive_steadily(state: State, shipment: InboundShipment, *, units: int, every_seconds: float) -> None:
    """Receive ``units`` every so many seconds until all have come; then the shipment is CLOSED."""
    receive(state, shipment, units)
    if all(item.received == item.quantity for item in shipment.items):
        set_shipment_status(state, shipment, "CLOSED")
    else:
        state.later(every_seconds, lambda: receive_steadily(state, shipment, units=units, every_seconds=every_seconds))
