"""Imports and exports as the tests call them."""

from __future__ import annotations

import io

from django.utils import timezone

from inventory_sync.engine import imports
from skumap.imports.exports import export_lines
from skumap.imports.report import ImportReport


def run(data: bytes, *, write: bool = True, **options: object) -> ImportReport:
    if write:
        return imports.apply(file=io.BytesIO(data), now=timezone.now(), **options)  # type: ignore[arg-type]
    return imports.preview(file=io.BytesIO(data), **options)  # type: ignore[arg-type]


def export(kind: str) -> bytes:
    return "".join(export_lines(kind)).encode()
