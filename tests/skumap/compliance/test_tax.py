from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.compliance import (
    RATES,
    EinvoiceLine,
    add_tax,
    allocate_charge,
    check_einvoice,
    check_invoice_number,
    financial_year,
    invoice_totals,
    round_half_up,
    round_to_rupee,
    split_tax,
    tax_line,
)


@pytest.mark.parametrize(
    ("amount", "inclusive", "rate", "intra", "taxable", "cgst", "sgst", "igst", "round_off"),
    [
        (118000, True, "18", True, 100000, 9000, 9000, 0, 0),
        (99900, True, "18", True, 84661, 7619, 7619, 0, 1),
        (99900, True, "18", False, 84661, 0, 0, 15239, 0),
        (49900, True, "5", True, 47524, 1188, 1188, 0, 0),
        (100, True, "18", True, 85, 8, 8, 0, -1),
        (1030000, True, "3", True, 1000000, 15000, 15000, 0, 0),
        (10001, False, "0.25", True, 10001, 13, 13, 0, 0),
        (10001, False, "0.25", False, 10001, 0, 0, 25, 0),
        (100, False, "5", True, 100, 3, 3, 0, 0),
        (89900, True, "18", True, 76186, 6857, 6857, 0, 0),
        (-99900, True, "18", True, -84661, -7619, -7619, 0, -1),
        (0, True, "18", True, 0, 0, 0, 0, 0),
        (5000, True, "0", False, 5000, 0, 0, 0, 0),
    ],
)
def test_a_line_is_split_as_worked_out_by_hand(amount, inclusive, rate, intra, taxable, cgst, sgst, igst, round_off):
    split = split_tax(amount, Decimal(rate), intra=intra, inclusive=inclusive)

    assert (split.taxable, split.cgst, split.sgst, split.igst, split.round_off) == (
        taxable,
        cgst,
        sgst,
        igst,
        round_off,
    )


def test_a_line_is_rounded_once_and_not_per_unit():
    line = tax_line(unit_price_paise=33300, quantity=3, rate=18, supplier_state="27", place_of_supply="27")

    assert line.taxable == 84661
    assert 3 * split_tax(33300, 18, intra=True).taxable == 84660


def test_a_discount_comes_off_the_line_before_the_tax():
    line = tax_line(
        unit_price_paise=60000, quantity=2, discount_paise=2000, rate="18", supplier_state="27", place_of_supply="29"
    )

    assert (line.taxable, line.heads) == (100000, {"IGST": 18000})


def test_a_territory_charges_its_own_label():
    line = tax_line(unit_price_paise=118000, rate=18, supplier_state="CH", place_of_supply="Chandigarh")

    assert line.heads == {"CGST": 9000, "UTGST": 9000}


def test_misuse_is_told_apart_from_bad_data():
    with pytest.raises(TypeError):
        split_tax(999.0, 18, intra=True)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        split_tax(999, 18.0, intra=True)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rate"):
        split_tax(999, 101, intra=True)
    with pytest.raises(ValueError, match="State"):
        tax_line(unit_price_paise=1, rate=18, supplier_state="XX", place_of_supply="27")


@given(amount=st.integers(0, 10**12), rate=st.sampled_from(RATES), intra=st.booleans())
def test_a_price_with_tax_is_the_sum_of_its_parts(amount, rate, intra):
    split = split_tax(amount, rate, intra=intra)

    assert split.taxable + split.cgst + split.sgst + split.igst + split.round_off == amount == split.total
    assert abs(split.round_off) <= 1
    assert split.cgst == split.sgst
    assert min(split.taxable, split.cgst, split.igst) >= 0


@given(amount=st.integers(-(10**12), 10**12), rate=st.sampled_from(RATES), intra=st.booleans(), inclusive=st.booleans())
def test_a_credit_mirrors_its_invoice(amount, rate, intra, inclusive):
    one, other = (split_tax(sign * amount, rate, intra=intra, inclusive=inclusive) for sign in (1, -1))

    assert (one.taxable, one.taxes, one.round_off) == (-other.taxable, -other.taxes, -other.round_off)


@given(amount=st.integers(0, 10**9), rate=st.sampled_from(RATES))
def test_both_kinds_of_supply_differ_by_a_paisa_at_most(amount, rate):
    intra, inter = (split_tax(amount, rate, intra=within, inclusive=False) for within in (True, False))

    assert abs(intra.taxes - inter.igst) <= 1
    assert add_tax(amount, rate) == inter.total
    assert intra.round_off == inter.round_off == 0


def test_half_goes_away_from_zero():
    assert [round_half_up(Decimal(value)) for value in ("0.5", "1.5", "2.5", "-0.5", "0.4999")] == [1, 2, 3, -1, 0]


# --- charges, totals, numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charge", "values", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (100, [2, 1], [67, 33]),
        (4900, [84661, 47524], [3138, 1762]),
        (100, [0, 0], [100, 0]),
        (1, [1, 1], [1, 0]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (0, [5, 5], [0, 0]),
    ],
)
def test_a_charge_follows_the_goods(charge, values, shares):
    assert allocate_charge(charge, values) == shares


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_nothing_of_a_charge_is_lost(charge, values):
    assert sum(allocate_charge(charge, values)) == charge


def test_a_charge_needs_somewhere_to_go():
    with pytest.raises(ValueError, match="lines"):
        allocate_charge(100, [])
    with pytest.raises(ValueError, match="zero"):
        allocate_charge(100, [5, -1])


@pytest.mark.parametrize(
    ("total", "payable", "off"), [(149, 100, -49), (150, 200, 50), (200, 200, 0), (-150, -200, -50), (0, 0, 0)]
)
def test_a_total_is_rounded_to_the_rupee_and_the_difference_named(total, payable, off):
    assert round_to_rupee(total) == (payable, off)


def test_totals_are_sums_of_lines_and_the_rupee_changes_no_tax():
    lines = [split_tax(99900, 18, intra=True), split_tax(49950, 5, intra=True)]
    totals = invoice_totals(lines, to_rupee=True)

    assert totals.total == 149850
    assert (totals.payable, totals.rupee_round_off) == (149900, 50)
    assert totals.cgst == totals.sgst == sum(line.cgst for line in lines)
    assert invoice_totals(lines).payable == 149850


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("FK/2025-26/00001", None),
        ("A", None),
        (" INV-1 ", None),
        (1234567890123456, None),
        ("", "empty"),
        (None, "empty"),
        ("FK/2025-26/000001", "too_long"),
        ("-1", "bad_format"),
        ("/1", "bad_format"),
        ("INV 1", "bad_format"),
        ("INV#1", "bad_format"),
        ("１", "bad_format"),
        ("inv-7", "not_unique"),
    ],
)
def test_an_invoice_number_has_sixteen_plain_characters_and_is_new(number, reason):
    assert check_invoice_number(number, used=["INV-7"]).reason == reason


def test_the_financial_year_starts_in_april():
    from datetime import UTC, date, datetime

    assert financial_year(date(2026, 3, 31)) == "2025-26"
    assert financial_year(date(2026, 4, 1)) == "2026-27"
    assert financial_year(date(2000, 1, 1)) == "1999-00"
    assert financial_year(datetime(2026, 3, 31, 18, 30, tzinfo=UTC)) == "2026-27"


def test_the_portals_sums_are_checked_before_it_does():
    good = EinvoiceLine(hsn="61091000", amount=100000, discount=1000, assessable=99000, igst=17820, total=116820)

    assert check_einvoice([good], assessable_total=99000, invoice_total=116920, intra=False).ok
    bad = EinvoiceLine(hsn="12", amount=100000, assessable=99000, igst=17820, total=116820)
    assert check_einvoice([bad], assessable_total=1, invoice_total=116921, intra=True).reasons == (
        "line_values_do_not_add_up",
        "total_off_by_more_than_a_rupee",
        "assessable_not_amount_less_discount",
        "igst_within_state",
    )
    assert check_einvoice(
        [EinvoiceLine(hsn="00", amount=1, assessable=1, total=1)], assessable_total=1, invoice_total=1, intra=True
    ).reasons == ("unknown_hsn",)


@given(st.one_of(st.text(), st.none(), st.integers(), st.floats()))
def test_no_invoice_number_raises(number):
    assert check_invoice_number(number).ok in (True, False)
