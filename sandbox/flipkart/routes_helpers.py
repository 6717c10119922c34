"""The helper calls of Flipkart's own sandbox host: make an order, move it, return it (contract, section 9)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from sandbox.flipkart.gate import Gate, object_body
from sandbox.flipkart.model import OrderItem, Shipment
from sandbox.flipkart.orders import Line, Orders, RefusedError, Terms
from sandbox.flipkart.returns import Returns
from sandbox.flipkart.shipments import Shipments
from sandbox.flipkart.state import State
from sandbox.flipkart.times import parse_moment

RETURN_TYPES = {
    "customer": "customer_return",
    "customer_return": "customer_return",
    "courier": "courier_return",
    "courier_return": "courier_return",
}
MOVES = {
    "pick_up_complete": ("PICKUP_COMPLETE", {"READY_TO_DISPATCH"}),
    "shipped": ("SHIPPED", {"PICKUP_COMPLETE"}),
    "delivered": ("DELIVERED", {"SHIPPED"}),
}


def add_helper_routes(
    blueprint: Blueprint, *, gate: Gate, state: State, orders: Orders, shipments: Shipments, returns: Returns
) -> None:
    def found(body: dict[str, Any]) -> tuple[Shipment, OrderItem]:
        match = state.find_item(str(body.get("orderItemId")))
        if match is None:
            raise state.bad_request("Order item not found", code="INVALID_ITEM_ID", status=400)
        return match

    def test_orders() -> object:
        body = object_body(state)
        by_listing_id = {listing.listing_id: listing.sku for listing in state.listings.values()}
        lines = []
        for row in body.get("orderItems") or []:
            sku, units = by_listing_id.get(row.get("listingId")), row.get("quantity", 1)
            if sku is None or not isinstance(units, int) or units < 1:
                raise state.bad_request("Unknown listingId or bad quantity", code="INVALID_REQUEST_ITEM_ID", status=400)
            lines.append(Line(sku=sku, units=units))
        if not lines:
            raise state.bad_request("orderItems is mandatory", status=400)
        terms = Terms(location_id=body.get("locationId") or None, shipment_type=body.get("shipmentType") or "NORMAL")
        try:
            shipment = orders.place(lines, terms)
        except RefusedError as refused:
            raise state.bad_request(f"Order could not be created: {refused.reason}", status=400) from refused
        items = [
            {
                "orderItemId": item.order_item_id,
                "listingId": state.listings[item.sku].listing_id,
                "quantity": item.quantity,
            }
            for item in shipment.items
        ]
        return {"orderId": shipment.order_id, "orderItems": items}

    def dispatch_slot() -> object:
        body = object_body(state)
        shipment, _ = found(body)
        try:
            after, by = parse_moment(body.get("dispatch_after_date")), parse_moment(body.get("dispatch_by_date"))
        except ValueError as error:
            raise state.bad_request(str(error), code="INVALID_REQUEST_DATE_FORMAT", status=400) from error
        shipments.change_dates(shipment, after=after, by=by)
        return {"response": "SUCCESS"}

    def hold(on: bool) -> object:
        shipment, _ = found(object_body(state))
        if on:
            shipments.hold(shipment)
        else:
            shipments.unhold(shipment)
        return {"response": "SUCCESS"}

    def move(name: str) -> object:
        shipment, _ = found(object_body(state))
        status, before = MOVES[name]
        why = shipments.step(shipment, status, allowed_from=before)
        if why is not None:
            raise state.bad_request(why, code="INVALID_ITEM_STATE", status=400)
        return {"response": "SUCCESS"}

    def create_returns() -> object:
        body = object_body(state)
        source = RETURN_TYPES.get(str(body.get("returnType")).lower(), "")
        try:
            returns.create(order_item_id=str(body.get("orderItemId")), source=source)
        except ValueError as error:
            raise state.bad_request(str(error), code="INVALID_ITEM_STATE", status=400) from error
        return {"response": "SUCCESS"}

    def return_events() -> object:
        body = object_body(state)
        event = str(body.get("eventType")).lower().removeprefix("return_")
        try:
            item = returns.find(order_item_id=str(body.get("orderItemId")))
        except ValueError as error:
            raise state.bad_request(str(error), code="INVALID_ITEM_ID", status=400) from error
        if event == "completed":
            returns.completed(item)
        elif event == "cancelled":
            returns.cancelled(item)
        else:
            raise state.bad_request("eventType must be completed or cancelled", status=400)
        return {"response": "SUCCESS"}

    def create_service() -> object:
        body = object_body(state)
        shipment, item = found(body)
        service_type = str(body.get("serviceType")).upper()
        if service_type not in {"FORWARD", "REVERSE"}:
            raise state.bad_request("serviceType must be FORWARD or REVERSE", status=400)
        shipments.add_service(item, shipment, service_type)
        return {"response": "SUCCESS"}

    def add(method: str, path: str, operation: str, handler: Any) -> None:
        gate.add(blueprint, method, path, f"helper {operation}", handler)

    add("POST", "/orders/sandbox/test_orders", "test_orders", test_orders)
    add("POST", "/orders/sandbox/update_dispatch_slot", "update_dispatch_slot", dispatch_slot)
    add("PUT", "/orders/sandbox/on_hold", "on_hold", lambda: hold(True))
    add("PUT", "/orders/sandbox/un_hold", "un_hold", lambda: hold(False))
    for name in MOVES:
        add("POST", f"/orders/sandbox/{name}", name, lambda name=name: move(name))
    add("POST", "/returns/sandbox/create_returns", "create_returns", create_returns)
    add("POST", "/returns/sandbox/return_events", "return_events", return_events)
    add("POST", "/v2/shipments/sandbox/create_service", "create_service", create_service)
