"""The life of a report: found or asked for, waited for, downloaded, read by header name. Contract, section 13."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from channels_amazon.client import SellingPartnerClient
from channels_amazon.documents import DocumentStore
from channels_amazon.settings import CHANNEL, Settings
from channels_amazon.values import Payload, moment, objects, text
from inventory_sync.domain.errors import ChannelError, ContractError, RejectedError, RetryableError
from inventory_sync.domain.ports import Clock, Share

logger = logging.getLogger(__name__)

LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
RETURNS = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
READY, NO_DATA, FAILED = "DONE", "CANCELLED", "FATAL"

Row = dict[str, str]


class ReportFailedError(RejectedError):
    """Amazon gave up on this report; another one may work."""


class Reports:
    """Reports of one account."""

    def __init__(
        self, *, client: SellingPartnerClient, documents: DocumentStore, settings: Settings, clock: Clock
    ) -> None:
        self._client = client
        self._documents = documents
        self._settings = settings
        self._clock = clock

    def request(
        self, report_type: str, *, start: datetime | None = None, end: datetime | None = None, share: Share
    ) -> str:
        """
        The id of a report of this type over this time: a young one that was asked for already, else a new one.

        :raises RetryableError: Amazon can't be asked, or did not say whether it took the order for the report.
        """
        found = self._young(report_type, start=start, share=share)
        if found:
            return found
        try:
            report_id = text(self._client.create_report(report_type, start=start, end=end, share=share).get("reportId"))
        except RetryableError as error:  # look before it is repeated
            found = self._young(report_type, start=start, share=share) if error.may_have_applied else ""
            if not found:
                raise
            report_id = found
        if not report_id:
            raise ContractError("createReport answered without a reportId", channel=CHANNEL)
        return report_id

    def rows(self, report_id: str, *, share: Share) -> list[Row] | None:
        """
        The rows of a report, once it is done; waits for that for a while.

        :return: None for CANCELLED, with which Amazon also says "no data".
        :raises RetryableError: not done yet (``REPORT_NOT_READY``): ask again with the same id.
        :raises ReportFailedError: FATAL, or gone.
        """
        document_id = self._wait(report_id, share=share)
        if document_id is None:
            return None
        return parse_rows(self._documents.download(self._client.report_document(document_id, share=share)).decoded())

    def _wait(self, report_id: str, *, share: Share) -> str | None:
        give_up_at = self._clock.monotonic() + self._settings.report_wait_seconds
        while True:
            try:
                report = self._client.report(report_id, share=share)
            except RejectedError as error:
                raise ReportFailedError(
                    f"report {report_id} is gone: {error.message}", channel=CHANNEL, status=error.status
                ) from error
            status = text(report.get("processingStatus")).upper()
            if status == READY:
                document_id = text(report.get("reportDocumentId"))
                if not document_id:
                    raise ContractError(f"report {report_id} is done but names no document", channel=CHANNEL)
                return document_id
            if status == NO_DATA:
                return None
            if status == FAILED:
                raise ReportFailedError(f"Amazon could not make report {report_id}", channel=CHANNEL, code=FAILED)
            if status not in ("IN_QUEUE", "IN_PROGRESS"):
                logger.warning("amazon: report %s has the unknown status %r", report_id, status)
            created = moment(report.get("createdTime"))
            limit = timedelta(seconds=self._settings.report_give_up_seconds)
            if created is not None and self._clock.now() - created > limit:
                raise ReportFailedError(f"report {report_id} does not come to an end", channel=CHANNEL, code=status)
            if self._clock.monotonic() + self._settings.report_poll_seconds >= give_up_at:
                raise RetryableError(
                    f"report {report_id} is not ready yet",
                    channel=CHANNEL,
                    code="REPORT_NOT_READY",
                    retry_after=self._settings.report_poll_seconds,
                )
            self._clock.sleep(self._settings.report_poll_seconds)

    def _young(self, report_type: str, *, start: datetime | None, share: Share) -> str:
        """A report that would say the same as a new one; "" if there is none, or Amazon does not list them."""
        reuse = timedelta(seconds=self._settings.report_reuse_seconds)
        if not reuse:
            return ""
        try:
            listed = self._client.reports(report_type, created_since=self._clock.now() - reuse, share=share)
        except ChannelError as error:
            logger.info("amazon: reports can't be listed, asking for a new one: %s", error)
            return ""
        fits = _fits(report_type, start=start, reuse=reuse)
        return next((text(each.get("reportId")) for each in objects(listed.get("reports")) if fits(each)), "")


def _fits(report_type: str, *, start: datetime | None, reuse: timedelta) -> Callable[[Payload], bool]:
    """Of this type, alive, and beginning no later than we want, give or take the time that a report stays young."""

    def fits(report: Payload) -> bool:
        status, kind = text(report.get("processingStatus")).upper(), text(report.get("reportType"))
        if status not in ("IN_QUEUE", "IN_PROGRESS", READY) or kind not in ("", report_type):
            return False
        begins = moment(report.get("dataStartTime"))
        return start is None or (begins is not None and begins <= start + reuse)

    return fits


def parse_rows(report: str) -> list[Row]:
    """
    A tab-separated report as rows by header name: lower case, ``-`` and ``_`` as blanks (spelling varies by locale and over time).

    Values are kept as they are, a seller SKU may hold blanks. A row with too few or too many fields keeps those that have a name.
    """
    lines = [line for line in report.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    if not lines:
        return []
    names = [_header(name) for name in lines[0].split("\t")]
    return [dict(zip(names, line.split("\t"), strict=False)) for line in lines[1:]]


def _header(name: str) -> str:
    return " ".join(name.strip().strip('"').lower().replace("-", " ").replace("_", " ").split())
