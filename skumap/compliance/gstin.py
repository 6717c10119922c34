"""GSTIN: is the number well formed, whose is it, and does it fit the seller? Whether it is active only the GST portal knows."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from skumap.compliance.place import canonical_state_code, find_state
from skumap.compliance.tables import States, shipped_states
from skumap.compliance.verdict import Problem, Verdict, as_text, error, quoted

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PAN_PATTERN = re.compile(r"[A-Z]{5}[0-9]{4}[A-Z]")
GSTIN_PATTERNS = {
    "normal": re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]"),
    "government": re.compile(r"[0-9]{2}[A-Z]{4}[0-9]{5}[A-Z][0-9]Z[0-9]"),
    "tcs": re.compile(r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]C[0-9A-Z]"),
    "tds": re.compile(r"[0-9]{2}[A-Z]{4}[A-Z0-9][0-9]{4}[A-Z][1-9A-Z]D[0-9A-Z]"),
    "un_body": re.compile(r"[0-9]{4}[A-Z]{3}[0-9]{5}[UO]N[A-Z0-9]"),
    "nri": re.compile(r"[0-9]{4}[A-Z]{3}[0-9]{5}NR[0-9A-Z]"),
}
TRADING_KINDS = ("normal", "government")  # those that may sell and buy
PREFIX_STATUSES = ("active", "merged", "legacy")
_KIND_WORDS = {
    "normal": "of a business",
    "government": "of a government department",
    "tcs": "of a marketplace (TCS)",
    "tds": "of a tax deductor (TDS)",
    "un_body": "of an embassy or UN body",
    "nri": "of a non-resident",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GstinVerdict(Verdict):
    """
    What we make of a GSTIN.

    :ivar kind: ``normal``, ``government``, ``tcs``, ``tds``, ``un_body``, ``nri``, or None. :ivar state_code: its first two digits.
    :ivar pan: the ten characters in it, None where they are not shaped like a PAN.
    """

    kind: str | None = None
    state_code: str | None = None
    pan: str | None = None


def validate_gstin(
    gstin: object,
    *,
    pan: object = None,
    dispatch_state: object = None,
    kinds: Collection[str] = TRADING_KINDS,
    states: States | None = None,
    field: str = "gstin",
) -> GstinVerdict:
    """
    Judge a GSTIN. It is trimmed and upper-cased, nothing else is mended.

    Errors in order, the first one wins: ``bad_length``, ``bad_format``, ``bad_state``, ``not_a_seller_gstin``, ``bad_checksum``. When it is well
    formed: ``pan_mismatch`` and ``state_mismatch``, if ``pan`` and ``dispatch_state`` are given.

    :param pan: the seller's PAN. :param dispatch_state: code or name of the State of the dispatch address (25 counts as 26, 28 as 37).
    :param kinds: the kinds that are asked for; the default is a seller's or buyer's number.
    """
    table = shipped_states() if states is None else states
    text = ascii_upper(as_text(gstin))
    if len(text) != 15:
        words = f"A GSTIN has 15 characters, this one has {len(text)}." if text else "The GSTIN is missing."
        return GstinVerdict(problems=(error("bad_length", field, words),))
    kind = next((name for name, pattern in GSTIN_PATTERNS.items() if pattern.fullmatch(text)), None)
    if kind is None:
        words = f"{quoted(text)} is not built like a GSTIN: 2 digits, the PAN, 1 character, Z, and a check character."
        return GstinVerdict(problems=(error("bad_format", field, words),))
    problems = _wrong(text, kind, kinds, table, field) or _foreign(text, pan, dispatch_state, table, field)
    return GstinVerdict(
        normalized=text,
        problems=tuple(problems),
        kind=kind,
        state_code=text[:2],
        pan=text[2:12] if PAN_PATTERN.fullmatch(text[2:12]) else None,
    )


def validate_pan(pan: object, *, field: str = "pan") -> Verdict:
    """Judge the shape of a PAN; it has no check digit that is public. Errors: ``bad_length``, ``bad_format``."""
    text = ascii_upper(as_text(pan))
    if len(text) != 10:
        return Verdict(problems=(error("bad_length", field, f"A PAN has 10 characters, this one has {len(text)}."),))
    if not PAN_PATTERN.fullmatch(text):
        words = f"{quoted(text)} is not built like a PAN: 5 letters, 4 digits, 1 letter."
        return Verdict(problems=(error("bad_format", field, words),))
    return Verdict(normalized=text)


def gstin_check_character(first_14: str) -> str:
    """
    The last character that belongs to the first fourteen (modulus 36).

    :raises ValueError: not fourteen characters of 0-9 and A-Z.
    """
    if len(first_14) != 14:
        raise ValueError("the check character is computed from 14 characters")
    total = 0
    for place, character in enumerate(first_14):
        product = ALPHABET.index(character) * (1 + place % 2)
        total += product // 36 + product % 36
    return ALPHABET[(36 - total % 36) % 36]


def ascii_upper(text: str) -> str:
    """Upper case, but only of ASCII: ``"ı".upper()`` is a perfectly ASCII ``"I"`` that nobody typed."""
    return text.upper() if text.isascii() else text


def _wrong(text: str, kind: str, kinds: Collection[str], table: States, field: str) -> list[Problem]:
    state = table.get(text[:2])
    if state is None or state.status not in PREFIX_STATUSES:
        return [error("bad_state", field, f"A GSTIN can't begin with {text[:2]}: that is no State's code.")]
    if kind not in kinds:
        return [
            error(
                "not_a_seller_gstin",
                field,
                f"{text} is the number {_KIND_WORDS[kind]}; a seller's or buyer's GSTIN is asked for.",
            )
        ]
    if gstin_check_character(text[:14]) != text[14]:
        words = f"The check character of {text} does not fit; please compare it with the certificate (O and 0, I and 1, S and 5)."
        return [error("bad_checksum", field, words)]
    return []


def _foreign(text: str, pan: object, dispatch_state: object, table: States, field: str) -> list[Problem]:
    problems = []
    if pan is not None and ascii_upper(as_text(pan)) != text[2:12]:
        problems.append(error("pan_mismatch", field, "The PAN in the GSTIN is not the seller's PAN."))
    if dispatch_state is None:
        return problems
    state = find_state(dispatch_state, states=table)
    if state is None or state.gst_state_code != canonical_state_code(text[:2]):
        words = f"The GSTIN is registered in State {text[:2]}, the goods leave from {quoted(as_text(dispatch_state))}."
        problems.append(error("state_mismatch", field, words))
    return problems
