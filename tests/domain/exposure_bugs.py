"""Rules with one planted bug each. Every one of them looks reasonable, and every one of them oversells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from inventory_sync.domain import exposure as product
from inventory_sync.domain.exposure import Book, FlightOutcome, ReadBack, Reading, WriteKind
from tests.domain.exposure_world import Rules


class EqualReadClearsFlight(Rules):
    """The channel shows what we sent, so the write has arrived."""

    @staticmethod
    def observed(book: Book, **read: Any) -> Reading:
        for flight in book.flights:
            if flight.value == read["value"] and flight.outcome is FlightOutcome.ACCEPTED:
                rest = tuple(other for other in book.flights if other is not flight)
                return Reading(book=replace(book, shown=flight.value, flights=rest))
        return product.observed(book, **read)


class CasExposureIsWhatIsShown(Rules):
    """A compare-and-swap can't overwrite anything, so what it shows is all it can sell."""

    @staticmethod
    def exposure(book: Book) -> int:
        return book.shown if book.kind is WriteKind.CAS else product.exposure(book)


class ClaimWithoutLock(Rules):
    """The value was within the headroom when it was computed."""

    locked = False


class AnyWatermarkClearsUnseen(Rules):
    """The feed was read completely, so nothing is unseen."""

    @staticmethod
    def feed_complete(book: Book, *, watermark: Any) -> Book:
        return replace(book, unseen=0, unseen_at=None)


class FoldToTheSmallestValue(Rules):
    """Of several writes the smallest one will be in force."""

    @staticmethod
    def settle_expired(book: Book, *, now: Any) -> Book:
        folded = product.settle_expired(book, now=now)
        if folded.kind is WriteKind.CAS or folded is book:
            return folded
        shown = min(folded.shown, *(flight.value for flight in (*book.flights, *book.flights)))
        return replace(folded, shown=shown, unseen=folded.unseen + folded.shown - shown)


class ReadWithOpenFlightRelabels(Rules):
    """The channel says 3, so no more than 3 can be left."""

    @staticmethod
    def observed(book: Book, **read: Any) -> Reading:
        bare = product.observed(replace(book, flights=(), served=0, restocked=0), **{**read, "last_deadline": None})
        return replace(
            bare, book=replace(bare.book, flights=book.flights, served=book.served, restocked=book.restocked)
        )


class TimeoutIsRefusal(Rules):
    """No answer, no write."""

    @staticmethod
    def unknown(book: Book, *, flight_id: Any) -> Book:
        return product.refused(book, flight_id=flight_id)


class UnknownCountsAsApplied(Rules):
    """By its deadline the write has replaced what was shown before."""

    @staticmethod
    def unknown(book: Book, *, flight_id: Any) -> Book:
        if book.kind is WriteKind.CAS:
            return product.unknown(book, flight_id=flight_id)
        return replace(book, flights=tuple(replace(flight, outcome=FlightOutcome.ACCEPTED) for flight in book.flights))


class RepushCostsNothing(Rules):
    """Sending 10 where 10 are shown raises nothing."""

    @staticmethod
    def exposure(book: Book) -> int:
        if book.kind is WriteKind.CAS:
            return product.exposure(book)
        return max([book.shown, *(flight.value for flight in book.flights)]) + book.unseen

    @staticmethod
    def added_exposure(*, value: int, compared: int | None = None) -> int:
        return product.added_exposure(value=value, compared=compared)


class DeadlineWithoutEffectDelay(Rules):
    """When the call has ended, the write has taken effect."""

    @staticmethod
    def deadline(*, lease_end: Any, d_max: Any) -> Any:
        return lease_end


class LastZeroWins(Rules):
    """The zero was sent last, so it came last."""

    @staticmethod
    def settle_expired(book: Book, *, now: Any) -> Book:
        folded = product.settle_expired(book, now=now)
        if folded is book or book.kind is WriteKind.CAS or book.flights[-1].value > 0:
            return folded
        return replace(folded, shown=0, unseen=folded.unseen + folded.shown)


class RestockDuringFlightForgotten(Rules):
    """The write will overwrite what the channel has put back."""

    @staticmethod
    def cancel_restocked_by_channel(book: Book, *, units: int) -> Book:
        return replace(product.cancel_restocked_by_channel(book, units=units), restocked=0)


class ReadThatMissedARestock(Rules):
    """A read is a read, whatever became known while it was on its way."""

    @staticmethod
    def observed(book: Book, **read: Any) -> Reading:
        return product.observed(book, **{**read, "book_changed_at": None})


class SellerSetIsBelieved(Rules):
    """The number that the seller wrote last is what is left."""

    @staticmethod
    def observed(book: Book, **read: Any) -> Reading:
        return product.observed(book, **{**read, "read_back": ReadBack.SHOWN})


class LateSaleIsTakenFromFlightsFirst(Rules):
    """The order must have come from the number sent last."""

    @staticmethod
    def sale_known(book: Book, *, units: int) -> Book:
        if book.kind is WriteKind.CAS or not book.flights:
            return product.sale_known(book, units=units)
        served = min(units, sum(flight.value for flight in book.flights) - book.served)
        return product.sale_known(replace(book, served=book.served + served), units=units)


class StaleCasIsAnswered(Rules):
    """After a stale compare the true value is known, and the difference was sold and heard of."""

    @staticmethod
    def stale_cas(book: Book, **read: Any) -> Reading:
        reading = product.stale_cas(book, **read)
        return replace(reading, book=replace(reading.book, unseen=0, unseen_at=None))


ALL = sorted(Rules.__subclasses__(), key=lambda rules: rules.__name__)
