"""Every task of the staff, done in a browser. A console error (a blocked script, a missing file) fails the test that saw it."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from inventory_sync.backoffice.entry import login_link
from inventory_sync.engine.matching import match_open
from inventory_sync.engine.models import ListingState, SaleEvent, StockRule, WebhookDelivery
from inventory_sync.engine.sale_events import active_events
from inventory_sync.stock.models import StockBalance, StockMovement, Withdrawal
from skumap.models import ChannelAccount, Listing, MatchCandidate, Sku
from tests.backoffice.conftest import Desk
from tests.backoffice.shop import PASSWORD

pytestmark = pytest.mark.browser


def test_log_in_and_see_how_things_are(desk: Desk) -> None:
    desk.page.context.clear_cookies()
    desk.open("/admin/")
    desk.page.fill("#id_username", "boss")
    desk.page.fill("#id_password", PASSWORD)
    desk.page.click("#login-form button[type=submit]")
    desk.page.wait_for_url(f"{desk.address}/admin/")
    assert "Flipkart main" in desk.text()
    assert "Oversold" in desk.text()
    assert "API calls left this hour" in desk.text()

    ChannelAccount.objects.filter(pk=desk.shop.flipkart.pk).update(name="Flipkart renamed")

    desk.page.wait_for_selector("text=Flipkart renamed", timeout=9_000)  # the page fetched itself


def test_link_a_listing(desk: Desk) -> None:
    desk.open(reverse("admin:skumap_listing_change", args=[desk.shop.new_listing.pk]))
    desk.tool("Link to SKU")
    desk.choose("sku", "TAWA-28")
    desk.page.fill("#id_units_per_sale", "2")
    desk.press("Link")

    assert "is linked to TAWA-28" in desk.text()
    listing = Listing.objects.get(pk=desk.shop.new_listing.pk)
    assert (listing.status, listing.units_per_sale) == ("mapped", 2)


def test_goods_in_with_an_impatient_double_click(desk: Desk) -> None:
    desk.open("/admin/stock/stockbalance/")
    desk.tool("Goods in (GRN)")
    desk.choose("sku", "TAWA-28")
    desk.page.select_option("#id_warehouse", label="Bengaluru")
    desk.page.fill("#id_units", "5")
    desk.page.fill("#id_reason", "GRN 1099")
    desk.page.get_by_role("button", name="Book goods in").dblclick()
    desk.page.wait_for_selector("text=TAWA-28 is saved")

    assert StockBalance.objects.get(sku__code="TAWA-28", warehouse__code="BLR1").on_hand == 12


def test_an_offline_sale_of_what_a_listing_offers_is_set_aside_and_put_back(desk: Desk) -> None:
    StockRule.objects.create(sku=desk.shop.skus["TAWA-28"], mode="strict")
    ListingState.objects.filter(listing__sku__code="TAWA-28", account=desk.shop.flipkart).update(shown=7)
    desk.open("/admin/stock/stockbalance/")
    desk.tool("More")
    desk.page.get_by_role("link", name="Offline sale").click()
    desk.choose("sku", "TAWA-28")
    desk.page.select_option("#id_warehouse", label="Bengaluru")
    desk.page.fill("#id_units", "3")
    desk.press("Book the sale")
    assert "listings still offer the others" in desk.text()

    desk.page.select_option("#id_when_short", value="wait")
    desk.press("Book the sale")
    assert "set aside and taken when no listing offers them any more" in desk.text()
    withdrawal = Withdrawal.objects.get()
    desk.open(reverse("admin:stock_withdrawal_change", args=[withdrawal.pk]))
    desk.tool("Put back on offer")
    desk.press("Put back on offer")

    assert "is on offer again" in desk.text()
    withdrawal.refresh_from_db()
    assert withdrawal.status == "cancelled"


def test_cycle_count(desk: Desk) -> None:
    balance = StockBalance.objects.get(sku__code="KURTA-RED-L")
    desk.open(reverse("admin:stock_stockbalance_change", args=[balance.pk]))
    desk.tool("Cycle count")
    desk.page.fill("#id_counted", "15")
    desk.press("Save the count")

    assert "is saved" in desk.text()
    desk.open(f"/admin/stock/stockmovement/?sku__id__exact={balance.sku_id}")
    assert "Cycle count" in desk.text()
    assert "−3" in desk.text()


def test_go_live_after_reading_what_that_means(desk: Desk) -> None:
    desk.open(reverse("admin:skumap_channelaccount_change", args=[desk.shop.shopify.pk]))
    desk.tool("Go live")
    assert "2 listings not linked to a SKU" in desk.text()
    assert ChannelAccount.objects.get(pk=desk.shop.shopify.pk).mode == "shadow"
    desk.confirm()
    desk.page.wait_for_selector("text=Shopify store is live")

    assert ChannelAccount.objects.get(pk=desk.shop.shopify.pk).mode == "live"


def test_start_and_stop_a_sale_event_from_the_home_page(desk: Desk) -> None:
    desk.press("Start a sale event")
    desk.page.fill("#id_name", "Flash sale")
    desk.page.fill("#id_hours", "2")
    desk.confirm()
    desk.page.wait_for_selector("text=Flash sale is on until")
    assert active_events(now=timezone.now()).get().name == "Flash sale"

    desk.open("/admin/")
    desk.page.locator("#sale-event a").click()
    desk.confirm()
    desk.page.wait_for_selector("text=Flash sale is stopped")
    assert SaleEvent.objects.get(name="Flash sale").cancelled_at is not None


def test_replay_an_incoming_message(desk: Desk) -> None:
    desk.open("/admin/")
    desk.page.locator(".isync-tile", has_text="Incoming messages").click()
    desk.page.locator("#result_list a, table a").filter(has_text=":").first.click()
    desk.page.wait_for_url("**/change/**")
    assert "line_items is not a list" in desk.text()
    desk.tool("Replay")
    desk.confirm()
    desk.page.wait_for_selector("text=will be applied again")

    assert WebhookDelivery.objects.get(pk=desk.shop.failed.pk).status == "new"


def test_carry_out_a_transfer(desk: Desk) -> None:
    desk.open(reverse("admin:stock_transferproposal_change", args=[desk.shop.proposal.pk]))
    desk.tool("Carry out")
    assert "12 units move from Bengaluru to Delhi" in desk.text()
    desk.press("Carry out the transfer")

    assert "1 transfer carried out" in desk.text()
    assert StockMovement.objects.filter(kind="transfer", on_hand_delta=12, warehouse=desk.shop.second).exists()


def test_add_an_account_and_see_only_the_end_of_its_secret(desk: Desk) -> None:
    desk.open("/admin/skumap/channelaccount/add/")
    desk.page.select_option("#id_channel", "flipkart")
    desk.page.fill("#id_name", "Second shop")
    desk.press("Save")
    desk.page.wait_for_selector("text=Step 2 of 2")
    desk.page.fill("#id_credential_client_id", "application-4321")
    desk.page.fill("#id_credential_client_secret", "a-long-new-secret-8765")
    desk.press("Save and continue editing")
    desk.page.wait_for_selector("text=…8765")

    assert "a-long-new-secret" not in desk.page.content()
    assert desk.page.input_value("#id_credential_client_secret") == ""
    assert ChannelAccount.objects.get(name="Second shop").credentials["client_secret"] == "a-long-new-secret-8765"


def test_why_this_number(desk: Desk) -> None:
    state = desk.shop.state(desk.shop.flipkart, "KURTA-RED-M")
    desk.open(reverse("admin:skumap_sku_change", args=[desk.shop.skus["KURTA-RED-M"].pk]))
    desk.page.locator("tr", has_text="Flipkart main").get_by_text("Why this number?").click()
    desk.page.wait_for_selector("#steps")

    assert desk.page.inner_text("#should-show") == str(state.desired_quantity)
    assert "37 sellable units" in desk.text()
    assert desk.page.locator("#steps .isync-result").count() == 1


def test_the_pages_fit_a_telephone(desk: Desk) -> None:
    desk.page.set_viewport_size({"width": 390, "height": 800})
    for path in ("/admin/", "/admin/skumap/listing/", "/admin/stock/stockbalance/goods-in/"):
        desk.open(path)
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_login_address_opens_the_home_page(desk: Desk) -> None:
    path = login_link(username="boss", minutes=5)
    desk.page.context.clear_cookies()
    desk.open(path[path.index("/admin/enter/") :])

    assert desk.page.url == f"{desk.address}/admin/"
    assert "Flipkart main" in desk.text()


def test_a_whole_review_with_the_keyboard_alone(desk: Desk) -> None:
    skus, now = desk.shop.skus, timezone.now()
    Listing.objects.filter(status__in=["unmapped", "ambiguous"]).update(status="ignored")
    first, second, third = (
        Listing.objects.create(
            account=desk.shop.flipkart, key=key, title=f"Title of {key}", price=price, fulfilment="NON_FBF"
        )
        for key, price in (("A", 3), ("B", 2), ("C", 1))
    )
    for rank, code in enumerate(("TAWA-28", "BOTTLE-1L"), start=1):
        MatchCandidate.objects.create(listing=first, sku=skus[code], rank=rank, score=90 - rank, created_at=now)
    desk.open("/admin/skumap/listing/")
    desk.tool("Review")

    for key, title in (("2", "Title of B"), ("n", "Title of C")):
        desk.page.keyboard.press(key)
        desk.page.wait_for_selector(f"text={title}")
    desk.page.keyboard.press("i")
    desk.page.wait_for_selector("text=Nothing is left to review")
    desk.page.keyboard.press("u")
    desk.page.wait_for_selector("text=Title of C")
    desk.page.click("#new-code")
    desk.page.keyboard.type("i")  # a key that is typed into a field is no answer
    desk.page.wait_for_timeout(200)

    assert Listing.objects.get(pk=first.pk).sku == skus["BOTTLE-1L"]
    assert Listing.objects.get(pk=second.pk).sku == Sku.objects.get(code="B")
    assert Listing.objects.get(pk=third.pk).status == "ambiguous"


def test_a_whole_style_with_one_key_and_what_is_safe_at_once(desk: Desk) -> None:
    Listing.objects.filter(status__in=["unmapped", "ambiguous"]).update(status="ignored")
    now = timezone.now()
    for size in ("S", "M", "L"):
        Sku.objects.create(code=f"KURTA-{size}", title=f"Rayon Kurta Teal Size {size}", brand="Marudhar")
        Listing.objects.create(
            account=desk.shop.shopify,
            key=f"44{size}",
            product_id="77",
            title=f"Rayon Kurta Teal - {size}",
            attributes={"Size": size, "brand": "Marudhar"},
            fulfilment="SHOPIFY",
        )
    match_open(now=now)
    desk.open("/admin/skumap/listing/review/")
    assert "This style: 3 listings pair one to one" in desk.text()

    desk.page.keyboard.press("a")
    desk.page.wait_for_selector("text=Nothing is left to review")
    assert {row.sku.code for row in Listing.objects.filter(product_id="77") if row.sku} == {
        "KURTA-S", "KURTA-M", "KURTA-L",
    }  # fmt: skip

    desk.page.keyboard.press("u")
    desk.page.wait_for_selector("text=wait for review again")
    desk.page.keyboard.press("f")
    desk.page.wait_for_selector("#safe")
    desk.page.click("input[name=candidate] >> nth=0")
    desk.page.click("text=Link the chosen ones")
    desk.page.wait_for_selector("text=2 listings linked")
    assert Listing.objects.filter(product_id="77", sku__isnull=True).count() == 1
