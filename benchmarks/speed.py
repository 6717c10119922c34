"""Appending movements, applying orders, deciding quantities, claiming rows: through the product's own services."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from inventory_sync.domain.ledger import Movement, MovementKind
from inventory_sync.domain.snapshots import Channel, Fulfilment, LineSnapshot, ListingIds, OrderSnapshot, Source
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.catalogue import ensure_states
from inventory_sync.engine.decide import decide_skus
from inventory_sync.engine.models import ListingState
from inventory_sync.engine.push import claim_batch
from inventory_sync.orders.apply import apply_snapshot
from inventory_sync.stock.ledger import append_movements
from inventory_sync.stock.models import LocationLink, StockBalance, StockMovement, Warehouse
from skumap.models import ChannelAccount, ChannelLocation, Listing, ListingLink, Sku

SKUS = 2_000
SECONDS = 4.0


def rate(work: Callable[[int], int]) -> float:
    """Units of work per second: ``work`` is given a counter and says how many units it did."""
    started, done, turn = time.perf_counter(), 0, 0
    while time.perf_counter() - started < SECONDS:
        done += work(turn)
        turn += 1
    return done / (time.perf_counter() - started)


def run(*, only: set[str]) -> list[dict[str, Any]]:
    """Prepare a catalogue, then measure. :return: rows {name, per_second, baseline, ratio}."""
    call_command("migrate", verbosity=0)
    seller = _seller()
    benches = {"ledger": _ledger, "orders": _orders, "decide": _decide, "claim": _claim}
    rows = []
    for name, bench in benches.items():
        if not only or name in only:
            rows += bench(*seller)
    return rows


def _row(name: str, per_second: float, baseline: float) -> dict[str, Any]:
    return {
        "name": name,
        "per_second": per_second,
        "baseline": baseline,
        "ratio": per_second / baseline if baseline else 0.0,
    }


def _seller() -> tuple[Warehouse, list[Sku], list[ChannelAccount]]:
    warehouse = Warehouse.objects.create(code="BENCH")
    skus = Sku.objects.bulk_create([Sku(code=f"SKU{index}") for index in range(SKUS)])
    accounts = []
    kinds = {Channel.FLIPKART: Fulfilment.NON_FBF, Channel.SHOPIFY: Fulfilment.SHOPIFY, Channel.AMAZON: Fulfilment.MFN}
    for channel, kind in kinds.items():
        account = ChannelAccount.objects.create(channel=channel, name=channel, mode="live", health="ok")
        location = ChannelLocation.objects.create(account=account, external_id="LOC")
        LocationLink.objects.create(location=location, warehouse=warehouse)
        listings = Listing.objects.bulk_create(
            [
                Listing(account=account, key=sku.code, seller_sku=sku.code, fulfilment=kind, sku=sku, status="mapped")
                for sku in skus
            ]
        )
        ListingLink.objects.bulk_create([ListingLink(listing=row, sku=row.sku) for row in listings])
        ensure_states(context=context_of(account.pk))
        accounts.append(account)
    append_movements([_movement(f"open:{sku.pk}", sku.pk, warehouse.pk, 50) for sku in skus])
    now = timezone.now()
    ListingState.objects.update(opened_at=now, started_at=now, seen_at=now, seen_quantity=0)
    return warehouse, skus, accounts


def _movement(key: str, sku_id: int, warehouse_id: int, units: int) -> Movement:
    return Movement(
        key=key,
        sku_id=sku_id,
        warehouse_id=warehouse_id,
        on_hand=units,
        kind=MovementKind.RECEIVE,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def _ledger(warehouse: Warehouse, skus: list[Sku], accounts: list[ChannelAccount]) -> list[dict[str, Any]]:
    def naive(turn: int) -> int:
        """What an ORM habit would write: look, lock, insert, save."""
        sku = skus[turn % SKUS]
        with transaction.atomic():
            _, created = StockMovement.objects.get_or_create(
                key=f"naive:{turn}",
                defaults={
                    "sku": sku,
                    "warehouse": warehouse,
                    "on_hand_delta": 1,
                    "committed_delta": 0,
                    "kind": "receive",
                    "occurred_at": timezone.now(),
                },
            )
            balance = StockBalance.objects.select_for_update().get(sku=sku, warehouse=warehouse)
            if created:
                balance.on_hand += 1
                balance.save()
        return 1

    baseline = rate(naive)
    one = rate(lambda turn: len([append_movements([_movement(f"one:{turn}", skus[turn % SKUS].pk, warehouse.pk, 1)])]))

    def hundred(turn: int) -> int:
        batch = [
            _movement(f"hundred:{turn}:{index}", skus[(turn * 100 + index) % SKUS].pk, warehouse.pk, 1)
            for index in range(100)
        ]
        append_movements(batch)
        return len(batch)

    return [
        _row("movements, one by one (baseline: ORM habit)", one, baseline),
        _row("movements, 100 at a time (baseline: ORM habit)", rate(hundred), baseline),
    ]


def _order(number: str, sku: Sku) -> OrderSnapshot:
    now = timezone.now()
    return OrderSnapshot(
        key=number,
        order_number=number,
        source=Source.READ,
        updated_at=now,
        request_started_at=now,
        placed_at=now,
        lines=(LineSnapshot(line_key=f"{number}:1", listing=ListingIds(key=sku.code), ordered=1, location_id="LOC"),),
    )


def _orders(warehouse: Warehouse, skus: list[Sku], accounts: list[ChannelAccount]) -> list[dict[str, Any]]:
    rules = context_of(accounts[0].pk).rules
    seen: list[OrderSnapshot] = []

    def round_trips(turn: int) -> int:
        with connection.cursor() as cursor:
            for _ in range(12):
                cursor.execute("SELECT 1")
        return 1

    def new(turn: int) -> int:
        order = _order(f"new:{turn}", skus[turn % SKUS])
        seen.append(order)
        apply_snapshot(rules=rules, snapshot=order, now=timezone.now())
        return 1

    def again(turn: int) -> int:
        apply_snapshot(rules=rules, snapshot=seen[turn % len(seen)], now=timezone.now())
        return 1

    baseline = rate(round_trips)
    return [
        _row("orders applied, new (baseline: 12 empty queries)", rate(new), baseline),
        _row("orders applied, repeated (baseline: 12 empty queries)", rate(again), baseline),
    ]


def _decide(warehouse: Warehouse, skus: list[Sku], accounts: list[ChannelAccount]) -> list[dict[str, Any]]:
    def one_by_one(turn: int) -> int:
        decide_skus(sku_ids=[skus[turn % SKUS].pk], now=timezone.now())
        return 1

    def chunk(turn: int) -> int:
        wanted = [skus[(turn * 40 + index) % SKUS].pk for index in range(40)]
        decide_skus(sku_ids=wanted, now=timezone.now())
        return len(wanted)

    baseline = rate(one_by_one)
    return [_row("SKUs decided, 40 at a time (baseline: one by one)", rate(chunk), baseline)]


def _claim(warehouse: Warehouse, skus: list[Sku], accounts: list[ChannelAccount]) -> list[dict[str, Any]]:
    for start in range(0, SKUS, 40):
        decide_skus(sku_ids=[sku.pk for sku in skus[start : start + 40]], now=timezone.now())
    context = context_of(accounts[0].pk)

    def claim(limit: int) -> Callable[[int], int]:
        def work(turn: int) -> int:
            with transaction.atomic():
                count = len(claim_batch(context=context, now=timezone.now(), limit=limit).claims)
                transaction.set_rollback(True)
            return count

        return work

    baseline = rate(claim(1))
    return [_row("rows claimed, 10 at a time (baseline: one at a time)", rate(claim(10)), baseline)]
