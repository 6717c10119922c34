from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.compliance import check_mrp, check_same_mrp, parse_money


@pytest.mark.parametrize(
    ("value", "paise"),
    [
        ("1,299.00", 129900),
        ("₹1,299", 129900),
        ("₹ 1,29,999.50", 12999950),
        ("Rs. 499/-", 49900),
        ("rs 499", 49900),
        ("INR 1,234,567", 123456700),
        (" 5 ", 500),
        ("0.05", 5),
        ("10.500", 1050),
        ("-5", -500),
        ("₹-5", -500),
        (Decimal("12.34"), 1234),
        (1299, 1299),
        ("1.299,00", None),
        ("12,34", None),
        ("1,2,9", None),
        ("10.505", None),
        (Decimal("0.001"), None),
        (Decimal("NaN"), None),
        ("१२", None),
        ("1e3", None),
        ("Rs", None),
        ("", None),
        (None, None),
        (12.5, None),
        (True, None),
        ([], None),
    ],
)
def test_money_is_read_as_people_write_it_or_not_at_all(value, paise):
    assert parse_money(value) == paise


@pytest.mark.parametrize(
    ("mrp", "price", "options", "reasons"),
    [
        ("1,299.00", "1299", {}, ()),
        ("1299", "1298.99", {}, ()),
        ("1299", "1299.01", {}, ("price_above_mrp",)),
        (129900, 129901, {}, ("price_above_mrp",)),
        ("1000", "900", {"inclusive": False, "rate": 18}, ("price_above_mrp",)),
        ("1062", "900", {"inclusive": False, "rate": Decimal(18)}, ()),
        ("1000", "900", {"inclusive": False}, ("rate_needed",)),
        (None, "900", {}, ("mrp_missing",)),
        ("  ", "900", {}, ("mrp_missing",)),
        ("0", "900", {}, ("mrp_not_positive",)),
        ("-1", "900", {}, ("mrp_not_positive",)),
        ("cheap", "900", {}, ("mrp_not_a_number",)),
        (99.5, "900", {}, ("mrp_not_a_number",)),
        ("1000", None, {}, ("price_missing",)),
        ("1000", "0", {}, ("price_not_positive",)),
        ("1000", "x", {}, ("price_not_a_number",)),
        (None, None, {}, ("mrp_missing", "price_missing")),
        ("1299.50", "1000", {}, ()),
        ("1299.50", "1000", {"channel": "flipkart"}, ("mrp_not_whole_rupee",)),
        ("1299.00", "1298.75", {"channel": "flipkart"}, ()),
        ("1299.00", "0.75", {"channel": "flipkart"}, ("price_not_positive",)),
        ("2147483648", "1", {"channel": "flipkart"}, ("amount_too_large",)),
    ],
)
def test_a_price_stays_within_an_mrp_that_exists(mrp, price, options, reasons):
    verdict = check_mrp(mrp, price, **options)

    assert verdict.reasons == reasons
    assert verdict.ok == (not reasons)
    assert all(problem.message and problem.field in ("mrp", "price", "rate") for problem in verdict.problems)


def test_flipkart_gets_whole_rupees_with_the_price_rounded_down():
    verdict = check_mrp("1299", "1298.99", channel="flipkart")

    assert (verdict.flipkart_mrp, verdict.flipkart_selling_price) == (1299, 1298)
    assert (verdict.mrp_paise, verdict.price_paise) == (129900, 129899)


def test_the_tax_is_shown_in_the_refusal():
    assert "1062" in check_mrp("1000", "900", inclusive=False, rate=18).message


def test_one_pack_with_two_mrps_is_a_warning():
    assert check_same_mrp({"flipkart": "1,299", "shopify": 129900, "amazon": None}).warnings == ()
    verdict = check_same_mrp({"flipkart": "1299", "amazon": "1399"})
    assert (verdict.ok, verdict.warnings) == (True, ("mrp_differs",))


_anything = st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.decimals())


@given(_anything, _anything, st.booleans(), _anything)
def test_no_input_raises(mrp, price, inclusive, rate):
    verdict = check_mrp(mrp, price, inclusive=inclusive, rate=rate, channel="flipkart")

    if verdict.ok:
        assert 0 < verdict.flipkart_selling_price <= verdict.flipkart_mrp


@given(st.integers(0, 10**12))
def test_paise_survive_the_way_through_text(paise):
    assert parse_money(f"₹ {paise // 100:,}.{paise % 100:02d}") == paise
