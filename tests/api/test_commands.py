"""The commands of ``manage.py``: what operators type, and what they read when it is wrong."""

from __future__ import annotations

import io
import json

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from inventory_sync.api.models import ApiToken
from inventory_sync.engine.models import ListingState, WebhookDelivery
from inventory_sync.stock.models import Warehouse
from inventory_sync.stock.services import Change, receive
from skumap.fields import CredentialsUnreadableError
from skumap.models import AccountToken, ChannelAccount, ChannelLocation, Listing, Sku
from tests.api.conftest import Api

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue().strip()


def run_json(*words: str):
    return json.loads(run(*words, "--json"))


def add(*words: str, name: str = "fk", channel: str = "flipkart"):
    return run_json("account_add", "--channel", channel, "--name", name, *words)


def test_an_account_is_added_with_everything_and_shows_no_secret(tmp_path, monkeypatch):
    (tmp_path / "secrets.json").write_text('{"client_id": "from file", "webhook_secrets": "w"}')
    monkeypatch.setenv("FK_CLIENT_SECRET", "from the environment")
    out = run(
        "account_add", "--channel", "flipkart", "--name", "fk", "--identity", "seller-9", "--api-base", "http://127.0.0.1:9/fk/",
        "--auth-base", "http://127.0.0.1:9/auth", "--credential-env", "FK", "--credential-file", str(tmp_path / "secrets.json"),
        "--credential", "client_id=a=b", "--setting", "poll_seconds=2.5", "--setting", "push_enabled=yes",
        "--setting", "marketplace_locations=LOC1,LOC2", "--json",
    )  # fmt: skip

    account = ChannelAccount.objects.get()
    assert account.credentials == {"client_id": "a=b", "client_secret": "from the environment", "webhook_secrets": "w"}
    assert account.settings["poll_seconds"] == 2.5
    assert account.settings["push_enabled"] is True
    assert (account.identity, account.api_base, account.mode) == ("seller-9", "http://127.0.0.1:9/fk", "shadow")
    assert "from the environment" not in out
    data = json.loads(out)
    assert data["credential_names"] == ["client_id", "client_secret", "webhook_secrets"]
    assert data["webhook_url"].endswith(f"/webhooks/flipkart/{account.webhook_key}/")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--setting", "poll_secnds=3"], "poll_secnds: flipkart accounts have no such setting; perhaps poll_seconds"),
        (["--setting", "poll_seconds=soon"], "poll_seconds: must be a number"),
        (["--credential", "client_id"], "--credential takes NAME=VALUE"),
        (["--credential-env", "NOWHERE"], "no variable in the environment begins with NOWHERE_"),
        (["--credential-file", "/nowhere.json"], "/nowhere.json can't be read"),
        (["--api-base", "not an address"], "api_base"),
    ],
)
def test_what_can_not_be_used_is_named_and_nothing_is_kept(words, problem):
    with pytest.raises(CommandError) as caught:
        add(*words)
    assert problem in str(caught.value)
    assert not ChannelAccount.objects.exists()


def test_an_account_is_changed_by_name_or_id():
    pk = add("--credential", "client_id=a")["id"]

    run("account_set", "fk", "--credential", "client_secret=s", "--setting", "poll_seconds=9")
    run("account_set", str(pk), "--name", "Flipkart", "--credential", "client_id=", "--api-base", "http://127.0.0.1:9")
    account = ChannelAccount.objects.get()
    assert (account.name, account.api_base) == ("Flipkart", "http://127.0.0.1:9")
    assert account.credentials == {"client_secret": "s"}
    assert account.settings == {"poll_seconds": 9}
    assert run_json("account_set", "Flipkart", "--show-settings")["poll_seconds"] == 9
    assert "* poll_seconds = 9" in run("account_set", "Flipkart", "--show-settings")
    run("account_set", "Flipkart", "--setting", "poll_seconds=", "--mode", "paused")
    account.refresh_from_db()
    assert (account.settings, account.mode) == ({}, "paused")


def test_an_account_that_is_not_there_is_told_with_those_that_are():
    add(name="fk one")

    with pytest.raises(CommandError, match="fk one"):
        run("account_set", "fk two")


def test_accounts_are_listed():
    assert "no accounts yet" in run("account_list")
    add("--credential", "client_secret=hidden-value")
    assert "fk" in run("account_list")
    assert "hidden-value" not in run("account_list", "--json")


def test_from_nothing_to_live_against_a_marketplace(sandbox):
    sandbox.flipkart.load(
        {"locations": [{"id": "LOCabc", "name": "Pune"}], "listings": [{"sku": "TEE-M", "locations": {"LOCabc": 4}}]}
    )
    run("warehouse_add", "BLR", "--name", "Bengaluru")
    run("warehouse_add", "DEL")
    add(
        "--api-base", f"{sandbox.url}/flipkart", "--credential", "client_id=demo-app-id",
        "--credential", "client_secret=demo-app-secret",
    )  # fmt: skip

    with pytest.raises(CommandError, match="which warehouses serve"):
        run("account_set", "fk", "--mode", "live")
    assert run_json("account_test", "fk") == {"ok": True, "identity": "demo-seller", "name": "fk", "missing": []}
    pulled = run_json("account_pull", "fk")
    assert (pulled["read"], pulled["not_linked"], pulled["locations"]) == (1, 1, ["LOCabc"])
    linked = run_json("location_link", "--account", "fk", "--warehouse", "DEL", "BLR")
    assert linked["warehouses"] == ["DEL", "BLR"]
    run("link_listing", "--account", "fk", "--listing", "TEE-M", "--sku", "TEE", "--pack-of", "2", "--create-sku")
    receive(
        Change(
            key="x", sku_id=Sku.objects.get().pk, warehouse_id=Warehouse.objects.get(code="BLR").pk, at=timezone.now()
        ),
        units=7,
    )
    assert (Listing.objects.get().sku.code, Listing.objects.get().units_per_sale) == ("TEE", 2)
    assert ListingState.objects.count() == 1
    run("account_set", "fk", "--mode", "live")
    assert ChannelAccount.objects.get().mode == "live"
    assert any("ticket" in line for line in run_json("account_subscribe", "fk")["lines"])


def test_wrong_credentials_are_one_line(sandbox):
    sandbox.flipkart.load({"listings": []})
    add("--api-base", f"{sandbox.url}/flipkart", "--credential", "client_id=x", "--credential", "client_secret=y")

    with pytest.raises(CommandError, match="fk is not connected"):
        run("account_test", "fk")
    with pytest.raises(CommandError, match="stays in mode shadow"):
        run("account_set", "fk", "--mode", "live")
    assert ChannelAccount.objects.get().mode == "shadow"


def test_links_name_what_is_not_there():
    account = ChannelAccount.objects.get(pk=add()["id"])
    run("warehouse_add", "BLR")
    run("warehouse_add", "FC", "--kind", "flipkart_fc")

    for words, problem in (
        (["location_link", "--account", "fk", "--warehouse", "BLR"], "none is known yet"),
        (["location_link", "--account", "fk", "--location", "L", "--warehouse", "BLR"], "--create adds it"),
        (["location_link", "--account", "fk", "--location", "L", "--warehouse", "X"], "warehouses: BLR"),
        (
            ["location_link", "--account", "fk", "--location", "L", "--create", "--warehouse", "FC"],
            "not an own warehouse",
        ),
        (["link_listing", "--account", "fk", "--listing", "X", "--sku", "Y"], "there is no listing 'X'"),
        (["warehouse_add", "FC"], "of the kind flipkart_fc"),
    ):
        with pytest.raises(CommandError) as caught:
            run(*words)
        assert problem in str(caught.value)
    assert not ChannelLocation.objects.exists()
    Listing.objects.create(account=account, key="K", fulfilment="NON_FBF")
    with pytest.raises(CommandError, match="--create-sku adds it"):
        run("link_listing", "--account", "fk", "--listing", "K", "--sku", "Y")
    with pytest.raises(CommandError, match="at least 1"):
        run("link_listing", "--account", "fk", "--listing", "K", "--sku", "Y", "--create-sku", "--pack-of", "0")


def test_a_key_is_printed_once_and_works():
    key = run("api_token", "reports", "--scope", "read")

    assert Api(key).get("skus/").status_code == 200
    assert Api(key).post("skus/", {"code": "A"}).status_code == 403
    assert key not in str(list(ApiToken.objects.values()))
    with pytest.raises(CommandError, match="already"):
        run("api_token", "reports")
    run("api_token", "reports", "--revoke")
    assert Api(key).get("skus/").status_code == 401


def test_credentials_are_encrypted_anew_with_the_newest_key(settings):
    old, new = settings.CREDENTIALS_KEYS[0], Fernet.generate_key().decode()
    account = ChannelAccount.objects.get(pk=add("--credential", "client_secret=s")["id"])
    AccountToken.objects.create(account=account, data={"access": "t"})
    AccountToken.objects.create(account=account, name="empty")
    settings.CREDENTIALS_KEYS = [new, old]

    assert run_json("rotate_credentials") == {"skumap.ChannelAccount": 1, "skumap.AccountToken": 2}

    settings.CREDENTIALS_KEYS = [new]
    account.refresh_from_db()
    assert account.credentials == {"client_secret": "s"}
    assert AccountToken.objects.get(name="default").data == {"access": "t"}
    assert AccountToken.objects.get(name="empty").data is None
    settings.CREDENTIALS_KEYS = [old]
    with pytest.raises(CommandError, match="can't be read with any key"):
        run("rotate_credentials")
    with pytest.raises(CredentialsUnreadableError):
        account.refresh_from_db()


def test_stored_messages_are_processed_again():
    account = ChannelAccount.objects.get(pk=add()["id"])
    for number, status in enumerate(("failed", "done", "failed")):
        WebhookDelivery.objects.create(
            account=account, key=str(number), body=b"not json", status=status, attempts=8, received_at=timezone.now()
        )
    failed = list(WebhookDelivery.objects.filter(status="failed").order_by("id").values_list("id", flat=True))

    assert run_json("replay_deliveries", "--dry-run")["deliveries"] == failed
    assert run_json("replay_deliveries", "--account", "fk", "--limit", "1")["deliveries"] == failed[:1]
    assert WebhookDelivery.objects.get(pk=failed[0]).status == "new"
    run("replay_deliveries", "--now")
    assert set(WebhookDelivery.objects.filter(pk__in=failed).values_list("status", flat=True)) == {"ignored"}
    assert run_json("replay_deliveries", "--since", "2999-01-01T00:00:00Z", "--status", "done")["deliveries"] == []
    with pytest.raises(CommandError, match="ISO 8601"):
        run("replay_deliveries", "--since", "yesterday")
