"""The one store behind all modules of this Flipkart: who sells, what is listed, what was ordered. One lock guards it all."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sandbox.faults import Fault
from sandbox.flipkart.errors import ApiError, request_error
from sandbox.flipkart.model import Listing, OrderItem, ReturnItem, Shipment
from sandbox.flipkart.settings import Settings
from sandbox.world import World

CHANNEL = "flipkart"
FBF_LOCATION = "LOC" + "f" * 32  # a fulfilment centre of Flipkart, none of the seller's locations
FIRST_NUMBER = 330_000_000_000_000_000  # order numbers start far above 2**53


class State:
    """Plain data and seeded randomness; the rules live in the modules named after them. Callers hold ``lock``."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lock = threading.RLock()
        self.settings = Settings()
        self.reset(settings=Settings(), seller_id="", locations=())

    def reset(self, *, settings: Settings, seller_id: str, locations: Iterable[tuple[str, str]]) -> None:
        """Forget everything and start with these (location id, name)."""
        self.settings = settings
        self.seller_id = seller_id
        self.locations = dict(locations)
        self.listings: dict[str, Listing] = {}
        self.shipments: dict[str, Shipment] = {}
        self.shipments_by_order: dict[str, list[Shipment]] = {}
        self.shipment_by_item: dict[str, Shipment] = {}
        self.returns: dict[str, ReturnItem] = {}
        self._maybe_open: dict[str, Shipment] = {}
        self.calls: Counter[tuple[str, int]] = Counter()
        self.counts: Counter[str] = Counter()
        self.writes: deque[dict[str, Any]] = deque(maxlen=20_000)
        self._rngs: dict[str, random.Random] = {}
        self._next_number = FIRST_NUMBER
        self._next_serial = 0

    def now(self) -> datetime:
        return self.world.clock.now()

    def rng(self, use: str) -> random.Random:
        if use not in self._rngs:
            self._rngs[use] = self.world.rng(f"{CHANNEL}.{use}")
        return self._rngs[use]

    def draw(self, use: str, between: tuple[float, float]) -> float:
        return self.rng(use).uniform(*between)

    def visible_from(self) -> float:
        """Monotonic time from which the filter will know something that happens now."""
        return time.monotonic() + self.world.clock.scaled(self.draw("index", self.settings.index_delay_seconds))

    def new_number(self) -> int:
        """The next order or item number: unique, 18 digits, above 2**53."""
        self._next_number += self.rng("number").randint(1_000, 9_999_999)
        return self._next_number

    def new_serial(self) -> int:
        self._next_serial += 1
        return self._next_serial

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=self.rng("uuid").getrandbits(128), version=4))

    def fault(self, name: str, **facts: object) -> Fault | None:
        """
        The fault ``flipkart.<name>`` if it strikes here. Options of the same name as a fact narrow it: a value, or a list of values.

        A fault that is narrowed away is not counted and not used up.
        """
        full_name = f"{CHANNEL}.{name}"
        active = self.world.faults.active().get(full_name)
        if active is None:
            return None
        for key, fact in facts.items():
            wanted = active.options.get(key)
            if (
                wanted is not None
                and fact != wanted
                and not (isinstance(wanted, list | tuple | set) and fact in wanted)
            ):
                return None
        return self.world.faults.hit(full_name)

    def bad_request(self, message: str, *, code: str = "UNPROCESSABLE_ENTITY", status: int = 422) -> ApiError:
        """A whole-request error of shipments and returns, in the shape that the settings ask for."""
        return request_error(code, message, status=status, shape=self.settings.error_shape)

    def open_units(self, sku: str, location_id: str | None = None) -> int:
        """Units of the seller's own stock that are ordered and not yet picked up, at one location or at all."""
        return sum(
            item.quantity
            for shipment in self.open_shipments()
            if shipment.service_profile != "FBF" and location_id in {None, shipment.location_id}
            for item in shipment.items
            if item.sku == sku and item.open
        )

    def open_shipments(self) -> list[Shipment]:
        """Shipments that still hold an open item. What has closed never opens again and is dropped here."""
        for shipment_id in [
            key for key, shipment in self._maybe_open.items() if not any(item.open for item in shipment.items)
        ]:
            del self._maybe_open[shipment_id]
        return list(self._maybe_open.values())

    def add_shipment(self, shipment: Shipment) -> None:
        self.shipments[shipment.shipment_id] = shipment
        self._maybe_open[shipment.shipment_id] = shipment
        self.shipments_by_order.setdefault(shipment.order_id, []).append(shipment)
        self.shipment_by_item.update(dict.fromkeys((item.order_item_id for item in shipment.items), shipment))

    def find_item(self, order_item_id: str) -> tuple[Shipment, OrderItem] | None:
        """The shipment of an order item and its first part that is not cancelled (else its first part)."""
        shipment = self.shipment_by_item.get(order_item_id)
        if shipment is None:
            return None
        parts = [item for item in shipment.items if item.order_item_id == order_item_id]
        return shipment, next((part for part in parts if part.status != "CANCELLED"), parts[0])
