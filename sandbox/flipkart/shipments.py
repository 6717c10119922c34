"""The state machine of shipments: packing takes a while, holds and dispatch dates bar the way, each step tells the seller (section 6.1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.flipkart.model import LIFECYCLE, OrderItem, Shipment
from sandbox.flipkart.push import Push
from sandbox.flipkart.state import State

AUTO_STEPS = ("pack", "dispatch", "ship", "deliver")
AUTO_RETRY_SECONDS = 60.0
EVENT_OF_STATUS = {
    "PACKED": "shipment_packed",
    "READY_TO_DISPATCH": "shipment_ready_to_dispatch",
    "PICKUP_COMPLETE": "shipment_pickup_complete",
    "SHIPPED": "shipment_shipped",
    "DELIVERED": "shipment_delivered",
}

Refusal = tuple[str, str]  # errorCode, errorMessage


class Shipments:
    """Moves shipments through their states. Callers hold the state's lock; delayed steps take it themselves."""

    def __init__(self, *, state: State, push: Push) -> None:
        self.state = state
        self.push = push

    def of_order(self, reference: str) -> list[Shipment]:
        """Shipments of an order id, or the one of a shipment id. :raises ValueError: neither is known."""
        if reference in self.state.shipments:
            return [self.state.shipments[reference]]
        found = self.state.shipments_by_order.get(reference)
        if not found:
            raise ValueError(f"unknown order {reference!r}")
        return list(found)

    def touch(self, shipment: Shipment, *, change: str = "") -> None:
        """Move ``updatedAt``, unless the settings say that this kind of change leaves it alone."""
        if change not in self.state.settings.updated_at_ignores:
            shipment.updated_at = self.state.now()

    # --- guards

    def refuse_action(self, shipment: Shipment | None, location_id: object) -> Refusal | None:
        """Why the seller may not act on a shipment now: unknown, elsewhere, on hold, or before its dispatchAfterDate."""
        if shipment is None or shipment.service_profile == "FBF":
            return "INVALID_SHIPMENTS", "Shipment not found"
        if location_id is not None and location_id != shipment.location_id:
            return "OPERATION_NOT_ALLOWED", "Shipment does not belong to the given location"
        if not shipment.live_items():
            return "ORDER_ITEM_ALREADY_CANCELLED", "Shipment is already cancelled"
        if shipment.hold:
            return "INVALID_ITEM_STATE", "Shipment is on hold"
        if self.state.now() < shipment.dispatch_after:
            return "INVALID_ITEM_STATE", "Shipment can not be processed before its dispatchAfterDate"
        return None

    # --- packing

    def pack(self, shipment: Shipment) -> Refusal | None:
        """Start packing; the shipment is PACKED some seconds later (or FORM_FAILED, by fault)."""
        stage = shipment.stage
        if stage == "PACKING_IN_PROGRESS":
            return "ORDER_ITEM_PACKING_IN_PROGRESS", "Packing is already in progress"
        if stage != "APPROVED":
            return "INVALID_ITEM_STATE", f"Shipment is in state {stage}"
        if self.state.fault("pack_fails") is not None:
            return "UNPROCESSABLE_ENTITY", "Package dimensions do not match the packaging details in My Listings"
        self.start_packing(shipment)
        return None

    def start_packing(self, shipment: Shipment) -> None:
        state = self.state
        self._set(shipment, "PACKING_IN_PROGRESS")
        shipment.pack_serial = serial = state.new_serial()
        seconds = state.draw("pack", state.settings.pack_seconds)
        if (fault := state.fault("pack_slow")) is not None:
            seconds = float(fault.options.get("seconds", 1_800.0))
        form_fails = state.fault("form_failed") is not None

        def finish() -> None:
            with state.lock:
                if shipment.pack_serial != serial or shipment.stage != "PACKING_IN_PROGRESS":
                    return
                if form_fails:
                    self._form_failed(shipment)
                else:
                    self.packed(shipment)

        state.world.scheduler.after(seconds, finish)

    def packed(self, shipment: Shipment) -> None:
        if not shipment.tracking_id:
            shipment.tracking_id = f"FMPP{self.state.new_number() % 10**10:010d}"
        shipment.packages = [{"id": "PKG1", "name": "Package 1"}]
        self._set(shipment, "PACKED")

    def _form_failed(self, shipment: Shipment) -> None:
        shipment.forms = [
            {"name": "DEMO_FORM", "link": "https://forms.example.in/demo", "automated": False, "status": "Failed"}
        ]
        self._set(shipment, "FORM_FAILED")
        self.push.form_failed(shipment)

    def acknowledge_forms(self, shipment: Shipment, names: set[str]) -> Refusal | None:
        if shipment.stage != "FORM_FAILED":
            return "INVALID_ITEM_STATE", f"Shipment is in state {shipment.stage}"
        if not names & {form["name"] for form in shipment.forms}:
            return "UNPROCESSABLE_ENTITY", "No such form on the shipment"
        for form in shipment.forms:
            form["status"] = "Completed"
        self.start_packing(shipment)
        return None

    # --- dispatch and after

    def dispatch(self, shipment: Shipment) -> Refusal | None:
        stage = shipment.stage
        if stage == "PACKING_IN_PROGRESS":
            return "ORDER_ITEM_PACKING_IN_PROGRESS", "Packing is in progress"
        if stage in {"APPROVED", "FORM_FAILED"}:
            return "ORDER_ITEM_NOT_PACKED", "Shipment is not packed"
        if stage != "PACKED":
            return "ORDER_ITEM_ALREADY_DISPATCHED", "Shipment is already dispatched"
        self._set(shipment, "READY_TO_DISPATCH")
        return None

    def step(self, shipment: Shipment, to: str, *, allowed_from: set[str]) -> str | None:
        """Move to ``to`` if the shipment stands in one of the states before it. :return: why not, or None."""
        if shipment.stage not in allowed_from:
            return f"Shipment is in state {shipment.stage}"
        self._set(shipment, to)
        return None

    def force(self, shipment: Shipment, to: str) -> list[str]:
        """
        Walk through every state up to ``to`` at once, telling the seller each step; hold and dates do not bar it.

        :return: the states entered; empty when it is there already or cancelled.
        """
        if to not in LIFECYCLE:
            raise ValueError(f"to must be one of {LIFECYCLE}")
        entered: list[str] = []
        stage = "PACKING_IN_PROGRESS" if shipment.stage == "FORM_FAILED" else shipment.stage
        if stage not in LIFECYCLE:
            return entered
        shipment.hold = False
        for status in LIFECYCLE[LIFECYCLE.index(stage) + 1 : LIFECYCLE.index(to) + 1]:
            if status == "PACKED":
                self.packed(shipment)
            else:
                self._set(shipment, status)
            entered.append(status)
        return entered

    def _set(self, shipment: Shipment, status: str) -> None:
        """Put every live item into ``status`` and tell the seller."""
        for item in shipment.live_items():
            if item.status not in {"RETURN_REQUESTED", "RETURNED"}:
                item.status = status
        self.touch(shipment)
        if status in EVENT_OF_STATUS:
            self.push.shipment_status(shipment, EVENT_OF_STATUS[status], status)

    # --- hold and dates

    def hold(self, shipment: Shipment) -> None:
        shipment.hold = True
        self.touch(shipment, change="hold")
        self.push.shipment_hold(shipment)

    def unhold(self, shipment: Shipment) -> None:
        shipment.hold = False
        self.touch(shipment, change="hold")
        self.push.shipment_unhold(shipment)

    def change_dates(self, shipment: Shipment, *, after: datetime, by: datetime) -> None:
        shipment.dispatch_after, shipment.dispatch_by = after, by
        self.touch(shipment)
        self.push.dispatch_dates_changed(shipment)

    # --- a marketplace that moves by itself

    def start_auto_progress(self, shipment: Shipment) -> None:
        """Where the settings ask for it: pack, dispatch, ship and deliver by themselves after random delays."""
        if self.state.settings.auto_progress is not None:
            self._auto(shipment, [step for step in AUTO_STEPS if step in self.state.settings.auto_progress])

    def _auto(self, shipment: Shipment, steps: list[str]) -> None:
        spans = self.state.settings.auto_progress
        if not steps or not spans:
            return
        moves: dict[str, Callable[[], Any]] = {
            "pack": lambda: self.pack(shipment),
            "dispatch": lambda: self.dispatch(shipment),
            "ship": lambda: self.force(shipment, "SHIPPED"),
            "deliver": lambda: self.force(shipment, "DELIVERED"),
        }

        def run() -> None:
            with self.state.lock:
                if not shipment.live_items():
                    return
                early = self.state.now() < shipment.dispatch_after or (
                    steps[0] == "dispatch" and shipment.stage != "PACKED"
                )
                if shipment.hold or (early and shipment.stage in {"APPROVED", "PACKING_IN_PROGRESS"}):
                    self.state.world.scheduler.after(AUTO_RETRY_SECONDS, run)
                    return
                moves[steps[0]]()
                self._auto(shipment, steps[1:])

        self.state.world.scheduler.after(self.state.draw("auto", spans[steps[0]]), run)

    # --- self-ship and services

    def add_service(self, item: OrderItem, shipment: Shipment, service_type: str) -> dict[str, Any]:
        service = {
            "serviceId": str(self.state.new_number()),
            "orderItemId": item.order_item_id,
            "serviceType": service_type,
            "status": "CREATED",
        }
        shipment.services.append(service)
        self.touch(shipment)
        return service
