"""Everything that can be imported, as rows of the same file: importing an export changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from skumap.importer.writing import csv_lines
from skumap.models import KitComponent, Listing, Sku

BATCH = 2_000
SKU_HEADERS = ("code", "title", "brand", "barcode", "hsn", "mrp", "attributes")
KIT_HEADERS = ("kit", "component", "units")
MAPPING_HEADERS = ("own sku", "account", "seller sku", "fsn", "asin", "variant id", "pack of", "fulfilment")


def export_lines(kind: str, *, account_id: int | None = None) -> Iterator[str]:
    """
    A CSV file, line by line, for a file or a streamed answer.

    :param kind: ``skus``, ``mapping`` or ``kits``.
    :param account_id: only this account's mapping.
    """
    if kind == "skus":
        return csv_lines(headers=SKU_HEADERS, rows=_skus())
    if kind == "kits":
        return csv_lines(headers=KIT_HEADERS, rows=_kits())
    if kind == "mapping":
        return csv_lines(headers=MAPPING_HEADERS, rows=_mapping(account_id))
    raise ValueError(f"there is no export of {kind!r}")


def _skus() -> Iterator[Sequence[object]]:
    for sku in Sku.objects.order_by("code").iterator(chunk_size=BATCH):
        attributes = json.dumps(sku.attributes, ensure_ascii=False, sort_keys=True) if sku.attributes else ""
        yield sku.code, sku.title, sku.brand, sku.barcode, sku.hsn, sku.mrp, attributes


def _kits() -> Iterator[Sequence[object]]:
    rows = KitComponent.objects.order_by("kit__code", "component__code")
    yield from rows.values_list("kit__code", "component__code", "units").iterator(chunk_size=BATCH)


def _mapping(account_id: int | None) -> Iterator[Sequence[object]]:
    rows = Listing.objects.filter(status=Listing.Status.MAPPED).select_related("sku", "account")
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    for row in rows.order_by("account__name", "key").iterator(chunk_size=BATCH):
        channel = row.account.channel
        yield (
            row.sku.code if row.sku else "",
            row.account.name,
            row.seller_sku if channel == "shopify" else row.key,
            row.product_id if channel == "flipkart" else "",
            row.product_id if channel == "amazon" else "",
            row.key if channel == "shopify" else "",
            row.units_per_sale,
            "" if row.fulfilment == "UNKNOWN" else row.fulfilment,
        )
