"""Pages of the back-office that belong to no single table."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from inventory_sync.backoffice.dashboard import snapshot


@never_cache
@require_GET
def live(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """What changes on the home page, fetched every few seconds. Somebody who is logged out by now gets the login page instead."""
    if not site.has_permission(request):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return render(request, "backoffice/live.html", {"board": snapshot(timezone.now())})
