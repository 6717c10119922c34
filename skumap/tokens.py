"""Tokens of an account in the database: shared by all processes, replaced only by whoever saw the one before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from inventory_sync.domain.errors import RetryableError
from inventory_sync.domain.ports import Token
from skumap.models import AccountToken

LEASE = timedelta(seconds=45)
WAIT_SECONDS = 40.0


def _parse(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _to_token(data: dict[str, Any]) -> Token:
    obtained = _parse(data["obtained_at"])
    assert obtained is not None
    return Token(
        access=data["access"],
        expires_at=_parse(data.get("expires_at")),
        obtained_at=obtained,
        refresh=data.get("refresh", ""),
        refresh_expires_at=_parse(data.get("refresh_expires_at")),
    )


class DatabaseTokenStore:
    """The :class:`~inventory_sync.domain.ports.TokenStore` of one account."""

    def __init__(self, *, account_id: int) -> None:
        self._account_id = account_id

    def load(self, name: str = "default") -> Token | None:
        row = AccountToken.objects.filter(account_id=self._account_id, name=name).first()
        return _to_token(row.data) if row and row.data else None

    @contextmanager
    def lock(self, name: str = "default") -> Iterator[None]:
        """
        A lease in the token's row, so that one process refreshes while the others wait. No transaction stays open.

        :raises RetryableError: someone else has been refreshing for too long.
        """
        AccountToken.objects.get_or_create(account_id=self._account_id, name=name)
        row = AccountToken.objects.filter(account_id=self._account_id, name=name)
        give_up = time.monotonic() + WAIT_SECONDS
        while True:
            now = timezone.now()
            lease = now + LEASE
            if row.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now)).update(lease_until=lease):
                break
            if time.monotonic() > give_up:
                raise RetryableError("another process has been refreshing this token for too long", retry_after=5)
            time.sleep(0.05)
        try:
            yield
        finally:
            row.filter(lease_until=lease).update(lease_until=None)

    def save(self, token: Token, *, replaces: Token | None, name: str = "default") -> Token:
        data = {
            "access": token.access,
            "expires_at": token.expires_at.isoformat() if token.expires_at else None,
            "obtained_at": token.obtained_at.isoformat(),
            "refresh": token.refresh,
            "refresh_expires_at": token.refresh_expires_at.isoformat() if token.refresh_expires_at else None,
        }
        with transaction.atomic():
            row, _ = AccountToken.objects.select_for_update().get_or_create(account_id=self._account_id, name=name)
            stored = _to_token(row.data) if row.data else None
            if stored is not None and (replaces is None or stored.access != replaces.access):
                return stored
            AccountToken.objects.filter(pk=row.pk).update(
                data=data,
                expires_at=token.expires_at,
                refresh_expires_at=token.refresh_expires_at,
                version=F("version") + 1,
            )
        return token
