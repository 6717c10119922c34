"""Shipments and returns as values: pure, with payloads as odd as they come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from channels_flipkart.mapping import LEFT, WAITING, read_returns, read_shipments
from inventory_sync.domain.snapshots import OrderSnapshot, ReturnState, Source
from tests.channels.flipkart.fixtures import NOW, fixture, shipment


def read(*payloads: dict, source: Source = Source.READ) -> list[OrderSnapshot]:
    return list(read_shipments(payloads, source=source, request_started_at=NOW).orders)


def test_a_shipment_becomes_an_order_snapshot_keyed_by_shipment():
    [order] = read(fixture("shipments.json")["plain"])

    assert order.key == "5b0c1f7e-2d1a-4c55-9f0e-0a1b2c3d4e5f"
    assert order.order_number == "OD334455667788990011"
    assert order.updated_at == datetime(2025, 12, 31, 23, 55, tzinfo=UTC)
    assert order.placed_at == datetime(2025, 12, 31, 23, 50, 11, tzinfo=UTC)
    assert order.fulfil_by == datetime(2026, 1, 2, 8, 30, tzinfo=UTC)
    assert (order.on_hold, order.replacement, order.status) == (False, False, "APPROVED")
    assert (order.complete, order.confirm) == (True, False)
    [line] = order.lines
    assert line.line_key == "5b0c1f7e-2d1a-4c55-9f0e-0a1b2c3d4e5f:334455667788990011223"  # above 2**64, kept exact
    assert (line.ordered, line.cancelled, line.shipped) == (1, 0, 0)
    assert line.listing.key == line.listing.seller_sku == '"TEE-BLK&CO-M"'  # unescaped
    assert (line.listing.product_id, line.listing.listing_ref) == ("TSHDEMO00000AB12", "LSTTSHDEMO00000AB12XYZ789")
    assert (line.title, line.price, line.marketplace_fulfilled) == ("Demo tee & cap", Decimal("499.00"), False)
    assert line.location_id == "LOC0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def test_parts_of_one_line_are_summed_by_state():
    [order] = read(fixture("shipments.json")["partial_cancel"])

    first, fbf, lite = order.lines
    assert (first.ordered, first.cancelled, first.shipped) == (3, 1, 0)
    assert first.status == "PACKED+CANCELLED"
    assert first.price == Decimal("100.00")  # the totals of both parts over three units
    assert (fbf.line_key, fbf.ordered, fbf.marketplace_fulfilled) == ("S-2:12", 3, True)
    assert lite.marketplace_fulfilled is False  # FBF_LITE is picked from our shelf
    assert (order.on_hold, order.replacement) == (True, True)


def test_a_shipment_named_twice_is_counted_once_and_different_views_of_it_are_added():
    live = shipment("S-1", orderItemId="7", quantity=2)
    cancelled = shipment("S-1", updated_at="2026-01-01T07:00:00Z", orderItemId="7", quantity=1, status="CANCELLED")

    [once] = read(live, dict(live))
    [both] = read(live, cancelled, live)

    assert once.lines[0].ordered == 2
    assert (both.lines[0].ordered, both.lines[0].cancelled) == (3, 1)
    assert both.updated_at == datetime(2026, 1, 1, 7, tzinfo=UTC)


def test_equal_parts_inside_one_shipment_are_two_parts():
    payload = shipment("S-1", status="CANCELLED")
    payload["orderItems"] *= 2

    assert read(payload)[0].lines[0].cancelled == 2


@pytest.mark.parametrize("status", sorted(WAITING))
def test_what_has_not_left_is_ordered_only(status):
    line = read(shipment("S", status=status, quantity=2))[0].lines[0]

    assert (line.ordered, line.cancelled, line.shipped) == (2, 0, 0)


@pytest.mark.parametrize("status", sorted(LEFT))
def test_what_has_left_counts_as_shipped(status):
    line = read(shipment("S", status=status, quantity=2))[0].lines[0]

    assert (line.ordered, line.cancelled, line.shipped) == (2, 0, 2)


@pytest.mark.parametrize("courier_return", [True, "true"])
def test_cancelled_after_it_left_stays_shipped(courier_return):
    line = read(shipment("S", status="CANCELLED", courierReturn=courier_return))[0].lines[0]

    assert (line.cancelled, line.shipped) == (0, 1)


def test_an_unknown_status_keeps_the_units_blocked_and_is_logged(caplog):
    line = read(shipment("S", status="TELEPORTED", quantity=2))[0].lines[0]

    assert (line.ordered, line.cancelled, line.shipped, line.status) == (2, 0, 0, "TELEPORTED")
    assert "TELEPORTED" in caplog.text


@pytest.mark.parametrize("quantity", [None, "many", 1.5, -1, True])
def test_an_unreadable_quantity_blocks_one_unit_and_lowers_nothing(quantity):
    [order] = read(shipment("S", quantity=quantity))

    assert order.lines[0].ordered == 1
    assert order.complete is False


def test_an_item_without_an_id_makes_the_snapshot_incomplete():
    payload = shipment("S")
    payload["orderItems"].append({"status": "APPROVED", "quantity": 1})

    [order] = read(payload)

    assert len(order.lines) == 1
    assert order.complete is False


def test_a_page_or_a_hint_asks_to_be_confirmed():
    for source in (Source.POLL, Source.HINT):
        [order] = read(shipment("S"), source=source)
        assert (order.complete, order.confirm) == (False, True)


def test_shipments_without_items_are_named_and_those_without_an_id_are_logged(caplog):
    told = read_shipments(
        [{"shipmentId": "S-9", "orderItems": None}, {"orderItems": [{}]}, shipment("S-1")],
        source=Source.POLL,
        request_started_at=NOW,
    )

    assert told.unreadable == ("S-9",)
    assert [order.key for order in told.orders] == ["S-1"]
    assert "without shipmentId" in caplog.text


def test_missing_optional_fields_are_not_said():
    [order] = read({"shipmentId": 77, "orderItems": [{"id": 5, "quantity": 1, "status": "APPROVED"}]})

    assert order == replace(
        order, key="77", order_number="", updated_at=None, placed_at=None, fulfil_by=None, on_hold=None
    )
    assert order.lines[0].line_key == "77:5"
    assert (order.lines[0].location_id, order.lines[0].marketplace_fulfilled, order.lines[0].price) == (
        None,
        None,
        None,
    )


def test_returns_say_where_the_goods_are():
    done, coming, off, never = read_returns(
        fixture("returns.json")["returnItems"], source=Source.POLL, asked_for="courier_return"
    )

    assert (done.return_id, done.state, done.units, done.courier_return) == (
        "12345678901234567890",
        ReturnState.ARRIVED,
        1,
        False,
    )
    assert done.line_key == "5b0c1f7e-2d1a-4c55-9f0e-0a1b2c3d4e5f:334455667788990011"
    assert done.updated_at == datetime(2026, 1, 10, 10, tzinfo=UTC)
    assert (coming.state, coming.courier_return, coming.units) == (ReturnState.EXPECTED, True, 2)
    assert (coming.line_key, coming.line_ref, coming.order_ref) == ("", "12", "OD2")
    assert (off.state, off.units, off.courier_return) == (ReturnState.CALLED_OFF, 1, True)
    assert never.state is ReturnState.NEVER


@pytest.mark.parametrize(
    ("payload", "state"),
    [
        ({"status": "RETURN_COMPLETED"}, ReturnState.ARRIVED),
        ({"status": "RETURN_CANCELLED"}, ReturnState.CALLED_OFF),
        ({"status": "cancellation_in_progress"}, ReturnState.EXPECTED),
        ({"status": "completed", "action": "DNT_EXPECT"}, ReturnState.NEVER),
        ({"status": None}, ReturnState.EXPECTED),
    ],
)
def test_return_states_of_push_and_pull(payload, state):
    [told] = read_returns([{"returnId": "R", "orderItemId": "1", **payload}], source=Source.POLL)

    assert told.state is state
