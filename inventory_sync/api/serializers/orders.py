"""Orders, as their channels last described them. Buyers' names and addresses are not stored."""

from __future__ import annotations

from rest_framework import serializers

from inventory_sync.alerts.models import Alert
from inventory_sync.orders.models import Order, OrderLine


class OrderLineSerializer(serializers.ModelSerializer[OrderLine]):
    sku = serializers.CharField(source="sku.code", default=None, allow_null=True)
    warehouse = serializers.CharField(source="warehouse.code", default=None, allow_null=True)
    listing = serializers.IntegerField(source="listing_id", allow_null=True)
    open_units = serializers.IntegerField(help_text="Still to ship.")
    waiting = serializers.BooleanField(
        help_text="Its listing is not linked to a SKU yet, so no stock is blocked for it."
    )

    class Meta:
        model = OrderLine
        fields = (
            "id", "line_key", "listing_key", "listing", "sku", "title", "status", "ordered", "shipped", "cancelled", "cancelled_kept",
            "returned", "lost", "open_units", "warehouse", "location_id", "marketplace_fulfilled", "waiting", "price",
        )  # fmt: skip


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order; on Flipkart a shipment, of which an order may have several."""

    account = serializers.IntegerField(source="account_id")
    account_name = serializers.CharField(source="account.name")
    channel = serializers.CharField(source="account.channel")
    number = serializers.CharField(source="order_number")
    channel_updated_at = serializers.DateTimeField(source="updated_at", allow_null=True)
    lines = OrderLineSerializer(many=True)

    class Meta:
        model = Order
        fields = (
            "id", "account", "account_name", "channel", "key", "number", "status", "placed_at", "fulfil_by", "on_hold", "test",
            "replacement", "channel_updated_at", "first_seen_at", "applied_at", "lines",
        )  # fmt: skip


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """Something that a person must know. It resolves itself when its cause is gone."""

    account = serializers.IntegerField(source="account_id", allow_null=True)

    class Meta:
        model = Alert
        fields = (
            "id", "kind", "key", "severity", "title", "detail", "link", "account", "opened_at", "last_seen_at", "count", "acknowledged_at",
            "resolved_at",
        )  # fmt: skip
