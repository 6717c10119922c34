"""
Read an account's whole catalogue: page by page, within its share of the calls, going on where an earlier pull stopped, and saying how far it is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, F, Q
from django.utils import timezone

from inventory_sync.domain.errors import ChannelError
from inventory_sync.domain.ports import Share
from inventory_sync.engine import wake
from inventory_sync.engine.accounts import AccountContext, adapter_class, context_of
from inventory_sync.engine.catalogue import after_pull, ensure_states, refresh_locations
from inventory_sync.engine.models import SyncCursor
from inventory_sync.orders.models import OrderLine
from skumap.models import ChannelAccount, Listing
from skumap.services import take_in_listings

STREAM = "listings"
LEASE = timedelta(minutes=5)
AT_A_TIME = 150.0  # seconds; a task may not run for longer than its time limit
BEST_SELLERS = 100
LATELY = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullProgress:
    """
    How far a pull is.

    :ivar read: listings read since it began. :ivar total: of how many, where the channel tells.
    :ivar calls_left, seconds_left: what the rest needs, at the share of the calls that a pull may use; None: nobody knows.
    """

    began_at: datetime
    read: int
    total: int | None
    calls_left: int | None
    seconds_left: float | None
    last_error: str


def pull_listings(*, account_id: int, seconds: float | None = None) -> int:
    """
    Read an account's listings; goes on where an earlier pull stopped. The first pull begins with what sells best.

    :param seconds: stop after so long; what is left is due at once. None: read to the end.
    :return: listings read.
    """
    give_up = None if seconds is None else time.monotonic() + seconds
    context = context_of(account_id)
    started = timezone.now()
    cursor, _ = SyncCursor.objects.get_or_create(
        account=context.account, stream=STREAM, defaults={"next_due_at": started}
    )
    if cursor.position and cursor.began_at is not None:
        started = cursor.began_at  # an unfinished pull goes on
    else:
        SyncCursor.objects.filter(pk=cursor.pk).update(
            began_at=started, position="", pull_total=None, pull_calls_left=None
        )
        cursor.position = ""
    refresh_locations(context=context)
    first = best_sellers(account_id=account_id) if cursor.last_success_at is None else []
    count = 0
    for page in context.adapter.pull_listings(cursor=cursor.position, first=first):
        now = timezone.now()
        result = take_in_listings(account=context.account, snapshots=page.listings, now=now)
        count += len(page.listings)
        after_pull(context=context, result=result, now=now)
        SyncCursor.objects.filter(pk=cursor.pk).update(
            position=page.cursor, pull_total=page.total, pull_calls_left=page.calls_left
        )
        if give_up is not None and page.cursor and time.monotonic() > give_up:
            SyncCursor.objects.filter(pk=cursor.pk).update(running_until=None, next_due_at=now)
            return count
    _finish(context=context, cursor=cursor, started=started)
    return count


def _finish(*, context: AccountContext, cursor: SyncCursor, started: datetime) -> None:
    now = timezone.now()
    gone = Listing.objects.filter(account=context.account, vanished_at__isnull=True, pulled_at__lt=started)
    gone.update(vanished_at=now, active=False)
    ensure_states(context=context)
    SyncCursor.objects.filter(pk=cursor.pk).update(
        position="",
        began_at=None,
        pull_total=None,
        pull_calls_left=None,
        high_water=started,
        last_success_at=now,
        failures=0,
        last_error="",
        running_until=None,
        next_due_at=now + timedelta(seconds=context.seconds("pull_seconds")),
    )
    wake.after_commit("match_listings")


def best_sellers(*, account_id: int) -> list[str]:
    """Seller SKUs by order lines of the last 30 days, the best first: known from orders before any listing is."""
    lines = OrderLine.objects.filter(account_id=account_id, order__placed_at__gte=timezone.now() - LATELY)
    counted = lines.exclude(listing_key="").values("listing_key").annotate(count=Count("id"))
    return list(counted.order_by("-count", "listing_key").values_list("listing_key", flat=True)[:BEST_SELLERS])


def pull_if_due(*, account_id: int) -> int:
    """One pull at a time for each account; what goes wrong is noted on its stream and tried again later."""
    from inventory_sync.engine.inbound import note_channel_error

    now = timezone.now()
    rows = SyncCursor.objects.filter(account_id=account_id, stream=STREAM)
    free = Q(running_until__isnull=True) | Q(running_until__lt=now)
    if not rows.filter(free, next_due_at__lte=now).update(running_until=now + LEASE, last_started_at=now):
        return 0
    try:
        return pull_listings(account_id=account_id, seconds=AT_A_TIME)
    except ChannelError as error:
        rows.update(
            running_until=None,
            failures=F("failures") + 1,
            last_error=str(error)[:300],
            next_due_at=timezone.now() + timedelta(seconds=30),
        )
        note_channel_error(account=ChannelAccount.objects.get(pk=account_id), error=error)
        return 0


def progress(*, account_id: int) -> PullProgress | None:
    """How far the account's pull is; None: no pull is under way."""
    cursor = SyncCursor.objects.filter(account_id=account_id, stream=STREAM, began_at__isnull=False).first()
    if cursor is None or cursor.began_at is None:
        return None
    context = AccountContext(ChannelAccount.objects.get(pk=account_id))
    plan = adapter_class(context.account.channel).budget_plan(context.settings, workers=settings.WORKERS)  # type: ignore[attr-defined]
    left = cursor.pull_calls_left
    return PullProgress(
        began_at=cursor.began_at,
        read=Listing.objects.filter(account_id=account_id, pulled_at__gte=cursor.began_at).count(),
        total=cursor.pull_total,
        calls_left=left,
        seconds_left=None
        if left is None
        else left / plan.calls_per_second(share=Share.BULK, operation="listing_details"),
        last_error=cursor.last_error,
    )
