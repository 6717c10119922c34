"""All state of the marketplace behind one lock, and the small services that every part uses: delays, faults, ids, page tokens."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.amazon.limits import Buckets
from sandbox.amazon.model import (
    Application,
    Destination,
    Document,
    FbaStock,
    InboundShipment,
    Job,
    Listing,
    Order,
    Return,
    Seller,
    Subscription,
)
from sandbox.amazon.settings import Range, Settings
from sandbox.faults import Fault
from sandbox.world import World

CHANNEL = "amazon"

Notify = Callable[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token: a seller's (``seller_id`` set) or grantless. ``dies_at`` is monotonic."""

    client_id: str
    seller_id: str
    dies_at: float


class PageTokens:
    """Opaque page tokens that remember what they belong to. Guarded by the marketplace's lock."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[float, Any]] = {}

    def issue(self, memory: Any, *, lifetime: float) -> str:
        """A token for ``memory`` that lives for ``lifetime`` real seconds."""
        now = time.monotonic()
        self._tokens = {token: entry for token, entry in self._tokens.items() if entry[0] > now}
        token = secrets.token_urlsafe(24)
        self._tokens[token] = (now + lifetime, memory)
        return token

    def redeem(self, token: str) -> Any | None:
        """What the token remembers; None when it is unknown or expired."""
        dies_at, memory = self._tokens.get(token, (0.0, None))
        return memory if dies_at > time.monotonic() else None


class State:
    """
    One seller central. Everything below is read and written under ``lock`` only.

    ``notify`` is set by the marketplace: ``notify(seller_id=, notification_type=, payload=, change_type=)`` publishes a fact later.
    """

    def __init__(self, *, world: World, settings: Settings, notify: Notify) -> None:
        self.world = world
        self.settings = settings
        self.notify = notify
        self.lock = threading.RLock()
        self.rng = world.rng("amazon")
        self.buckets = Buckets(factor=world.clock.factor)
        self.page_tokens = PageTokens()
        self.applications: dict[str, Application] = {}
        self.sellers: dict[str, Seller] = {}
        self.tokens: dict[str, Token] = {}
        self.codes: dict[str, tuple[str, float]] = {}  # authorisation code -> (seller id, dies at, monotonic)
        self.listings: dict[tuple[str, str], Listing] = {}
        self.orders: dict[str, Order] = {}
        self.fba: dict[tuple[str, str], FbaStock] = {}
        self.shipments: dict[str, InboundShipment] = {}
        self.documents: dict[str, Document] = {}
        self.feeds: dict[str, Job] = {}
        self.reports: dict[str, Job] = {}
        self.returns: list[Return] = []
        self.destinations: dict[str, Destination] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.event_bridge_queue = ""
        self.calls: Counter[tuple[str, int]] = Counter()
        self.counts: Counter[str] = Counter()

    def now(self) -> datetime:
        return self.world.clock.now()

    def draw(self, between: Range) -> float:
        """Seconds of marketplace time from a uniform range."""
        return self.rng.uniform(*between)

    def later(self, seconds: float, effect: Callable[[], None]) -> None:
        """Run ``effect`` under the lock after so many seconds of marketplace time."""

        def locked() -> None:
            with self.lock:
                effect()

        self.world.scheduler.after(seconds, locked)

    def scaled(self, seconds: float) -> float:
        return self.world.clock.scaled(seconds)

    def strikes(self, name: str, **context: str) -> Fault | None:
        """
        The fault ``amazon.<name>`` if it strikes here.

        A fault may be narrowed by options named like the context, one value or a list: ``operation``, ``sku``, ``notification_type``...
        A call outside of that scope uses up none of its ``times``.
        """
        fault = self.world.faults.active().get(f"amazon.{name}")
        if fault is None:
            return None
        for key, value in context.items():
            wanted = fault.options.get(key)
            if wanted is not None and value not in (wanted if isinstance(wanted, list) else [wanted]):
                return None
        return self.world.faults.hit(f"amazon.{name}")

    def digits(self, length: int) -> str:
        return "".join(self.rng.choice("0123456789") for _ in range(length))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def listing(self, sku: str, seller_id: str | None = None) -> Listing | None:
        """The listing of that seller, or of the first seller that has the SKU."""
        if seller_id is not None:
            return self.listings.get((seller_id, sku))
        for owner in self.sellers:
            if (owner, sku) in self.listings:
                return self.listings[owner, sku]
        return None
