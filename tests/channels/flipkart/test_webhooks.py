"""Notifications: signature vectors, every event, and everything that is none."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from channels_flipkart.webhooks import delivery_check, parse, signature, verify
from inventory_sync.domain.errors import SignatureError
from inventory_sync.domain.ports import Delivery
from inventory_sync.domain.snapshots import ReturnState, Source
from tests.channels.flipkart.fixtures import NOW, fixture
from tests.channels.flipkart.stub import adapter_for

EXAMPLES = fixture("notification-examples.json")
VECTORS = EXAMPLES["signature_vectors"]
EVENTS = {event["eventType"]: event for event in EXAMPLES["events"]}
SENT_AT = datetime(2026, 1, 1, tzinfo=UTC)


def check(vector, *, headers=None, at=SENT_AT, **changed):
    facts = {"app_id": vector["app_id"], "secret": vector["app_secret"], "url": vector["notification_url"]} | changed
    sent = headers or {"x-date": vector["x_date"], "x-authorization": vector["x_authorization"]}
    return verify(headers=sent, received_at=at, max_age_seconds=900, **facts)


@pytest.mark.parametrize("vector", VECTORS)
def test_the_published_scheme_is_computed_to_the_byte(vector):
    assert signature(at=SENT_AT, url=vector["notification_url"], secret=vector["app_secret"]) == vector["sha1_hex"]
    assert check(vector) is False


@pytest.mark.parametrize("vector", VECTORS)
def test_underscore_headers_are_understood_as_well(vector):
    assert check(vector, headers={"X_Date": vector["x_date"], "X_Authorization": vector["x_authorization"]}) is False


@pytest.mark.parametrize(
    "changed",
    [{"secret": "other"}, {"app_id": "other"}, {"url": "https://sync.example.in/hooks/flipkart/"}, {"secret": ""}],
)
def test_a_signature_of_somebody_else_is_refused(changed):
    with pytest.raises(SignatureError):
        check(VECTORS[0], **changed)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-date": "Thu, 01 Jan 2026 00:00:00 GMT"},
        {"x-date": "yesterday", "x-authorization": VECTORS[0]["x_authorization"]},
        {"x-date": "Thu, 01 Jan 2026 00:00:00 GMT", "x-authorization": "Bearer abc"},
        {"x-date": "Thu, 01 Jan 2026 00:00:00 GMT", "x-authorization": "FKLOGIN \u00e9\u20ac"},
        {
            "x-date": VECTORS[0]["x_date"],
            "x_date": "Thu, 01 Jan 2026 00:00:01 GMT",
            "x-authorization": VECTORS[0]["x_authorization"],
        },
    ],
)
def test_missing_unreadable_or_doubled_headers_are_refused(headers):
    with pytest.raises(SignatureError):
        check(VECTORS[0], headers=headers or {"host": "x"})


@pytest.mark.parametrize(("minutes", "stale"), [(14, False), (16, True), (-14, False), (-16, True)])
def test_an_old_or_future_date_is_stale_and_no_error(minutes, stale):
    assert check(VECTORS[0], at=SENT_AT + timedelta(minutes=minutes)) is stale


def test_the_key_follows_what_makes_an_event_one():
    event = EVENTS["shipment_hold"]
    same = json.dumps(dict(reversed(event.items())), indent=3).encode()
    key = delivery_check(json.dumps(event).encode(), stale=False).key

    assert delivery_check(same, stale=False).key == key
    for changed in (
        {"eventType": "shipment_unhold"},
        {"shipmentId": "other"},
        {"timestamp": "later"},
        {"attributes": {}},
    ):
        assert delivery_check(json.dumps({**event, **changed}).encode(), stale=False).key != key
    assert delivery_check(same, stale=True).topic == "shipment_hold"


def test_a_new_shipment_is_a_hint_and_is_read_by_id():
    told = parse(json.dumps(EVENTS["shipment_created"]).encode(), received_at=NOW)

    [order] = told.orders
    assert told.changed == (order.key,) == ("5b0c1f7e-2d1a-4c55-9f0e-0a1b2c3d4e5f",)
    assert (order.source, order.confirm, order.complete) == (Source.HINT, True, False)
    assert order.lines[0].location_id == "LOC0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    assert (order.lines[0].ordered, order.request_started_at) == (2, NOW)
    assert told.occurred_at == SENT_AT


@pytest.mark.parametrize(
    "topic", [topic for topic in EVENTS if topic.startswith("shipment_") and topic != "shipment_created"]
)
def test_every_other_shipment_event_only_says_what_to_read(topic):
    told = parse(json.dumps(EVENTS[topic]).encode(), received_at=NOW)

    assert (told.topic, told.changed, told.orders, told.ignored) == (
        topic,
        ("5b0c1f7e-2d1a-4c55-9f0e-0a1b2c3d4e5f",),
        (),
        "",
    )


@pytest.mark.parametrize("topic", [topic for topic in EVENTS if topic.startswith("return_")])
def test_every_return_event_says_which_return_to_read(topic):
    told = parse(json.dumps(EVENTS[topic]).encode(), received_at=NOW)

    assert (told.topic, told.changed_returns, told.returns, told.ignored) == (topic, ("12345678901234567890",), (), "")


def test_goods_that_flipkart_does_not_expect_back_are_told_by_the_event_alone():
    event = json.loads(json.dumps(EVENTS["return_created"]))
    event["attributes"]["returnItems"][0]["action"] = "refund_dnt_expect"

    [told] = parse(json.dumps(event).encode(), received_at=NOW).returns

    assert (told.state, told.source, told.return_id) == (ReturnState.NEVER, Source.HINT, "12345678901234567890")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not JSON"),
        (b"null", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "unknown event type"),
        (b'{"eventType": {"a": 1}, "version": "v3"}', "unknown event type"),
        (b'{"eventType": "order_item_hold", "version": "v3"}', "old v2"),
        (b'{"eventType": "shipment_packed", "version": "v2", "shipmentId": "S"}', "old v2"),
        (b'{"eventType": "listing_exploded", "version": "v3"}', "unknown event type"),
        (b'{"eventType": "shipment_packed", "version": "v3", "shipmentId": null}', "without shipmentId"),
        (b'{"eventType": "return_created", "version": "v3", "attributes": [1]}', "without returnId"),
    ],
)
def test_what_can_not_be_used_is_ignored_with_a_reason(body, reason):
    told = parse(body, received_at=NOW)

    assert reason in told.ignored
    assert (told.orders, told.changed, told.changed_returns) == ((), (), ())
    assert delivery_check(body, stale=False).key


def test_odd_shapes_of_a_good_event_do_not_break_it():
    odd = {
        "eventType": "shipment_created",
        "version": None,
        "shipmentId": 9007199254740993,
        "attributes": {"orderItems": "none"},
    }

    told = parse(json.dumps(odd).encode(), received_at=NOW)

    assert (told.changed, told.orders) == (("9007199254740993",), ())


def test_the_adapter_checks_against_the_registered_address():
    vector = VECTORS[1]
    adapter = adapter_for(
        "http://127.0.0.1:9",
        settings={"push_url": vector["notification_url"]},
        credentials={"client_id": vector["app_id"], "client_secret": vector["app_secret"]},
    )
    body = json.dumps(EVENTS["shipment_packed"]).encode()

    def delivery(authorization: str) -> Delivery:
        headers = {"x-date": vector["x_date"], "x-authorization": authorization}
        return Delivery(body=body, headers=headers, received_at=SENT_AT, url="http://behind-a-proxy/hooks")

    assert adapter.check_delivery(delivery(vector["x_authorization"])).stale is False
    forged = "FKLOGIN " + base64.b64encode(b"demo-app-id:0000").decode()
    with pytest.raises(SignatureError):
        adapter.check_delivery(delivery(forged))
    assert adapter.parse_delivery(delivery("")).changed == ("5b0c1f7e-2d1a-4c55-9f0e-0a1b2c3d4e5f",)
