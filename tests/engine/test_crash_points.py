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
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.crashpoints import NAMES
from inventory_sync.engine.models import ListingState, SyncCursor, WebhookDelivery
from inventory_sync.orders.models import OrderLine
from inventory_sync.stock.models import StockBalance
from sandbox.server import SandboxServer
from sandbox.shopify.catalogue import DEMO_CLIENT_SECRET, DEMO_DOMAIN
from skumap.models import Sku
from tests.engine.selling import CLOCK, Shop

ROOT = Path(__file__).resolve().parents[2]
VARIANT = 9007199254740995

# Points that reading, applying and sending for Flipkart and Shopify pass; those of the queue are in test_notifications.py.
POINTS = [name for name in NAMES if not name.startswith("queue.") and name not in {"inbox.stored", "start.opened"}]


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


def die_at(point: str) -> int:
    """Work in a process of its own until it kills itself. :return: its exit code."""
    SyncCursor.objects.filter(stream__in=["orders", "reconcile"]).update(next_due_at=timezone.now(), running_until=None)
    command = [sys.executable, "manage.py", "run_once", "--passes", "12", "--pause", "0.2"]
    environment = {**os.environ, "DATABASE_URL": database_url(), "CRASH_AT": point}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False).returncode


def deliver_a_webhook(shop: Shop) -> None:
    """A signed delivery that says only "look at this order", so that the inbox has something to do in every round."""
    body = json.dumps({"id": 1, "order_edit": {"order_id": 12345}}).encode()
    signature = base64.b64encode(hmac.new(DEMO_CLIENT_SECRET.encode(), body, hashlib.sha256).digest()).decode()
    response = Client().post(
        "/webhooks/shopify/",
        body,
        content_type="application/json",
        headers={
            "X-Shopify-Shop-Domain": DEMO_DOMAIN,
            "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Topic": "orders/edited",
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        },
    )
    assert response.status_code == 200


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
