"""
``python -m inventory_sync.demo.run``: web, workers and beat with the settings of ``.env``, until Ctrl-C.

PostgreSQL and Redis are started from wheels where ``DATABASE_URL`` or ``REDIS_URL`` is not set; their data stay in ``.local``. Secrets have no
default here either: the start stops and names the one that is missing.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import environ

from inventory_sync.demo import environment
from inventory_sync.demo.children import BusyError, ChildError, Children, end_leftovers, only_one
from inventory_sync.embedded import EmbeddedServerError, ensure
from inventory_sync.embedded.home import PROJECT_ROOT, default_home

SECRETS = ("SECRET_KEY", "CREDENTIALS_KEYS")


def main(arguments: Sequence[str] | None = None) -> int:
    """:return: 0 after Ctrl-C, 1 when something is missing or ends by itself."""
    parser = argparse.ArgumentParser(prog="python -m inventory_sync.demo.run", description="Web, workers and beat.")
    parser.add_argument("--host", default=environment.LOOPBACK, help="where the web process listens (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="and on which port (8000)")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if (PROJECT_ROOT / ".env").is_file():
        environ.Env.read_env(PROJECT_ROOT / ".env", overwrite=False)
    missing = [name for name in SECRETS if not os.environ.get(name)]
    if missing:
        print(f"{' and '.join(missing)} must be set, in .env or in the environment; .env.example says how to make them")
        return 1
    home = default_home() / "run"
    try:
        with only_one(home):
            end_leftovers(home)
            servers = ensure()
            values = {**os.environ, **servers.environment, "DJANGO_SETTINGS_MODULE": "inventory_sync.config.settings"}
            for command in ("migrate --no-input --verbosity 1", "sync_schedule", "create_roles"):
                subprocess.run(
                    [sys.executable, "manage.py", *command.split()], cwd=PROJECT_ROOT, env=values, check=True
                )
            _serve(Children(home=home, environment=values, to_terminal=True), host=options.host, port=options.port)
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(error.cmd[1:])} failed with {error.returncode}")
    except (BusyError, ChildError, EmbeddedServerError) as error:
        print(error)
    except KeyboardInterrupt:
        return 0
    return 1


def _serve(children: Children, *, host: str, port: int) -> None:
    try:
        children.start("web", environment.web_command(port, host=host))
        environment.start_workers(children)
        print(f"The back-office is at http://{host}:{port}/admin/ — Ctrl-C stops everything")
        while True:
            children.check()
            time.sleep(1.0)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not stop the stopping
            signal.signal(number, signal.SIG_IGN)
        children.stop()


if __name__ == "__main__":
    sys.exit(main())
