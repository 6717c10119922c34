"""
The shapes of answers, against a trimmed copy of Flipkart's own v3 description where that one is right.

Left out of the copy are the places where it is known to be wrong: shipping details, the type of ``listings`` in a search, and
quantities, which live answers give as floats as well.
"""

from __future__ import annotations

import threading
from typing import Any

import jsonschema
import pytest

from tests.sandbox.test_flipkart_tools import LOC_A, MUG, TEE, selling

TEXT = {"type": "string"}
DATE = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30$"}


def described(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def many(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


PRICES = described(
    {
        key: {"type": "number"}
        for key in ("sellingPrice", "totalPrice", "shippingCharge", "customerPrice", "flipkartDiscount")
    }
)
ITEM = described(
    {
        "orderItemId": {"type": "string", "pattern": r"^\d{18,}$"},
        "orderId": {"type": "string", "pattern": r"^OD\d+$"},
        "cancellationGroupId": {"type": "string", "pattern": r"^grp\d+$"},
        "orderDate": DATE,
        "paymentType": {"enum": ["COD", "PREPAID"]},
        "status": {
            "enum": [
                "APPROVED",
                "PACKING_IN_PROGRESS",
                "FORM_FAILED",
                "PACKED",
                "READY_TO_DISPATCH",
                "PICKUP_COMPLETE",
                "CANCELLED",
                "RETURN_REQUESTED",
                "RETURNED",
                "SHIPPED",
                "DELIVERED",
                "COMPLETED",
            ]
        },
        "quantity": {"type": "number", "minimum": 1},
        "fsn": {"type": "string", "minLength": 13, "maxLength": 16},
        "sku": TEXT,
        "listingId": {"type": "string", "pattern": "^LST"},
        "hsn": TEXT,
        "title": TEXT,
        "packageIds": many(TEXT),
        "priceComponents": PRICES,
        "serviceProfile": {"enum": ["Flipkart_Fulfilment", "Seller_Fulfilment", "Smart_Fulfilment"]},
        "is_replacement": {"type": "boolean"},
    },
    {
        "cancellationDate": DATE,
        "cancellationReason": TEXT,
        "cancellationSubReason": TEXT,
        "courierReturn": {"type": "boolean"},
    },
)
SHIPMENT = described(
    {
        "shipmentId": TEXT,
        "dispatchByDate": DATE,
        "dispatchAfterDate": DATE,
        "updatedAt": DATE,
        "locationId": {"type": "string", "pattern": "^LOC"},
        "hold": {"type": "boolean"},
        "mps": {"type": "boolean"},
        "packagingPolicy": TEXT,
        "subShipments": many(described({"subShipmentId": TEXT, "packages": many(described({"name": TEXT}))})),
        "orderItems": {**many(ITEM), "minItems": 1},
        "forms": many(described({"name": TEXT, "link": TEXT, "automated": {"type": "boolean"}})),
        "shipmentType": {"enum": ["NORMAL", "EXPRESS", "SELF"]},
    }
)
PROBLEM = described(
    {"severity": TEXT, "code": {"type": "integer"}, "description": TEXT}, {"attribute": TEXT, "path": TEXT}
)
SKU_RESULT = described(
    {"status": {"enum": ["SUCCESS", "FAILURE", "WARNING"]}, "errors": many(PROBLEM), "attribute_errors": many(PROBLEM)}
)
LISTING = described(
    {
        "listing_id": TEXT,
        "product_id": TEXT,
        "price": described({"mrp": {"type": "integer"}, "currency": TEXT}),
        "listing_status": {"enum": ["ACTIVE", "INACTIVE"]},
        "fulfillment_profile": TEXT,
        "packages": many(described({"name": TEXT})),
        "locations": many(described({"id": TEXT, "status": TEXT, "inventory": {"type": "integer"}})),
    }
)
RESULTS = described(
    {"shipments": many(described({"shipmentId": TEXT, "status": {"enum": ["SUCCESS", "FAILURE"]}}, {"errorCode": {}}))}
)


def test_shipments_keep_their_shape_through_their_whole_life():
    with selling() as seller:
        order_id = seller.market.buy(listing_key=TEE, units=4, cod=True).order_id
        seller.market.cancel(order_id=order_id, units=1)
        found = [seller.shipment(order_id)]
        for status in ("PACKED", "READY_TO_DISPATCH", "SHIPPED", "DELIVERED"):
            seller.market.ship(order_id=order_id, to=status)
            found.append(seller.shipment(order_id))
        page = seller.post("/sellers/v3/shipments/filter", {"filter": {"type": "postDispatch"}}).json()

    for shipment in [*found, *page["shipments"]]:
        jsonschema.validate(shipment, SHIPMENT)
    assert len(page["shipments"]) == 1


def test_listing_writes_and_reads_keep_their_shape():
    with selling() as seller:
        body = {
            TEE: {"product_id": "TSHDEMO00000AB12", "locations": [{"id": LOC_A, "inventory": 7}]},
            MUG: {"product_id": "wrong", "locations": []},
        }
        written = seller.post("/sellers/listings/v3/update/inventory", body).json()
        read = seller.post("/sellers/listings/v3/details", {"sku_ids": [TEE, MUG]}).json()

    jsonschema.validate(written, {"type": "object", "additionalProperties": SKU_RESULT, "minProperties": 2})
    jsonschema.validate(read["available"], {"type": "object", "additionalProperties": LISTING, "minProperties": 2})


def test_action_results_keep_their_shape():
    with selling() as seller:
        entry = {"shipmentId": "unknown", "locationId": LOC_A}
        packed = seller.post("/sellers/v3/shipments/labels", {"shipments": [entry]}).json()
        dispatched = seller.post(
            "/sellers/v3/shipments/dispatch", {"shipmentIds": ["unknown"], "locationId": LOC_A}
        ).json()

    for answer in (packed, dispatched):
        jsonschema.validate(answer, RESULTS)


def test_buyers_at_the_same_moment_never_get_more_than_is_shown():
    with selling(listings=[{"sku": TEE, "locations": 30, "components": [["TEE", 1]]}]) as seller:
        seller.server.world.truth.set_shelf("TEE", 30)
        accepted: list[bool] = []

        def shop() -> None:
            for _ in range(10):
                accepted.append(seller.market.buy(listing_key=TEE).accepted)

        shoppers = [threading.Thread(target=shop) for _ in range(5)]
        for shopper in shoppers:
            shopper.start()
        for shopper in shoppers:
            shopper.join()
        shown, oversold = seller.shown(TEE), seller.server.world.truth.oversold_units()

    assert accepted.count(True) == 30
    assert (shown, oversold) == (0, {})


def test_the_same_seed_makes_the_same_orders_and_delays():
    def run(seed: int) -> tuple[str, float]:
        with selling(seed=seed) as seller:
            seller.write_stock(TEE, 5)
            delay = seller.market.stats()["last_writes"][0]["delay_seconds"]
            return seller.market.buy(listing_key=TEE).order_id, delay

    assert run(4) == run(4) != run(5)


@pytest.mark.parametrize(
    "catalogue",
    [
        {"listings": [{"sku": ""}]},
        {"listings": [{"sku": "A", "locations": -1}]},
        {"listings": [{"sku": "A"}, {"sku": "A"}]},
        {"listings": [{"sku": "A", "locations": {"LOCnowhere": 1}}]},
        {"settings": {"no_such_setting": 1}},
        {"settings": {"read_back": "guess"}},
        {"settings": {"propagation_seconds": [300, 120]}},
        {"apps": [{"client_id": "x"}]},
        {"push": {"url": "ftp://example.in"}},
        {"lisitngs": []},
    ],
)
def test_a_catalogue_that_can_not_be_changes_nothing(catalogue):
    with selling() as seller:
        with pytest.raises(ValueError):
            seller.market.load(catalogue)
        kept = seller.read_back(TEE)

    assert kept == 10
