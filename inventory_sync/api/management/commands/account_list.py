"""``manage.py account_list``: every seller account, without its secrets."""

from __future__ import annotations

from typing import Any

from inventory_sync.api.commands import AnsweringCommand, description
from skumap.models import ChannelAccount


class Command(AnsweringCommand):
    help = "List the seller accounts."

    def handle(self, *args: Any, **options: Any) -> None:
        rows = list(ChannelAccount.objects.order_by("id"))
        lines = [
            f"{row.pk:>4}  {row.channel:<9} {row.name:<30} {row.mode:<7} {row.get_health_display()}"
            f"{': ' + row.health_reason if row.health_reason else ''}"
            for row in rows
        ]
        self.answer(
            options, [description(row) for row in rows], *(lines or ["There are no accounts yet; see account_add."])
        )
