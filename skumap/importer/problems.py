"""
What can be wrong with a file, by what happens next.

    FileError    nothing of the file can be used; a person must send another file or say what its columns mean
    Problem      one cell of one row is wrong: that row is left out and named, the others go on
"""

from __future__ import annotations

from dataclasses import dataclass

VALUE_SHOWN = 120


class FileError(ValueError):
    """
    A file can't be read at all. The message is for the seller.

    :ivar code: for programs: ``empty``, ``too_big``, ``not_a_table``, ``old_excel``, ``broken``, ``encoding``, ``unknown_format``, ``columns``.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """
    Why a row is left out.

    :ivar row: as a spreadsheet shows it; the headings are mostly row 1.
    :ivar code: for programs; ``cells.py`` and ``rows.py`` say which there are.
    :ivar field: our name of the field; "" when it is about the row as a whole.
    :ivar column: the heading in the seller's file; "" when there is none.
    :ivar value: what stood there, cut to 120 characters.
    :ivar message: what is wrong and what to do, in words for the seller.
    """

    row: int
    code: str
    field: str = ""
    column: str = ""
    value: str = ""
    message: str
