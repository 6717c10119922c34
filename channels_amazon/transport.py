"""
The way of one call: token, headers, budget, retries.

Reads wait for our own budget and are retried; everything else is made once. A refused token is renewed once and the call repeated once, writes
too: a call without a valid token has changed nothing.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from channels_amazon.auth import SELLER, TokenSource
from channels_amazon.errors import is_token_dead
from channels_amazon.limits import rate_of
from channels_amazon.settings import CHANNEL, Settings
from channels_amazon.values import decimal
from inventory_sync.domain.errors import BudgetError, ChannelError, RateLimitedError, RetryableError
from inventory_sync.domain.ports import Clock, RateBudget, Share, Token
from inventory_sync.http import ApiClient, ApiResponse, wait_seconds

# Amazon's form: name/version (Language=...; Platform=...); more than 500 characters are refused (contract, section 1).
USER_AGENT = f"inventory-sync/0.1 (Language=Python/{platform.python_version()}; Platform={platform.system()})"
_LONGEST_PAUSE_SECONDS = 300.0


class Transport:
    """Calls of one account to the Selling Partner API."""

    def __init__(
        self, *, http: ApiClient, tokens: TokenSource, settings: Settings, budget: RateBudget, clock: Clock
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._settings = settings
        self._budget = budget
        self._clock = clock
        self._learned: dict[str, float] = {}

    def read(
        self,
        path: str,
        operation: str,
        *,
        share: Share,
        params: Mapping[str, str] | None = None,
        kind: str = SELLER,
    ) -> ApiResponse:
        """Try until it works, the tries are used up, or a wait would pass the deadline: then the last failure is raised."""
        give_up_at = self._clock.monotonic() + self._settings.read_deadline_seconds
        failures = 0
        while True:
            try:
                left = give_up_at - self._clock.monotonic()
                return self.once(
                    "GET",
                    path,
                    operation,
                    share=share,
                    params=params,
                    token=self._tokens.token(kind),
                    kind=kind,
                    deadline_seconds=max(left, 0.05),
                )
            except BudgetError as error:  # our own "not yet": waiting costs Amazon nothing
                pause = max(error.retry_after or 0.0, 0.02)
                failure: RetryableError = error
            except RetryableError as error:
                failures += 1
                pause = wait_seconds(
                    attempt=failures,
                    retry_after=error.retry_after,
                    base=self._settings.retry_base_seconds,
                    cap=self._settings.retry_cap_seconds,
                )
                failure = error
            if failures > self._settings.read_retries or self._clock.monotonic() + pause >= give_up_at:
                raise failure
            self._clock.sleep(pause)

    def post(self, path: str, operation: str, *, share: Share, json: Any, kind: str = SELLER) -> ApiResponse:
        """A call that makes something: one try."""
        return self.once(
            "POST",
            path,
            operation,
            share=share,
            json=json,
            token=self._tokens.token(kind),
            kind=kind,
            deadline_seconds=self._settings.write_deadline_seconds,
        )

    def once(
        self,
        method: str,
        path: str,
        operation: str,
        *,
        share: Share,
        token: Token,
        deadline_seconds: float,
        kind: str = SELLER,
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> ApiResponse:
        """One try, and one more with another token if Amazon refuses this one."""
        give_up_at = self._clock.monotonic() + deadline_seconds

        def attempt(token: Token) -> ApiResponse:
            left = give_up_at - self._clock.monotonic()
            if left <= 0:
                raise RetryableError("getting a token took too long", channel=CHANNEL)
            return self._http.request(
                method,
                path,
                operation=operation,
                share=share,
                params=params,
                json=json,
                headers={"x-amz-access-token": token.access, "x-amz-date": f"{self._clock.now():%Y%m%dT%H%M%SZ}"},
                deadline_seconds=left,
            )

        try:
            try:
                response = attempt(token)
            except ChannelError as error:
                if not is_token_dead(error):
                    raise
                response = attempt(self._tokens.renew(token, kind=kind))
        except BudgetError:
            raise
        except RateLimitedError as error:
            self._pause(operation, error)
            raise
        self._learn(operation, response)
        return response

    def _pause(self, operation: str, error: RateLimitedError) -> None:
        """Amazon's bucket is empty, so is ours. No ``Retry-After`` is documented: wait for one token."""
        if error.retry_after is None:
            rate = self._learned.get(operation) or rate_of(operation, factor=self._settings.rate_factor)
            error.retry_after = min(1 / rate, _LONGEST_PAUSE_SECONDS)
        self._budget.empty(operation=operation, seconds=error.retry_after)

    def _learn(self, operation: str, response: ApiResponse) -> None:
        """``x-amzn-RateLimit-Limit``: this seller's own rate, calls per second. Best effort, often missing."""
        rate = decimal(response.headers.get("x-amzn-RateLimit-Limit"))
        if rate and rate > 0 and self._learned.get(operation) != float(rate):
            self._learned[operation] = float(rate)
            self._budget.learn(operation=operation, per_second=float(rate))
