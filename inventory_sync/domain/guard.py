"""
The safe-write rule: rows that share stock may together not be able to sell more than stands on the shelves that can serve them.

For every SKU c and every set S of own warehouses::

    Σ over rows served only from within S of E × units of c in one listing unit  ≤  available(c, S) + allowance(c)

That is Hall's condition: every right that a row holds can then be honoured from some shelf, whichever rows sell first. A write that raises
no exposure (a zero, a CAS cut) needs no headroom and is always allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RowUse:
    """
    What one row may take from the shelves.

    :ivar exposure: E, in listing units.
    :ivar warehouses: own warehouses that can serve it; none means that nothing can.
    :ivar units: SKU id -> physical units in one listing unit (units per sale × units in the kit), each > 0.
    """

    row_id: int | str
    exposure: int
    warehouses: frozenset[int]
    units: Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverGrant:
    """Rows served only from within ``warehouses`` may sell ``units`` physical units of ``sku_id`` more than there are."""

    sku_id: int
    warehouses: frozenset[int]
    units: int


def headroom(
    *,
    row: RowUse,
    rows: Sequence[RowUse],
    available: Mapping[tuple[int, int], int],
    allowance: Mapping[int, int],
) -> int:
    """
    By how many listing units the exposure of ``row`` may rise; negative when it is over-granted already.

    :param rows: every row that shares a SKU with ``row``; ``row`` itself may be among them.
    :param available: (SKU id, warehouse id) -> on hand − committed, physical units, may be negative; missing is 0.
    :param allowance: SKU id -> physical units that the mode lets the rows share (0 in strict).
    """
    if not row.warehouses or not row.units:
        return -row.exposure
    everyone = [row, *(other for other in rows if other.row_id != row.row_id)]
    room: list[int] = []
    for sku_id, units in row.units.items():
        for warehouses, free in _slack(sku_id, everyone, available, allowance):
            if row.warehouses <= warehouses:
                room.append(free // units)
    return min(room)


def over_granted(
    *, rows: Sequence[RowUse], available: Mapping[tuple[int, int], int], allowance: Mapping[int, int]
) -> list[OverGrant]:
    """Every (SKU, set of warehouses) whose rows may sell more than there is, the largest excess first; [] when all is well."""
    skus = sorted({sku_id for row in rows for sku_id in row.units})
    excess = [
        OverGrant(sku_id=sku_id, warehouses=warehouses, units=-free)
        for sku_id in skus
        for warehouses, free in _slack(sku_id, rows, available, allowance)
        if free < 0
    ]
    return sorted(excess, key=lambda each: (-each.units, each.sku_id, sorted(each.warehouses)))


def _slack(
    sku_id: int,
    rows: Sequence[RowUse],
    available: Mapping[tuple[int, int], int],
    allowance: Mapping[int, int],
) -> list[tuple[frozenset[int], int]]:
    """
    (S, units still free in S) for every S that can bind.

    Enough are the unions of the rows' own warehouse sets and of single warehouses below zero: cutting any other S down to the union of
    the sets inside it keeps the same rows and gives up only shelves that hold 0 or more, so the smaller set is the sharper test.
    """
    users = [row for row in rows if row.units.get(sku_id, 0) > 0]
    stock = {warehouse: units for (sku, warehouse), units in available.items() if sku == sku_id}
    below_zero = [frozenset((warehouse,)) for warehouse, units in stock.items() if units < 0]
    unions: set[frozenset[int]] = set()
    for each in {*(row.warehouses for row in users), *below_zero}:
        unions |= {each, *(each | union for union in unions)}
    extra = allowance.get(sku_id, 0)
    return [
        (
            union,
            sum(stock.get(warehouse, 0) for warehouse in union)
            + extra
            - sum(row.exposure * row.units[sku_id] for row in users if row.warehouses <= union),
        )
        for union in unions
    ]
