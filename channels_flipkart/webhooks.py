"""
Flipkart's notifications: who sent one, and what it means. Pure.

The body is not signed and there is no nonce, so an event is a hint: what it names is read by id before stock changes (contract, section 8).
Header names arrive with underscores and are renamed at our edge; both spellings are read, two different values are refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from channels_flipkart.mapping import read_returns, read_shipments
from channels_flipkart.values import Payload, moment, objects, text
from inventory_sync.domain.errors import SignatureError
from inventory_sync.domain.ports import DeliveryCheck, InboundEvent
from inventory_sync.domain.snapshots import ReturnState, Source

CHANNEL = "flipkart"
_SCHEME = "FKLOGIN "


def signature(*, at: datetime, url: str, secret: str) -> str:
    """
    The hex digest that Flipkart computes: plain SHA-1 over epoch seconds, registered URL, "POST" and the application secret.

    Source: DOCS order-management-notifications; recomputed on Flipkart's published sample (contract, section 8.2).
    """
    signed = f"{int(at.timestamp())}{url}POST{secret}"
    return hashlib.sha1(signed.encode()).hexdigest()  # noqa: S324 - their scheme, not ours


def verify(
    *,
    headers: Mapping[str, str],
    app_id: str,
    secret: str,
    url: str,
    received_at: datetime,
    max_age_seconds: float,
) -> bool:
    """
    Check that the sender knows the application secret.

    :param headers: names in any case.
    :param url: as registered with Flipkart, byte for byte, with its query string.
    :return: True when ``X_Date`` is further from ``received_at`` than ``max_age_seconds``: stale, to be confirmed by pull.
    :raises SignatureError: a header is missing, unreadable, sent in both spellings with different values, or wrong.
    """
    sent_date, sent = _header(headers, "x-date"), _header(headers, "x-authorization")
    if not sent_date or not sent or not app_id or not secret:
        raise SignatureError("the notification is not signed", channel=CHANNEL)
    at = _http_date(sent_date)
    if not sent.startswith(_SCHEME):
        raise SignatureError("the notification is not signed with FKLOGIN", channel=CHANNEL)
    expected = base64.b64encode(f"{app_id}:{signature(at=at, url=url, secret=secret)}".encode())
    if not hmac.compare_digest(expected, sent.removeprefix(_SCHEME).strip().encode(errors="replace")):
        raise SignatureError("the notification's signature is wrong", channel=CHANNEL)
    return abs((received_at - at).total_seconds()) > max_age_seconds


def _header(headers: Mapping[str, str], name: str) -> str:
    values = {value.strip() for key, value in headers.items() if key.lower().replace("_", "-") == name}
    if len(values) > 1:
        raise SignatureError(f"the notification carries two different {name} headers", channel=CHANNEL)
    return values.pop() if values else ""


def _http_date(value: str) -> datetime:
    try:
        at = parsedate_to_datetime(value)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        at.timestamp()
    except (TypeError, ValueError, OverflowError, IndexError) as error:
        raise SignatureError("the notification's date can't be read", channel=CHANNEL) from error
    return at


def delivery_check(body: bytes, *, stale: bool) -> DeliveryCheck:
    """
    The delivery's key and topic. There is no event id, so the key is a hash of what makes an event one: eventType, shipment or return id,
    timestamp and attributes; of the whole body where it is no such object.
    """
    event = _event(body)
    if event is None:
        return DeliveryCheck(key=hashlib.sha256(body).hexdigest(), topic="", stale=stale)
    subject = text(event.get("shipmentId")) or text(event.get("returnId"))
    identity = [event.get("eventType"), subject, event.get("timestamp"), event.get("attributes")]
    try:
        identified = json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()
    except RecursionError:
        identified = body
    return DeliveryCheck(
        key=hashlib.sha256(identified).hexdigest(), topic=text(event.get("eventType"))[:100], stale=stale
    )


def parse(body: bytes, *, received_at: datetime) -> InboundEvent:
    """
    What a notification means. Never raises: what can't be used says why in ``ignored``.

    A new shipment comes as a hint beside its id; every other shipment event only says what to read again. Returns that Flipkart does not
    expect back are told only here (``action`` is missing from the pull), so they come as values.
    """
    event = _event(body)
    if event is None:
        return InboundEvent(topic="", ignored="not JSON")
    topic = text(event.get("eventType"))[:100]
    occurred_at = moment(event.get("timestamp"))
    version = text(event.get("version")).lower()
    if topic.startswith("order_item") or version not in ("", "v3", "3"):
        return InboundEvent(topic=topic, occurred_at=occurred_at, ignored="an event of the old v2 interface")
    if topic.startswith("shipment_"):
        return _shipment_event(event, topic=topic, occurred_at=occurred_at, received_at=received_at)
    if topic.startswith("return_"):
        return _return_event(event, topic=topic, occurred_at=occurred_at)
    return InboundEvent(topic=topic, occurred_at=occurred_at, ignored=f"unknown event type {topic!r}")


def _shipment_event(event: Payload, *, topic: str, occurred_at: datetime | None, received_at: datetime) -> InboundEvent:
    shipment_id = text(event.get("shipmentId"))
    if not shipment_id:
        return InboundEvent(topic=topic, occurred_at=occurred_at, ignored="a shipment event without shipmentId")
    attributes = event.get("attributes")
    if topic != "shipment_created" or not isinstance(attributes, dict):
        return InboundEvent(topic=topic, occurred_at=occurred_at, changed=(shipment_id,))
    shipment = {"locationId": event.get("locationId"), **attributes, "shipmentId": shipment_id}
    hinted = read_shipments([shipment], source=Source.HINT, request_started_at=received_at)
    return InboundEvent(topic=topic, occurred_at=occurred_at, orders=hinted.orders, changed=(shipment_id,))


def _return_event(event: Payload, *, topic: str, occurred_at: datetime | None) -> InboundEvent:
    attributes = event.get("attributes")
    items = objects(attributes.get("returnItems")) if isinstance(attributes, dict) else []
    return_id = text(event.get("returnId"))
    return_ids = dict.fromkeys(filter(None, [return_id, *(text(item.get("returnId")) for item in items)]))
    if not return_ids:
        return InboundEvent(topic=topic, occurred_at=occurred_at, ignored="a return event without returnId")
    hinted = read_returns(items, source=Source.HINT, return_id=return_id)
    return InboundEvent(
        topic=topic,
        occurred_at=occurred_at,
        returns=tuple(each for each in hinted if each.state is ReturnState.NEVER),
        changed_returns=tuple(return_ids),
    )


def _event(body: bytes) -> Payload | None:
    try:
        event: Any = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
