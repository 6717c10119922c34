"""
How many times as fast as usual each account sells: the surge of ``domain.demand``, measured from the orders of the last minutes, or what a sale
event says beforehand, if that is more. Before the first buyer comes only the seller can know that a sale begins; and a listing that shares its last
units at the pace of an ordinary day would have to be taken off sale in the first minutes, just when it sells best.

Looked at with every sweep. Only a change that matters is stored, so that nothing flaps, and then the account's rows are decided anew.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, Sum

from inventory_sync.domain.demand import SURGE_WINDOWS, Trade, surges
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.demand import load, stretched
from inventory_sync.engine.measure import pace_of
from inventory_sync.engine.models import Demand, OrderPace
from inventory_sync.engine.sale_events import expected_lift
from inventory_sync.orders.models import OrderLine
from skumap.models import ChannelAccount

logger = logging.getLogger(__name__)

USUAL_EVERY = timedelta(minutes=10)  # adding up what is usual reads every listing's demand
CHANGE = 1.25


def measure_order_pace(*, now: datetime) -> set[int]:
    """
    Measure every account that is read.

    :return: accounts whose surge has changed by a quarter or more since it was stored; their rows should be decided anew.
    """
    known = {pace.account_id: pace for pace in OrderPace.objects.all()}
    trades, lifts = {}, {}
    for account in ChannelAccount.objects.exclude(health=ChannelAccount.Health.NEW):
        pace = known.get(account.pk) or OrderPace(account=account, surge_at=now)
        if pace.pk is None or now - pace.usual_at > USUAL_EVERY / settings.CLOCK_FACTOR:
            pace.usual_rate, pace.usual_at = usual_rate(account_id=account.pk, now=now), now
            pace.save()
        lifts[account.pk] = _lift(pace, expected_lift(account_id=account.pk, now=now))
        known[account.pk] = pace
        trades[account.pk] = Trade(usual_rate=pace.usual_rate, sold=_sold(context=AccountContext(account), now=now))
    changed = set()
    for account_id, measured in surges(trades).items():
        pace, surge = known[account_id], max(measured, lifts[account_id])
        if max(surge, pace.surge) >= CHANGE * min(surge, pace.surge):
            logger.info("account %s sells %.1f times as fast as usual", account_id, surge)
            pace.surge, pace.surge_at = surge, now
            pace.save(update_fields=["surge", "surge_at"])
            changed.add(account_id)
    return changed


def _lift(pace: OrderPace, expected: float) -> float:
    """What a sale event still adds: by and by its orders count as usual, so the lift is over what was usual when it began."""
    before = None if expected == 1.0 else pace.rate_before_sale or pace.usual_rate or None
    if before != pace.rate_before_sale:
        pace.rate_before_sale = before
        pace.save(update_fields=["rate_before_sale"])
    if before is None or pace.usual_rate <= before:
        return expected
    return max(expected * before / pace.usual_rate, 1.0)


def usual_rate(*, account_id: int, now: datetime) -> float:
    """The steady rates of an account's listings, added up; units per second of the marketplace's time."""
    moment = stretched(now)
    states = Demand.objects.filter(listing__account_id=account_id).values_list("state", flat=True)
    return sum(load(state).steady_rate(moment) for state in states.iterator())


def _sold(*, context: AccountContext, now: datetime) -> list[int]:
    """Units of linked listings that were ordered in each window; the windows end where 95 of 100 orders are known already."""
    end = now - timedelta(seconds=pace_of(context=context, now=now).know_p95)
    begins = [end - timedelta(seconds=seconds / settings.CLOCK_FACTOR) for seconds in SURGE_WINDOWS]
    lines = OrderLine.objects.filter(
        order__account=context.account,
        order__placed_at__gt=min(begins),
        order__placed_at__lte=end,
        order__test=False,
        listing__isnull=False,
    )
    windows = {
        f"window_{number}": Sum("ordered", filter=Q(order__placed_at__gt=begin), default=0)
        for number, begin in enumerate(begins)
    }
    sold = lines.aggregate(**windows)
    return [sold[name] for name in windows]
