"""Warehouses, the ledger of movements, and the balances it folds to."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from inventory_sync.domain.ledger import MovementKind


class Warehouse(models.Model):
    """A place where stock is. Only ``own`` warehouses sell to all channels; the others are there to be counted, never sold."""

    class Kind(models.TextChoices):
        OWN = "own", "Own warehouse"
        FLIPKART_FC = "flipkart_fc", "Flipkart FC (FBF)"
        AMAZON_FC = "amazon_fc", "Amazon FC (FBA)"
        IN_TRANSIT = "in_transit", "In transit"
        QC = "qc", "QC pending"
        BAD = "bad", "Bad stock"

    code = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.OWN)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name or self.code


class StockBalance(models.Model):
    """What the movements of one SKU in one warehouse add up to. Written only together with a movement."""

    sku = models.ForeignKey("skumap.Sku", on_delete=models.PROTECT, related_name="balances")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="balances")
    on_hand = models.IntegerField("in warehouse", default=0)
    committed = models.IntegerField("blocked for orders", default=0)
    version = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "stock"
        verbose_name_plural = "stock"
        constraints = [
            models.UniqueConstraint(fields=["sku", "warehouse"], name="one_balance_per_sku_and_warehouse"),
            models.CheckConstraint(condition=Q(committed__gte=0), name="committed_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} @ {self.warehouse}"

    @property
    def available(self) -> int:
        """Sellable units; below zero when more was ordered than stands there."""
        return self.on_hand - self.committed


class StockMovement(models.Model):
    """One entry of the ledger. Appended, never edited (a trigger forbids it); a correction is a new movement."""

    key = models.CharField(max_length=160, unique=True)
    sku = models.ForeignKey("skumap.Sku", on_delete=models.PROTECT, related_name="movements")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="movements")
    on_hand_delta = models.IntegerField()
    committed_delta = models.IntegerField()
    kind = models.CharField(
        max_length=12, choices=[(kind.value, kind.name.replace("_", " ").title()) for kind in MovementKind]
    )
    line_id = models.BigIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, db_constraint=False
    )
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "stock movement"
        indexes: ClassVar = [
            models.Index(fields=["sku", "warehouse", "-id"], name="movement_by_place"),
            models.Index(fields=["line_id"], condition=Q(line_id__isnull=False), name="movement_by_line"),
        ]
        constraints = [
            # A stock take that found what the ledger says is worth keeping: it says so, and its key is used.
            models.CheckConstraint(
                condition=~Q(on_hand_delta=0, committed_delta=0) | Q(kind=MovementKind.COUNT.value),
                name="movement_moves_something",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class LocationLink(models.Model):
    """A channel location can be served from this own warehouse. Staff decide; an own warehouse may serve several."""

    location = models.ForeignKey("skumap.ChannelLocation", on_delete=models.CASCADE, related_name="warehouse_links")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="location_links")
    rank = models.PositiveSmallIntegerField(default=0, help_text="Lower first when the channel names no location.")

    class Meta:
        ordering = ("location", "rank", "id")
        constraints = [
            models.UniqueConstraint(fields=["location", "warehouse"], name="one_link_per_location_and_warehouse")
        ]

    def __str__(self) -> str:
        return f"{self.location} ← {self.warehouse}"


class TransferProposal(models.Model):
    """Stock that should move to where an order needs it; carried out with one click, or dismissed."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"
        DISMISSED = "dismissed", "Dismissed"

    sku = models.ForeignKey("skumap.Sku", on_delete=models.CASCADE)
    source = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="+")
    target = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="+")
    units = models.PositiveIntegerField()
    reason = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["sku", "source", "target"], condition=Q(status="open"), name="one_open_transfer_proposal"
            ),
            models.CheckConstraint(condition=Q(units__gte=1), name="transfer_units_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.units} × {self.sku}: {self.source} → {self.target}"


class Withdrawal(models.Model):
    """
    Stock that somebody wants to take away on purpose, while listings still offer it: it is set aside, what is on offer is worked off, and then it
    is taken.
    """

    class Kind(models.TextChoices):
        TRANSFER = "transfer", "Transfer"
        SALE = "sale", "Offline sale"

    class Status(models.TextChoices):
        WAITING = "waiting", "Set aside"
        DONE = "done", "Taken"
        CANCELLED = "cancelled", "Cancelled"

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=10, choices=Kind)
    sku = models.ForeignKey("skumap.Sku", on_delete=models.CASCADE, related_name="withdrawals", verbose_name="SKU")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="+")
    to_warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    units = models.PositiveIntegerField()
    reason = models.CharField(max_length=200, blank=True)
    occurred_at = models.DateTimeField(null=True, blank=True, help_text="When it happened; empty: when it is taken.")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "stock set aside"
        verbose_name_plural = "stock set aside"
        constraints = [
            models.CheckConstraint(condition=Q(units__gte=1), name="withdrawal_units_positive"),
            models.CheckConstraint(
                condition=Q(kind="transfer", to_warehouse__isnull=False) | Q(kind="sale", to_warehouse__isnull=True),
                name="only_transfers_have_a_target",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["sku", "warehouse"], condition=Q(status="waiting"), name="withdrawal_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.units} × {self.sku} from {self.warehouse}"


class CorrectionProposal(models.Model):
    """A correction of stock that the product worked out and a person posts, or dismisses: goods left under another SKU than was booked."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Posted"
        DISMISSED = "dismissed", "Dismissed"

    key = models.CharField(max_length=200, unique=True)
    sku = models.ForeignKey("skumap.Sku", on_delete=models.CASCADE, related_name="+", verbose_name="SKU")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="+")
    units = models.IntegerField(help_text="+ more stand there than the stock says, − fewer.")
    reason = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [models.CheckConstraint(condition=~Q(units=0), name="correction_corrects_something")]

    def __str__(self) -> str:
        return f"{self.units:+d} × {self.sku} in {self.warehouse}"
