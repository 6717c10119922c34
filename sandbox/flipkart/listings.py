"""The listing API: map writes with a result per SKU, reads, searches (contract, section 5)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.flipkart.content import Problem, content_problems, missing_problems, price_problems, problem
from sandbox.flipkart.errors import listings_error
from sandbox.flipkart.model import Listing, StockRow
from sandbox.flipkart.state import State
from sandbox.flipkart.stock import Stock

WRITE_CAP = 10
READ_CAP = 10
SEARCH_PAGE = 500
PRODUCT_PAGE = 20


class Listings:
    """The seller's listings as the API shows and changes them. Callers hold the state's lock."""

    def __init__(self, *, state: State, stock: Stock) -> None:
        self.state = state
        self.stock = stock

    # --- writes

    def write(self, payload: Any, apply: Callable[[str, Mapping[str, Any]], list[Problem]]) -> dict[str, Any]:
        """
        One map write: ``apply(sku, body)`` changes a listing or returns its problems; answers a status per SKU.

        :raises ApiError: 400 for a body that is no map or holds more than 10 SKUs; nothing is changed then.
        """
        if not isinstance(payload, dict) or not payload:
            raise listings_error(1000, "Request body must be a non-empty map of SKU to listing")
        if len(payload) > WRITE_CAP:
            raise listings_error(1001, f"Maximum {WRITE_CAP} SKUs are allowed in a request")
        answer = {}
        for sku, body in payload.items():
            result = self._write_one(sku, body, apply)
            if self.state.fault("sku_missing", sku=sku) is None:
                answer[sku] = result
        return answer

    def _write_one(
        self, sku: str, body: Any, apply: Callable[[str, Mapping[str, Any]], list[Problem]]
    ) -> dict[str, Any]:
        if self.state.fault("invalid_location", sku=sku) is not None:
            return self._result("FAILURE", [problem(2001, "Invalid location provided", "locations", "locations[0].id")])
        if (fault := self.state.fault("sku_failure", sku=sku)) is not None:
            return self._result(
                "FAILURE", [problem(int(fault.options.get("code", 1005)), "Listing could not be updated, please retry")]
            )
        problems = apply(sku, body) if isinstance(body, dict) else [problem(1000, "Listing body must be an object")]
        if problems:
            return self._result("FAILURE", problems)
        if self.state.fault("sku_warning", sku=sku) is not None:
            warning = {"severity": "WARNING", "code": 3001, "description": "Listing updated with warnings"}
            return self._result("WARNING", [warning])
        return self._result("SUCCESS", [])

    def _result(self, status: str, problems: list[Problem]) -> dict[str, Any]:
        return {
            "status": status.lower() if self.state.settings.status_case == "lower" else status,
            "errors": [each for each in problems if "attribute" not in each],
            "attribute_errors": [each for each in problems if "attribute" in each],
        }

    def update_inventory(self, sku: str, body: Mapping[str, Any]) -> list[Problem]:
        listing = self.state.listings.get(sku)
        if listing is None:
            return [problem(1002, f"Listing not found for sku {sku}")]
        if listing.held_by_flipkart and self.state.settings.fbf_writes_fail:
            return [problem(1006, "Inventory update is not allowed for FBF listings")]
        problems = self._product_problems(listing, body) + self._location_problems(body.get("locations"))
        if not problems:
            self._apply_locations(listing, body["locations"])
        return problems

    def update_price(self, sku: str, body: Mapping[str, Any]) -> list[Problem]:
        listing = self.state.listings.get(sku)
        if listing is None:
            return [problem(1002, f"Listing not found for sku {sku}")]
        problems = self._product_problems(listing, body) + price_problems(body.get("price"))
        if not problems:
            _apply_price(listing, body["price"])
        return problems

    def update(self, sku: str, body: Mapping[str, Any]) -> list[Problem]:
        """Update an existing listing: each field given replaces the old one."""
        listing = self.state.listings.get(sku)
        if listing is None:
            return [problem(1002, f"Listing not found for sku {sku}")]
        problems = missing_problems(body) if self.state.settings.strict_update else []
        problems += self._product_problems(listing, body) + self._content_problems(body, listing)
        if not problems:
            self._apply_content(listing, body)
        return problems

    def create(self, sku: str, body: Mapping[str, Any]) -> list[Problem]:
        """Create a listing; an existing SKU is overwritten."""
        product_id = body.get("product_id")
        problems = (
            [] if _is_product_id(product_id) else [problem(2002, "Invalid product_id", "product_id", "product_id")]
        )
        problems += missing_problems(body) + self._content_problems(body, None)
        if problems:
            return problems
        old = self.state.listings.get(sku)
        listing_id = old.listing_id if old else f"LST{product_id}{uuid.uuid4().hex[:6].upper()}"
        listing = Listing(sku=sku, product_id=str(product_id), listing_id=listing_id, rows=old.rows if old else {})
        self.state.listings[sku] = listing
        self._apply_content(listing, body)
        return []

    def _product_problems(self, listing: Listing, body: Mapping[str, Any]) -> list[Problem]:
        if body.get("product_id") == listing.product_id:
            return []
        return [problem(2002, "Invalid product_id for the sku", "product_id", "product_id")]

    def _content_problems(self, body: Mapping[str, Any], listing: Listing | None) -> list[Problem]:
        problems = content_problems(body)
        if "price" in body:
            problems += price_problems(body["price"])
        held = body.get("fulfillment_profile", listing.fulfillment_profile if listing else "") == "FBF"
        named = [place for place in body.get("locations") or [] if isinstance(place, dict) and "inventory" in place]
        if held and named and self.state.settings.fbf_writes_fail:
            words = "Inventory update is not allowed for FBF listings"
            problems.append(problem(1006, words, "inventory", "locations[0].inventory"))
        elif body.get("locations"):
            problems += self._location_problems(body["locations"], quantity_needed=False)
        return problems

    def _location_problems(self, locations: Any, *, quantity_needed: bool = True) -> list[Problem]:
        if not isinstance(locations, list) or not locations:
            return [problem(2003, "locations is mandatory", "locations", "locations")]
        problems, seen = [], set()
        for index, location in enumerate(locations):
            path = f"locations[{index}]"
            location_id = location.get("id") if isinstance(location, dict) else None
            if not isinstance(location_id, str) or location_id not in self.state.locations:
                problems.append(problem(2001, "Invalid location provided", "locations", f"{path}.id"))
                continue
            if location_id in seen:
                problems.append(problem(2004, "Duplicate location provided", "locations", f"{path}.id"))
            seen.add(location_id)
            inventory = location.get("inventory") if quantity_needed else location.get("inventory", 0)
            if not isinstance(inventory, int) or isinstance(inventory, bool) or inventory < 0:
                problems.append(
                    problem(2005, "Inventory must be a non-negative integer", "inventory", f"{path}.inventory")
                )
            if location.get("status", "ENABLED") not in {"ENABLED", "DISABLED"}:
                problems.append(problem(2006, "Invalid location status", "status", f"{path}.status"))
        return problems

    def _apply_locations(self, listing: Listing, locations: list[dict[str, Any]]) -> None:
        for location in locations:
            if "status" in location:
                self.stock.row(listing, location["id"]).status = location["status"]
            if "inventory" in location:
                self.stock.write(listing, location["id"], location["inventory"])

    def _apply_content(self, listing: Listing, body: Mapping[str, Any]) -> None:
        if "price" in body:
            _apply_price(listing, body["price"])
        for name in ("listing_status", "archived_status", "fulfillment_profile", "packages"):
            if name in body:
                setattr(listing, name, body[name])
        for number, package in enumerate(listing.packages, start=1):
            package.setdefault("id", f"PKG{number}")
        for name, given in (body.get("tax") or {}).items():
            if name in {"hsn", "tax_code"}:
                setattr(listing, name, given)
        known = {
            "product_id",
            "price",
            "tax",
            "locations",
            "listing_status",
            "archived_status",
            "fulfillment_profile",
            "packages",
        }
        listing.extra.update({name: given for name, given in body.items() if name not in known})
        if "locations" in body:
            self._apply_locations(listing, body["locations"])

    # --- reads

    def details(self, skus: list[str]) -> dict[str, Any]:
        """``available``, ``unavailable`` (unknown) and ``invalid`` (malformed). :raises ApiError: 400 above 10 SKUs or none."""
        if not skus:
            raise listings_error(1000, "sku_ids is mandatory", path="sku_ids")
        if len(skus) > READ_CAP:
            raise listings_error(1001, f"Maximum {READ_CAP} SKUs are allowed in a request", path="sku_ids")
        answer: dict[str, Any] = {"available": {}, "unavailable": [], "invalid": []}
        for sku in skus:
            if not isinstance(sku, str) or not sku.strip() or len(sku) > 64:
                answer["invalid"].append(sku)
            elif sku in self.state.listings:
                answer["available"][sku] = self._detail(self.state.listings[sku])
            else:
                answer["unavailable"].append(sku)
        if self.state.settings.open_orders_field == "available" and answer["available"]:
            answer["available"]["orders_to_be_fulfilled"] = sum(
                self.state.open_units(sku) for sku in answer["available"]
            )
        return answer

    def _detail(self, listing: Listing) -> dict[str, Any]:
        settings = self.state.settings
        detail: dict[str, Any] = {
            **listing.extra,
            "listing_id": listing.listing_id,
            "product_id": listing.product_id,
            "product_title": listing.title,
            "price": {
                "mrp": listing.mrp,
                settings.selling_price_field: listing.selling_price,
                "currency": listing.currency,
            },
            "tax": {"hsn": listing.hsn, "tax_code": listing.tax_code},
            "listing_status": listing.listing_status,
            "archived_status": listing.archived_status,
            "fulfillment_profile": listing.fulfillment_profile,
            "packages": listing.packages,
            "locations": [self._location(listing, row) for row in listing.rows.values()],
        }
        if settings.open_orders_field == "listing":
            detail["orders_to_be_fulfilled"] = self.state.open_units(listing.sku)
        if settings.extra_fields:
            detail["quality_bucket"] = "A"
        return detail

    def _location(self, listing: Listing, row: StockRow) -> dict[str, Any]:
        return {"id": row.location_id, "status": row.status, "inventory": self.stock.read_back(listing, row)}

    def search(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One page of at most 500 listings. :raises ApiError: 400 for a page id that is none of ours."""
        filters = payload.get("filters") or {}
        status = filters.get("listing_status") or filters.get("lisitng_status")
        page_id = payload.get("page_id")
        if page_id is not None and not (isinstance(page_id, str) and page_id.startswith("p") and page_id[1:].isdigit()):
            raise listings_error(1003, "Invalid page_id", path="page_id")
        start = int(page_id[1:]) if page_id else 0
        matching = [each for each in self.state.listings.values() if status in {None, each.listing_status}]
        page = matching[start : start + SEARCH_PAGE]
        has_more = start + SEARCH_PAGE < len(matching)
        answer: dict[str, Any] = {
            "listings": [
                {"listing_id": each.listing_id, "product_id": each.product_id, "sku_id": each.sku} for each in page
            ],
            "has_more": has_more,
        }
        if self.state.fault("search_repeats_page_id") is not None:
            return answer | {"has_more": True, "next_page_id": page_id or "p0"}
        return answer | ({"next_page_id": f"p{start + SEARCH_PAGE}"} if has_more else {})

    def product_search(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """One batch of at most 20 listings, counted from ``batchNo`` 0; ``searchText`` in SKU, FSN or title."""
        batch, text = payload.get("batchNo", 0), str(payload.get("searchText") or "").lower()
        if not isinstance(batch, int) or batch < 0:
            raise listings_error(1003, "Invalid batchNo", path="batchNo")
        wanted = payload.get("internalState")
        matching = [
            each
            for each in self.state.listings.values()
            if wanted in {None, _internal_state(each)} and text in f"{each.sku} {each.product_id} {each.title}".lower()
        ]
        page = matching[batch * PRODUCT_PAGE : (batch + 1) * PRODUCT_PAGE]
        return {"totalListingsCount": len(matching), "listingData": [self._product(each) for each in page]}

    def _product(self, listing: Listing) -> dict[str, Any]:
        return {
            "listingId": listing.listing_id,
            "sellerId": self.state.seller_id,
            "productId": listing.product_id,
            "sku": listing.sku,
            "status": _internal_state(listing),
            "product_name": listing.title,
            "product_image_url": "",
            "vertical": "",
            "product_description": {
                "ssp": listing.selling_price,
                "esp": listing.selling_price,
                "mrp": listing.mrp,
                "dimensions": [],
            },
        }


def _internal_state(listing: Listing) -> str:
    return "ARCHIVED" if listing.archived_status == "ARCHIVED" else listing.listing_status


def _is_product_id(value: Any) -> bool:
    return isinstance(value, str) and 13 <= len(value) <= 16


def _apply_price(listing: Listing, price: Mapping[str, Any]) -> None:
    listing.mrp, listing.selling_price = price["mrp"], price["selling_price"]
    listing.currency = price.get("currency", listing.currency)
