"""The shared client against a real HTTP server on loopback."""

from __future__ import annotations

import gzip
import logging
import socket
from typing import Any

import pytest

from inventory_sync.domain.errors import (
    BudgetError,
    ChannelError,
    ContractError,
    CredentialsError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    SetupError,
)
from inventory_sync.domain.ports import Share
from inventory_sync.http import ApiClient, ApiResponse, SystemClock, response_of
from tests.channels.ports import FreeBudget
from tests.http.conftest import ManualClock, Reply, ScriptedServer


def client_for(server: ScriptedServer, **options: Any) -> ApiClient:
    options = {"clock": SystemClock(), "budget": FreeBudget(), "allow_private_hosts": True, **options}
    return ApiClient(channel="test", base_url=f"{server.url}/base", request_id_header="X-Request-Id", **options)


def read(client: ApiClient, path: str = "/thing", **options: Any) -> ApiResponse:
    return client.request("GET", path, operation="read", share=Share.READ, **options)


def test_an_answer_carries_status_headers_body_and_the_channels_reference(server):
    server.replies = [
        Reply(body=b'{"id": 9007199254740993}', headers={"x-request-ID": "abc", "content-type": "text/plain"})
    ]

    answer = read(client_for(server), params={"ids": ["1", "2"], "q": "a b"})

    assert answer.json() == {"id": 9007199254740993}
    assert (answer.status, answer.request_id, answer.headers["CONTENT-TYPE"]) == (200, "abc", "text/plain")
    assert answer.started_at <= answer.ended_at
    assert server.seen[0].path == "/base/thing?ids=1&ids=2&q=a+b"


def test_json_is_sent_with_its_nulls_and_exact_integers(server):
    client = client_for(server)

    client.request("POST", "x", operation="w", share=Share.WRITE, json={"a": None, "n": 9007199254740993})

    assert server.seen[0].body == b'{"a":null,"n":9007199254740993}'
    assert server.seen[0].headers["Content-Type"] == "application/json"


def test_basic_auth_and_a_form_go_out_as_such(server):
    client_for(server).request("POST", "/t", operation="token", share=Share.SETUP, data={"a": "b c"}, auth=("id", "pw"))

    assert server.seen[0].headers["Authorization"] == "Basic aWQ6cHc="
    assert server.seen[0].body == b"a=b+c"


@pytest.mark.parametrize(
    ("status", "kind", "applied"),
    [
        (400, RejectedError, False),
        (401, CredentialsError, False),
        (402, SetupError, False),
        (403, CredentialsError, False),
        (404, RejectedError, False),
        (418, RejectedError, False),
        (429, RateLimitedError, False),
        (500, RetryableError, True),
        (503, RetryableError, True),
        (504, RetryableError, True),
        (302, ContractError, False),
    ],
)
def test_a_status_that_nobody_mapped_still_says_what_happens_next(server, status, kind, applied):
    server.replies = [Reply(status=status, headers={"X-Request-Id": "r1", "Location": server.url})]

    with pytest.raises(kind) as caught:
        read(client_for(server))

    assert (caught.value.status, caught.value.request_id, caught.value.may_have_applied) == (status, "r1", applied)
    answer = response_of(caught.value)
    assert answer is not None
    assert answer.status == status
    assert len(server.seen) == 1


def test_the_channels_own_table_is_asked_first_even_for_200(server):
    server.replies = [Reply(body=b'{"errors": "no"}')]

    def mapper(answer: ApiResponse) -> ChannelError | None:
        return SetupError("closed", channel="test") if b"errors" in answer.body else None

    with pytest.raises(SetupError, match="closed"):
        read(client_for(server, error_mapper=mapper))


def test_raw_errors_come_back_as_answers(server):
    server.replies = [Reply(status=404)]

    assert read(client_for(server), raw_errors=True).status == 404
    assert read(client_for(server), expect=(404,)).status == 404


def test_an_html_page_is_named_as_such_and_never_parsed(server):
    server.replies = [Reply(body=b"<html>gateway</html>", headers={"Content-Type": "text/html"})]

    answer = read(client_for(server))

    assert answer.looks_like_html
    with pytest.raises(ContractError, match="HTML page of type text/html"):
        answer.json()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_json_is_a_contract_error(server, body):
    server.replies = [Reply(body=body)]

    with pytest.raises(ContractError):
        read(client_for(server)).json()


def test_reads_are_retried_with_growing_room_and_each_try_costs_budget(server):
    clock, budget = ManualClock(), FreeBudget()
    server.replies = [Reply(status=500), Reply(hang_up=True), Reply(body=b"[1]")]

    answer = read(client_for(server, clock=clock, budget=budget), retries=4)

    assert answer.json() == [1]
    assert len(budget.taken) == 3
    assert clock.slept[0] <= 1
    assert clock.slept[1] <= 2


def test_a_write_is_sent_once_however_it_fails(server):
    server.replies = [Reply(status=503)]

    with pytest.raises(RetryableError) as caught:
        client_for(server).request("POST", "/w", operation="write", share=Share.WRITE, json={})

    assert caught.value.may_have_applied
    assert len(server.seen) == 1


def test_retry_after_is_honoured_when_it_fits_the_deadline(server):
    clock = ManualClock()
    server.replies = [Reply(status=429, headers={"Retry-After": "7"}), Reply()]

    read(client_for(server, clock=clock), retries=1)

    assert 7 <= clock.slept[0] <= 8


def test_retry_after_beyond_the_deadline_is_left_to_the_caller(server):
    clock = ManualClock()
    server.replies = [Reply(status=429, headers={"Retry-After": "120"})]

    with pytest.raises(RateLimitedError) as caught:
        read(client_for(server, clock=clock), retries=4)

    assert caught.value.retry_after == 120
    assert clock.slept == []


def test_without_budget_nothing_is_sent(server):
    with pytest.raises(BudgetError):
        read(client_for(server, budget=FreeBudget(spent={"read"})), retries=4)

    assert server.seen == []


def test_a_budget_that_ends_between_tries_does_not_hide_that_the_first_may_have_applied(server):
    budget = FreeBudget()
    server.replies = [Reply(status=500)]

    class Ends(ManualClock):
        def sleep(self, seconds: float) -> None:
            budget.spent.add("read")

    with pytest.raises(RetryableError) as caught:
        read(client_for(server, budget=budget, clock=Ends()), retries=3)

    assert caught.value.may_have_applied
    assert len(server.seen) == 1


def test_a_connection_that_never_stood_has_applied_nothing():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        client = ApiClient(
            channel="test", base_url=url, budget=FreeBudget(), clock=SystemClock(), allow_private_hosts=True
        )
        with pytest.raises(RetryableError, match="could not connect") as caught:
            read(client)

    assert not caught.value.may_have_applied


def test_a_failure_is_not_taken_for_harmless_because_an_earlier_call_could_not_connect(server):
    server.replies = [Reply(hang_up=True)]
    try:
        raise ConnectionRefusedError  # noqa: TRY301
    except ConnectionRefusedError:
        with pytest.raises(RetryableError) as caught:
            read(client_for(server))

    assert caught.value.may_have_applied


@pytest.mark.parametrize(
    "reply",
    [
        Reply(hang_up=True),
        Reply(body=b"{}", announce=50),
        Reply(delay_seconds=0.4),
        Reply(body=b"x" * 30, trickle_seconds=0.05),
    ],
    ids=["hung up", "cut short", "too slow", "trickles"],
)
def test_a_broken_or_late_answer_may_have_applied(server, reply):
    server.replies = [reply]

    with pytest.raises(RetryableError) as caught:
        read(client_for(server, read_timeout=0.2), deadline_seconds=0.6)

    assert caught.value.may_have_applied


def test_a_body_over_the_limit_is_refused_also_when_it_is_packed(server):
    server.replies = [Reply(body=gzip.compress(b"a" * 5_000_000), headers={"Content-Encoding": "gzip"})]

    with pytest.raises(ContractError, match="larger than"):
        read(client_for(server, max_body_bytes=100_000))


def test_packed_answers_are_unpacked(server):
    server.replies = [Reply(body=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})]

    assert read(client_for(server)).json() == {"a": 1}


def test_a_redirect_is_never_followed(server):
    server.replies = [Reply(status=307, headers={"Location": f"{server.url}/elsewhere"})]

    with pytest.raises(ContractError, match="redirect"):
        read(client_for(server))

    assert [seen.path for seen in server.seen] == ["/base/thing"]


def test_an_absolute_address_is_called_only_on_the_own_origin(server):
    client = client_for(server)

    read(client, f"{server.url}/other?cursor=a")
    assert server.seen[0].path == "/other?cursor=a"
    for foreign in (
        "http://127.0.0.1:1/x",
        "https://evil.example/x",
        f"{server.url}@evil.example/",
        "http://[",
        "a\r\nb",
    ):
        with pytest.raises(ContractError):
            read(client, foreign)
    for harmless in ("@evil.example/", "//evil.example/", ".evil.example/"):
        read(client, harmless)
    assert len(server.seen) == 4


def test_cookies_and_netrc_are_not_used(server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server.replies = [Reply(headers={"Set-Cookie": "a=b; Path=/"}), Reply()]
    client = client_for(server)

    read(client)
    read(client)

    assert all("Cookie" not in seen.headers and "Authorization" not in seen.headers for seen in server.seen)


def test_logs_name_the_call_and_hide_the_secrets(server, caplog):
    caplog.set_level(logging.INFO)
    server.replies = [Reply(status=400, body=b'{"access_token": "shpat_0123456789", "error": "bad"}')]

    with pytest.raises(RejectedError) as caught:
        client_for(server).request(
            "POST", "/t", operation="token", share=Share.SETUP, params={"client_secret": "hush", "sku": "A"},
            headers={"Authorization": "Bearer very-secret-token"},
        )  # fmt: skip

    record = caplog.records[-1]
    everything = f"{vars(record)} {record.getMessage()} {caught.value}"
    assert record.operation == "token"
    assert record.status == 400
    assert "sku=A" in record.url
    for secret in ("hush", "very-secret", "shpat_"):
        assert secret not in everything
