"""
One cell at a time: what it must be, and what a spreadsheet may have done to it.

A spreadsheet takes every long number for a quantity: it drops zeros at the front, shows 42301987654321 as 4.23E+13 and saves that, adds
``.0``, turns ``MAR-21`` into a date. The lost digits can't be brought back, so such an identifier is refused and named; it is never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from inventory_sync.domain.snapshots import Fulfilment
from skumap.importer.workbook import DateText
from skumap.importer.writing import unguard_cell

MOST_MRP = Decimal("99999999.99")
MOST_UNITS = 10_000
_BLANKS = " \t\r\n\xa0\u200b\ufeff"
_TEXT_FORMULA = re.compile(r'="([^"]*)"')
_SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,3}|[0-9][.,][0-9]+[eE][0-9]{1,3}")
_POINT_ZERO = re.compile(r"[0-9]+\.0+")
_ERRORS = frozenset({"#n/a", "#ref!", "#name?", "#value!", "#div/0!", "#null!", "#num!", "#spill!", "#calc!"})
_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?|[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}(?:\.[0-9]+)?")
_RUPEES = re.compile(r"^(?:₹|rs\.?|inr)\s*|\s*(?:/-|₹|rs\.?|inr)$", re.IGNORECASE)
_UNITS = re.compile(
    r"(?:pack of\s*|set of\s*|x\s*)?([0-9]{1,6})(?:\.0+)?(?:\s*(?:pcs?|units?|nos?|pack)\.?)?", re.IGNORECASE
)
_FSN = re.compile(r"[A-Z0-9]{16}")
_ASIN = re.compile(r"[A-Z0-9]{10}")
_VARIANT = re.compile(r"(?:gid://shopify/ProductVariant/)?([0-9]{1,20})")
_SUM_OF_GTIN = 10

FULFILMENTS = {
    "fbf": Fulfilment.FBF,
    "flipkart": Fulfilment.FBF,
    "fbf lite": Fulfilment.FBF_LITE,
    "non fbf": Fulfilment.NON_FBF,
    "seller": Fulfilment.NON_FBF,
    "fbf and non fbf": Fulfilment.FBF_AND_NON_FBF,
    "fbf and fbf lite": Fulfilment.FBF_AND_FBF_LITE,
    "fba": Fulfilment.FBA,
    "amazon": Fulfilment.FBA,
    "amazon in": Fulfilment.FBA,
    "afn": Fulfilment.FBA,
    "mfn": Fulfilment.MFN,
    "fbm": Fulfilment.MFN,
    "merchant": Fulfilment.MFN,
    "default": Fulfilment.MFN,
    "easy ship": Fulfilment.EASY_SHIP,
    "self ship": Fulfilment.SELF_SHIP,
    "shopify": Fulfilment.SHOPIFY,
    "manual": Fulfilment.SHOPIFY,
}


class CellError(ValueError):
    """A cell can't be used: a code for programs, and words for the seller."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def plain(cell: str) -> str:
    """A cell without blanks around it, without ``="…"`` and without the apostrophe of our own export. A date stays a ``DateText``."""
    if isinstance(cell, DateText):
        return cell
    bare = cell.strip(_BLANKS)
    formula = _TEXT_FORMULA.fullmatch(bare)
    return formula[1].strip(_BLANKS) if formula else unguard_cell(bare)


def words(cell: str, *, longest: int) -> str:
    """
    A title, a brand: any text.

    :raises CellError: ``spreadsheet_error``, ``hidden_character``, ``too_long``.
    """
    text = _whole(cell)
    if not text.isprintable() and any(unicodedata.category(sign) == "Cc" and sign not in "\t\r\n" for sign in text):
        raise CellError("hidden_character", "A character that can't be seen stands in this text. Type it again.")
    return _short(text, longest)


def identifier(cell: str, *, longest: int) -> str:
    """
    A code that must arrive sign by sign: SKU, seller SKU, account.

    :raises CellError: ``scientific``, ``trailing_zero``, ``digits_lost``, ``date``, ``spreadsheet_error``, ``hidden_character``, ``too_long``.
    """
    text = _whole(cell)
    if isinstance(cell, DateText):
        raise CellError(
            "date",
            f"The spreadsheet has made a date of this code ({text}). Format the column as Text and type it again.",
        )
    if _SHORTENED.fullmatch(text):
        raise CellError(
            "scientific",
            f"{text} is a long number that a spreadsheet has shortened; its last digits are gone. Format the column as Text and "
            "paste the full number again.",
        )
    if _POINT_ZERO.fullmatch(text):
        raise CellError(
            "trailing_zero",
            f"{text} ends in .0: a spreadsheet has made a number of this code. Format the column as Text and paste it again.",
        )
    if len(text) >= 18 and text.isascii() and text.isdigit() and not text[15:].strip("0"):
        raise CellError(
            "digits_lost",
            f"{text} ends in zeros after the 15th digit: that is all a spreadsheet keeps. Format the column as Text and paste it again.",
        )
    if not text.isprintable() and any(unicodedata.category(sign) in {"Cc", "Cf"} for sign in text):
        raise CellError("hidden_character", "A character that can't be seen stands in this code. Type it again.")
    return _short(text, longest)


def barcode(cell: str) -> str:
    """
    A GTIN (EAN, UPC) or a shop's own barcode.

    :raises CellError: as ``identifier``; ``lost_zeros`` when the length proves that zeros at the front are gone.
    """
    text = identifier(cell, longest=20).removeprefix("'")
    _whole_number(text)
    if not (text.isascii() and text.isdigit()):
        return text
    if len(text) == 11 or (len(text) in {7, 9, 10} and is_gtin(text) and not _is_isbn10(text)):
        full = 8 if len(text) == 7 else 12
        raise CellError(
            "lost_zeros",
            f"{text} has {len(text)} digits: it looks like {text.zfill(full)} without its zeros at the front. "
            "Format the column as Text and paste it again.",
        )
    return text


def is_gtin(digits: str) -> bool:
    """Whether the last digit is the check digit of the others. Zeros at the front change nothing."""
    weighed = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(reversed(digits)))
    return weighed % _SUM_OF_GTIN == 0


def _is_isbn10(digits: str) -> bool:
    return len(digits) == 10 and sum((10 - index) * int(digit) for index, digit in enumerate(digits)) % 11 == 0


def hsn(cell: str) -> str:
    """
    An HSN code: 4, 6 or 8 digits, blanks and points taken out. Whether it exists is checked elsewhere.

    :raises CellError: as ``identifier``; ``lost_zeros`` for an odd number of digits, ``not_digits``, ``bad_length``.
    """
    text = identifier(cell, longest=30)
    digits = re.sub(r"[\s.\-]", "", text)
    if digits and not (digits.isascii() and digits.isdigit()):
        raise CellError("not_digits", f"An HSN code has digits only; this is {text}.")
    if len(digits) in {3, 5, 7}:
        raise CellError(
            "lost_zeros",
            f"{digits} has {len(digits)} digits and HSN codes have 4, 6 or 8: the zero at the front may be lost. "
            "Format the column as Text and type it again.",
        )
    if digits and len(digits) not in {4, 6, 8}:
        raise CellError("bad_length", f"An HSN code has 4, 6 or 8 digits; {digits} has {len(digits)}.")
    return digits


def mrp(cell: str) -> Decimal | None:
    """
    Rupees, as people write them: ``1299``, ``₹1,299.00``, ``Rs. 1,29,999/-``. Empty and 0 say nothing.

    :raises CellError: ``not_a_price``, ``too_many_decimals``, ``too_much``, ``spreadsheet_error``.
    """
    text = _whole(cell)
    bare = _RUPEES.sub("", _RUPEES.sub("", text)).strip()
    if not bare:
        return None
    if isinstance(cell, DateText) or not _AMOUNT.fullmatch(bare) or not bare.isascii():
        raise CellError("not_a_price", f"{text} is no price in rupees: write it like 1299.00 or 1,299.00.")
    amount = Decimal(bare.replace(",", ""))
    cents = amount.quantize(Decimal("0.01"))
    if cents != amount:
        raise CellError("too_many_decimals", f"{text} has parts of a paisa. Write two decimals at most.")
    if amount > MOST_MRP:
        raise CellError("too_much", f"{text} is more than any MRP can be.")
    return cents or None


def units(cell: str) -> int | None:
    """
    A whole number of units: ``2``, ``2.0``, ``Pack of 2``. Empty says nothing.

    :raises CellError: ``not_a_count``.
    """
    text = _whole(cell)
    if not text:
        return None
    found = _UNITS.fullmatch(text)
    count = int(found[1]) if found and found[1].isascii() else 0
    if isinstance(cell, DateText) or not 1 <= count <= MOST_UNITS:
        raise CellError("not_a_count", f"{text} is no number of units: write a whole number from 1 to {MOST_UNITS}.")
    return count


def fsn(cell: str) -> str:
    """:raises CellError: as ``identifier``; ``bad_fsn``."""
    text = identifier(cell, longest=40).upper()
    if text and not _FSN.fullmatch(text):
        raise CellError("bad_fsn", f"{text} is no FSN: Flipkart's have 16 capital letters and digits.")
    return text


def asin(cell: str) -> str:
    """:raises CellError: as ``identifier``; ``lost_zeros``, ``bad_asin``."""
    text = identifier(cell, longest=40).upper()
    if text and text.isascii() and text.isdigit() and len(text) < 10:
        raise CellError(
            "lost_zeros",
            f"{text} has {len(text)} digits and an ASIN has 10 signs: zeros at the front are lost. Paste it again as Text.",
        )
    if text and not _ASIN.fullmatch(text):
        raise CellError(
            "bad_asin", f"{text} is no ASIN: Amazon's have 10 capital letters and digits, mostly beginning with B0."
        )
    return text


def variant_id(cell: str) -> str:
    """Digits of a Shopify variant id, also from ``gid://shopify/ProductVariant/…``. :raises CellError: as ``identifier``; ``bad_variant_id``."""
    text = identifier(cell, longest=80).removeprefix("'")
    _whole_number(text)
    if not text:
        return ""
    found = _VARIANT.fullmatch(text)
    if not found or not text.isascii():
        raise CellError("bad_variant_id", f"{text} is no Shopify variant id: it is a number of mostly 14 digits.")
    return found[1]


def fulfilment(cell: str) -> str:
    """Who ships, as one of our ``Fulfilment`` values; "" when the cell says nothing. :raises CellError: ``unknown_fulfilment``."""
    text = _whole(cell)
    key = " ".join(re.sub(r"[\W_]+", " ", text).casefold().split())
    if not key or key == "unknown":
        return ""
    try:
        return FULFILMENTS[key].value
    except KeyError:
        message = f"{text} is no fulfilment that we know: write Seller, FBF, FBA, Easy Ship, Self Ship or Shopify."
        raise CellError("unknown_fulfilment", message) from None


def _whole(cell: str) -> str:
    text = str(plain(cell))
    if text.lower() in _ERRORS:
        raise CellError("spreadsheet_error", f"{text} is an error of the spreadsheet's formula. Put the value there.")
    return text


def _whole_number(text: str) -> None:
    """:raises CellError: digits with an exponent, however it is written."""
    if re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?[eE][+]?[0-9]+", text):
        raise CellError(
            "scientific",
            f"{text} is a long number that a spreadsheet has shortened; its last digits are gone. Format the column as Text and "
            "paste the full number again.",
        )


def _short(text: str, longest: int) -> str:
    if len(text) > longest:
        raise CellError("too_long", f"This has {len(text)} characters; at most {longest} are kept.")
    return text
