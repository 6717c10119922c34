"""
Connecting a seller account through the seller's browser: Flipkart third-party applications, Shopify's authorization code, Amazon's website
workflow. The channel's adapter says where to go and what to make of the answer; here is only what belongs to a browser.

    GET /connect/<channel>/<account id>/   off to the channel
    GET /connect/<channel>/callback/       and back
"""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from inventory_sync.domain.errors import ChannelError
from inventory_sync.engine import start
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.inbound import mark_broken
from skumap.models import AccountToken, ChannelAccount

logger = logging.getLogger(__name__)

SALT = "inventory_sync.connect"
SESSION_KEY = "connect"
STATE_SECONDS = 15 * 60


class ConnectError(Exception):
    """What to tell the person in front of the browser."""


@require_safe
@never_cache
@staff_member_required
def begin(request: HttpRequest, channel: str, account_id: int) -> HttpResponse:
    """Send the seller's browser to the channel, with a state that only this session and this account can use, once."""
    _may_change(request)
    account = get_object_or_404(ChannelAccount, pk=account_id, channel=channel)
    nonce = secrets.token_urlsafe(24)
    state = signing.dumps({"account": account.pk, "nonce": nonce}, salt=SALT)
    try:
        target = context_of(account.pk).adapter.authorize_url(state=state, redirect_uri=redirect_uri(channel))
    except ChannelError as error:
        return _page(request, account=account, problem=error.message)
    request.session[SESSION_KEY] = {"nonce": nonce, "account": account.pk, "at": time.time()}
    return HttpResponseRedirect(target)


@require_GET
@never_cache
@staff_member_required
def callback(request: HttpRequest, channel: str) -> HttpResponse:
    """Take the channel's answer: check the state, turn the code into tokens, see whose they are."""
    _may_change(request)
    account = None
    try:
        account = _account_of(request, channel=channel)
        _finish(request, account=account)
    except ConnectError as error:
        return _page(request, account=account, problem=str(error))
    except ChannelError as error:
        logger.warning("account %s could not be connected: %s", account.pk if account else None, error)
        return _page(request, account=account, problem=_without_code(request, error.message))
    return _page(request, account=account)


def redirect_uri(channel: str) -> str:
    """The address to register with the channel, byte for byte."""
    return f"{settings.PUBLIC_URL}{reverse('connect-callback', args=[channel])}"


def _may_change(request: HttpRequest) -> None:
    if not request.user.has_perm("skumap.change_channelaccount"):
        raise PermissionDenied


def _account_of(request: HttpRequest, *, channel: str) -> ChannelAccount:
    """The account that this session set out to connect. The state is used up, whatever comes of it."""
    pending: dict[str, Any] = request.session.pop(SESSION_KEY, None) or {}
    again = "Begin again from the account's page."
    try:
        state = signing.loads(request.GET.get("state", ""), salt=SALT, max_age=STATE_SECONDS)
    except signing.SignatureExpired as error:
        raise ConnectError(f"This took longer than 15 minutes. {again}") from error
    except signing.BadSignature as error:
        raise ConnectError(f"The answer does not belong to a connection that was begun here. {again}") from error
    known = secrets.compare_digest(str(state["nonce"]), str(pending.get("nonce", "")))
    if not known or state["account"] != pending.get("account"):
        raise ConnectError(f"The answer does not belong to this browser session, or was used before. {again}")
    account = ChannelAccount.objects.filter(pk=state["account"], channel=channel).first()
    if account is None:
        raise ConnectError("The account is gone.")
    return account


def _finish(request: HttpRequest, *, account: ChannelAccount) -> None:
    query = {name: str(value) for name, value in request.GET.items()}
    if query.get("error"):
        words = query.get("error_description") or query["error"]
        raise ConnectError(f"The seller did not allow the connection: {words[:200]}")
    code = query.get("code") or query.get("spapi_oauth_code", "")
    if not code:
        raise ConnectError("The channel's answer carries no code.")
    context = context_of(account.pk)
    found = context.adapter.exchange_code(
        code=code, state=query["state"], redirect_uri=redirect_uri(account.channel), query=query
    )
    try:
        start.check_identity(account=account, found=found)
    except ChannelError as error:
        AccountToken.objects.filter(account=account).delete()  # they open somebody else's shop
        mark_broken(account=account, reason=error.message)
        raise
    start.connect(account_id=account.pk)


def _without_code(request: HttpRequest, text: str) -> str:
    """What a channel says, less the code that it quotes."""
    for name in ("code", "spapi_oauth_code"):
        if request.GET.get(name):
            text = text.replace(request.GET[name], "…")
    return text


def _page(request: HttpRequest, *, account: ChannelAccount | None, problem: str = "") -> HttpResponse:
    try:
        back = reverse("admin:skumap_channelaccount_change", args=[account.pk]) if account else reverse("admin:index")
    except NoReverseMatch:
        back = "/"
    context = {"account": account, "problem": problem, "back": back}
    return render(request, "api/connect.html", context, status=400 if problem else 200)
