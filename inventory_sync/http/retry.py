"""
How long to wait before the same call is tried again.

Full jitter: a random wait between 0 and a ceiling that doubles with each try, so that workers which failed together don't come back
together. What the channel says in ``Retry-After`` counts as the least.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

BASE_SECONDS = 1.0
CAP_SECONDS = 60.0
RETRY_AFTER_CAP_SECONDS = 3600.0


def wait_seconds(
    *,
    attempt: int,
    retry_after: float | None = None,
    base: float = BASE_SECONDS,
    cap: float = CAP_SECONDS,
    uniform: Callable[[float, float], float] = random.uniform,
) -> float:
    """
    Seconds to wait after a failed try.

    :param attempt: how many tries have failed so far, from 1.
    :param retry_after: what the channel asked for; the wait is that and up to one ``base`` more, never less.
    """
    if retry_after is not None:
        return max(retry_after, 0.0) + uniform(0.0, base)
    return uniform(0.0, min(cap, base * 2.0 ** max(attempt - 1, 0)))


def parse_retry_after(value: str | None, *, now: datetime, cap: float = RETRY_AFTER_CAP_SECONDS) -> float | None:
    """
    Read a ``Retry-After`` header: seconds (also ``"2.5"``, as Shopify sends) or an HTTP date.

    :return: seconds from ``now`` between 0 and ``cap``; None when absent or unreadable.
    """
    text = (value or "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), cap)
