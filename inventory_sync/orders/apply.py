"""
Apply what a channel says of an order to the ledger: state-based, so that twice, late and out of order change nothing.

One transaction an order: the order row is locked, then its lines, then the balances. What the newest facts demand is compared with what the
line's movements have done; the difference is appended under the key ``line:{id}:{version}:{sku}:{warehouse}``.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Sum

from inventory_sync.alerts.services import raise_alert
from inventory_sync.domain.freshness import Known, Verdict, judge
from inventory_sync.domain.ledger import Buckets, Movement, MovementKind, Place, difference
from inventory_sync.domain.order_state import Counts, demanded, goes_backwards, merge, place_units
from inventory_sync.domain.snapshots import Channel, LineSnapshot, ListingIds, OrderSnapshot, Source
from inventory_sync.orders.models import Order, OrderLine, ReturnItem
from inventory_sync.orders.placing import Placing, choose_warehouse, load_placing
from inventory_sync.stock.ledger import append_movements, lock_own_balances
from inventory_sync.stock.models import StockBalance, StockMovement, Warehouse
from inventory_sync.stock.services import propose_transfer, qc_warehouse
from skumap.models import ChannelAccount, ListingLink
from skumap.services import Resolved, components_of, find_listings, resolve_link

logger = logging.getLogger(__name__)

DONE = """
SELECT line_id, sku_id, warehouse_id, sum(on_hand_delta), sum(committed_delta) FROM stock_stockmovement
 WHERE line_id = ANY(%(lines)s) GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRules:
    """What of an account's settings decides how its orders act on stock."""

    account: ChannelAccount
    restock_on_cancel: bool = True
    placing: Placing
    quarantine_id: int

    @classmethod
    def load(cls, *, account: ChannelAccount, settings: Mapping[str, Any]) -> AccountRules:
        return cls(
            account=account,
            restock_on_cancel=bool(settings.get("restock_on_cancel", True)),
            placing=load_placing(account_id=account.pk),
            quarantine_id=qc_warehouse().pk,
        )

    @property
    def channel(self) -> Channel:
        return Channel(self.account.channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """
    What became of one snapshot.

    :ivar confirm: read the order by id; :ivar touched: physical SKUs whose balance changed; :ivar lines: lines whose facts changed.
    """

    key: str
    verdict: Verdict
    confirm: bool = False
    is_new: bool = False
    touched: frozenset[int] = frozenset()
    lines: tuple[int, ...] = ()


@dataclass(slots=True)
class _Work:
    """One order being applied."""

    rules: AccountRules
    order: Order
    now: datetime
    lines: list[OrderLine] = field(default_factory=list)
    changed: list[OrderLine] = field(default_factory=list)


def apply_snapshot(*, rules: AccountRules, snapshot: OrderSnapshot, now: datetime) -> Applied:
    """
    Take in one snapshot of an order. Safe to repeat, in any order, from any number of threads.

    Lines of unknown listings are stored and wait; the caller reads the order by id where ``confirm`` is set.
    """
    with transaction.atomic():
        order, is_new = _lock_order(rules.account, snapshot, now)
        lines = list(OrderLine.objects.select_for_update().filter(order=order).order_by("id"))
        known = _known(order)
        verdict = judge(known=known, snapshot=snapshot)
        if verdict in {Verdict.APPLY, Verdict.APPLY_IF_SAME}:
            verdict = _check_content(lines=lines, snapshot=snapshot, verdict=verdict)
        if verdict in {Verdict.CONFIRM, Verdict.OLDER, Verdict.APPLY_IF_SAME}:
            confirm = verdict is Verdict.CONFIRM
            if confirm and order.confirm_since is None:
                Order.objects.filter(pk=order.pk).update(confirm_since=now)
            return Applied(key=snapshot.key, verdict=verdict, confirm=confirm, is_new=is_new)
        work = _Work(rules=rules, order=order, now=now, lines=lines)
        _store_order(work, snapshot, confirm=verdict is Verdict.APPLY_AND_CONFIRM)
        _store_lines(work, snapshot)
        touched = settle_lines(rules=rules, order=order, lines=work.lines, now=now)
        return Applied(
            key=snapshot.key,
            verdict=verdict,
            confirm=verdict is Verdict.APPLY_AND_CONFIRM or _needs_location(work),
            is_new=is_new,
            touched=touched,
            lines=tuple(line.pk for line in work.changed),
        )


def _lock_order(account: ChannelAccount, snapshot: OrderSnapshot, now: datetime) -> tuple[Order, bool]:
    created = Order.objects.bulk_create(
        [Order(account=account, key=snapshot.key, order_number=snapshot.order_number, first_seen_at=now)],
        ignore_conflicts=True,
    )
    order = Order.objects.select_for_update().get(account=account, key=snapshot.key)
    return order, bool(created) and order.applied_at is None


def _known(order: Order) -> Known | None:
    if order.applied_at is None or order.request_started_at is None:
        return None
    return Known(
        updated_at=order.updated_at, source=Source(order.source_rank), request_started_at=order.request_started_at
    )


def _counts(line: OrderLine) -> Counts:
    return Counts(
        ordered=line.ordered,
        shipped=line.shipped,
        cancelled=line.cancelled,
        cancelled_kept=line.cancelled_kept,
        returned=line.returned,
        lost=line.lost,
    )


def _check_content(*, lines: Sequence[OrderLine], snapshot: OrderSnapshot, verdict: Verdict) -> Verdict:
    """A step backwards, or a tie with other content, is read by id before it counts."""
    if snapshot.source is Source.READ:
        return Verdict.APPLY
    stored = {line.line_key: _counts(line) for line in lines}
    for line in snapshot.lines:
        known = stored.get(line.line_key)
        new = merge(known=known, line=line)
        if known is not None and goes_backwards(known=known, new=new):
            return Verdict.CONFIRM
        if verdict is Verdict.APPLY_IF_SAME and known != new:
            return Verdict.CONFIRM
    return verdict


def _store_order(work: _Work, snapshot: OrderSnapshot, *, confirm: bool) -> None:
    order = work.order
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
    order.applied_at = work.now
    if confirm:
        order.confirm_since = order.confirm_since or work.now
    elif snapshot.source is Source.READ or not snapshot.confirm:
        order.confirm_since = None
    order.save()


def _store_lines(work: _Work, snapshot: OrderSnapshot) -> None:
    stored = {line.line_key: line for line in work.lines}
    new = [line for line in snapshot.lines if line.line_key not in stored]
    known_listings = find_listings(account_id=work.rules.account.pk, listings=[line.listing for line in new]) if new else {}
    for facts in snapshot.lines:
        line = stored.get(facts.line_key)
        if line is None:
            line = OrderLine(
                order=work.order,
                account=work.rules.account,
                line_key=facts.line_key,
                listing_key=facts.listing.key,
                listing_ids=asdict(facts.listing),
                listing_id=known_listings.get(facts.listing),
                ordered=facts.ordered,
                marketplace_fulfilled=bool(facts.marketplace_fulfilled),
                waiting=True,
            )
            stored[facts.line_key] = line
            work.lines.append(line)
        _take_facts(work.rules, line, facts)
        work.changed.append(line)
    if snapshot.complete and snapshot.source is Source.READ:
        said = {facts.line_key for facts in snapshot.lines}
        for line in work.lines:
            if line.line_key not in said and line.open_units:
                line.cancelled = line.ordered - line.shipped - line.cancelled_kept
                work.changed.append(line)
    for line in work.changed:
        line.save()


def _take_facts(rules: AccountRules, line: OrderLine, facts: LineSnapshot) -> None:
    counts = merge(known=_counts(line) if line.pk else None, line=facts)
    for name in ("ordered", "shipped", "cancelled", "cancelled_kept", "returned", "lost"):
        setattr(line, name, getattr(counts, name))
    if facts.cancel_restocked is not None:
        put_back = facts.cancel_restocked
    else:
        put_back = counts.cancelled if rules.restock_on_cancel else 0
    line.channel_restocked = max(line.channel_restocked, put_back + (facts.returned_restocked or 0))
    line.status = facts.status[:60] or line.status
    line.title = facts.title[:300] or line.title
    line.price = facts.price if facts.price is not None else line.price
    if facts.marketplace_fulfilled is not None:
        line.marketplace_fulfilled = facts.marketplace_fulfilled
    if facts.location_id and facts.location_id != line.location_id:
        line.location_id = facts.location_id
        line.warehouse = None  # chosen anew among the warehouses behind the location that the channel named


def _needs_location(work: _Work) -> bool:
    """The channel ships from one of several locations and has not said which: only a read by id knows."""
    several = len(work.rules.placing.by_location) > 1
    return several and work.rules.channel is Channel.SHOPIFY and any(
        not line.location_id and not line.marketplace_fulfilled and line.open_units for line in work.lines
    )


def settle_lines(*, rules: AccountRules, order: Order, lines: Sequence[OrderLine], now: datetime) -> frozenset[int]:
    """
    Append what the lines' facts demand and their movements have not done yet. Needs the lines locked, in an open transaction.

    :return: physical SKUs whose balance changed.
    """
    if order.test:
        lines = []
    _resolve_waiting(rules, order, lines)
    ready = [line for line in lines if not line.waiting and not line.marketplace_fulfilled and line.components]
    if not ready:
        return frozenset()
    came_back = _returns(ready)
    balances: dict[Place, Buckets] = {}
    if any(line.warehouse_id is None for line in ready):
        balances = lock_own_balances({int(sku_id) for line in ready for sku_id in line.components})
        _choose_warehouses(rules, ready, balances)
    movements: list[Movement] = []
    done = _done([line.pk for line in ready])
    for line in ready:
        if line.warehouse_id is None:
            continue
        arrived, to_stock, never = came_back.get(line.pk, (0, 0, 0))
        counts = replace(
            _counts(line), returned=line.returned + arrived, returned_to_stock=to_stock, lost=line.lost + never
        )
        units = place_units(channel=rules.channel, counts=counts)
        wanted = demanded(
            units=units,
            components={int(sku_id): units for sku_id, units in line.components.items()},
            warehouse_id=line.warehouse_id,
            quarantine_id=rules.quarantine_id,
        )
        changes = difference(demanded=wanted, done=done.get(line.pk, {}))
        if changes:
            movements += _movements(line, changes, now)
    touched = append_movements(movements)
    versions = {movement.line_id for movement in movements}
    if versions:
        OrderLine.objects.filter(pk__in=versions).update(applied_version=F("applied_version") + 1)
        _propose_transfers(rules, [line for line in ready if line.pk in versions])
    return frozenset(touched)


def _movements(line: OrderLine, changes: Mapping[Place, Buckets], now: datetime) -> list[Movement]:
    return [
        Movement(
            key=f"line:{line.pk}:{line.applied_version + 1}:{sku_id}:{warehouse_id}",
            sku_id=sku_id,
            warehouse_id=warehouse_id,
            on_hand=change.on_hand,
            committed=change.committed,
            kind=_kind(line, warehouse_id, change),
            occurred_at=now,
            line_id=line.pk,
        )
        for (sku_id, warehouse_id), change in changes.items()
    ]


def _kind(line: OrderLine, warehouse_id: int, change: Buckets) -> MovementKind:
    if warehouse_id != line.warehouse_id and change.on_hand > 0:
        return MovementKind.RETURN
    if change.on_hand < 0:
        return MovementKind.CONSUME
    if change.on_hand > 0:
        return MovementKind.RESTOCK
    return MovementKind.COMMIT if change.committed > 0 else MovementKind.RELEASE


def _done(line_ids: Sequence[int]) -> dict[int, dict[Place, Buckets]]:
    done: dict[int, dict[Place, Buckets]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(DONE, {"lines": list(line_ids)})
        for line_id, sku_id, warehouse_id, on_hand, committed in cursor.fetchall():
            done[line_id][sku_id, warehouse_id] = Buckets(int(on_hand), int(committed))
    return done


def _returns(lines: Iterable[OrderLine]) -> dict[int, tuple[int, int, int]]:
    """Per line: (arrived in quarantine, arrived straight to stock, will never come), from the channel's returns."""
    result: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    rows = ReturnItem.objects.filter(
        line__in=[line.pk for line in lines], state__in=[ReturnItem.State.ARRIVED, ReturnItem.State.NEVER]
    ).values_list("line_id", "state", "to_stock", "units")
    for line_id, state, to_stock, units in rows:
        index = 2 if state == ReturnItem.State.NEVER else (1 if to_stock else 0)
        result[line_id][index] += units
    return {line_id: (a, b, c) for line_id, (a, b, c) in result.items()}


def _resolve_waiting(rules: AccountRules, order: Order, lines: Sequence[OrderLine]) -> None:
    """Freeze what each waiting line takes, by the link that was valid when it was ordered; what nobody has linked goes on waiting."""
    waiting = [line for line in lines if line.waiting]
    if not waiting:
        return
    unknown = [line for line in waiting if line.listing_id is None]
    if unknown:
        found = find_listings(account_id=rules.account.pk, listings=[ListingIds(**line.listing_ids) for line in unknown])
        for line in unknown:
            line.listing_id = found.get(ListingIds(**line.listing_ids))
    links: dict[int, list[ListingLink]] = defaultdict(list)
    for link in ListingLink.objects.filter(listing_id__in={line.listing_id for line in waiting}).order_by("id"):
        links[link.listing_id].append(link)
    resolved: dict[int, Resolved] = {
        line.pk: resolve_link(listing_id=line.listing_id, links=links[line.listing_id], at=order.placed_at)
        for line in waiting
        if line.listing_id is not None
    }
    parts = components_of({item.sku_id for item in resolved.values() if item.sku_id is not None})
    for line in waiting:
        item = resolved.get(line.pk)
        if item is not None and item.sku_id is not None:
            line.sku_id = item.sku_id
            line.components = {str(sku): units * item.units_per_sale for sku, units in parts[item.sku_id].items()}
            line.waiting = False
        elif line.marketplace_fulfilled:
            line.waiting = False
        else:
            _alert_waiting(rules, order, line)
        line.save(update_fields=["listing", "sku", "components", "waiting"])


def _alert_waiting(rules: AccountRules, order: Order, line: OrderLine) -> None:
    raise_alert(
        kind="order_waiting",
        key=f"{rules.account.pk}:{line.listing_key}",
        title=f"{rules.account}: order for {line.listing_key}, which is not linked to a SKU",
        detail=f"Order {order.order_number}, {line.ordered} × {line.title or line.listing_key}. "
        "No stock is blocked for it until someone links the listing.",
        severity="critical",
        account_id=rules.account.pk,
        link=f"/admin/skumap/listing/?q={line.listing_key}",
    )


def _choose_warehouses(rules: AccountRules, lines: Sequence[OrderLine], balances: Mapping[Place, Buckets]) -> None:
    for line in lines:
        if line.warehouse_id is not None:
            continue
        needs = {int(sku_id): units * max(line.open_units, 1) for sku_id, units in line.components.items()}
        candidates = rules.placing.candidates(line.location_id)
        line.warehouse_id = choose_warehouse(candidates=candidates, needs=needs, balances=balances)
        if line.warehouse_id is None:
            raise_alert(
                kind="no_warehouse",
                key=str(rules.account.pk),
                title=f"{rules.account}: there is no own warehouse to take orders from",
                severity="critical",
                account_id=rules.account.pk,
                link="/admin/stock/warehouse/",
            )
            continue
        line.save(update_fields=["warehouse"])


def _propose_transfers(rules: AccountRules, lines: Sequence[OrderLine]) -> None:
    """Where an order's warehouse is short while another one has stock, propose to move it."""
    for line in lines:
        for sku_text in line.components:
            short = StockBalance.objects.filter(sku_id=int(sku_text), warehouse_id=line.warehouse_id).first()
            if short is None or short.available >= 0:
                continue
            others = StockBalance.objects.filter(
                sku_id=int(sku_text), warehouse__kind=Warehouse.Kind.OWN, warehouse__active=True
            ).exclude(warehouse_id=line.warehouse_id)
            source = max(others, key=lambda balance: balance.available, default=None)
            if source is not None and source.available > 0:
                propose_transfer(
                    sku_id=int(sku_text),
                    source_id=source.warehouse_id,
                    target_id=short.warehouse_id,
                    units=min(source.available, -short.available),
                    reason=f"order {line.order.order_number} on {rules.account}",
                )


def units_in_ledger(*, line_id: int) -> Buckets:
    """What a line's movements add up to over all warehouses."""
    sums = StockMovement.objects.filter(line_id=line_id).aggregate(
        on_hand=Sum("on_hand_delta"), committed=Sum("committed_delta")
    )
    return Buckets(sums["on_hand"] or 0, sums["committed"] or 0)
