from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import combinations

import pytest

from skumap.compliance import (
    RATES,
    parse_condition,
    resolve_rate,
    shipped_hsn_codes,
    shipped_pins,
    shipped_rates,
    shipped_states,
)

ROWS = shipped_rates().rows


def test_the_files_have_the_rows_that_their_readme_counts():
    assert len(shipped_hsn_codes()) == 21_434
    assert len(ROWS) == 409
    assert len(shipped_states()) == 41
    assert len(shipped_pins()) == 330
    assert Counter(row.evidence for row in ROWS) == {"primary": 319, "schedule-2017": 35, "secondary": 54, "memory": 1}


def test_codes_kept_their_zeros_and_services_stayed_out():
    assert all(code.isascii() and code.isdigit() and len(code) in (2, 4, 6, 8) for code in shipped_hsn_codes())
    assert not any(code.startswith(("99", "77")) for code in shipped_hsn_codes())
    assert {"01", "0902", "09021010"} <= shipped_hsn_codes().keys()


def test_statuses_are_as_counted():
    counted = Counter(code.status for code in shipped_hsn_codes().values())

    assert counted["active_from_2026-05-01"] == 6
    assert counted["superseded_2026-05-01"] == 3
    assert counted["legacy_heading"] == 79
    assert counted["probably_legacy"] == 1_135


def test_every_rate_row_is_sound():
    for row in ROWS:
        assert any(code.startswith(row.hsn_prefix) for code in shipped_hsn_codes()), row
        assert row.rate in RATES, row
        assert row.valid_to is None or row.valid_from <= row.valid_to, row
        parse_condition(row.condition)


def test_rows_of_one_prefix_and_condition_never_overlap():
    for one, other in combinations(sorted(ROWS, key=lambda row: (row.hsn_prefix, row.condition, row.valid_from)), 2):
        if (one.hsn_prefix, one.condition) == (other.hsn_prefix, other.condition):
            assert one.valid_to is not None, (one, other)
            assert one.valid_to < other.valid_from, (one, other)


def test_no_12_and_no_28_per_cent_row_is_open_ended():
    assert not [row for row in ROWS if row.rate in (12, 28) and row.valid_to is None]
    assert {row.hsn_prefix[:2] for row in ROWS if row.rate in (12, 28) and row.in_force(date(2025, 9, 22))} == {
        "21",
        "24",
    }
    assert not [row for row in ROWS if row.rate == 28 and row.in_force(date(2026, 2, 1))]


@pytest.mark.parametrize("on", [date(2025, 9, 21), date(2025, 9, 22), date(2026, 2, 1), date(2026, 5, 1)])
def test_no_eight_digit_code_has_two_rates_with_any_single_tag(on):
    prefixes = {row.hsn_prefix for row in ROWS}
    # Codes with the same prefixes resolve alike: one of each kind is enough.
    kinds = {
        tuple(code[:length] for length in range(1, 9) if code[:length] in prefixes): code
        for code in shipped_hsn_codes()
        if len(code) == 8
    }
    for kind, code in kinds.items():
        own = {
            tag
            for row in ROWS
            if row.hsn_prefix in kind
            for clause in parse_condition(row.condition)
            for tag in clause.tags
        }
        for tag in own | {"none"}:
            facts = {"tags": [tag], "unit_value": 100000, "screen_in": 32, "engine_cc": 350}
            assert resolve_rate(code, on, facts).status != "ambiguous", (code, tag)


def test_pins_lead_to_states():
    assert set(shipped_pins().values()) <= {
        code for code, state in shipped_states().items() if state.status == "active"
    }
    assert all(prefix.isascii() and prefix.isdigit() and 1 <= len(prefix) <= 6 for prefix in shipped_pins())


def test_territories_without_a_legislature_charge_utgst():
    labels = {code for code, state in shipped_states().items() if state.state_tax_label == "UTGST"}

    assert labels == {"04", "25", "26", "31", "35", "38", "97"}


def test_the_rates_that_end_are_followed_without_a_gap():
    day = timedelta(days=1)
    for prefix in ("61", "62", "63", "64"):
        ends = {row.valid_to + day for row in ROWS if row.hsn_prefix == prefix and row.valid_to}
        starts = {row.valid_from for row in ROWS if row.hsn_prefix == prefix}
        assert ends <= starts


def test_the_licence_travels_with_the_data():
    from importlib.resources import files

    readme = files("skumap").joinpath("data", "README.md").read_text(encoding="utf-8")
    assert "MIT" in readme
    assert "above copyright notice and this permission notice shall be included" in readme
