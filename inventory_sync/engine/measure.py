"""Delays as they really are: from sale to known, known to blocked, sale to sent, sent to seen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.demand import count_sale
from inventory_sync.engine.models import LatencySample
from inventory_sync.orders.models import OrderLine

# An order that is older than this when it is first seen was not detected late: it was there before we looked.
LATE = timedelta(hours=6)
WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Measured seconds over a window: the mean, the median, the 95th and the 99th percentile, and how many were measured."""

    mean: float
    p50: float
    p95: float
    p99: float
    count: int


def note(*, account_id: int, kind: str, seconds: float, at: datetime) -> None:
    """Keep one measured delay; a negative one (a channel's clock runs ahead) counts as 0."""
    LatencySample.objects.create(account_id=account_id, kind=kind, seconds=max(seconds, 0.0), at=at)


def note_detection(*, account_id: int, placed_at: datetime | None, at: datetime, listing_lines: Sequence[int]) -> None:
    """An order was seen for the first time, and its stock is blocked now."""
    if placed_at is None or at - placed_at > LATE:
        return
    note(account_id=account_id, kind=LatencySample.Kind.DETECT, seconds=(at - placed_at).total_seconds(), at=at)
    note_demand(line_ids=listing_lines, at=placed_at)


def note_demand(*, line_ids: Sequence[int], at: datetime) -> None:
    """Count the new lines for the demand of their listings."""
    for listing_id, units in OrderLine.objects.filter(pk__in=line_ids, listing__isnull=False).values_list(
        "listing_id", "ordered"
    ):
        count_sale(listing_id=listing_id, units=units, at=at)


PERCENTILES = """
SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY seconds), count(*), avg(seconds)
  FROM engine_latencysample WHERE account_id = %(account)s AND kind = %(kind)s AND at >= %(since)s
"""


def delay(*, account_id: int, kind: str, now: datetime, window: timedelta = WINDOW) -> Delay | None:
    """What was measured lately; None if nothing was."""
    with connection.cursor() as cursor:
        cursor.execute(PERCENTILES, {"account": account_id, "kind": kind, "since": now - window})
        values, count, mean = cursor.fetchone()
    if not count:
        return None
    return Delay(mean=mean, p50=values[0], p95=values[1], p99=values[2], count=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds from an order to our knowing of it, and from a claim to a write in force: means and 95th percentiles."""

    know: float
    know_p95: float
    ack: float
    ack_p95: float


ENOUGH_SAMPLES = 5
REMEMBER_SECONDS = 10.0
_paces: dict[int, tuple[float, Pace]] = {}


def pace_of(*, context: AccountContext, now: datetime) -> Pace:
    """
    How quick an account is: as measured over the last hour, or as its settings assume where little was measured.

    Remembered for a few seconds in each process; it changes slowly.
    """
    cached = _paces.get(context.id)
    if cached is not None and time.monotonic() - cached[0] < REMEMBER_SECONDS:
        return cached[1]
    know = delay(account_id=context.id, kind=LatencySample.Kind.DETECT, now=now)
    ack = delay(account_id=context.id, kind=LatencySample.Kind.EFFECT, now=now)
    assumed_know, assumed_ack = context.seconds("know_seconds"), context.seconds("ack_seconds")
    pace = Pace(
        know=know.mean if know and know.count >= ENOUGH_SAMPLES else assumed_know,
        know_p95=know.p95 if know and know.count >= ENOUGH_SAMPLES else 2 * assumed_know,
        # A read that echoes what was accepted says nothing about when it is in force: never better than assumed.
        ack=max(ack.mean, assumed_ack) if ack and ack.count >= ENOUGH_SAMPLES else assumed_ack,
        ack_p95=max(ack.p95, assumed_ack) if ack and ack.count >= ENOUGH_SAMPLES else 2 * assumed_ack,
    )
    _paces[context.id] = (time.monotonic(), pace)
    return pace
