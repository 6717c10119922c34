"""Every document that the product sends is taken and answered; what Shopify's schema refuses is refused in its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sandbox.server import SandboxServer
from sandbox.shopify.schema import SCHEMA_FILE
from tests.sandbox import shopify_documents as documents
from tests.sandbox.shopify_shop import (
    KURTA,
    KURTA_ITEM,
    MAIN,
    SAREE_ITEM,
    TIMEOUT,
    Client,
    delta,
    gid,
    open_server,
    row,
    wait_until,
)


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with_server = open_server(clock_factor=20)
    yield with_server
    with_server.stop()


@pytest.fixture(scope="module")
def client(server: SandboxServer) -> Client:
    return Client(server)


def first_error(body: dict) -> dict:
    assert "data" not in body
    return body["errors"][0]


def test_the_trimmed_schema_is_small() -> None:
    assert Path(SCHEMA_FILE).stat().st_size < 1_000_000


def test_connecting_shows_the_shop_and_the_granted_scopes(client: Client) -> None:
    data = client.data(documents.SHOP_INFO)

    assert data["shop"]["myshopifyDomain"] == "demo-store.myshopify.com"
    assert data["shop"]["currencyCode"] == "INR"
    assert {"handle": "write_inventory"} in data["currentAppInstallation"]["accessScopes"]


def test_locations_are_listed_with_what_they_do(client: Client) -> None:
    page = client.data(documents.LOCATIONS)["locations"]

    assert [each["name"] for each in page["nodes"]] == ["Bengaluru", "Pune"]
    assert page["nodes"][0]["fulfillsOnlineOrders"] is True
    assert page["nodes"][0]["isFulfillmentService"] is False
    assert page["pageInfo"]["hasNextPage"] is False


def test_the_catalogue_carries_codes_policy_and_the_hsn_metafield(client: Client) -> None:
    variables = {"first": 1, "query": None, "hsnNamespace": "custom", "hsnKey": "hsn_code"}
    first = client.data(documents.VARIANTS_PAGE, **variables)["productVariants"]
    cursor = first["pageInfo"]["endCursor"]
    second = client.data(documents.VARIANTS_PAGE, **variables, cursor=cursor)["productVariants"]

    kurta = first["nodes"][0]
    assert kurta["id"] == gid("ProductVariant", KURTA)
    assert kurta["displayName"] == "Kurta - M"
    assert kurta["price"] == "1299.00"
    assert kurta["inventoryQuantity"] == 7
    assert kurta["inventoryItem"]["legacyResourceId"] == "9007199254740995"
    assert kurta["inventoryItem"]["countryHarmonizedSystemCodes"]["nodes"] == [
        {"countryCode": "IN", "harmonizedSystemCode": "62044220"}
    ]
    assert kurta["hsnMetafield"] == {"value": "6204", "type": "single_line_text_field"}
    assert second["nodes"][0]["inventoryPolicy"] == "CONTINUE"
    assert second["nodes"][0]["hsnMetafield"] is None


def test_levels_are_read_by_id_and_an_unknown_id_is_null_in_its_place(client: Client) -> None:
    ids = [gid("InventoryItem", KURTA_ITEM), gid("InventoryItem", 999)]
    nodes = client.data(documents.LEVELS_FOR_ITEMS, ids=ids, locationId=gid("Location", MAIN))["nodes"]

    level = nodes[0]["inventoryLevel"]
    assert level["id"].endswith(f"?inventory_item_id={KURTA_ITEM}")
    assert {each["name"]: each["quantity"] for each in level["quantities"]}["on_hand"] == 5
    assert nodes[1] is None


def test_all_levels_of_a_location_are_listed(client: Client) -> None:
    location = client.data(documents.LOCATION_LEVELS_PAGE, locationId=gid("Location", MAIN))["location"]

    assert {each["item"]["sku"] for each in location["inventoryLevels"]["nodes"]} == {"KURTA-M", "SAREE"}


def test_set_adjust_and_activate_execute(client: Client) -> None:
    group = client.set(row(4, 1, item=SAREE_ITEM), referenceDocumentUri="gid://inventory-sync/Push/1")[
        "inventoryAdjustmentGroup"
    ]
    changed = client.adjust(delta(-3, 4, item=SAREE_ITEM))["inventoryAdjustmentGroup"]
    activated = client.data(
        documents.ACTIVATE_LEVEL,
        inventoryItemId=gid("InventoryItem", SAREE_ITEM),
        locationId=gid("Location", MAIN + 1),
        available=2,
        idempotencyKey="activate-saree",
    )["inventoryActivate"]

    assert group["referenceDocumentUri"] == "gid://inventory-sync/Push/1"
    assert [(each["name"], each["delta"]) for each in group["changes"]] == [("available", 3), ("on_hand", 3)]
    assert [(each["name"], each["delta"]) for each in changed["changes"]] == [("available", -3), ("on_hand", -3)]
    assert activated["userErrors"] == []
    assert activated["inventoryLevel"]["isActive"] is True
    assert activated["inventoryLevel"]["quantities"][0] == {"name": "available", "quantity": 2}


def test_an_item_takes_six_digit_codes_and_refuses_four(client: Client) -> None:
    item = gid("InventoryItem", SAREE_ITEM)
    good = client.data(documents.ITEM_UPDATE, id=item, input={"harmonizedSystemCode": "500720"})["inventoryItemUpdate"]
    bad = client.data(documents.ITEM_UPDATE, id=item, input={"harmonizedSystemCode": "6204"})["inventoryItemUpdate"]

    assert good["inventoryItem"]["harmonizedSystemCode"] == "500720"
    assert bad["userErrors"] == [
        {
            "field": ["input", "harmonizedSystemCode"],
            "message": "Harmonized system code must be a number between six and thirteen digits",
        }
    ]


def test_stop_continue_selling_is_one_mutation(client: Client) -> None:
    mutation = """
      mutation Deny($productId: ID!, $variants: [ProductVariantsBulkInput!]!) {
        productVariantsBulkUpdate(productId: $productId, variants: $variants) {
          productVariants { id inventoryPolicy }
          userErrors { field message code }
        }
      }
    """
    saree = gid("ProductVariant", 48000000000002)
    product = gid("Product", 9000000000002)
    variants = [{"id": saree, "inventoryPolicy": "DENY"}]
    good = client.data(mutation, productId=product, variants=variants)["productVariantsBulkUpdate"]
    quantities = [{"locationId": gid("Location", MAIN), "availableQuantity": 9}]
    bad = client.data(mutation, productId=product, variants=[{"id": saree, "inventoryQuantities": quantities}])

    assert good == {"productVariants": [{"id": saree, "inventoryPolicy": "DENY"}], "userErrors": []}
    code = bad["productVariantsBulkUpdate"]["userErrors"][0]["code"]
    assert code == "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE"


def test_orders_are_paged_and_read_by_id(client: Client, server: SandboxServer) -> None:
    purchase = server.shopify.buy(listing_key=str(KURTA), properties=[{"name": "HSN Code", "value": "6204"}])
    query = "updated_at:>='2020-01-01T00:00:00Z'"
    wait_until(lambda: client.data(documents.ORDERS_PAGE, first=5, query=query)["orders"]["nodes"])
    node = client.data(documents.ORDERS_PAGE, first=5, query=query)["orders"]["nodes"][0]
    order = client.order(purchase.order_id)

    assert node["id"] == gid("Order", purchase.order_id)
    assert node["displayFinancialStatus"] == "PAID"
    assert node["currentTotalPriceSet"]["shopMoney"] == {"amount": "1299.00", "currencyCode": "INR"}
    line = node["lineItems"]["nodes"][0]
    assert line["unfulfilledQuantity"] == 1
    assert line["taxLines"][0]["title"] == "IGST"
    assert line["customAttributes"] == [{"key": "HSN Code", "value": "6204"}]
    assert line["variant"]["inventoryItem"]["id"] == gid("InventoryItem", KURTA_ITEM)
    assert order["fulfillmentOrders"]["nodes"][0]["assignedLocation"]["location"]["id"] == gid("Location", MAIN)


def test_webhook_documents_create_list_and_delete(client: Client) -> None:
    created = client.subscribe("ORDERS_CREATE", "https://example.com/hooks", name="orders")["webhookSubscription"]
    listed = client.data(documents.WEBHOOK_LIST)["webhookSubscriptions"]["nodes"]
    deleted = client.data(documents.WEBHOOK_DELETE, id=created["id"])["webhookSubscriptionDelete"]

    assert created["apiVersion"] == {"handle": "2026-10", "supported": True}
    assert created["id"] in [each["id"] for each in listed]
    assert deleted == {"deletedWebhookSubscriptionId": created["id"], "userErrors": []}
    assert client.data(documents.WEBHOOK_LIST)["webhookSubscriptions"]["nodes"] == []


def test_an_unknown_field_is_refused(client: Client) -> None:
    error = first_error(client.call("{ shop { id favouriteColour } }"))

    assert error["message"] == "Field 'favouriteColour' doesn't exist on type 'Shop'"
    assert error["extensions"]["code"] == "undefinedField"


def test_idempotent_on_the_operation_is_refused(client: Client) -> None:
    document = documents.SET_QUANTITIES.replace("@idempotent(key: $idempotencyKey)", "").replace(
        "$idempotencyKey: String!)", '$idempotencyKey: String!) @idempotent(key: "k")'
    )
    error = first_error(client.call(document, input={}, idempotencyKey="k"))

    assert error["extensions"]["code"] == "directiveCannotBeApplied"


def test_a_bad_enum_value_is_refused(client: Client) -> None:
    error = first_error(client.call(documents.WEBHOOK_CREATE, topic="ORDERS_SHOUTED", webhookSubscription={}))

    assert error["extensions"]["code"] == "INVALID_VARIABLE"
    assert error["extensions"]["problems"][0]["explanation"].startswith('Expected "ORDERS_SHOUTED" to be one of: ')


def test_the_dropped_compare_switch_is_an_unknown_input_field(client: Client) -> None:
    values = {"name": "available", "reason": "correction", "ignoreCompareQuantity": True, "quantities": [row(1, None)]}
    error = first_error(client.call(documents.SET_QUANTITIES, input=values, idempotencyKey="k"))

    assert error["message"] == (
        "Variable $input of type InventorySetQuantitiesInput! was provided invalid value for ignoreCompareQuantity "
        "(Field is not defined on InventorySetQuantitiesInput)"
    )
    assert error["extensions"]["code"] == "INVALID_VARIABLE"
    assert error["extensions"]["problems"] == [
        {"path": ["ignoreCompareQuantity"], "explanation": "Field is not defined on InventorySetQuantitiesInput"}
    ]


def test_an_id_that_is_no_global_id_is_refused(client: Client) -> None:
    error = first_error(client.call(documents.ORDER_BY_ID, id="6120000000001"))

    assert error["extensions"]["problems"] == [{"path": [], "explanation": "Invalid global id '6120000000001'"}]


def test_a_search_the_sandbox_does_not_speak_is_an_error_not_a_wrong_answer(client: Client) -> None:
    body = client.call(documents.ORDERS_PAGE, first=5, query="name:a OR name:b")

    assert "does not understand" in body["errors"][0]["message"]


def test_a_missing_body_is_a_bad_request(client: Client) -> None:
    headers = {"X-Shopify-Access-Token": client.token}
    response = requests.post(client.url, data="nothing", headers=headers, timeout=TIMEOUT)

    assert response.status_code == 400


def test_bulk_documents_run_poll_and_fetch(client: Client, server: SandboxServer) -> None:
    started = client.data(documents.BULK_START, query=documents.BULK_INNER_INVENTORY)["bulkOperationRunQuery"]
    operation_id = started["bulkOperation"]["id"]
    assert started["bulkOperation"]["status"] == "CREATED"

    def poll() -> dict:
        return client.data(documents.BULK_POLL, id=operation_id)["bulkOperation"]

    wait_until(lambda: poll()["status"] == "COMPLETED")
    operation = poll()
    result = requests.get(operation["url"], timeout=TIMEOUT)  # no token
    lines = [json.loads(line) for line in result.text.splitlines()]

    assert result.status_code == 200
    assert operation["objectCount"] == str(len(lines))
    assert operation["rootObjectCount"] == "3"
    assert operation["fileSize"] == str(len(result.content))
    children = [each for each in lines if "__parentId" in each]
    assert {each["__parentId"] for each in children} == {
        gid("ProductVariant", KURTA),
        gid("ProductVariant", 48000000000002),
    }
    assert {each["name"] for each in children[0]["quantities"]} == {"available", "on_hand", "committed"}
    kurta = next(each for each in lines if each["id"] == gid("ProductVariant", KURTA))
    assert kurta["inventoryItem"] == {
        "id": gid("InventoryItem", KURTA_ITEM),
        "tracked": True,
        "harmonizedSystemCode": "620442",
    }


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("{ productVariants { nodes { id } } }", "`nodes` is not supported"),
        ("query ($a: ID!) { productVariants { edges { node { id } } } }", "can't have variables"),
        (
            "{ productVariants { edges { node { sku inventoryItem { inventoryLevels { edges { node { id } } } } } } } }",
            "'id' field",
        ),
        ("{ shop { id } }", "at least one connection"),
        ('{ node(id: "gid://shopify/Order/1") { id } }', "top level `node`"),
        ("{ productVariants { edges { node { id colour } } } }", "doesn't exist"),
    ],
)
def test_a_bulk_query_of_the_wrong_form_is_invalid(client: Client, query: str, problem: str) -> None:
    error = client.data(documents.BULK_START, query=query)["bulkOperationRunQuery"]["userErrors"][0]

    assert error["code"] == "INVALID"
    assert problem in error["message"]
