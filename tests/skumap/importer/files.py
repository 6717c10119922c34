"""Files as sellers send them, made here: nobody's data."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from skumap.importer import Limits, Parsed, lay_out, open_table, read_records

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def csv_bytes(*rows: Sequence[object], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def tab_bytes(*rows: Sequence[object], encoding: str = "utf-8") -> bytes:
    """As Amazon writes it: tabs, and no quotation marks around cells."""
    return "".join("\t".join(map(str, row)) + "\r\n" for row in rows).encode(encoding)


def parse(data: bytes, *, limits: Limits | None = None, **layout: object) -> list[Parsed]:
    table = open_table(io.BytesIO(data), limits=limits)
    return list(read_records(table, layout=lay_out(headers=table.headers, **layout)))  # type: ignore[arg-type]


def codes(parsed: Iterable[Parsed]) -> list[tuple[int, str, str]]:
    """Row, field and code of every problem."""
    return [(each.row, problem.field, problem.code) for each in parsed for problem in each.problems]


class Number(str):
    """A number cell, as its XML writes it."""


class Date(str):
    """A number cell that is shown as a date."""


def xlsx_bytes(
    *rows: Sequence[object], shared: bool = True, sheet_extra: str = "", before: Sequence[Sequence[object]] = ()
) -> bytes:
    """A workbook with one sheet that is shown, or with another one before it. Texts stand in the shared table or in the cells."""
    texts: list[str] = []
    lines = _sheet_rows(rows, texts, shared)
    first = _sheet_rows(before, texts, shared)
    entry = '<sheet name="Summary" sheetId="3" r:id="rId3"/>' if before else ""
    parts = {
        "xl/worksheets/sheet3.xml": f'<worksheet xmlns="{SHEET}"><sheetData>{"".join(first)}</sheetData></worksheet>',
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{DOCUMENT}"><sheets><sheet name="Notes" sheetId="2" state="hidden" '
        'r:id="rId9"/>' + entry + '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Target="worksheets/sheet1.xml"/>'
        '<Relationship Id="rId3" Target="/xl/worksheets/sheet3.xml"/>'
        '<Relationship Id="rId9" Target="worksheets/sheet9.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{SHEET}"><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>'
        '<xf numFmtId="14"/></cellXfs></styleSheet>',
        "xl/worksheets/sheet1.xml": f'<?xml version="1.0"?>{sheet_extra}<worksheet xmlns="{SHEET}"><sheetData>{"".join(lines)}'
        '</sheetData><hyperlinks><hyperlink ref="A1"/></hyperlinks></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{SHEET}">' + "".join(texts) + "</sst>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def _sheet_rows(rows: Sequence[Sequence[object]], texts: list[str], shared: bool) -> list[str]:
    return [
        f'<row r="{number}">'
        + "".join(_cell(number, index, value, texts, shared) for index, value in enumerate(row))
        + "</row>"
        for number, row in enumerate(rows, start=1)
        if row
    ]


def _cell(row: int, column: int, value: object, texts: list[str], shared: bool) -> str:
    place = f'r="{chr(65 + column)}{row}"'
    if value == "":
        return ""
    if isinstance(value, Date):
        return f'<c {place} s="1"><v>{value}</v></c>'
    if isinstance(value, Number):
        return f"<c {place}><v>{value}</v></c>"
    item = f"<r><t xml:space='preserve'>{escape(str(value))}</t></r><rPh><t>reading</t></rPh>"
    if not shared:
        return f'<c {place} t="inlineStr"><is>{item}</is></c>'
    texts.append(f"<si>{item}</si>")
    return f'<c {place} t="s"><v>{len(texts) - 1}</v></c>'
