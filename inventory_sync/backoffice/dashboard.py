"""What the home page says: are the channels working, does anything need a person, how quick are we. A fixed number of queries."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from inventory_sync.alerts.models import Alert
from inventory_sync.backoffice import words
from inventory_sync.engine.accounts import AccountContext, adapter_class, budget_of
from inventory_sync.engine.models import LatencySample, ListingState, OrderPace, SaleEvent, SyncCursor, WebhookDelivery
from inventory_sync.engine.sale_events import active_events
from inventory_sync.orders.models import Order, OrderLine
from inventory_sync.stock.models import StockBalance, Warehouse
from skumap.models import ChannelAccount, ChannelLocation, Listing, Sku

logger = logging.getLogger(__name__)

WINDOW = timedelta(hours=1)
PACE_WORTH_SAYING = 1.25
OVERDUE = timedelta(minutes=15)  # a stream that should have been read so long ago is shown as late
MOST_GROUPS = 3
ORDER_STREAMS = ("orders", "sweep")

DELAY_WORDS = {
    LatencySample.Kind.DETECT: "Sale until we know",
    LatencySample.Kind.PUSH: "Sale until others are sent",
    LatencySample.Kind.EFFECT: "Sent until seen there",
}

DELAYS = """
SELECT account_id, kind, percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY seconds), count(*)
  FROM engine_latencysample WHERE account_id = ANY(%(accounts)s) AND kind = ANY(%(kinds)s) AND at >= %(since)s
 GROUP BY account_id, kind
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayRow:
    """One kind of delay over the last hour, in words; ``count`` is how many were measured."""

    label: str
    usual: str
    worst: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The call budget of one account. ``percent`` left; ``shared`` False: the number is this process's own guess."""

    left: int
    limit: int
    percent: int
    hourly: bool
    blocked: str
    shared: bool


@dataclass(slots=True, kw_only=True)
class AccountRow:
    """One seller account on the home page."""

    account: ChannelAccount
    tone: str  # success | warning | danger | info
    last_success: str
    pace: str = ""
    waiting: int = 0
    waiting_since: str = ""
    rows: int = 0
    delays: list[DelayRow] = field(default_factory=list)
    read_up_to: list[dict[str, Any]] = field(default_factory=list)
    calls: Calls | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number with a link behind it. ``tone``: "" is nothing special."""

    title: str
    value: str
    note: str = ""
    link: str = ""
    tone: str = ""


def snapshot(now: datetime) -> dict[str, Any]:
    """
    Everything on the home page at one moment.

    :return: ``at`` (text), ``accounts`` [AccountRow], ``tiles`` [Tile], ``alerts`` (the most pressing open ones), ``sale`` (events that are on
        or come next), ``steps`` (what is left to set up, [] when all is done).
    """
    accounts = list(
        ChannelAccount.objects.defer("credentials").select_related("order_pace").order_by("channel", "name")
    )
    return {
        "at": f"{timezone.localtime(now):%H:%M:%S}",
        "accounts": _account_rows(accounts, now),
        "tiles": _tiles(now),
        "alerts": _alerts(now),
        "sale": _sale(now),
        "steps": _steps(accounts),
    }


# --- accounts ------------------------------------------------------------------------------------------------------------------


def _account_rows(accounts: list[ChannelAccount], now: datetime) -> list[AccountRow]:
    waiting = {
        row["account_id"]: row
        for row in ListingState.objects.values("account_id").annotate(
            rows=Count("id"), waiting=Count("id", filter=Q(stale_since__isnull=False))
        )
    }
    oldest = dict(
        ListingState.objects.filter(stale_since__isnull=False)
        .order_by("account_id", "stale_since")
        .distinct("account_id")
        .values_list("account_id", "stale_since")
    )
    delays = _delays([account.pk for account in accounts], now)
    streams = _streams(now)
    calls = _calls(accounts)
    rows = []
    for account in accounts:
        counts: Any = waiting.get(account.pk, {})
        rows.append(
            AccountRow(
                account=account,
                tone=_tone(account),
                last_success=words.clock(account.last_success_at, now=now),
                pace=_pace(account),
                waiting=counts.get("waiting", 0),
                waiting_since=words.since(oldest.get(account.pk), now=now) if account.pk in oldest else "",
                rows=counts.get("rows", 0),
                delays=delays[account.pk],
                read_up_to=streams[account.pk],
                calls=calls.get(account.pk),
            )
        )
    return rows


def _pace(account: ChannelAccount) -> str:
    """How fast orders are taken to come, as staff say it; "" before anything was measured."""
    pace: OrderPace | None = getattr(account, "order_pace", None)
    if pace is None:
        return ""
    return "as usual" if pace.surge < PACE_WORTH_SAYING else f"{pace.surge:.1f} times as fast as usual"


def _tone(account: ChannelAccount) -> str:
    return {
        ChannelAccount.Health.OK: "success",
        ChannelAccount.Health.DEGRADED: "warning",
        ChannelAccount.Health.BROKEN: "danger",
    }.get(ChannelAccount.Health(account.health), "info")


def _delays(account_ids: list[int], now: datetime) -> defaultdict[int, list[DelayRow]]:
    """Usual (median) and worst (95 of 100 are quicker) of the last hour, in one query for all accounts."""
    with connection.cursor() as cursor:
        kinds = [kind.value for kind in DELAY_WORDS]
        cursor.execute(DELAYS, {"accounts": account_ids, "kinds": kinds, "since": now - WINDOW})
        measured = {(account_id, kind): (values, count) for account_id, kind, values, count in cursor.fetchall()}
    found: defaultdict[int, list[DelayRow]] = defaultdict(list)
    for account_id in {account_id for account_id, _ in measured}:
        for kind, label in DELAY_WORDS.items():
            if (account_id, kind.value) in measured:
                (usual, worst), count = measured[account_id, kind.value]
                found[account_id].append(
                    DelayRow(label=label, usual=words.duration(usual), worst=words.duration(worst), count=count)
                )
    return found


def _streams(now: datetime) -> defaultdict[int, list[dict[str, Any]]]:
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for cursor in SyncCursor.objects.filter(stream__in=ORDER_STREAMS).order_by("account_id", "stream"):
        late = cursor.failures > 0 or cursor.next_due_at < now - OVERDUE
        found[cursor.account_id].append(
            {
                "label": words.stream_words(cursor.stream),
                "until": words.clock(cursor.high_water, now=now) if cursor.high_water else "not read yet",
                "late": late,
                "why": cursor.last_error,
            }
        )
    return found


def _calls(accounts: Iterable[ChannelAccount]) -> dict[int, Calls]:
    """Calls left, from Redis. If it does not answer once, the other accounts are not asked, so that the page stays quick."""
    found: dict[int, Calls] = {}
    for account in accounts:
        try:
            facts = _budget_left(account)
            if facts is None:
                continue
        except Exception:
            logger.warning("the call budget of account %s can't be read", account.pk, exc_info=True)
            continue
        if not facts["shared"]:
            break
        limit = max(float(facts["limit"]), 1.0)
        left = max(float(facts["left"]), 0.0)
        found[account.pk] = Calls(
            left=round(left),
            limit=round(limit),
            percent=min(round(100 * left / limit), 100),
            hourly=facts["kind"] == "window",
            blocked=words.duration(facts["blocked_seconds"]) if facts["blocked_seconds"] > 0 else "",
            shared=True,
        )
    return found


def _budget_left(account: ChannelAccount) -> dict[str, Any] | None:
    """None for a channel that counts every operation by itself: there is no one number then."""
    context = AccountContext(account)
    plan = adapter_class(account.channel).budget_plan(context.settings, workers=settings.WORKERS)  # type: ignore[attr-defined]
    if len(plan.groups) > MOST_GROUPS:
        return None
    facts: dict[str, Any] = budget_of(context).left(plan.default)  # type: ignore[attr-defined]
    return facts


# --- tiles ---------------------------------------------------------------------------------------------------------------------


def _tiles(now: datetime) -> list[Tile]:
    severities = dict(
        Alert.objects.filter(resolved_at__isnull=True).values_list("severity").annotate(number=Count("id")).order_by()
    )
    critical, warning = severities.get(Alert.Severity.CRITICAL, 0), severities.get(Alert.Severity.WARNING, 0)
    short = oversold()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    orders = Order.objects.filter(first_seen_at__gte=midnight, test=False).aggregate(
        today=Count("id"), hour=Count("id", filter=Q(first_seen_at__gte=now - WINDOW))
    )
    failed = WebhookDelivery.objects.filter(status=WebhookDelivery.Status.FAILED).count()
    waiting = OrderLine.objects.filter(waiting=True).aggregate(orders=Count("order", distinct=True), lines=Count("id"))
    new = Listing.objects.filter(
        status__in=[Listing.Status.UNMAPPED, Listing.Status.AMBIGUOUS], vanished_at__isnull=True
    ).count()
    return [
        Tile(
            title="Open alerts",
            value=str(sum(severities.values())),
            note=f"{critical} look now, {warning} look today" if critical or warning else "nothing to look at",
            link="/alerts/alert/",
            tone="danger" if critical else "warning" if warning else "",
        ),
        Tile(
            title="Oversold",
            value=words.count(len(short), "SKU"),
            note=f"{words.count(sum(short.values()), 'unit')} ordered without stock"
            if short
            else "every order has stock",
            link="/stock/stockbalance/?stock=short",
            tone="danger" if short else "",
        ),
        Tile(
            title="Orders today",
            value=str(orders["today"]),
            note=f"{orders['hour']} in the last hour",
            link="/orders/order/",
        ),
        Tile(
            title="Orders waiting for a link",
            value=str(waiting["orders"]),
            note="their stock is not blocked yet" if waiting["orders"] else "all are applied",
            link="/orders/order/?waiting=yes",
            tone="danger" if waiting["orders"] else "",
        ),
        Tile(
            title="New listings",
            value=str(new),
            note="link them to a SKU" if new else "all are linked",
            link="/skumap/listing/?todo=link",
            tone="warning" if new else "",
        ),
        Tile(
            title="Incoming messages",
            value=str(failed),
            note="need a look" if failed else "all are applied",
            link="/engine/webhookdelivery/?status__exact=failed",
            tone="danger" if failed else "",
        ),
    ]


def oversold() -> dict[int, int]:
    """SKUs of which more is ordered than stands in all own warehouses, and by how many units."""
    rows = (
        StockBalance.objects.filter(warehouse__kind=Warehouse.Kind.OWN)
        .values("sku_id")
        .annotate(free=Sum(F("on_hand") - F("committed")))
        .filter(free__lt=0)
        .values_list("sku_id", "free")
    )
    return {sku_id: -free for sku_id, free in rows}


def _alerts(now: datetime) -> list[dict[str, Any]]:
    """The five that a person should look at first: "look now" before "look today", new before old."""
    pressing = [Alert.Severity.CRITICAL, Alert.Severity.WARNING]  # in the order of their letters, too
    rows = Alert.objects.filter(resolved_at__isnull=True, acknowledged_at__isnull=True, severity__in=pressing)
    return [
        {
            "pk": row.pk,
            "title": row.title,
            "detail": row.detail,
            "link": row.link,
            "severity": row.get_severity_display(),
            "tone": "danger" if row.severity == Alert.Severity.CRITICAL else "warning",
            "since": words.since(row.opened_at, now=now),
        }
        for row in rows.order_by("severity", "-opened_at")[:5]
    ]


def _sale(now: datetime) -> dict[str, Any]:
    current = active_events(now=now).order_by("ends_at").first()
    coming = SaleEvent.objects.filter(starts_at__gt=now, cancelled_at__isnull=True).order_by("starts_at").first()
    return {
        "on": current,
        "until": words.clock(current.ends_at, now=now) if current else "",
        "next": coming,
        "next_at": words.clock(coming.starts_at, now=now) if coming else "",
    }


# --- first steps -----------------------------------------------------------------------------------------------------------------


def _steps(accounts: list[ChannelAccount]) -> list[dict[str, Any]]:
    """What is left to do before anything is sent; [] once an account is live or everything is done."""
    if any(account.mode == ChannelAccount.Mode.LIVE for account in accounts):
        return []
    done = {
        "warehouses": Warehouse.objects.filter(kind=Warehouse.Kind.OWN).exists(),
        "skus": Sku.objects.exists(),
        "stock": StockBalance.objects.filter(on_hand__gt=0).exists(),
        "locations": ChannelLocation.objects.filter(warehouse_links__isnull=False).exists(),
        "linked": Listing.objects.filter(status=Listing.Status.MAPPED).exists(),
    }
    connected = any(account.health != ChannelAccount.Health.NEW for account in accounts)
    return [
        {"text": "Add your warehouse", "link": "/stock/warehouse/add/", "done": done["warehouses"]},
        {"text": "Add a seller account", "link": "/skumap/channelaccount/add/", "done": bool(accounts)},
        {"text": "Test its connection", "link": "/skumap/channelaccount/", "done": connected},
        {
            "text": "Say which warehouses serve its locations",
            "link": "/skumap/channellocation/",
            "done": done["locations"],
        },
        {"text": "Add your SKUs", "link": "/skumap/sku/", "done": done["skus"]},
        {"text": "Enter what is in the warehouse (cycle count)", "link": "/stock/stockbalance/", "done": done["stock"]},
        {"text": "Link the listings to SKUs", "link": "/skumap/listing/?todo=link", "done": done["linked"]},
        {"text": "Look at the trial run, then go live", "link": "/engine/shadowrecord/", "done": False},
    ]
