"""
Taking stock away on purpose: a transfer to another warehouse, a sale outside the channels.

What listings offer is promised already. So it is asked first whether so many units are free; if not, they are set aside, the listings are lowered,
and the stock is taken once nobody can buy it any more. Somebody who can't wait takes it all the same, and an alert says so until the listings have
followed. Facts (a count, damage, a correction) are not asked for: they have happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction

from inventory_sync.alerts.models import Alert
from inventory_sync.alerts.services import raise_alert, resolve_alert
from inventory_sync.domain.guard import over_granted
from inventory_sync.domain.rights import allowance
from inventory_sync.engine.decide import groups_of
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.pool import Pool, load_pool
from inventory_sync.stock import services
from inventory_sync.stock.ledger import retrying
from inventory_sync.stock.models import StockMovement, TransferProposal, Withdrawal
from inventory_sync.stock.services import Change, StockError
from skumap.models import ChannelAccount

LONG = timedelta(minutes=30)
FORCED = "taken_by_force"
WAITS = "set_aside_waits"


class WhenShort(StrEnum):
    """What to do with units that listings still offer: refuse and say so, set them aside and take them later, or take them at once."""

    ASK = "ask"
    WAIT = "wait"
    FORCE = "force"


class NotFreeError(StockError):
    """Listings still offer some of the units."""

    def __init__(self, *, free: int, asked: int) -> None:
        self.free, self.asked = free, asked
        super().__init__(
            f"only {free} of {asked} are free: listings still offer the others. Take fewer, let them be set aside until the listings are "
            "lowered, or take them at once and risk cancelled orders"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of it. ``waiting``: set aside, and taken by itself later; ``forced``: taken although listings still offered it."""

    touched: tuple[int, ...] = ()
    waiting: bool = False
    forced: bool = False


@retrying
def take_out(
    *,
    change: Change,
    kind: str,
    units: int,
    now: datetime,
    to_warehouse_id: int | None = None,
    when_short: WhenShort = WhenShort.ASK,
) -> Taken:
    """
    Take units out of an own warehouse, if no listing offers them any more. The same key again changes nothing.

    The caller lets the quantities follow (``decide_soon`` of the SKU).

    :param kind: of :class:`~inventory_sync.stock.models.Withdrawal`.
    :raises NotFreeError: some are on offer, and ``when_short`` is ``ASK``.
    :raises StockError: they do not stand there, or the key was used for something else.
    """
    wanted = Withdrawal(
        key=change.key,
        kind=kind,
        sku_id=change.sku_id,
        warehouse_id=change.warehouse_id,
        to_warehouse_id=to_warehouse_id,
        units=units,
        reason=change.reason,
        occurred_at=change.at,
        asked_at=now,
        asked_by_id=change.actor_id,
    )
    with transaction.atomic():
        earlier = Withdrawal.objects.filter(key=change.key).first()
        if earlier is not None:
            return _again(earlier, wanted)
        if StockMovement.objects.filter(key__in=_movement_keys(wanted)).exists():
            return Taken(touched=tuple(_take(wanted, at=change.at)))  # a repeat, or a conflict that is named
        if to_warehouse_id == change.warehouse_id:
            raise StockError("source and target are the same warehouse")
        services.require_standing(wanted.sku_id, wanted.warehouse_id, units=units)
        free = _free(load_pool(sku_ids=[change.sku_id], now=now, lock="all"), wanted, now=now)
        if free >= units or when_short is WhenShort.FORCE:
            taken = Taken(touched=tuple(_take(wanted, at=change.at)), forced=free < units)
        elif when_short is WhenShort.ASK:
            raise NotFreeError(free=free, asked=units)
        else:
            wanted.save()
            return Taken(touched=(wanted.sku_id,), waiting=True)
    if taken.forced:
        raise_alert(
            kind=FORCED,
            key=str(wanted.sku_id),
            title=f"{wanted}: {units - free} units were taken while listings still offered them",
            detail="The listings are being lowered. Until then an order may come that can't be sent.",
            link=f"/admin/stock/stockbalance/?sku__id__exact={wanted.sku_id}",
            now=now,
        )
    return taken


def carry_out_proposal(*, proposal_id: int, now: datetime, actor_id: int | None) -> Taken:
    """
    Do what a transfer proposal says: at once, or as soon as listings have been lowered. Safe to repeat.

    :raises StockError: the stock is not there any more.
    """
    with transaction.atomic():
        proposal = TransferProposal.objects.select_for_update().get(pk=proposal_id)
        if proposal.status != TransferProposal.Status.OPEN:
            return Taken()
        change = Change(
            key=f"proposal:{proposal.pk}",
            sku_id=proposal.sku_id,
            warehouse_id=proposal.source_id,
            at=now,
            reason=proposal.reason,
            actor_id=actor_id,
        )
        taken = take_out(
            change=change,
            kind=Withdrawal.Kind.TRANSFER,
            units=proposal.units,
            now=now,
            to_warehouse_id=proposal.target_id,
            when_short=WhenShort.WAIT,
        )
        proposal.status, proposal.decided_at, proposal.decided_by_id = TransferProposal.Status.DONE, now, actor_id
        proposal.save(update_fields=["status", "decided_at", "decided_by"])
    return taken


def cancel(*, withdrawal_id: int, now: datetime) -> bool:
    """Put what was set aside back on offer. :return: False if it was taken or cancelled before."""
    rows = Withdrawal.objects.filter(pk=withdrawal_id, status=Withdrawal.Status.WAITING)
    if not rows.update(status=Withdrawal.Status.CANCELLED, decided_at=now):
        return False
    resolve_alert(kind=WAITS, key=str(withdrawal_id), now=now)
    decide_soon(Withdrawal.objects.filter(pk=withdrawal_id).values_list("sku_id", flat=True))
    return True


def take_what_is_free(*, now: datetime) -> int:
    """Take what was set aside and is not on offer any more, oldest first. :return: how many were taken."""
    waiting = Withdrawal.objects.filter(status=Withdrawal.Status.WAITING).order_by("id").values_list("id", flat=True)
    taken = [pk for pk in waiting if _take_if_free(pk, now=now)]
    for alert in Alert.objects.filter(kind=FORCED, resolved_at__isnull=True):
        pool = load_pool(sku_ids=[int(alert.key)], now=now)
        if not _over_granted(pool, sku_id=int(alert.key), available=pool.available, now=now):
            resolve_alert(kind=FORCED, key=alert.key, now=now)
    return len(taken)


@retrying
def _take_if_free(withdrawal_id: int, *, now: datetime) -> bool:
    with transaction.atomic():
        rows = Withdrawal.objects.select_for_update(skip_locked=True)
        withdrawal = rows.filter(pk=withdrawal_id, status=Withdrawal.Status.WAITING).first()
        if withdrawal is None:
            return False
        pool = load_pool(sku_ids=[withdrawal.sku_id], now=now, lock="all")
        place = (withdrawal.sku_id, withdrawal.warehouse_id)
        # What was set aside before this one goes first; what was set aside later must not keep it waiting.
        later = Withdrawal.objects.filter(
            status=Withdrawal.Status.WAITING,
            sku=withdrawal.sku_id,
            warehouse=withdrawal.warehouse_id,
            pk__gt=withdrawal_id,
        )
        available = {**pool.available, place: pool.available.get(place, 0) + sum(later.values_list("units", flat=True))}
        if available[place] < 0 or _over_granted(
            pool, sku_id=withdrawal.sku_id, available=available, now=now, where=withdrawal.warehouse_id
        ):
            _say_that_it_waits(withdrawal, now=now)
            return False
        touched = _take(withdrawal, at=withdrawal.occurred_at or now)
        withdrawal.status, withdrawal.decided_at = Withdrawal.Status.DONE, now
        withdrawal.save(update_fields=["status", "decided_at"])
    resolve_alert(kind=WAITS, key=str(withdrawal_id), now=now)
    decide_soon(touched)
    return True


def _say_that_it_waits(withdrawal: Withdrawal, *, now: datetime) -> None:
    if now - withdrawal.asked_at > LONG / settings.CLOCK_FACTOR:
        raise_alert(
            kind=WAITS,
            key=str(withdrawal.pk),
            title=f"{withdrawal}: set aside for long, and not taken yet",
            detail="Listings still offer it, or orders have taken it meanwhile. Cancel it, or take fewer.",
            link=f"/admin/stock/withdrawal/{withdrawal.pk}/change/",
            now=now,
        )


def _again(earlier: Withdrawal, wanted: Withdrawal) -> Taken:
    same = ("kind", "sku_id", "warehouse_id", "to_warehouse_id", "units")
    if any(getattr(earlier, name) != getattr(wanted, name) for name in same):
        raise StockError(f"the key {wanted.key!r} was used before, for {earlier}")
    return Taken(waiting=earlier.status == Withdrawal.Status.WAITING)


def _movement_keys(wanted: Withdrawal) -> list[str]:
    return [f"{wanted.kind}:{wanted.key}{suffix}" for suffix in ("", ":out")]


def _take(wanted: Withdrawal, *, at: datetime) -> list[int]:
    change = Change(
        key=wanted.key,
        sku_id=wanted.sku_id,
        warehouse_id=wanted.warehouse_id,
        at=at,
        reason=wanted.reason,
        actor_id=wanted.asked_by_id,
    )
    if wanted.to_warehouse_id is not None:
        return services.transfer(change, to_warehouse_id=wanted.to_warehouse_id, units=wanted.units)
    return services.sell_offline(change, units=wanted.units)


def _free(pool: Pool, wanted: Withdrawal, *, now: datetime) -> int:
    """How many of the units could go without a listing offering one of them; found by halving."""
    place = (wanted.sku_id, wanted.warehouse_id)
    standing = pool.available.get(place, 0)

    def fits(units: int) -> bool:
        left = {**pool.available, place: standing - units}
        return not _over_granted(pool, sku_id=wanted.sku_id, available=left, now=now, where=wanted.warehouse_id)

    most = min(wanted.units, max(standing, 0))
    if fits(most):
        return most
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _over_granted(
    pool: Pool, *, sku_id: int, available: dict[tuple[int, int], int], now: datetime, where: int | None = None
) -> bool:
    """Whether rows may sell more of a SKU than would be ``available``, by the mode that it is in."""
    for group in groups_of(pool, now=now):
        if not any(row.units.get(sku_id) for row in group.rows):
            continue
        extra = allowance(mode=group.mode, rows=group.rows, available=available, tuning=group.tuning)
        # What an account in trial run shows is not ours to lower, and not what we promised.
        states = [pool.states[row.row_id] for row in group.rows]
        uses = [pool.use(state) for state in states if state.account.mode != ChannelAccount.Mode.SHADOW]
        for grant in over_granted(rows=uses, available=available, allowance=extra):
            if grant.sku_id == sku_id and (where is None or where in grant.warehouses):
                return True
    return False
