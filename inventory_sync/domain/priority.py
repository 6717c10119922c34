"""
Which write first? A sort key, computed when rows are claimed.

Class 0: the row may sell more than it should (over-granted, or a drain somebody waits for). Class 1: it shows 0 while rights exist. Class 2:
the rest, bulk work included. Within a class the riskiest or most wanted goes first, and waiting lifts a row, so that nothing starves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

RISK_FLOOR_UNITS = 1
QUIET_RATE = 1.0 / 86_400  # a row without demand ages as if it sold one unit a day
PATIENCE_SECONDS = 6 * 3600.0  # after so long a class 2 row goes with class 1


class Urgency(IntEnum):
    """Lower goes first; urgent ones are paid from the reserved share of the call budget."""

    TOO_MUCH = 0
    SOLD_OUT_BY_MISTAKE = 1
    REST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """
    A row that has a value to send.

    :ivar excess: listing units that it may sell beyond its rights; 0 or less: none.
    :ivar lowers: the write is a zero or a cut.
    :ivar shows_nothing: it shows 0 now and the write raises it.
    :ivar rate: λ, units per second.
    :ivar waiting_seconds: since the value was decided, >= 0.
    """

    row_id: int
    excess: int
    lowers: bool
    shows_nothing: bool
    rate: float
    waiting_seconds: float
    bulk: bool = False
    favoured: bool = False


def urgency(row: Waiting) -> Urgency:
    """The class of a row. A priority SKU, or one that has waited for six hours, is lifted from the last class, bulk work is not."""
    if row.lowers or row.excess > 0:
        return Urgency.TOO_MUCH
    if row.bulk:
        return Urgency.REST
    if row.shows_nothing or row.favoured or row.waiting_seconds >= PATIENCE_SECONDS:
        return Urgency.SOLD_OUT_BY_MISTAKE
    return Urgency.REST


def write_order(row: Waiting) -> tuple[int, bool, float, int]:
    """
    Sort key, ascending: class, bulk last, the most urgent first, ties by row id.

    Within class 0 by excess × demand (units at risk per second), in class 1 by demand, in class 2 by demand × age.
    """
    rate = max(row.rate, QUIET_RATE)
    kind = urgency(row)
    if kind is Urgency.TOO_MUCH:
        weight = max(row.excess, RISK_FLOOR_UNITS) * rate
    elif kind is Urgency.SOLD_OUT_BY_MISTAKE:
        weight = rate
    else:
        weight = rate * row.waiting_seconds
    # Age lifts within every class: an hour of waiting doubles the weight.
    return kind.value, row.bulk, -weight * (1 + row.waiting_seconds / 3600), row.row_id
