"""The ways in which people change stock by hand: a form, the one service it calls, and what is said afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from inventory_sync.backoffice import forms
from inventory_sync.engine.inbound import decide_soon
from inventory_sync.engine.withdrawals import Taken, WhenShort, take_out
from inventory_sync.stock import services
from inventory_sync.stock.ledger import MovementConflictError
from inventory_sync.stock.models import Withdrawal
from inventory_sync.stock.services import Change, StockError

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockTool:
    """
    One of them.

    :ivar carry_out: the service; gets who/what/why and the form's values, returns what became of it (nothing touched for a repeat).
    """

    title: str
    submit: str
    icon: str
    form: type[forms.StockForm]
    carry_out: Callable[[Change, Facts], Taken]
    line: str = ""


def _at_once(service: Callable[[Change, Facts], list[int]]) -> Callable[[Change, Facts], Taken]:
    """A fact: it has happened, so nothing is asked."""
    return lambda change, facts: Taken(touched=tuple(service(change, facts)))


def _take_out(change: Change, facts: Facts, *, kind: str) -> Taken:
    target = facts.get("to_warehouse")
    return take_out(
        change=change,
        kind=kind,
        units=facts["units"],
        now=change.at,
        to_warehouse_id=target.pk if target else None,
        when_short=WhenShort(facts["when_short"] or WhenShort.ASK),
    )


TOOLS: Mapping[str, StockTool] = {
    "goods_in": StockTool(
        title="Goods in (GRN)",
        submit="Book goods in",
        icon="add_box",
        form=forms.GoodsInForm,
        carry_out=_at_once(lambda change, facts: services.receive(change, units=facts["units"])),
    ),
    "correction": StockTool(
        title="Correction",
        submit="Correct the stock",
        icon="edit",
        form=forms.CorrectionForm,
        carry_out=_at_once(lambda change, facts: services.adjust(change, units=facts["units"])),
        line="For a known difference. If you have counted the shelf, use a cycle count instead.",
    ),
    "cycle_count": StockTool(
        title="Cycle count",
        submit="Save the count",
        icon="fact_check",
        form=forms.CountForm,
        carry_out=_at_once(lambda change, facts: services.set_count(change, counted=facts["counted"])),
        line="The stock becomes what you counted; the difference goes into the stock history.",
    ),
    "transfer": StockTool(
        title="Transfer",
        submit="Transfer",
        icon="local_shipping",
        form=forms.TransferForm,
        carry_out=partial(_take_out, kind=Withdrawal.Kind.TRANSFER),
    ),
    "offline_sale": StockTool(
        title="Offline sale",
        submit="Book the sale",
        icon="storefront",
        form=forms.OfflineSaleForm,
        carry_out=partial(_take_out, kind=Withdrawal.Kind.SALE),
        line="Sold over the counter or to a business customer.",
    ),
    "to_qc": StockTool(
        title="To QC pending",
        submit="Take off sale",
        icon="search",
        form=forms.InspectForm,
        carry_out=_at_once(lambda change, facts: services.quarantine(change, units=facts["units"])),
    ),
    "back_on_sale": StockTool(
        title="Back on sale",
        submit="Put back on sale",
        icon="undo",
        form=forms.RestockForm,
        carry_out=_at_once(
            lambda change, facts: services.restock(
                change, to_warehouse_id=facts["to_warehouse"].pk, units=facts["units"]
            )
        ),
        line="Inspected and good: from QC pending back into a warehouse that sells.",
    ),
    "bad_stock": StockTool(
        title="Bad stock",
        submit="Write off",
        icon="delete",
        form=forms.WriteOffForm,
        carry_out=_at_once(lambda change, facts: services.write_off(change, units=facts["units"])),
        line="Damaged or lost: off sale for good.",
    ),
}


class AlreadySavedError(Exception):
    """This form was sent before, with other numbers."""


def carry_out(tool: StockTool, facts: Facts, *, actor_id: int | None, now: datetime) -> Taken:
    """
    Change the stock and let the quantities follow.

    :param facts: the cleaned values of ``tool.form``.
    :return: what became of it; nothing is touched by the same form again, or a count that is what the stock says already.
    :raises StockError: it can't be done; the message says why.
    :raises AlreadySavedError: the form's key was used for another change.
    """
    change = Change(
        key=str(facts["key"]),
        sku_id=facts["sku"].pk,
        warehouse_id=facts["warehouse"].pk,
        at=now,
        reason=facts["reason"],
        actor_id=actor_id,
    )
    try:
        taken = tool.carry_out(change, facts)
    except MovementConflictError as error:
        raise AlreadySavedError(
            "This form was saved before with other numbers. Open it again for another change."
        ) from error
    decide_soon(taken.touched)
    return taken


__all__ = ["TOOLS", "AlreadySavedError", "StockError", "StockTool", "carry_out"]
