"""Files that staff upload go straight into the database while they arrive: never whole in memory, never on the disk of the web process."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from inventory_sync.engine.import_files import Upload
from inventory_sync.engine.models import ImportRun
from skumap.importer import FileError


class StoredUpload(UploadedFile):
    """A file that stands in the database."""

    def __init__(self, *, run: ImportRun, content_type: str | None) -> None:
        super().__init__(file=None, name=run.file_name, content_type=content_type, size=run.size)
        self.run = run


class StoringHandler(FileUploadHandler):
    """
    Takes the first file of a form. Unless somebody says ``keep``, ``drop`` deletes it again: the form may turn out to be forged or wrong.

    :ivar error: why the file was not taken.
    """

    def __init__(self, request: HttpRequest, *, now: datetime) -> None:
        super().__init__(request)
        self.error = ""
        self._now = now
        self._upload: Upload | None = None
        self._kept = False

    def new_file(self, *args: Any, **options: Any) -> None:
        super().new_file(*args, **options)
        if self._upload is not None:
            raise SkipFile
        user: Any = self.request.user if self.request else None
        self._upload = Upload(file_name=self.file_name or "file", user=user, now=self._now)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self._upload is not None
        try:
            self._upload.write(raw_data)
        except FileError as error:
            # The rest is read and thrown away, so that the browser waits for the answer and shows it.
            self.error = str(error)
            raise SkipFile from error

    def file_complete(self, file_size: int) -> StoredUpload | None:
        if self._upload is None or self.error:
            return None
        return StoredUpload(run=self._upload.finish(), content_type=self.content_type)

    def keep(self) -> None:
        self._kept = True

    def drop(self) -> None:
        if self._upload is not None and not self._kept:
            self._upload.drop()
