"""Uploaded files: previewed without a trace, imported in the background, started again when a worker died."""

from __future__ import annotations

import hashlib
import io
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from inventory_sync.engine import import_runs, imports, tasks
from inventory_sync.engine.import_files import CHUNK, Upload, aside, stored_file
from inventory_sync.engine.import_models import ColumnMapping, ImportChunk, ImportRun
from inventory_sync.engine.import_runs import (
    IMPORTS,
    PREVIEWS,
    RunError,
    confirm,
    look_at,
    match_columns,
    start_again,
    work,
)
from skumap.importer import FileError, Limits
from skumap.models import ChannelAccount, Listing, ListingLink, Sku
from tests.engine.importing import errors_of, imported, looked_at, upload
from tests.skumap.importer.files import csv_bytes, xlsx_bytes

# A worker reads the file over a second connection, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

SKUS = csv_bytes(("code", "title", "mrp"), ("TEE", "Tee", "1,299.00"), ("4.23E+13", "Cap", ""), ("MUG", "Mug", ""))
ODD = csv_bytes(("Art. No", "What", "Retail"), ("A-1", "Tawa", "499"), ("A-2", "Lamp", "nonsense"))


def test_a_preview_says_what_would_happen_and_writes_nothing() -> None:
    Sku.objects.create(code="MUG", title="Cup")

    run = looked_at(SKUS)

    assert run.state == "previewed"
    assert run.preview["counts"] == {"skus": {"new": 1, "changed": 1, "unchanged": 0}}
    assert run.preview["refused"] == 1
    assert run.preview["reasons"] == {"scientific": 1}
    assert [problem["row"] for problem in run.preview["problems"]] == [3]
    assert "4.23E+13" in errors_of(run)
    assert list(Sku.objects.values_list("code", "title")) == [("MUG", "Cup")]


def test_what_was_previewed_is_imported_when_somebody_says_so() -> None:
    user = User.objects.create_user("asha")

    run = imported(looked_at(SKUS), user=user)

    assert run.state == "done"
    assert run.report["counts"]["skus"]["new"] == 2
    assert run.imported_by == user
    assert set(Sku.objects.values_list("code", flat=True)) == {"TEE", "MUG"}
    assert errors_of(run).count("4.23E+13") >= 1


def test_asked_twice_it_is_imported_once() -> None:
    run = looked_at(SKUS)
    confirm(run_id=run.pk, user=None, now=timezone.now())
    confirm(run_id=run.pk, user=None, now=timezone.now())

    assert work(IMPORTS)
    assert not work(IMPORTS)
    confirm(run_id=run.pk, user=None, now=timezone.now())
    assert not work(IMPORTS)


def test_nothing_is_imported_before_it_was_looked_at() -> None:
    run = upload(SKUS)

    with pytest.raises(RunError, match="being uploaded"):
        confirm(run_id=run.pk, user=None, now=timezone.now())


def test_the_history_of_a_link_names_the_file_the_row_and_the_person() -> None:
    user = User.objects.create_user("asha")
    account = ChannelAccount.objects.create(name="Flipkart one", channel="flipkart")
    Sku.objects.create(code="TEE")
    Listing.objects.create(account=account, key="fk-tee", seller_sku="fk-tee", fulfilment="NON_FBF")
    data = csv_bytes(("own sku", "seller sku"), ("TEE", "fk-tee"))

    run = imported(looked_at(data, name="map.csv", account_id=account.pk), user=user)

    assert run.report["counts"]["links"]["new"] == 1
    link = ListingLink.objects.get()
    assert (link.reason, link.actor) == ("import map.csv, row 2", user)


def test_a_link_of_a_file_with_a_long_name_still_says_its_row() -> None:
    account = ChannelAccount.objects.create(name="Flipkart one", channel="flipkart")
    Sku.objects.create(code="TEE")
    Listing.objects.create(account=account, key="fk-tee", seller_sku="fk-tee", fulfilment="NON_FBF")
    data = csv_bytes(("own sku", "seller sku"), ("TEE", "fk-tee"))

    run = imported(looked_at(data, name=f"C:\\files\\{'long ' * 60}.csv", account_id=account.pk))

    assert run.state == "done"
    assert run.file_name.endswith(".csv")
    assert ListingLink.objects.get().reason.endswith(", row 2")


def test_a_file_that_can_not_be_read_fails_in_words() -> None:
    run = looked_at(b"%PDF-1.4 no table", name="price list.pdf")

    assert run.state == "failed"
    assert run.message == "This is not a table. Save it as CSV or .xlsx and send that."


def test_an_error_of_ours_is_not_blamed_on_the_file(monkeypatch: Any) -> None:
    def break_down(**_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(imports, "preview", break_down)
    run = looked_at(SKUS)

    assert run.state == "failed"
    assert "not with your file" in run.message
    monkeypatch.undo()
    start_again(run_id=run.pk)
    assert work(PREVIEWS)
    run.refresh_from_db()
    assert run.state == "previewed"


def test_signs_that_the_database_does_not_take_do_not_stop_a_preview() -> None:
    many = [
        (f"TEE-{number}", "A title of some length") for number in range(3_000)
    ]  # at the beginning it would be no text

    run = looked_at(csv_bytes(("code", "title"), *many, ("A\0B", "Tee")))

    assert run.state == "previewed"
    assert run.preview["refused"] == 1


# --- columns ----------------------------------------------------------------------------------------------------------------


def test_headings_that_nobody_knows_wait_for_a_person() -> None:
    run = looked_at(ODD)

    assert run.state == "columns"
    assert run.headings == ["Art. No", "What", "Retail"]
    assert run.sample == [["A-1", "Tawa", "499"], ["A-2", "Lamp", "nonsense"]]


def test_matched_columns_are_remembered_for_the_next_file_with_these_headings() -> None:
    user = User.objects.create_user("asha")
    run = looked_at(ODD)

    match_columns(
        run_id=run.pk, format="skus", account_id=None, columns={"code": "Art. No", "mrp": "Retail"}, user=user
    )
    work(PREVIEWS)
    run.refresh_from_db()
    next_one = looked_at(csv_bytes(("ART NO", "what", "Retail"), ("A-9", "Diya", "99")))

    assert run.state == "previewed"
    assert run.preview["counts"]["skus"]["new"] == 1
    assert next_one.state == "previewed"
    assert next_one.preview["columns"] == {"code": "ART NO", "mrp": "Retail"}
    assert ColumnMapping.objects.get().updated_by == user


def test_what_is_remembered_belongs_to_its_account_and_format() -> None:
    account = ChannelAccount.objects.create(name="Flipkart one", channel="flipkart")
    run = looked_at(ODD)
    match_columns(run_id=run.pk, format="skus", account_id=None, columns={"code": "Art. No"}, user=None)
    work(PREVIEWS)

    assert looked_at(ODD, account_id=account.pk).state == "columns"
    assert looked_at(ODD, format="kits").state == "columns"
    assert looked_at(ODD, format="skus").state == "previewed"


def test_columns_that_make_no_table_are_refused_and_not_remembered() -> None:
    run = looked_at(ODD)

    with pytest.raises(FileError, match="no column for code"):
        match_columns(run_id=run.pk, format="skus", account_id=None, columns={"title": "What"}, user=None)
    assert not ColumnMapping.objects.exists()


def test_what_was_shown_is_what_is_imported_whatever_is_remembered_meanwhile() -> None:
    run = looked_at(ODD)
    match_columns(run_id=run.pk, format="skus", account_id=None, columns={"code": "Art. No"}, user=None)
    work(PREVIEWS)
    ColumnMapping.objects.update(columns={"code": "What"})
    run.refresh_from_db()

    imported(run)

    assert set(Sku.objects.values_list("code", flat=True)) == {"A-1", "A-2"}


def test_columns_said_for_one_file_alone_are_not_remembered() -> None:
    shopify = csv_bytes(
        ("Handle", "Title", "Variant SKU", "Option1 Name", "Option1 Value", "Variant Price"),
        ("tee", "Tee", "", "Size", "M", "499"),
    )

    plain = looked_at(shopify)
    look_at(run_id=plain.pk, format="shopify", columns={"code": "Handle"})
    work(PREVIEWS)
    plain.refresh_from_db()

    assert plain.preview["counts"]["skus"]["new"] == 1
    assert looked_at(shopify).preview["reasons"] == {"missing": 1}


# --- workers ----------------------------------------------------------------------------------------------------------------


def test_a_second_import_waits_for_the_first(monkeypatch: Any) -> None:
    first, second = looked_at(SKUS), looked_at(csv_bytes(("code",), ("OTHER",)))
    for run in (first, second):
        confirm(run_id=run.pk, user=None, now=timezone.now())
    real, seen = imports.apply, []

    def apply(**asked: Any) -> Any:
        # Somebody else's worker comes by while this one is at it.
        other = threading.Thread(target=lambda: seen.append((work(IMPORTS), ImportRun.objects.get(pk=second.pk).state)))
        other.start()
        other.join()
        return real(**asked)

    monkeypatch.setattr(imports, "apply", apply)
    assert work(IMPORTS)
    monkeypatch.undo()

    assert seen == [(False, "to_import")]
    assert not Sku.objects.filter(code="OTHER").exists()
    assert work(IMPORTS)
    assert Sku.objects.filter(code="OTHER").exists()


def test_a_run_whose_worker_went_silent_is_shown_as_such_and_can_be_started_again() -> None:
    run = looked_at(SKUS)
    long_ago = timezone.now() - timedelta(minutes=5)
    ImportRun.objects.filter(pk=run.pk).update(state="importing", confirmed_at=long_ago, heartbeat_at=long_ago)

    assert import_runs.lanes_in_need(now=timezone.now()) == []
    run.refresh_from_db()
    assert run.state == "stopped"
    start_again(run_id=run.pk)
    assert import_runs.lanes_in_need(now=timezone.now()) == [IMPORTS]
    tasks.import_files()

    run.refresh_from_db()
    assert run.state == "done"
    assert Sku.objects.count() == 2


def test_a_worker_that_takes_the_lane_knows_that_the_one_before_is_dead() -> None:
    run = looked_at(SKUS)
    ImportRun.objects.filter(pk=run.pk).update(state="importing", heartbeat_at=timezone.now())

    work(IMPORTS)

    assert ImportRun.objects.get(pk=run.pk).state == "stopped"


def test_what_a_dead_worker_still_says_is_dropped(monkeypatch: Any) -> None:
    run = looked_at(SKUS)
    confirm(run_id=run.pk, user=None, now=timezone.now())
    real = imports.apply

    def apply(**asked: Any) -> Any:
        ImportRun.objects.filter(pk=run.pk).update(state="stopped", token=None)
        return real(**asked)

    monkeypatch.setattr(imports, "apply", apply)
    work(IMPORTS)

    assert ImportRun.objects.get(pk=run.pk).state == "stopped"


def test_a_worker_says_that_it_lives_while_it_waits(monkeypatch: Any) -> None:
    run = looked_at(SKUS)
    confirm(run_id=run.pk, user=None, now=timezone.now())
    monkeypatch.setattr(import_runs, "PULSE_SECONDS", 0.02)
    real, seen = imports.apply, []

    def apply(*, progress: Any, **asked: Any) -> Any:
        progress(40, 100)
        began = ImportRun.objects.get(pk=run.pk).heartbeat_at
        while not seen or seen[-1].heartbeat_at == began:
            seen.append(ImportRun.objects.get(pk=run.pk))
        return real(progress=progress, **asked)

    monkeypatch.setattr(imports, "apply", apply)
    work(IMPORTS)

    assert (seen[-1].step, seen[-1].done, seen[-1].total) == ("reading", 40, 100)


def test_the_sweep_wakes_a_worker_for_a_file_whose_hint_was_lost(monkeypatch: Any) -> None:
    sent = []
    look_at(run_id=upload(SKUS).pk)
    monkeypatch.setattr(tasks.wake, "send", lambda task, *args: sent.append(task))

    tasks.sweep()

    assert "preview_files" in sent
    assert "import_files" not in sent


# --- the file in the database -----------------------------------------------------------------------------------------------


def test_a_stored_file_reads_like_one_on_a_disk() -> None:
    data = bytes(range(256)) * (CHUNK * 5 // 2 // 256) + b"the end"
    run = upload(data)
    disk = io.BytesIO(data)

    with aside() as other, stored_file(run=run, other=other) as stored:
        for start, length in ((0, 10), (CHUNK - 3, 9), (2 * CHUNK, CHUNK), (len(data) - 4, 99), (5, 0)):
            disk.seek(start)
            assert stored.seek(start) == start
            assert stored.read(length) == disk.read(length)
        assert stored.seek(-7, io.SEEK_END) == len(data) - 7
        assert stored.read() == b"the end"

    assert run.sha256 == hashlib.sha256(data).hexdigest()
    assert max(len(chunk.data) for chunk in ImportChunk.objects.all()) <= CHUNK


def test_a_workbook_is_read_from_the_database() -> None:
    run = imported(looked_at(xlsx_bytes(("SKU Code", "Item Name"), ("TEE", "Tee"), ("MUG", "Mug")), name="skus.xlsx"))

    assert run.report["counts"]["skus"]["new"] == 2


def test_a_file_that_is_too_big_is_refused_while_it_arrives(monkeypatch: Any) -> None:
    monkeypatch.setattr("inventory_sync.engine.import_files.Limits", lambda: Limits(max_bytes=1024 * 1024))
    arriving = Upload(file_name="big.csv", user=None, now=timezone.now())
    arriving.write(b"x" * 1024 * 1024)

    with pytest.raises(FileError, match="bigger than 1 MB"):
        arriving.write(b"x")
    arriving.drop()
    assert not ImportChunk.objects.exists()


def test_the_same_bytes_are_recognised() -> None:
    first = imported(looked_at(SKUS, name="a.csv"))
    second = looked_at(SKUS, name="b.csv")

    assert import_runs.same_file(second) == first
    assert import_runs.same_file(looked_at(ODD)) is None
    assert imported(second).report["counts"] == {"skus": {"new": 0, "changed": 0, "unchanged": 2}}


def test_old_files_are_deleted_and_what_they_did_stays() -> None:
    run, unfinished = imported(looked_at(SKUS)), upload(b"code")
    ImportRun.objects.update(created_at=timezone.now() - timedelta(days=8))

    import_runs.forget(now=timezone.now())

    run.refresh_from_db()
    assert run.forgotten_at is not None
    assert run.report["counts"]["skus"]["new"] == 2
    assert set(ImportChunk.objects.values_list("part", flat=True)) == {"errors"}
    assert not ImportRun.objects.filter(pk=unfinished.pk).exists()
    with pytest.raises(RunError, match="not kept any more"):
        start_again(run_id=run.pk)
