"""Which webhook addresses a shop takes, and the user errors for the others (contract section 9.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlparse

from sandbox.shopify.access import missing_topic_scope
from sandbox.shopify.model import Subscription
from sandbox.shopify.state import Shop
from sandbox.shopify.webhooks import topic_header

NAME = re.compile(r"[A-Za-z0-9_-]{1,50}\Z")
ADDRESS_FIELD = ("webhookSubscription", "callbackUrl")


@dataclass(slots=True)
class SubscriptionRefused(Exception):
    """Becomes a user error without a code."""

    field: tuple[str, ...]
    message: str


def subscribe(
    shop: Shop,
    *,
    topic: str,
    values: dict[str, Any],
    now: datetime,
    from_configuration: bool = False,
    change: Subscription | None = None,
) -> Subscription:
    """
    Make a subscription from a ``WebhookSubscriptionInput``, or change one.

    :raises SubscriptionRefused: the address, the name or the scope does not do.
    """
    uri = values.get("uri") or values.get("callbackUrl") or (change.uri if change else "")
    filter_ = values.get("filter", change.filter if change else None)
    format_ = values.get("format") or (change.format if change else "JSON")
    name = values.get("name", change.name if change else None)
    _check_address(shop, uri)
    if scope := missing_topic_scope(shop, topic):
        message = (
            f"You do not have permission to create or update webhooks with {topic_header(topic)} topic. "
            f"This topic requires the {scope} access scope."
        )
        raise SubscriptionRefused(("webhookSubscription", "topic"), message)
    others = [each for each in shop.subscriptions.values() if each is not change]
    if any((each.topic, each.uri, each.format, each.filter) == (topic, uri, format_, filter_) for each in others):
        raise SubscriptionRefused(ADDRESS_FIELD, "Address for this topic has already been taken")
    if name is not None and not NAME.match(name):
        raise SubscriptionRefused(("name",), "Name must be up to 50 letters, digits, underscores and dashes")
    if name is not None and any((each.name or "").lower() == name.lower() for each in others):
        raise SubscriptionRefused(("name",), "Name already exists, no duplicate allowed")
    subscription = change or Subscription(
        number=shop.ids.next("WebhookSubscription"),
        topic=topic,
        uri=uri,
        from_configuration=from_configuration,
        created_at=now,
        updated_at=now,
    )
    subscription.uri, subscription.filter, subscription.format, subscription.name = uri, filter_, format_, name
    subscription.include_fields = list(values.get("includeFields") or (change.include_fields if change else ()))
    subscription.metafield_namespaces = list(values.get("metafieldNamespaces") or ())
    subscription.updated_at = now
    shop.subscriptions[subscription.number] = subscription
    return subscription


def _check_address(shop: Shop, uri: str) -> None:
    parsed = urlparse(uri)
    host = parsed.hostname or ""
    if not parsed.scheme or not host:
        raise SubscriptionRefused(ADDRESS_FIELD, "Address is invalid")
    loopback_allowed = shop.settings.allow_http_webhooks
    if parsed.scheme != "https" and not (parsed.scheme == "http" and loopback_allowed):
        raise SubscriptionRefused(ADDRESS_FIELD, f"Address protocol {parsed.scheme}:// is not supported")
    internal = host in ("localhost", "127.0.0.1") and not loopback_allowed
    if internal or host.endswith((".myshopify.com", ".shopify.com")) or host == "shopify.com":
        raise SubscriptionRefused(ADDRESS_FIELD, "Address cannot be a Shopify or an internal domain")
