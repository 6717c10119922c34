"""What a decision says, and why: plain values for the engine to store and for the explain page to render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a row is written, or why not."""

    NOT_WRITABLE = "not_writable"  # paused, unmapped, or its channel does not answer: keeps its rights, gets no more
    ENOUGH = "enough"
    DEAD_BAND = "dead_band"  # the difference can't matter
    WAITS_FOR_FLIGHT = "waits_for_flight"
    WAITS_FOR_RIGHTS = "waits_for_rights"
    WAITS_FOR_START = "waits_for_start"  # no raise before a read and a feed complete past it
    LEFT_TO_ORDERS = "left_to_orders"  # over-granted below the risk that the mode allows
    REFILL = "refill"
    OVER_GRANTED = "over_granted"
    GIVES_WAY = "gives_way"  # another row starves
    ABOVE_CAP = "above_cap"
    REPEAT_ZERO = "repeat_zero"
    DOUBTED = "doubted"  # it should have sold by now if it showed what we think
    MIRROR = "mirror"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a decision: a code that the explain page has words for, and its numbers."""

    code: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    What becomes of one row.

    :ivar goal: what it should show; ``write``: the quantity to send now, None: nothing; ``compared``: for a CAS write.
    :ivar excess: units that it should give up for others or for the stock (for the order of writes).
    """

    row_id: int
    goal: int
    write: int | None
    compared: int | None
    reason: Reason
    excess: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The group's decisions, in the order of its rows, and the allowance (physical units by SKU) that its claims may use."""

    decisions: tuple[Decision, ...]
    allowance: Mapping[int, int]
