"""Sizes and colours of one style, paired with our SKUs as one run that a person approves with one key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from skumap.matching.catalogue import Catalogue, build_catalogue, read_offer, shortlist
from skumap.matching.claims import Account, account_of
from skumap.matching.compare import Comparison, Reading, compare
from skumap.matching.features import Features
from skumap.matching.records import Goods, Id, Offer, Suggestion, Verdict
from skumap.matching.score import score_pair, suggestion

# What makes one variant of a style: everything else is the same for the whole run.
VARIANT_FIELDS = ("size", "colour", "pack", "capacity")
SHORTEST_RUN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleProposal:
    """
    A whole run to approve as one.

    :ivar pairs: (listing id, the SKU that it would be), every listing of the parent exactly once, every SKU at most once.
    :ivar score: of the weakest pair, 0 to 100. :ivar unlisted: SKUs of our style that the parent does not have.
    """

    channel: str
    account_id: Id
    parent: str
    pairs: tuple[tuple[Id, Suggestion], ...]
    score: float
    unlisted: tuple[Id, ...] = ()


def propose_styles(
    *, goods: Iterable[Goods], offers: Iterable[Offer], links: Mapping[Id, Id] | None = None
) -> list[StyleProposal]:
    """
    Pair the listings of each parent with the variants of one style of ours.

    A run is proposed only when every open listing of the parent fits exactly one SKU of the style, no two the same one, none contradicts,
    size and colour are said on both sides, and no second style of ours pairs as well. Whether it is right is for a person to say.

    :param offers: the listings waiting for a person; those without a parent are passed over.
    :param links: listing id -> SKU id decided before: a SKU that the account holds already is not proposed again.
    :return: the best score first, ties by account and parent.
    """
    catalogue, known, rows = build_catalogue(goods), dict(links or {}), list(offers)
    styles = styles_of(catalogue)
    style_of = {place: name for name, places in styles.items() for place in places}
    held = {(account_of(row), catalogue.position.get(known[row.id])) for row in rows if row.id in known}
    parents: dict[tuple[Account, str], list[Offer]] = defaultdict(list)
    for row in rows:
        if row.parent and row.id not in known:
            parents[account_of(row), row.parent].append(row)
    found = []
    for (account, parent), run in parents.items():
        if len(run) < SHORTEST_RUN:
            continue
        run.sort(key=lambda row: str(row.id))
        readings = [read_offer(catalogue, row) for row in run]
        names = {style_of[place] for reading in readings for place in shortlist(catalogue, reading, size=24)}
        fits = []
        for name in sorted(names):
            places = [place for place in styles[name] if (account, place) not in held]
            pairs = _pair(catalogue, run, readings, places)
            if pairs is not None:
                fits.append((places, pairs))
        if len(fits) == 1:
            found.append(_proposal(catalogue, account, parent, *fits[0]))
    return sorted(found, key=lambda each: (-each.score, each.channel, str(each.account_id), each.parent))


def styles_of(catalogue: Catalogue) -> dict[str, list[int]]:
    """
    Our SKUs by style: name -> places. SKUs of one style share brand, words, models, gender and edition; ``Goods.style`` outweighs that.
    """
    styles: dict[str, list[int]] = defaultdict(list)
    for place, (row, read) in enumerate(zip(catalogue.goods, catalogue.features, strict=True)):
        styles[f"named {row.style}" if row.style else f"read {_style_key(read)}"].append(place)
    return styles


def _style_key(read: Features) -> str:
    parts = (sorted(read.words), sorted(read.models), sorted(read.genders), sorted(read.editions))
    return "|".join((read.brand, *(" ".join(part) for part in parts)))


def _pair(
    catalogue: Catalogue, run: Sequence[Offer], readings: Sequence[Reading], places: Sequence[int]
) -> list[tuple[Offer, Reading, int, Comparison]] | None:
    """Every listing with the one SKU that fits it, or None when one has none or two, or two listings have the same."""
    if len(places) < len(run):
        return None
    pairs = []
    for offer, reading in zip(run, readings, strict=True):
        fitting = [
            (place, comparison)
            for place in places
            if _fits(comparison := compare(catalogue.features[place], reading, weights=catalogue.weights))
        ]
        if len(fitting) != 1:
            return None
        pairs.append((offer, reading, *fitting[0]))
    return pairs if len({place for _, _, place, _ in pairs}) == len(pairs) else None


def _fits(comparison: Comparison) -> bool:
    """Nothing contradicts, and what makes the variant is said by both sides or by neither."""
    settled = (Verdict.AGREES, Verdict.UNSAID)
    return (
        not comparison.contradictions
        and comparison.verdicts["title"] in (Verdict.AGREES, Verdict.CLOSE)
        and all(comparison.verdicts[field] in settled for field in ("size", "colour", "pack"))
        and comparison.verdicts["capacity"] is not Verdict.ONLY_OURS
        and any(comparison.verdicts[field] is Verdict.AGREES for field in VARIANT_FIELDS)
    )


def _proposal(
    catalogue: Catalogue,
    account: Account,
    parent: str,
    places: Sequence[int],
    pairs: Sequence[tuple[Offer, Reading, int, Comparison]],
) -> StyleProposal:
    shown = []
    for offer, reading, place, comparison in pairs:
        row, read = catalogue.goods[place], catalogue.features[place]
        score = score_pair(row, read, offer, reading, comparison)
        shown.append((offer.id, suggestion(row, read, offer, reading, comparison, score=score)))
    used = {place for _, _, place, _ in pairs}
    return StyleProposal(
        channel=account[0],
        account_id=account[1],
        parent=parent,
        pairs=tuple(shown),
        score=min(found.score for _, found in shown),
        unlisted=tuple(catalogue.goods[place].id for place in places if place not in used),
    )
