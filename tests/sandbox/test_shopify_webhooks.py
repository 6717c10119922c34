"""Webhooks as they arrive: signed bytes, headers, shapes, merged and echoed levels, faults, retries and the end of a subscription."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.server import SandboxServer
from sandbox.shopify.webhooks import RETRY_GAPS_SECONDS, sign, topic_header
from tests.sandbox import shopify_documents as documents
from tests.sandbox.shopify_shop import (
    BASE_ITEM,
    DOMAIN,
    KURTA,
    KURTA_ITEM,
    MAIN,
    SECRET,
    Client,
    Receiver,
    gid,
    open_server,
    row,
    wait_until,
)

TOPICS = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_CANCELLED",
    "ORDERS_EDITED",
    "ORDERS_DELETE",
    "REFUNDS_CREATE",
    "FULFILLMENTS_CREATE",
    "INVENTORY_LEVELS_UPDATE",
    "PRODUCTS_CREATE",
    "PRODUCTS_UPDATE",
    "PRODUCTS_DELETE",
    "APP_UNINSTALLED",
)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    started = open_server(clock_factor=50)  # 1-5 s become 20-100 ms
    yield started
    started.stop()


@pytest.fixture
def client(server: SandboxServer) -> Client:
    return Client(server)


@pytest.fixture
def receiver(client: Client) -> Iterator[Receiver]:
    with Receiver() as receiver:
        for topic in TOPICS:
            assert client.subscribe(topic, receiver.uri)["userErrors"] == []
        yield receiver


def buy(server: SandboxServer, **options: Any) -> str:
    return server.shopify.buy(listing_key=str(KURTA), **options).order_id


def test_the_signature_is_that_of_the_published_vector() -> None:
    body = rb'{"id":1,"admin_graphql_api_id":"gid:\/\/shopify\/Order\/1"}'

    assert sign(body, "shh-example-secret") == "pARQrAtOu41DmDbQINys8pEDP/RKseALj2OtMc8XRGE="


def test_topics_are_spelled_as_in_headers() -> None:
    names = ("ORDERS_CREATE", "INVENTORY_LEVELS_UPDATE", "APP_SCOPES_UPDATE", "BULK_OPERATIONS_FINISH")

    assert [topic_header(name) for name in names] == [
        "orders/create",
        "inventory_levels/update",
        "app/scopes_update",
        "bulk_operations/finish",
    ]


def test_a_delivery_is_signed_over_raw_escaped_bytes_and_carries_every_header(
    server: SandboxServer, client: Client
) -> None:
    with Receiver() as receiver:
        client.subscribe("ORDERS_CREATE", receiver.uri, name="orders_1")
        buy(server, properties=[{"name": "Note", "value": "A&B <c>"}])
        delivery = receiver.wait_for("orders/create")[0]

    assert delivery.is_signed_with(SECRET)
    assert not delivery.is_signed_with("other")
    assert rb'"gid:\/\/shopify\/Order\/' in delivery.body
    assert rb"A\u0026B \u003cc\u003e" in delivery.body
    headers = delivery.headers
    assert headers["content-type"] == "application/json"
    assert headers["x-shopify-shop-domain"] == DOMAIN
    assert headers["x-shopify-api-version"] == "2026-10"
    assert headers["x-shopify-name"] == "orders_1"
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-shopify-webhook-id"])
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-shopify-event-id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", headers["x-shopify-triggered-at"])


def test_an_order_has_the_shape_of_the_contract_and_no_location(server: SandboxServer, receiver: Receiver) -> None:
    order_id = buy(server, cod=True, custom_line={"title": "Gift wrap", "price": "20.00"})
    order = receiver.wait_for("orders/create")[0].json

    assert str(order["id"]) == order_id
    assert order["location_id"] is None
    assert order["financial_status"] == "pending"
    assert order["payment_gateway_names"] == ["Cash on Delivery (COD)"]
    assert order["total_price"] == "1319.00"
    assert order["created_at"].endswith("+05:30")
    line, custom = order["line_items"]
    assert line["id"] > 2**53
    assert (line["variant_id"], line["sku"], line["quantity"], line["current_quantity"]) == (KURTA, "KURTA-M", 1, 1)
    assert line["price"] == "1299.00"
    assert not [name for name in line if name.startswith("location")]
    assert custom["variant_id"] is None
    assert custom["sku"] is None


def test_everything_of_one_cancellation_shares_one_event(server: SandboxServer, receiver: Receiver) -> None:
    order_id = buy(server, units=2)
    receiver.wait_for("orders/create")
    receiver.wait_for("inventory_levels/update")
    server.shopify.cancel(order_id=order_id)
    cancelled = receiver.wait_for("orders/cancelled")[0]
    refund = receiver.wait_for("refunds/create")[0]
    updated = receiver.wait_for("orders/updated")[0]
    level = receiver.wait_for("inventory_levels/update", 2)[1]

    events = {each.headers["x-shopify-event-id"] for each in (cancelled, refund, updated, level)}
    assert len(events) == 1
    ids = {each.headers["x-shopify-webhook-id"] for each in (cancelled, refund, updated, level)}
    assert len(ids) == 4
    assert cancelled.json["cancel_reason"] == "customer"
    assert cancelled.json["line_items"][0]["current_quantity"] == 0
    line = refund.json["refund_line_items"][0]
    assert refund.json["order_id"] == int(order_id)
    assert (line["restock_type"], line["location_id"], line["quantity"]) == ("cancel", MAIN, 2)
    assert line["subtotal"] == 2598.0
    assert refund.json["transactions"][0]["amount"] == "2598.00"


def test_shipping_edits_and_deletion_are_announced(server: SandboxServer, receiver: Receiver) -> None:
    first, second = buy(server, units=2), buy(server)
    server.shopify.command("edit", {"order_id": first, "delta": -1})
    server.shopify.ship(order_id=first)
    server.shopify.cancel(order_id=second)
    server.shopify.command("delete_order", {"order_id": second})

    assert receiver.wait_for("fulfillments/create")[0].json["location_id"] == MAIN
    edit = receiver.wait_for("orders/edited")[0].json["order_edit"]
    assert edit["order_id"] == int(first)
    assert edit["line_items"]["removals"][0]["delta"] == 1
    assert receiver.wait_for("orders/delete")[0].json == {"id": int(second)}


def test_products_are_announced_with_every_variant_named(server: SandboxServer, receiver: Receiver) -> None:
    variants = [{"sku": f"V{number}"} for number in range(103)]
    added = server.shopify.command("add_product", {"title": "Bangle", "variants": variants})
    product = receiver.wait_for("products/create")[0].json
    server.shopify.command("delete_product", {"product": added["product"]})
    deleted = receiver.wait_for("products/delete")[0].json

    assert len(product["variants"]) == 100
    assert len(product["variant_gids"]) == 103
    assert product["variants"][0]["inventory_policy"] == "deny"
    assert deleted == {"id": int(added["product"])}


def test_our_own_write_echoes_back_as_a_level(client: Client, receiver: Receiver) -> None:
    client.set(row(8, 5))
    level = receiver.wait_for("inventory_levels/update")[0].json

    assert set(level) == {"inventory_item_id", "location_id", "available", "updated_at", "admin_graphql_api_id"}
    assert (level["inventory_item_id"], level["location_id"], level["available"]) == (KURTA_ITEM, MAIN, 8)
    assert level["admin_graphql_api_id"].endswith(f"?inventory_item_id={KURTA_ITEM}")


def test_quick_changes_of_a_level_are_merged_and_read_when_sent(
    server: SandboxServer, client: Client, receiver: Receiver
) -> None:
    server.shopify.command("settings", {"webhook_delay_seconds": [20, 20]})  # 0.4 s here
    for quantity in (9, 8, 7):
        client.set(row(quantity, None))
    first = receiver.wait_for("inventory_levels/update")
    time.sleep(0.15)

    assert [each.json["available"] for each in receiver.of("inventory_levels/update")] == [7]
    assert first[0].json["available"] == 7


def test_an_untracked_item_has_no_available(server: SandboxServer, receiver: Receiver) -> None:
    server.shopify.command("set_level", {"listing_key": "48000000000003", "quantity": 3})
    level = receiver.wait_for("inventory_levels/update")[0].json

    assert (level["inventory_item_id"], level["available"]) == (BASE_ITEM, None)


def test_a_duplicate_has_the_same_webhook_id_and_bytes(server: SandboxServer, receiver: Receiver) -> None:
    server.world.faults.switch_on("shopify.webhook_duplicate", times=1)
    buy(server)
    first, second = receiver.wait_for("orders/create", 2)

    assert first.headers["x-shopify-webhook-id"] == second.headers["x-shopify-webhook-id"]
    assert first.body == second.body


def test_a_dropped_delivery_never_comes(server: SandboxServer, receiver: Receiver) -> None:
    server.world.faults.switch_on("shopify.webhook_drop", times=1)  # strikes orders/create, the first to be sent
    buy(server)
    receiver.wait_for("inventory_levels/update")
    buy(server)
    receiver.wait_for("orders/create")
    time.sleep(0.1)

    assert [each.json["order_number"] for each in receiver.of("orders/create")] == [1002]


def test_a_delayed_delivery_is_overtaken(server: SandboxServer, receiver: Receiver) -> None:
    server.world.faults.switch_on("shopify.webhook_delay", times=1, seconds=20)
    buy(server)
    buy(server)
    orders = receiver.wait_for("orders/create", 2)

    assert [each.json["order_number"] for each in orders] == [1002, 1001]


def test_reordering_lets_some_overtake_others(server: SandboxServer, client: Client, receiver: Receiver) -> None:
    server.world.faults.switch_on("shopify.webhook_reorder", seconds=20)
    server.shopify.command("set_level", {"listing_key": str(KURTA), "quantity": 50})
    for _ in range(10):
        buy(server)
    numbers = [each.json["order_number"] for each in receiver.wait_for("orders/create", 10)]

    assert sorted(numbers) == list(range(1001, 1011))
    assert numbers != sorted(numbers)


def test_a_bad_signature_fault_signs_with_another_secret(server: SandboxServer, receiver: Receiver) -> None:
    server.world.faults.switch_on("shopify.webhook_bad_signature", times=1)
    buy(server)
    wait_until(lambda: len(receiver.received) >= 3)

    assert [each.is_signed_with(SECRET) for each in receiver.received].count(False) == 1


def test_a_rotated_secret_signs_what_comes_after(server: SandboxServer, receiver: Receiver) -> None:
    server.shopify.command("rotate_secret", {"webhook_secret": "new-secret"})
    buy(server)

    assert receiver.wait_for("orders/create")[0].is_signed_with("new-secret")


def test_a_retry_carries_the_original_payload_of_an_order_since_changed() -> None:
    server = open_server(clock_factor=1000)
    try:
        with Receiver(status=lambda count: 500 if count == 1 else 200) as receiver:
            Client(server).subscribe("ORDERS_CREATE", receiver.uri)
            order_id = buy(server)
            receiver.wait_for("orders/create")
            server.shopify.ship(order_id=order_id)
            first, second = receiver.wait_for("orders/create", 2)

        assert second.body == first.body
        assert second.json["fulfillment_status"] is None
    finally:
        server.stop()


def test_after_eight_failed_retries_the_subscription_is_deleted() -> None:
    server = open_server(clock_factor=14400)  # four hours pass in a second
    try:
        client = Client(server)
        with Receiver(status=lambda count: 503) as receiver:
            client.subscribe("ORDERS_CREATE", receiver.uri)
            buy(server)
            wait_until(lambda: not client.data(documents.WEBHOOK_LIST)["webhookSubscriptions"]["nodes"])
            count = len(receiver.received)
            buy(server)
            time.sleep(0.1)

            assert count == 9
            assert len(receiver.received) == 9
        assert sum(RETRY_GAPS_SECONDS) == 4 * 3600
        delivery = server.shopify.command("deliveries", {})["deliveries"][0]
        assert (delivery["status"], delivery["attempts"]) == ("failed", 9)
    finally:
        server.stop()


def test_a_subscription_of_the_app_configuration_is_not_listed_and_survives() -> None:
    with Receiver(status=lambda count: 503) as receiver:
        webhooks = [{"topic": "ORDERS_CREATE", "uri": receiver.uri}]
        server = open_server(clock_factor=14400 * 4, webhooks=webhooks)
        try:
            buy(server)
            receiver.wait_for("orders/create", 9)
            wait_until(lambda: server.shopify.command("deliveries", {})["deliveries"][0]["status"] == "failed")
            buy(server)
            receiver.wait_for("orders/create", 10)

            assert Client(server).data(documents.WEBHOOK_LIST)["webhookSubscriptions"]["nodes"] == []
        finally:
            server.stop()


def test_an_answer_after_five_seconds_is_a_failure_and_holds_up_nobody(server: SandboxServer, client: Client) -> None:
    server.shopify.command("settings", {"webhook_delay_seconds": [0, 0]})
    with Receiver(hold_seconds=5.5) as slow, Receiver() as quick:
        client.subscribe("ORDERS_CREATE", slow.uri)
        client.subscribe("ORDERS_CREATE", quick.uri)
        began = time.monotonic()
        buy(server)
        quick.wait_for("orders/create")
        bought_meanwhile = server.shopify.buy(listing_key=str(KURTA)).accepted
        elapsed = time.monotonic() - began
        wait_until(lambda: server.shopify.command("deliveries", {})["deliveries"][0]["answers"])
        answers = {each["uri"]: each["answers"] for each in server.shopify.command("deliveries", {})["deliveries"][:2]}

    assert bought_meanwhile
    assert elapsed < 2
    assert answers[slow.uri] == ["ReadTimeout"]
    assert answers[quick.uri] == [200]


def test_the_test_notification_is_a_cancelled_order_that_moves_nothing(
    server: SandboxServer, client: Client, receiver: Receiver
) -> None:
    assert server.shopify.command("test_notification", {}) == {"sent": 1}
    order = receiver.wait_for("orders/create")[0].json

    assert (order["test"], order["confirmed"], order["financial_status"]) == (True, False, "voided")
    assert order["cancelled_at"] is not None
    assert len(str(order["id"])) == 18
    assert [line["variant_id"] for line in order["line_items"]] == [None]
    assert client.available() == 5


def test_uninstalling_is_announced_and_ends_tokens_and_subscriptions(
    server: SandboxServer, client: Client, receiver: Receiver
) -> None:
    server.shopify.command("uninstall", {})
    payload = receiver.wait_for("app/uninstalled")[0].json
    buy(server)
    time.sleep(0.15)

    assert payload["myshopify_domain"] == DOMAIN
    assert client.post(documents.SHOP_INFO).status_code == 401
    assert receiver.of("orders/create") == []


def test_the_payload_version_is_the_apps_setting_not_the_urls(server: SandboxServer, client: Client) -> None:
    server.shopify.command("settings", {"webhook_api_version": "2026-04"})
    with Receiver() as receiver:
        created = client.subscribe("ORDERS_CREATE", receiver.uri)["webhookSubscription"]
        buy(server)

        assert created["apiVersion"]["handle"] == "2026-04"
        assert receiver.wait_for("orders/create")[0].headers["x-shopify-api-version"] == "2026-04"


def test_only_the_fields_asked_for_are_sent(server: SandboxServer, client: Client) -> None:
    with Receiver() as receiver:
        client.subscribe("ORDERS_CREATE", receiver.uri, includeFields=["id", "updated_at"])
        buy(server)

        assert set(receiver.wait_for("orders/create")[0].json) == {"id", "updated_at"}


def message(payload: dict[str, Any]) -> tuple[list[str], str]:
    error = payload["userErrors"][0]
    assert payload["webhookSubscription"] is None
    return error["field"], error["message"]


def test_addresses_that_shopify_does_not_take_are_refused(server: SandboxServer, client: Client) -> None:
    address = ["webhookSubscription", "callbackUrl"]
    assert client.subscribe("ORDERS_CREATE", "https://example.com/a", name="Orders")["userErrors"] == []

    taken = client.subscribe("ORDERS_CREATE", "https://example.com/a")
    internal = client.subscribe("ORDERS_CREATE", "https://other.myshopify.com/a")
    nonsense = client.subscribe("ORDERS_CREATE", "nowhere")
    same_name = client.subscribe("ORDERS_UPDATED", "https://example.com/a", name="orders")
    server.shopify.command("settings", {"allow_http_webhooks": False})
    plain = client.subscribe("ORDERS_UPDATED", "http://example.com/a")

    assert message(taken) == (address, "Address for this topic has already been taken")
    assert message(internal) == (address, "Address cannot be a Shopify or an internal domain")
    assert message(nonsense) == (address, "Address is invalid")
    assert message(same_name) == (["name"], "Name already exists, no duplicate allowed")
    assert message(plain) == (address, "Address protocol http:// is not supported")


def test_a_topic_needs_its_scope(server: SandboxServer, client: Client) -> None:
    server.shopify.command("scopes", {"scopes": ["read_products"]})
    field, text = message(client.subscribe("ORDERS_CREATE", "https://example.com/a"))

    assert field == ["webhookSubscription", "topic"]
    assert "read_orders" in text


def test_a_deleted_subscription_gets_nothing_more(server: SandboxServer, client: Client) -> None:
    with Receiver() as receiver:
        subscription = client.subscribe("ORDERS_CREATE", receiver.uri)["webhookSubscription"]
        server.shopify.command("settings", {"webhook_delay_seconds": [10, 10]})
        buy(server)
        client.data(documents.WEBHOOK_DELETE, id=subscription["id"])
        time.sleep(0.3)
        again = client.data(documents.WEBHOOK_DELETE, id=gid("WebhookSubscription", 1))["webhookSubscriptionDelete"]

    assert receiver.received == []
    assert again["userErrors"] == [{"field": ["id"], "message": "Webhook subscription does not exist"}]
