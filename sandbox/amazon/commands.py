"""The control verbs that only Amazon knows. Each takes the JSON body and answers with a JSON object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sandbox.amazon import fba, feeds, listings, lwa, orders
from sandbox.amazon.catalogue import add_listing
from sandbox.amazon.model import InboundShipment, Listing, Order, Return
from sandbox.amazon.order_views import DATA_SETS, order_body
from sandbox.amazon.settings import Settings
from sandbox.amazon.state import State

Body = dict[str, Any]
Command = Callable[[State, Body], dict[str, Any]]


def _order(state: State, body: Body) -> Order:
    return state.orders[body["order_id"]]


def _listing(state: State, body: Body) -> Listing:
    listing = state.listing(body["listing_key"], body.get("seller_id"))
    if listing is None:
        raise KeyError(body["listing_key"])
    return listing


def _shipment(state: State, body: Body) -> InboundShipment:
    return state.shipments[body["shipment"]]


def order(state: State, body: Body) -> dict[str, Any]:
    """``items`` [{listing_key, units}] in one order; further keys as for buy."""
    lines = [(row["listing_key"], int(row.get("units", 1))) for row in body["items"]]
    options = {name: value for name, value in body.items() if name != "items"}
    return asdict(orders.place(state, lines=lines, **options))


def show_order(state: State, body: Body) -> dict[str, Any]:
    """The order with every data set, however young."""
    return order_body(_order(state, body), included=DATA_SETS)


def release(state: State, body: Body) -> dict[str, Any]:
    """Pending → Unshipped."""
    orders.release(state, _order(state, body))
    return {"status": _order(state, body).status}


def request_cancel(state: State, body: Body) -> dict[str, Any]:
    """The buyer asks for a cancellation (BuyerRequestedChange); nothing is cancelled."""
    orders.request_cancel(state, _order(state, body))
    return {"status": _order(state, body).status}


def package(state: State, body: Body) -> dict[str, Any]:
    """Move a package: ``status`` such as RETURNING_TO_SELLER, RETURNED_TO_SELLER, DELIVERED, LOST; ``reference`` default "1"."""
    orders.set_package_status(
        state, order=_order(state, body), status=body["status"], reference=body.get("reference", "1")
    )
    return {"status": body["status"]}


def add_return(state: State, body: Body) -> dict[str, Any]:
    """A return of shipped units, for the returns report: ``listing_key``?, ``units``?, ``reason``?, ``delivered``? (goods are back)."""
    bought = _order(state, body)
    item = next(each for each in bought.items if body.get("listing_key") in {None, each.sku})
    now = state.now() - timedelta(days=float(body.get("days_ago", 0)))
    row = Return(
        seller_id=bought.seller_id,
        order_id=bought.order_id,
        order_date=bought.created_at,
        requested_at=now,
        rma_id=f"D{state.digits(8)}RRMA",
        sku=item.sku,
        asin=item.asin,
        title=item.title,
        units=int(body.get("units", item.ordered)),
        ordered=item.ordered,
        amount=item.price,
        reason=body.get("reason", "CR-DEFECTIVE"),
        delivered_at=now if body.get("delivered") else None,
    )
    state.returns.append(row)
    return {"rma_id": row.rma_id}


def add_a_listing(state: State, body: Body) -> dict[str, Any]:
    """A new listing; the body is a row of ``load``'s listings."""
    return {"listing_key": add_listing(state, body).sku}


def set_active(state: State, body: Body) -> dict[str, Any]:
    """Close or reopen a listing: ``active``."""
    listing = _listing(state, body)
    listing.active = bool(body["active"])
    listing.updated_at = state.now()
    return {"status": listings.status_of(state, listing)}


def set_quantity(state: State, body: Body) -> dict[str, Any]:
    """Somebody else sets the merchant quantity by hand, at once."""
    listings.set_by_hand(state, _listing(state, body), int(body["quantity"]))
    return {"quantity": int(body["quantity"])}


def set_fba(state: State, body: Body) -> dict[str, Any]:
    """Set counts of FBA stock: ``counts`` {fulfillable, unfulfillable, ...}, see fba.COUNTS."""
    fba.set_counts(state, _listing(state, body), body["counts"])
    return asdict_of_counts(state, body)


def asdict_of_counts(state: State, body: Body) -> dict[str, Any]:
    stock = fba.stock_of(state, _listing(state, body))
    return {name: getattr(stock, name) for name in fba.COUNTS}


def inbound(state: State, body: Body) -> dict[str, Any]:
    """Announce a shipment to FBA: ``items`` {SKU: units}, ``confirmation_id``?, ``name``?, ``warehouse``?"""
    options = {name: body[name] for name in ("confirmation_id", "name", "warehouse") if name in body}
    seller_id = body.get("seller_id", next(iter(state.sellers)))
    shipment = fba.announce(state, seller_id=seller_id, items=body["items"], **options)
    return {"shipment": shipment.confirmation_id, "plan_id": shipment.plan_id, "shipment_id": shipment.shipment_id}


def inbound_status(state: State, body: Body) -> dict[str, Any]:
    """Move a shipment: ``shipment`` (confirmation id), ``status``."""
    fba.set_shipment_status(state, _shipment(state, body), body["status"])
    return {"status": body["status"]}


def inbound_receive(state: State, body: Body) -> dict[str, Any]:
    """Receive ``units`` now (``listing_key``?), or with ``every_seconds`` again and again until the shipment is CLOSED."""
    shipment = _shipment(state, body)
    if "every_seconds" in body:
        fba.receive_steadily(state, shipment, units=int(body["units"]), every_seconds=float(body["every_seconds"]))
    else:
        fba.receive(state, shipment, int(body["units"]), body.get("listing_key"))
    return {"received": {item.sku: item.received for item in shipment.items}, "status": shipment.status}


def release_feed(state: State, body: Body) -> dict[str, Any]:
    """Process a feed that was stuck (fault feed_stuck), however late."""
    feed = state.feeds[body["feed_id"]]
    if not feed.schedule_held:
        raise ValueError(f"feed {feed.job_id} is not stuck")
    feeds.process(state, feed)
    return {"status": feed.status}


def revoke(state: State, body: Body) -> dict[str, Any]:
    """The seller takes back the authorisation: refresh token and access tokens stop working."""
    seller = state.sellers[body.get("seller_id", next(iter(state.sellers)))]
    seller.revoked = True
    return {"seller_id": seller.seller_id}


def authorize(state: State, body: Body) -> dict[str, Any]:
    """The seller consents (again): an authorisation code of five minutes."""
    return {"code": lwa.authorize(state, state.sellers[body.get("seller_id", next(iter(state.sellers)))])}


def expire_tokens(state: State, body: Body) -> dict[str, Any]:
    """Every access token dies now."""
    count = len(state.tokens)
    state.tokens = {
        text: lwa.Token(client_id=each.client_id, seller_id=each.seller_id, dies_at=0)
        for text, each in state.tokens.items()
    }
    return {"expired": count}


def refill(state: State, body: Body) -> dict[str, Any]:
    """Fill every token bucket."""
    state.buckets.refill()
    return {}


def change_settings(state: State, body: Body) -> dict[str, Any]:
    """Change some settings of a running marketplace; answers with all."""
    state.settings = Settings.from_mapping({**asdict(state.settings), **body})
    return asdict(state.settings)


COMMANDS: dict[str, Command] = {
    "order": order,
    "show_order": show_order,
    "release": release,
    "request_cancel": request_cancel,
    "package": package,
    "return": add_return,
    "listing": add_a_listing,
    "set_active": set_active,
    "set_quantity": set_quantity,
    "fba": set_fba,
    "inbound": inbound,
    "inbound_status": inbound_status,
    "inbound_receive": inbound_receive,
    "release_feed": release_feed,
    "revoke": revoke,
    "authorize": authorize,
    "expire_tokens": expire_tokens,
    "refill": refill,
    "settings": change_settings,
}
