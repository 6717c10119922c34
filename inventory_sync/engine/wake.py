"""
Wake-ups: "look now". They carry nothing, so losing one costs at most a sweep.

A broker that can't be reached must neither fail nor delay a request: no publish retry, short socket timeouts, and after a failure no
further try for a while (a local circuit breaker).
"""

from __future__ import annotations

import logging
import threading
import time
from functools import partial

import redis
from celery import Celery, current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

OPEN_SECONDS = 5.0
DEBOUNCE_SECONDS = 0.2

_lock = threading.Lock()
_closed_until = 0.0
_client: redis.Redis | None = None


def _redis() -> redis.Redis:
    global _client  # noqa: PLW0603 - one small client for each process
    if _client is None:
        timeout = settings.REDIS_TIMEOUT_SECONDS
        _client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=timeout)
    return _client


def send(task: str, *args: int, app: Celery | None = None) -> bool:
    """Publish one hint now. :return: whether it was published; several of the same within a moment count as one."""
    global _closed_until  # noqa: PLW0603 - the circuit breaker of this process
    if time.monotonic() < _closed_until:
        return False
    try:
        mark = f"wake:{task}:{':'.join(map(str, args))}"
        if not _redis().set(mark, 1, nx=True, px=int(DEBOUNCE_SECONDS * 1000)):
            return True
        (app or current_app).send_task(f"inventory_sync.engine.tasks.{task}", args=args, retry=False)
    except (OperationalError, redis.RedisError, OSError) as error:
        with _lock:
            _closed_until = time.monotonic() + OPEN_SECONDS
        logger.warning("could not publish a wake-up, the sweep will do: %s", error)
        return False
    return True


def taken(task: str, *args: int) -> None:
    """A worker has taken this hint up: the next one of its kind counts again. Called before it looks at any row."""
    try:
        _redis().delete(f"wake:{task}:{':'.join(map(str, args))}")
    except redis.RedisError:
        logger.debug("could not clear a wake-up mark; it ends by itself")


def after_commit(task: str, *args: int) -> None:
    """Publish a hint when the open transaction commits (at once if there is none)."""
    transaction.on_commit(partial(send, task, *args))
