"""Listing changes as staff read them: fields by name, values with units, and every reason beside the field that it means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone

from inventory_sync.domain.listing_changes import ChangeKind, flatten
from inventory_sync.engine.listing_change import ListingChange
from inventory_sync.engine.listing_changes import Wish
from skumap.compliance import IST
from skumap.models import Listing, Sku

MOST_SKUS = 100
_INDEX = re.compile(r"\[(\d+)\]")
_DAY = 86_400
_MONEY = ("price.", "shipping_fees.", "purchasable_offer.", "notional_value.amount")

FIELD_WORDS: Mapping[str, str] = {
    "product_id": "FSN",
    "asin": "ASIN",
    "listing_status": "Status",
    "archived_status": "Archived",
    "price.mrp": "MRP",
    "price.selling_price": "Selling price",
    "price.currency": "Currency",
    "tax.hsn": "HSN code",
    "tax.tax_code": "Tax code",
    "fulfillment_profile": "Who ships",
    "fulfillment": "Dispatch",
    "fulfillment.dispatch_sla": "Dispatch within days",
    "fulfillment.shipping_provider": "Shipping provider",
    "fulfillment.procurement_type": "Procurement type",
    "shipping_fees.local": "Shipping fee, local",
    "shipping_fees.zonal": "Shipping fee, zonal",
    "shipping_fees.national": "Shipping fee, national",
    "shipping_fees.currency": "Currency of the fees",
    "packages": "Packages",
    "packages[].id": "Package {}: Flipkart's number",
    "packages[].name": "Package {}: name",
    "packages[].dimensions.length": "Package {}: length, cm",
    "packages[].dimensions.breadth": "Package {}: breadth, cm",
    "packages[].dimensions.height": "Package {}: height, cm",
    "packages[].weight": "Package {}: weight, kg",
    "packages[].description": "Package {}: description",
    "packages[].handling.fragile": "Package {}: fragile",
    "packages[].notional_value.amount": "Package {}: value",
    "packages[].notional_value.unit": "Package {}: unit of the value",
    "locations": "Flipkart locations",
    "locations[].id": "Flipkart location {}",
    "locations[].status": "Flipkart location {}: status",
    "locations[].inventory": "Flipkart location {}: units to begin with",
    "address_label.manufacturer_details": "Manufacturer",
    "address_label.packer_details": "Packer",
    "address_label.importer_details": "Importer",
    "address_label.countries_of_origin": "Country of origin",
    "address_label.manufacturer_details[]": "Manufacturer",
    "address_label.packer_details[]": "Packer",
    "address_label.importer_details[]": "Importer",
    "address_label.countries_of_origin[]": "Country of origin",
    "dating_label.mfg_date": "Manufactured on",
    "dating_label.shelf_life": "Shelf life",
    "purchasable_offer.our_price": "Selling price",
    "purchasable_offer.maximum_retail_price": "MRP",
    "seller_sku": "Seller SKU",
    "gtin": "Barcode",
    "generic_name": "Generic name",
    "net_quantity": "Net quantity",
    "consumer_care": "Consumer care",
    "rate": "GST rate",
    "facts": "Facts for the GST rate",
}


def field_words(path: str) -> str:
    """``price.selling_price`` -> ``Selling price``; a field without a name of its own by its path."""
    numbers = [int(found) + 1 for found in _INDEX.findall(path)]
    bare = _INDEX.sub("[]", path)
    words = FIELD_WORDS.get(bare)
    if words is None:
        return path.replace("_", " ").replace(".", ": ").capitalize()
    if "{}" in words:
        return words.format(*numbers)
    return f"{words} {numbers[-1]}" if numbers and numbers[-1] > 1 else words


def value_words(path: str, value: Any) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if path.endswith("mfg_date") and isinstance(value, int):
        day = datetime.fromtimestamp(value, UTC).astimezone(IST)
        return f"{day.day} {day:%b %Y}"
    if path.endswith("shelf_life") and isinstance(value, int):
        return f"{value // _DAY} days"
    if isinstance(value, int | float) and any(part in path for part in _MONEY):
        return f"₹{value:,.2f}".removesuffix(".00")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if not isinstance(value, list | dict) or value else "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field of a change. ``notes`` are (words, whether it blocks)."""

    path: str
    name: str
    before: str
    after: str
    differs: bool
    notes: list[tuple[str, bool]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One change as a page shows it; ``general`` are reasons that mean no single field."""

    change: ListingChange
    rows: list[Row]
    general: list[tuple[str, bool]]
    unchanged: int

    @property
    def approvable(self) -> bool:
        return self.change.state == ListingChange.State.DRAFT and not self.change.blocking

    @property
    def noted(self) -> bool:
        return any(row.notes for row in self.rows)

    @property
    def blocking(self) -> int:
        return len(self.change.blocking)


def card_of(change: ListingChange) -> Card:
    """What differs, field by field, with every reason of ours and the channel's at the field that it means."""
    rows = {
        each["field"]: Row(
            path=each["field"],
            name=field_words(each["field"]),
            before=value_words(each["field"], each["before"]),
            after=value_words(each["field"], each["after"]),
            differs=True,
        )
        for each in change.diff
    }
    said = dict(flatten(change.payload))
    general: list[tuple[str, bool]] = []
    for problem in (*change.problems, *change.results):
        note = (str(problem["message"]), bool(problem.get("blocks", True)))
        place = _place(str(problem.get("field") or ""), [*rows, *said]) or str(problem.get("field") or "")
        if not place:
            if note[0] != change.note and note not in general:
                general.append(note)
            continue
        if place not in rows:
            value = value_words(place, said.get(place))
            rows[place] = Row(path=place, name=field_words(place), before=value, after=value, differs=False)
        if note not in rows[place].notes:
            rows[place].notes.append(note)
    return Card(
        change=change,
        rows=list(rows.values()),
        general=general,
        unchanged=sum(1 for name in said if name not in rows),
    )


def _place(wanted: str, known: Iterable[str]) -> str:
    """The field that a path means: itself, else the first one inside it, else the nearest one around it."""
    names = list(known)
    if not wanted or wanted in names:
        return wanted
    inside = next((name for name in names if name.startswith((f"{wanted}.", f"{wanted}["))), "")
    return inside or next((name for name in names if wanted.startswith((f"{name}.", f"{name}["))), "")


# --- the table that says what is wanted -----------------------------------------------------------------------------------------------


def _money(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=0.01,
        max_digits=10,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"class": "isync-input isync-input-short", "step": "0.01", "aria-label": label}),
    )


def _text(label: str, length: int) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "isync-input", "aria-label": label})
    return forms.CharField(label=label, required=False, max_length=length, widget=widget)


class WishForm(forms.Form):
    """One line: a SKU, and what is wanted of it."""

    use = forms.BooleanField(required=False, initial=True, label="Prepare")
    sku_id = forms.IntegerField(widget=forms.HiddenInput())
    listing_id = forms.IntegerField(required=False, widget=forms.HiddenInput())
    seller_sku = _text("Seller SKU", 120)
    product_id = _text("FSN", 40)
    price = _money("Selling price")
    mrp = _money("MRP")

    def wish(self) -> Wish:
        facts = self.cleaned_data
        return Wish(
            sku_id=facts["sku_id"],
            listing_id=facts["listing_id"],
            seller_sku=facts["seller_sku"],
            product_id=facts["product_id"].upper(),
            price=facts["price"],
            mrp=facts["mrp"],
        )


WishForms = forms.formset_factory(WishForm, extra=0, max_num=MOST_SKUS * 5)


def initial_of(wishes: Iterable[Wish]) -> list[dict[str, Any]]:
    return [
        {
            "use": True,
            "sku_id": wish.sku_id,
            "listing_id": wish.listing_id,
            "seller_sku": wish.seller_sku,
            "product_id": wish.product_id,
            "price": wish.price,
            "mrp": wish.mrp,
        }
        for wish in wishes
    ]


def lines_of(forms_: Any, kind: ChangeKind) -> list[dict[str, Any]]:
    """Each form with the SKU and the listing that it is about."""
    values = [
        (form, int(form["sku_id"].value() or 0), int(form["listing_id"].value() or 0))
        for form in forms_
        if str(form["sku_id"].value() or "").isdigit() and str(form["listing_id"].value() or "0").isdigit()
    ]
    skus = Sku.objects.in_bulk([sku_id for _, sku_id, _ in values])
    listings = Listing.objects.in_bulk([listing_id for _, _, listing_id in values if listing_id])
    return [
        {"form": form, "sku": skus.get(sku_id), "listing": listings.get(listing_id), "new": kind is ChangeKind.CREATE}
        for form, sku_id, listing_id in values
    ]


def skus_asked(ids: Iterable[str], codes: str) -> tuple[list[Sku], list[str]]:
    """SKUs by id and by code (blanks, commas or lines between), and the codes that there are not; the first hundred."""
    wanted = [int(each) for each in ids if each.isascii() and each.isdigit() and len(each) < 19]
    named = [code for code in re.split(r"[\s,;]+", codes.replace("\x00", " ")) if code]
    rows = {sku.pk: sku for sku in Sku.objects.filter(pk__in=wanted)}
    by_code = {sku.code: sku for sku in Sku.objects.filter(code__in=named)}
    rows |= {sku.pk: sku for sku in by_code.values()}
    found = sorted(rows.values(), key=lambda sku: sku.code)[:MOST_SKUS]
    return found, [code for code in named if code not in by_code]


def decided_words(change: ListingChange) -> str:
    """Who proposed and decided it, and when, in a sentence."""
    parts = [f"Proposed {_when(change.proposed_at)} by {change.proposed_by or change.proposed_via or 'nobody known'}"]
    if change.decided_at:
        verb = "rejected" if change.state == ListingChange.State.REFUSED and change.sent_at is None else "approved"
        parts.append(
            f"{verb} {_when(change.decided_at)} by {change.decided_by or change.decided_via or 'nobody known'}"
        )
    if change.sent_at:
        parts.append(f"sent {_when(change.sent_at)}")
    if change.confirmed_at:
        parts.append(f"seen on the channel {_when(change.confirmed_at)}")
    return f"{', '.join(parts)}."


def _when(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b}, {local:%H:%M}"
