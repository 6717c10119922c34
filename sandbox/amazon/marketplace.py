"""AmazonMarketplace: the HTTP API as a blueprint, and what control API and shoppers call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from sandbox.amazon import catalogue as catalogue_module
from sandbox.amazon import documents, fba_api, jobs_api, listings_api, lwa, notifications_api, orders, orders_api
from sandbox.amazon.api import endpoint
from sandbox.amazon.commands import COMMANDS
from sandbox.amazon.notifications import Notifications
from sandbox.amazon.publisher import Publisher
from sandbox.amazon.settings import FBA_CODE, MERCHANT_CODE, Settings
from sandbox.amazon.sqs import ACCESS_KEY, REGION, SECRET_KEY, QueueServer
from sandbox.amazon.state import CHANNEL, State
from sandbox.world import Purchase, World


class AmazonMarketplace:
    """
    Amazon.in for any number of sellers, INR, marketplace A21TJRUUN4KGV.

    Usable at once with the demo application and seller; :meth:`load` replaces everything.
    """

    channel = CHANNEL

    def __init__(self, world: World) -> None:
        self.world = world
        self.queues = QueueServer(world=world)
        self.publisher = Publisher(world=world, queues=self.queues)
        self.notifications = Notifications(publisher=self.publisher)
        self.state = self._fresh(Settings())
        self.load({})

    def _fresh(self, settings: Settings) -> State:
        def notify(**fact: Any) -> None:
            self.notifications.tell(state, **fact)

        state = State(world=self.world, settings=settings, notify=notify)
        return state

    # HTTP

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("amazon", __name__)
        operations = [
            *orders_api.OPERATIONS,
            *listings_api.OPERATIONS,
            *jobs_api.OPERATIONS,
            *fba_api.OPERATIONS,
            *notifications_api.operations(self.notifications),
        ]
        for operation in operations:
            blueprint.add_url_rule(
                operation.path,
                endpoint=operation.name,
                view_func=endpoint(lambda: self.state, operation),
                methods=[operation.method],
                merge_slashes=False,
            )

        @blueprint.post("/auth/o2/token")
        def lwa_token() -> Response:
            return lwa.token_endpoint(self.state)

        @blueprint.route("/object-store/<secret>", methods=["GET", "PUT"])
        def object_store(secret: str) -> Response:
            action: Callable[[State, str], Response] = (
                documents.upload if request.method == "PUT" else documents.download
            )
            if request.method == "PUT" and self.state.strikes("upload_500"):
                return Response(status=500)
            with self.state.lock:
                return action(self.state, secret)

        return blueprint

    # Control and shoppers

    def load(self, catalogue: dict[str, Any]) -> None:
        """Replace everything by a catalogue; its shape is in :mod:`sandbox.amazon.catalogue`."""
        fresh = self._fresh(Settings.from_mapping(catalogue.get("settings", {})))
        with fresh.lock:
            catalogue_module.fill(fresh, catalogue, self.queues)
        with self.state.lock:
            self.state.subscriptions.clear()  # what the old state still has to say, nobody hears
        self.state = fresh

    def buy(
        self,
        *,
        listing_key: str,
        units: int = 1,
        seller_id: str | None = None,
        fulfilled_by: str | None = None,
        pending: bool = False,
        easy_ship: bool | None = None,
        postal_code: str = "560001",
        channel_name: str = "AMAZON",
        replaces: str = "",
    ) -> Purchase:
        """Buy units of one SKU; the options are those of :func:`sandbox.amazon.orders.place`."""
        with self.state.lock:
            return orders.place(
                self.state,
                lines=[(listing_key, units)],
                seller_id=seller_id,
                fulfilled_by=fulfilled_by,
                pending=pending,
                easy_ship=easy_ship,
                postal_code=postal_code,
                channel_name=channel_name,
                replaces=replaces,
            )

    def cancel(
        self, *, order_id: str, by: str = "buyer", units: int | None = None, order_item_id: str | None = None
    ) -> dict[str, Any]:
        """Cancel what is not shipped; ``by`` buyer, seller or amazon. Answers ``cancelled`` (units) and ``status``."""
        with self.state.lock:
            order = self.state.orders[order_id]
            done = orders.cancel(self.state, order=order, by=by, units=units, order_item_id=order_item_id)
            return {"order_id": order_id, "cancelled": done, "status": order.status}

    def ship(
        self, *, order_id: str, units: int | None = None, items: dict[str, int] | None = None, reference: str = ""
    ) -> dict[str, Any]:
        """Hand over all open units, ``units`` of the first open item, or ``items`` {order item id: units}; a pending order is released."""
        with self.state.lock:
            order = self.state.orders[order_id]
            if units is not None and items is None:
                first = next((item for item in order.items if item.open), None)
                items = {first.order_item_id: units} if first else {}
            done = orders.ship(self.state, order=order, units=items, reference=reference)
            return {"order_id": order_id, "shipped": done, "status": order.status}

    def shown(self) -> list[dict[str, Any]]:
        """What buyers see: one row per listing and fulfilment channel, with the accepted values that are not in effect yet."""
        rows = []
        with self.state.lock:
            for (seller_id, sku), listing in self.state.listings.items():
                for code in listing.entries:
                    stock = self.state.fba.get((seller_id, sku))
                    quantity = listing.shown if code == MERCHANT_CODE else (stock.fulfillable if stock else 0)
                    pending = [value for _, value in listing.pending] if code == MERCHANT_CODE else []
                    rows.append(
                        {
                            "listing_key": sku,
                            "location": MERCHANT_CODE if code == MERCHANT_CODE else FBA_CODE,
                            "quantity": quantity if listing.active else 0,
                            "pending": pending,
                            "seller_id": seller_id,
                        }
                    )
        return rows

    def command(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        """
        A verb of :data:`sandbox.amazon.commands.COMMANDS`, or one of the queue: ``queue``, ``publish``, ``flush``.

        :raises LookupError: no such verb. :raises ValueError: the body does not fit.
        """
        if verb == "queue":
            return self.queue(body.get("name"))
        if verb == "publish":
            text = body["body"] if isinstance(body["body"], str) else json.dumps(body["body"])
            self.publisher.submit(body.get("queue", self.queues.default_queue), text)
            return {}
        if verb == "flush":
            return {"idle": self.publisher.wait_idle(float(body.get("seconds", 10)))}
        if verb not in COMMANDS:
            raise LookupError(
                f"Amazon knows no {verb!r}; known: {', '.join(sorted([*COMMANDS, 'queue', 'publish', 'flush']))}"
            )
        with self.state.lock:
            try:
                return COMMANDS[verb](self.state, body)
            except TypeError as error:
                raise ValueError(str(error)) from error

    def stats(self) -> dict[str, Any]:
        with self.state.lock:
            calls: dict[str, dict[str, int]] = {}
            for (operation, status), count in sorted(self.state.calls.items()):
                calls.setdefault(operation, {})[str(status)] = count
            return {
                "calls": calls,
                **{
                    name: self.state.counts[name]
                    for name in ("orders_accepted", "orders_refused", "units_cancelled", "throttled")
                },
                "notifications": {
                    **{name: self.publisher.counts[name] for name in ("sent", "undeliverable", "failed")},
                    "dropped": self.state.counts["notifications_dropped"],
                },
            }

    # The queue

    @property
    def sqs_endpoint(self) -> str:
        """The SQS endpoint, running: ``endpoint_url`` for a boto3 client."""
        return self.queues.endpoint

    def queue(self, name: str | None = None) -> dict[str, str]:
        """Make (or find) a queue: ``endpoint_url, name, arn, url, region`` and the keys that a client must send."""
        name = name or self.queues.default_queue
        return {
            "endpoint_url": self.queues.endpoint,
            "name": name,
            "arn": self.queues.arn_of(name),
            "url": self.queues.create_queue(name),
            "region": REGION,
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
        }
