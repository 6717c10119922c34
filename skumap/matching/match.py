"""Matching listings to SKUs: a link only where the evidence is exact, unique on both sides and uncontradicted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from skumap.matching.catalogue import Catalogue, build_catalogue, read_offer, shortlist
from skumap.matching.claims import Account, Claim, account_of, code_places, find_claim, find_pointers, two_products
from skumap.matching.compare import Comparison, Reading, compare, reads_alike, reads_better, says_otherwise
from skumap.matching.records import Conflict, ConflictCode, Evidence, Goods, Id, Kind, Offer, Outcome, Verdict
from skumap.matching.score import CONTAINED, code_likeness, score_pair, suggestion

WORTH_SHOWING = 38.0  # a score below this is no candidate
TOO_MANY = 2  # so many fields that clearly differ make it none, either
NAMED_SCORE = 84.0  # at least, for a SKU that an identifier names and nothing contradicts
ONE_WORD = 1.2  # weight: missing here and extra there, it was replaced
TAKEN_POINTS = 1.5  # off, for a SKU that another listing of the account already is
MISMATCHES = {
    "title": (ConflictCode.TITLE_MISMATCH, "The titles describe different products."),
    "brand": (ConflictCode.BRAND_MISMATCH, "The brands differ."),
    "size": (ConflictCode.SIZE_MISMATCH, "The sizes differ."),
    "colour": (ConflictCode.COLOUR_MISMATCH, "The colours differ."),
    "pack": (ConflictCode.PACK_MISMATCH, "The number of pieces in the pack differs."),
    "capacity": (ConflictCode.CAPACITY_MISMATCH, "Volume, weight, length or capacity differs."),
    "model": (ConflictCode.MODEL_MISMATCH, "The model numbers differ."),
    "gender": (ConflictCode.GENDER_MISMATCH, "It is made for somebody else (men, women, boys, girls)."),
    "edition": (ConflictCode.MODEL_MISMATCH, "One is another edition (Pro, Mini, Combo, …)."),
}
TELLS_VARIANTS_APART = ("size", "colour", "pack", "capacity", "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """One listing on the way to its outcome: what it points at, and how every SKU on its shortlist compares."""

    offer: Offer
    reading: Reading
    claim: Claim
    comparisons: Mapping[int, Comparison]
    conflicts: tuple[Conflict, ...]

    @property
    def links(self) -> bool:
        """It has exact evidence and nothing stands against it."""
        return self.claim.place is not None and not self.claim.blocking and not self.conflicts


def match_listings(
    *,
    goods: Iterable[Goods],
    offers: Iterable[Offer],
    links: Mapping[Id, Id] | None = None,
    suggestions: int = 5,
) -> list[Outcome]:
    """
    Say of every open listing which SKU it is, or may be.

    A listing links by itself on the same code, on a valid barcode, or on the same code but for case and punctuation, where that
    is unique among our SKUs and among the listings of its account, and neither text nor another identifier contradicts. Everything
    else is ambiguous, with suggestions, or has no candidate. The order of the input changes nothing.

    :param links: listing id -> SKU id of listings decided before. They are not decided again, but what they hold counts.
    :param suggestions: the most to give for each listing.
    :return: one outcome for each listing that is not in ``links``, in the given order.
    :raises ValueError: two SKUs or two listings have the same id.
    """
    catalogue, rows, known = build_catalogue(goods), list(offers), dict(links or {})
    if len({row.id for row in rows}) != len(rows):
        raise ValueError("two listings have the same id")
    pointers = find_pointers(catalogue=catalogue, offers=rows, links=known)
    considered = _one_each(
        catalogue,
        [
            consider(catalogue, offer, find_claim(catalogue=catalogue, pointers=pointers, offer=offer))
            for offer in rows
            if offer.id not in known
        ],
    )
    taken = set(pointers.linked) | {
        (account_of(each.offer), each.claim.place) for each in considered if each.links and each.claim.place is not None
    }
    return [_outcome(catalogue, each, taken=taken, most=suggestions) for each in considered]


def _one_each(catalogue: Catalogue, considered: Sequence[Considered]) -> list[Considered]:
    """Hold listings of one account that would link to the same SKU, one by its code and another by its barcode."""
    linking: dict[tuple[Account, int], list[Id]] = defaultdict(list)
    for each in considered:
        if each.links and each.claim.place is not None:
            linking[account_of(each.offer), each.claim.place].append(each.offer.id)
    kept = []
    for each in considered:
        place = each.claim.place
        rivals = linking[account_of(each.offer), place] if each.links and place is not None else []
        if place is not None and len(rivals) > 1:
            conflict = two_products(catalogue.goods[place], rivals)
            kept.append(replace(each, conflicts=(*each.conflicts, conflict)))
        else:
            kept.append(each)
    return kept


def consider(catalogue: Catalogue, offer: Offer, claim: Claim) -> Considered:
    """Compare a listing with its shortlist, and hold what it claims against what is written."""
    reading = read_offer(catalogue, offer)
    places = shortlist(catalogue, reading)
    if claim.place is not None and claim.place not in places:
        places.append(claim.place)
    comparisons = {place: compare(catalogue.features[place], reading, weights=catalogue.weights) for place in places}
    conflicts: list[Conflict] = []
    if claim.place is not None:
        own = comparisons[claim.place]
        conflicts = mismatches(catalogue.goods[claim.place], offer, own)
        if claim.twice and set(own.contradictions) <= own.silent:
            conflicts = []  # two identifiers agree, and it only leaves out what ours says
        if not conflicts:
            conflicts = _unconfirmed(catalogue, offer, reading, claim, comparisons)
    return Considered(offer=offer, reading=reading, claim=claim, comparisons=comparisons, conflicts=tuple(conflicts))


def mismatches(goods: Goods, offer: Offer, comparison: Comparison) -> list[Conflict]:
    """Every field that clearly differs, as a named conflict."""
    return [
        Conflict(code=MISMATCHES[field][0], message=MISMATCHES[field][1], goods_ids=(goods.id,), offer_ids=(offer.id,))
        for field in comparison.contradictions
    ]


def better_readings(
    catalogue: Catalogue, place: int, comparisons: Mapping[int, Comparison], *, certain: bool = False
) -> list[int]:
    """
    SKUs whose words fit a listing clearly better than those at ``place``, the best first.

    :param certain: code and barcode both name ``place``: then only words that speak for another count, not words that are missing.
    """
    own, better = comparisons[place], says_otherwise if certain else reads_better
    if own.verdicts["title"] is Verdict.UNSAID:
        if certain:
            return []
        better = _fits_where_ours_is_empty
    found = [other for other, rival in comparisons.items() if other != place and better(rival, own)]
    return sorted(found, key=lambda other: (-comparisons[other].text, other))


def _fits_where_ours_is_empty(rival: Comparison, own: Comparison) -> bool:
    """Our SKU has no title to compare, and the listing's fits another one."""
    return rival.verdicts["title"] in (Verdict.AGREES, Verdict.CLOSE) and not rival.contradictions


def _unconfirmed(
    catalogue: Catalogue, offer: Offer, reading: Reading, claim: Claim, comparisons: Mapping[int, Comparison]
) -> list[Conflict]:
    """What else keeps a listing from linking: it reads like another SKU, or weak evidence that the text leaves open."""
    place = claim.place
    assert place is not None
    own, goods = comparisons[place], catalogue.goods[place]
    better = better_readings(catalogue, place, comparisons, certain=claim.twice)
    if better:
        other = catalogue.goods[better[0]]
        return [_held(ConflictCode.READS_LIKE_ANOTHER, f"It reads more like SKU {other.code}.", offer, goods, other)]
    written = own.verdicts["title"] is not Verdict.UNSAID
    if claim.weak and claim.evidence is not Evidence.SAME_BARCODE:
        left_open = [field for field in TELLS_VARIANTS_APART if own.verdicts[field] is Verdict.ONLY_OURS]
        if not written or left_open:
            return [_held(ConflictCode.BARCODE_MISMATCH, "Code and barcode don't both confirm it.", offer, goods)]
    if min(own.missing, own.extra) > ONE_WORD:
        return [_held(ConflictCode.TITLE_MISMATCH, "Its title has another word in place of one of ours.", offer, goods)]
    if claim.twice or not written:
        return []
    if own.verdicts["pack"] is Verdict.ONLY_OURS:
        message = f"SKU {goods.code} is a pack, and the listing does not say that it is one."
        return [_held(ConflictCode.VARIANT_NOT_SAID, message, offer, goods)]
    if claim.weak and own.verdicts["colour"] is Verdict.CLOSE:
        message = f"It names another shade than SKU {goods.code}."
        return [_held(ConflictCode.VARIANT_NOT_SAID, message, offer, goods)]
    if claim.weak or reading.strange or own.verdicts["colour"] is Verdict.CLOSE:
        # An unknown word may be the very one that tells them apart: a new shade, a flavour in Hindi.
        return _alike(catalogue, place, offer, comparisons, by_code=not claim.weak)
    return []


def _alike(
    catalogue: Catalogue, place: int, offer: Offer, comparisons: Mapping[int, Comparison], *, by_code: bool
) -> list[Conflict]:
    """Another SKU that the listing may as well be. :param by_code: the code is exact, so that it does not choose once more."""
    own, goods, ours = comparisons[place], catalogue.goods[place], catalogue.features[place]
    for twin, rival in comparisons.items():
        theirs = catalogue.features[twin]
        if twin == place or not reads_alike(rival, own) or ours.variant == theirs.variant:
            continue
        if by_code or code_likeness(theirs.code, offer.seller_sku) >= code_likeness(ours.code, offer.seller_sku):
            message = f"It does not say what tells SKU {goods.code} from SKU {catalogue.goods[twin].code}."
            return [_held(ConflictCode.VARIANT_NOT_SAID, message, offer, goods, catalogue.goods[twin])]
    return []


def _held(code: ConflictCode, message: str, offer: Offer, *goods: Goods) -> Conflict:
    return Conflict(code=code, message=message, goods_ids=tuple(each.id for each in goods), offer_ids=(offer.id,))


def _against(catalogue: Catalogue, place: int, each: Considered) -> int:
    """Fields that clearly differ. A pack of several of our single is no other product: one sale takes several."""
    fields = set(each.comparisons[place].contradictions)
    ours, theirs = max(catalogue.features[place].packs, default=1), max(each.reading.features.packs, default=1)
    return len(fields - {"pack"} if theirs % ours == 0 else fields)


def _outcome(catalogue: Catalogue, each: Considered, *, taken: set[tuple[Account, int]], most: int) -> Outcome:
    offer, claim, account = each.offer, each.claim, account_of(each.offer)
    scores = {
        place: score_pair(catalogue.goods[place], catalogue.features[place], offer, each.reading, comparison)
        for place, comparison in each.comparisons.items()
    }
    if each.links and claim.place is not None:
        ranked = [claim.place]
    else:
        for place in scores:
            if (account, place) in taken:
                scores[place] -= TAKEN_POINTS
        # A SKU that an identifier names is worth showing however badly the rest fits, and first unless something contradicts.
        named = {*catalogue.by_gtin.get(each.reading.features.gtin, ()), *code_places(catalogue, offer)}
        for place, comparison in each.comparisons.items():
            likeness = code_likeness(catalogue.features[place].code, offer.seller_sku)
            if (place in named or likeness >= CONTAINED) and not comparison.contradictions:
                scores[place] = max(scores[place], NAMED_SCORE + scores[place] / 100)
        ranked = [
            place
            for place, score in scores.items()
            if place in named or (score >= WORTH_SHOWING and _against(catalogue, place, each) < TOO_MANY)
        ]
        ranked.sort(key=lambda place: (-scores[place], place))
        # What an identifier names is not cut off, but it does not push out the three best either.
        first = ranked[: min(most, 3)]
        others = sorted(ranked[len(first) :], key=lambda place: place not in named)[: most - len(first)]
        ranked = [place for place in ranked if place in {*first, *others}]
    found = tuple(
        suggestion(
            catalogue.goods[place],
            catalogue.features[place],
            offer,
            each.reading,
            each.comparisons[place],
            score=max(round(scores[place], 2), 0.0),
        )
        for place in ranked
    )
    return Outcome(
        offer_id=offer.id,
        kind=Kind.LINKED if each.links else Kind.AMBIGUOUS if found else Kind.NO_CANDIDATE,
        goods_id=catalogue.goods[claim.place].id if each.links and claim.place is not None else None,
        evidence=claim.evidence if each.links else None,
        suggestions=found,
        conflicts=(*claim.blocking, *each.conflicts, *claim.notes),
    )
