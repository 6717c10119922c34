"""
The control verbs that only Flipkart knows: ``POST /_control/flipkart/<verb>``. Each takes and gives plain JSON.

    settings        {name: value, ...}: change switches while running
    listing         a listing of the catalogue's shape: adds or replaces it
    set_stock       {sku, quantity, location?}: somebody edits the seller panel; in force at once
    set_fbf_stock   {sku, quantity}
    order           {items: [{sku, units, group?}], location?, hold?, cod?, order_id?, replacement?, service_profile?, shipment_type?, tier?, mps?}:
                    one shipment with several items; ``order_id`` makes it a further shipment of that order
    hold, unhold    {order_id}
    pack            {order_id}: packed at once
    dispatch_dates  {order_id, after, by}: ISO times
    return          {order_item_id, source, units?, action?, reason?, sub_reason?, comments?} -> {return_id}
    return_event    {return_id | order_item_id, event: picked_up | completed | cancelled | tracking | expected, at?, back_on_shelf?}
    expire_tokens   {which: access | refresh | all}
    app_status      {client_id, status: active | pending}
    push_to         the catalogue's ``push``, or {} to stop events
    push            {event: {...}, group?, forge?: "" | "signature" | "stale", times?}: any event, as genuine or as forged as wanted
    order_state     {order_id}: shipments with their items as buyers and marketplace know them
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.flipkart.catalogue import components_of, read_listing, read_subscription, reject_unknown, units
from sandbox.flipkart.model import Shipment
from sandbox.flipkart.orders import Line, RefusedError, Terms
from sandbox.flipkart.settings import settings_from
from sandbox.flipkart.state import CHANNEL
from sandbox.flipkart.times import parse_moment

if TYPE_CHECKING:
    from sandbox.flipkart.marketplace import FlipkartMarketplace

ORDER_FIELDS = {
    "items",
    "location",
    "hold",
    "cod",
    "order_id",
    "replacement",
    "service_profile",
    "shipment_type",
    "tier",
    "mps",
}


class Commands:
    """Verb -> what it does. Run with the state's lock held. ``ValueError`` for what can't be done."""

    def __init__(self, market: FlipkartMarketplace) -> None:
        self.market = market
        self.state = market.state
        self.verbs: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "settings": self._settings,
            "listing": self._listing,
            "set_stock": self._set_stock,
            "set_fbf_stock": self._set_fbf_stock,
            "order": self._order,
            "hold": lambda body: self._each_shipment(body, market.shipments.hold),
            "unhold": lambda body: self._each_shipment(body, market.shipments.unhold),
            "pack": lambda body: self._each_shipment(body, lambda shipment: market.shipments.force(shipment, "PACKED")),
            "dispatch_dates": self._dispatch_dates,
            "return": self._return,
            "return_event": self._return_event,
            "expire_tokens": lambda body: {"expired": market.tokens.expire(which=body.get("which", "access"))},
            "app_status": self._app_status,
            "push_to": self._push_to,
            "push": self._push,
            "order_state": self._order_state,
        }

    def run(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        if verb not in self.verbs:
            raise ValueError(f"unknown verb {verb!r}; known: {sorted(self.verbs)}")
        return self.verbs[verb](body)

    def _settings(self, body: dict[str, Any]) -> dict[str, Any]:
        self.state.settings = settings_from(body, base=self.state.settings)
        return {"changed": sorted(body)}

    def _listing(self, body: dict[str, Any]) -> dict[str, Any]:
        known = self.state.locations
        listing = read_listing(body, known_locations=known, first_location=next(iter(known)))
        if "components" in body:
            self.state.world.set_components(CHANNEL, listing.sku, components_of(body["components"]))
        self.state.listings[listing.sku] = listing
        return {"sku": listing.sku, "product_id": listing.product_id, "listing_id": listing.listing_id}

    def _set_stock(self, body: dict[str, Any]) -> dict[str, Any]:
        listing = self.state.listings[body["sku"]]
        location_id = body.get("location") or next(iter(self.state.locations))
        if location_id not in self.state.locations:
            raise ValueError(f"unknown location {location_id!r}")
        self.market.stock.set_shown(listing, location_id, units(body["quantity"], "quantity"))
        return {"sku": listing.sku, "location": location_id, "quantity": body["quantity"]}

    def _set_fbf_stock(self, body: dict[str, Any]) -> dict[str, Any]:
        listing = self.state.listings[body["sku"]]
        listing.fbf_stock = units(body["quantity"], "quantity")
        return {"sku": listing.sku, "quantity": listing.fbf_stock}

    def _order(self, body: dict[str, Any]) -> dict[str, Any]:
        reject_unknown(body, ORDER_FIELDS, "order")
        lines = [Line(sku=row["sku"], units=row.get("units", 1), group=row.get("group")) for row in body["items"]]
        if not lines or any(units(line.units, "units") < 1 for line in lines):
            raise ValueError("an order needs items of at least one unit")
        terms = Terms(
            location_id=body.get("location"),
            hold=body.get("hold", False),
            cod=body.get("cod", False),
            order_id=body.get("order_id"),
            is_replacement=body.get("replacement", False),
            service_profile=body.get("service_profile"),
            shipment_type=body.get("shipment_type", "NORMAL"),
            tier=body.get("tier", "REGULAR"),
            mps=body.get("mps", False),
        )
        try:
            shipment = self.market.orders.place(lines, terms)
        except RefusedError as refused:
            return {"accepted": False, "reason": refused.reason}
        return {"accepted": True, **describe(shipment)}

    def _each_shipment(self, body: dict[str, Any], act: Callable[[Shipment], Any]) -> dict[str, Any]:
        found = self.market.shipments.of_order(body["order_id"])
        for shipment in found:
            act(shipment)
        return {"shipments": [describe(shipment) for shipment in found]}

    def _dispatch_dates(self, body: dict[str, Any]) -> dict[str, Any]:
        after, by = parse_moment(body["after"]), parse_moment(body["by"])
        return self._each_shipment(
            body, lambda shipment: self.market.shipments.change_dates(shipment, after=after, by=by)
        )

    def _return(self, body: dict[str, Any]) -> dict[str, Any]:
        reject_unknown(
            body, {"order_item_id", "source", "units", "action", "reason", "sub_reason", "comments"}, "return"
        )
        item = self.market.returns.create(**body)
        return {"return_id": item.return_id, "quantity": item.quantity, "status": item.status}

    def _return_event(self, body: dict[str, Any]) -> dict[str, Any]:
        returns = self.market.returns
        item = returns.find(return_id=body.get("return_id"), order_item_id=body.get("order_item_id"))
        moment = parse_moment(body["at"]) if body.get("at") else self.state.now() + timedelta(days=9)
        acts: dict[str, Callable[[], None]] = {
            "picked_up": lambda: returns.picked_up(item),
            "completed": lambda: returns.completed(item, back_on_shelf=bool(body.get("back_on_shelf", False))),
            "cancelled": lambda: returns.cancelled(item),
            "tracking": lambda: returns.new_tracking(item),
            "expected": lambda: returns.expected(item, moment),
        }
        if body.get("event") not in acts:
            raise ValueError(f"event must be one of {sorted(acts)}")
        acts[body["event"]]()
        return {"return_id": item.return_id, "status": item.status}

    def _app_status(self, body: dict[str, Any]) -> dict[str, Any]:
        apps = self.market.tokens.apps
        apps[body["client_id"]] = replace(apps[body["client_id"]], status=body["status"])
        return {"client_id": body["client_id"], "status": body["status"]}

    def _push_to(self, body: dict[str, Any]) -> dict[str, Any]:
        self.market.push.reset(read_subscription(body))
        return {"subscribed": bool(body)}

    def _push(self, body: dict[str, Any]) -> dict[str, Any]:
        forge = body.get("forge", "")
        if forge not in {"", "signature", "stale"}:
            raise ValueError('forge must be "", "signature" or "stale"')
        event = body["event"]
        group = str(body.get("group") or event.get("shipmentId") or event.get("returnId") or "")
        for _ in range(body.get("times", 1)):
            self.market.push.send(event, group=group, forge=forge)
        return {"queued": body.get("times", 1)}

    def _order_state(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"shipments": [describe(shipment) for shipment in self.market.shipments.of_order(body["order_id"])]}


def describe(shipment: Shipment) -> dict[str, Any]:
    return {
        "order_id": shipment.order_id,
        "shipment_id": shipment.shipment_id,
        "location": shipment.location_id,
        "stage": shipment.stage,
        "hold": shipment.hold,
        "items": [
            {
                "order_item_id": item.order_item_id,
                "sku": item.sku,
                "quantity": item.quantity,
                "status": item.status,
                "cancellation_group_id": item.cancellation_group_id,
            }
            for item in shipment.items
        ],
    }
