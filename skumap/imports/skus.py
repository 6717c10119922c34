"""Staged SKUs: what is new, what differs, and both written in two statements."""

from __future__ import annotations

from typing import Any

from django.db import connection

from skumap.imports.report import Counts
from skumap.models import Sku

# What a SKU will be. A cell that says nothing leaves the field as it is; {..} is one of the two sets below.
REPLACES = {
    "title": "coalesce(s.title, k.title)",
    "brand": "coalesce(s.brand, k.brand)",
    "barcode": "coalesce(s.barcode, k.barcode)",
    "hsn": "coalesce(s.hsn, k.hsn)",
    "mrp": "coalesce(s.mrp, k.mrp)",
    "attributes": "k.attributes || s.attributes",
}
FILLS = {
    "title": "coalesce(nullif(k.title, ''), s.title, '')",
    "brand": "coalesce(nullif(k.brand, ''), s.brand, '')",
    "barcode": "coalesce(nullif(k.barcode, ''), s.barcode, '')",
    "hsn": "coalesce(nullif(k.hsn, ''), s.hsn, '')",
    "mrp": "coalesce(k.mrp, s.mrp)",
    "attributes": "s.attributes || k.attributes",
}
FILLED = frozenset({"id", "code", *REPLACES, "created_at"})
COUNT = """
SELECT count(*) FILTER (WHERE k.id IS NULL),
       count(*) FILTER (WHERE k.id IS NOT NULL AND ({after}) IS DISTINCT FROM ({before})),
       count(*) FILTER (WHERE k.id IS NOT NULL AND ({after}) IS NOT DISTINCT FROM ({before}))
  FROM import_row s LEFT JOIN skumap_sku k ON k.code = s.code
 WHERE s.kind = 'sku' AND NOT s.refused
"""
# Locked in primary-key order, as every writer of many rows does it.
LOCK = """
SELECT count(*) FROM (SELECT k.id FROM skumap_sku k JOIN import_row s ON s.code = k.code
 WHERE s.kind = 'sku' AND NOT s.refused AND ({after}) IS DISTINCT FROM ({before}) ORDER BY k.id FOR NO KEY UPDATE OF k) AS locked
"""
UPDATE = """
UPDATE skumap_sku k SET {assignments} FROM import_row s
 WHERE s.kind = 'sku' AND NOT s.refused AND s.code = k.code AND ({after}) IS DISTINCT FROM ({before})
"""
INSERT = """
INSERT INTO skumap_sku (code, title, brand, barcode, hsn, mrp, attributes, created_at{columns})
SELECT s.code, coalesce(s.title, ''), coalesce(s.brand, ''), coalesce(s.barcode, ''), coalesce(s.hsn, ''), s.mrp, s.attributes, now(){values}
  FROM import_row s
 WHERE s.kind = 'sku' AND NOT s.refused AND NOT EXISTS (SELECT 1 FROM skumap_sku k WHERE k.code = s.code)
 ORDER BY s.code
ON CONFLICT (code) DO NOTHING
"""


def diff_skus(*, fills_only: bool) -> Counts:
    """How the staged SKUs differ from those that we have. Writes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_sql(COUNT, fills_only=fills_only))
        new, changed, unchanged = cursor.fetchone()
    return Counts(new=new, changed=changed, unchanged=unchanged)


def write_skus(*, fills_only: bool) -> Counts:
    """
    Write the staged SKUs. Needs an open transaction. Rows that are as they should be are not touched.

    :return: what it wrote.
    """
    with connection.cursor() as cursor:
        cursor.execute(_sql(LOCK, fills_only=fills_only))
        counts = diff_skus(fills_only=fills_only)
        cursor.execute(_sql(UPDATE, fills_only=fills_only))
        changed = cursor.rowcount
        cursor.execute(*_insert())
        new = cursor.rowcount
    return Counts(new=new, changed=changed, unchanged=counts.new + counts.changed + counts.unchanged - new - changed)


def _insert() -> tuple[str, dict[str, Any]]:
    """The statement with every other column of a SKU at its default: the database itself knows none."""
    fields = [field for field in Sku._meta.concrete_fields if field.column not in FILLED]
    defaults = {str(field.column): field.get_db_prep_save(field.get_default(), connection) for field in fields}
    columns = "".join(f", {name}" for name in defaults)
    values = "".join(f", %({name})s" for name in defaults)
    return INSERT.format(columns=columns, values=values), defaults


def _sql(template: str, *, fills_only: bool) -> str:
    will_be = FILLS if fills_only else REPLACES
    return template.format(
        after=", ".join(will_be.values()),
        before=", ".join(f"k.{name}" for name in will_be),
        assignments=", ".join(f"{name} = {value}" for name, value in will_be.items()),
    )
