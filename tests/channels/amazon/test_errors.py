"""The closed tables of errors."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from channels_amazon.errors import CODES, LWA_CODES, STATUSES, error_of, is_token_dead, lwa_error_of
from inventory_sync.domain.errors import (
    ChannelError,
    CredentialsError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    SetupError,
)
from inventory_sync.http import ApiResponse
from tests.channels.amazon.official import example

NOW = datetime(2026, 10, 12, tzinfo=UTC)


def response(status: int, body: Any = b"", **headers: str) -> ApiResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ApiResponse(
        status=status,
        headers=headers,
        body=raw,
        request_id="r-1",
        elapsed=0.1,
        started_at=NOW,
        ended_at=NOW,
        channel="amazon",
    )


def errors(code: str, message: str = "m", details: str = "") -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message, "details": details}]}


@pytest.mark.parametrize("status", sorted(STATUSES))
@pytest.mark.parametrize(
    "body", [b"", b"<html><body>503</body></html>", b'{"message":"x"}', b"\xff", b"[]", b'{"errors":null}']
)
def test_the_status_decides_whatever_the_body_is(status: int, body: bytes) -> None:
    error = error_of(response(status, body))

    assert type(error) is STATUSES[status]
    assert error.status == status
    assert error.request_id == "r-1"
    assert error.may_have_applied is (status >= 500 or status == 408)


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_status_nobody_listed_is_explained_by_the_code(code: str) -> None:
    assert type(error_of(response(418, errors(code)))) is CODES[code]


def test_a_status_and_a_code_nobody_listed_are_left_to_the_http_layer() -> None:
    assert error_of(response(418, errors("Teapot"))) is None


def test_the_words_of_the_body_are_kept() -> None:
    error = error_of(response(400, errors("InvalidInput", "bad quantity", "field x")))

    assert error is not None
    assert (error.code, error.message) == ("InvalidInput", "bad quantity field x")


def test_the_example_of_too_many_calls_says_that_nothing_was_applied() -> None:
    error = error_of(response(429, example("error.429")))

    assert isinstance(error, RateLimitedError)
    assert error.may_have_applied is False


def test_errors_beside_results_are_no_failure_but_alone_they_are() -> None:
    assert error_of(response(200, {"payload": [], **errors("InvalidInput")})) is None
    assert error_of(response(200, {"payload": None, "errors": []})) is None
    assert type(error_of(response(200, errors("InvalidInput")))) is RejectedError
    unlisted = error_of(response(200, {"payload": None, **errors("Mystery")}))
    assert type(unlisted) is ChannelError
    assert unlisted.may_have_applied is True


@pytest.mark.parametrize(
    ("status", "details", "dead"),
    [
        (401, "", True),
        (403, "The access token you provided has expired.", True),
        (403, "The access token you provided is revoked, malformed or invalid.", True),
        (403, "", False),
        (403, "The application lacks the role.", False),
        (400, "token expired", False),
    ],
)
def test_only_a_refused_token_is_worth_another_one(status: int, details: str, dead: bool) -> None:
    error = error_of(response(status, errors("Unauthorized", "Access to requested resource is denied.", details)))

    assert error is not None
    assert is_token_dead(error) is dead


@pytest.mark.parametrize("code", sorted(LWA_CODES))
def test_the_login_has_a_shape_of_its_own(code: str) -> None:
    status = 401 if code == "invalid_client" else 503 if issubclass(LWA_CODES[code], RetryableError) else 400
    error = lwa_error_of(response(status, {"error": code, "error_description": "token Atzr|secret is bad"}))

    assert type(error) is LWA_CODES[code]
    assert "Atzr" not in str(error)
    assert error.may_have_applied is False or issubclass(LWA_CODES[code], RetryableError)


def test_the_logins_other_failures() -> None:
    assert type(lwa_error_of(response(400, {"error": "brand_new"}))) is ChannelError
    assert type(lwa_error_of(response(500, b"<html>"))) is RetryableError
    assert type(lwa_error_of(response(503, {"error": "invalid_grant"}))) is RetryableError
    assert type(lwa_error_of(response(429))) is RateLimitedError
    assert type(lwa_error_of(response(400))) is RejectedError
    assert type(lwa_error_of(response(403))) is CredentialsError
    assert type(lwa_error_of(response(400, {"error": "invalid_scope"}))) is SetupError
    assert lwa_error_of(response(200, {"access_token": "x"})) is None
