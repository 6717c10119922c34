"""Errors that end a whole request, in the shapes of the contract's section 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """Carries what goes out: an HTTP status and a JSON body."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = dict(body)


def oauth_error(status: int, error: str, description: str) -> ApiError:
    """Shape 1: OAuth and bearer."""
    return ApiError(status, {"error": error, "error_description": description})


def listings_error(code: int, description: str, *, path: str = "", status: int = 400) -> ApiError:
    """Shape 2: a whole listings request."""
    return ApiError(status, {"errors": [{"severity": "ERROR", "code": code, "description": description, "path": path}]})


def request_error(code: str, message: str, *, status: int = 422, shape: str = "errorCode") -> ApiError:
    """Shape 5: a whole shipments or returns request. ``shape`` is the setting ``error_shape``."""
    if shape == "errors":
        return ApiError(status, {"errors": [{"errorCode": code, "errorMessage": message}]})
    return ApiError(status, {"errorCode": code, "errorMessage": message})
