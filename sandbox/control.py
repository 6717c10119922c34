"""
The control API under ``/_control/``: how tests, demo and benchmarks act on the world from outside. JSON in, JSON out.

    GET    state                    {"clock_factor", "seed", "now", "skew_seconds", "pending_effects", "channels"}
    POST   shelf                    {"SKU": units}: what stands on the shelf
    POST   shelf/add                {"SKU": units}: goods that arrive (or, below zero, are lost)
    POST   components               {"channel", "rows": {"listing_key": [["SKU", units per sale], ...]}}
    POST   clock/skew               {"seconds"}: the marketplaces' clocks run off by so much
    GET    truth                    {"skus": {SKU: {shelf, sold, oversold, beyond_stock, by_channel}}, "oversold": {SKU: units},
                                    "refused": {channel: orders}, "cancelled_units": {channel: units}, "sales": how many}
    GET    truth/sales?since=N      {"sales": [...], "next"}: sales from index N on, each with its ``index``
    GET    faults                   {"known": {name: meaning}, "active": {name: {probability, remaining, options}}, "counts"}
    POST   faults                   {"name", "probability"?, "times"?, "options"?: {}}: switch one on
    DELETE faults[?name=...]        switch one off, or all
    POST   <channel>/load           the channel's own catalogue
    POST   <channel>/buy            {"listing_key", "units"?, ...}: 200 whether accepted or refused; see ``accepted``
    POST   <channel>/cancel         {"order_id", "by"?, "units"?, ...}
    POST   <channel>/ship           {"order_id", ...}
    POST   <channel>/<other verb>   what only that marketplace knows
    GET    <channel>/shown          {"rows": [...]}: what buyers see
    GET    <channel>/stats          calls by operation and status, and so on

Nothing here is rate limited or struck by a fault. A bad body is 400 ``{"error": ...}`` and changes nothing here; an unknown
channel is 404.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from sandbox.world import Marketplace, Mounted, World

logger = logging.getLogger(__name__)

CONTROL_PREFIX = "/_control"

_Answer = TypeVar("_Answer")


class BadBodyError(ValueError):
    """The request's body is not what this call takes."""


def control_blueprint(world: World, marketplaces: Sequence[Mounted]) -> Blueprint:
    """The control API over one world; ``marketplaces`` are reached by their ``channel``."""
    control = Blueprint("control", __name__)
    by_channel = {mounted.marketplace.channel: mounted.marketplace for mounted in marketplaces}
    known_faults = {name: meaning for mounted in marketplaces for name, meaning in mounted.faults.items()}
    _world_routes(control, world, by_channel)
    _truth_routes(control, world)
    _fault_routes(control, world, known_faults)
    _marketplace_routes(control, by_channel)

    @control.errorhandler(ValueError)
    @control.errorhandler(LookupError)
    def bad_request(error: Exception) -> ResponseReturnValue:
        if isinstance(error, HTTPException):  # Flask's own bad-request error is a KeyError too
            return jsonify(error=error.description), error.code or 400
        if not isinstance(error, BadBodyError):
            logger.info("control call %s was refused", request.path, exc_info=error)
        text = str(error) if isinstance(error, ValueError) else f"unknown or missing: {error}"
        return jsonify(error=text), 400

    @control.errorhandler(Exception)
    def our_own_error(error: Exception) -> ResponseReturnValue:
        if isinstance(error, HTTPException):
            return jsonify(error=error.description), error.code or 500
        logger.exception("control call %s failed", request.path, exc_info=error)
        return jsonify(error=f"{type(error).__name__}: {error}"), 500

    return control


def _world_routes(control: Blueprint, world: World, by_channel: Mapping[str, Marketplace]) -> None:
    @control.get("/state")
    def state() -> ResponseReturnValue:
        return jsonify(
            clock_factor=world.clock.factor,
            seed=world.seed,
            now=world.clock.now().isoformat(),
            skew_seconds=world.clock.skew_seconds,
            pending_effects=world.scheduler.pending(),
            channels=sorted(by_channel),
        )

    @control.post("/shelf")
    def set_shelf() -> ResponseReturnValue:
        shelf = {sku: _integer(units, f"units of {sku!r}", least=0) for sku, units in _body().items()}
        for sku, units in shelf.items():
            world.truth.set_shelf(sku, units)
        return jsonify(set=len(shelf))

    @control.post("/shelf/add")
    def add_to_shelf() -> ResponseReturnValue:
        added = {sku: _integer(units, f"units of {sku!r}") for sku, units in _body().items()}
        for sku, units in added.items():
            world.truth.add_to_shelf(sku, units)
        return jsonify(added=len(added))

    @control.post("/components")
    def components() -> ResponseReturnValue:
        body = _body(allowed={"channel", "rows"})
        channel = _text(body, "channel")
        if channel not in by_channel:
            raise BadBodyError(f"unknown channel {channel!r}; known: {sorted(by_channel)}")
        rows = _mapping(body.get("rows"), "rows")
        checked = {listing_key: _components(listing_key, row) for listing_key, row in rows.items()}
        for listing_key, row in checked.items():
            world.set_components(channel, listing_key, row)
        return jsonify(set=len(checked))

    @control.post("/clock/skew")
    def skew() -> ResponseReturnValue:
        world.clock.skew(_number(_body(allowed={"seconds"}).get("seconds"), "seconds"))
        return jsonify(now=world.clock.now().isoformat(), skew_seconds=world.clock.skew_seconds)


def _truth_routes(control: Blueprint, world: World) -> None:
    @control.get("/truth")
    def truth() -> ResponseReturnValue:
        return jsonify(
            skus=world.truth.summary(),
            oversold=world.truth.oversold_units(),
            refused=world.truth.refusals(),
            cancelled_units=world.truth.cancellations(),
            sales=world.truth.sales_count(),
        )

    @control.get("/truth/sales")
    def sales() -> ResponseReturnValue:
        since = request.args.get("since", default="0")
        if not since.isdigit():
            raise BadBodyError("since must be a whole number, 0 or more")
        first = int(since)
        rows = [
            {
                **asdict(sale),
                "index": first + offset,
                "at": sale.at.isoformat(),
                "components": [list(part) for part in sale.components],
            }
            for offset, sale in enumerate(world.truth.sales_since(first))
        ]
        return jsonify(sales=rows, next=first + len(rows))


def _fault_routes(control: Blueprint, world: World, known: Mapping[str, str]) -> None:
    def faults_now() -> ResponseReturnValue:
        active = {name: asdict(fault) for name, fault in world.faults.active().items()}
        return jsonify(known=dict(known), active=active, counts=world.faults.hits())

    @control.get("/faults")
    def list_faults() -> ResponseReturnValue:
        return faults_now()

    @control.post("/faults")
    def switch_on() -> ResponseReturnValue:
        body = _body(allowed={"name", "probability", "times", "options"})
        name = _known_fault(_text(body, "name"), known)
        probability = _number(body.get("probability", 1.0), "probability")
        if not 0 <= probability <= 1:
            raise BadBodyError("probability must be between 0 and 1")
        times = body.get("times")
        if times is not None:
            times = _integer(times, "times", least=1)
        options = _mapping(body.get("options", {}), "options")
        if reserved := options.keys() & {"name", "probability", "times"}:
            raise BadBodyError(f"options may not hold {sorted(reserved)}; these stand beside it")
        world.faults.switch_on(name, probability=probability, times=times, **options)
        return faults_now()

    @control.delete("/faults")
    def switch_off() -> ResponseReturnValue:
        name = request.args.get("name")
        if name is None:
            world.faults.clear()
        else:
            world.faults.switch_off(_known_fault(name, known))
        return faults_now()


def _marketplace_routes(control: Blueprint, by_channel: Mapping[str, Marketplace]) -> None:
    @control.post("/<channel>/<verb>")
    def act(channel: str, verb: str) -> ResponseReturnValue:
        marketplace = by_channel.get(channel)
        if marketplace is None:
            return _unknown_channel(channel, by_channel)
        body = _body()
        if verb == "load":
            marketplace.load(body)
            return jsonify(loaded=channel)
        if verb == "buy":
            _integer(body.get("units", 1), "units", least=1)
            return jsonify(asdict(_call(marketplace.buy, body)))
        if verb in {"cancel", "ship"}:
            return jsonify(_call(getattr(marketplace, verb), body))
        return jsonify(marketplace.command(verb, body))

    @control.get("/<channel>/shown")
    def shown(channel: str) -> ResponseReturnValue:
        if channel not in by_channel:
            return _unknown_channel(channel, by_channel)
        return jsonify(rows=by_channel[channel].shown())

    @control.get("/<channel>/stats")
    def stats(channel: str) -> ResponseReturnValue:
        if channel not in by_channel:
            return _unknown_channel(channel, by_channel)
        return jsonify(by_channel[channel].stats())


def _unknown_channel(channel: str, by_channel: Mapping[str, Marketplace]) -> ResponseReturnValue:
    return jsonify(error=f"unknown channel {channel!r}; known: {sorted(by_channel)}"), 404


def _call(method: Callable[..., _Answer], body: Mapping[str, Any]) -> _Answer:
    """Call with the body as keyword arguments; a body that does not fit the signature is the caller's error, not ours."""
    try:
        inspect.signature(method).bind(**body)
    except TypeError as error:
        raise BadBodyError(str(error)) from error
    return method(**body)


def _body(*, allowed: set[str] | None = None) -> dict[str, Any]:
    """The JSON object that was sent; no body at all is an empty one."""
    if not request.get_data():
        return {}
    body = _mapping(request.get_json(force=True, silent=True), "the body")
    if allowed is not None and (unknown := body.keys() - allowed):
        raise BadBodyError(f"unknown fields {sorted(unknown)}; this call takes {sorted(allowed)}")
    return body


def _mapping(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadBodyError(f"{what} must be a JSON object")
    return value


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadBodyError(f"{name} must be a text")
    return value


def _integer(value: object, what: str, *, least: int | None = None) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or (least is not None and value < least):
        raise BadBodyError(f"{what} must be a whole number" + (f" of at least {least}" if least is not None else ""))
    return value


def _number(value: object, what: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadBodyError(f"{what} must be a number")
    return float(value)


def _components(listing_key: str, row: object) -> tuple[tuple[str, int], ...]:
    """``[["SKU", 1], ...]`` as pairs; an empty list means stock that the marketplace holds itself."""
    pairs = []
    for pair in row if isinstance(row, list) else [None]:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise BadBodyError(f'components of {listing_key!r} must be a list of ["SKU", units]')
        pairs.append((pair[0], _integer(pair[1], f"units of {pair[0]!r} in {listing_key!r}", least=1)))
    return tuple(pairs)


def _known_fault(name: str, known: Mapping[str, str]) -> str:
    if name not in known:
        raise BadBodyError(f"unknown fault {name!r}; known: {sorted(known)}")
    return name
