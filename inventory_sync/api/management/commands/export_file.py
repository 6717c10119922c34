"""``manage.py export_file``: SKUs, combos or the mapping as CSV that can be imported again."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from inventory_sync.api.commands import AnsweringCommand, account_named
from skumap.imports.exports import export_lines


class Command(AnsweringCommand):
    help = "Export SKUs, combos or the mapping of listings as CSV. Importing it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("kind", choices=["skus", "mapping", "kits"])
        parser.add_argument("out", help="the CSV file to write; it must not exist yet")
        parser.add_argument("--account", help="name or id: only this account's mapping")

    def handle(self, *args: Any, **options: Any) -> None:
        account = account_named(options["account"]) if options["account"] else None
        rows = -1  # the headings are no row
        try:
            with Path(options["out"]).open("x", encoding="utf-8", newline="") as out:
                for line in export_lines(options["kind"], account_id=account.pk if account else None):
                    out.write(line)
                    rows += 1
        except OSError as error:
            raise CommandError(f"{options['out']} can't be written: {error.strerror}") from error
        self.answer(options, {"kind": options["kind"], "rows": rows}, f"{rows} rows are in {options['out']}.")
