"""What a person must know, once, until it is resolved."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Alert(models.Model):
    """
    One open problem. ``kind`` and ``key`` name it; while it is open, the same problem again only raises its count.

    It resolves itself when its cause is gone; acknowledging only says that somebody is looking.
    """

    class Severity(models.TextChoices):
        INFO = "info", "For your information"
        WARNING = "warning", "Look today"
        CRITICAL = "critical", "Look now"

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.WARNING)
    title = models.CharField(max_length=200)
    detail = models.TextField(blank=True)
    link = models.CharField(max_length=300, blank=True)
    account = models.ForeignKey(
        "skumap.ChannelAccount", on_delete=models.CASCADE, null=True, blank=True, related_name="alerts"
    )
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    routed_at = models.DateTimeField(null=True, blank=True)
    route_attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("-opened_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(resolved_at__isnull=True), name="one_open_alert"
            )
        ]

    def __str__(self) -> str:
        return self.title
