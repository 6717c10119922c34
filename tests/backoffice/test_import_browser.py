"""A whole import in a browser, as somebody does it who has never done it before."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from inventory_sync.backoffice.roles import create_roles
from inventory_sync.engine.import_runs import IMPORTS, PREVIEWS, Lane, work
from inventory_sync.engine.models import ColumnMapping, ImportRun
from skumap.models import Sku
from tests.backoffice.conftest import Desk
from tests.backoffice.shop import PASSWORD, staff
from tests.skumap.importer.files import csv_bytes, xlsx_bytes

pytestmark = pytest.mark.browser

BOOK = xlsx_bytes(
    ("SKU Code", "Item Name", "MRP (₹)"),
    ("DIYA-4", "Brass diya, set of 4", "349"),
    ("4.23E+13", "Copper jug", "1,499.00"),
    ("LADLE", "Steel ladle", "149"),
)
ODD = (("Art. No", "Description of goods", "Retail"), ("A-1", "Brass lamp", "899"), ("A-2", "Steel ladle", "149"))


def log_in(desk: Desk) -> None:
    create_roles()
    staff("asha", role="Operations manager")
    desk.page.context.clear_cookies()
    desk.open("/admin/")
    desk.page.fill("#id_username", "asha")
    desk.page.fill("#id_password", PASSWORD)
    desk.page.click("#login-form button[type=submit]")
    desk.page.wait_for_url(f"{desk.address}/admin/")


def send(desk: Desk, path: Path) -> None:
    desk.page.get_by_role("link", name="Import a file").click()
    desk.page.set_input_files("#id_file", str(path))
    desk.press("Show what would happen")
    desk.page.wait_for_selector("#progress")


def let_a_worker_come(desk: Desk, lane: Lane, *, until: str) -> None:
    """The page finds out by itself."""
    assert work(lane)
    desk.page.wait_for_selector(f"#import-run[data-state={until}]")


def test_a_whole_import_with_a_bad_row(desk: Desk, tmp_path: Path) -> None:
    log_in(desk)
    (tmp_path / "my skus.xlsx").write_bytes(BOOK)
    before = Sku.objects.count()

    send(desk, tmp_path / "my skus.xlsx")
    assert "Waits for a worker." in desk.text()
    let_a_worker_come(desk, PREVIEWS, until="previewed")
    assert "Nothing is written yet" in desk.text()
    assert "3 rows read; 1 refused" in desk.text()
    assert "4.23E+13 is a long number that a spreadsheet has shortened" in desk.page.inner_text("#problems")
    assert Sku.objects.count() == before

    with desk.page.expect_download() as downloading:
        desk.page.click("#errors-file")
    with Path(downloading.value.path()).open(encoding="utf-8-sig", newline="") as report:
        (refused,) = csv.DictReader(report)
    assert downloading.value.suggested_filename == "errors in my skus.csv"
    assert (refused["row"], refused["column"], refused["value"]) == ("3", "SKU Code", "4.23E+13")

    desk.press("Import it")
    desk.page.wait_for_selector("#progress-bar")
    let_a_worker_come(desk, IMPORTS, until="done")
    assert "What it did" in desk.text()
    assert set(Sku.objects.filter(code__in=["DIYA-4", "LADLE"]).values_list("title", flat=True)) == {
        "Brass diya, set of 4",
        "Steel ladle",
    }
    assert Sku.objects.count() == before + 2

    desk.page.get_by_role("link", name="Import a file").click()
    desk.press("All imports")
    assert "SKUs: 2 new; 1 row refused" in desk.text()


def test_columns_are_matched_once_and_remembered(desk: Desk, tmp_path: Path) -> None:
    log_in(desk)
    (tmp_path / "articles.csv").write_bytes(csv_bytes(*ODD))
    (tmp_path / "next.csv").write_bytes(csv_bytes(ODD[0], ("A-3", "Iron pan", "499")))

    send(desk, tmp_path / "articles.csv")
    let_a_worker_come(desk, PREVIEWS, until="columns")
    desk.press("Match columns")
    desk.page.select_option("#column-code", label="Art. No – A-1, A-2")
    desk.page.select_option("#column-title", value="Description of goods")
    desk.page.select_option("#column-mrp", value="Retail")
    desk.press("Show what would happen")
    let_a_worker_come(desk, PREVIEWS, until="previewed")
    desk.press("Import it")
    let_a_worker_come(desk, IMPORTS, until="done")
    assert str(Sku.objects.get(code="A-1").mrp) == "899.00"

    send(desk, tmp_path / "next.csv")
    let_a_worker_come(desk, PREVIEWS, until="previewed")
    assert "As asha matched it on" in desk.page.inner_text("#columns")
    assert ColumnMapping.objects.count() == 1


def test_a_file_that_is_too_big_is_not_even_sent(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_bytes(b"code\nTEE\n")
    desk.open("/admin/engine/importrun/upload/")
    desk.page.evaluate("document.querySelector('form[data-most-bytes]').dataset.mostBytes = 4")
    desk.page.set_input_files("#id_file", str(tmp_path / "big.csv"))
    desk.press("Show what would happen")

    assert "big.csv is bigger than" in desk.page.inner_text("#upload-note")
    assert not ImportRun.objects.exists()
    desk.page.evaluate("document.querySelector('form[data-most-bytes]').dataset.mostBytes = 40")
    desk.press("Show what would happen")
    desk.page.wait_for_selector("#progress")


def test_the_import_pages_fit_a_telephone(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "my skus.xlsx").write_bytes(BOOK)
    desk.open("/admin/engine/importrun/upload/")
    desk.page.set_input_files("#id_file", str(tmp_path / "my skus.xlsx"))
    desk.press("Show what would happen")
    let_a_worker_come(desk, PREVIEWS, until="previewed")
    run = ImportRun.objects.get()

    desk.page.set_viewport_size({"width": 390, "height": 800})
    for path in ("upload/", f"{run.pk}/change/", f"{run.pk}/columns/"):
        desk.open(f"/admin/engine/importrun/{path}")
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= 390, path
