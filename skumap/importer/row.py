"""One row of a file by our field names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from skumap.importer import cells
from skumap.importer.cells import CellError
from skumap.importer.layout import Layout
from skumap.importer.problems import VALUE_SHOWN, Problem
from skumap.importer.text import Record as Line

T = TypeVar("T")

CODE_LENGTH = 80


class Row:
    """The cells of one row by our field names; collects what is wrong with them."""

    def __init__(self, line: Line, layout: Layout) -> None:
        self.number = line.row
        self.layout = layout
        self.problems: list[Problem] = []
        self._cells = line.cells

    def raw(self, name: str) -> str:
        """The cell of a field: the first of its columns that is not empty."""
        for index in self.layout.at.get(name, ()):
            if index < len(self._cells) and cells.plain(self._cells[index]):
                return self._cells[index]
        return ""

    def take(self, name: str, check: Callable[[str], T], empty: T) -> T:
        """The checked value of a field; ``empty`` and a problem when it is wrong."""
        cell = self.raw(name)
        try:
            return check(cell) if cell else empty
        except CellError as error:
            self.refuse(error.code, str(error), name=name, value=cell)
            return empty

    def code(self, name: str, *, longest: int = CODE_LENGTH) -> str:
        return self.take(name, lambda cell: cells.identifier(cell, longest=longest), "")

    def needed(self, name: str, words: str) -> str:
        """A code that must be there."""
        value = self.code(name)
        if not value and not any(problem.field == name for problem in self.problems):
            self.refuse("missing", words, name=name)
        return value

    def text(self, name: str, *, longest: int) -> str:
        return self.take(name, lambda cell: cells.words(cell, longest=longest), "")

    def refuse(self, code: str, message: str, *, name: str = "", value: str = "") -> None:
        self.problems.append(
            Problem(
                row=self.number,
                code=code,
                field=name,
                column=self.layout.heading_of(name),
                value=str(value)[:VALUE_SHOWN],
                message=message,
            )
        )
