"""Everything that decides the quantities of some SKUs, read in a fixed number of queries: shelves, rows and their books, rules, demand, delays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.db.models import Q, Sum

from inventory_sync.domain.exposure import Book, exposure
from inventory_sync.domain.guard import RowUse, headroom
from inventory_sync.domain.ledger import Place
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.books import load_books, lock_states
from inventory_sync.engine.demand import Selling, selling
from inventory_sync.engine.models import ListingState, StockRule
from inventory_sync.stock.ledger import lock_own_balances
from inventory_sync.stock.models import LocationLink, StockBalance, Warehouse, Withdrawal
from skumap.models import KitComponent, Sku
from skumap.services import components_of

GUARDED = {StockRule.Mode.STRICT, StockRule.Mode.BALANCED}
_STRICTNESS: list[str] = [StockRule.Mode.STRICT, StockRule.Mode.BALANCED, StockRule.Mode.OFF]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The stock rule of one SKU."""

    mode: str = StockRule.Mode.BALANCED
    cover_hours: float = 4.0


@dataclass(slots=True, kw_only=True)
class Pool:
    """
    The rows that share stock with some SKUs, and that stock.

    :ivar asked: the SKUs (plain ones and combos) whose rows are to be decided; other rows are here because they share stock with them.
    :ivar available: sellable physical units by (SKU, own warehouse), less what is set aside.
    :ivar aside: units that are set aside, by (SKU, own warehouse).
    :ivar units: row → physical units of each SKU in one listing unit.
    :ivar allowance: physical SKU → units that the mode lets the rows share; filled in by the decision.
    """

    asked: frozenset[int]
    available: dict[Place, int]
    states: dict[int, ListingState]
    books: dict[int, Book]
    units: dict[int, dict[int, int]]
    warehouses: dict[int, frozenset[int]]
    contexts: dict[int, AccountContext]
    rules: dict[int, Rule]
    selling: dict[int, Selling]
    priority: frozenset[int]
    aside: dict[Place, int]
    allowance: dict[int, int] = field(default_factory=dict)

    def uses(self) -> list[RowUse]:
        return [self.use(state) for state in self.states.values()]

    def use(self, state: ListingState) -> RowUse:
        return RowUse(
            row_id=state.pk,
            exposure=exposure(self.books[state.pk]),
            warehouses=self.warehouses[state.pk],
            units=self.units[state.pk],
        )

    def headroom(self, state: ListingState) -> int:
        """Listing units by which the row's exposure may rise under the safe-write rule."""
        return headroom(row=self.use(state), rows=self.uses(), available=self.available, allowance=self.allowance)

    def mode(self, state: ListingState) -> str:
        """The strictest mode of the physical SKUs that the row takes."""
        modes = [self.rules[sku_id].mode for sku_id in self.units[state.pk]]
        return min(modes, key=_STRICTNESS.index, default=StockRule.Mode.STRICT)

    def is_guarded(self, state: ListingState) -> bool:
        return self.mode(state) in GUARDED

    def allowance_of(self, state: ListingState) -> int:
        return max((self.allowance.get(sku_id, 0) for sku_id in self.units[state.pk]), default=0)

    def sellable(self, state: ListingState) -> int:
        """Whole listing units that the warehouses behind the row could still give."""
        per_part = [
            max(sum(self.available.get((sku_id, warehouse), 0) for warehouse in self.warehouses[state.pk]), 0) // units
            for sku_id, units in self.units[state.pk].items()
        ]
        return min(per_part, default=0)


def load_pool(*, sku_ids: Iterable[int], now: datetime, lock: Literal["nothing", "rows", "all"] = "nothing") -> Pool:
    """
    Read what decides these SKUs. Locks (in an open transaction): ``all`` takes every balance, then every row, each in primary-key order, for a
    claim; ``rows`` takes the rows only, before the balances are read, so that of two decisions the later one wins.

    :param sku_ids: plain SKUs or combos; every row that shares a physical SKU with them comes along.
    """
    asked = frozenset(sku_ids)
    physical = {part for parts in components_of(asked).values() for part in parts}
    sellers = physical | _kits_with(physical)
    parts = components_of(sellers)
    shelf = {part for components in parts.values() for part in components}
    neighbours = shelf | _kits_with(shelf)
    parts |= components_of(neighbours - parts.keys())
    everything = {part for components in parts.values() for part in components}

    available = _locked(everything) if lock == "all" else {}
    wanted = Q(listing__sku_id__in=neighbours)
    if lock == "nothing":
        rows = list(ListingState.objects.select_related("account", "listing", "location").filter(wanted).order_by("id"))
    else:
        rows = lock_states(wanted)
    if lock != "all":
        available = _available(everything)
    aside = set_aside(everything)
    for place, count in aside.items():
        available[place] = available.get(place, 0) - count
    links: dict[int, set[int]] = defaultdict(set)
    for location_id, warehouse_id in LocationLink.objects.filter(
        location__in={row.location_id for row in rows}, warehouse__kind=Warehouse.Kind.OWN, warehouse__active=True
    ).values_list("location_id", "warehouse_id"):
        links[location_id].add(warehouse_id)
    units: dict[int, dict[int, int]] = {}
    for row in rows:
        components = parts.get(row.listing.sku_id or 0, {})
        units[row.pk] = {part: count * row.listing.units_per_sale for part, count in components.items()}
    accounts = {row.account_id: row.account for row in rows}
    contexts = {account_id: AccountContext(account) for account_id, account in accounts.items()}
    return Pool(
        asked=asked | sellers,
        available=available,
        states={row.pk: row for row in rows},
        books=load_books(rows),
        units=units,
        warehouses={row.pk: frozenset(links[row.location_id]) for row in rows},
        contexts=contexts,
        rules=_rules(everything, set(accounts)),
        selling=selling(listing_ids={row.listing_id for row in rows}, now=now),
        aside=aside,
        priority=frozenset(Sku.objects.filter(pk__in=everything, priority=True).values_list("id", flat=True)),
    )


def _kits_with(physical: Iterable[int]) -> set[int]:
    return set(KitComponent.objects.filter(component_id__in=set(physical)).values_list("kit_id", flat=True))


def _locked(sku_ids: set[int]) -> dict[Place, int]:
    return {place: balance.available for place, balance in lock_own_balances(sku_ids).items()}


def set_aside(sku_ids: Iterable[int]) -> dict[Place, int]:
    """Units that somebody wants to take away and that still stand there: not to be offered any more."""
    waiting = Withdrawal.objects.filter(sku_id__in=set(sku_ids), status=Withdrawal.Status.WAITING)
    rows = waiting.values_list("sku_id", "warehouse_id").annotate(units=Sum("units")).order_by()
    return {(sku_id, warehouse_id): units for sku_id, warehouse_id, units in rows}


def _available(sku_ids: set[int]) -> dict[Place, int]:
    rows = StockBalance.objects.filter(
        sku_id__in=sku_ids, warehouse__kind=Warehouse.Kind.OWN, warehouse__active=True
    ).values_list("sku_id", "warehouse_id", "on_hand", "committed")
    return {(sku_id, warehouse_id): on_hand - committed for sku_id, warehouse_id, on_hand, committed in rows}


def _rules(sku_ids: set[int], account_ids: set[int]) -> dict[int, Rule]:
    """
    The rule of each SKU: its own, else the strictest of its accounts', else the general one, else the default.

    Stock is shared by all accounts, so the mode belongs to the SKU: one account that may never oversell makes all rows of the SKU strict.
    """
    by_sku: dict[int, Rule] = {}
    by_account: list[StockRule] = []
    general = Rule()
    for rule in StockRule.objects.filter(Q(sku__isnull=True) | Q(sku_id__in=sku_ids)):
        value = Rule(mode=rule.mode, cover_hours=rule.cover_hours)
        if rule.sku_id is not None and (rule.account_id is None or rule.account_id in account_ids):
            known = by_sku.get(rule.sku_id)
            if known is None or _STRICTNESS.index(value.mode) < _STRICTNESS.index(known.mode):
                by_sku[rule.sku_id] = value
        elif rule.sku_id is None and rule.account_id is None:
            general = value
        elif rule.account_id in account_ids:
            by_account.append(rule)
    if by_account:
        strictest = min(by_account, key=lambda rule: _STRICTNESS.index(rule.mode))
        general = Rule(mode=strictest.mode, cover_hours=strictest.cover_hours)
    return {sku_id: by_sku.get(sku_id, general) for sku_id in sku_ids}
