"""
What really happened, counted by the marketplaces themselves: the judge of every oversell.

The shelf is told once (units of each physical SKU). Every sale, cancellation and restock is written here at the instant at
which the marketplace takes it, in physical units, whatever the product believes.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One accepted order line. ``components`` are (physical SKU code, units of it per listing unit)."""

    channel: str
    order_id: str
    line_id: str
    listing_key: str
    location: str
    units: int
    at: datetime
    components: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class SkuTruth:
    """
    Units of one physical SKU: what stood on the shelf, what was sold net of cancellations, the worst shortfall seen.

    ``beyond_stock`` adds up, sale by sale, the units that were not there when they were promised. Unlike the worst shortfall it
    counts anew when the seller cancels an order for want of stock and the next buyer is promised the same missing unit.
    """

    shelf: int = 0
    sold: int = 0
    worst_oversold: int = 0
    beyond_stock: int = 0
    by_channel: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Truth:
    """
    Thread-safe account of units sold per SKU and channel against the shelf.

    *Oversold* is, per SKU and at its worst instant, sold − shelf where that is above 0: a unit that some buyer was promised
    and that did not exist at that moment. A later cancellation by the seller does not undo it; a cancellation by the buyer gives
    the unit back for later instants.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._skus: dict[str, SkuTruth] = defaultdict(SkuTruth)
        self.sales: list[Sale] = []
        self.refused: dict[str, int] = defaultdict(int)  # channel -> orders refused at zero
        self.cancelled: dict[str, int] = defaultdict(int)  # channel -> listing units cancelled

    def set_shelf(self, sku: str, units: int) -> None:
        """Tell the shelf: all units there ever were, those sold already included."""
        with self._lock:
            self._skus[sku].shelf = units
            self._note_shortfall(self._skus[sku])

    def add_to_shelf(self, sku: str, units: int) -> None:
        """Goods that arrive; below zero, goods that are lost (which can leave promised units uncovered)."""
        with self._lock:
            self._skus[sku].shelf += units
            self._note_shortfall(self._skus[sku])

    def record_sale(self, sale: Sale) -> None:
        with self._lock:
            self.sales.append(sale)
            for sku, per_unit in sale.components:
                truth = self._skus[sku]
                truth.sold += sale.units * per_unit
                truth.by_channel[sale.channel] += sale.units * per_unit
                truth.beyond_stock += min(sale.units * per_unit, max(truth.sold - truth.shelf, 0))
                self._note_shortfall(truth)

    def record_cancellation(self, *, components: tuple[tuple[str, int], ...], channel: str, units: int) -> None:
        """Units of a sold line that go back on the shelf before they left it."""
        with self._lock:
            self.cancelled[channel] += units
            for sku, per_unit in components:
                truth = self._skus[sku]
                truth.sold -= units * per_unit
                truth.by_channel[channel] -= units * per_unit

    def record_refusal(self, channel: str) -> None:
        with self._lock:
            self.refused[channel] += 1

    def sales_since(self, index: int) -> list[Sale]:
        """The sales from the ``index``-th on, in the order in which they were taken."""
        with self._lock:
            return self.sales[index:]

    def sales_count(self) -> int:
        with self._lock:
            return len(self.sales)

    def refusals(self) -> dict[str, int]:
        """Channel -> orders refused."""
        with self._lock:
            return dict(self.refused)

    def cancellations(self) -> dict[str, int]:
        """Channel -> listing units that were cancelled, by whomever."""
        with self._lock:
            return dict(self.cancelled)

    def oversold_units(self) -> dict[str, int]:
        """SKU -> units oversold at the worst instant; only SKUs where that is above 0."""
        with self._lock:
            return {sku: truth.worst_oversold for sku, truth in self._skus.items() if truth.worst_oversold > 0}

    def summary(self) -> dict[str, dict[str, object]]:
        with self._lock:
            return {
                sku: {
                    "shelf": truth.shelf,
                    "sold": truth.sold,
                    "oversold": truth.worst_oversold,
                    "beyond_stock": truth.beyond_stock,
                    "by_channel": dict(truth.by_channel),
                }
                for sku, truth in sorted(self._skus.items())
            }

    @staticmethod
    def _note_shortfall(truth: SkuTruth) -> None:
        truth.worst_oversold = max(truth.worst_oversold, truth.sold - truth.shelf)
