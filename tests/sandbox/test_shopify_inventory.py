"""Writing quantities: the rules that the schema does not hold."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.server import SandboxServer
from tests.sandbox import shopify_documents as documents
from tests.sandbox.shopify_shop import (
    KURTA,
    KURTA_ITEM,
    MAIN,
    SAREE_ITEM,
    SECOND,
    Client,
    delta,
    gid,
    open_server,
    row,
    wait_until,
)

STALE = "The changeFromQuantity argument no longer matches the persisted quantity."


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    started = open_server()
    yield started
    started.stop()


@pytest.fixture
def client(server: SandboxServer) -> Client:
    return Client(server)


def set_input(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "available", "reason": "correction", "quantities": list(rows), **more}


def codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


def test_a_set_without_the_directive_is_refused_though_the_schema_allows_it(client: Client) -> None:
    document = documents.SET_QUANTITIES.replace("@idempotent(key: $idempotencyKey)", "").replace(
        ", $idempotencyKey: String!", ""
    )
    body = client.call(document, input=set_input(row(9, 5)))

    assert body["data"] == {"inventorySetQuantities": None}
    error = body["errors"][0]
    assert error["message"] == "The @idempotent directive is required for this mutation but was not provided."
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert error["path"] == ["inventorySetQuantities"]
    assert client.available() == 5


@pytest.mark.parametrize("key", ["", "   "])
def test_a_blank_key_is_refused(client: Client, key: str) -> None:
    body = client.call(documents.SET_QUANTITIES, input=set_input(row(9, 5)), idempotencyKey=key)

    assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert client.available() == 5


def test_a_row_without_change_from_quantity_is_refused_and_named_by_its_input(client: Client) -> None:
    bare = row(9, 5)
    del bare["changeFromQuantity"]
    body = client.call(documents.SET_QUANTITIES, input=set_input(bare), idempotencyKey="k1")
    bare_change = delta(1, 5)
    del bare_change["changeFromQuantity"]
    values = {"name": "available", "reason": "correction", "changes": [bare_change]}
    other = client.call(documents.ADJUST_QUANTITIES.replace("@idempotent(key: $idempotencyKey)", "").replace(
        ", $idempotencyKey: String!", ""), input=values)  # fmt: skip

    error = body["errors"][0]
    assert error["message"] == "InventoryQuantityInput must include the following argument: changeFromQuantity."
    assert error["extensions"] == {"code": "INVALID_FIELD_ARGUMENTS"}
    assert body["data"] == {"inventorySetQuantities": None}
    # The missing argument is reported before the missing directive.
    assert (
        other["errors"][0]["message"] == "InventoryChangeInput must include the following argument: changeFromQuantity."
    )


def test_an_explicit_null_writes_whatever_is_there(client: Client) -> None:
    assert client.set(row(9, None))["userErrors"] == []
    assert client.available() == 9


def test_a_matching_compare_writes_available_and_on_hand_rows_in_that_order(client: Client) -> None:
    group = client.set(row(8, 5), row(1, 2, location=SECOND))["inventoryAdjustmentGroup"]

    changes = [(each["name"], each["delta"], each["location"]["id"]) for each in group["changes"]]
    assert changes == [
        ("available", 3, gid("Location", MAIN)),
        ("available", -1, gid("Location", SECOND)),
        ("on_hand", 3, gid("Location", MAIN)),
        ("on_hand", -1, gid("Location", SECOND)),
    ]
    assert group["reason"] == "correction"


def test_a_stale_compare_names_no_field_and_writes_nothing_of_the_batch(client: Client) -> None:
    payload = client.set(row(8, 5), row(1, 7, location=SECOND))

    assert payload["inventoryAdjustmentGroup"] is None
    assert payload["userErrors"] == [{"field": None, "message": STALE, "code": "CHANGE_FROM_QUANTITY_STALE"}]
    assert client.available() == 5
    assert client.available(location=SECOND) == 2


def test_an_order_between_read_and_write_makes_the_write_stale(client: Client, server: SandboxServer) -> None:
    seen = client.available()
    server.shopify.buy(listing_key=str(KURTA))

    assert codes(client.set(row(10, seen))) == ["CHANGE_FROM_QUANTITY_STALE"]
    assert client.available() == seen - 1


def test_nothing_to_change_is_success_without_a_group(client: Client) -> None:
    assert client.set(row(5, 5)) == {"inventoryAdjustmentGroup": None, "userErrors": []}


def test_rows_without_change_are_missing_from_the_group(client: Client) -> None:
    group = client.set(row(5, 5), row(9, 2, location=SECOND))["inventoryAdjustmentGroup"]

    assert {each["location"]["id"] for each in group["changes"]} == {gid("Location", SECOND)}


def test_the_same_key_with_the_same_input_answers_again_and_writes_once(client: Client, server: SandboxServer) -> None:
    first = client.adjust(delta(2, None), key="adjust-1")
    second = client.adjust(delta(2, None), key="adjust-1")

    assert first == second
    assert client.available() == 7


def test_the_same_key_with_other_input_is_a_mismatch(client: Client) -> None:
    client.set(row(8, 5), key="k")

    assert codes(client.set(row(9, 8), key="k")) == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]
    assert client.available() == 8


def test_a_key_still_running_is_told_to_wait(client: Client, server: SandboxServer) -> None:
    server.world.faults.switch_on("shopify.slow_answer", times=1, seconds=0.5)
    slow: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: slow.append(client.set(row(8, 5), key="k")))
    thread.start()
    wait_until(lambda: server.shopify.shown()[0]["quantity"] == 8)  # done at once, only the answer is late
    meanwhile = client.set(row(8, 5), key="k")
    thread.join()

    assert codes(meanwhile) == ["IDEMPOTENCY_CONCURRENT_REQUEST"]
    assert slow[0]["userErrors"] == []
    assert client.set(row(8, 5), key="k") == slow[0]


def test_a_key_whose_attempt_failed_inside_needs_a_new_key(client: Client, server: SandboxServer) -> None:
    server.world.faults.switch_on("shopify.internal_error", times=1)
    values = set_input(row(8, 5))
    body = client.call(documents.SET_QUANTITIES, input=values, idempotencyKey="k")

    assert body["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert client.available() == 5
    assert codes(client.set(row(8, 5), key="k")) == ["IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]
    assert client.set(row(8, 5), key="another")["userErrors"] == []


def test_a_key_is_forgotten_after_24_hours_of_sandbox_time() -> None:
    fast = open_server(clock_factor=86400 / 0.3)
    try:
        client = Client(fast)
        client.adjust(delta(2, None), key="k")
        time.sleep(0.35)
        client.adjust(delta(2, None), key="k")

        assert client.available() == 9
    finally:
        fast.stop()


def test_a_5xx_after_the_write_is_made_good_by_the_same_key(client: Client, server: SandboxServer) -> None:
    server.world.faults.switch_on("shopify.http_5xx_after_write", times=1)
    values = {"name": "available", "reason": "correction", "changes": [delta(2, None)]}
    lost = client.post(documents.ADJUST_QUANTITIES, input=values, idempotencyKey="k")
    again = client.adjust(delta(2, None), key="k")

    assert lost.status_code == 502
    assert again["userErrors"] == []
    assert client.available() == 7


def test_251_rows_are_refused_before_anything_else(client: Client) -> None:
    body = client.call(documents.SET_QUANTITIES, input=set_input(*[row(1, None)] * 251), idempotencyKey="k")

    assert "data" not in body
    assert body["errors"] == [
        {
            "message": "The input array size of 251 is greater than the maximum allowed of 250.",
            "path": ["inventorySetQuantities", "input", "quantities"],
            "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
        }
    ]
    assert body["extensions"]["cost"]["actualQueryCost"] is None


def test_bounds_and_signs_are_checked(client: Client) -> None:
    def error(payload: dict[str, Any]) -> dict[str, Any]:
        return payload["userErrors"][0]

    field = ["input", "quantities", "0", "quantity"]
    low, high = error(client.set(row(-1_000_000_001, None))), error(client.set(row(1_000_000_001, None)))
    negative = error(client.set(row(-1, None), name="on_hand"))

    assert low == {
        "field": field,
        "message": "The quantity can't be lower than -1,000,000,000.",
        "code": "INVALID_QUANTITY_TOO_LOW",
    }
    assert high["message"] == "The quantity can't be higher than 1,000,000,000."
    assert negative == {
        "field": field,
        "message": "The quantity can't be negative.",
        "code": "INVALID_QUANTITY_NEGATIVE",
    }
    assert client.set(row(-3, None))["userErrors"] == []
    assert client.available() == -3


def test_duplicate_pairs_are_named_one_by_one(client: Client) -> None:
    errors = client.set(row(1, None), row(3, None, location=SECOND), row(2, None))["userErrors"]

    assert [error["field"] for error in errors] == [
        ["input", "quantities", "0", "locationId"],
        ["input", "quantities", "2", "locationId"],
    ]
    assert {error["code"] for error in errors} == {"NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"}
    assert errors[0]["message"] == "The combination of inventoryItemId and locationId must be unique."


def test_what_does_not_exist_is_named_and_the_good_row_stays_unwritten(client: Client) -> None:
    payload = client.set(row(9, None), row(1, None, item=404), row(1, None, item=SAREE_ITEM, location=404))

    assert [(error["field"][2:], error["code"], error["message"]) for error in payload["userErrors"]] == [
        (["1", "inventoryItemId"], "INVALID_INVENTORY_ITEM", "The specified inventory item could not be found."),
        (["2", "locationId"], "INVALID_LOCATION", "The specified location could not be found."),
    ]
    assert client.available() == 5


def test_bad_name_reason_and_document_are_named_together(client: Client) -> None:
    payload = client.set(row(9, None), name="committed", reason="because", referenceDocumentUri="note 7")

    assert sorted(codes(payload)) == ["INVALID_NAME", "INVALID_REASON", "INVALID_REFERENCE_DOCUMENT"]
    name = next(error for error in payload["userErrors"] if error["code"] == "INVALID_NAME")
    assert name["message"] == "The quantity name must be either 'available' or 'on_hand'."
    assert name["field"] == ["input", "name"]


def test_a_bundle_can_not_be_written(client: Client, server: SandboxServer) -> None:
    server.shopify.command(
        "add_product", {"title": "Set", "variants": [{"inventory_item_id": 777, "sku": "SET", "bundle": [[KURTA, 2]]}]}
    )

    assert codes(client.set(row(1, None, item=777))) == ["NON_MUTABLE_INVENTORY_ITEM"]


def test_a_set_of_on_hand_moves_available_by_the_difference(client: Client, server: SandboxServer) -> None:
    server.shopify.buy(listing_key=str(KURTA), units=2)

    assert client.set(row(10, 5), name="on_hand")["userErrors"] == []
    states = client.states()
    assert (states["available"], states["committed"], states["on_hand"]) == (8, 2, 10)


def test_the_deprecated_on_hand_mutation_still_answers(client: Client) -> None:
    document = """
      mutation Old($input: InventorySetOnHandQuantitiesInput!) {
        inventorySetOnHandQuantities(input: $input) @idempotent(key: "old") { userErrors { field message code } }
      }
    """
    good = client.data(document, input={"reason": "correction", "setQuantities": [row(6, 5)]})
    bare = row(6, 5)
    del bare["changeFromQuantity"]
    bad = client.call(document, input={"reason": "correction", "setQuantities": [bare]})

    assert good["inventorySetOnHandQuantities"]["userErrors"] == []
    assert client.available() == 6
    assert bad["errors"][0]["message"].startswith("InventorySetQuantityInput must include")


def test_on_hand_is_the_sum_of_its_states(client: Client, server: SandboxServer) -> None:
    for state, units in {"damaged": 2, "safety_stock": 3, "incoming": 50}.items():
        server.shopify.command("set_level", {"listing_key": str(KURTA), "state": state, "quantity": units})
    server.shopify.buy(listing_key=str(KURTA))
    states = client.states()

    parts = ("available", "committed", "reserved", "damaged", "safety_stock", "quality_control")
    assert states["on_hand"] == sum(states[name] for name in parts) == 10
    assert states["incoming"] == 50


def test_adjusting_other_states_needs_one_ledger_document(client: Client) -> None:
    ledger = "gid://inventory-sync/Damage/1"

    assert codes(client.adjust(delta(1, None), name="damaged")) == ["INVALID_QUANTITY_DOCUMENT"]
    assert codes(client.adjust(delta(1, None, ledgerDocumentUri=ledger))) == ["INVALID_AVAILABLE_DOCUMENT"]
    assert codes(client.adjust(delta(1, None), name="on_hand")) == ["INVALID_QUANTITY_NAME"]
    two = [delta(1, None, ledgerDocumentUri=ledger), delta(1, None, item=SAREE_ITEM, ledgerDocumentUri=ledger + "2")]
    assert codes(client.adjust(*two, name="damaged")) == ["MAX_ONE_LEDGER_DOCUMENT"]
    assert client.adjust(delta(1, None, ledgerDocumentUri=ledger), name="damaged")["userErrors"] == []
    assert client.states()["on_hand"] == 6


def test_an_adjustment_compares_too(client: Client) -> None:
    assert codes(client.adjust(delta(1, 4))) == ["CHANGE_FROM_QUANTITY_STALE"]
    assert client.adjust(delta(1, 5))["userErrors"] == []
    assert codes(client.adjust(delta(2_000_000_000, None))) == ["INVALID_QUANTITY_TOO_HIGH"]


def never_activated() -> dict[str, Any]:
    return row(4, 0, item=SAREE_ITEM, location=SECOND)


def test_a_set_on_a_never_activated_level_connects_it(client: Client) -> None:
    assert client.states(SAREE_ITEM, SECOND) == {}
    assert client.set(never_activated())["userErrors"] == []
    assert client.available(SAREE_ITEM, SECOND) == 4


def test_a_set_on_a_never_activated_level_is_silently_nothing_when_switched_so(
    client: Client, server: SandboxServer
) -> None:
    server.shopify.command("settings", {"silent_set_on_inactive": True})

    assert client.set(never_activated()) == {"inventoryAdjustmentGroup": None, "userErrors": []}
    assert client.states(SAREE_ITEM, SECOND) == {}


def activate(client: Client, *, available: int | None = None, location: int = SECOND) -> dict[str, Any]:
    payload: dict[str, Any] = client.data(
        documents.ACTIVATE_LEVEL,
        inventoryItemId=gid("InventoryItem", KURTA_ITEM),
        locationId=gid("Location", location),
        available=available,
        idempotencyKey=str(uuid.uuid4()),
    )["inventoryActivate"]
    return payload


def deactivate(client: Client, location: int) -> dict[str, Any]:
    read = "query L($item: ID!, $location: ID!) { inventoryItem(id: $item) { inventoryLevel(locationId: $location) { id } } }"
    item = client.data(read, item=gid("InventoryItem", KURTA_ITEM), location=gid("Location", location))["inventoryItem"]
    write = "mutation D($id: ID!) { inventoryDeactivate(inventoryLevelId: $id) { userErrors { field message } } }"
    payload: dict[str, Any] = client.data(write, id=item["inventoryLevel"]["id"])["inventoryDeactivate"]
    return payload


def test_a_reactivated_level_has_its_old_numbers_again(client: Client) -> None:
    assert deactivate(client, SECOND)["userErrors"] == []
    hidden = client.data(documents.LOCATION_LEVELS_PAGE, locationId=gid("Location", SECOND))["location"]
    level = activate(client)["inventoryLevel"]

    assert hidden["inventoryLevels"]["nodes"] == []
    assert level["isActive"] is True
    assert level["quantities"][0]["quantity"] == 2


def test_only_the_last_active_location_can_not_be_deactivated(client: Client) -> None:
    assert deactivate(client, SECOND)["userErrors"] == []
    assert deactivate(client, MAIN)["userErrors"] != []


def test_activating_with_two_quantities_is_an_error_on_each(client: Client) -> None:
    document = """
      mutation A($item: ID!, $location: ID!) {
        inventoryActivate(inventoryItemId: $item, locationId: $location, available: 1, onHand: 1) @idempotent(key: "a") {
          userErrors { field message }
        }
      }
    """
    payload = client.data(document, item=gid("InventoryItem", SAREE_ITEM), location=gid("Location", SECOND))

    assert [error["field"] for error in payload["inventoryActivate"]["userErrors"]] == [["available"], ["onHand"]]


def test_quantity_of_on_hand_has_no_time_after_a_write_of_available(client: Client) -> None:
    client.set(row(9, 5))
    ids = [gid("InventoryItem", KURTA_ITEM)]
    node = client.data(documents.LEVELS_FOR_ITEMS, ids=ids, locationId=gid("Location", MAIN))["nodes"][0]
    changed_at = {each["name"]: each["updatedAt"] for each in node["inventoryLevel"]["quantities"]}

    assert changed_at["available"] is not None
    assert changed_at["on_hand"] is None
