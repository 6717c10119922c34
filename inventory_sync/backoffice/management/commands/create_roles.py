"""Make the staff roles, or give them their first permissions back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from inventory_sync.backoffice.roles import create_roles


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="also undo what was changed in the existing roles")

    def handle(self, *args: Any, reset: bool, **options: Any) -> None:
        done = create_roles(reset=reset)
        self.stdout.write(f"Roles made: {', '.join(done)}." if done else "All roles exist already.")
