"""Webhook subscriptions: which are there, which are missing, and in which version their payloads come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from channels_shopify.client import ShopifyClient
from channels_shopify.errors import user_errors
from channels_shopify.values import as_map, digits
from channels_shopify.webhooks import TOPICS
from inventory_sync.domain.errors import RejectedError, SetupError


def subscribe(
    *, client: ShopifyClient, existing: Iterable[Mapping[str, Any]], callback_url: str, version: str
) -> list[str]:
    """
    Create what is missing of :data:`~channels_shopify.webhooks.TOPICS`.

    :param existing: the app's subscriptions in this shop.
    :param version: of the API that we speak; payloads come in the version of the app's own setting, and a difference is said.
    :return: a line for each topic, then for each subscription to another address. A topic that the shop refuses does not stop the others.
    """
    here: dict[str, Mapping[str, Any]] = {}
    elsewhere: list[str] = []
    for node in existing:
        topic = str(node.get("topic") or "")
        if str(node.get("uri") or "") == callback_url:
            here[topic] = node
        else:
            elsewhere.append(f"{topic}: also delivered to another address (subscription {digits(node.get('id'))})")
    lines = []
    for topic in TOPICS:
        if topic in here:
            lines.append(f"{topic}: present{_version_note(here[topic], version)}")
        else:
            lines.append(f"{topic}: {_create(client, topic, callback_url, version)}")
    return lines + elsewhere


def _create(client: ShopifyClient, topic: str, uri: str, version: str) -> str:
    try:
        payload = client.create_webhook(topic=topic, uri=uri).part("webhookSubscriptionCreate")
    except (RejectedError, SetupError) as error:
        if error.status in (401, 402, 403, 404):
            raise  # not about this topic
        return f"not subscribed, {error.message}"
    refusals = [message for _, message, _ in user_errors(payload)]
    if any("already been taken" in message for message in refusals):
        return "present"
    if refusals:
        return f"not subscribed, {'; '.join(refusals)}"
    return f"created{_version_note(as_map(payload.get('webhookSubscription')), version)}"


def _version_note(subscription: Mapping[str, Any], version: str) -> str:
    said = str(as_map(subscription.get("apiVersion")).get("handle") or "")
    return f", but its payloads are version {said} instead of {version}" if said and said != version else ""
