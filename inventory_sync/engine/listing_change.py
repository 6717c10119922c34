"""A change of what a listing says: proposed, seen by a manager as a difference, sent once, and what became of it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from inventory_sync.domain.listing_changes import ChangeKind


class ListingChange(models.Model):
    """
    One change of one listing (or a listing to be made). Only one of a seller SKU is open at a time.

    ``before`` and ``payload`` are what the listing says and would say, in the channel's own field names; ``diff`` is a list of {"field", "before",
    "after"}. ``problems`` (ours, before it is sent) and ``results`` (the channel's) are lists of {"field", "message", "code", "blocks",
    "attribute"}.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Waits for approval"
        APPROVED = "approved", "Approved, waits to be sent"
        SENDING = "sending", "Being sent"
        DONE = "done", "Done"
        REFUSED = "refused", "Not sent"
        FAILED = "failed", "Refused by the channel"
        UNKNOWN = "unknown", "Unknown: look at the channel"

    OPEN: ClassVar = (State.DRAFT, State.APPROVED, State.SENDING, State.UNKNOWN)
    WORDS: ClassVar = {
        ChangeKind.CREATE: "New listing",
        ChangeKind.UPDATE: "Update of all fields",
        ChangeKind.PRICE: "Price and MRP",
    }

    what = models.CharField(max_length=10, choices=[(kind.value, words) for kind, words in WORDS.items()])
    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.CASCADE, related_name="listing_changes")
    sku = models.ForeignKey("skumap.Sku", on_delete=models.CASCADE, related_name="listing_changes", verbose_name="SKU")
    listing = models.ForeignKey(
        "skumap.Listing", on_delete=models.SET_NULL, null=True, blank=True, related_name="changes"
    )
    seller_sku = models.CharField("seller SKU", max_length=120)
    product_id = models.CharField("FSN or ASIN", max_length=40, blank=True)
    price = models.DecimalField("selling price", max_digits=10, decimal_places=2, null=True, blank=True)
    mrp = models.DecimalField("MRP", max_digits=10, decimal_places=2, null=True, blank=True)

    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    before = models.JSONField(default=dict)
    payload = models.JSONField(default=dict)
    diff = models.JSONField(default=list)
    problems = models.JSONField(default=list)
    results = models.JSONField(default=list)
    note = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=100, blank=True)

    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    proposed_via = models.CharField(max_length=100, blank=True, help_text="A program's key, where no person did it.")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_via = models.CharField(max_length=100, blank=True)

    claimed_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="Since when the channel shows what was sent.")
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    alone = models.BooleanField(default=False, help_text="A call with it was refused as a whole: it goes by itself.")

    class Meta:
        ordering = ("-id",)
        verbose_name = "listing change"
        permissions = (("approve_listingchange", "Can approve listing changes"),)
        constraints = [
            models.UniqueConstraint(
                fields=["account", "seller_sku"],
                condition=Q(state__in=["draft", "approved", "sending", "unknown"]),
                name="one_open_change_per_seller_sku",
            ),
            models.CheckConstraint(condition=~Q(seller_sku=""), name="change_names_a_seller_sku"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["account", "state", "id"],
                condition=Q(state__in=["approved", "sending", "unknown"]) | Q(state="done", confirmed_at__isnull=True),
                name="change_with_work_left",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seller_sku}: {self.get_what_display().lower()}"

    @property
    def kind(self) -> ChangeKind:
        return ChangeKind(self.what)

    @property
    def blocking(self) -> list[dict[str, object]]:
        """Problems that keep it from being approved."""
        return [problem for problem in self.problems if problem.get("blocks", True)]
