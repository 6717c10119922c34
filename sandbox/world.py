"""What the three marketplaces share: one clock, one scheduler, one set of faults, one account of truth, one catalogue of components."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flask import Blueprint

from sandbox.clock import Clock, Scheduler
from sandbox.faults import Faults
from sandbox.truth import Truth


class World:
    """Everything that outlives one request. Each marketplace keeps its own state and guards it with its own lock."""

    def __init__(self, *, seed: int = 1, clock_factor: float = 1.0) -> None:
        self.seed = seed
        self.clock = Clock(factor=clock_factor)
        self.scheduler = Scheduler(clock=self.clock)
        self.faults = Faults(seed=seed)
        self.truth = Truth()
        self.stopping = threading.Event()
        self._components: dict[tuple[str, str], tuple[tuple[str, int], ...]] = {}
        self._lock = threading.Lock()

    def rng(self, name: str) -> random.Random:
        """A generator of its own for each named use, so that one use does not disturb another."""
        return random.Random(f"{name}:{self.seed}")

    def set_components(self, channel: str, listing_key: str, components: tuple[tuple[str, int], ...]) -> None:
        """Which physical SKUs one unit of a listing takes from the shelf. Marketplace-held stock (FBF, FBA): ()."""
        with self._lock:
            self._components[channel, listing_key] = components

    def components(self, channel: str, listing_key: str) -> tuple[tuple[str, int], ...]:
        with self._lock:
            return self._components.get((channel, listing_key), ())

    def pause(self, seconds: float) -> None:
        """Hold a request back for so many real seconds (slow answers, time-outs), but never beyond the end of the world."""
        self.stopping.wait(seconds)

    def stop(self) -> None:
        """Release every held request and end the scheduler; delayed effects that have not run are dropped."""
        self.stopping.set()
        self.scheduler.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """The answer to a shopper: accepted with ids, or refused with a reason (``out_of_stock``, ``not_listed``, ``inactive``)."""

    accepted: bool
    order_id: str = ""
    line_ids: tuple[str, ...] = ()
    location: str = ""
    reason: str = ""


class Marketplace(Protocol):
    """
    What each of ``sandbox.flipkart``, ``sandbox.shopify`` and ``sandbox.amazon`` offers beside its HTTP API.

    The control API maps ``POST /_control/<channel>/<verb>`` with a JSON body to these calls; ``command`` takes the verbs that
    only one marketplace knows. ``load`` takes the channel's own catalogue shape, documented by each marketplace.
    """

    channel: str

    def blueprint(self) -> Blueprint:
        """The HTTP API, with paths relative to the mount point."""
        ...

    def load(self, catalogue: dict[str, Any]) -> None: ...

    # Each marketplace spells out its own options, so only what all three take stands in these docstrings.
    def buy(self, *args: Any, **options: Any) -> Purchase:
        """``buy(*, listing_key, units=1, ...)``: a shopper's order, taken or refused as a whole."""
        ...

    def cancel(self, *args: Any, **options: Any) -> dict[str, Any]:
        """``cancel(*, order_id, by="buyer", units=None, ...)``: ``{"cancelled": ..., ...}``, 0 or False (or ValueError) where it is too late."""
        ...

    def ship(self, *args: Any, **options: Any) -> dict[str, Any]:
        """``ship(*, order_id, ...)``: hand over what is open."""
        ...

    def shown(self) -> list[dict[str, Any]]:
        """What buyers see now: rows {listing_key, location, quantity, pending: [values written, not yet in effect]}."""
        ...

    def command(self, verb: str, body: dict[str, Any]) -> dict[str, Any]: ...

    def stats(self) -> dict[str, Any]:
        """Calls by operation and status, orders accepted and refused, rate-limit hits: whatever a report may want."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """A marketplace, the URL prefix it answers under, and the faults it knows: dotted name -> meaning."""

    marketplace: Marketplace
    mount: str
    faults: Mapping[str, str] = field(default_factory=dict)
