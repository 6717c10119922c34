"""
Reading payload fields, whatever type they came in.

Flipkart sends quantities as ``1.0``, numbers as text, nulls where a field is documented, and ids beyond 2^53. Each reader takes any JSON
value and answers None (or "") for what it can't read; what that means is the caller's decision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

Payload = Mapping[str, Any]

IST = timezone(timedelta(hours=5, minutes=30), "IST")
_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0", ""})
_MILLISECONDS_FROM = 10**11  # an epoch number above this is in milliseconds (in seconds it would be the year 5138)


def first(payload: Payload, *names: str) -> Any:
    """The first of several spellings of one field that is there and not null."""
    return next((payload[name] for name in names if payload.get(name) is not None), None)


def text(value: Any) -> str:
    """An identifier or a word as a string, all digits kept; "" for null and for anything that is no scalar."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def whole(value: Any) -> int | None:
    """A whole number: ``2``, ``2.0``, ``"2"``, ``"2.0"``. None for fractions and everything else."""
    number = decimal(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def decimal(value: Any) -> Decimal | None:
    """A finite number, exact as written; None otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 40 else None


def truth(value: Any) -> bool | None:
    """A boolean: also ``"true"``, ``1``. None when the field is not said."""
    if isinstance(value, bool):
        return value
    word = text(value).lower()
    if value is None or word not in _YES | _NO:
        return None
    return word in _YES


def moment(value: Any) -> datetime | None:
    """
    An instant as aware UTC: ISO 8601 with any offset, or epoch seconds or milliseconds.

    A time without an offset is read as Indian time, which is what Flipkart answers in (contract, section 3).
    """
    number = decimal(value)
    try:
        if number is not None:
            seconds = number / 1000 if abs(number) > _MILLISECONDS_FROM else number
            return datetime.fromtimestamp(float(seconds), UTC)
        parsed = datetime.fromisoformat(text(value))
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=IST)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def objects(value: Any) -> list[Payload]:
    """The JSON objects in a list; a lone object counts as a list of one (swagger and live answers differ)."""
    if isinstance(value, Mapping):
        return [value]
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
