"""Doubting what is linked: every link is scored as if it were new, and the doubtful ones come first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from skumap.matching.catalogue import Catalogue, build_catalogue, read_offer, shortlist
from skumap.matching.compare import compare
from skumap.matching.conflicts import find_conflicts
from skumap.matching.match import better_readings, mismatches
from skumap.matching.records import Conflict, ConflictCode, Goods, Id, Offer, Suggestion
from skumap.matching.score import score_pair, suggestion

LOWEST_TRUSTED = 60.0
POINTS_OFF = 12.0  # for each reason to doubt
FAR_MRP = 1.5  # times the other; a pack's MRP is for the pack
CHEAP = Decimal("0.15")  # of our MRP: less is hardly the same product
ABOUT_IDENTIFIERS = frozenset(
    {ConflictCode.PRODUCT_FOR_TWO_SKUS, ConflictCode.SKU_HAS_TWO_PRODUCTS, ConflictCode.BARCODE_TWICE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """
    One link, judged.

    :ivar score: 0 to 100: likeness, less the reasons to doubt. :ivar doubtful: a person should look.
    :ivar reasons: why, named. :ivar pair: score of the likeness alone, and every compared field.
    :ivar better: the SKU that the listing reads more like, if there is one.
    """

    offer_id: Id
    goods_id: Id
    score: float
    doubtful: bool
    reasons: tuple[Conflict, ...]
    pair: Suggestion
    better: Id | None = None


def audit_links(
    *, goods: Iterable[Goods], offers: Iterable[Offer], links: Mapping[Id, Id], limit: float = LOWEST_TRUSTED
) -> list[Audited]:
    """
    Score every link by title, brand, size, colour, pack, capacity, barcode, MRP and price.

    A link is doubtful when it scores below ``limit`` or has any reason against it. Units: where one sale takes several units
    (``Offer.units``), the pack says so and the MRP is compared for as many.

    :param links: listing id -> SKU id; a link whose listing or SKU is not given is passed over.
    :return: all links, the worst first, ties by listing id.
    """
    ours, rows = list(goods), list(offers)
    catalogue = build_catalogue(ours)
    about: dict[Id, list[Conflict]] = defaultdict(list)
    for conflict in find_conflicts(goods=ours, offers=rows, links=links):
        if conflict.code in ABOUT_IDENTIFIERS:
            for offer_id in conflict.offer_ids:
                about[offer_id].append(conflict)
    found = [
        _audit(catalogue, row, catalogue.position[links[row.id]], about[row.id], limit)
        for row in rows
        if row.id in links and links[row.id] in catalogue.position
    ]
    return sorted(found, key=lambda each: (each.score, str(each.offer_id)))


def _audit(catalogue: Catalogue, offer: Offer, place: int, known: Iterable[Conflict], limit: float) -> Audited:
    goods, features, reading = catalogue.goods[place], catalogue.features[place], read_offer(catalogue, offer)
    places = dict.fromkeys([place, *shortlist(catalogue, reading, size=24)])
    comparisons = {each: compare(catalogue.features[each], reading, weights=catalogue.weights) for each in places}
    pair = suggestion(
        goods,
        features,
        offer,
        reading,
        comparisons[place],
        score=score_pair(goods, features, offer, reading, comparisons[place]),
    )
    reasons = mismatches(goods, offer, comparisons[place])
    if (offer.units or 1) > 1:
        # A link may say that one sale takes several units: then the pack is no mistake.
        reasons = [reason for reason in reasons if reason.code is not ConflictCode.PACK_MISMATCH]
    if features.gtin and reading.features.gtin and features.gtin != reading.features.gtin:
        reasons.append(_reason(ConflictCode.BARCODE_MISMATCH, "The barcodes differ.", goods, offer))
    reasons += _money(goods, offer, pair.units_per_sale)
    better = next(iter(better_readings(catalogue, place, comparisons)), None)
    if better is not None:
        other = catalogue.goods[better]
        message = f"It reads more like SKU {other.code}."
        reasons.append(_reason(ConflictCode.READS_LIKE_ANOTHER, message, goods, offer, other))
    reasons += known
    score = round(max(pair.score - POINTS_OFF * len(reasons), 0.0), 2)
    return Audited(
        offer_id=offer.id,
        goods_id=goods.id,
        score=score,
        doubtful=bool(reasons) or score < limit,
        reasons=tuple(reasons),
        pair=pair,
        better=None if better is None else catalogue.goods[better].id,
    )


def _money(goods: Goods, offer: Offer, units: int) -> list[Conflict]:
    """Reasons to doubt from MRP and price, in rupees for one sale."""
    found: list[Conflict] = []
    if not goods.mrp or goods.mrp <= 0:
        return found
    mrp = goods.mrp * units
    if offer.mrp and offer.mrp > 0 and float(max(mrp, offer.mrp) / min(mrp, offer.mrp)) > FAR_MRP:
        message = f"MRP is ₹{mrp} with us and ₹{offer.mrp} on the channel."
        found.append(_reason(ConflictCode.MRP_FAR_OFF, message, goods, offer))
    if offer.price and offer.price > mrp:
        message = f"It sells for ₹{offer.price}, above our MRP of ₹{mrp}."
        found.append(_reason(ConflictCode.PRICE_FAR_OFF, message, goods, offer))
    elif offer.price and 0 < offer.price < mrp * CHEAP:
        message = f"It sells for ₹{offer.price}, far below our MRP of ₹{mrp}."
        found.append(_reason(ConflictCode.PRICE_FAR_OFF, message, goods, offer))
    return found


def _reason(code: ConflictCode, message: str, goods: Goods, offer: Offer, *others: Goods) -> Conflict:
    return Conflict(
        code=code, message=message, goods_ids=(goods.id, *(other.id for other in others)), offer_ids=(offer.id,)
    )
