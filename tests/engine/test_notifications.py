"""Amazon: an order reaches the ledger through the queue, and without one by polling alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.inbound import drain_inbox, receive_queue
from inventory_sync.engine.models import ListingState, WebhookDelivery
from inventory_sync.orders.models import OrderLine
from inventory_sync.stock.models import StockBalance
from sandbox.server import SandboxServer
from tests.engine.selling import CLOCK, Shop


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=4, clock_factor=CLOCK) as server:
        yield server


@pytest.fixture
def shop(sandbox: SandboxServer, db: None) -> Shop:
    return Shop(sandbox)


LISTINGS = [{"sku": "TEE", "quantity": 0, "components": {"TEE": 1}}, {"sku": "FAN", "fba": {"fulfillable": 5}}]


def test_an_amazon_order_reaches_the_ledger_through_the_queue(shop: Shop) -> None:
    shop.sku("TEE", 10)
    shop.sku("FAN", 3)
    account = shop.amazon(LISTINGS, queue=True)
    context_of(account.pk).adapter.subscribe(callback_url="")
    shop.live()
    assert shop.shown("amazon", "TEE") > 0

    assert shop.sandbox.amazon.buy(listing_key="TEE", pending=True).accepted
    shop.sandbox.amazon.command("flush", {})
    stored = receive_queue(account_id=account.pk, wait_seconds=2)
    drain_inbox(now=timezone.now())

    assert stored >= 1
    assert OrderLine.objects.get().open_units == 1
    assert StockBalance.objects.get(sku__code="TEE").committed == 1
    assert WebhookDelivery.objects.filter(topic="ORDER_CHANGE", status="done").exists()


def test_without_a_queue_polling_finds_the_order_and_marketplace_stock_is_only_read(shop: Shop) -> None:
    shop.sku("TEE", 10)
    shop.sku("FAN", 3)
    shop.amazon(LISTINGS)
    shop.live()

    assert shop.sandbox.amazon.buy(listing_key="TEE").accepted
    assert shop.sandbox.amazon.buy(listing_key="FAN").accepted
    shop.work(until=lambda: OrderLine.objects.count() == 2 and shop.is_quiet())

    assert StockBalance.objects.get(sku__code="TEE").committed == 1
    assert StockBalance.objects.get(sku__code="FAN").committed == 0
    assert OrderLine.objects.get(listing_key="FAN").marketplace_fulfilled
    assert not ListingState.objects.filter(listing__key="FAN").exists()
