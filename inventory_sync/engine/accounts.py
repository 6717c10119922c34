"""A seller account with everything that is needed to work on it: merged settings, adapter, rules for its orders."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, cast

from django.conf import settings as django_settings
from django.db.models import Sum
from django.utils.module_loading import import_string

from inventory_sync.domain.errors import SetupError
from inventory_sync.domain.exposure import ReadBack
from inventory_sync.domain.ports import Account, ChannelAdapter, Ports, RateBudget, Share
from inventory_sync.domain.snapshots import WRITABLE, WRITABLE_IF_ALLOWED, Channel, Fulfilment
from inventory_sync.engine.models import CallCount
from inventory_sync.http import Counts, RedisRateBudget, SystemClock, redis_client
from inventory_sync.orders.apply import AccountRules
from skumap.fields import CredentialsUnreadableError
from skumap.models import ChannelAccount
from skumap.tokens import DatabaseTokenStore

# What the engine itself wants to know of every account; a channel's defaults and the account's own settings stand over these.
ENGINE_DEFAULTS: Mapping[str, Any] = {
    "lease_seconds": 60.0,  # how long a claimed write is ours to send
    "call_deadline_seconds": 30.0,
    "propagation_deadline_seconds": 600.0,  # D_max: by then an accepted write is in force, or never will be
    "opening_margin_seconds": 120.0,  # orders placed so shortly after a book was opened may have been in its first read
    "read_lag_seconds": 60.0,
    "read_back": "accepted",
    "reconcile_seconds": 300.0,  # a slice of rows is read every so often
    "reconcile_rows": 100,
    "full_read_seconds": 86_400.0,  # and every row at least this often
    "pull_seconds": 21_600.0,  # listings and locations
    "sale_pace": 1.0,
    "bulk_from_rows": 300,  # so many waiting rows go out as one bulk job where the channel has them
    "silence_alert_seconds": 900.0,  # a stream that has not been read for so long is an alert
    "notification_silence_seconds": 3_600.0,
    "know_seconds": 60.0,
    "ack_seconds": 60.0,
    "restock_on_cancel": True,
    "allow_fbf_lite": False,
    "inventory_includes_open_orders": False,
}


@dataclass(frozen=True)
class AccountContext:
    """One account, ready to work with. Cheap to make; the adapter is made on first use."""

    account: ChannelAccount

    @property
    def id(self) -> int:
        return self.account.pk

    @property
    def channel(self) -> Channel:
        return Channel(self.account.channel)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Engine defaults, then the channel's, then the account's own."""
        defaults = adapter_class(self.account.channel).defaults
        return {**ENGINE_DEFAULTS, **defaults, **(self.account.settings or {})}

    def seconds(self, name: str) -> float:
        return float(self.settings[name])

    def span(self, name: str) -> timedelta:
        return timedelta(seconds=self.seconds(name))

    def flag(self, name: str) -> bool:
        value = self.settings[name]
        return value.strip().lower() in {"1", "true", "yes", "on"} if isinstance(value, str) else bool(value)

    @property
    def read_back(self) -> ReadBack:
        return ReadBack(str(self.settings["read_back"]))

    @cached_property
    def adapter(self) -> ChannelAdapter:
        return _adapter(self)

    @cached_property
    def rules(self) -> AccountRules:
        return AccountRules.load(account=self.account, settings=self.settings)

    def may_write(self, fulfilment: str) -> bool:
        """Whether the quantity of a listing with this fulfilment is ours to write."""
        kind = Fulfilment(fulfilment)
        return kind in WRITABLE or (kind in WRITABLE_IF_ALLOWED and self.flag("allow_fbf_lite"))


def adapter_class(channel: str) -> type[ChannelAdapter]:
    """The adapter that ``CHANNEL_ADAPTERS`` names for a channel."""
    return cast("type[ChannelAdapter]", import_string(django_settings.CHANNEL_ADAPTERS[channel]))


def context_of(account_id: int) -> AccountContext:
    """:raises ChannelAccount.DoesNotExist: there is no such account."""
    return AccountContext(ChannelAccount.objects.get(pk=account_id))


_adapters = threading.local()


def _adapter(context: AccountContext) -> ChannelAdapter:
    """
    One adapter for each thread and account, made anew when the account's connection changed (it keeps connections open).

    :raises SetupError: the account's credentials can't be read with our keys.
    """
    account = context.account
    try:
        credentials = dict(account.credentials or {})
    except CredentialsUnreadableError as error:
        raise SetupError(str(error), channel=account.channel) from error
    description = json.dumps(
        [account.channel, account.identity, account.api_base, account.auth_base, credentials, context.settings],
        sort_keys=True,
        default=str,
    )
    fingerprint = hashlib.sha256(description.encode()).hexdigest()
    cache: dict[int, tuple[str, ChannelAdapter]] = _adapters.__dict__.setdefault("by_account", {})
    cached = cache.get(account.pk)
    if cached is not None and cached[0] == fingerprint:
        return cached[1]
    adapter = adapter_class(account.channel)(
        account=Account(
            id=account.pk,
            channel=context.channel,
            name=account.name,
            identity=account.identity,
            api_base=account.api_base,
            auth_base=account.auth_base,
            credentials=credentials,
            settings=context.settings,
        ),
        ports=Ports(
            tokens=DatabaseTokenStore(account_id=account.pk),
            budget=budget_of(context),
            clock=SystemClock(),
            allow_private_hosts=django_settings.ALLOW_PRIVATE_HOSTS,
        ),
    )
    cache[account.pk] = (fingerprint, adapter)
    return adapter


def budget_of(context: AccountContext) -> RateBudget:
    """The call budget that all workers of this account share."""
    plan = adapter_class(context.account.channel).budget_plan(context.settings, workers=django_settings.WORKERS)  # type: ignore[attr-defined]
    return RedisRateBudget(
        redis_client(django_settings.REDIS_URL),
        f"{context.account.channel}:{context.account.pk}",
        plan,
        SystemClock(),
        history=lambda: call_history(account_id=context.account.pk),
    )


def call_history(*, account_id: int) -> Counts:
    """Calls of the last hour by minute, operation group and share, from the database: what a lost budget is rebuilt from."""
    since = datetime.now(UTC) - timedelta(hours=1)
    counts: dict[datetime, dict[str, dict[Share, float]]] = {}
    rows = (
        CallCount.objects.filter(account_id=account_id, minute__gte=since)
        .values_list("minute", "operation", "share")
        .annotate(total=Sum("calls"))
    )
    for minute, operation, share, total in rows:
        counts.setdefault(minute, {}).setdefault(operation, {})[Share(share)] = float(total)
    return counts
