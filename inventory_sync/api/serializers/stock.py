"""Stock: levels, movements, adjustments; warehouses and the channel locations that they serve."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import TextChoices
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from inventory_sync.api.strict import (
    MAX_UNITS,
    AccountField,
    InstantField,
    SkuField,
    StrictModelSerializer,
    StrictSerializer,
    WarehouseField,
)
from inventory_sync.engine.withdrawals import WhenShort
from inventory_sync.stock.models import StockBalance, StockMovement, Warehouse
from inventory_sync.stock.services import qc_warehouse
from skumap.models import ChannelLocation


class LevelSerializer(serializers.ModelSerializer[StockBalance]):
    """Stock of one SKU in one warehouse."""

    sku = serializers.CharField(source="sku.code")
    warehouse = serializers.CharField(source="warehouse.code")
    warehouse_kind = serializers.CharField(source="warehouse.kind")
    available = serializers.IntegerField(help_text="In warehouse less blocked for orders; below 0 when oversold.")

    class Meta:
        model = StockBalance
        fields = ("id", "sku", "warehouse", "warehouse_kind", "on_hand", "committed", "available")


class MovementSerializer(serializers.ModelSerializer[StockMovement]):
    """One entry of the stock history. Entries are never changed; a correction is a new one."""

    sku = serializers.CharField(source="sku.code")
    warehouse = serializers.CharField(source="warehouse.code")
    line = serializers.IntegerField(source="line_id", allow_null=True, help_text="Id of the order line it belongs to.")

    class Meta:
        model = StockMovement
        fields = (
            "id", "key", "sku", "warehouse", "kind", "on_hand_delta", "committed_delta", "line", "reason", "occurred_at", "recorded_at",
        )  # fmt: skip


class Kind(TextChoices):
    RECEIVE = "receive", "Goods in"
    ADJUST = "adjust", "Correction, up or down; needs a reason"
    COUNT = "count", "Cycle count: so many stand there"
    TRANSFER = "transfer", "To another warehouse"
    QUARANTINE = "quarantine", "Off sale, to QC pending"
    RESTOCK = "restock", "From QC back on sale"
    WRITE_OFF = "write_off", "Off sale for good, to bad stock"
    SALE = "sale", "Sold outside the channels"


class AdjustmentSerializer(StrictSerializer):
    """
    A change of stock by hand.

    ``units`` for all kinds but ``count``, which has ``counted``; ``to_warehouse`` for ``transfer`` and ``restock``;
    ``reason`` for ``adjust``. ``warehouse`` may be left out of ``restock``: it is QC pending then.

    ``transfer`` and ``sale`` take stock away on purpose. Units that listings still offer are refused with 409 (``when_short``: ``ask``), set aside
    and taken when the listings are lowered (``wait``), or taken at once with an alert (``force``).
    """

    kind = serializers.ChoiceField(choices=Kind.choices)
    sku = SkuField()
    warehouse = WarehouseField(required=False)
    to_warehouse = WarehouseField(required=False)
    units = serializers.IntegerField(min_value=-MAX_UNITS, max_value=MAX_UNITS, required=False)
    counted = serializers.IntegerField(min_value=0, max_value=MAX_UNITS, required=False)
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    when_short = serializers.ChoiceField(choices=[each.value for each in WhenShort], required=False)
    occurred_at = InstantField(required=False, help_text="When it really happened; now if left out.")

    def validate_occurred_at(self, value: Any) -> Any:
        if value > timezone.now() + timedelta(minutes=5):
            raise ValidationError("That is in the future.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind = attrs["kind"]
        wanted = {"counted" if kind == Kind.COUNT else "units"}
        wanted |= {"to_warehouse"} if kind in (Kind.TRANSFER, Kind.RESTOCK) else set()
        if kind == Kind.RESTOCK and "warehouse" not in attrs:
            attrs["warehouse"] = qc_warehouse()
        wanted |= {"warehouse"}
        problems = {name: ["This field is required for this kind."] for name in wanted if name not in attrs}
        if "when_short" in attrs and kind not in (Kind.TRANSFER, Kind.SALE):
            problems["when_short"] = ["This field has no meaning for this kind."]
        for name in ("units", "counted", "to_warehouse"):
            if name in attrs and name not in wanted:
                problems[name] = ["This field has no meaning for this kind."]
        if kind == Kind.ADJUST and not attrs["reason"].strip():
            problems["reason"] = ["A correction needs a reason."]
        if kind != Kind.ADJUST and "units" in wanted & attrs.keys() and attrs["units"] < 1:
            problems["units"] = ["At least 1."]
        if problems:
            raise ValidationError(problems)
        return attrs


class AdjustmentAnswerSerializer(serializers.Serializer[Any]):
    """What an adjustment did: the entries of the history that it made, and the stock after it. ``set_aside``: it is taken later, by itself."""

    set_aside = serializers.BooleanField()
    movements = MovementSerializer(many=True)
    levels = LevelSerializer(many=True)


class WarehouseSerializer(StrictModelSerializer):
    """A place where stock is. Only ``own`` ones are sold from."""

    class Meta:
        model = Warehouse
        fields = ("id", "code", "name", "kind", "active")
        read_only_fields = ("id",)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind = attrs.get("kind")
        if self.instance is not None and kind is not None and kind != self.instance.kind:
            raise ValidationError({"kind": ["The kind of a warehouse can't be changed; make another one."]})
        return attrs


class LocationSerializer(StrictModelSerializer):
    """A stock location as the channel names it, and the own warehouses that serve it, first choice first."""

    account = AccountField()
    warehouses = serializers.SerializerMethodField()

    class Meta:
        model = ChannelLocation
        fields = ("id", "account", "external_id", "name", "active", "managed", "warehouses")
        read_only_fields = ("id",)

    def get_warehouses(self, location: ChannelLocation) -> list[str]:
        return [link.warehouse.code for link in location.warehouse_links.all()]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance is not None and {"account", "external_id"} & attrs.keys():
            raise ValidationError({"external_id": ["A location keeps its account and its id; make another one."]})
        return attrs


class LocationWarehousesSerializer(StrictSerializer):
    """The own warehouses that serve a location, first choice first; an empty list unlinks it."""

    warehouses = serializers.ListField(
        child=WarehouseField(queryset=Warehouse.objects.filter(kind=Warehouse.Kind.OWN)),
        allow_empty=True,
        max_length=50,
    )

    def validate_warehouses(self, rows: list[Warehouse]) -> list[Warehouse]:
        return list({row.pk: row for row in rows}.values())
