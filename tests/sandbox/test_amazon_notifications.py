"""Notifications: subscriptions over the API, messages through a real SQS endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from tests.sandbox.amazon_tools import INDIA, SELLER, Api, amazon, until, valid_notification, validated

ROOT = "/notifications/v1"
ALL_TYPES = [
    "ORDER_CHANGE",
    "FBA_INVENTORY_AVAILABILITY_CHANGES",
    "FEED_PROCESSING_FINISHED",
    "REPORT_PROCESSING_FINISHED",
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE",
    "LISTINGS_ITEM_STATUS_CHANGE",
    "LISTINGS_ITEM_ISSUES_CHANGE",
]
LISTINGS = [
    {"sku": "MUG", "quantity": 10},
    {"sku": "TEE", "quantity": 10, "easy_ship": True},
    {"sku": "TEE-FBA", "fba": {"fulfillable": 3}},
]


class Queue:
    """The seller's end of the queue."""

    def __init__(self, api: Api) -> None:
        facts = api.amazon.queue()
        self.arn, self.url, self.name = facts["arn"], facts["url"], facts["name"]
        self.sqs = boto3.client(
            "sqs",
            endpoint_url=api.amazon.sqs_endpoint,
            region_name=facts["region"],
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(connect_timeout=3, read_timeout=10, proxies={}),
        )
        self.seen: list[str] = []

    def bodies(self) -> list[str]:
        """Every message text so far, in the order received."""
        answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            self.seen.append(message["Body"])
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return self.seen

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """The messages parsed, once ``count`` have come."""
        assert until(lambda: len(self.bodies()) >= count, seconds=8), self.seen
        return [json.loads(body) for body in self.seen]


@pytest.fixture
def api() -> Iterator[Api]:
    with amazon(listings=LISTINGS, subscribe=ALL_TYPES, settings={"notify_seconds": [5, 5]}) as client:
        yield client


@pytest.fixture
def queue(api: Api) -> Queue:
    return Queue(api)


def orders(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        message["Payload"]["OrderChangeNotification"]
        for message in messages
        if message.get("NotificationType") == "ORDER_CHANGE"
    ]


def only(api: Api, *types: str) -> None:
    """Keep the subscriptions of these types alone."""
    state = api.amazon.state
    with state.lock:
        state.subscriptions = {
            key: each for key, each in state.subscriptions.items() if each.notification_type in types
        }


def test_destinations_need_a_grantless_token_and_subscriptions_a_sellers() -> None:
    with amazon() as api:
        body = {"name": "sync", "resourceSpecification": {"sqs": {"arn": "arn:aws:sqs:eu-west-1:111122223333:spapi"}}}
        with_seller = api.post(f"{ROOT}/destinations", body)
        made = api.post(f"{ROOT}/destinations", body, token="grantless")
        again = api.post(f"{ROOT}/destinations", body, token="grantless")
        destination_id = made.json()["payload"]["destinationId"]
        wish = {"payloadVersion": "1.0", "destinationId": destination_id}
        grantless = api.post(f"{ROOT}/subscriptions/ORDER_CHANGE", wish, token="grantless")
        missing = api.get(f"{ROOT}/subscriptions/ORDER_CHANGE")
        subscribed = api.post(f"{ROOT}/subscriptions/ORDER_CHANGE", wish)
        twice = api.post(f"{ROOT}/subscriptions/ORDER_CHANGE", wish)
        read = api.get(f"{ROOT}/subscriptions/ORDER_CHANGE", payloadVersion="1.0")
        listed = api.get(f"{ROOT}/subscriptions", notificationTypes="ORDER_CHANGE")
        by_id = f"{ROOT}/subscriptions/ORDER_CHANGE/{subscribed.json()['payload']['subscriptionId']}"
        seller_by_id = api.get(by_id)
        fetched = api.get(by_id, token="grantless")
        deleted = api.call("DELETE", by_id, token="grantless")
        gone = api.get(f"{ROOT}/subscriptions/ORDER_CHANGE")
        destinations = api.get(f"{ROOT}/destinations", token="grantless")

    assert (with_seller.status_code, grantless.status_code, seller_by_id.status_code) == (403, 403, 403)
    validated("notifications", "CreateDestinationResponse", made.json())
    validated("notifications", "GetDestinationsResponse", destinations.json())
    validated("notifications", "CreateSubscriptionResponse", subscribed.json())
    validated("notifications", "GetSubscriptionsResponse", listed.json())
    assert (again.status_code, twice.status_code) == (409, 409)
    assert read.json() == fetched.json() == subscribed.json()
    assert (missing.status_code, deleted.status_code, gone.status_code) == (404, 200, 404)


def test_wrong_subscriptions_are_refused() -> None:
    with amazon() as api:
        sqs = {"name": "a", "resourceSpecification": {"sqs": {"arn": "arn:aws:sqs:eu-west-1:111122223333:spapi"}}}
        bridge = {
            "name": "b",
            "resourceSpecification": {"eventBridge": {"accountId": "111122223333", "region": "eu-west-1"}},
        }
        ids = [
            api.post(f"{ROOT}/destinations", each, token="grantless").json()["payload"]["destinationId"]
            for each in (sqs, bridge)
        ]
        directive = {"eventFilter": {"orderChangeTypes": ["OrderStatusChange"]}}

        def subscribe(kind: str, version: str, destination: str, **more: Any) -> int:
            body = {"payloadVersion": version, "destinationId": destination, **more}
            return api.post(f"{ROOT}/subscriptions/{kind}", body).status_code

        assert subscribe("LISTINGS_ITEM_MFN_QUANTITY_CHANGE", "1.0", ids[0]) == 400, "EventBridge only"
        assert subscribe("LISTINGS_ITEM_MFN_QUANTITY_CHANGE", "1.0", ids[1]) == 200
        assert subscribe("ORDER_CHANGE", "1.0", ids[1]) == 400
        assert subscribe("ORDER_CHANGE", "2.0", ids[0]) == 400
        assert subscribe("ORDER_CHANGE", "1.0", "unknown") == 400
        assert subscribe("NEW_ORDER", "1.0", ids[0]) == 400
        assert subscribe("ORDER_CHANGE", "1.0", ids[0], processingDirective=directive) == 400, (
            "eventFilterType is missing"
        )
        directive["eventFilter"]["eventFilterType"] = "ORDER_CHANGE"  # type: ignore[assignment]
        api.server.world.faults.switch_on("amazon.directive_refused", times=1)
        assert subscribe("ORDER_CHANGE", "1.0", ids[0], processingDirective=directive) == 400
        assert subscribe("ORDER_CHANGE", "1.0", ids[0], processingDirective=directive) == 200


def test_a_client_sets_up_its_own_queue_and_gets_a_test_notification() -> None:
    with amazon(settings={"notify_seconds": [0, 0]}, listings=LISTINGS) as api:
        queue = Queue(api)
        body = {"name": "sync", "resourceSpecification": {"sqs": {"arn": queue.arn}}}
        destination = api.post(f"{ROOT}/destinations", body, token="grantless").json()["payload"]["destinationId"]
        path = f"{ROOT}/subscriptions/ORDER_CHANGE"
        only_requests = {
            "eventFilter": {"eventFilterType": "ORDER_CHANGE", "orderChangeTypes": ["BuyerRequestedChange"]}
        }
        wish = {"payloadVersion": "1.0", "destinationId": destination, "processingDirective": only_requests}
        assert api.post(path, wish).status_code == 200
        test = {"destinationId": destination, "testNotification": {"payloadVersion": "1.0"}}
        assert api.post(f"{path}/testNotification", test, token="grantless").status_code == 200
        bought = api.amazon.buy(listing_key="MUG")
        api.amazon.command("request_cancel", {"order_id": bought.order_id})
        messages = queue.wait_for(2)

    for message in messages:
        valid_notification("OrderChangeNotification", message)
    assert {each["OrderChangeType"] for each in orders(messages)} == {"OrderStatusChange", "BuyerRequestedChange"}
    assert {each["SellerId"] for each in orders(messages)} == {SELLER, "ATESTSELLER"}


def test_an_order_is_told_pending_then_unshipped_then_shipped(api: Api, queue: Queue) -> None:
    only(api, "ORDER_CHANGE")
    bought = api.amazon.buy(listing_key="TEE", units=2, pending=True)
    api.amazon.command("release", {"order_id": bought.order_id})
    api.amazon.ship(order_id=bought.order_id)
    api.amazon.command("package", {"order_id": bought.order_id, "status": "RETURNED_TO_SELLER"})

    messages = queue.wait_for(4)

    for message in messages:
        valid_notification("OrderChangeNotification", message)
    by_time = sorted(orders(messages), key=lambda each: each["OrderChangeTrigger"]["TimeOfOrderChange"])
    summaries = [each["Summary"] for each in by_time]
    assert [each["OrderStatus"] for each in summaries] == ["Pending", "Unshipped", "Shipped", "Shipped"]
    assert [each["EasyShipShipmentStatus"] for each in summaries] == [
        "PendingSchedule",
        "PendingSchedule",
        "PickedUp",
        "ReturnedToSeller",
    ]
    assert summaries[2]["OrderItems"][0]["QuantityShipped"] == 2
    assert summaries[0]["FulfillmentType"] == "MFN"
    assert summaries[0]["ShippingPrograms"] == ["EasyShip"]
    assert len({message["NotificationMetadata"]["NotificationId"] for message in messages}) == 4


def test_a_cancelled_fba_order_is_told_as_canceled_with_the_stock_beside_it(api: Api, queue: Queue) -> None:
    only(api, "ORDER_CHANGE", "FBA_INVENTORY_AVAILABILITY_CHANGES")
    bought = api.amazon.buy(listing_key="TEE-FBA", units=2)
    api.amazon.cancel(order_id=bought.order_id, by="amazon")

    messages = queue.wait_for(4)

    stock = [each for each in messages if each["NotificationType"] == "FBA_INVENTORY_AVAILABILITY_CHANGES"]
    for message in stock:
        valid_notification("FBAInventoryAvailabilityChangeNotification", message)
    counts = [each["Payload"]["FulfillmentInventoryByMarketplace"][0]["FulfillmentInventory"] for each in stock]
    assert {each["Fulfillable"] for each in counts} == {1, 3}
    assert {each["Summary"]["OrderStatus"] for each in orders(messages)} == {"Unshipped", "Canceled"}
    assert {each["Summary"]["FulfillmentType"] for each in orders(messages)} == {"AFN"}


def test_quantity_changes_come_through_event_bridge_for_pushes_and_for_sales(api: Api, queue: Queue) -> None:
    only(api, "LISTINGS_ITEM_MFN_QUANTITY_CHANGE")
    api.amazon.buy(listing_key="MUG", units=3)
    api.patch("MUG", {"quantity": 25})

    messages = queue.wait_for(2)

    assert {message["detail-type"] for message in messages} == {"LISTINGS_ITEM_MFN_QUANTITY_CHANGE"}
    for message in messages:
        valid_notification("ListingsItemMfnQuantityChange", message["detail"])
    assert {message["detail"]["Payload"]["Quantity"] for message in messages} == {7, 25}


def test_status_and_issue_changes_of_a_listing_come_through_event_bridge(api: Api, queue: Queue) -> None:
    only(api, "LISTINGS_ITEM_STATUS_CHANGE", "LISTINGS_ITEM_ISSUES_CHANGE")
    api.server.world.faults.switch_on("amazon.late_issue", times=1)
    api.amazon.buy(listing_key="MUG", units=10)
    api.patch("TEE", {"quantity": 2})

    messages = {message["detail-type"]: message["detail"] for message in queue.wait_for(2)}

    assert messages["LISTINGS_ITEM_STATUS_CHANGE"]["Payload"]["Status"] == ["DISCOVERABLE"]
    issues = valid_notification(
        "ListingsItemIssuesChangeNotification_2023-12-13", messages["LISTINGS_ITEM_ISSUES_CHANGE"]
    )
    assert issues["Payload"]["Severities"] == ["ERROR"]


def test_the_end_of_feeds_and_reports_is_told_in_camel_case(api: Api, queue: Queue) -> None:
    only(api, "FEED_PROCESSING_FINISHED", "REPORT_PROCESSING_FINISHED")
    document = api.post("/feeds/2021-06-30/documents", {"contentType": "application/json"}).json()["feedDocumentId"]
    body = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [INDIA], "inputFeedDocumentId": document}
    feed_id = api.post("/feeds/2021-06-30/feeds", body).json()["feedId"]
    wish = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": [INDIA]}
    report_id = api.post("/reports/2021-06-30/reports", wish).json()["reportId"]

    messages = {message["notificationType"]: message for message in queue.wait_for(2)}

    feed = valid_notification("FeedProcessingFinishedNotification", messages["FEED_PROCESSING_FINISHED"])
    report = valid_notification("ReportProcessingFinishedNotification", messages["REPORT_PROCESSING_FINISHED"])
    assert feed["payload"]["feedProcessingFinishedNotification"]["feedId"] == feed_id
    assert feed["payload"]["feedProcessingFinishedNotification"]["processingStatus"] == "FATAL", "nothing was uploaded"
    assert report["payload"]["reportProcessingFinishedNotification"]["reportId"] == report_id
    assert report["notificationMetadata"]["notificationId"]


def test_messages_may_come_twice_by_the_same_id_or_by_another(api: Api, queue: Queue) -> None:
    only(api, "ORDER_CHANGE")
    faults = api.server.world.faults
    faults.switch_on("amazon.sqs_duplicate", times=1, copies=2)
    faults.switch_on("amazon.sqs_repeat_new_id", times=1)

    api.amazon.buy(listing_key="MUG")

    messages = queue.wait_for(4)
    assert len({message["NotificationMetadata"]["NotificationId"] for message in messages}) == 2
    assert len({each["AmazonOrderId"] for each in orders(messages)}) == 1


def test_messages_may_overtake_each_other(api: Api, queue: Queue) -> None:
    only(api, "ORDER_CHANGE")
    api.server.world.faults.switch_on("amazon.sqs_delay", times=1, seconds=60)
    bought = api.amazon.buy(listing_key="MUG")
    api.amazon.ship(order_id=bought.order_id)

    statuses = [each["Summary"]["OrderStatus"] for each in orders(queue.wait_for(2))]

    assert statuses == ["Shipped", "Unshipped"]


def test_reordering_draws_a_delay_for_every_message() -> None:
    settings = {"notify_seconds": [0, 0]}
    with amazon(listings=LISTINGS, subscribe=["ORDER_CHANGE"], settings=settings) as api:
        queue = Queue(api)
        api.server.world.faults.switch_on("amazon.sqs_reorder", seconds=100)
        bought = [api.amazon.buy(listing_key="MUG").order_id for _ in range(8)]
        told = [each["AmazonOrderId"] for each in orders(queue.wait_for(8))]

    assert sorted(told) == sorted(bought)
    assert told != bought


def test_messages_may_be_lost_wrapped_without_metadata_or_strange(api: Api, queue: Queue) -> None:
    only(api, "ORDER_CHANGE")
    faults = api.server.world.faults
    faults.switch_on("amazon.sqs_drop", times=1)
    lost = api.amazon.buy(listing_key="MUG").order_id
    assert until(lambda: api.amazon.stats()["notifications"]["dropped"] == 1)
    faults.switch_on("amazon.sqs_eventbridge_wrap", times=1)
    faults.switch_on("amazon.sqs_no_metadata", times=1)
    faults.switch_on("amazon.sqs_poison", times=1)
    faults.switch_on("amazon.sqs_unknown_type", times=1)
    kept = api.amazon.buy(listing_key="MUG").order_id

    assert until(lambda: len(queue.bodies()) >= 3)
    assert len(queue.seen) == 3
    readable, poison = [], []
    for body in queue.seen:
        try:
            readable.append(json.loads(body))
        except ValueError:
            poison.append(body)
    wrapped = next(message for message in readable if "detail" in message)
    assert len(poison) == 1
    assert "NotificationMetadata" not in wrapped["detail"]
    assert wrapped["detail"]["Payload"]["OrderChangeNotification"]["AmazonOrderId"] == kept
    assert {message["NotificationType"] for message in readable if "detail" not in message} == {"SOMETHING_NEW"}
    assert not any(lost in body for body in queue.seen)


def test_order_changes_may_come_per_item_and_without_a_time(api: Api, queue: Queue) -> None:
    only(api, "ORDER_CHANGE")
    faults = api.server.world.faults
    faults.switch_on("amazon.sqs_item_level", times=1)
    faults.switch_on("amazon.sqs_null_time", times=1)

    api.amazon.command("order", {"items": [{"listing_key": "MUG"}, {"listing_key": "TEE"}]})

    messages = queue.wait_for(2)
    for message in messages:
        valid_notification("OrderChangeNotification", message)
    told = orders(messages)
    assert {each["NotificationLevel"] for each in told} == {"OrderItemLevel"}
    assert {each["Summary"]["OrderItems"][0]["SellerSKU"] for each in told} == {"MUG", "TEE"}
    assert [len(each["Summary"]["OrderItems"]) for each in told] == [1, 1]
    assert {each["OrderChangeTrigger"]["TimeOfOrderChange"] for each in told} == {None}


def test_a_queue_that_does_not_exist_or_is_fifo_gets_nothing_and_nobody_is_told() -> None:
    with amazon(settings={"notify_seconds": [0, 0]}, listings=LISTINGS) as api:
        for name in ("nowhere", "ordered.fifo"):
            arn = f"arn:aws:sqs:eu-west-1:123456789012:{name}"
            body = {"name": name, "resourceSpecification": {"sqs": {"arn": arn}}}
            made = api.post(f"{ROOT}/destinations", body, token="grantless").json()["payload"]["destinationId"]
            test = {"destinationId": made, "testNotification": {"payloadVersion": "1.0"}}
            answer = api.post(f"{ROOT}/subscriptions/ORDER_CHANGE/testNotification", test, token="grantless")
            assert answer.status_code == 200
        assert api.amazon.command("flush", {})["idle"]

        assert api.amazon.stats()["notifications"]["undeliverable"] == 2


def test_notices_wait_for_their_delay(api: Api, queue: Queue) -> None:
    only(api, "ORDER_CHANGE")
    api.amazon.command("settings", {"notify_seconds": [60, 60]})
    api.amazon.buy(listing_key="MUG")

    assert queue.bodies() == []
    message = queue.wait_for(1)[0]
    assert message["NotificationMetadata"]["PublishTime"] > message["EventTime"]


def test_the_queue_server_ends_with_the_sandbox() -> None:
    with amazon() as api:
        endpoint = api.amazon.sqs_endpoint
        assert requests.get(endpoint, timeout=5).status_code < 500

    def is_gone() -> bool:
        try:
            requests.get(endpoint, timeout=1)
        except requests.ConnectionError:
            return True
        return False

    assert until(is_gone)
