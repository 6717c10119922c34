"""The API's own description, and a page to read it. Everything the page runs is a file of ours: no inline script, no other host."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI over ``/api/v1/schema/``."""
    response = render(request, "api/docs.html")
    response.headers["Content-Security-Policy"] = PAGE
    return response
