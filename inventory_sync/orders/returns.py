"""What came back: returns of all channels, applied to their order line exactly once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from inventory_sync.domain.snapshots import ReturnSnapshot, ReturnState, Source
from inventory_sync.orders.models import OrderLine, ReturnItem
from inventory_sync.orders.settle import AccountRules, settle_lines

RESTOCK = "restock"  # the account setting that puts a return straight on sale; anything else means quarantine
SWEEP_ROWS = 200


def apply_return(
    *, rules: AccountRules, snapshot: ReturnSnapshot, settings: Mapping[str, Any], now: datetime
) -> frozenset[int]:
    """
    Take in one return. Safe to repeat and in any order; an older state of the same return changes nothing, nor does a hint, unless it says
    that the goods will never come: that counts from any source and for good, because it puts nothing on a shelf.

    A return whose order line is not known yet is stored; ``adopt_returns`` gives it to its line when that comes.

    :return: physical SKUs whose balance changed.
    """
    if snapshot.source is Source.HINT and snapshot.state is not ReturnState.NEVER:
        return frozenset()
    with transaction.atomic():
        own = (
            ReturnItem.objects.filter(account=rules.account, return_id=snapshot.return_id)
            .values_list("line_id", flat=True)
            .first()
        )
        line = _lock_line(own or _find_line(rules, line_key=snapshot.line_key, line_ref=snapshot.line_ref))
        ReturnItem.objects.bulk_create(
            [
                ReturnItem(
                    account=rules.account, return_id=snapshot.return_id, first_seen_at=now, units=max(snapshot.units, 0)
                )
            ],
            ignore_conflicts=True,
        )
        item = ReturnItem.objects.select_for_update().get(account=rules.account, return_id=snapshot.return_id)
        if item.line_id is not None and (line is None or item.line_id != line.pk):
            line = _lock_line(item.line_id)  # somebody gave it to its line just now
        if _is_older(item, snapshot):
            return frozenset()
        before = (item.line_id, item.state, item.units, item.to_stock)
        _store(item, snapshot, line=line, settings=settings)
        if line is None or (item.line_id, item.state, item.units, item.to_stock) == before:
            return frozenset()
        return settle_lines(rules=rules, order=line.order, lines=[line], now=now)


def adopt_returns(*, rules: AccountRules, lines: Sequence[OrderLine], now: datetime) -> frozenset[int]:
    """Give stored returns to the lines they were waiting for."""
    keys, refs = {line.line_key for line in lines}, {line.line_ref for line in lines}
    waiting = ReturnItem.objects.filter(account=rules.account, line__isnull=True)
    return _adopt(rules, waiting.filter(Q(line_key__in=keys) | Q(line_ref__in=keys | refs)).order_by("id"), now)


def adopt_waiting_returns(*, rules: AccountRules, now: datetime) -> frozenset[int]:
    """
    The sweep behind ``adopt_returns``: a return and its order line that were stored in the same moment have missed each other.

    The newest are looked at first; a return whose order is older than our records never finds its line.
    """
    waiting = ReturnItem.objects.filter(account=rules.account, line__isnull=True).order_by("-id")
    return _adopt(rules, waiting[:SWEEP_ROWS], now)


def _adopt(rules: AccountRules, items: Any, now: datetime) -> frozenset[int]:
    touched: set[int] = set()
    for item_id, line_key, line_ref in list(items.values_list("id", "line_key", "line_ref")):
        line_id = _find_line(rules, line_key=line_key, line_ref=line_ref)
        if line_id is None:
            continue
        with transaction.atomic():
            line = _lock_line(line_id)
            if line is not None and ReturnItem.objects.filter(pk=item_id, line__isnull=True).update(line=line):
                touched |= settle_lines(rules=rules, order=line.order, lines=[line], now=now)
    return frozenset(touched)


def _lock_line(line_id: int | None) -> OrderLine | None:
    if line_id is None:
        return None
    return OrderLine.objects.select_for_update(of=("self",)).select_related("order").get(pk=line_id)


def _find_line(rules: AccountRules, *, line_key: str, line_ref: str) -> int | None:
    """The line that a return means: by its key, else by the channel's reference if only one line has it."""
    rows = OrderLine.objects.filter(account=rules.account)
    if line_key:
        found: int | None = rows.filter(line_key=line_key).values_list("id", flat=True).first()
        if found is not None:
            return found
    if line_ref:
        matches = list(rows.filter(Q(line_key=line_ref) | Q(line_ref=line_ref)).values_list("id", flat=True)[:2])
        if len(matches) == 1:
            return int(matches[0])
    return None


def _is_older(item: ReturnItem, snapshot: ReturnSnapshot) -> bool:
    if item.source_rank < 0 or snapshot.state is ReturnState.NEVER:
        return False
    if item.updated_at is None or snapshot.updated_at is None:
        return snapshot.source < item.source_rank
    return (snapshot.updated_at, snapshot.source) < (item.updated_at, item.source_rank)


def _store(item: ReturnItem, snapshot: ReturnSnapshot, *, line: OrderLine | None, settings: Mapping[str, Any]) -> None:
    setting = "restock_courier_return" if snapshot.courier_return else "restock_customer_return"
    if snapshot.state is ReturnState.ARRIVED and item.state != ReturnItem.State.ARRIVED:
        item.to_stock = settings.get(setting) == RESTOCK
    item.line = line
    item.line_key = snapshot.line_key or item.line_key
    item.line_ref = snapshot.line_ref or item.line_ref
    item.order_ref = snapshot.order_ref
    item.units = max(snapshot.units, 0)
    # Refunded without the goods ("do not expect"): only the push says so, and no later state puts such units on a shelf.
    if item.state != ReturnItem.State.NEVER:
        item.state = snapshot.state.value
    item.status = snapshot.status[:40]
    item.courier_return = snapshot.courier_return
    item.tracking_id = snapshot.tracking_id[:60]
    item.updated_at = snapshot.updated_at or item.updated_at
    item.source_rank = snapshot.source
    item.save()
