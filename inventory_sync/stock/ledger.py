"""The one place that writes the ledger: movements are appended and their balances carried forward, in one statement."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, SerializationFailure

from inventory_sync.domain.ledger import Buckets, Movement, Place

P = ParamSpec("P")
R = TypeVar("R")

DEADLOCK_TRIES = 4


class MovementConflictError(Exception):
    """A key is in the ledger already with other content. Nothing was written."""

    def __init__(self, *, key: str, stored: str, given: str) -> None:
        super().__init__(f"movement {key!r} is already in the ledger as {stored}, and was now given as {given}")
        self.key = key


CREATE_BALANCES = """
INSERT INTO stock_stockbalance (sku_id, warehouse_id, on_hand, committed, version)
SELECT sku_id, warehouse_id, 0, 0, 0 FROM unnest(%(skus)s::bigint[], %(warehouses)s::bigint[]) AS t(sku_id, warehouse_id)
 ORDER BY sku_id, warehouse_id
ON CONFLICT (sku_id, warehouse_id) DO NOTHING
"""

LOCK_BALANCES = """
SELECT id, sku_id, warehouse_id, on_hand, committed FROM stock_stockbalance
 WHERE (sku_id, warehouse_id) IN (SELECT * FROM unnest(%(skus)s::bigint[], %(warehouses)s::bigint[]))
 ORDER BY id FOR UPDATE
"""

LOCK_BALANCES_OF_SKUS = """
SELECT b.id, b.sku_id, b.warehouse_id, b.on_hand, b.committed, w.kind = 'own' AND w.active FROM stock_stockbalance b
  JOIN stock_warehouse w ON w.id = b.warehouse_id
 WHERE b.sku_id = ANY(%(skus)s) ORDER BY b.id FOR UPDATE OF b
"""

APPEND = """
WITH input AS (
    SELECT * FROM unnest(%(keys)s::text[], %(skus)s::bigint[], %(warehouses)s::bigint[], %(on_hand)s::int[], %(committed)s::int[],
                         %(kinds)s::text[], %(lines)s::bigint[], %(reasons)s::text[], %(actors)s::bigint[], %(occurred)s::timestamptz[])
        AS t(key, sku_id, warehouse_id, on_hand_delta, committed_delta, kind, line_id, reason, actor_id, occurred_at)),
added AS (
    INSERT INTO stock_stockmovement (key, sku_id, warehouse_id, on_hand_delta, committed_delta, kind, line_id, reason, actor_id,
                                     occurred_at, recorded_at)
    SELECT key, sku_id, warehouse_id, on_hand_delta, committed_delta, kind, line_id, reason, actor_id, occurred_at, clock_timestamp()
      FROM input
    ON CONFLICT (key) DO NOTHING
    RETURNING key, sku_id, warehouse_id, on_hand_delta, committed_delta),
carried AS (
    UPDATE stock_stockbalance AS b
       SET on_hand = b.on_hand + d.on_hand, committed = b.committed + d.committed, version = b.version + 1
      FROM (SELECT sku_id, warehouse_id, sum(on_hand_delta) AS on_hand, sum(committed_delta) AS committed
              FROM added GROUP BY 1, 2) AS d
     WHERE (b.sku_id, b.warehouse_id) = (d.sku_id, d.warehouse_id))
SELECT key, sku_id FROM added
"""

FIND = """
SELECT key, sku_id, warehouse_id, on_hand_delta, committed_delta, kind FROM stock_stockmovement WHERE key = ANY(%(keys)s)
"""


def lock_balances(places: Iterable[Place]) -> dict[Place, Buckets]:
    """
    Lock the balances of these places in primary-key order, creating missing ones at 0. Needs an open transaction.

    :return: the balance of every place asked for.
    """
    wanted = sorted(set(places))
    if not wanted:
        return {}
    parameters = {"skus": [sku for sku, _ in wanted], "warehouses": [warehouse for _, warehouse in wanted]}
    with connection.cursor() as cursor:
        cursor.execute(LOCK_BALANCES, parameters)
        rows = cursor.fetchall()
        if len(rows) < len(wanted):
            cursor.execute(CREATE_BALANCES, parameters)
            cursor.execute(LOCK_BALANCES, parameters)
            rows = cursor.fetchall()
    return {(sku, warehouse): Buckets(on_hand, committed) for _, sku, warehouse, on_hand, committed in rows}


def lock_own_balances(sku_ids: Iterable[int]) -> dict[Place, Buckets]:
    """
    Lock every balance of these SKUs, in primary-key order. Needs an open transaction.

    :return: those in active own warehouses, which are the ones that sell; a SKU that never stood in one has none there.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_BALANCES_OF_SKUS, {"skus": sorted(set(sku_ids))})
        return {
            (sku, warehouse): Buckets(on_hand, committed)
            for _, sku, warehouse, on_hand, committed, sells in cursor.fetchall()
            if sells
        }


def retrying(work: Callable[P, R]) -> Callable[P, R]:
    """Run a unit of work again when the database gave it up to break a deadlock. Only around whole transactions."""

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for attempt in range(DEADLOCK_TRIES):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                broken = isinstance(error.__cause__, DeadlockDetected | SerializationFailure)
                if not broken or connection.in_atomic_block or attempt == DEADLOCK_TRIES - 1:
                    raise
                time.sleep(random.uniform(0.01, 0.05) * (attempt + 1))  # noqa: S311
        raise AssertionError("unreachable")

    return run


def append_movements(movements: Sequence[Movement], *, locked: Collection[Place] = ()) -> list[int]:
    """
    Append movements and carry their balances forward, in one statement.

    A movement whose ``key`` is in the ledger already is left out, so the call is safe to repeat. Balances are locked here first, in
    primary-key order; a caller that locks more must have locked in that order too. An error spoils the transaction that the call runs in.

    :param movements: whole units, + in, − out. A balance may pass below zero: a marketplace order is a fact.
    :param locked: places whose balances the caller has locked already in this transaction.
    :return: ids of the SKUs whose balance changed, sorted.
    :raises MovementConflictError: a ``key`` exists with other content, or twice in ``movements``; nothing is written.
    """
    if not movements:
        return []
    by_key: dict[str, Movement] = {}
    for movement in movements:
        if movement.key in by_key and by_key[movement.key] != movement:
            raise MovementConflictError(key=movement.key, stored=_say(by_key[movement.key]), given=_say(movement))
        by_key[movement.key] = movement
    unique = list(by_key.values())
    places = {(movement.sku_id, movement.warehouse_id) for movement in unique}
    with transaction.atomic(savepoint=False):
        if not places <= set(locked):
            lock_balances(places)
        with connection.cursor() as cursor:
            cursor.execute(APPEND, _columns(unique))
            added: Mapping[str, int] = dict(cursor.fetchall())
            if len(added) < len(unique):
                cursor.execute(FIND, {"keys": [key for key in by_key if key not in added]})
                for key, *content in cursor.fetchall():
                    movement = by_key[key]
                    if tuple(content) != _content(movement):
                        raise MovementConflictError(key=key, stored=str(tuple(content)), given=_say(movement))
    return sorted(set(added.values()))


def _columns(movements: Sequence[Movement]) -> dict[str, list[object]]:
    return {
        "keys": [m.key for m in movements],
        "skus": [m.sku_id for m in movements],
        "warehouses": [m.warehouse_id for m in movements],
        "on_hand": [m.on_hand for m in movements],
        "committed": [m.committed for m in movements],
        "kinds": [m.kind.value for m in movements],
        "lines": [m.line_id for m in movements],
        "reasons": [m.reason[:200] for m in movements],
        "actors": [m.actor_id for m in movements],
        "occurred": [m.occurred_at for m in movements],
    }


def _content(movement: Movement) -> tuple[int, int, int, int, str]:
    return (movement.sku_id, movement.warehouse_id, movement.on_hand, movement.committed, movement.kind.value)


def _say(movement: Movement) -> str:
    return str(_content(movement))
