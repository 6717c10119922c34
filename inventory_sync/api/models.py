"""Who may call the REST API, and what was already answered."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

PREFIX = "isync_"


def digest(key: str) -> str:
    """The form in which a key is stored. Keys are long and random, so a plain hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


class ApiToken(models.Model):
    """A key for an internal tool. Only its hash is stored; the key itself is shown once, when it is made."""

    class Scope(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Read and change"

    name = models.CharField(max_length=80, unique=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=4, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} (…{self.hint})"

    @classmethod
    def issue(cls, *, name: str, scopes: list[str]) -> tuple[ApiToken, str]:
        """Make a token. :return: the row, and the key, which can't be read again."""
        key = PREFIX + secrets.token_urlsafe(32)
        return cls.objects.create(name=name, digest=digest(key), hint=key[-4:], scopes=scopes), key

    # What DRF asks of a "user".
    is_authenticated = True
    is_active = True
    pk: Any


class IdempotencyRecord(models.Model):
    """The answer to a request with an ``Idempotency-Key``; the same key again gets the same answer."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="idempotency_records")
    key = models.CharField(max_length=120)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_per_key_and_token")]

    def __str__(self) -> str:
        return self.key
