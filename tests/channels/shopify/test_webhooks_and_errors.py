"""Deliveries: signature, key, meaning. And the closed table of errors."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels_shopify import errors, webhooks
from channels_shopify.settings import REQUIRED_SCOPES
from inventory_sync.domain.errors import (
    ContractError,
    CredentialsError,
    ListingNotFoundError,
    NotWritableError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    SetupError,
    SignatureError,
    StaleQuantityError,
)
from inventory_sync.domain.ports import Delivery
from inventory_sync.domain.snapshots import ListingIds
from inventory_sync.http import ApiResponse

FIXTURES = Path(__file__).parents[2] / "fixtures" / "shopify" / "webhooks"
NOW = datetime(2026, 11, 2, 4, 10, tzinfo=UTC)
SECRET = b"shh-example-secret"
SHOP = "demo-shop.myshopify.com"


def delivery(body: Any, *, topic: str = "orders/create", secret: bytes = SECRET, **headers: str) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = base64.b64encode(hmac.new(secret, raw, hashlib.sha256).digest()).decode()
    named = {"topic": topic, "hmac-sha256": signature, "shop-domain": SHOP, "webhook-id": "w-1", **headers}
    return Delivery(
        body=raw,
        headers={f"x-shopify-{name.replace('_', '-')}": value for name, value in named.items()},
        received_at=NOW,
    )


def check(sent: Delivery, **options: Any):
    return webhooks.check(sent, **{"shop": SHOP, "secrets": [SECRET], "stale_seconds": 86400, **options})


def parse(body: Any, topic: str):
    return webhooks.parse(delivery(body, topic=topic), required_scopes=REQUIRED_SCOPES, read_locations=True)


def test_the_official_signature_vector_holds():
    body = rb'{"id":1,"admin_graphql_api_id":"gid:\/\/shopify\/Order\/1"}'

    webhooks.verify(body=body, signature="pARQrAtOu41DmDbQINys8pEDP/RKseALj2OtMc8XRGE=", secrets=[SECRET])
    reserialized = json.dumps(json.loads(body)).encode()
    with pytest.raises(SignatureError):
        webhooks.verify(body=reserialized, signature="pARQrAtOu41DmDbQINys8pEDP/RKseALj2OtMc8XRGE=", secrets=[SECRET])


def test_old_and_new_secret_are_accepted_while_one_is_replaced():
    assert check(delivery({}, secret=b"old"), secrets=[b"new", b"old"]).key == "w-1"
    with pytest.raises(SignatureError) as caught:
        check(delivery({}, secret=b"other"), secrets=[b"new", b"old"])
    assert (caught.value.code, caught.value.status) == ("bad_signature", 401)


def test_a_missing_signature_is_told_from_a_bad_one():
    with pytest.raises(SignatureError) as caught:
        check(delivery({}, hmac_sha256=" "))
    assert (caught.value.code, caught.value.status) == ("missing_signature", 400)
    with pytest.raises(SignatureError) as caught:
        check(delivery({}, hmac_sha256="nön-ascii"))
    assert caught.value.code == "bad_signature"


@pytest.mark.parametrize("shop", ["other.myshopify.com", ""])
def test_a_delivery_for_another_shop_is_refused_though_our_secret_signed_it(shop):
    with pytest.raises(SignatureError) as caught:
        check(delivery({}, shop_domain=shop))
    assert caught.value.code == "other_shop"
    assert check(delivery({}, shop_domain="DEMO-shop.myshopify.com")).topic == "orders/create"


def test_without_a_webhook_id_the_key_comes_from_topic_and_body():
    one = check(delivery({"id": 1}, webhook_id=""))

    assert one.key == check(delivery({"id": 1}, webhook_id="")).key
    assert one.key != check(delivery({"id": 1}, webhook_id="", topic="orders/updated")).key
    assert one.key != check(delivery({"id": 2}, webhook_id="")).key


def test_a_delivery_that_comes_a_day_late_is_stale_and_nonsense_times_are_tolerated():
    assert not check(delivery({}, triggered_at="2026-11-02T04:05:06.000000000Z")).stale
    assert check(delivery({}, triggered_at="2026-10-30T04:05:06.000000000Z")).stale
    assert not check(delivery({}, triggered_at="soon")).stale


def test_a_new_order_is_applied_and_read_again_for_its_location():
    event = parse((FIXTURES / "orders_create.json").read_bytes(), "orders/create")

    assert event.orders[0].key == "6120000000001"
    assert event.changed == ("6120000000001",)
    assert event.occurred_at == datetime(2026, 11, 2, 4, 5, 7, tzinfo=UTC)
    assert parse((FIXTURES / "orders_create.json").read_bytes(), "orders/updated").changed == ()


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("refunds/create", {"id": 910000000001, "order_id": 6120000000001, "refund_line_items": []}),
        ("orders/edited", {"order_edit": {"id": 5, "order_id": 6120000000001, "line_items": {"additions": [], "removals": []}}}),
        ("orders/delete", {"id": 6120000000001}),
        ("fulfillments/create", {"id": 3, "order_id": 6120000000001, "line_items": [{"id": 1}]}),
        ("returns/close", {"id": 3, "order": {"id": 6120000000001}}),
        ("returns/process", {"id": 3, "return": {"order": {"admin_graphql_api_id": "gid://shopify/Order/6120000000001"}}}),
    ],
)  # fmt: skip
def test_what_only_hints_at_an_order_has_it_read_again(topic, body):
    event = parse(body, topic)

    assert (event.changed, event.orders) == (("6120000000001",), ())


def test_a_change_of_a_level_is_read_again_and_its_number_is_not_believed():
    event = parse(
        {"inventory_item_id": 301, "location_id": 9007199254740993, "available": 5}, "inventory_levels/update"
    )

    assert event.levels == (("301", "9007199254740993"),)


def test_a_changed_product_names_also_the_variants_beyond_the_first_hundred():
    event = parse((FIXTURES / "products_update.json").read_bytes(), "products/update")

    assert event.listings == (
        ListingIds(key="48000000000001", seller_sku="KURTA-M", product_id="9000000000001", listing_ref="301"),
        ListingIds(key="48000000000101", product_id="9000000000001"),
    )


def test_a_deleted_product_is_gone():
    assert parse({"id": 9000000000001}, "products/delete").gone == ("product:9000000000001",)


def test_an_uninstalled_app_and_lost_permissions_need_a_person():
    assert "uninstalled" in parse({"id": 1}, "app/uninstalled").setup_problem
    assert "read_orders" in parse({"current": ["write_inventory", "read_products"]}, "app/scopes_update").setup_problem
    assert parse({"current": [*REQUIRED_SCOPES]}, "app/scopes_update").ignored


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("customers/redact", {"id": 1}),
        ("a/new_topic", {}),
        ("inventory_levels/update", {}),
        ("refunds/create", {"id": 4}),
    ],
)
def test_what_means_nothing_says_why(topic, body):
    event = parse(body, topic)

    assert event.ignored
    assert not (event.orders)
    assert not (event.changed)
    assert not (event.levels)


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff"])
def test_a_body_that_is_no_object_is_a_contract_error(body):
    with pytest.raises(ContractError):
        parse(body, "orders/create")


# --- errors -----------------------------------------------------------------------------------------------------------------


def answer(body: Any, *, status: int = 200) -> ApiResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ApiResponse(
        status=status, headers={}, body=raw, request_id="r-1", elapsed=0.1, started_at=NOW, ended_at=NOW + timedelta(seconds=1), channel="shopify"
    )  # fmt: skip


def failed(code: str | None, message: str = "no") -> Mapping[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code} if code else {}}]}


@pytest.mark.parametrize(
    ("body", "status", "kind", "applied"),
    [
        (failed("ACCESS_DENIED"), 200, CredentialsError, False),
        (failed("SHOP_INACTIVE"), 200, SetupError, False),
        (failed("INTERNAL_SERVER_ERROR"), 200, RetryableError, True),
        (failed("TIMEOUT"), 200, RetryableError, True),
        (failed("BAD_REQUEST"), 200, ContractError, False),
        (failed("INVALID_VARIABLE"), 200, ContractError, False),
        (failed("MAX_INPUT_SIZE_EXCEEDED"), 200, ContractError, False),
        (failed("undefinedField"), 200, ContractError, False),
        (failed("BRAND_NEW"), 200, RejectedError, False),
        ({**failed("BRAND_NEW"), "data": {"x": None}}, 200, RejectedError, True),
        ({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401, CredentialsError, False),
        ({"errors": "Unavailable Shop"}, 402, SetupError, False),
        (b"<html>", 403, CredentialsError, False),
        ({"errors": "Not Found"}, 404, SetupError, False),
        ({"errors": "odd"}, 200, RejectedError, False),
        ({"errors": ["odd"]}, 200, RejectedError, False),
    ],
)  # fmt: skip
def test_an_answer_says_what_happens_next(body, status, kind, applied):
    error = errors.error_of(answer(body, status=status))

    assert type(error) is kind
    assert error is not None
    assert (error.request_id, error.may_have_applied) == ("r-1", applied)


@pytest.mark.parametrize("body", [{"data": {}}, {"data": {}, "errors": []}, {"errors": None}, b"<html>"])
def test_an_answer_without_errors_is_none(body):
    assert errors.error_of(answer(body)) is None


@pytest.mark.parametrize(("body", "status"), [(b"", 429), (b"<html>", 504)])
def test_what_the_status_says_by_itself_is_left_to_the_client(body, status):
    assert errors.error_of(answer(body, status=status)) is None


def test_throttling_inside_200_waits_until_the_query_fits():
    body = {
        **failed("THROTTLED", "Throttled"),
        "extensions": {
            "cost": {
                "requestedQueryCost": 752,
                "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": 310, "restoreRate": 100},
            }
        },
    }

    error = errors.error_of(answer(body))

    assert isinstance(error, RateLimitedError)
    assert error.retry_after == pytest.approx(4.42)
    assert errors.throttle_status(body) == {"requested": 752, "remaining": 310, "capacity": 2000, "per_second": 100}
    assert errors.throttle_wait({}) == 1


def test_of_several_errors_the_one_that_needs_a_person_decides():
    body = {"errors": [*failed("BAD_REQUEST")["errors"], *failed("ACCESS_DENIED")["errors"]]}

    assert isinstance(errors.error_of(answer(body)), CredentialsError)


@pytest.mark.parametrize(
    ("code", "kind", "applied"),
    [
        ("CHANGE_FROM_QUANTITY_STALE", StaleQuantityError, False),
        ("INVALID_INVENTORY_ITEM", ListingNotFoundError, False),
        ("INVALID_LOCATION", ListingNotFoundError, False),
        ("NON_MUTABLE_INVENTORY_ITEM", NotWritableError, False),
        ("IDEMPOTENCY_CONCURRENT_REQUEST", RetryableError, True),
        ("SERVICE_UNAVAILABLE", RetryableError, False),
        ("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", RetryableError, False),
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", ContractError, False),
        ("INVALID_REASON", ContractError, False),
        ("NEXT_QUARTERS_CODE", RejectedError, False),
        ("", RejectedError, False),
    ],
)
def test_user_errors_say_what_happens_next(code, kind, applied):
    error = errors.user_error(code=code, message="words")

    assert type(error) is kind
    assert (error.code, error.may_have_applied) == (code, applied)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("shop_not_permitted", "same organization"),
        ("invalid_client", "secret"),
        ("invalid_grant", "connect the shop again"),
    ],
)
def test_a_refused_token_says_what_a_person_must_do(code, words):
    error = errors.token_error(answer({"error": code, "error_description": "x"}, status=400))

    assert isinstance(error, CredentialsError)
    assert words in error.message
    assert errors.token_error(answer(b"", status=503)) is None
