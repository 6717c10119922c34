"""Section 13, points 3, 4 and 6: listing writes and reads, and stock that takes effect later."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.test_flipkart_tools import LOC_A, LOC_B, MUG, TEE, selling, until

INVENTORY = "/sellers/listings/v3/update/inventory"


def entry(product_id: str = "TSHDEMO00000AB12", *locations: dict) -> dict:
    return {"product_id": product_id, "locations": list(locations) or [{"id": LOC_A, "inventory": 7}]}


def test_one_bad_sku_fails_alone_inside_a_200():
    with selling(settings={"propagation_seconds": [800, 800]}) as seller:
        answer = seller.post(
            INVENTORY,
            {
                TEE: entry(),
                MUG: entry("MUGDEMO00000AB12", {"id": "LOCnowhere", "inventory": 1}),
                "NO-SUCH": entry(),
            },
        )
        pending = {row["listing_key"]: row["pending"] for row in seller.market.shown() if row["location"] == LOC_A}

    body = answer.json()
    assert answer.status_code == 200
    assert body[TEE] == {"status": "SUCCESS", "errors": [], "attribute_errors": []}
    assert body["NO-SUCH"]["status"] == "FAILURE"
    assert body[MUG]["status"] == "FAILURE"
    wrong = body[MUG]["attribute_errors"][0]
    assert (wrong["description"], wrong["path"]) == ("Invalid location provided", "locations[0].id")
    assert pending == {TEE: [7], MUG: []}


def test_eleven_skus_are_refused_as_a_whole():
    with selling() as seller:
        answer = seller.post(INVENTORY, {f"SKU-{number}": entry() for number in range(11)})
        empty = seller.post(INVENTORY, {})

    assert (answer.status_code, empty.status_code) == (400, 400)
    assert answer.json()["errors"][0]["severity"] == "ERROR"


@pytest.mark.parametrize("inventory", [-1, 2.5, "3", True, None])
def test_a_quantity_that_is_no_whole_number_from_zero_up_is_refused(inventory):
    with selling() as seller:
        result = seller.post(INVENTORY, {TEE: entry("TSHDEMO00000AB12", {"id": LOC_A, "inventory": inventory})}).json()

    assert result[TEE]["status"] == "FAILURE"
    assert result[TEE]["attribute_errors"][0]["path"] == "locations[0].inventory"


def test_a_wrong_product_id_is_refused():
    with selling() as seller:
        result = seller.post(INVENTORY, {TEE: entry("MUGDEMO00000AB12")}).json()

    assert result[TEE]["attribute_errors"][0]["attribute"] == "product_id"


def test_modes_of_failure_and_case_can_be_switched():
    with selling() as seller:
        seller.market.command("settings", {"status_case": "lower"})
        lower = seller.write_stock(TEE, 6)["status"]
        seller.fault("sku_warning", times=1)
        warned = seller.write_stock(TEE, 5)
        seller.fault("invalid_location", times=1, sku=TEE)
        invalid = seller.write_stock(TEE, 4)
        seller.fault("sku_failure", times=1)
        failed = seller.write_stock(TEE, 3)
        seller.fault("sku_missing", times=1)
        missing = seller.post(INVENTORY, {TEE: entry()}).json()
        values = [write["value"] for write in seller.market.stats()["last_writes"]]

    assert lower == "success"
    assert (warned["status"], warned["errors"][0]["severity"]) == ("warning", "WARNING")
    assert invalid["attribute_errors"][0]["description"] == "Invalid location provided"
    assert failed["status"] == "failure"
    assert missing == {}
    assert values == [6, 5, 7]


def test_a_write_is_absolute_touches_only_its_location_and_takes_effect_later():
    with selling(settings={"propagation_seconds": [800, 800]}) as seller:
        seller.write_stock(TEE, 3)
        at_once = seller.shown(TEE)
        until(lambda: seller.shown(TEE) == 3)
        elsewhere = seller.shown(TEE, LOC_B)

    assert at_once == 10
    assert elsewhere == 4


def test_an_effect_overwrites_what_was_sold_in_the_meantime():
    with selling(settings={"propagation_seconds": [800, 800]}) as seller:
        seller.write_stock(TEE, 10)
        for _ in range(3):
            assert seller.market.buy(listing_key=TEE, location=LOC_A).accepted
        before = seller.shown(TEE)
        until(lambda: seller.shown(TEE) == 10)

    assert before == 7


def test_the_delay_lies_between_two_and_five_minutes_unless_a_write_is_late_or_lost():
    with selling(factor=2000) as seller:
        for value in range(20):
            seller.write_stock(TEE, value)
        delays = [write["delay_seconds"] for write in seller.market.stats()["last_writes"]]
        seller.fault("late_effect", times=1, seconds=900)
        seller.write_stock(TEE, 50)
        late = seller.market.stats()["last_writes"][-1]["delay_seconds"]
        until(lambda: not any(row["pending"] for row in seller.market.shown()))
        seller.fault("write_lost", times=1)
        seller.write_stock(TEE, 99)
        until(lambda: not any(row["pending"] for row in seller.market.shown()))
        shown = seller.shown(TEE)

    assert all(120 <= delay <= 300 for delay in delays)
    assert len(set(delays)) == 20
    assert late == 900
    assert shown == 50


@pytest.mark.parametrize(
    ("mode", "while_pending", "after_effect", "after_sale"),
    [("accepted", 6, 6, 4), ("shown", 10, 6, 4), ("seller_set", 6, 6, 6)],
)
def test_what_a_read_echoes_depends_on_the_read_back_mode(mode, while_pending, after_effect, after_sale):
    with selling(settings={"read_back": mode, "propagation_seconds": [800, 800]}) as seller:
        seller.write_stock(TEE, 6)
        pending = seller.read_back(TEE)
        until(lambda: seller.shown(TEE) == 6)
        effective = seller.read_back(TEE)
        seller.market.buy(listing_key=TEE, units=2, location=LOC_A)
        sold = seller.read_back(TEE)

    assert (pending, effective, sold) == (while_pending, after_effect, after_sale)


def test_where_inventory_includes_open_orders_they_are_taken_off_what_is_shown():
    with selling(settings={"inventory_includes_open_orders": True}) as seller:
        seller.market.buy(listing_key=TEE, units=3, location=LOC_A)
        seller.write_stock(TEE, 10)
        until(lambda: not any(row["pending"] for row in seller.market.shown()))
        shown, read, open_units = (
            seller.shown(TEE),
            seller.read_back(TEE),
            seller.details(TEE)["orders_to_be_fulfilled"],
        )

    assert (shown, read, open_units) == (7, 10, 3)


def test_details_and_get_sort_skus_into_available_unavailable_and_invalid():
    with selling() as seller:
        details = seller.post("/sellers/listings/v3/details", {"sku_ids": [TEE, "NO-SUCH", ""]}).json()
        by_path = seller.get(f"/sellers/listings/v3/{TEE},NO-SUCH").json()
        too_many = seller.post("/sellers/listings/v3/details", {"sku_ids": [f"S{number}" for number in range(11)]})

    assert list(details["available"]) == [TEE]
    assert (details["unavailable"], details["invalid"]) == (["NO-SUCH"], [""])
    assert list(by_path["available"]) == [TEE]
    assert by_path["unavailable"] == ["NO-SUCH"]
    assert too_many.status_code == 400


def test_the_selling_price_has_the_name_that_the_switch_gives():
    with selling() as seller:
        usual = seller.details(TEE)["price"]
        seller.market.command("settings", {"selling_price_field": "selling_price"})
        switched = seller.details(TEE)["price"]

    assert usual == {"mrp": 1199, "flipkart_selling_price": 999, "currency": "INR"}
    assert switched["selling_price"] == 999


def test_search_gives_500_listings_a_page_until_has_more_is_false():
    rows = [{"sku": f"SKU-{number:04d}", "locations": 1} for number in range(1203)]
    with selling(listings=rows) as seller:
        sizes, page_id, skus = [], None, []
        while True:
            page = seller.post(
                "/sellers/listings/v3/search", {"filters": {"listing_status": "ACTIVE"}, "page_id": page_id}
            ).json()
            sizes.append(len(page["listings"]))
            skus += [each["sku_id"] for each in page["listings"]]
            if not page["has_more"]:
                break
            page_id = page["next_page_id"]
        seller.fault("search_repeats_page_id", times=1)
        stuck = seller.post("/sellers/listings/v3/search", {"filters": {}, "page_id": "p500"}).json()

    assert sizes == [500, 500, 203]
    assert skus == [row["sku"] for row in rows]
    assert (stuck["has_more"], stuck["next_page_id"]) == (True, "p500")


def test_a_listing_can_be_switched_off_and_priced_by_update():
    with selling() as seller:
        result = seller.post(
            "/sellers/listings/v3/update", {TEE: {"product_id": "TSHDEMO00000AB12", "listing_status": "INACTIVE"}}
        ).json()
        dear = seller.post(
            "/sellers/listings/v3/update/price",
            {TEE: {"product_id": "TSHDEMO00000AB12", "price": {"mrp": 900, "selling_price": 901, "currency": "INR"}}},
        ).json()
        seller.post(
            "/sellers/listings/v3/update/price",
            {TEE: {"product_id": "TSHDEMO00000AB12", "price": {"mrp": 900, "selling_price": 850, "currency": "INR"}}},
        )
        refused = seller.market.buy(listing_key=TEE)
        detail = seller.details(TEE)
        inactive = seller.post("/sellers/listings/v3/search", {"filters": {"listing_status": "INACTIVE"}}).json()

    assert result[TEE]["status"] == "SUCCESS"
    assert dear[TEE]["status"] == "FAILURE"
    assert (refused.accepted, refused.reason) == (False, "inactive")
    assert (detail["listing_status"], detail["price"]["flipkart_selling_price"]) == ("INACTIVE", 850)
    assert [each["sku_id"] for each in inactive["listings"]] == [TEE]


def test_a_strict_update_wants_the_whole_listing():
    with selling(settings={"strict_update": True}) as seller:
        partial = seller.post(
            "/sellers/listings/v3/update", {TEE: {"product_id": "TSHDEMO00000AB12", "listing_status": "INACTIVE"}}
        ).json()
        listing = seller.details(TEE)
        price = {"mrp": 1199, "selling_price": listing["price"]["flipkart_selling_price"], "currency": "INR"}
        whole = {
            **{name: listing[name] for name in ("product_id", "tax", "fulfillment_profile", "packages", "locations")},
            "price": price,
            "listing_status": "INACTIVE",
        }
        complete = seller.post("/sellers/listings/v3/update", {TEE: whole}).json()

    assert {each["attribute"] for each in partial[TEE]["attribute_errors"]} >= {"price", "packages", "locations"}
    assert complete[TEE]["status"] == "SUCCESS"


def whole_listing(**given: Any) -> dict[str, Any]:
    """A body that the create and update calls take."""
    return {
        "product_id": "TSHDEMO00000AB12",
        "price": {"mrp": 500, "selling_price": 400, "currency": "INR"},
        "tax": {"hsn": "61091000", "tax_code": "GST_APPAREL"},
        "listing_status": "ACTIVE",
        "fulfillment_profile": "NON_FBF",
        "packages": [{"name": "Box", "dimensions": {"length": 20, "breadth": 15, "height": 3}, "weight": 0.3}],
        "locations": [{"id": LOC_A, "status": "ENABLED", "inventory": 0}],
        **given,
    }


def test_create_wants_a_whole_listing_and_names_each_field_that_is_wrong():
    wrong = whole_listing(
        tax={"hsn": "6109", "tax_code": "GST_40_5"},
        fulfillment={"dispatch_sla": 0, "shipping_provider": "POST", "procurement_type": "REGULAR"},
        shipping_fees={"local": 10, "zonal": -1, "national": 10.5, "currency": "INR"},
        packages=[{"name": "A", "dimensions": {"length": 0, "breadth": 1, "height": 1}, "weight": 1}, {"name": "B"}],
        address_label={"countries_of_origin": ["India"]},
    )
    with selling() as seller:
        bare = seller.post("/sellers/listings/v3", {"NEW": {"product_id": "TSHDEMO00000ZZ99"}}).json()["NEW"]
        named = seller.post("/sellers/listings/v3", {"NEW": wrong, "GOOD": whole_listing()}).json()
        there = seller.post("/sellers/listings/v3/details", {"sku_ids": ["NEW", "GOOD"]}).json()

    assert {each["attribute"] for each in bare["attribute_errors"]} >= {"price", "tax", "packages", "locations"}
    assert {each["path"] for each in named["NEW"]["attribute_errors"]} >= {
        "tax.hsn", "tax.tax_code", "fulfillment.dispatch_sla", "fulfillment.shipping_provider", "shipping_fees.zonal",
        "shipping_fees.national", "packages[0].dimensions.length", "packages[1].notional_value", "address_label.countries_of_origin",
    }  # fmt: skip
    assert (named["GOOD"]["status"], list(there["available"]), there["unavailable"]) == ("SUCCESS", ["GOOD"], ["NEW"])


def test_content_without_a_quantity_leaves_the_stock_and_one_with_it_is_refused_for_fbf():
    rows = [{"sku": TEE, "product_id": "TSHDEMO00000AB12", "locations": 7},
            {"sku": "HELD", "product_id": "TSHDEMO00000AB12", "fulfillment_profile": "FBF", "fbf_stock": 9}]  # fmt: skip
    place = [{"id": LOC_A, "status": "ENABLED"}]
    with selling(listings=rows) as seller:
        seller.post("/sellers/listings/v3/update", {TEE: whole_listing(locations=place)})
        left = seller.read_back(TEE, LOC_A)
        held = whole_listing(fulfillment_profile="FBF", locations=[{**place[0], "inventory": 3}])
        refused = seller.post("/sellers/listings/v3/update", {"HELD": held}).json()["HELD"]

    assert left == 7
    assert (refused["status"], refused["attribute_errors"][0]["path"]) == ("FAILURE", "locations[0].inventory")


def test_create_overwrites_an_existing_sku():
    body = whole_listing(product_id="TSHDEMO00000ZZ99")
    with selling() as seller:
        result = seller.post("/sellers/listings/v3", {TEE: body, "NEW": body}).json()
        old, new = seller.details(TEE), seller.details("NEW")

    assert {each["status"] for each in result.values()} == {"SUCCESS"}
    assert old["product_id"] == new["product_id"] == "TSHDEMO00000ZZ99"


def test_product_search_counts_batches_of_twenty_from_zero():
    rows = [{"sku": f"SKU-{number:02d}", "locations": 1} for number in range(25)]
    with selling(listings=rows) as seller:
        first = seller.post("/sellers/listings/v3/product/search", {"batchNo": 0, "internalState": "ACTIVE"}).json()
        second = seller.post("/sellers/listings/v3/product/search", {"batchNo": 1, "internalState": "ACTIVE"}).json()
        named = seller.post("/sellers/listings/v3/product/search", {"batchNo": 0, "searchText": "SKU-07"}).json()

    assert (first["totalListingsCount"], len(first["listingData"]), len(second["listingData"])) == (25, 20, 5)
    assert [each["sku"] for each in named["listingData"]] == ["SKU-07"]


def test_what_flipkart_holds_is_not_writable_and_not_taken_from_the_sellers_shelf():
    rows = [{"sku": "FBF-1", "fulfillment_profile": "FBF", "fbf_stock": 2, "components": [["TEE", 1]]}]
    with selling(listings=rows) as seller:
        refused = seller.write_stock("FBF-1", 5)
        bought = seller.market.buy(listing_key="FBF-1")
        usual = seller.filter()
        asked = seller.filter(serviceProfiles=["FBF"])
        sold = seller.server.world.truth.summary()
        seller.market.buy(listing_key="FBF-1")
        empty = seller.market.buy(listing_key="FBF-1")

    assert refused["status"] == "FAILURE"
    assert bought.accepted
    assert usual == []
    assert asked[0]["orderItems"][0]["serviceProfile"] == "Flipkart_Fulfilment"
    assert sold.get("TEE", {}).get("sold", 0) == 0
    assert (empty.accepted, empty.reason) == (False, "out_of_stock")


def test_a_disabled_location_and_a_hand_edit_change_what_buyers_get():
    with selling() as seller:
        seller.post(INVENTORY, {MUG: entry("MUGDEMO00000AB12", {"id": LOC_A, "inventory": 5, "status": "DISABLED"})})
        refused = seller.market.buy(listing_key=MUG)
        seller.market.command("set_stock", {"sku": TEE, "location": LOC_B, "quantity": 42})
        edited = seller.read_back(TEE, LOC_B)
        locations = seller.get("/sellers/locations/allLocations").json()["locations"]

    assert refused.reason == "out_of_stock"
    assert edited == 42
    assert [each["locationId"] for each in locations] == [LOC_A, LOC_B]


@pytest.mark.parametrize(("in_order", "left"), [(False, 7), (True, 3)])
def test_an_overtaken_write_overwrites_the_later_one_unless_effects_keep_their_order(in_order, left):
    with selling(settings={"effects_in_order": in_order, "propagation_seconds": [700, 700]}) as seller:
        seller.write_stock(TEE, 7)
        seller.market.command("settings", {"propagation_seconds": [100, 100]})
        seller.write_stock(TEE, 3)
        until(lambda: seller.shown(TEE) == 3)
        until(lambda: seller.server.world.scheduler.pending() == 0)
        shown = seller.shown(TEE)

    assert shown == left


def test_a_cancel_while_a_write_is_on_its_way_does_not_stop_the_write():
    with selling(settings={"propagation_seconds": [800, 800]}) as seller:
        order_id = seller.market.buy(listing_key=TEE, location=LOC_A).order_id
        seller.write_stock(TEE, 6)
        seller.cancel_by_api(seller.shipment(order_id))
        emptied = seller.shown(TEE)
        until(lambda: seller.shown(TEE) == 6)

    assert emptied == 0
