"""What ``--faults all`` switches on: troubles of all three channels that a good product gets over by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# A silence is longer than our call may take, whatever the clock (real seconds).
SILENCE = {"seconds": 6.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One fault of the sandbox, how often it strikes at a chance, and its options (durations in marketplace seconds unless real)."""

    name: str
    probability: float
    options: Mapping[str, Any] = field(default_factory=dict)


# Left out: what needs a person (revoked access, refused listings), and what breaks the assumptions that rights rest on (an order feed that hides
# orders for good, writes in force after the deadline that the account is set to).
ALL = (
    Trouble(name="flipkart.http_429", probability=0.01, options={"retry_after": 2}),
    Trouble(name="flipkart.http_500", probability=0.02),
    Trouble(name="flipkart.http_503", probability=0.02),
    Trouble(name="flipkart.http_504_html", probability=0.01),
    Trouble(name="flipkart.http_599", probability=0.01),
    Trouble(name="flipkart.timeout_before", probability=0.003, options=SILENCE),
    Trouble(name="flipkart.timeout_after_apply", probability=0.01, options=SILENCE),
    Trouble(name="flipkart.http_504_after_apply", probability=0.02),
    Trouble(name="flipkart.truncated_body", probability=0.01),
    Trouble(name="flipkart.token_unavailable", probability=0.2),
    Trouble(name="flipkart.sku_warning", probability=0.03),
    Trouble(name="flipkart.sku_missing", probability=0.02),
    Trouble(name="flipkart.late_effect", probability=0.05, options={"seconds": 550}),
    Trouble(name="flipkart.write_lost", probability=0.01),
    Trouble(name="flipkart.quantity_as_float", probability=0.2),
    Trouble(name="shopify.http_500", probability=0.02),
    Trouble(name="shopify.http_504_html", probability=0.01),
    Trouble(name="shopify.http_429", probability=0.01, options={"retry_after": 1}),
    Trouble(name="shopify.http_5xx_after_write", probability=0.03),
    Trouble(name="shopify.slow_answer", probability=0.005, options=SILENCE),
    Trouble(name="shopify.internal_error", probability=0.01),
    Trouble(name="shopify.throttled", probability=0.01),
    Trouble(name="shopify.idempotency_concurrent", probability=0.01),
    Trouble(name="shopify.token_refused", probability=0.005),
    Trouble(name="shopify.token_500", probability=0.2),
    Trouble(name="shopify.search_lag", probability=0.1, options={"seconds": 60}),
    Trouble(name="shopify.webhook_drop", probability=0.1),
    Trouble(name="shopify.webhook_duplicate", probability=0.1),
    Trouble(name="shopify.webhook_delay", probability=0.1, options={"seconds": 120}),
    Trouble(name="shopify.webhook_reorder", probability=0.2),
    Trouble(name="shopify.webhook_bad_signature", probability=0.02),
    Trouble(name="amazon.slow", probability=0.01, options={"seconds": 1.0}),
    Trouble(name="amazon.timeout", probability=0.003, options=SILENCE),
    Trouble(name="amazon.http_500", probability=0.02),
    Trouble(name="amazon.http_500_empty", probability=0.01),
    Trouble(name="amazon.http_503_html", probability=0.01),
    Trouble(name="amazon.write_then_500", probability=0.02),
    Trouble(name="amazon.write_then_timeout", probability=0.01, options=SILENCE),
    Trouble(name="amazon.throttle", probability=0.02),
    Trouble(name="amazon.no_rate_header", probability=0.1),
    Trouble(name="amazon.token_expired", probability=0.01),
    Trouble(name="amazon.lwa_500", probability=0.2),
    Trouble(name="amazon.patch_warning", probability=0.03),
    Trouble(name="amazon.patch_late", probability=0.05, options={"seconds": 200}),
    Trouble(name="amazon.patch_overtakes", probability=0.02),
    Trouble(name="amazon.sqs_duplicate", probability=0.1),
    Trouble(name="amazon.sqs_repeat_new_id", probability=0.05),
    Trouble(name="amazon.sqs_reorder", probability=0.2),
    Trouble(name="amazon.sqs_delay", probability=0.05),
    Trouble(name="amazon.sqs_drop", probability=0.1),
    Trouble(name="amazon.sqs_eventbridge_wrap", probability=0.05),
    Trouble(name="amazon.sqs_no_metadata", probability=0.02),
    Trouble(name="amazon.sqs_poison", probability=0.01),
    Trouble(name="amazon.sqs_unknown_type", probability=0.02),
    Trouble(name="amazon.sqs_item_level", probability=0.05),
    Trouble(name="amazon.sqs_null_time", probability=0.05),
)
