"""
The tables of the tariff, the rates and the States in the database: loaded from the shipped files or newer ones, and handed to
:mod:`skumap.compliance`, which knows no database.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import models, transaction

from skumap.compliance import RateRow, RateTable, shipped_rates
from skumap.compliance.tables import HsnCode as HsnRow
from skumap.compliance.tables import data_rows
from skumap.profiles import GstRate, GstState, HsnCode

MOST_ERRORS = 20
BATCH = 2_000


class ReferenceError(ValueError):
    """A file can't be read as the table that it should be; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a load did; ``refused`` are rows that can't be read, each in words, the first twenty."""

    table: str
    new: int
    changed: int
    unchanged: int
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """How the rows of a file become rows of a table."""

    file: str
    model: type[models.Model]
    keys: Sequence[str]
    values: Sequence[str]
    read: Callable[[Mapping[str, str]], dict[str, Any]]


def _hsn(row: Mapping[str, str]) -> dict[str, Any]:
    code = row["code"].strip()
    if not (code.isascii() and code.isdigit() and len(code) in {2, 4, 6, 8}):
        raise ValueError(f"{code!r} is not an HSN code")
    return {"code": code, "description": row["description"], "status": row.get("status") or "active"}


def _rate(row: Mapping[str, str]) -> dict[str, Any]:
    parsed = RateRow.parse(row)
    return {
        name: getattr(parsed, name) for name in ("hsn_prefix", "condition", "rate", "valid_from", "valid_to", *_TOLD)
    }


def _state(row: Mapping[str, str]) -> dict[str, Any]:
    code = row["gst_state_code"].strip()
    if not (code.isascii() and code.isdigit() and len(code) == 2):
        raise ValueError(f"{code!r} is not a State's GST code")
    return {
        "code": code,
        "name": row["name"],
        "iso_code": row["iso_3166_2"],
        "kind": row["kind"],
        "tax_label": row["state_tax_label"],
        "shopify_code": row["shopify_province_code"],
        "status": row["status"],
        "note": row["note"],
    }


_TOLD = ("source", "category", "evidence")
TABLES: Mapping[str, Table] = {
    "hsn": Table(file="hsn_codes.csv", model=HsnCode, keys=("code",), values=("description", "status"), read=_hsn),
    "rates": Table(
        file="gst_rate_changes.csv",
        model=GstRate,
        keys=("hsn_prefix", "condition", "valid_from"),
        values=("rate", "valid_to", *_TOLD),
        read=_rate,
    ),
    "states": Table(
        file="state_codes.csv",
        model=GstState,
        keys=("code",),
        values=("name", "iso_code", "kind", "tax_label", "shopify_code", "status", "note"),
        read=_state,
    ),
}


def load(name: str, *, path: Path | None = None) -> Loaded:
    """
    Load a table from a file (None: the shipped one). Rows are added and changed, never removed; a row that can't be read is named and left out.
    Loading the same file again changes nothing.

    :raises ReferenceError: the file can't be read, or lacks a column.
    """
    table = TABLES[name]
    wanted: dict[tuple[Any, ...], dict[str, Any]] = {}
    refused: list[str] = []
    for number, row in enumerate(_rows(table, path), start=2):
        try:
            facts = table.read(row)
        except KeyError as error:
            raise ReferenceError(f"the column {error} is missing") from error
        except (ValueError, TypeError, AttributeError) as error:
            refused.append(f"line {number}: {error}")
            continue
        wanted[tuple(facts[key] for key in table.keys)] = facts
    with transaction.atomic():
        new, changed, same = _store(table, wanted)
    return Loaded(table=name, new=new, changed=changed, unchanged=same, refused=tuple(refused[:MOST_ERRORS]))


def _rows(table: Table, path: Path | None) -> Iterable[Mapping[str, str]]:
    if path is None:
        return data_rows(table.file)[0]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReferenceError(f"{path}: {error}") from error


def _store(table: Table, wanted: Mapping[tuple[Any, ...], dict[str, Any]]) -> tuple[int, int, int]:
    manager = table.model._default_manager
    known = {tuple(getattr(row, key) for key in table.keys): row for row in manager.select_for_update().order_by("pk")}
    new, changed, same = [], [], 0
    for key, facts in wanted.items():
        row = known.get(key)
        if row is None:
            new.append(table.model(**facts))
        elif any(getattr(row, name) != facts[name] for name in table.values):
            for name in table.values:
                setattr(row, name, facts[name])
            changed.append(row)
        else:
            same += 1
    manager.bulk_create(new, batch_size=BATCH)
    manager.bulk_update(changed, list(table.values), batch_size=BATCH)
    return len(new), len(changed), same


# --- for the rules -----------------------------------------------------------------------------------------------------------------


def rate_table() -> RateTable | None:
    """The rates of the database as the rules take them; None while none are loaded: the shipped ones count then."""
    rows = [
        RateRow(
            **{
                name: getattr(row, name)
                for name in ("hsn_prefix", "condition", "rate", "valid_from", "valid_to", *_TOLD)
            }
        )
        for row in GstRate.objects.all()
    ]
    return RateTable(rows, version=f"database, {len(rows)} rows") if rows else None


def rates() -> RateTable:
    """The rates of the database, else the shipped ones."""
    return rate_table() or shipped_rates()


def hsn_codes(codes: Iterable[str]) -> dict[str, HsnRow] | None:
    """
    The tariff rows that judging these codes needs: themselves and what begins with them. None while no list is loaded.
    """
    digits = {"".join(character for character in code if character.isdigit()) for code in codes if code}
    if not HsnCode.objects.exists():
        return None
    clause = models.Q(code__in=digits)
    for six in {code for code in digits if len(code) == 6}:
        clause |= models.Q(code__startswith=six)
    return {
        row.code: HsnRow(code=row.code, description=row.description, status=row.status)
        for row in HsnCode.objects.filter(clause)
    }
