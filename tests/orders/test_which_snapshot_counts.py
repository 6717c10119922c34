"""Late, repeated and contradicting snapshots: which of them changes stock, and when an order is read by id first."""

from __future__ import annotations

import pytest

from inventory_sync.domain.freshness import Verdict
from inventory_sync.domain.snapshots import Channel, Source
from inventory_sync.orders.models import Order
from tests.orders.conftest import line, order

READ, POLL, WEBHOOK, HINT = Source.READ, Source.POLL, Source.WEBHOOK, Source.HINT


def confirm_pending() -> bool:
    return Order.objects.get().confirm_since is not None


def test_an_older_snapshot_changes_nothing_whatever_it_says(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=3, cancelled=3), minute=5))
    late = shop.take(order(line(ordered=3), minute=1, source=READ))
    assert (late.verdict, late.lines) == (Verdict.OLDER, ())
    assert shop.balance(sku) == (10, 0)


def test_a_hint_of_an_unknown_order_blocks_nothing_and_asks_for_a_read(shop):
    sku = shop.sku(units=10)
    hint = shop.take(order(line(ordered=3), source=HINT))
    assert (hint.confirm, hint.is_new, hint.lines) == (True, True, ())
    assert shop.balance(sku) == (10, 0)
    assert confirm_pending()

    read = shop.take(order(line(ordered=3), source=READ))

    assert (read.is_new, shop.balance(sku)) == (True, (10, 3))
    assert not confirm_pending()


def test_a_new_order_on_a_page_that_wants_confirmation_blocks_at_once(shop):
    sku = shop.sku(units=10)
    page = shop.take(order(line(ordered=3), confirm=True, complete=False))
    assert (page.verdict, page.confirm, shop.balance(sku)) == (Verdict.APPLY_AND_CONFIRM, True, (10, 3))
    assert confirm_pending()


def test_a_page_never_changes_a_known_order_it_only_asks_for_a_read(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=3), source=READ))
    page = shop.take(order(line(ordered=3, cancelled=3), minute=2, confirm=True, complete=False))
    assert (page.verdict, page.confirm) == (Verdict.CONFIRM, True)
    assert shop.balance(sku) == (10, 3)


def test_a_page_that_shows_part_of_what_is_known_asks_for_nothing(shop):
    shop.sku(units=10)
    shop.take(order(line(ordered=3, cancelled=1), source=READ))
    page = shop.take(order(line(ordered=2, cancelled=0, shipped=0), confirm=True, complete=False))
    assert page.confirm is False


def test_a_page_whose_time_did_not_move_but_whose_counts_did_asks_for_a_read(shop):
    shop.sku(units=10)
    shop.take(order(line(ordered=3, cancelled=0), source=READ))
    page = shop.take(order(line(ordered=2, cancelled=2), confirm=True, complete=False))
    assert page.confirm is True
    assert confirm_pending()


def test_of_two_snapshots_of_the_same_moment_the_better_source_counts(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=3), source=WEBHOOK))
    poll = shop.take(order(line(ordered=3, shipped=1), source=POLL))
    assert (poll.verdict, shop.balance(sku)) == (Verdict.APPLY, (9, 2))


@pytest.mark.parametrize("source", [WEBHOOK, POLL])
def test_a_tie_with_other_content_is_read_by_id(shop, source):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=3), source=POLL))
    tie = shop.take(order(line(ordered=3, shipped=1), source=source))
    assert (tie.verdict, tie.confirm, shop.balance(sku)) == (Verdict.CONFIRM, True, (10, 3))

    shop.take(order(line(ordered=3, shipped=1), source=READ))

    assert shop.balance(sku) == (9, 2)
    assert not confirm_pending()


@pytest.mark.parametrize(
    "said",
    [{"location_id": "LOC2"}, {"marketplace_fulfilled": True}],
    ids=["another location", "another one's stock"],
)
def test_a_tie_that_differs_in_where_the_stock_comes_from_is_read_by_id(shop, said):
    shop.sku(units=10)
    shop.take(order(line(location_id="LOC1", marketplace_fulfilled=False)))
    assert shop.take(order(line(**said))).confirm is True


def test_a_tie_with_a_new_line_is_read_by_id(shop):
    shop.sku(units=10)
    shop.take(order(line("L1")))
    assert shop.take(order(line("L1"), line("L2"))).confirm is True


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"shipped": 1, "cancelled": 1}, id="less shipped"),
        pytest.param({"shipped": 2, "cancelled": 0}, id="less cancelled"),
    ],
)
def test_a_state_that_goes_backwards_is_read_by_id_and_then_counts(shop, later):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=3, shipped=2, cancelled=1)))
    before = shop.balance(sku)
    backwards = shop.take(order(line(ordered=3, **later), minute=1))
    assert (backwards.confirm, shop.balance(sku)) == (True, before)

    shop.take(order(line(ordered=3, **later), minute=1, source=READ))

    assert shop.balance(sku) == (10 - later["shipped"], 3 - later["shipped"] - later["cancelled"])


def test_a_whole_order_that_does_not_name_a_known_line_is_read_by_id(shop):
    sku = shop.sku(units=10)
    shop.take(order(line("L1"), line("L2")), channel=Channel.SHOPIFY)
    told = shop.take(order(line("L1"), minute=1, source=WEBHOOK), channel=Channel.SHOPIFY)
    assert (told.confirm, shop.balance(sku)) == (True, (10, 2))


def test_a_snapshot_without_a_time_changes_a_known_order_only_when_it_was_read_by_id(shop):
    sku = shop.sku(units=10)
    first = shop.take(order(line(ordered=3), minute=None, source=WEBHOOK))
    assert (first.verdict, first.confirm, shop.balance(sku)) == (Verdict.APPLY_AND_CONFIRM, True, (10, 3))

    assert shop.take(order(line(ordered=3, cancelled=3), minute=None, source=POLL)).verdict is Verdict.CONFIRM
    assert shop.balance(sku) == (10, 3)

    shop.take(order(line(ordered=3, cancelled=3), minute=None, source=READ, read_at=2))
    assert shop.balance(sku) == (10, 0)
    overtaken = shop.take(order(line(ordered=3), minute=None, source=READ, read_at=1))
    assert (overtaken.verdict, shop.balance(sku)) == (Verdict.OLDER, (10, 0))


def test_a_request_for_a_read_survives_until_somebody_has_read(shop):
    shop.sku(units=10)
    shop.take(order(line(ordered=2, shipped=1)))
    shop.take(order(line(ordered=2, shipped=0), minute=1))
    shop.take(order(line(ordered=2, shipped=1, cancelled=1), minute=2, source=WEBHOOK))
    assert confirm_pending()
    shop.take(order(line(ordered=2, shipped=1, cancelled=1), minute=2, source=READ))
    assert not confirm_pending()
