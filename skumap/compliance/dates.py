"""Dates as Indian law sees them: in India's time, whatever clock stored the moment."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

IST = ZoneInfo("Asia/Kolkata")


def supply_date(moment: date | datetime) -> date:
    """
    The date of supply in India. For goods, pass the invoice's moment, not the order's.

    :param moment: an aware datetime in any zone, or a date, which is taken as already Indian.
    :raises ValueError: a datetime without a zone: nobody can say which day that is.
    :raises TypeError: neither a date nor a datetime.
    """
    if isinstance(moment, datetime):
        if moment.utcoffset() is None:
            raise ValueError("a datetime needs a zone to have a date in India")
        return moment.astimezone(IST).date()
    if isinstance(moment, date):
        return moment
    raise TypeError(f"expected a date or an aware datetime, got {type(moment).__name__}")


def midnight_ist(day: date) -> datetime:
    """The moment at which ``day`` begins in India, as an aware datetime."""
    return datetime.combine(day, time.min, tzinfo=IST)


def midnight_ist_epoch(day: date) -> int:
    """The moment at which ``day`` begins in India, as Unix seconds: what Flipkart wants as ``mfg_date``."""
    return int(midnight_ist(day).timestamp())


def financial_year(on: date | datetime) -> str:
    """The Indian financial year (1 April to 31 March) of a date: ``"2025-26"``."""
    day = supply_date(on)
    first = day.year if day.month >= 4 else day.year - 1
    return f"{first}-{(first + 1) % 100:02d}"


def after(day: date, days: int) -> date:
    """``day`` plus ``days``, or the last date there is."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max
