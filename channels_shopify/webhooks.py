"""
Deliveries: is it Shopify, and what does it say. Pure.

Only order payloads are taken at their word. Everything else names what to read again, since levels are merged and late, and the shapes of
edits and returns are not settled.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from channels_shopify.errors import CHANNEL
from channels_shopify.order_mapping import order_from_webhook
from channels_shopify.values import as_map, digits, maps, moment
from inventory_sync.domain.errors import ContractError, SignatureError
from inventory_sync.domain.ports import Delivery, DeliveryCheck, InboundEvent
from inventory_sync.domain.snapshots import ListingIds

TOPICS = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_CANCELLED",
    "ORDERS_EDITED",
    "ORDERS_DELETE",
    "REFUNDS_CREATE",
    "FULFILLMENTS_CREATE",
    "FULFILLMENTS_UPDATE",
    "RETURNS_CLOSE",
    "RETURNS_PROCESS",
    "INVENTORY_LEVELS_UPDATE",
    "INVENTORY_LEVELS_CONNECT",
    "INVENTORY_LEVELS_DISCONNECT",
    "PRODUCTS_CREATE",
    "PRODUCTS_UPDATE",
    "PRODUCTS_DELETE",
    "APP_UNINSTALLED",
    "APP_SCOPES_UPDATE",
)
"""What we subscribe to; a topic whose scope is missing is reported and left out."""


def verify(*, body: bytes, signature: str, secrets: Sequence[bytes]) -> None:
    """
    Check that Shopify sent these exact bytes.

    :param body: the raw request body, before any decoding: ``\\/`` escapes are part of it.
    :param signature: the ``X-Shopify-Hmac-Sha256`` header; "" when absent.
    :param secrets: the app's client secret, and the old one while it is being replaced.
    :raises SignatureError: code ``missing_signature`` (answer 400) or ``bad_signature`` (answer 401).

    Source: Shopify docs, "Verify webhook deliveries": base64 of HMAC-SHA256.
    """
    if not signature.strip():
        raise SignatureError("the delivery carries no signature", channel=CHANNEL, code="missing_signature", status=400)
    expected = [base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()) for secret in secrets]
    if not any(hmac.compare_digest(each, signature.strip().encode()) for each in expected):
        raise SignatureError("the delivery is not signed by Shopify", channel=CHANNEL, code="bad_signature", status=401)


def check(delivery: Delivery, *, shop: str, secrets: Sequence[bytes], stale_seconds: float) -> DeliveryCheck:
    """
    Who sent it, and under which unique key.

    :param shop: the account's shop domain; "" accepts any that our secret has signed.
    :raises SignatureError: as :func:`verify`; code ``other_shop`` when it is for another shop.
    """
    verify(body=delivery.body, signature=_header(delivery, "hmac-sha256"), secrets=secrets)
    named = _header(delivery, "shop-domain").strip().lower()
    if shop and named != shop.strip().lower():
        raise SignatureError("the delivery is for another shop", channel=CHANNEL, code="other_shop", status=401)
    topic = _header(delivery, "topic")
    key = _header(delivery, "webhook-id").strip() or hashlib.sha256(topic.encode() + b"\n" + delivery.body).hexdigest()
    triggered = _triggered_at(delivery)
    stale = triggered is not None and delivery.received_at - triggered > timedelta(seconds=stale_seconds)
    return DeliveryCheck(key=key, topic=topic, stale=stale)


def parse(delivery: Delivery, *, required_scopes: Sequence[str], read_locations: bool) -> InboundEvent:
    """
    What a verified delivery means.

    :param read_locations: new orders are also to be read by id, because the payload names no location.
    :raises ContractError: the body is no JSON object, or an order in it can't be read.
    """
    topic = _header(delivery, "topic").strip().lower()
    try:
        payload = json.loads(delivery.body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ContractError(f"the body of {topic or 'a delivery'} is not JSON", channel=CHANNEL) from error
    if not isinstance(payload, Mapping):
        raise ContractError(f"the body of {topic or 'a delivery'} is not an object", channel=CHANNEL)
    at = _occurred_at(payload) or _triggered_at(delivery)
    family = topic.partition("/")[0]
    if family in ("orders", "refunds", "fulfillments", "returns"):
        return _order_event(topic, payload, at=at, received_at=delivery.received_at, read_locations=read_locations)
    if family == "inventory_levels":
        pair = (digits(payload.get("inventory_item_id")), digits(payload.get("location_id")))
        if all(pair):
            return InboundEvent(topic=topic, occurred_at=at, levels=(pair,))
        return InboundEvent(topic=topic, occurred_at=at, ignored="it names no item or location")
    if family == "products":
        return _product_event(topic, payload, at=at)
    if topic == "app/uninstalled":
        return InboundEvent(topic=topic, occurred_at=at, setup_problem="the app was uninstalled from the shop")
    if topic == "app/scopes_update":
        current = {str(scope) for scope in payload.get("current") or []}
        current |= {scope.replace("write_", "read_", 1) for scope in current if scope.startswith("write_")}
        missing = [scope for scope in required_scopes if scope not in current]
        if missing:
            words = f"the app lost permissions that it needs: {', '.join(missing)}"
            return InboundEvent(topic=topic, occurred_at=at, setup_problem=words)
        return InboundEvent(topic=topic, occurred_at=at, ignored="all needed permissions are still there")
    if topic == "bulk_operations/finish":
        job = str(payload.get("admin_graphql_api_id") or "")
        return InboundEvent(topic=topic, occurred_at=at, jobs=(job,) if job else (), ignored="" if job else "no job")
    return InboundEvent(topic=topic, occurred_at=at, ignored="nothing follows from this topic")


def _order_event(
    topic: str, payload: Mapping[str, Any], *, at: datetime | None, received_at: datetime, read_locations: bool
) -> InboundEvent:
    is_order = topic.startswith("orders/") and maps(payload.get("line_items")) and payload.get("id") is not None
    if is_order:
        order = order_from_webhook(payload, received_at=received_at)
        again = (order.key,) if read_locations and topic == "orders/create" and not order.test else ()
        return InboundEvent(topic=topic, occurred_at=at, orders=(order,), changed=again)
    order_key = _order_key(topic, payload)
    if not order_key:
        return InboundEvent(topic=topic, occurred_at=at, ignored="it names no order")
    return InboundEvent(topic=topic, occurred_at=at, changed=(order_key,))


def _order_key(topic: str, payload: Mapping[str, Any]) -> str:
    """The order that a payload speaks of. Only a payload of orders/* that is no edit has it in ``id``."""
    nested = [as_map(payload.get(name)) for name in ("order_edit", "return", "order")]
    found = digits(payload.get("order_id")) or next((digits(each.get("order_id")) for each in nested if each), "")
    if not found:
        order = as_map(payload.get("order")) or as_map(as_map(payload.get("return")).get("order"))
        found = digits(order.get("id")) or digits(order.get("admin_graphql_api_id"))
    if not found and topic.startswith("orders/") and "order_edit" not in payload:
        found = digits(payload.get("id"))
    return found


def _product_event(topic: str, payload: Mapping[str, Any], *, at: datetime | None) -> InboundEvent:
    product = digits(payload.get("id"))
    if topic == "products/delete":
        gone = (f"product:{product}",) if product else ()
        return InboundEvent(topic=topic, occurred_at=at, gone=gone, ignored="" if gone else "it names no product")
    found = {
        digits(each.get("id")): ListingIds(
            key=digits(each.get("id")),
            seller_sku=str(each.get("sku") or ""),
            product_id=product,
            listing_ref=digits(each.get("inventory_item_id")),
        )
        for each in maps(payload.get("variants"))
        if each.get("id") is not None
    }
    # ``variants`` holds the first 100 only, ``variant_gids`` names them all.
    for each in maps(payload.get("variant_gids")):
        key = digits(each.get("admin_graphql_api_id"))
        if key and key not in found:
            found[key] = ListingIds(key=key, product_id=product)
    return InboundEvent(
        topic=topic, occurred_at=at, listings=tuple(found.values()), ignored="" if found else "it names no variant"
    )


def _header(delivery: Delivery, name: str) -> str:
    return delivery.headers.get(f"x-shopify-{name}", "")


def _triggered_at(delivery: Delivery) -> datetime | None:
    try:
        return moment(_header(delivery, "triggered-at"))
    except ContractError:
        return None


def _occurred_at(payload: Mapping[str, Any]) -> datetime | None:
    try:
        return moment(payload.get("updated_at") or payload.get("created_at"))
    except ContractError:
        return None
