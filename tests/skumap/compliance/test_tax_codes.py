from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.compliance import (
    FLIPKART_TAX_CODES,
    amazon_rate,
    amazon_tax_code,
    check_flipkart_tax_code,
    flipkart_tax_code,
)

TODAY = date(2026, 11, 21)
OLD, NEW = date(2025, 9, 21), date(2025, 9, 22)


@pytest.mark.parametrize(
    ("rate", "on", "hsn", "code"),
    [
        ("0", TODAY, "49011010", "GST_0"),
        (Decimal("3.00"), TODAY, "71131910", "GST_3"),
        (5, TODAY, "66011000", "GST_5"),
        (18, TODAY, "85171300", "GST_18"),
        (12, OLD, "66011000", "GST_12"),
        (28, OLD, "84151010", "GST_28"),
        (28, date(2026, 1, 31), "24022090", "GST_28"),
        (28, date(2026, 1, 31), "21069020", "GST_28"),
        (5, TODAY, "61091000", "GST_APPAREL"),
        (18, TODAY, "62034200", "GST_APPAREL"),
        (None, TODAY, "62034200", "GST_APPAREL"),
        (12, OLD, "61091000", "GST_APPAREL"),
        (5, TODAY, "64041990", "GST_5"),
        (18, TODAY, "64041990", "GST_18"),
        (18, TODAY, "63079090", "GST_18"),
    ],
)
def test_flipkart_gets_the_code_of_the_rate(rate, on, hsn, code):
    result = flipkart_tax_code(rate, on, hsn=hsn)

    assert (result.ok, result.code) == (True, code)
    assert result.price_dependent == (code == "GST_APPAREL")


@pytest.mark.parametrize(
    ("rate", "on", "hsn", "reason"),
    [
        (40, TODAY, "22021010", "no_tax_code_for_rate"),
        ("0.25", TODAY, "71023100", "no_tax_code_for_rate"),
        ("1.5", TODAY, "71023910", "no_tax_code_for_rate"),
        (None, TODAY, "85171300", "no_tax_code_for_rate"),
        ("eighteen", TODAY, "85171300", "no_tax_code_for_rate"),
        (7, TODAY, "85171300", "no_tax_code_for_rate"),
        (12, NEW, "66011000", "rate_not_in_force"),
        (28, NEW, "84151010", "rate_not_in_force"),
        (12, NEW, "61091000", "rate_not_in_force"),
        (12, NEW, "24022090", "rate_not_in_force"),
        (28, date(2026, 2, 1), "24022090", "rate_not_in_force"),
    ],
)
def test_without_a_code_flipkart_gets_nothing(rate, on, hsn, reason):
    result = flipkart_tax_code(rate, on, hsn=hsn)

    assert (result.ok, result.reason, result.code) == (False, reason, None)
    assert result.message


def test_an_account_may_offer_more_codes():
    allowed = (*FLIPKART_TAX_CODES, "GST_40", "GST_FOOTWEAR", "GST_LINEN")

    assert flipkart_tax_code(40, TODAY, hsn="22021010", allowed=allowed).code == "GST_40"
    assert flipkart_tax_code(5, TODAY, hsn="64041990", allowed=allowed).code == "GST_FOOTWEAR"
    assert flipkart_tax_code(18, TODAY, hsn="64061000", allowed=allowed).code == "GST_18"
    codes = {"63": "GST_LINEN"}
    assert flipkart_tax_code(5, TODAY, hsn="63079090", allowed=allowed, price_codes=codes).code == "GST_LINEN"
    assert flipkart_tax_code(0, TODAY, hsn="63079090", allowed=allowed, price_codes=codes).code == "GST_0"
    assert flipkart_tax_code(5, TODAY, hsn="63090000", allowed=allowed, price_codes=codes).code == "GST_5"


def test_an_account_without_the_clothing_code_gets_the_rate():
    assert flipkart_tax_code(5, TODAY, hsn="61091000", allowed=("GST_5", "GST_18")).code == "GST_5"


def test_a_code_is_checked_against_the_account():
    assert check_flipkart_tax_code("GST_5").ok
    assert check_flipkart_tax_code("GST_40").reason == "tax_code_not_allowed"
    assert check_flipkart_tax_code(None).reason == "empty"


@pytest.mark.parametrize(
    ("rate", "on", "code"),
    [
        (0, TODAY, "A_GEN_EXEMPT"),
        ("0.25", TODAY, "A_GEN_MINIMUM"),
        (3, TODAY, "A_GEN_JEWELLERY"),
        (5, TODAY, "A_GEN_SUPERREDUCED"),
        (18, TODAY, "A_GEN_STANDARD"),
        (40, TODAY, "A_GEN_HIGHPEAK"),
        (5, OLD, "A_GEN_SUPERREDUCED"),
        (12, OLD, "A_GEN_REDUCED"),
        (28, OLD, "A_GEN_PEAK"),
    ],
)
def test_amazon_gets_the_code_of_the_day(rate, on, code):
    assert amazon_tax_code(rate, on).code == code


@pytest.mark.parametrize(
    ("rate", "on", "hsn", "reason"),
    [
        ("1.5", TODAY, "", "no_tax_code_for_rate"),
        (40, OLD, "", "no_tax_code_for_rate"),
        (None, TODAY, "", "no_tax_code_for_rate"),
        (12, NEW, "", "rate_not_in_force"),
        (28, NEW, "", "rate_not_in_force"),
        (28, NEW, "24022090", "no_tax_code_for_rate"),
    ],
)
def test_without_a_code_amazon_gets_nothing(rate, on, hsn, reason):
    assert amazon_tax_code(rate, on, hsn=hsn).reason == reason


@pytest.mark.parametrize(
    ("code", "before", "since"),
    [
        ("A_GEN_REDUCED", 12, 5),
        ("A_GEN_PEAK", 28, 18),
        ("A_GEN_PEAK_CESS12", 28, 40),
        ("A_GEN_STANDARD", 18, 18),
        ("A_GEN_SUPERREDUCED", 5, 5),
        ("A_GEN_HIGHPEAK", None, 40),
        ("A_GEN_STANDARDtoREDUCED2025", None, None),
        (None, None, None),
    ],
)
def test_the_meaning_of_an_amazon_code_has_a_date(code, before, since):
    assert [meaning and meaning.rate for meaning in (amazon_rate(code, OLD), amazon_rate(code, NEW))] == [before, since]


def test_the_old_cess_code_says_its_cess():
    meaning = amazon_rate("A_GEN_PEAK_CESS12", OLD)

    assert meaning is not None
    assert meaning.rate + meaning.cess == 40


@given(st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.decimals()), st.text())
def test_no_input_raises(rate, hsn):
    assert flipkart_tax_code(rate, TODAY, hsn=hsn).ok in (True, False)
    assert amazon_tax_code(rate, TODAY, hsn=hsn).ok in (True, False)
