"""Self-ship: the seller's own courier, from dispatch to delivery, and services (contract 6.11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint

from sandbox.flipkart.gate import Gate, object_body
from sandbox.flipkart.model import Shipment
from sandbox.flipkart.routes_shipments import capped, result
from sandbox.flipkart.shipments import Refusal, Shipments
from sandbox.flipkart.state import State
from sandbox.flipkart.times import IST, parse_moment

SELF_SHIP_CAP = 100


def add_self_ship_routes(blueprint: Blueprint, *, gate: Gate, state: State, shipments: Shipments) -> None:
    def each(act: Callable[[Shipment, Mapping[str, Any]], Refusal | None], *, rows_name: str = "shipments") -> object:
        answers = []
        for row in capped(state, object_body(state).get(rows_name), rows_name, SELF_SHIP_CAP):
            entry = row if isinstance(row, dict) else {}
            shipment = state.shipments.get(str(entry.get("shipmentId")))
            refusal = _not_self_ship(shipment, entry) or (act(shipment, entry) if shipment else None)
            answers.append(result(state, entry.get("shipmentId"), refusal, field=state.settings.late_result_field))
        return {rows_name: answers}

    def dispatch(shipment: Shipment, row: Mapping[str, Any]) -> Refusal | None:
        try:
            sent, promised = parse_moment(row.get("dispatchDate")), parse_moment(row.get("tentativeDeliveryDate"))
        except ValueError:
            return "INVALID_REQUEST_DATE_FORMAT", "dispatchDate and tentativeDeliveryDate must be dates"
        today = state.now().astimezone(IST).date()
        if sent.astimezone(IST).date() > today:
            return "UNPROCESSABLE_ENTITY", "dispatchDate can not be in the future"
        if promised.astimezone(IST).date() < today:
            return "UNPROCESSABLE_ENTITY", "tentativeDeliveryDate can not be in the past"
        refusal = shipments.refuse_action(shipment, row.get("locationId")) or _invoice_problem(
            shipment, row.get("invoice")
        )
        if refusal is not None:
            return refusal
        if (
            why := shipments.step(shipment, "SHIPPED", allowed_from={"APPROVED", "PACKED", "READY_TO_DISPATCH"})
        ) is not None:
            return "ORDER_ITEM_ALREADY_DISPATCHED", why
        shipment.tracking_id = str(row.get("trackingId") or shipment.tracking_id)
        shipment.courier = str(row.get("deliveryPartner") or shipment.courier)
        shipment.invoice = dict(row["invoice"])
        return None

    def deliver(shipment: Shipment, row: Mapping[str, Any]) -> Refusal | None:
        if (refusal := _date_problem(row, "deliveryDate")) is not None:
            return refusal
        if (why := shipments.step(shipment, "DELIVERED", allowed_from={"SHIPPED"})) is not None:
            return "INVALID_ITEM_STATE", why
        if all(
            service["status"] == "COMPLETED" for service in shipment.services if service["serviceType"] == "FORWARD"
        ):
            shipments.step(shipment, "COMPLETED", allowed_from={"DELIVERED"})
        return None

    def attempt(shipment: Shipment, row: Mapping[str, Any]) -> Refusal | None:
        if shipment.stage != "SHIPPED":
            return "INVALID_ITEM_STATE", f"Shipment is in state {shipment.stage}"
        return _date_problem(row.get("failureAttributes") or {}, "newDeliveryDate")

    def service(shipment: Shipment, row: Mapping[str, Any], *, done: bool) -> Refusal | None:
        forward = [
            each for each in shipment.services if each["serviceType"] == "FORWARD" and each["status"] != "COMPLETED"
        ]
        if not forward:
            return "INVALID_ITEM_STATE", "Shipment has no open service"
        if done:
            for each_service in forward:
                each_service["status"] = "COMPLETED"
            shipments.step(shipment, "COMPLETED", allowed_from={"DELIVERED"})
        return None

    def update(shipment_id: str) -> object:
        body, shipment = object_body(state), state.shipments.get(shipment_id)
        refusal = _not_self_ship(shipment, {"locationId": None})
        if shipment is not None and refusal is None:
            shipment.tracking_id = str(body.get("tracking_id") or shipment.tracking_id)
            shipment.courier = str(body.get("delivery_partner") or shipment.courier)
            shipments.touch(shipment)
        return result(state, shipment_id, refusal, field=state.settings.late_result_field)

    for path, operation, act in (
        ("dispatch", "self_ship_dispatch", dispatch),
        ("delivery", "self_ship_delivery", deliver),
        ("deliveryAttempt", "self_ship_attempt", attempt),
    ):
        gate.add(blueprint, "POST", f"/v3/shipments/selfShip/{path}", operation, lambda act=act: each(act))
    gate.add(blueprint, "POST", "/v3/shipments/<shipment_id>/update", "self_ship_update", update)
    for path, done in (("attempt", False), ("complete", True)):
        gate.add(
            blueprint,
            "POST",
            f"/v2/services/{path}",
            f"service_{path}",
            lambda done=done: each(lambda shipment, row: service(shipment, row, done=done), rows_name="services"),
        )


def _not_self_ship(shipment: Shipment | None, row: Mapping[str, Any]) -> Refusal | None:
    if shipment is None:
        return "INVALID_SHIPMENTS", "Shipment not found"
    if shipment.shipment_type != "SELF":
        return "OPERATION_NOT_ALLOWED", "Shipment is not a self-ship shipment"
    if row.get("locationId") not in {None, shipment.location_id}:
        return "OPERATION_NOT_ALLOWED", "Shipment does not belong to the given location"
    return None


def _date_problem(row: Mapping[str, Any], name: str) -> Refusal | None:
    try:
        parse_moment(row.get(name))
    except ValueError:
        return "INVALID_REQUEST_DATE_FORMAT", f"{name} must be a date"
    return None


def _invoice_problem(shipment: Shipment, invoice: Any) -> Refusal | None:
    if not isinstance(invoice, dict) or not invoice.get("invoiceDate") or not isinstance(invoice.get("items"), list):
        return "UNPROCESSABLE_ENTITY", "invoice with invoiceDate and items is mandatory"
    known = {item.order_item_id for item in shipment.live_items()}
    if any(not isinstance(item, dict) or item.get("orderItemId") not in known for item in invoice["items"]):
        return "INVALID_REQUEST_ITEM_ID", "invoice names an order item that is not in the shipment"
    return None
