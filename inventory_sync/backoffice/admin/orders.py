"""Orders of all channels and what came back. To be read: orders are facts, only their channel changes them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, Sum
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateTimeFilter, RelatedDropdownFilter
from unfold.decorators import display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import ChoiceFilter, ReadOnlyAdmin, ReadOnlyInline, link
from inventory_sync.orders.models import Order, OrderLine, ReturnItem


class WaitingFilter(ChoiceFilter):
    title = "link"
    parameter_name = "waiting"
    options = (("yes", "Waiting for a link"),)

    def narrow(self, queryset: Any, value: str) -> Any:
        return queryset.filter(waiting_lines__gt=0)


class KindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"
    options = (("hold", "On hold"), ("replacement", "Replacement"), ("test", "Test"))

    def narrow(self, queryset: Any, value: str) -> Any:
        return queryset.filter(**{{"hold": "on_hold"}.get(value, value): True})


class OrderLineInline(ReadOnlyInline):
    model = OrderLine
    verbose_name_plural = "lines"
    fields = (
        "item", "taken_from", "state", "ordered", "shipped", "cancelled_units", "returned", "open_now", "warehouse", "ships",
    )  # fmt: skip
    readonly_fields = fields
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("sku", "warehouse", "listing", "order")

    @display(description="Item")
    def item(self, obj: Any) -> Any:
        text = f"{obj.title or obj.listing_key} ({obj.listing_key})" if obj.title else obj.listing_key
        return link(obj.listing, text) if obj.listing else text

    @display(description="SKU")
    def taken_from(self, obj: Any) -> Any:
        return link(obj.sku)

    @display(description="State", label={"Waiting for a link": "danger"})
    def state(self, obj: Any) -> str:
        return "Waiting for a link" if obj.waiting else (obj.status or words.NOTHING).replace("_", " ").capitalize()

    @display(description="Cancelled")
    def cancelled_units(self, obj: Any) -> int:
        return int(obj.cancelled + obj.cancelled_kept)

    @display(description="To ship")
    def open_now(self, obj: Any) -> int:
        return int(obj.open_units)

    @display(description="Shipped by")
    def ships(self, obj: Any) -> str:
        return "the marketplace" if obj.marketplace_fulfilled else "us"


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """One order (Flipkart: one shipment) as its channel last described it."""

    list_display = ("number", "account", "state", "units", "placed", "dispatch_by", "known")
    list_filter = (("account", RelatedDropdownFilter), WaitingFilter, KindFilter, ("placed_at", RangeDateTimeFilter))
    list_select_related = ("account",)
    search_fields = ("order_number", "key")
    search_help_text = "Order number or shipment ID"
    ordering = ("-first_seen_at", "-id")
    inlines = (OrderLineInline,)
    fields = (
        "number", "their_id", "account", "state", "placed", "dispatch_by", "known", "channel_time", "notes",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(ordered_units=Sum("lines__ordered"), waiting_lines=Count("lines", filter=Q(lines__waiting=True)))
        )

    @display(description="Order", ordering="order_number")
    def number(self, obj: Any) -> str:
        return str(obj)

    @display(
        description="State",
        ordering="status",
        label={"Waiting for a link": "danger", "On hold": "warning", "Test": "info"},
    )
    def state(self, obj: Any) -> str:
        if obj.waiting_lines:
            return "Waiting for a link"
        if obj.test:
            return "Test"
        return "On hold" if obj.on_hold else (obj.status or words.NOTHING).replace("_", " ").capitalize()

    @display(description="Units", ordering="ordered_units")
    def units(self, obj: Any) -> int:
        return int(obj.ordered_units or 0)

    @display(description="Ordered", ordering="placed_at")
    def placed(self, obj: Any) -> Any:
        return words.stamp(obj.placed_at)

    @display(description="Dispatch by", ordering="fulfil_by")
    def dispatch_by(self, obj: Any) -> Any:
        return words.stamp(obj.fulfil_by)

    @display(description="Known since", ordering="first_seen_at")
    def known(self, obj: Any) -> Any:
        return words.stamp(obj.first_seen_at)

    @display(description="Shipment or order ID")
    def their_id(self, obj: Any) -> str:
        return str(obj.key)

    @display(description="Notes")
    def notes(self, obj: Any) -> str:
        facts = {"on hold": obj.on_hold, "replacement": obj.replacement, "test order, takes no stock": obj.test}
        return ", ".join(text for text, holds in facts.items() if holds) or words.NOTHING

    @display(description="Last change there")
    def channel_time(self, obj: Any) -> Any:
        return words.stamp(obj.updated_at)


@admin.register(ReturnItem)
class ReturnItemAdmin(ReadOnlyAdmin):
    """What comes back, and where it is on its way."""

    list_display = ("return_id", "account", "order", "item", "units", "where", "kind", "tracking_id", "since")
    list_filter = (
        ("account", RelatedDropdownFilter),
        ("state", admin.ChoicesFieldListFilter),
        ("courier_return", admin.BooleanFieldListFilter),
    )
    list_select_related = ("account", "line__order", "line__sku")
    search_fields = ("return_id", "order_ref", "tracking_id")
    ordering = ("-first_seen_at", "-id")
    fields = (
        "return_id",
        "account",
        "order",
        "item",
        "units",
        "where",
        "kind",
        "status",
        "after",
        "tracking_id",
        "since",
        "updated_at",
    )
    readonly_fields = fields

    @display(description="Order")
    def order(self, obj: Any) -> Any:
        return link(obj.line.order) if obj.line else obj.order_ref or words.NOTHING

    @display(description="SKU")
    def item(self, obj: Any) -> str:
        return str(obj.line.sku) if obj.line and obj.line.sku else words.NOTHING

    @display(
        description="Where",
        ordering="state",
        label={"On its way": "info", "Arrived": "success", "Will not come": "warning"},
    )
    def where(self, obj: Any) -> str:
        return str(obj.get_state_display())

    @display(description="Kind")
    def kind(self, obj: Any) -> str:
        return "RTO" if obj.courier_return else "Customer return"

    @display(description="When it arrives")
    def after(self, obj: Any) -> str:
        return "straight back on sale" if obj.to_stock else "QC pending"

    @display(description="Known since", ordering="first_seen_at")
    def since(self, obj: Any) -> Any:
        return words.stamp(obj.first_seen_at)
