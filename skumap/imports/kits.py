"""Staged combos: which can't be made and why, which are new or differ. A combo is all its rows together, or it is not made."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from skumap.importer.layout import Layout
from skumap.imports.report import Counts, Refusals
from skumap.imports.staging import KIT, refuse_where

FIND = """
UPDATE import_row r SET item_id = f.kit_id, part_id = f.part_id
  FROM (SELECT r.ctid AS place, k.id AS kit_id, p.id AS part_id FROM import_row r
          LEFT JOIN skumap_sku k ON k.code = r.code LEFT JOIN skumap_sku p ON p.code = r.component
         WHERE r.kind = 'kit') AS f
 WHERE r.ctid = f.place
"""
# In a preview nothing is written, so a SKU that the same file adds has no id yet: it counts as known.
KNOWN = "(r.{id} IS NOT NULL OR EXISTS (SELECT 1 FROM import_row s WHERE s.kind = 'sku' AND NOT s.refused AND s.code = r.{name}))"
NO_KIT = f"""
SELECT r.row, 'kit' AS field, r.code AS value, 'There is no SKU ' || r.code || '. Add it before its parts.' AS message, 'unknown_sku' AS code
  FROM import_row r WHERE r.kind = 'kit' AND NOT r.refused AND NOT {KNOWN.format(id="item_id", name="code")}
"""  # noqa: S608 - our own constants
NO_PART = f"""
SELECT r.row, 'component' AS field, r.component AS value, 'There is no SKU ' || r.component || '. Add it first.' AS message,
       'unknown_sku' AS code
  FROM import_row r WHERE r.kind = 'kit' AND NOT r.refused AND NOT {KNOWN.format(id="part_id", name="component")}
"""  # noqa: S608 - our own constants
KIT_AS_PART = """
SELECT r.row, 'component' AS field, r.component AS value,
       r.component || ' is a combo itself. Name its parts instead.' AS message, 'kit_in_kit' AS code
  FROM import_row r
 WHERE r.kind = 'kit' AND NOT r.refused
   AND (EXISTS (SELECT 1 FROM skumap_kitcomponent c WHERE c.kit_id = r.part_id)
        OR EXISTS (SELECT 1 FROM import_row o WHERE o.kind = 'kit' AND o.code = r.component))
"""
PART_AS_KIT = """
SELECT r.row, 'kit' AS field, r.code AS value, r.code || ' is a part of a combo, so it can''t become one.' AS message,
       'kit_in_kit' AS code
  FROM import_row r
 WHERE r.kind = 'kit' AND NOT r.refused AND EXISTS (SELECT 1 FROM skumap_kitcomponent c WHERE c.component_id = r.item_id)
"""
INCOMPLETE = """
SELECT r.row, 'kit' AS field, r.code AS value,
       'Another row of ' || r.code || ' (row ' || (SELECT min(o.row) FROM import_row o WHERE o.kind = 'kit' AND o.refused AND o.code = r.code)
       || ') is refused, so the combo is left as it is.' AS message, 'kit_incomplete' AS code
  FROM import_row r
 WHERE r.kind = 'kit' AND NOT r.refused
   AND EXISTS (SELECT 1 FROM import_row o WHERE o.kind = 'kit' AND o.refused AND o.code = r.code)
"""
# Every combo of the file, how many parts it will have, has, and has just so.
STATE = """
SELECT r.code, min(r.item_id) AS kit_id, count(*) AS wanted, count(c.id) AS same,
       (SELECT count(*) FROM skumap_kitcomponent o WHERE o.kit_id = min(r.item_id)) AS has
  FROM import_row r LEFT JOIN skumap_kitcomponent c ON c.kit_id = r.item_id AND c.component_id = r.part_id AND c.units = r.units
 WHERE r.kind = 'kit' AND NOT r.refused
 GROUP BY r.code
"""
COUNT = f"""
SELECT count(*) FILTER (WHERE has = 0), count(*) FILTER (WHERE has > 0 AND (wanted <> same OR wanted <> has)),
       count(*) FILTER (WHERE has > 0 AND wanted = same AND wanted = has) FROM ({STATE}) AS s
"""  # noqa: S608 - our own constants
DUE = f"""
SELECT code, kit_id FROM ({STATE}) AS s WHERE code > %(after)s AND (wanted <> same OR wanted <> has) ORDER BY code LIMIT 500
"""  # noqa: S608 - our own constants


def check_kits(*, layout: Layout, refusals: Refusals) -> None:
    """Find the SKUs of the staged combos and refuse those that can't be made, each with all its rows."""
    with connection.cursor() as cursor:
        cursor.execute(FIND)
    for found in (NO_KIT, NO_PART, KIT_AS_PART, PART_AS_KIT, INCOMPLETE):
        refuse_where(found, kind=KIT, layout=layout, refusals=refusals)


def refuse_incomplete(*, layout: Layout, refusals: Refusals) -> None:
    """Refuse the other rows of every combo that lost one."""
    refuse_where(INCOMPLETE, kind=KIT, layout=layout, refusals=refusals)


def diff_kits() -> Counts:
    """How the staged combos differ from those that we have. Writes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT)
        new, changed, unchanged = cursor.fetchone()
    return Counts(new=new, changed=changed, unchanged=unchanged)


def kits_to_write() -> Iterator[tuple[str, int, dict[int, int]]]:
    """Code, SKU id and parts (SKU id -> units) of each combo that is new or differs, 500 at a time."""
    after = ""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(DUE, {"after": after})
            due = cursor.fetchall()
            cursor.execute(
                "SELECT code, part_id, units FROM import_row WHERE kind = 'kit' AND NOT refused AND code = ANY(%(codes)s)",
                {"codes": [code for code, _ in due]},
            )
            parts: dict[str, dict[int, int]] = {}
            for code, part_id, units in cursor.fetchall():
                parts.setdefault(code, {})[part_id] = units
        if not due:
            return
        for code, kit_id in due:
            after = code
            yield code, kit_id, parts[code]
