"""
Rates of tax change at midnight in India: look at what that means for listings whose tax code a channel holds.

A rate row has a first and a last day. The check looks back some days and may run as often as it likes, so a night without a worker loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db.models import Q

from inventory_sync.alerts.models import Alert
from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.engine.offer_facts import made_on
from skumap.compliance import supply_date
from skumap.judging import judge
from skumap.models import Listing
from skumap.reference import rates

KIND = "tax_code_differs"
LOOK_BACK = timedelta(days=7)
_TRANSITION = re.compile(r"GST_Old_(\d+)_New_(\d+)")


def check_rates(*, now: datetime) -> int:
    """
    Judge again every linked listing whose goods have another rate since today (or since a few days), and those that have an alert.

    A listing whose tax code on the channel is no longer the right one is an alert until it is; one whose code is not known is passed over.

    :return: listings judged.
    """
    today = supply_date(now)
    prefixes = changed_prefixes(since=today - LOOK_BACK, until=today)
    open_keys = set(Alert.objects.filter(kind=KIND, resolved_at__isnull=True).values_list("key", flat=True))
    known = {int(key) for key in open_keys if key.isdigit()}
    wanted = Q(pk__in=known) | _with_prefix(prefixes)
    rows = Listing.objects.filter(wanted, status=Listing.Status.MAPPED, vanished_at__isnull=True)
    judged = 0
    for each in judge(rows.exclude(account__channel="shopify").order_by("id"), now=now, made_on=made_on):
        judged += 1
        open_keys.discard(str(each.listing.pk))
        said, right = each.listing.attributes.get("tax_code") or "", each.report.tax_code
        if not said or right is None or means(said, right):
            resolve_alert(kind=KIND, key=str(each.listing.pk), now=now)
            continue
        raise_alert(
            kind=KIND,
            key=str(each.listing.pk),
            title=f"{each.listing.account}: {each.listing} says {said}, its tax code is {right} now",
            detail=f"The GST rate is {each.report.rate} %. Prepare a listing change to put it right.",
            severity="critical",
            account_id=each.listing.account_id,
            link=_repair(each.listing),
            now=now,
        )
    for key in open_keys:  # no longer linked, or gone
        resolve_alert(kind=KIND, key=key, now=now)
    return judged


def changed_prefixes(*, since: date, until: date) -> set[str]:
    """HSN prefixes with a rate that began, or ended the day before, in these days."""
    return {
        row.hsn_prefix
        for row in rates().rows
        if since <= row.valid_from <= until
        or (row.valid_to is not None and since <= row.valid_to + timedelta(days=1) <= until)
    }


def means(said: str, right: str) -> bool:
    """Whether a code that a channel holds is the right one; one for the day of a change (GST_Old_5_New_18) means its new rate."""
    transition = _TRANSITION.fullmatch(said)
    return said.upper() == right.upper() or (transition is not None and f"GST_{transition[2]}" == right)


def _with_prefix(prefixes: Iterable[str]) -> Q:
    """Listings whose HSN begins with one of these: the SKU's, its profile's, or its category's."""
    clause = Q(pk__in=[])
    for prefix in sorted(prefixes):
        clause |= Q(sku__hsn__startswith=prefix)
        blank = Q(sku__hsn="")
        clause |= blank & Q(sku__profile__hsn__startswith=prefix)
        clause |= blank & Q(sku__category__hsn__startswith=prefix)
    return clause


def _repair(listing: Listing) -> str:
    """Where to put it right: on Flipkart an update sends the code; elsewhere the listing's own page says what stands there."""
    if listing.account.channel != "flipkart":
        return f"/admin/skumap/listing/{listing.pk}/change/"
    return f"/admin/engine/listingchange/prepare/?sku={listing.sku_id}&account={listing.account_id}&what=update"
