"""
Sale Event Mode: while an event is on, polls are quicker, and listings are expected to sell so many times as fast as usual. Switched by the
event's own times, or by hand.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q

from inventory_sync.engine.models import SaleEvent, SyncCursor


def sale_is_on(*, account_id: int, now: datetime) -> bool:
    """Whether any event that covers the account is on."""
    return bool(_events_of(account_id=account_id, now=now).exists())


def expected_lift(*, account_id: int, now: datetime) -> float:
    """How many times as fast as usual the account is expected to sell: the most that any event says; 1.0 without one."""
    said: float | None = _events_of(account_id=account_id, now=now).aggregate(most=Max("lift"))["most"]
    return said or 1.0


def _events_of(*, account_id: int, now: datetime) -> Any:
    return active_events(now=now).filter(Q(accounts__isnull=True) | Q(accounts=account_id))


def active_events(*, now: datetime) -> Any:
    """Events that are on now."""
    return SaleEvent.objects.filter(starts_at__lte=now, ends_at__gt=now, cancelled_at__isnull=True)


def start_now(*, name: str, hours: float, now: datetime, lift: float | None = None, actor: Any = None) -> SaleEvent:
    """
    Switch the mode on by hand for all accounts, for so many hours.

    :param lift: how many times as fast as usual it will sell; None: what big sales do.
    :raises ValueError: ``hours`` is not above 0, or ``lift`` below 1.
    """
    if hours <= 0:
        raise ValueError("a sale event must last longer than 0 hours")
    if lift is not None and lift < 1:
        raise ValueError("a sale event can't make listings sell more slowly than usual")
    event = SaleEvent(name=name, starts_at=now, ends_at=now + timedelta(hours=hours), created_by=actor)
    if lift is not None:
        event.lift = lift
    event.save()
    quicken(now=now)
    return event


def stop_now(*, event_id: int, now: datetime) -> None:
    """End an event before its time. Safe to repeat."""
    SaleEvent.objects.filter(pk=event_id, cancelled_at__isnull=True).update(cancelled_at=now)


def quicken(*, now: datetime) -> None:
    """An event has begun: streams that would wait at the old pace are due now."""
    SyncCursor.objects.filter(next_due_at__gt=now).exclude(stream__in=["listings", "sweep"]).update(next_due_at=now)
