"""What an import did or would do, and the list of its refused rows as a file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from skumap.importer.problems import Problem
from skumap.importer.writing import BOM, guard_cell

ERROR_HEADERS = ("row", "column", "value", "what is wrong", "code")
SHOWN = 50

Progress = Callable[[int, int], None]  # how many of how many: bytes of the file, or things written


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of the things that a file names: how many are new, differ from what is stored, or are stored just so."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            new=self.new + other.new, changed=self.changed + other.changed, unchanged=self.unchanged + other.unchanged
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """
    The answer to a preview or an import.

    :ivar rows: rows below the headings that are not empty, repeated or mere explanation.
    :ivar counts: by ``skus``, ``kits`` and ``links``; only what the file is about.
    :ivar refused: rows left out.
    :ivar reasons: how many problems have which code.
    :ivar problems: the first of them; all are in the error file.
    :ivar written: False for a preview.
    """

    format: str
    written: bool
    rows: int
    refused: int
    counts: dict[str, Counts]
    problems: tuple[Problem, ...]
    reasons: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)  # our field -> the file's heading, as it was understood

    @property
    def total(self) -> Counts:
        return sum(self.counts.values(), Counts())


class ErrorLines(Protocol):
    """Whatever takes the error file as text: an open file, or a writer into the database."""

    def write(self, text: str, /) -> object: ...


class Refusals:
    """Collects problems: the first ones for the screen, all of them into a file, none of the rest in memory."""

    def __init__(self, *, errors: ErrorLines | None = None, shown: int = SHOWN) -> None:
        self.rows = 0
        self.first: list[Problem] = []
        self.reasons: Counter[str] = Counter()
        self._shown = shown
        self._writer = None
        if errors is not None:
            errors.write(BOM)
            self._writer = csv.writer(errors)
            self._writer.writerow(ERROR_HEADERS)

    def add(self, *problems: Problem) -> None:
        """Count one refused row with everything that is wrong with it."""
        self.rows += 1
        for problem in problems:
            self.reasons[problem.code] += 1
            if len(self.first) < self._shown:
                self.first.append(problem)
            if self._writer is not None:
                cells = (problem.column or problem.field, problem.value, problem.message, problem.code)
                self._writer.writerow([problem.row, *map(guard_cell, cells)])
