"""Returns: customer returns of what was delivered, courier returns of what never arrived (contract, section 7)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sandbox.flipkart.model import OrderItem, ReturnItem, Shipment
from sandbox.flipkart.push import Push
from sandbox.flipkart.render import return_json
from sandbox.flipkart.shipments import Refusal, Shipments
from sandbox.flipkart.state import State
from sandbox.flipkart.times import parse_moment

PAGE_SIZE = 25
ID_CAP = 25
SOURCES = ("customer_return", "courier_return")
RETURNABLE = {"customer_return": {"DELIVERED", "COMPLETED"}, "courier_return": {"PICKUP_COMPLETE", "SHIPPED"}}
DONE = {"completed", "cancelled", "rejected"}
DATES = ("createdAfter", "createdBefore", "modifiedAfter", "modifiedBefore")


class Returns:
    """The seller's returns. Callers hold the state's lock."""

    def __init__(self, *, state: State, shipments: Shipments, push: Push) -> None:
        self.state = state
        self.shipments = shipments
        self.push = push

    # --- what Flipkart does

    def create(self, *, order_item_id: str, source: str, units: int | None = None, **details: Any) -> ReturnItem:
        """
        Start a return of units of an order item (all of its returnable part unless told otherwise).

        :param details: ``action``, ``reason``, ``sub_reason``, ``comments``.
        :raises ValueError: unknown item or source, or nothing in a state that can come back.
        """
        if source not in SOURCES:
            raise ValueError(f"source must be one of {SOURCES}")
        shipment = self.state.shipment_by_item.get(order_item_id)
        if shipment is None:
            raise ValueError(f"unknown order item {order_item_id!r}")
        parts = [
            item for item in shipment.items if item.order_item_id == order_item_id and item.status in RETURNABLE[source]
        ]
        if not parts:
            raise ValueError(f"nothing of order item {order_item_id} can come back as {source} now")
        part = self._split(shipment, parts[0], units)
        part.status, part.courier_return = "RETURN_REQUESTED", source == "courier_return"
        now = self.state.now()
        item = ReturnItem(
            return_id=f"12{self.state.new_number()}",
            source=source,
            shipment=shipment,
            item=part,
            quantity=part.quantity,
            created_at=now,
            updated_at=now,
            expected_at=now + timedelta(days=7),
            tracking_id=f"FMPR{self.state.new_number() % 10**10:010d}",
            **details,
        )
        self.state.returns[item.return_id] = item
        self.shipments.touch(shipment)
        self.push.return_event(item, "return_created")
        return item

    @staticmethod
    def _split(shipment: Shipment, part: OrderItem, units: int | None) -> OrderItem:
        if units is None or units >= part.quantity:
            return part
        if units < 1:
            raise ValueError("units of a return must be at least 1")
        part.quantity -= units
        returned = replace(part, quantity=units)
        shipment.items.append(returned)
        return returned

    def find(self, *, return_id: str | None = None, order_item_id: str | None = None) -> ReturnItem:
        """By id, or the newest of an order item. :raises ValueError: there is none."""
        if return_id is not None and return_id in self.state.returns:
            return self.state.returns[return_id]
        of_item = [
            each for each in self.state.returns.values() if order_item_id and each.item.order_item_id == order_item_id
        ]
        if not of_item:
            raise ValueError("unknown return")
        return of_item[-1]

    def picked_up(self, item: ReturnItem) -> None:
        item.shipment_status = "in_transit"
        self._touch(item, "return_picked_up")

    def completed(self, item: ReturnItem, *, back_on_shelf: bool = False) -> None:
        """The goods are back with the seller. ``back_on_shelf``: they may be sold again, so the truth's shelf grows by them."""
        item.status, item.shipment_status, item.completed_at = "completed", "delivered", self.state.now()
        item.item.status = "RETURNED"
        if back_on_shelf:
            for sku, per_unit in item.item.components:
                self.state.world.truth.add_to_shelf(sku, item.quantity * per_unit)
        self._touch(item, "return_completed")

    def cancelled(self, item: ReturnItem) -> None:
        """The goods stay with the buyer, or reach the buyer after all."""
        item.status = "cancelled"
        item.item.status, item.item.courier_return = "DELIVERED", False
        self._touch(item, "return_cancelled")

    def new_tracking(self, item: ReturnItem) -> None:
        item.tracking_id = f"FMPR{self.state.new_number() % 10**10:010d}"
        self._touch(item, "return_item_tracking_id_update")

    def expected(self, item: ReturnItem, moment: datetime) -> None:
        item.expected_at = moment
        self._touch(item, "return_expected_date_changed")

    def _touch(self, item: ReturnItem, event_type: str = "") -> None:
        item.updated_at = self.state.now()
        self.shipments.touch(item.shipment)
        if event_type:
            self.push.return_event(item, event_type)

    # --- what the seller reads

    def search(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The first page. ``source`` is mandatory unless ids are given. :raises ApiError: 422."""
        ids = {name: [each for each in query.get(name, "").split(",") if each] for name in ("returnIds", "trackingIds")}
        if any(len(each) > ID_CAP for each in ids.values()):
            raise self.state.bad_request(f"At most {ID_CAP} ids are allowed")
        source = query.get("source")
        if (source is not None or not any(ids.values())) and source not in SOURCES:
            raise self.state.bad_request("source is mandatory and must be customer_return or courier_return")
        params: dict[str, Any] = {**ids, "source": source, "locationId": query.get("locationId")}
        for name in DATES:
            params[name] = query.get(name)
            if params[name] is not None:
                self._moment(name, params[name])
        return self._page(params, number=0)

    def next_page(self, cursor: str) -> dict[str, Any]:
        """The page that a ``nextUrl`` names. :raises ApiError: 422."""
        try:
            inner = json.loads(base64.urlsafe_b64decode(cursor))
            params, number = inner["params"], int(inner["page"])
        except (binascii.Error, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
            raise self.state.bad_request("Invalid cursor") from error
        return self._page(params, number=number)

    def _moment(self, name: str, text: str) -> datetime:
        try:
            return parse_moment(text)
        except ValueError as error:
            raise self.state.bad_request(f"{name} is not a date", code="INVALID_REQUEST_DATE_FORMAT") from error

    def _page(self, params: Mapping[str, Any], *, number: int) -> dict[str, Any]:
        found = [item for item in self.state.returns.values() if self._matches(item, params)]
        page = found[number * PAGE_SIZE : (number + 1) * PAGE_SIZE]
        has_more = (number + 1) * PAGE_SIZE < len(found)
        cursor = base64.urlsafe_b64encode(json.dumps({"params": params, "page": number + 1}).encode()).decode()
        return {
            "hasMore": has_more,
            "nextUrl": f"/returns/search/{cursor}" if has_more else None,
            "returnItems": [return_json(self.state, item) for item in page],
        }

    def _matches(self, item: ReturnItem, params: Mapping[str, Any]) -> bool:
        if params["returnIds"] and item.return_id not in params["returnIds"]:
            return False
        if params["trackingIds"] and item.tracking_id not in params["trackingIds"]:
            return False
        limits = {name: self._moment(name, params[name]) if params[name] else None for name in DATES}
        return (
            params["source"] in {None, item.source}
            and params["locationId"] in {None, item.shipment.location_id}
            and (limits["createdAfter"] is None or item.created_at >= limits["createdAfter"])
            and (limits["createdBefore"] is None or item.created_at <= limits["createdBefore"])
            and (limits["modifiedAfter"] is None or item.updated_at >= limits["modifiedAfter"])
            and (limits["modifiedBefore"] is None or item.updated_at <= limits["modifiedBefore"])
        )

    # --- what the seller may do (self-ship only)

    def act(self, action: str, body: Mapping[str, Any], item: ReturnItem | None) -> Refusal | None:
        """One seller action on one return. :return: why it is refused, or None when done."""
        if item is None:
            return "INVALID_REQUEST_ITEM_ID", "Return not found"
        if item.shipment.shipment_type != "SELF":
            return "OPERATION_NOT_ALLOWED", "Only self-ship returns can be acted on"
        if item.status in DONE:
            return "INVALID_ITEM_STATE", f"Return is in state {item.status}"
        if action in {"complete", "cancel"} and item.source != "courier_return":
            return "OPERATION_NOT_ALLOWED", "Only courier returns can be completed or cancelled"
        if action == "approve":
            item.status, item.approved_at = "approved", self.state.now()
            self._touch(item)
        elif action == "reject":
            if not body.get("serviceDate"):
                return "UNPROCESSABLE_ENTITY", "serviceDate is mandatory"
            item.status, item.item.status = "rejected", "DELIVERED"
            self._touch(item)
        elif action == "pickupAttempt":
            self._touch(item)
        elif action == "pickup" and item.status != "approved":
            return "INVALID_ITEM_STATE", "Return is not approved"
        elif action == "cancel":
            self.cancelled(item)
        else:
            self.completed(item)
        return None
