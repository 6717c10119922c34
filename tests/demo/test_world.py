"""The goods, who wants them and what stands on the shelf."""

from __future__ import annotations

from collections import Counter

import pytest

from inventory_sync.demo import demand
from inventory_sync.demo.goods import HELD_COUNT, KITS, SCARCE_COUNT, SIZES, catalogue, ean
from inventory_sync.demo.market import Secrets, amazon_catalogue, flipkart_catalogue, shopify_catalogue
from inventory_sync.demo.options import Options
from inventory_sync.demo.world import World
from sandbox.server import SandboxServer

SEEDS = (1, 7, 42)
ANYBODY = Secrets(client_id="id", client_secret="secret", refresh_token="Atzr|x")


@pytest.fixture(params=SEEDS)
def world(request) -> World:
    return World.of(Options(minutes=3, clock=20, seed=request.param))


def test_there_are_two_hundred_skus_of_four_categories_and_some_combos(world):
    goods = world.goods

    assert len(goods) == len({good.code for good in goods}) == 200
    assert set(Counter(good.category for good in goods)) == {"apparel", "electronics", "home", "beauty"}
    assert sum(bool(good.parts) for good in goods) == len(KITS)
    assert sum(good.scarce for good in goods) == SCARCE_COUNT
    assert sum(good.fbf for good in goods) == sum(good.fba for good in goods) == HELD_COUNT


def test_every_good_carries_what_an_indian_listing_needs(world):
    for good in world.goods:
        assert len(good.hsn) == 8
        assert good.hsn.isdigit()
        assert good.title
        assert good.brand
        assert 0 < good.price <= good.mrp
        assert len(good.barcode) == 13
        assert good.barcode.startswith("890")
    assert len({good.barcode for good in world.goods}) == 200


def test_barcodes_have_the_check_digit_of_gtin_13():
    weighted = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(ean(12345)))

    assert weighted % 10 == 0
    assert ean(12345) != ean(12346)


def test_apparel_comes_in_every_size(world):
    sizes = Counter(
        good.code.rpartition("-")[2] for good in world.goods if good.category == "apparel" and not good.parts
    )

    assert set(sizes) == set(SIZES)
    assert len(set(sizes.values())) == 1


def test_combos_consist_of_plain_skus_and_one_of_them_shares_a_scarce_part(world):
    by_code = {good.code: good for good in world.goods}
    parts = [by_code[code] for good in world.goods for code, _ in good.parts]

    assert all(not part.parts for part in parts)
    assert sum(part.scarce for part in parts) >= 1


def test_the_seed_fixes_everything_and_another_seed_changes_it():
    options = Options(minutes=3, clock=20, seed=7)
    again, other = World.of(options), World.of(Options(minutes=3, clock=20, seed=8))
    first = World.of(options)

    assert first == again
    assert first.buyers(options) == again.buyers(options)
    assert {good.code for good in first.goods if good.scarce} != {good.code for good in other.goods if good.scarce}
    assert catalogue(seed=7) != catalogue(seed=8)


def test_the_scarce_goods_are_wanted_at_ten_times_the_usual_hour(world):
    rates = Counter()
    for offer in world.offers:
        if offer.good.scarce:
            rates[offer.channel] += offer.rate_per_hour

    assert {channel: round(rate) for channel, rate in rates.items()} == {"flipkart": 400, "amazon": 250, "shopify": 100}


def test_scarce_goods_run_out_and_the_others_do_not(world):
    wanted = demand.expected_units(world.offers, hours=1.0)
    options = Options(minutes=3, clock=20, seed=7)
    sold = world.oracle(world.buyers(options)).by_sku

    for good in world.goods:
        if good.parts:
            continue
        units = world.shelves[good.code].units
        if good.scarce:
            assert units == demand.LEAST_SCARCE or 0.34 * wanted[good.code] <= units <= 0.66 * wanted[good.code] + 1
        else:
            assert sold[good.code].sold < units


def test_a_perfect_shop_would_refuse_buyers_of_scarce_goods(world):
    told = world.oracle(world.buyers(Options(minutes=3, clock=20, seed=7)))

    assert told.refused > 100
    assert told.orders > 500


def test_the_stock_of_a_shorter_run_is_smaller():
    long, short = World.of(Options(minutes=3, clock=20)), World.of(Options(minutes=1, clock=20))

    assert sum(short.shelf_units.values()) < sum(long.shelf_units.values())


def test_stock_stands_in_both_warehouses(world):
    assert all(shelf.main >= shelf.second >= 0 and shelf.main > 0 for shelf in world.shelves.values())
    assert sum(shelf.second for shelf in world.shelves.values()) > 0


def test_what_a_marketplace_holds_takes_nothing_from_our_shelf(world):
    held = [offer for offer in world.offers if offer.held]

    assert len(held) == 2 * HELD_COUNT
    assert all(offer.components == () for offer in held)
    assert {offer.channel for offer in held} == {"flipkart", "amazon"}


def test_the_history_is_a_tenth_of_the_sale_and_not_exact(world):
    rates = demand.usual_rates(world.offers, seed=7)
    shares = [rates[offer.channel, offer.key] / offer.rate_per_hour for offer in world.offers]

    assert 0.09 < sum(shares) / len(shares) < 0.12
    assert min(shares) < 0.07 < 0.14 < max(shares)


def test_the_three_marketplaces_take_the_catalogues_and_begin_with_nothing_of_ours_on_sale(world):
    server = SandboxServer(seed=1)
    try:
        server.flipkart.load(flipkart_catalogue(world.offers, hours=1.0, secrets=ANYBODY))
        server.shopify.load(shopify_catalogue(world.offers, secrets=ANYBODY))
        server.amazon.load(amazon_catalogue(world.offers, hours=1.0, secrets=ANYBODY))

        for channel, marketplace in server.marketplaces.items():
            shown = {row["listing_key"]: row["quantity"] for row in marketplace.shown()}
            offers = [offer for offer in world.offers if offer.channel == channel]
            assert set(shown) == {offer.key for offer in offers}
            assert all((shown[offer.key] > 0) is offer.held for offer in offers)
            own = next(offer for offer in offers if not offer.held)
            assert server.world.components(channel, own.key) == own.components
    finally:
        server.stop()
