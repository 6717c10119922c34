"""
Where each unit of an order line is, and what that means for stock.

A channel tells cumulative counts (:class:`Counts`). One closed table, (state, event) → state, places every unit; each place has a fixed
effect on the buckets. So the stock effect of a line depends on its newest facts only, never on which messages came, how often, or in
which order: ``demanded`` is a function of the facts, and whoever applies it appends the difference to what was done before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from inventory_sync.domain.ledger import Buckets, Place
from inventory_sync.domain.snapshots import Channel, LineSnapshot


class UnitState(StrEnum):
    """Where one unit of a line is."""

    NEW = "new"  # not known to us yet
    BLOCKED = "blocked"  # promised to the buyer, still in the warehouse
    SHIPPED = "shipped"  # left the warehouse
    FREED = "freed"  # cancelled in the warehouse, or back in it: sellable again
    KEPT_OUT = "kept_out"  # cancelled before it left, but the goods stay out (Shopify "no restock")
    RETURNED = "returned"  # came back, waits for inspection
    GONE = "gone"  # left and will not come back


class UnitEvent(StrEnum):
    """What a channel can say of a unit."""

    ORDERED = "ordered"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    CANCELLED_KEPT = "cancelled_kept"
    RETURNED = "returned"
    RETURNED_TO_STOCK = "returned_to_stock"
    LOST = "lost"


S, E = UnitState, UnitEvent

_COMMON: dict[tuple[UnitState, UnitEvent], UnitState] = {
    (S.NEW, E.ORDERED): S.BLOCKED,
    (S.BLOCKED, E.ORDERED): S.BLOCKED,
    (S.SHIPPED, E.ORDERED): S.SHIPPED,
    (S.FREED, E.ORDERED): S.FREED,
    (S.KEPT_OUT, E.ORDERED): S.KEPT_OUT,
    (S.RETURNED, E.ORDERED): S.RETURNED,
    (S.GONE, E.ORDERED): S.GONE,
    (S.NEW, E.SHIPPED): S.SHIPPED,
    (S.BLOCKED, E.SHIPPED): S.SHIPPED,
    (S.SHIPPED, E.SHIPPED): S.SHIPPED,
    (S.FREED, E.SHIPPED): S.SHIPPED,  # it left after all
    (S.KEPT_OUT, E.SHIPPED): S.SHIPPED,
    (S.RETURNED, E.SHIPPED): S.RETURNED,
    (S.GONE, E.SHIPPED): S.GONE,
    (S.NEW, E.CANCELLED): S.FREED,
    (S.BLOCKED, E.CANCELLED): S.FREED,
    (S.SHIPPED, E.CANCELLED): S.SHIPPED,  # cancelled after it left: it counts again when it comes back as a return
    (S.FREED, E.CANCELLED): S.FREED,
    (S.KEPT_OUT, E.CANCELLED): S.KEPT_OUT,
    (S.RETURNED, E.CANCELLED): S.RETURNED,
    (S.GONE, E.CANCELLED): S.GONE,
    (S.NEW, E.RETURNED): S.RETURNED,  # what came back had left, whatever we heard of it before
    (S.BLOCKED, E.RETURNED): S.RETURNED,
    (S.SHIPPED, E.RETURNED): S.RETURNED,
    (S.FREED, E.RETURNED): S.RETURNED,
    (S.KEPT_OUT, E.RETURNED): S.RETURNED,
    (S.RETURNED, E.RETURNED): S.RETURNED,
    (S.GONE, E.RETURNED): S.RETURNED,  # found after all
    (S.NEW, E.RETURNED_TO_STOCK): S.FREED,
    (S.BLOCKED, E.RETURNED_TO_STOCK): S.FREED,
    (S.SHIPPED, E.RETURNED_TO_STOCK): S.FREED,
    (S.FREED, E.RETURNED_TO_STOCK): S.FREED,
    (S.KEPT_OUT, E.RETURNED_TO_STOCK): S.FREED,
    (S.RETURNED, E.RETURNED_TO_STOCK): S.FREED,
    (S.GONE, E.RETURNED_TO_STOCK): S.FREED,
    (S.NEW, E.LOST): S.GONE,
    (S.BLOCKED, E.LOST): S.GONE,
    (S.SHIPPED, E.LOST): S.GONE,
    (S.FREED, E.LOST): S.FREED,
    (S.KEPT_OUT, E.LOST): S.KEPT_OUT,
    (S.RETURNED, E.LOST): S.RETURNED,
    (S.GONE, E.LOST): S.GONE,
}

_KEPT_MEANS_OUT: dict[tuple[UnitState, UnitEvent], UnitState] = {
    (S.NEW, E.CANCELLED_KEPT): S.KEPT_OUT,
    (S.BLOCKED, E.CANCELLED_KEPT): S.KEPT_OUT,
    (S.SHIPPED, E.CANCELLED_KEPT): S.SHIPPED,
    (S.FREED, E.CANCELLED_KEPT): S.FREED,
    (S.KEPT_OUT, E.CANCELLED_KEPT): S.KEPT_OUT,
    (S.RETURNED, E.CANCELLED_KEPT): S.RETURNED,
    (S.GONE, E.CANCELLED_KEPT): S.GONE,
}
# Flipkart and Amazon know no "cancelled, but the goods stay out": a cancellation before dispatch leaves the goods on the shelf.
_KEPT_MEANS_FREED = {**_KEPT_MEANS_OUT, (S.NEW, E.CANCELLED_KEPT): S.FREED, (S.BLOCKED, E.CANCELLED_KEPT): S.FREED}

TABLE: dict[Channel, dict[tuple[UnitState, UnitEvent], UnitState]] = {
    Channel.FLIPKART: {**_COMMON, **_KEPT_MEANS_FREED},
    Channel.SHOPIFY: {**_COMMON, **_KEPT_MEANS_OUT},
    Channel.AMAZON: {**_COMMON, **_KEPT_MEANS_FREED},
}


NOTHING = Buckets()


@dataclass(frozen=True, slots=True)
class Effect:
    """What one unit in a state means for the buckets: in the line's own warehouse, and in quarantine."""

    own: Buckets
    quarantine: Buckets = NOTHING


EFFECT: dict[UnitState, Effect] = {
    S.NEW: Effect(NOTHING),
    S.BLOCKED: Effect(Buckets(committed=1)),
    S.SHIPPED: Effect(Buckets(on_hand=-1)),
    S.FREED: Effect(NOTHING),
    S.KEPT_OUT: Effect(Buckets(on_hand=-1)),
    S.RETURNED: Effect(Buckets(on_hand=-1), quarantine=Buckets(on_hand=1)),
    S.GONE: Effect(Buckets(on_hand=-1)),
}


def bucket_change(*, channel: Channel, state: UnitState, event: UnitEvent) -> tuple[Buckets, Buckets]:
    """One cell of the table as changes: (own warehouse, quarantine)."""
    before, after = EFFECT[state], EFFECT[TABLE[channel][state, event]]
    return after.own - before.own, after.quarantine - before.quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """
    The newest facts of a line: cumulative listing units, as in :class:`~inventory_sync.domain.snapshots.LineSnapshot`.

    ``returned_to_stock`` are units that came back and that the account's rule puts straight on sale again. ``recalled`` are units that a channel
    told as shipped first and as cancelled later: they have left, so they are counted in ``shipped`` and not in ``cancelled``.
    """

    ordered: int
    shipped: int = 0
    cancelled: int = 0
    cancelled_kept: int = 0
    returned: int = 0
    returned_to_stock: int = 0
    lost: int = 0
    recalled: int = 0


# The order in which a line's life is told, and of which units an event speaks first. What came back and is not known to have left is taken for
# a unit that was cancelled before it is taken for one that is still promised to the buyer: a promise is never given away on a guess.
_TOLD: tuple[tuple[UnitEvent, tuple[UnitState, ...]], ...] = (
    (E.SHIPPED, (S.BLOCKED,)),
    (E.CANCELLED, (S.BLOCKED, S.SHIPPED)),
    (E.CANCELLED_KEPT, (S.BLOCKED, S.SHIPPED)),
    (E.RETURNED, (S.SHIPPED, S.KEPT_OUT, S.FREED, S.BLOCKED)),
    (E.RETURNED_TO_STOCK, (S.SHIPPED, S.KEPT_OUT, S.FREED, S.BLOCKED)),
    (E.LOST, (S.SHIPPED,)),
)


def place_units(*, channel: Channel, counts: Counts) -> Counter[UnitState]:
    """
    Where each ordered unit is. The counts always add up to ``ordered``, whatever a channel says beyond it.

    An event speaks of so many units; those it concerns first are in ``_TOLD``, and each moves as the table says.
    """
    table = TABLE[channel]
    units: Counter[UnitState] = Counter({table[S.NEW, E.ORDERED]: max(counts.ordered, 0)})
    told = {
        E.SHIPPED: counts.shipped,
        E.CANCELLED: counts.cancelled,
        E.CANCELLED_KEPT: counts.cancelled_kept,
        E.RETURNED: counts.returned,
        E.RETURNED_TO_STOCK: counts.returned_to_stock,
        E.LOST: counts.lost,
    }
    for event, concerned in _TOLD:
        left = max(told[event], 0)
        before = Counter(units)
        for state in concerned:
            moving = min(left, before[state])
            left -= moving
            units[state] -= moving
            units[table[state, event]] += moving
    return +units


def merge(*, known: Counts | None, line: LineSnapshot, complete: bool = True) -> Counts:
    """
    The facts after a snapshot; what it does not say stays as it was.

    :param complete: the snapshot has all parts of the line; from one that has not, a count can only rise.
    """
    base = known or Counts(ordered=line.ordered)

    def told(before: int, said: int | None) -> int:
        if said is None:
            return before
        return said if complete else max(before, said)

    shipped_before, cancelled_before = (
        base.shipped - base.recalled,
        base.cancelled + base.recalled,
    )  # as the channel told them
    shipped, cancelled = told(shipped_before, line.shipped), told(cancelled_before, line.cancelled)
    recalled = base.recalled
    if line.cancel_restocked is None:  # else the channel says itself which of the cancelled units are back on the shelf
        recalled += max(min(shipped_before - shipped, cancelled - cancelled_before), 0)
    recalled = min(recalled, cancelled)
    return replace(
        base,
        ordered=told(base.ordered, line.ordered),
        shipped=shipped + recalled,
        cancelled=cancelled - recalled,
        recalled=recalled,
        cancelled_kept=told(base.cancelled_kept, line.cancelled_kept),
        returned=told(base.returned, line.returned),
        lost=told(base.lost, line.lost),
    )


def goes_backwards(*, known: Counts, new: Counts) -> bool:
    """Something that had happened has not happened any more: only a read by id may say so."""
    return (
        new.shipped < known.shipped
        or new.cancelled + new.cancelled_kept < known.cancelled + known.cancelled_kept
        or new.returned < known.returned
        or new.lost < known.lost
    )


def demanded(
    *,
    units: Mapping[UnitState, int],
    components: Mapping[int, int],
    warehouse_id: int,
    quarantine_id: int,
) -> dict[Place, Buckets]:
    """
    What the ledger must hold for a line, in physical units.

    :param components: {physical sku id: units per listing unit}, as frozen when the line first committed.
    :return: {(sku, warehouse): buckets}; places without an effect are left out.
    """
    result: dict[Place, Buckets] = {}
    for state, count in units.items():
        effect = EFFECT[state]
        for sku_id, per_unit in components.items():
            factor = count * per_unit
            for place, buckets in (
                ((sku_id, warehouse_id), effect.own),
                ((sku_id, quarantine_id), effect.quarantine),
            ):
                change = Buckets(buckets.on_hand * factor, buckets.committed * factor)
                result[place] = result.get(place, Buckets()) + change
    return {place: buckets for place, buckets in result.items() if buckets}
