"""
Reading what a channel has to say, stream by stream, at the pace that each account has right now.

A beat tick looks for streams that are due (``SyncCursor.next_due_at``). A round applies page by page; the cursor advances only after every
page is committed, and only a round that ended moves the watermark.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Min, Q
from django.utils import timezone

from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.domain.errors import BudgetError, ChannelError, RetryableError
from inventory_sync.domain.ports import LevelChange, PollPage, StreamSpec
from inventory_sync.domain.snapshots import LineSnapshot, OrderSnapshot
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.books import clear_unseen
from inventory_sync.engine.crashpoints import reach
from inventory_sync.engine.inbound import (
    TakenIn,
    confirm_orders,
    decide_soon,
    make_due,
    mark_working,
    note_channel_error,
    take_in_orders,
    take_in_returns,
)
from inventory_sync.engine.models import ListingState, SyncCursor
from inventory_sync.engine.sale_events import sale_is_on
from inventory_sync.orders.models import Order, OrderLine
from skumap.models import ChannelAccount, Listing
from skumap.services import take_in_listings, take_in_marketplace_stock

logger = logging.getLogger(__name__)

RUN_LEASE = timedelta(seconds=200)
RETRY_SECONDS = 15.0
OWN_STREAMS = ("listings", "reconcile")  # the engine's own rounds, beside those that the adapter names


def ensure_cursors(*, context: AccountContext, now: datetime) -> None:
    """One cursor for each stream of an account; new ones are due at once."""
    names = [spec.name for spec in context.adapter.streams()] + list(OWN_STREAMS)
    SyncCursor.objects.bulk_create(
        [SyncCursor(account=context.account, stream=name, next_due_at=now) for name in names], ignore_conflicts=True
    )


def due_cursors(*, now: datetime) -> list[SyncCursor]:
    """Streams to read now: due, not being read, of accounts that are not broken beyond reading."""
    return list(
        SyncCursor.objects.select_related("account")
        .filter(next_due_at__lte=now)
        .filter(Q(running_until__isnull=True) | Q(running_until__lt=now))
        .order_by("next_due_at")
    )


def pace(*, context: AccountContext, spec: StreamSpec, now: datetime) -> float:
    """Seconds until the stream is due again; quicker while a sale event of the account is on."""
    return spec.sale_seconds if sale_is_on(account_id=context.id, now=now) else spec.every_seconds


def poll_stream(*, account_id: int, stream: str) -> TakenIn | None:
    """
    One round of one stream. Safe to repeat and to die in; only one process at a time reads a stream.

    :return: what came in; None when it was not ours to do.
    """
    now = timezone.now()
    claimed = (
        SyncCursor.objects.filter(account_id=account_id, stream=stream)
        .filter(Q(running_until__isnull=True) | Q(running_until__lt=now))
        .update(running_until=now + RUN_LEASE, last_started_at=now)
    )
    if not claimed:
        return None
    context = context_of(account_id)
    spec = next((spec for spec in context.adapter.streams() if spec.name == stream), None)
    if spec is None:
        SyncCursor.objects.filter(account_id=account_id, stream=stream).delete()
        return None
    cursor = SyncCursor.objects.get(account_id=account_id, stream=stream)
    try:
        result = _round(context=context, cursor=cursor, spec=spec, now=now)
    except Exception as error:
        _round_failed(context=context, cursor=cursor, error=error)
        if isinstance(error, ChannelError):
            return None
        raise
    mark_working(account=context.account, now=timezone.now())
    return result


def _round(*, context: AccountContext, cursor: SyncCursor, spec: StreamSpec, now: datetime) -> TakenIn:
    result = TakenIn()
    complete_until: datetime | None = None
    for page in context.adapter.poll(stream=spec.name, since=cursor.high_water, now=now):
        _apply_page(context=context, page=page, result=result)
        complete_until = page.complete_until or complete_until
        reach("poll.page_applied")
    if result.failed:
        raise ChannelError(f"{len(result.failed)} could not be applied: {', '.join(sorted(result.failed)[:5])}")
    reach("poll.before_cursor")
    due = now + timedelta(seconds=pace(context=context, spec=spec, now=now))
    values = {"running_until": None, "failures": 0, "last_error": "", "last_success_at": timezone.now()}
    SyncCursor.objects.filter(pk=cursor.pk).update(
        next_due_at=due, high_water=complete_until or cursor.high_water, **values
    )
    reach("poll.cursor_stored")
    resolve_alert(kind="stream_silent", key=f"{context.id}:{spec.name}")
    if spec.watermark and complete_until is not None:
        _move_watermark(context=context, watermark=complete_until)
    return result


def _apply_page(*, context: AccountContext, page: PollPage, result: TakenIn) -> None:
    """Commit a page's facts: new orders at once, changed ones after a read by id, then returns and what the marketplace holds."""
    now = timezone.now()
    news = [snapshot for snapshot in page.orders if not _says_nothing_new(context, snapshot)]
    part = take_in_orders(context=context, snapshots=news, now=now)
    part.confirm |= set(page.changed)
    part.add(confirm_orders(context=context, keys=part.confirm, now=now))
    part.add(take_in_returns(context=context, snapshots=page.returns, now=now))
    if page.held:
        take_in_marketplace_stock(account_id=context.id, held=page.held)
    if page.listings:
        from inventory_sync.engine.catalogue import after_pull

        pulled = take_in_listings(account=context.account, snapshots=page.listings, now=now)
        after_pull(context=context, result=pulled, now=now)
    if page.levels:
        _read_again(context=context, levels=page.levels)
    decide_soon(part.touched)
    result.add(part)


def _read_again(*, context: AccountContext, levels: Sequence[LevelChange]) -> None:
    """Quantities that changed since we read their rows are read by the next slice: their value of that moment proves nothing now."""
    changed = {(level.listing_ref, level.location_id): level.at for level in levels if level.listing_ref}
    rows = ListingState.objects.filter(
        account=context.account, listing__listing_ref__in={ref for ref, _ in changed}, seen_at__isnull=False
    ).values_list("id", "listing__listing_ref", "location__external_id", "seen_at")
    wanted = []
    for state_id, ref, place, seen_at in rows:
        if (ref, place) in changed and _is_newer(changed[ref, place], seen_at):
            wanted.append(state_id)
    if wanted:
        ListingState.objects.filter(pk__in=wanted).update_in_order(seen_at=None)
        make_due(account_id=context.id, stream="reconcile")


def _is_newer(change: datetime | None, seen_at: datetime | None) -> bool:
    return change is None or seen_at is None or change > seen_at


def _says_nothing_new(context: AccountContext, snapshot: OrderSnapshot) -> bool:
    """
    Pages overlap, so most rows are known. One is, if we have applied this state or a later one and its numbers agree with ours.

    A channel's time need not move with every change (Flipkart: a hold, a partial cancellation), so the time alone proves nothing.
    """
    if snapshot.updated_at is None:
        return False
    order = Order.objects.filter(
        account=context.account,
        key=snapshot.key,
        updated_at__gte=snapshot.updated_at,
        applied_at__isnull=False,
        confirm_since__isnull=True,
    ).first()
    if order is None or (snapshot.on_hold is not None and snapshot.on_hold != order.on_hold):
        return False
    stored = {line.line_key: line for line in OrderLine.objects.filter(order=order)}
    return all(line.line_key in stored and _agrees(line, stored[line.line_key]) for line in snapshot.lines)


def _agrees(said: LineSnapshot, stored: OrderLine) -> bool:
    """Whether a part of a line, as a page shows it, fits the line as we know it."""
    shipped, cancelled = said.shipped or 0, (said.cancelled or 0) + (said.cancelled_kept or 0)
    still_open = said.ordered - shipped - cancelled
    return (
        shipped <= stored.shipped
        and cancelled <= stored.cancelled + stored.cancelled_kept
        and still_open in {0, stored.open_units}
        and (said.returned or 0) <= stored.returned
    )


def _move_watermark(*, context: AccountContext, watermark: datetime) -> None:
    """
    Every order placed before ``watermark`` is in the ledger: what may have been sold unseen before it was not.

    An order that still waits to be read by id holds the watermark back.
    """
    waiting = Order.objects.filter(account=context.account, confirm_since__isnull=False)
    oldest = waiting.aggregate(placed=Min("placed_at"), since=Min("confirm_since"))
    watermark = min([watermark, *(moment for moment in oldest.values() if moment is not None)])
    cleared = clear_unseen(account_id=context.id, watermark=watermark)
    if cleared:
        decide_soon(
            Listing.objects.filter(pk__in=cleared, sku__isnull=False).values_list("sku_id", flat=True).distinct()
        )


def _round_failed(*, context: AccountContext, cursor: SyncCursor, error: Exception) -> None:
    failures = cursor.failures + 1
    wait = min(RETRY_SECONDS * 2 ** min(failures - 1, 5), 300.0)
    if isinstance(error, RetryableError) and error.retry_after:
        wait = min(max(error.retry_after, 1.0), 600.0)
    SyncCursor.objects.filter(pk=cursor.pk).update(
        running_until=None,
        failures=failures,
        last_error=f"{type(error).__name__}: {error}"[:300],
        next_due_at=timezone.now() + timedelta(seconds=wait),
    )
    logger.warning("reading %s of account %s failed: %s", cursor.stream, context.id, error)
    if isinstance(error, ChannelError) and not isinstance(error, BudgetError):
        note_channel_error(account=context.account, error=error)


def alert_silent_streams(*, now: datetime) -> None:
    """A stream that moves the watermark and has not been read for too long is an alert; it resolves with the next complete round."""
    for account in ChannelAccount.objects.exclude(mode=ChannelAccount.Mode.PAUSED):
        context = AccountContext(account)
        try:
            watching = {spec.name for spec in context.adapter.streams() if spec.watermark}
        except ChannelError as error:  # its own trouble; the others are watched all the same
            note_channel_error(account=account, error=error)
            continue
        for cursor in SyncCursor.objects.filter(account=account, stream__in=watching):
            since = cursor.last_success_at or account.created_at
            if now - since > context.span("silence_alert_seconds"):
                raise_alert(
                    kind="stream_silent",
                    key=f"{account.pk}:{cursor.stream}",
                    title=f"{account}: orders have not been read since {since:%H:%M} UTC",
                    detail=cursor.last_error,
                    severity="critical",
                    account_id=account.pk,
                    link=f"/admin/engine/synccursor/?account__id__exact={account.pk}",
                    now=now,
                )
