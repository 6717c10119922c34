"""Settings, addresses and processes; imported by nobody but Django, Celery and gunicorn."""

from inventory_sync.config.celery import app as celery_app

__all__ = ["celery_app"]
