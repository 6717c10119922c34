"""The HTTP paths of a shop, relative to the mount point: ``/<shop domain>/admin/...``."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from sandbox.shopify.auth import TokenError, authorize, grant, is_valid_token
from sandbox.shopify.bulk import URL_SECONDS, signature
from sandbox.shopify.context import CallContext
from sandbox.shopify.schema import Answer
from sandbox.shopify.settings import API_VERSIONS
from sandbox.shopify.state import Shop

if TYPE_CHECKING:
    from sandbox.shopify.marketplace import ShopifyMarketplace

logger = logging.getLogger(__name__)

UNAUTHORIZED = "[API] Invalid API key or access token (unrecognized login or wrong password)"
SLOW_SECONDS = 10.0
GATEWAY_PAGE = "<!DOCTYPE html><html><head><title>504 Gateway Time-out</title></head><body><h1>504</h1></body></html>"


def shopify_blueprint(market: ShopifyMarketplace) -> Blueprint:
    """All paths; state is read and changed in ``market`` under its lock."""
    blueprint = Blueprint("shopify", __name__)

    @blueprint.before_request
    def name_the_request() -> None:
        g.request_id = str(uuid.uuid4())

    @blueprint.after_request
    def headers_of_every_answer(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        return response

    @blueprint.post("/<domain>/admin/oauth/access_token")
    def access_token(domain: str) -> ResponseReturnValue:
        shop = market.shops.get(domain)
        if shop is None:
            return _no_such_shop()
        if fault := market.world.faults.hit("shopify.token_500"):
            return jsonify(errors="Internal Server Error"), int(fault.options.get("status", 500))
        form = request.get_json(silent=True) if request.is_json else request.form
        with market.lock:
            try:
                answer = grant(shop, form if isinstance(form, Mapping) else {}, clock=market.world.clock)
                status = 200
            except TokenError as error:
                answer, status = error.body(), 400
            _count(market, "token", str(answer.get("error", "ok")))
        return jsonify(answer), status

    @blueprint.get("/<domain>/admin/oauth/authorize")
    def consent(domain: str) -> ResponseReturnValue:
        shop = market.shops.get(domain)
        if shop is None:
            return _no_such_shop()
        with market.lock:
            try:
                return redirect(authorize(shop, request.args, now=market.world.clock.now()))
            except TokenError as error:
                return jsonify(error.body()), 400

    @blueprint.post("/<domain>/admin/api/<version>/graphql.json")
    def graphql(domain: str, version: str) -> ResponseReturnValue:
        shop = market.shops.get(domain)
        if shop is None or not _is_version(version):
            return _no_such_shop()
        answer = _graphql(market, shop)
        response = jsonify(answer) if isinstance(answer, dict) else answer
        response.headers["X-Shopify-API-Version"] = shop.settings.fall_forward_to or _served_version(version)
        return response

    @blueprint.get("/<domain>/bulk/<int:number>.jsonl")
    def bulk_result(domain: str, number: int) -> ResponseReturnValue:
        """Needs no token: whoever has the signed address may read."""
        shop = market.shops.get(domain)
        expires = request.args.get("expires", "")
        if shop is None or not expires.isdigit():
            return _no_such_shop()
        with market.lock:
            operation = shop.bulk_operations.get(number)
            right = signature(shop, number, int(expires)) == request.args.get("signature")
            if operation is None or not right or int(expires) < time.time():
                return Response("<Error><Code>AccessDenied</Code></Error>", status=403, mimetype="application/xml")
            return Response(operation.content, mimetype="application/jsonl")

    return blueprint


def _graphql(market: ShopifyMarketplace, shop: Shop) -> Response:
    refused = _refused_before(market, shop)
    if refused is not None:
        _count(market, "graphql", str(refused.status_code))
        return refused
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        _count(market, "graphql", "400")
        return _json({"errors": {"query": "Required parameter missing or invalid"}}, 400)
    variables = body.get("variables") or {}
    if not isinstance(variables, dict):
        _count(market, "graphql", "400")
        return _json({"errors": {"variables": "must be an object"}}, 400)
    context = CallContext(
        shop=shop,
        world=market.world,
        webhooks=market.webhooks,
        bulk_runner=market.bulk_runner,
        now=market.world.clock.now(),
        bulk_url=lambda number: _bulk_url(market, shop, number),
    )
    answer = market.engine.run(
        context, query=body["query"], variables=variables, operation_name=body.get("operationName")
    )
    try:
        return _send(market, shop, answer)
    finally:
        with market.lock:
            for done in context.when_answered:
                done()


def _refused_before(market: ShopifyMarketplace, shop: Shop) -> Response | None:
    """What is answered before a query is looked at."""
    faults = market.world.faults
    if fault := faults.hit("shopify.http_500"):
        return _json({"errors": "Internal Server Error"}, int(fault.options.get("status", 500)))
    if faults.hit("shopify.http_504_html"):
        return Response(GATEWAY_PAGE, status=504, mimetype="text/html")
    if fault := faults.hit("shopify.http_429"):
        response = _json({"errors": "Exceeded 2 calls per second for api client. Reduce request rates."}, 429)
        response.headers["Retry-After"] = str(fault.options.get("retry_after", "2.0"))
        return response
    with market.lock:
        if shop.settings.shop_state == "frozen":
            return _json({"errors": "Unavailable Shop"}, 402)
        if shop.settings.shop_state == "forbidden":
            return _json({"errors": "User does not have access"}, 403)
        token = request.headers.get("X-Shopify-Access-Token")
        if faults.hit("shopify.token_refused") or not is_valid_token(shop, token, now=market.world.clock.now()):
            return _json({"errors": UNAUTHORIZED}, 401)
    return None


def _send(market: ShopifyMarketplace, shop: Shop, answer: Answer) -> Response:
    """Hold the answer back, lose it, or give it. Whatever it wrote is written."""
    with market.lock:
        seconds = market.world.clock.scaled(market.rng.uniform(*shop.settings.answer_seconds))
    if fault := market.world.faults.hit("shopify.slow_answer"):
        seconds += float(fault.options.get("seconds", SLOW_SECONDS))
    if seconds:
        market.world.pause(seconds)
    if answer.is_mutation and (fault := market.world.faults.hit("shopify.http_5xx_after_write")):
        status = int(fault.options.get("status", 502))
        _count(market, answer.operation, f"{status} after write")
        return _json({"errors": "Bad Gateway"}, status)
    _count(market, answer.operation, answer.outcome)
    return _json(answer.body, 200)


def _json(body: dict[str, Any], status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response


def _count(market: ShopifyMarketplace, operation: str, status: str) -> None:
    with market.lock:
        market.calls[operation, status] += 1


def _no_such_shop() -> ResponseReturnValue:
    return jsonify(errors="Not Found"), 404


def _is_version(text: str) -> bool:
    """A quarter (``2025-01``), or ``unstable``."""
    year, _, month = text.partition("-")
    return text == "unstable" or (len(year) == 4 and year.isdigit() and month in ("01", "04", "07", "10"))


def _served_version(asked: str) -> str:
    """A version no longer supported falls forward to the oldest supported one, without an error."""
    return asked if asked in API_VERSIONS or asked == "unstable" else API_VERSIONS[0]


def _bulk_url(market: ShopifyMarketplace, shop: Shop, number: int) -> str:
    expires = int(time.time() + max(market.world.clock.scaled(URL_SECONDS), 60))
    return url_for(
        "shopify.bulk_result",
        domain=shop.domain,
        number=number,
        expires=expires,
        signature=signature(shop, number, expires),
        _external=True,
    )
