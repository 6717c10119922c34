"""
An Amazon of a few lines: real HTTP on loopback, answers given by the test, every request kept. Independent of the sandbox.

Every request to the API is checked against the official models on its way in; what does not fit is kept in ``complaints``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from channels_amazon.adapter import AmazonAdapter
from inventory_sync.domain.ports import Ports, RowRef, StockUpdate
from inventory_sync.domain.snapshots import Channel, Fulfilment, ListingIds
from tests.channels.amazon.official import check_request
from tests.channels.ports import FreeBudget, MemoryTokenStore, make_account, make_ports

TOKEN_PATH = "/login/token"
SELLER = "A1OTHERSELLER9"
MARKETPLACE = "A21TJRUUN4KGV"


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


def refusal(status: int, code: str, message: str = "", details: str = "") -> Answer:
    return Answer(status=status, body={"errors": [{"code": code, "message": message, "details": details}]})


class Stub:
    """Answers by method and path: a list is used up one by one (its last answer stays), a function is asked."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.complaints: list[str] = []
        self.answers: dict[str, list[Answer] | Callable[[Seen], Answer]] = {f"POST {TOKEN_PATH}": self._token}
        self.url = ""
        self.tokens_given = 0
        self.lock = threading.Lock()

    def _token(self, seen: Seen) -> Answer:
        self.tokens_given += 1
        body = {"access_token": f"Atza|token-{self.tokens_given}", "token_type": "bearer", "expires_in": 3600}
        if seen.form["grant_type"] != "client_credentials":
            body["refresh_token"] = seen.form.get("refresh_token", "Atzr|from-code")
        return Answer(body=body)

    def on(self, target: str, *answers: Answer | Callable[[Seen], Answer]) -> None:
        """``target``: ``"GET /orders/2026-01-01/orders"``."""
        first = answers[0]
        self.answers[target] = first if callable(first) else [each for each in answers if isinstance(each, Answer)]

    def calls(self, target: str = "") -> list[Seen]:
        """Calls of the API, or those of one method and path."""
        return [
            seen
            for seen in self.seen
            if (f"{seen.method} {seen.path}" == target if target else seen.path != TOKEN_PATH)
        ]

    @property
    def logins(self) -> list[dict[str, str]]:
        return [seen.form for seen in self.seen if seen.path == TOKEN_PATH]

    def answer(self, seen: Seen) -> Answer:
        with self.lock:
            self.seen.append(seen)
            if seen.path != TOKEN_PATH and not seen.path.startswith("/store/"):
                self._check(seen)
            found = self.answers.get(f"{seen.method} {seen.path}")
            if found is None:
                return Answer(status=404, body=b"<html>no such page</html>", headers={"Content-Type": "text/html"})
            if callable(found):
                return found(seen)
            return found.pop(0) if len(found) > 1 else found[0]

    def _check(self, seen: Seen) -> None:
        query = parse_qs(urlsplit(seen.target).query, keep_blank_values=True)
        try:
            check_request(
                method=seen.method,
                path=seen.path,
                query=query,
                body=seen.body,
                content_type=seen.headers.get("content-type", ""),
            )
            assert seen.headers.get("x-amz-access-token"), "no access token"
            assert seen.headers.get("x-amz-date"), "no date"
            assert "Language=Python" in seen.headers.get("user-agent", ""), "no proper user agent"
            assert "authorization" not in seen.headers
        except Exception as complaint:
            self.complaints.append(f"{seen.method} {seen.target}: {complaint}")


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
            payload = b"" if answer.body is None else answer.encoded()
            self.send_response_only(answer.status)
            for name, value in {
                "Content-Type": "application/json",
                "x-amzn-RequestId": "req-1",
                **answer.headers,
            }.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()


FAST = {
    "retry_base_seconds": 0.01,
    "retry_cap_seconds": 0.02,
    "read_deadline_seconds": 5,
    "report_poll_seconds": 0.01,
    "report_wait_seconds": 0.2,
}


def make_adapter(
    url: str,
    *,
    settings: dict[str, Any] | None = None,
    credentials: dict[str, str] | None = None,
    identity: str = SELLER,
    tokens: MemoryTokenStore | None = None,
    budget: FreeBudget | None = None,
    auth_base: str | None = None,
    ports: Ports | None = None,
) -> AmazonAdapter:
    account = make_account(
        channel=Channel.AMAZON,
        api_base=url,
        auth_base=f"{url}{TOKEN_PATH}" if auth_base is None else auth_base,
        identity=identity,
        credentials={
            "client_id": "client-x",
            "client_secret": "s3cret",
            "refresh_token": "Atzr|kept",
            **(credentials or {}),
        },
        settings={**FAST, **(settings or {})},
        defaults=AmazonAdapter.defaults,
    )
    return AmazonAdapter(account=account, ports=ports or make_ports(tokens=tokens, budget=budget))


def row(
    sku: str = "MUG",
    *,
    row_id: int = 7,
    fulfilment: Fulfilment = Fulfilment.MFN,
    location_id: str = "DEFAULT",
    product_type: str = "",
) -> RowRef:
    return RowRef(
        row_id=row_id,
        listing=ListingIds(key=sku, seller_sku=sku),
        fulfilment=fulfilment,
        location_id=location_id,
        product_type=product_type,
    )


def update(quantity: int = 5, sku: str = "MUG", **facts: Any) -> StockUpdate:
    return StockUpdate(row=row(sku, **facts), quantity=quantity, idempotency_key="key")
