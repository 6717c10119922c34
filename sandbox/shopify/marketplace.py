"""The Shopify of the sandbox: its shops, and what shoppers and tests do with them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Blueprint

from sandbox.shopify import aftersale, app_commands, orders
from sandbox.shopify.bulk import BulkRunner
from sandbox.shopify.catalogue import load_shop
from sandbox.shopify.commands import COMMANDS
from sandbox.shopify.model import Ids, Location
from sandbox.shopify.order_model import Line, Order
from sandbox.shopify.orders import Refused, Wanted
from sandbox.shopify.routes import shopify_blueprint
from sandbox.shopify.schema import Engine
from sandbox.shopify.state import Event, Shop
from sandbox.shopify.webhooks import Webhooks
from sandbox.truth import Sale
from sandbox.world import Purchase, World

REGISTERED = (app_commands,)  # imported for the commands that it registers
CANCEL_REASONS = {"buyer": "customer", "seller": "inventory", "marketplace": "fraud"}


class ShopifyMarketplace:
    """Several shops behind one lock. A listing key is a variant id (number or global id); order ids are bare numbers as text."""

    channel = "shopify"

    def __init__(self, world: World) -> None:
        self.world = world
        self.lock = threading.RLock()
        self.ids = Ids()
        self.shops: dict[str, Shop] = {}
        self.engine = Engine(lock=self.lock)
        self.webhooks = Webhooks(world=world, lock=self.lock)
        self.bulk_runner = BulkRunner(engine=self.engine, lock=self.lock, rng=world.rng("shopify.bulk"))
        self.rng = world.rng("shopify.answers")
        self.calls: Counter[tuple[str, str]] = Counter()
        self.outcomes: Counter[str] = Counter()

    def blueprint(self) -> Blueprint:
        return shopify_blueprint(self)

    def load(self, catalogue: dict[str, Any]) -> None:
        """
        Load one shop, or ``{"shops": [...]}``; a shop of the same domain is replaced. See :func:`catalogue.load_shop`.

        :raises ValueError: something in it is not understood.
        """
        rows = catalogue.get("shops", [catalogue])
        with self.lock:
            for row in rows:
                shop = load_shop(
                    row, world=self.world, lock=self.lock, ids=self.ids, known=self.shops, now=self.world.clock.now()
                )
                self.shops[shop.domain] = shop

    def buy(
        self,
        *,
        listing_key: str,
        units: int = 1,
        shop: str | None = None,
        cod: bool = False,
        financial: str | None = None,
        test: bool = False,
        location: str | None = None,
        pos: bool = False,
        properties: list[dict[str, str]] | None = None,
        custom_line: Mapping[str, Any] | None = None,
    ) -> Purchase:
        """
        One shopper buys one variant.

        :param cod: cash on delivery; ``financial="pending"`` means the same.
        :param location: sell from this location; ``pos`` makes it a point-of-sale order.
        :param custom_line: a further line without variant: ``{"title", "price", "units"}``.
        """
        if financial not in (None, "pending", "paid"):
            raise ValueError("financial must be pending or paid")
        with self.lock:
            found = self._shop_selling(listing_key, shop)
            variant = found.find_variant(listing_key) if found else None
            if found is None or variant is None:
                self._count_refusal("not_listed")
                return Purchase(accepted=False, reason="not_listed")
            wanted = [Wanted(variant=variant, units=units, properties=list(properties or ()))]
            if custom_line is not None:
                wanted.append(custom_wanted(custom_line))
            return self.place(
                found,
                wanted,
                cod=cod or financial == "pending",
                test=test,
                forced=found.find_location(location) if location is not None else None,
                source_name="pos" if pos else "web",
            )

    def place(self, shop: Shop, wanted: list[Wanted], **options: Any) -> Purchase:
        """Take an order of several lines. Under the lock."""
        event = self.event(shop)
        try:
            order = orders.place_order(event, self, wanted, **options)
        except Refused as refusal:
            self._count_refusal(str(refusal))
            return Purchase(accepted=False, reason=str(refusal))
        self.webhooks.publish(event)
        self.outcomes["orders accepted"] += 1
        first = order.fulfillment_orders[0].location.number if order.fulfillment_orders else ""
        return Purchase(
            accepted=True,
            order_id=str(order.number),
            line_ids=tuple(str(line.number) for line in order.lines),
            location=str(first),
        )

    def cancel(
        self,
        *,
        order_id: str,
        by: str = "buyer",
        units: int | None = None,
        restock: bool = True,
        line_id: str | None = None,
        reason: str | None = None,
        shop: str | None = None,
    ) -> dict[str, Any]:
        """
        Cancel a whole order, or refund some units of a line before they are shipped.

        :param restock: False leaves the goods out of ``available``.
        :raises ValueError: it can't be cancelled (any more).
        """
        with self.lock:
            found, order = self.find_order(order_id, shop)
            event = self.event(found)
            if units is None and line_id is None:
                reason = reason or CANCEL_REASONS.get(by, "other")
                refund = aftersale.cancel_order(event, self, order, reason=reason, restock=restock)
            else:
                line = orders.find_line(order, line_id)
                part = aftersale.RefundPart(
                    line=line,
                    units=units or line.unfulfilled_quantity,
                    restock_type="cancel" if restock else "no_restock",
                )
                if part.units > line.unfulfilled_quantity:
                    raise Refused(f"the line has only {line.unfulfilled_quantity} units left to cancel")
                refund = aftersale.refund_order(event, self, order, [part])
            self.webhooks.publish(event)
            return {**self.describe(order), "refund_id": str(refund.number) if refund else None}

    def ship(
        self,
        *,
        order_id: str,
        line_id: str | None = None,
        units: int | None = None,
        location: str | None = None,
        shop: str | None = None,
    ) -> dict[str, Any]:
        """
        Fulfil what is open, all of it or part.

        :raises ValueError: nothing is open.
        """
        with self.lock:
            found, order = self.find_order(order_id, shop)
            event = self.event(found)
            aftersale.fulfill_order(
                event,
                order,
                line=orders.find_line(order, line_id) if line_id is not None else None,
                units=units,
                location=found.find_location(location) if location is not None else None,
            )
            self.webhooks.publish(event)
            return self.describe(order)

    def shown(self) -> list[dict[str, Any]]:
        """Per level ``{shop, listing_key, sku, location, quantity, pending: [], sells_below_zero}``; writes act at once, so none is pending."""
        with self.lock:
            return [
                {
                    "shop": shop.domain,
                    "listing_key": str(variant.number),
                    "sku": variant.sku,
                    "location": str(level.location.number),
                    "quantity": level.available,
                    "on_hand": level.quantity("on_hand"),
                    "committed": level.states["committed"],
                    "active": level.is_active,
                    "sells_below_zero": variant.sells_below_zero,
                    "pending": [],
                }
                for shop in self.shops.values()
                for variant in shop.variants.values()
                for level in variant.item.levels.values()
            ]

    def command(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        """
        A verb that only this marketplace knows: see :mod:`sandbox.shopify.commands`.

        :raises ValueError: unknown verb, or a body that it does not take.
        """
        command = COMMANDS.get(verb)
        if command is None:
            raise ValueError(f"unknown command {verb!r}; known: {sorted(COMMANDS)}")
        with self.lock:
            return command(self, body)

    def stats(self) -> dict[str, Any]:
        with self.lock:
            statuses = Counter(delivery.status for delivery in self.webhooks.log)
            return {
                "calls": [
                    {"operation": operation, "status": status, "count": count}
                    for (operation, status), count in sorted(self.calls.items())
                ],
                "outcomes": dict(self.outcomes),
                "webhooks": dict(statuses),
                "shops": {
                    shop.domain: {"orders": len(shop.orders), "bucket": shop.bucket.status()}
                    for shop in self.shops.values()
                },
            }

    # What commands and routes need

    def event(self, shop: Shop) -> Event:
        return Event(shop=shop, now=self.world.clock.now())

    def shop(self, domain: str | None) -> Shop:
        """
        :raises LookupError: no such shop, or none named and there are several.
        """
        if domain is None and len(self.shops) == 1:
            return next(iter(self.shops.values()))
        if domain not in self.shops:
            raise LookupError(f"shop {domain!r} of {sorted(self.shops)}")
        return self.shops[domain]

    def find_order(self, order_id: str, domain: str | None = None) -> tuple[Shop, Order]:
        """
        :raises LookupError: no such order.
        """
        for shop in self.shops.values() if domain is None else [self.shop(domain)]:
            try:
                return shop, shop.find_order(order_id)
            except LookupError:
                continue
        raise LookupError(f"order {order_id!r}")

    def describe(self, order: Order) -> dict[str, Any]:
        """An order as the control API shows it."""
        return {
            "order_id": str(order.number),
            "name": order.name,
            "financial_status": order.financial_status,
            "fulfillment_status": order.fulfillment_status,
            "cancelled": order.cancelled_at is not None,
            "lines": [
                {
                    "line_id": str(line.number),
                    "listing_key": str(line.variant.number) if line.variant else None,
                    "sku": line.sku,
                    "quantity": line.quantity,
                    "removed": line.removed,
                    "fulfilled": line.fulfilled,
                    "returned": line.returned,
                }
                for line in order.lines
            ],
        }

    # The account of orders.py: what the world's truth is told

    def sold(self, order: Order, line: Line, location: Location | None, units: int) -> None:
        if line.variant is None:
            return
        self.world.truth.record_sale(
            Sale(
                channel=self.channel,
                order_id=str(order.number),
                line_id=str(line.number),
                listing_key=str(line.variant.number),
                location=str(location.number) if location else "",
                units=units,
                at=self.world.clock.now(),
                components=self._components(line),
            )
        )

    def cancelled(self, line: Line, units: int) -> None:
        self.world.truth.record_cancellation(components=self._components(line), channel=self.channel, units=units)

    def came_back(self, line: Line, units: int) -> None:
        for sku, per_unit in self._components(line):
            self.world.truth.add_to_shelf(sku, units * per_unit)

    def _components(self, line: Line) -> tuple[tuple[str, int], ...]:
        if line.variant is None:
            return ()
        number, gid = str(line.variant.number), line.variant.gid
        return self.world.components(self.channel, number) or self.world.components(self.channel, gid)

    def _shop_selling(self, listing_key: str, domain: str | None) -> Shop | None:
        if domain is not None:
            return self.shop(domain)
        return next((shop for shop in self.shops.values() if shop.find_variant(listing_key) is not None), None)

    def _count_refusal(self, reason: str) -> None:
        self.world.truth.record_refusal(self.channel)
        self.outcomes[f"orders refused: {reason}"] += 1


def custom_wanted(row: Mapping[str, Any]) -> Wanted:
    """A line that no variant stands behind."""
    return Wanted(
        variant=None,
        units=int(row.get("units", 1)),
        title=str(row.get("title", "Custom item")),
        price=Decimal(str(row.get("price", "0.00"))),
    )
