"""What all views of the API share."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from inventory_sync.api.filters import StrictFilterBackend
from inventory_sync.api.models import ApiToken
from inventory_sync.api.schema import ApiSchema

NOTHING = "default-src 'none'; frame-ancestors 'none'"


def token_of(request: Request) -> ApiToken:
    """The key that the request came with."""
    assert isinstance(request.auth, ApiToken)
    return request.auth


class ApiViewSet(GenericViewSet[Any]):
    """Strict filters, a closed content security policy, answers that no cache keeps."""

    schema = ApiSchema()
    filter_backends = [StrictFilterBackend]
    lookup_value_converter = "int"
    http_method_names = ["get", "post", "put", "patch", "head", "options"]

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers["Content-Security-Policy"] = NOTHING
        response.headers["Cache-Control"] = "no-store"
        wait = getattr(response, "exception", False) and response.status_code == 503
        if wait and "Retry-After" not in response.headers:
            response.headers["Retry-After"] = "5"
        return response
