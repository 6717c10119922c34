"""``Authorization: Bearer isync_…``."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from inventory_sync.api.models import ApiToken, digest

USE_NOTED_EVERY = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    """Finds a token by the hash of its key. A missing header is anonymous, a wrong one is refused."""

    keyword = b"bearer"

    def authenticate(self, request: Request) -> tuple[ApiToken, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword:
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send the header 'Authorization: Bearer <key>'.")
        token = ApiToken.objects.filter(digest=digest(parts[1].decode("latin-1")), revoked_at__isnull=True).first()
        if token is None:
            raise AuthenticationFailed("This API key is unknown or was revoked.")
        now = timezone.now()
        if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
