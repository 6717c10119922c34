"""``manage.py warehouse_add``: a place where stock is."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from inventory_sync.api.commands import AnsweringCommand
from inventory_sync.stock.models import Warehouse


class Command(AnsweringCommand):
    help = "Add a warehouse. Only own ones are sold from. One that exists already is left as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("code", help="a short code, such as BLR")
        parser.add_argument("--name", default="")
        parser.add_argument("--kind", choices=Warehouse.Kind.values, default=Warehouse.Kind.OWN.value)

    def handle(self, *args: Any, **options: Any) -> None:
        code = options["code"].strip()
        if not code or len(code) > 30 or len(options["name"]) > 80:
            raise CommandError("a code has 1 to 30 characters, a name 80 at most")
        warehouse, created = Warehouse.objects.get_or_create(
            code=code, defaults={"name": options["name"], "kind": options["kind"]}
        )
        if warehouse.kind != options["kind"]:
            raise CommandError(f"there is a warehouse {code!r} already, of the kind {warehouse.kind}")
        data = {"id": warehouse.pk, "code": code, "name": warehouse.name, "kind": warehouse.kind, "created": created}
        self.answer(options, data, f"Warehouse {code}: {'added' if created else 'was there already'}.")
