"""The import pages: upload, preview, columns, import, history and exports; and who may see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from inventory_sync.backoffice.roles import create_roles
from inventory_sync.engine import import_files
from inventory_sync.engine.import_runs import IMPORTS, PREVIEWS, work
from inventory_sync.engine.models import ColumnMapping, ImportChunk, ImportRun
from skumap.importer import Limits
from skumap.models import ChannelAccount, KitComponent, Listing, Sku
from skumap.services import link_listing
from tests.backoffice.shop import staff
from tests.engine.importing import errors_of
from tests.skumap.importer.files import csv_bytes

# Files are read over a second connection, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)

UPLOAD = "/admin/engine/importrun/upload/"
SKUS = csv_bytes(("code", "title"), ("TEE", "Tee"), ("4.23E+13", "Cap"), ("MUG", "Mug"))
ODD = csv_bytes(("Art. No", "What"), ("A-1", "Tawa"))
SHOPIFY = csv_bytes(
    ("Handle", "Title", "Variant SKU", "Option1 Name", "Option1 Value", "Variant Price"),
    ("tee", "Tee", "", "Size", "M", "499"),
    ("tee", "", "", "", "L", "499"),
    ("mug", "Mug", "MUG-1", "Title", "Default Title", "199"),
)


@pytest.fixture
def asha() -> User:
    create_roles()
    return staff("asha", role="Operations manager")


@pytest.fixture
def client(asha: User) -> Client:
    client = Client()
    client.force_login(asha, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def account() -> Iterator[ChannelAccount]:
    return ChannelAccount.objects.create(name="Flipkart one", channel="flipkart")


def send(client: Client, data: bytes, *, name: str = "skus.csv", **asked: Any) -> Any:
    return client.post(UPLOAD, {"format": "auto", "file": SimpleUploadedFile(name, data), **asked})


def preview(client: Client, data: bytes, **asked: Any) -> ImportRun:
    assert send(client, data, **asked).status_code == 302
    assert work(PREVIEWS)
    return ImportRun.objects.first()


def page(client: Client, run: ImportRun) -> str:
    return client.get(address(run, "change")).content.decode()


def address(run: ImportRun, name: str) -> str:
    return f"/admin/engine/importrun/{run.pk}/{name}/"


def answer(client: Client, run: ImportRun, said: str, **more: Any) -> Any:
    return client.post(address(run, "answer"), {"answer": said, **more})


def test_an_upload_leads_to_its_preview_and_writes_nothing(client: Client) -> None:
    run = preview(client, SKUS)

    shown = page(client, run)
    assert "Nothing is written yet" in shown
    assert "4.23E+13" in shown
    assert "Format the column as Text" in shown
    assert "Import it" in shown
    assert not Sku.objects.exists()


def test_what_is_imported_says_who_and_what(client: Client, asha: User) -> None:
    run = preview(client, SKUS)
    answer(client, run, "import")
    work(IMPORTS)
    run.refresh_from_db()

    assert set(Sku.objects.values_list("code", flat=True)) == {"TEE", "MUG"}
    assert run.imported_by == asha
    shown = page(client, run)
    assert "What it did" in shown
    assert "imported by asha" in shown
    assert "Import it" not in shown
    history = client.get("/admin/engine/importrun/").content.decode()
    assert "SKUs: 2 new; 1 row refused" in history


def test_the_error_report_has_every_refused_row_and_no_formula(client: Client) -> None:
    run = preview(client, csv_bytes(("code", "mrp"), *((f"S{number}", "=1+1") for number in range(80))))

    answered = client.get(f"/admin/engine/importrun/{run.pk}/errors.csv")
    text = b"".join(answered.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]

    assert text == errors_of(run)
    assert len(text.splitlines()) == 81
    assert ",'=1+1," in text
    assert 'filename="errors in skus.csv"' in answered["Content-Disposition"]
    assert "These are the first 50; the error report has all." in page(client, run)


def test_the_page_asks_how_far_it_is_until_there_is_something_to_see(client: Client) -> None:
    send(client, SKUS)
    run = ImportRun.objects.get()

    waiting = client.get(address(run, "progress")).json()
    ImportRun.objects.filter(pk=run.pk).update(
        state="previewing", step="reading", done=30, total=120, heartbeat_at=timezone.now()
    )
    working = client.get(address(run, "progress")).json()
    ImportRun.objects.filter(pk=run.pk).update(state="to_preview")
    work(PREVIEWS)
    over = client.get(address(run, "progress")).json()

    assert waiting == {"busy": True, "percent": 0, "text": "Waits for a worker."}
    assert working == {"busy": True, "percent": 25, "text": "Reading the file: 25 %."}
    assert not over["busy"]


def test_a_second_import_says_what_it_waits_for(client: Client) -> None:
    first, second = preview(client, SKUS, name="first.csv"), preview(client, ODD + b"\n", format="skus")
    ImportRun.objects.filter(pk=first.pk).update(state="importing", heartbeat_at=timezone.now())
    ImportRun.objects.filter(pk=second.pk).update(state="to_import", confirmed_at=timezone.now())

    assert "Waits until first.csv is done" in client.get(address(second, "progress")).json()["text"]


def test_a_run_whose_worker_died_offers_to_start_again(client: Client) -> None:
    run = preview(client, SKUS)
    answer(client, run, "import")
    ImportRun.objects.filter(pk=run.pk).update(state="importing")
    work(IMPORTS)  # the next worker finds that nobody is at it

    shown = page(client, run)
    assert "The worker that was at it has stopped" in shown
    assert "Start it again" in shown
    answer(client, run, "again")
    work(IMPORTS)
    assert Sku.objects.count() == 2


def test_a_file_that_was_imported_before_says_so(client: Client) -> None:
    run = preview(client, SKUS, name="monday.csv")
    answer(client, run, "import")
    work(IMPORTS)

    again = preview(client, SKUS, name="tuesday.csv")

    shown = page(client, again)
    assert "This very file was imported before" in shown
    assert "monday.csv" in shown
    assert "Everything is as the file says already" in shown
    assert "Import it" not in shown


def test_a_file_nobody_can_read_is_refused_in_words(client: Client) -> None:
    run = preview(client, b"\xd0\xcf\x11\xe0 old", name="list.xls")

    assert "This is an old Excel file" in page(client, run)


def test_an_empty_file_or_none_at_all_is_said_at_once(client: Client) -> None:
    assert "The file is empty." in send(client, b"").content.decode()
    assert "Choose a file." in client.post(UPLOAD, {"format": "auto"}).content.decode()
    assert not ImportRun.objects.exists()


def test_a_file_that_is_too_big_is_refused_in_words_and_not_kept(client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(import_files, "Limits", lambda: Limits(max_bytes=1024 * 1024))

    answered = send(client, b"x" * (3 * 1024 * 1024))

    assert "The file is bigger than 1 MB. Send it in parts." in answered.content.decode()
    assert not ImportChunk.objects.exists()
    assert not ImportRun.objects.exists()


def test_a_forged_form_leaves_no_file(asha: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(asha, backend="django.contrib.auth.backends.ModelBackend")

    assert send(client, SKUS).status_code == 403
    assert not ImportRun.objects.exists()
    token = client.get(UPLOAD).context["csrf_token"]
    assert send(client, SKUS, csrfmiddlewaretoken=str(token)).status_code == 302


def test_a_form_that_is_wrong_leaves_no_file(client: Client) -> None:
    assert send(client, SKUS, format="lotus123").status_code == 200
    assert not ImportRun.objects.exists()


# --- columns ----------------------------------------------------------------------------------------------------------------


def test_unknown_headings_are_matched_once_and_remembered(client: Client, asha: User) -> None:
    run = preview(client, ODD)
    assert "Match columns" in page(client, run)
    asked = client.get(address(run, "columns")).content.decode()
    assert "Art. No – A-1" in asked

    client.post(address(run, "columns"), {"format": "skus", "column-code": "Art. No", "column-title": "What"})
    work(PREVIEWS)

    assert "SKU code from “Art. No”, Title from “What”. As asha matched it" in page(client, run)
    next_one = preview(client, csv_bytes(("Art. No", "What"), ("A-2", "Lamp")))
    assert next_one.state == "previewed"
    assert ColumnMapping.objects.get().updated_by == asha


def test_a_column_that_is_needed_and_missing_is_asked_for_again(client: Client) -> None:
    run = preview(client, ODD)

    again = client.post(address(run, "columns"), {"format": "skus", "column-title": "What"}, follow=True)

    assert "no column for code" in again.content.decode()
    assert not ColumnMapping.objects.exists()


def test_a_column_that_somebody_leaves_out_is_left_out(client: Client) -> None:
    run = preview(client, csv_bytes(("SKU", "Name"), ("TEE", "internal note")))

    client.post(address(run, "columns"), {"format": "skus", "column-code": "SKU"})
    work(PREVIEWS)
    run.refresh_from_db()

    assert run.preview["columns"] == {"code": "SKU"}


def test_headings_that_stand_twice_can_not_be_chosen(client: Client) -> None:
    run = preview(client, csv_bytes(("Art", "Name", "Name"), ("A", "b", "c")))

    assert "two columns have this heading" in client.get(address(run, "columns")).content.decode()


def test_a_mapping_without_its_account_is_told_to_name_it(client: Client, account: ChannelAccount) -> None:
    Sku.objects.create(code="TEE")
    Listing.objects.create(account=account, key="fk-tee", seller_sku="fk-tee", fulfilment="NON_FBF")
    run = preview(client, csv_bytes(("own sku", "seller sku"), ("TEE", "fk-tee")))
    assert "Rows that name no seller account are refused" in page(client, run)

    answer(client, run, "look", format="mapping", account=account.pk)
    work(PREVIEWS)

    run.refresh_from_db()
    assert run.preview["counts"]["links"]["new"] == 1


def test_a_shop_without_skus_is_offered_codes_made_of_its_handles(client: Client) -> None:
    run = preview(client, SHOPIFY)
    shown = page(client, run)
    assert "2 variants have no SKU in Shopify" in shown
    assert "also the 1 that has a SKU" in shown

    answer(client, run, "handle")
    work(PREVIEWS)
    assert "Every variant gets a code made of its handle" in page(client, run)
    answer(client, run, "import")
    work(IMPORTS)

    assert set(Sku.objects.values_list("code", flat=True)) == {"tee-M", "tee-L", "mug"}
    assert not ColumnMapping.objects.exists()


# --- exports and who may what -----------------------------------------------------------------------------------------------


def test_exports_are_files_that_can_be_imported_again(client: Client, account: ChannelAccount) -> None:
    tee, pair = Sku.objects.create(code="TEE", title="=cmd"), Sku.objects.create(code="PAIR")
    KitComponent.objects.create(kit=pair, component=tee, units=2)
    other = ChannelAccount.objects.create(name="Other", channel="flipkart")
    for owner in (account, other):
        row = Listing.objects.create(account=owner, key="fk-tee", seller_sku="fk-tee", fulfilment="NON_FBF")
        link_listing(listing_id=row.pk, sku=tee, now=timezone.now())

    def export(kind: str, **asked: Any) -> list[str]:
        answered = client.get(f"/admin/engine/importrun/export/{kind}.csv", asked)
        assert "attachment" in answered["Content-Disposition"]
        return b"".join(answered.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined]

    assert "TEE,'=cmd,,,,," in export("skus")
    assert export("kits")[1:] == ["PAIR,TEE,2"]
    assert len(export("mapping")) == 3
    assert len(export("mapping", account=account.pk)) == 2


@pytest.mark.parametrize("role", ["Warehouse staff", "Finance (read only)"])
def test_only_who_may_import_sees_and_does_it(client: Client, role: str) -> None:
    run = preview(client, SKUS)
    other = Client()
    other.force_login(staff("ravi", role=role), backend="django.contrib.auth.backends.ModelBackend")

    assert other.get(UPLOAD).status_code == 403
    assert send(other, SKUS).status_code == 403
    for name in ("change", "progress", "columns"):
        assert other.get(address(run, name)).status_code == 403, name
    assert other.get(f"/admin/engine/importrun/{run.pk}/errors.csv").status_code == 403
    assert answer(other, run, "import").status_code == 403
    assert UPLOAD not in other.get("/admin/").content.decode()
    assert other.get("/admin/engine/importrun/export/skus.csv").status_code == 200
    assert ImportRun.objects.count() == 1


def test_the_menu_leads_to_the_upload(client: Client) -> None:
    assert UPLOAD in client.get("/admin/").content.decode()
    assert client.get("/admin/engine/importrun/go-upload/", follow=True).redirect_chain[-1][0] == UPLOAD


def test_nonsense_is_answered_with_not_found(client: Client) -> None:
    run = preview(client, SKUS)

    assert client.get("/admin/engine/importrun/nonsense/change/").status_code == 404
    assert client.get("/admin/engine/importrun/export/nonsense.csv").status_code == 404
    assert client.get(address(run, "columns"), {"format": "nonsense"}).status_code == 404
    assert answer(client, run, "nonsense").status_code == 400
    assert client.get(address(run, "answer")).status_code == 405
    assert json.loads(client.get(address(run, "progress")).content)["busy"] is False
