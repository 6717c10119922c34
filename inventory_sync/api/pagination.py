"""Pages by id: stable while rows are added. At most 500 rows a page, 100 unless asked."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class IdPagination(CursorPagination):
    """Oldest first."""

    ordering = "id"
    page_size_query_param = "page_size"
    max_page_size = 500


class NewestFirst(IdPagination):
    """For what grows without end: movements, orders, alerts."""

    ordering = "-id"
