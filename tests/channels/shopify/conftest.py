"""An adapter for a shop of the sandbox, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from channels_shopify.adapter import ShopifyAdapter
from inventory_sync.domain.ports import Delivery, RowRef, StockUpdate
from inventory_sync.domain.snapshots import Channel, Fulfilment, ListingIds
from sandbox.server import SandboxServer
from sandbox.shopify import FAULTS, ShopifyMarketplace
from sandbox.world import Mounted, World
from tests.channels.ports import FreeBudget, MemoryTokenStore, make_account, make_ports

DOMAIN = "demo-shop.myshopify.com"
SECRET = "shh-example-secret"
MAIN, SECOND, THIRD_PARTY = "68000000001", "68000000002", "68000000003"
KURTA, SAREE, PLAIN = "9007199254740993", "48000000000002", "48000000000003"
ITEMS = {KURTA: "9007199254740995", SAREE: "302", PLAIN: "303"}

SHOP: dict[str, Any] = {
    "domain": DOMAIN,
    "client_id": "client",
    "client_secret": SECRET,
    "static_tokens": ["shpat_static"],
    "locations": [
        {"id": MAIN, "name": "Bengaluru"},
        {"id": SECOND, "name": "Pune"},
        {"id": THIRD_PARTY, "name": "3PL", "fulfillment_service": "fast-3pl"},
    ],
    "products": [
        {"id": "9000000000001", "title": "Kurta", "variants": [
            {"id": KURTA, "inventory_item_id": ITEMS[KURTA], "title": "M", "sku": "KURTA-M", "price": "1299.00",
             "country_hs_codes": {"IN": "62044220"}, "quantities": {MAIN: 5, SECOND: 2}}]},
        {"id": "9000000000002", "title": "Saree", "variants": [
            {"id": SAREE, "inventory_item_id": ITEMS[SAREE], "sku": "SAREE", "inventory_policy": "CONTINUE", "quantities": {MAIN: 1, THIRD_PARTY: 4}},
            {"id": PLAIN, "inventory_item_id": ITEMS[PLAIN], "sku": "PLAIN", "tracked": False, "quantities": {}}]},
    ],
    "settings": {"search_index_lag_seconds": 0, "webhook_delay_seconds": [0, 0]},
}  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    def only_shopify(world: World) -> list[Mounted]:
        return [Mounted(marketplace=ShopifyMarketplace(world), mount="/shopify", faults=FAULTS)]

    with SandboxServer(seed=5, open_marketplaces=only_shopify) as server:
        yield server


@pytest.fixture
def market(sandbox: SandboxServer) -> ShopifyMarketplace:
    """A fresh shop."""
    sandbox.world.faults.clear()
    sandbox.shopify.load(SHOP)
    return sandbox.shopify


AdapterFor = Callable[..., ShopifyAdapter]


@pytest.fixture
def adapter_for(sandbox: SandboxServer, market: ShopifyMarketplace) -> AdapterFor:
    def build(
        *,
        credentials: dict[str, str] | None = None,
        tokens: MemoryTokenStore | None = None,
        budget: FreeBudget | None = None,
        **settings: Any,
    ) -> ShopifyAdapter:
        account = make_account(
            channel=Channel.SHOPIFY,
            api_base=f"{sandbox.url}/shopify/{DOMAIN}",
            identity=DOMAIN,
            credentials=credentials or {"client_id": "client", "client_secret": SECRET},
            settings=settings,
            defaults=ShopifyAdapter.defaults,
        )
        return ShopifyAdapter(account=account, ports=make_ports(tokens=tokens, budget=budget))

    return build


@pytest.fixture
def adapter(adapter_for: AdapterFor) -> ShopifyAdapter:
    return adapter_for()


def row(key: str = KURTA, *, place: str = MAIN, row_id: int = 1, fulfilment: Fulfilment = Fulfilment.SHOPIFY) -> RowRef:
    listing = ListingIds(key=key, listing_ref=ITEMS[key])
    return RowRef(row_id=row_id, listing=listing, fulfilment=fulfilment, location_id=place)


def update(quantity: int, compared: int | None, *, ref: RowRef | None = None, key: str | None = None) -> StockUpdate:
    ref = ref or row()
    return StockUpdate(
        row=ref, quantity=quantity, compared=compared, idempotency_key=key or f"k-{ref.row_id}-{quantity}-{compared}"
    )


class Inbox:
    """Receives webhooks and keeps them as the engine would."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.arrived = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with outer.arrived:
                    outer.deliveries.append(Delivery(body=body, headers=headers, received_at=datetime.now(UTC)))
                    outer.arrived.notify_all()
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_port}/hooks"
        threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def wait_for(self, topic: str, *, seconds: float = 10) -> Delivery:
        def found() -> Delivery | None:
            return next((each for each in self.deliveries if each.headers["x-shopify-topic"] == topic), None)

        with self.arrived:
            assert self.arrived.wait_for(lambda: found() is not None, timeout=seconds), f"no {topic} came"
            delivery = found()
            assert delivery is not None
            return delivery

    def stop(self) -> None:
        self.httpd.shutdown()
        self.httpd.server_close()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    receiver = Inbox()
    yield receiver
    receiver.stop()
