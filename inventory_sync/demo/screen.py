"""The terminal: what happens while it happens, and the figures at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table

from inventory_sync.demo.report import Percentiles, Report

PLAIN_EVERY_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One look at a running demo; counts are by channel where they are mappings."""

    phase: str
    seconds_left: float | None
    sold: Mapping[str, int]
    refused: Mapping[str, int]
    known: Mapping[str, int]
    oversold: int
    waiting: int
    in_flight: int
    alerts: int


class Screen:
    """A live table on a terminal; elsewhere a line now and then."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self._live: Live | None = None
        self._head = ""
        self._printed_at = float("-inf")

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)

    def open(self, *, address: str, login: str) -> None:
        """Say where the back-office is, and begin the live status."""
        self._head = f"Back-office {address}/admin/"
        self.console.print(f"Back-office     {address}/admin/", highlight=False, soft_wrap=True)
        self.console.print(f"One-time login  {login}", highlight=False, soft_wrap=True)
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=2, transient=True)
            self._live.start()

    def show(self, status: Status) -> None:
        if self._live is not None:
            self._live.update(_status_table(status, title=self._head))
        elif time.monotonic() - self._printed_at >= PLAIN_EVERY_SECONDS:
            self._printed_at = time.monotonic()
            self.say(
                f"{status.phase}: sold {sum(status.sold.values())}, refused {sum(status.refused.values())}, known "
                f"{sum(status.known.values())}, oversold {status.oversold}, to send {status.waiting}, in flight {status.in_flight}, "
                f"open alerts {status.alerts}"
            )

    def close(self) -> None:
        """End the live status. Safe to repeat."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def summary(self, report: Report) -> None:
        """The report for people."""
        self.close()
        table = Table(
            title=f"mode {report.mode}, clock {report.clock:g}, seed {report.seed}, {report.minutes:g} minutes"
        )
        for name in ("channel", "buyers", "sold", "applied", "calls"):
            table.add_column(name, justify="left" if name == "channel" else "right")
        table.add_column("sale to applied, s (p50 p95 p99)", justify="right")
        table.add_column("sale to pushed, s (p50 p95 p99)", justify="right")
        for channel, figures in report.channels.items():
            table.add_row(
                channel, str(figures.placed), str(figures.accepted), str(figures.applied), str(figures.calls),
                _seconds(figures.sale_to_applied), _seconds(figures.sale_to_pushed),
            )  # fmt: skip
        self.console.print(table)
        lines = [
            f"oversold           {report.oversold} units",
            f"oracle             {report.own_accepted} of {report.oracle_orders} orders ({report.accepted_share:.1%})",
            f"shown at start     {report.shown_share:.1%} of the goals",
            f"converged          {report.rows_live - len(report.rows_open)} of {report.rows_live} rows in {report.drain_seconds:.0f} s",
            f"ledger             {report.ledger or 'verified'}",
            f"faults injected    {sum(report.faults.values())}",
            f"alerts             {', '.join(f'{kind} {count}' for kind, count in report.alerts.items()) or 'none'}",
            f"up after           {report.up_seconds:.0f} s",
        ]
        self.say("\n".join(lines))
        misses = report.misses()
        self.say(
            "\n".join(f"[red]missed[/red] {miss}" for miss in misses) if misses else "[green]every bar is met[/green]"
        )


def _status_table(status: Status, *, title: str) -> Table:
    left = "" if status.seconds_left is None else f", {max(status.seconds_left, 0):.0f} s left"
    table = Table(title=f"{title}   {status.phase}{left}", caption="Ctrl-C stops everything")
    for name in ("channel", "sold", "refused", "known here"):
        table.add_column(name, justify="left" if name == "channel" else "right")
    for channel in sorted({*status.sold, *status.refused, *status.known}):
        counts = (status.sold, status.refused, status.known)
        table.add_row(channel, *(str(each.get(channel, 0)) for each in counts))
    table.add_section()
    table.add_row("oversold units", f"[{'red' if status.oversold else 'green'}]{status.oversold}[/]", "", "")
    table.add_row("quantities", f"{status.waiting} to send", f"{status.in_flight} in flight", "")
    table.add_row("open alerts", str(status.alerts), "", "")
    return table


def _seconds(values: Percentiles) -> str:
    if values.p50 is None:
        return "none"
    return f"{values.p50:.1f} {values.p95:.1f} {values.p99:.1f}"
