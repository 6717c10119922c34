"""Match every listing that nobody has decided, now; with --audit, doubt every link, too. Workers do both by themselves."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from inventory_sync.engine.link_audit import audit_all
from inventory_sync.engine.matching import match_open


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--audit", action="store_true", help="score the links that are made, too")

    def handle(self, *args: Any, **options: Any) -> None:
        found = match_open(now=timezone.now())
        self.stdout.write(
            f"linked by itself {found.linked}, to review {found.ambiguous}, no SKU looks like it {found.without}"
        )
        if options["audit"]:
            self.stdout.write(f"links to look at {audit_all(now=timezone.now())}")
