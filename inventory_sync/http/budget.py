"""
One account's call budget, shared by all workers through Redis.

Two kinds of limit (:mod:`inventory_sync.http.budget_plan`), each with shares that are kept for one kind of work: a label run can never
starve a drain. Each take is one Lua script, so two workers can't both take the last call. Without Redis each process counts for itself with
its part of the limit. After Redis lost its memory the windows are rebuilt from counters that the engine stores.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from inventory_sync.domain.errors import BudgetError
from inventory_sync.domain.ports import Clock, Share
from inventory_sync.http.budget_plan import SLOTS, BucketPlan, BudgetPlan, WindowPlan
from inventory_sync.http.budget_scripts import BUCKET_LEARN, BUCKET_TAKE, WINDOW_TAKE
from inventory_sync.http.local_budget import LocalBucket

logger = logging.getLogger(__name__)

RECONNECT_SECONDS = 5.0
LOG_EVERY_SECONDS = 60.0
COUNTS_TTL_SECONDS = 3 * 3600

Counts = Mapping[datetime, Mapping[str, Mapping[Share, float]]]
"""Calls (or points) by minute (aware UTC), budget group and share."""

Answer = TypeVar("Answer")


def redis_client(url: str, *, timeout_seconds: float = 0.3) -> redis.Redis:
    """A Redis client that fails fast: short timeouts and no retry, because a local budget stands in."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


class RedisRateBudget:
    """
    Implements :class:`~inventory_sync.domain.ports.RateBudget`.

    :param client: with short timeouts, such as :func:`redis_client`.
    :param account_key: tells accounts apart that share a Redis, such as ``"flipkart:3"``.
    :param history: asked when Redis does not know this account (first use, or a flush): the stored counts of the last hours.
    """

    def __init__(
        self,
        client: redis.Redis,
        account_key: str,
        plan: BudgetPlan,
        clock: Clock,
        *,
        history: Callable[[], Counts] | None = None,
    ) -> None:
        self._redis = client
        self._key = f"budget:{{{account_key}}}"
        self._plan = plan
        self._clock = clock
        self._history = history
        self._local = {group: LocalBucket(limit, workers=plan.workers) for group, limit in plan.groups.items()}
        self._lock = threading.Lock()
        self._away_until = float("-inf")
        self._logged_at = float("-inf")
        self._window_take = client.register_script(WINDOW_TAKE)
        self._bucket_take = client.register_script(BUCKET_TAKE)
        self._bucket_learn = client.register_script(BUCKET_LEARN)

    # --- the port -----------------------------------------------------------------------------------------------------------

    def take(self, *, operation: str, share: Share, cost: float = 1.0) -> None:
        """Count one call before it is made. :raises BudgetError: nothing left; nothing was counted."""
        group = self._plan.group_of(operation)
        wait = self._shared_take(group=group, share=share, cost=cost)
        if wait is None:
            wait = self._local[group].take(share=share, cost=cost, now=self._clock.monotonic())
        if wait > 0:
            raise BudgetError(f"our call budget for {operation} ({share}) is used up", retry_after=wait, code=group)

    def learn(
        self,
        *,
        operation: str,
        remaining: float | None = None,
        capacity: float | None = None,
        per_second: float | None = None,
    ) -> None:
        """What the channel said of its own bucket. A window of ours is not changed by it."""
        group = self._plan.group_of(operation)
        plan = self._plan.groups[group]
        if isinstance(plan, WindowPlan):
            return
        remaining, capacity, per_second = _sane(remaining), _sane(capacity) or None, _sane(per_second) or None
        self._local[group].learn(
            remaining=remaining,
            capacity=capacity,
            per_second=per_second,
            workers=self._plan.workers,
            now=self._clock.monotonic(),
        )
        said = ["" if value is None else repr(value) for value in (remaining, capacity, per_second)]
        args = [repr(self._epoch()), repr(float(plan.rate)), repr(float(plan.burst)), *said]
        self._ask(lambda: self._bucket_learn(keys=[self._hash(group)], args=args))

    def empty(self, *, operation: str, seconds: float) -> None:
        """The channel said "too many": nobody calls this operation's group for so many seconds."""
        group, pause = self._plan.group_of(operation), max(seconds, 0.05)
        self._local[group].block(until=self._clock.monotonic() + pause)
        until = repr(self._epoch() + pause)
        self._ask(lambda: self._redis.set(f"{self._hash(group)}:until", until, px=int(pause * 1000)))

    # --- for the dashboard and the engine -------------------------------------------------------------------------------------

    def left(self, operation: str) -> dict[str, Any]:
        """
        What is left for this operation's group, over all workers.

        :return: ``group, kind ("window" | "bucket"), limit, used, left, by_share {share: what it could take now}, blocked_seconds,
            shared`` (False: Redis is gone, the numbers are this process's own).
        """
        group = self._plan.group_of(operation)
        plan = self._plan.groups[group]
        kind = "window" if isinstance(plan, WindowPlan) else "bucket"
        raw = self._ask(lambda: self._read_hash(self._hash(group)))
        until = self._ask(lambda: self._redis.get(f"{self._hash(group)}:until") or "0") if raw is not None else None
        if raw is None or until is None:
            return {
                "group": group,
                "kind": kind,
                **self._local[group].left(now=self._clock.monotonic()),
                "shared": False,
            }
        now = self._epoch()
        facts = _window_left(plan, raw, now) if isinstance(plan, WindowPlan) else _bucket_left(plan, raw, now)
        return {
            "group": group,
            "kind": kind,
            **facts,
            "blocked_seconds": max(_number(until) - now, 0.0),
            "shared": True,
        }

    def used_by_minute(self) -> dict[datetime, dict[str, dict[Share, float]]]:
        """Calls (or points) taken in the last two hours, by minute, group and share, for the engine to store. {} while Redis is gone."""
        counts: dict[datetime, dict[str, dict[Share, float]]] = {}
        hour = int(self._epoch() // 3600)
        for key in (f"{self._key}:counts:{hour - 1}", f"{self._key}:counts:{hour}"):
            for name, value in (self._ask(lambda key=key: self._read_hash(key)) or {}).items():  # type: ignore[misc]
                minute, group, share = name.split("|", 2)
                by_group = counts.setdefault(datetime.fromtimestamp(int(minute) * 60, UTC), {})
                by_group.setdefault(group, {})[Share(share)] = float(value)
        return dict(sorted(counts.items()))

    def rebuild(self, counts_by_minute: Counts) -> None:
        """
        Put stored counts back after Redis lost its memory.

        Safe to repeat, and while others take: what Redis has counted for a minute is only raised to the stored count. A bucket that Redis
        does not know starts with what the counts leave in it.
        """
        known = self.used_by_minute()
        self._ask(lambda: self._write_counts(counts_by_minute, known))

    # --- inside -----------------------------------------------------------------------------------------------------------------

    def _shared_take(self, *, group: str, share: Share, cost: float) -> float | None:
        """Seconds to wait, 0 when taken; None when Redis can't be asked."""
        plan = self._plan.groups[group]
        for _ in range(2):
            now = self._epoch()
            keys = [self._hash(group), f"{self._hash(group)}:until", self._counts_key(now), f"{self._key}:known"]
            args: list[Any] = [repr(now), str(share), repr(float(cost)), _field(now, group, share), COUNTS_TTL_SECONDS]
            if isinstance(plan, WindowPlan):
                kept = [part for owner, size in plan.reserved.items() for part in (str(owner), repr(float(size)))]
                args += [plan.limit, repr(plan.slot_seconds), SLOTS, *kept]
                script = self._window_take
            else:
                args += [repr(float(plan.rate)), repr(float(plan.burst)), repr(plan.kept_from(share))]
                args.append("1" if plan.sized_by_channel else "0")
                script = self._bucket_take
            answer = self._ask(lambda: script(keys=keys, args=args))  # noqa: B023 - called at once
            if answer is None:
                return None
            wait = _number(answer)
            if wait >= 0:
                return wait
            self.rebuild(self._history() if self._history else {})
        return None

    def _write_counts(self, counts: Counts, known: Counts) -> bool:
        now = self._epoch()
        pipe = self._redis.pipeline(transaction=True)
        for minute, by_group in counts.items():
            start = minute.timestamp()
            for group, by_share in by_group.items():
                plan = self._plan.groups.get(group)
                for share, count in by_share.items():
                    missing = count - known.get(minute, {}).get(group, {}).get(share, 0.0)
                    if plan is None or missing <= 0 or not now - COUNTS_TTL_SECONDS < start <= now:
                        continue
                    pipe.hincrbyfloat(self._counts_key(start), _field(start, group, share), missing)
                    pipe.expire(self._counts_key(start), COUNTS_TTL_SECONDS)
                    if isinstance(plan, WindowPlan):
                        # a call of that minute may have come at its end: count it in the latest slot that it can belong to
                        slot = int(min(start + 59.999, now) // plan.slot_seconds)
                        pipe.hincrbyfloat(self._hash(group), f"{slot}|{share}", missing)
                        pipe.expire(self._hash(group), int(plan.window_seconds * 2) + 60)
        for group, plan in self._plan.groups.items():
            if isinstance(plan, BucketPlan) and not known:
                pipe.hsetnx(self._hash(group), "tokens", repr(_replay(plan, group, counts, now)))
                pipe.hsetnx(self._hash(group), "at", repr(now))
        pipe.set(f"{self._key}:known", "1")
        pipe.execute()
        return True

    def _ask(self, call: Callable[[], Answer]) -> Answer | None:
        """The answer, or None while Redis is gone: it is then left alone for some seconds, and logged once a minute."""
        if self._clock.monotonic() < self._away_until:
            return None
        try:
            return call()
        except (redis.RedisError, OSError) as error:
            now = self._clock.monotonic()
            with self._lock:
                self._away_until = now + RECONNECT_SECONDS
                due = now - self._logged_at >= LOG_EVERY_SECONDS
                self._logged_at = now if due else self._logged_at
            if due:
                logger.error(  # noqa: TRY400 - the name says it, a stack per minute does not help
                    "Redis does not answer (%s): this process counts its calls alone, with 1/%s of the limit",
                    type(error).__name__,
                    self._plan.workers,
                    extra={"budget": self._key},
                )
            return None

    def _read_hash(self, key: str) -> dict[str, str]:
        raw = cast("Mapping[str | bytes, str | bytes]", self._redis.hgetall(key))
        return {_text(name): _text(value) for name, value in raw.items()}

    def _epoch(self) -> float:
        return self._clock.now().timestamp()

    def _hash(self, group: str) -> str:
        return f"{self._key}:{group}"

    def _counts_key(self, epoch: float) -> str:
        return f"{self._key}:counts:{int(epoch // 3600)}"


def _field(epoch: float, group: str, share: Share) -> str:
    return f"{int(epoch // 60)}|{group}|{share}"


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _number(value: object) -> float:
    return float(_text(value) if isinstance(value, str | bytes) else str(value))


def _sane(value: float | None) -> float | None:
    """A channel's number, if it can be one: finite and not negative."""
    return float(value) if value is not None and 0 <= value < float("inf") else None


def _replay(plan: BucketPlan, group: str, counts: Counts, now: float) -> float:
    """Tokens left in a bucket that was full before these counts."""
    tokens, at = plan.burst, 0.0
    for minute, by_group in sorted(counts.items()):
        used = sum(by_group.get(group, {}).values())
        if used and minute.timestamp() <= now:
            tokens = min(plan.burst, tokens + (minute.timestamp() - at) * plan.rate) - used
            at = min(minute.timestamp() + 60, now)
    return min(plan.burst, tokens + (now - at) * plan.rate)


def _window_left(plan: WindowPlan, raw: Mapping[str, str], now: float) -> dict[str, Any]:
    oldest = int(now // plan.slot_seconds) - SLOTS
    used: dict[str, float] = {}
    for name, count in raw.items():
        slot, share = name.split("|", 1)
        if int(slot) >= oldest:
            used[share] = used.get(share, 0.0) + float(count)
    total = sum(used.values())
    unused = {share: max(part - used.get(share, 0.0), 0.0) for share, part in plan.reserved.items()}
    by_share = {
        share: max(plan.limit - total - sum(part for other, part in unused.items() if other is not share), 0.0)
        for share in Share
    }
    return {"limit": float(plan.limit), "used": total, "left": max(plan.limit - total, 0.0), "by_share": by_share}


def _bucket_left(plan: BucketPlan, raw: Mapping[str, str], now: float) -> dict[str, Any]:
    rate, burst = float(raw.get("rate", plan.rate)), float(raw.get("burst", plan.burst))
    tokens = min(burst, float(raw.get("tokens", burst)) + max(now - float(raw.get("at", now)), 0.0) * rate)
    scale = burst / plan.burst if plan.sized_by_channel else 1.0
    by_share = {share: max(tokens - plan.kept_from(share) * scale, 0.0) for share in Share}
    return {"limit": burst, "used": burst - tokens, "left": max(tokens, 0.0), "by_share": by_share}
