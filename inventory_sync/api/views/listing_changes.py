"""``listing-changes/``."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from inventory_sync.api.filters import ListingChangeFilter
from inventory_sync.api.pagination import NewestFirst
from inventory_sync.api.serializers.listing_changes import (
    DecidedSerializer,
    IdsSerializer,
    ListingChangeSerializer,
    PreparedSerializer,
    PrepareSerializer,
    RejectSerializer,
)
from inventory_sync.api.views.base import ApiViewSet, token_of
from inventory_sync.domain.listing_changes import ChangeKind
from inventory_sync.engine import listing_changes
from inventory_sync.engine.listing_change import ListingChange
from inventory_sync.engine.listing_changes import Actor, Wish
from skumap.models import ChannelAccount


@extend_schema_view(
    list=extend_schema(summary="Changes of listings, newest first"), retrieve=extend_schema(summary="One change")
)
class ListingChangeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    queryset = ListingChange.objects.select_related("account", "sku")
    serializer_class = ListingChangeSerializer
    filterset_class = ListingChangeFilter
    pagination_class = NewestFirst

    @extend_schema(
        summary="Prepare changes for approval", request=PrepareSerializer, responses={201: PreparedSerializer}
    )
    def create(self, request: Request) -> Response:
        """Reads the listings as they are and stores what would change. Nothing is sent before it is approved."""
        asked = PrepareSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        account, kind = asked.validated_data["account"], ChangeKind(asked.validated_data["what"])
        wishes = [_wish(account, kind, item, index) for index, item in enumerate(asked.validated_data["items"])]
        done = listing_changes.prepare(
            account_id=account.pk, kind=kind, wishes=wishes, now=timezone.now(), actor=_actor(request)
        )
        answer = {"changes": self._rows([change.pk for change in done.changes]), "skipped": list(done.skipped)}
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Approve changes", request=IdsSerializer, responses=DecidedSerializer)
    @action(detail=False, methods=["post"])
    def approve(self, request: Request) -> Response:
        """They are sent as soon as the account's call budget allows, only as they were seen. Those with problems that block are refused."""
        asked = IdsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        approved, refused = listing_changes.approve(
            change_ids=asked.validated_data["ids"], now=timezone.now(), actor=_actor(request)
        )
        return Response({"changes": self._rows([change.pk for change in approved]), "refused": refused})

    @extend_schema(summary="Reject changes", request=RejectSerializer, responses=DecidedSerializer)
    @action(detail=False, methods=["post"])
    def reject(self, request: Request) -> Response:
        """Also approved ones, as long as they are not on their way."""
        asked = RejectSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data["ids"]
        rejected = listing_changes.reject(
            change_ids=wanted, now=timezone.now(), actor=_actor(request), reason=asked.validated_data["reason"]
        )
        left = sorted(set(wanted) - {change.pk for change in rejected})
        refused = [f"{pk} can't be rejected (any more)." for pk in left]
        return Response({"changes": self._rows([change.pk for change in rejected]), "refused": refused})

    def _rows(self, ids: list[int]) -> Any:
        rows = self.get_queryset().filter(pk__in=ids).order_by("id")
        return self.get_serializer(rows, many=True).data


def _actor(request: Request) -> Actor:
    return Actor(via=f"API: {token_of(request).name}")


def _wish(account: ChannelAccount, kind: ChangeKind, item: dict[str, Any], index: int) -> Wish:
    """
    One item with what is usual filled in.

    :raises ValidationError: the SKU has none or several listings there, and the item does not say which.
    """
    sku, listing_id = item["sku"], item.get("listing")
    usual, skipped = listing_changes.wishes_for(account=account, kind=kind, skus=[sku])
    if kind is not ChangeKind.CREATE:
        usual = [wish for wish in usual if listing_id in (None, wish.listing_id)]
        if len(usual) != 1:
            words = skipped[0] if skipped else "Name the listing: the SKU has several there, or not this one."
            raise ValidationError({"items": [f"items[{index}].listing: {words}"]})
    known = usual[0] if usual else Wish(sku_id=sku.pk)
    return Wish(
        sku_id=sku.pk,
        listing_id=None if kind is ChangeKind.CREATE else known.listing_id,
        seller_sku=item.get("seller_sku", known.seller_sku),
        product_id=item.get("product_id", known.product_id),
        price=item.get("price", known.price),
        mrp=item.get("mrp", known.mrp),
    )
