"""``manage.py link_listing``: which SKU a listing is."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q
from django.utils import timezone

from inventory_sync.api.commands import AnsweringCommand, account_named
from inventory_sync.engine.mapping import approve_match
from skumap.models import Listing, Sku
from skumap.services import LinkError


class Command(AnsweringCommand):
    help = "Link a listing to one of our SKUs; orders that waited for it are applied."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--account", required=True, help="name or id")
        parser.add_argument(
            "--listing", required=True, help="the channel's key, the seller SKU, or our id of the listing"
        )
        parser.add_argument("--sku", required=True, help="code of our SKU")
        parser.add_argument("--pack-of", type=int, default=1, help="units of the SKU in one unit of the listing")
        parser.add_argument(
            "--create-sku", action="store_true", help="add the SKU if there is none, with the listing's title"
        )
        parser.add_argument("--reason", default="command line")

    def handle(self, *args: Any, **options: Any) -> None:
        account = account_named(options["account"])
        listing = _listing(account.pk, options["listing"])
        sku = Sku.objects.filter(code=options["sku"]).first()
        if sku is None and options["create_sku"]:
            sku = Sku.objects.create(code=options["sku"], title=listing.title)
        if sku is None:
            raise CommandError(f"there is no SKU {options['sku']!r}; --create-sku adds it")
        try:
            approve_match(
                listing_id=listing.pk,
                sku_id=sku.pk,
                now=timezone.now(),
                units_per_sale=options["pack_of"],
                reason=options["reason"],
            )
        except LinkError as error:
            raise CommandError(str(error)) from error
        data = {"listing": listing.pk, "key": listing.key, "sku": sku.code, "units_per_sale": options["pack_of"]}
        pack = f", packs of {options['pack_of']}" if options["pack_of"] > 1 else ""
        self.answer(options, data, f"{account.name}: {listing} is {sku.code}{pack}.")


def _listing(account_id: int, text: str) -> Listing:
    rows = Listing.objects.filter(account_id=account_id)
    found = list(rows.filter(key=text)) or list(rows.filter(Q(seller_sku=text) | Q(listing_ref=text))[:2])
    if not found and text.isascii() and text.isdigit() and len(text) < 19:
        found = list(rows.filter(pk=int(text)))
    if len(found) != 1:
        problem = "more than one listing is" if found else "there is no listing"
        raise CommandError(f"{problem} {text!r} in this account; account_pull reads them, the REST API lists them")
    return found[0]
