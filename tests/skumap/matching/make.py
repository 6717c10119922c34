"""Short ways to make SKUs and listings, and to match one of each."""

from __future__ import annotations

from typing import Any

from skumap.matching import Goods, Offer, Outcome, match_listings

BARCODE, OTHER_BARCODE, THIRD_BARCODE = "8901234567890", "8901234567906", "8901234567913"


def sku(id: int, code: str = "", title: str = "", **more: Any) -> Goods:
    return Goods(id=id, code=code or f"SKU-{id}", title=title, **more)


def listing(id: str, seller_sku: str = "", title: str = "", **more: Any) -> Offer:
    return Offer(
        **({"id": id, "channel": "flipkart", "account_id": 1, "seller_sku": seller_sku, "title": title} | more)
    )


def match(goods: list[Goods], *offers: Offer, **more: Any) -> dict[Any, Outcome]:
    return {outcome.offer_id: outcome for outcome in match_listings(goods=goods, offers=offers, **more)}


def match_one(goods: Goods | list[Goods], offer: Offer) -> Outcome:
    return match(goods if isinstance(goods, list) else [goods], offer)[offer.id]


def match_titles(ours: str, theirs: str, **attributes: str) -> Outcome:
    """One SKU and one listing of the same code; keyword arguments are the listing's attributes."""
    return match_one(sku(1, "A-1", ours), listing("L", "A-1", theirs, attributes=attributes))


def codes(outcome: Outcome) -> list[str]:
    return [conflict.code.value for conflict in outcome.conflicts]


def verdicts(outcome: Outcome, place: int = 0) -> dict[str, str]:
    return {finding.field: finding.verdict.value for finding in outcome.suggestions[place].findings}
