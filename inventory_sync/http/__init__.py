"""One HTTP client, one retry rule and one call budget for all channels. Knows no Django."""

from inventory_sync.http.budget import Counts, RedisRateBudget, redis_client
from inventory_sync.http.budget_plan import BucketPlan, BudgetPlan, WindowPlan
from inventory_sync.http.client import USER_AGENT, ApiClient, ApiResponse, ErrorMapper, error_for_status, response_of
from inventory_sync.http.clock import SystemClock
from inventory_sync.http.redaction import redact_headers, redact_text, redact_url
from inventory_sync.http.retry import parse_retry_after, wait_seconds
from inventory_sync.http.safety import check_base_url

__all__ = [
    "USER_AGENT",
    "ApiClient",
    "ApiResponse",
    "BucketPlan",
    "BudgetPlan",
    "Counts",
    "ErrorMapper",
    "RedisRateBudget",
    "SystemClock",
    "WindowPlan",
    "check_base_url",
    "error_for_status",
    "parse_retry_after",
    "redact_headers",
    "redact_text",
    "redact_url",
    "redis_client",
    "response_of",
    "wait_seconds",
]
