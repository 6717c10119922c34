"""Reviewing listings: what comes first, and what each answer does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory_sync.backoffice import review
from inventory_sync.engine.link_audit import audit_all
from inventory_sync.orders.models import Order, OrderLine
from inventory_sync.stock.models import StockBalance
from skumap.models import LinkAudit, Listing, ListingLink, MatchCandidate, Sku
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
    blocked = StockBalance.objects.get(sku=empty.skus["TAWA-28"], warehouse=empty.main).committed
    answer(boss, listing, answer="link", sku=empty.skus["TAWA-28"].pk)

    assert StockBalance.objects.get(sku=empty.skus["TAWA-28"], warehouse=empty.main).committed == blocked + 1

    page = answer(boss, None, answer="undo").content.decode()

    listing.refresh_from_db()
    assert (listing.status, listing.sku) == ("ambiguous", None)
    assert OrderLine.objects.get(listing=listing).waiting
    assert StockBalance.objects.get(sku=empty.skus["TAWA-28"], warehouse=empty.main).committed == blocked
    assert ListingLink.objects.get(listing=listing).reason == "reviewed (taken back)"
    assert "1 order line blocks no stock any more and waits, too" in page
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


# --- several at once --------------------------------------------------------------------------------------------------------


def style(shop: Shop, *sizes: str) -> list[Listing]:
    """Listings of one Shopify product, each paired with the SKU of its size."""
    found = []
    for size in sizes:
        listing = offer(shop, f"KU-{size}", title=f"Kurta {size}")
        sku = Sku.objects.create(code=f"KURTA-{size}", title=f"Kurta size {size}")
        candidate(listing, sku, run="shopify:1:77", evidence=[], score=70.0)
        found.append(listing)
    return found


def test_one_answer_approves_a_whole_style_and_one_takes_it_back(boss: Client, empty: Shop) -> None:
    sizes = style(empty, "S", "M", "L")

    page = boss.get(PAGE).content.decode()
    assert "This style: 3 listings pair one to one" in page
    page = answer(boss, None, answer="run", run="shopify:1:77").content.decode()

    assert "3 listings of the style linked" in page
    assert {row.sku.code for row in Listing.objects.filter(pk__in=[each.pk for each in sizes]) if row.sku} == {
        "KURTA-S", "KURTA-M", "KURTA-L",
    }  # fmt: skip
    assert set(ListingLink.objects.filter(listing__in=sizes).values_list("reason", flat=True)) == {
        "reviewed as a style"
    }
    page = answer(boss, None, answer="undo").content.decode()
    assert "and 2 others wait for review again" in page
    assert not Listing.objects.filter(pk__in=[each.pk for each in sizes], sku__isnull=False).exists()


def test_a_style_of_which_only_one_is_left_is_no_run(boss: Client, empty: Shop) -> None:
    first, _ = style(empty, "S", "M")
    answer(boss, first, answer="ignore")

    assert "This style" not in boss.get(PAGE).content.decode()


def test_a_style_that_was_decided_meanwhile_is_said_so(boss: Client, empty: Shop) -> None:
    style(empty, "S", "M")
    answer(boss, None, answer="run", run="shopify:1:77")

    assert (
        "This style has been decided already" in answer(boss, None, answer="run", run="shopify:1:77").content.decode()
    )
    assert "This style has been decided already" in answer(boss, None, answer="run", run="").content.decode()


def test_a_sku_that_the_account_sells_already_is_not_safe(empty: Shop) -> None:
    sku = Sku.objects.create(code="S-1")
    known = offer(empty, "KNOWN")
    Listing.objects.filter(pk=known.pk).update(sku=sku, status="mapped")
    candidate(offer(empty, "TWO"), sku, evidence=[], safe=True)

    assert list(review.safe_matches()) == []


def test_the_chosen_safe_matches_are_linked_and_the_others_wait(boss: Client, empty: Shop) -> None:
    wanted, other = offer(empty, "WANTED"), offer(empty, "OTHER")
    first = candidate(wanted, Sku.objects.create(code="S-1"), evidence=[], safe=True)
    candidate(other, Sku.objects.create(code="S-2"), evidence=[], safe=True)

    assert "2 safe matches" in boss.get(PAGE).content.decode()
    page = boss.post(f"{PAGE}safe/", {"candidate": [first.pk, "x", 999999]}, follow=True).content.decode()

    assert "1 listing linked" in page
    assert Listing.objects.get(pk=wanted.pk).sku == Sku.objects.get(code="S-1")
    assert Listing.objects.get(pk=other.pk).sku is None


def test_a_combo_is_made_of_a_listing_and_linked(boss: Client, empty: Shop) -> None:
    listing = offer(empty, "GIFT", title="Gift set")
    tawa, bottle = empty.skus["TAWA-28"], empty.skus["BOTTLE-1L"]

    facts = {
        "code": "GIFT-SET",
        "title": "Gift set",
        "part_1": tawa.pk,
        "units_1": "1",
        "part_2": bottle.pk,
        "units_2": "2",
    }
    boss.post(f"/admin/skumap/listing/{listing.pk}/combo/", facts)

    kit = Sku.objects.get(code="GIFT-SET")
    assert Listing.objects.get(pk=listing.pk).sku == kit
    assert {row.component: row.units for row in kit.components.all()} == {tawa: 1, bottle: 2}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"code": "TAWA-28", "part_1": "TAWA-28"}, "is taken"),
        ({"code": "NEW", "part_1": "TAWA-28", "part_2": "TAWA-28"}, "stands above already"),
        ({"code": "NEW"}, "This field is required"),
    ],
)
def test_a_combo_that_makes_no_sense_is_not_made(boss: Client, empty: Shop, facts: dict[str, str], said: str) -> None:
    listing = offer(empty, "GIFT")
    values = {name: empty.skus[value].pk if name.startswith("part") else value for name, value in facts.items()}

    page = boss.post(f"/admin/skumap/listing/{listing.pk}/combo/", values).content.decode()

    assert said in page
    assert Listing.objects.get(pk=listing.pk).sku is None
    assert not Sku.objects.filter(code="NEW").exists()


# --- links that are made ----------------------------------------------------------------------------------------------------


def test_doubtful_links_stand_first_and_a_person_may_find_them_right(boss: Client, empty: Shop) -> None:
    listing = offer(empty, "KU", title="Rayon Kurta Size L")
    sku = Sku.objects.create(code="KURTA-M", title="Rayon Kurta Size M")
    review.link(listing_id=listing.pk, sku_id=sku.pk, units_per_sale=1, now=timezone.now(), actor=empty.boss, reason="")
    audit_all(now=timezone.now())
    row = LinkAudit.objects.get(listing=listing)

    page = boss.get("/admin/skumap/linkaudit/?todo=look").content.decode()
    assert "The sizes differ." in page
    assert 'class="isync-differs"' in boss.get(f"/admin/skumap/linkaudit/{row.pk}/change/").content.decode().replace(
        "'", '"'
    )
    boss.get(reverse("admin:skumap_linkaudit_accept", args=[row.pk]), follow=True)

    row.refresh_from_db()
    assert (row.open, row.accepted_by) == (False, empty.boss)
    assert "The sizes differ." not in boss.get("/admin/skumap/linkaudit/?todo=look").content.decode()
    assert "The sizes differ." in boss.get("/admin/skumap/linkaudit/?todo=right").content.decode()
