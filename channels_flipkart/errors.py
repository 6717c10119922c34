"""
The closed table: what Flipkart says went wrong -> our error class.

Whole-request failures only. What happens to one SKU inside a 200 is an outcome (``catalogue.py``), not an error. Five shapes are known
(contract, section 4); a code that is not in the table takes its class from the table of statuses, and one inside a 2xx is raised as plain
:class:`ChannelError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels_flipkart.values import Payload, objects, text
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

CHANNEL = "flipkart"
TOKEN_DEAD = "invalid_token"  # noqa: S105 - the provider's error code, no secret

CODES: Mapping[str, type[ChannelError]] = {
    # OAuth: {"error", "error_description"}; observed (contract, section 2.3)
    TOKEN_DEAD: CredentialsError,
    "unauthorized": CredentialsError,
    "invalid_client": CredentialsError,
    "unauthorized_client": CredentialsError,
    "invalid_grant": CredentialsError,
    "access_denied": CredentialsError,
    "invalid_scope": SetupError,
    "unsupported_grant_type": SetupError,
    "redirect_uri_mismatch": SetupError,
    "invalid_request": RejectedError,
    # errorCode names of the seller documentation
    "DEPENDENT_SYSTEM_CALL_FAILED": RetryableError,
    "INTERNAL_SERVER_ERROR": RetryableError,
    "UNPROCESSABLE_ENTITY": RejectedError,
    "INVALID_SHIPMENTS": RejectedError,
    "OPERATION_NOT_ALLOWED": RejectedError,
    "EMPTY_OR_INVALID_REASON_FOR_CANCELLATION": RejectedError,
    "OTC_UNAVAILABLE": RejectedError,
    "INVALID_REQUEST_ITEM_ID": RejectedError,
    "INVALID_REQUEST_TAX": RejectedError,
    "INVALID_ITEM_STATE": RejectedError,
    "INVALID_REQUEST_JSON": RejectedError,
    "INVALID_REQUEST_DATE_FORMAT": RejectedError,
    "INVALID_ITEM_ID": RejectedError,
    "QUANTITY_MISMATCH_ERROR": RejectedError,
    "ORDER_ITEM_ALREADY_DISPATCHED": RejectedError,
    "ORDER_ITEM_ALREADY_CANCELLED": RejectedError,
    "ORDER_ITEM_NOT_PACKED": RejectedError,
    "ORDER_ITEM_PACKING_IN_PROGRESS": RejectedError,
}

STATUSES: Mapping[int, type[ChannelError]] = {
    400: RejectedError,
    401: CredentialsError,
    403: SetupError,
    404: RejectedError,
    405: RejectedError,
    409: RejectedError,
    413: RejectedError,
    415: RejectedError,
    422: RejectedError,
    429: RateLimitedError,
    408: RetryableError,
    499: RetryableError,  # the 2024 documentation's spelling of 599, "connection timed out"
    500: RetryableError,
    502: RetryableError,
    503: RetryableError,
    504: RetryableError,
    599: RetryableError,
}

# An answer that holds one of these holds results, whatever else stands beside them.
_RESULTS = frozenset({"shipments", "returnItems", "available", "unavailable", "listings", "access_token", "locations"})

_WORDS: Mapping[int, str] = {
    403: "Flipkart refuses permission; a self-access application stays in status Pending for a while after it is created",
    404: "Flipkart does not know this address; check the setting rest_prefix",
    429: "Flipkart says: too many calls",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a body says of the whole request: the provider's code ("" if it gives none) and words that hold no token."""

    code: str
    message: str


def error_of(response: ApiResponse) -> ChannelError | None:
    """
    The error that an answer stands for; None when it is none, or has a status that is not in the table.

    401, and any answer whose body says ``invalid_token`` (Flipkart was seen to wrap it into a 500), mean that the access token is dead.
    """
    succeeded = 200 <= response.status < 300
    if succeeded and b'"error' not in response.body:
        return None
    failure = failure_in(_json_of(response), succeeded=succeeded)
    if not succeeded and (TOKEN_DEAD in response.text or (response.status == 401 and failure is None)):
        failure = Failure(code=TOKEN_DEAD, message="Flipkart no longer accepts the access token")
    if succeeded and failure is None:
        return None
    code = failure.code if failure else ""
    kind = ChannelError if succeeded else STATUSES.get(response.status)
    # A 401, a 429 or a 5xx stays what it is: a code beside it says why, not that it is something else.
    if kind is None or not issubclass(kind, RetryableError | CredentialsError) or code == TOKEN_DEAD:
        kind = CODES.get(code, kind)
    if kind is None:
        return None
    message = failure.message if failure and failure.message else ""
    message = message or _WORDS.get(response.status, "Flipkart did not do what was asked")
    return _built(kind, response=response, code=code, message=message)


def is_token_dead(error: ChannelError) -> bool:
    """Whether a new access token may help."""
    return isinstance(error, CredentialsError) and (error.code == TOKEN_DEAD or error.status == 401)


def failure_in(body: Any, *, succeeded: bool) -> Failure | None:
    """
    Find the failure of a whole request in its body.

    :param succeeded: the status was 2xx; then only an object without results counts, since a SKU may be called "errors".
    """
    if not isinstance(body, Mapping) or (succeeded and _RESULTS & body.keys()):
        return None
    error, code, errors = body.get("error"), text(body.get("errorCode")), body.get("errors")
    if isinstance(error, str) and error:
        return _oauth_failure(error, body)
    if isinstance(error, Mapping) and not succeeded:
        return Failure(code=text(error.get("code")), message=_shown(error.get("message") or error.get("description")))
    if code:
        return Failure(code=code, message=_shown(body.get("errorMessage") or body.get("message")))
    if isinstance(errors, list) and errors:
        found = objects(errors)
        worst = next(
            (each for each in found if text(each.get("severity")).upper() == "ERROR"), found[0] if found else {}
        )
        words = [text(each.get("description") or each.get("message")) for each in found]
        words += [each for each in errors if isinstance(each, str)]
        return Failure(
            code=text(worst.get("code")) or text(worst.get("errorCode")), message=_shown("; ".join(filter(None, words)))
        )
    return None


def _oauth_failure(error: str, body: Payload) -> Failure:
    """``error`` is a code, or (wrapped into a 500) a JSON text with a code of its own. The description may quote the token: not kept."""
    if error.lstrip().startswith("{"):
        try:
            inner = json.loads(error)
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, Mapping) and isinstance(inner.get("error"), str):
            return _oauth_failure(inner["error"], inner)
    if error == TOKEN_DEAD:
        return Failure(code=TOKEN_DEAD, message="Flipkart no longer accepts the access token")
    description = _shown(body.get("error_description") or body.get("message"))
    return Failure(code=error[:100], message=f"{error[:100]}: {description}" if description else error[:200])


def _shown(value: Any) -> str:
    return text(value)[:300]


def _json_of(response: ApiResponse) -> Any:
    if response.looks_like_html or not response.body:
        return None
    try:
        return response.json()
    except ContractError:
        return None


def _built(kind: type[ChannelError], *, response: ApiResponse, code: str, message: str) -> ChannelError:
    status = response.status
    facts: dict[str, Any] = {
        "channel": CHANNEL,
        "code": code,
        "request_id": response.request_id,
        "status": status,
        "may_have_applied": False,
    }
    if code != TOKEN_DEAD and not issubclass(kind, RateLimitedError):
        facts["may_have_applied"] = status < 300 or issubclass(kind, RetryableError)
    if issubclass(kind, RetryableError):
        facts["retry_after"] = parse_retry_after(response.headers.get("Retry-After"), now=response.ended_at)
    return kind(message, **facts)
