"""
An uploaded file in the database: written in pieces while it arrives, read like a file on a disk, never whole in memory.

A run's file is read, and its refused rows are written, while its rows are copied into a table; a connection does only one of these at a time,
so that both go over a second one (``aside``).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from inventory_sync.engine.import_models import ImportChunk, ImportRun
from skumap.importer.problems import FileError
from skumap.importer.reading import Limits

CHUNK = 1024 * 1024
NAME_LENGTH = 150  # "import of <name>, row N" must fit the history of a link
READ = "SELECT data FROM engine_importchunk WHERE run_id = %s AND part = %s AND number = %s"
WRITE = "INSERT INTO engine_importchunk (run_id, part, number, data) VALUES (%s, %s, %s, %s)"
CLEAR = "DELETE FROM engine_importchunk WHERE run_id = %s AND part = %s"


@contextmanager
def aside() -> Iterator[BaseDatabaseWrapper]:
    """A second connection to the database, for as long as the ``with``; every statement commits by itself."""
    other = connections["default"].copy()
    try:
        yield other
    finally:
        other.close()


class Upload:
    """A file that is arriving: ``write`` its bytes, then ``finish``; or ``drop`` what came so far."""

    def __init__(self, *, file_name: str, user: Any, now: datetime) -> None:
        self.run = ImportRun.objects.create(file_name=_plain_name(file_name), uploaded_by=user, created_at=now)
        self.size = 0
        self._hash = hashlib.sha256()
        self._held = bytearray()
        self._number = 0

    def write(self, data: bytes) -> None:
        """:raises FileError: it is too big."""
        self.size += len(data)
        most = Limits().max_bytes
        if self.size > most:
            raise FileError(f"The file is bigger than {most // (1024 * 1024)} MB. Send it in parts.", code="too_big")
        self._hash.update(data)
        self._held += data
        while len(self._held) >= CHUNK:
            self._store()

    def finish(self) -> ImportRun:
        """All bytes are here. The run still waits for somebody to say what it is."""
        if self._held:
            self._store()
        self.run.size, self.run.sha256 = self.size, self._hash.hexdigest()
        self.run.save(update_fields=["size", "sha256"])
        return self.run

    def drop(self) -> None:
        ImportRun.objects.filter(pk=self.run.pk, state=ImportRun.State.UPLOADING).delete()

    def _store(self) -> None:
        piece = bytes(self._held[:CHUNK])
        del self._held[:CHUNK]
        ImportChunk.objects.create(run=self.run, part=ImportChunk.Part.FILE, number=self._number, data=piece)
        self._number += 1


def _plain_name(name: str) -> str:
    """The end of a path, short, without signs that can't be seen."""
    bare = "".join(sign for sign in name.replace("\\", "/").rsplit("/", 1)[-1] if sign.isprintable()).strip()
    if len(bare) <= NAME_LENGTH:
        return bare or "file"
    return f"{bare[: NAME_LENGTH - 12]}…{bare[-11:]}"


def stored_file(*, run: ImportRun, other: BaseDatabaseWrapper) -> BinaryIO:
    """A run's file, seekable, to be read while ``other`` is open."""
    return io.BufferedReader(_Stored(run=run, other=other), buffer_size=CHUNK)


class _Stored(io.RawIOBase):
    """Pieces of one size, but for the last; one of them at a time is in memory."""

    def __init__(self, *, run: ImportRun, other: BaseDatabaseWrapper) -> None:
        super().__init__()
        self._run_id, self._size, self._other = run.pk, run.size, other
        self._at = 0
        self._number, self._piece = -1, memoryview(b"")
        self._length = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("before the beginning of the file")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._size:
            return 0
        number, inside = divmod(self._at, self._piece_length())
        self._load(number)
        found = self._piece[inside : inside + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _piece_length(self) -> int:
        if not self._length:
            self._load(0)
            self._length = len(self._piece)
        return self._length

    def _load(self, number: int) -> None:
        if number == self._number:
            return
        with self._other.cursor() as cursor:
            cursor.execute(READ, [self._run_id, ImportChunk.Part.FILE, number])
            found = cursor.fetchone()
        if found is None:
            raise FileError("The file is not kept any more. Upload it again.", code="gone")
        self._number, self._piece = number, memoryview(bytes(found[0]))


class ErrorsWriter:
    """Takes the refused rows as text and stores them in pieces; ``close`` stores the last one."""

    def __init__(self, *, run: ImportRun, other: BaseDatabaseWrapper) -> None:
        self._run_id, self._other = run.pk, other
        self._held: list[str] = []
        self._length = self._number = 0
        with other.cursor() as cursor:
            cursor.execute(CLEAR, [run.pk, ImportChunk.Part.ERRORS])

    def write(self, text: str, /) -> int:
        self._held.append(text)
        self._length += len(text)
        if self._length >= CHUNK:
            self._store()
        return len(text)

    def close(self) -> None:
        if self._held:
            self._store()

    def _store(self) -> None:
        data = "".join(self._held).encode("utf-8", "replace")
        self._held, self._length = [], 0
        with self._other.cursor() as cursor:
            cursor.execute(WRITE, [self._run_id, ImportChunk.Part.ERRORS, self._number, data])
        self._number += 1


def pieces(*, run: ImportRun, part: str) -> Iterator[bytes]:
    """A stored file piece by piece, for a streamed answer."""
    numbers = ImportChunk.objects.filter(run=run, part=part).order_by("number").values_list("number", flat=True)
    for number in list(numbers):
        yield bytes(ImportChunk.objects.values_list("data", flat=True).get(run=run, part=part, number=number))
