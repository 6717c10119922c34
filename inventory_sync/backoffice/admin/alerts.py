"""What a person must know: open problems first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, F, IntegerField, Q, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from inventory_sync.alerts.models import Alert
from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import ChoiceFilter, ReadOnlyAdmin

RANK = Case(
    When(severity=Alert.Severity.CRITICAL, then=Value(0)),
    When(severity=Alert.Severity.WARNING, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)
RESOLVED = Case(When(resolved_at__isnull=True, then=Value(0)), default=Value(1), output_field=IntegerField())


class OpenFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = (("open", "Open"), ("new", "Nobody looks at it yet"), ("resolved", "Resolved"))

    def narrow(self, queryset: Any, value: str) -> Any:
        if value == "resolved":
            return queryset.filter(resolved_at__isnull=False)
        found = queryset.filter(resolved_at__isnull=True)
        return found.filter(acknowledged_at__isnull=True) if value == "new" else found


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """An alert goes away by itself when its cause is gone; acknowledging says that somebody is looking."""

    list_display = ("urgency", "title", "account", "state", "since", "times", "look")
    list_display_links = ("title",)
    list_filter = (OpenFilter, ("severity", admin.ChoicesFieldListFilter), ("account", RelatedDropdownFilter))
    list_select_related = ("account", "acknowledged_by")
    search_fields = ("title", "detail")
    fields = (
        "urgency",
        "title",
        "detail",
        "account",
        "state",
        "since",
        "last_seen_at",
        "times",
        "acknowledged_by",
        "look",
    )
    readonly_fields = fields
    actions = ("acknowledge_selected",)
    actions_detail = ("acknowledge",)

    def get_ordering(self, request: HttpRequest) -> Any:
        return (RESOLVED.asc(), RANK.asc(), F("opened_at").desc())

    @display(description="Urgency", ordering=RANK, label={"Look now": "danger", "Look today": "warning"})
    def urgency(self, obj: Any) -> str:
        return str(obj.get_severity_display())

    @display(description="State", label={"Open": "danger", "Resolved": "success"})
    def state(self, obj: Any) -> str:
        if obj.resolved_at:
            return "Resolved"
        return f"{obj.acknowledged_by or 'Somebody'} is looking" if obj.acknowledged_at else "Open"

    @display(description="Since", ordering="opened_at")
    def since(self, obj: Any) -> Any:
        return words.stamp(obj.opened_at)

    @display(description="Times", ordering="count")
    def times(self, obj: Any) -> int:
        return int(obj.count)

    @display(description="Where to look")
    def look(self, obj: Any) -> Any:
        safe = obj.link.startswith("/") and not obj.link.startswith("//")
        return format_html('<a href="{}" class="text-link">Open</a>', obj.link) if safe else words.NOTHING

    def has_acknowledge_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "change")

    @admin.action(description="I am looking at the chosen alerts", permissions=["acknowledge"])
    def acknowledge_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._acknowledge(request, queryset)

    @action(description="I am looking at it", url_path="acknowledge", permissions=["acknowledge"], icon="visibility")
    def acknowledge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        alert = self.object_of(request, object_id)
        if request.method == "POST":
            self._acknowledge(request, Alert.objects.filter(pk=alert.pk))
            return HttpResponseRedirect(self.page_of(alert))
        return self.ask(
            request,
            title=alert.title,
            submit="I am looking at it",
            back=self.page_of(alert),
            lines=["The others see your name. The alert stays open until its cause is gone."],
        )

    def _acknowledge(self, request: HttpRequest, queryset: Any) -> None:
        waiting = queryset.filter(Q(acknowledged_at__isnull=True), resolved_at__isnull=True)
        number = waiting.update(acknowledged_at=timezone.now(), acknowledged_by=request.user)
        self.message_user(request, f"{words.count(number, 'alert')} acknowledged.", messages.SUCCESS)
