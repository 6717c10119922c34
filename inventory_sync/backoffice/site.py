"""The admin site that staff use."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.sites import UnfoldAdminSite


class BackofficeSite(UnfoldAdminSite):
    """Unfold's site, with a home page that is live, one-time login addresses, and a menu of what the user may see."""

    site_title = "inventory-sync"
    site_header = "inventory-sync"
    index_title = "Home"

    def extra_urls(self) -> list[URLPattern]:
        from inventory_sync.backoffice.entry import enter
        from inventory_sync.backoffice.views import live

        return [
            path("live/", live, {"site": self}, name="live"),
            path("enter/<str:token>/", enter, name="enter"),
        ]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The login page always knows where to go next; unfold's form does not carry it by itself."""
        if request.method == "GET" and REDIRECT_FIELD_NAME not in request.GET:
            return redirect_to_login(reverse("admin:index"), reverse("admin:login"))
        return super().login(request, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        from inventory_sync.backoffice.dashboard import snapshot

        return super().index(request, {"board": snapshot(timezone.now()), **(extra_context or {})})

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        icon = {"rel": "icon", "type": "image/svg+xml", "href": static("backoffice/icon.svg")}
        return {**super().each_context(request), "site_favicons": [icon], "site_url": None}

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Only links to lists that this user may open."""
        allowed = {
            f"/{model._meta.app_label}/{model._meta.model_name}/"
            for model, model_admin in self._registry.items()
            if model_admin.has_view_or_change_permission(request)
        }
        known = {f"/{model._meta.app_label}/{model._meta.model_name}/" for model in self._registry}
        groups = super().get_sidebar_list(request)
        for group in groups:
            group["items"] = [
                item for item in group["items"] if not any(str(item["link"]).endswith(tail) for tail in known - allowed)
            ]
        return [group for group in groups if group["items"]]
