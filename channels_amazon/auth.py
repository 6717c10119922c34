"""
Access tokens of one account, from Login with Amazon. The only file that touches credentials.

Two kinds: the seller's (refresh grant) and the grantless one for notification destinations (client credentials). Both live an hour and are
shared by every process. Contract, section 2.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from channels_amazon.settings import CHANNEL, Settings
from channels_amazon.values import decimal, text
from inventory_sync.domain.errors import ChannelError, ContractError, CredentialsError, SetupError
from inventory_sync.domain.ports import Account, Clock, Share, Token, TokenStore
from inventory_sync.http import ApiClient

logger = logging.getLogger(__name__)

LOGIN = "https://api.amazon.com/auth/o2/token"
TOKEN_PATH = "/auth/o2/token"  # noqa: S105 - an address
SELLER = "default"
NOTIFICATIONS = "grantless:notifications"
NOTIFICATIONS_SCOPE = "sellingpartnerapi::notifications"
_FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}


def token_address(*, auth_base: str, api_base: str) -> tuple[str, str]:
    """
    (base, path) of the token endpoint.

    ``auth_base`` is the whole address; where it names only a host, or just the API's own base, the usual path is put behind it.
    """
    address = (auth_base or LOGIN).strip().rstrip("/")
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise SetupError(f"not a usable address: {error}", channel=CHANNEL) from error
    if not parts.path or address == api_base.strip().rstrip("/"):
        return address, TOKEN_PATH
    return f"{parts.scheme}://{parts.netloc}", parts.path


class TokenSource:
    """Gives access tokens, renews them under the account's lock, and runs the seller's first authorization."""

    def __init__(
        self, *, account: Account, settings: Settings, tokens: TokenStore, clock: Clock, client: ApiClient, path: str
    ) -> None:
        """:param client: of the login's host, with :func:`channels_amazon.errors.lwa_error_of` as its error mapper."""
        self._account = account
        self._settings = settings
        self._tokens = tokens
        self._clock = clock
        self._client = client
        self._path = path

    def token(self, kind: str = SELLER) -> Token:
        """
        A token to use now: ``SELLER`` or ``NOTIFICATIONS``.

        :raises CredentialsError: the seller has revoked the authorization, or the application's secret is wrong.
        :raises RetryableError: the login is out of reach.
        """
        token = self._tokens.load(kind)
        if token is not None and not self._due(token):
            return token
        with self._tokens.lock(kind):
            token = self._tokens.load(kind)
            if token is not None and not self._due(token):
                return token
            return self._tokens.save(self._asked(kind, token), replaces=token, name=kind)

    def renew(self, refused: Token, *, kind: str = SELLER) -> Token:
        """Another token, after Amazon refused this one; one that somebody else has fetched meanwhile will do."""
        with self._tokens.lock(kind):
            stored = self._tokens.load(kind)
            if stored is not None and stored.access != refused.access:
                return stored
            return self._tokens.save(self._asked(kind, stored), replaces=stored, name=kind)

    def authorize_url(self, *, state: str, redirect_uri: str) -> str:
        """
        Where the seller allows a public application (the website workflow).

        :raises SetupError: no ``application_id``: a private application shows its refresh token in Seller Central instead.
        """
        application_id = self._credential("application_id")
        if not application_id:
            raise SetupError(
                "this account connects with the refresh token that Seller Central shows for a private application; "
                "store application_id to connect a public one through the browser",
                channel=CHANNEL,
            )
        query = {"application_id": application_id, "state": state, "redirect_uri": redirect_uri}
        if self._settings.application_is_draft:
            query["version"] = "beta"
        return f"{self._settings.seller_central_url.rstrip('/')}/apps/authorize/consent?{urlencode(query)}"

    def exchange_code(self, *, code: str, redirect_uri: str) -> Token:
        """Turn the code of the redirect (five minutes old at most, good for once) into tokens."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        with self._tokens.lock():
            stored = self._tokens.load()
            token = self._requested(form)
            if not token.refresh:
                raise ContractError("the login answered without a refresh token", channel=CHANNEL)
            return self._tokens.save(token, replaces=stored)

    def _due(self, token: Token) -> bool:
        """Ends within the margin; a token that lives shorter than two margins is used for half its life."""
        if token.expires_at is None:
            return False
        margin = timedelta(seconds=self._settings.token_refresh_margin_seconds)
        life = token.expires_at - token.obtained_at
        return self._clock.now() >= token.expires_at - min(margin, life / 2)

    def _asked(self, kind: str, previous: Token | None) -> Token:
        if kind == NOTIFICATIONS:
            return self._requested({"grant_type": "client_credentials", "scope": NOTIFICATIONS_SCOPE})
        known = dict.fromkeys(filter(None, [previous.refresh if previous else "", self._credential("refresh_token")]))
        if not known:
            raise CredentialsError(
                "no refresh token: the seller has not authorized this application yet", channel=CHANNEL
            )
        failure: CredentialsError | None = None
        for refresh in known:  # the one from the last answer, then the one that staff have typed in since
            try:
                return self._requested({"grant_type": "refresh_token", "refresh_token": refresh}, refresh=refresh)
            except CredentialsError as error:
                failure = failure or error
                if error.code != "invalid_grant":
                    break
        assert failure is not None
        raise failure

    def _requested(self, form: dict[str, str], *, refresh: str = "") -> Token:
        client_id, client_secret = self._credential("client_id"), self._credential("client_secret")
        if not (client_id and client_secret):
            raise CredentialsError("client id and client secret are not set", channel=CHANNEL)
        asked_at = self._clock.now()
        try:
            answer = self._client.request(
                "POST",
                self._path,
                operation="lwaToken",
                share=Share.SETUP,
                data={**form, "client_id": client_id, "client_secret": client_secret},
                headers=_FORM,
                retries=self._settings.read_retries,
                deadline_seconds=self._settings.token_deadline_seconds,
            ).json()
            access = text(answer.get("access_token")) if isinstance(answer, dict) else ""
            if not access:
                raise ContractError("the login answered without an access token", channel=CHANNEL)
        except ChannelError as error:
            error.may_have_applied = False  # whatever call wanted the token, it was not made
            raise
        life = decimal(answer.get("expires_in"))
        return Token(
            access=access,
            expires_at=asked_at + timedelta(seconds=float(life)) if life and life < 10**9 else None,
            obtained_at=asked_at,
            refresh=text(answer.get("refresh_token")) or refresh,
        )

    def _credential(self, name: str) -> str:
        return text(self._account.credentials.get(name))
