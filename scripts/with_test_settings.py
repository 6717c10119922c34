"""Run a command with settings that are good enough to check the code: nothing secret, and servers only if it needs them."""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from contextlib import ExitStack


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", action="store_true", help="start throw-away PostgreSQL and Redis")
    parser.add_argument("--deploy", action="store_true", help="as in production, behind https")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    environment = {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "CREDENTIALS_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "DATABASE_URL": "postgres://check@127.0.0.1:1/check",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    if options.deploy:
        environment |= {"PUBLIC_URL": "https://sync.example.in", "ALLOWED_HOSTS": "sync.example.in"}
    with ExitStack() as stack:
        if options.servers and not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
            from inventory_sync.embedded import throwaway

            servers = stack.enter_context(throwaway())
            environment |= {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
        return subprocess.call(options.command, env={**environment, **os.environ})  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
