"""
The way of one SP-API request: gateway faults, token, bucket, body, handler under the lock, headers.

Each API module lists its operations; :func:`endpoint` turns one into a Flask view.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Request, Response, request

from sandbox.amazon.errors import ApiError, invalid_input, throttled, unauthorized
from sandbox.amazon.settings import INDIA
from sandbox.amazon.state import State, Token

logger = logging.getLogger(__name__)

HTML_503 = (
    "<html><head><title>503 Service Temporarily Unavailable</title></head>"
    "<body><center><h1>503 Service Temporarily Unavailable</h1></center></body></html>"
)
MAX_BODY_BYTES = 5 * 1024 * 1024
RATE_HEADER_STATUSES = {200, 201, 202, 204, 207, 400, 404}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated request. ``seller_id`` is "" for a grantless token; ``path`` holds decoded path parameters."""

    client_id: str
    seller_id: str
    path: dict[str, str]
    args: dict[str, str]
    body: dict[str, Any]

    def csv(self, name: str) -> list[str]:
        """A comma-joined array parameter; [] when absent."""
        return [part for part in self.args.get(name, "").split(",") if part]

    def required(self, name: str) -> str:
        value = self.args.get(name, "")
        if not value:
            raise invalid_input(f"Missing required parameter '{name}'.")
        return value

    def choices(self, name: str, allowed: Iterable[str]) -> list[str]:
        """An array parameter whose values must be known ones."""
        values = self.csv(name)
        for value in values:
            if value not in allowed:
                raise invalid_input(f"Invalid value '{value}' for parameter '{name}'.")
        return values

    def integer(self, name: str, *, default: int, least: int, most: int) -> int:
        text = self.args.get(name)
        if text is None:
            return default
        if not text.isdigit() or not least <= int(text) <= most:
            raise invalid_input(f"Parameter '{name}' must be between {least} and {most}.")
        return int(text)

    def marketplace(self, name: str = "marketplaceIds") -> None:
        """The seller sells in India only: any other marketplace, or none, is refused."""
        self.required(name)
        if self.csv(name) != [INDIA]:
            raise invalid_input(f"Invalid value for parameter '{name}': only {INDIA} is available to this seller.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    body: Any = None


Handler = Callable[[State, Call], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``token`` is ``seller``, ``grantless`` or ``any``; ``path`` a Flask rule."""

    name: str
    method: str
    path: str
    handler: Handler
    token: str = "seller"
    writes: bool = field(default=False)


def endpoint(state_of: Callable[[], State], operation: Operation) -> Callable[..., Response]:
    """A view that serves the operation out of the state current at the time."""

    def view(**path: str) -> Response:
        state = state_of()
        response = _gateway_fault(state, operation) or _serve(state, operation, path)
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        with state.lock:
            state.calls[operation.name, response.status_code] += 1
        return response

    view.__name__ = operation.name
    return view


def _gateway_fault(state: State, operation: Operation) -> Response | None:
    if fault := state.strikes("slow", operation=operation.name):
        state.world.pause(float(fault.options.get("seconds", 2)))
    if fault := state.strikes("timeout", operation=operation.name):
        state.world.pause(float(fault.options.get("seconds", 60)))
        return Response(status=504)
    if state.strikes("http_503_html", operation=operation.name):
        return Response(HTML_503, status=503, content_type="text/html")
    if state.strikes("http_500_empty", operation=operation.name):
        return Response(status=500)
    if state.strikes("http_500", operation=operation.name):
        return error_response(internal_failure())
    return None


def _serve(state: State, operation: Operation, path: dict[str, str]) -> Response:
    try:
        with state.lock:
            token = authenticate(state, request, operation)
            _take(state, operation, token)
            call = Call(
                client_id=token.client_id,
                seller_id=token.seller_id,
                path=path,
                args={name: ",".join(values) for name, values in request.args.lists()},
                body=_body(request) if operation.method in {"POST", "PATCH"} else {},
            )
            reply = operation.handler(state, call)
            response = json_response(reply.body, reply.status)
    except ApiError as error:
        response = error_response(error)
    else:
        if operation.writes:
            response = _lost_answer(state, operation) or response
    if (
        response.status_code in RATE_HEADER_STATUSES
        and state.settings.rate_headers
        and not state.strikes("no_rate_header", operation=operation.name)
    ):
        response.headers["x-amzn-RateLimit-Limit"] = str(round(state.buckets.rate(operation.name), 6))
    return response


def authenticate(state: State, incoming: Request, operation: Operation) -> Token:
    """
    The token behind ``x-amz-access-token``.

    :raises ApiError: 403 ``Unauthorized``; the details name a missing, unknown, expired, revoked or wrong kind of token.
    """
    text = incoming.headers.get("x-amz-access-token", "")
    if not text:
        raise unauthorized("Access token is missing in the request header.")
    if not incoming.headers.get("user-agent"):
        logger.warning("%s without a user-agent header", operation.name)
    if len(incoming.headers.get("user-agent", "")) > 500:
        raise invalid_input("The user-agent header must not be longer than 500 characters.")
    if state.strikes("token_expired", operation=operation.name):
        state.tokens.pop(text, None)
        raise unauthorized("The access token you provided has expired.")
    token = state.tokens.get(text)
    if token is None:
        raise unauthorized("The access token you provided is revoked, malformed or invalid.")
    if token.dies_at <= time.monotonic():
        raise unauthorized("The access token you provided has expired.")
    seller = state.sellers.get(token.seller_id)
    if seller is not None and seller.revoked:
        raise unauthorized("The access token you provided is revoked, malformed or invalid.")
    if operation.token == "seller" and not token.seller_id:
        raise unauthorized("This operation needs the token of a seller; a grantless token was given.")
    if operation.token == "grantless" and token.seller_id:
        raise unauthorized("This operation needs a grantless token; the token of a seller was given.")
    return token


def _take(state: State, operation: Operation, token: Token) -> None:
    if state.strikes("throttle", operation=operation.name):
        state.counts["throttled"] += 1
        raise throttled()
    if state.settings.rate_limits and not state.buckets.take(
        client_id=token.client_id, seller_id=token.seller_id, operation=operation.name
    ):
        state.counts["throttled"] += 1
        raise throttled()


def _body(incoming: Request) -> dict[str, Any]:
    raw = incoming.get_data()
    if len(raw) > MAX_BODY_BYTES:
        raise ApiError(413, "RequestTooLarge", "The request size exceeded the maximum accepted size.")
    if incoming.mimetype not in {"application/json", ""}:
        raise ApiError(415, "UnsupportedMediaType", "The request payload is in an unsupported format.")
    try:
        body = json.loads(raw)
    except ValueError:
        raise invalid_input("Request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise invalid_input("Request body must be a JSON object.")
    return body


def _lost_answer(state: State, operation: Operation) -> Response | None:
    """The write has been done; the caller does not get to know."""
    if fault := state.strikes("write_then_timeout", operation=operation.name):
        state.world.pause(float(fault.options.get("seconds", 60)))
        return Response(status=504)
    if state.strikes("write_then_500", operation=operation.name):
        return error_response(internal_failure())
    return None


def internal_failure() -> ApiError:
    return ApiError(500, "InternalFailure", "We encountered an internal error. Please try again.")


def error_response(error: ApiError) -> Response:
    response = json_response(error.body(), error.status)
    response.headers["x-amzn-ErrorType"] = error.code
    return response


def json_response(body: Any, status: int) -> Response:
    if body is None:
        return Response(status=status)
    return Response(json.dumps(body), status=status, content_type="application/json")
