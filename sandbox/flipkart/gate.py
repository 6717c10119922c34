"""What every call passes: bearer token, the rolling-hour limit, injected faults; each call is counted by operation and status."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from sandbox.flipkart.errors import ApiError
from sandbox.flipkart.state import State
from sandbox.flipkart.tokens import Tokens, invalid_token
from sandbox.flipkart.wire import GATEWAY_TIMEOUT_HTML, html_response, json_response

logger = logging.getLogger(__name__)

Handler = Callable[..., Any]  # returns a JSON-able payload or a Response; may raise ApiError

WRITES = {"POST", "PUT", "DELETE"}


class Gate:
    """Wraps handlers. A handler runs under the state's lock; waiting (slow answers, timeouts) happens outside it."""

    def __init__(self, *, state: State, tokens: Tokens) -> None:
        self.state = state
        self.tokens = tokens
        self._calls: deque[float] = deque()  # monotonic times of counted calls in the rolling window

    def reset(self) -> None:
        self._calls.clear()

    def add(self, blueprint: Blueprint, method: str, path: str, operation: str, handler: Handler) -> None:
        """Serve a REST path under ``/sellers`` and, where the setting ``bare_paths`` allows it, without that prefix."""

        def prefixed(**arguments: str) -> Response:
            return self._answer(operation, handler, arguments, rest=True)

        def bare(**arguments: str) -> Response:
            if self.state.settings.bare_paths:
                return self._answer(operation, handler, arguments, rest=True)
            return self._count("bare path", self._not_found())

        blueprint.add_url_rule(f"/sellers{path}", f"{method} {path}", prefixed, methods=[method], strict_slashes=False)
        blueprint.add_url_rule(path, f"bare {method} {path}", bare, methods=[method], strict_slashes=False)

    def add_oauth(self, blueprint: Blueprint, method: str, path: str, operation: str, handler: Handler) -> None:
        """Serve an OAuth path: no bearer token, no call limit."""

        def view(**arguments: str) -> Response:
            return self._answer(operation, handler, arguments, rest=False)

        blueprint.add_url_rule(
            f"/oauth-service{path}", f"{method} {path}", view, methods=[method], strict_slashes=False
        )

    def calls_in_window(self) -> int:
        self._forget_old_calls()
        return len(self._calls)

    # --- one call

    def _answer(self, operation: str, handler: Handler, arguments: dict[str, str], *, rest: bool) -> Response:
        slow = self.state.fault("slow", operation=operation)
        if slow is not None:
            time.sleep(float(slow.options.get("seconds", 2.0)))
        try:
            if rest:
                with self.state.lock:
                    self.tokens.check_bearer(request.headers.get("Authorization", ""))
                    self._take_call()
            struck = self._fault_instead(operation, rest=rest)
            if struck is not None:
                return self._count(operation, struck)
            with self.state.lock:
                answer = handler(**arguments)
                response = answer if isinstance(answer, Response) else json_response(self.state, answer)
        except ApiError as error:
            headers = error.body.pop("_headers", None)
            with self.state.lock:
                response = json_response(self.state, error.body, status=error.status, headers=headers)
        except Exception:
            logger.exception("the Flipkart sandbox failed in %s", operation)
            response = self._server_error()
        return self._count(operation, self._fault_after(operation, response))

    def _take_call(self) -> None:
        """Count one call against the rolling window. :raises ApiError: 429 when it is used up; a refused call is not counted."""
        self._forget_old_calls()
        settings = self.state.settings
        if len(self._calls) >= settings.rate_limit:
            self.state.counts["rate_limited"] += 1
            wait = self._calls[0] + self._window() - time.monotonic() if self._calls else self._window()
            raise too_many_requests(retry_after=wait if settings.send_retry_after else None)
        self._calls.append(time.monotonic())

    def _forget_old_calls(self) -> None:
        horizon = time.monotonic() - self._window()
        while self._calls and self._calls[0] <= horizon:
            self._calls.popleft()

    def _window(self) -> float:
        return self.state.world.clock.scaled(self.state.settings.rate_window_seconds)

    # --- faults

    def _fault_instead(self, operation: str, *, rest: bool) -> Response | None:
        """An answer given in place of doing anything."""
        state = self.state
        if not rest:
            return (
                html_response("<html><body>Service Unavailable</body></html>", status=503)
                if state.fault("token_unavailable")
                else None
            )
        if (fault := state.fault("http_429", operation=operation)) is not None:
            raise too_many_requests(retry_after=fault.options.get("retry_after"))
        if state.fault("invalid_token", operation=operation) is not None:
            raise invalid_token(bearer_token())
        if state.fault("http_500_invalid_token", operation=operation) is not None:
            inner = json.dumps(invalid_token(bearer_token()).body)
            raise ApiError(500, {"errorId": state.new_uuid(), "error": inner})
        if state.fault("http_500", operation=operation) is not None:
            return self._server_error()
        if state.fault("http_503", operation=operation) is not None:
            raise ApiError(
                503, {"errorCode": "DEPENDENT_SYSTEM_CALL_FAILED", "errorMessage": "Service temporarily unavailable"}
            )
        if state.fault("http_504_html", operation=operation) is not None:
            return html_response(GATEWAY_TIMEOUT_HTML, status=504)
        if state.fault("http_599", operation=operation) is not None:
            return html_response("", status=599)
        if (fault := state.fault("timeout_before", operation=operation)) is not None:
            time.sleep(float(fault.options.get("seconds", 35.0)))
            return html_response(GATEWAY_TIMEOUT_HTML, status=504)
        return None

    def _fault_after(self, operation: str, response: Response) -> Response:
        """An answer that is spoiled after the work was done."""
        state = self.state
        if request.method in WRITES and (fault := state.fault("timeout_after_apply", operation=operation)) is not None:
            time.sleep(float(fault.options.get("seconds", 35.0)))
        if request.method in WRITES and state.fault("http_504_after_apply", operation=operation) is not None:
            return html_response(GATEWAY_TIMEOUT_HTML, status=504)
        if response.is_json and state.fault("truncated_body", operation=operation) is not None:
            body = response.get_data()
            return Response(body[: max(len(body) // 2, 1)], status=response.status_code, mimetype="application/json")
        return response

    def _server_error(self) -> Response:
        body = {"errorCode": "INTERNAL_SERVER_ERROR", "errorMessage": "Something went wrong"}
        return json_response(self.state, body, status=500)

    def _not_found(self) -> Response:
        body = {"status": 404, "error": "Not Found", "message": "No message available", "path": request.path}
        return json_response(self.state, body, status=404)

    def _count(self, operation: str, response: Response) -> Response:
        with self.state.lock:
            self.state.calls[operation, response.status_code] += 1
        return response


def too_many_requests(*, retry_after: float | None) -> ApiError:
    """429; no source shows the real body. ``retry_after`` in seconds adds the header (whole seconds, at least 1)."""
    body: dict[str, Any] = {"errorCode": "TOO_MANY_REQUESTS", "errorMessage": "Rate limit exceeded"}
    if retry_after is not None:
        body["_headers"] = {"Retry-After": str(max(1, round(float(retry_after))))}
    return ApiError(429, body)


def bearer_token() -> str:
    return request.headers.get("Authorization", "").partition(" ")[2]


def json_body(state: State) -> Any:
    """The request's JSON. :raises ApiError: 400 ``INVALID_REQUEST_JSON``."""
    payload = request.get_json(force=True, silent=True)
    if payload is None:
        raise state.bad_request("The request body is not valid JSON", code="INVALID_REQUEST_JSON", status=400)
    return payload


def object_body(state: State) -> dict[str, Any]:
    """The request's JSON object. :raises ApiError: 400."""
    payload = json_body(state)
    if not isinstance(payload, dict):
        raise state.bad_request("The request body must be a JSON object", code="INVALID_REQUEST_JSON", status=400)
    return payload


def listed(text: str | None) -> list[str]:
    """A comma separated list of a URL; empty entries are dropped."""
    return [entry.strip() for entry in (text or "").split(",") if entry.strip()]
