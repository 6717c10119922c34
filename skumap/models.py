"""Who sells where: seller accounts, their locations, our SKUs, their listings, and which listing is which SKU since when."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q, Value

from inventory_sync.domain.snapshots import Channel, Fulfilment
from skumap.fields import EncryptedJSONField
from skumap.profiles import Category, GstRate, GstState, HsnCode, SkuProfile  # noqa: F401 - models of this app


class ChannelAccount(models.Model):
    """One seller account on one channel. A new one starts in *shadow*: it reads and computes everything and sends nothing."""

    class Mode(models.TextChoices):
        SHADOW = "shadow", "Trial run (nothing is sent)"
        LIVE = "live", "Live"
        PAUSED = "paused", "Paused"

    class Health(models.TextChoices):
        NEW = "new", "Not connected yet"
        OK = "ok", "Working"
        DEGRADED = "degraded", "Slow or failing"
        BROKEN = "broken", "Needs you"

    channel = models.CharField(max_length=16, choices=[(channel.value, channel.name.title()) for channel in Channel])
    name = models.CharField(max_length=80, unique=True)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.SHADOW)
    identity = models.CharField(
        max_length=120,
        blank=True,
        help_text="Shopify: the shop's .myshopify.com domain. Amazon: the seller id (merchant token). Flipkart: the seller id. "
        "Other credentials can't take this account over.",
    )
    api_base = models.URLField(max_length=300, blank=True, help_text="Leave empty for the channel's own address.")
    auth_base = models.URLField(
        max_length=300, blank=True, help_text="Where tokens come from; empty for the channel's own."
    )
    credentials = EncryptedJSONField(default=dict)
    settings = models.JSONField(default=dict, blank=True, help_text="Only what differs from the channel's defaults.")
    webhook_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    health = models.CharField(max_length=8, choices=Health, default=Health.NEW)
    health_reason = models.CharField(max_length=300, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    live_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("channel", "name")
        verbose_name = "seller account"
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "identity"], condition=~Q(identity=""), name="account_identity_once_per_channel"
            ),
            models.CheckConstraint(condition=Q(mode__in=["shadow", "live", "paused"]), name="account_mode_known"),
        ]

    def __str__(self) -> str:
        return self.name


class AccountToken(models.Model):
    """A token of an account, with the lease of whoever is refreshing it right now."""

    account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=40, default="default")
    data = EncryptedJSONField(null=True)
    expires_at = models.DateTimeField(null=True)
    refresh_expires_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="one_token_per_name")]

    def __str__(self) -> str:
        return f"{self.account_id}/{self.name}"


class ChannelLocation(models.Model):
    """A stock location as the channel names it: a Flipkart ``LOC…``, a Shopify location, Amazon's one merchant quantity."""

    account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="locations")
    external_id = models.CharField(max_length=80)
    name = models.CharField(max_length=120, blank=True)
    active = models.BooleanField(default=True)
    managed = models.BooleanField(
        default=True, help_text="Off: the marketplace or a fulfilment service owns it; never written."
    )

    class Meta:
        ordering = ("account", "name")
        verbose_name = "channel location"
        constraints = [
            models.UniqueConstraint(fields=["account", "external_id"], name="one_location_per_id_and_account")
        ]

    def __str__(self) -> str:
        return self.name or self.external_id


class Sku(models.Model):
    """What we keep on the shelf, or a combo (kit) of it. Quantities of a kit come from its components."""

    code = models.CharField(max_length=80, unique=True)
    title = models.CharField(max_length=300, blank=True)
    brand = models.CharField(max_length=80, blank=True)
    barcode = models.CharField(max_length=20, blank=True)
    hsn = models.CharField("HSN", max_length=8, blank=True)
    mrp = models.DecimalField("MRP", max_digits=10, decimal_places=2, null=True, blank=True)
    category = models.ForeignKey(
        "skumap.Category", on_delete=models.SET_NULL, null=True, blank=True, related_name="skus"
    )
    attributes = models.JSONField(default=dict, blank=True)
    priority = models.BooleanField(default=False, help_text="Goes first when calls are scarce.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("code",)
        verbose_name = "SKU"
        verbose_name_plural = "SKUs"
        constraints = [models.CheckConstraint(condition=~Q(code=""), name="sku_code_not_empty")]

    def __str__(self) -> str:
        return self.code


class KitComponent(models.Model):
    """One component of a combo: ``units`` of it go into one kit."""

    kit = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="components")
    component = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="part_of")
    units = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = "combo part"
        constraints = [
            models.UniqueConstraint(fields=["kit", "component"], name="component_once_per_kit"),
            models.CheckConstraint(condition=Q(units__gte=1), name="component_units_positive"),
            models.CheckConstraint(condition=~Q(kit=F("component")), name="kit_not_in_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.units} × {self.component}"

    def clean(self) -> None:
        """
        A combo consists of plain SKUs.

        :raises ValidationError: the component is itself a combo, or the kit is part of one.
        """
        if self.component_id and KitComponent.objects.filter(kit_id=self.component_id).exists():
            raise ValidationError({"component": "A combo can't contain another combo: name its parts instead."})
        if self.kit_id and KitComponent.objects.filter(component_id=self.kit_id).exists():
            raise ValidationError({"kit": "This SKU is part of a combo, so it can't become one."})


class Listing(models.Model):
    """One offer on one channel account, as the channel describes it, and the SKU that it is (or none yet)."""

    class Status(models.TextChoices):
        UNMAPPED = "unmapped", "New"
        AMBIGUOUS = "ambiguous", "Needs matching"
        MAPPED = "mapped", "Linked"
        IGNORED = "ignored", "Ignored"

    account = models.ForeignKey(ChannelAccount, on_delete=models.CASCADE, related_name="listings")
    key = models.CharField(max_length=120, help_text="Flipkart and Amazon: the seller SKU. Shopify: the variant id.")
    seller_sku = models.CharField(max_length=120, blank=True)
    product_id = models.CharField(max_length=40, blank=True, help_text="FSN, ASIN or Shopify product id.")
    listing_ref = models.CharField(max_length=60, blank=True, help_text="Listing id, FNSKU or inventory item id.")
    title = models.CharField(max_length=300, blank=True)
    fulfilment = models.CharField(
        max_length=20, choices=[(f.value, f.value) for f in Fulfilment], default=Fulfilment.UNKNOWN
    )
    units_per_sale = models.PositiveIntegerField("pack of", default=1)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, null=True, blank=True, related_name="listings")
    status = models.CharField(max_length=10, choices=Status, default=Status.UNMAPPED)
    active = models.BooleanField(default=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    mrp = models.DecimalField("MRP", max_digits=10, decimal_places=2, null=True, blank=True)
    barcode = models.CharField(max_length=40, blank=True)
    product_type = models.CharField(max_length=80, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    hazards = models.JSONField(default=list, blank=True)
    accepted_hazards = models.JSONField(default=list, blank=True)
    shows = models.IntegerField(
        null=True, blank=True, help_text="Units that it showed at the seller's own locations when it was pulled last."
    )
    other_goods = models.BooleanField(
        default=False, help_text="Not linked and none of our stock, though it looks like a SKU of ours."
    )
    marketplace_quantity = models.IntegerField(null=True, blank=True)
    marketplace_quantity_at = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when the channel waits for more units than we know of."
    )
    missing_units = models.IntegerField(default=0)
    missing_before = models.IntegerField(default=0, help_text="Of those, what the read before could not explain.")
    pulled_at = models.DateTimeField(null=True, blank=True)
    vanished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("account", "key")
        constraints = [
            models.UniqueConstraint(fields=["account", "key"], name="one_listing_per_key_and_account"),
            models.CheckConstraint(condition=Q(units_per_sale__gte=1), name="listing_units_positive"),
            models.CheckConstraint(condition=~Q(key=""), name="listing_key_not_empty"),
            models.CheckConstraint(
                condition=Q(status="mapped", sku__isnull=False) | (~Q(status="mapped") & Q(sku__isnull=True)),
                name="listing_mapped_means_a_sku",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "product_id"], name="listing_by_product"),
            models.Index(fields=["account", "listing_ref"], name="listing_by_ref"),
            models.Index(fields=["account", "seller_sku"], name="listing_by_seller_sku"),
            models.Index(fields=["status"], name="listing_by_status"),
        ]

    def __str__(self) -> str:
        return self.seller_sku or self.key

    @property
    def open_hazards(self) -> list[str]:
        """Hazards that nobody has fixed or accepted; a listing with any is not treated as live."""
        return [hazard for hazard in self.hazards if hazard not in self.accepted_hazards]


class ListingLink(models.Model):
    """From when to when a listing was which SKU, who said so and why. An order line resolves by the link valid at its order time."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="links")
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="links")
    units_per_sale = models.PositiveIntegerField(default=1)
    valid_from = models.DateTimeField(null=True, blank=True, help_text="Empty: since ever.")
    valid_to = models.DateTimeField(null=True, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("listing", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["listing"], condition=Q(valid_to__isnull=True), name="one_open_link_per_listing"
            ),
            # A listing as a range of one: a scalar beside a range would need the extension btree_gist.
            ExclusionConstraint(
                name="one_sku_at_a_time",
                violation_error_message="This listing is another SKU in that time.",
                expressions=[
                    (
                        Func(
                            F("listing_id"),
                            F("listing_id"),
                            Value("[]"),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(F("valid_from"), F("valid_to"), function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listing_id} → {self.sku_id}"


def merged_settings(*, defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """An account's settings: the channel's defaults with the account's own values over them."""
    return {**defaults, **own}


class MatchCandidate(models.Model):
    """
    A SKU that an unlinked listing may be, as the matcher sees it; made anew with every match, decided by a person.

    ``evidence`` is a list of {"field", "ours", "theirs", "verdict"}, verdict one of "same", "close", "differs", "unsaid"; ``conflicts`` are
    sentences.
    """

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="candidates")
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="candidate_for", verbose_name="SKU")
    rank = models.PositiveSmallIntegerField(help_text="1 is the likeliest.")
    score = models.FloatField(help_text="0 to 100.")
    units_per_sale = models.PositiveIntegerField("pack of", default=1)
    evidence = models.JSONField(default=list)
    conflicts = models.JSONField(default=list)
    run = models.CharField(
        max_length=200, blank=True, help_text="Sizes and colours that pair one to one with a style share this."
    )
    safe = models.BooleanField(default=False, help_text="Nothing speaks against it, and nothing else comes near.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("listing", "rank")
        verbose_name = "match candidate"
        indexes: ClassVar = [
            models.Index(fields=["run"], condition=~Q(run=""), name="candidates_of_a_run"),
            models.Index(fields=["score"], condition=Q(safe=True), name="safe_candidates"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["listing", "sku"], name="one_candidate_per_listing_and_sku"),
            models.CheckConstraint(condition=Q(rank__gte=1, units_per_sale__gte=1), name="candidate_numbers_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.listing} → {self.sku}"


class LinkAudit(models.Model):
    """
    How far the present link of a listing can be trusted, as of the last audit. What a person found right stays right while its facts stay.

    ``evidence`` as in :class:`MatchCandidate`; ``reasons`` are sentences.
    """

    listing = models.OneToOneField(Listing, on_delete=models.CASCADE, related_name="audit")
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="audits", verbose_name="SKU")
    score = models.FloatField(help_text="0 to 100.")
    doubtful = models.BooleanField(default=False)
    reasons = models.JSONField(default=list, blank=True)
    evidence = models.JSONField(default=list, blank=True)
    better = models.ForeignKey(
        Sku, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="reads more like"
    )
    facts = models.CharField(max_length=32, help_text="A fingerprint of what was judged.")
    audited_at = models.DateTimeField("looked at")
    accepted_at = models.DateTimeField("found right", null=True, blank=True)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    accepted_facts = models.CharField(max_length=32, blank=True)

    class Meta:
        ordering = ("score",)
        verbose_name = "linked pair"
        indexes: ClassVar = [models.Index(fields=["doubtful", "score"], name="doubtful_links_first")]

    def __str__(self) -> str:
        return f"{self.listing} → {self.sku}"

    @property
    def open(self) -> bool:
        """A person should look at it."""
        return self.doubtful and self.accepted_facts != self.facts
