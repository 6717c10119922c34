"""One SKU, three own warehouses, and what people do to them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from inventory_sync.stock.models import StockBalance, Warehouse
from inventory_sync.stock.services import Change
from skumap.models import Sku

AT = datetime(2026, 10, 7, 18, 30, tzinfo=UTC)


@dataclass
class Shelf:
    """The SKU and where it may stand."""

    sku: Sku
    main: Warehouse
    second: Warehouse
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    def change(self, *, key: str = "", at: Warehouse | None = None, reason: str = "", sku: Sku | None = None) -> Change:
        return Change(
            key=key or f"k{next(self._keys)}",
            sku_id=(sku or self.sku).pk,
            warehouse_id=(at or self.main).pk,
            at=AT,
            reason=reason,
        )

    def standing(self, warehouse: Warehouse | None = None, sku: Sku | None = None) -> int:
        row = StockBalance.objects.filter(sku=sku or self.sku, warehouse=warehouse or self.main).first()
        return row.on_hand if row else 0


def make_shelf() -> Shelf:
    return Shelf(
        sku=Sku.objects.create(code="TEE"),
        main=Warehouse.objects.create(code="A"),
        second=Warehouse.objects.create(code="B"),
    )


@pytest.fixture
def shelf(db: None) -> Shelf:
    return make_shelf()
