"""``/sellers/v3/shipments``: search, reads, packing, dispatch, cancel, handover (contract, sections 6.3 to 6.10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, request

from sandbox.flipkart import shipment_filter
from sandbox.flipkart.gate import Gate, listed, object_body
from sandbox.flipkart.model import OrderItem, Shipment
from sandbox.flipkart.orders import SELLER_MAY_CANCEL, Orders
from sandbox.flipkart.render import shipment_json, shipping_details_json
from sandbox.flipkart.shipments import Refusal, Shipments
from sandbox.flipkart.state import State
from sandbox.flipkart.times import ist, parse_moment

ACTION_CAP = 25
READ_CAP = 100
CANCEL_REASONS = {"cannot_procure_item", "not_enough_inventory", "b2b_order"}
ID_PARAMETERS = ("shipmentIds", "orderItemIds", "orderIds")


def result(state: State, shipment_id: Any, refusal: Refusal | None, *, field: str | None = None) -> dict[str, Any]:
    """One row of an action's answer. ``field`` is the name under which success or failure stands."""
    code, message = refusal or (None, None)
    status = "FAILURE" if refusal else "SUCCESS"
    return {
        "shipmentId": shipment_id,
        field or state.settings.result_field: status,
        "errorCode": code,
        "errorMessage": message,
    }


def capped(state: State, rows: Any, name: str, cap: int) -> list[Any]:
    """A non-empty list of at most ``cap`` entries. :raises ApiError: 422."""
    if not isinstance(rows, list) or not rows:
        raise state.bad_request(f"{name} is mandatory")
    if len(rows) > cap:
        raise state.bad_request(f"At most {cap} {name} are allowed in a request")
    return rows


def shipments_of(state: State, ids: str, cap: int) -> list[Shipment]:
    """The shipments of a comma separated path part; unknown ids are left out. :raises ApiError: 422 above the cap."""
    return [state.shipments[each] for each in capped(state, listed(ids), "shipmentIds", cap) if each in state.shipments]


def add_shipment_routes(
    blueprint: Blueprint, *, gate: Gate, state: State, shipments: Shipments, orders: Orders
) -> None:
    def search() -> object:
        return shipment_filter.first_page(state, object_body(state))

    def search_next() -> object:
        return shipment_filter.next_page(state, request.args.get("next_token", ""))

    def by_ids() -> object:
        given = [name for name in ID_PARAMETERS if request.args.get(name)]
        if len(given) != 1:
            raise state.bad_request("Exactly one of shipmentIds, orderItemIds, orderIds must be given")
        ids = capped(state, listed(request.args[given[0]]), given[0], READ_CAP)
        if given[0] == "orderIds":
            found = [shipment for each in ids for shipment in state.shipments_by_order.get(each, [])]
        else:
            index = state.shipments if given[0] == "shipmentIds" else state.shipment_by_item
            found = [index[each] for each in ids if each in index]
        unique = {shipment.shipment_id: shipment for shipment in found}
        return {"shipments": [shipment_json(state, shipment) for shipment in unique.values()]}

    def shipping_details(shipment_ids: str) -> object:
        return {"shipments": [shipping_details_json(each) for each in shipments_of(state, shipment_ids, READ_CAP)]}

    def each_shipment(act: Callable[[Shipment, Mapping[str, Any]], Refusal | None]) -> object:
        """Run one action per entry of ``shipments``; every entry gets a result of its own."""
        rows = capped(state, object_body(state).get("shipments"), "shipments", ACTION_CAP)
        answers = []
        for row in rows:
            entry = row if isinstance(row, dict) else {}
            shipment = state.shipments.get(str(entry.get("shipmentId")))
            refusal = act(shipment, entry) if shipment else ("INVALID_SHIPMENTS", "Shipment not found")
            answers.append(result(state, entry.get("shipmentId"), refusal))
        return {"shipments": answers}

    def pack(shipment: Shipment, row: Mapping[str, Any]) -> Refusal | None:
        if not row.get("locationId"):
            return "UNPROCESSABLE_ENTITY", "locationId is mandatory"
        refusal = (
            shipments.refuse_action(shipment, row["locationId"])
            or check_packing(shipment, row)
            or shipments.pack(shipment)
        )
        if refusal is None and row.get("invoices"):
            shipment.invoice = dict(row["invoices"][0])
        return refusal

    def dispatch() -> object:
        body = object_body(state)
        ids = capped(state, body.get("shipmentIds"), "shipmentIds", ACTION_CAP)
        if not body.get("locationId"):
            raise state.bad_request("locationId is mandatory")
        answers = []
        for shipment_id in ids:
            shipment = state.shipments.get(str(shipment_id))
            refusal = shipments.refuse_action(shipment, body["locationId"])
            if refusal is None and shipment is not None:
                refusal = shipments.dispatch(shipment)
            answers.append(result(state, shipment_id, refusal))
        return {"shipments": answers}

    def cancel(shipment: Shipment, row: Mapping[str, Any]) -> Refusal | None:
        groups, reason = row.get("cancellationGroupIds"), row.get("reason")
        if reason not in CANCEL_REASONS:
            return "EMPTY_OR_INVALID_REASON_FOR_CANCELLATION", "Reason for cancellation is empty or invalid"
        if not isinstance(groups, list) or not groups:
            return "UNPROCESSABLE_ENTITY", "cancellationGroupIds is mandatory"
        if shipment.service_profile == "FBF" or row.get("locationId") not in {None, shipment.location_id}:
            return "OPERATION_NOT_ALLOWED", "Shipment does not belong to the given location"
        wanted = [item for item in shipment.items if item.cancellation_group_id in groups]
        if not wanted or {item.cancellation_group_id for item in wanted} != set(groups):
            return "INVALID_REQUEST_ITEM_ID", "Unknown cancellation group"
        live = [item for item in wanted if item.status != "CANCELLED"]
        if not live:
            return "ORDER_ITEM_ALREADY_CANCELLED", "Items are already cancelled"
        if late := next((item for item in live if item.status not in SELLER_MAY_CANCEL), None):
            return late_cancel(late)
        cancelled = [orders.cancel_item(shipment, item, by="seller", sub_reason=str(reason)) for item in live]
        orders.announce_cancel(shipment, [part for part in cancelled if part is not None])
        return None

    def forms(shipment_ids: str) -> object:
        found = shipments_of(state, shipment_ids, READ_CAP)
        return {"shipments": [{"shipmentId": each.shipment_id, "forms": each.forms} for each in found]}

    def acknowledge(shipment: Shipment, row: Mapping[str, Any]) -> Refusal | None:
        names = {str(form.get("name")) for form in row.get("forms") or [] if isinstance(form, dict)}
        return shipments.acknowledge_forms(shipment, names)

    def handover_counts() -> object:
        location_id = request.args.get("locationId")
        ready = [
            shipment
            for shipment in state.open_shipments()
            if shipment.stage == "READY_TO_DISPATCH" and location_id in {None, shipment.location_id}
        ]
        now = state.now()
        rows = [
            {
                "vendorGroupCode": courier,
                "isMps": mps,
                "count": count,
                "otc": {"code": "1234"},
                "pickUpDate": {"after": ist(now), "before": ist(now + timedelta(hours=6))},
            }
            for (courier, mps), count in sorted(Counter((each.courier, each.mps) for each in ready).items())
        ]
        return {"resultManifestDetails": rows} if state.settings.handover_shape == "resultManifestDetails" else rows

    def one_time_codes(location_id: str) -> object:
        if location_id not in state.locations:
            raise state.bad_request("Invalid location", code="OTC_UNAVAILABLE")
        codes = [{"code": "5678", "type": "RETURN", "vendor": "E-Kart Logistics"}]
        return {"otcs": [{"status": "SUCCESS", "requestType": "RETURN", "otc": codes}]}

    def add(method: str, path: str, operation: str, handler: Any) -> None:
        gate.add(blueprint, method, f"/v3/shipments{path}", operation, handler)

    add("POST", "/filter", "filter_shipments", search)
    add("GET", "/filter", "filter_shipments", search_next)
    add("GET", "", "get_shipments", by_ids)
    add("GET", "/<shipment_ids>", "shipping_details", shipping_details)
    add("POST", "/labels", "pack", lambda: each_shipment(pack))
    add("POST", "/dispatch", "dispatch", dispatch)
    add("POST", "/cancel", "cancel", lambda: each_shipment(cancel))
    add("GET", "/<shipment_ids>/forms", "forms", forms)
    add("POST", "/forms/updateAck", "forms_acknowledge", lambda: each_shipment(acknowledge))
    add("GET", "/handover/counts", "handover_counts", handover_counts)
    add("GET", "/otc/<location_id>", "one_time_codes", one_time_codes)


def late_cancel(item: OrderItem) -> Refusal:
    if item.status == "PACKED":
        return "INVALID_ITEM_STATE", "Item is already packed"
    return "ORDER_ITEM_ALREADY_DISPATCHED", "Item is already dispatched"


def check_packing(shipment: Shipment, row: Mapping[str, Any]) -> Refusal | None:
    """What a pack request says about items, invoices and packages has to fit the shipment."""
    units: Counter[str] = Counter()
    for item in shipment.live_items():
        units[item.order_item_id] += item.quantity
    for tax in row.get("taxItems") or []:
        if not isinstance(tax, dict) or tax.get("orderItemId") not in units:
            return "INVALID_REQUEST_ITEM_ID", "taxItems names an order item that is not in the shipment"
        if tax.get("taxRate") is None:
            return "INVALID_REQUEST_TAX", "taxRate is mandatory"
        if tax.get("quantity", units[tax["orderItemId"]]) != units[tax["orderItemId"]]:
            return "QUANTITY_MISMATCH_ERROR", "Quantity does not match the order item"
    for invoice in row.get("invoices") or []:
        if not isinstance(invoice, dict) or invoice.get("orderId") != shipment.order_id:
            return "UNPROCESSABLE_ENTITY", "invoices must name the order of the shipment"
        try:
            parse_moment(invoice.get("invoiceDate"))
        except ValueError:
            return "INVALID_REQUEST_DATE_FORMAT", "invoiceDate must be YYYY-MM-DD"
    for parcel in row.get("subShipments") or []:
        dimensions = parcel.get("dimensions") if isinstance(parcel, dict) else None
        if not isinstance(dimensions, dict) or not {"length", "breadth", "height", "weight"} <= dimensions.keys():
            return "UNPROCESSABLE_ENTITY", "subShipments need dimensions with length, breadth, height and weight"
    return None
