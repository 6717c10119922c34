"""
Which of two snapshots of an order counts.

A channel's own times order that channel's snapshots; how we came to know one breaks a tie (read by id > poll > webhook > hint), then our
own request start. Whatever that can't decide is read by id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from inventory_sync.domain.snapshots import OrderSnapshot, Source


class Verdict(StrEnum):
    APPLY = "apply"
    APPLY_AND_CONFIRM = "apply_and_confirm"  # a new order: block its stock at once, then read it by id
    SAME_OR_CONFIRM = "same_or_confirm"  # a tie: nothing to do if its content is the same, else read by id
    CONFIRM = "confirm"  # read by id
    OLDER = "older"  # nothing to do


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The snapshot that was applied last."""

    updated_at: datetime | None
    source: Source
    request_started_at: datetime


def judge(*, known: Known | None, snapshot: OrderSnapshot) -> Verdict:
    """What to do with a snapshot, given the one applied last (None: the order is new)."""
    if snapshot.source is Source.HINT:
        return Verdict.CONFIRM
    if known is None:
        unsure = snapshot.confirm or (snapshot.updated_at is None and snapshot.source is not Source.READ)
        return Verdict.APPLY_AND_CONFIRM if unsure else Verdict.APPLY
    if snapshot.updated_at is None or known.updated_at is None:
        if snapshot.source is not Source.READ:
            return Verdict.CONFIRM
        return Verdict.APPLY if snapshot.request_started_at >= known.request_started_at else Verdict.OLDER
    if snapshot.updated_at < known.updated_at:
        return Verdict.OLDER
    if snapshot.updated_at > known.updated_at:
        return Verdict.CONFIRM if snapshot.confirm else Verdict.APPLY
    if snapshot.source is Source.READ:
        overtaken = known.source is Source.READ and snapshot.request_started_at < known.request_started_at
        return Verdict.OLDER if overtaken else Verdict.APPLY
    if snapshot.confirm or snapshot.source <= known.source:
        return Verdict.SAME_OR_CONFIRM
    return Verdict.APPLY
