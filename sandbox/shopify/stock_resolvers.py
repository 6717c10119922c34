"""Reading products, variants, items and their levels. See :mod:`sandbox.shopify.resolvers`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from sandbox.shopify.model import ALL_STATES, AdjustmentGroup, Item, Level, Location, Product, Variant, number_of
from sandbox.shopify.payloads import money
from sandbox.shopify.resolvers import context_of, find_of, paging, resolves
from sandbox.shopify.search import matching, page


@resolves("Product.variants")
def variants_of_product(
    source: Product, info: GraphQLResolveInfo, *, sortKey: str = "POSITION", **arguments: Any
) -> Any:
    key = (lambda each: each.number) if sortKey == "ID" else (lambda each: each.position)
    return page(source.variants, sort_key=key, **paging(info, arguments))


@resolves("Product.totalInventory")
def total_inventory(source: Product, info: GraphQLResolveInfo) -> int:
    return source.indexed_total


@resolves("Product.tracksInventory")
def tracks_inventory(source: Product, info: GraphQLResolveInfo) -> bool:
    return any(variant.item.tracked for variant in source.variants)


@resolves("Product.hasVariantsThatRequiresComponents")
def has_bundles(source: Product, info: GraphQLResolveInfo) -> bool:
    return any(variant.requires_components for variant in source.variants)


@resolves("ProductVariant.availableForSale")
def available_for_sale(source: Variant, info: GraphQLResolveInfo) -> bool:
    return source.product.status == "ACTIVE" and (source.sells_below_zero or source.sellable_online_quantity > 0)


@resolves("ProductVariant.price")
def price(source: Variant, info: GraphQLResolveInfo) -> str:
    return money(source.price)


@resolves("ProductVariant.metafield", "Product.metafield")
def metafield(source: Variant | Product, info: GraphQLResolveInfo, *, key: str, namespace: str | None = None) -> Any:
    name = f"{namespace}.{key}" if namespace else key
    if name not in source.metafields:
        return None
    value, kind = source.metafields[name]
    place, _, short = name.rpartition(".")
    number = list(source.metafields).index(name) + 1
    gid = f"gid://shopify/Metafield/{source.number}{number:02}"
    return {"id": gid, "namespace": place, "key": short, "value": value, "type": kind}


@resolves("InventoryItem.duplicateSkuCount")
def duplicate_sku_count(source: Item, info: GraphQLResolveInfo) -> int:
    if not source.sku:
        return 0
    context = context_of(info)
    if context.sku_counts is None:
        context.sku_counts = Counter(each.sku for each in list(context.shop.items.values()))
    return context.sku_counts[source.sku] - 1


@resolves("InventoryItem.countryHarmonizedSystemCodes")
def country_codes(source: Item, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    rows = [{"countryCode": country, "harmonizedSystemCode": code} for country, code in source.country_codes.items()]
    return page(rows, sort_key=lambda row: row["countryCode"], **paging(info, arguments))


@resolves("InventoryItem.inventoryLevel")
def level_of_item(source: Item, info: GraphQLResolveInfo, *, locationId: str, includeInactive: bool = False) -> Any:
    try:
        level = source.levels.get(number_of(locationId))
    except ValueError:
        return None
    return level if level is not None and (level.is_active or includeInactive) else None


@resolves("InventoryItem.inventoryLevels")
def levels_of_item(source: Item, info: GraphQLResolveInfo, *, query: str | None = None, includeInactive: bool = False,
                   **arguments: Any) -> Any:  # fmt: skip
    return _levels_page(info, list(source.levels.values()), query, includeInactive, arguments)


@resolves("Location.inventoryLevels")
def levels_of_location(source: Location, info: GraphQLResolveInfo, *, query: str | None = None, includeInactive: bool = False,
                       **arguments: Any) -> Any:  # fmt: skip
    items = list(context_of(info).shop.items.values())
    levels = [each.levels[source.number] for each in items if source.number in each.levels]
    return _levels_page(info, levels, query, includeInactive, arguments)


def _levels_page(
    info: GraphQLResolveInfo, levels: list[Level], query: str | None, inactive: bool, arguments: dict[str, Any]
) -> Any:
    shown = [each for each in levels if each.is_active or inactive]
    values = {"created_at": lambda each: each.created_at, "inventory_item_id": lambda each: each.item.number}
    return page(matching(shown, query, index=context_of(info).shop.index, values=values), **paging(info, arguments))


@resolves("Location.inventoryLevel")
def level_at_location(
    source: Location, info: GraphQLResolveInfo, *, inventoryItemId: str, includeInactive: bool = False
) -> Any:
    item = find_of(Item, context_of(info).shop, inventoryItemId)
    return level_of_item(item, info, locationId=source.gid, includeInactive=includeInactive) if item else None


@resolves("Location.fulfillmentService")
def fulfillment_service(source: Location, info: GraphQLResolveInfo) -> Any:
    handle = source.fulfillment_service_handle or "manual"
    return {
        "id": f"gid://shopify/FulfillmentService/{source.number}?id=true",
        "handle": handle,
        "serviceName": handle.replace("-", " ").title(),
        "inventoryManagement": source.is_fulfillment_service,
        "type": "THIRD_PARTY" if source.is_fulfillment_service else "MANUAL",
    }


@resolves("InventoryLevel.canDeactivate")
def can_deactivate(source: Level, info: GraphQLResolveInfo) -> bool:
    return sum(1 for each in source.item.levels.values() if each.is_active) > 1


@resolves("InventoryLevel.quantities")
def quantities(source: Level, info: GraphQLResolveInfo, *, names: list[str]) -> list[dict[str, Any]]:
    if unknown := [name for name in names if name not in ALL_STATES]:
        message = f"The following inventory quantity names are invalid: {', '.join(unknown)}"
        raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})
    return [
        {
            "id": f"gid://shopify/InventoryQuantity/{source.number}?inventory_item_id={source.item.number}&name={name}",
            "name": name,
            "quantity": source.quantity(name),
            "updatedAt": source.state_changed_at.get(name),
        }
        for name in names
    ]


@resolves("InventoryAdjustmentGroup.changes")
def changes(source: AdjustmentGroup, info: GraphQLResolveInfo, *, inventoryItemIds: list[str] | None = None,
            locationIds: list[str] | None = None, quantityNames: list[str] | None = None) -> Any:  # fmt: skip
    return [
        each
        for each in source.changes
        if (inventoryItemIds is None or each.item.gid in inventoryItemIds)
        and (locationIds is None or each.location.gid in locationIds)
        and (quantityNames is None or each.name in quantityNames)
    ]
