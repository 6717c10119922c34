"""Time in the sandbox: real wall-clock time stamps, delays divided by one factor."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

logger = logging.getLogger(__name__)


class Clock:
    """
    Wall-clock time with sped-up delays.

    A factor of 20 makes a five-minute delay pass in fifteen seconds. Time stamps stay those of the wall clock, so that
    a client's own clock and ours agree; only durations shrink.
    """

    def __init__(self, *, factor: float = 1.0) -> None:
        if factor <= 0:
            raise ValueError("clock factor must be above 0")
        self.factor = factor
        self._skew = timedelta()

    def now(self) -> datetime:
        """Aware UTC time, shifted by the skew that a test may have set."""
        return datetime.now(UTC) + self._skew

    def scaled(self, seconds: float) -> float:
        """How many real seconds a delay of ``seconds`` takes here."""
        return seconds / self.factor

    def skew(self, seconds: float) -> None:
        """Set the marketplaces' clock off by so many seconds (fault injection)."""
        self._skew = timedelta(seconds=seconds)

    @property
    def skew_seconds(self) -> float:
        return self._skew.total_seconds()


class Scheduler:
    """Runs delayed effects (a quantity taking effect, a webhook going out) on one background thread, in order of time."""

    def __init__(self, *, clock: Clock) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._counter = itertools.count()
        self._wake = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="sandbox-scheduler", daemon=True)
        self._thread.start()

    def after(self, seconds: float, effect: Callable[[], None]) -> None:
        """Run ``effect`` after ``seconds`` of marketplace time (divided by the clock factor). Effects must not block for long."""
        with self._wake:
            due = time.monotonic() + self.clock.scaled(seconds)
            heapq.heappush(self._heap, (due, next(self._counter), effect))
            self._wake.notify()

    def pending(self) -> int:
        """Effects that have not run yet."""
        with self._wake:
            return len(self._heap)

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._stopped and (not self._heap or self._heap[0][0] > time.monotonic()):
                    self._wake.wait(timeout=self._heap[0][0] - time.monotonic() if self._heap else None)
                if self._stopped:
                    return
                _, _, effect = heapq.heappop(self._heap)
            try:
                effect()
            except Exception:
                logger.exception("a delayed sandbox effect failed")
