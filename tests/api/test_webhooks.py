"""Where marketplaces deliver: verified on the raw bytes, stored once, answered at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import threading
import time
import uuid
from datetime import UTC, timedelta
from email.utils import format_datetime

import pytest
from django.test import Client
from django.utils import timezone

from channels_flipkart.webhooks import signature
from inventory_sync.config.wsgi import doubled, webhook_edge
from inventory_sync.engine import wake
from inventory_sync.engine.models import WebhookDelivery
from skumap.models import ChannelAccount
from tests.api.conftest import SECRET, SHOP

BODY = rb'{"id":1,"admin_graphql_api_id":"gid:\/\/shopify\/Order\/1"}'
VECTOR = "pARQrAtOu41DmDbQINys8pEDP/RKseALj2OtMc8XRGE="  # of BODY under "shh-example-secret"


def signed(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def deliver(path: str = "/webhooks/shopify/", body: bytes = BODY, **changed: str):
    headers = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-Sha256": VECTOR if body == BODY else signed(body),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Webhook-Id": "w-1",
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    return Client(enforce_csrf_checks=True).post(path, body, content_type="application/json", headers=headers)


def test_the_official_vector_is_stored_byte_for_byte(shop):
    assert deliver().status_code == 200
    row = WebhookDelivery.objects.get()

    assert bytes(row.body) == BODY
    assert (row.account, row.key, row.topic, row.status) == (shop, "w-1", "orders/create", "new")
    assert row.headers["x-shopify-shop-domain"] == SHOP


def test_the_same_delivery_again_is_accepted_and_kept_once(shop):
    assert [deliver().status_code for _ in range(3)] == [200, 200, 200]
    assert WebhookDelivery.objects.count() == 1


@pytest.mark.parametrize("path", ["/webhooks/shopify/", "/webhooks/shopify"])
def test_all_shops_may_share_one_address_with_or_without_its_last_slash(shop, path):
    assert deliver(path, X_Shopify_Shop_Domain=SHOP.upper()).status_code == 200


def test_an_account_has_its_own_address(shop):
    assert deliver(f"/webhooks/shopify/{shop.webhook_key}/").status_code == 200
    assert deliver(f"/webhooks/shopify/{uuid.uuid4()}/", X_Shopify_Webhook_Id="w-2").status_code == 401
    assert deliver(f"/webhooks/flipkart/{shop.webhook_key}/", X_Shopify_Webhook_Id="w-3").status_code == 401
    assert WebhookDelivery.objects.count() == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"X_Shopify_Hmac_Sha256": signed(BODY, "another")},
        {"X_Shopify_Hmac_Sha256": ""},
        {"X_Shopify_Hmac_Sha256": VECTOR.lower()},
        {"X_Shopify_Hmac_Sha256": "é"},
        {"X_Shopify_Shop_Domain": "unknown.myshopify.com"},
        {"X_Shopify_Shop_Domain": ""},
    ],
)
def test_what_nobody_we_know_has_signed_is_refused_and_not_kept(shop, changed):
    answer = deliver(**changed)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "signature"
    assert not WebhookDelivery.objects.exists()


def test_the_raw_bytes_are_signed_not_what_they_mean(shop):
    same_meaning = BODY.replace(rb"\/", b"/")

    assert deliver(body=same_meaning, X_Shopify_Hmac_Sha256=VECTOR).status_code == 401
    assert deliver(body=same_meaning).status_code == 200


def test_old_and_new_secret_are_good_while_one_is_replaced(shop):
    shop.credentials = {"client_id": "c", "client_secret": "new", "webhook_secrets": f"new,{SECRET}"}
    shop.save()

    assert deliver().status_code == 200
    assert deliver(X_Shopify_Hmac_Sha256=signed(BODY, "new"), X_Shopify_Webhook_Id="w-2").status_code == 200
    assert deliver(X_Shopify_Hmac_Sha256=signed(BODY, "c"), X_Shopify_Webhook_Id="w-3").status_code == 401


def test_an_account_without_a_secret_takes_nothing(shop):
    shop.credentials = {"access_token": "static"}
    shop.save()

    assert deliver().status_code == 401


def test_a_body_that_is_no_json_is_kept_for_somebody_to_look_at(shop):
    assert deliver(body=b"\x00\xffnot json").status_code == 200
    assert bytes(WebhookDelivery.objects.get().body) == b"\x00\xffnot json"


def test_secrets_of_the_request_are_not_kept(shop):
    assert deliver(Authorization="Bearer x", Cookie="sessionid=x").status_code == 200
    assert not {"authorization", "cookie"} & WebhookDelivery.objects.get().headers.keys()


def test_only_post_and_only_so_much(shop):
    assert Client().get("/webhooks/shopify/").status_code == 405
    body = b"x" * (5 * 1024 * 1024 + 1)
    assert deliver(body=body).status_code == 413
    assert not WebhookDelivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_answer_comes_after_the_row_is_committed(shop, monkeypatch):
    from django.db import connections

    from inventory_sync.api import webhooks

    seen = []
    real = webhooks.store_delivery

    def store(**values):
        real(**values)
        thread = threading.Thread(
            target=lambda: (seen.append(WebhookDelivery.objects.count()), connections.close_all())
        )
        thread.start()
        thread.join()

    monkeypatch.setattr(webhooks, "store_delivery", store)
    assert deliver().status_code == 200
    assert seen == [1], "another connection sees the row before the answer is made"


@pytest.fixture
def silent_port():
    """A server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield server.getsockname()[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broker", ["closed", "silent"])
def test_a_broker_that_is_away_neither_fails_nor_delays_a_delivery(shop, settings, silent_port, broker):
    settings.REDIS_URL = f"redis://127.0.0.1:{1 if broker == 'closed' else silent_port}/0"
    first, later = [], []
    for attempt in range(3):  # this machine may be busy: a delay of ours would be there every time
        wake._closed_until, wake._client = 0.0, None
        for times, number in ((first, 0), (later, 1), (later, 2)):
            begun = time.monotonic()
            assert deliver(X_Shopify_Webhook_Id=f"w-{attempt}-{number}").status_code == 200
            times.append(time.monotonic() - begun)

    assert WebhookDelivery.objects.count() == 9
    assert min(first) < 0.5
    assert min(later) < 0.15, "after the first failure nobody waits for the broker"


# --- Flipkart ----------------------------------------------------------------------------------------------------------------


def push_headers(url: str, *, at=None, secret: str = "not-a-secret") -> dict[str, str]:
    moment = (at or timezone.now()).replace(microsecond=0)
    text = f"app:{signature(at=moment, url=url, secret=secret)}"
    date = format_datetime(moment.astimezone(UTC), usegmt=True)
    return {"X-Date": date, "X-Authorization": f"FKLOGIN {base64.b64encode(text.encode()).decode()}"}


EVENT = (
    b'{"eventType":"shipment_created","source":"flipkart","version":"v3","timestamp":"2026-10-07T18:30:00+05:30",'
    b'"shipmentId":"s1","attributes":{}}'
)


def push(account: ChannelAccount, headers: dict[str, str], body: bytes = EVENT):
    return Client().post(
        f"/webhooks/flipkart/{account.webhook_key}/", body, content_type="application/json", headers=headers
    )


def test_a_flipkart_event_is_stored_once(flipkart):
    url = f"http://testserver/webhooks/flipkart/{flipkart.webhook_key}/"

    assert [push(flipkart, push_headers(url)).status_code for _ in range(2)] == [200, 200]
    row = WebhookDelivery.objects.get()
    assert (row.topic, row.stale) == ("shipment_created", False)


def test_the_address_that_was_registered_is_what_is_signed(flipkart, settings):
    settings.PUBLIC_URL = "https://sync.example.in"
    path = f"/webhooks/flipkart/{flipkart.webhook_key}/"

    assert push(flipkart, push_headers(f"https://sync.example.in{path}")).status_code == 200
    assert push(flipkart, push_headers(f"https://other.example.in{path}")).status_code == 401
    flipkart.settings = {"push_url": "https://edge.example.in/fk?account=1"}
    flipkart.save()
    assert push(flipkart, push_headers("https://edge.example.in/fk?account=1")).status_code == 200


def test_a_wrong_signature_is_refused_an_old_date_is_only_marked(flipkart):
    url = f"http://testserver/webhooks/flipkart/{flipkart.webhook_key}/"
    old = timezone.now() - timedelta(hours=3)

    assert push(flipkart, push_headers(url, secret="other")).status_code == 401
    assert push(flipkart, {}).status_code == 401
    assert push(flipkart, push_headers(url, at=old)).status_code == 200
    assert WebhookDelivery.objects.get().stale is True


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"not json", b'{"eventType":"something_new"}', b'{"eventType":"a\\u0000b"}']
)
def test_whatever_flipkart_has_signed_is_accepted_so_that_it_goes_on_sending(flipkart, body):
    url = f"http://testserver/webhooks/flipkart/{flipkart.webhook_key}/"

    assert push(flipkart, push_headers(url), body).status_code == 200
    assert bytes(WebhookDelivery.objects.get().body) == body


# --- the edge ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "twice"),
    [
        ({}, False),
        ({"HTTP_X_DATE": "Thu, 01 Jan 2026 00:00:00 GMT", "HTTP_X_AUTHORIZATION": "FKLOGIN YQ=="}, False),
        ({"HTTP_X_DATE": "Thu, 01 Jan 2026 00:00:00 GMT,Thu, 01 Jan 2026 00:00:00 GMT"}, True),
        ({"HTTP_X_DATE": "Thursday, 01-Jan-26 00:00:00 GMT"}, False),
        ({"HTTP_X_AUTHORIZATION": "FKLOGIN YQ==,FKLOGIN Yg=="}, True),
    ],
)
def test_headers_that_came_in_both_spellings_are_told(headers, twice):
    assert doubled(headers) is twice


def test_only_webhooks_pass_the_edge_differently():
    seen = []

    def app(environ, start_response):
        seen.append(environ["PATH_INFO"])
        return [b""]

    edge, said = webhook_edge(app), []
    for path in ("/api/v1/skus/", "/webhooks/flipkart/x/"):
        edge({"PATH_INFO": path, "HTTP_X_AUTHORIZATION": "a,b"}, lambda status, headers: said.append(status))
    assert seen == ["/api/v1/skus/"]
    assert said == ["400 Bad Request"]
