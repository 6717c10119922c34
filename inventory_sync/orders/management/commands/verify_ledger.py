"""``manage.py verify_ledger``: prove that balances and order lines are what the movements say."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory_sync.orders.verify import Difference, Kind, verify


class Command(BaseCommand):
    help = "Compare every balance with its movements, and every order line with what it moved. Exits with 1 if anything differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output, for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        differences = verify()
        if options["json"]:
            self.stdout.write(
                json.dumps({"ok": not differences, "differences": [asdict(each) for each in differences]})
            )
        else:
            for each in differences:
                self.stdout.write(describe(each))
            if not differences:
                self.stdout.write(
                    self.style.SUCCESS("The ledger is right: every balance and every order line agrees with it.")
                )
        if differences:
            raise CommandError(f"{len(differences)} differences in the ledger", returncode=1)


def describe(difference: Difference) -> str:
    """One line for a person: what differs, where, and by how much."""
    what = {
        Kind.BALANCE: "stock",
        Kind.LINE: f"order {difference.order} (line {difference.line_id})",
        Kind.ORPHAN: f"line {difference.line_id}, which does not exist,",
    }[difference.kind]
    return (
        f"{what}: SKU {difference.sku} in {difference.warehouse}: "
        f"expected {difference.expected.on_hand} in warehouse and {difference.expected.committed} blocked, "
        f"stored {difference.stored.on_hand} and {difference.stored.committed}"
    )
