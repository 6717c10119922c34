"""Money as people write it, to paise and back. Text and Decimal are rupees, a whole number (int) is paise, a float is refused."""

from __future__ import annotations

import re
from decimal import Decimal

_SIGN = re.compile(r"^(?:₹|rs\.?|inr)\s*|\s*(?:/-|₹|inr)$", re.IGNORECASE | re.ASCII)
_AMOUNT = re.compile(
    r"(?P<minus>-?)(?P<rupees>[0-9]+|[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3}|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.(?P<paise>[0-9]{1,2})0*)?",
)
MAX_DIGITS = 15


def parse_money(value: object) -> int | None:
    """
    An amount in paise; None for what is not an amount, or not a whole number of paise.

    :param value: text in rupees (``"1,299.00"``, ``"₹ 1,29,999"``, ``"Rs. 499/-"``), a Decimal in rupees, or an int in paise.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return _paise(value)
    if not isinstance(value, str):
        return None
    text, minus = value.strip(), ""
    if text.startswith("-"):
        text, minus = text[1:].lstrip(), "-"
    match = _AMOUNT.fullmatch(minus + _SIGN.sub("", text))
    if match is None or len(match["rupees"]) > MAX_DIGITS:
        return None
    return _paise(Decimal(f"{match['minus']}{match['rupees'].replace(',', '')}.{match['paise'] or '0'}"))


def rupees(paise: int) -> str:
    """Paise as text for a message: ``1299`` or ``1299.50``."""
    sign, whole, rest = "-" if paise < 0 else "", *divmod(abs(paise), 100)
    return f"{sign}{whole}.{rest:02d}" if rest else f"{sign}{whole}"


def _paise(amount: Decimal) -> int | None:
    if not amount.is_finite() or amount.adjusted() > MAX_DIGITS:
        return None
    paise = amount.scaleb(2)
    return int(paise) if paise == paise.to_integral_value() else None
