"""Time stamps as Amazon writes and reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.amazon.errors import invalid_input


def seconds_z(moment: datetime) -> str:
    """``2026-10-12T06:30:41Z``"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def millis_z(moment: datetime) -> str:
    """``2026-10-12T06:30:41.123Z``"""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str, *, name: str) -> datetime:
    """
    An ISO 8601 time as aware UTC; a time without a zone counts as UTC.

    :raises ApiError: 400 ``InvalidInput``, naming the parameter.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid_input(f"Invalid value for parameter '{name}'. Use ISO 8601 format.") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
