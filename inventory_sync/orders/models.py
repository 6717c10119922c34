"""Orders of all channels as facts, their lines, and what came back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Order(models.Model):
    """
    One order (Flipkart: one shipment) as its channel last described it.

    Buyer data is not stored. ``updated_at``, ``source_rank`` and ``request_started_at`` say which snapshot was applied last.
    """

    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.PROTECT, related_name="orders")
    key = models.CharField(max_length=80, help_text="Flipkart: shipment id. Shopify and Amazon: order id.")
    order_number = models.CharField(max_length=80, db_index=True)
    status = models.CharField(max_length=60, blank=True)
    placed_at = models.DateTimeField(null=True, blank=True)
    fulfil_by = models.DateTimeField("dispatch by", null=True, blank=True)
    on_hold = models.BooleanField(default=False)
    test = models.BooleanField(default=False)
    replacement = models.BooleanField(default=False)
    updated_at = models.DateTimeField("channel's time", null=True, blank=True)
    source_rank = models.SmallIntegerField(default=-1)
    request_started_at = models.DateTimeField(null=True, blank=True)
    first_seen_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True)
    confirm_since = models.DateTimeField(null=True, blank=True, help_text="Waiting to be read by id since.")

    class Meta:
        ordering = ("-first_seen_at",)
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="one_order_per_key_and_account")]
        indexes: ClassVar = [
            models.Index(fields=["account", "-placed_at"], name="order_by_placed_at"),
            models.Index(fields=["account"], condition=Q(confirm_since__isnull=False), name="order_to_confirm"),
        ]

    def __str__(self) -> str:
        return self.order_number or self.key


class OrderLine(models.Model):
    """
    One line: the facts last applied, what the line takes from stock (frozen when it first committed), and where.

    A line whose listing nobody has linked yet waits: ``waiting`` is True, nothing is committed, and it is applied when someone links it.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.PROTECT, related_name="+")
    line_key = models.CharField(max_length=120)
    line_ref = models.CharField(max_length=120, help_text="The channel's own id of the line, which its returns name.")
    listing_key = models.CharField(max_length=120)
    listing_ids = models.JSONField(default=dict)
    title = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=60, blank=True)
    listing = models.ForeignKey(
        "skumap.Listing", on_delete=models.SET_NULL, null=True, blank=True, related_name="order_lines"
    )
    sku = models.ForeignKey("skumap.Sku", on_delete=models.PROTECT, null=True, blank=True, related_name="order_lines")
    ordered = models.IntegerField()
    shipped = models.IntegerField(default=0)
    cancelled = models.IntegerField(default=0)
    cancelled_kept = models.IntegerField(default=0)
    returned = models.IntegerField(default=0)
    lost = models.IntegerField(default=0)
    recalled = models.IntegerField(
        default=0, help_text="Cancelled after they had left; counted as shipped until they are back."
    )
    channel_restocked = models.IntegerField(default=0, help_text="Units that the channel put back on sale by itself.")
    location_id = models.CharField(max_length=80, blank=True)
    warehouse = models.ForeignKey("stock.Warehouse", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    components = models.JSONField(default=dict, help_text="Physical SKU id → units per unit sold, frozen.")
    marketplace_fulfilled = models.BooleanField(default=False)
    waiting = models.BooleanField(default=False)
    applied_version = models.PositiveIntegerField(default=0)
    booked_units = models.IntegerField(default=0, help_text="Units told to the exposure book.")
    booked_restocks = models.IntegerField(
        default=0, help_text="Of the units the channel put back, those told to the book."
    )
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)

    class Meta:
        ordering = ("order", "id")
        constraints = [models.UniqueConstraint(fields=["account", "line_key"], name="one_line_per_key_and_account")]
        indexes: ClassVar = [
            models.Index(fields=["account", "listing_key"], condition=Q(waiting=True), name="line_waiting"),
            models.Index(fields=["listing", "-id"], name="line_by_listing"),
            models.Index(fields=["account", "line_ref"], name="line_by_ref"),
        ]

    def __str__(self) -> str:
        return f"{self.order} / {self.line_key}"

    @property
    def open_units(self) -> int:
        """Units still to ship."""
        return max(self.ordered - self.shipped - self.cancelled - self.cancelled_kept, 0)


class ReturnItem(models.Model):
    """One return as its channel describes it. When it has arrived, its units are in QC pending (or in stock, if the account's rule says so)."""

    class State(models.TextChoices):
        EXPECTED = "expected", "On its way"
        ARRIVED = "arrived", "Arrived"
        CALLED_OFF = "called_off", "Called off"
        NEVER = "never", "Will not come"

    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.PROTECT, related_name="returns")
    return_id = models.CharField(max_length=80)
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, null=True, blank=True, related_name="returns")
    line_key = models.CharField(max_length=200, blank=True)
    line_ref = models.CharField(max_length=120, blank=True)
    order_ref = models.CharField(max_length=80, blank=True)
    units = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=12, choices=State, default=State.EXPECTED)
    status = models.CharField(max_length=40, blank=True)
    courier_return = models.BooleanField("RTO", default=False)
    to_stock = models.BooleanField(default=False, help_text="Straight back on sale, by the account's rule.")
    tracking_id = models.CharField(max_length=60, blank=True)
    updated_at = models.DateTimeField(null=True, blank=True)
    source_rank = models.SmallIntegerField(default=-1)
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ("-first_seen_at",)
        constraints = [models.UniqueConstraint(fields=["account", "return_id"], name="one_return_per_id_and_account")]
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], condition=Q(line__isnull=True), name="return_without_line"),
        ]

    def __str__(self) -> str:
        return self.return_id
