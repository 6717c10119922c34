"""Orders of both vocabularies to the same counts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from channels_amazon.mapping import PHASES, read_order, read_order_change, read_orders
from inventory_sync.domain.snapshots import LineSnapshot, ListingIds, OrderSnapshot, Source
from tests.channels.amazon.official import check_answer, check_notification, example

NOW = datetime(2026, 10, 12, 7, 0, tzinfo=UTC)


def api_order(
    status: str | None = "UNSHIPPED",
    *,
    by: str | None = "MERCHANT",
    ordered: int = 2,
    fulfilled: int | None = 0,
    unfulfilled: int | None = None,
    cancelled: bool = False,
    packages: list[dict[str, Any]] | None = None,
    **facts: Any,
) -> dict[str, Any]:
    fulfillment: dict[str, Any] = {}
    if status is not None:
        fulfillment["fulfillmentStatus"] = status
    if by is not None:
        fulfillment["fulfilledBy"] = by
    counts: dict[str, Any] = {}
    if fulfilled is not None:
        counts = {
            "quantityFulfilled": fulfilled,
            "quantityUnfulfilled": ordered - fulfilled if unfulfilled is None else unfulfilled,
        }
    item: dict[str, Any] = {
        "orderItemId": "40512345678901",
        "quantityOrdered": ordered,
        "product": {
            "asin": "B0INTEE001",
            "sellerSku": "TEE",
            "price": {"unitPrice": {"amount": "499.00", "currencyCode": "INR"}},
        },
        "fulfillment": counts,
    }
    if cancelled:
        item["cancellation"] = {"cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "x"}}
    order: dict[str, Any] = {
        "orderId": "405-1234567-7654321",
        "createdTime": "2026-10-12T06:30:41Z",
        "lastUpdatedTime": "2026-10-12T06:34:10Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "A21TJRUUN4KGV"},
        "fulfillment": fulfillment,
        "orderItems": [item],
        **facts,
    }
    if packages is not None:
        order["packages"] = packages
    return order


def change(
    status: str = "Unshipped",
    *,
    by: str = "MFN",
    ordered: int = 2,
    shipped: int | None = 0,
    easy_ship: str = "",
    level: str = "OrderLevel",
    time: str | None = "2026-10-12T06:34:10.100Z",
) -> dict[str, Any]:
    item: dict[str, Any] = {
        "OrderItemId": "40512345678901",
        "SellerSKU": "TEE",
        "SupplySourceId": None,
        "Quantity": ordered,
    }
    if shipped is not None:
        item["QuantityShipped"] = shipped
    summary: dict[str, Any] = {
        "MarketplaceId": "A21TJRUUN4KGV",
        "OrderStatus": status,
        "PurchaseDate": "2026-10-12T06:30:41.000Z",
        "FulfillmentType": by,
        "OrderItems": [item],
    }
    if easy_ship:
        summary["EasyShipShipmentStatus"] = easy_ship
    return {
        "NotificationLevel": level,
        "SellerId": "A1INSELLER0001",
        "AmazonOrderId": "405-1234567-7654321",
        "OrderChangeType": "OrderStatusChange",
        "OrderChangeTrigger": {"TimeOfOrderChange": time, "ChangeReason": "x"},
        "Summary": summary,
    }


def order_of(body: dict[str, Any]) -> OrderSnapshot:
    found = read_order(body, source=Source.READ, request_started_at=NOW)
    assert found is not None
    return found


def line_of(body: dict[str, Any]) -> LineSnapshot:
    return order_of(body).lines[0]


def told(body: dict[str, Any], **facts: Any) -> OrderSnapshot:
    found = read_order_change(body, event_time=NOW, received_at=NOW, **facts)
    assert found is not None
    return found


def counts(line: LineSnapshot) -> tuple[int | None, int | None]:
    return line.shipped, line.cancelled


def test_the_example_answer_is_read_whole() -> None:
    body = check_answer("orders_2026-01-01", "SearchOrdersResponse", example("search_orders_2026.response"))

    [order] = read_orders(body["orders"], source=Source.POLL, request_started_at=NOW)

    assert (order.key, order.order_number, order.status) == ("405-1234567-7654321", "405-1234567-7654321", "UNSHIPPED")
    assert order.placed_at == datetime(2026, 10, 12, 6, 30, 41, tzinfo=UTC)
    assert order.updated_at == datetime(2026, 10, 12, 6, 34, 10, tzinfo=UTC)
    assert order.fulfil_by == datetime(2026, 10, 13, 18, 29, 59, tzinfo=UTC)
    assert order.complete
    [line] = order.lines
    assert line.line_key == "40512345678901"
    assert line.listing == ListingIds(key="BLUE-TEE-L", seller_sku="BLUE-TEE-L", product_id="B0INTEE001")
    assert (line.ordered, line.shipped, line.cancelled, line.returned, line.lost) == (2, 0, 0, 0, 0)
    assert (line.location_id, line.marketplace_fulfilled) == ("DEFAULT", False)


@pytest.mark.parametrize(
    ("api", "notification", "shipped", "cancelled"),
    [
        (api_order("PENDING_AVAILABILITY"), change("PendingAvailability"), 0, 0),
        (api_order("PENDING"), change("Pending"), 0, 0),
        (api_order("UNSHIPPED"), change("Unshipped"), 0, 0),
        (api_order("PARTIALLY_SHIPPED", fulfilled=1), change("PartiallyShipped", shipped=1), 1, 0),
        (api_order("SHIPPED", fulfilled=2), change("Shipped", shipped=2), 2, 0),
        (api_order("SHIPPED", fulfilled=None), change("Shipped", shipped=None), 2, 0),
        (api_order("SHIPPED", fulfilled=None), change("InvoiceUnconfirmed", shipped=None), 2, 0),
        (api_order("SHIPPED", ordered=3, fulfilled=2, unfulfilled=0), change("Shipped", ordered=3, shipped=2), 2, 1),
        (api_order("CANCELLED", fulfilled=0), change("Canceled", shipped=0), 0, 2),
        (api_order("CANCELLED", fulfilled=None), change("Canceled", shipped=None), 0, 2),
        (api_order("CANCELLED", ordered=3, fulfilled=1), change("Canceled", ordered=3, shipped=1), 1, 2),
    ],
)
def test_both_vocabularies_give_the_same_counts(
    api: dict[str, Any], notification: dict[str, Any], shipped: int, cancelled: int
) -> None:
    by_api, by_notification = line_of(api), told(notification).lines[0]

    assert counts(by_api) == (shipped, cancelled)
    # A notification of an open order can't say how much of it was cancelled: None, which counts as "nothing new".
    assert counts(by_notification) in {(shipped, cancelled), (shipped, cancelled or None)}
    assert by_api.line_key == by_notification.line_key
    assert by_api.listing.key == by_notification.listing.key


def test_every_status_of_the_models_has_a_meaning() -> None:
    official = {
        "PENDING_AVAILABILITY",
        "PENDING",
        "UNSHIPPED",
        "PARTIALLY_SHIPPED",
        "SHIPPED",
        "CANCELLED",
        "UNFULFILLABLE",
    }
    old = {"PendingAvailability", "Pending", "Unshipped", "PartiallyShipped", "Shipped", "Canceled", "Unfulfillable"}

    assert official | old | {"InvoiceUnconfirmed"} == set(PHASES)


def test_units_cancelled_in_an_order_that_goes_on_are_free() -> None:
    line = line_of(api_order("UNSHIPPED", ordered=3, fulfilled=0, unfulfilled=2, cancelled=True))

    assert counts(line) == (0, 1)


def test_a_gap_between_the_counts_of_a_pending_order_frees_nothing() -> None:
    line = line_of(api_order("PENDING", ordered=2, fulfilled=0, unfulfilled=0))

    assert counts(line) == (0, 0)


def test_a_shipped_order_whose_counts_lag_has_left_whole() -> None:
    assert counts(line_of(api_order("SHIPPED", fulfilled=0))) == (2, 0)
    assert counts(line_of(api_order("SHIPPED", fulfilled=1, unfulfilled=1))) == (2, 0)


def test_an_item_cancelled_in_a_shipped_order_has_not_left() -> None:
    assert counts(line_of(api_order("SHIPPED", fulfilled=0, cancelled=True))) == (0, 2)


def test_an_unknown_status_is_kept_and_keeps_the_units_blocked(caplog: pytest.LogCaptureFixture) -> None:
    order = order_of(api_order("AWAITING_SOMETHING_NEW"))

    assert order.status == "AWAITING_SOMETHING_NEW"
    assert counts(order.lines[0]) == (0, None)
    assert "AWAITING_SOMETHING_NEW" in caplog.text
    assert counts(told(change("SomethingNew", shipped=None)).lines[0]) == (None, None)


def test_goods_of_amazons_own_warehouse_are_marked_and_have_no_place_with_us() -> None:
    for line in (line_of(api_order("SHIPPED", by="AMAZON")), told(change("Shipped", by="AFN", shipped=2)).lines[0]):
        assert line.marketplace_fulfilled is True
        assert line.location_id is None
        assert (line.returned, line.lost) == (None, None)


def test_who_ships_is_not_guessed_where_it_is_not_said() -> None:
    order = order_of(api_order(status=None, by=None, fulfilled=None))

    assert order.lines[0].marketplace_fulfilled is None
    assert order.lines[0].location_id is None
    assert counts(order.lines[0]) == (None, None)


def package(state: str, **items: int) -> dict[str, Any]:
    return {
        "packageReferenceId": "1",
        "packageStatus": {"status": "UNDELIVERABLE", "detailedStatus": state},
        "packageItems": [{"orderItemId": key, "quantity": units} for key, units in items.items()],
    }


def test_a_package_back_with_the_seller_counts_as_returned() -> None:
    held = {"orderItemId": "40512345678901", "quantity": 1}
    back = {**package("RETURNED_TO_SELLER"), "packageItems": [held]}

    line = line_of(api_order("SHIPPED", fulfilled=2, packages=[back]))

    assert (line.shipped, line.returned, line.lost) == (2, 1, 0)


def test_the_only_package_without_contents_holds_all_that_left() -> None:
    line = line_of(api_order("SHIPPED", fulfilled=2, packages=[package("LOST")]))

    assert (line.shipped, line.returned, line.lost) == (2, 0, 2)


def test_a_refused_package_on_its_way_back_is_still_out() -> None:
    for state in ("REJECTED_BY_BUYER", "UNDELIVERABLE", "RETURNING_TO_SELLER", "OUT_FOR_DELIVERY", "DELIVERED"):
        line = line_of(api_order("SHIPPED", fulfilled=2, packages=[package(state)]))
        assert (line.returned, line.lost) == (0, 0)


def test_what_came_back_had_left_whatever_the_count_says() -> None:
    back = {**package("RETURNED_TO_SELLER"), "packageItems": [{"orderItemId": "40512345678901", "quantity": 2}]}

    line = line_of(api_order("UNSHIPPED", fulfilled=0, packages=[back]))

    assert (line.shipped, line.returned) == (2, 2)


def test_an_order_that_does_not_tell_its_packages_says_nothing_of_returns() -> None:
    line = line_of(api_order("SHIPPED"))

    assert (line.returned, line.lost) == (None, None)


@pytest.mark.parametrize(
    ("state", "returned", "lost"),
    [("ReturnedToSeller", 2, None), ("Lost", None, 2), ("Damaged", None, 2), ("ReturningToSeller", None, None)],
)
def test_easy_ship_states_of_a_notification(state: str, returned: int | None, lost: int | None) -> None:
    order = told(change("Shipped", shipped=2, easy_ship=state))

    assert (order.lines[0].returned, order.lines[0].lost) == (returned, lost)
    assert order.confirm is (returned is not None or lost is not None)


def test_the_time_of_the_change_orders_notifications_and_the_event_time_stands_in() -> None:
    assert told(change()).updated_at == datetime(2026, 10, 12, 6, 34, 10, 100_000, tzinfo=UTC)
    assert told(change(time=None)).updated_at == NOW


def test_an_item_level_message_never_stands_for_the_whole_order() -> None:
    assert told(change(level="OrderItemLevel")).complete is False
    assert told(change()).complete is True


def test_a_shipped_notification_with_uneven_counts_wants_to_be_confirmed() -> None:
    assert told(change("Shipped", ordered=3, shipped=2)).confirm is True
    assert told(change("Shipped", ordered=3, shipped=3)).confirm is False


def test_orders_of_other_shops_are_left_out() -> None:
    body = api_order(salesChannel={"channelName": "NON_AMAZON"})

    assert read_orders([body], source=Source.POLL, request_started_at=NOW) == []


def test_an_order_of_another_marketplace_is_read_all_the_same() -> None:
    body = api_order(salesChannel={"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER"})

    assert order_of(body).key == "405-1234567-7654321"


def test_without_a_seller_sku_the_asin_says_what_was_sold() -> None:
    body = api_order()
    body["orderItems"][0]["product"] = {"asin": "B0INTEE001"}

    assert line_of(body).listing == ListingIds(key="", seller_sku="", product_id="B0INTEE001")


def test_odd_but_readable_payloads_are_read() -> None:
    body = api_order(unknownField={"a": [1]}, orderAliases=None, associatedOrders=None)
    body["orderItems"][0] |= {
        "orderItemId": 90071992547409931,
        "quantityOrdered": "2",
        "fulfillment": {"quantityFulfilled": 1.0},
    }

    line = line_of(body)

    assert (line.line_key, line.ordered, line.shipped) == ("90071992547409931", 2, 1)
    assert line.price == Decimal("499.00")


def test_an_item_that_cant_be_read_makes_the_order_incomplete() -> None:
    body = api_order()
    body["orderItems"].append({"orderItemId": "2", "product": {}})

    order = order_of(body)

    assert len(order.lines) == 1
    assert order.complete is False


def test_an_order_without_any_item_is_never_complete() -> None:
    assert order_of(api_order(orderItems=[])).complete is False
    assert order_of(api_order(orderItems=None)).complete is False


def test_replacements_are_marked() -> None:
    body = api_order(associatedOrders=[{"orderId": "1", "associationType": "REPLACEMENT_ORIGINAL_ID"}])

    assert order_of(body).replacement is True


@pytest.mark.parametrize("name", ["pending", "unshipped_easyship", "canceled"])
def test_the_example_notifications_are_read(name: str) -> None:
    body = check_notification("OrderChangeNotification", example(f"order_change.{name}"))

    order = told(body["Payload"]["OrderChangeNotification"])

    assert order.source is Source.WEBHOOK
    assert order.lines
    assert order.lines[0].location_id == "DEFAULT"
    expected = order.lines[0].ordered if name == "canceled" else None
    assert order.lines[0].cancelled == expected
