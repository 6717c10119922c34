"""Section 13, points 8, 9 and 11: documents and returns of the Flipkart sandbox."""

from __future__ import annotations

import re

import pytest

from tests.sandbox.test_flipkart_tools import LOC_A, MUG, TEE, Seller, selling

RETURNS = "/sellers/v2/returns"


def delivered(seller: Seller, *, units: int = 1, **options) -> tuple[str, str]:
    """(order id, order item id) of an order that reached its buyer."""
    bought = seller.market.buy(listing_key=TEE, units=units, **options)
    seller.market.ship(order_id=bought.order_id, to="DELIVERED")
    return bought.order_id, bought.line_ids[0]


def packed(seller: Seller) -> str:
    order_id = seller.market.buy(listing_key=TEE).order_id
    seller.market.command("pack", {"order_id": order_id})
    return seller.shipment(order_id)["shipmentId"]


# --- documents


def test_labels_are_pdf_bytes_with_a_table_that_fits():
    with selling() as seller:
        first, second = packed(seller), packed(seller)
        labels = seller.get(f"/sellers/v3/shipments/{first},{second}/labels")

    body = labels.content
    start = int(re.findall(rb"startxref\n(\d+)\n", body)[0])
    offsets = [int(each) for each in re.findall(rb"(\d{10}) 00000 n", body)]
    assert labels.headers["Content-Type"] == "application/pdf"
    assert body.startswith(b"%PDF-")
    assert body.endswith(b"%%EOF\n")
    assert body[start : start + 4] == b"xref"
    assert all(body[offset:].startswith(b"%d 0 obj" % number) for number, offset in enumerate(offsets, start=1))
    assert b"/Count 2" in body


def test_a_label_of_an_unpacked_shipment_is_a_json_error():
    with selling() as seller:
        shipment = seller.shipment(seller.market.buy(listing_key=TEE).order_id)
        unpacked = seller.get(f"/sellers/v3/shipments/{shipment['shipmentId']}/labels")
        unknown = seller.get("/sellers/v3/shipments/unknown/labels")
        many = seller.get(f"/sellers/v3/shipments/{','.join('x' * 101)}/labels")
        seller.fault("document_error", times=1)
        broken = seller.get(f"/sellers/v3/shipments/{packed(seller)}/labels")

    assert (unpacked.status_code, unpacked.json()["errorCode"]) == (400, "ORDER_ITEM_NOT_PACKED")
    assert (unknown.status_code, many.status_code) == (400, 422)
    assert (broken.status_code, broken.json()["errorCode"]) == (200, "DEPENDENT_SYSTEM_CALL_FAILED")


def test_label_only_packs_unless_it_is_a_reprint():
    with selling() as seller:
        order_id = seller.market.buy(listing_key=TEE).order_id
        path = f"/sellers/v3/shipments/{seller.shipment(order_id)['shipmentId']}/labelOnly/pdf"
        reprint = seller.post(path + "?reprint=true")
        before = seller.shipment(order_id)["orderItems"][0]["status"]
        printed = seller.post(path)
        after = seller.shipment(order_id)["orderItems"][0]["status"]
        many = seller.post(f"/sellers/v3/shipments/{','.join('x' * 51)}/labelOnly")

    assert (reprint.status_code, before) == (400, "APPROVED")
    assert (printed.content[:4], after) == (b"%PDF", "PACKED")
    assert many.status_code == 422


def test_an_invoice_is_json_or_pdf_by_content_type():
    with selling() as seller:
        path = f"/sellers/v3/shipments/{packed(seller)}/invoices"
        as_json = seller.get(path, headers={"Content-Type": "application/json"})
        as_pdf = seller.get(path, headers={"Content-Type": "application/pdf"})

    assert as_json.json()["invoices"][0]["orderItems"][0]["invoiceAmount"] == 999.0
    assert as_pdf.content.startswith(b"%PDF")


def test_what_is_ready_to_go_is_counted_for_handover_and_printed_as_a_manifest():
    with selling() as seller:
        for _ in range(2):
            seller.market.ship(order_id=seller.market.buy(listing_key=TEE).order_id, to="READY_TO_DISPATCH")
        rows = seller.get("/sellers/v3/shipments/handover/counts", params={"locationId": LOC_A}).json()
        params = {"vendorGroupCode": rows[0]["vendorGroupCode"], "locationId": LOC_A, "isMps": rows[0]["isMps"]}
        manifest = seller.post("/sellers/v3/shipments/manifest", {"params": params})
        codes = seller.get(f"/sellers/v3/shipments/otc/{LOC_A}", params={"requestType": "RETURN"}).json()["otcs"]

    assert [(row["count"], set(row["pickUpDate"])) for row in rows] == [(2, {"after", "before"})]
    assert manifest.content.count(b"FMPP") == 2
    assert codes[0]["otc"][0]["type"] == "RETURN"


# --- returns


def test_returns_are_searched_by_source_and_come_in_lower_case_without_sku():
    with selling() as seller:
        _, item = delivered(seller)
        on_the_way = seller.market.buy(listing_key=TEE)
        seller.market.ship(order_id=on_the_way.order_id)
        seller.market.command("return", {"order_item_id": item, "source": "customer_return"})
        seller.market.command("return", {"order_item_id": on_the_way.line_ids[0], "source": "courier_return"})
        no_source = seller.get(RETURNS)
        customer = seller.get(RETURNS, params={"source": "customer_return"}).json()["returnItems"]
        courier = seller.get(RETURNS, params={"source": "courier_return"}).json()["returnItems"]
        parent = seller.get("/sellers/v3/shipments", params={"orderItemIds": item}).json()["shipments"][0]

    assert no_source.status_code == 422
    assert [(row["orderItemId"], row["status"], row["type"]) for row in customer] == [
        (item, "created", "customer_return")
    ]
    assert [row["orderItemId"] for row in courier] == [on_the_way.line_ids[0]]
    assert "sku" not in customer[0]
    assert (customer[0]["createdDate"][-6:], customer[0]["updatedDate"][-1]) == ("+05:30", "Z")
    assert parent["orderItems"][0]["status"] == "RETURN_REQUESTED"


def test_return_pages_hold_25_and_go_on_under_the_v2_prefix():
    with selling(listings=[{"sku": TEE, "locations": 60}]) as seller:
        for _ in range(28):
            seller.market.command("return", {"order_item_id": delivered(seller)[1], "source": "customer_return"})
        first = seller.get(RETURNS, params={"source": "customer_return"}).json()
        second = seller.get("/sellers/v2" + first["nextUrl"]).json()
        wrong_prefix = seller.get("/sellers" + first["nextUrl"])

    assert first["nextUrl"].startswith("/returns/search/")
    assert (len(first["returnItems"]), len(second["returnItems"])) == (25, 3)
    assert (first["hasMore"], second["hasMore"]) == (True, False)
    assert wrong_prefix.status_code == 404


def test_returns_can_be_found_by_id_and_by_window_and_a_bare_plus_is_no_date():
    with selling() as seller:
        made = seller.market.command("return", {"order_item_id": delivered(seller)[1], "source": "customer_return"})
        by_id = seller.get(RETURNS, params={"returnIds": made["return_id"]}).json()["returnItems"]
        window = {"source": "customer_return", "modifiedAfter": "2090-01-01T00:00:00+05:30"}
        later = seller.get(RETURNS, params=window).json()["returnItems"]
        bare_plus = seller.get(RETURNS + "?source=customer_return&createdAfter=2026-01-01T00:00:00+05:30")
        many = seller.get(RETURNS, params={"returnIds": ",".join("x" * 26)})

    assert [row["returnId"] for row in by_id] == [made["return_id"]]
    assert later == []
    assert (bare_plus.status_code, many.status_code) == (422, 422)


def test_a_completed_return_puts_nothing_on_sale_and_may_put_goods_on_the_shelf():
    with selling() as seller:
        order_id, item = delivered(seller, units=3)
        made = seller.market.command(
            "return", {"order_item_id": item, "source": "customer_return", "units": 2, "action": "dnt_expect"}
        )
        before = seller.shown(TEE)
        shelf = seller.server.world.truth.summary()["TEE"]["shelf"]
        seller.market.command(
            "return_event", {"return_id": made["return_id"], "event": "completed", "back_on_shelf": True}
        )
        parts = {part["status"]: part["quantity"] for part in seller.shipment(order_id)["orderItems"]}
        row = seller.get(RETURNS, params={"source": "customer_return"}).json()["returnItems"][0]
        grown = seller.server.world.truth.summary()["TEE"]["shelf"] - shelf

    assert (seller.shown(TEE), grown) == (before, 2)
    assert parts == {"DELIVERED": 1, "RETURNED": 2}
    assert (row["status"], row["action"], row["quantity"]) == ("completed", "dnt_expect", 2)


def test_only_what_was_delivered_can_be_returned_by_its_buyer():
    with selling() as seller:
        bought = seller.market.buy(listing_key=MUG)

        with pytest.raises(ValueError, match="can come back"):
            seller.market.command("return", {"order_item_id": bought.line_ids[0], "source": "customer_return"})


def test_flipkarts_helpers_make_and_end_a_return():
    with selling() as seller:
        order_id, item = delivered(seller)
        made = seller.post("/sellers/returns/sandbox/create_returns", {"orderItemId": item, "returnType": "customer"})
        ended = seller.post("/sellers/returns/sandbox/return_events", {"orderItemId": item, "eventType": "cancelled"})
        status = seller.shipment(order_id)["orderItems"][0]["status"]
        row = seller.get(RETURNS, params={"source": "customer_return"}).json()["returnItems"][0]

    assert (made.status_code, ended.status_code) == (200, 200)
    assert (status, row["status"]) == ("DELIVERED", "cancelled")


def test_a_seller_acts_on_self_ship_returns_only():
    with selling() as seller:
        normal = seller.market.command("return", {"order_item_id": delivered(seller)[1], "source": "customer_return"})[
            "return_id"
        ]
        _, own_item = delivered(seller, shipment_type="SELF")
        own = seller.market.command("return", {"order_item_id": own_item, "source": "customer_return"})["return_id"]

        def act(action: str, **row) -> dict:
            answer = seller.post(f"{RETURNS}/{action}", {"returns": [row]}).json()["returns"][0]
            return {"status": answer["processingStatus"], "code": answer["errorCode"]}

        foreign = act("approve", returnId=normal)
        early = act("pickup", returnId=own, pickupDate="2026-01-09")
        approved = act("approve", returnId=own)
        picked = act("pickup", returnId=own, pickupDate="2026-01-09")
        row = seller.get(RETURNS, params={"returnIds": own}).json()["returnItems"][0]

    assert foreign == {"status": "FAILURE", "code": "OPERATION_NOT_ALLOWED"}
    assert early["code"] == "INVALID_ITEM_STATE"
    assert approved["status"] == picked["status"] == "SUCCESS"
    assert row["status"] == "completed"


def test_a_courier_return_of_self_ship_is_acknowledged_by_its_id():
    with selling() as seller:
        made = []
        for _ in range(2):
            bought = seller.market.buy(listing_key=TEE, shipment_type="SELF")
            seller.market.ship(order_id=bought.order_id)
            made.append(
                seller.market.command("return", {"order_item_id": bought.line_ids[0], "source": "courier_return"})
            )
        first, second = (each["return_id"] for each in made)
        completed = seller.post(f"{RETURNS}/complete", {"returnIds": [first], "locationId": LOC_A}).json()
        cancelled = seller.post(f"{RETURNS}/cancel", {"returnIds": [second], "locationId": LOC_A}).json()
        rows = seller.get(RETURNS, params={"source": "courier_return"}).json()["returnItems"]

    assert completed["returns"][0]["processingStatus"] == cancelled["returns"][0]["processingStatus"] == "SUCCESS"
    assert {row["returnId"]: row["status"] for row in rows} == {first: "completed", second: "cancelled"}
