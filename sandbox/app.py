"""The Flask application: every marketplace at its own mount point, the control API beside them."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

from sandbox.control import CONTROL_PREFIX, control_blueprint
from sandbox.world import Mounted, World


def build_app(world: World, marketplaces: Sequence[Mounted]) -> Flask:
    """
    One WSGI application of all marketplaces and ``/_control/``.

    Every answer carries a ``Date`` header by the sandbox's clock, so a clock skew shows there as well.
    """
    app = Flask("sandbox", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # answers keep the order the contract shows
    app.url_map.merge_slashes = False  # a seller SKU in a path may hold two slashes
    app.register_blueprint(control_blueprint(world, marketplaces), url_prefix=CONTROL_PREFIX)
    for mounted in marketplaces:
        app.register_blueprint(mounted.marketplace.blueprint(), url_prefix=mounted.mount)

    @app.after_request
    def date_by_the_sandbox_clock(response: Response) -> Response:
        response.headers.setdefault("Date", http_date(world.clock.now()))
        return response

    @app.errorhandler(HTTPException)
    def json_for_the_control_api(error: HTTPException) -> ResponseReturnValue:
        if request.path.startswith(CONTROL_PREFIX + "/"):
            return jsonify(error=error.description), error.code or 500
        return error

    return app
