"""``manage.py account_test``: does the connection work, and whose is it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from inventory_sync.api.commands import AnsweringCommand, account_named
from inventory_sync.domain.errors import ChannelError
from inventory_sync.engine import start


class Command(AnsweringCommand):
    help = "Ask the channel who an account's credentials belong to. From then on the account is read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("account", help="name or id")

    def handle(self, *args: Any, **options: Any) -> None:
        account = account_named(options["account"])
        try:
            found = start.connect(account_id=account.pk)
        except ChannelError as error:
            raise CommandError(f"{account.name} is not connected: {error}") from error
        data = {"ok": not found.missing, "identity": found.identity, "name": found.name, "missing": list(found.missing)}
        lines = [f"{account.name} is connected{f' as {found.identity}' if found.identity else ''}."]
        if found.missing:
            lines.append(f"Permissions are missing: {', '.join(found.missing)}")
        self.answer(options, data, *lines)
