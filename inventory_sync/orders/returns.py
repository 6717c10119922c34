"""What came back: returns of all channels, applied to their order line exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from inventory_sync.domain.snapshots import ReturnSnapshot, ReturnState
from inventory_sync.orders.apply import AccountRules, settle_lines
from inventory_sync.orders.models import OrderLine, ReturnItem

RESTOCK = "restock"  # the account setting that puts a return straight on sale; anything else means quarantine


def apply_return(
    *, rules: AccountRules, snapshot: ReturnSnapshot, settings: Mapping[str, Any], now: datetime
) -> frozenset[int]:
    """
    Take in one return. Safe to repeat and in any order; an older state of the same return changes nothing.

    A return whose order line is not known yet is stored and applied when the line comes (``apply_returns_of``).

    :return: physical SKUs whose balance changed.
    """
    with transaction.atomic():
        line = _find_line(rules, snapshot)
        ReturnItem.objects.bulk_create(
            [ReturnItem(account=rules.account, return_id=snapshot.return_id, first_seen_at=now, units=max(snapshot.units, 0))],
            ignore_conflicts=True,
        )
        item = ReturnItem.objects.select_for_update().get(account=rules.account, return_id=snapshot.return_id)
        if _is_older(item, snapshot):
            return frozenset()
        _store(item, snapshot, line=line, settings=settings)
        if line is None or item.state not in {ReturnItem.State.ARRIVED, ReturnItem.State.NEVER, ReturnItem.State.CALLED_OFF}:
            return frozenset()
        return settle_lines(rules=rules, order=line.order, lines=[line], now=now)


def adopt_returns(*, rules: AccountRules, lines: list[OrderLine], now: datetime) -> frozenset[int]:
    """Give stored returns to the lines they were waiting for."""
    touched: set[int] = set()
    for line in lines:
        refs = [line.line_key, line.line_key.rpartition(":")[2]]
        with transaction.atomic():
            if ReturnItem.objects.filter(account=rules.account, line__isnull=True, line_ref__in=refs).update(line=line):
                locked = OrderLine.objects.select_for_update().get(pk=line.pk)
                touched |= settle_lines(rules=rules, order=locked.order, lines=[locked], now=now)
    return frozenset(touched)


def _find_line(rules: AccountRules, snapshot: ReturnSnapshot) -> OrderLine | None:
    rows = OrderLine.objects.select_for_update(of=("self",)).select_related("order").filter(account=rules.account)
    if snapshot.line_key:
        line = rows.filter(line_key=snapshot.line_key).first()
        if line is not None:
            return line
    if snapshot.line_ref:
        matches = list(rows.filter(Q(line_key=snapshot.line_ref) | Q(line_key__endswith=f":{snapshot.line_ref}"))[:2])
        if len(matches) == 1:
            return matches[0]
    return None


def _is_older(item: ReturnItem, snapshot: ReturnSnapshot) -> bool:
    if item.source_rank < 0:
        return False
    if item.updated_at is None or snapshot.updated_at is None:
        return snapshot.source < item.source_rank
    return (snapshot.updated_at, snapshot.source) < (item.updated_at, item.source_rank)


def _store(item: ReturnItem, snapshot: ReturnSnapshot, *, line: OrderLine | None, settings: Mapping[str, Any]) -> None:
    setting = "restock_courier_return" if snapshot.courier_return else "restock_customer_return"
    if snapshot.state is ReturnState.ARRIVED and item.state != ReturnItem.State.ARRIVED:
        item.to_stock = settings.get(setting) == RESTOCK
    item.line = line or item.line
    item.line_ref = snapshot.line_ref or snapshot.line_key
    item.order_ref = snapshot.order_ref
    item.units = max(snapshot.units, 0)
    item.state = snapshot.state.value
    item.status = snapshot.status[:40]
    item.courier_return = snapshot.courier_return
    item.tracking_id = snapshot.tracking_id[:60]
    item.updated_at = snapshot.updated_at or item.updated_at
    item.source_rank = snapshot.source
    item.save()
