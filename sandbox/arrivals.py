"""
Who wants to buy what, and when: seeded lists of arriving buyers, and what a perfect shared pool would have sold them.

Pure functions. Times are seconds and rates are per hour of marketplace time; the shopper divides them by the clock factor.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingDemand:
    """
    How often buyers come for one listing.

    ``options`` go to the marketplace's ``buy`` with every order; each of ``option_shares`` (name -> 0..1) goes as True with that
    share of the orders, e.g. ``{"cod": 0.4}``.
    """

    channel: str
    listing_key: str
    rate_per_hour: float
    options: Mapping[str, Any] = field(default_factory=dict)
    option_shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One buyer, ``at_seconds`` after the start; if the order is accepted, cancelled so many seconds later (None: kept)."""

    at_seconds: float
    channel: str
    listing_key: str
    units: int = 1
    cancel_after_seconds: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleSku:
    """Physical units of one SKU: on the shelf, promised to buyers, given back by cancellations."""

    shelf: int
    accepted: int
    given_back: int

    @property
    def sold(self) -> int:
        """Net of cancellations; never above the shelf."""
        return self.accepted - self.given_back


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleResult:
    """What one perfect shared pool does with the arrivals. ``units`` are listing units of accepted orders, before cancellations."""

    orders: int
    units: int
    refused: int
    cancelled: int
    by_sku: Mapping[str, OracleSku]


def zipf_rates(total_per_hour: float, count: int, exponent: float = 1.0) -> list[float]:
    """
    Split a rate over ``count`` listings, the k-th getting a share proportional to 1 / k ** exponent.

    :return: rates per hour, falling, summing to ``total_per_hour``; exponent 0 splits evenly.
    :raises ValueError: count below 1 or a negative rate.
    """
    if count < 1 or total_per_hour < 0:
        raise ValueError("zipf_rates needs a count of at least 1 and a rate of at least 0")
    weights = [rank**-exponent for rank in range(1, count + 1)]
    return [total_per_hour * weight / sum(weights) for weight in weights]


def arrivals(
    *,
    seed: int,
    minutes: float,
    listings: Sequence[ListingDemand],
    two_unit_share: float = 0.0,
    cancel_share: float = 0.02,
    cancel_delay_seconds: tuple[float, float] = (60.0, 1800.0),
) -> list[Arrival]:
    """
    Buyers of each listing as a Poisson process, in order of time. The same arguments always give the same list.

    Each listing draws from generators of its own, so adding a listing or changing a share moves nobody else's buyers.

    :param minutes: of marketplace time.
    :param two_unit_share: share of orders for two units instead of one.
    :param cancel_share: share of buyers who cancel, after a uniform delay; delays past the end are left out.
    :raises ValueError: a share outside 0..1, a negative rate or duration, a listing named twice.
    """
    _check(minutes, listings, two_unit_share, cancel_share, cancel_delay_seconds)
    end = minutes * 60
    buyers: list[Arrival] = []
    for listing in listings:
        name = f"{seed}:{listing.channel}:{listing.listing_key}"
        times, habits, extras = (random.Random(f"{use}:{name}") for use in ("times", "habits", "options"))
        at = 0.0
        while listing.rate_per_hour > 0:
            at += times.expovariate(listing.rate_per_hour / 3600)
            if at >= end:
                break
            two, cancels, delay = (
                habits.random() < two_unit_share,
                habits.random() < cancel_share,
                habits.uniform(*cancel_delay_seconds),
            )
            flags = {flag: True for flag, share in sorted(listing.option_shares.items()) if extras.random() < share}
            buyers.append(
                Arrival(
                    at_seconds=at,
                    channel=listing.channel,
                    listing_key=listing.listing_key,
                    units=2 if two else 1,
                    cancel_after_seconds=delay if cancels and at + delay < end else None,
                    options={**listing.options, **flags},
                )
            )
    return sorted(buyers, key=lambda buyer: (buyer.at_seconds, buyer.channel, buyer.listing_key))


def oracle_accepted(
    arrivals: Iterable[Arrival],
    shelf: Mapping[str, int],
    components: Mapping[tuple[str, str], Sequence[tuple[str, int]]],
) -> OracleResult:
    """
    What one perfect shared pool would have accepted: the clairvoyant bound for "no oversell, no lost sale".

    Buyers are served in order of time, each wholly or not at all; a cancellation gives its units back at its instant, before a
    buyer of the same instant is served.

    :param components: (channel, listing key) -> (SKU, units per sale). A listing with none is held by the marketplace: left out.
    :raises ValueError: an arrival's listing is not in ``components``.
    """
    left = dict(shelf)
    accepted: dict[str, int] = dict.fromkeys(shelf, 0)
    given_back: dict[str, int] = dict.fromkeys(shelf, 0)
    orders = units = refused = cancelled = 0
    served: set[int] = set()
    buyers = list(arrivals)
    # (time, 0 cancel | 1 arrive, index): a buyer's cancellation can't precede the arrival, except with a delay of 0.
    timeline = [(buyer.at_seconds, 1, index) for index, buyer in enumerate(buyers)]
    timeline += [
        (buyer.at_seconds + buyer.cancel_after_seconds, 0 if buyer.cancel_after_seconds > 0 else 2, index)
        for index, buyer in enumerate(buyers)
        if buyer.cancel_after_seconds is not None
    ]
    for _, kind, index in sorted(timeline):
        buyer = buyers[index]
        key = (buyer.channel, buyer.listing_key)
        if key not in components:
            raise ValueError(f"no components given for {key}")
        needed = _needed(components[key], buyer.units)
        if not needed:
            continue
        if kind != 1:
            if index in served:
                cancelled += 1
                for sku, count in needed.items():
                    left[sku] += count
                    given_back[sku] += count
        elif all(left.get(sku, 0) >= count for sku, count in needed.items()):
            served.add(index)
            orders, units = orders + 1, units + buyer.units
            for sku, count in needed.items():
                left[sku] -= count
                accepted[sku] += count
        else:
            refused += 1
    by_sku = {
        sku: OracleSku(shelf=shelf[sku], accepted=accepted[sku], given_back=given_back[sku]) for sku in sorted(shelf)
    }
    return OracleResult(orders=orders, units=units, refused=refused, cancelled=cancelled, by_sku=by_sku)


def _needed(components: Sequence[tuple[str, int]], units: int) -> dict[str, int]:
    """SKU -> physical units of one order; a SKU that a kit names twice is added up."""
    needed: dict[str, int] = {}
    for sku, per_unit in components:
        needed[sku] = needed.get(sku, 0) + per_unit * units
    return needed


def _check(
    minutes: float,
    listings: Sequence[ListingDemand],
    two_unit_share: float,
    cancel_share: float,
    cancel_delay_seconds: tuple[float, float],
) -> None:
    if minutes < 0:
        raise ValueError("minutes must not be negative")
    shares = {"two_unit_share": two_unit_share, "cancel_share": cancel_share}
    for listing in listings:
        if listing.rate_per_hour < 0:
            raise ValueError(f"rate_per_hour of {listing.listing_key!r} must not be negative")
        shares |= {f"{flag} of {listing.listing_key!r}": share for flag, share in listing.option_shares.items()}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} must be between 0 and 1")
    if not 0 <= cancel_delay_seconds[0] <= cancel_delay_seconds[1]:
        raise ValueError("cancel_delay_seconds must be (shortest, longest), neither negative")
    if len({(listing.channel, listing.listing_key) for listing in listings}) != len(listings):
        raise ValueError("a listing is named twice")
