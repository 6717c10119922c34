"""The tables in the database: loaded from files, again without effect, and as good as the shipped ones for the rules."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from skumap.compliance import resolve_rate, validate_hsn
from skumap.models import Category, GstRate, GstState, HsnCode, Sku, SkuProfile
from skumap.profiles import merged
from skumap.reference import ReferenceError, hsn_codes, load, rate_table

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)
RATE_COLUMNS = "hsn_prefix,condition,rate,valid_from,valid_to,source,category,evidence"


def a_file(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_tables_load_once_and_again_without_effect(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_reference")
    first = capsys.readouterr().out
    call_command("load_reference")
    again = capsys.readouterr().out

    assert "hsn: 21434 new, 0 changed, 0 as before" in first
    assert "rates: 409 new" in first
    assert "hsn: 0 new, 0 changed, 21434 as before" in again
    assert "states: 0 new, 0 changed, 41 as before" in again
    assert GstState.objects.get(code="38").name == "Ladakh"
    assert HsnCode.objects.get(code="61091000").status == "active"


def test_the_rules_answer_the_same_from_the_database(tmp_path: Path) -> None:
    load("rates")
    load("hsn")
    table = rate_table()
    assert table is not None

    for hsn, facts in (("61091000", {"unit_value": 250_000}), ("85171300", {}), ("3304", {}), ("99999999", {})):
        shipped, ours = resolve_rate(hsn, TODAY, facts), resolve_rate(hsn, TODAY, facts, rates=table)
        assert (shipped.status, shipped.rate) == (ours.status, ours.rate), hsn
    for code in ("61091000", "610910", "2031", "85171211", "61091099"):
        shipped, ours = validate_hsn(code, on=TODAY), validate_hsn(code, on=TODAY, codes=hsn_codes([code]))
        assert (shipped.reason, shipped.warnings, shipped.normalized) == (ours.reason, ours.warnings, ours.normalized)


def test_without_loaded_tables_the_shipped_ones_count() -> None:
    assert (rate_table(), hsn_codes(["61091000"])) == (None, None)


def test_a_new_notification_is_a_new_row_and_ends_the_old_one(tmp_path: Path) -> None:
    load("rates")
    old = GstRate.objects.filter(hsn_prefix="85171300").first() or GstRate.objects.filter(valid_to=None).first()
    assert old is not None
    text = (
        f"{RATE_COLUMNS}\n"
        f"{old.hsn_prefix},{old.condition},{old.rate.normalize():f},{old.valid_from},2026-12-31,{old.source},{old.category},{old.evidence}\n"
        f"{old.hsn_prefix},{old.condition},5,2027-01-01,,1/2027-CT(R),{old.category},primary\n"
    )

    done = load("rates", path=a_file(tmp_path, text))

    assert (done.new, done.changed) == (1, 1)
    old.refresh_from_db()
    assert old.valid_to == date(2026, 12, 31)
    assert GstRate.objects.filter(hsn_prefix=old.hsn_prefix, valid_from=date(2027, 1, 1), rate=Decimal(5)).exists()


def test_a_bad_row_is_named_and_stops_no_other(tmp_path: Path) -> None:
    text = f"{RATE_COLUMNS}\n6109,,17,2027-01-01,,,,\n6109,,18,soon,,,,\n6109,,18,2027-01-01,,,,\n"

    done = load("rates", path=a_file(tmp_path, text))

    assert done.new == 1
    assert [line.split(":")[0] for line in done.refused] == ["line 2", "line 3"]


def test_a_file_that_is_something_else_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ReferenceError, match="column"):
        load("hsn", path=a_file(tmp_path, "name,price\nshirt,3\n"))
    with pytest.raises(CommandError, match="rates"):
        call_command("load_reference", rates=tmp_path / "nowhere.csv")
    assert not HsnCode.objects.exists()


def test_a_blank_field_of_a_sku_is_its_categorys() -> None:
    category = Category.objects.create(name="T-shirts", hsn="61091000", country_of_origin="IN", dispatch_days=2)
    sku = Sku.objects.create(code="TEE", category=category)
    own = SkuProfile.objects.create(sku=sku, country_of_origin="BD", dispatch_days=0)

    found = merged(own=own, category=category)

    assert (found["hsn"], found["country_of_origin"], found["dispatch_days"]) == ("61091000", "BD", 0)
    assert found["packages"] is None
