"""
Three shops that share one SKU, and an adversary who decides everything that the contracts leave open.

The world keeps the truth (what each shop shows, which orders exist, which writes may still take effect) and, beside it, what the product
knows (the books and the ledger). The product's side calls ``inventory_sync.domain.exposure`` exactly as the engine does: claim under the
guard, call, settle, apply orders, watermarks and reads. Every choice (when, which, how many) is made by the caller, so the same world is
driven by Hypothesis and by a seeded random scheduler.

``Rules`` holds the functions under test, so that a test can plant a bug in one of them and see that the world finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from inventory_sync.domain import exposure as product
from inventory_sync.domain.exposure import Book, Flight, ReadBack, RowUse, WriteKind

START = datetime(2026, 10, 8, tzinfo=UTC)
LEASE = timedelta(seconds=60)
SKU, WAREHOUSE = 1, 1


class Violation(AssertionError):
    """The books promised less than the shops could do, or more was sold than there was."""


class Rules:
    """The product's functions; a planted bug overrides one of them."""

    locked = True
    exposure = staticmethod(product.exposure)
    added_exposure = staticmethod(product.added_exposure)
    may_send = staticmethod(product.may_send)
    sale_known = staticmethod(product.sale_known)
    cancel_restocked_by_channel = staticmethod(product.cancel_restocked_by_channel)
    claim = staticmethod(product.claim)
    refused = staticmethod(product.refused)
    accepted = staticmethod(product.accepted)
    unknown = staticmethod(product.unknown)
    settle_expired = staticmethod(product.settle_expired)
    feed_complete = staticmethod(product.feed_complete)
    observed = staticmethod(product.observed)
    stale_cas = staticmethod(product.stale_cas)

    @staticmethod
    def deadline(*, lease_end: datetime, d_max: timedelta) -> datetime:
        return lease_end + d_max


@dataclass(slots=True)
class Order:
    at: datetime
    units: int
    known: bool = False
    cancelled: bool = False
    restocked: bool = False  # by the channel itself, when cancelled
    cancel_known: bool = False


@dataclass(slots=True)
class Write:
    """A request, from its claim until it can no longer take effect."""

    flight_id: int
    value: int
    compared: int | None
    lease_end: datetime
    sent: bool = False
    must_apply: bool = False
    accepted: bool = False  # by the channel, whether or not we ever hear of it
    until: datetime | None = None  # the last moment at which it can take effect

    def adds(self) -> int:
        return self.value if self.compared is None else max(self.value - self.compared, 0)


@dataclass(slots=True)
class Answer:
    flight_id: int
    outcome: str  # accepted, refused, unknown, stale


@dataclass(slots=True)
class Shop:
    kind: WriteKind
    read_back: ReadBack
    d_max: timedelta
    read_lag: timedelta
    book: Book
    shown: int = 0
    seller_set: int = 0
    orders: list[Order] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    plan: int | None = None  # a value decided, not yet claimed
    reads: list[tuple[datetime, int]] = field(default_factory=list)  # begun at, index into the log of what it may see
    log: list[tuple[datetime, int]] = field(default_factory=list)  # what a read would have said, since when
    last_deadline: datetime | None = None
    changed_at: datetime | None = None
    refund_slack: int = 0  # put on show again without goods, not known yet

    def read_value(self) -> int:
        if self.read_back is ReadBack.SELLER_SET:
            return self.seller_set
        if self.read_back is ReadBack.ACCEPTED:
            waiting = [write.value for write in self.writes if write.accepted]
            if waiting:
                return waiting[-1]
        return self.shown


class World:
    """One SKU, ``stock`` units on one shelf, two absolute shops and one with compare-and-swap."""

    def __init__(
        self,
        *,
        stock: int,
        rules: type[Rules] = Rules,
        read_backs: tuple[ReadBack, ReadBack] = (ReadBack.ACCEPTED, ReadBack.SHOWN),
        facts: bool = False,
    ) -> None:
        self.rules = rules
        self.facts = facts
        self.now = START
        self.on_hand = stock
        self.committed = 0  # known orders that are not known to be cancelled
        self.forgiven = 0  # units that a fact took from under granted rights
        self.sold = 0
        self.flight_ids = 0
        self.steps = 0  # that did something
        seconds = timedelta(seconds=1)
        self.shops = [
            Shop(WriteKind.ABSOLUTE, read_backs[0], 600 * seconds, 30 * seconds, Book(kind=WriteKind.ABSOLUTE)),
            Shop(WriteKind.ABSOLUTE, read_backs[1], 300 * seconds, 0 * seconds, Book(kind=WriteKind.ABSOLUTE)),
            Shop(WriteKind.CAS, ReadBack.SHOWN, 60 * seconds, 0 * seconds, Book(kind=WriteKind.CAS)),
        ]
        for shop in self.shops:
            self._log(shop)

    # --- the shops' side ---------------------------------------------------------------------------------------------

    def buy(self, shop: Shop, units: int) -> None:
        """A buyer takes what is shown, at once (A1)."""
        units = min(units, shop.shown)
        if units:
            self.steps += 1
            shop.shown -= units
            self.sold += units
            shop.orders.append(Order(self.now, units))
            self._log(shop)

    def cancel(self, shop: Shop, which: int, restocks: bool) -> None:
        """An order is cancelled on the channel, which may put the units back on show by itself."""
        live = [order for order in shop.orders if not order.cancelled]
        if live:
            order = live[which % len(live)]
            self.steps += 1
            order.cancelled, order.restocked = True, restocks
            self.sold -= order.units
            if restocks:
                shop.shown += order.units
                self._log(shop)

    def refund_with_restock(self, shop: Shop, units: int) -> None:
        """The CAS shop shows more although no goods came back: a fact that no rule of ours can prevent."""
        if self.facts and shop.kind is WriteKind.CAS:
            shop.shown += units
            self.steps += 1
            shop.refund_slack += units
            self.forgiven += units
            self._log(shop)

    def take_effect(self, shop: Shop, which: int) -> None:
        """Any write that has reached the shop, in any order."""
        sent = [write for write in shop.writes if write.sent]
        if sent:
            self.steps += 1
            self._apply(shop, sent[which % len(sent)])

    def _apply(self, shop: Shop, write: Write) -> None:
        shop.writes.remove(write)
        if write.compared is None or write.compared == shop.shown:
            shop.shown = write.value
        self._log(shop)

    def pass_time(self, seconds: int) -> None:
        """The clock moves; what must have happened by then happens, what no longer can is dropped (A5)."""
        self.steps += 1
        target = self.now + timedelta(seconds=max(seconds, 0))
        for shop in self.shops:
            for write in sorted((write for write in shop.writes if write.sent), key=lambda write: write.until):  # type: ignore[arg-type, return-value]
                if write.until is not None and write.until < target:
                    self.now = max(self.now, write.until)
                    if write.must_apply:
                        self._apply(shop, write)
                    else:
                        shop.writes.remove(write)
                        self._log(shop)
            shop.writes = [write for write in shop.writes if write.sent or write.lease_end > target]
        self.now = target

    # --- the product's side: writes ----------------------------------------------------------------------------------

    def headroom(self, shop: Shop) -> int:
        rows = [
            RowUse(
                row_id=index,
                exposure=self.rules.exposure(each.book),
                warehouses=frozenset((WAREHOUSE,)),
                units={SKU: 1},
            )
            for index, each in enumerate(self.shops)
        ]
        free = {(SKU, WAREHOUSE): self.on_hand - self.committed}
        return product.headroom(row=rows[self.shops.index(shop)], rows=rows, available=free, allowance={})

    def plan(self, shop: Shop, wanted: int) -> None:
        """Decide a value from what the rows say now. It is claimed later, as a worker does who is in no hurry."""
        room = max(self.headroom(shop), 0)
        base = shop.book.shown if shop.kind is WriteKind.CAS else 0
        shop.plan = min(wanted, base + room)

    def claim(self, shop: Shop) -> None:
        """Store the planned write, after checking it again under the lock; it is not sent yet."""
        value, shop.plan = shop.plan, None
        if value is None:
            return
        compared = shop.book.shown if shop.kind is WriteKind.CAS else None
        added = self.rules.added_exposure(value=value, compared=compared)
        if not self.rules.may_send(shop.book, value=value, now=self.now):
            return
        if self.rules.locked and added > 0 and added > self.headroom(shop):
            return
        self.flight_ids += 1
        lease_end = self.now + LEASE
        flight = Flight(
            id=self.flight_ids,
            value=value,
            claimed_at=self.now,
            deadline=self.rules.deadline(lease_end=lease_end, d_max=shop.d_max),
            compared=compared,
        )
        shop.book = self.rules.claim(shop.book, flight=flight)
        shop.last_deadline = max(flight.deadline, shop.last_deadline or flight.deadline)
        shop.writes.append(Write(self.flight_ids, value, compared, lease_end))
        self.steps += 1

    def send(self, shop: Shop, fate: str) -> None:
        """
        Send the oldest claimed write, if its lease still runs.

        :param fate: accepted; refused; lost (we get no answer, the shop may apply it or not); crash (as accepted, but we die before
            settling); dropped (we die before sending).
        """
        write = next((write for write in shop.writes if not write.sent), None)
        if write is None:
            return
        self.steps += 1
        write.sent, write.until = True, self.now + shop.d_max
        if fate in ("refused", "dropped"):
            shop.writes.remove(write)
        elif write.compared is not None and fate in ("accepted", "crash"):
            shop.writes.remove(write)  # a CAS answers with its effect
            if write.compared == shop.shown:
                shop.shown = write.value
            elif fate == "accepted":
                fate = "stale"
        elif fate in ("accepted", "crash"):
            write.must_apply = write.accepted = True
            shop.seller_set = write.value
        else:
            write.accepted = True
            shop.seller_set = write.value
        self._log(shop)
        answers = {"accepted": "accepted", "refused": "refused", "stale": "stale", "lost": "unknown"}
        if fate in answers:
            shop.answers.append(Answer(write.flight_id, answers[fate]))

    def settle(self, shop: Shop, which: int) -> None:
        """An answer reaches the database, in any order and as late as it likes."""
        if not shop.answers:
            return
        self.steps += 1
        answer = shop.answers.pop(which % len(shop.answers))
        if answer.outcome == "accepted":
            shop.book = self.rules.accepted(shop.book, flight_id=answer.flight_id, now=self.now)
        elif answer.outcome == "refused":
            shop.book = self.rules.refused(shop.book, flight_id=answer.flight_id)
        elif answer.outcome == "unknown":
            shop.book = self.rules.unknown(shop.book, flight_id=answer.flight_id)
        else:
            shop.book = self.rules.stale_cas(
                shop.book,
                flight_id=answer.flight_id,
                actual=shop.shown,
                read_begun_at=self.now,
                now=self.now,
                book_changed_at=None,  # read and settled in one instant here
            ).book

    def fold(self, shop: Shop) -> None:
        before, shop.book = shop.book, self.rules.settle_expired(shop.book, now=self.now)
        self.steps += before is not shop.book

    # --- the product's side: what it hears ---------------------------------------------------------------------------

    def hear_order(self, shop: Shop, which: int) -> None:
        """One order becomes known, out of order."""
        news = [order for order in shop.orders if not order.known]
        if news:
            self._hear(shop, news[which % len(news)])

    def _hear(self, shop: Shop, order: Order) -> None:
        self.steps += 1
        order.known = True
        self.committed += order.units
        shop.book = self.rules.sale_known(shop.book, units=order.units)
        shop.changed_at = self.now

    def hear_cancel(self, shop: Shop, which: int) -> None:
        news = [order for order in shop.orders if order.cancelled and not order.cancel_known]
        if news:
            order = news[which % len(news)]
            if not order.known:
                self._hear(shop, order)
            self.steps += 1
            order.cancel_known = True
            self.committed -= order.units
            if order.restocked:
                shop.book = self.rules.cancel_restocked_by_channel(shop.book, units=order.units)
                shop.changed_at = self.now

    def hear_refund(self, shop: Shop) -> None:
        if shop.refund_slack:
            shop.book = self.rules.cancel_restocked_by_channel(shop.book, units=shop.refund_slack)
            self.steps += 1
            shop.refund_slack = 0
            shop.changed_at = self.now

    def feed(self, shop: Shop, seconds_ago: int) -> None:
        """A complete round of the order feed: everything placed before the watermark is in the ledger."""
        self.steps += 1
        watermark = self.now - timedelta(seconds=seconds_ago)
        for order in shop.orders:
            if order.at < watermark and not order.known:
                self._hear(shop, order)
        shop.book = self.rules.feed_complete(shop.book, watermark=watermark)
        shop.orders = [order for order in shop.orders if not (order.cancel_known and order.known)]

    def begin_read(self, shop: Shop) -> None:
        seen_from = self.now - shop.read_lag
        older = [index for index, (since, _) in enumerate(shop.log) if since <= seen_from]
        shop.reads.append((self.now, older[-1] if older else 0))

    def end_read(self, shop: Shop, which: int) -> None:
        """A read ends with any value that stood there between its start (less the lag) and now."""
        if shop.reads:
            self.steps += 1
            begun_at, first = shop.reads.pop(which % len(shop.reads))
            seen = shop.log[first:]
            shop.book = self.rules.observed(
                shop.book,
                value=seen[which % len(seen)][1],
                read_begun_at=begun_at,
                now=self.now,
                last_deadline=shop.last_deadline,
                book_changed_at=shop.changed_at,
                read_back=shop.read_back,
                read_lag=shop.read_lag,
            ).book
        if not shop.reads:
            del shop.log[:-20]

    def goods_in(self, units: int) -> None:
        self.steps += 1
        self.on_hand += units

    def stock_take(self, units: int) -> None:
        """Goods are found missing; rights may already be granted on them."""
        if self.facts:
            self.steps += 1
            self.on_hand -= units
            self.forgiven += units

    def _log(self, shop: Shop) -> None:
        shop.log.append((self.now, shop.read_value()))

    # --- what must hold ------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """
        :raises Violation: I1 or I2 of the theorem fails for a shop, or more was sold than there was.
        """
        self.check_oversold()
        for index, shop in enumerate(self.shops):
            possible = shop.shown + sum(write.adds() for write in shop.writes)
            # Cancelled units that the shop shows again and we have not heard of still block our stock.
            again = [order for order in shop.orders if order.restocked and not order.cancel_known]
            slack = shop.refund_slack + sum(order.units for order in again if order.known)
            unknown = sum(order.units for order in shop.orders if not order.known and not order.restocked)
            bound = self.rules.exposure(shop.book)
            if unknown + possible > bound + slack:
                raise Violation(f"I1: shop {index} can sell {unknown + possible} > {bound} + {slack}: {shop}")
            since = shop.book.unseen_at
            if since is not None and shop.book.unseen:
                late = sum(
                    order.units for order in shop.orders if not order.known and not order.restocked and order.at > since
                )
                slack += sum(order.units for order in again if not order.known and order.at <= since)
                if late + possible > bound - shop.book.unseen + slack:
                    raise Violation(f"I2: shop {index} can sell {late + possible} > {bound - shop.book.unseen}: {shop}")

    def check_oversold(self) -> None:
        if self.sold > self.on_hand + self.forgiven:
            raise Violation(f"sold {self.sold} of {self.on_hand} + {self.forgiven}")


# --- the random scheduler -----------------------------------------------------------------------------------------------

FATES = ("accepted", "accepted", "accepted", "refused", "lost", "lost", "crash", "dropped")
PAUSES = (1, 5, 20, 61, 100, 301, 400, 661, 700)


def push(world: World, shop: Shop, rng: Random) -> None:
    """What a healthy worker does in one go: decide, claim, send, and mostly settle."""
    world.plan(shop, rng.choice((0, 0, 1, 2, 3, 5, 8, 99)))
    world.claim(shop)
    world.send(shop, rng.choice(FATES))
    if rng.random() < 0.8:
        world.settle(shop, 0)


def race(world: World, shop: Shop, rng: Random) -> None:
    """Two workers decide from the same state, for two shops or for one, and both go on."""
    other = rng.choice(world.shops)
    world.plan(shop, rng.choice((1, 2, 5, 99)))
    world.plan(other, rng.choice((1, 2, 5, 99)))
    for each in (shop, other):
        world.claim(each)
        world.send(each, "accepted")


def read(world: World, shop: Shop, rng: Random) -> None:
    """A read that takes a moment; something may become known while it is on its way."""
    world.begin_read(shop)
    rng.choice((world.hear_cancel, world.hear_order, world.take_effect, world.settle))(shop, 0)
    world.end_read(shop, rng.randrange(9))


def due(world: World, shop: Shop, rng: Random) -> None:
    """Time passes to just after a deadline of this shop, or to the watermark's next step, and what is due is done."""
    deadlines = [flight.deadline for flight in shop.book.flights]
    if deadlines:
        world.pass_time(int((rng.choice(deadlines) - world.now).total_seconds()) + 1)
    world.fold(shop)


Step = Callable[[World, Shop, Random], Any]
STEPS: list[tuple[int, Step]] = [
    (20, lambda world, shop, rng: world.buy(shop, rng.choice((1, 1, 2, 5, 99)))),
    (8, lambda world, shop, rng: world.hear_order(shop, rng.randrange(9))),
    (4, lambda world, shop, rng: world.cancel(shop, rng.randrange(9), rng.random() < 0.7)),
    (4, lambda world, shop, rng: world.hear_cancel(shop, rng.randrange(9))),
    (20, push),
    (4, lambda world, shop, rng: world.plan(shop, rng.choice((0, 1, 2, 3, 99)))),
    (4, lambda world, shop, rng: world.claim(shop)),
    (6, lambda world, shop, rng: world.send(shop, rng.choice(FATES))),
    (6, lambda world, shop, rng: world.settle(shop, rng.randrange(9))),
    (10, lambda world, shop, rng: world.take_effect(shop, rng.randrange(9))),
    (2, race),
    (3, read),
    (6, due),
    (4, lambda world, shop, rng: world.fold(shop)),
    (5, lambda world, shop, rng: world.begin_read(shop)),
    (5, lambda world, shop, rng: world.end_read(shop, rng.randrange(9))),
    (6, lambda world, shop, rng: world.feed(shop, rng.choice((0, 0, 1, 30, 300)))),
    (8, lambda world, shop, rng: world.pass_time(rng.choice(PAUSES))),
    (1, lambda world, shop, rng: world.goods_in(rng.randrange(1, 4))),
    (1, lambda world, shop, rng: world.stock_take(1)),
    (1, lambda world, shop, rng: world.refund_with_restock(shop, 1)),
    (2, lambda world, shop, rng: world.hear_refund(shop)),
]
WEIGHTS = [weight for weight, _ in STEPS]
READ_BACKS = [(first, second) for first in ReadBack for second in ReadBack]


def run_schedule(*, seed: int, steps: int, rules: type[Rules] = Rules, only_oversold: bool = False) -> World:
    """
    One random schedule of ``steps`` steps that did something. Each has its own habits (step weights) and shops, so that rare mixtures
    come up, too.

    :raises Violation: as :meth:`World.check`.
    """
    rng = Random(seed)
    world = World(
        stock=rng.choice((1, 2, 3, 5, 8, 13)),
        rules=rules,
        read_backs=READ_BACKS[seed % len(READ_BACKS)],
        facts=seed % 4 == 0,
    )
    check = world.check_oversold if only_oversold else world.check
    habits = [weight * rng.choice((0.1, 1, 1, 4)) for weight in WEIGHTS]
    shops = rng.choice((world.shops, world.shops[:1], world.shops[1:2], world.shops[2:], world.shops[1:]))
    while world.steps < steps:
        for _, step in rng.choices(STEPS, habits, k=steps):
            step(world, shops[int(rng.random() * len(shops))], rng)
            check()
    return world
