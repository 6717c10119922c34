"""``/oauth-service``: the authorize page, the token endpoint (GET, and POST as well), token expiry."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from sandbox.flipkart.gate import Gate
from sandbox.flipkart.tokens import Tokens
from sandbox.flipkart.wire import html_response

FORWARDED = ("client_id", "redirect_uri", "response_type", "scope", "state")


def add_oauth_routes(blueprint: Blueprint, *, gate: Gate, tokens: Tokens) -> None:
    def authorize() -> Response:
        """The seller's consent page; ``POST`` with ``decision`` allow or deny goes back to the app."""
        asked = {name: request.values.get(name, "") for name in FORWARDED}
        trouble = tokens.authorize_problem(
            client_id=asked["client_id"],
            redirect_uri=asked["redirect_uri"],
            response_type=asked["response_type"],
            scope=asked["scope"],
        )
        if trouble is not None:
            return html_response(f"<html><body><h1>OAuth Error</h1><p>{escape(trouble)}</p></body></html>", status=400)
        if request.method == "GET":
            return html_response(_consent_page(asked), status=200)
        if request.form.get("decision") == "allow":
            answer = {"code": tokens.new_code(client_id=asked["client_id"], redirect_uri=asked["redirect_uri"])}
        else:
            answer = {"error": "access_denied", "error_description": "User denied access"}
        if asked["state"]:
            answer["state"] = asked["state"]
        glue = "&" if "?" in asked["redirect_uri"] else "?"
        return Response(status=302, headers={"Location": asked["redirect_uri"] + glue + urlencode(answer)})

    def token() -> object:
        app = tokens.authenticate(request.headers.get("Authorization", ""))
        return tokens.issue(app=app, fields=request.values.to_dict())

    def expiry() -> object:
        tokens.authenticate(request.headers.get("Authorization", ""))
        return tokens.expiry(request.args.get("token", ""))

    for method in ("GET", "POST"):
        gate.add_oauth(blueprint, method, "/oauth/authorize", "oauth authorize", authorize)
        gate.add_oauth(blueprint, method, "/oauth/token", "oauth token", token)
    gate.add_oauth(blueprint, "GET", "/oauth/token/expiry", "oauth token expiry", expiry)


def _consent_page(asked: dict[str, str]) -> str:
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in asked.items())
    return (
        f"<html><head><title>Flipkart Seller (sandbox)</title></head><body><h1>Allow access to your seller account?</h1>"
        f"<p>The application {escape(asked['client_id'])} asks for {escape(asked['scope'])}.</p>"
        f'<form method="post">{hidden}<button name="decision" value="allow">Allow</button> '
        f'<button name="decision" value="deny">Deny</button></form></body></html>'
    )
