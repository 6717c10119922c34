"""Making text comparable: case, accents, entities, plurals; and codes without their punctuation."""

from __future__ import annotations

import html
import re
import unicodedata

SEPARATORS = re.compile(r"[\s\-._]+")
BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s\-._]+(?=\d)")


def fold(text: str) -> str:
    """Lower case and ASCII; "Men's" becomes "mens", ``&`` "and", ``w/`` "with"."""
    text = html.unescape(text) if "&" in text else text
    text = unicodedata.normalize("NFKD", text.replace("×", "x").replace("’", "'").replace("″", " inch "))
    text = text.encode("ascii", "ignore").decode().lower()
    text = re.sub(r"(?<=\d)\s*''|(?<=\d)\s*\"", " inch ", text)
    text = re.sub(r"(?<=\d),(?=\d{2,3}(?!\d))", "", text)  # 10,000 mAh and 1,20,000
    text = re.sub(r"(?<=[a-z0-9])\+(?!\s*\w)", " plus ", text).replace("+", " and ")  # A1+, but shampoo + oil
    return text.replace("'", "").replace("&", " and ").replace("w/", " with ").strip()


def stem(word: str) -> str:
    """A word without its plural or participle: mugs, boxes, printed."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "shes", "ches", "sses")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    if len(word) > 5 and word.endswith("ed"):
        return word[:-2]
    return word


def code_key(code: str) -> str:
    """A code without case, spaces, hyphens, dots and underscores; "" for an empty one."""
    return SEPARATORS.sub("", code.strip()).casefold()


def grouped_key(code: str) -> str:
    """As ``code_key``, but 1-23 and 12-3 stay apart: where a separator divides digits, something divides them."""
    return SEPARATORS.sub("", BETWEEN_DIGITS.sub("|", code.strip())).casefold()
