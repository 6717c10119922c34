"""Rounds of polling: orders, what Amazon holds, returns. Contract, sections 5.1, 9, 14 and 18."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels_amazon.client import SellingPartnerClient
from channels_amazon.mapping import read_order, read_orders
from channels_amazon.reports import RETURNS, Reports
from channels_amazon.returns import NO_LINES, LinesBySku, lines_by_sku, read_return_rows
from channels_amazon.settings import CHANNEL, MOST_REPORT_DAYS, Settings
from channels_amazon.stock import add_up, read_summaries
from channels_amazon.values import moment, objects, part, text
from inventory_sync.domain.errors import (
    ContractError,
    CredentialsError,
    RateLimitedError,
    RejectedError,
)
from inventory_sync.domain.ports import PollPage, Share, StreamSpec
from inventory_sync.domain.snapshots import MarketplaceStock, OrderSnapshot, ReturnSnapshot, Source

logger = logging.getLogger(__name__)

ORDERS, FBA, RETURN_ROWS = "orders", "fba", "returns"
OPEN_STATUSES = ("PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED")
_HELD_PAGE, _RETURNS_PAGE = 500, 50
_MOST_KNOWN_ORDERS = 5_000
_PAGE_TOKEN_LIFE = timedelta(hours=23)


def streams(settings: Settings) -> tuple[StreamSpec, ...]:
    """What to poll, and how often. Orders at the pace that the usage plan pays for; the seconds come from notifications."""
    found = [
        StreamSpec(
            name=ORDERS,
            every_seconds=settings.poll_seconds,
            sale_seconds=settings.sale_poll_seconds,
            watermark=True,
        ),
        StreamSpec(name=FBA, every_seconds=settings.fba_poll_seconds, sale_seconds=settings.fba_poll_seconds),
    ]
    if settings.returns_report:
        pace = settings.returns_poll_seconds
        found.append(StreamSpec(name=RETURN_ROWS, every_seconds=pace, sale_seconds=pace))
    return tuple(found)


# --- orders -------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    """One search for orders. A page token belongs to exactly these filters, for 24 hours."""

    after: datetime
    before: datetime | None = None
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """
    A page of a search.

    :ivar until: the earliest ``lastUpdatedBefore`` of the pages so far; None where Amazon said none.
    :ivar next: token of the next page, "" at the end.
    """

    orders: tuple[OrderSnapshot, ...]
    until: datetime | None
    ended_at: datetime
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Interrupted:
    """Where a round broke off for want of call budget. Too many orders for one bucket would otherwise begin anew for ever."""

    since: datetime | None
    query: _Query
    page_token: str
    until: datetime | None
    begun_at: datetime


class OrdersPoll:
    """Rounds of searchOrders. Remembers, in this process, where a round broke off."""

    def __init__(self, *, client: SellingPartnerClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._interrupted: _Interrupted | None = None

    def poll(self, *, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        """
        Everything that changed since the last round, with an overlap; the first round also reads older orders that are still open.

        ``complete_until`` is Amazon's ``lastUpdatedBefore``: younger orders are held back for two minutes.
        """
        settings = self._settings
        if since is None:
            query = _Query(after=now - timedelta(seconds=settings.first_round_seconds))
            oldest = now - timedelta(seconds=settings.open_orders_seconds)
        else:
            query = _Query(after=since - timedelta(seconds=settings.order_overlap_seconds))
            oldest = query.after
        resumed, self._interrupted = self._interrupted, None
        page_token, until, begun_at = "", None, now
        if resumed is not None and resumed.since == since and now - resumed.begun_at < _PAGE_TOKEN_LIFE:
            query, page_token, until, begun_at = resumed.query, resumed.page_token, resumed.until, resumed.begun_at
        elif oldest < query.after:
            still_open = _Query(after=oldest, before=query.after, statuses=OPEN_STATUSES)
            for page in search(self._client, still_open, share=Share.POLL):
                yield PollPage(orders=page.orders)
        pages = search(self._client, query, share=Share.POLL, page_token=page_token, until=until)
        while True:
            try:
                page = next(pages)
            except RateLimitedError:
                if page_token:
                    self._interrupted = _Interrupted(
                        since=since, query=query, page_token=page_token, until=until, begun_at=begun_at
                    )
                raise
            page_token, until = page.next, page.until
            if not page_token:
                yield PollPage(orders=page.orders, complete_until=self._complete_until(page, now=now))
                return
            yield PollPage(orders=page.orders)

    def _complete_until(self, page: _Page, *, now: datetime) -> datetime:
        """By our own clock nothing younger than the hold-back can have been shown, whatever Amazon's clock says."""
        ours = max(now, page.ended_at) - timedelta(seconds=self._settings.index_delay_seconds)
        said = ours if page.until is None else min(page.until, ours)
        return said - timedelta(seconds=self._settings.order_settle_seconds)


def search(
    client: SellingPartnerClient,
    query: _Query,
    *,
    share: Share,
    page_token: str = "",
    until: datetime | None = None,
) -> Iterator[_Page]:
    """The pages of one search, from the first or from the one that a token names."""
    while True:
        answer, response = client.search_orders(
            updated_after=query.after,
            updated_before=query.before,
            statuses=query.statuses,
            page_token=page_token,
            share=share,
        )
        if not isinstance(answer.get("orders"), list):
            raise ContractError("a search for orders answered without orders", channel=CHANNEL)
        said = moment(answer.get("lastUpdatedBefore"))
        until = said if until is None or (said is not None and said < until) else until
        following = text(part(answer, "pagination").get("nextToken"))
        if following and following == page_token:
            raise ContractError("the next page of orders is the same page again", channel=CHANNEL)
        orders = read_orders(objects(answer["orders"]), source=Source.POLL, request_started_at=response.started_at)
        yield _Page(orders=tuple(orders), until=until, ended_at=response.ended_at, next=following)
        if not following:
            return
        page_token = following


def fetch_orders(client: SellingPartnerClient, order_ids: list[str]) -> list[OrderSnapshot]:
    """Orders by id, complete and as they are now; those that Amazon does not know are missing."""
    found = (_order(client, order_id) for order_id in dict.fromkeys(filter(None, order_ids)))
    return [order for order in found if order is not None]


def _order(client: SellingPartnerClient, order_id: str) -> OrderSnapshot | None:
    try:
        answer, response = client.order(order_id, share=Share.READ)
    except RejectedError as error:
        if error.status != 404 and error.code != "BAD_NAME":
            raise
        return None
    if not isinstance(answer.get("order"), Mapping):
        raise ContractError("getOrder answered without an order", channel=CHANNEL)
    return read_order(answer["order"], source=Source.READ, request_started_at=response.started_at)


def find_orders(
    client: SellingPartnerClient, *, sku: str, asin: str, now: datetime, settings: Settings
) -> list[OrderSnapshot]:
    """Open orders with a line of this SKU (or, where a line has none, of its ASIN). Orders of the last two minutes are not shown yet."""
    query = _Query(after=now - timedelta(seconds=settings.open_orders_seconds), statuses=OPEN_STATUSES)
    found = [order for page in search(client, query, share=Share.READ) for order in page.orders]
    return [
        order
        for order in found
        if any(
            line.listing.key == sku if line.listing.key else asin and line.listing.product_id == asin
            for line in order.lines
        )
    ]


# --- what Amazon holds ----------------------------------------------------------------------------------------------------------------


def poll_held(client: SellingPartnerClient, *, now: datetime) -> Iterator[PollPage]:
    """
    A full sweep: a read of changes alone would miss the inbound counts. Pages are read without a pause, their tokens live for 30 s.

    A sweep whose token died is begun once more.
    """
    try:
        try:
            held = _sweep(client)
        except RejectedError as error:
            if error.status != 400:
                raise
            logger.info("amazon: the FBA sweep broke off, once more: %s", error)
            held = _sweep(client)
    except CredentialsError as error:
        raise _without_role(error, "FBA inventory") from error
    for start in range(0, len(held), _HELD_PAGE):
        yield PollPage(held=tuple(held[start : start + _HELD_PAGE]))
    yield PollPage(complete_until=now)


def _sweep(client: SellingPartnerClient) -> list[MarketplaceStock]:
    page_token, found = "", list[MarketplaceStock]()
    while True:
        answer, response = client.fba_summaries(page_token=page_token, share=Share.BULK)
        summaries = part(answer, "payload").get("inventorySummaries")
        if not isinstance(summaries, list):
            raise ContractError("FBA inventory answered without summaries", channel=CHANNEL)
        found += read_summaries(objects(summaries), as_of=response.started_at)
        following = text(part(answer, "pagination").get("nextToken"))
        if following and following == page_token:
            raise ContractError("the next page of FBA inventory is the same page again", channel=CHANNEL)
        if not following:
            return add_up(found)
        page_token = following


# --- returns ----------------------------------------------------------------------------------------------------------------------------


class ReturnsPoll:
    """
    Rounds of the returns report. It names order and SKU, so the order is read by id to find the line; read orders are remembered.
    """

    def __init__(self, *, client: SellingPartnerClient, reports: Reports, settings: Settings) -> None:
        self._client = client
        self._reports = reports
        self._settings = settings
        self._known: dict[str, LinesBySku] = {}

    def poll(self, *, since: datetime | None, now: datetime) -> Iterator[PollPage]:
        settings = self._settings
        look_back = settings.first_returns_seconds if since is None else settings.returns_overlap_seconds
        start = max((since or now) - timedelta(seconds=look_back), now - timedelta(days=MOST_REPORT_DAYS - 1))
        try:
            report_id = self._reports.request(RETURNS, start=start, end=now, share=Share.BULK)
            rows = self._reports.rows(report_id, share=Share.BULK) or []
        except CredentialsError as error:
            raise _without_role(error, "the returns report") from error
        for first in range(0, len(rows), _RETURNS_PAGE):
            yield PollPage(returns=tuple(self._returns(rows[first : first + _RETURNS_PAGE], as_of=now)))
        yield PollPage(complete_until=now)

    def _returns(self, rows: list[dict[str, str]], *, as_of: datetime) -> list[ReturnSnapshot]:
        """A row whose order can't be read now comes without its line; the next report names it again."""
        order_ids = {text(row.get("order id")) for row in rows}
        for order_id in sorted(order_ids - self._known.keys() - {""}):
            try:
                order = _order(self._client, order_id)
            except RateLimitedError as error:
                logger.info("amazon: returns wait for their order lines: %s", error)
                break
            if len(self._known) >= _MOST_KNOWN_ORDERS:
                self._known.clear()
            self._known[order_id] = lines_by_sku(order) if order is not None else NO_LINES
        return read_return_rows(rows, lines=self._known, as_of=as_of)


def _without_role(error: CredentialsError, what: str) -> Exception:
    """A role that the application lacks for one kind of reading must not stop everything else."""
    if error.status != 403:
        return error
    return RejectedError(
        f"{what} can't be read, the application probably lacks the role: {error.message}",
        channel=CHANNEL,
        code=error.code,
        request_id=error.request_id,
        status=error.status,
    )
