"""What can be asked for on the command line of ``make demo``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MODES = ("strict", "balanced", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    One run.

    :ivar minutes: real minutes of shopping; None: until Ctrl-C.
    :ivar clock: how much faster than ours the marketplaces' time passes.
    """

    minutes: float | None = None
    clock: float = 20.0
    seed: int = 7
    mode: str = "balanced"
    faults: bool = False
    report: Path | None = None

    @property
    def market_hours(self) -> float:
        """How long the marketplaces' clock runs while buyers come; an hour where the end is open."""
        return 1.0 if self.minutes is None else self.minutes * self.clock / 60.0


def read_options(arguments: Sequence[str] | None = None) -> Options:
    """Parse the command line; ends the process with a clear word where it can't be read."""
    parser = argparse.ArgumentParser(
        prog="python -m inventory_sync.demo", description="The product against three marketplaces on this machine."
    )
    parser.add_argument("--minutes", type=float, help="real minutes of shopping (default: until Ctrl-C)")
    parser.add_argument("--clock", type=float, default=20.0, help="speed of the marketplaces' time (default 20)")
    parser.add_argument("--seed", type=int, default=7, help="fixes goods, buyers, delays and faults (default 7)")
    parser.add_argument("--mode", choices=MODES, default="balanced", help="the stock rule (default balanced)")
    parser.add_argument("--faults", choices=("none", "all"), default="none", help="inject faults (default none)")
    parser.add_argument("--report", type=Path, help="write the report here, as JSON")
    given = parser.parse_args(arguments)
    if given.minutes is not None and not 0 < given.minutes <= 24 * 60:
        parser.error("--minutes must be above 0 and at most a day")
    if not 1 <= given.clock <= 100:
        parser.error("--clock must be between 1 and 100")
    return Options(
        minutes=given.minutes,
        clock=given.clock,
        seed=given.seed,
        mode=given.mode,
        faults=given.faults == "all",
        report=given.report,
    )
