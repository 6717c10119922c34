"""The play itself: open the shops, let buyers come, wait until everything has settled, report. Needs Django; the caller has set it up."""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils import timezone

from inventory_sync.demo import audit, demand, faults, stage
from inventory_sync.demo.children import Children
from inventory_sync.demo.demand import CHANNELS
from inventory_sync.demo.market import Market, Secrets, amazon_catalogue, flipkart_catalogue, shopify_catalogue
from inventory_sync.demo.options import Options
from inventory_sync.demo.report import ChannelFigures, Report, ScarceFigures, percentiles
from inventory_sync.demo.screen import Screen
from inventory_sync.demo.world import World
from inventory_sync.engine.accounts import context_of
from sandbox.arrivals import Arrival
from sandbox.shopper import Outcome, Shopper

logger = logging.getLogger(__name__)

PULL_SECONDS = 90.0
READY_SECONDS = 150.0
ON_SALE = 0.995  # of what the goals ask for, before the first buyer comes
BUSY_SECONDS = 1.0


class PlayError(RuntimeError):
    """The demo can't go on; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was measured of one bounded run, beside the books: the buyers' outcomes, faults injected, processor time, seconds to settle."""

    buyers: Sequence[Arrival]
    outcomes: Sequence[Outcome]
    faults: dict[str, int]
    processor_seconds: dict[str, float]
    drain_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How things stood in the end: orders, live rows, rows that never converged and why, rows that converged and have moved since."""

    orders: audit.Orders
    live: int
    still_open: Mapping[str, str]
    moved_again: tuple[str, ...]


class Play:
    """One run on servers and processes that are there already. ``began``: monotonic start of everything."""

    def __init__(
        self, *, options: Options, world: World, market: Market, children: Children, screen: Screen, began: float
    ) -> None:
        self._options, self._world, self._market = options, world, market
        self._children, self._screen, self._began = children, screen, began
        self._accounts: dict[str, int] = {}
        self._opened_at = datetime.now(UTC)
        self._up_seconds = 0.0
        self._shown = 0.0

    # --- opening ------------------------------------------------------------------------------------------------------------

    def open(self, *, public_url: str) -> None:
        """Goods, marketplaces, accounts; connect, link, go live, and wait until the first quantities are on sale."""
        keys = self._load_market()
        places = stage.make_goods(self._world.goods, self._world.shelves, now=timezone.now())
        self._accounts = stage.make_accounts(
            sandbox_url=self._market.url,
            clock=self._options.clock,
            secrets=keys,
            queue=self._market.amazon_queue(),
        )
        stage.set_mode(self._options.mode)
        stage.begin_sale(now=timezone.now())
        stage.connect(self._accounts)
        stage.subscribe(self._accounts, public_url=public_url)
        self._link(places)
        stage.go_live(self._accounts)
        if not self._until(self._is_on_sale, READY_SECONDS):
            logger.warning("not everything is on sale after %s s; shopping begins all the same", READY_SECONDS)
        self._up_seconds, self._opened_at = time.monotonic() - self._began, timezone.now()
        self._shown = audit.shown_share(self._market, channels=CHANNELS)
        logger.info("open after %.1f s, %.1f %% of the goals shown", self._up_seconds, self._shown * 100)

    def _load_market(self) -> Secrets:
        keys = Secrets(
            client_id=f"demo-{secrets.token_hex(8)}",
            client_secret=secrets.token_hex(24),
            refresh_token=f"Atzr|{secrets.token_hex(24)}",
        )
        offers, hours = self._world.offers, self._options.market_hours
        self._market.set_shelf(self._world.shelf_units)
        self._market.load(
            {
                "flipkart": flipkart_catalogue(offers, hours=hours, secrets=keys),
                "shopify": shopify_catalogue(offers, secrets=keys),
                "amazon": amazon_catalogue(offers, hours=hours, secrets=keys),
            }
        )
        return keys

    def _link(self, places: stage.Warehouses) -> None:
        """Link listings while the workers still pull the others, then the locations."""
        linked = 0

        def all_linked() -> bool:
            nonlocal linked
            complete = stage.pulled(self._accounts) >= len(self._world.offers)
            linked += stage.link_listings(now=timezone.now())
            return complete

        if not self._until(all_linked, PULL_SECONDS):
            raise PlayError(f"reading the listings takes longer than {PULL_SECONDS:.0f} s")
        stage.remember_sales(demand.usual_rates(self._world.offers, seed=self._options.seed), now=timezone.now())
        stage.link_locations(self._accounts, places)
        logger.info("%s listings linked after %.1f s", linked, time.monotonic() - self._began)

    def _is_on_sale(self) -> bool:
        ready = stage.readiness()
        self._look(f"opening, {ready.started} of {ready.rows} rows started", None)
        return ready.is_started and audit.shown_share(self._market, channels=CHANNELS) >= ON_SALE

    def _until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait for something. :return: whether it came in time."""
        deadline = time.monotonic() + seconds
        while not done():
            self._children.check()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.5)
        return True

    # --- shopping -----------------------------------------------------------------------------------------------------------

    def shop_without_end(self) -> None:
        """Hour after hour by the marketplaces' clock, until interrupted; before each new one the goods are delivered again."""
        hour = 0
        while True:
            shopper = Shopper(target=self._market.url, arrivals=self._world.buyers(self._options, chunk=hour)).start()
            try:
                while not shopper.wait(1.0):
                    self._children.check()
                    self._look(f"shopping, hour {hour + 1}", None)
            finally:
                shopper.stop()
            hour += 1
            self._market.add_to_shelf(self._world.shelf_units)
            stage.deliver(self._world.shelves, key=f"delivery-{hour}", now=timezone.now())

    def shop(self) -> Report:
        """One bounded run and its report."""
        buyers = self._world.buyers(self._options)
        before = self._children.processor_seconds()
        if self._options.faults:
            for trouble in faults.ALL:
                self._market.switch_on(trouble.name, probability=trouble.probability, options=trouble.options)
        shopper = Shopper(target=self._market.url, arrivals=buyers).start()
        ends = time.monotonic() + (self._options.minutes or 0.0) * 60
        try:
            while not shopper.wait(0.5):
                self._children.check()
                self._look("shopping", ends - time.monotonic())
        finally:
            shopper.stop()
        hits = self._market.faults_hit()
        self._market.clear_faults()
        after = self._children.processor_seconds()
        began = time.monotonic()
        settled = self._settle(began)
        run = Run(
            buyers=buyers,
            outcomes=shopper.outcomes,
            faults=hits,
            processor_seconds={name: round(used - before.get(name, 0.0), 1) for name, used in after.items()},
            drain_seconds=round(time.monotonic() - began, 1),
        )
        return self._report(run, settled)

    def _settle(self, began: float) -> Settled:
        """
        Wait until every order is known and every row has converged, for as long as that may take.

        A row has converged when it was seen so once after the last order was known. It may move again: buyers who stay away all of a sudden are
        themselves a reason to write (the shops have closed, and the product can't know that).
        """
        deadline = began + settle_seconds(self._accounts)
        never: set[str] | None = None
        while True:
            self._children.check()
            orders = audit.compare_orders(self._market.sales(), audit.our_lines())
            rows = audit.check_rows(self._market, channels=CHANNELS)
            if orders.all_known and not audit.work_left():
                never = set(rows.open) if never is None else never & set(rows.open)
            if never == set() or time.monotonic() > deadline:
                still = {name: why for name, why in rows.open.items() if never is None or name in never}
                again = tuple(sorted(set(rows.open) - set(still)))
                return Settled(orders=orders, live=rows.live, still_open=still, moved_again=again)
            waiting = rows.live if never is None else len(never)
            self._look(f"settling, {rows.live - waiting} of {rows.live} rows", deadline - time.monotonic())
            time.sleep(1.0)

    def _look(self, phase: str, seconds_left: float | None) -> None:
        self._screen.show(audit.status(self._market, phase=phase, seconds_left=seconds_left))

    # --- the report -----------------------------------------------------------------------------------------------------------

    def _report(self, run: Run, settled: Settled) -> Report:
        sales, truth = self._market.sales(), self._market.truth()
        beyond = {code: told["beyond_stock"] for code, told in truth["skus"].items() if told["beyond_stock"]}
        oracle = self._world.oracle(run.buyers)
        scarce = {
            good.code: ScarceFigures(
                shelf=self._world.shelves[good.code].units,
                sold=truth["skus"].get(good.code, {}).get("sold", 0),
                oracle_sold=oracle.by_sku[good.code].sold,
            )
            for good in self._world.goods
            if good.scarce
        }
        latest = max((outcome.late_seconds for outcome in run.outcomes), default=0.0)
        if latest > BUSY_SECONDS:
            logger.warning("a buyer came %.1f s late: this machine is too busy", latest)
        return Report(
            seed=self._options.seed,
            mode=self._options.mode,
            clock=self._options.clock,
            minutes=self._options.minutes or 0.0,
            faults_on=self._options.faults,
            channels=self._channels(run, settled.orders),
            own_accepted=sum(1 for sale in sales if sale["components"]),
            oracle_orders=oracle.orders,
            scarce=scarce,
            oversold=sum(beyond.values()),
            oversold_by_sku=beyond,
            shown_share=round(self._shown, 4),
            rows_live=settled.live,
            rows_open=dict(settled.still_open),
            rows_moved_again=settled.moved_again,
            lost=settled.orders.lost,
            wrong=settled.orders.wrong,
            strange=settled.orders.strange,
            units_differ=audit.compare_units(truth),
            ledger=audit.verify_ledger(),
            faults=run.faults,
            alerts=audit.alerts_raised(since=self._opened_at),
            up_seconds=round(self._up_seconds, 1),
            drain_seconds=run.drain_seconds,
            processor_seconds=run.processor_seconds,
            latest_buyer_seconds=round(latest, 2),
        )

    def _channels(self, run: Run, orders: audit.Orders) -> dict[str, ChannelFigures]:
        sales = self._market.sales()
        measured = audit.delays(sales, audit.our_lines())
        sold = Counter(sale["channel"] for sale in sales)
        placed = Counter(buyer.channel for buyer in run.buyers)
        found = {}
        for channel in CHANNELS:
            by_status: Counter[str] = Counter()
            for statuses in self._market.calls(channel).values():
                by_status.update(statuses)
            found[channel] = ChannelFigures(
                placed=placed[channel],
                accepted=sold[channel],
                applied=orders.applied.get(channel, 0),
                sale_to_applied=percentiles(measured.applied.get(channel, ())),
                sale_to_pushed=percentiles(measured.pushed.get(channel, ())),
                calls=sum(by_status.values()),
                calls_by_status=dict(by_status),
            )
        return found


def settle_seconds(accounts: dict[str, int]) -> float:
    """
    How long it may take to settle: a write, a doubt of it (a zero), the write after that, and one more, each to its deadline, and the reads and
    polls that follow them.
    """
    longest = 0.0
    for account_id in accounts.values():
        context = context_of(account_id)
        writes = 4 * (context.seconds("propagation_deadline_seconds") + context.seconds("lease_seconds"))
        reads = 2 * (context.seconds("reconcile_seconds") + context.seconds("poll_seconds"))
        longest = max(longest, writes + reads + context.seconds("index_delay_seconds"))
    return longest + 15.0
