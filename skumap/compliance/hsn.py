"""HSN codes: what a seller types, cleaned and judged in a fixed order. Nothing is padded, cut or guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from skumap.compliance.dates import supply_date
from skumap.compliance.tables import HsnCodes, shipped_hsn_codes
from skumap.compliance.verdict import Problem, Verdict, as_text, error, is_ascii_digits, quoted, warning

HSN_LENGTHS = (2, 4, 6, 8)
TURNOVER_LIMIT_PAISE = 5_00_00_000 * 100  # five crore rupees

_SEPARATORS = re.compile(r"[\s.\-]+")
_SUPERSEDED = re.compile(r"superseded_(\d{4}-\d{2}-\d{2})", re.ASCII)
_LEGACY = ("legacy_heading", "probably_legacy")


@dataclass(frozen=True, slots=True, kw_only=True)
class HsnVerdict(Verdict):
    """
    What we make of an HSN code.

    :ivar normalized: its digits; None when it is empty, no number, or of no valid length.
    :ivar send_as: what channels and invoices get: the one tariff item behind a six-digit code, otherwise the digits; None when an error blocks.
    :ivar description: the Government's words for a listed code.
    """

    send_as: str | None = None
    description: str = ""


def normalize_hsn(code: object) -> str:
    """The text of a code without spaces, dots and hyphens. Zeros are never added."""
    return _SEPARATORS.sub("", as_text(code))


def is_hsn_shaped(digits: str) -> bool:
    """Two, four, six or eight ASCII digits that are not a service code."""
    return is_ascii_digits(digits) and len(digits) in HSN_LENGTHS and not digits.startswith("99")


def validate_hsn(
    code: object,
    *,
    min_digits: int = 6,
    on: date | datetime | None = None,
    codes: HsnCodes | None = None,
    field: str = "hsn",
) -> HsnVerdict:
    """
    Judge an HSN code; the first failure wins.

    Errors in order: ``empty``, ``not_digits``, ``bad_length``, ``sac_not_goods``, ``too_few_digits``, ``not_listed``. Warnings:
    ``expand_to_8``, ``superseded``, ``legacy``.

    :param min_digits: the seller's setting: 6, or 4 for a small one, see :func:`hsn_min_digits`.
    :param on: the date it is used; without one, a code counts as superseded as soon as the table says so.
    :param codes: the tariff list by code; the shipped one when None.
    """
    table = shipped_hsn_codes() if codes is None else codes
    digits = normalize_hsn(code)
    failure = _unreadable(digits, field)
    if failure is not None:
        return HsnVerdict(problems=(failure,))
    failure = _refused(digits, field, min_digits, table)
    if failure is not None:
        return HsnVerdict(normalized=digits, problems=(failure,))
    item = only_tariff_item(digits, codes=table)
    return HsnVerdict(
        normalized=digits,
        problems=tuple(_doubts(digits, item, field, None if on is None else supply_date(on), table)),
        send_as=item or digits,
        description=table[digits].description,
    )


def only_tariff_item(digits: str, *, codes: HsnCodes | None = None) -> str | None:
    """The eight-digit item of a six-digit code whose only listed child it is, if that ends in 00; otherwise None."""
    table = shipped_hsn_codes() if codes is None else codes
    if len(digits) != 6:
        return None
    children = [child for child in (f"{digits}{tail:02d}" for tail in range(100)) if child in table]
    return children[0] if children == [f"{digits}00"] else None


def hsn_min_digits(*, turnover_paise: int, buyer_registered: bool) -> int:
    """
    The fewest HSN digits that a tax invoice may carry since 2021-04-01; more are always fine.

    :param turnover_paise: aggregate turnover of the previous financial year.
    :return: 6 above five crore rupees; up to that, 4 to a registered buyer and 0 (optional, 4 if given) to others.
    """
    if turnover_paise > TURNOVER_LIMIT_PAISE:
        return 6
    return 4 if buyer_registered else 0


def shopify_hsn(*, metafield: object = None, harmonized_system_code: object = None) -> str | None:
    """The HSN text of a Shopify variant: the metafield if it holds something, otherwise the customs code (may be of 6 digits), otherwise None."""
    return as_text(metafield) or as_text(harmonized_system_code) or None


def _unreadable(digits: str, field: str) -> Problem | None:
    if not digits:
        return error("empty", field, "The HSN code is missing. You find it on the supplier's invoice.")
    if not is_ascii_digits(digits):
        return error(
            "not_digits", field, f"The HSN code {quoted(digits)} may hold only the digits 0 to 9, entered as text."
        )
    if len(digits) not in HSN_LENGTHS:
        hint = " A spreadsheet may have dropped a leading zero; please check." if len(digits) % 2 else ""
        return error(
            "bad_length",
            field,
            f"The HSN code {quoted(digits)} has {len(digits)} digits; 2, 4, 6 or 8 are possible.{hint}",
        )
    return None


def _refused(digits: str, field: str, min_digits: int, table: HsnCodes) -> Problem | None:
    if digits.startswith("99"):
        return error("sac_not_goods", field, f"{digits} is a code for services (SAC); goods need an HSN code.")
    if len(digits) < min_digits:
        return error(
            "too_few_digits",
            field,
            f"The HSN code {digits} is too short: at least {min_digits} digits are needed, best all 8.",
        )
    if digits not in table:
        return error(
            "not_listed",
            field,
            f"{digits} is not in the tariff. Look the product up on the GST portal; do not shorten a longer code.",
        )
    return None


def _doubts(digits: str, item: str | None, field: str, day: date | None, table: HsnCodes) -> list[Problem]:
    status, found = table[digits].status, []
    if item is not None:
        found.append(warning("expand_to_8", field, f"{digits} has one tariff item only; {item} is what we send."))
    superseded = _SUPERSEDED.fullmatch(status)
    if superseded and (day is None or day >= date.fromisoformat(superseded.group(1))):
        found.append(
            warning(
                "superseded",
                field,
                f"{digits} was replaced by newer codes on {superseded.group(1)}; please choose one.",
            )
        )
    if status in _LEGACY:
        found.append(
            warning(
                "legacy", field, f"{digits} seems to come from an older tariff; please check that it is still in use."
            )
        )
    return found
