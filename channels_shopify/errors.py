"""
What Shopify's answers mean, by what happens next.

An answer is looked at in this order: HTTP status, top-level ``errors`` (a list, or one string), the mutation's ``userErrors``. A code that
nobody listed is raised as it came; since it may have been a write, it counts as possibly applied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inventory_sync.domain.errors import (
    ChannelError,
    ContractError,
    CredentialsError,
    ListingNotFoundError,
    NotWritableError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    SetupError,
    StaleQuantityError,
)
from inventory_sync.http import ApiResponse, redact_text

CHANNEL = "shopify"

OUR_BUG = frozenset(
    {
        "BAD_REQUEST",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
        "INVALID_FIELD_ARGUMENTS",
        "INVALID_NAME",
        "INVALID_QUANTITY_DOCUMENT",
        "INVALID_QUANTITY_NAME",
        "INVALID_QUANTITY_NEGATIVE",
        "INVALID_QUANTITY_TOO_HIGH",
        "INVALID_QUANTITY_TOO_LOW",
        "INVALID_REASON",
        "INVALID_REFERENCE_DOCUMENT",
        "INVALID_VARIABLE",
        "MAX_COST_EXCEEDED",
        "MAX_INPUT_SIZE_EXCEEDED",
        "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
        "argumentLiteralsIncompatible",
        "argumentNotAccepted",
        "missingRequiredArguments",
        "missingRequiredInputObjectAttribute",
        "undefinedDirective",
        "undefinedField",
        "undefinedType",
        "variableMismatch",
        "variableRequiresValidNullability",
    }
)
STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
NOT_FOUND = frozenset({"INVALID_INVENTORY_ITEM", "INVALID_LOCATION", "ITEM_NOT_STOCKED_AT_LOCATION"})
NOT_APPLIED_YET = frozenset({"ADJUST_QUANTITIES_FAILED", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"})
MAY_HAVE_APPLIED = frozenset(
    {"IDEMPOTENCY_CONCURRENT_REQUEST", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"}
)
NO_ACCESS = frozenset({"ACCESS_DENIED", "UNAUTHORIZED", "UNAUTHENTICATED"})
SHOP_CLOSED = frozenset({"SHOP_INACTIVE", "PAYMENT_REQUIRED"})

TOKEN_ERRORS: Mapping[str, str] = {
    "shop_not_permitted": "client credentials work only if the app and the shop belong to the same organization",
    "invalid_client": "client id or secret is wrong, or the app was removed",
    "app_not_installed": "the app is not installed on this shop",
    "invalid_grant": "the refresh token is used up or expired: connect the shop again",
    "invalid_request": "Shopify refused the code: connect the shop again",
    "invalid_subject_token": "the session token was refused: connect the shop again",
    "application_cannot_be_found": "Shopify does not know this client id",
}


def error_of(response: ApiResponse) -> ChannelError | None:
    """The error in an answer of the GraphQL endpoint; None when there is none, or its status alone says it (429, 5xx)."""
    if response.status == 429 or response.status >= 500:
        return None
    payload = payload_of(response)
    facts: dict[str, Any] = {"channel": CHANNEL, "request_id": response.request_id, "status": response.status}
    if response.status == 401:
        return CredentialsError("Shopify does not accept the access token", **facts)
    if response.status == 402:
        return SetupError("the shop is frozen or paused", code="PAYMENT_REQUIRED", **facts)
    if response.status == 403:
        return CredentialsError("no access to this shop", **facts)
    if response.status in (404, 423):
        return SetupError("no such shop, or it is locked", **facts)
    if response.status >= 400 or not payload or not payload.get("errors"):
        return None
    return _worst([_top_level(each, payload, facts) for each in _entries(payload["errors"])])


def throttle_status(payload: Mapping[str, Any]) -> dict[str, float]:
    """``requested, remaining, capacity, per_second`` of the points bucket, as far as a parsed answer says them."""
    cost = _map(_map(payload.get("extensions")).get("cost"))
    status = _map(cost.get("throttleStatus"))
    said = {
        "requested": cost.get("requestedQueryCost"),
        "remaining": status.get("currentlyAvailable"),
        "capacity": status.get("maximumAvailable"),
        "per_second": status.get("restoreRate"),
    }
    return {name: number for name, value in said.items() if (number := _number(value)) is not None}


def throttle_wait(said: Mapping[str, float]) -> float:
    """Seconds until the bucket holds what the query costs, at least 1."""
    missing = said.get("requested", 0.0) - said.get("remaining", 0.0)
    return max(1.0, missing / (said.get("per_second") or 100.0))


def user_error(*, code: str, message: str, request_id: str = "") -> ChannelError:
    """The error behind one entry of a mutation's ``userErrors``. They come with atomic mutations: nothing was written."""
    facts: dict[str, Any] = {"channel": CHANNEL, "code": code, "request_id": request_id}
    words = message or code or "refused without a reason"
    if code in STALE:
        return StaleQuantityError(words, **facts)
    if code in NOT_FOUND:
        return ListingNotFoundError(words, **facts)
    if code == "NON_MUTABLE_INVENTORY_ITEM":
        return NotWritableError(words, **facts)
    if code in MAY_HAVE_APPLIED:
        # SERVICE_UNAVAILABLE says that nothing was written; a concurrent request with our key may be writing right now.
        return RetryableError(words, may_have_applied=code != "SERVICE_UNAVAILABLE", **facts)
    if code in NOT_APPLIED_YET:
        return RetryableError(words, **facts)
    if code in OUR_BUG:
        return ContractError(words, **facts)
    if code in NO_ACCESS:
        return CredentialsError(words, **facts)
    return RejectedError(words, **facts)


def user_errors(payload: Mapping[str, Any]) -> list[tuple[str, str, list[str]]]:
    """(code, message, field path) of each entry of ``userErrors``; indexes in the path are strings, the path may be missing."""
    return [
        (str(each.get("code") or ""), str(each.get("message") or ""), [str(part) for part in each.get("field") or []])
        for each in payload.get("userErrors") or []
        if isinstance(each, Mapping)
    ]


def token_error(response: ApiResponse) -> ChannelError | None:
    """The error in an answer of the token endpoint: every refusal needs a person. None: 2xx, 429 and 5xx say it themselves."""
    if response.status < 400 or response.status == 429 or response.status >= 500:
        return None
    payload = payload_of(response) or {}
    code = str(payload.get("error") or payload.get("errors") or "")[:100]
    said = str(payload.get("error_description") or "")[:300]
    words = TOKEN_ERRORS.get(code) or said or "Shopify refused to give an access token"
    return CredentialsError(
        words, channel=CHANNEL, code=redact_text(code), request_id=response.request_id, status=response.status
    )


def _top_level(entry: Mapping[str, Any], payload: Mapping[str, Any], facts: Mapping[str, Any]) -> ChannelError:
    code = str(_map(entry.get("extensions")).get("code") or "")
    message = redact_text(str(entry.get("message") or "unnamed error"), limit=400)
    known: dict[str, Any] = {**facts, "code": code}
    if code == "THROTTLED" or (not code and message == "Throttled"):
        said = throttle_status(payload)
        return RateLimitedError(
            "Shopify is throttling", retry_after=throttle_wait(said), **{**known, "code": "THROTTLED"}
        )
    if code in OUR_BUG:
        return ContractError(message, **known)
    if code in NO_ACCESS:
        return CredentialsError(message, **known)
    if code in SHOP_CLOSED:
        return SetupError(message, **known)
    if code in MAY_HAVE_APPLIED:
        return RetryableError(message, may_have_applied=True, **known)
    if code in NOT_APPLIED_YET:
        return RetryableError(message, **known)
    if code in STALE | NOT_FOUND or code == "NON_MUTABLE_INVENTORY_ITEM":
        return user_error(code=code, message=message, request_id=facts["request_id"])
    if not code and "invalid api key or access token" in message.lower():
        return CredentialsError(message, **known)
    return RejectedError(message, may_have_applied=payload.get("data") is not None, **known)


def _worst(errors: Sequence[ChannelError]) -> ChannelError:
    """Of several errors the one that decides: a person must act, then later, then our bug, then the first."""
    for kind in (SetupError, RetryableError, ContractError):
        for error in errors:
            if isinstance(error, kind):
                return error
    return errors[0]


def _entries(errors: Any) -> Iterator[Mapping[str, Any]]:
    """``errors`` as a list of objects, also when it is one string, one object or a list of strings."""
    for each in errors if isinstance(errors, list) else [errors]:
        yield each if isinstance(each, Mapping) else {"message": str(each)}


def payload_of(response: ApiResponse) -> Mapping[str, Any] | None:
    """The answer's JSON object; None when it is none."""
    try:
        payload = json.loads(response.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, Mapping) else None


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
