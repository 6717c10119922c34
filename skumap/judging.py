"""Linked listings as records for :mod:`skumap.compliance`: their own facts, their SKU's, and their category's. Few queries however many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from skumap.compliance import (
    FLIPKART_TAX_CODES,
    Facts,
    Label,
    RateTable,
    Record,
    RecordReport,
    Rules,
    shelf_life_seconds,
    validate_record,
)
from skumap.models import ChannelAccount, Listing, Sku
from skumap.profiles import merged
from skumap.reference import hsn_codes, rate_table

CHUNK = 500
FACTS = ("screen_in", "engine_cc")  # numbers of a SKU's attributes that a rate may hang on
BY_MONTH = "month"  # the manufacturing date is the first of the month of the last goods in

MadeOn = Callable[[Sequence[int]], Mapping[int, date]]
"""SKU ids -> for each the manufacturing date that follows from its last goods in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One listing and what its channel or the law would say of it."""

    listing: Listing
    report: RecordReport


def judge(
    listings: Any, *, now: date | datetime, min_digits: int = 6, made_on: MadeOn | None = None
) -> Iterator[Judged]:
    """
    Judge linked listings, in the order given; one that can't be judged is judged so, and stops no other.

    :param listings: a queryset of linked listings. :param made_on: asked for SKUs whose manufacturing date follows from their goods in.
    """
    rows = listings.select_related("account", "sku__category", "sku__profile")
    rates = rate_table()
    for chunk in _chunks(rows.iterator(chunk_size=CHUNK)):
        facts = {row.pk: profile_of(row) for row in chunk}
        by_month = [row.sku_id for row in chunk if facts[row.pk]["mfg_rule"] == BY_MONTH and row.sku_id]
        made = made_on(by_month) if made_on is not None and by_month else {}
        codes = hsn_codes(_hsn(row, facts[row.pk]) for row in chunk)
        for row in chunk:
            record = record_of(row, facts[row.pk], made=made.get(row.sku_id or 0))
            rules = _rules(row.account, min_digits=min_digits, rates=rates, codes=codes)
            report = validate_record(record, channel=row.account.channel, today=now, rules=rules)
            yield Judged(listing=row, report=report)


def judge_offer(
    listing: Listing, *, price: Decimal | None, mrp: Decimal | None, made: date | None, now: datetime
) -> tuple[Record, RecordReport]:
    """
    Judge a listing, stored or not, as it would be with another price and MRP.

    :param made: the manufacturing date that follows from the SKU's goods in, where its profile says so.
    """
    facts = profile_of(listing)
    record = replace(record_of(listing, facts, made=made), price=price, mrp=mrp)
    rules = _rules(listing.account, min_digits=6, rates=rate_table(), codes=hsn_codes([_hsn(listing, facts)]))
    return record, validate_record(record, channel=listing.account.channel, today=now, rules=rules)


def _rules(account: ChannelAccount, *, min_digits: int, rates: RateTable | None, codes: Any) -> Rules:
    """The rules with an account's own tax codes, where its settings name any."""
    named = (account.settings or {}).get("tax_codes") or ()
    own = tuple(code.strip() for code in (named.split(",") if isinstance(named, str) else named) if str(code).strip())
    return Rules(min_digits=min_digits, rates=rates, codes=codes, flipkart_codes=own or FLIPKART_TAX_CODES)


def record_of(listing: Listing, profile: dict[str, Any] | None = None, *, made: date | None = None) -> Record:
    """
    A linked listing as the rules take it.

    Its own identifiers and price; the SKU's HSN, MRP and barcode, else the listing's or category's; declarations of the SKU, else its category.
    """
    facts = profile_of(listing) if profile is None else profile
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
            mfg_date=made if facts["mfg_rule"] == BY_MONTH else facts["mfg_date"],
            shelf_life=shelf_life_seconds(days=days) if days else None,
            packed_by_manufacturer=not facts["packer"],
            perishable=bool(days),
        ),
        confirmed_rate=facts["confirmed_rate"],
    )


def profile_of(listing: Listing) -> dict[str, Any]:
    """What is declared of a listing's SKU: its own, else its category's."""
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
