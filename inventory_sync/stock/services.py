"""What people do to stock by hand: goods in, corrections, counts, transfers, inspection. Each is one transaction and safe to repeat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from inventory_sync.domain.ledger import Movement, MovementKind
from inventory_sync.stock.ledger import append_movements, lock_balances
from inventory_sync.stock.models import CorrectionProposal, StockBalance, StockMovement, TransferProposal, Warehouse


class StockError(ValueError):
    """A stock change can't be made as asked; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    Who changes which stock, why, and under which key.

    :ivar key: given by the caller, unique for ever: sending the same change again changes nothing.
    """

    key: str
    sku_id: int
    warehouse_id: int
    at: datetime
    reason: str = ""
    actor_id: int | None = None


def _require_own(warehouse_id: int) -> None:
    if not Warehouse.objects.filter(pk=warehouse_id, kind=Warehouse.Kind.OWN).exists():
        raise StockError("that is not an own warehouse")


def _move(
    change: Change, *, kind: MovementKind, units: int, warehouse_id: int | None = None, suffix: str = ""
) -> Movement:
    return Movement(
        key=f"{kind.value}:{change.key}{suffix}",
        sku_id=change.sku_id,
        warehouse_id=warehouse_id or change.warehouse_id,
        on_hand=units,
        kind=kind,
        occurred_at=change.at,
        reason=change.reason,
        actor_id=change.actor_id,
    )


@transaction.atomic
def receive(change: Change, *, units: int) -> list[int]:
    """Goods in: ``units`` (at least 1) more stand in the warehouse. Returns the SKUs touched; [] for a repeat."""
    if units < 1:
        raise StockError("goods in must be at least 1 unit")
    return append_movements([_move(change, kind=MovementKind.RECEIVE, units=units)])


@transaction.atomic
def adjust(change: Change, *, units: int) -> list[int]:
    """A correction by so many units, up or down; a reason is required."""
    if units == 0:
        raise StockError("a correction of 0 units corrects nothing")
    if not change.reason:
        raise StockError("a correction needs a reason")
    return append_movements([_move(change, kind=MovementKind.ADJUST, units=units)])


@transaction.atomic
def set_count(change: Change, *, counted: int) -> list[int]:
    """
    A stock take: so many units were counted in the warehouse, blocked ones included.

    The movement is the difference to the ledger under the lock; a difference of 0 is written down, too. A repeat of the same key changes
    nothing, even if stock moved since.

    :raises StockError: the key was used for a count of something else.
    """
    if counted < 0:
        raise StockError("a count can't be below 0")
    place = (change.sku_id, change.warehouse_id)
    standing = lock_balances([place])[place].on_hand
    movement = _move(change, kind=MovementKind.COUNT, units=counted - standing)
    taken = StockMovement.objects.filter(key=movement.key).values_list("sku_id", "warehouse_id").first()
    if taken is not None:
        if taken != place:
            raise StockError(f"the key {change.key!r} was used for the count of another SKU or warehouse")
        return []
    touched = append_movements([movement], locked=[place])
    return touched if movement.on_hand else []


@transaction.atomic
def transfer(change: Change, *, to_warehouse_id: int, units: int) -> list[int]:
    """
    Move units from ``change.warehouse_id`` to another warehouse.

    :raises StockError: fewer units stand there, or both warehouses are the same.
    """
    return _between(change, kind=MovementKind.TRANSFER, to_warehouse_id=to_warehouse_id, units=units)


@transaction.atomic
def quarantine(change: Change, *, units: int) -> list[int]:
    """Take units off sale for inspection (QC pending)."""
    return _between(change, kind=MovementKind.QUARANTINE, to_warehouse_id=qc_warehouse().pk, units=units)


@transaction.atomic
def restock(change: Change, *, to_warehouse_id: int, units: int) -> list[int]:
    """Inspected and good: from QC (``change.warehouse_id``) back on sale in an own warehouse."""
    _require_own(to_warehouse_id)
    return _between(change, kind=MovementKind.RESTOCK, to_warehouse_id=to_warehouse_id, units=units)


@transaction.atomic
def write_off(change: Change, *, units: int) -> list[int]:
    """Damaged or lost: into bad stock, off sale for good."""
    return _between(change, kind=MovementKind.WRITE_OFF, to_warehouse_id=bad_warehouse().pk, units=units)


def require_standing(sku_id: int, warehouse_id: int, *, units: int) -> None:
    """
    :raises StockError: fewer units stand in the warehouse; or fewer than one was asked for.
    """
    if units < 1:
        raise StockError("take at least 1 unit")
    balance = StockBalance.objects.filter(sku_id=sku_id, warehouse_id=warehouse_id).first()
    standing = balance.on_hand if balance else 0
    if standing < units:
        raise StockError(f"only {max(standing, 0)} stand in that warehouse, {units} were to be taken")


@transaction.atomic
def sell_offline(change: Change, *, units: int) -> list[int]:
    """
    Sold over the counter or to a business customer: so many units have left the warehouse.

    :raises StockError: fewer units stand there.
    """
    if units < 1:
        raise StockError("a sale is at least 1 unit")
    place = (change.sku_id, change.warehouse_id)
    sale = _move(change, kind=MovementKind.SALE, units=-units)
    standing = lock_balances([place])[place].on_hand
    if not StockMovement.objects.filter(key=sale.key).exists() and standing < units:
        raise StockError(f"only {max(standing, 0)} stand in that warehouse, {units} were to be sold")
    return append_movements([sale], locked=[place])


def _between(change: Change, *, kind: MovementKind, to_warehouse_id: int, units: int) -> list[int]:
    if units < 1:
        raise StockError("move at least 1 unit")
    if to_warehouse_id == change.warehouse_id:
        raise StockError("source and target are the same warehouse")
    out = _move(change, kind=kind, units=-units, suffix=":out")
    into = _move(change, kind=kind, units=units, warehouse_id=to_warehouse_id, suffix=":in")
    places = [(change.sku_id, change.warehouse_id), (change.sku_id, to_warehouse_id)]
    standing = lock_balances(places)[places[0]].on_hand
    if StockMovement.objects.filter(key=out.key).exists():
        return append_movements([out, into])  # a repeat, or a conflict that is named
    if standing < units:
        raise StockError(f"only {max(standing, 0)} stand in that warehouse, {units} were to be moved")
    return append_movements([out, into])


def qc_warehouse() -> Warehouse:
    """Where returned goods wait for a person: the oldest warehouse of this kind, created if there is none."""
    return _warehouse_of_kind(Warehouse.Kind.QC, code="QC", name="QC pending")


def bad_warehouse() -> Warehouse:
    """Where bad stock is written to: the oldest warehouse of this kind, created if there is none."""
    return _warehouse_of_kind(Warehouse.Kind.BAD, code="BAD", name="Bad stock")


def _warehouse_of_kind(kind: Warehouse.Kind, *, code: str, name: str) -> Warehouse:
    found = Warehouse.objects.filter(kind=kind).order_by("id").first()
    if found is None:
        found, _ = Warehouse.objects.get_or_create(code=code, defaults={"name": name, "kind": kind})
    if found.kind != kind:
        raise StockError(f"the warehouse code {code} stands for an {found.get_kind_display()}: give that another code")
    return found


def propose_transfer(*, sku_id: int, source_id: int, target_id: int, units: int, reason: str) -> None:
    """An order needs stock that stands elsewhere: propose to move it; an open proposal for the same way grows to the need."""
    row, created = TransferProposal.objects.get_or_create(
        sku_id=sku_id,
        source_id=source_id,
        target_id=target_id,
        status=TransferProposal.Status.OPEN,
        defaults={"units": units, "reason": reason[:200]},
    )
    if not created and row.units < units:
        TransferProposal.objects.filter(pk=row.pk).update(units=units, reason=reason[:200])


@transaction.atomic
def post_correction(*, proposal_id: int, at: datetime, actor_id: int | None) -> list[int]:
    """Post a proposed correction. Safe to repeat. Returns the SKUs touched."""
    proposal = CorrectionProposal.objects.select_for_update().get(pk=proposal_id)
    if proposal.status != CorrectionProposal.Status.OPEN:
        return []
    change = Change(
        key=f"correction:{proposal.pk}",
        sku_id=proposal.sku_id,
        warehouse_id=proposal.warehouse_id,
        at=at,
        reason=proposal.reason,
        actor_id=actor_id,
    )
    touched = adjust(change, units=proposal.units)
    proposal.status, proposal.decided_at, proposal.decided_by_id = CorrectionProposal.Status.DONE, at, actor_id
    proposal.save(update_fields=["status", "decided_at", "decided_by"])
    return touched
