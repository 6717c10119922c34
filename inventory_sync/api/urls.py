"""Addresses of the REST API, the webhooks, the connection through a browser and the probes."""

from __future__ import annotations

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

from inventory_sync.api.errors import api_not_found
from inventory_sync.api.views.accounts import AccountViewSet, SaleEventViewSet, SyncViewSet
from inventory_sync.api.views.catalogue import ListingViewSet, SkuViewSet
from inventory_sync.api.views.connect import begin, callback
from inventory_sync.api.views.docs import docs
from inventory_sync.api.views.health import healthz, readyz
from inventory_sync.api.views.listing_changes import ListingChangeViewSet
from inventory_sync.api.views.orders import AlertViewSet, OrderViewSet
from inventory_sync.api.views.stock import (
    AdjustmentViewSet,
    LocationViewSet,
    MovementViewSet,
    StockViewSet,
    WarehouseViewSet,
)
from inventory_sync.api.webhooks import WebhookView

router = DefaultRouter(use_regex_path=False)
router.include_format_suffixes = False
router.register("skus", SkuViewSet, basename="sku")
router.register("listings", ListingViewSet, basename="listing")
router.register("listing-changes", ListingChangeViewSet, basename="listing-change")
router.register("stock", StockViewSet, basename="stock")
router.register("movements", MovementViewSet, basename="movement")
router.register("adjustments", AdjustmentViewSet, basename="adjustment")
router.register("warehouses", WarehouseViewSet, basename="warehouse")
router.register("locations", LocationViewSet, basename="location")
router.register("orders", OrderViewSet, basename="order")
router.register("accounts", AccountViewSet, basename="account")
router.register("sync", SyncViewSet, basename="sync")
router.register("alerts", AlertViewSet, basename="alert")
router.register("sale-events", SaleEventViewSet, basename="sale-event")

api_urls = [
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/v1/docs/", docs, name="api-docs"),
    path("api/v1/", include(router.urls)),
    re_path(r"^api/", api_not_found),
]

webhook_urls = [
    path("webhooks/<slug:channel>/", WebhookView.as_view(), name="webhook-by-shop"),
    path("webhooks/<slug:channel>/<uuid:key>/", WebhookView.as_view(), name="webhook"),
    # A sender does not follow a redirect: the same without the last slash.
    path("webhooks/<slug:channel>", WebhookView.as_view()),
    path("webhooks/<slug:channel>/<uuid:key>", WebhookView.as_view()),
]

connect_urls = [
    path("connect/<slug:channel>/callback/", callback, name="connect-callback"),
    path("connect/<slug:channel>/<int:account_id>/", begin, name="connect"),
]

probe_urls = [path("healthz", healthz, name="healthz"), path("readyz", readyz, name="readyz")]
