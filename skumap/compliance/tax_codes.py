"""
What marketplaces call a rate. The codes are configuration and their meaning has dates; a rate without a code blocks, a near one is never taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from skumap.compliance.dates import supply_date
from skumap.compliance.hsn import normalize_hsn
from skumap.compliance.rates import RateTable, has_value_test, rate_of
from skumap.compliance.verdict import Problem, Verdict, as_text, error, quoted

FLIPKART_TAX_CODES = ("GST_0", "GST_3", "GST_5", "GST_12", "GST_18", "GST_28", "GST_APPAREL")
#: Codes that follow the price, by chapter. One is used only if the account offers it; chapter 63 has none until a seller names it.
FLIPKART_PRICE_CODES: Mapping[str, str] = {"61": "GST_APPAREL", "62": "GST_APPAREL", "64": "GST_FOOTWEAR"}

GST_2_START = date(2025, 9, 22)  # 12 and 28 per cent ended for marketplace goods
TOBACCO_28_END = date(2026, 1, 31)
_TOBACCO = ("24", "21069020")  # with pan masala, as in Schedule VII


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxCodeResult(Verdict):
    """
    A marketplace's tax code, or why there is none.

    :ivar code: what to send; None when an error blocks. :ivar price_dependent: the code follows the price by itself, so a change of price needs no
        new code.
    """

    code: str | None = None
    price_dependent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AmazonTaxCode:
    """What an Amazon.in product tax code means in a period. ``cess`` comes on top of ``rate``; both in per cent."""

    code: str
    rate: Decimal
    cess: Decimal = Decimal(0)
    valid_from: date = date.min
    valid_to: date = date.max


def _amazon(code: str, rate: str, *, cess: str = "0", start: date = date.min, end: date = date.max) -> AmazonTaxCode:
    return AmazonTaxCode(code=code, rate=Decimal(rate), cess=Decimal(cess), valid_from=start, valid_to=end)


_BEFORE = date(2025, 9, 21)
#: Per rate, the first one in force is the one to send.
AMAZON_TAX_CODES: tuple[AmazonTaxCode, ...] = (
    _amazon("A_GEN_EXEMPT", "0"),
    _amazon("A_GEN_MINIMUM", "0.25"),
    _amazon("A_GEN_JEWELLERY", "3"),
    _amazon("A_GEN_SUPERREDUCED", "5"),
    _amazon("A_GEN_STANDARD", "18"),
    _amazon("A_GEN_HIGHPEAK", "40", start=GST_2_START),
    _amazon("A_GEN_REDUCED", "12", end=_BEFORE),
    _amazon("A_GEN_REDUCED", "5", start=GST_2_START),
    _amazon("A_GEN_PEAK", "28", end=_BEFORE),
    _amazon("A_GEN_PEAK", "18", start=GST_2_START),
    _amazon("A_GEN_PEAK_CESS12", "28", cess="12", end=_BEFORE),
    _amazon("A_GEN_PEAK_CESS12", "40", start=GST_2_START),
)


def flipkart_tax_code(
    rate: object,
    on: date | datetime,
    *,
    hsn: object,
    allowed: Collection[str] = FLIPKART_TAX_CODES,
    price_codes: Mapping[str, str] = FLIPKART_PRICE_CODES,
    rates: RateTable | None = None,
) -> TaxCodeResult:
    """
    The ``tax_code`` of a Flipkart listing.

    Clothing (chapters 61, 62) gets the code that follows the price; footwear and chapter 63 only if the account offers one and the goods have a
    value test; all else ``GST_<rate>``. Errors: ``rate_not_in_force``, ``no_tax_code_for_rate``.

    :param rate: the resolved rate in per cent; for clothing it may be None while the price is not known.
    :param allowed: the codes of the seller's account. :param price_codes: chapter -> code that follows the price.
    """
    day, digits = supply_date(on), normalize_hsn(hsn)
    number = rate_of(rate)
    failure = _not_in_force(number, day, digits)
    if failure is not None:
        return TaxCodeResult(problems=(failure,))
    follows = price_codes.get(digits[:2])
    apparel = digits[:2] in ("61", "62")
    if follows in allowed and (apparel or (number != 0 and has_value_test(digits, day, rates=rates))):
        return TaxCodeResult(normalized=follows, code=follows, price_dependent=True)
    code = f"GST_{plain(number)}" if number is not None else ""
    if code not in allowed:
        return TaxCodeResult(problems=(_no_code("Flipkart", rate, number),))
    return TaxCodeResult(normalized=code, code=code)


def amazon_tax_code(
    rate: object,
    on: date | datetime,
    *,
    hsn: object = "",
    codes: Collection[AmazonTaxCode] = AMAZON_TAX_CODES,
) -> TaxCodeResult:
    """
    The product tax code to send to Amazon.in for a rate on a date.

    Errors: ``rate_not_in_force``, ``no_tax_code_for_rate``.

    :param hsn: tells tobacco, which kept 28 per cent until 2026-01-31; Amazon has no code for that either.
    """
    day, number = supply_date(on), rate_of(rate)
    failure = _not_in_force(number, day, normalize_hsn(hsn))
    if failure is not None:
        return TaxCodeResult(problems=(failure,))
    for known in codes:
        if known.rate == number and not known.cess and known.valid_from <= day <= known.valid_to:
            return TaxCodeResult(normalized=known.code, code=known.code)
    return TaxCodeResult(problems=(_no_code("Amazon", rate, number),))


def amazon_rate(
    code: object,
    on: date | datetime,
    *,
    codes: Collection[AmazonTaxCode] = AMAZON_TAX_CODES,
) -> AmazonTaxCode | None:
    """What an Amazon.in tax code means on a date, None when it is not known or meant nothing then. Old codes have got new meanings."""
    day, name = supply_date(on), as_text(code)
    return next((known for known in codes if known.code == name and known.valid_from <= day <= known.valid_to), None)


def check_flipkart_tax_code(code: object, *, allowed: Collection[str] = FLIPKART_TAX_CODES) -> TaxCodeResult:
    """Is this code one that the seller's account offers? Errors: ``empty``, ``tax_code_not_allowed``."""
    name = as_text(code)
    if not name:
        return TaxCodeResult(problems=(error("empty", "tax_code", "The tax code is missing."),))
    if name not in allowed:
        words = f"{quoted(name)} is not among the tax codes of this Flipkart account ({', '.join(allowed)})."
        return TaxCodeResult(normalized=name, problems=(error("tax_code_not_allowed", "tax_code", words),))
    return TaxCodeResult(normalized=name, code=name)


def plain(rate: Decimal) -> str:
    """A rate as people write it: 18, 0.25; never 18.00 or 4E+1."""
    text = f"{rate:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _not_in_force(rate: Decimal | None, day: date, digits: str) -> Problem | None:
    if rate not in (Decimal(12), Decimal(28)) or day < GST_2_START:
        return None
    if rate == 28 and day <= TOBACCO_28_END and digits.startswith(_TOBACCO):
        return None
    words = f"The rate of {plain(rate)} % is not in force any more; please check the rate of this product."
    return error("rate_not_in_force", "rate", words)


def _no_code(channel: str, given: object, rate: Decimal | None) -> Problem:
    shown = f"{plain(rate)} %" if rate is not None else quoted(as_text(given))
    words = f"{channel} has no tax code for the rate {shown} in this account. Ask {channel} for one; another rate must not be used."
    return error("no_tax_code_for_rate", "tax_code", words)
