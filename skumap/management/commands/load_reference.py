"""Load the tables of the tariff, the GST rates and the States: the shipped ones, or newer files of the same columns. Safe to repeat."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from skumap.reference import TABLES, ReferenceError, load


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        for name, table in TABLES.items():
            parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"in place of the shipped {table.file}")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in TABLES if options[name] is not None}
        for name in given or TABLES:
            try:
                done = load(name, path=given.get(name))
            except ReferenceError as error:
                raise CommandError(f"{name}: {error}") from error
            self.stdout.write(f"{name}: {done.new} new, {done.changed} changed, {done.unchanged} as before")
            for problem in done.refused:
                self.stderr.write(f"{name}: {problem}")
