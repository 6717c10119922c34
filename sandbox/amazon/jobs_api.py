"""Feeds 2021-06-30 and Reports 2021-06-30: documents, creation, polling, cancelling."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.amazon import documents, feeds, reports
from sandbox.amazon.api import Call, Operation, Reply
from sandbox.amazon.errors import invalid_input, not_found
from sandbox.amazon.model import Document, Job
from sandbox.amazon.settings import INDIA
from sandbox.amazon.state import State
from sandbox.amazon.times import millis_z, parse_time

STATUSES = ("CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE")


def create_feed_document(state: State, call: Call) -> Reply:
    content_type = call.body.get("contentType")
    if not isinstance(content_type, str) or not content_type:
        raise invalid_input("Missing required field 'contentType'.")
    document = documents.create(state, seller_id=call.seller_id, content_type=content_type, kind="feed")
    return Reply(
        status=201, body={"feedDocumentId": document.document_id, "url": documents.presigned_url(state, document)}
    )


def create_feed(state: State, call: Call) -> Reply:
    """202; each call makes a new feed, also when repeated with the same document."""
    if call.body.get("feedType") != feeds.FEED_TYPE:
        raise invalid_input(f"Invalid feedType: only {feeds.FEED_TYPE} is supported.")
    document = state.documents.get(str(call.body.get("inputFeedDocumentId")))
    if document is None or document.seller_id != call.seller_id:
        raise invalid_input("Invalid inputFeedDocumentId.")
    feed = _new_job(state, call, feeds.FEED_TYPE)
    feed.input_document_id = document.document_id
    state.feeds[feed.job_id] = feed
    feeds.start(state, feed)
    return Reply(status=202, body={"feedId": feed.job_id})


def _new_job(state: State, call: Call, job_type: str) -> Job:
    if call.body.get("marketplaceIds") != [INDIA]:
        raise invalid_input(f"marketplaceIds must be [{INDIA}].")
    job_id = f"6{state.digits(10)}"
    return Job(
        job_id=job_id, seller_id=call.seller_id, job_type=job_type, marketplace_ids=[INDIA], created_at=state.now()
    )


def _job(jobs: dict[str, Job], call: Call) -> Job:
    job = jobs.get(call.path["job_id"])
    if job is None or job.seller_id != call.seller_id:
        raise not_found(f"{call.path['job_id']} not found.")
    return job


def _job_body(job: Job, noun: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        f"{noun}Id": job.job_id,
        f"{noun}Type": job.job_type,
        "marketplaceIds": job.marketplace_ids,
        "createdTime": millis_z(job.created_at),
        "processingStatus": job.status,
    }
    times = {
        "processingStartTime": job.started_at,
        "processingEndTime": job.ended_at,
        "dataStartTime": job.data_start,
        "dataEndTime": job.data_end,
    }
    body |= {name: millis_z(moment) for name, moment in times.items() if moment is not None}
    if job.result_document_id:
        body["resultFeedDocumentId" if noun == "feed" else "reportDocumentId"] = job.result_document_id
    return body


def get_feed(state: State, call: Call) -> Reply:
    return Reply(body=_job_body(_job(state.feeds, call), "feed"))


def get_report(state: State, call: Call) -> Reply:
    return Reply(body=_job_body(_job(state.reports, call), "report"))


def _cancel(jobs: dict[str, Job], call: Call) -> Reply:
    job = _job(jobs, call)
    if job.status != "IN_QUEUE":
        raise invalid_input(f"{job.job_id} is {job.status}: only what is IN_QUEUE can be cancelled.")
    job.status = "CANCELLED"
    return Reply(body={})


def cancel_feed(state: State, call: Call) -> Reply:
    return _cancel(state.feeds, call)


def cancel_report(state: State, call: Call) -> Reply:
    return _cancel(state.reports, call)


def _list(state: State, call: Call, jobs: dict[str, Job], noun: str) -> Reply:
    """Newest first; a ``nextToken`` must come alone."""
    if "nextToken" in call.args:
        if set(call.args) != {"nextToken"}:
            raise invalid_input("nextToken can't be combined with other parameters.")
        memory = state.page_tokens.redeem(call.args["nextToken"])
        if memory is None:
            raise invalid_input("The nextToken is invalid or has expired.")
        rows, size = memory
    else:
        types = set(call.csv(f"{noun}Types"))
        if not types:
            raise invalid_input(f"{noun}Types or nextToken is required.")
        statuses = call.choices("processingStatuses", STATUSES)
        size = call.integer("pageSize", default=10, least=1, most=100)
        rows = [
            job
            for job in jobs.values()
            if job.seller_id == call.seller_id
            and job.job_type in types
            and (not statuses or job.status in statuses)
            and (
                "createdSince" not in call.args
                or job.created_at >= parse_time(call.args["createdSince"], name="createdSince")
            )
            and (
                "createdUntil" not in call.args
                or job.created_at <= parse_time(call.args["createdUntil"], name="createdUntil")
            )
        ]
        rows.sort(key=lambda job: job.created_at, reverse=True)
    body: dict[str, Any] = {f"{noun}s": [_job_body(job, noun) for job in rows[:size]]}
    if rows[size:]:
        body["nextToken"] = state.page_tokens.issue((rows[size:], size), lifetime=state.scaled(3600))
    return Reply(body=body)


def get_feeds(state: State, call: Call) -> Reply:
    return _list(state, call, state.feeds, "feed")


def get_reports(state: State, call: Call) -> Reply:
    return _list(state, call, state.reports, "report")


def _document(state: State, call: Call) -> Document:
    document = state.documents.get(call.path["document_id"])
    if document is None or document.seller_id != call.seller_id:
        raise not_found("Document not found.")
    return document


def _document_body(state: State, document: Document, noun: str) -> dict[str, Any]:
    body = {f"{noun}DocumentId": document.document_id, "url": documents.presigned_url(state, document)}
    return {**body, "compressionAlgorithm": document.compression} if document.compression else body


def get_feed_document(state: State, call: Call) -> Reply:
    return Reply(body=_document_body(state, _document(state, call), "feed"))


def get_report_document(state: State, call: Call) -> Reply:
    return Reply(body=_document_body(state, _document(state, call), "report"))


def create_report(state: State, call: Call) -> Reply:
    report_type = call.body.get("reportType")
    if report_type not in reports.REPORT_TYPES:
        raise invalid_input(f"Invalid reportType: {report_type}.")
    report = _new_job(state, call, report_type)
    for name, field in (("dataStartTime", "data_start"), ("dataEndTime", "data_end")):
        if name in call.body:
            setattr(report, field, parse_time(str(call.body[name]), name=name))
    if report_type == reports.RETURNS:
        report.data_end = report.data_end or state.now()
        report.data_start = report.data_start or report.data_end - timedelta(days=1)
        if report.data_end - report.data_start > timedelta(days=60):
            raise invalid_input("The date range of this report must not exceed 60 days.")
    state.reports[report.job_id] = report
    reports.start(state, report)
    return Reply(status=202, body={"reportId": report.job_id})


FEEDS, REPORTS = "/feeds/2021-06-30", "/reports/2021-06-30"
OPERATIONS = [
    Operation(
        name="createFeedDocument", method="POST", path=f"{FEEDS}/documents", handler=create_feed_document, writes=True
    ),
    Operation(name="getFeedDocument", method="GET", path=f"{FEEDS}/documents/<document_id>", handler=get_feed_document),
    Operation(name="createFeed", method="POST", path=f"{FEEDS}/feeds", handler=create_feed, writes=True),
    Operation(name="getFeeds", method="GET", path=f"{FEEDS}/feeds", handler=get_feeds),
    Operation(name="getFeed", method="GET", path=f"{FEEDS}/feeds/<job_id>", handler=get_feed),
    Operation(name="cancelFeed", method="DELETE", path=f"{FEEDS}/feeds/<job_id>", handler=cancel_feed, writes=True),
    Operation(name="createReport", method="POST", path=f"{REPORTS}/reports", handler=create_report, writes=True),
    Operation(name="getReports", method="GET", path=f"{REPORTS}/reports", handler=get_reports),
    Operation(name="getReport", method="GET", path=f"{REPORTS}/reports/<job_id>", handler=get_report),
    Operation(
        name="cancelReport", method="DELETE", path=f"{REPORTS}/reports/<job_id>", handler=cancel_report, writes=True
    ),
    Operation(
        name="getReportDocument", method="GET", path=f"{REPORTS}/documents/<document_id>", handler=get_report_document
    ),
]
