"""Tokens: over real HTTP against a stub, with a clock that the test moves."""

from __future__ import annotations

import base64
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from channels_flipkart.auth import renewal_due
from inventory_sync.domain.errors import CredentialsError, RetryableError, SetupError
from inventory_sync.domain.ports import Token
from tests.channels.flipkart.fixtures import NOW
from tests.channels.flipkart.stub import TOKEN_PATH, Answer, adapter_for
from tests.channels.ports import FreeBudget, MemoryTokenStore, SystemClock, make_ports

SHIPMENTS = "/sellers/v3/shipments"
EMPTY = Answer(body={"shipments": []})
DEAD = Answer(status=401, body={"error": "invalid_token", "error_description": "Invalid access token: abc"})
DAY = 86_400


class MovedClock(SystemClock):
    def __init__(self) -> None:
        self.moved = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.moved


def given(access: str = "old", *, lives: float = 60 * DAY, **facts) -> Token:
    now = datetime.now(UTC)
    return Token(access=access, expires_at=now + timedelta(seconds=lives), obtained_at=now, **facts)


def token_answer(access: str, **facts) -> Answer:
    return Answer(body={"access_token": access, "token_type": "bearer", "expires_in": 60 * DAY, **facts})


def bearers(flipkart) -> list[str]:
    return [seen.headers["authorization"] for seen in flipkart.calls()]


@pytest.mark.parametrize(
    ("left", "asked_ago", "due"),
    [(10 * DAY, 10 * DAY, False), (2 * DAY, 7200, True), (2 * DAY, 1800, False), (0, 0, True), (-5, 0, True)],
)
def test_when_to_ask_for_a_token(left, asked_ago, due):
    token = Token(access="t", expires_at=NOW + timedelta(seconds=left), obtained_at=NOW - timedelta(seconds=asked_ago))

    assert renewal_due(token, now=NOW, margin_seconds=3 * DAY, ask_again_seconds=3600) is due
    assert not renewal_due(replace(token, expires_at=None), now=NOW, margin_seconds=3 * DAY, ask_again_seconds=3600)


def test_the_token_is_asked_by_get_with_basic_auth_and_exactly_the_scope(flipkart):
    flipkart.on(SHIPMENTS, EMPTY)
    store = MemoryTokenStore()
    adapter = adapter_for(flipkart.url, tokens=store)

    adapter.fetch_orders(["S"])
    adapter.fetch_orders(["S"])

    [asked] = [seen for seen in flipkart.seen if seen.path == TOKEN_PATH]
    assert asked.method == "GET"
    assert asked.query == {"grant_type": "client_credentials", "scope": "Seller_Api"}
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"app-1:s3cret").decode()
    assert bearers(flipkart) == ["Bearer token-1"] * 2
    left = store.load().expires_at - datetime.now(UTC)
    assert timedelta(days=59) < left < timedelta(days=60)


def test_the_token_is_asked_by_post_where_the_account_says_so(flipkart):
    flipkart.on(SHIPMENTS, EMPTY)

    adapter_for(flipkart.url, settings={"oauth_method": "post"}).fetch_orders(["S"])

    asked = flipkart.seen[0]
    assert (asked.method, asked.query) == ("POST", {})
    assert asked.form == {"grant_type": "client_credentials", "scope": "Seller_Api"}


def test_tokens_come_from_the_accounts_own_auth_address(flipkart):
    flipkart.on("/shop/sellers/v3/shipments", EMPTY)

    adapter_for(f"{flipkart.url}/shop/sellers/", auth_base=f"{flipkart.url}/oauth-service/").fetch_orders(["S"])

    assert [seen.path for seen in flipkart.seen] == [TOKEN_PATH, "/shop/sellers/v3/shipments"]


@pytest.mark.parametrize(
    "refusal",
    [
        DEAD,
        Answer(status=401, body=b"<html>no</html>", headers={"Content-Type": "text/html"}),
        Answer(status=500, body={"errorId": "1", "error": '{"error":"invalid_token","error_description":"x"}'}),
        Answer(status=400, body={"error": "invalid_token"}),
    ],
)
def test_a_dead_token_is_renewed_once_and_the_call_made_again(flipkart, refusal):
    flipkart.on(SHIPMENTS, refusal, EMPTY)

    adapter_for(flipkart.url, tokens=MemoryTokenStore(default=given())).fetch_orders(["S"])

    assert bearers(flipkart) == ["Bearer old", "Bearer token-1"]


def test_a_second_refusal_is_final(flipkart):
    flipkart.on(SHIPMENTS, DEAD)

    with pytest.raises(CredentialsError):
        adapter_for(flipkart.url).fetch_orders(["S"])

    assert (len(flipkart.calls()), flipkart.tokens_given) == (2, 2)


def test_the_very_same_token_after_a_refusal_means_that_the_connection_is_broken(flipkart):
    flipkart.on(SHIPMENTS, DEAD)
    flipkart.on(TOKEN_PATH, token_answer("same"))

    with pytest.raises(CredentialsError, match="same one again"):
        adapter_for(flipkart.url).fetch_orders(["S"])

    assert len(flipkart.calls()) == 1


def test_inside_the_margin_the_same_token_is_kept_and_asked_for_once_an_hour(flipkart):
    flipkart.on(SHIPMENTS, EMPTY)
    flipkart.on(
        TOKEN_PATH,
        token_answer("same", expires_in=2 * DAY),
        token_answer("same", expires_in=2 * DAY),
        token_answer("new"),
    )
    clock, store = MovedClock(), MemoryTokenStore(default=given("same", lives=3 * DAY + 1800))
    adapter = adapter_for(flipkart.url, ports=make_ports(tokens=store, clock=clock))
    asked = []

    for _ in range(4):
        adapter.fetch_orders(["S"])
        adapter.fetch_orders(["S"])
        asked.append(sum(seen.path == TOKEN_PATH for seen in flipkart.seen))
        clock.moved += timedelta(seconds=3601)

    assert asked == [0, 1, 2, 3]
    assert bearers(flipkart) == ["Bearer same"] * 6 + ["Bearer new"] * 2


def test_a_failing_token_endpoint_does_not_stop_a_living_token(flipkart):
    flipkart.on(SHIPMENTS, EMPTY)
    flipkart.on(TOKEN_PATH, Answer(status=503, body=b"<html>busy</html>"))
    old = replace(given(lives=DAY), obtained_at=datetime.now(UTC) - timedelta(days=59))
    adapter = adapter_for(flipkart.url, tokens=MemoryTokenStore(default=old), settings={"read_retries": 0})

    adapter.fetch_orders(["S"])
    adapter.fetch_orders(["S"])

    assert bearers(flipkart) == ["Bearer old"] * 2
    assert sum(seen.path == TOKEN_PATH for seen in flipkart.seen) == 1


def test_without_a_living_token_the_failure_is_told_and_has_changed_nothing(flipkart):
    flipkart.on(TOKEN_PATH, Answer(status=503))

    with pytest.raises(RetryableError) as caught:
        adapter_for(flipkart.url, settings={"read_retries": 1}).fetch_orders(["S"])

    assert caught.value.may_have_applied is False
    assert len(flipkart.seen) == 2


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": "unauthorized", "error_description": "Bad credentials"}, CredentialsError),
        (400, {"error": "invalid_scope"}, SetupError),
        (403, b"", SetupError),
    ],
)
def test_refused_credentials_need_a_person(flipkart, status, body, kind):
    flipkart.on(TOKEN_PATH, Answer(status=status, body=body))

    with pytest.raises(kind):
        adapter_for(flipkart.url).identify()

    assert len(flipkart.seen) == 1


def test_missing_credentials_are_told_before_any_call(flipkart):
    with pytest.raises(CredentialsError, match="application id and secret"):
        adapter_for(flipkart.url, credentials={"client_id": "x"}).identify()

    assert flipkart.seen == []


def test_workers_that_meet_a_dead_token_together_renew_it_once(flipkart):
    def answer(seen):
        return DEAD if seen.headers["authorization"] == "Bearer old" else EMPTY

    flipkart.answers[SHIPMENTS] = answer
    store = MemoryTokenStore(default=given())
    threads = [
        threading.Thread(target=adapter_for(flipkart.url, tokens=store).fetch_orders, args=(["S"],)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert flipkart.tokens_given == 1
    assert store.load().access == "token-1"


THIRD_PARTY = {"oauth_grant": "authorization_code"}


def test_a_third_party_application_sends_the_seller_to_flipkart(flipkart):
    url = adapter_for(flipkart.url, settings=THIRD_PARTY).authorize_url(
        state="s/1", redirect_uri="https://a.example/cb"
    )

    parts = urlsplit(url)
    assert url.startswith(f"{flipkart.url}/oauth-service/oauth/authorize?")
    assert {name: values[0] for name, values in parse_qs(parts.query).items()} == {
        "client_id": "app-1",
        "redirect_uri": "https://a.example/cb",
        "response_type": "code",
        "scope": "Seller_Api",
        "state": "s/1",
    }
    with pytest.raises(SetupError):
        adapter_for(flipkart.url).authorize_url(state="s", redirect_uri="https://a.example/cb")


def test_the_code_becomes_tokens_and_the_refresh_token_is_kept_when_none_comes_back(flipkart):
    flipkart.on(
        TOKEN_PATH,
        token_answer("a1", refresh_token="r1", refresh_token_expires_in="15552000"),
        token_answer("a2"),
        token_answer("a3", refresh_token="r3"),
    )
    flipkart.on("/sellers/v3/shipments/filter", Answer(body={"hasMore": False, "nextPageUrl": "", "shipments": []}))
    flipkart.on(SHIPMENTS, DEAD, EMPTY, DEAD, EMPTY)
    store = MemoryTokenStore()
    adapter = adapter_for(flipkart.url, settings=THIRD_PARTY, tokens=store, identity="seller-9")

    who = adapter.exchange_code(code="c", state="s", redirect_uri="https://a.example/cb", query={"state": "s"})
    first = store.load()
    adapter.fetch_orders(["S"])
    second = store.load()
    adapter.fetch_orders(["S"])
    third = store.load()

    assert who.identity == "seller-9"
    assert [token.refresh for token in (first, second, third)] == ["r1", "r1", "r3"]
    assert first.refresh_expires_at == second.refresh_expires_at is not None
    assert third.refresh_expires_at is None
    asked = [seen.query for seen in flipkart.seen if seen.path == TOKEN_PATH]
    assert asked == [
        {"grant_type": "authorization_code", "code": "c", "redirect_uri": "https://a.example/cb", "state": "s"},
        {"grant_type": "refresh_token", "refresh_token": "r1"},
        {"grant_type": "refresh_token", "refresh_token": "r1"},
    ]


@pytest.mark.parametrize("query", [{"error": "access_denied"}, {"state": "somebody else's"}])
def test_an_answer_that_is_not_ours_is_not_exchanged(flipkart, query):
    adapter = adapter_for(flipkart.url, settings=THIRD_PARTY)

    with pytest.raises(CredentialsError):
        adapter.exchange_code(code="c", state="s", redirect_uri="https://a.example/cb", query=query)

    assert flipkart.seen == []


def test_a_seller_who_never_authorized_or_whose_refresh_token_died_must_do_so(flipkart):
    dead = given(lives=-5, refresh="r", refresh_expires_at=datetime.now(UTC) - timedelta(days=1))

    with pytest.raises(CredentialsError, match="not authorized"):
        adapter_for(flipkart.url, settings=THIRD_PARTY).identify()
    with pytest.raises(CredentialsError, match="authorize again"):
        adapter_for(flipkart.url, settings=THIRD_PARTY, tokens=MemoryTokenStore(default=dead)).identify()

    assert flipkart.seen == []


def test_token_calls_are_paid_from_their_own_share(flipkart):
    flipkart.on(SHIPMENTS, EMPTY)
    budget = FreeBudget()

    adapter_for(flipkart.url, budget=budget).fetch_orders(["S"])

    assert [(operation, str(share)) for operation, share, _ in budget.taken] == [
        ("token", "setup"),
        ("shipments", "poll"),
    ]
