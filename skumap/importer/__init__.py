"""
Files that sellers bring: read as a stream, row by row, into records or into problems in plain words. No Django, no database.

    table = open_table(stream)                               # CSV, TSV, XLSX; UTF-8, UTF-16, Windows-1252
    layout = lay_out(headers=table.headers)                  # which column is which field
    for parsed in read_records(table, layout=layout): ...    # records or problems of each row
"""

from __future__ import annotations

from skumap.importer.formats import FORMATS, Format, Kind, guess_format
from skumap.importer.layout import Layout, lay_out
from skumap.importer.problems import FileError, Problem
from skumap.importer.reading import Limits, Table, open_table
from skumap.importer.records import KitRecord, LinkRecord, Parsed, Record, SkuRecord
from skumap.importer.rows import read_records
from skumap.importer.writing import csv_lines, guard_cell, unguard_cell

__all__ = [
    "FORMATS", "FileError", "Format", "Kind", "KitRecord", "Layout", "Limits", "LinkRecord", "Parsed", "Problem", "Record", "SkuRecord",
    "Table", "csv_lines", "guard_cell", "guess_format", "lay_out", "open_table", "read_records", "unguard_cell",
]  # fmt: skip
