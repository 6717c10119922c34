"""``stock/``, ``movements/``, ``adjustments/``, ``warehouses/``, ``locations/``."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.db.models import F, Prefetch, Q
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from inventory_sync.alerts.services import resolve_alert
from inventory_sync.api.filters import LocationFilter, MovementFilter, StockFilter
from inventory_sync.api.idempotency import HEADER, answer_once, key_of
from inventory_sync.api.pagination import NewestFirst
from inventory_sync.api.serializers.stock import (
    AdjustmentAnswerSerializer,
    AdjustmentSerializer,
    Kind,
    LevelSerializer,
    LocationSerializer,
    LocationWarehousesSerializer,
    MovementSerializer,
    WarehouseSerializer,
)
from inventory_sync.api.views.base import ApiViewSet
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.catalogue import relink_states
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.withdrawals import Taken, WhenShort, take_out
from inventory_sync.stock import services
from inventory_sync.stock.models import LocationLink, StockBalance, StockMovement, Warehouse
from skumap.models import ChannelLocation

logger = logging.getLogger(__name__)


@extend_schema_view(list=extend_schema(summary="Stock by SKU and warehouse"))
class StockViewSet(mixins.ListModelMixin, ApiViewSet):
    queryset = StockBalance.objects.select_related("sku", "warehouse").annotate(
        available_units=F("on_hand") - F("committed")
    )
    serializer_class = LevelSerializer
    filterset_class = StockFilter


@extend_schema_view(list=extend_schema(summary="Stock history, newest first"))
class MovementViewSet(mixins.ListModelMixin, ApiViewSet):
    queryset = StockMovement.objects.select_related("sku", "warehouse")
    serializer_class = MovementSerializer
    filterset_class = MovementFilter
    pagination_class = NewestFirst


class AdjustmentViewSet(ApiViewSet):
    """Changes of stock by hand."""

    queryset = StockMovement.objects.none()
    serializer_class = AdjustmentSerializer
    pagination_class = None

    @extend_schema(
        summary="Change stock by hand, exactly once",
        request=AdjustmentSerializer,
        responses={201: AdjustmentAnswerSerializer},
        filters=False,
        parameters=[
            OpenApiParameter(
                HEADER,
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                required=True,
                description="A value of your own, such as a UUID; repeat it when you retry. 1 to 120 visible ASCII characters.",
            )
        ],
    )
    def create(self, request: Request) -> Response:
        """The same key and body again get the stored answer (``Idempotent-Replayed: true``); the same key with another body is a 409."""
        key_of(request)
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        touched: set[int] = set()

        def work(key: str) -> dict[str, Any]:
            taken = _adjust(key, asked.validated_data)
            touched.update(taken.touched)
            return {"set_aside": taken.waiting, **_answer(key, asked.validated_data)}

        answer = answer_once(request, work)
        try:
            decide_soon(touched)
        except Exception:  # the change is stored and answered for; the sweep decides it
            logger.exception("stock was changed, but its quantities could not be decided at once")
        return answer


def _adjust(key: str, asked: dict[str, Any]) -> Taken:
    if asked["kind"] in (Kind.TRANSFER, Kind.SALE):
        return take_out(
            change=_change(key, asked),
            kind=str(asked["kind"]),
            units=asked["units"],
            now=timezone.now(),
            to_warehouse_id=asked["to_warehouse"].pk if "to_warehouse" in asked else None,
            when_short=WhenShort(asked.get("when_short", WhenShort.ASK)),
        )
    return Taken(touched=tuple(_happened(key, asked)))


def _happened(key: str, asked: dict[str, Any]) -> list[int]:
    change = _change(key, asked)
    units, target_id = asked.get("units", 0), asked["to_warehouse"].pk if "to_warehouse" in asked else 0
    match asked["kind"]:
        case Kind.RECEIVE:
            return list(services.receive(change, units=units))
        case Kind.ADJUST:
            return list(services.adjust(change, units=units))
        case Kind.COUNT:
            return list(services.set_count(change, counted=asked["counted"]))
        case Kind.QUARANTINE:
            return list(services.quarantine(change, units=units))
        case Kind.RESTOCK:
            return list(services.restock(change, to_warehouse_id=target_id, units=units))
        case _:
            return list(services.write_off(change, units=units))


def _change(key: str, asked: dict[str, Any]) -> services.Change:
    return services.Change(
        key=key,
        sku_id=asked["sku"].pk,
        warehouse_id=asked["warehouse"].pk,
        at=asked.get("occurred_at") or timezone.now(),
        reason=asked["reason"],
    )


def _answer(key: str, asked: dict[str, Any]) -> dict[str, Any]:
    kind = asked["kind"]
    keys = [f"{kind}:{key}{suffix}" for suffix in ("", ":out", ":in")]
    movements = StockMovement.objects.select_related("sku", "warehouse").filter(key__in=keys).order_by("id")
    places = {asked["warehouse"].pk, *(movement.warehouse_id for movement in movements)}
    levels = StockBalance.objects.select_related("sku", "warehouse").filter(sku=asked["sku"], warehouse_id__in=places)
    return {
        "movements": MovementSerializer(movements, many=True).data,
        "levels": LevelSerializer(levels.order_by("id"), many=True).data,
    }


@extend_schema_view(
    list=extend_schema(summary="Warehouses"),
    create=extend_schema(summary="Add a warehouse"),
    retrieve=extend_schema(summary="One warehouse"),
    partial_update=extend_schema(summary="Rename a warehouse, open or close it"),
)
class WarehouseViewSet(
    mixins.ListModelMixin, mixins.CreateModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, ApiViewSet
):
    queryset = Warehouse.objects.all()
    serializer_class = WarehouseSerializer
    http_method_names = ["get", "post", "patch", "head", "options"]

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        was_active = self.get_object().active
        warehouse = serializer.save()
        if warehouse.active != was_active:
            stocked = StockBalance.objects.filter(~Q(on_hand=0, committed=0), warehouse=warehouse)
            decide_soon(stocked.values_list("sku_id", flat=True))


@extend_schema_view(
    list=extend_schema(summary="Channel locations, and the warehouses that serve them"),
    create=extend_schema(summary="Add a location that the channel does not tell us of"),
    retrieve=extend_schema(summary="One channel location"),
    partial_update=extend_schema(summary="Rename a location, switch it on or off"),
)
class LocationViewSet(
    mixins.ListModelMixin, mixins.CreateModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, ApiViewSet
):
    queryset = ChannelLocation.objects.select_related("account").prefetch_related(
        Prefetch("warehouse_links", LocationLink.objects.select_related("warehouse").order_by("rank", "id"))
    )
    serializer_class = LocationSerializer
    filterset_class = LocationFilter
    http_method_names = ["get", "post", "put", "patch", "head", "options"]

    @extend_schema(exclude=True)
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not kwargs.get("partial"):
            self.http_method_not_allowed(request)
        return super().update(request, *args, **kwargs)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        location = serializer.save()
        relink_states(context=AccountContext(location.account))

    @extend_schema(
        summary="Say which own warehouses serve a location",
        request=LocationWarehousesSerializer,
        responses=LocationSerializer,
    )
    @action(detail=True, methods=["put"])
    def warehouses(self, request: Request, pk: int) -> Response:
        """First choice first. Rows are made for every linked listing, and decided anew. Safe to repeat."""
        location = self.get_object()
        asked = LocationWarehousesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        link_warehouses(location=location, warehouses=asked.validated_data["warehouses"])
        return Response(self.get_serializer(self.get_queryset().get(pk=location.pk)).data)


def link_warehouses(*, location: ChannelLocation, warehouses: list[Warehouse]) -> None:
    """Let exactly these warehouses serve a location, in this order, and decide its account anew."""
    with transaction.atomic():
        ChannelLocation.objects.select_for_update().get(pk=location.pk)
        LocationLink.objects.filter(location=location).exclude(warehouse__in=warehouses).delete()
        for rank, warehouse in enumerate(warehouses):
            LocationLink.objects.update_or_create(location=location, warehouse=warehouse, defaults={"rank": rank})
    if warehouses:
        resolve_alert(kind="location_unlinked", key=str(location.pk))
    relink_states(context=AccountContext(location.account))
