"""Writing quantities: one call for one batch, never repeated, and for each update what is known of it afterwards."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from channels_flipkart.auth import TokenSource
from channels_flipkart.catalogue import inventory_body, outcome, push_outcomes, read_details, why_not_writable
from channels_flipkart.client import FlipkartClient
from channels_flipkart.settings import Settings
from channels_flipkart.values import first, objects, text
from inventory_sync.domain.errors import (
    ChannelError,
    ContractError,
    RejectedError,
    RetryableError,
    SetupError,
)
from inventory_sync.domain.ports import Clock, PushOutcome, PushResult, Share, StockUpdate

logger = logging.getLogger(__name__)

# The batch is paid from the most urgent share that any of its updates may use.
_SHARES = (Share.URGENT, Share.WRITE, Share.SETUP, Share.READ, Share.POLL, Share.BULK)


def push(
    updates: Sequence[StockUpdate],
    *,
    client: FlipkartClient,
    tokens: TokenSource,
    settings: Settings,
    clock: Clock,
) -> list[PushOutcome]:
    """
    Send one batch; one outcome for each update, in the order given.

    Marketplace-held and unknown stock is refused here, before any call. Every failure of the channel comes back as outcomes: UNKNOWN where
    the quantities may have been taken.
    """
    give_up_at = clock.monotonic() + settings.write_deadline_seconds
    done: dict[int, PushOutcome] = {}  # by position: one row may be named twice
    batch: dict[tuple[str, str], int] = {}
    for position, update in enumerate(updates):
        reason = why_not_writable(
            update, allow_fbf_lite=settings.allow_fbf_lite, marketplace_locations=settings.marketplace_locations
        )
        place = (update.row.listing.key, update.row.location_id)
        if reason:
            done[position] = outcome(update, PushResult.REFUSED, "NOT_WRITABLE", reason, permanent=True)
        elif place in batch:
            superseded = batch.pop(place)
            done[superseded] = outcome(
                updates[superseded], PushResult.NOT_SENT, "SUPERSEDED", "a later value of the same batch replaces it"
            )
            batch[place] = position
        elif place[0] in {sku for sku, _ in batch} or len({sku for sku, _ in batch}) < settings.listing_batch:
            batch[place] = position
        else:
            words = f"one call takes {settings.listing_batch} SKUs"
            done[position] = outcome(update, PushResult.NOT_SENT, "BATCH_TOO_LARGE", words)
    if batch:
        # Locations of one SKU stand together, in the order in which the body names them.
        sent = [updates[position] for position in batch.values()]
        results = _sent(sent, client=client, tokens=tokens, settings=settings, clock=clock, give_up_at=give_up_at)
        by_row = {each.row_id: each for each in results}
        done |= {position: by_row[updates[position].row.row_id] for position in batch.values()}
    return [done[position] for position in range(len(updates))]


def _sent(
    updates: Sequence[StockUpdate],
    *,
    client: FlipkartClient,
    tokens: TokenSource,
    settings: Settings,
    clock: Clock,
    give_up_at: float,
) -> list[PushOutcome]:
    try:
        bearer = tokens.bearer()
        statuses = _location_statuses(updates, client=client) if settings.inventory_send_location_status else {}
    except ChannelError as error:
        return [_not_sent(each, error) for each in updates]
    left = give_up_at - clock.monotonic()
    if left <= 0:
        late = "preparing the call took too long"
        return [outcome(each, PushResult.NOT_SENT, "DEADLINE", late) for each in updates]
    share = min((each.share for each in updates), key=_SHARES.index)
    try:
        response = client.update_inventory(
            inventory_body(updates, statuses=statuses), share=share, bearer=bearer, deadline_seconds=left
        )
        answer = response.json()
        if not isinstance(answer, dict):
            raise ContractError("the answer is no JSON object", status=response.status, may_have_applied=True)
    except ChannelError as error:
        logger.warning("flipkart: a batch of %d quantities failed: %s", len(updates), error)
        return [_failed(each, error) for each in updates]
    return push_outcomes(
        updates, answer=answer, warning_is_success=settings.warning_is_success, request_id=response.request_id
    )


def _not_sent(update: StockUpdate, error: ChannelError) -> PushOutcome:
    """We never got as far as writing."""
    if isinstance(error, SetupError):
        return outcome(update, PushResult.REFUSED, error.code, error.message, request_id=error.request_id, setup=True)
    return outcome(
        update, PushResult.NOT_SENT, error.code, error.message, request_id=error.request_id, retry_after=_later(error)
    )


def _failed(update: StockUpdate, error: ChannelError) -> PushOutcome:
    """What a failed call says of each of its updates."""
    if error.may_have_applied:
        return outcome(
            update,
            PushResult.UNKNOWN,
            error.code,
            error.message,
            request_id=error.request_id,
            retry_after=_later(error),
        )
    if isinstance(error, RejectedError) and error.status is not None:
        words = f"{error.code}: {error.message}" if error.code else error.message
        return outcome(update, PushResult.REFUSED, "BATCH_REFUSED", words, request_id=error.request_id)
    if isinstance(error, RetryableError | SetupError):
        return _not_sent(update, error)
    return outcome(update, PushResult.UNKNOWN, error.code, error.message, request_id=error.request_id)


def _later(error: ChannelError) -> float | None:
    return error.retry_after if isinstance(error, RetryableError) else None


def _location_statuses(updates: Sequence[StockUpdate], *, client: FlipkartClient) -> dict[tuple[str, str], str]:
    """Last known ENABLED or DISABLED of each location, read just before the write."""
    skus = list(dict.fromkeys(each.row.listing.key for each in updates))
    body, _ = client.listing_details(skus, share=Share.READ)
    return {
        (sku, text(first(location, "id", "locationId"))): status
        for sku, listing in read_details(body).available.items()
        for location in objects(listing.get("locations"))
        if (status := text(location.get("status")).upper()) in ("ENABLED", "DISABLED")
    }
