"""The conditions of rate rows: a small grammar with three answers, because a fact that nobody stated is not a fact that is false."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache

_TAGS = re.compile(r"tag(!?=)([a-z0-9_]+(?:\|[a-z0-9_]+)*)", re.ASCII)
_NUMBER = re.compile(r"([a-z][a-z0-9_]*)\s*(<=|>=|<|>)\s*([0-9]+(?:\.[0-9]+)?)", re.ASCII)


class ConditionError(ValueError):
    """A condition that the grammar does not know: the table is wrong, not the product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    What is known of a product besides its HSN.

    :ivar tags: our words for its kind, ``electronic_toy`` for instance. No tag is an answer: it is none of these.
    :ivar unit_value: paise before tax, after the seller's discount, per piece or pair; None when not known.
    :ivar screen_in: screen size in inches. :ivar engine_cc: engine size in cubic centimetres. :ivar others: any further numeric facts.
    """

    tags: frozenset[str] = frozenset()
    unit_value: int | Decimal | Fraction | None = None
    screen_in: int | Decimal | str | None = None
    engine_cc: int | Decimal | str | None = None
    others: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Facts | Mapping[str, object] | None) -> Facts:
        """Facts from a mapping such as ``{"tags": ["hat"], "unit_value": 250000}``; what can't be read counts as not stated."""
        if isinstance(given, Facts):
            return given
        stated = dict(given) if isinstance(given, Mapping) else {}
        tags = stated.pop("tags", None)
        words = [tags] if isinstance(tags, str) else tags if isinstance(tags, Iterable) else []
        return cls(tags=frozenset(str(word) for word in words), others=stated)

    def number(self, name: str) -> Fraction | None:
        """A numeric fact; None when it is not stated or no number. Money must not be a float."""
        value = getattr(self, name, None) if name in ("unit_value", "screen_in", "engine_cc") else None
        value = self.others.get(name) if value is None else value
        return None if name == "unit_value" and isinstance(value, float) else _fraction(value)

    def with_unit_value(self, value: Fraction | None) -> Facts:
        others = {name: fact for name, fact in self.others.items() if name != "unit_value"}
        return replace(self, unit_value=value, others=others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """``tag=a|b``, ``tag!=a|b`` (``tags`` is set) or ``name<=number`` (``limit`` is set)."""

    name: str
    operator: str
    tags: frozenset[str] = frozenset()
    limit: Decimal = Decimal(0)

    def holds(self, facts: Facts) -> bool | None:
        """True, False, or None: the fact is not known."""
        if self.name == "tag":
            return bool(self.tags & facts.tags) == (self.operator == "=")
        value = facts.number(self.name)
        if value is None:
            return None
        limit = Fraction(self.limit)
        return {"<=": value <= limit, ">": value > limit, "<": value < limit, ">=": value >= limit}[self.operator]


@cache
def parse_condition(condition: str) -> tuple[Clause, ...]:
    """
    The clauses of a condition; all must hold, none always holds.

    :raises ConditionError: a clause that the grammar does not know.
    """
    return tuple(_clause(part.strip()) for part in condition.split("&")) if condition.strip() else ()


def condition_holds(condition: str, facts: Facts) -> bool | None:
    """True, False, or None when it hangs on facts that are not known. One false clause settles it."""
    answers = [clause.holds(facts) for clause in parse_condition(condition)]
    if False in answers:
        return False
    return None if None in answers else True


def unknown_facts(condition: str, facts: Facts) -> tuple[str, ...]:
    """The names of the facts that a condition needs and that are not known."""
    return tuple(clause.name for clause in parse_condition(condition) if clause.holds(facts) is None)


def _clause(text: str) -> Clause:
    tags = _TAGS.fullmatch(text)
    if tags:
        return Clause(name="tag", operator=tags.group(1), tags=frozenset(tags.group(2).split("|")))
    number = _NUMBER.fullmatch(text)
    if number and number.group(1) != "tag":
        return Clause(name=number.group(1), operator=number.group(2), limit=Decimal(number.group(3)))
    raise ConditionError(f"not a condition: {text!r}")


def _fraction(value: object) -> Fraction | None:
    """A number as it is written; None for anything else, for infinities, and below zero, which nothing here can be."""
    if isinstance(value, Fraction):
        return value if value >= 0 else None
    if isinstance(value, bool) or not isinstance(value, (int, str, float, Decimal)):
        return None
    try:
        number = Decimal(value) if isinstance(value, (int, Decimal)) else Decimal(str(value).strip())
    except InvalidOperation:
        return None
    # An exponent of a million would be expanded digit by digit.
    return Fraction(number) if number.is_finite() and number >= 0 and abs(number.adjusted()) < 40 else None
