"""What the seed makes of a run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inventory_sync.demo import demand
from inventory_sync.demo.demand import Offer, Shelf
from inventory_sync.demo.goods import Good, catalogue
from inventory_sync.demo.options import Options
from sandbox.arrivals import Arrival, OracleResult, arrivals, oracle_accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Goods, who wants them, and what stands on the shelf."""

    goods: tuple[Good, ...]
    offers: Sequence[Offer]
    shelves: dict[str, Shelf]

    @classmethod
    def of(cls, options: Options) -> World:
        goods = catalogue(seed=options.seed)
        offers = demand.offers(goods, seed=options.seed)
        hours = options.market_hours
        shelves = demand.shelves(goods, offers, hours=hours, seed=options.seed)
        return cls(goods=goods, offers=offers, shelves=shelves)

    def buyers(self, options: Options, *, chunk: int = 0) -> list[Arrival]:
        """Everybody who comes in one run (or in one further stretch of an open one)."""
        return arrivals(
            seed=options.seed + 1_000_003 * chunk,
            minutes=options.market_hours * 60,
            listings=demand.listing_demands(self.offers),
            two_unit_share=demand.TWO_UNIT_SHARE,
            cancel_share=demand.CANCEL_SHARE,
        )

    @property
    def shelf_units(self) -> dict[str, int]:
        """Plain SKU -> units in all our warehouses."""
        return {code: shelf.units for code, shelf in self.shelves.items()}

    def oracle(self, buyers: Sequence[Arrival]) -> OracleResult:
        """What one shop that knows everything at once would have sold these buyers of our own stock."""
        return oracle_accepted(buyers, self.shelf_units, demand.components_by_listing(self.offers))
