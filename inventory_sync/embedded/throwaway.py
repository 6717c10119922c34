"""
A private pair of servers that ends with its owner.

A supervisor process holds the pair. Its standard input is a pipe from the owner, and the kernel closes that pipe
however the owner ends, a kill -9 included. At the end of its input the supervisor stops the servers and removes
their data. So there is one way to clean up, and it is always taken.
"""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from inventory_sync.embedded.errors import EmbeddedServerError
from inventory_sync.embedded.home import PROJECT_ROOT
from inventory_sync.embedded.pair import Servers

STOP_TIMEOUT_SECONDS = 120


@contextlib.contextmanager
def throwaway() -> Iterator[Servers]:
    """
    Run a private pair of servers for as long as the context lasts; then stop them and delete their data.

    The servers are fast and not durable. DATABASE_URL and REDIS_URL in the environment are respected as in ``ensure``.

    :raises EmbeddedServerError: a server can't be made to run.
    """
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "inventory_sync.embedded.supervisor"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=PROJECT_ROOT,
        start_new_session=True,  # Ctrl-C is for the owner, who then closes the pipe
    )
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    try:
        yield read_announcement(supervisor.stdout)
    finally:
        supervisor.stdin.close()
        try:
            supervisor.wait(timeout=STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.send_signal(signal.SIGKILL)
            supervisor.wait()
            raise EmbeddedServerError("the throw-away servers do not stop") from None
        finally:
            supervisor.stdout.close()


def read_announcement(output: IO[bytes]) -> Servers:
    """
    Read the line by which a supervisor tells where its servers are.

    :raises EmbeddedServerError: it failed, and said why instead.
    """
    line = output.readline()
    try:
        told = json.loads(line)
        return Servers(database_url=told["database_url"], redis_url=told["redis_url"], home=Path(told["home"]))
    except (ValueError, KeyError, TypeError):
        said = (line + output.read()).decode(errors="replace").strip()
        raise EmbeddedServerError(f"the throw-away servers do not start:\n{said}") from None
