"""
What must stand on a pack and on its listing (Legal Metrology), and how Flipkart wants to be told.

A declaration that is not there is named in ``missing``; one that is there but wrong is a problem of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime

from skumap.compliance.countries import COUNTRY_CODES
from skumap.compliance.dates import after, midnight_ist_epoch, supply_date
from skumap.compliance.verdict import Problem, Verdict, error, quoted, warning

DAY_SECONDS = 86_400
MAX_SHELF_LIFE_SECONDS = 155_520_000  # 60 months of 30 days
MAX_ENTRIES = 5
CONSUMER_CARE_PARTS = ("name", "address", "phone", "email")

_ARRAYS = ("manufacturer", "packer", "importer", "country_of_origin")
_PIN = re.compile(r"(?<![0-9])[1-9][0-9]{2} ?[0-9]{3}(?![0-9])")
_WORDS = {
    "manufacturer": "name and address of the manufacturer",
    "packer": "name and address of the packer, who is not the manufacturer",
    "importer": "name and address of the importer",
    "country_of_origin": "country of origin",
    "generic_name": "generic name of the goods",
    "net_quantity": "net quantity",
    "mrp": "MRP with all taxes",
    "unit_sale_price": "unit sale price",
    "best_before": "best-before date, or manufacturing date with shelf life",
    "dimensions": "size or dimensions",
    "consumer_care": "consumer care contact",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """
    The declarations of a product. Names and addresses may be one text or several (at most five on Flipkart).

    :ivar consumer_care: a text, or a mapping of name, address, phone and email. :ivar mfg_date: day of manufacture; the 1st when only the month
        is known. :ivar shelf_life: seconds. :ivar imported: None: as the country of origin says.
    :ivar packed_by_manufacturer: no packer is needed. :ivar perishable, priced_by_unit, sized: whether best before, unit sale price and dimensions
        apply.
    """

    manufacturer: object = ()
    packer: object = ()
    importer: object = ()
    country_of_origin: object = ()
    generic_name: object = ""
    net_quantity: object = ""
    mrp: object = None
    unit_sale_price: object = None
    best_before: object = None
    mfg_date: object = None
    shelf_life: object = None
    dimensions: object = ""
    consumer_care: object = ""
    imported: bool | None = None
    packed_by_manufacturer: bool = True
    perishable: bool = False
    priced_by_unit: bool = False
    sized: bool = False

    @classmethod
    def of(cls, given: Label | Mapping[str, object]) -> Label:
        """A label from a mapping with the same names; other keys are not used."""
        if isinstance(given, Label):
            return given
        known = (
            {one.name: given[one.name] for one in fields(cls) if one.name in given}
            if isinstance(given, Mapping)
            else {}
        )
        return cls(**known)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelVerdict(Verdict):
    """``missing`` names the declarations that are not there, in the order of the law's list."""

    missing: tuple[str, ...] = field(default=())


def check_labels(
    label: Label | Mapping[str, object], *, today: date | datetime, channel: str = "flipkart"
) -> LabelVerdict:
    """
    Judge the declarations of a product for a listing.

    Errors: one ``missing`` per absent declaration (its name in ``missing``), ``too_many``, ``not_unique``, ``country_not_iso2``,
    ``mfg_date_not_valid``, ``mfg_date_in_future``, ``shelf_life_not_valid``, ``shelf_life_above_max``, ``best_before_not_valid``, ``expired``.
    Warning: ``address_without_pin``.

    :param today: the date, or the moment, in India's time. :param channel: ``flipkart`` always needs a country of origin, others for imports.
    """
    given, day = Label.of(label), supply_date(today)
    lists = {name: entries(getattr(given, name)) for name in _ARRAYS}
    missing = _missing(given, lists, channel)
    problems = [error("missing", f"label.{name}", f"The label lacks the {_named(name)}.") for name in missing]
    for name, listed in lists.items():
        problems += _list_problems(name, listed)
    problems += _date_problems(given, day)
    return LabelVerdict(problems=tuple(problems), missing=tuple(missing))


def flipkart_labels(label: Label | Mapping[str, object]) -> dict[str, dict[str, object]]:
    """
    ``address_label`` and ``dating_label`` as Flipkart's listing calls take them; empty parts are left out.

    The label must have passed :func:`check_labels`. Where the manufacturer packs, he is sent as the packer, too.
    """
    given = Label.of(label)
    packer = entries(given.packer) or (entries(given.manufacturer) if given.packed_by_manufacturer else ())
    address: dict[str, object] = {
        "manufacturer_details": list(entries(given.manufacturer)),
        "packer_details": list(packer),
        "importer_details": list(entries(given.importer)),
        "countries_of_origin": list(entries(given.country_of_origin)),
    }
    made, life = _day(given.mfg_date), _seconds(given.shelf_life)
    dating: dict[str, object] = {}
    if made is not None:
        dating["mfg_date"] = midnight_ist_epoch(made)
    if life is not None:
        dating["shelf_life"] = life
    parts = {"address_label": {name: value for name, value in address.items() if value}, "dating_label": dating}
    return {name: part for name, part in parts.items() if part}


def shelf_life_seconds(*, days: int = 0, months: int = 0) -> int:
    """A shelf life in seconds; a month counts 30 days, as Flipkart counts."""
    return (days + 30 * months) * DAY_SECONDS


def month_of_manufacture(year: int, month: int) -> date:
    """The manufacturing date when only the month is known: its first day."""
    return date(year, month, 1)


def entries(value: object) -> tuple[str, ...]:
    """The texts of a field that holds one or several, trimmed, without empty ones."""
    if isinstance(value, str):
        return (value.strip(),) if value.strip() else ()
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        return ()
    return tuple(str(one).strip() for one in value if one is not None and str(one).strip())


def _missing(given: Label, lists: Mapping[str, tuple[str, ...]], channel: str) -> list[str]:
    countries = lists["country_of_origin"]
    imported = bool(COUNTRY_CODES.intersection(countries) - {"IN"}) if given.imported is None else given.imported
    dated = _present(given.best_before) or (_present(given.mfg_date) and _present(given.shelf_life))
    checks = {
        "manufacturer": bool(lists["manufacturer"]),
        "packer": given.packed_by_manufacturer or bool(lists["packer"]),
        "importer": not imported or bool(lists["importer"]),
        "country_of_origin": bool(countries) or not (imported or channel == "flipkart"),
        "generic_name": _present(given.generic_name),
        "net_quantity": _present(given.net_quantity),
        "mrp": _present(given.mrp),
        "unit_sale_price": not given.priced_by_unit or _present(given.unit_sale_price),
        "best_before": not given.perishable or dated,
        "dimensions": not given.sized or _present(given.dimensions),
    }
    return [name for name, there in checks.items() if not there] + _missing_care(given.consumer_care)


def _missing_care(care: object) -> list[str]:
    if isinstance(care, Mapping):
        absent = [part for part in CONSUMER_CARE_PARTS if not _present(care.get(part))]
        return (
            ["consumer_care"]
            if len(absent) == len(CONSUMER_CARE_PARTS)
            else [f"consumer_care.{part}" for part in absent]
        )
    return [] if _present(care) else ["consumer_care"]


def _list_problems(name: str, listed: tuple[str, ...]) -> list[Problem]:
    where, found = f"label.{name}", []
    if len(listed) > MAX_ENTRIES:
        found.append(
            error(
                "too_many",
                where,
                f"At most {MAX_ENTRIES} entries are possible for the {_WORDS[name]}, there are {len(listed)}.",
            )
        )
    if len(set(listed)) < len(listed):
        found.append(error("not_unique", where, f"The {_WORDS[name]} holds the same entry twice."))
    if name == "country_of_origin":
        wrong = [country for country in listed if country not in COUNTRY_CODES]
        words = "is not a country code of two capital letters such as IN"
        return found + [error("country_not_iso2", where, f"{quoted(country)} {words}.") for country in wrong]
    if any(not _PIN.search(address) for address in listed):
        found.append(warning("address_without_pin", where, f"No six-digit PIN code is in the {_WORDS[name]}."))
    return found


def _date_problems(given: Label, today: date) -> list[Problem]:
    found: list[Problem] = []
    made, life, best = _day(given.mfg_date), _seconds(given.shelf_life), _day(given.best_before)
    for name, value in (("mfg_date", made), ("best_before", best)):
        if value is None and _present(getattr(given, name)):
            found.append(
                error(f"{name}_not_valid", f"label.{name}", "The date can't be read; give a day, as 2026-11-20.")
            )
    if made is not None and made > today:
        found.append(error("mfg_date_in_future", "label.mfg_date", f"The manufacturing date {made} is still to come."))
    if life is None and _present(given.shelf_life):
        found.append(
            error(
                "shelf_life_not_valid",
                "label.shelf_life",
                "The shelf life must be a whole number of seconds above zero.",
            )
        )
    if life is not None and life > MAX_SHELF_LIFE_SECONDS:
        words = f"The shelf life is {life // DAY_SECONDS} days; Flipkart takes at most {MAX_SHELF_LIFE_SECONDS // DAY_SECONDS} (60 months)."
        found.append(error("shelf_life_above_max", "label.shelf_life", words))
    lasts = after(made, min(life // DAY_SECONDS, 10**6)) if made is not None and life is not None else None
    ends = min((day for day in (lasts, best) if day is not None), default=None)
    if ends is not None and ends < today:
        found.append(error("expired", "label.best_before", f"The goods were good until {ends}; they must not be sold."))
    return found


def _named(name: str) -> str:
    base, _, part = name.partition(".")
    return f"{_WORDS[base]} ({part})" if part else _WORDS[base]


def _present(value: object) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    return bool(value) if isinstance(value, Collection) else value is not None


def _day(value: object) -> date | None:
    """A day from a date, an aware datetime, or text such as 2026-11-20."""
    if isinstance(value, datetime):
        return supply_date(value) if value.utcoffset() is not None else None
    if isinstance(value, date):
        return value
    if isinstance(value, str) and len(value.strip()) == len("2026-11-20"):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            return None
    return None


def _seconds(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value.strip()) < 16:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
