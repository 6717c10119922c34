"""The sandbox as the demo uses it: the three catalogues, and the control API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from inventory_sync.demo.demand import FIRST_VARIANT, Offer, held_units
from inventory_sync.demo.goods import Good

TIMEOUT_SECONDS = (3.0, 30.0)
FLIPKART_LOCATION = "LOC5a1c0e7b9d3f4a6288c1e0b7d9f3a615"
FLIPKART_SELLER = "demo-seller"
SHOP_DOMAIN = "demo-store.myshopify.com"
SHOPIFY_LOCATION = 61_000_000_001
AMAZON_SELLER = "A1INSELLER0001"
AMAZON_TYPES = {"apparel": "KURTA", "electronics": "CONSUMER_ELECTRONICS", "home": "HOME", "beauty": "BEAUTY"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the marketplaces know an application by; made anew for every run."""

    client_id: str
    client_secret: str
    refresh_token: str


def flipkart_catalogue(all_offers: Sequence[Offer], *, hours: float, secrets: Secrets) -> dict[str, Any]:
    """A Flipkart seller with one location; own-fulfilled listings show 0."""
    return {
        "seller_id": FLIPKART_SELLER,
        "locations": [{"id": FLIPKART_LOCATION, "name": "Bengaluru"}],
        "apps": [{"client_id": secrets.client_id, "client_secret": secrets.client_secret, "kind": "self"}],
        "listings": [
            {
                "sku": offer.key,
                "title": offer.good.title,
                "mrp": offer.good.mrp,
                "selling_price": offer.good.price,
                "hsn": offer.good.hsn,
                "components": [list(part) for part in offer.components],
                **(
                    {"fulfillment_profile": "FBF", "fbf_stock": held_units(offer, hours=hours)}
                    if offer.held
                    else {"locations": {FLIPKART_LOCATION: 0}}
                ),
            }
            for offer in all_offers
            if offer.channel == "flipkart"
        ],
    }


def shopify_catalogue(all_offers: Sequence[Offer], *, secrets: Secrets) -> dict[str, Any]:
    """A shop with one location; everything shows 0."""
    return {
        "domain": SHOP_DOMAIN,
        "client_id": secrets.client_id,
        "client_secret": secrets.client_secret,
        "static_tokens": [],
        "locations": [{"id": SHOPIFY_LOCATION, "name": "Bengaluru"}],
        "variants": [
            {
                "id": int(offer.key),
                "inventory_item_id": int(offer.key) + 1_000_000_000,
                "product_title": offer.good.title,
                "sku": offer.good.code,
                "barcode": offer.good.barcode,
                "price": str(offer.good.price),
                "metafields": {"custom.hsn_code": offer.good.hsn},
                "quantities": {str(SHOPIFY_LOCATION): 0},
                "components": [list(part) for part in offer.components],
            }
            for offer in all_offers
            if offer.channel == "shopify"
        ],
    }


def amazon_catalogue(all_offers: Sequence[Offer], *, hours: float, secrets: Secrets) -> dict[str, Any]:
    """An Amazon.in seller; merchant-fulfilled listings show 0."""
    return {
        "applications": [{"client_id": secrets.client_id, "client_secret": secrets.client_secret}],
        "sellers": [
            {
                "seller_id": AMAZON_SELLER,
                "client_id": secrets.client_id,
                "refresh_token": secrets.refresh_token,
                "store_name": "Demo store",
            }
        ],
        "listings": [
            {
                "sku": offer.key,
                "title": offer.good.title,
                "price": str(offer.good.price),
                "product_type": AMAZON_TYPES[offer.good.category],
                "components": [list(part) for part in offer.components],
                **({"fba": {"fulfillable": held_units(offer, hours=hours)}} if offer.held else {"quantity": 0}),
            }
            for offer in all_offers
            if offer.channel == "amazon"
        ],
    }


class Market:
    """The control API of a running sandbox. Calls raise ``requests.RequestException`` when it does not do as told."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # loopback: no proxy of the environment

    def load(self, catalogues: Mapping[str, Mapping[str, Any]]) -> None:
        for channel, catalogue in catalogues.items():
            self._post(f"{channel}/load", catalogue)

    def set_shelf(self, units: Mapping[str, int]) -> None:
        self._post("shelf", units)

    def add_to_shelf(self, units: Mapping[str, int]) -> None:
        self._post("shelf/add", units)

    def amazon_queue(self) -> dict[str, str]:
        """The notification queue at the seller's end: ``endpoint_url, arn, url, region, access_key_id, secret_access_key``."""
        answer: dict[str, str] = self._post("amazon/queue", {})
        return answer

    def truth(self) -> dict[str, Any]:
        return self._get("truth")

    def sales(self) -> list[dict[str, Any]]:
        """Every accepted order line so far."""
        rows: list[dict[str, Any]] = self._get("truth/sales?since=0")["sales"]
        return rows

    def shown(self, channel: str) -> dict[tuple[str, str], int]:
        """(listing key, location) -> what buyers see."""
        rows = self._get(f"{channel}/shown")["rows"]
        return {(row["listing_key"], row["location"]): row["quantity"] for row in rows}

    def calls(self, channel: str) -> dict[str, dict[str, int]]:
        """Operation -> status -> calls."""
        counted = self._get(f"{channel}/stats")["calls"]
        if isinstance(counted, dict):
            return counted
        found: dict[str, dict[str, int]] = {}
        for row in counted:
            found.setdefault(row["operation"], {})[str(row["status"])] = row["count"]
        return found

    def switch_on(self, name: str, *, probability: float, options: Mapping[str, Any]) -> None:
        self._post("faults", {"name": name, "probability": probability, "options": dict(options)})

    def clear_faults(self) -> None:
        self._session.delete(f"{self.url}/_control/faults", timeout=TIMEOUT_SECONDS).raise_for_status()

    def faults_hit(self) -> dict[str, int]:
        hits: dict[str, int] = self._get("faults")["counts"]
        return hits

    def pending_effects(self) -> int:
        """Delayed effects that have not happened yet."""
        return int(self._get("state")["pending_effects"])

    def _get(self, path: str) -> Any:
        response = self._session.get(f"{self.url}/_control/{path}", timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        return response.json()

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        response = self._session.post(f"{self.url}/_control/{path}", json=body, timeout=TIMEOUT_SECONDS)
        if response.status_code != requests.codes.ok:
            raise requests.HTTPError(f"{path}: {response.status_code} {response.text[:300]}", response=response)
        return response.json()


def variant_good(goods: Sequence[Good], key: str) -> Good:
    """The good behind a Shopify variant id."""
    return goods[int(key) - FIRST_VARIANT]
