"""
What became mandatory at run time with 2026-04, though the schema calls it optional, and the 24-hour memory of idempotency keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo
from graphql.execution.values import get_directive_values

from sandbox.shopify.context import CallContext
from sandbox.shopify.inventory import user_error
from sandbox.shopify.state import KeyUse

KEY_SECONDS = 24 * 3600


def require_compare_argument(rows: Sequence[dict[str, Any]], *, input_type: str) -> None:
    """
    Every row must hold the key ``changeFromQuantity``, be it null.

    :raises GraphQLError: INVALID_FIELD_ARGUMENTS.
    """
    if any("changeFromQuantity" not in row for row in rows):
        message = f"{input_type} must include the following argument: changeFromQuantity."
        raise GraphQLError(message, extensions={"code": "INVALID_FIELD_ARGUMENTS"})


def require_key(info: GraphQLResolveInfo) -> str:
    """
    The key of ``@idempotent`` on this field.

    :raises GraphQLError: BAD_REQUEST, no directive or a blank key.
    """
    directive = info.schema.get_directive("idempotent")
    assert directive is not None
    values = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    if values is None:
        message = "The @idempotent directive is required for this mutation but was not provided."
        raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})
    key = str(values["key"])
    if not key.strip():
        message = "The idempotency key cannot be an empty string or whitespace only."
        raise GraphQLError(message, extensions={"code": "BAD_REQUEST"})
    return key


def once(
    context: CallContext,
    *,
    key: str,
    mutation: str,
    arguments: dict[str, Any],
    empty: dict[str, Any],
    run: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """
    Run a mutation once per key: the same key with the same input gives the first result again, without writing.

    The key counts as running until the answer is on its way, so a retry during a slow answer is told to wait.

    :param empty: the payload beside ``userErrors`` when the key is refused.
    """
    shop = context.shop
    seconds = context.world.clock.scaled(KEY_SECONDS)
    _forget_old_keys(shop.keys, context.now)
    fingerprint = mutation + json.dumps(arguments, sort_keys=True, default=str)
    use = shop.keys.get(key)
    if context.world.faults.hit("shopify.idempotency_concurrent"):
        return {**empty, "userErrors": [_refusal("IDEMPOTENCY_CONCURRENT_REQUEST")]}
    if use is not None:
        if use.fingerprint != fingerprint:
            return {**empty, "userErrors": [_refusal("IDEMPOTENCY_KEY_PARAMETER_MISMATCH")]}
        if use.status == "running":
            return {**empty, "userErrors": [_refusal("IDEMPOTENCY_CONCURRENT_REQUEST")]}
        if use.status == "failed":
            return {**empty, "userErrors": [_refusal("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")]}
        return use.result
    use = shop.keys[key] = KeyUse(fingerprint=fingerprint, expires_at=context.now + timedelta(seconds=seconds))
    if context.world.faults.hit("shopify.internal_error"):
        use.status = "failed"
        message = "Internal error. Looks like something went wrong on our end."
        raise GraphQLError(message, extensions={"code": "INTERNAL_SERVER_ERROR"})
    try:
        use.result = run()
    except BaseException:
        use.status = "failed"
        raise

    def done() -> None:
        use.status = "done"

    context.when_answered.append(done)
    return use.result


def _forget_old_keys(keys: dict[str, KeyUse], now: datetime) -> None:
    """Keys stand in order of their first use, all with one lifetime: the oldest stand first."""
    while keys and (oldest := next(iter(keys))) and keys[oldest].expires_at <= now:
        del keys[oldest]


REFUSALS = {
    "IDEMPOTENCY_CONCURRENT_REQUEST": "A request with this idempotency key is still being processed.",
    "IDEMPOTENCY_KEY_PARAMETER_MISMATCH": "This idempotency key was already used with different parameters.",
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED": "The previous attempt with this idempotency key failed.",
}


def _refusal(code: str) -> dict[str, Any]:
    return user_error(None, REFUSALS[code], code)
