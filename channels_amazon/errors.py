"""
The closed table: what Amazon says went wrong -> our error class.

The status decides, the body only explains: a gateway may answer with nothing, HTML, or JSON without ``errors`` (contract, section 3). The code
of a body counts where the status is not in the table, and inside a 2xx; a code that nobody listed there is raised as plain
:class:`ChannelError`. Login with Amazon has a shape and a table of its own (section 2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from channels_amazon.settings import CHANNEL
from channels_amazon.values import objects, text
from inventory_sync.domain.errors import (
    ChannelError,
    ContractError,
    CredentialsError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    SetupError,
)
from inventory_sync.http import ApiResponse, parse_retry_after

STATUSES: Mapping[int, type[ChannelError]] = {
    400: RejectedError,
    401: CredentialsError,
    403: CredentialsError,
    404: RejectedError,
    405: RejectedError,
    408: RetryableError,
    409: RejectedError,
    413: RejectedError,
    415: RejectedError,
    422: RejectedError,
    429: RateLimitedError,
    500: RetryableError,
    502: RetryableError,
    503: RetryableError,
    504: RetryableError,
}

CODES: Mapping[str, type[ChannelError]] = {
    "InvalidInput": RejectedError,
    "BAD_REQUEST": RejectedError,
    "Unauthorized": CredentialsError,
    "NOT_FOUND": RejectedError,
    "NotFound": RejectedError,
    "ResourceNotFound": RejectedError,
    "CONFLICT": RejectedError,
    "Conflict": RejectedError,
    "RequestTooLarge": RejectedError,
    "UnsupportedMediaType": RejectedError,
    "QuotaExceeded": RateLimitedError,
    "InternalFailure": RetryableError,
    "InternalServerError": RetryableError,
    "ServiceUnavailable": RetryableError,
}

# [M:clients/sellingpartner-api-aa-python/auth/LwaExceptionErrorCode.py], and two grants' refusals that OAuth names beside them.
LWA_CODES: Mapping[str, type[ChannelError]] = {
    "invalid_grant": CredentialsError,
    "unauthorized_client": CredentialsError,
    "invalid_client": CredentialsError,
    "access_denied": CredentialsError,
    "invalid_scope": SetupError,
    "invalid_request": SetupError,
    "unsupported_grant_type": SetupError,
    "server_error": RetryableError,
    "temporarily_unavailable": RetryableError,
}

_WORDS: Mapping[int, str] = {
    401: "Amazon does not accept the access token",
    403: "Amazon refuses: the token is not accepted, or the application lacks a role for this",
    404: "Amazon does not know this",
    409: "Amazon has this already",
    413: "Amazon says: the request is too large",
    429: "Amazon says: too many calls",
}
_LWA_WORDS: Mapping[str, str] = {
    "invalid_grant": "the seller's authorization is no longer valid (revoked, or its year is over): the seller must authorize again",
    "unauthorized_client": "the application may not act for this seller: the seller must authorize again",
    "invalid_client": "Login with Amazon does not accept client id and secret (secrets expire: was it rotated?)",
}
_TOKEN_TROUBLE = re.compile(
    r"token\b.*\b(expired|invalid|revoked|malformed|missing)|\b(expired|invalid)\b.*\btoken", re.I | re.S
)


def error_of(response: ApiResponse) -> ChannelError | None:
    """The error that an SP-API answer stands for; None when it is none, or has a status and a code that nobody listed."""
    succeeded = 200 <= response.status < 300
    if succeeded and b'"errors"' not in response.body:
        return None
    body = _json_of(response)
    failures = objects(body.get("errors")) if isinstance(body, Mapping) else []
    if succeeded and (not failures or not isinstance(body, Mapping) or _holds_results(body)):
        return None
    code = next((found for each in failures if (found := text(each.get("code")))), "")
    if succeeded:
        kind: type[ChannelError] | None = CODES.get(code, ChannelError)
    else:
        kind = STATUSES.get(response.status) or CODES.get(code)
    if kind is None:
        return None
    words = "; ".join(dict.fromkeys(filter(None, map(_failure_words, failures))))
    return _built(
        kind,
        response=response,
        code=code,
        message=words[:400]
        or _WORDS.get(response.status, "Amazon failed" if response.status >= 500 else "Amazon refuses"),
    )


def lwa_error_of(response: ApiResponse) -> ChannelError | None:
    """The error that an answer of Login with Amazon stands for. No description is kept: it may quote a token."""
    succeeded = 200 <= response.status < 300
    body = _json_of(response)
    code = text(body.get("error"))[:60] if isinstance(body, Mapping) else ""
    if succeeded and not code:
        return None
    kind = STATUSES.get(response.status)
    if kind is None or not issubclass(kind, RetryableError):
        kind = LWA_CODES.get(code, ChannelError) if code else kind
    if kind is None:
        return None
    words = f"Login with Amazon says {code}" if code else "Login with Amazon refuses without a reason"
    return _built(kind, response=response, code=code, message=_LWA_WORDS.get(code, words))


def is_token_dead(error: ChannelError) -> bool:
    """
    Whether a new access token may help: 401, or 403 with words about an expired or invalid token.

    Any other 403 is a missing role, which no token mends.
    """
    if not isinstance(error, CredentialsError):
        return False
    return error.status == 401 or (error.status == 403 and bool(_TOKEN_TROUBLE.search(error.message)))


def _holds_results(body: Mapping[str, Any]) -> bool:
    """Something stands beside ``errors``: the answer holds results, whatever else it says."""
    return any(value is not None for name, value in body.items() if name != "errors")


def _failure_words(failure: Mapping[str, Any]) -> str:
    return " ".join(filter(None, [text(failure.get("message")), text(failure.get("details"))]))[:300]


def _json_of(response: ApiResponse) -> Any:
    if response.looks_like_html or not response.body:
        return None
    try:
        return response.json()
    except ContractError:
        return None


def _built(kind: type[ChannelError], *, response: ApiResponse, code: str, message: str) -> ChannelError:
    facts: dict[str, Any] = {
        "channel": CHANNEL,
        "code": code,
        "request_id": response.request_id,
        "status": response.status,
        "may_have_applied": response.status < 300 or (response.status >= 500 or response.status == 408),
    }
    if issubclass(kind, RateLimitedError):
        facts["may_have_applied"] = False
    if issubclass(kind, RetryableError):
        facts["retry_after"] = parse_retry_after(response.headers.get("Retry-After"), now=response.ended_at)
    return kind(message, **facts)
