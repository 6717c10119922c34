"""
Sending quantities: claim under the balance locks, call without any transaction, settle each row by its own result.

This module is the only writer of flights. A flight is stored before any network, with the headroom that it was given; what happens after that,
a crash included, leaves it in the book until it is certain that it can't take effect any more.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.domain import exposure
from inventory_sync.domain.errors import ChannelError
from inventory_sync.domain.exposure import Book
from inventory_sync.domain.exposure import Flight as FlightValue
from inventory_sync.domain.ports import ChannelAdapter, PushOutcome, PushResult, RowRef, Share, StockUpdate, WriteKind
from inventory_sync.domain.snapshots import Fulfilment
from inventory_sync.engine import wake
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.books import (
    BOOK_FIELDS,
    UNEXPLAINED_FIELDS,
    load_books,
    lock_states,
    note_unexplained,
    put_book,
    store_flights,
)
from inventory_sync.engine.catalogue import ids_of
from inventory_sync.engine.crashpoints import reach
from inventory_sync.engine.decide import decide_pool, store_decisions
from inventory_sync.engine.inbound import decide_soon, mark_working, note_channel_error
from inventory_sync.engine.models import Flight, ListingState, PushAttempt
from inventory_sync.engine.pool import Pool, load_pool
from inventory_sync.stock.ledger import retrying
from skumap.models import ChannelAccount

logger = logging.getLogger(__name__)

URGENT_CLASSES = (0, 1)
BACKOFF_SECONDS = 5.0
CANDIDATES_PER_SLOT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One row that is ours to send until the lease ends."""

    state_id: int
    flight_id: int
    update: StockUpdate
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one call will carry."""

    context: AccountContext
    claims: tuple[Claim, ...]
    lease_until: datetime


AdapterFor = Callable[[AccountContext], ChannelAdapter]


def adapter_for(context: AccountContext) -> ChannelAdapter:
    return context.adapter


def push_account(*, account_id: int, now: datetime, adapter_for: AdapterFor = adapter_for) -> int:
    """
    Send one batch of an account's most urgent rows. Safe to repeat, safe to die in.

    :return: rows settled; 0 when nothing is due or the account does not send.
    """
    context = context_of(account_id)
    if context.account.mode != ChannelAccount.Mode.LIVE or context.account.health == ChannelAccount.Health.BROKEN:
        return 0
    adapter = adapter_for(context)
    batch = claim_batch(context=context, now=now, limit=adapter.batch_size)
    if not batch.claims:
        return 0
    reach("push.claimed")
    started = timezone.now()
    if batch.lease_until - started < context.span("call_deadline_seconds"):
        outcomes = [_not_sent(claim, "the lease was nearly over") for claim in batch.claims]
    else:
        try:
            outcomes = adapter.push_stock([claim.update for claim in batch.claims])
        except ChannelError as error:
            # An adapter reports failures as outcomes; if it raises after all, the write may be on its way.
            note_channel_error(account=context.account, error=error)
            outcomes = []
    reach("push.sent")
    settle(batch=batch, outcomes=outcomes, adapter=adapter, started=started)
    reach("push.settled")
    return len(batch.claims)


def _not_sent(claim: Claim, why: str) -> PushOutcome:
    return PushOutcome(row_id=claim.state_id, result=PushResult.NOT_SENT, message=why)


# --- claim -----------------------------------------------------------------------------------------------------------------------


@retrying
def claim_batch(*, context: AccountContext, now: datetime, limit: int, lease: timedelta | None = None) -> Batch:
    """
    Take the most urgent rows, decide each anew under the balance locks, and store a flight for what is sent.

    Locks, in this order: every balance of every component SKU involved, then every row that shares one of them. Nothing else writes flights, so
    what is checked here stays true until the commit.
    """
    lease_until = now + (lease or context.span("lease_seconds"))
    candidates = _candidates(context=context, now=now, limit=limit * CANDIDATES_PER_SLOT)
    claims: list[Claim] = []
    if not candidates:
        return Batch(context=context, claims=(), lease_until=lease_until)
    with transaction.atomic():
        pool = load_pool(sku_ids={sku_id for _, sku_id in candidates}, now=now, lock="all")
        decisions = decide_pool(pool, now=now)
        store_decisions(pool, decisions, now=now)
        token = uuid.uuid4()
        for state_id, _ in candidates:
            if len(claims) >= limit or (claims and pool.states[claims[-1].state_id].solo):
                break
            state, decision = pool.states.get(state_id), decisions.get(state_id)
            if state is None or decision is None or decision.write is None or not _is_free(state, now):
                continue
            if state.solo and claims:
                continue
            claim = _claim_row(context, pool, state, decision.write, decision.reason, now=now, lease_until=lease_until)
            if claim is not None:
                state.claim_token, state.claimed_until = token, lease_until
                state.sent_quantity, state.sent_at = claim.update.quantity, now
                state.save(update_fields=["claim_token", "claimed_until", "sent_quantity", "sent_at", "last_deadline"])
                claims.append(claim)
    return Batch(context=context, claims=tuple(claims), lease_until=lease_until)


def _candidates(*, context: AccountContext, now: datetime, limit: int) -> list[tuple[int, int]]:
    rows = (
        ListingState.objects.filter(account=context.account, stale_since__isnull=False, listing__sku__isnull=False)
        .filter(Q(claimed_until__isnull=True) | Q(claimed_until__lt=now))
        .filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now))
        .order_by("urgency", "-weight", "stale_since", "id")
        .values_list("id", "listing__sku_id")
    )
    return [(state_id, sku_id) for state_id, sku_id in rows[:limit] if sku_id is not None]


def _is_free(state: ListingState, now: datetime) -> bool:
    return state.claimed_until is None or state.claimed_until < now


def _claim_row(
    context: AccountContext,
    pool: Pool,
    state: ListingState,
    value: int,
    reason: str,
    *,
    now: datetime,
    lease_until: datetime,
) -> Claim | None:
    """Store one flight, if the row's own flights and the safe-write rule allow it."""
    book = pool.books[state.pk]
    compared = book.shown if book.kind is WriteKind.CAS else None
    raises = exposure.added_exposure(value=value, compared=compared)
    if book.kind is WriteKind.CAS and book.flights:
        return None
    if not exposure.may_send(book, value=value, now=now):
        return None
    guarded = pool.is_guarded(state)
    room = pool.headroom(state)
    if raises > 0 and guarded and raises > room:
        return None
    deadline = lease_until + context.span("propagation_deadline_seconds")
    row = Flight.objects.create(
        state=state,
        value=value,
        compared=compared,
        raises=raises,
        headroom=room if guarded else None,
        allowance=pool.allowance_of(state),
        claimed_at=now,
        deadline=deadline,
    )
    flight = FlightValue(id=row.pk, value=value, claimed_at=now, deadline=deadline, compared=compared)
    pool.books[state.pk] = exposure.claim(book, flight=flight)
    state.last_deadline = max(filter(None, (state.last_deadline, deadline)))
    listing = state.listing
    urgent = state.urgency in URGENT_CLASSES or value == 0
    return Claim(
        state_id=state.pk,
        flight_id=row.pk,
        reason=reason,
        update=StockUpdate(
            row=RowRef(
                row_id=state.pk,
                listing=ids_of(listing),
                fulfilment=Fulfilment(listing.fulfilment),
                location_id=state.location.external_id,
                product_type=listing.product_type,
            ),
            quantity=value,
            idempotency_key=str(row.idempotency_key),
            # A level that was never stocked has nothing to compare with: the adapter activates it.
            compared=None if state.seen_quantity is None else compared,
            share=Share.URGENT if urgent else Share.WRITE,
        ),
    )


# --- settle -----------------------------------------------------------------------------------------------------------------------


def settle(*, batch: Batch, outcomes: Sequence[PushOutcome], adapter: ChannelAdapter, started: datetime) -> None:
    """
    Write down what became of each row. A row that the outcomes do not name may be on its way: its flight stays.

    A stale compare-and-swap is read again by id first, so that the row is not compared with a cached value twice.
    """
    by_row = {outcome.row_id: outcome for outcome in outcomes}
    for claim in batch.claims:
        by_row.setdefault(
            claim.state_id,
            PushOutcome(row_id=claim.state_id, result=PushResult.UNKNOWN, message="no answer for this row"),
        )
    readings = _read_stale(batch, by_row, adapter)
    elapsed = (timezone.now() - started).total_seconds()
    touched = _settle_rows(batch, by_row, readings, started=started, elapsed=elapsed)
    _note_health(batch.context, by_row)
    if any(outcome.code == "BATCH_REFUSED" for outcome in by_row.values()) and len(batch.claims) > 1:
        _split(batch)
    decide_soon(touched)


def _read_stale(
    batch: Batch, by_row: dict[int, PushOutcome], adapter: ChannelAdapter
) -> dict[int, tuple[int, datetime]]:
    stale = [claim.update.row for claim in batch.claims if by_row[claim.state_id].result is PushResult.STALE]
    if not stale:
        return {}
    try:
        readings = adapter.read_stock(stale)
    except ChannelError as error:
        logger.warning("a stale row could not be read again: %s", error)
        return {}
    return {
        reading.row_id: (reading.quantity, reading.began_at) for reading in readings if reading.quantity is not None
    }


@retrying
def _settle_rows(
    batch: Batch,
    by_row: dict[int, PushOutcome],
    readings: dict[int, tuple[int, datetime]],
    *,
    started: datetime,
    elapsed: float,
) -> set[int]:
    claims = {claim.state_id: claim for claim in batch.claims}
    touched: set[int] = set()
    with transaction.atomic():
        now = timezone.now()
        states = lock_states(Q(pk__in=claims))
        books = load_books(states)
        attempts = []
        for state in states:
            claim, outcome, before = claims[state.pk], by_row[state.pk], books[state.pk]
            in_force_by = now + batch.context.span("propagation_deadline_seconds")
            after = _settled(before, claim, outcome, readings.get(state.pk), state, now, in_force_by)
            if after.flights:
                state.last_deadline = max(flight.deadline for flight in after.flights)
            store_flights(before, after)
            put_book(state, after)
            _note_result(state, claim, outcome, after, now=now, batch=batch)
            state.save(
                update_fields=[
                    *BOOK_FIELDS,
                    "claim_token",
                    "claimed_until",
                    "attempts",
                    "last_error",
                    "next_attempt_at",
                    "solo",
                    *UNEXPLAINED_FIELDS,
                    "seen_quantity",
                    "seen_at",
                    "last_deadline",
                    "settled_quantity",
                ]
            )
            if state.listing.sku_id:
                touched.add(state.listing.sku_id)
            attempts.append(
                PushAttempt(
                    account=batch.context.account,
                    state=state,
                    value=claim.update.quantity,
                    compared=claim.update.compared,
                    result=outcome.result.value,
                    code=outcome.code[:80],
                    message=(outcome.warning or outcome.message)[:300],
                    request_id=outcome.request_id[:100],
                    reason=claim.reason[:40],
                    sent_at=started,
                    elapsed_seconds=elapsed,
                )
            )
        PushAttempt.objects.bulk_create(attempts)
    return touched


def _settled(
    book: Book,
    claim: Claim,
    outcome: PushOutcome,
    reading: tuple[int, datetime] | None,
    state: ListingState,
    now: datetime,
    in_force_by: datetime,
) -> Book:
    if outcome.result is PushResult.ACCEPTED:
        return exposure.accepted(book, flight_id=claim.flight_id, now=now, in_force_by=in_force_by)
    if outcome.result in {PushResult.REFUSED, PushResult.NOT_SENT}:
        return exposure.refused(book, flight_id=claim.flight_id)
    if outcome.result is PushResult.STALE:
        if reading is None:
            return exposure.refused(book, flight_id=claim.flight_id)
        value, began_at = reading
        result = exposure.stale_cas(
            book,
            flight_id=claim.flight_id,
            actual=max(value, 0),
            read_begun_at=began_at,
            now=now,
            book_changed_at=state.book_changed_at,
        )
        state.seen_quantity, state.seen_at = value, now
        if result.unexplained:
            note_unexplained(state, believed=book.shown, value=value, now=now)
        return result.book
    return exposure.unknown(book, flight_id=claim.flight_id)


def _note_result(
    state: ListingState, claim: Claim, outcome: PushOutcome, book: Book, *, now: datetime, batch: Batch
) -> None:
    state.claim_token, state.claimed_until = None, None
    if outcome.result is PushResult.ACCEPTED:
        state.attempts, state.last_error, state.next_attempt_at, state.solo = 0, "", None, False
        if book.kind is WriteKind.CAS:
            state.settled_quantity = claim.update.quantity
            state.seen_quantity = claim.update.quantity if state.seen_quantity is None else state.seen_quantity
        resolve_alert(kind="push_refused", key=str(state.pk))
        return
    if outcome.result is PushResult.STALE:
        state.attempts += 1
        state.last_error = "the quantity had changed meanwhile"
        state.next_attempt_at = now + timedelta(seconds=0 if state.attempts < 3 else BACKOFF_SECONDS)
        return
    state.attempts += 1
    state.last_error = f"{outcome.code} {outcome.message}".strip()[:300]
    wait = outcome.retry_after or min(BACKOFF_SECONDS * 2 ** min(state.attempts, 8), 900.0)
    if outcome.result is PushResult.NOT_SENT:
        wait = outcome.retry_after or 2.0
    if outcome.result is PushResult.REFUSED and outcome.permanent:
        wait = max(wait, 3600.0)
        raise_alert(
            kind="push_refused",
            key=str(state.pk),
            title=f"{state.account}: {state.listing} refuses its quantity",
            detail=f"{outcome.code}: {outcome.message}",
            account_id=state.account_id,
            link=f"/admin/engine/listingstate/{state.pk}/change/",
        )
    state.next_attempt_at = now + timedelta(seconds=wait)


def _note_health(context: AccountContext, by_row: dict[int, PushOutcome]) -> None:
    setup = next((outcome for outcome in by_row.values() if outcome.setup), None)
    if setup is not None:
        from inventory_sync.engine.inbound import mark_broken

        mark_broken(account=context.account, reason=f"{setup.code} {setup.message}".strip())
    elif any(outcome.result is PushResult.ACCEPTED for outcome in by_row.values()):
        mark_working(account=context.account, now=timezone.now())


def _split(batch: Batch) -> None:
    """A whole batch was refused and nobody said for which row: each goes alone next time, so that the culprit stands alone."""
    ids = [claim.state_id for claim in batch.claims]
    ListingState.objects.filter(pk__in=ids).update_in_order(solo=True, next_attempt_at=None)


def wake_pushes(account_ids: Sequence[int]) -> None:
    """Tell workers that these accounts have something to send."""
    for account_id in sorted(set(account_ids)):
        wake.after_commit("push_tick", account_id)
