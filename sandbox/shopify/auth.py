"""Tokens: the grants and errors of Shopify's token endpoint, and the consent page's redirect (contract section 2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sandbox.clock import Clock
from sandbox.shopify.state import RefreshToken, Shop, Token

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE_TOKEN = "urn:shopify:params:oauth:token-type:offline-access-token"


@dataclass(slots=True)
class TokenError(Exception):
    """An OAuth error, HTTP 400."""

    error: str
    description: str

    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


def is_valid_token(shop: Shop, value: str | None, *, now: datetime) -> bool:
    """Using a token ends the retry of the refresh that gave it."""
    token = shop.tokens.get(value or "")
    if token is None or not shop.settings.installed or (token.expires_at is not None and token.expires_at <= now):
        return False
    for old in [each for each in shop.refresh_tokens.values() if each.replaced_by is token]:
        del shop.refresh_tokens[old.value]
    return True


def grant(shop: Shop, form: Mapping[str, str], *, clock: Clock) -> dict[str, Any]:
    """
    Answer one request to the token endpoint.

    :raises TokenError: with Shopify's error code.
    """
    secret_is_right = hmac.compare_digest(str(form.get("client_secret", "")).encode(), shop.client_secret.encode())
    if form.get("client_id") != shop.client_id or not secret_is_right:
        raise TokenError("invalid_client", "Client authentication failed due to unknown client or wrong credentials.")
    kind = form.get("grant_type")
    if kind == "client_credentials":
        if not shop.settings.same_organization:
            raise TokenError("shop_not_permitted", "Client credentials cannot be performed on this shop.")
        _require_installed(shop)
        return _issue(shop, clock=clock, seconds=shop.settings.client_credentials_seconds)
    if kind == "refresh_token":
        return _refresh(shop, str(form.get("refresh_token", "")), clock=clock)
    if kind == TOKEN_EXCHANGE:
        return _exchange(shop, form, clock=clock)
    if kind in (None, "authorization_code") and form.get("code"):
        if shop.codes.pop(str(form["code"]), None) is None:
            raise TokenError("invalid_request", "The authorization code was not found or was already used")
        return _issue_offline(shop, expiring=str(form.get("expiring", "0")) == "1", clock=clock)
    raise TokenError("unsupported_grant_type", "The grant type is not supported.")


def authorize(shop: Shop, query: Mapping[str, str], *, now: datetime) -> str:
    """
    The merchant says yes at once: the address that the consent page redirects to, with a one-time code and a hex HMAC.

    :raises TokenError: another app's id, or no redirect address.
    """
    if query.get("client_id") != shop.client_id or not query.get("redirect_uri"):
        raise TokenError("invalid_request", "The client or the redirect_uri is unknown.")
    code = secrets.token_hex(16)
    shop.codes[code] = query["redirect_uri"]
    parameters = {
        "code": code,
        "host": base64.b64encode(f"admin.shopify.com/store/{shop.domain.split('.')[0]}".encode()).decode().rstrip("="),
        "shop": shop.domain,
        "state": query.get("state", ""),
        "timestamp": str(int(now.timestamp())),
    }
    message = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    parameters["hmac"] = hmac.new(shop.client_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    return query["redirect_uri"] + ("&" if "?" in query["redirect_uri"] else "?") + urlencode(parameters)


def _require_installed(shop: Shop) -> None:
    if not shop.settings.installed:
        raise TokenError("app_not_installed", "The application is not installed on this shop.")


def _issue(shop: Shop, *, clock: Clock, seconds: float | None) -> dict[str, Any]:
    token = _new_token(shop, clock=clock, seconds=seconds)
    answer: dict[str, Any] = {"access_token": token.value, "scope": ",".join(sorted(shop.scopes))}
    return answer if seconds is None else {**answer, "expires_in": int(seconds)}


def _new_token(shop: Shop, *, clock: Clock, seconds: float | None) -> Token:
    expires_at = None if seconds is None else clock.now() + timedelta(seconds=clock.scaled(seconds))
    token = Token(value="shpat_" + secrets.token_hex(16), expires_at=expires_at)
    shop.tokens[token.value] = token
    return token


def _issue_offline(shop: Shop, *, expiring: bool, clock: Clock) -> dict[str, Any]:
    _require_installed(shop)
    if not expiring:
        return _issue(shop, clock=clock, seconds=None)
    return _pair(shop, _new_pair(shop, clock=clock))


def _new_pair(shop: Shop, *, clock: Clock) -> Token:
    token = _new_token(shop, clock=clock, seconds=shop.settings.offline_token_seconds)
    refresh = RefreshToken(
        value="shprt_" + secrets.token_hex(16),
        expires_at=clock.now() + timedelta(seconds=clock.scaled(shop.settings.refresh_token_seconds)),
    )
    token.refresh_token = refresh.value
    shop.refresh_tokens[refresh.value] = refresh
    return token


def _pair(shop: Shop, token: Token) -> dict[str, Any]:
    return {
        "access_token": token.value,
        "scope": ",".join(sorted(shop.scopes)),
        "expires_in": int(shop.settings.offline_token_seconds),
        "refresh_token": token.refresh_token,
        "refresh_token_expires_in": int(shop.settings.refresh_token_seconds),
    }


def _refresh(shop: Shop, value: str, *, clock: Clock) -> dict[str, Any]:
    """Each refresh gives a new pair; the old token may be tried again until that pair is used."""
    refresh = shop.refresh_tokens.get(value)
    if refresh is None or refresh.expires_at <= clock.now():
        raise TokenError("invalid_grant", "The refresh token is invalid, expired or already used.")
    _require_installed(shop)
    for old in [
        each for each in shop.refresh_tokens.values() if each.replaced_by and each.replaced_by.refresh_token == value
    ]:
        del shop.refresh_tokens[old.value]
    if refresh.replaced_by is None:
        refresh.replaced_by = _new_pair(shop, clock=clock)
    return _pair(shop, refresh.replaced_by)


def _exchange(shop: Shop, form: Mapping[str, str], *, clock: Clock) -> dict[str, Any]:
    subject, expiring = str(form.get("subject_token", "")), str(form.get("expiring", "0")) == "1"
    if form.get("subject_token_type") == OFFLINE_TOKEN:
        token = shop.tokens.get(subject)
        if token is None or token.expires_at is not None or not expiring:
            raise TokenError("invalid_subject_token", "The subject token can't be exchanged.")
        del shop.tokens[subject]
        return _issue_offline(shop, expiring=True, clock=clock)
    if form.get("subject_token_type") != ID_TOKEN or not _is_session_token(shop, subject, now=clock.now()):
        raise TokenError("invalid_subject_token", "The subject token is invalid.")
    return _issue_offline(shop, expiring=expiring, clock=clock)


def _is_session_token(shop: Shop, token: str, *, now: datetime) -> bool:
    """A JWT signed with the app's secret (HS256), for this app, not expired."""
    try:
        header, claims, signature = token.split(".")
        expected = hmac.new(shop.client_secret.encode(), f"{header}.{claims}".encode(), hashlib.sha256).digest()
        content = json.loads(_decode(claims))
        return (
            hmac.compare_digest(expected, _decode(signature))
            and content.get("aud") == shop.client_id
            and float(content.get("exp", 0)) > now.timestamp()
        )
    except (ValueError, AttributeError):
        return False


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
