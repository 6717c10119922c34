"""Seller accounts, what is asked of them, and how they are doing; sale events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from inventory_sync.api import accounts
from inventory_sync.api.strict import AccountField, InstantField, StrictModelSerializer, StrictSerializer
from inventory_sync.engine.models import SaleEvent, SyncCursor
from skumap.models import ChannelAccount

MAX_HOURS = 24 * 31


class AccountSerializer(StrictModelSerializer):
    """
    A seller account on one channel.

    ``credentials`` are written, never read: ``credential_names`` says which there are. Credentials and settings are merged by name; null takes
    one out. ``GET accounts/{id}/settings/`` lists every setting with its default.
    """

    channel = serializers.ChoiceField(choices=ChannelAccount._meta.get_field("channel").choices or [])
    name = serializers.CharField(max_length=80)
    mode = serializers.ChoiceField(
        choices=ChannelAccount.Mode.choices,
        required=False,
        help_text="Live needs a tested connection and linked locations.",
    )
    identity = serializers.CharField(
        max_length=300, allow_blank=True, required=False, help_text="Seller id, or the shop's domain."
    )
    api_base = serializers.CharField(
        max_length=300, allow_blank=True, required=False, help_text="Empty: the channel's own."
    )
    auth_base = serializers.CharField(
        max_length=300, allow_blank=True, required=False, help_text="Empty: the channel's own."
    )
    credentials = serializers.DictField(
        child=serializers.CharField(allow_null=True, allow_blank=True, max_length=accounts.MAX_TEXT),
        write_only=True,
        required=False,
        help_text="For example client_id, client_secret, refresh_token, access_token, webhook_secrets.",
    )
    settings = serializers.DictField(required=False, help_text="Only what differs from the defaults.")
    credential_names = serializers.SerializerMethodField()
    webhook_url = serializers.SerializerMethodField()

    class Meta:
        model = ChannelAccount
        fields = (
            "id", "channel", "name", "mode", "identity", "api_base", "auth_base", "credentials", "credential_names", "settings",
            "webhook_url", "health", "health_reason", "last_success_at", "live_since", "created_at",
        )  # fmt: skip
        read_only_fields = ("id", "health", "health_reason", "last_success_at", "live_since", "created_at")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_credential_names(self, account: ChannelAccount) -> list[str]:
        return sorted(account.credentials or {})

    def get_webhook_url(self, account: ChannelAccount) -> str:
        return accounts.webhook_url(account)

    def validate_channel(self, channel: str) -> str:
        if self.instance is not None and channel != self.instance.channel:
            raise ValidationError("An account stays on its channel; add another one.")
        return channel

    def create(self, validated_data: dict[str, Any]) -> ChannelAccount:
        mode = validated_data.pop("mode", ChannelAccount.Mode.SHADOW)
        if mode == ChannelAccount.Mode.LIVE:
            raise ValidationError(
                {"mode": ["A new account begins in trial run (shadow). Test it, link its locations, then go live."]}
            )
        account = _tell(accounts.create_account, **validated_data)
        return account if mode == account.mode else accounts.set_mode(account_id=account.pk, mode=mode)

    def update(self, instance: ChannelAccount, validated_data: dict[str, Any]) -> ChannelAccount:
        mode = validated_data.pop("mode", None)
        validated_data.pop("channel", None)
        account = instance
        if validated_data:
            account = _tell(accounts.update_account, account_id=instance.pk, **validated_data)
        if mode is not None and mode != account.mode:
            account = accounts.set_mode(account_id=account.pk, mode=mode)
        return account


def _tell(call: Any, **values: Any) -> ChannelAccount:
    try:
        account: ChannelAccount = call(**values)
    except accounts.AccountInputError as error:
        raise ValidationError({name: [problem] for name, problem in error.fields.items()}) from error
    return account


class IdentitySerializer(serializers.Serializer[Any]):
    """Who the credentials turned out to belong to. ``missing``: permissions that the product needs and does not have."""

    ok = serializers.BooleanField()
    identity = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    missing = serializers.ListField(child=serializers.CharField())


class PullSerializer(StrictSerializer):
    """``wait``: answer when everything has been read. A large catalogue takes minutes; leave it out then."""

    wait = serializers.BooleanField(default=False)


class PullAnswerSerializer(serializers.Serializer[Any]):
    """``listings`` is how many were read; null when the reading goes on in the background."""

    started = serializers.BooleanField()
    listings = serializers.IntegerField(allow_null=True)


class PullProgressSerializer(serializers.Serializer[Any]):
    """A pull under way. Null where the channel does not tell beforehand."""

    began_at = serializers.DateTimeField()
    read = serializers.IntegerField(help_text="Listings read since it began.")
    total = serializers.IntegerField(allow_null=True)
    calls_left = serializers.IntegerField(allow_null=True)
    seconds_left = serializers.FloatField(allow_null=True, help_text="At the share of the calls that a pull may use.")
    last_error = serializers.CharField()


class SubscribeSerializer(StrictSerializer):
    """``callback_url``: where the channel shall deliver to; the account's own ``webhook_url`` if left out."""

    callback_url = serializers.URLField(max_length=500, required=False, default="", allow_blank=True)


class LinesSerializer(serializers.Serializer[Any]):
    lines = serializers.ListField(child=serializers.CharField(), help_text="What was found or done, one line each.")


class SettingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = serializers.JSONField(help_text="In force now.")
    default = serializers.JSONField(help_text="If the account does not say otherwise.")
    own = serializers.BooleanField(help_text="The account has its own value.")


class CursorSerializer(serializers.ModelSerializer[SyncCursor]):
    read_up_to = serializers.DateTimeField(source="high_water", allow_null=True)

    class Meta:
        model = SyncCursor
        fields = ("stream", "read_up_to", "next_due_at", "last_started_at", "last_success_at", "failures", "last_error")


class DelaySerializer(serializers.Serializer[Any]):
    """Seconds over the last hour: the usual delay, the worst of twenty, and how many were measured."""

    p50 = serializers.FloatField()
    p95 = serializers.FloatField()
    count = serializers.IntegerField()


class BudgetSerializer(serializers.Serializer[Any]):
    """Calls (or points) left; ``shared`` is false while Redis is away and each worker counts for itself."""

    limit = serializers.FloatField()
    left = serializers.FloatField()
    blocked_seconds = serializers.FloatField()
    shared = serializers.BooleanField()


class SyncSerializer(serializers.Serializer[Any]):
    """How one account is doing."""

    account = serializers.IntegerField()
    name = serializers.CharField()
    channel = serializers.CharField()
    mode = serializers.CharField()
    health = serializers.CharField()
    health_reason = serializers.CharField(allow_blank=True)
    last_success_at = serializers.DateTimeField(allow_null=True)
    waiting_rows = serializers.IntegerField(help_text="Quantities that wait to be sent.")
    oldest_waiting_since = serializers.DateTimeField(allow_null=True)
    inbox = serializers.IntegerField(help_text="Incoming messages not applied yet.")
    needs_a_look = serializers.IntegerField(help_text="Incoming messages that could not be applied.")
    delays = serializers.DictField(
        child=DelaySerializer(), help_text="detect, apply, push, effect: those that were measured."
    )
    budget = serializers.DictField(child=BudgetSerializer(), help_text="By the channel's own groups of calls.")
    cursors = CursorSerializer(many=True)


class SaleEventSerializer(StrictModelSerializer):
    """
    A window in which orders are read more often and listings are expected to sell ``lift`` times as fast as usual (1 to 1000; 10 unless you say).

    Give ``hours`` to start one now, or ``starts_at`` and ``ends_at`` to plan one. ``accounts`` empty: all.
    """

    accounts = AccountField(many=True, required=False)
    hours = serializers.FloatField(write_only=True, required=False, min_value=0.01, max_value=MAX_HOURS)
    starts_at = InstantField(required=False)
    ends_at = InstantField(required=False)
    is_on = serializers.SerializerMethodField()

    class Meta:
        model = SaleEvent
        fields = ("id", "name", "starts_at", "ends_at", "hours", "lift", "accounts", "cancelled_at", "is_on")
        read_only_fields = ("id", "cancelled_at")

    def get_is_on(self, event: SaleEvent) -> bool:
        return event.cancelled_at is None and event.starts_at <= timezone.now() < event.ends_at

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        hours = attrs.pop("hours", None)
        if hours is not None:
            if "ends_at" in attrs:
                raise ValidationError({"hours": ["Give hours, or when it ends, not both."]})
            attrs.setdefault("starts_at", timezone.now())
            attrs["ends_at"] = attrs["starts_at"] + timedelta(hours=hours)
        missing = [name for name in ("starts_at", "ends_at") if name not in attrs]
        if missing:
            raise ValidationError({name: ["Needed, unless you give hours."] for name in missing})
        if attrs["ends_at"] <= attrs["starts_at"]:
            raise ValidationError({"ends_at": ["It must end after it starts."]})
        return attrs
