"""
A listing was linked to the wrong SKU: since when, what that did, and putting it right.

Orders that have not left move their block to the right SKU. What has left under the wrong SKU is a matter of the shelf: a correction is proposed
for each SKU, and a person who has looked posts it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q, Sum

from inventory_sync.domain.ledger import Place
from inventory_sync.engine.accounts import AccountContext
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.mapping import forget_doubts
from inventory_sync.engine.models import PushAttempt
from inventory_sync.orders.models import Order, OrderLine
from inventory_sync.orders.settle import settle_lines
from inventory_sync.stock.models import CorrectionProposal, StockBalance, Warehouse
from skumap.models import Listing, ListingLink, Sku
from skumap.services import backdate_link, components_of, link_listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """
    What a link did since a moment.

    :ivar orders: order lines that it resolved; ``open_units`` of them block stock now, ``shipped_units`` have left.
    :ivar sent: quantities that were sent to the listing.
    :ivar oversold: codes of its physical SKUs that are short in all own warehouses now.
    """

    orders: int
    open_units: int
    shipped_units: int
    sent: int
    oversold: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What undoing a link did: order lines that block nothing any more and wait, and those that had left and stay booked."""

    waiting: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What putting a link right did: order lines whose block moved, and corrections that wait for a person."""

    moved: int
    proposed: int


def began_at(*, listing_id: int) -> datetime | None:
    """When the listing's present link began; None: it always was so, or there is none."""
    return (
        ListingLink.objects.filter(listing_id=listing_id, valid_to__isnull=True)
        .values_list("valid_from", flat=True)
        .first()
    )


def consequences(*, listing_id: int, since: datetime | None) -> Consequences:
    """What the listing's present link did since a moment (None: since it began)."""
    lines = _lines(listing_id, since)
    open_units = F("ordered") - F("shipped") - F("cancelled") - F("cancelled_kept")
    sums = lines.aggregate(open=Sum(open_units, default=0), shipped=Sum("shipped", default=0))
    attempts = PushAttempt.objects.filter(state__listing_id=listing_id, result="accepted")
    listing = Listing.objects.get(pk=listing_id)
    physical = components_of([listing.sku_id])[listing.sku_id] if listing.sku_id else {}
    short = (
        StockBalance.objects.filter(sku__in=physical, warehouse__kind=Warehouse.Kind.OWN)
        .values("sku__code")
        .annotate(left=Sum(F("on_hand") - F("committed")))
        .filter(left__lt=0)
    )
    return Consequences(
        orders=lines.count(),
        open_units=max(sums["open"], 0),
        shipped_units=sums["shipped"],
        sent=(attempts.filter(sent_at__gte=since) if since else attempts).count(),
        oversold=tuple(sorted(row["sku__code"] for row in short)),
    )


def correct_link(
    *,
    listing_id: int,
    sku_id: int,
    since: datetime,
    now: datetime,
    units_per_sale: int = 1,
    actor: Any = None,
    reason: str = "",
) -> Corrected:
    """
    The listing was ``sku_id`` already from ``since`` on. Safe to repeat: the second time there is nothing left to move.

    A line of which a part has left stays as it was booked; the part that left is in the proposals.

    :raises skumap.services.LinkError: ``since`` is before the present link began, or the pack size is below 1.
    """
    with transaction.atomic():
        listing = Listing.objects.select_for_update().get(pk=listing_id)
        touched = set(components_of([listing.sku_id])[listing.sku_id]) if listing.sku_id else set()
        if (listing.sku_id, listing.units_per_sale) == (sku_id, units_per_sale):
            if not backdate_link(listing_id=listing_id, since=since):
                return Corrected(moved=0, proposed=0)
        else:
            listing = link_listing(
                listing_id=listing_id,
                sku=Sku.objects.get(pk=sku_id),
                now=now,
                units_per_sale=units_per_sale,
                since=since,
                actor=actor,
                reason=reason,
            )
        right = {part: units * units_per_sale for part, units in components_of([sku_id])[sku_id].items()}
        touched |= set(right)
        context = AccountContext(listing.account)
        moved = 0
        wrong: dict[Place, int] = defaultdict(int)
        lines = _lines(listing_id, since).exclude(components={str(part): units for part, units in right.items()})
        for order_id in sorted(set(lines.values_list("order_id", flat=True))):
            order = Order.objects.select_for_update().get(pk=order_id)
            rows = list(OrderLine.objects.select_for_update().filter(order=order).order_by("id"))
            mine = [row for row in rows if row.listing_id == listing_id and row.components and not row.waiting]
            for row in [row for row in mine if row.shipped and row.warehouse_id is not None]:
                _note_what_left(row, right, wrong)
            unshipped = [row for row in mine if not row.shipped and row.open_units > 0]
            for row in unshipped:
                row.waiting, row.sku_id, row.components, row.warehouse_id = True, None, {}, None
            touched |= settle_lines(rules=context.rules, order=order, lines=rows, now=now, changed=unshipped)
            moved += len(unshipped)
        proposed = _propose(listing, wrong, since=since, now=now)
    decide_soon(touched)
    return Corrected(moved=moved, proposed=proposed)


def take_back_link(*, listing_id: int, now: datetime) -> TakenBack:
    """
    The last decision about a listing was a slip: it is no SKU, and never was the one that it was linked to. It waits for its review again.

    The link stays in the history as one that never held. Orders that it let block stock wait again; what has left stays as it was booked.
    """
    with transaction.atomic():
        listing = Listing.objects.select_for_update().get(pk=listing_id)
        wrong = ListingLink.objects.filter(listing=listing, valid_to__isnull=True).first()
        touched: set[int] = set()
        waiting, left = 0, 0
        if wrong is not None:
            touched = set(components_of([wrong.sku_id])[wrong.sku_id])
            began = wrong.valid_from
            wrong.valid_from = wrong.valid_to = began or now
            wrong.reason = f"{wrong.reason} (taken back)".strip()[:200]
            wrong.save(update_fields=["valid_from", "valid_to", "reason"])
            resolved = _lines(listing_id, began).filter(sku_id=wrong.sku_id)
            left = resolved.filter(shipped__gt=0).count()
            released, waiting = _let_wait(AccountContext(listing.account), resolved.filter(shipped=0), now=now)
            touched |= released
        listing.sku, listing.status, listing.other_goods = None, Listing.Status.AMBIGUOUS, False
        listing.save(update_fields=["sku", "status", "other_goods"])
    forget_doubts(listing_id=listing_id)
    decide_soon(touched)
    return TakenBack(waiting=waiting, left=left)


def _let_wait(context: AccountContext, lines: Any, *, now: datetime) -> tuple[set[int], int]:
    """Release what these lines block, order by order. :return: SKUs whose balance changed, and lines that wait now."""
    touched: set[int] = set()
    count = 0
    wanted = set(lines.values_list("id", flat=True))
    for order_id in sorted(set(lines.values_list("order_id", flat=True))):
        order = Order.objects.select_for_update().get(pk=order_id)
        rows = list(OrderLine.objects.select_for_update().filter(order=order).order_by("id"))
        mine = [row for row in rows if row.pk in wanted and not row.shipped]
        for row in mine:
            row.waiting, row.sku_id, row.components, row.warehouse_id = True, None, {}, None
        touched |= settle_lines(rules=context.rules, order=order, lines=rows, now=now, changed=mine)
        count += sum(row.waiting and row.open_units > 0 for row in mine)
    return touched, count


def _lines(listing_id: int, since: datetime | None) -> Any:
    """Lines that the link resolved: of our own stock, not waiting, ordered since."""
    rows = OrderLine.objects.filter(
        listing_id=listing_id, waiting=False, marketplace_fulfilled=False, order__test=False
    ).exclude(components={})
    return rows.filter(Q(order__placed_at__gte=since) | Q(order__placed_at__isnull=True)) if since else rows


def _note_what_left(line: OrderLine, right: dict[int, int], wrong: dict[Place, int]) -> None:
    """The wrong SKU did not leave, the right one did."""
    assert line.warehouse_id is not None
    left = line.shipped - line.returned
    for part, units in line.components.items():
        wrong[int(part), line.warehouse_id] += units * left
    for part, units in right.items():
        wrong[part, line.warehouse_id] -= units * left


def _propose(listing: Listing, wrong: dict[Place, int], *, since: datetime, now: datetime) -> int:
    rows = [
        CorrectionProposal(
            key=f"remap:{listing.pk}:{now.isoformat()}:{sku_id}:{warehouse_id}",
            sku_id=sku_id,
            warehouse_id=warehouse_id,
            units=units,
            reason=f"{listing} was linked wrongly since {since:%d %b %H:%M} UTC",
            created_at=now,
        )
        for (sku_id, warehouse_id), units in sorted(wrong.items())
        if units
    ]
    CorrectionProposal.objects.bulk_create(rows)
    return len(rows)
