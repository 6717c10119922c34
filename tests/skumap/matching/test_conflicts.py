"""What stands in two places where only one may."""

from __future__ import annotations

from skumap.matching import find_conflicts
from tests.skumap.matching.make import BARCODE, listing, sku


def named(goods, offers, links=None):
    found = find_conflicts(goods=goods, offers=offers, links=links)
    return sorted((each.code.value, each.goods_ids, each.offer_ids) for each in found)


def test_a_clean_map_has_no_conflicts():
    goods = [sku(1, "A-1", barcode=BARCODE), sku(2, "A-2")]
    offers = [listing("L1", "A-1", product_id="F1", barcode=BARCODE), listing("L2", "A-2", product_id="F2")]

    assert named(goods, offers, {"L1": 1, "L2": 2}) == []


def test_one_fsn_for_two_skus_is_named():
    goods = [sku(1, "A-1"), sku(2, "A-2")]
    offers = [listing("L1", "X", product_id="F1"), listing("L2", "Y", product_id=" F1 ", account_id=2)]

    assert named(goods, offers, {"L1": 1, "L2": 2}) == [("product_for_two_skus", (1, 2), ("L1", "L2"))]


def test_two_fsns_for_one_sku_in_an_account_are_named():
    offers = [listing("L1", "X", product_id="F1"), listing("L2", "Y", product_id="F2")]

    assert named([sku(1)], offers, {"L1": 1, "L2": 1}) == [("sku_has_two_products", (1,), ("L1", "L2"))]
    (conflict,) = find_conflicts(goods=[sku(1)], offers=offers, links={"L1": 1, "L2": 1})
    assert conflict.message == "SKU SKU-1 has more than one FSN in one account: F1, F2."


def test_two_fsns_for_one_sku_in_two_accounts_are_right():
    offers = [listing("L1", product_id="F1"), listing("L2", product_id="F2", account_id=2)]

    assert named([sku(1)], offers, {"L1": 1, "L2": 1}) == []


def test_the_same_barcode_twice_is_named_on_either_side():
    goods = [sku(1, barcode=BARCODE), sku(2, barcode=f"0{BARCODE}")]
    offers = [
        listing("L1", barcode=BARCODE),
        listing("L2", barcode=BARCODE),
        listing("L3", barcode=BARCODE, account_id=2),
    ]

    assert named(goods, offers) == [("barcode_twice", (), ("L1", "L2")), ("barcode_twice", (1, 2), ())]


def test_a_barcode_without_a_right_check_digit_is_never_twice():
    assert named([sku(1, barcode="8901234567891"), sku(2, barcode="8901234567891")], []) == []


def test_the_same_code_twice_is_named_on_either_side():
    goods = [sku(1, "AB-1"), sku(2, "ab 1")]
    offers = [listing("L1", "X.1"), listing("L2", "x1"), listing("L3", "x1", account_id=2)]

    assert named(goods, offers) == [("code_taken_by_two", (), ("L1", "L2")), ("code_taken_by_two", (1, 2), ())]


def test_empty_codes_and_barcodes_are_never_twice():
    assert (
        named(
            [sku(1, " "), sku(2, "-"), sku(3, "--")],
            [listing("L1", ""), listing("L2", " "), listing("L3", "--"), listing("L4", "-")],
        )
        == []
    )


def test_the_variants_of_a_shopify_product_share_its_id():
    offers = [listing("L1", product_id="77", channel="shopify"), listing("L2", product_id="77", channel="shopify")]

    assert named([sku(1), sku(2)], offers, {"L1": 1, "L2": 2}) == []


def test_two_shopify_products_may_sell_one_sku():
    offers = [listing("L1", product_id="77", channel="shopify"), listing("L2", product_id="78", channel="shopify")]

    assert named([sku(1)], offers, {"L1": 1, "L2": 1}) == []


def test_the_order_of_the_input_changes_nothing():
    goods = [sku(1, "AB-1", barcode=BARCODE), sku(2, "ab 1", barcode=BARCODE)]
    offers = [listing("L1", "X.1", product_id="F1"), listing("L2", "x1", product_id="F2")]
    links = {"L1": 1, "L2": 1}

    assert named(goods, offers, links) == named(goods[::-1], offers[::-1], links)
