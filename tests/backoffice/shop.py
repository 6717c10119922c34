"""A seller with three accounts in the middle of a sale: enough of everything that no page of the back-office is empty."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import Group, User

from inventory_sync.alerts.services import raise_alert
from inventory_sync.api.models import ApiToken
from inventory_sync.domain.snapshots import LineSnapshot, ListingIds, OrderSnapshot, Source
from inventory_sync.engine.accounts import context_of
from inventory_sync.engine.catalogue import ensure_states
from inventory_sync.engine.decide import decide_skus
from inventory_sync.engine.inbound import take_in_orders
from inventory_sync.engine.models import (
    LatencySample,
    ListingState,
    PushAttempt,
    RemoteJob,
    SaleEvent,
    ShadowRecord,
    StockRule,
    SyncCursor,
    WebhookDelivery,
)
from inventory_sync.orders.models import OrderLine, ReturnItem
from inventory_sync.stock.models import LocationLink, TransferProposal, Warehouse
from inventory_sync.stock.services import Change, receive
from skumap.models import ChannelAccount, ChannelLocation, KitComponent, Listing, Sku
from skumap.services import link_listing

PASSWORD = "a-long-password-for-tests"
GOODS = [
    ("KURTA-RED-M", "Cotton kurta, red, M", 42),
    ("KURTA-RED-L", "Cotton kurta, red, L", 18),
    ("TAWA-28", "Iron dosa tawa, 28 cm", 7),
    ("BOTTLE-1L", "Steel bottle, 1 litre", 160),
    ("LAMP-BRASS", "Brass diya lamp", 3),
]


@dataclass
class Shop:
    """What the tests use of the seller."""

    now: datetime
    boss: User
    main: Warehouse
    second: Warehouse
    flipkart: ChannelAccount
    shopify: ChannelAccount
    amazon: ChannelAccount
    skus: dict[str, Sku] = field(default_factory=dict)
    new_listing: Listing | None = None
    proposal: TransferProposal | None = None
    failed: WebhookDelivery | None = None

    def state(self, account: ChannelAccount, code: str) -> ListingState:
        return ListingState.objects.get(account=account, listing__sku__code=code)


def staff(name: str, *, role: str = "", superuser: bool = False) -> User:
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True, is_superuser=superuser)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def open_shop(now: datetime) -> Shop:
    shop = Shop(
        now=now,
        boss=staff("boss", superuser=True),
        main=Warehouse.objects.create(code="BLR1", name="Bengaluru"),
        second=Warehouse.objects.create(code="DEL1", name="Delhi"),
        flipkart=_account("Flipkart main", "flipkart", now, identity="seller-77", mode="live"),
        shopify=_account("Shopify store", "shopify", now, identity="dukaan.myshopify.com"),
        amazon=_account(
            "Amazon India", "amazon", now, health="broken", health_reason="the refresh token was taken back"
        ),
    )
    Warehouse.objects.create(code="QC", name="QC pending", kind="qc")
    for code, title, units in GOODS:
        shop.skus[code] = Sku.objects.create(code=code, title=title, brand="Chandni", mrp=Decimal("999.00"), hsn="6109")
        change = Change(
            key=f"opening:{code}", sku_id=shop.skus[code].pk, warehouse_id=shop.main.pk, at=now, reason="GRN 1041"
        )
        receive(change, units=units)
    combo = Sku.objects.create(code="DIWALI-SET", title="Diwali set: lamp and bottle")
    KitComponent.objects.create(kit=combo, component=shop.skus["LAMP-BRASS"])
    KitComponent.objects.create(kit=combo, component=shop.skus["BOTTLE-1L"], units=2)
    shop.skus["DIWALI-SET"] = combo
    for account, kind in ((shop.flipkart, "NON_FBF"), (shop.shopify, "SHOPIFY"), (shop.amazon, "MFN")):
        _list_goods(shop, account, kind)
    for account in (shop.flipkart, shop.shopify, shop.amazon):
        ensure_states(context=context_of(account.pk))
    ListingState.objects.update(
        opened_at=now - timedelta(hours=3), started_at=now - timedelta(hours=2), shown=4, seen_quantity=4, seen_at=now,
        sent_quantity=4, sent_at=now - timedelta(minutes=4),
    )  # fmt: skip
    _orders(shop)
    decide_skus(sku_ids=[sku.pk for sku in shop.skus.values()], now=now)
    _history(shop)
    return shop


def _account(name: str, channel: str, now: datetime, **values: object) -> ChannelAccount:
    account = ChannelAccount.objects.create(
        **{
            "name": name,
            "channel": channel,
            "health": "ok",
            "last_success_at": now - timedelta(seconds=40),
            "credentials": {"client_id": "application-1234", "client_secret": "very-secret-text-9876"},
            **values,
        }
    )
    for stream in ("orders", "returns", "listings", "reconcile"):
        SyncCursor.objects.create(
            account=account,
            stream=stream,
            high_water=now - timedelta(minutes=6),
            next_due_at=now + timedelta(minutes=2),
            last_success_at=now - timedelta(minutes=1),
        )
    return account


def _list_goods(shop: Shop, account: ChannelAccount, kind: str) -> None:
    location = ChannelLocation.objects.create(
        account=account, external_id=f"LOC-{account.channel}", name="Bengaluru shelf"
    )
    LocationLink.objects.create(location=location, warehouse=shop.main)
    for number, (code, sku) in enumerate(shop.skus.items()):
        row = Listing.objects.create(
            account=account,
            key=code,
            seller_sku=code,
            title=sku.title,
            product_id=f"PID{number}",
            fulfilment=kind,
            price=Decimal("499.00"),
            pulled_at=shop.now,
        )
        link_listing(listing_id=row.pk, sku=sku, now=shop.now, actor=shop.boss, reason="same code")
    Listing.objects.create(
        account=account,
        key="FBF-ONLY",
        seller_sku="FBF-ONLY",
        title="Held by the marketplace",
        fulfilment="FBF",
        marketplace_quantity=55,
        marketplace_quantity_at=shop.now,
    )
    shop.new_listing = Listing.objects.create(
        account=account,
        key="TAWA-28-OLD",
        seller_sku="TAWA-28-OLD",
        title="Dosa tawa 28cm iron (old listing)",
        fulfilment=kind,
        hazards=["continues_selling"] if kind == "SHOPIFY" else [],
        pulled_at=shop.now,
    )


def order(number: str, *goods: tuple[str, int], now: datetime, status: str = "APPROVED") -> OrderSnapshot:
    lines = tuple(
        LineSnapshot(
            line_key=f"{number}:{code}",
            listing=ListingIds(key=code, seller_sku=code),
            ordered=units,
            status=status,
            title=code,
        )
        for code, units in goods
    )
    return OrderSnapshot(
        key=number,
        order_number=f"OD{number}",
        source=Source.READ,
        updated_at=now,
        request_started_at=now,
        placed_at=now - timedelta(minutes=3),
        fulfil_by=now + timedelta(hours=20),
        status=status,
        lines=lines,
    )


def _orders(shop: Shop) -> None:
    flipkart = [order(f"1{n}", ("KURTA-RED-M", 1), now=shop.now) for n in range(5)] + [
        order("20", ("LAMP-BRASS", 4), now=shop.now),
        order("21", ("NOBODY-KNOWS", 2), now=shop.now),
    ]
    result = take_in_orders(context=context_of(shop.flipkart.pk), snapshots=flipkart, now=shop.now)
    assert not result.failed
    take_in_orders(
        context=context_of(shop.shopify.pk), snapshots=[order("30", ("DIWALI-SET", 1), now=shop.now)], now=shop.now
    )
    line = OrderLine.objects.filter(sku__isnull=False).first()
    ReturnItem.objects.create(
        account=shop.flipkart, return_id="R-1", line=line, order_ref="OD10", courier_return=True, first_seen_at=shop.now
    )


def _history(shop: Shop) -> None:
    now = shop.now
    state = shop.state(shop.flipkart, "KURTA-RED-M")
    for value, result in ((4, "accepted"), (6, "refused"), (9, "unknown")):
        PushAttempt.objects.create(
            account=shop.flipkart,
            state=state,
            value=value,
            result=result,
            reason="refill",
            sent_at=now,
            elapsed_seconds=0.8,
        )
    ShadowRecord.objects.create(
        state=shop.state(shop.shopify, "TAWA-28"), value=7, seen_quantity=4, reason="refill", created_at=now
    )
    body = json.dumps(
        {"eventType": "shipment_created", "shipmentId": "1001", "items": [{"sku": "KURTA-RED-M", "quantity": 1}]}
    )
    for number in range(3):
        WebhookDelivery.objects.create(
            account=shop.flipkart, key=f"d{number}", topic="shipment_created", body=body.encode(),
            headers={"content-type": "application/json", "authorization": "Bearer something-secret"}, status="done", received_at=now,
        )  # fmt: skip
    shop.failed = WebhookDelivery.objects.create(
        account=shop.shopify, key="d9", topic="orders/updated", body=b'{"id": 1, "line_items": "nonsense"}', headers={}, status="failed",
        attempts=8, error="ContractError: line_items is not a list", received_at=now,
    )  # fmt: skip
    shop.proposal = TransferProposal.objects.create(
        sku=shop.skus["BOTTLE-1L"], source=shop.main, target=shop.second, units=12, reason="order OD30 ships from Delhi"
    )
    for seconds in (20, 40, 65, 200):
        for kind in ("detect", "push", "effect"):
            LatencySample.objects.create(account=shop.flipkart, kind=kind, seconds=seconds, at=now)
    raise_alert(
        kind="oversold", key="1", title="Oversold: LAMP-BRASS is short of 2 units", severity="critical", now=now
    )
    raise_alert(
        kind="account_broken",
        key="3",
        title="Amazon India: the connection is broken",
        severity="critical",
        account_id=shop.amazon.pk,
        link=f"/admin/skumap/channelaccount/{shop.amazon.pk}/change/",
        now=now,
    )
    raise_alert(
        kind="listing_new",
        key="9",
        title="Flipkart main: new listing TAWA-28-OLD is not linked to a SKU",
        account_id=shop.flipkart.pk,
        now=now,
    )
    StockRule.objects.create(mode="balanced")
    StockRule.objects.create(sku=shop.skus["LAMP-BRASS"], mode="strict")
    SaleEvent.objects.create(name="Dhamaka week", starts_at=now + timedelta(days=3), ends_at=now + timedelta(days=8))
    RemoteJob.objects.create(
        account=shop.amazon, ref="feed-7", flight_ids=[1, 2], next_check_at=now, give_up_at=now + timedelta(hours=2)
    )
    ApiToken.issue(name="warehouse scanner", scopes=["read"])
