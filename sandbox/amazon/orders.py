"""Orders: buying, cancelling, shipping, and what each does to the quantity on sale, at once and under the lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sandbox.amazon import fba, listings
from sandbox.amazon.model import Listing, Order, OrderItem, Package
from sandbox.amazon.order_views import PRIMARY_STATUS, order_change_payload
from sandbox.amazon.settings import FBA_CODE, MERCHANT_CODE
from sandbox.amazon.state import CHANNEL, State
from sandbox.truth import Sale
from sandbox.world import Purchase

CANCELLED_BY = {"buyer": "BUYER", "seller": "MERCHANT", "amazon": "AMAZON"}


def place(
    state: State,
    *,
    lines: Sequence[tuple[str, int]],
    seller_id: str | None = None,
    fulfilled_by: str | None = None,
    pending: bool = False,
    easy_ship: bool | None = None,
    postal_code: str = "560001",
    channel_name: str = "AMAZON",
    replaces: str = "",
) -> Purchase:
    """
    One order for all lines or for none: (seller SKU, units) each.

    :param fulfilled_by: MFN or AFN; by default AFN where the SKU is in FBA.
    :param pending: stays Pending until released; otherwise it is released after ``pending_seconds``.
    :param channel_name: NON_AMAZON makes a multi-channel fulfilment order.
    :param replaces: order id of which this one is the replacement.
    """
    rows: list[tuple[Listing, int]] = []
    for sku, units in lines:
        if units < 1:
            raise ValueError("units must be at least 1")
        listing = state.listing(sku, seller_id)
        if listing is None:
            return _refused(state, "not_listed")
        rows.append((listing, units))
    if not rows:
        raise ValueError("an order needs at least one line")
    by = fulfilled_by or ("AFN" if rows[0][0].is_fba else "MFN")
    if by not in {"MFN", "AFN"}:
        raise ValueError("fulfilled_by must be MFN or AFN")
    if any(not listing.active or (by == "AFN" and not listing.is_fba) for listing, _ in rows):
        return _refused(state, "inactive")
    wanted: dict[str, int] = {}
    for listing, units in rows:
        wanted[listing.sku] = wanted.get(listing.sku, 0) + units
    if any(_available(state, listing, by) < wanted[listing.sku] for listing, _ in rows):
        return _refused(state, "out_of_stock")
    now = state.now()
    order = Order(
        order_id=_new_order_id(state),
        seller_id=rows[0][0].seller_id,
        created_at=now,
        updated_at=now,
        fulfilled_by=by,
        items=[_new_item(state, listing, units, by) for listing, units in rows],
        easy_ship=by == "MFN" and (rows[0][0].easy_ship if easy_ship is None else easy_ship),
        channel_name=channel_name,
        postal_code=postal_code,
        held_pending=pending,
    )
    if replaces:
        order.associated.append({"orderId": replaces, "associationType": "REPLACEMENT_ORIGINAL_ID"})
    state.orders[order.order_id] = order
    for listing, units in rows:
        _lower(state, listing, units, by)
    for item in order.items:
        _record_sale(state, order, item)
    state.counts["orders_accepted"] += 1
    immediate = not pending and state.settings.pending_seconds == (0, 0)
    if immediate:
        _open(order, state)
    tell(state, order)
    if not pending and not immediate:
        state.later(state.draw(state.settings.pending_seconds), partial(release, state, order))
    return Purchase(
        accepted=True,
        order_id=order.order_id,
        line_ids=tuple(item.order_item_id for item in order.items),
        location=FBA_CODE if by == "AFN" else MERCHANT_CODE,
    )


def _refused(state: State, reason: str) -> Purchase:
    state.world.truth.record_refusal(CHANNEL)
    state.counts["orders_refused"] += 1
    return Purchase(accepted=False, reason=reason)


def _available(state: State, listing: Listing, by: str) -> int:
    return listing.shown if by == "MFN" else fba.stock_of(state, listing).fulfillable


def _new_order_id(state: State) -> str:
    while True:
        order_id = f"{state.rng.randint(402, 408)}-{state.digits(7)}-{state.digits(7)}"
        if order_id not in state.orders:
            return order_id


def _new_item(state: State, listing: Listing, units: int, by: str) -> OrderItem:
    return OrderItem(
        order_item_id=f"4{state.digits(13)}",
        sku=listing.sku,
        asin=listing.asin,
        title=listing.title,
        price=listing.price,
        ordered=units,
        components=state.world.components(CHANNEL, listing.sku) if by == "MFN" else (),
    )


def _lower(state: State, listing: Listing, units: int, by: str) -> None:
    if by == "MFN":
        listings.move_shown(state, listing, -units)
    else:
        fba.reserve(state, listing, units)


def _record_sale(state: State, order: Order, item: OrderItem) -> None:
    state.world.truth.record_sale(
        Sale(
            channel=CHANNEL,
            order_id=order.order_id,
            line_id=item.order_item_id,
            listing_key=item.sku,
            location=MERCHANT_CODE if order.fulfilled_by == "MFN" else FBA_CODE,
            units=item.ordered,
            at=order.created_at,
            components=item.components,
        )
    )


def _open(order: Order, state: State) -> None:
    order.status = "UNSHIPPED"
    order.held_pending = False
    if order.easy_ship:
        order.fulfillment_order_id = f"T{state.digits(9)}"
        open_units = {item.order_item_id: item.open for item in order.items if item.open}
        order.packages["1"] = Package(
            reference="1",
            created_at=state.now(),
            detailed_status="PENDING_SCHEDULE",
            quantities=open_units,
            carrier="ATS",
        )


def release(state: State, order: Order) -> None:
    """Pending → Unshipped, as when the payment is verified. Anything else stays as it is."""
    if order.status in {"PENDING", "PENDING_AVAILABILITY"}:
        _open(order, state)
        changed(state, order)


def changed(
    state: State, order: Order, *, change_type: str = "OrderStatusChange", reason: str = "Order Status Change"
) -> None:
    """Stamp the order as updated now, at least a millisecond after its last change, and tell it."""
    order.updated_at = max(state.now(), order.updated_at + timedelta(milliseconds=1))
    tell(state, order, change_type=change_type, reason=reason)


def tell(
    state: State, order: Order, *, change_type: str = "OrderStatusChange", reason: str = "Order Status Change"
) -> None:
    """Publish ORDER_CHANGE; by the fault ``sqs_item_level`` one message per item instead of one for the order."""
    item_level = state.strikes("sqs_item_level", notification_type="ORDER_CHANGE") is not None
    no_time = state.strikes("sqs_null_time", notification_type="ORDER_CHANGE") is not None
    for items in [[item] for item in order.items] if item_level else [order.items]:
        state.notify(
            seller_id=order.seller_id,
            notification_type="ORDER_CHANGE",
            payload=order_change_payload(
                order, items=items, item_level=item_level, change_type=change_type, reason=reason, with_time=not no_time
            ),
            change_type=change_type,
        )


def cancel(
    state: State, *, order: Order, by: str = "buyer", units: int | None = None, order_item_id: str | None = None
) -> int:
    """
    Cancel what is not shipped: all of it, or ``units`` of one item (the first open one by default).

    :return: units cancelled; 0 when nothing was open.
    :raises ValueError: ``by`` is none of buyer, seller, amazon.
    """
    if by not in CANCELLED_BY:
        raise ValueError(f"by must be one of {', '.join(CANCELLED_BY)}")
    left = sum(item.open for item in order.items) if units is None else units
    done = 0
    for item in order.items:
        if order_item_id is not None and item.order_item_id != order_item_id:
            continue
        taken = min(item.open, left - done)
        if taken > 0:
            item.cancelled += taken
            item.cancelled_by = CANCELLED_BY[by]
            done += taken
            _give_back(state, order, item, taken)
    if done:
        for package in order.packages.values():
            if package.shipped_at is None and all(item.open == 0 for item in order.items):
                package.detailed_status = "LABEL_CANCELLED"
        _settle_status(order)
        changed(state, order)
    return done


def _give_back(state: State, order: Order, item: OrderItem, units: int) -> None:
    state.world.truth.record_cancellation(components=item.components, channel=CHANNEL, units=units)
    state.counts["units_cancelled"] += units
    listing = state.listing(item.sku, order.seller_id)
    if listing is None:
        return
    if order.fulfilled_by == "AFN":
        fba.unreserve(state, listing, units)
    elif state.settings.restock_on_cancel:
        listings.move_shown(state, listing, units)


def request_cancel(state: State, order: Order) -> None:
    """The buyer asks for a cancellation; nothing is cancelled by that."""
    for item in order.items:
        item.cancel_requested = item.open > 0
    changed(state, order, change_type="BuyerRequestedChange", reason="Buyer Requested Cancel")


def ship(
    state: State, *, order: Order, units: Mapping[str, int] | None = None, reference: str = "", **details: Any
) -> int:
    """
    Put units (order item id -> units; all open ones by default) into a package and hand it over. A pending order is released first.

    :param reference: package reference; shipping it again edits it. An empty one takes the next free number.
    :return: units in the package.
    """
    release(state, order)
    wanted = {item.order_item_id: item.open for item in order.items if item.open} if units is None else dict(units)
    reference = reference or ("1" if order.easy_ship else str(len(order.packages) + 1))
    earlier = order.packages.get(reference)
    if earlier is not None and earlier.shipped_at is not None:
        _unship(order, earlier)
    for order_item_id, count in wanted.items():
        item = order.item(order_item_id)
        if not 0 < count <= item.open:
            if earlier is not None and earlier.shipped_at is not None:
                _reship(order, earlier)
            raise ValueError(f"item {order_item_id} has {item.open} open units, not {count}")
    if not wanted:
        return 0
    for order_item_id, count in wanted.items():
        order.item(order_item_id).shipped += count
    now = state.now()
    if order.fulfilled_by == "AFN":
        for order_item_id, count in wanted.items():
            fba.dispatch(state, state.listing(order.item(order_item_id).sku, order.seller_id), count)
    else:
        order.packages[reference] = Package(
            reference=reference,
            created_at=earlier.created_at if earlier else now,
            detailed_status="PICKED_UP",
            quantities=wanted,
            carrier=str(details.get("carrier", "ATS" if order.easy_ship else "Other")),
            tracking_number=str(details.get("tracking_number", "")) or f"TRK{state.digits(9)}",
            shipped_at=details.get("shipped_at") or now,
        )
    _settle_status(order)
    changed(state, order)
    return sum(wanted.values())


def _unship(order: Order, package: Package) -> None:
    for order_item_id, count in package.quantities.items():
        order.item(order_item_id).shipped -= count


def _reship(order: Order, package: Package) -> None:
    for order_item_id, count in package.quantities.items():
        order.item(order_item_id).shipped += count


def _settle_status(order: Order) -> None:
    open_units = sum(item.open for item in order.items)
    shipped = sum(item.shipped for item in order.items)
    if open_units == 0:
        order.status = "SHIPPED" if shipped else "CANCELLED"
    elif shipped:
        order.status = "PARTIALLY_SHIPPED"
    elif order.status in {"SHIPPED", "PARTIALLY_SHIPPED"}:
        order.status = "UNSHIPPED"


def set_package_status(state: State, *, order: Order, status: str, reference: str = "1") -> None:
    """
    Move a package through Easy Ship or return to origin, e.g. RETURNING_TO_SELLER, RETURNED_TO_SELLER, LOST.

    :raises ValueError: no such status. :raises KeyError: no such package.
    """
    if status not in PRIMARY_STATUS:
        raise ValueError(f"status must be one of {', '.join(PRIMARY_STATUS)}")
    order.packages[reference].detailed_status = status
    changed(state, order)
