"""The adapter against the Amazon of ``sandbox``: real HTTP, real SQS protocol, quantities that take effect late."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import pytest

from channels_amazon.adapter import AmazonAdapter
from inventory_sync.domain.errors import CredentialsError
from inventory_sync.domain.ports import InboundEvent, PollPage, PushResult
from inventory_sync.domain.snapshots import Channel, Fulfilment, ListingIds, OrderSnapshot, ReturnState
from sandbox.amazon.catalogue import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_CODE, DEMO_REFRESH_TOKEN, DEMO_SELLER_ID
from tests.channels.amazon.official import check_request
from tests.channels.amazon.stub import FAST, row, update
from tests.channels.ports import MemoryTokenStore, make_account, make_ports
from tests.sandbox.amazon_tools import Api, amazon

T = TypeVar("T")
FACTOR = 200.0
LISTINGS = [
    {"sku": "MUG", "quantity": 10, "product_type": "DRINKING_CUP", "lead_time_to_ship_max_days": 2},
    {"sku": "TEE/L +#1", "quantity": 5, "easy_ship": True},
    {"sku": "TEE-FBA", "fba": {"fulfillable": 3, "inbound_shipped": 4}},
]


def adapter_for(
    api: Api, *, tokens: MemoryTokenStore | None = None, credentials: dict[str, str] | None = None, **settings: Any
) -> AmazonAdapter:
    account = make_account(
        channel=Channel.AMAZON,
        api_base=api.url,
        auth_base=f"{api.url}/auth/o2/token",
        identity=DEMO_SELLER_ID,
        credentials={
            "client_id": DEMO_CLIENT_ID,
            "client_secret": DEMO_CLIENT_SECRET,
            "refresh_token": DEMO_REFRESH_TOKEN,
            "aws_access_key_id": "any",
            "aws_secret_access_key": "any",
            **(credentials or {}),
        },
        settings={
            **FAST,
            "report_wait_seconds": 5,
            "rate_factor": FACTOR,
            "index_delay_seconds": 120 / FACTOR,
            **settings,
        },
        defaults=AmazonAdapter.defaults,
    )
    return AmazonAdapter(account=account, ports=make_ports(tokens=tokens))


@contextmanager
def watched(**catalogue: Any) -> Iterator[Api]:
    """A sandbox whose every incoming API request is checked against the official models."""
    complaints: list[str] = []
    with amazon(clock_factor=FACTOR, listings=LISTINGS, **catalogue) as api:
        from flask import request

        @api.server.app.before_request
        def check() -> None:
            path = request.path.removeprefix("/amazon")
            if path.startswith(("/auth/", "/object-store/", "/_control/")):
                return
            for name in ("sku", "seller_id"):  # the server has decoded the path by now
                if value := (request.view_args or {}).get(name):
                    path = path.replace(f"/{value}", f"/{quote(value, safe='')}", 1)
            try:
                check_request(
                    method=request.method,
                    path=path,
                    query=dict(request.args.lists()),
                    body=request.get_data(),
                    content_type=request.headers.get("Content-Type", ""),
                )
            except Exception as complaint:
                complaints.append(f"{request.method} {request.url}: {complaint}")

        yield api
    assert complaints == []


@pytest.fixture
def market() -> Iterator[Api]:
    with watched() as api:
        yield api


def until(read: Callable[[], T], *, seconds: float = 6) -> T:
    deadline = time.monotonic() + seconds
    while True:
        answer = read()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.03)


def polled(adapter: AmazonAdapter, stream: str = "orders", *, since: datetime | None = None) -> list[PollPage]:
    return list(adapter.poll(stream=stream, since=since, now=datetime.now(UTC) + timedelta(milliseconds=2)))


def orders_seen(adapter: AmazonAdapter) -> dict[str, OrderSnapshot]:
    return {order.key: order for page in polled(adapter) for order in page.orders}


def test_connecting_and_reading_the_catalogue(market: Api) -> None:
    adapter = adapter_for(market)

    assert adapter.identify().identity == DEMO_SELLER_ID
    listings = {listing.ids.key: listing for page in adapter.pull_listings() for listing in page.listings}

    assert {key: each.fulfilment for key, each in listings.items()} == {
        "MUG": Fulfilment.MFN,
        "TEE/L +#1": Fulfilment.MFN,
        "TEE-FBA": Fulfilment.FBA,
    }
    assert listings["MUG"].product_type == "DRINKING_CUP"
    assert [each.quantity for each in listings["MUG"].locations] == [10]
    by_report = {
        listing.ids.key: listing.fulfilment
        for page in adapter_for(market, search_limit=2).pull_listings()
        for listing in page.listings
    }
    assert by_report == {key: each.fulfilment for key, each in listings.items()}


def test_a_quantity_is_taken_takes_effect_and_keeps_the_handling_time(market: Api) -> None:
    adapter = adapter_for(market)

    outcomes = adapter.push_stock([update(4, "MUG")]) + adapter.push_stock([update(9, "TEE/L +#1", row_id=8)])

    assert [each.result for each in outcomes] == [PushResult.ACCEPTED] * 2
    assert until(lambda: market.shown("MUG") == 4)
    assert until(lambda: market.shown("TEE/L +#1") == 9)
    availability = market.listing("MUG")["attributes"]["fulfillment_availability"]
    assert availability[0]["lead_time_to_ship_max_days"] == 2
    readings = adapter.read_stock(
        [row("MUG", row_id=1), row("TEE/L +#1", row_id=2), row("TEE-FBA", row_id=3), row("NO", row_id=4)]
    )
    assert {each.row_id: each.quantity for each in readings} == {1: 4, 2: 9, 3: None, 4: None}


def test_fba_stock_is_never_written_whoever_asks(market: Api) -> None:
    adapter = adapter_for(market)

    [outcome] = adapter.push_stock([update(4, "TEE-FBA", fulfilment=Fulfilment.FBA)])
    job = adapter.start_bulk([update(4, "TEE-FBA", fulfilment=Fulfilment.FBA)])

    assert (outcome.code, job.done) == ("NOT_WRITABLE", True)
    assert "patchListingsItem" not in market.amazon.stats()["calls"]


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        ("patch_400", PushResult.REFUSED),
        ("patch_invalid", PushResult.REFUSED),
        ("patch_warning", PushResult.ACCEPTED),
        ("throttle", PushResult.NOT_SENT),
        ("http_500", PushResult.UNKNOWN),
        ("http_500_empty", PushResult.UNKNOWN),
        ("http_503_html", PushResult.UNKNOWN),
        ("write_then_500", PushResult.UNKNOWN),
        ("token_expired", PushResult.ACCEPTED),  # renewed once, repeated once
    ],
)
def test_what_can_go_wrong_with_a_write(market: Api, fault: str, result: PushResult) -> None:
    adapter = adapter_for(market)
    market.server.world.faults.switch_on(f"amazon.{fault}", times=1)

    [outcome] = adapter.push_stock([update(4, "MUG")])

    assert outcome.result is result
    assert bool(outcome.warning) is (fault == "patch_warning")


def test_a_revoked_authorization_breaks_the_account_and_a_new_one_mends_it(market: Api) -> None:
    tokens = MemoryTokenStore()
    adapter = adapter_for(market, tokens=tokens)
    adapter.identify()
    market.amazon.command("revoke", {})

    with pytest.raises(CredentialsError):
        adapter.identify()
    [outcome] = adapter.push_stock([update(4, "MUG")])
    assert outcome.setup is True


def test_tokens_that_die_in_use_are_replaced_without_a_failure(market: Api) -> None:
    adapter = adapter_for(market)
    adapter.identify()
    market.amazon.command("expire_tokens", {})

    assert adapter.identify().identity == DEMO_SELLER_ID


def test_connecting_by_code(market: Api) -> None:
    adapter = adapter_for(market, credentials={"refresh_token": ""})

    found = adapter.exchange_code(
        code=DEMO_CODE,
        state="s",
        redirect_uri="https://shop.example/back",
        query={"selling_partner_id": DEMO_SELLER_ID},
    )

    assert found.identity == DEMO_SELLER_ID


def test_an_orders_life_is_told_the_same_by_poll_and_by_id(market: Api) -> None:
    adapter = adapter_for(market)
    bought = market.amazon.buy(listing_key="MUG", units=3)
    order_id, line_id = bought.order_id, bought.line_ids[0]

    [order] = adapter.fetch_orders([order_id])
    assert (order.lines[0].line_key, order.lines[0].ordered, order.lines[0].shipped) == (line_id, 3, 0)
    assert order.lines[0].listing.key == "MUG"
    assert order.lines[0].location_id == "DEFAULT"

    market.amazon.cancel(order_id=order_id, units=1)
    market.amazon.ship(order_id=order_id, units=1)
    [order] = adapter.fetch_orders([order_id])
    assert (order.lines[0].shipped, order.lines[0].cancelled) == (1, 1)

    market.amazon.ship(order_id=order_id)
    [order] = adapter.fetch_orders([order_id])
    assert (order.lines[0].shipped, order.lines[0].cancelled) == (2, 1)

    seen = until(lambda: orders_seen(adapter))
    assert seen[order_id].lines == order.lines
    assert seen[order_id].updated_at == order.updated_at


def test_a_round_that_ends_moves_the_watermark_and_the_next_one_finds_what_came_since(market: Api) -> None:
    adapter = adapter_for(market)
    first = market.amazon.buy(listing_key="MUG", units=1).order_id
    assert until(lambda: first in orders_seen(adapter))

    watermark = polled(adapter)[-1].complete_until
    assert watermark is not None
    assert watermark <= datetime.now(UTC) - timedelta(seconds=120 / FACTOR)
    second = market.amazon.buy(listing_key="MUG", units=1).order_id

    def found() -> bool:
        pages = polled(adapter, since=watermark)
        return second in {order.key for page in pages for order in page.orders}

    assert until(found)


def test_amazons_own_orders_and_stock_are_told_apart(market: Api) -> None:
    adapter = adapter_for(market)
    bought = market.amazon.buy(listing_key="TEE-FBA", units=1)

    [order] = adapter.fetch_orders([bought.order_id])
    [held] = [each for page in polled(adapter, "fba") for each in page.held]

    assert order.lines[0].marketplace_fulfilled is True
    assert order.lines[0].location_id is None
    assert (held.listing.key, held.fulfillable, held.reserved, held.inbound) == ("TEE-FBA", 2, 1, 4)


def test_a_refused_parcel_comes_back_and_a_buyers_return_is_found(market: Api) -> None:
    adapter = adapter_for(market)
    refused = market.amazon.buy(listing_key="TEE/L +#1", units=2).order_id
    market.amazon.ship(order_id=refused)
    market.amazon.command("package", {"order_id": refused, "status": "RETURNED_TO_SELLER"})
    sent_back = market.amazon.buy(listing_key="MUG", units=1)
    market.amazon.ship(order_id=sent_back.order_id)
    market.amazon.command("return", {"order_id": sent_back.order_id, "delivered": True})

    [order] = adapter.fetch_orders([refused])
    [returned] = [each for page in polled(adapter, "returns") for each in page.returns]

    assert (order.lines[0].shipped, order.lines[0].returned) == (2, 2)
    assert (returned.line_key, returned.units, returned.state) == (sent_back.line_ids[0], 1, ReturnState.ARRIVED)


def test_a_feed_settles_each_listing_by_itself(market: Api) -> None:
    adapter = adapter_for(market)
    updates = [update(1, "MUG", row_id=1), update(2, "TEE/L +#1", row_id=2), update(3, "NO-SUCH", row_id=3)]

    started = adapter.start_bulk(updates)
    done = until(lambda: (job := adapter.check_bulk(ref=started.ref, updates=updates)).done and job)

    assert done
    assert {each.row_id: each.result for each in done.outcomes} == {
        1: PushResult.ACCEPTED,
        2: PushResult.ACCEPTED,
        3: PushResult.REFUSED,
    }
    assert until(lambda: (market.shown("MUG"), market.shown("TEE/L +#1")) == (1, 2))


@pytest.mark.parametrize(
    ("fault", "result"), [("feed_cancelled", PushResult.NOT_SENT), ("feed_fatal", PushResult.UNKNOWN)]
)
def test_feeds_that_end_badly(market: Api, fault: str, result: PushResult) -> None:
    adapter = adapter_for(market)
    market.server.world.faults.switch_on(f"amazon.{fault}")

    started = adapter.start_bulk([update(1, "MUG")])
    done = until(lambda: (job := adapter.check_bulk(ref=started.ref, updates=[update(1, "MUG")])).done and job)

    assert done
    assert [each.result for each in done.outcomes] == [result]


def test_a_listings_report_in_an_old_encoding_and_packed(market: Api) -> None:
    market.amazon.command(
        "settings", {"report_encoding": "ISO-8859-1", "report_charset_header": False, "gzip_reports": True}
    )
    market.amazon.command("listing", {"sku": "TASSE", "quantity": 1, "title": "Täßchen"})

    pages = list(adapter_for(market, search_limit=0).pull_listings())

    assert "Täßchen" in {listing.title for page in pages for listing in page.listings}


# --- the queue ------------------------------------------------------------------------------------------------------------------------


class Subscribed:
    def __init__(self, api: Api) -> None:
        self.api = api
        queue = api.amazon.queue()
        self.adapter = adapter_for(
            api,
            sqs_queue_url=queue["url"],
            sqs_queue_arn=queue["arn"],
            sqs_endpoint_url=queue["endpoint_url"],
            sqs_region=queue["region"],
        )
        self.lines = self.adapter.subscribe(callback_url="")
        self.keys: list[str] = []
        self.events: list[InboundEvent] = []

    def receive(self) -> list[InboundEvent]:
        """Everything said so far. Stored, then deleted, as the engine does."""
        messages = self.adapter.receive_messages(wait_seconds=1, limit=50)
        for message in messages:
            self.keys.append(self.adapter.check_delivery(message.delivery).key)
            self.events.append(self.adapter.parse_delivery(message.delivery))
        self.adapter.delete_messages([message.receipt for message in messages])
        return self.events

    def wait_for(self, wanted: Callable[[list[InboundEvent]], T]) -> T:
        return until(lambda: wanted(self.receive()), seconds=10)


@pytest.fixture
def subscribed(market: Api) -> Subscribed:
    return Subscribed(market)


def test_a_sale_is_known_within_moments_by_the_queue(subscribed: Subscribed) -> None:
    bought = subscribed.api.amazon.buy(listing_key="TEE/L +#1", units=2)
    subscribed.api.amazon.cancel(order_id=bought.order_id)

    assert subscribed.wait_for(
        lambda events: [event for event in events if event.orders and event.orders[0].lines[0].cancelled]
    )
    told = {event.orders[0].lines[0].cancelled: event.orders[0] for event in subscribed.events if event.orders}
    [read] = subscribed.adapter.fetch_orders([bought.order_id])
    assert told[2].updated_at == read.updated_at
    assert (told[2].lines[0].line_key, told[2].lines[0].ordered) == (bought.line_ids[0], 2)
    assert (read.lines[0].shipped, read.lines[0].cancelled) == (told[2].lines[0].shipped, told[2].lines[0].cancelled)
    assert told[None].lines[0].ordered == 2


def test_subscribing_again_changes_nothing(subscribed: Subscribed) -> None:
    again = subscribed.adapter.subscribe(callback_url="")

    assert sum("subscribed now" in line for line in subscribed.lines) == 4
    assert sum("subscribed already" in line for line in again) == 4


def test_messages_may_be_doubled_wrapped_bare_poisoned_or_unknown(subscribed: Subscribed) -> None:
    faults = subscribed.api.server.world.faults
    for fault in (
        "sqs_duplicate",
        "sqs_eventbridge_wrap",
        "sqs_no_metadata",
        "sqs_poison",
        "sqs_unknown_type",
        "sqs_null_time",
    ):
        faults.switch_on(f"amazon.{fault}", times=1)

    bought = subscribed.api.amazon.buy(listing_key="MUG", units=1)

    subscribed.wait_for(lambda events: len(events) >= 4)
    orders = [
        (key, event.orders[0]) for key, event in zip(subscribed.keys, subscribed.events, strict=True) if event.orders
    ]
    reasons = {event.ignored for event in subscribed.events if event.ignored}
    assert len(orders) == 2
    assert len({key for key, _ in orders}) == 1
    assert {order.key for _, order in orders} == {bought.order_id}
    assert orders[0][1].updated_at is not None
    assert "not JSON" in reasons
    assert any("SOMETHING_NEW" in reason for reason in reasons)


def test_item_level_messages_name_one_line_each_and_never_the_whole(subscribed: Subscribed) -> None:
    subscribed.api.server.world.faults.switch_on("amazon.sqs_item_level")
    items = [{"listing_key": "MUG", "units": 1}, {"listing_key": "TEE/L +#1", "units": 2}]
    order = subscribed.api.amazon.command("order", {"items": items})

    told = subscribed.wait_for(
        lambda events: len(events) >= 2 and [event.orders[0] for event in events if event.orders]
    )

    assert {line.line_key for each in told for line in each.lines} == set(order["line_ids"])
    assert {each.complete for each in told} == {False}


def test_what_amazon_holds_and_finished_jobs_are_told_too(subscribed: Subscribed) -> None:
    started = subscribed.adapter.start_bulk([update(1, "MUG")])
    subscribed.api.amazon.command("fba", {"listing_key": "TEE-FBA", "counts": {"fulfillable": 8}})

    def both(events: list[InboundEvent]) -> bool:
        return any(event.held for event in events) and any(event.jobs for event in events)

    assert subscribed.wait_for(both)
    assert [event.jobs for event in subscribed.events if event.jobs] == [(started.ref,)]
    held = [each for event in subscribed.events for each in event.held]
    assert held[-1].fulfillable == 8


def test_a_wish_to_cancel_is_a_hint(subscribed: Subscribed) -> None:
    bought = subscribed.api.amazon.buy(listing_key="MUG", units=1)
    subscribed.api.amazon.command("request_cancel", {"order_id": bought.order_id})

    assert subscribed.wait_for(lambda events: [event for event in events if event.changed == (bought.order_id,)])
    assert subscribed.adapter.fetch_orders([bought.order_id])[0].lines[0].cancelled == 0


def test_a_message_that_is_not_deleted_comes_again(market: Api) -> None:
    queue = market.amazon.queue()
    adapter = adapter_for(
        market,
        sqs_queue_url=queue["url"],
        sqs_queue_arn=queue["arn"],
        sqs_endpoint_url=queue["endpoint_url"],
        sqs_visibility_seconds=1,
    )
    market.amazon.command(
        "publish", {"body": json.dumps({"NotificationType": "X", "NotificationMetadata": {"NotificationId": "n-1"}})}
    )

    [first] = until(lambda: adapter.receive_messages(wait_seconds=1))
    [again] = until(lambda: adapter.receive_messages(wait_seconds=2))

    assert adapter.check_delivery(first.delivery) == adapter.check_delivery(again.delivery)
    assert adapter.check_delivery(first.delivery).key == "n-1"
    adapter.delete_messages([again.receipt])


def test_listings_that_change_are_named_by_their_sku(market: Api) -> None:
    adapter = adapter_for(market)
    market.amazon.buy(listing_key="MUG", units=1)

    [listing] = adapter.read_listings([ListingIds(key="MUG")])

    assert [each.quantity for each in listing.locations] == [9]
