"""What the Flipkart sandbox tests share: a running sandbox with a seller's HTTP session, a push receiver, patience."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from sandbox.app import Mounted
from sandbox.flipkart import FAULTS, FlipkartMarketplace
from sandbox.server import SandboxServer
from sandbox.world import World

LOC_A = "LOC" + "a" * 32
LOC_B = "LOC" + "b" * 32
TEE, MUG = "TEE-BLK-M", "MUG-RED"
LISTINGS = [
    {
        "sku": TEE,
        "product_id": "TSHDEMO00000AB12",
        "locations": {LOC_A: 10, LOC_B: 4},
        "components": [["TEE", 1]],
        "mrp": 1199,
        "selling_price": 999,
    },
    {"sku": MUG, "product_id": "MUGDEMO00000AB12", "locations": {LOC_A: 5}, "components": [["MUG", 1]]},
]
FAST = {"index_delay_seconds": [0, 0], "pack_seconds": [20, 40], "push_delay_seconds": [0, 0]}
PRE_DISPATCH_STATES = ["APPROVED", "PACKING_IN_PROGRESS", "PACKED", "FORM_FAILED", "READY_TO_DISPATCH"]


@dataclass
class Seller:
    """One seller's view: HTTP with a live token, and the marketplace object for controls."""

    server: SandboxServer
    session: requests.Session

    @property
    def market(self) -> FlipkartMarketplace:
        return self.server.flipkart

    @property
    def root(self) -> str:
        return self.server.url + "/flipkart"

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(self.root + path, timeout=options.pop("timeout", 10), **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.session.post(self.root + path, json=body, timeout=options.pop("timeout", 10), **options)

    def put(self, path: str, body: Any) -> requests.Response:
        return self.session.put(self.root + path, json=body, timeout=10)

    def fault(self, name: str, **options: Any) -> None:
        self.server.world.faults.switch_on(f"flipkart.{name}", **options)

    def write_stock(self, sku: str, quantity: int, location: str = LOC_A) -> dict[str, Any]:
        product = self.market.state.listings[sku].product_id
        body = {sku: {"product_id": product, "locations": [{"id": location, "inventory": quantity}]}}
        return self.post("/sellers/listings/v3/update/inventory", body).json()[sku]

    def details(self, sku: str) -> dict[str, Any]:
        return self.post("/sellers/listings/v3/details", {"sku_ids": [sku]}).json()["available"][sku]

    def read_back(self, sku: str, location: str = LOC_A) -> int:
        return {each["id"]: each["inventory"] for each in self.details(sku)["locations"]}[location]

    def shown(self, sku: str, location: str = LOC_A) -> int:
        rows = {(row["listing_key"], row["location"]): row["quantity"] for row in self.market.shown()}
        return rows[sku, location]

    def filter(
        self, kind: str = "preDispatch", *, sort: Any = None, size: int | None = None, **criteria: Any
    ) -> list[Any]:
        """All rows of a search, page after page."""
        body: dict[str, Any] = {"filter": {"type": kind, **criteria}}
        if sort:
            body["sort"] = sort
        if size:
            body["pagination"] = {"pageSize": size}
        answer = self.post("/sellers/v3/shipments/filter", body).json()
        rows = answer["shipments"]
        while answer["hasMore"]:
            answer = self.get("/sellers" + answer["nextPageUrl"]).json()
            rows += answer["shipments"]
        return rows

    def shipment(self, order_id: str) -> dict[str, Any]:
        return self.get("/sellers/v3/shipments", params={"orderIds": order_id}).json()["shipments"][0]

    def pack(self, shipment: dict[str, Any]) -> dict[str, Any]:
        body = {"shipments": [{"shipmentId": shipment["shipmentId"], "locationId": shipment["locationId"]}]}
        return self.post("/sellers/v3/shipments/labels", body).json()["shipments"][0]

    def dispatch(self, shipment: dict[str, Any]) -> dict[str, Any]:
        body = {"shipmentIds": [shipment["shipmentId"]], "locationId": shipment["locationId"]}
        return self.post("/sellers/v3/shipments/dispatch", body).json()["shipments"][0]

    def cancel_by_api(self, shipment: dict[str, Any], *, reason: str = "not_enough_inventory") -> dict[str, Any]:
        groups = [item["cancellationGroupId"] for item in shipment["orderItems"]]
        entry = {"shipmentId": shipment["shipmentId"], "cancellationGroupIds": groups, "reason": reason}
        return self.post("/sellers/v3/shipments/cancel", {"shipments": [entry]}).json()["shipments"][0]


@contextmanager
def selling(
    *, factor: float = 1000.0, seed: int = 1, settings: dict[str, Any] | None = None, **catalogue: Any
) -> Iterator[Seller]:
    """A running Flipkart with two listings at two locations, the seller logged in."""

    def only_flipkart(world: World) -> list[Mounted]:
        return [Mounted(marketplace=FlipkartMarketplace(world), mount="/flipkart", faults=FAULTS)]

    with SandboxServer(seed=seed, clock_factor=factor, open_marketplaces=only_flipkart) as server:
        loaded = {
            "locations": [LOC_A, LOC_B],
            "listings": LISTINGS,
            "settings": {**FAST, **(settings or {})},
            **catalogue,
        }
        server.flipkart.load(loaded)
        with requests.Session() as session:
            session.headers["Authorization"] = "Bearer " + log_in(server)["access_token"]
            yield Seller(server=server, session=session)


def log_in(server: SandboxServer, **query: str) -> dict[str, Any]:
    """The token answer of the demo app."""
    answer = requests.get(
        server.url + "/flipkart/oauth-service/oauth/token",
        params={"grant_type": "client_credentials", "scope": "Seller_Api", **query},
        auth=("demo-app-id", "demo-app-secret"),
        timeout=10,
    )
    return answer.json()


def until(condition: Callable[[], Any], *, seconds: float = 8.0) -> Any:
    """Wait for something true and give it back; fail after ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


class Receiver:
    """A push receiver that keeps what it got; ``answers`` are the statuses of the next deliveries, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 200
                receiver.got.append((dict(self.headers.items()), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Stay quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/hooks/flipkart?account=7"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in list(self.got)]

    def types(self) -> list[str]:
        return [event["eventType"] for event in self.events()]

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)
