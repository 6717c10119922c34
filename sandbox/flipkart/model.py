"""What this Flipkart keeps: listings with stock per location, shipments with items, returns. All guarded by the state's lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PRE_DISPATCH = ("APPROVED", "PACKING_IN_PROGRESS", "PACKED", "FORM_FAILED", "READY_TO_DISPATCH")
POST_DISPATCH = ("PICKUP_COMPLETE", "SHIPPED", "DELIVERED")
LIFECYCLE = (
    "APPROVED",
    "PACKING_IN_PROGRESS",
    "PACKED",
    "READY_TO_DISPATCH",
    "PICKUP_COMPLETE",
    "SHIPPED",
    "DELIVERED",
    "COMPLETED",
)

Components = tuple[tuple[str, int], ...]


@dataclass(slots=True, kw_only=True)
class PendingWrite:
    """An accepted absolute quantity that is not yet in force."""

    serial: int
    value: int


@dataclass(slots=True, kw_only=True)
class StockRow:
    """Stock of one listing at one location, in whole units. ``shown`` is what buyers see and may buy."""

    location_id: str
    shown: int = 0
    accepted: int = 0  # the last accepted value
    status: str = "ENABLED"
    last_serial: int = 0
    pending: list[PendingWrite] = field(default_factory=list)

    def newest_is_pending(self) -> bool:
        return any(write.serial == self.last_serial for write in self.pending)


@dataclass(slots=True, kw_only=True)
class Listing:
    """One listing of the seller. Prices are whole rupees. ``fbf_stock`` is what Flipkart holds and sells itself."""

    sku: str
    product_id: str
    listing_id: str
    title: str = ""
    mrp: int = 999
    selling_price: int = 799
    currency: str = "INR"
    hsn: str = "61091000"
    tax_code: str = "GST_5"
    listing_status: str = "ACTIVE"
    archived_status: str = "NONE"
    fulfillment_profile: str = "NON_FBF"
    rows: dict[str, StockRow] = field(default_factory=dict)
    fbf_stock: int = 0
    packages: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)  # other fields that a listing write gave: kept and read back

    @property
    def held_by_flipkart(self) -> bool:
        return self.fulfillment_profile == "FBF"

    @property
    def sold_from_flipkart(self) -> bool:
        """Flipkart's own stock is sold under this listing, alone or beside the seller's."""
        return self.fulfillment_profile in {"FBF", "FBF_AND_NON_FBF", "FBF_AND_FBF_LITE"}


@dataclass(slots=True, kw_only=True)
class OrderItem:
    """
    One part of an order line: units of it that share a state.

    A line that is cancelled or returned in part stands as several parts with the same ``order_item_id``.
    """

    order_item_id: str
    order_id: str
    cancellation_group_id: str
    sku: str
    quantity: int
    order_date: datetime
    status: str = "APPROVED"
    payment_type: str = "PREPAID"
    unit_price: int = 0
    components: Components = ()
    indexed_at: float = 0.0  # monotonic time from which the filter knows this part
    cancellation_type: str = ""
    cancellation_date: datetime | None = None
    cancellation_reason: str = ""
    cancellation_sub_reason: str = ""
    courier_return: bool = False
    is_replacement: bool = False

    @property
    def open(self) -> bool:
        """Sold, neither cancelled nor on its way."""
        return self.status in PRE_DISPATCH


@dataclass(slots=True, kw_only=True)
class Shipment:
    """Items of one order that leave one location together."""

    shipment_id: str
    order_id: str
    location_id: str
    created_at: datetime
    updated_at: datetime
    dispatch_after: datetime
    dispatch_by: datetime
    items: list[OrderItem]
    hold: bool = False
    shipment_type: str = "NORMAL"
    service_profile: str = "NON_FBF"
    tier: str = "REGULAR"
    mps: bool = False
    tracking_id: str = ""
    courier: str = "E-Kart Logistics"
    forms: list[dict[str, Any]] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)
    packages: list[dict[str, Any]] = field(default_factory=list)
    invoice: dict[str, Any] = field(default_factory=dict)
    pack_serial: int = 0

    def live_items(self) -> list[OrderItem]:
        return [item for item in self.items if item.status != "CANCELLED"]

    @property
    def stage(self) -> str:
        """The earliest state among the items that are not cancelled; CANCELLED when there are none."""
        live = self.live_items()
        if not live:
            return "CANCELLED"
        ranks = [LIFECYCLE.index(item.status) if item.status in LIFECYCLE else len(LIFECYCLE) for item in live]
        return live[ranks.index(min(ranks))].status


@dataclass(slots=True, kw_only=True)
class ReturnItem:
    """Units of one order item that come back: ``customer_return``, or ``courier_return`` when they never reached the buyer."""

    return_id: str
    source: str
    shipment: Shipment
    item: OrderItem
    quantity: int
    created_at: datetime
    updated_at: datetime
    expected_at: datetime
    status: str = "created"
    shipment_status: str = "start"
    action: str = "refund"
    reason: str = "QUALITY_ISSUE"
    sub_reason: str = "DAMAGED_PRODUCT"
    courier: str = "E-Kart Logistics"
    tracking_id: str = ""
    comments: str = ""
    approved_at: datetime | None = None
    completed_at: datetime | None = None
