"""
Orders: payload -> snapshot. Pure. Two vocabularies, the 2026-01-01 API and ORDER_CHANGE, give the same counts (contract, section 7).

Pending orders block stock at first sight; a cancelled order frees what has not left; goods of Amazon's own warehouse are counted, never taken
from ours. A status that nobody listed is kept as it came and treated as "still blocked".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from channels_amazon.values import Payload, count, decimal, exact, first, moment, objects, part, text
from inventory_sync.domain.snapshots import LineSnapshot, ListingIds, OrderSnapshot, Source

logger = logging.getLogger(__name__)

LOCATION = "DEFAULT"  # Amazon's code for the one merchant quantity


class Phase(StrEnum):
    """What an order's status means for units that are not otherwise accounted for."""

    OPEN = "open"  # blocked until they leave
    PARTLY = "partly"  # some have left: the count says how many
    SHIPPED = "shipped"  # all have left
    CANCELLED = "cancelled"  # what has not left never will
    UNKNOWN = "unknown"  # not said, or a word nobody listed: only the counts speak


PHASES: Mapping[str, Phase] = {
    # orders 2026-01-01
    "PENDING_AVAILABILITY": Phase.OPEN,
    "PENDING": Phase.OPEN,
    "UNSHIPPED": Phase.OPEN,
    "PARTIALLY_SHIPPED": Phase.PARTLY,
    "SHIPPED": Phase.SHIPPED,
    "CANCELLED": Phase.CANCELLED,
    "UNFULFILLABLE": Phase.OPEN,  # of Amazon's own stock only
    # ORDER_CHANGE and orders v0
    "PendingAvailability": Phase.OPEN,
    "Pending": Phase.OPEN,
    "Unshipped": Phase.OPEN,
    "PartiallyShipped": Phase.PARTLY,
    "Shipped": Phase.SHIPPED,
    "InvoiceUnconfirmed": Phase.SHIPPED,
    "Canceled": Phase.CANCELLED,
    "Unfulfillable": Phase.OPEN,
}
_FULFILLED_BY_AMAZON = {"AMAZON": True, "AFN": True, "MERCHANT": False, "MFN": False}

# Package states, in the spelling of the 2026 API, of v0 and notifications, and of Easy Ship.
BACK_WITH_SELLER = frozenset({"RETURNED_TO_SELLER", "ReturnedToSeller"})
GONE = frozenset({"LOST", "DAMAGED", "Lost", "Damaged", "LostInTransit", "DamagedInTransit"})
_ON_THE_WAY = frozenset(
    {
        "PENDING_SCHEDULE", "PENDING_PICK_UP", "PENDING_DROP_OFF", "LABEL_CANCELLED", "PICKED_UP", "DROPPED_OFF", "AT_ORIGIN_FC",
        "AT_DESTINATION_FC", "OUT_FOR_DELIVERY", "DELIVERED", "REJECTED_BY_BUYER", "UNDELIVERABLE", "RETURNING_TO_SELLER",
        "PENDING", "IN_TRANSIT", "SHIPPED", "CANCELLED",
        "PendingSchedule", "PendingPickUp", "PendingDropOff", "LabelCanceled", "PickedUp", "DroppedOff", "AtOriginFC",
        "AtDestinationFC", "OutForDelivery", "Delivered", "RejectedByBuyer", "Undeliverable", "ReturningToSeller",
        "ReadyForPickup", "Rejected",
    }
)  # fmt: skip


def counts_of(
    *,
    phase: Phase,
    ordered: int,
    told_shipped: int | None,
    unshipped: int | None = None,
    cancellation: bool | None = None,
) -> tuple[int | None, int | None]:
    """
    Shipped and cancelled units of one item; None: not said.

    :param told_shipped: ``quantityFulfilled`` or ``QuantityShipped``.
    :param unshipped: ``quantityUnfulfilled``; notifications carry none.
    :param cancellation: the item names a cancellation that was carried out; None: notifications can't say.
    """
    known = None if told_shipped is None else min(told_shipped, ordered)
    some_cancelled = max(ordered - (known or 0) - unshipped, 0) if cancellation and unshipped is not None else 0
    match phase:
        case Phase.CANCELLED:
            return known or 0, ordered - (known or 0)
        case Phase.SHIPPED:
            # Fewer than ordered in a finished order: the rest was cancelled, if anything beside the count says so (or can't).
            left = ordered
            if known is not None and (cancellation or (known > 0 and (cancellation is None or unshipped == 0))):
                left = known
            return left, ordered - left
        case Phase.OPEN:
            return known or 0, None if cancellation is None else some_cancelled
        case Phase.PARTLY:
            return known, None if cancellation is None else some_cancelled
        case Phase.UNKNOWN:
            return known, some_cancelled or None


# --- orders 2026-01-01 ------------------------------------------------------------------------------------------------------------


def read_orders(orders: Sequence[Payload], *, source: Source, request_started_at: datetime) -> list[OrderSnapshot]:
    """Every order that can be read; the others are named in the log. Orders of other shops (multi-channel fulfilment) are left out."""
    read = (read_order(order, source=source, request_started_at=request_started_at) for order in orders)
    return [order for order in read if order is not None]


def read_order(order: Payload, *, source: Source, request_started_at: datetime) -> OrderSnapshot | None:
    """
    One ``Order`` with its items, fulfilment, cancellations and packages.

    :return: None without an id, and for an order that another shop took and Amazon only ships (``NON_AMAZON``).
    """
    order_id = text(order.get("orderId"))
    if not order_id:
        logger.warning("amazon: an order without orderId is left out")
        return None
    if text(part(order, "salesChannel").get("channelName")).upper() == "NON_AMAZON":
        return None
    fulfillment = part(order, "fulfillment")
    status = text(fulfillment.get("fulfillmentStatus"))
    phase = _phase(status, order_id=order_id)
    by_amazon = _FULFILLED_BY_AMAZON.get(text(fulfillment.get("fulfilledBy")).upper())
    items = objects(order.get("orderItems"))
    came_back = _package_units(order, BACK_WITH_SELLER, items=items)
    lost = _package_units(order, GONE, items=items)
    lines = [
        _line(item, phase=phase, by_amazon=by_amazon, status=status, returned=came_back, lost=lost) for item in items
    ]
    return OrderSnapshot(
        key=order_id,
        order_number=order_id,
        source=source,
        updated_at=moment(order.get("lastUpdatedTime")),
        request_started_at=request_started_at,
        placed_at=moment(order.get("createdTime")),
        lines=tuple(line for line in lines if line is not None),
        complete=bool(lines) and all(line is not None for line in lines),
        replacement=any(
            text(each.get("associationType")).startswith("REPLACEMENT")
            for each in objects(order.get("associatedOrders"))
        ),
        status=status,
        fulfil_by=moment(part(fulfillment, "shipByWindow").get("latestDateTime")),
    )


def _line(
    item: Payload,
    *,
    phase: Phase,
    by_amazon: bool | None,
    status: str,
    returned: Mapping[str, int] | None,
    lost: Mapping[str, int] | None,
) -> LineSnapshot | None:
    item_id, ordered = text(item.get("orderItemId")), count(item.get("quantityOrdered"))
    if not item_id or ordered is None:
        logger.warning("amazon: an order item without orderItemId or quantityOrdered is left out")
        return None
    product, fulfillment = part(item, "product"), part(item, "fulfillment")
    told_shipped, unshipped = count(fulfillment.get("quantityFulfilled")), count(fulfillment.get("quantityUnfulfilled"))
    cancelled_some = bool(part(item, "cancellation", "cancellationExecution"))
    shipped, cancelled = counts_of(
        phase=phase, ordered=ordered, told_shipped=told_shipped, unshipped=unshipped, cancellation=cancelled_some
    )
    merchant = not by_amazon
    back = returned.get(item_id, 0) if returned is not None and merchant else None
    gone = lost.get(item_id, 0) if lost is not None and merchant else None
    return LineSnapshot(
        line_key=item_id,
        listing=_listing_ids(product),
        ordered=ordered,
        cancelled=cancelled,
        shipped=_at_least(shipped, min((back or 0) + (gone or 0), ordered)),
        returned=None if back is None else min(back, ordered),
        lost=None if gone is None else min(gone, ordered),
        location_id=LOCATION if by_amazon is False else None,
        marketplace_fulfilled=by_amazon,
        status=status,
        title=text(product.get("title")),
        price=decimal(part(product, "price", "unitPrice").get("amount")),
    )


def _listing_ids(product: Payload) -> ListingIds:
    """``sellerSku`` is optional in the model: without it only the ASIN says what was sold."""
    sku, asin = exact(first(product, "sellerSku")), text(product.get("asin"))
    return ListingIds(key=sku, seller_sku=sku, product_id=asin)


def _package_units(order: Payload, states: frozenset[str], *, items: Sequence[Payload]) -> dict[str, int] | None:
    """
    Units by order item in packages of these states.

    :return: None where the order does not tell its packages (Amazon's own, or not asked for).
    """
    if not isinstance(order.get("packages"), list):
        return None
    packages = objects(order.get("packages"))
    units: dict[str, int] = {}
    for package in packages:
        state = _package_state(package)
        if state not in states:
            if state and state not in _ON_THE_WAY | BACK_WITH_SELLER | GONE:
                logger.warning("amazon: order %s has a package in unknown state %s", text(order.get("orderId")), state)
            continue
        held = objects(package.get("packageItems"))
        if not held and len(packages) == 1:  # the only package holds everything that left
            held = [
                {"orderItemId": item.get("orderItemId"), "quantity": part(item, "fulfillment").get("quantityFulfilled")}
                for item in items
            ]
        for each in held:
            item_id = text(each.get("orderItemId"))
            units[item_id] = units.get(item_id, 0) + (count(each.get("quantity")) or 0)
    return units


def _package_state(package: Payload) -> str:
    status = part(package, "packageStatus")
    return text(status.get("detailedStatus")) or text(status.get("status"))


# --- ORDER_CHANGE -----------------------------------------------------------------------------------------------------------------


def read_order_change(change: Payload, *, event_time: datetime | None, received_at: datetime) -> OrderSnapshot | None:
    """
    ``Payload.OrderChangeNotification`` as a snapshot: enough to block stock without a further call.

    An item-level message names one item of perhaps several (``complete`` False). It asks to be confirmed by id where it says less than the
    API would: a shipped order with uneven counts, and goods that came back or got lost (it does not say in which package).

    :return: None without an order id.
    """
    order_id, summary = text(change.get("AmazonOrderId")), part(change, "Summary")
    if not order_id:
        return None
    status = text(summary.get("OrderStatus"))
    phase = _phase(status, order_id=order_id)
    by_amazon = _FULFILLED_BY_AMAZON.get(text(summary.get("FulfillmentType")).upper())
    easy_ship = text(summary.get("EasyShipShipmentStatus"))
    if easy_ship and easy_ship not in _ON_THE_WAY | BACK_WITH_SELLER | GONE:
        logger.warning("amazon: order %s has an unknown Easy Ship state %s", order_id, easy_ship)
    items = objects(summary.get("OrderItems"))
    lines = [
        _changed_line(item, phase=phase, by_amazon=by_amazon, status=status, easy_ship=easy_ship) for item in items
    ]
    read = tuple(line for line in lines if line is not None)
    uneven = phase is Phase.SHIPPED and any(
        (shipped := count(item.get("QuantityShipped"))) is not None and shipped != count(item.get("Quantity"))
        for item in items
    )
    changed_at = moment(part(change, "OrderChangeTrigger").get("TimeOfOrderChange"))
    return OrderSnapshot(
        key=order_id,
        order_number=order_id,
        source=Source.WEBHOOK,
        updated_at=changed_at or event_time,
        request_started_at=received_at,
        placed_at=moment(summary.get("PurchaseDate")),
        lines=read,
        complete=text(change.get("NotificationLevel")) != "OrderItemLevel" and bool(read) and len(read) == len(lines),
        confirm=not by_amazon
        and (uneven or easy_ship in BACK_WITH_SELLER | GONE or any(not line.listing.key for line in read)),
        replacement="Replacement" in _words(summary.get("OrderPrograms")),
        status=status,
        fulfil_by=moment(summary.get("LatestShipDate")),
    )


def _changed_line(
    item: Payload, *, phase: Phase, by_amazon: bool | None, status: str, easy_ship: str
) -> LineSnapshot | None:
    item_id, ordered = text(item.get("OrderItemId")), count(item.get("Quantity"))
    if not item_id or ordered is None:
        logger.warning("amazon: an ORDER_CHANGE item without OrderItemId or Quantity is left out")
        return None
    sku = exact(item.get("SellerSKU"))
    told = count(item.get("QuantityShipped"))
    shipped, cancelled = counts_of(phase=phase, ordered=ordered, told_shipped=told)
    back = shipped if easy_ship in BACK_WITH_SELLER and not by_amazon else None
    gone = shipped if easy_ship in GONE and not by_amazon else None
    return LineSnapshot(
        line_key=item_id,
        listing=ListingIds(key=sku, seller_sku=sku),
        ordered=ordered,
        cancelled=cancelled,
        shipped=shipped,
        returned=back,
        lost=gone,
        location_id=LOCATION if by_amazon is False else None,
        marketplace_fulfilled=by_amazon,
        status=status,
    )


def _phase(status: str, *, order_id: str) -> Phase:
    if status and status not in PHASES:
        logger.warning("amazon: order %s has the unknown status %r; its units stay blocked", order_id, status)
    return PHASES.get(status, Phase.UNKNOWN)


def _at_least(shipped: int | None, units: int) -> int | None:
    """What came back or got lost had left."""
    return shipped if not units else max(shipped or 0, units)


def _words(value: object) -> list[str]:
    return [text(each) for each in value] if isinstance(value, list) else []
