"""Server processes: start one detached, recognise it later, stop it. Knows nothing of PostgreSQL or Redis."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # comes with both wheels of the embedded servers

from inventory_sync.embedded.account import Account, popen_identity
from inventory_sync.embedded.errors import EmbeddedServerError

LOOPBACK = "127.0.0.1"
# Nothing of the caller's environment: PGDATA and its kin would change what the server does.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

_children: list[subprocess.Popen[bytes]] = []  # kept so that those that end are reaped


def start_detached(
    arguments: Sequence[str | Path], *, directory: Path, account: Account | None, log: Path, stdin: bytes = b""
) -> psutil.Process:
    """
    Start a server in a session of its own, so that Ctrl-C at our terminal does not reach it.

    :param directory: its working directory, by which it is recognised later.
    :param log: what it prints is appended here.
    :param stdin: what it reads before its standard input ends.
    """
    reap_children()
    with log.open("ab") as output:
        child = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=directory,
            env=ENVIRONMENT,
            start_new_session=True,
            umask=0o077,
            **popen_identity(account),
        )
    _children.append(child)
    server = psutil.Process(child.pid)
    assert child.stdin is not None
    try:
        child.stdin.write(stdin)
        child.stdin.close()
    except BrokenPipeError:
        pass  # it ended at once; the caller sees that, and reads its log
    return server


def reap_children() -> None:
    """Take note of those of our children that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]


def find_process(pid_file: Path) -> psutil.Process | None:
    """
    Return the living server that wrote this pid file, None if it is gone.

    A pid that now belongs to another program is told apart by its working directory: both servers work in the
    directory that holds their pid file.
    """
    try:
        process = psutil.Process(int(pid_file.read_text().split(maxsplit=1)[0]))
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return process if works_in(process, pid_file.parent) else None


def find_processes_in(directory: Path) -> list[psutil.Process]:
    """Return every living process that works in this directory: a server, or what a killed one left behind."""
    return [process for process in psutil.process_iter() if works_in(process, directory)]


def works_in(process: psutil.Process, directory: Path) -> bool:
    """Tell whether a process is alive and has this working directory."""
    try:
        return not has_ended(process) and Path(process.cwd()) == directory
    except (psutil.Error, OSError):
        return False


def has_ended(process: psutil.Process) -> bool:
    """Tell whether a process has ended. One that its parent has yet to take note of (a zombie) has."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def stop_process(process: psutil.Process, *, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """
    Ask a process to end, ever less politely.

    :param signals: each signal, with the seconds to wait for its effect.
    :raises EmbeddedServerError: it outlived the last one.
    """
    for number, patience_seconds in signals:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            if has_ended(process):
                reap_children()
                return
            time.sleep(0.01)
    raise EmbeddedServerError(f"process {process.pid} does not end")


def free_port(preferred: int | None = None) -> int:
    """Return a loopback port nobody listens on: the preferred one if it is free."""
    for port in (preferred, 0) if preferred else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmbeddedServerError("no free loopback port")


def read_log_from(log: Path, offset: int) -> str:
    """Return the last lines that a server wrote after the given byte."""
    with log.open("rb") as file:
        file.seek(offset)
        return "\n".join(file.read().decode(errors="replace").splitlines()[-20:])
