"""
Tax of an invoice line, in integer paise. Every head is rounded once, from the line's taxable value, half a paisa away from zero.

Central and State tax are equal by construction. What the rounding leaves of a tax-inclusive price is ``round_off``, a field of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from skumap.compliance.place import tax_heads
from skumap.compliance.rates import rate_of
from skumap.compliance.tables import States

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxSplit:
    """
    A line's value and taxes, in paise.

    :ivar sgst: the State's half; ``state_tax_label`` says whether it is called SGST or UTGST.
    :ivar round_off: what is to be added to value and taxes to reach the tax-inclusive price: -1, 0 or 1; 0 for a price without tax.
    """

    rate: Decimal
    intra: bool
    taxable: int
    cgst: int = 0
    sgst: int = 0
    igst: int = 0
    round_off: int = 0
    state_tax_label: str = "SGST"

    @property
    def taxes(self) -> int:
        return self.cgst + self.sgst + self.igst

    @property
    def total(self) -> int:
        """What the buyer pays: value, taxes and round-off."""
        return self.taxable + self.taxes + self.round_off

    @property
    def heads(self) -> dict[str, int]:
        """Paise by the name that is printed: ``{"CGST": 9000, "UTGST": 9000}``."""
        return {"CGST": self.cgst, self.state_tax_label: self.sgst} if self.intra else {"IGST": self.igst}


def round_half_up(value: Decimal) -> int:
    """To a whole number; half goes away from zero, so a credit note mirrors its invoice."""
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))


def split_tax(
    amount_paise: int,
    rate: Decimal | int | str,
    *,
    intra: bool,
    inclusive: bool = True,
    state_tax_label: str = "SGST",
) -> TaxSplit:
    """
    Value and taxes of one line.

    :param amount_paise: the line's amount: unit price x quantity - discount; with tax unless ``inclusive`` is False. Below zero for a credit.
    :param rate: total rate in per cent. :param intra: central and State tax; False: integrated tax.
    :raises TypeError: the amount is not an int, or the rate a float. :raises ValueError: the rate is not a number from 0 to 100.
    """
    percent = _percent(rate)
    if not isinstance(amount_paise, int) or isinstance(amount_paise, bool):
        raise TypeError("amounts are whole paise")
    amount = Decimal(amount_paise)
    taxable = (
        round_half_up(_EXACT.divide(_EXACT.multiply(amount, Decimal(100)), 100 + percent))
        if inclusive
        else amount_paise
    )
    half = _share(taxable, percent, 200) if intra else 0
    whole = 0 if intra else _share(taxable, percent, 100)
    return TaxSplit(
        rate=percent,
        intra=intra,
        taxable=taxable,
        cgst=half,
        sgst=half,
        igst=whole,
        round_off=amount_paise - taxable - 2 * half - whole if inclusive else 0,
        state_tax_label=state_tax_label,
    )


def tax_line(
    *,
    unit_price_paise: int,
    rate: Decimal | int | str,
    supplier_state: object,
    place_of_supply: object,
    quantity: int = 1,
    discount_paise: int = 0,
    inclusive: bool = True,
    sez: bool = False,
    export: bool = False,
    states: States | None = None,
) -> TaxSplit:
    """
    Value and taxes of an invoice line, with the heads that the States call for. Rounded once for the line, not per unit.

    :param discount_paise: the seller's discount on the whole line, with tax like the price.
    :raises ValueError: a State that can't be used (ask ``tax_heads`` first), or a rate that is no number from 0 to 100.
    """
    heads = tax_heads(
        supplier_state=supplier_state, place_of_supply=place_of_supply, sez=sez, export=export, states=states
    )
    if heads.intra is None:
        raise ValueError(heads.message)
    return split_tax(
        unit_price_paise * quantity - discount_paise,
        rate,
        intra=heads.intra,
        inclusive=inclusive,
        state_tax_label=heads.state_tax_label or "SGST",
    )


def add_tax(amount_paise: int, rate: Decimal | int | str) -> int:
    """A price without tax, as the buyer pays it."""
    return amount_paise + _share(amount_paise, _percent(rate), 100)


def allocate_charge(charge_paise: int, taxable_values: Sequence[int]) -> list[int]:
    """
    Shares of a shipping or gift-wrap charge that follow the goods: by taxable value, left-over paise to the largest remainders, ties to the
    earlier line. If no line has a value, the first one bears it.

    :raises ValueError: no lines, or a value below zero.
    """
    if not taxable_values or min(taxable_values) < 0:
        raise ValueError("a charge needs lines to go to, with values of zero or more")
    weights = list(taxable_values) if sum(taxable_values) else [1] + [0] * (len(taxable_values) - 1)
    total, sign = sum(weights), -1 if charge_paise < 0 else 1
    parts = [divmod(abs(charge_paise) * weight, total) for weight in weights]
    left_over = abs(charge_paise) - sum(whole for whole, _ in parts)
    # sorted() is stable: equal remainders keep the order of the lines.
    lifted = set(sorted(range(len(parts)), key=lambda index: -parts[index][1])[:left_over])
    return [sign * (whole + (index in lifted)) for index, (whole, _) in enumerate(parts)]


def _share(taxable: int, percent: Decimal, parts: int) -> int:
    return round_half_up(_EXACT.divide(_EXACT.multiply(Decimal(taxable), percent), Decimal(parts)))


def _percent(rate: object) -> Decimal:
    if isinstance(rate, float):
        raise TypeError("a rate is a Decimal, never a float")
    percent = rate_of(rate)
    if percent is None:
        raise ValueError(f"not a rate: {rate!r}")
    return percent
