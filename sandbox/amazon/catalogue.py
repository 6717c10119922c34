"""
What ``load`` takes. Everything is optional; the defaults make one seller of one application with an empty catalogue.

::

    {
      "settings": {"effect_seconds": [15, 60], "read_back": "accepted", ...},           see settings.Settings
      "applications": [{"client_id", "client_secret", "application_id"}],
      "sellers": [{"seller_id", "refresh_token", "client_id", "store_name", "authorization_code"}],
      "listings": [{
          "sku": "BLUE-TEE-L",                       required; the listing key
          "quantity": 15,                            merchant units on sale (DEFAULT); leave out for a pure FBA listing
          "fba": {"fulfillable": 57, ...},           makes it an FBA listing, see fba.COUNTS
          "components": {"TEE-L": 1},                units that one sale takes off the shelf; left out: what the world knows already
          "easy_ship": true, "lead_time_to_ship_max_days": 2, "restock_date": "2026-12-01",
          "asin", "fnsku", "title", "product_type", "price", "condition", "active", "seller_id"
      }],
      "shipments": [{"items": {"SKU": 40}, "status": "SHIPPED", "confirmation_id", "name", "warehouse", "seller_id"}],
      "sqs": {"endpoint_url": "", "queues": ["name", ...], "event_bridge_queue": "name"},
      "subscribe": ["ORDER_CHANGE", ...]             destinations and subscriptions made in advance, for every seller
    }

A load replaces everything that was there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.amazon import fba
from sandbox.amazon.model import Application, Destination, Listing, Seller, Subscription
from sandbox.amazon.notifications import KINDS
from sandbox.amazon.settings import FBA_CODE, MERCHANT_CODE
from sandbox.amazon.sqs import REGION, QueueServer
from sandbox.amazon.state import CHANNEL, State

DEMO_CLIENT_ID = "amzn1.application-oa2-client.demo"
DEMO_CLIENT_SECRET = "amzn1.oa2-cs.v1.demo-secret"
DEMO_SELLER_ID = "A1INSELLER0001"
DEMO_REFRESH_TOKEN = "Atzr|demo-refresh-token"
DEMO_CODE = "demo-authorization-code"
DEMO_APPLICATION_ID = "amzn1.sp.solution.00000000-0000-4000-8000-000000000001"
MOTO_ACCOUNT = "123456789012"

PARTS = {"settings", "applications", "sellers", "listings", "shipments", "sqs", "subscribe"}
NEVER = float("inf")


def fill(state: State, catalogue: Mapping[str, Any], queues: QueueServer) -> None:
    """
    Put a catalogue into a fresh state.

    :raises ValueError: an unknown part. :raises KeyError: a required field is missing.
    """
    unknown = sorted(set(catalogue) - PARTS)
    if unknown:
        raise ValueError(f"unknown parts of an Amazon catalogue: {', '.join(unknown)}")
    for row in catalogue.get("applications") or [{}]:
        application = Application(
            client_id=row.get("client_id", DEMO_CLIENT_ID),
            client_secret=row.get("client_secret", DEMO_CLIENT_SECRET),
            application_id=row.get("application_id", DEMO_APPLICATION_ID),
        )
        state.applications[application.client_id] = application
    for row in catalogue.get("sellers") or [{"authorization_code": DEMO_CODE}]:
        _add_seller(state, row)
    for row in catalogue.get("listings", []):
        add_listing(state, row)
    for row in catalogue.get("shipments", []):
        shipment = fba.announce(
            state,
            seller_id=row.get("seller_id", next(iter(state.sellers))),
            items=row["items"],
            confirmation_id=row.get("confirmation_id", ""),
            name=row.get("name", ""),
            warehouse=row.get("warehouse", "DEL4"),
        )
        if row.get("status", "WORKING") != "WORKING":
            fba.set_shipment_status(state, shipment, row["status"])
    _set_queues(state, catalogue, queues)


def _add_seller(state: State, row: Mapping[str, Any]) -> None:
    seller = Seller(
        seller_id=row.get("seller_id", DEMO_SELLER_ID),
        client_id=row.get("client_id", next(iter(state.applications))),
        refresh_token=row.get("refresh_token", DEMO_REFRESH_TOKEN),
        store_name=row.get("store_name", "Demo store"),
    )
    state.sellers[seller.seller_id] = seller
    if row.get("authorization_code"):
        state.codes[row["authorization_code"]] = (seller.seller_id, NEVER)


def add_listing(state: State, row: Mapping[str, Any]) -> Listing:
    sku, now = row["sku"], state.now()
    number = len(state.listings) + 1
    listing = Listing(
        seller_id=row.get("seller_id", next(iter(state.sellers))),
        sku=sku,
        asin=row.get("asin", f"B0IN{number:06d}"),
        fnsku=row.get("fnsku", f"X00{number:07d}"),
        title=row.get("title", sku),
        product_type=row.get("product_type", "PRODUCT"),
        price=str(row.get("price", "499.00")),
        condition=row.get("condition", "new_new"),
        created_at=now,
        updated_at=now,
        active=row.get("active", True),
        easy_ship=row.get("easy_ship", False),
    )
    if "quantity" in row:
        entry: dict[str, Any] = {"quantity": int(row["quantity"])}
        entry |= {name: row[name] for name in ("lead_time_to_ship_max_days", "restock_date") if name in row}
        listing.entries[MERCHANT_CODE] = entry
        listing.seller_set[MERCHANT_CODE] = entry["quantity"]
    state.listings[listing.seller_id, sku] = listing
    if "fba" in row:
        listing.entries[FBA_CODE] = {}
        fba.set_counts(state, listing, row["fba"])
    if "components" in row:
        pairs = row["components"].items() if isinstance(row["components"], dict) else row["components"]
        state.world.set_components(CHANNEL, sku, tuple((str(part), int(units)) for part, units in pairs))
    return listing


def _set_queues(state: State, catalogue: Mapping[str, Any], queues: QueueServer) -> None:
    sqs = catalogue.get("sqs", {})
    queues.use_endpoint(sqs.get("endpoint_url", ""))
    state.event_bridge_queue = sqs.get("event_bridge_queue", queues.default_queue)
    names = list(sqs.get("queues", []))
    if catalogue.get("subscribe"):
        names = names or [queues.default_queue]
        _subscribe(state, catalogue["subscribe"], names[0])
    for name in names:
        queues.create_queue(name)


def _subscribe(state: State, types: list[str], queue: str) -> None:
    """Destinations and subscriptions as a client would have made them."""
    for seller in state.sellers.values():
        for notification_type in types:
            destination = _destination(state, seller.client_id, queue, bridge=KINDS[notification_type].event_bridge)
            subscription = Subscription(
                subscription_id=state.uuid(),
                client_id=seller.client_id,
                seller_id=seller.seller_id,
                notification_type=notification_type,
                payload_version=KINDS[notification_type].version,
                destination_id=destination.destination_id,
            )
            state.subscriptions[subscription.subscription_id] = subscription


def _destination(state: State, client_id: str, queue: str, *, bridge: bool) -> Destination:
    for each in state.destinations.values():
        if each.client_id == client_id and (each.event_bridge is not None) == bridge:
            return each
    destination = Destination(
        destination_id=state.uuid(),
        client_id=client_id,
        name="bridge" if bridge else "queue",
        queue_arn="" if bridge else f"arn:aws:sqs:{REGION}:{MOTO_ACCOUNT}:{queue}",
        event_bridge=(MOTO_ACCOUNT, REGION) if bridge else None,
    )
    state.destinations[destination.destination_id] = destination
    return destination
