from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.compliance import (
    gs1_check_digit,
    is_spreadsheet_number,
    validate_asin,
    validate_fsn,
    validate_gtin,
    validate_listing_id,
    validate_seller_sku,
    validate_shopify_id,
)


@pytest.mark.parametrize(
    ("check", "value", "reason"),
    [
        (validate_fsn, "TSHFGHY7BAZXENM4", None),
        (validate_fsn, " TSHFGHY7BAZXENM4 ", None),
        (validate_fsn, "tshfghy7bazxenm4", "bad_format"),
        (validate_fsn, "TSHFGHY7BAZXENM", "bad_length"),
        (validate_fsn, "TSHFGHY7BAZXENM44", "bad_length"),
        (validate_fsn, "TSHFGHY7-AZXENM4", "bad_format"),
        (validate_fsn, None, "empty"),
        (validate_fsn, "4.23E+13", "spreadsheet_number"),
        (validate_asin, "B07XJ8C8F5", None),
        (validate_asin, "030640615X", None),
        (validate_asin, "b07xj8c8f5", "bad_format"),
        (validate_asin, "B07XJ8C8F", "bad_length"),
        (validate_asin, "", "empty"),
        (validate_asin, "3.06E+08", "spreadsheet_number"),
        (validate_shopify_id, "gid://shopify/ProductVariant/42301987654321", None),
        (validate_shopify_id, "42301987654321", None),
        (validate_shopify_id, 42301987654321, None),
        (validate_shopify_id, str(2**63 - 1), None),
        (validate_shopify_id, str(2**63), "too_large"),
        (validate_shopify_id, "9" * 5000, "too_large"),
        (validate_shopify_id, "gid://shopify/Product/1", "bad_format"),
        (validate_shopify_id, "४२", "bad_format"),
        (validate_shopify_id, -5, "bad_format"),
        (validate_shopify_id, "4.23E+13", "spreadsheet_number"),
        (validate_shopify_id, "4,23E+13", "spreadsheet_number"),
        (validate_shopify_id, "42301987654321.0", "spreadsheet_number"),
        (validate_shopify_id, 4.23e13, "spreadsheet_number"),
        (validate_gtin, "4006381333931", None),
        (validate_gtin, "400-6381 333931", None),
        (validate_gtin, "96385074", None),
        (validate_gtin, "036000291452", None),
        (validate_gtin, "00036000291452", None),
        (validate_gtin, 4006381333931, None),
        (validate_gtin, "4006381333932", "bad_checksum"),
        (validate_gtin, "36000291452", "lost_leading_zeros"),
        (validate_gtin, 36000291452, "lost_leading_zeros"),
        (validate_gtin, "36000291453", "bad_length"),
        (validate_gtin, "123", "bad_length"),
        (validate_gtin, "1" * 15, "bad_length"),
        (validate_gtin, "40063813339X1", "not_digits"),
        (validate_gtin, "４００６３８１３３３９３１", "not_digits"),
        (validate_gtin, "4.00638E+12", "spreadsheet_number"),
        (validate_gtin, "", "empty"),
        (validate_gtin, None, "empty"),
        (validate_seller_sku, "Tee-Red/M", None),
        (validate_seller_sku, 42, None),
        (validate_seller_sku, "4.23E+13", "spreadsheet_number"),
        (validate_seller_sku, "a\nb", "bad_format"),
        (validate_seller_sku, " ", "empty"),
    ],
)
def test_an_identifier_is_accepted_or_refused_by_name(check, value, reason):
    verdict = check(value)

    assert (verdict.ok, verdict.reason) == (reason is None, reason)
    assert (verdict.normalized is not None) == verdict.ok


def test_a_seller_sku_keeps_its_case_and_is_only_trimmed():
    assert validate_seller_sku("  Tee red-M ").normalized == "Tee red-M"


def test_a_shopify_gid_and_its_digits_are_one():
    assert validate_shopify_id("gid://shopify/ProductVariant/7").normalized == validate_shopify_id(7).normalized == "7"


def test_a_barcode_keeps_its_zeros():
    assert validate_gtin("036000291452").normalized == "036000291452"


def test_an_odd_listing_id_is_only_a_warning():
    assert validate_listing_id("LSTTSHFGHY7BAZXENM4ABC123").warnings == ()
    odd = validate_listing_id("LST123")
    assert (odd.ok, odd.warnings) == (True, ("unusual_listing_id",))
    assert validate_listing_id("").reason == "empty"


def test_a_book_with_a_wrong_check_digit_is_a_warning():
    assert validate_asin("0306406152").warnings == ()
    assert validate_asin("0306406153").warnings == ("isbn_check_digit",)


def test_zeros_are_a_placeholder():
    assert validate_gtin("00000000").warnings == ("placeholder",)


@given(st.text(alphabet="0123456789", min_size=7, max_size=13).filter(lambda digits: len(digits) in (7, 11, 12, 13)))
def test_digits_with_their_check_digit_are_a_gtin(digits):
    good = digits + gs1_check_digit(digits)
    assert validate_gtin(good).ok
    assert not validate_gtin(digits + str((int(good[-1]) + 1) % 10)).ok


@given(st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.binary(), st.booleans()))
def test_no_identifier_raises(value):
    for check in (
        validate_fsn,
        validate_listing_id,
        validate_asin,
        validate_shopify_id,
        validate_gtin,
        validate_seller_sku,
    ):
        verdict = check(value)
        assert verdict.ok == (verdict.reason is None)
        assert all(problem.message for problem in verdict.problems)
    assert is_spreadsheet_number(value) in (True, False)
