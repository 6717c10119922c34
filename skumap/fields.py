"""Credentials at rest: JSON, encrypted with the newest key, readable with any, and only decrypted when somebody looks at them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute


class CredentialsUnreadableError(Exception):
    """Stored credentials were encrypted with a key that is not among ``CREDENTIALS_KEYS``."""


def fernet() -> MultiFernet:
    """:raises ImproperlyConfigured: a configured key is not a Fernet key."""
    return _fernet(tuple(settings.CREDENTIALS_KEYS))


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(f"CREDENTIALS_KEYS holds a key that is not a Fernet key: {error}") from error


class Ciphertext(bytes):
    """A value as it came from the database."""

    __slots__ = ()


class _Decrypting(DeferredAttribute):
    """Decrypts on first look. So rows are cheap to load, and one that can't be read does not stop those around it."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Ciphertext):
            value = _decrypt(value)
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


def _decrypt(value: Ciphertext) -> Any:
    try:
        return json.loads(fernet().decrypt(bytes(value)))
    except InvalidToken as error:
        raise CredentialsUnreadableError("stored credentials can't be read with any key in CREDENTIALS_KEYS") from error


class EncryptedJSONField(models.BinaryField):
    """
    A JSON value that is ciphertext in the database. Can't be filtered on, is never shown as it is.

    Saving encrypts with the newest key. Reading raises :class:`CredentialsUnreadableError` when no key fits.
    """

    descriptor_class = _Decrypting

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = kwargs.get("editable", False)
        super().__init__(*args, **kwargs)

    def get_prep_value(self, value: Any) -> Any:
        if value is None or isinstance(value, Ciphertext):
            return value
        return fernet().encrypt(json.dumps(value, separators=(",", ":")).encode())

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return super().get_db_prep_value(value if prepared else self.get_prep_value(value), connection, prepared=True)

    def from_db_value(self, value: Any, expression: object, connection: object) -> Any:
        return None if value is None else Ciphertext(value)

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return ""
