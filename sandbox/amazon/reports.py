"""Reports: GET_MERCHANT_LISTINGS_ALL_DATA and GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE as tab-separated text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sandbox.amazon import documents
from sandbox.amazon.listings import read_quantities
from sandbox.amazon.model import Job, Listing
from sandbox.amazon.settings import FBA_CODE, MERCHANT_CODE
from sandbox.amazon.state import State

LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
RETURNS = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
REPORT_TYPES = (LISTINGS, RETURNS)
LISTING_COLUMNS = (
    "item-name",
    "item-description",
    "listing-id",
    "seller-sku",
    "price",
    "quantity",
    "open-date",
    "image-url",
    "item-is-marketplace",
    "product-id-type",
    "zshop-shipping-fee",
    "item-note",
    "item-condition",
    "zshop-category1",
    "zshop-browse-path",
    "zshop-storefront-feature",
    "asin1",
    "asin2",
    "asin3",
    "will-ship-internationally",
    "expedited-shipping",
    "zshop-boldface",
    "product-id",
    "bid-for-featured-placement",
    "add-delete",
    "pending-quantity",
    "fulfillment-channel",
    "merchant-shipping-group",
    "status",
)
RETURN_COLUMNS = (
    "Order ID",
    "Order date",
    "Return request date",
    "Return request status",
    "Amazon RMA ID",
    "Merchant RMA ID",
    "Label type",
    "Label cost",
    "Currency code",
    "Return carrier",
    "Tracking ID",
    "Label to be paid by",
    "A-to-Z Claim",
    "Is prime",
    "ASIN",
    "Merchant SKU",
    "Item Name",
    "Return quantity",
    "Return Reason",
    "In policy",
    "Return type",
    "Resolution",
    "Invoice number",
    "Return delivery date",
    "Order Amount",
    "Order quantity",
    "SafeT Action reason",
    "SafeT claim id",
    "SafeT claim state",
    "SafeT claim creation time",
    "SafeT claim reimbursement amount",
    "Refunded Amount",
)


def start(state: State, report: Job) -> None:
    half = state.draw(state.settings.report_seconds) / 2
    state.later(half, lambda: _begin(state, report, half))


def _begin(state: State, report: Job, seconds: float) -> None:
    if report.status != "IN_QUEUE":
        return
    report.status = "IN_PROGRESS"
    report.started_at = state.now()
    if not state.strikes("report_stuck"):
        state.later(seconds, lambda: process(state, report))


def process(state: State, report: Job) -> None:
    """Write the report. No rows: CANCELLED, as Amazon says "no data"."""
    if state.strikes("report_fatal"):
        _finish(state, report, "FATAL")
        return
    columns, rows = _listings(state, report) if report.job_type == LISTINGS else _returns(state, report)
    if not rows or state.strikes("report_cancelled"):
        _finish(state, report, "CANCELLED")
        return
    lines = ["\t".join(columns)] + ["\t".join(row.get(name, "") for name in columns) for row in rows]
    encoding = state.settings.report_encoding
    charset = f"; charset={encoding}" if state.settings.report_charset_header else ""
    document = documents.create(
        state,
        seller_id=report.seller_id,
        content_type=f"text/plain{charset}",
        kind="report",
        body=("\r\n".join(lines) + "\r\n").encode(encoding, errors="replace"),
        compress=state.settings.gzip_reports,
    )
    report.result_document_id = document.document_id
    _finish(state, report, "DONE")


Rows = tuple[Sequence[str], list[dict[str, str]]]


def _listings(state: State, report: Job) -> Rows:
    mine = sorted(key for key in state.listings if key[0] == report.seller_id)
    return LISTING_COLUMNS, [row for key in mine for row in _listing_rows(state, state.listings[key])]


def _listing_rows(state: State, listing: Listing) -> Iterable[dict[str, str]]:
    """One row per fulfilment channel: an FBA SKU that was patched DEFAULT shows twice."""
    for code, quantity in sorted(read_quantities(state, listing).items()):
        yield {
            "item-name": listing.title,
            "listing-id": f"0101{listing.asin[-7:]}",
            "seller-sku": listing.sku,
            "price": listing.price,
            "quantity": str(quantity or 0) if code == MERCHANT_CODE else "",
            "open-date": _date(listing.created_at),
            "item-is-marketplace": "y",
            "product-id-type": "1",
            "item-condition": "11",
            "asin1": listing.asin,
            "product-id": listing.asin,
            "pending-quantity": "0",
            "fulfillment-channel": FBA_CODE if code == FBA_CODE else MERCHANT_CODE,
            "merchant-shipping-group": "Default Amazon Template",
            "status": "Active" if listing.active else "Inactive",
        }


def _returns(state: State, report: Job) -> Rows:
    rows = [
        {
            "Order ID": each.order_id,
            "Order date": _date(each.order_date),
            "Return request date": _date(each.requested_at),
            "Return request status": each.status,
            "Amazon RMA ID": each.rma_id,
            "Label type": "AmazonUnPaidLabel",
            "Label cost": "0",
            "Currency code": "INR",
            "Label to be paid by": "Amazon",
            "A-to-Z Claim": "N",
            "Is prime": "N",
            "ASIN": each.asin,
            "Merchant SKU": each.sku,
            "Item Name": each.title,
            "Return quantity": str(each.units),
            "Return Reason": each.reason,
            "In policy": "Y",
            "Return type": "C-Returns",
            "Resolution": "StandardRefund",
            "Return delivery date": _date(each.delivered_at) if each.delivered_at else "",
            "Order Amount": each.amount,
            "Order quantity": str(each.ordered),
        }
        for each in state.returns
        if each.seller_id == report.seller_id
        and (report.data_start is None or (each.delivered_at or each.requested_at) >= report.data_start)
        and (report.data_end is None or (each.delivered_at or each.requested_at) <= report.data_end)
    ]
    return RETURN_COLUMNS, rows


def _date(moment: datetime) -> str:
    return moment.strftime("%d-%b-%Y")


def _finish(state: State, report: Job, status: str) -> None:
    report.status = status
    report.ended_at = state.now()
    told = {
        "sellerId": report.seller_id,
        "accountId": f"amzn1.merchant.o.{report.seller_id}",
        "reportId": report.job_id,
        "reportType": report.job_type,
        "processingStatus": status,
    }
    if report.result_document_id:
        told["reportDocumentId"] = report.result_document_id
    state.notify(
        seller_id=report.seller_id,
        notification_type="REPORT_PROCESSING_FINISHED",
        payload={"reportProcessingFinishedNotification": told},
    )
