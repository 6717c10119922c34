"""kill -9 at every named point: what was begun is found again, nothing is lost and nothing is applied twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.crashpoints import NAMES
from inventory_sync.engine.inbound import drain_inbox
from inventory_sync.engine.models import ListingState, SyncCursor, WebhookDelivery
from inventory_sync.orders.models import OrderLine
from inventory_sync.stock.models import StockBalance
from sandbox.server import SandboxServer
from sandbox.shopify.catalogue import DEMO_CLIENT_SECRET, DEMO_DOMAIN
from skumap.models import Sku
from tests.engine.selling import CLOCK, Shop

ROOT = Path(__file__).resolve().parents[2]
VARIANT = 9007199254740995

# Points that reading, applying and sending pass again and again; the others have tests of their own below.
ONCE = {"inbox.stored", "start.opened", "queue.stored", "queue.deleted"}
POINTS = [name for name in NAMES if name not in ONCE]

# A web worker that takes one delivery; what it says is JSON on standard input.
RECEIVE = """
import json, sys
import django
django.setup()
from django.test import Client
said = json.load(sys.stdin)
Client(SERVER_NAME="localhost").post("/webhooks/shopify/", said["body"], content_type="application/json", headers=said["headers"])
"""


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Shop]:
    with SandboxServer(seed=5, clock_factor=CLOCK) as sandbox:
        shop = Shop(sandbox)
        shop.sku("TEE", 100)
        shop.flipkart([{"sku": "TEE", "locations": 0, "components": [["TEE", 1]]}])
        shop.shopify([{"id": VARIANT, "sku": "TEE", "quantities": 0, "components": [["TEE", 1]]}])
        shop.live()
        yield shop


def database_url() -> str:
    settings = connection.settings_dict
    return (
        f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    )


def environment(point: str = "") -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database_url(), "CRASH_AT": point}


def die_at(point: str) -> int:
    """Work in a process of its own until it kills itself. :return: its exit code."""
    SyncCursor.objects.filter(stream__in=["orders", "reconcile"]).update(next_due_at=timezone.now(), running_until=None)
    command = [sys.executable, "manage.py", "run_once", "--passes", "12", "--pause", "0.2"]
    done = subprocess.run(command, cwd=ROOT, env=environment(point), capture_output=True, timeout=60, check=False)
    return done.returncode


def a_webhook(topic: str, payload: dict[str, Any]) -> dict[str, Any]:
    """A delivery as Shopify signs it: ``body`` and ``headers``."""
    body = json.dumps(payload)
    signature = base64.b64encode(hmac.new(DEMO_CLIENT_SECRET.encode(), body.encode(), hashlib.sha256).digest()).decode()
    headers = {
        "X-Shopify-Shop-Domain": DEMO_DOMAIN,
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
    }
    return {"body": body, "headers": headers}


def deliver(webhook: dict[str, Any]) -> None:
    response = Client().post(
        "/webhooks/shopify/", webhook["body"], content_type="application/json", headers=webhook["headers"]
    )
    assert response.status_code == 200


def deliver_a_webhook(shop: Shop) -> None:
    """A signed delivery that says only "look at this order", so that the inbox has something to do in every round."""
    deliver(a_webhook("orders/edited", {"id": 1, "order_edit": {"order_id": 12345}}))


@pytest.mark.processes
def test_a_kill_at_any_point_loses_nothing_and_applies_nothing_twice(shop: Shop) -> None:
    sold = 0
    for point in POINTS:
        for channel, key in (("flipkart", "TEE"), ("shopify", str(VARIANT))):
            while shop.shown(channel, key) == 0:
                shop.work()
            assert shop.sandbox.marketplaces[channel].buy(listing_key=key).accepted
            sold += 1
        deliver_a_webhook(shop)
        if point.startswith(("push.", "expire.")):  # far fewer units, then many again: there is something to send
            few = StockBalance.objects.get().on_hand > 200
            shop.count(Sku.objects.get(), sold + 4 if few else sold + 500)

        assert die_at(point) == -signal.SIGKILL, f"{point} was never reached"

        shop.work(until=lambda expected=sold: OrderLine.objects.count() == expected)  # type: ignore[misc]
        assert StockBalance.objects.get().committed == sold, point
        call_command("verify_ledger", verbosity=0)
    shop.work(until=shop.is_quiet, seconds=60)
    assert not WebhookDelivery.objects.filter(status="failed").exists()
    for row in ListingState.objects.select_related("listing", "account"):
        assert shop.shown(row.account.channel, row.listing.key) == row.shown
    assert shop.sandbox.world.truth.oversold_units() == {}
    assert context_of(shop.accounts["flipkart"].pk).account.health == "ok"


@pytest.mark.processes
def test_a_web_worker_that_dies_before_it_answers_has_kept_the_delivery_and_the_repeat_changes_nothing(
    shop: Shop,
) -> None:
    while shop.shown("shopify", str(VARIANT)) == 0:
        shop.work()
    bought = shop.sandbox.shopify.buy(listing_key=str(VARIANT))
    assert bought.accepted
    webhook = a_webhook("orders/edited", {"id": 1, "order_edit": {"order_id": int(bought.order_id)}})

    died = subprocess.run(
        [sys.executable, "-c", RECEIVE],
        cwd=ROOT,
        env=environment("inbox.stored"),
        input=json.dumps(webhook).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-1000:]
    assert WebhookDelivery.objects.get().status == "new"
    drain_inbox(now=timezone.now())
    assert StockBalance.objects.get().committed == 1
    deliver(webhook)  # Shopify got no answer, so it says it again
    drain_inbox(now=timezone.now())
    assert WebhookDelivery.objects.get().status == "done"
    assert StockBalance.objects.get().committed == 1


@pytest.mark.processes
def test_a_kill_right_after_a_book_was_opened_leaves_a_row_that_starts_as_any_other(shop: Shop) -> None:
    shop.sku("CAP", 9)
    shop.sandbox.flipkart.load(
        {
            "listings": [
                {"sku": "TEE", "locations": 0, "components": [["TEE", 1]]},
                {"sku": "CAP", "locations": 4, "components": [["CAP", 1]]},
            ]
        }
    )
    shop.link()
    ListingState.objects.filter(listing__key="CAP").update(
        opened_at=None, started_at=None, seen_at=None, shown=0, unseen=0, unseen_at=None
    )

    assert die_at("start.opened") == -signal.SIGKILL

    opened = ListingState.objects.get(listing__key="CAP")
    assert (opened.shown, opened.started_at) == (4, None)
    shop.work(until=lambda: ListingState.objects.get(listing__key="CAP").started_at and shop.is_quiet(), seconds=60)
    assert shop.shown("flipkart", "CAP") == ListingState.objects.get(listing__key="CAP").shown


@pytest.mark.processes
@pytest.mark.parametrize("point", ["queue.stored", "queue.deleted"])
def test_a_kill_between_storing_a_message_and_deleting_it_applies_the_order_once(
    transactional_db: None, point: str
) -> None:
    with SandboxServer(seed=6, clock_factor=CLOCK) as sandbox:
        shop = Shop(sandbox)
        shop.sku("TEE", 10)
        account = shop.amazon(
            [{"sku": "TEE", "quantity": 0, "components": {"TEE": 1}}], queue=True, sqs_visibility_seconds=1
        )
        context_of(account.pk).adapter.subscribe(callback_url="")
        shop.live()
        assert sandbox.amazon.buy(listing_key="TEE").accepted
        sandbox.amazon.command("flush", {})
        # No poll may be quicker than the queue.
        SyncCursor.objects.exclude(stream="listings").update(next_due_at=timezone.now() + timedelta(hours=1))

        died = subprocess.run(
            [sys.executable, "manage.py", "run_once", "--passes", "20", "--pause", "0.2"],
            cwd=ROOT,
            env=environment(point),
            capture_output=True,
            timeout=60,
            check=False,
        )

        assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-1000:]
        assert WebhookDelivery.objects.filter(topic="ORDER_CHANGE", status="new").exists()
        time.sleep(1.2)  # until a message that was not deleted comes again
        shop.work(until=lambda: OrderLine.objects.exists() and shop.is_quiet(), seconds=60)
        time.sleep(1.2)
        shop.work()
        assert OrderLine.objects.count() == 1
        assert StockBalance.objects.get().committed == 1
        call_command("verify_ledger", verbosity=0)
