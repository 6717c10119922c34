"""A small seller: one warehouse, SKUs with stock, and fake channels that the engine finds through ``CHANNEL_ADAPTERS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from inventory_sync.domain.ports import Account, Ports, WriteKind
from inventory_sync.domain.snapshots import Channel, Fulfilment
from inventory_sync.engine import measure, reconcile
from inventory_sync.engine.accounts import AccountContext, context_of
from inventory_sync.engine.books import clear_unseen
from inventory_sync.engine.catalogue import ensure_states
from inventory_sync.engine.decide import decide_skus
from inventory_sync.engine.inbound import decide_soon, take_in_orders
from inventory_sync.engine.models import ListingState, StockRule
from inventory_sync.engine.polling import ensure_cursors
from inventory_sync.http import BucketPlan, BudgetPlan
from inventory_sync.stock.models import LocationLink, StockBalance, Warehouse
from inventory_sync.stock.services import Change, adjust, receive
from skumap.models import ChannelAccount, ChannelLocation, Listing, Sku
from skumap.services import link_listing
from tests.engine.fake_channel import FakeChannel

FAKES: dict[int, FakeChannel] = {}


class FakeAdapter:
    """What ``CHANNEL_ADAPTERS`` names in these tests: hands out the fake channel of the account."""

    defaults: ClassVar[Mapping[str, Any]] = FakeChannel.defaults

    def __new__(cls, *, account: Account, ports: Ports) -> Any:
        return FAKES[account.id]

    @staticmethod
    def budget_plan(settings: Mapping[str, Any], *, workers: int) -> BudgetPlan:
        return BudgetPlan(groups={"all": BucketPlan(rate=100, burst=100)}, default="all", workers=workers)


@dataclass
class Seller:
    """What the tests use of the small seller."""

    warehouse: Warehouse
    channels: dict[str, FakeChannel] = field(default_factory=dict)
    accounts: dict[str, ChannelAccount] = field(default_factory=dict)
    _keys: int = 0

    def key(self) -> str:
        self._keys += 1
        return f"test:{self._keys}"

    def account(
        self, name: str, channel: Channel, *, fake: type[FakeChannel] = FakeChannel, **values: Any
    ) -> ChannelAccount:
        account = ChannelAccount.objects.create(
            name=name, channel=channel, mode=values.pop("mode", "live"), health="ok", **values
        )
        kind = WriteKind.CAS if channel is Channel.SHOPIFY else WriteKind.ABSOLUTE
        FAKES[account.pk] = self.channels[name] = fake(kind=kind)
        self.accounts[name] = account
        location = ChannelLocation.objects.create(account=account, external_id="LOC1")
        LocationLink.objects.create(location=location, warehouse=self.warehouse)
        ensure_cursors(context=self.context(name), now=timezone.now())
        return account

    def context(self, name: str) -> AccountContext:
        return context_of(self.accounts[name].pk)

    def sku(self, code: str, units: int) -> Sku:
        sku = Sku.objects.create(code=code, title=code)
        if units:
            receive(
                Change(key=self.key(), sku_id=sku.pk, warehouse_id=self.warehouse.pk, at=timezone.now()), units=units
            )
        return sku

    def listing(self, name: str, sku: Sku, *, shown: int = 0, pack_of: int = 1, key: str = "") -> Listing:
        account = self.accounts[name]
        kind = Fulfilment.SHOPIFY if account.channel == Channel.SHOPIFY else Fulfilment.NON_FBF
        if account.channel == Channel.AMAZON:
            kind = Fulfilment.MFN
        row = Listing.objects.create(account=account, key=key or sku.code, seller_sku=sku.code, fulfilment=kind)
        link_listing(listing_id=row.pk, sku=sku, now=timezone.now(), units_per_sale=pack_of)
        self.channels[name].shown[row.key] = shown
        ensure_states(context=self.context(name))
        return Listing.objects.get(pk=row.pk)

    def state(self, name: str, sku: Sku) -> ListingState:
        return ListingState.objects.get(account=self.accounts[name], listing__sku=sku)

    def start(self, *names: str) -> None:
        """Read every row, and let every order feed be complete past that read."""
        for name in names or self.accounts:
            context = self.context(name)
            reconcile.read_rows(context=context, states=list(ListingState.objects.filter(account=context.account)))
            clear_unseen(account_id=context.id, watermark=timezone.now())
        reconcile.start_rows(now=timezone.now())
        self.decide()

    def know(self, name: str, *orders: Any) -> None:
        """The account's orders become known."""
        result = take_in_orders(
            context=self.context(name), snapshots=[order for order in orders if order], now=timezone.now()
        )
        assert not result.failed
        decide_soon(result.touched)

    def decide(self) -> None:
        decide_skus(sku_ids=Sku.objects.values_list("id", flat=True), now=timezone.now())

    def rule(self, mode: str) -> None:
        StockRule.objects.update_or_create(account=None, sku=None, defaults={"mode": mode})
        self.decide()

    def on_hand(self, sku: Sku) -> StockBalance:
        return StockBalance.objects.get(sku=sku, warehouse=self.warehouse)

    def take_away(self, sku: Sku, units: int) -> None:
        adjust(
            Change(key=self.key(), sku_id=sku.pk, warehouse_id=self.warehouse.pk, at=timezone.now(), reason="broken"),
            units=-units,
        )
        self.decide()


@pytest.fixture
def make_seller(settings: Any) -> Callable[[], Seller]:
    settings.CHANNEL_ADAPTERS = {channel.value: "tests.engine.conftest.FakeAdapter" for channel in Channel}
    FAKES.clear()
    measure._paces.clear()

    def make() -> Seller:
        return Seller(warehouse=Warehouse.objects.create(code="BLR", name="Bengaluru"))

    return make


@pytest.fixture
def seller(make_seller: Callable[[], Seller], db: None) -> Seller:
    return make_seller()
