"""Text tables: which encoding, which delimiter, and their records one by one."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from skumap.importer.problems import FileError

SAMPLE = 65_536
DELIMITERS = ",\t;|"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as it stands in the file. ``broken`` says in words why its cells can't be told apart; then there are none."""

    row: int
    cells: tuple[str, ...] = ()
    broken: str = ""


def detect_encoding(stream: BinaryIO) -> str:
    """
    A byte order mark decides; else UTF-16 by its zero bytes; else UTF-8 if every byte of the file agrees; else Windows-1252.

    The stream is read once in blocks and put back to its beginning.
    """
    stream.seek(0)
    sample = stream.read(SAMPLE)
    stream.seek(0)
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return name
    if b"\0" in sample:
        return _utf16_or_nothing(sample)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := stream.read(SAMPLE):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        stream.seek(0)
    return "utf-8"


def _utf16_or_nothing(sample: bytes) -> str:
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > half * 0.4 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.1:
        return "utf-16-be"
    raise FileError("This is not a table of text: save it as CSV or .xlsx and send that.", code="not_a_table")


def detect_delimiter(lines: list[str]) -> str:
    """Of comma, tab, semicolon and bar the one that the headings hold most often, outside quotation marks; comma when there is none."""
    counts: Counter[str] = Counter()
    quoted = False
    for sign in lines[0] if lines else "":
        if sign == '"':
            quoted = not quoted
        elif sign in DELIMITERS and not quoted:
            counts[sign] += 1
    return max(DELIMITERS, key=lambda sign: (counts[sign], -DELIMITERS.index(sign)))


def text_records(stream: BinaryIO, *, cell_chars: int) -> tuple[str, str, Iterator[Record]]:
    """
    Open a text table.

    Rows are counted as a spreadsheet shows them: a cell with line breaks is still one row, an empty line counts.

    :return: encoding, delimiter, and every record beginning with the headings.
    :raises FileError: no text, or not in the encoding that its beginning promises.
    """
    encoding = detect_encoding(stream)
    text = io.TextIOWrapper(stream, encoding=encoding, errors="strict", newline="")
    lines = _decoded(text, stream, encoding=encoding)
    first = next(lines, None)
    if first is None:
        raise FileError("The file is empty.", code="empty")
    said = _delimiter_line(first)
    delimiter = said or detect_delimiter([first])
    # Amazon writes its reports with tabs and no quotation marks around cells: a quotation mark there is an inch.
    plain = delimiter == "\t" and "seller-sku" in first.lower()
    held = [] if said else [first]
    return encoding, delimiter, _records(_chain(held, lines), delimiter=delimiter, plain=plain, cell_chars=cell_chars)


def _decoded(text: io.TextIOWrapper, stream: BinaryIO, *, encoding: str) -> Iterator[str]:
    try:
        yield from text
    except UnicodeError as error:
        raise FileError(
            f"The file begins as {encoding} and then holds bytes that are none. Save it again as CSV UTF-8.",
            code="encoding",
        ) from error
    finally:
        if not stream.closed:
            text.detach()  # the caller's stream stays open


def _delimiter_line(line: str) -> str:
    """Excel's own first line ``sep=;``, which is no row."""
    bare = line.strip().strip('"')
    return bare[4] if len(bare) == 5 and bare.lower().startswith("sep=") else ""


def _chain(held: list[str], lines: Iterator[str]) -> Iterator[str]:
    yield from held
    yield from lines


def _records(lines: Iterator[str], *, delimiter: str, plain: bool, cell_chars: int) -> Iterator[Record]:
    # The limit is one for the process; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), cell_chars))
    counted = _Counted(lines)
    if plain:
        reader = csv.reader(counted, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(counted, delimiter=delimiter, strict=True)
    row = 0
    while True:
        row += 1
        began = counted.lines
        try:
            yield Record(row=row, cells=tuple(next(reader)))
        except StopIteration:
            return
        except csv.Error:
            swallowed = counted.lines - began
            more = (
                f" It runs over {swallowed} lines of the file, and none of them could be read." if swallowed > 1 else ""
            )
            yield Record(row=row, broken=f"Quotation marks in this row don't pair up.{more}")
            if counted.done:
                return


class _Counted:
    """An iterator that knows how many lines it gave and whether it ended."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.lines = 0
        self.done = False

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        try:
            line = next(self._lines)
        except StopIteration:
            self.done = True
            raise
        self.lines += 1
        return line
