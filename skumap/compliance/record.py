"""
One record, before it goes to a channel: all its checks, in a fixed order, all its reasons at once.

Order: identifiers, HSN, facts, rate (of today in India), tax code, MRP, labels. Errors set the record aside, warnings travel with it.
A bad record never holds up the rest of its batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from skumap.compliance.conditions import Facts
from skumap.compliance.dates import supply_date
from skumap.compliance.hsn import HsnVerdict, validate_hsn
from skumap.compliance.identifiers import (
    validate_asin,
    validate_fsn,
    validate_gtin,
    validate_listing_id,
    validate_seller_sku,
    validate_shopify_id,
)
from skumap.compliance.labels import Label, check_labels
from skumap.compliance.money import parse_money
from skumap.compliance.mrp import MrpVerdict, check_mrp
from skumap.compliance.rates import RATES, RateResult, RateTable, rate_of
from skumap.compliance.slabs import resolve_rate_for_price
from skumap.compliance.tables import HsnCodes
from skumap.compliance.tax_codes import (
    FLIPKART_PRICE_CODES,
    FLIPKART_TAX_CODES,
    amazon_tax_code,
    flipkart_tax_code,
)
from skumap.compliance.verdict import Problem, Verdict, error, warning

CHANNELS = ("flipkart", "shopify", "amazon")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """
    What is known of one listing. Text and Decimal prices are rupees, an int is paise.

    :ivar product_id: Flipkart's FSN. :ivar pieces: pieces or pairs in one sale unit. :ivar discount_paise: the seller's own.
    :ivar confirmed_rate: per cent, what a person confirmed for goods that our table does not list; used for nothing else.
    """

    seller_sku: object = None
    product_id: object = None
    listing_id: object = None
    asin: object = None
    variant_id: object = None
    gtin: object = None
    hsn: object = None
    facts: Facts | Mapping[str, object] = field(default_factory=Facts)
    price: object = None
    price_includes_tax: bool = True
    pieces: int = 1
    discount_paise: int = 0
    mrp: object = None
    label: Label | Mapping[str, object] = field(default_factory=Label)
    confirmed_rate: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a seller's account sets. ``rates`` and ``codes``: None for the shipped tables."""

    min_digits: int = 6
    flipkart_codes: Collection[str] = FLIPKART_TAX_CODES
    price_codes: Mapping[str, str] = field(default_factory=lambda: dict(FLIPKART_PRICE_CODES))
    rates: RateTable | None = None
    codes: HsnCodes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReport(Verdict):
    """
    A record's problems in the order of the checks, and what was found on the way.

    :ivar rate: per cent, of the table or confirmed; None when there is none. :ivar tax_code: to send, None on Shopify. :ivar missing: declarations.
    """

    channel: str
    hsn: HsnVerdict
    rate_result: RateResult | None = None
    rate: Decimal | None = None
    tax_code: str | None = None
    mrp: MrpVerdict
    missing: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """``ready`` may go, ``set_aside`` waits for a person; both hold (record, report) in the order given."""

    ready: tuple[tuple[Record, RecordReport], ...]
    set_aside: tuple[tuple[Record, RecordReport], ...]


def validate_record(
    record: Record, *, channel: str, today: date | datetime, rules: Rules | None = None
) -> RecordReport:
    """
    Judge one record for a channel.

    :param channel: ``flipkart``, ``shopify`` or ``amazon``. :param today: the date or moment; what counts is the date in India.
    :raises ValueError: another channel.
    """
    if channel not in CHANNELS:
        raise ValueError(f"no such channel: {channel!r}")
    set_by_account, day = rules or Rules(), supply_date(today)
    problems = _identifier_problems(record, channel)
    hsn = validate_hsn(record.hsn, min_digits=set_by_account.min_digits, on=day, codes=set_by_account.codes)
    problems += hsn.problems
    rate_result, rate, more = _rate(record, hsn, day, set_by_account)
    problems += more
    tax_code, more = _tax_code(hsn, rate, day, channel, set_by_account)
    problems += more
    mrp = check_mrp(record.mrp, record.price, inclusive=record.price_includes_tax, rate=rate, channel=channel)
    problems += mrp.problems
    labels = check_labels(_with_mrp(record), today=day, channel=channel)
    # The MRP has been judged by itself; that it is missing need not be said twice.
    problems += [problem for problem in labels.problems if problem.field != "label.mrp"]
    return RecordReport(
        normalized=hsn.normalized,
        problems=tuple(problems),
        channel=channel,
        hsn=hsn,
        rate_result=rate_result,
        rate=rate,
        tax_code=tax_code,
        mrp=mrp,
        missing=labels.missing,
    )


def validate_batch(
    records: Iterable[Record],
    *,
    channel: str,
    today: date | datetime,
    rules: Rules | None = None,
) -> BatchReport:
    """Judge records one by one; those with errors are set aside with all their reasons, the others may go."""
    judged = [(record, validate_record(record, channel=channel, today=today, rules=rules)) for record in records]
    return BatchReport(
        ready=tuple(pair for pair in judged if pair[1].ok),
        set_aside=tuple(pair for pair in judged if not pair[1].ok),
    )


def _identifier_problems(record: Record, channel: str) -> list[Problem]:
    verdicts = [validate_seller_sku(record.seller_sku)]
    if channel == "flipkart":
        verdicts.append(validate_fsn(record.product_id))
        if _given(record.listing_id):
            verdicts.append(validate_listing_id(record.listing_id))
    elif channel == "amazon":
        verdicts.append(validate_asin(record.asin))
    else:
        verdicts.append(validate_shopify_id(record.variant_id))
    if _given(record.gtin):
        verdicts.append(validate_gtin(record.gtin))
    return [problem for verdict in verdicts for problem in verdict.problems]


def _rate(
    record: Record, hsn: HsnVerdict, day: date, rules: Rules
) -> tuple[RateResult | None, Decimal | None, list[Problem]]:
    if hsn.send_as is None:
        return None, None, []  # the HSN's own reason says it all
    result = resolve_rate_for_price(
        hsn.send_as,
        day,
        price_paise=parse_money(record.price) or 0,
        pieces=record.pieces,
        discount_paise=record.discount_paise,
        inclusive=record.price_includes_tax,
        facts=record.facts,
        rates=rules.rates,
    )
    if result.status != "unlisted" or record.confirmed_rate is None:
        return result, result.rate, list(result.problems)
    confirmed = rate_of(record.confirmed_rate)
    if confirmed not in RATES:
        words = "The confirmed rate is none of the GST rates: 0, 0.25, 1.5, 3, 5, 12, 18, 28 or 40."
        return result, None, [error("not_a_gst_rate", "confirmed_rate", words)]
    words = f"The rate of {confirmed} % was confirmed by a person; our table does not list {hsn.send_as}."
    return result, confirmed, [warning("rate_confirmed_by_hand", "rate", words)]


def _tax_code(
    hsn: HsnVerdict, rate: Decimal | None, day: date, channel: str, rules: Rules
) -> tuple[str | None, list[Problem]]:
    if rate is None or channel == "shopify":
        return None, []  # without a rate its own reason stands; Shopify has no tax code
    if channel == "amazon":
        result = amazon_tax_code(rate, day, hsn=hsn.send_as)
    else:
        result = flipkart_tax_code(
            rate, day, hsn=hsn.send_as, allowed=rules.flipkart_codes, price_codes=rules.price_codes, rates=rules.rates
        )
    return result.code, list(result.problems)


def _with_mrp(record: Record) -> Label:
    label = Label.of(record.label)
    return label if label.mrp is not None else replace(label, mrp=record.mrp)


def _given(value: object) -> bool:
    return value is not None and value != ""
