"""What becomes of a JSON_LISTINGS_FEED: read, applied message by message, answered with a processing report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.amazon import documents
from sandbox.amazon.errors import ApiError
from sandbox.amazon.listings import submit
from sandbox.amazon.model import Job
from sandbox.amazon.patches import AVAILABILITY, check_shape, issue
from sandbox.amazon.state import State

FEED_TYPE = "JSON_LISTINGS_FEED"
MOST_MESSAGES = 25_000


def start(state: State, feed: Job) -> None:
    """Queue → in progress → done, unless a fault holds, cancels or breaks it."""
    half = state.draw(state.settings.feed_seconds) / 2
    state.later(half, lambda: _begin(state, feed, half))


def _begin(state: State, feed: Job, seconds: float) -> None:
    if feed.status != "IN_QUEUE":
        return
    if state.strikes("feed_cancelled"):
        _finish(state, feed, "CANCELLED")
        return
    feed.status = "IN_PROGRESS"
    feed.started_at = state.now()
    if state.strikes("feed_stuck"):
        feed.schedule_held = True
        return
    state.later(seconds, lambda: process(state, feed))


def process(state: State, feed: Job) -> None:
    """Apply the feed now. Messages that are refused do not hold back the others."""
    feed.schedule_held = False
    messages = _messages(state, feed)
    if messages is None:
        _finish(state, feed, "FATAL")
        return
    broken = state.strikes("feed_fatal") is not None
    rows: list[dict[str, Any]] = []
    for message in messages[: len(messages) // 2] if broken else messages:
        rows += _apply(state, feed, message)
    if broken:
        _finish(state, feed, "FATAL")
        return
    body = json.dumps(_report(feed, messages, rows)).encode()
    document = documents.create(
        state,
        seller_id=feed.seller_id,
        content_type="application/json; charset=UTF-8",
        kind="feed",
        body=body,
        compress=state.settings.gzip_results,
    )
    feed.result_document_id = document.document_id
    _finish(state, feed, "DONE")


def _messages(state: State, feed: Job) -> list[Any] | None:
    """The messages; None when the document as a whole can't be read (FATAL)."""
    raw = state.documents[feed.input_document_id].body
    try:
        body = json.loads(raw or b"")
        messages = body["messages"]
        header = body["header"]
        if (
            header["sellerId"] != feed.seller_id
            or header["version"] != "2.0"
            or not 1 <= len(messages) <= MOST_MESSAGES
        ):
            return None
        ids = [message["messageId"] for message in messages]
    except (ValueError, KeyError, TypeError):
        return None
    return messages if len(set(ids)) == len(ids) else None


def _apply(state: State, feed: Job, message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Apply one message; its issues as rows of the processing report."""
    sku, kind = str(message.get("sku", "")), message.get("operationType")
    if state.strikes("feed_message_error", sku=sku):
        found = [
            issue("90220", "'condition_type' is required but not supplied.", "MISSING_ATTRIBUTE", "condition_type")
        ]
    elif kind == "DELETE":
        found = []
        state.listings.pop((feed.seller_id, sku), None)
    else:
        try:
            patches = check_shape(_as_patch(state, feed, message))
            _, _, found = submit(state, seller_id=feed.seller_id, sku=sku, patches=patches)
        except ApiError as error:
            found = [issue("4000001", error.message, "INVALID_ATTRIBUTE", "patches")]
    return [
        {
            "messageId": message["messageId"],
            "sku": sku,
            "code": each["code"],
            "severity": each["severity"],
            "message": each["message"],
            "attributeName": each["attributeNames"][0],
        }
        for each in found
    ]


def _as_patch(state: State, feed: Job, message: Mapping[str, Any]) -> dict[str, Any]:
    """PATCH as it stands. PARTIAL_UPDATE sets each attribute that it carries; UPDATE also deletes every other one."""
    kind = message.get("operationType")
    if kind == "PATCH":
        return {"productType": message.get("productType"), "patches": message.get("patches")}
    attributes = message.get("attributes")
    given = attributes if isinstance(attributes, dict) else {}
    patches = [{"op": "replace", "path": f"/attributes/{name}", "value": value} for name, value in given.items()]
    listing = state.listings.get((feed.seller_id, str(message.get("sku"))))
    if kind == "UPDATE" and listing is not None:
        others = {AVAILABILITY, *listing.attributes} - set(given)
        patches += [{"op": "delete", "path": f"/attributes/{name}"} for name in sorted(others)]
    return {"productType": message.get("productType"), "patches": patches}


def _report(feed: Job, messages: list[Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    invalid = {row["messageId"] for row in rows if row["severity"] == "ERROR"}
    return {
        "header": {"sellerId": feed.seller_id, "version": "2.0", "feedId": feed.job_id},
        "issues": rows,
        "summary": {
            "errors": sum(row["severity"] == "ERROR" for row in rows),
            "warnings": sum(row["severity"] == "WARNING" for row in rows),
            "messagesProcessed": len(messages),
            "messagesAccepted": len(messages) - len(invalid),
            "messagesInvalid": len(invalid),
        },
    }


def _finish(state: State, feed: Job, status: str) -> None:
    feed.status = status
    feed.ended_at = state.now()
    told = {
        "sellerId": feed.seller_id,
        "accountId": f"amzn1.merchant.o.{feed.seller_id}",
        "feedId": feed.job_id,
        "feedType": feed.job_type,
        "processingStatus": status,
    }
    if feed.result_document_id:
        told["resultFeedDocumentId"] = feed.result_document_id
    state.notify(
        seller_id=feed.seller_id,
        notification_type="FEED_PROCESSING_FINISHED",
        payload={"feedProcessingFinishedNotification": told},
    )
