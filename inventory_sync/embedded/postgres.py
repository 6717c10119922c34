"""
PostgreSQL 18 for one home: made, started, checked by connecting, repaired, stopped.

It listens on a loopback port and asks for a password, so its URL suits every client.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql

from inventory_sync.embedded.account import popen_identity
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
    ENVIRONMENT,
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

ROLE = DATABASE = "inventory_sync"
INITDB_TIMEOUT_SECONDS = 120
START_TIMEOUT_SECONDS = 60.0  # includes recovery after a crash
CONNECT_TIMEOUT_SECONDS = 5

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# A power cut may destroy such a database, a crash of the server itself does not: for tests only.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# What a start that is worth another try says in the log.
PASSING_TROUBLE = ("Address already in use", "pre-existing shared memory block", "is still in use")
# Fast shutdown; then immediate (the next start recovers); then by force.
STOP_SIGNALS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
CLEAR_SIGNALS = ((signal.SIGQUIT, 2.0), (signal.SIGKILL, 10.0))


def data_directory(home: Home) -> Path:
    """Return where the database cluster is."""
    return home.data / "postgres"


def pid_file(home: Home) -> Path:
    """Return the file whose first line is the server's pid."""
    return data_directory(home) / "postmaster.pid"


def url(endpoint: Endpoint) -> str:
    """Return the DATABASE_URL for an endpoint."""
    return f"postgres://{ROLE}:{endpoint.password}@{LOOPBACK}:{endpoint.port}/{DATABASE}"


def ensure(home: Home, *, durable: bool) -> str:
    """
    Have PostgreSQL running and our database in it. The caller holds the home's lock.

    A running server is kept, unless it does not answer or is less durable than is asked for.

    :param durable: committed data survives a power cut; False trades that for speed.
    :return: its URL.
    :raises EmbeddedServerError: it can't be made to run; the message ends with its log.
    """
    endpoint = prepare_cluster(home, durable=durable)
    running = find_process(pid_file(home))
    if running is not None:
        lives = answers_within(endpoint, seconds=START_TIMEOUT_SECONDS, server=running)
        if lives and not (durable and is_forgetful(endpoint)):
            return url(endpoint)
        stop(home)
    endpoint = start(home, endpoint, durable=durable)
    make_database(endpoint)
    return url(endpoint)


def stop(home: Home) -> None:
    """Stop PostgreSQL if it runs, after its last transaction is on disk. The caller holds the home's lock."""
    running = find_process(pid_file(home))
    if running is not None:
        stop_process(running, signals=STOP_SIGNALS)
    clear_leftovers(home)


def prepare_cluster(home: Home, *, durable: bool) -> Endpoint:
    """
    Make the database cluster and its password, once. A cluster appears complete or not at all.

    :raises EmbeddedServerError: initdb fails, or there is a cluster whose password is lost.
    """
    data, endpoint = data_directory(home), read_endpoint(home, "postgres")
    if data.exists():
        if endpoint is None:
            raise EmbeddedServerError(
                f"{data} exists, but its password in {home.path} is gone; remove {data} to start anew"
            )
        return endpoint
    if endpoint is None:
        endpoint = Endpoint(port=free_port(), password=new_password())
        write_endpoint(home, "postgres", endpoint)
    fresh = data.with_name("postgres.new")
    if fresh.exists():
        shutil.rmtree(fresh)  # an initdb was killed here
    make_directory(fresh, mode=0o700, account=home.account)
    run_initdb(home, fresh, password=endpoint.password, durable=durable)
    fresh.rename(data)
    return endpoint


def run_initdb(home: Home, directory: Path, *, password: str, durable: bool) -> None:
    """Fill an empty directory with a cluster: UTF-8, sorted by code point on every system, password required."""
    password_file = home.data / "initdb-password"
    password_file.unlink(missing_ok=True)
    descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(password)
            if home.account is not None:
                os.fchown(file.fileno(), home.account.uid, home.account.gid)
        command = [
            str(find_programs(home.account).initdb),
            f"--pgdata={directory}",
            f"--username={ROLE}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *([] if durable else ["--no-sync"]),
        ]
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INITDB_TIMEOUT_SECONDS,
            cwd=directory,
            env=ENVIRONMENT,
            umask=0o077,
            **popen_identity(home.account),
        )
    except subprocess.CalledProcessError as error:
        raise EmbeddedServerError(f"initdb failed for {directory}:\n{error.stderr}") from error
    except subprocess.TimeoutExpired as error:
        raise EmbeddedServerError(f"initdb took more than {INITDB_TIMEOUT_SECONDS} seconds for {directory}") from error
    finally:
        password_file.unlink(missing_ok=True)


def start(home: Home, endpoint: Endpoint, *, durable: bool) -> Endpoint:
    """
    Start the server, on another port if its own is taken, and wait until it answers.

    :return: where it listens now.
    :raises EmbeddedServerError: it does not come up.
    """
    program, data, log = find_programs(home.account).postgres, data_directory(home), log_file(home, "postgres")
    settings = SETTINGS if durable else SETTINGS | FORGETFUL
    clear_leftovers(home)
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        endpoint = Endpoint(port=free_port(endpoint.port), password=endpoint.password)
        write_endpoint(home, "postgres", endpoint)
        offset = log.stat().st_size
        options = [f"--{name}={value}" for name, value in {**settings, "port": str(endpoint.port)}.items()]
        server = start_detached([program, "-D", data, *options], directory=data, account=home.account, log=log)
        if answers_within(endpoint, seconds=deadline - time.monotonic(), server=server):
            return endpoint
        said = read_log_from(log, offset)
        if time.monotonic() > deadline or not any(trouble in said for trouble in PASSING_TROUBLE):
            stop(home)
            raise EmbeddedServerError(f"PostgreSQL does not start; it says:\n{said}")
        time.sleep(0.2)


def clear_leftovers(home: Home) -> None:
    """End the children of a server that was killed, and remove its pid file, whose pid may be somebody else's by now."""
    if find_process(pid_file(home)) is not None:
        return
    for orphan in find_processes_in(data_directory(home)):
        stop_process(orphan, signals=CLEAR_SIGNALS)
    pid_file(home).unlink(missing_ok=True)


def answers_within(endpoint: Endpoint, *, seconds: float, server: psutil.Process) -> bool:
    """
    Wait for a real connection.

    A refused password counts as no answer: while our server starts, another one may answer on its port.

    :param server: our server's process; once it has ended, there is nothing to wait for.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            connect(endpoint, database="postgres").close()
            return True
        except psycopg.OperationalError:
            if time.monotonic() > deadline or has_ended(server):
                return False
        time.sleep(0.02)


def is_forgetful(endpoint: Endpoint) -> bool:
    """Tell whether the running server was started without durability."""
    with connect(endpoint, database="postgres") as connection:
        row = connection.execute("SHOW fsync").fetchone()
        return row is not None and row[0] == "off"


def make_database(endpoint: Endpoint) -> None:
    """Create our database if it is not there."""
    with connect(endpoint, database="postgres") as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def connect(endpoint: Endpoint, *, database: str) -> "psycopg.Connection[tuple[object, ...]]":
    """Open a connection that commits by itself."""
    return psycopg.connect(
        host=LOOPBACK,
        port=endpoint.port,
        user=ROLE,
        password=endpoint.password,
        dbname=database,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        autocommit=True,
    )
