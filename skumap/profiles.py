"""
What the law and the channels want to know of goods: tables of the tariff and the rates, category profiles, and what a SKU has of its own.

The rules are pure and stand in :mod:`skumap.compliance`; here is only what they are fed with.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q


class HsnCode(models.Model):
    """A code of the tariff, from the portal's list."""

    code = models.CharField(max_length=8, primary_key=True)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=40, default="active")

    class Meta:
        ordering = ("code",)
        verbose_name = "HSN code"

    def __str__(self) -> str:
        return self.code


class GstRate(models.Model):
    """A GST rate from a day on: for an HSN prefix, under a condition. A new notification is a new row, never a changed one."""

    hsn_prefix = models.CharField("HSN begins with", max_length=8)
    condition = models.CharField(max_length=120, blank=True)
    rate = models.DecimalField("rate, %", max_digits=6, decimal_places=3)
    valid_from = models.DateField("from")
    valid_to = models.DateField("to", null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)
    category = models.CharField(max_length=80, blank=True)
    evidence = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ("hsn_prefix", "condition", "valid_from")
        verbose_name = "GST rate"
        constraints = [
            models.UniqueConstraint(fields=["hsn_prefix", "condition", "valid_from"], name="one_rate_per_start"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="rate_ends_after_it_began"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hsn_prefix} {self.condition}: {self.rate.normalize():f} %"


class GstState(models.Model):
    """A State or Union territory by its GST code."""

    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=80)
    iso_code = models.CharField("ISO code", max_length=6, blank=True)
    kind = models.CharField(max_length=40, blank=True)
    tax_label = models.CharField(max_length=10, default="SGST")
    shopify_code = models.CharField(max_length=4, blank=True)
    status = models.CharField(max_length=20, default="active")
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("code",)
        verbose_name = "State"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Profile(models.Model):
    """What is declared of goods. A blank field of a SKU is its category's; a blank field of a category is not known."""

    hsn = models.CharField("HSN", max_length=8, blank=True)
    tags = models.CharField(
        max_length=200, blank=True, help_text="Words that the GST table knows, commas between, such as prepacked."
    )
    confirmed_rate = models.DecimalField(
        "confirmed GST rate, %",
        null=True,
        blank=True,
        help_text="Only for goods that the GST table does not list.",
        max_digits=6,
        decimal_places=3,
    )
    country_of_origin = models.CharField(
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}$", "Two capital letters, such as IN.")],
        help_text="Two letters, such as IN.",
    )
    manufacturer = models.TextField("manufacturer, with address", blank=True)
    packer = models.TextField("packer, with address", blank=True, help_text="If it is not the manufacturer.")
    importer = models.TextField("importer, with address", blank=True)
    generic_name = models.CharField(max_length=120, blank=True)
    net_quantity = models.CharField(max_length=80, blank=True)
    dimensions = models.CharField(max_length=120, blank=True)
    consumer_care = models.TextField("consumer care: name, address, phone, e-mail", blank=True)
    shelf_life_days = models.PositiveIntegerField(null=True, blank=True)
    mfg_date = models.DateField("manufactured on", null=True, blank=True)
    mfg_rule = models.CharField(
        "manufacturing date",
        max_length=10,
        blank=True,
        choices=[("given", "As given for each SKU"), ("month", "The first of the month of its last goods in")],
    )
    packages = models.JSONField(
        default=list,
        blank=True,
        help_text="One entry for each package: length, breadth, height (cm), weight (kg), notional_value (rupees), fragile.",
    )
    procurement_type = models.CharField(max_length=20, blank=True)
    shipping_provider = models.CharField(max_length=20, blank=True)
    dispatch_days = models.PositiveSmallIntegerField("dispatch within days", null=True, blank=True)
    fee_local = models.DecimalField(
        "shipping fee, local", null=True, blank=True, validators=[MinValueValidator(0)], max_digits=10, decimal_places=2
    )
    fee_zonal = models.DecimalField(
        "shipping fee, zonal", null=True, blank=True, validators=[MinValueValidator(0)], max_digits=10, decimal_places=2
    )
    fee_national = models.DecimalField(
        "shipping fee, national",
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        max_digits=10,
        decimal_places=2,
    )

    class Meta:
        abstract = True

    FIELDS: ClassVar[tuple[str, ...]] = (
        "hsn", "tags", "confirmed_rate", "country_of_origin", "manufacturer", "packer", "importer", "generic_name", "net_quantity", "dimensions",
        "consumer_care", "shelf_life_days", "mfg_date", "mfg_rule", "packages", "procurement_type", "shipping_provider", "dispatch_days",
        "fee_local", "fee_zonal", "fee_national",
    )  # fmt: skip


class Category(Profile):
    """A kind of goods, with what is the same for all of them."""

    name = models.CharField(max_length=120, unique=True)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.name


class SkuProfile(Profile):
    """What one SKU has of its own; blank is as its category says."""

    sku = models.OneToOneField("skumap.Sku", on_delete=models.CASCADE, related_name="profile")

    class Meta:
        verbose_name = "compliance"
        verbose_name_plural = "compliance"

    def __str__(self) -> str:
        return str(self.sku)


def merged(*, own: Profile | None, category: Profile | None) -> dict[str, Any]:
    """Each field's value: the SKU's own, else its category's, else blank. 0 is a value, "" and an empty list are blank."""
    found: dict[str, Any] = {}
    for name in Profile.FIELDS:
        values = [getattr(profile, name) for profile in (own, category) if profile is not None]
        found[name] = next((value for value in values if value not in (None, "", [])), None)
    return found
