"""The pages of listing changes: prepared, shown field by field, approved by who may, followed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inventory_sync.backoffice.listing_changes import card_of, field_words, value_words
from inventory_sync.backoffice.roles import create_roles
from inventory_sync.engine.listing_change import ListingChange
from sandbox.server import SandboxServer
from skumap.models import ChannelAccount
from tests.backoffice.market import connect
from tests.backoffice.shop import Shop, staff
from tests.engine.offering import FSN, declare, send

pytestmark = pytest.mark.django_db

APPROVE = "/admin/engine/listingchange/approve/"
PREPARE = "/admin/engine/listingchange/prepare/"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=9, clock_factor=100) as server:
        yield server


@pytest.fixture
def flipkart(shop: Shop, sandbox: SandboxServer) -> ChannelAccount:
    return connect(shop, sandbox)


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def lines(page: Any, **changed: Any) -> dict[str, Any]:
    """What the browser would post from the prepare page."""
    forms = page.context["wishes"]
    posted = {f"{forms.prefix}-TOTAL_FORMS": len(forms.forms), f"{forms.prefix}-INITIAL_FORMS": len(forms.forms)}
    for form in forms.forms:
        for field in form:
            value = changed.get(field.name, field.value())
            posted[field.html_name] = "" if value is None else value
    return posted


def ask(boss: Client, account: ChannelAccount, what: str, *skus: Any) -> tuple[str, Any]:
    query = "&".join(f"sku={sku.pk}" for sku in skus)
    address = f"{PREPARE}?{query}&account={account.pk}&what={what}"
    return address, boss.get(address)


def test_a_price_is_prepared_shown_as_a_difference_approved_and_sent(
    boss: Client, shop: Shop, flipkart: ChannelAccount, sandbox: SandboxServer
) -> None:
    sku = shop.skus["KURTA-RED-M"]
    address, page = ask(boss, flipkart, "price", sku)
    shown = boss.post(address, lines(page, price="450"), follow=True)
    change = ListingChange.objects.get()

    text = shown.content.decode()
    assert shown.redirect_chain[-1][0] == f"{APPROVE}?ids={change.pk}"
    assert "₹499" in text
    assert "₹450" in text
    assert (change.state, change.proposed_by) == ("draft", shop.boss)
    boss.post(APPROVE, {"answer": "approve", "change": [change.pk]})
    send(flipkart)

    change.refresh_from_db()
    assert (change.state, change.decided_by) == ("done", shop.boss)
    assert sandbox.flipkart.state.listings["KURTA-RED-M"].selling_price == 450
    assert "seen on the channel" in boss.get(f"/admin/engine/listingchange/{change.pk}/change/").content.decode()


def test_what_can_not_go_is_set_aside_with_its_reasons_and_the_others_can_be_approved(
    boss: Client, shop: Shop, flipkart: ChannelAccount
) -> None:
    declare(shop.skus["KURTA-RED-L"], mrp="100")
    address, page = ask(boss, flipkart, "price", shop.skus["KURTA-RED-M"], shop.skus["KURTA-RED-L"])

    shown = boss.post(address, lines(page, price="450", mrp=""), follow=True)

    assert [card.change.seller_sku for card in shown.context["ready"]] == ["KURTA-RED-M"]
    [aside] = shown.context["aside"]
    [row] = [row for row in aside.rows if row.path == "price.selling_price"]
    assert "above the MRP" in row.notes[0][0]
    boss.post(APPROVE, {"approve_one": ListingChange.objects.get(seller_sku="KURTA-RED-L").pk})
    assert ListingChange.objects.filter(state="approved").count() == 0


def test_a_new_listing_shows_all_its_fields(boss: Client, shop: Shop, flipkart: ChannelAccount) -> None:
    address, page = ask(boss, flipkart, "create", shop.skus["TAWA-28"])
    assert page.context["lines"][0]["form"]["price"].value() == Decimal("499.00")  # the Shopify listing's

    shown = boss.post(address, lines(page, product_id=FSN.lower()), follow=True)

    [card] = shown.context["ready"]
    names = {row.name for row in card.rows}
    assert {
        "FSN",
        "MRP",
        "Selling price",
        "HSN code",
        "Tax code",
        "Manufacturer",
        "Country of origin",
        "Package 1: weight, kg",
    } <= names
    assert card.change.product_id == FSN


def test_only_managers_prepare_and_approve(shop: Shop, flipkart: ChannelAccount, boss: Client) -> None:
    create_roles()
    address, page = ask(boss, flipkart, "price", shop.skus["KURTA-RED-M"])
    boss.post(address, lines(page, price="450"))
    change = ListingChange.objects.get()
    clerk = client_of(staff("clerk", role="Warehouse staff"))
    manager = client_of(staff("manager", role="Operations manager"))

    assert clerk.get(PREPARE).status_code == 403
    assert clerk.get(APPROVE).status_code == 403
    assert clerk.post(APPROVE, {"answer": "approve", "change": [change.pk]}).status_code == 403
    assert "Prepare listing changes" not in clerk.get("/admin/skumap/sku/").content.decode()
    assert manager.get(PREPARE).status_code == 200
    manager.post(APPROVE, {"approve_one": change.pk})
    assert ListingChange.objects.get().state == "approved"


def test_a_rejected_change_keeps_the_reason(boss: Client, shop: Shop, flipkart: ChannelAccount) -> None:
    address, page = ask(boss, flipkart, "price", shop.skus["KURTA-RED-M"])
    boss.post(address, lines(page, price="450"))
    boss.post(APPROVE, {"answer": "reject", "reason": "after the sale", "change": [ListingChange.objects.get().pk]})

    assert (ListingChange.objects.get().state, ListingChange.objects.get().note) == ("refused", "after the sale")
    assert (
        "rejected" in boss.get(f"/admin/engine/listingchange/{ListingChange.objects.get().pk}/change/").content.decode()
    )


def test_the_tools_of_one_change_approve_look_and_prepare_again(
    boss: Client, shop: Shop, flipkart: ChannelAccount
) -> None:
    address, page = ask(boss, flipkart, "price", shop.skus["KURTA-RED-M"])
    boss.post(address, lines(page, price="450"))
    change = ListingChange.objects.get()
    assert (
        "₹499 → ₹450" in boss.get(reverse("admin:engine_listingchange_approve_one", args=[change.pk])).content.decode()
    )
    early = boss.get(reverse("admin:engine_listingchange_look_again", args=[change.pk])).status_code
    boss.post(reverse("admin:engine_listingchange_approve_one", args=[change.pk]))
    send(flipkart)
    later = boss.get(reverse("admin:engine_listingchange_look_again", args=[change.pk]), follow=True).content.decode()
    again = boss.get(reverse("admin:engine_listingchange_prepare_again", args=[change.pk]), follow=True)

    assert early == 403  # it has not been sent: there is nothing to look for
    assert "Seen on the channel" in later
    assert again.context["lines"][0]["sku"] == shop.skus["KURTA-RED-M"]
    assert boss.get(reverse("admin:engine_listingchange_reject_one", args=[change.pk])).status_code == 403


def test_a_channel_that_can_not_be_read_prepares_nothing(
    boss: Client, shop: Shop, flipkart: ChannelAccount, sandbox: SandboxServer
) -> None:
    address, page = ask(boss, flipkart, "price", shop.skus["KURTA-RED-M"])
    flipkart.settings |= {"read_retries": 0}
    flipkart.save()
    sandbox.world.faults.switch_on("flipkart.http_503", operation="listing_details")

    shown = boss.post(address, lines(page, price="450"))

    assert "Nothing was prepared" in shown.content.decode()
    assert not ListingChange.objects.exists()


def test_prices_that_are_none_are_named_at_their_line(boss: Client, shop: Shop, flipkart: ChannelAccount) -> None:
    address, page = ask(boss, flipkart, "price", shop.skus["KURTA-RED-M"])

    shown = boss.post(address, lines(page, price="-3"))

    assert shown.context["wishes"].forms[0].errors.keys() == {"price"}
    assert not ListingChange.objects.exists()


def test_skus_are_chosen_in_lists_on_pages_in_the_report_and_by_code(
    boss: Client, shop: Shop, flipkart: ChannelAccount
) -> None:
    sku = shop.skus["KURTA-RED-M"]
    wanted = f"{PREPARE}?sku={sku.pk}"

    listed = boss.post("/admin/skumap/sku/", {"action": "prepare_selected", "_selected_action": [sku.pk]})
    assert listed["Location"] == wanted
    assert boss.get(reverse("admin:skumap_sku_prepare_one", args=[sku.pk]))["Location"] == wanted
    assert PREPARE in boss.get("/admin/skumap/skuprofile/report/").content.decode()
    typed = boss.get(PREPARE, {"codes": "KURTA-RED-M, NOPE", "account": flipkart.pk, "what": "update"})
    assert [line["sku"] for line in typed.context["lines"]] == [sku]
    assert typed.context["skipped"] == ["There is no SKU NOPE."]
    assert boss.get(PREPARE, {"sku": ["x", "9" * 30], "account": "y", "what": "z"}).status_code == 200


# --- words ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("price.selling_price", "Selling price"),
        ("packages[1].dimensions.length", "Package 2: length, cm"),
        ("address_label.packer_details[0]", "Packer"),
        ("address_label.packer_details[2]", "Packer 3"),
        ("some_new.field", "Some new: field"),
    ],
)
def test_a_field_has_a_name(path: str, text: str) -> None:
    assert field_words(path) == text


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("price.mrp", 1199, "₹1,199"),
        ("purchasable_offer.our_price", 549.5, "₹549.50"),
        ("dating_label.mfg_date", 1793471400, "1 Nov 2026"),
        ("dating_label.shelf_life", 34_560_000, "400 days"),
        ("packages[0].weight", 0.25, "0.25"),
        ("packages[0].dimensions.length", 20.0, "20"),
        ("packages[0].handling.fragile", True, "Yes"),
        ("product_id", None, "—"),
        ("packages", [], "—"),
    ],
)
def test_a_value_has_its_unit(path: str, value: Any, text: str) -> None:
    assert value_words(path, value) == text


def test_a_reason_stands_at_its_field_the_first_inside_it_or_the_one_around_it() -> None:
    change = ListingChange(
        what="create",
        state="failed",
        payload={"price": {"mrp": 1}, "packages": [{"weight": 2}], "tax": {}},
        diff=[{"field": "price.mrp", "before": None, "after": 1}, {"field": "packages[0].weight", "before": None, "after": 2}],
        problems=[{"field": "packages", "message": "inside", "blocks": True}, {"field": "consumer_care", "message": "own", "blocks": True}],
        results=[{"field": "price.mrp.amount", "message": "around", "blocks": False}, {"field": "", "message": "whole", "blocks": True}],
    )  # fmt: skip

    card = card_of(change)

    assert {row.path: row.notes for row in card.rows if row.notes} == {
        "packages[0].weight": [("inside", True)],
        "consumer_care": [("own", True)],
        "price.mrp": [("around", False)],
    }
    assert card.general == [("whole", True)]
