"""
What a shop consists of. Quantities are whole units, times aware UTC, money Decimal rupees.

An attribute is named as the GraphQL field in snake case; :attr:`graphql_type` names the object's type and the start of its global id.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

ON_HAND_STATES = ("available", "committed", "reserved", "damaged", "safety_stock", "quality_control")
STORED_STATES = (*ON_HAND_STATES, "incoming")
ALL_STATES = (*STORED_STATES, "on_hand")

# Where each kind's numbers begin; those past 2**53 don't survive a float.
FIRST_NUMBERS = {
    "Location": 68000000001,
    "Product": 9000000000001,
    "ProductVariant": 48000000000001,
    "InventoryItem": 50000000000001,
    "InventoryLevel": 9007199254740993,
    "Order": 6120000000001,
    "LineItem": 9007199254841001,
    "Refund": 910000000001,
    "RefundLineItem": 720000000001,
    "Fulfillment": 5400000000001,
    "FulfillmentOrder": 7100000000001,
    "FulfillmentOrderLineItem": 15100000000001,
    "Return": 19000000001,
    "Transaction": 7300000000001,
    "InventoryAdjustmentGroup": 9001,
    "WebhookSubscription": 1800000000001,
    "BulkOperation": 4100000000001,
}


class Ids:
    """The next free number of each kind, one sequence for the whole marketplace."""

    def __init__(self) -> None:
        self._counters: dict[str, Iterator[int]] = {
            kind: itertools.count(first) for kind, first in FIRST_NUMBERS.items()
        }

    def next(self, kind: str, *, taken: Callable[[int], bool] = lambda number: False) -> int:
        return next(number for number in self._counters[kind] if not taken(number))


def number_of(identifier: object) -> int:
    """
    The number in a global id, a bare number or its digits.

    :raises ValueError: there is no number in it.
    """
    text = str(identifier).split("?", 1)[0].rsplit("/", 1)[-1].lstrip("#")
    if not text.isdigit():
        raise ValueError(f"{identifier!r} is no Shopify id")
    return int(text)


class Numbered:
    """An object with a global id."""

    __slots__ = ()
    graphql_type: ClassVar[str] = ""
    number: int

    @property
    def gid(self) -> str:
        return f"gid://shopify/{self.graphql_type}/{self.number}"

    @property
    def legacy_resource_id(self) -> str:
        return str(self.number)


@dataclass(slots=True, kw_only=True, eq=False)
class Location(Numbered):
    graphql_type: ClassVar[str] = "Location"
    number: int
    name: str
    is_active: bool = True
    fulfills_online_orders: bool = True
    ships_inventory: bool = True
    fulfillment_service_handle: str | None = None
    address: dict[str, str | None] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime

    @property
    def is_fulfillment_service(self) -> bool:
        return self.fulfillment_service_handle is not None

    @property
    def sells_online(self) -> bool:
        return self.is_active and self.fulfills_online_orders


@dataclass(slots=True, kw_only=True, eq=False)
class Level(Numbered):
    """Quantities of one item at one location, by state; ``on_hand`` is derived."""

    graphql_type: ClassVar[str] = "InventoryLevel"
    number: int
    item: Item
    location: Location
    is_active: bool = True
    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STORED_STATES, 0))
    state_changed_at: dict[str, datetime] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime

    @property
    def gid(self) -> str:
        return f"gid://shopify/InventoryLevel/{self.number}?inventory_item_id={self.item.number}"

    def quantity(self, name: str) -> int:
        if name == "on_hand":
            return sum(self.states[state] for state in ON_HAND_STATES)
        return self.states[name]

    @property
    def available(self) -> int:
        return self.states["available"]


@dataclass(slots=True, kw_only=True, eq=False)
class Item(Numbered):
    """The inventory item of one variant; its levels by location number."""

    graphql_type: ClassVar[str] = "InventoryItem"
    number: int
    variant: Variant
    tracked: bool = True
    requires_shipping: bool = True
    harmonized_system_code: str | None = None
    country_codes: dict[str, str] = field(default_factory=dict)  # country -> HS code
    country_code_of_origin: str | None = None
    levels: dict[int, Level] = field(default_factory=dict)
    created_at: datetime
    updated_at: datetime

    @property
    def sku(self) -> str | None:
        return self.variant.sku


@dataclass(slots=True, kw_only=True, eq=False)
class Variant(Numbered):
    graphql_type: ClassVar[str] = "ProductVariant"
    number: int
    product: Product
    title: str = "Default Title"
    sku: str | None = None
    barcode: str | None = None
    price: Decimal = Decimal("0.00")
    taxable: bool = True
    position: int = 1
    inventory_policy: str = "DENY"
    requires_components: bool = False
    bundle: tuple[tuple[int, int], ...] = ()  # (variant number, units in one bundle)
    options: dict[str, str] = field(default_factory=dict)  # "Size" -> "M"
    metafields: dict[str, tuple[str, str]] = field(default_factory=dict)  # "namespace.key" -> (value, type)
    item: Item = field(init=False)
    created_at: datetime
    updated_at: datetime

    @property
    def inventory_item(self) -> Item:
        return self.item

    @property
    def display_name(self) -> str:
        return self.product.title if self.title == "Default Title" else f"{self.product.title} - {self.title}"

    @property
    def selected_options(self) -> list[dict[str, str]]:
        """A product without options has one, Title, whose only value is the default title."""
        chosen = self.options or {"Title": self.title}
        return [{"name": name, "value": value} for name, value in chosen.items()]

    @property
    def inventory_quantity(self) -> int:
        """Available over all active levels, as the product payload counts it."""
        return sum(level.available for level in list(self.item.levels.values()) if level.is_active)

    @property
    def sellable_online_quantity(self) -> int:
        levels = list(self.item.levels.values())
        return sum(level.available for level in levels if level.is_active and level.location.sells_online)

    @property
    def sells_below_zero(self) -> bool:
        return not self.item.tracked or self.inventory_policy == "CONTINUE"


@dataclass(slots=True, kw_only=True, eq=False)
class Product(Numbered):
    graphql_type: ClassVar[str] = "Product"
    number: int
    title: str
    status: str = "ACTIVE"
    vendor: str = ""
    product_type: str = ""
    tags: list[str] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    metafields: dict[str, tuple[str, str]] = field(default_factory=dict)
    indexed_total: int = 0  # totalInventory comes from the search index
    created_at: datetime
    updated_at: datetime

    @property
    def handle(self) -> str:
        return "-".join(self.title.lower().split())


@dataclass(slots=True, kw_only=True, eq=False)
class Change:
    """One line of an adjustment group."""

    name: str
    delta: int
    item: Item
    location: Location
    ledger_document_uri: str | None = None
    quantity_after_change: None = None


@dataclass(slots=True, kw_only=True, eq=False)
class AdjustmentGroup(Numbered):
    graphql_type: ClassVar[str] = "InventoryAdjustmentGroup"
    number: int
    reason: str
    reference_document_uri: str | None
    changes: list[Change]
    created_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Subscription(Numbered):
    """One webhook subscription; ``from_configuration``: made by the app's configuration, neither listed nor deleted."""

    graphql_type: ClassVar[str] = "WebhookSubscription"
    number: int
    topic: str  # ORDERS_CREATE
    uri: str
    format: str = "JSON"
    name: str | None = None
    filter: str | None = None
    include_fields: list[str] = field(default_factory=list)
    metafield_namespaces: list[str] = field(default_factory=list)
    from_configuration: bool = False
    deleted: bool = False
    created_at: datetime
    updated_at: datetime

    @property
    def callback_url(self) -> str:
        return self.uri


@dataclass(slots=True, kw_only=True, eq=False)
class BulkOperation(Numbered):
    graphql_type: ClassVar[str] = "BulkOperation"
    number: int
    query: str
    group_objects: bool
    type: str = "QUERY"
    status: str = "CREATED"
    error_code: str | None = None
    content: bytes = b""
    partial: bool = False
    objects: int = 0
    roots: int = 0
    created_at: datetime
    completed_at: datetime | None = None


def snake_case(name: str) -> str:
    """``inventoryItem`` -> ``inventory_item``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def field_value(source: Any, name: str) -> Any:
    """What a GraphQL field of that name shows of an object or of a dict."""
    if isinstance(source, dict):
        return source.get(name)
    if name == "id":
        return source.gid
    return getattr(source, snake_case(name))
