"""
What becomes of an order: cancelled, refunded, shipped, sent back; and what each does to stock.

The rules of :mod:`sandbox.shopify.orders` hold here too: checked first, refused whole, announced as one event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox.shopify.model import Location
from sandbox.shopify.order_model import Fulfillment, Line, Order, Refund, RefundLine, Return
from sandbox.shopify.orders import Account, Refused, move_stock, release
from sandbox.shopify.payloads import fulfillment_payload, order_payload, refund_payload, return_payload
from sandbox.shopify.state import Event

REASONS = ("customer", "inventory", "fraud", "declined", "staff", "other")


def cancel_order(event: Event, account: Account, order: Order, *, reason: str, restock: bool) -> Refund | None:
    """
    Cancel a whole order that nothing was fulfilled of. With lines left it makes one refund.

    :raises Refused: cancelled already, or fulfilled in part.
    """
    if reason not in REASONS:
        raise Refused(f"cancel reason must be one of {list(REASONS)}")
    if order.cancelled_at:
        raise Refused(f"order {order.name} is cancelled already")
    if any(line.fulfilled for line in order.lines):
        raise Refused(f"order {order.name} is fulfilled; refund its lines")
    refund = _new_refund(event, order)
    for line in order.lines:
        if units := line.unfulfilled_quantity:
            _refund_unfulfilled(event, account, order, refund, line, units, restock=restock)
    order.cancelled_at = order.closed_at = event.now
    order.cancel_reason = reason
    order.financial_status = "VOIDED" if order.cod else "REFUNDED"
    event.shop.touch(order, now=event.now)
    if refund.lines:
        order.refunds.append(refund)
    payload = order_payload(event.shop, order)
    event.say("ORDERS_CANCELLED", payload)
    if refund.lines:
        event.say("REFUNDS_CREATE", refund_payload(event.shop, order, refund))
    event.say("ORDERS_UPDATED", payload)
    return refund if refund.lines else None


def _new_refund(event: Event, order: Order) -> Refund:
    ids = event.shop.ids
    return Refund(number=ids.next("Refund"), transaction_number=ids.next("Transaction"), created_at=event.now)


def _refund_unfulfilled(
    event: Event, account: Account, order: Order, refund: Refund, line: Line, units: int, *, restock: bool
) -> None:
    ids = event.shop.ids
    places: list[tuple[Location | None, int]] = [*release(event, account, order, line, units, restock=restock)]
    for location, count in places or [(None, units)]:
        refund.lines.append(
            RefundLine(
                number=ids.next("RefundLineItem"),
                line=line,
                quantity=count,
                restock_type="CANCEL" if restock and location else "NO_RESTOCK",
                location=location if restock else None,
            )
        )
    refund.amount += line.price * units


@dataclass(slots=True, kw_only=True)
class RefundPart:
    """One row of a refund. ``restock_type``: cancel (not shipped), return (shipped), no_restock (whichever is left)."""

    line: Line
    units: int
    restock_type: str
    location: Location | None = None


def refund_order(
    event: Event, account: Account, order: Order, parts: Sequence[RefundPart], *, amount: Decimal | None = None,
    note: str | None = None,
) -> Refund:  # fmt: skip
    """
    Refund lines, money or both. A line may stand in it twice (part cancel, part return).

    :raises Refused: more units than there are of that kind.
    """
    unfulfilled = {line.number: line.unfulfilled_quantity for line in order.lines}
    returnable = {line.number: line.fulfilled - line.returned for line in order.lines}
    for part in parts:
        if part.units < 1:
            raise Refused("units must be at least 1")
        if part.restock_type == "cancel":
            unfulfilled[part.line.number] -= part.units
        elif part.restock_type == "return":
            returnable[part.line.number] -= part.units
        elif part.restock_type == "no_restock":
            open_units = min(part.units, max(unfulfilled[part.line.number], 0))
            unfulfilled[part.line.number] -= open_units
            returnable[part.line.number] -= part.units - open_units
        else:
            raise Refused("restock_type must be cancel, return or no_restock")
    if min([0, *unfulfilled.values(), *returnable.values()]) < 0:
        raise Refused(f"order {order.name} has not that many units to refund that way")
    refund = _new_refund(event, order)
    refund.note = note
    for part in parts:
        _refund_part(event, account, order, refund, part)
    if amount is not None:
        refund.amount = amount
    order.refunds.append(refund)
    if order.financial_status in ("PAID", "PARTIALLY_REFUNDED"):
        order.financial_status = "PARTIALLY_REFUNDED" if order.total > 0 else "REFUNDED"
    event.shop.touch(order, now=event.now)
    event.say("REFUNDS_CREATE", refund_payload(event.shop, order, refund))
    event.say("ORDERS_UPDATED", order_payload(event.shop, order))
    return refund


def _refund_part(event: Event, account: Account, order: Order, refund: Refund, part: RefundPart) -> None:
    line, units = part.line, part.units
    if part.restock_type != "return":
        open_units = min(units, line.unfulfilled_quantity)
        if open_units:
            restock = part.restock_type == "cancel"
            _refund_unfulfilled(event, account, order, refund, line, open_units, restock=restock)
        units -= open_units
    if not units:
        return
    returned = part.restock_type == "return"
    location = part.location or next(
        (each.location for each in order.fulfillment_orders if any(item.line is line for item in each.lines)), None
    )
    line.returned += units
    refund.amount += line.price * units
    refund.lines.append(
        RefundLine(
            number=event.shop.ids.next("RefundLineItem"),
            line=line,
            quantity=units,
            restock_type="RETURN" if returned else "NO_RESTOCK",
            location=location if returned else None,
        )
    )
    if returned:
        move_stock(event, order, line, location, available=units)
        if order.moves_stock and line.variant is not None:
            account.came_back(line, units)


def fulfill_order(
    event: Event, order: Order, *, line: Line | None = None, units: int | None = None, location: Location | None = None
) -> list[Fulfillment]:
    """
    Ship what is open (of one line, one location, so many units): committed and on_hand down. One fulfilment per location.

    :raises Refused: cancelled, or nothing is open.
    """
    if order.cancelled_at:
        raise Refused(f"order {order.name} is cancelled")
    shipped: list[Fulfillment] = []
    missing = units
    for fulfillment_order in order.fulfillment_orders:
        if location is not None and fulfillment_order.location is not location:
            continue
        lines: list[tuple[Line, int]] = []
        for part in fulfillment_order.lines:
            if line is not None and part.line is not line:
                continue
            count = part.remaining_quantity if missing is None else min(part.remaining_quantity, missing)
            if not count:
                continue
            missing = None if missing is None else missing - count
            part.remaining_quantity -= count
            part.line.fulfilled += count
            lines.append((part.line, count))
            move_stock(event, order, part.line, fulfillment_order.location, committed=-count)
        if lines:
            done = not any(part.remaining_quantity for part in fulfillment_order.lines)
            fulfillment_order.status = "CLOSED" if done else "IN_PROGRESS"
            fulfillment_order.updated_at = event.now
            shipped.append(_new_fulfillment(event, order, fulfillment_order.location, lines))
    custom = [
        (each, each.unfulfilled_quantity)
        for each in order.lines
        if each.variant is None and each.unfulfilled_quantity and line in (None, each) and location is None
    ]
    for each, count in custom:
        each.fulfilled += count
    if custom:
        shipped.append(_new_fulfillment(event, order, None, custom))
    if not shipped:
        raise Refused(f"order {order.name} has nothing left to ship")
    if order.fulfillment_status == "FULFILLED" and order.financial_status == "PAID":
        order.closed_at = event.now
    event.shop.touch(order, now=event.now)
    for fulfillment in shipped:
        event.say("FULFILLMENTS_CREATE", fulfillment_payload(event.shop, order, fulfillment))
    event.say("ORDERS_UPDATED", order_payload(event.shop, order))
    return shipped


def _new_fulfillment(
    event: Event, order: Order, location: Location | None, lines: list[tuple[Line, int]]
) -> Fulfillment:
    fulfillment = Fulfillment(
        number=event.shop.ids.next("Fulfillment"),
        name=f"{order.name}.{len(order.fulfillments) + 1}",
        location=location,
        lines=lines,
        created_at=event.now,
    )
    order.fulfillments.append(fulfillment)
    return fulfillment


def open_return(event: Event, order: Order, *, units: int) -> Return:
    """A return was asked for and approved. Stock moves only with the refund that restocks it."""
    if units > sum(line.fulfilled - line.returned for line in order.lines):
        raise Refused(f"order {order.name} has not that many units shipped")
    returned = Return(
        number=event.shop.ids.next("Return"),
        name=f"{order.name}-R{len(order.returns) + 1}",
        status="OPEN",
        total_quantity=units,
        created_at=event.now,
    )
    order.returns.append(returned)
    event.shop.touch(order, now=event.now)
    event.say("RETURNS_APPROVE", return_payload(order, returned))
    event.say("ORDERS_UPDATED", order_payload(event.shop, order))
    return returned
