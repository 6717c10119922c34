"""What every listing should show, what was sent, what was seen, and why."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import ChoiceFilter, ReadOnlyAdmin, link
from inventory_sync.backoffice.explain import reason_words, tell
from inventory_sync.domain.ports import PushResult
from inventory_sync.engine.models import Flight, ListingState, PushAttempt, ShadowRecord, StockRule

RESULT_WORDS = {
    PushResult.ACCEPTED: "Accepted",
    PushResult.REFUSED: "Refused",
    PushResult.STALE: "Changed there meanwhile",
    PushResult.NOT_SENT: "Not sent",
    PushResult.UNKNOWN: "No clear answer",
}
RESULT_TONES = {
    "Accepted": "success", "Refused": "danger", "Changed there meanwhile": "warning", "Not sent": "info", "No clear answer": "warning",
}  # fmt: skip


def result_words(code: str) -> str:
    return RESULT_WORDS.get(PushResult(code), code) if code in set(PushResult) else code


class WaitingFilter(ChoiceFilter):
    title = "waiting to update"
    parameter_name = "stale"
    options = (("yes", "Waiting to update"), ("no", "Up to date"))

    def narrow(self, queryset: Any, value: str) -> Any:
        return queryset.filter(stale_since__isnull=value == "no")


class TroubleFilter(ChoiceFilter):
    title = "trouble"
    parameter_name = "trouble"
    options = (
        ("blocked", "Not sent at all"),
        ("error", "Refused or failed"),
        ("mismatch", "Mismatch with channel"),
        ("unread", "Not read there yet"),
    )

    def narrow(self, queryset: Any, value: str) -> Any:
        if value == "blocked":
            return queryset.exclude(blocked_reason="")
        if value == "error":
            return queryset.exclude(last_error="")
        if value == "unread":
            return queryset.filter(opened_at__isnull=True)
        settled = Q(flights__isnull=True, seen_quantity__isnull=False, desired_quantity__isnull=False)
        return queryset.filter(settled).exclude(seen_quantity=F("desired_quantity"))


@admin.register(ListingState)
class ListingStateAdmin(ReadOnlyAdmin):
    """One listing at one location of its channel."""

    list_display = ("listing_code", "sku_code", "account", "location", "should_show", "sent", "seen", "waiting", "note")
    list_filter = (
        ("account", RelatedDropdownFilter),
        WaitingFilter,
        TroubleFilter,
        ("location", RelatedDropdownFilter),
        ("listing__sku", AutocompleteSelectFilter),
    )
    list_select_related = ("listing__sku", "account", "location")
    search_fields = ("listing__key", "listing__seller_sku", "listing__title", "listing__sku__code")
    search_help_text = "Seller SKU, title or our SKU"
    ordering = ("account__name", "listing__key", "location")
    fieldsets = (
        (None, {"fields": ("listing_link", "sku_link", "account", "location", "note")}),
        ("Quantities", {"fields": ("should_show", "sent", "seen", "waiting", "may_sell", "on_its_way")}),
        ("Sending", {"fields": ("attempts", "next_try", "last_error", "decided")}),
    )
    actions_row = ("why",)
    actions_detail = ("why",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for _, options in self.fieldsets for name in options["fields"]]

    @display(description="Listing", ordering="listing__key")
    def listing_code(self, obj: Any) -> str:
        return str(obj.listing)

    @display(description="Listing")
    def listing_link(self, obj: Any) -> Any:
        return link(obj.listing)

    @display(description="SKU", ordering="listing__sku__code")
    def sku_code(self, obj: Any) -> str:
        return str(obj.listing.sku or words.NOTHING)

    @display(description="SKU")
    def sku_link(self, obj: Any) -> Any:
        return link(obj.listing.sku)

    @display(description="Should show", ordering="desired_quantity")
    def should_show(self, obj: Any) -> Any:
        return words.NOTHING if obj.desired_quantity is None else obj.desired_quantity

    @display(description="Sent", ordering="sent_at")
    def sent(self, obj: Any) -> Any:
        return words.quantity(obj.sent_quantity, obj.sent_at)

    @display(description="Seen there", ordering="seen_at")
    def seen(self, obj: Any) -> Any:
        return words.quantity(obj.seen_quantity, obj.seen_at)

    @display(description="Waiting since", ordering="stale_since")
    def waiting(self, obj: Any) -> Any:
        return words.stamp(obj.stale_since)

    @display(description="Note")
    def note(self, obj: Any) -> str:
        if obj.blocked_reason:
            return f"Not sent: {obj.blocked_reason}"
        if obj.last_error:
            return obj.last_error
        if obj.opened_at is None:
            return "Not read there yet"
        return reason_words(obj.inputs.get("reason", "")) if obj.inputs else words.NOTHING

    @display(description="May still sell there")
    def may_sell(self, obj: Any) -> str:
        text = f"{obj.shown} may still be shown"
        return f"{text}, {obj.unseen} may have been sold that we do not know of yet" if obj.unseen else text

    @display(description="On its way")
    def on_its_way(self, obj: Any) -> str:
        flights = Flight.objects.filter(state=obj).order_by("id")
        return (
            "; ".join(f"{each.value}, in force by {words.clock(each.deadline)} at the latest" for each in flights)
            or words.NOTHING
        )

    @display(description="Next try")
    def next_try(self, obj: Any) -> Any:
        return words.stamp(obj.next_attempt_at)

    @display(description="Worked out")
    def decided(self, obj: Any) -> Any:
        return words.stamp(obj.decided_at)

    @action(description="Why this number?", url_path="why", permissions=["view"], icon="help")
    def why(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The last decision, step by step, and what was sent lately."""
        state = self.object_of(request, object_id)
        inputs = state.inputs or {}
        attempts = PushAttempt.objects.filter(state=state).order_by("-id")[:10]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": state,
            "title": "Why this number?",
            "state": state,
            "sentences": tell(inputs, channel=state.account.get_channel_display()),
            "mode": dict(StockRule.Mode.choices).get(str(inputs.get("mode")), ""),
            "decided": words.clock(state.decided_at),
            "sent": self.sent(state),
            "seen": self.seen(state),
            "attempts": [
                {
                    "at": words.clock(each.sent_at),
                    "value": each.value,
                    "result": result_words(each.result),
                    "why": reason_words(each.reason),
                    "message": each.message,
                }
                for each in attempts
            ],
            "records": [
                {"at": words.clock(each.created_at), "value": each.value, "why": reason_words(each.reason)}
                for each in ShadowRecord.objects.filter(state=state).order_by("-id")[:10]
            ],
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "backoffice/why.html", context)


@admin.register(PushAttempt)
class PushAttemptAdmin(ReadOnlyAdmin):
    """Every quantity that was sent, and what became of it."""

    list_display = ("when", "account", "listing", "location", "value", "outcome", "why", "message", "took")
    list_filter = (("account", RelatedDropdownFilter), "result", ("sent_at", RangeDateTimeFilter))
    list_select_related = ("account", "state__listing", "state__location")
    search_fields = ("state__listing__key", "state__listing__seller_sku", "request_id", "code")
    ordering = ("-id",)
    fields = (
        "when",
        "account",
        "listing_link",
        "location",
        "value",
        "compared",
        "outcome",
        "why",
        "code",
        "message",
        "request_id",
        "took",
    )
    readonly_fields = fields

    @display(description="When", ordering="sent_at")
    def when(self, obj: Any) -> Any:
        return words.stamp(obj.sent_at)

    @display(description="Listing")
    def listing(self, obj: Any) -> str:
        return str(obj.state.listing)

    @display(description="Listing")
    def listing_link(self, obj: Any) -> Any:
        return link(obj.state.listing)

    @display(description="Location")
    def location(self, obj: Any) -> str:
        return str(obj.state.location)

    @display(description="Result", ordering="result", label=RESULT_TONES)
    def outcome(self, obj: Any) -> str:
        return result_words(obj.result)

    @display(description="Why")
    def why(self, obj: Any) -> str:
        return reason_words(obj.reason) or words.NOTHING

    @display(description="Took", ordering="elapsed_seconds")
    def took(self, obj: Any) -> str:
        return words.duration(obj.elapsed_seconds)


@admin.register(ShadowRecord)
class ShadowRecordAdmin(ReadOnlyAdmin):
    """What would have been sent, had the account been live."""

    list_display = ("when", "account", "listing", "location", "value", "seen_quantity", "why")
    list_filter = (("state__account", RelatedDropdownFilter), ("created_at", RangeDateTimeFilter))
    list_select_related = ("state__account", "state__listing", "state__location")
    search_fields = ("state__listing__key", "state__listing__seller_sku")
    ordering = ("-id",)
    fields = list_display
    readonly_fields = fields

    @display(description="When", ordering="created_at")
    def when(self, obj: Any) -> Any:
        return words.stamp(obj.created_at)

    @display(description="Account")
    def account(self, obj: Any) -> str:
        return str(obj.state.account)

    @display(description="Listing")
    def listing(self, obj: Any) -> str:
        return str(obj.state.listing)

    @display(description="Location")
    def location(self, obj: Any) -> str:
        return str(obj.state.location)

    @display(description="Why")
    def why(self, obj: Any) -> str:
        return reason_words(obj.reason) or words.NOTHING
