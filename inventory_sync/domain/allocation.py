"""
What should each row show now? The decision for one group of rows that share stock (a SKU, or SKUs tied together by kits).

Rights are divided by demand; a row is written only when it matters; nothing here may oversell, because every value is checked again by the
guard when it is claimed. The order of thought, each step leaving its trace for the explain page:

1. mode and pair risk say how many units the rows may share (``allowance``);
2. goals: the rights divided by demand, capped, no more than some hours of demand when stock is ample;
3. more granted than there is: cut (compare-and-swap), then drain to zero, richest slow row first;
4. an absolute row that should have sold by now is written anew: without a trusted read its book may count units that a write overwrote;
5. rows that run low are refilled from free rights;
6. a row that starves fetches rights from the richest slow one.

Quantities are listing units of the row unless said otherwise; rates are listing units per second; ``now`` comes from the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from math import ceil, inf

from inventory_sync.domain.exposure import Book, WriteKind, exposure, may_send, zero_must_repeat
from inventory_sync.domain.guard import RowUse, headroom, over_granted
from inventory_sync.domain.risk import RiskRow, pair_risk
from inventory_sync.domain.split import fair_split

RULE_VERSION = 1
NO_LIMIT = 10**9


class Mode(StrEnum):
    """``STRICT``: hard rights always. ``BALANCED``: the last units are shared while the pair risk is small. ``OFF``: show all stock."""

    STRICT = "strict"
    BALANCED = "balanced"
    OFF = "off"


class Reason(StrEnum):
    """Why a row is written, or why not."""

    NOT_WRITABLE = "not_writable"  # paused, unmapped, or its channel does not answer: keeps its rights, gets no more
    ENOUGH = "enough"
    DEAD_BAND = "dead_band"  # the difference can't matter
    WAITS_FOR_FLIGHT = "waits_for_flight"
    WAITS_FOR_RIGHTS = "waits_for_rights"
    WAITS_FOR_START = "waits_for_start"  # no raise before a read and a feed complete past it
    LEFT_TO_ORDERS = "left_to_orders"  # over-granted below the risk that the mode allows
    REFILL = "refill"
    OVER_GRANTED = "over_granted"
    GIVES_WAY = "gives_way"  # another row starves
    ABOVE_CAP = "above_cap"
    REPEAT_ZERO = "repeat_zero"
    DOUBTED = "doubted"  # it should have sold by now if it showed what we think
    MIRROR = "mirror"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a decision: a code that the explain page has words for, and its numbers."""

    code: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    What becomes of one row.

    :ivar goal: what it should show; ``write``: the quantity to send now, None: nothing; ``compared``: for a CAS write.
    :ivar excess: units that it should give up for others or for the stock (for the order of writes).
    """

    row_id: int
    goal: int
    write: int | None
    compared: int | None
    reason: Reason
    excess: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The group's decisions, in the order of its rows, and the allowance (physical units by SKU) that its claims may use."""

    decisions: tuple[Decision, ...]
    allowance: Mapping[int, int]


def allowance(
    *, mode: Mode, rows: Sequence[RowInput], available: Mapping[tuple[int, int], int], tuning: Tuning = DEFAULTS
) -> dict[int, int]:
    """
    SKU id -> physical units that the rows may be granted beyond the stock. The claim calls it again, under its locks.

    Balanced: min(L, K) × (rows − 1) while ρ(L) is within the limit, with demand × 1.3 unless the rows share already. Strict: 0.
    """
    extra: dict[int, int] = {}
    for sku_id in sorted({sku_id for row in rows for sku_id in row.units}):
        users = [row for row in rows if row.units.get(sku_id)]
        sellable = _stock(sku_id, users, available)
        if mode is Mode.OFF:
            extra[sku_id] = NO_LIMIT
        elif mode is Mode.BALANCED and sellable > 0 and len(users) > 1:
            sharing = sum(exposure(row.book) * row.units[sku_id] for row in users) > sellable
            risk = _risk(sku_id, users, sellable, 1.0 if sharing else tuning.enter_factor)
            shared = risk <= tuning.pair_risk_limit
            extra[sku_id] = min(sellable, tuning.last_units) * (len(users) - 1) if shared else 0
        else:
            extra[sku_id] = 0
    return extra


def decide(
    *,
    mode: Mode,
    rows: Sequence[RowInput],
    available: Mapping[tuple[int, int], int],
    now: datetime,
    tuning: Tuning = DEFAULTS,
) -> Plan:
    """
    Decide every row of a group of rows that share stock.

    :param rows: all rows of the group, in a fixed order (ties go to the earlier one); books settled up to ``now``.
    :param available: (SKU id, warehouse id) -> on hand − committed, physical units, may be negative.
    """
    desk = _Desk(mode=mode, rows=rows, available=available, now=now, tuning=tuning)
    if mode is Mode.OFF:
        desk.mirror()
    else:
        desk.set_aside()
        desk.repeat_zeros()
        desk.obey_caps()
        desk.work_off()
        desk.doubt()
        desk.refill()
        desk.fetch()
    return Plan(decisions=tuple(desk.decision(row) for row in rows), allowance=desk.allowance)


@dataclass(slots=True)
class _Draft:
    """A decision in the making."""

    goal: int
    exposed: int  # E, with the raises planned here
    shows: int  # what it will show when its flights have landed
    reason: Reason = Reason.ENOUGH
    write: int | None = None
    excess: int = 0
    done: bool = False
    steps: list[Step] = field(default_factory=list)


class _Desk:
    """The working state of one :func:`decide`: a draft per row, and the rights as they are after the writes planned so far."""

    def __init__(
        self,
        *,
        mode: Mode,
        rows: Sequence[RowInput],
        available: Mapping[tuple[int, int], int],
        now: datetime,
        tuning: Tuning,
    ) -> None:
        self.mode, self.rows, self.available, self.now, self.tuning = mode, rows, available, now, tuning
        self.allowance = allowance(mode=mode, rows=rows, available=available, tuning=tuning)
        goals = self._goals()
        self.drafts = {
            row.row_id: _Draft(goal=goals[row.row_id], exposed=exposure(row.book), shows=will_show(row.book))
            for row in rows
        }
        for row in rows:
            book, draft = row.book, self.drafts[row.row_id]
            self._note(row, "stock", sellable=self._sellable(row), others=self._others(row))
            self._note(
                row, "book", shown=book.shown, unseen=book.unseen, flights=len(book.flights), exposure=draft.exposed
            )
            self._note(row, "demand", per_hour=round(row.rate * 3600, 3), blind=self._blind(row))
            self._note(
                row, "goal", goal=draft.goal, shows=draft.shows, allowance=max(self.allowance.values(), default=0)
            )

    # --- the steps --------------------------------------------------------------------------------------------------------

    def set_aside(self) -> None:
        for row in self.rows:
            if not row.writable:
                self._settle(row, Reason.NOT_WRITABLE)

    def repeat_zeros(self) -> None:
        for row in self._open_rows():
            if zero_must_repeat(row.book, now=self.now):
                self._lower(row, 0, Reason.REPEAT_ZERO)

    def obey_caps(self) -> None:
        """A row above its own limit is lowered: at once by CAS, by a drain where an absolute value finds no free rights."""
        for row in self._open_rows():
            draft, limit = self.drafts[row.row_id], _limit(row, self._sellable(row))
            if draft.shows <= limit or limit >= self._sellable(row):
                continue
            if row.book.kind is WriteKind.CAS or limit == 0:
                self._lower(row, limit, Reason.ABOVE_CAP)
            else:
                self._raise(row, limit if self._room(row) >= limit else 0, Reason.ABOVE_CAP)

    def work_off(self) -> None:
        """More granted than there is. CAS rows are cut first; then absolute rows are drained, one at a time unless strict."""
        excess = self._excess()
        if not excess:
            return
        for row in self._by_slowness(self._open_rows(), WriteKind.CAS):
            draft, over = self.drafts[row.row_id], self._over(row)
            if over > 0 and draft.shows > 0:
                keep = max(draft.shows - over, 0)
                if self._tolerated(row):
                    keep = max(keep, min(draft.shows, self._sellable(row)))
                if keep < draft.shows:
                    self._lower(row, keep, Reason.OVER_GRANTED)
        for row in self._by_slowness(self._open_rows(), WriteKind.ABSOLUTE):
            draft, over = self.drafts[row.row_id], self._over(row)
            if over <= 0 or draft.shows == 0:
                continue
            if self._tolerated(row):
                self._settle(row, Reason.LEFT_TO_ORDERS, over=over)
            elif self.mode is Mode.STRICT or self._sellable(row) <= 0 or not self._draining():
                self._lower(row, 0, Reason.OVER_GRANTED)
            else:
                self._settle(row, Reason.LEFT_TO_ORDERS, over=over)

    def doubt(self) -> None:
        """An absolute row that shows stock by its book and does not sell: write its goal again, or a zero to free the rights it holds."""
        for row in self._open_rows():
            draft = self.drafts[row.row_id]
            missed = row.rate * (row.quiet_seconds - row.know_p95)
            if row.book.kind is WriteKind.CAS or row.book.flights or not draft.shows or not row.may_raise:
                continue
            if missed > self.tuning.doubt_after_orders:
                self._note(row, "missed_orders", orders=round(missed, 1))
                room = self._room(row)
                self._raise(row, draft.goal if room >= draft.goal else 0, Reason.DOUBTED)

    def refill(self) -> None:
        """Rows below half their goal, or below their own blind-window demand, take free rights: sold out ones first, then by demand."""
        thirsty = [row for row in self._open_rows() if self._wants(row)]
        for row in sorted(thirsty, key=lambda each: (self.drafts[each.row_id].shows > 0, -each.rate)):
            draft = self.drafts[row.row_id]
            if not row.may_raise:
                self._settle(row, Reason.WAITS_FOR_START)
                continue
            room = self._room(row)
            base = row.book.shown if row.book.kind is WriteKind.CAS else 0
            value = min(draft.goal, base + max(room, 0))
            if not may_send(row.book, value=max(value, 1), now=self.now):
                self._settle(row, Reason.WAITS_FOR_FLIGHT)
            elif value <= draft.shows:
                draft.reason = Reason.WAITS_FOR_RIGHTS
                self._note(row, "room", room=room)
            elif draft.shows and value - draft.shows < max(1, ceil(self.tuning.dead_band * draft.shows)):
                self._settle(row, Reason.DEAD_BAND, value=value)
            else:
                self._raise(row, value, Reason.REFILL)

    def fetch(self) -> None:
        """A starving row without free rights takes them from the richest slow row: a CAS cut to its goal, or a drain."""
        for row in sorted(self._open_rows(), key=lambda each: -each.rate):
            draft = self.drafts[row.row_id]
            starves = draft.reason is Reason.WAITS_FOR_RIGHTS and draft.shows < max(self._blind(row), 1)
            missing = draft.goal - draft.shows - self._on_the_way(row)
            if not starves or missing <= 0:
                continue
            for kind in (WriteKind.CAS, WriteKind.ABSOLUTE):
                for donor in self._by_slowness(self._open_rows(), kind):
                    given = self._gives(donor, row, missing)
                    if given > 0:
                        missing -= given
                    if missing <= 0:
                        break
                if missing <= 0:
                    break

    def mirror(self) -> None:
        """Every row shows everything available to it: what tools without rights do, kept as the control."""
        for row in self.rows:
            draft = self.drafts[row.row_id]
            draft.goal = _limit(row, self._sellable(row))
            if not row.writable:
                self._settle(row, Reason.NOT_WRITABLE)
            elif draft.shows == draft.goal:
                continue
            elif not may_send(row.book, value=draft.goal, now=self.now):
                self._settle(row, Reason.WAITS_FOR_FLIGHT)
            else:
                self._raise(row, draft.goal, Reason.MIRROR)

    def decision(self, row: RowInput) -> Decision:
        draft = self.drafts[row.row_id]
        compared = row.book.shown if draft.write is not None and row.book.kind is WriteKind.CAS else None
        return Decision(
            row_id=row.row_id,
            goal=draft.goal,
            write=draft.write,
            compared=compared,
            reason=draft.reason,
            excess=draft.excess,
            steps=tuple(draft.steps),
        )

    # --- rights -------------------------------------------------------------------------------------------------------------

    def _uses(self) -> list[RowUse]:
        return [row.use(self.drafts[row.row_id].exposed) for row in self.rows]

    def _room(self, row: RowInput) -> int:
        """How far the row's exposure may rise, after what has been planned here."""
        use = row.use(self.drafts[row.row_id].exposed)
        return headroom(row=use, rows=self._uses(), available=self.available, allowance=self.allowance)

    def _excess(self) -> bool:
        return bool(over_granted(rows=self._uses(), available=self.available, allowance=self.allowance))

    def _over(self, row: RowInput) -> int:
        """Units of this row that stand in the way of its sets, less what drains on their way will free."""
        uses = [each.use(self.drafts[each.row_id].exposed - self._frees(each)) for each in self.rows]
        use = next(use for use in uses if use.row_id == row.row_id)
        return -headroom(row=use, rows=uses, available=self.available, allowance=self.allowance)

    def _frees(self, row: RowInput) -> int:
        """What of E a lowering write on its way (or planned here) will free: what the row may show beyond what it will show."""
        draft, book = self.drafts[row.row_id], row.book
        lowering = draft.write is not None or bool(book.flights)
        return max(book.shown - draft.shows, 0) if lowering else 0

    def _on_the_way(self, row: RowInput) -> int:
        """Rights that will come free for a waiting row without another write, in its units."""
        return (
            sum(
                _in_units_of(row, other, self._frees(other) + other.book.unseen)
                for other in self.rows
                if other is not row
            )
            + row.book.unseen
        )

    def _draining(self) -> bool:
        """Whether an absolute row is being drained already."""
        return any(
            row.book.kind is WriteKind.ABSOLUTE and self._frees(row) > 0 and self.drafts[row.row_id].shows == 0
            for row in self.rows
        )

    def _tolerated(self, row: RowInput) -> bool:
        """Balanced: an over-grant whose pair risk is within the limit is left to converge by orders."""
        if self.mode is not Mode.BALANCED:
            return False
        for sku_id in row.units:
            users = [each for each in self.rows if each.units.get(sku_id)]
            sellable = _stock(sku_id, users, self.available)
            if sellable <= 0 or _risk(sku_id, users, sellable, 1.0) > self.tuning.pair_risk_limit:
                return False
        return True

    # --- rows ---------------------------------------------------------------------------------------------------------------

    def _open_rows(self) -> list[RowInput]:
        return [row for row in self.rows if not self.drafts[row.row_id].done]

    def _by_slowness(self, rows: Iterable[RowInput], kind: WriteKind) -> list[RowInput]:
        """Richest slow row first: by how long it would take to sell what it shows."""
        chosen = [row for row in rows if row.book.kind is kind]
        return sorted(chosen, key=lambda row: -self._seconds_to_sell(row))

    def _seconds_to_sell(self, row: RowInput) -> float:
        shows = self.drafts[row.row_id].shows
        return shows / row.rate if row.rate > 0 else (inf if shows else 0.0)

    def _blind(self, row: RowInput) -> int:
        """What it may sell before a refill decided now is in force."""
        return ceil(row.rate * (row.know_p95 + row.ack_p95))

    def _wants(self, row: RowInput) -> bool:
        draft = self.drafts[row.row_id]
        return draft.shows < draft.goal and (draft.shows * 2 < draft.goal or draft.shows < self._blind(row))

    def _gives(self, donor: RowInput, row: RowInput, missing: int) -> int:
        """Lower a donor for a starving row; the units that come free, in units of that row. 0: it keeps what it has."""
        draft = self.drafts[donor.row_id]
        shared = donor.units.keys() & row.units.keys()
        if donor is row or not shared or donor.book.flights or self._seconds_to_sell(donor) <= self.tuning.slow_seconds:
            return 0
        if draft.shows - draft.goal < max(1, ceil(draft.shows / 4)):
            return 0
        keep = 0
        if donor.book.kind is WriteKind.CAS:
            soon = ceil(donor.rate * self.tuning.slow_seconds)
            keep = max(draft.goal, soon, draft.shows - _in_units_of(donor, row, missing))
        before = draft.shows
        if keep >= before:
            return 0
        self._lower(donor, keep, Reason.GIVES_WAY)
        return _in_units_of(row, donor, before - keep)

    def _lower(self, row: RowInput, value: int, reason: Reason) -> None:
        draft = self.drafts[row.row_id]
        sendable = may_send(row.book, value=value, now=self.now)
        if not sendable and value > 0 and may_send(row.book, value=0, now=self.now):
            value, sendable = 0, True  # only a zero may overtake
        if not sendable:
            self._settle(row, Reason.WAITS_FOR_FLIGHT)
            return
        self._write(row, value, reason, excess=draft.shows - value)

    def _raise(self, row: RowInput, value: int, reason: Reason) -> None:
        if not may_send(row.book, value=value, now=self.now):
            self._settle(row, Reason.WAITS_FOR_FLIGHT)
            return
        added = max(value - row.book.shown, 0) if row.book.kind is WriteKind.CAS else value
        self._write(row, value, reason, excess=0)
        self.drafts[row.row_id].exposed += added

    def _write(self, row: RowInput, value: int, reason: Reason, *, excess: int) -> None:
        draft = self.drafts[row.row_id]
        draft.write, draft.excess = value, max(excess, 0)
        self._settle(row, reason, value=value, instead_of=draft.shows, room=self._room(row))
        draft.shows = value

    def _settle(self, row: RowInput, reason: Reason, **numbers: float) -> None:
        draft = self.drafts[row.row_id]
        draft.reason, draft.done = reason, True
        self._note(row, reason.value, **numbers)

    def _note(self, row: RowInput, code: str, **numbers: float) -> None:
        draft = self.drafts[row.row_id]
        draft.steps.append(Step(code=code, numbers=numbers))

    # --- goals --------------------------------------------------------------------------------------------------------------

    def _sellable(self, row: RowInput) -> int:
        """L of the row, in its own units: the scarcest component over its warehouses, never below 0."""
        if not row.warehouses or not row.units:
            return 0
        return max(
            min(
                sum(self.available.get((sku_id, warehouse), 0) for warehouse in row.warehouses) // units
                for sku_id, units in row.units.items()
            ),
            0,
        )

    def _others(self, row: RowInput) -> int:
        """What the other rows may still sell, in units of this one."""
        return sum(_in_units_of(row, other, exposure(other.book)) for other in self.rows if other is not row)

    def _goals(self) -> dict[int, int]:
        """Rights divided by demand. A row that can't be written keeps what it has; the shared last units come on top."""
        fixed = {row.row_id: exposure(row.book) for row in self.rows if not row.writable}
        open_rows = [row for row in self.rows if row.writable]
        limits = {row.row_id: _limit(row, self._sellable(row)) for row in open_rows}
        shares = self._shares(open_rows, limits, fixed)
        uses = {row.row_id: row.use(fixed.get(row.row_id, 0)) for row in self.rows}
        # Narrow rows first, then whatever is left, so that no shelf is left idle.
        for targets in (shares, limits):
            for row in sorted(open_rows, key=lambda each: (len(each.warehouses), -each.rate)):
                use = uses[row.row_id]
                room = headroom(row=use, rows=list(uses.values()), available=self.available, allowance={})
                more = min(targets[row.row_id] - use.exposure, room)
                if more > 0:
                    uses[row.row_id] = replace(use, exposure=use.exposure + more)
        goals = dict(fixed)
        for row in open_rows:
            share = uses[row.row_id].exposure
            cover = max(ceil(row.rate * self.tuning.cover_seconds), ceil(share / 2), 1)
            goals[row.row_id] = min(share, cover)
            if self._shares_last_units(row):
                last = min(self._sellable(row), self.tuning.last_units)
                goals[row.row_id] = min(max(goals[row.row_id], last), limits[row.row_id])
        return goals

    def _shares(self, rows: Sequence[RowInput], limits: Mapping[int, int], fixed: Mapping[int, int]) -> dict[int, int]:
        """Largest-remainder split of each SKU by demand in physical units; a row gets what its scarcest component allows."""
        shares = dict(limits)
        for sku_id in sorted({sku_id for row in self.rows for sku_id in row.units}):
            users = [row for row in rows if row.units.get(sku_id)]
            everyone = [row for row in self.rows if row.units.get(sku_id)]
            taken = sum(fixed.get(row.row_id, 0) * row.units[sku_id] for row in everyone)
            parts = fair_split(
                units=_stock(sku_id, everyone, self.available) - taken,
                weights=[row.rate * row.units[sku_id] for row in users],
                limits=[shares[row.row_id] * row.units[sku_id] for row in users],
            )
            for row, part in zip(users, parts, strict=True):
                shares[row.row_id] = min(shares[row.row_id], part // row.units[sku_id])
        return shares

    def _shares_last_units(self, row: RowInput) -> bool:
        return bool(row.units) and all(self.allowance.get(sku_id, 0) > 0 for sku_id in row.units)


def will_show(book: Book) -> int:
    """What the row will show, as far as we know, when the write sent last has landed."""
    if not book.flights:
        return book.shown
    return max(book.flights[-1].value - book.served, 0)


def _limit(row: RowInput, sellable: int) -> int:
    """The most that the row's own rules let it show of ``sellable`` units."""
    if sellable <= row.zero_at:
        return 0
    offered = max(sellable - row.hold_back, 0)
    return offered if row.cap is None else min(offered, max(row.cap, 0))


def _stock(sku_id: int, users: Sequence[RowInput], available: Mapping[tuple[int, int], int]) -> int:
    """Physical units of a SKU in the warehouses that can serve any of these rows."""
    warehouses = frozenset().union(*(row.warehouses for row in users))
    return sum(units for (sku, warehouse), units in available.items() if sku == sku_id and warehouse in warehouses)


def _risk(sku_id: int, users: Sequence[RowInput], sellable: int, factor: float) -> float:
    rows = [
        RiskRow(
            rate=row.rate * row.units[sku_id],
            know_seconds=row.know_seconds,
            ack_seconds=row.ack_seconds,
            above=exposure(row.book) * row.units[sku_id] > sellable,
        )
        for row in users
    ]
    return pair_risk(sellable=sellable, rows=rows, factor=factor)


def _in_units_of(row: RowInput, other: RowInput, units: int) -> int:
    """Units of another row's listing, as units of this one (by their scarcest common component); 0 when they share nothing."""
    common = row.units.keys() & other.units.keys()
    return min((units * other.units[sku_id] // row.units[sku_id] for sku_id in common), default=0)
