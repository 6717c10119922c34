"""Notifications v1: destinations (grantless token), subscriptions (seller token), test notifications."""

from __future__ import annotations

import re
from typing import Any

from sandbox.amazon.api import Call, Operation, Reply
from sandbox.amazon.errors import conflict, invalid_input, not_found
from sandbox.amazon.model import Destination, Subscription
from sandbox.amazon.notifications import KINDS, Notifications, test_message
from sandbox.amazon.state import State

ARN = re.compile(r"arn:aws:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+")
FILTER_TYPES = {"ANY_OFFER_CHANGED", "ORDER_CHANGE", "SHIPMENT_TRACKING_MILESTONE_CHANGED"}


def _destination_body(destination: Destination) -> dict[str, Any]:
    if destination.event_bridge:
        account, region = destination.event_bridge
        name = f"aws.partner/sellingpartnerapi.amazon.com/{account}/{destination.client_id}"
        resource: dict[str, Any] = {"eventBridge": {"name": name, "region": region, "accountId": account}}
    else:
        resource = {"sqs": {"arn": destination.queue_arn}}
    return {"destinationId": destination.destination_id, "name": destination.name, "resource": resource}


def create_destination(state: State, call: Call) -> Reply:
    """One destination per application and queue: 409 for the second."""
    name, specification = call.body.get("name"), call.body.get("resourceSpecification")
    if not isinstance(name, str) or not name or not isinstance(specification, dict):
        raise invalid_input("name and resourceSpecification are required.")
    arn, bridge = _resource(specification)
    for other in state.destinations.values():
        if other.client_id == call.client_id and (other.queue_arn, other.event_bridge) == (arn, bridge):
            raise conflict("A destination with this resource already exists.")
    destination = Destination(
        destination_id=state.uuid(), client_id=call.client_id, name=name, queue_arn=arn, event_bridge=bridge
    )
    state.destinations[destination.destination_id] = destination
    return Reply(body={"payload": _destination_body(destination)})


def _resource(specification: dict[str, Any]) -> tuple[str, tuple[str, str] | None]:
    sqs, bridge = specification.get("sqs"), specification.get("eventBridge")
    if isinstance(sqs, dict) and bridge is None:
        arn = sqs.get("arn")
        if not isinstance(arn, str) or not ARN.fullmatch(arn):
            raise invalid_input("The SQS queue ARN is invalid.")
        return arn, None
    if isinstance(bridge, dict) and sqs is None:
        account, region = bridge.get("accountId"), bridge.get("region")
        if not isinstance(account, str) or not isinstance(region, str) or not re.fullmatch(r"\d{12}", account):
            raise invalid_input("eventBridge needs a region and a 12-digit accountId.")
        return "", (account, region)
    raise invalid_input("resourceSpecification needs exactly one of sqs and eventBridge.")


def _own_destination(state: State, call: Call) -> Destination:
    destination = state.destinations.get(call.path["destination_id"])
    if destination is None or destination.client_id != call.client_id:
        raise not_found("Destination not found.")
    return destination


def get_destinations(state: State, call: Call) -> Reply:
    mine = [each for each in state.destinations.values() if each.client_id == call.client_id]
    return Reply(body={"payload": [_destination_body(each) for each in mine]})


def get_destination(state: State, call: Call) -> Reply:
    return Reply(body={"payload": _destination_body(_own_destination(state, call))})


def delete_destination(state: State, call: Call) -> Reply:
    del state.destinations[_own_destination(state, call).destination_id]
    return Reply(body={})


def _kind(call: Call) -> str:
    notification_type = call.path["notification_type"]
    if notification_type not in KINDS:
        raise invalid_input(f"Notification type {notification_type} is not valid.")
    return notification_type


def _subscription_body(subscription: Subscription) -> dict[str, Any]:
    body: dict[str, Any] = {
        "subscriptionId": subscription.subscription_id,
        "payloadVersion": subscription.payload_version,
        "destinationId": subscription.destination_id,
    }
    return {**body, "processingDirective": subscription.directive} if subscription.directive else body


def create_subscription(state: State, call: Call) -> Reply:
    """Per seller, type and payload version: 409 for the second. LISTINGS_ITEM_* take EventBridge destinations only."""
    notification_type = _kind(call)
    version, destination = call.body.get("payloadVersion"), state.destinations.get(str(call.body.get("destinationId")))
    if version != KINDS[notification_type].version:
        raise invalid_input(f"payloadVersion {version} is not supported for {notification_type}.")
    if destination is None or destination.client_id != call.client_id:
        raise invalid_input("destinationId is not valid.")
    if KINDS[notification_type].event_bridge != (destination.event_bridge is not None):
        raise invalid_input(f"The destination's type is not supported for {notification_type}.")
    directive = call.body.get("processingDirective")
    if directive is not None:
        _check_directive(state, directive)
    if any(each.payload_version == version for each in _mine(state, call, notification_type)):
        raise conflict(f"A subscription for {notification_type} already exists.")
    subscription = Subscription(
        subscription_id=state.uuid(),
        client_id=call.client_id,
        seller_id=call.seller_id,
        notification_type=notification_type,
        payload_version=version,
        destination_id=destination.destination_id,
        directive=directive,
    )
    state.subscriptions[subscription.subscription_id] = subscription
    return Reply(body={"payload": _subscription_body(subscription)})


def _check_directive(state: State, directive: Any) -> None:
    event_filter = directive.get("eventFilter") if isinstance(directive, dict) else None
    bad = not isinstance(directive, dict) or ("eventFilter" in directive and "filterExpression" in directive)
    bad = bad or (event_filter is not None and event_filter.get("eventFilterType") not in FILTER_TYPES)
    if bad or state.strikes("directive_refused"):
        raise invalid_input("Cannot parse processingDirective.")


def _mine(state: State, call: Call, notification_type: str) -> list[Subscription]:
    return [
        each
        for each in state.subscriptions.values()
        if each.client_id == call.client_id
        and each.seller_id == call.seller_id
        and each.notification_type == notification_type
    ]


def get_subscription(state: State, call: Call) -> Reply:
    version = call.args.get("payloadVersion")
    for each in _mine(state, call, _kind(call)):
        if version in {None, each.payload_version}:
            return Reply(body={"payload": _subscription_body(each)})
    raise not_found("Subscription not found.")


def get_subscriptions(state: State, call: Call) -> Reply:
    types = call.choices("notificationTypes", KINDS)
    if len(types) != 1:
        raise invalid_input("Exactly one notification type is required.")
    rows = [_subscription_body(each) for each in _mine(state, call, types[0])]
    return Reply(body={"payload": {"subscriptions": rows}})


def _by_id(state: State, call: Call) -> Subscription:
    subscription = state.subscriptions.get(call.path["subscription_id"])
    if subscription is None or (subscription.client_id, subscription.notification_type) != (
        call.client_id,
        _kind(call),
    ):
        raise not_found("Subscription not found.")
    return subscription


def get_subscription_by_id(state: State, call: Call) -> Reply:
    return Reply(body={"payload": _subscription_body(_by_id(state, call))})


def delete_subscription_by_id(state: State, call: Call) -> Reply:
    del state.subscriptions[_by_id(state, call).subscription_id]
    return Reply(body={})


def operations(notifications: Notifications) -> list[Operation]:
    """All operations; the test notification needs somebody who sends it."""

    def send_test_notification(state: State, call: Call) -> Reply:
        notification_type = _kind(call)
        destination = state.destinations.get(str(call.body.get("destinationId")))
        test = call.body.get("testNotification")
        if destination is None or destination.client_id != call.client_id:
            raise invalid_input("destinationId is not valid.")
        if not isinstance(test, dict) or test.get("payloadVersion") != KINDS[notification_type].version:
            raise invalid_input("testNotification.payloadVersion is not valid.")
        message = test_message(state, client_id=call.client_id, notification_type=notification_type)
        notifications.send(state, destination, notification_type, message)
        return Reply(body={"payload": {}})

    root = "/notifications/v1"
    one = f"{root}/subscriptions/<notification_type>"
    places: dict[str, Any] = {"path": f"{root}/destinations", "token": "grantless"}
    place: dict[str, Any] = {"path": f"{root}/destinations/<destination_id>", "token": "grantless"}
    by_id: dict[str, Any] = {"path": f"{one}/<subscription_id>", "token": "grantless"}
    return [
        Operation(name="createDestination", method="POST", handler=create_destination, writes=True, **places),
        Operation(name="getDestinations", method="GET", handler=get_destinations, **places),
        Operation(name="getDestination", method="GET", handler=get_destination, **place),
        Operation(name="deleteDestination", method="DELETE", handler=delete_destination, writes=True, **place),
        Operation(name="getSubscriptions", method="GET", path=f"{root}/subscriptions", handler=get_subscriptions),
        Operation(name="getSubscription", method="GET", path=one, handler=get_subscription),
        Operation(name="createSubscription", method="POST", path=one, handler=create_subscription, writes=True),
        Operation(name="getSubscriptionById", method="GET", handler=get_subscription_by_id, **by_id),
        Operation(
            name="deleteSubscriptionById", method="DELETE", handler=delete_subscription_by_id, writes=True, **by_id
        ),
        Operation(
            name="sendTestNotification",
            method="POST",
            path=f"{one}/testNotification",
            handler=send_test_notification,
            token="grantless",
        ),
    ]
