"""The product's side of the set-up, through its own doors. Needs Django; the caller has set it up."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction

from inventory_sync.backoffice.entry import login_link
from inventory_sync.demo.demand import CHANNELS, Shelf
from inventory_sync.demo.goods import Good
from inventory_sync.demo.market import AMAZON_SELLER, FLIPKART_SELLER, SHOP_DOMAIN, Secrets
from inventory_sync.demo.scaling import scaled
from inventory_sync.domain.demand import DemandState
from inventory_sync.engine import start
from inventory_sync.engine.accounts import ENGINE_DEFAULTS, adapter_class, context_of
from inventory_sync.engine.catalogue import relink_states
from inventory_sync.engine.demand import dump, stretched
from inventory_sync.engine.mapping import approve_match
from inventory_sync.engine.models import Demand, ListingState, StockRule, SyncCursor
from inventory_sync.engine.sale_events import start_now
from inventory_sync.stock.models import LocationLink, Warehouse
from inventory_sync.stock.services import Change, receive
from skumap.models import ChannelAccount, ChannelLocation, Listing, Sku
from skumap.services import set_kit

logger = logging.getLogger(__name__)

USER = "demo"
NAMES = {"flipkart": "Flipkart", "shopify": "Shopify", "amazon": "Amazon.in"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouses:
    """The main one serves every channel, the second one all but Flipkart."""

    main: Warehouse
    second: Warehouse


def prepare_database() -> str:
    """Tables, schedule, roles, and a staff user. :return: an address that logs in once."""
    quiet = StringIO()
    call_command("migrate", interactive=False, verbosity=0, stdout=quiet)
    call_command("sync_schedule", stdout=quiet)
    call_command("create_roles", stdout=quiet)
    get_user_model().objects.create_superuser(username=USER, password=None)
    return login_link(username=USER, minutes=24 * 60)


def make_goods(goods: Sequence[Good], shelves: Mapping[str, Shelf], *, now: datetime) -> Warehouses:
    """Warehouses, SKUs, combos, and the stock on the shelves."""
    places = Warehouses(
        main=Warehouse.objects.create(code="BLR", name="Bengaluru"),
        second=Warehouse.objects.create(code="DEL", name="Delhi"),
    )
    skus = {
        good.code: Sku(
            code=good.code,
            title=good.title,
            brand=good.brand,
            barcode=good.barcode,
            hsn=good.hsn,
            mrp=Decimal(good.mrp),
            attributes={"category": good.category},
        )
        for good in goods
    }
    Sku.objects.bulk_create(skus.values())
    for good in goods:
        if good.parts:
            set_kit(kit=skus[good.code], parts={skus[code]: units for code, units in good.parts})
    deliver(shelves, key="opening", now=now)
    return places


def deliver(shelves: Mapping[str, Shelf], *, key: str, now: datetime) -> None:
    """Goods come in; the sandbox's shelf must have been told before."""
    ids = dict(Sku.objects.filter(code__in=shelves).values_list("code", "id"))
    main, second = (Warehouse.objects.get(code=code) for code in ("BLR", "DEL"))
    with transaction.atomic():
        for code, shelf in shelves.items():
            for place, units in ((main, shelf.main), (second, shelf.second)):
                if units > 0:
                    change = Change(key=f"{key}:{code}:{place.code}", sku_id=ids[code], warehouse_id=place.pk, at=now)
                    receive(change, units=units)


def make_accounts(*, sandbox_url: str, clock: float, secrets: Secrets, queue: Mapping[str, str]) -> dict[str, int]:
    """One account on each channel, in trial run. :return: channel -> account id."""
    application = {"client_id": secrets.client_id, "client_secret": secrets.client_secret}
    connections: dict[str, dict[str, Any]] = {
        "flipkart": {"identity": FLIPKART_SELLER, "api_base": f"{sandbox_url}/flipkart", "credentials": application},
        "shopify": {
            "identity": SHOP_DOMAIN,
            "api_base": f"{sandbox_url}/shopify/{SHOP_DOMAIN}",
            "credentials": application,
            "settings": {"bulk_from_rows": 40},  # a small shop's first quantities go out in one call
        },
        "amazon": {
            "identity": AMAZON_SELLER,
            "api_base": f"{sandbox_url}/amazon",
            "auth_base": f"{sandbox_url}/amazon/auth/o2/token",
            "credentials": application
            | {
                "refresh_token": secrets.refresh_token,
                "aws_access_key_id": queue["access_key_id"],
                "aws_secret_access_key": queue["secret_access_key"],
            },
            "settings": {
                "sqs_queue_url": queue["url"],
                "sqs_queue_arn": queue["arn"],
                "sqs_endpoint_url": queue["endpoint_url"],
                "sqs_region": queue["region"],
            },
        },
    }
    accounts = {}
    for channel in CHANNELS:
        values = connections[channel]
        own = values.pop("settings", {})
        settings = scaled({**ENGINE_DEFAULTS, **adapter_class(channel).defaults}, clock=clock) | own
        accounts[channel] = ChannelAccount.objects.create(
            channel=channel, name=NAMES[channel], settings=settings, **values
        ).pk
    return accounts


def set_mode(mode: str) -> None:
    """One stock rule for everything."""
    StockRule.objects.create(mode=mode)


def connect(accounts: Mapping[str, int]) -> None:
    """Check the credentials; the workers begin to read."""
    for account_id in accounts.values():
        start.connect(account_id=account_id)


def subscribe(accounts: Mapping[str, int], *, public_url: str) -> None:
    """Webhooks of Shopify and the queue of Amazon; Flipkart sells without notifications until it allows them, so it is polled."""
    for channel in [name for name in ("shopify", "amazon") if name in accounts]:
        context = context_of(accounts[channel])
        url = f"{public_url}/webhooks/{channel}/{context.account.webhook_key}/"
        for line in context.adapter.subscribe(callback_url=url):
            logger.info("%s: %s", channel, line)


def pulled(accounts: Mapping[str, int]) -> int:
    """Listings of accounts whose whole catalogue was read."""
    done = SyncCursor.objects.filter(
        account_id__in=accounts.values(), stream="listings", last_success_at__isnull=False
    ).values_list("account_id", flat=True)
    return Listing.objects.filter(account_id__in=list(done)).count()


def link_listings(*, now: datetime) -> int:
    """Every listing whose seller SKU is one of our codes is that SKU. :return: listings linked."""
    codes = dict(Sku.objects.values_list("code", "id"))
    count = 0
    for listing_id, seller_sku in Listing.objects.filter(sku__isnull=True).values_list("id", "seller_sku"):
        if seller_sku in codes:
            approve_match(listing_id=listing_id, sku_id=codes[seller_sku], now=now, reason="same seller SKU")
            count += 1
    return count


def remember_sales(rates: Mapping[tuple[str, str], float], *, now: datetime) -> None:
    """The demand that a seller who has sold here before begins with. Units an hour by the marketplaces' clock."""
    rows = [
        Demand(
            listing=listing,
            updated_at=now,
            state=dump(
                DemandState(since=stretched(now), prior_rate=rates[listing.account.channel, listing.key] / 3600)
            ),
        )
        for listing in Listing.objects.select_related("account")
        if (listing.account.channel, listing.key) in rates
    ]
    Demand.objects.bulk_create(rows)


def begin_sale(*, now: datetime) -> None:
    """Sale event mode, as a seller switches it on for such a day: polls are quicker."""
    start_now(name="Demo sale", hours=24, now=now)


def link_locations(accounts: Mapping[str, int], places: Warehouses) -> None:
    """Flipkart picks up in the main warehouse only; the others are served from both, the second one first."""
    for channel, account_id in accounts.items():
        ranked = [places.main] if channel == "flipkart" else [places.second, places.main]
        for location in ChannelLocation.objects.filter(account_id=account_id, managed=True):
            for rank, warehouse in enumerate(ranked):
                LocationLink.objects.update_or_create(location=location, warehouse=warehouse, defaults={"rank": rank})
    for account_id in accounts.values():
        relink_states(context=context_of(account_id))


def go_live(accounts: Mapping[str, int]) -> None:
    for account_id in accounts.values():
        start.go_live(account_id=account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """How far the first quantities are: rows in all, those that may be raised, those that wait to be sent."""

    rows: int
    started: int
    waiting: int

    @property
    def is_started(self) -> bool:
        """Every row may be raised, and none waits to be sent."""
        return bool(self.rows) and self.started == self.rows and not self.waiting


def readiness() -> Readiness:
    """Where the first quantities stand, by our own books."""
    rows = ListingState.objects.filter(account__mode=ChannelAccount.Mode.LIVE, blocked_reason="")
    return Readiness(
        rows=rows.count(),
        started=rows.filter(started_at__isnull=False).count(),
        waiting=rows.filter(stale_since__isnull=False).count(),
    )
