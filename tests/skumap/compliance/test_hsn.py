from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.compliance import HsnCode, hsn_min_digits, only_tariff_item, shopify_hsn, validate_hsn

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("code", "min_digits", "normalized"),
    [
        ("61091000", 6, "61091000"),
        (" 6109.10.00 ", 6, "61091000"),
        ("6109-10 00", 6, "61091000"),
        ("0902", 4, "0902"),
        ("85171300", 6, "85171300"),
        ("95030020", 6, "95030020"),
        ("22029921", 6, "22029921"),
        (61091000, 6, "61091000"),
    ],
)
def test_a_listed_code_passes_with_its_digits(code, min_digits, normalized):
    verdict = validate_hsn(code, min_digits=min_digits, on=TODAY)

    assert (verdict.ok, verdict.reason, verdict.normalized, verdict.send_as) == (True, None, normalized, normalized)
    assert verdict.description


@pytest.mark.parametrize(
    ("code", "min_digits", "reason", "normalized"),
    [
        (None, 6, "empty", None),
        ("", 6, "empty", None),
        (" . - ", 6, "empty", None),
        ("6109ABCD", 6, "not_digits", None),
        ("６１０９１０００", 6, "not_digits", None),
        ("६१०९१०००", 6, "not_digits", None),
        ("6109²", 6, "not_digits", None),
        (61091000.0, 6, "not_digits", None),
        (True, 6, "not_digits", None),
        (object(), 6, "not_digits", None),
        ("99A", 6, "not_digits", None),
        ("6109100", 6, "bad_length", None),
        ("902", 6, "bad_length", None),
        ("99831", 6, "bad_length", None),
        ("6109100000", 6, "bad_length", None),
        ("998314", 6, "sac_not_goods", "998314"),
        ("99", 6, "sac_not_goods", "99"),
        ("6109", 6, "too_few_digits", "6109"),
        ("61", 4, "too_few_digits", "61"),
        ("1111", 6, "too_few_digits", "1111"),
        ("61091099", 6, "not_listed", "61091099"),
        ("2031", 4, "not_listed", "2031"),
        ("1111", 4, "not_listed", "1111"),
        ("77010000", 6, "not_listed", "77010000"),
    ],
)
def test_the_first_failure_in_the_fixed_order_is_the_reason(code, min_digits, reason, normalized):
    verdict = validate_hsn(code, min_digits=min_digits, on=TODAY)

    assert (verdict.ok, verdict.reason, verdict.normalized, verdict.send_as) == (False, reason, normalized, None)
    assert verdict.problems[0].field == "hsn"
    assert verdict.message


def test_a_lost_zero_is_asked_about_and_never_put_back():
    assert "leading zero" in validate_hsn("902", min_digits=4).message


def test_six_digits_with_one_item_ending_in_00_are_sent_as_eight():
    verdict = validate_hsn("610910", on=TODAY)

    assert verdict.ok
    assert verdict.warnings == ("expand_to_8",)
    assert (verdict.normalized, verdict.send_as) == ("610910", "61091000")


def test_six_digits_with_several_items_are_sent_as_they_are():
    assert only_tariff_item("220299") is None
    assert validate_hsn("220299", on=TODAY).send_as == "220299"


@pytest.mark.parametrize("code", ["22029920", "22029930", "22029990"])
@pytest.mark.parametrize(
    ("on", "warnings"),
    [
        (date(2026, 4, 30), ()),
        (date(2026, 5, 1), ("superseded",)),
        (datetime(2026, 4, 30, 18, 29, tzinfo=UTC), ()),
        (datetime(2026, 4, 30, 18, 30, tzinfo=UTC), ("superseded",)),
        (None, ("superseded",)),
    ],
)
def test_a_replaced_code_is_doubtful_from_its_day_in_india(code, on, warnings):
    verdict = validate_hsn(code, on=on)

    assert verdict.ok
    assert verdict.warnings == warnings


def test_codes_of_older_tariffs_are_a_warning():
    assert validate_hsn("01011010", on=TODAY).warnings == ("legacy",)


def test_another_table_can_be_passed():
    codes = {"12345678": HsnCode(code="12345678", description="Widgets", status="legacy_heading")}

    assert validate_hsn("12345678", codes=codes).warnings == ("legacy",)
    assert validate_hsn("61091000", codes=codes).reason == "not_listed"


@pytest.mark.parametrize(("crore", "registered", "digits"), [(5, True, 4), (5, False, 0), (6, True, 6), (6, False, 6)])
def test_turnover_sets_the_fewest_digits(crore, registered, digits):
    assert hsn_min_digits(turnover_paise=crore * 10**9, buyer_registered=registered) == digits


def test_five_crore_itself_is_not_above_five_crore():
    assert hsn_min_digits(turnover_paise=5 * 10**9, buyer_registered=True) == 4
    assert hsn_min_digits(turnover_paise=5 * 10**9 + 1, buyer_registered=True) == 6


def test_shopify_gives_the_metafield_before_the_customs_code():
    assert shopify_hsn(metafield=" 61091000 ", harmonized_system_code="610910") == "61091000"
    assert shopify_hsn(metafield=" ", harmonized_system_code="610910") == "610910"
    assert shopify_hsn() is None


@given(st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.binary(), st.lists(st.text())))
def test_no_input_raises(code):
    verdict = validate_hsn(code)

    assert verdict.ok == (verdict.reason is None)
