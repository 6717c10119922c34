"""Section 13, points 1, 2 and 13: tokens, prefix, limits and faults of the Flipkart sandbox over HTTP."""

from __future__ import annotations

import base64
import time
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.flipkart import FAULTS
from tests.sandbox.test_flipkart_tools import LOC_A, TEE, Seller, log_in, selling, until

REDIRECT = "https://sync.example.in/oauth/flipkart"
PARTNER = ("demo-partner-id", "demo-partner-secret")
LIST_CALL = ("/sellers/listings/v3/details", {"sku_ids": [TEE]})


def ask_token(seller: Seller, auth=("demo-app-id", "demo-app-secret"), method="GET", **query) -> requests.Response:
    return requests.request(method, seller.root + "/oauth-service/oauth/token", params=query, auth=auth, timeout=10)


def authorize(seller: Seller, *, decision="allow", **changes) -> requests.Response:
    query = {
        "client_id": PARTNER[0],
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "Seller_Api",
        "state": "opaque-1",
        **changes,
    }
    url = seller.root + "/oauth-service/oauth/authorize"
    page = requests.get(url, params=query, timeout=10)
    if page.status_code != 200:
        return page
    assert "<form" in page.text
    return requests.post(url, data={**query, "decision": decision}, allow_redirects=False, timeout=10)


def test_the_token_is_an_opaque_uuid_that_stays_the_same_while_its_life_runs_down():
    with selling(factor=1.0) as seller:
        first = ask_token(seller, grant_type="client_credentials", scope="Seller_Api").json()
        time.sleep(1.1)
        second = ask_token(seller, method="POST", grant_type="client_credentials", scope="Seller_Api").json()

    assert str(uuid.UUID(first["access_token"])) == first["access_token"]
    assert (first["token_type"], first["scope"]) == ("bearer", "Seller_Api")
    assert 5_183_990 <= first["expires_in"] < 5_184_000
    assert "refresh_token" not in first
    assert second["access_token"] == first["access_token"]
    assert second["expires_in"] < first["expires_in"]


def test_a_token_that_was_expired_by_control_is_refused_and_the_next_one_is_another():
    with selling() as seller:
        old = log_in(seller.server)["access_token"]
        seller.market.command("expire_tokens", {})

        refused = seller.post(*LIST_CALL)
        fresh = log_in(seller.server)["access_token"]

        assert refused.status_code == 401
        assert refused.json() == {"error": "invalid_token", "error_description": f"Invalid access token: {old}"}
        assert fresh != old
        seller.session.headers["Authorization"] = f"Bearer {fresh}"
        assert seller.post(*LIST_CALL).status_code == 200


@pytest.mark.parametrize(
    ("auth", "query", "status", "error", "words"),
    [
        (("nobody", "x"), {}, 401, "unauthorized", "No client with requested id: nobody"),
        (("demo-app-id", "wrong"), {}, 401, "unauthorized", "Bad credentials"),
        (("demo-app-id", "demo-app-secret"), {"scope": "Seller_Api,Default"}, 400, "invalid_scope", "Invalid scope"),
        (("demo-app-id", "demo-app-secret"), {"grant_type": "password"}, 400, "unsupported_grant_type", "password"),
    ],
)
def test_oauth_errors_come_in_flipkarts_own_words(auth, query, status, error, words):
    with selling() as seller:
        answer = ask_token(seller, auth=auth, **{"grant_type": "client_credentials", "scope": "Seller_Api", **query})

    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert words in answer.json()["error_description"]


def test_a_seller_who_allows_the_app_goes_back_with_a_code_that_works_once():
    with selling() as seller:
        answer = authorize(seller)
        back = parse_qs(urlsplit(answer.headers["Location"]).query)
        query = {
            "grant_type": "authorization_code",
            "code": back["code"][0],
            "redirect_uri": REDIRECT,
            "state": "opaque-1",
        }
        first = ask_token(seller, auth=PARTNER, **query)
        again = ask_token(seller, auth=PARTNER, **query)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(REDIRECT)
    assert back["state"] == ["opaque-1"]
    assert first.json()["refresh_token"]
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_refresh_returns_both_tokens_and_a_dead_refresh_token_is_invalid_grant():
    with selling() as seller:
        code = parse_qs(urlsplit(authorize(seller).headers["Location"]).query)["code"][0]
        granted = ask_token(
            seller, auth=PARTNER, grant_type="authorization_code", code=code, redirect_uri=REDIRECT
        ).json()
        seller.market.command("expire_tokens", {"which": "access"})
        renewed = ask_token(
            seller, auth=PARTNER, grant_type="refresh_token", refresh_token=granted["refresh_token"]
        ).json()
        seller.market.command("expire_tokens", {"which": "refresh"})
        dead = ask_token(seller, auth=PARTNER, grant_type="refresh_token", refresh_token=granted["refresh_token"])

    assert renewed["access_token"] != granted["access_token"]
    assert renewed["refresh_token"] == granted["refresh_token"]
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")


def test_a_refused_authorization_says_so_and_a_foreign_redirect_is_never_followed():
    with selling() as seller:
        denied = authorize(seller, decision="deny")
        foreign = authorize(seller, redirect_uri="https://elsewhere.example.com/")

    assert "error=access_denied" in denied.headers["Location"]
    assert "state=opaque-1" in denied.headers["Location"]
    assert foreign.status_code == 400


def test_token_expiry_tells_the_remaining_life():
    with selling() as seller:
        token = log_in(seller.server)["access_token"]
        url = seller.root + "/oauth-service/oauth/token/expiry"
        answer = requests.get(
            url, params={"token_type": "access", "token": token}, auth=("demo-app-id", "demo-app-secret"), timeout=10
        ).json()

    assert answer["expired"] is False
    assert answer["expires_in"] > 0


def test_without_the_sellers_prefix_there_is_nothing_unless_the_switch_is_on():
    with selling() as seller:
        bare = seller.post("/listings/v3/details", {"sku_ids": [TEE]})
        seller.market.command("settings", {"bare_paths": True})
        switched = seller.post("/listings/v3/details", {"sku_ids": [TEE]})

    assert bare.status_code == 404
    assert switched.status_code == 200


def test_a_call_without_a_token_and_a_pending_app_are_turned_away():
    with selling() as seller:
        nobody = requests.post(seller.root + LIST_CALL[0], json=LIST_CALL[1], timeout=10)
        seller.market.command("app_status", {"client_id": "demo-app-id", "status": "pending"})
        pending = seller.post(*LIST_CALL)

    assert nobody.status_code == 401
    assert pending.status_code == 403


def test_the_limit_counts_a_rolling_window_and_opens_again():
    with selling(settings={"rate_limit": 5, "rate_window_seconds": 600}) as seller:
        statuses = [seller.post(*LIST_CALL).status_code for _ in range(6)]
        again = until(lambda: seller.post(*LIST_CALL).status_code == 200)
        stats = seller.market.stats()

    assert statuses == [200] * 5 + [429]
    assert again
    assert stats["calls"]["listing_details"]["429"] >= 1
    assert stats["rate_limited"] >= 1


def test_a_429_carries_retry_after_only_where_asked():
    with selling() as seller:
        seller.fault("http_429", times=1)
        without = seller.post(*LIST_CALL)
        seller.fault("http_429", times=1, retry_after=7)
        with_header = seller.post(*LIST_CALL)

    assert (without.status_code, with_header.status_code) == (429, 429)
    assert "Retry-After" not in without.headers
    assert with_header.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("invalid_token", 401, "invalid_token"),
        ("http_500_invalid_token", 500, "invalid_token"),
        ("http_500", 500, "INTERNAL_SERVER_ERROR"),
        ("http_503", 503, "DEPENDENT_SYSTEM_CALL_FAILED"),
        ("http_504_html", 504, "<html>"),
        ("http_599", 599, ""),
    ],
)
def test_a_server_side_fault_answers_in_its_own_shape_and_changes_nothing(fault, status, words):
    with selling(settings={"propagation_seconds": [0, 0]}) as seller:
        seller.fault(fault, times=1, operation="update_inventory")
        body = {TEE: {"product_id": "TSHDEMO00000AB12", "locations": [{"id": LOC_A, "inventory": 1}]}}
        read = seller.post(*LIST_CALL)
        struck = seller.post("/sellers/listings/v3/update/inventory", body)
        after = seller.read_back(TEE)

    assert read.status_code == 200
    assert struck.status_code == status
    assert words in struck.text
    assert after == 10


def test_a_write_whose_answer_is_lost_was_applied_all_the_same():
    with selling() as seller:
        seller.fault("timeout_after_apply", times=1, seconds=1.0)
        body = {TEE: {"product_id": "TSHDEMO00000AB12", "locations": [{"id": LOC_A, "inventory": 3}]}}
        with pytest.raises(requests.Timeout):
            seller.post("/sellers/listings/v3/update/inventory", body, timeout=0.2)
        seller.fault("http_504_after_apply", times=1)
        gateway = seller.post(
            "/sellers/listings/v3/update/inventory", {TEE: {**body[TEE], "locations": [{"id": LOC_A, "inventory": 2}]}}
        )
        applied = seller.market.stats()["last_writes"]

    assert (gateway.status_code, "<html>" in gateway.text) == (504, True)
    assert [write["value"] for write in applied] == [3, 2]


def test_an_answer_can_be_cut_in_the_middle():
    with selling() as seller:
        seller.fault("truncated_body", times=1)
        with pytest.raises(requests.JSONDecodeError):
            seller.post(*LIST_CALL).json()


def test_every_fault_has_a_name_and_a_meaning():
    assert len(FAULTS) > 25
    assert all(name.startswith("flipkart.") and len(meaning) > 10 for name, meaning in FAULTS.items())


def test_basic_auth_that_is_no_base64_is_refused():
    with selling() as seller:
        url = seller.root + "/oauth-service/oauth/token"
        odd = base64.b64encode(b"no-colon").decode()
        answers = [
            requests.get(url, headers={"Authorization": f"Basic {value}"}, timeout=10).status_code
            for value in ("%%%", odd)
        ]

    assert answers == [401, 401]
