"""Mass updates: so many waiting rows go to Amazon as one feed, and each is settled by its own result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from inventory_sync.engine.models import Flight, ListingState, PushAttempt, RemoteJob, StockRule
from sandbox.server import SandboxServer
from tests.engine.selling import CLOCK, Shop

COUNT = 12


@pytest.fixture
def shop(db: None, settings: Any) -> Iterator[Shop]:
    """Twelve shirts on Amazon, whose quantities go out as a feed from twelve waiting rows on."""
    settings.CLOCK_FACTOR = CLOCK
    with SandboxServer(seed=8, clock_factor=CLOCK) as sandbox:
        shop = Shop(sandbox)
        for number in range(COUNT):
            shop.sku(f"TEE-{number}", 5)
        shop.amazon(
            [{"sku": f"TEE-{number}", "quantity": 0, "components": {f"TEE-{number}": 1}} for number in range(COUNT)],
            bulk_from_rows=COUNT,
            reconcile_rows=COUNT,
        )
        StockRule.objects.create(mode="strict")
        shop.link()
        # Read in the trial run, so that all rows begin to wait at the same moment.
        shop.work(until=lambda: not ListingState.objects.filter(started_at__isnull=True).exists())
        yield shop


def shown(shop: Shop) -> set[int]:
    return {shop.shown("amazon", f"TEE-{number}") for number in range(COUNT)}


def test_many_waiting_rows_go_as_one_feed(shop: Shop) -> None:
    shop.go_live()
    shop.work(until=shop.is_quiet)

    job = RemoteJob.objects.get()
    assert (job.status, len(job.flight_ids)) == ("done", COUNT)
    assert PushAttempt.objects.filter(reason="bulk", result="accepted").count() == COUNT
    assert shown(shop) == {5}


def test_the_flights_of_a_feed_stay_in_the_books_until_its_result_is_known(shop: Shop) -> None:
    shop.sandbox.world.faults.switch_on("amazon.feed_stuck", times=1)
    shop.go_live()
    shop.work(until=lambda: RemoteJob.objects.filter(status="running").exists())

    for _ in range(3):
        shop.work()

    assert Flight.objects.count() == COUNT
    assert not ListingState.objects.filter(settled_quantity=5).exists()
    assert shown(shop) == {0}
    shop.sandbox.amazon.command("release_feed", {"feed_id": RemoteJob.objects.get().ref})
    shop.work(until=shop.is_quiet)
    assert shown(shop) == {5}
