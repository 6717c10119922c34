"""The main job, over real HTTP: a sale on one marketplace reaches the ledger and the listings on the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command

from inventory_sync.engine.models import ListingState
from inventory_sync.orders.models import OrderLine
from inventory_sync.stock.models import StockBalance
from sandbox.server import SandboxServer
from tests.engine.selling import CLOCK, Shop


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=3, clock_factor=CLOCK) as server:
        yield server


@pytest.fixture
def shop(sandbox: SandboxServer, db: None) -> Shop:
    return Shop(sandbox)


def test_a_flipkart_sale_reaches_the_ledger_and_the_shopify_listing(shop: Shop) -> None:
    shop.sku("TEE", 10)
    shop.flipkart([{"sku": "TEE", "locations": 0, "components": [["TEE", 1]]}])
    shop.shopify([{"id": 9007199254740995, "sku": "TEE", "quantities": 0, "components": [["TEE", 1]]}])
    shop.live()
    before = shop.shown("flipkart", "TEE")
    assert before > 0

    for _ in range(before):
        assert shop.sandbox.flipkart.buy(listing_key="TEE").accepted
    shop.work(until=lambda: OrderLine.objects.count() == before and shop.is_quiet())

    balance = StockBalance.objects.get()
    assert (balance.on_hand, balance.committed) == (10, before)
    for row in ListingState.objects.select_related("listing"):
        assert shop.shown(row.account.channel, row.listing.key) == row.shown == row.desired_quantity
    assert shop.sandbox.world.truth.oversold_units() == {}
    call_command("verify_ledger", verbosity=0)
