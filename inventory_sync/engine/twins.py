"""
Listings of the same goods that nobody has linked and that show stock of their own.

A row that is raised beside such a listing sells the same shelf twice: the other one's sales take no stock of ours. So the row waits until its
twin is linked, shows nothing, or a person says that it sells other goods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from inventory_sync.alerts.models import Alert
from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.domain.snapshots import MARKETPLACE_HELD
from skumap.models import Listing

KIND = "twin_listing"

# The same seller SKU (or the SKU's own code) anywhere, the same barcode anywhere, the same FSN or ASIN on the same channel. A Shopify product id
# says nothing: its variants are other goods.
TWINS = """
WITH loose AS (
  SELECT t.id, lower(t.seller_sku) AS code, t.barcode, t.product_id, a.channel
    FROM skumap_listing t JOIN skumap_channelaccount a ON a.id = t.account_id
   WHERE t.sku_id IS NULL AND t.shows > 0 AND t.active AND t.vanished_at IS NULL AND NOT t.other_goods AND t.fulfilment <> ALL(%(held)s)
), ours AS (
  SELECT l.id, lower(l.seller_sku) AS code, lower(s.code) AS sku_code, l.barcode, s.barcode AS sku_barcode, l.product_id, a.channel
    FROM skumap_listing l JOIN skumap_sku s ON s.id = l.sku_id JOIN skumap_channelaccount a ON a.id = l.account_id
   WHERE l.id = ANY(%(listings)s)
)
SELECT o.id, t.id FROM ours o JOIN loose t ON t.code = o.code AND t.code <> ''
UNION SELECT o.id, t.id FROM ours o JOIN loose t ON t.code = o.sku_code
UNION SELECT o.id, t.id FROM ours o JOIN loose t ON t.barcode = o.barcode AND t.barcode <> ''
UNION SELECT o.id, t.id FROM ours o JOIN loose t ON t.barcode = o.sku_barcode AND t.barcode <> ''
UNION SELECT o.id, t.id FROM ours o JOIN loose t
          ON t.product_id = o.product_id AND t.channel = o.channel AND t.product_id <> '' AND t.channel <> 'shopify'
"""


def find_twins(*, listing_ids: Iterable[int]) -> dict[int, set[int]]:
    """Linked listing → its twins: unlinked or ignored listings of the same goods that showed stock when they were pulled last."""
    held = [kind.value for kind in MARKETPLACE_HELD]
    found: dict[int, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(TWINS, {"listings": list(listing_ids), "held": held})
        for listing_id, twin_id in cursor.fetchall():
            found[listing_id].add(twin_id)
    return dict(found)


def hold_back(*, listing_ids: Iterable[int], now: datetime) -> set[int]:
    """
    Which of these listings, all that could start now, must wait for a twin. Each twin is an alert for as long as a listing waits for it.
    """
    waiting = find_twins(listing_ids=listing_ids)
    holders: dict[int, set[int]] = defaultdict(set)
    for listing_id, twins in waiting.items():
        for twin_id in twins:
            holders[twin_id].add(listing_id)
    open_keys = set(Alert.objects.filter(kind=KIND, resolved_at__isnull=True).values_list("key", flat=True))
    for key in open_keys - {str(twin_id) for twin_id in holders}:
        resolve_alert(kind=KIND, key=key, now=now)
    new = [twin_id for twin_id in holders if str(twin_id) not in open_keys]
    for twin in Listing.objects.select_related("account").filter(pk__in=new).order_by("id"):
        held_up = Listing.objects.select_related("account", "sku").filter(pk__in=holders[twin.pk]).order_by("id")
        names = ", ".join(f"{each.account}: {each}" for each in held_up)
        raise_alert(
            kind=KIND,
            key=str(twin.pk),
            title=f"{twin.account}: {twin} shows {twin.shows} and is not linked, but looks like {held_up[0].sku}",
            detail=(
                f"Waiting for it: {names}. Its sales would take no stock, so these are not raised until it is linked to its SKU, shows 0 there, "
                "or you say that it sells other goods."
            ),
            account_id=twin.account_id,
            link=f"/admin/skumap/listing/{twin.pk}/change/",
            now=now,
        )
    return set(waiting)
