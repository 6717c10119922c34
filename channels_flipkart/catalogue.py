"""
Listings and quantities: Flipkart's payloads as our values, and ours as theirs. Pure.

Source: contract, sections 5.1, 5.2 and 5.5.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from channels_flipkart.values import Payload, decimal, first, objects, text, whole
from inventory_sync.domain.ports import PushOutcome, PushResult, StockUpdate
from inventory_sync.domain.snapshots import (
    WRITABLE,
    WRITABLE_IF_ALLOWED,
    Fulfilment,
    ListingIds,
    ListingSnapshot,
    LocationQuantity,
    LocationSnapshot,
)

logger = logging.getLogger(__name__)

_PROFILES = frozenset(
    {
        Fulfilment.NON_FBF,
        Fulfilment.FBF_LITE,
        Fulfilment.FBF,
        Fulfilment.FBF_AND_NON_FBF,
        Fulfilment.FBF_AND_FBF_LITE,
    }
)
_OPEN_UNITS = "orders_to_be_fulfilled"
_INVALID_LOCATION = "invalid location"
_LOCATION_PATH = re.compile(r"locations\[(\d+)\]")


# --- reading listings -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """
    A details answer.

    :ivar available: listing objects by seller SKU.
    :ivar absent: SKUs that Flipkart calls unknown or malformed.
    :ivar open_units: ``orders_to_be_fulfilled`` by SKU, at whichever level it stood.
    """

    available: Mapping[str, Payload] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    open_units: Mapping[str, int] = field(default_factory=dict)


def read_details(body: Payload) -> Details:
    """A details or GET listings answer; the two have one shape."""
    groups = body.get("available")
    available = {
        sku: listing
        for sku, listing in (groups.items() if isinstance(groups, dict) else ())
        if isinstance(listing, dict) and sku != _OPEN_UNITS
    }
    absent = {
        text(sku)
        for group in (body.get("unavailable"), body.get("invalid"))
        for sku in (group if isinstance(group, list | dict) else ())
    }
    open_units = {}
    for sku, listing in available.items():
        levels = [listing.get(_OPEN_UNITS)]
        for outer in (groups, body):
            beside = outer.get(_OPEN_UNITS) if isinstance(outer, dict) else None
            # Beside the listings a bare number can only be meant for a lone one.
            levels.append(beside.get(sku) if isinstance(beside, dict) else beside if len(available) == 1 else None)
        units = next((units for units in map(whole, levels) if units is not None), None)
        if units is not None:
            open_units[sku] = units
    return Details(available=available, absent=frozenset(absent), open_units=open_units)


def fulfilment_of(listing: Payload) -> Fulfilment:
    """From ``fulfillment_profile`` alone; anything but the five documented values is UNKNOWN, which nobody writes."""
    profile = text(listing.get("fulfillment_profile")).upper()
    if profile in _PROFILES:
        return Fulfilment(profile)
    logger.warning("flipkart: unknown fulfillment_profile %r; the listing will not be written", profile)
    return Fulfilment.UNKNOWN


def is_active(listing: Payload) -> bool:
    return (
        text(listing.get("listing_status")).upper() == "ACTIVE"
        and text(listing.get("archived_status")).upper() != "ARCHIVED"
    )


def locations_of(listing: Payload) -> tuple[LocationQuantity, ...]:
    """Quantities by location; None where the channel gives no whole number."""
    found = {}
    for location in objects(listing.get("locations")):
        location_id = text(first(location, "id", "locationId", "location_id"))
        if location_id:
            found[location_id] = LocationQuantity(
                location_id=location_id,
                quantity=whole(location.get("inventory")),
                enabled=text(location.get("status")).upper() != "DISABLED",
            )
    return tuple(found.values())


def listing_snapshot(*, sku: str, listing: Payload, open_units: int | None) -> ListingSnapshot:
    """One entry of ``available``. The price comes under either of two names, documented and observed."""
    price = listing.get("price")
    prices: Payload = price if isinstance(price, dict) else {}
    tax = listing.get("tax")
    words = {name: text(listing.get(name)) for name in ("listing_status", "archived_status", "fulfillment_profile")}
    words["tax_code"] = text(tax.get("tax_code")) if isinstance(tax, dict) else ""
    return ListingSnapshot(
        ids=ListingIds(
            key=sku,
            seller_sku=sku,
            product_id=text(listing.get("product_id")),
            listing_ref=text(listing.get("listing_id")),
        ),
        title=html.unescape(text(listing.get("product_title"))),
        fulfilment=fulfilment_of(listing),
        active=is_active(listing),
        locations=locations_of(listing),
        price=decimal(first(prices, "flipkart_selling_price", "selling_price", "sellingPrice")),
        mrp=decimal(prices.get("mrp")),
        hsn=text(tax.get("hsn")) if isinstance(tax, dict) else "",
        open_units=open_units,
        attributes={name: word for name, word in words.items() if word},
    )


def bare_listing(ref: Payload, *, active: bool) -> ListingSnapshot:
    """A listing that search names and details don't describe: known, but not writable."""
    sku = text(ref.get("sku_id"))
    return ListingSnapshot(
        ids=ListingIds(
            key=sku,
            seller_sku=sku,
            product_id=text(ref.get("product_id")),
            listing_ref=text(ref.get("listing_id")),
        ),
        title="",
        fulfilment=Fulfilment.UNKNOWN,
        active=active,
    )


def read_locations(body: Any, *, marketplace_locations: Iterable[str]) -> list[LocationSnapshot]:
    """
    Locations in whatever wrapping they come: the answer of ``allLocations`` is documented nowhere (contract, section 5.5).

    :return: [] when nothing in it looks like a list of locations.
    """
    held = frozenset(marketplace_locations)
    found: dict[str, LocationSnapshot] = {}
    for payload in _location_objects(body, depth=0):
        location_id = text(first(payload, "locationId", "location_id", "id"))
        if not location_id:
            continue
        name = text(first(payload, "locationName", "location_name", "name", "displayName"))
        state = text(first(payload, "status", "state", "locationStatus")).upper()
        active = payload.get("active") is not False and state not in ("INACTIVE", "DISABLED", "DELETED", "CLOSED")
        found[location_id] = LocationSnapshot(
            location_id=location_id, name=name or location_id, active=active, managed=location_id not in held
        )
    return list(found.values())


def _location_objects(body: Any, *, depth: int) -> list[Payload]:
    if isinstance(body, list):
        return objects(body)
    if not isinstance(body, dict) or depth > 2:
        return []
    inner = first(body, "locations", "allLocations", "locationList", "data", "result", "response", "content")
    return _location_objects(inner, depth=depth + 1) if inner is not None else []


# --- writing quantities ----------------------------------------------------------------------------------------------


def why_not_writable(update: StockUpdate, *, allow_fbf_lite: bool, marketplace_locations: Iterable[str]) -> str:
    """Why this update must not be sent, whoever asks; "" when it may."""
    row = update.row
    allowed = row.fulfilment in WRITABLE or (allow_fbf_lite and row.fulfilment in WRITABLE_IF_ALLOWED)
    if row.fulfilment not in _PROFILES or not allowed:
        return f"stock of a listing with fulfilment {row.fulfilment} is not ours to write"
    if row.location_id in frozenset(marketplace_locations):
        return f"location {row.location_id} belongs to Flipkart"
    if not (row.listing.key and row.listing.product_id and row.location_id):
        return "seller SKU, FSN and location must all be known"
    if isinstance(update.quantity, bool) or not isinstance(update.quantity, int) or update.quantity < 0:
        return f"a quantity is a whole number from 0 up, not {update.quantity!r}"
    return ""


def inventory_body(
    updates: Sequence[StockUpdate], *, statuses: Mapping[tuple[str, str], str]
) -> dict[str, dict[str, Any]]:
    """
    The body of ``update/inventory``: locations of one SKU in one entry, absolute quantities.

    :param statuses: (SKU, location) -> last known ENABLED or DISABLED, where the account sends it. S1 and real clients leave ``status`` out;
        a made-up ENABLED could reopen a location that the seller closed (contract, section 5.2).
    """
    body: dict[str, dict[str, Any]] = {}
    for update in updates:
        listing, location_id = update.row.listing, update.row.location_id
        entry = body.setdefault(listing.key, {"product_id": listing.product_id, "locations": []})
        location = {"id": location_id, "inventory": update.quantity}
        status = statuses.get((listing.key, location_id))
        entry["locations"].append({**location, "status": status} if status else location)
    return body


def push_outcomes(
    updates: Sequence[StockUpdate], *, answer: Payload, warning_is_success: bool, request_id: str = ""
) -> list[PushOutcome]:
    """What a 200 says of each update. A SKU that it does not name may have been written all the same: UNKNOWN."""
    results = {html.unescape(sku): result for sku, result in answer.items()}
    by_sku: dict[str, list[StockUpdate]] = {}
    for update in updates:
        by_sku.setdefault(update.row.listing.key, []).append(update)
    return [
        outcome
        for sku, of_sku in by_sku.items()
        for outcome in _sku_outcomes(
            of_sku,
            result=answer.get(sku, results.get(sku)),
            warning_is_success=warning_is_success,
            request_id=request_id,
        )
    ]


def _sku_outcomes(
    updates: Sequence[StockUpdate], *, result: Any, warning_is_success: bool, request_id: str
) -> list[PushOutcome]:
    if not isinstance(result, dict):
        words = "the answer does not name this SKU" if result is None else "the result of this SKU can't be read"
        return [outcome(each, PushResult.UNKNOWN, "MISSING", words, request_id=request_id) for each in updates]
    errors = [*objects(result.get("errors")), *objects(result.get("attribute_errors"))]
    words = "; ".join(dict.fromkeys(filter(None, (text(error.get("description")) for error in errors))))[:500]
    code = next(filter(None, (text(error.get("code")) for error in errors)), "")
    status = text(result.get("status")).upper()
    match status:
        case "SUCCESS":
            return [
                PushOutcome(row_id=each.row.row_id, result=PushResult.ACCEPTED, warning=words, request_id=request_id)
                for each in updates
            ]
        case "WARNING":
            taken = PushResult.ACCEPTED if warning_is_success else PushResult.UNKNOWN
            return [
                PushOutcome(
                    row_id=each.row.row_id, result=taken, code=code, warning=words or "warning", request_id=request_id
                )
                for each in updates
            ]
        case "FAILURE":
            return _refused(updates, errors=errors, code=code or "FAILURE", words=words, request_id=request_id)
        case _:
            logger.warning("flipkart: unknown result status %r of a SKU", status)
            words = words or f"unknown result status {status!r}"
            return [outcome(each, PushResult.UNKNOWN, code, words, request_id=request_id) for each in updates]


def _refused(
    updates: Sequence[StockUpdate], *, errors: Sequence[Payload], code: str, words: str, request_id: str
) -> list[PushOutcome]:
    """A SKU failed with all its locations. "Invalid location provided" is for good, for the location that it means."""
    bad = [error for error in errors if _INVALID_LOCATION in text(error.get("description")).lower()]
    paths = [_LOCATION_PATH.search(text(error.get("path"))) for error in bad]
    wrong = {int(path.group(1)) for path in paths if path}
    if bad and not wrong and len(updates) == 1:
        wrong = {0}
    if bad and not wrong:
        code = "BATCH_REFUSED"  # one of several locations is wrong, and the answer does not say which: send them apart
    words = words or "Flipkart refused the quantity without saying why"
    return [
        outcome(each, PushResult.REFUSED, code, words, request_id=request_id, permanent=index in wrong)
        for index, each in enumerate(updates)
    ]


def outcome(
    update: StockUpdate,
    result: PushResult,
    code: str,
    message: str,
    *,
    request_id: str = "",
    permanent: bool = False,
    setup: bool = False,
    retry_after: float | None = None,
) -> PushOutcome:
    """The outcome of one update that was not accepted."""
    return PushOutcome(
        row_id=update.row.row_id,
        result=result,
        code=code,
        message=message,
        request_id=request_id,
        permanent=permanent,
        setup=setup,
        retry_after=retry_after,
    )
