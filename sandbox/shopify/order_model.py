"""What an order consists of. See :mod:`sandbox.shopify.model` for how attributes are named."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from sandbox.shopify.model import Location, Numbered, Variant


@dataclass(slots=True, kw_only=True, eq=False)
class Line(Numbered):
    """One order line. ``removed``: units taken out before they were fulfilled; ``returned``: refunded after that."""

    graphql_type: ClassVar[str] = "LineItem"
    number: int
    variant: Variant | None
    title: str
    sku: str | None
    price: Decimal
    quantity: int
    removed: int = 0
    fulfilled: int = 0
    returned: int = 0
    properties: list[dict[str, str]] = field(default_factory=list)
    tax_rate: Decimal = Decimal("0.05")
    variant_deleted: bool = False

    @property
    def current_quantity(self) -> int:
        return self.quantity - self.removed - self.returned

    @property
    def unfulfilled_quantity(self) -> int:
        return self.quantity - self.removed - self.fulfilled

    @property
    def non_fulfillable_quantity(self) -> int:
        return self.removed

    @property
    def live_variant(self) -> Variant | None:
        return None if self.variant_deleted else self.variant

    @property
    def name(self) -> str:
        return self.variant.display_name if self.variant else self.title

    def tax(self, units: int) -> Decimal:
        """Tax included in the price of so many units."""
        return (self.price * units * self.tax_rate / (1 + self.tax_rate)).quantize(Decimal("0.01"))


@dataclass(slots=True, kw_only=True, eq=False)
class FulfillmentOrderLine(Numbered):
    graphql_type: ClassVar[str] = "FulfillmentOrderLineItem"
    number: int
    line: Line
    total_quantity: int
    remaining_quantity: int


@dataclass(slots=True, kw_only=True, eq=False)
class FulfillmentOrder(Numbered):
    graphql_type: ClassVar[str] = "FulfillmentOrder"
    number: int
    location: Location
    status: str = "OPEN"
    lines: list[FulfillmentOrderLine] = field(default_factory=list)
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class RefundLine(Numbered):
    graphql_type: ClassVar[str] = "RefundLineItem"
    number: int
    line: Line
    quantity: int
    restock_type: str  # CANCEL, RETURN, NO_RESTOCK
    location: Location | None

    @property
    def restocked(self) -> bool:
        return self.restock_type != "NO_RESTOCK"


@dataclass(slots=True, kw_only=True, eq=False)
class Refund(Numbered):
    graphql_type: ClassVar[str] = "Refund"
    number: int
    note: str | None = None
    lines: list[RefundLine] = field(default_factory=list)
    amount: Decimal = Decimal("0.00")
    transaction_number: int
    created_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Fulfillment(Numbered):
    graphql_type: ClassVar[str] = "Fulfillment"
    number: int
    name: str
    location: Location | None
    lines: list[tuple[Line, int]]
    created_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Return(Numbered):
    graphql_type: ClassVar[str] = "Return"
    number: int
    name: str
    status: str
    total_quantity: int
    created_at: datetime
    closed_at: datetime | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Order(Numbered):
    graphql_type: ClassVar[str] = "Order"
    number: int
    order_number: int
    name: str
    test: bool = False
    moves_stock: bool = True
    cod: bool = False
    source_name: str = "web"
    financial_status: str  # PENDING, PAID, PARTIALLY_REFUNDED, REFUNDED, VOIDED
    point_of_sale: Location | None = None
    edited: bool = False
    cancel_reason: str | None = None
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None = None
    closed_at: datetime | None = None
    lines: list[Line] = field(default_factory=list)
    fulfillment_orders: list[FulfillmentOrder] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)

    @property
    def fulfillment_status(self) -> str:
        """UNFULFILLED, PARTIALLY_FULFILLED or FULFILLED."""
        if not any(line.fulfilled for line in self.lines):
            return "UNFULFILLED"
        return "PARTIALLY_FULFILLED" if any(line.unfulfilled_quantity for line in self.lines) else "FULFILLED"

    @property
    def total(self) -> Decimal:
        return sum((line.price * line.current_quantity for line in self.lines), Decimal("0.00"))

    @property
    def original_total(self) -> Decimal:
        return sum((line.price * line.quantity for line in self.lines), Decimal("0.00"))
