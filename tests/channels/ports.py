"""Small in-memory ports for adapter tests: tokens, an unlimited budget that counts, and the system's clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from inventory_sync.domain.errors import BudgetError
from inventory_sync.domain.ports import Account, Clock, Ports, RateBudget, Share, Token
from inventory_sync.domain.snapshots import Channel
from inventory_sync.http import SystemClock

__all__ = ["FreeBudget", "MemoryTokenStore", "SystemClock", "make_account", "make_ports"]


class MemoryTokenStore:
    """Tokens of one account in this process, with the compare-and-set that the port promises."""

    def __init__(self, **tokens: Token) -> None:
        self.tokens: dict[str, Token] = dict(tokens)
        self.saves = 0
        self._locks: dict[str, threading.RLock] = {}
        self._guard = threading.Lock()

    def load(self, name: str = "default") -> Token | None:
        return self.tokens.get(name)

    @contextmanager
    def lock(self, name: str = "default") -> Iterator[None]:
        with self._guard:
            lock = self._locks.setdefault(name, threading.RLock())
        with lock:
            yield

    def save(self, token: Token, *, replaces: Token | None, name: str = "default") -> Token:
        with self._guard:
            stored = self.tokens.get(name)
            if stored != replaces and stored is not None:
                return stored
            self.tokens[name] = token
            self.saves += 1
            return token


@dataclass
class FreeBudget:
    """Grants everything and remembers it; operations named in ``spent`` are refused."""

    taken: list[tuple[str, Share, float]] = field(default_factory=list)
    learned: list[dict[str, Any]] = field(default_factory=list)
    emptied: list[tuple[str, float]] = field(default_factory=list)
    spent: set[str] = field(default_factory=set)

    def take(self, *, operation: str, share: Share, cost: float = 1.0) -> None:
        if operation in self.spent:
            raise BudgetError(f"no budget left for {operation}", retry_after=7.0)
        self.taken.append((operation, share, cost))

    def learn(
        self,
        *,
        operation: str,
        remaining: float | None = None,
        capacity: float | None = None,
        per_second: float | None = None,
    ) -> None:
        self.learned.append(
            {"operation": operation, "remaining": remaining, "capacity": capacity, "per_second": per_second}
        )

    def empty(self, *, operation: str, seconds: float) -> None:
        self.emptied.append((operation, seconds))


def make_ports(
    *, tokens: MemoryTokenStore | None = None, budget: RateBudget | None = None, clock: Clock | None = None
) -> Ports:
    """Ports for a test against a server on this machine."""
    return Ports(
        tokens=tokens or MemoryTokenStore(),
        budget=budget or FreeBudget(),
        clock=clock or SystemClock(),
        allow_private_hosts=True,
    )


def make_account(
    *,
    channel: Channel,
    api_base: str,
    auth_base: str = "",
    identity: str = "",
    credentials: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Account:
    """An account with the adapter's ``defaults`` under its own ``settings``."""
    return Account(
        id=1,
        channel=channel,
        name=f"test {channel}",
        identity=identity,
        api_base=api_base,
        auth_base=auth_base,
        credentials=dict(credentials or {}),
        settings={**(defaults or {}), **(settings or {})},
    )
