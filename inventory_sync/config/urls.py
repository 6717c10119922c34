"""Addresses: the back-office, the REST API, webhooks, and two probes."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from inventory_sync.api.urls import webhook_urls

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    *webhook_urls,
]
