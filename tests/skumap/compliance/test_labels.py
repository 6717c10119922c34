from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skumap.compliance import (
    COUNTRY_CODES,
    MAX_SHELF_LIFE_SECONDS,
    Label,
    check_labels,
    flipkart_labels,
    midnight_ist,
    midnight_ist_epoch,
    month_of_manufacture,
    shelf_life_seconds,
)

TODAY = date(2026, 11, 21)
DAY = 86_400
GOOD = {
    "manufacturer": "Acme Knits, 12 Mill Road, Tiruppur 641604",
    "country_of_origin": "IN",
    "generic_name": "T-shirt",
    "net_quantity": "1 N",
    "mrp": "999",
    "consumer_care": "Acme Care, Tiruppur 641604, 0421 000000, care@example.in",
}


def checked(**changes):
    return check_labels({**GOOD, **changes}, today=TODAY)


def test_a_complete_label_passes_without_a_date_of_manufacture():
    verdict = checked()

    assert (verdict.ok, verdict.missing, verdict.warnings) == (True, (), ())


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"manufacturer": ""}, ("manufacturer",)),
        ({"manufacturer": []}, ("manufacturer",)),
        ({"packed_by_manufacturer": False}, ("packer",)),
        ({"packed_by_manufacturer": False, "packer": "P, 641604"}, ()),
        ({"country_of_origin": "CN"}, ("importer",)),
        ({"imported": True}, ("importer",)),
        ({"country_of_origin": "CN", "importer": "I, Mumbai 400001"}, ()),
        ({"country_of_origin": None}, ("country_of_origin",)),
        ({"generic_name": " "}, ("generic_name",)),
        ({"net_quantity": None}, ("net_quantity",)),
        ({"mrp": None}, ("mrp",)),
        ({"priced_by_unit": True}, ("unit_sale_price",)),
        ({"priced_by_unit": True, "unit_sale_price": "0.12 per g"}, ()),
        ({"perishable": True}, ("best_before",)),
        ({"perishable": True, "mfg_date": date(2026, 11, 1)}, ("best_before",)),
        ({"perishable": True, "mfg_date": date(2026, 11, 1), "shelf_life": 90 * DAY}, ()),
        ({"perishable": True, "best_before": date(2027, 1, 1)}, ()),
        ({"sized": True}, ("dimensions",)),
        ({"consumer_care": ""}, ("consumer_care",)),
        ({"consumer_care": {}}, ("consumer_care",)),
        ({"consumer_care": {"name": "A", "address": "B", "phone": "C"}}, ("consumer_care.email",)),
        ({"consumer_care": {"name": "A", "address": "B", "phone": "C", "email": "D"}}, ()),
    ],
)
def test_absent_declarations_are_named(changes, missing):
    verdict = checked(**changes)

    assert verdict.missing == missing
    assert verdict.ok == (not missing)
    assert all(problem.field == f"label.{name}" for problem, name in zip(verdict.problems, missing, strict=False))


def test_an_empty_label_lacks_all_that_is_always_needed():
    missing = check_labels(Label(), today=TODAY).missing

    assert missing == ("manufacturer", "country_of_origin", "generic_name", "net_quantity", "mrp", "consumer_care")


def test_a_country_is_asked_for_imports_and_by_flipkart():
    label = {**GOOD, "country_of_origin": ""}

    assert check_labels(label, today=TODAY, channel="shopify").ok
    assert check_labels(
        {**label, "imported": True, "importer": "I 400001"}, today=TODAY, channel="shopify"
    ).missing == ("country_of_origin",)


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"country_of_origin": "India"}, ("country_not_iso2",)),
        ({"country_of_origin": "in"}, ("country_not_iso2",)),
        ({"country_of_origin": "UK"}, ("country_not_iso2",)),
        ({"country_of_origin": ["IN", "XX"]}, ("country_not_iso2",)),
        ({"country_of_origin": ["IN", "IN"]}, ("not_unique",)),
        ({"manufacturer": ["A 641604", "A 641604 "]}, ("not_unique",)),
        ({"manufacturer": [f"{number} 641604" for number in "abcdef"]}, ("too_many",)),
        ({"manufacturer": [f"{number} 641604" for number in "abcde"]}, ()),
        ({"mfg_date": TODAY}, ()),
        ({"mfg_date": date(2026, 11, 22)}, ("mfg_date_in_future",)),
        ({"mfg_date": "2026-11-22"}, ("mfg_date_in_future",)),
        ({"mfg_date": "11/2026"}, ("mfg_date_not_valid",)),
        ({"mfg_date": 5}, ("mfg_date_not_valid",)),
        ({"mfg_date": datetime(2026, 1, 1)}, ("mfg_date_not_valid",)),  # noqa: DTZ001
        ({"mfg_date": datetime(2026, 11, 21, 18, 30, tzinfo=UTC)}, ("mfg_date_in_future",)),
        ({"shelf_life": MAX_SHELF_LIFE_SECONDS}, ()),
        ({"shelf_life": MAX_SHELF_LIFE_SECONDS + 1}, ("shelf_life_above_max",)),
        ({"shelf_life": 0}, ("shelf_life_not_valid",)),
        ({"shelf_life": "long"}, ("shelf_life_not_valid",)),
        ({"shelf_life": 1.5}, ("shelf_life_not_valid",)),
        ({"mfg_date": date(2026, 11, 11), "shelf_life": 10 * DAY}, ()),
        ({"mfg_date": date(2026, 11, 10), "shelf_life": 10 * DAY}, ("expired",)),
        ({"best_before": TODAY}, ()),
        ({"best_before": date(2026, 11, 20)}, ("expired",)),
        ({"best_before": "soon"}, ("best_before_not_valid",)),
    ],
)
def test_wrong_declarations_have_their_reasons(changes, reasons):
    assert checked(**changes).reasons == reasons


def test_goods_expire_by_the_day_in_india():
    label = {**GOOD, "best_before": date(2026, 11, 21)}

    assert check_labels(label, today=datetime(2026, 11, 21, 18, 29, tzinfo=UTC)).ok
    assert check_labels(label, today=datetime(2026, 11, 21, 18, 30, tzinfo=UTC)).reasons == ("expired",)


@pytest.mark.parametrize(
    ("address", "warnings"), [("Acme, Tiruppur", 1), ("Acme 1234567", 1), ("Acme 641 604", 0), ("Acme-641604.", 0)]
)
def test_an_address_without_a_pin_is_a_warning(address, warnings):
    verdict = checked(manufacturer=address)

    assert verdict.ok
    assert verdict.warnings == ("address_without_pin",) * warnings


def test_flipkart_gets_lists_and_midnight_in_india():
    payload = flipkart_labels({**GOOD, "mfg_date": date(2018, 1, 1), "shelf_life": shelf_life_seconds(months=60)})

    assert payload == {
        "address_label": {
            "manufacturer_details": [GOOD["manufacturer"]],
            "packer_details": [GOOD["manufacturer"]],
            "countries_of_origin": ["IN"],
        },
        "dating_label": {"mfg_date": 1514745000, "shelf_life": 155520000},
    }
    assert flipkart_labels({}) == {}


def test_an_epoch_is_midnight_in_india_and_not_in_greenwich():
    assert midnight_ist_epoch(date(2018, 1, 1)) == 1514745000 == 1514764800 - 19800
    assert midnight_ist(date(2018, 1, 1)).isoformat() == "2018-01-01T00:00:00+05:30"
    assert month_of_manufacture(2018, 1) == date(2018, 1, 1)
    assert shelf_life_seconds(days=1800) == shelf_life_seconds(months=60) == MAX_SHELF_LIFE_SECONDS


def test_there_are_249_countries():
    assert len(COUNTRY_CODES) == 249
    assert {"IN", "CN", "GB", "US"} <= COUNTRY_CODES


_odd = st.one_of(
    st.text(),
    st.none(),
    st.integers(),
    st.floats(),
    st.lists(st.one_of(st.text(), st.none())),
    st.dates(),
    st.datetimes(),
)


@given(st.dictionaries(st.sampled_from(list(Label.__dataclass_fields__)), _odd))
def test_no_label_raises(label):
    assert check_labels(label, today=TODAY).ok in (True, False)
    flipkart_labels(label)
