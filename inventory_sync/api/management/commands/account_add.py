"""``manage.py account_add``: a new seller account, in trial run unless ``--mode live``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from inventory_sync.api import accounts
from inventory_sync.api.commands import AnsweringCommand, account_values, add_account_options, description, switch


class Command(AnsweringCommand):
    help = "Add a seller account. It begins in trial run (shadow): it reads and computes everything and sends nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--channel", required=True, choices=sorted(settings.CHANNEL_ADAPTERS))
        parser.add_argument("--name", required=True, help="what you call it; must be free")
        add_account_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        values = account_values(options)
        try:
            account = accounts.create_account(channel=options["channel"], name=options["name"], **values)
        except accounts.AccountInputError as error:
            raise CommandError(str(error)) from error
        if options["mode"]:
            account = switch(account, options["mode"])
        self.answer(
            options,
            description(account),
            f"Added account {account.pk}, {account.name} ({account.channel}), mode {account.mode}.",
            f"Its notifications go to {accounts.webhook_url(account)}",
            f'Next: manage.py account_test "{account.name}"',
        )
