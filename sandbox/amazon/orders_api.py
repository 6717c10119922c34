"""Orders 2026-01-01 searchOrders and getOrder, Orders v0 confirmShipment, sellers/v1/marketplaceParticipations."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sandbox.amazon import orders
from sandbox.amazon.api import Call, Operation, Reply
from sandbox.amazon.errors import ApiError, invalid_input, not_found
from sandbox.amazon.model import Order
from sandbox.amazon.order_views import DATA_SETS, NOTIFICATION_STATUS, order_body
from sandbox.amazon.settings import INDIA
from sandbox.amazon.state import State
from sandbox.amazon.times import millis_z, parse_time

CHANGEABLE_BETWEEN_PAGES = {"paginationToken", "maxResultsPerPage", "includedData"}


def search_orders(state: State, call: Call) -> Reply:
    """
    Orders of one window, oldest first, without those of the last two minutes.

    The window's end is fixed by the first page; an order that changes meanwhile leaves this window and shows in a later one.
    """
    by_update = _window_kind(call)
    call.marketplace()
    included = call.choices("includedData", DATA_SETS)
    size = call.integer("maxResultsPerPage", default=100, least=1, most=100)
    filters = {name: value for name, value in call.args.items() if name not in CHANGEABLE_BETWEEN_PAGES}
    if "paginationToken" in call.args:
        memory = state.page_tokens.redeem(call.args["paginationToken"])
        if memory is None or memory["filters"] != filters or memory["seller_id"] != call.seller_id:
            raise invalid_input("The paginationToken is invalid, expired, or belongs to other parameters.")
        order_ids, before = memory["order_ids"], memory["before"]
    else:
        after, before = _window(state, call, by_update)
        order_ids = [order.order_id for order in _matching(state, call, by_update, after, before)]
    page = [state.orders[order_id] for order_id in order_ids[:size]]
    page = [order for order in page if _stamp(order, by_update) <= before]
    body: dict[str, Any] = {
        "orders": [_render(state, order, included) for order in page],
        "lastUpdatedBefore" if by_update else "createdBefore": millis_z(before),
    }
    if order_ids[size:]:
        memory = {"filters": filters, "seller_id": call.seller_id, "order_ids": order_ids[size:], "before": before}
        token = state.page_tokens.issue(memory, lifetime=state.scaled(state.settings.order_page_token_seconds))
        body["pagination"] = {"nextToken": token}
    return Reply(body=body)


def _window_kind(call: Call) -> bool:
    """True for a window of updates, False for one of creation."""
    created = [name for name in ("createdAfter", "createdBefore") if name in call.args]
    updated = [name for name in ("lastUpdatedAfter", "lastUpdatedBefore") if name in call.args]
    if ("createdAfter" in created) == ("lastUpdatedAfter" in updated) or (created and updated):
        raise invalid_input(
            "Exactly one of createdAfter and lastUpdatedAfter must be provided, with its own Before only."
        )
    return bool(updated)


def _window(state: State, call: Call, by_update: bool) -> tuple[datetime, datetime]:
    prefix = "lastUpdated" if by_update else "created"
    held_back = state.now() - timedelta(seconds=state.scaled(state.settings.hold_back_seconds))
    after = parse_time(call.args[f"{prefix}After"], name=f"{prefix}After")
    if f"{prefix}Before" not in call.args:
        return after, held_back
    before = parse_time(call.args[f"{prefix}Before"], name=f"{prefix}Before")
    if before < after:
        raise invalid_input(f"{prefix}Before must be equal to or after {prefix}After.")
    if before > held_back:
        raise invalid_input(f"{prefix}Before must be at least two minutes before the time of the request.")
    return after, before


def _stamp(order: Order, by_update: bool) -> datetime:
    return order.updated_at if by_update else order.created_at


def _matching(state: State, call: Call, by_update: bool, after: datetime, before: datetime) -> list[Order]:
    statuses = call.choices("fulfillmentStatuses", NOTIFICATION_STATUS)
    parties = call.choices("fulfilledBy", ("MERCHANT", "AMAZON"))
    rows = [
        order
        for order in state.orders.values()
        if order.seller_id == call.seller_id
        and after <= _stamp(order, by_update) <= before
        and (not statuses or order.status in statuses)
        and (not parties or {"MFN": "MERCHANT", "AFN": "AMAZON"}[order.fulfilled_by] in parties)
        and not state.strikes("search_misses_order", order_id=order.order_id)
    ]
    return sorted(rows, key=lambda order: _stamp(order, by_update))


def _render(state: State, order: Order, included: Collection[str]) -> dict[str, Any]:
    return order_body(
        order,
        included=included,
        unknown_status=state.strikes("unknown_order_status", order_id=order.order_id) is not None,
        without_sku=state.strikes("order_without_sku", order_id=order.order_id) is not None,
    )


def _own_order(state: State, call: Call) -> Order:
    order = state.orders.get(call.path["order_id"])
    if order is None or order.seller_id != call.seller_id:
        raise not_found(f"Order {call.path['order_id']} not found.")
    return order


def get_order(state: State, call: Call) -> Reply:
    """One order as it is now: nothing is held back here."""
    included = call.choices("includedData", DATA_SETS)
    return Reply(body={"order": _render(state, _own_order(state, call), included)})


def confirm_shipment(state: State, call: Call) -> Reply:
    """204; the same ``packageReferenceId`` edits an earlier confirmation."""
    order = _own_order(state, call)
    detail = _package_detail(call)
    if order.fulfilled_by == "AFN":
        raise invalid_input("Orders fulfilled by Amazon can't be confirmed.")
    if order.easy_ship and state.settings.easy_ship_refuses_confirmation:
        raise invalid_input("Easy Ship orders can't be confirmed.")
    if order.status in {"PENDING", "PENDING_AVAILABILITY", "CANCELLED"}:
        raise invalid_input(f"Order {order.order_id} is not in a state to be shipped.")
    units: dict[str, int] = {}
    known = {item.order_item_id for item in order.items}
    for row in detail["orderItems"]:
        if row["orderItemId"] not in known:
            raise invalid_input(f"Order item {row['orderItemId']} does not belong to the order.")
        units[row["orderItemId"]] = units.get(row["orderItemId"], 0) + row["quantity"]
    try:
        orders.ship(
            state,
            order=order,
            units=units,
            reference=detail["packageReferenceId"],
            carrier=detail.get("carrierName") or detail["carrierCode"],
            tracking_number=detail["trackingNumber"],
            shipped_at=parse_time(detail["shipDate"], name="shipDate"),
        )
    except ValueError as error:
        raise invalid_input(str(error)) from None
    return Reply(status=204)


def _package_detail(call: Call) -> dict[str, Any]:
    if call.body.get("marketplaceId") != INDIA:
        raise invalid_input("marketplaceId is missing or not one of this seller.")
    detail = call.body.get("packageDetail")
    if not isinstance(detail, dict):
        raise invalid_input("packageDetail is required.")
    for name in ("packageReferenceId", "carrierCode", "trackingNumber", "shipDate"):
        if not isinstance(detail.get(name), str) or not detail[name]:
            raise invalid_input(f"packageDetail.{name} is required.")
    if not detail["packageReferenceId"].isdigit() or int(detail["packageReferenceId"]) < 1:
        raise invalid_input("packageDetail.packageReferenceId must be a positive number.")
    if detail["carrierCode"] == "Other" and not detail.get("carrierName"):
        raise invalid_input("packageDetail.carrierName is required when carrierCode is Other.")
    rows = detail.get("orderItems")
    if not isinstance(rows, list) or not rows:
        raise invalid_input("packageDetail.orderItems is required.")
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("orderItemId"), str):
            raise invalid_input("orderItemId is required.")
        quantity = row.get("quantity")
        if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
            raise invalid_input("quantity must be a whole number above 0.")
    return detail


def get_marketplace_participations(state: State, call: Call) -> Reply:
    seller = state.sellers.get(call.seller_id)
    if seller is None:
        raise ApiError(404, "NOT_FOUND", "Seller not found.")
    return Reply(
        body={
            "payload": [
                {
                    "marketplace": {
                        "id": INDIA,
                        "name": "Amazon.in",
                        "countryCode": "IN",
                        "defaultCurrencyCode": "INR",
                        "defaultLanguageCode": "en_IN",
                        "domainName": "www.amazon.in",
                    },
                    "participation": {"isParticipating": True, "hasSuspendedListings": False},
                    "storeName": seller.store_name,
                }
            ]
        }
    )


OPERATIONS = [
    Operation(name="searchOrders", method="GET", path="/orders/2026-01-01/orders", handler=search_orders),
    Operation(name="getOrder", method="GET", path="/orders/2026-01-01/orders/<order_id>", handler=get_order),
    Operation(
        name="confirmShipment",
        method="POST",
        path="/orders/v0/orders/<order_id>/shipmentConfirmation",
        handler=confirm_shipment,
        writes=True,
    ),
    Operation(
        name="getMarketplaceParticipations",
        method="GET",
        path="/sellers/v1/marketplaceParticipations",
        handler=get_marketplace_participations,
    ),
]
