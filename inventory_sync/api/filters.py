"""Filters of the lists. A filter that does not exist is refused by name: ignored, it would answer another question than was asked."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from inventory_sync.alerts.models import Alert
from inventory_sync.api.strict import EARLIEST, LATEST, MAX_UNITS, find_account
from inventory_sync.engine.listing_change import ListingChange
from inventory_sync.orders.models import Order
from inventory_sync.stock.models import StockBalance, StockMovement, Warehouse
from skumap.models import ChannelAccount, ChannelLocation, Listing, Sku

PAGING = {"cursor", "page_size", "format"}


class StrictFilterBackend(DjangoFilterBackend):
    """As django-filter's, but an unknown parameter is an error."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filterset_class = self.get_filterset_class(view, queryset)
        known = set(filterset_class.base_filters) if filterset_class else set()
        unknown = sorted(set(request.query_params) - known - PAGING)
        if unknown:
            names = ", ".join(sorted(known | {"page_size"}))
            raise ValidationError({name: [f"There is no such filter. Known: {names}."] for name in unknown})
        return super().filter_queryset(request, queryset, view)


class InstantFilter(filters.IsoDateTimeFilter):
    """A moment, between the years 2000 and 2100."""

    def filter(self, queryset: QuerySet[Any], value: Any) -> QuerySet[Any]:
        if value is not None:
            try:
                fits = EARLIEST <= value <= LATEST
            except (OverflowError, ValueError):
                fits = False
            if not fits:
                raise ValidationError(
                    {self.extra.get("label") or "since": ["Between the years 2000 and 2100, please."]}
                )
        return super().filter(queryset, value)


@extend_schema_field(OpenApiTypes.STR)
class AccountFilter(filters.CharFilter):
    """An account by its id or its name; one that there is not has no rows."""

    def filter(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return queryset
        account = find_account(value)
        return queryset.filter(account=account) if account else queryset.none()


def _units(**options: Any) -> filters.NumberFilter:
    return filters.NumberFilter(min_value=-MAX_UNITS, max_value=MAX_UNITS, **options)


class SkuFilter(filters.FilterSet):
    code = filters.CharFilter(help_text="Exactly this code.")
    barcode = filters.CharFilter(help_text="Exactly this barcode.")
    search = filters.CharFilter(method="filter_search", help_text="Part of code, barcode, title or brand.")
    kit = filters.BooleanFilter(method="filter_kit", help_text="true: combos only.")
    priority = filters.BooleanFilter()

    class Meta:
        model = Sku
        fields: list[str] = []

    def filter_search(self, queryset: QuerySet[Sku], name: str, value: str) -> QuerySet[Sku]:
        clause = Q(code__icontains=value) | Q(barcode__icontains=value)
        return queryset.filter(clause | Q(title__icontains=value) | Q(brand__icontains=value))

    def filter_kit(self, queryset: QuerySet[Sku], name: str, value: bool) -> QuerySet[Sku]:
        kits = Sku.objects.filter(components__isnull=False).values("id")
        return queryset.filter(pk__in=kits) if value else queryset.exclude(pk__in=kits)


class ListingFilter(filters.FilterSet):
    account = AccountFilter(help_text="Id or name of a seller account.")
    status = filters.ChoiceFilter(choices=Listing.Status.choices)
    sku = filters.CharFilter(field_name="sku__code", help_text="Code of our SKU.")
    key = filters.CharFilter(help_text="The channel's own key: seller SKU, or Shopify variant id.")
    seller_sku = filters.CharFilter()
    product_id = filters.CharFilter(help_text="FSN, ASIN or Shopify product id.")
    active = filters.BooleanFilter()
    search = filters.CharFilter(method="filter_search", help_text="Part of key, seller SKU, title or barcode.")

    class Meta:
        model = Listing
        fields: list[str] = []

    def filter_search(self, queryset: QuerySet[Listing], name: str, value: str) -> QuerySet[Listing]:
        clause = Q(key__icontains=value) | Q(seller_sku__icontains=value)
        return queryset.filter(clause | Q(title__icontains=value) | Q(barcode__icontains=value))


class ListingChangeFilter(filters.FilterSet):
    account = AccountFilter(help_text="Id or name of a seller account.")
    state = filters.MultipleChoiceFilter(choices=ListingChange.State.choices)
    what = filters.ChoiceFilter(choices=ListingChange._meta.get_field("what").choices)
    sku = filters.CharFilter(field_name="sku__code", help_text="Code of our SKU.")
    seller_sku = filters.CharFilter()

    class Meta:
        model = ListingChange
        fields: list[str] = []


class StockFilter(filters.FilterSet):
    sku = filters.CharFilter(field_name="sku__code", help_text="Code of the SKU.")
    warehouse = filters.CharFilter(field_name="warehouse__code", help_text="Code of the warehouse.")
    kind = filters.ChoiceFilter(field_name="warehouse__kind", choices=Warehouse.Kind.choices)
    available_below = _units(
        field_name="available_units", lookup_expr="lt", help_text="Fewer sellable units than this."
    )

    class Meta:
        model = StockBalance
        fields: list[str] = []


class MovementFilter(filters.FilterSet):
    sku = filters.CharFilter(field_name="sku__code")
    warehouse = filters.CharFilter(field_name="warehouse__code")
    kind = filters.MultipleChoiceFilter(choices=StockMovement._meta.get_field("kind").choices)
    key = filters.CharFilter(help_text="Exactly this key.")
    line = filters.NumberFilter(field_name="line_id", min_value=1, max_value=2**62, help_text="Id of an order line.")
    since = InstantFilter(field_name="occurred_at", lookup_expr="gte", label="since")
    until = InstantFilter(field_name="occurred_at", lookup_expr="lt", label="until")

    class Meta:
        model = StockMovement
        fields: list[str] = []


class OrderFilter(filters.FilterSet):
    account = AccountFilter(help_text="Id or name of a seller account.")
    number = filters.CharFilter(field_name="order_number", help_text="The number that the buyer sees.")
    key = filters.CharFilter(help_text="The channel's own id; Flipkart: the shipment.")
    status = filters.CharFilter(help_text="As the channel says it.")
    sku = filters.CharFilter(method="filter_sku", help_text="Orders with this SKU.")
    waiting = filters.BooleanFilter(
        method="filter_waiting", help_text="true: with a line whose listing is not linked yet."
    )
    since = InstantFilter(field_name="placed_at", lookup_expr="gte", label="since", help_text="Placed at or after.")
    until = InstantFilter(field_name="placed_at", lookup_expr="lt", label="until", help_text="Placed before.")
    seen_since = InstantFilter(
        field_name="first_seen_at", lookup_expr="gte", label="seen_since", help_text="First seen by us."
    )

    class Meta:
        model = Order
        fields: list[str] = []

    def filter_sku(self, queryset: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        return queryset.filter(pk__in=Order.objects.filter(lines__sku__code=value).values("id"))

    def filter_waiting(self, queryset: QuerySet[Order], name: str, value: bool) -> QuerySet[Order]:
        waiting = Order.objects.filter(lines__waiting=True).values("id")
        return queryset.filter(pk__in=waiting) if value else queryset.exclude(pk__in=waiting)


class AccountListFilter(filters.FilterSet):
    channel = filters.ChoiceFilter(choices=ChannelAccount._meta.get_field("channel").choices)
    mode = filters.ChoiceFilter(choices=ChannelAccount.Mode.choices)
    name = filters.CharFilter()
    identity = filters.CharFilter()

    class Meta:
        model = ChannelAccount
        fields: list[str] = []


class LocationFilter(filters.FilterSet):
    account = AccountFilter(help_text="Id or name of a seller account.")
    external_id = filters.CharFilter()
    linked = filters.BooleanFilter(method="filter_linked", help_text="false: no warehouse serves it yet.")

    class Meta:
        model = ChannelLocation
        fields: list[str] = []

    def filter_linked(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        linked = ChannelLocation.objects.filter(warehouse_links__isnull=False).values("id")
        return queryset.filter(pk__in=linked) if value else queryset.exclude(pk__in=linked)


class AlertFilter(filters.FilterSet):
    open = filters.BooleanFilter(field_name="resolved_at", lookup_expr="isnull", help_text="true: not resolved yet.")
    acknowledged = filters.BooleanFilter(field_name="acknowledged_at", lookup_expr="isnull", exclude=True)
    kind = filters.CharFilter()
    severity = filters.ChoiceFilter(choices=Alert.Severity.choices)
    account = AccountFilter(help_text="Id or name of a seller account.")

    class Meta:
        model = Alert
        fields: list[str] = []
