"""
The one HTTP client that all channels speak through.

It knows timeouts, retries of reads, our call budget, redaction and the shape of failures. What a provider's codes mean is the channel's own
table, asked first through ``error_mapper``.
"""

from __future__ import annotations

import http.cookiejar
import json
import logging
import socket
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
import urllib3.exceptions as urllib3_errors
from requests.structures import CaseInsensitiveDict

from inventory_sync.domain.errors import (
    BudgetError,
    ChannelError,
    ContractError,
    CredentialsError,
    RateLimitedError,
    RejectedError,
    RetryableError,
    SetupError,
)
from inventory_sync.domain.ports import Clock, RateBudget, Share
from inventory_sync.http.redaction import redact_text, redact_url
from inventory_sync.http.retry import parse_retry_after, wait_seconds
from inventory_sync.http.safety import PublicHostsAdapter, check_base_url

logger = logging.getLogger(__name__)

USER_AGENT = "inventory-sync/0.1 (Language=Python)"
MAX_BODY_BYTES = 20 * 1024 * 1024
_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResponse:
    """
    An answer, read to its end.

    :ivar headers: case-insensitive.
    :ivar request_id: the channel's own reference, "" when it gave none.
    :ivar elapsed: seconds of this one try; :ivar started_at: and :ivar ended_at: by our clock.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    request_id: str
    elapsed: float
    started_at: datetime
    ended_at: datetime
    channel: str = ""

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        return self.body.decode("utf-8-sig", "replace")

    @property
    def looks_like_html(self) -> bool:
        """A gateway's error page instead of an answer."""
        start = self.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return "html" in self.content_type or start.startswith((b"<!doctype html", b"<html"))

    def json(self) -> Any:
        """
        The body as JSON, whatever the content type claims. Integers keep all their digits.

        :raises ContractError: it is none; names status and content type, and whether a write may have been applied.
        """
        try:
            return json.loads(self.body.decode("utf-8-sig"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            kind = "an HTML page" if self.looks_like_html else f"{len(self.body)} bytes"
            raise ContractError(
                f"expected JSON, got {kind} of type {self.content_type or 'unknown'}",
                channel=self.channel,
                request_id=self.request_id,
                status=self.status,
                may_have_applied=self.status < 400 or self.status >= 500,
            ) from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def response_of(error: ChannelError) -> ApiResponse | None:
    """The answer that an error was made from; None when there was none."""
    response = getattr(error, "response", None)
    return response if isinstance(response, ApiResponse) else None


ErrorMapper = Callable[[ApiResponse], ChannelError | None]


class ApiClient:
    """
    Calls one base URL of one account.

    :param error_mapper: asked for every answer, also for 2xx (Shopify reports errors inside 200); None means "nothing special here".
    :raises SetupError: the base URL is not https on a public host (unless ``allow_private_hosts``).
    """

    def __init__(
        self,
        *,
        channel: str,
        base_url: str,
        budget: RateBudget,
        clock: Clock,
        user_agent: str = USER_AGENT,
        connect_timeout: float = 5,
        read_timeout: float = 30,
        request_id_header: str = "",
        allow_private_hosts: bool = False,
        error_mapper: ErrorMapper | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        retry_base_seconds: float = 1.0,
        retry_cap_seconds: float = 60.0,
    ) -> None:
        self.channel = channel
        self.base_url = check_base_url(base_url, channel=channel, allow_private_hosts=allow_private_hosts)
        self._origin = _origin(self.base_url)
        self._budget = budget
        self._clock = clock
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._request_id_header = request_id_header
        self._error_mapper = error_mapper
        self._max_body_bytes = max_body_bytes
        self._retry_base = retry_base_seconds
        self._retry_cap = retry_cap_seconds
        self._session = requests.Session()
        self._session.trust_env = False  # a .netrc or proxy variable must not replace our credentials or see them
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        self._session.headers.update(
            {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
        )
        if not allow_private_hosts:
            self._session.mount("https://", PublicHostsAdapter())
            self._session.mount("http://", PublicHostsAdapter())

    def close(self) -> None:
        self._session.close()

    def url(self, path: str) -> str:
        """
        The address of a path below the base URL, or of an absolute URL on the base URL's own origin.

        :raises ContractError: it leads elsewhere; our token would go there.
        """
        if "://" in path.partition("?")[0]:
            url = path
        else:
            url = f"{self.base_url}/{path.removeprefix('/')}"
        try:
            foreign = _origin(url) != self._origin or "@" in urlsplit(url).netloc
        except ValueError:
            foreign = True
        if foreign or any(character < " " or character == "\\" for character in url):
            raise ContractError(
                f"refusing to call {redact_url(url)[:200]}: not on {self.base_url}", channel=self.channel
            )
        return url

    def request(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        share: Share,
        cost: float = 1,
        params: Mapping[str, str | Sequence[str]] | None = None,
        json: Any = None,
        data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        retries: int = 0,
        deadline_seconds: float = 30,
        expect: Collection[int] = _SUCCESS,
        raw_errors: bool = False,
    ) -> ApiResponse:
        """
        Make a call; the budget pays before each try.

        :param operation: what the budget counts and the log names.
        :param params: query; a sequence becomes a repeated name.
        :param retries: further tries after a retryable failure: 0 for quantity writes, 4 for reads and tokens.
        :param deadline_seconds: for all tries and waits together. A longer ``Retry-After`` is raised at once, for the caller to wait.
        :param expect: statuses that are an answer and no error.
        :param raw_errors: give back any HTTP answer as it is; neither mapped nor retried.
        :raises BudgetError: nothing was sent.
        :raises RetryableError: ``may_have_applied`` for timeouts after connecting, broken connections and 5xx.
        :raises RateLimitedError: 429.
        :raises ChannelError: other statuses, by the channel's table or by status. The answer is at ``error.response``.
        """
        url = self.url(path)
        if params:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(params, doseq=True)}"
        give_up_at = self._clock.monotonic() + deadline_seconds
        attempt = 0
        failure: RetryableError | None = None
        while True:
            attempt += 1
            try:
                self._budget.take(operation=operation, share=share, cost=cost)
            except BudgetError as refusal:
                if failure is not None:
                    raise failure from refusal
                raise
            log = {"channel": self.channel, "operation": operation, "share": str(share), "method": method,
                   "url": redact_url(url), "attempt": attempt}  # fmt: skip
            try:
                response = self._send(
                    method,
                    url,
                    json_body=json,
                    data=data,
                    headers=headers,
                    auth=auth,
                    give_up_at=give_up_at,
                )
                error = None if raw_errors else self._error_of(response, expect)
                _log_answer(log, response, error)
                if error is None:
                    return response
                error.__dict__["response"] = response
                raise error
            except RetryableError as error:
                failure = error
                if not _has_answer(error):
                    logger.warning("%s %s failed: %s", method, log["url"], error.message, extra=log)
                pause = wait_seconds(
                    attempt=attempt, retry_after=error.retry_after, base=self._retry_base, cap=self._retry_cap
                )
                if attempt > retries or self._clock.monotonic() + pause >= give_up_at:
                    raise
            self._clock.sleep(pause)

    def _send(
        self,
        method: str,
        url: str,
        *,
        json_body: Any,
        data: Mapping[str, str] | bytes | None,
        headers: Mapping[str, str] | None,
        auth: tuple[str, str] | None,
        give_up_at: float,
    ) -> ApiResponse:
        """One try. Never follows a redirect; the body is read to its end, within size and deadline."""
        sent_headers = dict(headers or {})
        if json_body is not None:
            data = json.dumps(json_body, allow_nan=False, separators=(",", ":")).encode()
            sent_headers.setdefault("Content-Type", "application/json")
        started_at, started = self._clock.now(), self._clock.monotonic()
        remaining = max(give_up_at - started, 0.05)
        connected = False
        try:
            with self._session.request(
                method,
                url,
                data=data,
                headers=sent_headers,
                auth=auth,
                timeout=(min(self._connect_timeout, remaining), min(self._read_timeout, remaining)),
                allow_redirects=False,
                stream=True,
            ) as raw:
                connected = True
                body = self._read(raw, give_up_at=give_up_at)
                answer_headers, status = CaseInsensitiveDict(raw.headers), raw.status_code
        except (requests.RequestException, urllib3_errors.HTTPError, OSError) as error:
            raise RetryableError(
                _network_words(error),
                channel=self.channel,
                code=type(error).__name__,
                may_have_applied=connected or _may_have_arrived(error),
            ) from error
        request_id = answer_headers.get(self._request_id_header, "") if self._request_id_header else ""
        return ApiResponse(
            status=status,
            headers=answer_headers,
            body=body,
            request_id=request_id,
            elapsed=self._clock.monotonic() - started,
            started_at=started_at,
            ended_at=self._clock.now(),
            channel=self.channel,
        )

    def _read(self, raw: requests.Response, *, give_up_at: float) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            chunk = raw.raw.read1(65536, decode_content=True)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_body_bytes:
                raise ContractError(
                    f"the answer is larger than {self._max_body_bytes} bytes",
                    channel=self.channel,
                    status=raw.status_code,
                    may_have_applied=raw.status_code < 400 or raw.status_code >= 500,
                )
            if self._clock.monotonic() > give_up_at:
                raise requests.ReadTimeout("the answer did not end before the deadline")

    def _error_of(self, response: ApiResponse, expect: Collection[int]) -> ChannelError | None:
        mapped = self._error_mapper(response) if self._error_mapper else None
        if mapped is not None:
            return mapped
        return None if response.status in expect else error_for_status(response)


def error_for_status(response: ApiResponse) -> ChannelError:
    """The error that a status alone stands for; channels refine it in their own table."""
    status = response.status
    facts: dict[str, Any] = {"channel": response.channel, "request_id": response.request_id}
    page = " with an HTML page" if response.looks_like_html else ""
    retry_after = parse_retry_after(response.headers.get("Retry-After"), now=response.ended_at)
    if status == 429:
        return RateLimitedError(f"too many calls{page}", status=status, retry_after=retry_after, **facts)
    if status >= 500 or status == 408:
        message = f"the channel failed{page}"
        return RetryableError(message, status=status, retry_after=retry_after, may_have_applied=True, **facts)
    if status == 401:
        return CredentialsError("the channel does not accept our token", status=status, **facts)
    if status == 403:
        return CredentialsError("the channel refuses permission", status=status, **facts)
    if status == 402:
        return SetupError("the channel has suspended this account", status=status, **facts)
    if status < 400:
        kind = "a redirect, which is never followed" if 300 <= status < 400 else "an unexpected status"
        return ContractError(f"the channel answered with {kind}", status=status, may_have_applied=status < 300, **facts)
    detail = "" if page else f": {redact_text(response.text, limit=200)}"
    return RejectedError(f"the channel refused the call{page}{detail}", status=status, **facts)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def _has_answer(error: ChannelError) -> bool:
    return response_of(error) is not None


def _log_answer(log: dict[str, Any], response: ApiResponse, error: ChannelError | None) -> None:
    extra = {
        **log,
        "status": response.status,
        "request_id": response.request_id,
        "elapsed_ms": round(response.elapsed * 1000),
        "received_bytes": len(response.body),
    }
    if error is None:
        logger.info("%s %s -> %s", log["method"], log["url"], response.status, extra=extra)
        return
    extra["error"] = type(error).__name__
    extra["body_start"] = redact_text(response.text[:4000])
    logger.warning("%s %s -> %s: %s", log["method"], log["url"], response.status, error.message, extra=extra)


def _causes(error: BaseException) -> list[BaseException]:
    """
    The error and everything it was made from, also what requests and urllib3 keep in ``args`` and ``reason``.

    Not ``__context__``: that may be an error of another call, which our caller is just handling.
    """
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and not any(each is known for known in found):
            found.append(each)
            waiting += [*each.args, getattr(each, "reason", None), each.__cause__]
    return found


def _may_have_arrived(error: BaseException) -> bool:
    """False only where the connection certainly never stood: name not found, refused, connect timeout, TLS certificate refused."""
    never = (
        requests.ConnectTimeout,
        urllib3_errors.NewConnectionError,
        urllib3_errors.ConnectTimeoutError,
        urllib3_errors.LocationValueError,
        requests.exceptions.InvalidURL,
        requests.exceptions.InvalidHeader,
        socket.gaierror,
        ConnectionRefusedError,
        ssl.SSLCertVerificationError,
    )
    return not any(isinstance(cause, never) for cause in _causes(error))


def _network_words(error: BaseException) -> str:
    causes = _causes(error)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "the channel's certificate is not valid"
    if not _may_have_arrived(error):
        return "could not connect"
    if any(isinstance(cause, requests.Timeout | urllib3_errors.TimeoutError | TimeoutError) for cause in causes):
        return "no answer in time"
    return "the connection broke before the answer was complete"
