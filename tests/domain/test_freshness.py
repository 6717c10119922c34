"""Which of two snapshots of an order counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory_sync.domain.freshness import Known, Verdict, judge
from inventory_sync.domain.snapshots import OrderSnapshot, Source

T0 = datetime(2026, 10, 7, 18, 30, tzinfo=UTC)
READ, POLL, WEBHOOK, HINT = Source.READ, Source.POLL, Source.WEBHOOK, Source.HINT


def minute(number: int | None) -> datetime | None:
    return None if number is None else T0 + timedelta(minutes=number)


def known(at: int | None, source: Source, started: int = 0) -> Known:
    return Known(updated_at=minute(at), source=source, request_started_at=T0 + timedelta(minutes=started))


def told(at: int | None, source: Source, started: int = 0, *, confirm: bool = False) -> OrderSnapshot:
    return OrderSnapshot(
        key="O",
        order_number="O",
        source=source,
        updated_at=minute(at),
        request_started_at=T0 + timedelta(minutes=started),
        confirm=confirm,
    )


V = Verdict


@pytest.mark.parametrize(
    ("before", "snapshot", "verdict"),
    [
        # the order is new
        (None, told(1, READ), V.APPLY),
        (None, told(1, POLL), V.APPLY),
        (None, told(1, WEBHOOK), V.APPLY),
        (None, told(1, POLL, confirm=True), V.APPLY_AND_CONFIRM),
        (None, told(None, WEBHOOK), V.APPLY_AND_CONFIRM),
        (None, told(None, READ), V.APPLY),
        (None, told(1, HINT), V.CONFIRM),
        # a hint never counts
        (known(1, READ), told(9, HINT), V.CONFIRM),
        # the channel's time decides
        (known(1, READ), told(2, WEBHOOK), V.APPLY),
        (known(2, WEBHOOK), told(1, READ), V.OLDER),
        (known(2, WEBHOOK), told(1, POLL, confirm=True), V.OLDER),
        (known(1, READ), told(2, POLL, confirm=True), V.CONFIRM),
        # a tie: the source decides, else the content
        (known(1, WEBHOOK), told(1, POLL), V.APPLY),
        (known(1, POLL), told(1, WEBHOOK), V.SAME_OR_CONFIRM),
        (known(1, POLL), told(1, POLL), V.SAME_OR_CONFIRM),
        (known(1, READ), told(1, POLL), V.SAME_OR_CONFIRM),
        (known(1, WEBHOOK), told(1, POLL, confirm=True), V.SAME_OR_CONFIRM),
        # a tie of two reads: the one that began later
        (known(1, POLL), told(1, READ), V.APPLY),
        (known(1, READ, started=5), told(1, READ, started=5), V.APPLY),
        (known(1, READ, started=5), told(1, READ, started=6), V.APPLY),
        (known(1, READ, started=5), told(1, READ, started=4), V.OLDER),
        # no time: only a read by id decides, and of two reads the later one
        (known(1, READ), told(None, POLL), V.CONFIRM),
        (known(None, POLL), told(1, POLL), V.CONFIRM),
        (known(None, POLL, started=1), told(1, READ, started=2), V.APPLY),
        (known(1, READ, started=5), told(None, READ, started=4), V.OLDER),
    ],
)
def test_what_counts(before, snapshot, verdict):
    assert judge(known=before, snapshot=snapshot) is verdict


sources = st.sampled_from([WEBHOOK, POLL, READ])
times = st.integers(0, 3)


@given(first=times, second=times, first_source=sources, second_source=sources, confirm=st.booleans())
def test_of_two_different_moments_only_the_later_one_can_be_applied(
    first, second, first_source, second_source, confirm
):
    verdict = judge(known=known(first, first_source), snapshot=told(second, second_source, confirm=confirm))
    if second < first:
        assert verdict is V.OLDER
    elif second > first:
        assert verdict is (V.CONFIRM if confirm else V.APPLY)


@given(at=times, source=sources, started=times)
def test_a_repeat_never_asks_for_a_read_by_its_time_alone(at, source, started):
    verdict = judge(known=known(at, source, started), snapshot=told(at, source, started))
    assert verdict in {V.APPLY, V.SAME_OR_CONFIRM}
