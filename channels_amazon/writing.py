"""Writing what a listing says: one call for one listing, never repeated, and what is known of it afterwards."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from channels_amazon import offers
from channels_amazon.auth import TokenSource
from channels_amazon.catalogue import read_item
from channels_amazon.client import SellingPartnerClient
from channels_amazon.reading import read_items
from channels_amazon.settings import Settings
from inventory_sync.domain.errors import ChannelError, RejectedError, RetryableError, SetupError
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

READ_OFFER = ("summaries", "attributes", "offers", "fulfillmentAvailability", "issues")


class AmazonListings:
    """Implements :class:`~inventory_sync.domain.listing_changes.ListingWriter`: prices only, one listing a call, paid from the bulk share."""

    kinds = frozenset({ChangeKind.PRICE})
    batch_size = 1
    fields = offers.FIELDS
    confirmed_by = (offers.ATTRIBUTE,)

    def __init__(self, *, client: SellingPartnerClient, tokens: TokenSource, settings: Settings, clock: Clock) -> None:
        self._client = client
        self._tokens = tokens
        self._settings = settings
        self._clock = clock

    def compose(self, kind: ChangeKind, facts: OfferFacts, *, current: ListingContent | None) -> Composed:
        return offers.compose(facts, current=current)

    def read(self, listings: Sequence[ListingIds]) -> dict[str, ListingContent]:
        skus = [listing.key for listing in listings]
        marketplace_id = self._settings.marketplace_id
        found = {}
        for items, _, _ in read_items(self._client, skus, included=READ_OFFER, share=Share.BULK):
            for sku, item in items.items():
                snapshot = read_item(item, marketplace_id=marketplace_id)
                if snapshot is not None:
                    content = offers.content_of(
                        item, marketplace_id=marketplace_id, price=snapshot.price, mrp=snapshot.mrp
                    )
                    found[sku] = ListingContent(snapshot=snapshot, content=content)
        return found

    def write(self, kind: ChangeKind, writes: Sequence[ListingWrite]) -> list[WriteOutcome]:
        """:param kind: PRICE is the only one; more than one listing is not sent."""
        first, *rest = writes
        words = "One call takes one listing."
        return [
            self._written(first),
            *(WriteOutcome(key=write.ids.key, result=PushResult.NOT_SENT, message=words) for write in rest),
        ]

    def _written(self, write: ListingWrite) -> WriteOutcome:
        give_up_at = self._clock.monotonic() + self._settings.write_deadline_seconds
        try:
            token = self._tokens.token()
        except ChannelError as error:
            return _failed(write, error, certain=True)
        body = offers.price_patch(
            write,
            marketplace_id=self._settings.marketplace_id,
            fallback_product_type=self._settings.fallback_product_type,
        )
        try:
            response = self._client.merge_attributes(
                write.ids.key,
                body,
                share=Share.BULK,
                token=token,
                deadline_seconds=max(give_up_at - self._clock.monotonic(), 0.05),
            )
            answer = response.json()
        except ChannelError as error:
            logger.warning("amazon: the price of %s failed: %s", write.ids.key, error)
            return _failed(write, error)
        if not isinstance(answer, dict):
            words = "Amazon's answer is no JSON object."
            return WriteOutcome(
                key=write.ids.key, result=PushResult.UNKNOWN, message=words, request_id=response.request_id
            )
        return offers.outcome_of_answer(write.ids.key, answer, request_id=response.request_id)


def _failed(write: ListingWrite, error: ChannelError, *, certain: bool = False) -> WriteOutcome:
    """What a failed call says of its listing. ``certain``: nothing was sent."""
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
        message=(f"{error.code}: {error.message}" if error.code else error.message)[:500],
        request_id=error.request_id,
        retry_after=error.retry_after if isinstance(error, RetryableError) else None,
        setup=isinstance(error, SetupError),
    )
