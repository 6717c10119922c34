"""The proof of the ledger finds what somebody changed behind its back, and names it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from inventory_sync.domain.ledger import Buckets, Movement, MovementKind
from inventory_sync.domain.snapshots import ReturnState
from inventory_sync.orders.models import OrderLine
from inventory_sync.orders.verify import Difference, Kind, verify
from inventory_sync.stock.ledger import append_movements
from inventory_sync.stock.models import StockBalance
from skumap.models import Sku
from skumap.services import set_kit
from tests.orders.conftest import NOW, Shop, came_back, line, make_shop, order


@pytest.fixture
def shop(db: None) -> Shop:
    """As everywhere, without the proof at the end."""
    return make_shop()


@pytest.fixture
def busy(shop):
    """Orders in every state: open, shipped, part cancelled, returned, lost, a combo, waiting, a test, the marketplace's own."""
    tee, cap = shop.sku("TEE", 50), shop.sku("CAP", 50)
    combo = Sku.objects.create(code="COMBO")
    set_kit(kit=combo, parts={tee: 2, cap: 1})
    shop.listing(combo)
    shop.listing(tee, key="TEE-3", units_per_sale=3)
    shop.take(order(line("L1", ordered=2), line("L2", sells="CAP", ordered=3, shipped=1, cancelled=1)))
    shop.take(order(line("L3", sells="COMBO", ordered=2, shipped=2), key="O2"))
    shop.take_back(came_back("L3", units=1))
    shop.take_back(came_back("L3", return_id="R2", state=ReturnState.NEVER))
    shop.take(order(line("L4", sells="TEE-3", ordered=2, shipped=1), key="O3"))
    shop.take(order(line("L5", sells="UNKNOWN"), line("L6", marketplace_fulfilled=True), key="O4"))
    shop.take(order(line("L7"), key="O5", test=True))
    return shop


def test_books_that_were_only_written_by_the_ledger_agree(busy):
    assert verify() == []


def test_a_balance_that_was_changed_by_hand_is_named(busy):
    StockBalance.objects.filter(sku__code="CAP", warehouse__code="A").update(on_hand=99)
    assert verify() == [
        Difference(
            kind=Kind.BALANCE, sku="CAP", warehouse="A", expected=Buckets(47, 1), stored=Buckets(99, 1), line_id=None
        )
    ]


@pytest.mark.parametrize("missing", [True, False], ids=["a balance is missing", "a balance nobody moved"])
def test_a_balance_on_one_side_only_is_named(busy, missing):
    if missing:
        StockBalance.objects.filter(sku__code="CAP", warehouse__code="A").delete()
        expected = (Buckets(47, 1), Buckets(0, 0))
    else:
        StockBalance.objects.create(sku=Sku.objects.create(code="X"), warehouse=busy.second, on_hand=4)
        expected = (Buckets(0, 0), Buckets(4, 0))
    [found] = verify()
    assert (found.kind, found.expected, found.stored) == (Kind.BALANCE, *expected)


def test_a_line_whose_facts_were_changed_by_hand_is_named_with_its_order(busy):
    OrderLine.objects.filter(line_key="L1").update(cancelled=1)
    [found] = verify()
    assert (found.kind, found.order, found.sku, found.warehouse) == (Kind.LINE, "O1", "TEE", "A")
    assert (found.expected, found.stored) == (Buckets(0, 1), Buckets(0, 2))


@pytest.mark.parametrize(
    "facts", [{"waiting": True}, {"marketplace_fulfilled": True}], ids=lambda facts: next(iter(facts))
)
def test_a_line_that_must_not_touch_stock_but_did_is_named(busy, facts):
    OrderLine.objects.filter(line_key="L1").update(**facts)
    [found] = verify()
    assert (found.expected, found.stored) == (Buckets(0, 0), Buckets(0, 2))


def test_a_return_that_was_not_applied_is_named(busy):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_returnitem SET state = 'arrived' WHERE return_id = 'R2'")
    assert {(each.kind, each.sku, each.warehouse) for each in verify()} == {
        (Kind.LINE, "TEE", "QC"),
        (Kind.LINE, "CAP", "QC"),
    }


def test_movements_of_a_line_that_does_not_exist_are_named(busy):
    sku = Sku.objects.get(code="TEE")
    append_movements(
        [
            Movement(
                key="line:999999:1",
                sku_id=sku.pk,
                warehouse_id=busy.main.pk,
                committed=1,
                kind=MovementKind.COMMIT,
                occurred_at=NOW,
                line_id=999_999,
            )
        ]
    )
    [found] = verify()
    assert (found.kind, found.line_id, found.stored) == (Kind.ORPHAN, 999_999, Buckets(0, 1))


def test_the_command_says_that_all_is_well(busy):
    out = StringIO()
    call_command("verify_ledger", stdout=out)
    assert "is right" in out.getvalue()


def test_the_command_names_what_differs_and_fails(busy):
    StockBalance.objects.filter(sku__code="CAP", warehouse__code="A").update(on_hand=99)
    out = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("verify_ledger", stdout=out)
    assert failure.value.returncode == 1
    assert "SKU CAP in A: expected 47 in warehouse and 1 blocked, stored 99 and 1" in out.getvalue()


def test_the_command_speaks_to_machines_too(busy):
    OrderLine.objects.filter(line_key="L1").update(cancelled=1)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_ledger", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["ok"] is False
    assert told["differences"][0] | {"line_id": 0} == {
        "kind": "line",
        "sku": "TEE",
        "warehouse": "A",
        "expected": {"on_hand": 0, "committed": 1},
        "stored": {"on_hand": 0, "committed": 2},
        "line_id": 0,
        "order": "O1",
    }


@pytest.mark.django_db(transaction=True)
def test_the_proof_reads_one_moment_outside_of_any_transaction(transactional_db):
    shop = make_shop()
    shop.sku(units=3)
    shop.take(order(line()))
    assert verify() == []
