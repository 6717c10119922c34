"""What one API call carries through its resolvers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.shopify.state import Event, Shop
from sandbox.world import World

if TYPE_CHECKING:
    from sandbox.shopify.bulk import BulkRunner
    from sandbox.shopify.webhooks import Webhooks


@dataclass(slots=True, kw_only=True)
class CallContext:
    """
    :param bulk: connections without ``first`` give everything (the inner query of a bulk operation).
    :param bulk_url: gives the signed address of a bulk result: ``(number) -> url``.
    :param sku_counts: how many items have each SKU, counted once per call.
    :param when_answered: called under the lock when the answer is about to leave.
    """

    shop: Shop
    world: World
    webhooks: Webhooks
    bulk_runner: BulkRunner
    now: datetime
    bulk_url: Callable[[int], str]
    bulk: bool = False
    sku_counts: Counter[str | None] | None = None
    when_answered: list[Callable[[], None]] = field(default_factory=list)

    def event(self) -> Event:
        return Event(shop=self.shop, now=self.now)
