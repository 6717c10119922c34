"""
Orders while they are open, and what they do to stock, by the table of the contract's section 4.

Everything is checked before anything changes; a refusal is :class:`Refused` and leaves the shop as it was. Each action gathers its
webhooks in an :class:`Event`; the caller publishes it and tells the world's truth through :class:`Account`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from sandbox.shopify.model import Location, Variant
from sandbox.shopify.order_model import FulfillmentOrder, FulfillmentOrderLine, Line, Order
from sandbox.shopify.payloads import edit_payload, order_payload
from sandbox.shopify.state import Event, Shop


class Refused(ValueError):
    """What the shop does not do; the text says why."""


class Account(Protocol):
    """Who is told of units that were sold, cancelled or came back."""

    def sold(self, order: Order, line: Line, location: Location | None, units: int) -> None: ...

    def cancelled(self, line: Line, units: int) -> None: ...

    def came_back(self, line: Line, units: int) -> None: ...


@dataclass(slots=True, kw_only=True)
class Wanted:
    """One thing in a cart: a variant, or a custom line of a draft order (``variant`` None)."""

    variant: Variant | None
    units: int
    title: str = ""
    price: Decimal | None = None
    properties: list[dict[str, str]] = field(default_factory=list)


def route(
    shop: Shop, variant: Variant, units: int, *, forced: Location | None, taken: dict[tuple[int, int], int]
) -> list[tuple[Location, int]]:
    """
    Which locations give the units: one that has all of them, by the shop's priority, else split.

    :param taken: (item, location) -> units the same cart takes already; updated.
    :raises Refused: ``out_of_stock``; ``inactive`` when no location sells.
    """
    locations = [forced] if forced else [each for each in shop.locations.values() if each.sells_online]
    levels = [
        level
        for location in locations
        if (level := variant.item.levels.get(location.number)) is not None and level.is_active
    ]
    free = {
        level.location.number: level.available - taken.get((variant.item.number, level.location.number), 0)
        for level in levels
    }
    chosen: list[tuple[Location, int]] = []
    for level in levels:
        if free[level.location.number] >= units:
            chosen = [(level.location, units)]
            break
    else:
        if variant.sells_below_zero:
            if not locations:
                raise Refused("inactive")
            chosen = [((levels[0].location if levels else locations[0]), units)]
        else:
            missing = units
            for level in levels:
                part = min(max(free[level.location.number], 0), missing)
                if part:
                    chosen.append((level.location, part))
                    missing -= part
            if missing:
                raise Refused("out_of_stock")
    for location, part in chosen:
        pair = (variant.item.number, location.number)
        taken[pair] = taken.get(pair, 0) + part
    return chosen


def place_order(
    event: Event,
    account: Account,
    wanted: Sequence[Wanted],
    *,
    cod: bool = False,
    test: bool = False,
    source_name: str = "web",
    forced: Location | None = None,
) -> Order:
    """
    Take an order: available down, committed up, on_hand as it was; the location stands only in the fulfilment orders.

    :param forced: sell from this location, as point of sale does.
    :raises Refused: ``out_of_stock``, ``inactive``.
    """
    shop, ids = event.shop, event.shop.ids
    taken: dict[tuple[int, int], int] = {}
    carts = [part for each in wanted for part in _components(shop, each)]
    for each in carts:
        if each.variant is not None and each.variant.product.status != "ACTIVE":
            raise Refused("inactive")
    routes = [
        route(shop, each.variant, each.units, forced=forced, taken=taken) if each.variant else [] for each in carts
    ]
    order = Order(
        number=ids.next("Order"),
        order_number=shop.next_order_number,
        name=f"{shop.order_prefix}{shop.next_order_number}",
        test=test,
        moves_stock=not test or shop.settings.test_orders_move_stock,
        cod=cod,
        source_name=source_name,
        financial_status="PENDING" if cod else "PAID",
        point_of_sale=forced if source_name == "pos" else None,
        created_at=event.now,
        processed_at=event.now,
        updated_at=event.now,
    )
    shop.next_order_number += 1
    for each, locations in zip(carts, routes, strict=True):
        line = Line(
            number=ids.next("LineItem"),
            variant=each.variant,
            title=each.title or (each.variant.product.title if each.variant else "Custom item"),
            sku=each.variant.sku if each.variant else None,
            price=each.price if each.price is not None else (each.variant.price if each.variant else Decimal("0.00")),
            quantity=each.units,
            properties=each.properties,
        )
        order.lines.append(line)
        for location, units in locations:
            _commit(event, account, order, line, location, units)
    shop.orders[order.number] = order
    shop.touch(order, now=event.now)
    event.say("ORDERS_CREATE", order_payload(shop, order))
    for line in order.lines:
        if line.variant is not None:
            event.change_product(line.variant.product)  # products/update comes on every sale, counted or not
    return order


def _components(shop: Shop, wanted: Wanted) -> list[Wanted]:
    """A bundle is ordered as its components."""
    if wanted.variant is None or not wanted.variant.bundle:
        return [wanted]
    parts = []
    for number, units in wanted.variant.bundle:
        component = shop.variants.get(number)
        if component is None:
            raise Refused("inactive")
        parts.append(Wanted(variant=component, units=units * wanted.units, properties=wanted.properties))
    return parts


def _commit(event: Event, account: Account, order: Order, line: Line, location: Location, units: int) -> None:
    """Promise units of a line from one location."""
    ids = event.shop.ids
    open_orders = (
        each
        for each in order.fulfillment_orders
        if each.location is location and each.status in ("OPEN", "IN_PROGRESS")
    )
    fulfillment_order = next(open_orders, None)
    if fulfillment_order is None:
        fulfillment_order = FulfillmentOrder(
            number=ids.next("FulfillmentOrder"), location=location, created_at=event.now, updated_at=event.now
        )
        order.fulfillment_orders.append(fulfillment_order)
    number = ids.next("FulfillmentOrderLineItem")
    fulfillment_order.lines.append(
        FulfillmentOrderLine(number=number, line=line, total_quantity=units, remaining_quantity=units)
    )
    move_stock(event, order, line, location, available=-units, committed=units)
    if order.moves_stock:
        account.sold(order, line, location, units)


def move_stock(event: Event, order: Order, line: Line, location: Location | None, **deltas: int) -> None:
    """Change a level for an order line, unless nobody counts it (custom line, untracked item, test order)."""
    if line.variant is None or location is None or not order.moves_stock or not line.variant.item.tracked:
        return
    event.move(event.shop.activate(line.variant.item, location, now=event.now), **deltas)


def release(
    event: Event, account: Account, order: Order, line: Line, units: int, *, restock: bool
) -> list[tuple[Location, int]]:
    """Take units out that were not fulfilled yet. Returns where they stood."""
    places = []
    missing = units
    for fulfillment_order in order.fulfillment_orders:
        for part in fulfillment_order.lines:
            if part.line is not line or not part.remaining_quantity or not missing:
                continue
            count = min(part.remaining_quantity, missing)
            part.remaining_quantity -= count
            missing -= count
            places.append((fulfillment_order.location, count))
            fulfillment_order.updated_at = event.now
            move_stock(
                event, order, line, fulfillment_order.location, committed=-count, available=count if restock else 0
            )
        if fulfillment_order.status != "CLOSED" and not any(
            part.remaining_quantity for part in fulfillment_order.lines
        ):
            fulfilled = any(part.line.fulfilled for part in fulfillment_order.lines)
            fulfillment_order.status = "CLOSED" if fulfilled else "CANCELLED"
    line.removed += units
    if order.moves_stock and line.variant is not None and restock:
        account.cancelled(line, units)
    return places


def find_line(order: Order, key: object | None) -> Line:
    """
    The order's line by number or global id; None: its only line.

    :raises Refused: no such line, or None with several.
    """
    if key is None and len(order.lines) == 1:
        return order.lines[0]
    for line in order.lines:
        if key is not None and str(key) in (str(line.number), line.gid):
            return line
    raise Refused(
        f"order {order.name} has no line {key!r}" if key is not None else f"order {order.name}: which line_id?"
    )


def edit_order(
    event: Event,
    account: Account,
    order: Order,
    *,
    line: Line | None,
    variant: Variant | None,
    delta: int,
    restock: bool,
) -> Line:
    """
    Change an order after it was placed: units out of a line, more units on a line, or a new line.

    :param line: the line to change; None adds ``variant`` as a new one.
    :raises Refused: not that many left, out of stock, order cancelled.
    """
    if order.cancelled_at:
        raise Refused(f"order {order.name} is cancelled")
    if delta == 0 or (line is None and delta < 0):
        raise Refused("delta must add units, or take some from a line")
    if delta < 0:
        assert line is not None
        if line.unfulfilled_quantity < -delta:
            raise Refused(f"the line has only {line.unfulfilled_quantity} units left to remove")
        release(event, account, order, line, -delta, restock=restock)
    else:
        variant = variant if line is None else line.variant
        if variant is None:
            raise Refused("only a variant can be added")
        places = route(event.shop, variant, delta, forced=None, taken={})
        if line is None:
            number = event.shop.ids.next("LineItem")
            line = Line(
                number=number,
                variant=variant,
                title=variant.product.title,
                sku=variant.sku,
                price=variant.price,
                quantity=0,
            )
            order.lines.append(line)
        line.quantity += delta
        for location, units in places:
            _commit(event, account, order, line, location, units)
    order.edited = True
    event.shop.touch(order, now=event.now)
    event.say("ORDERS_EDITED", edit_payload(event.shop, order, line, delta))
    event.say("ORDERS_UPDATED", order_payload(event.shop, order))
    return line


def move_fulfillment_order(event: Event, order: Order, *, source: Location, target: Location) -> None:
    """
    Staff (or routing) lets another location ship what is open: the promise and the goods change places.

    :raises Refused: nothing is open at ``source``.
    """
    moved = False
    for fulfillment_order in order.fulfillment_orders:
        if fulfillment_order.location is not source or fulfillment_order.status not in ("OPEN", "IN_PROGRESS"):
            continue
        for part in fulfillment_order.lines:
            units = part.remaining_quantity
            move_stock(event, order, part.line, source, available=units, committed=-units)
            move_stock(event, order, part.line, target, available=-units, committed=units)
        fulfillment_order.location = target
        fulfillment_order.updated_at = event.now
        moved = True
    if not moved:
        raise Refused(f"order {order.name} has nothing open at {source.name}")
    event.shop.touch(order, now=event.now)
    event.say("ORDERS_UPDATED", order_payload(event.shop, order))
