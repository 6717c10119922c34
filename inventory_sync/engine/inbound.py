"""
Everything that comes in: stored first, applied from the store, exactly once however often it comes.

Webhooks, push events and queue messages go through the inbox; polls apply their pages directly. Both end in :func:`take_in_orders`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.domain.errors import BudgetError, ChannelError, RetryableError, SetupError
from inventory_sync.domain.ports import Delivery, InboundEvent
from inventory_sync.domain.snapshots import Channel, OrderSnapshot, ReturnSnapshot
from inventory_sync.engine import wake
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.books import book_orders
from inventory_sync.engine.crashpoints import reach
from inventory_sync.engine.measure import note_detection
from inventory_sync.engine.models import WebhookDelivery
from inventory_sync.orders.apply import apply_snapshot
from inventory_sync.orders.models import Order, OrderLine
from inventory_sync.orders.returns import adopt_returns, apply_return
from inventory_sync.stock.ledger import retrying
from skumap.models import ChannelAccount, Listing
from skumap.services import take_in_listings, take_in_marketplace_stock

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 8
BACKOFF_SECONDS = 2.0


@dataclass(slots=True)
class TakenIn:
    """What a set of facts did: SKUs to decide anew, orders to read by id, orders that could not be applied."""

    touched: set[int] = field(default_factory=set)
    confirm: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    applied: int = 0

    def add(self, other: TakenIn) -> None:
        self.touched |= other.touched
        self.confirm |= other.confirm
        self.failed |= other.failed
        self.applied += other.applied


# --- the inbox ---------------------------------------------------------------------------------------------------------------


def store_delivery(*, account: ChannelAccount, delivery: Delivery, key: str, topic: str, stale: bool = False) -> None:
    """Keep a delivery exactly as it came, once; the same one again changes nothing. The caller acknowledges it after this returned."""
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(
                account=account,
                key=key[:200],
                topic=topic[:80],
                body=delivery.body,
                headers=dict(delivery.headers),
                url=delivery.url[:500],
                stale=stale,
                received_at=delivery.received_at,
            )
        ],
        ignore_conflicts=True,
    )
    reach("inbox.stored")
    wake.after_commit("drain_inbox")


def drain_inbox(*, now: datetime, limit: int = 50) -> int:
    """
    Process deliveries that are due, oldest first, each under its own lock; one that fails does not stop the others.

    :return: deliveries looked at; 0 when there is nothing to do.
    """
    due = (
        WebhookDelivery.objects.filter(status__in=[WebhookDelivery.Status.NEW, WebhookDelivery.Status.RETRY])
        .filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now))
        .order_by("id")
        .values_list("id", flat=True)[:limit]
    )
    return sum(process_delivery(delivery_id=pk) for pk in list(due))


def process_delivery(*, delivery_id: int) -> int:
    """
    Apply one stored delivery. Safe to repeat and safe to die in: the delivery is marked only after its facts are committed.

    :return: 1 if it was ours to process, 0 if somebody else is at it or it is done.
    """
    now = timezone.now()
    claimed = (
        WebhookDelivery.objects.filter(
            pk=delivery_id, status__in=[WebhookDelivery.Status.NEW, WebhookDelivery.Status.RETRY]
        )
        .filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now))
        .update(status=WebhookDelivery.Status.RETRY, next_attempt_at=now + timedelta(seconds=60))
    )
    if not claimed:
        return 0
    row = WebhookDelivery.objects.select_related("account").get(pk=delivery_id)
    context = AccountContext(row.account)
    delivery = Delivery(body=bytes(row.body), headers=row.headers, received_at=row.received_at, url=row.url)
    try:
        event = context.adapter.parse_delivery(delivery)
        if row.stale:  # signed, but too old to be trusted by itself: it only says where to look
            event = replace(event, orders=(), returns=(), held=())
        reach("inbox.before_apply")
        apply_event(context=context, event=event, now=now)
    except Exception as error:  # whatever it is: this delivery is kept, the others go on
        _delivery_failed(row, error)
        return 1
    reach("inbox.applied")
    WebhookDelivery.objects.filter(pk=row.pk).update(
        status=WebhookDelivery.Status.IGNORED if event.ignored else WebhookDelivery.Status.DONE,
        error=event.ignored[:500],
        processed_at=timezone.now(),
        next_attempt_at=None,
    )
    resolve_alert(kind="delivery_failed", key=str(row.pk))
    return 1


def _delivery_failed(row: WebhookDelivery, error: Exception) -> None:
    attempts = row.attempts + 1
    final = attempts >= MAX_ATTEMPTS
    waits = BACKOFF_SECONDS * 2**attempts
    if isinstance(error, RetryableError) and error.retry_after:
        waits = max(waits, error.retry_after)
        final = final and not isinstance(error, BudgetError)
    logger.log(
        logging.ERROR if final else logging.WARNING,
        "delivery %s failed: %s",
        row.pk,
        error,
        exc_info=not isinstance(error, ChannelError),
    )
    WebhookDelivery.objects.filter(pk=row.pk).update(
        status=WebhookDelivery.Status.FAILED if final else WebhookDelivery.Status.RETRY,
        attempts=min(attempts, 32_000),
        error=f"{type(error).__name__}: {error}"[:500],
        next_attempt_at=timezone.now() + timedelta(seconds=min(waits, 900)),
    )
    if final:
        raise_alert(
            kind="delivery_failed",
            key=str(row.pk),
            title=f"{row.account}: an incoming message could not be applied",
            detail=f"{row.topic}: {error}",
            severity="critical",
            account_id=row.account_id,
            link=f"/admin/engine/webhookdelivery/{row.pk}/change/",
        )


def replay_delivery(*, delivery_id: int) -> None:
    """Process a stored delivery again, whatever became of it before. What it says is applied at most once all the same."""
    WebhookDelivery.objects.filter(pk=delivery_id).update(
        status=WebhookDelivery.Status.NEW, next_attempt_at=None, attempts=0, error=""
    )
    wake.after_commit("drain_inbox")


# --- facts ---------------------------------------------------------------------------------------------------------------------


def apply_event(*, context: AccountContext, event: InboundEvent, now: datetime) -> TakenIn:
    """Apply what a delivery means; what it only hints at is read by id first."""
    result = take_in_orders(context=context, snapshots=event.orders, now=now)
    result.confirm |= set(event.changed)
    result.add(confirm_orders(context=context, keys=result.confirm, now=now))
    result.add(take_in_returns(context=context, snapshots=event.returns, now=now))
    if event.changed_returns:
        make_due(account_id=context.id, stream="returns")
    if event.levels or event.listings:
        _note_listings(context=context, event=event, now=now)
    if event.gone:
        products = [key.removeprefix("product:") for key in event.gone if key.startswith("product:")]
        gone = Q(key__in=event.gone) | Q(product_id__in=products)
        Listing.objects.filter(gone, account=context.account, vanished_at__isnull=True).update(
            vanished_at=now, active=False
        )
    if event.held:
        take_in_marketplace_stock(account_id=context.id, held=event.held)
    if event.jobs:
        wake.after_commit("check_jobs", context.id)
    if event.setup_problem:
        mark_broken(account=context.account, reason=event.setup_problem)
    decide_soon(result.touched)
    if result.failed:
        raise ChannelError("; ".join(f"order {key}: {why}" for key, why in sorted(result.failed.items())))
    return result


def _note_listings(*, context: AccountContext, event: InboundEvent, now: datetime) -> None:
    """Levels that changed are read again by the next slice; listings that changed are read now."""
    from inventory_sync.engine.models import ListingState

    refs = [ref for ref, _ in event.levels]
    if refs:
        ListingState.objects.filter(account=context.account, listing__listing_ref__in=refs).update_in_order(
            seen_at=None
        )
        make_due(account_id=context.id, stream="reconcile")
    if event.listings:
        snapshots = context.adapter.read_listings(event.listings)
        pulled = take_in_listings(account=context.account, snapshots=snapshots, now=now)
        if context.channel is Channel.SHOPIFY:  # a product names all its variants: one that it does not name is gone
            Listing.objects.filter(
                account=context.account,
                product_id__in={ids.product_id for ids in event.listings if ids.product_id},
                vanished_at__isnull=True,
            ).exclude(key__in=[ids.key for ids in event.listings]).update(vanished_at=now, active=False)
        from inventory_sync.engine.catalogue import after_pull

        after_pull(context=context, result=pulled, now=now)


def take_in_orders(*, context: AccountContext, snapshots: Sequence[OrderSnapshot], now: datetime) -> TakenIn:
    """Apply snapshots one by one, each in its own transaction; a bad one is named and does not stop the others."""
    result = TakenIn()
    for snapshot in snapshots:
        try:
            _apply_one(context=context, snapshot=snapshot, now=now, result=result)
        except Exception as error:
            logger.exception("order %s of account %s could not be applied", snapshot.key, context.id)
            result.failed[snapshot.key] = f"{type(error).__name__}: {error}"
            raise_alert(
                kind="order_failed",
                key=f"{context.id}:{snapshot.key}",
                title=f"{context.account}: order {snapshot.order_number or snapshot.key} could not be applied",
                detail=str(error)[:1000],
                severity="critical",
                account_id=context.id,
            )
    return result


@retrying
def _apply_one(*, context: AccountContext, snapshot: OrderSnapshot, now: datetime, result: TakenIn) -> None:
    with transaction.atomic():
        applied = apply_snapshot(rules=context.rules, snapshot=snapshot, now=now)
        touched = set(applied.touched)
        if applied.lines:
            touched |= book_orders(context=context, line_ids=applied.lines, now=now)
    reach("order.applied")
    if applied.lines:
        result.applied += 1
        resolve_alert(kind="order_failed", key=f"{context.id}:{snapshot.key}")
    if applied.is_new and applied.lines:
        note_detection(
            account_id=context.id, placed_at=snapshot.placed_at, at=timezone.now(), listing_lines=applied.lines
        )
        new_lines = list(OrderLine.objects.filter(pk__in=applied.lines))
        touched |= adopt_returns(rules=context.rules, lines=new_lines, now=now)
    if applied.confirm:
        result.confirm.add(snapshot.key)
    result.touched |= touched


def confirm_orders(*, context: AccountContext, keys: Iterable[str], now: datetime) -> TakenIn:
    """
    Read orders by id and apply what that says.

    :raises ChannelError: the channel can't be asked now; the orders stay marked and the next sweep asks again.
    """
    result = TakenIn()
    wanted = sorted(set(keys))
    if not wanted:
        return result
    started = timezone.now()
    snapshots = context.adapter.fetch_orders(wanted)
    read = take_in_orders(context=context, snapshots=snapshots, now=now)
    read.confirm.clear()  # what a read by id can't settle, another one would not
    result.add(read)
    missing = set(wanted) - {snapshot.key for snapshot in snapshots}
    if missing:
        logger.warning("account %s does not know the orders %s", context.id, sorted(missing)[:10])
    # A hint that came in while we were reading asks for another read.
    answered = Order.objects.filter(account=context.account, key__in=set(wanted) - set(read.failed))
    answered.filter(confirm_since__lte=started).update(confirm_since=None)
    return result


def sweep_confirmations(*, context: AccountContext, now: datetime, limit: int = 100) -> TakenIn:
    """Read the orders that still wait to be read by id (a crash, or a channel that could not be asked)."""
    keys = list(
        Order.objects.filter(account=context.account, confirm_since__isnull=False)
        .order_by("confirm_since")
        .values_list("key", flat=True)[:limit]
    )
    result = confirm_orders(context=context, keys=keys, now=now)
    decide_soon(result.touched)
    return result


def take_in_returns(*, context: AccountContext, snapshots: Sequence[ReturnSnapshot], now: datetime) -> TakenIn:
    """Apply returns one by one; a bad one is named and does not stop the others."""
    result = TakenIn()
    for snapshot in snapshots:
        try:
            touched = retrying(apply_return)(rules=context.rules, snapshot=snapshot, settings=context.settings, now=now)
            result.touched |= touched
        except Exception as error:
            logger.exception("return %s of account %s could not be applied", snapshot.return_id, context.id)
            result.failed[snapshot.return_id] = str(error)
    return result


def decide_soon(sku_ids: Iterable[int]) -> None:
    """Decide these SKUs anew right now (cheap: they are few), and wake the pushes that follow."""
    from inventory_sync.engine.decide import decide_skus

    touched = set(sku_ids)
    if touched:
        decide_skus(sku_ids=touched, now=timezone.now())


def make_due(*, account_id: int, stream: str) -> None:
    """Let a stream be polled at the next look."""
    from inventory_sync.engine.models import SyncCursor

    SyncCursor.objects.filter(account_id=account_id, stream=stream).update(next_due_at=timezone.now())


# --- health ---------------------------------------------------------------------------------------------------------------------


def mark_broken(*, account: ChannelAccount, reason: str) -> None:
    """A person must act before this account works again: say so everywhere."""
    ChannelAccount.objects.filter(pk=account.pk).update(health=ChannelAccount.Health.BROKEN, health_reason=reason[:300])
    raise_alert(
        kind="account_broken",
        key=str(account.pk),
        title=f"{account}: the connection is broken",
        detail=reason,
        severity="critical",
        account_id=account.pk,
        link=f"/admin/skumap/channelaccount/{account.pk}/change/",
    )


def mark_working(*, account: ChannelAccount, now: datetime) -> None:
    """A call worked."""
    healthy = ChannelAccount.Health.OK
    ChannelAccount.objects.filter(pk=account.pk).update(last_success_at=now, health=healthy, health_reason="")
    if account.health == ChannelAccount.Health.BROKEN:
        resolve_alert(kind="account_broken", key=str(account.pk))
        account.health = healthy


def note_channel_error(*, account: ChannelAccount, error: ChannelError) -> None:
    """Setup errors break the account; anything else is a hiccup that the next look mends."""
    if isinstance(error, SetupError):
        mark_broken(account=account, reason=str(error))
    else:
        ChannelAccount.objects.filter(pk=account.pk).exclude(health=ChannelAccount.Health.BROKEN).update(
            health=ChannelAccount.Health.DEGRADED, health_reason=str(error)[:300]
        )


def receive_queue(*, account_id: int, wait_seconds: int) -> int:
    """
    Take messages from an account's notification queue: store, commit, then delete. Safe to die anywhere in between.

    :return: messages stored.
    """
    context = context_of(account_id)
    messages = context.adapter.receive_messages(wait_seconds=wait_seconds)
    for message in messages:
        check = context.adapter.check_delivery(message.delivery)
        store_delivery(account=context.account, delivery=message.delivery, key=check.key, topic=check.topic)
    reach("queue.stored")
    if messages:
        context.adapter.delete_messages([message.receipt for message in messages])
        reach("queue.deleted")
        mark_working(account=context.account, now=timezone.now())
    return len(messages)
