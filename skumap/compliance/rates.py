"""
GST rates: dated rows and one resolver.

A rate hangs on the HSN prefix, the date and facts about the goods. The longest prefix wins, but a longer row whose facts are missing is not
passed over: the answer is then *needs_facts*. There is no fallback rate; a heading without a row is *unlisted*, and a person confirms its rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache

from skumap.compliance.conditions import Facts, condition_holds, parse_condition, unknown_facts
from skumap.compliance.dates import supply_date
from skumap.compliance.hsn import is_hsn_shaped, normalize_hsn
from skumap.compliance.tables import data_rows
from skumap.compliance.verdict import Problem, Verdict, error, quoted

RATES = tuple(Decimal(rate) for rate in ("0", "0.25", "1.5", "3", "5", "12", "18", "28", "40"))
VALUE_FACT = "unit_value"
_FACT_WORDS = {
    "unit_value": "the price per piece before tax",
    "screen_in": "the screen size in inches",
    "engine_cc": "the engine size in cc",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRow:
    """One dated entry. ``rate`` is the total per cent; dates are inclusive, ``valid_to`` None is still in force."""

    hsn_prefix: str
    condition: str = ""
    rate: Decimal
    valid_from: date
    valid_to: date | None = None
    source: str = ""
    category: str = ""
    evidence: str = ""

    @classmethod
    def parse(cls, row: Mapping[str, str]) -> RateRow:
        """
        A row of the file.

        :raises ValueError: a rate, date or condition that can't be read (:class:`ConditionError` is one).
        """
        rate = rate_of(row["rate"])
        if rate not in RATES:
            raise ValueError(f"not a GST rate: {row['rate']!r}")
        parse_condition(row["condition"])
        return cls(
            hsn_prefix=row["hsn_prefix"],
            condition=row["condition"],
            rate=rate,
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            source=row["source"],
            category=row["category"],
            evidence=row["evidence"],
        )

    def in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @property
    def has_value_test(self) -> bool:
        """Does the rate hang on the price of a piece?"""
        return any(clause.name == VALUE_FACT for clause in parse_condition(self.condition))

    @property
    def rank(self) -> tuple[int, bool, bool]:
        return len(self.hsn_prefix), "tag=" in self.condition, bool(self.condition)


class RateTable:
    """Rate rows by prefix. ``version`` names the table on every invoice line that was taxed by it."""

    def __init__(self, rows: Iterable[RateRow], *, version: str = "") -> None:
        self.rows = tuple(rows)
        self.version = version
        self._by_prefix: dict[str, list[RateRow]] = {}
        for row in self.rows:
            self._by_prefix.setdefault(row.hsn_prefix, []).append(row)

    def matching(self, digits: str, day: date) -> list[RateRow]:
        """The rows whose prefix starts the code and whose dates hold the day, short prefixes first."""
        found = (row for length in range(1, len(digits) + 1) for row in self._by_prefix.get(digits[:length], ()))
        return [row for row in found if row.in_force(day)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateResult(Verdict):
    """
    The rate of a product on a date, or why there is none.

    :ivar status: ``ok``, ``needs_facts``, ``unlisted`` or ``ambiguous``; only with ``ok`` is there a ``rate`` (total per cent) and a ``row``.
    :ivar missing: the facts that are needed. :ivar candidates: rows that could not be decided between. :ivar normalized: the HSN digits.
    :ivar unit_value: paise per piece before tax that the price was judged by, when it came from a price; may be a fraction of a paisa.
    :ivar move_down_to: highest price, in paise, that is self-consistent at the lower rate. :ivar move_above: the price must exceed this for the
        higher one. Both only beside the warning ``price_band_not_self_consistent``.
    """

    status: str
    rate: Decimal | None = None
    row: RateRow | None = None
    on: date
    missing: tuple[str, ...] = ()
    candidates: tuple[RateRow, ...] = ()
    table_version: str = ""
    unit_value: Fraction | None = None
    move_down_to: int | None = None
    move_above: int | None = None

    @property
    def source(self) -> str:
        return self.row.source if self.row else ""


def resolve_rate(
    hsn: object,
    on: date | datetime,
    facts: Facts | Mapping[str, object] | None = None,
    *,
    rates: RateTable | None = None,
) -> RateResult:
    """
    The GST rate of goods on a date.

    :param on: the date of supply; an aware datetime is taken in India's time.
    :param facts: tags, ``unit_value`` (paise before tax per piece), ``screen_in``, ``engine_cc``.
    :param rates: the rows to use; the shipped ones when None.
    """
    table, day, digits = rates or shipped_rates(), supply_date(on), normalize_hsn(hsn)
    rows = table.matching(digits, day) if is_hsn_shaped(digits) else []
    known = Facts.of(facts)
    answers = [(row, condition_holds(row.condition, known)) for row in rows]
    true = [row for row, holds in answers if holds]
    unknown = [row for row, holds in answers if holds is None]
    best = max((row.rank for row in true), default=None)
    blocking = [row for row in unknown if best is None or len(row.hsn_prefix) >= best[0]]
    if blocking:
        missing = tuple(dict.fromkeys(name for row in blocking for name in unknown_facts(row.condition, known)))
        return _undecided("needs_facts", digits, day, table, missing=missing, candidates=tuple(blocking))
    if best is None:
        return _undecided("unlisted", digits, day, table)
    winners = [row for row in true if row.rank == best]
    if len({row.rate for row in winners}) > 1:
        return _undecided("ambiguous", digits, day, table, candidates=tuple(winners))
    winner = winners[0]
    return RateResult(normalized=digits, status="ok", rate=winner.rate, row=winner, on=day, table_version=table.version)


def rates_possible(hsn: object, on: date | datetime, *, rates: RateTable | None = None) -> tuple[RateRow, ...]:
    """All rows that may decide the rate of a code on a date, whatever the facts; short prefixes first."""
    digits = normalize_hsn(hsn)
    return tuple((rates or shipped_rates()).matching(digits, supply_date(on))) if is_hsn_shaped(digits) else ()


def has_value_test(hsn: object, on: date | datetime, *, rates: RateTable | None = None) -> bool:
    """Can the rate of this code hang on the price of a piece on that date? Decided by the rows of the longest prefix."""
    rows = rates_possible(hsn, on, rates=rates)
    return any(row.has_value_test for row in rows if row.hsn_prefix == rows[-1].hsn_prefix)


def recheck_dates(*, after: date, rates: RateTable | None = None) -> tuple[date, ...]:
    """The dates after ``after`` on which a row starts or has just ended: validate again at 00:00 in India, see ``midnight_ist``."""
    rows = (rates or shipped_rates()).rows
    starts = {row.valid_from for row in rows}
    ends = {row.valid_to + timedelta(days=1) for row in rows if row.valid_to and row.valid_to < date.max}
    return tuple(sorted(day for day in starts | ends if day > after))


def rate_of(value: object) -> Decimal | None:
    """A rate in per cent as a Decimal; None when it is no plain number from 0 to 100."""
    if isinstance(value, bool) or not isinstance(value, (int, str, float, Decimal)):
        return None
    try:
        rate = Decimal(value) if isinstance(value, (int, Decimal)) else Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return rate if rate.is_finite() and 0 <= rate <= 100 else None


@cache
def shipped_rates() -> RateTable:
    """The rates of ``skumap/data/gst_rate_changes.csv``."""
    rows, version = data_rows("gst_rate_changes.csv")
    return RateTable([RateRow.parse(row) for row in rows], version=version)


def _undecided(
    status: str,
    digits: str,
    day: date,
    table: RateTable,
    *,
    missing: tuple[str, ...] = (),
    candidates: tuple[RateRow, ...] = (),
) -> RateResult:
    return RateResult(
        normalized=digits if is_hsn_shaped(digits) else None,
        problems=(_why(status, digits, missing, candidates),),
        status=status,
        on=day,
        missing=missing,
        candidates=candidates,
        table_version=table.version,
    )


def _why(status: str, digits: str, missing: tuple[str, ...], candidates: tuple[RateRow, ...]) -> Problem:
    if status == "needs_facts":
        wanted = " and ".join(_FACT_WORDS.get(name, name) for name in missing)
        return error(status, "facts", f"The GST rate of {digits} depends on {wanted}; please fill it in.")
    if status == "ambiguous":
        rates = " or ".join(sorted({f"{row.rate} %" for row in candidates}))
        return error(
            status, "rate", f"The GST rate of {digits} could be {rates}; please make the product's kind (tags) clear."
        )
    return error(status, "rate", f"We do not know the GST rate of {quoted(digits)} on this date; please confirm it.")
