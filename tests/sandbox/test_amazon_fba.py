"""FBA stock summaries and inbound shipments in both of their APIs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.amazon_tools import INDIA, Api, amazon, until, validated

SUMMARIES = "/fba/inventory/v1/summaries"
PLANS = "/inbound/fba/2024-03-20/inboundPlans"
ASKED = {"granularityType": "Marketplace", "granularityId": INDIA, "marketplaceIds": INDIA, "details": "true"}


@pytest.fixture
def api() -> Iterator[Api]:
    listings = [{"sku": "TEE", "fba": {"fulfillable": 57, "unfulfillable": 1}}, {"sku": "MUG", "fba": {}}]
    with amazon(listings=listings) as client:
        yield client


def summaries(api: Api, **params: str) -> dict[str, dict[str, Any]]:
    answer = api.get(SUMMARIES, **ASKED, **params)
    assert answer.status_code == 200, answer.text
    body = validated("fbaInventory", "GetInventorySummariesResponse", answer.json())
    return {row["sellerSku"]: row for row in body["payload"]["inventorySummaries"]}


def test_summaries_tell_every_bucket(api: Api) -> None:
    api.amazon.buy(listing_key="TEE", units=2)

    row = summaries(api)["TEE"]

    assert row["inventoryDetails"]["fulfillableQuantity"] == 55
    assert row["inventoryDetails"]["reservedQuantity"]["pendingCustomerOrderQuantity"] == 2
    assert row["totalQuantity"] == 58
    assert (
        "inventoryDetails"
        not in api.get(SUMMARIES, **{**ASKED, "details": "false"}).json()["payload"]["inventorySummaries"][0]
    )


def test_summaries_need_their_parameters(api: Api) -> None:
    assert api.get(SUMMARIES).status_code == 400
    assert api.get(SUMMARIES, **{**ASKED, "granularityId": "ATVPDKIKX0DER"}).status_code == 400
    assert api.get(SUMMARIES, **ASKED, sellerSkus=",".join(f"S{number}" for number in range(51))).status_code == 400
    assert set(summaries(api, sellerSkus="MUG,NOTHING")) == {"MUG"}


def test_pages_hold_fifty_and_their_token_stands_beside_the_payload_and_dies_in_thirty_seconds() -> None:
    with amazon(listings=[{"sku": f"SKU-{number:03d}", "fba": {}} for number in range(60)]) as api:
        first = api.get(SUMMARIES, **ASKED).json()
        token = first["pagination"]["nextToken"]
        second = api.get(SUMMARIES, **ASKED, nextToken=token).json()
        other = api.get(SUMMARIES, **ASKED, nextToken=token, startDateTime="2026-06-01T00:00:00Z")
        assert until(lambda: api.get(SUMMARIES, **ASKED, nextToken=token).status_code == 400), (
            "30 s are 0.3 s at factor 100"
        )

    assert (len(first["payload"]["inventorySummaries"]), len(second["payload"]["inventorySummaries"])) == (50, 10)
    assert "pagination" not in first["payload"]
    assert "pagination" not in second
    assert other.status_code == 400


def test_start_date_time_is_blind_to_inbound_changes(api: Api) -> None:
    since = datetime.now(UTC).isoformat()
    assert summaries(api, startDateTime=since) == {}

    api.amazon.command("inbound", {"items": {"TEE": 40}})
    assert summaries(api, startDateTime=since) == {}
    assert summaries(api)["TEE"]["inventoryDetails"]["inboundWorkingQuantity"] == 40

    api.amazon.command("fba", {"listing_key": "MUG", "counts": {"fulfillable": 1}})
    assert set(summaries(api, startDateTime=since)) == {"MUG"}


def test_a_shipment_is_the_same_in_both_apis_and_only_v0_says_what_was_received(api: Api) -> None:
    made = api.amazon.command("inbound", {"items": {"TEE": 40, "MUG": 5}, "name": "First"})
    shipment_id = made["shipment"]
    api.amazon.command("inbound_status", {"shipment": shipment_id, "status": "SHIPPED"})

    plans = validated("fulfillmentInbound_2024-03-20", "ListInboundPlansResponse", api.get(PLANS).json())
    plan_id = plans["inboundPlans"][0]["inboundPlanId"]
    plan = validated("fulfillmentInbound_2024-03-20", "InboundPlan", api.get(f"{PLANS}/{plan_id}").json())
    path = f"{PLANS}/{plan_id}/shipments/{plan['shipments'][0]['shipmentId']}"
    shipment = validated("fulfillmentInbound_2024-03-20", "Shipment", api.get(path).json())
    items = validated("fulfillmentInbound_2024-03-20", "ListShipmentItemsResponse", api.get(f"{path}/items").json())
    v0 = api.get(
        "/fba/inbound/v0/shipments",
        MarketplaceId=INDIA,
        QueryType="SHIPMENT",
        ShipmentIdList=shipment["shipmentConfirmationId"],
    ).json()
    validated("fulfillmentInboundV0", "GetShipmentsResponse", v0)

    assert shipment["shipmentConfirmationId"] == shipment_id == v0["payload"]["ShipmentData"][0]["ShipmentId"]
    assert shipment_id.startswith("FBA15")
    assert v0["payload"]["ShipmentData"][0]["ShipmentStatus"] == shipment["status"] == "SHIPPED"
    assert {item["msku"]: item["quantity"] for item in items["items"]} == {"TEE": 40, "MUG": 5}
    assert not any("eceived" in name for item in items["items"] for name in item)
    assert summaries(api)["TEE"]["inventoryDetails"]["inboundShippedQuantity"] == 40


def test_the_received_quantity_grows_until_the_shipment_is_closed(api: Api) -> None:
    shipment_id = api.amazon.command("inbound", {"items": {"TEE": 10}})["shipment"]
    path = f"/fba/inbound/v0/shipments/{shipment_id}/items"

    def received() -> int:
        body = validated("fulfillmentInboundV0", "GetShipmentItemsResponse", api.get(path).json())
        return int(body["payload"]["ItemData"][0]["QuantityReceived"])

    seen = {received()}
    api.amazon.command("inbound_receive", {"shipment": shipment_id, "units": 4, "every_seconds": 20})
    assert until(lambda: seen.add(received()) or 10 in seen)

    assert {0, 4, 10} <= seen
    query = {"MarketplaceId": INDIA, "QueryType": "SHIPMENT", "ShipmentStatusList": "CLOSED"}
    closed = until(lambda: api.get("/fba/inbound/v0/shipments", **query).json()["payload"]["ShipmentData"])
    assert [each["ShipmentId"] for each in closed] == [shipment_id]
    details = summaries(api)["TEE"]["inventoryDetails"]
    assert (details["fulfillableQuantity"], details["inboundShippedQuantity"]) == (67, 0)


def test_v0_reads_check_their_query_type_and_page_by_token(api: Api) -> None:
    for _ in range(60):
        api.amazon.command("inbound", {"items": {"TEE": 1}})
    path, base = "/fba/inbound/v0/shipmentItems", {"MarketplaceId": INDIA}
    window = {"LastUpdatedAfter": "2026-01-01T00:00:00Z", "LastUpdatedBefore": "2036-01-01T00:00:00Z"}

    first = api.get(path, **base, QueryType="DATE_RANGE", **window).json()["payload"]
    second = api.get(path, **base, QueryType="NEXT_TOKEN", NextToken=first["NextToken"]).json()["payload"]

    assert (len(first["ItemData"]), len(second["ItemData"]), second["NextToken"]) == (50, 10, "")
    assert api.get(path, **base, QueryType="SHIPMENT").status_code == 400
    assert api.get("/fba/inbound/v0/shipments", **base, QueryType="SHIPMENT").status_code == 400
    assert api.get("/fba/inbound/v0/shipments/FBA15NOTHING/items").status_code == 404
