"""However often, late and mixed up the snapshots of an order come in: the balances are those of the newest one alone."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory_sync.domain.ledger import Buckets
from inventory_sync.domain.snapshots import Channel, LineSnapshot, OrderSnapshot, ReturnSnapshot, ReturnState, Source
from inventory_sync.orders.models import OrderLine
from inventory_sync.orders.returns import adopt_waiting_returns
from inventory_sync.orders.verify import verify
from skumap.services import set_kit
from tests.orders.conftest import NOW, Shop, came_back, line, make_shop, order

SOURCES = (Source.WEBHOOK, Source.POLL, Source.READ)
LINES = {"L1": "TEE", "L2": "CAP", "L3": "COMBO"}


@st.composite
def lives(draw: st.DrawFn, channel: Channel) -> tuple[LineSnapshot, ...]:
    """One line's facts over time, as this channel would tell them: what happened stays, more may come."""
    ordered = draw(st.integers(1, 4))
    key = draw(st.sampled_from(sorted(LINES)))
    facts = {"shipped": 0, "cancelled": 0, "cancelled_kept": 0, "returned": 0}
    told = []
    for _ in range(draw(st.integers(1, 4))):
        still_open = ordered - facts["shipped"] - facts["cancelled"] - facts["cancelled_kept"]
        possible = []
        if still_open:
            possible += ["shipped", "cancelled"]
            if channel is Channel.SHOPIFY:
                possible.append("cancelled_kept")
        if channel is Channel.SHOPIFY and facts["shipped"] > facts["returned"]:
            possible.append("returned")
        if possible:
            facts[draw(st.sampled_from(possible))] += 1
        told.append(line(key, sells=LINES[key], ordered=ordered, **facts))
    return tuple(told)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Channel, tuple[OrderSnapshot, ...]]:
    """The snapshots of one order as they really happened, one minute apart, each telling the whole order."""
    channel = draw(st.sampled_from(list(Channel)))
    by_line = {life[0].line_key: life for life in draw(st.lists(lives(channel), min_size=1, max_size=3))}
    moments = max(len(life) for life in by_line.values())
    told = [
        order(
            *(life[min(moment, len(life) - 1)] for life in by_line.values()),
            minute=moment,
            source=draw(st.sampled_from(SOURCES)),
            read_at=moment,
        )
        for moment in range(moments)
    ]
    return channel, tuple(told)


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[Channel, tuple[OrderSnapshot, ...], tuple[OrderSnapshot, ...]]:
    """(channel, what happened, what came in): each snapshot at least once, any number of times, in any order, from any source."""
    channel, happened = draw(histories())
    again = draw(st.lists(st.sampled_from(happened), max_size=4))
    resent = [replace(snapshot, source=draw(st.sampled_from(SOURCES))) for snapshot in again]
    return channel, happened, tuple(draw(st.permutations([*happened, *resent])))


def stocked() -> Shop:
    shop = make_shop()
    tee, cap = shop.sku("TEE", 20), shop.sku("CAP", 20)
    combo = shop.sku("COMBO", 0)
    set_kit(kit=combo, parts={tee: 2, cap: 1})
    return shop


@pytest.fixture
def shop(db: None) -> Shop:
    return stocked()


@contextmanager
def forgotten() -> Iterator[None]:
    """What happens inside is undone at the end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def take_and_confirm(shop: Shop, channel: Channel, snapshot: OrderSnapshot, newest: OrderSnapshot) -> None:
    """Take a snapshot in; where the order is to be read by id, the channel tells its newest state, as the engine would ask it to."""
    if shop.take(snapshot, channel=channel).confirm:
        shop.take(replace(newest, source=Source.READ), channel=channel)


@settings(max_examples=30)
@given(case=arrivals())
def test_any_sequence_of_snapshots_ends_where_the_newest_one_alone_does(shop, case):
    channel, happened, came_in = case
    newest = happened[-1]
    with forgotten():
        shop.take(replace(newest, source=Source.READ), channel=channel)
        expected = shop.balances()

    with forgotten():
        for snapshot in came_in:
            take_and_confirm(shop, channel, snapshot, newest)
        assert shop.balances() == expected
        assert verify() == []


RETURN_STATES = st.lists(st.sampled_from(list(ReturnState)), min_size=1, max_size=4)


@settings(max_examples=20)
@given(states=RETURN_STATES, more=st.data())
def test_any_sequence_of_an_orders_and_its_returns_states_ends_where_the_newest_alone_do(shop, states, more):
    told: list[OrderSnapshot | ReturnSnapshot] = [
        order(line(ordered=2)),
        order(line(ordered=2, shipped=2), minute=1),
        *(came_back(state=state, minute=minute) for minute, state in enumerate(states)),
    ]
    came_in = more.draw(st.permutations([*told, *more.draw(st.lists(st.sampled_from(told), max_size=3))]))
    with forgotten():
        for each in came_in:
            if isinstance(each, ReturnSnapshot):
                shop.take_back(each)
            else:
                shop.take(each)
                adopt_waiting_returns(rules=shop.rules(), now=NOW)
        balances = shop.balances()
        assert balances["TEE", "A"] == Buckets(18, 0)
        arrived = states[-1] is ReturnState.ARRIVED and ReturnState.NEVER not in states
        assert balances.get(("TEE", "QC"), Buckets()) == Buckets(1 if arrived else 0, 0)
        assert verify() == []


FACTS = ("ordered", "shipped", "cancelled", "cancelled_kept", "returned")


def test_snapshots_that_come_in_on_several_threads_at_once_end_where_the_newest_does(transactional_db):
    shop = stocked()
    number = itertools.count()

    @settings(max_examples=8)
    @given(case=histories(), dice=st.randoms(use_true_random=False))
    def check(case: tuple[Channel, tuple[OrderSnapshot, ...]], dice: random.Random) -> None:
        channel, told = case
        name = f"-{next(number)}"
        happened = [
            replace(
                each, key=each.key + name, lines=tuple(replace(one, line_key=one.line_key + name) for one in each.lines)
            )
            for each in told
        ]

        def feed(snapshots: Sequence[OrderSnapshot]) -> None:
            try:
                for snapshot in snapshots:
                    take_and_confirm(shop, channel, snapshot, happened[-1])
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(feed, [dice.sample(happened, len(happened)) for _ in range(4)]))

        stored = OrderLine.objects.filter(order__key=happened[-1].key).order_by("id").values_list("line_key", *FACTS)
        newest = [(one.line_key, *(getattr(one, name) for name in FACTS)) for one in happened[-1].lines]
        assert sorted(stored) == sorted(newest)
        assert verify() == []

    check()
