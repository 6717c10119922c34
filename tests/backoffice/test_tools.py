"""What staff do: each button calls one service, once, however often it is pressed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from inventory_sync.alerts.models import Alert
from inventory_sync.api.models import ApiToken, digest
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.models import ListingState, SaleEvent, StockRule, SyncCursor, WebhookDelivery
from inventory_sync.orders.models import Order, OrderLine
from inventory_sync.orders.settle import settle_lines
from inventory_sync.stock.models import (
    CorrectionProposal,
    LocationLink,
    StockBalance,
    StockMovement,
    TransferProposal,
    Withdrawal,
)
from skumap.models import KitComponent, Listing, ListingLink, Sku
from tests.backoffice.shop import Shop

pytestmark = pytest.mark.django_db

Commit = Callable[..., Any]


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def use(boss: Client, tool: str, shop: Shop, **values: Any) -> Any:
    facts = {
        "key": str(uuid.uuid4()),
        "sku": shop.skus["TAWA-28"].pk,
        "warehouse": shop.main.pk,
        "reason": "",
        **values,
    }
    return boss.post(reverse(f"admin:stock_stockbalance_{tool}"), facts)


def tawa(shop: Shop, warehouse: str = "BLR1") -> int:
    return StockBalance.objects.get(sku=shop.skus["TAWA-28"], warehouse__code=warehouse).on_hand


# --- stock -----------------------------------------------------------------------------------------------------------------------


def test_a_double_click_books_goods_in_once(boss: Client, shop: Shop) -> None:
    key = str(uuid.uuid4())

    first = use(boss, "goods_in", shop, key=key, units=5, reason="GRN 77")
    second = use(boss, "goods_in", shop, key=key, units=5, reason="GRN 77")

    assert tawa(shop) == 12
    assert "saved" in said(first)
    assert "Nothing changed" in said(second)
    movement = StockMovement.objects.latest("id")
    assert (movement.actor, movement.reason, movement.kind) == (shop.boss, "GRN 77", "receive")


def test_goods_in_change_what_listings_should_show(boss: Client, shop: Shop) -> None:
    before = shop.state(shop.flipkart, "TAWA-28").desired_quantity

    use(boss, "goods_in", shop, units=500)

    after = shop.state(shop.flipkart, "TAWA-28")
    assert after.desired_quantity > before
    assert after.stale_since is not None


def test_a_form_that_was_sent_with_other_numbers_says_so(boss: Client, shop: Shop) -> None:
    key = str(uuid.uuid4())
    use(boss, "goods_in", shop, key=key, units=5)

    response = use(boss, "goods_in", shop, key=key, units=50)

    assert "This form was saved before with other numbers" in response.content.decode()
    assert tawa(shop) == 12


def test_a_count_sets_the_stock(boss: Client, shop: Shop) -> None:
    use(boss, "cycle_count", shop, counted=4)

    assert tawa(shop) == 4
    assert StockMovement.objects.latest("id").on_hand_delta == -3


@pytest.mark.parametrize(
    ("tool", "values", "problem"),
    [
        ("goods_in", {"units": 0}, "greater than or equal to 1"),
        ("goods_in", {"units": "many"}, "Enter a whole number"),
        ("correction", {"units": 0, "reason": "?"}, "A correction of 0 units corrects nothing"),
        ("correction", {"units": -1}, "This field is required"),
        ("transfer", {"units": 999, "to": "DEL1"}, "Only 7 stand in that warehouse"),
        ("transfer", {"units": 1, "to": "BLR1"}, "Source and target are the same warehouse"),
    ],
)
def test_what_can_not_be_done_is_said_and_nothing_moves(
    boss: Client, shop: Shop, tool: str, values: dict[str, Any], problem: str
) -> None:
    if "to" in values:
        values = {**values, "to_warehouse": {"DEL1": shop.second.pk, "BLR1": shop.main.pk}[values["to"]]}

    response = use(boss, tool, shop, **values)

    assert response.status_code == 200
    assert problem in response.content.decode()
    assert tawa(shop) == 7


def test_a_transfer_moves_and_bad_stock_leaves(boss: Client, shop: Shop) -> None:
    use(boss, "transfer", shop, to_warehouse=shop.second.pk, units=2)
    use(boss, "to_qc", shop, units=1)
    use(boss, "bad_stock", shop, units=1, reason="broken")

    assert (tawa(shop), tawa(shop, "DEL1"), tawa(shop, "QC"), tawa(shop, "BAD")) == (3, 2, 1, 1)


def tawa_sellable(shop: Shop) -> int:
    return StockBalance.objects.get(sku=shop.skus["TAWA-28"], warehouse__code="BLR1").available


def offer(shop: Shop, units: int) -> None:
    """A listing of the pan, which must never be oversold, offers so many."""
    StockRule.objects.create(sku=shop.skus["TAWA-28"], mode="strict")
    state = ListingState.objects.get(account=shop.flipkart, listing__sku=shop.skus["TAWA-28"])
    ListingState.objects.filter(listing__sku=shop.skus["TAWA-28"]).update(shown=0, unseen=0)
    ListingState.objects.filter(pk=state.pk).update(shown=units)


def test_an_offline_sale_takes_what_is_free(boss: Client, shop: Shop) -> None:
    offer(shop, 2)

    use(boss, "offline_sale", shop, units=2, reason="Bill 17")

    assert tawa(shop) == 5
    assert StockMovement.objects.latest("id").kind == "sale"


def test_what_listings_offer_is_not_sold_offline_unless_somebody_decides_how(boss: Client, shop: Shop) -> None:
    offer(shop, 6)

    response = use(boss, "offline_sale", shop, units=3)

    assert response.status_code == 200
    assert f"Only {tawa_sellable(shop) - 6} of 3 are free" in response.content.decode()
    assert tawa(shop) == 7


def test_an_offline_sale_may_be_set_aside_and_put_back(boss: Client, shop: Shop) -> None:
    offer(shop, 6)
    response = use(boss, "offline_sale", shop, units=3, when_short="wait")
    waiting = Withdrawal.objects.get()
    assert response["Location"].endswith("/admin/stock/withdrawal/?status__exact=waiting")
    assert "TAWA-28" in boss.get(response["Location"]).content.decode()
    address = reverse("admin:stock_withdrawal_put_back", args=[waiting.pk])
    assert "Put back on offer" in boss.get(address).content.decode()

    boss.post(address)
    boss.post(address)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.asked_by, tawa(shop)) == ("cancelled", shop.boss, 7)


def test_an_offline_sale_may_be_forced(boss: Client, shop: Shop) -> None:
    offer(shop, 6)

    use(boss, "offline_sale", shop, units=3, when_short="force")

    assert tawa(shop) == 4
    assert Alert.objects.filter(kind="taken_by_force", resolved_at=None).exists()


def test_inspected_goods_go_back_on_sale(boss: Client, shop: Shop) -> None:
    use(boss, "to_qc", shop, units=3)
    qc = StockBalance.objects.get(sku=shop.skus["TAWA-28"], warehouse__code="QC").warehouse

    use(boss, "back_on_sale", shop, warehouse=qc.pk, to_warehouse=shop.main.pk, units=2)

    assert (tawa(shop), tawa(shop, "QC")) == (6, 1)


def test_a_combo_has_no_stock_of_its_own(boss: Client, shop: Shop) -> None:
    response = use(boss, "goods_in", shop, sku=shop.skus["DIWALI-SET"].pk, units=1)

    assert response.status_code == 200
    assert not StockBalance.objects.filter(sku=shop.skus["DIWALI-SET"]).exists()


def test_a_transfer_proposal_is_carried_out_once(boss: Client, shop: Shop) -> None:
    address = reverse("admin:stock_transferproposal_carry_out", args=[shop.proposal.pk])

    boss.post(address)
    boss.post(address)

    shop.proposal.refresh_from_db()
    assert (shop.proposal.status, shop.proposal.decided_by) == ("done", shop.boss)
    assert StockBalance.objects.get(sku=shop.skus["BOTTLE-1L"], warehouse=shop.second).on_hand == 12


def test_a_transfer_that_has_no_stock_any_more_stays_open(boss: Client, shop: Shop) -> None:
    TransferProposal.objects.filter(pk=shop.proposal.pk).update(units=9_999)

    response = boss.post(reverse("admin:stock_transferproposal_carry_out", args=[shop.proposal.pk]))

    shop.proposal.refresh_from_db()
    assert shop.proposal.status == "open"
    assert "stand in that warehouse" in said(response)


def test_several_proposals_are_dismissed_together(boss: Client, shop: Shop) -> None:
    boss.post(
        reverse("admin:stock_transferproposal_changelist"),
        {"action": "dismiss_selected", "_selected_action": [shop.proposal.pk]},
    )

    shop.proposal.refresh_from_db()
    assert shop.proposal.status == "dismissed"


def test_history_can_not_be_edited(boss: Client, shop: Shop) -> None:
    movement = StockMovement.objects.latest("id")

    assert (
        boss.post(reverse("admin:stock_stockmovement_change", args=[movement.pk]), {"reason": "x"}).status_code == 403
    )
    assert (
        boss.post(reverse("admin:stock_stockmovement_delete", args=[movement.pk]), {"post": "yes"}).status_code == 403
    )


# --- listings --------------------------------------------------------------------------------------------------------------------


def test_linking_a_listing_applies_the_orders_that_waited(boss: Client, shop: Shop) -> None:
    listing = Listing.objects.create(
        account=shop.flipkart, key="NOBODY-KNOWS", seller_sku="NOBODY-KNOWS", fulfilment="NON_FBF"
    )
    sku = shop.skus["TAWA-28"]

    page = boss.get(reverse("admin:skumap_listing_link_to_sku", args=[listing.pk])).content.decode()
    response = boss.post(
        reverse("admin:skumap_listing_link_to_sku", args=[listing.pk]),
        {"sku": sku.pk, "units_per_sale": 2, "reason": "seen it"},
    )

    assert "1 order line waiting" in page
    assert "linked to TAWA-28" in said(response)
    assert not OrderLine.objects.filter(waiting=True).exists()
    assert StockBalance.objects.get(sku=sku, warehouse=shop.main).committed == 4
    link = ListingLink.objects.get(listing=listing)
    assert (link.actor, link.reason, link.units_per_sale) == (shop.boss, "seen it", 2)


def test_the_sku_of_the_same_code_is_proposed(boss: Client, shop: Shop) -> None:
    listing = Listing.objects.create(account=shop.flipkart, key="x1", seller_sku="tawa-28", fulfilment="NON_FBF")

    page = boss.get(reverse("admin:skumap_listing_link_to_sku", args=[listing.pk])).content.decode()

    assert f'<option value="{shop.skus["TAWA-28"].pk}" selected' in page


def linked_line(shop: Shop, *, shipped: int) -> OrderLine:
    """An order of the pan's Flipkart listing that was blocked (or sent) in Bengaluru."""
    listing = Listing.objects.get(account=shop.flipkart, sku=shop.skus["TAWA-28"])
    order = Order.objects.create(
        account=shop.flipkart, key=f"relink-{shipped}", order_number="1", first_seen_at=shop.now, placed_at=shop.now
    )
    line = OrderLine.objects.create(
        order=order,
        account=shop.flipkart,
        line_key=f"relink-{shipped}",
        listing_key=listing.key,
        listing=listing,
        ordered=1,
        waiting=True,
    )
    settle(shop, order)
    if shipped:
        line.refresh_from_db()
        line.shipped = shipped
        line.save()
        settle(shop, order)
    return line


def settle(shop: Shop, order: Order) -> None:
    lines = list(OrderLine.objects.filter(order=order))
    settle_lines(rules=AccountContext(shop.flipkart).rules, order=order, lines=lines, now=shop.now)


def test_a_wrong_link_is_put_right_since_a_moment_and_what_it_did_is_said_first(boss: Client, shop: Shop) -> None:
    line = linked_line(shop, shipped=0)
    listing = line.listing
    assert listing is not None
    ListingLink.objects.filter(listing=listing).update(valid_from=None)
    address = reverse("admin:skumap_listing_link_to_sku", args=[listing.pk])
    assert "order line" in boss.get(address).content.decode()
    facts = {"sku": shop.skus["BOTTLE-1L"].pk, "units_per_sale": 1, "begins": "since"}

    refused = boss.post(address, facts)
    assert "Since when was it wrong?" in refused.content.decode()
    long_ago = timezone.localtime(shop.now - timezone.timedelta(days=2))
    boss.post(address, {**facts, "since_0": f"{long_ago:%Y-%m-%d}", "since_1": f"{long_ago:%H:%M:%S}"})

    line.refresh_from_db()
    assert line.sku == shop.skus["BOTTLE-1L"]
    assert ListingLink.objects.filter(listing=listing).count() == 2


def test_a_proposed_correction_is_posted_once_or_dismissed(boss: Client, shop: Shop) -> None:
    facts = {
        "sku": shop.skus["TAWA-28"],
        "warehouse": shop.main,
        "reason": "was linked wrongly",
        "created_at": shop.now,
    }
    posted = CorrectionProposal.objects.create(key="a", units=-2, **facts)
    dismissed = CorrectionProposal.objects.create(key="b", units=5, **facts)

    for _ in range(2):
        boss.post(reverse("admin:stock_correctionproposal_post", args=[posted.pk]))
    boss.post(reverse("admin:stock_correctionproposal_dismiss", args=[dismissed.pk]))
    boss.post(reverse("admin:stock_correctionproposal_post", args=[dismissed.pk]))

    assert tawa(shop) == 5
    assert dict(CorrectionProposal.objects.values_list("key", "status")) == {"a": "done", "b": "dismissed"}


def test_an_ignored_listing_is_none_of_ours(boss: Client, shop: Shop) -> None:
    boss.post(reverse("admin:skumap_listing_ignore", args=[shop.new_listing.pk]))

    shop.new_listing.refresh_from_db()
    assert (shop.new_listing.status, shop.new_listing.other_goods) == ("ignored", False)


def test_an_ignored_listing_may_be_said_to_sell_other_goods(boss: Client, shop: Shop) -> None:
    address = reverse("admin:skumap_listing_ignore", args=[shop.new_listing.pk])
    assert "It sells other goods than ours" in boss.get(address).content.decode()

    boss.post(address, {"other_goods": "on"})

    shop.new_listing.refresh_from_db()
    assert (shop.new_listing.status, shop.new_listing.other_goods) == ("ignored", True)


def test_a_warning_is_accepted_by_name(boss: Client, shop: Shop) -> None:
    listing = Listing.objects.get(account=shop.shopify, key="TAWA-28-OLD")
    address = reverse("admin:skumap_listing_accept_warning", args=[listing.pk])

    assert "goes on selling when it is out of stock" in boss.get(address).content.decode()
    boss.post(address, {"hazard": "continues_selling"})

    listing.refresh_from_db()
    assert listing.open_hazards == []
    assert "no open warning" in said(boss.get(address))


def test_a_warning_that_the_listing_does_not_have_is_not_accepted(boss: Client, shop: Shop) -> None:
    listing = Listing.objects.get(account=shop.shopify, key="TAWA-28-OLD")

    response = boss.post(reverse("admin:skumap_listing_accept_warning", args=[listing.pk]), {"hazard": "untracked"})

    assert response.status_code == 200
    listing.refresh_from_db()
    assert listing.accepted_hazards == []


def test_a_combo_within_a_combo_is_refused_in_words(boss: Client, shop: Shop) -> None:
    sku = Sku.objects.create(code="GIFT")
    data = {
        "code": "GIFT", "title": "", "brand": "", "barcode": "", "hsn": "", "mrp": "", "attributes": "{}",
        "components-TOTAL_FORMS": 1, "components-INITIAL_FORMS": 0, "components-MIN_NUM_FORMS": 0, "components-MAX_NUM_FORMS": 1000,
        "components-0-component": shop.skus["DIWALI-SET"].pk, "components-0-units": 1, "components-0-kit": sku.pk, "components-0-id": "",
    }  # fmt: skip

    response = boss.post(reverse("admin:skumap_sku_change", args=[sku.pk]), data)

    assert "contain another combo" in response.content.decode()
    assert not KitComponent.objects.filter(kit=sku).exists()


def test_linking_a_location_to_a_warehouse_makes_its_rows(
    boss: Client, shop: Shop, django_capture_on_commit_callbacks: Commit
) -> None:
    location = shop.shopify.locations.get()
    LocationLink.objects.all().delete()
    ListingState.objects.filter(account=shop.shopify).delete()
    data = {
        "managed": "on", "warehouse_links-TOTAL_FORMS": 1, "warehouse_links-INITIAL_FORMS": 0, "warehouse_links-MIN_NUM_FORMS": 0,
        "warehouse_links-MAX_NUM_FORMS": 1000, "warehouse_links-0-warehouse": shop.main.pk, "warehouse_links-0-rank": 0,
        "warehouse_links-0-location": location.pk, "warehouse_links-0-id": "",
    }  # fmt: skip

    with django_capture_on_commit_callbacks(execute=True):
        response = boss.post(reverse("admin:skumap_channellocation_change", args=[location.pk]), data)

    assert response.status_code == 302
    assert ListingState.objects.filter(account=shop.shopify).count() == 6


# --- rules and events --------------------------------------------------------------------------------------------------------------


def test_a_new_rule_for_a_sku_is_followed_at_once(
    boss: Client, shop: Shop, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = boss.post(
            reverse("admin:engine_stockrule_add"),
            {"sku": shop.skus["KURTA-RED-M"].pk, "account": "", "mode": "strict", "cover_hours": 4},
        )

    assert response.status_code == 302
    assert shop.state(shop.flipkart, "KURTA-RED-M").inputs["mode"] == "strict"


def test_a_general_rule_lets_everything_be_worked_out_anew(boss: Client, shop: Shop) -> None:
    rule = StockRule.objects.get(sku=None, account=None)

    boss.post(
        reverse("admin:engine_stockrule_change", args=[rule.pk]),
        {"sku": "", "account": "", "mode": "strict", "cover_hours": 4},
    )

    assert not ListingState.objects.filter(decided_at__isnull=False).exists()


def test_a_sale_event_starts_and_stops_by_hand(boss: Client, shop: Shop) -> None:
    boss.post(reverse("admin:engine_saleevent_start_now"), {"name": "Flash", "hours": "2.5", "lift": "6"})
    event = SaleEvent.objects.get(name="Flash")
    assert (event.created_by, event.lift) == (shop.boss, 6.0)
    assert event.ends_at - event.starts_at == timezone.timedelta(hours=2.5)
    assert not SyncCursor.objects.filter(stream="orders", next_due_at__gt=timezone.now()).exists()

    boss.post(reverse("admin:engine_saleevent_stop_now", args=[event.pk]))
    boss.post(reverse("admin:engine_saleevent_stop_now", args=[event.pk]))

    event.refresh_from_db()
    assert event.cancelled_at is not None


def test_a_sale_event_lasts_longer_than_nothing(boss: Client, shop: Shop) -> None:
    response = boss.post(reverse("admin:engine_saleevent_start_now"), {"name": "Flash", "hours": "0", "lift": "6"})

    assert response.status_code == 200
    assert not SaleEvent.objects.filter(name="Flash").exists()


# --- messages, alerts, tokens --------------------------------------------------------------------------------------------------------


def test_a_message_is_replayed_and_its_secrets_stay_hidden(boss: Client, shop: Shop) -> None:
    delivery = WebhookDelivery.objects.filter(account=shop.flipkart).latest("id")
    page = boss.get(reverse("admin:engine_webhookdelivery_change", args=[delivery.pk])).content.decode()

    boss.post(reverse("admin:engine_webhookdelivery_replay", args=[delivery.pk]))

    assert "something-secret" not in page
    assert "shipmentId" in page
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("new", 0)


def test_messages_are_replayed_together(boss: Client, shop: Shop) -> None:
    chosen = list(WebhookDelivery.objects.values_list("pk", flat=True))

    response = boss.post(
        reverse("admin:engine_webhookdelivery_changelist"), {"action": "replay_selected", "_selected_action": chosen}
    )

    assert "4 messages" in said(response)
    assert WebhookDelivery.objects.filter(status="new").count() == 4


def test_a_stream_is_read_now(boss: Client, shop: Shop) -> None:
    cursor = SyncCursor.objects.get(account=shop.flipkart, stream="orders")

    boss.post(reverse("admin:engine_synccursor_changelist"), {"action": "read_now", "_selected_action": [cursor.pk]})

    cursor.refresh_from_db()
    assert cursor.next_due_at <= timezone.now()


def test_acknowledging_says_who_looks_and_does_not_resolve(boss: Client, shop: Shop) -> None:
    alert = Alert.objects.get(kind="oversold")

    boss.post(reverse("admin:alerts_alert_acknowledge", args=[alert.pk]))

    alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.resolved_at) == (shop.boss, None)
    assert "boss is looking" in boss.get(reverse("admin:alerts_alert_changelist")).content.decode()


def test_open_and_pressing_alerts_come_first(boss: Client, shop: Shop) -> None:
    Alert.objects.filter(kind="oversold").update(resolved_at=shop.now)

    rows = boss.get(reverse("admin:alerts_alert_changelist")).context["cl"].result_list

    assert [row.kind for row in rows][-1] == "oversold"
    assert rows[0].severity == "critical"


def test_a_link_of_an_alert_leads_nowhere_else(boss: Client, shop: Shop) -> None:
    Alert.objects.update(link="//elsewhere.example/")

    assert "elsewhere.example" not in boss.get(reverse("admin:alerts_alert_changelist")).content.decode()


def test_a_token_is_shown_once(boss: Client, shop: Shop) -> None:
    response = boss.post(reverse("admin:api_apitoken_issue"), {"name": "price tool", "scopes": ["read", "write"]})

    token = ApiToken.objects.get(name="price tool")
    key = response.context["key"]
    assert token.digest == digest(key)
    assert "no-store" in response["Cache-Control"]
    assert key not in boss.get(reverse("admin:api_apitoken_changelist")).content.decode()
    assert f"…{key[-4:]}" in boss.get(reverse("admin:api_apitoken_changelist")).content.decode()


def test_a_name_is_taken_once(boss: Client, shop: Shop) -> None:
    response = boss.post(reverse("admin:api_apitoken_issue"), {"name": "warehouse scanner", "scopes": ["read"]})

    assert "There is a token of this name already" in response.content.decode()


def test_a_revoked_token_is_no_longer_in_use(boss: Client, shop: Shop) -> None:
    token = ApiToken.objects.get()

    boss.post(reverse("admin:api_apitoken_changelist"), {"action": "revoke_selected", "_selected_action": [token.pk]})

    token.refresh_from_db()
    assert token.revoked_at is not None


def test_every_confirmation_needs_a_post(boss: Client, shop: Shop) -> None:
    for name, pk in (
        ("skumap_channelaccount_go_live", shop.shopify.pk),
        ("skumap_listing_ignore", shop.new_listing.pk),
        ("stock_transferproposal_carry_out", shop.proposal.pk),
        ("engine_webhookdelivery_replay", shop.failed.pk),
    ):
        assert boss.get(reverse(f"admin:{name}", args=[pk])).status_code == 200

    (
        shop.shopify.refresh_from_db(),
        shop.new_listing.refresh_from_db(),
        shop.proposal.refresh_from_db(),
        shop.failed.refresh_from_db(),
    )
    assert (shop.shopify.mode, shop.new_listing.status) == ("shadow", "unmapped")
    assert (shop.proposal.status, shop.failed.status) == ("open", "failed")


def test_a_tool_of_an_object_that_is_gone_is_not_found(boss: Client, shop: Shop) -> None:
    assert boss.get(reverse("admin:engine_webhookdelivery_replay", args=[999_999])).status_code == 404
