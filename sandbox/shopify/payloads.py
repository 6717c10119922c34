"""Webhook bodies: REST-shaped, as the contract's section 9.3 shows them. Money is a text, except in refund lines."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.shopify.model import Level, Product, Variant
from sandbox.shopify.order_model import Fulfillment, Line, Order, Refund, Return
from sandbox.shopify.state import Shop
from sandbox.shopify.times import graphql_time, payload_time

FULFILLMENT_STATUSES = {"UNFULFILLED": None, "PARTIALLY_FULFILLED": "partial", "FULFILLED": "fulfilled"}
VARIANTS_IN_PAYLOAD = 100


def encode(payload: dict[str, Any]) -> bytes:
    """The exact bytes that are signed: compact JSON with the escapes ``\\/``, ``\\u0026``, ``\\u003c`` and ``\\u003e``."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    # None of these characters is JSON syntax, so they stand inside strings only.
    for character, escape in (("/", "\\/"), ("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(character, escape)
    return text.encode()


def money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _money_set(shop: Shop, amount: Decimal) -> dict[str, Any]:
    pair = {"amount": money(amount), "currency_code": shop.currency}
    return {"shop_money": pair, "presentment_money": pair}


def line_fulfillment_status(line: Line) -> str | None:
    """None, partial or fulfilled, as REST spells it."""
    if not line.fulfilled:
        return None
    return "partial" if line.unfulfilled_quantity else "fulfilled"


def line_payload(shop: Shop, line: Line) -> dict[str, Any]:
    variant = line.live_variant
    tax = line.tax(line.quantity)
    return {
        "id": line.number,
        "admin_graphql_api_id": line.gid,
        "variant_id": variant.number if variant else None,
        "product_id": variant.product.number if variant else None,
        "product_exists": variant is not None,
        "sku": line.sku,
        "name": line.name,
        "title": line.title,
        "variant_title": variant.title if variant and variant.title != "Default Title" else None,
        "vendor": variant.product.vendor if variant else None,
        "quantity": line.quantity,
        "current_quantity": line.current_quantity,
        "fulfillable_quantity": line.unfulfilled_quantity,
        "fulfillment_service": "manual",
        "fulfillment_status": line_fulfillment_status(line),
        "grams": 0,
        "requires_shipping": True,
        "gift_card": False,
        "taxable": True,
        "price": money(line.price),
        "price_set": _money_set(shop, line.price),
        "total_discount": "0.00",
        "properties": line.properties,
        "variant_inventory_management": "shopify" if variant and variant.item.tracked else None,
        "tax_lines": [
            {
                "channel_liable": False,
                "price": money(tax),
                "price_set": _money_set(shop, tax),
                "rate": float(line.tax_rate),
                "title": "IGST",
            }
        ],
        "duties": [],
        "discount_allocations": [],
    }


def order_payload(shop: Shop, order: Order) -> dict[str, Any]:
    """orders/create, orders/updated and orders/cancelled. No location, but for point of sale."""

    def at(moment: datetime | None) -> str | None:
        return payload_time(moment, shop.timezone)

    tax = sum((line.tax(line.quantity) for line in order.lines), Decimal("0.00"))
    return {
        "id": order.number,
        "admin_graphql_api_id": order.gid,
        "name": order.name,
        "number": order.order_number - 1000,
        "order_number": order.order_number,
        "test": order.test,
        "confirmed": True,
        "source_name": order.source_name,
        "currency": shop.currency,
        "presentment_currency": shop.currency,
        "taxes_included": True,
        "financial_status": order.financial_status.lower(),
        "fulfillment_status": FULFILLMENT_STATUSES[order.fulfillment_status],
        "cancel_reason": order.cancel_reason,
        "cancelled_at": at(order.cancelled_at),
        "closed_at": at(order.closed_at),
        "created_at": at(order.created_at),
        "processed_at": at(order.processed_at),
        "updated_at": at(order.updated_at),
        "location_id": order.point_of_sale.number if order.point_of_sale else None,
        "payment_gateway_names": gateways(order),
        "total_price": money(order.original_total),
        "total_price_set": _money_set(shop, order.original_total),
        "current_total_price": money(order.total),
        "subtotal_price": money(order.original_total),
        "total_tax": money(tax),
        "tax_lines": [
            {
                "channel_liable": False,
                "price": money(tax),
                "price_set": _money_set(shop, tax),
                "rate": 0.05,
                "title": "IGST",
            }
        ],
        "line_items": [line_payload(shop, line) for line in order.lines],
        "shipping_lines": [],
        "fulfillments": [fulfillment_payload(shop, order, each) for each in order.fulfillments],
        "refunds": [refund_payload(shop, order, refund) for refund in order.refunds],
        "returns": [],
        "discount_codes": [],
        "note_attributes": [],
        "tags": "",
    }


def gateways(order: Order) -> list[str]:
    return ["Cash on Delivery (COD)"] if order.cod else ["razorpay"]


def refund_payload(shop: Shop, order: Order, refund: Refund) -> dict[str, Any]:
    created = payload_time(refund.created_at, shop.timezone)
    voided = order.cod
    return {
        "id": refund.number,
        "admin_graphql_api_id": refund.gid,
        "order_id": order.number,
        "created_at": created,
        "processed_at": created,
        "note": refund.note,
        "restock": any(each.restocked for each in refund.lines),
        "user_id": None,
        "return": None,
        "duties": [],
        "order_adjustments": [],
        "refund_shipping_lines": [],
        "refund_line_items": [
            {
                "id": each.number,
                "line_item_id": each.line.number,
                "location_id": each.location.number if each.location else None,
                "quantity": each.quantity,
                "restock_type": each.restock_type.lower(),
                "subtotal": float(each.line.price * each.quantity),
                "total_tax": float(each.line.tax(each.quantity)),
                "line_item": line_payload(shop, each.line),
            }
            for each in refund.lines
        ],
        "transactions": [
            {
                "id": refund.transaction_number,
                "parent_id": None,
                "kind": "void" if voided else "refund",
                "gateway": gateways(order)[0],
                "status": "success",
                "amount": "0.00" if voided else money(refund.amount),
                "currency": shop.currency,
            }
        ],
    }


def fulfillment_payload(shop: Shop, order: Order, fulfillment: Fulfillment) -> dict[str, Any]:
    created = payload_time(fulfillment.created_at, shop.timezone)
    return {
        "id": fulfillment.number,
        "admin_graphql_api_id": fulfillment.gid,
        "order_id": order.number,
        "name": fulfillment.name,
        "status": "success",
        "service": "manual",
        "created_at": created,
        "updated_at": created,
        "location_id": fulfillment.location.number if fulfillment.location else None,
        "tracking_company": None,
        "tracking_numbers": [],
        "line_items": [{**line_payload(shop, line), "quantity": units} for line, units in fulfillment.lines],
    }


def edit_payload(shop: Shop, order: Order, line: Line, delta: int) -> dict[str, Any]:
    """orders/edited: a record of the change, not an order (shape of the removals unverified)."""
    change = {"id": line.number, "delta": abs(delta)}
    return {
        "order_edit": {
            "id": order.number + 1,
            "app_id": None,
            "created_at": payload_time(order.updated_at, shop.timezone),
            "notify_customer": False,
            "order_id": order.number,
            "staff_note": "",
            "user_id": None,
            "line_items": {
                "additions": [change] if delta > 0 else [],
                "removals": [change] if delta < 0 else [],
            },
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "shipping_lines": {"additions": [], "removals": []},
        }
    }


def return_payload(order: Order, returned: Return) -> dict[str, Any]:
    """returns/*: no shape was captured, so only what names the return and its order."""
    return {
        "id": returned.number,
        "admin_graphql_api_id": returned.gid,
        "name": returned.name,
        "status": returned.status.lower(),
        "order": {"id": order.number, "admin_graphql_api_id": order.gid},
    }


def level_payload(shop: Shop, level: Level) -> dict[str, Any]:
    """inventory_levels/update and connect. ``available`` is null for an item nobody counts."""
    return {
        "inventory_item_id": level.item.number,
        "location_id": level.location.number,
        "available": level.available if level.item.tracked else None,
        "updated_at": payload_time(level.updated_at, shop.timezone),
        "admin_graphql_api_id": level.gid,
    }


def product_payload(shop: Shop, product: Product) -> dict[str, Any]:
    """products/create and update: the first 100 variants, and the ids of all."""

    def at(moment: datetime | None) -> str | None:
        return payload_time(moment, shop.timezone)

    return {
        "id": product.number,
        "admin_graphql_api_id": product.gid,
        "title": product.title,
        "handle": product.handle,
        "status": product.status.lower(),
        "vendor": product.vendor,
        "product_type": product.product_type,
        "tags": ", ".join(product.tags),
        "created_at": at(product.created_at),
        "updated_at": at(product.updated_at),
        "published_at": at(product.created_at) if product.status == "ACTIVE" else None,
        "published_scope": "global",
        "template_suffix": None,
        "body_html": "",
        "options": [
            {
                "id": product.number + 1,
                "product_id": product.number,
                "name": "Title",
                "position": 1,
                "values": [variant.title for variant in product.variants],
            }
        ],
        "images": [],
        "image": None,
        "media": [],
        "category": None,
        "has_variants_that_requires_components": any(variant.requires_components for variant in product.variants),
        "variants": [_variant_payload(shop, variant) for variant in product.variants[:VARIANTS_IN_PAYLOAD]],
        "variant_gids": [
            {
                "admin_graphql_api_id": variant.gid,
                "updated_at": (graphql_time(variant.updated_at) or "").replace("Z", ".000Z"),
            }
            for variant in product.variants
        ],
    }


def _variant_payload(shop: Shop, variant: Variant) -> dict[str, Any]:
    return {
        "id": variant.number,
        "admin_graphql_api_id": variant.gid,
        "product_id": variant.product.number,
        "title": variant.title,
        "option1": variant.title,
        "option2": None,
        "option3": None,
        "sku": variant.sku,
        "barcode": variant.barcode,
        "price": money(variant.price),
        "compare_at_price": None,
        "position": variant.position,
        "taxable": variant.taxable,
        "inventory_item_id": variant.item.number,
        "inventory_policy": variant.inventory_policy.lower(),
        "inventory_quantity": variant.inventory_quantity,
        "old_inventory_quantity": variant.inventory_quantity,
        "image_id": None,
        "created_at": payload_time(variant.created_at, shop.timezone),
        "updated_at": payload_time(variant.updated_at, shop.timezone),
    }


def shop_payload(shop: Shop) -> dict[str, Any]:
    """app/uninstalled."""
    return {
        "id": shop.number,
        "name": shop.name,
        "domain": shop.domain,
        "myshopify_domain": shop.domain,
        "currency": shop.currency,
        "iana_timezone": shop.timezone,
        "created_at": payload_time(shop.created_at, shop.timezone),
    }


def sample_order_payload(shop: Shop, now: datetime) -> dict[str, Any]:
    """What "Send test notification" sends: a cancelled, unconfirmed order with 18-digit ids and no variants."""
    at = payload_time(now, shop.timezone)
    order_id, line_id = 820982911946154508, 866550311766439020
    return {
        "id": order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order_id}",
        "name": "#9999",
        "number": 234,
        "order_number": 1234,
        "test": True,
        "confirmed": False,
        "source_name": "web",
        "currency": shop.currency,
        "taxes_included": True,
        "financial_status": "voided",
        "fulfillment_status": None,
        "cancel_reason": "customer",
        "cancelled_at": at,
        "closed_at": None,
        "created_at": at,
        "processed_at": at,
        "updated_at": at,
        "location_id": None,
        "payment_gateway_names": ["visa", "bogus"],
        "total_price": "499.00",
        "tax_lines": [],
        "line_items": [
            {
                "id": line_id,
                "admin_graphql_api_id": f"gid://shopify/LineItem/{line_id}",
                "variant_id": None,
                "product_id": None,
                "product_exists": True,
                "sku": "SKU2006-001",
                "name": "Sample product",
                "title": "Sample product",
                "variant_title": None,
                "quantity": 1,
                "current_quantity": 1,
                "fulfillable_quantity": 1,
                "fulfillment_service": "manual",
                "fulfillment_status": None,
                "requires_shipping": True,
                "gift_card": False,
                "taxable": True,
                "price": "499.00",
                "total_discount": "0.00",
                "properties": [],
                "variant_inventory_management": None,
                "tax_lines": [],
                "duties": [],
                "discount_allocations": [],
            }
        ],
        "shipping_lines": [],
        "fulfillments": [],
        "refunds": [],
        "returns": [],
        "discount_codes": [],
        "note_attributes": [],
        "tags": "",
    }
