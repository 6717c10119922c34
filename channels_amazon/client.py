"""
One method per endpoint. Sources: official models at amzn/selling-partner-api-models 34dc93fe, and the contract's sections 5 to 13.

There is no method that replaces or deletes a listing, and none that reads buyers' data. Reads are retried, everything else is one try; see
``transport``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from channels_amazon.auth import NOTIFICATIONS
from channels_amazon.settings import CHANNEL, Settings
from channels_amazon.transport import Transport
from channels_amazon.values import Payload, instant
from inventory_sync.domain.errors import ContractError, ListingNotFoundError, RejectedError, SetupError
from inventory_sync.domain.ports import Share, Token
from inventory_sync.http import ApiResponse, response_of

ORDER_DATA = "FULFILLMENT,CANCELLATION,PACKAGES"  # no BUYER and no RECIPIENT: stock needs nobody's name
MOST_IDENTIFIERS = 20  # SKUs in one search
_LISTINGS = "/listings/2021-08-01/items"
_FEEDS = "/feeds/2021-06-30"
_REPORTS = "/reports/2021-06-30"
_NOTIFICATIONS = "/notifications/v1"


class SellingPartnerClient:
    """Amazon's Selling Partner API for one account."""

    def __init__(self, *, transport: Transport, settings: Settings, seller_id: str) -> None:
        self._transport = transport
        self._settings = settings
        self._seller_id = seller_id

    # --- sellers ---

    def marketplace_participations(self, *, share: Share = Share.SETUP) -> Any:
        """``payload`` of getMarketplaceParticipations: which marketplaces the token's seller sells in. Does not say who the seller is."""
        answer = self._transport.read(
            "/sellers/v1/marketplaceParticipations", "getMarketplaceParticipations", share=share
        )
        return _object(answer).get("payload")

    # --- orders 2026-01-01 ---

    def search_orders(
        self,
        *,
        updated_after: datetime,
        updated_before: datetime | None = None,
        statuses: Sequence[str] = (),
        page_token: str = "",
        share: Share,
    ) -> tuple[Payload, ApiResponse]:
        """
        A page of at most 100 orders. A page token works with the same filters only, for 24 hours.

        :param updated_before: at least two minutes ago; None: as late as Amazon shows. The answer's ``lastUpdatedBefore`` says how late.
        """
        params = {
            "marketplaceIds": self._settings.marketplace_id,
            "lastUpdatedAfter": instant(updated_after),
            "includedData": ORDER_DATA,
            "maxResultsPerPage": str(self._settings.order_page),
        }
        if updated_before is not None:
            params["lastUpdatedBefore"] = instant(updated_before)
        if statuses:
            params["fulfillmentStatuses"] = ",".join(statuses)
        if page_token:
            params["paginationToken"] = page_token
        response = self._transport.read("/orders/2026-01-01/orders", "searchOrders", share=share, params=params)
        return _object(response), response

    def order(self, order_id: str, *, share: Share) -> tuple[Payload, ApiResponse]:
        """One order as it is now; nothing is held back here. :raises RejectedError: 404, an order that Amazon does not know."""
        path = f"/orders/2026-01-01/orders/{_segment(order_id)}"
        response = self._transport.read(path, "getOrder", share=share, params={"includedData": ORDER_DATA})
        return _object(response), response

    # --- listings items 2021-08-01 ---

    def listing(self, sku: str, *, included: Sequence[str], share: Share) -> tuple[Payload, ApiResponse]:
        """One listing. :raises ListingNotFoundError: the seller has no such SKU."""
        params = {"marketplaceIds": self._settings.marketplace_id, "includedData": ",".join(included)}
        try:
            response = self._transport.read(self._listing_path(sku), "getListingsItem", share=share, params=params)
        except RejectedError as error:
            if error.status != 404:
                raise
            raise _not_found(error) from error
        return _object(response), response

    def search_listings(
        self, *, included: Sequence[str], skus: Sequence[str] = (), page_token: str = "", size: int = 0, share: Share
    ) -> tuple[Payload, ApiResponse]:
        """
        A page of at most 20 listings, oldest SKU first; of all of them only the first 1,000 can be paged.

        :param skus: only these, 20 at most, none with a comma.
        """
        if len(skus) > MOST_IDENTIFIERS or any("," in sku for sku in skus):
            raise ContractError("a search takes 20 SKUs at most, none with a comma", channel=CHANNEL)
        params = {
            "marketplaceIds": self._settings.marketplace_id,
            "includedData": ",".join(included),
            "pageSize": str(size or self._settings.listing_page),
            "sortBy": "sku",
            "sortOrder": "ASC",
        }
        if skus:
            params |= {"identifiers": ",".join(skus), "identifiersType": "SKU"}
        if page_token:
            params["pageToken"] = page_token
        response = self._transport.read(self._listing_path(), "searchListingsItems", share=share, params=params)
        return _object(response), response

    def merge_attributes(
        self, sku: str, body: Payload, *, share: Share, token: Token, deadline_seconds: float
    ) -> ApiResponse:
        """
        The one write of a listing: PATCH with op ``merge`` (contract, section 8.2). One try.

        :param body: of :func:`channels_amazon.catalogue.quantity_patch` or :func:`channels_amazon.offers.price_patch`; anything but a merge
            is refused here.
        """
        if any(patch.get("op") != "merge" for patch in body["patches"]):
            raise ContractError("only a merge may be sent: anything else wipes what it does not name", channel=CHANNEL)
        try:
            return self._transport.once(
                "PATCH",
                self._listing_path(sku),
                "patchListingsItem",
                share=share,
                params={"marketplaceIds": self._settings.marketplace_id, "issueLocale": self._settings.issue_locale},
                json=body,
                token=token,
                deadline_seconds=deadline_seconds,
            )
        except RejectedError as error:
            if error.status != 404:
                raise
            raise _not_found(error) from error

    def _listing_path(self, sku: str | None = None) -> str:
        if not self._seller_id:
            raise SetupError("the account does not say its seller id (merchant token)", channel=CHANNEL)
        base = f"{_LISTINGS}/{_segment(self._seller_id)}"
        return base if sku is None else f"{base}/{_segment(sku)}"

    # --- FBA inventory v1 ---

    def fba_summaries(self, *, page_token: str = "", share: Share) -> tuple[Payload, ApiResponse]:
        """A page of what Amazon holds for this seller. A page token lives for 30 seconds only."""
        params = {
            "details": "true",
            "granularityType": "Marketplace",
            "granularityId": self._settings.marketplace_id,
            "marketplaceIds": self._settings.marketplace_id,
        }
        if page_token:
            params["nextToken"] = page_token
        response = self._transport.read(
            "/fba/inventory/v1/summaries", "getInventorySummaries", share=share, params=params
        )
        return _object(response), response

    # --- reports 2021-06-30 ---

    def create_report(
        self, report_type: str, *, start: datetime | None = None, end: datetime | None = None, share: Share
    ) -> Payload:
        """Ask for a report. One try: a second one would be a second report."""
        body: dict[str, Any] = {"reportType": report_type, "marketplaceIds": [self._settings.marketplace_id]}
        if start is not None:
            body["dataStartTime"] = instant(start)
        if end is not None:
            body["dataEndTime"] = instant(end)
        return _object(self._transport.post(f"{_REPORTS}/reports", "createReport", share=share, json=body))

    def report(self, report_id: str, *, share: Share) -> Payload:
        return _object(self._transport.read(f"{_REPORTS}/reports/{_segment(report_id)}", "getReport", share=share))

    def reports(self, report_type: str, *, created_since: datetime, share: Share) -> Payload:
        """Reports of a type, newest first (10 at most)."""
        params = {
            "reportTypes": report_type,
            "marketplaceIds": self._settings.marketplace_id,
            "processingStatuses": "IN_QUEUE,IN_PROGRESS,DONE",
            "createdSince": instant(created_since),
        }
        return _object(self._transport.read(f"{_REPORTS}/reports", "getReports", share=share, params=params))

    def report_document(self, document_id: str, *, share: Share) -> Payload:
        """``url`` (good for five minutes) and ``compressionAlgorithm``."""
        return _object(
            self._transport.read(f"{_REPORTS}/documents/{_segment(document_id)}", "getReportDocument", share=share)
        )

    # --- feeds 2021-06-30 ---

    def create_feed_document(self, content_type: str, *, share: Share) -> Payload:
        """``feedDocumentId`` and an upload ``url`` that is good for five minutes."""
        body = {"contentType": content_type}
        return _object(self._transport.post(f"{_FEEDS}/documents", "createFeedDocument", share=share, json=body))

    def create_feed(self, feed_type: str, *, document_id: str, share: Share) -> Payload:
        """Start a feed. One try: a second one would be a second feed."""
        body = {
            "feedType": feed_type,
            "marketplaceIds": [self._settings.marketplace_id],
            "inputFeedDocumentId": document_id,
        }
        return _object(self._transport.post(f"{_FEEDS}/feeds", "createFeed", share=share, json=body))

    def feed(self, feed_id: str, *, share: Share) -> Payload:
        return _object(self._transport.read(f"{_FEEDS}/feeds/{_segment(feed_id)}", "getFeed", share=share))

    def feeds(self, feed_type: str, *, created_since: datetime, share: Share) -> Payload:
        """Feeds of a type that are not done yet, newest first (10 at most)."""
        params = {
            "feedTypes": feed_type,
            "marketplaceIds": self._settings.marketplace_id,
            "processingStatuses": "IN_QUEUE,IN_PROGRESS",
            "createdSince": instant(created_since),
        }
        return _object(self._transport.read(f"{_FEEDS}/feeds", "getFeeds", share=share, params=params))

    def feed_document(self, document_id: str, *, share: Share) -> Payload:
        return _object(
            self._transport.read(f"{_FEEDS}/documents/{_segment(document_id)}", "getFeedDocument", share=share)
        )

    # --- notifications v1 ---

    def destinations(self) -> Any:
        """All destinations of the application, for every seller. Needs the grantless token."""
        answer = self._transport.read(
            f"{_NOTIFICATIONS}/destinations", "getDestinations", share=Share.SETUP, kind=NOTIFICATIONS
        )
        return _object(answer).get("payload")

    def create_destination(self, *, name: str, queue_arn: str) -> Any:
        """:raises RejectedError: 409, the application has this destination already."""
        body = {"name": name, "resourceSpecification": {"sqs": {"arn": queue_arn}}}
        path = f"{_NOTIFICATIONS}/destinations"
        answer = self._transport.post(path, "createDestination", share=Share.SETUP, json=body, kind=NOTIFICATIONS)
        return _object(answer).get("payload")

    def subscription(self, notification_type: str, *, version: str) -> Any:
        """:raises RejectedError: 404, there is none."""
        path = f"{_NOTIFICATIONS}/subscriptions/{_segment(notification_type)}"
        params = {"payloadVersion": version}
        return _object(self._transport.read(path, "getSubscription", share=Share.SETUP, params=params)).get("payload")

    def create_subscription(
        self, notification_type: str, *, version: str, destination_id: str, directive: Payload | None = None
    ) -> Any:
        """:raises RejectedError: 409, there is one; 400, for example when Amazon can't read the directive."""
        body: dict[str, Any] = {"payloadVersion": version, "destinationId": destination_id}
        if directive is not None:
            body["processingDirective"] = directive
        path = f"{_NOTIFICATIONS}/subscriptions/{_segment(notification_type)}"
        return _object(self._transport.post(path, "createSubscription", share=Share.SETUP, json=body)).get("payload")


def _segment(value: str) -> str:
    """
    A path segment with nothing left unencoded: SKUs hold ``/``, blanks, ``+`` and ``#``.

    :raises RejectedError: empty, or dots only: HTTP libraries would take those for a way up the path.
    """
    if value in ("", ".", ".."):
        raise RejectedError(f"{value!r} can't be asked for by name", channel=CHANNEL, code="BAD_NAME")
    return quote(value, safe="")


def _object(response: ApiResponse) -> Payload:
    answer = response.json()
    if not isinstance(answer, dict):
        raise ContractError(
            "expected a JSON object",
            channel=CHANNEL,
            request_id=response.request_id,
            status=response.status,
            may_have_applied=True,
        )
    return answer


def _not_found(error: RejectedError) -> ListingNotFoundError:
    found = ListingNotFoundError(
        error.message, channel=CHANNEL, code=error.code, request_id=error.request_id, status=error.status
    )
    found.__dict__["response"] = response_of(error)
    return found
