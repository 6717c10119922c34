"""
What a listings patch means: validation and its effect, without state.

``fulfillment_availability`` is held as channel code -> members. The channel code is the selector: a patch touches only the entries
whose code it names, so patching DEFAULT on an FBA listing leaves AMAZON_IN and adds a second, merchant-fulfilled entry.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.amazon.errors import invalid_input
from sandbox.amazon.settings import FBA_CODE, INDIA, MERCHANT_CODE

AVAILABILITY = "fulfillment_availability"
OFFER = "purchasable_offer"
SELECTORS = ("marketplace_id", "currency", "audience")  # which instance of an offer a patch means
OFFER_DEFAULTS = {"marketplace_id": INDIA, "currency": "INR", "audience": "ALL"}
OPERATIONS = {"add", "replace", "merge", "delete"}

Entries = dict[str, dict[str, Any]]
Patch = Mapping[str, Any]


def check_shape(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """
    The patches of a request body.

    :raises ApiError: 400 ``InvalidInput`` when the body is not one the model allows.
    """
    if not isinstance(body.get("productType"), str) or not body["productType"]:
        raise invalid_input("Missing required field 'productType'.")
    patches = body.get("patches")
    if not isinstance(patches, list) or not patches:
        raise invalid_input("Missing required field 'patches'.")
    for patch in patches:
        if not isinstance(patch, dict) or patch.get("op") not in OPERATIONS:
            raise invalid_input(f"Field 'op' must be one of {', '.join(sorted(OPERATIONS))}.")
        path = patch.get("path")
        if not isinstance(path, str) or path.count("/") != 2 or not path.startswith("/attributes/"):
            raise invalid_input(
                "Field 'path' must name a top-level attribute, such as /attributes/fulfillment_availability."
            )
        value = patch.get("value", [])
        if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
            raise invalid_input("Field 'value' must be a list of objects.")
        if patch["op"] != "delete" and not value:
            raise invalid_input("Field 'value' is required.")
    return patches


def issue(code: str, message: str, category: str, attribute: str, *, severity: str = "ERROR") -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "severity": severity,
        "categories": [category],
        "attributeNames": [attribute],
        "marketplaceIds": [INDIA],
    }


def find_issues(patches: Sequence[Patch]) -> list[dict[str, Any]]:
    """Issues that make a submission INVALID; only fulfillment_availability and purchasable_offer are looked into."""
    issues = []
    for patch in patches:
        if patch["path"] == f"/attributes/{OFFER}":
            issues += _offer_issues(patch)
        if patch["path"] != f"/attributes/{AVAILABILITY}":
            continue
        for part in patch.get("value", []):
            code = part.get("fulfillment_channel_code")
            if not code:
                message = "'fulfillment_channel_code' is required but not supplied."
                issues.append(issue("90220", message, "MISSING_ATTRIBUTE", AVAILABILITY))
            elif code not in {MERCHANT_CODE, FBA_CODE}:
                message = f"'{code}' is not a valid value for 'fulfillment_channel_code'."
                issues.append(issue("90244", message, "INVALID_ATTRIBUTE", AVAILABILITY))
            quantity = part.get("quantity", 0)
            if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 0:
                message = "The value specified for 'quantity' is invalid: a whole number of 0 or more is needed."
                issues.append(issue("90225", message, "INVALID_ATTRIBUTE", AVAILABILITY))
    return issues


def _offer_issues(patch: Patch) -> list[dict[str, Any]]:
    issues = []
    for part in patch.get("value", []):
        if part.get("currency", "INR") != "INR":
            message = "The currency of the offer must be INR in this marketplace."
            issues.append(issue("90244", message, "INVALID_PRICE", f"{OFFER}.currency"))
        amounts = {name: scheduled_amount(part, name) for name in ("our_price", "maximum_retail_price") if name in part}
        for name, amount in amounts.items():
            if not isinstance(amount, int | float) or isinstance(amount, bool) or amount <= 0:
                message = f"The field 'value_with_tax' of '{OFFER}.{name}' must be a number above 0."
                issues.append(issue("90225", message, "INVALID_PRICE", f"{OFFER}.{name}"))
        if not issues and amounts.get("our_price", 0) > amounts.get("maximum_retail_price", float("inf")):
            message = "The price is above the maximum retail price."
            issues.append(issue("99010", message, "INVALID_PRICE", f"{OFFER}.our_price"))
    return issues


def scheduled_amount(offer: Mapping[str, Any], name: str) -> Any:
    """``value_with_tax`` of the first schedule of a price; None when it is not said that way."""
    try:
        return offer[name][0]["schedule"][0]["value_with_tax"]
    except (KeyError, IndexError, TypeError):
        return None


def patched_entries(entries: Entries, patches: Sequence[Patch]) -> Entries:
    """
    The availability entries after the patches.

    ``merge`` overwrites the members it names; ``add`` and ``replace`` set the whole entry, so members they omit vanish;
    ``delete`` removes the entries it names, or all.
    """
    result = copy.deepcopy(entries)
    for patch in patches:
        if patch["path"] != f"/attributes/{AVAILABILITY}":
            continue
        value = patch.get("value", [])
        if patch["op"] == "delete" and not value:
            result.clear()
        for part in value:
            code = part["fulfillment_channel_code"]
            members = {
                name: member
                for name, member in part.items()
                if name not in {"fulfillment_channel_code", "marketplace_id"}
            }
            if patch["op"] == "delete":
                result.pop(code, None)
            elif patch["op"] == "merge":
                result[code] = {**result.get(code, {}), **members}
            else:
                result[code] = members
    return result


def patched_attributes(
    attributes: Mapping[str, list[dict[str, Any]]], patches: Sequence[Patch]
) -> dict[str, list[dict[str, Any]]]:
    """
    The other attributes after the patches.

    ``merge`` updates the instance with the same selectors (marketplace, currency, audience) and keeps what it does not name, or adds one;
    ``add`` and ``replace`` set the whole attribute, ``delete`` removes it.
    """
    result = copy.deepcopy(dict(attributes))
    for patch in patches:
        name = patch["path"].removeprefix("/attributes/")
        if name == AVAILABILITY:
            continue
        if patch["op"] == "delete":
            result.pop(name, None)
        elif patch["op"] == "merge" and result.get(name):
            for part in copy.deepcopy(list(patch["value"])):
                same = [each for each in result[name] if _selected(each) == _selected(part)]
                if same:
                    same[0].update(part)
                else:
                    result[name].append(part)
        else:
            result[name] = copy.deepcopy(list(patch["value"]))
    return result


def _selected(instance: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(instance.get(name, OFFER_DEFAULTS[name]) for name in SELECTORS)
