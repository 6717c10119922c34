"""The hot path stays short: every order of a sale goes through it."""

from __future__ import annotations

import pytest

from inventory_sync.domain.snapshots import Channel, Source
from inventory_sync.orders.apply import apply_snapshot
from inventory_sync.orders.returns import apply_return
from tests.orders.conftest import NOW, came_back, line, order

SAVEPOINT = 2  # the test's own transaction turns ``atomic`` into a savepoint and its release

# order: look, create, lock, store; listing, its links, its parts; balances; line; ledger
NEW_ORDER = 10 + SAVEPOINT
REPEAT = 2 + SAVEPOINT
# order, lines; returns, ledger so far; line, balances, ledger; order
CHANGE = 8 + SAVEPOINT
# the return: look, create, lock, store; its line: find, lock; returns, ledger so far; line, balances (created, too), ledger
RETURN = 13 + SAVEPOINT


@pytest.fixture
def rules(shop):
    shop.sku(units=10)
    return shop.rules()


def test_a_new_order_with_one_line_takes_few_queries(rules, django_assert_max_num_queries):
    with django_assert_max_num_queries(NEW_ORDER):
        apply_snapshot(rules=rules, snapshot=order(line()), now=NOW)


def test_a_repeat_takes_next_to_none(rules, django_assert_max_num_queries):
    apply_snapshot(rules=rules, snapshot=order(line()), now=NOW)
    with django_assert_max_num_queries(REPEAT):
        apply_snapshot(rules=rules, snapshot=order(line()), now=NOW)


@pytest.mark.parametrize("facts", [{"shipped": 1}, {"cancelled": 1}], ids=["shipped", "cancelled"])
def test_a_change_of_a_known_order_takes_few_queries(rules, facts, django_assert_max_num_queries):
    apply_snapshot(rules=rules, snapshot=order(line()), now=NOW)
    with django_assert_max_num_queries(CHANGE):
        apply_snapshot(rules=rules, snapshot=order(line(**facts), minute=1), now=NOW)


def test_a_return_takes_few_queries(rules, django_assert_max_num_queries):
    apply_snapshot(rules=rules, snapshot=order(line(shipped=1)), now=NOW)
    with django_assert_max_num_queries(RETURN):
        apply_return(rules=rules, snapshot=came_back(), settings={}, now=NOW)


def test_more_lines_of_a_new_order_cost_no_more_queries_than_one(shop, django_assert_max_num_queries):
    for code in "ABCDEFGH":
        shop.sku(code, 10)
    rules = shop.rules(Channel.SHOPIFY)
    lines = [line(f"L{code}", sells=code) for code in "ABCDEFGH"]
    with django_assert_max_num_queries(NEW_ORDER):
        apply_snapshot(rules=rules, snapshot=order(*lines, source=Source.WEBHOOK), now=NOW)
