"""Under the hood: what came in, how far every stream was read, jobs that run on the channels."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.contrib.filters.admin import RangeDateTimeFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import ReadOnlyAdmin
from inventory_sync.engine import wake
from inventory_sync.engine.inbound import make_due, replay_delivery
from inventory_sync.engine.models import RemoteJob, SyncCursor, WebhookDelivery
from inventory_sync.http.redaction import redact_headers

SHOWN_CHARACTERS = 100_000


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """Every message as it came. Replaying one is always safe: what it says is applied at most once."""

    list_display = ("received", "account", "topic", "state", "attempts", "short_error", "processed")
    list_filter = (
        ("account", RelatedDropdownFilter),
        ("status", admin.ChoicesFieldListFilter),
        ("received_at", RangeDateTimeFilter),
    )
    list_select_related = ("account",)
    search_fields = ("key", "topic", "error")
    ordering = ("-id",)
    fields = (
        "received", "account", "topic", "state", "error", "content", "attempts", "next_try", "processed", "came", "key", "url",
        "header_lines",
    )  # fmt: skip
    readonly_fields = fields
    actions = ("replay_selected",)
    actions_detail = ("replay",)

    def get_queryset(self, request: HttpRequest) -> Any:
        found = super().get_queryset(request)
        listing = request.resolver_match is not None and (request.resolver_match.url_name or "").endswith("_changelist")
        return found.defer("body", "headers") if listing else found

    @display(description="Received", ordering="received_at")
    def received(self, obj: Any) -> Any:
        return words.stamp(obj.received_at)

    @display(description="Processed", ordering="processed_at")
    def processed(self, obj: Any) -> Any:
        return words.stamp(obj.processed_at)

    @display(description="Next try")
    def next_try(self, obj: Any) -> Any:
        return words.stamp(obj.next_attempt_at)

    @display(
        description="State",
        ordering="status",
        label={"New": "info", "Done": "success", "Will be tried again": "warning", "Needs a look": "danger"},
    )
    def state(self, obj: Any) -> str:
        return str(obj.get_status_display())

    @display(description="Trouble")
    def short_error(self, obj: Any) -> str:
        return f"{obj.error[:80]}…" if len(obj.error) > 80 else obj.error or words.NOTHING

    @display(description="Came")
    def came(self, obj: Any) -> str:
        return "late: it is only taken as a hint to look" if obj.stale else "in time"

    @display(description="Headers")
    def header_lines(self, obj: Any) -> Any:
        return format_html('<pre class="isync-raw">{}</pre>', _lines(redact_headers(obj.headers)))

    @display(description="Content")
    def content(self, obj: Any) -> Any:
        return format_html('<pre class="isync-raw">{}</pre>', readable(bytes(obj.body)))

    def has_replay_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "change")

    @admin.action(description="Replay the chosen messages", permissions=["replay"])
    def replay_selected(self, request: HttpRequest, queryset: Any) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        for pk in chosen:
            replay_delivery(delivery_id=pk)
        self.message_user(request, f"{words.count(len(chosen), 'message')} will be applied again.", messages.SUCCESS)

    @action(description="Replay", url_path="replay", permissions=["replay"], icon="replay")
    def replay(self, request: HttpRequest, object_id: str) -> HttpResponse:
        delivery = self.object_of(request, object_id)
        if request.method == "POST":
            replay_delivery(delivery_id=delivery.pk)
            return self.done(request, "The message will be applied again in a moment.", to=self.page_of(delivery))
        return self.ask(
            request,
            title="Replay this message",
            submit="Replay",
            back=self.page_of(delivery),
            lines=[
                "It is applied again from the stored content. What it says counts at most once, so this is always safe."
            ],
        )


def readable(body: bytes) -> str:
    """A message's content for the eye: JSON indented, other text as it is, anything else in hexadecimal."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return body[:2_000].hex(" ")
    with suppress(ValueError):
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return f"{text[:SHOWN_CHARACTERS]}\n… ({len(text)} characters)" if len(text) > SHOWN_CHARACTERS else text


def _lines(headers: dict[str, str]) -> Any:
    return format_html_join("\n", "{}: {}", sorted(headers.items()))


@admin.register(SyncCursor)
class SyncCursorAdmin(ReadOnlyAdmin):
    """How far everything was read, and when it is read again."""

    list_display = ("account", "what", "until", "success", "next_time", "running", "failures", "trouble")
    list_display_links = ("what",)
    list_filter = (("account", RelatedDropdownFilter), "stream")
    list_select_related = ("account",)
    ordering = ("account__name", "stream")
    fields = ("account", "what", "until", "success", "next_time", "running", "failures", "last_error", "position")
    readonly_fields = fields
    actions = ("read_now",)
    search_fields = ("stream",)

    @display(description="What", ordering="stream")
    def what(self, obj: Any) -> str:
        return words.stream_words(obj.stream)

    @display(description="Read up to", ordering="high_water")
    def until(self, obj: Any) -> Any:
        return words.stamp(obj.high_water)

    @display(description="Last success", ordering="last_success_at")
    def success(self, obj: Any) -> Any:
        return words.stamp(obj.last_success_at)

    @display(description="Next", ordering="next_due_at")
    def next_time(self, obj: Any) -> Any:
        return "now" if obj.next_due_at <= timezone.now() else words.stamp(obj.next_due_at)

    @display(description="Being read", label={"now": "info"})
    def running(self, obj: Any) -> str:
        return "now" if obj.running_until is not None and obj.running_until > timezone.now() else ""

    @display(description="Trouble")
    def trouble(self, obj: Any) -> str:
        return f"{obj.last_error[:80]}…" if len(obj.last_error) > 80 else obj.last_error or words.NOTHING

    def has_read_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "change")

    @admin.action(description="Read now", permissions=["read"])
    def read_now(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        chosen = list(queryset.values_list("account_id", "stream"))
        for account_id, stream in chosen:
            make_due(account_id=account_id, stream=stream)
        wake.after_commit("sweep")
        self.message_user(request, f"{words.count(len(chosen), 'stream')} will be read now.", messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())


@admin.register(RemoteJob)
class RemoteJobAdmin(ReadOnlyAdmin):
    """Many quantities sent as one job that runs on the channel."""

    list_display = ("started", "account", "ref", "state", "quantities", "next_look", "message")
    list_filter = (("account", RelatedDropdownFilter), ("status", admin.ChoicesFieldListFilter))
    list_select_related = ("account",)
    search_fields = ("ref",)
    ordering = ("-id",)
    fields = ("started", "account", "kind", "ref", "state", "quantities", "next_look", "give_up_at", "message")
    readonly_fields = fields

    @display(description="Started", ordering="created_at")
    def started(self, obj: Any) -> Any:
        return words.stamp(obj.created_at)

    @display(
        description="State",
        ordering="status",
        label={"Done": "success", "Failed": "danger", "Running": "info", "Starting": "info"},
    )
    def state(self, obj: Any) -> str:
        return str(obj.get_status_display())

    @display(description="Quantities")
    def quantities(self, obj: Any) -> int:
        return len(obj.flight_ids)

    @display(description="Next look", ordering="next_check_at")
    def next_look(self, obj: Any) -> Any:
        return words.stamp(obj.next_check_at)
