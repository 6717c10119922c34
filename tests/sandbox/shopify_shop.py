"""A loaded Shopify sandbox for tests, a thin client for it over real HTTP, and a receiver of webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from sandbox.server import SandboxServer
from sandbox.shopify import FAULTS, ShopifyMarketplace
from sandbox.world import Mounted, World
from tests.sandbox import shopify_documents as documents

DOMAIN = "demo-store.myshopify.com"
TOKEN = "shpat_test_token"
SECRET = "shh-example-secret"
MAIN, SECOND = 68000000001, 68000000002
KURTA, SAREE, BASE = 48000000000001, 48000000000002, 48000000000003
KURTA_ITEM, SAREE_ITEM, BASE_ITEM = 9007199254740995, 302, 303
TIMEOUT = 10

SHOP: dict[str, Any] = {
    "domain": DOMAIN,
    "name": "Demo store",
    "client_id": "demo-client",
    "client_secret": SECRET,
    "static_tokens": [TOKEN],
    "locations": [{"id": MAIN, "name": "Bengaluru"}, {"id": SECOND, "name": "Pune"}],
    "products": [
        {
            "id": 9000000000001,
            "title": "Kurta",
            "vendor": "Desi",
            "variants": [
                {
                    "id": KURTA,
                    "inventory_item_id": KURTA_ITEM,
                    "title": "M",
                    "sku": "KURTA-M",
                    "barcode": "8901234567894",
                    "price": "1299.00",
                    "hs_code": "620442",
                    "country_hs_codes": {"IN": "62044220"},
                    "metafields": {"custom.hsn_code": "6204"},
                    "quantities": {str(MAIN): 5, str(SECOND): 2},
                    "components": [["KURTA", 1]],
                },
            ],
        },
        {
            "id": 9000000000002,
            "title": "Saree",
            "variants": [
                {
                    "id": SAREE,
                    "inventory_item_id": SAREE_ITEM,
                    "sku": "SAREE",
                    "inventory_policy": "CONTINUE",
                    "quantities": {str(MAIN): 1},
                    "components": [["SAREE", 2]],
                },
                {"id": BASE, "inventory_item_id": BASE_ITEM, "title": "Untracked", "sku": "BASE", "tracked": False},
            ],
        },
    ],
}


def gid(kind: str, number: object) -> str:
    return f"gid://shopify/{kind}/{number}"


def only_shopify(world: World) -> list[Mounted]:
    return [Mounted(marketplace=ShopifyMarketplace(world), mount="/shopify", faults=FAULTS)]


def open_server(*, clock_factor: float = 1.0, **changes: Any) -> SandboxServer:
    """A started server with the test shop; ``changes`` replace parts of it."""
    server = SandboxServer(seed=3, clock_factor=clock_factor, open_marketplaces=only_shopify).start()
    server.shopify.load({**SHOP, **changes})
    for sku, units in {"KURTA": 7, "SAREE": 4}.items():
        server.world.truth.set_shelf(sku, units)
    return server


class Client:
    """Calls one shop as a client would."""

    def __init__(self, server: SandboxServer, *, token: str = TOKEN, version: str = "2026-10") -> None:
        self.server = server
        self.base = f"{server.url}/shopify/{DOMAIN}"
        self.url = f"{self.base}/admin/api/{version}/graphql.json"
        self.token = token

    def post(self, document: str, /, **variables: Any) -> requests.Response:
        headers = {"X-Shopify-Access-Token": self.token}
        body = {"query": document, "variables": variables}
        return requests.post(self.url, json=body, headers=headers, timeout=TIMEOUT)

    def call(self, document: str, /, **variables: Any) -> dict[str, Any]:
        response = self.post(document, **variables)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def data(self, document: str, /, **variables: Any) -> dict[str, Any]:
        body = self.call(document, **variables)
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    def set(
        self, *rows: dict[str, Any], key: str | None = None, name: str = "available", **more: Any
    ) -> dict[str, Any]:
        """The payload of a set mutation that met no top-level error."""
        values = {"name": name, "reason": "correction", "quantities": list(rows), **more}
        data = self.data(documents.SET_QUANTITIES, input=values, idempotencyKey=key or str(uuid.uuid4()))
        payload: dict[str, Any] = data["inventorySetQuantities"]
        return payload

    def adjust(self, *rows: dict[str, Any], key: str | None = None, name: str = "available") -> dict[str, Any]:
        values = {"name": name, "reason": "correction", "changes": list(rows)}
        data = self.data(documents.ADJUST_QUANTITIES, input=values, idempotencyKey=key or str(uuid.uuid4()))
        payload: dict[str, Any] = data["inventoryAdjustQuantities"]
        return payload

    def states(self, item: int = KURTA_ITEM, location: int = MAIN) -> dict[str, int]:
        ids, location_id = [gid("InventoryItem", item)], gid("Location", location)
        node = self.data(documents.LEVELS_FOR_ITEMS, ids=ids, locationId=location_id)["nodes"][0]
        level = node["inventoryLevel"]
        return {each["name"]: each["quantity"] for each in level["quantities"]} if level else {}

    def available(self, item: int = KURTA_ITEM, location: int = MAIN) -> int:
        return self.states(item, location)["available"]

    def order(self, order_id: str) -> dict[str, Any]:
        order: dict[str, Any] = self.data(documents.ORDER_BY_ID, id=gid("Order", order_id))["order"]
        return order

    def subscribe(self, topic: str, uri: str, **more: Any) -> dict[str, Any]:
        values = {"uri": uri, "format": "JSON", **more}
        data = self.data(documents.WEBHOOK_CREATE, topic=topic, webhookSubscription=values)
        payload: dict[str, Any] = data["webhookSubscriptionCreate"]
        return payload


def row(quantity: int, change_from: int | None, *, item: int = KURTA_ITEM, location: int = MAIN) -> dict[str, Any]:
    """One row of a set."""
    return {
        "inventoryItemId": gid("InventoryItem", item),
        "locationId": gid("Location", location),
        "quantity": quantity,
        "changeFromQuantity": change_from,
    }


def delta(units: int, change_from: int | None, *, item: int = KURTA_ITEM, **more: Any) -> dict[str, Any]:
    """One row of an adjustment."""
    values = row(0, change_from, item=item)
    del values["quantity"]
    return {**values, "delta": units, **more}


class Received:
    """One webhook that arrived."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers, self.body, self.at = headers, body, time.monotonic()

    @property
    def topic(self) -> str:
        return self.headers["x-shopify-topic"]

    @property
    def json(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content

    def is_signed_with(self, secret: str) -> bool:
        expected = base64.b64encode(hmac.new(secret.encode(), self.body, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(expected, self.headers["x-shopify-hmac-sha256"])


class Receiver:
    """A webhook endpoint on loopback. ``status`` decides each answer: from the count of requests so far to an HTTP status."""

    def __init__(self, *, status: Callable[[int], int] = lambda count: 200, hold_seconds: float = 0.0) -> None:
        self.received: list[Received] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(headers, body))
                time.sleep(hold_seconds)
                try:
                    self.send_response(status(len(receiver.received)))
                    self.end_headers()
                except OSError:
                    return  # the sender has hung up

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_port}/hooks"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, topic: str) -> list[Received]:
        return [each for each in self.received if each.topic == topic]

    def wait_for(self, topic: str, count: int = 1) -> list[Received]:
        wait_until(lambda: len(self.of(topic)) >= count)
        return self.of(topic)


def wait_until(condition: Callable[[], object], *, seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
