"""Uploads and workers as the tests of imports call them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from inventory_sync.engine.import_files import Upload, pieces
from inventory_sync.engine.import_models import ImportRun
from inventory_sync.engine.import_runs import IMPORTS, PREVIEWS, confirm, look_at, work


def upload(data: bytes, *, name: str = "skus.csv", user: Any = None) -> ImportRun:
    arriving = Upload(file_name=name, user=user, now=timezone.now())
    for start in range(0, len(data), 60_000):
        arriving.write(data[start : start + 60_000])
    return arriving.finish()


def looked_at(data: bytes, *, name: str = "skus.csv", user: Any = None, **asked: Any) -> ImportRun:
    run = upload(data, name=name, user=user)
    look_at(run_id=run.pk, **asked)
    assert work(PREVIEWS)
    run.refresh_from_db()
    return run


def imported(run: ImportRun, *, user: Any = None) -> ImportRun:
    confirm(run_id=run.pk, user=user, now=timezone.now())
    assert work(IMPORTS)
    run.refresh_from_db()
    return run


def errors_of(run: ImportRun) -> str:
    return b"".join(pieces(run=run, part="errors")).decode("utf-8-sig")
