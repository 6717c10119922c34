"""The budget of one process that can't ask the others: its part of the limit, evenly over time."""

from __future__ import annotations

import threading
from typing import Any

from inventory_sync.domain.ports import Share
from inventory_sync.http.budget_plan import BucketPlan, WindowPlan

WINDOW_BURST_PART = 12  # of a window's limit, one twelfth may go at once (5 minutes' worth of an hour): what was used before is not known


class LocalBucket:
    """A token bucket with 1/``workers`` of a plan's rate and size. ``now`` is monotonic seconds everywhere."""

    def __init__(self, plan: WindowPlan | BucketPlan, *, workers: int) -> None:
        if isinstance(plan, WindowPlan):
            self._rate = plan.limit / plan.window_seconds / workers
            self._burst = max(plan.limit / workers / WINDOW_BURST_PART, 1.0)
            whole = float(plan.limit)
        else:
            self._rate = plan.rate / workers
            self._burst = plan.burst / workers
            whole = plan.burst
        self._reserved = {share: part / whole for share, part in plan.reserved.items()}
        self._tokens = self._burst
        self._at: float | None = None
        self._blocked_until = float("-inf")
        self._lock = threading.Lock()

    def take(self, *, share: Share, cost: float, now: float) -> float:
        """Seconds to wait; 0 when taken."""
        with self._lock:
            if now < self._blocked_until:
                return self._blocked_until - now
            self._refill(now)
            need = min(cost + self._kept_from(share), max(self._burst, 1e-9))
            if self._tokens + 1e-9 < need:
                return max((need - self._tokens) / self._rate, 0.05)
            self._tokens -= cost
            return 0.0

    def learn(
        self, *, remaining: float | None, capacity: float | None, per_second: float | None, workers: int, now: float
    ) -> None:
        """What the channel said of the whole bucket; this process takes its part."""
        with self._lock:
            self._refill(now)
            if capacity:
                self._burst = capacity / workers
            if per_second:
                self._rate = per_second / workers
            if remaining is not None:
                self._tokens = remaining / workers
            self._tokens = min(self._tokens, self._burst)

    def block(self, *, until: float) -> None:
        with self._lock:
            self._blocked_until = until

    def left(self, *, now: float) -> dict[str, Any]:
        """``limit, used, left, by_share, blocked_seconds`` of this process alone."""
        with self._lock:
            self._refill(now)
            return {
                "limit": self._burst,
                "used": self._burst - self._tokens,
                "left": max(self._tokens, 0.0),
                "by_share": {share: max(self._tokens - self._kept_from(share), 0.0) for share in Share},
                "blocked_seconds": max(self._blocked_until - now, 0.0),
            }

    def _kept_from(self, share: Share) -> float:
        return self._burst * sum(part for other, part in self._reserved.items() if other is not share)

    def _refill(self, now: float) -> None:
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + max(now - self._at, 0.0) * self._rate)
        self._at = now
