"""Files reach the database: previewed without a trace, written once, unchanged the second time."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from inventory_sync.stock.models import Warehouse
from inventory_sync.stock.services import Change, receive
from skumap.importer import FileError
from skumap.imports.report import Counts
from skumap.models import KitComponent, Sku
from skumap.services import set_kit
from tests.skumap.importer.files import csv_bytes, tab_bytes
from tests.skumap.importer.running import export, run

pytestmark = pytest.mark.django_db

SKUS = csv_bytes(
    ("code", "title", "barcode", "hsn", "mrp", "colour"),
    ("TEE", "Tee", "8901234567894", "61091000", "1,299.00", "Red"),
    ("MUG", "Mug", "", "", "", ""),
    ("4.23E+13", "Cap", "", "", "", ""),
)


def stored() -> list[tuple[object, ...]]:
    return list(
        Sku.objects.order_by("code").values_list("code", "title", "brand", "barcode", "hsn", "mrp", "attributes")
    )


def test_good_rows_are_written_and_bad_ones_are_named():
    report = run(SKUS)

    assert report.counts == {"skus": Counts(new=2)}
    assert (report.rows, report.refused) == (3, 1)
    assert [(problem.row, problem.code) for problem in report.problems] == [(4, "scientific")]
    assert stored() == [
        ("MUG", "Mug", "", "", "", None, {}),
        ("TEE", "Tee", "", "8901234567894", "61091000", Decimal("1299.00"), {"colour": "Red"}),
    ]


def test_a_preview_counts_the_same_and_writes_nothing():
    Sku.objects.create(code="MUG", title="Cup")

    preview = run(SKUS, write=False)

    assert preview.counts == {"skus": Counts(new=1, changed=1)}
    assert not preview.written
    assert stored() == [("MUG", "Cup", "", "", "", None, {})]
    assert run(SKUS).counts == preview.counts


def test_the_same_file_again_changes_nothing():
    run(SKUS)
    before = stored()

    assert run(SKUS, write=False).counts == {"skus": Counts(unchanged=2)}
    assert run(SKUS).counts == {"skus": Counts(unchanged=2)}
    assert stored() == before


def test_a_cell_that_says_nothing_leaves_the_field_as_it_is():
    Sku.objects.create(code="TEE", title="Old", brand="Loom", mrp=Decimal(99), attributes={"size": "M"})

    run(csv_bytes(("code", "title", "brand", "mrp", "colour"), ("TEE", "New", "", "", "Red")))

    assert stored() == [("TEE", "New", "Loom", "", "", Decimal("99.00"), {"size": "M", "colour": "Red"})]


def test_a_marketplaces_words_fill_gaps_and_replace_nothing():
    Sku.objects.create(code="TEE", title="Our tee")
    Sku.objects.create(code="MUG")
    report = tab_bytes(
        ("item-name", "seller-sku", "asin1"), ("THEIR TEE", "TEE", "B0"), ("Café mug", "MUG", "B1"), encoding="cp1252"
    )

    assert run(report).counts == {"skus": Counts(changed=1, unchanged=1)}
    assert [(row[0], row[1]) for row in stored()] == [("MUG", "Café mug"), ("TEE", "Our tee")]
    assert run(report).total == Counts(unchanged=2)


def test_what_was_exported_is_imported_without_a_change():
    Sku.objects.create(
        code="=TEE", title="-10 % \"off\", 'now'", brand="@home", attributes={"note": "a;b=c", "size": ["M", "L"]}
    )
    Sku.objects.create(code="'+91", title="कुर्ता ₹", barcode="012345678905", hsn="0902", mrp=Decimal("0.50"))

    report = run(export("skus"))

    assert (report.total, report.refused) == (Counts(unchanged=2), 0)


def test_a_file_that_breaks_half_way_writes_nothing():
    data = b"code,title\n" + b"".join(b"C%d,x\n" % number for number in range(5_000)) + b"D,\x81\n"

    with pytest.raises(FileError):
        run(data)
    assert not Sku.objects.exists()


def test_twenty_thousand_rows_are_imported_twice_and_change_once():
    data = csv_bytes(
        ("code", "title", "mrp"), *((f"SKU-{number:05}", f"Title {number}", number + 1) for number in range(20_000))
    )
    told: list[tuple[int, int]] = []

    first = run(data, progress=lambda done, size: told.append((done, size)))

    assert first.total == Counts(new=20_000)
    assert told == sorted(told)
    assert told[-1] == (len(data), len(data))
    assert run(data).total == Counts(unchanged=20_000)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.import_row')")
        assert cursor.fetchone() == (None,)


def test_the_error_file_lists_every_refused_row_and_runs_nothing():
    errors = io.StringIO()

    report = run(csv_bytes(("code", "MRP"), *((f"C{number}", "=cheap") for number in range(80))), errors=errors)

    lines = list(csv.reader(io.StringIO(errors.getvalue().removeprefix("\ufeff"))))
    assert (report.refused, len(report.problems)) == (80, 50)
    assert lines[0] == ["row", "column", "value", "what is wrong", "code"]
    assert lines[1][:3] == ["2", "MRP", "'=cheap"]
    assert len(lines) == 81


@pytest.fixture
def parts() -> dict[str, Sku]:
    return {code: Sku.objects.create(code=code) for code in ("SET", "TEE", "MUG", "BOX")}


def _kit(code: str) -> dict[str, int]:
    return dict(KitComponent.objects.filter(kit__code=code).values_list("component__code", "units"))


def test_combos_are_made_changed_and_left_alone(parts):
    first = csv_bytes(("kit", "component", "units"), ("SET", "TEE", "2"), ("SET", "MUG", ""))

    assert run(first, write=False).counts == {"kits": Counts(new=1)}
    assert not KitComponent.objects.exists()
    assert run(first).counts == {"kits": Counts(new=1)}
    assert _kit("SET") == {"TEE": 2, "MUG": 1}
    assert run(export("kits")).total == Counts(unchanged=1)
    assert run(csv_bytes(("kit", "component", "units"), ("SET", "TEE", "3"))).counts == {"kits": Counts(changed=1)}
    assert _kit("SET") == {"TEE": 3}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([("SET", "TEE", "2"), ("SET", "NONE", "1")], [(3, "unknown_sku"), (2, "kit_incomplete")]),
        ([("SET", "TEE", "2"), ("SET", "MUG", "many")], [(3, "not_a_count"), (2, "kit_incomplete")]),
        ([("NEW", "TEE", "2")], [(2, "unknown_sku")]),
        ([("SET", "BOX", "1"), ("BOX", "TEE", "1")], [(2, "kit_in_kit")]),
        ([("SET", "TEE", "1"), ("SET", "TEE", "2")], [(3, "duplicate"), (2, "kit_incomplete")]),
    ],
)
def test_a_combo_with_a_bad_part_is_not_made_by_halves(parts, rows, found):
    report = run(csv_bytes(("kit", "component", "units"), *rows))

    assert [(problem.row, problem.code) for problem in report.problems] == found
    assert _kit("SET") == {}


def test_a_sku_with_stock_or_inside_a_combo_does_not_become_one(parts):
    warehouse = Warehouse.objects.create(code="W", name="W")
    receive(Change(key="t:1", sku_id=parts["SET"].pk, warehouse_id=warehouse.pk, at=timezone.now()), units=3)
    set_kit(kit=parts["BOX"], parts={parts["TEE"]: 1})

    report = run(csv_bytes(("kit", "component"), ("SET", "MUG"), ("TEE", "MUG")))

    assert {(problem.row, problem.code) for problem in report.problems} == {(2, "has_stock"), (3, "kit_in_kit")}
    assert (_kit("SET"), _kit("TEE")) == ({}, {})


def test_a_unicommerce_file_adds_skus_and_makes_their_bundles():
    data = csv_bytes(
        ("Category Code", "Product Code", "Name", "Type", "Component Product Code", "Component Quantity"),
        ("SETS", "SET", "Gift set", "BUNDLE", "TEE", "2"),
        ("SETS", "SET", "Gift set", "BUNDLE", "MUG", "1"),
        ("TEES", "TEE", "Tee", "SIMPLE", "", ""),
        ("MUGS", "MUG", "Mug", "SIMPLE", "", ""),
    )

    expected = {"skus": Counts(new=3), "kits": Counts(new=1)}
    assert run(data, write=False).counts == expected
    assert run(data).counts == expected
    assert _kit("SET") == {"TEE": 2, "MUG": 1}
    assert run(data).total == Counts(unchanged=4)


def test_the_commands_preview_import_and_export(tmp_path: Path, capsys):
    source, errors, out = tmp_path / "skus.csv", tmp_path / "errors.csv", tmp_path / "out.csv"
    source.write_bytes(SKUS)

    call_command("import_file", str(source), "--preview", "--errors", str(errors))
    assert "SKUs: 2 new, 0 changed, 0 unchanged." in capsys.readouterr().out
    assert "scientific" in errors.read_text(encoding="utf-8-sig")
    assert not Sku.objects.exists()
    call_command("import_file", str(source), "--map", "title=Title", "--json")
    assert json.loads(capsys.readouterr().out)["counts"]["skus"]["new"] == 2
    call_command("export_file", "skus", str(out))
    assert out.read_text(encoding="utf-8-sig").splitlines()[1].startswith("MUG,Mug,")
    with pytest.raises(CommandError, match="can't be written"):
        call_command("export_file", "skus", str(out))
    with pytest.raises(CommandError, match="We don't know this kind of file"):
        source.write_bytes(b"x,y\n1,2\n")
        call_command("import_file", str(source))
