"""Files that people send are opened, or refused in words."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from skumap.importer import FileError, Limits, lay_out, open_table, read_records
from skumap.importer.workbook import number_text
from tests.skumap.importer.files import Number, codes, csv_bytes, parse, tab_bytes, xlsx_bytes

ROWS = (("SKU", "Title", "MRP"), ("TEE-1", "Café tee ₹", "1299"), ("TEE-2", "Mug – big", "99"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_every_encoding_and_delimiter_gives_the_same_rows(encoding, delimiter):
    found = parse(csv_bytes(*ROWS, delimiter=delimiter, encoding=encoding))

    assert [each.records[0].title for each in found] == ["Café tee ₹", "Mug – big"]


def test_what_is_no_utf_8_is_read_as_windows_1252():
    found = parse(csv_bytes(("SKU", "Title"), ("TEE", "Café – “best”"), encoding="cp1252"))

    assert found[0].records[0].title == "Café – “best”"


def test_a_windows_byte_far_down_the_file_still_decides_its_encoding():
    rows = [("SKU", "Title"), *((f"S{number}", "plain") for number in range(9_000)), ("LAST", "Café")]

    assert parse(csv_bytes(*rows, encoding="cp1252"))[-1].records[0].title == "Café"


def test_rows_are_counted_as_a_spreadsheet_shows_them():
    data = b'\nSKU,Title\nA,"two\nlines"\n\n\nB,x\nC,x,too much\n'

    assert [each.row for each in parse(data)] == [3, 6, 7]


def test_excels_line_about_the_delimiter_is_no_row():
    found = parse(b"sep=;\r\nSKU;Title\r\nA;x\r\n")

    assert (found[0].row, found[0].records[0].title) == (2, "x")


def test_a_quotation_mark_in_an_amazon_report_is_an_inch():
    found = parse(
        tab_bytes(("item-name", "seller-sku", "asin1"), ('"Steel 12" ruler', "R12", "B0ABCDEFGH"), ("x", "R13", "B0"))
    )

    assert [each.records[0].title for each in found] == ['"Steel 12" ruler', "x"]


def test_a_row_with_unpaired_quotation_marks_is_named_and_the_next_one_is_read():
    found = parse(b'SKU,Title\nA,"bad"mark\nB,good\n')

    assert codes(found) == [(2, "", "broken_row")]
    assert found[1].records[0].code == "B"


def test_a_quotation_mark_that_is_never_closed_says_how_many_lines_it_took():
    found = parse(b'SKU,Title\nA,x\nB,"open\nC,x\nD,x\n')

    assert codes(found) == [(3, "", "broken_row")]
    assert "3 lines" in found[1].problems[0].message


@pytest.mark.parametrize("shared", [True, False])
def test_a_workbook_is_read_like_a_csv(shared):
    found = parse(xlsx_bytes(("SKU", "Title", "MRP"), (), ("TEE", "Café <b> & ₹", Number("1299.5")), shared=shared))

    assert found[0].row == 3
    assert (found[0].records[0].title, str(found[0].records[0].mrp)) == ("Café <b> & ₹", "1299.50")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("42301987654321", "42301987654321"),
        ("4.2301987654321E13", "42301987654321"),
        ("8901234567894.0", "8901234567894"),
        ("0.30000000000000004", "0.3"),
        ("1299.9", "1299.9"),
        ("1E+20", "1E+20"),
        ("-5", "-5"),
        ("0", "0"),
    ],
)
def test_a_number_cell_gives_every_digit_that_the_sheet_still_has(raw, shown):
    assert number_text(raw) == shown


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"  \r\n ", "empty"),
        (b",,\n,,\n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_excel"),
        (b"%PDF-1.7", "not_a_table"),
        (b"<html><body><table>", "not_a_table"),
        (b"\x01\x00\x02\x03\x00" * 50, "not_a_table"),
        (b"PK\x03\x04 half a workbook", "broken"),
        (b"SKU\n\xff\x81\n", "encoding"),
        (xlsx_bytes(("SKU",))[:-40], "broken"),
        (xlsx_bytes(("SKU",), ("a",), sheet_extra='<!DOCTYPE x [<!ENTITY a "b">]>'), "broken"),
        (b'"SKU,Title\nA,x\n', "broken"),
        (b"Colour,Weight\nred,1\n", "unknown_format"),
        (b"SKU,Title,sku\nA,x,B\n", "columns"),
        (csv_bytes([f"c{number}" for number in range(600)]), "too_big"),
    ],
)
def test_a_file_that_is_no_table_is_refused_as_a_whole(data, code):
    with pytest.raises(FileError) as caught:
        parse(data)

    assert caught.value.code == code


def test_limits_are_kept():
    with pytest.raises(FileError, match="bigger than 0 MB"):
        parse(csv_bytes(*ROWS), limits=Limits(max_bytes=10))
    assert codes(parse(b"SKU,Title\nA,12345678\nB,x\n", limits=Limits(cell_chars=7))) == [(2, "", "broken_row")]


class Endless(io.RawIOBase):
    """A CSV of any length that is never in memory."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._blocks = self._make()
        self._rest = b""
        self._at = 0

    def _make(self) -> Iterator[bytes]:
        yield b"SKU,Title,Barcode,MRP\n"
        for number in range(self.rows):
            yield f"SKU-{number:06},A title that tells the products apart {number},{8900000000000 + number},1299.00\n".encode()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._blocks, self._rest, self._at = self._make(), b"", 0
        return 0

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while len(self._rest) < len(view):
            more = next(self._blocks, b"")
            if not more:
                break
            self._rest += more
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        self._at += count
        return count


def _peak(rows: int) -> int:
    stream = io.BufferedReader(Endless(rows))
    tracemalloc.start()
    table = open_table(stream)
    layout = lay_out(headers=table.headers)
    assert sum(len(each.records) for each in read_records(table, layout=layout)) == rows
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_file_beyond_the_hashes_of_its_codes():
    assert _peak(20_000) - _peak(1_000) < 2_500_000  # the file has 1.7 MB; tables of hashes grow by doubling
