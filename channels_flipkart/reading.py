"""Reads that need many calls: details of many SKUs, shipments by id, the whole catalogue. One bad id never hides the good ones."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TypeVar

from channels_flipkart.catalogue import Details, bare_listing, listing_snapshot, read_details
from channels_flipkart.client import MAX_DETAILS, FlipkartClient, Page
from channels_flipkart.errors import CHANNEL
from channels_flipkart.mapping import read_shipments
from channels_flipkart.settings import Settings
from channels_flipkart.values import Payload, text, whole
from inventory_sync.domain.errors import RejectedError
from inventory_sync.domain.ports import ListingPage, Share
from inventory_sync.domain.snapshots import ListingSnapshot, OrderSnapshot, Source

logger = logging.getLogger(__name__)

T = TypeVar("T")

SEARCH_PAGE = 500  # references
_STATUSES = ("ACTIVE", "INACTIVE")
_BAD_RECORD = frozenset(
    {400, 413, 422}
)  # statuses by which one id can spoil a call; a 404 says that the address is wrong


def in_parts(values: Sequence[str], *, size: int, call: Callable[[Sequence[str]], T]) -> Iterator[T]:
    """
    Call with at most ``size`` values at a time; a refused call is split until the culprit stands alone, and goes on without it.

    :raises RejectedError: not one call was accepted.
    """
    waiting = [values[start : start + size] for start in range(0, len(values), size)]
    refusal: RejectedError | None = None
    accepted = False
    while waiting:
        part = waiting.pop(0)
        try:
            result = call(part)
        except RejectedError as error:
            if error.status not in _BAD_RECORD:
                raise
            refusal = error
            if len(part) == 1:
                logger.warning("flipkart: %s can't be read: %s", part[0], error)
            else:
                waiting = [part[: len(part) // 2], part[len(part) // 2 :], *waiting]
        else:
            accepted = True
            yield result
    if refusal is not None and not accepted:
        raise refusal


def details_of(
    client: FlipkartClient, skus: Sequence[str], *, settings: Settings, share: Share
) -> Iterator[tuple[Details, datetime]]:
    """Details of any number of SKUs, each answer with the moment its request began."""

    def call(part: Sequence[str]) -> tuple[Details, datetime]:
        body, began_at = client.listing_details(part, share=share)
        return read_details(body), began_at

    yield from in_parts(skus, size=min(settings.listing_batch, MAX_DETAILS), call=call)


def snapshots_of(
    client: FlipkartClient, skus: Sequence[str], *, settings: Settings, share: Share
) -> dict[str, ListingSnapshot]:
    """Listings by seller SKU; those that Flipkart does not know are missing."""
    return {
        sku: listing_snapshot(sku=sku, listing=listing, open_units=details.open_units.get(sku))
        for details, _ in details_of(client, skus, settings=settings, share=share)
        for sku, listing in details.available.items()
    }


def orders_by_id(client: FlipkartClient, shipment_ids: Sequence[str], *, settings: Settings) -> list[OrderSnapshot]:
    """Shipments with all their parts; ids that Flipkart does not know are missing."""

    def call(part: Sequence[str]) -> tuple[OrderSnapshot, ...]:
        page = client.shipments(part, share=Share.POLL)
        return read_shipments(page.items, source=Source.READ, request_started_at=page.started_at).orders

    return [order for part in in_parts(shipment_ids, size=settings.shipment_id_batch, call=call) for order in part]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullCursor:
    """
    Where a listing pull stands.

    :ivar status, page_id, done: which status, which search page, how many of its references are done.
    :ivar total: references in all, counted when the pull began; None: not yet. :ivar read: those of them that are done.
    """

    status: str = _STATUSES[0]
    page_id: str = ""
    done: int = 0
    total: int | None = None
    read: int = 0

    @classmethod
    def parse(cls, cursor: str) -> PullCursor:
        """:raises RejectedError: not a cursor that we gave."""
        if not cursor:
            return cls()
        try:
            told = json.loads(cursor)
            found = cls(
                status=text(told["status"]),
                page_id=text(told["page_id"]),
                done=whole(told["done"]) or 0,
                total=whole(told.get("total")),
                read=whole(told.get("read")) or 0,
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RejectedError("this is not a cursor of a listing pull", channel=CHANNEL) from error
        if found.status not in _STATUSES:
            raise RejectedError("this is not a cursor of a listing pull", channel=CHANNEL)
        return found

    def write(self) -> str:
        return json.dumps(asdict(self))

    @property
    def calls_left(self) -> int | None:
        """Details of ten take a call; the searches, at 500 a call, are counted with them."""
        left = max((self.total or 0) - self.read, 0)
        return None if self.total is None else -(-left // MAX_DETAILS) + -(-left // SEARCH_PAGE)


def pull_listings(
    client: FlipkartClient, *, cursor: str, settings: Settings, first: Sequence[str] = ()
) -> Iterator[ListingPage]:
    """
    Every listing, active and inactive, some ten at a time, each page with a cursor that goes on after it.

    The search gives references only (500 a page); what a listing is comes from details, ten a call. A pull begins by counting the references,
    so that one knows how long it takes, and by describing ``first``.
    """
    at = PullCursor.parse(cursor)
    if at.total is None:
        at = replace(at, total=sum(len(page.items) for status in _STATUSES for page in _search(client, status)))
        for ten in _tens(list(dict.fromkeys(first))):
            try:
                found = snapshots_of(client, ten, settings=settings, share=Share.BULK)
            except RejectedError as error:
                logger.info("flipkart: what sells best comes in its turn: %s", error)
                continue
            yield ListingPage(
                listings=tuple(found.values()), cursor=at.write(), total=at.total, calls_left=at.calls_left
            )
    while True:
        page = client.search_listings(status=at.status, page_id=at.page_id)
        references = page.items[at.done :]
        following = _after(at, next_page=page.next, count=len(references))
        while references:
            chunk, references = references[:MAX_DETAILS], references[MAX_DETAILS:]
            at = replace(at, done=at.done + len(chunk), read=at.read + len(chunk))
            goes_on = at if references else following
            yield ListingPage(
                listings=tuple(_described(client, chunk, active=at.status == "ACTIVE", settings=settings)),
                cursor=goes_on.write() if goes_on else "",
                total=at.total,
                calls_left=goes_on.calls_left if goes_on else 0,
            )
        if following is None:
            return
        at = following


def _search(client: FlipkartClient, status: str) -> Iterator[Page]:
    page_id = ""
    while True:
        page = client.search_listings(status=status, page_id=page_id)
        yield page
        if not page.next:
            return
        page_id = page.next


def _tens(skus: Sequence[str]) -> Iterator[Sequence[str]]:
    return (skus[start : start + MAX_DETAILS] for start in range(0, len(skus), MAX_DETAILS))


def _after(at: PullCursor, *, next_page: str, count: int) -> PullCursor | None:
    """The cursor behind a search page of which ``count`` references were still to do."""
    behind = replace(at, page_id=next_page, done=0, read=at.read + count)
    if next_page:
        return behind
    return replace(behind, status="INACTIVE") if at.status == "ACTIVE" else None


def _described(
    client: FlipkartClient, references: Sequence[Payload], *, active: bool, settings: Settings
) -> Iterator[ListingSnapshot]:
    by_sku = {text(reference.get("sku_id")): reference for reference in references}
    if by_sku.pop("", None) is not None:
        logger.warning("flipkart: the listing search names a listing without sku_id")
    if not by_sku:
        return
    found = snapshots_of(client, list(by_sku), settings=settings, share=Share.BULK)
    for sku, reference in by_sku.items():
        if sku not in found:
            logger.warning("flipkart: search names %s, details do not", sku)
        yield found.get(sku) or bare_listing(reference, active=active)
