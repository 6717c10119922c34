"""Reviewing listings: what comes first, and what each answer does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory_sync.backoffice import review
from inventory_sync.orders.models import Order, OrderLine
from skumap.models import Listing, ListingLink, MatchCandidate, Sku
from tests.backoffice.shop import Shop

pytestmark = pytest.mark.django_db

PAGE = "/admin/skumap/listing/review/"


def offer(shop: Shop, key: str, *, price: int | None = None, title: str = "") -> Listing:
    return Listing.objects.create(
        account=shop.flipkart,
        key=key,
        seller_sku=key,
        title=title or f"Title of {key}",
        price=None if price is None else Decimal(price),
        fulfilment="NON_FBF",
    )


def order_line(listing: Listing, *, waiting: bool) -> OrderLine:
    now = timezone.now()
    order = Order.objects.create(
        account=listing.account, key=f"{listing.key}-{waiting}", order_number="1", first_seen_at=now, placed_at=now
    )
    return OrderLine.objects.create(
        order=order,
        account=listing.account,
        line_key=f"{listing.key}-{waiting}",
        listing_key=listing.key,
        listing=listing,
        ordered=1,
        waiting=waiting,
    )


def candidate(listing: Listing, sku: Sku, *, rank: int = 1, **values: Any) -> MatchCandidate:
    evidence = [
        {"field": "Title", "ours": sku.title, "theirs": listing.title, "verdict": "close"},
        {"field": "Size", "ours": "M", "theirs": "L", "verdict": "differs"},
    ]
    facts = {"score": 80.0, "evidence": evidence, "created_at": timezone.now()} | values
    return MatchCandidate.objects.create(listing=listing, sku=sku, rank=rank, **facts)


def answer(boss: Client, listing: Listing | None, **values: Any) -> Any:
    facts = {"listing": listing.pk} if listing else {}
    return boss.post(PAGE, {**facts, **values}, follow=True)


@pytest.fixture
def empty(shop: Shop) -> Shop:
    """A shop with nothing to review."""
    Listing.objects.filter(status__in=["unmapped", "ambiguous"]).update(status="ignored")
    return shop


def test_orders_that_block_no_stock_come_first_then_what_sells_then_what_is_dear(empty: Shop) -> None:
    cheap, dear, unknown = offer(empty, "CHEAP", price=99), offer(empty, "DEAR", price=999), offer(empty, "UNKNOWN")
    sells, waits = offer(empty, "SELLS", price=1), offer(empty, "WAITS", price=1)
    order_line(sells, waiting=False)
    order_line(waits, waiting=True)

    queue = review.queue(now=timezone.now())

    assert list(queue.listings) == [waits, sells, dear, cheap, unknown]
    assert (queue.count, queue.waiting_orders) == (5, 1)


def test_the_page_shows_the_listing_beside_its_candidates_and_what_differs(boss: Client, empty: Shop) -> None:
    listing = offer(empty, "TAWA-OLD", title="Tawa 28 cm <b>")
    candidate(listing, empty.skus["TAWA-28"], conflicts=["The size differs: L there, M here."])

    page = boss.get(PAGE).content.decode()

    assert "Tawa 28 cm &lt;b&gt;" in page
    assert "TAWA-28" in page
    assert 'class="isync-differs"' in page
    assert "The size differs: L there, M here." in page
    assert "80 of 100" in page


def test_it_is_this_one(boss: Client, empty: Shop) -> None:
    listing = offer(empty, "TAWA-OLD")
    waiting = order_line(listing, waiting=True)

    page = answer(boss, listing, answer="link", sku=empty.skus["TAWA-28"].pk, units_per_sale="2").content.decode()

    listing.refresh_from_db()
    assert (listing.status, listing.sku, listing.units_per_sale) == ("mapped", empty.skus["TAWA-28"], 2)
    made = ListingLink.objects.get(listing=listing)
    assert (made.actor, made.reason) == (empty.boss, "reviewed")
    waiting.refresh_from_db()
    assert not waiting.waiting
    assert "Nothing is left to review" in page


def test_a_new_sku_takes_over_what_the_listing_says(boss: Client, empty: Shop) -> None:
    listing = offer(empty, "MUG-BLUE", title="Blue mug")
    Listing.objects.filter(pk=listing.pk).update(barcode="8901234567894", mrp=299, attributes={"brand": "Chandni"})

    answer(boss, listing, answer="new", code=" MUG-BLUE ")

    sku = Sku.objects.get(code="MUG-BLUE")
    assert (sku.title, sku.barcode, sku.mrp, sku.brand) == ("Blue mug", "8901234567894", Decimal(299), "Chandni")
    assert Listing.objects.get(pk=listing.pk).sku == sku


def test_a_code_that_is_taken_makes_nothing(boss: Client, empty: Shop) -> None:
    listing = offer(empty, "MUG-BLUE")

    page = answer(boss, listing, answer="new", code="TAWA-28").content.decode()

    assert "TAWA-28 is taken" in page
    assert Listing.objects.get(pk=listing.pk).sku is None


def test_ignored_listings_and_those_for_later_do_not_come_again_at_once(boss: Client, empty: Shop) -> None:
    first, second, third = offer(empty, "A", price=3), offer(empty, "B", price=2), offer(empty, "C", price=1)

    assert "Title of B" in answer(boss, first, answer="ignore").content.decode()
    assert "Title of C" in answer(boss, second, answer="later").content.decode()
    page = answer(boss, third, answer="later").content.decode()

    assert Listing.objects.get(pk=first.pk).status == "ignored"
    assert "Title of B" in page  # nothing else is left: what was put off begins again


def test_the_last_decision_can_be_taken_back(boss: Client, empty: Shop) -> None:
    listing = offer(empty, "TAWA-OLD")
    order_line(listing, waiting=True)
    answer(boss, listing, answer="link", sku=empty.skus["TAWA-28"].pk)

    page = answer(boss, None, answer="undo").content.decode()

    listing.refresh_from_db()
    assert (listing.status, listing.sku) == ("ambiguous", None)
    assert "1 order line that blocked stock meanwhile keeps it" in page
    assert "Title of TAWA-OLD" in page
    assert "There is nothing to take back" in answer(boss, None, answer="undo").content.decode()


@pytest.mark.parametrize(
    "values",
    [
        {"answer": "link", "sku": "999999"},
        {"answer": "link", "sku": "x"},
        {"answer": "link", "sku": "1", "units_per_sale": "0"},
        {"answer": "guess"},
        {"answer": "new", "code": " "},
        {},
    ],
)
def test_an_answer_that_makes_no_sense_decides_nothing(boss: Client, empty: Shop, values: dict[str, str]) -> None:
    listing = offer(empty, "TAWA-OLD")

    response = answer(boss, listing, **values)

    assert response.status_code == 200
    assert Listing.objects.get(pk=listing.pk).status == "unmapped"


def test_a_listing_that_is_gone_is_said_so(boss: Client, empty: Shop) -> None:
    assert boss.post(PAGE, {"listing": "999999", "answer": "ignore"}, follow=True).status_code == 200


def test_who_may_not_change_listings_may_not_review_them(empty: Shop) -> None:
    reader = empty.boss.__class__.objects.create_user("reader", password="x", is_staff=True)
    client = Client()
    client.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get(PAGE).status_code == 403


def test_the_list_of_listings_leads_to_the_review(boss: Client, empty: Shop) -> None:
    response = boss.get(reverse("admin:skumap_listing_go_review"))

    assert response["Location"] == PAGE


def test_the_page_takes_as_many_queries_for_many_as_for_one(
    boss: Client, empty: Shop, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        listing = offer(empty, f"L-{number}")
        candidate(listing, empty.skus["TAWA-28"])
        candidate(listing, empty.skus["BOTTLE-1L"], rank=2)

    with django_assert_max_num_queries(14):
        boss.get(PAGE)
