"""What came back: into quarantine, straight to stock, or never."""

from __future__ import annotations

import pytest

from inventory_sync.domain.snapshots import ReturnState, Source
from inventory_sync.orders.models import OrderLine, ReturnItem
from inventory_sync.orders.returns import adopt_returns, adopt_waiting_returns
from inventory_sync.stock.models import StockMovement
from tests.orders.conftest import NOW, came_back, line, order


@pytest.fixture
def sku(shop):
    """Two of ten units were sold and shipped."""
    sku = shop.sku(units=10)
    shop.take(order(line("SH1:77", ordered=2, shipped=2), key="SH1"))
    return sku


def give(shop, **facts):
    return shop.take_back(came_back(**{"line_key": "SH1:77", "line_ref": "77", **facts}))


@pytest.mark.parametrize("courier", [True, False], ids=["by the courier", "by the customer"])
def test_goods_that_came_back_wait_for_inspection(shop, sku, courier):
    touched = give(shop, courier=courier)
    assert touched == {sku.pk}
    assert (shop.balance(sku), shop.quarantined(sku)) == ((8, 0), 1)
    assert give(shop, courier=courier) == frozenset()
    assert shop.quarantined(sku) == 1


@pytest.mark.parametrize(
    ("setting", "courier", "straight_to_stock"),
    [
        ("restock_courier_return", True, True),
        ("restock_courier_return", False, False),
        ("restock_customer_return", False, True),
        ("restock_customer_return", True, False),
    ],
)
def test_the_accounts_rule_may_put_a_kind_of_return_straight_on_sale(shop, sku, setting, courier, straight_to_stock):
    shop.settings = {setting: "restock"}
    give(shop, courier=courier)
    assert (shop.balance(sku)[0], shop.quarantined(sku)) == ((9, 0) if straight_to_stock else (8, 1))


def test_a_rule_that_changes_later_leaves_what_has_arrived_where_it_is(shop, sku):
    give(shop)
    shop.settings = {"restock_customer_return": "restock"}
    give(shop, minute=5, status="completed")
    assert (shop.balance(sku), shop.quarantined(sku)) == ((8, 0), 1)


def test_a_return_on_its_way_changes_nothing_until_it_arrives(shop, sku):
    give(shop, state=ReturnState.EXPECTED)
    assert shop.quarantined(sku) == 0
    give(shop, state=ReturnState.ARRIVED, minute=1)
    assert shop.quarantined(sku) == 1


def test_a_refund_whose_goods_will_never_come_puts_nothing_back(shop, sku):
    give(shop, state=ReturnState.NEVER, units=2)
    assert (shop.balance(sku), shop.quarantined(sku)) == ((8, 0), 0)


@pytest.mark.parametrize("state", [ReturnState.CALLED_OFF, ReturnState.EXPECTED, ReturnState.NEVER])
def test_a_return_that_did_not_arrive_after_all_is_taken_out_again(shop, sku, state):
    give(shop)
    give(shop, state=state, minute=1)
    assert (shop.balance(sku), shop.quarantined(sku)) == ((8, 0), 0)


def test_an_older_state_of_a_return_changes_nothing(shop, sku):
    give(shop, minute=5)
    give(shop, state=ReturnState.EXPECTED, minute=1)
    assert shop.quarantined(sku) == 1


def test_a_hint_of_a_return_changes_nothing(shop, sku):
    give(shop, source=Source.HINT)
    assert shop.quarantined(sku) == 0
    assert not ReturnItem.objects.exists()


def test_what_will_never_come_is_believed_from_any_source_and_for_good(shop, sku):
    give(shop, state=ReturnState.NEVER, source=Source.HINT, minute=None)
    give(shop, state=ReturnState.ARRIVED, minute=5)
    assert (shop.balance(sku), shop.quarantined(sku)) == ((8, 0), 0)


def test_more_can_not_come_back_than_was_sold(shop, sku):
    give(shop, units=5)
    assert (shop.balance(sku), shop.quarantined(sku)) == ((8, 0), 2)


def test_two_returns_of_one_line_add_up(shop, sku):
    give(shop)
    give(shop, return_id="R2")
    assert shop.quarantined(sku) == 2


def test_a_cancelled_unit_that_comes_back_is_not_taken_from_one_that_is_still_promised(shop):
    sku = shop.sku(units=10)
    shop.settings = {"restock_courier_return": "restock"}
    shop.take(order(line(ordered=2, cancelled=1)))
    shop.take_back(came_back(courier=True))
    assert shop.balance(sku) == (10, 1)


def test_a_return_that_is_known_before_its_line_is_given_to_it(shop):
    sku = shop.sku(units=10)
    shop.take_back(came_back("SH1:77", line_ref="77"))
    assert shop.quarantined(sku) == 0

    applied = shop.take(order(line("SH1:77", shipped=1), key="SH1"))
    lines = list(OrderLine.objects.filter(pk__in=applied.lines))
    touched = adopt_returns(rules=shop.rules(), lines=lines, now=NOW)

    assert touched == {sku.pk}
    assert (shop.balance(sku), shop.quarantined(sku)) == ((9, 0), 1)
    assert adopt_returns(rules=shop.rules(), lines=lines, now=NOW) == frozenset()


def test_a_return_and_a_line_that_missed_each_other_are_brought_together_by_the_sweep(shop):
    sku = shop.sku(units=10)
    shop.take_back(came_back("SH1:77", line_ref="77"))
    shop.take_back(came_back("", line_ref="nowhere", return_id="R2"))
    shop.take(order(line("SH1:77", shipped=1), key="SH1"))
    assert adopt_waiting_returns(rules=shop.rules(), now=NOW) == {sku.pk}
    assert shop.quarantined(sku) == 1
    assert ReturnItem.objects.get(return_id="R2").line is None


def test_a_return_finds_its_line_by_the_channels_own_reference(shop, sku):
    shop.take_back(came_back("", line_ref="77"))
    assert shop.quarantined(sku) == 1


def test_a_reference_that_two_shipments_share_belongs_to_neither_unless_the_shipment_is_named(shop, sku):
    shop.take(order(line("SH2:77", shipped=1), key="SH2"))

    shop.take_back(came_back("", line_ref="77"))
    assert shop.quarantined(sku) == 0

    shop.take_back(came_back("SH2:77", line_ref="77", return_id="R2"))
    assert shop.quarantined(sku) == 1
    assert ReturnItem.objects.get(return_id="R2").line == shop.line("SH2:77")


def test_a_return_stays_with_the_line_that_it_was_given_to(shop, sku):
    give(shop, state=ReturnState.EXPECTED)
    shop.take(order(line("SH2:77", shipped=1), key="SH2"))
    shop.take_back(came_back("SH2:77", line_ref="77", minute=1))
    assert ReturnItem.objects.get().line == shop.line("SH1:77")
    assert shop.quarantined(sku) == 1


def test_a_return_of_a_pack_brings_back_all_its_units(shop):
    sku = shop.sku(units=20)
    shop.listing(sku, key="TEE-3", units_per_sale=3)
    shop.take(order(line(sells="TEE-3", ordered=2, shipped=2)))
    shop.take_back(came_back())
    assert (shop.balance(sku), shop.quarantined(sku)) == ((14, 0), 3)


def test_what_a_return_did_is_told_as_a_return(shop, sku):
    give(shop)
    kinds = list(StockMovement.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["receive", "consume", "return"]
