"""Listings and quantities: by SKU, by search, by report."""

from __future__ import annotations

import gzip
from decimal import Decimal
from typing import Any

import pytest

from inventory_sync.domain.errors import ContractError, NotWritableError, RejectedError, RetryableError
from inventory_sync.domain.ports import ListingPage, StockReading
from inventory_sync.domain.snapshots import Fulfilment, Hazard, ListingIds, ListingSnapshot, LocationQuantity
from tests.channels.amazon.official import check_answer
from tests.channels.amazon.stub import SELLER, Answer, Seen, Stub, make_adapter, refusal, row

ITEMS = f"GET /listings/2021-08-01/items/{SELLER}"
REPORTS = "/reports/2021-06-30"


def item(
    sku: str = "MUG",
    *codes: tuple[str, int | None],
    status: tuple[str, ...] = ("BUYABLE", "DISCOVERABLE"),
    **facts: Any,
) -> dict[str, Any]:
    availability: list[dict[str, Any]] = [
        {"fulfillmentChannelCode": code} if quantity is None else {"fulfillmentChannelCode": code, "quantity": quantity}
        for code, quantity in codes or (("DEFAULT", 5),)
    ]
    body = {
        "sku": sku,
        "summaries": [
            {
                "marketplaceId": "A21TJRUUN4KGV",
                "asin": "B0INMUG001",
                "productType": "DRINKING_CUP",
                "status": list(status),
                "itemName": "A mug",
                "createdDate": "2026-01-01T00:00:00Z",
                "lastUpdatedDate": "2026-01-01T00:00:00Z",
            }
        ],
        "fulfillmentAvailability": availability,
        "issues": [],
    }
    return check_answer("listingsItems_2021-08-01", "Item", {**body, **facts})


def found(*items: dict[str, Any], total: int | None = None, token: str = "") -> Answer:
    body: dict[str, Any] = {"numberOfResults": len(items) if total is None else total, "items": list(items)}
    if token:
        body["pagination"] = {"nextToken": token}
    return Answer(body=body)


def readings(stub: Stub, *skus: str, **options: Any) -> dict[int, StockReading]:
    rows = [row(sku, row_id=number) for number, sku in enumerate(skus, start=1)]
    return {each.row_id: each for each in make_adapter(stub.url, **options).read_stock(rows)}


def pulled(stub: Stub, *, cursor: str = "", **settings: Any) -> list[ListingPage]:
    return list(make_adapter(stub.url, settings=settings).pull_listings(cursor=cursor))


def all_of(pages: list[ListingPage]) -> dict[str, ListingSnapshot]:
    return {listing.ids.key: listing for page in pages for listing in page.listings}


# --- quantities -----------------------------------------------------------------------------------------------------------------------


def test_one_sku_is_read_by_its_own_address(stub: Stub) -> None:
    stub.on(f"{ITEMS}/MUG%2F1", Answer(body=item("MUG/1", ("DEFAULT", 7))))

    found_here = readings(stub, "MUG/1")

    assert (found_here[1].quantity, found_here[1].active) == (7, True)
    assert stub.calls()[0].query == {
        "marketplaceIds": "A21TJRUUN4KGV",
        "includedData": "summaries,fulfillmentAvailability,issues",
    }


def test_a_missing_listing_reads_as_none_and_not_as_zero(stub: Stub) -> None:
    stub.on(f"{ITEMS}/GONE", refusal(404, "NOT_FOUND"))
    assert readings(stub, "GONE")[1].quantity is None

    stub.on(ITEMS, found(item("MUG")))
    assert {key: each.quantity for key, each in readings(stub, "MUG", "GONE").items()} == {1: 5, 2: None}


def test_many_skus_are_read_twenty_at_a_time_and_odd_ones_alone(stub: Stub) -> None:
    skus = [f"SKU-{number}" for number in range(45)]

    def answer(seen: Seen) -> Answer:
        return found(*(item(sku, ("DEFAULT", 3)) for sku in seen.query["identifiers"].split(",")))

    stub.on(ITEMS, answer)
    stub.on(f"{ITEMS}/A%2CB", Answer(body=item("A,B", ("DEFAULT", 1))))

    read = readings(stub, *skus, "A,B")

    assert {each.quantity for key, each in read.items() if key <= 45} == {3}
    assert read[46].quantity == 1
    searches = stub.calls(ITEMS)
    assert [len(seen.query["identifiers"].split(",")) for seen in searches] == [20, 20, 5]
    assert {seen.query["identifiersType"] for seen in searches} == {"SKU"}
    assert {seen.query["pageSize"] for seen in searches} == {"20"}


@pytest.mark.parametrize("codes", [(("AMAZON_IN", None),), (("AMAZON_IN", None), ("DEFAULT", 9)), (("AMAZON_EU", 4),)])
def test_a_listing_that_amazon_ships_has_no_quantity_of_ours(
    stub: Stub, codes: tuple[tuple[str, int | None], ...]
) -> None:
    stub.on(f"{ITEMS}/MUG", Answer(body=item("MUG", *codes)))

    assert readings(stub, "MUG")[1].quantity is None


def test_a_quantity_that_is_not_said_is_not_known(stub: Stub) -> None:
    stub.on(f"{ITEMS}/MUG", Answer(body=item("MUG", ("DEFAULT", None))))

    assert readings(stub, "MUG")[1].quantity is None


@pytest.mark.parametrize(
    ("status", "quantity", "active"),
    [
        (("BUYABLE", "DISCOVERABLE"), 5, True),
        (("DISCOVERABLE",), 0, True),  # just sold out
        (("DISCOVERABLE",), 5, False),
        ((), 5, False),
    ],
)
def test_sold_out_is_not_the_same_as_not_on_sale(
    stub: Stub, status: tuple[str, ...], quantity: int, active: bool
) -> None:
    stub.on(f"{ITEMS}/MUG", Answer(body=item("MUG", ("DEFAULT", quantity), status=status)))

    assert readings(stub, "MUG")[1].active is active


def test_a_suppressed_listing_is_not_on_sale_though_it_is_empty(stub: Stub) -> None:
    issue = {
        "code": "1",
        "message": "m",
        "severity": "ERROR",
        "categories": ["QUALIFICATION_REQUIRED"],
        "enforcements": {"actions": [{"action": "LISTING_SUPPRESSED"}], "exemption": {"status": "NOT_EXEMPT"}},
    }
    stub.on(f"{ITEMS}/MUG", Answer(body=item("MUG", ("DEFAULT", 0), status=("DISCOVERABLE",), issues=[issue])))

    assert readings(stub, "MUG")[1].active is False


def test_a_search_without_items_is_an_error_and_not_an_empty_shop(stub: Stub) -> None:
    stub.on(ITEMS, Answer(body={"numberOfResults": 0}))

    with pytest.raises(ContractError):
        readings(stub, "A", "B")


# --- listings -------------------------------------------------------------------------------------------------------------------------


def test_a_listing_is_read_with_all_that_amazon_tells(stub: Stub) -> None:
    body = item(
        "MUG",
        ("DEFAULT", 5),
        offers=[
            {"marketplaceId": "A21TJRUUN4KGV", "offerType": "B2C", "price": {"currencyCode": "INR", "amount": "499.00"}}
        ],
        attributes={
            "externally_assigned_product_identifier": [{"type": "ean", "value": "8901234567894"}],
            "maximum_retail_price": [{"currency": "INR", "value": 599.0}],
            "product_tax_code": [{"value": "A_GEN_STANDARD"}],
            "external_product_information": [{"entity": "HSN Code", "value": "691110"}],
        },
    )
    stub.on(f"{ITEMS}/MUG", Answer(body=body))

    [listing] = make_adapter(stub.url).read_listings([ListingIds(key="MUG"), ListingIds(key="MUG")])

    assert listing == ListingSnapshot(
        ids=ListingIds(key="MUG", seller_sku="MUG", product_id="B0INMUG001"),
        title="A mug",
        fulfilment=Fulfilment.MFN,
        active=True,
        locations=(LocationQuantity(location_id="DEFAULT", quantity=5),),
        price=Decimal("499.00"),
        mrp=Decimal("599.0"),
        barcode="8901234567894",
        hsn="691110",
        product_type="DRINKING_CUP",
        attributes={"tax_code": "A_GEN_STANDARD"},
    )


def test_the_mrp_may_stand_in_the_offer(stub: Stub) -> None:
    offer = {"currency": "INR", "maximum_retail_price": [{"schedule": [{"value_with_tax": 649}]}]}
    stub.on(f"{ITEMS}/MUG", Answer(body=item("MUG", ("DEFAULT", 5), attributes={"purchasable_offer": [offer]})))

    [listing] = make_adapter(stub.url).read_listings([ListingIds(key="MUG")])

    assert listing.mrp == Decimal(649)


def test_a_listing_that_names_no_channel_is_not_known_to_be_ours(stub: Stub) -> None:
    body = item("MUG")
    body["fulfillmentAvailability"] = []
    bare = {"sku": "TEE"}
    stub.on(ITEMS, found(body, bare))

    listings = make_adapter(stub.url).read_listings([ListingIds(key="MUG"), ListingIds(key="TEE")])

    assert [(each.fulfilment, each.locations) for each in listings] == [(Fulfilment.UNKNOWN, ())] * 2


def test_a_small_catalogue_is_paged_by_search(stub: Stub) -> None:
    stub.on(
        ITEMS,
        found(item("A"), total=3),
        found(item("A"), item("B", ("AMAZON_IN", None)), total=3, token="t1"),
        found(item("C"), total=3),
    )

    pages = pulled(stub)

    assert [page.cursor for page in pages] == ["search:t1", ""]
    assert {key: each.fulfilment for key, each in all_of(pages).items()} == {
        "A": Fulfilment.MFN,
        "B": Fulfilment.FBA,
        "C": Fulfilment.MFN,
    }
    assert stub.calls()[-1].query["pageToken"] == "t1"


def test_a_search_goes_on_from_its_cursor(stub: Stub) -> None:
    stub.on(ITEMS, found(item("C"), total=3))

    assert list(all_of(pulled(stub, cursor="search:t1"))) == ["C"]
    assert stub.calls()[0].query["pageToken"] == "t1"


REPORT = (
    "item-name\tseller-sku\tprice\tquantity\tasin1\tFulfillment-Channel\tstatus\r\n"
    "Tässe\tMUG\t499.00\t5\tB01\tDEFAULT\tActive\r\n"
    "Tee\t A B \t\t\tB02\tAMAZON_IN\tActive\r\n"
    "Both\tMIX\t99\t\tB03\tAMAZON_IN\tActive\r\n"
    "Both\tMIX\t99\t3\tB03\tDEFAULT\tActive\r\n"
    "Sold out\tZERO\t99\t0\tB04\tDEFAULT\tInactive\r\n"
    "Closed\tCLOSED\t99\t4\tB05\tDEFAULT\tInactive\r\n"
    "Who knows\tODD\t99\t4\tB06\t\tActive\r\n"
    "No SKU\t\t99\t4\tB07\tDEFAULT\tActive\r\n"
    "\r\n"
)


def report_on(
    stub: Stub, text: str = REPORT, *, encoding: str = "utf-8", statuses: tuple[str, ...] = ("DONE",), **headers: str
) -> None:
    stub.on(f"GET {REPORTS}/reports", Answer(body={"reports": []}))
    stub.on(f"POST {REPORTS}/reports", Answer(status=202, body={"reportId": "R1"}))
    described = [
        {
            "reportId": "R1",
            "reportType": "X",
            "createdTime": "2099-01-01T00:00:00Z",
            "processingStatus": status,
            "reportDocumentId": "D/1",
        }
        for status in statuses
    ]
    stub.on(f"GET {REPORTS}/reports/R1", *(Answer(body=each) for each in described))
    stub.on(
        f"GET {REPORTS}/documents/D%2F1",
        Answer(body={"reportDocumentId": "D/1", "url": f"{stub.url}/store/r?X-Amz-Signature=abc"}),
    )
    stub.on("GET /store/r", Answer(body=text.encode(encoding), headers={"Content-Type": "text/plain", **headers}))


def big(stub: Stub) -> None:
    stub.on(ITEMS, found(item("A"), total=1_001))


def test_a_large_catalogue_comes_by_report(stub: Stub) -> None:
    big(stub)
    report_on(stub, statuses=("IN_QUEUE", "IN_PROGRESS", "DONE"))

    pages = pulled(stub)

    assert stub.calls(f"POST {REPORTS}/reports")[0].json == {
        "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA",
        "marketplaceIds": ["A21TJRUUN4KGV"],
    }
    assert [page.cursor for page in pages] == ["report:R1:0", ""]
    listings = all_of(pages)
    assert {key: each.fulfilment for key, each in listings.items()} == {
        "MUG": Fulfilment.MFN,
        " A B ": Fulfilment.FBA,
        "MIX": Fulfilment.FBA,
        "ZERO": Fulfilment.MFN,
        "CLOSED": Fulfilment.MFN,
        "ODD": Fulfilment.UNKNOWN,
    }
    assert listings["MUG"].locations == (LocationQuantity(location_id="DEFAULT", quantity=5),)
    assert (listings["MUG"].title, listings["MUG"].price, listings["MUG"].ids.product_id) == (
        "Tässe",
        Decimal("499.00"),
        "B01",
    )
    assert {key for key, each in listings.items() if not each.active} == {"CLOSED"}
    store = stub.calls("GET /store/r")[0]
    assert "x-amz-access-token" not in store.headers
    assert "x-amz-date" not in store.headers


@pytest.mark.parametrize(
    ("encoding", "header"),
    [
        ("iso-8859-1", "text/plain; charset=ISO-8859-1"),
        ("cp1252", "text/plain"),
        ("utf-8", "text/plain; charset=bogus"),
        ("utf-8-sig", "text/plain; charset=UTF-8"),
    ],
)
def test_reports_are_decoded_as_said_or_as_found(stub: Stub, encoding: str, header: str) -> None:
    big(stub)
    report_on(stub, encoding=encoding, **{"Content-Type": header})

    assert all_of(pulled(stub))["MUG"].title == "Tässe"


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}])
def test_a_packed_report_is_unpacked_whoever_packed_it(stub: Stub, headers: dict[str, str]) -> None:
    big(stub)
    report_on(stub)
    stub.on(
        "GET /store/r", Answer(body=gzip.compress(REPORT.encode()), headers={"Content-Type": "text/plain", **headers})
    )

    assert "MUG" in all_of(pulled(stub))


def test_a_document_too_large_when_unpacked_is_refused(stub: Stub) -> None:
    big(stub)
    report_on(stub)
    stub.on("GET /store/r", Answer(body=gzip.compress(b"x" * 100_000)))

    with pytest.raises(ContractError, match="larger"):
        pulled(stub, document_bytes=10_000)


def test_a_report_that_takes_long_is_waited_for_by_the_next_pull(stub: Stub) -> None:
    big(stub)
    report_on(stub, statuses=("IN_PROGRESS",))
    pages: list[ListingPage] = []

    with pytest.raises(RetryableError, match="not ready"):
        pages.extend(make_adapter(stub.url).pull_listings())
    report_on(stub)
    later = pulled(stub, cursor=pages[-1].cursor)

    assert len(all_of(later)) == 6
    assert len(stub.calls(f"POST {REPORTS}/reports")) == 1


def test_a_pull_goes_on_after_the_rows_that_were_taken_in(stub: Stub) -> None:
    report_on(stub)

    assert list(all_of(pulled(stub, cursor="report:R1:4"))) == ["CLOSED", "ODD"]


@pytest.mark.parametrize("statuses", [("FATAL",), ("CANCELLED",)])
def test_a_report_that_failed_is_forgotten_so_that_the_next_pull_asks_anew(
    stub: Stub, statuses: tuple[str, ...]
) -> None:
    big(stub)
    report_on(stub, statuses=statuses)
    pages: list[ListingPage] = []

    with pytest.raises(RejectedError):
        pages.extend(make_adapter(stub.url).pull_listings())

    assert pages[-1].cursor == ""
    assert all_of(pages) == {}


def test_cancelled_means_no_listings_only_if_a_search_finds_none_either(stub: Stub) -> None:
    stub.on(ITEMS, found())
    report_on(stub, statuses=("CANCELLED",))

    assert all_of(pulled(stub, cursor="report:R1:0")) == {}


def test_a_young_report_is_used_instead_of_a_new_one(stub: Stub) -> None:
    big(stub)
    report_on(stub)
    stub.on(
        f"GET {REPORTS}/reports",
        Answer(
            body={
                "reports": [
                    {"reportId": "R0", "reportType": "GET_AFN_INVENTORY_DATA", "processingStatus": "DONE"},
                    {"reportId": "R1", "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "processingStatus": "DONE"},
                ]
            }
        ),
    )

    assert pulled(stub)[0].cursor == "report:R1:0"
    assert stub.calls(f"POST {REPORTS}/reports") == []


def test_a_server_that_lists_no_reports_is_asked_for_a_new_one(stub: Stub) -> None:
    big(stub)
    report_on(stub)
    stub.on(f"GET {REPORTS}/reports", refusal(404, "NOT_FOUND"))

    assert len(all_of(pulled(stub))) == 6


def test_a_document_on_a_forbidden_host_is_not_fetched(stub: Stub) -> None:
    big(stub)
    report_on(stub)
    stub.on(f"GET {REPORTS}/documents/D%2F1", Answer(body={"url": "file:///etc/passwd"}))

    with pytest.raises(ContractError, match="address"):
        pulled(stub)


def test_an_expired_document_address_says_nothing_about_our_credentials(stub: Stub) -> None:
    big(stub)
    report_on(stub)
    stub.on("GET /store/r", Answer(status=403, body=b"<Error><Code>AccessDenied</Code></Error>"))

    with pytest.raises(RetryableError):
        pulled(stub)


def test_amazon_has_one_place_and_knows_no_hazards(stub: Stub) -> None:
    adapter = make_adapter(stub.url)

    [place] = adapter.locations()

    assert (place.location_id, place.name, place.managed) == ("DEFAULT", "Amazon merchant stock", True)
    with pytest.raises(NotWritableError):
        adapter.fix_hazard(listing=ListingIds(key="MUG"), hazard=Hazard.UNTRACKED)
