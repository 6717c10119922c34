"""
Reading payload fields, whatever type they came in.

Models say string or integer; answers hold nulls, numbers as text and ``1.0``. Each reader takes any JSON value and answers None (or "") for
what it can't read; what that means is the caller's decision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Payload = Mapping[str, Any]

_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0"})


def exact(value: Any) -> str:
    """An identifier as a string, untouched (a seller SKU may begin with a space); "" for null and for anything that is no scalar."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def text(value: Any) -> str:
    """A word or an id as a string without surrounding blanks; "" for null and for anything that is no scalar."""
    return exact(value).strip()


def whole(value: Any) -> int | None:
    """A whole number: ``2``, ``2.0``, ``"2"``. None for fractions and everything else."""
    number = decimal(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def count(value: Any) -> int | None:
    """A whole number of units, 0 or more; None otherwise."""
    number = whole(value)
    return number if number is not None and number >= 0 else None


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
    """A boolean: also ``"true"`` (Orders v0), ``1``. None when the field is not said."""
    if isinstance(value, bool):
        return value
    word = text(value).lower()
    return word in _YES if word in _YES | _NO else None


def moment(value: Any) -> datetime | None:
    """An instant as aware UTC from ISO 8601; a time without an offset is UTC, which is what Amazon writes (contract, section 1)."""
    try:
        parsed = datetime.fromisoformat(text(value))
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def instant(at: datetime) -> str:
    """``2026-10-12T06:30:41.123Z``, as Amazon reads it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def first(payload: Payload, *names: str) -> Any:
    """The first of several spellings of one field that is there and not null."""
    return next((payload[name] for name in names if payload.get(name) is not None), None)


def part(payload: Payload, *names: str) -> Payload:
    """An object inside an object, by the names of the way to it; {} where the way ends."""
    found: Any = payload
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def objects(value: Any) -> list[Payload]:
    """The JSON objects in a list; [] for anything else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
