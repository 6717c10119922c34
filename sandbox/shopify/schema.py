"""
Shopify's own schema, trimmed, with our resolvers in it; and running one document against it.

The order of checks is Shopify's: syntax, schema, variables, size of arrays, cost, bucket, execution.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.execution.values import get_argument_values

from sandbox.shopify import mutations, order_resolvers, stock_resolvers
from sandbox.shopify.access import require_access
from sandbox.shopify.context import CallContext
from sandbox.shopify.costs import MAX_QUERY_COST, CostCounter
from sandbox.shopify.errors import (
    as_json,
    max_cost_exceeded,
    max_input_size_exceeded,
    schema_error,
    syntax_error,
    throttled,
)
from sandbox.shopify.model import field_value
from sandbox.shopify.resolvers import RESOLVERS
from sandbox.shopify.times import graphql_time
from sandbox.shopify.variables import InvalidVariable, coerce_variables

SCHEMA_FILE = Path(__file__).with_name("schema-2026-10.graphql")
MAX_ARRAY = 250
REMEMBERED_DOCUMENTS = 200

REGISTERED = (mutations, order_resolvers, stock_resolvers)  # imported for the resolvers that they register


@cache
def load_schema() -> GraphQLSchema:
    """The trimmed schema with resolvers, made once per process."""
    schema = build_schema(SCHEMA_FILE.read_text(encoding="utf-8"), assume_valid=True, assume_valid_sdl=True)
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in kind.fields.items():
                field.resolve = _guarded(name, field_name, RESOLVERS.get(f"{name}.{field_name}"))
        elif isinstance(kind, GraphQLInterfaceType):
            kind.resolve_type = lambda value, info, abstract: value.graphql_type
    scalars = {"DateTime": _write_time, "UnsignedInt64": str, "Money": str, "Decimal": str, "URL": str}
    for name, write in scalars.items():
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.serialize = write  # type: ignore[method-assign,assignment]
    return schema


def _write_time(value: object) -> object:
    return graphql_time(value) if isinstance(value, datetime) else value


def _guarded(type_name: str, field_name: str, resolver: Callable[..., Any] | None) -> Callable[..., Any]:
    """The field's resolver behind its access scopes."""

    def resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        require_access(info.context.shop, type_name, field_name)
        if resolver is None:
            return field_value(source, field_name)
        return resolver(source, info, **arguments)

    return resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One call's JSON body. ``outcome``: ok, user error codes, or the code of the top-level error."""

    body: dict[str, Any]
    operation: str
    outcome: str = "ok"
    is_mutation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A document that passed the schema, or the errors it met."""

    document: DocumentNode | None
    errors: tuple[dict[str, Any], ...] = ()


class Engine:
    """Runs documents. Parsing and validating happen without the lock; everything else under it."""

    def __init__(self, *, lock: threading.RLock) -> None:
        self.schema = load_schema()
        self._lock = lock
        self._documents: OrderedDict[str, Checked] = OrderedDict()
        self._documents_lock = threading.Lock()

    def first_problem(self, query: str) -> str | None:
        """Why the schema refuses a query; None when it does not."""
        checked = self._check(query)
        return checked.errors[0]["message"] if checked.errors else None

    def run_inner(self, context: CallContext, query: str) -> dict[str, Any] | None:
        """The data of a bulk operation's query; None when it failed."""
        checked = self._check(query)
        assert checked.document is not None
        result = execute_sync(self.schema, checked.document, context_value=context)
        return None if result.errors else result.data

    def run(self, context: CallContext, *, query: str, variables: dict[str, Any], operation_name: str | None) -> Answer:
        """Answer one call, as Shopify would with HTTP 200."""
        checked = self._check(query)
        if checked.document is None or checked.errors:
            code = checked.errors[0].get("extensions", {}).get("code", "syntax")
            return Answer(body={"errors": list(checked.errors)}, operation="invalid", outcome=str(code))
        operation = _operation(checked.document, operation_name)
        if operation is None:
            message = f'No operation named "{operation_name}"' if operation_name else "An operation name is required"
            return Answer(body={"errors": [{"message": message}]}, operation="invalid", outcome="no_operation")
        label = "+".join(each.name.value for each in operation.selection_set.selections if isinstance(each, FieldNode))
        is_mutation = operation.operation is OperationType.MUTATION

        def failed(error: dict[str, Any], **extensions: Any) -> Answer:
            body = {"errors": [error], **({"extensions": extensions} if extensions else {})}
            outcome = str(error.get("extensions", {}).get("code", "error"))
            return Answer(body=body, operation=label, outcome=outcome, is_mutation=is_mutation)

        try:
            values = coerce_variables(self.schema, operation, variables)
        except InvalidVariable as error:
            return failed(error.as_json())
        if oversized := self._oversized(operation, values):
            path, size = oversized
            with self._lock:
                return failed(
                    max_input_size_exceeded(path, size, MAX_ARRAY), cost=_cost(context, requested=0, actual=None)
                )
        fragments = {
            each.name.value: each for each in checked.document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        counter = CostCounter(schema=self.schema, operation=operation, fragments=fragments, variables=values)
        requested = counter.requested()
        with self._lock:
            if requested > MAX_QUERY_COST:
                return failed(
                    max_cost_exceeded(requested, MAX_QUERY_COST), cost=_cost(context, requested=requested, actual=None)
                )
            forced = context.world.faults.hit("shopify.throttled")
            if forced or not context.shop.bucket.take(requested):
                return failed(throttled(), cost=_cost(context, requested=requested, actual=None))
            result = execute_sync(
                self.schema,
                checked.document,
                context_value=context,
                variable_values=variables,
                operation_name=operation_name,
            )
            actual = min(counter.actual(result.data), requested)
            context.shop.bucket.give_back(requested - actual)
            body: dict[str, Any] = {}
            if result.errors:
                body["errors"] = [as_json(error) for error in result.errors]
            body["data"] = result.data
            body["extensions"] = {"cost": _cost(context, requested=requested, actual=actual)}
        return Answer(body=body, operation=label, outcome=_outcome(body), is_mutation=is_mutation)

    def _check(self, query: str) -> Checked:
        with self._documents_lock:
            if query in self._documents:
                self._documents.move_to_end(query)
                return self._documents[query]
        try:
            document = parse(query)
        except GraphQLError as error:
            checked = Checked(document=None, errors=(syntax_error(error),))
        else:
            errors = validate(self.schema, document)
            checked = Checked(document=document, errors=tuple(schema_error(error) for error in errors))
        with self._documents_lock:
            self._documents[query] = checked
            while len(self._documents) > REMEMBERED_DOCUMENTS:
                self._documents.popitem(last=False)
        return checked

    def _oversized(self, operation: OperationDefinitionNode, variables: dict[str, Any]) -> tuple[list[str], int] | None:
        """The path and size of an input array above 250."""
        root = self.schema.get_root_type(operation.operation)
        assert root is not None
        for node in operation.selection_set.selections:
            if isinstance(node, FieldNode) and node.name.value in root.fields:
                arguments = get_argument_values(root.fields[node.name.value], node, variables)
                if found := _long_list(arguments, [node.alias.value if node.alias else node.name.value]):
                    return found
        return None


def _long_list(value: object, path: list[str]) -> tuple[list[str], int] | None:
    if isinstance(value, list):
        if len(value) > MAX_ARRAY:
            return path, len(value)
        return next(
            (found for index, each in enumerate(value) if (found := _long_list(each, [*path, str(index)]))), None
        )
    if isinstance(value, dict):
        return next((found for name, each in value.items() if (found := _long_list(each, [*path, name]))), None)
    return None


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name:
        operations = [each for each in operations if each.name and each.name.value == name]
    return operations[0] if len(operations) == 1 else None


def _cost(context: CallContext, *, requested: int, actual: int | None) -> dict[str, Any]:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": context.shop.bucket.status(),
    }


def _outcome(body: dict[str, Any]) -> str:
    if body.get("errors"):
        return str(body["errors"][0].get("extensions", {}).get("code", "error"))
    user_errors = [
        error
        for value in (body.get("data") or {}).values()
        if isinstance(value, dict)
        for error in value.get("userErrors") or ()
    ]
    return ",".join(sorted({str(error.get("code") or "user_error") for error in user_errors})) or "ok"
