"""``manage.py account_subscribe``: let the channel notify us."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from inventory_sync.api import accounts
from inventory_sync.api.commands import AnsweringCommand, account_named
from inventory_sync.domain.errors import ChannelError


class Command(AnsweringCommand):
    help = "Create or repair an account's subscriptions to notifications, or say what has to be done by hand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("account", help="name or id")
        parser.add_argument(
            "--callback-url", default="", help="where to deliver to; the account's own address if left out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        account = account_named(options["account"])
        try:
            lines = accounts.subscribe(account_id=account.pk, callback_url=options["callback_url"])
        except ChannelError as error:
            raise CommandError(f"{account.name}: {error}") from error
        self.answer(options, {"lines": lines}, *lines)
