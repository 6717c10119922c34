"""Reading single values out of Shopify's JSON, liberally: global ids, numbers as text, times with nanoseconds, connections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from inventory_sync.domain.errors import ContractError

_FRACTION = re.compile(r"(\.\d{6})\d+")
_GID = re.compile(r"^gid://[^/]+/[^/]+/([^/?]+)")


def as_map(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one for null and anything else."""
    return value if isinstance(value, Mapping) else {}


def maps(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; nulls and other things are left out, null is an empty list."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def nodes(connection: Any) -> list[Mapping[str, Any]]:
    """The nodes of a connection, whether asked as ``nodes`` or as ``edges``; a plain list is taken as it is."""
    if isinstance(connection, list):
        return maps(connection)
    found = as_map(connection)
    if isinstance(found.get("nodes"), list):
        return maps(found["nodes"])
    return [as_map(edge.get("node")) for edge in maps(found.get("edges"))]


def next_cursor(connection: Any) -> str:
    """Where the next page begins, "" after the last."""
    page = as_map(as_map(connection).get("pageInfo"))
    return str(page.get("endCursor") or "") if page.get("hasNextPage") else ""


def digits(value: Any) -> str:
    """
    The number of a global id or of a bare id, as text: ``gid://shopify/Order/7`` and 7 and "7" give "7"; null gives "".

    Floats are taken only if they are whole: an id is never rounded.
    """
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else ""
    text = str(value).strip()
    match = _GID.match(text)
    return match.group(1) if match else text


def gid(kind: str, number: str) -> str:
    """A global id. What is one already stays as it is."""
    return number if number.startswith("gid://") else f"gid://shopify/{kind}/{number}"


def whole(value: Any) -> int | None:
    """A count, also when it came as text or as 3.0; None for null and for what is no whole number."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and number == number.to_integral_value() else None


def money(value: Any) -> Decimal | None:
    """Rupees from decimal text or a JSON number; None for null and nonsense."""
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def moment(value: Any) -> datetime | None:
    """
    An aware UTC time from ``2026-11-02T09:35:08+05:30`` or ``...Z``, also with nanoseconds; null gives None.

    :raises ContractError: text that is no time, or one without an offset.
    """
    if value is None or value == "":
        return None
    try:
        parsed = datetime.fromisoformat(_FRACTION.sub(r"\1", str(value).strip()))
    except ValueError as error:
        raise ContractError(f"not a time: {str(value)[:40]!r}", channel="shopify") from error
    if parsed.tzinfo is None:
        raise ContractError(f"a time without its offset: {str(value)[:40]!r}", channel="shopify")
    return parsed.astimezone(UTC)


def flag(value: Any) -> bool:
    """True and false, also as text."""
    return value if isinstance(value, bool) else str(value).strip().lower() in ("1", "true", "yes", "on")
