"""What the ``manage.py`` commands share: options of an account, finding things by what people call them, output as text or JSON."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from inventory_sync.api import accounts
from inventory_sync.api.strict import find_account
from inventory_sync.domain.errors import ChannelError
from inventory_sync.engine import start
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.catalogue import refresh_locations
from inventory_sync.engine.start import ModeError
from inventory_sync.stock.models import Warehouse
from skumap.models import ChannelAccount

MODES = ("shadow", "live", "paused")


class AnsweringCommand(BaseCommand):
    """A command that answers in words, or with ``--json`` for a program. Errors are one line and exit status 1."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def answer(self, options: Mapping[str, Any], data: Any, *lines: str) -> None:
        """Print ``data`` as JSON if that was asked for, else the lines."""
        if options["json"]:
            self.stdout.write(json.dumps(data, indent=2, default=str))
        else:
            for line in lines:
                self.stdout.write(line)


def add_account_options(parser: ArgumentParser) -> None:
    """What can be said of an account, the same for a new and a known one."""
    parser.add_argument("--identity", help="seller id; Shopify: the shop's domain, name.myshopify.com")
    parser.add_argument("--api-base", help="address of the channel's API; empty is the channel's own")
    parser.add_argument("--auth-base", help="address that tokens come from; empty is the channel's own")
    parser.add_argument(
        "--credential", action="append", default=[], metavar="NAME=VALUE",
        help="for example client_id=..., client_secret=..., refresh_token=..., access_token=...; an empty value removes it; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--credential-file", metavar="FILE", help="credentials as a JSON object; - reads standard input"
    )
    parser.add_argument(
        "--credential-env", metavar="PREFIX",
        help="credentials from the environment: PREFIX_CLIENT_ID is client_id, and so on; keeps secrets out of the shell's history",
    )  # fmt: skip
    parser.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE",
        help="a setting of the channel or the engine; an empty value takes the default back; may be repeated",
    )  # fmt: skip
    parser.add_argument("--settings-file", metavar="FILE", help="settings as a JSON object; - reads standard input")
    parser.add_argument(
        "--mode", choices=MODES, help="live sends quantities; it needs a tested connection and linked locations"
    )


def account_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as arguments of ``create_account`` and ``update_account``."""
    values = {name: options[name] for name in ("identity", "api_base", "auth_base") if options.get(name) is not None}
    credentials: dict[str, Any] = {}
    if options["credential_env"]:
        credentials |= from_environment(options["credential_env"])
    if options["credential_file"]:
        credentials |= json_object(options["credential_file"])
    credentials |= pairs(options["credential"], option="--credential")
    own: dict[str, Any] = json_object(options["settings_file"]) if options["settings_file"] else {}
    own |= pairs(options["setting"], option="--setting")
    if credentials:
        values["credentials"] = credentials
    if own:
        values["settings"] = own
    return values


def pairs(given: Iterable[str], *, option: str) -> dict[str, str]:
    """``NAME=VALUE`` arguments as a mapping. The value may hold further equals signs."""
    found: dict[str, str] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name.strip():
            raise CommandError(f"{option} takes NAME=VALUE, not {name!r}")
        found[name.strip()] = value.strip()
    return found


def json_object(path: str) -> dict[str, Any]:
    """A JSON object from a file, or from standard input."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        data = json.loads(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} can't be read: {error}") from error
    if not isinstance(data, dict):
        raise CommandError(f"{path} must hold one JSON object")
    return data


def from_environment(prefix: str) -> dict[str, str]:
    """Environment variables that begin with the prefix, as credentials."""
    start_of_name = f"{prefix.rstrip('_')}_"
    found = {
        name.removeprefix(start_of_name).lower(): value
        for name, value in os.environ.items()
        if name.startswith(start_of_name) and value
    }
    if not found:
        raise CommandError(f"no variable in the environment begins with {start_of_name}")
    return found


def account_named(text: str) -> ChannelAccount:
    """An account by its name or id. :raises CommandError: there is none; it says which there are."""
    account = find_account(text)
    if account is None:
        names = ", ".join(ChannelAccount.objects.values_list("name", flat=True)[:20]) or "none yet; see account_add"
        raise CommandError(f"there is no account {text!r} (accounts: {names})")
    return account


def warehouse_named(code: str) -> Warehouse:
    """A warehouse by its code. :raises CommandError: there is none; it says which there are."""
    warehouse = Warehouse.objects.filter(code=code).first()
    if warehouse is None:
        codes = ", ".join(Warehouse.objects.values_list("code", flat=True)[:20]) or "none yet; see warehouse_add"
        raise CommandError(f"there is no warehouse {code!r} (warehouses: {codes})")
    return warehouse


def switch(account: ChannelAccount, mode: str) -> ChannelAccount:
    """
    Bring an account into a mode; one that goes live for the first time is connected and asked for its locations before.

    :raises CommandError: it can't; the account stays in the mode that it is in.
    """
    if mode == account.mode:
        return account
    try:
        never = account.last_success_at is None or account.health == ChannelAccount.Health.BROKEN
        if mode == "live" and never:
            start.connect(account_id=account.pk)
            refresh_locations(context=context_of(account.pk))
        return accounts.set_mode(account_id=account.pk, mode=mode)
    except (ChannelError, ModeError) as error:
        raise CommandError(f"{account.name} stays in mode {account.mode}: {error}") from error


def description(account: ChannelAccount) -> dict[str, Any]:
    """An account for people and programs, without its secrets."""
    return {
        "id": account.pk,
        "channel": account.channel,
        "name": account.name,
        "mode": account.mode,
        "identity": account.identity,
        "api_base": account.api_base,
        "auth_base": account.auth_base,
        "credential_names": sorted(account.credentials or {}),
        "settings": account.settings or {},
        "webhook_url": accounts.webhook_url(account),
        "redirect_uri": f"{settings.PUBLIC_URL}/connect/{account.channel}/callback/",
        "health": account.health,
        "health_reason": account.health_reason,
        "last_success_at": account.last_success_at,
    }
