"""What became of an order line, from GraphQL and from webhooks."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_shopify.order_mapping import Refunded, count_line, merge_lines, order_from_graph, order_from_webhook
from inventory_sync.domain.snapshots import Source

FIXTURES = Path(__file__).parents[2] / "fixtures" / "shopify" / "webhooks"
NOW = datetime(2026, 11, 2, 4, 10, tzinfo=UTC)


def refunds(**units: int) -> Refunded:
    return Refunded(
        units=Counter(units), put_back=Counter({kind: n for kind, n in units.items() if kind in ("cancel", "return")})
    )


# ordered, current, still open, refund lines by type, shipped as fulfilments say, whole order cancelled
#   -> cancelled, kept out, cancelled and put back, shipped, returned, returned and put back
HISTORIES = {
    "new": ((3, 3, 3, {}, None, False), (0, 0, 0, 0, 0, 0)),
    "one shipped": ((3, 3, 2, {}, 1, False), (0, 0, 0, 1, 0, 0)),
    "all shipped": ((3, 3, 0, {}, 3, False), (0, 0, 0, 3, 0, 0)),
    "one cancelled with restock": ((3, 2, 2, {"cancel": 1}, None, False), (1, 0, 1, 0, 0, 0)),
    "one cancelled without": ((3, 2, 2, {"no_restock": 1}, 0, False), (0, 1, 0, 0, 0, 0)),
    "shipped, then sent back": ((2, 1, 0, {"return": 1}, 2, False), (0, 0, 0, 2, 1, 1)),
    "shipped, refunded, kept by the buyer": ((2, 1, 0, {"no_restock": 1}, 2, False), (0, 0, 0, 2, 0, 0)),
    "part cancel, part return": ((4, 1, 1, {"cancel": 1, "return": 2}, 2, False), (1, 0, 1, 2, 2, 2)),
    "edited down, nothing refunded": ((3, 1, 1, {}, None, False), (2, 0, 2, 0, 0, 0)),
    "order cancelled, restocked": ((2, 0, 0, {"cancel": 2}, 0, True), (2, 0, 2, 0, 0, 0)),
    "order cancelled, no refund at all": ((2, 0, 0, {}, 0, True), (0, 2, 0, 0, 0, 0)),
    "order cancelled, no_restock": ((2, 0, 0, {"no_restock": 2}, 0, True), (0, 2, 0, 0, 0, 0)),
    "open units not lowered by the cancellation": ((2, 0, 2, {"cancel": 2}, 0, True), (2, 0, 2, 0, 0, 0)),
    "legacy restock of shipped goods": ((1, 0, 0, {"legacy_restock": 1}, 1, False), (0, 0, 0, 1, 1, 1)),
    "legacy restock before shipping": ((1, 0, 0, {"legacy_restock": 1}, 0, False), (1, 0, 1, 0, 0, 0)),
    "open units not said": ((3, 2, None, {"cancel": 1}, 1, False), (1, 0, 1, 1, 0, 0)),
    "only the ordered quantity said": ((3, None, None, {}, None, False), (0, 0, 0, 0, 0, 0)),
}


@pytest.mark.parametrize("case", HISTORIES)
def test_what_became_of_a_line(case):
    (ordered, current, still_open, units, shipped, order_cancelled), expected = HISTORIES[case]

    counts = count_line(
        ordered=ordered,
        current=current,
        still_open=still_open,
        refunded=refunds(**units),
        shipped_at_most=shipped,
        order_cancelled=order_cancelled,
    )

    assert (
        counts.cancelled,
        counts.cancelled_kept,
        counts.cancel_restocked,
        counts.shipped,
        counts.returned,
        counts.returned_restocked,
    ) == expected
    assert counts.certain


def test_units_refunded_without_restock_leave_a_doubt_when_nobody_says_what_was_shipped():
    counts = count_line(
        ordered=2, current=1, still_open=0, refunded=refunds(no_restock=1), shipped_at_most=None, order_cancelled=False
    )

    assert not counts.certain


def test_units_that_vanish_behind_unread_refunds_are_not_called_free():
    counts = count_line(
        ordered=9,
        current=2,
        still_open=2,
        refunded=refunds(),
        shipped_at_most=0,
        order_cancelled=False,
        refunds_complete=False,
    )

    assert (counts.cancelled, counts.cancelled_kept, counts.certain) == (0, 7, False)


@st.composite
def true_lines(draw):
    """A line's true history, and what Shopify would say of it."""
    n = st.integers(0, 6)
    still_open, cancel, kept, edited, shipped = (draw(n) for _ in range(5))
    returned = draw(st.integers(0, shipped))
    buyer_kept = draw(st.integers(0, shipped - returned))
    ordered = still_open + cancel + kept + edited + shipped
    return {
        "said": {
            "ordered": ordered,
            "current": ordered - cancel - kept - edited - returned - buyer_kept,
            "still_open": still_open,
            "refunded": refunds(cancel=cancel, no_restock=kept + buyer_kept, **{"return": returned}),
            "shipped_at_most": shipped,
            "order_cancelled": False,
        },
        "true": (cancel + edited, kept, shipped, returned),
    }  # fmt: skip


@given(true_lines())
def test_any_history_is_read_back_when_the_fulfilments_are_known(line):
    counts = count_line(**line["said"])

    assert (counts.cancelled, counts.cancelled_kept, counts.shipped, counts.returned) == line["true"]
    assert counts.certain


maybe = st.none() | st.integers(-3, 9)


@given(
    ordered=st.integers(0, 9), current=maybe, still_open=maybe, shipped=maybe, cancelled=st.booleans(), complete=st.booleans(),
    units=st.dictionaries(st.sampled_from(["cancel", "return", "no_restock", "legacy_restock"]), st.integers(0, 9)),
)  # fmt: skip
def test_whatever_is_said_no_count_is_negative_and_nothing_comes_back_that_never_left(
    ordered, current, still_open, shipped, cancelled, complete, units
):
    counts = count_line(
        ordered=ordered, current=current, still_open=still_open, refunded=refunds(**units), shipped_at_most=shipped,
        order_cancelled=cancelled, refunds_complete=complete,
    )  # fmt: skip

    assert min(counts.cancelled, counts.cancelled_kept, counts.cancel_restocked, counts.shipped, counts.returned) >= 0
    assert counts.returned_restocked <= counts.returned <= counts.shipped <= ordered
    assert counts.cancelled + counts.cancelled_kept + counts.shipped <= ordered
    assert counts.cancel_restocked <= counts.cancelled or units.get("cancel", 0) > ordered


# --- GraphQL ----------------------------------------------------------------------------------------------------------------

LINE = {
    "id": "gid://shopify/LineItem/11", "sku": "KURTA-M", "name": "Kurta - M", "quantity": 3, "currentQuantity": 2, "unfulfilledQuantity": 2,
    "variant": {"id": "gid://shopify/ProductVariant/201", "inventoryItem": {"id": "gid://shopify/InventoryItem/301"}},
}  # fmt: skip
ORDER = {
    "id": "gid://shopify/Order/9007199254740993", "name": "#1001", "test": False, "createdAt": "2026-11-02T04:00:00Z",
    "updatedAt": "2026-11-02T04:05:00Z",
    "cancelledAt": None, "displayFulfillmentStatus": "UNFULFILLED",
    "lineItems": {"nodes": [LINE], "pageInfo": {"hasNextPage": False, "endCursor": "a"}},
    "refunds": [{"id": "gid://shopify/Refund/1", "refundLineItems": {"nodes": [
        {"id": None, "quantity": 1, "restockType": "CANCEL", "restocked": True, "location": None, "lineItem": {"id": "gid://shopify/LineItem/11"}}]}}],
}  # fmt: skip


def fulfilment_order(status: str, place: str | None, *, remaining: int, total: int) -> dict:
    return {
        "status": status,
        "assignedLocation": {"name": "x", "location": {"id": f"gid://shopify/Location/{place}"} if place else None},
        "lineItems": {"nodes": [{"remainingQuantity": remaining, "totalQuantity": total, "lineItem": {"id": "gid://shopify/LineItem/11"}}]},
    }  # fmt: skip


def test_an_order_read_by_id_names_its_lines_counts_and_location():
    plan = {
        "nodes": [
            fulfilment_order("CANCELLED", "7", remaining=3, total=3),
            fulfilment_order("OPEN", "1", remaining=1, total=1),
            fulfilment_order("OPEN", "2", remaining=1, total=2),
        ]
    }

    order = order_from_graph({**ORDER, "fulfillmentOrders": plan}, source=Source.READ, request_started_at=NOW)

    (line,) = order.lines
    assert (order.key, order.order_number, order.test, order.complete, order.confirm) == (
        "9007199254740993", "#1001", False, True, False,
    )  # fmt: skip
    assert (order.updated_at, order.placed_at) == (
        datetime(2026, 11, 2, 4, 5, tzinfo=UTC),
        datetime(2026, 11, 2, 4, 0, tzinfo=UTC),
    )
    assert (line.line_key, line.listing.key, line.listing.listing_ref) == ("11", "201", "301")
    assert (line.ordered, line.cancelled, line.cancel_restocked, line.shipped, line.location_id) == (3, 1, 1, 0, "2")


def test_a_place_with_open_units_counts_before_one_that_is_done():
    plan = {
        "nodes": [
            fulfilment_order("CLOSED", "1", remaining=0, total=5),
            fulfilment_order("OPEN", "2", remaining=1, total=1),
        ]
    }

    order = order_from_graph({**ORDER, "fulfillmentOrders": plan}, source=Source.READ, request_started_at=NOW)

    assert order.lines[0].location_id == "2"


def test_a_deleted_location_is_not_said():
    plan = {"nodes": [fulfilment_order("ON_HOLD", None, remaining=2, total=2)]}

    order = order_from_graph({**ORDER, "fulfillmentOrders": plan}, source=Source.READ, request_started_at=NOW)

    assert (order.lines[0].location_id, order.on_hold) == (None, True)


def test_a_polled_open_order_is_confirmed_by_id_for_its_location():
    polled = order_from_graph(ORDER, source=Source.POLL, request_started_at=NOW, confirm_open=True)
    sure = order_from_graph(ORDER, source=Source.POLL, request_started_at=NOW)

    assert polled.confirm
    assert not sure.confirm
    assert polled.lines[0].location_id is None


def test_an_order_whose_lines_do_not_fit_on_the_page_is_incomplete():
    more = {**ORDER, "lineItems": {"nodes": [LINE], "pageInfo": {"hasNextPage": True, "endCursor": "a"}}}
    second = {
        **ORDER,
        "lineItems": {"nodes": [{**LINE, "id": "gid://shopify/LineItem/12"}], "pageInfo": {"hasNextPage": False}},
    }

    polled = order_from_graph(more, source=Source.POLL, request_started_at=NOW)
    assert (polled.complete, polled.confirm) == (False, True)

    pages = [order_from_graph(each, source=Source.READ, request_started_at=NOW) for each in (more, second)]
    merged = merge_lines(pages)
    assert [line.line_key for line in merged.lines] == ["11", "12"]
    assert merged.complete


def test_a_polled_partly_shipped_line_with_units_refunded_without_restock_is_confirmed():
    refund = {
        "refundLineItems": {
            "nodes": [{"quantity": 1, "restockType": "NO_RESTOCK", "restocked": False, "lineItem": {"id": LINE["id"]}}]
        }
    }
    unsure = {**ORDER, "displayFulfillmentStatus": "PARTIALLY_FULFILLED", "refunds": [refund],
              "lineItems": {"nodes": [{**LINE, "unfulfilledQuantity": 1}]}}  # fmt: skip

    assert order_from_graph(unsure, source=Source.POLL, request_started_at=NOW).confirm


def test_a_custom_line_and_a_deleted_variant_have_no_listing_key():
    order = order_from_graph(
        {**ORDER, "lineItems": {"nodes": [{**LINE, "variant": None, "sku": None}]}},
        source=Source.POLL,
        request_started_at=NOW,
    )

    assert (order.lines[0].listing.key, order.lines[0].listing.seller_sku) == ("", "")


# --- webhooks ---------------------------------------------------------------------------------------------------------------


def webhook(**changes) -> dict:
    return {**json.loads((FIXTURES / "orders_create.json").read_text()), **changes}


def webhook_line(**changes) -> list[dict]:
    return [{**webhook()["line_items"][0], **changes}]


def test_a_new_cash_on_delivery_order_blocks_stock_at_once():
    order = order_from_webhook(webhook(), received_at=NOW)

    (line,) = order.lines
    assert (order.key, order.order_number, order.source, order.complete, order.confirm) == (
        "6120000000001", "DT1001", Source.WEBHOOK, True, False,
    )  # fmt: skip
    assert order.updated_at == datetime(2026, 11, 2, 4, 5, 7, tzinfo=UTC)
    assert (line.line_key, line.listing.key, line.listing.product_id) == (
        "15800000000001",
        "9007199254740993",
        "9000000000001",
    )
    assert (line.ordered, line.cancelled, line.cancelled_kept, line.shipped, line.location_id) == (2, 0, 0, 0, None)
    assert line.price == Decimal("1299.00")


def test_the_test_notification_is_marked_as_a_test():
    payload = webhook(
        test=True,
        cancelled_at="2026-11-02T09:35:06+05:30",
        line_items=webhook_line(variant_id=None, id=866550311766439020),
    )

    order = order_from_webhook(payload, received_at=NOW)

    assert order.test
    assert order.lines[0].line_key == "866550311766439020"


def test_a_cancellation_with_restock_frees_its_units():
    refund = {"id": 1, "refund_line_items": [{"line_item_id": 15800000000001, "quantity": 2, "restock_type": "cancel"}]}
    payload = webhook(
        cancelled_at="2026-11-02T10:00:00+05:30",
        refunds=[refund],
        line_items=webhook_line(current_quantity=0, fulfillable_quantity=0),
    )

    order = order_from_webhook(payload, received_at=NOW)

    assert (order.status, order.lines[0].cancelled, order.lines[0].cancel_restocked) == ("cancelled", 2, 2)


def test_a_cancellation_without_restock_keeps_its_units_out():
    refund = {
        "id": 1,
        "refund_line_items": [{"line_item_id": 15800000000001, "quantity": 2, "restock_type": "no_restock"}],
    }
    for refunds_said in ([refund], []):
        payload = webhook(
            cancelled_at="2026-11-02T10:00:00+05:30",
            refunds=refunds_said,
            line_items=webhook_line(current_quantity=0, fulfillable_quantity=0),
        )

        (line,) = order_from_webhook(payload, received_at=NOW).lines

        assert (line.cancelled, line.cancelled_kept, line.shipped) == (0, 2, 0)


def test_only_fulfilments_that_stand_count_as_shipped():
    fulfilments = [
        {"status": "success", "line_items": [{"id": 15800000000001, "quantity": 1}]},
        {"status": "cancelled", "line_items": [{"id": 15800000000001, "quantity": 1}]},
    ]
    refund = {
        "id": 1,
        "refund_line_items": [{"line_item_id": 15800000000001, "quantity": 1, "restock_type": "no_restock"}],
    }
    payload = webhook(
        fulfillments=fulfilments, refunds=[refund], line_items=webhook_line(current_quantity=1, fulfillable_quantity=0)
    )

    (line,) = order_from_webhook(payload, received_at=NOW).lines

    assert (line.shipped, line.cancelled_kept) == (1, 1)


def test_one_line_may_stand_twice_in_a_refund_and_an_unknown_kind_frees_nothing():
    rows = [
        {"line_item_id": 15800000000001, "quantity": 1, "restock_type": "cancel"},
        {"line_item_id": 15800000000001, "quantity": 1, "restock_type": "teleported"},
    ]
    payload = webhook(
        refunds=[{"refund_line_items": rows}], line_items=webhook_line(current_quantity=0, fulfillable_quantity=0)
    )

    (line,) = order_from_webhook(payload, received_at=NOW).lines

    assert (line.cancelled, line.cancelled_kept) == (1, 1)


def test_a_payload_that_leaves_most_out_is_still_an_order():
    order = order_from_webhook({"id": "5", "line_items": [{"id": 7, "quantity": "2"}]}, received_at=NOW)

    assert (order.key, order.updated_at, order.lines[0].ordered, order.lines[0].shipped) == ("5", None, 2, 0)


def test_a_payload_without_lines_is_not_complete():
    assert not order_from_webhook({"id": 5, "line_items": []}, received_at=NOW).complete
