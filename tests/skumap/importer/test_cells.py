"""What a cell must be, and what a spreadsheet has done to it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from skumap.importer import cells
from skumap.importer.cells import CellError
from skumap.importer.workbook import DateText


@pytest.mark.parametrize(
    ("check", "cell", "code"),
    [
        (cells.barcode, "8.90123E+12", "scientific"),
        (cells.barcode, "8,90123E+12", "scientific"),
        (cells.barcode, "890123e10", "scientific"),
        (cells.barcode, "8901234567894.0", "trailing_zero"),
        (cells.barcode, "12345678905", "lost_zeros"),  # a UPC that began with 0
        (cells.barcode, "890123000000000000", "digits_lost"),
        (cells.barcode, "#N/A", "spreadsheet_error"),
        (cells.barcode, "a" * 21, "too_long"),
        (cells.variant_id, "4.23E+13", "scientific"),
        (cells.variant_id, "42301987654321.0", "trailing_zero"),
        (cells.variant_id, "TEE-1", "bad_variant_id"),
        (cells.variant_id, "٤٢٣", "bad_variant_id"),
        (cells.fsn, "4.23E+13", "scientific"),
        (cells.fsn, "TSHFGHY7BAZXENM", "bad_fsn"),
        (cells.asin, "143565790", "lost_zeros"),
        (cells.asin, "B0SHORT", "bad_asin"),
        (cells.hsn, "902", "lost_zeros"),
        (cells.hsn, "6109ABCD", "not_digits"),
        (cells.hsn, "61", "bad_length"),
        (cells.hsn, "6.1E+07", "scientific"),
        (cells.mrp, "1.299,00", "not_a_price"),
        (cells.mrp, "12,99", "not_a_price"),
        (cells.mrp, "-5", "not_a_price"),
        (cells.mrp, "1.3E+03", "not_a_price"),
        (cells.mrp, "about 500", "not_a_price"),
        (cells.mrp, "12.345", "too_many_decimals"),
        (cells.mrp, "999999999", "too_much"),
        (cells.mrp, "#REF!", "spreadsheet_error"),
        (cells.units, "0", "not_a_count"),
        (cells.units, "1.5", "not_a_count"),
        (cells.units, "two", "not_a_count"),
        (cells.units, "99999", "not_a_count"),
        (cells.fulfilment, "drone", "unknown_fulfilment"),
    ],
)
def test_a_damaged_cell_is_refused_by_name(check, cell, code):
    with pytest.raises(CellError) as caught:
        check(cell)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("check", "cell", "value"),
    [
        (cells.barcode, "8901234567894", "8901234567894"),
        (cells.barcode, "012345678905", "012345678905"),
        (cells.barcode, "123456789012", "123456789012"),  # 12 digits are a whole UPC
        (cells.barcode, "'8901234567894", "8901234567894"),  # as Shopify exports it
        (cells.barcode, '="0123456789012"', "0123456789012"),
        (cells.barcode, "\u200b8901234567894\xa0", "8901234567894"),
        (cells.barcode, "SHELF-7", "SHELF-7"),
        (cells.variant_id, "gid://shopify/ProductVariant/42301987654321", "42301987654321"),
        (cells.variant_id, "42301987654321", "42301987654321"),
        (cells.fsn, "tshfghy7bazxenm4", "TSHFGHY7BAZXENM4"),
        (cells.asin, "0143565790", "0143565790"),
        (cells.hsn, "6109.10.00", "61091000"),
        (cells.hsn, "0902", "0902"),
        (cells.mrp, "1,299.00", Decimal("1299.00")),
        (cells.mrp, "₹ 1,29,999", Decimal("129999.00")),
        (cells.mrp, "Rs. 499/-", Decimal("499.00")),
        (cells.mrp, "1299.500", Decimal("1299.50")),
        (cells.mrp, "0", None),
        (cells.mrp, "", None),
        (cells.units, "Pack of 3", 3),
        (cells.units, "2.0", 2),
        (cells.units, "6 pcs", 6),
        (cells.units, "", None),
        (cells.fulfilment, "Non_FBF", "NON_FBF"),
        (cells.fulfilment, "AMAZON_IN", "FBA"),
        (cells.fulfilment, "Easy Ship", "EASY_SHIP"),
        (cells.fulfilment, "", ""),
    ],
)
def test_a_good_cell_is_taken_as_its_seller_means_it(check, cell, value):
    assert check(cell) == value


@pytest.mark.parametrize("code", ["12E5", "1E5", "A+B", "00123", "TEE.0", "1.05", "-5", "x" * 80, "कुर्ता-१"])
def test_odd_codes_that_are_codes_are_kept(code):
    assert cells.identifier(code, longest=80) == code


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("4.23E+13", "scientific"),
        ("1E+05", "scientific"),
        ("123.0", "trailing_zero"),
        (DateText("2026-03-21"), "date"),
        ("TEE\u200b1", "hidden_character"),
        ("TEE\n1", "hidden_character"),
        ("x" * 81, "too_long"),
    ],
)
def test_a_code_that_a_spreadsheet_has_changed_is_refused(cell, code):
    with pytest.raises(CellError) as caught:
        cells.identifier(cell, longest=80)

    assert caught.value.code == code
