"""Listings, quantities and what became of them: pure."""

from __future__ import annotations

from decimal import Decimal

import pytest

from channels_flipkart.catalogue import (
    inventory_body,
    listing_snapshot,
    push_outcomes,
    read_details,
    read_locations,
    why_not_writable,
)
from inventory_sync.domain.ports import PushResult
from inventory_sync.domain.snapshots import Fulfilment
from tests.channels.flipkart.fixtures import fixture, update

SUCCESS = {"status": "SUCCESS", "errors": [], "attribute_errors": []}
BAD_LOCATION = {"severity": "ERROR", "code": 2001, "description": "Invalid location provided", "attribute": "locations"}


def outcomes(updates, answer, *, warning_is_success=True):
    return push_outcomes(updates, answer=answer, warning_is_success=warning_is_success)


def test_a_listing_is_read_from_its_own_profile():
    details = read_details(fixture("details.json"))
    listings = {
        sku: listing_snapshot(sku=sku, listing=listing, open_units=details.open_units.get(sku))
        for sku, listing in details.available.items()
    }

    tee, cap, odd = listings["TEE-BLK-M"], listings["CAP-RED"], listings["ODD"]
    assert (tee.fulfilment, tee.active, tee.open_units, tee.hsn) == (Fulfilment.NON_FBF, True, 3, "61091000")
    assert (tee.title, tee.price, tee.mrp) == ("Demo tee & cap", Decimal(999), Decimal(1199))
    assert [(each.location_id, each.quantity, each.enabled) for each in tee.locations] == [
        ("LOC1", 7, True),
        ("LOC2", None, False),
    ]
    assert (cap.fulfilment, cap.active, cap.price) == (Fulfilment.FBF_AND_FBF_LITE, False, Decimal("449.50"))
    assert cap.locations[0].quantity == 4
    assert (odd.fulfilment, odd.active, odd.price, odd.locations) == (Fulfilment.UNKNOWN, False, None, ())
    assert details.absent == {"NO-SUCH-SKU"}


@pytest.mark.parametrize(
    "body",
    [
        {"available": {"A": {"orders_to_be_fulfilled": 2}}},
        {"available": {"A": {}, "orders_to_be_fulfilled": "2"}},
        {"available": {"A": {}, "B": {}, "orders_to_be_fulfilled": {"A": 2.0}}},
        {"available": {"A": {}}, "orders_to_be_fulfilled": 2},
    ],
)
def test_open_units_are_read_at_either_level(body):
    assert read_details(body).open_units["A"] == 2


def test_a_bare_number_beside_two_listings_is_nobodys():
    assert read_details({"available": {"A": {}, "B": {}, "orders_to_be_fulfilled": 2}}).open_units == {}


@pytest.mark.parametrize(
    ("of_row", "settings", "writable"),
    [
        ({"fulfilment": Fulfilment.NON_FBF}, {}, True),
        ({"fulfilment": Fulfilment.FBF_AND_NON_FBF}, {}, True),
        ({"fulfilment": Fulfilment.FBF_AND_NON_FBF, "location_id": "FK1"}, {"marketplace_locations": ["FK1"]}, False),
        ({"fulfilment": Fulfilment.FBF}, {"allow_fbf_lite": True}, False),
        ({"fulfilment": Fulfilment.FBF_LITE}, {}, False),
        ({"fulfilment": Fulfilment.FBF_LITE}, {"allow_fbf_lite": True}, True),
        ({"fulfilment": Fulfilment.FBF_AND_FBF_LITE}, {}, False),
        ({"fulfilment": Fulfilment.FBF_AND_FBF_LITE}, {"allow_fbf_lite": True}, True),
        ({"fulfilment": Fulfilment.UNKNOWN}, {"allow_fbf_lite": True}, False),
        ({"fulfilment": Fulfilment.FBA}, {}, False),
        ({"fulfilment": Fulfilment.MFN}, {}, False),
        ({"product_id": ""}, {}, False),
        ({"location_id": ""}, {}, False),
        ({"quantity": -1}, {}, False),
        ({"quantity": 1.5}, {}, False),
        ({"quantity": True}, {}, False),
    ],
)
def test_only_the_sellers_own_stock_may_be_written(of_row, settings, writable):
    given = {"allow_fbf_lite": False, "marketplace_locations": ()} | settings

    assert (why_not_writable(update(**of_row), **given) == "") is writable


def test_locations_of_one_sku_share_an_entry_and_status_is_left_out():
    updates = [update("A", 5), update("B", 0, row_id=2), update("A", 7, row_id=3, location_id="LOC2")]

    assert inventory_body(updates, statuses={("B", "LOC1"): "DISABLED"}) == {
        "A": {
            "product_id": "TSHDEMO00000AB12",
            "locations": [{"id": "LOC1", "inventory": 5}, {"id": "LOC2", "inventory": 7}],
        },
        "B": {"product_id": "TSHDEMO00000AB12", "locations": [{"id": "LOC1", "inventory": 0, "status": "DISABLED"}]},
    }


def test_each_sku_has_its_own_outcome_whatever_the_case_of_the_status():
    updates = [update("A"), update("B", row_id=2), update("C", row_id=3), update("D", row_id=4), update("E", row_id=5)]
    answer = {
        "D": {"status": "Warning", "errors": [{"severity": "WARNING", "code": "77", "description": "low price"}]},
        "A": {"status": "success", "errors": None},
        "B": {"status": "FAILURE", "errors": [{"severity": "ERROR", "code": 1001, "description": "no such sku"}]},
        "C": {"status": "PENDING"},
    }

    a, b, c, d, e = outcomes(updates, answer)

    assert (a.result, a.row_id) == (PushResult.ACCEPTED, 1)
    assert (b.result, b.code, b.message, b.permanent) == (PushResult.REFUSED, "1001", "no such sku", False)
    assert c.result is PushResult.UNKNOWN
    assert (d.result, d.warning) == (PushResult.ACCEPTED, "low price")
    assert (e.result, e.code) == (PushResult.UNKNOWN, "MISSING")


def test_a_warning_is_unknown_where_the_account_does_not_trust_it():
    [told] = outcomes([update("A")], {"A": {"status": "WARNING"}}, warning_is_success=False)

    assert told.result is PushResult.UNKNOWN


def test_an_invalid_location_is_for_good_for_that_location_only():
    both = [update("A"), update("A", row_id=2, location_id="LOC2")]
    named = {"A": {"status": "FAILURE", "attribute_errors": [{**BAD_LOCATION, "path": "locations[1].id"}]}}
    unnamed = {"A": {"status": "FAILURE", "attribute_errors": [BAD_LOCATION]}}

    assert [told.permanent for told in outcomes(both, named)] == [False, True]
    assert [(told.code, told.permanent) for told in outcomes(both, unnamed)] == [("BATCH_REFUSED", False)] * 2
    [alone] = outcomes(both[:1], unnamed)
    assert (alone.result, alone.permanent) == (PushResult.REFUSED, True)


@pytest.mark.parametrize(
    "body",
    [
        [{"locationId": "LOC1", "locationName": "Pune", "status": "ACTIVE"}, {"id": "LOC2"}, "odd"],
        {"locations": [{"id": "LOC1", "name": "Pune"}, {"id": "LOC2", "active": True}]},
        {"result": {"locations": [{"location_id": "LOC1", "displayName": "Pune"}, {"location_id": "LOC2"}]}},
    ],
)
def test_locations_are_found_in_whatever_wrapping_they_come(body):
    pune, other = read_locations(body, marketplace_locations=["LOC2"])

    assert (pune.location_id, pune.name, pune.managed) == ("LOC1", "Pune", True)
    assert (other.location_id, other.name, other.managed) == ("LOC2", "LOC2", False)


def test_an_answer_without_locations_gives_none():
    assert read_locations({"message": "ok"}, marketplace_locations=()) == []
    assert read_locations("text", marketplace_locations=()) == []
