"""Linked listings before the law: what they are judged by, and that one bad one stops no other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from skumap.judging import judge, record_of
from skumap.models import Category, ChannelAccount, Listing, Sku, SkuProfile

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
LABEL = {
    "generic_name": "T-shirt",
    "net_quantity": "1 N",
    "manufacturer": "Chandni Textiles, 4 Mill Road, Tiruppur 641601",
    "consumer_care": "Care desk, 4 Mill Road, Tiruppur 641601, +91 80 0000 0000, care@example.com",
    "country_of_origin": "IN",
    "dimensions": "M",
}


@pytest.fixture
def category() -> Category:
    return Category.objects.create(name="T-shirts", hsn="61091000", **LABEL)


def listing(channel: str, category: Category | None, *, code: str = "TEE-M", **values: Any) -> Listing:
    account, _ = ChannelAccount.objects.get_or_create(name=channel, channel=channel)
    sku, _ = Sku.objects.get_or_create(code=code, defaults={"category": category, "mrp": Decimal(799)})
    product = {"flipkart": "TSHFGHY7BAZXENM4", "amazon": "B0ABCDEFGH", "shopify": "8800"}[channel]
    facts = {"key": code if channel != "shopify" else "44000000000001", "seller_sku": code, "price": Decimal(499)}
    return Listing.objects.create(
        account=account, sku=sku, status="mapped", **{"product_id": product, **facts, **values}
    )


@pytest.mark.parametrize("channel", ["flipkart", "amazon", "shopify"])
def test_a_listing_whose_category_says_everything_passes_on_every_channel(channel: str, category: Category) -> None:
    [judged] = judge_all(listing(channel, category))

    assert judged.report.ok, judged.report.message
    assert judged.report.rate == 5


def judge_all(*listings: Listing) -> list[Any]:
    return list(judge(Listing.objects.filter(pk__in=[each.pk for each in listings]).order_by("id"), now=NOW))


def test_what_the_sku_says_itself_goes_before_its_category(category: Category) -> None:
    row = listing("flipkart", category)
    assert row.sku is not None
    Sku.objects.filter(pk=row.sku_id).update(hsn="64041990")
    SkuProfile.objects.create(sku=row.sku, generic_name="Canvas shoes", mfg_date=date(2026, 9, 1))
    row = Listing.objects.get(pk=row.pk)

    record = record_of(row)

    assert record.hsn == "64041990"
    assert record.label.generic_name == "Canvas shoes"  # type: ignore[union-attr]
    assert record.label.manufacturer == LABEL["manufacturer"]  # type: ignore[union-attr]


def test_a_sku_without_anything_says_all_that_is_missing(category: Category) -> None:
    [judged] = judge_all(listing("flipkart", None))

    assert not judged.report.ok
    assert "empty" in judged.report.reasons
    assert "manufacturer" in judged.report.missing


def test_one_bad_listing_stops_no_other(category: Category) -> None:
    good = listing("flipkart", category)
    bad = listing("flipkart", category, code="BAD", product_id="4.23E+13", price=Decimal(899))

    reports = {each.listing.seller_sku: each.report for each in judge_all(good, bad)}

    assert reports["TEE-M"].ok
    assert {"price_above_mrp"} <= set(reports["BAD"].reasons)
    assert len(reports["BAD"].reasons) >= 2


def test_a_pack_is_judged_by_the_price_of_a_piece_and_its_own_mrp(category: Category) -> None:
    row = listing("flipkart", category, price=Decimal(4800), mrp=Decimal(6000), units_per_sale=2)

    [judged] = judge_all(row)

    assert record_of(Listing.objects.get(pk=row.pk)).mrp == Decimal(6000)
    assert judged.report.rate == 5


def test_many_listings_take_as_many_queries_as_a_few(category: Category, django_assert_max_num_queries: Any) -> None:
    rows = [listing("flipkart", category, code=f"TEE-{number}", product_id="") for number in range(30)]

    with django_assert_max_num_queries(5):
        assert len(judge_all(*rows)) == 30
