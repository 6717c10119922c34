"""Numbers, times and codes as staff read them."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inventory_sync.domain.ledger import MovementKind
from inventory_sync.domain.snapshots import Fulfilment, Hazard
from inventory_sync.engine.catalogue import HAZARD_WORDS

NOTHING = "—"

MOVEMENT_WORDS = {
    MovementKind.RECEIVE: "Goods in (GRN)",
    MovementKind.ADJUST: "Correction",
    MovementKind.COUNT: "Cycle count",
    MovementKind.TRANSFER: "Transfer",
    MovementKind.QUARANTINE: "To QC pending",
    MovementKind.RESTOCK: "Back on sale",
    MovementKind.WRITE_OFF: "Bad stock",
    MovementKind.SALE: "Offline sale",
    MovementKind.COMMIT: "Blocked for an order",
    MovementKind.RELEASE: "No longer blocked",
    MovementKind.CONSUME: "Shipped",
    MovementKind.RETURN: "Came back",
}

FULFILMENT_WORDS = {
    Fulfilment.NON_FBF: "Seller ships",
    Fulfilment.FBF_LITE: "FBF Lite",
    Fulfilment.FBF: "FBF (Flipkart ships)",
    Fulfilment.FBF_AND_NON_FBF: "FBF and seller ships",
    Fulfilment.FBF_AND_FBF_LITE: "FBF and FBF Lite",
    Fulfilment.FBA: "FBA (Amazon ships)",
    Fulfilment.MFN: "Seller ships",
    Fulfilment.EASY_SHIP: "Easy Ship",
    Fulfilment.SELF_SHIP: "Self ship",
    Fulfilment.SHOPIFY: "Seller ships",
    Fulfilment.UNKNOWN: "Not known yet",
}

STREAM_WORDS = {
    "orders": "Orders",
    "sweep": "Orders, all of them once a day",
    "returns": "Returns",
    "fba": "FBA stock",
    "listings": "Listings",
    "reconcile": "Quantities shown there",
}


def clock(moment: datetime | None, *, now: datetime | None = None) -> str:
    """``12:03`` today, ``7 Oct, 12:03`` on other days, in the time of the staff; a dash for never."""
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    today = timezone.localtime(now or timezone.now())
    if local.date() == today.date():
        return f"{local:%H:%M}"
    day = f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"
    return f"{day}, {local:%H:%M}"


def stamp(moment: datetime | None) -> str | SafeString:
    """The same with the full time as a tooltip, for lists."""
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    return format_html(
        '<span class="whitespace-nowrap" title="{}">{}</span>', f"{local:%d %b %Y, %H:%M:%S}", clock(moment)
    )


def quantity(value: int | None, at: datetime | None) -> str | SafeString:
    """``29 (12:03)``; a dash for nothing."""
    if value is None:
        return NOTHING
    return format_html('<span class="whitespace-nowrap">{} ({})</span>', value, clock(at)) if at else str(value)


def sellable(units: int) -> int | SafeString:
    """Sellable units; what is missing stands out."""
    if units >= 0:
        return units
    return format_html('<span class="isync-bad font-semibold whitespace-nowrap">−{} (oversold)</span>', -units)


def duration(seconds: float | None) -> str:
    """``8 s``, ``3 min``, ``2 h 5 min``, ``3 days``; a dash when nothing was measured."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s" if 0 < seconds < 9.95 and seconds % 1 else f"{seconds:.0f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} days"


def since(moment: datetime | None, *, now: datetime) -> str:
    """How long ago."""
    return NOTHING if moment is None else duration(max(round((now - moment).total_seconds()), 0))


def count(number: int, one: str, many: str = "") -> str:
    """``1 listing``, ``2 listings``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def signed(number: int) -> str:
    """``+5``, ``−5``, and nothing for 0."""
    return "" if number == 0 else f"{'+' if number > 0 else '−'}{abs(number)}"


def fulfilment_words(value: str) -> str:
    return FULFILMENT_WORDS.get(Fulfilment(value), value) if value in set(Fulfilment) else value


def hazard_words(value: str) -> str:
    """What is wrong with a listing, to follow its name: "goes on selling when it is out of stock"."""
    return HAZARD_WORDS.get(Hazard(value), value) if value in set(Hazard) else value


def movement_words(value: str) -> str:
    return MOVEMENT_WORDS.get(MovementKind(value), value) if value in set(MovementKind) else value


def stream_words(value: str) -> str:
    return STREAM_WORDS.get(value, value.replace("_", " ").capitalize())
