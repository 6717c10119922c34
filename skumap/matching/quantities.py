"""Counts and measures in free text: "Pack of 2", "4 pcs", "1.5 Ltr", "10,000mAh", "4 x 6 ft"."""

from __future__ import annotations

import re

from skumap.matching.words import NUMBER_WORDS, UNITS

# Dimension and amount in its base unit; an area is (shorter side, longer side) in whole cm.
Measure = tuple[str, float | tuple[int, int]]

_NUMBER = r"(\d{1,3}|" + "|".join(NUMBER_WORDS) + r")"
_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_SIDE = r"(\d+(?:\.\d+)?)\s*(ft|feet|foot|inches|inch|in|cms|cm|mtr|m)?"
EXPLICIT_COUNT = re.compile(rf"\b(?:pack|set|combo|box|bundle|packet|pk|case|lot|po|so)\s*-?\s*of\s*:?\s*{_NUMBER}\b")
LABELLED_COUNT = re.compile(rf"\b(?:combo|set|pack|pk|packet)(?:\s*[:\-]\s*)?{_NUMBER}\b(?!\s*(?:in1|x)\b)")
COUNT = re.compile(
    rf"\b{_NUMBER}\s*-?\s*(?:pcs|pc|pieces|piece|packs|pack|pk|units|unit|nos|sets|set|pairs|count|ct|n)\b"
    r"|\bx\s?(\d{1,2})\b|\b(\d{1,2})\s?x(?=\s|$)|\b(twin)\s*-?\s*pack\b|\bpo(\d{1,2})\b"
    rf"|\b(?:combo|set|pack|pk|packet)\s+{_NUMBER}\b(?!\s*(?:in1|x)\b)"
)
MULTIPLE = re.compile(r"\b(\d{1,2})\s*[x*]\s*(?=\d+(?:\.\d+)?\s*(?:ml|l|ltr|g|gm|gms|kg)\b)")
TIMES = re.compile(r"\b(\d+(?:\.\d+)?\s*(?:ml|l|ltr|g|gm|gms|kg))\s*[x*]\s*(\d{1,2})\b")
AREA = re.compile(rf"\b{_SIDE}\s*(?:x|by|\*)\s*{_SIDE}\b")
LOPSIDED = re.compile(r"\s[x*]\d|\d[x*]\s")
THOUSANDS = re.compile(r"\b(\d+(?:\.\d+)?)\s*k\s*(?=mah\b)")
MEASURE = re.compile(rf"(?<![\w.])(\d+(?:\.\d+)?|\.\d+)\s*-?\s*({_UNIT})\b")
NETWORKS = frozenset({"2g", "3g", "4g", "5g", "6g"})
CM = {"ft": 30.48, "feet": 30.48, "foot": 30.48, "inch": 2.54, "inches": 2.54, "in": 2.54, "m": 100.0, "mtr": 100.0}


def take_explicit_counts(text: str) -> tuple[str, set[int]]:
    """Take "pack of N" and "N x 150 ml" out of folded text. :return: the text left over, and the counts."""
    found: set[int] = set()

    def keep(match: re.Match[str]) -> str:
        found.add(_count(match[1]))
        return " "

    text = EXPLICIT_COUNT.sub(keep, text)
    text = MULTIPLE.sub(keep, text)

    def keep_times(match: re.Match[str]) -> str:
        found.add(int(match[2]))
        return match[1]

    return TIMES.sub(keep_times, text), found


def take_counts(text: str) -> tuple[str, set[int]]:
    """Take every way to name a count out of folded text. :return: the text left over, and the counts."""
    text, found = take_explicit_counts(text)

    def keep(match: re.Match[str]) -> str:
        found.add(_count(next(group for group in match.groups() if group)))
        return " "

    return COUNT.sub(keep, LABELLED_COUNT.sub(keep, text)), found


def take_measures(text: str) -> tuple[str, set[Measure]]:
    """Take measures out of folded text. :return: the text left over, and (dimension, amount in base units)."""
    found: set[Measure] = set()

    def keep_area(match: re.Match[str]) -> str:
        if not (match[2] or match[4]) and LOPSIDED.search(match[0]):
            return match[0]  # "UK 8 X1": a size and a model
        unit = match[4] or match[2] or ("ft" if float(match[3]) < 20 else "cm")
        sides = sorted(round(float(side) * CM.get(unit, 1.0)) for side in (match[1], match[3]))
        found.add(("area", (sides[0], sides[1])))
        return " "

    def keep(match: re.Match[str]) -> str:
        if match[0] in NETWORKS:
            return match[0]
        dimension, factor = UNITS[match[2]]
        found.add((dimension, round(float(match[1]) * factor, 3)))
        return " "

    text = AREA.sub(keep_area, text)
    text = THOUSANDS.sub(lambda match: f"{float(match[1]) * 1000:.0f} ", text)
    return MEASURE.sub(keep, text), found


def same_measure(one: Measure, other: Measure) -> bool:
    """The same dimension and an amount within 2 % (an area within 5 % a side): 1 ft is 30 cm to a seller."""
    if one[0] != other[0]:
        return False
    if isinstance(one[1], tuple) and isinstance(other[1], tuple):
        return all(_near(a, b, 0.05) for a, b in zip(one[1], other[1], strict=True))
    if isinstance(one[1], tuple) or isinstance(other[1], tuple):
        return False
    return _near(one[1], other[1], 0.02)


def _near(one: float, other: float, share: float) -> bool:
    return abs(one - other) <= share * max(one, other)


def _count(text: str) -> int:
    if text == "twin":
        return 2
    return NUMBER_WORDS.get(text) or int(text)
