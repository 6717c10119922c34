"""Listings Items 2021-08-01: getListingsItem, searchListingsItems, patchListingsItem."""

from __future__ import annotations

from typing import Any

from sandbox.amazon.api import Call, Operation, Reply
from sandbox.amazon.errors import invalid_input, not_found, unauthorized
from sandbox.amazon.listings import item_body, status_of, submit
from sandbox.amazon.model import Listing
from sandbox.amazon.patches import check_shape
from sandbox.amazon.settings import INDIA
from sandbox.amazon.state import State
from sandbox.amazon.times import parse_time

DATA_SETS = (
    "summaries",
    "attributes",
    "issues",
    "offers",
    "fulfillmentAvailability",
    "procurement",
    "relationships",
    "productTypes",
)
IDENTIFIER_TYPES = ("ASIN", "EAN", "FNSKU", "GTIN", "ISBN", "JAN", "MINSAN", "SKU", "UPC")
MOST_PAGED = 1000
SORT_KEYS = {
    "sku": lambda listing: listing.sku,
    "createdDate": lambda listing: listing.created_at,
    "lastUpdatedDate": lambda listing: listing.updated_at,
}


def _own(call: Call) -> None:
    if call.path["seller_id"] != call.seller_id:
        raise unauthorized("The token does not belong to this seller.")


def get_listings_item(state: State, call: Call) -> Reply:
    _own(call)
    call.marketplace()
    included = call.choices("includedData", DATA_SETS) or ["summaries"]
    listing = state.listings.get((call.seller_id, call.path["sku"]))
    if listing is None:
        raise not_found(f"SKU '{call.path['sku']}' not found in marketplace {INDIA}")
    return Reply(body=item_body(state, listing, included))


def patch_listings_item(state: State, call: Call) -> Reply:
    """ACCEPTED or INVALID, both 200; with ``mode=VALIDATION_PREVIEW`` VALID or INVALID, and nothing changes."""
    _own(call)
    call.marketplace()
    sku = call.path["sku"]
    mode = call.args.get("mode")
    if mode not in {None, "VALIDATION_PREVIEW"}:
        raise invalid_input("Invalid value for parameter 'mode'.")
    included = call.choices("includedData", ("issues", "identifiers")) or ["issues"]
    patches = check_shape(call.body)
    if state.strikes("patch_400", sku=sku):
        raise invalid_input(f"Request for SKU '{sku}' is invalid.")
    status, submission_id, issues = submit(
        state, seller_id=call.seller_id, sku=sku, patches=patches, preview=mode is not None
    )
    body: dict[str, Any] = {"sku": sku, "status": status, "submissionId": submission_id}
    if "issues" in included:
        body["issues"] = issues
    listing = state.listings.get((call.seller_id, sku))
    if "identifiers" in included and listing is not None:
        body["identifiers"] = [{"marketplaceId": INDIA, "asin": listing.asin}]
    return Reply(body=body)


def search_listings_items(state: State, call: Call) -> Reply:
    """A page of at most 20; ``numberOfResults`` counts all, but only the first 1,000 can be paged."""
    _own(call)
    call.marketplace()
    included = call.choices("includedData", DATA_SETS) or ["summaries"]
    page_size = call.integer("pageSize", default=10, least=1, most=20)
    filters = {
        name: value for name, value in call.args.items() if name not in {"pageToken", "pageSize", "includedData"}
    }
    if "pageToken" in call.args:
        memory = state.page_tokens.redeem(call.args["pageToken"])
        if memory is None or memory["filters"] != filters:
            raise invalid_input("Invalid or expired 'pageToken'.")
        skus, total, start = memory["skus"], memory["total"], memory["start"]
    else:
        found = _find(state, call)
        skus, total, start = [listing.sku for listing in found[:MOST_PAGED]], len(found), 0
    end = start + page_size
    body: dict[str, Any] = {"numberOfResults": total}
    if end < len(skus):
        memory = {"filters": filters, "skus": skus, "total": total, "start": end}
        body["pagination"] = {"nextToken": state.page_tokens.issue(memory, lifetime=state.scaled(3600))}
    found_now = (state.listings.get((call.seller_id, sku)) for sku in skus[start:end])
    body["items"] = [item_body(state, listing, included) for listing in found_now if listing is not None]
    return Reply(body=body)


def _find(state: State, call: Call) -> list[Listing]:
    rows = [listing for (seller_id, _), listing in state.listings.items() if seller_id == call.seller_id]
    identifiers = call.csv("identifiers")
    if identifiers:
        kind = call.required("identifiersType")
        if kind not in IDENTIFIER_TYPES or len(identifiers) > 20:
            raise invalid_input("At most 20 'identifiers' of a known 'identifiersType' are allowed.")
        rows = [listing for listing in rows if _identifier(listing, kind) in identifiers]
    for name, later in (
        ("createdAfter", True),
        ("createdBefore", False),
        ("lastUpdatedAfter", True),
        ("lastUpdatedBefore", False),
    ):
        if name in call.args:
            bound = parse_time(call.args[name], name=name)
            field = "created_at" if name.startswith("created") else "updated_at"
            rows = [row for row in rows if (getattr(row, field) >= bound if later else getattr(row, field) <= bound)]
    if wanted := call.choices("withStatus", ("BUYABLE", "DISCOVERABLE")):
        rows = [row for row in rows if set(wanted) <= set(status_of(state, row))]
    if unwanted := call.choices("withoutStatus", ("BUYABLE", "DISCOVERABLE")):
        rows = [row for row in rows if not set(unwanted) & set(status_of(state, row))]
    if severities := call.choices("withIssueSeverity", ("WARNING", "ERROR")):
        rows = [row for row in rows if any(each["severity"] in severities for each in row.issues)]
    sort_by, sort_order = call.args.get("sortBy", "lastUpdatedDate"), call.args.get("sortOrder", "DESC")
    if sort_by not in SORT_KEYS or sort_order not in {"ASC", "DESC"}:
        raise invalid_input("Invalid value for parameter 'sortBy' or 'sortOrder'.")
    rows.sort(key=lambda row: row.sku)
    return sorted(rows, key=SORT_KEYS[sort_by], reverse=sort_order == "DESC")


def _identifier(listing: Listing, kind: str) -> str:
    values = {"SKU": listing.sku, "ASIN": listing.asin, "FNSKU": listing.fnsku}
    return values.get(kind, "") or str(listing.attributes.get(f"external_{kind.lower()}", [{}])[0].get("value", ""))


OPERATIONS = [
    Operation(
        name="getListingsItem",
        method="GET",
        path="/listings/2021-08-01/items/<seller_id>/<path:sku>",
        handler=get_listings_item,
    ),
    Operation(
        name="patchListingsItem",
        method="PATCH",
        path="/listings/2021-08-01/items/<seller_id>/<path:sku>",
        handler=patch_listings_item,
        writes=True,
    ),
    Operation(
        name="searchListingsItems",
        method="GET",
        path="/listings/2021-08-01/items/<seller_id>",
        handler=search_listings_items,
    ),
]
