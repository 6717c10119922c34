"""
The matcher over our tables: link what is exact, suggest the rest. What is linked is doubted in ``link_audit``.

A person's decision is never made again: a listing that was linked before, by anybody, and taken off its SKU does not link by itself.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from inventory_sync.engine.mapping import approve_match
from inventory_sync.stock.ledger import retrying
from skumap.matching import (
    Conflict,
    Goods,
    Kind,
    KitPart,
    Offer,
    Outcome,
    Suggestion,
    Verdict,
    match_listings,
    propose_styles,
)
from skumap.matching.records import Id
from skumap.models import KitComponent, Listing, ListingLink, MatchCandidate, Sku
from skumap.services import LinkError

logger = logging.getLogger(__name__)

SUGGESTIONS = 5
CHUNK = 500
KEEP_FOR_UNDO = timedelta(days=1)
FIELDS = {"mrp": "MRP", "code": "Code"}
VERDICTS = {Verdict.AGREES: "same", Verdict.CLOSE: "close", Verdict.DIFFERS: "differs"}
OPEN = [Listing.Status.UNMAPPED, Listing.Status.AMBIGUOUS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What a run made of the open listings: linked by itself, waiting with suggestions, without any."""

    linked: int = 0
    ambiguous: int = 0
    without: int = 0


def match_open(*, now: datetime) -> Matched:
    """
    Match every listing that nobody has decided. Safe to repeat, and to run beside people who decide meanwhile.

    Where the evidence is exact and unique the listing is linked at once; the others get new suggestions, sizes and colours that pair with one
    style of ours get them as one run.
    """
    rows = list(
        Listing.objects.filter(vanished_at__isnull=True)
        .exclude(status=Listing.Status.IGNORED)
        .select_related("account")
    )
    waiting = {row.pk: row for row in rows if row.sku_id is None}
    if not waiting:
        return Matched()
    goods = goods_records()
    offers = [offer_record(row) for row in rows]
    links: dict[Id, Id] = {row.pk: row.sku_id for row in rows if row.sku_id is not None}
    outcomes = match_listings(goods=goods, offers=offers, links=links, suggestions=SUGGESTIONS)
    taken_apart = set(ListingLink.objects.filter(listing__in=waiting).values_list("listing_id", flat=True))
    exact = [each for each in outcomes if _links_by_itself(each) and each.offer_id not in taken_apart]
    linked = {int(each.offer_id) for each in exact if _link(each, now=now)}
    links |= {each.offer_id: each.goods_id for each in exact if each.offer_id in linked and each.goods_id is not None}
    left = [each for each in outcomes if each.offer_id not in linked]
    runs = {
        int(listing_id): (f"{run.channel}:{run.account_id}:{run.parent}", found)
        for run in propose_styles(goods=goods, offers=offers, links=links)
        for listing_id, found in run.pairs
    }
    for start in range(0, len(left), CHUNK):
        _store(left[start : start + CHUNK], runs, now=now)
    MatchCandidate.objects.exclude(listing__status__in=OPEN).filter(created_at__lt=now - KEEP_FOR_UNDO).delete()
    ambiguous = sum(bool(each.suggestions) or each.offer_id in runs for each in left)
    return Matched(linked=len(linked), ambiguous=ambiguous, without=len(left) - ambiguous)


def _links_by_itself(outcome: Outcome) -> bool:
    """A pack of several is for a person to confirm, however exact the code: it multiplies every quantity."""
    return outcome.kind is Kind.LINKED and all(found.units_per_sale == 1 for found in outcome.suggestions)


def _link(outcome: Outcome, *, now: datetime) -> bool:
    try:
        retrying(approve_match)(
            listing_id=int(outcome.offer_id),
            sku_id=int(outcome.goods_id or 0),
            now=now,
            reason=f"by itself: {outcome.evidence}",
            only_first=True,
        )
    except (LinkError, Listing.DoesNotExist, Sku.DoesNotExist) as error:
        logger.info("listing %s was not linked by itself: %s", outcome.offer_id, error)
        return False
    return True


@transaction.atomic
def _store(outcomes: Sequence[Outcome], runs: dict[int, tuple[str, Suggestion]], *, now: datetime) -> None:
    """New suggestions in the place of the old ones, for listings that are still open."""
    ids = [int(each.offer_id) for each in outcomes]
    still_open = set(
        Listing.objects.select_for_update(of=("self",))
        .filter(pk__in=ids, status__in=OPEN)
        .order_by("id")
        .values_list("id", flat=True)
    )
    MatchCandidate.objects.filter(listing__in=ids).delete()
    rows = []
    for outcome in outcomes:
        listing_id = int(outcome.offer_id)
        if listing_id not in still_open:
            continue
        run, first = runs.get(listing_id, ("", None))
        others = [found for found in outcome.suggestions if first is None or found.goods_id != first.goods_id]
        for rank, found in enumerate(([first] if first else []) + others[: SUGGESTIONS - bool(first)], start=1):
            rows.append(
                MatchCandidate(
                    listing_id=listing_id,
                    sku_id=int(found.goods_id),
                    rank=rank,
                    score=found.score,
                    units_per_sale=found.units_per_sale,
                    evidence=evidence_rows(found),
                    conflicts=_sentences(outcome.conflicts, found),
                    run=run if rank == 1 else "",
                    created_at=now,
                )
            )
    MatchCandidate.objects.bulk_create(rows)
    matched = {row.listing_id for row in rows}
    Listing.objects.filter(pk__in=still_open & matched).update(status=Listing.Status.AMBIGUOUS)
    Listing.objects.filter(pk__in=still_open - matched).update(status=Listing.Status.UNMAPPED)


def evidence_rows(found: Suggestion) -> list[dict[str, str]]:
    """Every compared field as staff read it: {"field", "ours", "theirs", "verdict"}."""
    return [
        {
            "field": FIELDS.get(finding.field, finding.field.capitalize()),
            "ours": finding.ours,
            "theirs": finding.theirs,
            "verdict": VERDICTS.get(finding.verdict, "unsaid"),
        }
        for finding in found.findings
    ]


def _sentences(conflicts: Iterable[Conflict], found: Suggestion) -> list[str]:
    """The conflicts that concern this SKU."""
    return list(
        dict.fromkeys(each.message for each in conflicts if not each.goods_ids or found.goods_id in each.goods_ids)
    )


# --- tables to records ------------------------------------------------------------------------------------------------------


def goods_records() -> list[Goods]:
    """All SKUs as the matcher sees them."""
    parts: dict[int, list[KitPart]] = defaultdict(list)
    for kit_id, component_id, units in KitComponent.objects.order_by("id").values_list(
        "kit_id", "component_id", "units"
    ):
        parts[kit_id].append(KitPart(goods_id=component_id, units=units))
    return [
        Goods(
            id=row.pk,
            code=row.code,
            title=row.title,
            brand=row.brand,
            barcode=row.barcode,
            mrp=row.mrp,
            attributes=row.attributes or {},
            parts=tuple(parts[row.pk]),
            style=str((row.attributes or {}).get("style", "")),
        )
        for row in Sku.objects.order_by("id").iterator(chunk_size=5_000)
    ]


def offer_record(row: Listing) -> Offer:
    """A listing as the matcher sees it. Needs its account."""
    facts = row.attributes or {}
    return Offer(
        id=row.pk,
        channel=row.account.channel,
        account_id=row.account_id,
        seller_sku=row.seller_sku,
        product_id=row.product_id,
        title=row.title,
        brand=str(facts.get("brand", "")),
        barcode=row.barcode,
        price=row.price,
        mrp=row.mrp,
        units=row.units_per_sale if row.sku_id else None,
        attributes=facts,
        parent=row.product_id if row.account.channel == "shopify" else str(facts.get("parent_sku", "")),
    )
