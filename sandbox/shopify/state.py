"""One shop's whole state, its search index, and the events that one action causes."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.shopify.costs import Bucket
from sandbox.shopify.model import (
    AdjustmentGroup,
    BulkOperation,
    Ids,
    Item,
    Level,
    Location,
    Product,
    Subscription,
    Variant,
    number_of,
)
from sandbox.shopify.order_model import Order
from sandbox.shopify.settings import Settings
from sandbox.world import World

FAULT_LAG_SECONDS = 60.0


class SearchIndex:
    """
    What searches see: each object's ``updated_at`` as it stood some seconds ago.

    Guarded by the marketplace's lock, as everything in a shop.
    """

    def __init__(self, *, world: World, lock: threading.RLock) -> None:
        self._world = world
        self._lock = lock
        self._seen: dict[tuple[str, int], datetime] = {}

    def put(self, thing: Any) -> None:
        """Index now."""
        self._seen[thing.graphql_type, thing.number] = thing.updated_at
        if isinstance(thing, Product):
            thing.indexed_total = sum(variant.inventory_quantity for variant in thing.variants)

    def put_later(self, thing: Any, *, lag_seconds: float) -> None:
        """Index after the lag; what is seen then is the object of then."""
        if fault := self._world.faults.hit("shopify.search_lag"):
            lag_seconds += float(fault.options.get("seconds", FAULT_LAG_SECONDS))
        if lag_seconds <= 0:
            return self.put(thing)
        return self._after(lag_seconds, lambda: self.put(thing))

    def drop_later(self, thing: Any, *, lag_seconds: float) -> None:
        self._after(lag_seconds, lambda: self._seen.pop((thing.graphql_type, thing.number), None))

    def updated_at(self, thing: Any) -> datetime | None:
        """None while the index does not know the object."""
        return self._seen.get((thing.graphql_type, thing.number))

    def _after(self, seconds: float, effect: Callable[[], object]) -> None:
        def locked() -> None:
            with self._lock:
                effect()

        self._world.scheduler.after(seconds, locked)


@dataclass(slots=True, kw_only=True)
class Token:
    """An access token; ``expires_at`` None never expires."""

    value: str
    expires_at: datetime | None
    refresh_token: str | None = None


@dataclass(slots=True, kw_only=True)
class RefreshToken:
    """A refresh token. ``replaced_by`` is the pair that a first use gave; it may be asked for again until that pair is used."""

    value: str
    expires_at: datetime
    replaced_by: Token | None = None


@dataclass(slots=True, kw_only=True)
class KeyUse:
    """One use of an idempotency key. ``status``: running, done, failed."""

    fingerprint: str
    expires_at: datetime
    status: str = "running"
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Shop:
    """Everything of one shop. Read and changed only under the marketplace's lock."""

    domain: str
    name: str
    number: int
    client_id: str
    client_secret: str
    webhook_secret: str
    scopes: set[str]
    settings: Settings
    bucket: Bucket
    index: SearchIndex
    ids: Ids
    order_prefix: str = "#"
    next_order_number: int = 1001
    currency: str = "INR"
    timezone: str = "Asia/Kolkata"
    created_at: datetime
    locations: dict[int, Location] = field(default_factory=dict)  # in order of routing priority
    products: dict[int, Product] = field(default_factory=dict)
    variants: dict[int, Variant] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    groups: dict[int, AdjustmentGroup] = field(default_factory=dict)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    bulk_operations: dict[int, BulkOperation] = field(default_factory=dict)
    keys: dict[str, KeyUse] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)  # authorization code -> redirect URI

    @property
    def gid(self) -> str:
        return f"gid://shopify/Shop/{self.number}"

    def levels(self) -> Iterable[Level]:
        return [level for item in list(self.items.values()) for level in list(item.levels.values())]

    def level_of(self, number: int, item_number: int) -> Level | None:
        item = self.items.get(item_number)
        return next((level for level in item.levels.values() if level.number == number), None) if item else None

    def activate(self, item: Item, location: Location, *, now: datetime) -> Level:
        """The level of an item at a location, made (empty, active) when there is none yet."""
        level = item.levels.get(location.number)
        if level is None:
            level = Level(
                number=self.ids.next("InventoryLevel"), item=item, location=location, created_at=now, updated_at=now
            )
            item.levels[location.number] = level
        return level

    def touch(self, thing: Any, *, now: datetime) -> None:
        """The object changed now; searches learn of it later."""
        thing.updated_at = now
        self.index.put_later(thing, lag_seconds=self.settings.search_index_lag_seconds)

    def find_variant(self, key: object) -> Variant | None:
        """By variant id (number or global id)."""
        try:
            return self.variants.get(number_of(key))
        except ValueError:
            return None

    def find_location(self, key: object) -> Location:
        """
        :raises LookupError: no such location.
        """
        location = self.locations.get(number_of(key))
        if location is None:
            raise LookupError(f"location {key!r}")
        return location

    def find_order(self, key: object) -> Order:
        """
        By number, global id or name.

        :raises LookupError: no such order.
        """
        if str(key).rpartition("/")[2].isdigit() and (order := self.orders.get(number_of(key))):
            return order
        for order in self.orders.values():
            if order.name == str(key):
                return order
        raise LookupError(f"order {key!r}")


@dataclass(slots=True, kw_only=True)
class Event:
    """
    One action in the shop: all webhooks that it causes share its id.

    ``messages`` are (topic, payload) fixed now; ``levels`` and ``products`` are read again when the webhook is sent.
    """

    shop: Shop
    now: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    levels: dict[int, Level] = field(default_factory=dict)
    connected: dict[int, Level] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)

    def move(self, level: Level, **deltas: int) -> None:
        """Change states of a level by so many units. A change of ``available`` is announced."""
        deltas = {state: delta for state, delta in deltas.items() if delta}
        for state, delta in deltas.items():
            level.states[state] += delta
            level.state_changed_at[state] = self.now
        if deltas:
            self.shop.touch(level, now=self.now)
        if "available" in deltas:
            self.levels[level.number] = level
            self.change_product(level.item.variant.product)

    def change_product(self, product: Product) -> None:
        self.products[product.number] = product
        self.shop.touch(product, now=self.now)

    def say(self, topic: str, payload: dict[str, Any]) -> None:
        self.messages.append((topic, payload))
