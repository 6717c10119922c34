"""Files that staff import: what each run of a file did, the file itself in pieces, and which columns mean what."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class ImportRun(models.Model):
    """
    One uploaded file, from its preview to what it did. ``engine.import_runs`` moves it on.

    Web and worker may be different machines with no disk in common, so the file stands in :class:`ImportChunk` rows. Whoever works on a run
    holds its ``token``; what an earlier one still writes is dropped.
    """

    class State(models.TextChoices):
        UPLOADING = "uploading", "Being uploaded"
        TO_PREVIEW = "to_preview", "Waits for its preview"
        PREVIEWING = "previewing", "Being looked at"
        COLUMNS = "columns", "Columns to be matched"
        PREVIEWED = "previewed", "Looked at, not imported"
        TO_IMPORT = "to_import", "Waits to be imported"
        IMPORTING = "importing", "Being imported"
        DONE = "done", "Imported"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped half-way"

    WAITING = (State.TO_PREVIEW, State.TO_IMPORT)
    WORKING = (State.PREVIEWING, State.IMPORTING)

    file_name = models.CharField("file", max_length=200)
    size = models.BigIntegerField(default=0, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    format = models.CharField(max_length=20, default="auto")
    account = models.ForeignKey(
        "skumap.ChannelAccount", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    columns = models.JSONField(
        default=dict, blank=True, help_text="Our field to the file's heading, for this file alone."
    )
    headings = models.JSONField(default=list, blank=True)
    sample = models.JSONField(default=list, blank=True, help_text="Its first rows.")

    state = models.CharField(max_length=10, choices=State, default=State.UPLOADING)
    token = models.UUIDField(null=True, blank=True)
    step = models.CharField(max_length=10, blank=True, help_text="reading: in bytes; writing: in combos or links.")
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    message = models.TextField(blank=True, help_text="Why it failed, or why its columns must be matched.")
    preview = models.JSONField(null=True, blank=True)
    report = models.JSONField(null=True, blank=True)

    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="When somebody said: import it.")
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    forgotten_at = models.DateTimeField(null=True, blank=True, help_text="When the file itself was deleted.")

    class Meta:
        ordering = ("-id",)
        verbose_name = "import"
        indexes: ClassVar = [
            models.Index(
                fields=["id"],
                condition=Q(state__in=["uploading", "to_preview", "previewing", "to_import", "importing"]),
                name="import_in_hand",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class ImportChunk(models.Model):
    """A piece of a run's file, or of the list of its refused rows."""

    class Part(models.TextChoices):
        FILE = "file", "File"
        ERRORS = "errors", "Refused rows"

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="chunks")
    part = models.CharField(max_length=10, choices=Part)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ("run", "part", "number")
        constraints = [models.UniqueConstraint(fields=["run", "part", "number"], name="one_chunk_per_number")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.part} {self.number}"


class ColumnMapping(models.Model):
    """Which column is which field in files with these headings, as somebody has matched them; without an account for own files."""

    account = models.ForeignKey(
        "skumap.ChannelAccount", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    format = models.CharField(max_length=20)
    headings_hash = models.CharField(max_length=64, help_text="Of all headings, small letters, in their order.")
    columns = models.JSONField(help_text="Our field to the file's heading.")
    updated_at = models.DateTimeField()
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("-updated_at",)
        verbose_name = "matched columns"
        verbose_name_plural = "matched columns"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "format", "headings_hash"], name="one_column_mapping", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.format}: {', '.join(each for each in self.columns.values() if each)}"[:120]
