"""Every list and every page answers, with data, in a number of queries that does not grow with the rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory_sync.api.models import ApiToken, IdempotencyRecord
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.catalogue import ensure_states
from inventory_sync.engine.inbound import take_in_orders
from inventory_sync.engine.models import (
    CallCount,
    ColumnMapping,
    ImportRun,
    OrderPace,
    PushAttempt,
    ShadowRecord,
    WebhookDelivery,
)
from inventory_sync.stock.services import Change, receive
from skumap.models import AccountToken, Listing, Sku
from skumap.services import link_listing
from tests.backoffice.shop import Shop, order

MOST_FOR_A_LIST = 20
MOST_FOR_A_PAGE = 40
WRITTEN_BY_HAND = {"SKU", "warehouse", "seller account", "stock rule", "sale event"}


def every_model() -> Iterator[tuple[str, type[Model]]]:
    for model in sorted(admin.site._registry, key=lambda model: model._meta.label):
        yield f"{model._meta.app_label}_{model._meta.model_name}", model


def test_every_list_answers_in_few_queries(boss: Client) -> None:
    for name, _ in every_model():
        with CaptureQueriesContext(connection) as queries:
            response = boss.get(reverse(f"admin:{name}_changelist"))

        assert response.status_code == 200, name
        assert len(queries) <= MOST_FOR_A_LIST, name


def test_every_search_answers(boss: Client) -> None:
    for name, _ in every_model():
        assert boss.get(reverse(f"admin:{name}_changelist"), {"q": "TAWA"}).status_code == 200, name


def _measure(shop: Shop) -> None:
    """A row of each table that the engine fills while it works."""
    now, account = shop.now, shop.flipkart
    OrderPace.objects.create(account=account, surge=3.0, usual_at=now, surge_at=now)
    CallCount.objects.create(account=account, operation="orders", share="poll", minute=now, calls=3)
    AccountToken.objects.create(account=account, data={"access_token": "SECRET-TOKEN"}, expires_at=now)
    ImportRun.objects.create(file_name="skus.csv", state="failed", message="The file is empty.", created_at=now)
    ColumnMapping.objects.create(format="skus", headings_hash="0" * 64, columns={"code": "Art. No"}, updated_at=now)
    token = ApiToken.objects.create(name="till", digest="d" * 64)
    IdempotencyRecord.objects.create(token=token, key="bill-1", fingerprint="f" * 64, status=201, answer={})


def test_a_token_is_shown_nowhere(boss: Client, shop: Shop) -> None:
    _measure(shop)
    row = AccountToken.objects.get()

    pages = (
        reverse("admin:skumap_accounttoken_changelist"),
        reverse("admin:skumap_accounttoken_change", args=[row.pk]),
    )

    for page in pages:
        assert "SECRET-TOKEN" not in boss.get(page).content.decode()


def test_every_object_has_a_page_in_few_queries(boss: Client, shop: Shop) -> None:
    _measure(shop)
    seen = 0
    for name, model in every_model():
        row = model._default_manager.order_by("-pk").first()
        if row is None:
            continue
        with CaptureQueriesContext(connection) as queries:
            response = boss.get(reverse(f"admin:{name}_change", args=[row.pk]))

        assert response.status_code == 200, name
        assert len(queries) <= MOST_FOR_A_PAGE, name
        seen += 1
    assert seen >= 20


def test_what_staff_may_add_has_a_form(boss: Client) -> None:
    forms = {
        model._meta.verbose_name
        for name, model in every_model()
        if boss.get(reverse(f"admin:{name}_add")).status_code == 200
    }

    assert forms >= WRITTEN_BY_HAND
    assert not forms & {"stock", "stock movement", "order", "quantity", "incoming message", "sent quantity"}


def test_lists_take_no_more_queries_when_there_are_more_rows(boss: Client, shop: Shop) -> None:
    names = [name for name, _ in every_model() if not name.startswith(("auth_", "django_celery_beat_"))]
    before = {name: _queries(boss, name) for name in names}

    _grow(shop)

    assert {name: _queries(boss, name) for name in names} == before


def _queries(boss: Client, name: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        boss.get(reverse(f"admin:{name}_changelist"))
    return len(queries)


def _grow(shop: Shop) -> None:
    """More of what there is much of."""
    now = shop.now
    state = shop.state(shop.flipkart, "TAWA-28")
    for number in range(8):
        sku = Sku.objects.create(code=f"MORE-{number}")
        receive(
            Change(key=f"more:{number}", sku_id=sku.pk, warehouse_id=shop.second.pk, at=now, actor_id=shop.boss.pk),
            units=3,
        )
        row = Listing.objects.create(account=shop.flipkart, key=sku.code, fulfilment="NON_FBF")
        link_listing(listing_id=row.pk, sku=sku, now=now, actor=shop.boss)
        PushAttempt.objects.create(account=shop.flipkart, state=state, value=1, result="accepted", sent_at=now)
        ShadowRecord.objects.create(state=state, value=1, created_at=now)
        WebhookDelivery.objects.create(account=shop.flipkart, key=f"more{number}", body=b"{}", received_at=now)
    ensure_states(context=context_of(shop.flipkart.pk))
    orders = [order(f"9{number}", (f"MORE-{number}", 1), now=now + timedelta(seconds=1)) for number in range(8)]
    take_in_orders(context=context_of(shop.flipkart.pk), snapshots=orders, now=now)


def test_filters_and_links_of_the_engine_answer(boss: Client, shop: Shop) -> None:
    """Addresses that alerts and the home page lead to."""
    for path in (
        f"/admin/engine/listingstate/?account__id__exact={shop.flipkart.pk}&stale=yes",
        f"/admin/stock/stockbalance/?sku__id__exact={shop.skus['TAWA-28'].pk}",
        "/admin/stock/stockbalance/?stock=short",
        "/admin/orders/order/?waiting=yes",
        "/admin/skumap/listing/?todo=link",
        "/admin/skumap/listing/?todo=warning",
        "/admin/skumap/listing/?todo=gone",
        "/admin/skumap/sku/?kind=combo",
        "/admin/skumap/sku/?kind=unlisted",
        "/admin/engine/webhookdelivery/?status__exact=failed",
        "/admin/engine/listingstate/?trouble=mismatch",
        "/admin/engine/listingstate/?trouble=blocked",
        "/admin/engine/saleevent/?state=planned",
        "/admin/alerts/alert/?state=open",
        "/admin/stock/stockmovement/?kind=receive",
    ):
        response = boss.get(path)
        assert response.status_code == 200, path
        assert "e=1" not in response.request["QUERY_STRING"], path


def test_the_oversold_are_found(boss: Client, shop: Shop) -> None:
    rows = boss.get("/admin/stock/stockbalance/?stock=short").context["cl"].result_list

    assert [row.sku.code for row in rows] == ["LAMP-BRASS"]


def test_a_warning_that_was_accepted_is_not_to_do(boss: Client, shop: Shop) -> None:
    Listing.objects.filter(account=shop.shopify, key="TAWA-28").update(
        hazards=["untracked", "continues_selling"], accepted_hazards=["continues_selling"]
    )
    Listing.objects.filter(account=shop.shopify, key="BOTTLE-1L").update(
        hazards=["untracked"], accepted_hazards=["untracked"]
    )

    rows = boss.get("/admin/skumap/listing/?todo=warning").context["cl"].result_list

    assert {row.key for row in rows} == {"TAWA-28", "TAWA-28-OLD"}


def test_every_page_forbids_inline_scripts(boss: Client) -> None:
    for path in ("/admin/", "/admin/login/?next=/admin/", "/admin/skumap/listing/"):
        policy = boss.get(path)["Content-Security-Policy"]

        scripts = next(part for part in policy.split(";") if part.strip().startswith("script-src"))
        assert "'unsafe-inline'" not in scripts
