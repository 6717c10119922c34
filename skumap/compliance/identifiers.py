"""
The names that marketplaces give to things. Each function says whether a text can be such a name; none says that two listings are one product.

Identifiers are text. What a spreadsheet has turned into a number (``4.23E+13``, a zero lost in front) is refused by that name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from skumap.compliance.verdict import Problem, Verdict, as_text, error, is_ascii_digits, quoted, warning

FSN_PATTERN = re.compile(r"[A-Z0-9]{16}")
LISTING_ID_PATTERN = re.compile(r"LST[A-Z0-9]{16}[A-Z0-9]{6}")
ASIN_PATTERN = re.compile(r"[A-Z0-9]{10}")
ISBN_10_PATTERN = re.compile(r"[0-9]{9}[0-9X]")
SHOPIFY_GID_PATTERN = re.compile(r"gid://shopify/ProductVariant/([0-9]+)")
GTIN_LENGTHS = (8, 12, 13, 14)
SHOPIFY_ID_MAX = 2**63 - 1

_SCIENTIFIC = re.compile(r"[0-9]+(?:[.,][0-9]+)?E\+[0-9]{1,3}", re.IGNORECASE | re.ASCII)
_WHOLE_FLOAT = re.compile(r"[0-9]{6,}\.0+", re.ASCII)


def validate_fsn(fsn: object, *, field: str = "product_id") -> Verdict:
    """A Flipkart FSN (``product_id``): 16 capital letters and digits. Errors: ``empty``, ``spreadsheet_number``, ``bad_length``, ``bad_format``."""
    return _judge(fsn, field, "Flipkart FSN", lambda text: _shape(text, field, "Flipkart FSN", FSN_PATTERN, 16))


def validate_listing_id(listing_id: object, *, field: str = "listing_id") -> Verdict:
    """A Flipkart listing id: LST, the FSN, 6 more. Older ones may differ, so an odd one is only the warning ``unusual_listing_id``."""
    verdict = _judge(listing_id, field, "Flipkart listing id", lambda text: [])
    if verdict.ok and not LISTING_ID_PATTERN.fullmatch(verdict.normalized or ""):
        words = f"{quoted(verdict.normalized or '')} does not look like a Flipkart listing id (LST and 22 characters); please check it."
        return verdict.having(warning("unusual_listing_id", field, words))
    return verdict


def validate_asin(asin: object, *, field: str = "asin") -> Verdict:
    """
    An ASIN: 10 capital letters and digits. Errors: ``empty``, ``spreadsheet_number``, ``bad_length``, ``bad_format``.

    A book's ASIN is its ISBN-10; if its check digit does not fit, that is the warning ``isbn_check_digit``.
    """
    verdict = _judge(asin, field, "ASIN", lambda text: _shape(text, field, "ASIN", ASIN_PATTERN, 10))
    text = verdict.normalized or ""
    if verdict.ok and ISBN_10_PATTERN.fullmatch(text) and not _is_isbn_10(text):
        words = f"{text} looks like the ISBN of a book, but its check digit does not fit."
        return verdict.having(warning("isbn_check_digit", field, words))
    return verdict


def validate_shopify_id(shopify_id: object, *, field: str = "variant_id") -> Verdict:
    """
    A Shopify variant: its gid or its digits; ``normalized`` is the digits.

    Errors: ``empty``, ``spreadsheet_number``, ``bad_format``, ``too_large`` (more than 64 bits).
    """
    verdict = _judge(shopify_id, field, "Shopify variant id", lambda text: _shopify_problems(text, field))
    if not verdict.ok or verdict.normalized is None:
        return verdict
    return Verdict(normalized=_shopify_digits(verdict.normalized), problems=verdict.problems)


def validate_gtin(gtin: object, *, field: str = "gtin") -> Verdict:
    """
    A GTIN (EAN, UPC, ISBN-13): 8, 12, 13 or 14 digits with the GS1 check digit. Spaces and hyphens between are dropped, zeros never added.

    Errors in order: ``empty``, ``spreadsheet_number``, ``not_digits``, ``lost_leading_zeros`` (with zeros in front it would be valid),
    ``bad_length``, ``bad_checksum``. Warning: ``placeholder``, all zeros.
    """
    return _judge(gtin, field, "barcode (GTIN)", lambda text: _gtin_problems(text, field), clean=_without_gaps)


def validate_seller_sku(sku: object, *, field: str = "seller_sku") -> Verdict:
    """A seller SKU: as given and case-sensitive, only trimmed. Errors: ``empty``, ``spreadsheet_number``, ``bad_format`` (control characters)."""
    return _judge(sku, field, "seller SKU", lambda text: _sku_problems(text, field))


def gs1_check_digit(digits: str) -> str:
    """
    The check digit that belongs to the digits before it.

    :raises ValueError: anything but ASCII digits.
    """
    if not is_ascii_digits(digits):
        raise ValueError("a check digit is computed from digits")
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def is_spreadsheet_number(value: object) -> bool:
    """Has a spreadsheet turned this identifier into a number? ``4.23E+13``, ``42301987654321.0``, or a float itself."""
    if isinstance(value, float):
        return True
    text = as_text(value)
    return bool(_SCIENTIFIC.fullmatch(text) or _WHOLE_FLOAT.fullmatch(text))


def _judge(
    value: object,
    field: str,
    name: str,
    check: Callable[[str], list[Problem]],
    *,
    clean: Callable[[str], str] = str,
) -> Verdict:
    text = clean(as_text(value))
    if not text:
        return Verdict(problems=(error("empty", field, f"The {name} is missing."),))
    if is_spreadsheet_number(value):
        words = f"A spreadsheet has turned the {name} into the number {quoted(str(value))}; format the column as text and paste it again."
        return Verdict(problems=(error("spreadsheet_number", field, words),))
    problems = check(text)
    return Verdict(normalized=None if any(problem.blocks for problem in problems) else text, problems=tuple(problems))


def _shape(text: str, field: str, name: str, pattern: re.Pattern[str], length: int) -> list[Problem]:
    if len(text) != length:
        return [error("bad_length", field, f"The {name} has {length} characters, {quoted(text)} has {len(text)}.")]
    if not pattern.fullmatch(text):
        return [error("bad_format", field, f"{quoted(text)}: the {name} holds only capital letters A to Z and digits.")]
    return []


def _shopify_digits(text: str) -> str:
    gid = SHOPIFY_GID_PATTERN.fullmatch(text)
    return gid.group(1) if gid else text


def _shopify_problems(text: str, field: str) -> list[Problem]:
    digits = _shopify_digits(text)
    if not is_ascii_digits(digits):
        words = f"{quoted(text)} is not a Shopify variant: give its digits, or gid://shopify/ProductVariant/ and its digits."
        return [error("bad_format", field, words)]
    if len(digits) > 19 or int(digits) > SHOPIFY_ID_MAX:
        return [error("too_large", field, f"{quoted(digits)} is too large for a Shopify id.")]
    return []


def _without_gaps(text: str) -> str:
    return re.sub(r"[\s-]+", "", text)


def _gtin_problems(text: str, field: str) -> list[Problem]:
    if not is_ascii_digits(text):
        return [error("not_digits", field, f"The barcode {quoted(text)} may hold only the digits 0 to 9.")]
    if len(text) not in GTIN_LENGTHS:
        return [_gtin_length(text, field)]
    if gs1_check_digit(text[:-1]) != text[-1]:
        words = f"The last digit of the barcode {text} does not fit the others; please scan or type it again."
        return [error("bad_checksum", field, words)]
    if not text.strip("0"):
        return [warning("placeholder", field, "A barcode of zeros is a placeholder, not a barcode.")]
    return []


def _gtin_length(text: str, field: str) -> Problem:
    longer = min((length for length in GTIN_LENGTHS if length > len(text)), default=0)
    # Fewer than six digits are a typo rather than a number that lost its zeros.
    if len(text) >= 6 and longer and text.strip("0") and gs1_check_digit(text[:-1]) == text[-1]:
        words = f"The barcode {text} has {len(text)} digits; it seems to have lost its leading zeros in a spreadsheet ({text.zfill(longer)}?)."
        return error("lost_leading_zeros", field, words)
    return error("bad_length", field, f"A barcode has 8, 12, 13 or 14 digits, {quoted(text)} has {len(text)}.")


def _sku_problems(text: str, field: str) -> list[Problem]:
    if text.isprintable():
        return []
    return [
        error("bad_format", field, f"The seller SKU {quoted(text)} contains a line break, tab or invisible character.")
    ]


def _is_isbn_10(text: str) -> bool:
    values = [10 if character == "X" else int(character) for character in text]
    return sum(value * (10 - place) for place, value in enumerate(values)) % 11 == 0
