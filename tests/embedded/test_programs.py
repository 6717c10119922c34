"""The programs of the wheels, and their copy where the servers' account can't reach the wheels."""

import os
import shutil
import subprocess
import sys

import pytest

from inventory_sync.embedded.account import popen_identity, server_account
from inventory_sync.embedded.programs import POSTGRES_LIBRARIES, POSTGRES_PACKAGE, find_programs, wheel_directory


def test_the_programs_of_postgresql_18_are_found():
    programs = find_programs(server_account())

    version = subprocess.run(
        [programs.postgres, "--version"], capture_output=True, text=True, check=True, timeout=10
    ).stdout

    assert version.startswith("postgres (PostgreSQL) 18.")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run under another account")
def test_programs_out_of_the_account_s_reach_are_copied_once(tmp_path, monkeypatch):
    site = tmp_path / "site"
    installed = wheel_directory(POSTGRES_PACKAGE)
    for name in (f"{POSTGRES_PACKAGE}/pginstall18", POSTGRES_LIBRARIES):
        shutil.copytree(installed / name, site / name, ignore=shutil.ignore_patterns("include", "*.a"))
    (site / POSTGRES_PACKAGE / "__init__.py").touch()
    tmp_path.chmod(0o700)  # as a checkout under /root
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    account = server_account()

    programs = find_programs(account)
    copied = programs.postgres.parents[3]
    try:
        written = programs.postgres.stat().st_ctime_ns
        again = find_programs(account)

        assert site not in programs.postgres.parents
        assert again == programs
        assert again.postgres.stat().st_ctime_ns == written
        assert copied.stat().st_uid == 0
        assert copied.stat().st_mode & 0o022 == 0
        refused = subprocess.run(
            ["touch", copied / "planted"], check=False, stderr=subprocess.DEVNULL, **popen_identity(account)
        )
        assert refused.returncode != 0
        for program in (programs.initdb, programs.redis_server):
            subprocess.run(
                [program, "--version"], check=True, timeout=10, capture_output=True, cwd="/", **popen_identity(account)
            )
    finally:
        assert copied.name.startswith("inventory-sync-programs-")
        shutil.rmtree(copied)
