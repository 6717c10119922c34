"""Writing quantities: one call for one decision, and what became of each row. No call is ever repeated here."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from channels_shopify.client import MAX_ROWS, Answer, ShopifyClient
from channels_shopify.errors import user_errors
from channels_shopify.mapping import available, changed_pairs, set_errors
from channels_shopify.values import as_map, gid
from inventory_sync.domain.errors import (
    BudgetError,
    ChannelError,
    ListingNotFoundError,
    NotWritableError,
    RateLimitedError,
    RetryableError,
    SetupError,
    StaleQuantityError,
)
from inventory_sync.domain.ports import PushOutcome, PushResult, Share, StockUpdate
from inventory_sync.domain.snapshots import Fulfilment


class QuantityWriter:
    """
    Writes ``available`` with compare-and-swap.

    Why ``available`` and not ``on_hand``: both sides count net of open orders, and an order that Shopify took meanwhile makes the comparison
    fail instead of being overwritten.
    """

    def __init__(self, *, client: ShopifyClient, reason: str, deadline_seconds: float) -> None:
        self._client = client
        self._reason = reason
        self._deadline = min(deadline_seconds, 30.0)

    def push(self, updates: Sequence[StockUpdate], *, at_most: int) -> list[PushOutcome]:
        """
        One call for up to ``at_most`` updates; one outcome for each update, in their order.

        An update without ``compared`` stocks the item at the location (it was not, so there is nothing to compare with); such a call carries
        that update alone. Shopify writes all rows of a call or none.
        """
        outcomes: dict[int, PushOutcome] = {}
        chosen: list[StockUpdate] = []
        for index, update in enumerate(updates):
            refusal = refuse(update)
            if refusal is not None:
                outcomes[index] = refusal
        open_indexes = [index for index in range(len(updates)) if index not in outcomes]
        taken: list[int] = []
        pairs: set[tuple[str, str]] = set()
        for index in open_indexes:
            update = updates[index]
            alone = update.compared is None
            if (
                len(taken) >= min(at_most, MAX_ROWS)
                or _pair(update) in pairs
                or (taken and (alone or chosen[0].compared is None))
            ):
                outcomes[index] = _outcome(
                    update, PushResult.NOT_SENT, code="NEXT_CALL", message="did not fit into this call"
                )
                continue
            taken.append(index)
            chosen.append(update)
            pairs.add(_pair(update))
        if chosen:
            results = self._activate(chosen[0]) if chosen[0].compared is None else self._set(chosen)
            outcomes.update(zip(taken, results, strict=True))
        return [outcomes[index] for index in range(len(updates))]

    def _set(self, updates: Sequence[StockUpdate]) -> list[PushOutcome]:
        share = Share.URGENT if any(update.share is Share.URGENT for update in updates) else updates[0].share
        key = batch_key(updates)
        try:
            answer = self._client.set_quantities(
                rows=[_row(update) for update in updates],
                reason=self._reason,
                reference=f"gid://inventory-sync/Push/{key}",
                idempotency_key=key,
                share=share,
                deadline_seconds=self._deadline,
            )
            payload = answer.part("inventorySetQuantities")
        except ChannelError as error:
            return [outcome_of(update, error) for update in updates]
        failures = set_errors(payload, request_id=answer.response.request_id)
        if failures:
            return _settle_refusal(updates, failures)
        changed = changed_pairs(payload)
        return [self._settle_set(update, answer, changed) for update in updates]

    def _settle_set(self, update: StockUpdate, answer: Answer, changed: set[tuple[str, str]]) -> PushOutcome:
        if _quantity(update) == update.compared or _pair(update) in changed:
            return _outcome(update, PushResult.ACCEPTED, request_id=answer.response.request_id)
        # No error, and yet nothing was changed although there was something to change: the item was never stocked at this location, where a
        # set may silently do nothing (contract, section 5.3). Stocking it there is another write, not a repetition.
        return self._activate(update)[0]

    def _activate(self, update: StockUpdate) -> list[PushOutcome]:
        try:
            answer = self._client.activate_level(
                item_id=gid("InventoryItem", update.row.listing.listing_ref),
                location_id=gid("Location", update.row.location_id),
                available=_quantity(update),
                idempotency_key=str(uuid.uuid5(uuid.NAMESPACE_OID, f"activate:{update.idempotency_key}")),
                share=update.share,
                deadline_seconds=self._deadline,
            )
            payload = answer.part("inventoryActivate")
        except ChannelError as error:
            return [outcome_of(update, error)]
        request_id = answer.response.request_id
        refusals = user_errors(payload)
        if refusals:
            code, message, _ = refusals[0]
            if "already active" in message.lower():
                words = "the item is already stocked there: read it again"
                return [_outcome(update, PushResult.STALE, code="ALREADY_ACTIVE", message=words, request_id=request_id)]
            return [_outcome(update, PushResult.REFUSED, code=code, message=message, request_id=request_id)]
        shown = available(as_map(payload.get("inventoryLevel")))
        if shown != _quantity(update):
            words = f"the item was stocked there with {shown}: read it again"
            return [_outcome(update, PushResult.STALE, code="ALREADY_ACTIVE", message=words, request_id=request_id)]
        return [_outcome(update, PushResult.ACCEPTED, request_id=request_id)]


def refuse(update: StockUpdate) -> PushOutcome | None:
    """The outcome of an update that must not be sent at all; None if it may be."""
    if update.row.fulfilment is not Fulfilment.SHOPIFY:
        words = f"fulfilment {update.row.fulfilment} is not ours to write on Shopify"
        return _outcome(update, PushResult.REFUSED, code="NOT_WRITABLE", message=words, permanent=True)
    if not update.row.listing.listing_ref or not update.row.location_id:
        words = "the listing has no inventory item id, or the row no location"
        return _outcome(update, PushResult.REFUSED, code="INCOMPLETE_LISTING", message=words, permanent=True)
    return None


def batch_key(updates: Sequence[StockUpdate]) -> str:
    """The idempotency key of a call: the update's own, or one made of all of theirs."""
    if len(updates) == 1:
        return updates[0].idempotency_key
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "|".join(update.idempotency_key for update in updates)))


def outcome_of(update: StockUpdate, error: ChannelError) -> PushOutcome:
    """
    What a failed call means for an update. UNKNOWN wherever the write may have taken effect.
    """
    retry_after = error.retry_after if isinstance(error, RetryableError) else None
    facts: dict[str, Any] = {
        "code": error.code or (str(error.status) if error.status else ""),
        "message": error.message,
        "request_id": error.request_id,
        "retry_after": retry_after,
    }
    if isinstance(error, BudgetError | RateLimitedError):
        return _outcome(update, PushResult.NOT_SENT, **facts)
    if isinstance(error, SetupError):
        return _outcome(update, PushResult.REFUSED, setup=True, **facts)
    if isinstance(error, StaleQuantityError):
        return _outcome(update, PushResult.STALE, **facts)
    if error.may_have_applied:
        return _outcome(update, PushResult.UNKNOWN, **facts)
    if isinstance(error, RetryableError):
        return _outcome(update, PushResult.NOT_SENT, **facts)
    permanent = isinstance(error, ListingNotFoundError | NotWritableError)
    return _outcome(update, PushResult.REFUSED, permanent=permanent, **facts)


def _settle_refusal(
    updates: Sequence[StockUpdate], failures: Sequence[tuple[int | None, ChannelError]]
) -> list[PushOutcome]:
    """Outcomes of a call that Shopify refused as a whole: the culprits by their own error, the others were not written."""
    general = [error for row, error in failures if row is None or row >= len(updates)]
    by_row = {row: error for row, error in reversed(failures) if row is not None}
    stale = next((error for _, error in failures if isinstance(error, StaleQuantityError)), None)
    outcomes = []
    for index, update in enumerate(updates):
        error = by_row.get(index) or stale or (general[0] if general else None)
        if error is not None:
            outcomes.append(outcome_of(update, error))
        else:
            words = "another row of the same call was refused"
            outcomes.append(_outcome(update, PushResult.NOT_SENT, code="BATCH_REFUSED", message=words))
    return outcomes


def _row(update: StockUpdate) -> Mapping[str, Any]:
    return {
        "inventoryItemId": gid("InventoryItem", update.row.listing.listing_ref),
        "locationId": gid("Location", update.row.location_id),
        "quantity": _quantity(update),
        "changeFromQuantity": update.compared,
    }


def _quantity(update: StockUpdate) -> int:
    return max(update.quantity, 0)


def _pair(update: StockUpdate) -> tuple[str, str]:
    return update.row.listing.listing_ref, update.row.location_id


def _outcome(update: StockUpdate, result: PushResult, **facts: Any) -> PushOutcome:
    return PushOutcome(row_id=update.row.row_id, result=result, **facts)
