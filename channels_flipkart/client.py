"""
One method per endpoint, with its limits. Source for all: contract, sections 5 to 7 (official OpenAPI where it is not marked as wrong).

Reads are retried, quantity writes never. A dead token is renewed once and the call repeated once, writes too: a call without a valid token
has changed nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from channels_flipkart.auth import TokenSource
from channels_flipkart.errors import CHANNEL, is_token_dead
from channels_flipkart.paging import next_path
from channels_flipkart.settings import Settings
from channels_flipkart.values import Payload, objects, text, truth
from inventory_sync.domain.errors import (
    BudgetError,
    ChannelError,
    ContractError,
    RateLimitedError,
    RejectedError,
    RetryableError,
)
from inventory_sync.domain.ports import Clock, RateBudget, Share, Token
from inventory_sync.http import ApiClient, ApiResponse

logger = logging.getLogger(__name__)

MAX_DETAILS = 10  # SKUs in one details or GET listings call
MAX_SHIPMENT_IDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    One page of shipments, returns or listing references.

    :ivar next: path of the next page, or the next page id; "" at the end.
    :ivar cursor: what stood beside the page as the next one, also where there is none (it names the seller).
    """

    items: tuple[Payload, ...]
    next: str
    started_at: datetime
    cursor: str = ""


class FlipkartClient:
    """Flipkart's REST interface for one account."""

    def __init__(
        self, *, http: ApiClient, tokens: TokenSource, settings: Settings, budget: RateBudget, clock: Clock
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._settings = settings
        self._budget = budget
        self._clock = clock
        self._details_by_get = settings.details_endpoint == "get"

    # --- listings ---

    def search_listings(self, *, status: str, page_id: str, share: Share = Share.BULK) -> Page:
        """``POST /listings/v3/search``: 500 references a page. Swagger misspells the filter as ``lisitng_status``."""
        body = {"filters": {"listing_status": status}, "page_id": page_id or None}
        response = self._read("POST", "/listings/v3/search", operation="listing_search", share=share, json=body)
        answer = _object(response)
        if "listings" not in answer and "has_more" not in answer:
            raise _contract("the listing search answered without listings", response)
        more = truth(answer.get("has_more")) is not False
        following = text(answer.get("next_page_id")) if more else ""
        return Page(
            items=tuple(objects(answer.get("listings"))),
            next="" if following == page_id else following,
            started_at=response.started_at,
        )

    def listing_details(self, skus: Sequence[str], *, share: Share) -> tuple[Payload, datetime]:
        """
        ``POST /listings/v3/details``, or the older ``GET /listings/v3/{skuIds}`` where that is 404: 10 SKUs at most.

        :return: the answer, and when our request began.
        """
        _at_most(MAX_DETAILS, skus)
        if not self._details_by_get:
            try:
                response = self._read(
                    "POST",
                    "/listings/v3/details",
                    operation="listing_details",
                    share=share,
                    json={"sku_ids": list(skus)},
                )
                return _object(response), response.started_at
            except RejectedError as error:
                if error.status not in (404, 405):
                    raise
                logger.info("flipkart: no details endpoint, reading listings by GET from now on")
                self._details_by_get = True
        path = f"/listings/v3/{_joined(skus)}"
        response = self._read("GET", path, operation="listing_details", share=share)
        return _object(response), response.started_at

    def update_inventory(
        self, body: Mapping[str, Any], *, share: Share, bearer: Token, deadline_seconds: float
    ) -> ApiResponse:
        """``POST /listings/v3/update/inventory``: 10 SKUs at most, absolute quantities, one try."""
        _at_most(self._settings.listing_batch, body)
        return self._call(
            "POST",
            "/listings/v3/update/inventory",
            operation="inventory_update",
            share=share,
            json=body,
            headers={"Content-Type": "application/json; charset=utf-8"},
            bearer=bearer,
            retries=0,
            deadline_seconds=deadline_seconds,
        )

    def write_listings(
        self, path: str, body: Mapping[str, Any], *, operation: str, bearer: Token, deadline_seconds: float
    ) -> ApiResponse:
        """``POST /listings/v3`` (create, which overwrites), ``.../update`` or ``.../update/price``: 10 SKUs at most, one try."""
        _at_most(self._settings.listing_batch, body)
        return self._call(
            "POST",
            path,
            operation=operation,
            share=Share.BULK,
            json=body,
            headers={"Content-Type": "application/json; charset=utf-8"},
            bearer=bearer,
            retries=0,
            deadline_seconds=deadline_seconds,
        )

    def locations(self) -> Any:
        """``GET /locations/allLocations``: seen in a production connector, documented nowhere; any JSON may come."""
        return self._read("GET", "/locations/allLocations", operation="locations", share=Share.SETUP).json()

    # --- shipments ---

    def filter_shipments(self, body: Mapping[str, Any], *, share: Share) -> Page:
        """``POST /v3/shipments/filter``: first page of a query; each page counts as one call."""
        return self._shipment_page(
            self._read("POST", "/v3/shipments/filter", operation="shipment_filter", share=share, json=body)
        )

    def next_shipments(self, page: Page, *, share: Share) -> Page:
        """``GET <nextPageUrl>``, with the prefix that Flipkart leaves out."""
        following = self._shipment_page(
            self._read("GET", page.next, operation="shipment_filter", share=share, prefixed=True)
        )
        return _forward(page, following)

    def shipments(self, shipment_ids: Sequence[str], *, share: Share) -> Page:
        """``GET /v3/shipments?shipmentIds=``: 100 ids at most; ids that Flipkart does not know are left out."""
        _at_most(MAX_SHIPMENT_IDS, shipment_ids)
        path = f"/v3/shipments?shipmentIds={_joined(shipment_ids)}"
        response = self._read("GET", path, operation="shipments", share=share)
        answer = _object(response)
        if "shipments" not in answer:
            raise _contract("the answer holds no shipments", response)
        return Page(items=tuple(objects(answer["shipments"])), next="", started_at=response.started_at)

    def _shipment_page(self, response: ApiResponse) -> Page:
        return self._page(response, items="shipments", following="nextPageUrl", version="")

    # --- returns ---

    def returns(self, params: Mapping[str, str]) -> Page:
        """``GET /v2/returns``: 25 a page; ``source`` is mandatory."""
        return self._returns_page(
            self._read("GET", "/v2/returns", operation="returns", share=Share.POLL, params=params)
        )

    def next_returns(self, page: Page) -> Page:
        """``GET`` below ``/sellers/v2``: not the prefix of the shipments."""
        following = self._returns_page(
            self._read("GET", page.next, operation="returns", share=Share.POLL, prefixed=True)
        )
        return _forward(page, following)

    def _returns_page(self, response: ApiResponse) -> Page:
        return self._page(response, items="returnItems", following="nextUrl", version="/v2")

    # --- how every call is made ---

    def _page(self, response: ApiResponse, *, items: str, following: str, version: str) -> Page:
        """``hasMore`` alone says whether there is more: a next URL stands there at the end as well (observed)."""
        answer = _object(response)
        if items not in answer and "hasMore" not in answer:
            raise _contract(f"the answer holds no {items}", response)
        url, more = text(answer.get(following)), truth(answer.get("hasMore")) is True
        if more and not url:
            raise _contract(f"hasMore without {following}", response)
        path = (
            next_path(url, base_url=self._http.base_url, rest_prefix=self._settings.rest_prefix, version=version)
            if more
            else ""
        )
        return Page(items=tuple(objects(answer.get(items))), next=path, started_at=response.started_at, cursor=url)

    def _read(self, method: str, path: str, *, prefixed: bool = False, **request: Any) -> ApiResponse:
        return self._call(
            method,
            path,
            prefixed=prefixed,
            bearer=self._tokens.bearer(),
            retries=self._settings.read_retries,
            deadline_seconds=self._settings.read_deadline_seconds,
            **request,
        )

    def _call(
        self,
        method: str,
        path: str,
        *,
        bearer: Token,
        deadline_seconds: float,
        prefixed: bool = False,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> ApiResponse:
        full_path = path if prefixed else f"{self._settings.rest_prefix}{path}"
        give_up_at = self._clock.monotonic() + deadline_seconds

        def attempt(token: Token) -> ApiResponse:
            left = give_up_at - self._clock.monotonic()
            if left <= 0:
                raise RetryableError("getting a token took too long", channel=CHANNEL)
            return self._http.request(
                method,
                full_path,
                headers={**(headers or {}), "Authorization": f"Bearer {token.access}"},
                deadline_seconds=left,
                **request,
            )

        try:
            try:
                return attempt(bearer)
            except ChannelError as error:
                if not is_token_dead(error):
                    raise
            return attempt(self._tokens.renew(bearer))
        except BudgetError:
            raise
        except RateLimitedError as error:
            pause = error.retry_after if error.retry_after is not None else self._settings.rate_limited_pause_seconds
            self._budget.empty(operation=str(request["operation"]), seconds=pause)
            raise


def _object(response: ApiResponse) -> Payload:
    answer = response.json()
    if not isinstance(answer, dict):
        raise _contract("expected a JSON object", response)
    return answer


def _contract(message: str, response: ApiResponse) -> ContractError:
    return ContractError(
        message, channel=CHANNEL, request_id=response.request_id, status=response.status, may_have_applied=True
    )


def _forward(page: Page, following: Page) -> Page:
    """A page that names itself as the next one would be read for ever."""
    if following.next and following.next == page.next:
        raise ContractError("the next page is the same page again", channel=CHANNEL)
    return following


def _at_most(limit: int, values: Sequence[str] | Mapping[str, Any]) -> None:
    if not 0 < len(values) <= limit:
        raise ContractError(f"one call takes 1 to {limit} ids, not {len(values)}", channel=CHANNEL)


def _joined(values: Sequence[str]) -> str:
    """Comma separated without spaces, each percent-encoded (contract, section 3)."""
    return ",".join(quote(value, safe="") for value in values)
