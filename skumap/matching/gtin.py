"""Trade item numbers: only one with a right check digit says which product it is."""

from __future__ import annotations

LENGTHS = frozenset({8, 12, 13, 14})


def gtin_key(text: str) -> str:
    """
    The number that a barcode stands for, as 14 digits, so that GTIN-12, 13 and 14 of one product are equal.

    :param text: as typed; spaces and hyphens are passed over.
    :return: "" unless it has 8, 12, 13 or 14 ASCII digits, is not all zeros and its check digit is right. A number that a
        spreadsheet has shortened (8.9E+12, a lost leading zero) is therefore never a key.
    """
    digits = text.strip().replace(" ", "").replace("-", "")
    if len(digits) not in LENGTHS or not (digits.isascii() and digits.isdigit()) or not digits.strip("0"):
        return ""
    key = digits.zfill(14)
    total = sum(int(digit) * (1 if index % 2 else 3) for index, digit in enumerate(key))
    return key if total % 10 == 0 else ""
