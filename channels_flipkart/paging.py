"""
Queries of the shipment filter, and the traps of paging through them. Pure.

The filter hides things by default (on hold, other service profiles, other shipment types), so every query names them all. Paging is by
offset: rows shift while one reads, and no query goes deeper than some 5,000 rows (contract, section 6.3).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from channels_flipkart.errors import CHANNEL
from channels_flipkart.settings import Settings
from channels_flipkart.values import Payload, moment, text
from inventory_sync.domain.errors import ContractError

PRE_DISPATCH = ("APPROVED", "PACKING_IN_PROGRESS", "PACKED", "FORM_FAILED", "READY_TO_DISPATCH")
POST_DISPATCH = ("PICKUP_COMPLETE", "SHIPPED", "DELIVERED")
CANCELLATIONS = ("sellerCancellation", "buyerCancellation", "marketplaceCancellation")
RETURN_SOURCES = ("customer_return", "courier_return")

_MODIFIED = "modifiedDate"
_CANCELLED_ON = "cancellationDate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentQuery:
    """
    One query of the filter, and everything its answers depend on.

    :ivar date_field: what ``start`` and ``end`` bound; the order of the rows is always by ``modifiedDate``.
    :ivar start: None: no date filter.
    """

    type: str
    states: tuple[str, ...]
    hold: bool | None = None
    cancellation_type: str = ""
    skus: tuple[str, ...] = ()
    date_field: str = _MODIFIED
    start: datetime | None = None
    end: datetime | None = None

    def body(self, *, page_size: int) -> dict[str, Any]:
        """The request body, all hiding defaults overridden."""
        chosen: dict[str, Any] = {
            "type": self.type,
            "states": list(self.states),
            "serviceProfiles": ["NON_FBF", "FBF", "FBF_LITE"],
            "shipmentTypes": ["NORMAL", "EXPRESS", "SELF"],
        }
        if self.hold is not None:
            chosen["hold"] = self.hold
        if self.cancellation_type:
            chosen["cancellationType"] = self.cancellation_type
        if self.skus:
            chosen["sku"] = list(self.skus)
        if self.start is not None and self.end is not None:
            chosen[self.date_field] = {"from": sent_time(self.start), "to": sent_time(self.end, up=True)}
        return {
            "filter": chosen,
            "pagination": {"pageSize": page_size},
            "sort": {"field": _MODIFIED, "order": "asc"},
        }


def orders_round(*, since: datetime | None, now: datetime, settings: Settings) -> list[ShipmentQuery]:
    """
    One round: open shipments off and on hold, those that left, and cancellations of all three kinds.

    :param since: ``complete_until`` of the last round; None for the first, which reads every open shipment, whatever its date.
    """
    changed_from = _earlier(since, settings.order_overlap_seconds)
    shipped_from = changed_from or _earlier(now, settings.first_round_seconds)
    cancelled_from = _earlier(since, settings.cancel_overlap_seconds) or _earlier(now, settings.first_round_seconds)
    return [
        *(replace(query, start=changed_from, end=now if changed_from else None) for query in open_shipments()),
        ShipmentQuery(type="postDispatch", states=POST_DISPATCH, start=shipped_from, end=now),
        *(
            ShipmentQuery(
                type="cancelled",
                states=("CANCELLED",),
                cancellation_type=kind,
                date_field=_CANCELLED_ON,
                start=cancelled_from,
                end=now,
            )
            for kind in CANCELLATIONS
        ),
    ]


def open_shipments(*, sku: str = "") -> list[ShipmentQuery]:
    """Every shipment that has not left, without a date: the daily sweep, and the search for a missed order."""
    return [
        ShipmentQuery(type="preDispatch", states=PRE_DISPATCH, hold=hold, skus=(sku,) if sku else ())
        for hold in (False, True)
    ]


def returns_query(*, source: str, since: datetime | None, now: datetime, settings: Settings) -> dict[str, str]:
    """Query fields of ``GET /v2/returns`` for one of the two sources."""
    start = _earlier(since, settings.returns_overlap_seconds) or now - timedelta(seconds=settings.first_returns_seconds)
    return {"source": source, "modifiedAfter": sent_time(start), "modifiedBefore": sent_time(now, up=True)}


def is_long(query: ShipmentQuery, *, settings: Settings) -> bool:
    """Too long for the next rounds' overlap to heal a row that slipped between two pages."""
    if query.start is None or query.end is None:
        return True
    overlap = settings.cancel_overlap_seconds if query.type == "cancelled" else settings.order_overlap_seconds
    return query.end - query.start > timedelta(seconds=2 * overlap + settings.index_delay_seconds)


def narrowed(
    query: ShipmentQuery, *, last_page: Sequence[Payload], now: datetime, overlap_seconds: float
) -> list[ShipmentQuery]:
    """
    Queries that go on where this one became too deep.

    Rows come by ``modifiedDate``, so a query over that date starts again a little before the last row; one over another date is halved.

    :raises ContractError: it can't be made narrower.
    """
    end = query.end or now
    if query.date_field != _MODIFIED and query.start is not None:
        middle = query.start + (end - query.start) / 2
        if end - query.start < timedelta(seconds=2):
            raise ContractError("too many shipments in two seconds to page through", channel=CHANNEL)
        return [replace(query, end=middle), replace(query, start=middle, end=end)]
    seen = [at for at in (moment(payload.get("updatedAt")) for payload in last_page) if at]
    for back in (overlap_seconds, 1):
        start = max(seen) - timedelta(seconds=back) if seen else end
        if start < end and (query.start is None or start > query.start):
            return [replace(query, start=start, end=end)]
    raise ContractError("too many shipments with one modification time to page through", channel=CHANNEL)


def next_path(url: str, *, base_url: str, rest_prefix: str, version: str = "") -> str:
    """
    The path below ``base_url`` of a next-page URL.

    Shipments come as ``/v3/…`` without the prefix, returns as ``/returns/…`` without prefix and version; both are also understood complete,
    and absolute on our own host.

    :raises ContractError: the URL leads to another host: our token would go there.
    """
    base = urlsplit(base_url)
    try:
        parts = urlsplit(url)
        foreign = bool(parts.scheme or parts.netloc) and _origin(url) != _origin(base_url)
    except ValueError:
        foreign = True
    if foreign or "@" in parts.netloc or any(character <= " " or character == "\\" for character in url):
        raise ContractError("the next page is not on Flipkart's own host", channel=CHANNEL)
    path = "/" + parts.path.lstrip("/")
    if ".." in path.split("/"):
        raise ContractError("the next page's address can't be used", channel=CHANNEL)
    if base.path.strip("/") and path.startswith(f"{base.path.rstrip('/')}/"):
        path = path.removeprefix(base.path.rstrip("/"))
    if not (rest_prefix and path.startswith(f"{rest_prefix}/")):
        if version and not path.startswith(f"{version}/"):
            path = f"{version}{path}"
        path = f"{rest_prefix}{path}"
    return f"{path}?{parts.query}" if parts.query else path


def seller_in(cursor: str) -> str:
    """
    The seller id inside a page cursor, "" if there is none to be found.

    ``next_token`` is base64 of a JSON object with ``sellerId`` (observed, contract section 6.3): no call says who the seller is.
    """
    try:
        token = parse_qs(urlsplit(cursor).query).get("next_token", [""])[0].replace(" ", "+")
        inner = json.loads(base64.b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return ""
    return text(inner.get("sellerId")) if isinstance(inner, dict) else ""


def sent_time(at: datetime, *, up: bool = False) -> str:
    """``2026-01-01T00:00:00Z``: whole seconds, rounded down, or up for the end of a window."""
    if up and at.microsecond:
        at += timedelta(seconds=1)
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _earlier(at: datetime | None, seconds: float) -> datetime | None:
    return None if at is None else at - timedelta(seconds=seconds)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)
