"""Keys, a client that speaks JSON, and a small catalogue."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from inventory_sync.api.models import ApiToken
from inventory_sync.engine import wake
from inventory_sync.stock.models import Warehouse
from inventory_sync.stock.services import Change, receive
from sandbox.server import SandboxServer
from skumap.models import ChannelAccount, ChannelLocation, Listing, Sku

SHOP = "demo-shop.myshopify.com"
SECRET = "shh-example-secret"


@dataclass
class Api:
    """A client with a key."""

    key: str

    def __post_init__(self) -> None:
        self.client = Client(headers={"authorization": f"Bearer {self.key}"} if self.key else {})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = json.dumps({} if body is None else body)
        call = getattr(self.client, method)
        return call(f"/api/v1/{path}", data, content_type="application/json", headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("post", path, body, **headers)

    def patch(self, path: str, body: Any = None) -> Any:
        return self.send("patch", path, body)

    def put(self, path: str, body: Any = None) -> Any:
        return self.send("put", path, body)

    def adjust(self, body: Any, *, key: str | None = None) -> Any:
        return self.post("adjustments/", body, **{"Idempotency-Key": key or str(uuid.uuid4())})


def make_key(*scopes: str, name: str = "tool") -> str:
    return ApiToken.issue(name=name, scopes=list(scopes))[1]


@pytest.fixture(autouse=True)
def _broker_is_trusted_again() -> Iterator[None]:
    """The circuit breaker and the connection of wake-ups are this process's own."""
    wake._closed_until, wake._client = 0.0, None
    yield
    wake._closed_until, wake._client = 0.0, None


@pytest.fixture
def api(db: None) -> Api:
    return Api(make_key("write"))


@pytest.fixture
def reader(db: None) -> Api:
    return Api(make_key("read", name="reader"))


@pytest.fixture
def warehouse(db: None) -> Warehouse:
    return Warehouse.objects.create(code="BLR", name="Bengaluru")


@pytest.fixture
def shop(db: None) -> ChannelAccount:
    return ChannelAccount.objects.create(
        channel="shopify",
        name="Demo shop",
        identity=SHOP,
        credentials={"client_id": "client", "client_secret": SECRET},
    )


@pytest.fixture
def flipkart(db: None) -> ChannelAccount:
    return ChannelAccount.objects.create(
        channel="flipkart", name="Flipkart one", credentials={"client_id": "app", "client_secret": "not-a-secret"}
    )


@pytest.fixture
def stocked(warehouse: Warehouse) -> Sku:
    """A SKU with ten units."""
    sku = Sku.objects.create(code="TEE-M", title="Tee", barcode="8901234567894")
    receive(Change(key="first", sku_id=sku.pk, warehouse_id=warehouse.pk, at=timezone.now()), units=10)
    return sku


@pytest.fixture
def listing(shop: ChannelAccount) -> Listing:
    ChannelLocation.objects.create(account=shop, external_id="68000000001", name="Bengaluru")
    return Listing.objects.create(
        account=shop, key="9007199254740993", seller_sku="TEE-M", fulfilment="SHOPIFY", title="Tee"
    )


@pytest.fixture(scope="package")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=3, clock_factor=100) as server:
        yield server
