"""Reading ids, numbers, times and the catalogue, liberally."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from channels_shopify import mapping
from channels_shopify.values import digits, gid, moment, money, next_cursor, nodes, whole
from inventory_sync.domain.errors import ContractError
from inventory_sync.domain.ports import RowRef
from inventory_sync.domain.snapshots import Fulfilment, Hazard, ListingIds, LocationQuantity

VARIANT = {
    "id": "gid://shopify/ProductVariant/9007199254740993",
    "sku": "KURTA-M",
    "barcode": None,
    "title": "M",
    "displayName": "Kurta - M",
    "price": "1299.00",
    "inventoryPolicy": "DENY",
    "requiresComponents": False,
    "product": {"id": "gid://shopify/Product/9000000000001", "title": "Kurta", "status": "ACTIVE"},
    "inventoryItem": {
        "id": "gid://shopify/InventoryItem/301",
        "tracked": True,
        "harmonizedSystemCode": "620400",
        "countryHarmonizedSystemCodes": {"nodes": [{"countryCode": "IN", "harmonizedSystemCode": "62044220"}]},
    },
    "hsnMetafield": {"value": "6204"},
    "unheardOf": 1,
}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("gid://shopify/InventoryLevel/1?inventory_item_id=301", "1"),
        ("gid://shopify/Order/9007199254740993", "9007199254740993"),
        (9007199254740993, "9007199254740993"),
        ("9007199254740993", "9007199254740993"),
        (301.0, "301"),
        (301.5, ""),
        (None, ""),
        (True, ""),
    ],
)
def test_an_id_keeps_every_digit(value, number):
    assert digits(value) == number


def test_a_global_id_is_made_once():
    assert gid("Order", "7") == "gid://shopify/Order/7" == gid("Order", "gid://shopify/Order/7")


@pytest.mark.parametrize(
    ("value", "count"), [(3, 3), ("3", 3), (3.0, 3), ("3.0", 3), (-2, -2), (3.5, None), ("x", None), (None, None), (True, None)]
)  # fmt: skip
def test_a_count_may_come_as_text_or_float(value, count):
    assert whole(value) == count


@pytest.mark.parametrize(
    "text", ["2026-11-02T04:05:06.123456789Z", "2026-11-02T09:35:06.123456+05:30", "2026-11-02T04:05:06.123456Z"]
)
def test_times_are_utc_also_with_nanoseconds(text):
    assert moment(text) == datetime(2026, 11, 2, 4, 5, 6, 123456, tzinfo=UTC)


def test_a_time_without_an_offset_is_not_guessed():
    assert moment(None) is None
    for text in ("2026-11-02T04:05:06", "yesterday"):
        with pytest.raises(ContractError):
            moment(text)


def test_money_is_exact():
    assert money("1299.10") == Decimal("1299.10") == money(1299.10)
    assert money("free") is None


def test_connections_come_as_nodes_or_edges():
    assert nodes({"edges": [{"node": {"a": 1}}, None]}) == [{"a": 1}]
    assert nodes({"nodes": [{"a": 1}, None]}) == [{"a": 1}]
    assert nodes(None) == []
    assert next_cursor({"pageInfo": {"hasNextPage": True, "endCursor": "x"}}) == "x"
    assert next_cursor({"pageInfo": {"hasNextPage": False, "endCursor": "x"}}) == ""


def test_a_variant_becomes_a_listing():
    levels = {"1": LocationQuantity(location_id="1", quantity=5)}

    listing = mapping.listing(VARIANT, levels=levels, managed=frozenset({"1"}))

    assert listing.ids == ListingIds(
        key="9007199254740993", seller_sku="KURTA-M", product_id="9000000000001", listing_ref="301"
    )
    assert (listing.fulfilment, listing.active, listing.price) == (Fulfilment.SHOPIFY, True, Decimal("1299.00"))
    assert (listing.hsn, listing.barcode, listing.hazards) == ("62044220", "", frozenset())
    assert listing.locations == (levels["1"],)


def test_hsn_falls_back_to_the_general_code_and_then_to_the_metafield():
    item = {**VARIANT["inventoryItem"], "countryHarmonizedSystemCodes": None}
    assert mapping.listing({**VARIANT, "inventoryItem": item}, levels={}, managed=frozenset()).hsn == "620400"
    item["harmonizedSystemCode"] = None
    assert mapping.listing({**VARIANT, "inventoryItem": item}, levels={}, managed=frozenset()).hsn == "6204"


@pytest.mark.parametrize(
    ("change", "hazard"),
    [
        ({"inventoryPolicy": "CONTINUE"}, Hazard.CONTINUES_SELLING),
        ({"inventoryItem": {"id": "gid://shopify/InventoryItem/301", "tracked": False}}, Hazard.UNTRACKED),
        ({"requiresComponents": True}, Hazard.BUNDLE_PARENT),
    ],
)
def test_hazards_are_named(change, hazard):
    assert mapping.listing({**VARIANT, **change}, levels={}, managed=frozenset()).hazards == {hazard}


def test_stock_at_a_location_that_we_do_not_manage_is_a_hazard():
    levels = {"1": LocationQuantity(location_id="1", quantity=5), "9": LocationQuantity(location_id="9", quantity=2)}
    empty = {**levels, "9": LocationQuantity(location_id="9", quantity=0)}
    disconnected = {**levels, "9": LocationQuantity(location_id="9", quantity=2, enabled=False)}

    assert mapping.listing(VARIANT, levels=levels, managed=frozenset({"1"})).hazards == {Hazard.UNMANAGED_STOCK}
    for harmless in (empty, disconnected):
        assert mapping.listing(VARIANT, levels=harmless, managed=frozenset({"1"})).hazards == frozenset()


def test_a_variant_with_hardly_any_fields_is_still_a_listing():
    listing = mapping.listing({"id": "gid://shopify/ProductVariant/1", "product": None}, levels={}, managed=frozenset())

    assert listing.ids.key == "1"
    assert listing.active


def test_a_location_of_a_fulfilment_service_is_not_ours():
    ours = mapping.location(
        {"id": "gid://shopify/Location/1", "name": "Godown", "fulfillmentService": {"handle": "manual"}}
    )
    theirs = mapping.location(
        {"id": "gid://shopify/Location/2", "name": "3PL", "isFulfillmentService": True, "isActive": False}
    )

    assert (ours.location_id, ours.managed, ours.active) == ("1", True, True)
    assert (theirs.managed, theirs.active) == (False, False)


def test_identity_names_the_scopes_that_are_missing():
    data = {
        "shop": {"myshopifyDomain": "Demo-Shop.myshopify.com", "name": "Demo"},
        "currentAppInstallation": {"accessScopes": [{"handle": "write_inventory"}, {"handle": "read_orders"}]},
    }

    who = mapping.identity(data, required_scopes=("read_inventory", "write_inventory", "read_products"))

    assert (who.identity, who.missing) == ("demo-shop.myshopify.com", ("read_products",))


ROW = RowRef(row_id=5, listing=ListingIds(key="1", listing_ref="301"), fulfilment=Fulfilment.SHOPIFY, location_id="1")
NOW = datetime(2026, 11, 2, tzinfo=UTC)
OVERSOLD = {"name": "available", "quantity": "-2"}


@pytest.mark.parametrize(
    ("item", "quantity", "active", "enabled"),
    [
        ({"inventoryLevel": {"isActive": True, "quantities": [{"name": "on_hand", "quantity": 9}, OVERSOLD]}}, -2, True, True),
        ({"inventoryLevel": {"quantities": [{"name": "available", "quantity": 4.0}]}}, 4, True, True),
        ({"inventoryLevel": {"isActive": False, "quantities": [{"name": "available", "quantity": 4}]}}, None, True, False),
        ({"inventoryLevel": None}, None, True, False),
        (None, None, False, None),
    ],
)  # fmt: skip
def test_a_reading_says_what_a_level_shows(item, quantity, active, enabled):
    reading = mapping.reading(ROW, item, began_at=NOW)

    assert (reading.row_id, reading.quantity, reading.active, reading.enabled) == (5, quantity, active, enabled)


def test_a_reading_notices_that_nobody_counts_the_item():
    item = {"tracked": False, "inventoryLevel": {"quantities": [{"name": "available", "quantity": 4}]}}

    assert mapping.reading(ROW, item, began_at=NOW).hazards == {Hazard.UNTRACKED}
