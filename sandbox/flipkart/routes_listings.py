"""``/sellers/listings/v3`` and the list of locations (contract, section 5)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from sandbox.flipkart.errors import listings_error
from sandbox.flipkart.gate import Gate
from sandbox.flipkart.listings import Listings
from sandbox.flipkart.state import State


def add_listing_routes(blueprint: Blueprint, *, gate: Gate, state: State, listings: Listings) -> None:
    def payload() -> Any:
        body = request.get_json(force=True, silent=True)
        if body is None:
            raise listings_error(1000, "Request body is not valid JSON")
        return body

    def mapping() -> dict[str, Any]:
        body = payload()
        if not isinstance(body, dict):
            raise listings_error(1000, "Request body must be a JSON object")
        return body

    def details() -> object:
        skus = mapping().get("sku_ids")
        if not isinstance(skus, list):
            raise listings_error(1000, "sku_ids must be a list", path="sku_ids")
        return listings.details(skus)

    def locations() -> object:
        rows = [
            {"locationId": each, "locationName": name, "status": "ENABLED"} for each, name in state.locations.items()
        ]
        return {"locations": rows}

    def post(path: str, operation: str, handler: Any) -> None:
        gate.add(blueprint, "POST", f"/listings/v3{path}", operation, handler)

    post("", "create_listings", lambda: listings.write(payload(), listings.create))
    post("/update", "update_listings", lambda: listings.write(payload(), listings.update))
    post("/update/inventory", "update_inventory", lambda: listings.write(payload(), listings.update_inventory))
    post("/update/price", "update_price", lambda: listings.write(payload(), listings.update_price))
    post("/search", "listing_search", lambda: listings.search(mapping()))
    post("/details", "listing_details", details)
    post("/product/search", "product_search", lambda: listings.product_search(mapping()))
    gate.add(
        blueprint, "GET", "/listings/v3/<sku_ids>", "get_listings", lambda sku_ids: listings.details(sku_ids.split(","))
    )
    gate.add(blueprint, "GET", "/locations/allLocations", "all_locations", locations)
