"""Named faults, switched over the control API, drawn from one seeded generator so that a run can be repeated."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(slots=True, kw_only=True)
class Fault:
    """One switched-on fault. ``probability`` 0..1 per chance; ``remaining`` None means until switched off."""

    probability: float = 1.0
    remaining: int | None = None
    options: dict[str, Any] = field(default_factory=dict)


class Faults:
    """
    The faults of the whole sandbox, by dotted name: ``flipkart.http_500``, ``shopify.webhook_duplicate``, ...

    A marketplace asks :meth:`hit` at the place where the fault would strike. Every hit is counted. Each name draws from a
    generator of its own, so the n-th chance of a fault strikes or not whatever the other faults do meanwhile.
    """

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._random: dict[str, random.Random] = {}
        self._lock = threading.Lock()
        self._active: dict[str, Fault] = {}
        self.counts: dict[str, int] = {}

    def switch_on(self, name: str, *, probability: float = 1.0, times: int | None = None, **options: Any) -> None:
        """
        :param probability: of striking at each chance, 0..1.
        :param times: strikes until it switches itself off; None: until :meth:`switch_off`.
        :raises ValueError: probability outside 0..1, or times below 1.
        """
        if not 0 <= probability <= 1:
            raise ValueError("probability must be between 0 and 1")
        if times is not None and times < 1:
            raise ValueError("times must be at least 1")
        with self._lock:
            self._active[name] = Fault(probability=probability, remaining=times, options=options)

    def switch_off(self, name: str) -> None:
        with self._lock:
            self._active.pop(name, None)

    def clear(self) -> None:
        with self._lock:
            self._active.clear()

    def active(self) -> dict[str, Fault]:
        """The faults that are on now, as copies."""
        with self._lock:
            return {name: replace(fault) for name, fault in self._active.items()}

    def hits(self) -> dict[str, int]:
        """Strikes so far by name."""
        with self._lock:
            return dict(self.counts)

    def hit(self, name: str) -> Fault | None:
        """The fault if it strikes now, else None. A fault with ``times`` switches itself off when used up."""
        with self._lock:
            fault = self._active.get(name)
            if fault is None:
                return None
            if name not in self._random:
                self._random[name] = random.Random(f"faults:{self._seed}:{name}")
            if self._random[name].random() >= fault.probability:
                return None
            if fault.remaining is not None:
                fault.remaining -= 1
                if fault.remaining <= 0:
                    del self._active[name]
            self.counts[name] = self.counts.get(name, 0) + 1
            return fault
