"""
MRP: printed on the pack, with all taxes in it. Selling above it is an offence.

It is its own field: never the selling price, never Shopify's ``compare_at_price``. All prices are those of one sale unit; delivery is outside
the test. Text and Decimal are rupees, an int is paise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skumap.compliance.money import parse_money, rupees
from skumap.compliance.rates import rate_of
from skumap.compliance.tax import add_tax
from skumap.compliance.verdict import Problem, Verdict, as_text, error, quoted, warning

INT32_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MrpVerdict(Verdict):
    """
    :ivar mrp_paise: the MRP, None when it can't be read. :ivar price_paise: what the buyer pays, tax added if it was without.
    :ivar flipkart_mrp: whole rupees as Flipkart takes them, :ivar flipkart_selling_price: rounded down; None when an error blocks.
    """

    mrp_paise: int | None = None
    price_paise: int | None = None
    flipkart_mrp: int | None = None
    flipkart_selling_price: int | None = None


def check_mrp(
    mrp: object,
    price: object,
    *,
    inclusive: bool = True,
    rate: object = None,
    channel: str = "",
) -> MrpVerdict:
    """
    Judge the MRP and the selling price of one sale unit.

    Errors: ``mrp_missing``, ``mrp_not_a_number``, ``mrp_not_positive``, ``price_missing``, ``price_not_a_number``, ``price_not_positive``,
    ``rate_needed``, ``price_above_mrp``; for ``channel="flipkart"`` also ``mrp_not_whole_rupee`` and ``amount_too_large``.

    :param inclusive: the price contains tax; if not, ``rate`` (per cent) is added before comparing.
    """
    mrp_paise, problems = _amount(mrp, "mrp")
    price_paise, more = _amount(price, "price")
    if mrp_paise is not None and channel == "flipkart":
        problems += _flipkart_mrp(mrp_paise)
    problems += more
    if price_paise is not None and not inclusive:
        percent = rate_of(rate)
        if percent is None:
            problems.append(
                error(
                    "rate_needed",
                    "rate",
                    "The price is without tax; the GST rate is needed to compare it with the MRP.",
                )
            )
            price_paise = None
        else:
            price_paise = add_tax(price_paise, percent)
    if price_paise is not None and channel == "flipkart":
        problems += _flipkart_price(price_paise)
    if mrp_paise is not None and price_paise is not None and price_paise > mrp_paise > 0:
        words = f"The price of Rs {rupees(price_paise)} with tax is above the MRP of Rs {rupees(mrp_paise)}. Lower it, or correct the MRP."
        problems.append(error("price_above_mrp", "price", words))
    verdict = MrpVerdict(problems=tuple(problems), mrp_paise=mrp_paise, price_paise=price_paise)
    if not verdict.ok or mrp_paise is None or price_paise is None:
        return verdict
    return MrpVerdict(
        normalized=rupees(mrp_paise),
        problems=verdict.problems,
        mrp_paise=mrp_paise,
        price_paise=price_paise,
        flipkart_mrp=mrp_paise // 100 if mrp_paise % 100 == 0 else None,
        flipkart_selling_price=price_paise // 100,
    )


def check_same_mrp(mrps: Mapping[str, object]) -> Verdict:
    """
    One identical pack must not carry two MRPs. Warning: ``mrp_differs``.

    :param mrps: channel -> MRP of the same SKU and batch; what is missing or unreadable is not compared.
    """
    known = {
        channel: paise
        for channel, paise in ((name, parse_money(mrp)) for name, mrp in mrps.items())
        if paise is not None
    }
    if len(set(known.values())) < 2:
        return Verdict()
    listed = ", ".join(f"{channel} Rs {rupees(paise)}" for channel, paise in known.items())
    return Verdict(problems=(warning("mrp_differs", "mrp", f"The same pack has different MRPs: {listed}."),))


def _amount(value: object, field: str) -> tuple[int | None, list[Problem]]:
    name = "MRP" if field == "mrp" else "selling price"
    if value is None or (isinstance(value, str) and not value.strip()):
        return None, [error(f"{field}_missing", field, f"The {name} is missing.")]
    paise = parse_money(value)
    if paise is None:
        words = f"The {name} {quoted(as_text(value))} is not an amount in rupees such as 1,299.00."
        return None, [error(f"{field}_not_a_number", field, words)]
    if paise <= 0:
        return paise, [error(f"{field}_not_positive", field, f"The {name} must be more than zero.")]
    return paise, []


def _flipkart_mrp(paise: int) -> list[Problem]:
    if paise % 100:
        words = f"Flipkart takes an MRP in whole rupees, the MRP is Rs {rupees(paise)}. It must be the one that is printed, so it is not rounded."
        return [error("mrp_not_whole_rupee", "mrp", words)]
    return [_too_large("mrp")] if paise // 100 > INT32_MAX else []


def _flipkart_price(paise: int) -> list[Problem]:
    if 0 < paise < 100:
        return [
            error(
                "price_not_positive", "price", "Flipkart takes prices in whole rupees; below one rupee nothing is left."
            )
        ]
    return [_too_large("price")] if paise // 100 > INT32_MAX else []


def _too_large(field: str) -> Problem:
    return error("amount_too_large", field, f"Flipkart takes amounts up to {INT32_MAX} rupees.")
