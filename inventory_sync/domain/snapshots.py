"""
What a channel says, as values: orders, returns, listings, quantities.

A channel's ``mapping.py`` turns payloads into these; nothing above the channels reads a payload. A field that a source does not carry is
None ("not said"), never 0. Identifiers are strings, times aware UTC, quantities whole units of the listing (not of the physical SKU).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import IntEnum, StrEnum


class Channel(StrEnum):
    FLIPKART = "flipkart"
    SHOPIFY = "shopify"
    AMAZON = "amazon"


class Fulfilment(StrEnum):
    """
    Who keeps and ships the stock of a listing, as the channel's own profile says.

    Of the mixed Flipkart profiles only the seller's locations are written; ``FBF_LITE`` only when the account allows it. ``MFN`` is Amazon's
    ``DEFAULT`` code, which Easy Ship and self ship share; the listing does not say which.
    """

    NON_FBF = "NON_FBF"
    FBF_LITE = "FBF_LITE"
    FBF = "FBF"
    FBF_AND_NON_FBF = "FBF_AND_NON_FBF"
    FBF_AND_FBF_LITE = "FBF_AND_FBF_LITE"
    FBA = "FBA"
    MFN = "MFN"
    EASY_SHIP = "EASY_SHIP"
    SELF_SHIP = "SELF_SHIP"
    SHOPIFY = "SHOPIFY"
    UNKNOWN = "UNKNOWN"


MARKETPLACE_HELD = frozenset({Fulfilment.FBF, Fulfilment.FBA})
WRITABLE = frozenset(
    {
        Fulfilment.NON_FBF,
        Fulfilment.FBF_AND_NON_FBF,
        Fulfilment.MFN,
        Fulfilment.EASY_SHIP,
        Fulfilment.SELF_SHIP,
        Fulfilment.SHOPIFY,
    }
)
WRITABLE_IF_ALLOWED = frozenset({Fulfilment.FBF_LITE, Fulfilment.FBF_AND_FBF_LITE})


class Source(IntEnum):
    """How we came to know a snapshot; of two with the same channel time the higher one wins."""

    HINT = 0
    WEBHOOK = 1
    POLL = 2
    READ = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingIds:
    """
    A listing as its channel names it.

    :ivar key: the natural key inside the account: Flipkart seller SKU, Amazon MSKU, Shopify variant id (digits only).
    :ivar seller_sku: what the seller typed; may be "" and, on Shopify, not unique.
    :ivar product_id: FSN, ASIN, or Shopify product id.
    :ivar listing_ref: Flipkart listing id, Amazon FNSKU, Shopify inventory item id (digits only).
    """

    key: str
    seller_sku: str = ""
    product_id: str = ""
    listing_ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSnapshot:
    """
    One order line as the channel described it.

    Counts are cumulative units of the listing. ``cancelled`` never left the warehouse and is free again; ``cancelled_kept`` was cancelled
    before it left but the goods stay out (Shopify ``no_restock``). ``shipped`` counts everything that ever left, returned or not.
    ``returned`` came back to us and waits for inspection; ``returned_restocked`` is the part of it that the channel put back on sale by itself.
    ``cancel_restocked`` is the part of ``cancelled`` that the channel put back on sale by itself; None: see the account setting.

    :ivar line_key: unique in the account: Flipkart ``shipmentId:orderItemId``, Amazon order item id, Shopify line item id.
    :ivar marketplace_fulfilled: the marketplace ships it from its own stock (FBF, FBA): counted for demand, never taken from ours.
    :ivar location_id: the channel location that ships it; None when the channel has not said.
    :ivar status: the channel's own word, kept as it came.
    """

    line_key: str
    listing: ListingIds
    ordered: int
    cancelled: int | None = None
    cancelled_kept: int | None = None
    cancel_restocked: int | None = None
    shipped: int | None = None
    returned: int | None = None
    returned_restocked: int | None = None
    lost: int | None = None
    location_id: str | None = None
    marketplace_fulfilled: bool | None = None
    status: str = ""
    title: str = ""
    price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSnapshot:
    """
    One order (Flipkart: one shipment) at one moment of the channel's own clock.

    :ivar key: Flipkart ``shipmentId`` (replacements share the order id), Amazon and Shopify order id.
    :ivar order_number: what a person searches for: ``OD…``, ``405-…``, ``#1001``.
    :ivar updated_at: the channel's time of this state; None when it does not say (then it is read by id before it counts).
    :ivar complete: names every line of the order with all its parts; only complete snapshots may take a line away or lower a count.
    :ivar confirm: apply at most a new order from it at once, and read the order by id.
    :ivar request_started_at: when our request began, or the delivery came in; breaks ties between equal channel times.
    """

    key: str
    order_number: str
    source: Source
    updated_at: datetime | None
    request_started_at: datetime
    placed_at: datetime | None = None
    lines: tuple[LineSnapshot, ...] = ()
    complete: bool = True
    confirm: bool = False
    test: bool = False
    on_hold: bool | None = None
    replacement: bool = False
    status: str = ""
    fulfil_by: datetime | None = None


class ReturnState(StrEnum):
    """Where a return stands: ``EXPECTED`` on its way, ``ARRIVED`` back with us, ``CALLED_OFF`` cancelled, ``NEVER`` goods will not come."""

    EXPECTED = "expected"
    ARRIVED = "arrived"
    CALLED_OFF = "called_off"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSnapshot:
    """One return of units of one order line. ``order_ref`` and ``line_ref`` are what the channel gives to find the line."""

    return_id: str
    line_key: str
    order_ref: str
    line_ref: str
    units: int
    state: ReturnState
    courier_return: bool
    updated_at: datetime | None
    source: Source
    status: str = ""
    tracking_id: str = ""


class Hazard(StrEnum):
    """Why a listing must not be treated as live until someone fixes or accepts it."""

    CONTINUES_SELLING = "continues_selling"
    UNTRACKED = "untracked"
    UNMANAGED_STOCK = "unmanaged_stock"
    BUNDLE_PARENT = "bundle_parent"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationQuantity:
    """What a listing shows at one channel location. ``quantity`` None: the channel did not say."""

    location_id: str
    quantity: int | None
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingSnapshot:
    """A listing as its channel describes it now."""

    ids: ListingIds
    title: str
    fulfilment: Fulfilment
    active: bool
    locations: tuple[LocationQuantity, ...] = ()
    price: Decimal | None = None
    mrp: Decimal | None = None
    barcode: str = ""
    hsn: str = ""
    product_type: str = ""
    open_units: int | None = None
    marketplace_quantity: int | None = None
    hazards: frozenset[Hazard] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationSnapshot:
    """A channel's own stock location. ``managed`` False: belongs to a fulfilment service or the marketplace, never written."""

    location_id: str
    name: str
    active: bool = True
    managed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketplaceStock:
    """Stock that the marketplace holds for a listing (FBF, FBA): read, never written."""

    listing: ListingIds
    fulfillable: int | None
    reserved: int | None
    inbound: int | None
    unfulfillable: int | None
    as_of: datetime
