"""Dates as Flipkart writes and takes them: ISO 8601 with an offset, Indian time in answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

IST = timezone(timedelta(hours=5, minutes=30))


def ist(moment: datetime | None) -> str | None:
    """``2026-01-02T14:00:00.000+05:30``; None stays None."""
    return None if moment is None else moment.astimezone(IST).isoformat(timespec="milliseconds")


def utc_z(moment: datetime) -> str:
    """The other spelling that return payloads mix in: ``2026-01-02T08:30:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_moment(text: object) -> datetime:
    """
    Any ISO 8601 time or date as aware UTC; one without an offset is Indian time.

    :raises ValueError: anything else, also a plus sign that was not percent-encoded and so became a blank.
    """
    if not isinstance(text, str):
        raise ValueError(f"not a date: {text!r}")
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=IST)).astimezone(UTC)
