"""
``POST /v3/shipments/filter``: defaults that hide things, offset pages that shift, a relative next page (section 6.3).

A result holds only the parts of a line that the filter asks for: a line cancelled in part shows with its live units in the
preDispatch result and with its cancelled units in the cancelled result.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.flipkart.model import POST_DISPATCH, PRE_DISPATCH, OrderItem, Shipment
from sandbox.flipkart.render import shipment_json
from sandbox.flipkart.state import State
from sandbox.flipkart.times import parse_moment

STATES = {"preDispatch": PRE_DISPATCH, "postDispatch": POST_DISPATCH, "cancelled": ("CANCELLED",)}
CANCELLATION_TYPES = {"sellerCancellation", "buyerCancellation", "marketplaceCancellation"}
DATE_FILTERS = ("orderDate", "dispatchAfterDate", "dispatchByDate", "modifiedDate", "cancellationDate")
SORT_KEYS: dict[str, Callable[[Shipment], datetime]] = {
    "dispatchByDate": lambda shipment: shipment.dispatch_by,
    "orderDate": lambda shipment: shipment.created_at,
    "modifiedDate": lambda shipment: shipment.updated_at,
    "dispatchAfterDate": lambda shipment: shipment.dispatch_after,
}

Window = tuple[datetime | None, datetime | None]


def first_page(state: State, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The first page of a search. :raises ApiError: 422 for a body that breaks the contract."""
    params = _checked(state, payload)
    return _page(state, params, number=1)


def next_page(state: State, next_token: str) -> dict[str, Any]:
    """The page that a ``nextPageUrl`` names. :raises ApiError: 422 for a token that is empty or none of ours."""
    try:
        outer = json.loads(base64.urlsafe_b64decode(next_token))
        inner = json.loads(base64.b64decode(outer["token"]))
        params, number = inner["params"], int(inner["pagination"]["page_num"])
        same_seller = outer["sellerId"] == state.seller_id
    except (binascii.Error, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise state.bad_request("Invalid next_token") from error
    if not same_seller:
        raise state.bad_request("Invalid next_token", code="OPERATION_NOT_ALLOWED")
    return _page(state, params, number=number)


def _checked(state: State, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The search with every default filled in, as plain JSON: it travels inside the cursor."""
    criteria = payload.get("filter")
    if not isinstance(criteria, dict):
        raise state.bad_request("filter is mandatory")
    kind = criteria.get("type")
    if kind not in STATES:
        raise state.bad_request("filter.type must be one of preDispatch, postDispatch, cancelled")
    states = criteria.get("states") or list(STATES[kind])
    if not isinstance(states, list) or not set(states) <= set(STATES[kind]):
        raise state.bad_request(f"filter.states has values that are not allowed for type {kind}")
    cancellation_type = criteria.get("cancellationType")
    if kind == "cancelled" and cancellation_type not in CANCELLATION_TYPES:
        raise state.bad_request("filter.cancellationType is mandatory for type cancelled")
    sort, pagination = payload.get("sort") or {}, payload.get("pagination") or {}
    field, order = sort.get("field", "orderDate"), sort.get("order", "asc")
    if field not in SORT_KEYS or order not in {"asc", "desc"}:
        raise state.bad_request("sort.field or sort.order is not known")
    size = pagination.get("pageSize", state.settings.default_page_size)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise state.bad_request("pagination.pageSize must be a positive integer")
    windows = {name: criteria[name] for name in DATE_FILTERS if criteria.get(name) is not None}
    for name, window in windows.items():
        _window(state, name, window)
    return {
        "type": kind,
        "states": states,
        "cancellationType": cancellation_type,
        "hold": bool(criteria.get("hold", False)),
        "serviceProfiles": criteria.get("serviceProfiles") or ["NON_FBF"],
        "shipmentTypes": criteria.get("shipmentTypes") or ["NORMAL"],
        "dispatchServiceTiers": criteria.get("dispatchServiceTiers") or ["REGULAR", "EXPRESS"],
        "locationId": criteria.get("locationId"),
        "sku": criteria.get("sku"),
        "mps": criteria.get("mps"),
        "windows": windows,
        "sort": {"field": field, "order": order},
        "page_size": min(size, state.settings.max_page_size),
    }


def _window(state: State, name: str, window: Any) -> Window:
    """``{from, to}``, either end open. Other keys are ignored, so that ``fromDate`` quietly filters nothing."""
    if not isinstance(window, dict):
        raise state.bad_request(f"filter.{name} must be an object with from and to")
    try:
        start, end = (parse_moment(window[key]) if window.get(key) is not None else None for key in ("from", "to"))
    except ValueError as error:
        raise state.bad_request(f"filter.{name} is not a date", code="INVALID_REQUEST_DATE_FORMAT") from error
    if start and end and start > end:
        raise state.bad_request(f"filter.{name}: from is after to")
    return start, end


def _page(state: State, params: Mapping[str, Any], *, number: int) -> dict[str, Any]:
    """Rows by offset in the list as it is now: what changes between two pages moves rows over the edge."""
    size = params["page_size"]
    offset = (number - 1) * size
    depth = state.settings.filter_depth
    if offset >= depth:
        if state.settings.depth_cap == "error":
            raise state.bad_request(f"Result window is too large, at most {depth} shipments can be read")
        return _answer(state, params, [], has_more=False, number=number)
    found = _matching(state, params)
    has_more = offset + size < len(found)
    if state.settings.depth_cap == "truncate":
        has_more = has_more and offset + size < depth
    page = [shipment_json(state, shipment, items) for shipment, items in found[offset : offset + size]]
    return _answer(state, params, page, has_more=has_more, number=number)


def _answer(
    state: State, params: Mapping[str, Any], page: list[dict[str, Any]], *, has_more: bool, number: int
) -> dict[str, Any]:
    """``nextPageUrl`` is there even where nothing follows, with an empty cursor inside."""
    inner = (
        {"params": params, "pagination": {"page_num": number + 1, "page_size": params["page_size"]}} if has_more else {}
    )
    token = base64.b64encode(json.dumps(inner).encode()).decode() if inner else ""
    outer = {
        "filterType": params["type"],
        "sellerId": state.seller_id,
        "token": token,
        "view": "order",
        "template": "default",
    }
    next_token = base64.urlsafe_b64encode(json.dumps(outer).encode()).decode()
    return {"hasMore": has_more, "nextPageUrl": f"/v3/shipments/filter?next_token={next_token}", "shipments": page}


def _matching(state: State, params: Mapping[str, Any]) -> list[tuple[Shipment, list[OrderItem]]]:
    windows = {name: _window(state, name, window) for name, window in params["windows"].items()}
    moment = time.monotonic()
    found = []
    for shipment in state.open_shipments() if params["type"] == "preDispatch" else state.shipments.values():
        if not _shipment_matches(shipment, params, windows):
            continue
        items = [item for item in shipment.items if item.indexed_at <= moment and _item_matches(item, params, windows)]
        if items:
            found.append((shipment, items))
    key = SORT_KEYS[params["sort"]["field"]]
    found.sort(key=lambda row: (key(row[0]), row[0].shipment_id), reverse=params["sort"]["order"] == "desc")
    return found


def _shipment_matches(shipment: Shipment, params: Mapping[str, Any], windows: Mapping[str, Window]) -> bool:
    return (
        (params["type"] != "preDispatch" or shipment.hold == params["hold"])
        and shipment.service_profile in params["serviceProfiles"]
        and shipment.shipment_type in params["shipmentTypes"]
        and shipment.tier in params["dispatchServiceTiers"]
        and params["locationId"] in {None, shipment.location_id}
        and params["mps"] in {None, shipment.mps}
        and all(_inside(key(shipment), windows.get(name)) for name, key in SORT_KEYS.items())
    )


def _item_matches(item: OrderItem, params: Mapping[str, Any], windows: Mapping[str, Window]) -> bool:
    return (
        item.status in params["states"]
        and (params["type"] != "cancelled" or item.cancellation_type == params["cancellationType"])
        and (not params["sku"] or item.sku in params["sku"])
        and _inside(item.cancellation_date, windows.get("cancellationDate"))
    )


def _inside(moment: datetime | None, window: Window | None) -> bool:
    if window is None:
        return True
    start, end = window
    return moment is not None and (start is None or moment >= start) and (end is None or moment <= end)
