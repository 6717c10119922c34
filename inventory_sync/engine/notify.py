"""Alerts go out once, over every route that is configured: email and one webhook."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import requests
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F

from inventory_sync.alerts.models import Alert

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5


def route_alerts(*, now: datetime, limit: int = 50) -> int:
    """
    Send the alerts that nobody was told of yet. A route that fails is tried again; one that works is not used twice for the same alert.

    :return: alerts sent.
    """
    if not settings.ALERT_EMAILS and not settings.ALERT_WEBHOOK_URL:
        return 0
    due = Alert.objects.filter(
        routed_at__isnull=True, resolved_at__isnull=True, route_attempts__lt=MAX_ATTEMPTS, opened_at__lte=now
    ).exclude(severity=Alert.Severity.INFO)
    sent = 0
    for alert in due.order_by("opened_at")[:limit]:
        claimed = Alert.objects.filter(pk=alert.pk, route_attempts=alert.route_attempts).update(
            route_attempts=F("route_attempts") + 1
        )
        if claimed and _send(alert):
            Alert.objects.filter(pk=alert.pk).update(routed_at=now + timedelta())
            sent += 1
    return sent


def _send(alert: Alert) -> bool:
    text = f"{alert.title}\n\n{alert.detail}\n\n{settings.PUBLIC_URL}{alert.link}".strip()
    try:
        if settings.ALERT_EMAILS:
            send_mail(f"[{alert.get_severity_display()}] {alert.title}", text, None, settings.ALERT_EMAILS)
        if settings.ALERT_WEBHOOK_URL:
            body = {
                "kind": alert.kind,
                "severity": alert.severity,
                "title": alert.title,
                "detail": alert.detail,
                "link": f"{settings.PUBLIC_URL}{alert.link}" if alert.link else "",
                "opened_at": alert.opened_at.isoformat(),
            }
            requests.post(
                settings.ALERT_WEBHOOK_URL, json=body, timeout=(3, 10), allow_redirects=False
            ).raise_for_status()
    except (OSError, requests.RequestException) as error:
        logger.warning("alert %s could not be sent: %s", alert.pk, error)
        return False
    return True
