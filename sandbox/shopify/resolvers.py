"""
Reading: what each GraphQL field shows. A field that is not here is the attribute of the same name (see ``model.field_value``).

:data:`RESOLVERS` maps ``Type.field`` to ``(source, info, **arguments)``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from sandbox.shopify.access import node_is_readable
from sandbox.shopify.context import CallContext
from sandbox.shopify.model import (
    BulkOperation,
    Item,
    Level,
    Location,
    Product,
    Subscription,
    Variant,
    number_of,
)
from sandbox.shopify.order_model import Order
from sandbox.shopify.search import matching, page
from sandbox.shopify.settings import API_VERSIONS
from sandbox.shopify.state import Shop

Resolver = Callable[..., Any]
RESOLVERS: dict[str, Resolver] = {}


def resolves(*names: str) -> Callable[[Resolver], Resolver]:
    """Register a resolver for ``Type.field``."""

    def register(function: Resolver) -> Resolver:
        RESOLVERS.update(dict.fromkeys(names, function))
        return function

    return register


def context_of(info: GraphQLResolveInfo) -> CallContext:
    context: CallContext = info.context
    return context


def find(shop: Shop, gid: str) -> Any:
    """The object with that global id; None when there is none."""
    kind = gid.removeprefix("gid://shopify/").split("/", 1)[0]
    try:
        number = number_of(gid)
    except ValueError:
        return None
    if kind == "InventoryLevel":
        item = gid.partition("inventory_item_id=")[2]
        return shop.level_of(number, int(item)) if item.isdigit() else None
    if kind == "Shop":
        return shop if number == shop.number else None
    places: dict[str, dict[int, Any]] = {
        "Location": shop.locations,
        "Product": shop.products,
        "ProductVariant": shop.variants,
        "InventoryItem": shop.items,
        "Order": shop.orders,
        "WebhookSubscription": shop.subscriptions,
        "BulkOperation": shop.bulk_operations,
        "InventoryAdjustmentGroup": shop.groups,
    }
    return places.get(kind, {}).get(number)


def find_of(kind: type, shop: Shop, gid: str) -> Any:
    thing = find(shop, gid)
    return thing if isinstance(thing, kind) else None


def paging(info: GraphQLResolveInfo, arguments: dict[str, Any]) -> dict[str, Any]:
    names = ("first", "last", "after", "before", "reverse")
    return {"bulk": context_of(info).bulk, **{name: arguments[name] for name in names if name in arguments}}


def _text_time(at: datetime | None) -> str:
    return at.isoformat(timespec="microseconds") if at else ""


# Shop and app


@resolves("QueryRoot.shop")
def shop_of_the_call(_: Any, info: GraphQLResolveInfo) -> dict[str, Any]:
    shop = context_of(info).shop
    plan = shop.settings.plan.capitalize()
    return {
        "id": shop.gid,
        "name": shop.name,
        "myshopifyDomain": shop.domain,
        "currencyCode": shop.currency,
        "ianaTimezone": shop.timezone,
        "taxesIncluded": True,
        "createdAt": shop.created_at,
        "plan": {
            "displayName": plan,
            "publicDisplayName": plan,
            "partnerDevelopment": False,
            "shopifyPlus": plan == "Plus",
        },
    }


@resolves("QueryRoot.currentAppInstallation")
def app_installation(_: Any, info: GraphQLResolveInfo) -> dict[str, Any]:
    shop = context_of(info).shop
    scopes = [{"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(shop.scopes)]
    return {"id": f"gid://shopify/AppInstallation/{shop.number}", "accessScopes": scopes}


# Nodes


@resolves("QueryRoot.node")
def node(_: Any, info: GraphQLResolveInfo, *, id: str) -> Any:
    shop = context_of(info).shop
    thing = find(shop, id)
    if thing is not None and not node_is_readable(shop, type(thing).__name__):
        raise GraphQLError(f"Access denied for {info.field_name} field.", extensions={"code": "ACCESS_DENIED"})
    return thing if not isinstance(thing, Shop) else None


@resolves("QueryRoot.nodes")
def nodes(_: Any, info: GraphQLResolveInfo, *, ids: list[str]) -> list[Any]:
    return [node(_, info, id=each) for each in ids]


for _field, _kind in {
    "inventoryItem": Item,
    "inventoryLevel": Level,
    "order": Order,
    "product": Product,
    "productVariant": Variant,
    "bulkOperation": BulkOperation,
    "webhookSubscription": Subscription,
}.items():

    def _by_id(_: Any, info: GraphQLResolveInfo, *, id: str, kind: type = _kind) -> Any:
        return find_of(kind, context_of(info).shop, id)

    RESOLVERS[f"QueryRoot.{_field}"] = _by_id


@resolves("QueryRoot.location")
def location(_: Any, info: GraphQLResolveInfo, *, id: str | None = None) -> Any:
    shop = context_of(info).shop
    if id is None:
        return next((each for each in shop.locations.values() if each.is_active), None)
    return find_of(Location, shop, id)


# Lists


@resolves("QueryRoot.locations")
def locations(_: Any, info: GraphQLResolveInfo, *, includeInactive: bool = False, includeLegacy: bool = False,
              query: str | None = None, sortKey: str = "NAME", **arguments: Any) -> Any:  # fmt: skip
    shop = context_of(info).shop
    found = matching(shop.locations.values(), query, index=shop.index, values={"name": lambda each: each.name})
    found = [each for each in found if each.is_active or includeInactive]
    key = (lambda each: each.name) if sortKey == "NAME" else (lambda each: each.number)
    return page(found, sort_key=key, **paging(info, arguments))


@resolves("QueryRoot.productVariants")
def product_variants(
    _: Any, info: GraphQLResolveInfo, *, query: str | None = None, sortKey: str = "ID", **arguments: Any
) -> Any:
    shop = context_of(info).shop
    values: dict[str, Callable[[Any], object]] = {
        "sku": lambda each: each.sku,
        "barcode": lambda each: each.barcode,
        "title": lambda each: each.title,
        "product_id": lambda each: each.product.number,
        "inventory_quantity": lambda each: each.inventory_quantity,
        "product_status": lambda each: each.product.status,
    }
    keys = {
        "SKU": lambda each: each.sku or "",
        "TITLE": lambda each: each.title,
        "NAME": lambda each: each.display_name,
    }
    found = matching(list(shop.variants.values()), query, index=shop.index, values=values)
    return page(found, sort_key=keys.get(sortKey, lambda each: each.number), **paging(info, arguments))


@resolves("QueryRoot.products")
def products(
    _: Any, info: GraphQLResolveInfo, *, query: str | None = None, sortKey: str = "ID", **arguments: Any
) -> Any:
    shop = context_of(info).shop
    values: dict[str, Callable[[Any], object]] = {
        "title": lambda each: each.title,
        "status": lambda each: each.status,
        "vendor": lambda each: each.vendor,
        "created_at": lambda each: each.created_at,
    }
    keys = {"TITLE": lambda each: each.title, "UPDATED_AT": lambda each: _text_time(each.updated_at)}
    found = matching(list(shop.products.values()), query, index=shop.index, values=values)
    return page(found, sort_key=keys.get(sortKey, lambda each: each.number), **paging(info, arguments))


@resolves("QueryRoot.inventoryItems")
def inventory_items(_: Any, info: GraphQLResolveInfo, *, query: str | None = None, **arguments: Any) -> Any:
    shop = context_of(info).shop
    values = {"sku": lambda each: each.sku, "created_at": lambda each: each.created_at}
    found = matching(list(shop.items.values()), query, index=shop.index, values=values)
    return page(found, **paging(info, arguments))


@resolves("QueryRoot.orders")
def orders(
    _: Any, info: GraphQLResolveInfo, *, query: str | None = None, sortKey: str = "PROCESSED_AT", **arguments: Any
) -> Any:
    shop = context_of(info).shop
    values: dict[str, Callable[[Any], object]] = {
        "name": lambda each: each.name,
        "created_at": lambda each: each.created_at,
        "processed_at": lambda each: each.processed_at,
        "test": lambda each: each.test,
        "financial_status": lambda each: each.financial_status,
        "fulfillment_status": lambda each: each.fulfillment_status,
        "status": lambda each: "cancelled" if each.cancelled_at else "closed" if each.closed_at else "open",
    }
    keys: dict[str, Callable[[Any], Any]] = {
        "CREATED_AT": lambda each: _text_time(each.created_at),
        "PROCESSED_AT": lambda each: _text_time(each.processed_at),
        "UPDATED_AT": lambda each: _text_time(shop.index.updated_at(each) if query else each.updated_at),
    }
    found = matching(list(shop.orders.values()), query, index=shop.index, values=values)
    return page(found, sort_key=keys.get(sortKey, lambda each: each.number), **paging(info, arguments))


@resolves("QueryRoot.webhookSubscriptions")
def webhook_subscriptions(_: Any, info: GraphQLResolveInfo, *, topics: list[str] | None = None, uri: str | None = None,
                          callbackUrl: str | None = None, **arguments: Any) -> Any:  # fmt: skip
    found = [
        each
        for each in context_of(info).shop.subscriptions.values()
        if not each.from_configuration
        and (not topics or each.topic in topics)
        and (uri or callbackUrl) in (None, each.uri)
    ]
    return page(found, **paging(info, arguments))


@resolves("QueryRoot.bulkOperations")
def bulk_operations(_: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    return page(context_of(info).shop.bulk_operations.values(), **paging(info, arguments))


@resolves("QueryRoot.currentBulkOperation")
def current_bulk_operation(_: Any, info: GraphQLResolveInfo, *, type: str = "QUERY") -> Any:
    operations = [each for each in context_of(info).shop.bulk_operations.values() if each.type == type]
    return operations[-1] if operations else None


# Bulk operations and webhooks


@resolves("BulkOperation.objectCount")
def object_count(source: BulkOperation, info: GraphQLResolveInfo) -> str:
    return str(source.objects)


@resolves("BulkOperation.rootObjectCount")
def root_object_count(source: BulkOperation, info: GraphQLResolveInfo) -> str:
    return str(source.roots)


@resolves("BulkOperation.fileSize")
def file_size(source: BulkOperation, info: GraphQLResolveInfo) -> str | None:
    return str(len(source.content)) if source.content else None


@resolves("BulkOperation.url", "BulkOperation.partialDataUrl")
def result_url(source: BulkOperation, info: GraphQLResolveInfo) -> str | None:
    """Null for an empty result; a failed operation has the partial address only."""
    if not source.content or source.partial != (info.field_name == "partialDataUrl"):
        return None
    return context_of(info).bulk_url(source.number)


@resolves("WebhookSubscription.apiVersion")
def subscription_version(source: Subscription, info: GraphQLResolveInfo) -> dict[str, Any]:
    handle = context_of(info).shop.settings.webhook_api_version
    return {"handle": handle, "displayName": handle, "supported": handle in API_VERSIONS}
