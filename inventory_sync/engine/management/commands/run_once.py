"""
Do everything that is due, in this process, once: read, apply, decide, send. What the workers do, without Celery.

For a look by hand, for cron on a small installation, and for tests that kill it half way.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from inventory_sync.domain.errors import ChannelError
from inventory_sync.engine import (
    bulk,
    clockwork,
    inbound,
    listing_sending,
    polling,
    pulling,
    push,
    reconcile,
    upkeep,
)
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.models import SyncCursor
from skumap.models import ChannelAccount


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--passes", type=int, default=1, help="how many times to look (default 1)")
        parser.add_argument("--pause", type=float, default=0.0, help="seconds between two looks")
        parser.add_argument("--everything-is-due", action="store_true", help="read every stream now, whatever its pace")

    def handle(self, *args: Any, passes: int, pause: float, everything_is_due: bool, **options: Any) -> None:
        for index in range(passes):
            time.sleep(pause if index else 0.0)
            if everything_is_due:
                SyncCursor.objects.update(next_due_at=timezone.now(), running_until=None)
            done = self._pass()
            self.stdout.write(", ".join(f"{name} {count}" for name, count in done.items()))

    def _pass(self) -> dict[str, int]:
        done = {"streams": 0, "messages": 0, "quantities": 0, "listings": 0, "failures": 0}
        for cursor in polling.due_cursors(now=timezone.now()):
            done["streams"] += self._read(cursor)
        for account in ChannelAccount.objects.order_by("id"):
            try:
                inbound.sweep_confirmations(context=AccountContext(account), now=timezone.now())
                if upkeep.has_queue(account):
                    done["messages"] += inbound.receive_queue(account_id=account.pk, wait_seconds=0)
                bulk.check_jobs(account_id=account.pk)
            except ChannelError as error:
                done["failures"] += 1
                self.stderr.write(f"{account}: {error}")
        done["messages"] += inbound.drain_inbox(now=timezone.now())
        clockwork.settle_time(now=timezone.now())
        for account in ChannelAccount.objects.filter(mode=ChannelAccount.Mode.LIVE).order_by("id"):
            done["quantities"] += bulk.start_bulk(account_id=account.pk)
            while sent := push.push_account(account_id=account.pk, now=timezone.now()):
                done["quantities"] += sent
        for account_id in listing_sending.accounts_with_changes(now=timezone.now()):
            while changed := listing_sending.work(account_id=account_id, now=timezone.now()):
                done["listings"] += changed
        return done

    def _read(self, cursor: SyncCursor) -> int:
        if cursor.stream == "reconcile":
            return int(reconcile.read_slice(account_id=cursor.account_id) > 0)
        if cursor.stream == "listings":
            return int(pulling.pull_if_due(account_id=cursor.account_id) > 0)
        return int(polling.poll_stream(account_id=cursor.account_id, stream=cursor.stream) is not None)
