"""``manage.py account_set``: change what a seller account is told, or its mode."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from inventory_sync.api import accounts
from inventory_sync.api.commands import (
    AnsweringCommand,
    account_named,
    account_values,
    add_account_options,
    description,
    switch,
)
from inventory_sync.engine.accounts import context_of


class Command(AnsweringCommand):
    help = "Change a seller account. Credentials and settings that are not named stay as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("account", help="name or id")
        parser.add_argument("--name", help="a new name")
        parser.add_argument("--show-settings", action="store_true", help="list every setting with the value in force")
        add_account_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        account = account_named(options["account"])
        values = account_values(options)
        if options["name"] is not None:
            values["name"] = options["name"]
        if values:
            try:
                account = accounts.update_account(account_id=account.pk, **values)
            except accounts.AccountInputError as error:
                raise CommandError(str(error)) from error
        if options["mode"]:
            account = switch(account, options["mode"])
        if options["show_settings"]:
            self._show(account.pk, options)
            return
        self.answer(
            options,
            description(account),
            f"{account.name}: mode {account.mode}, {account.get_health_display().lower()}.",
        )

    def _show(self, account_id: int, options: dict[str, Any]) -> None:
        context = context_of(account_id)
        own = context.account.settings or {}
        in_force = {name: context.settings[name] for name in sorted(accounts.known_settings(context.account.channel))}
        lines = [f"{'*' if name in own else ' '} {name} = {value}" for name, value in in_force.items()]
        self.answer(options, in_force, *lines, "* set for this account")
