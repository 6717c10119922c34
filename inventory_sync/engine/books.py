"""The exposure book of each row in the database: every event of ``domain.exposure``, applied under the row's lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, Sum

from inventory_sync.alerts.services import raise_alert
from inventory_sync.domain import exposure
from inventory_sync.domain.exposure import Book, FlightOutcome, ReadBack, WriteKind
from inventory_sync.domain.exposure import Flight as FlightValue
from inventory_sync.domain.ports import StockReading
from inventory_sync.domain.snapshots import Channel
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.crashpoints import reach
from inventory_sync.engine.models import Flight, ListingState, SyncCursor
from inventory_sync.orders.models import OrderLine

BOOK_FIELDS = ("shown", "unseen", "unseen_at", "restocked", "served", "book_changed_at")

WRITE_KIND = {
    Channel.FLIPKART: WriteKind.ABSOLUTE,
    Channel.AMAZON: WriteKind.ABSOLUTE,
    Channel.SHOPIFY: WriteKind.CAS,
}


def lock_states(rows: Q) -> list[ListingState]:
    """Lock rows in primary-key order, with their account and listing. Needs an open transaction; balances must have been locked before."""
    return list(
        ListingState.objects.select_for_update(of=("self",))
        .select_related("account", "listing", "location")
        .filter(rows)
        .order_by("id")
    )


def to_flight(row: Flight) -> FlightValue:
    return FlightValue(
        id=row.pk,
        value=row.value,
        claimed_at=row.claimed_at,
        deadline=row.deadline,
        outcome=FlightOutcome(row.outcome),
        compared=row.compared,
    )


def load_books(states: Iterable[ListingState]) -> dict[int, Book]:
    """The books of these rows, flights included, in two queries at most."""
    states = list(states)
    flights: dict[int, list[FlightValue]] = defaultdict(list)
    for flight in Flight.objects.filter(state__in=[state.pk for state in states]).order_by("id"):
        flights[flight.state_id].append(to_flight(flight))
    return {
        state.pk: Book(
            kind=WRITE_KIND[Channel(state.account.channel)],
            shown=state.shown,
            unseen=state.unseen,
            unseen_at=state.unseen_at,
            flights=tuple(flights[state.pk]),
            restocked=state.restocked,
            served=state.served,
        )
        for state in states
    }


def put_book(state: ListingState, book: Book) -> None:
    """Copy a book's numbers into its row (not saved); flights are rows of their own."""
    state.shown, state.unseen, state.unseen_at = book.shown, book.unseen, book.unseen_at
    state.restocked, state.served = book.restocked, book.served


def store_flights(before: Book, after: Book) -> None:
    """Delete the flights that an event took out of a book, and store changed outcomes and deadlines."""
    left = {flight.id: flight for flight in after.flights}
    gone = [flight.id for flight in before.flights if flight.id not in left]
    if gone:
        Flight.objects.filter(pk__in=gone).delete()
    for flight in before.flights:
        kept = left.get(flight.id)
        if kept is not None and kept != flight:
            Flight.objects.filter(pk=flight.id).update(outcome=kept.outcome.value, deadline=kept.deadline)


def book_orders(*, context: AccountContext, line_ids: Sequence[int], now: datetime) -> set[int]:
    """
    Tell the books what newly applied order lines mean: sold units come off, units that the channel put back come on.

    Runs in the transaction that applied the lines (which holds their locks and those of the balances).

    :return: ids of the SKUs whose rows changed.
    """
    lines = [
        line
        for line in OrderLine.objects.select_related("order").filter(pk__in=line_ids)
        if line.ordered > line.booked_units or line.channel_restocked > line.booked_restocks
    ]
    listings = {line.listing_id for line in lines if line.listing_id}
    states = lock_states(Q(listing_id__in=listings)) if listings else []
    books = load_books(states)
    by_listing: dict[int, list[ListingState]] = defaultdict(list)
    for state in states:
        by_listing[state.listing_id].append(state)
    touched: set[int] = set()
    for line in lines:
        rows = by_listing.get(line.listing_id or 0, [])
        found = _row_of(line, rows)
        if found is None and rows:
            continue  # which of several locations sold it is not known yet
        if found is not None and not line.marketplace_fulfilled and not line.order.test:
            state = found
            book = _with_line(books[state.pk], state, line, margin=context.span("opening_margin_seconds"))
            if book != books[state.pk]:
                books[state.pk] = book
                put_book(state, book)
                state.book_changed_at = now
                state.save(update_fields=BOOK_FIELDS)
                if state.listing.sku_id:
                    touched.add(state.listing.sku_id)
        OrderLine.objects.filter(pk=line.pk).update(
            booked_units=max(line.ordered, line.booked_units), booked_restocks=line.channel_restocked
        )
    return touched


def _row_of(line: OrderLine, rows: Sequence[ListingState]) -> ListingState | None:
    if line.location_id:
        return next((row for row in rows if row.location.external_id == line.location_id), None)
    return rows[0] if len(rows) == 1 else None


def _with_line(book: Book, state: ListingState, line: OrderLine, *, margin: timedelta) -> Book:
    """An order placed so shortly after the book was opened may have been in its first read: it does not lower the book (clocks differ)."""
    sold = line.ordered - line.booked_units
    restocked = line.channel_restocked - line.booked_restocks
    placed_at = line.order.placed_at
    counted = state.opened_at is not None and placed_at is not None and placed_at >= state.opened_at + margin
    if sold > 0 and counted:
        book = exposure.sale_known(book, units=sold)
    if restocked > 0 and state.opened_at is not None:
        book = exposure.cancel_restocked_by_channel(book, units=restocked)
    return book


CLEAR_UNSEEN = """
WITH due AS (
    SELECT s.id, s.unseen FROM engine_listingstate s
     WHERE s.account_id = %(account)s AND s.unseen_at < %(watermark)s
       AND NOT EXISTS (SELECT 1 FROM orders_orderline l WHERE l.listing_id = s.listing_id AND l.waiting)
     ORDER BY s.id FOR UPDATE OF s)
UPDATE engine_listingstate s SET unseen = 0, unseen_at = NULL FROM due
 WHERE s.id = due.id
RETURNING s.listing_id, due.unseen
"""


def clear_unseen(*, account_id: int, watermark: datetime) -> set[int]:
    """
    Every order placed before ``watermark`` is known: nothing older than it can have been sold unseen.

    A listing with an order that waits for its link is left out. Returns listings whose exposure fell.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLEAR_UNSEEN, {"account": account_id, "watermark": watermark})
        return {listing_id for listing_id, unseen in cursor.fetchall() if unseen}


def expire_flights(*, now: datetime, limit: int = 500) -> set[int]:
    """
    Fold flights that are past their deadlines. Safe to repeat; rows that somebody else holds are left for the next look.

    :return: ids of the SKUs whose rows changed.
    """
    due = list(Flight.objects.filter(deadline__lt=now).values_list("state_id", flat=True).distinct()[:limit])
    touched: set[int] = set()
    if not due:
        return touched
    with transaction.atomic():
        states = list(
            ListingState.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("account", "listing")
            .filter(pk__in=due)
            .order_by("id")
        )
        books = load_books(states)
        for state in states:
            before = books[state.pk]
            after = exposure.settle_expired(before, now=now)
            if after == before:
                continue
            store_flights(before, after)
            put_book(state, after)
            if not after.flights:
                state.settled_quantity = before.flights[-1].value
            state.save(update_fields=[*BOOK_FIELDS, "settled_quantity"])
            if state.listing.sku_id:
                touched.add(state.listing.sku_id)
    reach("expire.settled")
    return touched


def take_reading(
    *, reading: StockReading, now: datetime, read_back: ReadBack, read_lag: timedelta
) -> tuple[set[int], bool]:
    """
    A channel said what one row shows: relabel its book if the read proves anything, and note it for staff in any case.

    :return: (ids of the SKUs whose rows changed, whether the value differs from what we believe is in force).
    """
    if reading.quantity is None:
        return set(), False
    with transaction.atomic():
        states = lock_states(Q(pk=reading.row_id))
        if not states:
            return set(), False
        state = states[0]
        book = load_books(states)[state.pk]
        state.seen_quantity, state.seen_at = reading.quantity, now
        fields = ["seen_quantity", "seen_at"]
        touched: set[int] = set()
        differs = False
        if state.opened_at is not None:
            result = exposure.observed(
                book,
                value=max(reading.quantity, 0),
                read_begun_at=reading.began_at,
                now=now,
                last_deadline=state.last_deadline,
                book_changed_at=state.book_changed_at,
                read_back=read_back,
                read_lag=read_lag,
            )
            differs = result.unexplained
            if result.unexplained:
                note_unexplained(state, believed=book.shown, value=reading.quantity, now=now)
                fields += UNEXPLAINED_FIELDS
            if result.book != book:
                put_book(state, result.book)
                fields += BOOK_FIELDS
                if state.listing.sku_id:
                    touched.add(state.listing.sku_id)
        state.save(update_fields=fields)
    reach("read.applied")
    return touched, differs


UNEXPLAINED_FIELDS = ("unexplained_units", "unexplained_since")


def note_unexplained(state: ListingState, *, believed: int, value: int, now: datetime) -> None:
    """
    More is shown than we can explain (not saved). A cancelled order that the channel has put back on show, and that we do not know of yet, looks the
    same: whether it was one is judged when the orders have been read past this moment (``judge_unexplained``).
    """
    if state.unexplained_since is None:
        state.unexplained_units, state.unexplained_since = value - believed, now


def judge_unexplained(*, now: datetime) -> int:
    """
    Rows that showed more than we could explain: the orders have been read past that moment, and what came back on show by cancelled orders does
    not account for it. Then somebody else writes the listing (assumption A2), which is an alert.

    :return: alerts raised.
    """
    raised = 0
    rows = ListingState.objects.select_related("account", "listing", "location").filter(unexplained_since__isnull=False)
    for state in rows:
        read_up_to = (
            SyncCursor.objects.filter(account=state.account, stream="orders")
            .values_list("high_water", flat=True)
            .first()
        )
        if read_up_to is None or state.unexplained_since is None or read_up_to <= state.unexplained_since:
            continue
        came_back = OrderLine.objects.filter(
            listing=state.listing, channel_restocked__gt=0, order__applied_at__gte=state.unexplained_since
        ).aggregate(units=Sum("channel_restocked"))["units"]
        if state.unexplained_units > (came_back or 0):
            raised += _alert_unexplained(state, now)
        ListingState.objects.filter(pk=state.pk).update(unexplained_units=0, unexplained_since=None)
    return raised


def _alert_unexplained(state: ListingState, now: datetime) -> bool:
    return raise_alert(
        kind="unexplained_quantity",
        key=f"{state.pk}",
        title=f"{state.account}: someone else is writing {state.listing}",
        detail=f"{state.location} showed {state.unexplained_units} more than what we sent, read or know of cancelled orders explains.",
        account_id=state.account_id,
        link=f"/admin/engine/listingstate/{state.pk}/change/",
        now=now,
    )
