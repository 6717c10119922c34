"""What goes out comes back as it was, and no spreadsheet runs it."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.importer import SkuRecord, cells, csv_lines, guard_cell, lay_out, open_table, read_records, unguard_cell
from skumap.imports.exports import SKU_HEADERS
from tests.skumap.importer.files import parse

DANGEROUS = ("=1+1", "+91", "-5", "@SUM(A1)", "\tx", "\rx", "\n=x", "＝1", "'=x", "''-x")


@pytest.mark.parametrize("value", DANGEROUS)
def test_a_cell_that_a_spreadsheet_would_run_goes_out_behind_an_apostrophe(value):
    assert guard_cell(value) == f"'{value}"


@pytest.mark.parametrize("value", ["tee", "'tee", "it's", "", "'", "1-2", "a=b"])
def test_other_cells_go_out_as_they_are(value):
    assert guard_cell(value) == value


@given(st.text() | st.sampled_from(DANGEROUS) | st.from_regex(r"'{0,3}[=+@-].{0,5}", fullmatch=True))
def test_exactly_the_apostrophe_that_was_added_is_taken_off(value):
    assert unguard_cell(guard_cell(value)) == value


def _is_code(text: str) -> bool:
    try:
        return bool(text) and cells.identifier(guard_cell(text), longest=80) == text
    except cells.CellError:
        return False


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40).map(
    lambda text: cells.plain(guard_cell(text))
)
skus = st.builds(
    SkuRecord,
    code=(texts | st.sampled_from(DANGEROUS[:4])).filter(_is_code),
    title=texts.filter(lambda text: cells.plain(guard_cell(text)) == text and not text.startswith("#")),
    barcode=st.sampled_from(["", "8901234567894", "012345678905", "+SHELF"]),
    hsn=st.sampled_from(["", "0902", "61091000"]),
    mrp=st.none() | st.decimals("0.01", "99999999.99", places=2),
    attributes=st.dictionaries(
        texts.filter(bool), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), max_size=3
    ),
)


@given(st.lists(skus, max_size=6, unique_by=lambda sku: sku.code))
def test_an_export_is_imported_as_it_was(given_skus):
    rows = [
        (
            sku.code,
            sku.title,
            sku.brand,
            sku.barcode,
            sku.hsn,
            sku.mrp,
            json.dumps(sku.attributes) if sku.attributes else "",
        )
        for sku in given_skus
    ]
    data = "".join(csv_lines(headers=SKU_HEADERS, rows=rows)).encode()

    found = parse(data)

    assert [record for each in found for record in each.records] == given_skus


def test_an_export_is_a_stream():
    def rows():
        yield ("A", "one")
        raise AssertionError("asked for a row that nobody wants yet")

    lines = csv_lines(headers=("code", "title"), rows=rows())

    assert [next(lines), next(lines)] == ["\ufeffcode,title\r\n", "A,one\r\n"]


def test_an_open_table_leaves_the_stream_open():
    stream = io.BytesIO(b"SKU\nA\n")
    table = open_table(stream)
    list(read_records(table, layout=lay_out(headers=table.headers)))

    assert not stream.closed
