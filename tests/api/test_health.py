"""The two probes, and what is checked at the start."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from inventory_sync.api.views import health
from inventory_sync.config import checks
from skumap.models import ChannelAccount


@pytest.fixture(autouse=True)
def _nothing_remembered():
    health._migrated.clear()


def test_alive_asks_nobody(db, django_assert_num_queries, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with django_assert_num_queries(0):
        answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_names_every_part(db):
    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "parts": {"database": "ok", "migrations": "ok", "redis": "ok"}}


def test_not_ready_without_redis_and_without_its_password(db, settings):
    settings.REDIS_URL = "redis://:a-password@127.0.0.1:1/0"
    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": "ok", "migrations": "ok", "redis": "can't be reached"}
    assert b"a-password" not in answer.content


def test_not_ready_while_a_migration_is_missing(db):
    MigrationRecorder.Migration.objects.filter(app="stock").latest("id").delete()
    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["parts"]["migrations"].endswith("not applied")


def test_not_ready_without_a_database(db, monkeypatch):
    def gone(*_args, **_kwargs):
        raise OperationalError("password authentication failed for user secret")

    with monkeypatch.context() as broken:
        broken.setattr(health, "connection", SimpleNamespace(cursor=gone))
        answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == "can't be reached"
    assert answer.json()["parts"]["migrations"] == "not checked"
    assert b"secret" not in answer.content


def test_probes_answer_on_plain_http_behind_https(db, settings):
    settings.SECURE_SSL_REDIRECT = True

    assert Client().get("/healthz").status_code == 200
    assert Client().get("/admin/").status_code == 301


def ids(messages) -> list[str]:
    return [message.id.removeprefix("inventory_sync.") for message in messages]


def test_a_key_that_is_none_is_named_by_its_place_and_not_shown(settings):
    settings.CREDENTIALS_KEYS = [*settings.CREDENTIALS_KEYS, "not-a-key"]
    [message] = checks.check_credentials_keys()

    assert message.id == "inventory_sync.E001"
    assert "Key 2" in message.msg
    assert "not-a-key" not in message.msg
    settings.CREDENTIALS_KEYS = []
    assert ids(checks.check_credentials_keys()) == ["E001"]


@pytest.mark.parametrize(
    ("url", "private", "hosts", "expected"),
    [
        ("https://sync.example.in", False, ["sync.example.in"], []),
        ("https://sync.example.in", True, ["sync.example.in"], ["W001"]),
        ("https://sync.example.in", False, ["other.example.in"], ["W005"]),
        ("https://sync.example.in", False, [".example.in"], []),
        ("http://127.0.0.1:8000", True, ["127.0.0.1"], []),
        ("https://sync.example.in/app", False, ["sync.example.in"], ["E002"]),
        ("sync.example.in", False, ["sync.example.in"], ["E002"]),
        ("https://[", False, [], ["E002"]),
    ],
)
def test_the_public_address_is_checked(settings, url, private, hosts, expected):
    settings.PUBLIC_URL, settings.ALLOW_PRIVATE_HOSTS, settings.ALLOWED_HOSTS = url, private, hosts

    assert ids(checks.check_public_url()) == expected


def test_numbers_and_adapters_are_checked(settings):
    assert ids([*checks.check_numbers(), *checks.check_adapters()]) == []
    settings.WORKERS, settings.TICK_SECONDS, settings.CLOCK_FACTOR = 0, 0, -1
    settings.CHANNEL_ADAPTERS = {"flipkart": "nowhere.Adapter"}
    assert ids(checks.check_numbers()) == ["E003"] * 3
    assert ids(checks.check_adapters()) == ["E004"]


def test_what_is_fine_on_a_desk_is_named_for_production(db, settings):
    settings.PUBLIC_URL, settings.CLOCK_FACTOR, settings.DEBUG = "http://127.0.0.1:8000", 20.0, True
    assert sorted(ids(checks.check_deployment())) == ["W002", "W003", "W004"]

    assert checks.check_live_accounts(databases=["default"]) == []
    ChannelAccount.objects.create(channel="flipkart", name="fk", mode="live")
    assert ids(checks.check_live_accounts(databases=["default"])) == ["W006"]
    assert checks.check_live_accounts(databases=None) == []
