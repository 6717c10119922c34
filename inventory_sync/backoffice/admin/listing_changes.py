"""Changes of what listings say: prepared from SKUs, approved field by field, followed until the channel shows them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display

from inventory_sync.backoffice import listing_changes as pages
from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import ReadOnlyAdmin, link
from inventory_sync.domain.errors import ChannelError
from inventory_sync.domain.listing_changes import ChangeKind
from inventory_sync.engine import listing_changes, listing_sending
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.listing_change import ListingChange
from inventory_sync.engine.listing_changes import Actor, ChangeError
from skumap.models import ChannelAccount, Sku

SHOWN = 50
State = ListingChange.State
SET_ASIDE = "Set aside"
STATE_COLOURS = {
    SET_ASIDE: "danger",
    "Waits for approval": "warning",
    "Approved, waits to be sent": "info",
    "Being sent": "info",
    "Done": "success",
    "Not sent": "info",
    "Refused by the channel": "danger",
    "Unknown: look at the channel": "danger",
}


def may_prepare(request: HttpRequest) -> bool:
    return request.user.has_perm("engine.add_listingchange")


def may_approve(request: HttpRequest) -> bool:
    return request.user.has_perm("engine.approve_listingchange")


def prepare_address(skus: Any) -> str:
    """The page that prepares changes of these SKUs."""
    return f"{reverse('admin:engine_listingchange_prepare')}?{urlencode([('sku', pk) for pk in skus])}"


@admin.register(ListingChange)
class ListingChangeAdmin(ReadOnlyAdmin):
    """What is proposed, approved, sent, and what became of it."""

    list_display = ("short_seller_sku", "what_words", "account", "sku_link", "state_words", "news", "proposed")
    list_display_links = ("short_seller_sku",)
    list_filter = (
        ("state", admin.ChoicesFieldListFilter),
        ("what", admin.ChoicesFieldListFilter),
        ("account", RelatedDropdownFilter),
    )
    list_select_related = ("account", "sku")
    search_fields = ("seller_sku", "sku__code", "product_id", "note")
    search_help_text = "Seller SKU, our SKU or FSN"
    fields = readonly_fields = ("account", "sku_link", "listing_link", "history")
    change_form_before_template = "backoffice/listing_change_card.html"
    actions = ("approve_selected", "reject_selected")
    actions_list = ("go_approve", "go_prepare")
    actions_detail = ("approve_one", "reject_one", "look_again", "prepare_again")

    # --- the list -----------------------------------------------------------------------------------------------------------

    @display(description="Seller SKU", ordering="seller_sku")
    def short_seller_sku(self, obj: Any) -> str:
        return str(obj.seller_sku)

    @display(description="What", ordering="what")
    def what_words(self, obj: Any) -> str:
        return str(obj.get_what_display())

    @display(description="SKU")
    def sku_link(self, obj: Any) -> Any:
        return link(obj.sku)

    @display(description="Listing")
    def listing_link(self, obj: Any) -> Any:
        return link(obj.listing)

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def state_words(self, obj: Any) -> str:
        return SET_ASIDE if obj.state == State.DRAFT and obj.blocking else str(obj.get_state_display())

    @display(description="Note")
    def news(self, obj: Any) -> str:
        if obj.state == State.DRAFT and obj.blocking:
            return str(obj.blocking[0]["message"])
        return obj.note or words.NOTHING

    @display(description="Proposed", ordering="proposed_at")
    def proposed(self, obj: Any) -> Any:
        return words.stamp(obj.proposed_at)

    @display(description="History")
    def history(self, obj: Any) -> str:
        return pages.decided_words(obj)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("approve/", wrap(self.approve_page), name="engine_listingchange_approve"),
            path("prepare/", wrap(self.prepare_page), name="engine_listingchange_prepare"),
            *super().get_urls(),
        ]

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        found = self.get_queryset(request).filter(pk=object_id).first() if str(object_id or "").isdigit() else None
        card = {"card": pages.card_of(found)} if found else {}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **card})

    # Unfold asks with an id on a change's own page: a tool is there only while it can do something.

    def has_prepare_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_prepare(request)

    def has_approve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        change = self._change(object_id)
        return may_approve(request) and (change is None or (change.state == State.DRAFT and not change.blocking))

    def has_reject_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_approve(request) and self._is_in(object_id, State.DRAFT, State.APPROVED)

    def has_look_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_prepare(request) and self._is_in(object_id, State.UNKNOWN, State.DONE)

    @staticmethod
    def _change(object_id: Any) -> ListingChange | None:
        known = str(object_id or "")
        return ListingChange.objects.filter(pk=int(known)).first() if known.isdigit() and len(known) < 19 else None

    def _is_in(self, object_id: Any, *states: str) -> bool:
        change = self._change(object_id)
        return change is None or change.state in states

    # --- approve ------------------------------------------------------------------------------------------------------------

    @action(description="Approve", url_path="go-approve", icon="approval", variant="primary")
    def go_approve(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:engine_listingchange_approve"))

    def approve_page(self, request: HttpRequest) -> HttpResponse:
        """What waits for approval, field by field; POST decides."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            if not may_approve(request):
                raise PermissionDenied
            self._decide(request)
            return HttpResponseRedirect(reverse("admin:engine_listingchange_approve"))
        wanted = [int(pk) for pk in request.GET.get("ids", "").split(",") if pk.isdigit() and len(pk) < 19]
        rows = self.get_queryset(request).select_related("proposed_by").filter(state=State.DRAFT)
        rows = (rows.filter(pk__in=wanted) if wanted else rows).order_by("id")
        cards = [pages.card_of(change) for change in rows[:SHOWN]]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Approve listing changes",
            "subtitle": None,
            "ready": [card for card in cards if card.approvable],
            "aside": [card for card in cards if not card.approvable],
            "count": rows.count(),
            "shown": SHOWN,
            "just_prepared": bool(wanted),
            "may_approve": may_approve(request),
            "trial": sorted({card.change.account.name for card in cards if card.change.account.mode != "live"}),
            "media": self.media,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "backoffice/listing_approve.html", context)

    def _decide(self, request: HttpRequest) -> None:
        one, answer = request.POST.get("approve_one", ""), request.POST.get("answer", "")
        chosen = [one] if one else request.POST.getlist("change")
        ids = [int(pk) for pk in chosen if pk.isdigit() and len(pk) < 19]
        if not ids:
            messages.warning(request, "Nothing was chosen.")
        elif answer == "reject" and not one:
            self._reject(request, ids, request.POST.get("reason", ""))
        elif one or answer == "approve":
            self._approve(request, ids)

    def _approve(self, request: HttpRequest, ids: list[int]) -> None:
        approved, refused = listing_changes.approve(change_ids=ids, now=timezone.now(), actor=Actor(user=request.user))
        for change in approved:
            self.log_change(request, change, "Approved")
        if approved:
            live = [change for change in approved if change.account.mode == ChannelAccount.Mode.LIVE]
            said = "They are sent as the call budget allows." if live else "Nothing is sent before the account is live."
            messages.success(request, f"{words.count(len(approved), 'change')} approved. {said}")
        for reason in refused:
            messages.error(request, reason)

    def _reject(self, request: HttpRequest, ids: list[int], reason: str) -> None:
        rejected = listing_changes.reject(
            change_ids=ids, now=timezone.now(), actor=Actor(user=request.user), reason=reason.strip()[:300]
        )
        for change in rejected:
            self.log_change(request, change, "Rejected")
        messages.success(request, f"{words.count(len(rejected), 'change')} rejected.")

    @admin.action(description="Approve", permissions=["approve"])
    def approve_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._approve(request, list(queryset.values_list("pk", flat=True)))

    @admin.action(description="Reject", permissions=["reject"])
    def reject_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._reject(request, list(queryset.values_list("pk", flat=True)), "")

    @action(description="Approve", url_path="approve", permissions=["approve"], icon="check", variant="primary")
    def approve_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        change = self.object_of(request, object_id)
        return self._ask_once(request, change, "Approve", self._approve)

    @action(description="Reject", url_path="reject", permissions=["reject"], icon="block")
    def reject_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        change = self.object_of(request, object_id)
        return self._ask_once(request, change, "Reject", lambda request, ids: self._reject(request, ids, ""))

    def _ask_once(self, request: HttpRequest, change: ListingChange, verb: str, do: Any) -> HttpResponse:
        if request.method == "POST":
            do(request, [change.pk])
            return HttpResponseRedirect(self.page_of(change))
        card = pages.card_of(change)
        lines = [f"{row.name}: {row.before} → {row.after}" for row in card.rows if row.differs]
        return self.ask(
            request,
            title=f"{verb}: {change}",
            submit=verb,
            back=self.page_of(change),
            lines=lines,
            warnings=[text for text, _ in card.general],
            danger=verb == "Reject",
        )

    @action(description="Look at the channel", url_path="look", permissions=["look"], icon="travel_explore")
    def look_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Read the listing now, if its change is unknown or not seen there yet."""
        change = self.object_of(request, object_id)
        context = context_of(change.account_id)
        rows = ListingChange.objects.filter(pk=change.pk)
        listing_sending.look(context=context, rows=rows, now=timezone.now())
        change.refresh_from_db()
        seen = (
            f"Seen on the channel {words.clock(change.confirmed_at)}." if change.confirmed_at else "Not seen there yet."
        )
        return self.done(request, f"{change.get_state_display()}. {seen}", to=self.page_of(change), level=messages.INFO)

    @action(description="Prepare again", url_path="again", permissions=["prepare"], icon="refresh")
    def prepare_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        change = self.object_of(request, object_id)
        query = urlencode({"sku": change.sku_id, "account": change.account_id, "what": change.what})
        return HttpResponseRedirect(f"{reverse('admin:engine_listingchange_prepare')}?{query}")

    # --- prepare ------------------------------------------------------------------------------------------------------------

    @action(description="Prepare changes", url_path="go-prepare", permissions=["prepare"], icon="edit_square")
    def go_prepare(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:engine_listingchange_prepare"))

    def prepare_page(self, request: HttpRequest) -> HttpResponse:
        """Which SKUs, where, what; then a line for each with its prices. POST reads the listings and proposes the differences."""
        if not may_prepare(request):
            raise PermissionDenied
        skus, unknown = pages.skus_asked(request.GET.getlist("sku"), request.GET.get("codes", ""))
        accounts = [
            account
            for account in ChannelAccount.objects.defer("credentials").order_by("channel", "name")
            if account.channel != "shopify"
        ]
        account = next((each for each in accounts if str(each.pk) == request.GET.get("account")), None)
        what = request.GET.get("what", "")
        kind = ChangeKind(what) if what in set(ChangeKind) else None
        wishes, skipped, lines = None, [f"There is no SKU {code}." for code in unknown], []
        if account is not None and kind is not None and skus:
            if request.method == "POST":
                wishes = pages.WishForms(request.POST)
                done = self._prepare(request, account, kind, wishes)
                if done is not None:
                    return done
            else:
                usual, left = listing_changes.wishes_for(account=account, kind=kind, skus=skus)
                skipped += left
                wishes = pages.WishForms(initial=pages.initial_of(usual))
            lines = pages.lines_of(wishes, kind)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Prepare listing changes",
            "subtitle": None,
            "skus": skus,
            "most": pages.MOST_SKUS,
            "accounts": accounts,
            "account": account,
            "kinds": list(ListingChange.WORDS.items()),
            "kind": kind,
            "codes": request.GET.get("codes", ""),
            "wishes": wishes,
            "lines": lines,
            "skipped": skipped,
            "media": self.media,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "backoffice/listing_prepare.html", context)

    def _prepare(
        self, request: HttpRequest, account: ChannelAccount, kind: ChangeKind, wishes: Any
    ) -> HttpResponse | None:
        """Propose what the lines ask for. :return: where to go on; None to show the lines again."""
        if not wishes.is_valid():
            return None
        wanted = [form.wish() for form in wishes if form.cleaned_data.get("use")]
        if not wanted:
            messages.warning(request, "No line is ticked.")
            return None
        try:
            done = listing_changes.prepare(
                account_id=account.pk, kind=kind, wishes=wanted, now=timezone.now(), actor=Actor(user=request.user)
            )
        except (ChangeError, ChannelError) as error:
            text = str(error)
            messages.error(request, f"Nothing was prepared: {text[:1].lower()}{text[1:]}.")
            return None
        for reason in done.skipped:
            messages.warning(request, reason)
        if not done.changes:
            return None
        for change in done.changes:
            self.log_addition(request, change, "Prepared")
        ids = ",".join(str(change.pk) for change in done.changes)
        return HttpResponseRedirect(f"{reverse('admin:engine_listingchange_approve')}?ids={ids}")


class PrepareChanges:
    """Mixin of the SKUs' admin: their listings can be prepared from the list and from each SKU's page."""

    def has_prepare_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_prepare(request)

    @admin.action(description="Prepare listing changes", permissions=["prepare"])
    def prepare_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        return HttpResponseRedirect(prepare_address(queryset.values_list("pk", flat=True)[: pages.MOST_SKUS]))

    @action(
        description="Prepare listing changes", url_path="prepare-changes", permissions=["prepare"], icon="edit_square"
    )
    def prepare_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = Sku.objects.filter(pk=object_id).values_list("pk", flat=True) if object_id.isdigit() else []
        return HttpResponseRedirect(prepare_address(found))
