"""FBA Inventory v1 summaries, inbound shipments v0 and 2024-03-20 (reads)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.amazon.api import Call, Operation, Reply
from sandbox.amazon.errors import invalid_input, not_found
from sandbox.amazon.fba import SHIPMENT_STATUSES
from sandbox.amazon.model import FbaStock, InboundShipment
from sandbox.amazon.settings import INDIA
from sandbox.amazon.state import State
from sandbox.amazon.times import parse_time, seconds_z

PAGE = 50
SHIP_FROM = {
    "addressLine1": "Demo warehouse",
    "city": "Bengaluru",
    "countryCode": "IN",
    "name": "Demo store",
    "postalCode": "560001",
}


def get_inventory_summaries(state: State, call: Call) -> Reply:
    """``pagination`` stands beside ``payload``, and its token dies 30 s after issue."""
    if call.required("granularityType") != "Marketplace" or call.required("granularityId") != INDIA:
        raise invalid_input(f"granularityType must be Marketplace and granularityId {INDIA}.")
    call.marketplace()
    filters = {name: value for name, value in call.args.items() if name not in {"nextToken", "details"}}
    if "nextToken" in call.args:
        memory = state.page_tokens.redeem(call.args["nextToken"])
        if memory is None or memory["filters"] != filters or state.strikes("fba_token_expired"):
            raise invalid_input("The nextToken is invalid or has expired.")
        skus, start = memory["skus"], memory["start"]
    else:
        skus, start = [stock.sku for stock in _matching(state, call)], 0
    end = start + PAGE
    page = [state.fba[call.seller_id, sku] for sku in skus[start:end] if (call.seller_id, sku) in state.fba]
    details = call.args.get("details") == "true"
    body: dict[str, Any] = {
        "payload": {
            "granularity": {"granularityType": "Marketplace", "granularityId": INDIA},
            "inventorySummaries": [_summary(state, stock, details=details) for stock in page],
        }
    }
    if end < len(skus):
        token = state.page_tokens.issue(
            {"filters": filters, "skus": skus, "start": end},
            lifetime=state.scaled(state.settings.fba_page_token_seconds),
        )
        body["pagination"] = {"nextToken": token}
    return Reply(body=body)


def _matching(state: State, call: Call) -> list[FbaStock]:
    rows = sorted((row for row in state.fba.values() if row.seller_id == call.seller_id), key=lambda row: row.sku)
    if "startDateTime" in call.args:
        start = parse_time(call.args["startDateTime"], name="startDateTime")
        if start < state.now() - timedelta(days=548):
            raise invalid_input("startDateTime must not be older than 18 months.")
        return [row for row in rows if row.updated_at >= start]
    skus = call.csv("sellerSkus") or ([call.args["sellerSku"]] if "sellerSku" in call.args else [])
    if len(skus) > PAGE:
        raise invalid_input(f"At most {PAGE} sellerSkus are allowed.")
    return [row for row in rows if not skus or row.sku in skus]


def _summary(state: State, stock: FbaStock, *, details: bool) -> dict[str, Any]:
    listing = state.listings[stock.seller_id, stock.sku]
    reserved = stock.reserved_pending + stock.reserved_transfer + stock.reserved_processing
    inbound = stock.inbound_working + stock.inbound_shipped + stock.inbound_receiving
    body: dict[str, Any] = {
        "asin": listing.asin,
        "fnSku": listing.fnsku,
        "sellerSku": stock.sku,
        "condition": stock.condition,
        "lastUpdatedTime": seconds_z(stock.updated_at),
        "productName": listing.title,
        "totalQuantity": stock.fulfillable + reserved + inbound + stock.researching + stock.unfulfillable,
        "stores": [],
    }
    if details:
        body["inventoryDetails"] = {
            "fulfillableQuantity": stock.fulfillable,
            "inboundWorkingQuantity": stock.inbound_working,
            "inboundShippedQuantity": stock.inbound_shipped,
            "inboundReceivingQuantity": stock.inbound_receiving,
            "reservedQuantity": {
                "totalReservedQuantity": reserved,
                "pendingCustomerOrderQuantity": stock.reserved_pending,
                "pendingTransshipmentQuantity": stock.reserved_transfer,
                "fcProcessingQuantity": stock.reserved_processing,
            },
            "researchingQuantity": {
                "totalResearchingQuantity": stock.researching,
                "researchingQuantityBreakdown": [],
            },
            "unfulfillableQuantity": {
                "totalUnfulfillableQuantity": stock.unfulfillable,
                "customerDamagedQuantity": stock.unfulfillable,
                "warehouseDamagedQuantity": 0,
                "distributorDamagedQuantity": 0,
                "carrierDamagedQuantity": 0,
                "defectiveQuantity": 0,
                "expiredQuantity": 0,
            },
        }
    return body


def _page_v0(
    state: State, call: Call, rows_of_first_page: Any, render: Any, *, size: int = 50
) -> tuple[list[dict[str, Any]], str]:
    """One v0 page and its NextToken (\"\" at the end). QueryType NEXT_TOKEN goes on with what the token remembers."""
    if call.required("QueryType") == "NEXT_TOKEN":
        memory = state.page_tokens.redeem(call.required("NextToken"))
        if memory is None:
            raise invalid_input("NextToken is invalid or has expired.")
        rows = memory
    else:
        rows = rows_of_first_page()
    rest = rows[size:]
    token = state.page_tokens.issue(rest, lifetime=state.scaled(3600)) if rest else ""
    return [render(row) for row in rows[:size]], token


def get_shipments(state: State, call: Call) -> Reply:
    call.marketplace("MarketplaceId")

    def first() -> list[InboundShipment]:
        kind = call.required("QueryType")
        mine = [row for row in state.shipments.values() if row.seller_id == call.seller_id]
        if kind == "DATE_RANGE":
            return _in_range(call, mine)
        if kind != "SHIPMENT":
            raise invalid_input("QueryType must be SHIPMENT, DATE_RANGE or NEXT_TOKEN.")
        statuses = call.choices("ShipmentStatusList", SHIPMENT_STATUSES)
        ids = call.csv("ShipmentIdList")
        if not statuses and not ids:
            raise invalid_input("ShipmentStatusList or ShipmentIdList is required when QueryType is SHIPMENT.")
        return [
            row for row in mine if (not statuses or row.status in statuses) and (not ids or row.confirmation_id in ids)
        ]

    rows, token = _page_v0(state, call, first, _shipment_v0)
    return Reply(body={"payload": {"ShipmentData": rows, "NextToken": token}})


def _in_range(call: Call, rows: list[InboundShipment]) -> list[InboundShipment]:
    after = parse_time(call.required("LastUpdatedAfter"), name="LastUpdatedAfter")
    before = parse_time(call.required("LastUpdatedBefore"), name="LastUpdatedBefore")
    return [row for row in rows if after <= row.updated_at <= before]


def _shipment_v0(row: InboundShipment) -> dict[str, Any]:
    return {
        "ShipmentId": row.confirmation_id,
        "ShipmentName": row.name,
        "ShipFromAddress": {
            "Name": SHIP_FROM["name"],
            "AddressLine1": SHIP_FROM["addressLine1"],
            "City": SHIP_FROM["city"],
            "StateOrProvinceCode": "KA",
            "CountryCode": "IN",
            "PostalCode": SHIP_FROM["postalCode"],
        },
        "DestinationFulfillmentCenterId": row.warehouse,
        "ShipmentStatus": "WORKING" if row.status == "READY_TO_SHIP" else row.status,
        "LabelPrepType": "SELLER_LABEL",
        "AreCasesRequired": False,
    }


def _items_v0(row: InboundShipment) -> list[dict[str, Any]]:
    return [
        {
            "ShipmentId": row.confirmation_id,
            "SellerSKU": item.sku,
            "FulfillmentNetworkSKU": item.fnsku,
            "QuantityShipped": item.quantity,
            "QuantityReceived": item.received,
            "QuantityInCase": 0,
        }
        for item in row.items
    ]


def get_shipment_items(state: State, call: Call) -> Reply:
    call.marketplace("MarketplaceId")

    def first() -> list[dict[str, Any]]:
        if call.required("QueryType") != "DATE_RANGE":
            raise invalid_input("QueryType must be DATE_RANGE or NEXT_TOKEN.")
        mine = [row for row in state.shipments.values() if row.seller_id == call.seller_id]
        return [item for row in _in_range(call, mine) for item in _items_v0(row)]

    rows, token = _page_v0(state, call, first, dict)
    return Reply(body={"payload": {"ItemData": rows, "NextToken": token}})


def get_shipment_items_by_id(state: State, call: Call) -> Reply:
    row = state.shipments.get(call.path["shipment_id"])
    if row is None or row.seller_id != call.seller_id:
        raise not_found("Shipment not found.")
    return Reply(body={"payload": {"ItemData": _items_v0(row), "NextToken": ""}})


def list_inbound_plans(state: State, call: Call) -> Reply:
    """Plans (one shipment each here), by ``sortBy`` and ``sortOrder``, 30 a page at most."""
    size = call.integer("pageSize", default=10, least=1, most=30)
    if "paginationToken" in call.args:
        rows = state.page_tokens.redeem(call.args["paginationToken"])
        if rows is None:
            raise invalid_input("paginationToken is invalid or has expired.")
    else:
        status = call.args.get("status")
        if status not in {None, "ACTIVE", "VOIDED", "SHIPPED"}:
            raise invalid_input("status must be ACTIVE, VOIDED or SHIPPED.")
        rows = [
            row
            for row in state.shipments.values()
            if row.seller_id == call.seller_id and status in {None, _plan_status(row)}
        ]
        by_update = call.args.get("sortBy") == "LAST_UPDATED_TIME"
        rows.sort(
            key=lambda row: row.updated_at if by_update else row.created_at,
            reverse=call.args.get("sortOrder") == "DESC",
        )
    body: dict[str, Any] = {"inboundPlans": [_plan(row) for row in rows[:size]]}
    if rows[size:]:
        body["pagination"] = {"nextToken": state.page_tokens.issue(rows[size:], lifetime=state.scaled(3600))}
    return Reply(body=body)


def _plan_status(row: InboundShipment) -> str:
    if row.status in {"CANCELLED", "DELETED"}:
        return "VOIDED"
    return "ACTIVE" if row.status in {"WORKING", "READY_TO_SHIP"} else "SHIPPED"


def _plan(row: InboundShipment) -> dict[str, Any]:
    return {
        "inboundPlanId": row.plan_id,
        "name": row.name,
        "status": _plan_status(row),
        "createdAt": seconds_z(row.created_at),
        "lastUpdatedAt": seconds_z(row.updated_at),
        "marketplaceIds": [INDIA],
        "sourceAddress": SHIP_FROM,
    }


def _plan_row(state: State, call: Call) -> InboundShipment:
    for row in state.shipments.values():
        wanted = (call.path["plan_id"], call.path.get("shipment_id", row.shipment_id), call.seller_id)
        if (row.plan_id, row.shipment_id, row.seller_id) == wanted:
            return row
    raise not_found("Inbound plan or shipment not found.")


def get_inbound_plan(state: State, call: Call) -> Reply:
    row = _plan_row(state, call)
    return Reply(body={**_plan(row), "shipments": [{"shipmentId": row.shipment_id, "status": row.status}]})


def get_shipment(state: State, call: Call) -> Reply:
    row = _plan_row(state, call)
    return Reply(
        body={
            "shipmentId": row.shipment_id,
            "shipmentConfirmationId": row.confirmation_id,
            "name": row.name,
            "status": row.status,
            "placementOptionId": f"pl{row.plan_id[2:]}",
            "source": {"sourceType": "SELLER_FACILITY", "address": SHIP_FROM},
            "destination": {"destinationType": "AMAZON_WAREHOUSE", "warehouseId": row.warehouse},
        }
    )


def list_shipment_items(state: State, call: Call) -> Reply:
    """Planned quantities only: this API never says what was received."""
    size = call.integer("pageSize", default=10, least=1, most=1000)
    if "paginationToken" in call.args:
        items = state.page_tokens.redeem(call.args["paginationToken"])
        if items is None:
            raise invalid_input("paginationToken is invalid or has expired.")
    else:
        items = list(_plan_row(state, call).items)
    body: dict[str, Any] = {
        "items": [
            {
                "msku": item.sku,
                "asin": item.asin,
                "fnsku": item.fnsku,
                "quantity": item.quantity,
                "labelOwner": "SELLER",
                "prepInstructions": [],
            }
            for item in items[:size]
        ]
    }
    if items[size:]:
        body["pagination"] = {"nextToken": state.page_tokens.issue(items[size:], lifetime=state.scaled(3600))}
    return Reply(body=body)


PLANS = "/inbound/fba/2024-03-20/inboundPlans"
OPERATIONS = [
    Operation(
        name="getInventorySummaries", method="GET", path="/fba/inventory/v1/summaries", handler=get_inventory_summaries
    ),
    Operation(name="getShipments", method="GET", path="/fba/inbound/v0/shipments", handler=get_shipments),
    Operation(name="getShipmentItems", method="GET", path="/fba/inbound/v0/shipmentItems", handler=get_shipment_items),
    Operation(
        name="getShipmentItemsByShipmentId",
        method="GET",
        path="/fba/inbound/v0/shipments/<shipment_id>/items",
        handler=get_shipment_items_by_id,
    ),
    Operation(name="listInboundPlans", method="GET", path=PLANS, handler=list_inbound_plans),
    Operation(name="getInboundPlan", method="GET", path=f"{PLANS}/<plan_id>", handler=get_inbound_plan),
    Operation(
        name="getShipment", method="GET", path=f"{PLANS}/<plan_id>/shipments/<shipment_id>", handler=get_shipment
    ),
    Operation(
        name="listShipmentItems",
        method="GET",
        path=f"{PLANS}/<plan_id>/shipments/<shipment_id>/items",
        handler=list_shipment_items,
    ),
]
