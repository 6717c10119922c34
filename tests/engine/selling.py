"""A seller on the sandbox's marketplaces, set up through the product's own services: what end-to-end tests begin with."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from inventory_sync.domain.snapshots import Channel
from inventory_sync.engine import start
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.catalogue import relink_states
from inventory_sync.engine.mapping import approve_match
from inventory_sync.engine.models import Flight, ListingState, StockRule, SyncCursor
from inventory_sync.stock.models import LocationLink, Warehouse
from inventory_sync.stock.services import Change, receive, set_count
from sandbox.amazon import catalogue
from sandbox.flipkart.catalogue import DEMO_APP, DEMO_LOCATION, DEMO_SELLER
from sandbox.server import SandboxServer
from sandbox.shopify.catalogue import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_DOMAIN
from skumap.models import ChannelAccount, ChannelLocation, Listing, Sku

CLOCK = 200.0

# Durations as they are in production, divided by the sandbox's clock.
QUICK: dict[str, Any] = {
    "lease_seconds": 2.5,
    "call_deadline_seconds": 2.0,
    "opening_margin_seconds": 0.0,
    "read_lag_seconds": 0.05,
    "reconcile_seconds": 0.05,
    "index_delay_seconds": 1.0,
    "order_overlap_seconds": 20.0,
    "cancel_overlap_seconds": 60.0,
    "rate_per_hour": 100_000,
    "token_refresh_margin_seconds": 1.0,
    "token_ask_again_seconds": 1.0,
}


class Shop:
    """One warehouse, some SKUs, and accounts on the sandbox."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self.sandbox = sandbox
        self.warehouse = Warehouse.objects.create(code="BLR", name="Bengaluru")
        self.accounts: dict[str, ChannelAccount] = {}
        self._numbers = 0

    def sku(self, code: str, units: int) -> Sku:
        sku = Sku.objects.create(code=code)
        self._numbers += 1
        key = f"opening:{self._numbers}"
        receive(Change(key=key, sku_id=sku.pk, warehouse_id=self.warehouse.pk, at=timezone.now()), units=units)
        self.sandbox.world.truth.set_shelf(code, units)
        return sku

    def count(self, sku: Sku, units: int) -> None:
        """A stock take: so many units stand on the shelf now."""
        self._numbers += 1
        change = Change(
            key=f"count:{self._numbers}",
            sku_id=sku.pk,
            warehouse_id=self.warehouse.pk,
            at=timezone.now(),
            reason="count",
        )
        set_count(change, counted=units)
        ListingState.objects.update(decided_at=None)

    def flipkart(self, listings: list[dict[str, Any]], **settings: Any) -> ChannelAccount:
        self.sandbox.flipkart.load(
            {
                "listings": listings,
                "settings": {
                    "index_delay_seconds": [5, 20],
                    "access_token_seconds": 5_000_000,
                    "rate_limit": 100_000,
                    **settings,
                },
            }
        )
        return self._account(
            "flipkart",
            Channel.FLIPKART,
            identity=DEMO_SELLER,
            api_base=f"{self.sandbox.url}/flipkart",
            credentials={"client_id": DEMO_APP.client_id, "client_secret": DEMO_APP.client_secret},
            deadline=600 / CLOCK,
        )

    def shopify(self, variants: list[dict[str, Any]]) -> ChannelAccount:
        self.sandbox.shopify.load({"variants": variants, "locations": [{"id": 1001, "name": "Bengaluru"}]})
        return self._account(
            "shopify",
            Channel.SHOPIFY,
            identity=DEMO_DOMAIN,
            api_base=f"{self.sandbox.url}/shopify/{DEMO_DOMAIN}",
            credentials={"client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET},
            deadline=2.0,
        )

    def amazon(self, listings: list[dict[str, Any]], *, queue: bool = False, **settings: Any) -> ChannelAccount:
        self.sandbox.amazon.load({"listings": listings})
        extra: dict[str, Any] = {
            "rate_factor": CLOCK,
            "use_report_for_pull": False,
            "report_poll_seconds": 0.1,
            "order_settle_seconds": 0.3,
        }
        credentials = {
            "client_id": catalogue.DEMO_CLIENT_ID,
            "client_secret": catalogue.DEMO_CLIENT_SECRET,
            "refresh_token": catalogue.DEMO_REFRESH_TOKEN,
        }
        if queue:
            made = self.sandbox.amazon.queue()
            extra |= {
                "sqs_queue_url": made["url"],
                "sqs_queue_arn": made["arn"],
                "sqs_endpoint_url": made["endpoint_url"],
                "sqs_region": made["region"],
            }
            credentials |= {
                "aws_access_key_id": made["access_key_id"],
                "aws_secret_access_key": made["secret_access_key"],
            }
        return self._account(
            "amazon",
            Channel.AMAZON,
            identity=catalogue.DEMO_SELLER_ID,
            api_base=f"{self.sandbox.url}/amazon",
            auth_base=f"{self.sandbox.url}/amazon/auth/o2/token",
            credentials=credentials,
            deadline=300 / CLOCK,
            **extra | settings,
        )

    def _account(self, name: str, channel: Channel, *, deadline: float, **values: Any) -> ChannelAccount:
        known = {key: values.pop(key) for key in ("identity", "api_base", "auth_base", "credentials") if key in values}
        account = ChannelAccount.objects.create(
            name=name,
            channel=channel,
            settings={**QUICK, "propagation_deadline_seconds": deadline, **values},
            **known,
        )
        self.accounts[name] = account
        start.connect(account_id=account.pk)
        return account

    def link(self) -> None:
        """Pull the listings, link each to the SKU of the same code, and say that the one warehouse serves every location."""
        call_command("run_once", everything_is_due=True, verbosity=0)
        for location in ChannelLocation.objects.filter(managed=True):
            LocationLink.objects.get_or_create(location=location, warehouse=self.warehouse)
        for listing in Listing.objects.filter(sku__isnull=True):
            sku = Sku.objects.filter(code=listing.seller_sku).first()
            if sku is not None:
                approve_match(listing_id=listing.pk, sku_id=sku.pk, now=timezone.now())
        for account in self.accounts.values():
            relink_states(context=context_of(account.pk))

    def live(self, mode: str = "strict") -> None:
        """Go live with every account and work until the first quantities are in force."""
        StockRule.objects.update_or_create(account=None, sku=None, defaults={"mode": mode})
        self.link()
        self.go_live()
        self.work(until=self.is_quiet)

    def go_live(self) -> None:
        for account in self.accounts.values():
            start.go_live(account_id=account.pk)

    def work(self, *, until: Any = None, seconds: float = 40.0) -> None:
        """Do what is due, again and again, until something is true (once, without a condition)."""
        give_up = time.monotonic() + seconds
        while True:
            due = SyncCursor.objects.filter(stream__in=["orders", "reconcile"])
            due.update(next_due_at=timezone.now(), running_until=None)
            call_command("run_once", verbosity=0)
            if until is None or until():
                return
            assert time.monotonic() < give_up, "it never came true"
            time.sleep(0.1)

    def is_quiet(self) -> bool:
        """Every row is started, nothing is on its way, nothing waits, and nothing may have been sold unseen."""
        rows = ListingState.objects.filter(account__mode="live")
        busy = rows.filter(stale_since__isnull=False) | rows.filter(started_at__isnull=True) | rows.filter(unseen__gt=0)
        return rows.exists() and not busy.exists() and not Flight.objects.exists()

    def shown(self, channel: str, key: str) -> int:
        rows = self.sandbox.marketplaces[channel].shown()
        return sum(row["quantity"] for row in rows if row["listing_key"] == key)


LOCATION = DEMO_LOCATION
