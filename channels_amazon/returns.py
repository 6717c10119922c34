"""Rows of GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE -> returns. Pure. Contract, section 14."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from channels_amazon.values import count
from inventory_sync.domain.snapshots import OrderSnapshot, ReturnSnapshot, ReturnState, Source

logger = logging.getLogger(__name__)

# Words of "Return request status" after which no goods come.
_CALLED_OFF = ("cancel", "denied", "declin", "reject", "closed without")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesBySku:
    """The merchant-fulfilled lines of an order: order item ids by seller SKU, and by ASIN for lines without one."""

    by_sku: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_asin: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NO_LINES = LinesBySku()


def lines_by_sku(order: OrderSnapshot) -> LinesBySku:
    by_sku: dict[str, tuple[str, ...]] = {}
    by_asin: dict[str, tuple[str, ...]] = {}
    for line in order.lines:
        if line.marketplace_fulfilled:
            continue
        if line.listing.key:
            by_sku[line.listing.key] = (*by_sku.get(line.listing.key, ()), line.line_key)
        if line.listing.product_id:
            by_asin[line.listing.product_id] = (*by_asin.get(line.listing.product_id, ()), line.line_key)
    return LinesBySku(by_sku=by_sku, by_asin=by_asin)


def read_return_rows(
    rows: Iterable[Mapping[str, str]], *, lines: Mapping[str, LinesBySku], as_of: datetime
) -> list[ReturnSnapshot]:
    """
    One return for each row, by header name in lower case with blanks.

    Goods are back when a return delivery date stands there. Key of a return: order id, RMA id, SKU (contract, section 14.2).

    :param lines: by order id; a return whose line is not among them (or not the only one) comes without ``line_key``.
    :param as_of: when the report was asked for: a later report says newer things of the same return.
    """
    returns = []
    for row in rows:
        order_id = _value(row, "order id")
        sku = row.get("merchant sku") or row.get("seller sku") or ""
        asin = _value(row, "asin")
        units = count(row.get("return quantity"))
        if not order_id or units is None or not (sku or asin):
            logger.warning("amazon: a row of the returns report lacks order, SKU or quantity")
            continue
        known = lines.get(order_id, NO_LINES)
        matches = known.by_sku.get(sku, ()) or known.by_asin.get(asin, ())
        line_key = matches[0] if len(matches) == 1 else ""
        rma = _value(row, "amazon rma id") or _value(row, "merchant rma id")
        status = _value(row, "return request status")
        returns.append(
            ReturnSnapshot(
                return_id=":".join((order_id, rma, sku or asin)),
                line_key=line_key,
                order_ref=order_id,
                line_ref=line_key,
                units=units,
                state=_state(delivered=_value(row, "return delivery date"), status=status),
                courier_return=False,
                updated_at=as_of,
                source=Source.POLL,
                status=status,
                tracking_id=_value(row, "tracking id"),
            )
        )
    return returns


def _state(*, delivered: str, status: str) -> ReturnState:
    if delivered:
        return ReturnState.ARRIVED
    if any(word in status.lower() for word in _CALLED_OFF):
        return ReturnState.CALLED_OFF
    return ReturnState.EXPECTED


def _value(row: Mapping[str, str], name: str) -> str:
    return (row.get(name) or "").strip()
