"""What Flipkart says went wrong, by what happens next."""

from __future__ import annotations

import json

import pytest
from requests.structures import CaseInsensitiveDict

from channels_flipkart.errors import CODES, error_of, failure_in, is_token_dead
from inventory_sync.domain.errors import (
    ChannelError,
    CredentialsError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    SetupError,
)
from inventory_sync.http import ApiResponse
from tests.channels.flipkart.fixtures import NOW


def answer(status: int, body: object = b"", **headers: str) -> ApiResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ApiResponse(
        status=status,
        headers=CaseInsensitiveDict({"Content-Type": "application/json", **headers}),
        body=raw,
        request_id="",
        elapsed=0.1,
        started_at=NOW,
        ended_at=NOW,
        channel="flipkart",
    )


WRAPPED = {
    "errorId": "x",
    "error": json.dumps({"error": "invalid_token", "error_description": "Invalid access token: abc"}),
}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (401, {"error": "invalid_token", "error_description": "Invalid access token: abc"}, CredentialsError, "invalid_token"),
        (401, b"", CredentialsError, "invalid_token"),
        (500, WRAPPED, CredentialsError, "invalid_token"),
        (403, {"error": "invalid_token"}, CredentialsError, "invalid_token"),
        (401, {"error": "unauthorized", "error_description": "Bad credentials"}, CredentialsError, "unauthorized"),
        (400, {"error": "invalid_scope"}, SetupError, "invalid_scope"),
        (400, {"error": "invalid_grant"}, CredentialsError, "invalid_grant"),
        (403, b"<html>no</html>", SetupError, ""),
        (400, {"errors": [{"severity": "WARNING", "code": 1}, {"severity": "ERROR", "code": 1001, "description": "bad"}]}, RejectedError, "1001"),
        (422, {"errorCode": "UNPROCESSABLE_ENTITY", "errorMessage": "type is mandatory"}, RejectedError, "UNPROCESSABLE_ENTITY"),
        (422, {"errors": ["type is mandatory"]}, RejectedError, ""),
        (400, {"errorCode": "DEPENDENT_SYSTEM_CALL_FAILED"}, RetryableError, "DEPENDENT_SYSTEM_CALL_FAILED"),
        (404, b"<html>", RejectedError, ""),
        (429, b"", RateLimitedError, ""),
        (429, {"errorCode": "UNPROCESSABLE_ENTITY"}, RateLimitedError, "UNPROCESSABLE_ENTITY"),
        (500, {"errorCode": "INVALID_SHIPMENTS"}, RetryableError, "INVALID_SHIPMENTS"),
        (503, b"", RetryableError, ""),
        (504, b"<html>Gateway Time-out</html>", RetryableError, ""),
        (599, b"", RetryableError, ""),
        (499, b"", RetryableError, ""),
        (200, {"errorCode": "INVALID_SHIPMENTS", "errorMessage": "m"}, RejectedError, "INVALID_SHIPMENTS"),
        (200, {"errorCode": "NOBODY_LISTED_THIS"}, ChannelError, "NOBODY_LISTED_THIS"),
        (200, {"errors": [{"code": "X", "description": "d"}]}, ChannelError, "X"),
    ],
)  # fmt: skip
def test_the_table(status, body, kind, code):
    error = error_of(answer(status, body))

    assert type(error) is kind
    assert (error.code, error.status) == (code, status)


@pytest.mark.parametrize(
    "body",
    [
        {"shipments": [], "errors": []},
        {
            "errors": {"status": "FAILURE", "errors": []},
            "error": {"status": "SUCCESS"},
            "errorCode": {"status": "SUCCESS"},
        },
        {"available": {}, "error": "odd but with results"},
        {"TEE": {"status": "FAILURE", "errors": [{"code": 1, "description": "invalid_token"}]}},
        [],
        {},
    ],
)
def test_a_success_with_results_is_no_error_even_if_a_sku_is_called_errors(body):
    assert error_of(answer(200, body)) is None


def test_no_message_repeats_the_token():
    for status, body in (
        (401, {"error": "invalid_token", "error_description": "Invalid access token: abc"}),
        (500, WRAPPED),
    ):
        assert "abc" not in str(error_of(answer(status, body)))


def test_a_dead_token_has_changed_nothing_and_a_server_error_may_have():
    assert error_of(answer(500, WRAPPED)).may_have_applied is False
    assert error_of(answer(500)).may_have_applied is True
    assert error_of(answer(429)).may_have_applied is False
    assert error_of(answer(422)).may_have_applied is False


def test_retry_after_is_kept():
    assert error_of(answer(429, b"", **{"Retry-After": "17"})).retry_after == 17
    assert error_of(answer(429)).retry_after is None


def test_statuses_outside_the_table_are_left_to_the_client():
    assert error_of(answer(302)) is None
    assert error_of(answer(418)) is None


def test_only_401_and_invalid_token_ask_for_another_token():
    assert is_token_dead(error_of(answer(401)))
    assert is_token_dead(error_of(answer(500, WRAPPED)))
    assert not is_token_dead(error_of(answer(403)))
    assert not is_token_dead(error_of(answer(400, {"error": "invalid_grant"})))


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_listed_code_is_found_in_a_body(code):
    key = "errorCode" if code.isupper() else "error"

    assert failure_in({key: code}, succeeded=False).code == code


@pytest.mark.parametrize("body", [None, 5, "text", {"errors": [None, 3]}, {"error": "{broken"}, {"error": {"code": 7}}])
def test_odd_bodies_do_not_break_the_table(body):
    assert error_of(answer(500, body)).status == 500
