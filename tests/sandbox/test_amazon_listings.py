"""Listings Items: what a patch does, when, and what reads echo."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.amazon_tools import INDIA, SELLER, Api, amazon, until, validated

MUG = {"sku": "MUG", "quantity": 10, "lead_time_to_ship_max_days": 3, "restock_date": "2026-12-01"}
TEE_FBA = {"sku": "TEE-FBA", "fba": {"fulfillable": 3}}
ITEMS = f"/listings/2021-08-01/items/{SELLER}"


@pytest.fixture
def api() -> Iterator[Api]:
    with amazon(settings={"read_back": "shown"}, listings=[MUG, TEE_FBA]) as client:
        yield client


def availability(api: Api, sku: str, code: str = "DEFAULT") -> dict[str, Any]:
    rows = api.listing(sku)["attributes"]["fulfillment_availability"]
    return next(row for row in rows if row["fulfillment_channel_code"] == code)


def test_accepted_is_not_applied_until_the_delay_has_passed(api: Api) -> None:
    began = time.monotonic()
    answer = api.patch("MUG", {"quantity": 4})

    assert answer.status_code == 200
    body = validated("listingsItems_2021-08-01", "ListingsItemSubmissionResponse", answer.json())
    assert (body["sku"], body["status"], body["issues"]) == ("MUG", "ACCEPTED", [])
    assert api.shown("MUG") == 10
    assert api.amazon.shown()[0]["pending"] == [4]
    assert until(lambda: api.shown("MUG") == 4)
    assert time.monotonic() - began >= 0.15, "15 s at factor 100"
    assert api.amazon.shown()[0]["pending"] == []


def test_merge_keeps_handling_time_and_restock_date(api: Api) -> None:
    api.patch("MUG", {"quantity": 4})

    assert until(lambda: availability(api, "MUG")["quantity"] == 4)
    assert availability(api, "MUG")["lead_time_to_ship_max_days"] == 3
    assert availability(api, "MUG")["restock_date"] == "2026-12-01"


@pytest.mark.parametrize("op", ["replace", "add"])
def test_replace_and_add_wipe_what_they_omit(api: Api, op: str) -> None:
    api.patch("MUG", {"quantity": 4}, op=op)

    assert until(lambda: availability(api, "MUG")["quantity"] == 4)
    assert set(availability(api, "MUG")) == {"fulfillment_channel_code", "quantity", "marketplace_id"}


def test_patching_default_on_an_fba_listing_adds_a_second_merchant_fulfilled_record(api: Api) -> None:
    assert api.listing("TEE-FBA")["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "AMAZON_IN"}]

    answer = api.patch("TEE-FBA", {"quantity": 7}, op="replace")

    assert answer.json()["status"] == "ACCEPTED"
    assert until(lambda: len(api.listing("TEE-FBA")["fulfillmentAvailability"]) == 2)
    assert api.listing("TEE-FBA")["fulfillmentAvailability"] == [
        {"fulfillmentChannelCode": "AMAZON_IN"},
        {"fulfillmentChannelCode": "DEFAULT", "quantity": 7},
    ]
    assert api.amazon.buy(listing_key="TEE-FBA", units=5, fulfilled_by="MFN").accepted


def test_the_effect_overwrites_sales_made_in_between(api: Api) -> None:
    api.patch("MUG", {"quantity": 10})
    api.amazon.buy(listing_key="MUG", units=3)
    assert api.shown("MUG") == 7

    assert until(lambda: api.shown("MUG") == 10), "three sold units are on sale again"


def test_two_writes_take_effect_in_the_order_of_acceptance(api: Api) -> None:
    for quantity in (9, 8, 7, 6, 5):
        api.patch("MUG", {"quantity": quantity})

    assert until(lambda: not api.amazon.shown()[0]["pending"])
    assert api.shown("MUG") == 5


def test_a_patch_that_is_wrong_in_content_is_200_invalid_with_issues(api: Api) -> None:
    answers = [
        api.patch("MUG", {"quantity": -1}),
        api.patch("MUG", {"quantity": "4"}),
        api.patch("MUG", {"quantity": 4, "fulfillment_channel_code": ""}),
        api.patch("MUG", {"quantity": 4, "fulfillment_channel_code": "AMAZON_XX"}),
        api.patch("NOTHING", {"quantity": 4}),
    ]

    for answer in answers:
        body = validated("listingsItems_2021-08-01", "ListingsItemSubmissionResponse", answer.json())
        assert (answer.status_code, body["status"]) == (200, "INVALID")
        assert body["issues"][0]["severity"] == "ERROR"
    assert [answer.json()["issues"][0]["categories"][0] for answer in answers[:3]] == [
        "INVALID_ATTRIBUTE",
        "INVALID_ATTRIBUTE",
        "MISSING_ATTRIBUTE",
    ]
    time.sleep(0.7)
    assert api.shown("MUG") == 10


def test_a_patch_that_is_wrong_in_form_is_400(api: Api) -> None:
    patch = {"op": "merge", "path": "/attributes/fulfillment_availability", "value": [{"quantity": 1}]}
    bodies: list[Any] = [
        {"patches": [patch]},
        {"productType": "PRODUCT", "patches": []},
        {"productType": "PRODUCT", "patches": [{**patch, "op": "test"}]},
        {"productType": "PRODUCT", "patches": [{**patch, "path": "/attributes/a/b"}]},
        {"productType": "PRODUCT", "patches": [{**patch, "value": {"quantity": 1}}]},
    ]
    answers = [api.call("PATCH", f"{ITEMS}/MUG", params={"marketplaceIds": INDIA}, json=body) for body in bodies]
    answers.append(api.call("PATCH", f"{ITEMS}/MUG", json={"productType": "PRODUCT", "patches": [patch]}))
    answers.append(api.call("PATCH", f"{ITEMS}/MUG", params={"marketplaceIds": INDIA}, data="{"))

    assert [answer.status_code for answer in answers] == [400] * 7
    assert {answer.json()["errors"][0]["code"] for answer in answers} == {"InvalidInput"}
    assert api.call("PATCH", f"{ITEMS}/MUG", data="x", headers={"content-type": "text/plain"}).status_code == 415


def test_a_validation_preview_changes_nothing(api: Api) -> None:
    valid = api.patch("MUG", {"quantity": 4}, mode="VALIDATION_PREVIEW", includedData="issues,identifiers").json()
    invalid = api.patch("MUG", {"quantity": -4}, mode="VALIDATION_PREVIEW").json()

    assert (valid["status"], invalid["status"]) == ("VALID", "INVALID")
    assert valid["identifiers"][0]["marketplaceId"] == INDIA
    assert api.amazon.shown()[0]["pending"] == []


def test_issues_may_appear_after_acceptance(api: Api) -> None:
    api.server.world.faults.switch_on("amazon.late_issue", times=1)

    assert api.patch("MUG", {"quantity": 4}).json()["status"] == "ACCEPTED"

    assert until(lambda: api.listing("MUG")["issues"])
    assert api.listing("MUG")["issues"][0]["severity"] == "ERROR"
    assert api.shown("MUG") == 10
    api.patch("MUG", {"quantity": 5})
    assert until(lambda: not api.listing("MUG")["issues"]), "a good write clears the issue"


def test_single_skus_can_be_refused(api: Api) -> None:
    faults = api.server.world.faults
    faults.switch_on("amazon.patch_400", sku="MUG")
    faults.switch_on("amazon.patch_invalid", sku="TEE-FBA")
    assert api.patch("MUG", {"quantity": 4}).status_code == 400
    assert api.patch("TEE-FBA", {"quantity": 4}).json()["status"] == "INVALID"

    faults.clear()
    faults.switch_on("amazon.patch_warning", times=1)
    warned = api.patch("MUG", {"quantity": 4}).json()
    assert (warned["status"], warned["issues"][0]["severity"]) == ("ACCEPTED", "WARNING")


def test_an_accepted_write_may_be_lost_or_late(api: Api) -> None:
    faults = api.server.world.faults
    faults.switch_on("amazon.patch_lost", times=1)
    api.patch("MUG", {"quantity": 4})
    faults.switch_on("amazon.patch_late", times=1, seconds=150)
    began = time.monotonic()
    api.patch("MUG", {"quantity": 2})

    assert until(lambda: api.shown("MUG") == 2)
    assert time.monotonic() - began > 1.5


def test_reads_echo_by_the_read_back_setting() -> None:
    def echo(read_back: str) -> list[int]:
        settings = {"read_back": read_back, "effect_seconds": [60, 60]}
        with amazon(settings=settings, listings=[MUG]) as api:

            def quantity() -> int:
                return int(api.listing("MUG")["fulfillmentAvailability"][0]["quantity"])

            seen = [quantity()]
            api.amazon.buy(listing_key="MUG")
            seen.append(quantity())
            api.patch("MUG", {"quantity": 6})
            seen.append(quantity())
            api.amazon.buy(listing_key="MUG")
            seen.append(quantity())
            assert until(lambda: api.shown("MUG") == 6)
            return [*seen, quantity()]

    assert echo("shown") == [10, 9, 9, 8, 6]
    assert echo("accepted") == [10, 9, 6, 5, 6]
    assert echo("seller_set") == [10, 10, 6, 6, 6]


def test_an_unknown_sku_is_404_and_a_sku_may_hold_anything(api: Api) -> None:
    sku = "A B/C//D+#ü%41"
    api.amazon.command("listing", {"sku": sku, "quantity": 3})

    known = api.get(f"{ITEMS}/{quote(sku, safe='')}", marketplaceIds=INDIA)
    unknown = api.get(f"{ITEMS}/NOTHING", marketplaceIds=INDIA)

    assert (known.status_code, known.json()["sku"]) == (200, sku)
    assert (unknown.status_code, set(unknown.json())) == (404, {"errors"})


def test_the_default_data_set_is_summaries_and_buyable_follows_the_stock(api: Api) -> None:
    first = api.get(f"{ITEMS}/MUG", marketplaceIds=INDIA).json()
    api.amazon.command("set_quantity", {"listing_key": "MUG", "quantity": 0})
    second = api.get(f"{ITEMS}/MUG", marketplaceIds=INDIA).json()

    assert set(first) == {"sku", "summaries"}
    assert first["summaries"][0]["status"] == ["BUYABLE", "DISCOVERABLE"]
    assert second["summaries"][0]["status"] == ["DISCOVERABLE"]


def test_search_finds_by_identifiers_and_pages_by_twenty() -> None:
    listings = [{"sku": f"SKU-{number:03d}", "quantity": number} for number in range(45)]
    with amazon(listings=listings) as api:
        by_sku = api.get(
            ITEMS, marketplaceIds=INDIA, identifiersType="SKU", identifiers="SKU-001,SKU-002,SKU-999"
        ).json()
        pages, token = [], None
        while token or not pages:
            params = {"marketplaceIds": INDIA, "pageSize": 20, "sortBy": "sku", "sortOrder": "ASC"}
            if token:
                params["pageToken"] = token
            page = validated("listingsItems_2021-08-01", "ItemSearchResults", api.get(ITEMS, **params).json())
            pages.append(page)
            token = page.get("pagination", {}).get("nextToken")
        empty = api.get(ITEMS, marketplaceIds=INDIA, withoutStatus="BUYABLE").json()
        too_many = api.get(ITEMS, marketplaceIds=INDIA, pageSize=21)

    assert {item["sku"] for item in by_sku["items"]} == {"SKU-001", "SKU-002"}
    assert [len(page["items"]) for page in pages] == [20, 20, 5]
    assert {page["numberOfResults"] for page in pages} == {45}
    assert [item["sku"] for page in pages for item in page["items"]] == [row["sku"] for row in listings]
    assert [item["sku"] for item in empty["items"]] == ["SKU-000"]
    assert too_many.status_code == 400


def test_only_the_first_thousand_results_can_be_paged() -> None:
    listings = [{"sku": f"SKU-{number:04d}", "quantity": 1} for number in range(1005)]
    with amazon(listings=listings) as api:
        count, token, total = 0, None, 0
        while token or not count:
            params = {"marketplaceIds": INDIA, "pageSize": 20, **({"pageToken": token} if token else {})}
            page = api.get(ITEMS, **params).json()
            count += len(page["items"])
            total = page["numberOfResults"]
            token = page.get("pagination", {}).get("nextToken")

    assert (count, total) == (1000, 1005)
