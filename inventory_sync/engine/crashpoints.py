"""
Places where a process may be killed, by name: one beside every commit and every call that other processes can see.

``CRASH_AT=<name>`` kills the process (SIGKILL) when it gets there, so that a test can show that nothing is lost and nothing applied twice.
In production the variable is unset and a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

NAMES = (
    "inbox.stored",
    "inbox.before_apply",
    "inbox.applied",
    "order.applied",
    "poll.page_applied",
    "poll.before_cursor",
    "poll.cursor_stored",
    "queue.stored",
    "queue.deleted",
    "push.claimed",
    "push.sent",
    "push.settled",
    "expire.settled",
    "read.applied",
    "start.opened",
)

_armed = os.environ.get("CRASH_AT", "")


def reach(name: str) -> None:
    """Die here if that is what was asked for."""
    if _armed and name == _armed:
        os.kill(os.getpid(), signal.SIGKILL)
