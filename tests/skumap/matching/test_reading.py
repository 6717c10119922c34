"""Indian wordings: what means the same links, what differs is named and blocks."""

from __future__ import annotations

import pytest

from skumap.matching import Kind
from tests.skumap.matching.make import codes, listing, match_one, match_titles, sku, verdicts

SAME = [
    ("Cotton T-Shirt, Navy, XXL", "cttn tshirt nvy blue 2XL", {}),
    ("Men's Cotton Kurta", "gents kurtha ctn", {}),
    ("Steel Bottle 1 L", "steel btl 1000ml", {}),
    ("Neem Soap 100 g, Pack of 4", "neem soap 100gm (4 pcs)", {}),
    ("Neem Soap 100 g, Pack of 4", "neem soap 4 x 100 g", {}),
    ("Neem Soap 100 g, Pack of 2", "neem soap 100 gms twin pack", {}),
    ("Neem Soap, Pack of 6", "Neem soap", {"number_of_items": "6"}),
    ("Powerbank 10000 mAh", "power bank 10,000mAh", {}),
    ("Powerbank 10000 mAh", "power bank 10k mAh", {}),
    ("Cotton Bedsheet 90 x 100 inch", 'cotton bed sheet 90"x100"', {}),
    ("Basmati Rice 5 kg", "basmati rice 5000 g", {}),
    ("Running Shoes, UK 8", "running shoes 8 No", {}),
    ("Running Shoes, UK 8", "Running Shoes", {"Size": "UK/India 8"}),
    ("Running Shoes, UK 8", "running shoes IND-8", {}),
    ("Running Shoes, UK 10", "Running shoes X1 UK-10 #1 Rated", {}),
    ("Running Shoes X1, 8", "running shoes 8 X1", {}),
    ("Temple Bangles, 2.4", "temple bangles 2-4", {}),
    ("Cotton Dress, 2-3 Years", "cotton dress 2 to 3 yrs", {}),
    ("Silk Saree, Maroon", "silk sari, wine", {}),
    ("Silk Saree, Maroon", "Silk saree", {"Color": "Mehroon"}),
    ("Silk Saree, Grey", "silk saree gray", {}),
    ("Silk Saree, Mustard", "silk saree musterd", {}),
    ("Back Cover for Galaxy S23 FE", "back cover for GALAXYS23FE", {}),
    ("USB Cable 1.5 m", "usb cable 1.5mtr with 2 year warranty", {}),
    ("Protein Bar Coffee", "Protein Bar | Coffee", {}),
    ("Cotton Shirt, Olive", "Cotton shirt, olive green, combo offer", {}),
    ("LED Bulb 9 W", "led bulb 9 watt made in india", {}),
]
DIFFERENT = [
    ("size_mismatch", "Cotton Kurta, M", "Cotton kurta L", {}),
    ("size_mismatch", "Cotton Kurta, M", "Cotton kurta", {"Size": "XL"}),
    ("size_mismatch", "Denim Jeans, 32", "denim jeans 34", {}),
    ("size_mismatch", "Running Shoes, UK 8", "running shoes 9 No", {}),
    ("size_mismatch", "Running Shoes X1, 8", "running shoes 9 X1", {}),
    ("size_mismatch", "Temple Bangles, 2.4", "temple bangles 2.6", {}),
    ("size_mismatch", "Sample Papers Class 10 2024 Edition", "sample papers class 6 2024 edition", {}),
    ("colour_mismatch", "Silk Saree, Red", "silk saree green", {}),
    ("colour_mismatch", "Silk Saree, Black", "Silk saree", {"Color": "WHT"}),
    ("colour_mismatch", "Temple Bangles, White", "Temple bangles, RG", {}),
    ("pack_mismatch", "Neem Soap", "neem soap pack of 3", {}),
    ("pack_mismatch", "Neem Soap, Pack of 2", "neem soap, set of 3", {}),
    ("capacity_mismatch", "Hair Oil 100 ml", "hair oil 200 ml", {}),
    ("capacity_mismatch", "Basmati Rice 1 kg", "basmati rice 5 kg", {}),
    ("capacity_mismatch", "Pen Drive 32 GB", "pen drive 64gb", {}),
    ("capacity_mismatch", "Magic Cube 3x3", "magic cube 4x4", {}),
    ("model_mismatch", "Trimmer BT1232", "trimmer BT3211", {}),
    ("model_mismatch", "Back Cover for Redmi Note 12", "back cover for redmi note 12 pro", {}),
    ("model_mismatch", "Running Shoes 101, UK 8", "running shoes 202 UK 8", {}),
    ("gender_mismatch", "Polo T-Shirt for Men", "polo t-shirt for women", {}),
    ("gender_mismatch", "Polo T-Shirt for Boys", "polo tshirt girls", {}),
    ("title_mismatch", "Steel Bottle", "Ceiling fan", {}),
]


@pytest.mark.parametrize(("ours", "theirs", "attributes"), SAME)
def test_the_same_thing_in_other_words_links(ours, theirs, attributes):
    outcome = match_titles(ours, theirs, **attributes)

    assert (outcome.kind, codes(outcome)) == (Kind.LINKED, [])
    assert "differs" not in verdicts(outcome).values()


@pytest.mark.parametrize(("code", "ours", "theirs", "attributes"), DIFFERENT)
def test_a_difference_is_named_and_blocks(code, ours, theirs, attributes):
    outcome = match_titles(ours, theirs, **attributes)

    assert code in codes(outcome)
    assert (outcome.kind, outcome.goods_id) == (Kind.AMBIGUOUS, None)
    assert outcome.conflicts[0].goods_ids == (1,)
    assert outcome.conflicts[0].offer_ids == ("L",)


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("Tikau", "Zentro", False),
        ("Tikau", "TIKAU Pvt. Ltd.", True),
        ("Tikau", "Generic", True),
        ("Mr. Button", "mr button", True),
        ("Blue Peepal", "BluePeepal", True),
    ],
)
def test_another_brand_is_named_and_blocks(ours, theirs, same):
    outcome = match_one(sku(1, "A-1", "Steel Bottle", brand=ours), listing("L", "A-1", "Steel bottle", brand=theirs))

    assert codes(outcome) == ([] if same else ["brand_mismatch"])


@pytest.mark.parametrize("title", ["MR. BUTTON steel bottle", "Steel Bottle by Mr. Button", "Steel bottle MR BUTTON"])
def test_a_brand_is_found_in_the_title(title):
    outcome = match_one(sku(1, "A-1", "Steel Bottle", brand="Mr. Button"), listing("L", "A-1", title))

    assert verdicts(outcome)["brand"] == "agrees"
    assert verdicts(outcome)["title"] == "agrees"


def test_a_shade_and_its_plain_colour_are_close_not_different():
    outcome = match_titles("Silk Saree, Navy", "Silk saree blue")

    assert verdicts(outcome)["colour"] == "close"
    assert outcome.kind is Kind.LINKED


def test_a_lettered_and_a_numbered_size_are_close_not_different():
    assert verdicts(match_titles("Cotton Kurta, M", "Cotton Kurta", Size="38"))["size"] == "close"


def test_a_flavour_is_not_taken_for_a_colour():
    outcome = match_titles("Rose Water 100 ml", "Rose water, pink, 100ml")

    assert "colour_mismatch" not in codes(outcome)


def test_shipping_weight_is_not_what_is_in_the_box():
    assert match_titles("Hair Oil 100 ml", "Hair oil 100 ml", package_weight="400 g").kind is Kind.LINKED


@pytest.mark.parametrize(
    ("ours", "theirs", "units"),
    [
        ("Neem Soap", "Neem soap, pack of 3", 3),
        ("Neem Soap, Pack of 2", "Neem soap, pack of 6", 3),
        ("Neem Soap, Pack of 2", "Neem soap, pack of 3", 1),
        ("Neem Soap, Pack of 2", "Neem soap", 1),
        ("Neem Soap", "Neem soap", 1),
    ],
)
def test_a_pack_of_a_single_suggests_its_units_per_sale(ours, theirs, units):
    assert match_titles(ours, theirs).suggestions[0].units_per_sale == units


def test_units_that_somebody_stated_are_the_pack():
    outcome = match_one(sku(1, "A-1", "Neem Soap"), listing("L", "A-1", "Neem soap", units=4))

    assert codes(outcome) == ["pack_mismatch"]
    assert outcome.suggestions[0].units_per_sale == 4
