"""
Seller accounts as people give them: through the REST API and through ``manage.py``. Both end here, so both accept the same and refuse the same.

Credentials and settings are merged by name: what is not named stays as it is, ``None`` (on the command line: an empty value) takes one out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from inventory_sync.domain.errors import SetupError
from inventory_sync.engine import start
from inventory_sync.engine.accounts import ENGINE_DEFAULTS, adapter_class, context_of
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.http import check_base_url
from skumap.models import AccountToken, ChannelAccount, Listing

MAX_TEXT = 20_000
TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
# Who we are to the channel: with another one of these, tokens got with the old one are not ours to use.
SAME_CLIENT = ("client_id", "app_id", "refresh_token")


class AccountInputError(ValueError):
    """What was given for an account can't be used. ``fields``: {name: what is wrong with it}."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in fields.items()))
        self.fields = dict(fields)


class SettingValueError(ValueError):
    """A setting's value is not of the type of its default."""


def known_settings(channel: str) -> dict[str, Any]:
    """Every setting that an account of this channel may have, with its default."""
    return {**ENGINE_DEFAULTS, **adapter_class(channel).defaults}


def create_account(
    *,
    channel: str,
    name: str,
    identity: str = "",
    api_base: str = "",
    auth_base: str = "",
    credentials: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> ChannelAccount:
    """
    A new account, in trial run: it sends nothing until somebody lets it.

    :raises AccountInputError: a name is taken or empty, a setting is unknown, a base address is not one that tokens may go to.
    """
    if channel not in django_settings.CHANNEL_ADAPTERS:
        raise AccountInputError({"channel": f"one of {', '.join(django_settings.CHANNEL_ADAPTERS)}, please"})
    account = ChannelAccount(channel=channel, name=_name(name))
    account.identity = clean_identity(channel, identity)
    account.api_base, account.auth_base = _base("api_base", api_base), _base("auth_base", auth_base)
    account.credentials = merged_credentials({}, credentials or {})
    account.settings = merged_settings(channel, {}, settings or {})
    return _saved(account)


def update_account(
    *,
    account_id: int,
    name: str | None = None,
    identity: str | None = None,
    api_base: str | None = None,
    auth_base: str | None = None,
    credentials: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> ChannelAccount:
    """
    Change what is given; None leaves a part as it is. Tokens that belong to another application or seller are forgotten.

    :raises AccountInputError: as :func:`create_account`; also another identity for an account that has listings or orders.
    """
    with transaction.atomic():
        account = ChannelAccount.objects.select_for_update().get(pk=account_id)
        before = _client_of(account)
        if name is not None:
            account.name = _name(name)
        if identity is not None:
            _change_identity(account, clean_identity(account.channel, identity))
        if api_base is not None:
            account.api_base = _base("api_base", api_base)
        if auth_base is not None:
            account.auth_base = _base("auth_base", auth_base)
        if credentials is not None:
            account.credentials = merged_credentials(account.credentials or {}, credentials)
        if settings is not None:
            account.settings = merged_settings(account.channel, account.settings or {}, settings)
        account = _saved(account)
        if _client_of(account) != before:
            AccountToken.objects.filter(account=account).delete()
    if settings is not None:
        linked = Listing.objects.filter(account=account, sku__isnull=False)
        decide_soon(linked.values_list("sku_id", flat=True).distinct())
    return account


def set_mode(*, account_id: int, mode: str) -> ChannelAccount:
    """
    Trial run, live or paused. Safe to repeat.

    :raises inventory_sync.engine.start.ModeError: it can't go live yet; the message says what is missing.
    """
    switch = {"live": start.go_live, "shadow": start.go_shadow, "paused": start.pause}
    if mode not in switch:
        raise AccountInputError({"mode": f"one of {', '.join(switch)}, please"})
    return switch[mode](account_id=account_id)


def webhook_url(account: ChannelAccount) -> str:
    """Where the channel delivers to for this account; its long random key is part of what keeps strangers out."""
    return f"{django_settings.PUBLIC_URL}{reverse('webhook', args=[account.channel, account.webhook_key])}"


def subscribe(*, account_id: int, callback_url: str = "") -> list[str]:
    """
    Let the channel send its notifications to us.

    :return: what was found or done, one line each.
    :raises ChannelError: the channel can't be asked, or refuses.
    """
    context = context_of(account_id)
    return context.adapter.subscribe(callback_url=callback_url or webhook_url(context.account))


# --- single values -----------------------------------------------------------------------------------------------------------


def merged_credentials(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """Credentials after a change. :raises AccountInputError: a name or value is no text."""
    merged = dict(stored)
    for name, value in given.items():
        if not name or len(name) > 80:
            raise AccountInputError({"credentials": "every credential needs a name of at most 80 characters"})
        if value is None or value == "":
            merged.pop(name, None)
        elif isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > MAX_TEXT:
            raise AccountInputError({f"credentials.{name}": "must be text"})
        else:
            merged[name] = str(value).strip()
    return merged


def merged_settings(channel: str, stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """
    An account's own settings after a change, each in the type of its default.

    :raises AccountInputError: unknown names, each with the nearest known ones, or values of another type.
    """
    known = known_settings(channel)
    merged, problems = dict(stored), {}
    for name, value in given.items():
        if name not in known:
            problems[f"settings.{name}"] = f"{channel} accounts have no such setting{_hint(name, known)}"
        elif value is None or (value == "" and known[name] != ""):
            merged.pop(name, None)
        else:
            try:
                merged[name] = setting_value(value, default=known[name], name=name)
            except SettingValueError as error:
                problems[f"settings.{name}"] = str(error)
    if problems:
        raise AccountInputError(problems)
    return merged


def setting_value(value: Any, *, default: Any, name: str = "") -> Any:
    """
    A value as its default's type says: text from a command line becomes a number, a yes or no, a list.

    :raises SettingValueError: it can't.
    """
    if isinstance(default, bool):
        text = str(value).strip().lower()
        if text not in TRUE + FALSE:
            raise SettingValueError("must be true or false")
        return text in TRUE
    if isinstance(default, int | float):
        return _number(value, name=name)
    if isinstance(default, list | tuple):
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            raise SettingValueError("must be a list, or text with commas")
        return [str(part).strip() for part in parts if str(part).strip()]
    if isinstance(default, Mapping):
        if not isinstance(value, Mapping):
            raise SettingValueError("must be an object")
        return dict(value)
    if isinstance(value, dict | list) or len(str(value)) > MAX_TEXT:
        raise SettingValueError("must be text")
    return str(value).strip() if isinstance(default, str) else value


def _number(value: Any, *, name: str) -> int | float:
    try:
        number = float(value) if not isinstance(value, bool | dict | list) else math.nan
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or abs(number) > 1e12:
        raise SettingValueError("must be a number")
    if number < 0 and name.endswith("_seconds"):
        raise SettingValueError("must not be below 0")
    return int(number) if number == int(number) else number


def clean_identity(channel: str, text: str) -> str:
    """An identity without what people paste around it: blanks, and for a shop's domain the scheme and slashes."""
    identity = text.strip()
    if channel == "shopify":
        identity = identity.removeprefix("https://").removeprefix("http://").strip("/").lower()
    if len(identity) > 120 or any(character.isspace() or character < " " for character in identity):
        raise AccountInputError({"identity": "at most 120 characters without blanks, please"})
    return identity


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 80 or "\x00" in name:
        raise AccountInputError({"name": "1 to 80 characters, please"})
    return name


def _base(field: str, text: str) -> str:
    url = text.strip()
    if not url:
        return ""
    try:
        checked = check_base_url(url, allow_private_hosts=django_settings.ALLOW_PRIVATE_HOSTS)
    except SetupError as error:
        raise AccountInputError({field: error.message}) from error
    if len(checked) > 300 or any(character.isspace() or character < " " for character in checked):
        raise AccountInputError({field: "not a usable address"})
    return checked


def _change_identity(account: ChannelAccount, identity: str) -> None:
    changed = account.identity.lower() != identity.lower()
    if changed and account.identity and (account.listings.exists() or account.orders.exists()):
        raise AccountInputError(
            {
                "identity": f"this account has listings or orders of {account.identity}; add another account for {identity or 'another'}"
            }
        )
    account.identity = identity


def _client_of(account: ChannelAccount) -> tuple[Any, ...]:
    """What a stored token depends on."""
    held = account.credentials or {}
    own = tuple(held.get(name) for name in SAME_CLIENT)
    return (account.identity.lower(), account.auth_base or account.api_base, *own)


def _saved(account: ChannelAccount) -> ChannelAccount:
    others = ChannelAccount.objects.exclude(pk=account.pk)
    if others.filter(name=account.name).exists():
        raise AccountInputError({"name": f"there is an account {account.name!r} already"})
    if account.identity:
        taken = others.filter(channel=account.channel, identity__iexact=account.identity).first()
        if taken is not None:
            raise AccountInputError({"identity": f"{account.identity} is the account {taken.name!r} already"})
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError as error:
        raise AccountInputError({"name": "an account of this name or identity was added just now"}) from error
    return account


def _hint(name: str, known: Mapping[str, Any]) -> str:
    near = get_close_matches(name, known, n=4, cutoff=0.6)
    return f"; perhaps {', '.join(near)}" if near else ""
