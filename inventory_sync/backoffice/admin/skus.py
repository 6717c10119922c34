"""SKUs: what is on the shelf, and where it is sold."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Count, F, IntegerField, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import (
    ChoiceFilter,
    StaffAdmin,
    StaffInline,
)
from inventory_sync.backoffice.admin.listing_changes import PrepareChanges
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.models import ListingState
from inventory_sync.stock.models import StockBalance, Warehouse
from skumap.models import KitComponent, Listing, Sku


class SkuKindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"
    options = (
        ("combo", "Combos"),
        ("plain", "Plain SKUs"),
        ("unlisted", "Without a listing"),
        ("priority", "Goes first"),
    )

    def narrow(self, queryset: Any, value: str) -> Any:
        if value == "priority":
            return queryset.filter(priority=True)
        if value == "unlisted":
            return queryset.filter(listings__isnull=True)
        combos = KitComponent.objects.values("kit")
        return queryset.filter(pk__in=combos) if value == "combo" else queryset.exclude(pk__in=combos)


class KitComponentInline(StaffInline):
    model = KitComponent
    fk_name = "kit"
    labels = {"component": "SKU"}
    verbose_name = "part"
    verbose_name_plural = "combo: its parts (leave empty for a plain SKU)"
    autocomplete_fields = ("component",)
    fields = ("component", "units")


@admin.register(Sku)
class SkuAdmin(PrepareChanges, StaffAdmin):
    """What is on the shelf, and where it is sold."""

    list_display = ("code", "title", "brand", "in_warehouse", "blocked", "sellable", "listing_count")
    list_filter = (SkuKindFilter, ("category", RelatedDropdownFilter))
    autocomplete_fields = ("category",)
    search_fields = ("code", "title", "barcode", "brand")
    search_help_text = "SKU code, title, barcode or brand"
    labels = {"priority": "Goes first"}
    inlines = (KitComponentInline,)
    fieldsets = (
        (None, {"fields": (("code", "priority"), "title", ("brand", "barcode"), ("hsn", "mrp"), "category")}),
        ("Attributes", {"fields": ("attributes",), "classes": ("collapse",)}),
    )
    change_form_before_template = "backoffice/sku_position.html"
    actions = ("prepare_selected",)
    actions_detail = ("prepare_one",)

    def get_queryset(self, request: HttpRequest) -> Any:
        own = (
            StockBalance.objects.filter(sku=OuterRef("pk"), warehouse__kind=Warehouse.Kind.OWN).order_by().values("sku")
        )
        listings = Listing.objects.filter(sku=OuterRef("pk"), vanished_at__isnull=True).order_by().values("sku")
        whole = IntegerField()
        return (
            super()
            .get_queryset(request)
            .annotate(
                units=Coalesce(Subquery(own.annotate(n=Sum("on_hand")).values("n"), output_field=whole), 0),
                held=Coalesce(Subquery(own.annotate(n=Sum("committed")).values("n"), output_field=whole), 0),
                listed=Coalesce(Subquery(listings.annotate(n=Count("id")).values("n"), output_field=whole), 0),
            )
            .annotate(free=F("units") - F("held"))
        )

    @display(description="In warehouse", ordering="units")
    def in_warehouse(self, obj: Any) -> int:
        return int(obj.units)

    @display(description="Blocked for orders", ordering="held")
    def blocked(self, obj: Any) -> int:
        return int(obj.held)

    @display(description="Sellable stock", ordering="free")
    def sellable(self, obj: Any) -> Any:
        return words.sellable(obj.free)

    @display(description="Listings", ordering="listed")
    def listing_count(self, obj: Any) -> int:
        return int(obj.listed)

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        position = {"position": _position(int(object_id))} if object_id and str(object_id).isdigit() else {}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **position})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A SKU with a history stays."""
        used = obj is not None and (obj.movements.exists() or obj.listings.exists() or obj.links.exists())
        return not used and super().has_delete_permission(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        if change and ("priority" in form.changed_data or any(formset.has_changed() for formset in formsets)):
            transaction.on_commit(partial(decide_soon, {form.instance.pk}))


def _position(sku_id: int) -> dict[str, Any]:
    """What of a SKU is where, and what its listings show, in a few queries."""
    balances = list(
        StockBalance.objects.select_related("warehouse")
        .filter(sku_id=sku_id)
        .order_by("warehouse__kind", "warehouse__code")
    )
    own = [row for row in balances if row.warehouse.kind == Warehouse.Kind.OWN]
    states = (
        ListingState.objects.select_related("listing", "location", "account")
        .filter(listing__sku_id=sku_id)
        .order_by("account__name", "listing__key")
    )
    return {
        "balances": balances,
        "is_combo": KitComponent.objects.filter(kit_id=sku_id).exists(),
        "in_warehouse": sum(row.on_hand for row in own),
        "blocked": sum(row.committed for row in own),
        "sellable": sum(row.available for row in own),
        "states": [
            {
                "state": state,
                "seen": words.quantity(state.seen_quantity, state.seen_at),
                "sent": words.quantity(state.sent_quantity, state.sent_at),
                "waiting": words.clock(state.stale_since) if state.stale_since else "",
            }
            for state in states
        ],
        "listings": Listing.objects.select_related("account")
        .filter(sku_id=sku_id, states__isnull=True)
        .order_by("account__name", "key"),
    }
