"""
Orders: Shopify's two spellings (GraphQL objects, REST-shaped webhooks) as one snapshot. Pure.

What became of a line is worked out from four numbers and the refund lines, because no field says it directly:

    ordered  = open + shipped + cancelled + kept
    removed  = ordered - current quantity = everything refunded or edited away
    edited   = removed - refunded: taken off the line without a refund line; it was not shipped
    the rest = ordered - open - refunded as "cancel" - edited = shipped, or refunded as "no_restock" before it was shipped

How much of the rest was shipped is said by the fulfilments (webhook), or by the order's status and its fulfilment orders (GraphQL).
Sources: contract sections 4, 6 and 9.3; LineItem and RefundLineItem of the 2026-10 schema.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from channels_shopify.values import as_map, digits, flag, maps, moment, money, next_cursor, nodes, whole
from inventory_sync.domain.snapshots import LineSnapshot, ListingIds, OrderSnapshot, Source

REFUNDS_ASKED = 20
REFUND_LINES_ASKED = 50
NOTHING_SHIPPED = frozenset({"UNFULFILLED", "OPEN", "ON_HOLD", "SCHEDULED", "RESTOCKED", "REQUEST_DECLINED"})
FAILED_FULFILMENTS = frozenset({"cancelled", "error", "failure"})


@dataclass(slots=True)
class Refunded:
    """Units of one line by restock type; ``put_back`` of each the part that Shopify put on sale again."""

    units: Counter[str] = field(default_factory=Counter)
    put_back: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCounts:
    """Cumulative counts of a line, as in :class:`LineSnapshot`. ``certain`` False: the source leaves a choice, read the order by id."""

    cancelled: int
    cancelled_kept: int
    cancel_restocked: int
    shipped: int
    returned: int
    returned_restocked: int
    certain: bool = True


def count_line(
    *,
    ordered: int,
    current: int | None,
    still_open: int | None,
    refunded: Refunded,
    shipped_at_most: int | None,
    order_cancelled: bool,
    refunds_complete: bool = True,
) -> LineCounts:
    """
    Work out what became of a line.

    Units taken off a live order without a refund line (an order edit) are free again, and counted as put back on sale, which is the careful
    guess. Of a cancelled order, or when not all refunds are known, such units stay out: nobody said that they may be sold again.

    :param current: quantity less everything refunded or removed; None if not said.
    :param still_open: units still to ship; None if not said.
    :param shipped_at_most: what fulfilments say; None if they say nothing.
    """
    units = refunded.units
    cancel, sent_back, kept_back, legacy = (
        units[name] for name in ("cancel", "return", "no_restock", "legacy_restock")
    )
    cancel = min(cancel, ordered)
    current = min(max(current, 0), ordered) if current is not None else None
    all_refunded = cancel + sent_back + kept_back + legacy
    removed = max(ordered - current, 0) if current is not None else min(all_refunded, ordered)
    edited = max(removed - all_refunded, 0)
    if still_open is None:
        left = max(ordered - removed - max((shipped_at_most or 0) - sent_back - legacy, 0), 0)
        still_open = 0 if order_cancelled else left
    if current is not None:
        still_open = min(still_open, current)
    still_open = min(max(still_open, 0), ordered)
    rest = max(ordered - still_open - cancel - edited, 0)
    least, most = max(rest - kept_back - legacy, min(sent_back, rest)), rest
    shipped = min(max(shipped_at_most, least), most) if shipped_at_most is not None else most
    unshipped = rest - shipped
    kept = min(unshipped, kept_back)
    legacy_unshipped = unshipped - kept
    free_edited = edited if refunds_complete and not order_cancelled else 0
    consistent = still_open + cancel + edited + rest == ordered
    return LineCounts(
        cancelled=cancel + free_edited + legacy_unshipped,
        cancelled_kept=kept + edited - free_edited,
        cancel_restocked=refunded.put_back["cancel"] + free_edited + legacy_unshipped,
        shipped=shipped,
        returned=min(sent_back + legacy - legacy_unshipped, shipped),
        returned_restocked=min(refunded.put_back["return"] + legacy - legacy_unshipped, shipped),
        certain=consistent and refunds_complete and (least == most or shipped_at_most is not None),
    )


# --- GraphQL ----------------------------------------------------------------------------------------------------------------


def order_from_graph(
    node: Mapping[str, Any], *, source: Source, request_started_at: datetime, confirm_open: bool = False
) -> OrderSnapshot:
    """
    An ``Order`` of a page (no locations) or read by id (with ``fulfillmentOrders``).

    :param confirm_open: orders with units to ship are to be read by id, for their locations.
    :raises ContractError: a time that is none.
    """
    refunds = nodes(node.get("refunds"))
    truncated = len(refunds) >= REFUNDS_ASKED
    refunded: dict[str, Refunded] = defaultdict(Refunded)
    for refund in refunds:
        rows = nodes(refund.get("refundLineItems"))
        truncated = truncated or len(rows) >= REFUND_LINES_ASKED
        for each in rows:
            _add_refund(
                refunded,
                digits(as_map(each.get("lineItem")).get("id")),
                each,
                each.get("restockType"),
                each.get("restocked"),
            )
    plan = _Plan.of(node.get("fulfillmentOrders"))
    status = str(node.get("displayFulfillmentStatus") or "")
    cancelled_at = moment(node.get("cancelledAt"))
    lines, certain = [], True
    for item in nodes(node.get("lineItems")):
        key = digits(item.get("id"))
        counts = count_line(
            ordered=whole(item.get("quantity")) or 0,
            current=whole(item.get("currentQuantity")),
            still_open=whole(item.get("unfulfilledQuantity")),
            refunded=refunded[key],
            shipped_at_most=0 if status in NOTHING_SHIPPED else plan.shipped_at_most(key),
            order_cancelled=cancelled_at is not None,
            refunds_complete=not truncated,
        )
        certain = certain and counts.certain
        variant = as_map(item.get("variant"))
        ids = ListingIds(
            key=digits(variant.get("id")),
            seller_sku=str(item.get("sku") or ""),
            listing_ref=digits(as_map(variant.get("inventoryItem")).get("id")),
        )
        lines.append(
            _line(key, ids, item, counts, title=str(item.get("name") or ""), location=plan.location(key), status=status)
        )
    open_units = any(line.ordered > _settled(line) for line in lines)
    whole_order = not next_cursor(node.get("lineItems"))
    return OrderSnapshot(
        key=digits(node.get("id")) or digits(node.get("legacyResourceId")),
        order_number=str(node.get("name") or ""),
        source=source,
        updated_at=moment(node.get("updatedAt")),
        request_started_at=request_started_at,
        placed_at=moment(node.get("createdAt") or node.get("processedAt")),
        lines=tuple(lines),
        complete=whole_order,
        confirm=source is not Source.READ and (not whole_order or not certain or (confirm_open and open_units)),
        test=flag(node.get("test")),
        on_hold=True if status == "ON_HOLD" or plan.on_hold else (False if plan.known else None),
        status="cancelled" if cancelled_at else status,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What an order's fulfilment orders say of its lines."""

    known: bool
    places: Mapping[str, Counter[str]]
    finished: Counter[str]
    on_hold: bool

    @classmethod
    def of(cls, connection: Any) -> _Plan:
        places: dict[str, Counter[str]] = defaultdict(Counter)
        finished: Counter[str] = Counter()
        on_hold = False
        for each in nodes(connection):
            status = str(each.get("status") or "").upper()
            if status == "CANCELLED":
                continue
            on_hold = on_hold or status == "ON_HOLD"
            place = digits(as_map(as_map(each.get("assignedLocation")).get("location")).get("id"))
            for item in nodes(each.get("lineItems")):
                key = digits(as_map(item.get("lineItem")).get("id"))
                remaining, total = whole(item.get("remainingQuantity")) or 0, whole(item.get("totalQuantity")) or 0
                finished[key] += max(total - remaining, 0)
                if place:
                    # A place with units still to ship counts before one that is done.
                    places[key][place] += remaining * 1_000_000 + total
        return cls(known=connection is not None, places=places, finished=finished, on_hold=on_hold)

    def shipped_at_most(self, line_key: str) -> int | None:
        return self.finished[line_key] if self.known else None

    def location(self, line_key: str) -> str | None:
        """Where most of the line ships from; None when not said."""
        places = self.places.get(line_key)
        return max(sorted(places), key=lambda place: places[place]) if places else None


# --- webhooks -----------------------------------------------------------------------------------------------------------------


def order_from_webhook(payload: Mapping[str, Any], *, received_at: datetime) -> OrderSnapshot:
    """
    An order webhook's payload. It names no location; its refunds and fulfilments are all there.

    :raises ContractError: a time that is none.
    """
    refunded: dict[str, Refunded] = defaultdict(Refunded)
    for refund in maps(payload.get("refunds")):
        for each in maps(refund.get("refund_line_items")):
            key = digits(each.get("line_item_id")) or digits(as_map(each.get("line_item")).get("id"))
            _add_refund(refunded, key, each, each.get("restock_type"), None)
    fulfilments = payload.get("fulfillments")
    shipped: Counter[str] = Counter()
    for fulfilment in maps(fulfilments):
        if str(fulfilment.get("status") or "").lower() not in FAILED_FULFILMENTS:
            for item in maps(fulfilment.get("line_items")):
                shipped[digits(item.get("id"))] += whole(item.get("quantity")) or 0
    cancelled_at = moment(payload.get("cancelled_at"))
    status = str(payload.get("fulfillment_status") or "")
    lines, certain = [], True
    for item in maps(payload.get("line_items")):
        key = digits(item.get("id")) or digits(item.get("admin_graphql_api_id"))
        counts = count_line(
            ordered=whole(item.get("quantity")) or 0,
            current=whole(item.get("current_quantity")),
            still_open=whole(item.get("fulfillable_quantity")),
            refunded=refunded[key],
            shipped_at_most=shipped[key] if isinstance(fulfilments, list) else None,
            order_cancelled=cancelled_at is not None,
        )
        certain = certain and counts.certain
        ids = ListingIds(
            key=digits(item.get("variant_id")),
            seller_sku=str(item.get("sku") or ""),
            product_id=digits(item.get("product_id")),
        )
        title = str(item.get("name") or item.get("title") or "")
        lines.append(_line(key, ids, item, counts, title=title, location=None, status=status))
    return OrderSnapshot(
        key=digits(payload.get("id")) or digits(payload.get("admin_graphql_api_id")),
        order_number=str(payload.get("name") or payload.get("order_number") or ""),
        source=Source.WEBHOOK,
        updated_at=moment(payload.get("updated_at")),
        request_started_at=received_at,
        placed_at=moment(payload.get("created_at") or payload.get("processed_at")),
        lines=tuple(lines),
        complete=bool(lines),
        confirm=not certain,
        test=flag(payload.get("test")),
        status="cancelled" if cancelled_at else status,
    )


# --- shared -----------------------------------------------------------------------------------------------------------------


def merge_lines(pages: Sequence[OrderSnapshot]) -> OrderSnapshot:
    """One snapshot from an order that was read in several pages of lines; complete if the last page was the last."""
    first, last = pages[0], pages[-1]
    if len(pages) == 1:
        return first
    lines = {line.line_key: line for page in pages for line in page.lines}
    return OrderSnapshot(
        key=first.key,
        order_number=first.order_number,
        source=first.source,
        updated_at=first.updated_at,
        request_started_at=first.request_started_at,
        placed_at=first.placed_at,
        lines=tuple(lines.values()),
        complete=last.complete,
        confirm=first.confirm,
        test=first.test,
        on_hold=first.on_hold,
        status=first.status,
    )


def _add_refund(
    refunded: dict[str, Refunded], key: str, row: Mapping[str, Any], restock_type: Any, restocked: Any
) -> None:
    """Count one refund line. One order line may appear several times in a refund, with different restock types."""
    kind, units = str(restock_type or "no_restock").lower(), max(whole(row.get("quantity")) or 0, 0)
    if kind not in ("cancel", "return", "no_restock", "legacy_restock"):
        kind = "no_restock"  # an unknown kind frees nothing; the unknown word is in the stored payload
    refunded[key].units[kind] += units
    if kind in ("cancel", "return") and restocked is not False:
        refunded[key].put_back[kind] += units


def _line(
    key: str,
    ids: ListingIds,
    item: Mapping[str, Any],
    counts: LineCounts,
    *,
    title: str,
    location: str | None,
    status: str,
) -> LineSnapshot:
    return LineSnapshot(
        line_key=key,
        listing=ids,
        ordered=whole(item.get("quantity")) or 0,
        cancelled=counts.cancelled,
        cancelled_kept=counts.cancelled_kept,
        cancel_restocked=counts.cancel_restocked,
        shipped=counts.shipped,
        returned=counts.returned,
        returned_restocked=counts.returned_restocked,
        location_id=location,
        marketplace_fulfilled=False,
        status=str(item.get("fulfillment_status") or status),
        title=title,
        price=money(item.get("price")),
    )


def _settled(line: LineSnapshot) -> int:
    return (line.cancelled or 0) + (line.cancelled_kept or 0) + (line.shipped or 0)
