"""``manage.py location_link``: which own warehouses serve a location of a channel."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from inventory_sync.api.commands import AnsweringCommand, account_named, warehouse_named
from inventory_sync.api.views.stock import link_warehouses
from inventory_sync.stock.models import Warehouse
from skumap.models import ChannelLocation


class Command(AnsweringCommand):
    help = "Say which own warehouses serve a channel's location. They replace those that served it before."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--account", required=True, help="name or id")
        parser.add_argument("--location", help="the channel's id of it; may be left out if the account has only one")
        parser.add_argument("--warehouse", nargs="+", required=True, metavar="CODE", help="first choice first")
        parser.add_argument(
            "--create", action="store_true", help="add the location if the channel has not told us of it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        account = account_named(options["account"])
        warehouses = list({row.pk: row for row in map(warehouse_named, options["warehouse"])}.values())
        foreign = [row.code for row in warehouses if row.kind != Warehouse.Kind.OWN]
        if foreign:
            raise CommandError(f"{', '.join(foreign)}: not an own warehouse, so nothing is sold from it")
        location = self._location(account.pk, options)
        link_warehouses(location=location, warehouses=warehouses)
        codes = [row.code for row in warehouses]
        data = {"id": location.pk, "account": account.pk, "location": location.external_id, "warehouses": codes}
        self.answer(options, data, f"{account.name}, {location.external_id}: served from {', '.join(codes)}.")

    def _location(self, account_id: int, options: dict[str, Any]) -> ChannelLocation:
        rows, wanted = ChannelLocation.objects.filter(account_id=account_id), options["location"]
        known = list(rows.order_by("id")[:50])
        if wanted is None:
            if len(known) == 1:
                return known[0]
            raise CommandError(f"say which --location: {_names(known)}")
        found = rows.filter(external_id=wanted).first()
        if found is None and options["create"]:
            found = ChannelLocation.objects.create(account_id=account_id, external_id=wanted)
        if found is None:
            raise CommandError(f"there is no location {wanted!r}: {_names(known)}; --create adds it")
        return found


def _names(known: list[ChannelLocation]) -> str:
    return ", ".join(row.external_id for row in known) or "none is known yet; see account_pull"
