"""The two error shapes: SP-API operations and Login with Amazon."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An SP-API refusal: becomes ``{"errors": [{"code", "message", "details"}]}`` with its status."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        return {"errors": [{"code": self.code, "message": self.message, "details": self.details}]}


class LwaError(Exception):
    """A refusal by Login with Amazon: becomes ``{"error", "error_description"}`` with its status."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


def invalid_input(message: str, details: str = "") -> ApiError:
    return ApiError(400, "InvalidInput", message, details)


def unauthorized(details: str = "") -> ApiError:
    return ApiError(403, "Unauthorized", "Access to requested resource is denied.", details)


def not_found(message: str) -> ApiError:
    return ApiError(404, "NOT_FOUND", message)


def conflict(message: str) -> ApiError:
    return ApiError(409, "CONFLICT", message)


def throttled() -> ApiError:
    return ApiError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
