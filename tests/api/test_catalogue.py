"""SKUs, combos, listings."""

from __future__ import annotations

import pytest

from inventory_sync.engine.models import ListingState
from inventory_sync.stock.models import LocationLink
from skumap.models import ChannelLocation, KitComponent, Listing, ListingLink, Sku


def test_a_sku_is_added_found_and_changed(api):
    made = api.post("skus/", {"code": "TEE-M", "title": "Tee", "barcode": "8901234567894", "mrp": "499.00"})
    pk = made.json()["id"]

    assert made.status_code == 201
    for query in ({"code": "TEE-M"}, {"barcode": "8901234567894"}, {"search": "ee-m"}):
        assert [row["id"] for row in api.get("skus/", **query).json()["results"]] == [pk]
    assert api.get("skus/", code="other").json()["results"] == []
    changed = api.patch(f"skus/{pk}/", {"title": "Tee, black", "priority": True}).json()
    assert (changed["title"], changed["priority"], changed["mrp"]) == ("Tee, black", True, "499.00")


def test_a_code_is_taken_once(api):
    assert api.post("skus/", {"code": "A"}).status_code == 201
    assert "code" in api.post("skus/", {"code": "A"}).json()["error"]["fields"]


def test_a_combo_shows_how_many_can_be_made_of_its_parts(api, stocked):
    made = api.post("skus/", {"code": "PACK", "components": [{"sku": "TEE-M", "units": 3}]})

    assert made.status_code == 201
    assert made.json()["stock"] == {"on_hand": 0, "committed": 0, "available": 3}
    assert made.json()["components"] == [{"sku": "TEE-M", "units": 3}]
    assert [row["code"] for row in api.get("skus/", kit="true").json()["results"]] == ["PACK"]
    assert [row["code"] for row in api.get("skus/", kit="false").json()["results"]] == ["TEE-M"]
    assert api.get(f"skus/{stocked.pk}/").json()["stock"] == {"on_hand": 10, "committed": 0, "available": 10}


@pytest.mark.parametrize(
    "parts",
    [
        [{"sku": "NOPE"}],
        [{"sku": "TEE-M", "units": 0}],
        [{"sku": "TEE-M"}, {"sku": "TEE-M"}],
        [{"sku": "TEE-M", "colour": "red"}],
        [{"sku": ["TEE-M"]}],
        "TEE-M",
    ],
)
def test_parts_that_make_no_sense_leave_no_sku_behind(api, stocked, parts):
    assert api.post("skus/", {"code": "PACK", "components": parts}).status_code == 400
    assert not Sku.objects.filter(code="PACK").exists()


def test_combos_do_not_nest_and_have_no_stock_of_their_own(api, stocked):
    api.post("skus/", {"code": "PACK", "components": [{"sku": "TEE-M", "units": 2}]})

    assert api.post("skus/", {"code": "CRATE", "components": [{"sku": "PACK"}]}).status_code == 400
    assert not Sku.objects.filter(code="CRATE").exists()
    other = Sku.objects.create(code="OTHER")
    assert api.patch(f"skus/{stocked.pk}/", {"components": [{"sku": "OTHER"}]}).status_code == 400
    assert not KitComponent.objects.filter(kit=stocked).exists()
    assert other.pk


def test_a_listing_is_linked_and_its_quantity_decided(api, listing, stocked, warehouse):
    LocationLink.objects.create(location=ChannelLocation.objects.get(), warehouse=warehouse)

    answer = api.post(f"listings/{listing.pk}/link/", {"sku": "TEE-M", "units_per_sale": 2, "reason": "pack of two"})
    body = answer.json()

    assert answer.status_code == 200
    assert (body["status"], body["sku"], body["units_per_sale"]) == ("mapped", "TEE-M", 2)
    assert [state["location"] for state in body["states"]] == ["68000000001"]
    assert body["states"][0]["should_show"] is not None
    assert ListingLink.objects.get().reason == "pack of two"
    assert api.post(f"listings/{listing.pk}/link/", {"sku": "TEE-M", "units_per_sale": 2}).status_code == 200
    assert ListingLink.objects.count() == 1


def test_a_listing_can_be_ignored(api, listing, stocked):
    api.post(f"listings/{listing.pk}/link/", {"sku": "TEE-M"})

    assert api.post(f"listings/{listing.pk}/ignore/").json()["status"] == "ignored"
    assert api.post(f"listings/{listing.pk}/ignore/").status_code == 200
    assert Listing.objects.get(pk=listing.pk).sku is None


@pytest.mark.parametrize("body", [{}, {"sku": "NOPE"}, {"sku": "TEE-M", "units_per_sale": 0}, {"sku": "TEE-M", "x": 1}])
def test_a_link_that_makes_no_sense_is_refused(api, listing, stocked, body):
    assert api.post(f"listings/{listing.pk}/link/", body).status_code == 400
    assert Listing.objects.get(pk=listing.pk).status == "unmapped"


def test_listings_are_filtered(api, listing, flipkart, stocked):
    Listing.objects.create(account=flipkart, key="TEE-M", seller_sku="TEE-M", fulfilment="NON_FBF")
    api.post(f"listings/{listing.pk}/link/", {"sku": "TEE-M"})

    def keys(**query):
        return [row["key"] for row in api.get("listings/", **query).json()["results"]]

    assert keys(account=flipkart.pk) == keys(account="Flipkart one") == ["TEE-M"]
    assert keys(sku="TEE-M") == keys(status="mapped") == [listing.key]
    assert sorted(keys(seller_sku="TEE-M")) == sorted([listing.key, "TEE-M"])
    assert keys(account="nobody") == []
    assert api.get("listings/", status="nonsense").status_code == 400


def test_lists_take_as_many_queries_for_fifty_rows_as_for_one(api, django_assert_num_queries, shop, warehouse):
    location = ChannelLocation.objects.create(account=shop, external_id="1")

    def add(number):
        sku = Sku.objects.create(code=f"S{number}")
        row = Listing.objects.create(account=shop, key=f"K{number}", fulfilment="SHOPIFY", sku=sku, status="mapped")
        ListingState.objects.create(listing=row, location=location, account=shop)
        kit = Sku.objects.create(code=f"KIT{number}")
        KitComponent.objects.create(kit=kit, component=sku, units=2)

    add(0)
    api.get("skus/")  # the key's last use is written once a minute
    for path, queries in (("skus/", 5), ("listings/", 3)):
        with django_assert_num_queries(queries):
            api.get(path)
    for number in range(1, 25):
        add(number)
    for path, queries in (("skus/", 5), ("listings/", 3)):
        with django_assert_num_queries(queries):
            assert len(api.get(path).json()["results"]) >= 25
