"""
Apply what a channel says of an order to the ledger: state-based, so that twice, late and out of order change nothing.

One transaction an order: the order row is locked, then its lines, then the balances. What a snapshot says is stored; ``settle`` compares what
the newest facts demand with what the lines' movements have done, and appends the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from inventory_sync.domain.freshness import Known, Verdict, judge
from inventory_sync.domain.order_state import goes_backwards, merge
from inventory_sync.domain.snapshots import Channel, LineSnapshot, OrderSnapshot, Source
from inventory_sync.orders.models import Order, OrderLine
from inventory_sync.orders.settle import LINE_COLUMNS, AccountRules, facts_of, settle_lines
from skumap.models import ChannelAccount

__all__ = ["AccountRules", "Applied", "apply_snapshot", "settle_lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """
    What became of one snapshot.

    :ivar confirm: read the order by id.
    :ivar touched: physical SKUs whose balance changed.
    :ivar lines: lines that the snapshot spoke of or took away; empty when it was not applied.
    """

    key: str
    verdict: Verdict
    confirm: bool = False
    is_new: bool = False
    touched: frozenset[int] = frozenset()
    lines: tuple[int, ...] = ()


def apply_snapshot(*, rules: AccountRules, snapshot: OrderSnapshot, now: datetime) -> Applied:
    """
    Take in one snapshot of an order. Safe to repeat, in any order, from any number of threads.

    Lines of unknown listings are stored and wait; the caller reads the order by id where ``confirm`` is set.
    """
    with transaction.atomic():
        order = _lock_order(rules.account, snapshot, now)
        is_new = order.applied_at is None
        # Lines are stored together with ``applied_at``, so an order that was never applied has none.
        lines = [] if is_new else list(OrderLine.objects.select_for_update().filter(order=order).order_by("id"))
        verdict = judge(known=_known(order), snapshot=snapshot)
        if verdict in {Verdict.APPLY, Verdict.SAME_OR_CONFIRM}:
            verdict = _check_content(lines=lines, snapshot=snapshot, verdict=verdict)
        if verdict in {Verdict.CONFIRM, Verdict.OLDER, Verdict.SAME_OR_CONFIRM}:
            confirm = verdict is Verdict.CONFIRM
            if confirm and order.confirm_since is None:
                Order.objects.filter(pk=order.pk).update(confirm_since=now)
            return Applied(key=snapshot.key, verdict=verdict, confirm=confirm, is_new=is_new)
        spoken_of, changed = _take_lines(rules, order, lines, snapshot)
        confirm = verdict is Verdict.APPLY_AND_CONFIRM or _needs_location(rules, snapshot, lines)
        _store_order(order, snapshot, confirm=confirm, now=now)
        touched = settle_lines(rules=rules, order=order, lines=lines, now=now, changed=changed)
        return Applied(
            key=snapshot.key,
            verdict=verdict,
            confirm=confirm,
            is_new=is_new,
            touched=touched,
            lines=tuple(line.pk for line in spoken_of),
        )


def _lock_order(account: ChannelAccount, snapshot: OrderSnapshot, now: datetime) -> Order:
    """The order's row, locked; created if this is the first that we hear of it."""
    rows = Order.objects.select_for_update()
    order = rows.filter(account=account, key=snapshot.key).first()
    if order is None:
        row = Order(account=account, key=snapshot.key, order_number=snapshot.order_number, first_seen_at=now)
        Order.objects.bulk_create([row], ignore_conflicts=True)
        order = rows.get(account=account, key=snapshot.key)
    return order


def _known(order: Order) -> Known | None:
    if order.applied_at is None or order.request_started_at is None:
        return None
    return Known(
        updated_at=order.updated_at, source=Source(order.source_rank), request_started_at=order.request_started_at
    )


def _check_content(*, lines: Sequence[OrderLine], snapshot: OrderSnapshot, verdict: Verdict) -> Verdict:
    """A step backwards, a line that is not named any more, or a tie with other content is read by id before it counts."""
    if snapshot.source is Source.READ:
        return Verdict.APPLY
    tie = verdict is Verdict.SAME_OR_CONFIRM
    stored = {line.line_key: line for line in lines}
    for facts in snapshot.lines:
        line = stored.get(facts.line_key)
        if line is None:
            if tie:
                return Verdict.CONFIRM
            continue
        known = facts_of(line)
        new = merge(known=known, line=facts, complete=snapshot.complete)
        if goes_backwards(known=known, new=new) or (tie and (new != known or _is_elsewhere(line, facts))):
            return Verdict.CONFIRM
    return Verdict.CONFIRM if _not_named(lines, snapshot) else verdict


def _is_elsewhere(line: OrderLine, facts: LineSnapshot) -> bool:
    """Another location, or another one's stock, than we know."""
    moved = bool(facts.location_id) and facts.location_id != line.location_id
    return moved or facts.marketplace_fulfilled not in {None, line.marketplace_fulfilled}


def _not_named(lines: Sequence[OrderLine], snapshot: OrderSnapshot) -> list[OrderLine]:
    """Lines with units to ship that a snapshot of the whole order does not name. An order without any line is no such snapshot."""
    if not snapshot.complete or not snapshot.lines:
        return []
    named = {facts.line_key for facts in snapshot.lines}
    return [line for line in lines if line.line_key not in named and line.open_units]


def _store_order(order: Order, snapshot: OrderSnapshot, *, confirm: bool, now: datetime) -> None:
    order.order_number = snapshot.order_number or order.order_number
    order.status = snapshot.status[:60]
    order.placed_at = snapshot.placed_at or order.placed_at
    order.fulfil_by = snapshot.fulfil_by or order.fulfil_by
    order.on_hold = order.on_hold if snapshot.on_hold is None else snapshot.on_hold
    order.test = order.test or snapshot.test
    order.replacement = order.replacement or snapshot.replacement
    order.updated_at = snapshot.updated_at or order.updated_at
    order.source_rank = snapshot.source
    order.request_started_at = snapshot.request_started_at
    order.applied_at = now
    if confirm:
        order.confirm_since = order.confirm_since or now
    elif snapshot.source is Source.READ:
        order.confirm_since = None
    order.save()


def _take_lines(
    rules: AccountRules, order: Order, lines: list[OrderLine], snapshot: OrderSnapshot
) -> tuple[list[OrderLine], list[OrderLine]]:
    """Put a snapshot's facts into the lines (not saved yet); new lines are added to ``lines``. Returns (spoken of, changed)."""
    gone = _not_named(lines, snapshot)  # only a read by id comes so far with lines that it does not name
    stored = {line.line_key: line for line in lines}
    spoken_of: dict[str, OrderLine] = {}
    changed: list[OrderLine] = []
    for facts in snapshot.lines:
        line = stored.get(facts.line_key)
        if line is None:
            line = stored[facts.line_key] = OrderLine(
                order=order,
                account=rules.account,
                line_key=facts.line_key,
                line_ref=facts.line_key.rpartition(":")[2],
                listing_key=facts.listing.key,
                listing_ids=asdict(facts.listing),
                ordered=facts.ordered,
                waiting=True,
            )
            lines.append(line)
        before = _stored_values(line)
        _take_facts(rules, line, facts, complete=snapshot.complete)
        spoken_of[facts.line_key] = line
        if line.pk is None or _stored_values(line) != before:
            changed.append(line)
    for line in gone:
        line.cancelled += line.open_units
        if rules.restock_on_cancel:
            line.channel_restocked = max(line.channel_restocked, line.cancelled)
        spoken_of[line.line_key] = line
        changed.append(line)
    return list(spoken_of.values()), changed


def _stored_values(line: OrderLine) -> tuple[object, ...]:
    return tuple(getattr(line, column) for column in LINE_COLUMNS)


def _take_facts(rules: AccountRules, line: OrderLine, facts: LineSnapshot, *, complete: bool) -> None:
    ordered_before = max(line.ordered, line.booked_units)
    counts = merge(known=facts_of(line) if line.pk else None, line=facts, complete=complete)
    for name in ("ordered", "shipped", "cancelled", "cancelled_kept", "returned", "lost", "recalled"):
        setattr(line, name, getattr(counts, name))
    if facts.cancel_restocked is not None:
        put_back = facts.cancel_restocked
    elif rules.restock_on_cancel:
        put_back = (
            counts.cancelled + counts.recalled + max(ordered_before - counts.ordered, 0)
        )  # ordering less is cancelling, too
    else:
        put_back = 0
    line.channel_restocked = max(line.channel_restocked, put_back + (facts.returned_restocked or 0))
    line.status = facts.status[:60] or line.status
    line.title = facts.title[:300] or line.title
    line.price = facts.price if facts.price is not None else line.price
    if facts.marketplace_fulfilled is not None:
        line.marketplace_fulfilled = facts.marketplace_fulfilled
        if not line.marketplace_fulfilled and not line.components:
            line.waiting = True  # ours after all: what it takes is still to be found out
    if facts.location_id and facts.location_id != line.location_id:
        line.location_id = facts.location_id
        candidates = rules.placing.candidates(line.location_id)
        if candidates and line.warehouse_id not in candidates:
            line.warehouse = None  # chosen anew among the warehouses behind the location that the channel named


def _needs_location(rules: AccountRules, snapshot: OrderSnapshot, lines: Sequence[OrderLine]) -> bool:
    """The channel ships from one of several locations and has not said which: only a read by id knows, if that."""
    if snapshot.source is Source.READ or rules.channel is not Channel.SHOPIFY or len(rules.placing.by_location) < 2:
        return False
    return any(not line.location_id and not line.marketplace_fulfilled and line.open_units for line in lines)
