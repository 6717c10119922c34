"""Seller accounts through the API: input, secrets, modes, what the channel is asked; status; sale events; alerts; orders."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inventory_sync.alerts.models import Alert
from inventory_sync.alerts.services import raise_alert
from inventory_sync.engine.models import LatencySample, ListingState, SaleEvent, SyncCursor
from inventory_sync.orders.models import Order, OrderLine
from skumap.models import AccountToken, ChannelAccount, ChannelLocation, Listing
from tests.api.conftest import SECRET, SHOP

NEW = {
    "channel": "shopify",
    "name": "Shop two",
    "identity": "https://Two-Shop.myshopify.com/",
    "credentials": {"client_id": "c", "client_secret": "very-secret-value"},
    "settings": {"poll_seconds": "30", "read_order_locations": "no", "scopes": "read_orders,read_products"},
}


def test_an_account_is_added_in_trial_run_and_its_secrets_are_never_read(api):
    answer = api.post("accounts/", NEW)
    body = answer.json()

    assert answer.status_code == 201
    assert (body["mode"], body["health"], body["identity"]) == ("shadow", "new", "two-shop.myshopify.com")
    assert body["credential_names"] == ["client_id", "client_secret"]
    assert body["settings"] == {
        "poll_seconds": 30,
        "read_order_locations": False,
        "scopes": "read_orders,read_products",
    }
    account = ChannelAccount.objects.get()
    assert body["webhook_url"].endswith(f"/webhooks/shopify/{account.webhook_key}/")
    for path in ("accounts/", f"accounts/{account.pk}/", f"accounts/{account.pk}/settings/", "sync/"):
        assert b"very-secret-value" not in api.get(path).content
    assert account.credentials["client_secret"] == "very-secret-value"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel": "ebay"}, "channel"),
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"api_base": "ftp://x"}, "api_base"),
        ({"api_base": "https://user:pw@x.example.com"}, "api_base"),
        ({"settings": {"poll_secnds": 1}}, "settings.poll_secnds"),
        ({"settings": {"poll_seconds": "often"}}, "settings.poll_seconds"),
        ({"settings": {"poll_seconds": -1}}, "settings.poll_seconds"),
        ({"settings": {"read_order_locations": "perhaps"}}, "settings.read_order_locations"),
        ({"credentials": {"client_id": ["x"]}}, "credentials"),
        ({"mode": "live"}, "mode"),
        ({"mode": "fast"}, "mode"),
        ({"secret": "x"}, "secret"),
    ],
)
def test_an_account_that_makes_no_sense_names_the_field_and_is_not_kept(api, change, field):
    answer = api.post("accounts/", {**NEW, **change})

    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]
    assert not ChannelAccount.objects.exists()


def test_an_unknown_setting_is_told_with_the_ones_it_may_mean(api):
    answer = api.post("accounts/", {**NEW, "settings": {"order_poll_seconds": 1}})

    assert "poll_seconds" in answer.json()["error"]["fields"]["settings.order_poll_seconds"][0]


def test_name_and_identity_are_taken_once(api, shop):
    assert "name" in api.post("accounts/", {**NEW, "name": shop.name}).json()["error"]["fields"]
    assert "identity" in api.post("accounts/", {**NEW, "identity": SHOP.upper()}).json()["error"]["fields"]


def test_private_hosts_are_refused_unless_they_are_allowed(api, settings):
    settings.ALLOW_PRIVATE_HOSTS = False

    for url in ("http://127.0.0.1:8600/x", "https://10.0.0.1", "http://api.example.com", "https://localhost"):
        assert "api_base" in api.post("accounts/", {**NEW, "api_base": url}).json()["error"]["fields"]
    assert api.post("accounts/", {**NEW, "api_base": "https://api.example.com/"}).status_code == 201


def test_credentials_and_settings_are_merged_and_null_takes_one_out(api, shop):
    shop.settings = {"poll_seconds": 7}
    shop.save()
    path = f"accounts/{shop.pk}/"
    body = api.patch(
        path, {"credentials": {"webhook_secrets": "a,b", "client_id": None}, "settings": {"know_seconds": 2}}
    ).json()

    assert body["credential_names"] == ["client_secret", "webhook_secrets"]
    assert body["settings"] == {"poll_seconds": 7, "know_seconds": 2}
    assert api.patch(path, {"settings": {"poll_seconds": None}}).json()["settings"] == {"know_seconds": 2}
    shop.refresh_from_db()
    assert shop.credentials == {"client_secret": SECRET, "webhook_secrets": "a,b"}


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"settings": {"poll_seconds": 5}}, True),
        ({"credentials": {"client_secret": "rotated"}}, True),
        ({"credentials": {"client_id": "another app"}}, False),
        ({"identity": "other.myshopify.com"}, False),
        ({"api_base": "http://127.0.0.1:1"}, False),
    ],
)
def test_a_token_is_forgotten_when_it_belongs_to_somebody_else(api, shop, change, kept):
    AccountToken.objects.create(account=shop, data={"access": "t"})

    assert api.patch(f"accounts/{shop.pk}/", change).status_code == 200
    assert AccountToken.objects.exists() is kept


def test_an_account_with_listings_stays_with_its_seller(api, shop, listing):
    answer = api.patch(f"accounts/{shop.pk}/", {"identity": "other.myshopify.com"})

    assert answer.status_code == 400
    assert SHOP in answer.json()["error"]["fields"]["identity"][0]
    assert api.patch(f"accounts/{shop.pk}/", {"identity": SHOP}).status_code == 200
    assert api.patch(f"accounts/{shop.pk}/", {"channel": "amazon"}).status_code == 400


def test_every_setting_is_listed_with_its_default(api, flipkart):
    flipkart.settings = {"poll_seconds": 60}
    flipkart.save()
    rows = {row["name"]: row for row in api.get(f"accounts/{flipkart.pk}/settings/").json()}

    assert rows["poll_seconds"] == {"name": "poll_seconds", "value": 60, "default": 300, "own": True}
    assert rows["reconcile_seconds"]["own"] is False


def test_a_mode_is_switched_and_live_says_what_is_missing(api, shop, listing, warehouse):
    path = f"accounts/{shop.pk}/"
    refused = api.post(f"{path}go-live/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_ready")
    assert "connection" in refused.json()["error"]["message"]

    ChannelAccount.objects.update(health="ok", last_success_at=timezone.now())
    assert "warehouses" in api.patch(path, {"mode": "live"}).json()["error"]["message"]
    api.put(f"locations/{ChannelLocation.objects.get().pk}/warehouses/", {"warehouses": ["BLR"]})
    assert api.post(f"{path}go-live/").json()["mode"] == "live"
    assert api.patch(path, {"mode": "paused"}).json()["mode"] == "paused"
    assert api.post(f"{path}pause/").json()["mode"] == "paused"
    assert api.post(f"{path}go-shadow/").json()["mode"] == "shadow"


def test_an_account_is_tested_pulled_and_subscribed_against_a_marketplace(api, sandbox, warehouse, shop):
    sandbox.shopify.load(
        {
            "domain": SHOP,
            "client_id": "client",
            "client_secret": SECRET,
            "locations": [{"id": "68000000001", "name": "Bengaluru"}],
            "products": [
                {"id": "1", "title": "Tee", "variants": [{"id": "11", "inventory_item_id": "12", "sku": "TEE-M"}]}
            ],
        }
    )
    path = f"accounts/{shop.pk}/"
    api.patch(path, {"api_base": f"{sandbox.url}/shopify/{SHOP}"})

    tested = api.post(f"{path}test/")
    assert tested.json() == {"ok": True, "identity": SHOP, "name": tested.json()["name"], "missing": []}
    assert api.get(path).json()["health"] == "ok"
    assert api.post(f"{path}pull/", {"wait": True}).json() == {"started": True, "listings": 1}
    assert Listing.objects.get().key == "11"
    assert api.post(f"{path}pull/").status_code == 202
    lines = api.post(f"{path}subscribe/", {"callback_url": "https://hooks.example.in/x/"}).json()["lines"]
    assert lines
    assert any("hooks.example.in" in each["uri"] for each in _subscriptions(sandbox))


def _subscriptions(sandbox):
    return [{"uri": each.uri} for each in sandbox.shopify.shop(None).subscriptions.values()]


def test_wrong_credentials_are_a_setup_error_in_words(api, sandbox, shop):
    sandbox.shopify.load({"domain": SHOP, "client_id": "client", "client_secret": "another"})
    path = f"accounts/{shop.pk}/"
    api.patch(path, {"api_base": f"{sandbox.url}/shopify/{SHOP}"})

    answer = api.post(f"{path}test/")

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "setup")
    assert SECRET not in answer.content.decode()
    assert api.get(path).json()["health"] == "broken"
    assert Alert.objects.filter(kind="account_broken").exists()


def test_a_channel_that_is_out_of_reach_is_told_apart(api, flipkart):
    flipkart.api_base = "http://127.0.0.1:1"
    flipkart.settings = {"read_retries": 0}
    flipkart.save()

    answer = api.post(f"accounts/{flipkart.pk}/test/")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "retry_later")
    assert int(answer.headers["Retry-After"]) >= 1
    assert api.get(f"accounts/{flipkart.pk}/").json()["health"] != "broken"


def test_sync_status_says_how_each_account_is_doing(api, shop, listing, flipkart):
    now = timezone.now()
    for seconds in (1, 2, 3, 100):
        LatencySample.objects.create(account=shop, kind="detect", seconds=seconds, at=now)
    location = ChannelLocation.objects.get()
    ListingState.objects.create(listing=listing, location=location, account=shop, stale_since=now)
    SyncCursor.objects.create(account=shop, stream="orders", next_due_at=now, high_water=now)

    rows = {row["name"]: row for row in api.get("sync/").json()}

    mine = rows["Demo shop"]
    assert mine["delays"]["detect"]["p50"] == 2.5
    assert mine["delays"]["detect"]["count"] == 4
    assert (mine["waiting_rows"], mine["mode"]) == (1, "shadow")
    assert [cursor["stream"] for cursor in mine["cursors"]] == ["orders"]
    assert rows["Flipkart one"]["delays"] == {}
    assert rows["Flipkart one"]["budget"]["api"] == {
        "limit": 900.0,
        "left": 900.0,
        "blocked_seconds": 0.0,
        "shared": True,
    }
    assert api.get(f"sync/{shop.pk}/").json()["name"] == "Demo shop"


def test_sync_status_is_there_while_redis_is_away(api, flipkart, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    answer = api.get("sync/")

    assert answer.json()[0]["budget"]["api"]["shared"] is False


def test_account_lists_take_a_fixed_number_of_queries(api, django_assert_num_queries):
    def add(number):
        account = ChannelAccount.objects.create(channel="flipkart", name=f"fk{number}")
        SyncCursor.objects.create(account=account, stream="orders", next_due_at=timezone.now())
        raise_alert(kind="test", key=str(number), title="x", account_id=account.pk)
        event = SaleEvent.objects.create(
            name="e", starts_at=timezone.now(), ends_at=timezone.now() + timedelta(hours=1)
        )
        event.accounts.add(account)
        order = Order.objects.create(account=account, key=str(number), order_number="1", first_seen_at=timezone.now())
        OrderLine.objects.create(order=order, account=account, line_key="1", listing_key="K", ordered=1)

    expected = {"accounts/": 2, "sync/": 6, "alerts/": 2, "sale-events/": 3, "orders/": 3}
    add(0)
    for path in expected:
        api.get(path)
    for path, queries in expected.items():
        with django_assert_num_queries(queries):
            api.get(path)
    for number in range(1, 8):
        add(number)
    for path in expected:
        api.get(path)  # each account's call history is read once, when Redis first counts for it
    for path, queries in expected.items():
        with django_assert_num_queries(queries):
            api.get(path)


def test_a_sale_event_starts_now_and_is_stopped(api, shop):
    SyncCursor.objects.create(account=shop, stream="orders", next_due_at=timezone.now() + timedelta(hours=1))
    made = api.post("sale-events/", {"name": "Big sale", "hours": 6})

    assert made.status_code == 201
    assert made.json()["is_on"] is True
    assert SyncCursor.objects.get().next_due_at <= timezone.now()
    path = f"sale-events/{made.json()['id']}/stop/"
    assert api.post(path).json()["is_on"] is False
    assert api.post(path).status_code == 200


def test_a_sale_event_can_be_planned_for_some_accounts(api, shop):
    starts = timezone.now() + timedelta(days=1)
    body = {"name": "Later", "starts_at": starts.isoformat(), "ends_at": (starts + timedelta(hours=2)).isoformat()}
    made = api.post("sale-events/", {**body, "accounts": [shop.name], "lift": 6})

    assert made.status_code == 201
    assert (made.json()["accounts"], made.json()["is_on"], made.json()["lift"]) == ([shop.pk], False, 6.0)
    for wrong in (
        {"name": "x"},
        {**body, "ends_at": body["starts_at"]},
        {**body, "hours": 1},
        {"name": "x", "hours": 0},
        {"name": "x", "hours": 1, "lift": 0.5},
    ):
        assert api.post("sale-events/", wrong).status_code == 400


def test_an_alert_is_acknowledged_and_stays_open(api, shop):
    raise_alert(kind="test", key="1", title="Look", account_id=shop.pk)
    pk = Alert.objects.get().pk

    assert api.post(f"alerts/{pk}/acknowledge/").json()["acknowledged_at"] is not None
    assert [
        row["id"] for row in api.get("alerts/", open="true", acknowledged="true", account=shop.pk).json()["results"]
    ] == [pk]
    assert api.get("alerts/", open="false").json()["results"] == []
    assert api.get("alerts/", acknowledged="false").json()["results"] == []


def test_orders_are_read_and_filtered(api, shop, flipkart, stocked):
    now = timezone.now()
    for account, number, age in ((shop, "1001", 5), (flipkart, "OD1", 1)):
        order = Order.objects.create(
            account=account,
            key=f"k{number}",
            order_number=number,
            placed_at=now - timedelta(days=age),
            first_seen_at=now,
        )
        OrderLine.objects.create(
            order=order, account=account, line_key=number, listing_key="x", ordered=3, shipped=1,
            sku=stocked if account == shop else None, waiting=account == flipkart,
        )  # fmt: skip

    def numbers(**query):
        return [row["number"] for row in api.get("orders/", **query).json()["results"]]

    assert numbers() == ["OD1", "1001"]
    assert numbers(account=shop.pk) == numbers(number="1001") == numbers(sku="TEE-M") == ["1001"]
    assert numbers(since=(now - timedelta(days=2)).isoformat()) == numbers(waiting="true") == ["OD1"]
    assert numbers(until=(now - timedelta(days=2)).isoformat()) == ["1001"]
    assert len(numbers(seen_since=(now - timedelta(hours=1)).isoformat())) == 2
    [line] = api.get("orders/", number="1001").json()["results"][0]["lines"]
    assert (line["open_units"], line["sku"]) == (2, "TEE-M")
    assert api.post("orders/", {}).status_code == 405
