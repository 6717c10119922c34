"""``python -m inventory_sync.embedded``, as a Makefile calls it."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from inventory_sync.embedded import running_pids, stop
from inventory_sync.embedded.home import PROJECT_ROOT


@pytest.fixture
def command(home: Path):
    """Start the command line on a home of its own; more variables by keyword."""

    def start(*arguments: str, **variables: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "inventory_sync.embedded", *arguments],
            env=os.environ | {"INVENTORY_SYNC_HOME": str(home)} | variables,
            cwd=PROJECT_ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


def outcome(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


def test_two_processes_that_start_at_once_get_one_pair(command, home):
    both = [command("env"), command("env")]

    (code, output, errors), other = [outcome(process) for process in both]

    assert (code, errors) == (0, "")
    assert other == (code, output, errors)
    assert [line.partition("=")[0] for line in output.splitlines()] == ["export DATABASE_URL", "export REDIS_URL"]
    assert None not in running_pids(home).values()


def test_run_gives_a_program_its_urls_and_its_exit_code(command, home):
    code, output, errors = outcome(command("run", "--", "sh", "-c", 'echo "$DATABASE_URL"; exit "$1"', "-", "7"))

    assert (code, errors) == (7, "")
    with psycopg.connect(output.strip(), connect_timeout=5) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert None not in running_pids(home).values()


def test_status_follows_start_and_stop(command):
    start = outcome(command("start"))
    during = outcome(command("status"))
    stopped = outcome(command("stop"))
    after = outcome(command("status"))

    assert (start[0], stopped[0]) == (0, 0)
    assert after == (3, "postgres: not running\nredis: not running\n", "")
    assert during[0] == 0
    assert "postgres: running, process" in during[1]


def test_variables_that_are_set_stay_as_they_are(command, home):
    stop(home)
    code, output, _ = outcome(
        command(
            "run",
            "--",
            "sh",
            "-c",
            'echo "$DATABASE_URL $REDIS_URL"',
            DATABASE_URL="postgres://my/own",
            REDIS_URL="redis://my/0",
        )
    )

    assert (code, output) == (0, "postgres://my/own redis://my/0\n")
    assert running_pids(home) == {"postgres": None, "redis": None}


def test_a_program_that_does_not_exist_is_named(command):
    code, _, errors = outcome(
        command("run", "--", "no-such-program", REDIS_URL="redis://my/0", DATABASE_URL="postgres://my/own")
    )

    assert code == 1
    assert "cannot run no-such-program" in errors
