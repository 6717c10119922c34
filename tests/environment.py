"""
The servers that the tests run against, and the environment that points at them.

Loaded before Django reads its settings (``-p tests.environment``). With xdist the controller starts the servers once; workers inherit the
addresses, and each uses its own Redis database. ``DATABASE_URL`` and ``REDIS_URL`` replace the embedded servers.
"""

from __future__ import annotations

import atexit
import os
import re
from contextlib import ExitStack

_servers = ExitStack()


def _start() -> None:
    os.environ.setdefault("SECRET_KEY", "tests-only")
    os.environ.setdefault("CREDENTIALS_KEYS", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    os.environ.setdefault("ALLOW_PRIVATE_HOSTS", "1")
    os.environ.setdefault("EMAIL_URL", "memorymail://")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    worker = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
    if worker is None:
        if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
            from inventory_sync.embedded import throwaway

            servers = _servers.enter_context(throwaway())
            atexit.register(_servers.close)
            os.environ.setdefault("DATABASE_URL", servers.database_url)
            os.environ.setdefault("REDIS_URL", servers.redis_url)
        return
    base, _, _ = os.environ["REDIS_URL"].rpartition("/")
    os.environ["REDIS_URL"] = f"{base}/{(int(worker.group(1)) % 14) + 1}"


_start()
