"""The home page: right numbers, a fixed number of queries, and alive when other things are not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from inventory_sync.backoffice.dashboard import snapshot
from inventory_sync.engine.models import OrderPace, SaleEvent, SyncCursor
from inventory_sync.engine.sale_events import start_now
from skumap.models import ChannelAccount
from tests.backoffice.shop import Shop

pytestmark = pytest.mark.django_db


def tile(board: dict, title: str) -> str:
    return next(each.value for each in board["tiles"] if each.title == title)


def row(board: dict, name: str) -> object:
    return next(each for each in board["accounts"] if each.account.name == name)


def test_the_tiles_count_what_they_say(shop: Shop) -> None:
    board = snapshot(shop.now)

    assert tile(board, "Oversold") == "1 SKU"
    assert tile(board, "Orders today") == "8"
    assert tile(board, "Orders waiting for a link") == "1"
    assert tile(board, "New listings") == "6"
    assert tile(board, "Incoming messages") == "1"


def test_an_account_shows_delays_and_how_far_it_was_read(shop: Shop) -> None:
    flipkart = row(snapshot(shop.now), "Flipkart main")

    assert [delay.label for delay in flipkart.delays] == [
        "Sale until we know",
        "Sale until others are sent",
        "Sent until seen there",
    ]
    assert flipkart.delays[1].usual == "52 s"
    assert flipkart.delays[1].worst == "3 min"
    assert [stream["label"] for stream in flipkart.read_up_to] == ["Orders"]
    assert not flipkart.read_up_to[0]["late"]


def test_calls_left_are_told_where_there_is_one_number(shop: Shop) -> None:
    board = snapshot(shop.now)

    flipkart = row(board, "Flipkart main").calls
    assert flipkart.hourly
    assert 0 < flipkart.left <= flipkart.limit
    assert row(board, "Amazon India").calls is None


def test_a_stream_that_fails_is_late(shop: Shop) -> None:
    SyncCursor.objects.filter(account=shop.flipkart, stream="orders").update(failures=2, last_error="HTTP 503")

    (orders,) = row(snapshot(shop.now), "Flipkart main").read_up_to

    assert orders["late"]
    assert orders["why"] == "HTTP 503"


def test_more_accounts_take_no_more_queries(shop: Shop) -> None:
    with CaptureQueriesContext(connection) as few:
        snapshot(shop.now)
    for number in range(5):
        account = ChannelAccount.objects.create(name=f"Shop {number}", channel="shopify", health="ok")
        SyncCursor.objects.create(account=account, stream="orders", next_due_at=shop.now)

    with CaptureQueriesContext(connection) as many:
        snapshot(shop.now)

    assert len(many) == len(few)
    assert len(few) <= 20


def test_it_is_there_without_redis(shop: Shop, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    board = snapshot(shop.now)

    assert row(board, "Flipkart main").calls is None
    assert tile(board, "Orders today") == "8"


def test_it_is_there_when_an_account_has_senseless_settings(shop: Shop) -> None:
    ChannelAccount.objects.filter(pk=shop.flipkart.pk).update(settings={"rate_per_hour": "many"})

    board = snapshot(shop.now)

    assert row(board, "Flipkart main").calls is None
    assert row(board, "Shopify store").calls is not None


def test_an_account_says_how_fast_its_orders_come(shop: Shop) -> None:
    OrderPace.objects.create(account=shop.flipkart, surge=6.04, usual_at=shop.now, surge_at=shop.now)
    OrderPace.objects.create(account=shop.shopify, surge=1.1, usual_at=shop.now, surge_at=shop.now)

    board = snapshot(shop.now)

    assert row(board, "Flipkart main").pace == "6.0 times as fast as usual"
    assert row(board, "Shopify store").pace == "as usual"


def test_a_sale_event_is_on_until_its_end(shop: Shop) -> None:
    event = start_now(name="Big day", hours=2, now=shop.now)

    assert snapshot(shop.now)["sale"]["on"] == event
    assert snapshot(shop.now + timedelta(hours=3))["sale"]["on"] is None
    assert snapshot(shop.now)["sale"]["next"] == SaleEvent.objects.get(name="Dhamaka week")


def test_the_first_steps_end_when_an_account_is_live(shop: Shop) -> None:
    assert snapshot(shop.now)["steps"] == []
    ChannelAccount.objects.update(mode="shadow")
    assert [step["done"] for step in snapshot(shop.now)["steps"]] == [True] * 7 + [False]


def test_the_page_fetches_itself(boss: Client) -> None:
    page = boss.get("/admin/").content.decode()
    fragment = boss.get("/admin/live/")

    assert 'hx-get="/admin/live/"' in page
    assert "every 5s" in page
    assert "Flipkart main" in fragment.content.decode()
    assert "<html" not in fragment.content.decode()


def test_whoever_is_logged_out_by_now_gets_the_login_page(client: Client) -> None:
    answer = client.get("/admin/live/")

    assert answer.status_code == 204
    assert answer["HX-Refresh"] == "true"


def test_what_staff_read_has_no_words_of_the_code(boss: Client) -> None:
    text = strip_tags(boss.get("/admin/live/").content.decode()).lower()

    assert not [word for word in ("exposure", "ledger", "drift", "shadow", "watermark", "latency") if word in text]
