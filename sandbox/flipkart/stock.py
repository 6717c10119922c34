"""
What buyers see and may buy: quantities per (listing, location), writes that take effect later, sales, restocks.

A write is answered at once and takes effect after a random delay, overwriting whatever is shown then, sales in between included.
Each write waits by itself: unless ``effects_in_order`` is set, an earlier one may come into force after a later one and overwrite it.
"""

from __future__ import annotations

from sandbox.flipkart.model import Listing, PendingWrite, StockRow
from sandbox.flipkart.state import State

LATE_EFFECT_SECONDS = 900.0


class Stock:
    """The quantities of every listing. Callers hold the state's lock."""

    def __init__(self, state: State) -> None:
        self.state = state

    def row(self, listing: Listing, location_id: str) -> StockRow:
        return listing.rows.setdefault(location_id, StockRow(location_id=location_id))

    def write(self, listing: Listing, location_id: str, value: int) -> None:
        """Accept an absolute quantity, to take effect later."""
        state, row = self.state, self.row(listing, location_id)
        write = PendingWrite(serial=state.new_serial(), value=value)
        row.accepted, row.last_serial = value, write.serial
        row.pending.append(write)
        delay = state.draw("propagation", state.settings.propagation_seconds)
        if (fault := state.fault("late_effect", sku=listing.sku)) is not None:
            delay = float(fault.options.get("seconds", LATE_EFFECT_SECONDS))
        lost = state.fault("write_lost", sku=listing.sku) is not None
        state.writes.append(
            {
                "at": state.now().isoformat(),
                "sku": listing.sku,
                "location": location_id,
                "value": value,
                "delay_seconds": delay,
                "lost": lost,
            }
        )
        state.counts["writes_accepted"] += 1

        def take_effect() -> None:
            with state.lock:
                self._take_effect(listing, row, write, lost=lost)

        state.world.scheduler.after(delay, take_effect)

    def _take_effect(self, listing: Listing, row: StockRow, write: PendingWrite, *, lost: bool) -> None:
        if write not in row.pending:
            return  # a later write overtook it
        if self.state.settings.effects_in_order:
            row.pending = [pending for pending in row.pending if pending.serial > write.serial]
        else:
            row.pending.remove(write)
        if not lost:
            row.shown = self._shown_for(listing, row, write.value)
            if write.serial == row.last_serial:
                row.accepted = write.value

    def _shown_for(self, listing: Listing, row: StockRow, value: int) -> int:
        if not self.state.settings.inventory_includes_open_orders:
            return value
        return max(0, value - self.state.open_units(listing.sku, row.location_id))

    def set_shown(self, listing: Listing, location_id: str, quantity: int) -> None:
        """Somebody edits the listing in the seller panel: in force at once. Writes on their way still overwrite it."""
        row = self.row(listing, location_id)
        row.shown = row.accepted = quantity

    def read_back(self, listing: Listing, row: StockRow) -> int:
        """What a read says of one location; see ``Settings.read_back``."""
        mode = self.state.settings.read_back
        if mode == "seller_set" or (mode == "accepted" and row.newest_is_pending()):
            return row.accepted
        if mode == "accepted" and self.state.settings.inventory_includes_open_orders:
            return row.shown + self.state.open_units(listing.sku, row.location_id)
        return row.shown

    # --- buyers

    def location_for(self, wanted: dict[str, int], *, location_id: str | None) -> str | None:
        """
        The one seller location from which all of ``wanted`` (SKU -> units) can be sold now, or None.

        :param location_id: where to look; None lets Flipkart pick the first that has them.
        """
        for candidate in self.state.locations if location_id is None else [location_id]:
            rows = {sku: self.state.listings[sku].rows.get(candidate) for sku in wanted}
            if all(
                row is not None and row.status == "ENABLED" and row.shown >= wanted[sku] for sku, row in rows.items()
            ):
                return candidate
        return None

    def take(self, listing: Listing, location_id: str, units: int, *, fbf: bool) -> None:
        """Lower what is shown by a sale that was checked before."""
        if fbf:
            listing.fbf_stock -= units
        else:
            self.row(listing, location_id).shown -= units

    def give_back(self, listing: Listing, location_id: str, units: int, *, fbf: bool) -> None:
        """A buyer's or the marketplace's cancel before dispatch puts the units on sale again, where the setting says so."""
        if fbf:
            listing.fbf_stock += units
        elif self.state.settings.restock_on_cancel:
            self.row(listing, location_id).shown += units

    def out_of_stock(self, listing: Listing, location_id: str) -> None:
        """What a seller's cancel does to the listing at that location. A write that is on its way still takes effect."""
        self.set_shown(listing, location_id, 0)
