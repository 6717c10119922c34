"""``manage.py account_pull``: read an account's locations and listings now."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from inventory_sync.api.commands import AnsweringCommand, account_named
from inventory_sync.domain.errors import ChannelError
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.polling import ensure_cursors
from inventory_sync.engine.pulling import pull_listings
from skumap.models import ChannelLocation, Listing


class Command(AnsweringCommand):
    help = "Read an account's locations and listings now, and wait for it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("account", help="name or id")

    def handle(self, *args: Any, **options: Any) -> None:
        account = account_named(options["account"])
        try:
            ensure_cursors(context=context_of(account.pk), now=timezone.now())
            read = pull_listings(account_id=account.pk)
        except ChannelError as error:
            raise CommandError(f"{account.name} can't be read: {error}") from error
        listings = Listing.objects.filter(account=account, vanished_at__isnull=True)
        unlinked = listings.filter(sku__isnull=True).exclude(status=Listing.Status.IGNORED).count()
        locations = list(ChannelLocation.objects.filter(account=account).values_list("external_id", flat=True))
        self.answer(
            options,
            {"read": read, "listings": listings.count(), "not_linked": unlinked, "locations": locations},
            f"{read} listings read; {unlinked} are not linked to a SKU.",
            f"Locations: {', '.join(locations) or 'none'}",
        )
