"""What the engine has measured and counted: to be read when somebody asks why it decides as it does."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter, RelatedDropdownFilter
from unfold.decorators import display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import ReadOnlyAdmin
from inventory_sync.engine.demand import load, stretched
from inventory_sync.engine.models import CallCount, Demand, LatencySample, OrderPace
from skumap.models import AccountToken


@admin.register(LatencySample)
class LatencySampleAdmin(ReadOnlyAdmin):
    """Every measured delay of the last days."""

    list_display = ("when", "account", "kind", "took")
    list_filter = (("account", RelatedDropdownFilter), "kind", ("at", RangeDateTimeFilter))
    list_select_related = ("account",)
    ordering = ("-id",)
    fields = readonly_fields = ("when", "account", "kind", "took")
    show_full_result_count = False

    @display(description="When", ordering="at")
    def when(self, obj: Any) -> Any:
        return words.stamp(obj.at)

    @display(description="Seconds", ordering="seconds")
    def took(self, obj: Any) -> str:
        return f"{obj.seconds:.1f}"


@admin.register(CallCount)
class CallCountAdmin(ReadOnlyAdmin):
    """API calls made, by minute: what a call budget is rebuilt from."""

    list_display = ("when", "account", "operation", "share", "calls")
    list_filter = (("account", RelatedDropdownFilter), "share", ("minute", RangeDateTimeFilter))
    list_select_related = ("account",)
    search_fields = ("operation",)
    ordering = ("-minute", "account", "operation")
    fields = readonly_fields = ("when", "account", "operation", "share", "calls")

    @display(description="Minute", ordering="minute")
    def when(self, obj: Any) -> Any:
        return words.stamp(obj.minute)


@admin.register(OrderPace)
class OrderPaceAdmin(ReadOnlyAdmin):
    """How fast orders of an account come, as measured or as a sale event says."""

    list_display = ("account", "times", "usual", "since")
    list_select_related = ("account",)
    fields = readonly_fields = ("account", "times", "usual", "since")

    @display(description="Orders come", ordering="surge")
    def times(self, obj: Any) -> str:
        return f"{obj.surge:.1f} × usual"

    @display(description="Usual units an hour", ordering="usual_rate")
    def usual(self, obj: Any) -> str:
        return f"{obj.usual_rate * 3600:.1f}"

    @display(description="Since", ordering="surge_at")
    def since(self, obj: Any) -> Any:
        return words.stamp(obj.surge_at)


@admin.register(Demand)
class DemandAdmin(ReadOnlyAdmin):
    """How fast each listing sells."""

    list_display = ("listing", "account", "per_day", "last_order")
    list_filter = (("listing__account", RelatedDropdownFilter),)
    list_select_related = ("listing__account__order_pace",)
    search_fields = ("listing__seller_sku", "listing__key", "listing__sku__code")
    ordering = ("-updated_at",)
    fields = readonly_fields = ("listing", "account", "per_day", "last_order")

    @display(description="Account")
    def account(self, obj: Any) -> str:
        return str(obj.listing.account)

    @display(description="Units a day, just now")
    def per_day(self, obj: Any) -> str:
        pace: OrderPace | None = getattr(obj.listing.account, "order_pace", None)
        rate = load(obj.state).rate(stretched(timezone.now()), surge=pace.surge if pace else 1.0)
        return f"{rate * 86_400 * settings.CLOCK_FACTOR:.1f}"

    @display(description="Last order", ordering="updated_at")
    def last_order(self, obj: Any) -> Any:
        return words.stamp(obj.updated_at)


@admin.register(AccountToken)
class AccountTokenAdmin(ReadOnlyAdmin):
    """Until when the tokens of each account are good. The tokens themselves are shown nowhere."""

    list_display = ("account", "name", "until", "reconnect_by")
    list_select_related = ("account",)
    fields = readonly_fields = ("account", "name", "until", "reconnect_by", "version")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("data")

    @display(description="Good until", ordering="expires_at")
    def until(self, obj: Any) -> Any:
        return words.stamp(obj.expires_at)

    @display(description="Connect again by", ordering="refresh_expires_at")
    def reconnect_by(self, obj: Any) -> Any:
        return words.stamp(obj.refresh_expires_at)
