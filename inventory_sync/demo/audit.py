"""
What became of every order and every row, judged against the sandbox's own truth. Needs Django; the caller has set it up.

Nothing here asks the engine how it did: orders are looked up one by one in the ledger, quantities are compared with what buyers see, and the
decision is made anew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count, Q, Sum
from django.utils import timezone

from inventory_sync.alerts.models import Alert
from inventory_sync.demo.market import Market
from inventory_sync.demo.screen import Status
from inventory_sync.engine.decide import decide_pool
from inventory_sync.engine.models import Flight, ListingState, PushAttempt, WebhookDelivery
from inventory_sync.engine.pool import load_pool
from inventory_sync.orders.models import Order, OrderLine
from inventory_sync.stock.models import StockBalance
from skumap.models import ChannelAccount, Sku

CHUNK = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """
    The sandbox's sales against our lines.

    :ivar applied: channel -> order lines that stand in our books as they were sold.
    :ivar lost: sales that we do not know; :ivar wrong: lines whose movements are not what their units ask for (applied twice, or in part).
    :ivar strange: lines of ours that were never sold.
    """

    applied: Mapping[str, int]
    lost: tuple[str, ...]
    wrong: tuple[str, ...]
    strange: tuple[str, ...]

    @property
    def all_known(self) -> bool:
        return not self.lost and not self.wrong


LINES = """
SELECT a.channel, l.line_key, l.ordered, l.cancelled + l.cancelled_kept, l.marketplace_fulfilled, l.waiting, l.components::text,
       COALESCE(m.committed, 0), COALESCE(m.on_hand, 0), m.first_at, o.first_seen_at, l.listing_id
  FROM orders_orderline l
  JOIN orders_order o ON o.id = l.order_id
  JOIN skumap_channelaccount a ON a.id = l.account_id
  LEFT JOIN (SELECT line_id, sum(committed_delta) AS committed, sum(on_hand_delta) AS on_hand, min(recorded_at) AS first_at
               FROM stock_stockmovement WHERE line_id IS NOT NULL GROUP BY 1) m ON m.line_id = l.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One of our order lines with what the ledger says of it. ``applied_at``: when its stock was blocked (held stock: when it was stored)."""

    ordered: int
    cancelled: int
    held: bool
    waiting: bool
    units_each: int
    committed: int
    on_hand: int
    applied_at: datetime | None
    listing_id: int | None

    @property
    def is_right(self) -> bool:
        """Its movements block exactly what is still open; nothing is shipped in the demo."""
        if self.waiting:
            return False
        wanted = 0 if self.held else (self.ordered - self.cancelled) * self.units_each
        return self.committed == wanted and self.on_hand == 0


def our_lines() -> dict[tuple[str, str], Line]:
    """(channel, the channel's line id) -> line."""
    import json

    with connection.cursor() as cursor:
        cursor.execute(LINES)
        rows = cursor.fetchall()
    return {
        (channel, _line_id(line_key)): Line(
            ordered=ordered,
            cancelled=cancelled,
            held=held,
            waiting=waiting,
            units_each=sum(json.loads(components).values()),
            committed=committed,
            on_hand=on_hand,
            applied_at=first_at or (seen_at if held else None),
            listing_id=listing_id,
        )
        for channel, line_key, ordered, cancelled, held, waiting, components, committed, on_hand, first_at, seen_at, listing_id in rows
    }


def _line_id(line_key: str) -> str:
    """The channel's own line id: ours may carry the order's before it."""
    return line_key.replace("/", ":").rsplit(":", 1)[-1]


def compare_orders(sales: Sequence[Mapping[str, Any]], lines: Mapping[tuple[str, str], Line]) -> Orders:
    """Every sale must be one line with its units, and every line a sale."""
    applied: dict[str, int] = defaultdict(int)
    lost, wrong = [], []
    sold = {(sale["channel"], str(sale["line_id"])): sale for sale in sales}
    for key, sale in sold.items():
        line = lines.get(key)
        name = f"{sale['channel']} {sale['order_id']}/{sale['line_id']}"
        if line is None:
            lost.append(name)
        elif line.ordered != sale["units"] or not line.is_right:
            wrong.append(name)
        else:
            applied[sale["channel"]] += 1
    strange = [f"{channel} {line_id}" for channel, line_id in lines if (channel, line_id) not in sold]
    return Orders(applied=dict(applied), lost=tuple(lost), wrong=tuple(wrong), strange=tuple(strange))


def compare_units(truth: Mapping[str, Any]) -> list[str]:
    """SKUs whose blocked units in our books are not the units that the sandbox sold (net of cancellations)."""
    blocked = dict(StockBalance.objects.values_list("sku__code").annotate(units=Sum("committed")))
    return [code for code, told in truth["skus"].items() if (blocked.get(code) or 0) != told["sold"]]


# --- delays --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Real seconds by channel of the sale: until it was applied, and until the next write to another listing of the same stock."""

    applied: Mapping[str, Sequence[float]]
    pushed: Mapping[str, Sequence[float]]


def delays(sales: Sequence[Mapping[str, Any]], lines: Mapping[tuple[str, str], Line]) -> Delays:
    """
    A sale counts as pushed when another listing of a SKU of it was written after it was applied and before the next sale of that SKU was: later
    writes answer later sales, and where rights are left no write is needed at all.
    """
    ids = dict(Sku.objects.values_list("code", "id"))
    parts = _parts()
    writes: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    accepted = PushAttempt.objects.filter(result="accepted").order_by("sent_at")
    for sent_at, listing_id, sku_id in accepted.values_list("sent_at", "state__listing_id", "state__listing__sku_id"):
        for part in parts.get(sku_id, (sku_id,)):
            writes[part].append((sent_at, listing_id))
    applied_times: dict[int, list[datetime]] = defaultdict(list)
    known = []
    for sale in sales:
        line = lines.get((sale["channel"], str(sale["line_id"])))
        if line is None or line.applied_at is None or not sale["components"]:
            continue
        skus = [ids[code] for code, _ in sale["components"]]
        known.append((sale["channel"], datetime.fromisoformat(sale["at"]), line, skus))
        for sku_id in skus:
            applied_times[sku_id].append(line.applied_at)
    for times in applied_times.values():
        times.sort()
    applied: dict[str, list[float]] = defaultdict(list)
    pushed: dict[str, list[float]] = defaultdict(list)
    for channel, sold_at, line, skus in known:
        assert line.applied_at is not None
        applied[channel].append((line.applied_at - sold_at).total_seconds())
        moments = [_first_write(writes[sku_id], applied_times[sku_id], line) for sku_id in skus]
        found = [moment for moment in moments if moment is not None]
        if found:
            pushed[channel].append((min(found) - sold_at).total_seconds())
    return Delays(applied=applied, pushed=pushed)


def _first_write(writes: Sequence[tuple[datetime, int]], sales: Sequence[datetime], line: Line) -> datetime | None:
    assert line.applied_at is not None
    later = bisect_right(sales, line.applied_at)
    until = sales[later] if later < len(sales) else None
    for index in range(bisect_right(writes, (line.applied_at, 0)), len(writes)):
        sent_at, listing_id = writes[index]
        if until is not None and sent_at >= until:
            return None
        if listing_id != line.listing_id:
            return sent_at
    return None


def _parts() -> dict[int, tuple[int, ...]]:
    from skumap.models import KitComponent

    found: dict[int, list[int]] = defaultdict(list)
    for kit_id, component_id in KitComponent.objects.values_list("kit_id", "component_id"):
        found[kit_id].append(component_id)
    return {kit_id: tuple(parts) for kit_id, parts in found.items()}


# --- convergence -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Live rows: in all, and why some have not converged (row -> reason)."""

    live: int
    open: Mapping[str, str]

    @property
    def converged(self) -> int:
        return self.live - len(self.open)


def live_states() -> list[ListingState]:
    """Rows that we write: live accounts, seller-fulfilled listings."""
    return list(
        ListingState.objects.select_related("listing", "location", "account")
        .filter(account__mode=ChannelAccount.Mode.LIVE, blocked_reason="")
        .order_by("id")
    )


def check_rows(market: Market, *, channels: Sequence[str]) -> Rows:
    """
    Converged: nothing in flight, nothing sold unseen, buyers see what the book says, and a decision from scratch has nothing to send.

    Cheap reasons first; rows that pass them are decided anew.
    """
    states = live_states()
    shown = {channel: market.shown(channel) for channel in channels}
    flying = set(Flight.objects.values_list("state_id", flat=True))
    reasons: dict[int, str] = {}
    for state in states:
        seen = shown[state.account.channel].get((state.listing.key, state.location.external_id))
        if state.pk in flying:
            reasons[state.pk] = "a write is in flight"
        elif state.stale_since is not None:
            reasons[state.pk] = "waits to be sent"
        elif state.unseen:
            reasons[state.pk] = f"{state.unseen} may have been sold unseen"
        elif seen != state.shown:
            reasons[state.pk] = f"buyers see {seen}, the book says {state.shown}"
    wanted = sorted({state.listing.sku_id for state in states if state.pk not in reasons and state.listing.sku_id})
    now = timezone.now()
    for start in range(0, len(wanted), CHUNK):
        pool = load_pool(sku_ids=wanted[start : start + CHUNK], now=now)
        for row_id, decided in decide_pool(pool, now=now).items():
            if decided.write is not None:
                reasons.setdefault(row_id, f"a new decision would send {decided.write} ({decided.reason})")
    names = {state.pk: f"{state.account} {state.listing}" for state in states}
    return Rows(live=len(states), open={names[pk]: why for pk, why in sorted(reasons.items()) if pk in names})


def shown_share(market: Market, *, channels: Sequence[str]) -> float:
    """Units that buyers see, up to the goal of each live row, as a part of all goals."""
    shown = {channel: market.shown(channel) for channel in channels}
    reached = asked = 0
    for state in live_states():
        seen = shown[state.account.channel].get((state.listing.key, state.location.external_id), 0)
        reached += min(seen, state.goal_quantity)
        asked += state.goal_quantity
    return reached / asked if asked else 1.0


def work_left() -> int:
    """Messages that are not applied yet, and orders that wait to be read by id."""
    waiting = WebhookDelivery.objects.filter(status__in=["new", "retry"]).count()
    return waiting + Order.objects.filter(confirm_since__isnull=False).count()


# --- the rest of the report -----------------------------------------------------------------------------------------------------


def verify_ledger() -> str:
    """What the product's own check of its ledger says; "" when every balance is the fold of its movements."""
    said = StringIO()
    try:
        call_command("verify_ledger", stdout=said, stderr=said)
    except (CommandError, SystemExit) as error:
        return f"{said.getvalue()} {error}".strip() or "it does not verify"
    return ""


def alerts_raised(*, since: datetime) -> dict[str, int]:
    """Kind -> alerts opened since then."""
    return dict(
        Alert.objects.filter(opened_at__gte=since).values_list("kind").annotate(count=Count("id")).order_by("kind")
    )


def alerts_open() -> int:
    return Alert.objects.filter(resolved_at__isnull=True).count()


def lines_known() -> dict[str, int]:
    """Channel -> order lines in our books, for the live status."""
    rows = OrderLine.objects.filter(~Q(waiting=True)).values_list("account__channel").annotate(count=Count("id"))
    return dict(rows)


def status(market: Market, *, phase: str, seconds_left: float | None) -> Status:
    """One look for the screen."""
    truth, sold = market.truth(), dict[str, int]()
    for told in truth["skus"].values():
        for channel, units in told["by_channel"].items():
            sold[channel] = sold.get(channel, 0) + units
    return Status(
        phase=phase,
        seconds_left=seconds_left,
        sold=sold,
        refused=truth["refused"],
        known=lines_known(),
        oversold=sum(told["beyond_stock"] for told in truth["skus"].values()),
        waiting=ListingState.objects.filter(stale_since__isnull=False).count(),
        in_flight=Flight.objects.count(),
        alerts=alerts_open(),
    )
