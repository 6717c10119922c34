"""
Access tokens of one shop, and the signatures made with the app's secret. The only file that touches credentials.

Three ways, chosen by the setting ``grant`` or, when it is "auto", by what the account has: ``access_token`` (a custom app's static token), a
stored token with a refresh token (authorization code, expiring offline tokens), else client id and secret (client credentials, 24 h).
Credentials: ``client_id, client_secret, access_token, webhook_secrets`` (comma separated, when they differ from the client secret).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from channels_shopify.errors import CHANNEL, token_error
from inventory_sync.domain.errors import ContractError, CredentialsError, SetupError, SignatureError
from inventory_sync.domain.ports import Account, Ports, Share, Token
from inventory_sync.http import ApiClient

SHOP_DOMAIN = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_]*\.myshopify\.com")
TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - an address
CALLBACK_MAX_AGE_SECONDS = 90
TOKEN_DEADLINE_SECONDS = 10.0


def shop_domain(text: str) -> str:
    """
    A shop's domain in lower case.

    :raises SetupError: not ``name.myshopify.com``; it would become part of an address that our token goes to.
    """
    if not SHOP_DOMAIN.fullmatch(text.strip()):
        raise SetupError("the shop domain must look like name.myshopify.com", channel=CHANNEL)
    return text.strip().lower()


def base_urls(account: Account) -> tuple[str, str]:
    """(API base, token base) of an account: its own addresses, else the shop's domain."""
    domain = shop_domain(account.identity) if not account.api_base or account.identity else ""
    api = account.api_base or f"https://{domain}"
    return api, account.auth_base or api


def webhook_secrets(account: Account) -> list[bytes]:
    """
    Secrets that a delivery may be signed with: old and new while one is being replaced.

    :raises SetupError: the account has none.
    """
    listed = account.credentials.get("webhook_secrets") or account.credentials.get("client_secret") or ""
    secrets = [part.strip().encode() for part in listed.split(",") if part.strip()]
    if not secrets:
        raise SetupError("no secret to check webhooks with: set client_secret or webhook_secrets", channel=CHANNEL)
    return secrets


class ShopifyAuth:
    """Gives the access token to use now; gets a new one under the account's token lock."""

    def __init__(self, *, account: Account, ports: Ports, api: ApiClient) -> None:
        """:param api: a client of the token base, with :func:`channels_shopify.errors.token_error` as its error mapper."""
        self._account = account
        self._ports = ports
        self._api = api

    @classmethod
    def build(cls, *, account: Account, ports: Ports) -> ShopifyAuth:
        api = ApiClient(
            channel=CHANNEL,
            base_url=base_urls(account)[1],
            budget=ports.budget,
            clock=ports.clock,
            request_id_header="X-Request-Id",
            allow_private_hosts=ports.allow_private_hosts,
            error_mapper=token_error,
        )
        return cls(account=account, ports=ports, api=api)

    def headers(self, token: Token) -> dict[str, str]:
        return {"X-Shopify-Access-Token": token.access}

    def token(self) -> Token:
        """
        The token to use now, renewed when it ends soon.

        :raises CredentialsError: there is none and none to be had without a person.
        """
        if self._grant() == "static":
            return self._static()
        stored = self._ports.tokens.load()
        return stored if stored is not None and self._is_fresh(stored) else self._replace(stored)

    def renewed(self, *, refused: Token) -> Token:
        """
        Another token than the one that the shop has just refused.

        :raises CredentialsError: a static token can't be renewed.
        """
        if self._grant() == "static":
            raise CredentialsError("the shop does not accept this account's static token", channel=CHANNEL, status=401)
        return self._replace(refused)

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        client_id = self._credential("client_id")
        query = {
            "client_id": client_id,
            "scope": ",".join(_words(self._account.settings.get("scopes"))),
            "redirect_uri": redirect_uri,
            "state": state,
        }
        return f"{base_urls(self._account)[1]}/admin/oauth/authorize?{urlencode(query)}"

    def exchange_code(self, *, code: str, query: Mapping[str, str]) -> Token:
        """
        Check the callback's signature and turn its code into a token. The code works once, so there is no second try.

        :raises SignatureError: not signed by Shopify with our secret, too old, or for another shop.
        """
        check_callback(query, secret=self._credential("client_secret"), now=self._ports.clock.now())
        if self._account.identity and query.get("shop", "").lower() != shop_domain(self._account.identity):
            raise SignatureError("the callback is for another shop", channel=CHANNEL)
        expiring = "1" if _flag(self._account.settings.get("expiring_offline_tokens", True)) else "0"
        with self._ports.tokens.lock():
            stored = self._ports.tokens.load()
            token = self._ask({"code": code, "expiring": expiring}, retries=0)
            return self._ports.tokens.save(token, replaces=stored)

    # --- inside -----------------------------------------------------------------------------------------------------------------

    def _grant(self) -> str:
        grant = str(self._account.settings.get("grant") or "auto")
        if grant != "auto":
            return grant
        return "static" if self._account.credentials.get("access_token") else "auto"

    def _static(self) -> Token:
        return Token(access=self._credential("access_token"), expires_at=None, obtained_at=self._ports.clock.now())

    def _is_fresh(self, token: Token) -> bool:
        if token.expires_at is None:
            return True
        margin = timedelta(seconds=float(self._account.settings.get("token_renew_seconds", 300)))
        lifetime = token.expires_at - token.obtained_at
        return self._ports.clock.now() < token.expires_at - min(margin, lifetime / 2)

    def _replace(self, known: Token | None) -> Token:
        """A new token, unless another process was quicker than this one."""
        with self._ports.tokens.lock():
            stored = self._ports.tokens.load()
            if stored is not None and stored != known and self._is_fresh(stored):
                return stored
            if stored is not None and stored.refresh and self._grant() != "client_credentials":
                fields = {"grant_type": "refresh_token", "refresh_token": stored.refresh}
            elif self._grant() == "authorization_code":
                raise CredentialsError("connect the shop: there is no token to refresh", channel=CHANNEL)
            else:
                fields = {"grant_type": "client_credentials"}
            token = self._ask(fields, retries=4)
            return self._ports.tokens.save(token, replaces=stored)

    def _ask(self, fields: Mapping[str, str], *, retries: int) -> Token:
        form = {
            "client_id": self._credential("client_id"),
            "client_secret": self._credential("client_secret"),
            **fields,
        }
        response = self._api.request(
            "POST",
            TOKEN_PATH,
            operation="token",
            share=Share.SETUP,
            data=form,
            retries=retries,
            deadline_seconds=TOKEN_DEADLINE_SECONDS,
        )
        answer = response.json()
        payload: Mapping[str, Any] = answer if isinstance(answer, Mapping) else {}
        access = payload.get("access_token")
        if not isinstance(access, str) or not access:
            raise ContractError(
                "the token endpoint gave no access token", channel=CHANNEL, request_id=response.request_id
            )
        return Token(
            access=access,
            obtained_at=response.started_at,
            expires_at=_after(response.started_at, payload.get("expires_in")),
            refresh=str(payload.get("refresh_token") or ""),
            refresh_expires_at=_after(response.started_at, payload.get("refresh_token_expires_in")),
        )

    def _credential(self, name: str) -> str:
        value = self._account.credentials.get(name, "")
        if not value:
            raise CredentialsError(f"the account has no {name}", channel=CHANNEL)
        return value


def check_callback(query: Mapping[str, str], *, secret: str, now: datetime) -> None:
    """
    Check the query of the authorization callback.

    ``hmac`` is hex HMAC-SHA256 over the other parameters, sorted and joined as a query string; Shopify's own libraries differ in whether the
    values are escaped there, so either is accepted.

    :raises SignatureError: wrong or missing signature, or a timestamp more than 90 s off.
    """
    rest = sorted((name, value) for name, value in query.items() if name not in ("hmac", "signature"))
    messages = (urlencode(rest), "&".join(f"{name}={value}" for name, value in rest))
    digests = [hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest() for message in messages]
    if not any(hmac.compare_digest(digest.encode(), query.get("hmac", "").encode()) for digest in digests):
        raise SignatureError("the callback is not signed by Shopify", channel=CHANNEL)
    try:
        age = abs(now.timestamp() - float(query.get("timestamp", "")))
    except ValueError:
        age = float("inf")
    if not age <= CALLBACK_MAX_AGE_SECONDS:
        raise SignatureError("the callback is too old; connect again", channel=CHANNEL)


def _after(start: datetime, seconds: Any) -> datetime | None:
    try:
        return start + timedelta(seconds=float(seconds)) if seconds is not None else None
    except (TypeError, ValueError, OverflowError):
        return None


def _words(value: Any) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else list(value or [])
    return [str(part).strip() for part in parts if str(part).strip()]


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() in ("1", "true", "yes", "on")
