"""
What should each row show? The pure decision of ``domain.allocation`` over the rows that share stock, stored with the steps that led to it.

Called after every change of stock, orders or books (few SKUs), by the sweep for what only time changes, and again under the balance locks when a
row is claimed. Rows of an account in trial run are decided as if they were live, and recorded; they take no part in what live rows may do.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q

from inventory_sync.domain.allocation import Decision, Mode, Plan, Reason, RowInput, Step, Tuning, decide
from inventory_sync.domain.exposure import ReadBack, exposure
from inventory_sync.domain.ports import WriteKind
from inventory_sync.domain.priority import Waiting, urgency
from inventory_sync.engine.catalogue import block_reason
from inventory_sync.engine.measure import Pace, pace_of
from inventory_sync.engine.models import ListingState, ShadowRecord
from inventory_sync.engine.pool import Pool, load_pool
from inventory_sync.engine.wake import after_commit
from inventory_sync.stock.ledger import retrying
from skumap.models import ChannelAccount

logger = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(seconds=300)  # demand and delays change with time alone
CHUNK = 40
SURGE_WORTH_SAYING = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One row's decision and whether it is for real or only for the trial run."""

    decision: Decision
    real: bool
    blocked: str = ""

    @property
    def write(self) -> int | None:
        return self.decision.write if self.real else None

    @property
    def reason(self) -> str:
        return self.decision.reason.value


@retrying
def decide_skus(*, sku_ids: Iterable[int], now: datetime) -> int:
    """
    Decide every row of these SKUs (and of the combos that contain them) and wake the pushes that follow. Safe to repeat.

    The rows are locked first and the shelves read afterwards, so that of two decisions the later one has seen more.

    :return: rows that now have something to send.
    """
    wanted = sorted(set(sku_ids))
    if not wanted:
        return 0
    with transaction.atomic():
        pool = load_pool(sku_ids=wanted, now=now, lock="rows")
        decided = decide_pool(pool, now=now)
        return store_decisions(pool, decided, now=now)


def decide_stale(*, now: datetime, limit: int = 400) -> int:
    """Decide again what was decided longest ago; of what was never decided, the scarcest first. :return: SKUs decided."""
    before = now - AGAIN_AFTER / settings.CLOCK_FACTOR
    rows = (
        ListingState.objects.filter(listing__sku__isnull=False)
        .filter(Q(decided_at__isnull=True) | Q(decided_at__lt=before))
        .order_by(F("decided_at").asc(nulls_first=True), "goal_quantity")
        .values_list("listing__sku_id", flat=True)[:limit]
    )
    wanted = list(dict.fromkeys(rows))
    for start in range(0, len(wanted), CHUNK):
        decide_skus(sku_ids=wanted[start : start + CHUNK], now=now)
    return len(wanted)


def mark_all_stale(*, account_id: int | None = None) -> int:
    """Something that concerns every row has changed (a rule, a mode): the sweep decides them anew, in chunks."""
    rows = ListingState.objects.all()
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    count = rows.update_in_order(decided_at=None)
    after_commit("settle_time")
    return count


# --- the decision ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows tied together by shared SKUs, as the decision sees them."""

    mode: Mode
    tuning: Tuning
    rows: tuple[RowInput, ...]


def groups_of(pool: Pool, *, now: datetime) -> list[Group]:
    """The rows of a pool, group by group."""
    blocked, paces = _blocked(pool), _paces(pool, now)
    found = []
    for states in _groups(pool):
        mode, tuning = _mode_of(pool, states)
        rows = tuple(_row_input(pool, state, paces[state.account_id], blocked[state.pk], now) for state in states)
        found.append(Group(mode=mode, tuning=tuning, rows=rows))
    return found


def _blocked(pool: Pool) -> dict[int, str]:
    return {
        state.pk: block_reason(context=pool.contexts[state.account_id], listing=state.listing)
        for state in pool.states.values()
    }


def _paces(pool: Pool, now: datetime) -> dict[int, Pace]:
    return {account_id: pace_of(context=context, now=now) for account_id, context in pool.contexts.items()}


def decide_pool(pool: Pool, *, now: datetime) -> dict[int, Decided]:
    """Decide every row of a pool; sets the pool's allowance for the claims that follow."""
    blocked, paces = _blocked(pool), _paces(pool, now)
    result: dict[int, Decided] = {}
    pool.allowance = {}
    for group in _groups(pool):
        inputs = {state.pk: _row_input(pool, state, paces[state.account_id], blocked[state.pk], now) for state in group}
        mode, tuning = _mode_of(pool, group)
        plan = _decide(pool, mode, list(inputs.values()), now, tuning)
        pool.allowance |= plan.allowance
        for decision in plan.decisions:
            result[decision.row_id] = Decided(decision=decision, real=True, blocked=blocked[decision.row_id])
        trial = [state for state in group if state.account.mode == ChannelAccount.Mode.SHADOW]
        if trial:
            as_if = [
                _row_input(pool, state, paces[state.account_id], blocked[state.pk], now, trial=True) for state in group
            ]
            decisions = {each.row_id: each for each in _decide(pool, mode, as_if, now, tuning).decisions}
            for state in trial:
                result[state.pk] = Decided(decision=decisions[state.pk], real=False, blocked=blocked[state.pk])
    return result


def _decide(pool: Pool, mode: Mode, rows: Sequence[RowInput], now: datetime, tuning: Tuning) -> Plan:
    return decide(mode=mode, rows=rows, available=pool.available, now=now, tuning=tuning)


def _groups(pool: Pool) -> list[list[ListingState]]:
    """Rows tied together by shared SKUs, each group in the order of its rows."""
    owner: dict[int, int] = {}

    def root(sku_id: int) -> int:
        while owner.setdefault(sku_id, sku_id) != sku_id:
            sku_id = owner[sku_id]
        return sku_id

    for units in pool.units.values():
        skus = list(units)
        for sku_id in skus[1:]:
            owner[root(sku_id)] = root(skus[0])
    groups: dict[int, list[ListingState]] = {}
    for state in pool.states.values():
        skus = list(pool.units[state.pk])
        if skus:
            groups.setdefault(root(skus[0]), []).append(state)
    return list(groups.values())


def _mode_of(pool: Pool, group: Sequence[ListingState]) -> tuple[Mode, Tuning]:
    """The strictest mode of the group, and its tuning; durations shrink with a sandbox's clock."""
    skus = {sku_id for state in group for sku_id in pool.units[state.pk]}
    strictness = list(Mode)
    rules = sorted((pool.rules[sku_id] for sku_id in skus), key=lambda rule: strictness.index(Mode(rule.mode)))
    factor = settings.CLOCK_FACTOR
    tuning = Tuning(cover_seconds=rules[0].cover_hours * 3600 / factor, slow_seconds=Tuning().slow_seconds / factor)
    return Mode(rules[0].mode), tuning


def _quiet_seconds(pool: Pool, state: ListingState, now: datetime) -> float:
    """
    Since the row's last order was placed, its last write had to be in force, or a read confirmed what we believe it shows, whichever is later.

    A row that is seen to show what it should and does not sell is not in doubt: nobody wants it just now.
    """
    moments = [pool.selling[state.listing_id].last_order_at, state.last_deadline, state.started_at]
    reads_prove = pool.contexts[state.account_id].read_back is not ReadBack.SELLER_SET
    if reads_prove and state.seen_quantity == pool.books[state.pk].shown:
        moments.append(state.seen_at)
    known = [moment for moment in moments if moment is not None]
    return max((now - max(known)).total_seconds(), 0.0) if known else 0.0


def _row_input(
    pool: Pool, state: ListingState, pace: Pace, blocked: str, now: datetime, *, trial: bool = False
) -> RowInput:
    account = state.account
    sends = account.mode == ChannelAccount.Mode.LIVE or (trial and account.mode == ChannelAccount.Mode.SHADOW)
    working = account.health != ChannelAccount.Health.BROKEN
    return RowInput(
        row_id=state.pk,
        book=pool.books[state.pk],
        rate=pool.selling[state.listing_id].rate,
        quiet_seconds=_quiet_seconds(pool, state, now),
        know_seconds=pace.know,
        know_p95=pace.know_p95,
        ack_seconds=pace.ack,
        ack_p95=pace.ack_p95,
        warehouses=pool.warehouses[state.pk],
        units=pool.units[state.pk],
        writable=sends and working and not blocked and state.opened_at is not None,
        may_raise=state.started_at is not None,
    )


# --- keeping it ----------------------------------------------------------------------------------------------------------------------

STORE = """
UPDATE engine_listingstate AS s
   SET desired_version = s.desired_version + (s.desired_quantity IS DISTINCT FROM d.desired)::int,
       desired_quantity = d.desired, goal_quantity = d.goal, urgency = d.urgency, weight = d.weight,
       stale_since = CASE WHEN d.stale THEN COALESCE(s.stale_since, %(now)s) END,
       inputs = d.inputs::jsonb, inputs_hash = d.hash, blocked_reason = d.blocked, decided_at = %(now)s
  FROM unnest(%(ids)s::bigint[], %(desired)s::int[], %(goals)s::int[], %(urgencies)s::smallint[], %(weights)s::float8[],
              %(stale)s::bool[], %(inputs)s::text[], %(hashes)s::text[], %(blocked)s::text[])
       AS d(id, desired, goal, urgency, weight, stale, inputs, hash, blocked)
 WHERE s.id = d.id
"""


def store_decisions(pool: Pool, decided: Mapping[int, Decided], *, now: datetime) -> int:
    """
    Keep the decisions of the rows that were asked for, in one statement, and wake the accounts that have something to send.

    :return: rows that have something to send.
    """
    rows = []
    for state_id, each in decided.items():
        state = pool.states[state_id]
        if state.listing.sku_id in pool.asked:
            rows.append(_stored_row(pool, state, each, now))
    if not rows:
        return 0
    columns = list(zip(*rows, strict=True))
    names = ("ids", "desired", "goals", "urgencies", "weights", "stale", "inputs", "hashes", "blocked")
    parameters: dict[str, Any] = {name: list(column) for name, column in zip(names, columns, strict=True)}
    with connection.cursor() as cursor:
        cursor.execute(STORE, {**parameters, "now": now})
    _record_trial(pool, decided, now)
    accounts = {pool.states[row_id].account_id for row_id, stale in zip(columns[0], columns[5], strict=True) if stale}
    for account_id in sorted(accounts):
        after_commit("push_tick", account_id)
    return sum(columns[5])


def _stored_row(pool: Pool, state: ListingState, each: Decided, now: datetime) -> tuple[Any, ...]:
    decision, book = each.decision, pool.books[state.pk]
    desired = decision.write if decision.write is not None else _settles_at(pool, state)
    waiting = Waiting(
        row_id=state.pk,
        excess=decision.excess,
        lowers=decision.write is not None and decision.write < book.shown,
        shows_nothing=book.shown == 0,
        rate=pool.selling[state.listing_id].rate,
        waiting_seconds=(now - state.stale_since).total_seconds() if state.stale_since else 0.0,
        favoured=bool(pool.priority & pool.units[state.pk].keys()),
    )
    steps = [*_circumstances(pool, state), *decision.steps]
    inputs = {
        "rule_version": 1,
        "mode": pool.mode(state),
        "reason": decision.reason.value,
        "exposure": exposure(book),
        "steps": [asdict(step) for step in steps],
    }
    text = json.dumps(inputs, default=float, sort_keys=True)
    state.urgency = urgency(waiting).value
    return (
        state.pk,
        desired,
        decision.goal,
        state.urgency,
        max(decision.excess, 1) * max(waiting.rate, 1e-9),
        each.write is not None,
        text,
        hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        each.blocked,
    )


def _circumstances(pool: Pool, state: ListingState) -> list[Step]:
    """What besides stock and demand made the decision what it is, for the explain page."""
    aside = sum(
        units
        for (sku_id, warehouse_id), units in pool.aside.items()
        if sku_id in pool.units[state.pk] and warehouse_id in pool.warehouses[state.pk]
    )
    surge = pool.selling[state.listing_id].surge
    found = []
    if aside:
        found.append(Step(code="set_aside", numbers={"units": aside}))
    if surge >= SURGE_WORTH_SAYING:
        found.append(Step(code="surge", numbers={"times": round(surge, 1)}))
    return found


def _settles_at(pool: Pool, state: ListingState) -> int:
    """With nothing to send: what the row shows when its flights have landed."""
    book = pool.books[state.pk]
    if book.flights and book.kind is WriteKind.ABSOLUTE:
        return max(book.flights[-1].value - book.served, 0)
    return book.shown


def _record_trial(pool: Pool, decided: Mapping[int, Decided], now: datetime) -> None:
    """What a trial run would have sent, once for each change."""
    records = []
    for state_id, each in decided.items():
        state, write = pool.states[state_id], each.decision.write
        if each.real or write is None or state.desired_quantity == write:
            continue
        records.append(
            ShadowRecord(
                state=state, value=write, seen_quantity=state.seen_quantity, reason=each.reason[:40], created_at=now
            )
        )
    ShadowRecord.objects.bulk_create(records)


__all__ = ["Decided", "Reason", "decide_pool", "decide_skus", "decide_stale", "mark_all_stale", "store_decisions"]
