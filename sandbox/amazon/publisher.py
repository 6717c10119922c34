"""Sends messages to SQS from a few threads of its own, so that no request and no delayed effect waits for a queue."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sandbox.amazon.sqs import QueueServer
from sandbox.world import World

logger = logging.getLogger(__name__)

WORKERS = 4


class Publisher:
    """``counts``: sent, undeliverable (no such queue, or FIFO: lost in silence, as with a wrong queue policy), failed."""

    def __init__(self, *, world: World, queues: QueueServer) -> None:
        self._queues = queues
        self._world = world
        self._pool: ThreadPoolExecutor | None = None
        self._idle = threading.Condition()
        self._open = 0
        self.counts: Counter[str] = Counter()

    def submit(self, queue: str, body: str) -> None:
        """Send ``body`` to the queue of that name, soon. Never blocks; after the world's end it does nothing."""
        with self._idle:
            if self._world.stopping.is_set():
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="sandbox-sqs-send")
                threading.Thread(target=self._stop_with_the_world, name="sandbox-sqs-send-stop", daemon=True).start()
            self._open += 1
            self._pool.submit(self._send, queue, body)

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Wait until everything submitted has been sent; False on timeout (real seconds)."""
        deadline = time.monotonic() + timeout
        with self._idle:
            return self._idle.wait_for(lambda: self._open == 0, timeout=deadline - time.monotonic())

    def _send(self, queue: str, body: str) -> None:
        outcome = "failed"
        try:
            url = None if queue.endswith(".fifo") else self._queues.url_of(queue)
            if url is None:
                outcome = "undeliverable"
            else:
                self._queues.client.send_message(QueueUrl=url, MessageBody=body)
                outcome = "sent"
        except Exception:
            if not self._world.stopping.is_set():
                logger.exception("could not send to queue %s", queue)
        finally:
            with self._idle:
                self.counts[outcome] += 1
                self._open -= 1
                self._idle.notify_all()

    def _stop_with_the_world(self) -> None:
        self._world.stopping.wait()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
