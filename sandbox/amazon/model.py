"""The things an Amazon.in seller account holds. Quantities are whole units, money is text in rupees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.amazon.settings import FBA_CODE, MERCHANT_CODE


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    client_id: str
    client_secret: str
    application_id: str


@dataclass(slots=True, kw_only=True)
class Seller:
    """One selling partner and the refresh token with which it authorised one application."""

    seller_id: str
    client_id: str
    refresh_token: str
    store_name: str = "Demo store"
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class Listing:
    """
    One SKU of a seller.

    ``entries`` is the effective ``fulfillment_availability``: channel code -> members (``quantity``,
    ``lead_time_to_ship_max_days``, ``restock_date``...). ``echo`` and ``seller_set`` hold what was accepted, see Settings.read_back.
    ``pending`` are (submission id, quantity) of accepted writes that have not taken effect, ``queue`` those effects in order.
    """

    seller_id: str
    sku: str
    asin: str
    fnsku: str
    title: str
    product_type: str
    price: str
    condition: str
    created_at: datetime
    updated_at: datetime
    active: bool = True
    easy_ship: bool = False
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    attributes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    echo: dict[str, int | None] = field(default_factory=dict)
    seller_set: dict[str, int | None] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pending: list[tuple[str, int | None]] = field(default_factory=list)
    queue: list[tuple[str, Callable[[], None]]] = field(default_factory=list)

    @property
    def is_fba(self) -> bool:
        return FBA_CODE in self.entries

    @property
    def shown(self) -> int:
        """Merchant units that buyers can buy now."""
        return int(self.entries.get(MERCHANT_CODE, {}).get("quantity") or 0)


@dataclass(slots=True, kw_only=True)
class OrderItem:
    order_item_id: str
    sku: str
    asin: str
    title: str
    price: str
    ordered: int
    components: tuple[tuple[str, int], ...]
    shipped: int = 0
    cancelled: int = 0
    cancel_requested: bool = False
    cancelled_by: str = ""

    @property
    def open(self) -> int:
        return self.ordered - self.shipped - self.cancelled


@dataclass(slots=True, kw_only=True)
class Package:
    reference: str
    created_at: datetime
    detailed_status: str
    quantities: dict[str, int]
    carrier: str = ""
    tracking_number: str = ""
    shipped_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Order:
    """``status`` in the spelling of the 2026-01-01 API; ``fulfilled_by`` is MFN or AFN."""

    order_id: str
    seller_id: str
    created_at: datetime
    updated_at: datetime
    fulfilled_by: str
    items: list[OrderItem]
    status: str = "PENDING"
    easy_ship: bool = False
    channel_name: str = "AMAZON"
    postal_code: str = "560001"
    held_pending: bool = False
    packages: dict[str, Package] = field(default_factory=dict)
    associated: list[dict[str, str]] = field(default_factory=list)
    fulfillment_order_id: str = ""

    def item(self, order_item_id: str) -> OrderItem:
        return next(item for item in self.items if item.order_item_id == order_item_id)


@dataclass(slots=True, kw_only=True)
class FbaStock:
    """Units of one SKU in Amazon's warehouses. ``updated_at`` does not move for the three inbound counts: Amazon's own blind spot."""

    seller_id: str
    sku: str
    updated_at: datetime
    condition: str = "NewItem"
    fulfillable: int = 0
    inbound_working: int = 0
    inbound_shipped: int = 0
    inbound_receiving: int = 0
    reserved_pending: int = 0
    reserved_transfer: int = 0
    reserved_processing: int = 0
    researching: int = 0
    unfulfillable: int = 0


@dataclass(slots=True, kw_only=True)
class InboundItem:
    sku: str
    fnsku: str
    asin: str
    quantity: int
    received: int = 0


@dataclass(slots=True, kw_only=True)
class InboundShipment:
    """``confirmation_id`` is the v0 ShipmentId and the 2024 shipmentConfirmationId: the link between both APIs."""

    seller_id: str
    plan_id: str
    shipment_id: str
    confirmation_id: str
    name: str
    warehouse: str
    status: str
    created_at: datetime
    updated_at: datetime
    items: list[InboundItem]


@dataclass(slots=True, kw_only=True)
class Document:
    """Bytes behind presigned URLs. ``urls`` maps a URL secret to the monotonic second at which it dies."""

    document_id: str
    seller_id: str
    content_type: str
    body: bytes | None = None
    compression: str = ""
    urls: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Job:
    """A feed or a report."""

    job_id: str
    seller_id: str
    job_type: str
    marketplace_ids: list[str]
    created_at: datetime
    status: str = "IN_QUEUE"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    input_document_id: str = ""
    result_document_id: str = ""
    data_start: datetime | None = None
    data_end: datetime | None = None
    schedule_held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """One row of the merchant-fulfilled returns report."""

    seller_id: str
    order_id: str
    order_date: datetime
    requested_at: datetime
    rma_id: str
    sku: str
    asin: str
    title: str
    units: int
    ordered: int
    amount: str
    reason: str
    status: str = "Approved"
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Exactly one of ``queue`` (an SQS ARN) and ``event_bridge`` (account, region) is set."""

    destination_id: str
    client_id: str
    name: str
    queue_arn: str = ""
    event_bridge: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    subscription_id: str
    client_id: str
    seller_id: str
    notification_type: str
    payload_version: str
    destination_id: str
    directive: dict[str, Any] | None = None
