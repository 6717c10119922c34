"""
The ledger in plain values: movements, and the balances they fold to.

A balance is nothing but the sum of its movements. ``on_hand`` is what stands in the warehouse, ``committed`` is what orders have blocked;
*available* is the difference and may be below zero, because an order that a marketplace took is a fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MovementKind(StrEnum):
    """Why stock moved. ``SALE`` is a sale outside the channels; the last four come from order lines only."""

    RECEIVE = "receive"
    ADJUST = "adjust"
    COUNT = "count"
    TRANSFER = "transfer"
    QUARANTINE = "quarantine"
    RESTOCK = "restock"
    WRITE_OFF = "write_off"
    SALE = "sale"
    COMMIT = "commit"
    RELEASE = "release"
    CONSUME = "consume"
    RETURN = "return"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """
    One entry. Deltas are whole physical units, + in, − out; at least one is not 0, except in a count that found everything right.

    :ivar key: unique for ever; the same key again with the same content is a repeat, with other content an error.
    :ivar line_id: the order line it belongs to, if one.
    """

    key: str
    sku_id: int
    warehouse_id: int
    on_hand: int = 0
    committed: int = 0
    kind: MovementKind
    occurred_at: datetime
    line_id: int | None = None
    reason: str = ""
    actor_id: int | None = None


@dataclass(frozen=True, slots=True)
class Buckets:
    """A balance, or a change of one."""

    on_hand: int = 0
    committed: int = 0

    @property
    def available(self) -> int:
        return self.on_hand - self.committed

    def __add__(self, other: Buckets) -> Buckets:
        return Buckets(self.on_hand + other.on_hand, self.committed + other.committed)

    def __sub__(self, other: Buckets) -> Buckets:
        return Buckets(self.on_hand - other.on_hand, self.committed - other.committed)

    def __bool__(self) -> bool:
        return bool(self.on_hand or self.committed)


Place = tuple[int, int]
"""(sku id, warehouse id)"""


def fold(movements: Iterable[Movement]) -> dict[Place, Buckets]:
    """The balances that these movements add up to; places that never moved are missing."""
    balances: dict[Place, Buckets] = {}
    for movement in movements:
        place = (movement.sku_id, movement.warehouse_id)
        balances[place] = balances.get(place, Buckets()) + Buckets(movement.on_hand, movement.committed)
    return balances


def difference(*, demanded: Mapping[Place, Buckets], done: Mapping[Place, Buckets]) -> dict[Place, Buckets]:
    """What still has to be moved so that ``done`` becomes ``demanded``; places without a difference are left out."""
    places = demanded.keys() | done.keys()
    changes = {place: demanded.get(place, Buckets()) - done.get(place, Buckets()) for place in sorted(places)}
    return {place: change for place, change in changes.items() if change}
