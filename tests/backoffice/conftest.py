"""The seller of ``shop.py``, and a Chromium for the pages that staff use."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from tests.backoffice.shop import Shop, open_shop

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-default-apps", "--disable-extensions", "--disable-sync", "--metrics-recording-only", "--no-first-run", "--mute-audio",
]  # fmt: skip
PATIENCE_MS = 10_000


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="module")
def _opened(django_db_setup: None, django_db_blocker: Any) -> Iterator[Shop]:
    """One shop for the tests of a module, in a transaction around theirs: each rolls back to it, the module rolls back to nothing."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield open_shop(timezone.now())
        transaction.set_rollback(True)


@pytest.fixture
def shop(_opened: Shop, db: None) -> Shop:
    return copy.deepcopy(_opened)


@pytest.fixture
def boss(shop: Shop) -> Client:
    """The owner's session."""
    client = Client()
    client.force_login(shop.boss, backend="django.contrib.auth.backends.ModelBackend")
    return client


# --- the browser -----------------------------------------------------------------------------------------------------------------


def find_chromium() -> str | None:
    """``CHROMIUM`` names it; else Debian's, else one that playwright brought along."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None) or _bundled()


def _bundled() -> str | None:
    found = sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"))
    return str(found[-1]) if found else None


@pytest.fixture(scope="session")
def chromium(django_db_setup: None) -> Iterator[Any]:
    """
    One Chromium for the whole run. Without one the browser tests are skipped, or fail if ``REQUIRE_BROWSER`` is set.

    It ends before the database does: its open connections keep the server's open.
    """
    program = find_chromium()
    if program is None:
        message = "no Chromium found: install one, or name it in CHROMIUM"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(f"BROWSER TESTS DID NOT RUN: {message}")
    from playwright.sync_api import sync_playwright

    # Playwright's own loop runs in this thread; Django would take its queries for asynchronous ones.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
            context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-IN")
            context.set_default_timeout(PATIENCE_MS)
            yield context  # one for all tests, so that scripts and fonts are fetched once
            browser.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@dataclass
class Desk:
    """Somebody in front of the back-office. Everything that the browser complains about is kept, and fails the test."""

    page: Any
    shop: Shop
    address: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}{path}")

    def text(self) -> str:
        return str(self.page.inner_text("body"))

    def press(self, name: str) -> None:
        """The one button or link of this name."""
        page = self.page
        page.get_by_role("button", name=name, exact=True).or_(
            page.get_by_role("link", name=name, exact=True)
        ).first.click()
        page.wait_for_load_state()

    def tool(self, name: str) -> None:
        """A button in the bar above the page (its icon is a word to the browser, so that its name is not only ours)."""
        self.page.locator("#header-inner li > a", has_text=name).first.click()
        self.page.wait_for_load_state()

    def confirm(self) -> None:
        """The button of a page that asks first."""
        self.page.locator("form[data-once] button[type=submit]").click()
        self.page.wait_for_load_state()

    def choose(self, field_name: str, typed: str) -> None:
        """Type into a search-as-you-type field and take the first hit."""
        self.page.locator(f"#id_{field_name} + .select2 .select2-selection").click()
        self.page.locator(".select2-search__field").last.fill(typed)
        self.page.locator(".select2-results__option", has_text=typed).first.click()


@pytest.fixture
def desk(chromium: Any, transactional_db: None, live_server: Any) -> Iterator[Desk]:
    """The owner at the home page, with a session of their own."""
    shop = open_shop(timezone.now())
    session = Client()
    session.force_login(shop.boss, backend="django.contrib.auth.backends.ModelBackend")
    chromium.clear_cookies()
    chromium.add_cookies([{"name": "sessionid", "value": session.cookies["sessionid"].value, "url": live_server.url}])
    page = chromium.new_page()
    desk = Desk(page=page, shop=shop, address=live_server.url)
    page.on("console", lambda message: _note(desk, message))
    page.on("pageerror", lambda error: desk.complaints.append(f"script error: {error}"))
    desk.open("/admin/")
    yield desk
    page.close()
    assert desk.complaints == []


def _note(desk: Desk, message: Any) -> None:
    if message.type == "error":
        desk.complaints.append(f"{message.text} ({desk.page.url})")
