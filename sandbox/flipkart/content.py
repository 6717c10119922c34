"""What a create or update says of a listing, field by field: problems with attribute and path (contract, sections 5.1 and 5.4). No state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

REQUIRED = ("product_id", "price", "tax", "listing_status", "fulfillment_profile", "packages", "locations")
TAX_CODES = (
    "GST_0", "GST_3", "GST_5", "GST_12", "GST_18", "GST_28", "GST_40", "GST_APPAREL", "GST_Footwear", "GST_FOOTWEAR",
)  # fmt: skip
TRANSITION = re.compile(r"GST_Old_\d+_New_\d+")
PROFILES = ("NON_FBF", "FBF_LITE", "FBF")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "listing_status": ("ACTIVE", "INACTIVE"),
    "archived_status": ("ARCHIVED", "NONE"),
    "fulfillment_profile": PROFILES,
}
FULFILMENT_CHOICES: Mapping[str, tuple[str, ...]] = {
    "shipping_provider": ("FLIPKART", "SELLER", "FLIPKART_SELLER", "SELLER_FLIPKART"),
    "procurement_type": ("REGULAR", "EXPRESS", "INTERNATIONAL", "MADE_TO_ORDER", "DOMESTIC"),
}
ADDRESSES = ("manufacturer_details", "packer_details", "importer_details", "countries_of_origin")
MAX_SHELF_LIFE = 155_520_000
MAX_NAME, MAX_ADDRESSES = 64, 5

Problem = dict[str, Any]


def problem(code: int, description: str, attribute: str = "", path: str = "") -> Problem:
    found: Problem = {"severity": "ERROR", "code": code, "description": description}
    return found | {"attribute": attribute, "path": path} if attribute else found


def missing_problems(body: Mapping[str, Any]) -> list[Problem]:
    """Fields that the official model requires, and that are not there."""
    return [problem(2003, f"{name} is mandatory", name, name) for name in REQUIRED if name not in body]


def content_problems(body: Mapping[str, Any]) -> list[Problem]:
    """Everything but product, price and locations."""
    return [*_choices(body), *_tax(body), *_fulfilment(body), *_fees(body), *_packages(body), *_labels(body)]


def price_problems(price: Any) -> list[Problem]:
    """Both prices are non-negative whole rupees, the selling price not above the MRP."""
    if not isinstance(price, dict):
        return [problem(2003, "price is mandatory", "price", "price")]
    problems = [
        problem(2008, f"{name} must be a non-negative integer", name, f"price.{name}")
        for name in ("mrp", "selling_price")
        if not _whole(price.get(name))
    ]
    if not problems and price["selling_price"] > price["mrp"]:
        words = "Selling price can not be greater than MRP"
        problems.append(problem(2009, words, "selling_price", "price.selling_price"))
    return problems


def _choices(body: Mapping[str, Any]) -> Iterator[Problem]:
    for name, allowed in CHOICES.items():
        if name in body and body[name] not in allowed:
            yield problem(2007, f"Invalid {name}", name, name)


def _tax(body: Mapping[str, Any]) -> Iterator[Problem]:
    if "tax" not in body:
        return
    tax = _object(body["tax"])
    hsn, code = tax.get("hsn"), tax.get("tax_code")
    if not isinstance(hsn, str) or not re.fullmatch(r"[0-9]{8}", hsn):
        yield problem(2010, "HSN must have 8 digits", "hsn", "tax.hsn")
    if code is not None and not (code in TAX_CODES or (isinstance(code, str) and TRANSITION.fullmatch(code))):
        yield problem(2011, "Invalid tax code", "tax_code", "tax.tax_code")


def _fulfilment(body: Mapping[str, Any]) -> Iterator[Problem]:
    if "fulfillment" not in body:
        return
    said = _object(body["fulfillment"])
    sla = said.get("dispatch_sla")
    if not (_whole(sla) and sla):
        yield problem(2012, "dispatch_sla must be at least 1", "dispatch_sla", "fulfillment.dispatch_sla")
    for name, allowed in FULFILMENT_CHOICES.items():
        if said.get(name) not in allowed:
            yield problem(2007, f"Invalid {name}", name, f"fulfillment.{name}")


def _fees(body: Mapping[str, Any]) -> Iterator[Problem]:
    if "shipping_fees" not in body:
        return
    fees = _object(body["shipping_fees"])
    for name in ("local", "zonal", "national"):
        if not _whole(fees.get(name)):
            yield problem(2008, f"{name} must be a non-negative integer", name, f"shipping_fees.{name}")


def _packages(body: Mapping[str, Any]) -> Iterator[Problem]:
    if "packages" not in body:
        return
    packages = body["packages"]
    if not isinstance(packages, list) or not packages:
        yield problem(2003, "packages is mandatory", "packages", "packages")
        return
    for index, package in enumerate(map(_object, packages)):
        where = f"packages[{index}]"
        name = package.get("name")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
            yield problem(2013, "Package name is mandatory, 64 characters at most", "packages", f"{where}.name")
        dimensions = _object(package.get("dimensions"))
        for side in ("length", "breadth", "height"):
            if not _positive(dimensions.get(side)):
                yield problem(2014, "Invalid package dimensions", "packages", f"{where}.dimensions.{side}")
        if not _positive(package.get("weight")):
            yield problem(2014, "Invalid package weight", "packages", f"{where}.weight")
        value = _object(package.get("notional_value"))
        if len(packages) > 1 and (value.get("unit") not in ("INR", "PERCENTAGE") or "amount" not in value):
            yield problem(2015, "Notional value is needed for several packages", "packages", f"{where}.notional_value")


def _labels(body: Mapping[str, Any]) -> Iterator[Problem]:
    address, dating = _object(body.get("address_label")), _object(body.get("dating_label"))
    for name in ADDRESSES:
        listed = address.get(name, [])
        if not isinstance(listed, list) or len(listed) > MAX_ADDRESSES or len(set(map(str, listed))) < len(listed):
            yield problem(2016, f"At most {MAX_ADDRESSES} different values", name, f"address_label.{name}")
    countries = address.get("countries_of_origin", [])
    if isinstance(countries, list) and not all(re.fullmatch("[A-Z]{2}", str(country)) for country in countries):
        words = "Country must be an ISO alpha-2 code"
        yield problem(2017, words, "countries_of_origin", "address_label.countries_of_origin")
    for name, most in (("mfg_date", 2**53), ("shelf_life", MAX_SHELF_LIFE)):
        if name in dating and not (_whole(dating[name]) and dating[name] <= most):
            yield problem(2018, f"Invalid {name}", name, f"dating_label.{name}")


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
