"""A Flipkart of a few lines: real HTTP on loopback, answers given by the test, every request kept. Independent of the sandbox."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from channels_flipkart.adapter import FlipkartAdapter
from inventory_sync.domain.ports import Ports
from inventory_sync.domain.snapshots import Channel
from tests.channels.ports import FreeBudget, MemoryTokenStore, make_account, make_ports

TOKEN_PATH = "/oauth-service/oauth/token"


@dataclass(frozen=True)
class Seen:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False  # take the request, then close the connection without an answer

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Stub:
    """Answers by path: a list is used up one by one (its last answer stays), a function is asked."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answers: dict[str, list[Answer] | Callable[[Seen], Answer]] = {}
        self.url = ""
        self.tokens_given = 0
        self.answers[TOKEN_PATH] = self._token

    def _token(self, _: Seen) -> Answer:
        self.tokens_given += 1
        return Answer(
            body={"access_token": f"token-{self.tokens_given}", "token_type": "bearer", "expires_in": 5183999}
        )

    def on(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def calls(self, path: str = "") -> list[Seen]:
        return [seen for seen in self.seen if (seen.path == path if path else seen.path != TOKEN_PATH)]

    def answer(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        found = self.answers.get(seen.path)
        if found is None:
            return Answer(status=404, body=b"<html>no such page</html>", headers={"Content-Type": "text/html"})
        if callable(found):
            return found(seen)
        return found.pop(0) if len(found) > 1 else found[0]


@contextmanager
def running(stub: Stub) -> Iterator[Stub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # headers and body in one packet, not 40 ms apart

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = stub.answer(Seen(method=self.command, target=self.path, headers=headers, body=body))
            if answer.hang_up:
                self.close_connection = True
                self.connection.close()
                return
            payload = answer.encoded()
            self.send_response_only(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = _serve

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def adapter_for(
    url: str,
    *,
    settings: dict[str, Any] | None = None,
    credentials: dict[str, str] | None = None,
    tokens: MemoryTokenStore | None = None,
    budget: FreeBudget | None = None,
    ports: Ports | None = None,
    identity: str = "",
    auth_base: str = "",
) -> FlipkartAdapter:
    """An adapter with quick retries; any setting can be given."""
    account = make_account(
        channel=Channel.FLIPKART,
        api_base=url,
        auth_base=auth_base,
        identity=identity,
        credentials=credentials or {"client_id": "app-1", "client_secret": "s3cret"},
        settings={"retry_base_seconds": "0.01", "retry_cap_seconds": 0.02, **(settings or {})},
        defaults=FlipkartAdapter.defaults,
    )
    return FlipkartAdapter(account=account, ports=ports or make_ports(tokens=tokens, budget=budget))
