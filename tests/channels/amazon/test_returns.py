"""The returns report: rows to returns, and the order line that each belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inventory_sync.domain.errors import RejectedError
from inventory_sync.domain.ports import PollPage
from inventory_sync.domain.snapshots import ReturnSnapshot, ReturnState
from tests.channels.amazon.stub import Answer, Stub, make_adapter, refusal
from tests.channels.amazon.test_mapping import api_order
from tests.channels.amazon.test_reading import REPORTS, report_on
from tests.channels.ports import FreeBudget

NOW = datetime(2026, 10, 12, 7, 0, tzinfo=UTC)
ORDER_ID = "405-1234567-7654321"
ORDER = f"GET /orders/2026-01-01/orders/{ORDER_ID}"
HEADER = "Order ID\tReturn request date\tReturn request status\tAmazon RMA ID\tTracking ID\tASIN\tMerchant SKU\tReturn quantity\tReturn delivery date"


def line(
    *,
    order: str = ORDER_ID,
    status: str = "Approved",
    rma: str = "D1RRMA",
    sku: str = "TEE",
    units: str = "1",
    delivered: str = "",
) -> str:
    return f"{order}\t10-Oct-2026\t{status}\t{rma}\tTRK1\tB0INTEE001\t{sku}\t{units}\t{delivered}"


def polled(
    stub: Stub, *lines: str, since: datetime | None = None, header: str = HEADER, **options: Any
) -> tuple[list[PollPage], list[ReturnSnapshot]]:
    report_on(stub, "\n".join([header, *lines]))
    if ORDER not in stub.answers:
        stub.on(ORDER, Answer(body={"order": api_order("SHIPPED", fulfilled=2)}))
    pages = list(make_adapter(stub.url, **options).poll(stream="returns", since=since, now=NOW))
    return pages, [each for page in pages for each in page.returns]


def test_a_return_finds_its_order_line_and_says_whether_the_goods_are_back(stub: Stub) -> None:
    pages, returns = polled(
        stub, line(), line(rma="D2RRMA", delivered="11-Oct-2026"), line(rma="D3", status="Cancelled")
    )

    assert [(each.return_id, each.state) for each in returns] == [
        (f"{ORDER_ID}:D1RRMA:TEE", ReturnState.EXPECTED),
        (f"{ORDER_ID}:D2RRMA:TEE", ReturnState.ARRIVED),
        (f"{ORDER_ID}:D3:TEE", ReturnState.CALLED_OFF),
    ]
    first = returns[0]
    assert (first.line_key, first.order_ref, first.units, first.tracking_id) == ("40512345678901", ORDER_ID, 1, "TRK1")
    assert first.courier_return is False
    assert pages[-1].complete_until == NOW
    assert len(stub.calls(ORDER)) == 1


def test_the_report_is_asked_for_with_an_overlap_and_never_for_more_than_sixty_days(stub: Stub) -> None:
    polled(stub, line(), since=NOW - timedelta(hours=4))
    polled(stub, line(), since=NOW - timedelta(days=200))
    polled(stub, line())

    asked = [seen.json for seen in stub.calls(f"POST {REPORTS}/reports")]
    assert asked[0] == {
        "reportType": "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE",
        "marketplaceIds": ["A21TJRUUN4KGV"],
        "dataStartTime": "2026-10-05T03:00:00.000Z",
        "dataEndTime": "2026-10-12T07:00:00.000Z",
    }
    assert asked[1]["dataStartTime"] == "2026-08-14T07:00:00.000Z"
    assert asked[2]["dataStartTime"] == "2026-09-12T07:00:00.000Z"


def test_headers_are_read_in_any_spelling_and_order(stub: Stub) -> None:
    header = "merchant-sku\tRETURN_QUANTITY\torder-id\tamazon-rma-id\treturn-delivery-date"

    _, [only] = polled(stub, f"TEE\t2\t{ORDER_ID}\tD9\t2026-10-11", header=header)

    assert (only.units, only.state, only.line_key) == (2, ReturnState.ARRIVED, "40512345678901")


def test_rows_that_lack_the_essential_are_left_out(stub: Stub) -> None:
    _, returns = polled(stub, line(order=""), line(units="many"), line(), "rubbish")

    assert len(returns) == 1


def test_a_line_without_a_seller_sku_is_found_by_its_asin(stub: Stub) -> None:
    body = api_order("SHIPPED", fulfilled=2)
    body["orderItems"][0]["product"] = {"asin": "B0INTEE001"}
    stub.on(ORDER, Answer(body={"order": body}))

    _, [only] = polled(stub, line())

    assert only.line_key == "40512345678901"


def test_two_lines_of_one_sku_are_not_guessed_between(stub: Stub) -> None:
    body = api_order("SHIPPED", fulfilled=2)
    body["orderItems"].append({**body["orderItems"][0], "orderItemId": "2"})
    stub.on(ORDER, Answer(body={"order": body}))

    _, [only] = polled(stub, line())

    assert only.line_key == ""


def test_a_return_of_amazons_own_stock_belongs_to_no_line_of_ours(stub: Stub) -> None:
    stub.on(ORDER, Answer(body={"order": api_order("SHIPPED", by="AMAZON", fulfilled=2)}))

    _, [only] = polled(stub, line())

    assert only.line_key == ""


def test_without_call_budget_returns_come_without_their_lines_and_the_round_ends(stub: Stub) -> None:
    pages, [only] = polled(stub, line(), budget=FreeBudget(spent={"getOrder"}), settings={"read_deadline_seconds": 1})

    assert (only.line_key, only.order_ref) == ("", ORDER_ID)
    assert pages[-1].complete_until == NOW


def test_no_data_is_a_round_without_returns(stub: Stub) -> None:
    report_on(stub, statuses=("CANCELLED",))

    pages = list(make_adapter(stub.url).poll(stream="returns", since=None, now=NOW))

    assert [page.returns for page in pages] == [()]
    assert pages[0].complete_until == NOW


def test_a_missing_role_for_returns_does_not_stop_the_account(stub: Stub) -> None:
    report_on(stub)
    stub.on(f"POST {REPORTS}/reports", refusal(403, "Unauthorized", "Access to requested resource is denied."))

    with pytest.raises(RejectedError, match="role"):
        list(make_adapter(stub.url).poll(stream="returns", since=None, now=NOW))


def test_a_report_that_amazon_took_without_an_answer_is_not_asked_for_twice(stub: Stub) -> None:
    report_on(stub, "\n".join([HEADER, line()]))
    stub.on(ORDER, Answer(body={"order": api_order("SHIPPED", fulfilled=2)}))
    stub.on(f"POST {REPORTS}/reports", Answer(status=500))
    made = {
        "reportId": "R1",
        "reportType": "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE",
        "processingStatus": "IN_QUEUE",
        "dataStartTime": "2026-09-12T07:00:00Z",
    }
    stub.on(f"GET {REPORTS}/reports", Answer(body={"reports": []}), Answer(body={"reports": [made]}))

    pages = list(make_adapter(stub.url).poll(stream="returns", since=None, now=NOW))

    assert len(pages[0].returns) == 1
    assert len(stub.calls(f"POST {REPORTS}/reports")) == 1
