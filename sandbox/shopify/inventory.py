"""
The rules of writing quantities: set, adjust, activate, deactivate.

Each function checks everything first and writes only when nothing is wrong (any user error leaves every row as it was). They
return ``{payload field: value, "userErrors": [{field, message, code}]}``. Messages without a source in the contract are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from sandbox.shopify.model import AdjustmentGroup, Change, Item, Level, Location, number_of
from sandbox.shopify.state import Event, Shop

REASONS = frozenset(
    [
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_canceled",
        "movement_created",
        "movement_received",
        "movement_updated",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_deleted",
        "reservation_updated",
        "restock",
        "safety_stock",
        "shrinkage",
    ]
)
SET_LIMIT = 1_000_000_000
ADJUST_LIMIT = 2_000_000_000
ADJUSTABLE = ("available", "damaged", "incoming", "quality_control", "reserved", "safety_stock")
STALE_MESSAGE = "The changeFromQuantity argument no longer matches the persisted quantity."


def user_error(field: Sequence[str] | None, message: str, code: str | None = None) -> dict[str, Any]:
    return {"field": list(field) if field is not None else None, "message": message, "code": code}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a write whose item and location were found."""

    item: Item
    location: Location
    state: str
    delta: int
    ledger: str | None = None


def set_quantities(event: Event, *, name: str, rows: Sequence[dict[str, Any]], reason: str, reference: str | None,
                   path: Sequence[str] = ("input", "quantities")) -> dict[str, Any]:  # fmt: skip
    """
    Absolute write of ``available`` or ``on_hand``.

    :param rows: ``{inventoryItemId, locationId, quantity, changeFromQuantity}``; None compares nothing.
    """
    errors = _common_errors(reason=reason, reference=reference)
    if name not in ("available", "on_hand"):
        errors.append(
            user_error(("input", "name"), "The quantity name must be either 'available' or 'on_hand'.", "INVALID_NAME")
        )
    errors += _duplicate_errors(rows, path)
    for index, row in enumerate(rows):
        errors += _bound_errors(
            row["quantity"], SET_LIMIT, (*path, str(index), "quantity"), negative=name == "available"
        )
    found, not_found = _find_rows(event.shop, rows, path)
    if errors + not_found:
        return {"inventoryAdjustmentGroup": None, "userErrors": errors + not_found}
    written = []
    for row, (item, location) in zip(rows, found, strict=True):
        level = item.levels.get(location.number)
        current = level.quantity(name) if level else 0
        if row["changeFromQuantity"] is not None and row["changeFromQuantity"] != current:
            return _stale()
        if level is None and event.shop.settings.silent_set_on_inactive:
            continue
        # A set of on_hand moves what is left of it after the other states: available.
        written.append(Row(item=item, location=location, state="available", delta=row["quantity"] - current))
    return _write(event, written, reason=reason, reference=reference)


def adjust_quantities(event: Event, *, name: str, rows: Sequence[dict[str, Any]], reason: str,
                      reference: str | None) -> dict[str, Any]:  # fmt: skip
    """Relative write. ``rows``: ``{inventoryItemId, locationId, delta, changeFromQuantity, ledgerDocumentUri?}``."""
    path = ("input", "changes")
    errors = _common_errors(reason=reason, reference=reference)
    if name not in ADJUSTABLE:
        errors.append(
            user_error(
                ("input", "name"),
                f"The quantity name must be one of {', '.join(repr(state) for state in ADJUSTABLE)}.",
                "INVALID_QUANTITY_NAME",
            )
        )
    else:
        errors += _ledger_errors(rows, path, name)
    found, not_found = _find_rows(event.shop, rows, path)
    if errors + not_found:
        return {"inventoryAdjustmentGroup": None, "userErrors": errors + not_found}
    written = []
    expected: dict[tuple[int, int], int] = {}
    for index, (row, (item, location)) in enumerate(zip(rows, found, strict=True)):
        level = item.levels.get(location.number)
        pair = (item.number, location.number)
        current = expected.get(pair, level.quantity(name) if level else 0)
        if row["changeFromQuantity"] is not None and row["changeFromQuantity"] != current:
            return _stale()
        expected[pair] = current + row["delta"]
        errors += _bound_errors(expected[pair], ADJUST_LIMIT, (*path, str(index), "delta"), negative=True)
        if level is None and event.shop.settings.silent_set_on_inactive:
            continue
        ledger = row.get("ledgerDocumentUri")
        written.append(Row(item=item, location=location, state=name, delta=row["delta"], ledger=ledger))
    if errors:
        return {"inventoryAdjustmentGroup": None, "userErrors": errors}
    return _write(event, written, reason=reason, reference=reference)


def activate(
    event: Event, *, item_id: str, location_id: str, available: int | None, on_hand: int | None
) -> dict[str, Any]:
    """Connect an item to a location. Re-activation without a quantity restores the old numbers."""
    shop = event.shop
    found, errors = _find_rows(shop, [{"inventoryItemId": item_id, "locationId": location_id}], ())
    errors = [user_error(error["field"][-1:], error["message"]) for error in errors]
    if available is not None and on_hand is not None:
        message = "Cannot set both available and on_hand quantities."
        errors += [user_error(("available",), message), user_error(("onHand",), message)]
    for name, value, negative in (("available", available, True), ("onHand", on_hand, False)):
        if value is not None:
            errors += [
                user_error(error["field"], error["message"])
                for error in _bound_errors(value, SET_LIMIT, (name,), negative=negative)
            ]
    if errors:
        return {"inventoryLevel": None, "userErrors": errors}
    item, location = found[0]
    level = item.levels.get(location.number)
    if on_hand is not None and level is not None and level.is_active:
        message = "Not allowed to set an on_hand quantity when the item is already active at the location."
        return {"inventoryLevel": None, "userErrors": [user_error(("onHand",), message)]}
    if available is not None and level is not None and level.is_active:
        message = "Not allowed to set available quantity when the item is already active at the location."
        return {"inventoryLevel": None, "userErrors": [user_error(("available",), message)]}
    if level is None or not level.is_active:
        level = shop.activate(item, location, now=event.now)
        level.is_active = True
        event.connected[level.number] = level
        shop.touch(level, now=event.now)
    if available is not None:
        event.move(level, available=available - level.available)
    if on_hand is not None:
        event.move(level, available=on_hand - level.quantity("on_hand"))
    return {"inventoryLevel": level, "userErrors": []}


def deactivate(event: Event, *, level: Level | None) -> dict[str, Any]:
    """Take an item off a location; its numbers stay. Only the last active location is refused."""
    if level is None:
        return {"userErrors": [user_error(("inventoryLevelId",), "The inventory level could not be found.")]}
    if not [other for other in level.item.levels.values() if other.is_active and other is not level]:
        message = "The product couldn't be unstocked because products need to be stocked at a minimum of 1 location."
        return {"userErrors": [user_error(None, message)]}
    level.is_active = False
    event.shop.touch(level, now=event.now)
    event.change_product(level.item.variant.product)
    return {"userErrors": []}


def _stale() -> dict[str, Any]:
    return {
        "inventoryAdjustmentGroup": None,
        "userErrors": [user_error(None, STALE_MESSAGE, "CHANGE_FROM_QUANTITY_STALE")],
    }


def _write(event: Event, rows: Iterable[Row], *, reason: str, reference: str | None) -> dict[str, Any]:
    """Apply what differs, as one group; nothing to change is success with no group."""
    shop = event.shop
    changes: list[Change] = []
    on_hand: list[Change] = []
    for row in rows:
        is_new = row.location.number not in row.item.levels
        level = shop.activate(row.item, row.location, now=event.now)
        if is_new:
            event.connected[level.number] = level
        if row.delta == 0:
            continue
        event.move(level, **{row.state: row.delta})
        change = {"delta": row.delta, "item": row.item, "location": row.location, "ledger_document_uri": row.ledger}
        changes.append(Change(name=row.state, **change))  # type: ignore[arg-type]
        if row.state != "incoming":
            on_hand.append(Change(name="on_hand", **change))  # type: ignore[arg-type]
    if not changes:
        return {"inventoryAdjustmentGroup": None, "userErrors": []}
    group = AdjustmentGroup(
        number=shop.ids.next("InventoryAdjustmentGroup"),
        reason=reason,
        reference_document_uri=reference,
        changes=changes + on_hand,
        created_at=event.now,
    )
    shop.groups[group.number] = group
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _common_errors(*, reason: str, reference: str | None) -> list[dict[str, Any]]:
    errors = []
    if reason not in REASONS:
        errors.append(user_error(("input", "reason"), "The specified reason is invalid.", "INVALID_REASON"))
    if reference is not None and not _is_uri(reference):
        message = "The specified reference document is invalid."
        errors.append(user_error(("input", "referenceDocumentUri"), message, "INVALID_REFERENCE_DOCUMENT"))
    return errors


def _is_uri(text: str) -> bool:
    parsed = urlparse(text)
    return bool(parsed.scheme and (parsed.netloc or parsed.path))


def _bound_errors(value: int, limit: int, field: Sequence[str], *, negative: bool) -> list[dict[str, Any]]:
    if value < -limit:
        return [user_error(field, f"The quantity can't be lower than {-limit:,}.", "INVALID_QUANTITY_TOO_LOW")]
    if value > limit:
        return [user_error(field, f"The quantity can't be higher than {limit:,}.", "INVALID_QUANTITY_TOO_HIGH")]
    if value < 0 and not negative:
        return [user_error(field, "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE")]
    return []


def _duplicate_errors(rows: Sequence[dict[str, Any]], path: Sequence[str]) -> list[dict[str, Any]]:
    """One error for each row whose pair stands in another row as well."""
    pairs = [(row["inventoryItemId"], row["locationId"]) for row in rows]
    return [
        user_error(
            (*path, str(index), "locationId"),
            "The combination of inventoryItemId and locationId must be unique.",
            "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
        )
        for index, pair in enumerate(pairs)
        if pairs.count(pair) > 1
    ]


def _ledger_errors(rows: Sequence[dict[str, Any]], path: Sequence[str], name: str) -> list[dict[str, Any]]:
    errors = []
    documents = {row.get("ledgerDocumentUri") for row in rows} - {None}
    for index, row in enumerate(rows):
        document = row.get("ledgerDocumentUri")
        field = (*path, str(index), "ledgerDocumentUri")
        if name == "available" and document is not None:
            message = "A ledger document URI is not allowed when adjusting available."
            errors.append(user_error(field, message, "INVALID_AVAILABLE_DOCUMENT"))
        elif name != "available" and document is None:
            message = "A ledger document URI is required except when adjusting available."
            errors.append(user_error(field, message, "INVALID_QUANTITY_DOCUMENT"))
        elif document is not None and not _is_uri(document):
            errors.append(user_error(field, "The specified ledger document is invalid.", "INVALID_LEDGER_DOCUMENT"))
        elif document is not None and document.startswith("gid://shopify/"):
            message = "A ledger document of Shopify's own is not allowed."
            errors.append(user_error(field, message, "INTERNAL_LEDGER_DOCUMENT"))
    if name != "available" and len(documents) > 1:
        message = "All changes must have the same ledger document URI."
        errors.append(user_error(path, message, "MAX_ONE_LEDGER_DOCUMENT"))
    return errors


def _find_rows(
    shop: Shop, rows: Sequence[dict[str, Any]], path: Sequence[str]
) -> tuple[list[tuple[Item, Location]], list[dict[str, Any]]]:
    """The items and locations that the rows name, and the errors of those that name none."""
    found, errors = [], []
    for index, row in enumerate(rows):
        where = (*path, str(index)) if path else ()
        item = shop.items.get(_number(row["inventoryItemId"], "InventoryItem"))
        location = shop.locations.get(_number(row["locationId"], "Location"))
        if item is None:
            message = "The specified inventory item could not be found."
            errors.append(user_error((*where, "inventoryItemId"), message, "INVALID_INVENTORY_ITEM"))
        elif item.variant.requires_components:
            message = "The specified inventory item can't be changed: its quantities come from its components."
            errors.append(user_error((*where, "inventoryItemId"), message, "NON_MUTABLE_INVENTORY_ITEM"))
        if location is None or not location.is_active:
            message = "The specified location could not be found."
            errors.append(user_error((*where, "locationId"), message, "INVALID_LOCATION"))
        elif item is not None:
            found.append((item, location))
    return found, errors


def _number(gid: str, kind: str) -> int:
    """The number of a global id of that kind; -1 of any other."""
    if not gid.startswith(f"gid://shopify/{kind}/"):
        return -1
    try:
        return number_of(gid)
    except ValueError:
        return -1
