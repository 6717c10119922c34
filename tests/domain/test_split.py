from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inventory_sync.domain.split import fair_split

parts = st.lists(st.tuples(st.floats(0, 50), st.integers(0, 60)), max_size=6)


@given(units=st.integers(-10, 200), parts=parts)
def test_gives_away_every_unit_that_the_limits_allow_and_no_other(units, parts):
    weights, limits = [weight for weight, _ in parts], [limit for _, limit in parts]

    split = fair_split(units=units, weights=weights, limits=limits)

    assert sum(split) == min(max(units, 0), sum(limits))
    assert all(0 <= part <= limit for part, limit in zip(split, limits, strict=True))


@given(units=st.integers(6, 200), weights=st.lists(st.floats(0, 50), min_size=1, max_size=6))
def test_everybody_is_on_sale_when_there_is_a_unit_for_each(units, weights):
    assert min(fair_split(units=units, weights=weights, limits=[units] * len(weights))) >= 1


def test_follows_the_weights_and_gives_ties_to_the_earlier_one():
    assert fair_split(units=100, weights=[40, 25, 10], limits=[100] * 3) == [54, 33, 13]
    assert fair_split(units=4, weights=[1, 1, 1], limits=[4] * 3) == [2, 1, 1]


def test_what_a_limit_withholds_goes_to_the_others():
    assert fair_split(units=30, weights=[1, 1, 1], limits=[2, 30, 30]) == [2, 14, 14]
