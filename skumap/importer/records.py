"""What a row says, checked and typed. "" and None mean *not said*: such a field is left as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from skumap.importer.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuRecord:
    """One own SKU."""

    code: str
    title: str = ""
    brand: str = ""
    barcode: str = ""
    hsn: str = ""
    mrp: Decimal | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KitRecord:
    """``units`` of ``component`` go into one ``kit``. A kit is all its rows together."""

    kit: str
    component: str
    units: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRecord:
    """
    A listing is ``units`` of the SKU ``code``.

    :ivar account: name of the seller account; "" for the one that the whole file is for.
    :ivar product_id: FSN or ASIN, in capital letters.
    :ivar variant_id: Shopify's, digits only.
    :ivar fulfilment: one of our ``Fulfilment`` values.
    """

    code: str
    account: str = ""
    seller_sku: str = ""
    product_id: str = ""
    variant_id: str = ""
    units: int = 1
    fulfilment: str = ""


Record = SkuRecord | KitRecord | LinkRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """
    One row: what it says, or why it is left out. A row that only repeats says nothing.

    :ivar kit: of a refused row the combo it belongs to, which must not be made without it.
    """

    row: int
    records: tuple[Record, ...] = ()
    problems: tuple[Problem, ...] = ()
    kit: str = ""
