"""Every document fits the official schema, and holds the two rules that the schema does not know."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, parse, print_ast, validate
from graphql.language import FieldNode, OperationDefinitionNode, Visitor, visit

from tests.channels.shopify.trim_schema import DOCUMENTS

SCHEMA_FILE = Path(__file__).parents[2] / "fixtures" / "shopify" / "schema-2026-10.graphql"
BUYER_FIELDS = {
    "email",
    "phone",
    "customer",
    "shippingAddress",
    "billingAddress",
    "displayAddress",
    "firstName",
    "lastName",
}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(SCHEMA_FILE.read_text(encoding="utf-8"), assume_valid=True)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_is_valid_in_the_official_schema(schema, name):
    assert validate(schema, parse(DOCUMENTS[name])) == []


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("SET_QUANTITIES", "userErrors { field message code }", "userErrors { field message code reason }"),
        ("ACTIVATE_LEVEL", "$available: Int", "$available: Float"),
        ("ORDERS_PAGE", "sortKey: UPDATED_AT", "sortKey: CHANGED_AT"),
        ("SET_QUANTITIES", "mutation SetQuantities(", "mutation SetQuantities @idempotent(key: \"1\") ("),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_shopify_refuses(schema, name, right, wrong):
    broken = DOCUMENTS[name].replace(right, wrong)

    if wrong.startswith("mutation"):
        broken = DOCUMENTS[name].replace(
            "$idempotencyKey: String!) {", '$idempotencyKey: String!) @idempotent(key: "1") {', 1
        )
    assert broken != DOCUMENTS[name]
    assert validate(schema, parse(broken)) != []


@pytest.mark.parametrize("name", ["SET_QUANTITIES", "ACTIVATE_LEVEL"])
def test_inventory_writes_carry_their_idempotency_key_on_the_field(name):
    operation = parse(DOCUMENTS[name]).definitions[0]

    assert isinstance(operation, OperationDefinitionNode)
    (field,) = operation.selection_set.selections
    assert isinstance(field, FieldNode)
    assert [print_ast(each) for each in field.directives] == ["@idempotent(key: $idempotencyKey)"]


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_no_document_asks_for_a_buyer(name):
    asked: set[str] = set()

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            asked.add(node.name.value)

    visit(parse(DOCUMENTS[name]), Fields())
    assert not asked & BUYER_FIELDS
