"""Listings, and which listing was which SKU since when."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html_join
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import (
    ChoiceFilter,
    ReadOnlyAdmin,
    ReadOnlyInline,
    link,
)
from inventory_sync.backoffice.admin.review import ReviewPages
from inventory_sync.backoffice.forms import HazardForm, IgnoreForm, LinkForm
from inventory_sync.domain.errors import ChannelError
from inventory_sync.domain.snapshots import Hazard
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.catalogue import check_hazards, fix_hazard
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.mapping import approve_match, ignore_listing
from inventory_sync.engine.models import ListingState
from inventory_sync.engine.remap import began_at, consequences, correct_link
from inventory_sync.orders.models import OrderLine
from skumap.models import Listing, ListingLink, Sku
from skumap.services import LinkError, accept_hazard


class TodoFilter(ChoiceFilter):
    title = "to do"
    parameter_name = "todo"
    options = (("link", "Link to a SKU"), ("warning", "Open warning"), ("gone", "No longer listed there"))

    def narrow(self, queryset: Any, value: str) -> Any:
        if value == "link":
            return queryset.filter(
                status__in=[Listing.Status.UNMAPPED, Listing.Status.AMBIGUOUS], vanished_at__isnull=True
            )
        if value == "gone":
            return queryset.filter(vanished_at__isnull=False)
        return queryset.exclude(hazards=[]).exclude(accepted_hazards__contains=F("hazards"))


class FulfilmentFilter(ChoiceFilter):
    title = "who ships"
    parameter_name = "fulfilment"
    options = tuple(
        (kind.value, f"{text} ({kind.value})" if text == "Seller ships" else text)
        for kind, text in words.FULFILMENT_WORDS.items()
    )

    def narrow(self, queryset: Any, value: str) -> Any:
        return queryset.filter(fulfilment=value)


class LinkInline(ReadOnlyInline):
    model = ListingLink
    verbose_name_plural = "history of its links"
    fields = ("linked_to", "pack_of", "begins", "ends", "who", "note")
    readonly_fields = fields
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("sku", "actor")

    @display(description="SKU")
    def linked_to(self, obj: Any) -> Any:
        return link(obj.sku)

    @display(description="Pack of")
    def pack_of(self, obj: Any) -> int:
        return int(obj.units_per_sale)

    @display(description="By")
    def who(self, obj: Any) -> str:
        return str(obj.actor or words.NOTHING)

    @display(description="Note")
    def note(self, obj: Any) -> str:
        return obj.reason or words.NOTHING

    @display(description="From")
    def begins(self, obj: Any) -> Any:
        return words.stamp(obj.valid_from) if obj.valid_from else "since ever"

    @display(description="To")
    def ends(self, obj: Any) -> Any:
        return words.stamp(obj.valid_to) if obj.valid_to else "now"


class StateInline(ReadOnlyInline):
    model = ListingState
    verbose_name_plural = "quantities"
    fields = ("location", "should_show", "sent", "seen", "waiting", "not_sent")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("location", "listing")

    @display(description="Should show")
    def should_show(self, obj: Any) -> Any:
        return words.NOTHING if obj.desired_quantity is None else obj.desired_quantity

    @display(description="Sent")
    def sent(self, obj: Any) -> Any:
        return words.quantity(obj.sent_quantity, obj.sent_at)

    @display(description="Seen there")
    def seen(self, obj: Any) -> Any:
        return words.quantity(obj.seen_quantity, obj.seen_at)

    @display(description="Waiting since")
    def waiting(self, obj: Any) -> Any:
        return words.stamp(obj.stale_since)

    @display(description="Not sent, because")
    def not_sent(self, obj: Any) -> str:
        return obj.blocked_reason or words.NOTHING


@admin.register(Listing)
class ListingAdmin(ReviewPages, ReadOnlyAdmin):
    """One offer on one account: which SKU it is, who ships it, and what is wrong with it."""

    list_display = (
        "seller_code",
        "short_title",
        "account",
        "link_state",
        "sku_code",
        "units_per_sale",
        "who_ships",
        "on_sale",
        "warnings",
    )
    list_filter = (
        TodoFilter,
        ("account", RelatedDropdownFilter),
        ("status", admin.ChoicesFieldListFilter),
        FulfilmentFilter,
        "active",
    )
    list_select_related = ("account", "sku")
    search_fields = ("key", "seller_sku", "title", "product_id", "listing_ref", "barcode", "sku__code")
    search_help_text = "Seller SKU, title, FSN, ASIN, listing ID, barcode or our SKU"
    ordering = ("account__name", "key")
    inlines = (StateInline, LinkInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "account",
                    "seller_code",
                    "title",
                    "link_state",
                    "sku_link",
                    "units_per_sale",
                    "warnings_in_full",
                )
            },
        ),
        (
            "As the channel describes it",
            {
                "fields": (
                    "who_ships",
                    "on_sale",
                    "their_product",
                    "their_listing",
                    "barcode",
                    "price",
                    "mrp",
                    "product_type",
                    "held_there",
                    "read_at",
                    "gone_since",
                )
            },
        ),
    )
    actions = ("ignore_selected",)
    actions_list = ("go_review", "match_again")
    actions_row = ("link_to_sku",)
    actions_detail = (
        "link_to_sku",
        "ignore",
        {"title": "Warnings", "icon": "warning", "items": ["fix_warning", "accept_warning"]},
    )

    # --- what is shown ------------------------------------------------------------------------------------------------------

    @display(description="Seller SKU", ordering="key")
    def seller_code(self, obj: Any) -> str:
        return obj.seller_sku or obj.key

    @display(description="Title", ordering="title")
    def short_title(self, obj: Any) -> str:
        return f"{obj.title[:60]}…" if len(obj.title) > 60 else obj.title or words.NOTHING

    @display(
        description="Link",
        ordering="status",
        label={"Linked": "success", "New": "warning", "Needs matching": "warning", "Ignored": "info", "Gone": "danger"},
    )
    def link_state(self, obj: Any) -> str:
        return "Gone" if obj.vanished_at else str(obj.get_status_display())

    @display(description="SKU", ordering="sku__code")
    def sku_code(self, obj: Any) -> str:
        return str(obj.sku) if obj.sku else words.NOTHING

    @display(description="SKU")
    def sku_link(self, obj: Any) -> Any:
        return link(obj.sku)

    @display(description="Who ships", ordering="fulfilment")
    def who_ships(self, obj: Any) -> str:
        return words.fulfilment_words(obj.fulfilment)

    @display(description="On sale", boolean=True, ordering="active")
    def on_sale(self, obj: Any) -> bool:
        return bool(obj.active)

    @display(description="Warnings", label="warning")
    def warnings(self, obj: Any) -> Any:
        number = len(obj.open_hazards)
        return words.count(number, "warning") if number else ""

    @display(description="Warnings")
    def warnings_in_full(self, obj: Any) -> Any:
        lines = [
            (f"It {words.hazard_words(name)}", "accepted" if name in obj.accepted_hazards else "open")
            for name in obj.hazards
        ]
        return format_html_join("", "<p>{} ({})</p>", lines) if lines else words.NOTHING

    @display(description="FSN, ASIN or product ID")
    def their_product(self, obj: Any) -> str:
        return obj.product_id or words.NOTHING

    @display(description="Listing ID")
    def their_listing(self, obj: Any) -> str:
        return obj.listing_ref or words.NOTHING

    @display(description="Held by the marketplace")
    def held_there(self, obj: Any) -> str:
        if obj.marketplace_quantity is None:
            return words.NOTHING
        return f"{obj.marketplace_quantity} (at {words.clock(obj.marketplace_quantity_at)}), never part of our stock"

    @display(description="Last read")
    def read_at(self, obj: Any) -> Any:
        return words.stamp(obj.pulled_at)

    @display(description="No longer listed since")
    def gone_since(self, obj: Any) -> Any:
        return words.stamp(obj.vanished_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for _, options in self.fieldsets for name in options["fields"]]

    # --- the tools ----------------------------------------------------------------------------------------------------------

    def has_match_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "change")

    def has_hazard_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.allows(request, "change")

    @action(description="Link to SKU", url_path="link", permissions=["match"], icon="link")
    def link_to_sku(self, request: HttpRequest, object_id: str) -> HttpResponse:
        listing = self.object_of(request, object_id)
        initial = {"sku": listing.sku_id or _likely_sku(listing), "units_per_sale": listing.units_per_sale}
        form = LinkForm(request.POST or None, site=self.admin_site, initial=initial, relink=listing.sku_id is not None)
        if request.method == "POST" and form.is_valid():
            facts = form.cleaned_data
            try:
                said = self._link(request, listing, facts)
            except LinkError as error:
                form.add_error(None, f"{str(error)[:1].upper()}{str(error)[1:]}.")
            else:
                self.log_change(request, listing, f"Linked to {facts['sku']}, pack of {facts['units_per_sale']}")
                return self.done(request, said, to=self.page_of(listing))
        waiting = OrderLine.objects.filter(account=listing.account, waiting=True, listing_key=listing.key).count()
        lines = [f"{listing.account}: {listing.title or listing.key}"]
        if waiting:
            lines.append(f"{words.count(waiting, 'order line')} waiting for this link will block stock at once.")
        if listing.sku_id:
            lines += _what_the_link_did(listing)
        return self.ask(
            request, title=f"Link {listing} to a SKU", submit="Link", form=form, lines=lines, back=self.page_of(listing)
        )

    def _link(self, request: HttpRequest, listing: Listing, facts: dict[str, Any]) -> str:
        """:raises LinkError: it can't be linked so."""
        wanted = {
            "listing_id": listing.pk,
            "sku_id": facts["sku"].pk,
            "now": timezone.now(),
            "units_per_sale": facts["units_per_sale"],
            "actor": request.user,
            "reason": facts["reason"],
        }
        if facts.get("begins") != "since":
            approve_match(**wanted)
            return f"{listing} is linked to {facts['sku']}."
        done = correct_link(**wanted, since=facts["since"])
        said = f"{listing} is linked to {facts['sku']}. {words.count(done.moved, 'order line')} moved to it."
        if done.proposed:
            said += f" {words.count(done.proposed, 'correction')} for what has left {'waits' if done.proposed == 1 else 'wait'} for you."
        return said

    @action(description="Ignore", url_path="ignore", permissions=["match"], icon="block")
    def ignore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        listing = self.object_of(request, object_id)
        posted = request.POST if request.method == "POST" else None
        form = IgnoreForm(posted, initial={"other_goods": listing.other_goods})
        if form.is_valid():
            ignore_listing(listing_id=listing.pk, now=timezone.now(), other_goods=form.cleaned_data["other_goods"])
            self.log_change(request, listing, "Ignored")
            return self.done(request, f"{listing} is ignored.", to=self.page_of(listing))
        return self.ask(
            request,
            title=f"Ignore {listing}",
            submit="Ignore",
            form=form,
            back=self.page_of(listing),
            danger=True,
            lines=["It is none of ours: nothing is sent to it any more."],
            warnings=["What it shows now stays there. If it sells goods of ours, its orders take no stock."],
        )

    @admin.action(description="Ignore the chosen listings", permissions=["match"])
    def ignore_selected(self, request: HttpRequest, queryset: Any) -> None:
        done = [ignore_listing(listing_id=pk, now=timezone.now()) for pk in queryset.values_list("pk", flat=True)]
        self.message_user(request, f"{words.count(len(done), 'listing')} ignored.", messages.SUCCESS)

    @action(description="Repair on the channel", url_path="fix-warning", permissions=["hazard"], icon="build")
    def fix_warning(self, request: HttpRequest, object_id: str) -> HttpResponse:
        listing = self.object_of(request, object_id)
        form = self._hazard_form(request, listing)
        if request.method == "POST" and form.is_valid():
            hazard = Hazard(form.cleaned_data["hazard"])
            try:
                fix_hazard(context=context_of(listing.account_id), listing_id=listing.pk, hazard=hazard)
            except ChannelError as error:
                return self.done(request, f"Not repaired: {error}", to=self.page_of(listing), level=messages.ERROR)
            self.log_change(request, listing, f"Repaired: {hazard.value}")
            return self.done(
                request, "Repaired on the channel, and the listing was read again.", to=self.page_of(listing)
            )
        return self._ask_hazard(
            request, listing, form, "Repair", ["The channel is told to change this setting of the listing."]
        )

    @action(description="Accept", url_path="accept-warning", permissions=["hazard"], icon="check")
    def accept_warning(self, request: HttpRequest, object_id: str) -> HttpResponse:
        listing = self.object_of(request, object_id)
        form = self._hazard_form(request, listing)
        if request.method == "POST" and form.is_valid():
            hazard = Hazard(form.cleaned_data["hazard"])
            accept_hazard(listing_id=listing.pk, hazard=hazard)
            check_hazards(context=context_of(listing.account_id), listing_ids=[listing.pk])
            decide_soon({listing.sku_id} if listing.sku_id else set())
            self.log_change(request, listing, f"Accepted: {hazard.value}")
            return self.done(
                request, "Accepted: the listing is treated as live in spite of it.", to=self.page_of(listing)
            )
        return self._ask_hazard(
            request,
            listing,
            form,
            "Accept",
            ["The listing is treated as live in spite of the warning. It may oversell."],
        )

    def _hazard_form(self, request: HttpRequest, listing: Listing) -> HazardForm:
        choices = [(name, f"It {words.hazard_words(name)}") for name in listing.open_hazards]
        return HazardForm(request.POST or None, choices=choices)

    def _ask_hazard(
        self, request: HttpRequest, listing: Listing, form: HazardForm, submit: str, lines: list[str]
    ) -> HttpResponse:
        if not listing.open_hazards:
            self.message_user(request, f"{listing} has no open warning.", messages.INFO)
            return HttpResponseRedirect(self.page_of(listing))
        return self.ask(
            request,
            title=f"{submit}: {listing}",
            submit=submit,
            form=form,
            lines=lines,
            back=self.page_of(listing),
            danger=submit == "Accept",
        )


def _what_the_link_did(listing: Listing) -> list[str]:
    """What is at stake when a link is changed, in sentences."""
    began = began_at(listing_id=listing.pk)
    did = consequences(listing_id=listing.pk, since=began)
    since = f"since {words.clock(began)}" if began else "since ever"
    said = [
        f"It is {listing.sku} now, {since}: {words.count(did.orders, 'order line')}, of which {words.count(did.open_units, 'unit')} "
        f"{'is' if did.open_units == 1 else 'are'} blocked and {did.shipped_units} have left. "
        f"{words.count(did.sent, 'quantity', 'quantities')} went out to it."
    ]
    if did.oversold:
        said.append(f"Short of stock now: {', '.join(did.oversold)}.")
    return said


def _likely_sku(listing: Listing) -> int | None:
    """A SKU whose code or barcode is the listing's own; None unless it is one and only one."""
    code = listing.seller_sku or listing.key
    found = list(Sku.objects.filter(code__iexact=code).values_list("pk", flat=True)[:2])
    if not found and listing.barcode:
        found = list(Sku.objects.filter(barcode=listing.barcode).values_list("pk", flat=True)[:2])
    return found[0] if len(found) == 1 else None


@admin.register(ListingLink)
class ListingLinkAdmin(ReadOnlyAdmin):
    """From when to when a listing was which SKU, and who said so."""

    list_display = ("listing", "account", "sku", "pack_of", "begins", "ends", "actor", "reason")
    list_filter = (("listing__account", RelatedDropdownFilter),)
    list_select_related = ("listing__account", "sku", "actor")
    search_fields = ("listing__key", "listing__seller_sku", "sku__code")
    fields = list_display
    readonly_fields = fields

    @display(description="Account")
    def account(self, obj: Any) -> str:
        return str(obj.listing.account)

    @display(description="Pack of", ordering="units_per_sale")
    def pack_of(self, obj: Any) -> int:
        return int(obj.units_per_sale)

    @display(description="From", ordering="valid_from")
    def begins(self, obj: Any) -> Any:
        return words.stamp(obj.valid_from) if obj.valid_from else "since ever"

    @display(description="To", ordering="valid_to")
    def ends(self, obj: Any) -> Any:
        return words.stamp(obj.valid_to) if obj.valid_to else "now"
