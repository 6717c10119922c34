"""The sandbox's spine over real HTTP: server, control API, faults, truth, clean stop; with one tiny marketplace of our own."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from flask import Blueprint, jsonify

from sandbox.faults import Faults
from sandbox.server import THREADS, SandboxServer
from sandbox.truth import Sale, Truth
from sandbox.world import Mounted, Purchase, World

TIMEOUT = 5


class CornerShop:
    """One listing per key with a quantity; sells at once, refuses at zero."""

    channel = "corner"

    def __init__(self, world: World) -> None:
        self.world = world
        self.lock = threading.RLock()
        self.quantities: dict[str, int] = {}
        self.orders: dict[str, Sale] = {}

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("corner", __name__)

        @blueprint.get("/quantity/<path:key>")
        def quantity(key: str):
            if self.world.faults.hit("corner.http_500"):
                return jsonify(error="broken"), 500
            return jsonify(quantity=self.quantities.get(key))

        @blueprint.get("/slow/<int:seconds>")
        def slow(seconds: int):
            self.world.pause(seconds)
            return jsonify(done=True)

        return blueprint

    def load(self, catalogue: dict[str, Any]) -> None:
        with self.lock:
            self.quantities = dict(catalogue["quantities"])

    def buy(self, *, listing_key: str, units: int = 1, cod: bool = False) -> Purchase:
        with self.lock:
            if self.quantities[listing_key] < units:
                self.world.truth.record_refusal(self.channel)
                return Purchase(accepted=False, reason="out_of_stock")
            self.quantities[listing_key] -= units
            order_id = f"C{len(self.orders) + 1}"
            sale = Sale(
                channel=self.channel,
                order_id=order_id,
                line_id=order_id + "-1",
                listing_key=listing_key,
                location="",
                units=units,
                at=self.world.clock.now(),
                components=self.world.components(self.channel, listing_key),
            )
            self.orders[order_id] = sale
            self.world.truth.record_sale(sale)
            return Purchase(accepted=True, order_id=order_id, line_ids=(sale.line_id,))

    def cancel(self, *, order_id: str, by: str = "buyer", units: int | None = None) -> dict[str, Any]:
        with self.lock:
            sale = self.orders.pop(order_id)
            self.world.truth.record_cancellation(components=sale.components, channel=self.channel, units=sale.units)
            return {"order_id": order_id, "cancelled": sale.units}

    def ship(self, *, order_id: str) -> dict[str, Any]:
        return {"order_id": order_id, "shipped": True}

    def shown(self) -> list[dict[str, Any]]:
        with self.lock:
            return [
                {"listing_key": key, "location": "", "quantity": units, "pending": []}
                for key, units in self.quantities.items()
            ]

    def command(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        if verb == "write_later":
            self.world.scheduler.after(body["seconds"], lambda: self.quantities.update({body["key"]: body["quantity"]}))
            return {"scheduled": True}
        if verb == "explode":
            raise RuntimeError("a bug of ours")
        raise ValueError(f"unknown verb {verb!r}")

    def stats(self) -> dict[str, Any]:
        return {"orders": len(self.orders)}


def open_corner_shop(world: World) -> list[Mounted]:
    return [Mounted(marketplace=CornerShop(world), mount="/corner", faults={"corner.http_500": "reads answer 500"})]


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(seed=3, clock_factor=100, open_marketplaces=open_corner_shop) as running:
        yield running


@pytest.fixture
def control(server: SandboxServer):
    with requests.Session() as session:

        def call(method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
            response = session.request(method, f"{server.url}/_control/{path}", json=body, timeout=TIMEOUT)
            assert response.status_code == status, response.text
            return response.json()

        yield call


def stock(control, *, shelf: int, shown: int) -> None:
    """SKU A with ``shelf`` units; the corner shop shows ``shown`` of it under the key "a"."""
    control("POST", "corner/load", {"quantities": {"a": shown}})
    control("POST", "components", {"channel": "corner", "rows": {"a": [["A", 1]]}})
    control("POST", "shelf", {"A": shelf})


def test_the_state_names_clock_seed_and_channels(control):
    state = control("GET", "state")

    assert (state["clock_factor"], state["seed"], state["channels"]) == (100, 3, ["corner"])
    assert abs(datetime.fromisoformat(state["now"]) - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_marketplace_answers_under_its_mount_point_and_tells_nothing_of_the_server(server):
    server.marketplaces["corner"].load({"quantities": {"a//b": 4}})

    response = requests.get(f"{server.url}/corner/quantity/a//b", timeout=TIMEOUT)

    assert response.json() == {"quantity": 4}
    assert "Server" not in response.headers


def test_connections_are_kept_alive(server):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=TIMEOUT)
    sockets = []
    for _ in range(3):
        connection.request("GET", "/_control/state")
        connection.getresponse().read()
        sockets.append(connection.sock)
    connection.close()

    assert sockets[0] is not None
    assert sockets[1:] == sockets[:1] * 2


def test_slow_answers_do_not_hold_up_others(server):
    slow = [
        threading.Thread(target=requests.get, args=(f"{server.url}/corner/slow/1",), kwargs={"timeout": 5})
        for _ in range(6)
    ]
    for thread in slow:
        thread.start()
    began = time.monotonic()

    requests.get(f"{server.url}/_control/state", timeout=TIMEOUT)

    assert time.monotonic() - began < 0.9
    for thread in slow:
        thread.join()


def test_buying_more_than_the_shelf_holds_shows_as_oversold(control):
    stock(control, shelf=2, shown=3)

    bought = [control("POST", "corner/buy", {"listing_key": "a"}) for _ in range(4)]

    truth = control("GET", "truth")
    assert [purchase["accepted"] for purchase in bought] == [True, True, True, False]
    assert bought[3]["reason"] == "out_of_stock"
    assert truth["oversold"] == {"A": 1}
    assert truth["refused"] == {"corner": 1}
    assert truth["sales"] == 3
    assert truth["skus"]["A"] == {"shelf": 2, "sold": 3, "oversold": 1, "beyond_stock": 1, "by_channel": {"corner": 3}}
    assert control("GET", "corner/shown")["rows"] == [
        {"listing_key": "a", "location": "", "quantity": 0, "pending": []}
    ]


def test_sales_can_be_read_from_an_index_on(control):
    stock(control, shelf=9, shown=9)
    for _ in range(3):
        control("POST", "corner/buy", {"listing_key": "a", "units": 2})

    late = control("GET", "truth/sales?since=1")
    nothing_new = control("GET", f"truth/sales?since={late['next']}")

    assert [(sale["index"], sale["order_id"], sale["units"]) for sale in late["sales"]] == [(1, "C2", 2), (2, "C3", 2)]
    assert late["sales"][0]["components"] == [["A", 1]]
    assert datetime.fromisoformat(late["sales"][0]["at"]).tzinfo is not None
    assert nothing_new == {"sales": [], "next": 3}


def test_a_buyers_cancellation_gives_the_unit_back_but_leaves_the_worst_instant(control):
    stock(control, shelf=1, shown=2)
    for _ in range(2):
        control("POST", "corner/buy", {"listing_key": "a"})

    control("POST", "corner/cancel", {"order_id": "C1"})

    truth = control("GET", "truth")
    assert (truth["skus"]["A"]["sold"], truth["oversold"], truth["cancelled_units"]) == (1, {"A": 1}, {"corner": 1})


def test_goods_that_arrive_are_added_to_the_shelf(control):
    control("POST", "shelf", {"A": 5})
    control("POST", "shelf/add", {"A": 3})

    assert control("GET", "truth")["skus"]["A"]["shelf"] == 8


def test_a_delayed_effect_happens_after_its_time_divided_by_the_factor(control):
    stock(control, shelf=9, shown=1)

    control("POST", "corner/write_later", {"seconds": 30, "key": "a", "quantity": 7})

    assert control("GET", "corner/shown")["rows"][0]["quantity"] == 1
    assert control("GET", "state")["pending_effects"] == 1
    time.sleep(0.5)
    assert control("GET", "corner/shown")["rows"][0]["quantity"] == 7


def test_a_skewed_clock_shows_in_the_date_header(server, control):
    control("POST", "clock/skew", {"seconds": 600})

    date = requests.get(f"{server.url}/corner/quantity/a", timeout=TIMEOUT).headers["Date"]

    assert 590 < (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds() < 610


def test_a_fault_strikes_as_often_as_told_and_never_the_control_api(server, control):
    on = control("POST", "faults", {"name": "corner.http_500", "times": 2, "options": {"after": 1}})

    answers = [requests.get(f"{server.url}/corner/quantity/a", timeout=TIMEOUT).status_code for _ in range(3)]

    off = control("GET", "faults")
    assert on["known"] == {"corner.http_500": "reads answer 500"}
    assert on["active"] == {"corner.http_500": {"probability": 1.0, "remaining": 2, "options": {"after": 1}}}
    assert answers == [500, 500, 200]
    assert (off["active"], off["counts"]) == ({}, {"corner.http_500": 2})


def test_faults_can_be_switched_off_one_by_one_or_all(control):
    control("POST", "faults", {"name": "corner.http_500"})
    assert control("DELETE", "faults?name=corner.http_500")["active"] == {}
    control("POST", "faults", {"name": "corner.http_500"})
    assert control("DELETE", "faults")["active"] == {}


def test_faults_strike_the_same_chances_with_the_same_seed_whatever_other_faults_do():
    def strikes(*, seed: int, disturbed: bool) -> list[bool]:
        faults = Faults(seed=seed)
        for name in ("x.one", "x.two"):
            faults.switch_on(name, probability=0.4)
        struck = []
        for _ in range(60):
            if disturbed:
                faults.hit("x.two")
            struck.append(faults.hit("x.one") is not None)
        return struck

    assert strikes(seed=5, disturbed=False) == strikes(seed=5, disturbed=True)
    assert strikes(seed=5, disturbed=False) != strikes(seed=6, disturbed=False)
    assert 0 < sum(strikes(seed=5, disturbed=False)) < 60


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("shelf", {"A": "five"}),
        ("shelf", {"A": -1}),
        ("shelf", {"A": True}),
        ("shelf", ["A", 1]),
        ("shelf/add", {"A": 1.5}),
        ("components", {"channel": "nowhere", "rows": {}}),
        ("components", {"channel": "corner", "rows": {"a": [["A"]]}}),
        ("components", {"channel": "corner", "rows": {"a": [["A", 0]]}}),
        ("components", {"channel": "corner"}),
        ("clock/skew", {"seconds": "ten"}),
        ("faults", {"name": "corner.nothing"}),
        ("faults", {"name": "corner.http_500", "probability": 2}),
        ("faults", {"name": "corner.http_500", "times": 0}),
        ("faults", {"name": "corner.http_500", "chance": 0.5}),
        ("faults", {"name": "corner.http_500", "options": {"name": "x"}}),
        ("corner/buy", {}),
        ("corner/buy", {"listing_key": "a", "units": 0}),
        ("corner/buy", {"listing_key": "a", "gift": True}),
        ("corner/buy", {"listing_key": "unknown"}),
        ("corner/cancel", {"order_id": "unknown"}),
        ("corner/load", {}),
        ("corner/dance", {}),
    ],
)
def test_a_bad_body_is_refused_with_a_reason_and_changes_nothing(control, path, body):
    stock(control, shelf=5, shown=5)
    before = control("GET", "truth"), control("GET", "corner/shown"), control("GET", "faults")

    assert control("POST", path, body, status=400)["error"]

    assert (control("GET", "truth"), control("GET", "corner/shown"), control("GET", "faults")) == before


def test_a_body_with_one_bad_unit_sets_none_of_the_shelf(control):
    control("POST", "shelf", {"A": 5, "B": "many"}, status=400)

    assert control("GET", "truth")["skus"] == {}


def test_text_that_is_not_json_is_refused(server):
    response = requests.post(f"{server.url}/_control/shelf", data=b"{A: 5", timeout=TIMEOUT)

    assert (response.status_code, response.json()) == (400, {"error": "the body must be a JSON object"})


def test_unknown_channels_and_paths_are_404_in_json(control):
    assert "nowhere" in control("POST", "nowhere/buy", {"listing_key": "a"}, status=404)["error"]
    assert "nowhere" in control("GET", "nowhere/stats", status=404)["error"]
    assert control("GET", "no/such/thing", status=404)["error"]
    assert control("DELETE", "state", status=405)["error"]


def test_a_bug_in_a_marketplace_is_a_500_that_names_it(control):
    assert control("POST", "corner/explode", {}, status=500)["error"] == "RuntimeError: a bug of ours"


def sold(*, units: int) -> Sale:
    return Sale(
        channel="corner",
        order_id="C",
        line_id="C-1",
        listing_key="kit",
        location="",
        units=units,
        at=datetime.now(UTC),
        components=(("A", 2), ("B", 1)),
    )


def test_kits_take_all_their_components_and_beyond_stock_counts_each_missing_unit_once_per_promise():
    truth = Truth()
    truth.set_shelf("A", 3)
    truth.set_shelf("B", 9)

    truth.record_sale(sold(units=2))
    truth.record_cancellation(components=(("A", 2), ("B", 1)), channel="corner", units=1)
    truth.record_sale(sold(units=1))

    assert truth.oversold_units() == {"A": 1}
    assert truth.summary()["A"] == {
        "shelf": 3,
        "sold": 4,
        "oversold": 1,
        "beyond_stock": 2,
        "by_channel": {"corner": 4},
    }
    assert truth.summary()["B"]["sold"] == 2


def test_goods_lost_from_the_shelf_leave_promised_units_uncovered():
    truth = Truth()
    truth.set_shelf("A", 4)
    truth.set_shelf("B", 4)
    truth.record_sale(sold(units=2))

    truth.add_to_shelf("A", -1)

    assert truth.oversold_units() == {"A": 1}
    assert truth.summary()["A"]["beyond_stock"] == 0


def threads_since(before: set[threading.Thread], *, seconds: float = 0) -> set[str]:
    """Names of the threads that were not there before and are still there after at most so many seconds."""
    deadline = time.monotonic() + seconds
    while (new := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    return {thread.name for thread in new}


def test_a_stopped_server_leaves_no_thread_and_frees_its_port():
    before = set(threading.enumerate())
    server = SandboxServer(open_marketplaces=open_corner_shop).start()
    port = int(server.url.rsplit(":", 1)[1])
    kept_open = requests.Session()
    kept_open.get(f"{server.url}/_control/state", timeout=TIMEOUT)
    held_back = threading.Thread(target=requests.get, args=(f"{server.url}/corner/slow/60",), kwargs={"timeout": 5})
    held_back.start()
    time.sleep(0.1)
    assert len(threads_since(before) - {held_back.name}) == THREADS + 2

    began = time.monotonic()
    server.stop()
    server.stop()

    held_back.join()
    kept_open.close()
    assert threads_since(before) == set()
    assert time.monotonic() - began < 3
    with SandboxServer(port=port, open_marketplaces=open_corner_shop) as again:
        assert requests.get(f"{again.url}/_control/state", timeout=TIMEOUT).status_code == 200


def test_a_taken_port_is_an_error_that_leaves_no_thread():
    before = set(threading.enumerate())
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            SandboxServer(port=other.getsockname()[1], open_marketplaces=open_corner_shop)

    assert threads_since(before) == set()


def test_a_server_that_never_started_can_be_stopped():
    before = set(threading.enumerate())

    SandboxServer(open_marketplaces=open_corner_shop).stop()

    assert threads_since(before) == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_its_url_and_stops_on_a_signal(number):
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--clock", "20", "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            state = requests.get(f"{url}/_control/state", timeout=TIMEOUT).json()
            process.send_signal(number)
            process.wait(timeout=10)
        finally:
            process.kill()

    assert (state["clock_factor"], state["seed"]) == (20, 7)
    assert process.returncode == 0


THREE_SHOPS = {
    "flipkart": ("FK-MUG", {"locations": ["LOC1"], "listings": [{"sku": "FK-MUG", "locations": {"LOC1": 5}}]}),
    "shopify": (
        "101",
        {"variants": [{"id": 101, "sku": "MUG", "product_title": "Mug", "price": "100.00", "quantities": 5}]},
    ),
    "amazon": ("AM-MUG", {"listings": [{"sku": "AM-MUG", "quantity": 5}]}),
}


def test_three_shops_that_do_not_know_each_other_oversell_one_shelf():
    before = set(threading.enumerate())
    with SandboxServer(clock_factor=20) as server:
        control = f"{server.url}/_control"

        def post(path: str, body: Any) -> Any:
            response = requests.post(f"{control}/{path}", json=body, timeout=TIMEOUT)
            assert response.status_code == 200, response.text
            return response.json()

        post("shelf", {"MUG": 5})
        for channel, (key, catalogue) in THREE_SHOPS.items():
            post(f"{channel}/load", catalogue)
            post("components", {"channel": channel, "rows": {key: [["MUG", 1]]}})

        bought = {
            channel: [post(f"{channel}/buy", {"listing_key": key}) for _ in range(6)]
            for channel, (key, _) in THREE_SHOPS.items()
        }
        cancelled = [
            post(f"{channel}/cancel", {"order_id": orders[0]["order_id"]})["cancelled"]
            for channel, orders in bought.items()
        ]

        truth = requests.get(f"{control}/truth", timeout=TIMEOUT).json()
        known = requests.get(f"{control}/faults", timeout=TIMEOUT).json()["known"]
        shown = {
            channel: requests.get(f"{control}/{channel}/shown", timeout=TIMEOUT).json()["rows"]
            for channel in THREE_SHOPS
        }
        assert all(
            requests.get(f"{control}/{channel}/stats", timeout=TIMEOUT).status_code == 200 for channel in THREE_SHOPS
        )

    assert {channel: [each["accepted"] for each in orders] for channel, orders in bought.items()} == dict.fromkeys(
        THREE_SHOPS, [True] * 5 + [False]
    )
    assert all(cancelled)
    assert truth["oversold"] == {"MUG": 10}
    assert truth["skus"]["MUG"]["sold"] == 12
    assert truth["refused"] == dict.fromkeys(THREE_SHOPS, 1)
    assert all(row["quantity"] <= 1 for rows in shown.values() for row in rows)
    assert {name.split(".")[0] for name in known} == set(THREE_SHOPS)
    assert threads_since(before, seconds=6) == set()
