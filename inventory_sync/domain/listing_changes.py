"""
What a listing says (price, tax, label, packages) as values: facts we have, content a channel shows, and the differences between two contents.

A *content* is a JSON object of what a channel lets a seller write, in the channel's own field names and without any quantity: quantities are
written by the push alone. A *field* of it is a path such as ``price.selling_price`` or ``packages[0].weight``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from inventory_sync.domain.ports import PushResult
from inventory_sync.domain.snapshots import Fulfilment, ListingIds, ListingSnapshot

Content = Mapping[str, Any]


class ChangeKind(StrEnum):
    """``CREATE`` a listing that the channel does not know; ``UPDATE`` all that one says; ``PRICE``: price and MRP alone."""

    CREATE = "create"
    UPDATE = "update"
    PRICE = "price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package that an offer ships in: centimetres, kilograms, whole rupees. None: not known."""

    name: str = ""
    length: Decimal | None = None
    breadth: Decimal | None = None
    height: Decimal | None = None
    weight: Decimal | None = None
    notional_value: Decimal | None = None
    fragile: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFacts:
    """
    What we know of one offer and want its listing to say. Money is in rupees; None and "" mean "not known".

    :ivar hsn: as it is to be sent. :ivar tax_code: the channel's own.
    :ivar location_ids: seller locations that a new listing sells from.
    """

    ids: ListingIds
    fulfilment: Fulfilment
    product_type: str = ""
    price: Decimal | None = None
    mrp: Decimal | None = None
    hsn: str = ""
    tax_code: str = ""
    manufacturer: tuple[str, ...] = ()
    packer: tuple[str, ...] = ()
    importer: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    mfg_date: date | None = None
    shelf_life_seconds: int | None = None
    packages: tuple[Package, ...] = ()
    procurement_type: str = ""
    shipping_provider: str = ""
    dispatch_days: int | None = None
    fee_local: Decimal | None = None
    fee_zonal: Decimal | None = None
    fee_national: Decimal | None = None
    location_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """
    What is wrong with one field of a content, found by us or said by the channel.

    :ivar field: the path that it means; "" where it means the whole listing. :ivar attribute: the channel's own name for it, if it gave one.
    """

    field: str
    message: str
    code: str = ""
    blocks: bool = True
    attribute: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingContent:
    """A listing as the channel describes it now: its writable content, and the same reading as a snapshot."""

    snapshot: ListingSnapshot
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """``content`` is what a listing would say; ``before`` the same part of what it says now, {} for a new one."""

    content: Content
    before: Content = field(default_factory=dict)
    problems: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingWrite:
    """One approved content on its way. ``fulfilment`` None: the listing is to be made."""

    ids: ListingIds
    fulfilment: Fulfilment | None
    content: Content
    product_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOutcome:
    """
    What became of one listing write. ``ACCEPTED`` with problems is a success with notes.

    :ivar alone: the whole call was refused, perhaps for another listing of it: send this one by itself.
    """

    key: str
    result: PushResult
    message: str = ""
    problems: tuple[FieldProblem, ...] = ()
    request_id: str = ""
    retry_after: float | None = None
    setup: bool = False
    alone: bool = False


class ListingWriter(Protocol):
    """How a channel's listings are read and written. Reads raise :class:`ChannelError`; failures of writes come back as outcomes."""

    @property
    def kinds(self) -> frozenset[ChangeKind]: ...

    @property
    def batch_size(self) -> int:
        """Most listings in one ``write``."""
        ...

    @property
    def fields(self) -> Mapping[str, str]:
        """Name of a fact, such as ``mrp`` -> the field of the content that says it."""
        ...

    @property
    def confirmed_by(self) -> Sequence[str]:
        """Top-level names of the content that a later read shows as they were written."""
        ...

    def compose(self, kind: ChangeKind, facts: OfferFacts, *, current: ListingContent | None) -> Composed:
        """What the listing would say. Pure. ``current`` None: the channel does not know it."""
        ...

    def read(self, listings: Sequence[ListingIds]) -> dict[str, ListingContent]:
        """What listings say now, by key; one that the channel does not know is missing."""
        ...

    def write(self, kind: ChangeKind, writes: Sequence[ListingWrite]) -> list[WriteOutcome]:
        """One call, never repeated, without any quantity of an existing listing. One outcome for each write."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs. None: it is not said."""

    field: str
    before: Any
    after: Any


def flatten(content: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each field of a content with its value, in the content's order. Empty lists and objects are fields, too."""
    if isinstance(content, Mapping) and content:
        for name, value in content.items():
            yield from flatten(value, f"{path}.{name}" if path else str(name))
    elif isinstance(content, list | tuple) and content:
        for index, value in enumerate(content):
            yield from flatten(value, f"{path}[{index}]")
    elif path:
        yield path, content


def differences(before: Content, after: Content) -> list[FieldChange]:
    """Fields that differ, in the order of ``after``; those that fall away come last."""
    old, new = dict(flatten(before)), dict(flatten(after))
    names = [*new, *(name for name in old if name not in new)]
    return [
        FieldChange(field=name, before=old.get(name), after=new.get(name))
        for name in names
        if old.get(name) != new.get(name)
    ]


def not_in_force(wanted: Content, shown: Content) -> list[str]:
    """Fields that a channel shows otherwise than we wrote them; what it does not show is not judged."""
    known = dict(flatten(shown))
    return [name for name, value in flatten(wanted) if name in known and known[name] != value]
