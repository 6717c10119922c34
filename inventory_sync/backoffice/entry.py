"""
A login address that works once: for the demo, and for whoever has lost the password but not the server.

The token is signed and holds the user, the end of its life and the time of the user's last login. Logging in changes that time, so the same
token does not work again, and nothing has to be stored.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

logger = logging.getLogger(__name__)

SALT = "inventory_sync.backoffice.entry"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
MOST_MINUTES = 24 * 60


class NoSuchUserError(Exception):
    """There is no active staff user of this name."""


def login_link(*, username: str, minutes: int = 15, now: datetime | None = None) -> str:
    """
    An address below ``PUBLIC_URL`` that logs this user in once.

    :param minutes: how long it may be used, 1 to 1440.
    :raises NoSuchUserError: no active staff user has this name.
    :raises ValueError: ``minutes`` out of its range.
    """
    if not 1 <= minutes <= MOST_MINUTES:
        raise ValueError(f"minutes must be 1 to {MOST_MINUTES}")
    user = User.objects.filter(username=username, is_active=True, is_staff=True).first()
    if user is None:
        raise NoSuchUserError(f"there is no active staff user {username!r}")
    until = (now or timezone.now()) + timedelta(minutes=minutes)
    token = signing.dumps({"user": user.pk, "until": until.timestamp(), "state": _state(user)}, salt=SALT)
    return settings.PUBLIC_URL + reverse("admin:enter", args=[token])


def take_token(token: str, *, now: datetime) -> User | None:
    """The user whom a token may log in now; None when it is forged, too old, or used. Needs an open transaction."""
    try:
        facts = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    user = User.objects.select_for_update().filter(pk=facts["user"], is_active=True, is_staff=True).first()
    if user is None or now.timestamp() > facts["until"] or _state(user) != facts["state"]:
        return None
    return user


def _state(user: User) -> str:
    return f"{user.last_login.isoformat() if user.last_login else 'never'}:{user.password[-8:]}"


@never_cache
@require_GET
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Log in with a token, or say that it does not work (any more)."""
    with transaction.atomic():
        user = take_token(token, now=timezone.now())
        if user is not None:
            login(request, user, backend=MODEL_BACKEND)
    if user is None:
        logger.warning("a login address was refused: forged, too old or used")
        messages.error(request, "This login address is too old, or was used already. Log in, or ask for a new one.")
        return redirect("admin:login")
    return redirect("admin:index")
