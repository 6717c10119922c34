"""A format laid over the headings of one file: which column is which field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from skumap.importer.formats import ATTRIBUTE, FORMATS, Format, guess_format
from skumap.importer.headings import heading
from skumap.importer.problems import FileError

# Only a barcode may stand in another column when the first is empty: for a code that would be a guess.
_FALLS_BACK = frozenset({"barcode"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """
    A format laid over the headings of one file.

    :ivar at: our field -> indexes of its columns, best first; a row's value is the first that is not empty.
    :ivar shown: our field -> the heading as the file writes it.
    """

    format: Format
    at: Mapping[str, tuple[int, ...]]
    shown: Mapping[str, str] = field(default_factory=dict)

    def heading_of(self, name: str) -> str:
        """The heading of a field as the file writes it; an FSN or ASIN may stand in the one column for both."""
        names = ("fsn", "asin", "product_id") if name in {"fsn", "asin", "product_id"} else (name,)
        return next((self.shown[each] for each in names if each in self.shown), "")


def lay_out(*, headers: Sequence[str], format_key: str = "auto", columns: Mapping[str, str] | None = None) -> Layout:
    """
    Decide which column is which field.

    :param columns: our field -> the file's heading, for what no preset knows; it goes before the preset. "" says that a field has no column.
    :raises FileError: ``unknown_format`` or ``columns``; the message names the headings that were found.
    """
    chosen = guess_format(headers) if format_key == "auto" else format_key
    if chosen is None and columns:
        chosen = "skus"
    there = ", ".join(each for each in headers if each) or "none"
    if chosen is None or chosen not in FORMATS:
        raise FileError(
            f"We don't know this kind of file. Say which it is, or which column is which. Its headings: {there}.",
            code="unknown_format",
        )
    preset = FORMATS[chosen]
    places: dict[str, list[int]] = {}
    for index, each in enumerate(headers):
        if each:
            places.setdefault(heading(each), []).append(index)
    given = _given(preset, columns or {}, places, there)
    unused = {name for name, theirs in (columns or {}).items() if not theirs}
    at: dict[str, tuple[int, ...]] = {}
    for name, names in {**preset.columns, **_attribute_columns(preset, headers)}.items():
        taken = {index for known, indexes in given.items() if known != name for index in indexes}
        free = taken if name not in preset.required else set()
        found = [[index for index in places.get(each, ()) if index not in free] for each in names]
        found = [given[name]] if name in given else [indexes for indexes in found if indexes]
        if found and name not in unused:
            at[name] = tuple(_only(indexes, headers) for indexes in (found if name in _FALLS_BACK else found[:1]))
    at |= {name: (_only(indexes, headers),) for name, indexes in given.items()}
    _require(preset, at, there)
    return Layout(format=preset, at=at, shown={name: headers[indexes[0]] for name, indexes in at.items()})


def _given(
    preset: Format, columns: Mapping[str, str], places: Mapping[str, list[int]], there: str
) -> dict[str, list[int]]:
    given: dict[str, list[int]] = {}
    for name, theirs in columns.items():
        if name not in preset.columns and not name.startswith(ATTRIBUTE):
            fields = ", ".join(preset.columns)
            raise FileError(f"{preset.title}: there is no field {name}. The fields are: {fields}.", code="columns")
        indexes = places.get(heading(theirs))
        if not theirs:
            continue
        if not indexes:
            raise FileError(f"The file has no column “{theirs}”. Its headings: {there}.", code="columns")
        given[name] = indexes
    return given


def _only(indexes: Sequence[int], headers: Sequence[str]) -> int:
    """:raises FileError: two columns have this heading, and nobody says which is meant."""
    if len(indexes) > 1:
        raise FileError(
            f"Two columns are called “{headers[indexes[0]]}”. Give one of them another name.", code="columns"
        )
    return indexes[0]


def _attribute_columns(preset: Format, headers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """In a file of own SKUs every column ``Attribute Fabric`` or ``attribute: fabric`` is an attribute."""
    if preset.key != "skus":
        return {}
    found = [heading(each) for each in headers]
    return {f"{ATTRIBUTE}{each[10:]}": (each,) for each in found if each.startswith("attribute ")}


def _require(preset: Format, at: Mapping[str, tuple[int, ...]], there: str) -> None:
    missing = [name for name in preset.required if name not in at]
    if missing:
        raise FileError(
            f"{preset.title}: no column for {', '.join(missing)}. The headings are: {there}.", code="columns"
        )
    if preset.one_of and not any(name in at for name in preset.one_of):
        wanted = ", ".join(preset.one_of)
        raise FileError(
            f"{preset.title}: it needs a column for one of {wanted}. The headings are: {there}.", code="columns"
        )
