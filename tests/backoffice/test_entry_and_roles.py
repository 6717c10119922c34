"""Who gets in, and what they may do there."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from inventory_sync.backoffice.entry import login_link
from inventory_sync.backoffice.roles import ROLES, create_roles
from tests.backoffice.shop import PASSWORD, Shop, staff

pytestmark = pytest.mark.django_db


def path_of(link: str) -> str:
    return link[link.index("/admin/") :]


# --- one-time login addresses ------------------------------------------------------------------------------------------------------


def test_a_login_address_logs_in_once(client: Client) -> None:
    staff("asha")
    out = StringIO()
    call_command("login_link", user="asha", minutes=5, stdout=out)
    path = path_of(out.getvalue().strip())

    first = client.get(path)
    assert first.status_code == 302
    assert first["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200

    second = Client()
    again = second.get(path)
    assert again["Location"].startswith("/admin/login/")
    assert second.get("/admin/").status_code == 302


def test_a_login_address_ends(client: Client) -> None:
    staff("asha")
    old = login_link(username="asha", minutes=5, now=timezone.now() - timedelta(minutes=6))

    assert client.get(path_of(old))["Location"].startswith("/admin/login/")


def test_a_forged_login_address_is_refused(client: Client) -> None:
    staff("asha")
    path = path_of(login_link(username="asha", minutes=5))

    assert client.get(path[:-3] + "xx/")["Location"].startswith("/admin/login/")


def test_a_new_password_ends_open_login_addresses(client: Client) -> None:
    user = staff("asha")
    path = path_of(login_link(username="asha", minutes=5))
    user.set_password("another-long-password")
    user.save()

    assert client.get(path)["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("name", ["nobody", "customer", "former"])
def test_only_active_staff_get_a_login_address(name: str) -> None:
    User.objects.create_user("customer", password=PASSWORD)
    User.objects.create_user("former", password=PASSWORD, is_staff=True, is_active=False)

    with pytest.raises(CommandError, match="no active staff user"):
        call_command("login_link", user=name)


def test_a_login_address_lives_a_day_at_most() -> None:
    staff("asha")

    with pytest.raises(CommandError, match="minutes must be"):
        call_command("login_link", user="asha", minutes=100_000)


def test_the_login_page_leads_home(client: Client) -> None:
    staff("asha")

    page = client.get("/admin/login/", follow=True)
    answer = client.post(page.redirect_chain[-1][0], {"username": "asha", "password": PASSWORD})

    assert answer["Location"] == "/admin/"


# --- roles -------------------------------------------------------------------------------------------------------------------------


def as_role(role: str) -> Client:
    client = Client()
    client.force_login(
        staff(f"somebody in {role}"[:30], role=role), backend="django.contrib.auth.backends.ModelBackend"
    )
    return client


def test_the_roles_exist_after_migrating() -> None:
    assert set(Group.objects.values_list("name", flat=True)) >= set(ROLES)


def test_a_role_that_somebody_changed_stays_changed() -> None:
    group = Group.objects.get(name="Warehouse staff")
    group.permissions.clear()

    assert create_roles() == []
    assert group.permissions.count() == 0

    call_command("create_roles", "--reset", stdout=StringIO())
    assert group.permissions.filter(codename="add_stockmovement").exists()


def test_warehouse_staff_book_goods_in_but_do_not_go_live(shop: Shop) -> None:
    client = as_role("Warehouse staff")

    assert client.get("/admin/stock/stockbalance/goods-in/").status_code == 200
    assert client.get(f"/admin/skumap/listing/{shop.new_listing.pk}/link/").status_code == 200
    assert client.post(f"/admin/skumap/channelaccount/{shop.shopify.pk}/go-live/").status_code == 403
    assert client.get("/admin/engine/saleevent/start-now/").status_code == 403
    assert client.get("/admin/auth/user/").status_code == 403
    shop.shopify.refresh_from_db()
    assert shop.shopify.mode == "shadow"


def test_a_manager_goes_live_but_sees_no_staff(shop: Shop) -> None:
    client = as_role("Operations manager")

    assert client.get(f"/admin/skumap/channelaccount/{shop.shopify.pk}/go-live/").status_code == 200
    assert client.get("/admin/engine/saleevent/start-now/").status_code == 200
    assert client.get("/admin/auth/user/").status_code == 403
    assert client.get("/admin/api/apitoken/").status_code == 403


def test_finance_reads_and_changes_nothing(shop: Shop) -> None:
    client = as_role("Finance (read only)")

    assert client.get("/admin/orders/order/").status_code == 200
    assert client.get("/admin/stock/stockmovement/").status_code == 200
    assert client.post("/admin/stock/stockbalance/goods-in/", {}).status_code == 403
    assert client.post(f"/admin/stock/transferproposal/{shop.proposal.pk}/carry-out/").status_code == 403
    assert client.get("/admin/engine/webhookdelivery/").status_code == 403


def test_the_menu_shows_what_the_user_may_open(shop: Shop) -> None:
    finance = as_role("Finance (read only)").get("/admin/").content.decode()
    boss = Client()
    boss.force_login(shop.boss, backend="django.contrib.auth.backends.ModelBackend")

    assert "/admin/orders/order/" in finance
    assert 'href="/admin/api/apitoken/"' not in finance
    assert 'href="/admin/api/apitoken/"' in boss.get("/admin/").content.decode()


def test_whoever_may_only_look_sees_no_buttons(shop: Shop) -> None:
    finance = as_role("Finance (read only)").get("/admin/stock/stockbalance/").content.decode()

    assert "goods-in" not in finance
