"""What keeps the house in order: one worker at a time where that matters, watching what must not go silent, forgetting what is old."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Sum

from inventory_sync.alerts.models import Alert
from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.mapping import apply_waiting
from inventory_sync.engine.models import (
    CallCount,
    LatencySample,
    ListingState,
    PushAttempt,
    RemoteJob,
    ShadowRecord,
    WebhookDelivery,
)
from inventory_sync.orders.models import Order
from inventory_sync.orders.returns import adopt_waiting_returns
from inventory_sync.stock.models import StockBalance, Warehouse
from skumap.models import AccountToken, ChannelAccount, Listing

logger = logging.getLogger(__name__)

KEEP_DELIVERIES = timedelta(days=14)
KEEP_ATTEMPTS = timedelta(days=30)
KEEP_SAMPLES = timedelta(days=7)
REFRESH_WARNING = timedelta(days=14)


@contextmanager
def single_flight(name: str, account_id: int) -> Iterator[bool]:
    """
    True for one process at a time; the others get False and leave the work to it.

    A session-level advisory lock: it holds no transaction open, and ends with the connection if the process dies.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), %s)", [name, account_id])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), %s)", [name, account_id])


def has_queue(account: ChannelAccount) -> bool:
    """Whether the account is told of changes through a queue that we have to read."""
    return bool((account.settings or {}).get("sqs_queue_url"))


def accounts_with_confirmations() -> list[int]:
    """Accounts with orders that wait to be read by id."""
    return list(Order.objects.filter(confirm_since__isnull=False).values_list("account_id", flat=True).distinct())


def accounts_with_jobs(*, now: datetime) -> list[int]:
    """Accounts whose remote jobs are due for a look."""
    running = RemoteJob.objects.filter(status__in=["starting", "running"], next_check_at__lte=now)
    return list(running.values_list("account_id", flat=True).distinct())


def watch(*, now: datetime) -> None:
    """Alerts for what nobody would notice by itself: oversold SKUs, dying tokens, listings that wait too long, messages that went silent."""
    _adopt_strays(now)
    watch_oversold(now=now)
    _watch_tokens(now)
    _watch_waiting(now)


def watch_oversold(*, now: datetime) -> None:
    """More was ordered than stands in all own warehouses: a person must find stock, or cancel before the channel counts it against us."""
    rows = (
        StockBalance.objects.filter(warehouse__kind=Warehouse.Kind.OWN)
        .values("sku_id", "sku__code")
        .annotate(left=Sum(F("on_hand") - F("committed")))
        .filter(left__lt=0)
    )
    open_keys = set(Alert.objects.filter(kind="oversold", resolved_at__isnull=True).values_list("key", flat=True))
    for row in rows:
        open_keys.discard(str(row["sku_id"]))
        raise_alert(
            kind="oversold",
            key=str(row["sku_id"]),
            title=f"Oversold: {row['sku__code']} is short of {-row['left']} units",
            detail="More is ordered than stands in all own warehouses.",
            severity="critical",
            link=f"/admin/stock/stockbalance/?sku__id__exact={row['sku_id']}",
            now=now,
        )
    for key in open_keys:
        resolve_alert(kind="oversold", key=key, now=now)


def _adopt_strays(now: datetime) -> None:
    """Returns and order lines that missed each other, and lines that waited for a warehouse: the sweep behind what is done at once."""
    touched: set[int] = set()
    for account in ChannelAccount.objects.exclude(health=ChannelAccount.Health.NEW):
        context = AccountContext(account)
        touched |= adopt_waiting_returns(rules=context.rules, now=now)
        for listing in Listing.objects.filter(account=account, sku__isnull=False, order_lines__waiting=True).distinct():
            touched |= apply_waiting(context=context, listing=listing, now=now)
    decide_soon(touched)


def _watch_tokens(now: datetime) -> None:
    for token in AccountToken.objects.filter(refresh_expires_at__isnull=False).select_related("account"):
        assert token.refresh_expires_at is not None
        if token.refresh_expires_at - now < REFRESH_WARNING:
            raise_alert(
                kind="token_dies",
                key=str(token.account_id),
                title=f"{token.account} must be connected again before {token.refresh_expires_at:%d %b}",
                severity="critical" if token.refresh_expires_at - now < timedelta(days=3) else "warning",
                account_id=token.account_id,
                link=f"/admin/skumap/channelaccount/{token.account_id}/change/",
                now=now,
            )
        else:
            resolve_alert(kind="token_dies", key=str(token.account_id), now=now)


def _watch_waiting(now: datetime) -> None:
    """Rows that have waited for longer than twice the time in which a quantity should be in force."""
    for account in ChannelAccount.objects.filter(mode=ChannelAccount.Mode.LIVE):
        context = AccountContext(account)
        limit = now - 2 * context.span("propagation_deadline_seconds") - context.span("lease_seconds")
        waiting = ListingState.objects.filter(account=account, stale_since__lt=limit).count()
        if waiting:
            raise_alert(
                kind="listings_waiting",
                key=str(account.pk),
                title=f"{account}: {waiting} listings have been waiting for their quantity for too long",
                account_id=account.pk,
                link=f"/admin/engine/listingstate/?account__id__exact={account.pk}&stale=yes",
                now=now,
            )
        else:
            resolve_alert(kind="listings_waiting", key=str(account.pk), now=now)


def forget(*, now: datetime) -> None:
    """Delete what nobody needs any more: raw messages (they may hold what buyers wrote), sent quantities, samples, call counts."""
    finished = [WebhookDelivery.Status.DONE, WebhookDelivery.Status.IGNORED]
    WebhookDelivery.objects.filter(status__in=finished, received_at__lt=now - KEEP_DELIVERIES).delete()
    PushAttempt.objects.filter(sent_at__lt=now - KEEP_ATTEMPTS).delete()
    ShadowRecord.objects.filter(created_at__lt=now - KEEP_ATTEMPTS).delete()
    LatencySample.objects.filter(at__lt=now - KEEP_SAMPLES).delete()
    CallCount.objects.filter(minute__lt=now - timedelta(days=2)).delete()


COUNT_CALLS = """
INSERT INTO engine_callcount (account_id, operation, share, minute, calls)
VALUES (%(account)s, %(operation)s, %(share)s, %(minute)s, %(calls)s)
ON CONFLICT (account_id, operation, share, minute) DO UPDATE SET calls = GREATEST(engine_callcount.calls, EXCLUDED.calls)
"""


def store_call_counts(*, context: AccountContext) -> None:
    """Copy the call counters of the last minutes from Redis, so that a lost Redis does not forget what was spent."""
    from inventory_sync.engine.accounts import budget_of

    counts = budget_of(context).used_by_minute()  # type: ignore[attr-defined]
    with transaction.atomic(), connection.cursor() as cursor:
        for minute, operations in counts.items():
            for operation, shares in operations.items():
                for share, calls in shares.items():
                    cursor.execute(
                        COUNT_CALLS,
                        {
                            "account": context.id,
                            "operation": operation[:60],
                            "share": str(share),
                            "minute": minute,
                            "calls": int(calls),
                        },
                    )
