"""Comparing one SKU with one listing, field by field. No field is guessed: what a side does not say is not said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from skumap.matching.features import Features
from skumap.matching.quantities import same_measure
from skumap.matching.records import Verdict
from skumap.matching.words import COLOUR_FAMILIES, COLOURS

AGREES, CLOSE, DIFFERS = Verdict.AGREES, Verdict.CLOSE, Verdict.DIFFERS
ONLY_OURS, ONLY_THEIRS, UNSAID = Verdict.ONLY_OURS, Verdict.ONLY_THEIRS, Verdict.UNSAID
VALUE = {AGREES: 1.0, CLOSE: 0.65, DIFFERS: 0.0, ONLY_OURS: 0.6, ONLY_THEIRS: 0.6}
WEIGHT = {
    "title": 50.0, "brand": 10.0, "size": 12.0, "colour": 12.0, "pack": 12.0, "capacity": 12.0, "model": 12.0,
    "gender": 5.0, "edition": 8.0,
}  # fmt: skip
# A word missing on both sides that carries this share of a title's meaning makes it another title.
REPLACED = 0.22
LITTLE_IN_COMMON = 0.45
NOTHING_IN_COMMON = 0.15
LITTLE_TITLE = 0.3
LARGEST_SIZE = 100  # a bare number from here on is a year, a model or a price
TITLE_STEP = 0.04  # a likeness of titles that differs by less tells nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """
    A listing read against our vocabulary.

    :ivar features: as the listing says it.
    :ivar resolved: word of our vocabulary -> how surely the listing means it, 0..1 (typos and abbreviations below 1).
    :ivar known: words of ours that it certainly uses, with their weight. :ivar strange: how many words nobody of ours uses.
    :ivar text: its resolved words, for comparing as a whole.
    """

    features: Features
    resolved: Mapping[str, float]
    known: Mapping[str, float]
    strange: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    What each field says.

    :ivar title: likeness of the titles, 0..1. :ivar text: likeness of everything that is written, 0..1; no ids, no money.
    :ivar found, missing, extra: weight of our words that the listing has, of those that it lacks, and of its words that ours lacks.
    :ivar silent: fields that differ only by what the listing leaves out.
    """

    verdicts: Mapping[str, Verdict]
    title: float
    text: float
    found: float
    missing: float
    extra: float
    silent: frozenset[str] = frozenset()

    @property
    def contradictions(self) -> list[str]:
        """The fields that clearly differ."""
        return [field for field, verdict in self.verdicts.items() if verdict is DIFFERS]


def compare(ours: Features, theirs: Reading, *, weights: Mapping[str, float]) -> Comparison:
    """
    Compare what is written. :param weights: how much each of our words tells apart (rare ones more).
    """
    other = theirs.features
    title_verdict, title, found, missing, extra = _title(ours, theirs, weights)
    verdicts = {
        "title": title_verdict,
        "brand": _brand(ours, other),
        "size": _size(ours, other),
        "colour": _colour(ours, other),
        "pack": _pack(ours, other),
        "capacity": _capacity(ours, other),
        "model": _model(ours, other),
        "gender": _gender(ours.genders, other.genders),
        "edition": _edition(ours, other),
    }
    total = got = 0.0
    for field, verdict in verdicts.items():
        if verdict is UNSAID:
            continue
        total += WEIGHT[field]
        got += WEIGHT[field] * (title if field == "title" else VALUE[verdict])
    silent = {"edition"} if other.editions < ours.editions else set()
    if not extra and title > LITTLE_TITLE:
        silent.add("title")
    # Without any title there is little to go by, whatever else agrees.
    text = got / total if verdicts["title"] is not UNSAID else got / (total + WEIGHT["title"])
    return Comparison(
        verdicts=verdicts, title=title, text=text, found=found, missing=missing, extra=extra, silent=frozenset(silent)
    )


def reads_better(rival: Comparison, own: Comparison) -> bool:
    """One listing fits the rival clearly better: in a field or in the title, and in nothing worse."""
    if not _reads_no_worse(rival, own):
        return False
    if rival.title > own.title + TITLE_STEP:
        return True
    pairs = ((field, rival.verdicts[field], own.verdicts[field]) for field in own.verdicts)
    return any(
        (theirs is AGREES and mine in ((CLOSE, DIFFERS) if field == "brand" else (CLOSE, DIFFERS, ONLY_THEIRS)))
        or (field == "pack" and theirs is UNSAID and mine is ONLY_OURS)
        for field, theirs, mine in pairs
        if field != "title"
    )


def says_otherwise(rival: Comparison, own: Comparison) -> bool:
    """One listing says in so many words what only the rival is; silence about what ``own`` is does not count."""
    if not reads_better(rival, own):
        return False
    agree_more = any(
        rival.verdicts[field] is AGREES and own.verdicts[field] in (CLOSE, DIFFERS, ONLY_THEIRS)
        for field in own.verdicts
        if field not in ("title", "brand")
    )
    return agree_more or rival.extra < own.extra


def reads_alike(rival: Comparison, own: Comparison) -> bool:
    """What one listing says does not prefer ``own`` to the rival."""
    # How long the words are that the listing leaves out says nothing: only what it has counts.
    as_much = rival.found >= own.found - TITLE_STEP and rival.extra <= own.extra
    return _fields_no_worse(rival, own) and (as_much or rival.title >= own.title - TITLE_STEP / 4)


def _reads_no_worse(rival: Comparison, own: Comparison) -> bool:
    return rival.title >= own.title - TITLE_STEP / 2 and _fields_no_worse(rival, own)


def _fields_no_worse(rival: Comparison, own: Comparison) -> bool:
    if rival.contradictions:
        return False
    if rival.verdicts["pack"] is ONLY_OURS and own.verdicts["pack"] is UNSAID:
        return False  # silence is one unit
    # Which of ours has its brand filled in says nothing about the listing.
    return all(
        verdict is AGREES or own.verdicts[field] is not AGREES
        for field, verdict in rival.verdicts.items()
        if field not in ("title", "brand")
    ) and not (own.verdicts["brand"] is AGREES and rival.verdicts["brand"] in (CLOSE, ONLY_OURS))


def _title(ours: Features, theirs: Reading, weights: Mapping[str, float]) -> tuple[Verdict, float, float, float, float]:
    if not ours.words or not theirs.features.tokens or not (theirs.resolved or theirs.strange):
        return UNSAID, 0.0, 0.0, 0.0, 0.0
    total = matched = 0.0
    for word in ours.words:
        weight = weights.get(word, 1.0)
        total += weight
        # "Protein bar | Coffee": there it is a colour, in our title a word.
        colour = COLOURS.get(word)
        sureness = 1.0 if colour and colour in theirs.features.colours else theirs.resolved.get(word, 0.0)
        matched += weight * sureness
    mine = ours.words
    # A word that is our colour ("olive") is no word of theirs that we lack.
    extra = sum(
        weight for word, weight in theirs.known.items() if word not in mine and COLOURS.get(word) not in ours.colours
    )
    covered = matched / total
    used = matched / (matched + extra + 0.5 * theirs.strange) if matched else 0.0
    as_whole = fuzz.ratio(ours.text, theirs.text) / 100
    title = 0.55 * covered + 0.25 * used + 0.2 * as_whole
    replaced = 1 - covered > REPLACED and extra > REPLACED * (matched + extra)
    # Saying less is no contradiction; saying something else is.
    little = covered < LITTLE_IN_COMMON and (extra > 0 or theirs.strange > 0 or covered < NOTHING_IN_COMMON)
    if little or replaced:
        return DIFFERS, title, matched, total - matched, extra
    return (AGREES if covered > 0.8 else CLOSE), title, matched, total - matched, extra


def _brand(ours: Features, theirs: Features) -> Verdict:
    if not ours.brand and not theirs.brand:
        return UNSAID
    if not theirs.brand:
        return AGREES if all(word in theirs.tokens for word in ours.brand.split()) else ONLY_OURS
    if not ours.brand:
        return AGREES if all(word in ours.tokens for word in theirs.brand.split()) else ONLY_THEIRS
    return same_brand(ours.brand, theirs.brand)


@lru_cache(maxsize=65_536)
def same_brand(one: str, other: str) -> Verdict:
    """Two folded brands, both given: one inside the other is the same brand, a typo or initials are close."""
    if one.replace(" ", "") == other.replace(" ", ""):
        return AGREES
    first, second = set(one.split()), set(other.split())
    if first <= second or second <= first:
        return AGREES
    initials = {"".join(word[0] for word in name.split()) for name in (one, other)}
    if one in initials or other in initials or fuzz.ratio(one, other) >= 78:
        return CLOSE
    short, long = sorted((one.replace(" ", ""), other.replace(" ", "")), key=len)
    return CLOSE if len(short) >= 3 and is_abbreviation(short, long) else DIFFERS


def is_abbreviation(short: str, long: str) -> bool:
    """The letters of ``short`` stand in ``long`` in order, from the same first letter: cttn, cotton."""
    if not short or not long or short[0] != long[0] or len(short) >= len(long):
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)


def _size(ours: Features, theirs: Features) -> Verdict:
    verdict = _either(ours.sizes, theirs.sizes)
    if verdict is DIFFERS:
        lettered = [any(size[-1:].isalpha() for size in side) for side in (ours.sizes, theirs.sizes)]
        return CLOSE if lettered[0] != lettered[1] or "free size" in ours.sizes | theirs.sizes else DIFFERS
    if verdict in (ONLY_OURS, ONLY_THEIRS):
        said, here, there = (ours, ours, theirs) if ours.sizes else (theirs, theirs, ours)
        numeric = {size for size in said.sizes if size[0].isdigit() and not size[-1].isalpha()}
        if numeric & there.numbers:
            return AGREES
        if numeric and any(float(number) < LARGEST_SIZE for number in there.numbers - here.numbers):
            return DIFFERS
    if verdict is UNSAID and ours.numbers and theirs.numbers:
        return DIFFERS if _other_numbers(ours, theirs) else AGREES if ours.numbers & theirs.numbers else UNSAID
    return verdict


def _model(ours: Features, theirs: Features) -> Verdict:
    """A number that each side has alone (class 6, class 7) tells models apart as well; without sizes it counts as one."""
    if (ours.sizes or theirs.sizes) and _other_numbers(ours, theirs):
        return DIFFERS
    verdict = _either(ours.models, theirs.models)
    return CLOSE if verdict is AGREES and ours.models != theirs.models else verdict


def _other_numbers(ours: Features, theirs: Features) -> bool:
    """Both sides have a number that the other one nowhere has."""
    return bool(ours.numbers - theirs.said and theirs.numbers - ours.said)


def _colour(ours: Features, theirs: Features) -> Verdict:
    if ours.colours and theirs.colours:
        return _colours(ours.colours, theirs.colours)
    # "Royal" in both titles is a name; only what one side has alone can be a colour.
    mine, yours = ours.maybe_colours - theirs.maybe_colours, theirs.maybe_colours - ours.maybe_colours
    if ours.colours:
        return _colours(ours.colours, yours) if yours else ONLY_OURS
    if theirs.colours:
        return _colours(mine, theirs.colours) if mine else ONLY_THEIRS
    return UNSAID


def _colours(one: frozenset[str], other: frozenset[str]) -> Verdict:
    if one & other:
        return AGREES if one == other else CLOSE
    return CLOSE if any(_near_colour(mine, yours) for mine in one for yours in other) else DIFFERS


def _near_colour(one: str, other: str) -> bool:
    """A shade and its plain colour, a typo, or words that are no colours we know."""
    first, second = COLOUR_FAMILIES.get(one), COLOUR_FAMILIES.get(other)
    if first is None or second is None:
        return first is not second or fuzz.ratio(one, other) >= 75 or is_abbreviation(*sorted((one, other), key=len))
    if "any" in (first, second):
        return True
    return first == second and (first in (one, other))


def _pack(ours: Features, theirs: Features) -> Verdict:
    if not ours.packs and not theirs.packs:
        return UNSAID
    if not ours.packs:
        # Silence is one unit: a listing of two would sell the shelf empty twice as fast.
        return CLOSE if {str(count) for count in theirs.packs} & ours.numbers else DIFFERS
    if not theirs.packs:
        return CLOSE if {str(count) for count in ours.packs} & theirs.numbers else ONLY_OURS
    if ours.packs & theirs.packs:
        return AGREES if ours.packs == theirs.packs else CLOSE
    return DIFFERS


def _capacity(ours: Features, theirs: Features) -> Verdict:
    if not ours.measures or not theirs.measures:
        return _either(ours.measures, theirs.measures)
    shared = {dimension for dimension, _ in ours.measures} & {dimension for dimension, _ in theirs.measures}
    if not shared:
        return UNSAID
    for dimension in shared:
        mine = [measure for measure in ours.measures if measure[0] == dimension]
        yours = [measure for measure in theirs.measures if measure[0] == dimension]
        if not any(same_measure(one, other) for one in mine for other in yours):
            return DIFFERS
    return AGREES


def _edition(ours: Features, theirs: Features) -> Verdict:
    if ours.editions == theirs.editions:
        return AGREES if ours.editions else UNSAID
    return DIFFERS


def _gender(ours: frozenset[str], theirs: frozenset[str]) -> Verdict:
    verdict = _either(ours, theirs)
    return CLOSE if verdict is DIFFERS and "unisex" in ours | theirs else verdict


def _either(ours: frozenset[object] | frozenset[str], theirs: frozenset[object] | frozenset[str]) -> Verdict:
    """Two sets: nothing said, said by one, something in common, nothing in common."""
    if not ours or not theirs:
        return ONLY_OURS if ours else ONLY_THEIRS if theirs else UNSAID
    if not ours & theirs:
        return DIFFERS
    return AGREES if ours <= theirs or theirs <= ours else CLOSE
