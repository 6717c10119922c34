"""Quantities go out within the rights, are settled by their own results, and survive whatever a channel answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from inventory_sync.domain.ports import PushResult
from inventory_sync.domain.snapshots import Channel
from inventory_sync.engine.books import expire_flights
from inventory_sync.engine.models import Flight, ListingState, PushAttempt, ShadowRecord
from inventory_sync.engine.push import push_account
from skumap.models import Listing
from tests.engine.conftest import Seller
from tests.engine.fake_channel import BrokenChannel, FakeChannel


def push(seller: Seller, name: str) -> int:
    return push_account(account_id=seller.accounts[name].pk, now=timezone.now())


def test_a_row_that_was_never_read_is_not_written(seller: Seller) -> None:
    seller.account("flip", Channel.FLIPKART)
    seller.listing("flip", seller.sku("TEE", 10))
    seller.decide()

    assert push(seller, "flip") == 0
    assert seller.channels["flip"].sent == []


def test_a_started_row_is_raised_to_its_share(seller: Seller) -> None:
    seller.account("flip", Channel.FLIPKART)
    seller.listing("flip", seller.sku("TEE", 10))
    seller.start()

    assert push(seller, "flip") == 1

    assert seller.channels["flip"].shown["TEE"] > 0
    attempt = PushAttempt.objects.get()
    assert attempt.result == "accepted"
    assert Flight.objects.get().outcome == Flight.Outcome.ACCEPTED


@pytest.mark.parametrize("mode", ["strict", "balanced"])
def test_what_all_rows_may_sell_never_exceeds_the_shelf_in_strict(seller: Seller, mode: str) -> None:
    for name, channel in (("flip", Channel.FLIPKART), ("shop", Channel.SHOPIFY), ("amz", Channel.AMAZON)):
        seller.account(name, channel)
    sku = seller.sku("TEE", 7)
    for name in seller.accounts:
        seller.listing(name, sku)
    seller.rule(mode)
    seller.start()

    for name in seller.accounts:
        while push(seller, name):
            pass

    shown = sum(channel.shown["TEE"] for channel in seller.channels.values())
    assert shown > 0
    if mode == "strict":
        assert shown <= 7


def test_mode_off_shows_everything_everywhere(seller: Seller) -> None:
    for name, channel in (("flip", Channel.FLIPKART), ("shop", Channel.SHOPIFY)):
        seller.account(name, channel)
    sku = seller.sku("TEE", 7)
    for name in seller.accounts:
        seller.listing(name, sku)
    seller.rule("off")
    seller.start()

    for name in seller.accounts:
        push(seller, name)

    assert [channel.shown["TEE"] for channel in seller.channels.values()] == [7, 7]


def test_a_refused_write_leaves_no_flight_and_is_tried_again_later(seller: Seller) -> None:
    seller.account("flip", Channel.FLIPKART)
    sku = seller.sku("TEE", 10)
    seller.listing("flip", sku)
    seller.start()
    seller.channels["flip"].answer = lambda update: PushResult.REFUSED

    push(seller, "flip")

    state = seller.state("flip", sku)
    assert not Flight.objects.exists()
    assert state.attempts == 1
    assert state.next_attempt_at is not None
    assert state.stale_since is not None


@pytest.mark.parametrize("channel_class", [FakeChannel, BrokenChannel])
def test_an_unknown_outcome_keeps_its_rights_until_its_deadline(
    seller: Seller, channel_class: type[FakeChannel]
) -> None:
    seller.account("flip", Channel.FLIPKART, fake=channel_class)
    sku = seller.sku("TEE", 10)
    seller.listing("flip", sku)
    seller.start()
    seller.channels["flip"].answer = lambda update: PushResult.UNKNOWN

    push(seller, "flip")

    flight = Flight.objects.get()
    assert flight.outcome == Flight.Outcome.UNKNOWN
    later = flight.deadline + timedelta(seconds=1)
    expire_flights(now=later)
    state = seller.state("flip", sku)
    assert not Flight.objects.exists()
    assert state.shown + state.unseen == flight.value


def test_a_missing_answer_counts_as_unknown(seller: Seller) -> None:
    seller.account("flip", Channel.FLIPKART)
    sku = seller.sku("TEE", 10)
    seller.listing("flip", sku)
    seller.start()
    seller.channels["flip"].push_stock = lambda updates: []  # type: ignore[method-assign]

    push(seller, "flip")

    assert Flight.objects.get().outcome == Flight.Outcome.UNKNOWN


def test_stock_that_moves_during_the_call_leaves_the_row_waiting(seller: Seller) -> None:
    seller.account("shop", Channel.SHOPIFY)
    sku = seller.sku("TEE", 10)
    seller.listing("shop", sku)
    seller.start()
    seller.channels["shop"].before_answer = lambda: seller.take_away(sku, 9)

    push(seller, "shop")

    assert seller.state("shop", sku).stale_since is not None
    seller.channels["shop"].before_answer = lambda: None
    while push(seller, "shop"):
        pass
    assert seller.channels["shop"].shown["TEE"] == 1


def test_a_stale_compare_and_swap_is_read_again_and_sent_with_the_true_value(seller: Seller) -> None:
    seller.account("shop", Channel.SHOPIFY)
    sku = seller.sku("TEE", 10)
    seller.listing("shop", sku, shown=1)
    seller.start()
    order = seller.channels["shop"].sell("TEE")

    push(seller, "shop")

    assert PushAttempt.objects.get().result == "stale"
    seller.know("shop", order)
    while push(seller, "shop"):
        pass
    assert 0 < seller.channels["shop"].shown["TEE"] == seller.state("shop", sku).desired_quantity <= 9


def test_a_refused_batch_is_split_until_the_culprit_stands_alone(seller: Seller) -> None:
    seller.account("flip", Channel.FLIPKART)
    for code in ("A", "B", "C"):
        seller.listing("flip", seller.sku(code, 5))
    seller.start()
    fake = seller.channels["flip"]
    fake.refuse_batches_with = {"B"}
    fake.answer = lambda update: PushResult.REFUSED if update.row.listing.key == "B" else PushResult.ACCEPTED

    while push(seller, "flip"):
        pass

    assert fake.shown["A"] > 0
    assert fake.shown["C"] > 0
    assert fake.shown["B"] == 0


def test_an_account_in_trial_run_records_what_it_would_send_and_sends_nothing(seller: Seller) -> None:
    seller.account("flip", Channel.FLIPKART, mode="shadow")
    seller.listing("flip", seller.sku("TEE", 10))
    seller.start()

    assert push(seller, "flip") == 0
    assert ShadowRecord.objects.count() == 1
    assert seller.channels["flip"].sent == []


def test_the_database_refuses_a_flight_for_stock_that_the_marketplace_keeps(seller: Seller) -> None:
    seller.account("flip", Channel.FLIPKART)
    sku = seller.sku("TEE", 10)
    listing = seller.listing("flip", sku)
    Listing.objects.filter(pk=listing.pk).update(fulfilment="FBF")
    now = timezone.now()

    with pytest.raises(IntegrityError, match="not ours to write"), transaction.atomic():
        Flight.objects.create(state=seller.state("flip", sku), value=0, claimed_at=now, deadline=now)


def test_the_database_refuses_a_flight_beyond_its_headroom(seller: Seller) -> None:
    seller.account("flip", Channel.FLIPKART)
    sku = seller.sku("TEE", 10)
    seller.listing("flip", sku)
    now = timezone.now()

    with pytest.raises(IntegrityError, match="flight_within_rights"), transaction.atomic():
        Flight.objects.create(
            state=seller.state("flip", sku), value=5, raises=5, headroom=4, claimed_at=now, deadline=now
        )


def test_two_claims_of_the_same_row_never_overlap(seller: Seller) -> None:
    seller.account("flip", Channel.FLIPKART)
    sku = seller.sku("TEE", 10)
    seller.listing("flip", sku)
    seller.start()
    inner: list[int] = []
    seller.channels["flip"].before_answer = lambda: inner.append(push(seller, "flip"))

    push(seller, "flip")

    assert inner == [0]
    assert ListingState.objects.get().claimed_until is None


def test_a_known_sale_lowers_what_the_row_may_sell_and_the_other_rows_are_not_touched(seller: Seller) -> None:
    for name, channel in (("flip", Channel.FLIPKART), ("shop", Channel.SHOPIFY)):
        seller.account(name, channel)
    sku = seller.sku("TEE", 10)
    for name in seller.accounts:
        seller.listing(name, sku)
    seller.rule("strict")
    seller.start()
    for name in seller.accounts:
        while push(seller, name):
            pass
    calls = {name: channel.calls for name, channel in seller.channels.items()}

    seller.know("shop", seller.channels["shop"].sell("TEE"))

    assert seller.on_hand(sku).committed == 1
    assert {name: channel.calls for name, channel in seller.channels.items()} == calls
