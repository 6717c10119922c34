"""The map: which listing is which SKU, since when, and what channels tell of their listings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from inventory_sync.domain.snapshots import (
    Fulfilment,
    Hazard,
    ListingIds,
    ListingSnapshot,
    LocationSnapshot,
    MarketplaceStock,
)
from skumap.models import ChannelAccount, ChannelLocation, Listing, ListingLink, Sku
from skumap.services import (
    LinkError,
    accept_hazard,
    components_of,
    find_listings,
    link_listing,
    resolve,
    set_kit,
    skus_touched_by,
    take_in_listings,
    take_in_locations,
    take_in_marketplace_stock,
    unlink_listing,
)

T0 = datetime(2026, 10, 7, 12, 0, tzinfo=UTC)


def hour(number: float) -> datetime:
    return T0 + timedelta(hours=number)


@pytest.fixture
def listing(account) -> Listing:
    return Listing.objects.create(account=account, key="MUG", seller_sku="MUG")


def sku_at(listing: Listing, moment: datetime | None) -> str | None:
    ids = ListingIds(key=listing.key)
    found = resolve(account_id=listing.account_id, listings=[ids], at=moment)[ids]
    return Sku.objects.get(pk=found.sku_id).code if found.sku_id else None


# --- links ---------------------------------------------------------------------------------------------------------------------


def test_a_first_link_holds_since_ever(listing, tee):
    linked = link_listing(listing_id=listing.pk, sku=tee, now=hour(5), units_per_sale=2)
    assert (linked.status, linked.sku, linked.units_per_sale) == (Listing.Status.MAPPED, tee, 2)
    assert [sku_at(listing, moment) for moment in (hour(-999), hour(5), hour(9), None)] == ["TEE"] * 4


def test_the_same_link_again_changes_nothing(listing, tee):
    for _ in range(2):
        link_listing(listing_id=listing.pk, sku=tee, now=hour(5))
    assert ListingLink.objects.count() == 1


def test_a_changed_link_holds_from_now_on_and_the_old_one_until_then(listing, tee, cap):
    link_listing(listing_id=listing.pk, sku=tee, now=hour(0))
    link_listing(listing_id=listing.pk, sku=cap, now=hour(5), reason="it was the cap all along")
    assert [sku_at(listing, hour(moment)) for moment in (4.9, 5, 6)] == ["TEE", "CAP", "CAP"]
    assert sku_at(listing, None) == "CAP"


def test_another_pack_size_is_a_changed_link(listing, tee):
    link_listing(listing_id=listing.pk, sku=tee, now=hour(0))
    link_listing(listing_id=listing.pk, sku=tee, now=hour(5), units_per_sale=3)
    ids = ListingIds(key="MUG")
    packs = [resolve(account_id=listing.account_id, listings=[ids], at=hour(at))[ids].units_per_sale for at in (1, 6)]
    assert packs == [1, 3]


def test_a_link_may_be_dated_back_but_not_before_the_one_it_replaces(listing, tee, cap):
    link_listing(listing_id=listing.pk, sku=tee, now=hour(0), since=hour(0))
    link_listing(listing_id=listing.pk, sku=cap, now=hour(9), since=hour(3))
    assert sku_at(listing, hour(4)) == "CAP"
    with pytest.raises(LinkError, match="before the one it replaces"):
        link_listing(listing_id=listing.pk, sku=tee, now=hour(9), since=hour(2))


def test_an_unlinked_listing_is_nothing_from_then_on_and_what_it_was_before(listing, tee):
    link_listing(listing_id=listing.pk, sku=tee, now=hour(0))
    unlinked = unlink_listing(listing_id=listing.pk, now=hour(5))
    assert (unlinked.status, unlinked.sku) == (Listing.Status.UNMAPPED, None)
    assert [sku_at(listing, moment) for moment in (hour(4), hour(6), None)] == ["TEE", None, None]


def test_where_links_left_a_gap_the_next_one_after_it_counts(listing, tee, cap):
    other = Sku.objects.create(code="PEN")
    link_listing(listing_id=listing.pk, sku=tee, now=hour(0))
    unlink_listing(listing_id=listing.pk, now=hour(2), ignore=True)
    link_listing(listing_id=listing.pk, sku=cap, now=hour(4))
    link_listing(listing_id=listing.pk, sku=other, now=hour(6))
    assert [sku_at(listing, hour(moment)) for moment in (1, 3, 5, 7)] == ["TEE", "CAP", "CAP", "PEN"]


def test_an_order_from_before_the_first_dated_link_takes_that_link(listing, tee):
    link_listing(listing_id=listing.pk, sku=tee, now=hour(0), since=hour(3))
    assert sku_at(listing, hour(1)) == "TEE"


def test_a_link_can_not_begin_before_the_last_one_ended(listing, tee, cap):
    link_listing(listing_id=listing.pk, sku=tee, now=hour(0))
    unlink_listing(listing_id=listing.pk, now=hour(5))
    with pytest.raises(LinkError, match="before the last one ended"):
        link_listing(listing_id=listing.pk, sku=cap, now=hour(9), since=hour(3))
    assert Listing.objects.get().status == Listing.Status.UNMAPPED


def test_a_pack_of_nothing_is_refused(listing, tee):
    with pytest.raises(LinkError, match="at least 1"):
        link_listing(listing_id=listing.pk, sku=tee, now=hour(0), units_per_sale=0)


# --- finding listings ------------------------------------------------------------------------------------------------------------


def test_the_accounts_own_key_wins_over_everything_else(account):
    right = Listing.objects.create(account=account, key="A", listing_ref="R1", seller_sku="S")
    wrong = Listing.objects.create(account=account, key="B", listing_ref="R2", seller_sku="A")
    ids = ListingIds(key="A", listing_ref="R2")
    assert find_listings(account_id=account.pk, listings=[ids]) == {ids: right.pk}
    by_ref = ListingIds(key="?", listing_ref="R2")
    assert find_listings(account_id=account.pk, listings=[by_ref]) == {by_ref: wrong.pk}


def test_what_is_not_unique_is_not_found(account):
    for key in "AB":
        Listing.objects.create(account=account, key=key, seller_sku="SAME", product_id="P")
    wanted = [ListingIds(key="?", seller_sku="SAME"), ListingIds(key="", product_id="P"), ListingIds(key="")]
    assert find_listings(account_id=account.pk, listings=wanted) == {}


def test_a_product_does_not_stand_in_for_a_key_that_is_unknown(account):
    Listing.objects.create(account=account, key="A", product_id="P")
    ids = ListingIds(key="B", product_id="P")
    assert find_listings(account_id=account.pk, listings=[ids]) == {}


# --- combos ----------------------------------------------------------------------------------------------------------------------


def test_a_combo_is_its_parts_and_a_plain_sku_is_itself(tee, cap):
    combo = Sku.objects.create(code="COMBO")
    set_kit(kit=combo, parts={tee: 2, cap: 1})
    assert components_of([combo.pk, tee.pk]) == {combo.pk: {tee.pk: 2, cap.pk: 1}, tee.pk: {tee.pk: 1}}
    assert skus_touched_by([tee.pk]) == {tee.pk, combo.pk}
    set_kit(kit=combo, parts={})
    assert components_of([combo.pk]) == {combo.pk: {combo.pk: 1}}


@pytest.mark.parametrize("wrong", ["a combo in a combo", "part of a combo as a combo", "itself", "no units"])
def test_a_combo_that_can_not_be_is_refused_and_the_old_one_stays(tee, cap, wrong):
    combo, outer = Sku.objects.create(code="COMBO"), Sku.objects.create(code="OUTER")
    set_kit(kit=combo, parts={tee: 1})
    kit, parts = {
        "a combo in a combo": (outer, {combo: 1}),
        "part of a combo as a combo": (tee, {cap: 1}),
        "itself": (combo, {combo: 1}),
        "no units": (combo, {cap: 0}),
    }[wrong]
    with pytest.raises(ValidationError):
        set_kit(kit=kit, parts=parts)
    assert components_of([combo.pk]) == {combo.pk: {tee.pk: 1}}


# --- what channels tell ----------------------------------------------------------------------------------------------------------


def told(key: str = "MUG", **facts) -> ListingSnapshot:
    values = {"title": "A mug", "fulfilment": Fulfilment.NON_FBF, "active": True, "price": Decimal("199.00")}
    return ListingSnapshot(ids=ListingIds(key=key, seller_sku=key, product_id="FSN1"), **{**values, **facts})


def test_a_new_listing_waits_for_a_person(account):
    result = take_in_listings(account=account, snapshots=[told(), told("PEN")], now=hour(0))
    assert len(result.new) == 2
    assert {row.status for row in Listing.objects.all()} == {Listing.Status.UNMAPPED}


def test_a_known_listing_keeps_its_link_and_takes_what_is_new(account, listing, tee):
    link_listing(listing_id=listing.pk, sku=tee, now=hour(0))
    Listing.objects.update(vanished_at=hour(0))
    result = take_in_listings(
        account=account, snapshots=[told(fulfilment=Fulfilment.FBF, hazards=frozenset({Hazard.UNTRACKED}))], now=hour(1)
    )
    assert (result.new, result.changed, result.fulfilment_changed) == ((), (listing.pk,), (listing.pk,))
    listing.refresh_from_db()
    assert (listing.sku, listing.fulfilment, listing.vanished_at) == (tee, "FBF", None)
    assert (listing.price, listing.open_hazards) == (Decimal("199.00"), ["untracked"])


def test_a_listing_that_is_told_as_it_is_has_not_changed_but_was_seen(account):
    take_in_listings(account=account, snapshots=[told()], now=hour(0))
    result = take_in_listings(account=account, snapshots=[told()], now=hour(1))
    assert (result.new, result.changed) == ((), ())
    assert Listing.objects.get().pulled_at == hour(1)


def test_what_a_listing_says_of_itself_is_kept_up_and_what_it_does_not_say_stays(account):
    take_in_listings(account=account, snapshots=[told(attributes={"tax_code": "GST_18", "size": "M"})], now=hour(0))
    result = take_in_listings(account=account, snapshots=[told(attributes={"tax_code": "GST_5"})], now=hour(1))
    assert result.changed == (Listing.objects.get().pk,)
    assert Listing.objects.get().attributes == {"tax_code": "GST_5", "size": "M"}


def test_a_listing_told_twice_is_one_and_an_unusable_one_stops_nobody(account):
    snapshots = [told("", title="nameless"), told("X" * 121), told(), told(title="newer"), told("PEN")]
    take_in_listings(account=account, snapshots=snapshots, now=hour(0))
    assert sorted(Listing.objects.values_list("key", "title")) == [("MUG", "newer"), ("PEN", "A mug")]


@pytest.mark.django_db(transaction=True)
def test_two_pulls_at_once_create_every_listing_once(transactional_db):
    account = ChannelAccount.objects.create(channel="flipkart", name="Flipkart one")
    snapshots = [told(f"K{number}") for number in range(40)]

    def pull(rows) -> int:
        try:
            return len(take_in_listings(account=account, snapshots=rows, now=hour(0)).new)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(pull, [snapshots, snapshots[::-1], snapshots[10:], snapshots]))
    assert Listing.objects.count() == 40


def test_a_hazard_counts_until_a_person_accepts_it_by_name(account):
    take_in_listings(
        account=account, snapshots=[told(hazards=frozenset({Hazard.UNTRACKED, Hazard.BUNDLE_PARENT}))], now=hour(0)
    )
    accept_hazard(listing_id=Listing.objects.get().pk, hazard=Hazard.UNTRACKED)
    accept_hazard(listing_id=Listing.objects.get().pk, hazard=Hazard.UNTRACKED)
    assert Listing.objects.get().open_hazards == ["bundle_parent"]


def test_what_a_marketplace_holds_is_noted_and_an_older_reading_is_not(account, listing):
    reading = MarketplaceStock(
        listing=ListingIds(key="MUG"), fulfillable=7, reserved=None, inbound=None, unfulfillable=None, as_of=hour(2)
    )
    assert take_in_marketplace_stock(account_id=account.pk, held=[reading]) == 1
    older, unknown = replace(reading, fulfillable=9, as_of=hour(1)), replace(reading, listing=ListingIds(key="?"))
    silent = replace(reading, fulfillable=None, as_of=hour(3))
    assert take_in_marketplace_stock(account_id=account.pk, held=[older, unknown, silent]) == 0
    assert Listing.objects.get().marketplace_quantity == 7


def test_locations_are_created_and_kept_up_to_date(account):
    take_in_locations(account=account, snapshots=[LocationSnapshot(location_id="LOC1", name="Hub")])
    take_in_locations(account=account, snapshots=[LocationSnapshot(location_id="LOC1", name="Hub 2", active=False)])
    row = ChannelLocation.objects.get()
    assert (row.name, row.active, row.managed) == ("Hub 2", False, True)
