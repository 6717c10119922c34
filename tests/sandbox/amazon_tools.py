"""What the tests of the Amazon sandbox share: a server, a bare client over real HTTP, and the official models as validators."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import jsonschema
import requests

from sandbox.amazon import FAULTS, AmazonMarketplace
from sandbox.amazon.catalogue import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_REFRESH_TOKEN, DEMO_SELLER_ID
from sandbox.server import SandboxServer
from sandbox.world import Mounted, World

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "amazon"
INDIA = "A21TJRUUN4KGV"
SELLER = DEMO_SELLER_ID
T = TypeVar("T")


def only_amazon(world: World) -> list[Mounted]:
    return [Mounted(marketplace=AmazonMarketplace(world), mount="/amazon", faults=FAULTS)]


class Api:
    """One client application at work; ``token`` is fetched when first needed."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.amazon: AmazonMarketplace = server.amazon
        self.url = server.url + "/amazon"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["user-agent"] = "tests/1 (Language=Python)"
        self.tokens: dict[str, str] = {}

    def lwa(self, **form: str) -> requests.Response:
        form = {"client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET, **form}
        return self.session.post(f"{self.url}/auth/o2/token", data=form, timeout=10)

    def token(self, kind: str = "seller") -> str:
        if kind not in self.tokens:
            if kind == "seller":
                answer = self.lwa(grant_type="refresh_token", refresh_token=DEMO_REFRESH_TOKEN)
            else:
                answer = self.lwa(grant_type="client_credentials", scope="sellingpartnerapi::notifications")
            self.tokens[kind] = answer.json()["access_token"]
        return self.tokens[kind]

    def call(
        self, method: str, path: str, *, token: str = "seller", timeout: float = 10, **options: Any
    ) -> requests.Response:
        headers = {"x-amz-access-token": self.token(token), **options.pop("headers", {})}
        return self.session.request(method, self.url + path, headers=headers, timeout=timeout, **options)

    def get(self, path: str, *, token: str = "seller", **params: Any) -> requests.Response:
        return self.call("GET", path, token=token, params=params)

    def post(self, path: str, body: dict[str, Any], *, token: str = "seller") -> requests.Response:
        return self.call("POST", path, token=token, json=body)

    def listing(
        self, sku: str, included: str = "summaries,fulfillmentAvailability,issues,attributes"
    ) -> dict[str, Any]:
        answer = self.get(f"/listings/2021-08-01/items/{SELLER}/{sku}", marketplaceIds=INDIA, includedData=included)
        assert answer.status_code == 200, answer.text
        return validated("listingsItems_2021-08-01", "Item", answer.json())

    def patch(self, sku: str, value: dict[str, Any], *, op: str = "merge", **params: str) -> requests.Response:
        part = {"fulfillment_channel_code": "DEFAULT", **value}
        body = {
            "productType": "PRODUCT",
            "patches": [{"op": op, "path": "/attributes/fulfillment_availability", "value": [part]}],
        }
        return self.call(
            "PATCH",
            f"/listings/2021-08-01/items/{SELLER}/{sku}",
            params={"marketplaceIds": INDIA, **params},
            json=body,
        )

    def shown(self, sku: str, location: str = "DEFAULT") -> int:
        rows = [row for row in self.amazon.shown() if (row["listing_key"], row["location"]) == (sku, location)]
        return int(rows[0]["quantity"])


@contextmanager
def amazon(*, clock_factor: float = 100, **catalogue: Any) -> Iterator[Api]:
    """A running sandbox with this catalogue. Rate limits are off unless the settings ask for them."""
    settings = {"rate_limits": False, "pending_seconds": [0, 0], **catalogue.pop("settings", {})}
    with SandboxServer(seed=7, clock_factor=clock_factor, open_marketplaces=only_amazon) as server:
        server.amazon.load({"settings": settings, **catalogue})
        yield Api(server)


def until(read: Callable[[], T], *, seconds: float = 5) -> T:
    """The first true answer of ``read``; its last answer when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = read()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.02)


def validated(model: str, definition: str, body: Any) -> Any:
    """``body``, when the official model allows it and knows every field in it."""
    definitions = strict(json.loads((FIXTURES / "models" / f"{model}.json").read_text())["definitions"])
    jsonschema.Draft7Validator({"$ref": f"#/definitions/{definition}", "definitions": definitions}).validate(body)
    return body


def valid_notification(schema: str, body: Any) -> Any:
    """``body``, when the official notification schema allows it."""
    jsonschema.Draft7Validator(_without_ids(_schema("notifications", schema))).validate(body)
    return body


def valid_report(body: Any) -> Any:
    """``body``, when it is a processing report of JSON_LISTINGS_FEED."""
    jsonschema.Draft7Validator(_without_ids(_schema("feeds", "listings-feed-processing-report-schema-v2"))).validate(
        body
    )
    return body


def _schema(folder: str, name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((FIXTURES / "schemas" / folder / f"{name}.json").read_text())
    return schema


def _without_ids(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _without_ids(part) for name, part in node.items() if name != "$id"}
    return [_without_ids(part) for part in node] if isinstance(node, list) else node


def strict(node: Any) -> Any:
    """The same definitions, with unknown fields forbidden where the model lists the known ones."""
    node = copy.deepcopy(node)
    for part in node.values():
        if isinstance(part, dict) and part.get("properties") and "allOf" not in part:
            part.setdefault("additionalProperties", False)
    return node
