"""Runs of sizes and colours: paired one to one, or not at all."""

from __future__ import annotations

from skumap.matching import propose_styles
from tests.skumap.matching.make import listing, sku

SIZES = ("S", "M", "L")
GOODS = [
    sku(place, f"K-{size}", f"Cotton Kurta, Black, {size}", brand="Tikau") for place, size in enumerate(SIZES, start=1)
]


def run(*titles, **more):
    return [listing(f"L{place}", title=title, parent="P1", **more) for place, title in enumerate(titles, start=1)]


def pairs(goods, offers, links=None):
    return [
        [(offer_id, found.goods_id) for offer_id, found in each.pairs]
        for each in propose_styles(goods=goods, offers=offers, links=links)
    ]


WHOLE = run("Tikau Kurta cotton blk Small", "Tikau kurta cotton blk Medium", "Tikau kurta cotton blk Large")


def test_a_whole_run_is_paired_one_to_one():
    (proposal,) = propose_styles(goods=GOODS, offers=WHOLE)

    assert [(offer_id, found.goods_id) for offer_id, found in proposal.pairs] == [("L1", 1), ("L2", 2), ("L3", 3)]
    assert (proposal.channel, proposal.account_id, proposal.parent, proposal.unlisted) == ("flipkart", 1, "P1", ())
    assert proposal.score == min(found.score for _, found in proposal.pairs)


def test_skus_that_the_parent_does_not_have_are_named():
    (proposal,) = propose_styles(goods=GOODS, offers=WHOLE[:2])

    assert proposal.unlisted == (3,)


def test_two_listings_of_one_size_pair_nothing():
    assert (
        pairs(GOODS, run("Tikau cotton kurta black S", "Tikau cotton kurta black S", "Tikau cotton kurta black L"))
        == []
    )


def test_a_size_that_we_do_not_have_pairs_nothing():
    assert pairs(GOODS, run("Tikau cotton kurta black S", "Tikau cotton kurta black XXL")) == []


def test_a_listing_that_does_not_say_its_size_pairs_nothing():
    assert pairs(GOODS, run("Tikau cotton kurta black S", "Tikau cotton kurta black")) == []


def test_two_styles_of_ours_that_fit_alike_pair_nothing():
    twins = [
        sku(place + 10, f"T-{size}", f"Cotton Kurta, Black, {size}", brand="Tikau", style="T")
        for place, size in enumerate(SIZES)
    ]

    assert pairs(GOODS, WHOLE) != []
    assert pairs(GOODS + twins, WHOLE) == []


def test_two_skus_of_one_size_pair_nothing():
    assert pairs([*GOODS, sku(9, "K-M2", "Cotton Kurta, Black, M", brand="Tikau")], WHOLE) == []


def test_a_single_listing_is_no_run():
    assert pairs(GOODS, WHOLE[:1]) == []


def test_listings_without_a_parent_are_no_run():
    assert (
        pairs(
            GOODS,
            [listing("L1", title="Tikau cotton kurta black S"), listing("L2", title="Tikau cotton kurta black M")],
        )
        == []
    )


def test_what_the_account_holds_already_is_not_proposed_again():
    held = listing("L0", "OLD", "Old kurta")

    assert pairs(GOODS, [*WHOLE[1:], held], {"L0": 1}) == [[("L2", 2), ("L3", 3)]]
    assert pairs(GOODS, [*WHOLE, held], {"L0": 1}) == []
    assert pairs(GOODS, [*WHOLE, listing("L0", account_id=2)], {"L0": 1}) != []


def test_two_colours_by_two_sizes_pair_too():
    goods = [
        sku(place, f"C-{place}", f"Linen Shirt, {colour}, {size}", brand="Tikau")
        for place, (colour, size) in enumerate([(c, s) for c in ("Red", "Navy") for s in ("M", "L")])
    ]
    offers = run(
        "Linen shirt L navy blue", "Linen shirt M crimson", "Linen shirt M nvy", "Linen shirt L red", brand="Tikau"
    )

    assert pairs(goods, offers) == [[("L1", 3), ("L2", 0), ("L3", 2), ("L4", 1)]]


def test_the_surest_run_comes_first():
    mugs = [
        sku(20 + place, f"MUG-{ml}", f"Ceramic Mug {ml} ml", brand="Nestora") for place, ml in enumerate((250, 350))
    ]
    offers = [
        *WHOLE,
        *(listing(f"M{ml}", f"MUG-{ml}", f"Ceramic Mug {ml} ml", brand="Nestora", parent="P2") for ml in (250, 350)),
    ]
    found = propose_styles(goods=[*mugs, *GOODS], offers=offers)

    assert [each.parent for each in found] == ["P2", "P1"]
    assert found[0].score > found[1].score
