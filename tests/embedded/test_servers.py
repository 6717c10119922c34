"""Starting, sharing, repairing and stopping a pair of embedded servers. Every server here is a real one."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import environ
import kombu
import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from inventory_sync.embedded import EmbeddedServerError, Servers, ensure, running_pids, stop
from inventory_sync.embedded import postgres as embedded_postgres
from inventory_sync.embedded import redis as embedded_redis
from inventory_sync.embedded.account import popen_identity, server_account
from inventory_sync.embedded.home import Home, locate_home, open_home, read_endpoint, remove_home
from inventory_sync.embedded.process import find_processes_in

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run under another account")


def query(servers: Servers, statement: str) -> str:
    with psycopg.connect(servers.database_url, connect_timeout=5) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return str(row[0])


def execute(servers: Servers, statement: str) -> None:
    with psycopg.connect(servers.database_url, connect_timeout=5) as connection:
        connection.execute(statement)


def ping(servers: Servers) -> bool:
    with redis.Redis.from_url(servers.redis_url, socket_timeout=5) as client:
        return bool(client.ping())


def processes_of(home: Home) -> list[psutil.Process]:
    directories = (embedded_postgres.data_directory(home), embedded_redis.data_directory(home))
    return [process for directory in directories for process in find_processes_in(directory)]


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_a_started_pair_answers_keeps_its_settings_and_is_found_again(home):
    stop(home)
    servers = ensure(home)
    pids = running_pids(home)

    again = ensure(home)

    assert again == servers
    assert running_pids(home) == pids
    assert None not in pids.values()
    assert query(servers, "SHOW server_version_num")[:2] == "18"
    assert query(servers, "SHOW server_encoding") == "UTF8"
    assert query(servers, "SHOW timezone") == "UTC"
    assert query(servers, "SHOW fsync") == "on"
    assert int(query(servers, "SHOW max_connections")) >= 100
    assert query(servers, "SELECT datlocale FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
    with redis.Redis.from_url(servers.redis_url, socket_timeout=5) as client:
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("appendonly") == {"appendonly": "no"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_the_urls_suit_django_environ_and_celery(home):
    servers = ensure(home, durable=False)

    settings = environ.Env.db_url_config(servers.database_url)

    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
    ) as connection:
        assert connection.info.dbname == "inventory_sync"
    with kombu.Connection(servers.redis_url, connect_timeout=5) as broker:
        queue = broker.SimpleQueue("greetings")
        queue.put({"hello": "world"})
        assert queue.get(timeout=5).payload == {"hello": "world"}
        queue.close()


def test_nobody_gets_in_without_the_password_or_reads_it_from_the_process_list(home):
    servers = ensure(home, durable=False)
    located = locate_home(home)
    command_lines = " ".join(word for process in processes_of(located) for word in process.cmdline())

    for server in ("postgres", "redis"):
        endpoint = read_endpoint(located, server)
        assert endpoint is not None
        assert endpoint.password not in command_lines
        assert (located.path / f"{server}.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(servers.database_url, password="wrong", connect_timeout=5)
    port = urlsplit(servers.redis_url).port
    assert port is not None
    with (
        redis.Redis(port=port, password="wrong", retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    assert home.stat().st_mode & 0o777 == 0o700
    assert located.path.stat().st_mode & 0o777 == 0o700
    assert embedded_postgres.data_directory(located).stat().st_mode & 0o777 == 0o700


def test_killed_servers_are_repaired_and_committed_data_is_still_there(home):
    servers = ensure(home)
    execute(servers, "CREATE TABLE kept (number int)")
    execute(servers, "INSERT INTO kept VALUES (42)")
    before = running_pids(home)

    for pid in before.values():
        kill(pid)
    repaired = ensure(home)

    assert repaired == servers
    assert set(before.values()).isdisjoint(running_pids(home).values())
    assert query(repaired, "SELECT number FROM kept") == "42"
    assert ping(repaired)


def test_a_backend_that_outlives_its_killed_server_does_not_prevent_the_repair(home):
    servers = ensure(home, durable=False)
    with psycopg.connect(servers.database_url) as held:
        backend = psutil.Process(held.info.backend_pid)
        backend.suspend()  # stopped: it can't notice that the server is gone

        kill(running_pids(home)["postgres"])
        repaired = ensure(home, durable=False)

    assert query(repaired, "SELECT 1") == "1"
    assert backend.pid not in [process.pid for process in processes_of(locate_home(home))]


def test_a_pid_file_whose_pid_now_belongs_to_another_program_is_no_obstacle(home):
    ensure(home, durable=False)
    located = locate_home(home)
    pid_file = embedded_postgres.pid_file(located)
    content = pid_file.read_text().splitlines()
    kill(running_pids(home)["postgres"])
    # The same account as the server's, so that PostgreSQL itself would take it for a living server.
    with subprocess.Popen(["sleep", "60"], cwd="/", **popen_identity(server_account())) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *content[1:]]))

        assert running_pids(home)["postgres"] is None
        repaired = ensure(home, durable=False)

        assert query(repaired, "SELECT 1") == "1"
        assert stranger.poll() is None
        stranger.kill()


def test_a_hanging_redis_is_replaced(home):
    servers = ensure(home, durable=False)
    hanging = running_pids(home)["redis"]
    assert hanging is not None
    os.kill(hanging, signal.SIGSTOP)

    # SIGTERM does not reach a stopped process: it must come to the last resort.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_redis, "STOP_SIGNALS", ((signal.SIGTERM, 0.2), (signal.SIGKILL, 10.0)))
        replaced = ensure(home, durable=False)

    assert replaced.redis_url == servers.redis_url
    assert running_pids(home)["redis"] != hanging
    assert ping(replaced)


def test_an_initdb_that_was_killed_leaves_nothing_in_the_way(other_home):
    opened = open_home(other_home)
    data = embedded_postgres.data_directory(opened)
    half_done = data.with_name("postgres.new")
    half_done.mkdir()
    (half_done / "PG_VERSION").write_text("18")

    servers = ensure(other_home, durable=False)

    assert query(servers, "SELECT 1") == "1"
    assert not half_done.exists()


def test_a_taken_port_makes_the_servers_move(home):
    ensure(home, durable=False)
    stop(home)
    endpoints = [read_endpoint(locate_home(home), server) for server in ("postgres", "redis")]
    with socket.socket() as first, socket.socket() as second:
        for listener, endpoint in zip((first, second), endpoints, strict=True):
            assert endpoint is not None
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", endpoint.port))
            listener.listen()

        servers = ensure(home, durable=False)

    for endpoint in endpoints:
        assert endpoint is not None
        assert f":{endpoint.port}/" not in servers.database_url + servers.redis_url
    assert query(servers, "SELECT 1") == "1"
    assert ping(servers)


def test_two_homes_live_side_by_side(home, other_home):
    first, second = ensure(home, durable=False), ensure(other_home, durable=False)
    execute(first, "CREATE TABLE only_here ()")

    stop(other_home)

    assert first.database_url != second.database_url
    assert first.redis_url != second.redis_url
    assert query(first, "SELECT to_regclass('only_here') IS NOT NULL") == "True"
    assert ping(first)
    assert query(ensure(other_home, durable=False), "SELECT to_regclass('only_here') IS NULL") == "True"


def test_a_home_with_a_very_long_path_works(other_home):
    home = other_home.joinpath(*["a-rather-long-name-of-a-directory"] * 7)
    try:
        servers = ensure(home, durable=False)

        assert len(str(home)) > 220
        assert query(servers, "SELECT 1") == "1"
        assert ping(servers)
    finally:
        stop(home)
        remove_home(locate_home(home))


def test_a_clean_stop_leaves_no_process_and_keeps_the_data(home):
    servers = ensure(home, durable=False)
    execute(servers, "CREATE TABLE stopped ()")
    located = locate_home(home)
    assert len(processes_of(located)) > 2

    stop(home)
    stop(home)

    assert processes_of(located) == []
    assert running_pids(home) == {"postgres": None, "redis": None}
    assert not embedded_postgres.pid_file(located).exists()
    assert query(ensure(home, durable=False), "SELECT to_regclass('stopped') IS NOT NULL") == "True"


def test_servers_are_out_of_reach_of_the_terminal_s_control_c(home):
    ensure(home, durable=False)

    for pid in running_pids(home).values():
        assert pid is not None
        assert os.getsid(pid) == pid


def test_a_durable_pair_is_never_served_by_a_forgetful_server(home):
    stop(home)
    fast = ensure(home, durable=False)
    assert query(fast, "SHOW fsync") == "off"

    durable = ensure(home, durable=True)

    assert query(durable, "SHOW fsync") == "on"
    assert query(ensure(home, durable=False), "SHOW fsync") == "on"


@pytest.mark.parametrize(("given", "own"), [("DATABASE_URL", "redis"), ("REDIS_URL", "postgres")])
def test_a_server_from_outside_is_used_and_only_the_other_started(home, monkeypatch, given, own):
    stop(home)
    monkeypatch.setenv(given, "scheme://elsewhere/0")

    servers = ensure(home, durable=False)

    assert servers.environment[given] == "scheme://elsewhere/0"
    assert [name for name, pid in running_pids(home).items() if pid is not None] == [own]


def test_nothing_is_touched_when_both_servers_are_given(other_home, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/db")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")

    ensure(other_home)

    assert not other_home.exists()


def test_a_lost_password_is_told_and_no_data_is_lost(home):
    ensure(home, durable=False)
    stop(home)
    located = locate_home(home)
    stored = located.path / "postgres.json"
    kept = stored.read_text()
    stored.unlink()

    with pytest.raises(EmbeddedServerError, match=r"password in .* is gone"):
        ensure(home, durable=False)

    stored.write_text(kept)
    assert query(ensure(home, durable=False), "SELECT 1") == "1"


def test_a_home_that_is_a_link_planted_by_somebody_is_refused(tmp_path):
    elsewhere, home = tmp_path / "elsewhere", tmp_path / "home"
    elsewhere.mkdir()
    home.mkdir()
    (home / "servers").symlink_to(elsewhere)

    with pytest.raises(EmbeddedServerError, match="is not a directory of ours"):
        ensure(home)

    assert list(elsewhere.iterdir()) == []


def test_a_home_that_can_t_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(EmbeddedServerError, match=r"cannot make .*/file/home.*; set INVENTORY_SYNC_HOME"):
        ensure(tmp_path / "file" / "home")


@as_root
def test_no_server_process_runs_as_root_and_no_one_else_can_read_the_data(home):
    ensure(home, durable=False)
    located = locate_home(home)
    account = server_account()
    assert account is not None

    owners = {number for process in processes_of(located) for number in (*process.uids(), *process.gids())}
    groups = {
        line
        for process in processes_of(located)
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
        if line.startswith("Groups:")
    }

    assert owners == {account.uid, account.gid}
    assert {line.split(":")[1].strip() for line in groups} == {""}
    assert located.data.stat().st_uid == 0
    assert located.data.stat().st_mode & 0o777 == 0o711
