"""Variables as Shopify checks them: one INVALID_VARIABLE error for each bad variable, with every problem in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    type_from_ast,
)
from graphql.utilities import coerce_input_value, value_from_ast

UNKNOWN_FIELD = re.compile(r"Field '(?P<field>\w+)' is not defined by type '(?P<type>\w+)'")
MISSING_FIELD = re.compile(r"Field '(?P<field>\w+)' of required type")
GLOBAL_ID = re.compile(r"gid://[^/]+/\w+/.+")


@dataclass(slots=True)
class InvalidVariable(Exception):
    """A variable that its type does not take. ``problems``: (path, explanation)."""

    name: str
    kind: str
    value: Any
    problems: list[tuple[list[str | int], str]]

    def as_json(self) -> dict[str, Any]:
        details = ", ".join(
            f"{'.'.join(map(str, path))} ({explanation})" for path, explanation in self.problems if path
        )
        message = f"Variable ${self.name} of type {self.kind} was provided invalid value"
        return {
            "message": f"{message} for {details}" if details else message,
            "extensions": {
                "code": "INVALID_VARIABLE",
                "value": self.value,
                "problems": [{"path": path, "explanation": explanation} for path, explanation in self.problems],
            },
        }


def coerce_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]
) -> dict[str, Any]:
    """
    The operation's variables with defaults in place; absent optional ones stay absent.

    :raises InvalidVariable: the first variable that does not fit.
    """
    values: dict[str, Any] = {}
    for definition in operation.variable_definitions:
        name = definition.variable.name.value
        kind = type_from_ast(schema, definition.type)
        assert kind is not None  # validated
        if name not in given:
            if definition.default_value is not None:
                values[name] = value_from_ast(definition.default_value, kind)  # type: ignore[arg-type]
            elif isinstance(kind, GraphQLNonNull):
                raise InvalidVariable(name, str(kind), None, [([], "Expected value to not be null")])
            continue
        problems: list[tuple[list[str | int], str]] = []

        def on_error(
            path: list[str | int], value: Any, error: GraphQLError, *, problems: list[tuple[list[str | int], str]] = problems,
            kind: Any = kind,
        ) -> None:  # fmt: skip
            problems.append(_problem(path, value, error, kind))

        values[name] = coerce_input_value(given[name], kind, on_error)  # type: ignore[arg-type]
        if not problems:
            problems = _bad_ids(given[name], kind, [])  # type: ignore[arg-type]
        if problems:
            raise InvalidVariable(name, str(kind), given[name], problems)
    return values


def _problem(
    path: list[str | int], value: Any, error: GraphQLError, kind: GraphQLInputType
) -> tuple[list[str | int], str]:
    """graphql-core's words in Shopify's."""
    if match := UNKNOWN_FIELD.search(error.message):
        return [*path, match["field"]], f"Field is not defined on {match['type']}"
    if match := MISSING_FIELD.search(error.message):
        return [*path, match["field"]], "Expected value to not be null"
    if value is None:
        return list(path), "Expected value to not be null"
    named = _type_at(kind, path)
    if isinstance(named, GraphQLEnumType):
        return list(path), f'Expected "{value}" to be one of: {", ".join(named.values)}'
    return list(path), f'Could not coerce value "{value}" to {named}'


def _type_at(kind: GraphQLInputType, path: list[str | int]) -> Any:
    for step in path:
        named = get_named_type(kind)
        if isinstance(step, str) and isinstance(named, GraphQLInputObjectType) and step in named.fields:
            kind = named.fields[step].type
    return get_named_type(kind)


def _bad_ids(value: Any, kind: GraphQLInputType, path: list[str | int]) -> list[tuple[list[str | int], str]]:
    """Every value of type ID must be a global id."""
    if isinstance(kind, GraphQLNonNull):
        return _bad_ids(value, kind.of_type, path)
    if value is None:
        return []
    if isinstance(kind, GraphQLList):
        rows = value if isinstance(value, list) else [value]
        return [problem for index, row in enumerate(rows) for problem in _bad_ids(row, kind.of_type, [*path, index])]
    if isinstance(kind, GraphQLInputObjectType):
        return [
            problem
            for name, inner in value.items()
            for problem in _bad_ids(inner, kind.fields[name].type, [*path, name])
        ]
    if get_named_type(kind).name == "ID" and not GLOBAL_ID.fullmatch(str(value)):
        return [(path, f"Invalid global id '{value}'")]
    return []
