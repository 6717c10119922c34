"""Links that may be wrong, the worst first; what a person finds right is not asked again until it changes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import ChoiceFilter, ReadOnlyAdmin, link
from inventory_sync.engine import wake
from inventory_sync.engine.link_audit import accept_link
from skumap.models import LinkAudit


class DoubtFilter(ChoiceFilter):
    title = "to do"
    parameter_name = "todo"
    options = (("look", "To be looked at"), ("right", "Found right by a person"), ("fine", "Nothing to doubt"))

    def narrow(self, queryset: Any, value: str) -> Any:
        if value == "fine":
            return queryset.filter(doubtful=False)
        doubtful = queryset.filter(doubtful=True)
        return (
            doubtful.filter(accepted_facts=F("facts"))
            if value == "right"
            else doubtful.exclude(accepted_facts=F("facts"))
        )


@admin.register(LinkAudit)
class LinkAuditAdmin(ReadOnlyAdmin):
    """Every link as the last audit judged it."""

    list_display = ("listing_link", "account", "sku_link", "points", "state", "why", "reads_like")
    list_filter = (DoubtFilter, ("listing__account", RelatedDropdownFilter))
    list_select_related = ("listing__account", "sku", "better", "accepted_by")
    search_fields = ("listing__key", "listing__seller_sku", "listing__title", "sku__code")
    search_help_text = "Seller SKU, title or our SKU"
    ordering = ("score",)
    fields = ("listing_link", "account", "sku_link", "points", "state", "why", "reads_like", "compared", "looked_at")
    readonly_fields = fields
    actions = ("accept_selected",)
    actions_list = ("audit_again",)
    actions_row = ("accept",)
    actions_detail = ("accept", "relink")

    @display(description="Listing")
    def listing_link(self, obj: Any) -> Any:
        return format_html("{}<span class='block'>{}</span>", link(obj.listing), obj.listing.title)

    @display(description="Account")
    def account(self, obj: Any) -> str:
        return str(obj.listing.account)

    @display(description="SKU")
    def sku_link(self, obj: Any) -> Any:
        return format_html("{}<span class='block'>{}</span>", link(obj.sku), obj.sku.title)

    @display(description="Of 100", ordering="score")
    def points(self, obj: Any) -> str:
        return f"{obj.score:.0f}"

    @display(description="State", label={"Look at it": "danger", "Found right": "info", "Fine": "success"})
    def state(self, obj: Any) -> str:
        return "Look at it" if obj.open else "Found right" if obj.doubtful else "Fine"

    @display(description="Why")
    def why(self, obj: Any) -> Any:
        return format_html_join("", "<p>{}</p>", ((reason,) for reason in obj.reasons)) or words.NOTHING

    @display(description="Reads more like")
    def reads_like(self, obj: Any) -> Any:
        return link(obj.better) if obj.better else words.NOTHING

    @display(description="Compared")
    def compared(self, obj: Any) -> Any:
        rows = (
            (row["verdict"], row["field"], row["theirs"] or words.NOTHING, row["ours"] or words.NOTHING)
            for row in obj.evidence
        )
        body = format_html_join("", "<tr class='isync-{}'><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
        return format_html(
            "<table class='isync-table text-sm'><thead><tr><th></th><th>Listing</th><th>SKU</th></tr></thead><tbody>{}</tbody></table>",
            body,
        )

    @display(description="Looked at")
    def looked_at(self, obj: Any) -> Any:
        if obj.doubtful and not obj.open:
            return f"Found right by {obj.accepted_by or words.NOTHING}, {words.clock(obj.accepted_at)}"
        return words.stamp(obj.audited_at)

    # --- the tools ----------------------------------------------------------------------------------------------------------

    def has_match_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("skumap.change_listing")

    @action(description="It is right", url_path="accept", permissions=["match"], icon="check")
    def accept(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.object_of(request, object_id)
        accept_link(listing_id=row.listing_id, now=timezone.now(), actor=request.user)
        self.log_change(request, row, "Found right")
        return self.done(request, f"{row.listing} is {row.sku}: noted.", to=self.list_page())

    @admin.action(description="The chosen links are right", permissions=["match"])
    def accept_selected(self, request: HttpRequest, queryset: Any) -> None:
        ids = list(queryset.values_list("listing_id", flat=True))
        for listing_id in ids:
            accept_link(listing_id=listing_id, now=timezone.now(), actor=request.user)
        self.message_user(request, f"{words.count(len(ids), 'link')} found right.", messages.SUCCESS)

    @action(description="Link it to another SKU", url_path="relink", permissions=["match"], icon="link")
    def relink(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self.object_of(request, object_id)
        return HttpResponseRedirect(reverse("admin:skumap_listing_link_to_sku", args=[row.listing_id]))

    @action(description="Look through all links now", url_path="audit-again", permissions=["match"], icon="refresh")
    def audit_again(self, request: HttpRequest) -> HttpResponse:
        if wake.send("audit_links"):
            messages.success(request, "All links are being looked through. Load this page again in a minute.")
        else:
            messages.error(request, "The workers can't be reached; links are looked through every night.")
        return HttpResponseRedirect(self.list_page())
