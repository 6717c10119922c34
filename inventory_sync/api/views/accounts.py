"""``accounts/``, ``sync/`` and ``sale-events/``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from inventory_sync.api import accounts
from inventory_sync.api.filters import AccountListFilter
from inventory_sync.api.pagination import NewestFirst
from inventory_sync.api.serializers.accounts import (
    AccountSerializer,
    IdentitySerializer,
    LinesSerializer,
    PullAnswerSerializer,
    PullProgressSerializer,
    PullSerializer,
    SaleEventSerializer,
    SettingSerializer,
    SubscribeSerializer,
    SyncSerializer,
)
from inventory_sync.api.status import sync_status
from inventory_sync.api.strict import Empty
from inventory_sync.api.views.base import ApiViewSet
from inventory_sync.engine import sale_events, start, wake
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.inbound import make_due
from inventory_sync.engine.models import SaleEvent
from inventory_sync.engine.polling import ensure_cursors
from inventory_sync.engine.pulling import progress, pull_listings
from skumap.models import ChannelAccount


@extend_schema_view(
    list=extend_schema(summary="Seller accounts"),
    create=extend_schema(summary="Add a seller account, in trial run"),
    retrieve=extend_schema(summary="One seller account"),
    partial_update=extend_schema(summary="Change a seller account, or its mode"),
)
class AccountViewSet(
    mixins.ListModelMixin, mixins.CreateModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, ApiViewSet
):
    queryset = ChannelAccount.objects.all()
    serializer_class = AccountSerializer
    filterset_class = AccountListFilter
    http_method_names = ["get", "post", "patch", "head", "options"]

    @extend_schema(summary="Ask the channel who the credentials belong to", request=Empty, responses=IdentitySerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: int) -> Response:
        """From then on the account is read. What is wrong is said in the error."""
        account = self._asked(request)
        found = start.connect(account_id=account.pk)
        answer = {
            "ok": not found.missing,
            "identity": found.identity,
            "name": found.name,
            "missing": list(found.missing),
        }
        return Response(answer)

    @extend_schema(
        summary="Read the account's locations and listings now",
        request=PullSerializer,
        responses={200: PullAnswerSerializer, 202: PullAnswerSerializer},
    )
    @action(detail=True, methods=["post"])
    def pull(self, request: Request, pk: int) -> Response:
        """In the background, unless ``wait`` is true."""
        account = self.get_object()
        asked = PullSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        ensure_cursors(context=AccountContext(account), now=timezone.now())
        if asked.validated_data["wait"]:
            return Response({"started": True, "listings": pull_listings(account_id=account.pk)})
        make_due(account_id=account.pk, stream="listings")
        wake.after_commit("sweep")
        return Response({"started": True, "listings": None}, status=202)

    @extend_schema(
        summary="How far the reading of its listings is",
        responses={200: PullProgressSerializer, 204: None},
    )
    @action(detail=True, methods=["get"], url_path="pull-progress")
    def pull_progress(self, request: Request, pk: int) -> Response:
        """No content when no pull is under way."""
        found = progress(account_id=self.get_object().pk)
        return Response(status=204) if found is None else Response(PullProgressSerializer(found).data)

    @extend_schema(summary="Let the channel notify us", request=SubscribeSerializer, responses=LinesSerializer)
    @action(detail=True, methods=["post"])
    def subscribe(self, request: Request, pk: int) -> Response:
        """Creates or repairs webhook subscriptions, or says what has to be done by hand."""
        account = self.get_object()
        asked = SubscribeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        lines = accounts.subscribe(account_id=account.pk, callback_url=asked.validated_data["callback_url"])
        return Response({"lines": lines})

    @extend_schema(summary="Send quantities from now on", request=Empty, responses=AccountSerializer)
    @action(detail=True, methods=["post"], url_path="go-live")
    def go_live(self, request: Request, pk: int) -> Response:
        return self._switch(request, "live")

    @extend_schema(summary="Back to trial run: compute, send nothing", request=Empty, responses=AccountSerializer)
    @action(detail=True, methods=["post"], url_path="go-shadow")
    def go_shadow(self, request: Request, pk: int) -> Response:
        return self._switch(request, "shadow")

    @extend_schema(summary="Pause: send nothing; orders are read on", request=Empty, responses=AccountSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: int) -> Response:
        return self._switch(request, "paused")

    @extend_schema(summary="Every setting of the account", responses=SettingSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], url_path="settings", pagination_class=None)
    def list_settings(self, request: Request, pk: int) -> Response:
        account = self.get_object()
        own, in_force = account.settings or {}, context_of(account.pk).settings
        rows = [
            {"name": name, "value": in_force[name], "default": default, "own": name in own}
            for name, default in sorted(accounts.known_settings(account.channel).items())
        ]
        return Response(SettingSerializer(rows, many=True).data)

    def _asked(self, request: Request) -> ChannelAccount:
        account: ChannelAccount = self.get_object()
        Empty(data=request.data).is_valid(raise_exception=True)
        return account

    def _switch(self, request: Request, mode: str) -> Response:
        account = accounts.set_mode(account_id=self._asked(request).pk, mode=mode)
        return Response(self.get_serializer(account).data)


class SyncViewSet(ApiViewSet):
    """How the accounts are doing."""

    queryset = ChannelAccount.objects.all()
    serializer_class = SyncSerializer
    pagination_class = None

    @extend_schema(summary="How all accounts are doing", responses=SyncSerializer(many=True), filters=False)
    def list(self, request: Request) -> Response:
        return self._answer(list(self.filter_queryset(self.get_queryset())), many=True)

    @extend_schema(summary="How one account is doing", responses=SyncSerializer)
    def retrieve(self, request: Request, pk: int) -> Response:
        return self._answer([self.get_object()], many=False)

    def _answer(self, rows: Sequence[ChannelAccount], *, many: bool) -> Response:
        status: Any = sync_status(accounts=rows, now=timezone.now())
        return Response(self.get_serializer(status if many else status[0], many=many).data)


@extend_schema_view(
    list=extend_schema(summary="Sale events"),
    create=extend_schema(summary="Start a sale event now, or plan one"),
    retrieve=extend_schema(summary="One sale event"),
)
class SaleEventViewSet(mixins.ListModelMixin, mixins.CreateModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    queryset = SaleEvent.objects.prefetch_related("accounts")
    serializer_class = SaleEventSerializer
    pagination_class = NewestFirst

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        with transaction.atomic():
            event = serializer.save()
        if event.starts_at <= timezone.now() < event.ends_at:
            sale_events.quicken(now=timezone.now())
            wake.after_commit("sweep")

    @extend_schema(summary="End a sale event before its time", request=Empty, responses=SaleEventSerializer)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: int) -> Response:
        """Safe to repeat."""
        event = self.get_object()
        Empty(data=request.data).is_valid(raise_exception=True)
        sale_events.stop_now(event_id=event.pk, now=timezone.now())
        event.refresh_from_db()
        return Response(self.get_serializer(event).data)
