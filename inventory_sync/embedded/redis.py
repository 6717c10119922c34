"""
Redis for one home: started, checked by connecting, repaired, stopped.

It keeps nothing on disk: to the product Redis is a messenger, the database is the truth.
"""

import signal
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from inventory_sync.embedded.errors import EmbeddedServerError
from inventory_sync.embedded.home import (
    Endpoint,
    Home,
    log_file,
    make_directory,
    new_password,
    read_endpoint,
    write_endpoint,
)
from inventory_sync.embedded.process import (
    LOOPBACK,
    find_process,
    find_processes_in,
    free_port,
    has_ended,
    read_log_from,
    start_detached,
    stop_process,
)
from inventory_sync.embedded.programs import find_programs

START_TIMEOUT_SECONDS = 20.0
CONNECT_TIMEOUT_SECONDS = 2.0
STOP_SIGNALS = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))  # SIGTERM is SHUTDOWN

CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
pidfile {pid_file_name}
daemonize no
databases 16
save ""
appendonly no
maxmemory-policy noeviction
"""


def data_directory(home: Home) -> Path:
    """Return the directory the server works in; it holds only the pid file."""
    return home.data / "redis"


def pid_file(home: Home) -> Path:
    """Return the file that the server writes its pid to."""
    return data_directory(home) / "redis.pid"


def url(endpoint: Endpoint) -> str:
    """Return the REDIS_URL for an endpoint."""
    return f"redis://:{endpoint.password}@{LOOPBACK}:{endpoint.port}/0"


def ensure(home: Home) -> str:
    """
    Have Redis running. The caller holds the home's lock. A running server that answers is kept.

    :return: its URL.
    :raises EmbeddedServerError: it can't be made to run; the message ends with its log.
    """
    endpoint = read_endpoint(home, "redis") or Endpoint(port=free_port(), password=new_password())
    running = find_process(pid_file(home))
    if running is not None and answers_within(endpoint, seconds=CONNECT_TIMEOUT_SECONDS, server=running):
        return url(endpoint)
    stop(home)
    return url(start(home, endpoint))


def stop(home: Home) -> None:
    """Stop Redis if it runs. The caller holds the home's lock."""
    for process in find_processes_in(data_directory(home)):
        stop_process(process, signals=STOP_SIGNALS)
    pid_file(home).unlink(missing_ok=True)


def start(home: Home, endpoint: Endpoint) -> Endpoint:
    """
    Start the server, on another port if its own is taken, and wait until it answers.

    :return: where it listens now.
    :raises EmbeddedServerError: it does not come up.
    """
    directory, log = data_directory(home), log_file(home, "redis")
    make_directory(directory, mode=0o700, account=home.account)
    program = find_programs(home.account).redis_server
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        endpoint = Endpoint(port=free_port(endpoint.port), password=endpoint.password)
        write_endpoint(home, "redis", endpoint)
        offset = log.stat().st_size
        configuration = CONFIGURATION.format(
            host=LOOPBACK, port=endpoint.port, password=endpoint.password, pid_file_name=pid_file(home).name
        )
        # By standard input, so that the password is in no process list.
        server = start_detached(
            [program, "-"], directory=directory, account=home.account, log=log, stdin=configuration.encode()
        )
        if answers_within(endpoint, seconds=deadline - time.monotonic(), server=server):
            return endpoint
        said = read_log_from(log, offset)
        if time.monotonic() > deadline or "Address already in use" not in said:
            stop(home)
            raise EmbeddedServerError(f"Redis does not start; it says:\n{said}")


def answers_within(endpoint: Endpoint, *, seconds: float, server: psutil.Process) -> bool:
    """
    Wait for a real answer. A refused password is none: another server may answer on the port while ours starts.

    :param server: our server's process; once it has ended, there is nothing to wait for.
    """
    deadline = time.monotonic() + seconds
    with redis.Redis(
        host=LOOPBACK,
        port=endpoint.port,
        password=endpoint.password,
        socket_timeout=CONNECT_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        while True:
            try:
                return bool(client.ping())
            except redis.RedisError:
                if time.monotonic() > deadline or has_ended(server):
                    return False
            time.sleep(0.02)
