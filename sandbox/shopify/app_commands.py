"""The verbs about the app rather than its goods: settings, scopes, tokens, secrets, webhooks. Listed in :mod:`sandbox.shopify.commands`."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sandbox.shopify.commands import command
from sandbox.shopify.costs import Bucket
from sandbox.shopify.payloads import sample_order_payload, shop_payload
from sandbox.shopify.settings import PLANS
from sandbox.shopify.state import Token

if TYPE_CHECKING:
    from sandbox.shopify.marketplace import ShopifyMarketplace


@command("*")
def settings(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = market.shop(body.get("shop"))
    values = {name: value for name, value in body.items() if name not in ("shop", "bucket_drain")}
    old_plan = shop.settings.plan
    shop.settings = shop.settings.changed(values)
    if shop.settings.plan != old_plan:
        points = PLANS[shop.settings.plan]
        shop.bucket = Bucket(points_per_second=points, clock_factor=market.world.clock.factor)
    if "bucket_drain" in body:
        shop.bucket.drain(int(body["bucket_drain"]))
    return asdict(shop.settings)


@command("scopes")
def scopes(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = market.shop(body.get("shop"))
    event = market.event(shop)
    previous = sorted(shop.scopes)
    shop.scopes = {str(scope) for scope in body["scopes"]}
    event.say("APP_SCOPES_UPDATE", {"previous": previous, "current": sorted(shop.scopes)})
    market.webhooks.publish(event)
    return {"scopes": sorted(shop.scopes)}


@command("action")
def tokens(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = market.shop(body.get("shop"))
    action = body.get("action")
    if action not in ("expire", "revoke"):
        raise ValueError("action must be expire or revoke")
    ended = [each for each in shop.tokens.values() if action == "revoke" or each.expires_at is not None]
    for token in ended:
        del shop.tokens[token.value]
    if action == "revoke":
        shop.refresh_tokens.clear()
    return {"ended": len(ended)}


@command("client_secret webhook_secret")
def rotate_secret(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = market.shop(body.get("shop"))
    shop.client_secret = str(body.get("client_secret", shop.client_secret))
    shop.webhook_secret = str(body.get("webhook_secret", body.get("client_secret", shop.webhook_secret)))
    return {"rotated": sorted(body.keys() & {"client_secret", "webhook_secret"})}


@command("")
def uninstall(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = market.shop(body.get("shop"))
    event = market.event(shop)
    event.say("APP_UNINSTALLED", shop_payload(shop))
    market.webhooks.publish(event)
    for subscription in shop.subscriptions.values():
        # What was sent just now still arrives; nothing else does.
        subscription.deleted = subscription.topic != "APP_UNINSTALLED"
    shop.subscriptions.clear()
    shop.tokens.clear()
    shop.refresh_tokens.clear()
    shop.settings = shop.settings.changed({"installed": False})
    return {"installed": False}


@command("static_tokens")
def reinstall(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = market.shop(body.get("shop"))
    shop.settings = shop.settings.changed({"installed": True})
    for token in body.get("static_tokens", ()):
        shop.tokens[str(token)] = Token(value=str(token), expires_at=None)
    return {"installed": True}


@command("topic")
def test_notification(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = market.shop(body.get("shop"))
    now = market.world.clock.now()
    payload = sample_order_payload(shop, now)
    topic = str(body.get("topic", "ORDERS_CREATE"))
    sent = market.webhooks.emit(shop, topic, event_id=str(uuid.uuid4()), now=now, build=lambda: payload)
    return {"sent": sent}


@command("")
def deliveries(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    domain = body.get("shop")
    return {"deliveries": [each.row() for each in market.webhooks.log if domain in (None, each.shop.domain)]}
