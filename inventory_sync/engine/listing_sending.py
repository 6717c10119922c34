"""
Sending approved listing changes: claim, read again, send once, settle each by its own result, and look whether it is in force.

What is sent is what was approved: if the listing or our facts have changed since, the change goes back to be approved anew. Nothing is ever sent
a second time by itself. Where the answer was lost, the listing is read until it shows what became of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.domain.errors import BudgetError, ChannelError, RetryableError, SetupError
from inventory_sync.domain.listing_changes import (
    ChangeKind,
    FieldProblem,
    ListingContent,
    ListingWrite,
    ListingWriter,
    WriteOutcome,
    not_in_force,
)
from inventory_sync.domain.ports import PushResult
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.catalogue import after_pull
from inventory_sync.engine.inbound import note_channel_error
from inventory_sync.engine.listing_change import ListingChange
from inventory_sync.engine.listing_changes import (
    STOPPED_ALERT,
    fill,
    ids_of_change,
    key_of,
    stopped_key,
    writer_of,
)
from inventory_sync.engine.mapping import approve_match
from skumap.models import ChannelAccount, Listing
from skumap.services import LinkError, take_in_listings

logger = logging.getLogger(__name__)

State = ListingChange.State
LEASE = timedelta(minutes=5)
LATER = timedelta(seconds=60)
UNKNOWN_ALERT = "listing_change_unknown"
SENT_FIELDS = (
    "state", "note", "results", "request_id", "claimed_until", "sent_at", "settled_at", "next_attempt_at", "alone", "confirmed_at", "listing",
)  # fmt: skip


def accounts_with_changes(*, now: datetime) -> list[int]:
    """Accounts with a change to send, to look after, or left behind by a process that died."""
    rows = (_to_send(now) | _to_look_at(now) | _left_behind(now)).exclude(account__health=ChannelAccount.Health.BROKEN)
    sendable = Q(account__mode=ChannelAccount.Mode.LIVE) | ~Q(state=State.APPROVED)
    return list(rows.filter(sendable).order_by().values_list("account_id", flat=True).distinct())


def _to_send(now: datetime) -> QuerySet[ListingChange]:
    due = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now)
    return ListingChange.objects.filter(due, state=State.APPROVED)


def _to_look_at(now: datetime) -> QuerySet[ListingChange]:
    unsure = Q(state=State.UNKNOWN) | Q(state=State.DONE, confirmed_at__isnull=True)
    return ListingChange.objects.filter(unsure, next_attempt_at__lte=now)


def _left_behind(now: datetime) -> QuerySet[ListingChange]:
    return ListingChange.objects.filter(state=State.SENDING, claimed_until__lt=now)


def work(*, account_id: int, now: datetime) -> int:
    """
    Do what is due for an account: one call's worth of looking, one of sending. Safe to repeat, safe to die in.

    :return: changes dealt with; 0 when nothing is due or the call budget is used up.
    """
    context = context_of(account_id)
    if context.account.health == ChannelAccount.Health.BROKEN:
        return 0
    _recover(context, now)
    done = look(context=context, rows=_to_look_at(now), now=now)
    if context.account.mode == ChannelAccount.Mode.LIVE:
        done += _send(context, now)
    return done


def _recover(context: AccountContext, now: datetime) -> None:
    """A process died with changes in its hands: what it had not sent may go, what it may have sent is unknown."""
    rows = _left_behind(now).filter(account=context.account)
    rows.filter(sent_at__isnull=True).update(state=State.APPROVED, claimed_until=None)
    for change in rows.filter(sent_at__isnull=False):
        outcome = WriteOutcome(
            key=key_of(change), result=PushResult.UNKNOWN, message="The process ended before the answer came."
        )
        _settle(context, change, outcome, now=now, together=1)


# --- send -----------------------------------------------------------------------------------------------------------------------------


def _send(context: AccountContext, now: datetime) -> int:
    claimed = _claim(context, now)
    if not claimed:
        return 0
    kind = claimed[0].kind
    try:
        writer = writer_of(context, kind=kind)
        current = writer.read([ids_of_change(change) for change in claimed])
    except ChannelError as error:
        _postpone(context, claimed, error, now=now)
        return len(claimed)
    going = [change for change in claimed if _still_right(change, current.get(key_of(change)), writer, now=now)]
    going = _mark_sent(going)
    if not going:
        return len(claimed)
    outcomes = {outcome.key: outcome for outcome in writer.write(kind, [_write_of(each, current) for each in going])}
    settled_at = timezone.now()
    for change in going:
        missing = WriteOutcome(key=key_of(change), result=PushResult.UNKNOWN, message="No answer for this listing.")
        _settle(context, change, outcomes.get(key_of(change), missing), now=settled_at, together=len(going))
    return len(claimed)


def _claim(context: AccountContext, now: datetime) -> list[ListingChange]:
    """The oldest approved changes of one kind, as many as one call takes; one whose call was refused goes by itself."""
    with transaction.atomic():
        rows = _to_send(now).filter(account=context.account).select_for_update(skip_locked=True, of=("self",))
        rows = rows.select_related("account", "sku__category", "sku__profile", "listing__account").order_by("id")
        first = rows.first()
        if first is None:
            return []
        size = 1 if first.alone else writer_of(context, kind=first.kind).batch_size
        claimed = list(rows.filter(what=first.what, alone=first.alone)[:size])
        for change in claimed:
            change.state, change.claimed_until, change.sent_at = State.SENDING, now + LEASE, None
            change.save(update_fields=["state", "claimed_until", "sent_at"])
    return claimed


def _write_of(change: ListingChange, current: dict[str, ListingContent]) -> ListingWrite:
    shown = current.get(key_of(change))
    listing = change.listing
    product_type = shown.snapshot.product_type if shown else ""
    return ListingWrite(
        ids=ids_of_change(change),
        fulfilment=shown.snapshot.fulfilment if shown else None,
        content=change.payload,
        product_type=product_type or (listing.product_type if listing else ""),
    )


def _still_right(
    change: ListingChange, current: ListingContent | None, writer: ListingWriter, *, now: datetime
) -> bool:
    """
    Whether what was approved is still what would be proposed. If not, it is set aside with the reason, and the others go.

    A listing that has appeared since is never created again: that would overwrite it.
    """
    fresh = ListingChange(
        what=change.what, account=change.account, sku=change.sku, listing=change.listing, seller_sku=change.seller_sku,
        product_id=change.product_id, price=change.price, mrp=change.mrp,
    )  # fmt: skip
    fill(fresh, current=current, writer=writer, now=now)
    if fresh.blocking:
        change.state, change.note = (
            State.REFUSED,
            "The rules stand against it now; prepare it again when that is mended.",
        )
        change.settled_at = now
    elif (fresh.before, fresh.payload) != (change.before, change.payload):
        change.state, change.note = (
            State.DRAFT,
            "The listing or our data changed after it was approved: look at it again.",
        )
        change.before, change.payload, change.diff = fresh.before, fresh.payload, fresh.diff
    else:
        return True
    change.problems, change.claimed_until = fresh.problems, None
    change.save(update_fields=["state", "note", "settled_at", "before", "payload", "diff", "problems", "claimed_until"])
    _tell_stopped(change, now=now)
    return False


def _tell_stopped(change: ListingChange, *, now: datetime) -> None:
    """What a manager approved has not been done: one alert for the seller SKU, until something newer is decided of it."""
    raise_alert(
        kind=STOPPED_ALERT,
        key=stopped_key(change),
        title=f"{change.account}: the approved change of {change.seller_sku} was not made",
        detail=change.note,
        account_id=change.account_id,
        link=f"/admin/engine/listingchange/{change.pk}/change/",
        now=now,
    )


def _mark_sent(claimed: Sequence[ListingChange]) -> list[ListingChange]:
    """Say, before any network, that these are on their way; one whose lease has been taken over stays behind."""
    now, going = timezone.now(), []
    for change in claimed:
        mine = ListingChange.objects.filter(
            pk=change.pk, state=State.SENDING, claimed_until=change.claimed_until, claimed_until__gt=now
        )
        if mine.update(sent_at=now):
            change.sent_at = now
            going.append(change)
    return going


def _postpone(context: AccountContext, changes: Sequence[ListingChange], error: ChannelError, *, now: datetime) -> None:
    """Nothing was sent: they wait for a better moment."""
    later = now + LATER
    if isinstance(error, RetryableError) and error.retry_after is not None:
        later = now + timedelta(seconds=max(error.retry_after, 1.0))
    if not isinstance(error, BudgetError):
        note_channel_error(account=context.account, error=error)
    ListingChange.objects.filter(pk__in=[change.pk for change in changes], state=State.SENDING).update(
        state=State.APPROVED, claimed_until=None, sent_at=None, next_attempt_at=later
    )


def _settle(
    context: AccountContext, change: ListingChange, outcome: WriteOutcome, *, now: datetime, together: int
) -> None:
    """Write down what became of one change."""
    change.claimed_until, change.request_id = None, outcome.request_id[:100]
    change.note = outcome.message[:500]
    change.results = [asdict(problem) for problem in outcome.problems]
    match outcome.result:
        case PushResult.ACCEPTED:
            change.state, change.settled_at, change.next_attempt_at = State.DONE, now, now
        case PushResult.REFUSED if outcome.alone and together > 1:
            change.state, change.alone, change.sent_at = State.APPROVED, True, None
        case PushResult.REFUSED:
            change.state, change.settled_at = State.FAILED, now
            change.results = change.results or [asdict(FieldProblem(field="", message=outcome.message))]
        case PushResult.NOT_SENT:
            wait = LATER if outcome.retry_after is None else timedelta(seconds=max(outcome.retry_after, 1.0))
            change.state, change.sent_at, change.next_attempt_at = State.APPROVED, None, now + wait
            if outcome.setup:
                note_channel_error(account=context.account, error=SetupError(outcome.message))
        case _:
            change.state, change.next_attempt_at = State.UNKNOWN, now + context.span("read_lag_seconds")
            raise_alert(
                kind=UNKNOWN_ALERT,
                key=str(change.pk),
                title=f"{context.account}: nobody knows whether {change.seller_sku} was changed",
                detail=f"{outcome.message} It is not sent again; the listing is read until it shows.",
                account_id=context.id,
                link=f"/admin/engine/listingchange/{change.pk}/change/",
                now=now,
            )
    change.save(update_fields=SENT_FIELDS)
    if change.state == State.FAILED:
        _tell_stopped(change, now=now)


# --- look -----------------------------------------------------------------------------------------------------------------------------


def look(*, context: AccountContext, rows: QuerySet[ListingChange], now: datetime) -> int:
    """
    Read listings whose change is unknown or not seen yet, and settle what they show.

    :return: changes looked at.
    """
    found = list(
        rows.filter(account=context.account)
        .select_related("account", "sku", "listing", "decided_by")
        .order_by("next_attempt_at", "id")[:10]
    )
    if not found:
        return 0
    try:
        writer = writer_of(context, kind=found[0].kind)
        batch = found[: writer.batch_size]
        current = writer.read([ids_of_change(change) for change in batch])
    except ChannelError as error:
        if not isinstance(error, BudgetError):
            note_channel_error(account=context.account, error=error)
        later = timezone.now() + LATER
        ListingChange.objects.filter(pk__in=[change.pk for change in found]).update(next_attempt_at=later)
        return len(found)
    for change in batch:
        _look_at(context, change, current.get(key_of(change)), writer, now=timezone.now())
    return len(batch)


def _look_at(
    context: AccountContext,
    change: ListingChange,
    current: ListingContent | None,
    writer: ListingWriter,
    *,
    now: datetime,
) -> None:
    created = change.kind is ChangeKind.CREATE
    unknown = change.state == State.UNKNOWN
    if current is None:
        differing = ["the listing itself"]
    else:
        _take_in(context, change, current, now=now)
        wanted = {name: change.payload[name] for name in writer.confirmed_by if name in change.payload}
        differing = not_in_force(wanted, current.content)
    if not differing:
        change.state, change.confirmed_at, change.next_attempt_at = State.DONE, now, None
        change.settled_at = change.settled_at or now
        change.note = "The answer was lost; the listing shows what was sent." if unknown else change.note
    elif now < _deadline(context, change):
        change.next_attempt_at = now + context.span("read_lag_seconds")
    else:
        change.next_attempt_at = None
        shown = ", ".join(differing)
        if not unknown or (created and current is not None):
            change.state = State.DONE
            change.note = f"{change.note} The channel still shows otherwise: {shown}.".strip()[:500]
        else:
            change.state, change.settled_at = State.FAILED, now
            change.note = f"It did not take effect ({shown}). Prepare it again if it is still wanted."[:500]
        change.settled_at = change.settled_at or now
    if change.state != State.UNKNOWN:
        resolve_alert(kind=UNKNOWN_ALERT, key=str(change.pk), now=now)
    change.save(update_fields=SENT_FIELDS)
    if change.state == State.FAILED:
        _tell_stopped(change, now=now)


def _deadline(context: AccountContext, change: ListingChange) -> datetime:
    """By then what was sent is in force, or never will be."""
    assert change.sent_at is not None
    return change.sent_at + context.span("propagation_deadline_seconds") + context.span("read_lag_seconds")


def _take_in(context: AccountContext, change: ListingChange, current: ListingContent, *, now: datetime) -> None:
    """What was read is stored as a pull would; a listing made here is linked to its SKU, so that its stock flows at once."""
    result = take_in_listings(account=context.account, snapshots=[current.snapshot], now=now)
    listing = Listing.objects.filter(account=context.account, key=current.snapshot.ids.key).first()
    if change.kind is not ChangeKind.CREATE:
        after_pull(context=context, result=result, now=now)
        return
    change.listing = listing
    if listing is None or listing.sku_id is not None:
        return
    if current.snapshot.ids.product_id != change.product_id:
        after_pull(context=context, result=result, now=now)
        return
    try:
        reason = f"made here (listing change {change.pk})"
        approve_match(listing_id=listing.pk, sku_id=change.sku_id, now=now, actor=change.decided_by, reason=reason)
    except LinkError as error:
        logger.warning("%s could not be linked to %s: %s", listing, change.sku, error)
