"""Listings: what an accepted write does, when it does it, and what reads echo meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sandbox.amazon.model import Listing
from sandbox.amazon.patches import (
    AVAILABILITY,
    OFFER,
    OFFER_DEFAULTS,
    Patch,
    find_issues,
    issue,
    patched_attributes,
    patched_entries,
    scheduled_amount,
)
from sandbox.amazon.settings import FBA_CODE, INDIA, MERCHANT_CODE
from sandbox.amazon.state import State
from sandbox.amazon.times import seconds_z

UNKNOWN_SKU = "This SKU does not exist in the Amazon catalog. Your inventory data cannot be processed."


def submit(
    state: State, *, seller_id: str, sku: str, patches: Sequence[Patch], preview: bool = False
) -> tuple[str, str, list[dict[str, Any]]]:
    """
    Take one listings submission, from PATCH or from a feed message.

    :return: status ``ACCEPTED`` (queued; it takes effect later), ``INVALID`` or ``VALID`` (preview; nothing changes), submission id, issues.
    """
    submission_id = state.uuid()
    listing = state.listings.get((seller_id, sku))
    issues = find_issues(patches)
    if listing is None:
        issues.append(issue("13013", UNKNOWN_SKU, "INVALID_ATTRIBUTE", "sku"))
    elif state.strikes("patch_invalid", sku=sku):
        message = "'condition_type' is required but not supplied."
        issues.append(issue("90220", message, "MISSING_ATTRIBUTE", "condition_type"))
    if issues or listing is None:
        return "INVALID", submission_id, issues
    if preview:
        return "VALID", submission_id, []
    warnings = []
    if state.strikes("patch_warning", sku=sku):
        message = "The product type given does not match that of the listing."
        warnings.append(issue("18427", message, "INVALID_ATTRIBUTE", "product_type", severity="WARNING"))
    _accept(state, listing, submission_id, patches)
    return "ACCEPTED", submission_id, warnings


def _accept(state: State, listing: Listing, submission_id: str, patches: Sequence[Patch]) -> None:
    told = patched_entries(listing.entries, patches)
    codes = _codes_with_quantity(listing, patches)
    for code in codes:
        listing.echo[code] = told.get(code, {}).get("quantity")
        listing.seller_set[code] = listing.echo[code]
    if state.strikes("patch_lost", sku=listing.sku):
        return
    if MERCHANT_CODE in codes:
        listing.pending.append((submission_id, listing.echo[MERCHANT_CODE]))
    if state.strikes("late_issue", sku=listing.sku):
        effect = partial(_refuse_late, state, listing, submission_id, codes)
    else:
        effect = partial(_take_effect, state, listing, submission_id, patches)
    delay = state.draw(state.settings.effect_seconds)
    if fault := state.strikes("patch_late", sku=listing.sku):
        state.later(delay + float(fault.options.get("seconds", 600)), effect)
    elif state.strikes("patch_overtakes", sku=listing.sku):
        state.later(delay, effect)
    else:
        listing.queue.append((submission_id, effect))
        state.later(delay, partial(_run_queue, listing, submission_id))


def _run_queue(listing: Listing, submission_id: str) -> None:
    """Writes of one SKU take effect in the order of acceptance: one that is due takes the earlier ones with it."""
    while any(queued == submission_id for queued, _ in listing.queue):
        _, effect = listing.queue.pop(0)
        effect()


def _codes_with_quantity(listing: Listing, patches: Sequence[Patch]) -> list[str]:
    """The channel codes whose quantity the patches set, or wipe."""
    codes = []
    for patch in patches:
        if patch["path"] != f"/attributes/{AVAILABILITY}":
            continue
        parts = patch.get("value", [])
        if patch["op"] == "delete" and not parts:
            codes += list(listing.entries)
        codes += [part["fulfillment_channel_code"] for part in parts if patch["op"] != "merge" or "quantity" in part]
    return codes


def _take_effect(state: State, listing: Listing, submission_id: str, patches: Sequence[Patch]) -> None:
    """The accepted value overwrites what is shown now, whatever was sold since it was computed."""
    was, shown = status_of(state, listing), listing.shown
    listing.pending = [entry for entry in listing.pending if entry[0] != submission_id]
    listing.entries = patched_entries(listing.entries, patches)
    listing.attributes = patched_attributes(_attributes(listing), patches)
    price = scheduled_amount(listing.attributes[OFFER][0], "our_price")
    listing.price = listing.price if price is None else f"{price:.2f}"
    listing.issues = [each for each in listing.issues if each["severity"] != "ERROR"]
    listing.updated_at = state.now()
    if not listing.pending:
        listing.echo.clear()  # everything accepted is in force: what is read is what is shown
        for code in set(listing.seller_set) - set(listing.entries):
            del listing.seller_set[code]
    if listing.shown != shown:
        tell_quantity(state, listing)
    _tell_status(state, listing, was)


def _refuse_late(state: State, listing: Listing, submission_id: str, codes: Sequence[str]) -> None:
    listing.pending = [entry for entry in listing.pending if entry[0] != submission_id]
    for code in codes:
        listing.echo.pop(code, None)
        listing.seller_set.pop(code, None)
    message = "The offer could not be updated: 'merchant_shipping_group' is invalid."
    listing.issues.append(issue("99022", message, "INVALID_ATTRIBUTE", "merchant_shipping_group"))
    listing.updated_at = state.now()
    state.notify(
        seller_id=listing.seller_id,
        notification_type="LISTINGS_ITEM_ISSUES_CHANGE",
        payload={
            "SellerId": listing.seller_id,
            "MarketplaceId": INDIA,
            "Asin": listing.asin,
            "Sku": listing.sku,
            "Severities": ["ERROR"],
            "EnforcementActions": [],
        },
    )


def move_shown(state: State, listing: Listing, units: int) -> None:
    """Amazon's own change of the merchant quantity: down by a sale, up by a cancellation. What reads echo moves with it."""
    was = status_of(state, listing)
    entry = listing.entries.setdefault(MERCHANT_CODE, {})
    entry["quantity"] = max(0, (entry.get("quantity") or 0) + units)
    echoed = listing.echo.get(MERCHANT_CODE)
    if echoed is not None:
        listing.echo[MERCHANT_CODE] = max(0, echoed + units)
    listing.updated_at = state.now()
    tell_quantity(state, listing)
    _tell_status(state, listing, was)


def set_by_hand(state: State, listing: Listing, quantity: int) -> None:
    """Someone types a quantity into Seller Central: in effect at once."""
    was = status_of(state, listing)
    listing.entries.setdefault(MERCHANT_CODE, {})["quantity"] = quantity
    listing.echo[MERCHANT_CODE] = listing.seller_set[MERCHANT_CODE] = quantity
    listing.updated_at = state.now()
    tell_quantity(state, listing)
    _tell_status(state, listing, was)


def tell_quantity(state: State, listing: Listing) -> None:
    state.notify(
        seller_id=listing.seller_id,
        notification_type="LISTINGS_ITEM_MFN_QUANTITY_CHANGE",
        payload={
            "SellerId": listing.seller_id,
            "FulfillmentChannelCode": MERCHANT_CODE,
            "Sku": listing.sku,
            "Quantity": listing.shown,
        },
    )


def _tell_status(state: State, listing: Listing, was: list[str]) -> None:
    status = status_of(state, listing)
    if status != was:
        state.notify(
            seller_id=listing.seller_id,
            notification_type="LISTINGS_ITEM_STATUS_CHANGE",
            payload={
                "SellerId": listing.seller_id,
                "MarketplaceId": INDIA,
                "Asin": listing.asin,
                "Sku": listing.sku,
                "CreatedDate": seconds_z(listing.created_at),
                "Status": status,
            },
        )


def status_of(state: State, listing: Listing) -> list[str]:
    """BUYABLE while it can sell now, DISCOVERABLE while it is not suppressed."""
    if not listing.active:
        return []
    stock = state.fba.get((listing.seller_id, listing.sku))
    buyable = listing.shown > 0 or (listing.is_fba and stock is not None and stock.fulfillable > 0)
    return ["BUYABLE", "DISCOVERABLE"] if buyable else ["DISCOVERABLE"]


def read_quantities(state: State, listing: Listing) -> dict[str, int | None]:
    """Channel code -> the quantity that reads echo, by the ``read_back`` setting. None: none is given (FBA)."""
    shown = {code: entry.get("quantity") for code, entry in listing.entries.items()}
    if state.settings.read_back == "accepted":
        return {**shown, **listing.echo}
    if state.settings.read_back == "seller_set":
        return {**shown, **listing.seller_set}
    return shown


def item_body(state: State, listing: Listing, included: Sequence[str]) -> dict[str, Any]:
    """One ``Item`` of the listings model with the asked data sets."""
    body: dict[str, Any] = {"sku": listing.sku}
    quantities = read_quantities(state, listing)
    if "summaries" in included:
        body["summaries"] = [_summary(state, listing)]
    if "attributes" in included:
        body["attributes"] = {**_attributes(listing), AVAILABILITY: _availability_attribute(listing, quantities)}
    if "issues" in included:
        body["issues"] = listing.issues
    if "offers" in included:
        price = {"currencyCode": "INR", "amount": listing.price}
        body["offers"] = [{"marketplaceId": INDIA, "offerType": "B2C", "price": price}]
    if "fulfillmentAvailability" in included:
        body["fulfillmentAvailability"] = [
            {"fulfillmentChannelCode": code, **({} if quantity is None else {"quantity": quantity})}
            for code, quantity in sorted(quantities.items())
        ]
    if "productTypes" in included:
        body["productTypes"] = [{"marketplaceId": INDIA, "productType": listing.product_type}]
    if "relationships" in included:
        body["relationships"] = [{"marketplaceId": INDIA, "relationships": []}]
    if "procurement" in included:
        body["procurement"] = []
    return body


def _attributes(listing: Listing) -> dict[str, list[dict[str, Any]]]:
    """The attributes with the offer that the price stands for, where no write has said one yet."""
    offer = {**OFFER_DEFAULTS, "our_price": [{"schedule": [{"value_with_tax": float(listing.price)}]}]}
    return {OFFER: [offer], **listing.attributes}


def _summary(state: State, listing: Listing) -> dict[str, Any]:
    summary = {
        "marketplaceId": INDIA,
        "asin": listing.asin,
        "productType": listing.product_type,
        "conditionType": listing.condition,
        "status": status_of(state, listing),
        "itemName": listing.title,
        "createdDate": seconds_z(listing.created_at),
        "lastUpdatedDate": seconds_z(listing.updated_at),
    }
    if FBA_CODE in listing.entries:
        summary["fnSku"] = listing.fnsku
    return summary


def _availability_attribute(listing: Listing, quantities: dict[str, int | None]) -> list[dict[str, Any]]:
    return [
        {
            "fulfillment_channel_code": code,
            **{name: member for name, member in listing.entries.get(code, {}).items() if name != "quantity"},
            **({} if quantity is None else {"quantity": quantity}),
            "marketplace_id": INDIA,
        }
        for code, quantity in sorted(quantities.items())
    ]
