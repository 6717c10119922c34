"""Many quantities as one JSON_LISTINGS_FEED. Contract, section 12."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from channels_amazon.catalogue import feed_body, outcome, outcomes_of_report, why_not_writable
from channels_amazon.client import SellingPartnerClient
from channels_amazon.documents import DocumentStore
from channels_amazon.pushing import NOT_WRITABLE
from channels_amazon.settings import CHANNEL, Settings
from channels_amazon.values import objects, text
from inventory_sync.domain.errors import ChannelError, ContractError, RejectedError, RetryableError
from inventory_sync.domain.ports import BulkJob, Clock, PushOutcome, PushResult, Share, StockUpdate

logger = logging.getLogger(__name__)

FEED_TYPE = "JSON_LISTINGS_FEED"
CONTENT_TYPE = "application/json; charset=UTF-8"


class Feeds:
    """Feeds of one account."""

    def __init__(
        self,
        *,
        client: SellingPartnerClient,
        documents: DocumentStore,
        settings: Settings,
        clock: Clock,
        seller_id: str,
    ) -> None:
        self._client = client
        self._documents = documents
        self._settings = settings
        self._clock = clock
        self._seller_id = seller_id

    def start(self, updates: Sequence[StockUpdate]) -> BulkJob:
        """
        Send the updates as one feed. Those that may not be written are refused here and not sent.

        :return: the job; done at once where nothing was left to send.
        :raises ChannelError: nothing was sent, or (``may_have_applied``) it is not known whether Amazon has begun it.
        """
        if len(updates) > self._settings.feed_messages:
            raise ContractError(f"a feed takes {self._settings.feed_messages} updates at most", channel=CHANNEL)
        sendable, refused = self._split(updates)
        if not sendable:
            return BulkJob(ref="", done=True, outcomes=refused, message="nothing may be sent")
        body = feed_body(
            sendable,
            seller_id=self._seller_id,
            locale=self._settings.issue_locale,
            fallback_product_type=self._settings.fallback_product_type,
        )
        document_id = self._uploaded(json.dumps(body, separators=(",", ":")).encode())
        return BulkJob(ref=self._begin(document_id), done=False, outcomes=refused)

    def check(self, *, ref: str, updates: Sequence[StockUpdate]) -> BulkJob:
        """
        How far a feed is.

        DONE gives an outcome for each update. CANCELLED never began: nothing was sent. FATAL may be applied in part: nobody knows.
        """
        feed = self._client.feed(ref, share=Share.BULK)
        status = text(feed.get("processingStatus")).upper()
        sendable, _ = self._split(updates)
        match status:
            case "IN_QUEUE" | "IN_PROGRESS":
                return BulkJob(ref=ref, done=False)
            case "CANCELLED":
                words = "Amazon cancelled the feed before it began"
                outcomes = [outcome(each, PushResult.NOT_SENT, code=status, message=words) for each in sendable]
                return BulkJob(ref=ref, done=True, failed=True, outcomes=tuple(outcomes), message=words)
            case "FATAL":
                words = "Amazon gave the feed up; parts of it may be applied"
                outcomes = [outcome(each, PushResult.UNKNOWN, code=status, message=words) for each in sendable]
                return BulkJob(ref=ref, done=True, failed=True, outcomes=tuple(outcomes), message=words)
            case "DONE":
                return self._settled(ref, text(feed.get("resultFeedDocumentId")), sendable)
            case _:
                logger.warning("amazon: feed %s has the unknown status %r", ref, status)
                return BulkJob(ref=ref, done=False)

    def _settled(self, ref: str, document_id: str, sendable: Sequence[StockUpdate]) -> BulkJob:
        try:
            if not document_id:
                raise ContractError("the feed is done but names no result", channel=CHANNEL)
            described = self._client.feed_document(document_id, share=Share.BULK)
            report = json.loads(self._documents.download(described).body)
            if not isinstance(report, dict):
                raise ContractError("the feed's result is no JSON object", channel=CHANNEL)
        except (RejectedError, ValueError) as error:  # it won't be readable later either
            words = f"the feed is done, its result can't be read: {error}"
            outcomes = [outcome(each, PushResult.UNKNOWN, code="NO_RESULT", message=words) for each in sendable]
            return BulkJob(ref=ref, done=True, failed=True, outcomes=tuple(outcomes), message=words[:300])
        results = outcomes_of_report(sendable, report)
        refused = sum(each.result is PushResult.REFUSED for each in results)
        return BulkJob(
            ref=ref, done=True, outcomes=tuple(results), message=f"{len(results) - refused} accepted, {refused} refused"
        )

    def _uploaded(self, body: bytes) -> str:
        """The body as a document. Nothing that fails here has changed a listing."""
        try:
            document = self._client.create_feed_document(CONTENT_TYPE, share=Share.BULK)
            document_id, url = text(document.get("feedDocumentId")), text(document.get("url"))
            if not (document_id and url):
                raise ContractError("createFeedDocument answered without document id and address", channel=CHANNEL)
            self._documents.upload(url, body, content_type=CONTENT_TYPE)
        except ChannelError as error:
            error.may_have_applied = False
            raise
        return document_id

    def _split(self, updates: Sequence[StockUpdate]) -> tuple[list[StockUpdate], tuple[PushOutcome, ...]]:
        """What goes into the feed, in order, and what doesn't: not ours to write, or replaced by a later update of the same SKU."""
        last = {update.row.listing.key: position for position, update in enumerate(updates)}
        sendable, refused = list[StockUpdate](), list[PushOutcome]()
        for position, update in enumerate(updates):
            reason = why_not_writable(update)
            if reason:
                refused.append(outcome(update, PushResult.REFUSED, code=NOT_WRITABLE, message=reason, permanent=True))
            elif last[update.row.listing.key] != position:
                words = "a later value of the same feed replaces it"
                refused.append(outcome(update, PushResult.NOT_SENT, code="SUPERSEDED", message=words))
            else:
                sendable.append(update)
        return sendable, tuple(refused)

    def _begin(self, document_id: str) -> str:
        """Start the feed. Where Amazon did not answer: look whether it began, before anyone sends another one."""
        asked_at = self._clock.now()
        try:
            feed_id = text(self._client.create_feed(FEED_TYPE, document_id=document_id, share=Share.BULK).get("feedId"))
        except RetryableError as error:
            feed_id = self._begun_since(asked_at - timedelta(seconds=60)) if error.may_have_applied else ""
            if not feed_id:
                raise
            logger.info("amazon: feed %s began although its call failed: %s", feed_id, error)
        if not feed_id:
            raise ContractError("createFeed answered without a feedId", channel=CHANNEL, may_have_applied=True)
        return feed_id

    def _begun_since(self, since: datetime) -> str:
        """The one feed that began since then and is not done; "" where there is none, or more than one."""
        try:
            listed = objects(self._client.feeds(FEED_TYPE, created_since=since, share=Share.BULK).get("feeds"))
        except ChannelError as error:
            logger.warning("amazon: feeds can't be listed: %s", error)
            return ""
        ours = [each for each in listed if text(each.get("feedType")) in ("", FEED_TYPE)]
        return text(ours[0].get("feedId")) if len(ours) == 1 else ""
