"""Prices: patches against the official model, and answers as outcomes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from channels_amazon import offers
from inventory_sync.domain.listing_changes import ChangeKind, ListingContent, ListingWrite, OfferFacts
from inventory_sync.domain.ports import PushResult
from inventory_sync.domain.snapshots import Fulfilment, ListingIds, ListingSnapshot
from tests.channels.amazon import official
from tests.channels.amazon.stub import make_adapter

INDIA = "A21TJRUUN4KGV"
IDS = ListingIds(key="BLUE-TEE-L", seller_sku="BLUE-TEE-L", product_id="B0INTEE001")


def offer(audience: str = "ALL", **prices: Any) -> dict[str, Any]:
    said = {name: [{"schedule": [{"value_with_tax": amount}]}] for name, amount in prices.items()}
    return {"marketplace_id": INDIA, "currency": "INR", "audience": audience, **said}


def content(*listed: dict[str, Any], price: str | None = None, mrp: str | None = None) -> dict[str, Any]:
    item = {"attributes": {"purchasable_offer": list(listed)}} if listed else {}
    amounts = {"price": Decimal(price) if price else None, "mrp": Decimal(mrp) if mrp else None}
    return offers.content_of(item, marketplace_id=INDIA, **amounts)


def current(shown: dict[str, Any]) -> ListingContent:
    snapshot = ListingSnapshot(ids=IDS, title="", fulfilment=Fulfilment.MFN, active=True, product_type="SHIRT")
    return ListingContent(snapshot=snapshot, content=shown)


def facts(price: str | None, mrp: str | None = None) -> OfferFacts:
    amounts = {"price": Decimal(price) if price else None, "mrp": Decimal(mrp) if mrp else None}
    return OfferFacts(ids=IDS, fulfilment=Fulfilment.MFN, **amounts)


def test_the_buyers_offer_is_read_not_the_business_one():
    said = content(offer("B2B", our_price=450), offer(our_price=499.5, maximum_retail_price=600))

    assert said == {"purchasable_offer": {"our_price": 499.5, "maximum_retail_price": 600}}


def test_price_and_mrp_come_from_elsewhere_where_the_attribute_is_not_told():
    assert content(price="499.00", mrp="600") == {"purchasable_offer": {"our_price": 499, "maximum_retail_price": 600}}
    assert content() == {"purchasable_offer": {}}


def test_what_is_not_known_stays_as_it_is():
    shown = content(offer(our_price=499, maximum_retail_price=600))

    made = offers.compose(facts("549.50"), current=current(shown))

    assert made.content == {"purchasable_offer": {"our_price": 549.5, "maximum_retail_price": 600}}
    assert (made.before, made.problems) == (shown, ())
    assert [problem.code for problem in offers.compose(facts(None), current=None).problems] == ["price_missing"]


def test_a_price_patch_is_a_merge_of_the_offer_that_names_no_quantity():
    made = offers.compose(facts("549.50", "600"), current=None)
    write = ListingWrite(ids=IDS, fulfilment=Fulfilment.FBA, content=made.content, product_type="SHIRT")

    body = offers.price_patch(write, marketplace_id=INDIA, fallback_product_type="PRODUCT")

    path = "/listings/2021-08-01/items/A1INSELLER0001/BLUE-TEE-L"
    query = {"marketplaceIds": [INDIA]}
    sent = json.dumps(body).encode()
    official.check_request(method="PATCH", path=path, query=query, body=sent, content_type="application/json")
    assert body == {
        "productType": "SHIRT",
        "patches": [
            {
                "op": "merge",
                "path": "/attributes/purchasable_offer",
                "value": [offer(our_price=549.5, maximum_retail_price=600)],
            }
        ],
    }


@pytest.mark.parametrize(
    ("answer", "result", "fields"),
    [
        ({"status": "ACCEPTED", "issues": []}, PushResult.ACCEPTED, []),
        ({"status": "ACCEPTED", "issues": [{"severity": "WARNING", "code": "1", "message": "note"}]}, PushResult.ACCEPTED, [""]),
        (
            {"status": "INVALID", "issues": [{"severity": "ERROR", "code": "9", "message": "no", "attributeNames": ["purchasable_offer"]}]},
            PushResult.REFUSED,
            ["purchasable_offer"],
        ),
        ({"status": "ACCEPTED", "issues": [{"severity": "ERROR", "code": "9", "message": "no"}]}, PushResult.REFUSED, [""]),
        ({"status": "INVALID"}, PushResult.REFUSED, []),
        ({"status": "VALID"}, PushResult.UNKNOWN, []),
    ],
)  # fmt: skip
def test_what_amazon_answers_is_read_by_status_and_severity(answer, result, fields):
    told = offers.outcome_of_answer("BLUE-TEE-L", answer, request_id="r")

    assert told.result is result
    assert [problem.field for problem in told.problems] == fields


def test_amazon_takes_prices_one_listing_a_call_and_makes_no_listings():
    writer = make_adapter("https://sellingpartnerapi-eu.amazon.com").listings

    assert (writer.kinds, writer.batch_size) == ({ChangeKind.PRICE}, 1)
