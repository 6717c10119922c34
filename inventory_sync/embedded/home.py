"""
Where a pair of servers lives: its directories, its lock and its small private files.

    <home>/servers/             0700, ours: lock, ports and passwords (0600), logs
    <home>/servers/postgres     the data, when we are not root
    /var/lib/inventory-sync-…/  the data, when we are root: the servers' account can't enter a private home

Two homes share nothing, so two checkouts run side by side. No server opens a Unix socket, so the length of
the path is free.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from inventory_sync.embedded.account import Account, server_account
from inventory_sync.embedded.errors import EmbeddedServerError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
ROOT_BASES = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - what we make there is checked to be ours
LOCK_TIMEOUT_SECONDS = 120.0
SET_ANOTHER_HOME = "set INVENTORY_SYNC_HOME to a directory of yours"
LOG_KEPT_BYTES = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The directories of one pair of servers, and the account that they run under (None: our own)."""

    path: Path  # <home>/servers: secrets, lock, logs; only we can enter
    data: Path  # holds the servers' own directories; their account can pass through
    account: Account | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How to reach one server on the loopback interface. Kept from start to start, so that URLs stay the same."""

    port: int
    password: str


def default_home() -> Path:
    """Return ``INVENTORY_SYNC_HOME``, or else ``.local`` in this checkout."""
    return Path(os.environ.get("INVENTORY_SYNC_HOME") or PROJECT_ROOT / ".local")


def locate_home(home: Path | None) -> Home:
    """Work out the directories of a home (None: the default one) without touching the disk."""
    path = (home or default_home()).expanduser().resolve() / "servers"
    account = server_account()
    if account is None:
        return Home(path=path, data=path, account=None)
    return Home(path=path, data=root_base() / f"inventory-sync-{short_hash(str(path))}", account=account)


def open_home(home: Path | None) -> Home:
    """
    Locate a home and make its directories.

    :raises EmbeddedServerError: a directory can't be made, or is somebody else's.
    """
    located = locate_home(home)
    try:
        located.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise EmbeddedServerError(f"cannot make {error.filename}: {error.strerror}; {SET_ANOTHER_HOME}") from error
    make_directory(located.path, mode=0o700)
    if located.data != located.path:
        make_directory(located.data, mode=0o711)
    return located


def remove_home(home: Home) -> None:
    """Delete a home whose servers are stopped, with all data."""
    shutil.rmtree(home.data, ignore_errors=True)
    shutil.rmtree(home.path, ignore_errors=True)


def root_base() -> Path:
    """Return where root may keep what another account must reach."""
    for base in ROOT_BASES:
        if base.is_dir() and os.access(base, os.W_OK):
            return base.resolve()
    raise EmbeddedServerError(
        f"none of {', '.join(map(str, ROOT_BASES))} can be written; set DATABASE_URL and REDIS_URL"
    )


def short_hash(text: str) -> str:
    """Return 12 hex digits that stand for a text in a file name."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def make_directory(path: Path, *, mode: int, account: Account | None = None) -> None:
    """
    Make a directory, or check that the one that exists is ours (or the account's) and no link.

    :raises EmbeddedServerError: it can't be made, or belongs to somebody else.
    """
    try:
        path.mkdir(mode=mode, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise EmbeddedServerError(f"cannot make {path}: {error.strerror}; {SET_ANOTHER_HOME}") from error
    owners = {os.geteuid()} if account is None else {os.geteuid(), account.uid}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise EmbeddedServerError(f"{path} is not a directory of ours (user id {found.st_uid}); {SET_ANOTHER_HOME}")
    if account is not None and found.st_uid != account.uid:
        os.chown(path, account.uid, account.gid)
    if stat.S_IMODE(found.st_mode) != mode:
        path.chmod(mode)


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """
    Hold the home's lock, so that one process at a time starts or stops its servers.

    The kernel drops the lock with its holder, so it is never stale.

    :raises EmbeddedServerError: somebody holds it for more than ``LOCK_TIMEOUT_SECONDS``.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    with (home.path / "lock").open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedServerError(f"another process has held {lock.name} for too long") from None
                time.sleep(0.02)
        yield


def read_endpoint(home: Home, server: str) -> Endpoint | None:
    """
    Return the port and password last written for a server, None if there are none.

    :raises EmbeddedServerError: the file is damaged.
    """
    path = home.path / f"{server}.json"
    try:
        stored = json.loads(path.read_text())
        return Endpoint(port=int(stored["port"]), password=str(stored["password"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise EmbeddedServerError(f"{path} is damaged ({error}); restore it or remove {home.path}") from error


def write_endpoint(home: Home, server: str, endpoint: Endpoint) -> None:
    """Store a server's port and password, readable by us alone; replaced as a whole."""
    path = home.path / f"{server}.json"
    fresh = path.with_suffix(".json.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(endpoint), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def new_password() -> str:
    """Return a random password that needs no quoting in a URL or a configuration file."""
    return secrets.token_hex(24)


def log_file(home: Home, server: str) -> Path:
    """Return a server's log; the previous one is put aside when it has grown large."""
    path = home.path / f"{server}.log"
    if path.exists() and path.stat().st_size > LOG_KEPT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    path.touch(mode=0o600)
    return path
