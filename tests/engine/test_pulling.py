"""Reading a whole catalogue: how far it is, what comes first, and going on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from inventory_sync.domain.errors import BudgetError
from inventory_sync.domain.ports import Share
from inventory_sync.engine import pulling
from inventory_sync.engine.models import SyncCursor
from inventory_sync.http.budget_plan import BucketPlan, BudgetPlan, WindowPlan
from inventory_sync.orders.models import Order, OrderLine
from sandbox.server import SandboxServer
from skumap.models import ChannelAccount, Listing
from tests.engine.selling import CLOCK, Shop

COUNT = 45


@pytest.fixture
def account(db: None, settings: Any) -> Iterator[ChannelAccount]:
    """A Flipkart account with 45 listings, of which nothing has been read."""
    settings.CLOCK_FACTOR = CLOCK
    with SandboxServer(seed=8, clock_factor=CLOCK) as sandbox:
        shop = Shop(sandbox)
        rows = [{"sku": f"TEE-{number:02}"} for number in range(COUNT)]
        shop.flipkart(rows)
        yield shop.accounts["flipkart"]


def sold(account: ChannelAccount, key: str, orders: int) -> None:
    now = timezone.now()
    for number in range(orders):
        order = Order.objects.create(
            account=account, key=f"{key}-{number}", order_number="1", first_seen_at=now, placed_at=now
        )
        OrderLine.objects.create(
            order=order, account=account, line_key=f"{key}-{number}", listing_key=key, ordered=1, waiting=True
        )


def test_a_pull_that_is_stopped_says_how_far_it_is_and_goes_on_from_there(account: ChannelAccount) -> None:
    assert pulling.progress(account_id=account.pk) is None

    assert pulling.pull_listings(account_id=account.pk, seconds=0) == 10
    now = pulling.progress(account_id=account.pk)
    assert now is not None
    assert (now.read, now.total, now.calls_left) == (10, COUNT, 5)
    assert now.seconds_left is not None
    assert now.seconds_left > 0

    assert pulling.pull_listings(account_id=account.pk) == COUNT - 10
    assert pulling.progress(account_id=account.pk) is None
    assert Listing.objects.filter(vanished_at__isnull=True).count() == COUNT


def test_the_first_pull_begins_with_what_sells_best_and_later_ones_do_not(account: ChannelAccount) -> None:
    sold(account, "TEE-40", 3)
    sold(account, "TEE-44", 5)
    sold(account, "NO-SUCH-SKU", 1)

    pulling.pull_listings(account_id=account.pk, seconds=0)
    assert set(Listing.objects.values_list("key", flat=True)) == {"TEE-44", "TEE-40"}
    assert pulling.best_sellers(account_id=account.pk) == ["TEE-44", "TEE-40", "NO-SUCH-SKU"]

    pulling.pull_listings(account_id=account.pk)
    assert Listing.objects.count() == COUNT
    pulling.pull_listings(account_id=account.pk, seconds=0)
    now = pulling.progress(account_id=account.pk)
    assert now is not None
    assert now.read == 10


def test_a_pull_that_runs_out_of_calls_waits_and_loses_nothing(
    account: ChannelAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    SyncCursor.objects.filter(account=account).update(next_due_at=timezone.now(), running_until=None)
    real = pulling.take_in_listings
    taken: list[int] = []

    def then_no_calls_are_left(**values: Any) -> Any:
        if len(taken) == 2:
            raise BudgetError("no call is left for this", channel="flipkart", retry_after=60.0)
        taken.append(len(values["snapshots"]))
        return real(**values)

    monkeypatch.setattr(pulling, "take_in_listings", then_no_calls_are_left)
    assert pulling.pull_if_due(account_id=account.pk) == 0

    cursor = SyncCursor.objects.get(account=account, stream="listings")
    assert cursor.running_until is None
    assert cursor.next_due_at > timezone.now()
    now = pulling.progress(account_id=account.pk)
    assert now is not None
    assert (now.read, now.last_error != "") == (20, True)
    monkeypatch.setattr(pulling, "take_in_listings", real)
    assert pulling.pull_listings(account_id=account.pk) == COUNT - 20


def test_a_pull_may_use_half_of_the_calls_at_most() -> None:
    from channels_flipkart.settings import budget_plan

    plan = budget_plan({}, workers=4)

    assert plan.calls_per_second(share=Share.BULK, operation="listing_details") * 3600 == pytest.approx(450)
    assert isinstance(plan.groups["api"], WindowPlan)
    assert plan.groups["api"].limit == 900
    bucket = BudgetPlan(groups={"api": BucketPlan(rate=2.0, burst=10)}, default="api")
    assert bucket.calls_per_second(share=Share.BULK, operation="anything") == 2.0
