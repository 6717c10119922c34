"""
Amazon's notifications: under which key one is stored, and what it means. Pure, and never fails on what it can't read.

They come through a queue that only Amazon may write to, so there is no signature to check. Two envelopes: bare, or wrapped by EventBridge; two
spellings of the envelope's keys. Contract, section 11.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels_amazon.mapping import read_order_change
from channels_amazon.stock import read_availability
from channels_amazon.values import Payload, exact, first, moment, part, text
from inventory_sync.domain.ports import DeliveryCheck, InboundEvent
from inventory_sync.domain.snapshots import ListingIds

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """An envelope, opened. ``notification_id`` is "" where the metadata is missing; ``seller_id`` where the payload names none."""

    type: str
    notification_id: str
    event_time: datetime | None
    event_time_text: str
    seller_id: str
    payload: Payload


def open_envelope(body: bytes) -> Notification | None:
    """The notification in a message, unwrapped; None when the message is no JSON object."""
    try:
        message: Any = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, Mapping):
        return None
    wrapped_type = text(message.get("detail-type"))
    if wrapped_type and isinstance(message.get("detail"), Mapping):
        message = message["detail"]
    payload = first(message, "Payload", "payload")
    metadata = first(message, "NotificationMetadata", "notificationMetadata")
    payload = payload if isinstance(payload, Mapping) else {}
    metadata = metadata if isinstance(metadata, Mapping) else {}
    when = text(first(message, "EventTime", "eventTime"))
    return Notification(
        type=text(first(message, "NotificationType", "notificationType")) or wrapped_type,
        notification_id=text(first(metadata, "NotificationId", "notificationId")),
        event_time=moment(when),
        event_time_text=when,
        seller_id=_seller_id(payload),
        payload=payload,
    )


def check(body: bytes) -> DeliveryCheck:
    """
    Key and topic of a message. The key is the ``NotificationId``; without one a hash of type, seller, time and payload; of the bytes where they
    are no JSON object.
    """
    notification = open_envelope(body)
    if notification is None:
        return DeliveryCheck(key=hashlib.sha256(body).hexdigest(), topic="")
    topic = notification.type[:100]
    if notification.notification_id:
        return DeliveryCheck(key=notification.notification_id, topic=topic)
    try:
        payload = json.dumps(notification.payload, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        payload = body.decode(errors="replace")
    identity = "\n".join((notification.type, notification.seller_id, notification.event_time_text, payload))
    return DeliveryCheck(key=hashlib.sha256(identity.encode(errors="replace")).hexdigest(), topic=topic)


def parse(body: bytes, *, seller_id: str, marketplace_id: str, received_at: datetime) -> InboundEvent:
    """
    What a message means for this account. Never raises: what can't be used says why in ``ignored``.

    :param seller_id: ours; "" takes every seller's messages.
    """
    notification = open_envelope(body)
    if notification is None:
        return InboundEvent(topic="", ignored="not JSON")
    topic = notification.type[:100]
    read = _READERS.get(notification.type)
    if read is None:
        reason = _KNOWN_BUT_UNUSED.get(notification.type, f"unknown notification type {topic!r}")
        return InboundEvent(topic=topic, occurred_at=notification.event_time, ignored=reason)
    if seller_id and notification.seller_id and notification.seller_id != seller_id:
        return InboundEvent(topic=topic, occurred_at=notification.event_time, ignored="of another seller")
    scope = _Scope(topic=topic, marketplace_id=marketplace_id, received_at=received_at)
    try:
        return read(notification, scope)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ArithmeticError) as error:
        logger.exception("amazon: a notification of type %s can't be read", topic)
        return scope.ignored(notification, f"can't be read: {type(error).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    topic: str
    marketplace_id: str
    received_at: datetime

    def event(self, notification: Notification, **facts: Any) -> InboundEvent:
        return InboundEvent(topic=self.topic, occurred_at=notification.event_time, **facts)

    def ignored(self, notification: Notification, reason: str) -> InboundEvent:
        return self.event(notification, ignored=reason)

    def foreign(self, marketplace_id: Any) -> bool:
        return text(marketplace_id) not in ("", self.marketplace_id)


def _order_change(notification: Notification, scope: _Scope) -> InboundEvent:
    change = part(notification.payload, "OrderChangeNotification")
    order_id, kind = text(change.get("AmazonOrderId")), text(change.get("OrderChangeType"))
    if not order_id:
        return scope.ignored(notification, "an order change without AmazonOrderId")
    if scope.foreign(part(change, "Summary").get("MarketplaceId")):
        return scope.ignored(notification, "of another marketplace")
    if kind == "DeliveryTipChange":
        return scope.ignored(notification, "a delivery tip moves no stock")
    order = read_order_change(change, event_time=notification.event_time, received_at=scope.received_at)
    # A buyer's wish to cancel cancels nothing (contract, section 0.12): only what the order itself says counts.
    if kind != "OrderStatusChange" or order is None or not order.lines:
        return scope.event(notification, changed=(order_id,))
    return scope.event(notification, orders=(order,))


def _fba_inventory(notification: Notification, scope: _Scope) -> InboundEvent:
    as_of = notification.event_time or scope.received_at
    held = read_availability(notification.payload, marketplace_id=scope.marketplace_id, as_of=as_of)
    if held is None:
        return scope.ignored(notification, "no SKU, or nothing of our marketplace")
    return scope.event(notification, held=(held,))


def _status_change(notification: Notification, scope: _Scope) -> InboundEvent:
    status = notification.payload.get("Status")
    words = [text(each).upper() for each in status] if isinstance(status, list) else [text(status).upper()]
    if "DELETED" not in words:
        return _listing_change(notification, scope)
    sku = exact(first(notification.payload, "Sku", "SKU", "sku"))
    if not sku or scope.foreign(notification.payload.get("MarketplaceId")):
        return scope.ignored(notification, "no SKU, or of another marketplace")
    return scope.event(notification, gone=(sku,))


def _listing_change(notification: Notification, scope: _Scope) -> InboundEvent:
    """Quantity, status or issues of a listing changed: it is read again."""
    sku = exact(first(notification.payload, "Sku", "SKU", "sku"))
    if not sku or scope.foreign(notification.payload.get("MarketplaceId")):
        return scope.ignored(notification, "no SKU, or of another marketplace")
    asin = text(first(notification.payload, "Asin", "ASIN", "asin"))
    return scope.event(notification, listings=(ListingIds(key=sku, seller_sku=sku, product_id=asin),))


def _job_finished(notification: Notification, scope: _Scope) -> InboundEvent:
    inner = _inner(notification.payload)
    job = text(first(inner, "feedId", "FeedId", "reportId", "ReportId"))
    if not job:
        return scope.ignored(notification, "a finished job without its id")
    return scope.event(notification, jobs=(job,))


_Reader = Callable[[Notification, _Scope], InboundEvent]
_READERS: Mapping[str, _Reader] = {
    "ORDER_CHANGE": _order_change,
    "FBA_INVENTORY_AVAILABILITY_CHANGES": _fba_inventory,
    "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": _listing_change,  # by us, by a sale or by a hand
    "LISTINGS_ITEM_STATUS_CHANGE": _status_change,
    "LISTINGS_ITEM_STATUS_CHANGED": _status_change,  # the schema's own spelling of the same
    "LISTINGS_ITEM_ISSUES_CHANGE": _listing_change,
    "FEED_PROCESSING_FINISHED": _job_finished,
    "REPORT_PROCESSING_FINISHED": _job_finished,
}
_KNOWN_BUT_UNUSED: Mapping[str, str] = {
    "ITEM_INVENTORY_EVENT_CHANGE": "hourly sums per product are not used",
    "ACCOUNT_STATUS_CHANGED": "look at the account's status in Seller Central",
    "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY": "the application's client secret ends soon: make a new one and store it here",
    "APPLICATION_OAUTH_CLIENT_NEW_SECRET": "the application has a new client secret: store it here",
}


def _seller_id(payload: Payload) -> str:
    inner = _inner(payload)
    return text(first(payload, "SellerId", "sellerId") or first(inner, "SellerId", "sellerId"))


def _inner(payload: Payload) -> Payload:
    """The one object that most payloads wrap their facts in, such as ``OrderChangeNotification``."""
    found = [
        value for name, value in payload.items() if name.lower().endswith("notification") and isinstance(value, Mapping)
    ]
    return found[0] if found else {}
