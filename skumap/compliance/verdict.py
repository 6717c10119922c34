"""What every check answers: the value it understood, and problems that a program can match and a seller can read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Self


class Severity(StrEnum):
    """Errors block a record, warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """
    One thing that is wrong or doubtful.

    :ivar code: stable, for programs. :ivar field: what it is about, ``label.manufacturer`` for instance. :ivar message: words for the seller.
    """

    code: str
    field: str
    message: str
    severity: Severity = Severity.ERROR

    @property
    def blocks(self) -> bool:
        return self.severity is Severity.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    The answer of a check. True in a condition when nothing blocks.

    :ivar normalized: the value as it should be stored; None when it can't be read as one. :ivar problems: in the order of the checks.
    """

    normalized: str | None = None
    problems: tuple[Problem, ...] = ()

    def __bool__(self) -> bool:
        return self.ok

    @property
    def ok(self) -> bool:
        return not any(problem.blocks for problem in self.problems)

    @property
    def reason(self) -> str | None:
        """The code of the first error, None when there is none."""
        return next(iter(self.reasons), None)

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(problem.code for problem in self.problems if problem.blocks)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(problem.code for problem in self.problems if not problem.blocks)

    @property
    def message(self) -> str:
        """All problems in words, errors first; "" when there is nothing to say."""
        return " ".join(problem.message for problem in sorted(self.problems, key=lambda problem: not problem.blocks))

    def having(self, *more: Problem) -> Self:
        """The same answer with more problems."""
        return replace(self, problems=(*self.problems, *more))


def error(code: str, field: str, message: str) -> Problem:
    return Problem(code=code, field=field, message=message)


def warning(code: str, field: str, message: str) -> Problem:
    return Problem(code=code, field=field, message=message, severity=Severity.WARNING)


def as_text(value: object) -> str:
    """
    Any input as trimmed text. A whole number keeps its digits, None is "".

    A float, Decimal or boolean is not a code: it comes back as something that no code looks like, ``"float 1.0"``.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        # Python refuses to print integers of more than some thousand digits; no code is that long.
        return str(value) if abs(value) < 10**40 else "int too long"
    if isinstance(value, (float, Decimal, bool)):
        return f"{type(value).__name__} {value}"
    return f"{type(value).__name__} object"


def is_ascii_digits(text: str) -> bool:
    """``str.isdigit()`` and ``\\d`` accept the digits of other scripts, the portals do not."""
    return text.isascii() and text.isdigit()


def quoted(text: str) -> str:
    """Input as it may stand in a message: short, so that a pasted page does not become the message."""
    return f"“{text if len(text) <= 40 else text[:39] + '…'}”"
