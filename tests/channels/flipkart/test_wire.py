"""The adapter over real HTTP against a stub: what it sends, and what it makes of odd answers."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from channels_flipkart.adapter import FlipkartAdapter
from inventory_sync.domain.errors import (
    ContractError,
    NotWritableError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    SetupError,
)
from inventory_sync.domain.ports import ChannelAdapter, PollPage, PushResult, Share, WriteKind
from inventory_sync.domain.snapshots import Fulfilment, Hazard, ListingIds, Source
from tests.channels.flipkart import official
from tests.channels.flipkart.fixtures import NOW, fixture, row, shipment, update
from tests.channels.flipkart.stub import TOKEN_PATH, Answer, Stub, adapter_for
from tests.channels.ports import FreeBudget, make_account, make_ports

INVENTORY = "/sellers/listings/v3/update/inventory"
DETAILS = "/sellers/listings/v3/details"
SEARCH = "/sellers/listings/v3/search"
FILTER = "/sellers/v3/shipments/filter"
SHIPMENTS = "/sellers/v3/shipments"
RETURNS = "/sellers/v2/returns"
LOCATIONS = "/sellers/locations/allLocations"

OK = {"status": "SUCCESS", "errors": [], "attribute_errors": []}
HTML = Answer(status=504, body=b"<html><h1>Gateway Time-out</h1></html>", headers={"Content-Type": "text/html"})
NO_MORE = Answer(body={"hasMore": False, "nextPageUrl": "/v3/shipments/filter?next_token=", "shipments": []})


@pytest.fixture(autouse=True)
def _everything_sent_is_official(flipkart):
    yield
    for seen in flipkart.seen:
        official.check(seen)


def page(*shipments, more=False, next_url="/v3/shipments/filter?next_token=abc%3D") -> Answer:
    return Answer(body={"shipments": list(shipments), "nextPageUrl": next_url, "hasMore": more, "new": 1})


def poll(adapter: FlipkartAdapter, stream: str = "orders", *, since=NOW - timedelta(minutes=10)) -> list[PollPage]:
    return list(adapter.poll(stream=stream, since=since, now=NOW))


def keys(pages: list[PollPage]) -> list[str]:
    return [order.key for told in pages for order in told.orders]


# --- quantities ---


def test_a_batch_is_one_call_of_absolute_quantities(flipkart: Stub):
    flipkart.on(INVENTORY, Answer(body={"B": OK, "A": OK}))
    updates = [update("A", 5), update("B", 0, row_id=2), update("A", 7, row_id=3, location_id="LOC2")]

    told = adapter_for(flipkart.url).push_stock(updates)

    assert [(each.row_id, each.result) for each in told] == [(1, "accepted"), (2, "accepted"), (3, "accepted")]
    [sent] = flipkart.calls()
    assert sent.headers["content-type"] == "application/json; charset=utf-8"
    assert sent.json["A"]["locations"] == [{"id": "LOC1", "inventory": 5}, {"id": "LOC2", "inventory": 7}]


def test_stock_that_is_not_ours_is_refused_before_any_call(flipkart: Stub):
    kinds = (Fulfilment.FBF, Fulfilment.FBF_LITE, Fulfilment.UNKNOWN, Fulfilment.FBA)
    updates = [update(f"S{index}", row_id=index, fulfilment=kind) for index, kind in enumerate(kinds)]

    told = adapter_for(flipkart.url).push_stock(updates)

    assert {(each.result, each.code, each.permanent) for each in told} == {("refused", "NOT_WRITABLE", True)}
    assert flipkart.seen == []


def test_one_refused_update_does_not_hold_back_the_others(flipkart: Stub):
    flipkart.on(INVENTORY, Answer(body={"A": OK}))

    told = adapter_for(flipkart.url).push_stock(
        [update("B", row_id=1, fulfilment=Fulfilment.FBF), update("A", row_id=2)]
    )

    assert [each.result for each in told] == [PushResult.REFUSED, PushResult.ACCEPTED]
    assert list(flipkart.calls()[0].json) == ["A"]


def test_a_later_value_of_the_same_row_replaces_an_earlier_one_and_no_call_is_too_large(flipkart: Stub):
    flipkart.on(INVENTORY, Answer(body={"A": OK, "B": OK}))
    adapter = adapter_for(flipkart.url, settings={"listing_batch": 2})

    told = adapter.push_stock([update("A", 1), update("B", 2, row_id=2), update("C", 3, row_id=3), update("A", 4)])

    assert [each.result for each in told] == ["not_sent", "accepted", "not_sent", "accepted"]
    assert {sku: entry["locations"][0]["inventory"] for sku, entry in flipkart.calls()[0].json.items()} == {
        "B": 2,
        "A": 4,
    }


@pytest.mark.parametrize(
    ("answer", "result", "code"),
    [
        (HTML, "unknown", ""),
        (Answer(status=500, body={"errors": [{"code": 5, "description": "x"}]}), "unknown", "5"),
        (Answer(status=599, body=b""), "unknown", ""),
        (Answer(hang_up=True), "unknown", "ConnectionError"),
        (Answer(status=200, body=b"<html>fine</html>", headers={"Content-Type": "text/html"}), "unknown", ""),
        (Answer(status=200, body=b'{"A": {"stat'), "unknown", ""),
        (Answer(status=200, body=[OK]), "unknown", ""),
        (Answer(status=202, body={}), "unknown", "MISSING"),
        (Answer(status=302, body=b"", headers={"Location": "/login"}), "refused", "BATCH_REFUSED"),
        (Answer(status=400, body={"errors": [{"code": 1, "description": "bad"}]}), "refused", "BATCH_REFUSED"),
        (Answer(status=422, body={"errorCode": "UNPROCESSABLE_ENTITY"}), "refused", "BATCH_REFUSED"),
        (Answer(status=429, headers={"Retry-After": "9"}), "not_sent", ""),
    ],
)
def test_a_failed_write_is_never_repeated_and_says_what_may_have_happened(flipkart: Stub, answer, result, code):
    flipkart.on(INVENTORY, answer)

    told = adapter_for(flipkart.url).push_stock([update("A"), update("B", row_id=2)])

    assert [(each.result, each.code, each.permanent, each.setup) for each in told] == [(result, code, False, False)] * 2
    assert len(flipkart.calls()) == 1


def test_too_many_calls_empties_the_budget_for_as_long_as_flipkart_says(flipkart: Stub):
    budget = FreeBudget()
    flipkart.on(INVENTORY, Answer(status=429, headers={"Retry-After": "9"}), Answer(status=429))
    adapter = adapter_for(flipkart.url, budget=budget)

    first = adapter.push_stock([update("A")])
    adapter.push_stock([update("A")])

    assert first[0].retry_after == 9
    assert budget.emptied == [("inventory_update", 9.0), ("inventory_update", 60.0)]


def test_a_silent_write_is_unknown_at_its_deadline(flipkart: Stub):
    import threading

    release = threading.Event()

    def silent(_):
        release.wait(5)
        return Answer(body={"A": OK})

    flipkart.answers[INVENTORY] = silent
    told = adapter_for(flipkart.url, settings={"write_deadline_seconds": 0.3}).push_stock([update("A")])
    release.set()

    assert [(each.result, each.message) for each in told] == [("unknown", "no answer in time")]
    assert len(flipkart.calls()) == 1


def test_what_never_left_was_not_sent(flipkart: Stub):
    unreachable = adapter_for("http://127.0.0.1:9", auth_base=flipkart.url)
    spent = adapter_for(flipkart.url, budget=FreeBudget(spent={"inventory_update"}))

    [refused] = unreachable.push_stock([update("A")])
    [poor] = spent.push_stock([update("A")])

    assert (refused.result, refused.message) == (PushResult.NOT_SENT, "could not connect")
    assert (poor.result, poor.retry_after) == (PushResult.NOT_SENT, 7.0)
    assert flipkart.calls() == []


def test_a_token_endpoint_that_fails_leaves_the_write_unsent(flipkart: Stub):
    flipkart.on(TOKEN_PATH, HTML)

    [told] = adapter_for(flipkart.url, settings={"read_retries": 0}).push_stock([update("A")])

    assert (told.result, told.setup) == (PushResult.NOT_SENT, False)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_access_is_a_matter_of_setup(flipkart: Stub, status):
    flipkart.on(INVENTORY, Answer(status=status, body={"error": "invalid_token" if status == 401 else "forbidden"}))

    [told] = adapter_for(flipkart.url).push_stock([update("A")])

    assert (told.result, told.setup) == (PushResult.REFUSED, True)
    assert len(flipkart.calls()) == (2 if status == 401 else 1)


def test_a_write_after_a_dead_token_is_made_once_more_with_a_new_one(flipkart: Stub):
    wrapped = Answer(status=500, body={"errorId": "e", "error": '{"error":"invalid_token"}'})
    flipkart.on(INVENTORY, wrapped, Answer(body={"A": OK}))

    [told] = adapter_for(flipkart.url).push_stock([update("A")])

    assert told.result is PushResult.ACCEPTED
    assert [seen.headers["authorization"] for seen in flipkart.calls()] == ["Bearer token-1", "Bearer token-2"]


def test_the_last_known_location_status_is_sent_where_the_account_wants_it(flipkart: Stub):
    flipkart.on(DETAILS, Answer(body=fixture("details.json")))
    flipkart.on(INVENTORY, Answer(body={"TEE-BLK-M": OK}))
    updates = [
        update(quantity=1),
        update(quantity=2, row_id=2, location_id="LOC2"),
        update(quantity=3, row_id=3, location_id="NEW"),
    ]

    adapter_for(flipkart.url, settings={"inventory_send_location_status": "yes"}).push_stock(updates)

    assert flipkart.calls(INVENTORY)[0].json["TEE-BLK-M"]["locations"] == [
        {"id": "LOC1", "inventory": 1, "status": "ENABLED"},
        {"id": "LOC2", "inventory": 2, "status": "DISABLED"},
        {"id": "NEW", "inventory": 3},
    ]


def test_the_most_urgent_update_pays_for_the_call(flipkart: Stub):
    budget = FreeBudget()
    flipkart.on(INVENTORY, Answer(body={"A": OK, "B": OK}))

    adapter_for(flipkart.url, budget=budget).push_stock([update("A"), update("B", row_id=2, share=Share.URGENT)])

    assert ("inventory_update", Share.URGENT, 1) in budget.taken


# --- reading quantities and listings ---


def test_stock_is_read_from_details_row_by_row(flipkart: Stub):
    flipkart.on(DETAILS, Answer(body=fixture("details.json")))
    rows = [row(), row(row_id=2, location_id="LOC2"), row(row_id=3, location_id="LOC9"), row("NO-SUCH-SKU", row_id=4)]

    told = {each.row_id: each for each in adapter_for(flipkart.url).read_stock([*rows, row("CAP-RED", row_id=5)])}

    assert (told[1].quantity, told[1].open_units, told[1].active, told[1].enabled) == (7, 3, True, True)
    assert (told[2].quantity, told[2].enabled) == (None, False)
    assert (told[3].quantity, told[3].active, told[3].enabled) == (None, True, None)
    assert (told[4].quantity, told[4].active) == (None, None)
    assert (told[5].quantity, told[5].active) == (4, False)
    [sent] = flipkart.calls()
    assert sent.json == {"sku_ids": ["TEE-BLK-M", "NO-SUCH-SKU", "CAP-RED"]}


def test_details_are_read_ten_at_a_time(flipkart: Stub):
    flipkart.answers[DETAILS] = lambda seen: Answer(body={"available": {}, "unavailable": seen.json["sku_ids"]})

    told = adapter_for(flipkart.url).read_stock([row(f"S{index}", row_id=index) for index in range(23)])

    assert [len(seen.json["sku_ids"]) for seen in flipkart.calls()] == [10, 10, 3]
    assert sorted(each.row_id for each in told) == list(range(23))


def test_without_a_details_endpoint_listings_are_read_by_get(flipkart: Stub):
    sku = "A/B, C"
    flipkart.on("/sellers/listings/v3/A%2FB%2C%20C,D", Answer(body={"available": {sku: {"listing_status": "ACTIVE"}}}))
    adapter = adapter_for(flipkart.url)

    first = adapter.read_stock([row(sku), row("D", row_id=2)])
    adapter.read_stock([row(sku), row("D", row_id=2)])

    assert [each.row_id for each in first] == [1]
    assert [seen.method for seen in flipkart.calls()] == ["POST", "GET", "GET"]


def test_one_bad_sku_does_not_hide_the_good_ones(flipkart: Stub):
    def details(seen):
        skus = seen.json["sku_ids"]
        if "BAD" in skus:
            return Answer(status=400, body={"errors": [{"severity": "ERROR", "code": 9, "description": "bad sku"}]})
        return Answer(body={"available": {}, "unavailable": skus})

    flipkart.answers[DETAILS] = details
    rows = [row(sku, row_id=index) for index, sku in enumerate(["A", "B", "BAD", "C"])]

    assert sorted(each.row_id for each in adapter_for(flipkart.url).read_stock(rows)) == [0, 1, 3]
    with pytest.raises(RejectedError):
        adapter_for(flipkart.url).read_stock(rows[2:3])


def test_a_wrong_prefix_is_an_error_and_not_an_empty_catalogue(flipkart: Stub):
    with pytest.raises(RejectedError):
        adapter_for(flipkart.url).read_stock([row()])


def test_listings_are_read_by_sku(flipkart: Stub):
    flipkart.on(DETAILS, Answer(body=fixture("details.json")))

    told = adapter_for(flipkart.url).read_listings([ListingIds(key="TEE-BLK-M"), ListingIds(key="ODD")])

    assert [listing.ids.key for listing in told] == ["TEE-BLK-M", "CAP-RED", "ODD"]
    assert told[0].ids.listing_ref == "LSTTSHDEMO00000AB12XYZ789"


def catalogue(flipkart: Stub) -> None:
    """23 active listings on two search pages, one inactive one that comes as a lone object."""
    pages = {
        ("ACTIVE", None): ([f"A{index}" for index in range(21)], "p2"),
        ("ACTIVE", "p2"): (["A21", "GONE"], None),
    }

    def search(seen):
        status, page_id = seen.json["filters"]["listing_status"], seen.json["page_id"]
        if status == "INACTIVE":
            return Answer(
                body={
                    "listings": {"sku_id": "OFF", "listing_id": "L", "product_id": "P"},
                    "has_more": True,
                    "next_page_id": None,
                }
            )
        skus, following = pages[status, page_id]
        references = [{"sku_id": sku, "listing_id": f"L-{sku}", "product_id": f"P-{sku}"} for sku in skus]
        return Answer(body={"listings": references, "has_more": bool(following), "next_page_id": following})

    def details(seen):
        listing = {
            "listing_status": "ACTIVE",
            "fulfillment_profile": "NON_FBF",
            "locations": [{"id": "LOC7", "inventory": 1}],
        }
        return Answer(
            body={"available": {sku: listing for sku in seen.json["sku_ids"] if sku != "GONE"}, "unavailable": ["GONE"]}
        )

    flipkart.answers[SEARCH], flipkart.answers[DETAILS] = search, details


def test_a_listing_pull_can_go_on_after_every_page(flipkart: Stub):
    catalogue(flipkart)
    adapter = adapter_for(flipkart.url)
    whole = list(adapter.pull_listings())
    skus = [listing.ids.key for told in whole for listing in told.listings]

    assert skus == [*(f"A{index}" for index in range(22)), "GONE", "OFF"]
    assert [len(told.listings) for told in whole] == [10, 10, 1, 2, 1]
    assert whole[-1].cursor == ""
    for index, told in enumerate(whole[:-1]):
        rest = [listing.ids.key for later in adapter.pull_listings(cursor=told.cursor) for listing in later.listings]
        assert rest == [listing.ids.key for later in whole[index + 1 :] for listing in later.listings]


def test_a_listing_pull_says_how_much_there_is_and_how_many_calls_are_left(flipkart: Stub):
    catalogue(flipkart)

    whole = list(adapter_for(flipkart.url).pull_listings())

    assert {told.total for told in whole} == {24}
    assert [told.calls_left for told in whole] == [3, 2, 2, 2, 0]


def test_a_listing_pull_begins_with_what_is_asked_for_first_and_still_reads_all(flipkart: Stub):
    catalogue(flipkart)
    adapter = adapter_for(flipkart.url)

    whole = list(adapter.pull_listings(first=["A20", "A20", "A3"]))

    assert [listing.ids.key for listing in whole[0].listings] == ["A20", "A3"]
    assert {listing.ids.key for told in whole[1:] for listing in told.listings} >= {"A3", "A20", "OFF"}
    rest = list(adapter.pull_listings(cursor=whole[0].cursor, first=["A20"]))
    assert [listing.ids.key for listing in rest[0].listings][:2] == ["A0", "A1"]


def test_best_sellers_that_cannot_be_read_do_not_stop_a_pull(flipkart: Stub):
    catalogue(flipkart)
    details = flipkart.answers[DETAILS]
    flipkart.answers[DETAILS] = lambda seen: Answer(400) if "BAD" in seen.json["sku_ids"] else details(seen)

    whole = list(adapter_for(flipkart.url).pull_listings(first=["BAD"]))

    assert sum(len(told.listings) for told in whole) == 24


def test_a_listing_that_details_do_not_describe_is_known_but_not_writable(flipkart: Stub):
    catalogue(flipkart)

    told = {listing.ids.key: listing for page in adapter_for(flipkart.url).pull_listings() for listing in page.listings}

    assert (told["GONE"].fulfilment, told["GONE"].ids.product_id, told["GONE"].active) == (
        Fulfilment.UNKNOWN,
        "P-GONE",
        True,
    )


@pytest.mark.parametrize("cursor", ["{", "[]", '{"status": "ODD", "page_id": "", "done": 0}'])
def test_a_cursor_that_is_not_ours_is_refused(flipkart: Stub, cursor):
    with pytest.raises(RejectedError):
        list(adapter_for(flipkart.url).pull_listings(cursor=cursor))


def test_a_search_that_repeats_its_page_ends(flipkart: Stub):
    flipkart.on(SEARCH, Answer(body={"listings": [], "has_more": True, "next_page_id": "again"}))

    assert list(adapter_for(flipkart.url).pull_listings()) == []
    assert len(flipkart.calls(SEARCH)) == 8  # two for each status, to count and to read


def test_locations_come_from_the_list_or_else_from_listings(flipkart: Stub):
    catalogue(flipkart)
    adapter = adapter_for(flipkart.url, settings={"marketplace_locations": "LOC7"})

    [learned] = adapter.locations()
    flipkart.on(LOCATIONS, Answer(body={"locations": [{"locationId": "LOC1", "locationName": "Pune"}]}))
    [listed] = adapter.locations()

    assert (learned.location_id, learned.managed) == ("LOC7", False)
    assert (listed.location_id, listed.name, listed.managed) == ("LOC1", "Pune", True)


# --- orders and returns ---


def test_a_round_asks_six_questions_and_ends_with_its_watermark(flipkart: Stub):
    flipkart.on(FILTER, NO_MORE)

    told = poll(adapter_for(flipkart.url))

    assert len(flipkart.calls(FILTER)) == 6  # a next URL beside hasMore false is not followed
    assert [each.complete_until for each in told[:-1]] == [None] * 6
    assert told[-1] == PollPage(complete_until=NOW - timedelta(minutes=5))
    assert {seen.json["pagination"]["pageSize"] for seen in flipkart.calls(FILTER)} == {20}
    assert {(seen.json["sort"]["field"], seen.json["sort"]["order"]) for seen in flipkart.calls(FILTER)} == {
        ("modifiedDate", "asc")
    }


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("prefix", ["", "/sellers"])
def test_pages_are_followed_below_the_prefix_with_the_same_token(flipkart: Stub, prefix, absolute):
    url = f"{flipkart.url if absolute else ''}{prefix}/v3/shipments/filter?next_token=abc%3D"
    pages = {"abc=": page(shipment("S-2"), shipment("S-1"))}

    def answer(seen):
        if seen.method == "GET":
            return pages[seen.query["next_token"]]
        first = seen.json["filter"].get("hold") is False
        return page(shipment("S-1"), more=True, next_url=url) if first else NO_MORE

    flipkart.answers[FILTER] = answer

    told = poll(adapter_for(flipkart.url))

    assert keys(told) == ["S-1", "S-2"]  # the row that shifted onto the second page is told once
    assert flipkart.calls(FILTER)[1].headers["authorization"] == "Bearer token-1"
    for order in (order for each in told for order in each.orders):
        assert (order.source, order.confirm, order.complete) == (Source.POLL, True, False)


def test_a_shipment_that_looks_different_in_another_query_is_told_again(flipkart: Stub):
    def answer(seen):
        wanted = seen.json["filter"]
        if wanted.get("cancellationType") == "buyerCancellation":
            return page(shipment("S-1", status="CANCELLED"))
        return page(shipment("S-1")) if wanted["type"] == "preDispatch" else NO_MORE

    flipkart.answers[FILTER] = answer

    orders = [order for each in poll(adapter_for(flipkart.url)) for order in each.orders]

    assert [order.lines[0].cancelled for order in orders] == [0, 1]


def test_a_next_page_on_another_host_never_gets_our_token(flipkart: Stub):
    flipkart.on(
        FILTER, page(shipment("S-1"), more=True, next_url="http://127.0.0.1:9/sellers/v3/shipments/filter?next_token=x")
    )

    with pytest.raises(ContractError, match="own host"):
        poll(adapter_for(flipkart.url))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body={"hasMore": True, "shipments": []}),
        Answer(body={"hasMore": True, "nextPageUrl": None, "shipments": []}),
        Answer(body={"nothing": "known"}),
        Answer(body=[]),
        Answer(body=b"<html>fine</html>", headers={"Content-Type": "text/html"}),
    ],
)
def test_a_round_that_can_not_be_read_to_its_end_sets_no_watermark(flipkart: Stub, answer):
    flipkart.on(FILTER, answer)
    told = []

    with pytest.raises(ContractError):
        told += [
            each for each in adapter_for(flipkart.url).poll(stream="orders", since=NOW, now=NOW) if each.complete_until
        ]

    assert told == []


def test_a_page_that_names_itself_as_the_next_is_not_read_for_ever(flipkart: Stub):
    flipkart.on(FILTER, page(shipment("S-1"), more=True))

    with pytest.raises(ContractError, match="same page"):
        poll(adapter_for(flipkart.url))


def test_a_long_window_with_several_pages_is_read_twice(flipkart: Stub):
    answers = iter(
        [
            page(shipment("S-1"), more=True),
            page(shipment("S-3")),
            page(shipment("S-1"), shipment("S-2"), more=True),
            page(),
        ]
    )

    flipkart.answers[FILTER] = lambda seen: next(answers, NO_MORE)

    assert keys(poll(adapter_for(flipkart.url), since=NOW - timedelta(days=1))) == ["S-1", "S-3", "S-2"]


def test_paging_that_gets_too_deep_goes_on_with_a_narrower_window(flipkart: Stub):
    rows = [
        shipment(f"S-{index}", updated_at=f"2026-01-01T11:{20 + index // 3:02}:{index % 60:02}Z") for index in range(90)
    ]

    def answer(seen):
        token = json.loads(seen.query["next_token"]) if seen.method == "GET" else None
        if token is None and seen.json["filter"].get("hold") is not False:
            return NO_MORE
        start, at = (token[0], token[1]) if token else (seen.json["filter"]["modifiedDate"]["from"], 0)
        found = [each for each in rows if each["updatedAt"] >= start]
        following = f"/v3/shipments/filter?next_token={json.dumps([start, at + 10])}".replace(" ", "").replace(
            '"', "%22"
        )
        return page(*found[at : at + 10], more=at + 10 < len(found), next_url=following)

    flipkart.answers[FILTER] = answer
    settings = {"shipment_page_depth": 3, "shipment_depth_overlap_seconds": 60, "shipment_page": 10}

    told = poll(adapter_for(flipkart.url, settings=settings))

    assert sorted(keys(told)) == sorted(each["shipmentId"] for each in rows)
    assert told[-1].complete_until is not None


def test_the_sweep_asks_for_all_open_shipments_and_wants_each_read(flipkart: Stub):
    flipkart.on(FILTER, page(shipment("S-1"), {"shipmentId": "S-2", "orderItems": []}), NO_MORE)

    told = poll(adapter_for(flipkart.url), "sweep")

    assert [seen.json["filter"].get("hold") for seen in flipkart.calls(FILTER)] == [False, True]
    assert not any("modifiedDate" in seen.json["filter"] for seen in flipkart.calls(FILTER))
    assert told[0].changed == ("S-1", "S-2")
    assert keys(told) == ["S-1"]


def test_orders_are_read_by_id_with_all_their_parts(flipkart: Stub):
    def answer(seen):
        wanted = seen.query["shipmentIds"].split(",")
        return Answer(body={"shipments": [shipment(each) for each in wanted if each != "S-3"]})

    flipkart.answers[SHIPMENTS] = answer

    told = adapter_for(flipkart.url, settings={"shipment_id_batch": 2}).fetch_orders(["S-1", "S-2", " S-1", "", "S-3"])

    assert [(order.key, order.source, order.complete) for order in told] == [
        ("S-1", Source.READ, True),
        ("S-2", Source.READ, True),
    ]
    assert [seen.target for seen in flipkart.calls()] == [
        f"{SHIPMENTS}?shipmentIds=S-1,S-2",
        f"{SHIPMENTS}?shipmentIds=S-3",
    ]
    assert adapter_for(flipkart.url).fetch_orders([]) == []


def test_one_bad_shipment_id_does_not_hide_the_others(flipkart: Stub):
    def answer(seen):
        wanted = seen.query["shipmentIds"].split(",")
        if "bad" in wanted:
            return Answer(status=422, body={"errorCode": "INVALID_SHIPMENTS"})
        return Answer(body={"shipments": [shipment(each) for each in wanted]})

    flipkart.answers[SHIPMENTS] = answer

    assert [order.key for order in adapter_for(flipkart.url).fetch_orders(["a", "b", "bad", "c"])] == ["a", "b", "c"]


def test_open_orders_of_a_listing_are_found_and_read(flipkart: Stub):
    flipkart.on(FILTER, page(shipment("S-1"), shipment("S-1")), page(shipment("S-2")))
    flipkart.answers[SHIPMENTS] = lambda seen: Answer(
        body={"shipments": [shipment(each) for each in seen.query["shipmentIds"].split(",")]}
    )

    told = adapter_for(flipkart.url).find_orders(listing=ListingIds(key="TEE-BLK-M"))

    assert [(order.key, order.complete) for order in told] == [("S-1", True), ("S-2", True)]
    assert [seen.json["filter"]["sku"] for seen in flipkart.calls(FILTER)] == [["TEE-BLK-M"]] * 2


def test_returns_are_asked_for_by_source_and_paged_below_v2(flipkart: Stub):
    first, second = fixture("returns.json"), fixture("returns.json")
    first |= {"hasMore": True, "nextUrl": "/search/e30%3D"}
    second["returnItems"] = [second["returnItems"][0], {**second["returnItems"][1], "returnId": "R9"}]
    flipkart.answers[RETURNS] = lambda seen: Answer(
        body=first if seen.query["source"] == "customer_return" else {"hasMore": False, "returnItems": None}
    )
    flipkart.on("/sellers/v2/search/e30%3D", Answer(body=second))

    told = poll(adapter_for(flipkart.url), "returns")

    assert [each.return_id for page in told for each in page.returns] == [
        "12345678901234567890",
        "R2",
        "R3",
        "R4",
        "R9",
    ]
    asked = flipkart.calls(RETURNS)
    assert [seen.query["source"] for seen in asked] == ["customer_return", "courier_return"]
    assert {seen.query["modifiedBefore"] for seen in asked} == {"2026-01-01T12:00:00Z"}
    assert told[-1].complete_until is not None
    flipkart.seen = [
        seen for seen in flipkart.seen if "/search/" not in seen.path
    ]  # a cursor's address is the server's own


def test_reads_are_tried_again_and_writes_to_the_budget_are_counted(flipkart: Stub):
    budget = FreeBudget()
    flipkart.on(
        SHIPMENTS,
        HTML,
        Answer(status=429, headers={"Retry-After": "0"}),
        Answer(hang_up=True),
        Answer(body={"shipments": []}),
    )

    adapter_for(flipkart.url, budget=budget).fetch_orders(["S"])

    assert [operation for operation, _, _ in budget.taken] == ["token"] + ["shipments"] * 4


def test_reads_give_up_in_the_end(flipkart: Stub):
    flipkart.on(SHIPMENTS, Answer(status=429, headers={"Retry-After": "0"}))

    with pytest.raises(RateLimitedError):
        adapter_for(flipkart.url, settings={"read_retries": "1"}).fetch_orders(["S"])
    flipkart.on(SHIPMENTS, HTML)
    with pytest.raises(RetryableError):
        adapter_for(flipkart.url, settings={"read_retries": "1"}).fetch_orders(["S"])

    assert len(flipkart.calls()) == 4


# --- the rest of the port ---


def test_the_adapter_is_what_the_engine_expects(flipkart: Stub):
    adapter: ChannelAdapter = adapter_for(flipkart.url, settings={"poll_seconds": "15", "sale_poll_seconds": 6})

    orders, returns, sweep = adapter.streams()
    assert (orders.name, orders.every_seconds, orders.sale_seconds, orders.watermark) == ("orders", 15, 6, True)
    assert (returns.watermark, sweep.watermark) == (False, False)
    assert (adapter.batch_size, adapter.bulk_size, adapter.write_kind) == (10, 0, WriteKind.ABSOLUTE)
    assert adapter.receive_messages(wait_seconds=1) == []
    durations = {name for name in adapter.defaults if name.endswith("_seconds")}
    assert {
        "propagation_deadline_seconds",
        "read_lag_seconds",
        "know_seconds",
        "ack_seconds",
        "poll_seconds",
    } <= durations
    assert {"sale_poll_seconds", "index_delay_seconds", "order_overlap_seconds", "rate_window_seconds"} <= durations
    assert (adapter.defaults["read_back"], adapter.defaults["restock_on_cancel"]) == ("accepted", True)
    with pytest.raises(SetupError):
        adapter.start_bulk([])
    with pytest.raises(NotWritableError):
        adapter.fix_hazard(listing=ListingIds(key="A"), hazard=Hazard.UNTRACKED)
    with pytest.raises(RejectedError):
        adapter.poll(stream="payments", since=None, now=NOW)


def test_subscribing_says_which_address_to_register(flipkart: Stub):
    fresh = adapter_for(flipkart.url).subscribe(callback_url="https://sync.example.in/hooks/flipkart/x7")
    known = adapter_for(flipkart.url, settings={"push_url": "https://sync.example.in/old"}).subscribe(
        callback_url="https://sync.example.in/new"
    )

    assert any("https://sync.example.in/hooks/flipkart/x7" in line for line in fresh)
    assert any("ticket" in line for line in fresh)
    assert any("differs" in line and "https://sync.example.in/new" in line for line in known)


def test_a_production_account_needs_https_and_no_address():
    account = make_account(channel="flipkart", api_base="", settings={}, defaults=FlipkartAdapter.defaults)

    assert FlipkartAdapter(account=account, ports=make_ports()).batch_size == 10
    with pytest.raises(SetupError):
        ports = make_ports()
        closed = type(ports)(tokens=ports.tokens, budget=ports.budget, clock=ports.clock)
        FlipkartAdapter(account=make_account(channel="flipkart", api_base="http://127.0.0.1:9"), ports=closed)
