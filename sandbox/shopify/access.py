"""Which access scopes a field needs (from ``requiredAccess`` of the official schema; the first named is the one we ask for)."""

from __future__ import annotations

from graphql import GraphQLError

from sandbox.shopify.state import Shop

ANY_FULFILLMENT_ORDERS = (
    "read_assigned_fulfillment_orders",
    "read_merchant_managed_fulfillment_orders",
    "read_third_party_fulfillment_orders",
    "read_marketplace_fulfillment_orders",
)
INVENTORY_OR_PRODUCTS = ("read_inventory", "read_products")
LOCATIONS = ("read_locations",)
DEFAULT_SCOPES = frozenset(
    [
        "read_products",
        "write_products",
        "read_inventory",
        "write_inventory",
        "read_locations",
        "read_orders",
        "read_returns",
        "read_merchant_managed_fulfillment_orders",
        "read_fulfillments",
    ]
)

FIELD_SCOPES: dict[str, tuple[str, ...]] = {
    "QueryRoot.location": (*LOCATIONS, "read_inventory"),
    "QueryRoot.locations": (*LOCATIONS, "read_inventory"),
    "QueryRoot.product": ("read_products",),
    "QueryRoot.products": ("read_products",),
    "QueryRoot.productVariant": ("read_products",),
    "QueryRoot.productVariants": ("read_products",),
    "QueryRoot.inventoryItem": INVENTORY_OR_PRODUCTS,
    "QueryRoot.inventoryItems": INVENTORY_OR_PRODUCTS,
    "QueryRoot.inventoryLevel": ("read_inventory",),
    "QueryRoot.order": ("read_orders",),
    "QueryRoot.orders": ("read_orders",),
    "Mutation.inventorySetQuantities": ("write_inventory",),
    "Mutation.inventoryAdjustQuantities": ("write_inventory",),
    "Mutation.inventorySetOnHandQuantities": ("write_inventory",),
    "Mutation.inventoryActivate": ("write_inventory",),
    "Mutation.inventoryDeactivate": ("write_inventory",),
    "Mutation.inventoryItemUpdate": ("write_inventory",),
    "Mutation.productVariantsBulkUpdate": ("write_products",),
    "InventoryItem.duplicateSkuCount": ("read_inventory",),
    "InventoryItem.inventoryLevel": ("read_inventory",),
    "InventoryItem.inventoryLevels": ("read_inventory",),
    "LineItem.variant": ("read_products",),
    "LineItem.product": ("read_products",),
    "Order.fulfillmentOrders": ANY_FULFILLMENT_ORDERS,
    "Order.returns": ("read_returns",),
    **{
        f"Location.{name}": LOCATIONS
        for name in [
            "name",
            "isActive",
            "fulfillsOnlineOrders",
            "shipsInventory",
            "isFulfillmentService",
            "fulfillmentService",
            "address",
            "inventoryLevel",
            "inventoryLevels",
            "createdAt",
            "updatedAt",
        ]
    },
}
NODE_SCOPES = {
    "Location": "QueryRoot.location",
    "Product": "QueryRoot.product",
    "Variant": "QueryRoot.productVariant",
    "Item": "QueryRoot.inventoryItem",
    "Level": "QueryRoot.inventoryLevel",
    "Order": "QueryRoot.order",
}
TOPIC_SCOPES = {
    "ORDERS": ("read_orders",),
    "REFUNDS": ("read_orders",),
    "FULFILLMENTS": ("read_fulfillments",),
    "RETURNS": ("read_returns",),
    "INVENTORY": ("read_inventory",),
    "PRODUCTS": ("read_products",),
    "LOCATIONS": ("read_locations",),
}


def require_access(shop: Shop, type_name: str, field_name: str) -> None:
    """
    :raises GraphQLError: ACCESS_DENIED.
    """
    scopes = FIELD_SCOPES.get(f"{type_name}.{field_name}")
    if scopes is None or shop.scopes.intersection(scopes):
        return
    needed = " or ".join(f"`{scope}` access scope" for scope in scopes)
    raise GraphQLError(
        f"Access denied for {field_name} field. Required access: {needed}.",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": f"{needed}.",
        },
    )


def node_is_readable(shop: Shop, model_name: str) -> bool:
    """Whether ``node`` and ``nodes`` may show an object of that class of :mod:`sandbox.shopify.model`."""
    scopes = FIELD_SCOPES.get(NODE_SCOPES.get(model_name, ""))
    return scopes is None or bool(shop.scopes.intersection(scopes))


def missing_topic_scope(shop: Shop, topic: str) -> str | None:
    """The scope that a webhook topic needs and the app has not."""
    scopes = TOPIC_SCOPES.get(topic.split("_", 1)[0])
    if scopes is None or shop.scopes.intersection(scopes):
        return None
    return scopes[0]
