"""Seller accounts: credentials go in and never come out; nothing is sent before somebody says so."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inventory_sync.alerts.models import Alert
from inventory_sync.backoffice.credentials import masked, with_changes
from inventory_sync.engine.models import ListingState, SyncCursor
from skumap.models import ChannelAccount
from tests.backoffice.shop import Shop
from tests.backoffice.test_tools import said

pytestmark = pytest.mark.django_db

INLINES = {
    f"{prefix}-{name}": value
    for prefix in ("locations", "cursors")
    for name, value in (("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0), ("MIN_NUM_FORMS", 0), ("MAX_NUM_FORMS", 0))
}


def credentials(secret: str, *, client_id: str = "seller-99") -> dict[str, str]:
    return {"client_id": client_id, "client_secret": secret}


@pytest.fixture
def friendly(settings: Any) -> None:
    settings.CHANNEL_ADAPTERS = {**settings.CHANNEL_ADAPTERS, "flipkart": "tests.backoffice.fakes.FriendlyAdapter"}


def save(boss: Client, account: ChannelAccount, **values: Any) -> Any:
    facts = {
        "name": account.name,
        "identity": account.identity,
        "api_base": "",
        "auth_base": "",
        "settings": "{}",
        **INLINES,
        **values,
    }
    return boss.post(reverse("admin:skumap_channelaccount_change", args=[account.pk]), facts)


def press(boss: Client, account: ChannelAccount, button: str) -> Any:
    return boss.post(reverse(f"admin:skumap_channelaccount_{button}", args=[account.pk]))


# --- credentials -------------------------------------------------------------------------------------------------------------------


def test_of_a_secret_only_the_last_four_characters_show(boss: Client, shop: Shop) -> None:
    page = boss.get(reverse("admin:skumap_channelaccount_change", args=[shop.flipkart.pk])).content.decode()

    assert "…9876" in page
    assert "very-secret-text" not in page


def test_a_short_secret_shows_nothing() -> None:
    assert masked("abcd1234") == "…"


def test_an_empty_field_keeps_a_secret_and_a_dash_removes_it() -> None:
    stored = {"client_id": "one", "client_secret": "two", "old": "three"}

    assert with_changes(stored, {"client_id": "", "client_secret": " new ", "old": "-"}) == {
        "client_id": "one",
        "client_secret": "new",
    }


def test_credentials_are_saved_and_stay_out_of_the_page_and_the_history(boss: Client, shop: Shop) -> None:
    response = save(boss, shop.flipkart, credential_client_secret="brand-new-secret-5555")

    assert response.status_code == 302
    shop.flipkart.refresh_from_db()
    assert shop.flipkart.credentials == {"client_id": "application-1234", "client_secret": "brand-new-secret-5555"}
    history = boss.get(reverse("admin:skumap_channelaccount_history", args=[shop.flipkart.pk])).content.decode()
    assert "brand-new" not in history


def test_a_form_with_an_error_does_not_echo_secrets(boss: Client, shop: Shop) -> None:
    response = save(boss, shop.flipkart, name="", credential_client_secret="brand-new-secret-5555")

    assert response.status_code == 200
    assert "brand-new-secret-5555" not in response.content.decode()


def test_a_new_account_is_a_trial_run_and_asks_for_its_credentials_next(boss: Client) -> None:
    facts = {"channel": "amazon", "name": "Second shop", "identity": "A2SELLER", "api_base": "", "auth_base": ""}

    response = boss.post(reverse("admin:skumap_channelaccount_add"), facts, follow=True)

    account = ChannelAccount.objects.get(name="Second shop")
    assert (account.mode, account.health) == ("shadow", "new")
    assert "Step 2 of 2" in response.content.decode()
    assert "credential_aws_access_key_id" in response.content.decode()


# --- settings and addresses ----------------------------------------------------------------------------------------------------------


def test_a_setting_nobody_knows_is_refused_with_a_hint(boss: Client, shop: Shop) -> None:
    response = save(boss, shop.flipkart, settings='{"lising_batch": 5}')

    assert "Flipkart has no setting “lising_batch”. Did you mean “listing_batch”?" in response.content.decode()


def test_settings_are_an_object(boss: Client, shop: Shop) -> None:
    assert "Settings are written as" in save(boss, shop.flipkart, settings="[1]").content.decode()
    assert "Enter a valid JSON" in save(boss, shop.flipkart, settings="{oops").content.decode()


def test_changed_settings_let_the_quantities_be_worked_out_anew(boss: Client, shop: Shop) -> None:
    save(boss, shop.flipkart, settings='{"listing_batch": 5}')

    shop.flipkart.refresh_from_db()
    assert shop.flipkart.settings == {"listing_batch": 5}
    assert not ListingState.objects.filter(account=shop.flipkart, decided_at__isnull=False).exists()


@pytest.mark.parametrize(
    "address", ["http://api.example.com", "https://169.254.169.254/x", "https://user:word@example.com"]
)
def test_tokens_are_not_sent_to_just_any_address(boss: Client, shop: Shop, settings: Any, address: str) -> None:
    settings.ALLOW_PRIVATE_HOSTS = False

    response = save(boss, shop.flipkart, api_base=address)

    assert response.status_code == 200
    shop.flipkart.refresh_from_db()
    assert shop.flipkart.api_base == ""


# --- connecting ----------------------------------------------------------------------------------------------------------------------


def test_testing_the_connection_begins_to_read(boss: Client, friendly: None) -> None:
    account = ChannelAccount.objects.create(name="New", channel="flipkart", credentials=credentials("right"))

    response = press(boss, account, "test_connection")

    account.refresh_from_db()
    assert "Connected as Chandni" in said(response)
    assert (account.health, account.identity) == ("ok", "seller-99")
    assert set(SyncCursor.objects.filter(account=account).values_list("stream", flat=True)) == {
        "orders",
        "listings",
        "reconcile",
    }
    assert account.locations.get().external_id == "LOC9"


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("wrong", "does not accept these credentials"),
        ("other", "these credentials belong to somebody-else"),
        ("read-only", "permissions are missing: write_inventory"),
    ],
)
def test_wrong_credentials_say_what_is_wrong(boss: Client, friendly: None, secret: str, problem: str) -> None:
    account = ChannelAccount.objects.create(
        name="New", channel="flipkart", identity="seller-99", credentials=credentials(secret)
    )

    response = press(boss, account, "test_connection")

    account.refresh_from_db()
    assert problem in said(response)
    assert account.health == "broken"
    assert Alert.objects.filter(kind="account_broken", key=str(account.pk), resolved_at__isnull=True).exists()


def test_one_shop_is_connected_once(boss: Client, friendly: None, shop: Shop) -> None:
    account = ChannelAccount.objects.create(
        name="Again", channel="flipkart", credentials=credentials("right", client_id="seller-77")
    )

    assert "connected already, as another account" in said(press(boss, account, "test_connection"))


def test_subscribing_tells_what_was_done(boss: Client, shop: Shop, friendly: None) -> None:
    response = press(boss, shop.flipkart, "subscribe")

    assert f"/webhooks/flipkart/{shop.flipkart.webhook_key}/" in said(response)


def test_listings_are_read_at_the_next_look(boss: Client, shop: Shop, friendly: None) -> None:
    press(boss, shop.flipkart, "read_listings")

    cursor = SyncCursor.objects.get(account=shop.flipkart, stream="listings")
    assert cursor.next_due_at <= cursor.next_due_at.now(cursor.next_due_at.tzinfo)


# --- modes ---------------------------------------------------------------------------------------------------------------------------


def test_before_going_live_the_page_says_what_is_missing(boss: Client, shop: Shop) -> None:
    page = boss.get(reverse("admin:skumap_channelaccount_go_live", args=[shop.shopify.pk])).content.decode()

    assert "2 listings not linked to a SKU" in page
    assert "6 listings linked" in page


def test_going_live_works_everything_out_anew(boss: Client, shop: Shop) -> None:
    response = press(boss, shop.shopify, "go_live")

    shop.shopify.refresh_from_db()
    assert shop.shopify.mode == "live"
    assert shop.shopify.live_since is not None
    assert "is live" in said(response)
    assert not ListingState.objects.filter(account=shop.shopify, decided_at__isnull=False).exists()


@pytest.mark.parametrize("health", ["new", "broken"])
def test_an_account_that_is_not_connected_does_not_go_live(boss: Client, shop: Shop, health: str) -> None:
    ChannelAccount.objects.filter(pk=shop.shopify.pk).update(health=health)

    response = press(boss, shop.shopify, "go_live")

    shop.shopify.refresh_from_db()
    assert shop.shopify.mode == "shadow"
    assert "Test the connection first" in said(response)


@pytest.mark.parametrize(("button", "mode"), [("pause", "paused"), ("back_to_trial", "shadow")])
def test_sending_stops(boss: Client, shop: Shop, button: str, mode: str) -> None:
    press(boss, shop.flipkart, button)

    shop.flipkart.refresh_from_db()
    assert (shop.flipkart.mode, shop.flipkart.live_since) == (mode, None)


def test_there_is_no_button_for_the_mode_the_account_is_in(boss: Client, shop: Shop) -> None:
    live = boss.get(reverse("admin:skumap_channelaccount_change", args=[shop.flipkart.pk])).content.decode()
    trial = boss.get(reverse("admin:skumap_channelaccount_change", args=[shop.shopify.pk])).content.decode()

    assert "/go-live/" not in live
    assert "/pause/" in live
    assert "/go-live/" in trial
    assert "/trial-run/" not in trial
