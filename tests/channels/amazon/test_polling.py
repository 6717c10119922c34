"""Rounds of polling, and reads of orders by id."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inventory_sync.domain.errors import BudgetError, ContractError, RateLimitedError, RejectedError
from inventory_sync.domain.ports import PollPage, Share
from inventory_sync.domain.snapshots import ListingIds, Source
from tests.channels.amazon.official import check_answer, example
from tests.channels.amazon.stub import Answer, Seen, Stub, make_adapter, refusal
from tests.channels.amazon.test_mapping import api_order
from tests.channels.ports import FreeBudget

NOW = datetime(2026, 10, 12, 7, 0, tzinfo=UTC)
SEARCH = "GET /orders/2026-01-01/orders"
SUMMARIES = "GET /fba/inventory/v1/summaries"
ORDER_ID = "405-1234567-7654321"


def page(*orders: dict[str, Any], token: str = "", until: str | None = "2026-10-12T06:58:00Z") -> Answer:
    body: dict[str, Any] = {"orders": list(orders)}
    if token:
        body["pagination"] = {"nextToken": token}
    if until:
        body["lastUpdatedBefore"] = until
    return Answer(body=body)


def polled(
    stub: Stub, *, since: datetime | None = NOW - timedelta(minutes=3), stream: str = "orders", **options: Any
) -> list[PollPage]:
    return list(make_adapter(stub.url, **options).poll(stream=stream, since=since, now=NOW))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_round_reads_what_changed_with_an_overlap_and_moves_the_watermark(stub: Stub) -> None:
    stub.on(SEARCH, page(api_order()))

    [told] = polled(stub)

    assert stub.calls()[0].query == {
        "marketplaceIds": "A21TJRUUN4KGV",
        "lastUpdatedAfter": "2026-10-12T06:52:00.000Z",
        "includedData": "FULFILLMENT,CANCELLATION,PACKAGES",
        "maxResultsPerPage": "100",
    }
    assert [(order.key, order.source) for order in told.orders] == [(ORDER_ID, Source.POLL)]
    assert told.complete_until == at("2026-10-12T06:55:00Z")  # less the time in which a new order may change once more


def test_pages_are_followed_with_the_same_filters_and_only_the_last_completes(stub: Stub) -> None:
    stub.on(SEARCH, page(api_order(), token="t1"), page(token="t2"), page(until="2026-10-12T06:59:30Z"))

    pages = polled(stub)

    queries = [seen.query for seen in stub.calls()]
    assert [query.pop("paginationToken", "") for query in queries] == ["", "t1", "t2"]
    assert queries[0] == queries[1] == queries[2]
    assert [each.complete_until for each in pages] == [None, None, at("2026-10-12T06:55:00Z")]


def test_a_clock_that_runs_ahead_at_amazon_cant_move_the_watermark_ahead_of_ours(stub: Stub) -> None:
    stub.on(SEARCH, page(until="2126-10-12T07:30:00Z"))

    [told] = polled(stub)

    assert told.complete_until is not None
    assert told.complete_until <= max(NOW, datetime.now(UTC)) - timedelta(seconds=119)


def test_without_a_word_from_amazon_the_hold_back_bounds_the_watermark(stub: Stub) -> None:
    stub.on(SEARCH, page(until=None))

    [told] = polled(stub)

    assert told.complete_until is not None
    assert told.complete_until <= max(NOW, datetime.now(UTC)) - timedelta(seconds=119)


def test_a_first_round_reads_older_orders_that_are_still_open_and_everything_recent(stub: Stub) -> None:
    stub.on(SEARCH, page(api_order()))

    pages = polled(stub, since=None)

    older, recent = (seen.query for seen in stub.calls())
    assert older["fulfillmentStatuses"] == "PENDING_AVAILABILITY,PENDING,UNSHIPPED,PARTIALLY_SHIPPED"
    assert older["lastUpdatedBefore"] == recent["lastUpdatedAfter"] == "2026-10-09T07:00:00.000Z"
    assert older["lastUpdatedAfter"] == "2026-09-12T07:00:00.000Z"
    assert [each.complete_until is not None for each in pages] == [False, True]


def test_a_round_that_the_budget_cut_short_goes_on_where_it_stopped(stub: Stub) -> None:
    stub.on(
        SEARCH,
        page(api_order(), token="t1"),
        refusal(429, "QuotaExceeded"),
        page(api_order("SHIPPED"), until="2026-10-12T07:30:00Z"),
    )
    adapter = make_adapter(stub.url)
    since = NOW - timedelta(minutes=3)
    seen: list[PollPage] = []

    with pytest.raises(RateLimitedError) as caught:
        seen.extend(adapter.poll(stream="orders", since=since, now=NOW))
    rest = list(adapter.poll(stream="orders", since=since, now=NOW + timedelta(minutes=40)))

    assert caught.value.retry_after == pytest.approx(178.6, abs=1)
    assert [each.complete_until for each in seen] == [None]
    queries = [call.query for call in stub.calls()]
    assert queries[1] == queries[2]
    assert rest[-1].complete_until == at(
        "2026-10-12T06:55:00Z"
    )  # of the first page: later changes come with the next round

    list(adapter.poll(stream="orders", since=rest[-1].complete_until, now=NOW + timedelta(minutes=43)))
    assert "paginationToken" not in stub.calls()[-1].query


def test_a_server_that_fails_for_a_moment_costs_nothing_but_a_moment(stub: Stub) -> None:
    stub.on(SEARCH, Answer(status=503, body=b"<html>"), Answer(status=500), page(api_order()))

    [told] = polled(stub)

    assert len(told.orders) == 1


@pytest.mark.parametrize("body", [{}, {"orders": None}, {"payload": {"Orders": []}}, []])
def test_an_answer_without_orders_is_never_taken_for_no_orders(stub: Stub, body: Any) -> None:
    stub.on(SEARCH, Answer(body=body))

    with pytest.raises(ContractError):
        polled(stub)


def test_a_page_that_names_itself_as_the_next_one_ends_the_round(stub: Stub) -> None:
    stub.on(SEARCH, page(token="same"))

    with pytest.raises(ContractError):
        polled(stub)


def test_our_own_budget_is_waited_for_if_it_is_short_and_raised_if_it_is_long(stub: Stub) -> None:
    stub.on(SEARCH, page())

    class Stingy(FreeBudget):
        refusals = 2

        def take(self, *, operation: str, share: Share, cost: float = 1.0) -> None:
            if operation == "searchOrders" and self.refusals:
                self.refusals -= 1
                raise BudgetError("later", retry_after=0.02)
            super().take(operation=operation, share=share, cost=cost)

    assert len(polled(stub, budget=Stingy())) == 1
    with pytest.raises(BudgetError):
        polled(stub, budget=FreeBudget(spent={"searchOrders"}))


def test_orders_are_read_by_id_complete_and_unknown_ones_are_missing(stub: Stub) -> None:
    body = check_answer(
        "orders_2026-01-01", "GetOrderResponse", {"order": example("search_orders_2026.response")["orders"][0]}
    )
    stub.on(f"GET /orders/2026-01-01/orders/{ORDER_ID}", Answer(body=body))
    stub.on("GET /orders/2026-01-01/orders/405-0000000-0000000", refusal(404, "NOT_FOUND"))

    found = make_adapter(stub.url).fetch_orders([ORDER_ID, "405-0000000-0000000", ORDER_ID, "", ".."])

    assert [(order.key, order.source, order.complete) for order in found] == [(ORDER_ID, Source.READ, True)]
    assert stub.calls()[0].query == {"includedData": "FULFILLMENT,CANCELLATION,PACKAGES"}
    assert len(stub.calls()) == 2


def test_open_orders_of_one_listing_are_found_by_sku_or_where_that_is_missing_by_asin(stub: Stub) -> None:
    other, bare = api_order(orderId="405-0000000-0000001"), api_order(orderId="405-0000000-0000002")
    other["orderItems"][0]["product"]["sellerSku"] = "OTHER"
    bare["orderItems"][0]["product"] = {"asin": "B0INTEE001"}
    stub.on(SEARCH, page(api_order(), other, bare))

    found = make_adapter(stub.url).find_orders(listing=ListingIds(key="TEE", product_id="B0INTEE001"))

    assert [order.key for order in found] == [ORDER_ID, "405-0000000-0000002"]
    assert stub.calls()[0].query["fulfillmentStatuses"].startswith("PENDING_AVAILABILITY")


# --- what Amazon holds ----------------------------------------------------------------------------------------------------------------


def summaries(*rows: dict[str, Any], token: str = "") -> Answer:
    granularity = {"granularityType": "Marketplace", "granularityId": "A21TJRUUN4KGV"}
    body: dict[str, Any] = {"payload": {"granularity": granularity, "inventorySummaries": list(rows)}}
    if token:
        body["pagination"] = {"nextToken": token}
    return Answer(body=body)


def test_the_sweep_reads_every_page_and_adds_conditions_up(stub: Stub) -> None:
    rows = check_answer("fbaInventory", "GetInventorySummariesResponse", example("fba_summaries.response"))
    first = rows["payload"]["inventorySummaries"][0]
    used = {"sellerSku": first["sellerSku"], "condition": "Used", "inventoryDetails": {"fulfillableQuantity": 2}}
    stub.on(SUMMARIES, summaries(first, token="t1"), summaries(used, {"sellerSku": "NEW-SKU"}))

    pages = polled(stub, stream="fba")

    held = {each.listing.key: each for told in pages for each in told.held}
    both, unknown = held["BLUE-TEE-L-FBA"], held["NEW-SKU"]
    assert (both.fulfillable, both.reserved, both.inbound, both.unfulfillable) == (59, 5, 50, 1)
    assert (both.listing.product_id, both.listing.listing_ref) == ("B0INTEE001", "X0012INTEE")
    assert (unknown.fulfillable, unknown.reserved, unknown.inbound, unknown.unfulfillable) == (None, None, None, None)
    assert pages[-1].complete_until == NOW
    assert stub.calls()[1].query["nextToken"] == "t1"
    assert stub.calls()[0].query["details"] == "true"


def test_a_sweep_whose_token_died_is_begun_once_more(stub: Stub) -> None:
    row = {"sellerSku": "A", "inventoryDetails": {"fulfillableQuantity": 1}}
    stub.on(SUMMARIES, summaries(row, token="t1"), refusal(400, "InvalidInput", "expired"), summaries(row))

    pages = polled(stub, stream="fba")

    assert [each.listing.key for told in pages for each in told.held] == ["A"]


def test_a_missing_role_for_fba_does_not_stop_the_account(stub: Stub) -> None:
    stub.on(SUMMARIES, refusal(403, "Unauthorized", "Access to requested resource is denied."))

    with pytest.raises(RejectedError, match="role"):
        polled(stub, stream="fba")


def test_the_streams_follow_the_settings(stub: Stub) -> None:
    streams = {each.name: each for each in make_adapter(stub.url, settings={"poll_seconds": "90"}).streams()}

    assert (streams["orders"].every_seconds, streams["orders"].sale_seconds, streams["orders"].watermark) == (
        90,
        180,
        True,
    )
    assert streams["fba"].watermark is False
    assert "returns" in streams
    assert "returns" not in {
        each.name for each in make_adapter(stub.url, settings={"returns_report": "false"}).streams()
    }
    with pytest.raises(RejectedError):
        make_adapter(stub.url).poll(stream="weather", since=None, now=NOW)


def test_answers_of_the_api_are_complete_pages_of_their_own(stub: Stub) -> None:
    """The answer's own request time breaks ties between equal channel times."""

    def answer(_: Seen) -> Answer:
        return page(api_order())

    stub.on(SEARCH, answer)
    before = datetime.now(UTC)

    [told] = polled(stub)

    assert before <= told.orders[0].request_started_at <= datetime.now(UTC)
