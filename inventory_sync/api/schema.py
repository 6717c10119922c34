"""How the API describes itself: bearer keys, and the errors that every call may answer with."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers


class BearerKey(OpenApiAuthenticationExtension):
    """``Authorization: Bearer isync_…``"""

    target_class = "inventory_sync.api.authentication.TokenAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key made by manage.py api_token, or in the back-office.",
        }


class ErrorBody(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(required=False)  # type: ignore[assignment]


class Error(serializers.Serializer[Any]):
    error = ErrorBody()


ERRORS = {
    "400": "Fields are missing, wrong or unknown, or it can't be done",
    "401": "No key, or a wrong one",
    "403": "This key may only read",
    "404": "There is no such thing",
    "405": "Not with this method",
    "409": "In conflict with what is there",
    "415": "Send application/json",
    "502": "The marketplace refuses",
    "503": "Busy; try again later",
}


class ApiSchema(AutoSchema):
    """Every operation, with the errors that it may answer with."""

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.removeprefix("/api/v1/").split("/") if part]
        return parts[:1] or ["api"]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        bodies = dict(super()._get_response_bodies(direction))
        for status, words in ERRORS.items():
            if status not in bodies:
                bodies[status] = {**self._get_response_for_code(Error, status), "description": words}
        return bodies
