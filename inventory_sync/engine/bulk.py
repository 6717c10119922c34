"""Mass updates as one remote job, where the channel has such a thing (Amazon's JSON_LISTINGS_FEED)."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inventory_sync.domain.errors import ChannelError
from inventory_sync.domain.ports import BulkJob, PushOutcome, PushResult, RowRef, Share, StockUpdate
from inventory_sync.domain.snapshots import Fulfilment
from inventory_sync.engine import push
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.catalogue import ids_of
from inventory_sync.engine.crashpoints import reach
from inventory_sync.engine.models import Flight, ListingState, RemoteJob
from skumap.models import ChannelAccount

logger = logging.getLogger(__name__)

CHECK_AFTER = timedelta(seconds=30)
JOB_DEADLINE = timedelta(hours=2)


def waits_in_bulk(*, context: AccountContext) -> bool:
    """So many rows are waiting that one job serves them better than calls one by one."""
    if (
        context.adapter.bulk_size <= 0
        or RemoteJob.objects.filter(account=context.account, status__in=["starting", "running"]).exists()
    ):
        return False
    waiting = ListingState.objects.filter(
        account=context.account, stale_since__isnull=False, claimed_until__isnull=True
    )
    return waiting.count() >= int(context.settings["bulk_from_rows"])


def start_bulk(*, account_id: int) -> int:
    """
    Send the waiting rows of an account as one job. Its flights stay open until the job's result says what became of each.

    :return: rows in the job; 0 when there is nothing to send that way.
    """
    context = context_of(account_id)
    if context.account.mode != ChannelAccount.Mode.LIVE or not waits_in_bulk(context=context):
        return 0
    now, check_after, deadline = (
        timezone.now(),
        CHECK_AFTER / settings.CLOCK_FACTOR,
        JOB_DEADLINE / settings.CLOCK_FACTOR,
    )
    batch = push.claim_batch(context=context, now=now, limit=min(context.adapter.bulk_size, 2_000), lease=deadline)
    if not batch.claims:
        return 0
    job = RemoteJob.objects.create(
        account=context.account,
        flight_ids=[claim.flight_id for claim in batch.claims],
        next_check_at=now + check_after,
        give_up_at=now + deadline,
    )
    reach("push.claimed")
    try:
        started = context.adapter.start_bulk([claim.update for claim in batch.claims])
    except ChannelError as error:
        result = PushResult.UNKNOWN if error.may_have_applied else PushResult.NOT_SENT
        outcomes = [
            PushOutcome(row_id=claim.state_id, result=result, code=error.code, message=error.message)
            for claim in batch.claims
        ]
        RemoteJob.objects.filter(pk=job.pk).update(status=RemoteJob.Status.FAILED, message=str(error)[:300])
        push.settle(batch=batch, outcomes=outcomes, adapter=context.adapter, started=now)
        return 0
    reach("push.sent")
    if started.done:
        RemoteJob.objects.filter(pk=job.pk).update(
            ref=started.ref, status=RemoteJob.Status.DONE, message=started.message[:300]
        )
        push.settle(batch=batch, outcomes=started.outcomes, adapter=context.adapter, started=now)
    else:
        RemoteJob.objects.filter(pk=job.pk).update(ref=started.ref, status=RemoteJob.Status.RUNNING)
    return len(batch.claims)


def check_jobs(*, account_id: int) -> int:
    """Ask for the results of an account's jobs. :return: jobs that came to an end."""
    context = context_of(account_id)
    now = timezone.now()
    ended = 0
    due = RemoteJob.objects.filter(account=context.account, status__in=["starting", "running"], next_check_at__lte=now)
    for job in due.order_by("id"):
        claims = _claims(job)
        if not job.ref:  # we died before the channel's reference was stored: nobody knows, the deadline settles it
            result = BulkJob(ref="", done=now >= job.give_up_at, failed=True, message="its reference was never stored")
        else:
            try:
                result = context.adapter.check_bulk(ref=job.ref, updates=[claim.update for claim in claims])
            except ChannelError as error:
                result = BulkJob(ref=job.ref, done=now >= job.give_up_at, failed=True, message=str(error))
        if not result.done:
            RemoteJob.objects.filter(pk=job.pk).update(next_check_at=now + CHECK_AFTER / settings.CLOCK_FACTOR)
            continue
        batch = push.Batch(context=context, claims=tuple(claims), lease_until=now)
        push.settle(batch=batch, outcomes=result.outcomes, adapter=context.adapter, started=job.created_at)
        status = RemoteJob.Status.FAILED if result.failed else RemoteJob.Status.DONE
        RemoteJob.objects.filter(pk=job.pk).update(status=status, message=result.message[:300])
        ended += 1
    return ended


def _claims(job: RemoteJob) -> list[push.Claim]:
    """The job's updates as they were sent, from the flights that are still open."""
    with transaction.atomic():
        flights = list(
            Flight.objects.select_related("state__listing", "state__location")
            .filter(pk__in=job.flight_ids)
            .order_by("id")
        )
    order = {flight_id: index for index, flight_id in enumerate(job.flight_ids)}
    return [
        push.Claim(
            state_id=flight.state_id,
            flight_id=flight.pk,
            reason="bulk",
            update=StockUpdate(
                row=RowRef(
                    row_id=flight.state_id,
                    listing=ids_of(flight.state.listing),
                    fulfilment=Fulfilment(flight.state.listing.fulfilment),
                    location_id=flight.state.location.external_id,
                    product_type=flight.state.listing.product_type,
                ),
                quantity=flight.value,
                idempotency_key=str(flight.idempotency_key),
                compared=flight.compared,
                share=Share.BULK,
            ),
        )
        for flight in sorted(flights, key=lambda flight: order[flight.pk])
    ]
