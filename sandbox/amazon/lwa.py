"""Login with Amazon: ``/auth/o2/token`` with its three grants and its own error shape."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from flask import Response, request

from sandbox.amazon.api import json_response
from sandbox.amazon.errors import LwaError
from sandbox.amazon.model import Application, Seller
from sandbox.amazon.state import State, Token

NOTIFICATIONS_SCOPE = "sellingpartnerapi::notifications"
MOST_TOKENS = 5000  # expired ones are kept up to here, so that their calls are told "expired"


def token_endpoint(state: State) -> Response:
    """The token call; counted as operation ``lwaToken``. Never rate limited."""
    if fault := state.strikes("slow", operation="lwaToken"):
        state.world.pause(float(fault.options.get("seconds", 2)))
    if state.strikes("lwa_500"):
        response = json_response(
            LwaError(500, "server_error", "The authorization server encountered an error.").body(), 500
        )
    else:
        try:
            with state.lock:
                response = json_response(grant(state, _form()), 200)
        except LwaError as error:
            response = json_response(error.body(), error.status)
    with state.lock:
        state.calls["lwaToken", response.status_code] += 1
    return response


def _form() -> dict[str, str]:
    """Form fields; a JSON object is taken too, as one of the official clients sends that."""
    if request.mimetype == "application/json":
        body = request.get_json(silent=True)
        return {str(name): str(value) for name, value in body.items()} if isinstance(body, dict) else {}
    return request.form.to_dict()


def grant(state: State, form: Mapping[str, str]) -> dict[str, Any]:
    """
    Issue an access token.

    :raises LwaError: 400 ``invalid_request``, ``unsupported_grant_type``, ``invalid_grant``, ``invalid_scope``; 401 ``invalid_client``.
    """
    grant_type = form.get("grant_type", "")
    if not grant_type:
        raise LwaError(400, "invalid_request", "The request is missing a required parameter : grant_type")
    application = _application(state, form)
    if grant_type == "client_credentials":
        if form.get("scope") != NOTIFICATIONS_SCOPE:
            raise LwaError(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed")
        return issue(state, application, None)
    if grant_type == "refresh_token":
        return issue(state, application, _seller_of_refresh_token(state, application, form))
    if grant_type == "authorization_code":
        return issue(state, application, _seller_of_code(state, application, form))
    raise LwaError(400, "unsupported_grant_type", "The authorization grant type is not supported")


def issue(state: State, application: Application, seller: Seller | None) -> dict[str, Any]:
    """A new token. ``expires_in`` is its true life here: the clock factor has already divided it."""
    lifetime = state.scaled(state.settings.token_seconds)
    if len(state.tokens) > MOST_TOKENS:
        now = time.monotonic()
        state.tokens = {known: token for known, token in state.tokens.items() if token.dies_at > now}
    text = f"Atza|{secrets.token_urlsafe(32)}"
    state.tokens[text] = Token(
        client_id=application.client_id,
        seller_id=seller.seller_id if seller else "",
        dies_at=time.monotonic() + lifetime,
    )
    answer: dict[str, Any] = {"access_token": text, "token_type": "bearer", "expires_in": max(1, int(lifetime))}
    if seller is not None:
        answer["refresh_token"] = seller.refresh_token
    else:
        answer["scope"] = NOTIFICATIONS_SCOPE
    return answer


def authorize(state: State, seller: Seller) -> str:
    """A fresh authorisation code, as the seller's consent page hands out; lives 5 minutes, works once."""
    code = secrets.token_urlsafe(12)
    state.codes[code] = (seller.seller_id, time.monotonic() + state.scaled(state.settings.code_seconds))
    return code


def _application(state: State, form: Mapping[str, str]) -> Application:
    for name in ("client_id", "client_secret"):
        if not form.get(name):
            raise LwaError(400, "invalid_request", f"The request is missing a required parameter : {name}")
    application = state.applications.get(form["client_id"])
    if application is None or not secrets.compare_digest(
        application.client_secret.encode(), form["client_secret"].encode()
    ):
        raise LwaError(401, "invalid_client", "Client authentication failed")
    return application


def _seller_of_refresh_token(state: State, application: Application, form: Mapping[str, str]) -> Seller:
    text = form.get("refresh_token", "")
    if not text:
        raise LwaError(400, "invalid_request", "The request is missing a required parameter : refresh_token")
    seller = next((each for each in state.sellers.values() if each.refresh_token == text), None)
    refused = seller is None or seller.revoked or seller.client_id != application.client_id
    if seller is None or refused or state.strikes("lwa_invalid_grant"):
        raise LwaError(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
    return seller


def _seller_of_code(state: State, application: Application, form: Mapping[str, str]) -> Seller:
    for name in ("code", "redirect_uri"):
        if not form.get(name):
            raise LwaError(400, "invalid_request", f"The request is missing a required parameter : {name}")
    seller_id, dies_at = state.codes.pop(form["code"], ("", 0.0))
    seller = state.sellers.get(seller_id)
    if seller is None or dies_at <= time.monotonic() or seller.client_id != application.client_id:
        raise LwaError(400, "invalid_grant", "The request has an invalid grant parameter : code")
    seller.revoked = False
    return seller
