"""Tokens, scopes, versions, cost and everything that can be refused before or after a query runs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
import requests

from sandbox.server import SandboxServer
from tests.sandbox import shopify_documents as documents
from tests.sandbox.shopify_shop import DOMAIN, KURTA_ITEM, MAIN, SECRET, TIMEOUT, Client, gid, open_server, row

UNAUTHORIZED = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    started = open_server()
    yield started
    started.stop()


@pytest.fixture
def client(server: SandboxServer) -> Client:
    return Client(server)


def ask_token(server: SandboxServer, *, as_json: bool = False, **fields: str) -> requests.Response:
    form = {"client_id": "demo-client", "client_secret": SECRET, **fields}
    url = f"{server.url}/shopify/{DOMAIN}/admin/oauth/access_token"
    return requests.post(url, timeout=TIMEOUT, **({"json": form} if as_json else {"data": form}))


def works(server: SandboxServer, token: str) -> bool:
    return Client(server, token=token).post(documents.SHOP_INFO).status_code == 200


@pytest.mark.parametrize("as_json", [False, True])
def test_client_credentials_give_a_token_for_a_day(server: SandboxServer, as_json: bool) -> None:
    answer = ask_token(server, as_json=as_json, grant_type="client_credentials").json()

    assert answer["expires_in"] == 86399
    assert "write_inventory" in answer["scope"].split(",")
    assert "refresh_token" not in answer
    assert works(server, answer["access_token"])


def test_wrong_credentials_another_organization_and_a_removed_app_are_named(server: SandboxServer) -> None:
    wrong = ask_token(server, grant_type="client_credentials", client_secret="guess")
    server.shopify.command("settings", {"same_organization": False})
    stranger = ask_token(server, grant_type="client_credentials")
    server.shopify.command("settings", {"same_organization": True, "installed": False})
    removed = ask_token(server, grant_type="client_credentials")

    assert [each.status_code for each in (wrong, stranger, removed)] == [400, 400, 400]
    assert wrong.json()["error"] == "invalid_client"
    assert stranger.json() == {
        "error": "shop_not_permitted",
        "error_description": "Client credentials cannot be performed on this shop.",
    }
    assert removed.json()["error"] == "app_not_installed"


def test_a_token_ends_by_the_sandbox_clock() -> None:
    fast = open_server(clock_factor=86399 / 0.3)
    try:
        token = ask_token(fast, grant_type="client_credentials").json()["access_token"]
        assert works(fast, token)
        time.sleep(0.35)
        answer = Client(fast, token=token).post(documents.SHOP_INFO)

        assert answer.status_code == 401
        assert answer.json() == UNAUTHORIZED
    finally:
        fast.stop()


def test_an_unknown_token_is_401_with_one_text_as_errors(server: SandboxServer, client: Client) -> None:
    assert Client(server, token="shpat_wrong").post(documents.SHOP_INFO).json() == UNAUTHORIZED
    server.shopify.command("tokens", {"action": "revoke"})
    assert client.post(documents.SHOP_INFO).status_code == 401


def test_the_consent_page_gives_a_signed_code_that_works_once(server: SandboxServer) -> None:
    response = requests.get(
        f"{server.url}/shopify/{DOMAIN}/admin/oauth/authorize",
        params={
            "client_id": "demo-client",
            "redirect_uri": "https://example.com/back",
            "state": "s1",
            "scope": "read_orders",
        },
        allow_redirects=False,
        timeout=TIMEOUT,
    )
    query = {name: values[0] for name, values in parse_qs(urlparse(response.headers["Location"]).query).items()}
    signed = "&".join(f"{name}={value}" for name, value in sorted(query.items()) if name != "hmac")
    first = ask_token(server, code=query["code"], expiring="1")
    second = ask_token(server, code=query["code"], expiring="1")

    assert query["state"] == "s1"
    assert query["shop"] == DOMAIN
    assert query["hmac"] == hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
    assert first.json()["expires_in"] == 3600
    assert first.json()["refresh_token_expires_in"] == 90 * 86400
    assert second.status_code == 400


def expiring_pair(server: SandboxServer) -> dict[str, Any]:
    """An offline token with a refresh token, made from a static one."""
    server.shopify.command("reinstall", {"static_tokens": ["shpat_old"]})
    answer = ask_token(server, grant_type=EXCHANGE, subject_token="shpat_old", subject_token_type=OFFLINE, expiring="1")
    pair: dict[str, Any] = answer.json()
    return pair


def test_a_static_token_can_be_turned_into_an_expiring_one_and_dies(server: SandboxServer) -> None:
    pair = expiring_pair(server)

    assert works(server, pair["access_token"])
    assert not works(server, "shpat_old")


def test_a_lost_refresh_answer_can_be_asked_again_until_the_new_pair_is_used(server: SandboxServer) -> None:
    old = expiring_pair(server)["refresh_token"]
    lost = ask_token(server, grant_type="refresh_token", refresh_token=old).json()
    again = ask_token(server, grant_type="refresh_token", refresh_token=old).json()
    assert again == lost
    assert works(server, again["access_token"])
    used_up = ask_token(server, grant_type="refresh_token", refresh_token=old)

    assert lost["refresh_token"] != old
    assert (used_up.status_code, used_up.json()["error"]) == (400, "invalid_grant")


def session_token(**claims: Any) -> str:
    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    text = f"{part({'alg': 'HS256'})}.{part({'aud': 'demo-client', 'exp': time.time() + 60, **claims})}"
    signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def test_a_session_token_is_exchanged_and_a_bad_one_refused(server: SandboxServer) -> None:
    fields = {
        "grant_type": EXCHANGE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "expiring": "1",
    }
    good = ask_token(server, subject_token=session_token(), **fields)
    late = ask_token(server, subject_token=session_token(exp=1), **fields)
    garbled = ask_token(server, subject_token="a.b.c", **fields)

    assert works(server, good.json()["access_token"])
    assert [each.json()["error"] for each in (late, garbled)] == ["invalid_subject_token"] * 2


def test_a_missing_scope_denies_the_field_and_the_rest_answers(server: SandboxServer, client: Client) -> None:
    order_id = server.shopify.buy(listing_key="48000000000001").order_id
    scopes = {"read_products", "read_inventory", "read_orders"}
    server.shopify.command("scopes", {"scopes": sorted(scopes)})
    denied = client.call(documents.ORDER_BY_ID, id=gid("Order", order_id))
    values = {"name": "available", "reason": "correction", "quantities": [row(1, None)]}
    write = client.call(documents.SET_QUANTITIES, input=values, idempotencyKey="k")
    allowed = client.call("query O($id: ID!) { order(id: $id) { name } shop { name } }", id=gid("Order", order_id))

    error = denied["errors"][0]
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert error["message"].startswith("Access denied for fulfillmentOrders field. Required access: ")
    assert error["path"] == ["order", "fulfillmentOrders"]
    assert denied["data"] == {"order": None}
    assert write["errors"][0]["path"] == ["inventorySetQuantities"]
    assert write["data"] == {"inventorySetQuantities": None}
    assert "errors" not in allowed


def test_a_frozen_a_forbidden_and_an_unknown_shop_are_402_403_404(server: SandboxServer, client: Client) -> None:
    server.shopify.command("settings", {"shop_state": "frozen"})
    assert client.post(documents.SHOP_INFO).status_code == 402
    server.shopify.command("settings", {"shop_state": "forbidden"})
    assert client.post(documents.SHOP_INFO).status_code == 403
    client.url = client.url.replace("demo-store", "other-store")
    assert client.post(documents.SHOP_INFO).status_code == 404


def test_the_version_served_stands_in_the_header(server: SandboxServer) -> None:
    def served(version: str) -> str:
        response = Client(server, version=version).post(documents.SHOP_INFO)
        assert response.headers["X-Request-Id"]
        return response.headers["X-Shopify-API-Version"]

    assert served("2026-10") == "2026-10"
    assert served("2026-07") == "2026-07"
    assert served("2025-01") == "2026-01"  # no longer supported: falls forward
    server.shopify.command("settings", {"fall_forward_to": "2027-01"})
    assert served("2026-10") == "2027-01"
    assert Client(server, version="2026-13").post(documents.SHOP_INFO).status_code == 404


@pytest.mark.parametrize(
    ("document", "variables", "cost"),
    [
        ("variants_page", {"first": 50, "hsnNamespace": "custom", "hsnKey": "hsn"}, 65),
        ("variants_page", {"first": 100, "hsnNamespace": "custom", "hsnKey": "hsn"}, 83),
        ("variants_page", {"first": 250, "hsnNamespace": "custom", "hsnKey": "hsn"}, 101),
        ("orders_page", {"first": 50, "query": "test:false"}, 548),
        ("orders_page", {"first": 100, "query": "test:false"}, 704),
        ("orders_page", {"first": 250, "query": "test:false"}, 860),
        ("order_by_id", {"id": gid("Order", 1)}, 157),
        ("location_levels_page", {"locationId": gid("Location", MAIN)}, 30),
        ("locations", {}, 23),
        ("webhook_list", {}, 20),
    ],
)
def test_requested_costs_are_those_of_the_contract(client: Client, document: str, variables: dict, cost: int) -> None:
    body = client.call(documents.DOCUMENTS[document], **variables)

    assert body["extensions"]["cost"]["requestedQueryCost"] == cost


def test_a_one_row_set_costs_13_and_10_when_it_fails(client: Client) -> None:
    def cost(change_from: int) -> tuple[int, int]:
        values = {"name": "available", "reason": "correction", "quantities": [row(1, change_from)]}
        body = client.call(documents.SET_QUANTITIES, input=values, idempotencyKey=f"k{change_from}")
        return body["extensions"]["cost"]["requestedQueryCost"], body["extensions"]["cost"]["actualQueryCost"]

    assert cost(5) == (13, 13)
    assert cost(99) == (13, 10)


def test_what_was_asked_too_much_is_given_back(client: Client) -> None:
    cost = client.call(documents.ORDERS_PAGE, first=50, query="test:false")["extensions"]["cost"]

    assert cost["actualQueryCost"] < 10
    assert cost["throttleStatus"]["maximumAvailable"] == 2000
    assert cost["throttleStatus"]["restoreRate"] == 100
    assert cost["throttleStatus"]["currentlyAvailable"] >= 1990


def test_an_empty_bucket_throttles_with_http_200_and_refills(server: SandboxServer, client: Client) -> None:
    server.shopify.command("settings", {"bucket_drain": 2000})
    body = client.call(documents.ORDERS_PAGE, first=50, query="test:false")

    assert "data" not in body
    assert body["errors"] == [
        {
            "message": "Throttled",
            "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
        }
    ]
    cost = body["extensions"]["cost"]
    assert cost["requestedQueryCost"] == 548
    assert cost["actualQueryCost"] is None
    assert cost["throttleStatus"]["currentlyAvailable"] < 548
    time.sleep(0.2)  # 20 points
    assert "errors" not in client.call(documents.SHOP_INFO)


def test_the_bucket_refills_by_the_sandbox_clock() -> None:
    fast = open_server(clock_factor=100)
    try:
        fast.shopify.command("settings", {"bucket_drain": 2000})
        time.sleep(0.1)  # 1000 points

        assert "errors" not in Client(fast).call(documents.ORDERS_PAGE, first=50, query="test:false")
    finally:
        fast.stop()


def test_a_larger_plan_has_a_larger_bucket(server: SandboxServer, client: Client) -> None:
    server.shopify.command("settings", {"plan": "plus"})
    status = client.call(documents.SHOP_INFO)["extensions"]["cost"]["throttleStatus"]

    assert (status["maximumAvailable"], status["restoreRate"]) == (20000, 1000)


def test_a_query_above_a_thousand_points_is_refused_whatever_the_bucket_holds(client: Client) -> None:
    ids = [gid("InventoryItem", KURTA_ITEM)] * 250
    document = documents.LEVELS_FOR_ITEMS.replace(
        "id isActive", "id isActive item { id variant { id product { id } } }"
    )
    body = client.call(document, ids=ids, locationId=gid("Location", MAIN))

    assert body["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert "data" not in body


def test_http_faults_answer_as_gateways_do(server: SandboxServer, client: Client) -> None:
    for name, status in (("http_500", 500), ("http_504_html", 504), ("http_429", 429), ("token_refused", 401)):
        server.world.faults.switch_on(f"shopify.{name}", times=1)
        response = client.post(documents.SHOP_INFO)
        assert response.status_code == status
        assert ("Retry-After" in response.headers) == (status == 429)
    server.world.faults.switch_on("shopify.throttled", times=1)

    assert client.call(documents.SHOP_INFO)["errors"][0]["message"] == "Throttled"
    assert "errors" not in client.call(documents.SHOP_INFO)


def test_calls_are_counted_by_operation_and_outcome(server: SandboxServer, client: Client) -> None:
    client.set(row(8, 5))
    client.set(row(9, 5))
    Client(server, token="wrong").post(documents.SHOP_INFO)
    counts = {(each["operation"], each["status"]): each["count"] for each in server.shopify.stats()["calls"]}

    assert counts["inventorySetQuantities", "ok"] == 1
    assert counts["inventorySetQuantities", "CHANGE_FROM_QUANTITY_STALE"] == 1
    assert counts["graphql", "401"] == 1


def test_a_shop_that_is_not_understood_is_refused_whole(server: SandboxServer) -> None:
    for wrong in (
        {"domain": "shop.example.com"},
        {"colour": "red"},
        {"settings": {"speed": 3}},
        {"variants": [{"price": "dear"}]},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            server.shopify.load({"domain": "new-store.myshopify.com", **wrong})
    assert list(server.shopify.shops) == [DOMAIN]


def test_a_shop_with_nothing_but_a_name_has_demo_credentials(server: SandboxServer) -> None:
    server.shopify.load({"domain": "empty-store.myshopify.com", "variants": [{"sku": "A", "quantities": 3}]})
    url = f"{server.url}/shopify/empty-store.myshopify.com/admin/oauth/access_token"
    form = {"client_id": "demo-client-id", "client_secret": "demo-client-secret", "grant_type": "client_credentials"}

    assert requests.post(url, data=form, timeout=TIMEOUT).status_code == 200
    key = server.shopify.shown()[-1]["listing_key"]
    assert server.shopify.buy(listing_key=key).accepted


def test_commands_work_over_the_control_api(server: SandboxServer, client: Client) -> None:
    def control(verb: str, body: dict[str, Any]) -> requests.Response:
        return requests.post(f"{server.url}/_control/shopify/{verb}", json=body, timeout=TIMEOUT)

    bought = control("buy", {"listing_key": "48000000000001", "units": 2, "financial": "pending"}).json()
    level = control("set_level", {"listing_key": "48000000000001", "delta": 5}).json()

    assert bought["accepted"] is True
    assert level == {**level, "available": 8, "committed": 2, "on_hand": 10}
    assert control("ship", {"order_id": bought["order_id"]}).json()["fulfillment_status"] == "FULFILLED"
    assert control("settings", {"speed": 1}).status_code == 400
    assert control("dance", {}).status_code == 400
    assert control("cancel", {"order_id": "1"}).status_code == 400
