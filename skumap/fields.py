"""Credentials at rest: JSON, encrypted with the newest key, readable with any."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class CredentialsUnreadableError(Exception):
    """Stored credentials were encrypted with a key that is not among ``CREDENTIALS_KEYS``."""


def fernet() -> MultiFernet:
    """:raises ImproperlyConfigured: a configured key is not a Fernet key."""
    try:
        return MultiFernet([Fernet(key) for key in settings.CREDENTIALS_KEYS])
    except ValueError as error:
        raise ImproperlyConfigured(f"CREDENTIALS_KEYS holds a key that is not a Fernet key: {error}") from error


class EncryptedJSONField(models.BinaryField):
    """A JSON value that is ciphertext in the database. Can't be filtered on, is never shown as it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = kwargs.get("editable", False)
        super().__init__(*args, **kwargs)

    def get_prep_value(self, value: Any) -> Any:
        if value is None:
            return None
        return fernet().encrypt(json.dumps(value, separators=(",", ":")).encode())

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return super().get_db_prep_value(value if prepared else self.get_prep_value(value), connection, prepared=True)

    def from_db_value(self, value: Any, expression: object, connection: object) -> Any:
        if value is None:
            return None
        try:
            return json.loads(fernet().decrypt(bytes(value)))
        except InvalidToken as error:
            raise CredentialsUnreadableError("stored credentials can't be read with any key in CREDENTIALS_KEYS") from error

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return ""
