"""From a comparison to a score of 0 to 100, and to findings that a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from rapidfuzz import fuzz

from skumap.matching.compare import Comparison, Reading
from skumap.matching.features import TOKEN, Features
from skumap.matching.fold import code_key, fold
from skumap.matching.quantities import Measure
from skumap.matching.records import Finding, Goods, Offer, Suggestion, Verdict

TEXT_POINTS, CODE_POINTS, BARCODE_POINTS, MRP_POINTS = 76.0, 10.0, 10.0, 4.0
LONG_CODE = 5  # characters
CONTAINED = 0.95  # how alike a code and one that contains it are
BASE_UNITS = {
    "volume": "ml", "mass": "g", "length": "mm", "power": "W", "charge": "mAh", "storage": "GB", "fabric weight": "gsm",
    "voltage": "V", "resolution": "MP", "rate": "Hz", "duration": "h",
}  # fmt: skip


def score_pair(goods: Goods, ours: Features, offer: Offer, theirs: Reading, comparison: Comparison) -> float:
    """How likely the two are one, 0 to 100: what is written, how alike the codes are, barcode and MRP."""
    points = TEXT_POINTS * comparison.text + CODE_POINTS * code_likeness(ours.code, theirs.features.code)
    barcode = _barcode(ours, theirs.features)
    points += BARCODE_POINTS * {Verdict.AGREES: 1.0, Verdict.DIFFERS: 0.0}.get(barcode, 0.5)
    return round(points + MRP_POINTS * _mrp_likeness(goods.mrp, offer.mrp), 2)


def code_likeness(one: str, other: str) -> float:
    """0..1; codes with less than half in common say nothing (0), nor does a missing one."""
    (first, mine), (second, yours) = _code_forms(one), _code_forms(other)
    if not first or not second:
        return 0.0
    if min(len(first), len(second)) >= LONG_CODE and (mine in yours or yours in mine):
        return CONTAINED  # "AMZ-SW0125G-NEW" is what a tool made of SW0125G
    return max(0.0, fuzz.ratio(first, second) / 50 - 1)


@lru_cache(maxsize=65_536)
def _code_forms(code: str) -> tuple[str, str]:
    """Its key, and its pieces with a blank around each."""
    return code_key(code), f" {' '.join(TOKEN.findall(fold(code)))} "


def suggestion(
    goods: Goods, ours: Features, offer: Offer, theirs: Reading, comparison: Comparison, *, score: float
) -> Suggestion:
    """The pair as a person sees it: score, every field that is stated, and units in one sale."""
    other = theirs.features
    said = {
        "title": (goods.title, offer.title),
        "brand": (goods.brand or ours.brand, offer.brand or other.brand),
        "size": (_text(ours.sizes or ours.numbers), _text(other.sizes or other.numbers)),
        "colour": (_text(ours.colours or ours.maybe_colours), _text(other.colours or other.maybe_colours)),
        "pack": (_text(ours.packs), _text(other.packs)),
        "capacity": (_measures(ours.measures), _measures(other.measures)),
        "model": (_text(ours.models), _text(other.models)),
        "gender": (_text(ours.genders), _text(other.genders)),
        "edition": (_text(ours.editions), _text(other.editions)),
    }
    findings = [
        Finding(field=field, ours=said[field][0], theirs=said[field][1], verdict=verdict)
        for field, verdict in comparison.verdicts.items()
        if verdict is not Verdict.UNSAID
    ]
    findings += [
        Finding(field="code", ours=goods.code, theirs=offer.seller_sku, verdict=_code(ours.code, other.code)),
        Finding(field="barcode", ours=goods.barcode, theirs=offer.barcode, verdict=_barcode(ours, other)),
        Finding(field="mrp", ours=_money(goods.mrp), theirs=_money(offer.mrp), verdict=_mrp(goods.mrp, offer.mrp)),
    ]
    return Suggestion(
        goods_id=goods.id,
        score=score,
        findings=tuple(finding for finding in findings if finding.verdict is not Verdict.UNSAID),
        units_per_sale=_units_per_sale(ours, other),
    )


def _units_per_sale(ours: Features, theirs: Features) -> int:
    one, many = max(ours.packs, default=1), max(theirs.packs, default=1)
    return many // one if many % one == 0 else 1


def _code(ours: str, theirs: str) -> Verdict:
    if not theirs:
        return Verdict.ONLY_OURS
    if code_key(ours) == code_key(theirs):
        return Verdict.AGREES
    return Verdict.CLOSE if code_likeness(ours, theirs) > 0.6 else Verdict.DIFFERS


def _barcode(ours: Features, theirs: Features) -> Verdict:
    if not ours.gtin or not theirs.gtin:
        return Verdict.ONLY_OURS if ours.gtin else Verdict.ONLY_THEIRS if theirs.gtin else Verdict.UNSAID
    return Verdict.AGREES if ours.gtin == theirs.gtin else Verdict.DIFFERS


def _mrp_likeness(ours: Decimal | None, theirs: Decimal | None) -> float:
    if not ours or not theirs or ours <= 0 or theirs <= 0:
        return 0.5
    return float(min(ours, theirs) / max(ours, theirs))


def _mrp(ours: Decimal | None, theirs: Decimal | None) -> Verdict:
    if ours is None or theirs is None:
        return Verdict.ONLY_OURS if ours is not None else Verdict.ONLY_THEIRS if theirs is not None else Verdict.UNSAID
    likeness = _mrp_likeness(ours, theirs)
    return Verdict.AGREES if ours == theirs else Verdict.CLOSE if likeness >= 0.8 else Verdict.DIFFERS


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else f"₹{amount}"


def _text(values: Iterable[object]) -> str:
    return ", ".join(sorted(str(value).upper() if len(str(value)) < 4 else str(value) for value in values))


def _measures(measures: Iterable[Measure]) -> str:
    shown = []
    for dimension, amount in sorted(measures, key=str):
        if isinstance(amount, tuple):
            shown.append(f"{amount[0]} x {amount[1]} cm")
        else:
            shown.append(f"{amount:g} {BASE_UNITS.get(dimension, dimension)}")
    return ", ".join(shown)
