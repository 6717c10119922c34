"""A wrong link is put right: blocks move, what has left is proposed for correction, and nothing is done twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from inventory_sync.domain.snapshots import Channel, OrderSnapshot
from inventory_sync.engine.mapping import approve_match
from inventory_sync.engine.remap import Corrected, began_at, consequences, correct_link
from inventory_sync.orders.models import OrderLine
from inventory_sync.stock.models import CorrectionProposal
from inventory_sync.stock.services import post_correction
from skumap.models import Listing, ListingLink, Sku
from skumap.services import LinkError
from tests.engine.conftest import Seller

BEFORE = timezone.now() - timedelta(days=3)


@pytest.fixture
def shop(seller: Seller) -> tuple[Seller, Sku, Sku]:
    """Flipkart's listing is linked to the medium shirt, but sells the large one."""
    seller.account("flip", Channel.FLIPKART)
    medium, large = seller.sku("TEE-M", 20), seller.sku("TEE-L", 20)
    seller.listing("flip", medium, shown=9, key="THE-LISTING")
    seller.start()
    return seller, medium, large


def sell(seller: Seller, units: int = 1, *, shipped: bool = False, at: object = None) -> OrderSnapshot:
    order = seller.channels["flip"].sell("THE-LISTING", units, at=at)  # type: ignore[arg-type]
    assert order is not None
    seller.know("flip", order)
    if shipped:
        line = replace(order.lines[0], shipped=units)
        later = timezone.now()
        order = replace(order, lines=(line,), updated_at=later, request_started_at=later)
        seller.know("flip", order)
    return order


def correct(seller: Seller, sku: Sku, **values: object) -> Corrected:
    facts = {"since": BEFORE, "now": timezone.now()} | values
    return correct_link(listing_id=Listing.objects.get().pk, sku_id=sku.pk, **facts)  # type: ignore[arg-type]


def test_orders_that_have_not_left_move_their_block_to_the_right_sku(shop: tuple[Seller, Sku, Sku]) -> None:
    seller, medium, large = shop
    sell(seller, 2)
    sell(seller, 1)
    assert seller.on_hand(medium).committed == 3

    assert correct(seller, large) == Corrected(moved=2, proposed=0)

    assert (seller.on_hand(medium).committed, seller.on_hand(large).committed) == (0, 3)
    assert set(OrderLine.objects.values_list("sku__code", flat=True)) == {"TEE-L"}
    call_command("verify_ledger", verbosity=0)


def test_what_has_left_is_proposed_for_a_person_to_post(shop: tuple[Seller, Sku, Sku]) -> None:
    seller, medium, large = shop
    sell(seller, 2, shipped=True)
    assert seller.on_hand(medium).on_hand == 18

    assert correct(seller, large) == Corrected(moved=0, proposed=2)
    assert (seller.on_hand(medium).on_hand, seller.on_hand(large).on_hand) == (18, 20)
    for proposal in CorrectionProposal.objects.all():
        post_correction(proposal_id=proposal.pk, at=timezone.now(), actor_id=None)
        assert post_correction(proposal_id=proposal.pk, at=timezone.now(), actor_id=None) == []

    assert (seller.on_hand(medium).on_hand, seller.on_hand(large).on_hand) == (20, 18)
    call_command("verify_ledger", verbosity=0)


def test_the_pack_size_counts_in_both(shop: tuple[Seller, Sku, Sku]) -> None:
    seller, _, large = shop
    sell(seller, 1)
    sell(seller, 1, shipped=True)

    correct(seller, large, units_per_sale=3)

    assert seller.on_hand(large).committed == 3
    assert dict(CorrectionProposal.objects.values_list("sku__code", "units")) == {"TEE-M": 1, "TEE-L": -3}


def test_orders_from_before_the_mistake_stay_as_they_were(shop: tuple[Seller, Sku, Sku]) -> None:
    seller, medium, large = shop
    sell(seller, 2, at=timezone.now() - timedelta(days=5))
    sell(seller, 1)

    assert correct(seller, large).moved == 1

    assert (seller.on_hand(medium).committed, seller.on_hand(large).committed) == (2, 1)


def test_doing_it_again_changes_nothing(shop: tuple[Seller, Sku, Sku]) -> None:
    seller, medium, large = shop
    sell(seller, 2)
    sell(seller, 1, shipped=True)
    correct(seller, large)

    assert correct(seller, large) == Corrected(moved=0, proposed=0)
    assert (seller.on_hand(medium).committed, seller.on_hand(large).committed) == (0, 2)


def test_a_link_that_was_replaced_from_now_on_may_turn_out_to_have_been_wrong_earlier(
    shop: tuple[Seller, Sku, Sku],
) -> None:
    seller, medium, large = shop
    sell(seller, 2)
    approve_match(listing_id=Listing.objects.get().pk, sku_id=large.pk, now=timezone.now())
    assert seller.on_hand(medium).committed == 2

    assert correct(seller, large).moved == 1

    assert (seller.on_hand(medium).committed, seller.on_hand(large).committed) == (0, 2)
    first, second = ListingLink.objects.order_by("id")
    assert (first.valid_to, second.valid_from, second.valid_to) == (BEFORE, BEFORE, None)


def test_later_changes_of_a_moved_order_follow_the_right_sku(shop: tuple[Seller, Sku, Sku]) -> None:
    seller, medium, large = shop
    order = sell(seller, 2)
    correct(seller, large)

    line, later = replace(order.lines[0], cancelled=2), timezone.now()
    seller.know("flip", replace(order, lines=(line,), updated_at=later, request_started_at=later))

    assert (seller.on_hand(medium).committed, seller.on_hand(large).committed) == (0, 0)
    call_command("verify_ledger", verbosity=0)


def test_the_listing_is_decided_anew_from_the_stock_of_the_right_sku(shop: tuple[Seller, Sku, Sku]) -> None:
    seller, _, large = shop
    seller.rule("strict")
    seller.take_away(large, 18)

    correct(seller, large)

    state = seller.state("flip", large)
    assert state.goal_quantity <= 2
    assert state.desired_quantity == 0  # nine are shown, two are there: it is worked off through zero


def test_a_mistake_can_not_begin_before_the_link_did(shop: tuple[Seller, Sku, Sku]) -> None:
    seller, _, large = shop
    ListingLink.objects.update(valid_from=timezone.now() - timedelta(days=1))

    assert began_at(listing_id=Listing.objects.get().pk) is not None
    with pytest.raises(LinkError):
        correct(seller, large)
    assert Listing.objects.get().sku_id != large.pk


def test_what_the_wrong_link_did_is_said_before(shop: tuple[Seller, Sku, Sku]) -> None:
    seller, medium, _ = shop
    sell(seller, 2)
    sell(seller, 1, shipped=True)
    seller.take_away(medium, 18)

    said = consequences(listing_id=Listing.objects.get().pk, since=BEFORE)

    assert (said.orders, said.open_units, said.shipped_units) == (2, 2, 1)
    assert said.oversold == ("TEE-M",)
