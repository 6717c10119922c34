"""Queries and the traps of paging: pure."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from channels_flipkart.paging import (
    is_long,
    narrowed,
    next_path,
    open_shipments,
    orders_round,
    returns_query,
    seller_in,
    sent_time,
)
from channels_flipkart.settings import Settings
from inventory_sync.domain.errors import ContractError
from tests.channels.flipkart.fixtures import NOW, shipment

SETTINGS = Settings()
HOST = "https://api.flipkart.net"


def bodies(**given):
    return [query.body(page_size=20)["filter"] for query in orders_round(now=NOW, settings=SETTINGS, **given)]


def test_a_round_asks_for_everything_that_the_filter_hides():
    told = bodies(since=NOW - timedelta(minutes=10))

    assert [(each["type"], each.get("hold"), each.get("cancellationType")) for each in told] == [
        ("preDispatch", False, None),
        ("preDispatch", True, None),
        ("postDispatch", None, None),
        ("cancelled", None, "sellerCancellation"),
        ("cancelled", None, "buyerCancellation"),
        ("cancelled", None, "marketplaceCancellation"),
    ]
    for each in told:
        assert set(each["serviceProfiles"]) == {"FBF", "NON_FBF", "FBF_LITE"}
        assert set(each["shipmentTypes"]) == {"NORMAL", "EXPRESS", "SELF"}
        assert each["states"]


def test_a_round_overlaps_the_last_one():
    told = bodies(since=NOW - timedelta(minutes=10))

    assert told[0]["modifiedDate"] == {"from": "2026-01-01T11:20:00Z", "to": "2026-01-01T12:00:00Z"}
    assert told[2]["modifiedDate"] == told[1]["modifiedDate"] == told[0]["modifiedDate"]
    assert told[3]["cancellationDate"] == {"from": "2026-01-01T06:50:00Z", "to": "2026-01-01T12:00:00Z"}


def test_a_first_round_reads_every_open_shipment_and_a_week_of_the_others():
    told = bodies(since=None)

    assert "modifiedDate" not in told[0]
    assert "modifiedDate" not in told[1]
    assert told[2]["modifiedDate"]["from"] == told[5]["cancellationDate"]["from"] == "2025-12-25T12:00:00Z"


def test_open_shipments_can_be_asked_for_one_sku():
    assert [query.body(page_size=20)["filter"]["sku"] for query in open_shipments(sku="A")] == [["A"], ["A"]]


def test_both_kinds_of_returns_overlap_as_well():
    since = NOW - timedelta(hours=1)

    told = returns_query(source="courier_return", since=since, now=NOW, settings=SETTINGS)

    assert told == {
        "source": "courier_return",
        "modifiedAfter": "2026-01-01T10:00:00Z",
        "modifiedBefore": "2026-01-01T12:00:00Z",
    }


def test_the_end_of_a_window_is_rounded_up():
    assert sent_time(NOW + timedelta(milliseconds=1)) == "2026-01-01T12:00:00Z"
    assert sent_time(NOW + timedelta(milliseconds=1), up=True) == "2026-01-01T12:00:01Z"


def test_usual_windows_are_short_and_those_after_an_outage_long():
    usual = orders_round(since=NOW - timedelta(minutes=10), now=NOW, settings=SETTINGS)
    late = orders_round(since=NOW - timedelta(hours=12), now=NOW, settings=SETTINGS)

    assert not any(is_long(query, settings=SETTINGS) for query in usual)
    assert all(is_long(query, settings=SETTINGS) for query in late)
    assert is_long(open_shipments()[0], settings=SETTINGS)


def test_a_query_that_is_too_deep_goes_on_from_its_last_row():
    query = open_shipments()[0]
    last = [shipment("S", updated_at="2026-01-01T09:00:00Z"), {"updatedAt": None}]

    [narrower] = narrowed(query, last_page=last, now=NOW, overlap_seconds=600)

    assert narrower.body(page_size=20)["filter"]["modifiedDate"] == {
        "from": "2026-01-01T08:50:00Z",
        "to": "2026-01-01T12:00:00Z",
    }
    [again] = narrowed(narrower, last_page=last, now=NOW, overlap_seconds=600)
    assert sent_time(again.start) == "2026-01-01T08:59:59Z"  # no progress with the overlap: a second of it
    with pytest.raises(ContractError):
        narrowed(again, last_page=last, now=NOW, overlap_seconds=600)


def test_a_query_by_another_date_than_the_rows_order_is_halved():
    query = orders_round(since=NOW - timedelta(hours=5), now=NOW, settings=SETTINGS)[3]

    first, second = narrowed(query, last_page=[], now=NOW, overlap_seconds=600)

    assert (first.start, second.end) == (query.start, query.end)
    assert first.end == second.start == NOW - timedelta(hours=5)
    with pytest.raises(ContractError):
        narrowed(replace(query, start=NOW - timedelta(seconds=1)), last_page=[], now=NOW, overlap_seconds=600)


@pytest.mark.parametrize(
    ("url", "base", "path"),
    [
        ("/v3/shipments/filter?next_token=a%2Bb==", HOST, "/sellers/v3/shipments/filter?next_token=a%2Bb=="),
        ("v3/shipments/filter?next_token=x", HOST, "/sellers/v3/shipments/filter?next_token=x"),
        ("/sellers/v3/shipments/filter?next_token=x", HOST, "/sellers/v3/shipments/filter?next_token=x"),
        (f"{HOST}/sellers/v3/shipments/filter?next_token=x", HOST, "/sellers/v3/shipments/filter?next_token=x"),
        (f"{HOST}:443/v3/shipments/filter?next_token=x", HOST, "/sellers/v3/shipments/filter?next_token=x"),
        ("http://127.0.0.1:8600/flipkart/sellers/v3/x?t=1", "http://127.0.0.1:8600/flipkart", "/sellers/v3/x?t=1"),
        ("/flipkart/sellers/v3/x", "http://127.0.0.1:8600/flipkart", "/sellers/v3/x"),
        ("/v3/x", "http://127.0.0.1:8600/flipkart", "/sellers/v3/x"),
    ],
)
def test_the_next_page_of_shipments_is_found_with_and_without_the_prefix(url, base, path):
    assert next_path(url, base_url=base, rest_prefix="/sellers") == path


@pytest.mark.parametrize("url", ["/returns/search/e30=", "/v2/returns/search/e30=", "/sellers/v2/returns/search/e30="])
def test_the_next_page_of_returns_stands_below_v2(url):
    assert next_path(url, base_url=HOST, rest_prefix="/sellers", version="/v2") == "/sellers/v2/returns/search/e30="


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/sellers/v3/shipments/filter?next_token=x",
        "http://api.flipkart.net/sellers/v3/shipments/filter",
        "https://api.flipkart.net:8443/v3/x",
        "https://api.flipkart.net@evil.example/v3/x",
        "https://user:pw@api.flipkart.net/v3/x",
        "//evil.example/v3/x",
        "/v3/../../oauth-service/x",
        "/\\evil.example/x",
        "https://[broken/x",
    ],
)
def test_a_next_page_elsewhere_is_refused(url):
    with pytest.raises(ContractError):
        next_path(url, base_url=HOST, rest_prefix="/sellers")


def test_the_seller_is_found_in_a_cursor_where_there_is_one():
    token = base64.b64encode(json.dumps({"sellerId": "abc123", "token": "x"}).encode()).decode()

    assert seller_in(f"/v3/shipments/filter?next_token={token}") == "abc123"
    for odd in ("", "/v3/x", "/v3/x?next_token=%%%", "/v3/x?next_token=WzFd", "/v3/x?next_token=6Q=="):
        assert seller_in(odd) == ""
