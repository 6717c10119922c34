"""What time alone changes, looked at with every sweep: one pass, safe to repeat."""

from __future__ import annotations

from datetime import datetime

from inventory_sync.engine import books, inbound, order_pace, reconcile, withdrawals
from inventory_sync.engine.decide import decide_stale, mark_all_stale


def settle_time(*, now: datetime) -> None:
    """
    Flights past their deadlines, rows whose feed has caught up, units that nobody offers any more, a sale that began or ended, decisions that grew
    old.
    """
    inbound.decide_soon(books.expire_flights(now=now))
    reconcile.start_rows(now=now)
    books.judge_unexplained(now=now)
    withdrawals.take_what_is_free(now=now)
    for account_id in order_pace.measure_order_pace(now=now):
        mark_all_stale(account_id=account_id)
    decide_stale(now=now)
