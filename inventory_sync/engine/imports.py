"""
Import a file of SKUs, combos or a mapping: look at what it would do, or do it.

What is right is written, what is wrong is named, and sending the same file again changes nothing. Links go through ``approve_match``, one by
one, so that each has its history and takes effect at once; a process that dies on the way goes on where it stopped when it is run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import connection, transaction
from django.db.models import Q

from inventory_sync.domain.snapshots import MARKETPLACE_HELD
from inventory_sync.engine import wake
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.mapping import approve_match
from inventory_sync.stock.ledger import retrying
from inventory_sync.stock.models import StockBalance
from skumap.importer.formats import Kind
from skumap.importer.layout import Layout
from skumap.importer.problems import Problem
from skumap.importer.reading import Limits
from skumap.imports.kits import check_kits, diff_kits, kits_to_write, refuse_incomplete
from skumap.imports.report import Counts, ErrorLines, ImportReport, Progress, Refusals
from skumap.imports.skus import diff_skus, write_skus
from skumap.imports.staging import KIT, LINK, Staged, refuse_where, staged
from skumap.models import Sku
from skumap.services import LinkError, set_kit, skus_touched_by

HAS_STOCK = """
SELECT r.row, 'kit' AS field, r.code AS value,
       r.code || ' has stock of its own, so it can''t become a combo. Book that to its parts first.' AS message, 'has_stock' AS code
  FROM import_row r
 WHERE r.kind = 'kit' AND NOT r.refused
   AND EXISTS (SELECT 1 FROM stock_stockbalance b WHERE b.sku_id = r.item_id AND (b.on_hand <> 0 OR b.committed <> 0))
"""

# By the channel's own key first, then by a seller SKU, then by a product that only one listing of the account has.
FIND_LINKS = """
UPDATE import_row r SET account_id = a.id FROM skumap_channelaccount a
 WHERE r.kind = 'link' AND CASE WHEN r.account IS NULL THEN a.id = %(account)s ELSE a.name = r.account END;
UPDATE import_row r SET item_id = k.id FROM skumap_sku k WHERE r.kind = 'link' AND k.code = r.code;
UPDATE import_row r SET part_id = f.listing_id, matches = f.matches
  FROM (SELECT r.ctid AS place, coalesce(k.id, s.id, p.id) AS listing_id,
               CASE WHEN k.id IS NULL THEN coalesce(s.n, 0) + coalesce(p.n, 0) ELSE 1 END AS matches
          FROM import_row r JOIN skumap_channelaccount a ON a.id = r.account_id
          LEFT JOIN skumap_listing k
            ON k.account_id = a.id AND k.key = CASE WHEN a.channel = 'shopify' THEN r.variant_id ELSE r.seller_sku END
          LEFT JOIN LATERAL (SELECT min(l.id) AS id, count(*) AS n FROM skumap_listing l
                              WHERE k.id IS NULL AND r.variant_id IS NULL AND l.account_id = a.id AND l.seller_sku = r.seller_sku) AS s ON true
          LEFT JOIN LATERAL (SELECT min(l.id) AS id, count(*) AS n FROM skumap_listing l
                              WHERE r.variant_id IS NULL AND r.seller_sku IS NULL AND l.account_id = a.id
                                AND l.product_id = r.product_id) AS p ON true
         WHERE r.kind = 'link') AS f
 WHERE r.ctid = f.place
"""
_LINKS = "FROM import_row r LEFT JOIN skumap_listing l ON l.id = r.part_id WHERE r.kind = 'link' AND NOT r.refused AND"
_LISTING = "coalesce(r.variant_id, r.seller_sku, r.product_id)"
_COLUMN = "CASE WHEN r.variant_id IS NOT NULL THEN 'variant_id' WHEN r.seller_sku IS NOT NULL THEN 'seller_sku' ELSE 'product_id' END"
BAD_LINKS = (
    f"""SELECT r.row, 'account' AS field, r.account AS value, CASE WHEN r.account IS NULL
       THEN 'Say in which seller account this listing is.' ELSE 'There is no seller account ' || r.account || '.' END AS message,
       'unknown_account' AS code {_LINKS} r.account_id IS NULL""",
    f"""SELECT r.row, 'code' AS field, r.code AS value, 'There is no SKU ' || r.code || '. Add it first.' AS message,
       'unknown_sku' AS code {_LINKS} r.item_id IS NULL""",
    f"""SELECT r.row, {_COLUMN} AS field, {_LISTING} AS value, 'The account has no listing ' || {_LISTING}
       || ' that we know of. Read its listings, then send the file again.' AS message, 'unknown_listing' AS code
       {_LINKS} r.matches = 0""",
    f"""SELECT r.row, {_COLUMN} AS field, {_LISTING} AS value, r.matches || ' listings of the account are ' || {_LISTING}
       || '. Say which one: by seller SKU, or on Shopify by variant id.' AS message, 'ambiguous_listing' AS code
       {_LINKS} r.matches > 1""",
    f"""SELECT r.row, 'fsn' AS field, r.product_id AS value, 'The listing ' || l.key || ' is ' || l.product_id
       || ' on the channel, and this row says ' || r.product_id || '.' AS message, 'product_differs' AS code
       {_LINKS} r.product_id <> l.product_id AND l.product_id <> ''
                AND EXISTS (SELECT 1 FROM skumap_channelaccount a WHERE a.id = r.account_id AND a.channel <> 'shopify')""",  # noqa: S608 - our own constants
    f"""SELECT r.row, 'seller_sku' AS field, r.seller_sku AS value, 'The variant ' || l.key || ' has the SKU ' || l.seller_sku
       || ' on the channel, and this row says ' || r.seller_sku || '.' AS message, 'seller_sku_differs' AS code
       {_LINKS} r.variant_id IS NOT NULL AND r.seller_sku <> l.seller_sku AND l.seller_sku <> ''""",
    f"""SELECT r.row, 'fulfilment' AS field, r.fulfilment AS value, 'The channel says that ' || l.key || ' is ' || l.fulfilment
       || ', and this row says ' || r.fulfilment || '.' AS message, 'fulfilment_differs' AS code
       {_LINKS} l.fulfilment <> 'UNKNOWN' AND (r.fulfilment = ANY(%(held)s)) <> (l.fulfilment = ANY(%(held)s))""",
    f"""SELECT d.row, 'code' AS field, d.code AS value, 'Row ' || d.first || ' links the same listing. Row ' || d.first
       || ' counts; delete the one that is wrong.' AS message, 'duplicate' AS code
       FROM (SELECT r.row, r.code, min(r.row) OVER (PARTITION BY r.part_id) AS first {_LINKS} r.part_id IS NOT NULL) AS d
       WHERE d.row > d.first""",  # noqa: S608 - our own constants
)  # fmt: skip
_DUE = "l.sku_id IS NULL OR l.sku_id <> r.item_id OR l.units_per_sale <> r.units"
COUNT_LINKS = f"""
SELECT count(*) FILTER (WHERE l.sku_id IS NULL), count(*) FILTER (WHERE l.sku_id <> r.item_id OR l.sku_id = r.item_id
       AND l.units_per_sale <> r.units), count(*) FILTER (WHERE NOT ({_DUE})) {_LINKS} true
"""
LINKS_DUE = f"SELECT r.row, r.part_id, r.item_id, r.units, r.code {_LINKS} ({_DUE}) AND r.row > %(after)s ORDER BY r.row LIMIT 500"


def preview(
    *,
    file: BinaryIO,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    account_id: int | None = None,
    errors: ErrorLines | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """
    What an import of this file would do. Writes nothing.

    :param file: binary and seekable; stays open.
    :param format: a key of ``skumap.importer.FORMATS``, or ``auto`` to tell by the headings.
    :param columns: our field -> the file's heading, for files that no preset knows.
    :param account_id: the seller account of a mapping's rows that name none.
    :param errors: takes the refused rows as CSV.
    :param progress: is told now and then how many bytes of how many are read.
    :raises skumap.importer.FileError: nothing of the file can be used.
    """
    refusals = Refusals(errors=errors)
    with staged(
        file=file, refusals=refusals, format=format, columns=columns, limits=limits, progress=progress
    ) as stage:
        counts: dict[str, Counts] = {}
        if stage.layout.format.kind is Kind.SKUS:
            counts["skus"] = diff_skus(fills_only=stage.layout.format.fills_only)
        if _has(KIT) or stage.layout.format.kind is Kind.KITS:
            _check_kits(stage.layout, refusals)
            counts["kits"] = diff_kits()
        if stage.layout.format.kind is Kind.MAPPING:
            counts["links"] = _check_links(stage.layout, refusals, account_id)
        return _report(stage, refusals, counts, written=False)


def apply(
    *,
    file: BinaryIO,
    now: datetime,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    account_id: int | None = None,
    actor: Any = None,
    reason: str = "import",
    errors: ErrorLines | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    writing: Progress | None = None,
) -> ImportReport:
    """
    Import a file: everything that is right in it. Safe to repeat.

    SKUs are one transaction, each combo and each link its own. Call it outside of a transaction.

    :param actor: the user who says so, and ``reason`` why; both stand in the history of each link, with the row.
    :param writing: is told how many combos or links of how many are written.
    :raises skumap.importer.FileError: nothing of the file can be used; nothing was written.

    The other parameters are those of ``preview``.
    """
    refusals = Refusals(errors=errors)
    with staged(
        file=file, refusals=refusals, format=format, columns=columns, limits=limits, progress=progress
    ) as stage:
        counts: dict[str, Counts] = {}
        if stage.layout.format.kind is Kind.SKUS:
            with transaction.atomic():
                counts["skus"] = write_skus(fills_only=stage.layout.format.fills_only)
        if _has(KIT) or stage.layout.format.kind is Kind.KITS:
            _check_kits(stage.layout, refusals)
            counts["kits"] = diff_kits()
            _write_kits(stage.layout, refusals, told=_Told(counts["kits"], writing))
        if stage.layout.format.kind is Kind.MAPPING:
            counts["links"] = _check_links(stage.layout, refusals, account_id)
            told = _Told(counts["links"], writing)
            _write_links(stage.layout, refusals, now=now, actor=actor, reason=reason, told=told)
        wake.after_commit("match_listings")  # a listing may have waited for a SKU that is there now
        return _report(stage, refusals, counts, written=True)


def _report(stage: Staged, refusals: Refusals, counts: dict[str, Counts], *, written: bool) -> ImportReport:
    return ImportReport(
        format=stage.layout.format.key,
        written=written,
        rows=stage.rows,
        refused=refusals.rows,
        counts=counts,
        problems=tuple(refusals.first),
        reasons=dict(refusals.reasons),
        columns=dict(stage.layout.shown),
    )


class _Told:
    """Counts what is written and says so, one by one."""

    def __init__(self, counts: Counts, writing: Progress | None) -> None:
        self._done, self._due, self._writing = 0, counts.new + counts.changed, writing

    def one(self) -> None:
        self._done += 1
        if self._writing is not None:
            self._writing(min(self._done, self._due), self._due)


def _has(kind: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM import_row WHERE kind = %s)", [kind])
        return bool(cursor.fetchone()[0])


def _check_kits(layout: Layout, refusals: Refusals) -> None:
    check_kits(layout=layout, refusals=refusals)
    if refuse_where(HAS_STOCK, kind=KIT, layout=layout, refusals=refusals):
        refuse_incomplete(layout=layout, refusals=refusals)


def _write_kits(layout: Layout, refusals: Refusals, *, told: _Told) -> None:
    for code, kit_id, parts in kits_to_write():
        told.one()
        try:
            retrying(_make_kit)(kit_id=kit_id, parts=parts)
        except (ValidationError, ObjectDoesNotExist) as error:
            refusals.add(_late(layout, 0, "kit", code, "; ".join(getattr(error, "messages", [str(error)]))))
            continue
        decide_soon(skus_touched_by([kit_id]))


@transaction.atomic
def _make_kit(*, kit_id: int, parts: Mapping[int, int]) -> None:
    """:raises ValidationError: it has got stock of its own meanwhile, or a part has become a combo."""
    kit = Sku.objects.select_for_update().get(pk=kit_id)
    if StockBalance.objects.filter(~Q(on_hand=0) | ~Q(committed=0), sku=kit).exists():
        raise ValidationError("It has stock of its own, so it can't become a combo.")
    components = Sku.objects.in_bulk(parts)
    set_kit(kit=kit, parts={components[pk]: units for pk, units in sorted(parts.items())})


def _check_links(layout: Layout, refusals: Refusals, account_id: int | None) -> Counts:
    with connection.cursor() as cursor:
        for statement in FIND_LINKS.split(";"):
            cursor.execute(statement, {"account": account_id})
    held = {"held": [kind.value for kind in MARKETPLACE_HELD]}
    for found in BAD_LINKS:
        refuse_where(found, kind=LINK, layout=layout, refusals=refusals, parameters=held)
    with connection.cursor() as cursor:
        cursor.execute(COUNT_LINKS)
        new, changed, unchanged = cursor.fetchone()
    return Counts(new=new, changed=changed, unchanged=unchanged)


def _write_links(layout: Layout, refusals: Refusals, *, now: datetime, actor: Any, reason: str, told: _Told) -> None:
    for row, listing_id, sku_id, units, code in _links_due():
        told.one()
        try:
            retrying(approve_match)(
                listing_id=listing_id,
                sku_id=sku_id,
                now=now,
                units_per_sale=units,
                actor=actor,
                reason=f"{reason}, row {row}",
            )
        except (LinkError, ObjectDoesNotExist) as error:
            refusals.add(_late(layout, row, "code", code, str(error)))


def _links_due() -> Iterator[tuple[int, int, int, int, str]]:
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(LINKS_DUE, {"after": after})
            due = cursor.fetchall()
        if not due:
            return
        yield from due
        after = due[-1][0]


def _late(layout: Layout, row: int, name: str, value: str, message: str) -> Problem:
    """What only showed when it was written: something has changed since the check."""
    return Problem(
        row=row, code="not_written", field=name, column=layout.heading_of(name), value=value, message=message
    )
