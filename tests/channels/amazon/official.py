"""
Amazon's official models and schemas as validators of what the client sends.

A request is right when a model has an operation of its method and path, every query parameter is one that the operation names, with a value of
its type, all required ones are there, and the body fits the body's schema, with no field that the model does not know.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "amazon"
MODELS = (
    "orders_2026-01-01",
    "listingsItems_2021-08-01",
    "fbaInventory",
    "feeds_2021-06-30",
    "reports_2021-06-30",
    "notifications",
    "sellers",
)


def example(name: str) -> Any:
    return json.loads((FIXTURES / "examples" / f"{name}.json").read_text())


def check_request(*, method: str, path: str, query: dict[str, list[str]], body: bytes, content_type: str = "") -> str:
    """:return: the operation's name. :raises AssertionError: the official models know no such request."""
    operation, parameters, definitions = _operation(method, path)
    by_name = {each["name"]: each for each in parameters if each["in"] == "query"}
    unknown = set(query) - set(by_name)
    assert not unknown, f"{operation} knows no parameter {sorted(unknown)}"
    for name, parameter in by_name.items():
        if name not in query:
            assert not parameter.get("required"), f"{operation} needs the parameter {name}"
            continue
        assert len(query[name]) == 1, f"{name} must stand once, with commas"
        _check_parameter(parameter, query[name][0])
    schema = next((each["schema"] for each in parameters if each["in"] == "body"), None)
    if schema is None:
        assert not body, f"{operation} takes no body"
    else:
        assert content_type.partition(";")[0] == "application/json"
        validate({**schema, "definitions": definitions}, json.loads(body))
    return operation


def check_feed(body: bytes) -> dict[str, Any]:
    """The feed, when both official schemas of JSON_LISTINGS_FEED allow it."""
    feed: dict[str, Any] = json.loads(body)
    folder = FIXTURES / "schemas" / "feeds"
    header = _without_ids(json.loads((folder / "listings-feed-schema-v2.json").read_text()))
    message = _without_ids(json.loads((folder / "listings-feed-message-schema-v2.json").read_text()))
    validate(header, feed)
    for each in feed["messages"]:
        validate(message, each)
    return feed


def check_notification(schema: str, body: Any) -> Any:
    text = (FIXTURES / "schemas" / "notifications" / f"{schema}.json").read_text()
    validate(_without_ids(json.loads(text)), body)
    return body


def check_answer(model: str, definition: str, body: Any) -> Any:
    definitions = _model(model)["definitions"]
    validate({"$ref": f"#/definitions/{definition}", "definitions": definitions}, body)
    return body


def validate(schema: dict[str, Any], body: Any) -> None:
    jsonschema.Draft7Validator(schema).validate(body)


@cache
def _model(name: str) -> dict[str, Any]:
    model: dict[str, Any] = json.loads((FIXTURES / "models" / f"{name}.json").read_text())
    model["definitions"] = _strict(model.get("definitions", {}))
    return model


def _operation(method: str, path: str) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    wanted = path.split("/")
    for name in MODELS:
        model = _model(name)
        for template, methods in model["paths"].items():
            parts = template.split("/")
            if method.lower() not in methods or len(parts) != len(wanted):
                continue
            if not all(a == b or (a.startswith("{") and unquote(b)) for a, b in zip(parts, wanted, strict=True)):
                continue
            operation = methods[method.lower()]
            parameters = [
                _resolved(each, model) for each in [*operation.get("parameters", []), *methods.get("parameters", [])]
            ]
            for template_part, value in zip(parts, wanted, strict=True):
                if template_part.startswith("{"):
                    parameter = next(each for each in parameters if each["name"] == template_part[1:-1])
                    _check_parameter(parameter, unquote(value))
            return operation["operationId"], parameters, model["definitions"]
    raise AssertionError(f"no official model has {method} {path}")


def _resolved(parameter: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in parameter:
        resolved: dict[str, Any] = model["parameters"][parameter["$ref"].rsplit("/", 1)[-1]]
        return resolved
    return parameter


def _check_parameter(parameter: dict[str, Any], value: str) -> None:
    kind = parameter["type"]
    schema = {name: part for name, part in parameter.items() if name in _SCHEMA_WORDS}
    read: Any = value
    if kind == "array":
        read = value.split(",")
    elif kind == "integer":
        read = int(value)
    elif kind == "boolean":
        assert value in ("true", "false")
        read = value == "true"
    validate(schema, read)


_SCHEMA_WORDS = {
    "type",
    "items",
    "enum",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "pattern",
    "minLength",
    "maxLength",
}


def _strict(node: dict[str, Any]) -> dict[str, Any]:
    """The same definitions, with unknown fields forbidden where the model lists the known ones and no other definition adds to them."""
    node = copy.deepcopy(node)
    added_to = {name for part in node.values() for name in _names_in_all_of(part)}
    for name, part in node.items():
        if part.get("properties") and "allOf" not in part and name not in added_to:
            part.setdefault("additionalProperties", False)
    return node


def _names_in_all_of(node: Any) -> list[str]:
    return [each["$ref"].rsplit("/", 1)[-1] for each in node.get("allOf", []) if "$ref" in each]


def _without_ids(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _without_ids(part) for name, part in node.items() if name not in ("$id", "$schema")}
    return [_without_ids(part) for part in node] if isinstance(node, list) else node
