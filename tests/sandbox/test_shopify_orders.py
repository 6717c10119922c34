"""Orders and their stock: the table of states, routing, and what the sandbox's truth is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sandbox.server import SandboxServer
from tests.sandbox.shopify_shop import (
    BASE,
    BASE_ITEM,
    KURTA,
    KURTA_ITEM,
    MAIN,
    SAREE,
    SAREE_ITEM,
    SECOND,
    Client,
    gid,
    open_server,
)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    started = open_server()
    yield started
    started.stop()


@pytest.fixture
def client(server: SandboxServer) -> Client:
    return Client(server)


def buy(server: SandboxServer, units: int = 1, listing_key: int = KURTA, **options: object) -> str:
    purchase = server.shopify.buy(listing_key=str(listing_key), units=units, **options)
    assert purchase.accepted, purchase
    return purchase.order_id


def stock(client: Client, item: int = KURTA_ITEM, location: int = MAIN) -> tuple[int, int, int]:
    """(available, committed, on_hand)"""
    states = client.states(item, location)
    return states["available"], states["committed"], states["on_hand"]


def test_an_order_commits_at_once(server: SandboxServer, client: Client) -> None:
    buy(server, 2)

    assert stock(client) == (3, 2, 5)


def test_shipping_takes_it_off_the_shelf(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 2)
    server.shopify.ship(order_id=order_id, units=1)
    order = client.order(order_id)

    assert stock(client) == (3, 1, 4)
    assert order["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    assert order["lineItems"]["nodes"][0]["unfulfilledQuantity"] == 1
    fulfillment_order = order["fulfillmentOrders"]["nodes"][0]
    assert fulfillment_order["status"] == "IN_PROGRESS"
    assert fulfillment_order["lineItems"]["nodes"][0]["remainingQuantity"] == 1


def test_a_cancellation_with_restock_gives_it_back(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 2)
    server.shopify.cancel(order_id=order_id)
    order = client.order(order_id)

    assert stock(client) == (5, 0, 5)
    assert order["cancelledAt"] is not None
    line = order["refunds"][0]["refundLineItems"]["nodes"][0]
    assert (line["restockType"], line["restocked"], line["quantity"]) == ("CANCEL", True, 2)
    assert line["location"] == {"id": gid("Location", MAIN)}
    assert order["lineItems"]["nodes"][0]["currentQuantity"] == 0
    assert server.world.truth.summary()["KURTA"]["sold"] == 0


def test_a_cancellation_without_restock_leaves_the_goods_out(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 2)
    server.shopify.cancel(order_id=order_id, restock=False, by="seller")
    line = client.order(order_id)["refunds"][0]["refundLineItems"]["nodes"][0]

    assert stock(client) == (3, 0, 3)
    assert (line["restockType"], line["restocked"], line["location"]) == ("NO_RESTOCK", False, None)
    assert server.world.truth.summary()["KURTA"]["sold"] == 2


def test_part_of_a_line_can_be_cancelled(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 3)
    server.shopify.cancel(order_id=order_id, units=1)
    order = client.order(order_id)

    assert stock(client) == (3, 2, 5)
    assert order["cancelledAt"] is None
    assert order["lineItems"]["nodes"][0]["currentQuantity"] == 2
    assert server.world.truth.summary()["KURTA"]["sold"] == 2


def test_a_return_with_restock_raises_available_and_on_hand_where_it_arrives(
    server: SandboxServer, client: Client
) -> None:
    order_id = buy(server, 2)
    server.shopify.ship(order_id=order_id)
    server.shopify.command("return", {"order_id": order_id, "units": 1})
    server.shopify.command(
        "refund", {"order_id": order_id, "units": 1, "restock_type": "return", "location": str(SECOND)}
    )
    order = client.order(order_id)

    assert stock(client) == (3, 0, 3)
    assert stock(client, location=SECOND) == (3, 0, 3)
    assert order["returns"]["nodes"][0]["status"] == "OPEN"
    line = order["refunds"][0]["refundLineItems"]["nodes"][0]
    assert (line["restockType"], line["location"]["id"]) == ("RETURN", gid("Location", SECOND))
    assert server.world.truth.summary()["KURTA"]["shelf"] == 8


def test_a_refund_without_restock_of_shipped_goods_moves_nothing(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 2)
    server.shopify.ship(order_id=order_id)
    server.shopify.command("refund", {"order_id": order_id, "units": 1, "restock_type": "no_restock"})

    assert stock(client) == (3, 0, 3)


def test_one_line_can_stand_twice_in_a_refund(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 3)
    answer = server.shopify.ship(order_id=order_id, units=1)
    line_id = answer["lines"][0]["line_id"]
    server.shopify.command(
        "refund",
        {
            "order_id": order_id,
            "lines": [
                {"line_id": line_id, "units": 2, "restock_type": "cancel"},
                {"line_id": line_id, "units": 1, "restock_type": "return"},
            ],
        },
    )
    lines = client.order(order_id)["refunds"][0]["refundLineItems"]["nodes"]

    assert [(each["restockType"], each["quantity"]) for each in lines] == [("CANCEL", 2), ("RETURN", 1)]
    assert stock(client) == (5, 0, 5)


def test_a_refund_of_more_than_there_is_changes_nothing(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 2)

    with pytest.raises(ValueError, match="not that many units"):
        server.shopify.command("refund", {"order_id": order_id, "units": 1, "restock_type": "return"})
    assert stock(client) == (3, 2, 5)
    assert client.order(order_id)["refunds"] == []


def test_money_can_be_refunded_without_lines(server: SandboxServer, client: Client) -> None:
    order_id = buy(server)
    server.shopify.command("refund", {"order_id": order_id, "amount": "50.00"})

    assert client.order(order_id)["refunds"][0]["refundLineItems"]["nodes"] == []
    assert stock(client) == (4, 1, 5)


def test_a_shopper_is_refused_at_zero(server: SandboxServer, client: Client) -> None:
    buy(server, 5)
    buy(server, 2)
    purchase = server.shopify.buy(listing_key=str(KURTA))

    assert (purchase.accepted, purchase.reason) == (False, "out_of_stock")
    assert server.world.truth.refusals() == {"shopify": 1}
    assert client.available() == 0


def test_a_hundred_shoppers_at_once_get_exactly_what_is_shown(server: SandboxServer, client: Client) -> None:
    accepted: list[bool] = []
    threads = [
        threading.Thread(target=lambda: accepted.append(server.shopify.buy(listing_key=str(KURTA)).accepted))
        for _ in range(100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert accepted.count(True) == 7
    assert client.available() + client.available(location=SECOND) == 0
    assert server.world.truth.oversold_units() == {}


def test_continue_selling_goes_below_zero_and_the_truth_notices(server: SandboxServer, client: Client) -> None:
    buy(server, 3, SAREE)

    assert stock(client, SAREE_ITEM) == (-2, 3, 1)
    assert server.world.truth.oversold_units() == {"SAREE": 2}


def test_an_untracked_item_sells_without_counting(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 4, BASE)

    assert client.states(BASE_ITEM) == {}
    assert client.order(order_id)["lineItems"]["nodes"][0]["quantity"] == 4


def test_an_order_goes_to_the_location_that_has_all_of_it(server: SandboxServer, client: Client) -> None:
    buy(server, 4)
    order_id = buy(server, 2)

    nodes = client.order(order_id)["fulfillmentOrders"]["nodes"]
    assert [each["assignedLocation"]["location"]["id"] for each in nodes] == [gid("Location", SECOND)]
    assert stock(client, location=SECOND) == (0, 2, 2)


def test_an_order_that_no_location_holds_alone_is_split(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 6)

    nodes = client.order(order_id)["fulfillmentOrders"]["nodes"]
    parts = [(each["assignedLocation"]["name"], each["lineItems"]["nodes"][0]["totalQuantity"]) for each in nodes]
    assert parts == [("Bengaluru", 5), ("Pune", 1)]


def test_the_seller_can_let_another_location_ship(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 2)
    server.shopify.command("move", {"order_id": order_id, "from": str(MAIN), "to": str(SECOND)})

    assert stock(client) == (5, 0, 5)
    assert stock(client, location=SECOND) == (0, 2, 2)
    node = client.order(order_id)["fulfillmentOrders"]["nodes"][0]
    assert node["assignedLocation"]["name"] == "Pune"


def test_a_location_that_does_not_serve_the_shop_sells_nothing_online(server: SandboxServer) -> None:
    server.shopify.command("set_location", {"location": str(MAIN), "fulfills_online_orders": False})

    assert server.shopify.buy(listing_key=str(KURTA), units=3).reason == "out_of_stock"
    assert server.shopify.buy(listing_key=str(KURTA), units=2).location == str(SECOND)
    assert server.shopify.buy(listing_key=str(KURTA), location=str(MAIN), pos=True).location == str(MAIN)


def test_an_edit_removes_and_adds_units(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 2)
    server.shopify.command("edit", {"order_id": order_id, "delta": -1})
    assert stock(client) == (4, 1, 5)
    server.shopify.command("edit", {"order_id": order_id, "listing_key": str(SAREE), "delta": 1})

    lines = client.order(order_id)["lineItems"]["nodes"]
    assert [(each["quantity"], each["currentQuantity"]) for each in lines] == [(2, 1), (1, 1)]
    assert client.available(SAREE_ITEM) == 0


def test_cash_on_delivery_holds_stock_while_pending(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 1, cod=True)

    answer = server.shopify.command("orders", {})["orders"][0]
    assert answer["financial_status"] == "PENDING"
    assert stock(client) == (4, 1, 5)
    server.shopify.cancel(order_id=order_id)
    assert server.shopify.command("orders", {})["orders"][0]["financial_status"] == "VOIDED"


def test_a_test_order_moves_no_stock_unless_switched_so(server: SandboxServer, client: Client) -> None:
    order_id = buy(server, 1, test=True)
    assert stock(client) == (5, 0, 5)
    assert client.order(order_id)["test"] is True
    server.shopify.command("settings", {"test_orders_move_stock": True})
    buy(server, 1, test=True)

    assert stock(client) == (4, 1, 5)


def test_several_lines_are_taken_together_or_not_at_all(server: SandboxServer, client: Client) -> None:
    lines = [
        {"listing_key": str(KURTA), "units": 4},
        {"listing_key": str(KURTA), "units": 4},
        {"title": "Gift wrap", "price": "20.00", "units": 1},
    ]
    refused = server.shopify.command("order", {"lines": lines})
    assert (refused["accepted"], refused["reason"]) == (False, "out_of_stock")
    assert stock(client) == (5, 0, 5)
    accepted = server.shopify.command("order", {"lines": [lines[0], lines[2], {"listing_key": str(SAREE)}]})

    nodes = client.order(accepted["order_id"])["lineItems"]["nodes"]
    assert [each["variant"] is None for each in nodes] == [False, True, False]
    assert nodes[1]["sku"] is None


def test_a_bundle_sells_its_components(server: SandboxServer, client: Client) -> None:
    added = server.shopify.command(
        "add_product", {"title": "Pair", "variants": [{"sku": "PAIR", "bundle": [[KURTA, 2], [SAREE, 1]]}]}
    )
    buy(server, 1, int(added["listing_keys"][0]))

    assert stock(client) == (3, 2, 5)
    assert stock(client, SAREE_ITEM) == (0, 1, 1)


def test_a_fulfilled_order_can_not_be_cancelled(server: SandboxServer) -> None:
    order_id = buy(server)
    server.shopify.ship(order_id=order_id)

    with pytest.raises(ValueError, match="fulfilled"):
        server.shopify.cancel(order_id=order_id)
    with pytest.raises(ValueError, match="nothing left to ship"):
        server.shopify.ship(order_id=order_id)


def test_a_deleted_variant_leaves_its_order_line_without_one(server: SandboxServer, client: Client) -> None:
    order_id = buy(server)
    server.shopify.command("delete_product", {"listing_key": str(KURTA)})

    assert client.order(order_id)["lineItems"]["nodes"][0]["variant"] is None
    assert server.shopify.buy(listing_key=str(KURTA)).reason == "not_listed"


def test_buyers_see_every_level(server: SandboxServer) -> None:
    buy(server)
    rows = {(each["listing_key"], each["location"]): each for each in server.shopify.shown()}

    assert rows[str(KURTA), str(MAIN)]["quantity"] == 4
    assert rows[str(KURTA), str(MAIN)]["pending"] == []
    assert rows[str(SAREE), str(MAIN)]["sells_below_zero"] is True


def test_the_truth_knows_each_sale_by_line_and_location(server: SandboxServer) -> None:
    order_id = buy(server, 6)
    sales = server.world.truth.sales_since(0)

    assert [(sale.order_id, sale.location, sale.units) for sale in sales] == [
        (order_id, str(MAIN), 5),
        (order_id, str(SECOND), 1),
    ]
    assert sales[0].components == (("KURTA", 1),)
    assert sales[0].listing_key == str(KURTA)
