"""
Reading back: what channels show, compared with what we believe; and orders that the channel waits for and we do not know.

Nothing is repaired silently. A read relabels the books where it proves something, a difference that nothing explains is an alert, and a row
whose book was never opened is opened by its first read.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Case, F, IntegerField, Q, Sum, When
from django.utils import timezone

from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.domain import exposure
from inventory_sync.domain.errors import ChannelError
from inventory_sync.domain.ports import RowRef, StockReading
from inventory_sync.domain.snapshots import Channel, Fulfilment
from inventory_sync.engine import measure, twins
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.books import BOOK_FIELDS, WRITE_KIND, lock_states, put_book, take_reading
from inventory_sync.engine.catalogue import check_hazards, ids_of
from inventory_sync.engine.crashpoints import reach
from inventory_sync.engine.inbound import decide_soon, mark_working, note_channel_error, take_in_orders
from inventory_sync.engine.models import LatencySample, ListingState, SyncCursor
from inventory_sync.orders.models import OrderLine
from skumap.models import Listing

logger = logging.getLogger(__name__)

SLICE_PAUSE_SECONDS = 5.0  # while rows are unread, the next slice follows soon


def read_slice(*, account_id: int) -> int:
    """
    Read the rows that were not read for longest (new ones first) and take in what they show. Safe to repeat.

    :return: rows read.
    """
    now = timezone.now()
    context = context_of(account_id)
    claimed = (
        SyncCursor.objects.filter(account_id=account_id, stream="reconcile")
        .filter(Q(running_until__isnull=True) | Q(running_until__lt=now))
        .update(running_until=now + timedelta(seconds=200), last_started_at=now)
    )
    if not claimed:
        return 0
    states = list(
        ListingState.objects.select_related("listing", "location")
        .filter(account_id=account_id)
        .filter(Q(seen_at__isnull=True) | Q(seen_at__lt=now - context.span("reconcile_seconds")))
        .annotate(rank=_reading_rank())
        .order_by("rank", F("seen_at").asc(nulls_first=True), "id")[: int(context.settings["reconcile_rows"])]
    )
    try:
        read_rows(context=context, states=states)
    except ChannelError as error:
        note_channel_error(account=context.account, error=error)
        SyncCursor.objects.filter(account_id=account_id, stream="reconcile").update(
            running_until=None,
            failures=F("failures") + 1,
            last_error=str(error)[:300],
            next_due_at=timezone.now() + timedelta(seconds=15),
        )
        return 0
    waiting = ListingState.objects.filter(account_id=account_id, opened_at__isnull=True, blocked_reason="").exists()
    due = SLICE_PAUSE_SECONDS if waiting and states else context.seconds("reconcile_seconds")
    done = timezone.now()
    SyncCursor.objects.filter(account_id=account_id, stream="reconcile").update(
        running_until=None, failures=0, last_error="", last_success_at=done, next_due_at=done + timedelta(seconds=due)
    )
    return len(states)


def _reading_rank() -> Case:
    """New rows first, then rows whose book has changed since they were last seen (a read may prove something there), then the others."""
    changed = Q(book_changed_at__gt=F("seen_at")) | Q(last_deadline__gt=F("seen_at"))
    return Case(When(opened_at__isnull=True, then=0), When(changed, then=1), default=2, output_field=IntegerField())


def read_rows(*, context: AccountContext, states: Sequence[ListingState]) -> None:
    """
    Read these rows and take in what they show.

    :raises ChannelError: the channel can't be asked; what was read before is kept.
    """
    if not states:
        return
    refs = [
        RowRef(
            row_id=state.pk,
            listing=ids_of(state.listing),
            fulfilment=Fulfilment(state.listing.fulfilment),
            location_id=state.location.external_id,
            product_type=state.listing.product_type,
        )
        for state in states
    ]
    by_id = {state.pk: state for state in states}
    touched: set[int] = set()
    open_units: dict[int, int] = {}
    for reading in context.adapter.read_stock(refs):
        state = by_id.get(reading.row_id)
        if state is None:
            continue
        touched |= _take_one(context=context, state=state, reading=reading)
        if reading.open_units is not None:
            open_units[state.listing_id] = reading.open_units
    mark_working(account=context.account, now=timezone.now())
    decide_soon(touched)
    compare_open_units(context=context, theirs=open_units)


def _take_one(*, context: AccountContext, state: ListingState, reading: StockReading) -> set[int]:
    now = timezone.now()
    _note_listing(context=context, state=state, reading=reading)
    if reading.quantity is None:
        ListingState.objects.filter(pk=state.pk).update(seen_at=now, seen_quantity=None)
        never_stocked = reading.enabled is False and state.opened_at is None
        return open_book(state_id=state.pk, reading=reading, now=now) if never_stocked else set()
    _note_effect(context=context, state=state, reading=reading, now=now)
    if state.opened_at is None:
        return open_book(state_id=state.pk, reading=reading, now=now)
    touched, _ = take_reading(
        reading=reading, now=now, read_back=context.read_back, read_lag=context.span("read_lag_seconds")
    )
    return touched


def open_book(*, state_id: int, reading: StockReading, now: datetime) -> set[int]:
    """The first read of a row opens its book. Until the order feed is complete past this read, the row is not raised."""
    with transaction.atomic():
        states = lock_states(Q(pk=state_id))
        if not states or states[0].opened_at is not None:
            return set()
        state = states[0]
        shown = max(reading.quantity or 0, 0)
        book = exposure.opened(kind=WRITE_KIND[Channel(state.account.channel)], shown=shown, now=now)
        put_book(state, book)
        state.opened_at = reading.began_at
        state.book_changed_at = None
        state.seen_quantity, state.seen_at = reading.quantity, now
        state.settled_quantity = shown
        state.save(update_fields=[*BOOK_FIELDS, "opened_at", "seen_quantity", "seen_at", "settled_quantity"])
        touched = {state.listing.sku_id} if state.listing.sku_id else set()
    reach("start.opened")
    return touched


START_ROWS = """
UPDATE engine_listingstate s SET started_at = %(now)s
 WHERE s.id IN (SELECT id FROM engine_listingstate
                 WHERE opened_at IS NOT NULL AND started_at IS NULL AND unseen_at IS NULL AND listing_id <> ALL(%(held)s)
                 ORDER BY id FOR UPDATE SKIP LOCKED)
RETURNING s.listing_id
"""


def start_rows(*, now: datetime) -> int:
    """
    Rows that were read, and whose order feed is complete past that read, may be raised from now on; but none beside an unlinked listing of the
    same goods that shows stock (:mod:`~inventory_sync.engine.twins`).
    """
    ready = ListingState.objects.filter(opened_at__isnull=False, started_at__isnull=True, unseen_at__isnull=True)
    held = twins.hold_back(listing_ids=ready.values_list("listing_id", flat=True), now=now)
    with connection.cursor() as cursor:
        cursor.execute(START_ROWS, {"now": now, "held": sorted(held)})
        listings = [row[0] for row in cursor.fetchall()]
    if listings:
        decide_soon(Listing.objects.filter(pk__in=listings, sku__isnull=False).values_list("sku_id", flat=True))
    return len(listings)


def _note_listing(*, context: AccountContext, state: ListingState, reading: StockReading) -> None:
    """A listing that was switched off, or that began to break our assumptions, is noticed at the next read, not at the next pull."""
    listing = state.listing
    hazards = sorted(hazard.value for hazard in reading.hazards)
    changed: dict[str, bool | list[str]] = {}
    if reading.active is not None and reading.active != listing.active:
        changed["active"] = reading.active
    if hazards != listing.hazards and (reading.hazards or reading.active is not None):
        changed["hazards"] = hazards
    if changed:
        Listing.objects.filter(pk=listing.pk).update(**changed)
        check_hazards(context=context, listing_ids=[listing.pk])


def _note_effect(*, context: AccountContext, state: ListingState, reading: StockReading, now: datetime) -> None:
    """A value that we sent is seen for the first time: how long did it take, at most."""
    if (
        state.sent_at is not None
        and state.sent_quantity == reading.quantity
        and (state.seen_at is None or state.seen_at < state.sent_at)
    ):
        measure.note(
            account_id=context.id,
            kind=LatencySample.Kind.EFFECT,
            seconds=(reading.began_at - state.sent_at).total_seconds(),
            at=now,
        )


def compare_open_units(*, context: AccountContext, theirs: dict[int, int]) -> None:
    """
    The channel says how many units of a listing it waits for. What it has beyond ours may be orders that we have not read yet; when the orders
    have been read past that moment and those units have not come up, they are unexplained. Once may be a cancellation that crossed the read; twice in
    a row, an order was missed.

    :param theirs: {listing id: units that the channel still waits for}.
    """
    if not theirs:
        return
    now = timezone.now()
    read_up_to = (
        SyncCursor.objects.filter(account=context.account, stream="orders").values_list("high_water", flat=True).first()
    )
    ours = dict(
        OrderLine.objects.filter(listing_id__in=theirs, marketplace_fulfilled=False, order__test=False)
        .values_list("listing_id")
        .annotate(open=Sum(F("ordered") - F("shipped") - F("cancelled") - F("cancelled_kept")))
    )
    for listing in Listing.objects.filter(pk__in=theirs).order_by("id"):
        missing = theirs[listing.pk] - max(ours.get(listing.pk) or 0, 0)
        if missing <= 0:
            if listing.missing_since is not None:
                Listing.objects.filter(pk=listing.pk).update(missing_since=None, missing_units=0, missing_before=0)
                resolve_alert(kind="missed_order", key=str(listing.pk))
        elif listing.missing_since is None:
            Listing.objects.filter(pk=listing.pk).update(missing_since=now, missing_units=missing)
        elif read_up_to is not None and read_up_to > listing.missing_since:
            unexplained = max(listing.missing_units - _came_up(listing=listing, since=listing.missing_since), 0)
            missed = min(unexplained, listing.missing_before)
            if missed:
                _find_missed(context=context, listing=listing, missing=missed)
            Listing.objects.filter(pk=listing.pk).update(
                missing_since=now, missing_units=missing, missing_before=unexplained
            )


def _came_up(*, listing: Listing, since: datetime) -> int:
    """Units of orders that were placed before ``since`` and became known only afterwards."""
    late = OrderLine.objects.filter(listing=listing, order__first_seen_at__gt=since, order__placed_at__lte=since)
    return late.aggregate(units=Sum("ordered"))["units"] or 0


def _find_missed(*, context: AccountContext, listing: Listing, missing: int) -> None:
    raise_alert(
        kind="missed_order",
        key=str(listing.pk),
        title=f"{context.account}: {missing} units of {listing} are ordered there and not known here",
        detail="The listing's orders are being read now.",
        severity="critical",
        account_id=context.id,
        link=f"/admin/skumap/listing/{listing.pk}/change/",
    )
    try:
        snapshots = context.adapter.find_orders(listing=ids_of(listing))
    except ChannelError as error:
        logger.warning("orders of listing %s could not be read: %s", listing.pk, error)
        return
    result = take_in_orders(context=context, snapshots=snapshots, now=timezone.now())
    decide_soon(result.touched)
