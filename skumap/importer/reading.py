"""Open a table that somebody sends, whatever it is, and read it row by row."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from skumap.importer.formats import guess_format
from skumap.importer.problems import FileError
from skumap.importer.text import Record, text_records
from skumap.importer.workbook import sheet_paths, workbook_records

SHEETS = 5  # so many are looked at for headings that we know
HEADER_WITHIN = 20  # headings are the first row that is not empty, and it comes within so many rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is too much. Shopify's descriptions have up to half a million characters."""

    max_bytes: int = 256 * 1024 * 1024
    columns: int = 500
    cell_chars: int = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """
    An open file.

    :ivar headers: as they stand in the file, trimmed; a column without a heading is "".
    :ivar header_row: where they stand.
    :ivar records: the rows below them, once; empty rows are left out, row numbers count them.
    :ivar encoding: "xlsx" for a workbook.
    """

    headers: tuple[str, ...]
    header_row: int
    records: Iterator[Record]
    encoding: str
    delimiter: str = ""


def open_table(stream: BinaryIO, *, limits: Limits | None = None) -> Table:
    """
    Open a CSV, TSV or XLSX file. The stream must stay open as long as the rows are read; it is not closed.

    :param stream: binary and seekable.
    :raises FileError: it is empty, too big, no table, or damaged. Also while the rows are read, when damage shows later.
    """
    limits = limits or Limits()
    size = stream.seek(0, io.SEEK_END)
    if size > limits.max_bytes:
        most = limits.max_bytes // (1024 * 1024)
        raise FileError(f"The file is bigger than {most} MB. Send it in parts.", code="too_big")
    stream.seek(0)
    head = stream.read(2048)
    stream.seek(0)
    if not head.strip():
        raise FileError("The file is empty.", code="empty")
    delimiter = ""
    if head.startswith(b"PK"):
        encoding, records = "xlsx", _likeliest_sheet(stream, limits=limits)
    else:
        _refuse_others(head)
        encoding, delimiter, records = text_records(stream, cell_chars=limits.cell_chars)
    header = _header(records)
    if len(header.cells) > limits.columns:
        raise FileError(f"The file has more than {limits.columns} columns.", code="too_big")
    headers = tuple(_bare(cell) for cell in header.cells)
    return Table(
        headers=headers,
        header_row=header.row,
        records=_rows(records, width=len(headers), limits=limits),
        encoding=encoding,
        delimiter=delimiter,
    )


def _likeliest_sheet(stream: BinaryIO, *, limits: Limits) -> Iterator[Record]:
    """Of the sheets that are shown the first with headings that we know (Flipkart's files begin with instructions), else the first."""
    paths = sheet_paths(stream, max_bytes=limits.max_bytes)
    for path in paths[:SHEETS] if len(paths) > 1 else []:
        records = workbook_records(stream, max_bytes=limits.max_bytes, path=path)
        try:
            known = guess_format(_header(records).cells)
        except FileError:
            continue
        if known:
            return workbook_records(stream, max_bytes=limits.max_bytes, path=path)
    return workbook_records(stream, max_bytes=limits.max_bytes, path=paths[0])


def _refuse_others(head: bytes) -> None:
    """:raises FileError: it begins like something that is no table, though people send it as one."""
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        message = (
            "This is an old Excel file (.xls) or has a password. Open it, save it as .xlsx without one, and send that."
        )
        raise FileError(message, code="old_excel")
    if head.startswith((b"%PDF", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff")):
        raise FileError("This is not a table. Save it as CSV or .xlsx and send that.", code="not_a_table")
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<!doctype", b"<html", b"<table", b"<?xml")):
        message = "This is a web page, though it may be called .xls. Open it in Excel, save it as .xlsx and send that."
        raise FileError(message, code="not_a_table")


def _header(records: Iterator[Record]) -> Record:
    for record in records:
        if record.broken:
            raise FileError(f"The headings can't be read. {record.broken}", code="broken")
        if any(_bare(cell) for cell in record.cells):
            return record
        if record.row >= HEADER_WITHIN:
            break
    raise FileError("There are no headings in the first rows of the file.", code="empty")


def _rows(records: Iterator[Record], *, width: int, limits: Limits) -> Iterator[Record]:
    for record in records:
        if record.broken:
            yield record
        elif any(_bare(cell) for cell in record.cells[width:]):
            yield Record(
                row=record.row,
                broken="This row has more cells than there are headings: a comma inside a cell may lack its quotation marks.",
            )
        elif max(map(len, record.cells), default=0) > limits.cell_chars:
            yield Record(row=record.row, broken=f"A cell of this row has more than {limits.cell_chars} characters.")
        elif any(_bare(cell) for cell in record.cells):
            yield record


def _bare(text: str) -> str:
    return text.strip(" \t\r\n\xa0\u200b\ufeff")
