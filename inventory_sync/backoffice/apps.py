from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BackofficeConfig(AppConfig):
    name = "inventory_sync.backoffice"
    label = "backoffice"
    verbose_name = "Back-office"

    def ready(self) -> None:
        post_migrate.connect(_create_missing_roles, sender=self)


def _create_missing_roles(using: str, **_: Any) -> None:
    """After every migration, once all permissions exist: roles that somebody has changed stay as they are."""
    from inventory_sync.backoffice.roles import create_roles

    create_roles(using=using)
