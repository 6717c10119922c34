"""
How many units each row of a group should hold: what the rows may share, and how the rights are divided by demand.

Quantities are listing units of the row unless said otherwise; rates are listing units per second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil

from inventory_sync.domain.exposure import Book, exposure
from inventory_sync.domain.guard import RowUse, headroom
from inventory_sync.domain.risk import RiskRow, pair_risk
from inventory_sync.domain.split import fair_split

Available = Mapping[tuple[int, int], int]
"""(SKU id, warehouse id) -> on hand − committed, physical units, may be negative; missing is 0."""

NO_LIMIT = 10**9


class Mode(StrEnum):
    """``STRICT``: hard rights always. ``BALANCED``: the last units are shared while the pair risk is small. ``OFF``: show all stock."""

    STRICT = "strict"
    BALANCED = "balanced"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The numbers of the rule; seconds and units."""

    cover_seconds: float = 4 * 3600.0
    last_units: int = 8  # K
    pair_risk_limit: float = 0.006  # units
    enter_factor: float = 1.3  # entering the shared regime counts demand so many times
    slow_seconds: float = 1800.0  # a row that would not sell what it has within this may give way
    dead_band: float = 0.1
    doubt_after_orders: float = 6.0  # so many orders did not come: a chance of 1 in 400 if the row shows anything


DEFAULTS = Tuning()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowInput:
    """
    One row as the decision sees it.

    :ivar units: SKU id -> physical units in one listing unit.
    :ivar know_seconds: mean time from an order to our knowing of it; ``ack_seconds``: from a claim to a write in force. ``…_p95``: 95 of 100
        are faster.
    :ivar quiet_seconds: since its last order was placed or its last write had to be in force, whichever is later.
    :ivar cap: show at most; ``hold_back``: units never offered here; ``zero_at``: show 0 at or below.
    :ivar writable: its channel takes writes from us now; ``may_raise``: its start is complete.
    """

    row_id: int
    book: Book
    rate: float
    know_seconds: float
    know_p95: float
    ack_seconds: float
    ack_p95: float
    warehouses: frozenset[int]
    units: Mapping[int, int]
    quiet_seconds: float = 0.0
    cap: int | None = None
    hold_back: int = 0
    zero_at: int = 0
    writable: bool = True
    may_raise: bool = True

    def use(self, exposed: int) -> RowUse:
        return RowUse(row_id=self.row_id, exposure=exposed, warehouses=self.warehouses, units=self.units)


def allowance(
    *, mode: Mode, rows: Sequence[RowInput], available: Available, tuning: Tuning = DEFAULTS
) -> dict[int, int]:
    """
    SKU id -> physical units that the rows may be granted beyond the stock. The claim calls it again, under its locks.

    Balanced: min(L, K) × (rows − 1) while ρ(L) is within the limit, with demand × 1.3 unless the rows share already. Strict: 0.
    """
    extra: dict[int, int] = {}
    for sku_id in sorted({sku_id for row in rows for sku_id in row.units}):
        users = [row for row in rows if row.units.get(sku_id)]
        left = stock(sku_id, users, available)
        if mode is Mode.OFF:
            extra[sku_id] = NO_LIMIT
        elif mode is Mode.BALANCED and left > 0 and len(users) > 1:
            sharing = sum(exposure(row.book) * row.units[sku_id] for row in users) > left
            risk = group_risk(sku_id, users, left, 1.0 if sharing else tuning.enter_factor)
            shared = risk <= tuning.pair_risk_limit
            extra[sku_id] = min(left, tuning.last_units) * (len(users) - 1) if shared else 0
        else:
            extra[sku_id] = 0
    return extra


def sellable(row: RowInput, available: Available) -> int:
    """L of the row, in its own units: the scarcest component over its warehouses, never below 0."""
    if not row.warehouses or not row.units:
        return 0
    return max(
        min(
            sum(available.get((sku_id, warehouse), 0) for warehouse in row.warehouses) // units
            for sku_id, units in row.units.items()
        ),
        0,
    )


def goals(
    *, rows: Sequence[RowInput], available: Available, extra: Mapping[int, int], tuning: Tuning = DEFAULTS
) -> dict[int, int]:
    """
    What each row should show (row id -> units): the rights divided by demand.

    A row that can't be written keeps what it has; its rights are not lent out. Of ample stock a row gets what it sells within the cover time,
    or half its share if that is more: the rest stays free, for whoever sells faster than we thought. A row that shares its stock with no other
    shows all of it. Rows that may share the last units
    (``extra``, see :func:`allowance`) show at least those.
    """
    fixed = {row.row_id: exposure(row.book) for row in rows if not row.writable}
    open_rows = [row for row in rows if row.writable]
    limits = {row.row_id: row_limit(row, sellable(row, available)) for row in open_rows}
    shares = _shares(rows=rows, available=available, limits=limits, fixed=fixed)
    uses = {row.row_id: row.use(fixed.get(row.row_id, 0)) for row in rows}
    # Narrow rows first, then whatever is left, so that no shelf is left idle.
    for targets in (shares, limits):
        for row in sorted(open_rows, key=lambda each: (len(each.warehouses), -each.rate)):
            use = uses[row.row_id]
            room = headroom(row=use, rows=list(uses.values()), available=available, allowance={})
            more = min(targets[row.row_id] - use.exposure, room)
            if more > 0:
                uses[row.row_id] = replace(use, exposure=use.exposure + more)
    found = dict(fixed)
    for row in open_rows:
        share = uses[row.row_id].exposure
        alone = all(sum(1 for each in rows if each.units.get(sku_id)) == 1 for sku_id in row.units)
        cover = share if alone else max(ceil(row.rate * tuning.cover_seconds), ceil(share / 2), 1)
        found[row.row_id] = min(share, cover)
        if _shares_last_units(row, extra):
            last = min(sellable(row, available), tuning.last_units)
            found[row.row_id] = min(max(found[row.row_id], last), limits[row.row_id])
    return found


def _shares(
    *, rows: Sequence[RowInput], available: Available, limits: Mapping[int, int], fixed: Mapping[int, int]
) -> dict[int, int]:
    """Largest-remainder split of each SKU by demand in physical units; a row gets what its scarcest component allows."""
    shares = dict(limits)
    for sku_id in sorted({sku_id for row in rows for sku_id in row.units}):
        everyone = [row for row in rows if row.units.get(sku_id)]
        users = [row for row in everyone if row.writable]
        taken = sum(fixed.get(row.row_id, 0) * row.units[sku_id] for row in everyone)
        parts = fair_split(
            units=stock(sku_id, everyone, available) - taken,
            weights=[row.rate * row.units[sku_id] for row in users],
            limits=[shares[row.row_id] * row.units[sku_id] for row in users],
        )
        for row, part in zip(users, parts, strict=True):
            shares[row.row_id] = min(shares[row.row_id], part // row.units[sku_id])
    return shares


def _shares_last_units(row: RowInput, extra: Mapping[int, int]) -> bool:
    return bool(row.units) and all(extra.get(sku_id, 0) > 0 for sku_id in row.units)


def row_limit(row: RowInput, units: int) -> int:
    """The most that the row's own rules let it show of so many sellable units."""
    if units <= row.zero_at:
        return 0
    offered = max(units - row.hold_back, 0)
    return offered if row.cap is None else min(offered, max(row.cap, 0))


def stock(sku_id: int, users: Sequence[RowInput], available: Available) -> int:
    """Physical units of a SKU in the warehouses that can serve any of these rows."""
    warehouses = frozenset().union(*(row.warehouses for row in users))
    return sum(units for (sku, warehouse), units in available.items() if sku == sku_id and warehouse in warehouses)


def group_risk(sku_id: int, users: Sequence[RowInput], sellable: int, factor: float) -> float:
    """ρ of a SKU's last units over its rows, in physical units; demand times ``factor``."""
    return pair_risk(
        sellable=sellable, rows=[risk_row(sku_id, row, exposure(row.book), sellable) for row in users], factor=factor
    )


def risk_row(sku_id: int, row: RowInput, may_sell: int, sellable: int) -> RiskRow:
    """A row as the pair risk sees it, in physical units of the SKU; ``may_sell`` is in units of the listing."""
    units = row.units[sku_id]
    return RiskRow(
        rate=row.rate * units,
        know_seconds=row.know_seconds,
        ack_seconds=row.ack_seconds,
        above=may_sell * units > sellable,
    )


def in_units_of(row: RowInput, other: RowInput, units: int) -> int:
    """Units of another row's listing, as units of this one (by their scarcest common component); 0 when they share nothing."""
    common = row.units.keys() & other.units.keys()
    return min((units * other.units[sku_id] // row.units[sku_id] for sku_id in common), default=0)
