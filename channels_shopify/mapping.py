"""Catalogue and quantities: Shopify's GraphQL objects as domain values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from channels_shopify.errors import user_error, user_errors
from channels_shopify.values import as_map, digits, flag, maps, money, nodes, whole
from inventory_sync.domain.errors import ChannelError
from inventory_sync.domain.ports import Identity, RowRef, StockReading
from inventory_sync.domain.snapshots import (
    Fulfilment,
    Hazard,
    ListingIds,
    ListingSnapshot,
    LocationQuantity,
    LocationSnapshot,
)


def identity(data: Mapping[str, Any], *, required_scopes: Sequence[str]) -> Identity:
    """Who the token belongs to, and which of the required scopes it lacks. A write scope includes its read scope."""
    shop = as_map(data.get("shop"))
    granted = {str(each.get("handle")) for each in maps(as_map(data.get("currentAppInstallation")).get("accessScopes"))}
    granted |= {scope.replace("write_", "read_", 1) for scope in granted if scope.startswith("write_")}
    return Identity(
        identity=str(shop.get("myshopifyDomain") or "").lower(),
        name=str(shop.get("name") or ""),
        missing=tuple(scope for scope in required_scopes if scope not in granted),
    )


def location(node: Mapping[str, Any]) -> LocationSnapshot:
    """A location. One of a fulfilment service belongs to that service: not managed by us."""
    service = as_map(node.get("fulfillmentService"))
    foreign = flag(node.get("isFulfillmentService")) or (bool(service) and str(service.get("handle")) != "manual")
    return LocationSnapshot(
        location_id=digits(node.get("id")),
        name=str(node.get("name") or ""),
        active=node.get("isActive") is not False,
        managed=not foreign,
    )


def listing(
    node: Mapping[str, Any], *, levels: Mapping[str, LocationQuantity], managed: frozenset[str]
) -> ListingSnapshot:
    """
    A variant as a listing.

    :param levels: what it shows, by location id; locations that don't stock it are left out.
    :param managed: locations that we may write; stock to sell anywhere else is a hazard.
    """
    item, product = as_map(node.get("inventoryItem")), as_map(node.get("product"))
    sku = str(node.get("sku") or item.get("sku") or "")
    hazards = set()
    if str(node.get("inventoryPolicy") or "").upper() == "CONTINUE":
        hazards.add(Hazard.CONTINUES_SELLING)
    if item.get("tracked") is False:
        hazards.add(Hazard.UNTRACKED)
    if flag(node.get("requiresComponents")):
        hazards.add(Hazard.BUNDLE_PARENT)
    if any((each.quantity or 0) > 0 for place, each in levels.items() if each.enabled and place not in managed):
        hazards.add(Hazard.UNMANAGED_STOCK)
    attributes = {
        **{str(option.get("name")): option.get("value") for option in _options(node)},
        "brand": product.get("vendor"),
        "product_title": product.get("title"),
        "variant_title": node.get("title"),
        "product_status": product.get("status"),
        "country_of_origin": item.get("countryCodeOfOrigin"),
        "duplicate_skus": whole(item.get("duplicateSkuCount")) or None,
    }
    return ListingSnapshot(
        ids=listing_ids(node),
        title=str(node.get("displayName") or product.get("title") or sku),
        fulfilment=Fulfilment.SHOPIFY,
        active=str(product.get("status") or "").upper() not in ("DRAFT", "ARCHIVED"),  # UNLISTED sells by its link
        locations=tuple(levels[place] for place in sorted(levels)),
        price=money(node.get("price")),
        barcode=str(node.get("barcode") or ""),
        hsn=_hsn(node, item),
        product_type=str(product.get("productType") or ""),
        hazards=frozenset(hazards),
        attributes={name: str(value) for name, value in attributes.items() if value not in (None, "")},
    )


def _options(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What tells this variant from the product's others (size, colour); a product without options has only a placeholder."""
    return [
        each for each in maps(node.get("selectedOptions")) if each.get("name") and each.get("value") != "Default Title"
    ]


def listing_ids(variant: Mapping[str, Any]) -> ListingIds:
    """How a GraphQL variant is named: variant id, SKU, product id, inventory item id."""
    item = as_map(variant.get("inventoryItem"))
    return ListingIds(
        key=digits(variant.get("id")) or digits(variant.get("legacyResourceId")),
        seller_sku=str(variant.get("sku") or item.get("sku") or ""),
        product_id=digits(as_map(variant.get("product")).get("id")),
        listing_ref=digits(item.get("id")) or digits(item.get("legacyResourceId")),
    )


def _hsn(node: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    """HSN: the item's entry for India, else its general HS code, else the shop's own metafield."""
    for entry in nodes(item.get("countryHarmonizedSystemCodes")):
        if str(entry.get("countryCode") or "").upper() == "IN" and entry.get("harmonizedSystemCode"):
            return str(entry["harmonizedSystemCode"])
    return str(item.get("harmonizedSystemCode") or as_map(node.get("hsnMetafield")).get("value") or "").strip()


def available(level: Any) -> int | None:
    """``available`` of a level; None where there is no level or nobody counts it. It may be below zero."""
    for each in maps(as_map(level).get("quantities")):
        if each.get("name") == "available":
            return whole(each.get("quantity"))
    return None


def items_by_id(found: Any) -> dict[str, Mapping[str, Any]]:
    """Inventory items of a ``nodes`` answer by their number; deleted ones are null and left out."""
    return {digits(each.get("id")): each for each in maps(found) if each.get("id")}


def level_quantity(item: Mapping[str, Any], *, location_id: str) -> LocationQuantity | None:
    """What an item shows at the asked location; None where it was never stocked."""
    level = as_map(item.get("inventoryLevel"))
    if not level:
        return None
    return LocationQuantity(
        location_id=location_id, quantity=available(level), enabled=level.get("isActive") is not False
    )


def reading(row: RowRef, item: Mapping[str, Any] | None, *, began_at: datetime) -> StockReading:
    """
    One row as Shopify shows it.

    An item that is not (or no longer) stocked at the location sells nothing there: quantity None, ``enabled`` False. It is activated by
    a push without ``compared``.
    """
    if item is None:
        return StockReading(row_id=row.row_id, quantity=None, began_at=began_at, active=False)
    shown = level_quantity(item, location_id=row.location_id)
    enabled = shown is not None and shown.enabled
    return StockReading(
        row_id=row.row_id,
        quantity=shown.quantity if shown is not None and enabled else None,
        began_at=began_at,
        active=True,
        enabled=enabled,
        hazards=frozenset({Hazard.UNTRACKED}) if item.get("tracked") is False else frozenset(),
    )


def set_errors(payload: Mapping[str, Any], *, request_id: str) -> list[tuple[int | None, ChannelError]]:
    """
    The user errors of a quantity write, each with the row it names; None where it names none (a stale comparison never does).
    """
    found: list[tuple[int | None, ChannelError]] = []
    for code, message, field in user_errors(payload):
        row = None
        if "quantities" in field:
            after = field[field.index("quantities") + 1 :]
            row = int(after[0]) if after and after[0].isdigit() else None
        found.append((row, user_error(code=code, message=message, request_id=request_id)))
    return found


def changed_pairs(payload: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(item, location) pairs whose ``available`` the write changed. Rows that already had their value are not among them."""
    group = as_map(payload.get("inventoryAdjustmentGroup"))
    return {
        (digits(as_map(each.get("item")).get("id")), digits(as_map(each.get("location")).get("id")))
        for each in maps(group.get("changes"))
        if each.get("name") in (None, "available")
    }
