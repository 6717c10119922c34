"""
Write the part of Shopify's official schema that our documents touch.

Run by hand when a new API version is taken up, and look at the difference::

    python -m tests.channels.shopify.trim_schema admin-2026-10.introspection.json.gz tests/fixtures/shopify/schema-2026-10.graphql

Objects keep the fields that a document selects, with all their arguments; input objects and enums stay whole.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from graphql import (
    FieldNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    parse,
    print_schema,
    visit,
)

from channels_shopify import documents

DOCUMENTS = {name: text for name, text in vars(documents).items() if name.isupper() and not name.startswith("_")}


def selected_fields(schema: Any) -> dict[str, set[str]]:
    """Type name -> fields that our documents select of it. A field that the schema lacks is simply not there."""
    kept: dict[str, set[str]] = {}

    class Collect(Visitor):
        def __init__(self, info: TypeInfo) -> None:
            super().__init__()
            self.info = info

        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = get_named_type(self.info.get_parent_type())
            if parent is not None and self.info.get_field_def() is not None:
                kept.setdefault(parent.name, set()).add(node.name.value)

    for text in DOCUMENTS.values():
        info = TypeInfo(schema)
        visit(parse(text), TypeInfoVisitor(info, Collect(info)))
    return kept


def bottom(reference: dict[str, Any]) -> str:
    while reference.get("ofType"):
        reference = reference["ofType"]
    return str(reference["name"])


def trim(introspection: dict[str, Any]) -> dict[str, Any]:
    """:param introspection: the value under ``data`` of an introspection answer."""
    schema = introspection["__schema"]
    types = {kind["name"]: kind for kind in schema["types"]}
    fields = selected_fields(build_client_schema(introspection, assume_valid=True))
    fields.setdefault("Node", set()).add("id")
    waiting, kept = [*fields, "Boolean", "String"], {}
    while waiting:
        name = waiting.pop()
        if name in kept:
            continue
        kept[name] = kind = dict(types[name], description=None)
        for place in ("fields", "inputFields", "enumValues"):
            kind[place] = [dict(each, description=None) for each in kind.get(place) or []] or None
        if kind["fields"]:
            kind["fields"] = [each for each in kind["fields"] if each["name"] in fields.get(name, set())]
            kind["interfaces"] = [each for each in kind.get("interfaces") or [] if each["name"] == "Node"]
        for each in [*(kind["fields"] or []), *(kind["inputFields"] or [])]:
            waiting.append(bottom(each["type"]))
            each["args"] = [dict(argument, description=None) for argument in each.get("args") or []]
            waiting += [bottom(argument["type"]) for argument in each["args"]]
    kept["Node"]["possibleTypes"] = [each for each in kept["Node"]["possibleTypes"] if each["name"] in kept]
    return {"__schema": dict(schema, types=[kept[name] for name in sorted(kept)])}


def main(source: str, target: str) -> None:
    with gzip.open(source) as file:
        schema = build_client_schema(trim(json.load(file)["data"]), assume_valid=True)  # type: ignore[arg-type]
    Path(target).write_text(print_schema(schema) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])
