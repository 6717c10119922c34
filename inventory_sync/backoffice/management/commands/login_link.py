"""Print an address that logs one user in, once, without a password."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inventory_sync.backoffice.entry import NoSuchUserError, login_link


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, help="user name of an active staff user")
        parser.add_argument("--minutes", type=int, default=15, help="how long the address may be used (default 15)")

    def handle(self, *args: Any, user: str, minutes: int, **options: Any) -> None:
        try:
            self.stdout.write(login_link(username=user, minutes=minutes))
        except (NoSuchUserError, ValueError) as error:
            raise CommandError(str(error)) from error
