"""The switches of the Flipkart sandbox, and their defaults. Durations are seconds of marketplace time (divided by the clock factor)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

READ_BACKS = ("accepted", "shown", "seller_set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    How this Flipkart behaves where the contract leaves a choice.

    ``read_back`` is what ``details`` echoes for a location: ``accepted`` gives the last accepted value at once and, from the
    moment it is in force, what is shown; ``shown`` is what buyers see; ``seller_set`` is the last accepted value, never lowered by sales.
    """

    # stock
    propagation_seconds: tuple[float, float] = (
        120.0,
        300.0,
    )  # an accepted write takes effect after a time in this range
    effects_in_order: bool = False  # True: a write that a later one of its row overtook never takes effect
    read_back: str = "accepted"
    inventory_includes_open_orders: bool = False  # True: shown = written value − units of unshipped orders
    restock_on_cancel: bool = True  # buyer and marketplace cancels raise what is shown
    fbf_writes_fail: bool = True  # an inventory write to an FBF listing answers FAILURE (else: SUCCESS without effect)
    strict_update: bool = False  # True: listing update refuses a body without every field that the swagger requires

    # orders
    index_delay_seconds: tuple[float, float] = (5.0, 60.0)  # a new or cancelled item shows in the filter after this
    dispatch_after_seconds: float = 0.0  # dispatchAfterDate − orderDate
    dispatch_by_hours: float = 24.0  # dispatchByDate − orderDate, in hours of the wall clock
    pack_seconds: tuple[float, float] = (5.0, 10.0)
    default_page_size: int = 20
    max_page_size: int = 20
    filter_depth: int = 5000
    depth_cap: str = "error"  # or "truncate": past the depth the list silently ends
    updated_at_ignores: tuple[
        str, ...
    ] = ()  # of "hold", "partial_cancel": changes that leave updatedAt (modifiedDate) as it is
    auto_progress: Mapping[str, tuple[float, float]] | None = (
        None  # {"pack": (lo, hi), "dispatch": ..., "ship": ..., "deliver": ...}
    )

    # what answers look like
    bare_paths: bool = False  # True: the REST paths answer without /sellers as well
    status_case: str = "upper"  # or "lower": per-SKU status of listing writes
    selling_price_field: str = "flipkart_selling_price"
    open_orders_field: str = (
        "listing"  # where orders_to_be_fulfilled stands: "listing", "available" (beside the listings) or "none"
    )
    result_field: str = "status"  # or "processingStatus": pack, dispatch, cancel
    late_result_field: str = "processingStatus"  # or "status": self-ship and returns
    error_shape: str = "errorCode"  # or "errors": whole-request errors of shipments and returns
    replacement_field: str = "is_replacement"
    handover_shape: str = "list"  # or "resultManifestDetails"
    escape_sku: bool = True  # SKU and FSN HTML-escaped in orders
    float_quantity_share: float = 0.1  # how often an order quantity comes as 1.0
    shuffle_fields: bool = True
    extra_fields: bool = True  # fields nobody documented

    # access
    rate_limit: int = 1000  # calls per rolling window
    rate_window_seconds: float = 3600.0
    send_retry_after: bool = False  # Retry-After on the limiter's own 429
    access_token_seconds: float = 5_184_000.0
    refresh_token_seconds: float = 15_552_000.0
    code_seconds: float = 600.0
    rotate_refresh_tokens: bool = False
    refresh_issues_new_token: bool = False  # True: a refresh always gives another access token

    # push
    push_delay_seconds: tuple[float, float] = (0.5, 3.0)
    push_retry_seconds: float = 30.0
    push_timeout_seconds: float = 10.0  # of real time
    push_renews_date: bool = True  # False: a retry carries the X_Date of the first try


_CHOICES: dict[str, tuple[str, ...]] = {
    "read_back": READ_BACKS,
    "depth_cap": ("error", "truncate"),
    "status_case": ("upper", "lower"),
    "open_orders_field": ("listing", "available", "none"),
    "result_field": ("status", "processingStatus"),
    "late_result_field": ("status", "processingStatus"),
    "error_shape": ("errorCode", "errors"),
    "handover_shape": ("list", "resultManifestDetails"),
}


def settings_from(values: Mapping[str, Any], *, base: Settings | None = None) -> Settings:
    """
    ``base`` (or the defaults) with the given values; lists become tuples.

    :raises ValueError: an unknown name, a value outside its choices, or a range that is not (low, high).
    """
    current = {field.name: getattr(base or Settings(), field.name) for field in fields(Settings)}
    if unknown := values.keys() - current.keys():
        raise ValueError(f"unknown Flipkart sandbox settings {sorted(unknown)}; known: {sorted(current)}")
    for name, value in values.items():
        if name in _CHOICES and value not in _CHOICES[name]:
            raise ValueError(f"{name} must be one of {_CHOICES[name]}")
        if name == "auto_progress":
            current[name] = (
                None if value is None else {step: span(pair, f"{name}.{step}") for step, pair in value.items()}
            )
        elif name == "updated_at_ignores":
            current[name] = tuple(value)
        else:
            current[name] = span(value, name) if isinstance(current[name], tuple) else value
    return Settings(**current)


def span(value: Any, name: str) -> tuple[float, float]:
    """``[low, high]`` in seconds as a pair; one number stands for both ends."""
    pair = (value, value) if isinstance(value, int | float) else tuple(value)
    if len(pair) != 2 or not 0 <= pair[0] <= pair[1]:
        raise ValueError(f"{name} must be [low, high] seconds, 0 <= low <= high")
    return float(pair[0]), float(pair[1])
