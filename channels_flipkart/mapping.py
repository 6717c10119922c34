"""
Shipments and returns: Flipkart's payloads as our values. Pure.

The unit of work is the shipment; state lives on each order item, and one order item can come in several parts with different states (a
partial cancel). Parts are summed by state, never one quantity over the other (contract, sections 6.1, 6.2 and 16.9).
"""

from __future__ import annotations

import html
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from channels_flipkart.values import Payload, decimal, first, moment, objects, text, truth, whole
from inventory_sync.domain.snapshots import (
    LineSnapshot,
    ListingIds,
    OrderSnapshot,
    ReturnSnapshot,
    ReturnState,
    Source,
)

logger = logging.getLogger(__name__)

WAITING = frozenset({"APPROVED", "PACKING_IN_PROGRESS", "FORM_FAILED", "PACKED", "READY_TO_DISPATCH"})
LEFT = frozenset({"PICKUP_COMPLETE", "SHIPPED", "DELIVERED", "COMPLETED", "RETURN_REQUESTED", "RETURNED"})
CANCELLED = "CANCELLED"

# serviceProfile -> whose stock it takes. Flipkart_Fulfilment = FBF is inferred, the others observed (contract, section 6.2).
_MARKETPLACE_SHIPS = {
    "FLIPKART_FULFILMENT": True,
    "FBF": True,
    "SELLER_FULFILMENT": False,
    "NON_FBF": False,
    "SMART_FULFILMENT": False,
    "FBF_LITE": False,
}
_NEVER_COMES = "dnt_expect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipments:
    """What an answer told: readable shipments, and ids of those that were named but can't be read from it."""

    orders: tuple[OrderSnapshot, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Collected:
    """One shipment from all the places where an answer names it."""

    payloads: list[Payload] = field(default_factory=list)
    items: list[Payload] = field(default_factory=list)


def line_key(*, shipment_id: str, order_item_id: str) -> str:
    """Our key of an order line: replacements share the order id, so the shipment leads."""
    return f"{shipment_id}:{order_item_id}"


def read_shipments(payloads: Iterable[Payload], *, source: Source, request_started_at: datetime) -> Shipments:
    """
    Shipment objects (filter, get by id, push) as snapshots, one for each shipment id.

    Only what was read by id (``Source.READ``) is complete; everything else asks to be confirmed. The same object twice counts once (rows
    shift while one pages), different objects of one shipment add their items.
    """
    orders, unreadable = [], []
    for shipment_id, collected in _by_shipment(payloads).items():
        if collected.items:
            orders.append(_order(shipment_id, collected, source=source, request_started_at=request_started_at))
        else:
            logger.warning("flipkart: shipment %s came without items", shipment_id)
            unreadable.append(shipment_id)
    return Shipments(orders=tuple(orders), unreadable=tuple(unreadable))


def _by_shipment(payloads: Iterable[Payload]) -> dict[str, _Collected]:
    found: dict[str, _Collected] = {}
    for payload in payloads:
        shipment_id = text(payload.get("shipmentId"))
        if not shipment_id:
            logger.warning("flipkart: a shipment without shipmentId is left out")
            continue
        collected = found.setdefault(shipment_id, _Collected())
        known = list(collected.items)
        collected.items += [item for item in objects(payload.get("orderItems")) if item not in known]
        collected.payloads.append(payload)
    return found


def _order(shipment_id: str, collected: _Collected, *, source: Source, request_started_at: datetime) -> OrderSnapshot:
    items, payloads = collected.items, collected.payloads
    parts: dict[str, list[Payload]] = {}
    for item in items:
        parts.setdefault(text(first(item, "orderItemId", "id")), []).append(item)
    nameless = parts.pop("", [])
    if nameless:
        logger.warning("flipkart: shipment %s has %d items without an id", shipment_id, len(nameless))
    sound = not nameless and all(_units(item) is not None for item in items)
    updates = [at for at in (moment(payload.get("updatedAt")) for payload in payloads) if at]
    placed = [at for at in (moment(item.get("orderDate")) for item in items) if at]
    due = [at for at in (moment(payload.get("dispatchByDate")) for payload in payloads) if at]
    held = [flag for flag in (truth(payload.get("hold")) for payload in payloads) if flag is not None]
    location_id = next(filter(None, (text(payload.get("locationId")) for payload in payloads)), "")
    order_numbers = (text(each.get("orderId")) for each in (*items, *payloads))
    return OrderSnapshot(
        key=shipment_id,
        order_number=next(filter(None, order_numbers), ""),
        source=source,
        updated_at=max(updates, default=None),
        request_started_at=request_started_at,
        placed_at=min(placed, default=None),
        lines=tuple(
            _line(shipment_id, order_item_id, of_line, location_id=location_id)
            for order_item_id, of_line in parts.items()
        ),
        complete=source is Source.READ and sound,
        confirm=source is not Source.READ,
        on_hold=any(held) if held else None,
        replacement=any(truth(first(item, "is_replacement", "isReplacement")) is True for item in items),
        status=_joined(text(item.get("status")) for item in items),
        fulfil_by=min(due, default=None),
    )


def _line(shipment_id: str, order_item_id: str, parts: Sequence[Payload], *, location_id: str) -> LineSnapshot:
    ordered = cancelled = shipped = 0
    for part in parts:
        status, units = text(part.get("status")).upper(), _units(part)
        if units is None:
            # An order is a fact: block one unit rather than none. The snapshot is not complete, so nothing is lowered by it.
            logger.warning("flipkart: item %s of shipment %s has no readable quantity", order_item_id, shipment_id)
            units = 1
        ordered += units
        if status in LEFT or (status == CANCELLED and truth(part.get("courierReturn")) is True):
            shipped += units  # cancelled after it left: the goods come back as a courier return
        elif status == CANCELLED:
            cancelled += units
        elif status not in WAITING:
            logger.warning(
                "flipkart: unknown item status %r in shipment %s; the units stay blocked", status, shipment_id
            )
    head = parts[0]
    item_location = next(filter(None, (text(part.get("locationId")) for part in parts)), "")
    return LineSnapshot(
        line_key=line_key(shipment_id=shipment_id, order_item_id=order_item_id),
        listing=_listing_ids(head),
        ordered=ordered,
        cancelled=cancelled,
        shipped=shipped,
        location_id=location_id or item_location or None,
        marketplace_fulfilled=_marketplace_ships(parts),
        status=_joined(text(part.get("status")) for part in parts),
        title=html.unescape(text(head.get("title"))),
        price=_unit_price(parts, units=ordered),
    )


def _listing_ids(item: Payload) -> ListingIds:
    """SKU and FSN may arrive HTML-escaped in orders (contract, section 3)."""
    sku = html.unescape(text(item.get("sku"))).strip()
    return ListingIds(
        key=sku,
        seller_sku=sku,
        product_id=html.unescape(text(item.get("fsn"))).strip(),
        listing_ref=text(item.get("listingId")),
    )


def _units(item: Payload) -> int | None:
    units = whole(item.get("quantity"))
    return units if units is not None and units >= 0 else None


def _unit_price(parts: Sequence[Payload], *, units: int) -> Decimal | None:
    """``priceComponents`` are totals of the line, not per unit (contract, section 3)."""
    totals = []
    for part in parts:
        prices = part.get("priceComponents")
        totals.append(decimal(prices.get("sellingPrice")) if isinstance(prices, dict) else None)
    known = [total for total in totals if total is not None]
    if units < 1 or not known or len(known) != len(totals):
        return None
    return (sum(known, Decimal(0)) / units).quantize(Decimal("0.01"))


def _marketplace_ships(parts: Iterable[Payload]) -> bool | None:
    for part in parts:
        profile = text(part.get("serviceProfile")).upper()
        if profile in _MARKETPLACE_SHIPS:
            return _MARKETPLACE_SHIPS[profile]
        if profile:
            logger.warning("flipkart: unknown serviceProfile %r", profile)
    return None


def _joined(words: Iterable[str]) -> str:
    return "+".join(dict.fromkeys(word for word in words if word))


def read_returns(
    payloads: Iterable[Payload], *, source: Source, asked_for: str = "", return_id: str = ""
) -> tuple[ReturnSnapshot, ...]:
    """
    Return items as values; one without a return id is left out and logged.

    :param asked_for: the ``source`` that the query asked for, where the items don't repeat it.
    :param return_id: of the push envelope, where the items don't repeat it.
    """
    found = []
    for payload in payloads:
        own_id, order_item_id = text(payload.get("returnId")) or return_id, text(payload.get("orderItemId"))
        if not own_id:
            logger.warning("flipkart: a return without returnId is left out (order item %s)", order_item_id)
            continue
        shipment_id = text(payload.get("shipmentId"))
        kind = text(first(payload, "type", "source")) or asked_for
        units = _units(payload)
        found.append(
            ReturnSnapshot(
                return_id=own_id,
                line_key=line_key(shipment_id=shipment_id, order_item_id=order_item_id) if shipment_id else "",
                order_ref=text(payload.get("orderId")) or shipment_id,
                line_ref=order_item_id,
                units=1 if units is None else units,
                state=return_state(payload),
                courier_return=kind.lower() == "courier_return",
                updated_at=moment(first(payload, "updatedDate", "updatedAt")),
                source=source,
                status=text(payload.get("status")),
                tracking_id=text(payload.get("trackingId")),
            )
        )
    return tuple(found)


def return_state(payload: Payload) -> ReturnState:
    """Lower case in pull, ``RETURN_…`` in push; ``dnt_expect`` in ``action``: refunded, the goods never come back."""
    if _NEVER_COMES in text(payload.get("action")).lower():
        return ReturnState.NEVER
    match text(payload.get("status")).lower().removeprefix("return_"):
        case "completed":
            return ReturnState.ARRIVED
        case "cancelled":
            return ReturnState.CALLED_OFF
        case _:
            return ReturnState.EXPECTED
