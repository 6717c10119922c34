"""
Rates that hang on the price of a piece: clothing, made-ups, footwear, quilts.

The law tests the value before tax, a marketplace price contains tax, so the rate needs the value and the value needs the rate. A rate is
*self-consistent* if the value that it leaves is taxed at that rate. Between the two bands none is; then the higher rate is used, with a warning.
Limits and rates come from the rows in force, so older limits and new ones need no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from math import floor

from skumap.compliance.conditions import Facts, parse_condition
from skumap.compliance.rates import VALUE_FACT, RateResult, RateTable, rates_possible, resolve_rate
from skumap.compliance.verdict import error, warning


def resolve_rate_for_price(
    hsn: object,
    on: date | datetime,
    *,
    price_paise: int,
    pieces: int = 1,
    discount_paise: int = 0,
    inclusive: bool = True,
    facts: Facts | Mapping[str, object] | None = None,
    rates: RateTable | None = None,
) -> RateResult:
    """
    The GST rate of goods sold at a price.

    :param price_paise: what the buyer pays for one sale unit, a pack for instance; with tax unless ``inclusive`` is False.
    :param pieces: pieces or pairs in it; the limit holds for one of them.
    :param discount_paise: what the *seller* takes off; a bank's cash back is not a discount.
    :param facts: tags and other facts; a ``unit_value`` in them is not used.
    :return: with ``unit_value``. In the dead zone the higher rate, the warning ``price_band_not_self_consistent``, and where to move the price.
        A price that is no positive whole number of paise gives ``needs_facts``.
    """
    known = Facts.of(facts).with_unit_value(None)
    without = resolve_rate(hsn, on, known, rates=rates)
    if VALUE_FACT not in without.missing:
        return without
    net = _net(price_paise, discount_paise, pieces)
    if net is None:
        return without
    if not inclusive:
        return replace(resolve_rate(hsn, on, known.with_unit_value(net), rates=rates), unit_value=net)
    tried: dict[Decimal, RateResult] = {}
    for rate in sorted({row.rate for row in rates_possible(hsn, on, rates=rates)}):
        value = net * 100 / (100 + Fraction(rate))
        tried[rate] = replace(resolve_rate(hsn, on, known.with_unit_value(value), rates=rates), unit_value=value)
    undecided = next((result for result in tried.values() if result.status != "ok"), None)
    if undecided is not None:
        return undecided
    consistent = [result for rate, result in tried.items() if result.rate == rate]
    if len(consistent) == 1:
        return consistent[0]
    if consistent:  # only a table that taxes the dearer goods less
        rows = tuple(result.row for result in consistent if result.row)
        words = error(
            "ambiguous",
            "rate",
            "More than one GST rate fits this price; please ask for the table of rates to be checked.",
        )
        return replace(without, status="ambiguous", missing=(), candidates=rows, problems=(words,))
    return _dead_zone(tried, pieces, discount_paise)


def price_crosses_slab(
    hsn: object,
    on: date | datetime,
    *,
    old_price_paise: int,
    new_price_paise: int,
    pieces: int = 1,
    inclusive: bool = True,
    facts: Facts | Mapping[str, object] | None = None,
    rates: RateTable | None = None,
) -> bool:
    """Does a change of price change the rate, or enter or leave the dead zone? Then the tax code must be decided anew."""
    old, new = (
        resolve_rate_for_price(hsn, on, price_paise=price, pieces=pieces, inclusive=inclusive, facts=facts, rates=rates)
        for price in (old_price_paise, new_price_paise)
    )
    return (old.status, old.rate, old.warnings) != (new.status, new.rate, new.warnings)


def unit_value(*, price_paise: int, pieces: int = 1, discount_paise: int = 0) -> Fraction:
    """
    The value of one piece, in paise and exact: price less the seller's discount, divided by the pieces. Price and value both before tax.

    :raises ValueError: nothing is left, or the numbers are not whole.
    """
    value = _net(price_paise, discount_paise, pieces)
    if value is None:
        raise ValueError("price, discount and pieces must be whole numbers, with something left to divide")
    return value


def _net(price: object, discount: object, pieces: object) -> Fraction | None:
    if any(not isinstance(number, int) or isinstance(number, bool) for number in (price, discount, pieces)):
        return None
    assert isinstance(price, int)
    assert isinstance(discount, int)
    assert isinstance(pieces, int)
    if pieces < 1 or discount < 0 or price - discount <= 0:
        return None
    return Fraction(price - discount, pieces)


def _dead_zone(tried: Mapping[Decimal, RateResult], pieces: int, discount: int) -> RateResult:
    results = list(tried.values())
    high = max(result.rate for result in results if result.rate is not None)
    low = min(result.rate for result in results if result.rate is not None)
    chosen = next(result for result in results if result.rate == high)
    limit = _limit(chosen)
    down = floor(limit * (100 + Fraction(low)) / 100 * pieces) + discount
    above = floor(limit * (100 + Fraction(high)) / 100 * pieces) + discount
    words = (
        f"At this price neither {low} % nor {high} % GST fits; {high} % is used. "
        f"A price up to Rs {_rupees(down)} is taxed at {low} %, one above Rs {_rupees(above)} at {high} %."
    )
    return replace(
        chosen.having(warning("price_band_not_self_consistent", "price", words)),
        unit_value=tried[high].unit_value if high in tried else chosen.unit_value,
        move_down_to=down,
        move_above=above,
    )


def _limit(result: RateResult) -> Fraction:
    assert result.row is not None
    return next(Fraction(clause.limit) for clause in parse_condition(result.row.condition) if clause.name == VALUE_FACT)


def _rupees(paise: int) -> str:
    return f"{paise // 100}" if paise % 100 == 0 else f"{paise // 100}.{paise % 100:02d}"
