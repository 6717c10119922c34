"""What links by itself, and what never does."""

from __future__ import annotations

import pytest

from skumap.matching import Evidence, Goods, Kind, KitPart, Offer, match_listings
from tests.skumap.matching.make import BARCODE, OTHER_BARCODE, THIRD_BARCODE, codes, listing, match, match_one, sku

KURTA = sku(1, "KUR-BLK-M", "Cotton Kurta, Black, M", brand="Tikau")
KURTA_L = sku(2, "KUR-BLK-L", "Cotton Kurta, Black, L", brand="Tikau")


def test_the_fewest_arguments_are_enough():
    (outcome,) = match_listings(
        goods=[Goods(id=1, code="KUR-M")], offers=[Offer(id=7, channel="amazon", account_id=1, seller_sku="KUR-M")]
    )

    assert (outcome.offer_id, outcome.kind, outcome.goods_id) == (7, Kind.LINKED, 1)


def test_the_same_code_links():
    outcome = match_one([KURTA, KURTA_L], listing("L", "KUR-BLK-M", "Tikau cotton kurta black M"))

    assert (outcome.kind, outcome.goods_id, outcome.evidence) == (Kind.LINKED, 1, Evidence.SAME_CODE)
    assert [found.goods_id for found in outcome.suggestions] == [1]
    assert outcome.conflicts == ()


@pytest.mark.parametrize("code", ["kur-blk-m", "KURBLKM", "KUR_BLK_M", " KUR BLK.M "])
def test_the_same_code_but_for_case_and_punctuation_links(code):
    outcome = match_one([KURTA, KURTA_L], listing("L", code, "Tikau cotton kurta black M"))

    assert (outcome.goods_id, outcome.evidence) == (1, Evidence.SAME_CODE_NORMALISED)


@pytest.mark.parametrize("theirs", [BARCODE, f"0{BARCODE}", "8901 2345 67890", "8901234-567890"])
def test_the_same_barcode_links_however_it_is_written(theirs):
    outcome = match_one(
        sku(1, title="Steel Bottle 1 L", barcode=BARCODE), listing("L", "X9", "Steel bottle 1000 ml", barcode=theirs)
    )

    assert (outcome.goods_id, outcome.evidence) == (1, Evidence.SAME_BARCODE)


@pytest.mark.parametrize(
    "damaged",
    [
        "8901234567891",
        "8.90123E+12",
        "8.90123456789E+12",
        "890123456789",
        "8901234567890.0",
        "0000000000000",
        "N/A",
        "٨٩٠١٢٣٤٥٦٧٨٩٠",
    ],
)
def test_a_wrong_check_digit_or_a_number_damaged_by_a_spreadsheet_is_no_evidence(damaged):
    on_both = match_one(
        sku(1, title="Steel Bottle", barcode=damaged), listing("L", "X9", "Steel bottle", barcode=damaged)
    )
    control = match_one(
        sku(1, title="Steel Bottle", barcode=BARCODE), listing("L", "X9", "Steel bottle", barcode=BARCODE)
    )

    assert (on_both.kind, control.kind) == (Kind.AMBIGUOUS, Kind.LINKED)


def test_nothing_links_on_words_alone_however_alike():
    outcome = match_one(
        [KURTA, KURTA_L],
        listing("L", "", "Cotton Kurta, Black, M", brand="Tikau", attributes={"Size": "M", "Color": "Black"}),
    )

    assert outcome.kind is Kind.AMBIGUOUS
    assert outcome.goods_id is outcome.evidence is None
    assert outcome.suggestions[0].goods_id == 1


def test_a_listing_like_nothing_of_ours_has_no_candidate():
    outcome = match_one([KURTA, KURTA_L], listing("L", "ZZ", "Ceiling fan 1200 mm 75 W"))

    assert (outcome.kind, outcome.suggestions) == (Kind.NO_CANDIDATE, ())


def test_a_code_that_two_skus_bear_but_for_punctuation_links_to_neither():
    outcome = match_one([sku(1, "AB-1"), sku(2, "A-B1")], listing("L", "ab1"))

    assert outcome.kind is Kind.AMBIGUOUS
    assert codes(outcome) == ["code_taken_by_two"]
    assert outcome.conflicts[0].goods_ids == (1, 2)
    assert {found.goods_id for found in outcome.suggestions} == {1, 2}


def test_the_exact_one_of_two_codes_alike_but_for_punctuation_still_links():
    assert match_one([sku(1, "AB-1"), sku(2, "A-B1")], listing("L", "A-B1")).goods_id == 2


def test_a_code_that_two_listings_of_an_account_bear_links_neither():
    found = match([KURTA], listing("L1", "KUR-BLK-M"), listing("L2", "KUR-BLK-M"))

    assert [found[each].kind for each in ("L1", "L2")] == [Kind.AMBIGUOUS] * 2
    assert codes(found["L1"]) == ["code_taken_by_two"]
    assert found["L1"].conflicts[0].offer_ids == ("L1", "L2")


def test_the_same_code_in_two_accounts_links_in_both():
    found = match([KURTA], listing("L1", "KUR-BLK-M"), listing("L2", "KUR-BLK-M", account_id=2))

    assert [found[each].goods_id for each in ("L1", "L2")] == [1, 1]


def test_a_barcode_that_two_skus_bear_links_to_neither():
    outcome = match_one([sku(1, barcode=BARCODE), sku(2, barcode=BARCODE)], listing("L", "X9", barcode=BARCODE))

    assert outcome.kind is Kind.AMBIGUOUS
    assert codes(outcome) == ["barcode_twice"]


def test_a_barcode_that_two_listings_of_an_account_bear_links_neither():
    found = match([sku(1, barcode=BARCODE)], listing("L1", "X8", barcode=BARCODE), listing("L2", "X9", barcode=BARCODE))

    assert [codes(found[each]) for each in ("L1", "L2")] == [["barcode_twice"]] * 2
    assert [found[each].kind for each in ("L1", "L2")] == [Kind.AMBIGUOUS] * 2


def test_a_code_decides_where_the_barcode_is_on_two_skus_and_the_barcode_is_named():
    outcome = match_one(
        [sku(1, "A-1", barcode=BARCODE), sku(2, "A-2", barcode=BARCODE)], listing("L", "A-2", barcode=BARCODE)
    )

    assert outcome.goods_id == 2
    assert codes(outcome) == ["barcode_twice"]


def test_a_barcode_decides_between_two_listings_of_one_code():
    goods = [sku(1, "KUR-M", "Cotton Kurta, M", barcode=BARCODE)]
    found = match(
        goods,
        listing("L1", "KUR-M", "Cotton kurta M", barcode=BARCODE),
        listing("L2", "KUR-M", "Cotton kurta L", barcode=OTHER_BARCODE),
    )

    assert (found["L1"].goods_id, found["L1"].evidence) == (1, Evidence.SAME_BARCODE)
    assert found["L2"].kind is Kind.AMBIGUOUS


def test_code_and_barcode_of_two_skus_link_to_neither_and_are_named():
    goods = [sku(1, "A-1", "Steel Bottle", barcode=BARCODE), sku(2, "A-2", "Steel Bottle", barcode=OTHER_BARCODE)]
    outcome = match_one(goods, listing("L", "A-1", "Steel bottle", barcode=OTHER_BARCODE))

    assert outcome.kind is Kind.AMBIGUOUS
    assert codes(outcome) == ["code_and_barcode_disagree"]
    assert "A-1" in outcome.conflicts[0].message
    assert "A-2" in outcome.conflicts[0].message


def test_a_code_whose_barcodes_differ_links_only_when_the_text_says_everything():
    goods = sku(1, "KUR-M", "Cotton Kurta, Black, M", barcode=BARCODE)
    said = match_one(goods, listing("L", "KUR-M", "Cotton kurta black M", barcode=OTHER_BARCODE))
    unsaid = match_one(goods, listing("L", "KUR-M", "Cotton kurta", barcode=OTHER_BARCODE))

    assert said.kind is Kind.LINKED
    assert codes(unsaid) == ["barcode_mismatch"]
    assert unsaid.kind is Kind.AMBIGUOUS


def test_digits_that_only_punctuation_divides_are_not_taken_for_the_same_code():
    goods = [sku(1, "T-1-23", "Cotton T-Shirt, Red"), sku(2, "Q-9", "Cotton T-Shirt, Blue")]

    assert match_one(goods, listing("L", "T-12-3", "Cotton tshirt")).kind is Kind.AMBIGUOUS
    assert match_one(goods, listing("L", "t_1_23", "Cotton tshirt")).goods_id == 1


def test_a_reused_seller_sku_does_not_link_to_what_it_was():
    goods = [KURTA, sku(3, "MUG-1", "Ceramic Coffee Mug 350 ml", brand="Nestora")]
    outcome = match_one(goods, listing("L", "KUR-BLK-M", "Nestora ceramic mug for coffee 350ml"))

    assert outcome.kind is Kind.AMBIGUOUS
    assert "title_mismatch" in codes(outcome)
    assert outcome.suggestions[0].goods_id == 3


def test_a_listing_that_reads_like_a_sibling_is_held():
    goods = [
        sku(1, "JAM-MAN", "Fruit Jam Mango 500 g", brand="Haveli"),
        sku(2, "JAM-STR", "Fruit Jam Strawberry 500 g", brand="Haveli"),
    ]
    outcome = match_one(goods, listing("L", "JAM-MAN", "Haveli strawberry fruit jam 500gm"))

    assert outcome.kind is Kind.AMBIGUOUS
    assert outcome.conflicts


def test_a_flavour_that_is_a_colour_too_is_still_a_flavour():
    goods = [sku(1, "TEA-M", "Desi Tulsi Herbal Loose Tea - Mint - 500 g"), sku(2, "TEA-G", "Ginger Biscuit 100 g")]

    assert "title_mismatch" in codes(
        match_one(goods, listing("L", "TEA-M", "Desi tulsi herbal loose tea - Ginger - 500 g"))
    )
    assert match_one(goods, listing("L", "TEA-M", "Desi tulsi herbal loose tea mint 500 g")).goods_id == 1


def test_an_unknown_word_holds_a_listing_that_may_as_well_be_a_sibling():
    goods = [sku(1, "JAM-MAN", "Fruit Jam Mango 500 g"), sku(2, "JAM-STR", "Fruit Jam Strawberry 500 g")]

    assert codes(match_one(goods, listing("L", "JAM-MAN", "Fruit jam jhakaas 500 g"))) == ["variant_not_said"]
    assert match_one(goods, listing("L", "JAM-MAN", "Fruit jam 500 g")).goods_id == 1
    assert match_one(goods[:1], listing("L", "JAM-MAN", "Fruit jam jhakaas 500 g")).goods_id == 1


def test_a_barcode_alone_does_not_choose_between_siblings_that_the_text_leaves_open():
    goods = [
        sku(1, title="Cotton Kurta, Red, M", barcode=BARCODE),
        sku(2, title="Cotton Kurta, Red, L", barcode=OTHER_BARCODE),
    ]

    assert codes(match_one(goods, listing("L", "", "Cotton kurta red", barcode=BARCODE))) == ["variant_not_said"]
    assert match_one(goods, listing("L", "", "Cotton kurta red M", barcode=BARCODE)).goods_id == 1


def test_a_barcode_chooses_between_skus_that_are_written_alike():
    goods = [
        sku(1, title="Cotton Kurta, Red, 38", barcode=BARCODE),
        sku(2, title="Cotton Kurta, Red", attributes={"Size": "38"}),
    ]

    assert match_one(goods, listing("L", "", "Cotton kurta red 38", barcode=BARCODE)).goods_id == 1


def test_code_and_barcode_together_forgive_silence_but_no_contradiction():
    goods = [
        sku(1, "SOAP-2", "Neem Soap 100 g, Pack of 2", barcode=BARCODE),
        sku(2, "SOAP-1", "Neem Soap 100 g", barcode=OTHER_BARCODE),
    ]

    assert match_one(goods, listing("L", "SOAP-2", "Neem soap 100g", barcode=BARCODE)).goods_id == 1
    assert codes(match_one(goods, listing("L", "SOAP-2", "Neem soap 100g"))) == ["reads_like_another"]
    assert codes(match_one(goods, listing("L", "SOAP-2", "Neem soap 100g pack of 3", barcode=BARCODE))) == [
        "pack_mismatch"
    ]


def test_code_and_barcode_together_forgive_an_edition_that_the_listing_leaves_out():
    goods = sku(1, "COV-1", "Back Cover for Redmi Note 12 Pro", barcode=BARCODE)
    title = "Back cover for Redmi Note 12"

    assert match_one(goods, listing("L", "COV-1", title, barcode=BARCODE)).goods_id == 1
    assert codes(match_one(goods, listing("L", "COV-1", title))) == ["model_mismatch"]
    assert codes(match_one(goods, listing("L", "COV-1", f"{title} Plus", barcode=BARCODE))) == ["model_mismatch"]


def test_a_barcode_alone_does_not_stand_against_another_shade():
    goods = sku(1, title="Cotton Kurta, Rust", barcode=BARCODE)

    assert codes(match_one(goods, listing("L", "", "Cotton kurta, Orange", barcode=BARCODE))) == ["variant_not_said"]
    assert match_one(goods, listing("L", "", "Cotton kurta, brick", barcode=BARCODE)).goods_id == 1


def test_links_given_stay_decided_and_count():
    goods = [KURTA]
    found = match(goods, listing("L1", "OLD-1"), listing("L2", "KUR-BLK-M"), links={"L1": 1})

    assert list(found) == ["L2"]
    assert found["L2"].kind is Kind.AMBIGUOUS
    assert codes(found["L2"]) == ["sku_has_two_products"]
    assert found["L2"].conflicts[0].offer_ids == ("L1", "L2")


def test_a_link_in_one_account_leaves_another_account_free():
    found = match([KURTA], listing("L1", "OLD-1"), listing("L2", "KUR-BLK-M", account_id=2), links={"L1": 1})

    assert found["L2"].goods_id == 1


def test_two_products_for_one_sku_in_an_account_do_not_both_link():
    goods = [sku(1, "A-1", "Steel Bottle", barcode=BARCODE)]
    found = match(goods, listing("L1", "a_1", "Steel bottle"), listing("L2", "X9", "Steel bottle", barcode=BARCODE))

    assert [found[each].kind for each in ("L1", "L2")] == [Kind.AMBIGUOUS] * 2
    assert [codes(found[each]) for each in ("L1", "L2")] == [["sku_has_two_products"]] * 2


def test_an_exact_code_and_a_barcode_in_one_account_do_not_both_link():
    found = match([sku(1, "A-1", barcode=BARCODE)], listing("L1", "A-1"), listing("L2", "a1", barcode=BARCODE))

    assert [found[each].kind for each in ("L1", "L2")] == [Kind.AMBIGUOUS] * 2
    assert found["L1"].conflicts[0].offer_ids == ("L1", "L2")


def test_one_fsn_for_two_skus_is_named_and_links_to_neither():
    found = match(
        [sku(1, "A-1"), sku(2, "A-2")], listing("L1", "A-1", product_id="FSN1"), listing("L2", "A-2", product_id="FSN1")
    )

    assert [found[each].kind for each in ("L1", "L2")] == [Kind.AMBIGUOUS] * 2
    assert codes(found["L1"]) == ["product_for_two_skus"]
    assert "FSN FSN1" in found["L1"].conflicts[0].message


def test_variants_of_one_shopify_product_share_its_id_and_link():
    found = match(
        [sku(1, "A-1"), sku(2, "A-2")],
        listing("L1", "A-1", product_id="77", channel="shopify"),
        listing("L2", "A-2", product_id="77", channel="shopify"),
    )

    assert [found[each].goods_id for each in ("L1", "L2")] == [1, 2]


def test_a_code_that_two_skus_bear_is_no_fsn_for_two_skus():
    outcome = match_one([sku(1, "AB-1"), sku(2, "A-B1")], listing("L", "ab1", product_id="FSN1"))

    assert codes(outcome) == ["code_taken_by_two"]


def test_a_combo_of_one_sku_several_times_is_a_pack_of_that_many():
    goods = [sku(1, "SOAP", "Neem Soap"), sku(2, "SOAP-3", "Neem Soap", parts=(KitPart(goods_id=1, units=3),))]

    assert match_one(goods, listing("L", "SOAP-3", "Neem soap, set of 3")).goods_id == 2
    assert codes(match_one(goods, listing("L", "SOAP", "Neem soap, set of 3")))[0] == "pack_mismatch"


@pytest.mark.parametrize("twice", ["goods", "offers"])
def test_the_same_id_twice_is_refused(twice):
    goods, offers = (
        [sku(1, "A"), sku(1 if twice == "goods" else 2, "B")],
        [listing("L"), listing("L" if twice == "offers" else "M")],
    )

    with pytest.raises(ValueError, match="same id"):
        match_listings(goods=goods, offers=offers)


def test_barcodes_of_three_skus_do_not_mix():
    goods = [sku(1, barcode=BARCODE), sku(2, barcode=OTHER_BARCODE), sku(3, barcode=THIRD_BARCODE)]
    found = match(
        goods,
        *(listing(f"L{place}", barcode=code) for place, code in enumerate((THIRD_BARCODE, BARCODE, OTHER_BARCODE))),
    )

    assert [outcome.goods_id for outcome in found.values()] == [3, 1, 2]
