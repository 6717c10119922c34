"""Levels, history, adjustments exactly once; warehouses and locations."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from inventory_sync.api.models import ApiToken, IdempotencyRecord
from inventory_sync.engine.models import ListingState, StockRule
from inventory_sync.stock.models import LocationLink, StockBalance, StockMovement, Warehouse
from skumap.models import ChannelAccount, ChannelLocation, Listing, Sku
from skumap.services import link_listing
from tests.api.conftest import Api, make_key


def on_hand(warehouse: str = "BLR") -> int:
    return StockBalance.objects.get(sku__code="TEE-M", warehouse__code=warehouse).on_hand


def test_goods_come_in_once_however_often_it_is_said(api, stocked):
    body = {"kind": "receive", "sku": "TEE-M", "warehouse": "BLR", "units": 5, "reason": "GRN 17"}
    first, again = api.adjust(body, key="grn-17"), api.adjust(dict(reversed(body.items())), key="grn-17")

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert on_hand() == 15
    [movement] = first.json()["movements"]
    token = ApiToken.objects.get()
    assert movement["key"] == f"receive:api:{token.pk}:grn-17"
    assert first.json()["levels"][0]["available"] == 15


def test_the_stored_answer_stays_though_stock_has_moved(api, stocked):
    body = {"kind": "count", "sku": "TEE-M", "warehouse": "BLR", "counted": 4}
    first = api.adjust(body, key="c")
    api.adjust({"kind": "receive", "sku": "TEE-M", "warehouse": "BLR", "units": 1})

    assert api.adjust(body, key="c").json() == first.json()
    assert on_hand() == 5


def test_the_same_key_with_another_body_is_a_conflict_that_names_it(api, stocked):
    body = {"kind": "receive", "sku": "TEE-M", "warehouse": "BLR", "units": 5}
    api.adjust(body, key="k1")
    answer = api.adjust({**body, "units": 6}, key="k1")

    assert answer.status_code == 409
    assert "'k1'" in answer.json()["error"]["message"]
    assert on_hand() == 15


def test_two_tokens_may_use_the_same_key(api, stocked):
    body = {"kind": "receive", "sku": "TEE-M", "warehouse": "BLR", "units": 1}

    assert api.adjust(body, key="k").status_code == 201
    assert Api(make_key("write", name="other")).adjust(body, key="k").status_code == 201
    assert on_hand() == 12


def test_a_request_that_failed_leaves_its_key_free(api, stocked):
    body = {"kind": "transfer", "sku": "TEE-M", "warehouse": "BLR", "to_warehouse": "DEL", "units": 11}
    Warehouse.objects.create(code="DEL")

    refused = api.adjust(body, key="t")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "refused")
    assert "only 10" in refused.json()["error"]["message"].lower()
    assert not IdempotencyRecord.objects.exists()
    assert api.adjust({**body, "units": 4}, key="t").status_code == 201


def test_a_sale_outside_the_channels_takes_stock_that_no_listing_offers(api, stocked):
    sold = api.adjust({"kind": "sale", "sku": "TEE-M", "warehouse": "BLR", "units": 2}, key="bill-1")

    assert sold.status_code == 201
    assert sold.json()["set_aside"] is False
    assert [each["kind"] for each in sold.json()["movements"]] == ["sale"]
    assert on_hand() == 8
    wrong = api.adjust(
        {"kind": "receive", "sku": "TEE-M", "warehouse": "BLR", "units": 2, "when_short": "wait"}, key="x"
    )
    assert wrong.status_code == 400


def test_stock_that_listings_offer_is_refused_set_aside_or_forced(api, stocked):
    account = ChannelAccount.objects.create(channel="flipkart", name="fk", mode="live", health="ok")
    location = ChannelLocation.objects.create(account=account, external_id="L1")
    LocationLink.objects.create(location=location, warehouse=Warehouse.objects.get(code="BLR"))
    sku = Sku.objects.get(code="TEE-M")
    listing = Listing.objects.create(account=account, key="TEE-M", sku=sku, status="mapped", fulfilment="NON_FBF")
    ListingState.objects.create(
        listing=listing,
        location=location,
        account=account,
        shown=9,
        opened_at=timezone.now(),
        started_at=timezone.now(),
    )
    StockRule.objects.create(sku=sku, mode="strict")
    body = {"kind": "sale", "sku": "TEE-M", "warehouse": "BLR", "units": 4}

    refused = api.adjust(body, key="bill-2")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert "only 1 of 4 are free" in refused.json()["error"]["message"]
    waiting = api.adjust({**body, "when_short": "wait"}, key="bill-2")
    assert (waiting.status_code, waiting.json()["set_aside"], waiting.json()["movements"]) == (201, True, [])
    forced = api.adjust({**body, "when_short": "force"}, key="bill-3")
    assert (forced.status_code, forced.json()["set_aside"]) == (201, False)
    assert StockBalance.objects.get(sku=sku, warehouse__code="BLR").on_hand == 6


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 121, "schlüssel"])
def test_a_change_of_stock_needs_a_usable_key(api, stocked, key):
    body = {"kind": "receive", "sku": "TEE-M", "warehouse": "BLR", "units": 1}
    answer = api.post("adjustments/", body, **{"Idempotency-Key": key})

    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]["fields"]
    assert on_hand() == 10


@pytest.mark.django_db(transaction=True)
def test_of_eight_requests_at_once_with_one_key_one_has_an_effect(stocked):
    key = make_key("write")
    gate, answers = threading.Barrier(8), []

    def call() -> None:
        api = Api(key)
        gate.wait()
        answers.append(api.adjust({"kind": "receive", "sku": "TEE-M", "warehouse": "BLR", "units": 5}, key="same"))
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 7
    assert on_hand() == 15
    assert StockMovement.objects.filter(kind="receive").count() == 2


def test_every_kind_moves_what_it_says(api, stocked):
    Warehouse.objects.create(code="DEL")
    base = {"sku": "TEE-M", "warehouse": "BLR"}

    assert api.adjust({**base, "kind": "adjust", "units": -1, "reason": "torn"}).status_code == 201
    assert on_hand() == 9
    assert api.adjust({**base, "kind": "count", "counted": 8}).status_code == 201
    assert on_hand() == 8
    moved = api.adjust({**base, "kind": "transfer", "units": 3, "to_warehouse": "DEL"}).json()
    assert [(each["warehouse"], each["on_hand_delta"]) for each in moved["movements"]] == [("BLR", -3), ("DEL", 3)]
    assert (on_hand(), on_hand("DEL")) == (5, 3)
    assert api.adjust({**base, "kind": "quarantine", "units": 2}).status_code == 201
    assert (on_hand(), on_hand("QC")) == (3, 2)
    back = api.adjust({"sku": "TEE-M", "kind": "restock", "units": 1, "to_warehouse": "BLR"})
    assert back.status_code == 201
    assert (on_hand(), on_hand("QC")) == (4, 1)
    assert api.adjust({**base, "kind": "write_off", "units": 1}).status_code == 201
    assert (on_hand(), on_hand("BAD")) == (3, 1)


def test_a_count_that_agrees_moves_no_unit_and_is_answered(api, stocked):
    answer = api.adjust({"kind": "count", "sku": "TEE-M", "warehouse": "BLR", "counted": 10})

    assert answer.status_code == 201
    assert [each["on_hand_delta"] for each in answer.json()["movements"]] in ([], [0])
    assert answer.json()["levels"][0]["on_hand"] == 10


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "steal"}, "kind"),
        ({"units": 0}, "units"),
        ({"units": -3}, "units"),
        ({"units": "many"}, "units"),
        ({"units": 1.5}, "units"),
        ({"sku": "NOPE"}, "sku"),
        ({"warehouse": "NOPE"}, "warehouse"),
        ({"counted": 3}, "counted"),
        ({"to_warehouse": "BLR"}, "to_warehouse"),
        ({"kind": "adjust", "units": -1}, "reason"),
        ({"kind": "transfer"}, "to_warehouse"),
        ({"kind": "count"}, "counted"),
        ({"occurred_at": "1999-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+05:30"}, "occurred_at"),
        ({"occurred_at": "2099-01-01T00:00:00Z"}, "occurred_at"),
        ({"note": "x"}, "note"),
    ],
)
def test_an_adjustment_that_makes_no_sense_names_the_field(api, stocked, change, field):
    answer = api.adjust({"kind": "receive", "sku": "TEE-M", "warehouse": "BLR", "units": 1, **change})

    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]
    assert on_hand() == 10


def test_an_adjustment_decides_the_listings_anew(api, stocked, shop, warehouse, listing):
    location = ChannelLocation.objects.get()
    api.put(f"locations/{location.pk}/warehouses/", {"warehouses": ["BLR"]})
    link_listing(listing_id=listing.pk, sku=stocked, now=timezone.now())
    api.put(f"locations/{location.pk}/warehouses/", {"warehouses": ["BLR"]})
    before = ListingState.objects.get().decided_at

    api.adjust({"kind": "receive", "sku": "TEE-M", "warehouse": "BLR", "units": 5})

    assert ListingState.objects.get().decided_at > before


def test_levels_and_history_are_filtered(api, stocked):
    api.adjust({"kind": "adjust", "sku": "TEE-M", "warehouse": "BLR", "units": -9, "reason": "torn"})
    Sku.objects.create(code="OTHER")
    api.adjust({"kind": "receive", "sku": "OTHER", "warehouse": "BLR", "units": 7})

    def levels(**query):
        return [(row["sku"], row["available"]) for row in api.get("stock/", **query).json()["results"]]

    assert levels(sku="TEE-M") == [("TEE-M", 1)]
    assert levels(available_below=5) == [("TEE-M", 1)]
    assert sorted(levels(warehouse="BLR", kind="own")) == [("OTHER", 7), ("TEE-M", 1)]

    def kinds(**query):
        return [row["kind"] for row in api.get("movements/", **query).json()["results"]]

    assert kinds(sku="TEE-M") == ["adjust", "receive"]
    assert kinds(sku="TEE-M", kind="adjust") == ["adjust"]
    hour = timedelta(hours=1)
    assert kinds(since=(timezone.now() + hour).isoformat()) == []
    assert len(kinds(until=(timezone.now() + hour).isoformat())) == 3
    for nonsense in ("yesterday", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"):
        assert api.get("movements/", since=nonsense).status_code == 400


def test_history_can_not_be_changed_through_the_api(api, stocked):
    pk = StockMovement.objects.get().pk

    assert api.patch(f"movements/{pk}/", {"reason": "x"}).status_code in (404, 405)
    assert api.client.delete(f"/api/v1/movements/{pk}/").status_code in (404, 405)
    assert api.post("movements/", {}).status_code == 405


def test_a_warehouse_is_added_closed_and_never_changes_its_kind(api):
    made = api.post("warehouses/", {"code": "DEL", "name": "Delhi"})
    pk = made.json()["id"]

    assert (made.status_code, made.json()["kind"], made.json()["active"]) == (201, "own", True)
    assert api.post("warehouses/", {"code": "DEL"}).status_code == 400
    assert api.patch(f"warehouses/{pk}/", {"active": False}).json()["active"] is False
    assert api.patch(f"warehouses/{pk}/", {"kind": "bad"}).status_code == 400


def test_a_location_is_added_and_served_by_warehouses_in_order(api, flipkart, warehouse):
    Warehouse.objects.create(code="DEL")
    made = api.post("locations/", {"account": "Flipkart one", "external_id": "LOC77"})
    path = f"locations/{made.json()['id']}/warehouses/"

    assert made.status_code == 201
    assert made.json()["account"] == flipkart.pk
    assert api.get("locations/", linked="false").json()["results"][0]["external_id"] == "LOC77"
    assert api.put(path, {"warehouses": ["DEL", "BLR", "DEL"]}).json()["warehouses"] == ["DEL", "BLR"]
    assert api.put(path, {"warehouses": ["BLR"]}).json()["warehouses"] == ["BLR"]
    assert api.get("locations/", account=flipkart.pk, linked="true").json()["results"][0]["warehouses"] == ["BLR"]
    assert api.put(path, {"warehouses": []}).json()["warehouses"] == []
    assert api.post("locations/", {"account": flipkart.pk, "external_id": "LOC77"}).status_code == 400
    Warehouse.objects.create(code="FC", kind="flipkart_fc")
    assert api.put(path, {"warehouses": ["FC"]}).status_code == 400
    assert api.put(f"locations/{made.json()['id']}/", {"name": "x"}).status_code == 405


def test_stock_lists_take_a_fixed_number_of_queries(api, django_assert_num_queries, warehouse):
    account = ChannelAccount.objects.create(channel="flipkart", name="fk")

    def add(number):
        Sku.objects.create(code=f"S{number}")
        api.adjust({"kind": "receive", "sku": f"S{number}", "warehouse": "BLR", "units": 3})
        location = ChannelLocation.objects.create(account=account, external_id=f"L{number}")
        api.put(f"locations/{location.pk}/warehouses/", {"warehouses": ["BLR"]})

    expected = {"stock/": 2, "movements/": 2, "warehouses/": 2, "locations/": 3}
    add(0)
    for path, queries in expected.items():
        with django_assert_num_queries(queries):
            api.get(path)
    for number in range(1, 12):
        add(number)
    for path, queries in expected.items():
        with django_assert_num_queries(queries):
            api.get(path)
