"""
How much may this row still sell? The exposure book of one row (listing, channel location). The guard over rows that share stock is
:mod:`inventory_sync.domain.guard`; its names are importable from here, too.

A channel lowers what it shows by itself and tells us later; a quantity that we send may take effect minutes later and then overwrites what
was shown. So nobody can know what a channel shows *now*. What can be known is a bound, the **exposure**::

    b        may still be shown
    u        may have been sold without our knowing it
    flights  writes whose effect is not settled
    E = b + u + Σ flight values       absolute writes (they overwrite)
    E = b + u + Σ raises in flight    compare-and-swap writes (a raise is what value exceeds the compared quantity by)

**Theorem.** Assume that

* A1  a channel sells no more than it shows;
* A2  it shows only what we sent, what we read, or what a known restock explains;
* A3  the order feed is complete up to its watermark: every order placed before it is known;
* A4  the shelf count is right;
* A5  an accepted write takes effect by its deadline; one of unknown outcome takes effect by its deadline or never.

Then, after every event below, for each row and at every moment

* (I1)  sold unknown + shown + Σ effects still possible ≤ E, and
* (I2)  sold unknown after ``unseen_at`` + shown + Σ effects still possible ≤ E − u,

not counting units of cancelled orders that the channel already shows again and we don't know of yet (they still block our stock). If
besides every raise is claimed under a lock within :func:`headroom` with allowance 0, then units sold never exceed stock, whatever the
delays, crashes, duplicates and lost answers, but for facts from outside (stock take, a restock of goods that we did not get).

E falls because an order of the row became known, a write was refused, a cut by compare-and-swap was accepted, or a watermark passed
``unseen_at``, which clears u (I2). A read only moves units from b to u. The proof is an induction over the events;
``tests/domain/test_exposure_machine.py`` lets an adversary look for a counter-example.

Events are functions from a book to a book, without clock or storage. A flight id that is no longer in the book is a late answer: its
flight was settled by its deadline, and the book stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from inventory_sync.domain.guard import OverGrant, RowUse, headroom, over_granted
from inventory_sync.domain.ports import WriteKind

# fmt: off
__all__ = [  # noqa: RUF022 - by story: books, events, guard
    "Book", "Flight", "FlightOutcome", "ReadBack", "Reading", "WriteKind",
    "added_exposure", "exposure", "may_send", "raises", "zero_must_repeat",
    "accepted", "cancel_restocked_by_channel", "claim", "feed_complete", "observed", "opened", "refused", "sale_known", "settle_expired",
    "stale_cas", "unknown",
    "OverGrant", "RowUse", "headroom", "over_granted",
]
# fmt: on

NO_LAG = timedelta(0)


class ReadBack(StrEnum):
    """
    What a channel's read says of a quantity, per account; measured at the start with one SKU.

    ``ACCEPTED``: an accepted write at once, before it is in force; otherwise what is shown. ``SHOWN``: what is shown.
    ``SELLER_SET``: what the seller wrote last, not lowered by sales; it proves nothing about what is left.
    """

    ACCEPTED = "accepted"
    SHOWN = "shown"
    SELLER_SET = "seller_set"


class FlightOutcome(StrEnum):
    """``OPEN``: claimed, no answer settled yet (a crash leaves it so); counts as unknown."""

    OPEN = "open"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """
    A write whose effect is not settled.

    :ivar value: the quantity sent, >= 0.
    :ivar claimed_at: when it was stored, before any network.
    :ivar deadline: end of the lease + D_max; by then it has taken effect or never will.
    :ivar compared: CAS only: the quantity that must stand there for the write to apply.
    """

    id: int | str
    value: int
    claimed_at: datetime
    deadline: datetime
    outcome: FlightOutcome = FlightOutcome.OPEN
    compared: int | None = None

    @property
    def raise_by(self) -> int:
        """What this flight adds to the exposure of its row."""
        return added_exposure(value=self.value, compared=self.compared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """
    What we know of one row, in listing units, all >= 0.

    :ivar shown: b, may still be shown.
    :ivar unseen: u, may have been sold unseen.
    :ivar unseen_at: when the book was last relabelled; a feed complete past it clears ``unseen``. None: it is.
    :ivar restocked: absolute, with flights open: units the channel put back since the first of them was claimed. They may stand on top
        of a flight's value, so the fold adds them.
    :ivar served: known orders beyond b + u while flights are open: only a flight in force can have served them, so they lower what the
        flights add (without this, each refill of an empty row would look over-granted by its own sales until its deadline).
    """

    kind: WriteKind
    shown: int = 0
    unseen: int = 0
    unseen_at: datetime | None = None
    flights: tuple[Flight, ...] = ()
    restocked: int = 0
    served: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """
    What a read did to the book.

    :ivar unexplained: more is shown than anything we know explains: somebody else writes this listing (A2 fails, alert).
    :ivar drift_only: the read came too early or too close to other events to prove anything; it is good for a mismatch report only.
    """

    book: Book
    unexplained: bool = False
    drift_only: bool = False


# --- what a book says ---------------------------------------------------------------------------------------------------------


def exposure(book: Book) -> int:
    """E: the most this row may still sell, or may have sold without our knowing. Listing units, >= 0."""
    return book.shown + book.unseen + _in_flight(book.flights) - book.served


def added_exposure(*, value: int, compared: int | None = None) -> int:
    """By how much claiming a write raises E. An absolute write (``compared`` None) adds its full value: it may overwrite unseen sales."""
    return value if compared is None else max(value - compared, 0)


def raises(*, value: int, compared: int | None = None) -> bool:
    """Whether a write needs free rights. A zero and a CAS cut need none and are always allowed by the guard."""
    return added_exposure(value=value, compared=compared) > 0


def may_send(book: Book, *, value: int, now: datetime) -> bool:
    """
    Whether the flights of the row allow another write of ``value``.

    A value above 0 waits until no other non-zero flight is open. A zero may overtake; it is sent again when its outcome is unknown, or when
    :func:`zero_must_repeat`.
    """
    if value > 0:
        return all(flight.value == 0 for flight in book.flights)
    waiting = any(flight.value == 0 and flight.outcome is not FlightOutcome.UNKNOWN for flight in book.flights)
    return not waiting or zero_must_repeat(book, now=now)


def zero_must_repeat(book: Book, *, now: datetime) -> bool:
    """
    Whether a zero overtook a non-zero flight that has since passed its deadline: the zero may have been overwritten by it.

    Only a zero claimed after that deadline is certain to come last. Absolute rows only: a CAS that lost its race never applies.
    """
    if book.kind is WriteKind.CAS:
        return False
    overtaken = [flight.deadline for flight in book.flights if flight.value > 0]
    zeros = [flight.claimed_at for flight in book.flights if flight.value == 0]
    return bool(overtaken and zeros) and max(overtaken) < now and max(zeros) <= max(overtaken)


# --- events -------------------------------------------------------------------------------------------------------------------


def opened(*, kind: WriteKind, shown: int, now: datetime) -> Book:
    """The book of a row that was read for the first time. No raise before ``unseen_at`` is None: earlier orders may still be unknown."""
    return Book(kind=kind, shown=shown, unseen_at=now)


def sale_known(book: Book, *, units: int) -> Book:
    """An order of the row became known, for the first time, with so many listing units (> 0). E falls by them, floor 0."""
    from_unseen = min(units, book.unseen)
    from_shown = min(units - from_unseen, book.shown)
    from_flights = min(units - from_unseen - from_shown, _in_flight(book.flights) - book.served)
    return replace(
        book,
        unseen=book.unseen - from_unseen,
        shown=book.shown - from_shown,
        served=book.served + from_flights,
    )


def cancel_restocked_by_channel(book: Book, *, units: int) -> Book:
    """
    A cancelled or refunded order became known and the channel put ``units`` back on show by itself.

    Belongs into the transaction that lowers ``committed``. If our stock did not get the goods back (Shopify refund with restock) the row is
    over-granted from here on.
    """
    overwritable = book.flights and book.kind is WriteKind.ABSOLUTE
    served = max(book.served - units, 0)
    return replace(
        book,
        shown=book.shown + units - (book.served - served),
        served=served,
        restocked=book.restocked + units if overwritable else 0,
    )


def claim(book: Book, *, flight: Flight) -> Book:
    """
    Store a write before any network. The caller holds the balance locks and has checked :func:`headroom`.

    :raises ValueError: the flights of the row forbid it (:func:`may_send`), or ``compared`` does not fit the kind of the row.
    """
    if (flight.compared is None) is (book.kind is WriteKind.CAS) or flight.value < 0:
        raise ValueError(f"flight {flight.id} does not fit a row of kind {book.kind.value}")
    if not may_send(book, value=flight.value, now=flight.claimed_at):
        raise ValueError(f"flight {flight.id} (value {flight.value}) must wait for the open flights of its row")
    return replace(book, flights=(*book.flights, flight))


def refused(book: Book, *, flight_id: int | str) -> Book:
    """The write certainly did not apply: refused for this item, not sent, 4xx, stale CAS."""
    return _without(book, flight_id, book.shown)


def accepted(book: Book, *, flight_id: int | str, now: datetime, in_force_by: datetime | None = None) -> Book:
    """
    The channel took the write. Absolute: it will be in force by the deadline, nothing changes before. CAS: it is in force.

    An answer that comes after the deadline (a worker that slept past its lease) counts as unknown: D_max no longer bounds its effect.

    :param in_force_by: our request's end + D_max, where that is earlier than the deadline, which had to reckon with the whole lease.
    """
    flight = _find(book, flight_id)
    if flight is None:
        return book
    if flight.compared is not None:
        return _without(book, flight_id, book.shown + flight.value - flight.compared)
    if now > flight.deadline:
        return _answered(book, flight_id, FlightOutcome.UNKNOWN)
    deadline = flight.deadline if in_force_by is None else min(flight.deadline, in_force_by)
    return _answered(book, flight_id, FlightOutcome.ACCEPTED, deadline=deadline)


def unknown(book: Book, *, flight_id: int | str) -> Book:
    """Timeout, broken connection, 5xx: the write may take effect until its deadline."""
    return _answered(book, flight_id, FlightOutcome.UNKNOWN)


def settle_expired(book: Book, *, now: datetime) -> Book:
    """
    Fold the flights that are past their deadlines. E stays the same; a watermark or a read lowers it afterwards.

    Absolute: once *all* are past. What may be shown is then the largest value sent, or the old b if no write is certain to have applied;
    a value whose deadline passed before an accepted flight was claimed is certainly overwritten. The rest of E may only have been sold.
    CAS: each by itself. A raise of unknown outcome may be shown from now on; a cut of unknown outcome is not counted on.
    """
    if book.kind is WriteKind.CAS:
        for flight in book.flights:
            if flight.deadline < now:
                book = _without(book, flight.id, book.shown + flight.raise_by)
        return book
    if not book.flights or any(flight.deadline >= now for flight in book.flights):
        return book
    certain = [flight.claimed_at for flight in book.flights if flight.outcome is FlightOutcome.ACCEPTED]
    last = [flight.value for flight in book.flights if not certain or flight.deadline >= max(certain)]
    total = exposure(book)
    # Neither restocks nor the old b can lift what is shown above the total (I1).
    shown = min(max(last) + book.restocked if certain else max(book.shown, max(last) + book.restocked), total)
    return Book(kind=book.kind, shown=shown, unseen=total - shown, unseen_at=now)


def feed_complete(book: Book, *, watermark: datetime) -> Book:
    """Every order of the row placed before ``watermark`` is known: what may have been sold unseen until ``unseen_at`` was not."""
    if book.unseen_at is None or watermark <= book.unseen_at:
        return book
    return replace(book, unseen=0, unseen_at=None)


def observed(
    book: Book,
    *,
    value: int,
    read_begun_at: datetime,
    now: datetime,
    last_deadline: datetime | None,
    book_changed_at: datetime | None,
    read_back: ReadBack,
    read_lag: timedelta = NO_LAG,
) -> Reading:
    """
    The channel said that the row shows ``value``. It relabels, and only if nothing can have changed what it saw.

    :param last_deadline: deadline of the row's last flight ever, settled ones included; None if there was none.
    :param book_changed_at: when an order or a cancel last changed this book. A read begun earlier (+ lag) can't be told from that change: a
        restock that it missed would make b too small, a sale that it missed would look like a stranger's write.
    :param read_lag: how old the channel's answer may be.
    """
    quiet_since = [moment + read_lag for moment in (last_deadline, book_changed_at) if moment is not None]
    if book.flights or read_back is ReadBack.SELLER_SET or any(read_begun_at <= moment for moment in quiet_since):
        return Reading(book=book, drift_only=True)
    return _relabelled(book, value, now)


def stale_cas(
    book: Book,
    *,
    flight_id: int | str,
    actual: int,
    read_begun_at: datetime,
    now: datetime,
    book_changed_at: datetime | None,
) -> Reading:
    """
    A CAS found another quantity; the row was then read by id (``read_begun_at``) and shows ``actual``.

    The write certainly did not apply. If other flights are open, the value may hold a cut or raise of theirs that their own answers will
    count, so that it proves nothing; the next write is stale again and reads again.
    """
    book = refused(book, flight_id=flight_id)
    if book.flights or (book_changed_at is not None and read_begun_at <= book_changed_at):
        return Reading(book=book, drift_only=True)
    return _relabelled(book, actual, now)


def _relabelled(book: Book, value: int, now: datetime) -> Reading:
    if value == book.shown:
        return Reading(book=book)
    if value < book.shown:
        sold = book.unseen + book.shown - value
        return Reading(book=replace(book, shown=value, unseen=sold, unseen_at=now))
    return Reading(book=replace(book, shown=value, unseen_at=now), unexplained=True)


def _in_flight(flights: Sequence[Flight]) -> int:
    return sum(flight.raise_by for flight in flights)


def _find(book: Book, flight_id: int | str) -> Flight | None:
    return next((flight for flight in book.flights if flight.id == flight_id), None)


def _answered(book: Book, flight_id: int | str, outcome: FlightOutcome, *, deadline: datetime | None = None) -> Book:
    flights = tuple(
        replace(flight, outcome=outcome, deadline=deadline or flight.deadline) if flight.id == flight_id else flight
        for flight in book.flights
    )
    return replace(book, flights=flights)


def _without(book: Book, flight_id: int | str, shown: int) -> Book:
    """The book without one flight. Orders that the other flights can't have served come off ``shown``."""
    flights = tuple(flight for flight in book.flights if flight.id != flight_id)
    if len(flights) == len(book.flights):
        return book
    served = min(book.served, _in_flight(flights))
    shown = max(shown - (book.served - served), 0)
    return replace(book, flights=flights, shown=shown, served=served, restocked=book.restocked if flights else 0)
