"""The processes of a run: each in a session of its own, its output in a file, ended in reverse order."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]  # comes with the wheels of the embedded servers

from inventory_sync.embedded.home import PROJECT_ROOT

READY_SECONDS = 60.0


class ChildError(RuntimeError):
    """A process did not start, or ended by itself; the message says which, and what it said last."""


class BusyError(RuntimeError):
    """Another run uses this directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process. ``patience_seconds``: how long it may take to end by itself before it is killed."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    patience_seconds: float

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


class Children:
    """
    Starts processes and ends them all.

    :param home: keeps the list of what runs and, unless they go ``to_terminal``, their logs.
    """

    def __init__(self, *, home: Path, environment: Mapping[str, str], to_terminal: bool = False) -> None:
        self._home = home
        self._to_terminal = to_terminal
        self._environment = dict(environment)
        self._running: list[Child] = []

    def start(self, name: str, command: Sequence[str], *, patience_seconds: float = 5.0) -> Child:
        """Start one process; what it prints goes to ``<home>/<name>.log``."""
        log = self._home / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=None if self._to_terminal else output,
                stderr=None if self._to_terminal else subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for us, who then end them in order
            )
        child = Child(name=name, process=process, log=log, patience_seconds=patience_seconds)
        self._running.append(child)
        self._note()
        return child

    def check(self) -> None:
        """:raises ChildError: one of them has ended."""
        for child in self._running:
            if child.process.poll() is not None:
                raise ChildError(f"{child.name} has ended with {child.process.returncode}:\n{child.last_words()}")

    def processor_seconds(self) -> dict[str, float]:
        """Name -> processor time used so far, with its own children."""
        used = {}
        for child in self._running:
            with contextlib.suppress(psutil.Error):
                root = psutil.Process(child.process.pid)
                family = [root, *root.children(recursive=True)]
                used[child.name] = sum(sum(each.cpu_times()[:2]) for each in family)
        return used

    def stop(self) -> None:
        """End them, the last one first: politely, then for good. Safe to repeat."""
        while self._running:
            child = self._running.pop()
            _signal(child.process.pid, signal.SIGTERM, group=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=child.patience_seconds)
            _signal(child.process.pid, signal.SIGKILL, group=True)
            child.process.wait()
        self._note()

    def _note(self) -> None:
        rows = []
        for child in self._running:
            with contextlib.suppress(psutil.Error):
                rows.append([child.process.pid, psutil.Process(child.process.pid).create_time()])
        (self._home / "running.json").write_text(json.dumps(rows))


def wait_for_line(child: Child, *, beginning: str, seconds: float = READY_SECONDS) -> str:
    """
    The first line of a process's log that begins so.

    :raises ChildError: it ended, or does not say it in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended = child.process.poll() is not None
        for line in child.log.read_text(errors="replace").splitlines(keepends=True):
            if line.startswith(beginning) and line.endswith("\n"):
                return line.rstrip("\n")
        if ended:
            break
        time.sleep(0.05)
    raise ChildError(f"{child.name} does not start:\n{child.last_words()}")


def end_leftovers(home: Path) -> int:
    """End what a run left behind that was killed. A pid that now belongs to another program is told apart by its start time."""
    try:
        rows = json.loads((home / "running.json").read_text())
    except (OSError, ValueError):
        return 0
    ended = 0
    for pid, created in rows:
        with contextlib.suppress(psutil.Error):
            if abs(psutil.Process(pid).create_time() - created) < 1.0:
                _signal(pid, signal.SIGKILL, group=True)
                ended += 1
    return ended


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[None]:
    """
    Hold the directory for one run. The kernel lets go of it however we end.

    :raises BusyError: another run holds it.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("ab") as lock:
        _take(lock, home)
        yield


def _take(lock: IO[bytes], home: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BusyError(f"another demo is running here ({home}); stop it first, or set INVENTORY_SYNC_HOME") from None


def _signal(pid: int, number: signal.Signals, *, group: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if group:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
