"""Reading listings and quantities: by SKU, and the whole catalogue."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from channels_amazon.catalogue import (
    MERCHANT_CODE,
    READ_LISTING,
    READ_STOCK,
    fulfilment_of,
    is_active,
    quantities_of,
    read_item,
    read_report_rows,
)
from channels_amazon.client import MOST_IDENTIFIERS, SellingPartnerClient
from channels_amazon.reports import LISTINGS, ReportFailedError, Reports
from channels_amazon.settings import CHANNEL, Settings
from channels_amazon.values import Payload, count, exact, objects, part, text
from inventory_sync.domain.errors import ContractError, ListingNotFoundError, RejectedError
from inventory_sync.domain.ports import ListingPage, RowRef, Share, StockReading
from inventory_sync.domain.snapshots import Fulfilment, ListingIds, ListingSnapshot
from inventory_sync.http import response_of

logger = logging.getLogger(__name__)

_PAGE_OF_ROWS = 500
_SEARCH, _REPORT = "search", "report"


def read_items(
    client: SellingPartnerClient, skus: Sequence[str], *, included: Sequence[str], share: Share
) -> Iterator[tuple[dict[str, Payload], list[str], datetime]]:
    """
    Listings by SKU: a search for each twenty; one alone, and one with a comma in its name, by its own address.

    :return: for each call what was found by SKU, which SKUs were asked for, and when our request began.
    """
    wanted = list(dict.fromkeys(sku for sku in skus if sku))
    together = [sku for sku in wanted if "," not in sku]
    alone = [sku for sku in wanted if "," in sku]
    if len(together) == 1:
        alone, together = together + alone, []
    for start in range(0, len(together), MOST_IDENTIFIERS):
        asked = together[start : start + MOST_IDENTIFIERS]
        answer, response = client.search_listings(included=included, skus=asked, size=MOST_IDENTIFIERS, share=share)
        found = {exact(item.get("sku")): item for item in _items(answer)}
        yield found, asked, response.started_at
    for sku in alone:
        try:
            item, response = client.listing(sku, included=included, share=share)
        except ListingNotFoundError as error:
            answered = response_of(error)
            if answered is None:
                raise
            yield {}, [sku], answered.started_at
            continue
        except RejectedError as error:
            if error.code != "BAD_NAME":
                raise
            logger.warning("amazon: %s", error.message)
            continue
        yield {sku: item}, [sku], response.started_at


def read_stock(client: SellingPartnerClient, rows: Sequence[RowRef], *, settings: Settings) -> list[StockReading]:
    """
    One reading for each row that could be asked for. The quantity is None where the listing is missing, and where Amazon ships it.
    """
    by_sku: dict[str, list[RowRef]] = {}
    for row in rows:
        by_sku.setdefault(row.listing.key, []).append(row)
    readings: list[StockReading] = []
    for found, asked, began_at in read_items(client, list(by_sku), included=READ_STOCK, share=Share.READ):
        for sku in asked:
            item = found.get(sku)
            quantity = None if item is None else _merchant_quantity(item, sku=sku)
            active = None if item is None else is_active(item, marketplace_id=settings.marketplace_id)
            readings += [
                StockReading(row_id=row.row_id, quantity=quantity, began_at=began_at, active=active)
                for row in by_sku[sku]
            ]
    return readings


def _merchant_quantity(item: Payload, *, sku: str) -> int | None:
    quantities = quantities_of(item) or {}
    if fulfilment_of(quantities) is Fulfilment.FBA:
        logger.warning("amazon: listing %s is fulfilled by Amazon now; its quantity is not ours", sku)
        return None
    return quantities.get(MERCHANT_CODE)


def read_listings(
    client: SellingPartnerClient, listings: Sequence[ListingIds], *, settings: Settings
) -> list[ListingSnapshot]:
    """Those that Amazon does not know are missing."""
    skus = [listing.key or listing.seller_sku for listing in listings]
    found = [
        read_item(item, marketplace_id=settings.marketplace_id)
        for items, _, _ in read_items(client, skus, included=_included(settings), share=Share.READ)
        for item in items.values()
    ]
    return [listing for listing in found if listing is not None]


def pull_listings(
    client: SellingPartnerClient, reports: Reports, *, cursor: str, settings: Settings
) -> Iterator[ListingPage]:
    """
    The whole catalogue. A small one page by page, with everything that Amazon tells of a listing; a large one by report.

    Cursors: ``search:<page token>``, ``report:<report id>:<rows done>``; any other starts anew.

    :raises RetryableError: the report is not ready yet; the cursor given before goes on with it.
    """
    kind, _, rest = cursor.partition(":")
    if kind == _REPORT and rest:
        report_id, _, done = rest.rpartition(":")
        yield from _by_report(client, reports, report_id=report_id, done=count(done) or 0, settings=settings)
    elif kind == _SEARCH and rest:
        yield from _by_search(client, page_token=rest, settings=settings)
    elif settings.use_report_for_pull and _listing_count(client) > settings.search_limit:
        report_id = reports.request(LISTINGS, share=Share.BULK)
        yield from _by_report(client, reports, report_id=report_id, done=0, settings=settings)
    else:
        yield from _by_search(client, page_token="", settings=settings)


def _by_search(client: SellingPartnerClient, *, page_token: str, settings: Settings) -> Iterator[ListingPage]:
    seen = 0
    while True:
        answer, _ = client.search_listings(included=_included(settings), page_token=page_token, share=Share.BULK)
        items = _items(answer)
        seen += len(items)
        following = text(part(answer, "pagination").get("nextToken"))
        if following and following == page_token:
            raise ContractError("the next page of listings is the same page again", channel=CHANNEL)
        page_token = following if items else ""
        total = count(answer.get("numberOfResults"))
        if not page_token and total is not None and total > settings.search_limit and seen < total:
            logger.warning("amazon: a search pages %d of %d listings; use_report_for_pull reads all", seen, total)
        read = (read_item(item, marketplace_id=settings.marketplace_id) for item in items)
        listings = tuple(listing for listing in read if listing is not None)
        yield ListingPage(listings=listings, cursor=f"{_SEARCH}:{page_token}" if page_token else "")
        if not page_token:
            return


def _by_report(
    client: SellingPartnerClient, reports: Reports, *, report_id: str, done: int, settings: Settings
) -> Iterator[ListingPage]:
    yield ListingPage(listings=(), cursor=f"{_REPORT}:{report_id}:{done}")  # kept, should the wait be too long
    try:
        rows = reports.rows(report_id, share=Share.BULK)
    except ReportFailedError:
        yield ListingPage(listings=(), cursor="")  # the next pull asks for another one
        raise
    if rows is None:
        # "Cancelled" also means "no data". An empty catalogue is believed only when a search is empty too.
        if _listing_count(client) > 0:
            yield ListingPage(listings=(), cursor="")
            raise ReportFailedError(f"report {report_id} was cancelled although there are listings", channel=CHANNEL)
        return
    listings = read_report_rows(rows)
    for start in range(done, len(listings), _PAGE_OF_ROWS):
        end = start + _PAGE_OF_ROWS
        more = f"{_REPORT}:{report_id}:{end}" if end < len(listings) else ""
        yield ListingPage(listings=tuple(listings[start:end]), cursor=more)


def _listing_count(client: SellingPartnerClient) -> int:
    answer, _ = client.search_listings(included=("summaries",), size=1, share=Share.BULK)
    total = count(answer.get("numberOfResults"))
    return len(_items(answer)) if total is None else total


def _items(answer: Payload) -> list[Payload]:
    if not isinstance(answer.get("items"), list):
        raise ContractError("a search for listings answered without items", channel=CHANNEL)
    return objects(answer["items"])


def _included(settings: Settings) -> tuple[str, ...]:
    return (*READ_LISTING, "attributes") if settings.pull_attributes else READ_LISTING
