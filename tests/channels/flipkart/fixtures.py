"""The Flipkart fixtures, and small values that most tests need."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inventory_sync.domain.ports import RowRef, Share, StockUpdate
from inventory_sync.domain.snapshots import Fulfilment, ListingIds

FOLDER = Path(__file__).parents[2] / "fixtures" / "flipkart"
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def fixture(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def row(
    sku: str = "TEE-BLK-M",
    *,
    row_id: int = 1,
    location_id: str = "LOC1",
    fulfilment: Fulfilment = Fulfilment.NON_FBF,
    product_id: str = "TSHDEMO00000AB12",
) -> RowRef:
    return RowRef(
        row_id=row_id,
        listing=ListingIds(key=sku, seller_sku=sku, product_id=product_id),
        fulfilment=fulfilment,
        location_id=location_id,
    )


def update(
    sku: str = "TEE-BLK-M", quantity: Any = 5, *, row_id: int = 1, share: Share = Share.WRITE, **of_row: Any
) -> StockUpdate:
    return StockUpdate(
        row=row(sku, row_id=row_id, **of_row), quantity=quantity, idempotency_key=f"key-{row_id}", share=share
    )


def shipment(shipment_id: str, *, updated_at: str = "2026-01-01T06:00:00Z", **item: Any) -> dict[str, Any]:
    """A shipment of one item; the item's fields can be replaced."""
    defaults = {
        "orderItemId": f"item-{shipment_id}",
        "orderId": f"OD-{shipment_id}",
        "orderDate": "2026-01-01T05:00:00Z",
        "status": "APPROVED",
        "quantity": 1,
        "sku": "TEE-BLK-M",
        "fsn": "TSHDEMO00000AB12",
        "serviceProfile": "Seller_Fulfilment",
    }
    return {
        "shipmentId": shipment_id,
        "updatedAt": updated_at,
        "hold": False,
        "locationId": "LOC1",
        "orderItems": [{**defaults, **item}],
    }
