"""Subscriptions, against a server of a few lines; the queue itself is tried in ``test_sandbox``."""

from __future__ import annotations

from typing import Any

import pytest

from inventory_sync.domain.errors import ContractError, RejectedError, RetryableError
from tests.channels.amazon.stub import Answer, Seen, Stub, make_adapter, refusal

ROOT = "/notifications/v1"
ARN = "arn:aws:sqs:eu-west-1:111122223333:spapi"
TYPES = ("ORDER_CHANGE", "FBA_INVENTORY_AVAILABILITY_CHANGES", "FEED_PROCESSING_FINISHED", "REPORT_PROCESSING_FINISHED")
SET = {"sqs_queue_arn": ARN, "sqs_queue_url": "http://127.0.0.1:9/q"}
OURS = {"destinationId": "D1", "name": "x", "resource": {"sqs": {"arn": ARN}}}


def destinations(*rows: dict[str, Any]) -> Answer:
    return Answer(body={"payload": list(rows)})


def ready(stub: Stub) -> None:
    stub.on(f"GET {ROOT}/destinations", destinations(OURS))
    for kind in TYPES:
        stub.on(f"GET {ROOT}/subscriptions/{kind}", refusal(404, "NOT_FOUND"))
        stub.on(
            f"POST {ROOT}/subscriptions/{kind}",
            Answer(body={"payload": {"subscriptionId": f"S-{kind}", "destinationId": "D1"}}),
        )


def test_everything_is_made_once_with_the_right_tokens_and_versions(stub: Stub) -> None:
    ready(stub)
    stub.on(f"GET {ROOT}/destinations", destinations({"destinationId": "D0", "resource": {"eventBridge": {}}}))
    stub.on(f"POST {ROOT}/destinations", Answer(body={"payload": OURS}))

    lines = make_adapter(stub.url, settings=SET).subscribe(callback_url="")

    assert stub.calls(f"POST {ROOT}/destinations")[0].json == {
        "name": "inventory-sync",
        "resourceSpecification": {"sqs": {"arn": ARN}},
    }
    made = {kind: stub.calls(f"POST {ROOT}/subscriptions/{kind}")[0].json for kind in TYPES}
    assert {kind: body["payloadVersion"] for kind, body in made.items()} == {
        "ORDER_CHANGE": "1.0",
        "FBA_INVENTORY_AVAILABILITY_CHANGES": "1.0",
        "FEED_PROCESSING_FINISHED": "2020-09-04",
        "REPORT_PROCESSING_FINISHED": "2020-09-04",
    }
    assert made["ORDER_CHANGE"]["processingDirective"]["eventFilter"] == {
        "eventFilterType": "ORDER_CHANGE",
        "marketplaceIds": ["A21TJRUUN4KGV"],
        "orderChangeTypes": ["OrderStatusChange", "BuyerRequestedChange"],
    }
    assert [login["grant_type"] for login in stub.logins] == ["client_credentials", "refresh_token"]
    assert stub.logins[0]["scope"] == "sellingpartnerapi::notifications"
    grantless = {seen.headers["x-amz-access-token"] for seen in stub.calls() if "/destinations" in seen.path}
    assert grantless == {"Atza|token-1"}
    assert {seen.headers["x-amz-access-token"] for seen in stub.calls() if "/subscriptions" in seen.path} == {
        "Atza|token-2"
    }
    assert "D1" in lines[0]
    assert "437568002678" in lines[-1]
    assert len(lines) == 6


def test_what_is_there_already_is_left_alone(stub: Stub) -> None:
    ready(stub)
    for kind in TYPES:
        stub.on(
            f"GET {ROOT}/subscriptions/{kind}", Answer(body={"payload": {"subscriptionId": "S", "destinationId": "D1"}})
        )

    lines = make_adapter(stub.url, settings=SET).subscribe(callback_url="")

    assert {seen.method for seen in stub.calls()} == {"GET"}
    assert all("already" in line for line in lines[1:5])


def test_a_conflict_is_adopted(stub: Stub) -> None:
    ready(stub)
    stub.on(f"GET {ROOT}/destinations", destinations(), destinations(OURS))
    stub.on(f"POST {ROOT}/destinations", refusal(409, "CONFLICT"))
    there = Answer(body={"payload": {"subscriptionId": "S9", "destinationId": "D1"}})
    stub.on(f"GET {ROOT}/subscriptions/ORDER_CHANGE", refusal(404, "NOT_FOUND"), there)
    stub.on(f"POST {ROOT}/subscriptions/ORDER_CHANGE", refusal(409, "CONFLICT"))

    lines = make_adapter(stub.url, settings=SET).subscribe(callback_url="")

    assert "D1" in lines[0]
    assert "S9" in lines[1]


def test_a_filter_that_amazon_refuses_is_left_out(stub: Stub) -> None:
    ready(stub)

    def picky(seen: Seen) -> Answer:
        if "processingDirective" in seen.json:
            return refusal(400, "InvalidInput", "Cannot parse processingDirective.")
        return Answer(body={"payload": {"subscriptionId": "S1"}})

    stub.on(f"POST {ROOT}/subscriptions/ORDER_CHANGE", picky)

    lines = make_adapter(stub.url, settings=SET).subscribe(callback_url="")

    assert "without a filter" in lines[1]


def test_a_type_that_is_refused_does_not_stop_the_others_and_another_queue_is_pointed_out(stub: Stub) -> None:
    ready(stub)
    stub.on(f"POST {ROOT}/subscriptions/ORDER_CHANGE", refusal(400, "InvalidInput", "not in this marketplace"))
    elsewhere = Answer(body={"payload": {"subscriptionId": "S2", "destinationId": "D-OTHER"}})
    stub.on(f"GET {ROOT}/subscriptions/FEED_PROCESSING_FINISHED", elsewhere)

    lines = make_adapter(stub.url, settings=SET).subscribe(callback_url="")

    assert "refuses" in lines[1]
    assert "D-OTHER" in lines[3]
    assert "REPORT_PROCESSING_FINISHED: subscribed now" in lines[4]


def test_without_a_queue_everything_goes_on_by_polling(stub: Stub) -> None:
    adapter = make_adapter(stub.url)

    [line] = adapter.subscribe(callback_url="")

    assert "polling" in line
    assert adapter.receive_messages(wait_seconds=20) == []
    adapter.delete_messages([])
    with pytest.raises(ContractError):
        adapter.delete_messages(["receipt"])
    assert stub.seen == []


def test_a_queue_out_of_reach_is_a_matter_of_time(stub: Stub) -> None:
    settings = {**SET, "sqs_endpoint_url": "http://127.0.0.1:9", "connect_timeout_seconds": 0.2}
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}

    with pytest.raises(RetryableError):
        make_adapter(stub.url, settings=settings, credentials=keys).receive_messages(wait_seconds=0)


def test_a_queue_on_a_private_host_is_not_called_in_production() -> None:
    from dataclasses import replace

    from tests.channels.ports import make_ports

    ports = replace(make_ports(), allow_private_hosts=False)
    adapter = make_adapter("https://sellingpartnerapi-eu.amazon.com", settings=SET, auth_base="", ports=ports)

    with pytest.raises(RejectedError, match="queue"):
        adapter.receive_messages(wait_seconds=0)
