"""What holds for any input: order does not matter, nothing crashes, a made-up catalogue gets no wrong link."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.matching import exact_listings
from benchmarks.matching_noise import HARSH, Noise, make_case
from skumap.matching import Goods, Kind, Offer, audit_links, find_conflicts, match_listings, propose_styles
from tests.skumap.matching.make import BARCODE, OTHER_BARCODE

WORDS = st.sampled_from(
    [
        "Cotton",
        "Kurta",
        "Black",
        "Red",
        "M",
        "XL",
        "Pack of 2",
        "500 ml",
        "1 L",
        "X1",
        "Pro",
        "UK 8",
        "8 No",
        "2.4",
        "2x3",
        "",
    ]
)
TITLES = st.lists(WORDS, max_size=5).map(" ".join)
CODES = st.sampled_from(["A-1", "a1", "A-2", "B-7", "", "-"])
BARCODES = st.sampled_from(["", BARCODE, OTHER_BARCODE, "8.9E+12"])
JUNK = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "  ", "\x00", "½ kg ☕ ₹", "कॉटन कुर्ता", "&amp;&#x;&", "x" * 3000, "9" * 400, "1 x " * 200, "2.5." * 300]
    ),
)
VALUES = st.one_of(
    JUNK, st.none(), st.integers(), st.booleans(), st.floats(), st.lists(st.text(max_size=5), max_size=3)
)
MONEY = st.one_of(st.none(), st.sampled_from([Decimal(0), Decimal("-5"), Decimal("0.01"), Decimal(99999)]))
ATTRIBUTES = st.dictionaries(
    st.one_of(
        JUNK,
        st.sampled_from(["size", "Color", "pack_of", "Net Quantity", "Model", "gender", "Flavour", "brand", "title"]),
    ),
    VALUES,
    max_size=5,
)


def goods_of(rows):
    return [
        Goods(id=place, code=code, title=title, barcode=barcode, brand="Tikau")
        for place, (code, title, barcode) in enumerate(rows)
    ]


def offers_of(rows):
    return [
        Offer(
            id=f"L{place}",
            channel="amazon",
            account_id=place % 2,
            seller_sku=code,
            title=title,
            barcode=barcode,
            parent="P",
        )
        for place, (code, title, barcode) in enumerate(rows)
    ]


ROWS = st.lists(st.tuples(CODES, TITLES, BARCODES), max_size=7)


@settings(max_examples=120, deadline=None)
@given(ours=ROWS, theirs=ROWS, seed=st.integers(0, 10**6))
def test_the_order_of_the_input_changes_nothing(ours, theirs, seed):
    goods, offers = goods_of(ours), offers_of(theirs)
    links = {offer.id: 0 for offer in offers[:1]} if goods else {}
    other_goods, other_offers = Random(seed).sample(goods, len(goods)), Random(seed + 1).sample(offers, len(offers))

    first = {each.offer_id: each for each in match_listings(goods=goods, offers=offers, links=links)}
    second = {each.offer_id: each for each in match_listings(goods=other_goods, offers=other_offers, links=links)}

    assert first == second
    assert propose_styles(goods=goods, offers=offers) == propose_styles(goods=other_goods, offers=other_offers)
    assert audit_links(goods=goods, offers=offers, links=links) == audit_links(
        goods=other_goods, offers=other_offers, links=links
    )
    assert find_conflicts(goods=goods, offers=offers) == find_conflicts(goods=other_goods, offers=other_offers)


@settings(max_examples=120, deadline=None)
@given(ours=ROWS, theirs=ROWS)
def test_a_link_has_evidence_that_is_unique_and_no_sku_is_linked_twice_in_an_account(ours, theirs):
    goods, offers = goods_of(ours), offers_of(theirs)
    by_id, taken = {each.id: each for each in offers}, defaultdict(list)

    for outcome in match_listings(goods=goods, offers=offers):
        assert (outcome.kind is Kind.LINKED) == (outcome.goods_id is not None) == (outcome.evidence is not None)
        if outcome.goods_id is None:
            continue
        offer, own = by_id[outcome.offer_id], goods[outcome.goods_id]
        same_code = offer.seller_sku.replace("-", "").lower() == own.code.replace("-", "").lower() != ""
        assert same_code or (offer.barcode == own.barcode and own.barcode in (BARCODE, OTHER_BARCODE))
        taken[offer.account_id, outcome.goods_id].append(offer.id)
    assert all(len(offer_ids) == 1 for offer_ids in taken.values())


@settings(max_examples=150, deadline=None)
@given(
    title=JUNK,
    code=JUNK,
    barcode=JUNK,
    brand=JUNK,
    attributes=ATTRIBUTES,
    money=MONEY,
    units=st.sampled_from([None, 0, -3, 1, 2, 10**9]),
)
def test_no_text_however_odd_makes_it_fail(title, code, barcode, brand, attributes, money, units):
    goods = [
        Goods(id=1, code=code, title=title, brand=brand, barcode=barcode, attributes=attributes, mrp=money),
        Goods(id=2, code="A-1", title="Cotton Kurta, M", brand="Tikau"),
    ]
    offers = [
        Offer(
            id="L1", channel="amazon", account_id=1, seller_sku=code, title=title, brand=brand, barcode=barcode,
            attributes=attributes, price=money, mrp=money, units=units, parent="P", product_id=code,
        ),
        Offer(id="L2", channel="amazon", account_id=1, seller_sku="A-1", title=title, parent="P"),
    ]  # fmt: skip

    outcomes = match_listings(goods=goods, offers=offers)

    assert [outcome.offer_id for outcome in outcomes] == ["L1", "L2"]
    assert all(0 <= found.score <= 100 for outcome in outcomes for found in outcome.suggestions)
    assert len(audit_links(goods=goods, offers=offers, links={"L1": 1, "L2": 2})) == 2
    propose_styles(goods=goods, offers=offers)


def test_nothing_at_all_is_an_answer_too():
    assert match_listings(goods=[], offers=[]) == []
    assert match_listings(goods=[], offers=[Offer(id=1, channel="amazon", account_id=1)])[0].kind is Kind.NO_CANDIDATE
    assert (
        propose_styles(goods=[], offers=[])
        == audit_links(goods=[], offers=[], links={})
        == find_conflicts(goods=[], offers=[])
        == []
    )


@pytest.mark.parametrize(("noise", "bar"), [(Noise(), 0.9), (HARSH, 0.8)], ids=["noise", "harsh"])
def test_a_made_up_catalogue_gets_no_wrong_link_and_the_exact_ones(noise, bar):
    goods, offers, truth = make_case(seed=7, size=600, noise=noise)

    outcomes = {str(each.offer_id): each for each in match_listings(goods=goods, offers=offers)}

    linked = {offer_id: each.goods_id for offer_id, each in outcomes.items() if each.kind is Kind.LINKED}
    assert {offer_id: goods_id for offer_id, goods_id in linked.items() if truth.get(offer_id) != goods_id} == {}
    exact = exact_listings(goods, offers, truth)
    assert len(exact & set(linked)) >= bar * len(exact) > 250
    rest = set(truth) - exact
    found = [
        offer_id
        for offer_id in rest
        if truth[offer_id] in [each.goods_id for each in outcomes[offer_id].suggestions[:3]]
    ]
    assert len(found) >= 0.95 * len(rest) > 30


def test_links_that_a_made_up_catalogue_gets_wrong_on_purpose_are_doubted():
    goods, offers, truth = make_case(seed=8, size=300, noise=Noise())
    right = {offer_id: goods_id for offer_id, goods_id in truth.items() if int(offer_id[1:]) % 10}
    wrong = {offer_id: goods[int(offer_id[1:]) % len(goods)].id for offer_id in set(truth) - set(right)}
    wrong = {offer_id: goods_id for offer_id, goods_id in wrong.items() if goods_id != truth[offer_id]}

    found = audit_links(goods=goods, offers=offers, links=right | wrong)

    worst = [each.offer_id for each in found[: len(wrong)]]
    assert all(each.doubtful for each in found if each.offer_id in wrong)
    assert len(set(worst) & set(wrong)) >= 0.8 * len(wrong) > 15
