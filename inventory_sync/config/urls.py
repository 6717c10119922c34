"""Addresses: the back-office, the REST API, webhooks, connecting through a browser, and two probes."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from inventory_sync.api.urls import api_urls, connect_urls, probe_urls, webhook_urls

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    *probe_urls,
    *connect_urls,
    *webhook_urls,
    *api_urls,
]

handler500 = "inventory_sync.api.errors.server_error"
