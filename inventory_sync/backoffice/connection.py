"""What the account pages ask and do beside ``engine.start``: readiness, reading now, subscribing. Each is safe to repeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, F, Q
from django.urls import NoReverseMatch, reverse

from inventory_sync.engine import start, wake
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.inbound import make_due
from inventory_sync.engine.models import ListingState
from inventory_sync.engine.polling import ensure_cursors
from skumap.models import ChannelAccount, Listing


def read_listings_now(*, account_id: int, now: datetime) -> None:
    """Let all listings and locations be read at the next look, from the beginning."""
    ensure_cursors(context=context_of(account_id), now=now)
    make_due(account_id=account_id, stream="listings")
    wake.after_commit("sweep")


def subscribe(*, account_id: int) -> list[str]:
    """
    Let the channel send its notifications here.

    :return: what was found or done, line by line.
    :raises ChannelError: the channel refuses.
    """
    context = context_of(account_id)
    return context.adapter.subscribe(callback_url=webhook_url(context.account))


def webhook_url(account: ChannelAccount) -> str:
    """Where the channel delivers to."""
    try:
        path = reverse("webhook", args=[account.channel, account.webhook_key])
    except NoReverseMatch:
        path = f"/webhooks/{account.channel}/{account.webhook_key}/"
    return settings.PUBLIC_URL + path


# --- modes -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What stands between an account and going live. Counts of listings and rows."""

    connected: bool
    linked: int
    unlinked: int
    hazards: int
    unread: int
    locations_unlinked: int
    would_change: int


def readiness(account: ChannelAccount) -> Readiness:
    """How far an account is, in a few queries."""
    present = Q(vanished_at__isnull=True)
    listings = account.listings.aggregate(
        linked=Count("id", filter=present & Q(status=Listing.Status.MAPPED)),
        unlinked=Count("id", filter=present & Q(status__in=[Listing.Status.UNMAPPED, Listing.Status.AMBIGUOUS])),
    )
    hazards = (
        account.listings.filter(present, status=Listing.Status.MAPPED)
        .exclude(hazards=[])
        .only("hazards", "accepted_hazards")
    )
    states = ListingState.objects.filter(account=account).aggregate(
        unread=Count("id", filter=Q(opened_at__isnull=True)),
        would_change=Count("id", filter=Q(seen_quantity__isnull=False) & ~Q(desired_quantity=F("seen_quantity"))),
    )
    return Readiness(
        connected=account.health not in {ChannelAccount.Health.NEW, ChannelAccount.Health.BROKEN},
        hazards=sum(1 for listing in hazards if listing.open_hazards),
        locations_unlinked=account.locations.filter(active=True, managed=True, warehouse_links__isnull=True).count(),
        **listings,
        **states,
    )


def set_mode(*, account_id: int, mode: ChannelAccount.Mode) -> bool:
    """
    Go live, back to a trial run, or pause. Every row of the account is decided anew.

    :return: False when the account was in this mode already.
    :raises inventory_sync.engine.start.ModeError: it can't go live yet; the message says what is missing.
    """
    if ChannelAccount.objects.get(pk=account_id).mode == mode:
        return False
    switch = {
        ChannelAccount.Mode.LIVE: start.go_live,
        ChannelAccount.Mode.SHADOW: start.go_shadow,
        ChannelAccount.Mode.PAUSED: start.pause,
    }
    switch[mode](account_id=account_id)
    return True
