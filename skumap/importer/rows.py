"""Rows of a table -> records or problems, one row at a time. A bad row never holds up a good one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from skumap.importer import cells
from skumap.importer.cells import CellError
from skumap.importer.formats import ATTRIBUTE, Kind
from skumap.importer.layout import Layout
from skumap.importer.problems import Problem
from skumap.importer.reading import Table
from skumap.importer.records import KitRecord, LinkRecord, Parsed, Record, SkuRecord
from skumap.importer.row import CODE_LENGTH, Row
from skumap.importer.seen import SeenKeys

TITLE_LENGTH, BRAND_LENGTH, SELLER_SKU_LENGTH, ACCOUNT_LENGTH, PRODUCT_LENGTH = 300, 80, 120, 80, 40
_NO_CODE = "This row has no SKU code, so we can't say which product it is. Give it one."
_NO_CODE_SHOPIFY = (
    "This variant has no SKU in Shopify. Give it one there and export again, or say that the column Handle is the code: then the handle "
    "with the variant's options becomes the code."
)
_VALUE_KIND = re.compile(r"(single|multi(ple)?) - ", re.IGNORECASE)
_OPTIONS = ("option1", "option2", "option3")


def read_records(table: Table, *, layout: Layout) -> Iterator[Parsed]:
    """
    Read the rows of an open table. Memory grows by 20 to 60 bytes for each different code, and by nothing else.

    :raises FileError: damage in the file that shows only now; what was yielded before stands.
    """
    seen = SeenKeys()
    read = _READERS[layout.format.kind]
    shopify = _Shopify() if layout.format.key == "shopify" else None
    flipkart = _Flipkart() if layout.format.key == "flipkart" else None
    for line in table.records:
        if line.broken:
            problem = Problem(row=line.row, code="broken_row", message=line.broken)
            yield Parsed(row=line.row, problems=(problem,))
            continue
        row = Row(line, layout)
        if (shopify and shopify.skips(row)) or (flipkart and flipkart.explains(row)):
            continue
        found = read(row, shopify)
        records = () if row.problems else tuple(record for record in found if _first(record, row=row, seen=seen))
        yield Parsed(
            row=line.row,
            records=() if row.problems else records,
            problems=tuple(row.problems),
            kit=_kit_of(row) if row.problems else "",
        )


class _Shopify:
    """What the rows of a product take over from its first one. A product is a run of rows with one handle."""

    def __init__(self) -> None:
        self._handle = ""
        self.title = self.brand = ""
        self.names: dict[str, str] = {}

    def skips(self, row: Row) -> bool:
        """Take over what the row says of its product. :return: whether it is only a picture, or empty."""
        handle = cells.plain(row.raw("handle"))
        if handle != self._handle:
            self._handle, self.title, self.brand, self.names = handle, "", "", {}
        self.title = cells.plain(row.raw("title")) or self.title
        self.brand = cells.plain(row.raw("brand")) or self.brand
        for option in _OPTIONS:
            name = cells.plain(row.raw(f"{option}_name"))
            if name:
                self.names[option] = name
        code = () if self.coded_by_handle(row) else ("code",)
        return not any(row.raw(name) for name in (*code, "option1_value", "price", "barcode"))

    @staticmethod
    def coded_by_handle(row: Row) -> bool:
        """Whether the seller has said that the handle is the code, because the shop has no SKUs."""
        return row.layout.at["code"] == row.layout.at["handle"]

    def options(self, row: Row) -> dict[str, str]:
        """Names and values of the variant's options; a product without variants has none."""
        found = {self.names.get(option, ""): row.text(f"{option}_value", longest=TITLE_LENGTH) for option in _OPTIONS}
        return (
            {}
            if found.get("Title") == "Default Title"
            else {name.casefold(): value for name, value in found.items() if name and value}
        )


class _Flipkart:
    """
    Rows below the headings that only say what each column is.

    A listing download has one, with sentences; an FSN or listing id has no blanks. A category's file has three: kinds of values ("Single -
    Text"), examples and instructions.
    """

    def __init__(self) -> None:
        self._until = 0

    def explains(self, row: Row) -> bool:
        if _VALUE_KIND.match(cells.plain(row.raw("code"))):
            self._until = row.number + 2
        return row.number <= self._until or any(" " in cells.plain(row.raw(name)) for name in ("fsn", "listing_id"))


def _read_skus(row: Row, shopify: _Shopify | None) -> list[Record]:
    attributes = {**_attributes(row), **_attribute_cells(row)}
    title, brand = row.text("title", longest=TITLE_LENGTH), row.text("brand", longest=BRAND_LENGTH)
    if shopify:
        attributes = shopify.options(row)
        title = " - ".join(part for part in (shopify.title, " / ".join(attributes.values())) if part)[:TITLE_LENGTH]
        brand = shopify.brand[:BRAND_LENGTH]
    code = row.needed("code", _NO_CODE_SHOPIFY if shopify else _NO_CODE)
    if shopify and shopify.coded_by_handle(row):
        code = "-".join((code, *("-".join(value.split()) for value in attributes.values())))
        if len(code) > CODE_LENGTH:
            row.refuse("too_long", f"{code} is longer than {CODE_LENGTH} characters.", name="code", value=code)
    record = SkuRecord(
        code=code,
        title=title,
        brand=brand,
        barcode=row.take("barcode", cells.barcode, "") or _amazon_barcode(row),
        hsn=row.take("hsn", cells.hsn, ""),
        mrp=row.take("mrp", cells.mrp, None),
        attributes=attributes,
    )
    part = row.code("component")
    if cells.plain(row.raw("type")).upper() == "BUNDLE" and part:
        kit = KitRecord(kit=record.code, component=part, units=row.take("units", cells.units, None) or 1)
        return [record, kit]
    return [record]


def _attributes(row: Row) -> dict[str, Any]:
    """``colour=Red; size=M``, or a JSON object as our export writes it."""
    text = row.text("attributes", longest=10_000)
    if not text:
        return {}
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, dict) and "\\u0000" not in text:
            return found
        row.refuse(
            "attributes",
            "These attributes can't be read. Write them like: colour=Red; size=M",
            name="attributes",
            value=text,
        )
        return {}
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    if not all(sign and name.strip() for name, sign, _ in pairs):
        row.refuse("attributes", "Write attributes like: colour=Red; size=M", name="attributes", value=text)
        return {}
    return {name.strip(): value.strip() for name, _, value in pairs}


def _attribute_cells(row: Row) -> dict[str, str]:
    names = [name for name in row.layout.at if name.startswith(ATTRIBUTE)]
    found = {name.removeprefix(ATTRIBUTE): row.text(name, longest=TITLE_LENGTH) for name in names}
    return {name: value for name, value in found.items() if value}


def _amazon_barcode(row: Row) -> str:
    """The report says what its ``product-id`` is: 3 a UPC, 4 an EAN. An ASIN (1) or ISBN (2) is no barcode of ours."""
    if cells.plain(row.raw("product_id_type")) not in {"3", "4"}:
        return ""
    return row.take("product_id", cells.barcode, "")


def _read_kits(row: Row, _: _Shopify | None) -> list[Record]:
    kit = row.needed("kit", "Say which combo this row is about.")
    part = row.needed("component", "Say which SKU is in the combo.")
    if kit and kit == part:
        row.refuse("kit_in_itself", f"{kit} can't be a part of itself.", name="component", value=part)
    return [KitRecord(kit=kit, component=part, units=row.take("units", cells.units, None) or 1)]


def _read_links(row: Row, _: _Shopify | None) -> list[Record]:
    code = row.needed("code", "Say which of your SKUs this listing is.")
    variant = row.take("variant_id", cells.variant_id, "")
    product = row.take("fsn", cells.fsn, "")
    asin = row.take("asin", cells.asin, "")
    if product and asin:
        row.refuse("two_products", "A listing has an FSN or an ASIN, not both.", name="asin", value=asin)
    product = product or asin or row.code("product_id", longest=PRODUCT_LENGTH)
    if not (asin or row.raw("fsn")) and product.isascii() and product.isdigit() and len(product) > 10 and not variant:
        variant, product = product, ""
    seller_sku = row.code("seller_sku", longest=SELLER_SKU_LENGTH)
    if not (seller_sku or variant or product) and not row.problems:
        row.refuse("missing", "Say which listing is meant: by seller SKU, FSN, ASIN or variant id.", name="seller_sku")
    return [
        LinkRecord(
            code=code,
            account=row.code("account", longest=ACCOUNT_LENGTH),
            seller_sku=seller_sku,
            product_id=product,
            variant_id=variant,
            units=row.take("units", cells.units, None) or 1,
            fulfilment=row.take("fulfilment", cells.fulfilment, ""),
        )
    ]


def _first(record: Record, *, row: Row, seen: SeenKeys) -> bool:
    """
    Whether a record is the first of its key in the file.

    A second one that says the same is left out without a word where files repeat by their nature (Amazon has a row for each channel of a
    SKU, Unicommerce one for each part of a bundle); everywhere else both rows are named, and the first one counts.
    """
    match record:
        case SkuRecord():
            name, key = "code", f"sku\0{record.code}"
        case KitRecord():
            name, key = "component", f"kit\0{record.kit}\0{record.component}"
        case LinkRecord():
            name, key = "code", f"link\0{record.account}\0{record.variant_id or record.seller_sku or record.product_id}"
    earlier = seen.add(key, row=row.number, content=repr(record))
    if earlier is None:
        return True
    if not (earlier.same and row.layout.format.key in {"amazon", "unicommerce"}):
        row.refuse(
            "duplicate", _twice(record, earlier.row, row.number, same=earlier.same), name=name, value=_shown(record)
        )
    return False


def _shown(record: Record) -> str:
    match record:
        case SkuRecord():
            return record.code
        case KitRecord():
            return f"{record.kit}: {record.component}"
        case LinkRecord():
            return record.variant_id or record.seller_sku or record.product_id


def _twice(record: Record, first: int, second: int, *, same: bool) -> str:
    what = "They say the same." if same else "They say different things."
    return f"{_shown(record)} stands in row {first} and in row {second}. {what} Row {first} counts; delete the one that is wrong."


def _kit_of(row: Row) -> str:
    """The combo of a refused row, as far as it can be read."""
    name = "kit" if row.layout.format.kind is Kind.KITS else "code"
    if row.layout.format.kind is not Kind.KITS and not row.raw("component"):
        return ""
    try:
        return cells.identifier(row.raw(name), longest=CODE_LENGTH)
    except CellError:
        return ""


_READERS: dict[Kind, Callable[[Row, _Shopify | None], list[Record]]] = {
    Kind.SKUS: _read_skus,
    Kind.KITS: _read_kits,
    Kind.MAPPING: _read_links,
}
