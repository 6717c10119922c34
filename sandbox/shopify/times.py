"""How Shopify writes an instant."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def graphql_time(at: datetime | None) -> str | None:
    """``2026-11-02T04:05:06Z``: GraphQL knows whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def payload_time(at: datetime | None, timezone: str) -> str | None:
    """``2026-11-02T09:35:06+05:30``: webhooks carry the shop's offset."""
    return at.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds") if at else None


def triggered_at(at: datetime) -> str:
    """``2026-11-02T04:05:06.123456000Z``: nanoseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
