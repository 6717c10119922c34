"""
The queue at the seller's end: moto's SQS over HTTP in a thread of this process, started when first needed.

Queues of one process are shared by all its moto servers, so each instance makes queues of its own names.
"""

from __future__ import annotations

import itertools
import logging
import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.world import World

logger = logging.getLogger(__name__)

REGION = "eu-west-1"
ACCESS_KEY = SECRET_KEY = "sandbox"  # moto takes any; a client of this queue must only send some
DEFAULT_QUEUE = "spapi-notifications"

_instances = itertools.count(1)


class QueueServer:
    """
    Where notifications go. ``endpoint`` starts moto's server on 127.0.0.1 and a free port, unless one was given.

    Everything stops with the world.
    """

    def __init__(self, *, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._given = ""
        self._server: Any = None
        self._client: Any = None
        self._urls: dict[str, str] = {}
        number = next(_instances)
        self.default_queue = DEFAULT_QUEUE if number == 1 else f"{DEFAULT_QUEUE}-{number}"

    def use_endpoint(self, endpoint_url: str) -> None:
        """Send to an SQS endpoint that runs elsewhere ("": to our own)."""
        with self._lock:
            self._given = endpoint_url
            self._client = None
            self._urls.clear()

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:<port>``, running."""
        with self._lock:
            return self._endpoint()

    def _endpoint(self) -> str:
        if self._given:
            return self._given
        if self._server is None:
            from moto.server import ThreadedMotoServer  # a second of imports: only when queues are used

            logging.getLogger("werkzeug").setLevel(logging.ERROR)
            self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
            self._server.start()
            threading.Thread(target=self._stop_with_the_world, name="sandbox-sqs-stop", daemon=True).start()
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    def _stop_with_the_world(self) -> None:
        self._world.stopping.wait()
        with self._lock:
            names = list(self._urls.values())
        for url in names:
            try:
                self.client.delete_queue(QueueUrl=url)
            except Exception:
                logger.debug("queue %s was gone already", url)
        self._server.stop()

    @property
    def client(self) -> Any:
        """A boto3 SQS client (thread-safe)."""
        with self._lock:
            if self._client is None:
                self._client = boto3.client(
                    "sqs",
                    endpoint_url=self._endpoint(),
                    region_name=REGION,
                    aws_access_key_id=ACCESS_KEY,
                    aws_secret_access_key=SECRET_KEY,
                    config=Config(
                        connect_timeout=3,
                        read_timeout=10,
                        retries={"max_attempts": 2},
                        max_pool_connections=8,
                        proxies={},
                    ),
                )
            return self._client

    def create_queue(self, name: str) -> str:
        """Make a queue (or find it) and return its URL."""
        url: str = self.client.create_queue(QueueName=name)["QueueUrl"]
        with self._lock:
            self._urls[name] = url
        return url

    def url_of(self, name: str) -> str | None:
        """The URL of an existing queue; None when there is none."""
        with self._lock:
            if name in self._urls:
                return self._urls[name]
        try:
            url: str = self.client.get_queue_url(QueueName=name)["QueueUrl"]
        except ClientError:
            return None
        with self._lock:
            self._urls[name] = url
        return url

    def arn_of(self, name: str) -> str:
        attributes = self.client.get_queue_attributes(QueueUrl=self.create_queue(name), AttributeNames=["QueueArn"])
        arn: str = attributes["Attributes"]["QueueArn"]
        return arn

    def purge(self, name: str) -> None:
        self.client.purge_queue(QueueUrl=self.create_queue(name))
