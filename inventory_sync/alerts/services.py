"""Raise and resolve alerts: one row while the cause lasts, sent once over every route."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import connection
from django.utils import timezone

from inventory_sync.alerts.models import Alert

logger = logging.getLogger(__name__)

RAISE = """
INSERT INTO alerts_alert (kind, key, severity, title, detail, link, account_id, opened_at, last_seen_at, count, route_attempts)
VALUES (%(kind)s, %(key)s, %(severity)s, %(title)s, %(detail)s, %(link)s, %(account_id)s, %(now)s, %(now)s, 1, 0)
ON CONFLICT (kind, key) WHERE resolved_at IS NULL
DO UPDATE SET last_seen_at = EXCLUDED.last_seen_at, count = alerts_alert.count + 1,
              detail = EXCLUDED.detail, title = EXCLUDED.title, severity = EXCLUDED.severity
RETURNING (xmax = 0) AS is_new
"""


def raise_alert(
    *,
    kind: str,
    key: str,
    title: str,
    detail: str = "",
    severity: str = Alert.Severity.WARNING,
    account_id: int | None = None,
    link: str = "",
    now: datetime | None = None,
) -> bool:
    """
    Say that something needs a person. Safe to repeat: an open alert of the same kind and key only counts up.

    :return: True when it is a new alert.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            RAISE,
            {
                "kind": kind[:40],
                "key": key[:200],
                "severity": severity,
                "title": title[:200],
                "detail": detail,
                "link": link[:300],
                "account_id": account_id,
                "now": now or timezone.now(),
            },
        )
        is_new = bool(cursor.fetchone()[0])
    if is_new:
        logger.warning("alert %s %s: %s", kind, key, title)
    return is_new


def resolve_alert(*, kind: str, key: str | None = None, key_prefix: str = "", now: datetime | None = None) -> int:
    """
    The cause is gone.

    :param key: None resolves every open alert of the kind (whose key begins with ``key_prefix``).
    :return: alerts resolved.
    """
    rows = Alert.objects.filter(kind=kind, resolved_at__isnull=True)
    rows = rows.filter(key=key) if key is not None else rows.filter(key__startswith=key_prefix)
    return rows.update(resolved_at=now or timezone.now())
