"""The whole adapter against the sandbox shop: tokens, catalogue, quantities, orders, webhooks."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from channels_shopify.adapter import ShopifyAdapter
from inventory_sync.domain.errors import (
    BudgetError,
    CredentialsError,
    NotWritableError,
    RateLimitedError,
    RetryableError,
    SetupError,
    SignatureError,
)
from inventory_sync.domain.ports import PollPage, PushResult, Share, Token
from inventory_sync.domain.snapshots import Fulfilment, Hazard, ListingIds
from tests.channels.ports import FreeBudget, MemoryTokenStore, make_account, make_ports
from tests.channels.shopify.conftest import (
    DOMAIN,
    ITEMS,
    KURTA,
    MAIN,
    PLAIN,
    SAREE,
    SECOND,
    SECRET,
    THIRD_PARTY,
    row,
    update,
)


def shown(market, key: str = KURTA, place: str = MAIN) -> int:
    item = market.shop(None).variants[int(key)].item
    return item.levels[int(place)].available


def poll(adapter: ShopifyAdapter, stream: str = "orders", *, since: datetime | None = None) -> list[PollPage]:
    return list(adapter.poll(stream=stream, since=since, now=datetime.now(UTC)))


# --- connection -------------------------------------------------------------------------------------------------------------


def test_client_credentials_give_a_token_that_is_kept(adapter_for):
    tokens = MemoryTokenStore()
    adapter = adapter_for(tokens=tokens)

    who = adapter.identify()
    adapter.locations()

    assert (who.identity, who.missing) == (DOMAIN, ())
    assert tokens.saves == 1
    token = tokens.load()
    assert token is not None
    assert token.expires_at is not None
    assert timedelta(hours=23) < token.expires_at - token.obtained_at < timedelta(hours=24)


def test_a_static_token_is_used_when_the_account_has_one(adapter_for):
    tokens = MemoryTokenStore()

    assert adapter_for(credentials={"access_token": "shpat_static"}, tokens=tokens).identify().identity == DOMAIN
    assert tokens.saves == 0
    with pytest.raises(CredentialsError):
        adapter_for(credentials={"access_token": "shpat_wrong"}).identify()


def test_missing_permissions_are_named(adapter, market):
    market.command("scopes", {"scopes": ["read_products", "write_inventory", "read_locations"]})

    assert adapter.identify().missing == ("read_orders", "read_merchant_managed_fulfillment_orders")
    with pytest.raises(SetupError):
        poll(adapter)


def test_a_token_that_the_shop_refuses_is_replaced_once(adapter_for, market):
    tokens = MemoryTokenStore()
    adapter = adapter_for(tokens=tokens)
    adapter.identify()
    market.command("tokens", {"action": "expire"})

    assert adapter.push_stock([update(4, 5)])[0].result is PushResult.ACCEPTED
    assert tokens.saves == 2
    assert shown(market) == 4


def test_a_token_near_its_end_is_replaced_before_it_fails(adapter_for):
    now = datetime.now(UTC)
    tokens = MemoryTokenStore(
        default=Token(access="old", expires_at=now + timedelta(seconds=100), obtained_at=now - timedelta(hours=23))
    )

    adapter_for(tokens=tokens).identify()

    assert tokens.saves == 1


def test_a_token_that_another_process_has_replaced_is_taken_from_the_store(adapter_for):
    tokens = MemoryTokenStore()
    first, second = adapter_for(tokens=tokens), adapter_for(tokens=tokens)
    first.identify()
    fresh = tokens.load()
    assert fresh is not None

    taken = second._auth.renewed(refused=replace(fresh, access="an older one"))

    assert taken == fresh
    assert tokens.saves == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"same_organization": False}, "same organization"), ({"installed": False}, "not installed")],
)
def test_a_shop_that_gives_no_token_needs_a_person(adapter, market, settings, words):
    market.command("settings", settings)

    with pytest.raises(CredentialsError, match=words):
        adapter.identify()
    outcome = adapter.push_stock([update(4, 5)])[0]
    assert (outcome.result, outcome.setup) == (PushResult.REFUSED, True)


def test_a_frozen_shop_needs_a_person(adapter, market):
    market.command("settings", {"shop_state": "frozen"})

    with pytest.raises(SetupError):
        adapter.locations()


def signed(query: dict[str, str]) -> dict[str, str]:
    message = urlencode(sorted(query.items()))
    return {**query, "hmac": hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()}


def test_connecting_by_authorization_code_gives_a_token_that_is_refreshed(adapter_for, market, sandbox):
    tokens = MemoryTokenStore()
    adapter = adapter_for(tokens=tokens, grant="authorization_code")
    with pytest.raises(CredentialsError, match="connect the shop"):
        adapter.identify()
    url = adapter.authorize_url(state="s-1", redirect_uri="https://sync.example.com/done")
    asked = parse_qs(urlsplit(url).query)
    assert (asked["client_id"], asked["state"]) == (["client"], ["s-1"])
    market.shop(None).codes["code-1"] = "https://sync.example.com/done"
    query = {"code": "code-1", "shop": DOMAIN, "state": "s-1", "timestamp": str(int(datetime.now(UTC).timestamp()))}

    who = adapter.exchange_code(
        code="code-1", state="s-1", redirect_uri="https://sync.example.com/done", query=signed(query)
    )

    assert who.identity == DOMAIN
    first = tokens.load()
    assert first is not None
    assert first.refresh
    market.command("tokens", {"action": "expire"})
    adapter.locations()
    second = tokens.load()
    assert second is not None
    assert second.refresh not in ("", first.refresh)


@pytest.mark.parametrize(
    "change",
    [{"hmac": "0" * 64}, {"hmac": ""}, {"shop": "other.myshopify.com"}, {"timestamp": "1"}, {"timestamp": "x"}],
)
def test_a_callback_that_shopify_did_not_sign_just_now_for_this_shop_is_refused(adapter_for, change):
    query = {"code": "c", "shop": DOMAIN, "state": "s", "timestamp": str(int(datetime.now(UTC).timestamp()))}
    query = {**signed(query), **change} if "hmac" in change else signed({**query, **change})

    with pytest.raises(SignatureError):
        adapter_for(grant="authorization_code").exchange_code(code="c", state="s", redirect_uri="x", query=query)


@pytest.mark.parametrize("identity", ["evil.com/.myshopify.com", "shop.example.com", "a b.myshopify.com", ""])
def test_a_shop_domain_becomes_an_address_only_if_it_is_one(identity):
    account = make_account(
        channel="shopify",
        api_base="",
        identity=identity,
        credentials={"access_token": "t"},
        defaults=ShopifyAdapter.defaults,
    )

    with pytest.raises(SetupError):
        ShopifyAdapter(account=account, ports=make_ports()).identify()


# --- catalogue --------------------------------------------------------------------------------------------------------------


def test_locations_say_which_are_ours(adapter):
    assert {place.location_id: place.managed for place in adapter.locations()} == {
        MAIN: True, SECOND: True, THIRD_PARTY: False,
    }  # fmt: skip


@pytest.mark.parametrize("page_size", [1, 50])
def test_a_pull_gives_every_variant_with_levels_and_hazards(adapter_for, page_size):
    pages = list(adapter_for(variants_page_size=page_size).pull_listings())

    listings = {each.ids.key: each for page in pages for each in page.listings}
    assert set(listings) == {KURTA, SAREE, PLAIN}
    assert len(pages) == (3 if page_size == 1 else 1)
    assert pages[-1].cursor == ""
    kurta = listings[KURTA]
    assert (kurta.ids.listing_ref, kurta.ids.seller_sku, kurta.hsn, kurta.price) == (
        ITEMS[KURTA], "KURTA-M", "62044220", Decimal("1299.00"),
    )  # fmt: skip
    assert {each.location_id: each.quantity for each in kurta.locations} == {MAIN: 5, SECOND: 2}
    assert listings[SAREE].hazards == {Hazard.CONTINUES_SELLING, Hazard.UNMANAGED_STOCK}
    assert Hazard.UNTRACKED in listings[PLAIN].hazards


def test_a_pull_continues_where_it_stopped(adapter_for):
    first = next(iter(adapter_for(variants_page_size=1).pull_listings()))

    rest = list(adapter_for(variants_page_size=1).pull_listings(cursor=first.cursor))

    assert len({each.ids.key for page in [first, *rest] for each in page.listings}) == 3


def test_a_pull_beyond_the_limit_of_one_paging_begins_anew_behind_an_anchor(adapter_for, monkeypatch):
    monkeypatch.setattr("channels_shopify.adapter.ANCHOR_AFTER_VARIANTS", 2)

    pages = list(adapter_for(variants_page_size=1).pull_listings())

    assert len({each.ids.key for page in pages for each in page.listings}) == 3
    assert [page.cursor.partition("|")[0] != "" for page in pages] == [False, True, False]


def test_listings_are_read_by_id_and_deleted_ones_left_out(adapter):
    found = adapter.read_listings(
        [ListingIds(key=KURTA), ListingIds(key="1"), ListingIds(key=KURTA), ListingIds(key="")]
    )

    assert [each.ids.key for each in found] == [KURTA]


def test_hazards_that_an_api_can_settle_are_settled(adapter, market):
    saree = ListingIds(key=SAREE, product_id="9000000000002", listing_ref=ITEMS[SAREE])
    plain = ListingIds(key=PLAIN, product_id="9000000000002", listing_ref=ITEMS[PLAIN])
    market.command("scopes", {"scopes": [*sorted(market.shop(None).scopes), "write_products"]})

    adapter.fix_hazard(listing=saree, hazard=Hazard.CONTINUES_SELLING)
    adapter.fix_hazard(listing=plain, hazard=Hazard.UNTRACKED)

    hazards = {each.ids.key: each.hazards for each in adapter.read_listings([saree, plain])}
    assert hazards == {SAREE: {Hazard.UNMANAGED_STOCK}, PLAIN: frozenset()}
    with pytest.raises(NotWritableError):
        adapter.fix_hazard(listing=saree, hazard=Hazard.BUNDLE_PARENT)


# --- quantities ---------------------------------------------------------------------------------------------------------------


def test_a_quantity_is_set_when_the_comparison_holds(adapter_for, market):
    budget = FreeBudget()

    outcome = adapter_for(budget=budget).push_stock([replace(update(3, 5), share=Share.URGENT)])[0]

    assert outcome.result is PushResult.ACCEPTED
    assert outcome.request_id
    assert shown(market) == 3
    assert ("set_quantities", Share.URGENT, 13.0) in budget.taken
    assert budget.learned[-1]["capacity"] == 2000


def test_setting_what_already_stands_is_accepted(adapter, market):
    assert adapter.push_stock([update(5, 5)])[0].result is PushResult.ACCEPTED
    assert adapter.push_stock([update(-4, 5)])[0].result is PushResult.ACCEPTED
    assert shown(market) == 0


def test_a_sale_in_between_makes_the_write_stale_and_nothing_is_overwritten(adapter, market):
    assert market.buy(listing_key=KURTA, units=2).accepted

    outcome = adapter.push_stock([update(5, 5)])[0]

    assert (outcome.result, outcome.code) == (PushResult.STALE, "CHANGE_FROM_QUANTITY_STALE")
    assert shown(market) == 3


def test_one_push_carries_only_what_the_batch_size_allows(adapter, market):
    outcomes = adapter.push_stock([update(4, 5), update(1, 2, ref=row(place=SECOND, row_id=2))])

    assert [(each.row_id, each.result) for each in outcomes] == [(1, PushResult.ACCEPTED), (2, PushResult.NOT_SENT)]
    assert shown(market, place=SECOND) == 2


def test_a_bulk_write_is_all_or_nothing(adapter, market):
    updates = [update(4, 5), update(1, 2, ref=row(place=SECOND, row_id=2))]

    job = adapter.start_bulk([*updates[:1], update(0, 7, ref=row(place=SECOND, row_id=2))])
    assert {each.result for each in job.outcomes} == {PushResult.STALE}
    assert (shown(market), shown(market, place=SECOND)) == (5, 2)

    job = adapter.start_bulk([replace(each, idempotency_key=f"again-{each.row.row_id}") for each in updates])
    assert job.done
    assert {each.result for each in job.outcomes} == {PushResult.ACCEPTED}
    assert (shown(market), shown(market, place=SECOND)) == (4, 1)


def test_one_bad_row_of_a_bulk_write_is_named_and_the_others_are_not_written(adapter, market):
    bad = row(row_id=2)
    bad = replace(bad, listing=ListingIds(key="1", listing_ref="999"))

    job = adapter.start_bulk([update(4, 5), update(1, 2, ref=bad), update(0, 9, ref=row(row_id=3))])

    results = [(each.result, each.code, each.permanent) for each in job.outcomes]
    assert results == [
        (PushResult.NOT_SENT, "BATCH_REFUSED", False),
        (PushResult.REFUSED, "INVALID_INVENTORY_ITEM", True),
        (PushResult.NOT_SENT, "NEXT_CALL", False),
    ]
    assert shown(market) == 5


def test_an_unknown_location_is_refused_for_good(adapter):
    outcome = adapter.push_stock([update(4, 5, ref=row(place="404"))])[0]

    assert (outcome.result, outcome.permanent, outcome.code) == (PushResult.REFUSED, True, "INVALID_LOCATION")


@pytest.mark.parametrize("fulfilment", [Fulfilment.FBA, Fulfilment.FBF, Fulfilment.UNKNOWN])
def test_what_is_not_ours_is_refused_before_any_call(adapter_for, fulfilment):
    budget = FreeBudget()

    outcome = adapter_for(budget=budget).push_stock([update(4, 5, ref=row(fulfilment=fulfilment))])[0]

    assert (outcome.result, outcome.permanent) == (PushResult.REFUSED, True)
    assert budget.taken == []


def test_an_item_not_stocked_at_the_location_is_activated(adapter, market):
    (before,) = adapter.read_stock([row(SAREE, place=SECOND)])
    assert (before.quantity, before.enabled, before.active) == (None, False, True)

    outcome = adapter.push_stock([update(2, None, ref=row(SAREE, place=SECOND))])[0]

    assert outcome.result is PushResult.ACCEPTED
    (after,) = adapter.read_stock([row(SAREE, place=SECOND)])
    assert (after.quantity, after.enabled) == (2, True)


def test_activating_what_is_active_changes_nothing_and_asks_for_a_read(adapter, market):
    outcome = adapter.push_stock([update(2, None)])[0]

    assert (outcome.result, outcome.code) == (PushResult.STALE, "ALREADY_ACTIVE")
    assert shown(market) == 5


def test_a_set_that_silently_does_nothing_is_noticed(adapter, market):
    market.command("settings", {"silent_set_on_inactive": True})

    outcome = adapter.push_stock([update(2, 0, ref=row(SAREE, place=SECOND))])[0]

    assert outcome.result is PushResult.ACCEPTED
    assert shown(market, SAREE, SECOND) == 2


@pytest.mark.parametrize(
    ("fault", "options", "result"),
    [
        ("shopify.http_500", {}, PushResult.UNKNOWN),
        ("shopify.http_504_html", {}, PushResult.UNKNOWN),
        ("shopify.http_5xx_after_write", {}, PushResult.UNKNOWN),
        ("shopify.internal_error", {}, PushResult.UNKNOWN),
        ("shopify.idempotency_concurrent", {}, PushResult.UNKNOWN),
        ("shopify.http_429", {"retry_after": 2}, PushResult.NOT_SENT),
        ("shopify.throttled", {}, PushResult.NOT_SENT),
    ],
)
def test_a_write_that_fails_is_sent_once_and_says_whether_it_may_count(
    adapter, market, sandbox, fault, options, result
):
    adapter.identify()
    sandbox.world.faults.switch_on(fault, times=1, **options)

    outcome = adapter.push_stock([update(4, 5)])[0]

    assert outcome.result is result
    assert shown(market) == (4 if fault.endswith("after_write") else 5)
    assert sandbox.world.faults.active() == {}
    if result is PushResult.NOT_SENT:
        assert outcome.retry_after is not None
        assert outcome.retry_after >= 1


def test_a_late_answer_is_unknown(adapter_for, market, sandbox):
    adapter = adapter_for(write_deadline_seconds=0.5)
    adapter.identify()
    sandbox.world.faults.switch_on("shopify.slow_answer", times=1, seconds=1)

    assert adapter.push_stock([update(4, 5)])[0].result is PushResult.UNKNOWN
    assert shown(market) == 4


def test_without_budget_nothing_is_sent(adapter_for, market):
    outcome = adapter_for(budget=FreeBudget(spent={"set_quantities"})).push_stock([update(4, 5)])[0]

    assert (outcome.result, outcome.retry_after) == (PushResult.NOT_SENT, 7.0)
    assert shown(market) == 5


def test_an_account_that_can_not_be_used_is_an_outcome_and_no_crash():
    account = make_account(channel="shopify", api_base="http://[", identity=DOMAIN, defaults=ShopifyAdapter.defaults)

    outcome = ShopifyAdapter(account=account, ports=make_ports()).push_stock([update(4, 5)])[0]

    assert (outcome.result, outcome.setup) == (PushResult.REFUSED, True)


def test_levels_are_read_by_id_and_right_at_once(adapter, market):
    before = datetime.now(UTC)
    adapter.push_stock([update(3, 5)])
    gone = replace(row(row_id=9), listing=ListingIds(key="1", listing_ref="404"))

    readings = {
        each.row_id: each
        for each in adapter.read_stock([row(), row(place=SECOND, row_id=2), row(PLAIN, row_id=3), gone])
    }

    assert (readings[1].quantity, readings[2].quantity, readings[9].quantity, readings[9].active) == (3, 2, None, False)
    assert readings[3].hazards == {Hazard.UNTRACKED}
    assert before <= readings[1].began_at <= datetime.now(UTC)


def test_reads_are_tried_again_and_writes_of_the_budget_are_respected(adapter_for, sandbox):
    adapter = adapter_for()
    adapter.identify()
    sandbox.world.faults.switch_on("shopify.http_500", times=1)

    assert adapter.read_stock([row()])[0].quantity == 5
    with pytest.raises(BudgetError):
        adapter_for(budget=FreeBudget(spent={"levels"})).read_stock([row()])


# --- orders -----------------------------------------------------------------------------------------------------------------


def test_a_poll_names_orders_and_reading_by_id_adds_the_location(adapter, market):
    bought = market.buy(listing_key=KURTA, units=2)

    pages = poll(adapter)

    (order,) = [order for page in pages for order in page.orders]
    assert (order.key, order.confirm, order.lines[0].location_id) == (bought.order_id, True, None)
    (read,) = adapter.fetch_orders([bought.order_id, bought.order_id, "404"])
    (line,) = read.lines
    assert (read.complete, line.ordered, line.listing.key, line.location_id) == (True, 2, KURTA, MAIN)
    assert line.listing.listing_ref == ITEMS[KURTA]


def test_a_complete_round_proves_orders_up_to_five_minutes_before_it(adapter_for, market):
    for _ in range(5):
        market.buy(listing_key=KURTA)
    before = datetime.now(UTC)

    pages = poll(adapter_for(orders_page_size=2))

    assert [page.complete_until is not None for page in pages] == [False, False, True]
    assert sum(len(page.orders) for page in pages) == 5
    assert pages[-1].complete_until is not None
    assert abs((pages[-1].complete_until - before).total_seconds() + 300) < 5


def test_a_poll_overlaps_the_last_one(adapter, market):
    market.buy(listing_key=KURTA)

    assert sum(len(page.orders) for page in poll(adapter, since=datetime.now(UTC) + timedelta(seconds=200))) == 1
    assert sum(len(page.orders) for page in poll(adapter, since=datetime.now(UTC) + timedelta(seconds=900))) == 0


def test_a_very_long_poll_begins_anew_at_the_last_order_it_saw(adapter_for, market, monkeypatch):
    monkeypatch.setattr("channels_shopify.adapter.ANCHOR_AFTER_PAGES", 2)
    market.command("set_level", {"listing_key": KURTA, "quantity": 50})
    keys = {market.buy(listing_key=KURTA).order_id for _ in range(7)}

    pages = poll(adapter_for(orders_page_size=2))

    assert {order.key for page in pages for order in page.orders} == keys


def counts(adapter: ShopifyAdapter, order_id: str) -> tuple[int | None, ...]:
    (line,) = adapter.fetch_orders([order_id])[0].lines
    return line.ordered, line.cancelled, line.cancelled_kept, line.shipped, line.returned, line.returned_restocked


def test_every_turn_of_an_orders_life_is_counted(adapter, market):
    order_id = market.buy(listing_key=KURTA, units=5).order_id
    assert counts(adapter, order_id) == (5, 0, 0, 0, 0, 0)
    market.cancel(order_id=order_id, units=1)
    assert counts(adapter, order_id) == (5, 1, 0, 0, 0, 0)
    market.cancel(order_id=order_id, units=1, restock=False)
    assert counts(adapter, order_id) == (5, 1, 1, 0, 0, 0)
    market.ship(order_id=order_id, units=2)
    ordered, cancelled, kept, shipped, *_ = counts(adapter, order_id)
    assert (ordered, cancelled, (kept or 0) + (shipped or 0)) == (5, 1, 3)
    market.command("refund", {"order_id": order_id, "units": 1, "restock_type": "return"})
    assert counts(adapter, order_id)[4:] == (1, 1)


def test_an_edit_frees_its_units_and_a_cancelled_order_without_restock_keeps_them(adapter, market):
    edited = market.buy(listing_key=KURTA, units=2).order_id
    market.command("edit", {"order_id": edited, "delta": -1})
    assert counts(adapter, edited) == (2, 1, 0, 0, 0, 0)

    cancelled = market.buy(listing_key=KURTA, units=2).order_id
    market.cancel(order_id=cancelled, restock=False)
    assert counts(adapter, cancelled) == (2, 0, 2, 0, 0, 0)
    assert adapter.fetch_orders([cancelled])[0].status == "cancelled"


def test_an_order_that_moves_to_another_location_says_so(adapter, market):
    order_id = market.buy(listing_key=KURTA).order_id
    market.command("move", {"order_id": order_id, "from": MAIN, "to": SECOND})

    assert adapter.fetch_orders([order_id])[0].lines[0].location_id == SECOND


def test_open_orders_of_a_listing_are_found(adapter, market):
    order_id = market.buy(listing_key=KURTA).order_id
    market.buy(listing_key=SAREE)

    found = adapter.find_orders(listing=ListingIds(key=KURTA, seller_sku="KURTA-M"))

    assert [order.key for order in found] == [order_id]


def test_levels_that_changed_are_polled_for_what_webhooks_missed(adapter, market):
    begun = datetime.now(UTC)
    market.buy(listing_key=KURTA)

    pages = poll(adapter, "levels", since=begun - timedelta(minutes=1))

    changes = {(each.listing_ref, each.location_id): each.at for page in pages for each in page.levels}
    assert changes[row().listing.listing_ref, MAIN] >= begun.replace(microsecond=0)
    assert [page.complete_until is not None for page in pages].count(True) == 1
    assert pages[-1].complete_until is not None


def test_no_level_of_long_ago_is_polled(adapter, market):
    pages = poll(adapter, "levels", since=datetime.now(UTC) + timedelta(hours=1))

    assert [each for page in pages for each in page.levels] == []


def test_an_unknown_stream_is_a_mistake_of_setup(adapter):
    with pytest.raises(SetupError):
        poll(adapter, "weather")


def test_throttled_reads_wait_as_long_as_the_shop_says(adapter, market, sandbox):
    adapter.identify()
    sandbox.world.faults.switch_on("shopify.throttled", times=1)

    started = datetime.now(UTC)
    assert adapter.read_stock([row()])[0].quantity == 5

    assert datetime.now(UTC) - started >= timedelta(seconds=1)


def test_a_shop_that_stays_down_is_reported_as_such(adapter_for, sandbox):
    budget = FreeBudget()
    adapter = adapter_for(budget=budget)
    adapter.identify()
    sandbox.world.faults.switch_on("shopify.http_429", retry_after=100)

    with pytest.raises(RateLimitedError) as caught:
        adapter.locations()
    assert caught.value.retry_after == 100
    assert budget.emptied == [("graphql", 100)]
    sandbox.world.faults.clear()
    sandbox.world.faults.switch_on("shopify.token_500", times=10)
    with pytest.raises(RetryableError):
        adapter_for()._auth._ask({"grant_type": "client_credentials"}, retries=0)


# --- webhooks -----------------------------------------------------------------------------------------------------------------


def test_subscribing_twice_is_safe_and_reports_each_topic(adapter, market, inbox):
    market.command("settings", {"webhook_api_version": "2026-04"})
    market.command("scopes", {"scopes": sorted({*market.shop(None).scopes} - {"read_returns"})})

    first = adapter.subscribe(callback_url=inbox.url)
    again = adapter.subscribe(callback_url=inbox.url)

    assert "ORDERS_CREATE: created, but its payloads are version 2026-04 instead of 2026-10" in first
    assert any(line.startswith("RETURNS_CLOSE: not subscribed") for line in first)
    assert "ORDERS_CREATE: present, but its payloads are version 2026-04 instead of 2026-10" in again
    elsewhere = adapter.subscribe(callback_url=f"{inbox.url}/new")
    assert any(line.startswith("ORDERS_CREATE: also delivered") for line in elsewhere)


def test_a_real_delivery_is_checked_and_understood(adapter, market, inbox):
    adapter.subscribe(callback_url=inbox.url)
    bought = market.buy(listing_key=KURTA, units=2, cod=True)

    created = inbox.wait_for("orders/create")
    check = adapter.check_delivery(created)
    event = adapter.parse_delivery(created)

    assert (check.topic, check.stale) == ("orders/create", False)
    assert check.key
    (order,) = event.orders
    assert (order.key, order.lines[0].listing.key, order.lines[0].ordered) == (bought.order_id, KURTA, 2)
    assert order.lines[0].line_key == bought.line_ids[0]
    level = adapter.parse_delivery(inbox.wait_for("inventory_levels/update"))
    assert level.levels == ((ITEMS[KURTA], MAIN),)
    with pytest.raises(SignatureError):
        adapter.check_delivery(replace(created, body=created.body + b" "))


def test_webhook_and_read_agree_about_a_cancelled_order(adapter, market, inbox):
    adapter.subscribe(callback_url=inbox.url)
    order_id = market.buy(listing_key=KURTA, units=3).order_id
    market.cancel(order_id=order_id)

    (told,) = adapter.parse_delivery(inbox.wait_for("orders/cancelled")).orders
    (read,) = adapter.fetch_orders([order_id])

    said, known = told.lines[0], read.lines[0]
    assert (
        (said.cancelled, said.cancelled_kept, said.shipped)
        == (known.cancelled, known.cancelled_kept, known.shipped)
        == (3, 0, 0)
    )
    assert told.updated_at is not None
    assert read.updated_at is not None
    assert abs(told.updated_at - read.updated_at) < timedelta(seconds=1)


def test_the_test_notification_moves_nothing(adapter, market, inbox):
    adapter.subscribe(callback_url=inbox.url)
    market.command("test_notification", {})

    (order,) = adapter.parse_delivery(inbox.wait_for("orders/create")).orders

    assert order.test


def test_deliveries_signed_with_a_new_secret_pass_once_it_is_known(adapter_for, market, inbox):
    adapter_for().subscribe(callback_url=inbox.url)
    market.command("rotate_secret", {"webhook_secret": "newer"})
    market.buy(listing_key=KURTA)
    delivery = inbox.wait_for("orders/create")

    with pytest.raises(SignatureError):
        adapter_for().check_delivery(delivery)
    both = {"client_id": "client", "client_secret": SECRET, "webhook_secrets": f"{SECRET}, newer"}
    assert adapter_for(credentials=both).check_delivery(delivery).key


def test_there_is_no_queue(adapter):
    assert adapter.receive_messages(wait_seconds=0) == []
    adapter.delete_messages([])
