"""OAuth 2.0 as Flipkart speaks it: apps, codes, opaque tokens that stay the same until they die (contract, section 2)."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.flipkart.errors import ApiError, oauth_error
from sandbox.flipkart.state import State

SCOPE = "Seller_Api"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """``kind``: ``self`` (client credentials, the seller's own) or ``third_party`` (authorization code and refresh)."""

    client_id: str
    client_secret: str
    kind: str = "self"
    redirect_uris: tuple[str, ...] = ()
    status: str = "active"  # "pending": known, but its tokens are refused with 403


@dataclass(slots=True, kw_only=True)
class Grant:
    """The live tokens of one app for the seller. Deaths are monotonic times."""

    client_id: str
    access_token: str
    access_dies: float
    refresh_token: str | None = None
    refresh_dies: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    client_id: str
    redirect_uri: str
    dies: float


class Tokens:
    """Issues and checks tokens. Callers hold the state's lock."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.apps: dict[str, App] = {}
        self._grants: dict[str, Grant] = {}  # client id -> grant
        self._codes: dict[str, Code] = {}

    def reset(self, apps: Mapping[str, App]) -> None:
        self.apps = dict(apps)
        self._grants.clear()
        self._codes.clear()

    # --- authorize page

    def new_code(self, *, client_id: str, redirect_uri: str) -> str:
        code = uuid.uuid4().hex[:12]
        self._codes[code] = Code(
            client_id=client_id, redirect_uri=redirect_uri, dies=self._death(self.state.settings.code_seconds)
        )
        return code

    def authorize_problem(self, *, client_id: str, redirect_uri: str, response_type: str, scope: str) -> str | None:
        """Why the authorize page can't be shown to the seller, or None."""
        app = self.apps.get(client_id)
        if app is None:
            return f"No client with requested id: {client_id}"
        if app.kind != "third_party":
            return "This application is not registered for the authorization code grant"
        if redirect_uri not in app.redirect_uris:
            return "Invalid redirect: the redirect_uri is not a registered one"
        if response_type != "code":
            return f"Unsupported response type: {response_type}"
        if scope != SCOPE:
            return f"Invalid scope: {scope}"
        return None

    # --- token endpoint

    def authenticate(self, authorization: str) -> App:
        """
        The app of an ``Authorization: Basic`` header.

        :raises ApiError: 401 in the words that Flipkart uses for an unknown app or a wrong secret.
        """
        scheme, _, encoded = authorization.partition(" ")
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            client_id, secret = "", ""
        if scheme.lower() != "basic" or not client_id:
            raise oauth_error(401, "unauthorized", "Full authentication is required to access this resource")
        app = self.apps.get(client_id)
        if app is None:
            raise oauth_error(401, "unauthorized", f"No client with requested id: {client_id}")
        if not hmac.compare_digest(app.client_secret.encode(), secret.encode()):
            raise oauth_error(401, "unauthorized", "Bad credentials")
        return app

    def issue(self, *, app: App, fields: Mapping[str, str]) -> dict[str, Any]:
        """The token answer for one request. :raises ApiError: 400/401, shape 1."""
        grant_type = fields.get("grant_type", "")
        if grant_type == "client_credentials":
            if app.kind != "self":
                raise oauth_error(401, "invalid_client", "Unauthorized grant type: client_credentials")
            if fields.get("scope", SCOPE) != SCOPE:
                raise oauth_error(400, "invalid_scope", f"Invalid scope: {fields['scope']}")
            return self._answer(self._live_grant(app))
        if grant_type == "authorization_code":
            return self._answer(self._from_code(app, fields))
        if grant_type == "refresh_token":
            return self._answer(self._refreshed(app, fields.get("refresh_token", "")))
        if not grant_type:
            raise oauth_error(400, "invalid_request", "Missing grant type")
        raise oauth_error(400, "unsupported_grant_type", f"Unsupported grant type: {grant_type}")

    def expiry(self, access_token: str) -> dict[str, Any]:
        """What ``/oauth/token/expiry`` says of an access token."""
        grant = self._grant_of(access_token)
        left = self._seconds_left(grant.access_dies) if grant else 0
        return {"expired": left <= 0, "token_type": "access_token", "expires_in": max(left, 0)}

    def check_bearer(self, authorization: str) -> App:
        """The app whose live token this is. :raises ApiError: 401 ``invalid_token`` (or 403 for an app that is pending)."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise oauth_error(401, "unauthorized", "Full authentication is required to access this resource")
        grant = self._grant_of(token)
        if grant is None or self._seconds_left(grant.access_dies, exact=True) <= 0:
            raise invalid_token(token)
        app = self.apps[grant.client_id]
        if app.status != "active":
            raise oauth_error(403, "access_denied", "Access is denied: the application is pending approval")
        return app

    # --- controls

    def expire(self, *, which: str = "access") -> int:
        """Let every live ``access`` or ``refresh`` token (or ``all``) die now. :return: tokens that died."""
        if which not in {"access", "refresh", "all"}:
            raise ValueError("which must be access, refresh or all")
        died = 0
        for grant in self._grants.values():
            if which in {"access", "all"}:
                grant.access_dies, died = 0.0, died + 1
            if which in {"refresh", "all"} and grant.refresh_token:
                grant.refresh_dies, died = 0.0, died + 1
        return died

    # --- inside

    def _live_grant(self, app: App) -> Grant:
        grant = self._grants.get(app.client_id)
        if grant is None or self._seconds_left(grant.access_dies, exact=True) <= 0:
            grant = Grant(client_id=app.client_id, access_token=str(uuid.uuid4()), access_dies=self._access_death())
            self._grants[app.client_id] = grant
        return grant

    def _from_code(self, app: App, fields: Mapping[str, str]) -> Grant:
        code = self._codes.pop(fields.get("code", ""), None)
        if code is None or code.client_id != app.client_id or code.dies <= time.monotonic():
            raise oauth_error(400, "invalid_grant", f"Invalid authorization code: {fields.get('code', '')}")
        if fields.get("redirect_uri") != code.redirect_uri:
            raise oauth_error(400, "invalid_grant", "Redirect URI mismatch.")
        grant = self._live_grant(app)
        if grant.refresh_token is None or self._seconds_left(grant.refresh_dies, exact=True) <= 0:
            self._renew_refresh_token(grant)
        return grant

    def _refreshed(self, app: App, refresh_token: str) -> Grant:
        grant = self._grants.get(app.client_id)
        alive = (
            grant is not None
            and grant.refresh_token == refresh_token
            and self._seconds_left(grant.refresh_dies, exact=True) > 0
        )
        if grant is None or not alive:
            raise oauth_error(400, "invalid_grant", f"Invalid refresh token: {refresh_token}")
        if self.state.settings.refresh_issues_new_token or self._seconds_left(grant.access_dies, exact=True) <= 0:
            grant.access_token, grant.access_dies = str(uuid.uuid4()), self._access_death()
        if self.state.settings.rotate_refresh_tokens:
            self._renew_refresh_token(grant)
        return grant

    def _renew_refresh_token(self, grant: Grant) -> None:
        grant.refresh_token, grant.refresh_dies = (
            str(uuid.uuid4()),
            self._death(self.state.settings.refresh_token_seconds),
        )

    def _answer(self, grant: Grant) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "access_token": grant.access_token,
            "token_type": "bearer",
            "expires_in": self._seconds_left(grant.access_dies),
            "scope": SCOPE,
        }
        if grant.refresh_token is not None:
            answer["refresh_token"] = grant.refresh_token
            answer["refresh_token_expires_in"] = max(self._seconds_left(grant.refresh_dies), 0)
        return answer

    def _grant_of(self, access_token: str) -> Grant | None:
        return next((grant for grant in self._grants.values() if grant.access_token == access_token), None)

    def _access_death(self) -> float:
        return self._death(self.state.settings.access_token_seconds)

    def _death(self, seconds: float) -> float:
        return time.monotonic() + self.state.world.clock.scaled(seconds)

    @staticmethod
    def _seconds_left(dies: float, *, exact: bool = False) -> Any:
        """Real seconds until a token dies, so that a client's own clock agrees; whole ones unless ``exact``."""
        left = dies - time.monotonic()
        return left if exact else int(left)


def invalid_token(token: str) -> ApiError:
    """401 of a dead or unknown access token."""
    return oauth_error(401, "invalid_token", f"Invalid access token: {token}")
