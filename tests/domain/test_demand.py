from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_sync.domain.demand import DemandState, prior_rate

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
