"""``manage.py replay_deliveries``: process stored incoming messages again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from inventory_sync.api.commands import AnsweringCommand, account_named
from inventory_sync.engine.inbound import drain_inbox, replay_delivery
from inventory_sync.engine.models import WebhookDelivery


class Command(AnsweringCommand):
    help = "Process stored incoming messages again. What they say is applied at most once all the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "ids", nargs="*", type=int, help="ids of messages; without any, those that the options choose"
        )
        parser.add_argument("--account", help="name or id")
        parser.add_argument(
            "--status", choices=WebhookDelivery.Status.values, help="failed, unless ids or another status are given"
        )
        parser.add_argument("--since", help="received at or after, ISO 8601")
        parser.add_argument("--limit", type=int, default=1_000)
        parser.add_argument("--now", action="store_true", help="process them in this command, not in a worker")
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = WebhookDelivery.objects.order_by("id")
        status = options["status"] or (None if options["ids"] else WebhookDelivery.Status.FAILED)
        if options["ids"]:
            rows = rows.filter(pk__in=options["ids"])
        if status:
            rows = rows.filter(status=status)
        if options["account"]:
            rows = rows.filter(account=account_named(options["account"]))
        if options["since"]:
            rows = rows.filter(received_at__gte=_moment(options["since"]))
        chosen = list(rows.values_list("id", flat=True)[: max(options["limit"], 0)])
        if not options["dry_run"]:
            for delivery_id in chosen:
                replay_delivery(delivery_id=delivery_id)
            while options["now"] and drain_inbox(now=timezone.now()):
                pass
        words = "would be processed again" if options["dry_run"] else "will be processed again"
        self.answer(options, {"deliveries": chosen, "dry_run": options["dry_run"]}, f"{len(chosen)} messages {words}.")


def _moment(text: str) -> Any:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"{text!r} is no time in ISO 8601, such as 2026-10-07T18:30:00+05:30")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
