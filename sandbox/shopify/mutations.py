"""Writing: each mutation checks what the schema can't, runs under its idempotency key, and announces what it changed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.shopify import inventory
from sandbox.shopify.idempotency import once, require_compare_argument, require_key
from sandbox.shopify.inventory import user_error
from sandbox.shopify.model import BulkOperation, Item, Level, Product, Subscription, Variant
from sandbox.shopify.resolvers import context_of, find_of, resolves
from sandbox.shopify.state import Event
from sandbox.shopify.subscriptions import SubscriptionRefused, subscribe

NO_GROUP: dict[str, Any] = {"inventoryAdjustmentGroup": None}


def _write_once(
    info: GraphQLResolveInfo, arguments: dict[str, Any], empty: dict[str, Any], write: Callable[[Event], dict[str, Any]]
) -> dict[str, Any]:
    """Run an idempotent mutation and publish its event when it wrote."""
    context = context_of(info)
    key = require_key(info)

    def run() -> dict[str, Any]:
        event = context.event()
        result = write(event)
        context.webhooks.publish(event)
        return result

    return once(context, key=key, mutation=info.field_name, arguments=arguments, empty=empty, run=run)


@resolves("Mutation.inventorySetQuantities")
def inventory_set_quantities(_: Any, info: GraphQLResolveInfo, *, input: dict[str, Any]) -> Any:
    require_compare_argument(input["quantities"], input_type="InventoryQuantityInput")
    return _write_once(
        info,
        input,
        NO_GROUP,
        lambda event: inventory.set_quantities(
            event,
            name=input["name"],
            rows=input["quantities"],
            reason=input["reason"],
            reference=input.get("referenceDocumentUri"),
        ),
    )


@resolves("Mutation.inventorySetOnHandQuantities")
def inventory_set_on_hand_quantities(_: Any, info: GraphQLResolveInfo, *, input: dict[str, Any]) -> Any:
    require_compare_argument(input["setQuantities"], input_type="InventorySetQuantityInput")
    return _write_once(
        info,
        input,
        NO_GROUP,
        lambda event: inventory.set_quantities(
            event,
            name="on_hand",
            rows=input["setQuantities"],
            reason=input["reason"],
            reference=input.get("referenceDocumentUri"),
            path=("input", "setQuantities"),
        ),
    )


@resolves("Mutation.inventoryAdjustQuantities")
def inventory_adjust_quantities(_: Any, info: GraphQLResolveInfo, *, input: dict[str, Any]) -> Any:
    require_compare_argument(input["changes"], input_type="InventoryChangeInput")
    return _write_once(
        info,
        input,
        NO_GROUP,
        lambda event: inventory.adjust_quantities(
            event,
            name=input["name"],
            rows=input["changes"],
            reason=input["reason"],
            reference=input.get("referenceDocumentUri"),
        ),
    )


@resolves("Mutation.inventoryActivate")
def inventory_activate(_: Any, info: GraphQLResolveInfo, *, inventoryItemId: str, locationId: str, available: int | None = None,
                       onHand: int | None = None, stockAtLegacyLocation: bool | None = None) -> Any:  # fmt: skip
    arguments = {"item": inventoryItemId, "location": locationId, "available": available, "onHand": onHand}
    return _write_once(
        info,
        arguments,
        {"inventoryLevel": None},
        lambda event: inventory.activate(
            event, item_id=inventoryItemId, location_id=locationId, available=available, on_hand=onHand
        ),
    )


@resolves("Mutation.inventoryDeactivate")
def inventory_deactivate(_: Any, info: GraphQLResolveInfo, *, inventoryLevelId: str) -> Any:
    context = context_of(info)
    event = context.event()
    level = find_of(Level, context.shop, inventoryLevelId)
    result = inventory.deactivate(event, level=level)
    context.webhooks.publish(event)
    if level is not None and not result["userErrors"]:
        gone = {"inventory_item_id": level.item.number, "location_id": level.location.number}
        context.webhooks.emit(
            context.shop, "INVENTORY_LEVELS_DISCONNECT", event_id=event.id, now=event.now, build=lambda: gone
        )
    return result


def _is_hs_code(code: str | None) -> bool:
    return code is None or (code.isdigit() and 6 <= len(code) <= 13)


HS_MESSAGE = "Harmonized system code must be a number between six and thirteen digits"


def change_item(item: Item, values: dict[str, Any], path: tuple[str, ...]) -> list[dict[str, Any]]:
    """Apply an ``InventoryItemInput``; user errors and nothing changed when something is wrong with it."""
    errors = []
    countries = values.get("countryHarmonizedSystemCodes")
    if not _is_hs_code(values.get("harmonizedSystemCode")):
        errors.append(user_error((*path, "harmonizedSystemCode"), HS_MESSAGE))
    for index, row in enumerate(countries or ()):
        if not _is_hs_code(row["harmonizedSystemCode"]):
            field = (*path, "countryHarmonizedSystemCodes", str(index), "harmonizedSystemCode")
            errors.append(user_error(field, HS_MESSAGE))
    if errors:
        return errors
    if "harmonizedSystemCode" in values:
        item.harmonized_system_code = values["harmonizedSystemCode"]
    if countries is not None:
        item.country_codes = {
            row["countryCode"]: row["harmonizedSystemCode"] for row in countries if row.get("countryCode")
        }
    if "countryCodeOfOrigin" in values:
        item.country_code_of_origin = values["countryCodeOfOrigin"]
    if values.get("tracked") is not None:
        item.tracked = values["tracked"]
    if values.get("requiresShipping") is not None:
        item.requires_shipping = values["requiresShipping"]
    if "sku" in values:
        item.variant.sku = values["sku"]
    return []


@resolves("Mutation.inventoryItemUpdate")
def inventory_item_update(_: Any, info: GraphQLResolveInfo, *, id: str, input: dict[str, Any]) -> Any:
    context = context_of(info)
    item = find_of(Item, context.shop, id)
    if item is None:
        message = "The specified inventory item could not be found."
        return {"inventoryItem": None, "userErrors": [user_error(("id",), message)]}
    if errors := change_item(item, input, ("input",)):
        return {"inventoryItem": None, "userErrors": errors}
    event = context.event()
    context.shop.touch(item, now=context.now)
    context.shop.touch(item.variant, now=context.now)
    event.change_product(item.variant.product)
    payload = {"id": item.number, "admin_graphql_api_id": item.gid, "sku": item.sku, "tracked": item.tracked}
    event.say("INVENTORY_ITEMS_UPDATE", payload)
    context.webhooks.publish(event)
    return {"inventoryItem": item, "userErrors": []}


def _variant_errors(product: Product, row: dict[str, Any], index: int, variant: Variant | None) -> list[dict[str, Any]]:
    path = ("variants", str(index))
    if not row.get("id"):
        return [user_error((*path, "id"), "Product variant is missing ID attribute", "PRODUCT_VARIANT_ID_MISSING")]
    if variant is None or variant.product is not product:
        return [user_error((*path, "id"), "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST")]
    if row.get("inventoryQuantities") or row.get("quantityAdjustments"):
        message = "Inventory quantities can only be provided during create. To update inventory for existing variants, use inventoryAdjustQuantities."
        return [user_error((*path, "inventoryQuantities"), message, "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE")]
    if "price" in row:
        try:
            price = Decimal(str(row["price"]))
        except InvalidOperation:
            return [user_error((*path, "price"), "Price is invalid", "INVALID_INPUT")]
        if price < 0:
            message = "Price must be greater than or equal to 0"
            return [user_error((*path, "price"), message, "GREATER_THAN_OR_EQUAL_TO")]
    return []


@resolves("Mutation.productVariantsBulkUpdate")
def product_variants_bulk_update(_: Any, info: GraphQLResolveInfo, *, productId: str, variants: list[dict[str, Any]],
                                 allowPartialUpdates: bool | None = None, media: Any = None) -> Any:  # fmt: skip
    """Policy, price, barcode and the item's fields; never quantities."""
    context = context_of(info)
    product = find_of(Product, context.shop, productId)
    if product is None:
        error = user_error(("productId",), "Product does not exist", "PRODUCT_DOES_NOT_EXIST")
        return {"product": None, "productVariants": None, "userErrors": [error]}
    errors, good = [], []
    for index, row in enumerate(variants):
        variant = find_of(Variant, context.shop, row.get("id") or "")
        wrong = _variant_errors(product, row, index, variant)
        errors += wrong
        if not wrong:
            good.append((variant, row, index))
    if errors and not allowPartialUpdates:
        return {"product": product, "productVariants": None, "userErrors": errors}
    event = context.event()
    changed = []
    for variant, row, index in good:
        if "inventoryItem" in row:
            wrong = change_item(variant.item, row["inventoryItem"] or {}, ("variants", str(index), "inventoryItem"))
            if wrong:
                errors += [{**each, "code": "INVALID_INPUT"} for each in wrong]
                continue
        if row.get("inventoryPolicy"):
            variant.inventory_policy = row["inventoryPolicy"]
        if "price" in row:
            variant.price = Decimal(str(row["price"]))
        if "barcode" in row:
            variant.barcode = row["barcode"]
        if row.get("taxable") is not None:
            variant.taxable = row["taxable"]
        context.shop.touch(variant, now=context.now)
        event.change_product(product)
        changed.append(variant)
    context.webhooks.publish(event)
    return {"product": product, "productVariants": changed, "userErrors": errors}


@resolves("Mutation.bulkOperationRunQuery")
def bulk_operation_run_query(_: Any, info: GraphQLResolveInfo, *, query: str, groupObjects: bool) -> Any:
    return context_of(info).bulk_runner.start(context_of(info), query=query, group_objects=groupObjects)


@resolves("Mutation.bulkOperationCancel")
def bulk_operation_cancel(_: Any, info: GraphQLResolveInfo, *, id: str) -> Any:
    operation = find_of(BulkOperation, context_of(info).shop, id)
    if operation is None:
        return {"bulkOperation": None, "userErrors": [user_error(("id",), "Bulk operation does not exist")]}
    if operation.status not in ("CREATED", "RUNNING"):
        message = f"A bulk operation cannot be canceled when it is {operation.status.lower()}"
        return {"bulkOperation": operation, "userErrors": [user_error(None, message)]}
    operation.status = "CANCELING"
    return {"bulkOperation": operation, "userErrors": []}


@resolves("Mutation.webhookSubscriptionCreate")
def webhook_subscription_create(
    _: Any, info: GraphQLResolveInfo, *, topic: str, webhookSubscription: dict[str, Any]
) -> Any:
    context = context_of(info)
    try:
        subscription = subscribe(context.shop, topic=topic, values=webhookSubscription, now=context.now)
    except SubscriptionRefused as refusal:
        return {"webhookSubscription": None, "userErrors": [user_error(refusal.field, refusal.message)]}
    return {"webhookSubscription": subscription, "userErrors": []}


@resolves("Mutation.webhookSubscriptionUpdate")
def webhook_subscription_update(
    _: Any, info: GraphQLResolveInfo, *, id: str, webhookSubscription: dict[str, Any]
) -> Any:
    context = context_of(info)
    old = find_of(Subscription, context.shop, id)
    if old is None:
        error = user_error(("id",), "Webhook subscription does not exist")
        return {"webhookSubscription": None, "userErrors": [error]}
    try:
        subscribe(context.shop, topic=old.topic, values=webhookSubscription, now=context.now, change=old)
    except SubscriptionRefused as refusal:
        return {"webhookSubscription": None, "userErrors": [user_error(refusal.field, refusal.message)]}
    return {"webhookSubscription": old, "userErrors": []}


@resolves("Mutation.webhookSubscriptionDelete")
def webhook_subscription_delete(_: Any, info: GraphQLResolveInfo, *, id: str) -> Any:
    shop = context_of(info).shop
    subscription = find_of(Subscription, shop, id)
    if subscription is None or subscription.from_configuration:
        error = user_error(("id",), "Webhook subscription does not exist")
        return {"deletedWebhookSubscriptionId": None, "userErrors": [error]}
    subscription.deleted = True
    del shop.subscriptions[subscription.number]
    return {"deletedWebhookSubscriptionId": subscription.gid, "userErrors": []}
