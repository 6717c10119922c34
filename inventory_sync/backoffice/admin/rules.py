"""Stock rules, and sale events."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import ChoiceFilter, StaffAdmin
from inventory_sync.backoffice.forms import SaleStartForm
from inventory_sync.engine.decide import mark_all_stale
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.models import SaleEvent, StockRule
from inventory_sync.engine.sale_events import quicken, start_now, stop_now


@admin.register(StockRule)
class StockRuleAdmin(StaffAdmin):
    """How stock is shared out: for one SKU, one account, or everything. The narrowest rule wins."""

    list_display = ("scope", "mode", "cover")
    list_filter = ("mode", ("account", RelatedDropdownFilter))
    list_select_related = ("account", "sku")
    search_fields = ("sku__code",)
    autocomplete_fields = ("sku",)
    labels = {"cover_hours": "Covers at most (hours of sales)"}
    fieldsets = (
        (
            None,
            {
                "fields": ("sku", "account", "mode", "cover_hours"),
                "description": "Leave SKU and account empty for a rule that covers everything. Of several rules the narrowest one counts: "
                "SKU before account before everything.",
            },
        ),
    )

    @display(description="For", ordering="sku__code")
    def scope(self, obj: Any) -> str:
        return " on ".join(str(part) for part in (obj.sku, obj.account) if part) or "Everything"

    @display(description="Covers at most", ordering="cover_hours")
    def cover(self, obj: Any) -> str:
        return f"{obj.cover_hours:g} h of sales"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        before = form.initial.get("sku") if change else None
        super().save_model(request, obj, form, change)
        narrow = obj.sku_id is not None and (before is not None or not change)
        self._decide_again({obj.sku_id, before} if narrow else set())

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        sku_id = obj.sku_id
        super().delete_model(request, obj)
        self._decide_again({sku_id} if sku_id else set())

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        self._decide_again(set())

    def _decide_again(self, sku_ids: set[int | None]) -> None:
        """Some SKUs at once; with none named, everything in the background."""
        wanted = {sku_id for sku_id in sku_ids if sku_id}
        if wanted:
            transaction.on_commit(partial(decide_soon, wanted))
        else:
            mark_all_stale()


class EventFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = (("on", "On now"), ("planned", "Planned"), ("over", "Over or stopped"))

    def narrow(self, queryset: Any, value: str) -> Any:
        now = timezone.now()
        if value == "over":
            return queryset.filter(Q(ends_at__lte=now) | Q(cancelled_at__isnull=False))
        running = queryset.filter(cancelled_at__isnull=True, ends_at__gt=now)
        return running.filter(starts_at__lte=now) if value == "on" else running.filter(starts_at__gt=now)


@admin.register(SaleEvent)
class SaleEventAdmin(StaffAdmin):
    """While a sale event is on, orders are read more often, and last units are shared out for its pace."""

    list_display = ("name", "state", "begins", "ends", "times", "covers", "created_by")
    list_filter = (EventFilter,)
    list_select_related = ("created_by",)
    search_fields = ("name",)
    fields = ("name", "starts_at", "ends_at", "lift", "accounts", "state", "created_by")
    readonly_fields = ("state", "created_by")
    labels = {
        "starts_at": "Begins",
        "ends_at": "Ends",
        "lift": "Sells so many times as fast as usual",
        "accounts": "For these accounts",
    }
    actions_list = ("start_now",)
    actions_detail = ("stop_now",)
    actions_row = ("stop_now",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("accounts")

    @display(description="State", label={"On now": "warning", "Planned": "info", "Over": "", "Stopped": ""})
    def state(self, obj: Any) -> str:
        now = timezone.now()
        if obj.pk is None:
            return "Planned"
        if obj.cancelled_at:
            return "Stopped"
        if obj.ends_at <= now:
            return "Over"
        return "On now" if obj.starts_at <= now else "Planned"

    @display(description="Begins", ordering="starts_at")
    def begins(self, obj: Any) -> Any:
        return words.stamp(obj.starts_at)

    @display(description="Ends", ordering="ends_at")
    def ends(self, obj: Any) -> Any:
        return words.stamp(obj.ends_at)

    @display(description="Pace", ordering="lift")
    def times(self, obj: Any) -> str:
        return f"{obj.lift:g} × usual"

    @display(description="For")
    def covers(self, obj: Any) -> str:
        return ", ".join(str(account) for account in obj.accounts.all()) or "all accounts"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)
        now = timezone.now()
        if obj.starts_at <= now < obj.ends_at and not obj.cancelled_at:
            quicken(now=now)

    @action(description="Start now", url_path="start-now", permissions=["add"], icon="play_arrow", variant="primary")
    def start_now(self, request: HttpRequest) -> HttpResponse:
        form = SaleStartForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            event = start_now(**form.cleaned_data, now=timezone.now(), actor=request.user)
            until = words.clock(event.ends_at)
            return self.done(
                request, f"{event.name} is on until {until}. Orders are read more often.", to=self.list_page()
            )
        return self.ask(
            request,
            title="Start a sale event",
            submit="Start now",
            form=form,
            back=self.list_page(),
            lines=[
                "Orders of all accounts are read more often, and last units are shared out for that pace. It ends by itself."
            ],
        )

    def has_stop_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "change")

    @action(description="Stop now", url_path="stop-now", permissions=["stop"], icon="stop", variant="danger")
    def stop_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        event = self.object_of(request, object_id)
        if self.state(event) not in {"On now", "Planned"}:
            return self.done(request, f"{event.name} is over already.", to=self.list_page(), level=messages.INFO)
        if request.method == "POST":
            stop_now(event_id=event.pk, now=timezone.now())
            self.message_user(request, f"{event.name} is stopped. Orders are read at the usual pace.", messages.SUCCESS)
            return HttpResponseRedirect(self.list_page())
        return self.ask(
            request,
            title=f"Stop {event.name}",
            submit="Stop now",
            back=self.list_page(),
            danger=True,
            lines=["Orders are read at the usual pace again."],
        )
