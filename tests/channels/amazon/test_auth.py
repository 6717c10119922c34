"""Tokens: one for all, renewed in time and once, and the ways in which the login says no."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from channels_amazon.auth import token_address
from inventory_sync.domain.errors import CredentialsError, RetryableError, SetupError
from inventory_sync.domain.ports import Token
from tests.channels.amazon.stub import TOKEN_PATH, Answer, Stub, make_adapter, refusal, update
from tests.channels.ports import MemoryTokenStore

LOGIN = f"POST {TOKEN_PATH}"
PARTICIPATIONS = "GET /sellers/v1/marketplaceParticipations"
EXPIRED = refusal(
    403, "Unauthorized", "Access to requested resource is denied.", "The access token you provided has expired."
)
SELLS_HERE = Answer(
    body={
        "payload": [
            {
                "marketplace": {"id": "A21TJRUUN4KGV", "name": "Amazon.in"},
                "storeName": "Mug house",
                "participation": {"isParticipating": True, "hasSuspendedListings": False},
            }
        ]
    }
)


@pytest.mark.parametrize(
    ("auth_base", "api_base", "expected"),
    [
        ("", "https://x.example", ("https://api.amazon.com", "/auth/o2/token")),
        ("https://login.example", "https://x.example", ("https://login.example", "/auth/o2/token")),
        ("https://login.example/", "https://x.example", ("https://login.example", "/auth/o2/token")),
        ("https://login.example/my/token", "https://x.example", ("https://login.example", "/my/token")),
        ("http://h:1/amazon", "http://h:1/amazon/", ("http://h:1/amazon", "/auth/o2/token")),
    ],
)
def test_the_address_of_the_login(auth_base: str, api_base: str, expected: tuple[str, str]) -> None:
    assert token_address(auth_base=auth_base, api_base=api_base) == expected


def test_one_login_serves_every_call_and_sends_a_form(stub: Stub) -> None:
    stub.on(PARTICIPATIONS, SELLS_HERE)
    tokens = MemoryTokenStore()
    adapter = make_adapter(stub.url, tokens=tokens)

    found = adapter.identify()
    adapter.identify()

    assert (found.identity, found.name, found.missing) == ("A1OTHERSELLER9", "Mug house", ())
    assert stub.logins == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "Atzr|kept",
            "client_id": "client-x",
            "client_secret": "s3cret",
        }
    ]
    login = next(seen for seen in stub.seen if seen.path == TOKEN_PATH)
    assert login.headers["content-type"] == "application/x-www-form-urlencoded;charset=UTF-8"
    assert {seen.headers["x-amz-access-token"] for seen in stub.calls()} == {"Atza|token-1"}
    assert tokens.tokens["default"].refresh == "Atzr|kept"


def test_a_token_is_renewed_a_minute_before_it_ends(stub: Stub) -> None:
    stub.on(PARTICIPATIONS, SELLS_HERE)
    now = datetime.now(UTC)

    def stored(left: float) -> MemoryTokenStore:
        started = now - timedelta(seconds=3600 - left)
        return MemoryTokenStore(
            default=Token(access="old", expires_at=now + timedelta(seconds=left), obtained_at=started)
        )

    make_adapter(stub.url, tokens=stored(90)).identify()
    assert stub.logins == []
    make_adapter(stub.url, tokens=stored(50)).identify()
    assert len(stub.logins) == 1


def test_a_refused_token_is_renewed_once_and_the_call_repeated_once(stub: Stub) -> None:
    stub.on(PARTICIPATIONS, EXPIRED, SELLS_HERE)

    make_adapter(stub.url).identify()

    assert len(stub.logins) == 2
    assert [seen.headers["x-amz-access-token"] for seen in stub.calls()] == ["Atza|token-1", "Atza|token-2"]


def test_a_token_that_stays_refused_is_a_matter_for_a_person(stub: Stub) -> None:
    stub.on(PARTICIPATIONS, EXPIRED)

    with pytest.raises(CredentialsError):
        make_adapter(stub.url).identify()

    assert len(stub.calls()) == 2
    assert len(stub.logins) == 2


def test_a_missing_role_does_not_renew_anything(stub: Stub) -> None:
    stub.on(PARTICIPATIONS, refusal(403, "Unauthorized", "Access to requested resource is denied."))

    with pytest.raises(CredentialsError):
        make_adapter(stub.url).identify()

    assert (len(stub.calls()), len(stub.logins)) == (1, 1)


def test_workers_that_are_refused_together_log_in_once_more_together(stub: Stub) -> None:
    tokens = MemoryTokenStore()
    barrier = threading.Barrier(3)
    stub.on(
        PARTICIPATIONS, lambda seen: SELLS_HERE if seen.headers["x-amz-access-token"] != "Atza|token-1" else EXPIRED
    )

    def work() -> None:
        barrier.wait()
        make_adapter(stub.url, tokens=tokens).identify()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(stub.logins) == 2


@pytest.mark.parametrize("code", ["invalid_grant", "unauthorized_client", "invalid_client"])
def test_a_revoked_authorization_is_not_tried_in_a_loop(stub: Stub, code: str) -> None:
    stub.on(LOGIN, Answer(status=400, body={"error": code, "error_description": "x"}))

    with pytest.raises(CredentialsError) as caught:
        make_adapter(stub.url).identify()

    assert caught.value.code == code
    assert (len(stub.logins), stub.calls()) == (1, [])


def test_a_refresh_token_typed_in_anew_is_tried_after_the_stored_one(stub: Stub) -> None:
    stub.on(PARTICIPATIONS, SELLS_HERE)
    stub.on(
        LOGIN,
        lambda seen: (
            Answer(body={"access_token": "Atza|new", "expires_in": 3600, "refresh_token": "Atzr|kept"})
            if seen.form["refresh_token"] == "Atzr|kept"
            else Answer(status=400, body={"error": "invalid_grant"})
        ),
    )
    now = datetime.now(UTC)
    tokens = MemoryTokenStore(
        default=Token(access="old", expires_at=now, obtained_at=now - timedelta(hours=1), refresh="Atzr|old")
    )

    make_adapter(stub.url, tokens=tokens).identify()

    assert [login["refresh_token"] for login in stub.logins] == ["Atzr|old", "Atzr|kept"]
    assert tokens.tokens["default"].refresh == "Atzr|kept"


def test_the_logins_hiccups_are_retried(stub: Stub) -> None:
    stub.on(PARTICIPATIONS, SELLS_HERE)
    stub.on(LOGIN, Answer(status=500, body=b"<html>"), Answer(body={"access_token": "Atza|x", "expires_in": "3600"}))

    make_adapter(stub.url).identify()

    assert len(stub.logins) == 2


def test_a_write_whose_login_fails_was_not_sent(stub: Stub) -> None:
    stub.on(LOGIN, Answer(status=500, body=b""))
    adapter = make_adapter(stub.url, settings={"read_retries": 0})

    [outcome] = adapter.push_stock([update()])

    assert (outcome.result, outcome.setup) == ("not_sent", False)
    stub.on(LOGIN, Answer(status=400, body={"error": "invalid_grant"}))
    [outcome] = adapter.push_stock([update()])
    assert (outcome.result, outcome.setup) == ("refused", True)
    assert stub.calls() == []


def test_without_credentials_nothing_is_asked(stub: Stub) -> None:
    for missing in ("client_id", "client_secret", "refresh_token"):
        with pytest.raises(CredentialsError):
            make_adapter(stub.url, credentials={missing: ""}).identify()
    assert stub.seen == []


def test_a_seller_who_does_not_sell_in_our_marketplace_is_a_wrong_setup(stub: Stub) -> None:
    stub.on(PARTICIPATIONS, SELLS_HERE)

    with pytest.raises(SetupError):
        make_adapter(stub.url, settings={"marketplace_id": "ATVPDKIKX0DER"}).identify()


def test_an_answer_of_the_login_without_a_token_is_no_token(stub: Stub) -> None:
    stub.on(LOGIN, Answer(body={"token_type": "bearer"}))

    with pytest.raises(Exception, match="without an access token"):
        make_adapter(stub.url).identify()


def test_a_login_out_of_reach_is_a_matter_of_time() -> None:
    with pytest.raises(RetryableError) as caught:
        make_adapter("http://127.0.0.1:9", settings={"read_retries": 0}).identify()

    assert caught.value.may_have_applied is False


def test_connecting_by_browser_needs_a_public_application(stub: Stub) -> None:
    with pytest.raises(SetupError):
        make_adapter(stub.url).authorize_url(state="s", redirect_uri="https://shop.example/back")

    url = make_adapter(stub.url, credentials={"application_id": "amzn1.sp.solution.x"}).authorize_url(
        state="s&t", redirect_uri="https://shop.example/back"
    )

    assert url.startswith("https://sellercentral.amazon.in/apps/authorize/consent?application_id=amzn1.sp.solution.x&")
    assert "state=s%26t" in url


def test_the_code_of_the_redirect_becomes_the_refresh_token(stub: Stub) -> None:
    stub.on(PARTICIPATIONS, SELLS_HERE)
    tokens = MemoryTokenStore()
    adapter = make_adapter(stub.url, tokens=tokens, credentials={"refresh_token": ""}, identity="")

    found = adapter.exchange_code(
        code="",
        state="s",
        redirect_uri="https://shop.example/back",
        query={"state": "s", "spapi_oauth_code": "code-1", "selling_partner_id": "A2NEW"},
    )

    assert found.identity == "A2NEW"
    assert stub.logins[0]["grant_type"] == "authorization_code"
    assert (stub.logins[0]["code"], stub.logins[0]["redirect_uri"]) == ("code-1", "https://shop.example/back")
    assert tokens.tokens["default"].refresh == "Atzr|from-code"


@pytest.mark.parametrize(
    "query",
    [
        {"state": "other", "spapi_oauth_code": "c"},
        {"state": "s", "error": "access_denied"},
        {"state": "s"},
        {"state": "s", "spapi_oauth_code": "c", "selling_partner_id": "A9STRANGER"},
    ],
)
def test_a_redirect_that_does_not_fit_connects_nobody(stub: Stub, query: dict[str, str]) -> None:
    with pytest.raises(CredentialsError):
        make_adapter(stub.url).exchange_code(code="", state="s", redirect_uri="https://shop.example/back", query=query)

    assert stub.seen == []
