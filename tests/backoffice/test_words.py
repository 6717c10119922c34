"""Numbers, times and decisions as staff read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from inventory_sync.backoffice import words
from inventory_sync.backoffice.explain import reason_words, tell
from inventory_sync.domain.allocation import Mode, RowInput, decide
from inventory_sync.domain.decision import Reason
from inventory_sync.domain.exposure import Book, WriteKind
from inventory_sync.domain.ledger import MovementKind
from inventory_sync.domain.snapshots import Fulfilment

NOW = datetime(2026, 10, 7, 18, 30, tzinfo=UTC)  # half past midnight in India
FORBIDDEN = (
    "exposure",
    "ledger",
    "drift",
    "rights",
    "shadow",
    "desired",
    "allowance",
    "watermark",
    "pair risk",
    "λ",
    "ρ",
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"),
        (0, "0 s"),
        (2.34, "2.3 s"),
        (42.2, "42 s"),
        (180, "3 min"),
        (5_400, "1 h 30 min"),
        (7_200, "2 h"),
        (3 * 86_400, "3 days"),
    ],
)
def test_a_delay_is_told_in_the_unit_that_fits(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


def test_today_needs_no_date_and_it_is_today_in_india() -> None:
    assert words.clock(NOW, now=NOW) == "00:00"
    assert words.clock(NOW - timedelta(minutes=10), now=NOW) == "7 Oct, 23:50"
    assert words.clock(None) == "—"


def test_a_minus_is_a_minus_and_nothing_is_nothing() -> None:
    assert (words.signed(5), words.signed(-5), words.signed(0)) == ("+5", "−5", "")


@pytest.mark.parametrize("kind", list(MovementKind))
def test_every_kind_of_movement_has_a_word(kind: MovementKind) -> None:
    assert words.movement_words(kind.value) != kind.value


@pytest.mark.parametrize("kind", list(Fulfilment))
def test_every_fulfilment_has_a_word(kind: Fulfilment) -> None:
    assert words.fulfilment_words(kind.value) != kind.value


def test_a_word_nobody_knows_is_shown_as_it_is() -> None:
    assert words.fulfilment_words("DRONE") == "DRONE"
    assert words.movement_words("teleport") == "teleport"
    assert words.stream_words("price_feed") == "Price feed"


# --- why this number -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_told_without_the_codes_words(reason: Reason) -> None:
    numbers = {"value": 5, "instead_of": 2, "over": 1, "room": 0, "orders": 3.5}
    inputs = {"reason": reason.value, "steps": [{"code": reason.value, "numbers": numbers}]}

    (told,) = tell(inputs, channel="Flipkart")

    assert told.result
    assert told.text.endswith(".")
    assert reason.value not in told.text or " " in reason_words(reason.value)
    assert not [word for word in FORBIDDEN if word in told.text.lower()]


def _row(row_id: int, *, shown: int, rate: float = 0.01) -> RowInput:
    return RowInput(
        row_id=row_id, book=Book(kind=WriteKind.ABSOLUTE, shown=shown, unseen=1 if row_id == 1 else 0, unseen_at=NOW),
        rate=rate, know_seconds=60, know_p95=120, ack_seconds=60, ack_p95=120, warehouses=frozenset({1}), units={7: 1},
    )  # fmt: skip


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("stock", [0, 3, 40])
def test_a_real_decision_is_told_step_by_step(mode: Mode, stock: int) -> None:
    rows = [_row(1, shown=5), _row(2, shown=0)]
    plan = decide(mode=mode, rows=rows, available={(7, 1): stock}, now=NOW)

    for decision in plan.decisions:
        steps = [{"code": step.code, "numbers": dict(step.numbers)} for step in decision.steps]
        told = tell({"reason": decision.reason.value, "steps": steps}, channel="Flipkart")

        assert [sentence.result for sentence in told][-1]
        assert len(told) >= 5
        assert not [word for sentence in told for word in FORBIDDEN if word in sentence.text.lower()]
        if decision.write is not None:
            assert f"{decision.write}" in told[-1].text


def test_a_step_nobody_knows_is_not_left_out() -> None:
    told = tell({"reason": "enough", "steps": [{"code": "moon_phase", "numbers": {"days": 3.0}}]}, channel="Amazon")

    assert [sentence.text for sentence in told] == [
        "Moon phase: days 3.",
        "It shows enough already, so nothing is sent.",
    ]


def test_a_step_without_its_numbers_is_told_all_the_same() -> None:
    (first, *_) = tell({"reason": "enough", "steps": [{"code": "stock", "numbers": {}}]}, channel="Amazon")

    assert first.text == "Stock."


def test_before_the_first_decision_there_is_nothing_to_tell() -> None:
    assert tell({}, channel="Shopify") == []
