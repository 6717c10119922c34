"""Connecting through the seller's browser: Flipkart third-party, Shopify, and what must not work."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.contrib.auth.models import Permission, User
from django.test import Client

from skumap.models import AccountToken, ChannelAccount

APP = {"client_id": "demo-app-id", "client_secret": "demo-app-secret"}


@pytest.fixture
def staff(db: None) -> Client:
    user = User.objects.create_user("asha", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="change_channelaccount"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def partner(sandbox, settings) -> ChannelAccount:
    """A Flipkart account of a third-party application, and the sandbox it connects to."""
    settings.PUBLIC_URL = "http://testserver"
    callback = "http://testserver/connect/flipkart/callback/"
    app = {**APP, "kind": "third_party", "redirect_uris": [callback]}
    sandbox.flipkart.load({"apps": [app], "locations": [{"id": "LOC1", "name": "Pune"}], "listings": []})
    return ChannelAccount.objects.create(
        channel="flipkart",
        name="Partner",
        api_base=f"{sandbox.url}/flipkart",
        credentials=APP,
        settings={"oauth_grant": "authorization_code"},
    )


def begin(client: Client, account: ChannelAccount) -> str:
    answer = client.get(f"/connect/flipkart/{account.pk}/")
    assert answer.status_code == 302, answer.content
    return answer.headers["Location"]


def allow(address: str) -> str:
    """What the seller's browser does at Flipkart: allow, and follow the redirect back."""
    assert "<form" in requests.get(address, timeout=5).text
    answer = requests.post(address, data={"decision": "allow"}, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def test_a_seller_allows_and_the_account_is_connected(staff, partner):
    address = begin(staff, partner)
    query = parse_qs(urlsplit(address).query)
    assert query["redirect_uri"] == ["http://testserver/connect/flipkart/callback/"]

    answer = staff.get(allow(address))

    assert answer.status_code == 200, answer.content
    assert b"is connected" in answer.content
    partner.refresh_from_db()
    assert partner.health == "ok"
    assert partner.identity == "demo-seller"
    assert AccountToken.objects.get(account=partner).data["refresh"]
    assert partner.cursors.exists()


def test_an_answer_is_taken_once_and_only_by_the_session_that_asked(staff, partner):
    address = allow(begin(staff, partner))
    other = Client()
    other.force_login(User.objects.create_user("ravi", password="x", is_staff=True, is_superuser=True))

    assert other.get(address).status_code == 400
    assert staff.get(address).status_code == 200
    again = staff.get(address)
    assert again.status_code == 400
    assert b"used before" in again.content


@pytest.mark.parametrize("state", ["", "forged", "eyJhIjoxfQ:1abc:xyz"])
def test_a_state_that_was_not_made_here_is_refused_in_words(staff, partner, state):
    begin(staff, partner)
    answer = staff.get("/connect/flipkart/callback/", {"code": "x", "state": state})

    assert answer.status_code == 400
    assert b"does not belong" in answer.content
    assert not AccountToken.objects.exclude(data=None).exists()


def test_a_state_of_another_channel_is_refused(staff, partner):
    state = parse_qs(urlsplit(begin(staff, partner)).query)["state"][0]

    assert staff.get("/connect/shopify/callback/", {"code": "x", "state": state}).status_code == 400


def test_a_seller_who_says_no_is_told_in_words(staff, partner):
    state = parse_qs(urlsplit(begin(staff, partner)).query)["state"][0]
    query = {"error": "access_denied", "error_description": "<b>No</b> thanks", "state": state}
    answer = staff.get("/connect/flipkart/callback/", query)

    assert answer.status_code == 400
    assert b"did not allow the connection: &lt;b&gt;No&lt;/b&gt; thanks" in answer.content


def test_a_code_that_the_channel_refuses_is_told_without_secrets(staff, partner):
    state = parse_qs(urlsplit(begin(staff, partner)).query)["state"][0]
    answer = staff.get("/connect/flipkart/callback/", {"code": "stolen-code", "state": state})

    assert answer.status_code == 400
    assert b"is not connected" in answer.content
    assert b"stolen-code" not in answer.content
    assert APP["client_secret"].encode() not in answer.content


def test_credentials_of_another_seller_do_not_take_the_account_over(staff, partner):
    partner.identity = "somebody-else"
    partner.save()

    answer = staff.get(allow(begin(staff, partner)))

    assert answer.status_code == 400
    assert b"demo-seller" in answer.content
    partner.refresh_from_db()
    assert (partner.identity, partner.health) == ("somebody-else", "broken")
    assert not AccountToken.objects.filter(account=partner).exists()


def test_an_account_that_does_not_connect_by_browser_says_so(staff, partner):
    partner.settings = {}
    partner.save()
    answer = staff.get(f"/connect/flipkart/{partner.pk}/")

    assert answer.status_code == 400
    assert b"without a browser" in answer.content


def test_shopify_sends_the_browser_to_the_shop(staff, shop, settings):
    settings.PUBLIC_URL = "https://sync.example.in"
    answer = staff.get(f"/connect/shopify/{shop.pk}/")
    target = urlsplit(answer.headers["Location"])

    assert (target.netloc, target.path) == ("demo-shop.myshopify.com", "/admin/oauth/authorize")
    assert parse_qs(target.query)["redirect_uri"] == ["https://sync.example.in/connect/shopify/callback/"]


def test_only_staff_who_may_change_accounts_connect_them(db, partner):
    path = f"/connect/flipkart/{partner.pk}/"
    assert "/login/" in Client().get(path).headers["Location"]
    client = Client()
    client.force_login(User.objects.create_user("clerk", password="x", is_staff=True))

    assert client.get(path).status_code == 403
    assert client.get("/connect/flipkart/callback/").status_code == 403


def test_an_account_of_another_channel_is_not_found(staff, partner):
    assert staff.get(f"/connect/amazon/{partner.pk}/").status_code == 404
    assert staff.post(f"/connect/flipkart/{partner.pk}/").status_code == 405
