"""``manage.py import_file``: SKUs, combos or a mapping from a CSV or XLSX file."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import CommandError
from django.utils import timezone

from inventory_sync.api.commands import AnsweringCommand, account_named, pairs
from inventory_sync.engine import imports
from skumap.importer import FORMATS, FileError
from skumap.imports.report import ImportReport

NAMES = {"skus": "SKUs", "kits": "combos", "links": "links"}


class Command(AnsweringCommand):
    help = (
        "Import SKUs, combos or a mapping of listings from CSV, TSV or XLSX. What is right is written, what is wrong is listed; "
        "importing the same file again changes nothing. See docs/import.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("path")
        parser.add_argument(
            "--format", default="auto", choices=["auto", *FORMATS], help="auto tells it by the headings"
        )
        parser.add_argument("--account", help="name or id: the account of a mapping's rows that name none")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="OUR=THEIR",
            help="our field is in their column; may be repeated",
        )
        parser.add_argument("--preview", action="store_true", help="say what it would do, write nothing")
        parser.add_argument("--errors", metavar="FILE", help="write every refused row to this CSV")

    def handle(self, *args: Any, **options: Any) -> None:
        account = account_named(options["account"]) if options["account"] else None
        asked: dict[str, Any] = {
            "format": options["format"],
            "columns": pairs(options["map"], option="--map"),
            "account_id": account.pk if account else None,
        }
        try:
            with ExitStack() as files:
                asked["file"] = files.enter_context(Path(options["path"]).open("rb"))
                if options["errors"]:
                    asked["errors"] = files.enter_context(_new_csv(options["errors"]))
                if options["preview"]:
                    report = imports.preview(**asked)
                else:
                    reason = f"import of {Path(options['path']).name[:120]}"
                    report = imports.apply(**asked, now=timezone.now(), reason=reason)
        except (FileError, OSError) as error:
            raise CommandError(str(error)) from error
        self.answer(options, _data(report), *_lines(report, errors=options["errors"]))


def _new_csv(path: str) -> TextIO:
    return Path(path).open("w", encoding="utf-8", newline="")


def _data(report: ImportReport) -> dict[str, Any]:
    return asdict(report)


def _lines(report: ImportReport, *, errors: str | None) -> list[str]:
    lines = [f"{FORMATS[report.format].title}: {report.rows} rows."]
    for kind, counts in report.counts.items():
        lines.append(f"{NAMES[kind]}: {counts.new} new, {counts.changed} changed, {counts.unchanged} unchanged.")
    lines.append(f"Refused: {report.refused} rows.")
    for each in report.problems:
        where = f"row {each.row}" + (f", {each.column}" if each.column else "")
        lines.append(f"  {where}: {each.message}")
    if errors and report.refused:
        lines.append(f"All refused rows are in {errors}.")
    if not report.written:
        lines.append("This was a preview: nothing is written.")
    return lines
