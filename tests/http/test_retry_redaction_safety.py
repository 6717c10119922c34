"""Waiting, hiding secrets, and where we may connect."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from inventory_sync.domain.errors import RetryableError, SetupError
from inventory_sync.domain.ports import Share
from inventory_sync.http import (
    ApiClient,
    SystemClock,
    check_base_url,
    parse_retry_after,
    redact_headers,
    redact_text,
    redact_url,
    wait_seconds,
)
from tests.channels.ports import FreeBudget

NOW = datetime(2026, 11, 2, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2.0", 2),
        ("0", 0),
        ("-5", 0),
        ("Mon, 02 Nov 2026 04:06:06 GMT", 60),
        ("Mon, 02 Nov 2026 04:00:00 GMT", 0),
        ("999999", 3600),
        ("inf", 3600),
        ("", None),
        (None, None),
        ("soon", None),
        ("nan", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value, seconds):
    assert parse_retry_after(value, now=NOW) == seconds


def test_the_room_for_jitter_doubles_up_to_its_cap():
    ceilings = [wait_seconds(attempt=attempt, cap=10, uniform=lambda low, high: high) for attempt in range(1, 7)]

    assert ceilings == [1, 2, 4, 8, 10, 10]
    assert wait_seconds(attempt=9, uniform=lambda low, high: low) == 0
    assert wait_seconds(attempt=1, retry_after=5, uniform=lambda low, high: low) == 5


def test_headers_keep_their_names_and_lose_their_secrets():
    shown = redact_headers(
        {"authorization": "Bearer x", "X-Shopify-Access-Token": "shpat_1", "x-amz-access-token": "a", "Accept": "b"}
    )

    assert list(shown.values()) == ["***", "***", "***", "b"]


def test_addresses_lose_user_and_secret_values():
    shown = redact_url(
        "https://me:pw@host/p?client_secret=a&refresh_token=b&code=c&X-Amz-Signature=d&pincode=560001&skus=A,B#f"
    )

    assert (
        shown
        == "https://host/p?client_secret=***&refresh_token=***&code=***&X-Amz-Signature=***&pincode=560001&skus=A,B"
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"refresh_token" : "S3CRET", "a": 1}',
        '{"client_secret":"S3\\"CRET"}',
        '{"access_token": "S3CRET-cut-off-he',
        "grant_type=x&client_secret=S3CRET&b=1",
        "Authorization: Bearer S3CRETxyz",
        "token shpat_S3CRET was refused",
        "Atza|S3CRET",
    ],
)
def test_bodies_lose_their_secrets(text):
    assert "CRET" not in redact_text(text)


def test_bodies_keep_what_explains_the_failure():
    assert (
        redact_text('{"code": "INVALID_SKU", "token_type": "bearer"}')
        == '{"code": "INVALID_SKU", "token_type": "bearer"}'
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://api.flipkart.net",
        "https://localhost/x",
        "https://127.0.0.1",
        "https://10.1.2.3",
        "https://169.254.169.254/latest",
        "https://[::1]",
        "https://[::ffff:10.0.0.1]",
        "https://[64:ff9b:1::1]",
        "https://metadata.google.internal",
        "https://redis",
        "https://2130706433",
        "https://user@api.flipkart.net",
        "https://api.flipkart.net?x=1",
        "ftp://api.flipkart.net",
        "api.flipkart.net",
        "https://host:port",
        "",
    ],
)
def test_base_urls_that_could_leak_a_token_or_reach_inside_are_refused(url):
    with pytest.raises(SetupError):
        check_base_url(url, channel="test")


def test_public_base_urls_are_taken_and_the_sandbox_only_when_allowed():
    assert check_base_url("https://api.flipkart.net/") == "https://api.flipkart.net"
    assert (
        check_base_url("http://127.0.0.1:8600/flipkart/", allow_private_hosts=True) == "http://127.0.0.1:8600/flipkart"
    )


def test_a_public_name_that_resolves_to_this_machine_is_not_spoken_to(server, monkeypatch):
    import socket

    port = int(server.url.rsplit(":", 1)[1])
    resolved = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: resolved)
    client = ApiClient(channel="test", base_url="https://shop.example.com", budget=FreeBudget(), clock=SystemClock())

    with pytest.raises(RetryableError) as caught:
        client.request("GET", "/", operation="read", share=Share.READ)

    assert "not public" in str(caught.value.__cause__)
    assert not caught.value.may_have_applied
    assert server.seen == []
