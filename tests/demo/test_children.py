"""The processes of a run start, are watched, and end."""

from __future__ import annotations

import os
import sys
import time

import psutil
import pytest

from inventory_sync.demo.children import BusyError, ChildError, Children, end_leftovers, only_one, wait_for_line

SLEEP = [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)",
]


@pytest.fixture
def children(tmp_path):
    started = Children(home=tmp_path, environment=os.environ)
    yield started
    started.stop()


def test_what_a_process_prints_is_in_its_log(children):
    child = children.start("sleeper", SLEEP)

    assert wait_for_line(child, beginning="ready", seconds=20) == "ready"
    assert child.log.name == "sleeper.log"
    children.check()


def test_a_process_that_ends_by_itself_is_named_with_its_last_words(children):
    child = children.start("dier", [sys.executable, "-c", "print('out of luck'); raise SystemExit(3)"])
    child.process.wait(timeout=20)

    with pytest.raises(ChildError, match="dier has ended with 3:\nout of luck"):
        children.check()


def test_a_process_that_never_speaks_is_an_error(children):
    child = children.start("mute", [sys.executable, "-c", "raise SystemExit('cannot')"])

    with pytest.raises(ChildError, match="mute does not start:\ncannot"):
        wait_for_line(child, beginning="ready", seconds=20)


def test_stopping_ends_them_all_even_one_that_will_not_listen(children):
    polite, stubborn = children.start("polite", SLEEP), children.start("stubborn", STUBBORN, patience_seconds=0.2)
    wait_for_line(polite, beginning="ready", seconds=20)
    wait_for_line(stubborn, beginning="ready", seconds=20)

    children.stop()

    assert polite.process.returncode is not None
    assert stubborn.process.returncode == -9


def test_what_a_killed_run_left_behind_is_ended_by_the_next_one(tmp_path, children):
    child = children.start("orphan", SLEEP)
    wait_for_line(child, beginning="ready", seconds=20)

    assert end_leftovers(tmp_path) == 1
    assert child.process.wait(timeout=10) == -9


def test_a_process_that_only_has_the_same_number_is_left_alone(tmp_path):
    (tmp_path / "running.json").write_text(f"[[{os.getpid()}, {psutil.Process().create_time() - 3600}]]")

    assert end_leftovers(tmp_path) == 0


def test_a_second_run_in_the_same_directory_is_refused(tmp_path):
    with only_one(tmp_path), pytest.raises(BusyError, match="another demo is running"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_processor_time_is_told_by_name(children):
    busy = children.start("busy", [sys.executable, "-c", "print('ready', flush=True)\nwhile True: pass"])
    wait_for_line(busy, beginning="ready", seconds=20)
    time.sleep(0.3)

    assert children.processor_seconds()["busy"] > 0
