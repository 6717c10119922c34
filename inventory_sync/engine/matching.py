"""
The matcher over our tables: link what is exact, suggest the rest. What is linked is doubted in ``link_audit``.

A person's decision is never made again: a listing that was linked before, by anybody, and taken off its SKU does not link by itself.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
SAFE_SCORE, SAFE_LEAD = 80.0, 8.0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the matcher makes of one listing that did not link by itself."""

    outcome: Outcome
    suggested: tuple[Suggestion, ...]
    run: str
    safe: bool


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
    runs = {
        int(listing_id): (f"{run.channel}:{run.account_id}:{run.parent}", found)
        for run in propose_styles(goods=goods, offers=offers, links=links)
        for listing_id, found in run.pairs
    }
    accounts = {row.pk: row.account_id for row in rows}
    held = {(accounts[int(listing_id)], int(goods_id)) for listing_id, goods_id in links.items()}
    left = [each for each in outcomes if each.offer_id not in linked]
    found = _weigh(left, runs, accounts=accounts, held=held)
    ids = sorted(found)
    for start in range(0, len(ids), CHUNK):
        _store({listing_id: found[listing_id] for listing_id in ids[start : start + CHUNK]}, now=now)
    MatchCandidate.objects.exclude(listing__status__in=OPEN).filter(created_at__lt=now - KEEP_FOR_UNDO).delete()
    ambiguous = sum(bool(each.suggested) for each in found.values())
    return Matched(linked=len(linked), ambiguous=ambiguous, without=len(left) - ambiguous)


def _weigh(
    outcomes: Iterable[Outcome],
    runs: Mapping[int, tuple[str, Suggestion]],
    *,
    accounts: Mapping[int, int],
    held: set[tuple[int, int]],
) -> dict[int, Found]:
    """
    What to suggest for each listing, and which first suggestions are safe: those that no other listing of the account has first, too.

    :param held: (account, SKU) that are linked.
    """
    told = {int(each.offer_id): (each, _suggested(each, runs.get(int(each.offer_id)))) for each in outcomes}
    wanted = Counter((accounts[pk], suggested[0].goods_id) for pk, (_, suggested) in told.items() if suggested)
    found = {}
    for pk, (outcome, suggested) in told.items():
        target = (accounts[pk], int(suggested[0].goods_id)) if suggested else None
        safe = target is not None and wanted[target] == 1 and target not in held and _is_safe(outcome, suggested)
        found[pk] = Found(outcome=outcome, suggested=tuple(suggested), run=runs[pk][0] if pk in runs else "", safe=safe)
    return found


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


def _suggested(outcome: Outcome, run: tuple[str, Suggestion] | None) -> list[Suggestion]:
    """What to show, the likeliest first: what a run pairs it with comes before everything else."""
    if run is None:
        return list(outcome.suggestions[:SUGGESTIONS])
    first = run[1]
    return [first, *(found for found in outcome.suggestions if found.goods_id != first.goods_id)][:SUGGESTIONS]


def _is_safe(outcome: Outcome, suggested: Sequence[Suggestion]) -> bool:
    """Likely, far before the next one, nothing but the code differs, no conflict, and no pack that multiplies quantities."""
    first, *others = suggested
    return (
        first.score >= SAFE_SCORE
        and first.units_per_sale == 1
        and all(found.score <= first.score - SAFE_LEAD for found in others)
        and all(finding.verdict is not Verdict.DIFFERS for finding in first.findings if finding.field != "code")
        and not _sentences(outcome.conflicts, first)
    )


@transaction.atomic
def _store(found: Mapping[int, Found], *, now: datetime) -> None:
    """New suggestions in the place of the old ones, for listings that are still open."""
    still_open = set(
        Listing.objects.select_for_update(of=("self",))
        .filter(pk__in=found, status__in=OPEN)
        .order_by("id")
        .values_list("id", flat=True)
    )
    MatchCandidate.objects.filter(listing__in=found).delete()
    rows = [
        MatchCandidate(
            listing_id=listing_id,
            sku_id=int(each.goods_id),
            rank=rank,
            score=each.score,
            units_per_sale=each.units_per_sale,
            evidence=evidence_rows(each),
            conflicts=_sentences(found[listing_id].outcome.conflicts, each),
            run=found[listing_id].run if rank == 1 else "",
            safe=found[listing_id].safe and rank == 1,
            created_at=now,
        )
        for listing_id in sorted(still_open)
        for rank, each in enumerate(found[listing_id].suggested, start=1)
    ]
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
