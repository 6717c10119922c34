"""Headings as they are compared."""

from __future__ import annotations

import unicodedata


def heading(text: str) -> str:
    """
    A heading as we compare them: small letters, words and digits with single blanks between them.

    ``seller-sku``, ``Seller SKU`` and ``SELLER_SKU `` are one; ``MRP (₹)`` is ``mrp``.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(sign if sign.isalnum() else " " for sign in plain).split())
