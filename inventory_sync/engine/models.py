"""The engine's state: what each listing should show and may still sell, what is on its way there, and what came in."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q

from inventory_sync.engine.import_models import ColumnMapping, ImportChunk, ImportRun  # noqa: F401 - Django looks here
from inventory_sync.engine.listing_change import ListingChange  # noqa: F401 - a model of this app


class ListingStateQuerySet(models.QuerySet["ListingState"]):
    """Rows of quantities."""

    @transaction.atomic
    def update_in_order(self, **values: Any) -> int:
        """As ``update``, but the rows are locked in primary-key order first, as everybody locks them: no deadlock. :return: rows changed."""
        ids = list(self.select_for_update(of=("self",)).order_by("id").values_list("id", flat=True))
        return self.model.objects.filter(pk__in=ids).update(**values) if ids else 0


class ListingState(models.Model):
    """
    One (listing, channel location): what it should show, what was sent, what was seen, and its exposure book (``domain.exposure``).

    ``shown``, ``unseen`` and ``unseen_at`` are b, u and u_at of the book; its flights are rows of :class:`Flight`. ``opened_at`` is our clock when
    the read that began the book was started; before it is set the row is never written.
    """

    listing = models.ForeignKey("skumap.Listing", on_delete=models.CASCADE, related_name="states")
    location = models.ForeignKey("skumap.ChannelLocation", on_delete=models.CASCADE, related_name="states")
    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.CASCADE, related_name="+")

    desired_quantity = models.IntegerField("should show", null=True, blank=True)
    desired_version = models.BigIntegerField(default=0)
    goal_quantity = models.IntegerField(default=0, help_text="The row's share of what is sellable.")
    urgency = models.SmallIntegerField(default=9)
    weight = models.FloatField(default=0.0)
    stale_since = models.DateTimeField("waiting since", null=True, blank=True)
    inputs = models.JSONField(default=dict, blank=True)
    inputs_hash = models.CharField(max_length=32, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    shown = models.IntegerField("may still be shown", default=0)
    unseen = models.IntegerField("may have been sold unseen", default=0)
    unseen_at = models.DateTimeField(null=True, blank=True)
    restocked = models.IntegerField(default=0)
    served = models.IntegerField(default=0)
    book_changed_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True, help_text="The start procedure is done: it may be raised.")
    last_deadline = models.DateTimeField(null=True, blank=True)

    unexplained_units = models.IntegerField(default=0, help_text="Shown beyond what we can explain, at ...")
    unexplained_since = models.DateTimeField(null=True, blank=True, help_text="... this moment.")

    sent_quantity = models.IntegerField("sent", null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_quantity = models.IntegerField("in force", null=True, blank=True)
    seen_quantity = models.IntegerField("seen", null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    claim_token = models.UUIDField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)
    solo = models.BooleanField(default=False, help_text="A batch with it was refused as a whole: it goes alone.")
    blocked_reason = models.CharField(max_length=120, blank=True, help_text="Why this row is not written at all.")

    objects = ListingStateQuerySet.as_manager()

    class Meta:
        ordering = ("account", "listing_id")
        verbose_name = "quantity"
        verbose_name_plural = "quantities"
        constraints = [
            models.UniqueConstraint(fields=["listing", "location"], name="one_state_per_listing_and_location"),
            models.CheckConstraint(condition=Q(shown__gte=0, unseen__gte=0), name="book_not_negative"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["account", "urgency", "-weight"], condition=Q(stale_since__isnull=False), name="state_to_push"
            ),
            models.Index(fields=["account", "seen_at"], name="state_by_seen"),
        ]

    def __str__(self) -> str:
        return f"{self.listing} @ {self.location}"


class Flight(models.Model):
    """
    A quantity on its way, stored before the call that carries it. Only ``engine.push`` writes flights.

    ``headroom`` is what was left of the rights when it was claimed, under the balance locks: a raise never takes more than there was.
    """

    class Outcome(models.TextChoices):
        OPEN = "open", "No answer yet"
        ACCEPTED = "accepted", "Accepted"
        UNKNOWN = "unknown", "Unknown"

    state = models.ForeignKey(ListingState, on_delete=models.CASCADE, related_name="flights")
    value = models.IntegerField()
    compared = models.IntegerField(null=True, blank=True)
    raises = models.IntegerField(default=0, help_text="By how much it raises what the row may sell.")
    headroom = models.IntegerField(null=True, blank=True, help_text="Empty in mode off, which keeps no rights.")
    allowance = models.IntegerField(default=0)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.OPEN)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True)
    claimed_at = models.DateTimeField()
    deadline = models.DateTimeField()

    class Meta:
        ordering = ("state", "id")
        constraints = [
            models.CheckConstraint(condition=Q(value__gte=0), name="flight_value_not_negative"),
            models.CheckConstraint(
                condition=Q(headroom__isnull=True) | Q(raises__lte=0) | Q(raises__lte=F("headroom")),
                name="flight_within_rights",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state_id} → {self.value}"


class PushAttempt(models.Model):
    """One quantity that was sent, and what became of it. Kept for a while for staff."""

    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.CASCADE, related_name="+")
    state = models.ForeignKey(ListingState, on_delete=models.CASCADE, related_name="push_attempts")
    value = models.IntegerField()
    compared = models.IntegerField(null=True, blank=True)
    result = models.CharField(max_length=10)
    code = models.CharField(max_length=80, blank=True)
    message = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    sent_at = models.DateTimeField()
    elapsed_seconds = models.FloatField(default=0)

    class Meta:
        ordering = ("-id",)
        verbose_name = "sent quantity"
        verbose_name_plural = "sent quantities"
        indexes: ClassVar = [models.Index(fields=["account", "-sent_at"], name="attempt_by_account")]

    def __str__(self) -> str:
        return f"{self.state_id}: {self.value} {self.result}"


class ShadowRecord(models.Model):
    """What a trial run would have sent."""

    state = models.ForeignKey(ListingState, on_delete=models.CASCADE, related_name="shadow_records")
    value = models.IntegerField()
    seen_quantity = models.IntegerField(null=True, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        verbose_name = "trial run record"

    def __str__(self) -> str:
        return f"{self.state_id}: {self.value}"


class WebhookDelivery(models.Model):
    """The inbox: one webhook, push event or queue message, exactly as it came; stored before it is acknowledged, applied later, replayable."""

    class Status(models.TextChoices):
        NEW = "new", "New"
        DONE = "done", "Done"
        IGNORED = "ignored", "Nothing to do"
        RETRY = "retry", "Will be tried again"
        FAILED = "failed", "Needs a look"

    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=200)
    topic = models.CharField(max_length=80, blank=True)
    body = models.BinaryField()
    headers = models.JSONField(default=dict)
    url = models.CharField(max_length=500, blank=True)
    stale = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = "incoming message"
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="one_delivery_per_key_and_account")]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(status__in=["new", "retry"]), name="delivery_to_process")
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"


class SyncCursor(models.Model):
    """How far one stream of an account has been read. Advances only after a page's facts are committed."""

    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.CASCADE, related_name="cursors")
    stream = models.CharField(max_length=30)
    high_water = models.DateTimeField("read up to", null=True, blank=True)
    position = models.TextField(blank=True, help_text="Where an unfinished pull goes on.")
    began_at = models.DateTimeField(null=True, blank=True, help_text="When that pull was begun.")
    pull_total = models.IntegerField(
        null=True, blank=True, help_text="Listings that it will read, if the channel says."
    )
    pull_calls_left = models.IntegerField(null=True, blank=True)
    next_due_at = models.DateTimeField()
    running_until = models.DateTimeField(null=True, blank=True)
    last_started_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("account", "stream")
        verbose_name = "stream"
        constraints = [models.UniqueConstraint(fields=["account", "stream"], name="one_cursor_per_stream")]

    def __str__(self) -> str:
        return f"{self.account_id}/{self.stream}"


class RemoteJob(models.Model):
    """A job that a channel carries out for us (Amazon feed): which flights it carries is stored before it is started."""

    class Status(models.TextChoices):
        STARTING = "starting", "Starting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.CASCADE, related_name="remote_jobs")
    kind = models.CharField(max_length=20, default="quantities")
    ref = models.CharField(max_length=120, blank=True)
    flight_ids = ArrayField(models.BigIntegerField(), default=list)
    status = models.CharField(max_length=10, choices=Status, default=Status.STARTING)
    next_check_at = models.DateTimeField()
    give_up_at = models.DateTimeField()
    message = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.ref or f"job {self.pk}"


class StockRule(models.Model):
    """How stock is shared out: for one SKU, one account, or everything (both empty). The narrowest rule wins."""

    class Mode(models.TextChoices):
        STRICT = "strict", "Never oversell"
        BALANCED = "balanced", "Recommended"
        OFF = "off", "Plain mirror of stock (no protection)"

    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.CASCADE, null=True, blank=True)
    sku = models.ForeignKey("skumap.Sku", on_delete=models.CASCADE, null=True, blank=True, verbose_name="SKU")
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.BALANCED)
    cover_hours = models.FloatField(default=4.0, help_text="A listing is given at most so many hours of its demand.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("sku", "account")
        verbose_name = "stock rule"
        constraints = [
            models.UniqueConstraint(fields=["account", "sku"], name="one_rule_per_scope", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        scope = " / ".join(str(part) for part in (self.sku, self.account) if part) or "everything"
        return f"{scope}: {self.get_mode_display()}"


class SaleEvent(models.Model):
    """A window in which polls are quicker and listings are expected to sell ``lift`` times as fast. Switched by its times, or by hand."""

    name = models.CharField(max_length=80)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    lift = models.FloatField(
        "sells so many times as fast",
        default=10.0,
        validators=[MinValueValidator(1.0), MaxValueValidator(1000.0)],
        help_text="As usual is 1; big sales are 5 to 10. Rather too much than too little: the last units are then shared out more carefully.",
    )
    accounts = models.ManyToManyField("skumap.ChannelAccount", blank=True, help_text="None chosen: all accounts.")
    cancelled_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        ordering = ("-starts_at",)
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="event_ends_after_it_starts"),
            models.CheckConstraint(condition=Q(lift__gte=1), name="event_lifts_demand"),
        ]

    def __str__(self) -> str:
        return self.name


class LatencySample(models.Model):
    """One measured delay, in seconds."""

    class Kind(models.TextChoices):
        DETECT = "detect", "Sale until known"
        APPLY = "apply", "Known until blocked"
        PUSH = "push", "Sale until the other listings were sent"
        EFFECT = "effect", "Sent until seen on the channel"

    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    seconds = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["account", "kind", "-at"], name="latency_by_account")]

    def __str__(self) -> str:
        return f"{self.kind} {self.seconds:.1f} s"


class CallCount(models.Model):
    """Calls made, by account, operation and minute: what a call budget is rebuilt from when Redis has lost it."""

    account = models.ForeignKey("skumap.ChannelAccount", on_delete=models.CASCADE, related_name="+")
    operation = models.CharField(max_length=60)
    share = models.CharField(max_length=10)
    minute = models.DateTimeField()
    calls = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "operation", "share", "minute"], name="one_count_per_minute")
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.minute:%H:%M}: {self.calls}"


class Demand(models.Model):
    """What is known of how fast one listing sells (``domain.demand``)."""

    listing = models.OneToOneField("skumap.Listing", on_delete=models.CASCADE, related_name="demand")
    state = models.JSONField(default=dict)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.listing_id)


class OrderPace(models.Model):
    """
    How many times as fast as usual an account sells just now: as measured (``domain.demand.surges``), or as a sale event that is on expects it.

    Rates are units per second of the marketplace's time.
    """

    account = models.OneToOneField("skumap.ChannelAccount", on_delete=models.CASCADE, related_name="order_pace")
    usual_rate = models.FloatField(default=0.0)
    usual_at = models.DateTimeField(help_text="When the usual rate was added up.")
    rate_before_sale = models.FloatField(
        null=True, blank=True, help_text="The usual rate when the sale event began: the sale itself soon looks usual."
    )
    surge = models.FloatField(default=1.0)
    surge_at = models.DateTimeField(help_text="When the surge last changed.")

    class Meta:
        verbose_name = "pace of orders"
        verbose_name_plural = "pace of orders"

    def __str__(self) -> str:
        return f"{self.surge:.1f} times as fast as usual"
