"""
Prove the ledger: every balance is the fold of its movements, and every order line has moved what its facts demand.

What a line's facts demand is decided by the same pure function that applies orders, once for each combination of facts that occurs; the
database does the rest, set by set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from inventory_sync.domain.ledger import Buckets
from inventory_sync.domain.order_state import Counts, demanded, place_units
from inventory_sync.domain.snapshots import Channel
from inventory_sync.stock.services import qc_warehouse


class Kind(StrEnum):
    BALANCE = "balance"  # a balance is not what its movements add up to
    LINE = "line"  # a line's movements are not what its facts demand
    ORPHAN = "orphan"  # movements of an order line that does not exist


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """
    One place where the books disagree.

    :ivar line_id: the order line, for a line or an orphan; :ivar order: its order number, as far as there is one.
    :ivar expected: what the movements (balance) or the facts (line) say; :ivar stored: what is there.
    """

    kind: Kind
    sku: str
    warehouse: str
    expected: Buckets
    stored: Buckets
    line_id: int | None = None
    order: str = ""


BALANCES = """
SELECT k.code, w.code, coalesce(m.on_hand, 0), coalesce(m.committed, 0), coalesce(b.on_hand, 0), coalesce(b.committed, 0)
  FROM (SELECT sku_id, warehouse_id, sum(on_hand_delta) AS on_hand, sum(committed_delta) AS committed
          FROM stock_stockmovement GROUP BY 1, 2) AS m
  FULL JOIN stock_stockbalance b ON (b.sku_id, b.warehouse_id) = (m.sku_id, m.warehouse_id)
  JOIN skumap_sku k ON k.id = coalesce(b.sku_id, m.sku_id)
  JOIN stock_warehouse w ON w.id = coalesce(b.warehouse_id, m.warehouse_id)
 WHERE coalesce(m.on_hand, 0) <> coalesce(b.on_hand, 0) OR coalesce(m.committed, 0) <> coalesce(b.committed, 0)
 ORDER BY 1, 2
"""

# The facts of every line that takes stock, with what its returns add to them.
FACTS = """
facts AS (
    SELECT l.id, a.channel, l.warehouse_id, l.components, l.ordered, l.shipped, l.cancelled, l.cancelled_kept,
           l.returned + coalesce(r.quarantined, 0) AS returned, coalesce(r.to_stock, 0) AS to_stock,
           l.lost + coalesce(r.never, 0) AS lost
      FROM orders_orderline l
      JOIN orders_order o ON o.id = l.order_id
      JOIN skumap_channelaccount a ON a.id = l.account_id
      LEFT JOIN (SELECT line_id, sum(units) FILTER (WHERE state = 'arrived' AND NOT to_stock)::int AS quarantined,
                        sum(units) FILTER (WHERE state = 'arrived' AND to_stock)::int AS to_stock,
                        sum(units) FILTER (WHERE state = 'never')::int AS never
                   FROM orders_returnitem WHERE line_id IS NOT NULL GROUP BY 1) AS r ON r.line_id = l.id
     WHERE NOT l.waiting AND NOT l.marketplace_fulfilled AND NOT o.test AND l.warehouse_id IS NOT NULL)
"""
COLUMNS = "channel, ordered, shipped, cancelled, cancelled_kept, returned, to_stock, lost"

COMBINATIONS = f"WITH {FACTS} SELECT DISTINCT {COLUMNS} FROM facts"  # noqa: S608 - our own constants

LINES = f"""
WITH {FACTS},
effect AS (
    SELECT * FROM unnest(%(channels)s::text[], %(ordered)s::int[], %(shipped)s::int[], %(cancelled)s::int[], %(kept)s::int[],
                         %(returned)s::int[], %(to_stock)s::int[], %(lost)s::int[],
                         %(on_hand)s::int[], %(committed)s::int[], %(quarantined)s::int[])
        AS t({COLUMNS}, on_hand, committed, quarantined)),
per_unit AS (
    SELECT f.id, f.warehouse_id, part.key::bigint AS sku_id, part.value::int AS units, e.on_hand, e.committed, e.quarantined
      FROM facts f JOIN effect e USING ({COLUMNS}) CROSS JOIN LATERAL jsonb_each_text(f.components) AS part),
expected AS (
    SELECT id, sku_id, warehouse_id, sum(on_hand) AS on_hand, sum(committed) AS committed
      FROM (SELECT id, sku_id, warehouse_id, units * on_hand AS on_hand, units * committed AS committed FROM per_unit
             UNION ALL
            SELECT id, sku_id, %(quarantine)s::bigint, units * quarantined, 0 FROM per_unit WHERE quarantined <> 0) AS places
     GROUP BY 1, 2, 3),
moved AS (
    SELECT line_id AS id, sku_id, warehouse_id, sum(on_hand_delta) AS on_hand, sum(committed_delta) AS committed
      FROM stock_stockmovement WHERE line_id IS NOT NULL GROUP BY 1, 2, 3)
SELECT coalesce(e.id, m.id), l.id IS NULL, coalesce(o.order_number, ''), k.code, w.code,
       coalesce(e.on_hand, 0), coalesce(e.committed, 0), coalesce(m.on_hand, 0), coalesce(m.committed, 0)
  FROM expected e
  FULL JOIN moved m ON (m.id, m.sku_id, m.warehouse_id) = (e.id, e.sku_id, e.warehouse_id)
  LEFT JOIN orders_orderline l ON l.id = coalesce(e.id, m.id)
  LEFT JOIN orders_order o ON o.id = l.order_id
  JOIN skumap_sku k ON k.id = coalesce(e.sku_id, m.sku_id)
  JOIN stock_warehouse w ON w.id = coalesce(e.warehouse_id, m.warehouse_id)
 WHERE coalesce(e.on_hand, 0) <> coalesce(m.on_hand, 0) OR coalesce(e.committed, 0) <> coalesce(m.committed, 0) OR l.id IS NULL
 ORDER BY 1, 4, 5
"""  # noqa: S608 - our own constants


def verify() -> list[Difference]:
    """
    Compare every balance with its movements, and every order line with what it moved. Reads one moment of the database, locks nothing.

    :return: the differences, balances first; [] is what there should be.
    """
    quarantine_id = qc_warehouse().pk
    with _one_moment() as cursor:
        return [*_check_balances(cursor), *_check_lines(cursor, quarantine_id)]


@contextmanager
def _one_moment() -> Iterator[CursorWrapper]:
    """A cursor that sees one state of the database, however long it reads (inside a caller's transaction: what that sees)."""
    nested = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if not nested:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield cursor


def _check_balances(cursor: CursorWrapper) -> Iterator[Difference]:
    cursor.execute(BALANCES)
    for sku, warehouse, *numbers in cursor.fetchall():
        yield Difference(
            kind=Kind.BALANCE,
            sku=sku,
            warehouse=warehouse,
            expected=_buckets(*numbers[:2]),
            stored=_buckets(*numbers[2:]),
        )


def _check_lines(cursor: CursorWrapper, quarantine_id: int) -> Iterator[Difference]:
    cursor.execute(COMBINATIONS)
    combinations = cursor.fetchall()
    names = (
        "channels",
        "ordered",
        "shipped",
        "cancelled",
        "kept",
        "returned",
        "to_stock",
        "lost",
        "on_hand",
        "committed",
        "quarantined",
    )
    columns = [[*row, *_effect_of(row)] for row in combinations]
    parameters = {name: [row[index] for row in columns] for index, name in enumerate(names)}
    cursor.execute(LINES, {**parameters, "quarantine": quarantine_id})
    for line_id, unknown, order, sku, warehouse, *numbers in cursor.fetchall():
        kind = Kind.ORPHAN if unknown else Kind.LINE
        yield Difference(
            kind=kind,
            line_id=line_id,
            order=order,
            sku=sku,
            warehouse=warehouse,
            expected=_buckets(*numbers[:2]),
            stored=_buckets(*numbers[2:]),
        )


_OWN, _QUARANTINE = (0, 0), (0, 1)


def _effect_of(row: Sequence[object]) -> tuple[int, int, int]:
    """What a line with these facts demands for each physical unit per sale: (on hand, committed) in its warehouse, on hand in quarantine."""
    channel, *numbers = row
    ordered, shipped, cancelled, kept, returned, to_stock, lost = (int(str(number)) for number in numbers)
    counts = Counts(
        ordered=ordered,
        shipped=shipped,
        cancelled=cancelled,
        cancelled_kept=kept,
        returned=returned,
        returned_to_stock=to_stock,
        lost=lost,
    )
    places = demanded(
        units=place_units(channel=Channel(str(channel)), counts=counts),
        components={0: 1},
        warehouse_id=0,
        quarantine_id=1,
    )
    own, quarantine = places.get(_OWN, Buckets()), places.get(_QUARANTINE, Buckets())
    return own.on_hand, own.committed, quarantine.on_hand


def _buckets(on_hand: int, committed: int) -> Buckets:
    return Buckets(int(on_hand), int(committed))
