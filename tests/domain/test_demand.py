from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_sync.domain.demand import SURGE_WINDOWS, DemandState, Trade, prior_rate, surges

START = datetime(2026, 10, 8, tzinfo=UTC)
HOUR = 3600.0


def after(seconds):
    return START + timedelta(seconds=seconds)


def sold(*seconds, prior=0.0):
    state = DemandState(since=START, prior_rate=prior)
    for moment in seconds:
        state = state.recorded(at=after(moment), units=1)
    return state


orders = st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 5)), max_size=12)


def test_a_row_without_orders_starts_at_its_prior_and_falls_with_the_silence():
    state = DemandState(since=START, prior_rate=4 / HOUR)

    assert state.rate(START) == pytest.approx(4 / HOUR)
    assert state.rate(after(6 * HOUR)) < 0.5 / HOUR
    assert state.rate(after(48 * HOUR)) < state.rate(after(24 * HOUR))


def test_a_steady_seller_is_estimated_near_its_true_rate_whatever_the_prior_said():
    luck, at, moments = Random(7), 0.0, []
    while at < 48 * HOUR:
        at += luck.expovariate(6 / HOUR)
        moments.append(at)

    state = sold(*moments, prior=60 / HOUR)

    assert 4 / HOUR < state.steady_rate(after(48 * HOUR)) < 9 / HOUR


def test_a_spike_counts_after_its_third_order():
    quiet = sold(prior=0.1 / HOUR)
    spike = quiet
    for seconds in (0, 20, 40):
        spike = spike.recorded(at=after(seconds), units=1)

    assert quiet.rate(after(60)) < 0.11 / HOUR
    assert spike.rate(after(60)) == pytest.approx(2 / 120)


def test_a_single_order_is_no_burst():
    assert sold(0).burst_rate(after(1)) == 0.0


def test_a_burst_is_forgotten_when_no_order_follows():
    state = sold(0, 10, 20)

    assert state.burst_rate(after(HOUR)) < state.burst_rate(after(60)) / 10


@given(orders=orders, now=st.integers(90_000, 200_000), shuffle=st.randoms())
def test_the_order_in_which_orders_become_known_does_not_matter(orders, now, shuffle):
    straight, mixed = DemandState(since=START), DemandState(since=START)
    for at, units in orders:
        straight = straight.recorded(at=after(at), units=units)
    shuffle.shuffle(orders)
    for at, units in orders:
        mixed = mixed.recorded(at=after(at), units=units)

    assert mixed.steady_rate(after(now)) == pytest.approx(straight.steady_rate(after(now)))


@given(orders=orders, at=st.integers(0, 90_000), units=st.integers(1, 5))
def test_one_more_order_never_lowers_the_rate(orders, at, units):
    state = DemandState(since=START, prior_rate=1 / HOUR)
    for moment, count in orders:
        state = state.recorded(at=after(moment), units=count)
    now = after(100_000)

    assert state.recorded(at=after(at), units=units).steady_rate(now) >= state.steady_rate(now)
    assert state.rate(now) >= 0


def test_the_prior_is_the_channels_share_of_what_the_sku_sold():
    assert prior_rate(sku_units=300, days=30, channel_share=0.5) == pytest.approx(5 / 86_400)
    assert prior_rate(sku_units=0, days=0, channel_share=0.5) == 0.0


# --- the surge of an account --------------------------------------------------------------------------------------------------


def trade(*, usual_per_hour, now_per_hour, seconds_since_it_began):
    """What is sold when the pace changed a while ago, without luck."""
    sold = [
        round(
            (
                min(window, seconds_since_it_began) * now_per_hour
                + max(window - seconds_since_it_began, 0) * usual_per_hour
            )
            / HOUR
        )
        for window in SURGE_WINDOWS
    ]
    return Trade(usual_rate=usual_per_hour / HOUR, sold=sold)


def test_a_tenfold_sale_over_many_listings_is_known_within_two_minutes_before_most_of_them_sold_a_unit():
    factor = surges({1: trade(usual_per_hour=100, now_per_hour=1000, seconds_since_it_began=120)})[1]

    assert 4 < factor < 10


def test_an_ordinary_day_is_no_surge():
    assert surges({1: trade(usual_per_hour=100, now_per_hour=100, seconds_since_it_began=0)})[1] == pytest.approx(
        1, abs=0.1
    )


def test_a_quiet_night_does_not_make_listings_look_slower_than_their_average():
    assert surges({1: trade(usual_per_hour=100, now_per_hour=0, seconds_since_it_began=3600)})[1] == 1.0


def test_an_account_whose_orders_come_late_learns_of_a_sale_from_the_others():
    quick = trade(usual_per_hour=40, now_per_hour=400, seconds_since_it_began=120)
    slow = Trade(usual_rate=60 / HOUR, sold=[0, 0, 0])

    assert surges({1: quick, 2: slow})[2] > 1.5
    assert surges({2: slow})[2] == 1.0


def test_a_seller_with_few_orders_is_not_frightened_by_two_of_them():
    assert surges({1: Trade(usual_rate=1 / HOUR, sold=[2, 2, 2])})[1] < 2


def test_a_surge_is_forgotten_within_twenty_minutes_of_its_end():
    over = Trade(usual_rate=100 / HOUR, sold=[2, 8, 33])

    assert surges({1: over})[1] == pytest.approx(1, abs=0.1)


@given(
    trades=st.dictionaries(
        st.integers(1, 5),
        st.builds(
            Trade,
            usual_rate=st.floats(0, 10),
            sold=st.lists(st.integers(0, 1000), min_size=3, max_size=3),
        ),
        max_size=5,
    )
)
def test_a_surge_is_finite_and_never_below_one(trades):
    assert all(1 <= factor < 1e4 for factor in surges(trades).values())


def test_a_surge_lifts_the_steady_rate_of_a_row_that_has_not_sold_yet():
    state = DemandState(since=START, prior_rate=1 / HOUR)

    assert state.rate(START, surge=8.0) == pytest.approx(8 / HOUR)
