"""The compliance report: counts, filters, and a file that a spreadsheet does not run."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from skumap.models import Listing, Sku
from tests.backoffice.shop import Shop

pytestmark = pytest.mark.django_db

PAGE, FILE = "/admin/skumap/skuprofile/report/", "/admin/skumap/skuprofile/report.csv"


def test_the_report_says_how_many_would_fail_and_why(boss: Client, shop: Shop) -> None:
    page = boss.get(PAGE).content.decode()

    assert "linked listings would fail" in page
    assert "The label lacks the" in page
    assert "TAWA-28" in page


def test_it_narrows_to_an_account_a_reason_and_a_sku(boss: Client, shop: Shop) -> None:
    everything = boss.get(PAGE, {"all": "1"}).context
    narrowed = boss.get(PAGE, {"account": str(shop.flipkart.pk), "q": "TAWA", "reason": "missing"}).context

    assert narrowed["judged"] < everything["judged"]
    assert {row.listing.account for row in narrowed["rows"]} == {shop.flipkart}
    assert all("missing" in row.report.reasons for row in narrowed["rows"])
    assert boss.get(PAGE, {"reason": "no_such_reason"}).context["rows"] == []
    assert boss.get(PAGE, {"account": "x"}).status_code == 200


def test_the_file_has_a_line_for_each_reason_and_no_formula(boss: Client, shop: Shop) -> None:
    Listing.objects.filter(sku__code="TAWA-28").update(seller_sku="=HYPERLINK(1)")

    text = b"".join(boss.get(FILE).streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(StringIO(text)))

    assert {"account", "SKU", "reason", "field", "what is wrong"} <= set(rows[0])
    assert {row["seller SKU"] for row in rows if row["SKU"] == "TAWA-28"} == {"'=HYPERLINK(1)"}
    assert any(row["reason"] == "missing" for row in rows)


def test_who_may_not_see_compliance_gets_no_report(shop: Shop) -> None:
    client = Client()
    client.force_login(
        User.objects.create_user("reader", is_staff=True), backend="django.contrib.auth.backends.ModelBackend"
    )

    assert client.get(PAGE).status_code == 403
    assert client.get(FILE).status_code == 403


def test_the_menu_leads_there(boss: Client, shop: Shop) -> None:
    assert PAGE in boss.get("/admin/").content.decode()
    assert boss.get(reverse("admin:skumap_skuprofile_open_report"))["Location"] == PAGE
    assert Sku.objects.exists()
