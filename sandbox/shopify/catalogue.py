"""Reading a shop's catalogue from the control API. The shape stands in :func:`load_shop`."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.shopify.access import DEFAULT_SCOPES
from sandbox.shopify.costs import Bucket
from sandbox.shopify.model import STORED_STATES, Ids, Item, Location, Product, Variant, number_of
from sandbox.shopify.settings import PLANS, Settings
from sandbox.shopify.state import SearchIndex, Shop, Token
from sandbox.shopify.subscriptions import SubscriptionRefused, subscribe
from sandbox.world import World

SHOP_DOMAIN = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-_]*\.myshopify\.com\Z")
DEMO_DOMAIN = "demo-store.myshopify.com"
DEMO_CLIENT_ID = "demo-client-id"
DEMO_CLIENT_SECRET = "demo-client-secret"
DEMO_TOKEN = "shpat_demo_static_token"
DEMO_ADDRESS: dict[str, str | None] = {
    "address1": None,
    "address2": None,
    "city": "Bengaluru",
    "province": "Karnataka",
    "provinceCode": "KA",
    "country": "India",
    "countryCode": "IN",
    "zip": "560001",
}


def _only(values: Mapping[str, Any], what: str, known: str) -> None:
    if not isinstance(values, Mapping):
        raise ValueError(f"{what} must be a JSON object")
    if unknown := values.keys() - set(known.split()):
        raise ValueError(f"{what} has unknown fields {sorted(unknown)}; known: {sorted(known.split())}")


def load_shop(
    values: Mapping[str, Any], *, world: World, lock: threading.RLock, ids: Ids, known: Mapping[str, Shop], now: datetime
) -> Shop:  # fmt: skip
    """
    One shop from JSON; everything is optional, ids are numbers, digits or global ids::

        {"domain", "name", "client_id", "client_secret", "webhook_secret", "static_tokens": [...], "scopes": [...],
         "order_prefix", "timezone", "settings": {...}, "webhooks": [{"topic", "uri", ...}],      (by app configuration)
         "locations": [{"id", "name", "active", "fulfills_online_orders", "ships_inventory", "fulfillment_service", "address"}],
         "products": [{"id", "title", "status", "vendor", "product_type", "tags", "variants": [VARIANT, ...]}],
         "variants": [VARIANT + "product_title", ...]}                              (each becomes a product of its own)

        VARIANT = {"id", "inventory_item_id", "sku", "barcode", "title", "price", "inventory_policy": "DENY" | "CONTINUE",
                   "options": {"Size": "M"}, "tracked", "taxable", "requires_components", "bundle": [[variant id, units]], "hs_code",
                   "country_hs_codes": {"IN": "620442"}, "country_of_origin", "metafields": {"custom.hsn_code": "6204"},
                   "quantities": 5 (at the first location) | {location id: 5 | {"available": 5, "damaged": 1, ...}},
                   "components": [["SKU", 1]]}                                      (physical SKUs, for the world's truth)

    Quantities are per location that is named: any other location has no level. Locations stand in order of routing priority.

    :raises ValueError: something in it is not understood; nothing is loaded then.
    """
    _only(
        values,
        "the shop",
        "domain name client_id client_secret webhook_secret static_tokens scopes order_prefix timezone settings webhooks "
        "locations products variants",
    )
    domain = str(values.get("domain", DEMO_DOMAIN))
    if not SHOP_DOMAIN.match(domain):
        raise ValueError(f"{domain!r} is no shop domain (name.myshopify.com)")
    settings = Settings().changed(values.get("settings", {}))
    secret = str(values.get("client_secret", DEMO_CLIENT_SECRET))
    shop = Shop(
        domain=domain,
        name=str(values.get("name", domain.split(".", maxsplit=1)[0])),
        number=67000000000 + len(known) + 1,
        client_id=str(values.get("client_id", DEMO_CLIENT_ID)),
        client_secret=secret,
        webhook_secret=str(values.get("webhook_secret", secret)),
        scopes=set(values.get("scopes", DEFAULT_SCOPES)),
        settings=settings,
        bucket=Bucket(points_per_second=PLANS[settings.plan], clock_factor=world.clock.factor),
        index=SearchIndex(world=world, lock=lock),
        ids=ids,
        order_prefix=str(values.get("order_prefix", "#")),
        timezone=str(values.get("timezone", "Asia/Kolkata")),
        created_at=now,
    )
    for token in values.get("static_tokens", [DEMO_TOKEN]):
        shop.tokens[str(token)] = Token(value=str(token), expires_at=None)
    for row in values.get("locations", [{}]):
        add_location(shop, row, now=now)
    for row in values.get("products", []):
        add_product(shop, row, world=world, now=now)
    for row in values.get("variants", []):
        product = {"title": row.get("product_title", row.get("title") or row.get("sku") or "Product")}
        add_product(
            shop,
            {**product, "variants": [{name: value for name, value in row.items() if name != "product_title"}]},
            world=world,
            now=now,
        )
    for row in values.get("webhooks", []):
        try:
            subscribe(shop, topic=row["topic"], values=row, now=now, from_configuration=True)
        except SubscriptionRefused as refusal:
            raise ValueError(f"webhook {row}: {refusal.message}") from refusal
    for thing in (*shop.locations.values(), *shop.products.values(), *shop.variants.values(), *shop.items.values()):
        shop.index.put(thing)
    for level in shop.levels():
        shop.index.put(level)
    return shop


def add_location(shop: Shop, row: Mapping[str, Any], *, now: datetime) -> Location:
    known = "id name active fulfills_online_orders ships_inventory fulfillment_service address"
    _only(row, "a location", known)
    number = _number(shop, "Location", row.get("id"), shop.locations)
    location = Location(
        number=number,
        name=str(row.get("name", f"Location {len(shop.locations) + 1}")),
        is_active=bool(row.get("active", True)),
        fulfills_online_orders=bool(row.get("fulfills_online_orders", True)),
        ships_inventory=bool(row.get("ships_inventory", True)),
        fulfillment_service_handle=row.get("fulfillment_service"),
        address={**DEMO_ADDRESS, **row.get("address", {})},
        created_at=now,
        updated_at=now,
    )
    shop.locations[number] = location
    return location


def add_product(shop: Shop, row: Mapping[str, Any], *, world: World, now: datetime) -> Product:
    _only(row, "a product", "id title status vendor product_type tags metafields variants")
    product = Product(
        number=_number(shop, "Product", row.get("id"), shop.products),
        title=str(row.get("title", "Product")),
        status=str(row.get("status", "ACTIVE")).upper(),
        vendor=str(row.get("vendor", "")),
        product_type=str(row.get("product_type", "")),
        tags=list(row.get("tags", [])),
        metafields=_metafields(row.get("metafields", {})),
        created_at=now,
        updated_at=now,
    )
    shop.products[product.number] = product
    for variant in row.get("variants", [{}]):
        add_variant(shop, product, variant, world=world, now=now)
    return product


def add_variant(shop: Shop, product: Product, row: Mapping[str, Any], *, world: World, now: datetime) -> Variant:
    _only(
        row,
        "a variant",
        "id inventory_item_id sku barcode title price inventory_policy tracked taxable requires_components bundle hs_code "
        "country_hs_codes country_of_origin metafields quantities components options",
    )
    policy = str(row.get("inventory_policy", "DENY")).upper()
    if policy not in ("DENY", "CONTINUE"):
        raise ValueError("inventory_policy must be DENY or CONTINUE")
    variant = Variant(
        number=_number(shop, "ProductVariant", row.get("id"), shop.variants),
        product=product,
        title=str(row.get("title", "Default Title")),
        sku=row.get("sku"),
        barcode=row.get("barcode"),
        price=_price(row.get("price", "499.00")),
        taxable=bool(row.get("taxable", True)),
        position=len(product.variants) + 1,
        inventory_policy=policy,
        requires_components=bool(row.get("requires_components", bool(row.get("bundle")))),
        bundle=tuple((number_of(key), int(units)) for key, units in row.get("bundle", ())),
        options={str(name): str(value) for name, value in row.get("options", {}).items()},
        metafields=_metafields(row.get("metafields", {})),
        created_at=now,
        updated_at=now,
    )
    variant.item = Item(
        number=_number(shop, "InventoryItem", row.get("inventory_item_id"), shop.items),
        variant=variant,
        tracked=bool(row.get("tracked", True)),
        harmonized_system_code=row.get("hs_code"),
        country_codes=dict(row.get("country_hs_codes", {})),
        country_code_of_origin=row.get("country_of_origin"),
        created_at=now,
        updated_at=now,
    )
    _put_quantities(shop, variant.item, row.get("quantities", {}), now=now)
    product.variants.append(variant)
    shop.variants[variant.number] = variant
    shop.items[variant.item.number] = variant.item
    if "components" in row:
        components = tuple((str(sku), int(units)) for sku, units in row["components"])
        world.set_components("shopify", str(variant.number), components)
    return variant


def _put_quantities(shop: Shop, item: Item, quantities: Any, *, now: datetime) -> None:
    if isinstance(quantities, int):
        first = next(iter(shop.locations))
        quantities = {first: quantities}
    for key, states in quantities.items():
        level = shop.activate(item, shop.find_location(key), now=now)
        for state, units in {"available": states}.items() if isinstance(states, int) else states.items():
            if state not in STORED_STATES:
                raise ValueError(f"unknown inventory state {state!r}; known: {list(STORED_STATES)}")
            level.states[state] = int(units)


def _metafields(values: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    return {
        name: (str(value), "single_line_text_field") if not isinstance(value, Sequence) or isinstance(value, str) else tuple(value)
        for name, value in values.items()
    }  # fmt: skip


def _price(value: object) -> Decimal:
    try:
        return Decimal(str(value)).quantize(Decimal("0.01"))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no price") from None


def _number(shop: Shop, kind: str, given: object, taken: Mapping[int, Any]) -> int:
    if given is None:
        return shop.ids.next(kind, taken=lambda number: number in taken)
    number = number_of(given)
    if number in taken:
        raise ValueError(f"{kind} {number} stands twice")
    return number
