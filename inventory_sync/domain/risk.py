"""
The pair risk: how many units would be oversold if the same last units stood on every row until they are gone?

The order that takes the last unit falls on row c with probability λ_c / Λ; the others go on selling until we know of it and they have been
told::

    ρ(L) = Σ_c (λ_c / Λ) · r_c        m_c = Σ_{d≠c} λ_d · (know_c + ack_d)
    r_c  = m_c                         if L = 1
         = m_c · P(Poisson(2 m_c) > L − 2)   otherwise

Rates are units per second, latencies are means in seconds, L is in units of the SKU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRow:
    """
    One row that shows the shared units.

    :ivar know_seconds: from an order to our knowing of it. :ivar ack_seconds: from our decision to a write in force.
    :ivar above: it may sell more than L by itself, so that its own last order does not stop it.
    """

    rate: float
    know_seconds: float
    ack_seconds: float
    above: bool = False


def pair_risk(*, sellable: int, rows: Sequence[RiskRow], factor: float = 1.0) -> float:
    """
    ρ(L), expected units oversold, all rates times ``factor``. 0.0 without demand; L below 1 counts as 1.
    """
    total = sum(row.rate for row in rows)
    if total <= 0:
        return 0.0
    risk = 0.0
    for index, taker in enumerate(rows):
        blind = factor * sum(
            other.rate * (taker.know_seconds + other.ack_seconds)
            for position, other in enumerate(rows)
            if position != index or other.above
        )
        chance = 1.0 if sellable <= 1 else _more_than(sellable - 2, mean=2 * blind)
        risk += taker.rate / total * blind * chance
    return risk


def _more_than(count: int, *, mean: float) -> float:
    """P(Poisson(mean) > count); far in the tail it is 0."""
    if count > 4 * mean + 60:
        return 0.0
    term = exp(-mean)
    below = term
    for k in range(1, count + 1):
        term *= mean / k
        below += term
    return max(1.0 - below, 0.0)
