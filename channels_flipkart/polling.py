"""
Rounds of polling: which queries, how their pages are walked, and what a page says.

Every shipment on a page is given as a snapshot that wants to be confirmed by id; a page shows only the parts that its query selects. Pages
come one by one, so that the engine can commit each before the next is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from channels_flipkart.client import FlipkartClient, Page
from channels_flipkart.mapping import read_returns, read_shipments
from channels_flipkart.paging import (
    RETURN_SOURCES,
    ShipmentQuery,
    is_long,
    narrowed,
    open_shipments,
    orders_round,
    returns_query,
)
from channels_flipkart.settings import Settings
from inventory_sync.domain.ports import PollPage, Share, StreamSpec
from inventory_sync.domain.snapshots import OrderSnapshot, ReturnSnapshot, Source

ORDERS, RETURNS, SWEEP = "orders", "returns", "sweep"
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def streams(settings: Settings) -> tuple[StreamSpec, ...]:
    """What to poll, and how often. The sweep finds changes that do not move ``modifiedDate`` (contract, section 6.3)."""
    return (
        StreamSpec(
            name=ORDERS,
            every_seconds=settings.poll_seconds,
            sale_seconds=settings.sale_poll_seconds,
            watermark=True,
        ),
        StreamSpec(
            name=RETURNS, every_seconds=settings.returns_poll_seconds, sale_seconds=settings.returns_poll_seconds
        ),
        StreamSpec(name=SWEEP, every_seconds=settings.sweep_seconds, sale_seconds=settings.sweep_seconds),
    )


def poll_orders(
    client: FlipkartClient, *, since: datetime | None, now: datetime, settings: Settings
) -> Iterator[PollPage]:
    """One round of the six queries. ``complete_until`` is the round's start less the delay of Flipkart's index."""
    seen = _Seen()
    for query in orders_round(since=since, now=now, settings=settings):
        # Offset paging can skip a row when others leave the result meanwhile. Short windows overlap; long ones are read twice.
        for _ in range(2 if is_long(query, settings=settings) else 1):
            pages = 0
            for page in shipment_pages(client, query, settings=settings, now=now, share=Share.POLL):
                pages += 1
                yield seen.poll_page(page)
            if pages == 1:
                break
    yield PollPage(complete_until=now - timedelta(seconds=settings.index_delay_seconds))


def poll_sweep(client: FlipkartClient, *, now: datetime, settings: Settings) -> Iterator[PollPage]:
    """Every shipment that has not left; all of them are read by id, since their ``updatedAt`` may not have moved."""
    seen = _Seen()
    for query in open_shipments():
        for page in shipment_pages(client, query, settings=settings, now=now, share=Share.BULK):
            told = seen.poll_page(page)
            changed = dict.fromkeys((*(order.key for order in told.orders), *told.changed))
            yield replace(told, changed=tuple(changed))
    yield PollPage(complete_until=now - timedelta(seconds=settings.index_delay_seconds))


def poll_returns(
    client: FlipkartClient, *, since: datetime | None, now: datetime, settings: Settings
) -> Iterator[PollPage]:
    """Customer and courier returns: ``source`` is mandatory, so two queries (contract, section 7.1)."""
    seen: set[ReturnSnapshot] = set()
    for source in RETURN_SOURCES:
        page: Page | None = client.returns(returns_query(source=source, since=since, now=now, settings=settings))
        while page is not None:
            told = read_returns(page.items, source=Source.POLL, asked_for=source)
            yield PollPage(returns=tuple(each for each in told if each not in seen))
            seen.update(told)
            page = client.next_returns(page) if page.next else None
    yield PollPage(complete_until=now - timedelta(seconds=settings.index_delay_seconds))


def shipment_pages(
    client: FlipkartClient, query: ShipmentQuery, *, settings: Settings, now: datetime, share: Share
) -> Iterator[Page]:
    """All pages of a query. Where it gets too deep for offset paging it goes on with a narrower window."""
    waiting = [query]
    while waiting:
        current = waiting.pop(0)
        page = client.filter_shipments(current.body(page_size=settings.shipment_page), share=share)
        yield page
        depth = 1
        while page.next:
            if depth >= settings.shipment_page_depth:
                overlap = settings.shipment_depth_overlap_seconds
                waiting = [*narrowed(current, last_page=page.items, now=now, overlap_seconds=overlap), *waiting]
                break
            page = client.next_shipments(page, share=share)
            yield page
            depth += 1


def named_shipments(pages: Sequence[Page]) -> list[str]:
    """Shipment ids on these pages, each once."""
    told = [read_shipments(page.items, source=Source.POLL, request_started_at=page.started_at) for page in pages]
    return list(
        dict.fromkeys(key for page in told for key in (*(order.key for order in page.orders), *page.unreadable))
    )


class _Seen:
    """What a round has told already: rows shift between pages, and one shipment answers to several queries."""

    def __init__(self) -> None:
        self._orders: set[OrderSnapshot] = set()
        self._unreadable: set[str] = set()

    def poll_page(self, page: Page) -> PollPage:
        told = read_shipments(page.items, source=Source.POLL, request_started_at=page.started_at)
        orders = [order for order in told.orders if _timeless(order) not in self._orders]
        changed = [key for key in told.unreadable if key not in self._unreadable]
        self._orders.update(map(_timeless, orders))
        self._unreadable.update(changed)
        return PollPage(orders=tuple(orders), changed=tuple(changed))


def _timeless(order: OrderSnapshot) -> OrderSnapshot:
    """A shipment with the same content is the same, whenever we asked."""
    return replace(order, request_started_at=_ANY_TIME)
