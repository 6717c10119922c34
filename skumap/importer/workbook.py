"""
XLSX as a stream: one sheet, row by row, in memory that does not grow with the file.

Libraries keep every different text of the workbook in memory; here those wait in a temporary file. What a cell *holds* counts, not how it
is shown: 42301987654321 that Excel shows as 4.23E+13 is read in full, as long as Excel itself still knows all its digits (15).
"""

from __future__ import annotations

import re
import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from skumap.importer.problems import FileError
from skumap.importer.text import Record

BLOCK = 65_536
UNPACKED = 20  # a workbook may unpack to so many times its own limit in bytes
COLUMNS = 16_384
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]+")
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')


class DateText(str):
    """A cell that the spreadsheet holds as a date; as text it is the ISO date."""

    __slots__ = ()


def sheet_paths(stream: BinaryIO, *, max_bytes: int) -> list[str]:
    """
    Where in the workbook the sheets are that are shown, in their order.

    :raises FileError: as ``workbook_records``.
    """
    with _opened(stream, max_bytes=max_bytes) as archive:
        return _sheets(archive)[0]


def workbook_records(stream: BinaryIO, *, max_bytes: int, path: str) -> Iterator[Record]:
    """
    Every row of a sheet, with the number that Excel shows.

    :param stream: seekable.
    :param path: one of ``sheet_paths``.
    :param max_bytes: a workbook that unpacks to far more than this is refused (a packed bomb).
    :raises FileError: no workbook, a broken one, one with a password, or one that unpacks to too much.
    """
    with _opened(stream, max_bytes=max_bytes) as archive:
        epoch_1904 = _sheets(archive)[1]
        dates = _date_styles(archive)
        with _SharedTexts(archive) as texts:
            yield from _rows(archive, path, texts=texts, dates=dates, epoch_1904=epoch_1904)


@contextmanager
def _opened(stream: BinaryIO, *, max_bytes: int) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(stream) as archive:
            _refuse_bomb(archive, max_bytes=max_bytes)
            yield archive
    except FileError:
        raise
    except (zipfile.BadZipFile, zlib.error, ParseError, LookupError, ValueError, EOFError, RuntimeError) as error:
        message = "The workbook is damaged or has a password. Open it in Excel, save it without one, and send that."
        raise FileError(message, code="broken") from error


def _refuse_bomb(archive: zipfile.ZipFile, *, max_bytes: int) -> None:
    if sum(info.file_size for info in archive.infolist()) > max_bytes * UNPACKED:
        raise FileError("The workbook is too big. Save the sheet as CSV UTF-8, or send it in parts.", code="too_big")


def _events(archive: zipfile.ZipFile, path: str) -> Iterator[tuple[str, str, Element]]:
    """Start and end of each element with its bare name. Every finished child of a container is dropped by the caller."""
    parser: XMLPullParser[Element] = XMLPullParser(events=("start", "end"))
    with archive.open(path) as part:
        head: bytes | None = b""  # what came before the first element; only there a DTD can stand
        while block := part.read(BLOCK):
            if head is not None:
                head += block.replace(b"\0", b"")
                if b"<!DOCTYPE" in head or len(head) > 16 * BLOCK:
                    raise FileError("The workbook holds what no spreadsheet writes; it is not opened.", code="broken")
            parser.feed(block)
            for found in _read(parser):
                head = None
                yield found
    parser.close()
    yield from _read(parser)


def _read(parser: XMLPullParser[Element]) -> Iterator[tuple[str, str, Element]]:
    for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
        yield event, element.tag.rpartition("}")[2], element


def _sheets(archive: zipfile.ZipFile) -> tuple[list[str], bool]:
    """Paths of the sheets that are shown, and whether the workbook counts its days from 1904."""
    targets: dict[str, str] = {}
    if "xl/workbook.xml" not in archive.namelist():
        raise FileError("This is no Excel workbook (.xlsx). Save it as .xlsx or CSV and send that.", code="not_a_table")
    for event, name, element in _events(archive, "xl/_rels/workbook.xml.rels"):
        if event == "end" and name == "Relationship":
            targets[element.get("Id", "")] = element.get("Target", "")
    shown: list[str] = []
    first_1904 = False
    for event, name, element in _events(archive, "xl/workbook.xml"):
        if event != "start":
            continue
        if name == "workbookPr":
            first_1904 = element.get("date1904", "0") in {"1", "true"}
        if name == "sheet" and element.get("state", "visible") == "visible":
            shown.append(targets[next((value for key, value in element.attrib.items() if key.endswith("}id")), "")])
    if not shown:
        raise FileError("The workbook has no sheet.", code="empty")
    return [target.lstrip("/") if target.startswith("/") else f"xl/{target}" for target in shown], first_1904


def _date_styles(archive: zipfile.ZipFile) -> frozenset[int]:
    """Numbers of the cell styles that show a number as a date."""
    if "xl/styles.xml" not in archive.namelist():
        return frozenset()
    own: set[int] = set()
    found: set[int] = set()
    inside, index = False, 0
    for event, name, element in _events(archive, "xl/styles.xml"):
        if name == "cellXfs":
            inside = event == "start"
        elif event == "start" and name == "numFmt":
            code = _QUOTED.sub("", element.get("formatCode", "")).lower()
            if code != "general" and set("ymdhs") & set(code):
                own.add(int(element.get("numFmtId", "0")))
        elif event == "start" and name == "xf" and inside:
            number = int(element.get("numFmtId", "0"))
            if number in _DATE_FORMATS or number in own:
                found.add(index)
            index += 1
    return frozenset(found)


class _SharedTexts:
    """The workbook's table of texts, in a temporary file with an array of places."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._places = array("Q", [0])
        if "xl/sharedStrings.xml" not in archive.namelist():
            return
        root: Element | None = None
        for event, name, element in _events(archive, "xl/sharedStrings.xml"):
            root = element if root is None else root
            if event == "end" and name == "si":
                self._places.append(self._places[-1] + self._file.write(_text_of(element).encode("utf-8", "replace")))
                root.clear()

    def __enter__(self) -> _SharedTexts:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self._places) - 1:
            raise FileError("The workbook is damaged: a cell names a text that is not there.", code="broken")
        self._file.seek(self._places[index])
        return self._file.read(self._places[index + 1] - self._places[index]).decode("utf-8")


def _text_of(element: Element) -> str:
    """Text of a string item: its runs, without the reading aids of East Asian scripts."""
    parts: list[str] = []
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name == "t":
            parts.append(child.text or "")
        elif name == "r":
            parts.extend(run.text or "" for run in child if run.tag.rpartition("}")[2] == "t")
    return "".join(parts)


def _rows(
    archive: zipfile.ZipFile, path: str, *, texts: _SharedTexts, dates: frozenset[int], epoch_1904: bool
) -> Iterator[Record]:
    last = 0
    container: Element | None = None
    for event, name, element in _events(archive, path):
        if name == "sheetData":
            if event == "end":
                return  # what follows (links, print areas) is no row
            container = element
        elif event == "end" and name == "row" and container is not None:
            last = int(element.get("r") or last + 1)
            yield Record(row=last, cells=_cells(element, texts=texts, dates=dates, epoch_1904=epoch_1904))
            container.clear()


def _cells(row: Element, *, texts: _SharedTexts, dates: frozenset[int], epoch_1904: bool) -> tuple[str, ...]:
    cells: list[str] = []
    for cell in row:
        reference = _REFERENCE.fullmatch(cell.get("r", ""))
        index = _column(reference[1]) if reference else len(cells)
        text = _value(cell, texts=texts, dates=dates, epoch_1904=epoch_1904)
        if text and len(cells) <= index < COLUMNS:
            cells.extend([""] * (index - len(cells)))
            cells.append(text)
        elif not reference:
            cells.append(text)
    return tuple(cells)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _value(cell: Element, *, texts: _SharedTexts, dates: frozenset[int], epoch_1904: bool) -> str:
    kind = cell.get("t", "n")
    raw = ""
    for child in cell:
        name = child.tag.rpartition("}")[2]
        if name == "v":
            raw = child.text or ""
        elif name == "is":
            return _text_of(child)
    if not raw or kind in {"str", "e"}:
        return raw
    if kind == "s":
        return texts[int(raw)]
    if kind == "b":
        return "TRUE" if raw == "1" else "FALSE"
    if kind == "d":
        return DateText(raw)
    if int(cell.get("s") or 0) in dates:
        return _date(raw, epoch_1904=epoch_1904)
    return number_text(raw)


def _date(raw: str, *, epoch_1904: bool) -> str:
    # 30 December 1899 makes up for a 29 February 1900 that Excel believes in.
    epoch = datetime(1904, 1, 1) if epoch_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - a date in a sheet has no zone
    try:
        return DateText((epoch + timedelta(days=float(raw))).date().isoformat())
    except (ValueError, OverflowError):
        return raw


def number_text(raw: Any) -> str:
    """
    A number cell as its seller means it: whole numbers in full, others with the 15 digits that a spreadsheet keeps.

    A whole number of more than 15 digits has lost some: it stays in scientific notation, and whoever needs its digits refuses it.
    """
    try:
        number = Decimal(str(raw))
        if not number.is_finite():
            return str(raw)
        if number == number.to_integral_value():
            # Up to 15 digits are kept, however the number is written down.
            return format(number.quantize(Decimal(1)), "f") if abs(number) < 10**15 else format(number.normalize(), "E")
        return format(Decimal(f"{float(number):.15g}"), "f")
    except (InvalidOperation, ValueError):
        return str(raw)
