"""Listings made and changed, over real HTTP: prepared, approved, sent once, and looked after until they show it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from inventory_sync.alerts.models import Alert
from inventory_sync.domain.listing_changes import ChangeKind
from inventory_sync.engine import listing_changes, listing_sending
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.listing_change import ListingChange
from inventory_sync.engine.listing_changes import Actor, ChangeError, Wish
from inventory_sync.engine.mapping import approve_match
from inventory_sync.engine.models import ListingState
from sandbox.flipkart.errors import listings_error
from sandbox.server import SandboxServer
from skumap.models import Category, ChannelAccount, Listing, Sku, SkuProfile
from tests.engine.offering import FSN, again, approve, declare, on_flipkart, prepare, send, wish
from tests.engine.selling import CLOCK, Shop

CREATE, UPDATE, PRICE = ChangeKind.CREATE, ChangeKind.UPDATE, ChangeKind.PRICE
OTHER_FSN = "TSHDEMO00000CD34"


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=5, clock_factor=CLOCK) as server:
        yield server


@pytest.fixture
def shop(sandbox: SandboxServer, db: None) -> Shop:
    return Shop(sandbox)


@pytest.fixture
def tee(shop: Shop) -> Sku:
    """A SKU with all its declarations; one listing of another product is on Flipkart already."""
    tee = declare(shop.sku("TEE", 10))
    shop.flipkart([{"sku": "OLD", "product_id": OTHER_FSN, "locations": 4, "selling_price": 700, "mrp": 999}])
    shop.link()
    ChannelAccount.objects.update(mode="live")
    return tee


@pytest.fixture
def old(tee: Sku, shop: Shop) -> Listing:
    """The listing that stands there, linked to a SKU of its own."""
    sku = declare(shop.sku("OLD", 4), mrp="999")
    listing = Listing.objects.get(key="OLD")
    approve_match(listing_id=listing.pk, sku_id=sku.pk, now=timezone.now())
    return Listing.objects.get(pk=listing.pk)


@pytest.fixture
def flipkart(shop: Shop, tee: Sku) -> ChannelAccount:
    return ChannelAccount.objects.get(channel="flipkart")


def creates(shop: Shop, *, at_least: int) -> int:
    """How many create calls Flipkart has had; one that it is slow to answer is counted when it does."""
    give_up = time.monotonic() + 5
    while True:
        calls = sum(shop.sandbox.flipkart.stats()["calls"].get("create_listings", {}).values())
        if calls >= at_least or time.monotonic() > give_up:
            return int(calls)
        time.sleep(0.05)


# --- a new listing -----------------------------------------------------------------------------------------------------------------


def test_a_sku_becomes_a_flipkart_listing_with_everything_it_must_declare(
    shop: Shop, tee: Sku, flipkart: ChannelAccount
) -> None:
    [change] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999.50"))
    assert (change.state, change.blocking, change.before) == ("draft", [], {})
    assert on_flipkart(shop, "TEE") is None  # preparing writes nothing

    approve(change)
    send(flipkart)

    made = on_flipkart(shop, "TEE")
    assert (made.product_id, made.mrp, made.selling_price, made.tax_code) == (FSN, 1199, 999, "GST_APPAREL")
    assert made.extra["address_label"]["countries_of_origin"] == ["IN"]
    assert made.extra["fulfillment"] == {
        "dispatch_sla": 2,
        "shipping_provider": "FLIPKART",
        "procurement_type": "REGULAR",
    }
    assert made.packages[0]["dimensions"] == {"length": 28, "breadth": 22, "height": 2.5}
    change = again(change)
    assert (change.state, change.confirmed_at is not None) == ("done", True)
    assert (change.listing.sku, change.listing.status) == (tee, "mapped")
    assert not Alert.objects.filter(
        kind="listing_new", resolved_at__isnull=True, link__contains=f"/{change.listing.pk}/"
    )


def test_the_stock_of_a_new_listing_flows_by_itself_and_not_with_its_making(
    shop: Shop, tee: Sku, flipkart: ChannelAccount
) -> None:
    [change] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))
    approve(change)
    send(flipkart)
    assert [row["value"] for row in shop.sandbox.flipkart.state.writes] == [0]

    shop.go_live()
    shop.work(until=lambda: shop.shown("flipkart", "TEE") > 0)

    assert ListingState.objects.get(listing__key="TEE").desired_quantity == shop.shown("flipkart", "TEE")


def test_what_flipkart_has_already_is_never_created_again(shop: Shop, tee: Sku, flipkart: ChannelAccount) -> None:
    [there] = prepare(flipkart, CREATE, wish(tee, seller_sku="OLD", product_id=FSN, price="999"))
    assert there.blocking[0]["code"] == "exists"
    assert listing_changes.approve(change_ids=[there.pk], now=timezone.now(), actor=Actor())[0] == []

    [change] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))
    approve(change)
    shop.sandbox.flipkart.command("listing", {"sku": "TEE", "product_id": OTHER_FSN, "selling_price": 555})
    send(flipkart)

    assert again(change).state == "refused"
    assert on_flipkart(shop, "TEE").selling_price == 555
    assert on_flipkart(shop, "OLD").selling_price == 700


@pytest.mark.parametrize("fault", ["timeout_after_apply", "http_504_after_apply", "truncated_body", "sku_missing"])
def test_a_create_whose_answer_is_lost_is_unknown_and_settled_by_reading(
    shop: Shop, tee: Sku, flipkart: ChannelAccount, fault: str
) -> None:
    flipkart.settings |= {"write_deadline_seconds": 1, "read_lag_seconds": 0.3}
    flipkart.save()
    [change] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))
    approve(change)
    narrowed = {"sku": "TEE"} if fault == "sku_missing" else {"operation": "create_listings"}
    shop.sandbox.world.faults.switch_on(f"flipkart.{fault}", times=1, seconds=2, **narrowed)

    send(flipkart)
    lost = again(change)
    assert lost.state == "unknown"
    assert Alert.objects.get(kind="listing_change_unknown").resolved_at is None
    ListingChange.objects.update(next_attempt_at=timezone.now())
    send(flipkart)

    assert (again(change).state, again(change).note) == (
        "done",
        "The answer was lost; the listing shows what was sent.",
    )
    assert creates(shop, at_least=1) == 1
    assert Alert.objects.get(kind="listing_change_unknown").resolved_at is not None
    assert again(change).listing.sku == tee


def test_a_create_that_never_arrived_is_not_sent_again_but_told(shop: Shop, tee: Sku, flipkart: ChannelAccount) -> None:
    [change] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))
    approve(change)
    shop.sandbox.world.faults.switch_on("flipkart.http_504_html", times=1, operation="create_listings")
    send(flipkart)
    assert again(change).state == "unknown"

    ListingChange.objects.update(sent_at=timezone.now() - timedelta(hours=1), next_attempt_at=timezone.now())
    send(flipkart)

    assert again(change).state == "failed"
    assert "did not take effect" in again(change).note
    assert creates(shop, at_least=1) == 1
    assert on_flipkart(shop, "TEE") is None


def test_a_process_that_dies_in_the_call_leaves_an_unknown_and_before_it_an_approved_change(
    tee: Sku, flipkart: ChannelAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    [change] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))
    approve(change)
    past = timezone.now() - timedelta(minutes=1)
    ListingChange.objects.update(state="sending", claimed_until=past, sent_at=None)
    assert listing_sending.accounts_with_changes(now=timezone.now()) == [flipkart.pk]
    monkeypatch.setattr(listing_sending, "_send", lambda *_: 0)
    send(flipkart)
    assert again(change).state == "approved"

    ListingChange.objects.update(state="sending", claimed_until=past, sent_at=past)
    send(flipkart)
    assert again(change).state == "unknown"


# --- what stands against it ----------------------------------------------------------------------------------------------------------


def test_a_bad_record_stands_alone_with_its_reasons_and_delays_no_other(
    shop: Shop, tee: Sku, flipkart: ChannelAccount
) -> None:
    bad = declare(shop.sku("BAD", 1))
    SkuProfile.objects.create(sku=bad, hsn="6109", country_of_origin="XX", packages=[{"length": "wide", "weight": 1}])

    changes = prepare(
        flipkart, CREATE, wish(bad, product_id="SHORT", price="2000"), wish(tee, product_id=FSN, price="999")
    )
    broken, fine = changes
    fields = {problem["field"]: problem["code"] for problem in broken.blocking}
    assert {"product_id", "tax.hsn", "price.selling_price", "address_label.countries_of_origin"} <= fields.keys()
    assert fields["packages[0].dimensions.length"] in {"missing", "not_a_number"}
    approved, refused = listing_changes.approve(
        change_ids=[broken.pk, fine.pk], now=timezone.now(), actor=Actor(via="manager")
    )
    send(flipkart)

    assert ([each.pk for each in approved], len(refused)) == ([fine.pk], 1)
    assert (again(broken).state, again(fine).state) == ("draft", "done")


def test_what_flipkart_says_stands_at_the_field_that_it_means(shop: Shop, tee: Sku, flipkart: ChannelAccount) -> None:
    other = declare(shop.sku("MUG", 3))
    changes = prepare(
        flipkart, CREATE, wish(tee, product_id=FSN, price="999"), wish(other, product_id=OTHER_FSN, price="999")
    )
    approve(*changes)
    shop.sandbox.world.faults.switch_on("flipkart.invalid_location", sku="TEE")
    shop.sandbox.world.faults.switch_on("flipkart.sku_warning", sku="MUG")
    send(flipkart)

    failed, warned = (again(change) for change in changes)
    assert failed.state == "failed"
    assert failed.results[0] | {"message": ""} == {
        "field": "locations[0].id", "attribute": "locations", "code": "2001", "message": "", "blocks": True,
    }  # fmt: skip
    assert (warned.state, warned.note) == ("done", "Listing updated with warnings")
    assert [result["blocks"] for result in warned.results] == [False]
    assert on_flipkart(shop, "MUG") is not None


def test_a_rate_without_a_code_of_the_account_blocks(tee: Sku, flipkart: ChannelAccount) -> None:
    flipkart.settings |= {"tax_codes": "GST_0,GST_18"}
    flipkart.save()

    [change] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))

    assert "no_tax_code_for_rate" in {problem["code"] for problem in change.blocking}
    assert next(each["field"] for each in change.blocking if each["code"] == "no_tax_code_for_rate") == "tax.tax_code"


def test_the_date_of_manufacture_follows_the_last_goods_in_where_the_category_says_so(
    tee: Sku, flipkart: ChannelAccount
) -> None:
    Category.objects.update(shelf_life_days=400)
    [change] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))
    india = timezone.localtime(timezone.now(), timezone=timezone.get_fixed_timezone(330))
    first = india.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    assert change.payload["dating_label"] == {"mfg_date": int(first.timestamp()), "shelf_life": 400 * 86_400}

    Category.objects.update(mfg_rule="given")
    [given] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))
    assert "missing" in {problem["code"] for problem in given.blocking}
    assert again(change).state == "refused"  # the newer draft took its place


# --- an update and a price -----------------------------------------------------------------------------------------------------------


def test_an_update_says_everything_again_and_no_quantity(shop: Shop, old: Listing, flipkart: ChannelAccount) -> None:
    bought = shop.sandbox.flipkart.buy(listing_key="OLD")
    assert bought.accepted
    writes = len(shop.sandbox.flipkart.state.writes)
    shop.sandbox.flipkart.command("settings", {"strict_update": True})

    [change] = prepare(flipkart, UPDATE, wish(old.sku, old, price="750"))
    assert {"price.selling_price", "address_label.manufacturer_details[0]"} <= {row["field"] for row in change.diff}
    assert change.payload["locations"] == [{"id": change.payload["locations"][0]["id"], "status": "ENABLED"}]
    approve(change)
    send(flipkart)

    assert again(change).state == "done"
    assert on_flipkart(shop, "OLD").selling_price == 750
    assert len(shop.sandbox.flipkart.state.writes) == writes
    assert Listing.objects.get(pk=old.pk).price == 750


def test_a_listing_that_changed_after_the_approval_is_looked_at_again_first(
    shop: Shop, old: Listing, flipkart: ChannelAccount
) -> None:
    [change] = prepare(flipkart, UPDATE, wish(old.sku, old, price="750"))
    approve(change)
    on_flipkart(shop, "OLD").listing_status = "INACTIVE"
    send(flipkart)

    assert (again(change).state, again(change).payload["listing_status"]) == ("draft", "INACTIVE")
    assert on_flipkart(shop, "OLD").selling_price == 700
    assert Alert.objects.get(kind="listing_change_stopped").resolved_at is None
    approve(change)
    assert Alert.objects.get(kind="listing_change_stopped").resolved_at is not None
    send(flipkart)
    assert (on_flipkart(shop, "OLD").selling_price, on_flipkart(shop, "OLD").listing_status) == (750, "INACTIVE")


def test_prices_go_ten_a_call_from_the_share_that_no_quantity_needs(
    shop: Shop, tee: Sku, flipkart: ChannelAccount
) -> None:
    rows = [
        {"sku": f"P{n}", "product_id": FSN, "locations": 1, "mrp": 999, "selling_price": 700, "hsn": "61091000"}
        for n in range(12)
    ]
    for row in rows:
        shop.sandbox.flipkart.command("listing", row)
        on_flipkart(shop, row["sku"]).tax_code = "GST_APPAREL"
        declare(shop.sku(row["sku"], 1), mrp="999")
    shop.link()
    wishes = [
        wish(row.sku, row, price="650") for row in Listing.objects.filter(key__startswith="P").select_related("sku")
    ]

    approve(*prepare(flipkart, PRICE, *wishes))
    send(flipkart)

    assert {on_flipkart(shop, row["sku"]).selling_price for row in rows} == {650}
    assert shop.sandbox.flipkart.stats()["calls"]["update_price"] == {"200": 2}
    assert ListingChange.objects.filter(state="done", confirmed_at__isnull=False).count() == 12
    left = context_of(flipkart.pk).adapter._ports.budget.used_by_minute()  # type: ignore[attr-defined]
    shares = {share for groups in left.values() for share in groups["api"]}
    assert "bulk" in shares


def test_a_price_that_needs_another_tax_code_is_sent_with_it_or_not_at_all(
    shop: Shop, old: Listing, flipkart: ChannelAccount
) -> None:
    on_flipkart(shop, "OLD").tax_code = "GST_18"

    [change] = prepare(flipkart, PRICE, wish(old.sku, old, price="750"))

    assert [problem["code"] for problem in change.blocking] == ["tax_code_differs"]


def test_the_price_of_an_fbf_listing_can_change_and_its_quantity_can_not(
    shop: Shop, old: Listing, flipkart: ChannelAccount
) -> None:
    held = on_flipkart(shop, "OLD")
    held.fulfillment_profile, held.tax_code = "FBF", "GST_APPAREL"

    approve(*prepare(flipkart, PRICE, wish(old.sku, old, price="650")))
    send(flipkart)
    approve(*prepare(flipkart, UPDATE, wish(old.sku, old, price="640")))
    send(flipkart)

    assert held.selling_price == 640
    assert {row.state for row in ListingChange.objects.all()} == {"done"}


def test_a_call_that_is_refused_as_a_whole_is_split_until_the_culprit_stands_alone(
    shop: Shop, old: Listing, tee: Sku, flipkart: ChannelAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.sandbox.flipkart.command("listing", {"sku": "TEE", "product_id": FSN, "mrp": 1199, "selling_price": 800})
    shop.link()
    for key in ("OLD", "TEE"):
        on_flipkart(shop, key).tax_code = "GST_APPAREL"
    usual = shop.sandbox.flipkart.listings.write

    def picky(payload, apply):  # type: ignore[no-untyped-def]
        if "OLD" in payload:
            raise listings_error(1000, "Request body is not valid")
        return usual(payload, apply)

    monkeypatch.setattr(shop.sandbox.flipkart.listings, "write", picky)
    row = Listing.objects.select_related("sku").get(key="TEE")
    changes = prepare(flipkart, PRICE, wish(old.sku, old, price="650"), wish(row.sku, row, price="750"))
    approve(*changes)
    send(flipkart)

    assert [again(change).state for change in changes] == ["failed", "done"]
    assert "not valid" in again(changes[0]).results[0]["message"]
    assert on_flipkart(shop, "TEE").selling_price == 750


# --- when not ------------------------------------------------------------------------------------------------------------------------


def test_a_trial_run_sends_nothing_and_an_empty_budget_sends_later(
    shop: Shop, tee: Sku, flipkart: ChannelAccount
) -> None:
    [change] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))
    approve(change)
    ChannelAccount.objects.update(mode="shadow")
    send(flipkart)
    assert again(change).state == "approved"
    assert listing_sending.accounts_with_changes(now=timezone.now()) == []

    ChannelAccount.objects.update(mode="live")
    context_of(flipkart.pk).adapter._ports.budget.empty(operation="listing_create", seconds=5)  # type: ignore[attr-defined]
    send(flipkart)

    waiting = again(change)
    assert (waiting.state, waiting.sent_at) == ("approved", None)
    assert waiting.next_attempt_at > timezone.now()
    assert on_flipkart(shop, "TEE") is None


def test_only_one_change_of_a_seller_sku_is_open(tee: Sku, flipkart: ChannelAccount) -> None:
    [first] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))
    [second] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="899"))
    approve(second)

    third = listing_changes.prepare(
        account_id=flipkart.pk, kind=CREATE, wishes=[wish(tee, product_id=FSN, price="799")], now=timezone.now()
    )

    assert (again(first).state, again(first).note) == ("refused", "A newer change took its place.")
    assert third.changes == ()
    assert "another change of it is open" in third.skipped[0]


def test_a_rejected_change_is_never_sent(shop: Shop, tee: Sku, flipkart: ChannelAccount) -> None:
    [change] = prepare(flipkart, CREATE, wish(tee, product_id=FSN, price="999"))
    approve(change)
    assert listing_changes.reject(change_ids=[change.pk], now=timezone.now(), actor=Actor(), reason="not now")
    send(flipkart)

    assert (again(change).state, again(change).note) == ("refused", "not now")
    assert on_flipkart(shop, "TEE") is None


def test_what_changes_nothing_is_not_proposed(shop: Shop, old: Listing, flipkart: ChannelAccount) -> None:
    on_flipkart(shop, "OLD").tax_code = "GST_APPAREL"
    Sku.objects.filter(pk=old.sku_id).update(barcode="")

    done = listing_changes.prepare(
        account_id=flipkart.pk, kind=PRICE, wishes=[wish(old.sku, old, price="700")], now=timezone.now()
    )

    assert (done.changes, done.skipped) == ((), ("OLD says all of that already.",))


def test_shopify_takes_no_change_and_prices_come_from_its_listing(
    shop: Shop, tee: Sku, flipkart: ChannelAccount
) -> None:
    account = ChannelAccount.objects.create(
        channel="shopify", name="Store", identity="store.myshopify.com", credentials={"access_token": "x"}
    )
    Listing.objects.create(account=account, key="1", sku=tee, status="mapped", price=Decimal("949.00"))

    with pytest.raises(ChangeError):
        prepare(account, PRICE, Wish(sku_id=tee.pk))
    [usual], skipped = listing_changes.wishes_for(account=flipkart, kind=CREATE, skus=[tee])

    assert (usual.seller_sku, usual.price, usual.mrp, skipped) == ("TEE", Decimal("949.00"), Decimal(1199), [])


# --- Amazon --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def amazon(shop: Shop) -> ChannelAccount:
    for code in ("BOOK", "HELD"):
        declare(shop.sku(code, 5), mrp="600")
    account = shop.amazon(
        [
            {"sku": "BOOK", "asin": "B0INBOOK01", "quantity": 5, "price": "499.00", "product_type": "SHIRT"},
            {"sku": "HELD", "asin": "B0INHELD01", "fba": {"fulfillable": 3}, "price": "499.00"},
        ]
    )
    shop.link()
    ChannelAccount.objects.update(mode="live")
    return account


def test_an_amazon_price_and_mrp_are_merged_into_the_offer_and_the_quantity_stays(
    shop: Shop, amazon: ChannelAccount
) -> None:
    rows = {row.key: row for row in Listing.objects.select_related("sku")}
    seller = shop.sandbox.amazon.state.listings
    book = next(listing for (_, sku), listing in seller.items() if sku == "BOOK")
    held = next(listing for (_, sku), listing in seller.items() if sku == "HELD")
    book.attributes["purchasable_offer"] = [
        {
            "currency": "INR",
            "audience": "ALL",
            "our_price": [{"schedule": [{"value_with_tax": 499}]}],
            "end_at": {"value": "2027-01-01"},
        },
        {"currency": "INR", "audience": "B2B", "our_price": [{"schedule": [{"value_with_tax": 450}]}]},
    ]
    entries = {sku: dict(listing.entries) for sku, listing in (("BOOK", book), ("HELD", held))}

    changes = prepare(amazon, PRICE, *(wish(rows[key].sku, rows[key], price="549.50") for key in ("BOOK", "HELD")))
    approve(*changes)
    send(amazon)
    shop.work(until=lambda: float(book.price) == 549.5 and float(held.price) == 549.5)
    ListingChange.objects.update(next_attempt_at=timezone.now())
    send(amazon)

    offer, business = book.attributes["purchasable_offer"]
    assert offer["maximum_retail_price"][0]["schedule"][0]["value_with_tax"] == 600
    assert (offer["end_at"], business["our_price"][0]["schedule"][0]["value_with_tax"]) == (
        {"value": "2027-01-01"},
        450,
    )
    assert "DEFAULT" not in held.entries
    assert held.entries == entries["HELD"]
    assert {again(change).state for change in changes} == {"done"}
    assert all(again(change).confirmed_at for change in changes)
    assert Listing.objects.get(key="BOOK").price == Decimal("549.50")


def test_what_amazon_says_against_a_price_stands_at_its_attribute(shop: Shop, amazon: ChannelAccount) -> None:
    row = Listing.objects.select_related("sku").get(key="BOOK")
    [change] = prepare(amazon, PRICE, wish(row.sku, row, price="550"))
    approve(change)
    shop.sandbox.world.faults.switch_on("amazon.patch_invalid", sku="BOOK")
    send(amazon)

    assert again(change).state == "failed"
    assert again(change).results[0]["field"] == "condition_type"
    with pytest.raises(ChangeError):
        prepare(amazon, CREATE, wish(row.sku, product_id="B0INBOOK01", price="1"))
