"""Writing one quantity: one call, never repeated, and what is known of it afterwards."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from channels_amazon.auth import TokenSource
from channels_amazon.catalogue import outcome, outcome_of_answer, quantity_patch, why_not_writable
from channels_amazon.client import SellingPartnerClient
from channels_amazon.settings import Settings
from inventory_sync.domain.errors import (
    ChannelError,
    ListingNotFoundError,
    RejectedError,
    RetryableError,
    SetupError,
)
from inventory_sync.domain.ports import Clock, PushOutcome, PushResult, StockUpdate

logger = logging.getLogger(__name__)

NOT_WRITABLE = "NOT_WRITABLE"


def push(
    updates: Sequence[StockUpdate],
    *,
    client: SellingPartnerClient,
    tokens: TokenSource,
    settings: Settings,
    clock: Clock,
) -> list[PushOutcome]:
    """
    Send the update (a call carries one; further ones are not sent). One outcome for each, in the order given.

    What Amazon holds, and what is not known to be ours, is refused before any call. A failure comes back as an outcome: UNKNOWN where the
    quantity may have been taken.
    """
    outcomes: list[PushOutcome] = []
    sent = False
    for update in updates:
        reason = why_not_writable(update)
        if reason:
            outcomes.append(outcome(update, PushResult.REFUSED, code=NOT_WRITABLE, message=reason, permanent=True))
        elif sent:
            words = "one call takes one listing"
            outcomes.append(outcome(update, PushResult.NOT_SENT, code="BATCH_TOO_LARGE", message=words))
        else:
            sent = True
            outcomes.append(_sent(update, client=client, tokens=tokens, settings=settings, clock=clock))
    return outcomes


def _sent(
    update: StockUpdate, *, client: SellingPartnerClient, tokens: TokenSource, settings: Settings, clock: Clock
) -> PushOutcome:
    give_up_at = clock.monotonic() + settings.write_deadline_seconds
    try:
        token = tokens.token()
    except ChannelError as error:
        return _not_sent(update, error)
    left = give_up_at - clock.monotonic()
    if left <= 0:
        return outcome(update, PushResult.NOT_SENT, code="DEADLINE", message="getting a token took too long")
    try:
        response = client.merge_attributes(
            update.row.listing.key,
            quantity_patch(update, fallback_product_type=settings.fallback_product_type),
            share=update.share,
            token=token,
            deadline_seconds=left,
        )
        answer = response.json()
    except ChannelError as error:
        logger.warning("amazon: the quantity of row %s failed: %s", update.row.row_id, error)
        return failed(update, error)
    if not isinstance(answer, dict):
        words = "the answer is no JSON object"
        return outcome(update, PushResult.UNKNOWN, message=words, request_id=response.request_id)
    return outcome_of_answer(update, answer, request_id=response.request_id)


def failed(update: StockUpdate, error: ChannelError) -> PushOutcome:
    """What a failed call says of its update."""
    if error.may_have_applied:
        return outcome(
            update,
            PushResult.UNKNOWN,
            code=error.code,
            message=error.message,
            request_id=error.request_id,
            retry_after=_later(error),
        )
    if isinstance(error, RejectedError):
        return outcome(
            update,
            PushResult.REFUSED,
            code="NOT_FOUND" if isinstance(error, ListingNotFoundError) else error.code,
            message=error.message,
            request_id=error.request_id,
            permanent=bool(error.code),  # without a reason of Amazon's own it was a gateway, or a wrong base address
        )
    if isinstance(error, RetryableError | SetupError):
        return _not_sent(update, error)
    return outcome(update, PushResult.UNKNOWN, code=error.code, message=error.message, request_id=error.request_id)


def _not_sent(update: StockUpdate, error: ChannelError) -> PushOutcome:
    """Nothing was written, for certain."""
    setup = isinstance(error, SetupError)
    return outcome(
        update,
        PushResult.REFUSED if setup else PushResult.NOT_SENT,
        code=error.code,
        message=error.message,
        request_id=error.request_id,
        setup=setup,
        retry_after=_later(error),
    )


def _later(error: ChannelError) -> float | None:
    return error.retry_after if isinstance(error, RetryableError) else None
