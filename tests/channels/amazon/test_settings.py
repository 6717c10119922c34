"""Settings and call budget."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from channels_amazon.adapter import AmazonAdapter
from channels_amazon.limits import USAGE_PLANS
from channels_amazon.settings import Settings
from inventory_sync.domain.errors import SetupError
from inventory_sync.domain.ports import ChannelAdapter, Share
from inventory_sync.http import BucketPlan
from tests.channels.amazon.official import MODELS, _model
from tests.channels.amazon.stub import make_adapter


def test_the_adapter_is_what_the_engine_asks_for() -> None:
    adapter: ChannelAdapter = make_adapter("http://127.0.0.1:9")

    wanted = {name for name in vars(ChannelAdapter) if not name.startswith("_")}
    assert wanted <= set(dir(adapter))
    for name in ("read_back", "propagation_deadline_seconds", "read_lag_seconds", "restock_on_cancel", "know_seconds", "ack_seconds",
                 "poll_seconds", "sale_poll_seconds", "index_delay_seconds", "order_overlap_seconds"):  # fmt: skip
        assert name in AmazonAdapter.defaults


def test_settings_may_come_as_text() -> None:
    read = Settings.read(
        {
            "rate_factor": "20",
            "returns_report": "false",
            "order_page": "50",
            "notification_types": "ORDER_CHANGE, X",
            "unknown": object(),
            "sqs_queue_url": None,
        }
    )

    assert (read.rate_factor, read.returns_report, read.order_page) == (20.0, False, 50)
    assert read.notification_types == ("ORDER_CHANGE", "X")
    assert Settings.read(AmazonAdapter.defaults) == Settings()


@pytest.mark.parametrize(
    "given",
    [
        {"order_page": 101},
        {"listing_page": 0},
        {"feed_messages": 25_001},
        {"rate_factor": 0},
        {"poll_seconds": "soon"},
        {"poll_seconds": -1},
        {"marketplace_id": ""},
    ],
)
def test_settings_that_make_no_sense_are_named(given: dict[str, Any]) -> None:
    with pytest.raises(SetupError, match=next(iter(given))):
        Settings.read(given)


def test_each_operation_has_amazons_own_bucket() -> None:
    plan = AmazonAdapter.budget_plan({}, workers=3)

    orders = plan.groups["searchOrders"]
    assert isinstance(orders, BucketPlan)
    assert (orders.rate, orders.burst, plan.workers) == (0.0056, 20, 3)
    assert orders.reserved[Share.SETUP] >= orders.burst * 0.25
    for operation, (rate, burst) in USAGE_PLANS.items():
        bucket = plan.groups[plan.group_of(operation)]
        assert isinstance(bucket, BucketPlan)
        assert (bucket.rate, bucket.burst) == (rate, burst)
    fast = AmazonAdapter.budget_plan({"rate_factor": "20"}, workers=1).groups["searchOrders"]
    assert isinstance(fast, BucketPlan)
    assert fast.rate == pytest.approx(0.112)


def test_the_usage_plans_are_those_of_the_official_models() -> None:
    import re

    stated: dict[str, tuple[float, float]] = {}
    for name in MODELS:
        for methods in _model(name)["paths"].values():
            for operation in methods.values():
                if isinstance(operation, dict) and "operationId" in operation:
                    found = re.search(r"\|\s*([\d.]+)\s*\|\s*(\d+)\s*\|", operation.get("description", ""))
                    if found:
                        stated[operation["operationId"]] = (float(found[1]), float(found[2]))

    ours = {operation: plan for operation, plan in USAGE_PLANS.items() if operation in stated}
    assert ours == {operation: stated[operation] for operation in ours}
    assert len(ours) >= 18


def test_every_call_of_the_client_has_a_bucket_of_its_own() -> None:
    import re

    import channels_amazon.client as client

    source = Path(client.__file__).read_text()
    named = set(re.findall(r'"((?:get|search|create|patch)[A-Z][A-Za-z]+)"', source))
    assert named == set(USAGE_PLANS), json.dumps(sorted(named ^ set(USAGE_PLANS)))
