"""Feeds: made as the schema says, uploaded without our token, never begun twice, settled message by message."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from inventory_sync.domain.errors import ChannelError, RetryableError
from inventory_sync.domain.ports import BulkJob, PushResult
from inventory_sync.domain.snapshots import Fulfilment
from tests.channels.amazon.official import check_feed, example
from tests.channels.amazon.stub import Answer, Stub, make_adapter, refusal, update

FEEDS = "/feeds/2021-06-30"
UPDATES = [update(15, "BLUE-TEE-L", row_id=1), update(0, "RED-MUG", row_id=2)]


def feed_on(stub: Stub, *statuses: str, result: bytes | None = None, packed: bool = False) -> None:
    url = f"{stub.url}/store/up?X-Amz-Signature=abc"
    stub.on(f"POST {FEEDS}/documents", Answer(status=201, body={"feedDocumentId": "IN", "url": url}))
    stub.on("PUT /store/up", Answer())
    stub.on(f"POST {FEEDS}/feeds", Answer(status=202, body={"feedId": "F1"}))
    described = [{"feedId": "F1", "processingStatus": status, "resultFeedDocumentId": "OUT"} for status in statuses]
    if described:
        stub.on(f"GET {FEEDS}/feeds/F1", *(Answer(body=each) for each in described))
    if result is not None:
        document = {
            "feedDocumentId": "OUT",
            "url": f"{stub.url}/store/out",
            **({"compressionAlgorithm": "GZIP"} if packed else {}),
        }
        stub.on(f"GET {FEEDS}/documents/OUT", Answer(body=document))
        stub.on("GET /store/out", Answer(body=gzip.compress(result) if packed else result))


def report(*issues: dict[str, Any]) -> bytes:
    return json.dumps({"header": {}, "issues": list(issues), "summary": {}}).encode()


def results(job: BulkJob) -> dict[int, PushResult]:
    return {each.row_id: each.result for each in job.outcomes}


def test_a_feed_is_what_the_official_schema_wants(stub: Stub) -> None:
    feed_on(stub)

    job = make_adapter(stub.url, identity="A1INSELLER0001").start_bulk(UPDATES)

    assert (job.ref, job.done) == ("F1", False)
    [upload] = stub.calls("PUT /store/up")
    assert check_feed(upload.body) == example("json_listings_feed.quantity")
    assert stub.calls(f"POST {FEEDS}/documents")[0].json == {"contentType": "application/json; charset=UTF-8"}
    assert upload.headers["content-type"] == "application/json; charset=UTF-8"
    assert not {"x-amz-access-token", "x-amz-date", "authorization"} & upload.headers.keys()
    assert stub.calls(f"POST {FEEDS}/feeds")[0].json == {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": ["A21TJRUUN4KGV"],
        "inputFeedDocumentId": "IN",
    }


def test_what_is_not_ours_never_reaches_a_feed(stub: Stub) -> None:
    feed_on(stub)
    updates = [
        update(1, "A", row_id=1, fulfilment=Fulfilment.FBA),
        update(2, "B", row_id=2),
        update(3, "C", row_id=3, fulfilment=Fulfilment.UNKNOWN),
    ]

    job = make_adapter(stub.url).start_bulk(updates)

    sent = check_feed(stub.calls("PUT /store/up")[0].body)
    assert [message["sku"] for message in sent["messages"]] == ["B"]
    assert results(job) == {1: PushResult.REFUSED, 3: PushResult.REFUSED}


def test_a_feed_without_anything_to_send_is_not_begun(stub: Stub) -> None:
    job = make_adapter(stub.url).start_bulk([update(1, "A", fulfilment=Fulfilment.FBA)])

    assert (job.done, stub.seen) == (True, [])


def test_of_two_values_of_one_listing_the_later_is_sent(stub: Stub) -> None:
    feed_on(stub)

    job = make_adapter(stub.url).start_bulk([update(1, "A", row_id=1), update(2, "A", row_id=2)])

    [message] = check_feed(stub.calls("PUT /store/up")[0].body)["messages"]
    assert message["patches"][0]["value"][0]["quantity"] == 2
    assert results(job) == {1: PushResult.NOT_SENT}


def test_each_update_is_settled_by_its_own_message(stub: Stub) -> None:
    feed_on(
        stub,
        "IN_QUEUE",
        "IN_PROGRESS",
        "DONE",
        result=json.dumps(example("json_listings_feed.report")).encode(),
        packed=True,
    )
    adapter = make_adapter(stub.url)

    assert [adapter.check_bulk(ref="F1", updates=UPDATES).done for _ in range(2)] == [False, False]
    job = adapter.check_bulk(ref="F1", updates=UPDATES)

    expected = {
        issue["messageId"] for issue in example("json_listings_feed.report")["issues"] if issue["severity"] == "ERROR"
    }
    refused = {each.row_id for each in job.outcomes if each.result is PushResult.REFUSED}
    assert (job.done, job.failed, refused) == (True, False, expected)
    assert len(job.outcomes) == 2


def test_issues_are_told_by_sku_or_by_number_and_warnings_are_no_refusals(stub: Stub) -> None:
    updates = [update(1, sku, row_id=row_id) for row_id, sku in enumerate(("A", "B", "C", "D"), start=11)]
    issues = [
        {"messageId": 1, "sku": "C", "code": "90220", "severity": "ERROR", "message": "no"},
        {"messageId": 2, "code": "8541", "severity": "ERROR", "message": "no"},
        {"messageId": 4, "sku": "D", "code": "1", "severity": "WARNING", "message": "mind"},
    ]
    feed_on(stub, "DONE", result=report(*issues))

    job = make_adapter(stub.url).check_bulk(ref="F1", updates=updates)

    assert results(job) == {
        11: PushResult.ACCEPTED,
        12: PushResult.REFUSED,
        13: PushResult.REFUSED,
        14: PushResult.ACCEPTED,
    }
    assert [each.permanent for each in job.outcomes] == [False, True, True, False]
    assert job.outcomes[3].warning == "mind"


def test_an_error_that_names_no_message_leaves_everything_open(stub: Stub) -> None:
    feed_on(stub, "DONE", result=report({"code": "x", "severity": "ERROR", "message": "header"}))

    assert set(results(make_adapter(stub.url).check_bulk(ref="F1", updates=UPDATES)).values()) == {PushResult.UNKNOWN}


@pytest.mark.parametrize(("status", "expected"), [("CANCELLED", PushResult.NOT_SENT), ("FATAL", PushResult.UNKNOWN)])
def test_a_feed_that_ended_badly(stub: Stub, status: str, expected: PushResult) -> None:
    feed_on(stub, status)

    job = make_adapter(stub.url).check_bulk(ref="F1", updates=UPDATES)

    assert (job.done, job.failed) == (True, True)
    assert set(results(job).values()) == {expected}


@pytest.mark.parametrize("result", [b"not json", b"[]", b"\x1f\x8bbroken"])
def test_a_result_that_cant_be_read_leaves_everything_open(stub: Stub, result: bytes) -> None:
    feed_on(stub, "DONE", result=result)

    job = make_adapter(stub.url).check_bulk(ref="F1", updates=UPDATES)

    assert (job.done, set(results(job).values())) == (True, {PushResult.UNKNOWN})


def test_an_unknown_state_is_waited_for(stub: Stub) -> None:
    feed_on(stub, "PONDERING")

    assert make_adapter(stub.url).check_bulk(ref="F1", updates=UPDATES).done is False


def test_a_store_that_fails_has_changed_no_listing(stub: Stub) -> None:
    feed_on(stub)
    stub.on("PUT /store/up", Answer(status=500))

    with pytest.raises(ChannelError) as caught:
        make_adapter(stub.url).start_bulk(UPDATES)

    assert caught.value.may_have_applied is False
    assert stub.calls(f"POST {FEEDS}/feeds") == []


def test_a_feed_whose_answer_was_lost_is_found_and_not_begun_twice(stub: Stub) -> None:
    feed_on(stub)
    stub.on(f"POST {FEEDS}/feeds", Answer(hang_up=True))
    stub.on(
        f"GET {FEEDS}/feeds",
        Answer(
            body={
                "feeds": [
                    {
                        "feedId": "F7",
                        "feedType": "JSON_LISTINGS_FEED",
                        "createdTime": "2026-10-12T07:00:00Z",
                        "processingStatus": "IN_QUEUE",
                    }
                ]
            }
        ),
    )

    assert make_adapter(stub.url).start_bulk(UPDATES).ref == "F7"
    assert len(stub.calls(f"POST {FEEDS}/feeds")) == 1


@pytest.mark.parametrize(
    "listed",
    [Answer(body={"feeds": []}), Answer(body={"feeds": [{"feedId": "1"}, {"feedId": "2"}]}), refusal(404, "NOT_FOUND")],
)
def test_a_feed_that_may_have_begun_is_said_to_be_in_doubt(stub: Stub, listed: Answer) -> None:
    feed_on(stub)
    stub.on(f"POST {FEEDS}/feeds", Answer(status=504))
    stub.on(f"GET {FEEDS}/feeds", listed)

    with pytest.raises(RetryableError) as caught:
        make_adapter(stub.url).start_bulk(UPDATES)

    assert caught.value.may_have_applied is True


def test_too_many_calls_begin_nothing(stub: Stub) -> None:
    feed_on(stub)
    stub.on(f"POST {FEEDS}/feeds", refusal(429, "QuotaExceeded"))

    with pytest.raises(RetryableError) as caught:
        make_adapter(stub.url).start_bulk(UPDATES)

    assert (caught.value.may_have_applied, stub.calls(f"GET {FEEDS}/feeds")) == (False, [])


def test_the_size_of_a_feed_is_a_setting(stub: Stub) -> None:
    assert make_adapter(stub.url).bulk_size == 5_000
    assert make_adapter(stub.url, settings={"feed_messages": "0"}).bulk_size == 0
