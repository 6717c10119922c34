"""A seller with one account on each channel, two own warehouses, and words to tell orders with."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inventory_sync.domain.ledger import Buckets
from inventory_sync.domain.snapshots import (
    Channel,
    LineSnapshot,
    ListingIds,
    OrderSnapshot,
    ReturnSnapshot,
    ReturnState,
    Source,
)
from inventory_sync.orders.apply import AccountRules, Applied, apply_snapshot
from inventory_sync.orders.models import OrderLine
from inventory_sync.orders.returns import apply_return
from inventory_sync.orders.verify import verify
from inventory_sync.stock.ledger import retrying
from inventory_sync.stock.models import LocationLink, StockBalance, Warehouse
from inventory_sync.stock.services import Change, receive
from skumap.models import ChannelAccount, ChannelLocation, Listing, Sku
from skumap.services import link_listing

NOW = datetime(2026, 10, 7, 18, 30, tzinfo=UTC)
PLACED = NOW - timedelta(minutes=10)


def at(minute: float) -> datetime:
    """So many minutes after the order was placed."""
    return PLACED + timedelta(minutes=minute)


def line(key: str = "L1", *, sells: str = "TEE", ordered: int = 1, **facts: Any) -> LineSnapshot:
    """A line as its channel tells it; what is not given is not said."""
    return LineSnapshot(line_key=key, listing=ListingIds(key=sells, seller_sku=sells), ordered=ordered, **facts)


def order(
    *lines: LineSnapshot,
    key: str = "O1",
    minute: float | None = 0,
    source: Source = Source.POLL,
    read_at: float | None = None,
    **facts: Any,
) -> OrderSnapshot:
    """An order at one minute of the channel's clock (None: it does not say)."""
    return OrderSnapshot(
        key=key,
        order_number=facts.pop("order_number", key),
        source=source,
        updated_at=None if minute is None else at(minute),
        request_started_at=at(read_at if read_at is not None else (minute or 0)),
        placed_at=facts.pop("placed_at", PLACED),
        lines=lines,
        **facts,
    )


def came_back(
    line_key: str = "L1",
    *,
    return_id: str = "R1",
    units: int = 1,
    state: ReturnState = ReturnState.ARRIVED,
    courier: bool = False,
    minute: float | None = 0,
    **facts: Any,
) -> ReturnSnapshot:
    return ReturnSnapshot(
        return_id=return_id,
        line_key=line_key,
        order_ref=facts.pop("order_ref", "O1"),
        line_ref=facts.pop("line_ref", line_key),
        units=units,
        state=state,
        courier_return=courier,
        updated_at=None if minute is None else at(minute),
        source=facts.pop("source", Source.POLL),
        **facts,
    )


@dataclass
class Shop:
    """What the tests use of the seller."""

    main: Warehouse
    second: Warehouse
    accounts: dict[Channel, ChannelAccount] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    def sku(self, code: str = "TEE", units: int = 10, *, second: int = 0) -> Sku:
        """A SKU with stock, listed under its code on every channel."""
        sku = Sku.objects.create(code=code)
        for warehouse, count in ((self.main, units), (self.second, second)):
            if count:
                self.receive(sku, count, warehouse)
        for channel in self.accounts:
            self.listing(sku, channel=channel)
        return sku

    def receive(self, sku: Sku, units: int, warehouse: Warehouse | None = None) -> None:
        place = warehouse or self.main
        receive(Change(key=f"t{next(self._keys)}", sku_id=sku.pk, warehouse_id=place.pk, at=NOW), units=units)

    def listing(
        self, sku: Sku | None, *, channel: Channel = Channel.FLIPKART, key: str = "", units_per_sale: int = 1
    ) -> Listing:
        name = key or (sku.code if sku else "")
        listing = Listing.objects.create(account=self.accounts[channel], key=name, seller_sku=name)
        if sku is not None:
            link_listing(listing_id=listing.pk, sku=sku, now=NOW, units_per_sale=units_per_sale)
        return listing

    def location(self, external_id: str, *warehouses: Warehouse, channel: Channel = Channel.FLIPKART) -> None:
        place = ChannelLocation.objects.create(account=self.accounts[channel], external_id=external_id)
        for rank, warehouse in enumerate(warehouses):
            LocationLink.objects.create(location=place, warehouse=warehouse, rank=rank)

    def rules(self, channel: Channel = Channel.FLIPKART) -> AccountRules:
        return AccountRules.load(account=self.accounts[channel], settings=self.settings)

    def take(self, snapshot: OrderSnapshot, *, channel: Channel = Channel.FLIPKART, now: datetime = NOW) -> Applied:
        return retrying(apply_snapshot)(rules=self.rules(channel), snapshot=snapshot, now=now)

    def take_back(
        self,
        snapshot: ReturnSnapshot,
        *,
        channel: Channel = Channel.FLIPKART,
        settings: Mapping[str, Any] | None = None,
    ) -> frozenset[int]:
        return retrying(apply_return)(
            rules=self.rules(channel),
            snapshot=snapshot,
            settings=self.settings if settings is None else settings,
            now=NOW,
        )

    def balance(self, sku: Sku, warehouse: Warehouse | None = None) -> tuple[int, int]:
        """(in warehouse, blocked)"""
        row = StockBalance.objects.filter(sku=sku, warehouse=warehouse or self.main).first()
        return (row.on_hand, row.committed) if row else (0, 0)

    def quarantined(self, sku: Sku) -> int:
        row = StockBalance.objects.filter(sku=sku, warehouse__kind=Warehouse.Kind.QC).first()
        return row.on_hand if row else 0

    def line(self, key: str = "L1", channel: Channel = Channel.FLIPKART) -> OrderLine:
        return OrderLine.objects.get(account=self.accounts[channel], line_key=key)

    def balances(self) -> dict[tuple[str, str], Buckets]:
        """Every balance that is not empty, by SKU and warehouse code."""
        rows = StockBalance.objects.values_list("sku__code", "warehouse__code", "on_hand", "committed")
        return {
            (sku, place): Buckets(on_hand, committed) for sku, place, on_hand, committed in rows if on_hand or committed
        }


def make_shop() -> Shop:
    main = Warehouse.objects.create(code="A")
    shop = Shop(main=main, second=Warehouse.objects.create(code="B"))
    for channel in Channel:
        shop.accounts[channel] = ChannelAccount.objects.create(channel=channel, name=f"{channel} one")
    return shop


@pytest.fixture
def shop(db: None) -> Shop:
    shop = make_shop()
    yield shop
    assert verify() == []
