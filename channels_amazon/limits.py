"""
What Amazon allows: one token bucket for each operation, per (application, seller) pair.

Rates in calls per second and bursts are those of the usage-plan tables in the operation descriptions of amzn/selling-partner-api-models at
34dc93fe (2026-08-05). Amazon may give a seller more (``x-amzn-RateLimit-Limit``): the budget learns that. Contract, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping

from inventory_sync.domain.ports import Share
from inventory_sync.http import BucketPlan, BudgetPlan

USAGE_PLANS: Mapping[str, tuple[float, float]] = {
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
    "patchListingsItem": (5, 5),
    "getListingsItem": (5, 10),
    "searchListingsItems": (5, 5),
    "getInventorySummaries": (2, 2),
    "createFeedDocument": (0.5, 15),
    "createFeed": (0.0083, 15),
    "getFeed": (2, 15),
    "getFeeds": (0.0222, 10),
    "getFeedDocument": (0.0222, 10),
    "createReport": (0.0167, 15),
    "getReport": (2, 15),
    "getReports": (0.0222, 10),
    "getReportDocument": (0.0167, 15),
    "createDestination": (1, 5),
    "getDestinations": (1, 5),
    "createSubscription": (1, 5),
    "getSubscription": (1, 5),
    "getMarketplaceParticipations": (0.016, 15),
}
# Not counted by Amazon's plans: the login, and the object store behind presigned addresses.
OWN_LIMITS: Mapping[str, tuple[float, float]] = {"lwaToken": (1, 10), "document": (5, 20)}
OTHER = "other"

_SYNC_NOW_SHARE = 0.25  # of the searchOrders burst, kept for a person who presses "sync now"
_URGENT_SHARE = 0.2  # of the write burst, kept for cuts and drains


def rate_of(operation: str, *, factor: float) -> float:
    """Calls per second that the plan gives an operation."""
    rate, _ = USAGE_PLANS.get(operation) or OWN_LIMITS.get(operation) or (1.0, 5.0)
    return rate * factor


def budget_plan(*, rate_factor: float, workers: int) -> BudgetPlan:
    """
    One bucket for each operation.

    :param rate_factor: 1 for Amazon itself; a sandbox whose clock runs 20 times as fast refills 20 times as fast.
    """
    groups: dict[str, BucketPlan] = {}
    for operation, (rate, burst) in {**USAGE_PLANS, **OWN_LIMITS, OTHER: (1.0, 5.0)}.items():
        reserved: dict[Share, float] = {}
        if operation == "searchOrders":
            reserved = {Share.SETUP: burst * _SYNC_NOW_SHARE}
        elif operation == "patchListingsItem":
            reserved = {Share.URGENT: burst * _URGENT_SHARE}
        groups[operation] = BucketPlan(rate=rate * rate_factor, burst=burst, reserved=reserved)
    return BudgetPlan(groups=groups, default=OTHER, workers=workers)
