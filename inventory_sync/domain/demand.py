"""
How fast does a row sell? A decayed count with a prior, lifted by the surge of its account, and at once by a burst of its own.

The decayed count is calm: it follows the day, and a row that never sold starts from what the SKU sold before and the channel's share of it.
The *surge* is shared: when a sale begins, most rows have not sold a unit yet, but all orders of the account together show within a minute or two
how many times as fast as usual it sells. The *burst rate* is quick: k − 1 orders in the time since the k-th last order, at least 120 s, for every
k remembered. An unannounced spike of one row counts after two or three orders. λ is the larger of steady rate × surge and burst rate.

All rates are listing units per second; times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import exp

DECAY_SECONDS = 12 * 3600.0
PRIOR_ORDERS = 2.0
SECONDS_WITHOUT_PRIOR = 6 * 3600.0
BURST_FLOOR_SECONDS = 120.0
REMEMBERED_ORDERS = 8
SURGE_WINDOWS = (60.0, 300.0, 1200.0)  # seconds: quick to see it come, slow to forget it
SURGE_PRIOR_UNITS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandState:
    """
    What one row's orders have taught us. Plain values, so that it can be stored as it is.

    :ivar since: when counting began.
    :ivar prior_rate: λ before the first order, see :func:`prior_rate`.
    :ivar count: units sold, each worth e^(−age / 12 h), as of ``counted_at``.
    :ivar recent: (order time, units) of the last orders, oldest first.
    """

    since: datetime
    prior_rate: float = 0.0
    count: float = 0.0
    counted_at: datetime | None = None
    recent: tuple[tuple[datetime, int], ...] = ()

    def recorded(self, *, at: datetime, units: int) -> DemandState:
        """The state after an order of ``units`` (> 0) placed at ``at``; orders may come late and out of order."""
        newest = max(at, self.counted_at or at)
        count = self._count_at(newest) + units * _weight(at, newest)
        recent = sorted((*self.recent, (at, units)), key=lambda order: order[0])[-REMEMBERED_ORDERS:]
        return replace(self, count=count, counted_at=newest, recent=tuple(recent))

    def rate(self, now: datetime, *, surge: float = 1.0) -> float:
        """λ: the larger of :meth:`steady_rate` × ``surge`` (see :func:`surges`) and :meth:`burst_rate`, units per second."""
        return max(self.steady_rate(now) * surge, self.burst_rate(now))

    def steady_rate(self, now: datetime) -> float:
        """
        Units per second by the decayed count; the prior counts as two orders seen at its pace.

        So a wrong high prior fades within hours and a slow row keeps its long history; a wrong low one is what the burst rate is for.
        """
        watched = DECAY_SECONDS * (1 - _weight(self.since, now))
        if self.prior_rate <= 0:
            return self._count_at(now) / (watched + SECONDS_WITHOUT_PRIOR)
        return (self._count_at(now) + PRIOR_ORDERS) / (watched + PRIOR_ORDERS / self.prior_rate)

    def burst_rate(self, now: datetime) -> float:
        """Units per second since the k-th last order, that order left out, for the k that gives most; 0.0 with fewer than two orders."""
        best, units_since = 0.0, 0
        for index in range(len(self.recent) - 1, 0, -1):
            units_since += self.recent[index][1]
            seconds = max((now - self.recent[index - 1][0]).total_seconds(), BURST_FLOOR_SECONDS)
            best = max(best, units_since / seconds)
        return best

    def _count_at(self, now: datetime) -> float:
        return self.count * _weight(self.counted_at, now) if self.counted_at else 0.0


def prior_rate(*, sku_units: float, days: float, channel_share: float) -> float:
    """λ to start with: what the SKU sold over ``days`` on all channels × this channel's share (0 to 1); 0.0 without a history."""
    return sku_units * channel_share / (days * 86_400) if days > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """
    What an account sold lately, of all its listings together.

    :ivar usual_rate: the sum of their steady rates, units per second. :ivar sold: units in each of :data:`SURGE_WINDOWS`, in that order, which all
        end where its orders are known to the last.
    """

    usual_rate: float
    sold: Sequence[int]


def surges(trades: Mapping[int, Trade]) -> dict[int, float]:
    """
    Account → how many times as fast as usual it sells now; never below 1.

    For each window the units sold over those expected, with three units of prior on each side, at the pace of the *other* accounts: a sale that
    began on one channel is likely on the next, whose orders come in later. The window that shows most counts, so a surge is seen within a minute
    or two and forgotten within twenty.
    """
    found = dict.fromkeys(trades, 1.0)
    for index in range(len(SURGE_WINDOWS)):
        for account_id, trade in trades.items():
            others = [other for other_id, other in trades.items() if other_id != account_id]
            elsewhere = _pace(others, index, prior=1.0)
            found[account_id] = max(found[account_id], _pace([trade], index, prior=elsewhere))
    return found


def _pace(trades: Sequence[Trade], index: int, *, prior: float) -> float:
    sold = sum(trade.sold[index] for trade in trades)
    expected = sum(trade.usual_rate for trade in trades) * SURGE_WINDOWS[index]
    return (sold + SURGE_PRIOR_UNITS * prior) / (expected + SURGE_PRIOR_UNITS)


def _weight(moment: datetime, now: datetime) -> float:
    """What an event is still worth; an event from the future (clock skew) counts in full."""
    return exp(-max((now - moment).total_seconds(), 0.0) / DECAY_SECONDS)
