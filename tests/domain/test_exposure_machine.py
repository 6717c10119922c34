"""An adversary against the exposure book: no order of events may let the shops sell more than the book allows, or more than there is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from inventory_sync.domain.exposure import ReadBack, exposure
from tests.domain import exposure_bugs
from tests.domain.exposure_world import FATES, PAUSES, READ_BACKS, Violation, World, run_schedule

SCHEDULES, STEPS = 2_000, 100

shops = st.integers(0, 2)
which = st.integers(0, 5)


class Adversary(RuleBasedStateMachine):
    """Hypothesis chooses every step, and shrinks what it finds to the shortest story."""

    world: World

    @initialize(stock=st.integers(1, 12), read_backs=st.sampled_from(READ_BACKS), facts=st.booleans())
    def start(self, stock, read_backs, facts):
        self.world = World(stock=stock, read_backs=read_backs, facts=facts)

    @rule(shop=shops, wanted=st.integers(0, 12), fate=st.sampled_from(FATES), settled=st.booleans())
    def push(self, shop, wanted, fate, settled):
        self.world.plan(self.world.shops[shop], wanted)
        self.world.claim(self.world.shops[shop])
        self.world.send(self.world.shops[shop], fate)
        if settled:
            self.world.settle(self.world.shops[shop], 0)

    @rule(shop=shops, wanted=st.integers(0, 12))
    def plan(self, shop, wanted):
        self.world.plan(self.world.shops[shop], wanted)

    @rule(shop=shops)
    def claim(self, shop):
        self.world.claim(self.world.shops[shop])

    @rule(shop=shops, fate=st.sampled_from(FATES))
    def send(self, shop, fate):
        self.world.send(self.world.shops[shop], fate)

    @rule(shop=shops, which=which)
    def settle(self, shop, which):
        self.world.settle(self.world.shops[shop], which)

    @rule(shop=shops, which=which)
    def take_effect(self, shop, which):
        self.world.take_effect(self.world.shops[shop], which)

    @precondition(lambda self: any(shop.shown for shop in self.world.shops))
    @rule(shop=shops, units=st.integers(1, 12))
    def buy(self, shop, units):
        self.world.buy(self.world.shops[shop], units)

    @rule(shop=shops, which=which, restocks=st.booleans())
    def cancel(self, shop, which, restocks):
        self.world.cancel(self.world.shops[shop], which, restocks)

    @rule(shop=shops, which=which)
    def hear_order(self, shop, which):
        self.world.hear_order(self.world.shops[shop], which)

    @rule(shop=shops, which=which)
    def hear_cancel(self, shop, which):
        self.world.hear_cancel(self.world.shops[shop], which)

    @rule(shop=shops, seconds_ago=st.sampled_from((0, 1, 30, 300)))
    def feed(self, shop, seconds_ago):
        self.world.feed(self.world.shops[shop], seconds_ago)

    @rule(shop=shops)
    def begin_read(self, shop):
        self.world.begin_read(self.world.shops[shop])

    @rule(shop=shops, which=which)
    def end_read(self, shop, which):
        self.world.end_read(self.world.shops[shop], which)

    @rule(seconds=st.sampled_from(PAUSES))
    def pass_time(self, seconds):
        self.world.pass_time(seconds)

    @rule(shop=shops)
    def fold(self, shop):
        self.world.fold(self.world.shops[shop])

    @rule(units=st.integers(1, 3))
    def goods_in(self, units):
        self.world.goods_in(units)

    @precondition(lambda self: self.world.facts)
    @rule(shop=shops)
    def a_fact_from_outside(self, shop):
        self.world.stock_take(1)
        self.world.refund_with_restock(self.world.shops[shop], 1)
        self.world.hear_refund(self.world.shops[shop])

    @invariant()
    def the_books_hold_and_nothing_is_oversold(self):
        if hasattr(self, "world"):
            self.world.check()


TestAdversary = Adversary.TestCase
TestAdversary.settings = settings(
    max_examples=250,
    stateful_step_count=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_a_hundred_thousand_random_steps_sell_no_unit_twice():
    steps, sold = 0, 0
    for seed in range(SCHEDULES):
        world = run_schedule(seed=seed, steps=STEPS)
        steps += world.steps
        sold += world.sold

    assert steps >= 100_000
    assert sold > SCHEDULES  # the shops were open


@pytest.mark.parametrize("rules", exposure_bugs.ALL, ids=lambda rules: rules.__name__)
def test_the_adversary_finds_the_planted_bug(rules):
    with pytest.raises(Violation):
        for seed in range(1_500):
            run_schedule(seed=seed, steps=STEPS, rules=rules)


@pytest.mark.parametrize(
    "rules",
    [
        exposure_bugs.EqualReadClearsFlight,
        exposure_bugs.CasExposureIsWhatIsShown,
        exposure_bugs.ClaimWithoutLock,
        exposure_bugs.AnyWatermarkClearsUnseen,
        exposure_bugs.TimeoutIsRefusal,
    ],
    ids=lambda rules: rules.__name__,
)
def test_the_planted_bug_sells_units_that_do_not_exist(rules):
    with pytest.raises(Violation, match="sold"):
        for seed in range(1_500):
            run_schedule(seed=seed, steps=STEPS, rules=rules, only_oversold=True)


@pytest.mark.parametrize("seed", range(60))
def test_when_everything_has_been_heard_no_right_is_lost(seed):
    world = run_schedule(seed=4 * seed + 1, steps=STEPS)  # without facts from outside

    for shop in world.shops:
        shop.read_back, shop.plan = ReadBack.SHOWN, None
        while shop.answers:
            world.settle(shop, 0)
    world.pass_time(2_000)
    for shop in world.shops:
        world.fold(shop)
        world.feed(shop, 0)
        while any(order.cancelled and not order.cancel_known for order in shop.orders):
            world.hear_cancel(shop, 0)
    for _ in range(2):  # a read relabels, the next complete feed clears what it moved
        world.pass_time(100)
        for shop in world.shops:
            shop.reads.clear()
            shop.log[:] = [(world.now - timedelta(seconds=99), shop.shown)]
            world.begin_read(shop)
            world.end_read(shop, 0)
        world.pass_time(1)
        for shop in world.shops:
            world.feed(shop, 0)

    world.check()
    assert [exposure(shop.book) for shop in world.shops] == [shop.shown for shop in world.shops]
    assert sum(exposure(shop.book) for shop in world.shops) <= world.on_hand - world.committed
