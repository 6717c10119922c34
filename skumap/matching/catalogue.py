"""Our SKUs, read once and indexed: by code, by barcode, and by the words that tell one from another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from math import log

from rapidfuzz import fuzz, process

from skumap.matching.compare import Reading, is_abbreviation
from skumap.matching.features import TOKEN, Features, brand_key, goods_features, mistyped_colour, offer_features
from skumap.matching.fold import code_key, fold
from skumap.matching.records import Goods, Id, Offer
from skumap.matching.words import COLOURS

SHORTLIST = 40
TYPO_CUTOFF = 78.0  # of 100, as rapidfuzz's ratio
COMMON_WORD = 1_500  # a word that more SKUs share is no way to find one


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """
    Our SKUs, ready to be matched against.

    :ivar position: SKU id -> place in ``goods`` and ``features``. :ivar weights: word -> how much it tells apart.
    :ivar by_code, by_key, by_gtin: code, code without punctuation, barcode -> places of the SKUs that bear it.
    :ivar postings: index term -> places.
    """

    goods: Sequence[Goods]
    features: Sequence[Features]
    position: Mapping[Id, int]
    weights: Mapping[str, float]
    by_code: Mapping[str, Sequence[int]]
    by_key: Mapping[str, Sequence[int]]
    by_gtin: Mapping[str, Sequence[int]]
    postings: Mapping[str, Sequence[int]]
    brands: frozenset[str]
    guesses: dict[str, Mapping[str, float]]  # an unknown word -> ours that it may be; filled as words are met


def build_catalogue(goods: Iterable[Goods]) -> Catalogue:
    """Read and index our SKUs. :raises ValueError: two have the same id."""
    # The order of the input must not decide between equals.
    rows = sorted(goods, key=lambda each: (each.code, str(each.id)))
    if len({row.id for row in rows}) != len(rows):
        raise ValueError("two SKUs have the same id")
    brands = frozenset(brand_key(row.brand) for row in rows) - {""}
    features = [goods_features(row, brands=brands) for row in rows]
    by_code, by_key, by_gtin, postings = (defaultdict[str, list[int]](list) for _ in range(4))
    for place, (row, read) in enumerate(zip(rows, features, strict=True)):
        if code_key(row.code):  # a lone dash is no code
            by_code[row.code.strip()].append(place)
            by_key[code_key(row.code)].append(place)
        if read.gtin:
            by_gtin[read.gtin].append(place)
        for term in _terms(read, read.words):
            postings[term].append(place)
    counts = Counter(word for read in features for word in read.words)
    return Catalogue(
        goods=rows,
        features=features,
        position={row.id: place for place, row in enumerate(rows)},
        weights={word: 1 + log(len(rows) / count) for word, count in counts.items()},
        by_code=by_code,
        by_key=by_key,
        by_gtin=by_gtin,
        postings=postings,
        brands=brands | {read.brand for read in features if read.brand},
        guesses={},
    )


def read_offer(catalogue: Catalogue, offer: Offer) -> Reading:
    """Read a listing in the words of our catalogue."""
    features = offer_features(offer, brands=catalogue.brands)
    resolved: dict[str, float] = {}
    known: dict[str, float] = {}
    strange = 0
    words = features.words
    for index, word in enumerate(words):
        if word in catalogue.weights:
            resolved[word] = 1.0
            known[word] = catalogue.weights[word]
            continue
        guesses = catalogue.guesses.get(word)
        if guesses is None:
            guesses = catalogue.guesses[word] = _guess(catalogue, word)
        joined = _joined(catalogue, words, index)
        for guess, sureness in {**guesses, **joined}.items():
            resolved[guess] = max(resolved.get(guess, 0.0), sureness)
        strange += not (guesses or joined or mistyped_colour(word) or COLOURS.get(word) in features.colours)
    return Reading(
        features=features,
        resolved=resolved,
        known=known,
        strange=strange,
        text=" ".join(sorted(" ".join(resolved or words).split())),
    )


def shortlist(catalogue: Catalogue, reading: Reading, *, size: int = SHORTLIST) -> list[int]:
    """The places of SKUs that share the most telling terms with a listing, best first; ties by code."""
    total = len(catalogue.goods)
    found: dict[int, float] = defaultdict(float)
    for term in sorted(_terms(reading.features, reading.resolved)):
        places = catalogue.postings.get(term, ())
        if not places or (len(places) > COMMON_WORD and not term.startswith("brand:")):
            continue
        weight = (1 + log(total / len(places))) * (0.5 if term.startswith("code:") else 1.0)
        weight *= reading.resolved.get(term, 1.0)
        for place in places:
            found[place] += weight
    places = [-minus for _, minus in nlargest(size, ((points, -place) for place, points in found.items()))]
    same_code = catalogue.by_key.get(code_key(reading.features.code), ()) if reading.features.code else ()
    exact = [*same_code, *catalogue.by_gtin.get(reading.features.gtin, ())]
    return list(dict.fromkeys([*exact[:size], *places]))


def _terms(read: Features, words: Iterable[str]) -> set[str]:
    return {
        *words,
        *read.models,
        *(f"size:{size}" for size in read.sizes),
        *(f"colour:{colour}" for colour in read.colours | read.maybe_colours),
        *(f"pack:{count}" for count in read.packs),
        *(f"{dimension}:{amount}" for dimension, amount in read.measures),
        *((f"brand:{read.brand}",) if read.brand else ()),
        *(f"code:{piece}" for piece in TOKEN.findall(fold(read.code)) if len(piece) > 1),
    }


def _guess(catalogue: Catalogue, word: str) -> dict[str, float]:
    """Words of ours that an unknown word may be: a typo, an abbreviation, or two words written as one."""
    if len(word) < 3:
        return {}
    vocabulary = catalogue.weights
    found = {
        other: score / 100
        for other, score, _ in process.extract(
            word, vocabulary.keys(), scorer=fuzz.ratio, score_cutoff=TYPO_CUTOFF, limit=3
        )
    }
    if not found and process.extractOne(word, COLOURS.keys(), scorer=fuzz.ratio, score_cutoff=85) is None:
        longer = [other for other in vocabulary if len(word) >= 0.4 * len(other) and is_abbreviation(word, other)]
        longer.sort(key=lambda other: (len(other), other))
        found = dict.fromkeys(longer[:3], 0.8)
    for cut in range(3, len(word) - 2):
        if word[:cut] in vocabulary and word[cut:] in vocabulary:
            found |= {word[:cut]: 0.95, word[cut:]: 0.95}
    return found


def _joined(catalogue: Catalogue, words: Sequence[str], index: int) -> dict[str, float]:
    """A word of ours that the listing has split in two at this word."""
    pairs = (words[max(index - 1, 0) : index + 1], words[index : index + 2])
    return {"".join(pair): 0.95 for pair in pairs if len(pair) == 2 and "".join(pair) in catalogue.weights}
