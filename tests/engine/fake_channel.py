"""
A channel in a hundred lines: shows quantities, sells them, takes writes. Says what a test wants it to say about a write.

It implements the part of ``ChannelAdapter`` that pushing, reading and polling use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from django.utils import timezone

from inventory_sync.domain.errors import ChannelError
from inventory_sync.domain.ports import (
    Identity,
    PollPage,
    PushOutcome,
    PushResult,
    RowRef,
    StockReading,
    StockUpdate,
    StreamSpec,
    WriteKind,
)
from inventory_sync.domain.snapshots import Channel, LineSnapshot, ListingIds, LocationSnapshot, OrderSnapshot, Source

_numbers = count(1)


class FakeChannel:
    """Absolute or compare-and-swap, at one location. ``answer`` decides what becomes of a write; writes take effect at once unless ``late``."""

    channel: ClassVar[Channel] = Channel.FLIPKART
    defaults: ClassVar[Mapping[str, Any]] = {"propagation_deadline_seconds": 10.0, "opening_margin_seconds": 0.0}

    def __init__(self, *, kind: WriteKind = WriteKind.ABSOLUTE, location: str = "LOC1") -> None:
        self.write_kind = kind
        self.location = location
        self.shown: dict[str, int] = {}
        self.orders: list[OrderSnapshot] = []
        self.sent: list[StockUpdate] = []
        self.calls = 0
        self.late: list[Callable[[], None]] | None = None
        self.answer: Callable[[StockUpdate], PushResult] = lambda update: PushResult.ACCEPTED
        self.before_answer: Callable[[], None] = lambda: None
        self.batch_size = 10
        self.bulk_size = 0
        self.listings: Any = None
        self.refuse_batches_with: set[str] = set()

    # --- what buyers do -----------------------------------------------------------------------------------------------------

    def sell(self, key: str, units: int = 1, *, at: datetime | None = None) -> OrderSnapshot | None:
        """A buyer's order: lowers what is shown at once, refused when there is not enough."""
        if self.shown.get(key, 0) < units:
            return None
        self.shown[key] -= units
        number = next(_numbers)
        when = at or timezone.now()
        order = OrderSnapshot(
            key=f"O{number}",
            order_number=f"OD{number}",
            source=Source.READ,
            updated_at=when,
            request_started_at=when,
            placed_at=when,
            lines=(
                LineSnapshot(
                    line_key=f"O{number}:1", listing=ListingIds(key=key), ordered=units, location_id=self.location
                ),
            ),
        )
        self.orders.append(order)
        return order

    # --- what the engine calls --------------------------------------------------------------------------------------------------

    def push_stock(self, updates: Sequence[StockUpdate]) -> list[PushOutcome]:
        self.calls += 1
        self.sent += updates
        self.before_answer()
        if len(updates) > 1 and any(update.row.listing.key in self.refuse_batches_with for update in updates):
            return [self._outcome(update, PushResult.REFUSED, code="BATCH_REFUSED") for update in updates]
        return [self._one(update) for update in updates]

    def _one(self, update: StockUpdate) -> PushOutcome:
        key, result = update.row.listing.key, self.answer(update)
        if update.compared is not None and result is PushResult.ACCEPTED and self.shown.get(key, 0) != update.compared:
            result = PushResult.STALE
        if result in {PushResult.ACCEPTED, PushResult.UNKNOWN}:
            effect = lambda: self.shown.__setitem__(key, update.quantity)  # noqa: E731
            if self.late is None:
                effect()
            else:
                self.late.append(effect)
        return self._outcome(update, result)

    def _outcome(self, update: StockUpdate, result: PushResult, code: str = "") -> PushOutcome:
        return PushOutcome(row_id=update.row.row_id, result=result, code=code, permanent=False)

    def read_stock(self, rows: Sequence[RowRef]) -> list[StockReading]:
        now = timezone.now()
        return [StockReading(row_id=row.row_id, quantity=self.shown.get(row.listing.key), began_at=now) for row in rows]

    def streams(self) -> Sequence[StreamSpec]:
        return [StreamSpec(name="orders", every_seconds=60, sale_seconds=20, watermark=True)]

    def poll(self, *, stream: str, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        yield PollPage(orders=tuple(self.orders), complete_until=now)

    def fetch_orders(self, keys: Sequence[str]) -> list[OrderSnapshot]:
        return [order for order in self.orders if order.key in keys]

    def find_orders(self, *, listing: ListingIds) -> list[OrderSnapshot]:
        return [order for order in self.orders if order.lines[0].listing.key == listing.key]

    def identify(self) -> Identity:
        return Identity(identity="")

    def locations(self) -> list[LocationSnapshot]:
        return [LocationSnapshot(location_id=self.location, name=self.location)]


class BrokenChannel(FakeChannel):
    """Raises where an adapter should report."""

    def push_stock(self, updates: Sequence[StockUpdate]) -> list[PushOutcome]:
        self.calls += 1
        raise ChannelError("nobody expected this", may_have_applied=True)


LATER = timedelta(minutes=10)
