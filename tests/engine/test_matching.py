"""The matcher over the tables: exact ones link at once, the others wait with suggestions, and what is linked is doubted."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone

from inventory_sync.alerts.models import Alert
from inventory_sync.domain.snapshots import Channel, Fulfilment, ListingIds, ListingSnapshot
from inventory_sync.engine.catalogue import after_pull
from inventory_sync.engine.link_audit import accept_link, audit_all
from inventory_sync.engine.mapping import approve_match, ignore_listing
from inventory_sync.engine.matching import Matched, match_open
from inventory_sync.orders.models import OrderLine
from skumap.models import LinkAudit, Listing, ListingLink, MatchCandidate, Sku
from skumap.services import take_in_listings, unlink_listing
from tests.engine.conftest import Seller


@pytest.fixture
def shop(seller: Seller) -> Seller:
    seller.account("flip", Channel.FLIPKART)
    seller.account("shop", Channel.SHOPIFY)
    return seller


def goods(code: str, title: str, **facts: Any) -> Sku:
    return Sku.objects.create(code=code, title=title, **facts)


def offer(shop: Seller, name: str, key: str, title: str, **facts: Any) -> Listing:
    """A listing as a pull stores it, with the alert that it raises."""
    account = shop.accounts[name]
    ids = ListingIds(
        key=key, seller_sku=facts.pop("seller_sku", key), product_id=facts.pop("product_id", ""), listing_ref=""
    )
    snapshot = ListingSnapshot(
        ids=ids,
        title=title,
        fulfilment=Fulfilment.SHOPIFY if name == "shop" else Fulfilment.NON_FBF,
        active=True,
        **facts,
    )
    now = timezone.now()
    result = take_in_listings(account=account, snapshots=[snapshot], now=now)
    after_pull(context=shop.context(name), result=result, now=now)
    return Listing.objects.get(account=account, key=key)


def open_alerts(kind: str) -> set[str]:
    return set(Alert.objects.filter(kind=kind, resolved_at__isnull=True).values_list("key", flat=True))


def test_a_listing_with_our_code_links_by_itself_and_its_alert_is_over(shop: Seller) -> None:
    shirt = goods("TEE-M", "Cotton T-Shirt M Black")
    listing = offer(shop, "flip", "TEE-M", "Cotton T Shirt, Black, M")
    assert open_alerts("listing_new") == {str(listing.pk)}

    assert match_open(now=timezone.now()) == Matched(linked=1)

    listing.refresh_from_db()
    assert (listing.sku, listing.status) == (shirt, Listing.Status.MAPPED)
    assert ListingLink.objects.get().reason == "by itself: same code"
    assert open_alerts("listing_new") == set()


def test_orders_that_waited_block_stock_as_soon_as_their_listing_has_linked_by_itself(shop: Seller) -> None:
    shirt = shop.sku("TEE-M", 9)
    offer(shop, "flip", "TEE-M", "Shirt")
    shop.channels["flip"].shown["TEE-M"] = 5
    shop.know("flip", shop.channels["flip"].sell("TEE-M", 2))
    assert OrderLine.objects.get().waiting

    match_open(now=timezone.now())

    assert not OrderLine.objects.get().waiting
    assert shop.on_hand(shirt).committed == 2


def test_another_size_of_the_same_code_waits_with_its_reason(shop: Seller) -> None:
    goods("TEE-M", "Cotton T-Shirt Black Size M")
    goods("TEE-L", "Cotton T-Shirt Black Size L")
    listing = offer(shop, "flip", "TEE-M", "Cotton T-Shirt Black Size L")

    assert match_open(now=timezone.now()).linked == 0

    listing.refresh_from_db()
    assert listing.status == Listing.Status.AMBIGUOUS
    by_code = {row.sku.code: row for row in MatchCandidate.objects.select_related("sku")}
    assert by_code["TEE-M"].conflicts == ["The sizes differ."]
    assert {"field": "Size", "ours": "L", "theirs": "L", "verdict": "same"} in by_code["TEE-L"].evidence


def test_a_pack_of_two_of_a_single_is_for_a_person_to_confirm(shop: Seller) -> None:
    goods("SOAP", "Neem Soap 100 g", barcode="8901234567894")
    listing = offer(shop, "flip", "SOAP", "Neem Soap 100 g (Pack of 2)", barcode="8901234567894")

    assert match_open(now=timezone.now()).linked == 0

    listing.refresh_from_db()
    assert listing.sku is None
    assert MatchCandidate.objects.get().units_per_sale == 2


def test_what_a_person_took_apart_does_not_link_by_itself_again(shop: Seller) -> None:
    shirt = goods("TEE-M", "Shirt")
    listing = offer(shop, "flip", "TEE-M", "Shirt")
    approve_match(listing_id=listing.pk, sku_id=shirt.pk, now=timezone.now())
    unlink_listing(listing_id=listing.pk, now=timezone.now())

    assert match_open(now=timezone.now()) == Matched(ambiguous=1)

    listing.refresh_from_db()
    assert listing.sku is None


def test_what_was_ignored_stays_ignored(shop: Seller) -> None:
    goods("TEE-M", "Shirt")
    listing = offer(shop, "flip", "TEE-M", "Shirt")
    ignore_listing(listing_id=listing.pk, now=timezone.now())

    assert match_open(now=timezone.now()) == Matched()


def test_matching_again_gives_the_same_suggestions_once(shop: Seller) -> None:
    goods("KU-1", "Rayon Kurta Blue")
    offer(shop, "flip", "OTHER", "Blue Rayon Kurta")
    match_open(now=timezone.now())
    first = list(MatchCandidate.objects.values_list("sku__code", "rank", "score"))

    match_open(now=timezone.now())

    assert first
    assert list(MatchCandidate.objects.values_list("sku__code", "rank", "score")) == first


def test_sizes_that_pair_one_to_one_with_a_style_come_as_one_run(shop: Seller) -> None:
    for size in ("S", "M", "L"):
        goods(f"KU-9-{size}", f"Rayon Kurta Teal Size {size}")
        offer(
            shop, "shop", f"4400{ord(size)}", f"Rayon Kurta Teal - {size}", seller_sku="", product_id="77", attributes={"Size": size}
        )  # fmt: skip

    assert match_open(now=timezone.now()).ambiguous == 3

    runs = MatchCandidate.objects.exclude(run="")
    assert {(row.listing.attributes["Size"], row.sku.code, row.rank) for row in runs} == {
        ("S", "KU-9-S", 1), ("M", "KU-9-M", 1), ("L", "KU-9-L", 1),
    }  # fmt: skip
    assert len(set(runs.values_list("run", flat=True))) == 1


def safe_keys() -> set[str]:
    return set(MatchCandidate.objects.filter(safe=True).values_list("listing__key", flat=True))


def test_only_what_nothing_speaks_against_is_safe(shop: Seller) -> None:
    goods("KU-1-M", "Marudhar Rayon Kurta Teal Size M", brand="Marudhar")
    goods("KU-1-L", "Marudhar Rayon Kurta Teal Size L", brand="Marudhar")
    offer(shop, "flip", "SURE", "Marudhar Rayon Kurta Teal Size M")
    offer(shop, "flip", "NO-SIZE", "Marudhar Rayon Kurta Teal")
    offer(shop, "flip", "PACK", "Marudhar Rayon Kurta Teal Size L Pack of 2")
    offer(shop, "flip", "COLOUR", "Marudhar Rayon Kurta Red Size L")

    match_open(now=timezone.now())

    assert safe_keys() == {"SURE"}


def test_two_listings_of_an_account_that_may_be_the_same_sku_are_not_safe_but_one_of_each_account_is(
    shop: Seller,
) -> None:
    goods("KU-1-M", "Marudhar Rayon Kurta Teal Size M", brand="Marudhar")
    for name, key in (("flip", "ONE"), ("flip", "TWO"), ("shop", "3000")):
        offer(shop, name, key, "Marudhar Rayon Kurta Teal Size M", seller_sku=f"X{key}")

    match_open(now=timezone.now())

    assert safe_keys() == {"3000"}


def test_a_sku_that_the_account_has_linked_is_not_safe_for_another_listing(shop: Seller) -> None:
    sku = goods("KU-1-M", "Marudhar Rayon Kurta Teal Size M", brand="Marudhar")
    known = offer(shop, "flip", "ONE", "Marudhar Rayon Kurta Teal Size M")
    approve_match(listing_id=known.pk, sku_id=sku.pk, now=timezone.now())
    offer(shop, "flip", "TWO", "Marudhar Rayon Kurta Teal Size M")

    match_open(now=timezone.now())

    assert safe_keys() == set()


def test_a_listing_is_one_sku_at_a_time_even_for_the_database(shop: Seller) -> None:
    now = timezone.now()
    one, other = goods("ONE", "One"), goods("OTHER", "Other")
    listing = offer(shop, "flip", "X", "One")
    ListingLink.objects.create(listing=listing, sku=one, valid_from=now - timedelta(days=3), valid_to=now)
    ListingLink.objects.create(listing=listing, sku=other, valid_from=now)

    with pytest.raises(IntegrityError, match="one_sku_at_a_time"), transaction.atomic():
        ListingLink.objects.create(
            listing=listing, sku=other, valid_from=now - timedelta(days=1), valid_to=now - timedelta(hours=1)
        )


# --- the audit --------------------------------------------------------------------------------------------------------------


def linked(shop: Seller, sku: Sku, key: str, title: str, **facts: Any) -> Listing:
    listing = offer(shop, "flip", key, title, **facts)
    approve_match(listing_id=listing.pk, sku_id=sku.pk, now=timezone.now())
    return listing


def test_the_audit_puts_the_doubtful_links_first_and_says_why(shop: Seller) -> None:
    right = linked(shop, goods("KU-M", "Rayon Kurta Teal Size M", mrp=Decimal(999)), "KU-M", "Rayon Kurta Teal Size M")
    wrong = linked(shop, goods("KU-L", "Rayon Kurta Teal Size L", mrp=Decimal(999)), "KU-L", "Rayon Kurta Teal Size XL")

    assert audit_all(now=timezone.now()) == 1

    assert [row.listing for row in LinkAudit.objects.all()] == [wrong, right]
    assert "The sizes differ." in LinkAudit.objects.get(listing=wrong).reasons
    assert open_alerts("links_doubtful") == {"audit"}
    assert open_alerts("link_doubtful") == set(), "it was never trusted, so it has not fallen"


def test_a_link_that_falls_below_the_limit_is_an_alert_until_it_is_relinked(shop: Seller) -> None:
    shirt, bottle = goods("TEE", "Cotton T-Shirt Black"), goods("BTL", "Steel Bottle 750 ml")
    listing = linked(shop, shirt, "TEE", "Cotton T-Shirt Black")
    assert audit_all(now=timezone.now()) == 0

    offer(shop, "flip", "TEE", "Steel Bottle 750 ml")
    assert audit_all(now=timezone.now()) == 1
    assert open_alerts("link_doubtful") == {str(listing.pk)}
    assert LinkAudit.objects.get().better == bottle

    approve_match(listing_id=listing.pk, sku_id=bottle.pk, now=timezone.now())
    assert open_alerts("link_doubtful") == set()
    assert audit_all(now=timezone.now()) == 0


def test_what_a_person_found_right_stays_right_until_the_listing_changes(shop: Seller) -> None:
    boss = get_user_model().objects.create(username="boss")
    listing = linked(shop, goods("KU-L", "Rayon Kurta Size L"), "KU-L", "Rayon Kurta Size XL")
    assert audit_all(now=timezone.now()) == 1

    accept_link(listing_id=listing.pk, now=timezone.now(), actor=boss)
    assert audit_all(now=timezone.now()) == 0
    assert open_alerts("links_doubtful") == set()

    offer(shop, "flip", "KU-L", "Rayon Kurta Size XXL")
    assert audit_all(now=timezone.now()) == 1


def test_another_fsn_under_a_known_seller_sku_is_an_alert_at_once(shop: Seller) -> None:
    listing = linked(shop, goods("TEE", "Shirt"), "TEE", "Shirt", product_id="TSHAAA")

    offer(shop, "flip", "TEE", "Shirt", product_id="TSHBBB")

    assert open_alerts("product_changed") == {str(listing.pk)}


def test_an_fsn_that_was_not_known_before_is_no_alert(shop: Seller) -> None:
    linked(shop, goods("TEE", "Shirt"), "TEE", "Shirt")

    offer(shop, "flip", "TEE", "Shirt", product_id="TSHBBB")

    assert open_alerts("product_changed") == set()
