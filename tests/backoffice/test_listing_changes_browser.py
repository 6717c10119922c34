"""Listing changes in a browser: from the SKUs to what Flipkart shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inventory_sync.engine.listing_change import ListingChange
from sandbox.server import SandboxServer
from tests.backoffice.conftest import Desk
from tests.backoffice.market import connect
from tests.engine.offering import declare, send

pytestmark = pytest.mark.browser


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=9, clock_factor=100) as server:
        yield server


def test_from_the_sku_to_a_sent_listing_in_a_browser(desk: Desk, sandbox: SandboxServer) -> None:
    account = connect(desk.shop, sandbox)
    declare(desk.shop.skus["KURTA-RED-L"], mrp="400")
    desk.open("/admin/skumap/sku/")
    for code in ("KURTA-RED-L", "KURTA-RED-M"):
        desk.page.locator("tr", has_text=code).locator("input[type=checkbox]").check()
    desk.page.select_option("select[name=action]", label="Prepare listing changes")
    desk.page.locator("button[name=index], button:has-text('Run')").first.click()
    desk.page.wait_for_selector("#prepare")
    desk.page.select_option("select[name=account]", label="Flipkart main (Flipkart)")
    desk.page.select_option("select[name=what]", label="Update of all fields")
    desk.press("Show the lines")
    for field in desk.page.locator("input[aria-label='Selling price']").all():
        field.fill("455")
    desk.press("Compare with the channel")
    desk.page.wait_for_selector("#approve")

    card = desk.page.locator("[data-change='KURTA-RED-M']")
    price = card.locator("tr", has_text="Selling price").inner_text()
    assert "₹499" in price
    assert "₹455" in price
    assert "above the MRP" in desk.page.locator("[data-change='KURTA-RED-L']").inner_text()
    card.locator("button", has_text="Approve this one").click()
    desk.page.wait_for_selector("text=1 change approved")
    send(account)
    desk.open("/admin/engine/listingchange/")
    desk.page.locator("#result_list a, table a", has_text="KURTA-RED-M").first.click()
    desk.page.wait_for_selector("#listing-change")

    assert desk.page.inner_text("#state") == "Done"
    assert sandbox.flipkart.state.listings["KURTA-RED-M"].selling_price == 455
    assert ListingChange.objects.get(seller_sku="KURTA-RED-L").state == "draft"
