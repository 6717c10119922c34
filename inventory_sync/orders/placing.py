"""Which own warehouse an order line takes its stock from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inventory_sync.domain.ledger import Buckets, Place
from inventory_sync.stock.models import LocationLink, Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """The warehouses of an account in the order in which staff ranked them, and those behind each channel location."""

    by_location: Mapping[str, tuple[int, ...]]
    account_order: tuple[int, ...]

    def candidates(self, location_id: str | None) -> tuple[int, ...]:
        """Warehouses that may serve a line; never empty if the account has any."""
        return self.by_location.get(location_id or "", ()) or self.account_order


def load_placing(*, account_id: int) -> Placing:
    """Read an account's warehouse links. An account without any falls back to every active own warehouse, by code."""
    by_location: dict[str, list[int]] = {}
    order: dict[int, None] = {}
    links = LocationLink.objects.filter(
        location__account_id=account_id, warehouse__kind=Warehouse.Kind.OWN, warehouse__active=True
    ).order_by("rank", "id")
    for external_id, warehouse_id in links.values_list("location__external_id", "warehouse_id"):
        by_location.setdefault(external_id, []).append(warehouse_id)
        order[warehouse_id] = None
    if not order:
        own = Warehouse.objects.filter(kind=Warehouse.Kind.OWN, active=True).order_by("code")
        order = dict.fromkeys(own.values_list("id", flat=True))
    return Placing(by_location={key: tuple(ids) for key, ids in by_location.items()}, account_order=tuple(order))


def choose_warehouse(
    *, candidates: Sequence[int], needs: Mapping[int, int], balances: Mapping[Place, Buckets]
) -> int | None:
    """
    The first candidate that has everything the line needs, else the one that has most of it, else None (no candidate).

    :param needs: {physical sku id: units}; :param balances: current balances, missing ones count as 0.
    """

    def shortage(warehouse_id: int) -> int:
        return sum(
            max(units - max(balances.get((sku_id, warehouse_id), Buckets()).available, 0), 0)
            for sku_id, units in needs.items()
        )

    return min(
        candidates, key=lambda warehouse_id: (shortage(warehouse_id), candidates.index(warehouse_id)), default=None
    )
