"""Feeds and reports: documents behind presigned URLs, processing in the background, results."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
import requests

from tests.sandbox.amazon_tools import FIXTURES, INDIA, SELLER, Api, amazon, until, valid_report, validated

FEEDS, REPORTS = "/feeds/2021-06-30", "/reports/2021-06-30"
JSON = "application/json; charset=UTF-8"


@pytest.fixture
def api() -> Iterator[Api]:
    settings = {"read_back": "shown"}
    listings = [
        {"sku": "MUG", "quantity": 10, "lead_time_to_ship_max_days": 3, "title": "Mug «Ü»"},
        {"sku": "PEN", "quantity": 10},
        {"sku": "TEE-FBA", "fba": {"fulfillable": 3}},
    ]
    with amazon(settings=settings, listings=listings) as client:
        yield client


def message(number: int, sku: str, quantity: int, **other: Any) -> dict[str, Any]:
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": quantity}]
    patch = {"op": "merge", "path": "/attributes/fulfillment_availability", "value": value}
    base = {"messageId": number, "sku": sku, "operationType": "PATCH", "productType": "PRODUCT", "patches": [patch]}
    return {**base, **other}


def upload(api: Api, body: bytes, *, content_type: str = JSON) -> tuple[str, requests.Response]:
    created = api.post(f"{FEEDS}/documents", {"contentType": JSON})
    assert created.status_code == 201
    document = validated("feeds_2021-06-30", "CreateFeedDocumentResponse", created.json())
    answer = requests.put(document["url"], data=body, headers={"Content-Type": content_type}, timeout=5)
    return document["feedDocumentId"], answer


def create(api: Api, document_id: str) -> str:
    body = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [INDIA], "inputFeedDocumentId": document_id}
    answer = api.post(f"{FEEDS}/feeds", body)
    assert answer.status_code == 202, answer.text
    return str(validated("feeds_2021-06-30", "CreateFeedResponse", answer.json())["feedId"])


def submit(api: Api, *messages: dict[str, Any]) -> str:
    body = {"header": {"sellerId": SELLER, "version": "2.0", "issueLocale": "en_IN"}, "messages": list(messages)}
    document_id, answer = upload(api, json.dumps(body).encode())
    assert answer.status_code == 200
    return create(api, document_id)


def feed(api: Api, feed_id: str) -> dict[str, Any]:
    body: dict[str, Any] = validated("feeds_2021-06-30", "Feed", api.get(f"{FEEDS}/feeds/{feed_id}").json())
    return body


def ended(api: Api, feed_id: str) -> dict[str, Any]:
    assert until(lambda: feed(api, feed_id)["processingStatus"] in {"DONE", "FATAL", "CANCELLED"})
    return feed(api, feed_id)


def result(api: Api, document_id: str) -> dict[str, Any]:
    document = validated("feeds_2021-06-30", "FeedDocument", api.get(f"{FEEDS}/documents/{document_id}").json())
    raw = requests.get(document["url"], timeout=5).content
    if document.get("compressionAlgorithm") == "GZIP":
        raw = gzip.decompress(raw)
    body: dict[str, Any] = valid_report(json.loads(raw))
    return body


def test_our_own_feed_is_one_that_the_official_schema_allows() -> None:
    schema = json.loads((FIXTURES / "schemas" / "feeds" / "listings-feed-schema-v2.json").read_text())
    schema.pop("$id", None)
    body = {"header": {"sellerId": SELLER, "version": "2.0"}, "messages": [message(1, "MUG", 4)]}

    jsonschema.Draft7Validator(schema).validate(body)


def test_bad_messages_do_not_hold_back_good_ones(api: Api) -> None:
    feed_id = submit(api, message(1, "MUG", 4), message(2, "NOTHING", 4), message(3, "PEN", -2), message(4, "PEN", 6))

    done = ended(api, feed_id)
    report = result(api, done["resultFeedDocumentId"])

    assert done["processingStatus"] == "DONE"
    assert report["header"]["feedId"] == feed_id
    assert {row["messageId"] for row in report["issues"]} == {2, 3}
    assert report["summary"] == {
        "errors": 2,
        "warnings": 0,
        "messagesProcessed": 4,
        "messagesAccepted": 2,
        "messagesInvalid": 2,
    }
    assert until(lambda: (api.shown("MUG"), api.shown("PEN")) == (4, 6)), "accepted is still only queued"


def test_results_are_gzipped_or_not_by_setting(api: Api) -> None:
    zipped = ended(api, submit(api, message(1, "MUG", 4)))["resultFeedDocumentId"]
    api.amazon.command("settings", {"gzip_results": False})
    plain = ended(api, submit(api, message(1, "MUG", 4)))["resultFeedDocumentId"]

    bodies = [api.get(f"{FEEDS}/documents/{each}").json() for each in (zipped, plain)]

    assert [body.get("compressionAlgorithm") for body in bodies] == ["GZIP", None]
    assert result(api, zipped)["summary"] == result(api, plain)["summary"]


def test_partial_update_and_update_wipe_as_they_do_at_amazon(api: Api) -> None:
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": 4}]
    partial = message(1, "MUG", 4, operationType="PARTIAL_UPDATE", attributes={"fulfillment_availability": value})
    update = message(2, "PEN", 4, operationType="UPDATE", attributes={"brand": [{"value": "x"}]})
    for each in (partial, update):
        del each["patches"]

    ended(api, submit(api, partial, update))

    assert until(lambda: api.shown("MUG") == 4)
    mug = api.listing("MUG")["attributes"]["fulfillment_availability"]
    assert mug == [{"fulfillment_channel_code": "DEFAULT", "quantity": 4, "marketplace_id": INDIA}]
    assert until(lambda: api.listing("PEN")["fulfillmentAvailability"] == [])


def test_an_upload_with_another_content_type_is_refused(api: Api) -> None:
    _, answer = upload(api, b"{}", content_type="application/json")

    assert answer.status_code == 403
    assert "SignatureDoesNotMatch" in answer.text


def test_upload_and_download_urls_die_after_five_minutes() -> None:
    with amazon(
        settings={"document_seconds": 20, "gzip_results": False}, listings=[{"sku": "MUG", "quantity": 1}]
    ) as api:
        url = api.post(f"{FEEDS}/documents", {"contentType": JSON}).json()["url"]
        headers = {"Content-Type": JSON}
        assert requests.put(url, data=b"{}", headers=headers, timeout=5).status_code == 200
        assert until(lambda: requests.get(url, timeout=5).status_code == 403)
        late = requests.put(url, data=b"{}", headers=headers, timeout=5)
        forged = requests.get(url + "x", timeout=5)

    assert (late.status_code, forged.status_code) == (403, 403)
    assert "Request has expired" in late.text


def test_a_feed_that_can_not_be_read_is_fatal(api: Api) -> None:
    document_id, _ = upload(api, b"not json")
    unread = ended(api, create(api, document_id))
    wrong_seller = {"header": {"sellerId": "OTHER", "version": "2.0"}, "messages": [message(1, "MUG", 1)]}
    foreign = ended(api, create(api, upload(api, json.dumps(wrong_seller).encode())[0]))
    twice = ended(api, submit(api, message(1, "MUG", 1), message(1, "PEN", 1)))

    assert {each["processingStatus"] for each in (unread, foreign, twice)} == {"FATAL"}
    assert (api.shown("MUG"), api.shown("PEN")) == (10, 10)


def test_a_fatal_feed_may_be_half_applied(api: Api) -> None:
    api.server.world.faults.switch_on("amazon.feed_fatal", times=1)

    fatal = ended(api, submit(api, message(1, "MUG", 4), message(2, "PEN", 4)))

    assert (fatal["processingStatus"], "resultFeedDocumentId" in fatal) == ("FATAL", False)
    assert until(lambda: api.shown("MUG") == 4)
    assert api.shown("PEN") == 10


def test_a_feed_can_be_stuck_and_applied_late_over_newer_writes(api: Api) -> None:
    api.server.world.faults.switch_on("amazon.feed_stuck", times=1)
    feed_id = submit(api, message(1, "MUG", 4))
    assert until(lambda: feed(api, feed_id)["processingStatus"] == "IN_PROGRESS")
    api.patch("MUG", {"quantity": 2})
    assert until(lambda: api.shown("MUG") == 2)
    assert feed(api, feed_id)["processingStatus"] == "IN_PROGRESS"

    api.amazon.command("release_feed", {"feed_id": feed_id})

    assert ended(api, feed_id)["processingStatus"] == "DONE"
    assert until(lambda: api.shown("MUG") == 4)


def test_a_feed_can_be_cancelled_only_while_queued(api: Api) -> None:
    api.amazon.command("settings", {"feed_seconds": [600, 600]})
    queued = submit(api, message(1, "MUG", 4))
    assert api.call("DELETE", f"{FEEDS}/feeds/{queued}").status_code == 200
    assert feed(api, queued)["processingStatus"] == "CANCELLED"
    assert api.call("DELETE", f"{FEEDS}/feeds/{queued}").status_code == 400

    api.amazon.command("settings", {"feed_seconds": [2, 2]})
    api.server.world.faults.switch_on("amazon.feed_cancelled", times=1)
    assert ended(api, submit(api, message(1, "MUG", 4)))["processingStatus"] == "CANCELLED"


def test_creating_a_feed_again_makes_a_second_feed(api: Api) -> None:
    body = {"header": {"sellerId": SELLER, "version": "2.0"}, "messages": [message(1, "MUG", 4)]}
    document_id, _ = upload(api, json.dumps(body).encode())

    first, second = create(api, document_id), create(api, document_id)

    assert first != second
    page = api.get(f"{FEEDS}/feeds", feedTypes="JSON_LISTINGS_FEED", pageSize=1).json()
    rest = api.get(f"{FEEDS}/feeds", nextToken=page["nextToken"]).json()
    assert [each["feedId"] for each in page["feeds"] + rest["feeds"]] == [second, first]
    assert api.get(f"{FEEDS}/feeds", nextToken=page["nextToken"], pageSize=1).status_code == 400


def test_wrong_feeds_are_refused(api: Api) -> None:
    document_id, _ = upload(api, b"{}")
    body = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": [INDIA], "inputFeedDocumentId": document_id}

    assert api.post(f"{FEEDS}/feeds", {**body, "feedType": "POST_INVENTORY_AVAILABILITY_DATA"}).status_code == 400
    assert api.post(f"{FEEDS}/feeds", {**body, "inputFeedDocumentId": "unknown"}).status_code == 400
    assert api.post(f"{FEEDS}/feeds", {**body, "marketplaceIds": ["ATVPDKIKX0DER"]}).status_code == 400
    assert api.get(f"{FEEDS}/feeds/1").status_code == 404


def report(api: Api, report_type: str, **options: str) -> dict[str, Any]:
    """The report after its end; ``body`` is its text, where it has one, and ``content_type`` that of the download."""
    created = api.post(f"{REPORTS}/reports", {"reportType": report_type, "marketplaceIds": [INDIA], **options})
    assert created.status_code == 202, created.text
    path = f"{REPORTS}/reports/{created.json()['reportId']}"
    assert api.get(path).json()["processingStatus"] in {"IN_QUEUE", "IN_PROGRESS"}
    assert until(lambda: api.get(path).json()["processingStatus"] in {"DONE", "CANCELLED", "FATAL"})
    row: dict[str, Any] = validated("reports_2021-06-30", "Report", api.get(path).json())
    if "reportDocumentId" in row:
        document = api.get(f"{REPORTS}/documents/{row['reportDocumentId']}").json()
        validated("reports_2021-06-30", "ReportDocument", document)
        download = requests.get(document["url"], timeout=5)
        row |= {"raw": download.content, "content_type": download.headers["Content-Type"]}
    return row


def table(text: str) -> list[dict[str, str]]:
    head, *rows = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_the_listings_report_names_every_sku_with_its_channel(api: Api) -> None:
    done = report(api, "GET_MERCHANT_LISTINGS_ALL_DATA")

    rows = table(done["raw"].decode("utf-8"))
    assert done["content_type"] == "text/plain; charset=UTF-8"
    assert [(row["seller-sku"], row["quantity"], row["fulfillment-channel"]) for row in rows] == [
        ("MUG", "10", "DEFAULT"),
        ("PEN", "10", "DEFAULT"),
        ("TEE-FBA", "", "AMAZON_IN"),
    ]
    assert rows[0]["item-name"] == "Mug «Ü»"


def test_reports_can_come_in_iso_8859_1_with_or_without_a_charset(api: Api) -> None:
    api.amazon.command("settings", {"report_encoding": "ISO-8859-1"})
    stated = report(api, "GET_MERCHANT_LISTINGS_ALL_DATA")
    api.amazon.command("settings", {"report_charset_header": False})
    unstated = report(api, "GET_MERCHANT_LISTINGS_ALL_DATA")

    assert stated["content_type"] == "text/plain; charset=ISO-8859-1"
    assert "charset" not in unstated["content_type"]
    assert "Mug «Ü»" in unstated["raw"].decode("iso-8859-1")


def test_a_report_without_rows_is_cancelled(api: Api) -> None:
    assert report(api, "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE")["processingStatus"] == "CANCELLED"


def test_the_returns_report_lists_returns_of_its_window(api: Api) -> None:
    kind = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
    bought = api.amazon.buy(listing_key="MUG", units=2)
    api.amazon.ship(order_id=bought.order_id)
    new = api.amazon.command("return", {"order_id": bought.order_id, "units": 1, "delivered": True})["rma_id"]
    old = api.amazon.command("return", {"order_id": bought.order_id, "units": 1, "days_ago": 5})["rma_id"]

    recent = table(report(api, kind)["raw"].decode())
    week = {"dataStartTime": (datetime.now(UTC) - timedelta(days=7)).isoformat()}
    both = table(report(api, kind, **week)["raw"].decode())
    quarter = {"dataStartTime": (datetime.now(UTC) - timedelta(days=90)).isoformat()}
    refused = api.post(f"{REPORTS}/reports", {"reportType": kind, "marketplaceIds": [INDIA], **quarter})

    assert [(row["Amazon RMA ID"], row["Merchant SKU"], row["Return quantity"]) for row in recent] == [
        (new, "MUG", "1")
    ]
    assert recent[0]["Order ID"] == bought.order_id
    assert {row["Amazon RMA ID"]: bool(row["Return delivery date"]) for row in both} == {new: True, old: False}
    assert refused.status_code == 400


def test_a_report_may_end_fatal_and_an_unknown_type_is_refused(api: Api) -> None:
    api.server.world.faults.switch_on("amazon.report_fatal", times=1)

    assert report(api, "GET_MERCHANT_LISTINGS_ALL_DATA")["processingStatus"] == "FATAL"
    answer = api.post(f"{REPORTS}/reports", {"reportType": "GET_ANYTHING", "marketplaceIds": [INDIA]})
    assert answer.status_code == 400
