"""
Account settings for marketplaces whose clock runs faster than ours.

A sandbox divides its delays by the clock factor, so every setting that is a duration of the marketplace's or of our own pace is divided too.
What bounds one call stays: a call takes as long on a fast clock as on a slow one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEPT = {
    "connect_timeout_seconds",
    "read_timeout_seconds",
    "read_deadline_seconds",
    "token_deadline_seconds",
    "sqs_visibility_seconds",  # bounds our own work on a message
}
CALL_DEADLINES = {"call_deadline_seconds", "write_deadline_seconds"}
SHORTEST_CALL_SECONDS = 4.0
LEASE_TO_CALL = 1.5
SHORTEST_READ_LAG_SECONDS = 0.2


def scaled(settings: Mapping[str, Any], *, clock: float) -> dict[str, Any]:
    """
    The settings that differ from these defaults when the marketplaces run ``clock`` times as fast.

    Durations (``…_seconds``) are divided. A write's deadline and the lease of a claim shrink too, since the lease is part of what a flight waits
    for, but not below what a call may really take; the lease stays longer than the call. ``rate_factor`` (Amazon) is the clock.

    :raises ValueError: ``clock`` is not above 0.
    """
    if clock <= 0:
        raise ValueError("the clock factor must be above 0")
    call_seconds = max(30.0 / clock, min(SHORTEST_CALL_SECONDS, 30.0))
    values: dict[str, Any] = {}
    for name, value in settings.items():
        if name in KEPT or not name.endswith("_seconds"):
            continue
        if name in CALL_DEADLINES:
            values[name] = call_seconds
        elif name == "lease_seconds":
            values[name] = max(float(value) / clock, call_seconds * LEASE_TO_CALL)
        elif name == "read_lag_seconds":
            values[name] = max(float(value) / clock, min(float(value), SHORTEST_READ_LAG_SECONDS))
        else:
            values[name] = float(value) / clock
    if "rate_factor" in settings:
        values["rate_factor"] = clock
    return values
