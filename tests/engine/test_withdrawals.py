"""Stock that is taken away on purpose: what listings offer is promised, so it is lowered first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from inventory_sync.alerts.models import Alert
from inventory_sync.backoffice.explain import tell
from inventory_sync.domain.ports import PushResult
from inventory_sync.domain.snapshots import Channel
from inventory_sync.engine import books, push
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.models import Flight, ListingState
from inventory_sync.engine.withdrawals import (
    NotFreeError,
    Taken,
    WhenShort,
    cancel,
    carry_out_proposal,
    take_out,
    take_what_is_free,
)
from inventory_sync.stock.models import StockBalance, StockMovement, TransferProposal, Warehouse, Withdrawal
from inventory_sync.stock.services import Change, StockError, propose_transfer
from skumap.models import Sku
from tests.engine.conftest import Seller

SALE, TRANSFER = Withdrawal.Kind.SALE, Withdrawal.Kind.TRANSFER


@pytest.fixture
def shop(seller: Seller) -> tuple[Seller, Sku]:
    """Ten shirts, of which Flipkart offers seven and our shop one."""
    seller.rule("strict")
    seller.account("flip", Channel.FLIPKART)
    seller.account("shop", Channel.SHOPIFY)
    sku = seller.sku("TEE", 10)
    seller.listing("flip", sku, shown=7)
    seller.listing("shop", sku, shown=1)
    seller.start()
    return seller, sku


def take(seller: Seller, sku: Sku, units: int, *, key: str = "", kind: str = SALE, **values: Any) -> Taken:
    now = timezone.now()
    change = Change(key=key or seller.key(), sku_id=sku.pk, warehouse_id=seller.warehouse.pk, at=now)
    taken = take_out(change=change, kind=kind, units=units, now=now, **values)
    decide_soon(taken.touched)
    return taken


def send_everything(seller: Seller) -> None:
    for account in seller.accounts.values():
        while push.push_account(account_id=account.pk, now=timezone.now()):
            pass


def let_time_pass(seller: Seller) -> None:
    """Every write is in force, and every feed is complete past that."""
    Flight.objects.update(deadline=F("claimed_at"))
    decide_soon(books.expire_flights(now=timezone.now()))
    for account in seller.accounts.values():
        books.clear_unseen(account_id=account.pk, watermark=timezone.now() + timedelta(seconds=1))
    seller.decide()


def test_what_no_listing_offers_is_taken_at_once(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop

    assert take(seller, sku, 2) == Taken(touched=(sku.pk,))
    assert seller.on_hand(sku).on_hand == 8
    assert StockMovement.objects.latest("id").kind == "sale"
    assert Withdrawal.objects.count() == 0


def test_what_listings_offer_is_refused_with_the_number_that_is_free(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop

    with pytest.raises(NotFreeError, match="only 2 of 5 are free") as caught:
        take(seller, sku, 5)

    assert (caught.value.free, caught.value.asked) == (2, 5)
    assert seller.on_hand(sku).on_hand == 10


def test_set_aside_units_are_taken_when_the_listings_are_lowered_and_never_sold_meanwhile(
    shop: tuple[Seller, Sku],
) -> None:
    seller, sku = shop

    assert take(seller, sku, 6, when_short=WhenShort.WAIT).waiting
    assert take_what_is_free(now=timezone.now()) == 0
    send_everything(seller)
    assert seller.channels["flip"].shown["TEE"] == 0  # an absolute quantity is worked off through zero
    let_time_pass(seller)
    assert take_what_is_free(now=timezone.now()) == 1
    send_everything(seller)

    assert Withdrawal.objects.get().status == Withdrawal.Status.DONE
    assert seller.on_hand(sku).on_hand == 4
    assert sum(channel.shown["TEE"] for channel in seller.channels.values()) <= 4
    assert take_what_is_free(now=timezone.now()) == 0


def test_why_a_listing_shows_less_names_what_is_set_aside(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop
    take(seller, sku, 6, when_short=WhenShort.WAIT)

    state = seller.state("flip", sku)

    assert {"code": "set_aside", "numbers": {"units": 6}} in state.inputs["steps"]
    assert tell(state.inputs, channel="Flipkart")[0].text.startswith("6 units of its stock are set aside")


def test_orders_go_on_being_blocked_while_units_are_set_aside(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop
    take(seller, sku, 6, when_short=WhenShort.WAIT)

    seller.know("flip", seller.channels["flip"].sell("TEE", 7))
    let_time_pass(seller)

    assert take_what_is_free(now=timezone.now()) == 0  # only three are left, and the shop offers one of them
    assert seller.on_hand(sku).committed == 7
    later = timezone.now() + timedelta(hours=1)
    take_what_is_free(now=later)
    assert Alert.objects.filter(kind="set_aside_waits", resolved_at=None).exists()


def test_units_taken_by_force_leave_an_alert_until_the_listings_have_followed(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop

    taken = take(seller, sku, 6, when_short=WhenShort.FORCE)

    assert taken.forced
    assert seller.on_hand(sku).on_hand == 4
    alert = Alert.objects.get(kind="taken_by_force")
    assert "4 units were taken while listings still offered them" in alert.title
    take_what_is_free(now=timezone.now())
    assert Alert.objects.filter(kind="taken_by_force", resolved_at=None).exists()
    send_everything(seller)
    let_time_pass(seller)
    take_what_is_free(now=timezone.now())
    assert not Alert.objects.filter(kind="taken_by_force", resolved_at=None).exists()


def test_force_leaves_no_alert_when_the_units_were_free(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop

    assert not take(seller, sku, 2, when_short=WhenShort.FORCE).forced
    assert not Alert.objects.filter(kind="taken_by_force").exists()


def test_what_is_not_there_can_be_neither_set_aside_nor_forced(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop

    for choice in (WhenShort.WAIT, WhenShort.FORCE):
        with pytest.raises(StockError, match="only 10 stand"):
            take(seller, sku, 11, when_short=choice)


@pytest.mark.parametrize("choice", list(WhenShort))
def test_the_same_request_again_changes_nothing(shop: tuple[Seller, Sku], choice: WhenShort) -> None:
    seller, sku = shop
    units = 2 if choice is WhenShort.ASK else 6

    first = take(seller, sku, units, key="till-17", when_short=choice)
    again = take(seller, sku, units, key="till-17", when_short=choice)

    assert again.waiting == first.waiting
    assert again.touched == ()
    assert seller.on_hand(sku).on_hand == {WhenShort.ASK: 8, WhenShort.WAIT: 10, WhenShort.FORCE: 4}[choice]


def test_a_key_of_another_request_is_refused(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop
    take(seller, sku, 6, key="till-17", when_short=WhenShort.WAIT)

    with pytest.raises(StockError, match="was used before"):
        take(seller, sku, 5, key="till-17", when_short=WhenShort.WAIT)


def test_what_was_set_aside_can_be_put_back_on_offer(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop
    take(seller, sku, 6, when_short=WhenShort.WAIT)
    waiting = Withdrawal.objects.get()

    assert cancel(withdrawal_id=waiting.pk, now=timezone.now())
    assert not cancel(withdrawal_id=waiting.pk, now=timezone.now())

    send_everything(seller)
    assert seller.on_hand(sku).on_hand == 10
    assert not ListingState.objects.filter(sent_quantity=0).exists()


def test_the_older_of_two_is_not_kept_waiting_by_the_younger(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop
    take(seller, sku, 4, when_short=WhenShort.WAIT)
    take(seller, sku, 9, when_short=WhenShort.WAIT)
    send_everything(seller)
    let_time_pass(seller)

    assert take_what_is_free(now=timezone.now()) == 1

    assert list(Withdrawal.objects.order_by("id").values_list("status", flat=True)) == ["done", "waiting"]


def test_a_transfer_out_of_the_only_warehouse_that_serves_a_listing_waits_for_it(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop
    depot = Warehouse.objects.create(code="DEPOT", name="Depot")

    with pytest.raises(NotFreeError):
        take(seller, sku, 9, kind=TRANSFER, to_warehouse_id=depot.pk)
    take(seller, sku, 9, kind=TRANSFER, to_warehouse_id=depot.pk, when_short=WhenShort.WAIT)
    send_everything(seller)
    let_time_pass(seller)
    take_what_is_free(now=timezone.now())

    assert StockBalance.objects.get(warehouse=depot).on_hand == 9


def test_a_proposed_transfer_takes_what_is_free_and_waits_for_the_rest(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop
    depot = Warehouse.objects.create(code="DEPOT", name="Depot")
    for units in (2, 5):
        propose_transfer(
            sku_id=sku.pk, source_id=seller.warehouse.pk, target_id=depot.pk, units=units, reason="order 1"
        )
        proposal = TransferProposal.objects.get(status=TransferProposal.Status.OPEN)
        taken = carry_out_proposal(proposal_id=proposal.pk, now=timezone.now(), actor_id=None)
        assert taken.waiting is (units == 5)
        assert carry_out_proposal(proposal_id=proposal.pk, now=timezone.now(), actor_id=None) == Taken()

    assert StockBalance.objects.get(warehouse=depot).on_hand == 2
    assert Withdrawal.objects.get().units == 5


def test_a_proposal_whose_stock_is_gone_is_refused_and_stays_open(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop
    depot = Warehouse.objects.create(code="DEPOT", name="Depot")
    propose_transfer(sku_id=sku.pk, source_id=depot.pk, target_id=seller.warehouse.pk, units=2, reason="order 1")

    with pytest.raises(StockError, match="only 0 stand"):
        carry_out_proposal(proposal_id=TransferProposal.objects.get().pk, now=timezone.now(), actor_id=None)

    assert TransferProposal.objects.get().status == TransferProposal.Status.OPEN


def test_what_an_account_in_trial_run_shows_does_not_stand_in_the_way(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop
    for account in seller.accounts.values():
        type(account).objects.filter(pk=account.pk).update(mode="shadow")

    assert take(seller, sku, 9).touched == (sku.pk,)


def test_a_write_of_unknown_outcome_still_counts_as_on_offer(shop: tuple[Seller, Sku]) -> None:
    seller, sku = shop
    seller.channels["shop"].answer = lambda update: PushResult.UNKNOWN
    send_everything(seller)

    exposed = sum(books_of.shown + books_of.unseen for books_of in ListingState.objects.all())
    exposed += sum(Flight.objects.values_list("raises", flat=True))
    with pytest.raises(NotFreeError) as caught:
        take(seller, sku, 10)
    assert caught.value.free == 10 - exposed
