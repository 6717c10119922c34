"""What an order does to stock: blocked, freed, gone, back."""

from __future__ import annotations

import pytest

from inventory_sync.domain.freshness import Verdict
from inventory_sync.domain.snapshots import Channel, Source
from inventory_sync.orders.models import Order, OrderLine
from inventory_sync.stock.models import StockMovement, TransferProposal, Warehouse
from skumap.models import Sku
from skumap.services import set_kit
from tests.orders.conftest import at, came_back, line, order


@pytest.mark.parametrize("channel", list(Channel))
def test_an_order_blocks_what_it_ordered_and_a_repeat_changes_nothing(shop, channel):
    sku = shop.sku(units=10)

    first = shop.take(order(line(ordered=3)), channel=channel)
    again = shop.take(order(line(ordered=3)), channel=channel)

    assert (first.verdict, first.is_new, first.touched) == (Verdict.APPLY, True, {sku.pk})
    assert (again.is_new, again.touched, again.confirm) == (False, frozenset(), False)
    assert shop.balance(sku) == (10, 3)


def test_an_order_for_more_than_there_is_is_a_fact_and_availability_falls_below_zero(shop):
    sku = shop.sku(units=1)
    shop.take(order(line(ordered=4)))
    assert shop.balance(sku) == (1, 4)


def test_shipping_takes_the_units_out_of_the_warehouse(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=3)))
    shop.take(order(line(ordered=3, shipped=2), minute=1))
    assert shop.balance(sku) == (8, 1)


def test_a_partial_cancellation_frees_the_units_that_were_cancelled(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=3)))
    shop.take(order(line(ordered=3, cancelled=2), minute=1))
    assert shop.balance(sku) == (10, 1)


def test_units_cancelled_after_they_left_stay_out_until_they_come_back(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2, shipped=2)))
    shop.take(order(line(ordered=2, shipped=2, cancelled=2), minute=1))
    assert shop.balance(sku) == (8, 0)


def test_units_that_were_shipped_and_are_told_as_cancelled_later_have_left_all_the_same(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=3, shipped=2)))

    for minute, source in ((1, Source.POLL), (2, Source.READ), (3, Source.READ)):
        shop.take(order(line(ordered=3, shipped=1, cancelled=1), minute=minute, source=source))
        assert shop.balance(sku) == (8, 1)  # the third one is still promised
    shop.take(order(line(ordered=3, shipped=2, cancelled=1), minute=4))
    assert (shop.balance(sku), shop.line().channel_restocked) == ((7, 0), 1)

    shop.take_back(came_back(courier=True))
    assert (shop.balance(sku), shop.quarantined(sku)) == ((7, 0), 1)


def test_a_shopify_shipment_that_was_undone_and_cancelled_with_restock_is_back_on_the_shelf(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=1, shipped=1)), channel=Channel.SHOPIFY)
    shop.take(
        order(line(ordered=1, shipped=0, cancelled=1, cancel_restocked=1), minute=1, source=Source.READ),
        channel=Channel.SHOPIFY,
    )
    assert shop.balance(sku) == (10, 0)


def test_what_a_snapshot_does_not_say_stays_as_it_was(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=3, shipped=1, cancelled=1)))
    shop.take(order(line(ordered=3, shipped=2), minute=1))
    assert shop.balance(sku) == (8, 0)


def test_a_shopify_refund_with_restock_waits_for_inspection_while_shopify_sells_it_again(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2, shipped=2)), channel=Channel.SHOPIFY)

    shop.take(order(line(ordered=2, shipped=2, returned=1, returned_restocked=1), minute=1), channel=Channel.SHOPIFY)

    assert (shop.balance(sku), shop.quarantined(sku)) == ((8, 0), 1)
    assert shop.line(channel=Channel.SHOPIFY).channel_restocked == 1


def test_a_shopify_refund_without_restock_before_shipping_leaves_the_goods_out(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2)), channel=Channel.SHOPIFY)
    shop.take(order(line(ordered=2, cancelled_kept=2, cancel_restocked=0), minute=1), channel=Channel.SHOPIFY)
    assert shop.balance(sku) == (8, 0)
    assert shop.line(channel=Channel.SHOPIFY).channel_restocked == 0


def test_a_shopify_refund_of_money_alone_changes_no_stock(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=1, shipped=1, cancelled=0)), channel=Channel.SHOPIFY)
    shop.take(order(line(ordered=1, shipped=1, cancelled=0, returned=0), minute=1), channel=Channel.SHOPIFY)
    assert (shop.balance(sku), shop.quarantined(sku)) == ((9, 0), 0)


def test_an_edited_order_blocks_its_new_quantities_and_its_new_lines(shop):
    sku, other = shop.sku("TEE", 10), shop.sku("CAP", 10)
    shop.take(order(line("L1", ordered=1)), channel=Channel.SHOPIFY)

    shop.take(
        order(line("L1", ordered=4), line("L2", sells="CAP", ordered=2), minute=1, source=Source.WEBHOOK),
        channel=Channel.SHOPIFY,
    )

    assert (shop.balance(sku), shop.balance(other)) == ((10, 4), (10, 2))


def test_ordering_less_frees_the_difference_and_counts_as_put_back_by_the_channel(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=5)), channel=Channel.AMAZON)
    shop.take(order(line(ordered=2), minute=1), channel=Channel.AMAZON)
    assert shop.balance(sku) == (10, 2)
    assert shop.line(channel=Channel.AMAZON).channel_restocked == 3


def test_a_channel_that_does_not_restock_on_cancellation_has_put_nothing_back(shop):
    shop.settings = {"restock_on_cancel": False}
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2)))
    shop.take(order(line(ordered=2, cancelled=2), minute=1))
    assert (shop.balance(sku), shop.line().channel_restocked) == ((10, 0), 0)


def test_two_shipments_that_share_an_order_number_are_two_orders(shop):
    sku = shop.sku(units=10)

    shop.take(order(line("SH1:77", ordered=1, shipped=1), key="SH1", order_number="OD7"))
    shop.take(order(line("SH2:77", ordered=1), key="SH2", order_number="OD7", minute=5, replacement=True))

    assert shop.balance(sku) == (9, 1)
    assert Order.objects.filter(order_number="OD7").count() == 2


@pytest.mark.parametrize(
    ("channel", "facts"),
    [
        pytest.param(Channel.AMAZON, {"status": "PENDING"}, id="Amazon pending"),
        pytest.param(Channel.FLIPKART, {"on_hold": True, "status": "APPROVED"}, id="Flipkart on hold"),
        pytest.param(Channel.SHOPIFY, {"status": "UNFULFILLED"}, id="Shopify unpaid, cash on delivery"),
    ],
)
def test_an_order_that_may_not_go_out_yet_blocks_its_stock_at_first_sight(shop, channel, facts):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2), source=Source.WEBHOOK, **facts), channel=channel)
    assert shop.balance(sku) == (10, 2)


def test_a_test_order_never_blocks_and_nobody_waits_for_it(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2), line("L2", sells="UNKNOWN"), test=True), channel=Channel.SHOPIFY)
    assert shop.balance(sku) == (10, 0)
    assert not OrderLine.objects.filter(waiting=True).exists()


def test_an_order_that_turns_out_to_be_a_test_gives_its_stock_back(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2)), channel=Channel.SHOPIFY)
    shop.take(order(line(ordered=2), minute=1, test=True), channel=Channel.SHOPIFY)
    assert shop.balance(sku) == (10, 0)


def test_what_the_marketplace_ships_from_its_own_stock_never_touches_ours(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2, marketplace_fulfilled=True)))
    shop.take(order(line(ordered=2, shipped=2, marketplace_fulfilled=True), minute=1))
    assert shop.balance(sku) == (10, 0)
    assert not StockMovement.objects.filter(line_id__isnull=False).exists()
    assert (shop.line().waiting, shop.line().sku_id) == (False, sku.pk)


def test_a_line_that_turns_out_to_be_the_marketplaces_gives_its_stock_back(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=2)))
    shop.take(order(line(ordered=2, marketplace_fulfilled=True), minute=1))
    assert shop.balance(sku) == (10, 0)


def test_a_line_that_turns_out_to_be_ours_takes_our_stock_after_all(shop):
    shop.take(order(line(ordered=2, marketplace_fulfilled=True, sells="NEW")))
    assert shop.line().waiting is False
    sku = shop.sku("NEW", units=10)
    shop.take(order(line(ordered=2, marketplace_fulfilled=False, sells="NEW"), minute=1))
    assert shop.balance(sku) == (10, 2)


def test_a_pack_takes_its_units_for_each_one_sold(shop):
    sku = shop.sku(units=20)
    shop.listing(sku, key="TEE-3", units_per_sale=3)
    shop.take(order(line(sells="TEE-3", ordered=2, shipped=1)))
    assert shop.balance(sku) == (17, 3)


def test_a_combo_takes_its_parts_and_keeps_to_those_it_was_sold_with(shop):
    tee, cap = shop.sku("TEE", 10), shop.sku("CAP", 10)
    combo = Sku.objects.create(code="COMBO")
    set_kit(kit=combo, parts={tee: 2, cap: 1})
    shop.listing(combo)
    shop.take(order(line(sells="COMBO", ordered=2)))
    assert (shop.balance(tee), shop.balance(cap)) == ((10, 4), (10, 2))

    set_kit(kit=combo, parts={tee: 1})
    shop.take(order(line(sells="COMBO", ordered=2, shipped=2), minute=1))
    shop.take(order(line("L2", sells="COMBO", ordered=1), key="O2"))

    assert (shop.balance(tee), shop.balance(cap)) == ((6, 1), (8, 0))


def test_a_pack_of_a_combo_multiplies_both(shop):
    tee = shop.sku("TEE", 20)
    combo = Sku.objects.create(code="COMBO")
    set_kit(kit=combo, parts={tee: 2})
    shop.listing(combo, key="COMBO-3", units_per_sale=3)
    shop.take(order(line(sells="COMBO-3", ordered=1)))
    assert shop.balance(tee) == (20, 6)


def test_a_line_that_a_read_of_the_whole_order_does_not_name_any_more_is_cancelled(shop):
    sku, other = shop.sku("TEE", 10), shop.sku("CAP", 10)
    shop.take(order(line("L1"), line("L2", sells="CAP", ordered=2)))

    shop.take(order(line("L1"), minute=1, source=Source.READ))

    assert (shop.balance(sku), shop.balance(other)) == ((10, 1), (10, 0))
    assert shop.line("L2").channel_restocked == 2


@pytest.mark.parametrize("lines", [(), (line("L1"),)], ids=["no line at all", "some lines"])
def test_a_partial_read_takes_no_line_away(shop, lines):
    shop.sku("TEE", 10)
    other = shop.sku("CAP", 10)
    shop.take(order(line("L1"), line("L2", sells="CAP", ordered=2)))
    shop.take(order(*lines, minute=1, source=Source.READ, complete=bool(not lines)))
    assert shop.balance(other) == (10, 2)


def test_a_partial_read_raises_counts_but_lowers_none(shop):
    sku = shop.sku(units=10)
    shop.take(order(line(ordered=4, shipped=2)))
    shop.take(order(line(ordered=3, shipped=0, cancelled=1), minute=1, source=Source.READ, complete=False))
    assert shop.balance(sku) == (8, 1)


def test_an_order_commits_in_the_first_warehouse_of_the_account_that_has_everything(shop):
    sku = shop.sku(units=1, second=5)
    shop.location("LOC1", shop.main, shop.second)
    shop.take(order(line(ordered=1)))
    shop.take(order(line("L2", ordered=3), key="O2"))
    assert (shop.balance(sku), shop.balance(sku, shop.second)) == ((1, 1), (5, 3))


def test_lines_of_one_order_see_what_the_lines_before_them_took(shop):
    sku = shop.sku(units=2, second=2)
    shop.location("LOC1", shop.main, shop.second)
    shop.take(order(line("L1", ordered=2), line("L2", ordered=2)))
    assert (shop.balance(sku), shop.balance(sku, shop.second)) == ((2, 2), (2, 2))


def test_staffs_ranking_of_warehouses_decides_and_closed_ones_do_not_sell(shop):
    sku = shop.sku(units=5, second=5)
    shop.location("LOC1", shop.second, shop.main)
    shop.take(order(line("L1")))
    Warehouse.objects.filter(pk=shop.second.pk).update(active=False)
    shop.take(order(line("L2"), key="O2"))
    assert (shop.balance(sku), shop.balance(sku, shop.second)) == ((5, 1), (5, 1))


def test_a_location_that_is_named_later_moves_what_is_blocked(shop):
    sku = shop.sku(units=5, second=5)
    shop.location("LOC1", shop.main)
    shop.location("LOC2", shop.second)
    shop.take(order(line(ordered=2)))
    assert shop.balance(sku) == (5, 2)

    shop.take(order(line(ordered=2, location_id="LOC2"), minute=1))

    assert (shop.balance(sku), shop.balance(sku, shop.second)) == ((5, 0), (5, 2))


def test_a_location_that_the_chosen_warehouse_serves_moves_nothing(shop):
    sku = shop.sku(units=2, second=5)
    shop.location("LOC1", shop.main, shop.second)
    shop.take(order(line(ordered=2)))
    before = StockMovement.objects.count()
    shop.take(order(line(ordered=2, location_id="LOC1"), minute=1))
    assert StockMovement.objects.count() == before
    assert shop.balance(sku) == (2, 2)


def test_a_shopify_order_without_its_location_is_read_by_id_and_remembered_until_then(shop):
    shop.sku(units=5)
    shop.location("1", shop.main, channel=Channel.SHOPIFY)
    shop.location("2", shop.second, channel=Channel.SHOPIFY)

    told = shop.take(order(line(), source=Source.WEBHOOK), channel=Channel.SHOPIFY)
    assert told.confirm is True
    assert Order.objects.get().confirm_since is not None

    read = shop.take(order(line(location_id="2"), source=Source.READ), channel=Channel.SHOPIFY)
    assert read.confirm is False
    assert Order.objects.get().confirm_since is None


def test_an_order_that_is_short_where_it_stands_proposes_a_transfer(shop):
    sku = shop.sku(units=1, second=5)
    shop.location("LOC1", shop.main)
    shop.take(order(line(ordered=1)))
    assert not TransferProposal.objects.exists()

    shop.take(order(line("L2", ordered=2), key="O2"))
    shop.take(order(line("L3", ordered=1), key="O3"))

    proposal = TransferProposal.objects.get()
    assert (proposal.sku, proposal.source, proposal.target, proposal.units) == (sku, shop.second, shop.main, 3)


def test_an_order_without_any_own_warehouse_waits_for_one(shop):
    sku = shop.sku(units=0)
    Warehouse.objects.update(active=False)
    shop.take(order(line(ordered=2)))
    assert shop.line().waiting is True

    Warehouse.objects.filter(pk=shop.main.pk).update(active=True)
    shop.take(order(line(ordered=2), source=Source.READ))

    assert (shop.line().waiting, shop.balance(sku)) == (False, (0, 2))


def test_the_newest_facts_of_an_order_are_kept_for_staff(shop):
    shop.sku(units=10)
    shop.take(order(line(title="A tee", status="APPROVED"), status="APPROVED", on_hold=True, fulfil_by=at(600)))
    shop.take(order(line(shipped=1), minute=1, status="SHIPPED", on_hold=False))
    row = Order.objects.get()
    assert (row.status, row.on_hold, row.fulfil_by, shop.line().title) == ("SHIPPED", False, at(600), "A tee")
