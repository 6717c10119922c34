"""How fast each listing sells: ``domain.demand``, kept in one row for each listing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from inventory_sync.domain.demand import DemandState
from inventory_sync.engine.models import Demand

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def stretched(moment: datetime) -> datetime:
    """
    A moment in the marketplace's time. In production that is the time; against a sandbox whose clock runs ``CLOCK_FACTOR`` times as fast a minute
    of ours is so many minutes of theirs.
    """
    return _EPOCH + (moment - _EPOCH) * settings.CLOCK_FACTOR


def count_sale(*, listing_id: int, units: int, at: datetime) -> None:
    """One order line of so many listing units (> 0) was placed at ``at``."""
    if units <= 0:
        return
    moment = stretched(at)
    with transaction.atomic():
        empty = Demand(listing_id=listing_id, updated_at=at, state=dump(DemandState(since=moment)))
        Demand.objects.bulk_create([empty], ignore_conflicts=True)
        row = Demand.objects.select_for_update().get(listing_id=listing_id)
        row.state = dump(load(row.state).recorded(at=moment, units=units))
        row.updated_at = max(row.updated_at, at)
        row.save(update_fields=["state", "updated_at"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Selling:
    """
    How a listing sells: listing units per second of our time, how many times as fast as usual its account sells, and when its last order was
    placed (None: never).
    """

    rate: float = 0.0
    surge: float = 1.0
    last_order_at: datetime | None = None


def selling(*, listing_ids: Iterable[int], now: datetime) -> dict[int, Selling]:
    """What is known of these listings; one that never sold has the rate 0.0."""
    wanted = set(listing_ids)
    moment = stretched(now)
    rows = Demand.objects.filter(listing_id__in=wanted).values_list(
        "listing_id", "state", "updated_at", "listing__account__order_pace__surge"
    )
    found = {
        listing_id: Selling(
            rate=load(state).rate(moment, surge=surge or 1.0) * settings.CLOCK_FACTOR,
            surge=surge or 1.0,
            last_order_at=last_order_at,
        )
        for listing_id, state, last_order_at, surge in rows
    }
    return {listing_id: found.get(listing_id, Selling()) for listing_id in wanted}


def load(data: dict[str, Any]) -> DemandState:
    """A state as :func:`dump` wrote it."""
    return DemandState(
        since=datetime.fromisoformat(data["since"]),
        prior_rate=data["prior_rate"],
        count=data["count"],
        counted_at=datetime.fromisoformat(data["counted_at"]) if data["counted_at"] else None,
        recent=tuple((datetime.fromisoformat(at), units) for at, units in data["recent"]),
    )


def dump(state: DemandState) -> dict[str, Any]:
    """A state as JSON."""
    return {
        "since": state.since.isoformat(),
        "prior_rate": state.prior_rate,
        "count": state.count,
        "counted_at": state.counted_at.isoformat() if state.counted_at else None,
        "recent": [[at.isoformat(), units] for at, units in state.recent],
    }
