"""What messages of the queue mean: both envelopes, every type, and what can't be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from channels_amazon import webhooks
from inventory_sync.domain.errors import SignatureError
from inventory_sync.domain.ports import Delivery, InboundEvent
from inventory_sync.domain.snapshots import ListingIds
from tests.channels.amazon.official import check_notification, example
from tests.channels.amazon.stub import make_adapter

NOW = datetime(2026, 10, 12, 8, 0, tzinfo=UTC)
SELLER = "A1INSELLER0001"
INDIA = "A21TJRUUN4KGV"


def encoded(message: Any) -> bytes:
    return json.dumps(message).encode()


def parsed(message: Any, *, seller: str = SELLER, marketplace: str = INDIA) -> InboundEvent:
    body = message if isinstance(message, bytes) else encoded(message)
    return webhooks.parse(body, seller_id=seller, marketplace_id=marketplace, received_at=NOW)


def wrapped(message: dict[str, Any]) -> dict[str, Any]:
    return {**example("eventbridge_wrapped"), "detail-type": message.get("NotificationType", "x"), "detail": message}


def test_an_order_change_blocks_stock_without_a_further_call() -> None:
    event = parsed(example("order_change.pending"))

    [order] = event.orders
    assert (event.topic, event.ignored, event.changed) == ("ORDER_CHANGE", "", ())
    assert order.lines[0].shipped == 0
    assert order.request_started_at == NOW


def test_a_wrapped_message_means_what_the_bare_one_means() -> None:
    bare = example("order_change.canceled")

    assert parsed(wrapped(bare)) == parsed(bare)
    assert webhooks.check(encoded(wrapped(bare))) == webhooks.check(encoded(bare))


def test_a_buyers_wish_to_cancel_only_makes_the_order_be_read() -> None:
    event = parsed(check_notification("OrderChangeNotification", example("order_change.buyer_cancel_request")))

    assert event.orders == ()
    assert len(event.changed) == 1


def test_a_delivery_tip_moves_no_stock() -> None:
    message = example("order_change.pending")
    message["Payload"]["OrderChangeNotification"]["OrderChangeType"] = "DeliveryTipChange"

    assert "tip" in parsed(message).ignored


def test_an_order_change_without_readable_items_is_read_by_id() -> None:
    message = example("order_change.pending")
    message["Payload"]["OrderChangeNotification"]["Summary"]["OrderItems"] = None

    assert parsed(message).changed == (message["Payload"]["OrderChangeNotification"]["AmazonOrderId"],)


def test_what_amazon_holds_is_taken_from_our_marketplace() -> None:
    message = check_notification("FBAInventoryAvailabilityChangeNotification", example("fba_inventory_availability"))

    [held] = parsed(message).held

    rows = message["Payload"]["FulfillmentInventoryByMarketplace"]
    ours = next(row for row in rows if row["MarketplaceId"] == INDIA)["FulfillmentInventory"]
    assert held.listing.key == message["Payload"]["SKU"]
    assert held.fulfillable == ours["Fulfillable"]
    assert held.inbound == sum(ours["InboundQuantityBreakdown"].values())
    assert held.reserved == sum(ours["ReservedQuantityBreakdown"].values())
    assert held.as_of == datetime.fromisoformat(message["EventTime"])
    assert parsed(message, marketplace="ATVPDKIKX0DER").ignored


def test_a_quantity_that_changed_makes_the_listing_be_read() -> None:
    message = example("eventbridge_wrapped")
    check_notification("ListingsItemMfnQuantityChange", message["detail"])

    assert parsed(message).listings == (ListingIds(key="BLUE-TEE-L", seller_sku="BLUE-TEE-L"),)


@pytest.mark.parametrize("kind", ["LISTINGS_ITEM_STATUS_CHANGE", "LISTINGS_ITEM_STATUS_CHANGED"])
def test_a_status_change_makes_the_listing_be_read_and_a_deletion_takes_it_away(kind: str) -> None:
    payload = {"SellerId": SELLER, "MarketplaceId": INDIA, "Asin": "B0X", "Sku": "MUG", "Status": ["DISCOVERABLE"]}
    message = {"NotificationType": kind, "EventTime": "2026-10-12T07:00:00Z", "Payload": payload}

    assert [ids.key for ids in parsed(message).listings] == ["MUG"]
    assert parsed({**message, "Payload": {**payload, "Status": ["DELETED"]}}).gone == ("MUG",)
    assert parsed({**message, "Payload": {**payload, "MarketplaceId": "OTHER"}}).ignored


def test_a_finished_feed_names_its_job_in_camel_case() -> None:
    message = check_notification("FeedProcessingFinishedNotification", example("feed_processing_finished"))

    event = parsed(message)

    assert event.jobs == ("60123020738",)
    assert event.occurred_at == datetime(2026, 10, 12, 7, 0, tzinfo=UTC)
    assert webhooks.check(encoded(message)).key == message["notificationMetadata"]["notificationId"]


def test_messages_of_other_sellers_and_marketplaces_are_ignored_with_a_reason() -> None:
    message = example("order_change.pending")

    assert parsed(message, seller="A9SOMEBODYELSE").ignored == "of another seller"
    assert parsed(message, marketplace="A1VC38T7YXB528").ignored == "of another marketplace"
    assert parsed(message, seller="").orders


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b'{"NotificationType": "ORDER_CHANGE", "Payl',
        b"[" * 100_000,
        b"[]",
        b'"text"',
        b"null",
        b"12",
    ],
)
def test_poison_is_ignored_and_has_a_key(body: bytes) -> None:
    assert parsed(body).ignored == "not JSON"
    assert webhooks.check(body).key == webhooks.check(body).key != ""


@pytest.mark.parametrize(
    "payload", [None, [], "x", {}, {"OrderChangeNotification": None}, {"OrderChangeNotification": {"AmazonOrderId": 5}}]
)
@pytest.mark.parametrize("kind", sorted(webhooks._READERS))
def test_no_payload_makes_a_reader_fail(kind: str, payload: Any) -> None:
    event = parsed({"NotificationType": kind, "Payload": payload, "NotificationMetadata": [1]})

    assert event.topic == kind
    assert event.ignored or event.changed


def test_unknown_types_are_ignored_by_name() -> None:
    assert "SOMETHING_NEW" in parsed({"NotificationType": "SOMETHING_NEW", "Payload": {}}).ignored
    assert "secret" in parsed({"NotificationType": "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"}).ignored


def test_without_metadata_the_same_fact_has_the_same_key_and_another_one_another() -> None:
    message = example("fba_inventory_availability")
    message.pop("NotificationMetadata", None)
    shuffled = dict(reversed(message.items()))
    other = {**message, "EventTime": "2026-10-12T09:00:00.000Z"}

    key = webhooks.check(encoded(message)).key

    assert webhooks.check(encoded(shuffled)).key == key
    assert webhooks.check(encoded(wrapped(message))).key == key
    assert webhooks.check(encoded(other)).key != key


def test_nothing_that_comes_to_a_web_address_is_believed() -> None:
    adapter = make_adapter("http://127.0.0.1:9")
    delivery = Delivery(
        body=encoded(example("order_change.pending")),
        headers={},
        received_at=NOW,
        url="https://shop.example/hooks/amazon",
    )

    with pytest.raises(SignatureError):
        adapter.check_delivery(delivery)
