"""Who is told what, in which envelope, and what goes wrong on the way."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.amazon.model import Destination, Subscription
from sandbox.amazon.publisher import Publisher
from sandbox.amazon.settings import INDIA
from sandbox.amazon.state import State
from sandbox.amazon.times import millis_z, seconds_z


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``event_bridge``: this type goes to EventBridge destinations only. ``camel``: envelope keys are camelCase."""

    version: str
    event_bridge: bool = False
    camel: bool = False


KINDS = {
    "ORDER_CHANGE": Kind(version="1.0"),
    "FBA_INVENTORY_AVAILABILITY_CHANGES": Kind(version="1.0"),
    "FEED_PROCESSING_FINISHED": Kind(version="2020-09-04", camel=True),
    "REPORT_PROCESSING_FINISHED": Kind(version="2020-09-04", camel=True),
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": Kind(version="1.0", event_bridge=True),
    "LISTINGS_ITEM_STATUS_CHANGE": Kind(version="1.0", event_bridge=True),
    "LISTINGS_ITEM_ISSUES_CHANGE": Kind(version="2023-12-13", event_bridge=True),
}


def queue_name(arn: str) -> str:
    """The last part of ``arn:aws:sqs:region:account:name``."""
    return arn.rsplit(":", 1)[-1]


class Notifications:
    """Publishes facts: after a delay, to every matching subscription, through the publisher and past the faults."""

    def __init__(self, *, publisher: Publisher) -> None:
        self._publisher = publisher

    def tell(
        self, state: State, *, seller_id: str, notification_type: str, payload: Mapping[str, Any], change_type: str = ""
    ) -> None:
        """
        Publish a fact of now. The payload is fixed now; it goes out after ``notify_seconds``.

        Called under the state's lock; nothing is sent here.
        """
        if not any(
            each.seller_id == seller_id and each.notification_type == notification_type
            for each in state.subscriptions.values()
        ):
            return
        delay = state.draw(state.settings.notify_seconds)
        if fault := state.strikes("sqs_delay", notification_type=notification_type):
            delay += float(fault.options.get("seconds", 120))
        if fault := state.strikes("sqs_reorder", notification_type=notification_type):
            delay += state.rng.uniform(0, float(fault.options.get("seconds", 60)))
        happened_at = state.now()
        frozen = json.dumps(payload)
        state.later(
            delay,
            lambda: self._publish(
                state,
                seller_id=seller_id,
                notification_type=notification_type,
                payload=json.loads(frozen),
                change_type=change_type,
                happened_at=happened_at,
            ),
        )

    def _publish(
        self,
        state: State,
        *,
        seller_id: str,
        notification_type: str,
        payload: dict[str, Any],
        change_type: str,
        happened_at: datetime,
    ) -> None:
        for subscription in list(state.subscriptions.values()):
            if subscription.seller_id != seller_id or subscription.notification_type != notification_type:
                continue
            destination = state.destinations.get(subscription.destination_id)
            if destination is None or not _wanted(subscription, change_type):
                continue
            message = _envelope(state, subscription, payload, happened_at)
            self.send(state, destination, notification_type, message)

    def send(self, state: State, destination: Destination, notification_type: str, message: dict[str, Any]) -> None:
        """Hand one message to the publisher, as the transport faults let it through."""
        queue = queue_name(destination.queue_arn) if destination.queue_arn else state.event_bridge_queue
        scope = {"notification_type": notification_type}
        if state.strikes("sqs_poison", **scope):
            self._publisher.submit(queue, '{"NotificationType": "ORDER_CHANGE", "Payl')
        if state.strikes("sqs_unknown_type", **scope):
            other = {**message, "NotificationType": "SOMETHING_NEW", "Payload": {"Anything": 1}}
            self._publisher.submit(queue, json.dumps(other))
        if state.strikes("sqs_drop", **scope):
            state.counts["notifications_dropped"] += 1
            return
        if state.strikes("sqs_no_metadata", **scope):
            message = {name: part for name, part in message.items() if name.lower() != "notificationmetadata"}
        if destination.event_bridge is not None or state.strikes("sqs_eventbridge_wrap", **scope):
            message = _event_bridge(state, destination, notification_type, message)
        body = json.dumps(message)
        copies = 1
        if fault := state.strikes("sqs_duplicate", **scope):
            copies += int(fault.options.get("copies", 1))
        for _ in range(copies):
            self._publisher.submit(queue, body)
        if state.strikes("sqs_repeat_new_id", **scope) and "NotificationMetadata" in message:
            again = {
                **message,
                "NotificationMetadata": {**message["NotificationMetadata"], "NotificationId": str(uuid.uuid4())},
            }
            self._publisher.submit(queue, json.dumps(again))


def _wanted(subscription: Subscription, change_type: str) -> bool:
    event_filter = (subscription.directive or {}).get("eventFilter", {})
    types, marketplaces = event_filter.get("orderChangeTypes"), event_filter.get("marketplaceIds")
    return (not types or not change_type or change_type in types) and (not marketplaces or INDIA in marketplaces)


def _envelope(
    state: State, subscription: Subscription, payload: dict[str, Any], happened_at: datetime
) -> dict[str, Any]:
    kind = KINDS[subscription.notification_type]
    envelope: dict[str, Any] = {
        "NotificationVersion": kind.version if kind.camel else "1.0",
        "NotificationType": subscription.notification_type,
        "PayloadVersion": kind.version,
        "EventTime": millis_z(happened_at),
        "Payload": payload,
    }
    metadata = {
        "ApplicationId": state.applications[subscription.client_id].application_id,
        "SubscriptionId": subscription.subscription_id,
        "PublishTime": millis_z(state.now()),
        "NotificationId": str(uuid.uuid4()),
    }
    if kind.camel:
        envelope = {_lower_first(name): part for name, part in envelope.items()}
        return {**envelope, "notificationMetadata": {_lower_first(name): part for name, part in metadata.items()}}
    return {**envelope, "NotificationMetadata": metadata}


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


def _event_bridge(
    state: State, destination: Destination, notification_type: str, message: dict[str, Any]
) -> dict[str, Any]:
    account, region = destination.event_bridge or ("111122223333", "eu-west-1")
    application_id = state.applications[destination.client_id].application_id
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": notification_type,
        "source": f"aws.partner/sellingpartnerapi.amazon.com/{account}/{application_id}",
        "account": account,
        "time": seconds_z(state.now()),
        "region": region,
        "resources": [],
        "detail": message,
    }


def test_message(state: State, *, client_id: str, notification_type: str) -> dict[str, Any]:
    """The mock message of sendTestNotification: a made-up order of no seller of ours, or an empty payload for other types."""
    subscription = Subscription(
        subscription_id=str(uuid.uuid4()),
        client_id=client_id,
        seller_id="ATESTSELLER",
        notification_type=notification_type,
        payload_version=KINDS[notification_type].version,
        destination_id="",
    )
    now = state.now()
    payload: dict[str, Any] = {"SellerId": "ATESTSELLER"}
    if notification_type == "ORDER_CHANGE":
        item = {"OrderItemId": "40000000000000", "SellerSKU": "TEST-SKU", "SupplySourceId": None, "Quantity": 1}
        payload = {
            "OrderChangeNotification": {
                "NotificationLevel": "OrderLevel",
                "SellerId": "ATESTSELLER",
                "AmazonOrderId": "400-0000000-0000000",
                "OrderChangeType": "OrderStatusChange",
                "OrderChangeTrigger": {"TimeOfOrderChange": millis_z(now), "ChangeReason": "Order Status Change"},
                "Summary": {
                    "MarketplaceId": INDIA,
                    "OrderStatus": "Unshipped",
                    "PurchaseDate": millis_z(now),
                    "DestinationPostalCode": None,
                    "FulfillmentType": "MFN",
                    "OrderType": "StandardOrder",
                    "OrderItems": [item],
                },
            }
        }
    return _envelope(state, subscription, payload, now)
