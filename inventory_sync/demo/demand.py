"""Who wants what how often, and how much of it stands on the shelf. Pure, and fixed by the seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from inventory_sync.demo.goods import Good
from sandbox.arrivals import ListingDemand, zipf_rates

# Orders an hour. Scarce: a good hour of the sale (40, 25 and 10) times ten, over the scarce SKUs; ample: over all others.
SCARCE_RATES = {"flipkart": 400.0, "amazon": 250.0, "shopify": 100.0}
AMPLE_RATES = {"flipkart": 160.0, "amazon": 100.0, "shopify": 40.0}
AMPLE_EXPONENT = 0.5
TWO_UNIT_SHARE = 0.05
CANCEL_SHARE = 0.02
SCARCE_COVER = (0.35, 0.65)  # of what buyers are expected to want: they run out well before the hour ends
LEAST_SCARCE = 3
MAIN_SHARE = 0.75  # of each SKU stands in the warehouse that serves all channels
CHANNELS = ("flipkart", "amazon", "shopify")
USUAL_SHARE = 0.1  # an ordinary hour sells a tenth of what the sale does
USUAL_SPREAD = 0.3  # and last month's figures are only roughly right
FIRST_VARIANT = 44_000_000_000_001


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    One listing: a good on a channel.

    :ivar key: as the channel's buyers name it (seller SKU; Shopify: variant id).
    :ivar held: the marketplace sells its own stock of it.
    """

    channel: str
    key: str
    good: Good
    held: bool
    rate_per_hour: float

    @property
    def components(self) -> tuple[tuple[str, int], ...]:
        """What one unit takes from our shelf; () where the marketplace sells its own stock."""
        return () if self.held else self.good.components


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Units of one plain SKU in the main warehouse (serves every channel) and in the second one (not Flipkart)."""

    main: int
    second: int

    @property
    def units(self) -> int:
        return self.main + self.second


def offers(goods: Sequence[Good], *, seed: int) -> list[Offer]:
    """Every good on every channel, with the rate at which buyers come for it. What is in demand is so on all channels."""
    rng = random.Random(f"demand:{seed}")
    scarce = [good for good in goods if good.scarce]
    ample = [good for good in goods if not good.scarce]
    rng.shuffle(scarce)
    rng.shuffle(ample)
    found = []
    for channel in CHANNELS:
        rates = dict(zip((good.code for good in scarce), zipf_rates(SCARCE_RATES[channel], len(scarce)), strict=True))
        others = zipf_rates(AMPLE_RATES[channel], len(ample), AMPLE_EXPONENT)
        rates |= dict(zip((good.code for good in ample), others, strict=True))
        for number, good in enumerate(goods):
            found.append(
                Offer(
                    channel=channel,
                    key=str(FIRST_VARIANT + number) if channel == "shopify" else good.code,
                    good=good,
                    held=(channel == "flipkart" and good.fbf) or (channel == "amazon" and good.fba),
                    rate_per_hour=rates[good.code],
                )
            )
    return found


def listing_demands(all_offers: Sequence[Offer]) -> list[ListingDemand]:
    """The offers as the sandbox's buyers take them."""
    return [
        ListingDemand(
            channel=offer.channel,
            listing_key=offer.key,
            rate_per_hour=offer.rate_per_hour,
            option_shares={"cod": 0.4} if offer.channel == "shopify" else {},
        )
        for offer in all_offers
    ]


def expected_units(all_offers: Sequence[Offer], *, hours: float) -> dict[str, float]:
    """Plain SKU -> units of our shelf that buyers are expected to want in so many hours of the marketplaces' clock."""
    wanted: dict[str, float] = {}
    for offer in all_offers:
        orders = offer.rate_per_hour * hours
        for code, units in offer.components:
            wanted[code] = wanted.get(code, 0.0) + orders * units * (1 + TWO_UNIT_SHARE)
    return wanted


def shelves(goods: Sequence[Good], all_offers: Sequence[Offer], *, hours: float, seed: int) -> dict[str, Shelf]:
    """Stock of each plain SKU: scarce ones run out within the time, the others do not."""
    rng = random.Random(f"shelf:{seed}")
    wanted = expected_units(all_offers, hours=hours)
    found = {}
    for good in goods:
        if good.parts:
            continue
        expected = wanted.get(good.code, 0.0)
        cover = rng.uniform(*SCARCE_COVER)
        if good.scarce:
            units = max(round(expected * cover), LEAST_SCARCE)
        else:
            units = ceil(expected + 6 * sqrt(expected)) + 30
        main = ceil(units * MAIN_SHARE)
        found[good.code] = Shelf(main=main, second=units - main)
    return found


def components_by_listing(all_offers: Sequence[Offer]) -> Mapping[tuple[str, str], tuple[tuple[str, int], ...]]:
    """(channel, listing key) -> what one unit takes from our shelf, for the oracle."""
    return {(offer.channel, offer.key): offer.components for offer in all_offers}


def held_units(offer: Offer, *, hours: float) -> int:
    """What a marketplace holds of a listing that it fulfils itself: always enough."""
    expected = offer.rate_per_hour * hours
    return ceil(expected + 6 * sqrt(expected)) + 30


def usual_rates(all_offers: Sequence[Offer], *, seed: int) -> dict[tuple[str, str], float]:
    """(channel, listing key) -> units an hour that it sold before the sale: what a seller's history says, with its noise."""
    rng = random.Random(f"history:{seed}")
    return {
        (offer.channel, offer.key): offer.rate_per_hour * USUAL_SHARE * rng.lognormvariate(0.0, USUAL_SPREAD)
        for offer in all_offers
    }
