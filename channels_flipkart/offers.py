"""
What a listing says: our facts as Flipkart's create, update and price bodies, its answers as outcomes. Pure.

Source: contract, sections 5.1, 5.3 and 5.4; names, types and enumerations as in the official model. No body holds the quantity of a listing
that exists: an update would overwrite what Flipkart has sold meanwhile. A new listing begins with 0; the push raises it.
"""

from __future__ import annotations

import copy
import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from channels_flipkart.values import IST, Payload, first, objects, text
from inventory_sync.domain.listing_changes import (
    ChangeKind,
    Composed,
    Content,
    FieldProblem,
    ListingContent,
    ListingWrite,
    OfferFacts,
    Package,
    WriteOutcome,
)
from inventory_sync.domain.ports import PushResult
from inventory_sync.domain.snapshots import WRITABLE

PROCUREMENT_TYPES = ("REGULAR", "EXPRESS", "INTERNATIONAL", "MADE_TO_ORDER", "DOMESTIC")
SHIPPING_PROVIDERS = ("FLIPKART", "SELLER", "FLIPKART_SELLER", "SELLER_FLIPKART")
WRITABLE_PROFILES = ("NON_FBF", "FBF_LITE", "FBF")
MAX_NAME = 64
MAX_DESCRIPTION = 4_000
INT32_MAX = 2**31 - 1
HSN_DIGITS = 8

# Everything that an update takes, in the order in which staff read it; what a details answer says beyond that can't be written.
UPDATE_FIELDS = (
    "product_id", "listing_status", "archived_status", "price", "tax", "fulfillment_profile", "fulfillment", "shipping_fees",
    "subsidized_shipping", "packages", "locations", "address_label", "dating_label",
)  # fmt: skip
PRICE_FIELDS = ("product_id", "price")

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "product_id": "product_id",
        "price": "price.selling_price",
        "mrp": "price.mrp",
        "hsn": "tax.hsn",
        "rate": "tax.tax_code",
        "confirmed_rate": "tax.tax_code",
        "tax_code": "tax.tax_code",
        "manufacturer": "address_label.manufacturer_details",
        "packer": "address_label.packer_details",
        "importer": "address_label.importer_details",
        "country_of_origin": "address_label.countries_of_origin",
        "mfg_date": "dating_label.mfg_date",
        "shelf_life": "dating_label.shelf_life",
        "best_before": "dating_label.shelf_life",
    }
)


# --- reading --------------------------------------------------------------------------------------------------------------------------


def content_of(listing: Payload) -> dict[str, Any]:
    """
    The part of a details answer that an update takes back. Locations are named without their quantities.

    The selling price comes under either of two names and goes under one.
    """
    content: dict[str, Any] = {}
    for name in UPDATE_FIELDS:
        value = listing.get(name)
        if value is not None:
            content[name] = copy.deepcopy(value)
    price = listing.get("price")
    if isinstance(price, Mapping):
        selling = first(price, "flipkart_selling_price", "selling_price", "sellingPrice")
        content["price"] = _without_none(
            mrp=price.get("mrp"), selling_price=selling, currency=price.get("currency") or "INR"
        )
    content["locations"] = [
        _without_none(id=place.get("id"), status=place.get("status")) for place in objects(listing.get("locations"))
    ]
    return content


# --- composing ------------------------------------------------------------------------------------------------------------------------


def compose(kind: ChangeKind, facts: OfferFacts, *, current: ListingContent | None) -> Composed:
    """
    What the listing would say, with every problem that only the form of Flipkart's fields brings along.

    An update begins with all that the listing says now and replaces what we know better: a partial body is never sent.
    """
    shown = current.content if current is not None else {}
    if kind is ChangeKind.PRICE:
        content = {"product_id": facts.ids.product_id, "price": {**shown.get("price", {}), **_price(facts)}}
        before = {name: shown[name] for name in PRICE_FIELDS if name in shown}
        return Composed(content=content, before=before, problems=tuple(_slab_problems(facts, shown)))
    ours = _ours(facts)
    if kind is ChangeKind.CREATE:
        content = {
            "product_id": facts.ids.product_id,
            "listing_status": "ACTIVE",
            "fulfillment_profile": facts.fulfilment.value,
            "locations": _new_locations(facts),
            **ours,
        }
        problems = [*_form_problems(facts), *_creation_problems(facts)]
        return Composed(content=_ordered(content), problems=tuple(problems))
    content = {**copy.deepcopy(dict(shown)), **ours}
    if "price" in shown:
        content["price"] = {**shown["price"], **ours["price"]}
    if "packages" in ours:
        content["packages"] = _with_known(ours["packages"], objects(shown.get("packages")))
    for name in ("tax", "address_label", "dating_label"):
        if name in shown and name in ours and isinstance(shown[name], Mapping):
            content[name] = {**shown[name], **ours[name]}
    problems = [*_form_problems(facts), *_update_problems(shown, content)]
    return Composed(content=_ordered(content), before=_ordered(shown), problems=tuple(problems))


def _ours(facts: OfferFacts) -> dict[str, Any]:
    """What we know of the offer; parts of which we know nothing are left out."""
    parts: dict[str, Any] = {
        "price": _price(facts),
        "tax": _without_none(hsn=facts.hsn or None, tax_code=facts.tax_code or None),
        "packages": [_package(package, number) for number, package in enumerate(facts.packages, start=1)],
        "address_label": _without_none(
            manufacturer_details=list(facts.manufacturer) or None,
            packer_details=list(facts.packer) or None,
            importer_details=list(facts.importer) or None,
            countries_of_origin=list(facts.countries) or None,
        ),
        "dating_label": _without_none(
            mfg_date=_midnight(facts) if facts.mfg_date else None, shelf_life=facts.shelf_life_seconds
        ),
        "fulfillment": _without_none(
            dispatch_sla=facts.dispatch_days,
            shipping_provider=facts.shipping_provider or None,
            procurement_type=facts.procurement_type or None,
        ),
        "shipping_fees": _fees(facts),
    }
    return {name: part for name, part in parts.items() if part}


def _price(facts: OfferFacts) -> dict[str, Any]:
    """Whole rupees: a selling price is rounded down, an MRP with paise is not an MRP that Flipkart can take."""
    mrp = int(facts.mrp) if facts.mrp is not None and facts.mrp == facts.mrp.to_integral_value() else None
    selling = int(facts.price) if facts.price is not None else None
    return {**_without_none(mrp=mrp, selling_price=selling), "currency": "INR"}


def _midnight(facts: OfferFacts) -> int:
    assert facts.mfg_date is not None
    return int(datetime.combine(facts.mfg_date, time.min, tzinfo=IST).timestamp())


def _fees(facts: OfferFacts) -> dict[str, Any]:
    fees = {"local": facts.fee_local, "zonal": facts.fee_zonal, "national": facts.fee_national}
    known = {name: int(fee) for name, fee in fees.items() if fee is not None}
    return {**known, "currency": "INR"} if known else {}


def _package(package: Package, number: int) -> dict[str, Any]:
    sides = {name: _number(getattr(package, name)) for name in ("length", "breadth", "height")}
    made: dict[str, Any] = {
        "name": package.name or f"Package {number}",
        "dimensions": _without_none(**sides),
        "weight": _number(package.weight),
        "description": package.description or None,
        "handling": {"fragile": package.fragile},
    }
    if package.notional_value is not None:
        made["notional_value"] = {"amount": _number(package.notional_value), "unit": "INR"}
    return _without_none(**made)


def _with_known(packages: list[dict[str, Any]], shown: Sequence[Payload]) -> list[dict[str, Any]]:
    """An update means known packages, by the same name, else by the same place in the list: what we don't say of them stays."""
    by_name = {text(package.get("name")): package for package in shown}
    found = []
    for index, package in enumerate(packages):
        known = by_name.get(package["name"]) or (shown[index] if len(shown) == len(packages) else {})
        found.append({**copy.deepcopy(dict(known)), **package})
    return found


def _new_locations(facts: OfferFacts) -> list[dict[str, Any]]:
    """A new listing offers nothing: a quantity is claimed under the stock locks, and only where it is the seller's."""
    start = {"inventory": 0} if facts.fulfilment in WRITABLE else {}
    return [{"id": location_id, "status": "ENABLED", **start} for location_id in facts.location_ids]


def _ordered(content: Content) -> dict[str, Any]:
    return {name: content[name] for name in UPDATE_FIELDS if name in content}


def _number(value: Decimal | None) -> int | float | None:
    """A JSON number: centimetres and kilograms may have fractions."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


# --- what only the form of the fields says ------------------------------------------------------------------------------------------


def _problem(field: str, code: str, message: str) -> FieldProblem:
    return FieldProblem(field=field, code=code, message=message)


def _form_problems(facts: OfferFacts) -> Iterator[FieldProblem]:
    if facts.hsn and len(facts.hsn) != HSN_DIGITS:
        yield _problem("tax.hsn", "hsn_not_8_digits", f"Flipkart wants all {HSN_DIGITS} digits of the HSN code.")
    yield from _fulfillment_problems(facts)
    yield from _fee_problems(facts)
    names = [package.name or f"Package {number}" for number, package in enumerate(facts.packages, start=1)]
    if len(set(names)) < len(names):
        yield _problem("packages", "not_unique", "Two packages have the same name.")
    for index, package in enumerate(facts.packages):
        yield from _package_problems(package, f"packages[{index}]", several=len(facts.packages) > 1)


def _fulfillment_problems(facts: OfferFacts) -> Iterator[FieldProblem]:
    where = "fulfillment"
    named = {
        "dispatch_sla": facts.dispatch_days,
        "shipping_provider": facts.shipping_provider,
        "procurement_type": facts.procurement_type,
    }
    words = {
        "dispatch_sla": "the days to dispatch",
        "shipping_provider": "the shipping provider",
        "procurement_type": "the procurement type",
    }
    if any(named.values()):
        for name, value in named.items():
            if value in (None, ""):
                yield _problem(f"{where}.{name}", "missing", f"Flipkart wants {words[name]} as well.")
    if facts.dispatch_days is not None and facts.dispatch_days < 1:
        yield _problem(f"{where}.dispatch_sla", "too_small", "Dispatch takes at least 1 day.")
    for name, allowed in (("shipping_provider", SHIPPING_PROVIDERS), ("procurement_type", PROCUREMENT_TYPES)):
        value = named[name]
        if value and value not in allowed:
            yield _problem(
                f"{where}.{name}", "not_allowed", f"“{value}” is none of Flipkart's choices: {', '.join(allowed)}."
            )


def _fee_problems(facts: OfferFacts) -> Iterator[FieldProblem]:
    fees = {"local": facts.fee_local, "zonal": facts.fee_zonal, "national": facts.fee_national}
    if all(fee is None for fee in fees.values()):
        return
    for name, fee in fees.items():
        where = f"shipping_fees.{name}"
        if fee is None:
            yield _problem(where, "missing", f"The {name} shipping fee is missing; Flipkart takes all three or none.")
        elif fee != fee.to_integral_value():
            yield _problem(where, "not_whole_rupee", "Flipkart takes shipping fees in whole rupees.")
        elif not 0 <= fee <= INT32_MAX:
            yield _problem(where, "out_of_range", "The shipping fee must be 0 or more.")


def _package_problems(package: Package, where: str, *, several: bool) -> Iterator[FieldProblem]:
    if len(package.name) > MAX_NAME:
        yield _problem(f"{where}.name", "too_long", f"A package's name has at most {MAX_NAME} characters.")
    if len(package.description) > MAX_DESCRIPTION:
        yield _problem(f"{where}.description", "too_long", f"A description has at most {MAX_DESCRIPTION} characters.")
    for name in ("length", "breadth", "height", "weight"):
        field = f"{where}.{name}" if name == "weight" else f"{where}.dimensions.{name}"
        value = getattr(package, name)
        unit = "kg" if name == "weight" else "cm"
        if value is None or value <= 0:
            yield _problem(field, "missing", f"The package's {name} in {unit} is missing.")
    value = package.notional_value
    if value is None and several:
        words = "An offer in several packages needs the value of each."
        yield _problem(f"{where}.notional_value.amount", "missing", words)
    if value is not None and (value < 0 or value != value.to_integral_value()):
        yield _problem(f"{where}.notional_value.amount", "not_whole_rupee", "A package's value is in whole rupees.")


def _creation_problems(facts: OfferFacts) -> Iterator[FieldProblem]:
    if not facts.packages:
        yield _problem("packages", "missing", "The package's size and weight are missing: see the SKU's category.")
    if not any((facts.dispatch_days, facts.shipping_provider, facts.procurement_type)):
        words = "Days to dispatch, shipping provider and procurement type are missing: see the SKU's category."
        yield _problem("fulfillment", "missing", words)
    if not facts.location_ids:
        words = "No Flipkart location of this account is linked to a warehouse: a listing must sell from somewhere."
        yield _problem("locations", "missing", words)


def _update_problems(shown: Content, content: Content) -> Iterator[FieldProblem]:
    profile = text(shown.get("fulfillment_profile"))
    if profile not in WRITABLE_PROFILES:
        words = f"Flipkart takes no update of a listing with the profile “{profile}”: use the seller panel. Its price can be changed here."
        yield _problem("fulfillment_profile", "not_writable", words)
    if not content.get("packages"):
        yield _problem("packages", "missing", "The package's size and weight are missing: see the SKU's category.")


def _slab_problems(facts: OfferFacts, shown: Content) -> Iterator[FieldProblem]:
    """A price alone can't change the tax code that stands beside it."""
    tax = shown.get("tax")
    code = text(tax.get("tax_code")) if isinstance(tax, Mapping) else ""
    if code and facts.tax_code and code != facts.tax_code:
        words = f"The tax code would have to be {facts.tax_code}, the listing says {code}. Prepare an update: it sends both together."
        yield _problem("price.selling_price", "tax_code_differs", words)


# --- answers --------------------------------------------------------------------------------------------------------------------------


def why_not_writable(kind: ChangeKind, write: ListingWrite) -> str:
    """Why this content must not be sent, whoever asks; "" when it may. The last guard before Flipkart."""
    if (kind is ChangeKind.CREATE) != (write.fulfilment is None):
        return "A listing that exists is never created again: Flipkart would overwrite it."
    quantities = [place["inventory"] for place in objects(write.content.get("locations")) if "inventory" in place]
    if quantities and (kind is not ChangeKind.CREATE or write.content.get("fulfillment_profile") == "FBF"):
        return "A quantity is written by the push alone, and never where Flipkart keeps the stock."
    if any(quantities):
        return "A new listing begins with 0."
    return ""


def body_of(writes: Sequence[ListingWrite]) -> dict[str, Content]:
    """The map by SKU that all three calls take."""
    return {write.ids.key: write.content for write in writes}


def write_outcomes(
    writes: Sequence[ListingWrite], *, answer: Payload, warning_is_success: bool, request_id: str = ""
) -> list[WriteOutcome]:
    """What a 200 says of each SKU. One that it does not name may have been written all the same: UNKNOWN."""
    results = {html.unescape(sku): result for sku, result in answer.items()}
    return [
        _outcome(
            write.ids.key,
            answer.get(write.ids.key, results.get(write.ids.key)),
            warning_is_success=warning_is_success,
            request_id=request_id,
        )
        for write in writes
    ]


def _outcome(key: str, result: Any, *, warning_is_success: bool, request_id: str) -> WriteOutcome:
    if not isinstance(result, Mapping):
        words = "Flipkart's answer does not name this SKU."
        return WriteOutcome(key=key, result=PushResult.UNKNOWN, message=words, request_id=request_id)
    problems = tuple(_said(result))
    words = "; ".join(dict.fromkeys(problem.message for problem in problems))[:500]
    status = text(result.get("status")).upper()
    if status == "SUCCESS" or (status == "WARNING" and warning_is_success):
        taken, words = PushResult.ACCEPTED, words or ("Taken with a warning." if status == "WARNING" else "")
    elif status == "FAILURE":
        taken, words = PushResult.REFUSED, words or "Flipkart refused the listing without saying why."
    else:
        taken, words = PushResult.UNKNOWN, words or f"Flipkart answered with the status “{status}”."
    return WriteOutcome(key=key, result=taken, message=words, problems=problems, request_id=request_id)


def _said(result: Payload) -> Iterator[FieldProblem]:
    """Errors and warnings of one SKU, each at the field that its path, else its attribute, names."""
    for error in (*objects(result.get("errors")), *objects(result.get("attribute_errors"))):
        attribute, path = text(error.get("attribute")), text(error.get("path"))
        yield FieldProblem(
            field=path or attribute,
            attribute=attribute,
            code=text(error.get("code")),
            message=text(error.get("description")) or "Flipkart does not say what is wrong.",
            blocks=text(error.get("severity")).upper() != "WARNING",
        )
