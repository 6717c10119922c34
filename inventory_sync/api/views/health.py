"""
``/healthz``: the process answers. ``/readyz``: it can do its work. Both without a key, and without anything secret.
"""

from __future__ import annotations

import logging

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from inventory_sync.http import redis_client

logger = logging.getLogger(__name__)

_migrated: set[str] = set()  # databases that were seen complete: migrations do not go away under a running process


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Alive. Asks nobody, so that a slow database does not get the process killed."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, migrations and Redis are as they must be, else 503; each part is named."""
    database = database_problem()
    parts = {
        "database": database,
        "migrations": "not checked" if database else migrations_problem(),
        "redis": redis_problem(),
    }
    ready = not any(parts.values())
    body = {
        "status": "ready" if ready else "not ready",
        "parts": {name: problem or "ok" for name, problem in parts.items()},
    }
    return JsonResponse(body, status=200 if ready else 503)


def database_problem() -> str:
    """Why the database can't be used, in a few words; "" if it can."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except Exception as error:  # whatever the driver raises: it is not ready
        logger.warning("not ready: database: %s", error)
        return "can't be reached"
    return ""


def migrations_problem() -> str:
    """How many migrations are missing; "" if none is."""
    name = str(connection.settings_dict["NAME"])
    if name in _migrated:
        return ""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Exception as error:
        logger.warning("not ready: migrations: %s", error)
        return "can't be read"
    if missing:
        return f"{len(missing)} not applied"
    _migrated.add(name)
    return ""


def redis_problem() -> str:
    """Why Redis can't be used, in a few words; "" if it can."""
    try:
        with redis_client(settings.REDIS_URL) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        logger.warning("not ready: Redis: %s", error)
        return "can't be reached"
    return ""
