"""Link a listing to a SKU: use cases that cross the map, orders and quantities. What is decided takes effect at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from inventory_sync.alerts.services import resolve_alert
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.books import book_orders
from inventory_sync.engine.catalogue import ensure_states
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.orders.apply import settle_lines
from inventory_sync.orders.models import Order, OrderLine
from inventory_sync.orders.returns import adopt_returns
from skumap.models import LinkAudit, Listing, Sku
from skumap.services import link_listing, unlink_listing


def approve_match(
    *,
    listing_id: int,
    sku_id: int,
    now: datetime,
    units_per_sale: int = 1,
    actor: Any = None,
    reason: str = "",
    only_first: bool = False,
) -> Listing:
    """
    Say which SKU a listing is. Waiting order lines are applied, rows are made and decided. Safe to repeat.

    :param only_first: leave alone what was ever decided.
    :raises skumap.services.LinkError: the link can't be made as asked.
    """
    before = Listing.objects.get(pk=listing_id).sku_id
    listing = link_listing(
        listing_id=listing_id,
        sku=Sku.objects.get(pk=sku_id),
        now=now,
        units_per_sale=units_per_sale,
        actor=actor,
        reason=reason,
        only_first=only_first,
    )
    context = AccountContext(listing.account)
    touched = {sku_id} | ({before} if before else set()) | apply_waiting(context=context, listing=listing, now=now)
    ensure_states(context=context, listing_id=listing.pk)
    resolve_alert(kind="listing_new", key=str(listing.pk))
    if before and before != sku_id:
        forget_doubts(listing_id=listing.pk)
    decide_soon(touched)
    return listing


def ignore_listing(*, listing_id: int, now: datetime, other_goods: bool = False) -> Listing:
    """
    A listing is none of ours, from now on. What it shows is left as it is.

    :param other_goods: it sells other stock than ours, though it looks like a SKU of ours: listings of that SKU needn't wait for it.
    """
    before = Listing.objects.get(pk=listing_id).sku_id
    listing = unlink_listing(listing_id=listing_id, now=now, ignore=True, other_goods=other_goods)
    forget_doubts(listing_id=listing_id)
    resolve_alert(kind="listing_new", key=str(listing.pk))
    decide_soon({before} if before else set())
    return listing


def apply_waiting(*, context: AccountContext, listing: Listing, now: datetime) -> set[int]:
    """Apply the order lines that waited for this listing's link, order by order."""
    touched: set[int] = set()
    waiting = OrderLine.objects.filter(account=context.account, waiting=True, listing_key=listing.key)
    by_listing = OrderLine.objects.filter(waiting=True, listing=listing)
    for order_id in sorted(set((waiting | by_listing).values_list("order_id", flat=True))):
        with transaction.atomic():
            order = Order.objects.select_for_update().get(pk=order_id)
            lines = list(OrderLine.objects.select_for_update().filter(order=order).order_by("id"))
            touched |= settle_lines(rules=context.rules, order=order, lines=lines, now=now)
            touched |= book_orders(context=context, line_ids=[line.pk for line in lines], now=now)
        touched |= adopt_returns(rules=context.rules, lines=lines, now=now)
    if not OrderLine.objects.filter(account=context.account, waiting=True, listing_key=listing.key).exists():
        resolve_alert(kind="order_waiting", key=f"{context.id}:{listing.key}")
    return touched


def forget_doubts(*, listing_id: int) -> None:
    """The link that was doubted is gone."""
    LinkAudit.objects.filter(listing_id=listing_id).delete()
    for kind in ("link_doubtful", "product_changed"):
        resolve_alert(kind=kind, key=str(listing_id))
