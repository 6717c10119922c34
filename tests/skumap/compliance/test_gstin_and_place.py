from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.compliance import (
    State,
    canonical_state_code,
    find_state,
    gstin_check_character,
    pin_state_hint,
    place_of_supply,
    shipped_states,
    tax_heads,
    validate_gstin,
    validate_pan,
)


def numbered(first_14: str) -> str:
    return first_14 + gstin_check_character(first_14)


# --- GSTIN ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "gstin",
    [
        "27AAPFU0939F1ZV",
        " 27aapfu0939f1zv ",
        "24AAQCA8719H1ZC",
        "05AAACG2115R1ZN",
        numbered("38AAPFU0939F1Z"),
        numbered("97AAPFU0939F1Z"),
        numbered("25AAPFU0939F1Z"),
        numbered("28AAPFU0939F1Z"),
    ],
)
def test_a_right_number_passes(gstin):
    verdict = validate_gstin(gstin)

    assert (verdict.ok, verdict.kind, verdict.normalized) == (True, "normal", gstin.strip().upper())
    assert verdict.state_code == gstin.strip()[:2]
    assert verdict.pan == verdict.normalized[2:12]


@pytest.mark.parametrize(
    ("gstin", "reason"),
    [
        ("27AAPFU0939F1ZO", "bad_checksum"),
        ("27AAPFU0939F1Z", "bad_length"),
        ("", "bad_length"),
        (None, "bad_length"),
        (27, "bad_length"),
        ("369296450896540", "bad_format"),
        (369296450896540, "bad_format"),
        ("27AAPFU0939F1AA", "bad_format"),
        ("27AAPFU0939F0ZV", "bad_format"),
        ("27AAPFUO939F1ZV", "bad_format"),
        ("２7AAPFU0939F1ZV", "bad_format"),
        ("27AAPFU0939F1Zı", "bad_format"),
        ("40AAPFU0939F1ZV", "bad_state"),
        ("00AAPFU0939F1ZV", "bad_state"),
        ("96AAPFU0939F1ZV", "bad_state"),
        ("99AAPFU0939F1ZV", "bad_state"),
        ("27AAPFU0939F1CV", "not_a_seller_gstin"),
        ("27AAPF10939F1DV", "not_a_seller_gstin"),
        ("0717UNO00157UNO", "not_a_seller_gstin"),
        ("0717USA29010NRL", "not_a_seller_gstin"),
        ("9917USA29010NRL", "bad_state"),
    ],
)
def test_the_first_failure_in_the_fixed_order_is_the_reason(gstin, reason):
    verdict = validate_gstin(gstin)

    assert (verdict.ok, verdict.reason) == (False, reason)
    assert verdict.message


@pytest.mark.parametrize(
    ("gstin", "kind"),
    [
        ("27AAPFU0939F1ZV", "normal"),
        (numbered("27ABCD12345E1Z")[:14] + "1", "government"),
        ("27AAPFU0939F1CV", "tcs"),
        ("27AAPF10939F1DV", "tds"),
        ("0717UNO00157UNO", "un_body"),
        ("0717USA29010NRL", "nri"),
    ],
)
def test_the_kind_is_read_from_the_shape(gstin, kind):
    assert validate_gstin(gstin).kind == kind


def test_other_kinds_pass_where_they_are_asked_for():
    assert validate_gstin(numbered("29AAPFU0939F1C"), kinds=("tcs",)).ok
    assert validate_gstin("0717UNO00157UNO", kinds=("un_body",)).ok
    assert validate_gstin("27AAPFU0939F1ZV", kinds=("tcs",)).reason == "not_a_seller_gstin"


def test_the_number_must_fit_the_seller():
    assert validate_gstin("27AAPFU0939F1ZV", pan="aapfu0939f", dispatch_state="27").ok
    assert validate_gstin("27AAPFU0939F1ZV", dispatch_state="Maharashtra").ok
    assert validate_gstin(numbered("28AAPFU0939F1Z"), dispatch_state="37").ok
    assert validate_gstin("27AAPFU0939F1ZV", pan="AAPFU0939G").reasons == ("pan_mismatch",)
    assert validate_gstin("27AAPFU0939F1ZV", dispatch_state="29").reasons == ("state_mismatch",)
    assert validate_gstin("27AAPFU0939F1ZV", pan="x", dispatch_state="y").reasons == ("pan_mismatch", "state_mismatch")
    assert validate_gstin("27AAPFU0939F1ZO", pan="x").reasons == ("bad_checksum",)


def test_the_check_character_is_computed_from_fourteen():
    assert gstin_check_character("27AAPFU0939F1Z") == "V"
    with pytest.raises(ValueError, match="14"):
        gstin_check_character("27")


@pytest.mark.parametrize(
    ("pan", "reason"), [("AAPFU0939F", None), ("AAPFU0939", "bad_length"), ("1APFU0939F", "bad_format")]
)
def test_a_pan_has_a_shape(pan, reason):
    assert validate_pan(pan).reason == reason


@given(
    st.one_of(
        st.text(),
        st.none(),
        st.integers(),
        st.floats(),
        st.text(alphabet="0123456789AZOCDNUR", min_size=15, max_size=15),
    )
)
def test_no_input_raises(gstin):
    verdict = validate_gstin(gstin, pan=gstin, dispatch_state=gstin)

    assert verdict.ok == (verdict.reason is None)
    assert validate_pan(gstin).ok in (True, False)


# --- States --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("27", "27"),
        (27, "27"),
        ("MH", "27"),
        ("in-mh", "27"),
        ("Maharashtra", "27"),
        (" tamil  nadu ", "33"),
        ("Jammu & Kashmir", "01"),
        ("CG", "22"),
        ("CT", "22"),
        ("TS", "36"),
        ("TG", "36"),
        ("UK", "05"),
        ("UT", "05"),
        ("OR", "21"),
        ("OD", "21"),
        ("DN", "26"),
        ("DD", "26"),
        ("IN-DH", "26"),
        ("25", "26"),
        ("Daman and Diu", "26"),
        ("28", "37"),
        ("AP", "37"),
        ("Andhra Pradesh", "37"),
        ("LA", "38"),
        ("96", "96"),
        ("7", None),
        ("ZZ", None),
        ("", None),
        (None, None),
        (2.7, None),
    ],
)
def test_a_state_is_found_by_any_of_its_names(value, code):
    found = find_state(value)

    assert (found and found.gst_state_code) == code


def test_every_code_leads_to_a_state_of_todays_map():
    for code, state in shipped_states().items():
        found = find_state(code)
        assert found is not None
        assert found.gst_state_code == canonical_state_code(code)
        assert not state.shopify_province_code or find_state(state.shopify_province_code) == found


# --- place of supply and heads ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "code", "basis"),
    [
        ({"delivery_state": "29", "billing_state": "07"}, "29", "delivery"),
        ({"billing_state": "07"}, "07", "billing"),
        ({}, "27", "supplier"),
        ({"delivery_state": "29", "billing_state": "07", "buyer_registered": True}, "07", "bill_to"),
        ({"delivery_state": "29", "billing_state": "33", "buyer_gstin": "07AAPFU0939F1ZV"}, "07", "bill_to"),
        ({"delivery_state": "29", "buyer_registered": True}, "29", "delivery"),
        ({"delivery_state": "29", "export": True}, "96", "export"),
        ({"delivery_state": "25"}, "26", "delivery"),
        ({"delivery_state": "28"}, "37", "delivery"),
        ({"delivery_state": "OR"}, "21", "delivery"),
    ],
)
def test_the_place_of_supply_follows_the_buyer(given_, code, basis):
    place = place_of_supply(supplier_state="27", **given_)

    assert (place.ok, place.state_code, place.basis) == (True, code, basis)


@pytest.mark.parametrize(
    ("state", "reason"), [("99", "not_a_place_of_supply"), ("ZZ", "bad_state"), (3.5, "bad_state")]
)
def test_a_place_that_is_none_is_refused(state, reason):
    assert place_of_supply(supplier_state="27", delivery_state=state).reason == reason
    assert tax_heads(supplier_state="27", place_of_supply=state).reason == reason


@pytest.mark.parametrize(
    ("supplier", "place", "options", "heads"),
    [
        ("27", "27", {}, ("CGST", "SGST")),
        ("27", "29", {}, ("IGST",)),
        ("27", "27", {"sez": True}, ("IGST",)),
        ("27", "27", {"export": True}, ("IGST",)),
        ("27", "96", {}, ("IGST",)),
        ("25", "26", {}, ("CGST", "UTGST")),
        ("28", "37", {}, ("CGST", "SGST")),
        ("07", "07", {}, ("CGST", "SGST")),
        ("34", "34", {}, ("CGST", "SGST")),
        ("01", "01", {}, ("CGST", "SGST")),
        *((code, code, {}, ("CGST", "UTGST")) for code in ("04", "26", "31", "35", "38", "97")),
    ],
)
def test_the_heads_follow_from_the_two_states(supplier, place, options, heads):
    found = tax_heads(supplier_state=supplier, place_of_supply=place, **options)

    assert (found.ok, found.heads, found.intra) == (True, heads, len(heads) == 2)


@pytest.mark.parametrize("supplier", ["96", "99", "", None, "XX"])
def test_nobody_supplies_from_a_place_that_is_no_state(supplier):
    assert tax_heads(supplier_state=supplier, place_of_supply="27").reason == "bad_state"


# --- PIN -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pin", "code"),
    [
        ("400001", "27"),
        ("110001", "07"),
        ("560001", "29"),
        ("500001", "36"),
        ("194101", "38"),
        ("682555", "31"),
        ("673310", "34"),
        ("673311", "32"),
        ("533464", "37"),
        (560001, "29"),
    ],
)
def test_the_longest_prefix_hints_at_the_state(pin, code):
    hint = pin_state_hint(pin)

    assert (hint.ok, hint.state_code) == (True, code)


@pytest.mark.parametrize("pin", ["", None, "012345", "56000", "5600011", "56000A", "५६०००१", "560 001", 5.6])
def test_a_pin_has_six_digits_and_no_zero_in_front(pin):
    assert pin_state_hint(pin).reason == "bad_pin"


def test_the_address_decides_and_a_difference_is_a_warning():
    assert pin_state_hint("560001", address_state="KA").warnings == ()
    mismatch = pin_state_hint("560001", address_state="27")
    assert (mismatch.ok, mismatch.warnings) == (True, ("pin_state_mismatch",))
    assert "shared" in pin_state_hint("533464", address_state="34").message


def test_other_tables_can_be_passed():
    states = {"50": State(gst_state_code="50", name="Newland", state_tax_label="UTGST")}

    assert pin_state_hint("999999", address_state="Newland", pins={"9": "50"}, states=states).warnings == ()
    assert pin_state_hint("899999", address_state="Newland", pins={"9": "50"}, states=states).state_code is None
    assert tax_heads(supplier_state="50", place_of_supply="50", states=states).heads == ("CGST", "UTGST")


@given(st.one_of(st.text(), st.none(), st.integers(), st.floats()))
def test_no_place_raises(value):
    find_state(value)
    pin_state_hint(value, address_state=value)
    place_of_supply(supplier_state=value, delivery_state=value, billing_state=value, buyer_gstin=value)
    tax_heads(supplier_state=value, place_of_supply=value)
