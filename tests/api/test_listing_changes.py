"""Changes of listings: prepared, looked at, approved and rejected by a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from inventory_sync.engine.listing_change import ListingChange
from sandbox.server import SandboxServer
from skumap.models import ChannelAccount, Listing, Sku
from tests.api.conftest import Api
from tests.engine.offering import FSN, declare, on_flipkart, send
from tests.engine.selling import CLOCK, Shop


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=5, clock_factor=CLOCK) as server:
        yield server


@pytest.fixture
def shop(sandbox: SandboxServer, db: None) -> Shop:
    shop = Shop(sandbox)
    declare(shop.sku("TEE", 10))
    declare(shop.sku("OLD", 4), mrp="999")
    shop.flipkart([{"sku": "OLD", "product_id": "TSHDEMO00000CD34", "locations": 4, "selling_price": 700, "mrp": 999}])
    shop.link()
    on_flipkart(shop, "OLD").tax_code = "GST_APPAREL"
    ChannelAccount.objects.update(mode="live")
    return shop


def prepare(api: Api, what: str, *items: dict[str, Any]) -> Any:
    return api.post("listing-changes/", {"account": "flipkart", "what": what, "items": list(items)})


def test_a_program_prepares_approves_and_follows_a_new_listing(api: Api, reader: Api, shop: Shop) -> None:
    answer = prepare(api, "create", {"sku": "TEE", "product_id": FSN, "price": "999.00"})
    [change] = answer.json()["changes"]
    assert (answer.status_code, change["state"], change["mrp"]) == (201, "draft", "1199.00")
    assert {"field": "price.selling_price", "before": None, "after": 999} in change["diff"]
    assert on_flipkart(shop, "TEE") is None

    approved = api.post("listing-changes/approve/", {"ids": [change["id"]]}).json()
    send(ChannelAccount.objects.get())
    [seen] = reader.get("listing-changes/", state="done", account="flipkart").json()["results"]

    assert [row["id"] for row in approved["changes"]] == [change["id"]]
    assert (seen["id"], seen["proposed_via"], seen["decided_via"]) == (change["id"], "API: tool", "API: tool")
    assert seen["confirmed_at"] is not None
    assert on_flipkart(shop, "TEE").selling_price == 999


def test_a_price_needs_no_more_than_the_sku(api: Api, shop: Shop) -> None:
    [change] = prepare(api, "price", {"sku": "OLD", "price": "650"}).json()["changes"]

    assert change["diff"] == [{"field": "price.selling_price", "before": 700, "after": 650}]
    assert change["listing"] == Listing.objects.get(key="OLD").pk


def test_what_stands_against_a_change_is_said_and_it_is_not_approved(api: Api, shop: Shop) -> None:
    [change] = prepare(api, "price", {"sku": "OLD", "price": "1500"}).json()["changes"]

    answer = api.post("listing-changes/approve/", {"ids": [change["id"]]}).json()

    assert ("price.selling_price", "price_above_mrp") in {(each["field"], each["code"]) for each in change["problems"]}
    assert answer["changes"] == []
    assert "above the MRP" in answer["refused"][0]


def test_a_rejected_change_says_why(api: Api, shop: Shop) -> None:
    [change] = prepare(api, "price", {"sku": "OLD", "price": "650"}).json()["changes"]

    first = api.post("listing-changes/reject/", {"ids": [change["id"]], "reason": "too cheap"}).json()
    again = api.post("listing-changes/reject/", {"ids": [change["id"]]}).json()

    assert (first["changes"][0]["state"], first["changes"][0]["note"]) == ("refused", "too cheap")
    assert (again["changes"], len(again["refused"])) == ([], 1)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"what": "delete"}, "what"),
        ({"account": "nobody"}, "account"),
        ({"items": []}, "items"),
        ({"items": [{"sku": "NOPE"}]}, "items"),
        ({"items": [{"sku": "OLD", "price": 0}]}, "items"),
        ({"items": [{"sku": "TEE"}]}, "items"),
        ({"items": [{"sku": "OLD", "quantity": 5}]}, "items"),
    ],
)
def test_what_makes_no_sense_is_named(api: Api, shop: Shop, body: dict[str, Any], where: str) -> None:
    answer = api.post("listing-changes/", {"account": "flipkart", "what": "price", "items": [{"sku": "OLD"}], **body})

    assert answer.status_code == 400
    assert where in answer.json()["error"]["fields"]
    assert not ListingChange.objects.exists()


def test_a_channel_that_takes_no_such_change_refuses(api: Api, db: None) -> None:
    ChannelAccount.objects.create(
        channel="shopify", name="flipkart", identity="s.myshopify.com", credentials={"access_token": "x"}
    )
    sku = Sku.objects.create(code="TEE")

    answer = prepare(api, "create", {"sku": sku.code})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "refused")


def test_who_may_only_read_may_not_prepare_or_approve(reader: Api, shop: Shop) -> None:
    assert prepare(reader, "price", {"sku": "OLD", "price": "650"}).status_code == 403
    assert reader.post("listing-changes/approve/", {"ids": [1]}).status_code == 403
