"""Before there is anything: the home page says how to begin."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from inventory_sync.backoffice.dashboard import snapshot
from tests.backoffice.shop import staff

pytestmark = pytest.mark.django_db


def test_an_empty_shop_is_told_the_first_steps() -> None:
    board = snapshot(timezone.now())

    assert board["accounts"] == []
    assert [step["text"] for step in board["steps"]][:2] == ["Add your warehouse", "Add a seller account"]
    assert not any(step["done"] for step in board["steps"])


def test_the_empty_home_page_leads_to_the_first_account() -> None:
    client = Client()
    client.force_login(staff("asha", superuser=True), backend="django.contrib.auth.backends.ModelBackend")

    page = client.get("/admin/").content.decode()

    assert "No seller account yet" in page
    assert 'href="/admin/skumap/channelaccount/add/"' in page
    assert 'href="/admin/stock/warehouse/add/"' in page
