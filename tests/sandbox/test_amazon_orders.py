"""Orders: buying, cancelling and shipping, as searchOrders, getOrder and confirmShipment show them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.amazon_tools import INDIA, Api, amazon, until, validated

SEARCH = "/orders/2026-01-01/orders"
CATALOGUE: dict[str, Any] = {
    "listings": [
        {"sku": "MUG", "quantity": 10, "components": {"MUG": 1}},
        {"sku": "MUG-SET", "quantity": 5, "components": {"MUG": 4}},
        {"sku": "TEE", "quantity": 10, "easy_ship": True, "components": {"TEE": 1}},
        {"sku": "TEE-FBA", "fba": {"fulfillable": 3}, "components": {}},
    ]
}


@pytest.fixture
def api() -> Iterator[Api]:
    with amazon(**CATALOGUE) as client:
        client.server.world.truth.set_shelf("MUG", 10)
        yield client


def found(api: Api, **params: Any) -> list[dict[str, Any]]:
    params = {"createdAfter": "2026-01-01T00:00:00Z", "marketplaceIds": INDIA, "includedData": "FULFILLMENT", **params}
    answer = api.get(SEARCH, **{name: value for name, value in params.items() if value is not None})
    assert answer.status_code == 200, answer.text
    orders: list[dict[str, Any]] = validated("orders_2026-01-01", "SearchOrdersResponse", answer.json())["orders"]
    return orders


def order(api: Api, order_id: str) -> dict[str, Any]:
    included = "FULFILLMENT,CANCELLATION,PACKAGES,FULFILLMENT_ORDERS,BUYER,RECIPIENT,PROCEEDS,TAX,PAYMENT"
    answer = api.get(f"{SEARCH}/{order_id}", includedData=included)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = validated("orders_2026-01-01", "GetOrderResponse", answer.json())["order"]
    return body


def test_an_order_lowers_the_shown_quantity_at_once_and_writes_the_truth(api: Api) -> None:
    bought = api.amazon.buy(listing_key="MUG-SET", units=2)

    assert bought.accepted
    assert re.fullmatch(r"\d{3}-\d{7}-\d{7}", bought.order_id)
    assert bought.line_ids[0].isdigit()
    assert bought.location == "DEFAULT"
    assert api.shown("MUG-SET") == 3
    assert api.server.world.truth.summary()["MUG"]["sold"] == 8


def test_an_order_is_refused_at_zero_unlisted_or_closed(api: Api) -> None:
    api.amazon.command("set_active", {"listing_key": "TEE", "active": False})

    refusals = [
        api.amazon.buy(listing_key="MUG", units=11).reason,
        api.amazon.buy(listing_key="NOTHING").reason,
        api.amazon.buy(listing_key="TEE").reason,
    ]

    assert refusals == ["out_of_stock", "not_listed", "inactive"]
    assert api.shown("MUG") == 10
    assert api.server.world.truth.refusals() == {"amazon": 3}


def test_search_needs_exactly_one_of_created_after_and_last_updated_after(api: Api) -> None:
    moment = "2026-01-01T00:00:00Z"
    params: list[dict[str, str]] = [
        {},
        {"createdAfter": moment, "lastUpdatedAfter": moment},
        {"createdAfter": moment, "lastUpdatedBefore": moment},
        {"createdBefore": moment},
        {"createdAfter": "yesterday"},
    ]

    answers = [api.get(SEARCH, marketplaceIds=INDIA, **each) for each in params]

    assert [answer.status_code for answer in answers] == [400] * 5
    assert {answer.json()["errors"][0]["code"] for answer in answers} == {"InvalidInput"}
    assert api.get(SEARCH, createdAfter=moment).status_code == 400, "marketplaceIds is needed"


def test_the_newest_two_minutes_are_held_back_from_search_but_not_from_get_order(api: Api) -> None:
    bought = api.amazon.buy(listing_key="MUG")

    assert order(api, bought.order_id)["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
    assert found(api) == []
    assert until(lambda: found(api)), "two minutes are 1.2 s at factor 100"


def test_a_before_younger_than_two_minutes_is_refused() -> None:
    with amazon(clock_factor=1, **CATALOGUE) as api:
        now = datetime.now(UTC)
        young = api.get(
            SEARCH,
            lastUpdatedAfter=(now - timedelta(minutes=9)).isoformat(),
            lastUpdatedBefore=(now - timedelta(seconds=100)).isoformat(),
            marketplaceIds=INDIA,
        )
        old = api.get(
            SEARCH,
            lastUpdatedAfter=(now - timedelta(minutes=9)).isoformat(),
            lastUpdatedBefore=(now - timedelta(seconds=130)).isoformat(),
            marketplaceIds=INDIA,
        )
        open_ended = api.get(SEARCH, lastUpdatedAfter=(now - timedelta(minutes=9)).isoformat(), marketplaceIds=INDIA)

    assert (young.status_code, old.status_code) == (400, 200)
    held_back = now - datetime.fromisoformat(open_ended.json()["lastUpdatedBefore"])
    assert timedelta(seconds=115) < held_back < timedelta(seconds=125)


def test_pages_hold_a_hundred_and_their_token_is_bound_to_the_filters() -> None:
    settings = {"hold_back_seconds": 0}
    with amazon(settings=settings, listings=[{"sku": "MUG", "quantity": 200}]) as api:
        ids = {api.amazon.buy(listing_key="MUG").order_id for _ in range(105)}
        params = {"createdAfter": "2026-01-01T00:00:00Z", "marketplaceIds": INDIA}
        first = api.get(SEARCH, **params).json()
        token = first["pagination"]["nextToken"]
        other_filter = api.get(SEARCH, **{**params, "fulfilledBy": "AMAZON"}, paginationToken=token)
        forged = api.get(SEARCH, **params, paginationToken="AAAA")
        second = api.get(SEARCH, **params, paginationToken=token, includedData="PACKAGES").json()

    assert len(first["orders"]) == 100
    assert (other_filter.status_code, forged.status_code) == (400, 400)
    assert "pagination" not in second
    assert second["createdBefore"] == first["createdBefore"]
    assert {each["orderId"] for each in first["orders"] + second["orders"]} == ids


def test_an_order_that_changes_between_two_pages_leaves_this_window() -> None:
    settings = {"hold_back_seconds": 0}
    with amazon(settings=settings, listings=[{"sku": "MUG", "quantity": 200}]) as api:
        bought = [api.amazon.buy(listing_key="MUG").order_id for _ in range(3)]
        params = {"lastUpdatedAfter": "2026-01-01T00:00:00Z", "marketplaceIds": INDIA, "maxResultsPerPage": 2}
        first = api.get(SEARCH, **params).json()
        api.amazon.ship(order_id=bought[2])
        second = api.get(SEARCH, **params, paginationToken=first["pagination"]["nextToken"]).json()
        later = api.get(SEARCH, **{**params, "lastUpdatedAfter": first["lastUpdatedBefore"]}).json()

    assert second["orders"] == []
    assert [each["orderId"] for each in later["orders"]] == [bought[2]]


def test_data_sets_come_only_when_asked_for(api: Api) -> None:
    bought = api.amazon.buy(listing_key="TEE")
    api.amazon.ship(order_id=bought.order_id)

    bare = api.get(f"{SEARCH}/{bought.order_id}").json()["order"]
    packages = api.get(f"{SEARCH}/{bought.order_id}", includedData="PACKAGES").json()["order"]

    assert not {"fulfillment", "packages", "fulfillmentOrders", "recipient", "buyer"} & set(bare)
    assert "fulfillment" not in bare["orderItems"][0]
    assert packages["packages"][0]["packageItems"] == [{"orderItemId": bought.line_ids[0], "quantity": 1}]
    assert "fulfillment" not in packages
    assert api.get(f"{SEARCH}/{bought.order_id}", includedData="EVERYTHING").status_code == 400


def test_search_filters_by_status_and_fulfiller(api: Api) -> None:
    settings = {"hold_back_seconds": 0}
    api.amazon.command("settings", settings)
    merchant, amazon_order = api.amazon.buy(listing_key="MUG"), api.amazon.buy(listing_key="TEE-FBA")
    api.amazon.ship(order_id=merchant.order_id)

    assert [each["orderId"] for each in found(api, fulfilledBy="AMAZON")] == [amazon_order.order_id]
    assert [each["orderId"] for each in found(api, fulfillmentStatuses="SHIPPED,CANCELLED")] == [merchant.order_id]


def test_an_unknown_order_is_404(api: Api) -> None:
    assert api.get(f"{SEARCH}/405-0000000-0000000").status_code == 404


def test_a_held_order_stays_pending_until_released(api: Api) -> None:
    bought = api.amazon.buy(listing_key="MUG", pending=True)

    assert order(api, bought.order_id)["fulfillment"]["fulfillmentStatus"] == "PENDING"
    assert api.shown("MUG") == 9, "pending orders hold the stock"
    api.amazon.command("release", {"order_id": bought.order_id})
    assert order(api, bought.order_id)["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"


def test_an_ordinary_order_is_pending_for_a_while() -> None:
    with amazon(settings={"pending_seconds": [20, 20]}, **CATALOGUE) as api:
        bought = api.amazon.buy(listing_key="MUG")

        def status() -> str:
            return str(order(api, bought.order_id)["fulfillment"]["fulfillmentStatus"])

        assert status() == "PENDING"
        assert until(lambda: status() == "UNSHIPPED")


def test_a_cancellation_raises_the_shown_quantity_again(api: Api) -> None:
    bought = api.amazon.buy(listing_key="MUG", units=3)

    answer = api.amazon.cancel(order_id=bought.order_id, by="seller")

    assert answer == {"order_id": bought.order_id, "cancelled": 3, "status": "CANCELLED"}
    body = order(api, bought.order_id)
    assert body["fulfillment"]["fulfillmentStatus"] == "CANCELLED"
    assert body["orderItems"][0]["cancellation"]["cancellationExecution"]["cancelledBy"] == "MERCHANT"
    assert api.shown("MUG") == 10
    assert api.server.world.truth.summary()["MUG"]["sold"] == 0


def test_restocking_on_cancel_can_be_switched_off() -> None:
    with amazon(settings={"restock_on_cancel": False}, **CATALOGUE) as api:
        bought = api.amazon.buy(listing_key="MUG", units=3)
        api.amazon.cancel(order_id=bought.order_id)

        assert api.shown("MUG") == 7


def test_part_of_an_order_can_be_cancelled_and_the_rest_shipped(api: Api) -> None:
    bought = api.amazon.buy(listing_key="MUG", units=3)

    api.amazon.cancel(order_id=bought.order_id, units=1)
    part = order(api, bought.order_id)
    api.amazon.ship(order_id=bought.order_id, units=1)
    partly = order(api, bought.order_id)["fulfillment"]["fulfillmentStatus"]
    api.amazon.ship(order_id=bought.order_id)
    shipped = order(api, bought.order_id)

    assert part["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
    assert part["orderItems"][0]["fulfillment"] == {"quantityFulfilled": 0, "quantityUnfulfilled": 2}
    assert partly == "PARTIALLY_SHIPPED"
    assert shipped["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert [each["packageItems"][0]["quantity"] for each in shipped["packages"]] == [1, 1]
    assert api.amazon.cancel(order_id=bought.order_id)["cancelled"] == 0
    assert api.shown("MUG") == 8


def test_a_buyers_request_cancels_nothing(api: Api) -> None:
    bought = api.amazon.buy(listing_key="MUG", units=2)

    api.amazon.command("request_cancel", {"order_id": bought.order_id})

    body = order(api, bought.order_id)
    assert body["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
    assert body["orderItems"][0]["cancellation"]["cancellationRequest"]["requester"] == "BUYER"
    assert api.shown("MUG") == 8


def test_an_order_of_several_items_is_taken_whole_or_not_at_all(api: Api) -> None:
    items = [{"listing_key": "MUG", "units": 2}, {"listing_key": "MUG-SET", "units": 1}]
    taken = api.amazon.command("order", {"items": items})
    refused = api.amazon.command("order", {"items": [*items, {"listing_key": "TEE", "units": 99}]})

    assert (taken["accepted"], len(taken["line_ids"])) == (True, 2)
    assert [each["product"]["sellerSku"] for each in order(api, taken["order_id"])["orderItems"]] == ["MUG", "MUG-SET"]
    assert (refused["accepted"], refused["reason"]) == (False, "out_of_stock")
    assert (api.shown("MUG"), api.shown("MUG-SET"), api.shown("TEE")) == (8, 4, 10)


def test_an_fba_order_takes_from_amazons_stock_and_never_from_the_shelf(api: Api) -> None:
    bought = api.amazon.buy(listing_key="TEE-FBA", units=2)

    assert order(api, bought.order_id)["fulfillment"]["fulfilledBy"] == "AMAZON"
    assert api.shown("TEE-FBA", "AMAZON_IN") == 1
    assert api.server.world.truth.summary().get("TEE", {"sold": 0})["sold"] == 0
    assert api.amazon.buy(listing_key="TEE-FBA", units=2).reason == "out_of_stock"
    api.amazon.cancel(order_id=bought.order_id)
    assert api.shown("TEE-FBA", "AMAZON_IN") == 3


def test_an_easy_ship_package_can_come_back_to_the_seller(api: Api) -> None:
    bought = api.amazon.buy(listing_key="TEE")
    before = order(api, bought.order_id)
    api.amazon.ship(order_id=bought.order_id)
    for status in ("OUT_FOR_DELIVERY", "REJECTED_BY_BUYER", "RETURNING_TO_SELLER", "RETURNED_TO_SELLER"):
        api.amazon.command("package", {"order_id": bought.order_id, "status": status})
    after = order(api, bought.order_id)

    assert before["programs"] == ["AMAZON_EASY_SHIP"]
    assert before["fulfillmentOrders"][0]["fulfillmentOrderId"]
    assert before["packages"][0]["packageStatus"] == {"status": "PENDING", "detailedStatus": "PENDING_SCHEDULE"}
    assert after["packages"][0]["packageStatus"] == {"status": "UNDELIVERABLE", "detailedStatus": "RETURNED_TO_SELLER"}
    assert after["fulfillment"]["fulfillmentStatus"] == "SHIPPED"


def confirmation(order_item_id: str, quantity: int = 1, **detail: Any) -> dict[str, Any]:
    body = {
        "packageReferenceId": "1",
        "carrierCode": "Other",
        "carrierName": "Local Courier",
        "trackingNumber": "TRK1",
        "shipDate": "2026-10-12T10:00:00Z",
        "orderItems": [{"orderItemId": order_item_id, "quantity": quantity}],
        **detail,
    }
    return {"marketplaceId": INDIA, "packageDetail": body}


def test_confirm_shipment_answers_204_and_the_same_reference_edits_it(api: Api) -> None:
    bought = api.amazon.buy(listing_key="MUG", units=3)
    path = f"/orders/v0/orders/{bought.order_id}/shipmentConfirmation"

    first = api.post(path, confirmation(bought.line_ids[0], 3))
    shipped = order(api, bought.order_id)
    edited = api.post(path, confirmation(bought.line_ids[0], 2, trackingNumber="TRK2"))
    after = order(api, bought.order_id)

    assert (first.status_code, first.content, edited.status_code) == (204, b"", 204)
    assert shipped["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert after["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"
    assert [(each["trackingNumber"], each["carrier"]) for each in after["packages"]] == [("TRK2", "Local Courier")]


def test_confirm_shipment_refuses_what_does_not_fit(api: Api) -> None:
    mug, tee, fba = (api.amazon.buy(listing_key=sku) for sku in ("MUG", "TEE", "TEE-FBA"))
    pending = api.amazon.buy(listing_key="MUG", pending=True)

    def confirm(bought: Any, body: dict[str, Any]) -> int:
        return api.post(f"/orders/v0/orders/{bought.order_id}/shipmentConfirmation", body).status_code

    assert confirm(mug, confirmation(mug.line_ids[0], 2)) == 400
    assert confirm(mug, confirmation("40000000000000")) == 400
    assert confirm(mug, confirmation(mug.line_ids[0], carrierName="")) == 400
    assert confirm(mug, confirmation(mug.line_ids[0], packageReferenceId="A")) == 400
    assert confirm(tee, confirmation(tee.line_ids[0])) == 400
    assert confirm(fba, confirmation(fba.line_ids[0])) == 400
    assert confirm(pending, confirmation(pending.line_ids[0])) == 400
    assert order(api, mug.order_id)["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"


def test_orders_may_lack_a_sku_carry_a_new_status_or_be_missed_by_search(api: Api) -> None:
    api.amazon.command("settings", {"hold_back_seconds": 0})
    first, second = api.amazon.buy(listing_key="MUG"), api.amazon.buy(listing_key="MUG")
    faults = api.server.world.faults
    faults.switch_on("amazon.order_without_sku", order_id=first.order_id)
    faults.switch_on("amazon.search_misses_order", order_id=second.order_id)
    answer = api.get(SEARCH, createdAfter="2026-01-01T00:00:00Z", marketplaceIds=INDIA).json()
    faults.switch_on("amazon.unknown_order_status", order_id=first.order_id)
    odd = api.get(f"{SEARCH}/{first.order_id}", includedData="FULFILLMENT").json()["order"]

    assert [each["orderId"] for each in answer["orders"]] == [first.order_id]
    assert "sellerSku" not in answer["orders"][0]["orderItems"][0]["product"]
    assert odd["fulfillment"]["fulfillmentStatus"] == "AWAITING_SOMETHING_NEW"
