"""
One shape for every error: ``{"error": {"code", "message", "fields"?}}``.

    400 invalid           fields are missing, wrong or unknown; ``fields`` names them
    400 refused           it is understood and can't be done: too few units stand there, nothing to correct
    401, 403              no key, a wrong key, a key that may only read
    404, 405, 415         no such thing, method or content type
    409 conflict          the same key, or the same name, with other content
    409 not_ready         the account can't be switched yet; the message says what is missing
    502 channel, setup    the marketplace refuses; for ``setup`` a person must act
    503 retry_later       the marketplace or the database is busy; ``Retry-After`` says when
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException
from rest_framework.exceptions import ValidationError as FieldError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from inventory_sync.domain.errors import ChannelError, RetryableError, SetupError
from inventory_sync.engine.listing_changes import ChangeError
from inventory_sync.engine.start import ModeError
from inventory_sync.engine.withdrawals import NotFreeError
from inventory_sync.stock.ledger import MovementConflictError
from inventory_sync.stock.services import StockError
from skumap.services import LinkError

logger = logging.getLogger(__name__)

JSON_PATHS = ("/api/", "/webhooks/")


class ApiError(APIException):
    """An error of ours with its own status and code."""

    def __init__(self, message: str, *, status: int, code: str, retry_after: float | None = None) -> None:
        super().__init__(message, code)
        self.status_code = status
        self.wait = retry_after


class ConflictError(ApiError):
    """The same key, or the same thing, with other content."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=409, code="conflict")


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception into our error shape; what nobody foresaw stays a 500."""
    error = _known(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    body: dict[str, Any]
    if isinstance(error, FieldError):
        fields = response.data if isinstance(response.data, dict) else {"non_field_errors": response.data}
        body = {"code": "invalid", "message": "Some fields are not right.", "fields": fields}
    elif isinstance(error, APIException):
        code = error.get_codes()
        body = {"code": code if isinstance(code, str) else error.default_code, "message": str(error.detail)}
    elif isinstance(error, Http404):
        body = {"code": "not_found", "message": "There is no such thing."}
    else:
        assert isinstance(error, PermissionDenied)
        body = {"code": "permission_denied", "message": "This API key may not do that."}
    response.data = {"error": body}
    return response


def _known(error: Exception) -> Exception:
    """Errors of the services and of the database, as errors of the API."""
    match error:
        case ValidationError():
            return FieldError(error.message_dict if hasattr(error, "error_dict") else error.messages)
        case MovementConflictError():
            return ConflictError(str(error))
        case NotFreeError():
            return ConflictError(str(error))
        case StockError() | LinkError() | ChangeError():
            return ApiError(_sentence(error), status=400, code="refused")
        case ModeError():
            return ApiError(str(error), status=409, code="not_ready")
        case SetupError():
            return ApiError(str(error), status=502, code="setup")
        case RetryableError():
            return ApiError(str(error), status=503, code="retry_later", retry_after=error.retry_after or 5)
        case ChannelError():
            return ApiError(str(error), status=502, code="channel")
        case DataError():
            return FieldError(
                {"non_field_errors": ["A value can't be stored: a number too large, or a character that is none."]}
            )
        case IntegrityError():
            logger.info("a change was refused by the database: %s", error)
            return ConflictError("Something of that name or number exists already.")
        case OperationalError():
            logger.warning("the database could not do it now: %s", error)
            return ApiError("The database is busy; try again.", status=503, code="retry_later", retry_after=1)
    return error


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


@csrf_exempt
def api_not_found(request: HttpRequest) -> HttpResponseBase:
    """For every address below ``/api/`` that there is not. One that only lacks its last slash is served, body and all."""
    if not request.path_info.endswith("/"):
        match = resolve(f"{request.path_info}/")
        if match.func is not api_not_found:
            return match.func(request, *match.args, **match.kwargs)
    message = "There is no such address. /api/v1/ lists what there is."
    return JsonResponse({"error": {"code": "not_found", "message": message}}, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Our fault: JSON for programs, a page for people. Nothing about the cause leaves the house."""
    if request.path.startswith(JSON_PATHS):
        body = {"error": {"code": "server_error", "message": "Something went wrong here; it has been logged."}}
        return JsonResponse(body, status=500)
    return defaults.server_error(request)
