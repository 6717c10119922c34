"""Both servers of one home together: started, stopped, looked at, each under the home's lock."""

import os
from dataclasses import dataclass
from pathlib import Path

from inventory_sync.embedded import postgres, redis
from inventory_sync.embedded.home import Home, default_home, locate_home, locked, open_home
from inventory_sync.embedded.process import find_process


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where PostgreSQL and Redis are reached."""

    database_url: str
    redis_url: str
    home: Path  # where the private data live

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that the product reads."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


def ensure(home: Path | None = None, *, durable: bool = True) -> Servers:
    """
    Have a database and a Redis to work with; safe to call again, from several processes at once.

    Where DATABASE_URL or REDIS_URL is set in the environment, that server is used as it is, and no own one started.

    :param home: the private directory of the data; None is ``INVENTORY_SYNC_HOME`` or ``.local`` of the checkout.
    :param durable: False trades safety against a power cut for speed.
    :raises EmbeddedServerError: a server can't be made to run.
    """
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    where = (home or default_home()).expanduser().resolve()
    if not (database_url and redis_url):
        opened = open_home(where)
        with locked(opened):
            database_url = database_url or postgres.ensure(opened, durable=durable)
            redis_url = redis_url or redis.ensure(opened)
    return Servers(database_url=database_url, redis_url=redis_url, home=where)


def stop(home: Path | None = None) -> None:
    """
    Stop the servers of a home cleanly and wait until they are gone. Data stay. None running is fine.

    :raises EmbeddedServerError: a server does not end.
    """
    located = locate_home(home)
    if located.path.is_dir():
        with locked(located):
            redis.stop(located)
            postgres.stop(located)


def running_pids(home: Path | None = None) -> dict[str, int | None]:
    """Return the pid of each server, None for one that does not run."""
    located: Home = locate_home(home)
    pid_files = {"postgres": postgres.pid_file(located), "redis": redis.pid_file(located)}
    processes = {name: find_process(path) for name, path in pid_files.items()}
    return {name: process and process.pid for name, process in processes.items()}
