"""
Amazon.in's Selling Partner API as a server with state of its own: login, orders, listings, feeds, reports, FBA, notifications.

Faults, switched on as ``amazon.<name>``; most can be narrowed by options (``operation``, ``sku``, ``notification_type``, ``order_id``):
see :data:`FAULTS`, which names each with its meaning and its own options.
"""

from __future__ import annotations

from sandbox.amazon.marketplace import AmazonMarketplace

FAULTS: dict[str, str] = {
    "amazon.slow": "an answer takes `seconds` (2) longer; option operation (lwaToken for the login)",
    "amazon.timeout": "no answer for `seconds` (60), then an empty 504; nothing is done; option operation",
    "amazon.http_500": "500 with an error body; nothing is done; option operation",
    "amazon.http_500_empty": "500 with an empty body; nothing is done; option operation",
    "amazon.http_503_html": "503 with an HTML page; nothing is done; option operation",
    "amazon.write_then_500": "a write is done, the answer is a 500; option operation",
    "amazon.write_then_timeout": "a write is done, no answer for `seconds` (60), then an empty 504; option operation",
    "amazon.throttle": "429 although the bucket has tokens; option operation",
    "amazon.no_rate_header": "x-amzn-RateLimit-Limit is missing; option operation",
    "amazon.token_expired": "the access token counts as expired from this call on (403); option operation",
    "amazon.lwa_500": "the login answers 500 server_error",
    "amazon.lwa_invalid_grant": "the login refuses the refresh token with invalid_grant",
    "amazon.patch_400": "patchListingsItem answers 400; option sku",
    "amazon.patch_invalid": "a listings submission is INVALID (200) with an issue; option sku",
    "amazon.patch_warning": "a listings submission is ACCEPTED with a WARNING; option sku",
    "amazon.patch_lost": "ACCEPTED, but never takes effect and nothing says so; option sku",
    "amazon.patch_late": "ACCEPTED, takes effect `seconds` (600) later than usual; option sku",
    "amazon.patch_overtakes": "ACCEPTED, may take effect before an earlier write of the SKU; option sku",
    "amazon.late_issue": "ACCEPTED, then refused by an ERROR issue on the listing; option sku",
    "amazon.search_misses_order": "searchOrders leaves an order out; option order_id",
    "amazon.unknown_order_status": "an order carries a fulfillmentStatus that no model names; option order_id",
    "amazon.order_without_sku": "order items carry no sellerSku; option order_id",
    "amazon.feed_stuck": "a feed stays IN_PROGRESS until the control verb release_feed",
    "amazon.feed_cancelled": "a feed ends CANCELLED, nothing is applied",
    "amazon.feed_fatal": "a feed ends FATAL with its first half applied, without a report",
    "amazon.feed_message_error": "a message of a feed is refused; option sku",
    "amazon.upload_500": "the upload URL answers 500",
    "amazon.report_stuck": "a report stays IN_PROGRESS",
    "amazon.report_fatal": "a report ends FATAL",
    "amazon.report_cancelled": "a report ends CANCELLED although there is data",
    "amazon.fba_token_expired": "the next page of getInventorySummaries is refused: token expired",
    "amazon.directive_refused": "createSubscription refuses a processingDirective with 400",
    "amazon.sqs_duplicate": "a message is sent `copies` (1) more times, same id; option notification_type (as for all sqs_*)",
    "amazon.sqs_repeat_new_id": "a message is sent again under a new NotificationId",
    "amazon.sqs_reorder": "a message is held up to `seconds` (60), so that later ones overtake it",
    "amazon.sqs_delay": "a message is held for `seconds` (120) more",
    "amazon.sqs_drop": "a message is lost",
    "amazon.sqs_eventbridge_wrap": "a message comes wrapped as through EventBridge",
    "amazon.sqs_no_metadata": "a message comes without NotificationMetadata",
    "amazon.sqs_poison": "a message that is not JSON is sent before this one",
    "amazon.sqs_unknown_type": "a message of an unknown type is sent before this one",
    "amazon.sqs_item_level": "ORDER_CHANGE comes as one OrderItemLevel message per item",
    "amazon.sqs_null_time": "ORDER_CHANGE comes with TimeOfOrderChange null",
}

__all__ = ["FAULTS", "AmazonMarketplace"]
