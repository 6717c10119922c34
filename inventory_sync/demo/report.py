"""The figures of a run, and the bars they are held against. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil
from typing import Any

LEAST_ACCEPTED = 0.95  # of what a clairvoyant shop would have sold
LEAST_SHOWN = 0.95  # of what the goals ask for
ORDERS_FOR_A_UNIT = 1_000  # balanced: one unit oversold for so many orders
LEAST_OVERSOLD_WITHOUT_RIGHTS = 3  # else the world is too kind to prove anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Seconds; None where nothing was measured."""

    p50: float | None
    p95: float | None
    p99: float | None
    count: int


def percentiles(values: Sequence[float]) -> Percentiles:
    """By nearest rank: each is a value that was measured."""
    ordered = sorted(values)

    def at(share: float) -> float | None:
        return round(ordered[max(ceil(share * len(ordered)) - 1, 0)], 3) if ordered else None

    return Percentiles(p50=at(0.50), p95=at(0.95), p99=at(0.99), count=len(ordered))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFigures:
    """
    One channel.

    :ivar placed: buyers who came; ``accepted``: order lines that the marketplace took, by its own count; ``applied``: those that stand in our books.
    """

    placed: int
    accepted: int
    applied: int
    sale_to_applied: Percentiles
    sale_to_pushed: Percentiles
    calls: int
    calls_by_status: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScarceFigures:
    """Units of one scarce SKU, net of cancellations: on the shelf, sold, and sold by the oracle."""

    shelf: int
    sold: int
    oracle_sold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    One run.

    :ivar own_accepted: accepted orders of listings that sell from our shelf, which is what the oracle knows of.
    :ivar oversold: units promised beyond the shelf, each counted at the instant of its sale.
    :ivar shown_share: units shown at the start of shopping, of those that the goals ask for.
    :ivar rows_open: row -> why it has not converged; ``rows_moved_again``: rows that had, and were written again before the end.
    :ivar ledger: "" when it verifies, else what is wrong.
    :ivar up_seconds: from the start to the first buyer; ``drain_seconds``: from the last one until all had settled.
    :ivar processor_seconds: by process, while buyers came; ``latest_buyer_seconds``: the worst delay of a buyer (a busy machine).
    """

    seed: int
    mode: str
    clock: float
    minutes: float
    faults_on: bool
    channels: Mapping[str, ChannelFigures]
    own_accepted: int
    oracle_orders: int
    scarce: Mapping[str, ScarceFigures]
    oversold: int
    oversold_by_sku: Mapping[str, int]
    shown_share: float
    rows_live: int
    rows_open: Mapping[str, str]
    rows_moved_again: Sequence[str]
    lost: Sequence[str]
    wrong: Sequence[str]
    strange: Sequence[str]
    units_differ: Sequence[str]
    ledger: str
    faults: Mapping[str, int]
    alerts: Mapping[str, int]
    up_seconds: float
    drain_seconds: float
    processor_seconds: Mapping[str, float]
    latest_buyer_seconds: float

    @property
    def placed(self) -> int:
        return sum(channel.placed for channel in self.channels.values())

    @property
    def accepted_share(self) -> float:
        """Accepted orders, of what the oracle would have accepted."""
        return self.own_accepted / self.oracle_orders if self.oracle_orders else 1.0

    @property
    def oversold_allowed(self) -> int:
        """Balanced: one unit for each full thousand of orders, one at least."""
        return max(self.placed // ORDERS_FOR_A_UNIT, 1)

    def misses(self) -> list[str]:
        """Every bar that was missed, in words; [] is a pass."""
        found = []
        if self.ledger:
            found.append(f"the ledger does not verify: {self.ledger}")
        if self.lost:
            found.append(f"{len(self.lost)} orders lost: {_some(self.lost)}")
        if self.wrong:
            found.append(f"{len(self.wrong)} order lines are not applied exactly once: {_some(self.wrong)}")
        if self.strange:
            found.append(f"{len(self.strange)} order lines were never sold: {_some(self.strange)}")
        if self.units_differ:
            found.append(f"blocked units differ from units sold: {_some(self.units_differ)}")
        if self.rows_open:
            reasons = [f"{row}: {why}" for row, why in self.rows_open.items()]
            found.append(f"{len(self.rows_open)} of {self.rows_live} rows have not converged: {_some(reasons)}")
        if self.mode == "strict" and self.oversold:
            found.append(f"{self.oversold} units oversold, strict allows 0")
        if self.mode == "off" and self.oversold < LEAST_OVERSOLD_WITHOUT_RIGHTS:
            found.append(
                f"only {self.oversold} units oversold without rights: this world is too kind to prove anything"
            )
        if self.mode != "off" and not self.faults_on:
            found += self._misses_of_a_good_day()
        return found

    def _misses_of_a_good_day(self) -> list[str]:
        found = []
        if self.mode == "balanced" and self.oversold > self.oversold_allowed:
            found.append(f"{self.oversold} units oversold, balanced allows {self.oversold_allowed}")
        if self.accepted_share < LEAST_ACCEPTED:
            found.append(f"{self.accepted_share:.1%} of the oracle's orders accepted, {LEAST_ACCEPTED:.0%} is asked")
        if self.shown_share < LEAST_SHOWN:
            found.append(f"{self.shown_share:.1%} of the goals shown at the start, {LEAST_SHOWN:.0%} is asked")
        return found

    def as_json(self) -> dict[str, Any]:
        """The report as it is written to a file."""
        return {
            **asdict(self),
            "rows_converged": self.rows_live - len(self.rows_open),
            "accepted_share": round(self.accepted_share, 4),
            "ledger_verified": not self.ledger,
            "missed": self.misses(),
            "passed": not self.misses(),
        }


def _some(texts: Sequence[str]) -> str:
    return "; ".join(texts[:5]) + (" …" if len(texts) > 5 else "")
