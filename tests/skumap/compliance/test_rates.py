from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.compliance import (
    ConditionError,
    Facts,
    RateRow,
    RateTable,
    condition_holds,
    has_value_test,
    parse_condition,
    rates_possible,
    recheck_dates,
    resolve_rate,
    shipped_rates,
    supply_date,
)

TODAY = date(2026, 11, 21)
BEFORE, START = date(2025, 9, 21), date(2025, 9, 22)


def row(
    prefix: str, rate: str, condition: str = "", start: date = date(2020, 1, 1), end: date | None = None
) -> RateRow:
    return RateRow(hsn_prefix=prefix, condition=condition, rate=Decimal(rate), valid_from=start, valid_to=end)


# --- dates ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2025, 9, 21, 18, 29, 59, tzinfo=UTC), BEFORE),
        (datetime(2025, 9, 21, 18, 30, tzinfo=UTC), START),
        (START, START),
    ],
)
def test_the_day_of_supply_is_the_day_in_india(moment, day):
    assert supply_date(moment) == day


def test_a_datetime_without_zone_is_a_programming_error():
    with pytest.raises(ValueError, match="zone"):
        supply_date(datetime(2025, 9, 21))  # noqa: DTZ001
    with pytest.raises(TypeError):
        supply_date("2025-09-21")  # type: ignore[arg-type]


def test_a_rate_changes_at_midnight_in_india():
    assert resolve_rate("34011110", datetime(2025, 9, 21, 18, 29, tzinfo=UTC), {"tags": ["toilet_soap_bar"]}).rate == 18
    assert resolve_rate("34011110", datetime(2025, 9, 21, 18, 30, tzinfo=UTC), {"tags": ["toilet_soap_bar"]}).rate == 5


# --- conditions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "facts", "holds"),
    [
        ("", {}, True),
        ("tag=a|b", {"tags": ["b"]}, True),
        ("tag=a|b", {"tags": ["c"]}, False),
        ("tag=a|b", {}, False),
        ("tag!=a|b", {}, True),
        ("tag!=a|b", {"tags": ["a", "c"]}, False),
        ("unit_value<=250000", {"unit_value": 250000}, True),
        ("unit_value<=250000", {"unit_value": Decimal("250000.01")}, False),
        ("unit_value>250000", {"unit_value": 250000}, False),
        ("unit_value>250000", {}, None),
        ("unit_value>250000", {"unit_value": "dear"}, None),
        ("unit_value>250000", {"unit_value": 300000.0}, None),
        ("unit_value>250000", {"unit_value": -1}, None),
        ("screen_in<=32", {"screen_in": "32"}, True),
        ("screen_in<=32", {"screen_in": 32.5}, False),
        ("engine_cc>350", {"engine_cc": Decimal(350)}, False),
        ("tag=a & unit_value<=5", {"unit_value": 5}, False),
        ("tag=a & unit_value<=5", {}, False),
        ("tag=a & unit_value<=5", {"tags": "a"}, None),
        ("tag=dried & tag!=walnut|areca_nut", {"tags": ["dried"]}, True),
        ("tag=dried & tag!=walnut|areca_nut", {"tags": ["dried", "walnut"]}, False),
    ],
)
def test_a_condition_is_true_false_or_unknown(condition, facts, holds):
    assert condition_holds(condition, Facts.of(facts)) is holds


@pytest.mark.parametrize(
    "condition", ["tag", "tag=", "tag<5", "unit_value", "unit_value=5", "a & ", "tag=a b", "x<=one"]
)
def test_a_condition_outside_the_grammar_is_an_error_of_the_table(condition):
    with pytest.raises(ConditionError):
        parse_condition(condition)


# --- the resolver --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hsn", "on", "facts", "rate"),
    [
        ("85171300", TODAY, {}, "18"),
        ("85171300", date(2020, 3, 31), {"tags": ["mobile_phone"]}, "12"),
        ("85171300", date(2020, 4, 1), {"tags": ["mobile_phone"]}, "18"),
        ("64041990", TODAY, {"unit_value": 250000}, "5"),
        ("64041990", TODAY, {"unit_value": 250001}, "18"),
        ("64061000", TODAY, {}, "18"),
        ("33049990", TODAY, {}, "18"),
        ("33049990", TODAY, {"tags": ["kajal"]}, "0"),
        ("33049120", TODAY, {}, "5"),
        ("39264011", TODAY, {"tags": ["plastic_bangle"]}, "0"),
        ("39264011", TODAY, {}, "18"),
        ("85044030", TODAY, {}, "18"),
        ("85044030", TODAY, {"tags": ["ev_charger"]}, "5"),
        ("50072010", TODAY, {"unit_value": 99_999_900}, "5"),
        ("63053200", TODAY, {}, "18"),
        ("63090000", TODAY, {}, "5"),
        ("94044000", TODAY, {"tags": ["quilted"], "unit_value": 250000}, "5"),
        ("94044000", TODAY, {"tags": ["quilted"], "unit_value": 250001}, "18"),
        ("94044000", TODAY, {}, "18"),
        ("87112029", TODAY, {"engine_cc": 350}, "18"),
        ("87112029", TODAY, {"engine_cc": 351}, "40"),
        ("85287217", BEFORE, {"screen_in": 32}, "18"),
        ("85287217", BEFORE, {"screen_in": 33}, "28"),
        ("85287217", START, {}, "18"),
        ("22021010", TODAY, {}, "40"),
        ("22029990", date(2026, 4, 30), {}, "40"),
        ("22029991", date(2026, 5, 1), {}, "40"),
        ("24022090", date(2026, 1, 31), {}, "28"),
        ("24022090", date(2026, 2, 1), {}, "40"),
        ("24031921", date(2026, 2, 1), {}, "18"),
        ("71131910", TODAY, {}, "3"),
        ("71023910", TODAY, {}, "1.5"),
        ("71023100", TODAY, {"tags": ["rough"]}, "0.25"),
        ("10063020", TODAY, {"tags": ["prepacked"]}, "5"),
        ("10063020", TODAY, {}, "0"),
        ("82119100", date(2022, 7, 17), {}, "12"),
        ("82119100", date(2022, 7, 18), {}, "18"),
        ("66011000", BEFORE, {}, "12"),
        ("66011000", START, {}, "5"),
        ("95030020", TODAY, {}, "5"),
        ("95030020", TODAY, {"tags": ["electronic_toy"]}, "18"),
        ("95030010", TODAY, {}, "18"),
        ("6109.10.00", TODAY, {"unit_value": 100}, "5"),
    ],
)
def test_the_rate_follows_prefix_date_and_facts(hsn, on, facts, rate):
    result = resolve_rate(hsn, on, facts)

    assert (result.ok, result.status, result.rate) == (True, "ok", Decimal(rate))
    assert result.source
    assert result.table_version == shipped_rates().version


@pytest.mark.parametrize(
    ("hsn", "on", "facts", "status", "missing"),
    [
        ("64041990", TODAY, {}, "needs_facts", ("unit_value",)),
        ("61091000", TODAY, {"unit_value": None}, "needs_facts", ("unit_value",)),
        ("94044000", TODAY, {"tags": ["quilted"]}, "needs_facts", ("unit_value",)),
        ("87112029", TODAY, {}, "needs_facts", ("engine_cc",)),
        ("85287217", BEFORE, {}, "needs_facts", ("screen_in",)),
        ("63079090", TODAY, {"tags": ["national_flag"]}, "needs_facts", ("unit_value",)),
        ("85171300", date(2017, 6, 30), {}, "unlisted", ()),
        ("90999999", TODAY, {}, "unlisted", ()),
        ("998314", TODAY, {}, "unlisted", ()),
        ("6109ABCD", TODAY, {}, "unlisted", ()),
        (None, TODAY, {}, "unlisted", ()),
        ("", TODAY, {}, "unlisted", ()),
    ],
)
def test_what_is_not_known_is_said_and_no_rate_is_given(hsn, on, facts, status, missing):
    result = resolve_rate(hsn, on, facts)

    assert (result.ok, result.status, result.reason, result.rate, result.row) == (False, status, status, None, None)
    assert result.missing == missing
    assert result.message


def test_the_longest_prefix_wins_then_a_tag_then_any_condition():
    table = RateTable(
        [
            row("61", "3"),
            row("6109", "5"),
            row("6109", "12", "tag!=plain"),
            row("6109", "18", "tag=fancy"),
        ]
    )

    assert resolve_rate("61091000", TODAY, {"tags": ["plain"]}, rates=table).rate == 5
    assert resolve_rate("61091000", TODAY, {}, rates=table).rate == 12
    assert resolve_rate("61091000", TODAY, {"tags": ["fancy"]}, rates=table).rate == 18
    assert resolve_rate("61101000", TODAY, {}, rates=table).rate == 3


def test_an_unknown_row_blocks_only_when_it_is_as_long_as_the_winner():
    longer, shorter = row("6109", "5"), row("61", "18", "unit_value>5")

    assert resolve_rate("61091000", TODAY, {}, rates=RateTable([longer, shorter])).rate == 5
    assert resolve_rate("61101000", TODAY, {}, rates=RateTable([longer, shorter])).status == "needs_facts"
    same = RateTable([row("6109", "5"), row("6109", "18", "unit_value>5")])
    assert resolve_rate("61091000", TODAY, {}, rates=same).status == "needs_facts"


def test_two_rows_of_one_rank_with_two_rates_are_ambiguous():
    result = resolve_rate("61091000", TODAY, {}, rates=RateTable([row("6109", "5"), row("6109", "18")]))

    assert (result.status, result.reason, result.rate) == ("ambiguous", "ambiguous", None)
    assert len(result.candidates) == 2


def test_two_rows_of_one_rank_with_one_rate_are_fine():
    table = RateTable([row("33", "5", "tag=a"), row("33", "5", "tag=b")])

    assert resolve_rate("33049990", TODAY, {"tags": ["a", "b"]}, rates=table).rate == 5


def test_both_ends_of_a_row_are_inclusive():
    table = RateTable([row("33", "5", start=START, end=START)])

    assert resolve_rate("3304", START, rates=table).rate == 5
    assert resolve_rate("3304", BEFORE, rates=table).status == "unlisted"
    assert resolve_rate("3304", START + timedelta(days=1), rates=table).status == "unlisted"


def test_a_value_test_is_a_matter_of_the_longest_rows():
    assert has_value_test("64041990", TODAY)
    assert has_value_test("63079090", TODAY)
    assert not has_value_test("64061000", TODAY)
    assert not has_value_test("63090000", TODAY)
    assert not has_value_test("nonsense", TODAY)
    assert {str(one.rate) for one in rates_possible("61091000", TODAY)} == {"5", "18"}


def test_a_check_is_due_when_a_row_starts_and_when_one_has_ended():
    table = RateTable([row("33", "5", start=date(2027, 1, 1), end=date(2027, 3, 31))])

    assert recheck_dates(after=TODAY, rates=table) == (date(2027, 1, 1), date(2027, 4, 1))
    assert START in recheck_dates(after=BEFORE)
    assert date(2026, 2, 1) in recheck_dates(after=START)


@given(
    hsn=st.one_of(st.text(), st.none(), st.integers()),
    value=st.one_of(st.none(), st.integers(), st.text(), st.floats()),
)
def test_no_input_raises(hsn, value):
    result = resolve_rate(hsn, TODAY, {"unit_value": value, "screen_in": value, "tags": value})

    assert (result.rate is None) == (result.status != "ok")


@given(st.integers(0, 10**7), st.integers(1, 7))
def test_more_value_never_means_less_tax_on_clothing(value, pieces):
    cheap = resolve_rate("61091000", TODAY, {"unit_value": Fraction(value, pieces)}).rate
    dear = resolve_rate("61091000", TODAY, {"unit_value": Fraction(value + 1, pieces)}).rate

    assert cheap is not None
    assert dear is not None
    assert cheap <= dear
