"""
Uploaded files, from upload to done: previewed first, imported when somebody says so, one at a time, by a worker in the background.

There are two lanes, one for previews and one for imports, and one worker at a time in each: so a second import waits for the first, a preview
does not wait for an import, and no more than two workers are ever busy with files. Importing is safe to repeat, so a run whose worker died
is simply started again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, BinaryIO

from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, connection
from django.utils import timezone

from inventory_sync.engine import imports, wake
from inventory_sync.engine.import_files import ErrorsWriter, aside, stored_file
from inventory_sync.engine.import_models import ColumnMapping, ImportChunk, ImportRun
from inventory_sync.engine.upkeep import single_flight
from skumap.importer import FileError, lay_out, open_table
from skumap.importer.headings import heading

logger = logging.getLogger(__name__)

State, Part = ImportRun.State, ImportChunk.Part

PULSE_SECONDS = 1.0
SILENT = timedelta(seconds=60)  # a worker that said nothing for so long is gone
KEEP_FILES = timedelta(days=7)
KEEP_ERRORS = timedelta(days=30)
KEEP_UPLOADS = timedelta(days=1)  # what was never finished
SAMPLE_ROWS, SAMPLE_COLUMNS, SAMPLE_CHARACTERS, HEADING_CHARACTERS = 3, 500, 80, 1_000
DIED = "The worker that was at it has stopped. What it had written stays. Start it again: what is there already is left as it is."
OUR_FAULT = "Something went wrong on our side, not with your file. Start it again; if it fails again, tell whoever looks after the server."
TOO_LONG = "It took too long and was stopped. What was written stays; start it again and it goes on from there."
GONE = "The file is not kept any more. Upload it again."


class RunError(ValueError):
    """It can't be done as asked; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One kind of work on files: which runs wait for it, what they are meanwhile, and the task that does it."""

    waiting: ImportRun.State
    working: ImportRun.State
    task: str


PREVIEWS = Lane(waiting=State.TO_PREVIEW, working=State.PREVIEWING, task="preview_files")
IMPORTS = Lane(waiting=State.TO_IMPORT, working=State.IMPORTING, task="import_files")
LANES = (PREVIEWS, IMPORTS)


# --- what staff say ---------------------------------------------------------------------------------------------------------


def look_at(
    *, run_id: int, format: str = "auto", account_id: int | None = None, columns: Mapping[str, str] | None = None
) -> ImportRun:
    """
    Ask for a preview, the first or another one.

    :param columns: our field -> the file's heading, for this file alone; they go before what is remembered.
    :raises RunError: it is at work or imported already, or its file is gone.
    """
    idle = [State.UPLOADING, State.COLUMNS, State.PREVIEWED, State.FAILED, State.STOPPED]
    changed = ImportRun.objects.filter(pk=run_id, state__in=idle, confirmed_at=None, forgotten_at=None).update(
        state=State.TO_PREVIEW, format=format, account_id=account_id, columns=dict(columns or {}), message=""
    )
    return _asked(run_id, PREVIEWS, changed)


def confirm(*, run_id: int, user: Any, now: datetime) -> ImportRun:
    """
    Import it. Safe to repeat: asked twice, it is imported once.

    :raises RunError: it was not previewed, or its file is gone.
    """
    changed = ImportRun.objects.filter(pk=run_id, state=State.PREVIEWED, forgotten_at=None).update(
        state=State.TO_IMPORT, imported_by=user, confirmed_at=now, done=0, total=0, step="", message=""
    )
    return _asked(run_id, IMPORTS, changed)


def start_again(*, run_id: int) -> ImportRun:
    """
    Go on with a run that failed or stopped, where it was: preview or import.

    :raises RunError: it did neither, or its file is gone.
    """
    stuck = ImportRun.objects.filter(pk=run_id, state__in=[State.FAILED, State.STOPPED], forgotten_at=None)
    lane = IMPORTS if stuck.filter(confirmed_at__isnull=False).exists() else PREVIEWS
    changed = stuck.update(state=lane.waiting, done=0, total=0, step="", message="")
    return _asked(run_id, lane, changed)


def _asked(run_id: int, lane: Lane, changed: int) -> ImportRun:
    run = ImportRun.objects.get(pk=run_id)
    if changed:
        wake.after_commit(lane.task)
    elif run.forgotten_at:
        raise RunError(GONE)
    elif run.state not in {lane.waiting, lane.working, State.DONE}:
        raise RunError(f"It can't be done now: {run.get_state_display().lower()}.")
    return run


def same_file(run: ImportRun) -> ImportRun | None:
    """The last import of the very same bytes."""
    known = ImportRun.objects.filter(sha256=run.sha256, state__in=[State.TO_IMPORT, State.IMPORTING, State.DONE])
    return known.exclude(pk=run.pk).select_related("imported_by").first() if run.sha256 else None


# --- which column is which field --------------------------------------------------------------------------------------------


def match_columns(
    *, run_id: int, format: str, account_id: int | None, columns: Mapping[str, str], user: Any
) -> ImportRun:
    """
    Say which column is which field, look at the file again, and remember it for files with the same headings.

    :raises FileError: the columns don't make a table of this format.
    :raises RunError: see ``look_at``.
    """
    run = ImportRun.objects.get(pk=run_id)
    layout = lay_out(headers=run.headings, format_key=format, columns=columns)
    ColumnMapping.objects.update_or_create(
        account_id=account_id,
        format=layout.format.key,
        headings_hash=headings_hash(run.headings),
        defaults={"columns": dict(columns), "updated_at": timezone.now(), "updated_by": user},
    )
    return look_at(run_id=run_id, format=layout.format.key, account_id=account_id)


def headings_hash(headings: list[str]) -> str:
    return hashlib.sha256("\n".join(map(heading, headings)).encode()).hexdigest()


def remembered(run: ImportRun) -> ColumnMapping | None:
    """What was matched before in files with these headings: for this account and format, the last one."""
    known = ColumnMapping.objects.filter(account_id=run.account_id, headings_hash=headings_hash(run.headings))
    return (known if run.format == "auto" else known.filter(format=run.format)).select_related("updated_by").first()


def _columns_of(run: ImportRun) -> tuple[str, dict[str, str]]:
    """Format and columns: said for this file, or remembered, or to be told by the headings."""
    if run.columns:
        return run.format, run.columns
    known = remembered(run)
    return (known.format, known.columns) if known else (run.format, {})


# --- what a worker does -----------------------------------------------------------------------------------------------------


def work(lane: Lane) -> bool:
    """
    Do the oldest run that waits in a lane, unless somebody else is at work there.

    :return: whether there was one.
    """
    with single_flight(lane.task, 0) as mine:
        if not mine:
            return False
        # Nobody else is here, so whoever began these is gone.
        _bury(ImportRun.objects.filter(state=lane.working))
        run = _claim(lane)
        if run is not None:
            _do(run, lane)
        return run is not None


def _claim(lane: Lane) -> ImportRun | None:
    run = ImportRun.objects.filter(state=lane.waiting).order_by("id").first()
    if run is None:
        return None
    run.token, now = uuid.uuid4(), timezone.now()
    changed = ImportRun.objects.filter(pk=run.pk, state=lane.waiting).update(
        state=lane.working,
        token=run.token,
        started_at=now,
        heartbeat_at=now,
        ended_at=None,
        step="reading",
        done=0,
        total=run.size,
    )
    return run if changed else None


def _do(run: ImportRun, lane: Lane) -> None:
    """One run, whatever comes of it. Nothing is raised: the run says what went wrong."""
    try:
        with _pulse(run) as pulse, aside() as other, closing(stored_file(run=run, other=other)) as file:
            found = _preview(run, file, other, pulse) if lane is PREVIEWS else _import(run, file, other, pulse)
    except FileError as error:
        found = {"state": State.FAILED, "message": str(error)}
    except SoftTimeLimitExceeded:
        found = {"state": State.FAILED, "message": TOO_LONG}
    except Exception:  # a run that nobody settles would look as if somebody were at it
        logger.exception("import run %s failed", run.pk)
        found = {"state": State.FAILED, "message": OUR_FAULT}
    if connection.needs_rollback or not connection.is_usable():
        connection.close()
    mine = ImportRun.objects.filter(pk=run.pk, token=run.token)
    mine.update(ended_at=timezone.now(), token=None, **{name: _storable(value) for name, value in found.items()})


def _storable(value: Any) -> Any:
    """PostgreSQL takes every sign but one: NUL is shown as a sign that stands for what can't be read."""
    return (
        value if isinstance(value, State) else json.loads(json.dumps(value, default=str).replace("\\u0000", "\\ufffd"))
    )


def _preview(run: ImportRun, file: BinaryIO, other: Any, pulse: _Pulse) -> dict[str, Any]:
    table = open_table(file)
    run.headings = [each[:HEADING_CHARACTERS] for each in table.headers[:SAMPLE_COLUMNS]]
    run.sample = [
        [cell[:SAMPLE_CHARACTERS] for cell in record.cells[:SAMPLE_COLUMNS]]
        for record in islice((each for each in table.records if not each.broken), SAMPLE_ROWS)
    ]
    found: dict[str, Any] = {"headings": run.headings, "sample": run.sample, "preview": None}
    key, columns = _columns_of(run)
    try:
        lay_out(headers=table.headers, format_key=key, columns=columns)
    except FileError as error:
        return {**found, "state": State.COLUMNS, "message": str(error)}
    with closing(ErrorsWriter(run=run, other=other)) as errors:
        report = imports.preview(
            file=file, format=key, columns=columns, account_id=run.account_id, errors=errors, progress=pulse.reading
        )
    return {
        **found,
        "state": State.PREVIEWED,
        "preview": {**asdict(report), "asked": {"format": key, "columns": columns}},
        "message": "",
    }


def _import(run: ImportRun, file: BinaryIO, other: Any, pulse: _Pulse) -> dict[str, Any]:
    asked = (run.preview or {})["asked"]  # what was shown is what is done, whatever is remembered meanwhile
    with closing(ErrorsWriter(run=run, other=other)) as errors:
        report = imports.apply(
            file=file,
            format=asked["format"],
            columns=asked["columns"],
            account_id=run.account_id,
            now=timezone.now(),
            actor=run.imported_by,
            reason=f"import {run.file_name}",
            errors=errors,
            progress=pulse.reading,
            writing=pulse.writing,
        )
    return {"state": State.DONE, "report": asdict(report), "message": ""}


class _Pulse(threading.Thread):
    """Says every second that the worker lives, and how far it is, over a connection of its own: whatever the worker waits for."""

    def __init__(self, run: ImportRun) -> None:
        super().__init__(daemon=True, name=f"import-{run.pk}")
        self._run = run
        self._now = ("reading", 0, run.size)
        self._over = threading.Event()

    def reading(self, done: int, total: int) -> None:
        self._now = ("reading", done, total)

    def writing(self, done: int, total: int) -> None:
        self._now = ("writing", done, total)

    def run(self) -> None:
        try:
            while not self._over.wait(PULSE_SECONDS):
                self._beat()
        finally:
            connection.close()

    def _beat(self) -> None:
        step, done, total = self._now
        try:
            mine = ImportRun.objects.filter(pk=self._run.pk, token=self._run.token)
            mine.update(heartbeat_at=timezone.now(), step=step, done=done, total=total)
        except DatabaseError as error:
            logger.warning("import run %s: could not say that it goes on: %s", self._run.pk, error)
            connection.close()

    def end(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def _pulse(run: ImportRun) -> Iterator[_Pulse]:
    pulse = _Pulse(run)
    pulse.start()
    try:
        yield pulse
    finally:
        pulse.end()


# --- what the sweep does ----------------------------------------------------------------------------------------------------


def lanes_in_need(*, now: datetime) -> list[Lane]:
    """Say of runs whose worker went silent that they stopped. :return: the lanes that have somebody waiting."""
    _bury(ImportRun.objects.filter(state__in=ImportRun.WORKING, heartbeat_at__lt=now - SILENT))
    waiting = set(ImportRun.objects.filter(state__in=ImportRun.WAITING).values_list("state", flat=True))
    return [lane for lane in LANES if lane.waiting in waiting]


def _bury(runs: Any) -> None:
    runs.update(state=State.STOPPED, message=DIED, ended_at=timezone.now(), token=None)


def forget(*, now: datetime) -> None:
    """Delete old files and error lists, and uploads that were never finished. What a run did stays."""
    ImportRun.objects.filter(state=State.UPLOADING, created_at__lt=now - KEEP_UPLOADS).delete()
    old = ImportRun.objects.filter(created_at__lt=now - KEEP_FILES, forgotten_at=None)
    old = old.exclude(state__in=[*ImportRun.WAITING, *ImportRun.WORKING])
    ids = list(old.values_list("pk", flat=True))
    ImportChunk.objects.filter(run_id__in=ids, part=Part.FILE).delete()
    ImportRun.objects.filter(pk__in=ids).update(forgotten_at=now, sample=[])
    ImportChunk.objects.filter(run__created_at__lt=now - KEEP_ERRORS, part=Part.ERRORS).delete()
