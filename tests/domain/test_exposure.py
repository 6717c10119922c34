"""The table of events, cell by cell, and the guard over rows that share stock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_sync.domain.exposure import (
    Book,
    Flight,
    FlightOutcome,
    OverGrant,
    ReadBack,
    RowUse,
    WriteKind,
    accepted,
    added_exposure,
    cancel_restocked_by_channel,
    claim,
    exposure,
    feed_complete,
    headroom,
    may_send,
    observed,
    opened,
    over_granted,
    raises,
    refused,
    sale_known,
    settle_expired,
    stale_cas,
    unknown,
    zero_must_repeat,
)

NOW = datetime(2026, 10, 8, 12, 0, tzinfo=UTC)
ABSOLUTE, CAS = WriteKind.ABSOLUTE, WriteKind.CAS


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def write(value, *, id=1, claimed=0.0, deadline=11.0, compared=None):
    return Flight(id=id, value=value, claimed_at=at(claimed), deadline=at(deadline), compared=compared)


def read(book, value, *, begun=20.0, last_deadline=None, changed=None, read_back=ReadBack.SHOWN, lag=0.0):
    return observed(
        book,
        value=value,
        read_begun_at=at(begun),
        now=at(begun + 0.1),
        last_deadline=None if last_deadline is None else at(last_deadline),
        book_changed_at=None if changed is None else at(changed),
        read_back=read_back,
        read_lag=timedelta(minutes=lag),
    )


# --- exposure ----------------------------------------------------------------------------------------------------------


def test_an_absolute_write_counts_in_full_beside_what_is_shown():
    book = claim(Book(kind=ABSOLUTE, shown=3, unseen=2), flight=write(10))

    assert exposure(book) == 15
    assert added_exposure(value=10) == 10


def test_a_compare_and_swap_counts_only_what_it_raises():
    raised = claim(Book(kind=CAS, shown=3), flight=write(10, compared=3))
    cut = claim(Book(kind=CAS, shown=10), flight=write(3, compared=10))

    assert (exposure(raised), exposure(cut)) == (10, 10)
    assert not raises(value=3, compared=10)
    assert not raises(value=0)


def test_a_flight_must_fit_the_kind_of_its_row():
    with pytest.raises(ValueError, match="kind"):
        claim(Book(kind=CAS), flight=write(1))
    with pytest.raises(ValueError, match="kind"):
        claim(Book(kind=ABSOLUTE), flight=write(1, compared=0))


# --- orders and cancels ------------------------------------------------------------------------------------------------


def test_a_known_sale_comes_off_unseen_first_then_off_shown():
    book = sale_known(Book(kind=ABSOLUTE, shown=5, unseen=2), units=3)

    assert (book.unseen, book.shown) == (0, 4)


def test_a_known_sale_beyond_the_book_was_served_by_the_flight_in_force():
    book = sale_known(claim(Book(kind=ABSOLUTE, shown=1), flight=write(10)), units=4)

    assert exposure(book) == 7
    assert settle_expired(book, now=at(12)).shown == 7


def test_without_a_flight_exposure_never_falls_below_zero():
    assert exposure(sale_known(Book(kind=ABSOLUTE, shown=1), units=4)) == 0


def test_units_restocked_while_a_write_is_in_flight_may_stand_on_top_of_its_value():
    book = accepted(claim(Book(kind=ABSOLUTE), flight=write(5)), flight_id=1, now=NOW)
    book = cancel_restocked_by_channel(book, units=2)

    assert exposure(book) == 7
    assert settle_expired(book, now=at(12)).shown == 7


# --- answers -----------------------------------------------------------------------------------------------------------


def test_a_certain_refusal_gives_the_rights_back():
    book = claim(Book(kind=ABSOLUTE, shown=3), flight=write(10))

    assert refused(book, flight_id=1) == Book(kind=ABSOLUTE, shown=3)


def test_neither_acceptance_nor_a_timeout_changes_the_exposure_of_an_absolute_row():
    book = claim(Book(kind=ABSOLUTE, shown=3), flight=write(10))

    assert exposure(accepted(book, flight_id=1, now=NOW)) == exposure(unknown(book, flight_id=1)) == 13


def test_an_acceptance_after_the_deadline_counts_as_unknown():
    book = accepted(claim(Book(kind=ABSOLUTE, shown=3), flight=write(2)), flight_id=1, now=at(11.5))

    assert book.flights[0].outcome is FlightOutcome.UNKNOWN
    assert settle_expired(book, now=at(12)).shown == 3


def test_an_accepted_swap_puts_the_new_value_in_place_of_the_compared_one():
    book = claim(Book(kind=CAS, shown=10, unseen=1), flight=write(4, compared=10))

    assert accepted(sale_known(book, units=2), flight_id=1, now=NOW) == Book(kind=CAS, shown=3, unseen=0)


def test_an_answer_to_a_flight_that_was_settled_long_ago_changes_nothing():
    book = Book(kind=ABSOLUTE, shown=3)

    assert accepted(book, flight_id=9, now=NOW) == refused(book, flight_id=9) == unknown(book, flight_id=9) == book


# --- deadlines ---------------------------------------------------------------------------------------------------------


def test_an_accepted_write_replaces_what_was_shown_only_at_its_deadline():
    book = accepted(claim(Book(kind=ABSOLUTE, shown=3, unseen=1), flight=write(10)), flight_id=1, now=NOW)

    assert settle_expired(book, now=at(11)) == book
    assert settle_expired(book, now=at(11.1)) == Book(kind=ABSOLUTE, shown=10, unseen=4, unseen_at=at(11.1))


def test_a_write_that_may_be_lost_leaves_the_old_quantity_possible():
    book = unknown(claim(Book(kind=ABSOLUTE, shown=8), flight=write(3)), flight_id=1)

    assert settle_expired(book, now=at(12)) == Book(kind=ABSOLUTE, shown=8, unseen=3, unseen_at=at(12))


def test_a_crash_between_claim_and_settle_counts_as_unknown():
    book = claim(Book(kind=ABSOLUTE, shown=8), flight=write(3))

    assert settle_expired(book, now=at(12)).shown == 8


def test_a_zero_that_overtook_another_write_is_not_believed_and_must_be_repeated():
    book = claim(Book(kind=ABSOLUTE), flight=write(10, id=1, deadline=11))
    book = claim(book, flight=write(0, id=2, claimed=2, deadline=13))
    book = accepted(accepted(book, flight_id=1, now=NOW), flight_id=2, now=at(2))

    assert not zero_must_repeat(book, now=at(10))
    assert not may_send(book, value=0, now=at(10))
    assert zero_must_repeat(book, now=at(11.5))
    assert settle_expired(book, now=at(14)).shown == 10

    repeated = claim(book, flight=write(0, id=3, claimed=11.5, deadline=22.5))
    repeated = accepted(repeated, flight_id=3, now=at(12))
    assert not zero_must_repeat(repeated, now=at(12))
    assert settle_expired(repeated, now=at(23)) == Book(kind=ABSOLUTE, unseen=10, unseen_at=at(23))


def test_a_swap_of_unknown_outcome_may_have_raised_but_is_not_trusted_to_have_cut():
    raised = unknown(claim(Book(kind=CAS, shown=3), flight=write(10, compared=3)), flight_id=1)
    cut = unknown(claim(Book(kind=CAS, shown=10), flight=write(3, compared=10)), flight_id=1)

    assert settle_expired(raised, now=at(12)) == settle_expired(cut, now=at(12)) == Book(kind=CAS, shown=10)


def test_only_a_zero_may_overtake():
    book = claim(Book(kind=ABSOLUTE), flight=write(10))

    assert may_send(book, value=0, now=NOW)
    assert not may_send(book, value=4, now=NOW)
    with pytest.raises(ValueError, match="wait"):
        claim(book, flight=write(4, id=2))


def test_a_zero_of_unknown_outcome_may_be_sent_again():
    book = unknown(claim(Book(kind=ABSOLUTE, shown=3), flight=write(0)), flight_id=1)

    assert may_send(book, value=0, now=at(1))


# --- reads and watermarks ----------------------------------------------------------------------------------------------


def test_a_read_moves_units_from_shown_to_unseen_and_frees_nothing():
    reading = read(Book(kind=ABSOLUTE, shown=10, unseen=1), 7, last_deadline=11)

    assert reading.book == Book(kind=ABSOLUTE, shown=7, unseen=4, unseen_at=at(20.1))
    assert not reading.unexplained


@pytest.mark.parametrize(
    "circumstances",
    [
        {"begun": 11.0, "last_deadline": 11.0},
        {"begun": 12.0, "last_deadline": 11.0, "lag": 2.0},
        {"begun": 12.0, "changed": 12.5},
        {"read_back": ReadBack.SELLER_SET},
    ],
)
def test_a_read_that_proves_nothing_is_for_the_mismatch_report_only(circumstances):
    book = Book(kind=ABSOLUTE, shown=10)

    reading = read(book, 7, **circumstances)

    assert reading.drift_only
    assert reading.book == book


@pytest.mark.parametrize("value", [0, 4, 10, 99])
def test_a_read_with_a_write_in_flight_never_changes_the_book(value):
    book = claim(Book(kind=ABSOLUTE, shown=4), flight=write(10))

    reading = read(book, value, last_deadline=11)

    assert (reading.book, reading.drift_only, reading.unexplained) == (book, True, False)


def test_more_than_we_can_explain_raises_the_alert_and_the_exposure():
    reading = read(Book(kind=ABSOLUTE, shown=4), 9)

    assert reading.unexplained
    assert exposure(reading.book) == 9


def test_a_stale_swap_was_refused_and_its_reread_relabels():
    book = claim(Book(kind=CAS, shown=10), flight=write(12, compared=10))

    reading = stale_cas(book, flight_id=1, actual=7, read_begun_at=at(1), now=at(1.1), book_changed_at=NOW)

    assert reading.book == Book(kind=CAS, shown=7, unseen=3, unseen_at=at(1.1))


def test_a_reread_beside_another_swap_would_count_that_cut_twice():
    book = claim(Book(kind=CAS, shown=5), flight=write(1, id=1, compared=5))
    book = claim(book, flight=write(0, id=2, compared=4))

    reading = stale_cas(book, flight_id=2, actual=1, read_begun_at=at(1), now=at(1), book_changed_at=None)

    assert reading.drift_only
    assert accepted(reading.book, flight_id=1, now=at(1)) == Book(kind=CAS, shown=1)


def test_a_watermark_clears_what_may_have_been_sold_before_it_and_no_earlier():
    book = Book(kind=ABSOLUTE, shown=5, unseen=3, unseen_at=at(5))

    assert feed_complete(book, watermark=at(5)) == book
    assert feed_complete(book, watermark=at(5.1)) == Book(kind=ABSOLUTE, shown=5)


def test_a_new_row_waits_for_a_feed_that_is_complete_past_its_first_read():
    book = opened(kind=ABSOLUTE, shown=6, now=NOW)

    assert book.unseen_at == NOW
    assert feed_complete(book, watermark=at(1)) == Book(kind=ABSOLUTE, shown=6)


# --- the guard ---------------------------------------------------------------------------------------------------------

MUMBAI, DELHI = 1, 2
SHIRT, CAP = 10, 20


def use(row_id, exposed, *warehouses, units=None):
    return RowUse(row_id=row_id, exposure=exposed, warehouses=frozenset(warehouses), units=units or {SHIRT: 1})


def test_rows_of_one_warehouse_share_its_stock():
    rows = [use("flipkart", 4, MUMBAI), use("amazon", 3, MUMBAI)]

    assert headroom(row=rows[0], rows=rows, available={(SHIRT, MUMBAI): 10}, allowance={}) == 3
    assert headroom(row=rows[0], rows=rows, available={(SHIRT, MUMBAI): 5}, allowance={}) == -2


def test_a_row_of_two_warehouses_may_not_starve_the_rows_of_one():
    rows = [use("flipkart", 5, MUMBAI), use("amazon", 4, MUMBAI, DELHI)]
    available = {(SHIRT, MUMBAI): 6, (SHIRT, DELHI): 5}

    assert headroom(row=rows[0], rows=rows, available=available, allowance={}) == 1  # Mumbai alone binds
    assert headroom(row=rows[1], rows=rows, available=available, allowance={}) == 2  # both together bind


def test_a_pack_of_two_and_a_combo_count_physical_units_of_every_component():
    rows = [use("single", 3, MUMBAI), use("combo", 1, MUMBAI, units={SHIRT: 2, CAP: 1})]
    available = {(SHIRT, MUMBAI): 10, (CAP, MUMBAI): 3}

    assert headroom(row=rows[1], rows=rows, available=available, allowance={}) == 2
    assert headroom(row=rows[0], rows=rows, available=available, allowance={SHIRT: 2}) == 7


def test_a_row_that_nothing_can_serve_gets_no_rights():
    assert headroom(row=use("lost", 2), rows=[], available={(SHIRT, MUMBAI): 9}, allowance={SHIRT: 5}) == -2


def test_over_granted_names_the_sku_the_warehouses_and_the_excess():
    rows = [use("flipkart", 7, MUMBAI), use("amazon", 2, DELHI)]
    available = {(SHIRT, MUMBAI): 5, (SHIRT, DELHI): 9}

    assert over_granted(rows=rows, available=available, allowance={}) == [
        OverGrant(sku_id=SHIRT, warehouses=frozenset({MUMBAI}), units=2)
    ]


warehouse_sets = st.frozensets(st.integers(0, 3), min_size=1, max_size=3)
many_rows = st.lists(
    st.builds(
        RowUse,
        row_id=st.uuids().map(str),
        exposure=st.integers(0, 9),
        warehouses=warehouse_sets,
        units=st.dictionaries(st.sampled_from([SHIRT, CAP]), st.integers(1, 3), min_size=1),
    ),
    min_size=1,
    max_size=5,
)
stock = st.dictionaries(st.tuples(st.sampled_from([SHIRT, CAP]), st.integers(0, 3)), st.integers(-4, 25))


def slack_of_every_subset(sku, rows, available, allowance):
    for size in range(5):
        for chosen in combinations(range(4), size):
            subset = frozenset(chosen)
            used = sum(row.exposure * row.units.get(sku, 0) for row in rows if row.warehouses <= subset)
            yield subset, sum(available.get((sku, each), 0) for each in subset) + allowance.get(sku, 0) - used


@given(rows=many_rows, available=stock, extra=st.integers(0, 4))
def test_the_unions_that_are_checked_are_as_sharp_as_all_subsets(rows, available, extra):
    row, allowance = rows[0], {SHIRT: extra}

    expected = min(
        free // row.units[sku]
        for sku in row.units
        for subset, free in slack_of_every_subset(sku, rows, available, allowance)
        if row.warehouses <= subset
    )

    assert headroom(row=row, rows=rows, available=available, allowance=allowance) == expected


@given(rows=many_rows, available=stock)
def test_over_granted_finds_the_worst_excess_of_every_sku(rows, available):
    found = over_granted(rows=rows, available=available, allowance={})

    for sku in {sku for row in rows for sku in row.units}:
        worst = min(free for _, free in slack_of_every_subset(sku, rows, available, {}))
        assert max((each.units for each in found if each.sku_id == sku), default=0) == max(-worst, 0)


@given(rows=many_rows, available=stock)
def test_a_raise_within_the_headroom_over_grants_nothing_new(rows, available):
    before = over_granted(rows=rows, available=available, allowance={})
    room = headroom(row=rows[0], rows=rows, available=available, allowance={})
    if room <= 0:
        return
    first = rows[0]
    raised = RowUse(row_id=first.row_id, exposure=first.exposure + room, warehouses=first.warehouses, units=first.units)

    assert over_granted(rows=[raised, *rows[1:]], available=available, allowance={}) == before


def test_an_accepted_write_is_in_force_sooner_than_the_lease_had_to_reckon_with() -> None:
    claimed = datetime(2026, 10, 7, 18, 30, tzinfo=UTC)
    flight = Flight(id=1, value=4, claimed_at=claimed, deadline=claimed + timedelta(seconds=660))
    book = claim(Book(kind=WriteKind.ABSOLUTE), flight=flight)

    book = accepted(book, flight_id=1, now=claimed + timedelta(seconds=2), in_force_by=claimed + timedelta(seconds=602))

    assert book.flights[0].deadline == claimed + timedelta(seconds=602)
