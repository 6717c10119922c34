"""Pages, searches over a lagging index, and bulk operations' limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from sandbox.server import SandboxServer
from tests.sandbox import shopify_documents as documents
from tests.sandbox.shopify_shop import KURTA, MAIN, SHOP, TIMEOUT, Client, gid, open_server, row, wait_until


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    started = open_server(clock_factor=20, settings={"search_index_lag_seconds": 0})
    yield started
    started.stop()


@pytest.fixture
def client(server: SandboxServer) -> Client:
    return Client(server)


def found(client: Client, query: str, *, first: int = 50) -> list[str]:
    return [each["id"] for each in client.data(documents.ORDERS_PAGE, first=first, query=query)["orders"]["nodes"]]


def stamp(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_pages_follow_the_order_of_change_without_gap_or_repeat(server: SandboxServer, client: Client) -> None:
    server.shopify.command("set_level", {"listing_key": str(KURTA), "quantity": 100})
    bought = [server.shopify.buy(listing_key=str(KURTA)).order_id for _ in range(7)]
    server.shopify.ship(order_id=bought[0])  # it moves to the end
    seen, cursor = [], None
    while True:
        page = client.data(documents.ORDERS_PAGE, first=3, query="test:false", cursor=cursor)["orders"]
        seen += [each["id"] for each in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert seen == [gid("Order", each) for each in [*bought[1:], bought[0]]]


def test_the_filter_takes_quoted_and_bare_times_and_a_window(server: SandboxServer, client: Client) -> None:
    order = gid("Order", server.shopify.buy(listing_key=str(KURTA)).order_id)

    assert found(client, f"updated_at:>='{stamp(-60)}'") == [order]
    assert found(client, f"updated_at:>={stamp(-60)}") == [order]
    assert found(client, f"updated_at:>='{stamp(-60)}' AND updated_at:<'{stamp(60)}'") == [order]
    assert found(client, f"updated_at:>='{stamp(-60)}' AND updated_at:<'{stamp(-30)}'") == []
    assert found(client, f"updated_at:>='{stamp(60)}'") == []


def test_levels_can_be_asked_for_what_changed(client: Client) -> None:
    def skus(query: str | None) -> set[str]:
        data = client.data(documents.LOCATION_LEVELS_PAGE, locationId=gid("Location", MAIN), query=query)
        return {each["item"]["sku"] for each in data["location"]["inventoryLevels"]["nodes"]}

    assert skus(None) == {"KURTA-M", "SAREE"}
    assert skus(f"updated_at:>='{stamp(60)}'") == set()


def test_a_search_by_sku_finds_every_listing_of_it(client: Client) -> None:
    query = {"first": 5, "hsnNamespace": "custom", "hsnKey": "hsn_code", "query": "sku:'KURTA-M'"}
    nodes = client.data(documents.VARIANTS_PAGE, **query)["productVariants"]["nodes"]

    assert [each["sku"] for each in nodes] == ["KURTA-M"]
    assert nodes[0]["inventoryItem"]["duplicateSkuCount"] == 0


def test_the_search_index_lags_behind_what_ids_show(server: SandboxServer, client: Client) -> None:
    server.shopify.command("settings", {"search_index_lag_seconds": 20})  # 1 s here
    order_id = server.shopify.buy(listing_key=str(KURTA)).order_id
    query = f"updated_at:>='{stamp(-60)}'"
    total = '{ product(id: "gid://shopify/Product/9000000000001") { totalInventory variants(first: 1) { nodes { inventoryQuantity } } } }'
    product = client.data(total)["product"]

    assert client.order(order_id)["name"] == "#1001"
    assert client.available() == 4
    assert (product["totalInventory"], product["variants"]["nodes"][0]["inventoryQuantity"]) == (7, 6)
    assert found(client, query) == []
    wait_until(lambda: found(client, query))
    assert client.data(total)["product"]["totalInventory"] == 6


def test_a_search_fault_makes_one_object_late(server: SandboxServer, client: Client) -> None:
    server.world.faults.switch_on("shopify.search_lag", seconds=1000)
    server.shopify.buy(listing_key=str(KURTA))
    server.world.faults.clear()
    second = server.shopify.buy(listing_key=str(KURTA)).order_id

    assert found(client, "test:false") == [gid("Order", second)]


def test_a_page_must_be_sized_within_bounds(client: Client) -> None:
    unsized = client.call("{ orders { nodes { id } } }")
    oversized = client.call(
        documents.ORDERS_PAGE.replace("lineItems(first: 50)", "lineItems(first: 1)"), first=251, query=""
    )
    broken = client.call(documents.LOCATIONS, cursor="not-a-cursor")

    assert unsized["errors"][0]["message"] == "you must provide one of first or last"
    assert oversized["errors"][0]["message"] == "first cannot exceed 250"
    assert "cursor" in broken["errors"][0]["message"]


def test_pages_go_backwards_too(client: Client) -> None:
    names = [each["name"] for each in client.data(documents.LOCATIONS)["locations"]["nodes"]]
    document = "{ locations(last: 1) { nodes { name } pageInfo { hasPreviousPage hasNextPage } } }"
    page = client.data(document)["locations"]

    assert page["nodes"] == [{"name": names[-1]}]
    assert page["pageInfo"] == {"hasPreviousPage": True, "hasNextPage": False}


def run_bulk(client: Client, query: str = documents.BULK_INNER_INVENTORY) -> dict:
    started = client.data(documents.BULK_START, query=query)["bulkOperationRunQuery"]
    assert started["userErrors"] == []
    operation_id = started["bulkOperation"]["id"]

    def poll() -> dict:
        operation: dict = client.data(documents.BULK_POLL, id=operation_id)["bulkOperation"]
        return operation

    wait_until(lambda: poll()["status"] not in ("CREATED", "RUNNING"))
    return poll()


def test_a_bulk_result_does_not_keep_children_behind_their_parents() -> None:
    variants = [{"sku": f"S{number}", "quantities": number} for number in range(40)]
    many = open_server(clock_factor=50, products=[], variants=variants, locations=SHOP["locations"])
    try:
        operation = run_bulk(Client(many))
        lines = [json.loads(line) for line in requests.get(operation["url"], timeout=TIMEOUT).text.splitlines()]
        place = {each["id"]: index for index, each in enumerate(lines)}

        assert len(lines) == 80
        children = [each for each in lines if "__parentId" in each]
        assert all(each["__parentId"] in place for each in children)
        assert any(place[each["id"]] < place[each["__parentId"]] for each in children)
    finally:
        many.stop()


def test_a_bulk_address_is_signed(client: Client) -> None:
    url = run_bulk(client)["url"]

    assert requests.get(url, timeout=TIMEOUT).status_code == 200
    assert requests.get(url[:-1] + ("0" if url[-1] != "0" else "1"), timeout=TIMEOUT).status_code == 403


def test_an_empty_bulk_result_has_no_address(client: Client) -> None:
    operation = run_bulk(client, "{ orders { edges { node { id } } } }")

    assert (operation["status"], operation["url"], operation["objectCount"]) == ("COMPLETED", None, "0")


def test_a_failed_bulk_operation_has_partial_data(server: SandboxServer, client: Client) -> None:
    server.world.faults.switch_on("shopify.bulk_failed", times=1)
    operation = run_bulk(client)

    assert (operation["status"], operation["errorCode"], operation["url"]) == ("FAILED", "TIMEOUT", None)
    assert requests.get(operation["partialDataUrl"], timeout=TIMEOUT).status_code == 200


def test_a_bulk_operation_without_its_scope_fails(server: SandboxServer, client: Client) -> None:
    server.shopify.command("scopes", {"scopes": ["read_orders"]})
    operation = run_bulk(client)

    assert (operation["status"], operation["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_a_sixth_bulk_operation_is_refused(server: SandboxServer, client: Client) -> None:
    server.shopify.command("settings", {"bulk_seconds": [1000, 1000]})
    answers = [
        client.data(documents.BULK_START, query=documents.BULK_INNER_INVENTORY)["bulkOperationRunQuery"]
        for _ in range(6)
    ]

    assert [each["userErrors"] == [] for each in answers] == [True] * 5 + [False]
    error = answers[5]["userErrors"][0]
    assert error["code"] == "OPERATION_IN_PROGRESS"
    assert error["field"] is None
    assert answers[0]["bulkOperation"]["id"] in error["message"]


def test_a_write_is_right_at_once_when_read_by_id(client: Client) -> None:
    client.set(row(11, None))

    assert client.available() == 11
