"""CSV that a spreadsheet opens without running anything in it, and that comes back as it went out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

BOM = "\ufeff"  # without it Excel takes UTF-8 for Windows-1252 and breaks every rupee sign

# A spreadsheet runs a cell that begins like this. The last four are their full-width forms, which some programs take for the same.
_RUNS = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def guard_cell(value: str) -> str:
    """
    Put an apostrophe before what a spreadsheet would run as a formula.

    A value that begins with apostrophes and such a sign gets one more, so that ``unguard_cell`` gives back each value exactly.
    """
    return f"'{value}" if _RUNS.match(value) else value


def unguard_cell(value: str) -> str:
    """Take off exactly the apostrophe that ``guard_cell`` put there."""
    return value[1:] if value.startswith("'") and _RUNS.match(value, 1) else value


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(*, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """
    Lines of a CSV file, one at a time: UTF-8 with a byte order mark, CRLF, every cell guarded.

    :param rows: cells in the order of the headers; None is an empty cell.
    """
    writer = csv.writer(_Echo())
    yield BOM + writer.writerow(headers)
    for row in rows:
        yield writer.writerow(["" if cell is None else guard_cell(str(cell)) for cell in row])
