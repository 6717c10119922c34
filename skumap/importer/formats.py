"""
The files we know, as data: which of their columns is which of our fields.

Headings are compared as ``headings.heading`` writes them: small letters, single blanks, no other signs. A preset names every heading that a
field has had over the years, best first. What is not listed is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from skumap.importer.headings import heading

ATTRIBUTE = "attribute:"  # a field ``attribute:colour`` is the attribute ``colour`` of the SKU


class Kind(StrEnum):
    """What a file is about."""

    SKUS = "skus"
    MAPPING = "mapping"
    KITS = "kits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """
    One preset.

    :ivar columns: our field -> the headings that it may have.
    :ivar required: fields whose column the file must have.
    :ivar one_of: at least one of these fields must have a column.
    :ivar marks: a file with all the headings of one of these sets is taken for this format.
    :ivar fills_only: fills what a SKU lacks and never replaces what it has: a marketplace's words are not the seller's.
    """

    key: str
    title: str
    kind: Kind
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    marks: tuple[frozenset[str], ...] = ()
    fills_only: bool = False


def _marks(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(each.split(", ")) for each in sets)


_COLOUR = ("colour", "color")
_CODES = ("code", "sku", "sku code", "own sku", "our sku", "item code", "item sku code", "article code")

_ALL = (
    Format(
        key="shopify",
        title="Shopify product export",
        kind=Kind.SKUS,
        columns={
            "handle": ("handle", "url handle"),
            "title": ("title",),
            "brand": ("vendor",),
            "code": ("variant sku", "sku"),
            "barcode": ("variant barcode", "barcode"),
            "price": ("variant price", "price"),
            "option1_name": ("option1 name",),
            "option1_value": ("option1 value",),
            "option2_name": ("option2 name",),
            "option2_value": ("option2 value",),
            "option3_name": ("option3 name",),
            "option3_value": ("option3 value",),
        },
        required=("handle", "code"),
        marks=_marks("handle, variant sku", "url handle, sku", "handle, title, option1 name"),
        fills_only=True,
    ),
    Format(
        key="amazon",
        title="Amazon merchant listings report",
        kind=Kind.SKUS,
        columns={
            "code": ("seller sku", "sku"),
            "title": ("item name", "product name", "title"),
            "mrp": ("maximum retail price", "mrp"),
            "product_id": ("product id",),
            "product_id_type": ("product id type",),
        },
        required=("code",),
        marks=_marks("seller sku, asin1", "seller sku, item name", "seller sku, listing id, open date", "sku, asin, price, quantity"),
        fills_only=True,
    ),
    Format(
        key="flipkart",
        title="Flipkart listing download",
        kind=Kind.SKUS,
        columns={
            "code": ("seller sku id", "seller sku"),
            "title": ("product title", "product name"),
            "mrp": ("mrp", "mrp inr"),
            "hsn": ("harmonized system nomenclature hsn", "hsn", "hsn code"),
            "fsn": ("flipkart serial number", "fsn"),
            "listing_id": ("listing id",),
        },
        required=("code",),
        marks=_marks(
            "seller sku id, flipkart serial number", "seller sku id, listing id", "seller sku id, fsn",
            "seller sku id, listing status",
        ),
        fills_only=True,
    ),
    Format(
        key="unicommerce",
        title="Unicommerce item master",
        kind=Kind.SKUS,
        columns={
            "code": ("product code", "item sku code", "sku code"),
            "title": ("name", "item name", "product name"),
            "brand": ("brand",),
            "barcode": ("ean", "upc", "isbn"),
            "hsn": ("hsn code", "hsn"),
            "mrp": ("mrp", "max retail price"),
            "type": ("type",),
            "component": ("component product code", "component sku code"),
            "units": ("component quantity", "component qty"),
            f"{ATTRIBUTE}colour": _COLOUR,
            f"{ATTRIBUTE}size": ("size",),
        },
        required=("code",),
        marks=_marks("category code, product code", "product code, scan identifier", "product code, component product code"),
    ),
    Format(
        key="easyecom",
        title="EasyEcom product master",
        kind=Kind.SKUS,
        columns={
            "code": ("sku", "product code"),
            "title": ("product name", "name"),
            "brand": ("brand", "brand name"),
            "barcode": ("ean upc", "eanupc", "ean", "upc", "barcode"),
            "hsn": ("hsn code", "hsn", "product tax code"),
            "mrp": ("mrp",),
            f"{ATTRIBUTE}colour": _COLOUR,
            f"{ATTRIBUTE}size": ("size",),
        },
        required=("code",),
        marks=_marks(
            "sku, product name, accounting sku", "sku, product name, model no", "sku, product name, ean upc",
            "sku, product name, eanupc", "sku, company product id", "sku, cp id",
        ),
    ),
    Format(
        key="kits",
        title="Combos and their parts",
        kind=Kind.KITS,
        columns={
            "kit": ("kit", "combo", "bundle", "kit sku", "combo sku", "bundle sku", "kit code"),
            "component": ("component", "part", "component sku", "part sku", "child sku", "component code"),
            "units": ("units", "quantity", "qty", "component quantity", "component qty"),
        },
        required=("kit", "component"),
        marks=tuple(
            frozenset({kit, part})
            for kit in ("kit", "combo", "bundle", "kit sku", "combo sku", "bundle sku")
            for part in ("component", "part", "component sku", "part sku", "child sku")
        ),
    ),
    Format(
        key="mapping",
        title="Mapping of listings to own SKUs",
        kind=Kind.MAPPING,
        columns={
            "code": ("own sku", "our sku", "sku", "sku code", "uniware sku code", "master sku", "code"),
            "account": ("account", "seller account", "account name", "channel account"),
            "seller_sku": ("seller sku", "seller sku id", "channel sku", "seller sku on channel", "seller sku code on channel", "msku"),
            "fsn": ("fsn", "flipkart serial number"),
            "asin": ("asin", "asin1"),
            "variant_id": ("variant id", "shopify variant id"),
            "product_id": ("channel product id", "fsn asin", "product id"),
            "units": ("pack of", "units per sale", "pack", "pack size"),
            "fulfilment": ("fulfilment", "fulfillment", "fulfillment channel", "fulfilment by", "fulfillment by"),
        },
        required=("code",),
        one_of=("seller_sku", "fsn", "asin", "variant_id", "product_id"),
        marks=tuple(
            frozenset({own, theirs})
            for own in ("own sku", "our sku", "uniware sku code", "master sku")
            for theirs in (
                "seller sku", "seller sku id", "channel sku", "seller sku on channel", "seller sku code on channel", "fsn", "asin",
                "variant id", "channel product id",
            )
        ) + _marks("account, sku, seller sku", "account, sku, fsn", "account, sku, asin", "account, sku, variant id"),
    ),
    Format(
        key="skus",
        title="Own SKUs",
        kind=Kind.SKUS,
        columns={
            "code": _CODES,
            "title": ("title", "name", "product name", "item name", "product title"),
            "brand": ("brand", "brand name"),
            "barcode": ("barcode", "ean", "ean code", "gtin", "upc", "ean upc"),
            "hsn": ("hsn", "hsn code", "hsn sac", "hsn sac code"),
            "mrp": ("mrp", "mrp inr", "mrp rs", "maximum retail price"),
            "attributes": ("attributes",),
            f"{ATTRIBUTE}colour": _COLOUR,
            f"{ATTRIBUTE}size": ("size",),
        },
        required=("code",),
        marks=tuple(frozenset({code}) for code in _CODES),
    ),
)  # fmt: skip

FORMATS: Mapping[str, Format] = {each.key: each for each in _ALL}
# Combos come before mappings and both before plain SKUs: the narrower says more. Marketplaces come after a mapping, which may name their ids.
_GUESSED = ("kits", "mapping", "shopify", "amazon", "flipkart", "unicommerce", "easyecom", "skus")


def guess_format(headers: Sequence[str]) -> str | None:
    """The format that a file's headings belong to, or None when somebody must say what its columns mean."""
    found = {heading(each) for each in headers}
    for key in _GUESSED:
        if any(marks <= found for marks in FORMATS[key].marks):
            return key
    return None
