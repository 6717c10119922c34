"""
Connecting an account, and switching it between trial run, live and paused.

Whatever the mode, the account is read and its books are kept; only a live one is written. So going live needs no special first read: a row that
was read, and whose order feed is complete past that read, may be raised; one that shows more than it may sell is worked off first.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from inventory_sync.alerts.services import resolve_alert
from inventory_sync.domain.errors import ChannelError, CredentialsError, SetupError
from inventory_sync.domain.ports import Identity
from inventory_sync.engine import wake
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.catalogue import refresh_locations
from inventory_sync.engine.decide import mark_all_stale
from inventory_sync.engine.inbound import mark_working, note_channel_error
from inventory_sync.engine.models import ListingState
from inventory_sync.engine.polling import ensure_cursors
from skumap.models import ChannelAccount


class ModeError(ValueError):
    """The account can't be switched as asked; the message says what is missing."""


def connect(*, account_id: int) -> Identity:
    """
    Ask the channel whose credentials these are; if they are the right ones, read its locations and begin to read the account.

    :raises ChannelError: the channel refuses, can't be reached, the credentials belong to somebody else, or permissions are missing. The
        account says so, too.
    """
    context = context_of(account_id)
    try:
        found = context.adapter.identify()
        check_identity(account=context.account, found=found)
        if found.missing:
            raise SetupError(f"permissions are missing: {', '.join(found.missing)}", channel=context.channel)
    except ChannelError as error:
        note_channel_error(account=context.account, error=error)
        raise
    if not context.account.identity and found.identity:
        ChannelAccount.objects.filter(pk=account_id, identity="").update(identity=found.identity)
    context = context_of(account_id)
    mark_working(account=context.account, now=timezone.now())
    begin_reading(context=context, now=timezone.now())
    refresh_locations(context=context)
    return found


def check_identity(*, account: ChannelAccount, found: Identity) -> None:
    """:raises CredentialsError: these credentials would take over another account's listings."""
    known, said = account.identity.strip().lower(), found.identity.strip().lower()
    if known and said and known != said:
        raise CredentialsError(
            f"these credentials belong to {found.identity}, but the account is for {account.identity}",
            channel=account.channel,
        )
    others = ChannelAccount.objects.filter(channel=account.channel, identity__iexact=said).exclude(pk=account.pk)
    if said and others.exists():
        raise CredentialsError(f"{found.identity} is connected already, as another account", channel=account.channel)


def begin_reading(*, context: AccountContext, now: datetime) -> None:
    """Make the account's streams, all due now."""
    ensure_cursors(context=context, now=now)
    wake.after_commit("sweep")


def go_live(*, account_id: int) -> ChannelAccount:
    """
    Let the account send quantities. Safe to repeat.

    :raises ModeError: it is not connected, or its listings can't be served from any warehouse.
    """
    account = ChannelAccount.objects.get(pk=account_id)
    never_worked = account.health == ChannelAccount.Health.NEW or account.last_success_at is None
    if never_worked or account.health == ChannelAccount.Health.BROKEN:
        raise ModeError("Test the connection first: this account is not connected.")
    if not account.locations.filter(managed=True, warehouse_links__isnull=False).exists():
        raise ModeError("Say first which warehouses serve the account's locations.")
    live_since = account.live_since or timezone.now()
    ChannelAccount.objects.filter(pk=account_id).update(mode=ChannelAccount.Mode.LIVE, live_since=live_since)
    _switched(account_id)
    return ChannelAccount.objects.get(pk=account_id)


def go_shadow(*, account_id: int) -> ChannelAccount:
    """Back to the trial run: nothing more is sent; what the channel shows stays as it is and goes on being counted."""
    return _stop_sending(account_id, ChannelAccount.Mode.SHADOW)


def pause(*, account_id: int) -> ChannelAccount:
    """Send nothing. The account is read on, so that its sales are known and its books stay right."""
    return _stop_sending(account_id, ChannelAccount.Mode.PAUSED)


def _stop_sending(account_id: int, mode: str) -> ChannelAccount:
    ChannelAccount.objects.filter(pk=account_id).update(mode=mode, live_since=None)
    ListingState.objects.filter(account_id=account_id).update_in_order(stale_since=None)
    resolve_alert(kind="listings_waiting", key=str(account_id))
    _switched(account_id)
    return ChannelAccount.objects.get(pk=account_id)


def _switched(account_id: int) -> None:
    mark_all_stale(account_id=account_id)
