"""
What a listing says of its price: our facts as a patch, Amazon's answers as outcomes. Pure. Contract, sections 8.2 and 8.4.

An offer's price and MRP stand together in the attribute ``purchasable_offer``. ``merge`` keeps what it does not name (a sale price, a business
price); no patch of this module names a quantity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from channels_amazon.values import Payload, decimal, objects, part, text
from inventory_sync.domain.listing_changes import (
    Composed,
    FieldProblem,
    ListingContent,
    ListingWrite,
    OfferFacts,
    WriteOutcome,
)
from inventory_sync.domain.ports import PushResult

CURRENCY = "INR"
AUDIENCE = "ALL"
ATTRIBUTE = "purchasable_offer"
OUR_PRICE, MRP = "our_price", "maximum_retail_price"

FIELDS: Mapping[str, str] = MappingProxyType(
    {"product_id": "asin", "price": f"{ATTRIBUTE}.{OUR_PRICE}", "mrp": f"{ATTRIBUTE}.{MRP}"}
)


def content_of(item: Payload, *, marketplace_id: str, price: Decimal | None, mrp: Decimal | None) -> dict[str, Any]:
    """
    Price and MRP as the item says them.

    :param price, mrp: as read elsewhere of the item (its offer, its other attributes), for where the attribute is not told.
    """
    offer = _offer_of(item, marketplace_id=marketplace_id)
    found = {
        OUR_PRICE: scheduled(offer, OUR_PRICE) if offer else None,
        MRP: scheduled(offer, MRP) if offer else None,
    }
    amounts = {OUR_PRICE: found[OUR_PRICE] or price, MRP: found[MRP] or mrp}
    return {ATTRIBUTE: {name: number(amount) for name, amount in amounts.items() if amount is not None}}


def scheduled(offer: Payload, name: str) -> Decimal | None:
    """The amount with tax of the first schedule of a price."""
    for price in objects(offer.get(name)):
        for schedule in objects(price.get("schedule")):
            amount = decimal(schedule.get("value_with_tax"))
            if amount is not None:
                return amount
    return None


def _offer_of(item: Payload, *, marketplace_id: str) -> Payload:
    offers = objects(part(item, "attributes").get(ATTRIBUTE))
    ours = [
        each
        for each in offers
        if text(each.get("marketplace_id")) in ("", marketplace_id) and text(each.get("audience")) in ("", AUDIENCE)
    ]
    return ours[0] if ours else {}


def compose(facts: OfferFacts, *, current: ListingContent | None) -> Composed:
    """Price and MRP as they would be; what is not known stays as it is."""
    shown = current.content if current is not None else {}
    wanted = {OUR_PRICE: facts.price, MRP: facts.mrp}
    said = {name: number(amount) for name, amount in wanted.items() if amount is not None}
    content = {ATTRIBUTE: {**shown.get(ATTRIBUTE, {}), **said}}
    return Composed(content=content, before=shown, problems=tuple(_problems(facts)))


def _problems(facts: OfferFacts) -> Iterator[FieldProblem]:
    if facts.price is None:
        yield FieldProblem(field=FIELDS["price"], code="price_missing", message="The selling price is missing.")


def number(amount: Decimal) -> int | float:
    """Rupees as a JSON number. Two decimals at most survive a float exactly as written."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def price_patch(write: ListingWrite, *, marketplace_id: str, fallback_product_type: str) -> dict[str, Any]:
    """The body of patchListingsItem that merges price and MRP into the offer of our marketplace."""
    said = write.content[ATTRIBUTE]
    prices = {name: [{"schedule": [{"value_with_tax": said[name]}]}] for name in (OUR_PRICE, MRP) if name in said}
    selectors = {"marketplace_id": marketplace_id, "currency": CURRENCY, "audience": AUDIENCE}
    return {
        "productType": write.product_type or fallback_product_type,
        "patches": [{"op": "merge", "path": f"/attributes/{ATTRIBUTE}", "value": [{**selectors, **prices}]}],
    }


def outcome_of_answer(key: str, answer: Payload, *, request_id: str) -> WriteOutcome:
    """ACCEPTED is queued, INVALID is refused; an ERROR among the issues is a refusal too. Other statuses leave open what happened."""
    status, issues = text(answer.get("status")).upper(), objects(answer.get("issues"))
    problems = tuple(_said(issues))
    words = "; ".join(dict.fromkeys(problem.message for problem in problems))[:500]
    if status == "INVALID" or any(problem.blocks for problem in problems):
        result, words = PushResult.REFUSED, words or "Amazon says the submission is invalid."
    elif status == "ACCEPTED":
        result = PushResult.ACCEPTED
    else:
        result, words = PushResult.UNKNOWN, words or f"Amazon answered with the status “{status}”."
    return WriteOutcome(key=key, result=result, message=words, problems=problems, request_id=request_id)


def _said(issues: Sequence[Payload]) -> Iterator[FieldProblem]:
    for issue in issues:
        names = issue.get("attributeNames")
        attribute = next((text(name) for name in names if text(name)), "") if isinstance(names, list) else ""
        yield FieldProblem(
            field=attribute,
            attribute=attribute,
            code=text(issue.get("code")),
            message=text(issue.get("message")) or "Amazon does not say what is wrong.",
            blocks=text(issue.get("severity")).upper() == "ERROR",
        )
