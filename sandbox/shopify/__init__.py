"""
A faithful stateful Shopify: Admin GraphQL API 2026-10, webhooks, bulk operations, tokens.

Mounted at ``/shopify``; then ``/<shop>.myshopify.com/admin/oauth/access_token`` and
``/<shop>.myshopify.com/admin/api/2026-10/graphql.json``. What it executes is the official schema, trimmed
(``schema-2026-10.graphql``, made by ``trim_schema.py``).

Faults (``world.faults``, by these names):

    shopify.http_500             a 5xx before anything was done; option ``status``
    shopify.http_504_html        a gateway's HTML page before anything was done
    shopify.http_429             429 with Retry-After; option ``retry_after``
    shopify.http_5xx_after_write a mutation was applied, its answer is a 5xx; option ``status``
    shopify.slow_answer          the answer comes late, the write was applied at once; option ``seconds`` (real), 10
    shopify.internal_error       a keyed mutation fails with INTERNAL_SERVER_ERROR, unwritten; its key is burnt
    shopify.throttled            THROTTLED as HTTP 200, whatever the bucket holds
    shopify.idempotency_concurrent  the key is said to be still running
    shopify.token_refused        401 for a valid token
    shopify.token_500            the token endpoint answers a 5xx; option ``status``
    shopify.search_lag           an object reaches the search index later; option ``seconds``, 60
    shopify.bulk_failed          a bulk operation ends FAILED/TIMEOUT with partial data
    shopify.webhook_drop         a delivery never happens
    shopify.webhook_duplicate    a delivery comes twice, same webhook id
    shopify.webhook_delay        a delivery comes late; option ``seconds``, 300
    shopify.webhook_reorder      a delivery waits up to option ``seconds`` (30) more, so that others overtake it
    shopify.webhook_bad_signature  an attempt is signed with a wrong secret
"""

from sandbox.shopify.marketplace import ShopifyMarketplace

FAULTS: dict[str, str] = {
    "shopify.http_500": "a 5xx before anything was done; option status",
    "shopify.http_504_html": "a gateway's HTML page before anything was done",
    "shopify.http_429": "429 with Retry-After; option retry_after",
    "shopify.http_5xx_after_write": "a mutation was applied, its answer is a 5xx; option status",
    "shopify.slow_answer": "the answer comes late, the write was applied at once; option seconds (real), 10",
    "shopify.internal_error": "a keyed mutation fails with INTERNAL_SERVER_ERROR, unwritten; its key is burnt",
    "shopify.throttled": "THROTTLED as HTTP 200, whatever the bucket holds",
    "shopify.idempotency_concurrent": "the idempotency key is said to be still running",
    "shopify.token_refused": "401 for a valid token",
    "shopify.token_500": "the token endpoint answers a 5xx; option status",
    "shopify.search_lag": "an object reaches the search index later; option seconds, 60",
    "shopify.bulk_failed": "a bulk operation ends FAILED/TIMEOUT with partial data",
    "shopify.webhook_drop": "a webhook delivery never happens",
    "shopify.webhook_duplicate": "a webhook delivery comes twice, same webhook id",
    "shopify.webhook_delay": "a webhook delivery comes late; option seconds, 300",
    "shopify.webhook_reorder": "a webhook delivery waits up to option seconds (30) more, so that others overtake it",
    "shopify.webhook_bad_signature": "a webhook attempt is signed with a wrong secret",
}

__all__ = ["FAULTS", "ShopifyMarketplace"]
