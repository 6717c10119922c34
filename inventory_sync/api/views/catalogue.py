"""``skus/`` and ``listings/``."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from inventory_sync.api.filters import ListingFilter, SkuFilter
from inventory_sync.api.serializers.catalogue import IgnoreSerializer, LinkSerializer, ListingSerializer, SkuSerializer
from inventory_sync.api.views.base import ApiViewSet, token_of
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.mapping import approve_match, ignore_listing
from inventory_sync.engine.models import ListingState
from inventory_sync.stock.models import StockBalance
from skumap.models import KitComponent, Listing, Sku
from skumap.services import skus_touched_by

BALANCES = StockBalance.objects.select_related("warehouse")


@extend_schema_view(
    list=extend_schema(summary="List and search SKUs"),
    create=extend_schema(summary="Add a SKU, or a combo with its parts"),
    retrieve=extend_schema(summary="One SKU with its stock"),
    partial_update=extend_schema(summary="Change a SKU"),
)
class SkuViewSet(
    mixins.ListModelMixin, mixins.CreateModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, ApiViewSet
):
    queryset = Sku.objects.prefetch_related(
        Prefetch("balances", BALANCES),
        Prefetch("components", KitComponent.objects.select_related("component").order_by("id")),
        Prefetch("components__component__balances", BALANCES),
    )
    serializer_class = SkuSerializer
    filterset_class = SkuFilter
    http_method_names = ["get", "post", "patch", "head", "options"]

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        serializer.instance = self.queryset.get(pk=serializer.save().pk)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        sku = serializer.save()
        serializer.instance = self.queryset.get(pk=sku.pk)
        if {"components", "priority"} & serializer.validated_data.keys():
            decide_soon(skus_touched_by([sku.pk]))


@extend_schema_view(
    list=extend_schema(summary="List listings, with what each should show, what was sent and what was seen"),
    retrieve=extend_schema(summary="One listing"),
)
class ListingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    queryset = Listing.objects.select_related("account", "sku").prefetch_related(
        Prefetch("states", ListingState.objects.select_related("location").order_by("id"))
    )
    serializer_class = ListingSerializer
    filterset_class = ListingFilter

    @extend_schema(summary="Say which SKU a listing is", request=LinkSerializer, responses=ListingSerializer)
    @action(detail=True, methods=["post"])
    def link(self, request: Request, pk: int) -> Response:
        """Orders that waited for it are applied, and its quantities are decided anew. Safe to repeat."""
        listing = self.get_object()
        asked = LinkSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        approve_match(
            listing_id=listing.pk,
            sku_id=asked.validated_data["sku"].pk,
            now=timezone.now(),
            units_per_sale=asked.validated_data["units_per_sale"],
            reason=asked.validated_data["reason"] or f"API: {token_of(request).name}",
        )
        return Response(self.get_serializer(self.get_queryset().get(pk=listing.pk)).data)

    @extend_schema(summary="Say that a listing is none of ours", request=IgnoreSerializer, responses=ListingSerializer)
    @action(detail=True, methods=["post"])
    def ignore(self, request: Request, pk: int) -> Response:
        """It is never written again; what it shows is left as it is. Safe to repeat."""
        listing = self.get_object()
        asked = IgnoreSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        ignore_listing(listing_id=listing.pk, now=timezone.now(), other_goods=asked.validated_data["other_goods"])
        return Response(self.get_serializer(self.get_queryset().get(pk=listing.pk)).data)
