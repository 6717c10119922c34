"""Stock locations as their channels name them, and the own warehouses that serve them."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import StaffAdmin, StaffInline
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.catalogue import relink_states
from inventory_sync.stock.models import LocationLink, Warehouse
from skumap.models import ChannelLocation


def served_from(location: ChannelLocation) -> str:
    """Names of the warehouses behind a location."""
    names = [str(each.warehouse) for each in location.warehouse_links.all()]
    return ", ".join(names) or ("no warehouse yet" if location.managed else words.NOTHING)


class LocationLinkInline(StaffInline):
    """Which of our warehouses can serve the location."""

    model = LocationLink
    labels = {"rank": "Order (lower first)"}
    verbose_name = "warehouse that serves it"
    verbose_name_plural = "warehouses that serve it"
    fields = ("warehouse", "rank")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "warehouse":
            kwargs["queryset"] = Warehouse.objects.filter(kind=Warehouse.Kind.OWN)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(ChannelLocation)
class ChannelLocationAdmin(StaffAdmin):
    """A stock location as its channel names it. Staff say which own warehouses serve it; the rest comes from the channel."""

    list_display = ("location", "account", "their_id", "active", "ours", "served_from")
    list_filter = (("account", RelatedDropdownFilter), "active", "managed")
    list_select_related = ("account",)
    search_fields = ("name", "external_id")
    fields = ("account", "name", "their_id", "active", "managed")
    readonly_fields = ("account", "name", "their_id", "active")
    inlines = (LocationLinkInline,)
    labels = {"managed": "We write it"}

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("warehouse_links__warehouse")

    @display(description="Location", ordering="name")
    def location(self, obj: Any) -> str:
        return str(obj)

    @display(description="Served from")
    def served_from(self, obj: Any) -> str:
        return served_from(obj)

    @display(description="Their ID", ordering="external_id")
    def their_id(self, obj: Any) -> str:
        return str(obj.external_id)

    @display(description="We write it", boolean=True, ordering="managed")
    def ours(self, obj: Any) -> bool:
        return bool(obj.managed)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        if form.changed_data or any(formset.has_changed() for formset in formsets):
            transaction.on_commit(partial(_relink, form.instance.account_id))
            self.message_user(request, "Its listings are worked out anew with these warehouses.", messages.INFO)


def _relink(account_id: int) -> None:
    relink_states(context=context_of(account_id))
