"""
Every link is doubted anew each night, as if it were new: a wrong FSN sends every update to the wrong product, and nobody sees it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from inventory_sync.alerts.models import Alert
from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.engine.matching import evidence_rows, goods_records, offer_record
from skumap.matching import Audited, audit_links
from skumap.models import LinkAudit, Listing

CHUNK = 500
_JUDGED = ("sku", "score", "doubtful", "reasons", "evidence", "better", "facts", "audited_at")


def audit_all(*, now: datetime) -> int:
    """
    Doubt every link. One that fell below the limit since the last audit is an alert; what a person has looked at and found right stays
    right until the listing, the SKU or the reasons change.

    :return: links that a person should look at.
    """
    rows = {
        row.pk: row
        for row in Listing.objects.filter(sku__isnull=False, vanished_at__isnull=True).select_related("account")
    }
    known = {row.listing_id: row for row in LinkAudit.objects.all()}
    judged = audit_links(
        goods=goods_records(),
        offers=[offer_record(row) for row in rows.values()],
        links={row.pk: row.sku_id for row in rows.values() if row.sku_id is not None},
    )
    alerts = Alert.objects.filter(kind="link_doubtful", resolved_at__isnull=True)
    alerted = set(alerts.values_list("key", flat=True))
    doubtful = 0
    fresh: list[LinkAudit] = []
    again: list[LinkAudit] = []
    for verdict in judged:
        listing = rows[int(verdict.offer_id)]
        before = known.get(listing.pk)
        row = before or LinkAudit(listing=listing)
        fell = before is not None and before.sku_id == listing.sku_id and not before.doubtful
        _take_in(row, listing, verdict, now=now)
        if row.open:
            doubtful += 1
            if fell:
                _alert(row, listing, now=now)
        elif str(listing.pk) in alerted:
            resolve_alert(kind="link_doubtful", key=str(listing.pk), now=now)
        (again if before else fresh).append(row)
    LinkAudit.objects.bulk_create(fresh, batch_size=CHUNK)
    LinkAudit.objects.bulk_update(again, _JUDGED, batch_size=CHUNK)
    LinkAudit.objects.exclude(listing__in=rows).delete()
    _alert_total(doubtful, now=now)
    return doubtful


def _take_in(row: LinkAudit, listing: Listing, verdict: Audited, *, now: datetime) -> None:
    row.sku_id = int(verdict.goods_id)
    row.score = verdict.score
    row.doubtful = verdict.doubtful
    row.reasons = [reason.message for reason in verdict.reasons]
    row.evidence = evidence_rows(verdict.pair)
    row.better_id = None if verdict.better is None else int(verdict.better)
    row.facts = _facts(listing, [reason.code for reason in verdict.reasons])
    row.audited_at = now


def _facts(listing: Listing, reasons: Iterable[str]) -> str:
    """A fingerprint of what a person judged."""
    told = [listing.sku_id, listing.units_per_sale, listing.product_id, listing.barcode, listing.title, sorted(reasons)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def accept_link(*, listing_id: int, now: datetime, actor: object) -> LinkAudit:
    """A person has looked: the link is right, as it is now. :raises LinkAudit.DoesNotExist: it has not been audited."""
    with transaction.atomic():
        row = LinkAudit.objects.select_for_update().get(listing_id=listing_id)
        row.accepted_at, row.accepted_by, row.accepted_facts = now, actor, row.facts  # type: ignore[assignment]
        row.save(update_fields=["accepted_at", "accepted_by", "accepted_facts"])
    for kind in ("link_doubtful", "product_changed"):
        resolve_alert(kind=kind, key=str(listing_id), now=now)
    return row


def _alert(row: LinkAudit, listing: Listing, *, now: datetime) -> None:
    raise_alert(
        kind="link_doubtful",
        key=str(listing.pk),
        title=f"{listing.account}: {listing} may be linked to the wrong SKU",
        detail=" ".join(row.reasons) or "The two look less alike than before.",
        account_id=listing.account_id,
        link=f"/admin/skumap/linkaudit/?q={listing.key}",
        now=now,
    )


def _alert_total(doubtful: int, *, now: datetime) -> None:
    if not doubtful:
        resolve_alert(kind="links_doubtful", key="audit", now=now)
        return
    raise_alert(
        kind="links_doubtful",
        key="audit",
        title=f"{doubtful} link{'' if doubtful == 1 else 's'} should be looked at",
        detail="Title, size, colour, pack, barcode or price of listing and SKU don't go together.",
        link="/admin/skumap/linkaudit/",
        now=now,
    )
