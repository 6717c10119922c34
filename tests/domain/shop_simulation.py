"""
A small discrete-event simulation of one SKU on three shops, after the assumptions of the reference simulation, time bounds only.

Buyers come as Poisson streams; a shop sells when it shows enough; orders become known late; absolute writes take effect late and overwrite.
The product's side is ``domain.exposure`` and ``domain.allocation``, wired as the engine wires them. No read is ever trusted.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from inventory_sync.domain.allocation import Mode, RowInput, allowance, decide
from inventory_sync.domain.demand import DemandState
from inventory_sync.domain.exposure import (
    Book,
    Flight,
    WriteKind,
    accepted,
    added_exposure,
    claim,
    exposure,
    feed_complete,
    headroom,
    refused,
    sale_known,
    settle_expired,
)

START = datetime(2026, 10, 8, tzinfo=UTC)
LEASE_SECONDS = 60.0
SKU, WAREHOUSE = 1, 1


@dataclass(frozen=True, kw_only=True)
class ShopSpec:
    """How one shop behaves; seconds, orders per hour."""

    name: str
    kind: WriteKind
    per_hour: float
    known_after: tuple[float, float]
    polled_every: float | None  # orders become known at the next poll (then ``known_after`` is not used)
    takes_effect: tuple[float, float]
    d_max: float
    watermark_every: float
    watermark_lag: float

    @property
    def know_mean(self) -> float:
        return self.polled_every / 2 if self.polled_every else sum(self.known_after) / 2

    @property
    def ack_mean(self) -> float:
        return sum(self.takes_effect) / 2


SEED_SHOPS = (
    ShopSpec(
        name="flipkart",
        kind=WriteKind.ABSOLUTE,
        per_hour=40,
        known_after=(0, 0),
        polled_every=180,
        takes_effect=(120, 300),
        d_max=600,
        watermark_every=180,
        watermark_lag=300,
    ),
    ShopSpec(
        name="amazon",
        kind=WriteKind.ABSOLUTE,
        per_hour=25,
        known_after=(15, 60),
        polled_every=None,
        takes_effect=(15, 60),
        d_max=300,
        watermark_every=120,
        watermark_lag=120,
    ),
    ShopSpec(
        name="shopify",
        kind=WriteKind.CAS,
        per_hour=10,
        known_after=(1, 5),
        polled_every=None,
        takes_effect=(0.3, 2),
        d_max=60,
        watermark_every=120,
        watermark_lag=300,
    ),
)


@dataclass
class Shop:
    spec: ShopSpec
    book: Book
    demand: DemandState
    shown: int
    sold: int = 0
    wanted: int = 0
    writes: int = 0
    zeros: int = 0
    busy_at: datetime = START  # last order, or the deadline of the last write
    unpolled: list[tuple[datetime, int]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """``lost``: of what a clairvoyant seller would have sold. Units."""

    stock: int
    wanted: int
    sold: int
    writes: dict[str, int]

    @property
    def oversold(self) -> int:
        return max(self.sold - self.stock, 0)

    @property
    def lost(self) -> float:
        oracle = min(self.stock, self.wanted)
        return (oracle - min(self.sold, self.stock)) / oracle if oracle else 0.0


class Simulation:
    """One run. ``shown``: what each shop shows at the start, None: 0 everywhere."""

    def __init__(
        self,
        *,
        seed: int,
        mode: Mode,
        stock: int,
        hours: float,
        specs: tuple[ShopSpec, ...] = SEED_SHOPS,
        rates_known_wrong_by: float = 0.5,
        shown: tuple[int, ...] | None = None,
        units: Callable[[Random], int] = lambda rng: 1,
    ) -> None:
        # Demand has its own stream of luck, so that all modes meet the same buyers.
        self.buyers, self.luck = Random(seed), Random(seed + 1)
        self.mode, self.stock, self.available, self.units = mode, stock, stock, units
        self.now, self.end = START, START + timedelta(hours=hours)
        self.ids, self.queue = count(), []  # type: ignore[var-annotated]
        self.shops = []
        for index, spec in enumerate(specs):
            believed = spec.per_hour / 3600 * self.luck.lognormvariate(0, rates_known_wrong_by)
            first = shown[index] if shown else 0
            self.shops.append(
                Shop(
                    spec,
                    Book(kind=spec.kind, shown=first),
                    DemandState(since=START, prior_rate=believed),
                    first,
                )
            )

    def run(self) -> Outcome:
        for shop in self.shops:
            self._next_buyer(shop)
            self.at(self.luck.uniform(0, shop.spec.watermark_every), lambda shop=shop: self._poll(shop))
        self.decide()
        while self.queue and self.queue[0][0] < self.end:
            self.now, _, action = heapq.heappop(self.queue)
            action()
        return Outcome(
            stock=self.stock,
            wanted=sum(shop.wanted for shop in self.shops),
            sold=sum(shop.sold for shop in self.shops),
            writes={shop.spec.name: shop.writes for shop in self.shops},
        )

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self.queue, (self.now + timedelta(seconds=seconds), next(self.ids), action))

    # --- the shops ---------------------------------------------------------------------------------------------------

    def _next_buyer(self, shop: Shop) -> None:
        if shop.spec.per_hour:
            self.at(self.buyers.expovariate(shop.spec.per_hour / 3600), lambda: self._buy(shop))

    def _buy(self, shop: Shop) -> None:
        self._next_buyer(shop)
        units = self.units(self.buyers)
        shop.wanted += units
        if shop.shown >= units:
            shop.shown -= units
            shop.sold += units
            order = (self.now, units)
            if shop.spec.polled_every:
                shop.unpolled.append(order)
            else:
                self.at(self.luck.uniform(*shop.spec.known_after), lambda: self._known(shop, [order]))

    def _poll(self, shop: Shop) -> None:
        spec, begun = shop.spec, self.now
        self.at(spec.watermark_every, lambda: self._poll(shop))
        orders, shop.unpolled = shop.unpolled, []
        self._known(shop, orders)
        # Pushed orders are known within their delay, so the lag covers them.
        shop.book = feed_complete(shop.book, watermark=begun - timedelta(seconds=spec.watermark_lag))
        self.decide()

    def _take_effect(self, shop: Shop, flight: Flight) -> None:
        if flight.compared is None:
            shop.shown = flight.value
        elif flight.compared == shop.shown:
            shop.shown = flight.value
            shop.book = accepted(shop.book, flight_id=flight.id, now=self.now)
        else:
            shop.book = refused(shop.book, flight_id=flight.id)

    # --- the product -------------------------------------------------------------------------------------------------

    def _known(self, shop: Shop, orders: list[tuple[datetime, int]]) -> None:
        for at, units in orders:
            self.available -= units
            shop.book = sale_known(shop.book, units=units)
            shop.busy_at = max(shop.busy_at, at)
            shop.demand = shop.demand.recorded(at=at, units=units)
        if orders:
            self.decide()

    def rows(self) -> list[RowInput]:
        return [
            RowInput(
                row_id=index,
                book=shop.book,
                rate=shop.demand.rate(self.now),
                know_seconds=shop.spec.know_mean,
                know_p95=shop.spec.know_mean * 2,
                ack_seconds=shop.spec.ack_mean,
                ack_p95=shop.spec.takes_effect[1],
                warehouses=frozenset((WAREHOUSE,)),
                units={SKU: 1},
                quiet_seconds=(self.now - shop.busy_at).total_seconds(),
            )
            for index, shop in enumerate(self.shops)
        ]

    def decide(self) -> None:
        for shop in self.shops:
            shop.book = settle_expired(shop.book, now=self.now)
        free = {(SKU, WAREHOUSE): self.available}
        plan = decide(mode=self.mode, rows=self.rows(), available=free, now=self.now)
        # Cuts first: what they give back is there for the raises of the next round.
        for decision in sorted(plan.decisions, key=lambda each: -each.excess):
            if decision.write is not None:
                self._push(self.shops[decision.row_id], decision.row_id, decision.write, decision.compared)

    def _push(self, shop: Shop, index: int, value: int, compared: int | None) -> None:
        rows = self.rows()
        free = {(SKU, WAREHOUSE): self.available}
        added = added_exposure(value=value, compared=compared)
        extra = allowance(mode=self.mode, rows=rows, available=free)
        uses = [row.use(exposure(row.book)) for row in rows]
        if added and added > headroom(row=uses[index], rows=uses, available=free, allowance=extra):
            return
        spec = shop.spec
        flight = Flight(
            id=next(self.ids),
            value=value,
            compared=compared,
            claimed_at=self.now,
            deadline=self.now + timedelta(seconds=LEASE_SECONDS + spec.d_max),
        )
        shop.book = claim(shop.book, flight=flight)
        shop.busy_at = max(shop.busy_at, flight.deadline)
        shop.writes += 1
        shop.zeros += value == 0
        if compared is None:
            shop.book = accepted(shop.book, flight_id=flight.id, now=self.now)
            self.at(LEASE_SECONDS + spec.d_max + 1, self.decide)

        def land() -> None:
            self._take_effect(shop, flight)
            if compared is not None:
                self.decide()

        self.at(self.luck.uniform(*spec.takes_effect), land)
