"""Warehouses, stock and its history."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import Count, F, IntegerField, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter, RelatedDropdownFilter
from unfold.decorators import action, display

from inventory_sync.backoffice import words
from inventory_sync.backoffice.admin.base import ChoiceFilter, ReadOnlyAdmin, StaffAdmin, link
from inventory_sync.backoffice.dashboard import oversold
from inventory_sync.backoffice.stock_tools import TOOLS, AlreadySavedError, StockError, carry_out
from inventory_sync.engine.decide import mark_all_stale
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.withdrawals import cancel, carry_out_proposal
from inventory_sync.stock.models import (
    CorrectionProposal,
    StockBalance,
    StockMovement,
    TransferProposal,
    Warehouse,
    Withdrawal,
)
from inventory_sync.stock.services import post_correction
from skumap.models import Sku


@admin.register(Warehouse)
class WarehouseAdmin(StaffAdmin):
    """Where stock is, and how much of it."""

    list_display = ("code", "name", "kind", "active", "skus", "in_warehouse", "blocked")
    list_filter = ("kind", "active")
    search_fields = ("code", "name")
    fields = ("code", "name", "kind", "active")

    def get_queryset(self, request: HttpRequest) -> Any:
        whole = IntegerField()
        return (
            super()
            .get_queryset(request)
            .annotate(
                units=Coalesce(Sum("balances__on_hand"), 0, output_field=whole),
                held=Coalesce(Sum("balances__committed"), 0, output_field=whole),
                kinds=Count("balances"),
            )
        )

    @display(description="SKUs", ordering="kinds")
    def skus(self, obj: Any) -> int:
        return int(obj.kinds)

    @display(description="In warehouse", ordering="units")
    def in_warehouse(self, obj: Any) -> int:
        return int(obj.units)

    @display(description="Blocked for orders", ordering="held")
    def blocked(self, obj: Any) -> int:
        return int(obj.held)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What kind of place it is decides what its stock means: fixed once there is stock."""
        return ("kind",) if obj is not None and obj.balances.exists() else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One with a history can't be deleted: switch it off instead."""
        used = obj is not None and (obj.balances.exists() or obj.movements.exists())
        return not used and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        if change and {"active", "kind"} & set(form.changed_data):
            mark_all_stale()


class StockFilter(ChoiceFilter):
    title = "stock"
    parameter_name = "stock"
    options = (("short", "Oversold"), ("none", "Nothing sellable"), ("blocked", "Blocked for orders"))

    def narrow(self, queryset: Any, value: str) -> Any:
        if value == "short":
            return queryset.filter(sku_id__in=oversold())
        if value == "none":
            return queryset.filter(available_units__lte=0)
        return queryset.filter(committed__gt=0)


def _tool_action(name: str, *, here: bool = False) -> Any:
    """A button for a stock tool: above the list, or (``here``) on the page of one SKU in one warehouse."""

    def run(self: StockBalanceAdmin, request: HttpRequest, object_id: str | None = None) -> HttpResponse:
        return self.use_tool(request, name, object_id)

    run.__name__ = f"{name}_here" if here else name
    tool = TOOLS[name]
    return action(
        description=tool.title, url_path=name.replace("_", "-"), permissions=["change_stock"], icon=tool.icon
    )(run)


@admin.register(StockBalance)
class StockBalanceAdmin(ReadOnlyAdmin):
    """What is where, what is sellable of it, and every way to change it."""

    list_display = ("sku_code", "sku_title", "warehouse", "on_hand", "committed", "sellable")
    list_filter = (
        StockFilter,
        ("warehouse", RelatedDropdownFilter),
        ("warehouse__kind", admin.ChoicesFieldListFilter),
        ("sku", AutocompleteSelectFilter),
    )
    list_select_related = ("sku", "warehouse")
    search_fields = ("sku__code", "sku__title", "sku__barcode")
    ordering = ("sku__code", "warehouse__code")
    fields = ("sku_link", "warehouse", "on_hand", "committed", "sellable")
    readonly_fields = fields
    actions_list = (
        "goods_in",
        "cycle_count",
        {
            "title": "More",
            "icon": "more_horiz",
            "items": ["correction", "transfer", "offline_sale", "to_qc", "back_on_sale", "bad_stock"],
        },
    )
    actions_detail = (
        "goods_in_here",
        "cycle_count_here",
        {
            "title": "More",
            "icon": "more_horiz",
            "items": ["correction_here", "transfer_here", "offline_sale_here", "to_qc_here", "bad_stock_here"],
        },
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(available_units=F("on_hand") - F("committed"))

    @display(description="SKU", ordering="sku__code")
    def sku_code(self, obj: Any) -> str:
        return str(obj.sku.code)

    @display(description="Title", ordering="sku__title")
    def sku_title(self, obj: Any) -> str:
        return obj.sku.title or words.NOTHING

    @display(description="SKU")
    def sku_link(self, obj: Any) -> Any:
        return link(obj.sku)

    @display(description="Sellable stock", ordering="available_units")
    def sellable(self, obj: Any) -> Any:
        if obj.warehouse.kind != Warehouse.Kind.OWN:
            return "not sold from here"
        return words.sellable(obj.available)

    # --- the tools ----------------------------------------------------------------------------------------------------------

    def use_tool(self, request: HttpRequest, name: str, object_id: str | None = None) -> HttpResponse:
        tool = TOOLS[name]
        form = tool.form(request.POST or None, site=self.admin_site, initial=self._initial(request, object_id))
        if request.method == "POST" and form.is_valid():
            facts = form.cleaned_data
            back = f"{self.list_page()}?{urlencode({'sku__id__exact': facts['sku'].pk})}"
            try:
                taken = carry_out(tool, facts, actor_id=request.user.pk, now=timezone.now())
            except (StockError, AlreadySavedError) as error:
                form.add_error(None, _sentence(str(error)))
            else:
                if taken.waiting:
                    text = f"{facts['units']} × {facts['sku'].code} are set aside and taken when no listing offers them any more."
                    return self.done(
                        request, text, to=reverse("admin:stock_withdrawal_changelist") + "?status__exact=waiting"
                    )
                if taken.touched:
                    return self.done(request, f"{tool.title}: {facts['sku'].code} is saved.", to=back)
                text = "Nothing changed: this form was saved already, or the stock is what you counted."
                return self.done(request, text, to=back, level=messages.INFO)
        return self.ask(
            request,
            title=tool.title,
            submit=tool.submit,
            form=form,
            lines=[tool.line] if tool.line else [],
            back=self.list_page(),
        )

    def _initial(self, request: HttpRequest, object_id: str | None) -> dict[str, Any]:
        if object_id is not None:
            balance = self.object_of(request, object_id)
            return {"sku": balance.sku_id, "warehouse": balance.warehouse_id}
        wanted = request.GET.get("sku", "")
        initial: dict[str, Any] = {"sku": wanted} if wanted.isdigit() and Sku.objects.filter(pk=wanted).exists() else {}
        own = list(Warehouse.objects.filter(kind=Warehouse.Kind.OWN, active=True).values_list("pk", flat=True)[:2])
        if len(own) == 1:
            initial["warehouse"] = own[0]
        return initial

    goods_in = _tool_action("goods_in")
    cycle_count = _tool_action("cycle_count")
    correction = _tool_action("correction")
    transfer = _tool_action("transfer")
    offline_sale = _tool_action("offline_sale")
    to_qc = _tool_action("to_qc")
    back_on_sale = _tool_action("back_on_sale")
    bad_stock = _tool_action("bad_stock")
    goods_in_here = _tool_action("goods_in", here=True)
    cycle_count_here = _tool_action("cycle_count", here=True)
    correction_here = _tool_action("correction", here=True)
    transfer_here = _tool_action("transfer", here=True)
    offline_sale_here = _tool_action("offline_sale", here=True)
    to_qc_here = _tool_action("to_qc", here=True)
    bad_stock_here = _tool_action("bad_stock", here=True)


class MovementFilter(ChoiceFilter):
    title = "what happened"
    parameter_name = "kind"
    options = tuple((kind.value, text) for kind, text in words.MOVEMENT_WORDS.items())

    def narrow(self, queryset: Any, value: str) -> Any:
        return queryset.filter(kind=value)


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnlyAdmin):
    """The stock history: which SKU moved, when, by how much, why, and who did it."""

    list_display = ("when", "sku_code", "warehouse", "what", "in_warehouse", "blocked", "reason", "who")
    list_filter = (
        MovementFilter,
        ("warehouse", RelatedDropdownFilter),
        ("occurred_at", RangeDateTimeFilter),
        ("sku", AutocompleteSelectFilter),
    )
    list_select_related = ("sku", "warehouse", "actor")
    search_fields = ("sku__code", "key", "reason")
    ordering = ("-id",)
    fields = (
        "when",
        "sku_link",
        "warehouse",
        "what",
        "in_warehouse",
        "blocked",
        "reason",
        "who",
        "line",
        "key",
        "recorded_at",
    )
    readonly_fields = fields

    @display(description="When", ordering="occurred_at")
    def when(self, obj: Any) -> Any:
        return words.stamp(obj.occurred_at)

    @display(description="SKU", ordering="sku__code")
    def sku_code(self, obj: Any) -> str:
        return str(obj.sku.code)

    @display(description="SKU")
    def sku_link(self, obj: Any) -> Any:
        return link(obj.sku)

    @display(description="What happened", ordering="kind")
    def what(self, obj: Any) -> str:
        return words.movement_words(obj.kind)

    @display(description="In warehouse", ordering="on_hand_delta")
    def in_warehouse(self, obj: Any) -> str:
        return words.signed(obj.on_hand_delta) or words.NOTHING

    @display(description="Blocked for orders", ordering="committed_delta")
    def blocked(self, obj: Any) -> str:
        return words.signed(obj.committed_delta) or words.NOTHING

    @display(description="Who")
    def who(self, obj: Any) -> str:
        return str(obj.actor) if obj.actor else "by itself"

    @display(description="Order")
    def line(self, obj: Any) -> Any:
        from inventory_sync.orders.models import OrderLine

        found = OrderLine.objects.select_related("order").filter(pk=obj.line_id).first() if obj.line_id else None
        return link(found.order) if found else words.NOTHING


@admin.register(TransferProposal)
class TransferProposalAdmin(ReadOnlyAdmin):
    """Stock that should move to where an order needs it."""

    list_display = ("sku_code", "units", "source", "target", "why", "state", "when", "decided_by")
    list_filter = (
        ("status", admin.ChoicesFieldListFilter),
        ("source", RelatedDropdownFilter),
        ("target", RelatedDropdownFilter),
    )
    list_select_related = ("sku", "source", "target", "decided_by")
    search_fields = ("sku__code", "reason")
    ordering = ("-status", "-created_at")  # open comes after done and dismissed in the alphabet
    fields = ("sku", "units", "source", "target", "reason", "state", "created_at", "decided_at", "decided_by")
    readonly_fields = fields
    actions = ("carry_out_selected", "dismiss_selected")
    actions_row = ("carry_out", "dismiss")
    actions_detail = ("carry_out", "dismiss")

    @display(description="SKU", ordering="sku__code")
    def sku_code(self, obj: Any) -> str:
        return str(obj.sku.code)

    @display(description="Why")
    def why(self, obj: Any) -> str:
        return obj.reason or words.NOTHING

    @display(description="State", ordering="status", label={"Open": "warning", "Done": "success", "Dismissed": "info"})
    def state(self, obj: Any) -> str:
        return str(obj.get_status_display())

    @display(description="Since", ordering="created_at")
    def when(self, obj: Any) -> Any:
        return words.stamp(obj.created_at)

    def has_decide_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "change") and self.has_change_stock_permission(request)

    @action(description="Carry out", url_path="carry-out", permissions=["decide"], icon="local_shipping")
    def carry_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        proposal = self.object_of(request, object_id)
        if request.method == "POST":
            self._carry_out(request, [proposal])
            return HttpResponseRedirect(self.list_page())
        return self.ask(
            request,
            title=f"Transfer {proposal.units} × {proposal.sku}",
            submit="Carry out the transfer",
            back=self.list_page(),
            lines=[f"{proposal.units} units move from {proposal.source} to {proposal.target}.", proposal.reason],
        )

    @action(description="Dismiss", url_path="dismiss", permissions=["decide"], icon="close")
    def dismiss(self, request: HttpRequest, object_id: str) -> HttpResponse:
        proposal = self.object_of(request, object_id)
        if request.method == "POST":
            self._dismiss(request, TransferProposal.objects.filter(pk=proposal.pk))
            return HttpResponseRedirect(self.list_page())
        return self.ask(
            request,
            title=f"Dismiss: {proposal.units} × {proposal.sku}",
            submit="Dismiss",
            back=self.list_page(),
            lines=["Nothing moves. The order that asked for it still waits for stock where it is."],
        )

    @admin.action(description="Carry out the chosen transfers", permissions=["decide"])
    def carry_out_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._carry_out(request, queryset.select_related("sku"))

    @admin.action(description="Dismiss the chosen transfers", permissions=["decide"])
    def dismiss_selected(self, request: HttpRequest, queryset: Any) -> None:
        self._dismiss(request, queryset)

    def _carry_out(self, request: HttpRequest, proposals: Any) -> None:
        done, waiting, touched = 0, 0, set[int]()
        for proposal in proposals:
            try:
                taken = carry_out_proposal(proposal_id=proposal.pk, now=timezone.now(), actor_id=request.user.pk)
            except StockError as error:
                self.message_user(request, f"{proposal.sku}: {_sentence(str(error))}", messages.ERROR)
                continue
            done += bool(taken.touched) and not taken.waiting
            waiting += taken.waiting
            touched |= set(taken.touched)
        decide_soon(touched)
        if done:
            self.message_user(request, f"{words.count(done, 'transfer')} carried out.", messages.SUCCESS)
        if waiting:
            text = f"{words.count(waiting, 'transfer')} set aside, and carried out when no listing offers the stock any more."
            self.message_user(request, text, messages.INFO)

    def _dismiss(self, request: HttpRequest, queryset: Any) -> None:
        done = queryset.filter(status=TransferProposal.Status.OPEN).update(
            status=TransferProposal.Status.DISMISSED, decided_at=timezone.now(), decided_by=request.user
        )
        self.message_user(request, f"{words.count(done, 'transfer')} dismissed.", messages.SUCCESS)


@admin.register(Withdrawal)
class WithdrawalAdmin(ReadOnlyAdmin):
    """Stock that somebody wants to take away: listings are lowered first, then it is taken by itself."""

    list_display = ("sku_code", "units", "warehouse", "kind", "to_warehouse", "state", "when", "asked_by")
    list_filter = (
        ("status", admin.ChoicesFieldListFilter),
        ("kind", admin.ChoicesFieldListFilter),
        ("warehouse", RelatedDropdownFilter),
    )
    list_select_related = ("sku", "warehouse", "to_warehouse", "asked_by")
    search_fields = ("sku__code", "reason")
    ordering = ("-status", "-id")  # waiting comes after taken and cancelled in the alphabet
    fields = (
        "sku",
        "units",
        "warehouse",
        "kind",
        "to_warehouse",
        "reason",
        "state",
        "asked_at",
        "asked_by",
        "decided_at",
    )
    readonly_fields = fields
    actions_row = ("put_back",)
    actions_detail = ("put_back",)

    @display(description="SKU", ordering="sku__code")
    def sku_code(self, obj: Any) -> str:
        return str(obj.sku.code)

    @display(
        description="State", ordering="status", label={"Set aside": "warning", "Taken": "success", "Cancelled": "info"}
    )
    def state(self, obj: Any) -> str:
        return str(obj.get_status_display())

    @display(description="Since", ordering="asked_at")
    def when(self, obj: Any) -> Any:
        return words.stamp(obj.asked_at)

    def has_put_back_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_stock_permission(request)

    @action(description="Put back on offer", url_path="put-back", permissions=["put_back"], icon="undo")
    def put_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        withdrawal = self.object_of(request, object_id)
        if request.method == "POST":
            if cancel(withdrawal_id=withdrawal.pk, now=timezone.now()):
                return self.done(request, f"{withdrawal} is on offer again.", to=self.list_page())
            return self.done(request, "It was taken or cancelled before.", to=self.list_page(), level=messages.INFO)
        return self.ask(
            request,
            title=f"Put back: {withdrawal}",
            submit="Put back on offer",
            back=self.list_page(),
            lines=["It is not taken any more, and listings may offer it again."],
        )


@admin.register(CorrectionProposal)
class CorrectionProposalAdmin(ReadOnlyAdmin):
    """Corrections that were worked out, for a person who has looked at the shelf."""

    list_display = ("sku_code", "change", "warehouse", "reason", "state", "when", "decided_by")
    list_filter = (("status", admin.ChoicesFieldListFilter), ("warehouse", RelatedDropdownFilter))
    list_select_related = ("sku", "warehouse", "decided_by")
    search_fields = ("sku__code", "reason")
    ordering = ("-status", "-id")  # open comes after done and dismissed in the alphabet
    fields = ("sku", "change", "warehouse", "reason", "state", "created_at", "decided_at", "decided_by")
    readonly_fields = fields
    actions_row = ("post", "dismiss")
    actions_detail = ("post", "dismiss")

    @display(description="SKU", ordering="sku__code")
    def sku_code(self, obj: Any) -> str:
        return str(obj.sku.code)

    @display(description="Change", ordering="units")
    def change(self, obj: Any) -> str:
        return f"{obj.units:+d}"

    @display(
        description="State", ordering="status", label={"Open": "warning", "Posted": "success", "Dismissed": "info"}
    )
    def state(self, obj: Any) -> str:
        return str(obj.get_status_display())

    @display(description="Since", ordering="created_at")
    def when(self, obj: Any) -> Any:
        return words.stamp(obj.created_at)

    def has_decide_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "change") and self.has_change_stock_permission(request)

    @action(description="Post", url_path="post", permissions=["decide"], icon="check")
    def post(self, request: HttpRequest, object_id: str) -> HttpResponse:
        proposal = self.object_of(request, object_id)
        if request.method == "POST":
            touched = post_correction(proposal_id=proposal.pk, at=timezone.now(), actor_id=request.user.pk)
            decide_soon(touched)
            text = f"{proposal} is posted." if touched else "It was decided before."
            return self.done(request, text, to=self.list_page())
        return self.ask(
            request,
            title=f"Post: {proposal}",
            submit="Post the correction",
            back=self.list_page(),
            lines=[f"{proposal.reason}. Have you looked at the shelf? A cycle count does the same."],
        )

    @action(description="Dismiss", url_path="dismiss", permissions=["decide"], icon="close")
    def dismiss(self, request: HttpRequest, object_id: str) -> HttpResponse:
        proposal = self.object_of(request, object_id)
        if request.method == "POST":
            CorrectionProposal.objects.filter(pk=proposal.pk, status=CorrectionProposal.Status.OPEN).update(
                status=CorrectionProposal.Status.DISMISSED, decided_at=timezone.now(), decided_by=request.user
            )
            return self.done(request, f"{proposal} is dismissed.", to=self.list_page())
        return self.ask(
            request,
            title=f"Dismiss: {proposal}",
            submit="Dismiss",
            back=self.list_page(),
            lines=["Nothing changes. A cycle count finds the difference, if there is one."],
        )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
