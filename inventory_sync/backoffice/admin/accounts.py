"""Seller accounts: their connection, their credentials, and whether anything is sent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.decorators import action, display

from inventory_sync.backoffice import connection, words
from inventory_sync.backoffice.account_form import AccountForm, NewAccountForm, field_names, known_settings
from inventory_sync.backoffice.admin.base import ReadOnlyInline, StaffAdmin, link
from inventory_sync.backoffice.admin.locations import served_from
from inventory_sync.domain.errors import ChannelError
from inventory_sync.engine import pulling, start
from inventory_sync.engine.decide import mark_all_stale
from inventory_sync.engine.models import ListingState, SyncCursor
from skumap.models import ChannelAccount, ChannelLocation, Listing

MODE_TONES = {"Live": "success", "Paused": "warning", "Trial run": "info"}
HEALTH_TONES = {"Working": "success", "Slow or failing": "warning", "Needs you": "danger", "Not connected yet": "info"}
Mode = ChannelAccount.Mode


def mode_words(account: ChannelAccount) -> str:
    return "Trial run" if account.mode == Mode.SHADOW else str(account.get_mode_display())


class LocationInline(ReadOnlyInline):
    model = ChannelLocation
    verbose_name_plural = "locations"
    show_change_link = False
    fields = ("location", "their_id", "active", "ours", "served_from")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("warehouse_links__warehouse")

    @display(description="Location")
    def location(self, obj: Any) -> Any:
        return link(obj)

    @display(description="Their ID")
    def their_id(self, obj: Any) -> str:
        return str(obj.external_id)

    @display(description="We write it", boolean=True)
    def ours(self, obj: Any) -> bool:
        return bool(obj.managed)

    @display(description="Served from")
    def served_from(self, obj: Any) -> str:
        return served_from(obj)


class StreamInline(ReadOnlyInline):
    model = SyncCursor
    verbose_name_plural = "read up to"
    show_change_link = False
    fields = ("what", "until", "success", "trouble")
    readonly_fields = fields

    @display(description="What")
    def what(self, obj: Any) -> str:
        return words.stream_words(obj.stream)

    @display(description="Read up to")
    def until(self, obj: Any) -> Any:
        return words.stamp(obj.high_water)

    @display(description="Last success")
    def success(self, obj: Any) -> Any:
        return words.stamp(obj.last_success_at)

    @display(description="Trouble")
    def trouble(self, obj: Any) -> str:
        return obj.last_error or words.NOTHING


@admin.register(ChannelAccount)
class ChannelAccountAdmin(StaffAdmin):
    """One seller account: its connection, its credentials (never shown), and whether anything is sent."""

    list_display = ("name", "channel", "mode_label", "health_label", "last_success", "linked", "unlinked", "waiting")
    list_filter = ("channel", "mode", "health")
    search_fields = ("name", "identity")
    readonly_fields = (
        "channel",
        "mode_label",
        "health_label",
        "trouble",
        "last_success",
        "live",
        "reading",
        "webhook_url",
        "all_settings",
    )
    inlines = (LocationInline, StreamInline)
    actions_detail = (
        "test_connection",
        "go_live",
        "back_to_trial",
        "pause",
        {"title": "More", "icon": "more_horiz", "items": ["read_listings", "subscribe"]},
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        present = Q(listings__vanished_at__isnull=True)
        counted = (
            super()
            .get_queryset(request)
            .annotate(
                linked_count=Count("listings", filter=present & Q(listings__status="mapped")),
                unlinked_count=Count("listings", filter=present & Q(listings__status__in=["unmapped", "ambiguous"])),
            )
        )
        return counted

    # --- the list -----------------------------------------------------------------------------------------------------------

    @display(description="Mode", ordering="mode", label=MODE_TONES)
    def mode_label(self, obj: Any) -> str:
        return mode_words(obj)

    @display(description="Connection", ordering="health", label=HEALTH_TONES)
    def health_label(self, obj: Any) -> str:
        return str(obj.get_health_display())

    @display(description="What is wrong")
    def trouble(self, obj: Any) -> str:
        return obj.health_reason or words.NOTHING

    @display(description="Last success", ordering="last_success_at")
    def last_success(self, obj: Any) -> Any:
        return words.stamp(obj.last_success_at)

    @display(description="Live since")
    def live(self, obj: Any) -> Any:
        return words.stamp(obj.live_since)

    @display(description="Linked listings", ordering="linked_count")
    def linked(self, obj: Any) -> int:
        return int(obj.linked_count)

    @display(description="New listings", ordering="unlinked_count")
    def unlinked(self, obj: Any) -> int:
        return int(obj.unlinked_count)

    @display(description="Waiting to update")
    def waiting(self, obj: Any) -> int:
        return int(self._waiting.get(obj.pk, 0))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        rows = ListingState.objects.filter(stale_since__isnull=False).values_list("account_id")
        self._waiting = dict(rows.annotate(number=Count("id")))
        return super().changelist_view(request, extra_context)

    # --- the form -----------------------------------------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            return super().get_form(request, obj, change, **{**kwargs, "form": NewAccountForm})
        declared = {name: forms.CharField(required=False) for name in field_names(obj.channel)}
        form = type(
            "AccountForm", (AccountForm,), declared
        )  # the admin wants to know the fields before there is a form
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj is not None else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        addresses = (
            "Addresses",
            {
                "fields": ("api_base", "auth_base"),
                "description": "Leave both empty for the channel's own. Fill them to work against a sandbox.",
            },
        )
        if obj is None:
            return (("Step 1 of 2: which account", {"fields": ("channel", "name", "identity")}), addresses)
        return (
            (
                "Account",
                {
                    "fields": (
                        "channel",
                        "name",
                        "identity",
                        "mode_label",
                        "health_label",
                        "trouble",
                        "last_success",
                        "live",
                        "reading",
                    )
                },
            ),
            (
                "Credentials",
                {
                    "fields": tuple(field_names(obj.channel)),
                    "description": "They are stored encrypted. Nobody can read them here, only their last four characters show.",
                },
            ),
            ("Notifications", {"fields": ("webhook_url",)}),
            addresses,
            ("Settings", {"fields": ("settings", "all_settings")}),
        )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else ()

    @display(description="Its listings")
    def reading(self, obj: Any) -> str:
        """How far the reading of the catalogue is."""
        now = pulling.progress(account_id=obj.pk)
        known = Listing.objects.filter(account=obj, vanished_at__isnull=True).count()
        if now is None:
            return f"{words.count(known, 'listing')} known"
        text = (
            f"Reading: {now.read:,} of {now.total:,} read" if now.total is not None else f"Reading: {now.read:,} read"
        )
        if now.calls_left is not None and now.seconds_left is not None:
            text += f", {words.count(now.calls_left, 'call')} to go, about {words.duration(now.seconds_left)}"
        return f"{text}. {now.last_error}" if now.last_error else f"{text}."

    @display(description="Notification address")
    def webhook_url(self, obj: Any) -> str:
        return connection.webhook_url(obj)

    @display(description="What can be set")
    def all_settings(self, obj: Any) -> Any:
        own = obj.settings or {}
        rows = format_html_join(
            "",
            '<tr><td><code>{}</code></td><td class="isync-num">{}</td></tr>',
            (
                (name, f"{own[name]} (default {default})" if name in own else _plain(default))
                for name, default in sorted(known_settings(obj.channel).items())
            ),
        )
        return format_html(
            '<details><summary>All settings and their defaults</summary><table class="isync-table">{}</table></details>',
            rows,
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if change:
            obj.credentials = form.credentials()
        super().save_model(request, obj, form, change)
        if change and "settings" in form.changed_data:
            mark_all_stale(account_id=obj.pk)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        self.message_user(
            request, f"{obj.name} is added. Step 2 of 2: enter its credentials, then test the connection."
        )
        return HttpResponseRedirect(self.page_of(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An account with orders stays: pause it instead."""
        return not (obj is not None and obj.orders.exists()) and super().has_delete_permission(request, obj)

    # --- the tools ----------------------------------------------------------------------------------------------------------

    @action(description="Test connection", url_path="test-connection", permissions=["change"], icon="network_check")
    def test_connection(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.object_of(request, object_id)
        if request.method != "POST":
            return self.ask(
                request,
                title=f"Test the connection of {account.name}",
                submit="Test connection",
                back=self.page_of(account),
                lines=[
                    "The channel is asked who these credentials belong to, and for its locations. Nothing is changed there."
                ],
            )
        try:
            found = start.connect(account_id=account.pk)
        except ChannelError as error:
            return self.done(request, f"No connection: {error}", to=self.page_of(account), level=messages.ERROR)
        who = f" as {found.name or found.identity}" if found.name or found.identity else ""
        return self.done(request, f"Connected{who}. Reading orders and listings has begun.", to=self.page_of(account))

    @action(description="Read listings now", url_path="read-listings", permissions=["change"], icon="refresh")
    def read_listings(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.object_of(request, object_id)
        if request.method != "POST":
            return self.ask(
                request,
                title=f"Read the listings of {account.name}",
                submit="Read listings now",
                back=self.page_of(account),
                lines=["All listings and locations are read again, in the background."],
            )
        connection.read_listings_now(account_id=account.pk, now=timezone.now())
        return self.done(request, "Listings are being read; new ones show up under Listings.", to=self.page_of(account))

    @action(
        description="Subscribe to notifications",
        url_path="subscribe",
        permissions=["change"],
        icon="notifications_active",
    )
    def subscribe(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.object_of(request, object_id)
        if request.method != "POST":
            return self.ask(
                request,
                title=f"Let {account.get_channel_display()} notify us",
                submit="Subscribe",
                back=self.page_of(account),
                lines=[
                    "Missing subscriptions are made, broken ones repaired. Without them orders still come in, a few minutes later.",
                    f"Address: {connection.webhook_url(account)}",
                ],
            )
        try:
            lines = connection.subscribe(account_id=account.pk)
        except ChannelError as error:
            return self.done(request, f"Not subscribed: {error}", to=self.page_of(account), level=messages.ERROR)
        for line in lines:
            self.message_user(request, line, messages.INFO)
        return HttpResponseRedirect(self.page_of(account))

    def has_start_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_switch(request, object_id, to=Mode.LIVE)

    def has_trial_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_switch(request, object_id, to=Mode.SHADOW)

    def has_pause_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self._may_switch(request, object_id, to=Mode.PAUSED)

    def _may_switch(self, request: HttpRequest, object_id: Any, *, to: ChannelAccount.Mode) -> bool:
        """No button for the mode that the account is in; the address itself only asks for the right to change."""
        if not self.has_change_permission(request):
            return False
        showing_page = request.resolver_match is not None and (request.resolver_match.url_name or "").endswith(
            "_change"
        )
        return not (showing_page and object_id and ChannelAccount.objects.filter(pk=object_id, mode=to).exists())

    @action(description="Go live", url_path="go-live", permissions=["start"], icon="play_arrow", variant="success")
    def go_live(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.object_of(request, object_id)
        return self._switch(
            request,
            account,
            mode=Mode.LIVE,
            title=f"Go live with {account.name}",
            submit="Go live",
            lines=[
                "From now on quantities are sent to this account. They are raised step by step, as its orders become known."
            ],
            warnings=_before_going_live(account),
            said=f"{account.name} is live.",
        )

    @action(description="Back to trial run", url_path="trial-run", permissions=["trial"], icon="visibility")
    def back_to_trial(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.object_of(request, object_id)
        return self._switch(
            request,
            account,
            mode=Mode.SHADOW,
            title=f"Back to a trial run with {account.name}",
            submit="Back to trial run",
            lines=["Nothing more is sent. Orders are still read and their stock is still blocked."],
            warnings=["What the account shows now stays there and goes on selling, until somebody changes it."],
            said=f"{account.name} is in a trial run: nothing is sent.",
        )

    @action(description="Pause", url_path="pause", permissions=["pause"], icon="pause", variant="warning")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.object_of(request, object_id)
        return self._switch(
            request,
            account,
            mode=Mode.PAUSED,
            title=f"Pause {account.name}",
            submit="Pause",
            lines=["Nothing more is sent. Orders are still read and their stock is still blocked."],
            warnings=[
                "What the account shows now stays there and goes on selling. Other accounts leave that much stock alone."
            ],
            said=f"{account.name} is paused: nothing is sent.",
        )

    def _switch(
        self,
        request: HttpRequest,
        account: ChannelAccount,
        *,
        mode: ChannelAccount.Mode,
        title: str,
        submit: str,
        lines: list[str],
        warnings: list[str],
        said: str,
    ) -> HttpResponse:
        back = self.page_of(account)
        if request.method != "POST":
            return self.ask(
                request,
                title=title,
                submit=submit,
                back=back,
                lines=lines,
                warnings=warnings,
                danger=mode != Mode.SHADOW,
            )
        try:
            changed = connection.set_mode(account_id=account.pk, mode=mode)
        except start.ModeError as error:
            return self.done(request, f"Not done. {error}", to=back, level=messages.ERROR)
        if changed:
            self.log_change(request, account, f"Mode: {mode_words(ChannelAccount(mode=mode))}")
        return self.done(request, said, to=back)


def _before_going_live(account: ChannelAccount) -> list[str]:
    """What somebody should know before pressing the button."""
    found = connection.readiness(account)
    lines = [] if found.connected else ["The connection was not tested yet, or it is broken: test it first."]
    if found.locations_unlinked:
        lines.append(
            f"{words.count(found.locations_unlinked, 'location')} without a warehouse: nothing is sent for them."
        )
    if found.unlinked:
        lines.append(
            f"{words.count(found.unlinked, 'listing')} not linked to a SKU: nothing is sent for them, and their orders wait."
        )
    if found.hazards:
        lines.append(f"{words.count(found.hazards, 'listing')} with an open warning: they are not raised.")
    if found.unread:
        lines.append(
            f"{words.count(found.unread, 'quantity', 'quantities')} not read there yet: they are not raised before that."
        )
    lines.append(
        f"{words.count(found.linked, 'listing')} linked; {words.count(found.would_change, 'quantity', 'quantities')} would change."
        if found.linked
        else "No listing is linked: nothing would be sent."
    )
    return lines


def _plain(value: Any) -> str:
    return (
        ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value) if value != "" else words.NOTHING
    )
