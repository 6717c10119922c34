"""What can be set for a Shopify account, with defaults. Durations are seconds; values may come as text from the admin or the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inventory_sync.domain.ports import Share
from inventory_sync.http import BucketPlan, BudgetPlan

REQUIRED_SCOPES = (
    "read_products",
    "read_inventory",
    "write_inventory",
    "read_locations",
    "read_orders",
    "read_merchant_managed_fulfillment_orders",
)

DEFAULTS: Mapping[str, Any] = {
    # what the engine asks of every channel
    "read_back": "shown",
    "propagation_deadline_seconds": 30,
    "read_lag_seconds": 1,
    "restock_on_cancel": True,  # each line says how much of it: cancel_restocked
    "know_seconds": 5,
    "ack_seconds": 1,
    "poll_seconds": 120,
    "sale_poll_seconds": 60,
    "level_poll_seconds": 900,
    "sale_level_poll_seconds": 300,
    "index_delay_seconds": 300,  # the search index may miss what changed this lately
    "order_overlap_seconds": 300,
    "rate_window_seconds": 20,  # a full bucket refills in this time
    "batch_size": 1,  # a stale row can't be told from its batch
    "bulk_size": 250,
    # connection
    "api_version": "2026-10",
    "grant": "auto",  # auto | static | client_credentials | authorization_code
    "scopes": ",".join(REQUIRED_SCOPES),
    "expiring_offline_tokens": True,
    "token_renew_seconds": 300,  # before a token ends
    "webhook_stale_seconds": 86400,
    # points of the budget until the shop has told its own
    "points_per_second": 100,
    "points_bucket": 2000,
    # reading
    "first_poll_days": 14,  # the first round looks back so far; without read_all_orders the shop shows 60 days at most
    "orders_page_size": 50,
    "variants_page_size": 50,
    "read_order_locations": True,  # read open orders by id, since only there they name their locations
    "hsn_metafield_namespace": "custom",
    "hsn_metafield_key": "hsn_code",
    # writing
    "write_reason": "correction",
    "write_deadline_seconds": 30,
}


def number(settings: Mapping[str, Any], name: str) -> float:
    """A setting as a number; its default when it is empty or no number."""
    try:
        return float(settings.get(name, DEFAULTS[name]))
    except (TypeError, ValueError):
        return float(DEFAULTS[name])


def words(settings: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A comma separated setting, or a list, as words."""
    value = settings.get(name) or DEFAULTS[name]
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(str(part).strip() for part in parts if str(part).strip())


def budget_plan(settings: Mapping[str, Any], *, workers: int) -> BudgetPlan:
    """One bucket of points, of which a quarter is kept for pushes; token calls are not counted in points."""
    burst = number(settings, "points_bucket")
    return BudgetPlan(
        groups={
            "graphql": BucketPlan(
                rate=number(settings, "points_per_second"),
                burst=burst,
                reserved={Share.URGENT: burst * 0.1, Share.WRITE: burst * 0.15},
                sized_by_channel=True,
            ),
            "token": BucketPlan(rate=1.0, burst=10.0),
        },
        default="graphql",
        workers=max(workers, 1),
    )
