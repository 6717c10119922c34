"""
Access tokens of one account. The only file that touches credentials.

Flipkart hands out opaque tokens. Asking again gives, as long as it lives, the *same* token with its remaining life; so inside the margin we
ask now and then and keep what we have until another one comes. Contract, section 2.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from channels_flipkart.errors import CHANNEL
from channels_flipkart.settings import Settings
from channels_flipkart.values import decimal, text
from inventory_sync.domain.errors import ChannelError, ContractError, CredentialsError, SetupError
from inventory_sync.domain.ports import Account, Clock, Share, Token, TokenStore
from inventory_sync.http import ApiClient

logger = logging.getLogger(__name__)


def renewal_due(token: Token, *, now: datetime, margin_seconds: float, ask_again_seconds: float) -> bool:
    """
    Whether to ask for a token now.

    Expired: yes. Inside the margin: when the last time we asked (``obtained_at``) is long enough ago. No expiry known: not before a 401.
    """
    if token.expires_at is None:
        return False
    left, asked = (token.expires_at - now).total_seconds(), (now - token.obtained_at).total_seconds()
    return left <= 0 or (left <= margin_seconds and asked >= ask_again_seconds)


class TokenSource:
    """Gives bearer tokens, renews them under the account's lock, and runs the seller's authorization."""

    def __init__(
        self, *, account: Account, settings: Settings, tokens: TokenStore, clock: Clock, client: ApiClient
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._clock = clock
        self._client = client
        self._credentials = account.credentials

    @property
    def app_id(self) -> str:
        return self._credential("client_id", "app_id")

    @property
    def app_secret(self) -> str:
        return self._credential("client_secret", "app_secret")

    def _credential(self, *names: str) -> str:
        """Application id and secret are called client id and secret by OAuth: either name will do."""
        return next((self._credentials[name].strip() for name in names if self._credentials.get(name)), "")

    def bearer(self) -> Token:
        """
        A token to use now.

        :raises CredentialsError: the channel refuses, or the seller must authorize again.
        :raises RetryableError: the token endpoint is out of reach and we hold no living token.
        """
        token = self._tokens.load()
        if token is not None and not self._due(token):
            return token
        with self._tokens.lock():
            token = self._tokens.load()
            if token is not None and not self._due(token):
                return token
            return self._renewed(token)

    def renew(self, rejected: Token) -> Token:
        """
        Another token, after the channel refused this one.

        :raises CredentialsError: the channel hands out the very same token: going on would be a loop, a person must act.
        """
        with self._tokens.lock():
            stored = self._tokens.load()
            if stored is not None and stored.access != rejected.access:
                return stored  # another worker was here first
            token = self._saved(self._asked(stored or rejected), replaces=stored)
        if token.access == rejected.access:
            raise CredentialsError(
                "Flipkart refuses the access token and hands out the same one again; connect the account anew",
                channel=CHANNEL,
                code="same_token",
            )
        return token

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        """
        Where the seller allows a third-party application (contract, section 2.1).

        :raises SetupError: this account uses self access, which needs no browser.
        """
        if self._settings.oauth_grant != "authorization_code":
            raise SetupError(
                "this account connects with its own application id and secret, without a browser; "
                "set oauth_grant to authorization_code for a third-party application",
                channel=CHANNEL,
            )
        self._basic()
        query = urlencode(
            {
                "client_id": self.app_id,
                "redirect_uri": redirect_uri,
                "response_type": "code",
                "scope": self._settings.scope,
                "state": state,
            }
        )
        return f"{self._client.url(f'{self._settings.oauth_prefix}/oauth/authorize')}?{query}"

    def exchange_code(self, *, code: str, state: str, redirect_uri: str) -> Token:
        """Turn the code of the redirect into tokens. A code lives for a short time and works once."""
        if self._settings.oauth_grant != "authorization_code":
            raise SetupError("this account does not connect through a browser", channel=CHANNEL)
        query = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "state": state}
        with self._tokens.lock():
            stored = self._tokens.load()
            return self._saved(self._requested(query, previous=None), replaces=stored)

    def _due(self, token: Token) -> bool:
        return renewal_due(
            token,
            now=self._clock.now(),
            margin_seconds=self._settings.token_refresh_margin_seconds,
            ask_again_seconds=self._settings.token_ask_again_seconds,
        )

    def _renewed(self, token: Token | None) -> Token:
        """Under the lock: ask; if that fails while the token still lives, use it on and ask again later."""
        try:
            return self._saved(self._asked(token), replaces=token)
        except ChannelError as error:
            now = self._clock.now()
            if token is None or token.expires_at is None or token.expires_at <= now:
                raise
            logger.warning("flipkart: the token can't be renewed and expires at %s: %s", token.expires_at, error)
            return self._saved(replace(token, obtained_at=now), replaces=token)

    def _asked(self, previous: Token | None) -> Token:
        if self._settings.oauth_grant == "client_credentials":
            return self._requested(
                {"grant_type": "client_credentials", "scope": self._settings.scope}, previous=previous
            )
        refresh = (previous.refresh if previous else "") or self._credential("refresh_token")
        if not refresh:
            raise CredentialsError("the seller has not authorized this application yet", channel=CHANNEL)
        dead_at = previous.refresh_expires_at if previous else None
        if dead_at is not None and dead_at <= self._clock.now():
            raise CredentialsError("the refresh token has expired: the seller must authorize again", channel=CHANNEL)
        return self._requested({"grant_type": "refresh_token", "refresh_token": refresh}, previous=previous)

    def _requested(self, query: dict[str, str], *, previous: Token | None) -> Token:
        """One call of the token endpoint: GET with Basic auth and a query as documented; POST with a form by setting."""
        asked_at = self._clock.now()
        post = self._settings.oauth_method.upper() == "POST"
        try:
            response = self._client.request(
                "POST" if post else "GET",
                f"{self._settings.oauth_prefix}/oauth/token",
                operation="token",
                share=Share.SETUP,
                params=None if post else query,
                data=query if post else None,
                auth=self._basic(),
                retries=self._settings.read_retries,
                deadline_seconds=self._settings.token_deadline_seconds,
            )
            return self._read(response.json(), asked_at=asked_at, previous=previous)
        except ChannelError as error:
            error.may_have_applied = False  # whatever call wanted the token, it was not made
            raise error from None  # the network error below it quotes the address, with code or refresh token

    def _read(self, body: Any, *, asked_at: datetime, previous: Token | None) -> Token:
        access = text(body.get("access_token")) if isinstance(body, dict) else ""
        if not access:
            raise ContractError("the token endpoint answered without an access_token", channel=CHANNEL)
        refresh = text(body.get("refresh_token"))
        refresh_until = _instant_after(asked_at, body.get("refresh_token_expires_in"))
        if previous is not None and refresh in ("", previous.refresh):
            refresh = previous.refresh
            refresh_until = refresh_until or previous.refresh_expires_at
        return Token(
            access=access,
            expires_at=_instant_after(asked_at, body.get("expires_in")),
            obtained_at=asked_at,
            refresh=refresh or (self._credential("refresh_token") if previous is None else ""),
            refresh_expires_at=refresh_until,
        )

    def _saved(self, token: Token, *, replaces: Token | None) -> Token:
        return self._tokens.save(token, replaces=replaces)

    def _basic(self) -> tuple[str, str]:
        if not (self.app_id and self.app_secret):
            raise CredentialsError("application id and secret are not set", channel=CHANNEL)
        return self.app_id, self.app_secret


def _instant_after(start: datetime, seconds: Any) -> datetime | None:
    number = decimal(seconds)
    try:
        return None if number is None else start + timedelta(seconds=float(number))
    except OverflowError:
        return None
