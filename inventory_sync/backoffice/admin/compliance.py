"""Compliance: the tables of the law, category profiles, and the page that says which listing would fail where, and why."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from unfold.decorators import action, display

from inventory_sync.backoffice.admin.base import ReadOnlyAdmin, StaffAdmin
from inventory_sync.backoffice.admin.listing_changes import may_prepare
from inventory_sync.engine.offer_facts import made_on
from skumap.judging import Judged, judge
from skumap.models import Category, ChannelAccount, GstRate, GstState, HsnCode, Listing, SkuProfile

SHOWN = 200
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")

PROFILE_FIELDSETS = (
    ("Tax", {"fields": (("hsn", "tags"), "confirmed_rate")}),
    (
        "Label",
        {
            "fields": (
                ("generic_name", "country_of_origin"),
                ("net_quantity", "dimensions"),
                "manufacturer",
                "packer",
                "importer",
                "consumer_care",
                ("mfg_rule", "mfg_date", "shelf_life_days"),
            )
        },
    ),
    (
        "Flipkart listing",
        {
            "fields": (
                ("procurement_type", "shipping_provider", "dispatch_days"),
                ("fee_local", "fee_zonal", "fee_national"),
                "packages",
            ),
            "classes": ("collapse",),
        },
    ),
)


@admin.register(HsnCode)
class HsnCodeAdmin(ReadOnlyAdmin):
    """The tariff, as loaded by ``manage.py load_reference``."""

    list_display = ("code", "description", "status")
    list_filter = ("status",)
    search_fields = ("code", "description")
    fields = readonly_fields = ("code", "description", "status")


@admin.register(GstRate)
class GstRateAdmin(ReadOnlyAdmin):
    """GST rates by HSN, condition and date. A new notification is loaded as a new row."""

    list_display = ("hsn_prefix", "condition", "percent", "valid_from", "valid_to", "category", "source")
    list_filter = ("rate",)
    search_fields = ("hsn_prefix", "condition", "category", "source")
    fields = readonly_fields = (
        "hsn_prefix",
        "condition",
        "percent",
        "valid_from",
        "valid_to",
        "category",
        "source",
        "evidence",
    )

    @display(description="Rate", ordering="rate")
    def percent(self, obj: Any) -> str:
        return f"{obj.rate.normalize():f} %"


@admin.register(GstState)
class GstStateAdmin(ReadOnlyAdmin):
    """States and Union territories by their GST codes."""

    list_display = ("code", "name", "iso_code", "tax_label", "status")
    search_fields = ("code", "name")
    fields = readonly_fields = ("code", "name", "iso_code", "kind", "tax_label", "shopify_code", "status", "note")


@admin.register(Category)
class CategoryAdmin(StaffAdmin):
    """What is the same for all goods of a kind. A SKU may say otherwise."""

    list_display = ("name", "hsn", "country_of_origin", "sku_count")
    search_fields = ("name", "hsn")
    fieldsets = ((None, {"fields": ("name",)}), *PROFILE_FIELDSETS)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(used=Count("skus"))

    @display(description="SKUs", ordering="used")
    def sku_count(self, obj: Any) -> int:
        return int(obj.used)


@admin.register(SkuProfile)
class SkuProfileAdmin(StaffAdmin):
    """What one SKU declares otherwise than its category; blank is as the category says. Begins with the compliance report."""

    list_display = ("sku", "hsn", "country_of_origin", "category")
    list_select_related = ("sku__category",)
    search_fields = ("sku__code", "sku__title")
    autocomplete_fields = ("sku",)
    fieldsets = ((None, {"fields": ("sku",)}), *PROFILE_FIELDSETS)
    actions_list = ("open_report",)

    @display(description="Category")
    def category(self, obj: Any) -> str:
        return str(obj.sku.category or "—")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("report/", wrap(self.report), name="skumap_compliance_report"),
            path("report.csv", wrap(self.report_file), name="skumap_compliance_report_file"),
            *super().get_urls(),
        ]

    @action(description="Compliance report", url_path="open-report", icon="fact_check", variant="primary")
    def open_report(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:skumap_compliance_report"))

    def report(self, request: HttpRequest) -> HttpResponse:
        """Which listings would fail, on which channel and why; the first ones of what was asked for."""
        wanted = self._wanted(request)
        reasons: Counter[tuple[str, str]] = Counter()
        rows: list[Judged] = []
        judged = failing = 0
        for each in judge(wanted, now=timezone.now(), made_on=made_on):
            judged += 1
            failing += not each.report.ok
            messages = {problem.code: problem.message for problem in each.report.errors}
            reasons.update(messages.items())
            if self._is_asked(request, each) and len(rows) < SHOWN:
                rows.append(each)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Compliance report",
            "subtitle": None,
            "rows": rows,
            "shown": SHOWN,
            "judged": judged,
            "failing": failing,
            "reasons": _by_code(reasons),
            "accounts": ChannelAccount.objects.defer("credentials").order_by("channel", "name"),
            "asked": {name: request.GET.get(name, "") for name in ("account", "reason", "all", "q")},
            "file": f"{reverse('admin:skumap_compliance_report_file')}?{request.GET.urlencode()}",
            "may_prepare": may_prepare(request),
            "media": self.media,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "backoffice/compliance.html", context)

    def report_file(self, request: HttpRequest) -> StreamingHttpResponse:
        """The same as a file, all of it: a line for each reason."""
        found = (
            each
            for each in judge(self._wanted(request), now=timezone.now(), made_on=made_on)
            if self._is_asked(request, each)
        )
        response = StreamingHttpResponse(_lines(found), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="compliance.csv"'
        return response

    def _wanted(self, request: HttpRequest) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = Listing.objects.filter(status=Listing.Status.MAPPED, vanished_at__isnull=True).order_by("id")
        account, text = request.GET.get("account", ""), request.GET.get("q", "").strip()
        if account.isdigit():
            rows = rows.filter(account_id=int(account))
        if text:
            rows = rows.filter(Q(sku__code__icontains=text) | Q(seller_sku__icontains=text) | Q(title__icontains=text))
        return rows

    @staticmethod
    def _is_asked(request: HttpRequest, each: Judged) -> bool:
        reason = request.GET.get("reason", "")
        if reason:
            return reason in each.report.reasons
        return bool(request.GET.get("all")) or not each.report.ok


def _by_code(reasons: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    """Reason codes with how often they came and an example of their words, most frequent first."""
    found: dict[str, dict[str, Any]] = {}
    for (code, message), count in reasons.most_common():
        known = found.setdefault(code, {"code": code, "message": message, "count": 0})
        known["count"] += count
    return sorted(found.values(), key=lambda each: -each["count"])


class _Echo:
    @staticmethod
    def write(line: str) -> str:
        return line


def _lines(found: Iterable[Judged]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(["account", "seller SKU", "SKU", "severity", "reason", "field", "what is wrong"])
    for each in found:
        listing, report = each.listing, each.report
        start = [str(listing.account), listing.seller_sku or listing.key, str(listing.sku)]
        for problem in report.problems:
            yield writer.writerow(
                [_safe(cell) for cell in (*start, problem.severity.value, problem.code, problem.field, problem.message)]
            )
        if not report.problems:
            yield writer.writerow([_safe(cell) for cell in (*start, "ok", "", "", "")])


def _safe(cell: str) -> str:
    """A spreadsheet runs what begins like a formula: such a cell gets an apostrophe."""
    return f"'{cell}" if cell.startswith(DANGEROUS) else cell
