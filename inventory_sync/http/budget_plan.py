"""What a channel allows, as values: windows and buckets, and the shares kept in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inventory_sync.domain.ports import Share

SLOTS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPlan:
    """
    ``limit`` calls in any ``window_seconds``; ``reserved``: calls of it that only this share may use.

    Calls are counted in sixtieths of the window, each of which counts until all of it is out of the window.
    """

    limit: int
    window_seconds: float = 3600.0
    reserved: Mapping[Share, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_reserved(limit=self.limit, reserved=self.reserved)
        if self.window_seconds <= 0:
            raise ValueError("a window must be longer than 0 seconds")

    @property
    def slot_seconds(self) -> float:
        return self.window_seconds / SLOTS


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketPlan:
    """
    ``burst`` tokens at most, ``rate`` back per second. ``reserved``: tokens that other shares must leave for this one.

    A call that costs more than others may ever find in the bucket is let through when the bucket is full.

    :ivar sized_by_channel: the channel tells its true capacity (Shopify); the reserved parts grow and shrink with it.
    """

    rate: float
    burst: float
    reserved: Mapping[Share, float] = field(default_factory=dict)
    sized_by_channel: bool = False

    def __post_init__(self) -> None:
        _check_reserved(limit=self.burst, reserved=self.reserved)
        if self.rate <= 0:
            raise ValueError("a bucket must refill")

    def kept_from(self, share: Share) -> float:
        """Tokens that this share must leave for the others."""
        return float(sum(part for other, part in self.reserved.items() if other is not share))


def _check_reserved(*, limit: float, reserved: Mapping[Share, float]) -> None:
    if limit <= 0:
        raise ValueError("a limit must be above 0")
    if sum(reserved.values()) > limit or any(part < 0 for part in reserved.values()):
        raise ValueError("reserved shares must not be negative or exceed the limit together")


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPlan:
    """
    The limits of one account.

    :ivar groups: limit of each group of operations that the channel counts together.
    :ivar operations: operation -> group; an operation that is itself a group's name needs no entry, others belong to ``default``.
    :ivar default: the group of operations that nobody named.
    :ivar workers: processes that share the limit when Redis can't be asked.
    """

    groups: Mapping[str, WindowPlan | BucketPlan]
    default: str
    operations: Mapping[str, str] = field(default_factory=dict)
    workers: int = 4

    def __post_init__(self) -> None:
        unknown = {self.default, *self.operations.values()} - set(self.groups)
        if unknown:
            raise ValueError(f"no limit is defined for {sorted(unknown)}")
        if self.workers < 1:
            raise ValueError("at least one worker shares the budget")

    def group_of(self, operation: str) -> str:
        if operation in self.operations:
            return self.operations[operation]
        return operation if operation in self.groups else self.default

    def calls_per_second(self, *, share: Share, operation: str) -> float:
        """How many calls of this operation a share may make for good, when the other shares use all that is kept for them."""
        limit = self.groups[self.group_of(operation)]
        if isinstance(limit, BucketPlan):
            return limit.rate
        kept = sum(part for other, part in limit.reserved.items() if other is not share)
        return (limit.limit - kept) / limit.window_seconds
