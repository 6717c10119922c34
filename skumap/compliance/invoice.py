"""Invoices: their numbers, their totals, and the sums that the e-invoice portal checks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skumap.compliance.tables import HsnCodes, shipped_hsn_codes
from skumap.compliance.tax import TaxSplit
from skumap.compliance.verdict import Problem, Verdict, as_text, error, quoted

INVOICE_NUMBER_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9/-]{0,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTotals:
    """Sums of an invoice in paise. ``rupee_round_off`` brings ``total`` to ``payable``, a whole rupee; it changes no tax."""

    taxable: int
    cgst: int
    sgst: int
    igst: int
    round_off: int
    total: int
    rupee_round_off: int
    payable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EinvoiceLine:
    """A line as the e-invoice portal gets it, in paise: ``assessable`` must be ``amount`` less ``discount``."""

    hsn: str
    amount: int
    assessable: int
    total: int
    discount: int = 0
    cgst: int = 0
    sgst: int = 0
    igst: int = 0


def check_invoice_number(number: object, *, used: Iterable[str] = (), field: str = "invoice_number") -> Verdict:
    """
    Judge an invoice number (rule 46): at most 16 letters, digits, ``-`` and ``/``, the first one a letter or digit.

    Errors: ``empty``, ``too_long``, ``bad_format``, ``not_unique``.

    :param used: numbers given out in the same financial year; the portal does not tell upper case from lower.
    """
    text = as_text(number)
    if not text:
        return Verdict(problems=(error("empty", field, "The invoice number is missing."),))
    if len(text) > 16:
        words = f"An invoice number has at most 16 characters, this one has {len(text)}."
        return Verdict(problems=(error("too_long", field, words),))
    if not INVOICE_NUMBER_PATTERN.fullmatch(text):
        words = f"{quoted(text)}: an invoice number holds letters, digits, - and /, and begins with a letter or digit."
        return Verdict(problems=(error("bad_format", field, words),))
    if text.lower() in {other.strip().lower() for other in used}:
        words = f"The invoice number {text} has been used in this financial year."
        return Verdict(normalized=text, problems=(error("not_unique", field, words),))
    return Verdict(normalized=text)


def round_to_rupee(total_paise: int) -> tuple[int, int]:
    """A total as whole rupees, in paise, and the round-off that leads there; 50 paise go up (for a credit: away from zero)."""
    sign = -1 if total_paise < 0 else 1
    payable = sign * ((abs(total_paise) + 50) // 100) * 100
    return payable, payable - total_paise


def invoice_totals(lines: Sequence[TaxSplit], *, to_rupee: bool = False) -> InvoiceTotals:
    """The sums of the lines; with ``to_rupee`` also rounded to a whole rupee, which leaves the taxes as they are."""
    total = sum(line.total for line in lines)
    payable, rupee_round_off = round_to_rupee(total) if to_rupee else (total, 0)
    return InvoiceTotals(
        taxable=sum(line.taxable for line in lines),
        cgst=sum(line.cgst for line in lines),
        sgst=sum(line.sgst for line in lines),
        igst=sum(line.igst for line in lines),
        round_off=sum(line.round_off for line in lines),
        total=total,
        rupee_round_off=rupee_round_off,
        payable=payable,
    )


def check_einvoice(
    lines: Sequence[EinvoiceLine],
    *,
    assessable_total: int,
    invoice_total: int,
    intra: bool,
    codes: HsnCodes | None = None,
) -> Verdict:
    """
    What the e-invoice portal would refuse; its own codes stand in the words.

    Errors: ``line_values_do_not_add_up`` (2182), ``total_off_by_more_than_a_rupee`` (2189), ``assessable_not_amount_less_discount`` (2193),
    ``igst_within_state`` (2172), ``unknown_hsn`` (2176).
    """
    table = shipped_hsn_codes() if codes is None else codes
    problems: list[Problem] = []
    if sum(line.assessable for line in lines) != assessable_total:
        problems.append(
            error(
                "line_values_do_not_add_up",
                "assessable_total",
                "The lines' values do not add up to the invoice's value (2182).",
            )
        )
    if abs(sum(line.total for line in lines) - invoice_total) > 100:
        words = "The lines' totals differ from the invoice's total by more than one rupee (2189)."
        problems.append(error("total_off_by_more_than_a_rupee", "invoice_total", words))
    for index, line in enumerate(lines):
        problems += _line_problems(line, f"lines[{index}]", intra, table)
    return Verdict(problems=tuple(problems))


def _line_problems(line: EinvoiceLine, where: str, intra: bool, table: HsnCodes) -> list[Problem]:
    problems = []
    if line.assessable != line.amount - line.discount:
        words = "The taxable value must be the amount less the discount (2193)."
        problems.append(error("assessable_not_amount_less_discount", f"{where}.assessable", words))
    if intra and line.igst:
        problems.append(error("igst_within_state", f"{where}.igst", "A supply within the State bears no IGST (2172)."))
    if line.hsn not in table:
        problems.append(
            error("unknown_hsn", f"{where}.hsn", f"The portal does not know the HSN code {quoted(line.hsn)} (2176).")
        )
    return problems
