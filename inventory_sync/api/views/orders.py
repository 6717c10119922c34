"""``orders/`` and ``alerts/``."""

from __future__ import annotations

from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from inventory_sync.alerts.models import Alert
from inventory_sync.api.filters import AlertFilter, OrderFilter
from inventory_sync.api.pagination import NewestFirst
from inventory_sync.api.serializers.orders import AlertSerializer, OrderSerializer
from inventory_sync.api.strict import Empty
from inventory_sync.api.views.base import ApiViewSet
from inventory_sync.orders.models import Order, OrderLine


@extend_schema_view(
    list=extend_schema(summary="Orders of all channels, newest first"), retrieve=extend_schema(summary="One order")
)
class OrderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    queryset = Order.objects.select_related("account").prefetch_related(
        Prefetch("lines", OrderLine.objects.select_related("sku", "warehouse").order_by("id"))
    )
    serializer_class = OrderSerializer
    filterset_class = OrderFilter
    pagination_class = NewestFirst


@extend_schema_view(list=extend_schema(summary="Alerts, newest first"), retrieve=extend_schema(summary="One alert"))
class AlertViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    queryset = Alert.objects.all()
    serializer_class = AlertSerializer
    filterset_class = AlertFilter
    pagination_class = NewestFirst

    @extend_schema(summary="Say that somebody is looking", request=Empty, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: int) -> Response:
        """The alert stays open until its cause is gone. Safe to repeat."""
        alert = self.get_object()
        Empty(data=request.data).is_valid(raise_exception=True)
        Alert.objects.filter(pk=alert.pk, acknowledged_at__isnull=True).update(acknowledged_at=timezone.now())
        alert.refresh_from_db()
        return Response(self.get_serializer(alert).data)
