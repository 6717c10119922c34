"""
Indian compliance: HSN, GST, MRP, labels, GSTIN, tax split, identifiers.

Pure: no Django, no database, no clock, no network. Dates come from the caller, tables are optional arguments with the shipped files as default.
Checks answer with a :class:`Verdict`: ``ok``, ``reason`` (the first error's code), ``reasons``, ``warnings``, ``normalized``, and ``problems``
with a field and words for the seller. They never raise on input; functions that compute raise only for misuse, as each says.

Money is in whole paise (int). Where a check takes what a person typed, text and Decimal are rupees. Rates are per cent, as Decimal.

Every function has an example in ``docs/compliance.md``.
"""

from __future__ import annotations

from skumap.compliance.conditions import (
    Clause,
    ConditionError,
    Facts,
    condition_holds,
    parse_condition,
    unknown_facts,
)
from skumap.compliance.countries import COUNTRY_CODES
from skumap.compliance.dates import IST, financial_year, midnight_ist, midnight_ist_epoch, supply_date
from skumap.compliance.gstin import GstinVerdict, gstin_check_character, validate_gstin, validate_pan
from skumap.compliance.hsn import (
    HsnVerdict,
    hsn_min_digits,
    normalize_hsn,
    only_tariff_item,
    shopify_hsn,
    validate_hsn,
)
from skumap.compliance.identifiers import (
    gs1_check_digit,
    is_spreadsheet_number,
    validate_asin,
    validate_fsn,
    validate_gtin,
    validate_listing_id,
    validate_seller_sku,
    validate_shopify_id,
)
from skumap.compliance.invoice import (
    EinvoiceLine,
    InvoiceTotals,
    check_einvoice,
    check_invoice_number,
    invoice_totals,
    round_to_rupee,
)
from skumap.compliance.labels import (
    MAX_SHELF_LIFE_SECONDS,
    Label,
    LabelVerdict,
    check_labels,
    flipkart_labels,
    month_of_manufacture,
    shelf_life_seconds,
)
from skumap.compliance.money import parse_money
from skumap.compliance.mrp import MrpVerdict, check_mrp, check_same_mrp
from skumap.compliance.pins import PinHint, pin_state_hint
from skumap.compliance.place import (
    PlaceOfSupply,
    TaxHeads,
    canonical_state_code,
    find_state,
    place_of_supply,
    tax_heads,
)
from skumap.compliance.rates import (
    RATES,
    RateResult,
    RateRow,
    RateTable,
    has_value_test,
    rates_possible,
    recheck_dates,
    resolve_rate,
    shipped_rates,
)
from skumap.compliance.record import (
    BatchReport,
    Record,
    RecordReport,
    Rules,
    validate_batch,
    validate_record,
)
from skumap.compliance.slabs import price_crosses_slab, resolve_rate_for_price, unit_value
from skumap.compliance.tables import (
    HsnCode,
    State,
    shipped_hsn_codes,
    shipped_pins,
    shipped_states,
)
from skumap.compliance.tax import TaxSplit, add_tax, allocate_charge, round_half_up, split_tax, tax_line
from skumap.compliance.tax_codes import (
    AMAZON_TAX_CODES,
    FLIPKART_PRICE_CODES,
    FLIPKART_TAX_CODES,
    AmazonTaxCode,
    TaxCodeResult,
    amazon_rate,
    amazon_tax_code,
    check_flipkart_tax_code,
    flipkart_tax_code,
)
from skumap.compliance.verdict import Problem, Severity, Verdict

__all__ = [
    "AMAZON_TAX_CODES",
    "COUNTRY_CODES",
    "FLIPKART_PRICE_CODES",
    "FLIPKART_TAX_CODES",
    "IST",
    "MAX_SHELF_LIFE_SECONDS",
    "RATES",
    "AmazonTaxCode",
    "BatchReport",
    "Clause",
    "ConditionError",
    "EinvoiceLine",
    "Facts",
    "GstinVerdict",
    "HsnCode",
    "HsnVerdict",
    "InvoiceTotals",
    "Label",
    "LabelVerdict",
    "MrpVerdict",
    "PinHint",
    "PlaceOfSupply",
    "Problem",
    "RateResult",
    "RateRow",
    "RateTable",
    "Record",
    "RecordReport",
    "Rules",
    "Severity",
    "State",
    "TaxCodeResult",
    "TaxHeads",
    "TaxSplit",
    "Verdict",
    "add_tax",
    "allocate_charge",
    "amazon_rate",
    "amazon_tax_code",
    "canonical_state_code",
    "check_einvoice",
    "check_flipkart_tax_code",
    "check_invoice_number",
    "check_labels",
    "check_mrp",
    "check_same_mrp",
    "condition_holds",
    "financial_year",
    "find_state",
    "flipkart_labels",
    "flipkart_tax_code",
    "gs1_check_digit",
    "gstin_check_character",
    "has_value_test",
    "hsn_min_digits",
    "invoice_totals",
    "is_spreadsheet_number",
    "midnight_ist",
    "midnight_ist_epoch",
    "month_of_manufacture",
    "normalize_hsn",
    "only_tariff_item",
    "parse_condition",
    "parse_money",
    "pin_state_hint",
    "place_of_supply",
    "price_crosses_slab",
    "rates_possible",
    "recheck_dates",
    "resolve_rate",
    "resolve_rate_for_price",
    "round_half_up",
    "round_to_rupee",
    "shelf_life_seconds",
    "shipped_hsn_codes",
    "shipped_pins",
    "shipped_rates",
    "shipped_states",
    "shopify_hsn",
    "split_tax",
    "supply_date",
    "tax_heads",
    "tax_line",
    "unit_value",
    "unknown_facts",
    "validate_asin",
    "validate_batch",
    "validate_fsn",
    "validate_gstin",
    "validate_gtin",
    "validate_hsn",
    "validate_listing_id",
    "validate_pan",
    "validate_record",
    "validate_seller_sku",
    "validate_shopify_id",
]
