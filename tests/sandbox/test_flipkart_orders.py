"""Section 13, points 5, 6, 7, 8 and 10: searching, packing, dispatching and cancelling at the Flipkart sandbox."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from tests.sandbox.test_flipkart_tools import LOC_A, LOC_B, MUG, PRE_DISPATCH_STATES, TEE, selling, until


def ids(rows: list) -> list[str]:
    return [row["shipmentId"] for row in rows]


def quantities(shipment: dict) -> dict[str, int]:
    """Status -> units in a shipment."""
    found: dict[str, int] = {}
    for item in shipment["orderItems"]:
        found[item["status"]] = found.get(item["status"], 0) + int(item["quantity"])
    return found


# --- buying


def test_an_order_lowers_what_is_shown_at_once_and_is_refused_at_zero():
    with selling() as seller:
        bought = seller.market.buy(listing_key=MUG, units=5)
        refused = seller.market.buy(listing_key=MUG)
        unknown = seller.market.buy(listing_key="NO-SUCH")
        shown, stats = seller.shown(MUG), seller.market.stats()
        truth = seller.server.world.truth

    assert (bought.accepted, bought.location, shown) == (True, LOC_A, 0)
    assert (refused.reason, unknown.reason) == ("out_of_stock", "not_listed")
    assert (stats["orders_accepted"], stats["orders_refused"]) == (1, 2)
    assert truth.summary()["MUG"]["sold"] == 5


def test_flipkart_picks_a_location_that_has_all_units():
    with selling() as seller:
        first = seller.market.buy(listing_key=TEE, units=8)
        second = seller.market.buy(listing_key=TEE, units=4)
        third = seller.market.buy(listing_key=TEE, units=3)

    assert (first.location, second.location) == (LOC_A, LOC_B)
    assert third.reason == "out_of_stock"


def test_ids_are_of_flipkarts_kind():
    with selling() as seller:
        bought = seller.market.buy(listing_key=TEE)
        shipment = seller.shipment(bought.order_id)

    item = shipment["orderItems"][0]
    assert bought.order_id.startswith("OD")
    assert int(item["orderItemId"]) > 2**53
    assert item["cancellationGroupId"].startswith("grp")
    assert len(shipment["shipmentId"].split("-")) == 5


def test_sku_text_is_escaped_and_quantities_may_be_floats_in_orders():
    sku = 'CAP "S" & <M>'
    with selling(listings=[{"sku": sku, "locations": 9}], settings={"float_quantity_share": 0.0}) as seller:
        plain = seller.shipment(seller.market.buy(listing_key=sku, units=2).order_id)
        seller.fault("quantity_as_float")
        text = seller.get("/sellers/v3/shipments", params={"shipmentIds": plain["shipmentId"]}).text

    item = plain["orderItems"][0]
    assert item["sku"] == "CAP &quot;S&quot; &amp; &lt;M&gt;"
    assert type(item["quantity"]) is int
    assert '"quantity": 2.0' in text


def test_fields_come_in_no_fixed_order_and_some_are_unknown():
    with selling() as seller:
        shipment_id = seller.shipment(seller.market.buy(listing_key=TEE).order_id)["shipmentId"]
        answers = [
            seller.get("/sellers/v3/shipments", params={"shipmentIds": shipment_id}).json()["shipments"][0]
            for _ in range(6)
        ]

    assert len({tuple(answer) for answer in answers}) > 1
    assert "slaTierCode" in answers[0]


def test_a_replacement_is_a_new_shipment_of_the_same_order():
    with selling() as seller:
        first = seller.market.buy(listing_key=TEE)
        second = seller.market.buy(listing_key=TEE, replacement_of=first.order_id)
        shipments = seller.get("/sellers/v3/shipments", params={"orderIds": first.order_id}).json()["shipments"]

    assert second.order_id == first.order_id
    assert len(set(ids(shipments))) == 2
    assert sorted(each["orderItems"][0]["is_replacement"] for each in shipments) == [False, True]


# --- the filter hides things


def test_the_filter_hides_holds_other_profiles_and_other_shipment_types_by_default():
    with selling() as seller:
        usual = seller.market.buy(listing_key=TEE)
        held = seller.market.buy(listing_key=TEE, hold=True)
        lite = seller.market.buy(listing_key=TEE, service_profile="FBF_LITE")
        own_courier = seller.market.buy(listing_key=TEE, shipment_type="SELF")

        def orders(**criteria) -> set[str]:
            return {row["orderItems"][0]["orderId"] for row in seller.filter(states=PRE_DISPATCH_STATES, **criteria)}

        found = (orders(), orders(hold=True), orders(serviceProfiles=["FBF_LITE"]), orders(shipmentTypes=["SELF"]))

    assert found == ({usual.order_id}, {held.order_id}, {lite.order_id}, {own_courier.order_id})


@pytest.mark.parametrize(
    "criteria",
    [
        {},
        {"type": "postpaid"},
        {"type": "cancelled"},
        {"type": "preDispatch", "states": ["READY_TO_PACK"]},
        {"type": "preDispatch", "orderDate": {"from": "yesterday"}},
    ],
)
def test_a_search_that_breaks_the_rules_is_a_422(criteria):
    with selling() as seller:
        answer = seller.post("/sellers/v3/shipments/filter", {"filter": criteria})
        seller.market.command("settings", {"error_shape": "errors"})
        other_shape = seller.post("/sellers/v3/shipments/filter", {"filter": criteria})

    assert (answer.status_code, other_shape.status_code) == (422, 422)
    assert answer.json()["errorCode"]
    assert other_shape.json()["errors"]


def test_the_next_page_is_relative_lacks_the_prefix_and_is_there_even_at_the_end():
    with selling(listings=[{"sku": TEE, "locations": 50}]) as seller:
        for _ in range(25):
            seller.market.buy(listing_key=TEE)
        first = seller.post("/sellers/v3/shipments/filter/", {"filter": {"type": "preDispatch"}}).json()
        last = seller.get("/sellers" + first["nextPageUrl"]).json()
        token = first["nextPageUrl"].split("next_token=")[1]
        beyond = seller.get("/sellers" + last["nextPageUrl"])

    assert (first["hasMore"], len(first["shipments"])) == (True, 20)
    assert (last["hasMore"], len(last["shipments"])) == (False, 5)
    assert last["nextPageUrl"].startswith("/v3/shipments/filter?next_token=")
    outer = json.loads(base64.urlsafe_b64decode(token))
    assert json.loads(base64.b64decode(outer["token"]))["pagination"] == {"page_num": 2, "page_size": 20}
    assert beyond.status_code == 422
    assert not set(ids(first["shipments"])) & set(ids(last["shipments"]))


def test_pages_are_offsets_so_a_row_that_leaves_shifts_another_over_the_edge():
    with selling() as seller:
        orders = [seller.market.buy(listing_key=TEE) for _ in range(4)]
        body = {"filter": {"type": "preDispatch"}, "pagination": {"pageSize": 2}}
        first = seller.post("/sellers/v3/shipments/filter", body).json()
        seller.market.ship(order_id=first["shipments"][0]["orderItems"][0]["orderId"])
        second = seller.get("/sellers" + first["nextPageUrl"]).json()

    seen = set(ids(first["shipments"])) | set(ids(second["shipments"]))
    assert len(orders) == 4
    assert len(seen) == 3


@pytest.mark.parametrize(("cap", "status"), [("error", 422), ("truncate", 200)])
def test_paging_ends_at_a_depth(cap, status):
    with selling(settings={"filter_depth": 4, "depth_cap": cap}) as seller:
        for _ in range(6):
            seller.market.buy(listing_key=TEE)
        answer = seller.post(
            "/sellers/v3/shipments/filter", {"filter": {"type": "preDispatch"}, "pagination": {"pageSize": 2}}
        ).json()
        rows, statuses = len(answer["shipments"]), [200]
        while answer.get("hasMore"):
            page = seller.get("/sellers" + answer["nextPageUrl"])
            statuses.append(page.status_code)
            answer = page.json()
            rows += len(answer.get("shipments", []))

    assert rows == 4
    assert statuses[-1] == status


def test_a_date_window_is_named_from_and_to_and_other_names_filter_nothing():
    with selling() as seller:
        bought = seller.market.buy(listing_key=TEE)
        now = seller.market.state.now()
        past = {"from": (now - timedelta(hours=2)).isoformat(), "to": (now - timedelta(hours=1)).isoformat()}
        around = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
        wrong_names = {"fromDate": past["from"], "toDate": past["to"]}
        found = [len(seller.filter(modifiedDate=window)) for window in (past, around, wrong_names)]

    assert bought.accepted
    assert found == [0, 1, 1]


def test_a_new_order_is_found_by_id_at_once_and_by_the_filter_later():
    with selling(settings={"index_delay_seconds": [600, 600]}) as seller:
        bought = seller.market.buy(listing_key=TEE)
        by_id = seller.get("/sellers/v3/shipments", params={"orderItemIds": bought.line_ids[0]}).json()["shipments"]
        at_once = seller.filter()
        later = until(seller.filter)

    assert by_id[0]["orderItems"][0]["orderId"] == bought.order_id
    assert at_once == []
    assert ids(later) == ids(by_id)


def test_get_takes_exactly_one_kind_of_id_up_to_a_hundred_and_leaves_unknown_ones_out():
    with selling() as seller:
        shipment = seller.shipment(seller.market.buy(listing_key=TEE).order_id)
        known = shipment["shipmentId"]
        mixed = seller.get("/sellers/v3/shipments", params={"shipmentIds": f"{known},unknown"}).json()["shipments"]
        two = seller.get("/sellers/v3/shipments", params={"shipmentIds": known, "orderIds": "OD1"})
        many = seller.get("/sellers/v3/shipments", params={"shipmentIds": ",".join("x" * 101)})
        details = seller.get(f"/sellers/v3/shipments/{known}").json()["shipments"][0]

    assert ids(mixed) == [known]
    assert (two.status_code, many.status_code) == (422, 422)
    assert details["orderItems"] == [{"id": shipment["orderItems"][0]["orderItemId"], "quantity": 1}]
    assert details["deliveryAddress"]["contactNumber"] is None


# --- the state machine


def test_a_shipment_is_packed_some_time_after_the_call_and_then_dispatched_once():
    with selling(settings={"pack_seconds": [500, 500]}) as seller:
        order_id = seller.market.buy(listing_key=TEE).order_id
        shipment = seller.shipment(order_id)
        accepted = seller.pack(shipment)
        running = seller.shipment(order_id)["orderItems"][0]["status"]
        repeated, early = seller.pack(shipment), seller.dispatch(shipment)
        until(lambda: seller.shipment(order_id)["orderItems"][0]["status"] == "PACKED")
        tracked = seller.get(f"/sellers/v3/shipments/{shipment['shipmentId']}").json()["shipments"][0]
        first, second = seller.dispatch(shipment), seller.dispatch(shipment)
        ready = seller.shipment(order_id)["orderItems"][0]["status"]

    assert (accepted["status"], running) == ("SUCCESS", "PACKING_IN_PROGRESS")
    assert repeated["errorCode"] == early["errorCode"] == "ORDER_ITEM_PACKING_IN_PROGRESS"
    assert tracked["subShipments"][0]["courierDetails"]["pickupDetails"]["trackingId"].startswith("FMPP")
    assert first["status"] == "SUCCESS"
    assert second["errorCode"] == "ORDER_ITEM_ALREADY_DISPATCHED"
    assert ready == "READY_TO_DISPATCH"


def test_hold_and_dispatch_after_date_bar_packing():
    with selling(settings={"dispatch_after_seconds": 36_000}) as seller:
        order_id = seller.market.buy(listing_key=TEE).order_id
        shipment = seller.shipment(order_id)
        early = seller.pack(shipment)
        now = seller.market.state.now()
        dates = {"after": (now - timedelta(hours=1)).isoformat(), "by": (now + timedelta(hours=9)).isoformat()}
        seller.market.command("dispatch_dates", {"order_id": order_id, **dates})
        seller.market.command("hold", {"order_id": order_id})
        held = seller.pack(shipment)
        seller.market.command("unhold", {"order_id": order_id})
        free = seller.pack(shipment)

    assert [each["status"] for each in (early, held, free)] == ["FAILURE", "FAILURE", "SUCCESS"]
    assert "dispatchAfterDate" in early["errorMessage"]
    assert "hold" in held["errorMessage"]


def test_packing_may_fail_over_dimensions_or_forms():
    with selling() as seller:
        order_id = seller.market.buy(listing_key=TEE).order_id
        shipment = seller.shipment(order_id)
        seller.fault("pack_fails", times=1)
        refused = seller.pack(shipment)
        seller.fault("form_failed", times=1)
        seller.pack(shipment)
        failed = until(lambda: list(seller.shipment(order_id)["forms"]))
        listed = seller.get(f"/sellers/v3/shipments/{shipment['shipmentId']}/forms").json()["shipments"][0]["forms"]
        forms = [{"name": failed[0]["name"], "ackNumber": "1"}]
        seller.post(
            "/sellers/v3/shipments/forms/updateAck",
            {"shipments": [{"shipmentId": shipment["shipmentId"], "forms": forms}]},
        )
        until(lambda: seller.shipment(order_id)["orderItems"][0]["status"] == "PACKED")

    assert "dimensions" in refused["errorMessage"]
    assert listed[0]["status"] == "Failed"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"taxItems": [{"orderItemId": "1", "taxRate": 0}]}, "INVALID_REQUEST_ITEM_ID"),
        ({"taxItems": [{"taxRate": 0, "quantity": 9}]}, "QUANTITY_MISMATCH_ERROR"),
        ({"invoices": [{"invoiceDate": "21.11.2026"}]}, "INVALID_REQUEST_DATE_FORMAT"),
        ({"subShipments": [{"subShipmentId": "SS-1"}]}, "UNPROCESSABLE_ENTITY"),
        ({"locationId": LOC_B}, "OPERATION_NOT_ALLOWED"),
    ],
)
def test_a_pack_request_has_to_fit_the_shipment(changes, code):
    with selling() as seller:
        shipment = seller.shipment(seller.market.buy(listing_key=TEE, location=LOC_A).order_id)
        item = shipment["orderItems"][0]
        entry = {"shipmentId": shipment["shipmentId"], "locationId": LOC_A, **changes}
        for tax in entry.get("taxItems", []):
            tax.setdefault("orderItemId", item["orderItemId"])
        for invoice in entry.get("invoices", []):
            invoice["orderId"] = item["orderId"]
        result = seller.post("/sellers/v3/shipments/labels", {"shipments": [entry]}).json()["shipments"][0]

    assert (result["status"], result["errorCode"]) == ("FAILURE", code)


def test_actions_take_25_shipments_and_name_the_result_by_the_switch():
    with selling() as seller:
        rows = [{"shipmentId": f"x{number}", "locationId": LOC_A} for number in range(26)]
        packed = seller.post("/sellers/v3/shipments/labels", {"shipments": rows})
        dispatched = seller.post(
            "/sellers/v3/shipments/dispatch", {"shipmentIds": [row["shipmentId"] for row in rows], "locationId": LOC_A}
        )
        cancelled = seller.post("/sellers/v3/shipments/cancel", {"shipments": rows})
        usual = seller.post("/sellers/v3/shipments/labels", {"shipments": rows[:1]}).json()["shipments"][0]
        seller.market.command("settings", {"result_field": "processingStatus"})
        switched = seller.post("/sellers/v3/shipments/labels", {"shipments": rows[:1]}).json()["shipments"][0]

    assert [each.status_code for each in (packed, dispatched, cancelled)] == [422, 422, 422]
    assert (usual["status"], usual["errorCode"]) == ("FAILURE", "INVALID_SHIPMENTS")
    assert switched["processingStatus"] == "FAILURE"


def test_an_order_can_be_made_to_progress_by_itself():
    steps = {name: [1, 2] for name in ("pack", "dispatch", "ship", "deliver")}
    with selling(settings={"auto_progress": steps, "pack_seconds": [0, 0]}, factor=20_000) as seller:
        order_id = seller.market.buy(listing_key=TEE).order_id
        until(lambda: seller.shipment(order_id)["orderItems"][0]["status"] == "DELIVERED")
        shown = seller.filter("postDispatch", states=["DELIVERED"])

    assert shown[0]["orderItems"][0]["orderId"] == order_id


# --- cancelling


def test_a_sellers_cancel_empties_the_listing_at_that_location():
    with selling() as seller:
        order_id = seller.market.buy(listing_key=TEE, location=LOC_A).order_id
        result = seller.cancel_by_api(seller.shipment(order_id))
        again = seller.cancel_by_api(seller.shipment(order_id))
        shown = (seller.shown(TEE, LOC_A), seller.shown(TEE, LOC_B))
        rows = seller.filter("cancelled", states=["CANCELLED"], cancellationType="sellerCancellation")
        truth = seller.server.world.truth.summary()["TEE"]

    assert result["status"] == "SUCCESS"
    assert again["errorCode"] == "ORDER_ITEM_ALREADY_CANCELLED"
    assert shown == (0, 4)
    assert rows[0]["orderItems"][0]["cancellationSubReason"] == "not_enough_inventory"
    assert truth["sold"] == 0


def test_a_seller_may_not_cancel_without_a_reason_nor_once_packed():
    with selling() as seller:
        order_id = seller.market.buy(listing_key=TEE).order_id
        no_reason = seller.cancel_by_api(seller.shipment(order_id), reason="changed_my_mind")
        seller.market.command("pack", {"order_id": order_id})
        packed = seller.cancel_by_api(seller.shipment(order_id))
        seller.market.ship(order_id=order_id)
        shipped = seller.cancel_by_api(seller.shipment(order_id))

    assert no_reason["errorCode"] == "EMPTY_OR_INVALID_REASON_FOR_CANCELLATION"
    assert packed["errorCode"] == "INVALID_ITEM_STATE"
    assert shipped["errorCode"] == "ORDER_ITEM_ALREADY_DISPATCHED"


@pytest.mark.parametrize(("restock", "expected"), [(True, 10), (False, 6)])
def test_a_buyers_cancel_restocks_where_the_setting_says_so(restock, expected):
    with selling(settings={"restock_on_cancel": restock}) as seller:
        order_id = seller.market.buy(listing_key=TEE, units=4, location=LOC_A).order_id
        done = seller.market.cancel(order_id=order_id, by="buyer")
        shown = seller.shown(TEE, LOC_A)

    assert (done["cancelled"], shown) == (4, expected)


def test_a_partial_cancel_splits_the_line_between_the_live_and_the_cancelled_result():
    with selling() as seller:
        bought = seller.market.buy(listing_key=TEE, units=3)
        seller.market.cancel(order_id=bought.order_id, by="marketplace", units=1)
        live = seller.filter()[0]
        cancelled = seller.filter("cancelled", cancellationType="marketplaceCancellation")[0]
        other_type = seller.filter("cancelled", cancellationType="buyerCancellation")
        whole = seller.shipment(bought.order_id)

    assert (quantities(live), quantities(cancelled)) == ({"APPROVED": 2}, {"CANCELLED": 1})
    assert {item["orderItemId"] for item in live["orderItems"] + cancelled["orderItems"]} == {bought.line_ids[0]}
    assert quantities(whole) == {"APPROVED": 2, "CANCELLED": 1}
    assert other_type == []


def test_a_buyer_may_not_cancel_what_is_ready_to_go():
    with selling() as seller:
        order_id = seller.market.buy(listing_key=TEE).order_id
        seller.market.ship(order_id=order_id, to="READY_TO_DISPATCH")
        done = seller.market.cancel(order_id=order_id, by="buyer")

    assert done["cancelled"] == 0


def test_items_of_one_group_are_cancelled_together_and_other_groups_stay():
    with selling() as seller:
        rows = [{"sku": TEE, "units": 2, "group": "set"}, {"sku": MUG, "units": 1, "group": "set"}, {"sku": MUG}]
        made = seller.market.command("order", {"items": rows})
        shipment = seller.shipment(made["order_id"])
        groups = {item["cancellationGroupId"] for item in shipment["orderItems"]}
        first = made["items"][0]["cancellation_group_id"]
        entry = {"shipmentId": made["shipment_id"], "cancellationGroupIds": [first], "reason": "cannot_procure_item"}
        result = seller.post("/sellers/v3/shipments/cancel", {"shipments": [entry]}).json()["shipments"][0]
        after = quantities(seller.shipment(made["order_id"]))

    assert len(groups) == 2
    assert result["status"] == "SUCCESS"
    assert after == {"CANCELLED": 3, "APPROVED": 1}


# --- self-ship


def test_a_self_ship_order_goes_out_and_arrives_by_the_sellers_own_calls():
    with selling() as seller:
        order_id = seller.market.buy(listing_key=TEE, shipment_type="SELF").order_id
        shipment = seller.shipment(order_id)
        today = seller.market.state.now()
        invoice = {
            "invoiceNumber": "A1",
            "invoiceDate": today.date().isoformat(),
            "items": [{"orderItemId": shipment["orderItems"][0]["orderItemId"], "quantity": 1}],
        }
        entry = {
            "shipmentId": shipment["shipmentId"],
            "locationId": shipment["locationId"],
            "dispatchDate": today.isoformat(),
            "tentativeDeliveryDate": (today + timedelta(days=3)).isoformat(),
            "deliveryPartner": "Own van",
            "trackingId": "VAN-1",
            "invoice": invoice,
        }
        future = {**entry, "dispatchDate": (today + timedelta(days=2)).isoformat()}
        path = "/sellers/v3/shipments/selfShip/"
        refused = seller.post(path + "dispatch", {"shipments": [future]}).json()["shipments"][0]
        sent = seller.post(path + "dispatch", {"shipments": [entry]}).json()["shipments"][0]
        shipped = seller.shipment(order_id)["orderItems"][0]["status"]
        arrival = {"shipmentId": shipment["shipmentId"], "deliveryDate": "2026-01-05"}
        arrived = seller.post(path + "delivery", {"shipments": [arrival]}).json()["shipments"][0]
        done = seller.shipment(order_id)["orderItems"][0]["status"]
        normal = seller.shipment(seller.market.buy(listing_key=TEE).order_id)
        foreign = seller.post(path + "delivery", {"shipments": [{**arrival, "shipmentId": normal["shipmentId"]}]})

    assert (refused["processingStatus"], sent["processingStatus"], shipped) == ("FAILURE", "SUCCESS", "SHIPPED")
    assert (arrived["processingStatus"], done) == ("SUCCESS", "COMPLETED")
    assert foreign.json()["shipments"][0]["errorCode"] == "OPERATION_NOT_ALLOWED"


def test_a_self_ship_order_with_an_open_service_is_completed_by_the_service():
    with selling() as seller:
        bought = seller.market.buy(listing_key=TEE, shipment_type="SELF")
        shipment = seller.shipment(bought.order_id)
        service = {"orderItemId": bought.line_ids[0], "serviceType": "FORWARD"}
        seller.post("/sellers/v2/shipments/sandbox/create_service/", service)
        seller.market.ship(order_id=bought.order_id)
        arrival = {"shipmentId": shipment["shipmentId"], "deliveryDate": "2026-01-05"}
        seller.post("/sellers/v3/shipments/selfShip/delivery", {"shipments": [arrival]})
        delivered = seller.shipment(bought.order_id)["orderItems"][0]["status"]
        done = seller.post("/sellers/v2/services/complete", {"services": [arrival]}).json()["services"][0]
        completed = seller.shipment(bought.order_id)["orderItems"][0]["status"]

    assert (delivered, done["processingStatus"], completed) == ("DELIVERED", "SUCCESS", "COMPLETED")


# --- Flipkart's own helpers


def test_flipkarts_helper_calls_make_and_move_an_order():
    with selling() as seller:
        listing_id = seller.details(TEE)["listing_id"]
        body = {"shipmentType": "", "locationId": LOC_B, "orderItems": [{"listingId": listing_id, "quantity": 2}]}
        made = seller.post("/sellers/orders/sandbox/test_orders", body).json()
        item = {"orderItemId": made["orderItems"][0]["orderItemId"]}
        held = seller.put("/sellers/orders/sandbox/on_hold", item)
        on_hold = seller.shipment(made["orderId"])["hold"]
        seller.put("/sellers/orders/sandbox/un_hold", item)
        early = seller.post("/sellers/orders/sandbox/shipped", item)
        slot = {"dispatch_after_date": "2026-01-01T10:00:00+05:30", "dispatch_by_date": "2026-01-02T10:00:00+05:30"}
        seller.post("/sellers/orders/sandbox/update_dispatch_slot", {**item, **slot})
        moved = seller.shipment(made["orderId"])
        seller.market.ship(order_id=made["orderId"], to="READY_TO_DISPATCH")
        for name in ("pick_up_complete", "shipped", "delivered"):
            assert seller.post(f"/sellers/orders/sandbox/{name}", item).status_code == 200
        delivered = seller.shipment(made["orderId"])["orderItems"][0]["status"]
        shown = seller.shown(TEE, LOC_B)

    assert (held.json(), on_hold) == ({"response": "SUCCESS"}, True)
    assert early.status_code == 400
    assert moved["dispatchByDate"] == "2026-01-02T10:00:00.000+05:30"
    assert (delivered, shown) == ("DELIVERED", 2)
