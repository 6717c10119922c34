"""
Buying and cancelling: a sale lowers what is shown at once or is refused; a cancel splits a line where only some units go.

Every sale, cancel before shipping and refusal is told to the truth, in the lock, at the instant at which it happens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from sandbox.flipkart.model import OrderItem, Shipment
from sandbox.flipkart.push import Push
from sandbox.flipkart.shipments import Shipments
from sandbox.flipkart.state import CHANNEL, FBF_LOCATION, State
from sandbox.flipkart.stock import Stock
from sandbox.truth import Sale

BUYER_MAY_CANCEL = {"APPROVED", "PACKING_IN_PROGRESS", "FORM_FAILED", "PACKED"}
SELLER_MAY_CANCEL = {"APPROVED", "PACKING_IN_PROGRESS", "FORM_FAILED"}
MARKETPLACE_MAY_CANCEL = {*BUYER_MAY_CANCEL, "READY_TO_DISPATCH"}
MAY_CANCEL = {"buyer": BUYER_MAY_CANCEL, "seller": SELLER_MAY_CANCEL, "marketplace": MARKETPLACE_MAY_CANCEL}
REASONS = {
    "buyer": ("cancellation_requested", "changed_mind"),
    "seller": ("seller_cancellation", "not_enough_inventory"),
    "marketplace": ("marketplace_cancellation", "verification_failed"),
}


class RefusedError(Exception):
    """The buyer can't have it: ``out_of_stock``, ``not_listed``, ``inactive`` or ``unknown_order``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line a buyer asks for. Lines with the same ``group`` can only be cancelled together."""

    sku: str
    units: int
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a shipment is to be made. ``service_profile`` None: by the listing; ``order_id``: a further shipment of that order."""

    location_id: str | None = None
    hold: bool = False
    cod: bool = False
    order_id: str | None = None
    is_replacement: bool = False
    service_profile: str | None = None
    shipment_type: str = "NORMAL"
    tier: str = "REGULAR"
    mps: bool = False


class Orders:
    """Sales and cancellations. Callers hold the state's lock."""

    def __init__(self, *, state: State, stock: Stock, shipments: Shipments, push: Push) -> None:
        self.state = state
        self.stock = stock
        self.shipments = shipments
        self.push = push

    # --- buying

    def place(self, lines: list[Line], terms: Terms) -> Shipment:
        """
        Sell the lines from one location as one new shipment.

        :raises RefusedError: they can't all be had; nothing is sold.
        """
        try:
            profile, location_id = self._source(lines, terms)
        except RefusedError:
            self.state.counts["orders_refused"] += 1
            self.state.world.truth.record_refusal(CHANNEL)
            raise
        shipment = self._new_shipment(lines, terms, profile=profile, location_id=location_id)
        for item in shipment.items:
            self.stock.take(self.state.listings[item.sku], location_id, item.quantity, fbf=profile == "FBF")
            self.state.world.truth.record_sale(
                Sale(
                    channel=CHANNEL,
                    order_id=shipment.order_id,
                    line_id=item.order_item_id,
                    listing_key=item.sku,
                    location=location_id,
                    units=item.quantity,
                    at=item.order_date,
                    components=item.components,
                )
            )
        self.state.counts["orders_accepted"] += 1
        self.state.add_shipment(shipment)
        self.push.shipment_created(shipment)
        self.shipments.start_auto_progress(shipment)
        return shipment

    def _source(self, lines: list[Line], terms: Terms) -> tuple[str, str]:
        """(service profile, location id) that can serve all lines."""
        wanted: dict[str, int] = {}
        for line in lines:
            listing = self.state.listings.get(line.sku)
            if listing is None:
                raise RefusedError("not_listed")
            if listing.listing_status != "ACTIVE" or listing.archived_status != "NONE":
                raise RefusedError("inactive")
            wanted[line.sku] = wanted.get(line.sku, 0) + line.units
        if terms.order_id is not None and terms.order_id not in self.state.shipments_by_order:
            raise RefusedError("unknown_order")
        listings = [self.state.listings[sku] for sku in wanted]
        if terms.service_profile in {None, "FBF"} and all(
            each.sold_from_flipkart and each.fbf_stock >= wanted[each.sku] for each in listings
        ):
            return "FBF", FBF_LOCATION
        if terms.service_profile == "FBF" or any(each.held_by_flipkart for each in listings):
            raise RefusedError("out_of_stock")
        location_id = self.stock.location_for(wanted, location_id=terms.location_id)
        if location_id is None:
            raise RefusedError("out_of_stock")
        lite = all(each.fulfillment_profile in {"FBF_LITE", "FBF_AND_FBF_LITE"} for each in listings)
        return terms.service_profile or ("FBF_LITE" if lite else "NON_FBF"), location_id

    def _new_shipment(self, lines: list[Line], terms: Terms, *, profile: str, location_id: str) -> Shipment:
        state, now = self.state, self.state.now()
        order_id = terms.order_id or f"OD{state.new_number()}"
        groups: dict[str, str] = {}
        visible_from = state.visible_from()
        items = []
        for line in lines:
            number = state.new_number()
            group = groups.setdefault(line.group, f"grp{number}") if line.group else f"grp{number}"
            items.append(
                OrderItem(
                    order_item_id=str(number),
                    order_id=order_id,
                    cancellation_group_id=group,
                    sku=line.sku,
                    quantity=line.units,
                    order_date=now,
                    payment_type="COD" if terms.cod else "PREPAID",
                    unit_price=state.listings[line.sku].selling_price,
                    components=() if profile == "FBF" else state.world.components(CHANNEL, line.sku),
                    indexed_at=visible_from,
                    is_replacement=terms.is_replacement,
                )
            )
        dispatch_after = timedelta(seconds=state.world.clock.scaled(state.settings.dispatch_after_seconds))
        return Shipment(
            shipment_id=state.new_uuid(),
            order_id=order_id,
            location_id=location_id,
            created_at=now,
            updated_at=now,
            dispatch_after=now + dispatch_after,
            dispatch_by=now + dispatch_after + timedelta(hours=state.settings.dispatch_by_hours),
            items=items,
            hold=terms.hold,
            shipment_type=terms.shipment_type,
            service_profile=profile,
            tier=terms.tier,
            mps=terms.mps,
        )

    # --- cancelling

    def cancel_item(
        self, shipment: Shipment, item: OrderItem, *, by: str, units: int | None = None, sub_reason: str = ""
    ) -> OrderItem | None:
        """
        Cancel units of one part (all of them, or fewer: the part is split). No event is sent: see :meth:`announce_cancel`.

        :return: the cancelled part, or None where this party may no longer cancel.
        """
        count = item.quantity if units is None else min(units, item.quantity)
        if item.status not in MAY_CANCEL[by] or count <= 0:
            return None
        state, now = self.state, self.state.now()
        partial = count < item.quantity
        if partial:
            item.quantity -= count
            cancelled = replace(item, quantity=count)
            shipment.items.append(cancelled)
        else:
            cancelled = item
        reason, usual_sub_reason = REASONS[by]
        cancelled.status = "CANCELLED"
        cancelled.cancellation_type = f"{by}Cancellation"
        cancelled.cancellation_date = now
        cancelled.cancellation_reason, cancelled.cancellation_sub_reason = reason, sub_reason or usual_sub_reason
        cancelled.indexed_at = state.visible_from()
        self.shipments.touch(shipment, change="partial_cancel" if partial else "cancel")
        self._return_units(shipment, cancelled, by=by)
        state.counts[f"units_cancelled_by_{by}"] += count
        return cancelled

    def _return_units(self, shipment: Shipment, cancelled: OrderItem, *, by: str) -> None:
        listing, fbf = self.state.listings.get(cancelled.sku), shipment.service_profile == "FBF"
        if listing is not None and by == "seller" and not fbf:
            self.stock.out_of_stock(listing, shipment.location_id)
        elif listing is not None:
            self.stock.give_back(listing, shipment.location_id, cancelled.quantity, fbf=fbf)
        self.state.world.truth.record_cancellation(
            components=cancelled.components, channel=CHANNEL, units=cancelled.quantity
        )

    def announce_cancel(self, shipment: Shipment, cancelled: list[OrderItem]) -> None:
        if cancelled:
            self.push.shipment_cancelled(shipment, cancelled)

    def cancel_order(
        self,
        *,
        order_id: str,
        by: str,
        units: int | None,
        shipment_id: str | None = None,
        order_item_id: str | None = None,
        sub_reason: str = "",
    ) -> list[tuple[Shipment, list[OrderItem]]]:
        """
        Cancel what still can be of an order (or shipment: ``order_id`` may be a shipment id), at most ``units`` in all.

        :return: per shipment the cancelled parts; empty where nothing could be cancelled any more.
        """
        if by not in MAY_CANCEL:
            raise ValueError(f"by must be one of {sorted(MAY_CANCEL)}")
        left, done = units, []
        for shipment in self.shipments.of_order(order_id):
            if shipment_id not in {None, shipment.shipment_id}:
                continue
            cancelled = []
            for item in list(shipment.items):
                if left == 0 or order_item_id not in {None, item.order_item_id}:
                    continue
                part = self.cancel_item(shipment, item, by=by, units=left, sub_reason=sub_reason)
                if part is not None:
                    cancelled.append(part)
                    left = None if left is None else left - part.quantity
            if cancelled:
                self.announce_cancel(shipment, cancelled)
                done.append((shipment, cancelled))
        return done
