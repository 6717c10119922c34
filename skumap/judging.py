"""Linked listings as records for :mod:`skumap.compliance`: their own facts, their SKU's, and their category's. Few queries however many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from skumap.compliance import Facts, Label, Record, RecordReport, Rules, shelf_life_seconds, validate_record
from skumap.models import Listing, Sku
from skumap.profiles import merged
from skumap.reference import hsn_codes, rate_table

CHUNK = 500
FACTS = ("screen_in", "engine_cc")  # numbers of a SKU's attributes that a rate may hang on


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One listing and what its channel or the law would say of it."""

    listing: Listing
    report: RecordReport


def judge(listings: Any, *, now: datetime, min_digits: int = 6) -> Iterator[Judged]:
    """
    Judge linked listings, in the order given; one that can't be judged is judged so, and stops no other.

    :param listings: a queryset of linked listings.
    """
    rows = listings.select_related("account", "sku__category", "sku__profile")
    rates = rate_table()
    for chunk in _chunks(rows.iterator(chunk_size=CHUNK)):
        facts = {row.pk: _profile(row) for row in chunk}
        codes = hsn_codes(_hsn(row, facts[row.pk]) for row in chunk)
        rules = Rules(min_digits=min_digits, rates=rates, codes=codes)
        for row in chunk:
            record = record_of(row, facts[row.pk])
            report = validate_record(record, channel=row.account.channel, today=now, rules=rules)
            yield Judged(listing=row, report=report)


def record_of(listing: Listing, profile: dict[str, Any] | None = None) -> Record:
    """
    A linked listing as the rules take it.

    Its own identifiers and price; the SKU's HSN, MRP and barcode, else the listing's or category's; declarations of the SKU, else its category.
    """
    facts = _profile(listing) if profile is None else profile
    sku, channel = listing.sku, listing.account.channel
    assert sku is not None
    days = facts["shelf_life_days"]
    return Record(
        seller_sku=listing.seller_sku or listing.key,
        product_id=listing.product_id if channel == "flipkart" else None,
        listing_id=(listing.listing_ref or None) if channel == "flipkart" else None,
        asin=listing.product_id if channel == "amazon" else None,
        variant_id=listing.key if channel == "shopify" else None,
        gtin=(sku.barcode or listing.barcode) or None,
        hsn=_hsn(listing, facts) or None,
        facts=_facts(sku, facts),
        price=listing.price,
        pieces=listing.units_per_sale,
        mrp=sku.mrp if sku.mrp is not None and listing.units_per_sale == 1 else listing.mrp,
        label=Label(
            manufacturer=facts["manufacturer"] or (),
            packer=facts["packer"] or (),
            importer=facts["importer"] or (),
            country_of_origin=facts["country_of_origin"] or (),
            generic_name=facts["generic_name"] or "",
            net_quantity=facts["net_quantity"] or "",
            dimensions=facts["dimensions"] or "",
            consumer_care=facts["consumer_care"] or "",
            mfg_date=facts["mfg_date"],
            shelf_life=shelf_life_seconds(days=days) if days else None,
            packed_by_manufacturer=not facts["packer"],
            perishable=bool(days),
        ),
        confirmed_rate=facts["confirmed_rate"],
    )


def _profile(listing: Listing) -> dict[str, Any]:
    sku = listing.sku
    assert sku is not None
    return merged(own=getattr(sku, "profile", None), category=sku.category)


def _hsn(listing: Listing, facts: dict[str, Any]) -> str:
    sku = listing.sku
    assert sku is not None
    return sku.hsn or facts["hsn"] or ""


def _facts(sku: Sku, facts: dict[str, Any]) -> Facts:
    tags = frozenset(tag.strip() for tag in (facts["tags"] or "").split(",") if tag.strip())
    attributes = sku.attributes if isinstance(sku.attributes, dict) else {}
    numbers = {name: attributes[name] for name in FACTS if attributes.get(name) not in (None, "")}
    return Facts(tags=tags, **numbers)


def _chunks(rows: Iterable[Listing]) -> Iterator[list[Listing]]:
    chunk: list[Listing] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
