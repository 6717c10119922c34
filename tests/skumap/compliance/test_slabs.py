from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.compliance import price_crosses_slab, resolve_rate, resolve_rate_for_price, unit_value

NEW, OLD = date(2025, 9, 22), date(2025, 9, 21)
BAND = ("price_band_not_self_consistent",)


@pytest.mark.parametrize(
    ("hsn", "on", "limit", "low", "high"),
    [
        ("61091000", OLD, 100000, 5, 12),
        ("62034200", OLD, 100000, 5, 12),
        ("63079090", OLD, 100000, 5, 12),
        ("61091000", NEW, 250000, 5, 18),
        ("62034200", NEW, 250000, 5, 18),
        ("63079090", NEW, 250000, 5, 18),
        ("64041990", date(2017, 7, 1), 50000, 5, 18),
        ("64041990", date(2018, 7, 26), 50000, 5, 18),
        ("64041990", date(2018, 7, 27), 100000, 5, 18),
        ("64041990", date(2021, 12, 31), 100000, 5, 18),
        ("64041990", date(2022, 1, 1), 100000, 12, 18),
        ("64041990", OLD, 100000, 12, 18),
        ("64041990", NEW, 250000, 5, 18),
    ],
)
def test_the_limit_is_not_exceeded_by_itself(hsn, on, limit, low, high):
    assert resolve_rate(hsn, on, {"unit_value": limit}).rate == low
    assert resolve_rate(hsn, on, {"unit_value": limit + 1}).rate == high


def test_quilts_have_the_new_limit_only():
    facts = {"tags": ["quilted"], "unit_value": 250000}

    assert resolve_rate("94044000", NEW, facts).rate == 5
    assert resolve_rate("94044000", NEW, facts | {"unit_value": 250001}).rate == 18


@pytest.mark.parametrize(
    ("hsn", "on", "price", "rate", "warnings"),
    [
        ("61091000", NEW, 262500, 5, ()),
        ("61091000", NEW, 262501, 18, BAND),
        ("61091000", NEW, 295000, 18, BAND),
        ("61091000", NEW, 295001, 18, ()),
        ("64041990", NEW, 262500, 5, ()),
        ("64041990", NEW, 280000, 18, BAND),
        ("64041990", NEW, 295001, 18, ()),
        ("61091000", OLD, 105000, 5, ()),
        ("61091000", OLD, 105001, 12, BAND),
        ("61091000", OLD, 112000, 12, BAND),
        ("61091000", OLD, 112001, 12, ()),
        ("64041990", OLD, 112000, 12, ()),
        ("64041990", OLD, 112001, 18, BAND),
        ("64041990", OLD, 118000, 18, BAND),
        ("64041990", OLD, 118001, 18, ()),
        ("61091000", NEW, 199900, 5, ()),
        ("85171300", NEW, 1, 18, ()),
        ("64061000", NEW, 100, 18, ()),
        ("63079090", NEW, 280000, 18, BAND),
    ],
)
def test_a_price_with_tax_finds_its_own_rate(hsn, on, price, rate, warnings):
    result = resolve_rate_for_price(hsn, on, price_paise=price)

    assert (result.status, result.rate, result.warnings) == ("ok", rate, warnings)


def test_in_the_dead_zone_the_seller_is_told_where_to_go():
    result = resolve_rate_for_price("61091000", NEW, price_paise=270000)

    assert (result.move_down_to, result.move_above) == (262500, 295000)
    assert "2625" in result.message
    assert "2950" in result.message


def test_moves_are_told_for_the_pack_and_before_the_discount():
    result = resolve_rate_for_price("61091000", NEW, price_paise=550000, pieces=2, discount_paise=10000)

    assert result.warnings == BAND
    assert (result.move_down_to, result.move_above) == (535000, 600000)


def test_a_pack_is_judged_by_the_piece():
    pack = resolve_rate_for_price("61091000", NEW, price_paise=480000, pieces=2, inclusive=False)

    assert (pack.rate, pack.unit_value) == (5, 240000)
    assert resolve_rate_for_price("61091000", NEW, price_paise=480000, inclusive=False).rate == 18


@pytest.mark.parametrize(("price", "rate"), [(500000, 5), (500001, 18)])
def test_half_a_paisa_above_the_limit_is_above_it(price, rate):
    assert resolve_rate_for_price("61091000", NEW, price_paise=price, pieces=2, inclusive=False).rate == rate


def test_the_sellers_discount_counts():
    assert resolve_rate_for_price("61091000", NEW, price_paise=349900, discount_paise=150000).rate == 5


def test_the_facts_own_unit_value_is_not_used():
    assert resolve_rate_for_price("61091000", NEW, price_paise=100, facts={"unit_value": 999999}).rate == 5


def test_a_national_flag_is_nil_at_any_price():
    assert resolve_rate_for_price("63079090", NEW, price_paise=400000, facts={"tags": ["national_flag"]}).rate == 0


@pytest.mark.parametrize("price", [0, -5, None, "2625", 2625.0, True])
def test_without_a_price_the_price_is_asked_for(price):
    result = resolve_rate_for_price("61091000", NEW, price_paise=price)

    assert (result.status, result.missing) == ("needs_facts", ("unit_value",))


def test_other_missing_facts_and_unlisted_goods_stay_what_they_are():
    assert resolve_rate_for_price("87112029", NEW, price_paise=100).missing == ("engine_cc",)
    assert resolve_rate_for_price("90999999", NEW, price_paise=100).status == "unlisted"


@pytest.mark.parametrize(
    ("old", "new", "crosses"),
    [
        (199900, 249900, False),
        (262500, 262501, True),
        (270000, 290000, False),
        (295000, 295001, True),
        (100, 300000, True),
    ],
)
def test_a_change_of_price_across_the_limit_is_noticed(old, new, crosses):
    assert price_crosses_slab("64041990", NEW, old_price_paise=old, new_price_paise=new) is crosses


def test_the_value_of_a_piece_is_exact():
    assert unit_value(price_paise=100, pieces=3) == Fraction(100, 3)
    with pytest.raises(ValueError, match="whole"):
        unit_value(price_paise=100, discount_paise=100)


@given(st.integers(1, 10**6))
def test_without_a_warning_the_rate_fits_the_value_that_it_leaves(price):
    result = resolve_rate_for_price("61091000", NEW, price_paise=price)

    assert result.rate is not None
    fits = (
        resolve_rate("61091000", NEW, {"unit_value": Fraction(price) * 100 / (100 + Fraction(result.rate))}).rate
        == result.rate
    )
    assert fits == (result.warnings == ())
    assert (262500 < price <= 295000) == (result.warnings == BAND)
