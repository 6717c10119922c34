"""Writing what listings say: one call for one batch, never repeated, and for each listing what is known of it afterwards."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from channels_flipkart import offers
from channels_flipkart.auth import TokenSource
from channels_flipkart.catalogue import listing_snapshot
from channels_flipkart.client import FlipkartClient
from channels_flipkart.reading import details_of
from channels_flipkart.settings import Settings
from inventory_sync.domain.errors import ChannelError, ContractError, RejectedError, RetryableError, SetupError
from inventory_sync.domain.listing_changes import (
    ChangeKind,
    Composed,
    ListingContent,
    ListingWrite,
    OfferFacts,
    WriteOutcome,
)
from inventory_sync.domain.ports import Clock, PushResult, Share
from inventory_sync.domain.snapshots import ListingIds

logger = logging.getLogger(__name__)

PATHS: Mapping[ChangeKind, str] = MappingProxyType(
    {
        ChangeKind.CREATE: "/listings/v3",
        ChangeKind.UPDATE: "/listings/v3/update",
        ChangeKind.PRICE: "/listings/v3/update/price",
    }
)


class FlipkartListings:
    """Implements :class:`~inventory_sync.domain.listing_changes.ListingWriter`. All its calls are paid from the bulk share."""

    kinds = frozenset(ChangeKind)
    fields = offers.FIELDS
    confirmed_by = ("product_id", "price", "tax", "listing_status")

    def __init__(self, *, client: FlipkartClient, tokens: TokenSource, settings: Settings, clock: Clock) -> None:
        self._client = client
        self._tokens = tokens
        self._settings = settings
        self._clock = clock

    @property
    def batch_size(self) -> int:
        return self._settings.listing_batch

    def compose(self, kind: ChangeKind, facts: OfferFacts, *, current: ListingContent | None) -> Composed:
        return offers.compose(kind, facts, current=current)

    def read(self, listings: Sequence[ListingIds]) -> dict[str, ListingContent]:
        skus = list(dict.fromkeys(listing.key for listing in listings if listing.key))
        return {
            sku: ListingContent(
                snapshot=listing_snapshot(sku=sku, listing=listing, open_units=details.open_units.get(sku)),
                content=offers.content_of(listing),
            )
            for details, _ in details_of(self._client, skus, settings=self._settings, share=Share.BULK)
            for sku, listing in details.available.items()
        }

    def write(self, kind: ChangeKind, writes: Sequence[ListingWrite]) -> list[WriteOutcome]:
        """What names a quantity that is not ours to write is refused here, before any call."""
        reasons = {write.ids.key: offers.why_not_writable(kind, write) for write in writes}
        refused = [
            WriteOutcome(key=key, result=PushResult.REFUSED, message=reason)
            for key, reason in reasons.items()
            if reason
        ]
        rest = [write for write in writes if not reasons[write.ids.key]]
        return refused + (self._written(kind, rest) if rest else [])

    def _written(self, kind: ChangeKind, writes: Sequence[ListingWrite]) -> list[WriteOutcome]:
        give_up_at = self._clock.monotonic() + self._settings.write_deadline_seconds
        try:
            bearer = self._tokens.bearer()
        except ChannelError as error:
            return [_failed(write, error, certain=True) for write in writes]
        left = give_up_at - self._clock.monotonic()
        if left <= 0:
            late = RetryableError("getting a token took too long")
            return [_failed(write, late, certain=True) for write in writes]
        try:
            response = self._client.write_listings(
                PATHS[kind],
                offers.body_of(writes),
                operation=f"listing_{kind.value}",
                bearer=bearer,
                deadline_seconds=left,
            )
            answer = response.json()
            if not isinstance(answer, dict):
                raise ContractError("the answer is no JSON object", status=response.status, may_have_applied=True)
        except ChannelError as error:
            logger.warning("flipkart: %d listings (%s) failed: %s", len(writes), kind.value, error)
            return [_failed(write, error) for write in writes]
        return offers.write_outcomes(
            writes,
            answer=answer,
            warning_is_success=self._settings.warning_is_success,
            request_id=response.request_id,
        )


def _failed(write: ListingWrite, error: ChannelError, *, certain: bool = False) -> WriteOutcome:
    """What a failed call says of each of its listings. ``certain``: nothing was sent."""
    words = f"{error.code}: {error.message}" if error.code else error.message
    later = error.retry_after if isinstance(error, RetryableError) else None
    if error.may_have_applied and not certain:
        result = PushResult.UNKNOWN
    elif isinstance(error, RetryableError | SetupError):
        result = PushResult.NOT_SENT
    elif isinstance(error, RejectedError):
        result = PushResult.REFUSED
    else:
        result = PushResult.UNKNOWN
    return WriteOutcome(
        key=write.ids.key,
        result=result,
        message=words[:500],
        request_id=error.request_id,
        retry_after=later,
        setup=isinstance(error, SetupError),
        alone=result is PushResult.REFUSED,
    )
