"""
The shipped tables of ``skumap/data``: read once, when first needed.

Every function that uses one takes another in its place, so that the rows of a database can be passed. The rates have their own module.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO


@dataclass(frozen=True, slots=True, kw_only=True)
class HsnCode:
    """A row of the tariff list. ``status`` as in the file: ``active``, ``superseded_2026-05-01``, ``probably_legacy`` …"""

    code: str
    description: str
    status: str = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A State or Union territory as GST counts them."""

    gst_state_code: str
    name: str
    iso_3166_2: str = ""
    kind: str = "state"
    state_tax_label: str = "SGST"
    shopify_province_code: str = ""
    status: str = "active"
    note: str = ""


HsnCodes = Mapping[str, HsnCode]  # by code
States = Mapping[str, State]  # by GST state code
Pins = Mapping[str, str]  # PIN prefix -> GST state code


def data_rows(name: str) -> tuple[list[dict[str, str]], str]:
    """The rows of a shipped file, and a version: a digest of its bytes."""
    content = files("skumap").joinpath("data", name).read_bytes()
    return list(csv.DictReader(StringIO(content.decode("utf-8"), newline=""))), hashlib.sha256(content).hexdigest()[:12]


@cache
def shipped_hsn_codes() -> HsnCodes:
    """The cleaned list of the GST portal, by code."""
    rows, _ = data_rows("hsn_codes.csv")
    return {row["code"]: HsnCode(**row) for row in rows}


@cache
def shipped_states() -> States:
    """All GST state codes, also the merged, old and special ones, by code."""
    rows, _ = data_rows("state_codes.csv")
    return {row["gst_state_code"]: State(**row) for row in rows}


@cache
def shipped_pins() -> Pins:
    """PIN prefix -> GST state code, after Shopify/worldwide (MIT, see ``skumap/data/README.md``)."""
    rows, _ = data_rows("pincode_state.csv")
    return {row["pin_prefix"]: row["gst_state_code"] for row in rows}
