"""Reading needs the scope ``read``, everything else ``write``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from inventory_sync.api.models import ApiToken

if TYPE_CHECKING:
    from rest_framework.views import APIView


class HasScope(BasePermission):
    message = "This API key may not do that."

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if not isinstance(token, ApiToken):
            return False
        if ApiToken.Scope.WRITE in token.scopes:
            return True
        return request.method in SAFE_METHODS and ApiToken.Scope.READ in token.scopes
