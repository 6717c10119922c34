"""SKUs and listings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from inventory_sync.api.strict import SkuField, StrictModelSerializer, StrictSerializer, UnitsField
from inventory_sync.engine.models import ListingState
from skumap.models import Listing, Sku
from skumap.services import set_kit

MAX_PARTS = 50


class ComponentSerializer(StrictSerializer):
    """One part of a combo: so many units of a SKU."""

    sku = SkuField(source="component")
    units = UnitsField(default=1)


class StockSumSerializer(serializers.Serializer[Any]):
    on_hand = serializers.IntegerField(help_text="Standing in own warehouses.")
    committed = serializers.IntegerField(help_text="Blocked for orders.")
    available = serializers.IntegerField(help_text="Sellable; of a combo: how many can be made of its parts.")


class SkuSerializer(StrictModelSerializer):
    """A SKU. With ``components`` it is a combo, which has no stock of its own."""

    components = ComponentSerializer(many=True, required=False, max_length=MAX_PARTS)  # type: ignore[call-arg]
    stock = serializers.SerializerMethodField()
    attributes = serializers.DictField(required=False)
    mrp = serializers.DecimalField(
        max_digits=10, decimal_places=2, min_value=Decimal(0), allow_null=True, required=False, help_text="Rupees."
    )

    class Meta:
        model = Sku
        fields = (
            "id", "code", "title", "brand", "barcode", "hsn", "mrp", "attributes", "priority", "components", "stock", "created_at",
        )  # fmt: skip
        read_only_fields = ("id", "created_at")

    @extend_schema_field(StockSumSerializer)
    def get_stock(self, sku: Sku) -> dict[str, int]:
        parts = list(sku.components.all())
        if not parts:
            return _stock_of(sku)
        made = min(_stock_of(part.component)["available"] // part.units for part in parts)
        return {"on_hand": 0, "committed": 0, "available": max(made, 0)}

    def validate_components(self, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        codes = [part["component"].code for part in parts]
        if len(set(codes)) < len(codes):
            raise ValidationError("Name each part once, with all its units.")
        return parts

    def create(self, validated_data: dict[str, Any]) -> Sku:
        parts = validated_data.pop("components", [])
        with transaction.atomic():
            sku = Sku.objects.create(**validated_data)
            _make_kit(sku, parts)
        return sku

    def update(self, instance: Sku, validated_data: dict[str, Any]) -> Sku:
        parts = validated_data.pop("components", None)
        with transaction.atomic():
            for name, value in validated_data.items():
                setattr(instance, name, value)
            if validated_data:
                instance.save(update_fields=list(validated_data))
            if parts is not None:
                _make_kit(instance, parts)
        return instance


def _stock_of(sku: Sku) -> dict[str, int]:
    own = [row for row in sku.balances.all() if row.warehouse.kind == "own" and row.warehouse.active]
    on_hand, committed = sum(row.on_hand for row in own), sum(row.committed for row in own)
    return {"on_hand": on_hand, "committed": committed, "available": on_hand - committed}


def _make_kit(sku: Sku, parts: list[dict[str, Any]]) -> None:
    """:raises ValidationError: it has stock of its own, or a part is a combo."""
    if parts and any(balance.on_hand or balance.committed for balance in sku.balances.all()):
        raise ValidationError({"components": ["It has stock of its own, so it can't become a combo."]})
    set_kit(kit=sku, parts={part["component"]: part["units"] for part in parts})


class StateSerializer(serializers.ModelSerializer[ListingState]):
    """What a listing should show at one location of the channel, what was sent, and what was seen there."""

    location = serializers.CharField(source="location.external_id")
    location_name = serializers.CharField(source="location.name")
    should_show = serializers.IntegerField(source="desired_quantity", allow_null=True)
    sent = serializers.IntegerField(source="sent_quantity", allow_null=True)
    seen = serializers.IntegerField(source="seen_quantity", allow_null=True)
    waiting_since = serializers.DateTimeField(
        source="stale_since", allow_null=True, help_text="Not sent yet since then."
    )
    not_written_because = serializers.CharField(source="blocked_reason")

    class Meta:
        model = ListingState
        fields = (
            "id", "location", "location_name", "should_show", "sent", "sent_at", "seen", "seen_at", "waiting_since", "decided_at",
            "started_at", "attempts", "last_error", "not_written_because",
        )  # fmt: skip


class ListingSerializer(serializers.ModelSerializer[Listing]):
    """One offer on one seller account."""

    sku = SkuField(read_only=True)
    account = serializers.IntegerField(source="account_id")
    account_name = serializers.CharField(source="account.name")
    channel = serializers.CharField(source="account.channel")
    open_hazards = serializers.ListField(child=serializers.CharField())
    states = StateSerializer(many=True)

    class Meta:
        model = Listing
        fields = (
            "id", "account", "account_name", "channel", "key", "seller_sku", "product_id", "listing_ref", "title", "fulfilment", "status",
            "sku", "units_per_sale", "active", "price", "mrp", "barcode", "open_hazards", "shows", "other_goods", "marketplace_quantity",
            "marketplace_quantity_at", "pulled_at", "vanished_at", "states",
        )  # fmt: skip


class IgnoreSerializer(StrictSerializer):
    """``other_goods``: it sells other stock than ours, though it looks like a SKU of ours; listings of that SKU needn't wait for it."""

    other_goods = serializers.BooleanField(default=False)


class LinkSerializer(StrictSerializer):
    """Which SKU a listing is. ``units_per_sale`` is its pack size."""

    sku = SkuField()
    units_per_sale = serializers.IntegerField(default=1, min_value=1, max_value=10_000)
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
