"""What a load may set about the marketplace's own behaviour: delays, windows, choices that Amazon does not document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

INDIA = "A21TJRUUN4KGV"
FBA_CODE = "AMAZON_IN"
MERCHANT_CODE = "DEFAULT"

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    Durations are seconds of marketplace time (the clock factor divides them); a range is drawn from uniformly.

    ``read_back`` says what ``fulfillmentAvailability`` echoes: ``accepted`` (the newest accepted value at once, lowered by later
    sales, until every accepted value is in force), ``shown`` (what buyers see), ``seller_set`` (the newest accepted value, never lowered by sales).
    """

    effect_seconds: Range = (15, 60)  # an accepted quantity takes effect after this
    notify_seconds: Range = (5, 20)  # a fact is published after this
    pending_seconds: Range = (5, 20)  # an order stays Pending so long; (0, 0): it is born Unshipped
    hold_back_seconds: float = 120  # searchOrders does not show what is younger
    token_seconds: float = 3600
    code_seconds: float = 300
    order_page_token_seconds: float = 86400
    fba_page_token_seconds: float = 30
    document_seconds: float = 300  # life of a presigned URL
    feed_seconds: Range = (20, 60)
    report_seconds: Range = (20, 60)
    read_back: str = "accepted"
    restock_on_cancel: bool = True
    easy_ship_refuses_confirmation: bool = True
    report_encoding: str = "UTF-8"  # or ISO-8859-1
    report_charset_header: bool = True
    gzip_results: bool = True  # processing reports of feeds
    gzip_reports: bool = False
    rate_headers: bool = True
    rate_limits: bool = True

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """
        Settings from a JSON object.

        :raises ValueError: an unknown name, or a ``read_back`` that does not exist.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(f"unknown Amazon settings: {', '.join(unknown)}")
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        settings = cls(**given)
        if settings.read_back not in {"accepted", "shown", "seller_set"}:
            raise ValueError(f"read_back must be accepted, shown or seller_set, not {settings.read_back!r}")
        return settings
