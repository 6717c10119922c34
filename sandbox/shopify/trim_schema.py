"""
Write the trimmed schema that the Shopify sandbox executes: the official one, less what nobody here asks for.

Run by hand when Shopify publishes a version::

    python -m sandbox.shopify.trim_schema admin-2026-10.introspection.json.gz sandbox/shopify/schema-2026-10.graphql

Object types keep the fields of :data:`KEEP`; enums, inputs and arguments stay whole, so bad input is refused as Shopify does.
A field that is kept but whose type is not listed is an error, so nothing is dropped by accident.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from graphql import build_client_schema, print_schema

ROOTS = {
    "QueryRoot": "shop currentAppInstallation location locations product products productVariant productVariants inventoryItem "
    "inventoryItems inventoryLevel node nodes order orders bulkOperation bulkOperations currentBulkOperation "
    "webhookSubscription webhookSubscriptions",
    "Mutation": "inventorySetQuantities inventoryAdjustQuantities inventorySetOnHandQuantities inventoryActivate "
    "inventoryDeactivate inventoryItemUpdate productVariantsBulkUpdate bulkOperationRunQuery bulkOperationCancel "
    "webhookSubscriptionCreate webhookSubscriptionUpdate webhookSubscriptionDelete",
}

OBJECTS = {
    "Shop": "id name myshopifyDomain currencyCode ianaTimezone taxesIncluded plan createdAt",
    "ShopPlan": "displayName publicDisplayName partnerDevelopment shopifyPlus",
    "AppInstallation": "id accessScopes",
    "AccessScope": "handle description",
    "Location": "id legacyResourceId name isActive fulfillsOnlineOrders shipsInventory isFulfillmentService fulfillmentService "
    "address inventoryLevel inventoryLevels createdAt updatedAt",
    "FulfillmentService": "id handle serviceName inventoryManagement type",
    "LocationAddress": "address1 address2 city province provinceCode country countryCode zip",
    "Product": "id legacyResourceId title handle status vendor productType tags totalInventory tracksInventory createdAt updatedAt "
    "hasVariantsThatRequiresComponents variants metafield",
    "ProductVariant": "id legacyResourceId sku barcode title displayName price taxable position inventoryPolicy inventoryQuantity "
    "sellableOnlineQuantity availableForSale requiresComponents createdAt updatedAt product inventoryItem metafield selectedOptions",
    "SelectedOption": "name value",
    "Metafield": "id namespace key value type",
    "InventoryItem": "id legacyResourceId sku tracked duplicateSkuCount harmonizedSystemCode countryCodeOfOrigin "
    "countryHarmonizedSystemCodes requiresShipping createdAt updatedAt variant inventoryLevel inventoryLevels",
    "CountryHarmonizedSystemCode": "countryCode harmonizedSystemCode",
    "InventoryLevel": "id isActive canDeactivate item location quantities createdAt updatedAt",
    "InventoryQuantity": "id name quantity updatedAt",
    "InventoryAdjustmentGroup": "id createdAt reason referenceDocumentUri changes",
    "InventoryChange": "name delta quantityAfterChange ledgerDocumentUri item location",
    "Order": "id legacyResourceId name number test confirmed sourceName createdAt processedAt updatedAt cancelledAt cancelReason "
    "closedAt closed edited displayFinancialStatus displayFulfillmentStatus taxesIncluded currencyCode currentTotalPriceSet "
    "totalPriceSet paymentGatewayNames tags lineItems refunds fulfillments fulfillmentOrders returns",
    "LineItem": "id sku name title variantTitle quantity currentQuantity unfulfilledQuantity nonFulfillableQuantity requiresShipping "
    "isGiftCard taxable variant product taxLines customAttributes originalUnitPriceSet",
    "Attribute": "key value",
    "TaxLine": "title rate ratePercentage priceSet",
    "MoneyBag": "shopMoney presentmentMoney",
    "MoneyV2": "amount currencyCode",
    "Refund": "id legacyResourceId createdAt updatedAt processedAt note refundLineItems",
    "RefundLineItem": "id quantity restockType restocked location lineItem",
    "Fulfillment": "id legacyResourceId name status createdAt updatedAt totalQuantity location",
    "FulfillmentOrder": "id status assignedLocation lineItems createdAt updatedAt",
    "FulfillmentOrderAssignedLocation": "name location",
    "FulfillmentOrderLineItem": "id remainingQuantity totalQuantity inventoryItemId sku lineItem",
    "Return": "id name status totalQuantity createdAt closedAt",
    "BulkOperation": "id type status errorCode query createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl",
    "WebhookSubscription": "id legacyResourceId topic uri callbackUrl format name filter includeFields metafieldNamespaces apiVersion "
    "createdAt updatedAt",
    "ApiVersion": "handle displayName supported",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "UserError": "field message",
    "Node": "id",
    "LegacyInteroperability": "legacyResourceId",
    "DisplayableError": "field message",
}
KEEP = {name: fields.split() for name, fields in (ROOTS | OBJECTS).items()}
WHOLE_SUFFIXES = ("Payload", "UserError", "Connection", "Edge")
INTERFACES = {"Node", "LegacyInteroperability", "DisplayableError"}


def named_type(reference: dict[str, Any]) -> str:
    """The name at the bottom of a wrapped type reference of an introspection."""
    while reference.get("ofType"):
        reference = reference["ofType"]
    return str(reference["name"])


def trim_type(kind: dict[str, Any]) -> dict[str, Any]:
    """One type with only what is kept. Descriptions go: they are nine tenths of the file."""
    kind = dict(kind, description=None)
    if kind["kind"] in ("OBJECT", "INTERFACE"):
        name = kind["name"]
        fields = kind["fields"]
        if name in KEEP:
            missing = set(KEEP[name]) - {field["name"] for field in fields}
            if missing:
                raise SystemExit(f"{name} has no field {sorted(missing)} in this version")
            fields = [field for field in fields if field["name"] in KEEP[name]]
        elif not name.endswith(WHOLE_SUFFIXES):
            raise SystemExit(f"{name} is reachable but not listed in KEEP")
        kind["fields"] = [
            dict(field, description=None, args=[dict(argument, description=None) for argument in field["args"]])
            for field in fields
        ]
        kind["interfaces"] = [
            interface for interface in kind.get("interfaces") or [] if interface["name"] in INTERFACES
        ]
    if kind["kind"] == "INPUT_OBJECT":
        kind["inputFields"] = [dict(field, description=None) for field in kind["inputFields"]]
    if kind["kind"] == "ENUM":
        kind["enumValues"] = [dict(value, description=None) for value in kind["enumValues"]]
    return kind


def trim(introspection: dict[str, Any]) -> dict[str, Any]:
    """
    The part of an introspection that is reachable from the kept root fields.

    :param introspection: the value under ``data`` of an introspection answer.
    """
    schema = introspection["__schema"]
    types = {kind["name"]: kind for kind in schema["types"]}
    todo = [*KEEP, "Boolean", "String"]
    kept: dict[str, dict[str, Any]] = {}
    while todo:
        name = todo.pop()
        if name in kept:
            continue
        kept[name] = kind = trim_type(types[name])
        for field in kind.get("fields") or []:
            todo.append(named_type(field["type"]))
            todo.extend(named_type(argument["type"]) for argument in field["args"])
        todo.extend(named_type(field["type"]) for field in kind.get("inputFields") or [])
    for kind in kept.values():
        if kind["kind"] == "INTERFACE":
            kind["possibleTypes"] = [item for item in kind["possibleTypes"] if item["name"] in kept]
    return {"__schema": dict(schema, types=[kept[name] for name in sorted(kept)])}


def main(source: str, target: str) -> None:
    """Read the official introspection from ``source`` (gzipped JSON), write SDL to ``target``."""
    with gzip.open(source) as file:
        schema = build_client_schema(trim(json.load(file)["data"]), assume_valid=True)  # type: ignore[arg-type]
    Path(target).write_text(print_schema(schema) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])
