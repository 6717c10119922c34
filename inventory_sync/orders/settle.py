"""
Bring the ledger to what order lines' facts demand: the difference is appended, so that doing it again changes nothing.

The key of each movement is ``line:{id}:{version}:{sku}:{warehouse}``; a line's version rises with every difference that was appended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection

from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.domain.ledger import Buckets, Movement, MovementKind, Place, difference
from inventory_sync.domain.order_state import Counts, demanded, place_units
from inventory_sync.domain.snapshots import Channel, ListingIds
from inventory_sync.orders.models import Order, OrderLine, ReturnItem
from inventory_sync.orders.placing import Placing, choose_warehouse, load_placing
from inventory_sync.stock.ledger import append_movements, lock_own_balances
from inventory_sync.stock.models import StockBalance, Warehouse
from inventory_sync.stock.services import propose_transfer, qc_warehouse
from skumap.models import ChannelAccount, Listing
from skumap.services import components_of, find_listings, resolve_links

# What settling and applying change of a line; the book's own columns are not among them.
LINE_FIELDS = (
    "ordered", "shipped", "cancelled", "cancelled_kept", "returned", "lost", "recalled", "channel_restocked", "status", "title", "price", "listing",
    "sku", "components", "marketplace_fulfilled", "location_id", "warehouse", "waiting", "applied_version",
)  # fmt: skip
LINE_COLUMNS = tuple(f"{name}_id" if name in {"listing", "sku", "warehouse"} else name for name in LINE_FIELDS)

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
class CameBack:
    """Units of a line in the channel's returns: in quarantine, straight back in stock, and such as will never come."""

    quarantined: int = 0
    to_stock: int = 0
    never: int = 0


def facts_of(line: OrderLine) -> Counts:
    """The facts that the channel's snapshots told of a line."""
    return Counts(
        ordered=line.ordered,
        shipped=line.shipped,
        cancelled=line.cancelled,
        cancelled_kept=line.cancelled_kept,
        returned=line.returned,
        lost=line.lost,
        recalled=line.recalled,
    )


def with_returns(counts: Counts, came_back: CameBack) -> Counts:
    """The facts with what the channel's returns add to them."""
    return replace(
        counts,
        returned=counts.returned + came_back.quarantined,
        returned_to_stock=came_back.to_stock,
        lost=counts.lost + came_back.never,
    )


def settle_lines(
    *,
    rules: AccountRules,
    order: Order,
    lines: Sequence[OrderLine],
    now: datetime,
    changed: Iterable[OrderLine] = (),
) -> frozenset[int]:
    """
    Append what the lines' facts demand and their movements have not done yet. Needs the lines locked, in an open transaction.

    A line of a test order, or one that the marketplace ships from its own stock, demands nothing. A line that nobody has linked, or for which
    there is no own warehouse, waits.

    :param changed: lines whose facts the caller changed and has not saved (new ones included); they are saved here.
    :return: physical SKUs whose balance changed.
    """
    dirty = {id(line) for line in changed}
    dirty |= {id(line) for line in _resolve_waiting(rules, order, lines)}
    taking = [line for line in lines if _takes_stock(order, line)]
    homeless = [line for line in taking if line.warehouse_id is None]
    balances: dict[Place, Buckets] = {}
    if homeless:
        balances = lock_own_balances({int(sku_id) for line in homeless for sku_id in line.components})
        dirty |= {id(line) for line in _choose_warehouses(rules, homeless, balances)}
    done = _done([line.pk for line in lines if line.applied_version])
    came_back = _returns([line.pk for line in taking if line.pk])
    changes: dict[int, dict[Place, Buckets]] = {}
    for line in lines:
        wanted = _wanted(rules, order, line, came_back.get(line.pk, CameBack()))
        missing = difference(demanded=wanted, done=done.get(line.pk, {}))
        if missing:
            changes[id(line)] = missing
            line.applied_version += 1
            dirty.add(id(line))
    _save(lines, dirty)
    movements = [
        _movement(rules, line, place, change, now)
        for line in lines
        for place, change in changes.get(id(line), {}).items()
    ]
    touched = append_movements(movements, locked=balances.keys())
    _propose_transfers(rules, order, movements, balances)
    return frozenset(touched)


def _takes_stock(order: Order, line: OrderLine) -> bool:
    return not (line.waiting or line.marketplace_fulfilled or order.test) and bool(line.components)


def _wanted(rules: AccountRules, order: Order, line: OrderLine, came_back: CameBack) -> dict[Place, Buckets]:
    if not _takes_stock(order, line) or line.warehouse_id is None:
        return {}
    return demanded(
        units=place_units(channel=rules.channel, counts=with_returns(facts_of(line), came_back)),
        components={int(sku_id): units for sku_id, units in line.components.items()},
        warehouse_id=line.warehouse_id,
        quarantine_id=rules.quarantine_id,
    )


def _save(lines: Sequence[OrderLine], dirty: set[int]) -> None:
    new = [line for line in lines if line.pk is None]
    for line in lines:
        if line.pk is not None and id(line) in dirty:
            line.save(update_fields=LINE_FIELDS)
    if new:
        OrderLine.objects.bulk_create(new)


def _movement(rules: AccountRules, line: OrderLine, place: Place, change: Buckets, now: datetime) -> Movement:
    sku_id, warehouse_id = place
    return Movement(
        key=f"line:{line.pk}:{line.applied_version}:{sku_id}:{warehouse_id}",
        sku_id=sku_id,
        warehouse_id=warehouse_id,
        on_hand=change.on_hand,
        committed=change.committed,
        kind=_kind(change, in_quarantine=warehouse_id == rules.quarantine_id),
        occurred_at=now,
        line_id=line.pk,
    )


def _kind(change: Buckets, *, in_quarantine: bool) -> MovementKind:
    if in_quarantine:
        return MovementKind.RETURN
    if change.on_hand < 0:
        return MovementKind.CONSUME
    if change.on_hand > 0:
        return MovementKind.RESTOCK
    return MovementKind.COMMIT if change.committed > 0 else MovementKind.RELEASE


def _done(line_ids: Sequence[int]) -> dict[int, dict[Place, Buckets]]:
    done: dict[int, dict[Place, Buckets]] = defaultdict(dict)
    if line_ids:
        with connection.cursor() as cursor:
            cursor.execute(DONE, {"lines": list(line_ids)})
            for line_id, sku_id, warehouse_id, on_hand, committed in cursor.fetchall():
                done[line_id][sku_id, warehouse_id] = Buckets(int(on_hand), int(committed))
    return done


def _returns(line_ids: Sequence[int]) -> dict[int, CameBack]:
    if not line_ids:
        return {}
    found: dict[int, CameBack] = defaultdict(CameBack)
    rows = ReturnItem.objects.filter(
        line__in=line_ids, state__in=[ReturnItem.State.ARRIVED, ReturnItem.State.NEVER]
    ).values_list("line_id", "state", "to_stock", "units")
    for line_id, state, to_stock, units in rows:
        known = found[line_id]
        if state == ReturnItem.State.NEVER:
            found[line_id] = replace(known, never=known.never + units)
        elif to_stock:
            found[line_id] = replace(known, to_stock=known.to_stock + units)
        else:
            found[line_id] = replace(known, quarantined=known.quarantined + units)
    return found


# --- what a line is, and where it takes its stock ----------------------------------------------------------------------------


def _resolve_waiting(rules: AccountRules, order: Order, lines: Sequence[OrderLine]) -> list[OrderLine]:
    """
    Freeze what each waiting line takes, by the link that was valid when it was ordered; what nobody has linked goes on waiting.

    :return: the lines that waited.
    """
    waiting = [line for line in lines if line.waiting]
    if not waiting:
        return []
    unknown = {id(line): ListingIds(**line.listing_ids) for line in waiting if line.listing_id is None}
    if unknown:
        found = find_listings(account_id=rules.account.pk, listings=unknown.values())
        for line in waiting:
            if id(line) in unknown:
                line.listing_id = found.get(unknown[id(line)])
    known = {line.listing_id for line in waiting if line.listing_id is not None}
    resolved = resolve_links(listing_ids=known, at=order.placed_at)
    parts = components_of({item.sku_id for item in resolved.values() if item.sku_id is not None})
    nameless = []
    for line in waiting:
        item = resolved.get(line.listing_id) if line.listing_id else None
        if item is not None and item.sku_id is not None:
            line.sku_id = item.sku_id
            line.components = {str(sku): units * item.units_per_sale for sku, units in parts[item.sku_id].items()}
            line.waiting = False
        elif line.marketplace_fulfilled or order.test:
            line.waiting = False
        else:
            nameless.append(line)
    _alert_waiting(rules, order, nameless)
    return waiting


def _alert_waiting(rules: AccountRules, order: Order, lines: Sequence[OrderLine]) -> None:
    """Somebody must link these listings; not those that staff said are none of ours, and not what was cancelled meanwhile."""
    ours = [line for line in lines if line.ordered > line.cancelled]
    if not ours:
        return
    listings = [line.listing_id for line in ours if line.listing_id is not None]
    ignored = set(Listing.objects.filter(pk__in=listings, status=Listing.Status.IGNORED).values_list("pk", flat=True))
    for line in ours:
        if line.listing_id not in ignored:
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


def _choose_warehouses(
    rules: AccountRules, lines: Sequence[OrderLine], balances: Mapping[Place, Buckets]
) -> list[OrderLine]:
    """Place lines one after the other, each seeing what the ones before it took; one without any candidate waits. Returns them."""
    left = dict(balances)
    unplaced = False
    for line in lines:
        needs = {int(sku_id): units * max(line.open_units, 1) for sku_id, units in line.components.items()}
        candidates = rules.placing.candidates(line.location_id)
        line.warehouse_id = choose_warehouse(candidates=candidates, needs=needs, balances=left)
        if line.warehouse_id is None:
            unplaced, line.waiting = True, True
            continue
        for sku_id, units in needs.items():
            place = (sku_id, line.warehouse_id)
            left[place] = left.get(place, Buckets()) + Buckets(committed=units)
    if unplaced:
        raise_alert(
            kind="no_warehouse",
            key=str(rules.account.pk),
            title=f"{rules.account}: there is no own warehouse to take orders from",
            severity="critical",
            account_id=rules.account.pk,
            link="/admin/stock/warehouse/",
        )
    elif any(line.pk for line in lines):  # one that was known already: perhaps it had waited for a warehouse
        resolve_alert(kind="no_warehouse", key=str(rules.account.pk))
    return list(lines)


def _propose_transfers(
    rules: AccountRules, order: Order, movements: Sequence[Movement], before: Mapping[Place, Buckets]
) -> None:
    """Where an order's warehouse is short while another one has stock, propose to move it."""
    asked: dict[Place, int] = defaultdict(int)
    for movement in movements:
        if movement.committed > 0:
            asked[movement.sku_id, movement.warehouse_id] += movement.committed
    suspects = {place for place, units in asked.items() if place not in before or before[place].available < units}
    if not suspects:
        return
    own = StockBalance.objects.filter(
        sku_id__in={sku_id for sku_id, _ in suspects}, warehouse__kind=Warehouse.Kind.OWN, warehouse__active=True
    ).order_by("id")
    shelves: dict[int, list[StockBalance]] = defaultdict(list)
    for balance in own:
        shelves[balance.sku_id].append(balance)
    for sku_id, warehouse_id in sorted(suspects):
        short = next((balance for balance in shelves[sku_id] if balance.warehouse_id == warehouse_id), None)
        others = [balance for balance in shelves[sku_id] if balance.warehouse_id != warehouse_id]
        source = max(others, key=lambda balance: balance.available, default=None)
        if short is not None and short.available < 0 and source is not None and source.available > 0:
            propose_transfer(
                sku_id=sku_id,
                source_id=source.warehouse_id,
                target_id=warehouse_id,
                units=min(source.available, -short.available),
                reason=f"order {order.order_number} on {rules.account}",
            )
