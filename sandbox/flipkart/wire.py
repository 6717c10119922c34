"""How answers leave: JSON with fields in no fixed order, edge failures as HTML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response

from sandbox.flipkart.state import State

GATEWAY_TIMEOUT_HTML = "<html><head><title>504 Gateway Time-out</title></head><body><center><h1>504 Gateway Time-out</h1></center></body></html>"


def json_response(
    state: State, payload: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """``payload`` as JSON; the fields of every object are shuffled unless the setting says otherwise."""
    body = shuffled(state, payload) if state.settings.shuffle_fields else payload
    return Response(json.dumps(body), status=status, headers=dict(headers or {}), mimetype="application/json")


def shuffled(state: State, value: Any) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        state.rng("field-order").shuffle(keys)
        return {key: shuffled(state, value[key]) for key in keys}
    if isinstance(value, list):
        return [shuffled(state, entry) for entry in value]
    return value


def html_response(body: str, *, status: int) -> Response:
    return Response(body, status=status, mimetype="text/html")
