"""The catalogue that ``FlipkartMarketplace.load`` takes: its shape, its defaults, its checks. Bad input changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.flipkart.model import Components, Listing, StockRow
from sandbox.flipkart.push import Subscription
from sandbox.flipkart.settings import Settings, settings_from
from sandbox.flipkart.tokens import App

DEMO_SELLER = "demo-seller"
DEMO_LOCATION = "LOC0f1e2d3c4b5a69788796a5b4c3d2e1f0"
DEMO_APP = App(client_id="demo-app-id", client_secret="demo-app-secret")
DEMO_PARTNER = App(
    client_id="demo-partner-id",
    client_secret="demo-partner-secret",
    kind="third_party",
    redirect_uris=("https://sync.example.in/oauth/flipkart",),
)
PROFILES = {"NON_FBF", "FBF_LITE", "FBF", "FBF_AND_FBF_LITE", "FBF_AND_NON_FBF"}
PACKAGE = {
    "id": "PKG1",
    "name": "Package 1",
    "dimensions": {"length": 20.0, "breadth": 15.0, "height": 3.0},
    "weight": 0.3,
    "description": "",
    "handling": {"fragile": False},
}
APP_FIELDS = {"client_id", "client_secret", "kind", "redirect_uris", "status"}
PUSH_FIELDS = {"url", "signed_url", "app_id", "app_secret", "orders", "returns", "underscores", "location_ids"}
LISTING_FIELDS = {
    "sku",
    "product_id",
    "listing_id",
    "title",
    "mrp",
    "selling_price",
    "hsn",
    "listing_status",
    "archived_status",
    "fulfillment_profile",
    "locations",
    "fbf_stock",
    "packages",
    "components",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    settings: Settings
    seller_id: str
    locations: tuple[tuple[str, str], ...]
    apps: tuple[App, ...]
    subscription: Subscription | None
    listings: tuple[Listing, ...]
    components: Mapping[str, Components]  # SKU -> physical SKUs of one unit, where the catalogue names them


def read_catalogue(raw: Mapping[str, Any]) -> Catalogue:
    """
    Check a catalogue. Every part has a default.

    :raises ValueError: an unknown field or a value that can't be.
    """
    reject_unknown(raw, {"seller_id", "locations", "apps", "push", "listings", "settings"}, "catalogue")
    locations = tuple(_location(each) for each in raw.get("locations") or [DEMO_LOCATION])
    known = {location_id for location_id, _ in locations}
    rows = raw.get("listings") or []
    listings = tuple(read_listing(row, known_locations=known, first_location=locations[0][0]) for row in rows)
    if len({listing.sku for listing in listings}) != len(listings):
        raise ValueError("two listings have the same sku")
    return Catalogue(
        settings=settings_from(raw.get("settings") or {}),
        seller_id=str(raw.get("seller_id") or DEMO_SELLER),
        locations=locations,
        apps=tuple(_app(each) for each in raw["apps"]) if raw.get("apps") else (DEMO_APP, DEMO_PARTNER),
        subscription=read_subscription(raw.get("push")),
        listings=listings,
        components={row["sku"]: components_of(row["components"]) for row in rows if "components" in row},
    )


def read_listing(row: Mapping[str, Any], *, known_locations: Iterable[str], first_location: str) -> Listing:
    """
    One listing of a catalogue: ``sku`` is needed, the rest is made up where it is missing.

    ``locations``: {location id: units}, or a list of {id, inventory, status?}, or just units (at the first location).
    """
    reject_unknown(row, LISTING_FIELDS, "listing")
    sku = row.get("sku")
    if not isinstance(sku, str) or not sku:
        raise ValueError("a listing needs a sku")
    digest = hashlib.sha256(sku.encode()).hexdigest().upper()
    product_id = str(row.get("product_id") or f"DEM{digest[:13]}")
    profile = row.get("fulfillment_profile", "NON_FBF")
    if profile not in PROFILES:
        raise ValueError(f"fulfillment_profile of {sku!r} must be one of {sorted(PROFILES)}")
    rows = _stock_rows(row.get("locations", 0 if profile != "FBF" else {}), first_location)
    if strange := rows.keys() - set(known_locations):
        raise ValueError(f"listing {sku!r} names unknown locations {sorted(strange)}")
    return Listing(
        sku=sku,
        product_id=product_id,
        listing_id=str(row.get("listing_id") or f"LST{product_id}{digest[-6:]}"),
        title=str(row.get("title") or f"Demo product {sku}"),
        mrp=int(row.get("mrp", 999)),
        selling_price=int(row.get("selling_price", 799)),
        hsn=str(row.get("hsn", "61091000")),
        listing_status=row.get("listing_status", "ACTIVE"),
        archived_status=row.get("archived_status", "NONE"),
        fulfillment_profile=profile,
        rows=rows,
        fbf_stock=units(row.get("fbf_stock", 0), f"fbf_stock of {sku!r}"),
        packages=list(row.get("packages") or [PACKAGE]),
    )


def read_subscription(raw: Mapping[str, Any] | None) -> Subscription | None:
    """``push``: {url, signed_url?, app_id?, app_secret?, orders?, returns?, underscores?, location_ids?}; None: no events."""
    if not raw:
        return None
    reject_unknown(raw, PUSH_FIELDS, "push")
    if not isinstance(raw.get("url"), str) or not raw["url"].startswith(("http://", "https://")):
        raise ValueError("push needs a url")
    return Subscription(
        url=raw["url"],
        signed_url=str(raw.get("signed_url") or raw["url"]),
        app_id=str(raw.get("app_id") or DEMO_APP.client_id),
        app_secret=str(raw.get("app_secret") or DEMO_APP.client_secret),
        orders=bool(raw.get("orders", True)),
        returns=bool(raw.get("returns", True)),
        underscores=bool(raw.get("underscores", True)),
        location_ids=tuple(raw.get("location_ids") or ()),
    )


def components_of(rows: Iterable[Iterable[Any]]) -> Components:
    return tuple((str(sku), units(count, f"units of {sku!r}")) for sku, count in rows)


def units(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{what} must be a whole number, 0 or more")
    return value


def reject_unknown(raw: Mapping[str, Any], allowed: set[str], what: str) -> None:
    if unknown := raw.keys() - allowed:
        raise ValueError(f"unknown {what} fields {sorted(unknown)}; known: {sorted(allowed)}")


def _location(raw: Any) -> tuple[str, str]:
    if isinstance(raw, str):
        return raw, raw
    return str(raw["id"]), str(raw.get("name") or raw["id"])


def _app(raw: Mapping[str, Any]) -> App:
    reject_unknown(raw, APP_FIELDS, "app")
    kind = raw.get("kind", "self")
    if kind not in {"self", "third_party"} or not raw.get("client_id") or not raw.get("client_secret"):
        raise ValueError("an app needs client_id, client_secret and a kind of self or third_party")
    return App(
        client_id=str(raw["client_id"]),
        client_secret=str(raw["client_secret"]),
        kind=kind,
        redirect_uris=tuple(raw.get("redirect_uris") or ()),
        status=str(raw.get("status", "active")),
    )


def _stock_rows(raw: Any, first_location: str) -> dict[str, StockRow]:
    if isinstance(raw, int):
        raw = {first_location: raw}
    if isinstance(raw, Mapping):
        raw = [{"id": location_id, "inventory": count} for location_id, count in raw.items()]
    rows = {}
    for each in raw:
        count = units(each.get("inventory", 0), f"stock at {each['id']}")
        rows[each["id"]] = StockRow(
            location_id=each["id"], shown=count, accepted=count, status=each.get("status", "ENABLED")
        )
    return rows
