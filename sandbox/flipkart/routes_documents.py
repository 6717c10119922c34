"""Labels, invoices and manifests over HTTP: PDF bytes, or a JSON error in their place (contract 6.7, 6.9)."""

from __future__ import annotations

from flask import Blueprint, Response, request

from sandbox.flipkart.documents import invoice_json, label_page, pdf
from sandbox.flipkart.gate import Gate, listed, object_body
from sandbox.flipkart.model import Shipment
from sandbox.flipkart.routes_shipments import READ_CAP, capped
from sandbox.flipkart.shipments import Shipments
from sandbox.flipkart.state import State
from sandbox.flipkart.wire import json_response

LABEL_ONLY_CAP = 50
HAS_LABEL = {"PACKED", "READY_TO_DISPATCH", "PICKUP_COMPLETE", "SHIPPED", "DELIVERED", "COMPLETED"}


def add_document_routes(blueprint: Blueprint, *, gate: Gate, state: State, shipments: Shipments) -> None:
    def known(shipment_ids: str, cap: int) -> list[Shipment]:
        ids = capped(state, listed(shipment_ids), "shipmentIds", cap)
        missing = [each for each in ids if each not in state.shipments]
        if missing:
            raise state.bad_request("Shipments not found", code="INVALID_SHIPMENTS", status=400)
        return [state.shipments[each] for each in ids]

    def need_packed(found: list[Shipment]) -> None:
        if any(each.stage not in HAS_LABEL for each in found):
            raise state.bad_request("Shipment is not packed", code="ORDER_ITEM_NOT_PACKED", status=400)

    def document(pages: list[list[str]], *, mimetype: str = "application/pdf") -> Response:
        if state.fault("document_error") is not None:
            error = {"errorCode": "DEPENDENT_SYSTEM_CALL_FAILED", "errorMessage": "Document could not be generated"}
            return json_response(state, error)
        return Response(pdf(pages), mimetype=mimetype)

    def labels(shipment_ids: str) -> object:
        found = known(shipment_ids, READ_CAP)
        need_packed(found)
        return document([label_page(each, with_invoice=True) for each in found])

    def label_only(shipment_ids: str, mimetype: str) -> object:
        """Without ``reprint=true`` this call packs what is not packed yet."""
        found = known(shipment_ids, LABEL_ONLY_CAP)
        if request.args.get("reprint", "").lower() == "true":
            need_packed(found)
        for shipment in found:
            if shipment.stage in HAS_LABEL:
                continue
            refusal = shipments.refuse_action(shipment, None)
            if refusal is not None:
                raise state.bad_request(refusal[1], code=refusal[0], status=400)
            shipments.packed(shipment)
        return document([label_page(each, with_invoice=False) for each in found], mimetype=mimetype)

    def invoices(shipment_ids: str) -> object:
        found = known(shipment_ids, READ_CAP)
        need_packed(found)
        if request.mimetype == "application/json":
            return {"invoices": [invoice_json(each) for each in found]}
        return document([label_page(each, with_invoice=True) for each in found])

    def manifest() -> object:
        params = object_body(state).get("params")
        if not isinstance(params, dict) or not params.get("vendorGroupCode"):
            raise state.bad_request("params.vendorGroupCode is mandatory")
        mps = bool(params.get("isMps", params.get("is_mps", False)))
        if mps and not (params.get("pickUpDate") or params.get("pickupDate")):
            raise state.bad_request("params.pickUpDate is mandatory for multi package shipments")
        ready = [
            each
            for each in state.open_shipments()
            if each.stage == "READY_TO_DISPATCH"
            and each.courier == params["vendorGroupCode"]
            and each.mps == mps
            and params.get("locationId") in {None, each.location_id}
        ]
        lines = [f"Manifest {params['vendorGroupCode']}", *(f"{each.tracking_id} {each.shipment_id}" for each in ready)]
        return document([lines])

    def add(method: str, path: str, operation: str, handler: object) -> None:
        gate.add(blueprint, method, f"/v3/shipments{path}", operation, handler)  # type: ignore[arg-type]

    add("GET", "/<shipment_ids>/labels", "labels", labels)
    add(
        "POST",
        "/<shipment_ids>/labelOnly/pdf",
        "label_only_pdf",
        lambda shipment_ids: label_only(shipment_ids, "application/pdf"),
    )
    add(
        "POST",
        "/<shipment_ids>/labelOnly",
        "label_only",
        lambda shipment_ids: label_only(shipment_ids, "application/octet-stream"),
    )
    add("GET", "/<shipment_ids>/invoices", "invoices", invoices)
    add("POST", "/manifest", "manifest", manifest)
