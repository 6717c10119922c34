"""Section 13, point 12: events of the Flipkart sandbox, signed, in order, at least once."""

from __future__ import annotations

import base64
import hashlib
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests

from sandbox.flipkart.push import signature
from tests.sandbox.test_flipkart_tools import LOC_A, TEE, Receiver, selling, until

SECRET = "demo-app-secret"


def is_genuine(headers: dict[str, str], url: str) -> bool:
    """What a receiver checks: our own reading of the contract's formula."""
    seconds = int(parsedate_to_datetime(headers["X_Date"]).timestamp())
    expected = hashlib.sha1(f"{seconds}{url}POST{SECRET}".encode()).hexdigest()
    scheme, _, encoded = headers["X_Authorization"].partition(" ")
    return scheme == "FKLOGIN" and base64.b64decode(encoded).decode() == f"demo-app-id:{expected}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://sync.example.in/hooks/flipkart", "c7a163f7f9eac9fbb2644ee08355c1ead3f95237"),
        ("https://sync.example.in/hooks/flipkart?account=7", "7b540da138e3a4a80483f6b2a3e918ba0149807f"),
    ],
)
def test_the_signature_matches_the_contracts_vectors(url, expected):
    assert signature(epoch_seconds=1767225600, url=url, app_secret=SECRET) == expected


def test_a_life_is_told_in_order_signed_with_underscore_headers():
    with Receiver() as receiver, selling(push={"url": receiver.url}) as seller:
        bought = seller.market.buy(listing_key=TEE, units=2)
        seller.market.command("hold", {"order_id": bought.order_id})
        seller.market.command("unhold", {"order_id": bought.order_id})
        seller.market.cancel(order_id=bought.order_id, units=1)
        seller.market.ship(order_id=bought.order_id, to="DELIVERED")
        until(lambda: len(receiver.got) == 9)
        headers, _ = receiver.got[0]
        events = receiver.events()

    assert receiver.types() == [
        "shipment_created",
        "shipment_hold",
        "shipment_unhold",
        "shipment_cancelled",
        "shipment_packed",
        "shipment_ready_to_dispatch",
        "shipment_pickup_complete",
        "shipment_shipped",
        "shipment_delivered",
    ]
    assert is_genuine(headers, receiver.url)
    assert {"X-Date", "X-Authorization"}.isdisjoint(headers)
    created, cancelled = events[0], events[3]
    assert (created["source"], created["version"], created["locationId"]) == ("flipkart", "v3", LOC_A)
    assert created["attributes"]["orderItems"][0]["orderItemId"] == bought.line_ids[0]
    assert "shipmentId" not in created["attributes"]
    assert cancelled["attributes"]["orderItems"] == [
        {
            "orderItemId": bought.line_ids[0],
            "quantity": 1,
            "reason": "cancellation_requested",
            "subReason": "changed_mind",
        }
    ]


def test_a_failed_event_is_repeated_with_the_same_body_before_the_next_one_of_its_shipment():
    with Receiver() as receiver, selling(push={"url": receiver.url}) as seller:
        receiver.answers = [500, 503]
        bought = seller.market.buy(listing_key=TEE)
        seller.market.ship(order_id=bought.order_id, to="PACKED")
        until(lambda: len(receiver.got) == 4)
        bodies = [body for _, body in receiver.got]
        stats = until(lambda: seller.market.stats()["push"].get("delivered") == 2 and seller.market.stats()["push"])

    assert receiver.types() == ["shipment_created"] * 3 + ["shipment_packed"]
    assert bodies[0] == bodies[1] == bodies[2]
    assert (stats["failed"], stats["waiting"]) == (2, 0)


def test_a_blocked_shipment_does_not_hold_up_another():
    with Receiver() as receiver, selling(push={"url": receiver.url}, settings={"push_retry_seconds": 86_400}) as seller:
        receiver.answers = [500]
        blocked = seller.market.buy(listing_key=TEE)
        until(lambda: len(receiver.got) == 1)
        seller.market.ship(order_id=blocked.order_id, to="PACKED")
        free = seller.market.buy(listing_key=TEE)
        until(lambda: len(receiver.got) == 2)
        waiting = seller.market.push.waiting()

    last = receiver.events()[-1]
    assert last["attributes"]["orderItems"][0]["orderId"] == free.order_id
    assert waiting >= 2


def test_a_retry_may_keep_the_first_date():
    settings = {"push_renews_date": False, "push_retry_seconds": 1_500}
    with Receiver() as receiver, selling(push={"url": receiver.url}, settings=settings) as seller:
        receiver.answers = [500]
        seller.market.buy(listing_key=TEE)
        until(lambda: len(receiver.got) == 2)

    assert receiver.got[0][0]["X_Date"] == receiver.got[1][0]["X_Date"]


def test_duplicates_forged_and_stale_copies_can_be_sent():
    with Receiver() as receiver, selling(push={"url": receiver.url}) as seller:
        for name in ("push_duplicate", "push_forged", "push_stale"):
            seller.fault(name, times=1)
        seller.market.buy(listing_key=TEE)
        until(lambda: len(receiver.got) == 4)
        now = seller.market.state.now()

    ages = [(now - parsedate_to_datetime(headers["X_Date"])).total_seconds() for headers, _ in receiver.got]
    genuine = [is_genuine(headers, receiver.url) for headers, _ in receiver.got]
    assert len({body for _, body in receiver.got}) == 1
    assert sum(genuine) == 3
    assert sum(age > 3600 for age in ages) == 1


def test_any_event_can_be_sent_about_anything():
    with Receiver() as receiver, selling(push={"url": receiver.url}) as seller:
        event = {"eventType": "shipment_cancelled", "shipmentId": "nobody", "attributes": {}}
        seller.market.command("push", {"event": event, "times": 2})
        seller.market.command("push", {"event": event, "forge": "signature", "group": "other"})
        until(lambda: len(receiver.got) == 3)

    assert sum(is_genuine(headers, receiver.url) for headers, _ in receiver.got) == 2


def test_events_may_come_with_dashes_be_lost_and_be_switched_off():
    with Receiver() as receiver, selling(push={"url": receiver.url}) as seller:
        seller.fault("push_lost", times=1)
        seller.market.buy(listing_key=TEE)
        seller.fault("push_dashes", times=1)
        seller.market.buy(listing_key=TEE)
        until(lambda: len(receiver.got) == 1)
        answer = seller.put(
            "/sellers/v3/notification/subscription",
            {"seller_id": "demo-seller", "location_id": LOC_A, "disable_order": True, "disable_returns": False},
        )
        seller.market.buy(listing_key=TEE)
        quiet = seller.market.push.waiting()

    assert {"X-Date", "X-Authorization"} <= receiver.got[0][0].keys()
    assert answer.status_code == 200
    assert quiet == 0


def test_returns_tell_their_own_story():
    with Receiver() as receiver, selling(push={"url": receiver.url, "orders": False}) as seller:
        bought = seller.market.buy(listing_key=TEE)
        seller.market.ship(order_id=bought.order_id, to="DELIVERED")
        made = seller.market.command("return", {"order_item_id": bought.line_ids[0], "source": "customer_return"})
        for event in ("tracking", "expected", "picked_up", "completed"):
            seller.market.command("return_event", {"return_id": made["return_id"], "event": event})
        until(lambda: len(receiver.got) == 5)

    assert receiver.types() == [
        "return_created",
        "return_item_tracking_id_update",
        "return_expected_date_changed",
        "return_picked_up",
        "return_completed",
    ]
    created = receiver.events()[0]
    assert created["returnId"] == made["return_id"]
    assert created["attributes"]["returnItems"][0]["orderItemId"] == bought.line_ids[0]
    assert "locationId" not in receiver.events()[1]


def test_the_registered_url_is_signed_even_where_another_one_is_called():
    with Receiver() as receiver:
        registered = "https://sync.example.in/hooks/flipkart?account=7"
        with selling(push={"url": receiver.url, "signed_url": registered}) as seller:
            seller.market.buy(listing_key=TEE)
            until(lambda: receiver.got)

    assert is_genuine(receiver.got[0][0], registered)
    assert not is_genuine(receiver.got[0][0], receiver.url)


def test_the_control_api_reaches_every_verb():
    with selling() as seller:
        control = seller.server.url + "/_control/flipkart/"
        bought = requests.post(control + "buy", json={"listing_key": TEE, "units": 2}, timeout=10).json()
        state = requests.post(control + "order_state", json={"order_id": bought["order_id"]}, timeout=10).json()
        unknown = requests.post(control + "no_such_verb", json={}, timeout=10)
        setting = requests.post(control + "settings", json={"no_such": 1}, timeout=10)
        shown = requests.get(control + "shown", timeout=10).json()["rows"]

    assert urlsplit(control).scheme == "http"
    assert state["shipments"][0]["items"][0]["quantity"] == 2
    assert (unknown.status_code, setting.status_code) == (400, 400)
    assert {row["listing_key"] for row in shown} == {TEE, "MUG-RED"}
