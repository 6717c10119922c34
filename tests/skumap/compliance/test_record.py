from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.compliance import Record, Rules, validate_batch, validate_record

TODAY = date(2026, 11, 21)
GOOD = Record(
    seller_sku="TEE-M",
    product_id="TSHFGHY7BAZXENM4",
    asin="B07XJ8C8F5",
    variant_id="42301987654321",
    gtin="4006381333931",
    hsn="61091000",
    price="999",
    mrp="1,299.00",
    label={
        "manufacturer": "Acme Knits, Tiruppur 641604",
        "country_of_origin": "IN",
        "generic_name": "T-shirt",
        "net_quantity": "1 N",
        "consumer_care": "Acme Care, 0421 000000",
    },
)


@pytest.mark.parametrize(
    ("channel", "tax_code"), [("flipkart", "GST_APPAREL"), ("amazon", "A_GEN_SUPERREDUCED"), ("shopify", None)]
)
def test_a_good_record_may_go(channel, tax_code):
    report = validate_record(GOOD, channel=channel, today=TODAY)

    assert (report.ok, report.problems) == (True, ())
    assert (report.rate, report.tax_code) == (5, tax_code)


def test_a_bad_record_tells_all_its_reasons_in_the_order_of_the_checks():
    bad = Record(product_id="4.23E+13", gtin="1", hsn="6109", price="1400", mrp="1299.50", label={})
    report = validate_record(bad, channel="flipkart", today=TODAY)

    assert report.reasons[:4] == ("empty", "spreadsheet_number", "bad_length", "too_few_digits")
    assert report.reasons[4:6] == ("mrp_not_whole_rupee", "price_above_mrp")
    assert report.missing == ("manufacturer", "country_of_origin", "generic_name", "net_quantity", "consumer_care")
    assert [problem.field for problem in report.errors][:4] == ["seller_sku", "product_id", "gtin", "hsn"]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"hsn": "87112029"}, ("needs_facts",)),
        ({"hsn": "90069100", "confirmed_rate": "18"}, ()),
        ({"hsn": "90011000"}, ("unlisted",)),
        ({"hsn": "90011000", "confirmed_rate": Decimal(18)}, ()),
        ({"hsn": "90011000", "confirmed_rate": "17"}, ("not_a_gst_rate",)),
        ({"hsn": "90011000", "confirmed_rate": "12"}, ("rate_not_in_force",)),
        ({"hsn": "22021010"}, ("no_tax_code_for_rate",)),
        ({"hsn": None}, ("empty",)),
        ({"price": None}, ("needs_facts", "price_missing")),
        ({"mrp": None}, ("mrp_missing",)),
        ({"price": "1250", "price_includes_tax": False}, ("price_above_mrp",)),
    ],
)
def test_each_check_has_its_say(changes, reasons):
    assert validate_record(replace(GOOD, **changes), channel="flipkart", today=TODAY).reasons == reasons


def test_a_confirmed_rate_is_used_for_unlisted_goods_only_and_leaves_a_note():
    confirmed = validate_record(replace(GOOD, hsn="90011000", confirmed_rate=18), channel="flipkart", today=TODAY)
    assert (confirmed.rate, confirmed.tax_code, confirmed.warnings) == (18, "GST_18", ("rate_confirmed_by_hand",))

    listed = validate_record(replace(GOOD, confirmed_rate=18), channel="flipkart", today=TODAY)
    assert (listed.rate, listed.warnings) == (5, ())


def test_warnings_do_not_block():
    dear = replace(GOOD, hsn="610910", price="2700", mrp="3499", listing_id="OLD1")
    report = validate_record(dear, channel="flipkart", today=TODAY)

    assert report.ok
    assert report.warnings == ("unusual_listing_id", "expand_to_8", "price_band_not_self_consistent")
    assert (report.hsn.send_as, report.rate) == ("61091000", 18)


def test_the_rate_is_that_of_today_in_india():
    umbrella = replace(GOOD, hsn="66011000")

    before = validate_record(umbrella, channel="flipkart", today=datetime(2025, 9, 21, 18, 29, tzinfo=UTC))
    after = validate_record(umbrella, channel="flipkart", today=datetime(2025, 9, 21, 18, 30, tzinfo=UTC))
    assert (before.tax_code, after.tax_code) == ("GST_12", "GST_5")


def test_the_account_sets_digits_and_codes():
    tea = replace(GOOD, hsn="0902")

    assert validate_record(tea, channel="amazon", today=TODAY).reasons == ("too_few_digits",)
    assert validate_record(tea, channel="amazon", today=TODAY, rules=Rules(min_digits=4)).ok
    cola = replace(GOOD, hsn="22021010")
    assert (
        validate_record(cola, channel="flipkart", today=TODAY, rules=Rules(flipkart_codes=("GST_40",))).tax_code
        == "GST_40"
    )


def test_bad_records_do_not_hold_up_the_rest():
    batch = validate_batch([GOOD, replace(GOOD, hsn=""), GOOD], channel="amazon", today=TODAY)

    assert [record for record, _ in batch.ready] == [GOOD, GOOD]
    assert [report.reason for _, report in batch.set_aside] == ["empty"]


def test_an_unknown_channel_is_a_programming_error():
    with pytest.raises(ValueError, match="channel"):
        validate_record(GOOD, channel="bazaar", today=TODAY)


_odd = st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.booleans(), st.lists(st.text()))


@given(
    st.dictionaries(st.sampled_from(list(Record.__dataclass_fields__)), _odd),
    st.sampled_from(["flipkart", "shopify", "amazon"]),
)
def test_no_record_raises_and_every_reason_has_words(values, channel):
    report = validate_record(Record(**values), channel=channel, today=TODAY)

    assert all(problem.code and problem.field and problem.message for problem in report.problems)
