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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, inf

from inventory_sync.domain.decision import Decision, Plan, Reason, Step
from inventory_sync.domain.exposure import Book, WriteKind, exposure, may_send, zero_must_repeat
from inventory_sync.domain.guard import RowUse, headroom, over_granted
from inventory_sync.domain.rights import (
    DEFAULTS,
    Available,
    Mode,
    RowInput,
    Tuning,
    allowance,
    goals,
    group_risk,
    in_units_of,
    risk_row,
    row_limit,
    sellable,
    stock,
)
from inventory_sync.domain.risk import pair_risk

__all__ = [
    "DEFAULTS",
    "RULE_VERSION",
    "Decision",
    "Mode",
    "Plan",
    "Reason",
    "RowInput",
    "Step",
    "Tuning",
    "allowance",
    "decide",
    "will_show",
]

RULE_VERSION = 1


def decide(
    *,
    mode: Mode,
    rows: Sequence[RowInput],
    available: Available,
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
        available: Available,
        now: datetime,
        tuning: Tuning,
    ) -> None:
        self.mode, self.rows, self.available, self.now, self.tuning = mode, rows, available, now, tuning
        self.allowance = allowance(mode=mode, rows=rows, available=available, tuning=tuning)
        targets = goals(rows=rows, available=available, extra=self.allowance, tuning=tuning)
        self.drafts = {
            row.row_id: _Draft(goal=targets[row.row_id], exposed=exposure(row.book), shows=will_show(row.book))
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
            draft, limit = self.drafts[row.row_id], row_limit(row, self._sellable(row))
            slightly = int(self.tuning.dead_band * limit)
            if draft.shows <= limit + slightly or limit >= self._sellable(row):
                continue
            if row.book.kind is WriteKind.CAS or limit == 0:
                self._lower(row, limit, Reason.ABOVE_CAP)
            else:
                self._raise(row, limit if row.may_raise and self._room(row) >= limit else 0, Reason.ABOVE_CAP)

    def work_off(self) -> None:
        """
        More granted than there is. CAS rows are cut first. Then absolute rows are drained: those that make the risk at once, the others, which
        only hold rights, one at a time unless strict.
        """
        if not over_granted(rows=self._uses(), available=self.available, allowance=self.allowance):
            return
        for row in self._by_slowness(self._open_rows(), WriteKind.CAS):
            draft, over = self.drafts[row.row_id], self._over(row)
            if over <= 0 or draft.shows == 0:
                continue
            keep = max(draft.shows - over, 0)
            if self._tolerated(row):
                left = self._sellable(row)
                keep = max(keep, draft.shows if draft.shows <= left * (1 + self.tuning.dead_band) else left)
            if keep < draft.shows:
                self._lower(row, keep, Reason.OVER_GRANTED)
        if self.mode is Mode.BALANCED:
            for sku_id in sorted({sku_id for row in self.rows for sku_id in row.units}):
                self._stop_the_riskiest(sku_id)
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
        """An absolute row that shows stock by its book and does not sell: write anew what free rights allow, if only a zero."""
        for row in self._open_rows():
            draft = self.drafts[row.row_id]
            missed = row.rate * (row.quiet_seconds - row.know_p95)
            if row.book.kind is WriteKind.CAS or row.book.flights or not draft.shows or not row.may_raise:
                continue
            if missed > self.tuning.doubt_after_orders:
                self._note(row, "missed_orders", orders=round(missed, 1))
                self._raise(row, min(draft.goal, max(self._room(row), 0)), Reason.DOUBTED)

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
                self._note(row, draft.reason.value, room=room)
            elif draft.shows and value - draft.shows < max(1, ceil(self.tuning.dead_band * draft.shows)):
                self._settle(row, Reason.DEAD_BAND, value=value)
            else:
                self._raise(row, value, Reason.REFILL)

    def fetch(self) -> None:
        """A starving row without free rights takes them from the richest slow row: a CAS cut to its goal, or a drain."""
        for row in sorted(self._open_rows(), key=lambda each: -each.rate):
            draft = self.drafts[row.row_id]
            starves = draft.reason is Reason.WAITS_FOR_RIGHTS and draft.shows < max(self._blind(row), 1)
            missing = draft.goal - draft.shows - max(self._room(row) + self._on_the_way(row), 0)
            if not starves or missing <= 0:
                continue
            donors = self._open_rows()
            for donor in (*self._by_slowness(donors, WriteKind.CAS), *self._by_slowness(donors, WriteKind.ABSOLUTE)):
                if missing > 0:
                    missing -= self._gives(donor, row, missing)

    def mirror(self) -> None:
        """Every row shows everything available to it: what tools without rights do, kept as the control."""
        for row in self.rows:
            draft = self.drafts[row.row_id]
            draft.goal = row_limit(row, self._sellable(row))
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
        return sum(in_units_of(row, other, self._frees(other) + other.book.unseen) for other in self.rows)

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
            left = stock(sku_id, users, self.available)
            if left <= 0 or group_risk(sku_id, users, left, 1.0) > self.tuning.pair_risk_limit:
                return False
        return True

    def _stop_the_riskiest(self, sku_id: int) -> None:
        """
        Drain absolute rows of a SKU until the pair risk of those that go on selling is within the limit.

        First the row that takes most risk away for the units that it still sells before its zero is in force: a quick row rather than a slow
        one, and never one that hardly sells.
        """
        users = [row for row in self.rows if row.units.get(sku_id)]
        left = max(stock(sku_id, users, self.available), 0)
        while (risk := self._selling_risk(sku_id, users, left)) > self.tuning.pair_risk_limit:
            gains = {
                row.row_id: (risk - self._selling_risk(sku_id, users, left, without=row)) / (row.rate * row.ack_seconds)
                for row in self._open_rows()
                if row.units.get(sku_id)
                and row.book.kind is WriteKind.ABSOLUTE
                and self.drafts[row.row_id].shows
                and row.rate * row.ack_seconds > 0
            }
            if not gains:
                return
            riskiest = max(gains, key=lambda row_id: gains[row_id])
            self._lower(next(row for row in users if row.row_id == riskiest), 0, Reason.OVER_GRANTED)

    def _selling_risk(
        self, sku_id: int, users: Sequence[RowInput], left: int, *, without: RowInput | None = None
    ) -> float:
        """The pair risk over the rows that will show something once the writes on their way have landed."""
        return pair_risk(
            sellable=left,
            rows=[
                risk_row(sku_id, row, self.drafts[row.row_id].shows, left)
                for row in users
                if row is not without and self.drafts[row.row_id].shows
            ],
        )

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
        if donor.book.kind is WriteKind.ABSOLUTE and self._draining():
            return 0
        keep = 0
        if donor.book.kind is WriteKind.CAS:
            soon = ceil(donor.rate * self.tuning.slow_seconds)
            keep = max(draft.goal, soon, draft.shows - in_units_of(donor, row, missing))
        before = draft.shows
        if keep >= before:
            return 0
        self._lower(donor, keep, Reason.GIVES_WAY)
        return in_units_of(row, donor, before - keep)

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
        return sellable(row, self.available)

    def _others(self, row: RowInput) -> int:
        """What the other rows may still sell, in units of this one."""
        return sum(in_units_of(row, other, exposure(other.book)) for other in self.rows if other is not row)


def will_show(book: Book) -> int:
    """What the row will show, as far as we know, when the write sent last has landed."""
    if not book.flights:
        return book.shown
    return max(book.flights[-1].value - book.served, 0)
