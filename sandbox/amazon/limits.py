"""
Token buckets per (application, seller) and operation.

Rates and bursts are those of the usage-plan tables inside the operation descriptions of amzn/selling-partner-api-models
at 34dc93fe (2026-08-05): requests per second, and bucket size.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

USAGE_PLANS: dict[str, tuple[float, float]] = {
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
    "confirmShipment": (2, 10),
    "getListingsItem": (5, 10),
    "searchListingsItems": (5, 5),
    "patchListingsItem": (5, 5),
    "createFeedDocument": (0.5, 15),
    "createFeed": (0.0083, 15),
    "getFeed": (2, 15),
    "getFeeds": (0.0222, 10),
    "cancelFeed": (2, 15),
    "getFeedDocument": (0.0222, 10),
    "createReport": (0.0167, 15),
    "getReport": (2, 15),
    "getReports": (0.0222, 10),
    "cancelReport": (0.0222, 10),
    "getReportDocument": (0.0167, 15),
    "getInventorySummaries": (2, 2),
    "getShipments": (2, 30),
    "getShipmentItems": (2, 30),
    "getShipmentItemsByShipmentId": (2, 30),
    "listInboundPlans": (2, 6),
    "getInboundPlan": (2, 6),
    "getShipment": (2, 6),
    "listShipmentItems": (2, 30),
    "getMarketplaceParticipations": (0.016, 15),
    "createDestination": (1, 5),
    "getDestinations": (1, 5),
    "getDestination": (1, 5),
    "deleteDestination": (1, 5),
    "createSubscription": (1, 5),
    "getSubscription": (1, 5),
    "getSubscriptions": (1, 5),
    "getSubscriptionById": (1, 5),
    "deleteSubscriptionById": (1, 5),
    "sendTestNotification": (1, 5),
}


@dataclass(slots=True)
class Bucket:
    tokens: float
    filled_at: float


class Buckets:
    """All buckets. Not thread-safe: the marketplace's lock guards it. Refill runs ``factor`` times as fast as the plan says."""

    def __init__(self, *, factor: float) -> None:
        self._factor = factor
        self._buckets: dict[tuple[str, str, str], Bucket] = {}

    def rate(self, operation: str) -> float:
        """Requests per real second."""
        return USAGE_PLANS[operation][0] * self._factor

    def take(self, *, client_id: str, seller_id: str, operation: str) -> bool:
        """Take one token; False when the bucket is empty."""
        burst = USAGE_PLANS[operation][1]
        now = time.monotonic()
        bucket = self._buckets.setdefault((client_id, seller_id, operation), Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at) * self.rate(operation))
        bucket.filled_at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def refill(self) -> None:
        """Fill every bucket (control API)."""
        self._buckets.clear()
