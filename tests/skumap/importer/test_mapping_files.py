"""A mapping file links listings, with their history, and refuses what contradicts the channel."""

from __future__ import annotations

import pytest

from skumap.imports.report import Counts
from skumap.models import ChannelAccount, Listing, ListingLink, Sku
from skumap.services import link_listing
from tests.skumap.importer.files import csv_bytes
from tests.skumap.importer.running import export, run

pytestmark = pytest.mark.django_db

FSN = "TSHDEMO00000AB12"
MAPPING = ("own sku", "account", "seller sku", "fsn", "asin", "variant id", "pack of", "fulfilment")


@pytest.fixture
def listings(account: ChannelAccount, tee: Sku, cap: Sku) -> dict[str, Listing]:
    shop = ChannelAccount.objects.create(channel="shopify", name="Shop")
    rows = [
        Listing(account=account, key="TEE-FK", seller_sku="TEE-FK", product_id=FSN, fulfilment="NON_FBF"),
        Listing(account=account, key="CAP-FK", seller_sku="CAP-FK", fulfilment="FBF"),
        Listing(account=shop, key="42301987654321", seller_sku="TEE", product_id="77", fulfilment="SHOPIFY"),
        Listing(account=shop, key="42301987654322", seller_sku="TEE", product_id="77", fulfilment="SHOPIFY"),
    ]
    return {row.key: row for row in Listing.objects.bulk_create(rows)}


def test_a_mapping_links_listings_with_their_history(listings, tee, cap):
    data = csv_bytes(
        MAPPING,
        ("TEE", "Flipkart one", "TEE-FK", FSN, "", "", "2", "Seller"),
        ("TEE", "Shop", "", "", "", "42301987654321", "", ""),
        ("CAP", "", "CAP-FK", "", "", "", "", ""),
    )
    options = {"account_id": listings["CAP-FK"].account_id}

    assert run(data, write=False, **options).counts == {"links": Counts(new=3)}
    assert not ListingLink.objects.exists()
    assert run(data, reason="mapping file", **options).counts == {"links": Counts(new=3)}
    linked = Listing.objects.get(key="TEE-FK")
    assert (linked.sku, linked.units_per_sale, linked.status) == (tee, 2, "mapped")
    assert ListingLink.objects.get(listing=linked).reason == "mapping file, row 2"
    assert run(data, **options).total == Counts(unchanged=3)
    assert run(export("mapping")).total == Counts(unchanged=3)
    assert ListingLink.objects.count() == 3


def test_a_changed_link_keeps_the_earlier_one(listings, tee, cap, now):
    link_listing(listing_id=listings["TEE-FK"].pk, sku=tee, now=now)

    assert run(csv_bytes(MAPPING[:3], ("CAP", "Flipkart one", "TEE-FK"))).counts == {"links": Counts(changed=1)}
    links = ListingLink.objects.order_by("id").values_list("sku__code", "valid_to")
    assert [(code, ended is None) for code, ended in links] == [("TEE", False), ("CAP", True)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (("TEE", "Nobody", "TEE-FK", "", "", "", "", ""), "unknown_account"),
        (("TEE", "", "TEE-FK", "", "", "", "", ""), "unknown_account"),
        (("HAT", "Flipkart one", "TEE-FK", "", "", "", "", ""), "unknown_sku"),
        (("TEE", "Flipkart one", "GONE", "", "", "", "", ""), "unknown_listing"),
        (("TEE", "Shop", "TEE", "", "", "", "", ""), "ambiguous_listing"),
        (("TEE", "Flipkart one", "TEE-FK", "TSHOTHER0000AB12", "", "", "", ""), "product_differs"),
        (("TEE", "Shop", "CAP", "", "", "42301987654321", "", ""), "seller_sku_differs"),
        (("TEE", "Flipkart one", "TEE-FK", "", "", "", "", "FBF"), "fulfilment_differs"),
        (("TEE", "Flipkart one", "42301987654321", "", "", "", "", ""), "unknown_listing"),
    ],
)
def test_a_link_that_contradicts_what_we_know_is_refused(listings, row, code):
    report = run(csv_bytes(MAPPING, row))

    assert [(problem.row, problem.code) for problem in report.problems] == [(2, code)]
    assert not ListingLink.objects.exists()


def test_two_rows_that_mean_one_listing_by_different_names_are_named(listings):
    report = run(csv_bytes(MAPPING[:4], ("TEE", "Flipkart one", "TEE-FK", ""), ("CAP", "Flipkart one", "", FSN)))

    assert [(problem.row, problem.code) for problem in report.problems] == [(3, "duplicate")]
    assert report.total == Counts(new=1)
