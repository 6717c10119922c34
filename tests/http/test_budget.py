"""The call budget against a real Redis, with time that tests move."""

from __future__ import annotations

import logging
import socket
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import redis

from inventory_sync.domain.errors import BudgetError
from inventory_sync.domain.ports import Share
from inventory_sync.http import BucketPlan, BudgetPlan, RedisRateBudget, WindowPlan, redis_client
from tests.http.conftest import ManualClock

FLIPKART = BudgetPlan(
    groups={"api": WindowPlan(limit=900, window_seconds=3600, reserved={Share.POLL: 250, Share.URGENT: 60})},
    default="api",
    workers=3,
)
AMAZON = BudgetPlan(
    groups={
        "searchOrders": BucketPlan(rate=0.0056, burst=20, reserved={Share.SETUP: 5}),
        "other": BucketPlan(rate=1, burst=10),
    },
    default="other",
)
SHOPIFY = BudgetPlan(
    groups={
        "graphql": BucketPlan(
            rate=100, burst=2000, reserved={Share.URGENT: 200, Share.WRITE: 200}, sized_by_channel=True
        )
    },
    default="graphql",
)


def budget_for(client: redis.Redis, plan: BudgetPlan, clock: ManualClock, **options) -> RedisRateBudget:
    return RedisRateBudget(client, "test:1", plan, clock, **options)


def take_all(
    budget: RedisRateBudget, share: Share, *, operation: str = "call", cost: float = 1, most: int = 2000
) -> int:
    """How many calls a share gets before it is refused."""
    for count in range(most):
        try:
            budget.take(operation=operation, share=share, cost=cost)
        except BudgetError:
            return count
    return most


def test_a_label_run_leaves_polls_and_urgent_drains_what_is_theirs(redis_server, clock):
    budget = budget_for(redis_server, FLIPKART, clock)

    assert take_all(budget, Share.BULK) == 900 - 250 - 60
    assert take_all(budget, Share.URGENT) == 60
    assert take_all(budget, Share.POLL) == 250
    assert take_all(budget, Share.SETUP) == 0


def test_a_share_may_use_what_nobody_has_reserved(redis_server, clock):
    budget = budget_for(redis_server, FLIPKART, clock)

    assert take_all(budget, Share.URGENT) == 900 - 250
    assert take_all(budget, Share.POLL) == 250


def test_never_more_than_the_limit_in_any_window(redis_server, clock):
    plan = BudgetPlan(
        groups={"api": WindowPlan(limit=30, window_seconds=60, reserved={Share.URGENT: 5})}, default="api"
    )
    budget = budget_for(redis_server, plan, clock)
    taken: list[float] = []
    waits: list[float] = []

    for step in range(900):
        clock.move(0.37)
        try:
            budget.take(operation="x", share=Share.BULK if step % 3 else Share.URGENT)
            taken.append(clock.monotonic())
        except BudgetError as refusal:
            waits.append(refusal.retry_after)

    assert 0 < min(waits) <= max(waits) <= 62
    assert max(sum(1 for other in taken if at <= other < at + 60) for at in taken) == 30
    assert len(taken) > 30 * (900 * 0.37 / 62)


def test_the_wait_of_a_refusal_is_enough(redis_server, clock):
    budget = budget_for(redis_server, FLIPKART, clock)
    take_all(budget, Share.BULK)

    with pytest.raises(BudgetError) as caught:
        budget.take(operation="labels", share=Share.BULK)
    clock.move(caught.value.retry_after)

    budget.take(operation="labels", share=Share.BULK)


def test_workers_share_one_window(redis_url, redis_server, clock):
    granted = []

    def work() -> None:
        budget = budget_for(redis_client(redis_url, timeout_seconds=5), FLIPKART, clock)
        granted.append(take_all(budget, Share.WRITE, most=200))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(granted) == 590


def test_a_bucket_keeps_its_reserved_part_for_the_operator(redis_server, clock):
    budget = budget_for(redis_server, AMAZON, clock)

    assert take_all(budget, Share.POLL, operation="searchOrders") == 15
    assert take_all(budget, Share.SETUP, operation="searchOrders") == 5
    assert take_all(budget, Share.POLL, operation="getOrder") == 10
    clock.move(6.1 / 0.0056)
    assert take_all(budget, Share.POLL, operation="searchOrders") == 1


def test_the_wait_for_a_bucket_is_its_refill_time(redis_server, clock):
    budget = budget_for(redis_server, AMAZON, clock)
    take_all(budget, Share.POLL, operation="x")

    with pytest.raises(BudgetError) as caught:
        budget.take(operation="x", share=Share.POLL)

    assert caught.value.retry_after == pytest.approx(1, abs=0.01)


def test_what_the_channel_says_of_its_bucket_replaces_our_estimate(redis_server, clock):
    budget = budget_for(redis_server, SHOPIFY, clock)
    budget.take(operation="set", share=Share.WRITE, cost=13)

    budget.learn(operation="set", remaining=320, capacity=4000, per_second=200)

    left = budget.left("set")
    assert (left["limit"], left["left"]) == (4000, 320)
    assert left["by_share"][Share.BULK] == 0  # 800 of 4000 are kept for pushes
    assert left["by_share"][Share.URGENT] == 0  # 320 less the 400 of the other pushes
    with pytest.raises(BudgetError) as caught:
        budget.take(operation="page", share=Share.BULK, cost=500)
    assert caught.value.retry_after == pytest.approx((1300 - 320) / 200, abs=0.01)
    clock.move(5)
    budget.take(operation="page", share=Share.BULK, cost=500)


def test_numbers_that_can_not_be_a_bucket_are_not_learned(redis_server, clock):
    budget = budget_for(redis_server, SHOPIFY, clock)

    budget.learn(operation="set", remaining=-5, capacity=0, per_second=float("inf"))

    assert budget.left("set")["limit"] == 2000
    budget.take(operation="set", share=Share.WRITE, cost=13)


def test_a_call_dearer_than_the_bucket_goes_when_the_bucket_is_full(redis_server, clock):
    budget = budget_for(redis_server, AMAZON, clock)

    budget.take(operation="x", share=Share.READ, cost=25)

    with pytest.raises(BudgetError) as caught:
        budget.take(operation="x", share=Share.READ)
    assert caught.value.retry_after == pytest.approx(16, abs=0.01)


def test_too_many_from_the_channel_stops_every_share_of_the_group(redis_server, clock):
    budget = budget_for(redis_server, AMAZON, clock)

    budget.empty(operation="x", seconds=30)

    with pytest.raises(BudgetError) as caught:
        budget.take(operation="y", share=Share.URGENT)
    assert caught.value.retry_after == pytest.approx(30, abs=0.01)
    budget.take(operation="searchOrders", share=Share.POLL)
    clock.move(30.01)
    budget.take(operation="y", share=Share.URGENT)


def test_the_dashboard_sees_what_is_used_and_left(redis_server, clock):
    budget = budget_for(redis_server, FLIPKART, clock)
    for _ in range(7):
        budget.take(operation="x", share=Share.URGENT)

    left = budget.left("anything")

    assert (left["kind"], left["used"], left["left"], left["shared"]) == ("window", 7, 893, True)
    assert left["by_share"][Share.BULK] == 893 - 250 - 53
    assert left["by_share"][Share.URGENT] == 893 - 250


def test_after_a_flush_the_stored_counts_stand_again(redis_server, clock):
    budget = budget_for(redis_server, FLIPKART, clock)
    for _ in range(3):
        for _ in range(100):
            budget.take(operation="x", share=Share.WRITE)
        clock.move(300)
    stored = budget.used_by_minute()
    assert [sum(by_group["api"].values()) for by_group in stored.values()] == [100, 100, 100]

    redis_server.flushall()
    again = budget_for(redis_server, FLIPKART, clock, history=lambda: stored)

    assert take_all(again, Share.WRITE) == 290
    again.rebuild(stored)
    assert again.left("x")["used"] == 590
    clock.move(3600 - 900 + 70)
    assert take_all(again, Share.WRITE) >= 100


def test_a_flushed_bucket_starts_with_what_the_counts_leave(redis_server, clock):
    minute = clock.now().replace(second=0)
    counts = {minute - timedelta(minutes=2): {"searchOrders": {Share.POLL: 14.0}}}
    budget = budget_for(redis_server, AMAZON, clock, history=lambda: counts)

    assert take_all(budget, Share.POLL, operation="searchOrders") == 1


def test_stored_counts_that_fit_nothing_are_left_out(redis_server, clock):
    budget = budget_for(redis_server, FLIPKART, clock)

    budget.rebuild(
        {
            datetime(2020, 1, 1, tzinfo=UTC): {"api": {Share.POLL: 900}},
            clock.now() + timedelta(hours=1): {"api": {Share.POLL: 900}},
            clock.now() - timedelta(minutes=1): {"gone": {Share.POLL: 900}},
        }
    )

    assert budget.left("x")["used"] == 0


def test_without_redis_each_process_takes_its_part_and_says_so_once(clock, caplog):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        budget = budget_for(redis_client(f"redis://127.0.0.1:{taken.getsockname()[1]}/0"), FLIPKART, clock)

        with caplog.at_level(logging.ERROR):
            first = take_all(budget, Share.BULK)
            urgent = take_all(budget, Share.URGENT)
            clock.move(30)
            take_all(budget, Share.BULK)

    assert first == 16  # 900 / 3 workers / 12, less what is kept for others
    assert urgent >= 1
    assert len(caplog.records) == 1
    assert budget.left("x")["shared"] is False
    clock.move(3600)
    assert take_all(budget, Share.BULK) == 16


def test_a_redis_that_hangs_costs_a_call_less_than_a_second(clock):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        budget = budget_for(redis_client(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"), SHOPIFY, clock)
        started = time.monotonic()

        for _ in range(20):
            budget.take(operation="set", share=Share.URGENT, cost=13)

    assert time.monotonic() - started < 1


def test_redis_is_asked_again_after_some_seconds(redis_url, redis_server, clock):
    budget = budget_for(redis_server, FLIPKART, clock)
    wrong_type = "budget:{test:1}:api"
    redis_server.set(wrong_type, "not a hash")

    budget.take(operation="x", share=Share.POLL)
    redis_server.delete(wrong_type)
    clock.move(6)
    budget.take(operation="x", share=Share.POLL)

    assert budget.left("x")["used"] == 1


@pytest.mark.parametrize(
    "build",
    [
        lambda: WindowPlan(limit=10, reserved={Share.POLL: 8, Share.URGENT: 3}),
        lambda: WindowPlan(limit=0),
        lambda: BucketPlan(rate=0, burst=1),
        lambda: BudgetPlan(groups={"a": WindowPlan(limit=1)}, default="b"),
        lambda: BudgetPlan(groups={"a": WindowPlan(limit=1)}, default="a", workers=0),
    ],
)
def test_a_plan_that_can_not_hold_is_refused(build):
    with pytest.raises(ValueError):
        build()
