"""The adapter against the Flipkart of the sandbox: a shopper buys, we hear of it, and what we write is shown."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from channels_flipkart.adapter import FlipkartAdapter
from inventory_sync.domain.errors import CredentialsError, SignatureError
from inventory_sync.domain.ports import Delivery, PollPage, PushResult, RowRef, StockUpdate
from inventory_sync.domain.snapshots import Fulfilment, OrderSnapshot, ReturnState
from sandbox.server import SandboxServer
from tests.channels.flipkart.stub import adapter_for
from tests.channels.ports import MemoryTokenStore

LOC = "LOC0f1e2d3c4b5a69788796a5b4c3d2e1f0"
SKU = 'TEE "BLK", M/L'
APP = {"client_id": "demo-app-id", "client_secret": "demo-app-secret"}


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    running = SandboxServer(seed=3, clock_factor=100).start()
    yield running
    running.stop()


@pytest.fixture
def load(server: SandboxServer) -> Iterator[Callable[..., FlipkartAdapter]]:
    """Start the sandbox afresh with a small catalogue and give an adapter that is connected to it."""

    def fresh(
        *, listings: list[dict[str, Any]] | None = None, sandbox: dict[str, Any] | None = None, **of_adapter: Any
    ):
        server.flipkart.load(
            {
                "locations": [{"id": LOC, "name": "Pune"}, {"id": "LOC2", "name": "Delhi"}],
                "listings": listings
                or [
                    {"sku": SKU, "locations": {LOC: 10, "LOC2": 4}},
                    {"sku": "HELD", "locations": 5, "fulfillment_profile": "FBF", "fbf_stock": 9},
                    {"sku": "LITE", "locations": 5, "fulfillment_profile": "FBF_LITE"},
                    {"sku": "OFF", "locations": 1, "listing_status": "INACTIVE"},
                ],
                "settings": {
                    "index_delay_seconds": 0,
                    "propagation_seconds": [1, 3],
                    "pack_seconds": 0,
                    **(sandbox or {}),
                },
            }
        )
        of_adapter.setdefault("credentials", APP)
        return adapter_for(f"{server.url}/flipkart", **of_adapter)

    yield fresh
    server.world.faults.clear()


def ref(adapter: FlipkartAdapter, sku: str = SKU, *, location_id: str = LOC, row_id: int = 1) -> RowRef:
    [listing] = [each for page in adapter.pull_listings() for each in page.listings if each.ids.key == sku]
    return RowRef(row_id=row_id, listing=listing.ids, fulfilment=listing.fulfilment, location_id=location_id)


def write(row: RowRef, quantity: int) -> StockUpdate:
    return StockUpdate(row=row, quantity=quantity, idempotency_key=f"{row.row_id}-{quantity}")


def shown(server: SandboxServer, sku: str = SKU, location_id: str = LOC) -> int:
    return next(
        each["quantity"]
        for each in server.flipkart.shown()
        if (each["listing_key"], each["location"]) == (sku, location_id)
    )


def eventually(check: Callable[[], bool], *, seconds: float = 5) -> bool:
    give_up_at = time.monotonic() + seconds
    while not check():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


def round_of(adapter: FlipkartAdapter, stream: str = "orders", *, minutes: float | None = 5) -> list[PollPage]:
    now = datetime.now(UTC) + timedelta(seconds=1)
    since = None if minutes is None else now - timedelta(minutes=minutes)
    return list(adapter.poll(stream=stream, since=since, now=now))


def known(adapter: FlipkartAdapter, **of_round: Any) -> dict[str, OrderSnapshot]:
    """What a round names, read by id, as the engine does it."""
    keys = [
        key for page in round_of(adapter, **of_round) for key in (*(order.key for order in page.orders), *page.changed)
    ]
    return {order.key: order for order in adapter.fetch_orders(keys)}


def test_the_account_is_who_it_says_it_is(load):
    assert load().identify().identity == "demo-seller"
    with pytest.raises(CredentialsError):
        load(credentials={**APP, "client_secret": "wrong"}).identify()


def test_the_whole_catalogue_is_pulled(load):
    told = {each.ids.key: each for page in load().pull_listings() for each in page.listings}

    assert {sku: (each.fulfilment, each.active) for sku, each in told.items()} == {
        SKU: (Fulfilment.NON_FBF, True),
        "HELD": (Fulfilment.FBF, True),
        "LITE": (Fulfilment.FBF_LITE, True),
        "OFF": (Fulfilment.NON_FBF, False),
    }
    assert {each.location_id: each.quantity for each in told[SKU].locations} == {LOC: 10, "LOC2": 4}
    assert told[SKU].price is not None


def test_locations_are_listed_or_learned(load):
    assert {each.location_id for each in load().locations()} >= {LOC, "LOC2"}


def test_a_written_quantity_is_shown_and_read(load, server):
    adapter = load()
    row = ref(adapter)

    [told] = adapter.push_stock([write(row, 3)])

    assert told.result is PushResult.ACCEPTED
    assert eventually(lambda: shown(server) == 3)
    assert shown(server, location_id="LOC2") == 4
    [reading] = adapter.read_stock([row])
    assert (reading.quantity, reading.active, reading.enabled) == (3, True, True)


def test_a_sku_that_fails_does_not_fail_the_others(load, server):
    adapter = load()
    server.world.faults.switch_on("flipkart.invalid_location", sku="OFF")
    server.world.faults.switch_on("flipkart.sku_missing", sku="LITE")
    rows = [ref(adapter, row_id=1), ref(adapter, "OFF", row_id=2), ref(adapter, "LITE", row_id=3)]
    lite = adapter_for(f"{server.url}/flipkart", credentials=APP, settings={"allow_fbf_lite": True})

    told = lite.push_stock([write(row, 2) for row in rows])

    assert [(each.result, each.permanent) for each in told] == [
        (PushResult.ACCEPTED, False),
        (PushResult.REFUSED, True),
        (PushResult.UNKNOWN, False),
    ]
    assert eventually(lambda: shown(server, "LITE") == 2)  # missing from the answer, written all the same


def test_stock_that_flipkart_holds_is_never_written(load, server):
    adapter = load()

    [told] = adapter.push_stock([write(ref(adapter, "HELD"), 0)])

    assert (told.result, told.code) == (PushResult.REFUSED, "NOT_WRITABLE")
    assert server.flipkart.stats()["writes_accepted"] == 0


@pytest.mark.parametrize("fault", ["http_504_after_apply", "http_500", "http_599", "truncated_body"])
def test_a_write_whose_answer_is_lost_is_unknown(load, server, fault):
    adapter = load()
    row = ref(adapter)
    server.world.faults.switch_on(f"flipkart.{fault}")

    [told] = adapter.push_stock([write(row, 1)])

    assert told.result is PushResult.UNKNOWN


@pytest.mark.parametrize("fault", ["invalid_token", "http_500_invalid_token"])
def test_an_expired_token_is_replaced_in_the_middle_of_work(load, server, fault):
    adapter = load()
    row = ref(adapter)
    server.flipkart.command("expire_tokens", {"which": "access"})

    [told] = adapter.push_stock([write(row, 6)])

    assert told.result is PushResult.ACCEPTED
    # A token that lives but is refused comes back as the very same one: a person must act.
    server.world.faults.switch_on(f"flipkart.{fault}")
    [told] = adapter.push_stock([write(row, 5)])
    assert (told.result, told.setup, told.code) == (PushResult.REFUSED, True, "same_token")


def test_orders_of_every_kind_are_found_by_a_round(load, server):
    adapter = load()
    market = server.flipkart
    plain = market.buy(listing_key=SKU, units=2, location=LOC)
    held = market.buy(listing_key=SKU, hold=True)
    fbf = market.buy(listing_key="HELD")
    lite = market.buy(listing_key="LITE", shipment_type="EXPRESS")
    shipped = market.buy(listing_key=SKU)
    market.ship(order_id=shipped.order_id, to="SHIPPED")
    cancelled = market.buy(listing_key=SKU, units=2)
    market.cancel(order_id=cancelled.order_id, by="marketplace")

    told = {order.order_number: order for order in known(adapter).values()}

    assert set(told) == {each.order_id for each in (plain, held, fbf, lite, shipped, cancelled)}
    line = told[plain.order_id].lines[0]
    assert (line.ordered, line.cancelled, line.shipped, line.location_id) == (2, 0, 0, LOC)
    assert line.listing.key == SKU
    assert line.line_key == f"{told[plain.order_id].key}:{plain.line_ids[0]}"
    assert (told[held.order_id].on_hold, told[plain.order_id].on_hold) == (True, False)
    assert told[fbf.order_id].lines[0].marketplace_fulfilled is True
    assert told[lite.order_id].lines[0].marketplace_fulfilled is False
    assert told[shipped.order_id].lines[0].shipped == 1
    assert (told[cancelled.order_id].lines[0].ordered, told[cancelled.order_id].lines[0].cancelled) == (2, 2)


def test_a_partial_cancel_shows_as_parts_of_one_line(load, server):
    adapter = load()
    bought = server.flipkart.buy(listing_key=SKU, units=3)
    server.flipkart.cancel(order_id=bought.order_id, by="buyer", units=1)

    [order] = known(adapter).values()

    [line] = order.lines
    assert (line.ordered, line.cancelled, line.shipped) == (3, 1, 0)
    assert order.complete is True


def test_a_replacement_is_another_shipment_of_the_same_order(load, server):
    adapter = load()
    first = server.flipkart.buy(listing_key=SKU)
    server.flipkart.buy(listing_key=SKU, replacement_of=first.order_id)

    orders = list(known(adapter).values())

    assert len(orders) == 2
    assert {order.order_number for order in orders} == {first.order_id}
    assert sorted(order.replacement for order in orders) == [False, True]


@pytest.mark.parametrize("minutes", [5, None])
def test_many_pages_of_orders_are_all_found(load, server, minutes):
    adapter = load(listings=[{"sku": "MANY", "locations": {LOC: 500}}])
    for _ in range(45):
        server.flipkart.buy(listing_key="MANY")

    pages = round_of(adapter, minutes=minutes)

    assert len({order.key for page in pages for order in page.orders}) == 45
    assert sum(len(page.orders) for page in pages) == 45  # each is told once
    assert pages[-1].complete_until is not None


def test_the_sweep_finds_an_old_order_and_the_listing_search_as_well(load, server):
    adapter = load()
    bought = server.flipkart.buy(listing_key=SKU, hold=True)

    [key] = [key for page in round_of(adapter, "sweep") for key in page.changed]
    [found] = adapter.find_orders(listing=ref(adapter).listing)

    assert found.key == key
    assert (found.order_number, found.complete, found.on_hold) == (bought.order_id, True, True)
    assert adapter.find_orders(listing=ref(adapter, "LITE").listing) == []


def test_open_units_are_read_beside_the_quantity(load, server):
    for where in ("listing", "available"):
        adapter = load(sandbox={"open_orders_field": where})
        server.flipkart.buy(listing_key=SKU, units=2)

        [reading] = adapter.read_stock([ref(adapter)])

        assert reading.open_units == 2


def test_returns_follow_the_goods(load, server):
    adapter = load()
    market = server.flipkart
    bought = market.buy(listing_key=SKU, units=2)
    market.ship(order_id=bought.order_id, to="DELIVERED")
    made = market.command("return", {"order_item_id": bought.line_ids[0], "source": "customer_return", "units": 1})

    def returns():
        return {each.return_id: each for page in round_of(adapter, "returns") for each in page.returns}

    before = returns()[made["return_id"]]
    market.command("return_event", {"return_id": made["return_id"], "event": "completed"})
    after = returns()[made["return_id"]]

    assert (before.state, before.units, before.courier_return) == (ReturnState.EXPECTED, 1, False)
    assert after.state is ReturnState.ARRIVED
    [order] = known(adapter).values()
    assert after.line_key == order.lines[0].line_key
    assert order.lines[0].shipped == 2


def test_a_third_party_application_connects_through_the_browser_and_refreshes(load, server):
    store = MemoryTokenStore()
    redirect = "https://sync.example.in/oauth/flipkart"
    adapter = load(
        sandbox={"rotate_refresh_tokens": True},
        settings={"oauth_grant": "authorization_code"},
        credentials={"client_id": "demo-partner-id", "client_secret": "demo-partner-secret"},
        tokens=store,
    )
    url = adapter.authorize_url(state="st-1", redirect_uri=redirect)
    asked = dict(parse_qsl(urlsplit(url).query))
    allowed = requests.post(url, data={**asked, "decision": "allow"}, allow_redirects=False, timeout=5)
    query = dict(parse_qsl(urlsplit(allowed.headers["Location"]).query))

    who = adapter.exchange_code(code=query["code"], state="st-1", redirect_uri=redirect, query=query)
    first = store.load()
    server.flipkart.command("expire_tokens", {"which": "access"})
    adapter.fetch_orders(["S"])
    second = store.load()

    assert who.identity == "demo-seller"
    assert first.refresh
    assert second.access != first.access
    assert second.refresh != first.refresh  # rotated, and the new one is kept
    with pytest.raises(CredentialsError):
        adapter.exchange_code(code=query["code"], state="st-1", redirect_uri=redirect, query=query)


class Receiver:
    """Takes notifications as a web server behind an edge would, and answers 200."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        taken = self.deliveries

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                taken.append(Delivery(body=body, headers=headers, received_at=datetime.now(UTC), url="http://inside/"))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks/x7?account=1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.stop()


def test_events_are_checked_and_lead_to_the_shipment(load, server, receiver):
    registered = "https://sync.example.in/hooks/x7?account=1"
    adapter = load(settings={"push_url": registered})
    market = server.flipkart
    market.command("push_to", {"url": receiver.url, "signed_url": registered})
    server.world.faults.switch_on("flipkart.push_stale", event_type="shipment_cancelled")
    server.world.faults.switch_on("flipkart.push_forged", event_type="shipment_created")
    bought = market.buy(listing_key=SKU, units=2)
    market.cancel(order_id=bought.order_id, by="buyer", units=1)

    assert eventually(lambda: len(receiver.deliveries) >= 4)
    genuine, stale, forged = [], [], 0
    for delivery in receiver.deliveries:
        try:
            (stale if adapter.check_delivery(delivery).stale else genuine).append(adapter.parse_delivery(delivery))
        except SignatureError:
            forged += 1

    assert (len(genuine), len(stale), forged) == (2, 1, 1)
    assert sorted(event.topic for event in genuine) == ["shipment_cancelled", "shipment_created"]
    [key] = {key for event in genuine for key in event.changed}
    [hint] = next(event.orders for event in genuine if event.topic == "shipment_created")
    [order] = adapter.fetch_orders([key])
    assert (hint.confirm, hint.lines[0].ordered) == (True, 2)
    assert (order.lines[0].ordered, order.lines[0].cancelled) == (2, 1)
