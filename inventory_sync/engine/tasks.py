"""
Every Celery task: a hint to look now. No payload to trust, no retry: rows say what is left, and beat looks again.

Queues: ``inbound`` (webhooks, queues), ``push`` (quantities), ``poll`` (reading), ``bulk`` (long work).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import shared_task
from django.utils import timezone

from inventory_sync.domain.errors import ChannelError
from inventory_sync.engine import (
    bulk,
    clockwork,
    gst_rates,
    import_runs,
    inbound,
    link_audit,
    listing_sending,
    matching,
    notify,
    polling,
    pulling,
    push,
    reconcile,
    upkeep,
    wake,
)
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.models import ListingState, SyncCursor
from skumap.models import ChannelAccount

logger = logging.getLogger(__name__)

QUEUE_WAIT_SECONDS = 10
IMPORT_SECONDS = 4 * 3600  # a mapping of 100,000 listings links them one by one


def tick(queue: str, **limits: Any) -> Callable[[Callable[..., None]], Any]:
    """A task that only looks. What goes wrong on a channel is noted where it happens; nothing is retried here."""

    def decorate(work: Callable[..., None]) -> Any:
        @shared_task(name=f"inventory_sync.engine.tasks.{work.__name__}", queue=queue, ignore_result=True, **limits)
        @wraps(work)
        def run(*args: int) -> None:
            wake.taken(work.__name__, *args)
            try:
                work(*args)
            except ChannelError as error:
                logger.warning("%s%s: %s", work.__name__, args, error)

        return run

    return decorate


# --- inbound ----------------------------------------------------------------------------------------------------------------


@tick("inbound")
def drain_inbox() -> None:
    while inbound.drain_inbox(now=timezone.now()):
        pass


@tick("inbound")
def receive_queue(account_id: int) -> None:
    with upkeep.single_flight("receive_queue", account_id) as mine:
        while mine and inbound.receive_queue(account_id=account_id, wait_seconds=QUEUE_WAIT_SECONDS):
            pass


# --- push -------------------------------------------------------------------------------------------------------------------


@tick("push")
def push_tick(account_id: int) -> None:
    with upkeep.single_flight("push", account_id) as mine:
        if mine and bulk.waits_in_bulk(context=context_of(account_id)):
            wake.send("start_bulk", account_id)
        while mine and push.push_account(account_id=account_id, now=timezone.now()):
            pass


@tick("push")
def settle_time() -> None:
    with upkeep.single_flight("settle_time", 0) as mine:
        if mine:
            clockwork.settle_time(now=timezone.now())


# --- poll -------------------------------------------------------------------------------------------------------------------


@tick("poll")
def poll_stream(cursor_id: int) -> None:
    cursor = SyncCursor.objects.filter(pk=cursor_id).first()
    if cursor is None:
        return
    if cursor.stream == "reconcile":
        reconcile.read_slice(account_id=cursor.account_id)
    elif cursor.stream == "listings":
        pulling.pull_if_due(account_id=cursor.account_id)
    else:
        polling.poll_stream(account_id=cursor.account_id, stream=cursor.stream)


@tick("poll")
def confirm(account_id: int) -> None:
    inbound.sweep_confirmations(context=context_of(account_id), now=timezone.now())


# --- bulk -------------------------------------------------------------------------------------------------------------------


@tick("bulk")
def check_jobs(account_id: int) -> None:
    bulk.check_jobs(account_id=account_id)


@tick("bulk")
def start_bulk(account_id: int) -> None:
    bulk.start_bulk(account_id=account_id)


@tick("bulk", soft_time_limit=IMPORT_SECONDS, time_limit=IMPORT_SECONDS + 60)
def preview_files() -> None:
    while import_runs.work(import_runs.PREVIEWS):
        pass


@tick("bulk", soft_time_limit=IMPORT_SECONDS, time_limit=IMPORT_SECONDS + 60)
def import_files() -> None:
    while import_runs.work(import_runs.IMPORTS):
        pass


@tick("bulk")
def match_listings() -> None:
    with upkeep.single_flight("match_listings", 0) as mine:
        if mine:
            matching.match_open(now=timezone.now())


@tick("bulk")
def audit_links() -> None:
    with upkeep.single_flight("audit_links", 0) as mine:
        if mine:
            link_audit.audit_all(now=timezone.now())


@tick("bulk")
def send_changes(account_id: int) -> None:
    with upkeep.single_flight("listing_changes", account_id) as mine:
        while mine and listing_sending.work(account_id=account_id, now=timezone.now()):
            pass


@tick("bulk")
def keep_house() -> None:
    now = timezone.now()
    polling.alert_silent_streams(now=now)
    upkeep.watch(now=now)
    upkeep.forget(now=now)
    import_runs.forget(now=now)


@tick("bulk")
def check_rates() -> None:
    gst_rates.check_rates(now=timezone.now())


@tick("bulk")
def count_calls() -> None:
    for account in ChannelAccount.objects.all():
        upkeep.store_call_counts(context=AccountContext(account))


@tick("bulk")
def route_alerts() -> None:
    notify.route_alerts(now=timezone.now())


# --- the beat ---------------------------------------------------------------------------------------------------------------


@tick("inbound")
def sweep() -> None:
    """
    Find every row that is due and wake whoever does it. Everything that a lost message would have started is found here.

    Cheap: a handful of indexed queries.
    """
    now = timezone.now()
    wake.send("drain_inbox")
    wake.send("settle_time")
    accounts = {account.pk: account for account in ChannelAccount.objects.all()}
    for cursor in polling.due_cursors(now=now):
        wake.send("poll_stream", cursor.pk)
    stale = ListingState.objects.filter(stale_since__isnull=False, account__mode=ChannelAccount.Mode.LIVE)
    for account_id in stale.values_list("account_id", flat=True).distinct():
        wake.send("push_tick", account_id)
    for account_id in upkeep.accounts_with_confirmations():
        wake.send("confirm", account_id)
    for account_id in upkeep.accounts_with_jobs(now=now):
        wake.send("check_jobs", account_id)
    for account_id in listing_sending.accounts_with_changes(now=now):
        wake.send("send_changes", account_id)
    for account_id, account in accounts.items():
        if upkeep.has_queue(account):
            wake.send("receive_queue", account_id)
    for lane in import_runs.lanes_in_need(now=now):
        wake.send(lane.task)
    wake.send("route_alerts")
