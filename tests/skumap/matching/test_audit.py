"""Doubting what is linked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from skumap.matching import audit_links
from tests.skumap.matching.make import BARCODE, OTHER_BARCODE, listing, sku

GOODS = [
    sku(1, "KUR-M", "Cotton Kurta, Black, M", brand="Tikau", barcode=BARCODE, mrp=Decimal(999)),
    sku(2, "KUR-L", "Cotton Kurta, Black, L", brand="Tikau", mrp=Decimal(999)),
    sku(3, "MUG", "Ceramic Mug 350 ml", brand="Nestora", mrp=Decimal(299)),
]
GOOD = {
    "seller_sku": "KUR-M",
    "title": "Tikau cotton kurta black M",
    "barcode": BARCODE,
    "mrp": Decimal(999),
    "price": Decimal(799),
}


def audit(goods_id=1, **more):
    (found,) = audit_links(goods=GOODS, offers=[listing("L", **(GOOD | more))], links={"L": goods_id})
    return found


def reasons(found):
    return [reason.code.value for reason in found.reasons]


def test_a_good_link_is_not_doubtful():
    found = audit()

    assert (found.doubtful, found.reasons, found.better) == (False, (), None)
    assert found.score == found.pair.score > 90


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"title": "Tikau cotton kurta black XXL"}, "size_mismatch"),
        ({"title": "Tikau cotton kurta red M"}, "colour_mismatch"),
        ({"title": "Tikau cotton kurta black M pack of 2"}, "pack_mismatch"),
        ({"title": "Ceiling fan"}, "title_mismatch"),
        ({"brand": "Zentro"}, "brand_mismatch"),
        ({"barcode": OTHER_BARCODE}, "barcode_mismatch"),
        ({"mrp": Decimal(2499)}, "mrp_far_off"),
        ({"price": Decimal(1299)}, "price_far_off"),
        ({"price": Decimal(49)}, "price_far_off"),
        ({"title": "Nestora ceramic mug 350ml"}, "reads_like_another"),
    ],
)
def test_each_reason_is_named_and_lowers_the_score(changed, reason):
    found = audit(**changed)

    assert reason in reasons(found)
    assert found.doubtful
    assert found.score < audit().score


def test_the_worst_link_comes_first():
    offers = [
        listing("L1", **GOOD),
        listing("L2", "KUR-L", "Tikau cotton kurta black XL"),
        listing("L3", "MUG", "Running shoes UK 8"),
    ]
    found = audit_links(goods=GOODS, offers=offers, links={"L1": 1, "L2": 2, "L3": 3})

    assert [each.offer_id for each in found] == ["L3", "L2", "L1"]
    assert [each.doubtful for each in found] == [True, True, False]


def test_the_sku_that_a_listing_reads_like_is_named():
    found = audit(title="Tikau cotton kurta black L", barcode="")

    assert found.better == 2
    assert "KUR-L" in found.reasons[-1].message


def test_several_units_in_one_sale_are_no_pack_mismatch_and_multiply_the_mrp():
    found = audit(title="Tikau cotton kurta black M pack of 3", units=3, mrp=Decimal(2997), price=Decimal(2400))

    assert found.reasons == ()


def test_a_link_below_the_limit_is_doubtful_without_a_reason():
    offer = listing("L", "ZZ-1", "cotton kurta")
    (low,) = audit_links(goods=GOODS[:1], offers=[offer], links={"L": 1}, limit=99)
    (fine,) = audit_links(goods=GOODS[:1], offers=[offer], links={"L": 1}, limit=10)

    assert (low.reasons, low.doubtful, fine.doubtful) == ((), True, False)


def test_two_fsns_of_one_sku_make_both_links_doubtful():
    offers = [listing("L1", **GOOD, product_id="F1"), listing("L2", "X", "Tikau cotton kurta black M", product_id="F2")]
    found = audit_links(goods=GOODS, offers=offers, links={"L1": 1, "L2": 1})

    assert ["sku_has_two_products" in reasons(each) for each in found] == [True, True]


def test_links_to_what_is_not_given_are_passed_over():
    assert audit_links(goods=GOODS, offers=[listing("L", **GOOD)], links={"L": 77, "M": 1}) == []
