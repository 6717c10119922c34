"""What the import pages say: how far a run is, what it would do or did, and which column may be which field. Pages are in ``admin/imports.py``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from inventory_sync.backoffice import words
from inventory_sync.engine.models import ImportRun
from skumap.importer import FORMATS, Kind
from skumap.importer.formats import ATTRIBUTE
from skumap.importer.headings import heading

State = ImportRun.State

AUTO = "auto"
FORMAT_CHOICES = [(AUTO, "Tell by the headings"), *((each.key, each.title) for each in FORMATS.values())]
# Files that somebody made by himself; a marketplace's or an ERP's has the headings that it has.
OWN_FORMATS = ("skus", "kits", "mapping")
QUIET = timedelta(seconds=15)
NO_WORKER = timedelta(seconds=30)
EXAMPLE_CHARACTERS = 24

KIND_WORDS = {"skus": "SKUs", "kits": "Combos", "links": "Links of listings to SKUs"}
WRITING_WORDS = {"kits": "making combos", "links": "linking listings"}
FIELD_WORDS = {
    "code": "SKU code", "title": "Title", "brand": "Brand", "barcode": "Barcode (EAN, UPC)", "hsn": "HSN", "mrp": "MRP",
    "attributes": "Attributes", f"{ATTRIBUTE}colour": "Colour", f"{ATTRIBUTE}size": "Size", "kit": "Combo", "component": "Part (SKU code)",
    "units": "Units", "account": "Seller account", "seller_sku": "Seller SKU", "fsn": "FSN", "asin": "ASIN",
    "variant_id": "Shopify variant ID", "product_id": "FSN or ASIN in one column", "fulfilment": "Who ships",
}  # fmt: skip
FIELD_WORDS_OF = {
    ("mapping", "code"): "Own SKU",
    ("mapping", "units"): "Pack of",
    ("amazon", "product_id"): "Product ID",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is. ``busy``: the page looks again by itself."""

    busy: bool
    percent: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """One of our fields on the page that matches columns."""

    name: str
    label: str
    required: bool
    chosen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the file, with what stands in its first rows."""

    heading: str
    text: str
    twice: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A preview or a report as the page shows it."""

    format: str
    rows: int
    refused: int
    rows_text: str
    refused_text: str
    counts: list[tuple[str, dict[str, str]]]
    problems: list[dict[str, Any]]
    columns: list[tuple[str, str]]
    without_sku: int = 0  # Shopify variants
    with_sku: int = 0
    needs_account: bool = False
    changes: int = 0


def progress_of(run: ImportRun, *, now: datetime) -> Progress:
    busy = run.state in {*ImportRun.WAITING, *ImportRun.WORKING}
    percent = min(100 * run.done // run.total, 100) if run.total else 0
    if not busy:
        return Progress(busy=False, percent=100 if run.state == State.DONE else percent, text=run.get_state_display())
    if run.state in ImportRun.WAITING:
        return Progress(busy=True, percent=0, text=_waits(run, now))
    if run.heartbeat_at and now - run.heartbeat_at > QUIET:
        silent = words.since(run.heartbeat_at, now=now)
        return Progress(
            busy=True,
            percent=percent,
            text=f"The worker has said nothing for {silent}. If it is gone, this page will say so.",
        )
    return Progress(busy=True, percent=percent, text=_works(run, percent))


def _waits(run: ImportRun, now: datetime) -> str:
    working = State.IMPORTING if run.state == State.TO_IMPORT else State.PREVIEWING
    ahead = ImportRun.objects.filter(state__in=[working, run.state]).exclude(pk=run.pk)
    first = ahead.filter(state=working).first() or ahead.filter(pk__lt=run.pk).last()
    if first is not None:
        return f"Waits until {first} is done: one file at a time."
    since = run.confirmed_at or run.created_at
    if now - since > NO_WORKER:
        return "No worker has taken it yet. It begins as soon as one is free; if none is running, tell whoever looks after the server."
    return "Waits for a worker."


def _works(run: ImportRun, percent: int) -> str:
    if run.step == "writing":
        what = next(
            (word for kind, word in WRITING_WORDS.items() if kind in (run.preview or {}).get("counts", {})), "writing"
        )
        return f"Step 2 of 2, {what}: {run.done:,} of {run.total:,}."
    two = run.state == State.IMPORTING and WRITING_WORDS.keys() & (run.preview or {}).get("counts", {}).keys()
    step = "Step 1 of 2, reading" if two else "Reading"
    if percent >= 100:
        return (
            "The file is read. Writing what differs."
            if run.state == State.IMPORTING
            else "The file is read. Comparing with what is there."
        )
    return f"{step} the file: {percent} %."


def outcome_of(report: dict[str, Any]) -> Outcome:
    """:param report: a run's ``preview`` or ``report``."""
    key, counts = report["format"], report["counts"]
    shopify = key == "shopify" and report["columns"].get("code") != report["columns"].get("handle")
    mapping = FORMATS[key].kind is Kind.MAPPING
    return Outcome(
        format=FORMATS[key].title,
        rows=report["rows"],
        refused=report["refused"],
        rows_text=f"{report['rows']:,} row{'' if report['rows'] == 1 else 's'}",
        refused_text=f"{report['refused']:,}",
        counts=[(KIND_WORDS[kind], {name: f"{n:,}" for name, n in each.items()}) for kind, each in counts.items()],
        problems=[{**each, "where": each["column"] or field_words(key, each["field"])} for each in report["problems"]],
        columns=[(field_words(key, name), report["columns"][name]) for name in _ordered(key, report["columns"])],
        without_sku=report["reasons"].get("missing", 0) if shopify else 0,
        with_sku=sum(counts["skus"].values()) if shopify else 0,
        needs_account=mapping and bool(report["reasons"].get("unknown_account")),
        changes=sum(each["new"] + each["changed"] for each in counts.values()),
    )


def _ordered(key: str, columns: dict[str, str]) -> list[str]:
    """Our fields in the order of the preset (the database keeps none), without those that only help to read the others."""
    known = [name for name in FORMATS[key].columns if name in columns and name in FIELD_WORDS]
    return [*known, *sorted(name for name in columns.keys() - set(known) if name.startswith(ATTRIBUTE))]


def summary(run: ImportRun) -> str:
    """What a run did or would do, in one line of the history."""
    if run.state == State.COLUMNS:
        return "Its headings are not understood yet."
    report = run.report or (run.preview if run.state == State.PREVIEWED else None)
    if not report:
        return run.message[:120] or words.NOTHING
    parts = []
    for kind, each in report["counts"].items():
        told = [f"{each[name]:,} {name}" for name in ("new", "changed", "unchanged") if each[name]]
        parts += [f"{KIND_WORDS[kind]}: {', '.join(told)}"] if told else []
    if report["refused"]:
        parts.append(f"{words.count(report['refused'], 'row')} refused")
    return "; ".join(parts) or "nothing"


def field_words(key: str, name: str) -> str:
    plain = name.removeprefix(ATTRIBUTE).replace("_", " ").capitalize()
    return FIELD_WORDS_OF.get((key, name)) or FIELD_WORDS.get(name) or plain


def size_words(size: int) -> str:
    """``12 KB``, ``3.4 MB``."""
    return f"{max(round(size / 1024), 1)} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"


# --- columns ----------------------------------------------------------------------------------------------------------------


def formats_to_match(run: ImportRun) -> list[tuple[str, str]]:
    """What a file may be whose columns somebody matches."""
    asked = run.preview["format"] if run.preview else run.format
    return [(each.key, each.title) for each in FORMATS.values() if each.key in {*OWN_FORMATS, asked}]


def columns_of(run: ImportRun) -> list[Column]:
    found = []
    for index, text in enumerate(run.headings):
        if not text:
            continue
        cells = [row[index] for row in run.sample if index < len(row) and row[index].strip()]
        example = ", ".join(
            f"{cell[:EXAMPLE_CHARACTERS]}…" if len(cell) > EXAMPLE_CHARACTERS else cell for cell in cells[:2]
        )
        twice = [heading(each) for each in run.headings].count(heading(text)) > 1
        found.append(
            Column(heading=text, text=f"{text} – {' '.join(example.split())}" if example else text, twice=twice)
        )
    return found


def fields_of(run: ImportRun, *, key: str, chosen: dict[str, str] | None) -> list[FieldRow]:
    """
    Our fields of a format, each with the column that it probably has.

    :param chosen: what somebody has said already; None: nothing yet, the presets' headings are proposed.
    """
    preset = FORMATS[key]
    by_heading = {heading(each): each for each in run.headings if each}
    rows = []
    for name, names in preset.columns.items():
        proposed = next((by_heading[each] for each in names if each in by_heading), "")
        rows.append(
            FieldRow(
                name=name,
                label=field_words(key, name),
                required=name in preset.required,
                chosen=proposed if chosen is None else chosen.get(name, ""),
            )
        )
    return rows
