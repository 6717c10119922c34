"""Bring the rows of a file into a temporary table, by COPY, as they are read: nothing of the file stays in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.db import connection, transaction

from skumap.importer.layout import Layout, lay_out
from skumap.importer.problems import Problem
from skumap.importer.reading import Limits, open_table
from skumap.importer.records import KitRecord, LinkRecord, Parsed, Record, SkuRecord
from skumap.importer.rows import read_records
from skumap.imports.report import Progress, Refusals

PROGRESS_ROWS = 1_000

# One table for all kinds of rows: a file may hold several (a Unicommerce export has SKUs and bundles), and only one COPY runs at a time.
# It is the session's own, unlogged, and gone with the session if the process dies. The
# last columns are found later: the SKU of a row, the part of a combo or the listing of a link, and how many listings it could be.
CREATE = """
DROP TABLE IF EXISTS pg_temp.import_row;
CREATE TEMPORARY TABLE import_row (
    row int NOT NULL, kind text NOT NULL, code text, title text, brand text, barcode text, hsn text, mrp numeric(10, 2), attributes jsonb,
    component text, units int, account text, seller_sku text, product_id text, variant_id text, fulfilment text,
    refused boolean NOT NULL DEFAULT false, account_id bigint, item_id bigint, part_id bigint, matches int
)
"""
COLUMNS = (
    "row", "kind", "code", "title", "brand", "barcode", "hsn", "mrp", "attributes", "component", "units", "account", "seller_sku",
    "product_id", "variant_id", "fulfilment", "refused",
)  # fmt: skip
COPY = f"COPY import_row ({', '.join(COLUMNS)}) FROM STDIN"
INDEX = "CREATE INDEX ON import_row (kind, code); CREATE INDEX ON import_row (row); ANALYZE import_row"
DROP = "DROP TABLE IF EXISTS pg_temp.import_row"

SKU, KIT, LINK = "sku", "kit", "link"


@dataclass(slots=True, kw_only=True)
class Staged:
    """A file in the temporary table. It lives on this database connection and as long as the ``with``."""

    layout: Layout
    rows: int = 0


@contextmanager
def staged(
    *,
    file: BinaryIO,
    refusals: Refusals,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Iterator[Staged]:
    """
    Read a file into ``import_row``; rows that are refused go to ``refusals``.

    :param file: binary and seekable; stays open.
    :param format: a key of ``FORMATS``, or ``auto``.
    :param columns: our field -> the file's heading.
    :raises FileError: nothing of it can be used; nothing is staged.
    """
    table = open_table(file, limits=limits)
    stage = Staged(layout=lay_out(headers=table.headers, format_key=format, columns=columns))
    with connection.cursor() as cursor:
        cursor.execute(CREATE)
    try:
        # In a block of its own: when the file breaks off, only the COPY is taken back, whatever transaction we are in.
        with transaction.atomic(), connection.cursor() as cursor:
            with cursor.copy(COPY) as copy:
                for parsed in _watched(read_records(table, layout=stage.layout), file=file, progress=progress):
                    stage.rows += 1
                    if parsed.problems:
                        refusals.add(*parsed.problems)
                    for values in _staged_rows(parsed):
                        copy.write_row(values)
            cursor.execute(INDEX)
        yield stage
    finally:
        # After a database error the transaction is lost, and with it the table.
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(DROP)


def _watched(rows: Iterator[Parsed], *, file: BinaryIO, progress: Progress | None) -> Iterator[Parsed]:
    if progress is None:
        yield from rows
        return
    here = file.tell()
    size = file.seek(0, 2)
    file.seek(here)
    for number, parsed in enumerate(rows):
        if number % PROGRESS_ROWS == 0:
            progress(min(file.tell(), size), size)
        yield parsed
    progress(size, size)


def _staged_rows(parsed: Parsed) -> Iterator[list[Any]]:
    for record in parsed.records:
        yield _ordered({"row": parsed.row, "refused": False, **_values(record)})
    if parsed.problems and parsed.kit:
        # Its combo must not be made without it.
        yield _ordered({"row": parsed.row, "refused": True, "kind": KIT, "code": parsed.kit})


def _ordered(values: Mapping[str, Any]) -> list[Any]:
    return [values.get(name) for name in COLUMNS]


def _values(record: Record) -> dict[str, Any]:
    """Not said is NULL."""
    match record:
        case SkuRecord():
            return {
                "kind": SKU,
                "code": record.code,
                "title": record.title or None,
                "brand": record.brand or None,
                "barcode": record.barcode or None,
                "hsn": record.hsn or None,
                "mrp": record.mrp,
                "attributes": json.dumps(dict(record.attributes), ensure_ascii=False),
            }
        case KitRecord():
            return {"kind": KIT, "code": record.kit, "component": record.component, "units": record.units}
        case LinkRecord():
            return {
                "kind": LINK,
                "code": record.code,
                "account": record.account or None,
                "seller_sku": record.seller_sku or None,
                "product_id": record.product_id or None,
                "variant_id": record.variant_id or None,
                "units": record.units,
                "fulfilment": record.fulfilment or None,
            }


REFUSE = """
UPDATE import_row r SET refused = true FROM ({found}) AS f WHERE r.row = f.row AND r.kind = %(kind)s AND NOT r.refused
RETURNING r.row, f.field, coalesce(f.value, ''), f.message, f.code
"""


def refuse_where(
    found: str, *, kind: str, layout: Layout, refusals: Refusals, parameters: Mapping[str, Any] | None = None
) -> int:
    """
    Refuse the staged rows that a query finds.

    :param found: SQL that gives row, field, value, message and code, one line for a row.
    :return: how many rows.
    """
    count = 0
    with connection.cursor() as cursor:
        cursor.execute(REFUSE.format(found=found), {**(parameters or {}), "kind": kind})
        while batch := cursor.fetchmany(1_000):
            for row, name, value, message, code in sorted(batch):
                count += 1
                refusals.add(
                    Problem(
                        row=row, code=code, field=name, column=layout.heading_of(name), value=value, message=message
                    )
                )
    return count
