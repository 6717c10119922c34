"""
The verbs of ``POST /_control/shopify/<verb>`` that only Shopify has. JSON in, JSON out; ``shop`` (domain) is needed only with several.

    order          {"lines": [{"listing_key", "units", "properties"?} | {"title", "price", "units"}], "cod"?, "test"?, "location"?, "pos"?}
    orders         {}: every order as this API describes it
    refund         {"order_id", "line_id"?, "units"?, "restock_type"?: "return" | "cancel" | "no_restock", "location"?}
                   or {"order_id", "lines": [{"line_id", "units", "restock_type", "location"?}], "amount"?, "note"?}
    edit           {"order_id", "line_id"?, "listing_key"?, "delta": -1 | +2, "restock"?: true}
    return         {"order_id", "units"}: an approved return; stock moves with the refund
    close_return   {"order_id", "return_id"?}
    move           {"order_id", "from", "to"}: another location ships what is open
    mark_paid      {"order_id"}
    delete_order   {"order_id"}: a cancelled or test order
    set_level      {"listing_key", "location"?, "state"?: "available", "quantity" | "delta"}: staff in the admin
    set_variant    {"listing_key", "inventory_policy"? "tracked"? "sku"? "barcode"? "price"? "status"? "title"?}
    set_location   {"location", "active"? "fulfills_online_orders"? "ships_inventory"? "name"?}
    add_product    {product as in load}
    delete_product {"product"} or {"listing_key"} (that variant alone)
    settings       {setting: value, ...}: see settings.py; ``bucket_drain``: take so many points at once
    scopes         {"scopes": [...]}: what the app may do from now on
    tokens         {"action": "expire" | "revoke"}: every expiring token ends now / every token at all
    rotate_secret  {"client_secret"? , "webhook_secret"?}
    uninstall      {}: app/uninstalled goes out, tokens and subscriptions end
    reinstall      {"static_tokens"?: [...]}
    test_notification {"topic"?: "ORDERS_CREATE"}: to every subscription of the topic
    deliveries     {}: what became of each webhook
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.shopify import aftersale, orders
from sandbox.shopify.catalogue import add_product
from sandbox.shopify.model import STORED_STATES, Product, Variant, number_of
from sandbox.shopify.mutations import change_item
from sandbox.shopify.orders import Refused, Wanted
from sandbox.shopify.payloads import order_payload, product_payload, return_payload
from sandbox.shopify.state import Shop

if TYPE_CHECKING:
    from sandbox.shopify.marketplace import ShopifyMarketplace

Command = Callable[["ShopifyMarketplace", dict[str, Any]], dict[str, Any]]
COMMANDS: dict[str, Command] = {}


def command(takes: str) -> Callable[[Command], Command]:
    """Register a function as the verb of its name; the body may hold the named fields and ``shop``. ``*`` takes anything."""
    known = {*takes.split(), "shop"}

    def register(function: Command) -> Command:
        def checked(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
            if "*" not in known and (unknown := body.keys() - known):
                raise ValueError(f"unknown fields {sorted(unknown)}; this command takes {sorted(known)}")
            return function(market, body)

        COMMANDS[function.__name__.rstrip("_")] = checked
        return checked

    return register


def _variant(shop: Shop, key: object) -> Variant:
    variant = shop.find_variant(key)
    if variant is None:
        raise LookupError(f"listing {key!r}")
    return variant


def _shop_of(market: ShopifyMarketplace, body: dict[str, Any]) -> Shop:
    """The shop named, the only one, or the one that has the listing."""
    if body.get("shop") is None and body.get("listing_key") is not None:
        found = [shop for shop in market.shops.values() if shop.find_variant(body["listing_key"])]
        if len(found) == 1:
            return found[0]
    return market.shop(body.get("shop"))


@command("lines cod test location pos")
def order(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    from sandbox.shopify.marketplace import custom_wanted

    shop = market.shop(body.get("shop"))
    wanted = [
        custom_wanted(row)
        if "listing_key" not in row
        else Wanted(
            variant=_variant(shop, row["listing_key"]),
            units=int(row.get("units", 1)),
            properties=list(row.get("properties", ())),
        )
        for row in body["lines"]
    ]
    if not wanted or any(each.units < 1 for each in wanted):
        raise ValueError("an order needs lines of at least one unit")
    purchase = market.place(
        shop,
        wanted,
        cod=bool(body.get("cod")),
        test=bool(body.get("test")),
        forced=shop.find_location(body["location"]) if body.get("location") is not None else None,
        source_name="pos" if body.get("pos") else "web",
    )
    return {**asdict(purchase), "line_ids": list(purchase.line_ids)}


@command("")
def orders_(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    return {"orders": [market.describe(each) for each in market.shop(body.get("shop")).orders.values()]}


@command("order_id line_id units restock_type location lines amount note")
def refund(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop, found = market.find_order(body["order_id"], body.get("shop"))
    rows = body.get("lines")
    if rows is None:
        rows = [body] if "units" in body or "restock_type" in body else []
    parts = [
        aftersale.RefundPart(
            line=orders.find_line(found, row.get("line_id")),
            units=int(row.get("units", 1)),
            restock_type=str(row.get("restock_type", "return")),
            location=shop.find_location(row["location"]) if row.get("location") is not None else None,
        )
        for row in rows
    ]
    amount = Decimal(str(body["amount"])) if "amount" in body else None
    if not parts and amount is None:
        raise ValueError("a refund needs lines, units or an amount")
    event = market.event(shop)
    done = aftersale.refund_order(event, market, found, parts, amount=amount, note=body.get("note"))
    market.webhooks.publish(event)
    return {**market.describe(found), "refund_id": str(done.number)}


@command("order_id line_id listing_key delta restock")
def edit(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop, found = market.find_order(body["order_id"], body.get("shop"))
    adds_line = "listing_key" in body
    event = market.event(shop)
    line = orders.edit_order(
        event,
        market,
        found,
        line=None if adds_line else orders.find_line(found, body.get("line_id")),
        variant=_variant(shop, body["listing_key"]) if adds_line else None,
        delta=int(body["delta"]),
        restock=bool(body.get("restock", True)),
    )
    market.webhooks.publish(event)
    return {**market.describe(found), "line_id": str(line.number)}


@command("order_id units")
def return_(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop, found = market.find_order(body["order_id"], body.get("shop"))
    event = market.event(shop)
    opened = aftersale.open_return(event, found, units=int(body.get("units", 1)))
    market.webhooks.publish(event)
    return {"return_id": str(opened.number), "name": opened.name}


@command("order_id return_id")
def close_return(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop, found = market.find_order(body["order_id"], body.get("shop"))
    wanted = body.get("return_id")
    closed = [each for each in found.returns if each.status == "OPEN" and wanted in (None, str(each.number))]
    if not closed:
        raise LookupError("an open return")
    event = market.event(shop)
    for each in closed:
        each.status, each.closed_at = "CLOSED", event.now
        event.say("RETURNS_CLOSE", return_payload(found, each))
    shop.touch(found, now=event.now)
    market.webhooks.publish(event)
    return {"closed": [str(each.number) for each in closed]}


@command("order_id from to")
def move(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop, found = market.find_order(body["order_id"], body.get("shop"))
    event = market.event(shop)
    source, target = shop.find_location(body["from"]), shop.find_location(body["to"])
    orders.move_fulfillment_order(event, found, source=source, target=target)
    market.webhooks.publish(event)
    return market.describe(found)


@command("order_id")
def mark_paid(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop, found = market.find_order(body["order_id"], body.get("shop"))
    if found.financial_status != "PENDING":
        raise Refused(f"order {found.name} is {found.financial_status.lower()}")
    event = market.event(shop)
    found.financial_status = "PAID"
    shop.touch(found, now=event.now)
    event.say("ORDERS_UPDATED", order_payload(shop, found))
    market.webhooks.publish(event)
    return market.describe(found)


@command("order_id")
def delete_order(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop, found = market.find_order(body["order_id"], body.get("shop"))
    if not (found.cancelled_at or found.test):
        raise Refused("only a cancelled or a test order can be deleted")
    event = market.event(shop)
    del shop.orders[found.number]
    shop.index.drop_later(found, lag_seconds=shop.settings.search_index_lag_seconds)
    event.say("ORDERS_DELETE", {"id": found.number})
    market.webhooks.publish(event)
    return {"deleted": str(found.number)}


@command("listing_key location state quantity delta")
def set_level(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = _shop_of(market, body)
    variant = _variant(shop, body["listing_key"])
    location = shop.find_location(body.get("location", next(iter(shop.locations))))
    state = str(body.get("state", "available"))
    if state not in STORED_STATES:
        raise ValueError(f"unknown inventory state {state!r}; known: {list(STORED_STATES)}")
    if ("quantity" in body) == ("delta" in body):
        raise ValueError("give either quantity or delta")
    event = market.event(shop)
    level = shop.activate(variant.item, location, now=event.now)
    delta = int(body["delta"]) if "delta" in body else int(body["quantity"]) - level.states[state]
    event.move(level, **{state: delta})
    market.webhooks.publish(event)
    return {name: level.quantity(name) for name in (*STORED_STATES, "on_hand")}


@command("listing_key inventory_policy tracked sku barcode price status title hs_code")
def set_variant(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = _shop_of(market, body)
    variant = _variant(shop, body["listing_key"])
    policy, status = body.get("inventory_policy"), body.get("status")
    if policy not in (None, "DENY", "CONTINUE") or status not in (None, "ACTIVE", "ARCHIVED", "DRAFT", "UNLISTED"):
        raise ValueError("inventory_policy is DENY or CONTINUE; status is ACTIVE, ARCHIVED, DRAFT or UNLISTED")
    names = {"tracked": "tracked", "sku": "sku", "hs_code": "harmonizedSystemCode"}
    values = {names[name]: body[name] for name in names if name in body}
    if errors := change_item(variant.item, values, ("input",)):
        raise ValueError(errors[0]["message"])
    variant.inventory_policy = policy or variant.inventory_policy
    variant.barcode = body.get("barcode", variant.barcode)
    variant.title = body.get("title", variant.title)
    variant.price = Decimal(str(body.get("price", variant.price)))
    variant.product.status = status or variant.product.status
    event = market.event(shop)
    shop.touch(variant, now=event.now)
    shop.touch(variant.item, now=event.now)
    event.change_product(variant.product)
    market.webhooks.publish(event)
    return {"listing_key": str(variant.number), "inventory_policy": variant.inventory_policy}


@command("location active fulfills_online_orders ships_inventory name")
def set_location(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = market.shop(body.get("shop"))
    location = shop.find_location(body["location"])
    event = market.event(shop)
    was_active = location.is_active
    location.is_active = bool(body.get("active", location.is_active))
    location.fulfills_online_orders = bool(body.get("fulfills_online_orders", location.fulfills_online_orders))
    location.ships_inventory = bool(body.get("ships_inventory", location.ships_inventory))
    location.name = str(body.get("name", location.name))
    shop.touch(location, now=event.now)
    if was_active and not location.is_active:
        event.say("LOCATIONS_DEACTIVATE", {"id": location.number, "name": location.name, "active": False})
    market.webhooks.publish(event)
    return {"location": str(location.number), "active": location.is_active}


@command("*")
def add_product_(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = market.shop(body.get("shop"))
    event = market.event(shop)
    values = {name: value for name, value in body.items() if name != "shop"}
    product = add_product(shop, values, world=market.world, now=event.now)
    for thing in (product, *product.variants, *(each.item for each in product.variants)):
        shop.touch(thing, now=event.now)
    event.say("PRODUCTS_CREATE", product_payload(shop, product))
    for variant in product.variants:
        event.say("INVENTORY_ITEMS_CREATE", {"id": variant.item.number, "admin_graphql_api_id": variant.item.gid})
        event.connected.update({level.number: level for level in variant.item.levels.values()})
    market.webhooks.publish(event)
    return {"product": str(product.number), "listing_keys": [str(each.number) for each in product.variants]}


@command("product listing_key")
def delete_product(market: ShopifyMarketplace, body: dict[str, Any]) -> dict[str, Any]:
    shop = _shop_of(market, body)
    event = market.event(shop)
    if "listing_key" in body:
        variant = _variant(shop, body["listing_key"])
        _forget_variants(shop, [variant])
        variant.product.variants.remove(variant)
        event.change_product(variant.product)
        gone = [variant]
    else:
        product = shop.products.pop(number_of(body["product"]), None)
        if not isinstance(product, Product):
            raise LookupError(f"product {body.get('product')!r}")
        gone = product.variants
        _forget_variants(shop, gone)
        event.say("PRODUCTS_DELETE", {"id": product.number})
    for variant in gone:
        event.say("INVENTORY_ITEMS_DELETE", {"id": variant.item.number})
    market.webhooks.publish(event)
    return {"deleted": [str(variant.number) for variant in gone]}


def _forget_variants(shop: Shop, variants: list[Variant]) -> None:
    for variant in variants:
        del shop.variants[variant.number], shop.items[variant.item.number]
        for order_ in shop.orders.values():
            for line in order_.lines:
                line.variant_deleted = line.variant_deleted or line.variant is variant
