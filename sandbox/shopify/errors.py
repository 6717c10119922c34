"""Top-level errors in Shopify's words (its server is graphql-ruby, ours graphql-core)."""

from __future__ import annotations

import logging
import re
from typing import Any

from graphql import GraphQLError

logger = logging.getLogger(__name__)

RATE_LIMITS = "https://shopify.dev/api/usage/rate-limits"

_NAMED = r"'(?P<{}>[^']+)'"
FIELD = re.compile(f"Cannot query field {_NAMED.format('field')} on type {_NAMED.format('type')}")
ARGUMENT = re.compile(r"Unknown argument '(?P<argument>\w+)' on field '(?P<field>[\w.]+)'")
INPUT_FIELD = re.compile(r"Field '(?P<argument>\w+)' is not defined by type '(?P<type>\w+)'")
MISSING = re.compile(r"Field '(?P<field>\w+)' argument '(?P<argument>\w+)' of type '[^']+' is required")
DIRECTIVE = re.compile(r"Directive '@(?P<directive>\w+)' may not be used on (?P<place>\w+)")
UNKNOWN_DIRECTIVE = re.compile(r"Unknown directive '@(?P<directive>\w+)'")
ENUM = re.compile(r"Value '(?P<value>[^']+)' does not exist in '(?P<type>\w+)' enum")


def as_json(error: GraphQLError) -> dict[str, Any]:
    """An error of execution. One that no resolver meant is logged, and shown as Shopify shows its own."""
    body: dict[str, Any] = {"message": error.message}
    if error.locations:
        body["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    extensions = dict(error.extensions or {})
    original = error.original_error
    if original is not None and not isinstance(original, GraphQLError):
        logger.error("a resolver of the sandbox failed", exc_info=original)
        body["message"] = "Internal error. Looks like something went wrong on our end."
        extensions = {"code": "INTERNAL_SERVER_ERROR"}
    if extensions:
        body["extensions"] = extensions
    if error.path:
        body["path"] = list(error.path)
    return body


def syntax_error(error: GraphQLError) -> dict[str, Any]:
    locations = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    return {"message": error.message, "locations": locations, "extensions": {"code": "PARSE_ERROR"}}


def schema_error(error: GraphQLError) -> dict[str, Any]:
    """A document that the schema refuses: no ``data``, and a code for the usual cases."""
    message, extensions = _in_their_words(error.message)
    return {
        "message": message,
        "locations": [{"line": place.line, "column": place.column} for place in error.locations or ()],
        "extensions": extensions,
    }


def _in_their_words(message: str) -> tuple[str, dict[str, Any]]:
    if match := FIELD.search(message):
        extensions = {"code": "undefinedField", "typeName": match["type"], "fieldName": match["field"]}
        return f"Field '{match['field']}' doesn't exist on type '{match['type']}'", extensions
    if match := ARGUMENT.search(message):
        field = match["field"].rsplit(".", 1)[-1]
        extensions = {
            "code": "argumentNotAccepted",
            "name": field,
            "typeName": "Field",
            "argumentName": match["argument"],
        }
        return f"Field '{field}' doesn't accept argument '{match['argument']}'", extensions
    if match := INPUT_FIELD.search(message):
        extensions = {
            "code": "argumentNotAccepted",
            "name": match["type"],
            "typeName": "InputObject",
            "argumentName": match["argument"],
        }
        return f"InputObject '{match['type']}' doesn't accept argument '{match['argument']}'", extensions
    if match := MISSING.search(message):
        extensions = {
            "code": "missingRequiredArguments",
            "className": "Field",
            "name": match["field"],
            "arguments": match["argument"],
        }
        return f"Field '{match['field']}' is missing required arguments: {match['argument']}", extensions
    if match := DIRECTIVE.search(message):
        place = {"MUTATION": "mutations", "QUERY": "queries"}.get(match["place"], match["place"].lower())
        extensions = {"code": "directiveCannotBeApplied", "targetName": place, "name": match["directive"]}
        return f"'@{match['directive']}' can't be applied to {place}", extensions
    if match := UNKNOWN_DIRECTIVE.search(message):
        extensions = {"code": "undefinedDirective", "directiveName": match["directive"]}
        return f"Directive @{match['directive']} is not defined", extensions
    if match := ENUM.search(message):
        return (
            f"{match['value']} is not a valid {match['type']}",
            {"code": "argumentLiteralsIncompatible", "typeName": match["type"]},
        )
    return message, {"code": "invalid"}


def max_input_size_exceeded(path: list[str], size: int, limit: int) -> dict[str, Any]:
    return {
        "message": f"The input array size of {size} is greater than the maximum allowed of {limit}.",
        "path": path,
        "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
    }


def max_cost_exceeded(cost: int, limit: int) -> dict[str, Any]:
    return {
        "message": f"Query cost is {cost}, which exceeds the single query max cost limit ({limit}).\n\nSee {RATE_LIMITS} "
        "for more information on how the\ncost of a query is calculated.",
        "extensions": {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": limit, "documentation": RATE_LIMITS},
    }


def throttled() -> dict[str, Any]:
    return {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": RATE_LIMITS}}
