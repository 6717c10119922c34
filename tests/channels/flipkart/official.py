"""What Flipkart's own OpenAPI says of a request, with the places where it is known to be wrong put right (fixtures/flipkart/README.md)."""

from __future__ import annotations

import copy
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema

from tests.channels.flipkart.fixtures import fixture
from tests.channels.flipkart.stub import TOKEN_PATH, Seen

_ELSEWHERE = {TOKEN_PATH, "/sellers/listings/v3/details", "/sellers/locations/allLocations"}


def model() -> dict[str, Any]:
    paths = copy.deepcopy(fixture("openapi.json")["paths"])
    search = _body(paths["/sellers/listings/v3/search"]["post"])["properties"]
    search["filters"]["properties"]["listing_status"] = search["filters"]["properties"].pop("lisitng_status")
    search["page_id"] = {"type": ["string", "null"]}
    inventory = _body(paths["/sellers/listings/v3/update/inventory"]["post"])
    inventory["additionalProperties"]["properties"]["locations"]["items"]["required"] = ["id", "inventory"]
    filters = _body(paths["/sellers/v3/shipments/filter"]["post"])["properties"]["filter"]
    filters["properties"]["hold"] = {"type": "boolean"}
    filters["required"] += ["states", "serviceProfiles", "shipmentTypes"]  # their defaults hide shipments
    return paths


def check(seen: Seen) -> str:
    """
    Check one request; fields that the model does not name are refused as well.

    :return: the path template that it fits, "" for the token endpoint and the calls that no official model describes.
    """
    if seen.path in _ELSEWHERE:
        return ""
    for template, operations in model().items():
        if seen.method.lower() in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), seen.path):
            operation = operations[seen.method.lower()]
            known = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
            sent = parse_qs(urlsplit(seen.target).query)
            assert sent.keys() <= known, f"{seen.target}: unknown query fields"
            assert all(len(values) == 1 for values in sent.values())
            if "requestBody" in operation:
                assert seen.headers["content-type"].startswith("application/json")
                jsonschema.validate(seen.json, strict(_body(operation)))
            else:
                assert seen.body == b""
            return template
    raise AssertionError(f"{seen.method} {seen.path} is no official operation")


def strict(schema: Any) -> Any:
    """The same schema, closed: an object may only have the properties that are named."""
    if not isinstance(schema, dict):
        return schema
    closed = {
        name: {key: strict(value) for key, value in part.items()} if name == "properties" else strict(part)
        for name, part in schema.items()
    }
    if "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def _body(operation: dict[str, Any]) -> dict[str, Any]:
    return operation["requestBody"]["content"]["application/json"]["schema"]
