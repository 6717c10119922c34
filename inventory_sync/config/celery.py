"""The Celery application. Tasks carry no facts: each only says "look now"; beat looks again."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "inventory_sync.config.settings")

app = Celery("inventory_sync")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["inventory_sync.engine"])


@setup_logging.connect
def _use_django_logging(**_: object) -> None:
    """Leave logging as Django configured it."""
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)
