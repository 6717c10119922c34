"""What a person is shown when nothing links by itself."""

from __future__ import annotations

from decimal import Decimal

import pytest

from skumap.matching import Kind
from tests.skumap.matching.make import (
    BARCODE,
    OTHER_BARCODE,
    codes,
    listing,
    match,
    match_one,
    match_titles,
    sku,
    verdicts,
)

RUN = [
    sku(place, f"KUR-{colour[:3].upper()}-{size}", f"Cotton Kurta, {colour}, {size}", brand="Tikau")
    for place, (colour, size) in enumerate([(c, s) for c in ("Black", "Red", "Green") for s in ("M", "L", "XL")])
]


def test_the_best_fit_stands_first_and_scores_highest():
    outcome = match_one(RUN, listing("L", "Z9", "Tikau kurta ctn crimson, Large"))

    assert outcome.suggestions[0].goods_id == 4
    scores = [found.score for found in outcome.suggestions]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 100 for score in scores)


def test_no_more_suggestions_are_given_than_asked_for():
    offer = listing("L", "Z9", "Tikau cotton kurta")

    assert len(match(RUN, offer, suggestions=2)["L"].suggestions) == 2
    assert len(match(RUN, offer)["L"].suggestions) == 5


def test_findings_say_what_agrees_and_what_differs_with_both_values():
    goods = sku(1, "KUR-M", "Cotton Kurta, Black, M", brand="Tikau", barcode=BARCODE, mrp=Decimal(999))
    offer = listing("L", "kur_m", "Tikau cotton kurta black L", barcode=OTHER_BARCODE, mrp=Decimal(899))

    outcome = match_one(goods, offer)

    assert verdicts(outcome) == {
        "title": "agrees", "brand": "agrees", "size": "differs", "colour": "agrees", "code": "agrees", "barcode": "differs", "mrp": "close",
    }  # fmt: skip
    size = next(finding for finding in outcome.suggestions[0].findings if finding.field == "size")
    assert (size.ours, size.theirs) == ("M", "L")


def test_what_one_side_does_not_say_is_no_difference():
    outcome = match_titles("Cotton Kurta, Black, M", "cotton kurta")

    assert (verdicts(outcome)["size"], verdicts(outcome)["colour"]) == ("only ours", "only ours")
    assert outcome.kind is Kind.LINKED


def test_what_nobody_says_is_no_finding():
    assert set(verdicts(match_titles("Cotton Kurta", "cotton kurta"))) == {"title", "code"}


def test_a_sku_that_the_account_sells_already_stands_behind_a_free_twin():
    goods = [sku(1, "A-1", "Cotton Kurta, Black"), sku(2, "A-2", "Cotton Kurta, Black")]
    found = match(goods, listing("L1", "A-1", "Cotton kurta black"), listing("L2", "", "Cotton kurta black"))

    assert found["L1"].goods_id == 1
    assert [each.goods_id for each in found["L2"].suggestions] == [2, 1]


@pytest.mark.parametrize("code", ["AMZ-KUR9921-NEW", "KUR9921/FBA"])
def test_a_code_inside_a_tools_own_code_is_shown_first_but_does_not_link(code):
    goods = [sku(1, "KUR9921", ""), sku(2, "KUR9931", "Cotton Kurta, Black")]
    outcome = match_one(goods, listing("L", code, "Cotton kurta"))

    assert outcome.kind is Kind.AMBIGUOUS
    assert outcome.suggestions[0].goods_id == 1


def test_what_an_identifier_names_is_shown_however_badly_it_fits():
    outcome = match_one(
        [*RUN, sku(99, "FAN", "Ceiling Fan 1200 mm")], listing("L", "FAN", "Tikau cotton kurta black M")
    )

    assert 99 in [found.goods_id for found in outcome.suggestions]
    assert outcome.suggestions[0].goods_id == 0


def test_messages_name_the_skus_by_their_code():
    goods = [sku(1, "SOAP-2", "Neem Soap, Pack of 2"), sku(2, "SOAP-1", "Neem Soap")]
    outcome = match_one(goods, listing("L", "SOAP-2", "Neem soap"))

    assert codes(outcome) == ["reads_like_another"]
    assert "SOAP-1" in outcome.conflicts[0].message
    assert outcome.conflicts[0].goods_ids == (1, 2)


def test_a_listing_with_our_sibling_s_words_is_held_where_our_title_is_empty():
    goods = [sku(1, "C-PEA", ""), sku(2, "C-RUS", "Armor Case for iPhone 15, Rust")]
    offer = listing("L", "C-PEA", "Armor case for iPhone 15 rust")

    assert codes(match_one(goods, offer)) == ["reads_like_another"]
    assert match_one(goods[:1], offer).kind is Kind.LINKED


def test_a_pack_whose_listing_does_not_say_so_waits_for_a_person():
    goods = sku(1, "SOAP-3", "Neem Soap 100 g, Pack of 3")

    assert codes(match_one(goods, listing("L", "SOAP-3", "Neem soap 100 g"))) == ["variant_not_said"]
    assert match_one(goods, listing("L", "SOAP-3")).kind is Kind.LINKED


def test_a_word_in_place_of_another_is_a_different_product():
    goods = [
        sku(1, "B-ENG", "Sanskrit Guide Class 7 English Medium with Solved Papers, Chapter Maps, Questions, Answers"),
        sku(2, "X-1", "History Guide Class 9 Hindi Medium with Solved Papers, Chapter Maps, Questions, Answers"),
    ]

    title = "Sanskrit guide class 7 Hindi medium with solved papers, chapter maps, questions, answers"

    outcome = match_one(goods, listing("L", "B-ENG", title))

    assert codes(outcome) == ["title_mismatch"]
    assert verdicts(outcome)["title"] != "differs"


def test_a_pack_of_several_of_our_single_is_suggested_though_the_words_differ_too():
    bottles = [
        sku(place, f"BTL-{ml}", f"Steel Water Bottle {ml} ml", brand="Nestora") for place, ml in enumerate((750, 1000))
    ]

    outcome = match_one(bottles, listing("L", "NS-1", "Nestora Insulated Bottle 750 ml (Pack of 2)", brand="Nestora"))

    assert outcome.kind is Kind.AMBIGUOUS
    assert (outcome.suggestions[0].goods_id, outcome.suggestions[0].units_per_sale) == (0, 2)


def test_stainless_steel_is_steel_to_a_seller():
    outcome = match_titles("Steel Bottle 750 ml", "stainless steel bottle 750ml")

    assert verdicts(outcome)["title"] == "agrees"
