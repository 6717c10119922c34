"""The Flipkart of the sandbox: its parts put together, and what shoppers, tests and benchmarks may ask of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from sandbox.flipkart.catalogue import read_catalogue
from sandbox.flipkart.commands import Commands, describe
from sandbox.flipkart.gate import Gate
from sandbox.flipkart.listings import Listings
from sandbox.flipkart.orders import Line, Orders, RefusedError, Terms
from sandbox.flipkart.push import Push
from sandbox.flipkart.returns import Returns
from sandbox.flipkart.routes_documents import add_document_routes
from sandbox.flipkart.routes_helpers import add_helper_routes
from sandbox.flipkart.routes_listings import add_listing_routes
from sandbox.flipkart.routes_oauth import add_oauth_routes
from sandbox.flipkart.routes_returns import add_return_routes
from sandbox.flipkart.routes_selfship import add_self_ship_routes
from sandbox.flipkart.routes_shipments import add_shipment_routes
from sandbox.flipkart.shipments import Shipments
from sandbox.flipkart.state import CHANNEL, FBF_LOCATION, State
from sandbox.flipkart.stock import Stock
from sandbox.flipkart.tokens import Tokens
from sandbox.world import Purchase, World


class FlipkartMarketplace:
    """
    One seller's Flipkart account: HTTP API by :meth:`blueprint`, everything else by the calls of ``sandbox.world.Marketplace``.

    It starts with demo credentials (``catalogue.DEMO_APP``, ``DEMO_PARTNER``), one location and no listings.
    """

    channel = CHANNEL

    def __init__(self, world: World) -> None:
        self.state = State(world)
        self.tokens = Tokens(self.state)
        self.stock = Stock(self.state)
        self.push = Push(self.state)
        self.listings = Listings(state=self.state, stock=self.stock)
        self.shipments = Shipments(state=self.state, push=self.push)
        self.orders = Orders(state=self.state, stock=self.stock, shipments=self.shipments, push=self.push)
        self.returns = Returns(state=self.state, shipments=self.shipments, push=self.push)
        self.gate = Gate(state=self.state, tokens=self.tokens)
        self.commands = Commands(self)
        self.load({})

    def blueprint(self) -> Blueprint:
        """The HTTP API, paths as on ``api.flipkart.net``."""
        blueprint = Blueprint(CHANNEL, __name__)
        add_oauth_routes(blueprint, gate=self.gate, tokens=self.tokens)
        add_listing_routes(blueprint, gate=self.gate, state=self.state, listings=self.listings)
        add_shipment_routes(blueprint, gate=self.gate, state=self.state, shipments=self.shipments, orders=self.orders)
        add_document_routes(blueprint, gate=self.gate, state=self.state, shipments=self.shipments)
        add_self_ship_routes(blueprint, gate=self.gate, state=self.state, shipments=self.shipments)
        add_return_routes(blueprint, gate=self.gate, state=self.state, returns=self.returns, push=self.push)
        add_helper_routes(
            blueprint,
            gate=self.gate,
            state=self.state,
            orders=self.orders,
            shipments=self.shipments,
            returns=self.returns,
        )
        return blueprint

    def load(self, catalogue: dict[str, Any]) -> None:
        """
        Start afresh with this catalogue: listings, orders, tokens and events of before are gone.

            {"seller_id": "demo-seller",
             "locations": ["LOC...", {"id": "LOC...", "name": "Pune"}],
             "apps": [{"client_id", "client_secret", "kind": "self" | "third_party", "redirect_uris": [...]}],
             "push": {"url", "signed_url"?, "app_id"?, "app_secret"?, "orders"?, "returns"?, "underscores"?, "location_ids"?},
             "listings": [{"sku", "locations": {"LOC...": 7} | 7 | [{"id", "inventory", "status"?}], "product_id"?, "listing_id"?,
                           "title"?, "mrp"?, "selling_price"?, "hsn"?, "listing_status"?, "fulfillment_profile"?, "fbf_stock"?,
                           "components"?: [["PHYSICAL-SKU", 1]]}],
             "settings": {...}}    see ``settings.Settings``

        :raises ValueError: something in it can't be; nothing is changed.
        """
        read = read_catalogue(catalogue)
        with self.state.lock:
            self.state.reset(settings=read.settings, seller_id=read.seller_id, locations=read.locations)
            self.state.listings = {listing.sku: listing for listing in read.listings}
            for sku, components in read.components.items():
                self.state.world.set_components(CHANNEL, sku, components)
            self.tokens.reset({app.client_id: app for app in read.apps})
            self.push.reset(read.subscription)
            self.gate.reset()

    def buy(
        self,
        *,
        listing_key: str,
        units: int = 1,
        location: str | None = None,
        hold: bool = False,
        cod: bool = False,
        replacement_of: str | None = None,
        service_profile: str | None = None,
        shipment_type: str = "NORMAL",
        **_: Any,
    ) -> Purchase:
        """
        A buyer orders units of one SKU; ``location`` None lets Flipkart pick. Options that Flipkart does not know are ignored.

        ``replacement_of`` (an order id) makes a new shipment of that order which takes stock like any sale.
        """
        terms = Terms(
            location_id=location,
            hold=hold,
            cod=cod,
            order_id=replacement_of,
            is_replacement=replacement_of is not None,
            service_profile=service_profile,
            shipment_type=shipment_type,
        )
        if units < 1:
            raise ValueError("units must be at least 1")
        with self.state.lock:
            try:
                shipment = self.orders.place([Line(sku=listing_key, units=units)], terms)
            except RefusedError as refused:
                return Purchase(accepted=False, reason=refused.reason)
            return Purchase(
                accepted=True,
                order_id=shipment.order_id,
                line_ids=tuple(item.order_item_id for item in shipment.items),
                location=shipment.location_id,
            )

    def cancel(
        self,
        *,
        order_id: str,
        by: str = "buyer",
        units: int | None = None,
        shipment_id: str | None = None,
        order_item_id: str | None = None,
        reason: str = "",
        **_: Any,
    ) -> dict[str, Any]:
        """
        Cancel an order, or ``units`` of it, by ``buyer``, ``seller`` or ``marketplace``, where the state still allows it.

        :return: {"cancelled": units, "shipments": [...]}; 0 units where it is too late.
        """
        with self.state.lock:
            done = self.orders.cancel_order(
                order_id=order_id,
                by=by,
                units=units,
                shipment_id=shipment_id,
                order_item_id=order_item_id,
                sub_reason=reason,
            )
            count = sum(part.quantity for _, parts in done for part in parts)
            return {"cancelled": count, "shipments": [describe(shipment) for shipment, _ in done]}

    def ship(self, *, order_id: str, to: str = "SHIPPED", shipment_id: str | None = None, **_: Any) -> dict[str, Any]:
        """Walk an order's shipments through every state up to ``to``, as if the seller and the courier had done it."""
        with self.state.lock:
            walked = {}
            for shipment in self.shipments.of_order(order_id):
                if shipment_id in {None, shipment.shipment_id}:
                    walked[shipment.shipment_id] = self.shipments.force(shipment, to)
            return {"entered": walked}

    def shown(self) -> list[dict[str, Any]]:
        """What buyers see: one row per listing and seller location, and one for stock that Flipkart holds."""
        with self.state.lock:
            rows = []
            for listing in self.state.listings.values():
                for row in listing.rows.values():
                    pending = [write.value for write in row.pending]
                    rows.append(
                        {
                            "listing_key": listing.sku,
                            "location": row.location_id,
                            "quantity": row.shown,
                            "pending": pending,
                        }
                    )
                if listing.sold_from_flipkart:
                    rows.append(
                        {
                            "listing_key": listing.sku,
                            "location": FBF_LOCATION,
                            "quantity": listing.fbf_stock,
                            "pending": [],
                        }
                    )
            return rows

    def command(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        """A verb of :mod:`sandbox.flipkart.commands`. :raises ValueError, KeyError: it can't be done."""
        with self.state.lock:
            return self.commands.run(verb, body)

    def stats(self) -> dict[str, Any]:
        """Calls by operation and status, orders, writes, rate-limit hits, push deliveries; the newest accepted writes."""
        with self.state.lock:
            calls: dict[str, dict[str, int]] = {}
            for (operation, status), count in sorted(self.state.calls.items()):
                calls.setdefault(operation, {})[str(status)] = count
            return {
                "calls": calls,
                "calls_in_window": self.gate.calls_in_window(),
                **{
                    name: self.state.counts[name]
                    for name in ("orders_accepted", "orders_refused", "rate_limited", "writes_accepted")
                },
                "counts": dict(self.state.counts),
                "push": {**self.push.counts, "waiting": self.push.waiting()},
                "last_writes": list(self.state.writes)[-100:],
            }
