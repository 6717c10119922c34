"""How the accounts are doing, in a number of queries that does not grow with them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, Q

from inventory_sync.domain.errors import ChannelError
from inventory_sync.engine.accounts import AccountContext, adapter_class, budget_of
from inventory_sync.engine.measure import WINDOW
from inventory_sync.engine.models import ListingState, SyncCursor, WebhookDelivery
from skumap.models import ChannelAccount

logger = logging.getLogger(__name__)

DELAYS = """
SELECT account_id, kind, percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY seconds), count(*)
  FROM engine_latencysample WHERE account_id = ANY(%(accounts)s) AND at >= %(since)s GROUP BY 1, 2
"""


def sync_status(*, accounts: Sequence[ChannelAccount], now: datetime) -> list[dict[str, Any]]:
    """One mapping for each account, in their order; its shape is ``SyncSerializer``."""
    ids = [account.pk for account in accounts]
    delays, cursors = _delays(ids, now), defaultdict(list)
    for cursor in SyncCursor.objects.filter(account_id__in=ids).order_by("stream"):
        cursors[cursor.account_id].append(cursor)
    waiting: dict[int, Any] = {
        row["account_id"]: row
        for row in ListingState.objects.filter(account_id__in=ids, stale_since__isnull=False)
        .order_by()
        .values("account_id")
        .annotate(rows=Count("id"), oldest=Min("stale_since"))
    }
    unfinished = Q(status__in=[WebhookDelivery.Status.NEW, WebhookDelivery.Status.RETRY])
    failed = Q(status=WebhookDelivery.Status.FAILED)
    inbox: dict[int, Any] = {
        row["account_id"]: row
        for row in WebhookDelivery.objects.filter(unfinished | failed, account_id__in=ids)
        .order_by()
        .values("account_id")
        .annotate(open=Count("id", filter=unfinished), failed=Count("id", filter=failed))
    }
    return [
        {
            "account": account.pk,
            "name": account.name,
            "channel": account.channel,
            "mode": account.mode,
            "health": account.health,
            "health_reason": account.health_reason,
            "last_success_at": account.last_success_at,
            "waiting_rows": waiting.get(account.pk, {}).get("rows", 0),
            "oldest_waiting_since": waiting.get(account.pk, {}).get("oldest"),
            "inbox": inbox.get(account.pk, {}).get("open", 0),
            "needs_a_look": inbox.get(account.pk, {}).get("failed", 0),
            "delays": delays[account.pk],
            "budget": _budget(account),
            "cursors": cursors[account.pk],
        }
        for account in accounts
    ]


def _delays(ids: list[int], now: datetime) -> dict[int, dict[str, dict[str, float]]]:
    found: dict[int, dict[str, dict[str, float]]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(DELAYS, {"accounts": ids, "since": now - WINDOW})
        for account_id, kind, (p50, p95), count in cursor.fetchall():
            found[account_id][kind] = {"p50": round(p50, 2), "p95": round(p95, 2), "count": count}
    return found


def _budget(account: ChannelAccount) -> dict[str, dict[str, Any]]:
    """What is left of each of the account's call budgets; {} if its settings do not make sense."""
    context = AccountContext(account)
    try:
        plan = adapter_class(account.channel).budget_plan(context.settings, workers=settings.WORKERS)  # type: ignore[attr-defined]
        budget = budget_of(context)
        found = {group: budget.left(group) for group in sorted(plan.groups)}  # type: ignore[attr-defined]
    except (ChannelError, ValueError, KeyError, TypeError) as error:
        logger.warning("no budget for account %s: %s", account.pk, error)
        return {}
    return {
        group: {
            "limit": round(float(left["limit"]), 1),
            "left": round(float(left["left"]), 1),
            "blocked_seconds": round(float(left.get("blocked_seconds", 0.0)), 1),
            "shared": bool(left["shared"]),
        }
        for group, left in found.items()
    }
