"""What people do to stock by hand."""

from __future__ import annotations

import pytest

from inventory_sync.stock.ledger import MovementConflictError
from inventory_sync.stock.models import StockMovement, TransferProposal, Warehouse
from inventory_sync.stock.services import (
    StockError,
    adjust,
    bad_warehouse,
    propose_transfer,
    qc_warehouse,
    quarantine,
    receive,
    restock,
    sell_offline,
    set_count,
    transfer,
    write_off,
)
from skumap.models import Sku


def test_goods_in_are_added_once_for_each_key(shelf):
    assert receive(shelf.change(key="GRN-1"), units=10) == [shelf.sku.pk]
    assert receive(shelf.change(key="GRN-1"), units=10) == []
    assert shelf.standing() == 10
    with pytest.raises(MovementConflictError):
        receive(shelf.change(key="GRN-1"), units=11)


@pytest.mark.parametrize("units", [0, -3])
def test_goods_in_of_nothing_are_refused(shelf, units):
    with pytest.raises(StockError, match="at least 1"):
        receive(shelf.change(), units=units)


def test_a_correction_goes_both_ways_and_says_why(shelf):
    adjust(shelf.change(reason="found in the yard"), units=4)
    adjust(shelf.change(reason="broken"), units=-6)
    assert shelf.standing() == -2
    assert StockMovement.objects.values_list("reason", flat=True).first() == "broken"


@pytest.mark.parametrize(("units", "reason", "message"), [(0, "why", "corrects nothing"), (1, "", "needs a reason")])
def test_a_correction_without_units_or_reason_is_refused(shelf, units, reason, message):
    with pytest.raises(StockError, match=message):
        adjust(shelf.change(reason=reason), units=units)


def test_a_count_moves_the_difference_once(shelf):
    receive(shelf.change(), units=10)
    assert set_count(shelf.change(key="C1"), counted=7) == [shelf.sku.pk]
    receive(shelf.change(), units=5)
    assert set_count(shelf.change(key="C1"), counted=7) == []
    assert shelf.standing() == 12


def test_a_count_that_finds_everything_right_is_written_down_so_that_its_repeat_changes_nothing(shelf):
    receive(shelf.change(), units=10)
    assert set_count(shelf.change(key="C1"), counted=10) == []
    receive(shelf.change(), units=5)
    assert set_count(shelf.change(key="C1"), counted=10) == []
    assert shelf.standing() == 15
    assert StockMovement.objects.get(key="count:C1").on_hand_delta == 0


def test_a_count_below_zero_or_under_a_used_key_is_refused(shelf):
    with pytest.raises(StockError, match="below 0"):
        set_count(shelf.change(), counted=-1)
    set_count(shelf.change(key="C1"), counted=3)
    with pytest.raises(StockError, match="another SKU or warehouse"):
        set_count(shelf.change(key="C1", sku=Sku.objects.create(code="CAP")), counted=3)


def test_a_transfer_moves_units_between_warehouses_once(shelf):
    receive(shelf.change(), units=10)
    change = shelf.change(key="T1")
    assert transfer(change, to_warehouse_id=shelf.second.pk, units=4) == [shelf.sku.pk]
    assert transfer(change, to_warehouse_id=shelf.second.pk, units=4) == []
    assert (shelf.standing(), shelf.standing(shelf.second)) == (6, 4)


def test_a_repeat_of_a_transfer_is_no_error_when_the_stock_has_gone_since(shelf):
    receive(shelf.change(), units=4)
    change = shelf.change(key="T1")
    transfer(change, to_warehouse_id=shelf.second.pk, units=4)
    assert transfer(change, to_warehouse_id=shelf.second.pk, units=4) == []
    with pytest.raises(MovementConflictError):
        transfer(change, to_warehouse_id=shelf.second.pk, units=3)


@pytest.mark.parametrize(
    ("units", "same", "message"),
    [(5, False, "only 4 stand"), (0, False, "at least 1"), (1, True, "the same warehouse")],
)
def test_a_transfer_that_can_not_be_is_refused_and_moves_nothing(shelf, units, same, message):
    receive(shelf.change(), units=4)
    target = shelf.main if same else shelf.second
    with pytest.raises(StockError, match=message):
        transfer(shelf.change(), to_warehouse_id=target.pk, units=units)
    assert (shelf.standing(), shelf.standing(shelf.second)) == (4, 0)


def test_what_is_inspected_goes_back_on_sale_or_to_bad_stock(shelf):
    receive(shelf.change(), units=10)
    quarantine(shelf.change(), units=3)
    assert (shelf.standing(), shelf.standing(qc_warehouse())) == (7, 3)

    restock(shelf.change(at=qc_warehouse()), to_warehouse_id=shelf.second.pk, units=1)
    write_off(shelf.change(at=qc_warehouse()), units=2)

    assert [shelf.standing(place) for place in (qc_warehouse(), shelf.second, bad_warehouse())] == [0, 1, 2]


def test_nothing_is_restocked_into_a_warehouse_that_does_not_sell(shelf):
    receive(shelf.change(), units=1)
    with pytest.raises(StockError, match="not an own warehouse"):
        restock(shelf.change(), to_warehouse_id=bad_warehouse().pk, units=1)


def test_the_place_for_inspection_stays_the_same_and_never_is_one_that_sells(shelf):
    first = qc_warehouse()
    Warehouse.objects.create(code="A-QC", kind=Warehouse.Kind.QC)
    Warehouse.objects.filter(pk=first.pk).update(code="Inspection")
    assert qc_warehouse() == first
    Warehouse.objects.create(code="BAD", kind=Warehouse.Kind.OWN)
    with pytest.raises(StockError, match="stands for an Own warehouse"):
        bad_warehouse()


def propose(shelf, units):
    propose_transfer(
        sku_id=shelf.sku.pk, source_id=shelf.main.pk, target_id=shelf.second.pk, units=units, reason="order 1"
    )


def test_a_proposal_grows_to_the_need(shelf):
    for units in (2, 5, 3):
        propose(shelf, units)

    assert TransferProposal.objects.get().units == 5


def test_an_offline_sale_takes_what_stands_there_and_no_more(shelf):
    receive(shelf.change(), units=3)

    assert sell_offline(shelf.change(key="bill-1"), units=2) == [shelf.sku.pk]
    assert sell_offline(shelf.change(key="bill-1"), units=2) == []
    with pytest.raises(StockError, match="only 1 stand"):
        sell_offline(shelf.change(key="bill-2"), units=2)
    with pytest.raises(StockError, match="at least 1"):
        sell_offline(shelf.change(key="bill-3"), units=0)
    assert shelf.standing() == 1


def test_after_a_proposal_was_decided_a_new_need_opens_a_new_one(shelf):
    propose(shelf, 2)
    TransferProposal.objects.update(status=TransferProposal.Status.DISMISSED)
    propose(shelf, 2)
    assert TransferProposal.objects.filter(status=TransferProposal.Status.OPEN).count() == 1
